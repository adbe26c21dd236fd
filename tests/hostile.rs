//! What hostile texts of a document, a manifest or a caller come to: nothing but themselves.

use std::fs;
use std::path::Path;
use std::process::Command;

use iothub::runtime::{Body, Condition};
use iothub::{Error, ErrorKind, Pipeline};
use serde_json::Value;
use specsmith::Builder;
use specsmith::diag::{Code, Severity};

use crate::scratch::{cargo, empty, has_clippy, kept, root, write};
use crate::service::{Clients, bytes, empty as nothing, json};

#[track_caller]
fn refused<T>(result: Result<T, Error>, clients: &Clients) {
    match result {
        Ok(_) => panic!("sent: {:?}", clients.sent()),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Build, "{error}"),
    }
    assert!(clients.sent().is_empty(), "something was sent");
}

#[tokio::test]
async fn an_argument_stays_one_segment() {
    for id in
        ["a/b", "../b", "%2e%2e", "%2f", "a?b#c", "a\0b", "a\r\nx: y", "a\\b", "\u{202e}\u{fc}", "{}", "a b+c", ";a=1"]
    {
        let clients = Clients::of([json(404, serde_json::json!({ "Message": "" }))]);
        assert!(clients.hub.devices().get(id).await.is_err());
        assert_eq!(clients.one_sent().segments(), ["devices", id], "{id:?}");
    }
    for id in ["", ".", ".."] {
        let clients = Clients::of([]);
        refused(clients.hub.devices().get(id).await, &clients);
        // Given when the client is made.
        let clients = Clients::named(id, id, []);
        refused(clients.device.messages().receive().await, &clients);
    }
}

#[tokio::test]
async fn a_header_stays_one() {
    for value in ["a\r\nx-evil: 1", "a\n", "\r", "\0", "\u{e9}", "\u{202e}", " a", "a ", "\ta", "\u{7f}"] {
        let clients = Clients::of([]);
        refused(clients.device.messages().send(Body::from("x")).message_id(value).await, &clients);
        refused(clients.device.messages().send(Body::from("x")).content_type(value).await, &clients);
        refused(clients.device.messages().send(Body::from("x")).property("a", value).await, &clients);
        refused(clients.hub.devices().delete("a").if_match(Condition::from(value)).await, &clients);
    }
    for name in ["", "a b", "a:b", "a\r\nx-evil", "\u{e9}", "a\0", "(", "a,b"] {
        let clients = Clients::of([]);
        refused(clients.device.messages().send(Body::from("x")).property(name, "1").await, &clients);
    }
    let clients = Clients::of([nothing(204)]);
    clients.device.messages().send(Body::from("x")).property("a", "b: c, \"d\"").await.unwrap();
    assert_eq!(clients.one_sent().headers["iothub-app-a"], "b: c, \"d\"");
}

#[tokio::test]
async fn a_query_stays_one() {
    for value in ["a&b=c", "a#b", "a+b", "a=b", "\u{e9}", "a\r\nb", "%26", "?"] {
        let clients = Clients::of([bytes(200, "[]")]);
        let pipeline: Pipeline = clients.hub.pipeline().clone().with_api_version(value.to_owned());
        iothub::hub::Client::with_pipeline(pipeline).devices().list().await.unwrap();
        let target = clients.one_sent().target;
        let query = target.split_once('?').unwrap().1;
        let encoded: String = query.strip_prefix("api-version=").unwrap().to_owned();
        assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'%'), "{value:?}: {target}");
        let bytes = encoded.replace('%', " ");
        assert_eq!(bytes.split(' ').skip(1).count(), value.bytes().filter(|b| !b.is_ascii_alphanumeric()).count());
    }
}

/// A document of one operation with a text in each of these places, and what is said of it.
fn codes(places: &str) -> Vec<Code> {
    let out = empty("hostile-one");
    let document = out.join("api.yaml");
    write(&document, &format!("swagger: \"2.0\"\ninfo: {{ title: A, version: \"1\" }}\n{places}\n"));
    match Builder::new().spec(&document).out_dir(out.join("out")).quiet(true).generate() {
        Ok(_) => Vec::new(),
        Err(failure) => {
            assert!(!out.join("out").exists(), "something was written");
            failure.codes().filter(|code| code.severity() == Severity::Error).collect()
        }
    }
}

#[test]
fn what_no_request_can_carry_is_refused() {
    let get = "get: { operationId: A_Get, responses: { 204: { description: \"\" } } }";
    let with =
        |more: &str| format!("get: {{ operationId: A_Get, {more}, responses: {{ 204: {{ description: \"\" }} }} }}");
    let good = codes(&format!("host: a.example\nbasePath: /v1\npaths: {{ /a: {{ {get} }} }}"));
    assert_eq!(good, []);
    for path in
        ["/a/../b", "//evil.example", "/a\\\\b", "/a#b", "/a\\r\\nb", "/a b/%2e%2e", "/%2f", "/{a", "/a}", "/{}"]
    {
        assert_eq!(codes(&format!("paths: {{ \"{path}\": {{ {get} }} }}")), [Code::Unsendable], "{path}");
        if !path.starts_with("/{") {
            let base = codes(&format!("basePath: \"{path}\"\npaths: {{ /a: {{ {get} }} }}"));
            assert_eq!(base, [Code::Unsendable], "{path}");
        }
    }
    for host in ["a@evil.example", "a.example/b", "a\\r\\nb", "a b", "b\u{fc}cher.example", "a:b"] {
        assert_eq!(codes(&format!("host: \"{host}\"\npaths: {{ /a: {{ {get} }} }}")), [Code::Unsendable], "{host}");
    }
    for (what, places) in [
        ("header", "parameters: [{ name: \"x\\r\\ny: z\", in: header, type: string }]"),
        ("prefix", "parameters: [{ name: x, in: header, type: string, x-ms-header-collection-prefix: \"x y\" }]"),
        ("constant", "parameters: [{ name: \"x y\", in: header, type: string, required: true, enum: [a] }]"),
        ("consumes", "consumes: [\"text/plain\\r\\nx: y\"]"),
        ("produces", "produces: [\"text/plain; \u{e9}\"]"),
    ] {
        assert_eq!(codes(&format!("paths: {{ /a: {{ {} }} }}", with(places))), [Code::Unsendable], "{what}");
    }
    let fixed = |value: &str| {
        let places =
            with(&format!("parameters: [{{ name: x, in: path, required: true, type: string, enum: [\"{value}\"] }}]"));
        codes(&format!("paths: {{ \"/{{x}}/b\": {{ {places} }} }}"))
    };
    assert_eq!(fixed(".."), [Code::Unsendable]);
    assert_eq!(fixed("../a?b"), []);
    let code = fs::read_to_string(kept("hostile-one").join("out/specsmith.rs")).unwrap();
    assert!(code.contains("\"/..%2Fa%3Fb/b\""), "{code}");
}

/// Cargo's view of a package.
fn metadata(package: &Path) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(package)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"][0].clone()
}

/// Names of documents and groups that mean something to cargo, to the package itself or to a file system.
#[test]
fn names_of_files_are_no_others() {
    let out = empty("hostile-names");
    let mut builder = Builder::new().crate_name("names").runtime_path(root().join("runtime")).quiet(true);
    let names =
        ["bin", "client", "default", "reqwest", "runtime", "con", "NUL", "lib", "main", "specsmith_runtime", "tracing"];
    for name in names {
        let document = out.join("specs").join(name).with_extension("yaml");
        let paths = "{ /a: { get: { operationId: Con_Get, responses: { 204: { description: \"\" } } }, put: { operationId: mod_Put, responses: { 204: { description: \"\" } } } } }";
        write(&document, &format!("swagger: \"2.0\"\ninfo: {{ title: A, version: \"1\" }}\npaths: {paths}\n"));
        builder = builder.spec(document);
    }
    let package = out.join("out");
    builder.out_dir(&package).generate().unwrap();
    let own = metadata(&package);
    let targets: Vec<&Value> = own["targets"].as_array().unwrap().iter().map(|target| &target["kind"]).collect();
    assert_eq!(targets, [&serde_json::json!(["lib"])]);
    assert_eq!(own["features"].as_object().unwrap().len(), names.len() + 5);
    let mut modules: Vec<String> = fs::read_dir(package.join("src"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    modules.sort();
    // Those that cannot have their names are called after nothing in particular.
    let numbered = (2..=11).map(|number| format!("api_{number}"));
    let mut expected: Vec<String> = ["api", "lib.rs"].map(str::to_owned).into_iter().chain(numbered).collect();
    expected.sort();
    assert_eq!(modules, expected);
    assert!(package.join("src/api_2/con_operations.rs").exists());
    cargo(&package, &["check", "--no-default-features", "--features", "client,server,api,api_2"]);
}

/// The HTML files below a folder, joined.
fn pages(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "html") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    text
}

/// A document and a manifest that are hostile everywhere at once: the package compiles, clippy and rustdoc have nothing to say, no
/// text has become a test, and no page runs or loads anything.
#[test]
fn a_hostile_package_is_a_package() {
    let source = root().join("tests/hostile");
    let out = kept("hostile");
    let manifest = fs::read_to_string(source.join("specsmith.yaml")).unwrap();
    let manifest = manifest.replace("runtime: runtime", &format!("runtime: {:?}", root().join("runtime")));
    write(&out.join("specsmith.yaml"), &manifest);
    for name in ["api.yaml", "overlay.yaml"] {
        write(&out.join(name), &fs::read_to_string(source.join(name)).unwrap());
    }
    let package = out.join("out");
    let builder = Builder::new().manifest(out.join("specsmith.yaml")).out_dir(&package).quiet(true);
    let summary = builder.generate().unwrap();
    assert_eq!((summary.operations, summary.overlays), (4, 1));

    // The manifest's texts arrive as they are.
    let own = metadata(&package);
    assert!(
        own["description"].as_str().unwrap().contains("\"\"\"\n[dependencies]\nsmuggled = \"1\"\n\u{202e}"),
        "{own}"
    );
    assert_eq!(own["authors"][0], "Somebody \"quoted\" \\ <a@b.example>");
    assert_eq!(own["dependencies"].as_array().unwrap().len(), 1);

    cargo(&package, &["check", "--all-features"]);
    if has_clippy() {
        cargo(&package, &["clippy", "--all-features"]);
    }
    // Without reqwest, which takes long to compile.
    let client = ["--no-default-features", "--features", "client,api"];
    cargo(&package, &[&["doc", "--no-deps", "--document-private-items"][..], &client].concat());
    let pages = pages(&kept("target").join("doc/hostile"));
    assert!(pages.matches("smuggled").count() > 50, "the texts are not in the pages");
    for sign in
        ["<script>smuggled", "<img", "onerror=\"", "href=\"javascript:", "href=\"data:", "<iframe", "<style>smuggled"]
    {
        assert!(!pages.contains(sign), "{sign} is in the pages");
    }
    // Nor anything that a reader's browser would fetch from elsewhere.
    assert!(!pages.contains("src=\"http"), "the pages load something");

    // The only tests are examples of our own: one for a group.
    let listed = Command::new(env!("CARGO"))
        .args([&["test", "--doc", "--offline"][..], &client, &["--", "--list"]].concat())
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", kept("target"))
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let tests: Vec<&str> = listed.lines().filter(|line| line.ends_with(": test")).collect();
    assert!(
        tests.len() <= 4 && tests.iter().all(|test| test.contains("(line") && test.contains("src/api/")),
        "{listed}"
    );
    cargo(&package, &[&["test", "--doc"][..], &client].concat());
}
