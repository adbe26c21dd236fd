//! What is printed is read as what it was, and no text is the end of the reader.

use proptest::prelude::*;

use super::super::ast::Source;
use super::super::{Condition, Query};
use super::strategies::{any_expression, any_query};

#[test]
fn queries_print_in_full() {
    for (text, printed) in [
        ("select *\nfrom Devices", "SELECT * FROM devices"),
        (
            "Select top 5 DeviceId, devices.tags.[[a b]] as x From devices Where not a<>1 And -b>=1e3 oR c",
            "SELECT TOP 5 deviceId, tags['a b'] AS x FROM devices WHERE ((NOT (a != 1)) AND ((-b) >= 1000)) OR c",
        ),
        (
            "select count(), avg(tags.x) as [[two words]] from devices group by tags.y, tags.z[0]",
            "SELECT COUNT(), AVG(tags.x) AS [[two words]] FROM devices GROUP BY tags.y, tags.z[0]",
        ),
        (
            "select * from devices.jobs where -a * -b = 1 or devices.jobs.JobId in ['it''s', -1, {a: [ [1e300] ]}]",
            "SELECT * FROM devices.jobs WHERE (((-a) * (-b)) = 1) OR (jobId IN ['it\\'s', -1, {'a': [ [1e300]]}])",
        ),
    ] {
        let query = Query::parse(text).unwrap();
        assert_eq!(query.to_string(), printed);
        assert_eq!(Query::parse(printed).unwrap(), query);
    }
}

#[test]
fn sources() {
    assert_eq!(Query::parse("SELECT * FROM devices").unwrap().source(), Source::Devices);
    assert_eq!(Query::parse("SELECT * FROM devices.jobs").unwrap().source(), Source::Jobs);
}

/// Pieces of which queries are made, in no order.
fn fragments() -> impl Strategy<Value = String> {
    let fragments = [
        "SELECT ",
        "* ",
        "FROM devices ",
        "FROM devices.jobs ",
        "WHERE ",
        "GROUP BY ",
        "TOP 1 ",
        "AS ",
        "tags.x",
        "a",
        ".",
        "[",
        "]",
        "[[",
        "]]",
        "(",
        ")",
        "{",
        "}",
        ":",
        ",",
        "'",
        "\"",
        "\\",
        "\\u12",
        "AND ",
        "OR ",
        "NOT ",
        "IN [",
        "NIN ",
        "-",
        "+",
        "<",
        "=",
        "!=",
        "1",
        "0x",
        "1e",
        "null",
        "undefined",
        "COUNT(",
        "AVG(",
        "ABS(",
        "ü",
    ];
    prop::collection::vec(prop::sample::select(fragments.to_vec()), 0..24).prop_map(|all| all.concat())
}

proptest! {
    #[test]
    fn a_printed_query_is_the_query(select in any_query()) {
        let printed = select.to_string();
        prop_assert_eq!(super::super::parse::query(&printed), Ok(select), "{}", printed);
    }

    #[test]
    fn a_printed_condition_is_the_condition(expr in any_expression()) {
        let condition = Condition { expr };
        let printed = condition.to_string();
        prop_assert_eq!(Condition::parse(&printed), Ok(condition), "{}", printed);
    }

    #[test]
    fn any_text_is_a_query_or_an_error(text in prop_oneof![any::<String>(), fragments()]) {
        for error in [Query::parse(&text).err(), Condition::parse(&text).err()].into_iter().flatten() {
            prop_assert!(text.is_char_boundary(error.offset()));
            prop_assert!(!error.message().is_empty());
        }
    }

    /// One character more, less or another one in a good query.
    #[test]
    fn a_query_with_a_slip(select in any_query(), at in any::<prop::sample::Index>(), other in any::<char>(), kind in 0..3) {
        let mut text: Vec<char> = select.to_string().chars().collect();
        let at = at.index(text.len());
        match kind {
            0 => text[at] = other,
            1 => text.insert(at, other),
            _ => drop(text.remove(at)),
        }
        let text: String = text.into_iter().collect();
        if let Err(error) = Query::parse(&text) {
            prop_assert!(text.is_char_boundary(error.offset()));
        }
    }
}
