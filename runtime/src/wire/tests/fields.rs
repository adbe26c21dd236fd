//! Every kind of field, there and back.

use super::*;
use crate::wire::{Object, Slot, View};
use crate::{Nullable, Secret, wire};

const MANY: &str = "1234567890123456789012345678901234567890.00123456789012345678901234567890e-7";

/// A value of this field among all others.
#[track_caller]
fn field(name: &str, json: &str) -> Everything {
    returns_from_value(&format!(r#"{{"text":"","{name}":{json}}}"#))
}

#[track_caller]
fn wrong(name: &str, json: &str) -> String {
    error::<Everything>(&format!(r#"{{"text":"","{name}":{json}}}"#))
}

#[test]
fn strings() {
    assert_eq!(returns_from_value::<Everything>(r#"{"text":"\"\\\u0000é😀"}"#).text, "\"\\\0é😀");
    assert_eq!(field("maybe", r#""a""#).maybe.as_deref(), Some("a"));
    assert_eq!(field("maybe", r#""""#).maybe.as_deref(), Some(""));
    assert_eq!(wrong("maybe", "1"), "maybe: expected a string, found a number");
}

#[test]
fn integers_have_ranges() {
    for (name, least, most) in [
        ("small", i64::from(i32::MIN).to_string(), i64::from(i32::MAX).to_string()),
        ("big", i64::MIN.to_string(), i64::MAX.to_string()),
        ("natural", 0.to_string(), u64::MAX.to_string()),
    ] {
        field(name, &least);
        field(name, &most);
        let less = (least.parse::<i128>().unwrap() - 1).to_string();
        let more = (most.parse::<i128>().unwrap() + 1).to_string();
        for text in [&*less, &more, "1e300", "-1e300"] {
            let error = wrong(name, text);
            assert!(error.starts_with(&format!("{name}: expected a ")), "{error}");
            assert!(error.ends_with("found a number out of its range"), "{text}: {error}");
        }
        assert!(wrong(name, "1.5").ends_with("found a number with a fraction"));
        assert!(wrong(name, "\"1\"").ends_with("found a string"));
        assert!(wrong(name, "true").ends_with("found a boolean"));
    }
}

#[test]
fn whole_floats_are_integers() {
    for json in ["7.0", "7e0", "70e-1", "0.7e1"] {
        let json =
            format!(r#"{{"text":"","small":{json},"big":{json},"natural":{json},"level":{json},"unix":{json}}}"#);
        let value = read::<Everything>(&json).unwrap();
        assert_eq!(write(&value), r#"{"text":"","small":7,"big":7,"natural":7,"unix":7,"level":7}"#);
    }
    assert_eq!(read::<Everything>(r#"{"text":"","natural":-0.0}"#).unwrap().natural, Some(0));
    // Behind 2^53 the float is not the number that was written.
    assert!(wrong("big", "9007199254740993.0").ends_with("out of its range"));
}

#[test]
fn floats() {
    for json in ["0.1", "-0.0", "1.0", "5e-324", "1.7976931348623157e+308", "0.30000000000000004"] {
        field("double", json);
    }
    assert_eq!(read::<Everything>(r#"{"text":"","double":1,"single":2}"#).unwrap().double, Some(1.0));
    assert_eq!(wrong("double", "\"1\""), "double: expected a number, found a string");
    let error = read::<Everything>(r#"{"text":"","double":1e999}"#).unwrap_err();
    assert!(error.to_string().starts_with("double: ") && error.to_string().contains("out of "), "{error}");
}

#[test]
fn single_floats_are_printed_as_such() {
    for json in ["0.1", "16777216.0", "3.4028235e+38", "1e-45"] {
        returns::<Everything>(&format!(r#"{{"text":"","single":{json}}}"#));
    }
    assert_eq!(wrong("single", "1e39"), "single: expected a 32-bit number, found a number out of its range");
}

#[test]
fn what_json_has_no_number_for_is_not_written() {
    for double in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut value = Everything::new(String::new());
        value.double = Some(double);
        assert!(wire::write::to_json(value.view()).is_err());
        value.double = None;
        value.single = Some(double as f32);
        let error = wire::write::to_json(value.view()).unwrap_err();
        assert_eq!(error.to_string(), "a number that is not finite, for which JSON has no text");
        assert!(serde_json::to_value(&value).is_err());
    }
}

#[test]
fn booleans() {
    assert_eq!(field("flag", "true").flag, Some(true));
    assert_eq!(field("flag", "false").flag, Some(false));
    for json in ["0", "\"true\"", "[]", "{}"] {
        assert!(wrong("flag", json).starts_with("flag: expected a boolean, found "));
    }
}

#[test]
fn decimals_keep_every_digit() {
    for digits in [MANY, "-0", "0", "-0.0", "100", "100.00", "1E+5", "1e999", "18446744073709551616", "0.10", "12.5"] {
        let decimal = returns::<Everything>(&format!(r#"{{"text":"","decimal":{digits}}}"#)).decimal.unwrap();
        assert_eq!(decimal.as_str(), digits);
        returns::<Everything>(&format!(r#"{{"text":"","maybeDecimal":{digits}}}"#));
        returns::<Everything>(&format!(r#"{{"text":"","decimals":[{digits},1,{digits}]}}"#));
        returns::<Everything>(&format!(r#"{{"text":"","prices":{{"a":{digits}}}}}"#));
        returns::<Everything>(&format!(r#"{{"text":"","animal":{{"kind":"cat","name":"","weight":{digits}}}}}"#));
    }
    for digits in ["12.5", "-7", "18446744073709551615", "1e300", "0.1"] {
        let value: Everything = serde_json::from_value(serde_json::json!({
            "text": "", "decimal": serde_json::from_str::<Value>(digits).unwrap(),
        }))
        .unwrap();
        assert_eq!(value.decimal.unwrap().to_f64(), digits.parse::<f64>().unwrap());
    }
    for (json, found) in [
        ("\"1\"", "a string"),
        ("true", "a boolean"),
        ("[1]", "an array"),
        ("{\"a\":1}", "an object"),
        ("{}", "an object"),
    ] {
        for name in ["decimal", "maybeDecimal"] {
            assert_eq!(wrong(name, json), format!("{name}: expected a decimal number, found {found}"));
        }
    }
    assert_eq!(wrong("decimals", "[1,null]"), "decimals[1]: expected a decimal number, found null");
}

#[test]
fn decimals_that_rust_has_a_number_for_are_one_in_any_format() {
    let text = r#"{"text":"","decimal":12.5,"decimals":[1,-3,18446744073709551615]}"#;
    let value: Everything = returns_from_value(text);
    assert_eq!(
        yaml_serde::to_string(&value).unwrap(),
        "text: ''\ndecimal: 12.5\ndecimals:\n- 1\n- -3\n- 18446744073709551615\n"
    );
    let many: Everything = read(&format!(r#"{{"text":"","decimal":{MANY}}}"#)).unwrap();
    let yaml = yaml_serde::to_string(&many).unwrap();
    assert_eq!(yaml_serde::from_str::<Everything>(&yaml).unwrap(), many);
}

#[test]
fn times() {
    assert_eq!(field("unix", "-1503091975").unix.unwrap().seconds(), -1_503_091_975);
    assert_eq!(wrong("unix", "1.5"), "unix: expected an integer, found a number with a fraction");
    assert_eq!(wrong("unix", "1e30"), "unix: expected an integer, found a number out of its range");
    for text in ["0001-01-01T00:00:00", "2017-08-18T21:12:55.1230000+02:00", "9999-12-31T23:59:59.9999999Z"] {
        field("at", &format!("\"{text}\""));
    }
    field("http", r#""Fri, 18 Aug 2017 21:12:55 GMT""#);
    field("day", r#""2016-02-29""#);
    field("span", r#""P1Y2M3DT4H5M6.789S""#);
    let wanted = "a date and time (RFC 3339)";
    assert_eq!(wrong("at", "\"yesterday\""), format!("at: expected {wanted}, found another string"));
    assert_eq!(wrong("at", "5"), "at: expected a string, found a number");
    assert!(wrong("http", "\"\"").starts_with("http: expected a date and time (RFC 9110"));
    assert!(wrong("day", "\"2017-02-29\"").starts_with("day: expected a date"));
    assert!(wrong("span", "\"5 minutes\"").starts_with("span: expected a duration"));
}

#[test]
fn bytes() {
    assert_eq!(&field("bytes", r#""Zm9vYg==""#).bytes.unwrap()[..], b"foob");
    assert_eq!(&field("urlBytes", r#""-_8""#).url_bytes.unwrap()[..], [0xfb, 0xff]);
    assert!(wrong("bytes", "\"-_8\"").starts_with("bytes: expected Base64, found"));
    assert!(wrong("urlBytes", "\"+/8\"").starts_with("urlBytes: expected Base64 for URLs, found"));
}

#[test]
fn secrets_travel_openly() {
    assert_eq!(field("secret", r#""hunter2""#).secret, Some(Secret::from("hunter2")));
    assert_eq!(wrong("secret", "5"), "secret: expected a string, found a number");
}

#[test]
fn free_json() {
    for json in ["null", "0", "-1.5", "\"\"", "[]", "{}", r#"[{"a":[null,{"b":1}]}]"#, "18446744073709551615"] {
        field("free", json);
        field("object", &format!(r#"{{"z":{json},"a":{json}}}"#));
    }
    assert_eq!(wrong("object", "[]"), "object: expected an object, found an array");
}

#[test]
fn lists_and_maps() {
    field("list", "[]");
    assert_eq!(field("list", r#"["a","b"]"#).list.unwrap(), ["a", "b"]);
    field("map", "{}");
    assert_eq!(field("map", r#"{"":1,"b":2}"#).map.unwrap()["b"], 2);
    assert_eq!(wrong("list", "{}"), "list: expected an array, found an object");
    assert_eq!(wrong("list", "\"\""), "list: expected an array, found a string");
    assert_eq!(wrong("map", "[]"), "map: expected an object, found an array");
    assert_eq!(wrong("map", r#"{"a":1,"b":null}"#), "map.b: expected a 32-bit integer, found null");
    let lists: Vec<Vec<Everything>> = super::read("[[],[{\"text\":\"a\"}]]").unwrap();
    assert_eq!(super::write(&lists), "[[],[{\"text\":\"a\"}]]");
}

#[test]
fn enums() {
    assert!(matches!(field("status", "\"enabled\"").status, Some(Status::Enabled)));
    assert!(matches!(field("status", "\"Enabled\"").status, Some(Status::Other(text)) if text == "Enabled"));
    assert!(matches!(
        read::<Everything>(r#"{"text":"","kind":"SELFsigned"}"#).unwrap().kind,
        Some(AnyCase::SelfSigned)
    ));
    assert!(matches!(field("kind", "\"tpm\"").kind, Some(AnyCase::Other(text)) if text == "tpm"));
    assert!(matches!(field("level", "2").level, Some(Level::High)));
    assert!(matches!(field("level", "-3").level, Some(Level::Other(-3))));
    // Some services write a number in place of a word; one that is not listed must not lose the whole answer.
    let numbered = read::<Everything>(r#"{"text":"","status":409001}"#).unwrap();
    assert!(matches!(numbered.status, Some(Status::Other(text)) if text == "409001"));
    assert_eq!(wrong("status", "true"), "status: expected a string, found a boolean");
    assert_eq!(wrong("level", "\"2\""), "level: expected an integer, found a string");
    assert_eq!(wrong("level", "1.5"), "level: expected an integer, found a number with a fraction");
    assert_eq!(wrong("level", "9223372036854775808"), "level: expected an integer, found a number out of its range");
    assert_eq!(Status::Other("enabled".into()), Status::Enabled);
    assert_eq!((Status::Enabled.to_string(), Level::High.to_string()), ("enabled".to_owned(), "2".to_owned()));
    assert_eq!((Status::from("disabled").as_str(), Level::from(1).value()), ("disabled", 1));
}

#[test]
fn null_is_nothing_but_where_it_is_something() {
    let model = Everything::new(String::new());
    for index in 1..model.model().fields.len() {
        let name = model.model().fields[index];
        let json = format!(r#"{{"text":"","{name}":null}}"#);
        let value = read::<Everything>(&json).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::from_str::<Everything>(&json).unwrap(), value, "{name}");
        assert_eq!(
            serde_json::from_value::<Everything>(serde_json::from_str(&json).unwrap()).unwrap(),
            value,
            "{name}"
        );
        match name {
            "free" | "nullable" | "maybeDecimal" | "maybeAnimal" => assert_eq!(write(&value), json),
            _ => assert_eq!(write(&value), r#"{"text":""}"#),
        }
    }
    assert_eq!(read::<Option<Box<Value>>>("null").unwrap(), Some(Box::new(Value::Null)));
    assert_eq!(read::<Option<Box<String>>>("null").unwrap(), None);
    assert_eq!(field("nullable", "null").nullable, Some(Nullable::Null));
    assert_eq!(field("nullable", "\"\"").nullable, Some(Nullable::Value(String::new())));
    assert!(field("nullables", "[1,null]").nullables.is_some());
    field("object", r#"{"gone":null,"stays":1}"#);
}

const STRICT: &str = r#"{"name":"n","count":1,"ratio":0.5,"price":1.50,"on":true,"list":[],"map":{},"free":null,"open":null,"inner":{},"status":"enabled","animal":{"kind":"dog"}}"#;

#[test]
fn what_is_required_has_to_be_there_and_not_null() {
    returns::<Strict>(STRICT);
    let tree: serde_json::Map<String, Value> = serde_json::from_str(STRICT).unwrap();
    for name in tree.keys() {
        let mut less = tree.clone();
        less.shift_remove(name);
        let less = serde_json::to_string(&less).unwrap();
        assert_eq!(error::<Strict>(&less), format!("the property `{name}` is missing"));
        let mut null = tree.clone();
        null[name] = Value::Null;
        let null = serde_json::to_string(&null).unwrap();
        if matches!(&**name, "free" | "open") {
            read::<Strict>(&null).unwrap();
        } else {
            let error = error::<Strict>(&null);
            assert!(error.starts_with(&format!("{name}: expected a")) && error.ends_with("found null"), "{error}");
        }
    }
}

#[test]
fn models_of_nothing() {
    returns_from_value::<Empty>("{}");
    assert_eq!(read::<Empty>(r#"{"a":[{}]}"#).unwrap(), Empty::new());
    assert_eq!(error::<Empty>("[]"), "expected an object, found an array");
    returns_from_value::<Counts>(r#"{"a":1}"#);
    assert_eq!(error::<Counts>(r#"{"a":1,"b":"2"}"#), "b: expected a 32-bit integer, found a string");
}

#[test]
fn aliases_are_read_and_not_written() {
    for name in ["text", "Text", "texte"] {
        let value = read::<Everything>(&format!(r#"{{"{name}":"a"}}"#)).unwrap();
        assert_eq!(write(&value), r#"{"text":"a"}"#);
    }
    assert_eq!(read::<Everything>(r#"{"texte":"a","text":"b","Text":"c"}"#).unwrap().text, "c");
    assert_eq!(error::<Everything>(r#"{"Text":5}"#), "text: expected a string, found a number");
}

#[test]
fn any_order_of_names() {
    let json = r#"{"zoo":{},"on":1,"flag":true,"text":"t","small":1,"maybe":"m"}"#;
    let value = read::<Everything>(json).unwrap();
    assert_eq!(write(&value), r#"{"text":"t","maybe":"m","small":1,"flag":true,"zoo":{},"on":1}"#);
}

#[test]
fn names_of_the_standard_library() {
    returns_from_value::<AwkwardResult>(r#"{"d":"s"}"#);
    returns_from_value::<AwkwardResult>(r#"{"d":"t"}"#);
    assert!(matches!(D::from("s"), D::S));
    returns_from_value::<S>("-1");
    returns_from_value::<S>("4");
}

/// A model of any number of fields, all of them required.
struct Wide {
    model: &'static wire::Model,
    values: Vec<i32>,
}

impl Wide {
    fn new(width: usize) -> Self {
        let names: Vec<&'static str> = (0..width).map(|index| &*format!("f{index}").leak()).collect();
        let required: Vec<usize> = (0..width).collect();
        let model = wire::Model {
            name: "Wide",
            fields: names.leak(),
            required: required.leak(),
            aliases: &[],
            tag: None,
            open: false,
        };
        Self { model: Box::leak(Box::new(model)), values: vec![0; width] }
    }
}

impl Object for Wide {
    fn model(&self) -> &'static wire::Model {
        self.model
    }
    fn field(&self, index: usize) -> View<'_> {
        self.values.get(index).map_or(View::Absent, Wire::view)
    }
    fn slot(&mut self, index: usize) -> Slot<'_> {
        self.values.get_mut(index).map_or(Slot::Ignored, Wire::slot)
    }
    fn reset(&mut self) {
        self.values.fill(0);
    }
}

#[test]
fn any_number_of_fields() {
    for width in [0, 1, 127, 128, 129, 255, 256, 257, 300] {
        let texts: Vec<String> = (0..width).map(|index| format!(r#""f{index}":{index}"#)).collect();
        let object = |texts: &[String]| format!("{{{}}}", texts.join(","));
        let mut wide = Wide::new(width);
        wire::read::from_json(object(&texts).as_bytes(), Slot::Object(&mut wide)).unwrap();
        assert!(wide.values.iter().enumerate().all(|(index, value)| index as i32 == *value), "{width}");
        assert_eq!(wire::write::to_json(View::Object(&wide)).unwrap(), object(&texts).into_bytes());
        let mut backwards = texts.clone();
        backwards.reverse();
        let mut other = Wide::new(width);
        wire::read::from_json(object(&backwards).as_bytes(), Slot::Object(&mut other)).unwrap();
        assert_eq!(other.values, wide.values);
        for missing in 0..width {
            let mut less = texts.clone();
            less.remove(missing);
            let error =
                wire::read::from_json(object(&less).as_bytes(), Slot::Object(&mut Wide::new(width))).unwrap_err();
            assert_eq!(error.to_string(), format!("the property `f{missing}` is missing"));
        }
    }
}
