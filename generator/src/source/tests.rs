use proptest::prelude::*;
use serde_json::{Value, json};

use super::tree::Children;
use super::*;

fn add(name: &str, text: &str) -> (Sources, Option<FileId>, Diagnostics) {
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    let id = sources.add(Path::new(name), text.to_owned(), &mut diags);
    (sources, id, diags)
}

/// The value of a text without mistakes.
fn value(name: &str, text: &str) -> Value {
    let (mut sources, id, diags) = add(name, text);
    assert_eq!(diags.as_slice(), []);
    std::mem::take(sources.value_mut(id.unwrap()))
}

/// The message of a text's only mistake, with its line and column.
fn mistake(name: &str, text: &str) -> (Code, String, usize, usize) {
    let (sources, id, diags) = add(name, text);
    assert_eq!(id, None);
    let [diagnostic] = diags.as_slice() else { panic!("{diags:?}") };
    let position = sources.position(&at(""), diagnostic.part).unwrap();
    (diagnostic.code, diagnostic.message.clone(), position.line, position.column)
}

fn at(pointer: &str) -> Location {
    Location { file: FileId(0), pointer: Pointer::parse(pointer) }
}

/// Line, column and what is underlined.
fn place(sources: &Sources, location: &Location) -> (usize, usize, String) {
    let position = sources.position(location, Part::Node).unwrap();
    let underlined = position.text.chars().skip(position.column - 1).take(position.length).collect();
    (position.line, position.column, underlined)
}

#[test]
fn json_pointers_lead_to_keys_items_and_the_root() {
    let text = "{\n  \"paths\": {\n    \"/jobs/{id}\": { \"get\": {\"é\\u0041\": [10, {\"x\": 1}]} }\n  }\r\n}";
    let (sources, ..) = add("a.json", text);
    let place = |pointer| place(&sources, &at(pointer));
    assert_eq!(place(""), (1, 1, "{".to_owned()));
    assert_eq!(place("/paths"), (2, 3, "\"paths\"".to_owned()));
    assert_eq!(place("/paths/~1jobs~1{id}/get"), (3, 21, "\"get\"".to_owned()));
    assert_eq!(place("/paths/~1jobs~1{id}/get/éA"), (3, 29, "\"é\\u0041\"".to_owned()));
    assert_eq!(place("/paths/~1jobs~1{id}/get/éA/0"), (3, 41, "10".to_owned()));
    assert_eq!(place("/paths/~1jobs~1{id}/get/éA/1"), (3, 45, "{\"x\": 1}".to_owned()));
}

#[test]
fn a_value_is_underlined_where_it_is_a_scalar() {
    let underlined = |name: &str, text: &str, pointer: &str| {
        let (sources, ..) = add(name, text);
        let position = sources.position(&at(pointer), Part::Value).unwrap();
        position.text.chars().skip(position.column - 1).take(position.length).collect::<String>()
    };
    let json = "{\"a\": {\"b\": \"c\"}, \"d\": [1]}";
    assert_eq!(underlined("a.json", json, "/a/b"), "\"c\"");
    assert_eq!(underlined("a.json", json, "/a"), "\"a\"", "an object may go on for pages");
    assert_eq!(underlined("a.json", json, "/d/0"), "1");
    assert_eq!(underlined("a.json", json, "/a/b/x"), "\"b\"", "not there");
    assert_eq!(underlined("a.yaml", "a:\n  b: c d\n  e:\n", "/a/b"), "c d");
    assert_eq!(underlined("a.yaml", "a:\n  b: c d\n  e:\n", "/a/e"), "e", "nothing to underline");
}

#[test]
fn what_is_not_in_the_text_is_at_its_nearest_ancestor() {
    let (sources, ..) = add("a.json", r#"{"a": [{"b": 1}]}"#);
    assert_eq!(place(&sources, &at("/a/0/c/d")), (1, 8, "{\"b\": 1}".to_owned()));
    assert_eq!(place(&sources, &at("/a/7")), (1, 2, "\"a\"".to_owned()));
    assert_eq!(place(&sources, &at("/z")).0, 1);
    assert_eq!(sources.position(&Location { file: FileId(9), pointer: Pointer::root() }, Part::Node), None);
}

#[test]
fn every_duplicate_key_is_found_and_the_last_value_kept() {
    for (name, text) in [
        ("a.json", "{\"a\": {\"x\": 1,\n\"x\": 2, \"x\": 3},\n\"b\": [{\"y:\": 0, \"\\u0079:\": 1}]}"),
        ("a.yaml", "{a: {x: 1,\n  x: 2, 'x': 3},\n  b: [{'y:': 0, \"\\u0079:\": 1}]}"),
    ] {
        let (sources, id, diags) = add(name, text);
        assert_eq!(*sources.value(id.unwrap()), json!({"a": {"x": 3}, "b": [{"y:": 1}]}));
        let found: Vec<_> = diags
            .iter()
            .map(|diagnostic| {
                assert_eq!(diagnostic.code, Code::DuplicateKey);
                let line = |part| sources.position(&at(""), part).unwrap().line;
                let pointer = diagnostic.location.as_ref().unwrap().pointer.to_string();
                (pointer, line(diagnostic.part), line(diagnostic.labels[0].part))
            })
            .collect();
        assert_eq!(found, [("/a/x".to_owned(), 2, 1), ("/a/x".to_owned(), 2, 1), ("/b/0/y:".to_owned(), 3, 3)]);
    }
}

#[test]
fn equal_keys_of_different_objects_are_no_duplicates() {
    value("a.json", r#"[{"a": {"a": ":"}}, {"a": "\":\""}]"#);
    value("a.yaml", "- a: {a: 1}\n- a: 2\n");
}

#[test]
fn json_mistakes_have_a_place() {
    let (code, message, line, column) = mistake("a.json", "{\n  \"a\": 1,\n  \"b\" 2\n}");
    assert_eq!((code, message.as_str()), (Code::Syntax, "not valid JSON: expected `:`"));
    assert_eq!((line, column), (3, 7));
    assert_eq!(mistake("a.json", "{\n").2, 2);
    assert_eq!(mistake("a.json", "").2, 1);
    // 127 arrays in an array are fine, and nothing deeper gets to recurse.
    value("a.json", &format!("{}{}", "[".repeat(127), "]".repeat(127)));
    let (code, message, ..) = mistake("a.json", &"[".repeat(1_000_000));
    assert_eq!((code, message.as_str()), (Code::Syntax, "objects and arrays are nested more than 128 deep"));
}

#[test]
fn the_format_is_that_of_the_extension_or_else_of_the_text() {
    assert_eq!(value("a.json", "\u{feff}{\"a\": 1}"), json!({"a": 1}));
    assert_eq!(value("a.YML", "a: 1"), json!({"a": 1}));
    assert_eq!(value("a", " \n{\"a\": 1}"), json!({"a": 1}));
    assert_eq!(value("a.txt", "a: 1"), json!({"a": 1}));
    assert_eq!(mistake("a.json", "a: 1").0, Code::Syntax);
    // A tab may not indent in YAML, but may in JSON, and so tells which it was read as.
    assert_eq!(value("a", "{\n\t\"a\":\n\t1}"), json!({"a": 1}));
}

#[test]
fn numbers_are_those_of_serde_json() {
    let text = "[18446744073709551615, 18446744073709551616, -9223372036854775808, 1.0, 1e3, 0.1, -0]";
    let expected: Value = serde_json::from_str(text).unwrap();
    assert_eq!(value("a.json", text), expected);
    assert_eq!(value("a.yaml", text), expected);
}

#[test]
fn yaml_scalars_follow_the_core_schema() {
    for (text, expected) in [
        ("null Null NULL ~", json!([null, null, null, null])),
        ("true True FALSE yes on n", json!([true, true, false, "yes", "on", "n"])),
        ("0o14 0x1F +12 -3 007 -0o7 0o9 0x 1_000", json!([12, 31, 12, -3, 7, "-0o7", "0o9", "0x", "1_000"])),
        (".5 1. -1.e2 1e3 +.5E-1", json!([0.5, 1.0, -100.0, 1000.0, 0.05])),
        ("1e . + 1.2.3 e5 2016-11-14 12:30", json!(["1e", ".", "+", "1.2.3", "e5", "2016-11-14", "12:30"])),
        ("'1' \"true\" '' '~'", json!(["1", "true", "", "~"])),
    ] {
        assert_eq!(value("a.yaml", &format!("[{}]", text.replace(' ', ", "))), expected);
    }
    assert_eq!(value("a.yaml", "[!!str 1, !!float 1, ! 2, !!int 3, !!null '']"), json!(["1", 1, "2", 3, null]));
    assert_eq!(value("a.yaml", "a:\nb: |\n  1\n"), json!({"a": null, "b": "1\n"}));
    assert_eq!(value("a.yaml", "# nothing\n"), Value::Null);
    assert_eq!(value("a.yaml", "0123456789012345678901"), value("a.json", "123456789012345678901"));
    for text in [".inf", "-.INF", ".nan", "1e999", "0xFFFFFFFFFFFFFFFFF", "!!int x", "!secret x", "!x {}", "!!seq {}"] {
        assert_eq!(mistake("a.yaml", &format!("- 1\n- {text}\n")).2, 2, "{text}");
    }
}

#[test]
fn yaml_keys_are_strings_as_written() {
    let text = "responses:\n  200: a\n  2.0: b\n  true: c\n  ~: d\n  0x10: e\n  'x': f\n";
    let keys: Vec<_> = value("a.yaml", text)["responses"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["200", "2.0", "true", "~", "0x10", "x"]);
    assert_eq!(mistake("a.yaml", "a: 1\n? [b]\n: 2\n").2, 2);
    let (_, _, diags) = add("a.yaml", "200: a\n'200': b\n");
    assert_eq!(diags.as_slice()[0].code, Code::DuplicateKey);
}

#[test]
fn yaml_pointers_lead_to_keys_items_and_the_root() {
    let text = "# über\r\npaths:\r\n  '/ö/{id}':\r\n    get: {a: [1, zwei]}\r\n  /b:\r\n    - x: 1\r\n      y: >\r\n        z\r\n    - last\r\n";
    let (sources, ..) = add("a.yaml", text);
    let place = |pointer| place(&sources, &at(pointer));
    assert_eq!(place("/paths"), (2, 1, "paths".to_owned()));
    assert_eq!(place("/paths/~1ö~1{id}"), (3, 3, "'/ö/{id}'".to_owned()));
    assert_eq!(place("/paths/~1ö~1{id}/get/a/1"), (4, 18, "zwei".to_owned()));
    assert_eq!(place("/paths/~1b/0"), (6, 7, "x: 1".to_owned()));
    assert_eq!(place("/paths/~1b/0/y"), (7, 7, "y".to_owned()));
    assert_eq!(place("/paths/~1b/1"), (9, 7, "last".to_owned()));
}

#[test]
fn yaml_aliases_are_copies_within_bounds() {
    let text = "a: &a {x: &x 1}\nb: *a\nc: [*x, *a]\n*x : d\n";
    assert_eq!(value("a.yaml", text), json!({"a": {"x": 1}, "b": {"x": 1}, "c": [1, {"x": 1}], "1": "d"}));
    let (sources, ..) = add("a.yaml", text);
    assert_eq!(place(&sources, &at("/c/1")), (3, 9, "*a".to_owned()));
    assert_eq!(place(&sources, &at("/c/1/x")), (1, 8, "x".to_owned()));

    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_eq!(mistake("a.yaml", &bomb).0, Code::AliasBomb);
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 100].join(", "));
    assert_eq!(mistake("a.yaml", &long).0, Code::AliasBomb);
    assert_eq!(mistake("a.yaml", "a: 1\nb: &b [*b]\n").2, 2);
}

#[test]
fn yaml_mistakes_have_a_place() {
    let (code, message, line, _) = mistake("a.yaml", "a: 1\nb: [1, 2\nc: 3\n");
    assert_eq!(code, Code::Syntax);
    assert!(message.starts_with("not valid YAML: ") && line >= 2, "{message} in line {line}");
    assert_eq!(mistake("a.yaml", "a: 1\nb: *nobody\n").2, 2);
    assert_eq!(mistake("a.yaml", "a: 1\n---\nb: 1\n").2, 2);
    assert_eq!(mistake("a.yaml", &"- ".repeat(100_000)).1, "sequences and mappings are nested more than 128 deep");
    assert_eq!(mistake("a.yaml", &"[".repeat(100_000)).0, Code::Syntax);
}

#[test]
fn patched_nodes_are_where_they_were_written() {
    let (mut sources, ..) = add("a.json", "{\n\"a\": {\n\"b\": [\n0,\n1,\n2]}}");
    let overlay =
        sources.add(Path::new("o.yaml"), "u:\n  c:\n    d: 1\nv: 2\n".to_owned(), &mut Diagnostics::default());
    let origin = |pointer: &str| Location { file: overlay.unwrap(), pointer: Pointer::parse(pointer) };
    let written = |pointer: &str, from: &str| Patch::Written { pointer: Pointer::parse(pointer), origin: origin(from) };
    let line = |sources: &Sources, pointer: &str| {
        let position = sources.position(&at(pointer), Part::Node).unwrap();
        (position.path.to_str().unwrap().to_owned(), position.line)
    };
    let (a, o) = (|line| ("a.json".to_owned(), line), |line| ("o.yaml".to_owned(), line));

    sources.file_mut(FileId(0)).patches = vec![written("/a", "/u"), written("/a/c", "/v"), written("/ab", "/v")];
    assert_eq!(line(&sources, "/a/c/d"), o(4), "the longest pointer, and the last");
    assert_eq!(line(&sources, "/a/b"), o(1));
    assert_eq!(line(&sources, "/abc"), a(1), "a step, not a prefix of the text");

    sources.file_mut(FileId(0)).patches = vec![
        written("/a/b/1", "/u"),
        Patch::RemovedItem { array: Pointer::parse("/a/b"), index: 0 },
        written("/a/c", "/u/c"),
    ];
    assert_eq!(line(&sources, "/a/b/0"), o(1), "the item that moved up");
    assert_eq!(line(&sources, "/a/b/1"), a(6));
    assert_eq!(line(&sources, "/a/c/d"), o(3), "the node inside what was written");

    sources.file_mut(FileId(0)).patches =
        vec![written("/a/c", "/v"), Patch::RemovedMember { pointer: Pointer::parse("/a") }, written("/a", "/u")];
    assert_eq!(line(&sources, "/a/c"), o(2), "not the one that was there before");
}

#[test]
fn a_file_is_loaded_once_however_it_is_spelled() {
    let folder = std::env::temp_dir().join(format!("specsmith-source-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a.json"), "{}").unwrap();
    fs::write(folder.join("latin1.yaml"), b"a: 1\nb: caf\xe9\n").unwrap();
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    let id = sources.load(&folder.join("a.json"), &mut diags);
    assert_eq!(id, Some(FileId(0)));
    assert_eq!(sources.load(&folder.join(".").join("a.json"), &mut diags), id);
    assert!(diags.is_empty());

    for _ in 0..2 {
        assert_eq!(sources.load(&folder.join("latin1.yaml"), &mut diags), None);
        assert_eq!(sources.load(&folder.join("missing.json"), &mut diags), None);
    }
    let [latin1, missing] = diags.as_slice() else { panic!("{diags:?}") };
    assert_eq!((latin1.code, missing.code), (Code::Syntax, Code::Unreadable));
    assert!(latin1.message.contains("0xE9"), "{latin1:?}");
    let position = sources.position(latin1.location.as_ref().unwrap(), latin1.part).unwrap();
    assert_eq!((position.line, position.column), (2, 7));
    assert_eq!(sources.paths().len(), 3);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_member_among_many_is_found() {
    let members: Vec<String> = (0..100).map(|number| format!("\"k{number}\": {number}")).collect();
    let text = format!("{{\n{},\n\"k7\": 7\n}}", members.join(",\n"));
    let (sources, ..) = add("a.json", &text);
    let line = |pointer: &str| sources.position(&at(pointer), Part::Node).unwrap().line;
    // The first stands on line 2; of two with one key, it is the last.
    assert_eq!([line("/k0"), line("/k99"), line("/k7"), line("/k8"), line("/missing")], [2, 101, 102, 10, 1]);
}

#[test]
fn columns_of_a_long_line_are_counted_in_characters() {
    // Two bytes each; more of them than are counted at once.
    let text = format!("[\n\"{}\", 7, \"{}\", 8]", "é".repeat(10_000), "é".repeat(3));
    let (sources, ..) = add("a.json", &text);
    let place = |pointer: &str| {
        let position = sources.position(&at(pointer), Part::Node).unwrap();
        (position.line, position.column, position.text.get(position.start..).unwrap().chars().next().unwrap())
    };
    // A quote, the text, a quote, a comma and a space stand before the seven.
    assert_eq!(place("/0"), (2, 1, '"'));
    assert_eq!(place("/1"), (2, 10_005, '7'));
    assert_eq!(place("/3"), (2, 10_015, '8'));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |number| serde_json::Number::from_f64(number).map(Value::from)),
        "\\PC*|[\\n\"\\\\:,{}\\[\\]]*".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("[a-z/~\"\\\\:é]{0,3}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Checks that a tree says of every node where it stands in a text.
fn stands_where_it_says(text: &str, root: &Node, node: &Node, value: &Value, at: &Pointer) {
    assert_eq!(serde_json::from_str::<Value>(&text[node.span.clone()]).unwrap(), *value);
    match (&node.children, value) {
        (Children::Members(members), Value::Object(object)) => {
            assert_eq!(members.iter().len(), object.len());
            for (member, (key, value)) in members.iter().zip(object) {
                let at = at.join(key);
                assert_eq!(root.find(&at, false), member.key_span);
                assert_eq!(serde_json::from_str::<String>(&text[member.key_span.clone()]).unwrap(), *key);
                stands_where_it_says(text, root, &member.value, value, &at);
            }
        }
        (Children::Items(items), Value::Array(values)) => {
            assert_eq!(items.len(), values.len());
            for (index, (item, value)) in items.iter().zip(values).enumerate() {
                let at = at.join(index);
                assert_eq!(root.find(&at, false), item.span);
                stands_where_it_says(text, root, item, value, &at);
            }
        }
        (Children::None, value) => assert!(!value.is_object() && !value.is_array()),
        _ => panic!("{node:?} is not {value}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_span_of_a_pointer_is_the_text_of_the_value(value in any_json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        // Through text once, as serde_json does not give every float back.
        let value: Value = serde_json::from_str(&text).unwrap();
        let tree = json::tree(&text);
        stands_where_it_says(&text, &tree, &tree, &value, &Pointer::root());
        prop_assert!(!json::lost_members(&text, &value));
    }

    #[test]
    fn json_is_yaml(value in any_json()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let (yaml, tree) = yaml::parse(&text).unwrap();
        prop_assert_eq!(&yaml, &serde_json::from_str::<Value>(&text).unwrap());
        stands_where_it_says(&text, &tree, &tree, &yaml, &Pointer::root());
    }

    #[test]
    fn no_text_is_too_strange(text in "([a-z0-9é\\t \\n:,\\-?&*!|>'\"%@#{}\\[\\]\u{feff}]|- |: |\\n  |&a |\\*a|!!|---\\n|\\.\\.\\.\\n|<<: ){0,40}") {
        for name in ["a.json", "a.yaml"] {
            let (sources, ..) = add(name, &text);
            prop_assert!(sources.position(&at("/a/0/b"), Part::Value).is_some());
        }
    }
}
