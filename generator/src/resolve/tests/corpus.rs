//! The parser and the resolver on real documents.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};

use super::*;
use crate::diag::Pointer;

/// `NAME` is set to the folder that has `corpus/`.
const NAME: &str = "SPECSMITH_REFERENCE_DIR";

#[derive(Default)]
struct Tally {
    warnings: BTreeMap<Code, (usize, String)>,
    errors: Vec<String>,
}

impl Tally {
    fn add(&mut self, sources: &Sources, diags: &Diagnostics) {
        for it in diags.iter() {
            let at = it
                .location
                .as_ref()
                .map_or_else(String::new, |at| format!("{}#{}", sources.file(at.file).path.display(), at.pointer));
            match it.code.severity() {
                Severity::Error => self.errors.push(format!("{} {at}: {}", it.code, it.message)),
                Severity::Warning => {
                    let first = || (0, format!("{at}: {}", it.message));
                    self.warnings.entry(it.code).or_insert_with(first).0 += 1;
                }
            }
        }
    }

    fn check(&self) {
        for (code, (count, first)) in &self.warnings {
            println!("{code} {count:4}  e.g. {first}");
        }
        assert_eq!(self.errors, Vec::<String>::new());
    }
}

fn operations(document: &Document) -> usize {
    document.paths.iter().map(|path| path.operations.len()).sum()
}

/// The folder with the project's own copies of the five documents.
const SPECS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs");

#[test]
fn the_five_documents_resolve_without_a_word() {
    let published = std::env::var_os(NAME).map(|folder| PathBuf::from(folder).join("specs/iothub"));
    for folder in [Some(PathBuf::from(SPECS)), published].into_iter().flatten() {
        let counts =
            [("DeviceApi", 9), ("DeviceTwinApi", 3), ("HttpRuntime", 6), ("IotHubResource", 19), ("JobApi", 4)];
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let roots: Vec<_> = counts
            .iter()
            .map(|(name, _)| sources.load(&folder.join(format!("{name}.json")), &mut diags).unwrap())
            .collect();
        let start = Instant::now();
        let graph = resolve(&roots, &mut sources, &mut diags);
        println!("five documents: {:?}", start.elapsed());
        let said: Vec<_> = diags.iter().map(|it| (it.code, &it.message)).collect();
        assert_eq!(said, []);
        let found: Vec<_> = graph.documents.values().map(operations).collect();
        assert_eq!(found, counts.map(|(_, count)| count));
    }
}

#[test]
fn no_value_in_any_place_is_a_panic() {
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    let file = sources.load(&PathBuf::from(SPECS).join("JobApi.json"), &mut diags).unwrap();
    let mut places = vec![Pointer::root()];
    let mut next = 0;
    while let Some(place) = places.get(next).cloned() {
        match sources.value(file).pointer(place.as_str()) {
            Some(Value::Object(object)) => places.extend(object.keys().map(|key| place.join(key))),
            Some(Value::Array(array)) => places.extend((0..array.len()).map(|index| place.join(index))),
            _ => {}
        }
        next += 1;
    }
    assert!(places.len() > 300);
    for place in &places {
        let node = |sources: &mut Sources, value: Value| {
            let node = sources.value_mut(file).pointer_mut(place.as_str()).unwrap();
            std::mem::replace(node, value)
        };
        for other in [json!(null), json!([7]), json!({"$ref": "#"}), json!("%")] {
            let before = node(&mut sources, other);
            resolve(&[file], &mut sources, &mut diags);
            node(&mut sources, before);
        }
    }
    assert!(diags.has_errors());
}

#[test]
fn the_corpus_resolves_without_an_error() {
    let Some(folder) = std::env::var_os(NAME) else {
        println!("skipped: {NAME} is not set, so there is no corpus to read");
        return;
    };
    let corpus = PathBuf::from(folder).join("corpus");
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut tally = Tally::default();
    let (mut roots, mut slowest) = (0, Default::default());
    for line in manifest.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[path, "root", "2.0", _, expected_operations, expected_definitions, ..] = &columns[..] else {
            continue;
        };
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        let root = sources.load(&corpus.join(path), &mut diags).unwrap();
        let start = Instant::now();
        let graph = resolve(&[root], &mut sources, &mut diags);
        slowest = std::cmp::max(slowest, (start.elapsed(), path.to_owned()));
        let document = &graph.documents[&root];
        assert_eq!(operations(document).to_string(), expected_operations, "{path}");
        assert_eq!(document.definitions.len().to_string(), expected_definitions, "{path}");
        tally.add(&sources, &diags);
        roots += 1;
    }
    println!("{roots} roots, the slowest: {slowest:?}");
    tally.check();
    assert!(roots > 60);
}
