//! The JSONPath of an action (RFC 9535).

use std::collections::HashSet;

use serde_json::Value;
use serde_json_path::JsonPath;

use crate::diag::{Code, Diagnostic, Diagnostics, Location, Pointer};

/// How long a path may be, and how deep its brackets may go: the parser takes twice as long for every filter inside a filter, and
/// recurses.
const MAX_LENGTH: usize = 4096;
const MAX_NESTING: usize = 8;

/// How many `..` a path may have, how many filters within filters, how many brackets with several selectors, and how many commas: each
/// multiplies the nodes that are looked at.
const MAX_DESCENTS: usize = 3;
const MAX_FILTERS: usize = 2;
const MAX_UNIONS: usize = 3;
const MAX_COMMAS: usize = 64;

/// How many keys are looked at, and how long they may be, to find the one that was meant.
const MAX_KEYS: usize = 1000;
const MAX_KEY: usize = 100;

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
        let simpler = "select the nodes with several actions, each with a simpler path";
        if text.len() > MAX_LENGTH {
            diags.push(wrong(format!("the path is longer than {MAX_LENGTH} bytes")).help(simpler));
            return None;
        }
        let outline = Outline::of(text);
        if let Some(fault) = outline.fault() {
            diags.push(wrong(fault).help(simpler));
            return None;
        }
        let segments = outline.segments;
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
        keys.retain(|key| key.len() <= MAX_KEY);
        keys.truncate(MAX_KEYS);
        if let [like, ..] = similar::get_close_matches(name, &keys, 1, 0.6).as_slice() {
            help.push_str(&format!("; there is a key `{like}`"));
        }
        diagnostic.help(help)
    }
}

/// What can be seen of a path without the parser, which does not tell where the segments start, and would take too long for some.
#[derive(Default)]
struct Outline {
    /// Where the segments start.
    segments: Vec<usize>,
    nesting: usize,
    descents: usize,
    filters: usize,
    unions: usize,
    commas: usize,
}

impl Outline {
    fn of(text: &str) -> Self {
        let mut outline = Self::default();
        // The brackets that are open, and whether a filter or a comma stood in each.
        let mut open: Vec<(bool, bool)> = Vec::new();
        let mut quote = None;
        let mut before = 0;
        for (index, byte) in text.bytes().enumerate() {
            match quote {
                Some(end) if byte == end && before != b'\\' => quote = None,
                Some(_) => {}
                None => {
                    if open.is_empty() && matches!(byte, b'.' | b'[') && before != b'.' && index > 0 {
                        outline.segments.push(index);
                    }
                    outline.descents += usize::from(byte == b'.' && before == b'.');
                    outline.bracket(byte, &mut open);
                    if matches!(byte, b'\'' | b'"') {
                        quote = Some(byte);
                    }
                }
            }
            // A backslash that is itself escaped escapes nothing.
            before = if before == b'\\' && byte == b'\\' { 0 } else { byte };
        }
        outline
    }

    fn bracket(&mut self, byte: u8, open: &mut Vec<(bool, bool)>) {
        match (byte, open.last_mut()) {
            (b'[' | b'(', _) => open.push((false, false)),
            (b']' | b')', _) => drop(open.pop()),
            (b'?', Some((filter, _))) => *filter = true,
            (b',', Some((_, comma))) => {
                self.commas += 1;
                self.unions += usize::from(!*comma);
                *comma = true;
            }
            _ => {}
        }
        self.nesting = self.nesting.max(open.len());
        self.filters = self.filters.max(open.iter().filter(|(filter, _)| *filter).count());
    }

    /// What the path has too much of.
    fn fault(&self) -> Option<String> {
        let limits = [
            ("brackets within brackets", self.nesting, MAX_NESTING),
            ("`..`", self.descents, MAX_DESCENTS),
            ("filters within filters", self.filters, MAX_FILTERS),
            ("brackets with several selectors", self.unions, MAX_UNIONS),
            ("commas", self.commas, MAX_COMMAS),
        ];
        let (what, ..) = limits.into_iter().find(|(_, count, most)| count > most)?;
        Some(format!("the path has too many {what}: it could take for ever"))
    }
}
