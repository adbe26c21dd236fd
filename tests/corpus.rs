//! Real documents, where they are at hand: everything in them is generated, or it is said what is not.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use specsmith::Builder;
use specsmith::diag::Code;

use crate::scratch::{cargo, empty, kept, reference, root};

/// A document of the corpus, as its list has it.
struct Listed {
    path: PathBuf,
    root: bool,
    version: String,
    operations: usize,
}

/// All documents: roots, fragments that roots refer to, and those of OpenAPI 3.
fn corpus() -> Option<Vec<Listed>> {
    let folder = reference()?.join("corpus");
    let manifest = fs::read_to_string(folder.join("MANIFEST.tsv")).unwrap();
    let listed = manifest.lines().skip(1).map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        Listed {
            path: folder.join(columns[0]),
            root: columns[1] == "root",
            version: columns[2].to_owned(),
            operations: columns[4].parse().unwrap(),
        }
    });
    let listed: Vec<_> = listed.collect();
    assert!(listed.len() > 100, "the corpus has {} documents", listed.len());
    Some(listed)
}

/// Definitions with properties that no model is made from, and properties of theirs that no field or tag is made from.
fn lost(path: &Path) -> Vec<String> {
    let document: Value = serde_json::from_str(&fs::read_to_string(path).unwrap().replace('\u{feff}', "")).unwrap();
    let inspection = Builder::new().spec(path).quiet(true).inspect().unwrap();
    let models = inspection.value["models"].as_array().unwrap();
    let mut lost = Vec::new();
    let definitions = document["definitions"].as_object().cloned().unwrap_or_default();
    for (name, definition) in definitions.iter().filter(|(_, definition)| definition.get("properties").is_some()) {
        let made: Vec<&Value> = models.iter().filter(|model| model["definition"] == name.as_str()).collect();
        if made.is_empty() && definition["properties"] != json!({}) {
            lost.push(name.clone());
        }
        // What a union has in common stands in the struct of each of its variants.
        if made.iter().any(|model| model["kind"] == "union") {
            continue;
        }
        let fields = made.iter().filter_map(|model| model["rust"]["fields"].as_array()).flatten();
        let known: Vec<&str> = fields.filter_map(|field| field["property"].as_str()).collect();
        let missing = definition["properties"].as_object().unwrap().keys();
        let missing = missing
            .filter(|property| !known.contains(&property.as_str()) && definition["discriminator"] != property.as_str());
        lost.extend(missing.map(|property| format!("{name}.{property}")));
    }
    lost
}

#[test]
fn nothing_is_left_out_in_silence() {
    let Some(corpus) = corpus() else { return };
    let out = empty("corpus");
    let mut faults = Vec::new();
    let (mut total, mut refused) = (0, 0);
    for Listed { path, root, version, operations } in corpus {
        let name = path.display();
        match Builder::new().spec(&path).out_dir(&out).quiet(true).generate() {
            Err(failure) if version.starts_with('3') => {
                let codes: Vec<Code> = failure.codes().collect();
                if codes != [Code::NotSwagger2] {
                    faults.push(format!("{name}: {codes:?}"));
                }
                refused += 1;
            }
            Err(failure) => faults.push(format!("{name}:\n{failure}")),
            Ok(summary) => {
                let left_out = summary.warnings.iter().filter(|warning| warning.code == Code::Unsupported).count();
                let generated = summary.operations;
                if generated + left_out != operations || root != (operations > 0) {
                    faults.push(format!("{name}: {generated} of {operations}, {left_out} left out"));
                }
                faults.extend(lost(&path).into_iter().map(|lost| format!("{name}: {lost} is lost")));
                total += generated;
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(total > 1800 && refused > 15, "{total} operations, {refused} documents of OpenAPI 3");
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
        let document = corpus.iter().find(|document| document.path.ends_with(name)).unwrap();
        builder = builder.spec(&document.path);
    }
    let summary = builder.generate().unwrap();
    assert_eq!(summary.documents, odd.len());
    cargo(&out, &["check", "--all-features"]);
}

/// The most operations that a document of the corpus has, under one prefix: one trait of 180 methods, which nobody has written.
#[test]
fn a_trait_of_many_operations_compiles() {
    let Some(corpus) = corpus() else { return };
    let largest = corpus.iter().filter(|document| !document.version.starts_with('3')).max_by_key(|one| one.operations);
    let Listed { path, operations, .. } = largest.unwrap();
    assert_eq!((path.file_name().unwrap().to_str().unwrap(), *operations), ("EventGrid.json", 180));
    let out = kept("corpus-trait");

    // As overlays have it: each operation gets an id with the prefix before its own.
    let document: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let actions = paths.flat_map(|(path, item)| {
        let ids =
            item.as_object().unwrap().iter().filter_map(|(method, one)| Some((method, one["operationId"].as_str()?)));
        ids.map(move |(method, id)| {
            let target = format!("$.paths['{path}'].{method}");
            json!({ "target": target, "update": { "operationId": format!("EventGrid_{}", id.replace('_', "")) } })
        })
    });
    let actions: Vec<Value> = actions.collect();
    assert_eq!(actions.len(), 180);
    let info = json!({ "title": "One prefix", "version": "1" });
    let overlay = json!({ "overlay": "1.0.0", "info": info, "extends": path, "actions": actions });
    fs::write(out.join("overlay.json"), overlay.to_string()).unwrap();

    let package = out.join("package");
    let builder = Builder::new().spec(path).overlay(out.join("overlay.json")).crate_name("event-grid").quiet(true);
    let summary = builder.runtime_path(root().join("runtime")).out_dir(&package).generate().unwrap();
    assert_eq!(summary.operations, 180);
    cargo(&package, &["check", "--all-features"]);

    let code = fs::read_to_string(package.join("src/event_grid/server/event_grid.rs")).unwrap();
    let (_, code) = code.split_once("pub trait EventGrid: ").unwrap();
    let (methods, _) = code.split_once("\n}\n").unwrap();
    let lines = |start: &str| methods.lines().filter(|line| line.trim_start().starts_with(start)).count();
    assert_eq!((lines("fn "), lines("/// `"), lines("server::not_implemented(&ROUTES[")), (180, 180, 180));
    // What is longer than a line has nothing to break it at.
    let is_whole = |line: &str| match line.strip_prefix("/// ") {
        Some(text) => text.split(' ').count() <= 2,
        None => {
            line.starts_with("Route::new(")
                || line.starts_with(") -> impl Future<")
                || line.starts_with(|start: char| start.is_ascii_digit())
        }
    };
    let long: Vec<&str> = code.lines().filter(|line| line.len() > 120 && !is_whole(line.trim_start())).collect();
    assert_eq!(long, [""; 0]);
}
