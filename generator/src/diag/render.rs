//! Diagnostics as text, in the manner of rustc, and as JSON.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use serde_json::{Value, json};

use super::{Diagnostic, Location, Severity, Span};
use crate::source::{Position, Sources};
use crate::visible::{json as json_line, picture};

/// How many characters of a quoted line are shown.
const MAX_WIDTH: usize = 120;

/// Problems as people read them: by file and line, each with the line that it is about.
pub(crate) fn render_text(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let paint = Paint { color };
    let mut out = String::new();
    for (diagnostic, position) in sorted(diagnostics, sources) {
        if !out.is_empty() {
            out.push('\n');
        }
        text_of_one(&mut out, diagnostic, position.as_ref(), sources, paint);
    }
    out
}

/// The same problems for programs: one JSON object a line.
pub(crate) fn render_json(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut out = String::new();
    for (diagnostic, position) in sorted(diagnostics, sources) {
        let labels: Vec<Value> = diagnostic
            .labels
            .iter()
            .map(|label| {
                let position = place(sources, &label.location, label.span);
                let mut object = json!({ "message": label.message });
                put_place(&mut object, position.as_ref(), Some(&label.location));
                object
            })
            .collect();
        let mut object = json!({
            "code": diagnostic.code.id(),
            "severity": severity_name(diagnostic.code.severity()),
            "message": diagnostic.message,
        });
        put_place(&mut object, position.as_ref(), diagnostic.location.as_ref());
        if let Value::Object(object) = &mut object {
            object.insert("labels".to_owned(), labels.into());
            object.insert("help".to_owned(), diagnostic.help.clone().into());
        }
        // Writing to a string does not fail.
        let _ = writeln!(out, "{}", json_line(&object.to_string()));
    }
    out
}

/// By file, line, column and code; those without a place first, exact repetitions once.
fn sorted<'a, 's>(diagnostics: &'a [Diagnostic], sources: &'s Sources) -> Vec<(&'a Diagnostic, Option<Position<'s>>)> {
    let mut all: Vec<_> = diagnostics
        .iter()
        .map(|diagnostic| {
            let location = diagnostic.location.as_ref();
            (diagnostic, location.and_then(|location| place(sources, location, diagnostic.span)))
        })
        .collect();
    all.sort_by_key(|(diagnostic, position)| {
        let place = position.as_ref().map(|position| (position.file, position.line, position.column));
        (place, diagnostic.code, &diagnostic.message)
    });
    all.dedup_by(|(one, _), (other, _)| one == other);
    all
}

fn place<'s>(sources: &'s Sources, location: &Location, span: Option<Span>) -> Option<Position<'s>> {
    match span {
        Some(span) => sources.position_of_span(location.file, span.range()),
        None => sources.position(location),
    }
}

fn put_place(object: &mut Value, position: Option<&Position<'_>>, location: Option<&Location>) {
    let Value::Object(object) = object else { return };
    object.insert("file".to_owned(), position.map(|position| display(position.path)).into());
    object.insert("line".to_owned(), position.map(|position| position.line).into());
    object.insert("column".to_owned(), position.map(|position| position.column).into());
    object.insert("pointer".to_owned(), location.map(|location| location.pointer.as_str()).into());
}

/// With `/` on every system, so that the output is the same.
fn display(path: &Path) -> String {
    let path = path.display().to_string();
    if cfg!(windows) { path.replace('\\', "/") } else { path }
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
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

fn text_of_one(
    out: &mut String,
    diagnostic: &Diagnostic,
    position: Option<&Position<'_>>,
    sources: &Sources,
    paint: Paint,
) {
    let severity = diagnostic.code.severity();
    let heading = format!("{}[{}]", severity_name(severity), diagnostic.code);
    let message = format!(": {}", harmless(&diagnostic.message));
    out.push_str(&paint.paint(Paint::severity(severity), &heading));
    out.push_str(&paint.paint(Paint::BOLD, &message));
    out.push('\n');

    let labels: Vec<_> =
        diagnostic.labels.iter().map(|label| (label, place(sources, &label.location, label.span))).collect();
    let quoted = labels.iter().filter_map(|(_, position)| position.as_ref()).chain(position);
    let width = quoted.map(|position| position.line.to_string().len()).max().unwrap_or(1);

    if let Some(position) = position {
        excerpt(out, position, width, Paint::severity(severity), paint);
    }
    if let Some(location) = diagnostic.location.as_ref().filter(|location| !location.pointer.as_str().is_empty()) {
        let own_file = sources.get(location.file).map(|file| file.path.as_path());
        let elsewhere = own_file.filter(|path| position.is_some_and(|position| position.path != *path));
        let of = elsewhere.map_or_else(String::new, |path| format!(" of {}", display(path)));
        note(out, width, "at", &format!("{}{of}", location.pointer), paint);
    }
    for (label, position) in labels {
        match position {
            Some(position) => {
                let place = format!("{}:{}:{}", display(position.path), position.line, position.column);
                note(out, width, "note", &format!("{place}: {}", label.message), paint);
                quote(out, &position, width, Paint::BLUE, paint);
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
    let from = position.column - 1;
    let to = from + position.length;
    // A third of the room goes to what stands before.
    let skipped = if to <= MAX_WIDTH { 0 } else { from.saturating_sub(MAX_WIDTH / 3) };
    let mut line = String::new();
    let mut columns = 0;
    let mut start = None;
    let mut end = None;
    if skipped > 0 {
        line.push('…');
        columns = 1;
    }
    let mut rest = position.text.chars().enumerate().skip(skipped);
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
