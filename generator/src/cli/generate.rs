use std::io;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use specsmith::Summary;

use super::{Console, DONE, Input, USAGE, counted, print};

pub(super) const EXAMPLES: &str = "\
Examples:
  specsmith generate
      what specsmith.yaml says
  specsmith generate api.json --out my-api --crate-name my-api
      one document, a crate of its own
  specsmith generate a.json b.yaml --overlay a.overlay.yaml --out apis --crate-name apis
      two documents, one crate with two clients

Files that would not change are not touched. A file that the generator did not write is not overwritten without --force.";

/// `specsmith generate`.
#[derive(Args)]
pub(super) struct Generate {
    #[command(flatten)]
    input: Input,

    /// The output folder; with a manifest, in place of the one it names
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// The name of the crate made from SPECs
    #[arg(long, value_name = "NAME", requires = "specs")]
    crate_name: Option<String>,

    /// The folder of specsmith-runtime, in place of the registry's
    #[arg(long, value_name = "DIR", requires = "specs")]
    runtime_path: Option<PathBuf>,

    /// Overwrite and remove files that were edited by hand or that the generator did not write
    #[arg(long)]
    force: bool,
}

impl Generate {
    pub(super) fn run(self, console: &Console) -> u8 {
        let start = Instant::now();
        let mut builder = self.input.builder().force(self.force);
        if !self.input.specs.is_empty() {
            let (Some(name), Some(_)) = (&self.crate_name, &self.out) else {
                let text = "error: `generate SPEC...` needs --out DIR and --crate-name NAME\n\nFor more information, try '--help'.";
                print(&mut io::stderr(), text);
                return USAGE;
            };
            builder = builder.crate_name(name);
        }
        if let Some(out) = &self.out {
            builder = builder.out_dir(out);
        }
        if let Some(path) = &self.runtime_path {
            builder = builder.runtime_path(path);
        }
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
        summary.out.display(),
        counted(summary.documents, "document"),
        counted(summary.overlays, "overlay"),
        counted(summary.operations, "operation"),
        counted(summary.models, "model"),
        counted(summary.files, "file"),
        start.elapsed(),
    )
}
