//! What is wrong with a query, and where.

use std::error::Error;
use std::fmt;

/// What is wrong with the text of a query or condition, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    offset: usize,
    line: usize,
    column: usize,
    message: String,
}

impl ParseError {
    pub(crate) fn new(text: &str, offset: usize, message: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let (lines, last) = before.rsplit_once('\n').unwrap_or(("", before));
        let line = if last.len() == before.len() { 1 } else { lines.split('\n').count() + 1 };
        Self { offset: before.len(), line, column: last.chars().count() + 1, message }
    }

    /// Where in the text it is: bytes, from zero.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The line, from one.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The character of the line, from one.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl Error for ParseError {}
