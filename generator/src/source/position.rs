//! Lines and columns, and the way back from a patched value to the texts it was made of.

use std::ops::Range;
use std::path::Path;

use super::{Patch, SourceFile};
use crate::diag::{FileId, Location, Pointer};

/// A place in a text, as people count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position<'a> {
    pub file: FileId,
    /// Of the file, as given.
    pub path: &'a Path,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The line, without its end.
    pub text: &'a str,
    /// Where in the line it starts, in bytes.
    pub start: usize,
    /// How many characters on that line it is about; at least 1, even if the line ends before.
    pub length: usize,
}

impl<'a> Position<'a> {
    /// Of bytes of a file's text.
    pub(super) fn new(file: FileId, source: &'a SourceFile, span: Range<usize>) -> Self {
        let text = source.text.as_str();
        let start = text.floor_char_boundary(span.start);
        let lines = source.lines();
        let line_number = lines.starts.partition_point(|&line| line <= start);
        let line_start =
            line_number.checked_sub(1).and_then(|index| lines.starts.get(index)).copied().unwrap_or_default();
        let line_end = lines.starts.get(line_number).map_or(text.len(), |next| next - 1);
        let line = text.get(line_start..line_end).unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let end = text.floor_char_boundary(span.end.min(line_start + line.len()));
        let spanned = text.get(start..end).unwrap_or_default().trim_end();
        Self {
            file,
            path: &source.path,
            line: line_number,
            column: lines.characters(text, line_start..start) + 1,
            text: line,
            start: start - line_start,
            length: spanned.chars().count().max(1),
        }
    }
}

/// Where the lines of a text start.
#[derive(Debug)]
pub(super) struct Lines {
    starts: Vec<usize>,
    /// For long lines, as of a document that is all on one: bytes here and there, and how many characters of the line stand before.
    marks: Vec<(usize, usize)>,
}

/// How many bytes are counted at once.
const STEP: usize = 4096;

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let starts: Vec<usize> =
            std::iter::once(0).chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect();
        let mut marks = Vec::new();
        for (index, &start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(text.len());
            let (mut at, mut characters) = (start, 0);
            while end - at > STEP {
                let next = text.floor_char_boundary(at + STEP);
                characters += text.get(at..next).unwrap_or_default().chars().count();
                at = next;
                marks.push((at, characters));
            }
        }
        Self { starts, marks }
    }

    /// How many characters stand between the start of a line and a place in it.
    fn characters(&self, text: &str, part: Range<usize>) -> usize {
        let before = self.marks.partition_point(|&(at, _)| at <= part.end);
        let mark = before.checked_sub(1).and_then(|index| self.marks.get(index)).filter(|(at, _)| *at > part.start);
        let (from, counted) = mark.copied().unwrap_or((part.start, 0));
        counted + text.get(from..part.end).unwrap_or_default().chars().count()
    }
}

/// The location of a node before any patch: in the overlay that wrote it, or in its own file, where it
/// may have been further down in an array.
pub(super) fn before_patches(patches: &[Patch], location: &Location) -> Location {
    let mut pointer = location.pointer.clone();
    // From the last to the first, so that the last who wrote a node is found, and a node that took the
    // place of a removed one is not taken for it.
    for patch in patches.iter().rev() {
        match patch {
            Patch::Written { pointer: written, origin } => {
                if let Some(rest) = pointer.below(written) {
                    let pointer = Pointer::parse(&format!("{}{rest}", origin.pointer));
                    return Location { file: origin.file, pointer };
                }
            }
            Patch::RemovedMember { pointer: removed } => {
                if pointer.below(removed).is_some() {
                    break;
                }
            }
            Patch::RemovedItem { array, index } => {
                if let Some(before) = moved_up(&pointer, array, *index) {
                    pointer = before;
                }
            }
        }
    }
    Location { file: location.file, pointer }
}

/// A pointer as it was before the item `removed` of an array went; `None` where that makes no difference.
fn moved_up(pointer: &Pointer, array: &Pointer, removed: usize) -> Option<Pointer> {
    let below = pointer.below(array)?.strip_prefix('/')?;
    let (index, rest) = below.split_at(below.find('/').unwrap_or(below.len()));
    let index: usize = index.parse().ok().filter(|&index| index >= removed)?;
    Some(Pointer::parse(&format!("{array}/{}{rest}", index + 1)))
}
