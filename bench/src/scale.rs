//! Whether generating stays linear: documents of 40, 400 and 4,000 operations, made of copies of the five.

use std::path::PathBuf;
use std::{env, fs};

use serde_json::{Map, Value, json};

use crate::Result;
use crate::generate::{LARGEST, remove};
use crate::measure::{Usage, Workplace, usage, words};
use crate::table::{median, print, ratio};

/// How often the five documents, of 41 operations, stand in one.
const COPIES: [usize; 3] = [1, 10, 98];

pub(crate) fn run(place: &Workplace, runs: usize) -> Result<()> {
    let folder = place.scratch.join("scale");
    fs::create_dir_all(&folder)?;
    let mut documents = Vec::new();
    for copies in COPIES {
        let document = copied(&place.documents()?, copies)?;
        let path = folder.join(format!("copies-{copies}.json"));
        fs::write(&path, serde_json::to_vec_pretty(&document)?)?;
        documents.push((path, document["paths"].as_object().map_or(0, operations)));
    }
    match env::var_os("SPECSMITH_REFERENCE_DIR").map(|reference| PathBuf::from(reference).join(LARGEST)) {
        Some(largest) => {
            let document: Value = serde_json::from_slice(&fs::read(&largest)?)?;
            documents.push((largest, document["paths"].as_object().map_or(0, operations)));
        }
        None => println!("  The largest document of the corpus is measured where SPECSMITH_REFERENCE_DIR is set."),
    }
    let mut results: Vec<Vec<Usage>> = vec![Vec::new(); documents.len()];
    let out = folder.join("out");
    for _ in 0..runs {
        for ((path, _), results) in documents.iter().zip(&mut results) {
            remove(&out)?;
            results.push(usage(&place.root, &[], &words(&place.generate(Some(path), &out)))?);
        }
    }
    let rows = documents.iter().zip(&results).map(|((path, operations), results)| {
        let of = |figure: fn(&Usage) -> f64| median(&results.iter().map(figure).collect::<Vec<_>>());
        let (wall, cpu, peak) = (of(|usage| usage.wall), of(|usage| usage.cpu), of(|usage| usage.peak));
        let size = fs::metadata(path)?.len() as f64 / f64::from(1 << 20);
        Ok(vec![
            path.file_name().unwrap_or_default().display().to_string(),
            operations.to_string(),
            format!("{size:.2}"),
            format!("{:.1}", wall * 1e3),
            format!("{:.1}", cpu * 1e3),
            format!("{:.1}", cpu * 1e6 / *operations as f64),
            format!("{peak:.1}"),
            ratio(peak, size),
        ])
    });
    print(
        &format!("Generating into an empty folder, medians of {runs}"),
        &["", "operations", "MiB", "ms", "CPU ms", "CPU µs an operation", "peak MiB", "to the input"],
        &rows.collect::<Result<Vec<_>>>()?,
    );
    Ok(())
}

fn operations(paths: &Map<String, Value>) -> usize {
    const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];
    let items = paths.values().filter_map(Value::as_object);
    items.map(|item| item.keys().filter(|key| METHODS.contains(&key.as_str())).count()).sum()
}

/// One document with so many copies of all, each with names of its own.
fn copied(documents: &[PathBuf], copies: usize) -> Result<Value> {
    let (mut paths, mut definitions, mut parameters) = (Map::new(), Map::new(), Map::new());
    for path in documents {
        let document: Value = serde_json::from_slice(&fs::read(path)?)?;
        let stem = path.file_stem().unwrap_or_default().display().to_string();
        for copy in 0..copies {
            let name = format!("{stem}{copy}");
            let sections = [("definitions", &mut definitions), ("parameters", &mut parameters)];
            for (section, into) in sections {
                let entries = document[section].as_object().into_iter().flatten();
                into.extend(entries.map(|(key, value)| (format!("{name}_{key}"), renamed(value, &name))));
            }
            let entries = document["paths"].as_object().into_iter().flatten();
            paths.extend(entries.map(|(key, value)| (format!("/{name}{key}"), renamed(value, &name))));
        }
    }
    Ok(json!({
        "swagger": "2.0",
        "info": { "title": "Copies", "version": "1" },
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": paths,
        "definitions": definitions,
        "parameters": parameters,
    }))
}

/// A node whose references, operation ids and enums are those of a copy.
fn renamed(value: &Value, name: &str) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| renamed(item, name)).collect(),
        Value::Object(object) => {
            let members = object.iter().map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    ("$ref", Value::String(target)) => match target.rsplit_once('/') {
                        Some((section, entry)) => format!("{section}/{name}_{entry}").into(),
                        None => value.clone(),
                    },
                    ("operationId", Value::String(id)) => match id.split_once('_') {
                        Some((_, method)) => format!("{name}_{method}").into(),
                        None => format!("{name}_{id}").into(),
                    },
                    ("x-ms-enum", Value::Object(of)) => {
                        let mut of = of.clone();
                        if let Some(Value::String(own)) = of.get_mut("name") {
                            own.insert_str(0, name);
                        }
                        of.into()
                    }
                    _ => renamed(value, name),
                };
                (key.clone(), value)
            });
            members.collect()
        }
        plain => plain.clone(),
    }
}
