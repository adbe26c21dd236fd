//! What queries answer.

use serde_json::{Value, json};

use super::super::{Aggregation, JsonRow, Next, Query, page};
use super::{fleet, twin};

/// All pages of two rows each, over text; and over values in one page they have to be the same.
fn answer(query: &str, rows: &[Value]) -> Value {
    let query = Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let texts: Vec<String> = rows.iter().map(Value::to_string).collect();
    let mut answer = Vec::new();
    let mut next = Some(Next::first());
    while let Some(Next { from, answered }) = next {
        let rows = texts.iter().enumerate().skip(from.unwrap_or(0)).map(|(key, row)| (key, JsonRow(row.as_bytes())));
        let page = page(&query, rows, answered, 2);
        assert!(page.items.len() <= 2);
        answer.extend(page.items);
        assert_eq!(page.next.as_ref().map_or(answer.len() as u64, |next| next.answered), answer.len() as u64);
        next = page.next;
    }
    let at_once = page(&query, rows.iter().enumerate(), 0, usize::MAX);
    assert_eq!((&at_once.items, at_once.next), (&answer, None));
    Value::Array(answer)
}

#[test]
fn all_of_a_row() {
    assert_eq!(answer("SELECT * FROM devices", &[twin()]), json!([twin()]));
    assert_eq!(answer("SELECT * FROM devices WHERE tags.floor = 2", &[twin()]), json!([]));
    assert_eq!(
        answer(
            "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'a'",
            &[json!({"jobId": "a"}), json!({"jobId": "b"})]
        ),
        json!([{"jobId": "a"}])
    );
}

/// The documentation's example of a projection, and what scripts rely on: the last name of a path is the column's, and what
/// a row does not have is left out.
#[test]
fn columns() {
    for (query, wanted) in [
        (
            "SELECT DeviceId, LastActivityTime FROM devices WHERE status = 'enabled' AND connectionState = 'Disconnected'",
            json!([{"deviceId": "myDeviceId", "lastActivityTime": "0001-01-01T00:00:00"}]),
        ),
        (
            "select deviceId, properties.reported.[[$iotin:deviceinfo]].manufacturer.value as manufacturer from devices",
            json!([{"deviceId": "myDeviceId", "manufacturer": "contoso"}]),
        ),
        (
            "SELECT deviceId, properties.reported.telemetryConfig.status FROM devices",
            json!([{"deviceId": "myDeviceId", "status": "Success"}]),
        ),
        (
            "SELECT tags.location, tags.floors[2].name AS [[the roof]], tags.missing, version FROM devices",
            json!([{"location": {"region": "US", "plant": "Redmond43"}, "the roof": "roof", "version": 2}]),
        ),
        ("SELECT tags.floors[1], tags.floors[9], tags.floors[0] FROM devices", json!([{"$1": 2.5, "$3": 1}])),
        ("SELECT x509Thumbprint.primaryThumbprint FROM devices", json!([{"primaryThumbprint": null}])),
        ("SELECT tags.missing FROM devices", json!([{}])),
    ] {
        assert_eq!(answer(query, &[twin()]), wanted, "{query}");
    }
}

#[test]
fn numbers_and_names_stay_as_they_are() {
    let row = br#"{"tags":{"a":1.0,"b":12345678901234567890,"c":-0.0,"d":0.1,"e":{"z":1,"y":2}}}"#;
    let query = Query::parse("SELECT tags.e, tags.d, tags.c, tags.b, tags.a FROM devices").unwrap();
    let answer = query.project(&JsonRow(row)).to_string();
    assert_eq!(answer, r#"{"e":{"z":1,"y":2},"d":0.1,"c":-0.0,"b":12345678901234567890,"a":1.0}"#);
}

#[test]
fn at_most() {
    assert_eq!(answer("SELECT TOP 3 deviceId FROM devices", &fleet()).as_array().map(Vec::len), Some(3));
    assert_eq!(answer("SELECT TOP 2 deviceId FROM devices", &fleet()), json!([{"deviceId": "d1"}, {"deviceId": "d2"}]));
    assert_eq!(answer("SELECT TOP 100 * FROM devices", &fleet()), Value::Array(fleet()));
    assert_eq!(answer("SELECT TOP 0 * FROM devices", &fleet()), json!([]));
    assert_eq!(
        answer("SELECT TOP 1 deviceId FROM devices WHERE tags.floor = 0", &fleet()),
        json!([{"deviceId": "d2"}])
    );
    assert_eq!(
        answer("SELECT TOP 1 tags.floor, COUNT() AS n FROM devices GROUP BY tags.floor", &fleet()),
        json!([{"floor": 0, "n": 3}])
    );
}

/// The documentation's example, of six devices; and one that has no status.
#[test]
fn groups() {
    let status = "properties.reported.telemetryConfig.status";
    assert_eq!(
        answer(
            &format!("SELECT {status} AS status, COUNT() AS numberOfDevices FROM devices GROUP BY {status}"),
            &fleet()
        ),
        json!([
            {"numberOfDevices": 1},
            {"numberOfDevices": 1, "status": "Error"},
            {"numberOfDevices": 2, "status": "Pending"},
            {"numberOfDevices": 3, "status": "Success"}
        ])
    );
    assert_eq!(
        answer(&format!("SELECT tags.floor, {status} FROM devices GROUP BY {status}, tags.floor"), &fleet()),
        json!([
            {"floor": "attic"},
            {"status": "Error", "floor": 0},
            {"status": "Pending", "floor": 0},
            {"status": "Success", "floor": 1}
        ])
    );
    assert_eq!(answer("SELECT COUNT() FROM devices WHERE version = 9 GROUP BY tags.floor", &fleet()), json!([]));
}

#[test]
fn groups_are_of_equal_values() {
    let values = [
        json!(1),
        json!(1.0),
        json!("1"),
        json!(null),
        json!(true),
        json!({"a": 1}),
        json!([1]),
        json!(0),
        json!(-0.0),
    ];
    let rows: Vec<Value> = values.iter().map(|value| json!({"tags": {"x": value}})).chain([json!({})]).collect();
    assert_eq!(
        answer("SELECT tags.x, COUNT() AS n FROM devices GROUP BY tags.x", &rows),
        json!([
            {"n": 1},
            {"x": null, "n": 1},
            {"x": true, "n": 1},
            {"x": 0, "n": 2},
            {"x": 1, "n": 2},
            {"x": "1", "n": 1},
            {"x": [1], "n": 1},
            {"x": {"a": 1}, "n": 1}
        ])
    );
}

#[test]
fn aggregates() {
    for (query, wanted) in [
        ("SELECT COUNT() as totalNumberOfDevices FROM devices", json!([{"totalNumberOfDevices": 7}])),
        ("select count() from devices", json!([{"$1": 7}])),
        ("SELECT COUNT(), COUNT() AS n, COUNT() FROM devices", json!([{"$1": 7, "n": 7, "$2": 7}])),
        (
            "SELECT SUM(tags.weight) AS sum, AVG(tags.weight) AS avg, MIN(tags.weight) AS min, MAX(tags.weight) AS max
             FROM devices WHERE IS_NUMBER(tags.weight)",
            json!([{"sum": 21, "avg": 3.5, "min": 1, "max": 6}]),
        ),
        // The one that weighs null makes no sum, and is the least.
        (
            "SELECT SUM(tags.weight) AS sum, AVG(tags.weight) AS avg, MIN(tags.weight) AS min, MAX(tags.weight) AS max
             FROM devices",
            json!([{"min": null, "max": 6}]),
        ),
        ("SELECT MIN(deviceId) AS a, MAX(deviceId) AS z FROM devices", json!([{"a": "d1", "z": "d7"}])),
        ("SELECT MAX(tags.floor) AS highest FROM devices", json!([{"highest": "attic"}])),
        ("SELECT MIN(tags) AS min, SUM(tags.missing) AS sum, AVG(tags.missing) AS avg FROM devices", json!([{}])),
        (
            "SELECT COUNT() AS n, SUM(tags.weight) AS sum, AVG(tags.weight) AS avg, MIN(tags.weight) AS min
             FROM devices WHERE false",
            json!([{"n": 0}]),
        ),
        (
            "SELECT tags.floor, AVG(tags.weight) AS avg FROM devices WHERE IS_NUMBER(tags.floor) GROUP BY tags.floor",
            json!([{"floor": 0, "avg": 4}, {"floor": 1, "avg": 3}]),
        ),
    ] {
        assert_eq!(answer(query, &fleet()), wanted, "{query}");
    }
}

#[test]
fn sums_are_finite() {
    let rows = vec![json!({"tags": {"x": 1e308}}); 3];
    assert_eq!(answer("SELECT SUM(tags.x), AVG(tags.x), MAX(tags.x) FROM devices", &rows), json!([{"$3": 1e308}]));
    let rows = vec![json!({"tags": {"x": 5e19}}); 2];
    assert_eq!(answer("SELECT SUM(tags.x), AVG(tags.x) FROM devices", &rows), json!([{"$1": 1e20, "$2": 5e19}]));
}

#[test]
fn what_needs_all_rows() {
    for (query, is_aggregate, selects_all) in [
        ("SELECT * FROM devices", false, true),
        ("SELECT deviceId FROM devices", false, false),
        ("SELECT COUNT() FROM devices", true, false),
        ("SELECT tags.x FROM devices GROUP BY tags.x", true, false),
    ] {
        let query = Query::parse(query).unwrap();
        assert_eq!((query.is_aggregate(), query.selects_all()), (is_aggregate, selects_all), "{query}");
    }
}

#[test]
fn rows_that_do_not_match_are_not_added() {
    let query = Query::parse("SELECT COUNT() AS n FROM devices WHERE tags.floor = 1").unwrap();
    let mut aggregation = Aggregation::new(&query);
    fleet().iter().for_each(|row| aggregation.add(row));
    assert_eq!(aggregation.finish(), [json!({"n": 3})]);
}
