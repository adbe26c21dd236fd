//! `specs/*.json`: the facts are those of the published documents, the prose is not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::scratch::{DOCUMENTS, reference, root};

fn document(name: &str) -> Value {
    read(&root().join("specs").join(name))
}

fn read(path: &std::path::Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A text for people. A *property* that is called `description` is a fact, and so is what is no string.
fn is_prose(key: &str, value: &Value, parent: &str) -> bool {
    let named = matches!(key, "description" | "summary")
        || key.starts_with("x-internal-")
        || (key == "title" && parent == "info");
    named && value.is_string()
}

/// Splits a document into its facts, by their paths, and its prose.
fn split(value: &Value, path: &str, parent: &str, facts: &mut BTreeMap<String, Value>, prose: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            facts.insert(format!("{path}{{}}"), Value::Null);
            for (key, value) in object {
                match value.as_str().filter(|_| is_prose(key, value, parent)) {
                    Some(text) => {
                        prose.insert(text.split_whitespace().collect::<Vec<_>>().join(" "));
                    }
                    None => split(value, &format!("{path}/{key}"), key, facts, prose),
                }
            }
        }
        Value::Array(items) => {
            facts.insert(format!("{path}[]"), items.len().into());
            for (index, item) in items.iter().enumerate() {
                split(item, &format!("{path}/{index}"), parent, facts, prose);
            }
        }
        plain => {
            facts.insert(path.to_owned(), plain.clone());
        }
    }
}

/// One line for each fact that differs, and for each text of more than five words that was copied.
fn faults(published: &Value, ours: &Value) -> Vec<String> {
    let (mut want, mut have) = (BTreeMap::new(), BTreeMap::new());
    let (mut theirs, mut own) = (BTreeSet::new(), BTreeSet::new());
    split(published, "", "", &mut want, &mut theirs);
    split(ours, "", "", &mut have, &mut own);
    let mut faults = Vec::new();
    for path in want.keys().chain(have.keys()).collect::<BTreeSet<_>>() {
        match (want.get(path), have.get(path)) {
            (Some(want), Some(have)) if want != have => faults.push(format!("differs: {path}: {want} is {have}")),
            (Some(want), None) => faults.push(format!("missing: {path} = {want}")),
            (None, Some(have)) => faults.push(format!("invented: {path} = {have}")),
            _ => {}
        }
    }
    let copied = theirs.intersection(&own).filter(|text| text.split(' ').count() > 5);
    faults.extend(copied.map(|text| format!("copied: {text}")));
    faults
}

#[test]
fn facts_are_those_of_the_published_documents() {
    let Some(reference) = reference() else { return };
    let faults = |name: &str| faults(&read(&reference.join("specs/iothub").join(name)), &document(name));
    let all: Vec<String> = DOCUMENTS
        .iter()
        .flat_map(|name| faults(name).into_iter().map(move |fault| format!("{name}: {fault}")))
        .collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn the_comparison_sees_what_differs() {
    let published = serde_json::json!({
        "info": { "title": "Theirs", "x-internal-id": "1" },
        "definitions": { "A": {
            "description": "One two three four five six.",
            "properties": { "title": { "type": "string" }, "description": { "type": "string" } },
            "required": ["title"],
        } },
    });
    let mut ours = published.clone();
    ours["info"] = serde_json::json!({ "title": "Ours" });
    assert_eq!(faults(&published, &ours), ["copied: One two three four five six."]);
    ours["definitions"]["A"]["description"] = "Six words of our own, really.".into();
    assert_eq!(faults(&published, &ours), [""; 0]);
    ours["definitions"]["A"]["properties"]["description"]["type"] = "integer".into();
    ours["definitions"]["A"]["required"] = serde_json::json!([]);
    ours["definitions"]["A"]["x-new"] = true.into();
    assert_eq!(
        faults(&published, &ours),
        [
            "differs: /definitions/A/properties/description/type: \"string\" is \"integer\"",
            "missing: /definitions/A/required/0 = \"title\"",
            "differs: /definitions/A/required[]: 1 is 0",
            "invented: /definitions/A/x-new = true",
        ]
    );
}

/// What a reader of the generated code would find without a word: parameters, responses, definitions, properties.
fn undescribed(value: &Value, path: &str, parent: &str, faults: &mut Vec<String>) {
    let described = |value: &Value| value["description"].as_str().is_some_and(|text| !text.trim().is_empty());
    // What a reference names has a description of its own.
    let is_bare = |value: &Value| value.get("$ref").is_none() && !described(value);
    match value {
        Value::Object(object) => {
            // A property may be called as a keyword is.
            let named = parent != "properties" && matches!(parent, "definitions" | "parameters" | "responses");
            for (key, value) in object {
                let path = format!("{path}/{key}");
                if (named || parent == "properties") && value.is_object() && is_bare(value) {
                    faults.push(path.clone());
                }
                // The names in such an object are no keywords.
                undescribed(value, &path, if named || parent == "properties" { "" } else { key }, faults);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}/{index}");
                if parent == "parameters" && is_bare(item) {
                    faults.push(path.clone());
                }
                undescribed(item, &path, "", faults);
            }
        }
        _ => {}
    }
}

#[test]
fn everything_is_described() {
    let mut faults = Vec::new();
    for name in DOCUMENTS {
        undescribed(&document(name), name, "", &mut faults);
    }
    assert!(faults.is_empty(), "without description:\n{}", faults.join("\n"));
}

#[test]
fn what_is_not_described_is_seen() {
    let document = serde_json::json!({
        "paths": { "/a": { "get": {
            "parameters": [{ "name": "b" }, { "$ref": "#/parameters/c" }],
            "responses": { "200": { "description": " " } },
        } } },
        "parameters": { "c": { "name": "c" } },
        "definitions": { "D": { "description": "D.", "properties": { "properties": {
            "description": "One that is called as the keyword.", "properties": { "e": {} },
        } } } },
    });
    let mut faults = Vec::new();
    undescribed(&document, "", "", &mut faults);
    assert_eq!(
        faults,
        [
            "/paths/~a/get/parameters/0",
            "/paths/~a/get/responses/200",
            "/parameters/c",
            "/definitions/D/properties/properties/properties/e"
        ]
        .map(|path| path.replace("~a", "/a"))
    );
}

#[test]
fn nothing_internal_is_left() {
    fn internal(value: &Value, path: &str, faults: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    if key.starts_with("x-internal-") {
                        faults.push(format!("{path}/{key}"));
                    }
                    internal(value, &format!("{path}/{key}"), faults);
                }
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| internal(item, &format!("{path}/{index}"), faults))
            }
            _ => {}
        }
    }
    let mut faults = Vec::new();
    for name in DOCUMENTS {
        internal(&document(name), name, &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
