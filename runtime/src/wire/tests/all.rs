//! Reading that goes on after an error.

use super::*;
use crate::wire::read::{ReadError, all_from_json};

fn all<T: Wire>(json: &str) -> Result<T, Vec<ReadError>> {
    let mut value = T::blank();
    all_from_json(json.as_bytes(), value.slot()).map(|()| value)
}

#[track_caller]
fn errors<T: Model>(json: &str) -> Vec<String> {
    let errors = all::<T>(json).map(|_| ()).expect_err(json);
    assert_eq!(errors.first(), read::<T>(json).err().as_ref(), "{json}");
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_right_is_read() {
    let json = r#"{"text":"a","small":1,"new":[2]}"#;
    assert_eq!(all::<Everything>(json).unwrap(), read::<Everything>(json).unwrap());
}

#[test]
fn every_kind_of_value_is_gone_on_after() {
    let json = r#"{"small":"","big":[1,{"a":2}],"flag":{"b":[3]},"decimal":"","maybeDecimal":[],"at":"soon","status":true,
        "level":{},"animal":[{}],"list":{"c":1},"map":[4],"children":null,"nullable":5,"object":6,"text":7}"#;
    assert_eq!(
        errors::<Everything>(json),
        [
            "small: expected a 32-bit integer, found a string",
            "big: expected a 64-bit integer, found an array",
            "flag: expected a boolean, found an object",
            "decimal: expected a decimal number, found a string",
            "maybeDecimal: expected a decimal number, found an array",
            "at: expected a date and time (RFC 3339), found another string",
            "status: expected a string, found a boolean",
            "level: expected an integer, found an object",
            "animal: expected an object, found an array",
            "list: expected an array, found an object",
            "map: expected an object, found an array",
            "nullable: expected a string, found a number",
            "object: expected an object, found a number",
            "text: expected a string, found a number",
        ]
    );
}

#[test]
fn each_error_has_its_own_path() {
    let json = r##"{"children":[{"text":1},{"text":"","child":{"map":{"a":"","b":2,"c":""}}}],"named":{"x":{}},
        "animals":[{"kind":"#Zoo.Herd","members":[{"kind":"cat"}],"leader":{"kind":"cat","name":3}},4],"animal":{"kind":"cat"}}"##;
    assert_eq!(
        errors::<Everything>(json),
        [
            "children[0].text: expected a string, found a number",
            "children[1].child.map.a: expected a 32-bit integer, found a string",
            "children[1].child.map.c: expected a 32-bit integer, found a string",
            "children[1].child: the property `text` is missing",
            "named.x: the property `text` is missing",
            "animals[0].members[0]: the property `name` is missing",
            "animals[0].leader.name: expected a string, found a number",
            "animals[1]: expected an object, found a number",
            "animal: the property `name` is missing",
            "the property `text` is missing",
        ]
    );
}

#[test]
fn a_name_that_stands_for_a_number_is_gone_on_after() {
    let number = r#"{"$serde_json::private::Number":[1,2],"more":3}"#;
    let json = format!(r#"{{"child":{number},"map":{number},"object":{number},"text":1}}"#);
    assert_eq!(
        errors::<Everything>(&json),
        [
            "child: expected an object, found a number",
            "map: expected an object, found a number",
            "object: expected an object, found a number",
            "text: expected a string, found a number",
        ]
    );
}

#[test]
fn text_that_is_no_json_ends_it() {
    assert_eq!(
        errors::<Everything>("{\"text\":1,\"children\":[{},{\"text\":[2,]}]}"),
        [
            "text: expected a string, found a number",
            "children[0]: the property `text` is missing",
            "children[1].text: expected a string, found an array",
            "children[1].text: trailing comma at line 1 column 37",
        ]
    );
    assert_eq!(
        errors::<Everything>("5 x"),
        ["expected an object, found a number", "trailing characters at line 1 column 3"]
    );
    let deep = format!("{{\"text\":1,\"free\":{}", "[".repeat(200));
    assert_eq!(
        errors::<Everything>(&deep),
        ["text: expected a string, found a number", "free: recursion limit exceeded at line 1 column 144"]
    );
}

#[test]
fn what_is_refused_may_be_deep() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(
        errors::<Everything>(&format!("{{\"small\":{deep},\"text\":1}}")),
        ["small: expected a 32-bit integer, found an array", "text: expected a string, found a number"]
    );
}

#[test]
fn there_is_an_end_to_it() {
    let json = format!(r#"{{"text":"","list":[{}]}}"#, vec!["0"; 10_000].join(","));
    let errors = errors::<Everything>(&json);
    assert_eq!(errors.len(), 100);
    assert_eq!(errors.last().unwrap(), "list[99]: expected a string, found a number");
}
