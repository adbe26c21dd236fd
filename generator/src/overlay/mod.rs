//! OpenAPI Overlay 1.0 and 1.1: changes to a document that are kept in a file of their own.
//!
//! <https://spec.openapis.org/overlay/v1.1.0.html>. The engine is our own, over `serde_json_path`: the crates
//! that apply overlays (`roas-overlay` among them) give the changed document, but do not tell which of its
//! nodes they wrote, and without that a diagnostic could not point at the action that is to blame.
//!
//! Where the specification leaves room, or is laxer than is useful:
//! - An action that matches nothing is an error, not a success: the document is not what it was written for.
//! - Arrays inside merged objects are concatenated in 1.0 too, which does not say what happens to them.
//! - `update` beside `remove: true` has no impact, as the text says, and is a warning; the schema of 1.1 forbids it.

use std::mem;
use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};

use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Location, Pointer};
use crate::source::Sources;

mod action;
mod merge;
mod target;

use action::Action;

/// Which rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    V1_0,
    V1_1,
}

/// The `extends` of an overlay: the document it is for, relative to the overlay.
pub(crate) fn extends(sources: &Sources, overlay: FileId) -> Option<String> {
    sources.value(overlay).get("extends")?.as_str().map(str::to_owned)
}

/// Applies an overlay to a document.
///
/// An action with an error changes nothing; those behind it are applied all the same, so that one run
/// shows all that is wrong.
pub(crate) fn apply(sources: &mut Sources, document: FileId, overlay: FileId, diags: &mut Diagnostics) {
    // Taken out, so that the overlay can be read while the document changes.
    let mut value = mem::take(sources.value_mut(document));
    let mut patches = mem::take(&mut sources.file_mut(document).patches);
    if let Some((version, actions)) = read(sources, document, overlay, diags) {
        let at = Location { file: overlay, pointer: Pointer::root() }.join("actions");
        for (index, action) in actions.iter().enumerate() {
            if let Some(action) = Action::read(action, at.join(index), version, diags) {
                action.apply(document, &mut value, &mut patches, diags);
            }
        }
    }
    let file = sources.file_mut(document);
    (file.value, file.patches) = (value, patches);
}

/// The actions of an overlay, if it is one, and for this document.
fn read<'a>(
    sources: &'a Sources,
    document: FileId,
    overlay: FileId,
    diags: &mut Diagnostics,
) -> Option<(Version, &'a [Value])> {
    let at = Location { file: overlay, pointer: Pointer::root() };
    let value = sources.value(overlay);
    let (Some(object), Some(version)) = (value.as_object(), value.get("overlay")) else {
        let help = "an overlay is an object with the fields `overlay`, `info` and `actions`";
        diags.push(Diagnostic::new(Code::NotAnOverlay, "the file is not an overlay").at(&at).help(help));
        return None;
    };
    let mut object = Fields { object, at: &at, diags };
    object.warn_unknown(&["overlay", "info", "extends", "actions"]);
    let version = match version.as_str().map(|version| version.split('.').collect::<Vec<_>>()).as_deref() {
        Some(["1", "0", _]) => Version::V1_0,
        Some(["1", "1", _]) => Version::V1_1,
        _ => {
            object.diags.push(
                Diagnostic::new(Code::NotAnOverlay, format!("the overlay version {version} is not supported"))
                    .at_value(&at.join("overlay"))
                    .help("write `1.0.0` or `1.1.0`"),
            );
            return None;
        }
    };
    if let Some(info) = object.required("info", "an object", Value::as_object) {
        let at = at.join("info");
        let mut info = Fields { object: info, at: &at, diags: &mut *object.diags };
        info.warn_unknown(&["title", "version", "description"]);
        info.required("title", "a string", Value::as_str);
        info.required("version", "a string", Value::as_str);
    }
    let extends = object.optional("extends", "a string", Value::as_str);
    let actions = object.required("actions", "an array with an action or more", |value| {
        value.as_array().filter(|actions| !actions.is_empty())
    })?;
    let (overlay, document) = (&sources.file(overlay).path, &sources.file(document).path);
    if let Some(extends) = extends.filter(|extends| !is_reference_to(extends, overlay, document)) {
        object.diags.push(
            Diagnostic::new(
                Code::WrongDocument,
                format!("the overlay extends `{extends}`, but is applied to `{}`", document.display()),
            )
            .at_value(&at.join("extends"))
            .help(
                "apply it to the document it was written for, or correct `extends`, which is relative to the overlay",
            ),
        );
        return None;
    }
    Some((version, actions))
}

/// An object of an overlay, read with complaints.
struct Fields<'a, 'd> {
    object: &'a Map<String, Value>,
    at: &'d Location,
    diags: &'d mut Diagnostics,
}

impl<'a> Fields<'a, '_> {
    fn warn_unknown(&mut self, known: &[&str]) {
        for key in self.object.keys().filter(|key| !key.starts_with("x-") && !known.contains(&key.as_str())) {
            let known = known.join("`, `");
            self.diags.push(
                Diagnostic::new(Code::UnknownOverlayField, format!("the field `{key}` is unknown and does nothing"))
                    .at(&self.at.join(key))
                    .help(format!("the fields are `{known}`; others must start with `x-`")),
            );
        }
    }

    fn required<T>(&mut self, name: &str, kind: &str, read: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        if !self.object.contains_key(name) {
            let message = format!("the required field `{name}` is missing");
            self.diags
                .push(Diagnostic::new(Code::OverlayField, message).at(self.at).help(format!("add it; it is {kind}")));
        }
        self.optional(name, kind, read)
    }

    fn optional<T>(&mut self, name: &str, kind: &str, read: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.object.get(name)?;
        let read = read(value);
        if read.is_none() {
            let message = format!("the field `{name}` must be {kind}");
            let diagnostic = Diagnostic::new(Code::OverlayField, message).at_value(&self.at.join(name));
            self.diags.push(match value {
                Value::Number(_) | Value::Bool(_) if kind == "a string" => diagnostic.help("put it in quotes"),
                _ => diagnostic.help(format!("write {kind}")),
            });
        }
        read
    }
}

/// Whether an overlay's `extends` means this document.
///
/// Nothing is fetched: of a URL only the last segment is compared, with the name of the file.
fn is_reference_to(extends: &str, overlay: &Path, document: &Path) -> bool {
    if let Some((_, url)) = extends.split_once("://") {
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        return document.file_name().is_some_and(|document| document == name);
    }
    let extended = overlay.parent().unwrap_or(Path::new("")).join(extends);
    match (extended.canonicalize(), document.canonicalize()) {
        (Ok(extended), Ok(document)) => extended == document,
        _ => normalized(&extended) == normalized(document),
    }
}

/// A path without `.` and, as far as that goes without a look at the disk, `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normalized.file_name().is_some() => {
                normalized.pop();
            }
            other => normalized.push(other),
        }
    }
    normalized
}

#[cfg(test)]
mod tests;
