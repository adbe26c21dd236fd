use std::io;
use std::time::Instant;

use clap::Args;
use specsmith::Summary;

use super::{Console, DONE, Input, Target, counted, print};
use crate::visible;

pub(super) const EXAMPLES: &str = "\
Examples:
  specsmith generate
      what specsmith.yaml says
  specsmith generate api.json --out my-api --crate-name my-api
      one document, a crate of its own
  specsmith generate api.json --out my-api --crate-name my-api --server-only
      the same without clients, for whoever implements the service
  specsmith generate a.json b.yaml --overlay a.overlay.yaml --out apis --crate-name apis
      two documents, one crate with two clients

Files that would not change are not touched; generated files that were edited by hand are written anew, and named. A file
that the generator did not write is not overwritten without --force.

On any error the folder is as it was. A run that was killed is undone by the next one; until then .specsmith.tmp in
the folder shows it, and `specsmith check` names it. Of two runs at once, one waits for the other.";

/// `specsmith generate`.
#[derive(Args)]
pub(super) struct Generate {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    target: Target,

    /// Overwrite files that the generator did not write, and remove edited ones that are no longer generated
    #[arg(long)]
    force: bool,
}

impl Generate {
    pub(super) fn run(self, console: &Console) -> u8 {
        let start = Instant::now();
        let builder = match self.target.builder(&self.input) {
            Ok(builder) => builder.force(self.force),
            Err(failure) => return console.failure(&failure),
        };
        match builder.generate() {
            Ok(summary) => {
                console.messages(&summary.warnings);
                print(&mut io::stdout(), &text(&summary, start));
                DONE
            }
            Err(failure) => console.failure(&failure),
        }
    }
}

fn text(summary: &Summary, start: Instant) -> String {
    let mut changes = format!("{} written", summary.changed);
    if summary.removed > 0 {
        changes += &format!(", {} removed", summary.removed);
    }
    let warnings = match summary.warnings.len() {
        0 => String::new(),
        count => format!(", {}", counted(count, "warning")),
    };
    format!(
        "{}: {}, {}, {}, {}; {} ({changes}) in {:.0?}{warnings}",
        visible::line(&summary.out.display().to_string()),
        counted(summary.documents, "document"),
        counted(summary.overlays, "overlay"),
        counted(summary.operations, "operation"),
        counted(summary.models, "model"),
        counted(summary.files, "file"),
        start.elapsed(),
    )
}
