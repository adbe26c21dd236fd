//! Limits of values, with models as the generator writes them.

#![allow(unreachable_pub, reason = "the macros make public items")]

mod served;

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::codegen::v1;
use crate::wire::Wire;
use crate::{Base64, Decimal, Nullable, Secret};

static NAME: Pattern = Pattern::new("^[a-z]+$");
static DEVICE: Checks = Checks::new()
    .fields(&[
        ("name", &Checks::new().length(1, 5).pattern(&NAME)),
        ("status", &Checks::new().one_of(&["enabled", "disabled"])),
        ("tags", &Checks::new().length(0, 2).unique().items(&Checks::new().length(2, u64::MAX))),
        ("limits", &Checks::new().length(1, u64::MAX).items(&Checks::new().at_most("10"))),
        ("child", &DEVICE),
        ("pet", &Checks::new().variants(&[("cat", &CAT), ("device", &DEVICE)])),
        ("key", &Checks::new().length(3, 8)),
        ("price", &Checks::new().above("0.5").multiple_of("0.05")),
    ])
    .items(&Checks::new().length(0, 1));
static CAT: Checks =
    Checks::new().fields(&[("lives", &Checks::new().at_least("0").below("10")), ("wings", &CAT)]).length(2, 3);

#[derive(Clone)]
struct Device {
    name: String,
    status: Option<Status>,
    tags: Option<Vec<String>>,
    limits: Option<BTreeMap<String, i64>>,
    child: Option<Box<Device>>,
    pet: Option<Pet>,
    key: Option<Nullable<Secret>>,
    price: Option<Decimal>,
    rest: BTreeMap<String, Vec<i32>>,
}

impl Device {
    fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            status: None,
            tags: None,
            limits: None,
            child: None,
            pet: None,
            key: None,
            price: None,
            rest: BTreeMap::new(),
        }
    }
}

v1::model!(Device(String::new()), required [0], {
    0 "name" name, 1 "status" status, 2 "tags" tags, 3 "limits" limits, 4 "child" child, 5 "pet" pet, 6 "key" key, 7 "price" price,
} ..rest);

#[derive(Clone)]
enum Status {
    Enabled,
    Disabled,
    Other(String),
}

v1::string_enum!(Status, any_case, Other, { Enabled "enabled", Disabled "disabled" });

#[derive(Clone)]
enum Level {
    Low,
    Other(i64),
}

v1::integer_enum!(Level, Other, { Low 1 });

#[derive(Clone)]
enum Pet {
    Cat(Box<Cat>),
    Other(Map<String, Value>),
}

v1::union_model!(Pet, "kind", Other, { Cat "cat" });

#[derive(Clone)]
struct Cat {
    lives: Option<f64>,
    owner: Option<String>,
    rest: Map<String, Value>,
}

impl Cat {
    fn new() -> Self {
        Self { lives: None, owner: None, rest: Map::new() }
    }
}

v1::model!(Cat(), required [], tag "kind" "cat", { 0 "lives" lives, 1 "owner" owner } ..rest);

fn complaints<T: Wire>(value: &T, checks: &'static Checks) -> Vec<String> {
    let mut all = Vec::new();
    check(value.view(), checks, &mut |path, expected| all.push(format!("{path}: {expected}")));
    all
}

#[track_caller]
fn of_json<T: Wire>(json: &str, checks: &'static Checks) -> Vec<String> {
    let mut value = T::blank();
    wire::read::from_json(json.as_bytes(), value.slot()).unwrap();
    complaints(&value, checks)
}

#[test]
fn what_fits() {
    let json = r#"{"name":"abc","status":"ENABLED","tags":["ab","cd"],"limits":{"a":10},"child":{"name":"d"},
        "pet":{"kind":"cat","lives":9.5},"key":"secret","price":0.55,"more":[1]}"#;
    assert_eq!(of_json::<Device>(json, &DEVICE), [""; 0]);
    assert_eq!(of_json::<Device>(r#"{"name":"abc","key":null}"#, &DEVICE), [""; 0]);
}

#[test]
fn all_that_is_wrong_is_found() {
    let json = r#"{"name":"Abcdefg","status":"hunter2","tags":["a","a","b"],"limits":{"a":10,"b.c":11},
        "child":{"name":"","tags":["ab","ab"],"limits":{},"child":{"name":"1"}},"pet":{"kind":"cat","lives":10,"a":1,"b":2},
        "key":"hunter2hunter2","price":0.5,"more":[1,2]}"#;
    assert_eq!(
        of_json::<Device>(json, &DEVICE),
        [
            "name: expected at most 5 characters",
            "status: expected one of `enabled`, `disabled`",
            "tags: expected at most 2 items",
            "tags[0]: expected at least 2 characters",
            "tags[1]: expected at least 2 characters",
            "tags[2]: expected at least 2 characters",
            "limits[\"b.c\"]: expected a number of at most 10",
            "child.name: expected at least 1 character",
            "child.name: expected a text with the pattern `^[a-z]+$`",
            "child.tags: expected no item twice",
            "child.limits: expected at least 1 property",
            "child.child.name: expected a text with the pattern `^[a-z]+$`",
            "pet: expected at most 3 properties",
            "pet.lives: expected a number below 10",
            "key: expected at most 8 characters",
            "price: expected a number above 0.5",
            "more: expected at most 1 item",
        ]
    );
}

#[test]
fn a_union_is_checked_by_its_tag() {
    static PET: Checks = Checks::new().variants(&[("cat", &CAT)]);
    assert_eq!(of_json::<Pet>(r#"{"kind":"cat","lives":-1}"#, &PET), ["lives: expected a number of at least 0"]);
    assert_eq!(of_json::<Pet>(r#"{"kind":"cat"}"#, &PET), [": expected at least 2 properties"]);
    assert_eq!(of_json::<Pet>(r#"{"kind":"dog","lives":-1}"#, &PET), [""; 0]);
    assert_eq!(of_json::<Pet>(r#"{"lives":-1}"#, &PET), [""; 0]);
}

#[test]
fn characters_are_those_of_unicode() {
    static TWO: Checks = Checks::new().length(2, 2);
    for fits in ["ab", "éé", "𝄞𝄞", "\0\n"] {
        assert_eq!(complaints(&fits.to_owned(), &TWO), [""; 0], "{fits}");
    }
    for not in ["a", "", "abc", "𝄞"] {
        assert_eq!(complaints(&not.to_owned(), &TWO).len(), 1, "{not}");
    }
}

#[test]
fn enums_of_words_and_numbers() {
    static WORDS: Checks = Checks::new().one_of(&["enabled", "1"]);
    assert_eq!(complaints(&Status::Enabled, &WORDS), [""; 0]);
    assert_eq!(complaints(&Status::Disabled, &WORDS), [": expected one of `enabled`, `1`"]);
    assert_eq!(of_json::<Vec<Status>>(r#"["EnAbLeD"]"#, const { &Checks::new().items(&WORDS) }), [""; 0]);
    assert_eq!(complaints(&Level::Low, &WORDS), [""; 0]);
    assert_eq!(complaints(&Level::Other(2), &WORDS).len(), 1);
    static MANY: Checks = Checks::new().one_of(&["a"; 101]);
    assert!(complaints(&String::new(), &MANY)[0].ends_with("`a`, `a`, …"));
}

#[test]
fn patterns_are_searched_for() {
    static VOWEL: Pattern = Pattern::new("[aeiou]");
    static LONG: Pattern = Pattern::new(concat!(
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy"
    ));
    static BROKEN: Pattern = Pattern::new("(");
    static END: Pattern = Pattern::new("a$");
    let matches = |text: &str, checks: &'static Checks| complaints(&text.to_owned(), checks).is_empty();
    static CHECKS: [Checks; 4] = [
        Checks::new().pattern(&VOWEL),
        Checks::new().pattern(&LONG),
        Checks::new().pattern(&BROKEN),
        Checks::new().pattern(&END),
    ];
    assert!(matches("xyaz", &CHECKS[0]) && !matches("xyz", &CHECKS[0]));
    assert!(matches("anything", &CHECKS[2]));
    assert!(matches("ba", &CHECKS[3]) && !matches("ba\n", &CHECKS[3]));
    let complaint = complaints(&String::new(), &CHECKS[1]);
    assert!(complaint[0].ends_with("xxx…`"), "{complaint:?}");
}

/// A pattern that takes exponential time where one goes back.
#[test]
fn patterns_take_little_time() {
    static NESTED: Pattern = Pattern::new("^(([a-z])+.)+[A-Z]([a-z])+$");
    static CHECKS: Checks = Checks::new().pattern(&NESTED);
    assert_eq!(complaints(&"a".repeat(10_000), &CHECKS).len(), 1);
}

#[test]
fn other_kinds_of_values_are_let_pass() {
    static ALL: Checks = Checks::new().at_least("5").length(5, 5).one_of(&["a"]).unique().pattern(&NAME);
    assert_eq!(complaints(&true, &ALL), [""; 0]);
    assert_eq!(complaints(&Value::from(1), &ALL), [""; 0]);
    assert_eq!(complaints(&None::<String>, &ALL), [""; 0]);
    assert_eq!(complaints(&Nullable::<String>::Null, &ALL), [""; 0]);
    static NUMBER: Checks = Checks::new().at_least("5");
    assert_eq!(complaints(&String::new(), &NUMBER), [""; 0]);
    assert_eq!(complaints(&Base64::from(b"abc".to_vec()), const { &Checks::new().length(4, 4) }), [""; 0]);
}

#[test]
fn equal_items() {
    static UNIQUE: Checks = Checks::new().unique();
    for (json, fits) in [
        ("[]", true),
        (r#"[1,2,"1"]"#, true),
        (r#"[{"a":1,"b":[2]},{"b":[2],"a":1}]"#, false),
        (r#"[{"a":1},{"a":2}]"#, true),
        ("[null,null]", false),
        ("[[],{}]", true),
    ] {
        assert_eq!(of_json::<Vec<Value>>(json, &UNIQUE).is_empty(), fits, "{json}");
    }
    let close = "[0.1000000000000000000000001,0.1000000000000000000000002]";
    assert_eq!(of_json::<Vec<Decimal>>(close, &UNIQUE), [""; 0]);
    assert_eq!(of_json::<Vec<Decimal>>("[0.1,0.1]", &UNIQUE).len(), 1);
    // In quadratic time this would take minutes.
    let many: Vec<i64> = (0..200_000).collect();
    assert_eq!(complaints(&many, &UNIQUE), [""; 0]);
}

#[test]
fn there_is_an_end_to_it() {
    static WORDS: Checks = Checks::new().items(&Checks::new().length(1, 1));
    let found = complaints(&vec![String::new(); 1000], &WORDS);
    assert_eq!(found.len(), 100);
    assert!(found[99].starts_with("[99]"));
    let map: BTreeMap<_, _> = (0..1000).map(|number| (number.to_string(), String::new())).collect();
    assert_eq!(complaints(&map, &WORDS).len(), 100);
}

#[test]
fn deep_values_are_looked_at_as_far_as_they_are_read() {
    let nested =
        |depth: usize, json: &str| format!("{}{json}{}", r#"{"name":"a","child":"#.repeat(depth), "}".repeat(depth));
    let found = of_json::<Device>(&nested(126, r#"{"name":"B"}"#), &DEVICE);
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("child.name: expected a text with the pattern `^[a-z]+$`"));
    let mut device = Device::new("a");
    for _ in 0..1000 {
        let mut outer = Device::new("a");
        outer.child = Some(Box::new(device));
        device = outer;
    }
    let found = complaints(&device, &DEVICE);
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("child: expected at most 128 arrays and objects within one another"));
    // Lest the drop be too deep for a test's stack.
    while let Some(child) = device.child.take() {
        device = *child;
    }
}

#[test]
fn numbers_are_compared_by_their_digits() {
    let number = |text: &'static str| Number::parse(text).unwrap();
    let order = [
        "-1e400",
        "-10.5",
        "-1.05e1",
        "-3",
        "-0.001",
        "-0",
        "0e99",
        "1e-999999999999999999999",
        "0.00099",
        "1E-3",
        "0.1",
        "1",
        "1.0",
        "01.5",
        "9.9999999999999999999999",
        "10",
        "100e-1",
        "18446744073709551616",
        "1e400",
        "1e99999999999999999999",
    ];
    let equal = [("-10.5", "-1.05e1"), ("-0", "0e99"), ("1", "1.0"), ("10", "100e-1")];
    for (at, left) in order.iter().enumerate() {
        for right in &order[at..] {
            let same = left == right || equal.contains(&(left, right));
            assert_eq!(number(left) == number(right), same, "{left} {right}");
            assert_eq!(number(left) < number(right), !same, "{left} {right}");
        }
    }
    for not in ["", "-", "NaN", "inf", "1e", "1e+", "e1", ".5", "1_0", "+1", "1.2.3", "٣", "--1", "1e1.5"] {
        assert!(Number::parse(not).is_none(), "{not}");
    }
}

#[test]
fn multiples_to_the_last_digit() {
    for (number, factor, is) in [
        ("0.3", "0.1", true),
        ("1e300", "0.001", true),
        ("1e-300", "0.001", false),
        ("0", "7", true),
        ("-21", "7", true),
        ("22", "7", false),
        ("123456789012345678901234567890", "3", true),
        ("123456789012345678901234567891", "3", false),
        ("1e99999999999999999999", "7", false),
        ("1e99999999999999999999", "5", true),
        ("5", "0", true),
        ("2.5", "2.5e0", true),
        ("1.25", "0.5", false),
        ("18446744073709551615", "18446744073709551615", true),
        ("10", "1e1", true),
        ("15", "1e1", false),
    ] {
        let multiple = Number::parse(number).unwrap().is_multiple_of(&Number::parse(factor).unwrap());
        assert_eq!(multiple, is, "{number} {factor}");
    }
    static TENTH: Checks = Checks::new().multiple_of("0.1").at_most("0.3");
    assert_eq!(complaints(&0.3_f64, &TENTH), [""; 0]);
    assert_eq!(complaints(&0.3_f32, &TENTH), [""; 0]);
    assert_eq!(complaints(&(0.1_f64 + 0.2), &TENTH).len(), 2);
    assert_eq!(complaints(&f64::MIN_POSITIVE, &TENTH), [": expected a multiple of 0.1"]);
    assert_eq!(complaints(&u64::MAX, &TENTH), [": expected a number of at most 0.3"]);
    assert_eq!(complaints(&i64::MIN, &TENTH), [""; 0]);
    assert_eq!(complaints(&f64::NAN, &TENTH), [""; 0]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        "(cat|enabled|[a-z]{0,6})".prop_map(Value::from),
    ];
    let names = "(name|status|tags|limits|child|pet|key|price|kind|lives|more)";
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((names, inner), 0..8).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_value_panics_and_none_is_shown(value in any_json()) {
        let mut device = Device::blank();
        // What does not fit is left as it was, so that something is there to be looked at.
        _ = wire::read::all_from_json(value.to_string().as_bytes(), Wire::slot(&mut device));
        for text in complaints(&device, &DEVICE) {
            let (_, expected) = text.split_once(": expected ").unwrap();
            let listed = [
                "at most 5 characters", "at least 1 character", "a text with the pattern `^[a-z]+$`", "one of `enabled`, `disabled`",
                "at most 2 items", "no item twice", "at least 2 characters", "at least 1 property", "a number of at most 10",
                "at least 3 characters", "at most 8 characters", "a number above 0.5", "a multiple of 0.05", "at most 1 item",
                "at least 2 properties", "at most 3 properties", "a number of at least 0", "a number below 10",
            ];
            prop_assert!(listed.contains(&expected), "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_ordered_as_they_are(left in any::<i64>(), right in any::<i64>(), near in -3..3_i64) {
        for right in [right, left.saturating_add(near)] {
            let (l, r) = (left.to_string(), right.to_string());
            let (l, r) = (Number::parse(&l).unwrap(), Number::parse(&r).unwrap());
            prop_assert_eq!(l.partial_cmp(&r), left.partial_cmp(&right));
        }
    }

    #[test]
    fn floats_are_ordered_as_they_are(left in any::<f64>(), right in any::<f64>()) {
        prop_assume!(left.is_finite() && right.is_finite());
        let (l, r) = (format!("{left:e}"), format!("{right}"));
        prop_assert_eq!(Number::parse(&l).unwrap().partial_cmp(&Number::parse(&r).unwrap()), left.partial_cmp(&right));
    }

    #[test]
    fn multiples_are_as_whole_numbers_say(number in any::<i64>(), factor in 1..10_000_i64, places in 0..12_usize, zeros in 0..5_usize) {
        let scaled = |number: i64| {
            let digits = format!("{:0>1$}", number.unsigned_abs(), places + 1);
            let (whole, fraction) = digits.split_at(digits.len() - places);
            format!("{}{whole}.{fraction}{}", if number < 0 { "-" } else { "" }, "0".repeat(zeros))
        };
        let (scaled_number, scaled_factor) = (scaled(number), scaled(factor));
        let factor_text = Number::parse(&scaled_factor).unwrap();
        prop_assert_eq!(Number::parse(&scaled_number).unwrap().is_multiple_of(&factor_text), number % factor == 0);
        let multiple = scaled((number / factor) * factor);
        prop_assert!(Number::parse(&multiple).unwrap().is_multiple_of(&factor_text));
    }

    #[test]
    fn any_text_is_a_number_or_not(text in "[-+.eE0-9]{0,12}") {
        if let Some(number) = Number::parse(&text) {
            _ = number.is_multiple_of(&number);
            prop_assert!(number == number);
        }
        prop_assert_eq!(text.parse::<Decimal>().is_ok() && Number::parse(&text).is_none(), false);
    }

    #[test]
    fn lengths(text in ".{0,12}") {
        static FIVE: Checks = Checks::new().length(3, 5);
        prop_assert_eq!(complaints(&text, &FIVE).is_empty(), (3..=5).contains(&text.chars().count()));
    }
}
