//! Properties that are not known, and ones that come twice.

use super::*;

#[test]
fn open_models_keep_them_in_order() {
    let json = r#"{"text":"","z":{"b":null,"a":[1]},"y":null,"a":"x","$metadata":{},"Small":1}"#;
    let value: Everything = returns_from_value(json);
    assert_eq!(value.rest.keys().collect::<Vec<_>>(), ["z", "y", "a", "$metadata", "Small"]);
}

#[test]
fn closed_models_do_not() {
    let value: Inner = read(r#"{"x":{"first":"a"},"first":1,"y":null}"#).unwrap();
    assert_eq!(write(&value), r#"{"first":1}"#);
}

#[test]
fn the_last_of_two_counts_and_nothing_of_the_first_is_left() {
    for (first, last) in [
        (r#""maybe":"a""#, r#""maybe":"b""#),
        (r#""maybe":"a""#, r#""maybe":null"#),
        (r#""decimal":1.25"#, r#""decimal":null"#),
        (r#""maybeDecimal":1.25"#, r#""maybeDecimal":null"#),
        (r#""child":{"text":"a","maybe":"b","new":1}"#, r#""child":{"text":"c"}"#),
        (r#""child":{"text":"a"}"#, r#""child":null"#),
        (r#""list":["a","b"]"#, r#""list":["c"]"#),
        (r#""list":["a","b"]"#, r#""list":null"#),
        (r#""map":{"a":1,"b":2}"#, r#""map":{"c":3}"#),
        (r#""named":{"a":{"text":"","maybe":"m"},"a":{"text":"x"}}"#, r#""named":{"b":{"text":""}}"#),
        (r#""object":{"a":1,"b":2}"#, r#""object":{"c":3}"#),
        (r#""free":{"a":1}"#, r#""free":{"b":2}"#),
        (r#""nullable":"a""#, r#""nullable":null"#),
        (r#""animal":{"kind":"dog","good":true}"#, r#""animal":{"kind":"cat","name":"a"}"#),
        (r#""animal":{"kind":"cat","name":"b","lives":3}"#, r#""animal":{"kind":"cat","name":"a"}"#),
        (r#""new":{"a":1}"#, r#""new":{"b":2}"#),
        (r#""secret":"a""#, r#""secret":"b""#),
    ] {
        let twice = read::<Everything>(&format!(r#"{{"text":"",{first},{last}}}"#)).unwrap();
        let once = read::<Everything>(&format!(r#"{{"text":"",{last}}}"#)).unwrap();
        assert_eq!(twice, once, "{first}, {last}");
        assert_eq!(write(&twice), write(&once));
    }
    let named = read::<Everything>(r#"{"text":"","named":{"a":{"text":"","maybe":"m"},"a":{"text":"x"}}}"#).unwrap();
    assert_eq!(write(&named), r#"{"text":"","named":{"a":{"text":"x"}}}"#);
}

#[test]
fn so_it_is_for_what_is_required() {
    let json = |twice: &str| {
        format!(
            r#"{{"name":"n","count":1,"ratio":0.5,"price":1.50,"on":true,"list":["a"],"map":{{"a":1}},"free":{{"a":1}},"open":1,"inner":{{"first":1,"second":2,"deeper":{{"first":1}}}},"status":"x","animal":{{"kind":"dog","good":true}}{twice}}}"#
        )
    };
    let twice = r#","name":"m","count":2,"ratio":1.5,"price":2,"on":false,"list":["b"],"map":{"b":2},"free":[],"open":null,"inner":{"second":3},"status":"y","animal":{"kind":"dog"}"#;
    let value: Strict = read(&json(twice)).unwrap();
    assert_eq!(write(&value), format!("{{{}}}", &twice[1..]));
}

#[test]
fn a_free_property_does_not_double_a_known_one() {
    let mut value = Everything::new("t".to_owned());
    value.small = Some(1);
    for name in ["text", "small", "maybe", "new"] {
        value.rest.insert(name.to_owned(), Value::Null);
    }
    // Where the field is empty, the free one is all there is.
    assert_eq!(write(&value), r#"{"text":"t","small":1,"maybe":null,"new":null}"#);
    let mut dog = Dog::new();
    dog.rest.insert("kind".to_owned(), "cat".into());
    assert_eq!(write(&dog), r#"{"kind":"dog"}"#);
}
