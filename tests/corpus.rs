//! Real documents, where they are at hand: everything in them is generated, or it is said what is not.

use std::fs;
use std::path::PathBuf;

use specsmith::Builder;
use specsmith::diag::Code;

use crate::scratch::{cargo, empty, kept, reference, root};

/// The documents of Swagger 2.0 that have operations, and how many.
fn corpus() -> Option<Vec<(PathBuf, usize)>> {
    let folder = reference()?.join("corpus");
    let manifest = fs::read_to_string(folder.join("MANIFEST.tsv")).unwrap();
    let roots = manifest.lines().skip(1).filter_map(|line| {
        let mut columns = line.split('\t');
        let (path, kind, version) = (columns.next()?, columns.next()?, columns.next()?);
        let operations = columns.nth(1)?.parse().unwrap();
        (kind == "root" && version == "2.0").then(|| (folder.join(path), operations))
    });
    let roots: Vec<_> = roots.collect();
    assert!(roots.len() > 50, "the corpus has {} documents", roots.len());
    Some(roots)
}

#[test]
fn nothing_is_left_out_in_silence() {
    let Some(corpus) = corpus() else { return };
    let out = empty("corpus");
    let mut faults = Vec::new();
    let mut total = 0;
    for (path, operations) in corpus {
        match Builder::new().spec(&path).out_dir(&out).quiet(true).generate() {
            Err(failure) => faults.push(format!("{}:\n{failure}", path.display())),
            Ok(summary) => {
                let left_out = summary.warnings.iter().filter(|warning| warning.code == Code::Unsupported).count();
                if summary.operations + left_out != operations {
                    let generated = summary.operations;
                    faults.push(format!("{}: {generated} of {operations}, {left_out} left out", path.display()));
                }
                total += summary.operations;
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(total > 1800, "{total} operations");
}

/// All of them take minutes; these three are small and odd. `attestation`: bodies of text, base64url, the schema file of an RFC
/// two folders away, parts of segments in paths. `digitaltwins`: JSON patches, lists as bodies, parameters of paths, ETags.
/// `searchindex`: `docs('{key}')`, names such as `@search.score`, a discriminator, any properties beside those that are named.
#[test]
fn odd_ones_compile() {
    let Some(corpus) = corpus() else { return };
    let out = kept("corpus-package");
    let mut builder =
        Builder::new().crate_name("corpus").runtime_path(root().join("runtime")).quiet(true).out_dir(&out);
    let odd = ["2022-09-01-preview/attestation.json", "2023-10-31/digitaltwins.json", "2024-07-01/searchindex.json"];
    for name in odd {
        let (path, _) = corpus.iter().find(|(path, _)| path.ends_with(name)).unwrap();
        builder = builder.spec(path);
    }
    let summary = builder.generate().unwrap();
    assert_eq!(summary.documents, odd.len());
    cargo(&out, &["check", "--all-features"]);
}
