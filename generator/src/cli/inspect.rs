use std::io;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{Console, DONE, Input, counted, print};
use crate::visible;

pub(super) const EXAMPLES: &str = "\
Examples:
  specsmith inspect
      the operations, a line each
  specsmith inspect --format json | jq '.operations[] | .id'
      everything, for other tools
  specsmith inspect api.json --no-overlays
      a document to the letter";

/// `specsmith inspect`.
#[derive(Args)]
pub(super) struct Inspect {
    #[command(flatten)]
    input: Input,

    /// How it is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    /// A line for each operation
    #[default]
    Text,
    /// One JSON object: ir_version, clients, operations, models
    Json,
}

impl Inspect {
    pub(super) fn run(self, console: &Console) -> u8 {
        let inspection = match self.input.builder().inspect() {
            Ok(inspection) => inspection,
            Err(failure) => return console.failure(&failure),
        };
        console.messages(&inspection.warnings);
        let text = match self.format {
            Format::Text => text(&inspection.value),
            Format::Json => visible::json(&format!("{:#}", inspection.value)),
        };
        print(&mut io::stdout(), &text);
        DONE
    }
}

/// A line for each operation: its id, its route, how it is called, and where it comes from if an overlay brought it.
fn text(value: &Value) -> String {
    let operations = value["operations"].as_array().map_or(&[][..], Vec::as_slice);
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows: Vec<[String; 3]> = operations
        .iter()
        .map(|operation| {
            let rust = &operation["rust"];
            let call = match rust["method"].as_str() {
                Some(method) => format!("{}.{}().{method}()", word(&operation["client"]), word(&rust["group"])),
                None => "server only".to_owned(),
            };
            let overlay = operation["overlay"]["file"].as_str().map(|file| format!("  [{file}]")).unwrap_or_default();
            let route = format!("{} {}", word(&operation["method"]), word(&operation["path"]));
            [visible::line(&word(&operation["id"])), call, visible::line(&format!("{route}{overlay}"))]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let (ids, calls) = (width(0), width(1));
    let mut lines: Vec<String> =
        rows.iter().map(|[id, call, route]| format!("{id:ids$}  {call:calls$}  {route}")).collect();
    let count = |name: &str, noun: &str| counted(value[name].as_array().map_or(0, Vec::len), noun);
    let counts = [count("operations", "operation"), count("models", "model"), count("clients", "client")];
    lines.push(counts.join(", "));
    lines.join("\n")
}
