//! What is found in JSON text, beside what serde_json reads.

use proptest::prelude::*;
use serde_json::Value;

use super::super::row::Step;
use super::super::{Item, JsonRow, Row, find_in_json};
use super::strategies::{document, steps};

fn path(steps: &[&str]) -> Vec<Step> {
    let step = |step: &&str| step.parse().map_or_else(|_| Step::Name((*step).into()), Step::Index);
    steps.iter().map(step).collect()
}

#[track_caller]
fn finds(json: &str, steps: &[&str], wanted: Option<&str>) {
    assert_eq!(find_in_json(json.as_bytes(), &path(steps)).map(str::from_utf8), wanted.map(Ok), "{json} {steps:?}");
}

#[test]
fn values() {
    let json = r#" { "a" : 1 , "b":"x\"}]" , "c" : [ -1.5e3 , { "d" : [ ] } ,true] , "e": { } , "f":null } "#;
    finds(json, &[], Some(json.trim()));
    finds(json, &["a"], Some("1"));
    finds(json, &["b"], Some(r#""x\"}]""#));
    finds(json, &["c"], Some(r#"[ -1.5e3 , { "d" : [ ] } ,true]"#));
    finds(json, &["c", "0"], Some("-1.5e3"));
    finds(json, &["c", "1", "d"], Some("[ ]"));
    finds(json, &["c", "2"], Some("true"));
    finds(json, &["e"], Some("{ }"));
    finds(json, &["f"], Some("null"));
    for nothing in [&["g"][..], &["a", "b"], &["c", "3"], &["c", "d"], &["c", "1", "d", "0"], &["e", "a"], &["0"]] {
        finds(json, nothing, None);
    }
}

#[test]
fn names() {
    finds(r#"{"\u0061":1,"b\n":2,"c":3}"#, &["a"], Some("1"));
    finds(r#"{"\u0061":1,"b\n":2,"c":3}"#, &["b\n"], Some("2"));
    finds(r#"{"\ud83d\ude00":1}"#, &["😀"], Some("1"));
    finds(r#"{"😀":1}"#, &["😀"], Some("1"));
    finds(r#"{"\n":1}"#, &["n"], None);
    finds(r#"{"\x":1,"x":2}"#, &["x"], Some("2"));
    // One that is no name any more, since its escape is no escape.
    finds(r#"{"\u00":1,"b":2}"#, &["b"], Some("2"));
    finds(r#"{"":1}"#, &[""], Some("1"));
    finds(r#"{"a":1,"a":2}"#, &["a"], Some("1"));
}

#[test]
fn what_is_no_json() {
    for text in
        ["", " ", "{", "}", "{]", "[", "\"", "\"\\", "{\"a\"", "{\"a\":", "{\"a\" 1}", "{a:1}", "[,]", ":", "{,}"]
    {
        finds(text, &["a"], None);
        finds(text, &["0"], None);
        assert_eq!(JsonRow(text.as_bytes()).get(&path(&["a"])), None);
    }
    let deep = "[".repeat(100_000);
    finds(&deep, &[], None);
    finds(&format!("{deep}{}", "]".repeat(100_000)), &["0", "0", "a"], None);
}

#[test]
fn items() {
    for (text, value) in [
        ("0", true),
        ("-0", true),
        ("-1", true),
        ("12345678901234567890", true),
        ("-1234567890123456789", true),
        ("1.5", true),
        ("1E-2", true),
        ("true", true),
        ("null", true),
        (r#""é\u00e9\n""#, true),
        ("01", false),
        ("-", false),
        ("1x", false),
        ("truer", false),
        (r#""\x""#, false),
        ("\"", false),
        ("1e999", false),
        ("", false),
    ] {
        let item = Item::from_json(text.as_bytes());
        assert_eq!(item.and_then(Item::into_value), serde_json::from_str(text).ok(), "{text}");
        assert_eq!(serde_json::from_str::<Value>(text).is_ok(), value, "{text}");
    }
    assert_eq!(Item::from_json(b"\"\xff\""), None);
    assert_eq!(Item::from_json(b"[1").and_then(Item::into_value), None);
}

/// JSON that has escapes for all characters of its strings, blanks everywhere, or neither.
fn written(value: &Value, style: u8) -> String {
    match style {
        0 => value.to_string(),
        1 => format!("{value:#}"),
        _ => escaped(value),
    }
}

fn escaped(value: &Value) -> String {
    let text = |text: &str| -> String {
        let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        format!("\t\"{units}\" ")
    };
    match value {
        Value::String(string) => text(string),
        Value::Array(items) => format!("[\r\n{}]", items.iter().map(escaped).collect::<Vec<_>>().join(",")),
        Value::Object(properties) => {
            let properties = properties.iter().map(|(name, value)| format!("{}:{}", text(name), escaped(value)));
            format!("{{{}}}", properties.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_found_is_what_serde_json_reads(document in document(), path in steps(), style in 0..3_u8) {
        let json = written(&document, style);
        let wanted = path.iter().try_fold(&document, |value, step| match step {
            Step::Name(name) => value.get(&**name),
            Step::Index(index) => value.get(index),
        });
        let wanted = wanted.cloned();
        prop_assert_eq!(Row::get(&document, &path).and_then(Item::into_value), wanted.clone());
        let found = find_in_json(json.as_bytes(), &path).map(|found| serde_json::from_slice(found).unwrap());
        prop_assert_eq!(&found, &wanted);
        prop_assert_eq!(JsonRow(json.as_bytes()).get(&path).and_then(Item::into_value), wanted);
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..64), path in steps()) {
        let _ = JsonRow(&bytes).get(&path).and_then(Item::into_value);
    }

    #[test]
    fn any_marks_are_taken(text in r#"[\[\]{}",:\\ua0 ]{0,40}"#, path in steps()) {
        let _ = JsonRow(text.as_bytes()).get(&path).and_then(Item::into_value);
    }

    #[test]
    fn a_document_with_a_slip_is_taken(
        document in document(),
        path in steps(),
        style in 0..3_u8,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut json = written(&document, style).into_bytes();
        let at = at.index(json.len());
        json[at] = byte;
        if cut {
            json.truncate(at);
        }
        if let Some(found) = find_in_json(&json, &path) {
            prop_assert!(json.windows(found.len()).any(|part| part == found));
        }
    }
}
