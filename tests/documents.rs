//! Documents that nobody should write: each is refused with a reason, or comes to code that compiles. Nothing crashes, and nothing takes
//! longer or more memory than its size allows.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use specsmith::diag::{Code, Severity};
use specsmith::{Builder, Failure, Summary};

use crate::scratch::{cargo, empty, has_clippy, kept, root, write};

/// A document with these definitions, or with something more of its own.
fn document(more: &Value) -> Value {
    let mut document = json!({ "swagger": "2.0", "info": { "title": "Hostile", "version": "1" }, "paths": {} });
    for (key, value) in more.as_object().unwrap() {
        document[key] = value.clone();
    }
    document
}

fn generate(spec: &Path) -> Result<Summary, Failure> {
    let out = spec.with_extension("out");
    Builder::new().spec(spec).out_dir(&out).quiet(true).generate()
}

/// The codes of the errors, each once.
fn errors(result: &Result<Summary, Failure>) -> Vec<&'static str> {
    let mut codes: Vec<&str> = match result {
        Ok(_) => Vec::new(),
        Err(failure) => failure.codes().filter(|code| code.severity() == Severity::Error).map(Code::id).collect(),
    };
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// Writes a file and generates from it; the codes, and the text of what was said.
fn refused(folder: &Path, name: &str, contents: &[u8]) -> (Vec<&'static str>, String) {
    let path = folder.join(name);
    fs::write(&path, contents).unwrap();
    let _ = fs::remove_dir_all(path.with_extension("out"));
    let result = generate(&path);
    assert!(!path.with_extension("out").exists() || result.is_ok(), "{name} left something behind");
    let text = result.as_ref().map_or_else(|failure| failure.to_text(false), |summary| summary.warnings.to_text(false));
    (errors(&result), text)
}

#[test]
fn files_that_are_no_documents() {
    let folder = empty("hostile-files");
    let utf16 = |text: &str, mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
        mark.iter().copied().chain(text.encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
    };
    let spec = r#"{"swagger": "2.0"}"#;
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
    let rows: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("empty.json", vec![], "SM102", "the file is empty"),
        ("empty.yaml", vec![], "SM102", "the file is empty"),
        ("blank.json", b" \n\t\n".to_vec(), "SM102", "the file is empty"),
        ("mark-only.yaml", b"\xef\xbb\xbf".to_vec(), "SM102", "the file is empty"),
        ("binary.json", png.to_vec(), "SM102", "the file is not text"),
        ("binary.yaml", png.to_vec(), "SM102", "the file is not text"),
        ("latin-1.json", b"{\"swagger\": \"2.0\", \"x-\xe9\": 1}".to_vec(), "SM102", "not UTF-8: the byte 0xE9"),
        ("utf-16-le.json", utf16(spec, b"\xff\xfe", u16::to_le_bytes), "SM102", "UTF-16"),
        ("utf-16-be.json", utf16(spec, b"\xfe\xff", u16::to_be_bytes), "SM102", "UTF-16"),
        ("utf-16-le-bare.yaml", utf16(spec, b"", u16::to_le_bytes), "SM102", "UTF-16"),
        ("utf-16-be-bare.yaml", utf16(spec, b"", u16::to_be_bytes), "SM102", "UTF-16"),
        ("utf-32.json", b"\xff\xfe\0\0{\0\0\0".to_vec(), "SM102", "UTF-32"),
        (
            "truncated.json",
            br#"{"swagger": "2.0", "paths": {"/a": {"#.to_vec(),
            "SM102",
            "the file ends within an object",
        ),
        ("in-a-string.json", br#"{"swagger": "2."#.to_vec(), "SM102", "the file ends within a string"),
        ("truncated.yaml", b"swagger: \"2.".to_vec(), "SM102", "not valid YAML"),
        ("open.yaml", b"swagger: [2.0".to_vec(), "SM102", "not valid YAML"),
        ("an-object.json", b"{}".to_vec(), "SM301", "not an OpenAPI document"),
        ("a-list.json", b"[]".to_vec(), "SM302", "a document must be an object"),
        ("a-number.json", b"42".to_vec(), "SM302", "a document must be an object"),
        ("null.yaml", b"~".to_vec(), "SM302", "a document must be an object"),
        ("prose.yaml", b"Dear reader, this is a letter.".to_vec(), "SM302", "a document must be an object"),
        ("a-page.yaml", b"<!DOCTYPE html><html></html>".to_vec(), "SM302", "a document must be an object"),
        ("swagger-1.json", br#"{"swaggerVersion": "1.2"}"#.to_vec(), "SM301", "this is Swagger 1.2"),
        ("swagger-3.json", br#"{"swagger": "3.0"}"#.to_vec(), "SM301", "this is Swagger 3.0"),
        ("openapi.json", br#"{"openapi": "3.0.3"}"#.to_vec(), "SM301", "this is OpenAPI 3.0.3"),
        ("a-flag.json", br#"{"swagger": true}"#.to_vec(), "SM301", "not an OpenAPI document"),
        ("twice.json", br#"{"swagger": "2.0", "swagger": "2.0"}"#.to_vec(), "SM103", "stands twice"),
        ("twice.yaml", b"swagger: '2.0'\nswagger: '2.0'".to_vec(), "SM103", "stands twice"),
    ];
    for (name, contents, code, said) in rows {
        let (codes, text) = refused(&folder, name, &contents);
        assert!(codes.contains(&code) && text.contains(said), "{name}: {codes:?}\n{text}");
    }
    let missing = generate(&folder.join("missing.json"));
    assert_eq!(errors(&missing), ["SM101"]);
    assert!(missing.unwrap_err().is_unreadable());
}

#[test]
fn things_that_are_no_files() {
    let folder = empty("hostile-things");
    let said = |path: &Path, said: &str| {
        let failure = generate(path).unwrap_err();
        assert!(failure.is_unreadable() && failure.to_string().contains(said), "{failure}");
    };
    said(&folder, "it is not a file");
    let huge = folder.join("huge.json");
    // Takes no room on the disk.
    fs::File::create(&huge).unwrap().set_len((256 << 20) + 1).unwrap();
    said(&huge, "larger than 256 MiB");
    #[cfg(unix)]
    {
        said(Path::new("/dev/zero"), "it is not a file");
        let pipe = folder.join("pipe.json");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        said(&pipe, "it is not a file");
        let (codes, _) = refused(&folder, "to-a-pipe.json", &with_reference("pipe.json#/definitions/A"));
        assert_eq!(codes, ["SM401"]);
    }
}

fn with_reference(target: &str) -> Vec<u8> {
    document(&json!({ "definitions": { "A": { "properties": { "a": { "$ref": target } } } } })).to_string().into_bytes()
}

#[test]
fn nesting_and_bombs() {
    let folder = empty("hostile-nesting");
    let deep = |open: &str, close: &str, times: usize| [open.repeat(times), close.repeat(times)].concat().into_bytes();
    let schema = |times: usize| {
        let start = r#"{"swagger": "2.0", "info": {"title": "x", "version": "1"}, "paths": {}, "definitions": {"A": "#;
        let nested = [r#"{"properties": {"a": "#.repeat(times), "{}".to_owned(), "}}".repeat(times)].concat();
        [start, &nested, "}}"].concat().into_bytes()
    };
    let mut laughs = String::from("swagger: '2.0'\na: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (name, before) in ('b'..='k').zip('a'..) {
        writeln!(laughs, "{name}: &{name} [{}]", vec![format!("*{before}"); 10].join(", ")).unwrap();
    }
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("lists.json", deep("[", "]", 200_000), "SM102"),
        ("objects.json", deep(r#"{"a":"#, "}", 200_000), "SM102"),
        ("open-lists.json", deep("[", "", 200_000), "SM102"),
        ("lists.yaml", deep("[", "]", 200_000), "SM102"),
        ("open-lists.yaml", deep("[", "", 200_000), "SM102"),
        ("objects.yaml", deep("{a: ", "}", 200_000), "SM102"),
        ("dashes.yaml", deep("- ", "", 200_000), "SM102"),
        ("questions.yaml", deep("? ", "", 200_000), "SM102"),
        ("schemas.json", schema(20_000), "SM102"),
        ("laughs.yaml", laughs.into_bytes(), "SM104"),
        ("itself.yaml", b"swagger: '2.0'\na: &a [*a]".to_vec(), "SM104"),
        ("anchors.yaml", ["swagger: '2.0'\na: ", &"&a ".repeat(50_000), "b"].concat().into_bytes(), "SM102"),
        (
            "strings.yaml",
            [&b"swagger: '2.0'\na: &a "[..], &[b'x'; 500_000], &b"\nb: [*a"[..], &b", *a".repeat(5000), b"]"].concat(),
            "SM104",
        ),
    ];
    for (name, contents, code) in rows {
        let (codes, text) = refused(&folder, name, &contents);
        assert_eq!(codes, [code], "{name}: {}", text.chars().take(500).collect::<String>());
    }
    let (codes, text) = refused(&folder, "schemas-30.json", &schema(30));
    assert_eq!(codes, [""; 0], "{text}");
}

/// An overlay that copies the document into itself doubles it; one that asks for every node of every node never ends.
#[test]
fn overlays_that_grow_without_end() {
    let folder = empty("hostile-overlays");
    fs::write(folder.join("api.json"), document(&json!({ "x-a": [1, 2] })).to_string()).unwrap();
    let action = |action: Value, times: usize| {
        let overlay =
            json!({ "overlay": "1.1.0", "info": { "title": "x", "version": "1" }, "actions": vec![action; times] });
        let path = folder.join("overlay.json");
        fs::write(&path, overlay.to_string()).unwrap();
        let builder = Builder::new().spec(folder.join("api.json")).overlay(path).out_dir(folder.join("out"));
        errors(&builder.quiet(true).generate())
    };
    assert_eq!(action(json!({ "target": "$['x-a']", "copy": "$['x-a']" }), 60), ["SM207"]);
    assert_eq!(action(json!({ "target": "$['x-a']", "copy": "$['x-a']" }), 3), [""; 0]);
    assert_eq!(action(json!({ "target": "$.info", "copy": "$" }), 200), ["SM207"]);
    let paths = ["..*", "..*..*..*..*", "['info','info']['title','title']['x','x']['y','y']", "[?@.a[?@.b[?@.c]]]"];
    for path in &paths[1..] {
        assert_eq!(action(json!({ "target": format!("${path}"), "remove": true }), 1), ["SM204"], "{path}");
    }
    assert_eq!(action(json!({ "target": format!("${}", "[".repeat(100_000)), "remove": true }), 1), ["SM204"]);
    assert_eq!(action(json!({ "target": format!("${}", "[?".repeat(1000)), "remove": true }), 1), ["SM204"]);
}

#[test]
fn references_that_lead_astray() {
    let folder = empty("hostile-references");
    fs::write(folder.join("other.json"), json!({ "definitions": { "B": { "type": "string" } } }).to_string()).unwrap();
    let rows = [
        ("#/definitions/Nothing", "SM401"),
        ("#/definitions/A/properties/b", "SM401"),
        ("#/paths/~1x/get", "SM401"),
        ("#/%zz", "SM401"),
        ("missing.json#/definitions/B", "SM401"),
        ("other.json#/definitions/C", "SM401"),
        (".", "SM401"),
        ("https://example.invalid/api.json#/definitions/B", "SM402"),
        ("file:///etc/hostname", "SM402"),
        ("/etc/hostname", "SM402"),
        ("//example.invalid/x", "SM402"),
        ("\\\\example\\x", "SM402"),
        ("C:\\x.json", "SM402"),
        ("#", "SM403"),
    ];
    for (target, code) in rows {
        let (codes, text) = refused(&folder, "api.json", &with_reference(target));
        assert_eq!(codes, [code], "{target}\n{text}");
    }
    assert_eq!(refused(&folder, "good.json", &with_reference("other.json#/definitions/B")).0, [""; 0]);

    let reference = |name: &str| json!({ "$ref": format!("#/definitions/{name}") });
    let circles = [
        (json!({ "A": reference("A") }), "SM404"),
        (json!({ "A": reference("B"), "B": reference("C"), "C": reference("A") }), "SM404"),
        (json!({ "A": { "allOf": [reference("A")] } }), "SM405"),
        (json!({ "A": { "allOf": [reference("B")] }, "B": { "allOf": [{ "allOf": [reference("A")] }] } }), "SM405"),
    ];
    for (definitions, code) in circles {
        let (codes, text) =
            refused(&folder, "circle.json", document(&json!({ "definitions": definitions })).to_string().as_bytes());
        assert_eq!(codes, [code], "{definitions}\n{text}");
    }
}

#[test]
fn references_can_be_confined_to_folders() {
    let folder = empty("hostile-roots");
    for inner in ["api", "api/more", "secret"] {
        fs::create_dir(folder.join(inner)).unwrap();
        fs::write(folder.join(inner).join("types.json"), r#"{"definitions": {"B": {"type": "string"}}}"#).unwrap();
    }
    let spec = folder.join("api/api.json");
    let run = |target: &str, roots: &[&str]| {
        fs::write(&spec, with_reference(target)).unwrap();
        let builder = Builder::new().spec(&spec).out_dir(folder.join("out")).quiet(true);
        errors(&roots.iter().map(|root| folder.join(root)).fold(builder, Builder::allow_root).generate())
    };
    let (inside, outside) = ("more/types.json#/definitions/B", "../secret/types.json#/definitions/B");
    assert_eq!(run(outside, &[]), [""; 0]);
    assert_eq!(run(inside, &["api"]), [""; 0]);
    assert_eq!(run("#/definitions/A", &["secret"]), [""; 0]);
    assert_eq!(run(outside, &["api"]), ["SM406"]);
    assert_eq!(run(outside, &["api", "secret"]), [""; 0]);
    // Of what is outside it is not told whether it is there.
    assert_eq!(run("../secret/nothing.json#/definitions/B", &["api"]), ["SM406"]);
    assert_eq!(run("../../../../../../../../../etc/hostname", &["api"]), ["SM406"]);
    assert_eq!(run("more/nothing.json", &["api"]), ["SM401"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.join("secret"), folder.join("api/link")).unwrap();
        assert_eq!(run("link/types.json#/definitions/B", &["api"]), ["SM406"]);
        assert_eq!(run("link/types.json#/definitions/B", &["api", "secret"]), [""; 0]);
    }
    let nowhere = Builder::new().spec(&spec).out_dir(folder.join("out")).allow_root(folder.join("nowhere")).generate();
    assert!(nowhere.unwrap_err().is_unreadable());
}

/// `count` definitions, each made of the next by `link`.
fn chain(count: usize, link: impl Fn(Value) -> Value) -> Vec<u8> {
    let mut definitions = Map::new();
    for index in 0..count {
        let next = json!({ "$ref": format!("#/definitions/A{}", index + 1) });
        definitions.insert(format!("A{index}"), link(next));
    }
    definitions.insert(format!("A{count}"), json!({ "type": "object", "properties": { "end": { "type": "string" } } }));
    document(&json!({ "definitions": definitions })).to_string().into_bytes()
}

/// Structs may hold one another as often as they like. Lists and maps may not: rustc does not take them.
#[test]
fn chains_of_20_000_definitions() {
    const MANY: usize = 20_000;
    let folder = empty("hostile-chains");
    type Link = fn(Value) -> Value;
    let rows: [(&str, Link, &[&str]); 9] = [
        ("property", |next| json!({ "properties": { "a": next } }), &[]),
        ("required", |next| json!({ "properties": { "a": next }, "required": ["a"] }), &[]),
        ("list-property", |next| json!({ "properties": { "a": { "type": "array", "items": next } } }), &[]),
        ("inline", |next| json!({ "properties": { "a": { "properties": { "b": next } } } }), &[]),
        ("alias", |next| next, &[]),
        ("items", |next| json!({ "type": "array", "items": next }), &["SM305"]),
        ("values", |next| json!({ "type": "object", "additionalProperties": next }), &["SM305"]),
        ("all-of", |next| json!({ "properties": { "a": { "type": "string" } }, "allOf": [next] }), &["SM305"]),
        (
            "union",
            |next| json!({ "discriminator": "kind", "properties": { "kind": { "type": "string" } }, "allOf": [next] }),
            &["SM305"],
        ),
    ];
    let inspect = |name: &str, contents: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, contents).unwrap();
        match Builder::new().spec(path).quiet(true).inspect() {
            Ok(_) => Vec::new(),
            Err(failure) => failure.codes().map(Code::id).collect(),
        }
    };
    for (name, link, expected) in rows {
        assert_eq!(inspect(&format!("{name}.json"), &chain(MANY, link)), expected, "{name}");
    }
    let wide: Map<String, Value> =
        (0..MANY).map(|index| (format!("A{index}"), json!({ "allOf": [{ "$ref": "#/definitions/Base" }] }))).collect();
    let mut definitions = wide;
    definitions
        .insert("Base".to_owned(), json!({ "discriminator": "kind", "properties": { "kind": { "type": "string" } } }));
    let star = document(&json!({ "definitions": definitions })).to_string();
    assert_eq!(inspect("star.json", star.as_bytes()), [""; 0]);
}

#[test]
fn values_of_the_wrong_kind() {
    let folder = empty("hostile-values");
    let schema = |schema: Value| document(&json!({ "definitions": { "A": schema } })).to_string();
    let one = |id: &str| json!({ "operationId": id, "responses": { "204": { "description": "x" } } });
    let rows: Vec<(String, &[&str])> = vec![
        (schema(json!({ "type": "strin" })), &["SM303"]),
        (schema(json!({ "type": 5 })), &["SM303"]),
        (schema(json!({ "type": {} })), &["SM303"]),
        (schema(json!({ "type": null })), &["SM303"]),
        (schema(json!({ "type": ["strin"] })), &["SM303"]),
        (schema(json!({ "type": [] })), &[]),
        (schema(json!({ "type": "file" })), &[]),
        (schema(json!("string")), &["SM302"]),
        (schema(json!(["string"])), &["SM302"]),
        (schema(json!({ "properties": [] })), &["SM302"]),
        (schema(json!({ "properties": { "a": 1 } })), &["SM302"]),
        (schema(json!({ "allOf": {} })), &["SM302"]),
        (schema(json!({ "items": [{ "type": "string" }] })), &["SM302"]),
        (schema(json!({ "enum": "a" })), &["SM302"]),
        (schema(json!({ "enum": [] })), &[]),
        (schema(json!({ "enum": [null, {}, [], 1, true] })), &[]),
        (schema(json!({ "type": "string", "enum": [1, 2] })), &[]),
        (schema(json!({ "required": "a" })), &["SM302"]),
        (schema(json!({ "$ref": 1 })), &["SM302"]),
        (schema(json!({ "discriminator": {} })), &["SM302"]),
        (schema(json!({ "type": "string", "maxLength": -1 })), &["SM302"]),
        (schema(json!({ "type": "string", "maxLength": 1.5 })), &["SM302"]),
        (schema(json!({ "type": "string", "maxLength": 1e30 })), &["SM302"]),
        (schema(json!({ "type": "integer", "minimum": "0" })), &["SM302"]),
        (r#"{"swagger": "2.0", "x-a": 1e400}"#.to_owned(), &["SM102"]),
        (document(&json!({ "paths": { "/a": { "get": one("A"), "put": one("A") } } })).to_string(), &["SM510"]),
        (document(&json!({ "paths": [] })).to_string(), &["SM302"]),
        (document(&json!({ "paths": { "/a": [] } })).to_string(), &["SM302"]),
        (document(&json!({ "info": "x" })).to_string(), &["SM302"]),
        (document(&json!({ "host": 1, "schemes": ["gopher"] })).to_string(), &["SM302", "SM303"]),
    ];
    for (text, expected) in rows {
        let (codes, said) = refused(&folder, "api.json", text.as_bytes());
        assert_eq!(codes, expected, "{text}\n{said}");
    }
}

/// Documents that are odd, and right: a package with a client of each.
#[test]
fn odd_documents_compile() {
    let package = kept("hostile");
    let folder = package.join("documents");
    let mut builder =
        Builder::new().crate_name("hostile").runtime_path(root().join("runtime")).out_dir(&package).quiet(true);
    for (name, document) in odd() {
        let path = folder.join(format!("{name}.json"));
        write(&path, &serde_json::to_string_pretty(&document).unwrap());
        builder = builder.spec(path);
    }
    let summary = builder.generate().unwrap();
    assert_eq!(summary.documents, odd().len());
    cargo(&package, &[if has_clippy() { "clippy" } else { "check" }, "--all-features"]);
}

/// Lists and maps, as deep in one another as they may be.
#[test]
fn nested_types_compile() {
    let nested = |kind: fn(Value) -> Value| (0..31).fold(json!({ "type": "string" }), |inner, _| kind(inner));
    let lists = nested(|inner| json!({ "type": "array", "items": inner }));
    let maps = nested(|inner| json!({ "type": "object", "additionalProperties": inner }));
    let package = kept("hostile-nested");
    let path = package.join("nested.json");
    let answer =
        |schema: &Value| json!({ "get": { "responses": { "200": { "description": "Yes.", "schema": schema } } } });
    let spec = document(&json!({
        "paths": { "/lists": answer(&lists), "/maps": answer(&maps) },
        "definitions": { "A": { "properties": { "lists": lists, "maps": maps } } },
    }));
    write(&path, &spec.to_string());
    let builder =
        Builder::new().crate_name("nested").runtime_path(root().join("runtime")).out_dir(&package).quiet(true);
    builder.spec(path).generate().unwrap();
    cargo(&package, &["check", "--all-features"]);
}

/// A crate that includes a module is told what it needs.
#[test]
fn modules_of_deep_models_say_what_they_need() {
    let folder = empty("hostile-deep");
    let link = |next| json!({ "properties": { "a": next } });
    for (count, told) in [(30, false), (300, true)] {
        let path = folder.join(format!("{count}.json"));
        fs::write(&path, chain(count, link)).unwrap();
        let summary = generate(&path).unwrap();
        let said = summary.warnings.to_text(false);
        assert_eq!(summary.warnings.iter().any(|warning| warning.code == Code::DeepModels), told, "{said}");
        assert_eq!(said.contains("#![recursion_limit = \"2048\"]"), told, "{said}");
    }
}

/// Names of all kinds; each stands everywhere that a name can stand.
fn names() -> Vec<String> {
    let plain = [
        "",
        "_",
        "__",
        "self",
        "Self",
        "super",
        "crate",
        "gen",
        "async",
        "try",
        "union",
        "r#type",
        "type",
        "2",
        "007",
        "-1",
        "+1",
        "<=",
        "*",
        "$",
        "🦀",
        "名前",
        "имя",
        "é",
        "e\u{301}",
        "ﬁ",
        "a b",
        "a-b",
        "a_b",
        "aB",
        "AB",
        "A__B",
        "String",
        "Vec",
        "Option",
        "Some",
        "None",
        "Ok",
        "Err",
        "Result",
        "Box",
        "Default",
        "Clone",
        "Debug",
        "From",
        "Into",
        "Send",
        "Sync",
        "Drop",
        "Iterator",
        "str",
        "u8",
        "bool",
        "core",
        "std",
        "alloc",
        "Error",
        "Response",
        "Client",
        "Call",
        "Request",
        "Value",
        "Map",
        "Nullable",
        "Secret",
        "ETag",
        "Field",
        "Other",
        "v1",
        "models",
        "client",
        "additionalProperties",
        "additional_properties",
        "new",
        "with_a",
        "request",
        "call",
        "path",
        "Answer",
        "Arc",
        "Context",
        "MyService",
        "Route",
        "Service",
        "ServiceError",
        "answer",
        "body",
        "fromA",
        "incoming",
        "into",
        "mod",
        "payload",
        "preconditions",
        "server",
        "status",
        "to_string",
        "type_id",
    ];
    let long = ["n".repeat(60_000), "Word".repeat(15_000), "n".repeat(60_001), "名".repeat(20_000)];
    plain.iter().map(|name| (*name).to_owned()).chain(long).collect()
}

fn odd() -> Vec<(&'static str, Value)> {
    let reference =
        |name: &str| json!({ "$ref": format!("#/definitions/{}", name.replace('~', "~0").replace('/', "~1")) });
    let names = names();
    let object = |value: &Value| names.iter().map(|name| (name.clone(), value.clone())).collect::<Map<_, _>>();
    let answer = |schema: Value| json!({ "200": { "description": "Yes.", "schema": schema } });
    let operations: Map<String, Value> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let parameters: Vec<Value> =
                names.iter().take(6).map(|name| json!({ "name": format!("{name}x"), "in": "query", "type": "string" })).collect();
            let operation = json!({ "operationId": format!("{name}_{name}"), "parameters": parameters, "responses": answer(reference("A")) });
            (format!("/{index}"), json!({ "get": operation }))
        })
        .collect();
    let parameters: Vec<Value> = names
        .iter()
        .filter(|name| !name.is_empty() && name.is_ascii())
        .map(|name| json!({ "name": name, "in": "query", "type": "string" }))
        .collect();
    let is_token =
        |name: &&String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let mut with_headers = answer(reference("A"));
    with_headers["200"]["headers"] = names
        .iter()
        .filter(is_token)
        .map(|name| (name.clone(), json!({ "type": "string" })))
        .collect::<Map<_, _>>()
        .into();
    let model = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let many: Vec<String> = (0..5000).map(|index| format!("value {index}")).collect();
    let chain =
        serde_json::from_slice(&chain(300, |next| json!({ "properties": { "a": next }, "required": ["a"] }))).unwrap();
    let mut nested = json!({ "type": "string" });
    for level in 0..5 {
        nested = match level % 2 {
            0 => json!({ "type": "array", "items": nested }),
            _ => json!({ "type": "object", "additionalProperties": nested }),
        };
    }
    let wide: Map<String, Value> = (0..180)
        .map(|index| {
            let operation = json!({
                "operationId": format!("Wide_Get{index}"),
                "parameters": [{ "name": "top", "in": "query", "type": "integer" }],
                "responses": answer(reference("A")),
            });
            (format!("/{index}"), json!({ "get": operation }))
        })
        .collect();
    vec![
        ("wide", document(&json!({ "paths": wide, "definitions": { "A": model } }))),
        ("definitions", document(&json!({ "definitions": object(&model) }))),
        (
            "properties",
            document(&json!({ "definitions": { "A": { "properties": object(&json!({ "type": "string" })) } } })),
        ),
        ("inline", document(&json!({ "definitions": { "A": { "properties": object(&model) } } }))),
        ("variants", document(&json!({ "definitions": { "A": { "type": "string", "enum": names } } }))),
        ("operations", document(&json!({ "paths": operations, "definitions": { "A": model } }))),
        (
            "parameters",
            document(
                &json!({ "paths": { "/": { "get": { "parameters": parameters, "responses": answer(reference("A")) } } }, "definitions": { "A": model } }),
            ),
        ),
        (
            "headers",
            document(
                &json!({ "paths": { "/": { "get": { "responses": with_headers } } }, "definitions": { "A": model } }),
            ),
        ),
        ("unions", {
            let mut definitions: Map<String, Value> = object(&json!({ "allOf": [reference("Base")] }));
            definitions.insert(
                "Base".to_owned(),
                json!({ "discriminator": "a", "properties": { "a": { "type": "string" } } }),
            );
            document(&json!({ "definitions": definitions }))
        }),
        (
            "many",
            document(&json!({ "definitions": {
            "Many": { "type": "string", "enum": many },
            "Numbers": { "type": "integer", "enum": (-2500..2500).collect::<Vec<i64>>() },
            "Large": { "type": "integer", "enum": [i64::MIN, i64::MAX, 0, 0] },
            "TooLarge": { "type": "integer", "enum": [u64::MAX, 1] },
        } })),
        ),
        (
            "recursion",
            document(&json!({ "definitions": {
            "A": { "properties": { "a": reference("A"), "b": reference("B"), "c": { "allOf": [reference("A")] } }, "required": ["a"] },
            "B": { "properties": { "a": reference("A"), "d": { "type": "array", "items": reference("B") } }, "required": ["a"] },
            "C": { "type": "array", "items": reference("C") },
            "D": { "type": "object", "additionalProperties": reference("D") },
            // Composed of what it stands in.
            "E": { "properties": { "e": { "allOf": [{ "allOf": [reference("E")] }] }, "f": { "allOf": [reference("E")], "properties": { "g": reference("A") } } } },
        } })),
        ),
        (
            "numbers",
            document(&json!({ "definitions": { "A": { "properties": {
            "a": { "type": "integer", "minimum": -1e308, "maximum": 1e308, "default": 1e30 },
            "b": { "type": "integer", "format": "int32", "minimum": i64::MIN, "maximum": u64::MAX, "default": u64::MAX },
            "c": { "type": "number", "minimum": 5e-324, "multipleOf": 0, "default": -0.0 },
            "d": { "type": "string", "minLength": u64::MAX, "maxLength": 0, "default": 5 },
            "e": { "type": "array", "items": { "type": "string" }, "minItems": 10, "maxItems": 1, "default": {} },
            "f": { "type": "integer", "format": "uint64", "enum": [1, 2], "default": "x" },
        } } } })),
        ),
        ("chain", chain),
        (
            "nested",
            document(&json!({ "paths": { "/": { "post": {
            "parameters": [{ "name": "body", "in": "body", "required": true, "schema": nested }], "responses": answer(nested.clone()),
        } } }, "definitions": { "A": { "properties": { "a": nested } } } })),
        ),
    ]
}
