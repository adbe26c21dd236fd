//! What holds for any value.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use super::*;

/// No text of an error may have these in it.
const MARKER: &str = "hunter2";
const NUMBER: i64 = 918_273_645;

fn any_json() -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        select(vec!["cat", "dog", "#Zoo.Herd", "enabled", "2016-02-29", "PT1S", "Zm9v"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((names(), inner), 0..5).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn names() -> impl Strategy<Value = String> + Clone {
    let fields = <Everything as crate::wire::Object>::model(&Everything::new(String::new())).fields;
    let mut known: Vec<String> = fields.iter().map(ToString::to_string).collect();
    known
        .extend(["kind", "name", "members", "leader", "byName", "weight", "good", "inner", "first"].map(str::to_owned));
    prop_oneof![4 => select(known), 1 => "[a-z.]{0,3}"]
}

/// A document that fits, as the model writes it.
fn valid() -> impl Strategy<Value = Value> + Clone {
    let leaf = vec(0..20usize, 0..12)
        .prop_flat_map(|kinds| kinds.into_iter().map(scalar).collect::<Vec<_>>())
        .prop_map(object);
    leaf.prop_recursive(3, 12, 3, |inner| {
        let animal = animal(inner.clone());
        (
            inner.clone(),
            vec(inner.clone(), 0..3),
            btree_map("[a-z]{0,3}", inner, 0..3),
            vec(animal.clone(), 0..3),
            btree_map("[a-z.]{0,3}", animal, 0..3),
        )
            .prop_map(|(mut object, children, named, animals, zoo)| {
                object["children"] = children.into();
                object["named"] = json!(named);
                object["animals"] = animals.into();
                object["zoo"] = json!(zoo);
                object
            })
    })
}

fn animal(everything: impl Strategy<Value = Value> + Clone + 'static) -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![
        (".{0,3}", any::<i32>()).prop_map(|(name, lives)| json!({"kind": "cat", "name": name, "lives": lives})),
        (any::<bool>(), everything).prop_map(|(good, rest)| json!({"good": good, "rest": rest, "kind": "dog"})),
        any_json().prop_map(|rest| json!({"kind": "yak", "rest": rest})),
        any_json().prop_map(|rest| json!({"rest": rest})),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        (vec(inner.clone(), 0..3), inner)
            .prop_map(|(members, leader)| json!({"members": members, "leader": leader, "kind": "#Zoo.Herd"}))
    })
}

fn scalar(kind: usize) -> BoxedStrategy<(&'static str, Value)> {
    type Entry = BoxedStrategy<(&'static str, Value)>;
    fn of<T: Into<Value> + std::fmt::Debug>(name: &'static str, value: impl Strategy<Value = T> + 'static) -> Entry {
        value.prop_map(move |value| (name, value.into())).boxed()
    }
    match kind {
        0 => of("maybe", ".{0,6}"),
        1 => of("small", any::<i32>()),
        2 => of("big", any::<i64>()),
        3 => of("natural", any::<u64>()),
        4 => of("single", any::<i16>().prop_map(|number| f64::from(number) / 4.0)),
        5 => of("double", any::<f64>().prop_filter("finite", |number| number.is_finite())),
        6 => of("flag", any::<bool>()),
        7 => of("decimal", prop_oneof![any::<i64>().prop_map(Value::from), any::<u64>().prop_map(Value::from)]),
        8 => of("unix", any::<i64>()),
        9 => of("at", select(vec!["0001-01-01T00:00:00", "2020-02-29T23:59:59.1234567Z", "2020-01-01T00:00:00+05:30"])),
        10 => of("day", select(vec!["0000-01-01", "2016-02-29"])),
        11 => of("bytes", select(vec!["", "Zg==", "Zm9v"])),
        12 => of("secret", ".{0,6}"),
        13 => of("free", any_json()),
        14 => of("object", btree_map(".{0,3}", any_json(), 0..3).prop_map(Map::from_iter)),
        15 => of("list", vec(".{0,3}", 0..3)),
        16 => of("map", btree_map(".{0,3}", any::<i32>().prop_map(Value::from), 0..3).prop_map(Map::from_iter)),
        17 => of("nullable", prop_oneof![Just(Value::Null), ".{0,3}".prop_map(Value::from)]),
        18 => of("status", prop_oneof![Just("enabled".to_owned()), ".{0,6}"]),
        _ => of("level", any::<i64>()),
    }
}

fn object(entries: Vec<(&'static str, Value)>) -> Value {
    let mut object = json!({"text": "t"});
    for (name, value) in entries {
        object[name] = value;
    }
    object
}

/// A document in which a few values, anywhere, are others.
fn nearly_valid() -> impl Strategy<Value = Value> {
    (valid(), vec((any::<prop::sample::Index>(), any_json()), 0..3)).prop_map(|(mut document, changes)| {
        for (at, other) in changes {
            let mut places = count(&document);
            places = at.index(places.max(1));
            put(&mut document, &mut places, other);
        }
        document
    })
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

/// Puts the other value at the place of this number.
fn put(value: &mut Value, place: &mut usize, other: Value) -> bool {
    if *place == 0 {
        *value = other;
        return true;
    }
    *place -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| put(item, place, other.clone())),
        Value::Object(entries) => entries.values_mut().any(|entry| put(entry, place, other.clone())),
        _ => false,
    }
}

/// All strings and numbers become ones that are easily found.
fn mark(value: &mut Value) {
    match value {
        Value::String(text) => *text = MARKER.to_owned(),
        Value::Number(_) => *value = NUMBER.into(),
        Value::Array(items) => items.iter_mut().for_each(mark),
        Value::Object(entries) => entries.values_mut().for_each(mark),
        _ => {}
    }
}

fn hides(text: &str) -> bool {
    !text.contains(MARKER) && !text.contains(&NUMBER.to_string())
}

/// Goes on after errors where [`super::read`] does not, and agrees with it in what it finds first.
fn goes_on<T: Model>(json: &str) -> Result<(), TestCaseError> {
    let mut value = T::blank();
    match (read::<T>(json), crate::wire::read::all_from_json(json.as_bytes(), value.slot())) {
        (Ok(one), Ok(())) => prop_assert_eq!(one, value),
        (Err(first), Err(all)) => {
            prop_assert_eq!(Some(&first), all.first(), "{}", json);
            prop_assert!(all.iter().all(|error| hides(&format!("{error} {error:?}"))), "{all:?}");
        }
        (one, all) => prop_assert!(false, "{json}: {one:?} {all:?}"),
    }
    Ok(())
}

/// As serde derives it.
#[derive(Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Twin {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    maybe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    small: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    big: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    natural: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    double: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<BTreeMap<String, i32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    child: Option<Box<Twin>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    children: Option<Vec<Twin>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    named: Option<BTreeMap<String, Twin>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// The model that has the same fields.
mod own {
    use super::*;
    use crate::codegen::v1;

    #[derive(Clone)]
    pub(super) struct Own {
        text: String,
        maybe: Option<String>,
        small: Option<i32>,
        big: Option<i64>,
        natural: Option<u64>,
        double: Option<f64>,
        flag: Option<bool>,
        object: Option<Map<String, Value>>,
        list: Option<Vec<String>>,
        map: Option<BTreeMap<String, i32>>,
        child: Option<Box<Own>>,
        children: Option<Vec<Own>>,
        named: Option<BTreeMap<String, Own>>,
        rest: Map<String, Value>,
    }

    impl Own {
        fn new(text: String) -> Self {
            Self {
                text,
                maybe: None,
                small: None,
                big: None,
                natural: None,
                double: None,
                flag: None,
                object: None,
                list: None,
                map: None,
                child: None,
                children: None,
                named: None,
                rest: Map::new(),
            }
        }
    }

    v1::model!(Own(String::new()), required [0], {
        0 "text" text,
        1 "maybe" maybe,
        2 "small" small,
        3 "big" big,
        4 "natural" natural,
        5 "double" double,
        6 "flag" flag,
        7 "object" object,
        8 "list" list,
        9 "map" map,
        10 "child" child,
        11 "children" children,
        12 "named" named,
    } ..rest);
}

/// Whether a whole number is written as a float, which a derived integer does not take.
fn has_whole_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64() && number.as_f64().is_some_and(|number| number.fract() == 0.0),
        Value::Array(items) => items.iter().any(has_whole_float),
        Value::Object(entries) => entries.values().any(has_whole_float),
        _ => false,
    }
}

proptest! {
    #[test]
    fn any_document_is_read_or_refused(document in any_json(), near in nearly_valid()) {
        for document in [document, near] {
            let text = document.to_string();
            for same in [
                read::<Everything>(&text).is_ok() == serde_json::from_str::<Everything>(&text).is_ok(),
                read::<Everything>(&text).is_ok() == serde_json::from_value::<Everything>(document.clone()).is_ok(),
                read::<Animal>(&text).is_ok() == serde_json::from_value::<Animal>(document.clone()).is_ok(),
            ] {
                prop_assert!(same, "{text}");
            }
            if let Ok(value) = read::<Everything>(&text) {
                prop_assert_eq!(&read::<Everything>(&write(&value)).unwrap(), &value);
                _ = format!("{value:?} {value:#?}");
            }
            _ = read::<Strict>(&text);
            _ = read::<Vec<Everything>>(&text);
            _ = yaml_serde::from_str::<Everything>(&text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,40}", bytes in vec(any::<u8>(), 0..40)) {
        _ = read::<Everything>(&text);
        _ = read::<Animal>(&text);
        let mut value = Everything::blank();
        _ = crate::wire::read::from_json(&bytes, value.slot());
    }

    #[test]
    fn all_errors_begin_with_the_first(mut document in nearly_valid(), any in any_json(), cut in any::<prop::sample::Index>()) {
        let text = any.to_string();
        goes_on::<Everything>(&text)?;
        goes_on::<Animal>(&text)?;
        for marked in [false, true] {
            if marked {
                mark(&mut document);
            }
            let text = document.to_string();
            for text in [&text, text.get(..cut.index(text.len())).unwrap_or_default()] {
                goes_on::<Everything>(text)?;
                goes_on::<Animal>(text)?;
                goes_on::<Vec<Strict>>(text)?;
            }
        }
    }

    /// One change for the worse in each of several fields is one error for each, in their order.
    #[test]
    fn every_error_is_found(document in valid(), wrong in proptest::sample::subsequence(vec![
        ("small", "a 32-bit integer"), ("flag", "a boolean"), ("double", "a number"), ("list", "an array"), ("map", "an object"),
        ("child", "an object"), ("children", "an array"),
    ], 0..7)) {
        let mut document = document;
        for (name, _) in &wrong {
            document[*name] = "not this".into();
        }
        let text = document.to_string();
        let mut value = Everything::blank();
        let found = crate::wire::read::all_from_json(text.as_bytes(), value.slot()).err().unwrap_or_default();
        let mut found: Vec<_> = found.iter().map(ToString::to_string).collect();
        let mut expected: Vec<_> =
            wrong.iter().map(|(name, expected)| format!("{name}: expected {expected}, found a string")).collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn what_fits_comes_back(document in valid()) {
        let text = document.to_string();
        let value = read::<Everything>(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(&serde_json::to_value(&value).unwrap(), &document);
        prop_assert_eq!(&serde_json::from_str::<Value>(&write(&value)).unwrap(), &document);
        prop_assert_eq!(&read::<Everything>(&write(&value)).unwrap(), &value);
        prop_assert_eq!(&serde_json::from_value::<Everything>(document).unwrap(), &value);
        prop_assert_eq!(&value.clone(), &value);
        let yaml = yaml_serde::to_string(&value).unwrap();
        prop_assert_eq!(&yaml_serde::from_str::<Everything>(&yaml).unwrap(), &value);
    }

    #[test]
    fn no_error_has_a_value_in_it(mut document in nearly_valid(), cut in any::<prop::sample::Index>()) {
        mark(&mut document);
        let text = document.to_string();
        let short = text.get(..cut.index(text.len())).unwrap_or_default();
        for text in [&text, short] {
            if let Err(error) = read::<Everything>(text) {
                prop_assert!(hides(&format!("{error} {error:?}")), "{error:?}");
            }
            if let Err(error) = read::<Animal>(text) {
                prop_assert!(hides(&format!("{error} {error:?}")), "{error:?}");
            }
            if let Err(error) = read::<Strict>(text) {
                prop_assert!(hides(&format!("{error} {error:?}")), "{error:?}");
            }
            if let Err(error) = serde_json::from_str::<Everything>(text) {
                prop_assert!(hides(&format!("{error} {error:?}")), "{error:?}");
            }
            if let Err(error) = yaml_serde::from_str::<Everything>(text) {
                prop_assert!(hides(&format!("{error} {error:?}")), "{error:?}");
            }
        }
        if let Err(error) = serde_json::from_value::<Everything>(document) {
            prop_assert!(hides(&format!("{error} {error:?}")), "{error:?}");
        }
    }

    #[test]
    fn reads_and_writes_as_serde_s_derives_do(document in nearly_valid()) {
        let text = document.to_string();
        let twin = serde_json::from_str::<Twin>(&text);
        let own = read::<own::Own>(&text);
        if !has_whole_float(&document) {
            prop_assert_eq!(twin.is_ok(), own.is_ok(), "{}", text);
        }
        if let (Ok(twin), Ok(own)) = (twin, own) {
            prop_assert_eq!(serde_json::to_string(&twin).unwrap(), write(&own));
            prop_assert_eq!(serde_json::to_value(&twin).unwrap(), serde_json::to_value(&own).unwrap());
        }
    }

    #[test]
    fn decimals_come_back_digit_for_digit(digits in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?") {
        let text = format!(r#"{{"text":"","decimal":{digits},"decimals":[{digits}],"animals":[{{"weight":{digits},"kind":"cat","name":""}}]}}"#);
        let value = read::<Everything>(&text).unwrap();
        let again = format!(r#"{{"text":"","decimal":{digits},"decimals":[{digits}],"animals":[{{"kind":"cat","name":"","weight":{digits}}}]}}"#);
        prop_assert_eq!(write(&value), again);
    }

    #[test]
    fn floats_come_back_bit_for_bit(double in any::<f64>(), single in any::<f32>()) {
        prop_assume!(double.is_finite() && single.is_finite());
        let mut value = Everything::new(String::new());
        (value.double, value.single) = (Some(double), Some(single));
        let read = read::<Everything>(&write(&value)).unwrap();
        prop_assert_eq!(read.double.map(f64::to_bits), Some(double.to_bits()));
        prop_assert_eq!(read.single.map(f32::to_bits), Some(single.to_bits()));
    }
}
