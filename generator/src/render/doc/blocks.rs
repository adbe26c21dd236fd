//! Prose, taken apart into paragraphs and list items.

use super::html::without_tags;

/// What stands between empty lines, or on its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    Paragraph(String),
    /// An item of a list; the marker is `- ` or `1. `, indented as is due.
    Item {
        marker: String,
        text: String,
    },
    /// The lines between two code fences.
    Code(Vec<String>),
}

impl Block {
    /// Whether both are items of one list.
    pub(super) fn is_next_item_after(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Item { marker: one, .. }, Self::Item { marker: other, .. }) => {
                let indent = |marker: &str| marker.len() - marker.trim_start().len();
                indent(one) != indent(other) || one.ends_with("- ") == other.ends_with("- ")
            }
            _ => false,
        }
    }
}

/// The blocks of a text whose lines end with `\n`.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut builder = Builder::default();
    let lines: Vec<&str> = text.split('\n').collect();
    // From which length on a fence of backticks or tildes has no closing one.
    let mut unclosed = [usize::MAX; 2];
    let mut prose = Vec::new();
    let mut at = 0;
    while let Some(&line) = lines.get(at) {
        at += 1;
        match fence(line).filter(|fence| fence.length < unclosed[usize::from(fence.tildes)]) {
            None => prose.push(line),
            Some(fence) => match lines.iter().skip(at).position(|line| fence.is_closed_by(line)) {
                Some(length) => {
                    builder.prose(&std::mem::take(&mut prose).join("\n"));
                    builder.code(lines.iter().skip(at).take(length));
                    at += length + 1;
                }
                None => {
                    unclosed[usize::from(fence.tildes)] = fence.length;
                    prose.push(line);
                }
            },
        }
    }
    builder.prose(&prose.join("\n"));
    builder.blocks
}

/// The start of a code block.
struct Fence {
    tildes: bool,
    length: usize,
}

impl Fence {
    fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        let mark = if self.tildes { '~' } else { '`' };
        line.len() >= self.length && line.chars().all(|character| character == mark)
    }
}

fn fence(line: &str) -> Option<Fence> {
    let line = line.trim();
    let tildes = line.starts_with('~');
    let rest = line.trim_start_matches(if tildes { '~' } else { '`' });
    let length = line.len() - rest.len();
    (length >= 3 && (tildes || !rest.contains('`'))).then_some(Fence { tildes, length })
}

#[derive(Default)]
struct Builder {
    blocks: Vec<Block>,
    /// Whether the last block takes more lines.
    open: bool,
    /// The items around the next: how far they were indented, and how wide their markers are, each with those before.
    nesting: Vec<(usize, usize)>,
}

/// How deep lists may be nested; with more, the indentation would look like a code block to a reader.
const MAX_NESTING: usize = 3;

/// What a line is.
enum Line<'t> {
    /// Nothing, or a mark that only separates.
    Break,
    Heading(&'t str),
    Item(String, &'t str),
    Text(&'t str),
}

impl Builder {
    fn prose(&mut self, text: &str) {
        self.open = false;
        for line in without_tags(text).split('\n') {
            let content = unquoted(line.trim());
            match self.classified(content) {
                Line::Break => self.open = false,
                Line::Heading(text) => {
                    self.blocks.push(Block::Paragraph(text.to_owned()));
                    self.open = false;
                }
                Line::Item(marker, text) => self.item(line.len() - line.trim_start().len(), &marker, text),
                Line::Text(line) => self.text(line),
            }
        }
        self.open = false;
    }

    fn item(&mut self, indent: usize, marker: &str, text: &str) {
        if !matches!(self.blocks.last(), Some(Block::Item { .. })) {
            self.nesting.clear();
        }
        // Markdown wants an item below the text of the one around it; two spaces are what people write.
        while self.nesting.last().is_some_and(|&(outer, _)| indent < outer + 2) || self.nesting.len() >= MAX_NESTING {
            self.nesting.pop();
        }
        let outer = self.nesting.last().map_or(0, |&(_, width)| width);
        let marker = format!("{:outer$}{marker}", "");
        self.nesting.push((indent, marker.len()));
        self.blocks.push(Block::Item { marker, text: text.to_owned() });
        self.open = true;
    }

    fn text(&mut self, line: &str) {
        match self.blocks.last_mut() {
            Some(Block::Paragraph(text) | Block::Item { text, .. }) if self.open => {
                text.push('\n');
                text.push_str(line);
            }
            _ => self.blocks.push(Block::Paragraph(line.to_owned())),
        }
        self.open = true;
    }

    fn code<'t>(&mut self, lines: impl Iterator<Item = &'t &'t str>) {
        let lines: Vec<String> = lines.map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect();
        if !lines.is_empty() {
            self.blocks.push(Block::Code(lines));
        }
    }

    fn classified<'t>(&self, line: &'t str) -> Line<'t> {
        if line.is_empty() || is_rule(line) || is_table_rule(line) {
            return Line::Break;
        }
        if let Some(row) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) {
            return Line::Item("- ".to_owned(), row.trim());
        }
        let hashes = line.len() - line.trim_start_matches('#').len();
        let (marks, rest) = line.split_at(hashes);
        if (1..=6).contains(&marks.len()) && (rest.is_empty() || rest.starts_with(' ')) {
            let closed = rest.trim_end_matches('#');
            return Line::Heading(if closed.ends_with(' ') { closed.trim() } else { rest.trim() });
        }
        if let Some(rest) = line.strip_prefix(['-', '*', '+', '•']).and_then(|rest| rest.strip_prefix(' ')) {
            return Line::Item("- ".to_owned(), rest.trim());
        }
        self.numbered(line).unwrap_or(Line::Text(line))
    }

    /// An item of an ordered list; in the middle of a paragraph only the first: a year may stand there too.
    fn numbered<'t>(&self, line: &'t str) -> Option<Line<'t>> {
        let (number, rest) = line.split_once(['.', ')'])?;
        let rest = rest.strip_prefix(' ')?;
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u8 = number.parse().ok().filter(|&number| digits && number < 100)?;
        let in_paragraph = self.open && matches!(self.blocks.last(), Some(Block::Paragraph(_)));
        (number == 1 || !in_paragraph).then(|| Line::Item(format!("{number}. "), rest.trim()))
    }
}

/// Without the marks of block quotes. A `>` before a number is more likely to mean what it says.
fn unquoted(mut line: &str) -> &str {
    while let Some(rest) = line.strip_prefix('>').filter(|rest| rest.is_empty() || rest.starts_with([' ', '>'])) {
        let rest = rest.trim_start();
        if rest.starts_with(|first: char| first.is_ascii_digit()) {
            break;
        }
        line = rest;
    }
    line
}

/// Whether a line is what underlines a heading, or separates.
fn is_rule(line: &str) -> bool {
    let mut marks = line.chars().filter(|&character| character != ' ');
    let Some(mark) = marks.next() else { return false };
    let more = match mark {
        '-' => 0,
        '=' => 1,
        '*' | '_' => 2,
        _ => return false,
    };
    let others = marks.clone().count();
    others >= more && marks.all(|other| other == mark)
}

/// Whether a line separates a table's head from its rows.
fn is_table_rule(line: &str) -> bool {
    line.contains('|') && line.contains('-') && line.chars().all(|character| matches!(character, '|' | '-' | ':' | ' '))
}
