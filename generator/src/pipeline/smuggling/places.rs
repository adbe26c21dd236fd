//! Where texts stand in a document: values, and keys that are names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Objects whose keys are names. All other keys are keywords.
const NAMED: &[&str] = &[
    "definitions",
    "headers",
    "parameters",
    "paths",
    "properties",
    "responses",
    "scopes",
    "securityDefinitions",
    "x-ms-paths",
    "x-ms-examples",
];

/// All texts of one kind, which are replaced together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The values of a keyword, or the texts in the list that is its value.
    Value(String),
    /// The names that are keys below a keyword.
    Name(String),
    /// The keyword itself.
    Keyword(String),
}

impl Kind {
    /// Whether a text holds signs with which a document of this kind says something else: more variables, more steps.
    pub(super) fn means(&self, text: &str) -> bool {
        match self {
            Self::Name(_) | Self::Keyword(_) if text.starts_with("x-") => true,
            Self::Value(keyword) if keyword == "hostTemplate" => text.contains('/'),
            _ if self.is_path() => text.contains(['?', '&', '=']) || (text.contains('{') && text.contains('}')),
            // Of `x-specsmith-etag`.
            Self::Value(keyword) if keyword == "body" => text.contains('.'),
            _ => false,
        }
    }

    pub(super) fn is_path(&self) -> bool {
        matches!(self, Self::Name(parent) if parent == "paths" || parent == "x-ms-paths")
    }

    fn of_key(parent: &str, key: &str) -> Self {
        if NAMED.contains(&parent) { Self::Name(parent.to_owned()) } else { Self::Keyword(key.to_owned()) }
    }
}

/// The kinds of texts that a document has.
pub(super) fn kinds(document: &Value) -> Vec<Kind> {
    let mut found = BTreeSet::new();
    walk(document, "", &mut |kind, _| {
        found.insert(kind);
    });
    found.into_iter().collect()
}

fn walk(value: &Value, keyword: &str, visit: &mut dyn FnMut(Kind, &str)) {
    match value {
        Value::String(text) => visit(Kind::Value(keyword.to_owned()), text),
        Value::Array(items) => items.iter().for_each(|item| walk(item, keyword, visit)),
        Value::Object(members) => {
            for (key, value) in members {
                visit(Kind::of_key(keyword, key), key);
                walk(value, below(keyword, key), visit);
            }
        }
        _ => {}
    }
}

/// What the keys and texts below a key belong to: a name is none that could make names of the keys below it.
fn below<'k>(keyword: &str, key: &'k str) -> &'k str {
    if NAMED.contains(&keyword) { "" } else { key }
}

/// New texts for old ones.
pub(super) type Renamed = BTreeMap<String, String>;

/// A document in which all texts of a kind are other ones, each by its number among them; and which became which.
///
/// What refers to a name follows it: references, lists of required properties, discriminators.
pub(super) fn replaced(document: &Value, kind: &Kind, new: &dyn Fn(&str, usize) -> String) -> (Value, Renamed) {
    let mut renamed = Renamed::new();
    walk(document, "", &mut |found, old| {
        if found == *kind && !renamed.contains_key(old) {
            renamed.insert(old.to_owned(), new(old, renamed.len()));
        }
    });
    (rewritten(document, "", kind, &renamed), renamed)
}

fn rewritten(value: &Value, keyword: &str, kind: &Kind, renamed: &Renamed) -> Value {
    match value {
        Value::String(text) => rewritten_text(text, keyword, kind, renamed).into(),
        Value::Array(items) => items.iter().map(|item| rewritten(item, keyword, kind, renamed)).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| {
                let new = renamed.get(key).filter(|_| Kind::of_key(keyword, key) == *kind);
                (new.unwrap_or(key).clone(), rewritten(value, below(keyword, key), kind, renamed))
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn rewritten_text(text: &str, keyword: &str, kind: &Kind, renamed: &Renamed) -> String {
    let own = Kind::Value(keyword.to_owned());
    let follows = match kind {
        Kind::Name(of) => of == "properties" && matches!(keyword, "required" | "discriminator"),
        _ => own == *kind,
    };
    if follows {
        return renamed.get(text).cloned().unwrap_or_else(|| text.to_owned());
    }
    let reference = match kind {
        Kind::Name(section) if keyword == "$ref" => text.strip_prefix("#/").and_then(|rest| rest.strip_prefix(section)),
        _ => None,
    };
    match reference.and_then(|rest| renamed.get(rest.strip_prefix('/')?)) {
        Some(new) => {
            let section = text.rsplit_once('/').map_or("", |(section, _)| section);
            format!("{section}/{}", escaped(new))
        }
        None => text.to_owned(),
    }
}

/// A name as a JSON pointer in a URI has it.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for byte in name.replace('~', "~0").replace('/', "~1").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
