use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::diag::{Code, Diagnostics, FileId, Pointer};
use crate::source::Patch;

fn at(file: u32, pointer: &str) -> Location {
    Location { file: FileId(file), pointer: Pointer::parse(pointer) }
}

/// Sources with these files, and what was wrong with them.
fn sources(files: &[(&str, &str)]) -> (Sources, Diagnostics) {
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    for (path, text) in files {
        sources.add(Path::new(path), (*text).to_owned(), &mut diags);
    }
    (sources, diags)
}

#[test]
fn a_problem_shows_its_line_its_labels_and_its_help() {
    let text = "{\n  \"a\": {\n\n\n\n\n\n\n    \"get\": 1,\n    \"get\": 2\n  }\n}\n";
    let (sources, diags) = sources(&[("specs/a.json", text)]);
    let expected = "\
error[SM103]: the key `get` stands twice in one object
  --> specs/a.json:10:5
   |
10 |     \"get\": 2
   |     ^^^^^
   = at: /a/get
   = note: specs/a.json:9:5: first defined here
 9 |     \"get\": 1,
   |     ^^^^^
   = help: remove one of them, or give it another name
";
    assert_eq!(render_text(diags.as_slice(), &sources, false), expected);
    let colored = render_text(diags.as_slice(), &sources, true);
    assert!(colored.starts_with("\x1b[1;31merror[SM103]\x1b[0m"));
    assert_eq!(strip(&colored), expected);
}

fn strip(colored: &str) -> String {
    let mut parts = colored.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[test]
fn a_syntax_error_shows_where_the_text_breaks_off() {
    let (sources, diags) = sources(&[("a.json", "{\n  \"a\" 1\n}")]);
    let expected = "\
error[SM102]: not valid JSON: expected `:`
 --> a.json:2:7
  |
2 |   \"a\" 1
  |       ^
  = help: mend the text at the mark; if it is meant to be YAML, call the file `.yaml`
";
    assert_eq!(render_text(diags.as_slice(), &sources, false), expected);
}

#[test]
fn a_node_from_an_overlay_names_both_places() {
    let overlay = "actions:\n- target: $.p\n  update:\n    y: 1\n";
    let (mut sources, _) = sources(&[("a.json", "{}"), ("o.yaml", overlay)]);
    let patch = Patch::Written { pointer: Pointer::parse("/p"), origin: at(1, "/actions/0/update") };
    sources.file_mut(FileId(0)).patches.push(patch);
    let problem = [Diagnostic::new(Code::Syntax, "no").at_value(&at(0, "/p/y"))];
    let expected = "\
error[SM102]: no
 --> o.yaml:4:8
  |
4 |     y: 1
  |        ^
  = at: /p/y of a.json
  = note: o.yaml:2:11: written by this overlay action
2 | - target: $.p
  |           ^^^
";
    assert_eq!(render_text(&problem, &sources, false), expected);

    let json: Value = serde_json::from_str(&render_json(&problem, &sources)).unwrap();
    assert_eq!((&json["file"], &json["line"]), (&"o.yaml".into(), &4.into()));
    assert_eq!((&json["document"], &json["pointer"]), (&"a.json".into(), &"/p/y".into()));
    assert_eq!(json["labels"][0]["message"], "written by this overlay action");
}

#[test]
fn problems_are_sorted_and_not_repeated() {
    let (sources, _) = sources(&[("a.json", "{\n\"x\": 1,\n\"y\": 2}"), ("b.json", "{\"x\": 1}")]);
    let problem = |code, file, pointer: &str, message: &str| Diagnostic::new(code, message).at(&at(file, pointer));
    let all = [
        problem(Code::Syntax, 1, "/x", "fifth"),
        problem(Code::Syntax, 0, "/y", "fourth"),
        problem(Code::DuplicateKey, 0, "/x", "third"),
        problem(Code::Syntax, 0, "/x", "second"),
        problem(Code::Syntax, 0, "/y", "fourth"),
        Diagnostic::new(Code::Unreadable, "first"),
    ];
    let json = render_json(&all, &sources);
    let messages: Vec<Value> =
        json.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["message"].take()).collect();
    assert_eq!(messages, ["first", "second", "third", "fourth", "fifth"]);
    assert_eq!(render_text(&all, &sources, false).matches("fourth").count(), 1);
}

#[test]
fn json_has_every_field_also_where_there_is_no_place() {
    let (sources, diags) = sources(&[("a.json", "{\"k\": 1,\n \"k\": 2}")]);
    let place = |line: usize, column: usize| {
        json!({
            "file": "a.json", "line": line, "column": column, "end_column": column + 3,
            "document": "a.json", "pointer": "/k",
        })
    };
    let mut expected = json!({
        "code": "SM103", "severity": "error", "message": "the key `k` stands twice in one object",
        "help": "remove one of them, or give it another name",
    });
    let mut label = json!({"message": "first defined here"});
    merge(&mut expected, place(2, 2));
    merge(&mut label, place(1, 2));
    expected["labels"] = json!([label]);
    let found: Value = serde_json::from_str(render_json(diags.as_slice(), &sources).trim_end()).unwrap();
    assert_eq!(found, expected);

    let bare = render_json(&[Diagnostic::new(Code::StaleKept, "no\nplace")], &sources);
    assert_eq!(bare.lines().count(), 1);
    let expected = json!({
        "code": "SM705", "severity": "warning", "message": "no\nplace", "file": null, "line": null, "column": null,
        "end_column": null, "document": null, "pointer": null, "labels": [], "help": null,
    });
    assert_eq!(serde_json::from_str::<Value>(&bare).unwrap(), expected);
}

#[test]
fn sarif_names_files_by_uris() {
    let (sources, _) = sources(&[("specs/a b/ü%.json", "{}"), ("/specs/a:b.json", "{\"x\": 1}")]);
    let problems = [
        Diagnostic::new(Code::Syntax, "one").at(&at(0, "")).help("do it"),
        Diagnostic::new(Code::StaleKept, "two").at_value(&at(1, "/x")).label(&at(0, ""), "other"),
        Diagnostic::new(Code::Syntax, "nowhere"),
    ];
    let log: Value = serde_json::from_str(&render_sarif(&problems, &sources)).unwrap();
    let run = &log["runs"][0];
    let ids: Vec<&Value> = run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
    assert_eq!(ids, ["SM102", "SM705"], "each once");
    let [nowhere, one, two] = run["results"].as_array().unwrap().as_slice() else { panic!("{run}") };
    assert_eq!((&nowhere["message"]["text"], nowhere.get("locations")), (&"nowhere".into(), None));
    assert_eq!(one["message"]["text"], "one\nhelp: do it");
    let uri = |place: &Value| place["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap().to_owned();
    assert_eq!(uri(&one["locations"][0]), "specs/a%20b/%C3%BC%25.json");
    assert_eq!((&two["ruleIndex"], &two["level"]), (&1.into(), &"warning".into()));
    if cfg!(unix) {
        assert_eq!(uri(&two["locations"][0]), "file:///specs/a:b.json");
    }
    let region = json!({"startLine": 1, "startColumn": 7, "endColumn": 8});
    assert_eq!(two["locations"][0]["physicalLocation"]["region"], region);
    assert_eq!(uri(&two["relatedLocations"][0]), "specs/a%20b/%C3%BC%25.json");
    assert_eq!(two["relatedLocations"][0]["message"]["text"], "other");
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

#[test]
fn nothing_that_a_terminal_obeys_gets_through() {
    let text = "a:\tx \u{1b}[31m\u{202e}evil\u{7f}\u{9b}\n";
    let (sources, _) = sources(&[("a.json", "[]"), ("a\u{1b}.txt", text)]);
    let problem = Diagnostic::new(Code::Syntax, "\u{1b}[2J\u{2066}").at(&at(1, "")).spanning(3..4).help("a\nb\u{7}");
    let shown = render_text(&[problem], &sources, false);
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    assert!(!shown.contains(['\u{202e}', '\u{2066}']), "{shown:?}");
    let expected = "\
error[SM102]: ␛[2J\u{fffd}
 --> a␛.txt:1:4
  |
1 | a:    x ␛[31m\u{fffd}evil␡\u{fffd}
  |       ^
  = help: a
          b␇
";
    assert_eq!(shown, expected);
}

#[test]
fn long_lines_are_cut_around_what_is_meant() {
    let text = format!("{{\"a\": \"{}\", \"here\": 1, \"z\": \"{}\"}}", "x".repeat(5000), "y".repeat(5000));
    let (sources, _) = sources(&[("a.json", &text)]);
    let shown = render_text(&[Diagnostic::new(Code::Syntax, "m").at(&at(0, "/here"))], &sources, false);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[3].chars().count() < 140, "{}", lines[3]);
    assert!(lines[3].starts_with("1 | …x") && lines[3].ends_with("y…"), "{}", lines[3]);
    let caret = lines[4].chars().position(|c| c == '^').unwrap();
    let underlined: String = lines[3].chars().skip(caret).take(6).collect();
    assert_eq!((underlined.as_str(), lines[4].matches('^').count()), ("\"here\"", 6));

    // What is meant is itself too long.
    let shown = render_text(&[Diagnostic::new(Code::Syntax, "m").at(&at(0, "")).spanning(6..5000)], &sources, false);
    assert!(shown.lines().all(|line| line.chars().count() < 140), "{shown}");
}
