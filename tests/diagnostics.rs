//! Every code of a diagnostic, by the examples of its explanation (`generator/src/diag/explain/`): the wrong one triggers it, and it
//! alone, the right one nothing.
//!
//! The examples stand in `diagnostics/`, one folder a code, to be tried by hand; what the wrong one brings is in a snapshot. After a
//! change to a code or its explanation, `SPECSMITH_UPDATE=1 INSTA_UPDATE=always cargo test -p specsmith-tests diagnostics` writes
//! them and `docs/diagnostics.md` anew; the diff is what to review.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use specsmith::diag::{Code, Severity};
use specsmith::{Builder, Messages};

use crate::scratch::{empty, files, root};

const UPDATE: &str = "SPECSMITH_UPDATE=1 INSTA_UPDATE=always cargo test -p specsmith-tests diagnostics";

/// Files by their paths, and how the generator is called.
#[derive(Clone, Debug, Default, PartialEq)]
struct Example {
    files: BTreeMap<String, String>,
    command: Option<String>,
}

/// The wrong and the right example. A file that the right one does not show is as it is in the wrong one, but for what was generated.
fn examples(code: Code) -> (Example, Example) {
    let mut sides = [Example::default(), Example::default()];
    let mut side = None;
    let mut name = None;
    let mut lines = code.explanation().lines();
    while let Some(line) = lines.next() {
        if line.starts_with("Wrong") || line.starts_with("Right") {
            side = Some(usize::from(line.starts_with("Right")));
        }
        if let Some(kind) = line.strip_prefix("```") {
            let block: String =
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            let side = &mut sides[side.unwrap_or_else(|| panic!("{code}: an example is neither Wrong nor Right"))];
            match kind {
                "console" => side.command = Some(block.trim().trim_start_matches("$ ").to_owned()),
                _ => {
                    drop(side.files.insert(name.take().unwrap_or_else(|| panic!("{code}: what file is this?")), block))
                }
            }
        } else if let Some((_, rest)) = line.split_once('`') {
            name = rest.strip_suffix("`:").map(str::to_owned);
        }
    }
    let [wrong, mut right] = sides;
    assert!(!wrong.files.is_empty(), "{code} has no wrong example");
    assert_eq!(side, Some(1), "{code} has no right example");
    right.command = right.command.or_else(|| wrong.command.clone().filter(|command| command.contains("--allow-root")));
    let inputs = wrong.files.iter().filter(|(path, _)| !path.starts_with("generated"));
    for (path, text) in inputs {
        right.files.entry(path.clone()).or_insert_with(|| text.clone());
    }
    (wrong, right)
}

impl Example {
    /// What the generator says of it in a folder of its own.
    fn run(&self, name: &str) -> (PathBuf, Messages) {
        let folder = empty(name);
        for (path, text) in &self.files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let said = match self.builder(&folder).generate() {
            Ok(summary) => summary.warnings,
            Err(failure) => failure.into_messages(),
        };
        (folder, said)
    }

    /// `specsmith generate` where there is a manifest, or else with the document and the overlay that there are.
    fn builder(&self, folder: &Path) -> Builder {
        let builder = Builder::new().quiet(true);
        if self.files.contains_key("specsmith.yaml") {
            return builder.manifest(folder.join("specsmith.yaml"));
        }
        let option = |name: &str| {
            let mut words = self.command.as_deref().unwrap_or_default().split(' ');
            words.find(|word| *word == name).and_then(|_| words.next())
        };
        let builder = builder.out_dir(folder.join("generated"));
        let builder = match self.files.contains_key("build.rs") {
            true => builder,
            false => builder.crate_name(option("--crate-name").unwrap_or("shelf")),
        };
        let builder = option("--allow-root").into_iter().fold(builder, |to, root| to.allow_root(folder.join(root)));
        let given = |name: &str| self.files.contains_key(name).then(|| folder.join(name));
        let builder = ["api.yaml", "api.json"].into_iter().filter_map(given).fold(builder, Builder::spec);
        given("api.overlay.yaml").into_iter().fold(builder, Builder::overlay)
    }
}

/// The text without the folder, which is another one elsewhere.
fn relative(text: &str, folder: &Path) -> String {
    text.replace('\\', "/").replace(&format!("{}/", folder.display()).replace('\\', "/"), "")
}

#[test]
fn every_code_is_triggered_by_its_wrong_example_and_by_it_alone() {
    for &code in Code::ALL {
        let (wrong, right) = examples(code);
        let (folder, said) = wrong.run(&format!("diagnostics-{code}-wrong"));
        let text = relative(&said.to_text(false), &folder);
        assert!(
            !said.is_empty(),
            "{code} is not triggered by its example: either that is wrong, or nothing uses the code"
        );
        assert!(said.iter().all(|diagnostic| diagnostic.code == code), "{code} is not alone:\n{text}");
        assert!(said.iter().all(|diagnostic| diagnostic.help.is_some()), "{code} does not say what to do:\n{text}");
        insta::with_settings!({
            description => code.meaning(), omit_expression => true, prepend_module_to_snapshot => false,
            snapshot_suffix => code.id(),
        }, {
            insta::assert_snapshot!("diagnostics", text);
        });
        let (folder, said) = right.run(&format!("diagnostics-{code}-right"));
        assert!(said.is_empty(), "the right example of {code} is not:\n{}", relative(&said.to_text(false), &folder));
    }
}

fn example(files: &[(&str, &str)]) -> Example {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    Example { files: files.collect(), command: None }
}

/// Code and line of each, in the order in which they are shown.
fn said(name: &str, files: &[(&str, &str)]) -> Vec<String> {
    let (folder, said) = example(files).run(name);
    let lines = said.to_json();
    let lines = lines.lines().map(|line| {
        let one: Value = serde_json::from_str(line).unwrap();
        let file = relative(one["file"].as_str().unwrap_or_default(), &folder);
        format!("{} {file}:{}", one["code"].as_str().unwrap(), one["line"])
    });
    lines.collect()
}

const MANIFEST: &str = "\
crate: { name: shelf, version: 1 }
out: generated
clients:
  shelf:
    documents: [{ path: api.yaml, overlays: [api.overlay.yaml] }, missing.yaml]
    groups: { books: { operations: { getIt: Books_Get } } }
  other:
    documents: [other.yaml]
    groups: { things: { operations: { get: Things_Gte, list: Things_List } } }
    models: { Nothing: Something }
";

const OVERLAY: &str = "\
overlay: 1.0.0
info: { title: Corrections, version: \"1\" }
actions:
  - target: $.nowhere
    remove: true
  - target: $.paths['/books'].get
    update: { deprecated: 1 }
";

const API: &str = r##"swagger: "2.0"
info: { title: Shelf, version: "1" }
paths:
  /books:
    get:
      operationId: Books_Get
      responses: { 200: { description: Yes., schema: { $ref: "#/definitions/Missing" } } }
definitions:
  Book: { allOf: [{ $ref: "#/definitions/Book" }], format: nothing }
  Date: { type: string, format: dtae }
"##;

const OTHER: &str = r##"swagger: "2.0"
info: { title: Things, version: "1" }
paths:
  /things:
    get: { operationId: Things_Get, responses: { 200: { description: Yes. } } }
    put: { operationId: Things_List, responses: { 200: { description: Yes. } } }
    post: { operationId: Things_List, responses: { 200: { description: Yes. } } }
definitions:
  Same: { $ref: "#/definitions/Same" }
  Thing: { type: thing }
"##;

/// Every room finds something here, from the manifest to lowering, and none keeps another from being heard.
#[test]
fn one_run_shows_all_problems_in_their_order() {
    let files = [("specsmith.yaml", MANIFEST), ("api.yaml", API), ("api.overlay.yaml", OVERLAY), ("other.yaml", OTHER)];
    let expected = [
        "SM601 specsmith.yaml:1",
        "SM101 specsmith.yaml:5",
        "SM603 specsmith.yaml:6",
        "SM611 specsmith.yaml:9",
        "SM612 specsmith.yaml:10",
        "SM401 api.yaml:7",
        "SM405 api.yaml:9",
        "SM505 api.yaml:10",
        "SM205 api.overlay.yaml:4",
        "SM302 api.overlay.yaml:7",
        "SM510 other.yaml:7",
        "SM404 other.yaml:9",
        "SM303 other.yaml:10",
    ];
    assert_eq!(said("diagnostics-all", &files), expected);
}

/// What is not there for a reason that was given is not missed again.
#[test]
fn nothing_is_said_of_what_merely_follows() {
    let document = r##"swagger: "2.0"
info: { title: Shelf, version: "1" }
paths:
  /books/{id}/{page}:
    get:
      operationId: 7
      parameters: [{ $ref: "#/parameters/Missing" }, { name: page, in: paht, type: integer }]
      responses: { 200: { description: Yes. } }
  /books/{book}:
    get:
      operationId: Books_Get
      parameters: [{ name: book, in: path, required: true, type: strnig }, { name: filter, in: query, type: [x] }]
      responses: { 200: { description: Yes., schema: { $ref: "#/definitions/Broken" } } }
definitions:
  Book:
    required: [title, shelf]
    allOf: [{ $ref: "#/definitions/Missing" }]
  Page:
    required: [number]
    properties: { number: 1 }
  Broken: 7
  Volume: { allOf: [{ $ref: "#/definitions/Broken" }], required: [number] }
"##;
    let expected = [
        "SM302 api.yaml:6",
        "SM401 api.yaml:7",
        "SM303 api.yaml:7",
        "SM303 api.yaml:12",
        "SM303 api.yaml:12",
        "SM401 api.yaml:17",
        "SM302 api.yaml:20",
        "SM302 api.yaml:21",
    ];
    assert_eq!(said("diagnostics-follow", &[("api.yaml", document)]), expected);

    let manifest = "\
crate: { name: shelf, version: 0.1.0 }
out: generated
clients:
  shelf:
    documents: [api.yaml]
    groups: { books: { operations: { get: Books_Get, add: Books_Add, put: Books_Put } } }
    models: { Book: Volume }
    fields: { Book.title: name }
    parameter-names: { Books_Get.id: book_id }
";
    let document = r##"swagger: "2.0"
info: { title: Shelf, version: "1" }
paths:
  /books:
    get: []
    post:
      operationId: Books_Add
      consumes: [application/xml]
      parameters: [{ name: book, in: body, schema: { $ref: "#/definitions/Book" } }]
      responses: { 200: { description: Yes. } }
    put: { operationId: Books_Put, responses: { 200: { description: Yes. } } }
definitions:
  Book: { properties: [title] }
"##;
    let expected = ["SM302 api.yaml:5", "SM511 api.yaml:9", "SM302 api.yaml:13"];
    assert_eq!(said("diagnostics-names", &[("specsmith.yaml", manifest), ("api.yaml", document)]), expected);
}

/// Each of what a manifest can say of parameters is found out if no parameter is there, or none that can have it.
#[test]
fn entries_for_no_parameter_are_reported() {
    let manifest = "\
crate: { name: shelf, version: 0.1.0 }
out: generated
clients:
  shelf:
    documents: [api.yaml]
    parameters:
    - tenant
    - tennant
    - count
    parameter-names:
      '*.count': number
      Books_Add.book: volume
      Books_Add.count: number
      Books_Gte.count: number
    flatten:
    - Books_Add.book
    - Books_Get.book
    - Books_Get.count
";
    let document = r##"swagger: "2.0"
info: { title: Shelf, version: "1" }
paths:
  /{tenant}/books:
    parameters: [{ name: tenant, in: path, required: true, type: string }]
    get:
      operationId: Books_Get
      parameters: [{ name: count, in: query, required: true, type: integer }]
      responses: { 200: { description: Yes. } }
    post:
      operationId: Books_Add
      parameters: [{ name: book, in: body, required: true, schema: { $ref: "#/definitions/Book" } }]
      responses: { 200: { description: Yes. } }
definitions:
  Book: { properties: { title: { type: string } } }
"##;
    let files = [("specsmith.yaml", manifest), ("api.yaml", document)];
    let expected = [8, 9, 13, 14, 17, 18].map(|line| format!("SM614 specsmith.yaml:{line}"));
    assert_eq!(said("diagnostics-parameters", &files), expected);

    let broken =
        document.replace("{ name: count, in: query, required: true, type: integer }", "{ $ref: '#/parameters/Count' }");
    let files = [("specsmith.yaml", manifest), ("api.yaml", broken.as_str())];
    assert_eq!(said("diagnostics-parameters-broken", &files), ["SM401 api.yaml:8"]);
}

/// Whether files are to be written rather than compared.
fn updating() -> bool {
    std::env::var_os("SPECSMITH_UPDATE").is_some_and(|value| value == "1")
}

#[test]
fn the_examples_stand_in_a_folder_for_each_code() {
    let folder = root().join("tests/diagnostics");
    let mut expected = BTreeMap::new();
    for &code in Code::ALL {
        let (wrong, right) = examples(code);
        for (name, example) in [("wrong", wrong), ("right", right)] {
            expected.extend(
                example.files.into_iter().map(|(path, text)| (PathBuf::from(format!("{code}/{name}/{path}")), text)),
            );
        }
    }
    if updating() {
        let _ = fs::remove_dir_all(&folder);
        for (path, text) in &expected {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    let snapshots = files(&root().join("tests/snapshots"));
    let of_no_code = |path: &&PathBuf| {
        let name = path.to_str().unwrap();
        let id = name.strip_prefix("diagnostics@").and_then(|name| name.strip_suffix(".snap"));
        id.is_some_and(|id| Code::from_id(id).is_none())
    };
    assert_eq!(snapshots.keys().find(of_no_code), None, "remove the snapshot: its code is gone");
    let found = files(&folder);
    let differ: Vec<&PathBuf> = expected
        .iter()
        .chain(&found)
        .filter(|(path, _)| found.get(*path) != expected.get(*path))
        .map(|(path, _)| path)
        .collect();
    assert!(differ.is_empty(), "not what the explanations show, in tests/diagnostics: {differ:?}; {UPDATE}");
}

/// From here on `docs/diagnostics.md` is made from the codes.
const GENERATED: &str = "\n## The codes\n";

#[test]
fn the_documentation_lists_every_code() {
    let path = root().join("docs/diagnostics.md");
    let found = fs::read_to_string(&path).unwrap();
    let (written, _) = found.split_once(GENERATED).unwrap();
    let mut text = format!("{written}{GENERATED}");
    for &code in Code::ALL {
        let (severity, meaning) = (code.severity(), code.meaning());
        let _ = write!(text, "\n### {code}\n\n**{severity}**: {meaning}\n\n{}", code.explanation());
    }
    if updating() {
        fs::write(&path, &text).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert!(found == text, "docs/diagnostics.md is not what the codes say; {UPDATE}");
}

#[test]
fn what_programs_read_is_what_people_read() {
    for &code in Code::ALL {
        let (_, said) = examples(code).0.run(&format!("diagnostics-{code}-json"));
        let diagnostics: Vec<Value> = said.to_json().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let log: Value = serde_json::from_str(&said.to_sarif()).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert_eq!(diagnostics.len(), results.len(), "{code}");
        for (one, result) in diagnostics.iter().zip(results) {
            let fields: Vec<&String> = one.as_object().unwrap().keys().collect();
            let expected = [
                "code",
                "severity",
                "message",
                "file",
                "line",
                "column",
                "end_column",
                "document",
                "pointer",
                "labels",
                "help",
            ];
            assert_eq!(fields, expected, "as documented, in this order");
            assert_eq!((&one["code"], &one["severity"]), (&code.id().into(), &code.severity().to_string().into()));
            assert_eq!((&result["ruleId"], &result["level"]), (&one["code"], &one["severity"]));
            let region = &result["locations"][0]["physicalLocation"]["region"];
            assert_eq!(
                (&region["startLine"], &region["startColumn"], &region["endColumn"]),
                (&one["line"], &one["column"], &one["end_column"])
            );
            let labels = one["labels"].as_array().unwrap();
            let related = result["relatedLocations"].as_array().map_or(&[][..], Vec::as_slice);
            let messages: Vec<&Value> = related.iter().map(|place| &place["message"]["text"]).collect();
            assert_eq!(messages, labels.iter().map(|label| &label["message"]).collect::<Vec<_>>());
            let rule = &log["runs"][0]["tool"]["driver"]["rules"][0];
            assert_eq!(rule["id"], code.id());
            assert_eq!(rule["defaultConfiguration"]["level"], code.severity().to_string());
        }
    }
}

#[test]
fn a_warning_leaves_an_output_and_an_error_none() {
    for &code in Code::ALL {
        let (wrong, _) = examples(code);
        let (folder, _) = wrong.run(&format!("diagnostics-{code}-output"));
        let written = ["Cargo.toml", "specsmith.rs"].iter().any(|file| folder.join("generated").join(file).exists());
        assert_eq!(written, code.severity() == Severity::Warning, "{code}");
    }
}
