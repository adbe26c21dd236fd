use std::io;
use std::path::PathBuf;

use clap::Args;

use super::{Console, DONE, Input, NO, counted, print};

pub(super) const EXAMPLES: &str = "\
Examples:
  specsmith check
      the crate that specsmith.yaml names; put it into CI

Nothing is written. `specsmith generate` brings the crate up to date.";

/// `specsmith check`.
#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    input: Input,

    /// The folder to compare; with a manifest, in place of the one it names
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// The name of the crate made from SPECs
    #[arg(long, value_name = "NAME", requires = "specs")]
    crate_name: Option<String>,

    /// The folder of specsmith-runtime that the crate names
    #[arg(long, value_name = "DIR", requires = "specs")]
    runtime_path: Option<PathBuf>,
}

impl Check {
    pub(super) fn run(self, console: &Console) -> u8 {
        let mut builder = self.input.builder();
        if let Some(name) = &self.crate_name {
            builder = builder.crate_name(name);
        }
        if let Some(out) = &self.out {
            builder = builder.out_dir(out);
        }
        if let Some(path) = &self.runtime_path {
            builder = builder.runtime_path(path);
        }
        let differences = match builder.check() {
            Ok(differences) => differences,
            Err(failure) => return console.failure(&failure),
        };
        let mut out = io::stdout().lock();
        for difference in &differences {
            print(&mut out, &format!("{} {}", difference.path.display(), difference.what));
            if let Some(diff) = &difference.diff {
                print(&mut out, diff.trim_end());
            }
        }
        if differences.is_empty() {
            return DONE;
        }
        let count = counted(differences.len(), "difference");
        print(
            &mut out,
            &format!("{count}: run `specsmith generate`, or change the documents, overlays or manifest instead"),
        );
        NO
    }
}
