//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/>): one log of one run, for code scanning services.

use std::path::Path;

use serde_json::{Value, json};

use super::{Location, Placed, Position, display, sorted};
use crate::diag::{Code, Diagnostic};
use crate::source::Sources;
use crate::visible;

/// A log, also of a run without problems: it says that there are none.
pub(crate) fn render_sarif(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let placed = sorted(diagnostics, sources);
    let mut codes: Vec<Code> = placed.iter().map(|one| one.diagnostic.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let results: Vec<Value> = placed.iter().map(|one| result(one, &codes)).collect();
    let log = json!({
        "version": "2.1.0",
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    visible::json(&format!("{log:#}\n"))
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.id(),
        "name": format!("{code:?}"),
        "shortDescription": { "text": code.meaning() },
        "help": { "text": code.explanation(), "markdown": code.explanation() },
        "defaultConfiguration": { "level": code.severity().to_string() },
    })
}

fn result(one: &Placed<'_, '_>, codes: &[Code]) -> Value {
    let Placed { diagnostic, position, labels } = one;
    let mut message = diagnostic.message.clone();
    if let Some(help) = &diagnostic.help {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    let mut result = json!({
        "ruleId": diagnostic.code.id(),
        "ruleIndex": codes.binary_search(&diagnostic.code).ok(),
        "level": diagnostic.code.severity().to_string(),
        "message": { "text": message },
    });
    if let (Some(position), Some(location)) = (position, &diagnostic.location) {
        result["locations"] = json!([place(position, location)]);
    }
    let related: Vec<Value> = labels
        .iter()
        .filter_map(|(label, position)| Some((label, position.as_ref()?)))
        .enumerate()
        .map(|(index, (label, position))| {
            let mut place = place(position, &label.location);
            place["id"] = (index + 1).into();
            place["message"] = json!({ "text": label.message });
            place
        })
        .collect();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    result
}

/// Where the text stands, and which node of which document it is.
fn place(position: &Position<'_>, location: &Location) -> Value {
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(position.path) },
            "region": {
                "startLine": position.line,
                "startColumn": position.column,
                "endColumn": position.column + position.length,
            },
        },
        "logicalLocations": [{ "fullyQualifiedName": location.pointer.as_str() }],
    })
}

/// A path as a URI reference (RFC 3986): relative as it is, absolute as a `file:` URI.
fn uri(path: &Path) -> String {
    let path_text = display(path);
    let mut uri = String::with_capacity(path_text.len());
    if path.is_absolute() {
        uri.push_str(if path_text.starts_with('/') { "file://" } else { "file:///" });
    }
    for byte in path_text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            b':' if path.is_absolute() => uri.push(':'),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}
