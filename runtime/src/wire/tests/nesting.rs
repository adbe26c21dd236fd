//! How deep values may lie in one another.

use super::*;
use crate::wire::read::ReadError;

/// So many times the one around the other.
fn nest(start: &str, middle: &str, end: &str, depth: usize) -> String {
    format!("{}{middle}{}", start.repeat(depth), end.repeat(depth))
}

#[track_caller]
fn too_deep<T: Model>(json: &str) {
    let refused = |text: String| {
        let known = text.contains("recursion limit exceeded") || text.contains("more than 128 arrays and objects");
        assert!(known, "{}", text.get(text.len() - 200..).unwrap_or(&text));
    };
    refused(read::<T>(json).unwrap_err().to_string());
    refused(serde_json::from_str::<T>(json).unwrap_err().to_string());
    refused(serde_json::from_reader::<_, T>(json.as_bytes()).unwrap_err().to_string());
}

#[test]
fn some_depth_is_fine() {
    for depth in [1, 50, 120] {
        returns::<Inner>(&nest(r#"{"deeper":"#, "{}", "}", depth));
        returns::<Everything>(&nest(r#"{"text":"","child":"#, r#"{"text":""}"#, "}", depth));
        returns::<Animal>(&nest(r##"{"kind":"#Zoo.Herd","leader":"##, r#"{"kind":"dog"}"#, "}", depth));
        returns::<Everything>(&format!(r#"{{"text":"","free":{}}}"#, nest("[", "", "]", depth)));
    }
}

#[test]
fn more_is_an_error() {
    for depth in [130, 1000, 100_000] {
        too_deep::<Inner>(&nest(r#"{"deeper":"#, "{}", "}", depth));
        too_deep::<Everything>(&nest(r#"{"text":"","child":"#, r#"{"text":""}"#, "}", depth));
        too_deep::<Everything>(&nest(r#"{"text":"","children":["#, "", "]}", depth));
        too_deep::<Everything>(&nest(r#"{"text":"","named":{"a":"#, "1", "}}", depth));
        too_deep::<Everything>(&format!(r#"{{"text":"","free":{}}}"#, nest("[", "", "]", depth)));
        too_deep::<Everything>(&format!(r#"{{"text":"","new":{}}}"#, nest("[", "", "]", depth)));
        too_deep::<Everything>(&format!(r#"{{"text":"","object":{{"a":{}}}}}"#, nest("[", "", "]", depth)));
        too_deep::<Animal>(&format!(r#"{{"kind":"yak","a":{}}}"#, nest("[", "", "]", depth)));
        too_deep::<Animal>(&format!(r#"{{"kind":"dog","a":{}}}"#, nest("[", "", "]", depth)));
        too_deep::<Vec<Value>>(&nest("[", "", "]", depth));
        if depth <= 1000 {
            too_deep::<Animal>(&nest(r##"{"kind":"#Zoo.Herd","leader":"##, r#"{"kind":"dog"}"#, "}", depth));
            too_deep::<Animal>(&nest(r##"{"leader":"##, r#"{"kind":"dog"}"#, r##","kind":"#Zoo.Herd"}"##, depth));
            too_deep::<Animal>(&nest(r##"{"kind":"#Zoo.Herd","members":["##, "", "]}", depth));
        }
    }
}

/// Each text is searched once a level, so there has to be an end to the levels.
#[test]
fn deep_unions_are_refused_in_time() {
    let json = nest(r##"{"leader":"##, r#"{"kind":"dog"}"#, r##","kind":"#Zoo.Herd"}"##, 10_000);
    let error: ReadError = read::<Animal>(&json).unwrap_err();
    assert!(error.path().starts_with("leader.leader."));
    assert_eq!(error.path().split('.').count(), 128);
}

#[test]
fn a_value_that_is_deep_already_is_bounded_too() {
    let mut value = serde_json::json!({});
    for _ in 0..300 {
        value = serde_json::json!({ "deeper": value });
    }
    assert_eq!(
        serde_json::from_value::<Inner>(value).unwrap_err().to_string().rsplit_once(": ").unwrap().1,
        "more than 128 arrays and objects within one another",
    );
}

#[test]
fn what_is_not_known_and_not_kept_may_be_deep() {
    read::<Inner>(&format!(r#"{{"new":{}}}"#, nest("[", "", "]", 100_000))).unwrap();
}
