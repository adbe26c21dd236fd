//! The program `iothub-emulator`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
