//! Packages: that they compile, and that what is committed can be told from what would be generated.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;
use specsmith::diag::{Code, Severity};
use specsmith::{Builder, Difference};

use crate::scratch::{DOCUMENTS, cargo, empty, files, has_clippy, kept, root, write};

/// A package from one of the five documents.
fn package(document: &str) -> Builder {
    package_of(&root().join("specs").join(document))
}

fn package_of(document: &Path) -> Builder {
    Builder::new().spec(document).crate_name("job-api").runtime_path(root().join("runtime")).quiet(true)
}

#[test]
fn a_package_from_any_one_document_compiles() {
    for document in DOCUMENTS {
        let out = kept("packages").join(document.trim_end_matches(".json"));
        let summary = package(document).out_dir(&out).generate().unwrap();
        assert!(summary.operations > 0 && summary.models > 0, "{summary:?}");
        cargo(&out, &["check", "--all-features"]);
    }
}

/// Either side alone, in a package and in a module.
#[test]
fn one_side_alone_compiles() {
    let out = kept("packages").join("one-side");
    let builder = package("IotHubResource.json").out_dir(&out);
    let server = builder.clone().server_only(true).generate().unwrap();
    assert_eq!(server.operations, 19, "those of the trait");
    cargo(&out, &["check"]);
    cargo(&out, &["check", "--no-default-features", "--features", "iot_hub_resource"]);
    builder.client_only(true).generate().unwrap();
    cargo(&out, &["check"]);
    let failure = package("JobApi.json").client_only(true).server_only(true).generate().unwrap_err();
    assert_eq!(failure.codes().collect::<Vec<_>>(), [Code::Usage]);
}

/// Where there is no server, nobody is told what it would lack.
#[test]
fn a_client_alone_says_nothing_of_servers() {
    let names = root().join("tests/features/server/names.yaml");
    let codes = |builder: Builder| {
        let summary = builder.spec(&names).out_dir(empty("one-side-said")).quiet(true).generate().unwrap();
        summary.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(Builder::new()), []);
    assert_eq!(codes(Builder::new().crate_name("names").client_only(true)), []);
    assert_eq!(codes(Builder::new().server(true)), [Code::SameRoute]);
    assert_eq!(codes(Builder::new().crate_name("names")), [Code::SameRoute]);
}

/// The code of all features, in one package.
#[test]
fn features_compile() {
    let package = kept("features");
    let mut lib = "//! Generated from the documents in `tests/features`.\n#![deny(missing_docs)]\n\n".to_owned();
    let folders = ["tests/features", "tests/features/server"].map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let mut documents: Vec<_> = folders.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    documents.retain(|path| path.is_file());
    documents.sort();
    let mut left_out = Vec::new();
    for document in documents {
        let name = document.file_stem().unwrap().to_str().unwrap().to_owned();
        let server = document.parent().unwrap().ends_with("server");
        let name = if server { format!("{name}_server") } else { name };
        let builder = Builder::new().spec(&document).out_dir(package.join("src").join(&name)).quiet(true);
        let includes = match server {
            true => format!("/// Servers.\npub mod {name} {{\n    include!(\"{name}/specsmith.rs\");\n}}\n"),
            false => format!("include!(\"{name}/specsmith.rs\");\n"),
        };
        match builder.server(true).server_only(server).generate() {
            Ok(_) => lib.push_str(&includes),
            Err(_) => left_out.push(name),
        }
    }
    assert_eq!(left_out, ["invalid"]);
    write(&package.join("src/lib.rs"), &lib);
    let runtime = root().join("runtime");
    let manifest = format!(
        "[package]\nname = \"features\"\nedition = \"2024\"\n\n[dependencies]\nspecsmith-runtime = {{ path = {runtime:?}, features = [\"server\"] }}\n\n[workspace]\n",
    );
    write(&package.join("Cargo.toml"), &manifest);
    cargo(&package, &[if has_clippy() { "clippy" } else { "check" }]);
}

/// The tables of limits, and what they lead to.
#[test]
fn validation_compiles() {
    let out = kept("validated");
    let manifest = root().join("tests/features/validated/specsmith.yaml");
    Builder::new().manifest(manifest).out_dir(&out).quiet(true).generate().unwrap();
    let clippy = if has_clippy() { "clippy" } else { "check" };
    cargo(&out, &[clippy, "--no-default-features", "--features", "server,shop"]);
}

/// All clients, over a transport of the user's.
const WITHOUT_NETWORK: &str = "client,hub,device,management";

/// Servers of all clients' operations.
const SERVER: &str = "server,hub,device,management";

/// The package of the manifest, in a workspace like the one it is made for: to the letter, with overlays, and by features.
#[test]
fn the_package_of_the_manifest_compiles() {
    let workspace = kept("workspace");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = |line: &str| match line.starts_with("members = ") {
        true => "members = [\"generated\", \"runtime\"]\n".to_owned(),
        false => format!("{line}\n"),
    };
    write(&workspace.join("Cargo.toml"), &manifest.lines().map(members).collect::<String>());
    copy(&root().join("runtime"), &workspace.join("runtime"));
    let out = workspace.join("generated");
    let iothub = Builder::new().manifest(root().join("specsmith.yaml")).out_dir(&out).quiet(true);

    let literal = iothub.clone().no_overlays(true).generate().unwrap();
    assert_eq!((literal.documents, literal.overlays, literal.operations), (5, 0, 41));
    cargo(&out, &["check", "--all-features"]);

    let patched = iothub.generate().unwrap();
    assert_eq!((patched.documents, patched.overlays), (5, 5));
    cargo(&out, &["check", "--all-features"]);
    for features in
        ["", "client", "reqwest", "server", "hub", "device", "management", "tracing", WITHOUT_NETWORK, SERVER]
    {
        cargo(&out, &["check", "--no-default-features", "--features", features]);
    }

    let tree = ["tree", "-e", "normal", "--prefix", "none", "-f", "{lib}", "--no-default-features", "--features"];
    let stack = ["reqwest", "hyper", "tokio", "rustls", "ring", "native_tls", "openssl", "h2"];
    let stack_in = |features| {
        let tree = cargo(&out, &[&tree[..], &[features]].concat());
        let found = |name: &&&str| tree.lines().any(|line| line.split(' ').next() == Some(**name));
        stack.iter().filter(found).copied().collect::<Vec<_>>()
    };
    assert_eq!(stack_in(WITHOUT_NETWORK), [""; 0], "the clients alone bring no network");
    assert_eq!(stack_in(SERVER), [""; 0], "nor do servers");
    assert_eq!(stack_in("reqwest,hub"), ["reqwest", "hyper", "tokio", "rustls", "ring"]);
}

fn copy(from: &Path, to: &Path) {
    for (path, contents) in files(from) {
        if path == Path::new("Cargo.toml") || path.starts_with("src") {
            write(&to.join(path), &contents);
        }
    }
}

/// What a check finds, as path and words.
fn found(builder: &Builder, out: &Path) -> Vec<(String, &'static str)> {
    let path = |difference: &Difference| difference.path.strip_prefix(out).unwrap().display().to_string();
    let mut found: Vec<_> =
        builder.check().unwrap().iter().map(|difference| (path(difference), difference.what)).collect();
    found.sort();
    found
}

const CHANGED: &str = "is not what would be generated";
const MISSING: &str = "is missing";
const STRAY: &str = "is not generated: it does not belong here";
const STALE: &str = "is no longer generated";
const LEDGER: &str = "lists other files, or other contents";

#[test]
fn a_check_finds_every_kind_of_drift() {
    let out = empty("check");
    let builder = package("JobApi.json").out_dir(&out);
    let path = |name: &str| out.join(name);
    let found = || {
        let found = found(&builder, &out);
        builder.generate().unwrap();
        found
    };
    builder.generate().unwrap();
    assert_eq!(found(), []);

    let models = fs::read_to_string(path("src/job_api/models.rs")).unwrap();
    fs::write(path("src/job_api/models.rs"), models.replacen("pub struct", "struct", 1)).unwrap();
    let difference = builder.check().unwrap().remove(0);
    let diff = difference.diff.unwrap();
    assert!(diff.lines().any(|line| line.starts_with("-struct ")), "{diff}");
    assert!(diff.lines().any(|line| line.starts_with("+pub struct ")), "{diff}");
    assert_eq!(found(), [("src/job_api/models.rs".to_owned(), CHANGED)]);

    for name in ["Cargo.toml", "README.md", "src/lib.rs"] {
        fs::write(path(name), fs::read_to_string(path(name)).unwrap() + "\n").unwrap();
        assert_eq!(found(), [(name.to_owned(), CHANGED)]);
    }

    fs::remove_file(path("src/job_api/models.rs")).unwrap();
    assert_eq!(found(), [("src/job_api/models.rs".to_owned(), MISSING)]);

    fs::remove_file(path(".specsmith.json")).unwrap();
    assert_eq!(found(), [(".specsmith.json".to_owned(), LEDGER)]);

    let mut ledger: Value = serde_json::from_str(&fs::read_to_string(path(".specsmith.json")).unwrap()).unwrap();
    ledger["files"]["src/old.rs"] = "0000000000000000".into();
    fs::write(path(".specsmith.json"), ledger.to_string()).unwrap();
    fs::write(path("src/old.rs"), "// Of a document that is gone.\n").unwrap();
    fs::write(path("src/mine.rs"), "// Of nobody that we know.\n").unwrap();
    let both = [("src/mine.rs".to_owned(), STRAY), ("src/old.rs".to_owned(), STALE)];
    assert_eq!(found(), both);
    assert!(path("src/old.rs").exists(), "it is not what the ledger says: somebody's work");
    assert_eq!(found(), both, "also after it was generated anew");

    fs::remove_file(path("src/mine.rs")).unwrap();
    fs::remove_file(path("src/old.rs")).unwrap();
    assert_eq!(found(), [(".specsmith.json".to_owned(), LEDGER)]);
    assert_eq!(found(), []);
}

#[test]
fn what_is_no_longer_generated_goes() {
    let out = empty("stale");
    let both = Builder::new().spec(root().join("specs/JobApi.json")).spec(root().join("specs/DeviceTwinApi.json"));
    both.crate_name("two").out_dir(&out).quiet(true).generate().unwrap();
    let twins = || files(&out).into_keys().filter(|path| path.starts_with("src/device_twin_api")).count();
    let count = twins();
    assert!(count > 0);
    let summary = package("JobApi.json").out_dir(&out).generate().unwrap();
    assert_eq!((summary.removed, twins()), (count, 0));
}

#[test]
fn files_of_others_are_not_overwritten() {
    let out = empty("others");
    fs::create_dir(out.join("src")).unwrap();
    fs::write(out.join("src/lib.rs"), "//! Written by hand.\n").unwrap();
    let builder = package("JobApi.json").out_dir(&out);
    let failure = builder.generate().unwrap_err();
    let errors = failure.codes().filter(|code| code.severity() == Severity::Error);
    assert_eq!(errors.collect::<Vec<_>>(), [Code::NotOurs]);
    let by_hand = [("src/lib.rs".into(), "//! Written by hand.\n".to_owned())];
    assert_eq!(files(&out).into_iter().collect::<Vec<_>>(), by_hand);
    builder.force(true).generate().unwrap();
    assert_ne!(fs::read_to_string(out.join("src/lib.rs")).unwrap(), "//! Written by hand.\n");
}

#[test]
fn a_second_generation_touches_nothing() {
    let out = empty("twice");
    let builder = package("DeviceTwinApi.json").out_dir(&out);
    let times = || -> BTreeMap<PathBuf, SystemTime> {
        let time = |path: &Path| fs::metadata(out.join(path)).unwrap().modified().unwrap();
        files(&out).into_keys().map(|path| (path.clone(), time(&path))).collect()
    };
    assert!(builder.generate().unwrap().changed > 0);
    let before = times();
    assert_eq!(builder.generate().unwrap().changed, 0);
    assert_eq!(times(), before);
}

#[test]
fn the_same_documents_give_the_same_bytes() {
    let generate = |builder: Builder, name: &str| {
        let out = empty(name);
        builder.out_dir(&out).generate().unwrap();
        files(&out)
    };
    let here = generate(package("JobApi.json"), "bytes-here");
    let elsewhere = empty("bytes").join("some").join("where");
    copy_to(&root().join("specs/JobApi.json"), &elsewhere);
    assert_eq!(generate(package_of(&elsewhere.join("JobApi.json")), "bytes-elsewhere"), here);
    let roundabout = root().join("specs/../specs/JobApi.json");
    assert_eq!(generate(package_of(&roundabout), "bytes-roundabout"), here);

    let paths = ["JobApi.json", "DeviceTwinApi.json"].map(|name| root().join("specs").join(name));
    let several = |paths: &[&PathBuf]| {
        let specs = paths.iter().fold(Builder::new(), |builder, path| builder.spec(*path));
        specs.crate_name("two").runtime_path(root().join("runtime")).quiet(true)
    };
    let [one, two] = &paths;
    let forward = generate(several(&[one, two]), "bytes-forward");
    assert_eq!(generate(several(&[two, one]), "bytes-backward"), forward);
    assert_eq!(forward.get(Path::new("src/job_api/models.rs")), here.get(Path::new("src/job_api/models.rs")));
}

fn copy_to(file: &Path, folder: &Path) {
    write(&folder.join(file.file_name().unwrap()), &fs::read_to_string(file).unwrap());
}
