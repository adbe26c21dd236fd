//! The text of one block, as atoms: pieces of Markdown between which a line may end.

use super::{Backticks, inline_code, is_invisible};
use url::Url;

mod url;

/// How far away the other end of a link's text or an emphasis may be.
const MAX_REACH: usize = 400;

/// How long the name of a character reference may be; the longest has 31 characters.
const MAX_ENTITY: usize = 32;

/// The atoms of a text, all of which are harmless wherever they stand, except at the start of a line.
pub(super) fn atoms(text: &str) -> Vec<String> {
    let text: Vec<char> = text.chars().collect();
    Scan::new(&without_local_links(&text), true).run()
}

/// A text in which links to places of the page that it was written for are but their text.
fn without_local_links(text: &[char]) -> Vec<char> {
    let scan = Scan::new(text, true);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(character) = text.get(at) {
        let link = if *character == '[' { scan.parse_link(at).filter(|link| link.url.is_local()) } else { None };
        let (piece, end) = match (link, *character) {
            (Some(link), _) => (link.text, link.end),
            (None, '\\') => (text.get(at..at + 2).unwrap_or(&['\\']), at + 2),
            (None, '`') => {
                let end = at + scan.code_length(at);
                (text.get(at..end).unwrap_or_default(), end)
            }
            (None, _) => (std::slice::from_ref(character), at + 1),
        };
        // Two code spans side by side would be one.
        if out.ends_with(&['`']) && piece.starts_with(&['`']) {
            out.push(' ');
        }
        out.extend(piece);
        at = end;
    }
    out
}

struct Scan<'t> {
    text: &'t [char],
    at: usize,
    /// Whether links may stand here: not in a link's text.
    links: bool,
    backticks: Backticks,
    /// Runs of `*` and `_` further on that close an emphasis.
    closing: Vec<usize>,
    atoms: Vec<String>,
    atom: String,
}

/// `[text](address)`, and where it ends.
struct Link<'t> {
    text: &'t [char],
    url: Url,
    end: usize,
}

impl<'t> Scan<'t> {
    fn new(text: &'t [char], links: bool) -> Self {
        let backticks = Backticks::new(text);
        Self { text, at: 0, links, backticks, closing: Vec::new(), atoms: Vec::new(), atom: String::new() }
    }

    fn run(mut self) -> Vec<String> {
        while let Some(character) = self.peek(0) {
            match character {
                ' ' | '\n' => self.end_atom(),
                '\\' => self.escape(),
                '`' => self.code(),
                '&' => self.entity(),
                '*' | '_' => self.emphasis(character),
                '<' => self.angle(),
                '[' => self.link(0),
                '!' if self.peek(1) == Some('[') => self.link(1),
                ']' | '~' => self.escaped(character),
                'h' | 'H' if self.bare_url() => {}
                other => self.plain(other),
            }
        }
        self.flush();
        self.atoms
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn before(&self, at: usize) -> Option<char> {
        at.checked_sub(1).and_then(|before| self.text.get(before)).copied()
    }

    fn flush(&mut self) {
        if !self.atom.is_empty() {
            self.atoms.push(std::mem::take(&mut self.atom));
        }
    }

    fn end_atom(&mut self) {
        self.flush();
        self.at += 1;
    }

    fn plain(&mut self, character: char) {
        self.atom.push(character);
        self.at += 1;
    }

    fn escaped(&mut self, character: char) {
        self.literal(character);
        self.at += 1;
    }

    /// A character that means nothing but itself.
    fn literal(&mut self, character: char) {
        if matches!(character, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '&' | '~') {
            self.atom.push('\\');
        }
        self.atom.push(character);
    }

    fn escape(&mut self) {
        match self.peek(1) {
            Some('\n') => self.at += 1,
            Some(next) if next.is_ascii_punctuation() => {
                self.at += 1;
                self.escaped(next);
            }
            _ => self.escaped('\\'),
        }
    }

    fn code(&mut self) {
        let length = self.run_length(self.at, '`');
        let Some(closing) = self.backticks.closing(self.at + length, length) else {
            (0..length).for_each(|_| self.literal('`'));
            self.at += length;
            return;
        };
        let content: String = self.text.iter().skip(self.at + length).take(closing - self.at - length).collect();
        self.code_span(content.trim());
        self.at = closing + length;
    }

    /// The length of the code span that starts there, or of the backticks, if they start none.
    fn code_length(&self, at: usize) -> usize {
        let length = self.run_length(at, '`');
        self.backticks.closing(at + length, length).unwrap_or(at) + length - at
    }

    fn code_span(&mut self, content: &str) {
        // Two code spans side by side would be one.
        if self.atom.ends_with('`') {
            self.flush();
        }
        self.atom.push_str(&inline_code(content));
    }

    /// A character reference; what is none that is known is text.
    fn entity(&mut self) {
        let name = self.text.iter().skip(self.at + 1).take(MAX_ENTITY);
        let name: String =
            name.take_while(|character| character.is_ascii_alphanumeric() || **character == '#').collect();
        if self.peek(name.len() + 1) != Some(';') {
            return self.plain('&');
        }
        let Some(character) = decoded(&name) else { return self.escaped('&') };
        self.at += name.len() + 2;
        match character {
            other if other.is_whitespace() || other.is_control() || is_invisible(other) => self.flush(),
            // With a backslash, so that it cannot be part of a URL.
            ':' | '/' => self.atom.extend(['\\', character]),
            other => self.literal(other),
        }
    }

    /// Keeps a pair that stands around words, and escapes any other.
    fn emphasis(&mut self, mark: char) {
        let length = self.run_length(self.at, mark);
        let end = self.at + length;
        let inside_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
        let (before, after) = (self.before(self.at), self.text.get(end).copied());
        let blank = |character: Option<char>| character.is_none_or(char::is_whitespace);
        let keep = if self.closing.contains(&self.at)
            || (mark == '_' && inside_word(before) && inside_word(after))
            || (length == 1 && blank(before) && blank(after))
        {
            true
        } else {
            let opens = length <= 3 && !inside_word(before) && after.is_some_and(|after| !after.is_whitespace());
            let closing = if opens { self.closing_run(end, mark, length) } else { None };
            self.closing.extend(closing);
            closing.is_some()
        };
        for _ in 0..length {
            if keep { self.atom.push(mark) } else { self.literal(mark) }
        }
        self.at = end;
        self.closing.retain(|&closing| closing >= end);
    }

    fn run_length(&self, at: usize, mark: char) -> usize {
        self.text.iter().skip(at).take_while(|&&character| character == mark).count()
    }

    /// The first run of the same length that can close an emphasis.
    fn closing_run(&self, from: usize, mark: char, length: usize) -> Option<usize> {
        let mut at = from;
        let end = self.text.len().min(from + MAX_REACH);
        while at < end {
            let run = self.run_length(at, mark);
            let before = self.before(at).is_some_and(|before| !before.is_whitespace() && before != '\\');
            let after = self.text.get(at + run).is_none_or(|after| !after.is_alphanumeric());
            if run == length && before && after {
                return Some(at);
            }
            at += run.max(1);
        }
        None
    }

    /// `<https://…>`, or a sign.
    fn angle(&mut self) {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let found = url::starting(rest).filter(|_| self.links);
        let end = found.and_then(|_| rest.iter().position(|&character| matches!(character, '>' | '<' | ' ' | '\n')));
        match end.filter(|&end| rest.get(end) == Some(&'>')) {
            Some(end) => {
                let url = Url::new(&rest.iter().take(end).collect::<String>());
                self.url(&url);
                self.at += end + 2;
            }
            // A comparison cannot be taken for a tag.
            None if rest.first().is_none_or(|next| matches!(next, ' ' | '\n' | '=')) => self.plain('<'),
            None => self.escaped('<'),
        }
    }

    /// A URL in the text, and whether there is one.
    fn bare_url(&mut self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(start) = url::starting(rest) else { return false };
        let length = url::length(rest, start);
        let address: String = rest.iter().take(length.unwrap_or(start)).filter(|&&one| one != '\\').collect();
        if length.is_none() {
            // Nothing behind it may make a URL of it after all.
            self.atom.push_str(&address.replace(':', "\\:"));
        } else if self.links {
            self.url(&Url::new(&address));
        } else {
            address.chars().for_each(|character| self.literal(character));
        }
        self.at += length.unwrap_or(start);
        true
    }

    fn url(&mut self, url: &Url) {
        if url.is_template() { self.code_span(url.as_written()) } else { self.atom.push_str(&url.autolink()) }
    }

    /// `[text](https://…)`, or a bracket. An image is a link, since nothing should be loaded.
    fn link(&mut self, bang: usize) {
        match self.parse_link(self.at + bang).filter(|link| self.links && !link.url.is_local()) {
            Some(link) => {
                self.push_link(&Scan::new(link.text, false).run().join(" "), &link.url);
                self.at = link.end;
            }
            None if bang > 0 => self.plain('!'),
            None => self.escaped('['),
        }
    }

    fn push_link(&mut self, text: &str, url: &Url) {
        // Or it would be an image.
        if self.atom.ends_with('!') {
            self.atom.pop();
            self.atom.push_str("\\!");
        }
        if text.is_empty() || text == url.as_written() {
            self.url(url);
        } else {
            // `[^…]` is a footnote.
            let escape = if text.starts_with('^') { "\\" } else { "" };
            self.atom.push_str(&format!("[{escape}{text}]({})", url.destination()));
        }
    }

    fn parse_link(&self, at: usize) -> Option<Link<'t>> {
        let text_end = self.text_end(at)?;
        let (url, length) = url::parenthesized(self.text.get(text_end + 1..)?)?;
        Some(Link { text: self.text.get(at + 1..text_end)?, url, end: text_end + 1 + length })
    }

    /// Where the bracket stands that closes the one here. Those in code spans do not count.
    fn text_end(&self, start: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let mut at = start;
        while at < start + MAX_REACH {
            match self.text.get(at)? {
                '\\' => at += 1,
                '`' => at += self.code_length(at) - 1,
                '[' => depth += 1,
                ']' if depth == 1 => return Some(at),
                ']' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        None
    }
}

/// What a character reference stands for, without `&` and `;`.
fn decoded(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        // Letters could make a URL out of what was none.
        return char::from_u32(code.ok()?).filter(|character| !character.is_ascii_alphanumeric());
    }
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "mdash" => '—',
        "ndash" => '–',
        "hellip" => '…',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "bull" => '•',
        "copy" => '©',
        "deg" => '°',
        "reg" => '®',
        "times" => '×',
        "trade" => '™',
        _ => return None,
    })
}
