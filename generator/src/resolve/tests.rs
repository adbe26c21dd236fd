use std::path::Path;

use super::*;
use crate::diag::{Code, Severity};

/// Texts that were never on a disk, by path; the first is the root.
struct Case {
    sources: Sources,
    graph: Graph,
    diags: Diagnostics,
}

fn case(files: &[(&str, &str)]) -> Case {
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    for (path, text) in files {
        sources.add(Path::new(path), (*text).to_owned(), &mut diags).unwrap();
    }
    let graph = resolve(&[FileId(0)], &mut sources, &mut diags);
    Case { sources, graph, diags }
}

/// A root with these keys, in one file.
fn root(keys: &str) -> Case {
    case(&[("a.json", &format!(r#"{{"swagger": "2.0", {keys}}}"#))])
}

impl Case {
    fn clean(self) -> Self {
        let said: Vec<_> = self.diags.iter().map(|it| (it.code, &it.message)).collect();
        assert_eq!(said, []);
        self
    }

    /// What was said: code, place, message and help.
    fn said(&self) -> Vec<(Code, String, String)> {
        let said = self.diags.iter().map(|it| {
            let at = it.location.as_ref().unwrap();
            let file = self.sources.file(at.file).path.display();
            let help = it.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
            (it.code, format!("{file}#{}", at.pointer), format!("{}{help}", it.message))
        });
        said.collect()
    }

    /// The schema of the root's definition.
    fn schema(&self, name: &str) -> &Schema {
        &self.graph.documents[0].definitions[name]
    }

    /// Where a schema's reference leads: file and name.
    fn target(&self, schema: &Schema) -> Option<(String, String)> {
        let (id, _) = self.graph.definition(schema.reference.as_ref()?)?;
        Some((self.sources.file(id.file).path.display().to_string(), id.name))
    }
}

fn to(file: &str, name: &str) -> Option<(String, String)> {
    Some((file.to_owned(), name.to_owned()))
}

#[test]
fn references_lead_across_files() {
    let case = case(&[
        (
            "api/a.json",
            r##"{"swagger": "2.0", "definitions": {
                "A": {"properties": {"b": {"$ref": "./x/../b.json#/definitions/B"}, "c": {"$ref": "#/definitions/C"}}},
                "C": {"items": {"$ref": "../c.yaml#/definitions/a%20b~1c"}}
            }}"##,
        ),
        ("api/b.json", r##"{"definitions": {"B": {"allOf": [{"$ref": "a.json#/definitions/A"}]}}}"##),
        ("c.yaml", "definitions:\n  a b/c:\n    type: string\n"),
        ("unused.json", r#"{"definitions": 1}"#),
    ])
    .clean();
    assert_eq!(case.graph.documents.keys().next(), Some(&FileId(0)));
    let names: Vec<_> = case.graph.definitions().map(|(id, _)| (case.graph.stem(id.file), id.name)).collect();
    assert_eq!(names, [("a", "A"), ("a", "C"), ("b", "B"), ("c", "a b/c")].map(|(a, b)| (a.into(), b.into())));
    assert_eq!(case.graph.file_name(FileId(2)), "c.yaml");
    assert_eq!(case.graph.documents.keys().copied().collect::<Vec<_>>(), [FileId(0), FileId(1), FileId(2)]);
    assert_eq!(case.target(&case.schema("A").properties["b"]), to("api/b.json", "B"));
    assert_eq!(case.target(&case.schema("A").properties["c"]), to("api/a.json", "C"));
    assert_eq!(case.target(case.schema("C").items.as_ref().unwrap()), to("c.yaml", "a b/c"));
    let b = &case.graph.documents[1].definitions["B"];
    assert_eq!(case.target(&b.all_of[0]), to("api/a.json", "A"));
}

#[test]
fn files_on_the_disk_are_read_and_their_names_have_a_case() {
    let folder = std::env::temp_dir().join(format!("specsmith-resolve-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let text = |name: &str| {
        format!(r##"{{"swagger": "2.0", "definitions": {{"A": {{"items": {{"$ref": "{name}#/definitions/B"}}}}}}}}"##)
    };
    let (right, wrong) = (folder.join("right.json"), folder.join("wrong.json"));
    std::fs::write(&right, text("Types.json")).unwrap();
    std::fs::write(&wrong, text("./types.json")).unwrap();
    std::fs::write(folder.join("Types.json"), r#"{"definitions": {"B": {}}}"#).unwrap();
    let resolved = |path: &Path| {
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let root = sources.load(path, &mut diags).unwrap();
        (resolve(&[root], &mut sources, &mut diags).documents.len(), diags)
    };
    let (documents, diags) = resolved(&right);
    assert_eq!((documents, diags.iter().count()), (2, 0));
    let (documents, diags) = resolved(&wrong);
    let help = diags.iter().find_map(|it| it.help.clone());
    std::fs::remove_dir_all(&folder).unwrap();
    if !cfg!(any(windows, target_os = "macos")) {
        assert_eq!(documents, 1);
        assert!(help.unwrap().ends_with("Types.json`"));
    }
}

#[test]
fn a_reference_that_leads_nowhere_is_an_error_at_each_place() {
    let case = root(
        r##""definitions": {
            "Device": {"items": {"$ref": "#/definitions/Devise"}},
            "B": {"items": {"$ref": "#/definitions/Devise"}, "allOf": [{"$ref": "Device"}, {"$ref": "b.json"}]},
            "C": {"$ref": "#/nowhere/at/all"}
        }"##,
    );
    let nowhere = "`#/definitions/Devise` leads nowhere; did you mean `#/definitions/Device`?";
    let expected = [
        ("a.json#/definitions/Device/items/$ref", nowhere),
        ("a.json#/definitions/B/items/$ref", nowhere),
        (
            "a.json#/definitions/B/allOf/0/$ref",
            "`Device` leads nowhere: there is no file `Device`; did you mean `#/definitions/Device`?",
        ),
        (
            "a.json#/definitions/B/allOf/1/$ref",
            "`b.json` leads nowhere: there is no file `b.json`; put the file there, or correct the path: it is relative to the folder of this file",
        ),
        ("a.json#/definitions/C/$ref", "`#/nowhere/at/all` leads nowhere; add what it names, or name what there is"),
    ];
    let expected = expected.map(|(at, text)| (Code::DanglingReference, at.to_owned(), text.to_owned()));
    assert_eq!(case.said(), expected);
    assert_eq!(case.target(case.schema("C")), None);
}

#[test]
fn what_the_parser_refused_is_not_reported_again() {
    let case = root(r##""definitions": {"A": 1, "B": {"items": {"$ref": "#/definitions/A"}}}"##);
    assert_eq!(case.said().iter().map(|it| it.0).collect::<Vec<_>>(), [Code::WrongType]);
}

#[test]
fn files_elsewhere_are_refused() {
    let case = root(
        r##""definitions": {"A": {"$ref": "https://a.example/b.json#/definitions/B"}, "B": {"$ref": "/b.json"}}"##,
    );
    let codes: Vec<_> = case.said().into_iter().map(|(code, at, _)| (code, at)).collect();
    let expected = ["A", "B"].map(|name| (Code::RemoteReference, format!("a.json#/definitions/{name}/$ref")));
    assert_eq!(codes, expected);
}

#[test]
fn extensions_and_examples_are_not_followed() {
    root(
        r##""paths": {"/a": {"get": {
            "x-ms-examples": {"e": {"$ref": "./nowhere.json"}},
            "responses": {"200": {"description": "", "examples": {"application/json": {"$ref": "nowhere.json"}}}}
        }}},
        "definitions": {"A": {"example": {"$ref": "#/nowhere"}, "x-a": {"$ref": "#/nowhere"}, "enum": [{"$ref": "#/n"}]}}"##,
    )
    .clean();
}

#[test]
fn chains_are_followed_to_their_end() {
    let case = case(&[
        (
            "a.json",
            r##"{"swagger": "2.0",
            "paths": {"/a": {"parameters": [{"$ref": "#/parameters/p"}],
                "get": {"responses": {"200": {"$ref": "#/responses/r"}}}}},
            "parameters": {"p": {"$ref": "b.json#/parameters/q"}},
            "responses": {"r": {"$ref": "#/responses/s"}, "s": {"description": "end"}},
            "definitions": {"A": {"$ref": "#/definitions/B", "description": "d"}, "B": {"$ref": "b.json#/definitions/C"},
                "U": {"items": {"$ref": "#/definitions/A"}}}}"##,
        ),
        (
            "b.json",
            r##"{"parameters": {"q": {"name": "Q", "in": "query", "type": "string"}}, "definitions": {"C": {}}}"##,
        ),
    ])
    .clean();
    let path = &case.graph.documents[0].paths[0];
    assert_eq!(case.graph.parameter(&path.parameters[0]).unwrap().name, "Q");
    assert_eq!(case.graph.response(&path.operations[0].responses["200"]).unwrap().description, "end");
    assert_eq!(case.target(case.schema("U").items.as_ref().unwrap()), to("b.json", "C"));
}

#[test]
fn a_chain_that_leads_back_is_reported_once() {
    let case = root(
        r##""definitions": {"A": {"$ref": "#/definitions/B"}, "B": {"$ref": "#/definitions/A"},
            "C": {"$ref": "#/definitions/A"}, "D": {"$ref": "#/definitions/D"}},
        "parameters": {"p": {"$ref": "#/parameters/p"}}"##,
    );
    let expected = [
        (
            "a.json#/definitions/A/$ref",
            "a `$ref` leads back to itself: `A` → `B` → `A`; write in one of them what is meant, in place of its `$ref`",
        ),
        (
            "a.json#/definitions/D/$ref",
            "a `$ref` leads back to itself: `D` → `D`; write in one of them what is meant, in place of its `$ref`",
        ),
        (
            "a.json#/parameters/p/$ref",
            "a `$ref` leads back to itself: `p` → `p`; write in one of them what is meant, in place of its `$ref`",
        ),
    ];
    assert_eq!(case.said(), expected.map(|(at, text)| (Code::ReferenceCycle, at.to_owned(), text.to_owned())));
    assert_eq!(case.target(case.schema("C")), None);
}

#[test]
fn a_schema_that_contains_itself_is_an_error_and_one_that_holds_itself_is_not() {
    let case = root(
        r##""definitions": {
            "A": {"allOf": [{"$ref": "#/definitions/Alias"}]}, "Alias": {"$ref": "#/definitions/B"},
            "B": {"allOf": [{"type": "object"}, {"allOf": [{"$ref": "#/definitions/A"}]}]},
            "Outside": {"allOf": [{"$ref": "#/definitions/A"}, {"$ref": "#/definitions/Tree"}]},
            "Tree": {"properties": {"left": {"$ref": "#/definitions/Tree"}}, "items": {"$ref": "#/definitions/Outside"}}
        }"##,
    );
    let text = "a schema contains itself through `allOf`: `A` → `B` → `A`; a schema cannot be part of itself: remove one of \
                these entries of `allOf`";
    assert_eq!(case.said(), [(Code::AllOfCycle, "a.json#/definitions/A/allOf".to_owned(), text.to_owned())]);
    let labels: Vec<_> = case.diags.iter().flat_map(|it| &it.labels).map(|it| it.location.pointer.as_str()).collect();
    assert_eq!(labels, ["/definitions/B/allOf"]);
}

#[test]
fn one_base_twice_is_no_cycle() {
    root(
        r##""definitions": {"Base": {}, "L": {"allOf": [{"$ref": "#/definitions/Base"}]},
            "R": {"allOf": [{"$ref": "#/definitions/Base"}, {"$ref": "#/definitions/L"}]}}"##,
    )
    .clean();
}

#[test]
fn a_node_that_stands_elsewhere_gets_a_name() {
    let case = case(&[
        (
            "a.json",
            r##"{"swagger": "2.0",
            "paths": {"/x": {"get": {"parameters": [{"$ref": "#/paths/~1x/put/parameters/0"}], "responses": {}},
                "put": {"parameters": [{"name": "q", "in": "query", "type": "string"}],
                    "responses": {"200": {"description": "r", "schema": {"type": "string"}},
                        "201": {"$ref": "#/paths/~1x/put/responses/200"}}}}},
            "definitions": {
                "A": {"properties": {"b": {"items": {"$ref": "#/definitions/B"}}}}, "B": {},
                "U": {"properties": {
                    "property": {"$ref": "#/definitions/A/properties/b"}, "again": {"$ref": "#/definitions/A/properties/b"},
                    "body": {"$ref": "#/paths/~1x/put/responses/200/schema"}, "file": {"$ref": "types/thing.json"}
                }}
            }}"##,
        ),
        ("types/thing.json", r##"{"properties": {"own": {"$ref": "#/$defs/Own"}}, "$defs": {"Own": {"type": "integer"}}}"##),
    ])
    .clean();
    let user = &case.schema("U").properties;
    assert_eq!(case.target(&user["property"]), to("a.json", "b"));
    assert_eq!(case.target(&user["again"]), to("a.json", "b"));
    assert_eq!(case.target(&user["body"]), to("a.json", "/x"));
    assert_eq!(case.target(&user["file"]), to("types/thing.json", "thing"));
    assert_eq!(case.schema("b").at.pointer.as_str(), "/definitions/A/properties/b");
    assert_eq!(case.target(case.schema("b").items.as_ref().unwrap()), to("a.json", "B"));
    let thing = &case.graph.documents[1].definitions["thing"];
    assert_eq!(case.target(&thing.properties["own"]), to("types/thing.json", "Own"));
    let operations = &case.graph.documents[0].paths[0].operations;
    assert_eq!(case.graph.parameter(&operations[0].parameters[0]).unwrap().name, "q");
    assert_eq!(case.graph.response(&operations[1].responses["201"]).unwrap().description, "r");
}

#[test]
fn a_reference_must_name_the_right_kind() {
    let case = root(
        r##""definitions": {"A": {"$ref": "#/parameters/p"}, "B": {"$ref": "#"}},
        "parameters": {"p": {"name": "p", "in": "query", "type": "string"}}"##,
    );
    let expected = [
        (
            "a.json#/definitions/A/$ref",
            "`#/parameters/p` is a parameter; a schema is needed here; name a schema, under `definitions`",
        ),
        (
            "a.json#/definitions/B/$ref",
            "`#` is a whole document, not a schema; add `#/` and where in the document it stands",
        ),
    ];
    assert_eq!(case.said(), expected.map(|(at, text)| (Code::WrongKind, at.to_owned(), text.to_owned())));
}

#[test]
fn a_root_that_is_no_document_is_left_out_and_another_file_too() {
    let text = r#"{"openapi": "3.0.0"}"#;
    let broken = case(&[("a.json", text)]);
    assert_eq!(broken.graph.documents.len(), 0);
    let case = case(&[
        ("a.json", r##"{"swagger": "2.0", "definitions": {"A": {"$ref": "b.json#/definitions/B"}}}"##),
        ("b.json", text),
    ]);
    let expected = (Code::NotSwagger2, "b.json#/openapi".to_owned());
    assert_eq!(case.said().into_iter().map(|it| (it.0, it.1)).collect::<Vec<_>>(), [expected]);
    assert!(case.diags.iter().all(|it| it.code.severity() == Severity::Error));
}

#[test]
fn a_name_made_up_for_a_node_is_no_target_and_nothing_is_said_twice() {
    let case = root(
        r##""definitions": {
            "A": {"properties": {"b": {"title": 1, "items": {"$ref": "#/nowhere"}}}},
            "U": {"items": {"$ref": "#/definitions/A/properties/b"}, "allOf": [{"$ref": "#/definitions/b"}]}
        }"##,
    );
    let said: Vec<_> = case.said().into_iter().map(|(code, at, _)| (code, at)).collect();
    let expected = [
        (Code::WrongType, "a.json#/definitions/A/properties/b/title"),
        (Code::DanglingReference, "a.json#/definitions/A/properties/b/items/$ref"),
        (Code::DanglingReference, "a.json#/definitions/U/allOf/0/$ref"),
    ];
    assert_eq!(said, expected.map(|(code, at)| (code, at.to_owned())));
}

#[test]
fn long_chains_need_no_stack() {
    let chain = |length: usize, link: fn(usize) -> String| {
        let definitions: String = (1..length).map(|i| format!(r#""A{}": {},"#, i - 1, link(i))).collect();
        root(&format!(r#""definitions": {{{definitions} "A{}": {{}}}}"#, length - 1)).clean();
    };
    chain(20_000, |base| format!(r##"{{"allOf": [{{"$ref": "#/definitions/A{base}"}}]}}"##));
    chain(500, |next| format!(r##"{{"$ref": "#/definitions/A{next}"}}"##));
}

#[test]
fn roots_may_refer_to_each_other_and_be_given_twice() {
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    let text = |other: &str| {
        format!(
            r##"{{"swagger": "2.0", "paths": {{"/a": {{"get": {{"responses": {{}}}}}}}},
            "definitions": {{"A": {{"items": {{"$ref": "{other}#/definitions/A"}}}}}}}}"##
        )
    };
    let a = sources.add(Path::new("a.json"), text("b.json"), &mut diags).unwrap();
    let b = sources.add(Path::new("./b.json"), text("./a.json"), &mut diags).unwrap();
    let graph = resolve(&[b, a, b], &mut sources, &mut diags);
    assert_eq!(diags.len(), 0);
    assert_eq!(graph.documents.keys().copied().take(2).collect::<Vec<_>>(), [b, a]);
    assert!(graph.documents.values().all(|document| document.paths.len() == 1));
}

mod corpus;
