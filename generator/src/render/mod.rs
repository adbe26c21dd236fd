//! How code looks: indentation, blank lines, broken lines, documentation and literals.
//!
//! `emit/` writes statements and items, this room says where they go. Text of a document gets into code through [`literal`],
//! [`Code::doc`] and [`Code::prose`] only, each of which makes it harmless.

mod doc;

use std::fmt::{self, Write as _};

use crate::ir::{Literal, Prose};
use crate::visible::is_invisible;

pub(crate) use self::doc::inline_code;

/// How wide a line of code may be before it is broken.
const WIDTH: usize = 120;

/// A file of Rust in the making.
#[derive(Debug, Default)]
pub(crate) struct Code {
    text: String,
    depth: usize,
    /// Whether the next item needs a blank line before it.
    fresh: bool,
}

/// Appends a line, with `format!`'s arguments.
macro_rules! line {
    ($code:expr, $($format:tt)+) => {
        $code.line(format_args!($($format)+))
    };
}
pub(crate) use line;

impl Code {
    pub(crate) fn new() -> Self {
        Self { fresh: true, ..Self::default() }
    }

    pub(crate) fn line(&mut self, line: fmt::Arguments<'_>) {
        let start = self.text.len();
        self.indent();
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(line);
        if self.text.len() == start + self.depth * 4 {
            self.text.truncate(start);
        }
        self.text.push('\n');
        self.fresh = false;
    }

    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.text.push_str("    ");
        }
    }

    /// A blank line before what follows, unless a block has just begun.
    pub(crate) fn gap(&mut self) {
        if !self.fresh {
            self.text.push('\n');
            self.fresh = true;
        }
    }

    /// `head {`, what `body` writes, and `tail`.
    pub(crate) fn block(&mut self, head: fmt::Arguments<'_>, tail: &str, body: impl FnOnce(&mut Self)) {
        self.line(format_args!("{head} {{"));
        self.indented(body);
        self.line(format_args!("{tail}"));
    }

    /// What `body` writes, one step further in.
    pub(crate) fn indented(&mut self, body: impl FnOnce(&mut Self)) {
        self.depth += 1;
        self.fresh = true;
        body(self);
        self.depth -= 1;
    }

    /// What `body` writes, below a line that is only there if that is anything; whether it is.
    pub(crate) fn headed(&mut self, head: fmt::Arguments<'_>, body: impl FnOnce(&mut Self)) -> bool {
        let start = self.text.len();
        body(self);
        let is_any = self.text.len() > start;
        if is_any {
            self.text.insert_str(start, &format!("{}{head}\n", "    ".repeat(self.depth)));
        }
        is_any
    }

    /// `head(items)tail` on one line, or an item a line where that is too wide.
    pub(crate) fn list(&mut self, head: &str, items: &[String], tail: &str) {
        let one = items.iter().map(|item| item.len() + 2).sum::<usize>() + head.len() + tail.len() + self.depth * 4;
        if one <= WIDTH {
            self.line(format_args!("{head}{}{tail}", items.join(", ")));
            return;
        }
        self.line(format_args!("{head}"));
        self.depth += 1;
        for item in items {
            self.line(format_args!("{item},"));
        }
        self.depth -= 1;
        self.line(format_args!("{tail}"));
    }

    /// `head` and the links of a chain of calls, on one line or a link a line.
    pub(crate) fn chain(&mut self, head: &str, links: &[String], tail: &str) {
        let one = links.iter().map(String::len).sum::<usize>() + head.len() + tail.len() + self.depth * 4;
        if one <= WIDTH || links.is_empty() {
            self.wide(&format!("{head}{}", links.concat()), tail);
            return;
        }
        let steps = if self.wide(head, "") { 2 } else { 1 };
        self.depth += steps;
        let last = links.len() - 1;
        for (index, link) in links.iter().enumerate() {
            self.line(format_args!("{link}{}", if index == last { tail } else { "" }));
        }
        self.depth -= steps;
    }

    /// An assignment, on two lines where one would be too wide; says whether it is on two.
    fn wide(&mut self, text: &str, tail: &str) -> bool {
        // What stands in a literal is no assignment.
        let assignment = text.split_once(" = ").filter(|(name, _)| !name.contains('"'));
        match assignment {
            Some((name, value)) if text.len() + tail.len() + self.depth * 4 > WIDTH => {
                self.line(format_args!("{name} ="));
                self.depth += 1;
                self.line(format_args!("{value}{tail}"));
                self.depth -= 1;
                true
            }
            _ => {
                self.line(format_args!("{text}{tail}"));
                false
            }
        }
    }

    /// A line of documentation that is our own.
    pub(crate) fn doc(&mut self, text: fmt::Arguments<'_>) {
        let text = text.to_string();
        self.comment("///", &text);
    }

    /// A line of the module's documentation that is our own.
    pub(crate) fn module_doc(&mut self, text: fmt::Arguments<'_>) {
        let text = text.to_string();
        self.comment("//!", &text);
    }

    /// A list's item for an argument: its name, and what a document says of it.
    pub(crate) fn argument(&mut self, name: &str, prose: &Prose) {
        self.argument_line(&format!("`{name}`"), prose);
    }

    /// A list's item: a head of our own, and what a document says of it.
    pub(crate) fn argument_line(&mut self, head: &str, prose: &Prose) {
        let lines = doc::lines(&prose.0, WIDTH - 6 - self.depth * 4);
        let Some((first, rest)) = lines.split_first() else {
            self.doc(format_args!("- {head}"));
            return;
        };
        if head.len() > 40 || doc::is_item(first) {
            self.doc(format_args!("- {head}:"));
            self.doc(format_args!("  {first}"));
        } else {
            self.doc(format_args!("- {head}: {first}"));
        }
        // What stands behind a list would belong to its last item.
        let with_list = lines.iter().any(|line| doc::is_item(line));
        for line in rest.iter().filter(|line| with_list || !line.is_empty()) {
            self.doc(format_args!("{}", format!("  {line}").trim_end()));
        }
    }

    fn comment(&mut self, mark: &str, text: &str) {
        match text {
            "" => self.line(format_args!("{mark}")),
            text => self.line(format_args!("{mark} {text}")),
        }
    }

    /// Documentation that comes from a document; nothing where there is none. Says whether there was any.
    pub(crate) fn prose(&mut self, prose: &Prose) -> bool {
        self.prose_as("///", prose)
    }

    /// The same, in a file of Markdown.
    pub(crate) fn markdown(&mut self, prose: &Prose) -> bool {
        let lines = doc::lines(&prose.0, WIDTH);
        lines.iter().for_each(|line| self.line(format_args!("{line}")));
        !lines.is_empty()
    }

    /// The same, for the module.
    pub(crate) fn module_prose(&mut self, prose: &Prose) -> bool {
        self.prose_as("//!", prose)
    }

    fn prose_as(&mut self, mark: &str, prose: &Prose) -> bool {
        let lines = doc::lines(&prose.0, WIDTH - 4 - self.depth * 4);
        for line in &lines {
            self.comment(mark, line);
        }
        !lines.is_empty()
    }

    /// Lines as they are.
    pub(crate) fn raw(&mut self, text: &str) {
        self.text.push_str(text);
        self.fresh = false;
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// A string literal, quotes included.
pub(crate) fn literal(text: &Literal) -> String {
    string(&text.0)
}

/// A string literal, quotes included. What a reader could not see, or could see otherwise than it is, is escaped.
pub(crate) fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(character),
            other if other.is_alphanumeric() && !is_invisible(other) => out.push(other),
            other => out.extend(other.escape_unicode()),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_what_it_was() {
        assert_eq!(string("a\"b\\c\n\u{202e}é"), "\"a\\\"b\\\\c\\n\\u{202e}é\"");
    }

    #[test]
    fn wide_lists_are_broken() {
        let mut code = Code::new();
        code.list("f(", &["a".to_owned(), "b".to_owned()], ")");
        code.list("f(", &["a".repeat(80), "b".repeat(80)], ")");
        assert_eq!(code.finish(), format!("f(a, b)\nf(\n    {},\n    {},\n)\n", "a".repeat(80), "b".repeat(80)));
    }
}
