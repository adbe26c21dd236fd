//! What a `$ref` says: which file, and what in it.

use std::path::{Component, Path, PathBuf};

use crate::diag::{Code, Diagnostic, Pointer};

/// The two halves of a `$ref`.
#[derive(Debug, PartialEq)]
pub(super) struct Target {
    /// Relative to the document's own; `None`: the document itself.
    pub file: Option<PathBuf>,
    pub pointer: Pointer,
}

impl Target {
    /// Reads it; an error (without its place) for what is not supported.
    pub(super) fn parse(text: &str) -> Result<Self, Diagnostic> {
        let (file, fragment) = text.split_once('#').unwrap_or((text, ""));
        if is_remote(file) {
            return Err(remote(text));
        }
        let (Some(file), Some(fragment)) = (percent_decoded(file), percent_decoded(fragment)) else {
            let message = format!("`{text}` is not percent-encoded as a reference must be");
            let help = "write `%25` for a `%`, and no spaces but as `%20`";
            return Err(Diagnostic::new(Code::DanglingReference, message).help(help));
        };
        // An escape may hide what it is.
        if is_remote(&file) {
            return Err(remote(text));
        }
        let file = (!file.is_empty()).then(|| PathBuf::from(file));
        Ok(Self { file, pointer: Pointer::parse(&fragment) })
    }
}

fn remote(text: &str) -> Diagnostic {
    Diagnostic::new(Code::RemoteReference, format!("`{text}` is not a file relative to the document"))
        .help("put the file beside the document and name it with a relative path")
}

/// A URL, or a path from the root of a file system.
fn is_remote(file: &str) -> bool {
    let first = file.split('/').next().unwrap_or_default();
    file.starts_with(['/', '\\']) || first.contains(':')
}

/// `None`: there is something else than two hexadecimal digits behind a `%`, or the bytes are not UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? * 16 + hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The path without `.` and, where it can be seen from the path alone, `..`: so that a file has one name.
pub(super) fn normalized(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// The file of the same path but for upper and lower case, if there is one.
pub(super) fn in_other_case(path: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for component in path.components() {
        let next = found.join(component);
        if next.exists() {
            found = next;
            continue;
        }
        let folder = if found.as_os_str().is_empty() { Path::new(".") } else { &found };
        let wanted = component.as_os_str().to_str()?.to_lowercase();
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .ok()?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.to_lowercase() == wanted)
            .collect();
        names.sort();
        found.push(names.first()?);
    }
    found.is_file().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_file_and_a_pointer() {
        let parsed = |text| {
            let target = Target::parse(text).unwrap();
            let steps: Vec<_> = target.pointer.steps().collect();
            (target.file.map(|file| file.display().to_string()), steps)
        };
        let steps = |steps: &[&str]| steps.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>();
        assert_eq!(parsed("#/definitions/A"), (None, steps(&["definitions", "A"])));
        assert_eq!(parsed("../a.json"), (Some("../a.json".to_owned()), steps(&[])));
        assert_eq!(
            parsed("my%20types.json#/definitions/a%20b~1c~0d%C3%A9"),
            (Some("my types.json".to_owned()), steps(&["definitions", "a b/c~dé"]))
        );
    }

    #[test]
    fn urls_and_absolute_paths_are_refused() {
        for text in [
            "https://example.com/a.json#/x",
            "/etc/a.json",
            "//host/a",
            "file:a.json",
            "C:\\a",
            "%2Fetc/a.json",
            "%5cetc",
            "https%3a//x/a",
        ] {
            assert_eq!(Target::parse(text).unwrap_err().code, Code::RemoteReference, "{text}");
        }
    }

    #[test]
    fn a_broken_escape_is_an_error() {
        for text in ["#/a%2", "#/a%zz", "#/a%+1", "#/a%ff"] {
            assert_eq!(Target::parse(text).unwrap_err().code, Code::DanglingReference, "{text}");
        }
    }

    #[test]
    fn paths_lose_their_detours() {
        assert_eq!(normalized(Path::new("a/./b/../c.json")), Path::new("a/c.json"));
        assert_eq!(normalized(Path::new("../../c.json")), Path::new("../../c.json"));
        assert_eq!(normalized(Path::new("a/../../c.json")), Path::new("../c.json"));
        assert_eq!(normalized(Path::new("/a/b/../../c.json")), Path::new("/c.json"));
    }
}
