//! One JSON object a line; `docs/diagnostics.md` says what its fields mean.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{Location, Placed, Position, display, sorted};
use crate::diag::Diagnostic;
use crate::source::Sources;
use crate::visible;

/// Problems for programs.
pub(crate) fn render_json(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut out = String::new();
    for Placed { diagnostic, position, labels } in sorted(diagnostics, sources) {
        let labels = labels.iter().map(|(label, position)| {
            let mut object = Map::from_iter([("message".to_owned(), label.message.as_str().into())]);
            put_place(&mut object, position.as_ref(), Some(&label.location), sources);
            Value::Object(object)
        });
        let labels = labels.collect();
        let mut object = Map::new();
        object.insert("code".to_owned(), diagnostic.code.id().into());
        object.insert("severity".to_owned(), diagnostic.code.severity().to_string().into());
        object.insert("message".to_owned(), diagnostic.message.as_str().into());
        put_place(&mut object, position.as_ref(), diagnostic.location.as_ref(), sources);
        object.insert("labels".to_owned(), Value::Array(labels));
        object.insert("help".to_owned(), diagnostic.help.as_deref().into());
        // Writing to a string does not fail.
        let _ = writeln!(out, "{}", visible::json(&Value::Object(object).to_string()));
    }
    out
}

fn put_place(
    object: &mut Map<String, Value>,
    position: Option<&Position<'_>>,
    location: Option<&Location>,
    sources: &Sources,
) {
    let document = location.and_then(|location| sources.get(location.file));
    let place = json!({
        "file": position.map(|position| display(position.path)),
        "line": position.map(|position| position.line),
        "column": position.map(|position| position.column),
        "end_column": position.map(|position| position.column + position.length),
        "document": document.map(|document| display(&document.path)),
        "pointer": location.map(|location| location.pointer.as_str()),
    });
    if let Value::Object(place) = place {
        object.extend(place);
    }
}
