//! The command-line tool: see `specsmith --help`.

mod cli;
mod visible;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
