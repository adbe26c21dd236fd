//! Merging against a naive reference, and the limits.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn time(seconds: i64) -> DateTime {
    DateTime::from_unix(1_500_000_000 + seconds, 123_456_789).unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other}"),
    }
}

fn merged(twin: &Twin, part: Part, given: Value) -> Result<Twin, String> {
    twin.changed([(part, Change::Merge(object(given)))], time(1))
}

#[test]
fn a_new_one() {
    let twin = Twin::new(time(0));
    assert_eq!((twin.version, twin.etag().as_str()), (1, "AAAAAAAAAAA="));
    assert_eq!(twin.part(Part::Tags), Map::new());
    let expected = json!({ "$metadata": { "$lastUpdated": "2017-07-14T02:40:00.1234567Z" }, "$version": 1 });
    for part in [Part::Desired, Part::Reported] {
        assert_eq!(Value::Object(twin.part(part)), expected);
    }
}

#[test]
fn as_it_is_written() {
    let twin = merged(&Twin::new(time(0)), Part::Desired, json!({ "speed": 10, "a": { "b": [1] } })).unwrap();
    let (desired, at) = (twin.part(Part::Desired), "2017-07-14T02:40:01.1234567Z");
    let expected = json!({
        "speed": 10,
        "a": { "b": [1] },
        "$metadata": {
            "$lastUpdated": at,
            "$lastUpdatedVersion": 2,
            "speed": { "$lastUpdated": at, "$lastUpdatedVersion": 2 },
            "a": {
                "$lastUpdated": at,
                "$lastUpdatedVersion": 2,
                "b": { "$lastUpdated": at, "$lastUpdatedVersion": 2 },
            },
        },
        "$version": 2,
    });
    assert_eq!(Value::Object(desired), expected);
    assert_eq!((twin.version, twin.etag().as_str()), (2, "AAAAAAAAAAE="));
    // What devices say has no versions of its own in it, and tags nothing at all.
    let twin = merged(&twin, Part::Reported, json!({ "speed": 9 })).unwrap();
    let reported = twin.part(Part::Reported);
    assert_eq!(reported["$metadata"]["speed"], json!({ "$lastUpdated": at }));
    let twin = merged(&twin, Part::Tags, json!({ "building": { "floor": 2 } })).unwrap();
    assert_eq!(Value::Object(twin.part(Part::Tags)), json!({ "building": { "floor": 2 } }));
    assert_eq!(twin.version, 4);
}

#[test]
fn several_parts_are_one_change() {
    let changes = [(Part::Tags, json!({ "a": 1 })), (Part::Desired, json!({ "b": 2 }))];
    let changes = changes.map(|(part, given)| (part, Change::Merge(object(given))));
    let twin = Twin::new(time(0)).changed(changes, time(1)).unwrap();
    assert_eq!(twin.version, 2);
    assert_eq!((&twin.part(Part::Tags)["a"], &twin.part(Part::Desired)["b"]), (&json!(1), &json!(2)));
}

#[test]
fn what_a_client_sends_back_is_not_merged() {
    let twin = merged(&Twin::new(time(0)), Part::Desired, json!({ "a": 1 })).unwrap();
    let again = merged(&twin, Part::Desired, Value::Object(twin.part(Part::Desired))).unwrap();
    assert_eq!(again.part(Part::Desired)["$version"], 3);
    assert_eq!(again.part(Part::Desired)["a"], 1);
    merged(&twin, Part::Tags, json!({ "$etag": "x", "a": 1 })).unwrap();
}

#[test]
fn to_merge_nothing_and_to_replace_by_nothing() {
    let twin = merged(&Twin::new(time(0)), Part::Desired, json!({ "a": 1 })).unwrap();
    let same = merged(&twin, Part::Desired, json!({})).unwrap();
    assert_eq!((same.desired.get(), same.version), (twin.desired.get(), 3));
    let empty = twin.changed([(Part::Desired, Change::Replace(Map::new()))], time(2)).unwrap();
    let desired = empty.part(Part::Desired);
    assert_eq!((desired.len(), &desired["$version"]), (2, &json!(3)));
    assert_eq!(desired["$metadata"].as_object().unwrap().len(), 2);
}

#[test]
fn limits_of_names_and_values() {
    let twin = Twin::new(time(0));
    let text = |length: usize| "x".repeat(length);
    for (given, allowed) in [
        (json!({ text(1 << 10): 1 }), true),
        (json!({ text((1 << 10) + 1): 1 }), false),
        (json!({ "é".repeat(512): 1 }), true),
        (json!({ "é".repeat(513): 1 }), false),
        (json!({ "a": text(4 << 10) }), true),
        (json!({ "a": text((4 << 10) + 1) }), false),
        (json!({ "a": ["", text((4 << 10) + 1)] }), false),
        (json!({ "a": "é".repeat(2048) }), true),
        (json!({ "a": "é".repeat(2049) }), false),
        (json!({ "": 1 }), false),
        (json!({ "a b": 1 }), false),
        (json!({ "a.b": 1 }), false),
        (json!({ "$a": 1 }), false),
        (json!({ "a": { "$version": 1 } }), false),
        (json!({ "a": [{ "$b": 1 }] }), false),
        (json!({ "a\u{0}": 1 }), false),
        (json!({ "a\u{85}": 1 }), false),
        (json!({ "naïve-Ключ_1:#/": "a b.$\u{1}" }), true),
        (json!({ "a": 4_503_599_627_370_495_i64 }), true),
        (json!({ "a": 4_503_599_627_370_496_i64 }), false),
        (json!({ "a": -4_503_599_627_370_496_i64 }), true),
        (json!({ "a": -4_503_599_627_370_497_i64 }), false),
        (json!({ "a": u64::MAX }), false),
        (json!({ "a": 1e300 }), true),
        (json!({ "a": [true, null, 1.5, "x", {}] }), true),
    ] {
        for part in [Part::Tags, Part::Desired, Part::Reported] {
            let outcome = merged(&twin, part, given.clone());
            assert_eq!(outcome.is_ok(), allowed, "{given} {outcome:?}");
        }
    }
}

/// As in the service's documentation: ten objects in one another, with a property in the innermost.
#[test]
fn limits_of_depth() {
    let nested = |depth: usize, innermost: Value| (0..depth).fold(innermost, |inner, _| json!({ "a": inner }));
    for part in [Part::Tags, Part::Desired, Part::Reported] {
        let twin = merged(&Twin::new(time(0)), part, nested(11, json!("value"))).unwrap();
        let mut value = &Value::Object(twin.part(part));
        for _ in 0..11 {
            value = &value["a"];
        }
        assert_eq!(value, "value");
        for deeper in [nested(12, json!("value")), nested(11, json!({})), nested(11, json!([])), nested(120, json!(1))]
        {
            assert!(merged(&twin, part, deeper).unwrap_err().contains("within one another"));
        }
    }
}

#[test]
fn limits_of_size() {
    let text = "x".repeat(1_000);
    for (part, most) in [(Part::Tags, 8_192), (Part::Desired, 32_768), (Part::Reported, 32_768)] {
        let twin = Twin::new(time(0));
        // Each is 4 for its name, and 1,000.
        let full: Map<String, Value> = (0..most / 1_004).map(|i| (format!("{i:04}"), json!(text))).collect();
        let left = most - size(&full);
        let twin = merged(&twin, part, Value::Object(full)).unwrap();
        let rest = |length: usize| json!({ "r": "x".repeat(length) });
        merged(&twin, part, rest(left - 1)).unwrap();
        // What controls does not count.
        merged(&twin, part, json!({ "r": format!("{}\u{1}\u{9f}", "x".repeat(left - 1)) })).unwrap();
        let error = merged(&twin, part, rest(left)).unwrap_err();
        assert_eq!(error, format!("{}: larger than {most} bytes", part.shown()));
        // Removing makes room.
        merged(&twin, part, json!({ "0000": null, "r": "x".repeat(left) })).unwrap();
    }
    assert_eq!(size(&object(json!({ "ab": 1.5, "c": true, "d": { "e": "éx\n" }, "f": [1, null] }))), 10 + 5 + 4 + 13);
}

#[test]
fn damaged_records() {
    let twin = Twin::new(time(0));
    assert_eq!(twin.check(), Ok(()));
    for damaged in ["[]", "1"] {
        let damaged = || RawValue::from_string(damaged.to_owned()).unwrap();
        assert_eq!(Twin { tags: damaged(), ..twin.clone() }.check(), Err("tags is no object".to_owned()));
        assert!(Twin { desired: damaged(), ..twin.clone() }.check().is_err());
        assert!(Twin { reported: damaged(), ..twin.clone() }.check().is_err());
    }
    let record = serde_json::to_string(&twin).unwrap();
    assert!(serde_json::from_str::<Twin>(&record).is_ok());
    for damaged in ["", "{", "{}}", r#""{}""#] {
        let record = record.replace(r#""tags":{}"#, &format!(r#""tags":{damaged}"#));
        let read = serde_json::from_str::<Twin>(&record);
        assert!(read.map_err(|error| error.to_string()).and_then(|twin| twin.check()).is_err(), "{record}");
    }
}

/// RFC 7396 §2.
fn reference(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let target = target.as_object_mut().unwrap();
    for (name, value) in patch {
        match value {
            Value::Null => _ = target.remove(name),
            value => reference(target.entry(name.clone()).or_insert(Value::Null), value),
        }
    }
}

/// All that there is below an object, by its path.
fn paths<'a>(object: &'a Map<String, Value>, at: &str, found: &mut BTreeMap<String, &'a Value>) {
    for (name, value) in object.iter().filter(|(name, _)| !name.starts_with('$')) {
        let path = format!("{at}/{name}");
        if let Value::Object(inner) = value {
            paths(inner, &path, found);
        }
        found.insert(path, value);
    }
}

fn versions(part: &Map<String, Value>) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    paths(part["$metadata"].as_object().unwrap(), "", &mut found);
    found.into_iter().map(|(path, metadata)| (path, metadata["$lastUpdatedVersion"].as_u64().unwrap())).collect()
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        2 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => (-5i64..5).prop_map(Value::from),
        1 => "[a-z]{0,3}".prop_map(Value::from),
        1 => Just(json!([1, null, { "a": null }])),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop::collection::hash_map("[a-d]", inner, 0..4).prop_map(|all| all.into_iter().collect::<Map<_, _>>().into())
    })
}

fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::hash_map("[a-d]", any_value(), 0..4).prop_map(|all| all.into_iter().collect())
}

proptest! {
    #[test]
    fn merging_is_what_the_reference_does(patches in prop::collection::vec((any::<bool>(), any_object()), 1..8)) {
        let mut twin = Twin::new(time(0));
        let mut expected = json!({});
        let mut version = 1;
        let mut changed: BTreeMap<String, u64> = BTreeMap::new();
        for (merges, patch) in patches {
            let change = if merges { Change::Merge } else { Change::Replace };
            let before = twin.version;
            twin = twin.changed([(Part::Desired, change(patch.clone()))], time(0)).unwrap();
            prop_assert_eq!(twin.version, before + 1);
            if !merges {
                expected = json!({});
                changed.clear();
            }
            version += u64::from(!merges || !patch.is_empty());
            reference(&mut expected, &Value::Object(patch.clone()));

            let desired = twin.part(Part::Desired);
            let mut values = desired.clone();
            prop_assert_eq!(values.remove("$version"), Some(json!(version)));
            values.remove("$metadata");
            prop_assert_eq!(&Value::Object(values.clone()), &expected);

            // What the patch names has the version of now, and what it does not the one that it had.
            let (mut there, mut named) = (BTreeMap::new(), BTreeMap::new());
            paths(&values, "", &mut there);
            paths(&patch, "", &mut named);
            let of = |path: &String| if named.contains_key(path) { version } else { changed[path] };
            let expected: BTreeMap<String, u64> = there.keys().map(|path| (path.clone(), of(path))).collect();
            changed = versions(&desired);
            prop_assert_eq!(&changed, &expected);
        }
        prop_assert_eq!(twin.check(), Ok(()));
        let record = serde_json::to_vec(&twin).unwrap();
        let read: Twin = serde_json::from_slice(&record).unwrap();
        let parts = |twin: &Twin| [&twin.tags, &twin.desired, &twin.reported].map(|part| part.get().to_owned());
        prop_assert_eq!((read.version, parts(&read)), (twin.version, parts(&twin)));
    }
}
