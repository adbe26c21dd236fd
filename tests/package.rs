//! Packages: that they compile, and that what is committed can be told from what would be generated.

use std::fs;

use specsmith::Builder;

use crate::scratch::{DOCUMENTS, cargo, kept, root, write};

fn job_api(document: &str) -> Builder {
    let root = root();
    Builder::new()
        .spec(root.join("specs").join(document))
        .crate_name("job-api")
        .runtime_path(root.join("runtime"))
        .quiet(true)
}

#[test]
fn a_package_from_any_one_document_compiles() {
    for document in DOCUMENTS {
        let out = kept("packages").join(document.trim_end_matches(".json"));
        let summary = job_api(document).out_dir(&out).generate().unwrap();
        assert!(summary.operations > 0 && summary.models > 0, "{summary:?}");
        cargo(&out, &["check", "--all-features"]);
    }
}

/// The code of all features, in one package.
#[test]
fn features_compile() {
    let package = kept("features");
    let mut lib = "//! Generated from the documents in `tests/features`.\n#![deny(missing_docs)]\n\n".to_owned();
    let mut documents: Vec<_> = fs::read_dir(root().join("tests/features")).unwrap().map(|entry| entry.unwrap().path()).collect();
    documents.retain(|path| path.is_file());
    documents.sort();
    for document in documents {
        let name = document.file_stem().unwrap().to_str().unwrap();
        if Builder::new().spec(&document).out_dir(package.join("src").join(name)).quiet(true).generate().is_ok() {
            lib.push_str(&format!("include!(\"{name}/specsmith.rs\");\n"));
        }
    }
    assert!(lib.lines().count() > 40, "{lib}");
    write(&package.join("src/lib.rs"), &lib);
    write(&package.join("Cargo.toml"), &format!("[package]\nname = \"features\"\nedition = \"2024\"\n\n[dependencies]\nspecsmith-runtime = {{ path = {:?} }}\n\n[workspace]\n", root().join("runtime")));
    cargo(&package, &["clippy"]);
}
