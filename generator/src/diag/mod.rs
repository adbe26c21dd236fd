//! Diagnostics: what is wrong, where, and what to do about it.
//!
//! Rooms push [`Diagnostic`]s into a [`Diagnostics`] and go on, so that one run shows every problem.
//! A place is a file and a JSON pointer; line and column are looked up only when it is printed.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::ops::Range;

/// A file that was read, by its index in the run's sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A JSON pointer (RFC 6901); empty for the whole document.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(String);

impl Pointer {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// A pointer in its written form, as it stands behind the `#` of a reference (not percent-encoded).
    pub fn parse(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// This pointer, one step further down; `~` and `/` in the step are escaped.
    #[must_use]
    pub fn join(&self, step: impl fmt::Display) -> Self {
        // Room for a usual step too.
        let mut pointer = String::with_capacity(self.0.len() + 16);
        pointer.push_str(&self.0);
        pointer.push('/');
        // Writing to a string does not fail.
        let _ = write!(Escaped(&mut pointer), "{step}");
        Self(pointer)
    }

    /// This pointer without its last step; `None` for the whole document.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// What is left of the written form below `ancestor`: empty or with a leading `/`.
    ///
    /// `None` where this pointer is neither at nor below `ancestor`.
    pub fn below(&self, ancestor: &Self) -> Option<&str> {
        let rest = self.0.strip_prefix(&ancestor.0)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }

    /// The written form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The steps, unescaped.
    pub fn steps(&self) -> impl Iterator<Item = String> + '_ {
        self.0.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"))
    }
}

/// Escapes what a step holds of a pointer's own characters.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        while let Some(at) = text.find(['~', '/']) {
            let (before, rest) = text.split_at(at);
            self.0.push_str(before);
            self.0.push_str(if rest.starts_with('~') { "~0" } else { "~1" });
            text = rest.get(1..).unwrap_or_default();
        }
        self.0.push_str(text);
        Ok(())
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The file.
    pub file: FileId,
    /// The node in it.
    pub pointer: Pointer,
}

impl Location {
    /// One step further down.
    #[must_use]
    pub fn join(&self, step: impl fmt::Display) -> Self {
        Self { file: self.file, pointer: self.pointer.join(step) }
    }
}

/// Bytes of a file's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// From the first byte to the one behind the last.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl From<Range<usize>> for Span {
    /// Small, since every diagnostic has one; no document has four gigabytes.
    fn from(range: Range<usize>) -> Self {
        let small = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { start: small(range.start), end: small(range.end) }
    }
}

mod code;
mod render;

pub use code::{Code, Severity};
pub(crate) use render::{render_json, render_sarif, render_text};

/// What of a place is underlined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// The key of a member, an item of an array, or the first line of the document.
    #[default]
    Node,
    /// The value of a member where it is a scalar, or else the key.
    Value,
    /// These bytes of the text, where a pointer cannot say it: a syntax error, the first of two equal keys.
    Bytes(Span),
}

/// A second place that has to do with a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Label {
    /// Where.
    pub location: Location,
    /// What of it.
    pub part: Part,
    /// What about it.
    pub message: String,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Which kind; stable.
    pub code: Code,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where; `None` where no file has to do with it.
    pub location: Option<Location>,
    /// What of the place is underlined.
    pub part: Part,
    /// Other places that have to do with it.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A problem without a place.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), location: None, part: Part::Node, labels: Vec::new(), help: None }
    }

    /// The same, at a place.
    #[must_use]
    pub fn at(mut self, location: &Location) -> Self {
        self.location = Some(location.clone());
        self
    }

    /// The same, at the value of a member rather than its key.
    #[must_use]
    pub fn at_value(mut self, location: &Location) -> Self {
        self.part = Part::Value;
        self.at(location)
    }

    /// The same, at bytes of the text that the pointer of its location cannot tell from others.
    #[must_use]
    pub fn spanning(mut self, span: impl Into<Span>) -> Self {
        self.part = Part::Bytes(span.into());
        self
    }

    /// The same, with a second place.
    #[must_use]
    pub fn label(self, location: &Location, message: impl Into<String>) -> Self {
        self.label_part(location, Part::Node, message)
    }

    /// The same, with the value of a member as a second place.
    #[must_use]
    pub fn label_value(self, location: &Location, message: impl Into<String>) -> Self {
        self.label_part(location, Part::Value, message)
    }

    /// The same, with a second place that a pointer cannot name.
    #[must_use]
    pub fn label_spanning(self, location: &Location, span: impl Into<Span>, message: impl Into<String>) -> Self {
        self.label_part(location, Part::Bytes(span.into()), message)
    }

    fn label_part(mut self, location: &Location, part: Part, message: impl Into<String>) -> Self {
        self.labels.push(Label { location: location.clone(), part, message: message.into() });
        self
    }

    /// The same, with what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The problems of a run.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
    errors: usize,
    /// Where errors are and what the first of each place is, those before [`following`](Self::following) included.
    places: BTreeMap<Location, Code>,
}

impl Diagnostics {
    /// Adds one, unless it repeats the one before.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.all.last() == Some(&diagnostic) {
            return;
        }
        if diagnostic.code.severity() == Severity::Error {
            self.errors += 1;
            if let Some(place) = &diagnostic.location {
                self.places.entry(place.clone()).or_insert(diagnostic.code);
            }
        }
        self.all.push(diagnostic);
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Those that are errors.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.all.iter().filter(|diagnostic| diagnostic.code.severity() == Severity::Error)
    }

    /// Whether there was an error at a node or below it: what follows from that needs no words.
    pub fn has_errors_in(&self, node: &Location) -> bool {
        if self.places.is_empty() {
            return false;
        }
        // What is below a node comes right behind `node/`.
        let below = node.join("");
        let first = self.places.range(&below..).next();
        self.places.contains_key(node)
            || first.is_some_and(|(place, _)| place.file == node.file && place.pointer.below(&node.pointer).is_some())
    }

    /// Where there was an error, and of which kind.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&Location, Code)> {
        self.places.iter().map(|(place, code)| (place, *code))
    }

    /// None yet, of a stage that knows where the errors before it were.
    pub(crate) fn following(&self) -> Self {
        Self { places: self.places.clone(), ..Self::default() }
    }

    /// In the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.all.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// In the order in which they were found.
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.all
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, more: I) {
        more.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_found_at_a_node_and_below_it() {
        let at = |pointer: &str| Location { file: FileId(0), pointer: Pointer::parse(pointer) };
        let mut diags = Diagnostics::default();
        diags.push(Diagnostic::new(Code::Syntax, "no").at(&at("/a/b/c")));
        diags.push(Diagnostic::new(Code::NoEffect, "well").at(&at("/w")));
        for later in [diags.following(), diags] {
            for inside in ["", "/a", "/a/b", "/a/b/c"] {
                assert!(later.has_errors_in(&at(inside)), "{inside}");
            }
            for outside in ["/a/b/c/d", "/a/b!", "/a/bb", "/a/", "/b", "/w"] {
                assert!(!later.has_errors_in(&at(outside)), "{outside}");
            }
            assert!(!later.has_errors_in(&Location { file: FileId(1), pointer: Pointer::parse("/a") }));
        }
    }
}
