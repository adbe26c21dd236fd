//! What is mutated: the documents, overlays and feature documents of this repository, and of the corpus where it is at hand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::{Map, Value, json};
use specsmith::fuzzing;

/// Texts above this size take too long to be worth it.
const MAX_TEXT: usize = 200_000;

#[derive(Default)]
pub(crate) struct Seeds {
    /// Texts, JSON and YAML, valid and not.
    pub(crate) texts: Vec<(String, Vec<u8>)>,
    /// Whole documents of Swagger 2.0 that stand alone, each with a few paths and what they refer to.
    pub(crate) documents: Vec<Value>,
    pub(crate) overlays: Vec<Value>,
    /// For every key that was met, values that it had.
    pub(crate) keywords: Vec<(String, Vec<Value>)>,
}

pub(crate) fn load() -> Seeds {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["specs", "specs/overlays", "tests/features", "tests/features/external_files", "example/api"] {
        list(&root.join(folder), false, &mut files);
    }
    if let Some(reference) = env::var_os("SPECSMITH_REFERENCE_DIR") {
        list(&Path::new(&reference).join("corpus"), true, &mut files);
    }
    let mut seeds = Seeds::default();
    let mut keywords = BTreeMap::new();
    for path in files {
        let name = path.to_string_lossy().into_owned();
        let Ok(bytes) = fs::read(&path) else { continue };
        if let Some(value) = fuzzing::value(&name, &bytes) {
            collect(&value, &mut keywords);
            if value.get("overlay").is_some() {
                seeds.overlays.push(value);
            } else if value.get("swagger").is_some() {
                cut(&path, &value, &mut seeds.documents);
            }
        }
        if bytes.len() < MAX_TEXT {
            seeds.texts.push((format!("fuzzed.{}", path.extension().unwrap_or_default().display()), bytes));
        }
    }
    seeds.keywords = keywords.into_iter().collect();
    seeds
}

/// JSON and YAML files of a folder, by name.
fn list(folder: &Path, deep: bool, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && deep {
            list(&path, deep, files);
        } else if path.extension().is_some_and(|it| it == "json" || it == "yaml") {
            files.push(path);
        }
    }
}

/// Some values of every key. What a key that is a name holds is as good as any.
fn collect(value: &Value, keywords: &mut BTreeMap<String, Vec<Value>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, keywords)),
        Value::Object(object) => {
            for (key, value) in object {
                if keywords.len() < 4000 || keywords.contains_key(key) {
                    let known = keywords.entry(key.clone()).or_default();
                    if known.len() < 40 && !known.contains(value) && weight(value) < 60 {
                        known.push(value.clone());
                    }
                }
                collect(value, keywords);
            }
        }
        _ => {}
    }
}

pub(crate) fn weight(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(object) => object.values().map(weight).sum::<usize>(),
        _ => 0,
    }
}

/// Documents of a few paths each, out of a large one, with all that they refer to, also in other files.
fn cut(path: &Path, document: &Value, cuts: &mut Vec<Value>) {
    let paths = document.get("paths").and_then(Value::as_object).cloned().unwrap_or_default();
    let paths: Vec<(String, Value)> = paths.into_iter().collect();
    let some = paths.chunks(3).take(25).map(|some| some.iter().cloned().collect::<Map<_, _>>());
    for paths in some.chain(paths.is_empty().then(Map::new)) {
        let mut cut = document.clone();
        cut["paths"] = Value::Object(paths);
        let names = ["definitions", "parameters", "responses"];
        let all: Vec<Value> = names.iter().map(|name| cut[*name].take()).collect();
        let mut bundle = Bundle { path, document: &all, names, parts: Default::default(), files: BTreeMap::new() };
        if document["paths"].as_object().is_none_or(Map::is_empty) {
            cut["definitions"] = all[0].clone();
        }
        bundle.close(&mut cut, path, 0);
        for (name, part) in names.iter().zip(bundle.parts) {
            match &mut cut[*name] {
                Value::Object(object) => object.extend(part),
                other => *other = Value::Object(part),
            }
        }
        cuts.push(cut);
    }
}

struct Bundle<'a> {
    path: &'a Path,
    document: &'a [Value],
    names: [&'static str; 3],
    parts: [Map<String, Value>; 3],
    files: BTreeMap<PathBuf, Value>,
}

impl Bundle<'_> {
    /// Brings in what the references of a node in `file` lead to, and turns them into references to that.
    fn close(&mut self, node: &mut Value, file: &Path, depth: usize) {
        match node {
            Value::Array(items) => items.iter_mut().for_each(|item| self.close(item, file, depth)),
            Value::Object(object) => {
                object.shift_remove("x-ms-examples");
                if let Some(Value::String(text)) = object.get("$ref") {
                    let local = self.bring(&text.clone(), file, depth);
                    if let Some(local) = local {
                        object.insert("$ref".to_owned(), json!(local));
                    }
                }
                object.values_mut().for_each(|value| self.close(value, file, depth));
            }
            _ => {}
        }
    }

    fn bring(&mut self, text: &str, file: &Path, depth: usize) -> Option<String> {
        let (to, pointer) = text.split_once('#')?;
        let to = if to.is_empty() { file.to_owned() } else { file.parent()?.join(to) };
        let mut steps = pointer.split('/').skip(1);
        let (section, name) = (steps.next()?, steps.next()?);
        let kind = self.names.iter().position(|known| *known == section)?;
        let local = format!("#/{section}/{name}");
        if depth > 60 || self.parts[kind].contains_key(name) {
            return Some(local);
        }
        let mut value = if to == self.path {
            self.document[kind].get(name)?.clone()
        } else {
            let files = &mut self.files;
            let value = files.entry(to.clone()).or_insert_with(|| {
                let bytes = fs::read(&to).unwrap_or_default();
                fuzzing::value("x.json", &bytes).unwrap_or_default()
            });
            value.get(section)?.get(name)?.clone()
        };
        self.parts[kind].insert(name.to_owned(), Value::Null);
        self.close(&mut value, &to, depth + 1);
        self.parts[kind].insert(name.to_owned(), value);
        Some(local)
    }
}
