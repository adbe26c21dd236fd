//! Changes to values and to texts.

use serde_json::{Map, Value, json};

use crate::rng::Rng;
use crate::seeds::{Seeds, weight};

/// Names that are hard to have in Rust, or hard to tell apart, or hard to write down.
const NAMES: &[&str] = &[
    "",
    "_",
    "__",
    "Self",
    "self",
    "super",
    "crate",
    "gen",
    "async",
    "dyn",
    "type",
    "match",
    "true",
    "union",
    "try",
    "r#type",
    "String",
    "Vec",
    "Option",
    "Result",
    "Ok",
    "Err",
    "Some",
    "None",
    "Box",
    "Default",
    "Clone",
    "Debug",
    "Value",
    "Map",
    "Call",
    "Client",
    "Error",
    "Response",
    "Request",
    "Operation",
    "Pipeline",
    "Secret",
    "Nullable",
    "Other",
    "Unknown",
    "models",
    "client",
    "mod",
    "lib",
    "runtime",
    "v1",
    "core",
    "std",
    "alloc",
    "i32",
    "str",
    "bool",
    "additional_properties",
    "additionalProperties",
    "new",
    "with_name",
    "name",
    "Name",
    "NAME",
    "na-me",
    "na_me",
    "na me",
    "naMe",
    "$name",
    "@name",
    "name[]",
    "0",
    "007",
    "1st",
    "-1",
    "+1",
    "1.5",
    "1e9",
    "*",
    "/",
    "//",
    "a/b",
    "~0~1",
    "%2F",
    "{id}",
    "{",
    "}",
    "{}",
    "{{}}",
    "é",
    "ß",
    "名前",
    "имя",
    "שם",
    "ﬁ",
    "e\u{301}",
    "\u{202e}txt",
    "\u{0}",
    "\n",
    "\r\n",
    "\t",
    "\"",
    "\\",
    "'",
    "`",
    "```",
    "*/",
    "/*",
    "//!",
    "#![x]",
    "<script>",
    "[x](y)",
    "\u{feff}",
    "\u{1F600}",
    "🦀",
    "K",
    "İ",
    "ı",
    "Ǆ",
    "into_future",
    "send",
    "etag",
    "body",
    "get",
    "default",
    "drop",
    "clone",
    "fmt",
    "from",
    "into",
    "eq",
    "await",
    "x-ms-x",
    "$ref",
    "__proto__",
    "https",
    "If-Match",
    "content-type",
];

const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\n",
    "\r",
    "\t",
    " ",
    "  ",
    "- ",
    "? ",
    ": ",
    "#",
    "&a ",
    "*a",
    "*b ",
    "<<: *a\n",
    "!!str ",
    "!!int ",
    "!x ",
    "! ",
    "| ",
    "|\n",
    ">-\n",
    "|9\n",
    "'",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "%TAG ! x\n",
    "~",
    "null",
    "true",
    "0",
    "-",
    "1e400",
    "-0",
    "0x",
    "0o7",
    ".inf",
    ".nan",
    "1.",
    "007",
    "99999999999999999999",
    "\u{feff}",
    "\u{0}",
    "\u{85}",
    "\u{2028}",
    "\u{7f}",
    "é",
    "🦀",
    "@",
    "`",
    "$ref",
    "\"$ref\":",
    "{}",
    "[]",
    "[[[[[[[[",
    "{\"\":{\"\":",
    "- - - - - ",
    "a: b: c",
    "\"a\":1,\"a\":2,",
];

pub(crate) fn name(rng: &mut Rng) -> String {
    let picked = (*rng.pick(NAMES).unwrap_or(&"x")).to_owned();
    match rng.below(200) {
        0 => "a".repeat(60_000),
        1..4 => picked.repeat(1 + rng.below(3000)),
        4..20 => format!("{picked}{}", rng.pick(NAMES).unwrap_or(&"")),
        _ => picked,
    }
}

fn scalar(rng: &mut Rng) -> Value {
    match rng.below(14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(false),
        3 => json!(0),
        4 => json!(-1),
        5 => json!(u64::MAX),
        6 => json!(i64::MIN),
        7 => json!(1e300),
        8 => json!(-0.0),
        9 => json!([]),
        10 => json!({}),
        11 => json!(5e-324),
        _ => json!(name(rng)),
    }
}

/// A `$ref` to something that is likely to be there.
fn reference(rng: &mut Rng, document: &Value) -> Value {
    let mut pointer = String::from("#");
    let mut at = document;
    let start = ["definitions", "definitions", "definitions", "parameters", "responses", "paths"];
    let start = *rng.pick(&start).unwrap_or(&"definitions");
    if let Some(section) = at.get(start).filter(|_| !rng.once_in(20)) {
        pointer = format!("#/{start}");
        at = section;
    }
    while let Some((step, below)) = child(rng, at) {
        pointer = format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"));
        at = below;
        if rng.once_in(if start == "paths" { 6 } else { 2 }) {
            break;
        }
    }
    if rng.once_in(30) {
        let odd = [
            "",
            "#",
            "#/",
            "other.json",
            "other.json#/definitions/A",
            "fuzzed.json",
            "http://x/y",
            "/etc/passwd",
            "#/%",
            "../..",
            "x:y",
        ];
        pointer = (*rng.pick(&odd).unwrap_or(&"#")).to_owned();
    }
    json!({ "$ref": pointer })
}

fn child<'a>(rng: &mut Rng, value: &'a Value) -> Option<(String, &'a Value)> {
    match value {
        Value::Object(object) if !object.is_empty() => {
            object.iter().nth(rng.below(object.len())).map(|(key, below)| (key.clone(), below))
        }
        Value::Array(items) if !items.is_empty() => {
            let index = rng.below(items.len());
            Some((index.to_string(), items.get(index)?))
        }
        _ => None,
    }
}

/// The node of this number, counted from the root down.
fn node(of: &mut Value, number: usize) -> Option<&mut Value> {
    let Some(mut left) = number.checked_sub(1) else { return Some(of) };
    let children: Vec<&mut Value> = match of {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(object) => object.values_mut().collect(),
        _ => return None,
    };
    for child in children {
        let below = weight(child);
        if left < below {
            return node(child, left);
        }
        left -= below;
    }
    None
}

fn any_node(rng: &mut Rng, value: &Value) -> Value {
    let mut copy = value.clone();
    let number = rng.below(weight(value));
    node(&mut copy, number).map(Value::take).unwrap_or_default()
}

/// One change somewhere in a document.
pub(crate) fn value(rng: &mut Rng, document: &mut Value, seeds: &Seeds) {
    let number = rng.below(weight(document));
    let kind = rng.below(20);
    let new = match kind {
        0 => Some(any_node(rng, document)),
        1 => Some(reference(rng, document)),
        2 => rng.pick(&seeds.documents).cloned().map(|other| any_node(rng, &other)),
        3 => Some(scalar(rng)),
        _ => None,
    };
    let root = document.clone();
    let Some(at) = node(document, number) else { return };
    match (kind, new) {
        (_, Some(new)) if weight(&new) < 3000 => *at = new,
        (4, _) => wrap(rng, at),
        (5, _) if at.is_string() => *at = json!(name(rng)),
        (5, _) if at.is_number() => *at = scalar(rng),
        (6, _) if rng.once_in(20) => *at = huge(rng),
        _ => match at {
            Value::Object(object) => member(rng, object, &root, seeds),
            Value::Array(items) if !items.is_empty() => {
                let (from, to) = (rng.below(items.len()), rng.below(items.len()));
                match rng.below(4) {
                    0 => drop(items.remove(from)),
                    1 => items.push(items[from].clone()),
                    2 => items.swap(from, to),
                    _ => items.push(scalar(rng)),
                }
            }
            other => *other = if rng.once_in(2) { json!(name(rng)) } else { scalar(rng) },
        },
    }
}

/// One change to an object's members.
fn member(rng: &mut Rng, object: &mut Map<String, Value>, root: &Value, seeds: &Seeds) {
    let index = rng.below(object.len());
    let picked = object.iter().nth(index).map(|(key, value)| (key.clone(), value.clone()));
    let Some((key, held)) = picked else {
        if let Some((key, values)) = rng.pick(&seeds.keywords) {
            object.insert(key.clone(), rng.pick(values).cloned().unwrap_or_default());
        }
        return;
    };
    match rng.below(10) {
        0 => drop(object.shift_remove(&key)),
        // The same under another name, in place or beside.
        1 | 2 => {
            let new = name(rng);
            *object =
                object.iter().map(|(k, v)| (if *k == key { new.clone() } else { k.clone() }, v.clone())).collect();
        }
        3 => drop(object.insert(name(rng), held)),
        4 => drop(object.insert(similar(rng, &key), held)),
        // What the key has elsewhere.
        5 | 6 => {
            let known = seeds.keywords.binary_search_by(|(known, _)| known.cmp(&key));
            if let Some(value) = known.ok().and_then(|at| rng.pick(&seeds.keywords[at].1)) {
                object.insert(key, value.clone());
            }
        }
        7 | 8 => {
            if let Some((key, values)) = rng.pick(&seeds.keywords) {
                object.insert(key.clone(), rng.pick(values).cloned().unwrap_or_default());
            }
        }
        _ => drop(object.insert(key, reference(rng, root))),
    }
}

/// A name that becomes the same one in Rust, or nearly.
fn similar(rng: &mut Rng, name: &str) -> String {
    match rng.below(6) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        2 => format!("{name}_"),
        3 => format!("-{name}"),
        4 => name.chars().flat_map(|c| [c, '-']).collect(),
        _ => format!("{name}2"),
    }
}

/// The node, in a schema in a schema in a schema.
fn wrap(rng: &mut Rng, at: &mut Value) {
    let depth = if rng.once_in(10) { 1 + rng.below(40) } else { 1 + rng.below(3) };
    let kind = rng.below(5);
    for _ in 0..depth {
        let inner = at.take();
        *at = match kind {
            0 => json!({ "type": "array", "items": inner }),
            1 => json!({ "type": "object", "properties": { "x": inner } }),
            2 => json!({ "allOf": [inner] }),
            3 => json!({ "type": "object", "additionalProperties": inner }),
            _ => json!([inner]),
        };
    }
}

fn huge(rng: &mut Rng) -> Value {
    let count = 500 + rng.below(4500);
    match rng.below(3) {
        0 => (0..count).map(|number| json!(format!("value {number}"))).collect(),
        1 => json!({ "type": "string", "enum": (0..count).map(|number| format!("V{number}")).collect::<Vec<_>>() }),
        _ => {
            let properties: Map<_, _> =
                (0..count / 5).map(|n| (format!("p{n}"), json!({ "type": "string" }))).collect();
            json!({ "type": "object", "properties": properties })
        }
    }
}

/// One change to a text.
pub(crate) fn text(rng: &mut Rng, text: &mut Vec<u8>, seeds: &Seeds) {
    let (start, end) = (rng.below(text.len() + 1), rng.below(text.len() + 1));
    let near = (start + rng.below(20)).min(text.len());
    match rng.below(10) {
        0 => drop(text.drain(start..near)),
        1 => drop(text.drain(start.min(end)..start.max(end))),
        2 => text.truncate(start),
        3 => {
            let piece = text[start..near].to_vec();
            let times = if rng.once_in(20) { 3000 } else { 1 + rng.below(4) };
            let repeated = piece.repeat(times);
            text.splice(start..start, repeated);
        }
        4 => {
            if let Some(byte) = text.get_mut(start) {
                *byte ^= 1 << rng.below(8);
            }
        }
        5 => {
            if let Some((_, other)) = rng.pick(&seeds.texts) {
                let from = rng.below(other.len() + 1);
                let to = (from + rng.below(400)).min(other.len());
                text.splice(start..start, other[from..to].iter().copied());
            }
        }
        _ => {
            let piece = rng.pick(PIECES).unwrap_or(&"");
            let times = if rng.once_in(100) { 5000 } else { 1 };
            text.splice(start..start, piece.repeat(times).into_bytes());
        }
    }
}

/// An overlay for a document: some of its actions hit.
pub(crate) fn overlay(rng: &mut Rng, document: &Value, seeds: &Seeds) -> Value {
    let mut actions = Vec::new();
    for _ in 0..1 + rng.below(6) {
        let mut action = json!({ "target": path(rng, document) });
        match rng.below(5) {
            0 => action["remove"] = json!(true),
            1 => action["copy"] = json!(path(rng, document)),
            2 => action["update"] = scalar(rng),
            3 => action["update"] = any_node(rng, document),
            _ => {
                if let Some((key, values)) = rng.pick(&seeds.keywords) {
                    action["update"] = json!({ key: rng.pick(values) });
                }
            }
        }
        actions.push(action);
    }
    let version = if rng.once_in(3) { "1.0.0" } else { "1.1.0" };
    json!({ "overlay": version, "info": { "title": "x", "version": "1" }, "actions": actions })
}

/// A JSONPath, most likely one that matches.
fn path(rng: &mut Rng, document: &Value) -> String {
    let mut path = String::from("$");
    let mut at = document;
    for _ in 0..rng.below(7) {
        let Some((step, below)) = child(rng, at) else { break };
        at = below;
        let quoted = step.replace('\\', "\\\\").replace('\'', "\\'");
        path.push_str(&match rng.below(14) {
            0 => "[*]".to_owned(),
            1 => ".*".to_owned(),
            2 => format!("..['{quoted}']"),
            3 => format!("[?@['{quoted}']]"),
            4 => "[?@.type=='string']".to_owned(),
            5 => "[0:2]".to_owned(),
            6 => "[?length(@.name)>3]".to_owned(),
            _ if step.parse::<usize>().is_ok() => format!("[{step}]"),
            _ => format!("['{quoted}']"),
        });
    }
    if rng.once_in(8) {
        let odd = [
            "..*",
            "[?",
            "]",
            "[?(@)]",
            "['x'",
            "[-1]",
            "[::0]",
            "[1:2:-1]",
            ".é",
            "[?@.a==$..b]",
            "[?!!@]",
            "[99999999999999999999]",
            "..[*][*]",
        ];
        path.push_str(rng.pick(&odd).unwrap_or(&"x"));
    }
    path
}
