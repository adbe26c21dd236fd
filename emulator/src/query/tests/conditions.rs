//! What conditions come to for the twin: `Some(true)`, `Some(false)`, or undefined.

use super::super::eval::{Val, evaluate};
use super::super::{Condition, JsonRow, Row};
use super::twin;

/// `None` if it is anything but Boolean.
fn truth(condition: &str, row: &dyn Row) -> Option<bool> {
    let condition = Condition::parse(condition).unwrap_or_else(|error| panic!("{condition}: {error}"));
    match evaluate(&condition.expr, row) {
        Val::Bool(value) => Some(value),
        _ => None,
    }
}

#[track_caller]
fn all(wanted: Option<bool>, conditions: &[&str]) {
    let twin = twin();
    let (compact, pretty) = (twin.to_string(), format!("{twin:#}"));
    for condition in conditions {
        let rows: [&dyn Row; 3] = [&twin, &JsonRow(compact.as_bytes()), &JsonRow(pretty.as_bytes())];
        for row in rows {
            assert_eq!(truth(condition, row), wanted, "{condition}");
        }
    }
}

#[test]
fn documented_conditions() {
    all(
        Some(true),
        &[
            "tags.location.region = 'US'",
            "tags.location.region = 'US' AND properties.reported.telemetryConfig.sendFrequencyInSecs >= 60",
            "properties.reported.connectivity.type IN ['wired', 'cellular']",
            "properties.reported.connectivity.type NIN ['wired', 'wifi']",
            "is_defined(properties.reported.connectivity)",
            "status = 'enabled' AND connectionState = 'Disconnected'",
            "properties.desired.telemetryConfig.configId = properties.reported.telemetryConfig.configId",
            "tags.[[group]].name = 'some_value'",
            "deviceId IN ['device1', 'myDeviceId']",
        ],
    );
    // Objects are not compared.
    all(
        None,
        &[
            "properties.desired.telemetryConfig = properties.desired.telemetryConfig",
            "properties.reported.connectivity IN ['wired', 'wifi']",
        ],
    );
}

#[test]
fn paths() {
    all(
        Some(true),
        &[
            "devices.deviceId = 'myDeviceId'",
            "DEVICES.tags.on",
            "DeviceID = 'myDeviceId' AND Properties.Reported.$version = 7 AND TAGS.on",
            "properties.desired.$version = 4",
            "properties.desired.$metadata.$lastUpdated > '2017'",
            "properties.reported.[[$iotin:deviceinfo]].manufacturer.value = 'contoso'",
            "tags.[[with space]] = 1",
            "tags['with space'] = 1",
            r#"tags["with space"] = 1"#,
            "tags['Quote\\'s'] = 'it''s \"here\"\n'",
            "[[deviceId]] = 'myDeviceId'",
            "devices.[[deviceId]] = 'myDeviceId'",
            "tags.floors[0] = 1",
            "tags.floors[ 2 ].name = 'roof'",
            "tags.floors[2]['name'] = 'roof'",
        ],
    );
    all(
        Some(false),
        &[
            "IS_DEFINED(tags.Location)",
            "IS_DEFINED(tags.floors[3])",
            "IS_DEFINED(tags.floors.name)",
            "IS_DEFINED(tags.location[0])",
            "IS_DEFINED(deviceId.x)",
            "IS_DEFINED(devices)",
            "IS_DEFINED([[devices]].deviceId)",
        ],
    );
}

#[test]
fn comparisons() {
    all(
        Some(true),
        &[
            "version = 2",
            "version = 2.0",
            "version = 0x2",
            "version = 0.2e1",
            "version <> 3",
            "version != 3",
            "version < 2.5",
            "version <= 2",
            "version > -3",
            "version >= 2",
            "properties.reported.battery = -12.5",
            "properties.reported.battery < 0",
            "'a' < 'b'",
            "'Z' < 'a'",
            "'a' < 'aa'",
            "false < true",
            "null = null",
            "null <= null",
            "x509Thumbprint.primaryThumbprint = null",
            "tags.on = true",
            "tags.on",
            "TRUE",
            "(((tags.on)))",
        ],
    );
    all(Some(false), &["version = 3", "version <> 2", "'US' = 'us'", "null != null", "null < null", "tags.off"]);
    // Of different types, or of none: an answer either way would be made up.
    all(
        None,
        &[
            "version = '2'",
            "version != '2'",
            "version < '3'",
            "tags.on = 1",
            "tags.missing = 1",
            "tags.missing != 1",
            "tags.missing = tags.missing",
            "tags.missing = undefined",
            "undefined = undefined",
            "version = null",
            "version != null",
            "tags.floors = [1]",
            "tags.empty = {}",
            "tags.missing",
            "version",
            "'true'",
            "null",
            "undefined",
        ],
    );
}

#[test]
fn logic() {
    // The tables of three values: true, false, undefined.
    for (left, right, and, or) in [
        ("true", "true", Some(true), Some(true)),
        ("true", "false", Some(false), Some(true)),
        ("true", "undefined", None, Some(true)),
        ("false", "false", Some(false), Some(false)),
        ("false", "undefined", Some(false), None),
        ("undefined", "undefined", None, None),
        // What is not Boolean counts as undefined.
        ("true", "1", None, Some(true)),
        ("false", "'true'", Some(false), None),
    ] {
        all(and, &[&format!("{left} AND {right}"), &format!("{right} AND {left}")]);
        all(or, &[&format!("{left} OR {right}"), &format!("{right} or {left}")]);
    }
    all(Some(false), &["NOT true", "not tags.on", "NOT NOT false"]);
    all(Some(true), &["NOT false", "NOT(tags.off)"]);
    all(None, &["NOT undefined", "NOT tags.missing", "NOT 1", "NOT (tags.missing = 1)"]);
}

#[test]
fn lists() {
    all(
        Some(true),
        &[
            "version IN [1, 2]",
            "version in[2]",
            "version IN ['2', 2]",
            "-2 IN [-2]",
            "version + 1 IN [3]",
            "null IN [null]",
            "version NIN [1, 3]",
            "version nin []",
            "NOT version IN [1]",
        ],
    );
    all(Some(false), &["version IN [1, 3]", "version NIN [1, 2]", "version IN []"]);
    // As a chain of equalities with OR comes to.
    all(
        None,
        &[
            "version IN ['2']",
            "version NIN ['2']",
            "version IN [1, 'a']",
            "version NIN [1, undefined]",
            "tags.missing IN [1]",
            "tags.missing NIN [1]",
            "tags.missing IN []",
            "tags.floors IN [[1]]",
        ],
    );
}

#[test]
fn precedence() {
    all(
        Some(true),
        &[
            "1 + 2 * 3 = 7",
            "(1 + 2) * 3 = 9",
            "10 - 2 - 3 = 5",
            "24 / 4 / 2 = 3",
            "7 % 4 * 2 = 6",
            "-2 * 3 = -6",
            "- -2 = 2",
            "-(2) - -3 = 1",
            "2 + 3 > 4 = true",
            "false AND false OR true",
            "true OR true AND false",
            "NOT false AND true",
            "NOT 1 = 2",
            "NOT false = true",
            "1 + 1 IN [2] AND true",
        ],
    );
    all(Some(false), &["NOT true OR false", "false AND (false OR true)", "NOT (false OR true)"]);
}

#[test]
fn arithmetic() {
    all(
        Some(true),
        &[
            "version + properties.desired.$version = 6",
            "version * 1.5 = 3",
            "version / 4 = 0.5",
            "-7 % 3 = -1",
            "0x1F = 31",
            "1e3 = 1000",
            "0.1 + 0.2 > 0.3",
        ],
    );
    all(
        Some(false),
        &[
            "IS_DEFINED(1 / 0)",
            "IS_DEFINED(0 % 0)",
            "IS_DEFINED('a' + 'b')",
            "IS_DEFINED(1 + true)",
            "IS_DEFINED(1e308 * 10)",
            "IS_DEFINED(-'1')",
        ],
    );
    all(None, &["tags.missing + 1 = 1", "-tags.missing = 1", "-tags.missing < 1"]);
}

#[test]
fn functions_of_types() {
    let samples = [
        ("IS_BOOL", "false"),
        ("IS_NULL", "x509Thumbprint.primaryThumbprint"),
        ("IS_NUMBER", "properties.reported.battery"),
        ("IS_STRING", "deviceId"),
        ("IS_OBJECT", "tags.location"),
        ("IS_ARRAY", "tags.floors"),
    ];
    for (function, _) in samples {
        for (right, sample) in samples {
            all(Some(function == right), &[&format!("{function}({sample})")]);
        }
        all(Some(false), &[&format!("{function}(tags.missing)"), &format!("{function}(undefined)")]);
    }
    all(
        Some(true),
        &[
            "IS_PRIMITIVE('a')",
            "IS_PRIMITIVE(1)",
            "IS_PRIMITIVE(null)",
            "is_primitive(tags.on)",
            "IS_DEFINED(null)",
            "Is_Defined(tags.empty)",
            "IS_ARRAY([1, 'a', {'b': null}])",
            "IS_ARRAY([ [1] ])",
            "IS_ARRAY([[1, 2], [3]])",
            "IS_OBJECT({a: 1, 'b c': [true, undefined]})",
        ],
    );
    all(
        Some(false),
        &["IS_PRIMITIVE(tags)", "IS_PRIMITIVE([])", "IS_PRIMITIVE(tags.missing)", "IS_DEFINED(tags.missing)"],
    );
}

#[test]
fn functions_of_numbers() {
    all(
        Some(true),
        &[
            "ABS(properties.reported.battery) = 12.5",
            "EXP(0) = 1",
            "EXP(1) > 2.718 AND EXP(1) < 2.719",
            "POWER(2, 10) = 1024",
            "SQUARE(-3) = 9",
            "CEILING(2.1) = 3",
            "CEILING(-2.1) = -2",
            "FLOOR(2.9) = 2",
            "FLOOR(-2.1) = -3",
            "SIGN(-5) = -1",
            "SIGN(0) = 0",
            "SIGN(0.5) = 1",
            "SQRT(16) = 4",
            "AS_NUMBER('12.5e1') = 125",
            "AS_NUMBER('-3') = -3",
            "AS_NUMBER(4) = 4",
        ],
    );
    all(
        Some(false),
        &[
            "IS_DEFINED(SQRT(-1))",
            "IS_DEFINED(EXP(1000))",
            "IS_DEFINED(POWER(0, -1))",
            "IS_DEFINED(POWER(2, '2'))",
            "IS_DEFINED(ABS('1'))",
            "IS_DEFINED(AS_NUMBER('twelve'))",
            "IS_DEFINED(AS_NUMBER('inf'))",
            "IS_DEFINED(AS_NUMBER('1e999'))",
            "IS_DEFINED(AS_NUMBER(''))",
            "IS_DEFINED(AS_NUMBER(true))",
        ],
    );
}

#[test]
fn functions_of_strings() {
    all(
        Some(true),
        &[
            "CONCAT('a', 'b') = 'ab'",
            "CONCAT(tags.location.region, '-', tags.location.plant, '!') = 'US-Redmond43!'",
            "LENGTH('straße') = 6",
            "LENGTH('') = 0",
            "LOWER('ÄB') = 'äb'",
            "UPPER('äb') = 'ÄB'",
            "SUBSTRING('Redmond', 3) = 'mond'",
            "SUBSTRING('Redmond', 3, 2) = 'mo'",
            "SUBSTRING('Redmond', 0, 100) = 'Redmond'",
            "SUBSTRING('Redmond', 100) = ''",
            "SUBSTRING('straße', 4, 1) = 'ß'",
            "INDEX_OF('straße', 'e') = 5",
            "INDEX_OF('abc', 'x') = -1",
            "INDEX_OF('abc', '') = 0",
            "STARTS_WITH(tags.location.plant, 'Red')",
            "ENDS_WITH(tags.location.plant, '43')",
            "CONTAINS(tags.location.plant, 'mon')",
            r"LENGTH('\u00e9\ud83d\ude00') = 2",
            r#"LENGTH("\"\'\\") = 3"#,
            "LENGTH('''') = 1",
            r#"LENGTH("""'") = 2"#,
        ],
    );
    all(Some(false), &["STARTS_WITH('abc', 'b')", "ENDS_WITH('abc', 'b')", "CONTAINS('abc', 'B')"]);
    all(
        Some(false),
        &[
            "IS_DEFINED(CONCAT('a', 1))",
            "IS_DEFINED(CONCAT(1, 'a'))",
            "IS_DEFINED(LENGTH(5))",
            "IS_DEFINED(LENGTH(tags.floors))",
            "IS_DEFINED(LOWER(tags.missing))",
            "IS_DEFINED(SUBSTRING('a', -1))",
            "IS_DEFINED(SUBSTRING('a', 0, -1))",
            "IS_DEFINED(SUBSTRING('a', 0, tags.missing))",
            "IS_DEFINED(STARTS_WITH('a', 1))",
            "IS_DEFINED(INDEX_OF(1, 'a'))",
        ],
    );
}
