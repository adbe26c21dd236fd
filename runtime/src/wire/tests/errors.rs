//! What errors say, and what they do not.

use super::*;
use crate::Error;
use crate::wire::{self, Slot};

#[test]
fn the_path_leads_to_the_value() {
    for (json, path, text) in [
        (r#"5"#, "", "expected an object, found a number"),
        (r#"{"text":5}"#, "text", "expected a string, found a number"),
        (
            r#"{"text":"","child":{"text":"","child":{"text":[]}}}"#,
            "child.child.text",
            "expected a string, found an array",
        ),
        (
            r#"{"text":"","children":[{"text":""},{"text":{}}]}"#,
            "children[1].text",
            "expected a string, found an object",
        ),
        (r#"{"text":"","children":[{"text":""},{}]}"#, "children[1]", "the property `text` is missing"),
        (r#"{"text":"","named":{"a-b_$c":{}}}"#, "named.a-b_$c", "the property `text` is missing"),
        (r#"{"text":"","named":{"a.b":{"text":1}}}"#, r#"named["a.b"].text"#, "expected a string, found a number"),
        (r#"{"text":"","map":{"":""}}"#, r#"map[""]"#, "expected a 32-bit integer, found a string"),
        (
            r#"{"text":"","map":{"\n\u001b[1m\u202e":""}}"#,
            r#"map["\n\u{1b}[1m\u{202e}"]"#,
            "expected a 32-bit integer, found a string",
        ),
        (r#"{"text":"","nullables":[null,1,true]}"#, "nullables[2]", "expected a 32-bit integer, found a boolean"),
    ] {
        let error = read::<Everything>(json).unwrap_err();
        assert_eq!(error.path(), path, "{json}");
        let whole = if path.is_empty() { text.to_owned() } else { format!("{path}: {text}") };
        assert_eq!(error.to_string(), whole, "{json}");
        assert_eq!(serde_json::from_str::<Everything>(json).unwrap_err().to_string(), whole, "from_str");
        assert_eq!(
            serde_json::from_reader::<_, Everything>(json.as_bytes()).unwrap_err().to_string(),
            whole,
            "from_reader"
        );
        let tree: Value = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::from_value::<Everything>(tree).unwrap_err().to_string(), whole, "from_value");
    }
    let error = read::<Vec<Everything>>(r#"[{"text":""},{"text":""},{"text":0}]"#).unwrap_err();
    assert_eq!(error.to_string(), "[2].text: expected a string, found a number");
}

#[test]
fn a_long_name_is_cut() {
    let name = "é".repeat(5000);
    let error = read::<Counts>(&format!(r#"{{"{name}":""}}"#)).unwrap_err().to_string();
    assert!(error.chars().count() < 200 && error.contains('…'), "{error}");
    read::<Counts>(&format!(r#"{{"{}":""}}"#, "a".repeat(5000))).unwrap_err();
}

#[test]
fn text_that_is_not_json_has_a_line_and_a_column() {
    for (json, wanted) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("{\n  \"text\": }", "text: expected value at line 2 column 11"),
        ("{\"text\":\"\"} x", "trailing characters at line 1 column 13"),
        ("{\"text\":\"\",\"list\":[\"a\",]}", "list[1]: trailing comma at line 1 column 24"),
        ("{\"text\":\"", "text: EOF while parsing a string at line 1 column 9"),
        ("{\"text\":\"\",\"free\":[1,}", "free: expected value at line 1 column 22"),
        ("{\"text\":\"\",\"x\":nul}", "x: expected ident at line 1 column 19"),
    ] {
        assert_eq!(read::<Everything>(json).unwrap_err().to_string(), wanted, "{json}");
        let own = serde_json::from_str::<Everything>(json).unwrap_err();
        assert!(wanted.ends_with(&own.to_string()), "{own}");
    }
    assert_eq!(read::<Inner>("{\"x\":[}").unwrap_err().to_string(), "expected value at line 1 column 7");
    assert!(read::<Everything>("{\"text\":\"\u{1}\"}").is_err());
    let mut value = Everything::new(String::new());
    assert!(wire::read::from_json(b"{\"text\":\"\xff\"}", value.slot()).unwrap_err().to_string().contains("at line 1"));
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert_eq!(read::<Everything>("\u{feff}{\"text\":\"a\"}").unwrap().text, "a");
    assert!(read::<Everything>("\u{feff}\u{feff}{\"text\":\"a\"}").is_err());
}

/// serde's own words for a value of the wrong kind have the value in them.
#[test]
fn no_way_around_leads_to_a_value() {
    for json in [
        r#"{"text":"","small":{"$serde_json::private::Number":987654321}}"#,
        r#"{"text":"","small":{"$serde_json::private::Number":"seven987654321"}}"#,
        r#"{"text":"","small":{"$serde_json::private::RawValue":987654321}}"#,
        r#"{"text":"","decimal":{"$serde_json::private::RawValue":987654321}}"#,
        r#"{"text":"","decimal":{"$serde_json::private::Number":987654321}}"#,
        r#"{"text":"","animal":{"$serde_json::private::RawValue":987654321},"text":7}"#,
        r#"{"text":"","free":{"$serde_json::private::RawValue":987654321}}"#,
        r#"{"text":"","free":{"$serde_json::private::RawValue":"987654321 2"}}"#,
        r#"{"text":"","new":{"$serde_json::private::RawValue":987654321}}"#,
        r#"{"text":"","object":{"a":{"$serde_json::private::RawValue":[987654321]}}}"#,
        r#"{"text":"","animal":{"a":{"$serde_json::private::RawValue":987654321}}}"#,
        r#"{"text":"","map":{"$serde_json::private::Number":987654321}}"#,
        r#"{"text":"","children":[{"$serde_json::private::Number":987654321}]}"#,
    ] {
        let hidden = |error: &dyn std::fmt::Debug, shown: String| {
            let text = format!("{error:?} {shown}");
            assert!(!text.contains("987654321"), "{json}: {text}");
        };
        let error = read::<Everything>(json).unwrap_err();
        hidden(&error, error.to_string());
        let error = serde_json::from_str::<Everything>(json).unwrap_err();
        hidden(&error, error.to_string());
        let yaml = yaml_serde::from_str::<Everything>(json);
        if let Err(error) = yaml {
            hidden(&error, error.to_string());
        }
    }
    let error = yaml_serde::from_str::<Strict>("{name: !x 987654321}").unwrap_err();
    assert_eq!(error.to_string().split(" at line").next().unwrap(), "name: expected a string, found a tagged value");
}

#[test]
fn other_kinds_of_values_than_json_s() {
    fn of<'de, D: serde::Deserializer<'de, Error = serde::de::value::Error>>(slot: Slot<'_>, from: D) -> String {
        wire::read::deserialize(slot, from).map_or_else(|error| error.to_string(), |()| "read".to_owned())
    }
    use serde::de::IntoDeserializer;
    use serde::de::value::{BytesDeserializer, UnitDeserializer};
    let (mut small, mut text, mut decimal, mut maybe) = (0i32, String::new(), crate::Decimal::from(0), Some(5i32));
    assert_eq!(of(small.slot(), BytesDeserializer::new(b"secret")), "expected a 32-bit integer, found bytes");
    assert_eq!(of(text.slot(), 'x'.into_deserializer()), "read");
    assert_eq!(of(text.slot(), 1u128.into_deserializer()), "expected a string, found a number");
    assert_eq!(
        of(small.slot(), i128::MAX.into_deserializer()),
        "expected a 32-bit integer, found a number out of its range"
    );
    assert_eq!(of(decimal.slot(), u128::MAX.into_deserializer()), "read");
    assert_eq!((&*text, decimal.as_str()), ("x", &*u128::MAX.to_string()));
    assert_eq!(
        of(decimal.slot(), f64::NAN.into_deserializer()),
        "expected a decimal number, found a number out of its range"
    );
    assert_eq!(of(maybe.slot(), UnitDeserializer::new()), "read");
    assert_eq!(maybe, None);
}

#[test]
fn the_error_goes_into_the_crate_s_own() {
    fn decode(json: &str) -> Result<Everything, Error> {
        let mut value = Everything::blank();
        wire::read::from_json(json.as_bytes(), value.slot())
            .map_err(|error| Error::decode(error.to_string()).with_source(error))?;
        Ok(value)
    }
    let error = decode(r#"{"text":"","child":{"text":"","small":"hunter2"}}"#).unwrap_err();
    assert_eq!(error.to_string(), "child.small: expected a 32-bit integer, found a string");
    assert!(!format!("{error:?} {error:#?}").contains("hunter2"));
    let source = std::error::Error::source(&error).unwrap().downcast_ref::<wire::read::ReadError>().unwrap();
    assert_eq!(source.path(), "child.small");
}
