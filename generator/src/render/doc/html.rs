//! HTML in prose: tags that break lines become line breaks, others go, and what only looks like a tag stays.

use super::{Backticks, inline_code};

/// How many characters a tag, or what stands between two of them, may have.
const MAX_TAG: usize = 500;

/// A text without the tags that documents use. Code spans are left alone.
pub(super) fn without_tags(text: &str) -> String {
    if !text.contains('<') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut chunk = String::new();
    // A code span does not reach over an empty line.
    for line in text.split('\n') {
        if line.trim().is_empty() {
            Scan::new(&chunk.chars().collect::<Vec<_>>(), &mut out).run();
            out.push('\n');
            chunk.clear();
        } else {
            chunk.push_str(line);
            chunk.push('\n');
        }
    }
    Scan::new(&chunk.chars().collect::<Vec<_>>(), &mut out).run();
    out
}

/// What becomes of a tag.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An empty line.
    Break,
    Item,
    Cell,
    Link,
    Code,
    /// Nothing.
    Inline,
}

impl Kind {
    /// Only what documents do use: `<name>` and the like stand for something to be filled in.
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "br" | "p" | "para" | "div" | "ul" | "ol" | "dl" | "dt" | "dd" | "table" | "thead" | "tbody" | "tr"
            | "hr" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre" | "blockquote" => Self::Break,
            "li" => Self::Item,
            "td" | "th" => Self::Cell,
            "a" => Self::Link,
            "code" | "tt" => Self::Code,
            "b" | "i" | "u" | "s" | "em" | "strong" | "small" | "big" | "sub" | "sup" | "span" | "font" | "center"
            | "img" => Self::Inline,
            _ => return None,
        })
    }
}

struct Tag {
    kind: Kind,
    closing: bool,
    attributes: String,
    end: usize,
}

struct Scan<'t, 'o> {
    text: &'t [char],
    at: usize,
    out: &'o mut String,
    backticks: Backticks,
    /// Where the last comment ends; none is looked for behind it.
    last_comment_end: Option<usize>,
}

impl<'t, 'o> Scan<'t, 'o> {
    fn new(text: &'t [char], out: &'o mut String) -> Self {
        let last_comment_end = text.windows(3).rposition(|window| window == ['-', '-', '>']);
        Self { text, at: 0, out, backticks: Backticks::new(text), last_comment_end }
    }

    fn run(mut self) {
        while let Some(&character) = self.text.get(self.at) {
            match character {
                '`' => self.code_span(),
                '\\' => self.copy(2),
                '<' if self.comment() => {}
                '<' => match self.tag(self.at) {
                    Some(tag) => self.replace(&tag),
                    None => self.copy(1),
                },
                _ => self.copy(1),
            }
        }
    }

    fn copy(&mut self, count: usize) {
        self.out.extend(self.text.iter().skip(self.at).take(count));
        self.at += count;
    }

    fn code_span(&mut self) {
        let length = self.text.iter().skip(self.at).take_while(|&&character| character == '`').count();
        match self.backticks.closing(self.at + length, length) {
            Some(closing) => self.copy(closing + length - self.at),
            None => self.copy(length),
        }
    }

    fn comment(&mut self) -> bool {
        let starts = |at: usize, mark: &str| self.text.iter().skip(at).copied().take(mark.len()).eq(mark.chars());
        if !starts(self.at, "<!--") || self.last_comment_end.is_none_or(|end| end < self.at + 4) {
            return false;
        }
        match (self.at + 4..self.text.len()).find(|&at| starts(at, "-->")) {
            Some(end) => self.at = end + 3,
            None => return false,
        }
        true
    }

    /// The tag that starts there, if it is one that is known.
    fn tag(&self, at: usize) -> Option<Tag> {
        let inside = self.text.get(at + 1..)?.iter().take(MAX_TAG);
        let end = inside.clone().position(|&character| matches!(character, '<' | '>'))?;
        if self.text.get(at + 1 + end) != Some(&'>') {
            return None;
        }
        let inside: String = inside.take(end).collect();
        let closing = inside.starts_with('/');
        let inside = inside.trim_start_matches('/').trim_end_matches('/');
        let (name, attributes) = inside.split_once(|character: char| character.is_whitespace()).unwrap_or((inside, ""));
        let kind = Kind::of(&name.to_ascii_lowercase())?;
        Some(Tag { kind, closing, attributes: attributes.to_owned(), end: at + 2 + end })
    }

    fn replace(&mut self, tag: &Tag) {
        self.at = tag.end;
        match tag.kind {
            Kind::Break => self.out.push_str("\n\n"),
            Kind::Item if tag.closing => self.out.push('\n'),
            Kind::Item => {
                self.out.push_str("\n- ");
                self.at += self.text.iter().skip(self.at).take_while(|character| character.is_whitespace()).count();
            }
            Kind::Cell => self.out.push(' '),
            Kind::Link if !tag.closing => self.link(tag),
            Kind::Code if !tag.closing => self.code(),
            Kind::Link | Kind::Code | Kind::Inline => {}
        }
    }

    /// `<a href="https://…">text</a>` becomes `[text](https://…)`; of others the text is left.
    fn link(&mut self, tag: &Tag) {
        let Some(url) = href(&tag.attributes) else { return };
        let Some((text, end)) = self.content(tag.kind) else { return };
        self.out.push_str(&format!("[{}](<{url}>)", text.replace(['[', ']', '`'], " ").trim()));
        self.at = end;
    }

    fn code(&mut self) {
        let Some((text, end)) = self.content(Kind::Code) else { return };
        // Two code spans side by side would be one.
        if self.out.ends_with('`') {
            self.out.push(' ');
        }
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        self.out.push_str(&inline_code(text.trim()));
        self.at = end;
    }

    /// What stands between the tag before and the closing one, and where that ends. No other tag may be between.
    fn content(&self, kind: Kind) -> Option<(String, usize)> {
        let length = self.text.get(self.at..)?.iter().take(MAX_TAG).position(|&character| character == '<')?;
        let closing = self.tag(self.at + length).filter(|tag| tag.closing && tag.kind == kind)?;
        Some((self.text.iter().skip(self.at).take(length).collect(), closing.end))
    }
}

/// The value of `href`, if it is an address on the web.
fn href(attributes: &str) -> Option<String> {
    let at = attributes.to_ascii_lowercase().find("href")?;
    let value = attributes.get(at + 4..)?.trim_start().strip_prefix('=')?.trim_start();
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value.get(1..)?.split(quote).next()?,
        _ => value.split_whitespace().next()?,
    };
    let address = value.trim();
    let web = address.starts_with("https://") || address.starts_with("http://");
    (web && !address.contains(char::is_whitespace)).then(|| address.to_owned())
}
