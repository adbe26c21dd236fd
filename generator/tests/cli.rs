//! The command line: exit codes, streams, and what is left on disk.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fs, str};

#[path = "cli/deterministic.rs"]
mod deterministic;
#[path = "cli/runs.rs"]
mod runs;

const SPEC: &str = r##"{
  "swagger": "2.0",
  "info": { "title": "Shelf", "version": "1" },
  "host": "shelf.example",
  "paths": {
    "/books/{id}": {
      "get": {
        "operationId": "Books_Get",
        "parameters": [{ "name": "id", "in": "path", "required": true, "type": "string" }],
        "responses": { "200": { "description": "The book.", "schema": { "$ref": "#/definitions/Book" } } }
      }
    }
  },
  "definitions": { "Book": { "type": "object", "properties": { "title": { "type": "string" } } } }
}
"##;

const MANIFEST: &str = "\
crate: { name: shelf, version: 0.1.0 }
out: generated
clients:
  shelf:
    documents: [shelf.json]
    groups: { books: { operations: { get: Books_Get } } }
";

/// A folder of its own for each test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("shelf.json"), SPEC).unwrap();
        fs::write(path.join("specsmith.yaml"), MANIFEST).unwrap();
        Self(path)
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output: Output =
            Command::new(env!("CARGO_BIN_EXE_specsmith")).args(arguments).current_dir(&self.0).output().unwrap();
        let text = |bytes: &[u8]| str::from_utf8(bytes).unwrap().to_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    fn replace(&self, file: &str, from: &str, to: &str) {
        let path = self.0.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has {from}");
        fs::write(path, text.replace(from, to)).unwrap();
    }
}

#[test]
fn generate_prints_a_summary_and_check_agrees() {
    let folder = Folder::new("summary");
    let (code, out, err) = folder.run(&["generate"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.starts_with("generated: 1 document, 0 overlays, 1 operation, 1 model; 9 files (9 written) in "),
        "{out}"
    );
    assert_eq!(folder.run(&["check"]), (0, String::new(), String::new()));
    let (_, again, _) = folder.run(&["generate"]);
    assert!(again.contains("(0 written)"), "{again}");
}

#[test]
fn check_shows_what_was_edited() {
    let folder = Folder::new("edited");
    folder.run(&["generate"]);
    folder.replace("generated/src/shelf/books.rs", "Operations; ", "Edited; ");
    let (code, out, _) = folder.run(&["check"]);
    assert_eq!(code, 1);
    assert!(out.contains("generated/src/shelf/books.rs is not what would be generated"), "{out}");
    assert!(out.contains("-/// Edited; ") && out.contains("+/// Operations; "), "{out}");
    assert!(out.contains("run `specsmith generate`"), "{out}");
}

#[test]
fn a_document_with_errors_is_a_no_and_leaves_everything_as_it_was() {
    let folder = Folder::new("errors");
    folder.run(&["generate"]);
    let before = fs::read_to_string(folder.0.join("generated/src/shelf/models.rs")).unwrap();
    folder.replace("shelf.json", "#/definitions/Book\"", "#/definitions/Bok\"");
    folder.replace("shelf.json", "\"type\": \"object\"", "\"type\": \"objekt\"");
    let (code, out, err) = folder.run(&["generate"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("error[SM401]") && err.contains("--> shelf.json:10:81"), "{err}");
    assert!(err.contains("error[SM3"), "all problems come in one run: {err}");
    assert!(!err.contains('\u{1b}'), "no colors but on a terminal");
    assert_eq!(fs::read_to_string(folder.0.join("generated/src/shelf/models.rs")).unwrap(), before);
}

#[test]
fn diagnostics_as_json_are_an_object_a_line() {
    let folder = Folder::new("json");
    folder.replace("shelf.json", "#/definitions/Book\"", "#/definitions/Bok\"");
    let (code, _, err) = folder.run(&["generate", "--message-format", "json"]);
    assert_eq!(code, 1);
    let line: serde_json::Value = serde_json::from_str(err.lines().next().unwrap()).unwrap();
    assert_eq!((&line["code"], &line["severity"], &line["line"]), (&"SM401".into(), &"error".into(), &10.into()));
    assert_eq!(line["file"], "shelf.json");
}

#[test]
fn wrong_arguments_are_an_object_too() {
    let folder = Folder::new("wrong_arguments");
    let wrong = [
        &["generate", "--nope", "--message-format", "json"][..],
        &["--message-format=json", "generate", "shelf.json"],
        &["--message-format=json", "generate", "shelf.json", "--out", "o", "--crate-name", "9lives"],
        &["--message-format=json", "explain", "SM000"],
    ];
    for arguments in wrong {
        let (code, out, err) = folder.run(arguments);
        assert_eq!((code, out.as_str(), err.lines().count()), (2, "", 1), "{arguments:?}: {err}");
        let line: serde_json::Value = serde_json::from_str(&err).unwrap();
        assert_eq!((&line["code"], &line["file"]), (&"SM001".into(), &serde_json::Value::Null), "{arguments:?}");
        assert!(line["help"].is_string(), "{arguments:?}");
    }
    let (code, out, _) = folder.run(&["--help", "--message-format", "json"]);
    assert_eq!(code, 0);
    assert!(out.contains("Usage:"), "help is for people: {out}");
    assert!(folder.run(&["generate", "--nope"]).2.contains("Usage:"), "and so is what they get wrong");
}

#[test]
fn sarif_is_one_log_also_of_nothing() {
    let folder = Folder::new("sarif");
    let log = |arguments: &[&str]| {
        let (code, _, err) = folder.run(&[arguments, &["--message-format", "sarif"]].concat());
        (code, serde_json::from_str::<serde_json::Value>(&err).unwrap())
    };
    for command in ["generate", "check", "inspect"] {
        let (code, log) = log(&[command]);
        assert_eq!((code, &log["version"]), (0, &"2.1.0".into()));
        assert_eq!(log["runs"][0]["results"], serde_json::json!([]), "{command}");
    }
    folder.replace("shelf.json", "#/definitions/Book\"", "#/definitions/Bok\"");
    let (code, log) = log(&["check"]);
    assert_eq!(code, 1);
    let result = &log["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"SM401".into(), &"error".into()));
    assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "shelf.json");
}

#[test]
fn explain_shows_a_code_or_all() {
    let folder = Folder::new("explain");
    let (code, lower, err) = folder.run(&["explain", "sm401"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(lower.starts_with("error[SM401]: A `$ref` names something that is not there.\n\n"), "{lower}");
    assert!(lower.contains("Wrong, `api.yaml`:") && lower.contains("Right, `api.yaml`:"), "{lower}");
    assert_eq!(folder.run(&["explain", "SM401"]).1, lower);
    let (code, all, _) = folder.run(&["explain"]);
    assert_eq!(code, 0);
    assert!(
        all.lines().any(|line| line
            == "SM203  warning  An overlay has a field that the Overlay Specification does not know; it does nothing."),
        "{all}"
    );
    let (code, out, err) = folder.run(&["explain", "SM41"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("there is no code `SM41`") && err.contains("did you mean `SM401`?"), "{err}");
}

#[test]
fn what_cannot_be_read_and_wrong_usage_are_2() {
    let folder = Folder::new("usage");
    assert_eq!(folder.run(&["generate", "--manifest", "missing.yaml"]).0, 2);
    assert_eq!(folder.run(&["generate", "missing.json", "--out", "o", "--crate-name", "c"]).0, 2);
    assert_eq!(folder.run(&["generate", "shelf.json"]).0, 2, "needs --out and --crate-name");
    assert_eq!(folder.run(&["generate", "--crate-name", "c"]).0, 2, "needs SPEC");
    assert_eq!(folder.run(&["frobnicate"]).0, 2);
    assert_eq!(folder.run(&["--help"]).0, 0);
    assert!(!folder.0.join("o").exists());
}

#[test]
fn one_side_only() {
    let folder = Folder::new("sides");
    let generate = |more: &[&str]| {
        let (code, _, err) =
            folder.run(&[&["generate", "shelf.json", "--out", "o", "--crate-name", "shelf"], more].concat());
        assert_eq!((code, err.as_str()), (0, ""), "{more:?}");
        let files: Vec<String> = ["client.rs", "books.rs", "models.rs", "server/mod.rs", "server/books.rs"]
            .into_iter()
            .filter(|name| folder.0.join("o/src/shelf").join(name).is_file())
            .map(str::to_owned)
            .collect();
        let manifest = fs::read_to_string(folder.0.join("o/Cargo.toml")).unwrap();
        let default = manifest.lines().find(|line| line.starts_with("default = ")).unwrap().to_owned();
        let has = ["client", "reqwest", "server", "tracing"]
            .into_iter()
            .filter(|name| manifest.lines().any(|line| line.starts_with(&format!("{name} = "))));
        (files, default, has.collect::<Vec<_>>())
    };
    let (files, default, features) = generate(&[]);
    assert_eq!(files, ["client.rs", "books.rs", "models.rs", "server/mod.rs", "server/books.rs"]);
    assert_eq!(default, "default = [\"client\", \"reqwest\", \"shelf\"]");
    assert_eq!(features, ["client", "reqwest", "server", "tracing"]);
    let (files, default, features) = generate(&["--client-only"]);
    assert_eq!(files, ["client.rs", "books.rs", "models.rs"]);
    assert_eq!(default, "default = [\"client\", \"reqwest\", \"shelf\"]");
    assert_eq!(features, ["client", "reqwest", "tracing"]);
    let (files, default, features) = generate(&["--server-only"]);
    assert_eq!(files, ["models.rs", "server/mod.rs", "server/books.rs"]);
    assert_eq!(default, "default = [\"server\", \"shelf\"]");
    assert_eq!(features, ["server"]);
    let both = ["generate", "shelf.json", "--out", "o", "--crate-name", "shelf", "--client-only", "--server-only"];
    assert_eq!(folder.run(&both).0, 2);
    assert_eq!(folder.run(&["generate", "--server-only"]).0, 2, "a manifest's package has both");
}

#[test]
fn a_file_of_somebody_else_is_not_overwritten() {
    let folder = Folder::new("foreign");
    fs::create_dir_all(folder.0.join("generated/src")).unwrap();
    fs::write(folder.0.join("generated/src/lib.rs"), "// mine\n").unwrap();
    let (code, _, err) = folder.run(&["generate"]);
    assert_eq!(code, 1);
    assert!(err.contains("error[SM701]") && err.contains("generated/src/lib.rs"), "{err}");
    assert_eq!(fs::read_dir(folder.0.join("generated")).unwrap().count(), 1, "nothing else was written");
    assert_eq!(folder.run(&["generate", "--force"]).0, 0);
}

#[test]
fn a_document_does_not_talk_to_the_terminal() {
    let folder = Folder::new("terminal");
    folder.replace("shelf.json", "Books_Get", "Books_Get\\u001b[2J\\u009b1m\\u202e\\n");
    folder.replace(
        "shelf.json",
        "\"type\": \"string\" }]",
        "\"type\": \"string\", \"format\": \"\\u001b[2J\\u202e\" }]",
    );
    for arguments in [&["inspect", "shelf.json"][..], &["inspect", "shelf.json", "--format", "json"], &["inspect"]] {
        let (_, out, err) = folder.run(arguments);
        for text in [out, err] {
            assert!(!text.contains(|one: char| (one.is_control() && one != '\n') || one == '\u{202e}'), "{text:?}");
        }
    }
    let (code, out, err) = folder.run(&["inspect", "shelf.json"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("Books_Get\u{241b}[2J\u{fffd}1m\u{fffd}\u{240a}  shelf."), "{out}");
    assert!(err.contains("warning[SM505]"), "{err}");
}

#[test]
fn inspect_lists_operations() {
    let folder = Folder::new("inspect");
    let (code, out, _) = folder.run(&["inspect"]);
    assert_eq!(code, 0);
    assert_eq!(out, "Books_Get  shelf.books().get()  GET /books/{id}\n1 operation, 1 model, 1 client\n");
    let (_, out, _) = folder.run(&["inspect", "shelf.json", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    let operation = &value["operations"][0];
    assert_eq!(value["ir_version"], 1);
    assert_eq!(
        (&operation["id"], &operation["method"], &operation["path"]),
        (&"Books_Get".into(), &"GET".into(), &"/books/{id}".into())
    );
    assert_eq!(operation["rust"]["arguments"][0]["type"], "&str");
    assert_eq!(operation["rust"]["output"], "Response<models::Book>");
    assert_eq!(value["models"][0]["rust"]["fields"][0]["type"], "Option<String>");
    let server = &operation["rust"]["server"];
    assert_eq!((&server["module"], &server["trait"]), (&"shelf::server::books".into(), &"Books".into()));
    assert_eq!((&server["method"], &server["request"]), (&"get".into(), &"GetRequest".into()));
    assert_eq!(server["fields"], serde_json::json!([{ "name": "id", "parameter": "id", "type": "String" }]));
    assert_eq!(server["variants"][0]["body"], "models::Book");
}

#[test]
fn references_can_be_confined() {
    let folder = Folder::new("cli-roots");
    fs::create_dir(folder.0.join("api")).unwrap();
    fs::rename(folder.0.join("shelf.json"), folder.0.join("api/shelf.json")).unwrap();
    fs::write(folder.0.join("book.json"), r#"{ "type": "object", "properties": { "title": { "type": "string" } } }"#)
        .unwrap();
    folder.replace("api/shelf.json", "#/definitions/Book", "../book.json");
    let run = |root: &[&str]| folder.run(&[&["inspect", "api/shelf.json"], root].concat());
    assert_eq!(run(&[]).0, 0);
    let (code, stdout, stderr) = run(&["--allow-root", "api"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.starts_with("error[SM406]"), "{stderr}");
    assert_eq!(run(&["--allow-root", "api", "--allow-root", "."]).0, 0);
    assert_eq!(run(&["--allow-root", "nowhere"]).0, 2);
}
