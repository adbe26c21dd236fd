//! Prose from a document as the lines of a Rust doc comment.
//!
//! Documents hold CommonMark with HTML in it, or something that resembles it. What is kept: paragraphs, lists,
//! code spans, emphasis and links to the web. All else becomes plain text, escaped, so that whatever
//! a document says, rustdoc has nothing to warn of, nothing runs as a test, and nothing leaves the comment.

use std::collections::HashMap;

use blocks::{Block, blocks};

use crate::visible::is_invisible;

mod blocks;
mod html;
mod inline;
mod wrap;

/// The lines of a doc comment, without `///`; text is wrapped to `width` where it has a space to be wrapped at.
pub(crate) fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut before = None;
    for block in blocks(&cleaned(text)) {
        let rendered = match &block {
            Block::Paragraph(text) => wrap::wrapped(inline::atoms(text), width, ""),
            Block::Item { marker, text } => wrap::wrapped(inline::atoms(text), width, marker),
            Block::Code(code) => broken(code),
        };
        if rendered.is_empty() {
            continue;
        }
        if before.as_ref().is_some_and(|before| !block.is_next_item_after(before)) {
            lines.push(String::new());
        }
        lines.extend(rendered);
        before = Some(block);
    }
    lines
}

/// Whether a line starts an item of a list.
pub(crate) fn is_item(line: &str) -> bool {
    let rest = line.trim_start();
    let numbered = rest.trim_start_matches(|first: char| first.is_ascii_digit());
    rest.starts_with("- ") || (numbered.len() < rest.len() && numbered.starts_with(". "))
}

/// A code span that shows any text: backticks in it are no matter, and what cannot be seen is written as an escape.
pub(crate) fn inline_code(text: &str) -> String {
    let mut code = String::with_capacity(text.len() + 2);
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => code.push(' '),
            other if other.is_control() || is_invisible(other) => code.extend(other.escape_unicode()),
            other => code.push(other),
        }
    }
    let longest = code.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    let ticks = "`".repeat(longest + 1);
    let spaced = code.starts_with(' ') && code.ends_with(' ') && !code.trim_matches(' ').is_empty();
    // A space at both ends belongs to the delimiters.
    let pad = if spaced || code.starts_with('`') || code.ends_with('`') || code.is_empty() { " " } else { "" };
    // Of a code span that is but one space, none is taken away.
    if code.is_empty() { format!("{ticks} {ticks}") } else { format!("{ticks}{pad}{code}{pad}{ticks}") }
}

/// Lines of code, one below the other. A code block would be a test, or look like Rust.
fn broken(code: &[String]) -> Vec<String> {
    let count = code.len();
    let lines = code.iter().enumerate();
    lines.map(|(index, line)| inline_code(line) + if index + 1 < count { "\\" } else { "" }).collect()
}

/// Only `\n` ends lines, only spaces separate words, and all the rest can be seen.
fn cleaned(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => cleaned.push('\n'),
            '\t' => cleaned.push_str("    "),
            other if other.is_whitespace() => cleaned.push(' '),
            other if other.is_control() || is_invisible(other) => {}
            other => cleaned.push(other),
        }
    }
    cleaned
}

/// Where the runs of backticks stand in a text.
struct Backticks {
    /// Start and length.
    runs: Vec<(usize, usize)>,
    /// The start of the last run of a length, so that none is looked for in vain.
    last: HashMap<usize, usize>,
}

impl Backticks {
    fn new(text: &[char]) -> Self {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (at, _) in text.iter().enumerate().filter(|&(_, &character)| character == '`') {
            match runs.last_mut() {
                Some((start, length)) if *start + *length == at => *length += 1,
                _ => runs.push((at, 1)),
            }
        }
        let last = runs.iter().map(|&(start, length)| (length, start)).collect();
        Self { runs, last }
    }

    /// Where the run starts that closes a code span whose content starts at `from`.
    fn closing(&self, from: usize, length: usize) -> Option<usize> {
        self.last.get(&length).filter(|&&last| last >= from)?;
        let next = self.runs.partition_point(|&(start, _)| start < from);
        let later = self.runs.get(next..)?;
        later.iter().find(|&&(_, other)| other == length).map(|&(start, _)| start)
    }
}

#[cfg(test)]
mod tests;
