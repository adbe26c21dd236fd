//! The JSONPath of an action (RFC 9535).

use std::collections::HashSet;

use serde_json::Value;
use serde_json_path::JsonPath;

use crate::diag::{Code, Diagnostic, Diagnostics, Location, Pointer};

/// How deep brackets may be nested, and how long a path may be: the parser takes twice as long for every
/// filter inside a filter, and recurses.
const MAX_NESTING: usize = 8;
const MAX_LENGTH: usize = 4096;

/// A path, as it stands in an overlay.
pub(super) struct Target<'a> {
    pub(super) at: Location,
    text: &'a str,
    path: JsonPath,
    /// Where in the text the segments start.
    segments: Vec<usize>,
}

impl<'a> Target<'a> {
    pub(super) fn parse(text: &'a str, at: Location, diags: &mut Diagnostics) -> Option<Self> {
        let wrong = |message: String| Diagnostic::new(Code::BadJsonPath, message).at_value(&at);
        let (segments, nesting) = outline(text);
        if nesting > MAX_NESTING || text.len() > MAX_LENGTH {
            let message = format!("the path is longer than {MAX_LENGTH} bytes or nested more than {MAX_NESTING} deep");
            diags.push(wrong(message).help("select the nodes with several actions, each with a simpler path"));
            return None;
        }
        match JsonPath::parse(text) {
            Ok(path) => Some(Self { at, text, path, segments }),
            Err(error) => {
                let reason = match error.message() {
                    "parser error" => "it cannot be understood",
                    message => message,
                };
                let rest = text.get(error.position()..).filter(|rest| !rest.is_empty());
                let place = rest.map_or_else(|| "at its end".to_owned(), |rest| format!("at `{rest}`"));
                let character = error.position() + 1;
                let help = "a path starts with `$`; a key with other characters than letters, digits and `_` is \
                            written `['/jobs/{id}']`";
                let message = format!("`{text}` is not a JSONPath: {reason}, {place} (character {character})");
                diags.push(wrong(message).help(help));
                None
            }
        }
    }

    /// The nodes that the path matches, each once.
    pub(super) fn select(&self, document: &Value) -> Vec<Pointer> {
        let nodes = self.path.query_located(document);
        let mut seen = HashSet::with_capacity(nodes.len());
        let pointers = nodes.locations().map(|path| Pointer::parse(&path.to_json_pointer()));
        pointers.filter(|pointer| seen.insert(pointer.clone())).collect()
    }

    /// What to say if there are none: how far the path gets.
    pub(super) fn matched_nothing(&self, document: &Value) -> Diagnostic {
        let message = format!("`{}` matches nothing in the document", self.text);
        let diagnostic = Diagnostic::new(Code::NothingMatched, message).at_value(&self.at);
        let longest = self.segments.iter().enumerate().rev().find_map(|(segment, &start)| {
            let (matching, rest) = self.text.split_at_checked(start)?;
            let path = JsonPath::parse(matching).ok()?;
            let nodes = path.query(document).all();
            let end = self.segments.get(segment + 1).map_or(rest.len(), |next| next - start);
            (!nodes.is_empty()).then(|| (matching, rest.get(..end).unwrap_or(rest), nodes))
        });
        let Some((matching, failing, nodes)) = longest else {
            return diagnostic.help("compare the path with the document, as the actions before this one leave it");
        };
        let mut help = format!("`{matching}` still matches, `{failing}` below it does not");
        let name = failing.trim_matches(['.', '[', ']', '\'', '"']);
        let mut keys: Vec<&str> =
            nodes.into_iter().filter_map(Value::as_object).flat_map(|node| node.keys().map(String::as_str)).collect();
        keys.sort_unstable();
        keys.dedup();
        if let [like, ..] = similar::get_close_matches(name, &keys, 1, 0.6).as_slice() {
            help.push_str(&format!("; there is a key `{like}`"));
        }
        diagnostic.help(help)
    }
}

/// Where the segments of a path start, without the parser, which does not tell; and how deep its brackets go.
fn outline(text: &str) -> (Vec<usize>, usize) {
    let mut segments = Vec::new();
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut quote = None;
    let mut before = 0;
    for (index, byte) in text.bytes().enumerate() {
        match quote {
            Some(end) if byte == end && before != b'\\' => quote = None,
            Some(_) => {}
            None => {
                if depth == 0 && matches!(byte, b'.' | b'[') && before != b'.' && index > 0 {
                    segments.push(index);
                }
                match byte {
                    b'\'' | b'"' => quote = Some(byte),
                    b'[' | b'(' => depth += 1,
                    b']' | b')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                deepest = deepest.max(depth);
            }
        }
        // A backslash that is itself escaped escapes nothing.
        before = if before == b'\\' && byte == b'\\' { 0 } else { byte };
    }
    (segments, deepest)
}
