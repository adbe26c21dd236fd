//! Diagnostics as text, in the manner of rustc, and for programs.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use super::{Diagnostic, Label, Location, Part, Pointer, Severity};
use crate::source::{Position, Sources};
use crate::visible::picture;

mod json;
mod sarif;

pub(crate) use json::render_json;
pub(crate) use sarif::render_sarif;

/// How many characters of a quoted line are shown.
const MAX_WIDTH: usize = 120;

/// Problems as people read them: by file and line, each with the line that it is about.
pub(crate) fn render_text(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let paint = Paint { color };
    let mut out = String::new();
    for one in sorted(diagnostics, sources) {
        if !out.is_empty() {
            out.push('\n');
        }
        text_of_one(&mut out, &one, sources, paint);
    }
    out
}

/// A problem with its places looked up.
struct Placed<'a, 's> {
    diagnostic: &'a Diagnostic,
    position: Option<Position<'s>>,
    /// Those of the diagnostic, and the overlay action that wrote what it is about.
    labels: Vec<(Cow<'a, Label>, Option<Position<'s>>)>,
}

impl<'a, 's> Placed<'a, 's> {
    fn new(diagnostic: &'a Diagnostic, sources: &'s Sources) -> Self {
        let location = diagnostic.location.as_ref();
        let position = location.and_then(|location| sources.position(location, diagnostic.part));
        let action = location.and_then(|location| written_by(location, sources)).map(Cow::Owned);
        let labels = action.into_iter().chain(diagnostic.labels.iter().map(Cow::Borrowed));
        let labels = labels.map(|label| {
            let position = sources.position(&label.location, label.part);
            (label, position)
        });
        Self { diagnostic, position, labels: labels.collect() }
    }

    /// The file, line and column to sort by.
    fn place(&self) -> Option<(u32, usize, usize)> {
        self.position.as_ref().map(|position| (position.file.0, position.line, position.column))
    }

    fn compare(&self, other: &Self) -> Ordering {
        let key = |one: &Self| (one.place(), one.diagnostic.code);
        key(self).cmp(&key(other)).then_with(|| self.diagnostic.message.cmp(&other.diagnostic.message))
    }
}

/// By file in the order in which they were read, line, column and code; those without a place first, exact repetitions once.
fn sorted<'a, 's>(diagnostics: &'a [Diagnostic], sources: &'s Sources) -> Vec<Placed<'a, 's>> {
    let mut all: Vec<_> = diagnostics.iter().map(|diagnostic| Placed::new(diagnostic, sources)).collect();
    all.sort_by(Placed::compare);
    all.dedup_by(|one, other| one.diagnostic == other.diagnostic);
    all
}

/// The overlay action that wrote a node, if one did.
fn written_by(location: &Location, sources: &Sources) -> Option<Label> {
    let origin = sources.origin(location)?;
    let mut steps = origin.pointer.steps();
    let (actions, index) = (steps.next()?, steps.next()?);
    let target = Pointer::root().join(actions).join(index).join("target");
    let location = Location { file: origin.file, pointer: target };
    Some(Label { location, part: Part::Value, message: "written by this overlay action".to_owned() })
}

/// With `/` on every system, so that the output is the same.
fn display(path: &Path) -> String {
    let path = path.display().to_string();
    if cfg!(windows) { path.replace('\\', "/") } else { path }
}

/// Writes or leaves out ANSI escapes.
#[derive(Clone, Copy)]
struct Paint {
    color: bool,
}

impl Paint {
    const RED: &str = "\x1b[1;31m";
    const YELLOW: &str = "\x1b[1;33m";
    const BLUE: &str = "\x1b[1;34m";
    const BOLD: &str = "\x1b[1m";

    fn severity(severity: Severity) -> &'static str {
        match severity {
            Severity::Error => Self::RED,
            Severity::Warning => Self::YELLOW,
        }
    }

    fn paint<'t>(self, style: &str, text: &'t str) -> Cow<'t, str> {
        if self.color { format!("{style}{text}\x1b[0m").into() } else { text.into() }
    }
}

fn text_of_one(out: &mut String, one: &Placed<'_, '_>, sources: &Sources, paint: Paint) {
    let Placed { diagnostic, position, labels } = one;
    let position = position.as_ref();
    let severity = diagnostic.code.severity();
    let heading = format!("{}[{}]", severity, diagnostic.code);
    let message = format!(": {}", harmless(&diagnostic.message));
    out.push_str(&paint.paint(Paint::severity(severity), &heading));
    out.push_str(&paint.paint(Paint::BOLD, &message));
    out.push('\n');

    let quoted = labels.iter().filter_map(|(_, position)| position.as_ref()).chain(position);
    let width = quoted.map(|position| position.line.to_string().len()).max().unwrap_or(1);

    if let Some(position) = position {
        excerpt(out, position, width, Paint::severity(severity), paint);
    }
    if let Some(location) = diagnostic.location.as_ref().filter(|location| !location.pointer.as_str().is_empty()) {
        let own_file = sources.get(location.file).map(|file| file.path.as_path());
        let elsewhere = own_file.filter(|path| position.is_some_and(|position| position.path != *path));
        let of = elsewhere.map_or_else(String::new, |path| format!(" of {}", display(path)));
        note(out, width, "at", &format!("{}{of}", shortened(location.pointer.as_str())), paint);
    }
    for (label, position) in labels {
        match position {
            Some(position) => {
                let place = format!("{}:{}:{}", display(position.path), position.line, position.column);
                note(out, width, "note", &format!("{place}: {}", label.message), paint);
                quote(out, position, width, Paint::BLUE, paint);
            }
            None => note(out, width, "note", &label.message, paint),
        }
    }
    if let Some(help) = &diagnostic.help {
        note(out, width, "help", help, paint);
    }
}

/// The place and its line.
fn excerpt(out: &mut String, position: &Position<'_>, width: usize, style: &str, paint: Paint) {
    let place = format!("{}:{}:{}", display(position.path), position.line, position.column);
    let _ = writeln!(out, "{:width$}{} {}", "", paint.paint(Paint::BLUE, "-->"), harmless(&place));
    let _ = writeln!(out, "{:width$} {}", "", paint.paint(Paint::BLUE, "|"));
    quote(out, position, width, style, paint);
}

/// A line with its number, and below it what of it is meant.
fn quote(out: &mut String, position: &Position<'_>, width: usize, style: &str, paint: Paint) {
    let (line, underline) = fitted(position);
    let number = format!("{:width$} |", position.line);
    let _ = writeln!(out, "{} {line}", paint.paint(Paint::BLUE, &number));
    let carets = "^".repeat(underline.len());
    let bar = format!("{:width$} |", "");
    let _ = writeln!(
        out,
        "{} {:indent$}{}",
        paint.paint(Paint::BLUE, &bar),
        "",
        paint.paint(style, &carets),
        indent = underline.start
    );
}

/// A pointer that may be long: its start and its end.
fn shortened(pointer: &str) -> Cow<'_, str> {
    let length = pointer.chars().count();
    if length <= MAX_WIDTH {
        return pointer.into();
    }
    let kept = MAX_WIDTH / 2;
    let start: String = pointer.chars().take(kept).collect();
    let end: String = pointer.chars().skip(length - kept).collect();
    format!("{start}…{end}").into()
}

/// A remark below an excerpt; lines after the first are set under it.
fn note(out: &mut String, width: usize, kind: &str, text: &str, paint: Paint) {
    let text = text.lines().map(harmless).collect::<Vec<_>>();
    let indent = width + kind.len() + 5;
    let _ = writeln!(
        out,
        "{:width$} {} {}: {}",
        "",
        paint.paint(Paint::BLUE, "="),
        paint.paint(Paint::BOLD, kind),
        text.join(&format!("\n{:indent$}", ""))
    );
}

/// A line made harmless and short enough to be read, and the columns of it that are meant, from 0.
fn fitted(position: &Position<'_>) -> (String, Range<usize>) {
    // A third of the room goes to what stands before.
    let fits = position.column - 1 + position.length <= MAX_WIDTH;
    let before = position.text.get(..position.start).unwrap_or_default();
    let room = if fits { usize::MAX } else { MAX_WIDTH / 3 };
    let from = before.chars().rev().take(room).count();
    let skipped = before.char_indices().rev().take(room).last().map_or(position.start, |(at, _)| at);
    let to = from + position.length;
    let mut line = String::new();
    let mut columns = 0;
    let mut start = None;
    let mut end = None;
    if skipped > 0 {
        line.push('…');
        columns = 1;
    }
    let mut rest = position.text.get(skipped..).unwrap_or_default().chars().enumerate();
    for (index, character) in rest.by_ref().take(MAX_WIDTH) {
        if index == from {
            start = Some(columns);
        }
        columns += push_harmless(&mut line, character);
        if index < to {
            end = Some(columns);
        }
    }
    if rest.next().is_some() {
        line.push('…');
    }
    let start = start.unwrap_or(columns);
    let end = end.unwrap_or(start).max(start + 1);
    (line, start..end)
}

/// A text without anything that a terminal would obey.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        push_harmless(&mut shown, character);
    }
    shown
}

/// Adds a character, or what stands for it, and says how many columns that takes.
fn push_harmless(out: &mut String, character: char) -> usize {
    if character == '\t' {
        out.push_str("    ");
        return 4;
    }
    out.push(picture(character).unwrap_or(character));
    1
}

#[cfg(test)]
mod tests;
