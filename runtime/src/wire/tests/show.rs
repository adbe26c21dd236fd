//! Printing and comparing.

use std::hash::{BuildHasher, RandomState};

use super::*;

#[test]
fn debug_has_the_names_on_the_wire_and_leaves_out_what_is_absent() {
    let value: Everything = read(
        r#"{"text":"a\n","small":1,"decimal":1.50,"at":"0001-01-01T00:00:00","bytes":"Zm9v","free":{"a":null},"list":["x"],"map":{"k":1},"nullable":null,"status":"enabled","level":2,"animal":{"kind":"cat","name":"Tom"},"new":[1]}"#,
    )
    .unwrap();
    assert_eq!(
        format!("{value:?}"),
        r#"Everything { text: "a\n", small: 1, decimal: 1.50, at: DateTime(0001-01-01T00:00:00), bytes: Base64(3 bytes), free: {"a":null}, list: ["x"], map: {"k": 1}, nullable: null, status: "enabled", level: 2, animal: Cat { name: "Tom" }, new: .. }"#
    );
    let inner: Inner = read(r#"{"first":1,"deeper":{"second":2}}"#).unwrap();
    assert_eq!(format!("{inner:#?}"), "Inner {\n    first: 1,\n    deeper: Inner {\n        second: 2,\n    },\n}");
    assert_eq!(format!("{:?} {:#?}", Empty::new(), Empty::new()), "Empty Empty");
    assert_eq!(format!("{:?} {:?}", Status::from("new"), Level::from(7)), "\"new\" 7");
    assert_eq!(format!("{:?}", Some(Inner::new())), "Some(Inner)");
}

#[test]
fn secrets_are_hidden_wherever_they_are() {
    let cat = r#"{"kind":"cat","name":"","key":"hunter2"}"#;
    // Bytes may be a key: only how many there are is told. `aHVudGVyMg==` are those of hunter2.
    let json = format!(
        r##"{{"text":"","secret":"hunter2","bytes":"aHVudGVyMg==","urlBytes":"aHVudGVyMg","child":{{"text":"","secret":"hunter2"}},"children":[{{"text":"","secret":"hunter2"}}],"named":{{"a":{{"text":"","secret":"hunter2"}}}},"animal":{cat},"animals":[{cat}],"zoo":{{"a":{{"kind":"#Zoo.Herd","members":[{cat}]}}}},"maybeAnimal":{cat}}}"##
    );
    let value: Everything = read(&json).unwrap();
    assert_eq!(write(&value).matches("hunter2").count(), 8, "all of them are there");
    for text in [format!("{value:?}"), format!("{value:#?}"), format!("{:?}", crate::wire::View::Object(&value))] {
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
        assert_eq!(text.matches("Secret(..)").count(), 8, "{text}");
    }
}

/// Texts that differ in one thing each.
const DIFFERENT: &[&str] = &[
    r#"{"text":"a"}"#,
    r#"{"text":"b"}"#,
    r#"{"text":"a","maybe":""}"#,
    r#"{"text":"a","small":1}"#,
    r#"{"text":"a","small":2}"#,
    r#"{"text":"a","big":1}"#,
    r#"{"text":"a","natural":1}"#,
    r#"{"text":"a","double":1.0}"#,
    r#"{"text":"a","single":1.0}"#,
    r#"{"text":"a","flag":true}"#,
    r#"{"text":"a","flag":false}"#,
    r#"{"text":"a","decimal":1.0}"#,
    r#"{"text":"a","decimal":1.00}"#,
    r#"{"text":"a","at":"2020-01-01T00:00:00Z"}"#,
    r#"{"text":"a","at":"2020-01-01T00:00:01Z"}"#,
    r#"{"text":"a","day":"2020-01-01"}"#,
    r#"{"text":"a","bytes":"Zm9v"}"#,
    r#"{"text":"a","bytes":"Zm9w"}"#,
    r#"{"text":"a","secret":"a"}"#,
    r#"{"text":"a","secret":"b"}"#,
    r#"{"text":"a","free":null}"#,
    r#"{"text":"a","free":[null]}"#,
    r#"{"text":"a","list":[]}"#,
    r#"{"text":"a","list":["x"]}"#,
    r#"{"text":"a","list":["x","x"]}"#,
    r#"{"text":"a","map":{}}"#,
    r#"{"text":"a","map":{"a":1}}"#,
    r#"{"text":"a","map":{"b":1}}"#,
    r#"{"text":"a","nullable":null}"#,
    r#"{"text":"a","nullable":""}"#,
    r#"{"text":"a","child":{"text":"a"}}"#,
    r#"{"text":"a","child":{"text":"b"}}"#,
    r#"{"text":"a","status":"enabled"}"#,
    r#"{"text":"a","level":1}"#,
    r#"{"text":"a","animal":{"kind":"cat","name":"a"}}"#,
    r#"{"text":"a","animal":{"kind":"dog"}}"#,
    r#"{"text":"a","animal":{"kind":"yak"}}"#,
    r#"{"text":"a","new":1}"#,
    r#"{"text":"a","new":null}"#,
];

#[test]
fn values_equal_themselves_and_no_other() {
    let values: Vec<Everything> = DIFFERENT.iter().map(|json| read(json).unwrap()).collect();
    for (at, left) in values.iter().enumerate() {
        for (other, right) in values.iter().enumerate() {
            assert_eq!(left == right, at == other, "{left:?} {right:?}");
        }
    }
}

#[test]
fn models_of_different_names_are_never_equal() {
    let equal = |left: &dyn crate::wire::Object, right: &dyn crate::wire::Object| {
        crate::wire::show::equal(crate::wire::View::Object(left), crate::wire::View::Object(right))
    };
    assert!(equal(&Inner::new(), &Inner::new()) && equal(&Herd::new(), &Herd::new()));
    assert!(!equal(&Inner::new(), &Empty::new()) && !equal(&Empty::new(), &Herd::new()));
}

#[test]
fn equality_is_that_of_the_fields_types() {
    let same = |left: &str, right: &str| read::<Everything>(left).unwrap() == read::<Everything>(right).unwrap();
    let (left, right) =
        (r#"{"text":"","at":"2020-01-01T00:00:00Z"}"#, r#"{"text":"","at":"2020-01-01T01:00:00.0+01:00"}"#);
    assert!(same(left, right), "the same instant");
    assert!(same(r#"{"text":"","bytes":"Zg"}"#, r#"{"text":"","bytes":"Zg=="}"#), "the same bytes");
    assert!(same(r#"{"text":"","x":1,"y":2}"#, r#"{"y":2,"x":1,"text":""}"#), "order does not count");
    assert!(same(r#"{"text":"","object":{"x":1,"y":2}}"#, r#"{"text":"","object":{"y":2,"x":1}}"#));
    assert!(same(r#"{"text":"","kind":"SAS"}"#, r#"{"text":"","kind":"sas"}"#));
    let mut value = Everything::new(String::new());
    value.double = Some(f64::NAN);
    assert_ne!(value, value.clone(), "as NaN itself");
    value.double = Some(0.0);
    let mut other = value.clone();
    other.double = Some(-0.0);
    assert_eq!(value, other);
}

#[test]
fn enums_that_are_equal_hash_alike() {
    let state = RandomState::new();
    assert_eq!(state.hash_one(Status::Enabled), state.hash_one(Status::Other("enabled".to_owned())));
    assert_eq!(Level::Other(1), Level::Low);
    assert_eq!(state.hash_one(Level::Low), state.hash_one(Level::Other(1)));
}
