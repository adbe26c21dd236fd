//! A door for the package `fuzz`: documents that stand in memory, through one room after another.
//!
//! Nothing here is for users, and all of it may change without notice.

use std::path::Path;

use serde_json::Value;

use crate::diag::{self, Diagnostics, FileId, Location, Part, Pointer, Severity};
use crate::emit::{self, Package};
use crate::ir::Crate;
use crate::source::Sources;
use crate::{inspect, overlay, pipeline, spec};

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Texts to values and to typed documents, and every node's place in its text.
    Parse,
    /// The same, with an overlay on the first document.
    Overlay,
    /// To the IR.
    Lower,
    /// To the files of a package.
    Pipeline,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the last room had something to give.
    pub done: bool,
    /// The code of each problem, and whether it has a place.
    pub problems: Vec<(String, bool)>,
    /// Whether one of them is an error.
    pub errors: bool,
    /// The problems, rendered as text and as JSON.
    pub rendered: [String; 2],
    /// Operations that have a method.
    pub operations: usize,
    /// The IR as `inspect` shows it.
    pub ir: Value,
    /// The files that would be written.
    pub files: Vec<(String, String)>,
}

/// Runs texts through the rooms. The first `roots` files are documents; the others are there to be referred to.
pub fn run(stage: Stage, files: &[(&str, &[u8])], roots: usize, overlay: Option<(&str, &[u8])>) -> Outcome {
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    let mut add = |(path, bytes): &(&str, &[u8])| sources.add_bytes(Path::new(path), bytes.to_vec(), &mut diags);
    let ids: Vec<Option<FileId>> = files.iter().map(&mut add).collect();
    let overlay = overlay.and_then(|overlay| add(&overlay));
    let documents: Vec<FileId> = ids.iter().take(roots).flatten().copied().collect();
    if let (Some(document), Some(overlay)) = (documents.first(), overlay) {
        overlay::apply(&mut sources, *document, overlay, &mut diags);
    }
    let mut ir: Option<Crate> = None;
    let mut done = documents.len() == roots;
    match stage {
        Stage::Parse | Stage::Overlay => {
            for document in &documents {
                done &= spec::parse(*document, sources.value(*document), &mut diags).is_some();
                spec::parse_fragment(*document, sources.value(*document), &mut Diagnostics::default());
                visit(sources.value(*document), &Location { file: *document, pointer: Pointer::root() }, &mut |at| {
                    assert!(sources.position(at, Part::Node).is_some(), "{at:?} stands nowhere");
                });
            }
        }
        Stage::Lower | Stage::Pipeline if done && !diags.has_errors() => {
            ir = pipeline::in_memory(&documents, &mut sources, &mut diags);
            done = ir.is_some();
        }
        Stage::Lower | Stage::Pipeline => done = false,
    }
    let files = ir.as_ref().filter(|_| stage == Stage::Pipeline).map(|ir| {
        let mut files = emit::files(ir, &Package::default());
        files.push(emit::module(ir, true));
        files.into_iter().map(|file| (file.path, file.contents)).collect()
    });
    let all = diags.as_slice();
    Outcome {
        done,
        problems: all.iter().map(|it| (it.code.id().to_owned(), it.location.is_some())).collect(),
        errors: all.iter().any(|it| it.code.severity() == Severity::Error),
        rendered: [diag::render_text(all, &sources, false), diag::render_json(all, &sources)],
        operations: ir.iter().flat_map(|ir| &ir.clients).flat_map(|it| &it.groups).map(|it| it.operations.len()).sum(),
        ir: ir.as_ref().map_or(Value::Null, |ir| inspect::json(ir, &sources)),
        files: files.unwrap_or_default(),
    }
}

/// What a file says, JSON or YAML.
pub fn value(path: &str, bytes: &[u8]) -> Option<Value> {
    let mut sources = Sources::default();
    let file = sources.add_bytes(Path::new(path), bytes.to_vec(), &mut Diagnostics::default())?;
    Some(sources.value(file).clone())
}

/// Some nodes of a document.
fn visit(value: &Value, at: &Location, see: &mut impl FnMut(&Location)) {
    let mut open = vec![(value, at.clone())];
    for _ in 0..200 {
        let Some((value, at)) = open.pop() else { return };
        see(&at);
        match value {
            Value::Array(items) => open.extend(items.iter().enumerate().map(|(index, it)| (it, at.join(index)))),
            Value::Object(object) => open.extend(object.iter().map(|(key, it)| (it, at.join(key)))),
            _ => {}
        }
    }
}
