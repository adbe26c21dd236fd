//! What is said of wrong queries, and where.

use super::super::parse::{MAX_CHARACTERS, MAX_DEPTH};
use super::super::{Condition, JsonRow, Query};

#[track_caller]
fn wrong(text: &str, message: &str) {
    match Query::parse(text) {
        Ok(query) => panic!("{text} was taken for {query}"),
        Err(error) => assert_eq!(error.to_string(), message, "{text}"),
    }
}

#[track_caller]
fn wrong_condition(text: &str, message: &str) {
    match Condition::parse(text) {
        Ok(condition) => panic!("{text} was taken for {condition}"),
        Err(error) => assert_eq!(error.to_string(), message, "{text}"),
    }
}

#[test]
fn unfinished() {
    wrong("", "line 1, column 1: expected SELECT, found the end");
    wrong("  SELEC * FROM devices", "line 1, column 3: expected SELECT, found `SELEC`");
    wrong("SELECT", "line 1, column 7: expected `*` or a column, found the end");
    wrong("SELECT FROM devices", "line 1, column 8: expected `*` or a column, found `FROM`");
    wrong("SELECT *", "line 1, column 9: expected FROM, found the end");
    wrong("SELECT * FROM", "line 1, column 14: expected `devices` or `devices.jobs`, found the end");
    wrong("SELECT * FROM devices WHERE", "line 1, column 28: expected a value, found the end");
    wrong("SELECT * FROM devices WHERE tags. = 1", "line 1, column 34: expected a name, found ` `");
    wrong("SELECT * FROM devices WHERE a =", "line 1, column 32: expected a value, found the end");
    wrong("SELECT * FROM devices WHERE (a = 1", "line 1, column 35: expected `)`, found the end");
    wrong("SELECT * FROM devices WHERE NOT", "line 1, column 32: expected a value, found the end");
    wrong("SELECT * FROM devices GROUP", "line 1, column 28: expected BY, found the end");
    wrong("SELECT deviceId AS FROM devices", "line 1, column 20: expected a name, found `FROM`");
}

#[test]
fn out_of_place() {
    wrong(
        "SELECT * FROM devices WHERE a = 1 b = 2",
        "line 1, column 35: expected an operator, GROUP BY or the end, found `b`",
    );
    wrong("SELECT * FROM devices;", "line 1, column 22: expected WHERE, GROUP BY or the end, found `;`");
    wrong("SELECT a b FROM devices", "line 1, column 10: expected AS, `,` or FROM, found `b`");
    wrong_condition("a == 1", "line 1, column 4: expected a value, found `=`");
    wrong_condition("a IN ('x')", "line 1, column 6: expected `[`, found `(`");
    wrong_condition("a IN ['x', b]", "line 1, column 12: expected a constant, found `b`");
    wrong_condition("a IN ['x' 'y']", "line 1, column 11: expected `,` or `]`, found `\\'`");
    wrong_condition("a NOT IN ['x']", "line 1, column 3: NOT IN is written NIN in this language");
    wrong_condition("IS_OBJECT({a 1})", "line 1, column 14: expected `:`, found `1`");
    wrong_condition("tags[x] = 1", "line 1, column 6: expected an index or a name in quotes, found `x`");
    wrong_condition("group = 1", "line 1, column 1: expected a value, found `group`");
    wrong_condition("a = 1\n  AND\u{1b} b", "line 2, column 6: expected a value, found `\\u{1b}`");
    wrong_condition("ä = 'ö'\r\nAND é.ü = = 1", "line 2, column 11: expected a value, found `=`");
}

#[test]
fn well_formed_but_wrong() {
    wrong(
        "SELECT * FROM products",
        "line 1, column 15: there is no collection `products`: there are `devices` and `devices.jobs`",
    );
    wrong(
        "SELECT * FROM devices.modules",
        "line 1, column 15: `devices.modules` is not supported: devices have no modules here",
    );
    wrong("SELECT * FROM devices ORDER BY deviceId", "line 1, column 23: there is no ORDER BY in this language");
    wrong("SELECT TOP 99999999999999999999 * FROM devices", "line 1, column 12: this number is too large");
    wrong_condition("FOO(tags.x) = 1", "line 1, column 1: there is no function `FOO`");
    wrong_condition("a = 1 AND count() > 1", "line 1, column 11: `count` is an aggregate: it stands after SELECT only");
    wrong_condition("ABS(1, 2) = 1", "line 1, column 1: `ABS` takes 1 argument, not 2");
    wrong_condition("power(1) = 1", "line 1, column 1: `POWER` takes 2 arguments, not 1");
    wrong_condition("SUBSTRING('a') = 1", "line 1, column 1: `SUBSTRING` takes 2 or 3 arguments, not 1");
    wrong_condition("CONCAT() = 1", "line 1, column 1: `CONCAT` takes 2 arguments or more, not 0");
    wrong_condition(
        "tags.Group.x = 1",
        "line 1, column 6: `Group` is a word of the language: as a name it is written `[[Group]]`",
    );
    wrong_condition("tags.[[]] = 1", "line 1, column 6: there is no name between the brackets");
    wrong_condition("tags.[[x = 1", "line 1, column 6: the brackets of this name are not closed");
    wrong_condition("devices.[[a,b]] = 1", "line 1, column 1: no row has a property `a,b`");
    wrong_condition("a = 'x", "line 1, column 5: this string is not closed");
    wrong_condition(r"a = 'x\n'", r#"line 1, column 7: unknown escape: there are `\'`, `\"`, `\\` and `\uXXXX`"#);
    wrong_condition(r"a = '\ud83d'", r#"line 1, column 6: unknown escape: there are `\'`, `\"`, `\\` and `\uXXXX`"#);
    wrong_condition("a = 1e999", "line 1, column 5: this number is too large");
    wrong_condition("a = 0x1ffffffffffffffff", "line 1, column 5: this number is too large");
    wrong_condition("a[99999999999999999999] = 1", "line 1, column 3: this index is too large");
}

#[test]
fn columns_that_do_not_go_together() {
    wrong(
        "SELECT deviceId, COUNT() FROM devices",
        "line 1, column 8: this column is neither an aggregate nor in GROUP BY",
    );
    wrong(
        "SELECT tags.a, tags.b FROM devices GROUP BY tags.a",
        "line 1, column 16: this column is neither an aggregate nor in GROUP BY",
    );
    wrong("SELECT * FROM devices GROUP BY tags.a", "line 1, column 8: `*` cannot be selected from groups");
    wrong(
        "SELECT tags.x, properties.reported.x FROM devices",
        "line 1, column 16: there are two columns `x`: AS gives one another name",
    );
    wrong(
        "SELECT LOWER(deviceId) FROM devices",
        "line 1, column 8: `LOWER` cannot be selected: columns are properties or aggregates",
    );
    wrong("SELECT MEDIAN(version) FROM devices", "line 1, column 8: there is no aggregate `MEDIAN`");
    wrong("SELECT COUNT(version) FROM devices", "line 1, column 14: expected `)`, found `version`");
    wrong("SELECT AVG() FROM devices", "line 1, column 12: expected a property, found `)`");
    wrong("SELECT AVG(1) FROM devices", "line 1, column 12: expected a property, found `1`");
}

#[test]
fn what_jobs_do_not_have() {
    let only_all = "line 1, column 8: of `devices.jobs` only `*` can be selected";
    wrong("SELECT jobId FROM devices.jobs", only_all);
    wrong("SELECT COUNT() FROM devices.jobs", only_all);
    wrong("SELECT * FROM devices.jobs GROUP BY jobId", "line 1, column 37: `devices.jobs` cannot be grouped");
    wrong(
        "SELECT * FROM devices.jobs WHERE devices.tags.x = 1",
        "line 1, column 34: a query of jobs has properties of jobs only",
    );
    let only_devices = "line 1, column 1: a query of devices has properties of devices only";
    wrong_condition("devices.jobs.jobId = 'a'", only_devices);
    wrong_condition("devices.modules.moduleId = 'a'", only_devices);
}

#[test]
fn places_are_bytes_lines_and_characters() {
    let error = Query::parse("SELECT *\nFROM devices\nWHERE tags.ä = ?").unwrap_err();
    assert_eq!((error.offset(), error.line(), error.column()), (38, 3, 16));
    assert_eq!(error.message(), "expected a value, found `?`");
}

#[test]
fn long_texts() {
    let fits = format!("a = '{}'", "ä".repeat(MAX_CHARACTERS - 6));
    assert!(Condition::parse(&fits).is_ok());
    let too_long = format!("line 1, column {}: the text is too long: 8192 characters are the most", MAX_CHARACTERS + 1);
    wrong_condition(&format!("{fits} "), &too_long);
    wrong_condition(&"(".repeat(100_000), &too_long);
    wrong(&format!("SELECT * FROM devices WHERE {}", "(".repeat(100_000)), &too_long);
}

/// In a debug build, on a stack of the size that threads have: whatever is nested ends with a reason.
#[test]
fn deep_texts() {
    std::thread::spawn(|| {
        let steps = ["(", "NOT ", "-", "NOT -", "[ ", "ABS(", "{a: [ ", "x OR x AND x = x + x * (", "x + (x IN [1] + "];
        for step in steps {
            let text = step.repeat(MAX_CHARACTERS / step.len());
            let error = Condition::parse(&text).unwrap_err();
            assert_eq!(error.message(), "nested too deep: 64 levels are the most", "{step}");
        }
        let sum = format!("x = {}", vec!["1"; MAX_DEPTH + 10].join(" + "));
        assert_eq!(Condition::parse(&sum).unwrap_err().message(), "nested too deep: 64 levels are the most");
    })
    .join()
    .unwrap();
}

#[test]
fn what_is_as_deep_as_it_may_be() {
    std::thread::spawn(|| {
        let depth = MAX_DEPTH - 1;
        let nots = format!("{}x = 1", "NOT ".repeat(depth - 1));
        let parentheses = format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
        let calls = format!("{}x{}", "IS_DEFINED(".repeat(depth), ")".repeat(depth));
        let arrays = format!("IS_ARRAY({}1{})", "[ ".repeat(depth), "]".repeat(depth));
        let chain = vec!["x != 7"; 700].join(" AND ");
        // What is beside each other is not deep.
        let siblings = vec!["NOT (x IN [ [1] ])"; 200].join(" OR ") + " OR true";
        for text in [nots, parentheses, calls, arrays, chain, siblings] {
            let condition = Condition::parse(&text).unwrap();
            assert!(condition.matches(&JsonRow(br#"{"x":1}"#)), "{text}");
            assert!(!condition.clone().to_string().is_empty());
        }
    })
    .join()
    .unwrap();
}
