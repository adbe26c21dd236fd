use std::io;

use clap::Args;

use specsmith::Messages;

use super::{Console, DONE, Input, NO, Target, counted, print};
use crate::visible;

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

    #[command(flatten)]
    target: Target,
}

impl Check {
    pub(super) fn run(self, console: &Console) -> u8 {
        let builder = match self.target.builder(&self.input) {
            Ok(builder) => builder,
            Err(failure) => return console.failure(&failure),
        };
        let differences = match builder.check() {
            Ok(differences) => {
                // A log says also that there is nothing to say.
                console.messages(&Messages::default());
                differences
            }
            Err(failure) => return console.failure(&failure),
        };
        let mut out = io::stdout().lock();
        for difference in &differences {
            print(&mut out, &visible::line(&format!("{} {}", difference.path.display(), difference.what)));
            if let Some(diff) = &difference.diff {
                diff.lines().for_each(|line| print(&mut out, &visible::line(line)));
            }
        }
        if differences.is_empty() {
            return DONE;
        }
        let count = counted(differences.len(), "difference");
        print(
            &mut out,
            &format!(
                "{count}: run `specsmith generate`, or change the documents, overlays or manifest instead; move away what does not belong here"
            ),
        );
        NO
    }
}
