//! The command line: arguments in, exit code out. What is done stands in the library.

mod check;
mod explain;
mod generate;
mod inspect;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use specsmith::diag::Severity;
use specsmith::{Builder, Failure, Messages};

/// All is well.
const DONE: u8 = 0;
/// The answer is no: a document is not valid, the code is stale.
const NO: u8 = 1;
/// Wrong usage, or a file that cannot be read.
const USAGE: u8 = 2;

/// Generates Rust API crates from OpenAPI documents
///
/// Documents are Swagger 2.0, in JSON or YAML. What they get wrong is put right by OpenAPI Overlays; what things are called in
/// Rust is said in a manifest, `specsmith.yaml`.
#[derive(Parser)]
#[command(
    name = "specsmith",
    version,
    after_help = "Exit codes: 0 done; 1 the answer is no (an invalid document, stale code, an output folder that is somebody else's or cannot be written); 2 wrong usage, or a file that cannot be read."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// How diagnostics are printed to stderr; `docs/diagnostics.md` describes the formats
    #[arg(long, value_enum, default_value_t, global = true)]
    message_format: MessageFormat,
}

#[derive(Clone, Copy, Default, PartialEq, ValueEnum)]
enum MessageFormat {
    /// With the lines that they speak of
    #[default]
    Human,
    /// One JSON object a line
    Json,
    /// One log of SARIF 2.1.0, also where there is nothing to say
    Sarif,
}

#[derive(Subcommand)]
enum Command {
    /// Write the crate
    #[command(after_help = generate::EXAMPLES)]
    Generate(generate::Generate),
    /// Compare the crate with what would be generated; exit 1 and a diff where it is stale
    #[command(after_help = check::EXAMPLES)]
    Check(check::Check),
    /// Show what the documents come to: clients, operations, models
    #[command(after_help = inspect::EXAMPLES)]
    Inspect(inspect::Inspect),
    /// Say what the code of a diagnostic means, and how to mend it
    #[command(after_help = explain::EXAMPLES)]
    Explain(explain::Explain),
}

/// What to read.
#[derive(Args)]
struct Input {
    /// Documents to read in place of a manifest: one client each
    #[arg(value_name = "SPEC", conflicts_with = "manifest")]
    specs: Vec<PathBuf>,

    /// The manifest
    #[arg(long, value_name = "FILE", default_value = "specsmith.yaml")]
    manifest: PathBuf,

    /// An overlay for the document that it extends; may be given again
    #[arg(long, value_name = "FILE", requires = "specs")]
    overlay: Vec<PathBuf>,

    /// Take the documents to the letter, without any overlay
    #[arg(long)]
    no_overlays: bool,

    /// Refuse `$ref`s to files outside this folder; may be given again. Without it, they may lead to any file relative to the document
    #[arg(long, value_name = "DIR")]
    allow_root: Vec<PathBuf>,
}

impl Input {
    fn builder(&self) -> Builder {
        let builder = Builder::new().quiet(true).no_overlays(self.no_overlays);
        let builder = self.allow_root.iter().fold(builder, Builder::allow_root);
        if self.specs.is_empty() {
            return builder.manifest(&self.manifest);
        }
        let builder = self.specs.iter().fold(builder, Builder::spec);
        self.overlay.iter().fold(builder, Builder::overlay)
    }
}

/// Which package it is, and where.
#[derive(Args)]
struct Target {
    /// The output folder; with a manifest, in place of the one it names
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// The name of the crate made from SPECs
    #[arg(long, value_name = "NAME", requires = "specs")]
    crate_name: Option<String>,

    /// The folder of specsmith-runtime, in place of the registry's
    #[arg(long, value_name = "DIR", requires = "specs")]
    runtime_path: Option<PathBuf>,

    /// Only the clients
    #[arg(long, requires = "specs", conflicts_with = "server_only")]
    client_only: bool,

    /// Only the traits of a server
    #[arg(long, requires = "specs")]
    server_only: bool,
}

impl Target {
    /// The builder of the input with this target. SPECs need both a folder and a name, and it is an error where one is missing.
    fn builder(&self, input: &Input) -> Result<Builder, Failure> {
        if !input.specs.is_empty() && (self.out.is_none() || self.crate_name.is_none()) {
            return Err(Failure::usage("SPEC... needs --out DIR and --crate-name NAME", "add them; see `--help`"));
        }
        let of_specs = self.crate_name.is_some()
            || self.runtime_path.is_some()
            || !input.overlay.is_empty()
            || self.client_only
            || self.server_only;
        if input.specs.is_empty() && of_specs {
            let message = "--crate-name, --runtime-path, --overlay, --client-only and --server-only are for SPEC...";
            return Err(Failure::usage(message, "leave them out, or name documents in place of the manifest"));
        }
        let builder = input.builder().client_only(self.client_only).server_only(self.server_only);
        let builder = self.out.iter().fold(builder, Builder::out_dir);
        let builder = self.crate_name.iter().fold(builder, Builder::crate_name);
        Ok(self.runtime_path.iter().fold(builder, Builder::runtime_path))
    }
}

/// Runs the command of the process's arguments.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(wrong_arguments(&error)),
    };
    let console = Console { format: cli.message_format };
    let code = match cli.command {
        Command::Generate(command) => command.run(&console),
        Command::Check(command) => command.run(&console),
        Command::Inspect(command) => command.run(&console),
        Command::Explain(command) => command.run(&console),
    };
    ExitCode::from(code)
}

/// Prints what clap has to say: for programs, what is wrong in the format that they asked for.
fn wrong_arguments(error: &clap::Error) -> u8 {
    let format = match format_of(std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned())) {
        Some(format) if error.use_stderr() && format != MessageFormat::Human => format,
        _ => {
            let _ = error.print();
            return if error.use_stderr() { USAGE } else { DONE };
        }
    };
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    Console { format }.failure(&Failure::usage(message, "see `specsmith --help`"))
}

/// The format that arguments ask for which are not all right.
fn format_of(mut arguments: impl Iterator<Item = String>) -> Option<MessageFormat> {
    let name = "--message-format";
    while let Some(argument) = arguments.next() {
        let value = match argument.strip_prefix(name) {
            Some("") => arguments.next(),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => None,
        };
        if let Some(format) = value.and_then(|value| MessageFormat::from_str(&value, false).ok()) {
            return Some(format);
        }
    }
    None
}

/// Where diagnostics go.
struct Console {
    format: MessageFormat,
}

impl Console {
    fn messages(&self, messages: &Messages) {
        let text = match self.format {
            MessageFormat::Human => messages.to_text(colors(&io::stderr())),
            MessageFormat::Json => messages.to_json(),
            MessageFormat::Sarif => messages.to_sarif(),
        };
        if !text.is_empty() {
            print(&mut io::stderr(), text.trim_end());
        }
    }

    /// Prints why it failed, and gives the exit code of that.
    fn failure(&self, failure: &Failure) -> u8 {
        self.messages(failure.messages());
        if self.format == MessageFormat::Human {
            let of = |severity| failure.messages().iter().filter(|it| it.code.severity() == severity).count();
            let (errors, warnings) = (counted(of(Severity::Error), "error"), of(Severity::Warning));
            let warnings = if warnings > 0 { format!(" and {}", counted(warnings, "warning")) } else { String::new() };
            print(&mut io::stderr(), &format!("\n{errors}{warnings}: nothing was written"));
        }
        if failure.is_unreadable() { USAGE } else { NO }
    }
}

/// Colors are for people: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
fn colors(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Prints a line. A reader that has gone away is no reason to complain.
fn print(stream: &mut impl Write, text: &str) {
    let _ = writeln!(stream, "{text}");
}

/// `1 file`, `2 files`.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
