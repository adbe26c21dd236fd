//! What conditions say of the rows that they can hold for.

use proptest::prelude::*;

use super::super::{Condition, Query};
use super::strategies::{document, likely_condition};

fn keys(condition: &str) -> Option<Vec<String>> {
    let condition = Condition::parse(condition).unwrap_or_else(|error| panic!("{condition}: {error}"));
    condition.keys("deviceId").map(|keys| keys.into_iter().map(str::to_owned).collect())
}

#[test]
fn said() {
    let rows: [(&str, &[&str]); 12] = [
        ("deviceId = 'a'", &["a"]),
        ("'a' = DEVICEID", &["a"]),
        ("devices.deviceId = \"a\"", &["a"]),
        ("deviceId IN ['b', 'a', 'b', 1, null]", &["a", "b"]),
        ("deviceId IN []", &[]),
        ("deviceId = 1", &[]),
        ("deviceId = 'a' AND tags.floor > 1", &["a"]),
        ("tags.floor > 1 AND NOT tags.x AND (deviceId = 'a')", &["a"]),
        ("deviceId IN ['a', 'b'] AND deviceId IN ['b', 'c']", &["b"]),
        ("deviceId = 'a' OR deviceId IN ['c']", &["a", "c"]),
        ("deviceId = 'a' AND tags.x OR deviceId = 'b' AND deviceId = 'c'", &["a"]),
        ("deviceId = 'A'", &["A"]),
    ];
    for (condition, expected) in rows {
        assert_eq!(keys(condition).unwrap_or_else(|| panic!("{condition}")), expected, "{condition}");
    }
}

#[test]
fn not_said() {
    for condition in [
        "deviceId != 'a'",
        "deviceId > 'a'",
        "deviceId NIN ['a']",
        "NOT deviceId = 'a'",
        "deviceId = 'a' OR tags.x = 1",
        "tags.deviceId = 'a'",
        "deviceId.x = 'a'",
        "deviceId = tags.x",
        "LOWER(deviceId) = 'a'",
        "STARTS_WITH(deviceId, 'a')",
        "tags.x = 'a'",
    ] {
        assert_eq!(keys(condition), None, "{condition}");
    }
    let query = Query::parse("SELECT * FROM devices").unwrap();
    assert_eq!(query.keys("deviceId"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whoever looks at the rows with these keys alone finds all that match.
    #[test]
    fn nothing_is_overlooked(expr in likely_condition(), row in document()) {
        let condition = Condition { expr };
        if let Some(keys) = condition.keys("text")
            && condition.matches(&row)
        {
            prop_assert!(row["text"].as_str().is_some_and(|text| keys.contains(text)), "{condition} {row}");
        }
    }
}
