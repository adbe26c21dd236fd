//! Files in, documents out: JSON or YAML, with duplicate keys found, and spans found lazily from a JSON pointer.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Location, Part, Pointer};

mod json;
mod position;
mod tree;
mod yaml;

use position::Lines;
pub(crate) use position::Position;
use tree::Node;

/// How deep objects and arrays may be nested; what serde_json allows.
const MAX_DEPTH: usize = 128;

/// What to do about more than that.
const FLATTEN: &str = "give the inner parts a name under `definitions`, and refer to them with `$ref`";

/// The files of a run.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    files: Vec<SourceFile>,
    /// By canonical path, so that two spellings of a path are one file.
    by_path: HashMap<PathBuf, FileId>,
    /// Those asked for, also if they could not be read.
    paths: Vec<PathBuf>,
}

/// One file.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// As given, for display.
    pub path: PathBuf,
    /// Without a byte order mark.
    pub text: String,
    /// What the text says, changed by overlays; null where the text could not be parsed.
    pub value: Value,
    /// What overlays did to the value, in that order.
    pub patches: Vec<Patch>,
    format: Format,
    parsed: bool,
    /// Where everything stands in the text.
    tree: OnceCell<Node>,
    /// Where its lines start, once somebody asks.
    lines: OnceCell<Lines>,
}

/// A change that an overlay made. Its pointers hold for the value as it was right after the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Patch {
    /// The node, with all below it, is from `origin`.
    Written { pointer: Pointer, origin: Location },
    /// The member of an object is gone.
    RemovedMember { pointer: Pointer },
    /// The item of an array is gone, and those behind it moved up.
    RemovedItem { array: Pointer, index: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Yaml,
}

impl Format {
    /// By the extension; for others by the first byte, since every JSON document worth reading is an object.
    fn of(path: &Path, text: &str) -> Self {
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        match extension.as_ref().and_then(|extension| extension.to_str()) {
            Some("json") => Self::Json,
            Some("yaml" | "yml") => Self::Yaml,
            _ if text.trim_ascii_start().starts_with('{') => Self::Json,
            _ => Self::Yaml,
        }
    }
}

/// Why a text is not a document.
#[derive(Debug)]
struct Fault {
    code: Code,
    message: String,
    span: Range<usize>,
    help: &'static str,
}

impl Sources {
    /// Reads a file, or finds it if it was read before; `None` if it cannot be read or parsed.
    ///
    /// Of a file that was tried before nothing is said a second time.
    pub(crate) fn load(&mut self, path: &Path, diags: &mut Diagnostics) -> Option<FileId> {
        self.load_named(path, None, diags)
    }

    /// The same for a path that stands in another file.
    pub(crate) fn load_named(&mut self, path: &Path, at: Option<&Location>, diags: &mut Diagnostics) -> Option<FileId> {
        let canonical = fs::canonicalize(path);
        if let Some(&id) = canonical.as_ref().ok().and_then(|canonical| self.by_path.get(canonical)) {
            return self.file(id).parsed.then_some(id);
        }
        if self.paths.iter().any(|tried| tried == path) {
            return None;
        }
        self.paths.push(path.to_owned());
        let (canonical, bytes) = match canonical.and_then(|canonical| Ok((canonical, fs::read(path)?))) {
            Ok(read) => read,
            Err(error) => {
                diags.push(unreadable(path, at, &error));
                return None;
            }
        };
        self.by_path.insert(canonical, self.next_id());
        match String::from_utf8(bytes) {
            Ok(text) => self.add(path, text, diags),
            Err(error) => {
                let start = error.utf8_error().valid_up_to();
                let byte = error.as_bytes().get(start).copied().unwrap_or_default();
                // The text before the byte stays as it is, so that the place is still right.
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let fault = Fault {
                    code: Code::Syntax,
                    message: format!("not UTF-8: the byte 0x{byte:02X} does not belong here"),
                    span: start..start + char::REPLACEMENT_CHARACTER.len_utf8(),
                    help: "save the file as UTF-8",
                };
                self.insert(path, text, Err(fault), diags)
            }
        }
    }

    /// Takes a text that was not read from a file here; `path` names it and tells its format.
    pub(crate) fn add(&mut self, path: &Path, mut text: String, diags: &mut Diagnostics) -> Option<FileId> {
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        let parsed = match Format::of(path, &text) {
            Format::Json => json::parse(&text).map(|value| (value, OnceCell::new())),
            Format::Yaml => yaml::parse(&text).map(|(value, tree)| (value, OnceCell::from(tree))),
        };
        self.insert(path, text, parsed, diags)
    }

    /// Keeps the file, also one with a fault, whose lines the diagnostic quotes.
    fn insert(
        &mut self,
        path: &Path,
        text: String,
        parsed: Result<(Value, OnceCell<Node>), Fault>,
        diags: &mut Diagnostics,
    ) -> Option<FileId> {
        let id = self.next_id();
        let root = Location { file: id, pointer: Pointer::root() };
        let (parsed, value, tree) = match parsed {
            Ok((value, tree)) => (true, value, tree),
            Err(fault) => {
                diags.push(Diagnostic::new(fault.code, fault.message).at(&root).spanning(fault.span).help(fault.help));
                (false, Value::Null, OnceCell::from(Node::default()))
            }
        };
        let format = Format::of(path, &text);
        let file = SourceFile {
            path: path.to_owned(),
            text,
            value,
            patches: Vec::new(),
            format,
            parsed,
            tree,
            lines: OnceCell::new(),
        };
        if file.may_repeat_keys() {
            file.tree().report_duplicates(&root, diags);
        }
        self.files.push(file);
        parsed.then_some(id)
    }

    fn next_id(&self) -> FileId {
        // Four billion files do not fit into memory.
        FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX))
    }

    /// A file that these sources gave an id.
    ///
    /// # Panics
    /// With an id from other sources.
    pub(crate) fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// A file, if the id is from these sources.
    pub(crate) fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// A file, to be changed.
    ///
    /// # Panics
    /// With an id from other sources.
    pub(crate) fn file_mut(&mut self, id: FileId) -> &mut SourceFile {
        &mut self.files[id.0 as usize]
    }

    /// Forgets what the files say, so that the memory is free for what was made of it. Their texts stay.
    pub(crate) fn forget_values(&mut self) {
        self.files.iter_mut().for_each(|file| file.value = Value::Null);
    }

    /// What a file says.
    pub(crate) fn value(&self, id: FileId) -> &Value {
        &self.file(id).value
    }

    /// The same, to be changed.
    pub(crate) fn value_mut(&mut self, id: FileId) -> &mut Value {
        &mut self.file_mut(id).value
    }

    /// The files in the order in which they were read, those with a fault among them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0..).map(FileId).zip(&self.files)
    }

    /// Every path that [`load`](Self::load) was asked for: if one of them changes, so may the result.
    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Where a part of a node stands: in the overlay that wrote it, or else in its file.
    ///
    /// `None` only for an id from other sources.
    pub(crate) fn position(&self, location: &Location, part: Part) -> Option<Position<'_>> {
        if let Part::Bytes(span) = part {
            return self.get(location.file).map(|file| Position::new(location.file, file, span.range()));
        }
        let location = self.written_at(location);
        let file = self.get(location.file)?;
        let span = file.tree().find(&location.pointer, part == Part::Value);
        Some(Position::new(location.file, file, span))
    }

    /// The overlay's node that wrote what stands at a location, if one did.
    pub(crate) fn origin(&self, location: &Location) -> Option<Location> {
        let written = self.written_at(location);
        (written.file != location.file).then_some(written)
    }

    /// The location in a text, as written, of what stands at a location in a value, as patched.
    fn written_at(&self, location: &Location) -> Location {
        match self.get(location.file) {
            Some(file) => position::before_patches(&file.patches, location),
            None => location.clone(),
        }
    }
}

impl SourceFile {
    /// Where everything stands in the text; for JSON looked up only once somebody asks.
    fn tree(&self) -> &Node {
        self.tree.get_or_init(|| json::tree(&self.text))
    }

    fn lines(&self) -> &Lines {
        self.lines.get_or_init(|| Lines::of(&self.text))
    }

    /// Whether it is worth it to look for duplicate keys.
    fn may_repeat_keys(&self) -> bool {
        self.parsed && (self.format == Format::Yaml || json::lost_members(&self.text, &self.value))
    }
}

fn unreadable(path: &Path, at: Option<&Location>, error: &io::Error) -> Diagnostic {
    let path = path.display();
    let (message, help) = match (error.kind(), at) {
        (io::ErrorKind::NotFound, Some(_)) => {
            (format!("there is no file `{path}`"), "correct the path; it is relative to the folder of this file")
        }
        (io::ErrorKind::NotFound, None) => {
            (format!("there is no file `{path}`"), "correct the path; it is relative to the current folder")
        }
        _ => (format!("cannot read `{path}`: {error}"), "it must be a file, and one that may be read"),
    };
    let problem = Diagnostic::new(Code::Unreadable, message).help(help);
    match at {
        Some(at) => problem.at_value(at),
        None => problem,
    }
}

#[cfg(test)]
mod tests;
