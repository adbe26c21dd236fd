//! Packages: that they compile, and that what is committed can be told from what would be generated.

use specsmith::Builder;

use crate::scratch::{DOCUMENTS, cargo, kept, root};

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
