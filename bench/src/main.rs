//! What specsmith and the crates it generates cost. `README.md` says how to read the tables.

mod client;
mod compile;
mod emulator;
mod generate;
mod load;
mod measure;
mod query;
mod scale;
mod server;
mod table;
mod wire;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::measure::Workplace;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// What specsmith and the crates it generates cost, beside something measured in the same run
#[derive(Parser)]
#[command(name = "specsmith-bench")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Generating: CPU time and peak memory of the whole process
    Generate {
        /// How often each is run
        #[arg(long, default_value_t = 20)]
        runs: usize,
        /// A document to measure in place of the manifest
        #[arg(long)]
        spec: Option<PathBuf>,
    },
    /// Generating from documents of 40, 400 and 4,000 operations, made of the real ones: whether time and memory stay linear
    Scale {
        /// How often each is run
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
    /// Compiling: the generated crate beside serde's derives with inlined calls, and beside the same items without bodies
    Compile {
        /// How often each is compiled
        #[arg(long, default_value_t = 3)]
        runs: usize,
        /// Documents to measure in place of the manifest, one crate each
        #[arg(long)]
        spec: Vec<PathBuf>,
        /// Each of the five documents by itself
        #[arg(long, conflicts_with = "spec")]
        each: bool,
    },
    /// Reading and writing models: the runtime's machine beside serde's derives
    Serde {
        /// How many batches of each are run
        #[arg(long, default_value_t = 100)]
        runs: usize,
        /// Only the cases whose name has this in it
        #[arg(long, default_value = "")]
        only: String,
    },
    /// Calling: a request through `iothub` beside the same by hand, in time, allocations and memory
    Client {
        /// How many batches of each are run
        #[arg(long, default_value_t = 40)]
        runs: usize,
    },
    /// Serving: operations behind the generated traits beside the same by hand on axum, in process and on loopback; finding routes
    Server {
        /// How many batches of each are run
        #[arg(long, default_value_t = 20)]
        runs: usize,
    },
    /// The emulator's queries over 100,000 twins
    Query {
        /// How often each is run
        #[arg(long, default_value_t = 20)]
        runs: usize,
    },
    /// The emulator: requests beside a service of constants, writes beside the bare store, start, memory, and queries
    Emulator {
        /// How often each is run
        #[arg(long, default_value_t = 20)]
        runs: usize,
        /// Only the tables whose name has this in it: reads, writes, start, memory
        #[arg(long, default_value = "")]
        only: String,
    },
    /// Answers all requests with constants (for ourselves)
    #[command(hide = true)]
    Constant,
    /// Makes many requests at once (for ourselves)
    #[command(hide = true)]
    Load { who: client::Who, address: SocketAddr },
    /// Runs a command and prints what it used (for ourselves)
    #[command(hide = true)]
    Measured {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Reads and parses JSON files (for ourselves)
    #[command(hide = true)]
    ParseJson { files: Vec<PathBuf> },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Generate { runs, spec } => generate::run(&Workplace::find()?, runs, spec),
        Command::Scale { runs } => scale::run(&Workplace::find()?, runs),
        Command::Compile { runs, spec, each } => {
            let place = Workplace::find()?;
            let specs = if each { place.documents()? } else { spec };
            if specs.is_empty() {
                return compile::run(&place, runs, None);
            }
            specs.iter().try_for_each(|spec| compile::run(&place, runs, Some(spec)))
        }
        Command::Serde { runs, only } => wire::run(runs, &only),
        Command::Client { runs } => client::run(&Workplace::find()?, runs),
        Command::Server { runs } => server::run(runs),
        Command::Query { runs } => query::run(runs),
        Command::Emulator { runs, only } => emulator::run(runs, &only),
        Command::Constant => emulator::constant(),
        Command::Load { who, address } => client::load(who, address),
        Command::Measured { command } => measure::child(&command),
        Command::ParseJson { files } => generate::parse_json(&files),
    }
}
