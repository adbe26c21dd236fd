//! What a file is made of, apart from its texts: the tokens of Rust, and what Markdown makes of comments.

use std::collections::HashMap;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag};
use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};

use crate::sink::OutputFile;
use crate::visible::is_invisible;

const KEYWORDS: &[&str] = &[
    "as",
    "async",
    "await",
    "const",
    "crate",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "macro_rules",
    "match",
    "mod",
    "move",
    "mut",
    "pub",
    "ref",
    "return",
    "self",
    "Self",
    "static",
    "struct",
    "super",
    "trait",
    "true",
    "type",
    "union",
    "unsafe",
    "use",
    "where",
    "while",
    "yield",
];

/// The extensions that rustdoc turns on.
const RUSTDOC: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_SMART_PUNCTUATION);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// Punctuation, keywords, numbers, lifetimes: as they are.
    Fixed(String),
    Ident(String),
    /// With what it stands for.
    Text(String),
    /// A doc comment of one or more lines, as what in it is more than text.
    Doc(&'static str, Vec<String>),
    Comment(String),
}

/// Two outputs that should be the same but for the texts: the one with harmless ones, and the other.
pub(super) struct Comparison<'t> {
    /// A word that is in each of the harmless texts and nowhere else.
    pub mark: &'t str,
    /// Pairs of harmless and hostile texts.
    pub texts: &'t [(String, String)],
}

impl Comparison<'_> {
    /// What is different, if anything is.
    pub(super) fn difference(&self, harmless: &[OutputFile], hostile: &[OutputFile]) -> Result<(), String> {
        if harmless.len() != hostile.len() {
            return Err(format!("{} files rather than {}", hostile.len(), harmless.len()));
        }
        let mut names = HashMap::new();
        for (left, right) in harmless.iter().zip(hostile) {
            let said = |what: String| format!("{}: {what}", right.path);
            self.path(&left.path, &right.path).map_err(said)?;
            visible(&right.contents).map_err(said)?;
            let extension = right.path.rsplit('.').next();
            match extension {
                Some("rs") => self.code(&left.contents, &right.contents, &mut names).map_err(said)?,
                Some("md") => {
                    self.all(&dangers(&left.contents), &dangers(&right.contents)).map_err(said)?;
                }
                _ if left.contents == right.contents || left.contents.contains(self.mark) => {}
                _ => return Err(said("other contents".to_owned())),
            }
        }
        Ok(())
    }

    fn path(&self, left: &str, right: &str) -> Result<(), String> {
        let steps = |path: &str| path.split('/').count();
        let plain = right.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_.".contains(&byte));
        if steps(left) != steps(right) || !plain || right.contains("..") || (!self.marked(left) && left != right) {
            return Err(format!("where {left} would have been"));
        }
        Ok(())
    }

    fn marked(&self, text: &str) -> bool {
        text.replace('_', "").to_ascii_lowercase().contains(self.mark)
    }

    fn code(&self, left: &str, right: &str, names: &mut HashMap<String, String>) -> Result<(), String> {
        let (left, right) = (tokens(left)?, tokens(right)?);
        let mut before = Vec::new();
        for (left, right) in left.iter().zip(&right) {
            before.push(right);
            let same = match (left, right) {
                (Token::Ident(left), Token::Ident(right)) => self.ident(left, right, names),
                (Token::Text(left), Token::Text(right)) => self.text(left, right),
                (Token::Doc(left, one), Token::Doc(right, other)) => left == right && self.all(one, other).is_ok(),
                _ => left == right,
            };
            if !same {
                let before = &before[before.len().saturating_sub(12)..];
                return Err(format!("{right:?} rather than {left:?} at the end of {before:?}"));
            }
        }
        match left.len() == right.len() {
            true => Ok(()),
            false => Err(format!("{} tokens rather than {}", right.len(), left.len())),
        }
    }

    /// What does not stem from the text is as it was; what does is called the same wherever it stands.
    fn ident(&self, left: &str, right: &str, names: &mut HashMap<String, String>) -> bool {
        if self.marked(left) {
            names.entry(left.to_owned()).or_insert_with(|| right.to_owned()) == right
        } else {
            left == right
        }
    }

    /// A literal stands for the text itself, or for that as a path has it.
    fn text(&self, left: &str, right: &str) -> bool {
        if !left.contains(self.mark) {
            return left == right;
        }
        let mut expected = left.to_owned();
        for (harmless, hostile) in self.texts.iter().rev() {
            expected = expected.replace(harmless, hostile);
        }
        let is_path = left.starts_with('/') && right.starts_with('/');
        let of_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%{}".contains(&byte);
        // An operation's id may be made from its path.
        let is_name = right.bytes().all(|byte| byte.is_ascii_alphanumeric());
        expected == right || is_name || (is_path && right.bytes().all(of_path))
    }

    fn all(&self, left: &[String], right: &[String]) -> Result<(), String> {
        let same =
            |left: &String, right: &String| left == right || (self.marked(left) && right.starts_with("our link"));
        match left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right)) {
            true => Ok(()),
            false => Err(format!("Markdown has {right:?} rather than {left:?}")),
        }
    }
}

/// That a reader sees all there is, as it is.
fn visible(text: &str) -> Result<(), String> {
    match text.chars().find(|&one| one != '\n' && (one.is_control() || is_invisible(one))) {
        None => Ok(()),
        Some(found) => Err(format!("the character {found:?} in it")),
    }
}

fn tokens(code: &str) -> Result<Vec<Token>, String> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut docs: Option<(&'static str, String)> = None;
    let mut start = 0;
    for token in tokenize(code, FrontmatterAllowed::Yes) {
        let end = start + token.len as usize;
        let text = &code[start..end];
        start = end;
        let doc = [("///", "outer"), ("//!", "inner")].into_iter().find_map(|(mark, kind)| {
            let is_line = matches!(token.kind, TokenKind::LineComment { doc_style: Some(_) });
            text.strip_prefix(mark).filter(|_| is_line).map(|line| (kind, line))
        });
        match (doc, &mut docs) {
            (_, Some(_)) if token.kind == TokenKind::Whitespace => continue,
            (Some((kind, line)), Some((open, lines))) if kind == *open => {
                lines.push_str(line.strip_prefix(' ').unwrap_or(line));
                lines.push('\n');
                continue;
            }
            (Some((kind, line)), before) => {
                tokens.extend(before.take().map(|(kind, text)| Token::Doc(kind, dangers(&text))));
                docs = Some((kind, format!("{}\n", line.strip_prefix(' ').unwrap_or(line))));
                continue;
            }
            (None, before) => tokens.extend(before.take().map(|(kind, text)| Token::Doc(kind, dangers(&text)))),
        }
        if token.kind == TokenKind::Whitespace {
            continue;
        }
        if matches!(text, "}" | "]" | ")") {
            // Where a line is broken, one stands that would not be there otherwise.
            tokens.pop_if(|last| *last == Token::Fixed(",".to_owned()));
        }
        tokens.push(plain(token.kind, text)?);
    }
    tokens.extend(docs.map(|(kind, text)| Token::Doc(kind, dangers(&text))));
    Ok(tokens)
}

fn plain(kind: TokenKind, text: &str) -> Result<Token, String> {
    let own = text.to_owned();
    Ok(match kind {
        TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => Token::Comment(own),
        TokenKind::Ident if !KEYWORDS.contains(&text) => Token::Ident(own),
        TokenKind::RawIdent => Token::Ident(own),
        TokenKind::Literal { kind: LiteralKind::Str { terminated: true }, .. } if !text.contains('\n') => {
            Token::Text(unescaped(text)?)
        }
        TokenKind::Ident | TokenKind::Literal { kind: LiteralKind::Int { .. }, .. } => Token::Fixed(own),
        TokenKind::Lifetime { starts_with_number: false } => Token::Fixed(own),
        _ if text.len() == 1 => Token::Fixed(own),
        other => return Err(format!("{other:?}: {text:?}")),
    })
}

/// What a string literal stands for.
fn unescaped(literal: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or("quotes")?.chars();
    while let Some(character) = rest.next() {
        text.push(match character {
            '\\' => match rest.next() {
                Some('n') => '\n',
                Some(itself @ ('"' | '\\')) => itself,
                Some('u') => {
                    let number: String = rest.by_ref().take_while(|&one| one != '}').skip(1).collect();
                    u32::from_str_radix(&number, 16).ok().and_then(char::from_u32).ok_or(number)?
                }
                other => return Err(format!("the escape {other:?}")),
            },
            other => other,
        });
    }
    Ok(text)
}

/// What of Markdown is more than text: what runs, loads, leads elsewhere, or is taken for the structure of the page.
fn dangers(markdown: &str) -> Vec<String> {
    let mut broken = |link: pulldown_cmark::BrokenLink<'_>| -> Option<(CowStr<'_>, CowStr<'_>)> {
        Some((link.reference.to_string().into(), "".into()))
    };
    let mut found = Vec::new();
    for event in Parser::new_with_broken_link_callback(markdown, RUSTDOC, Some(&mut broken)) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) if is_web(&dest_url) => {}
            Event::Start(Tag::Link { dest_url, .. }) => found.push(format!("our link {dest_url}")),
            Event::Start(
                Tag::Paragraph
                | Tag::Item
                | Tag::List(_)
                | Tag::Emphasis
                | Tag::Strong
                | Tag::TableRow
                | Tag::TableCell,
            ) => {}
            Event::Start(other) => found.push(format!("{other:?}")),
            Event::End(_) | Event::Text(_) | Event::Code(_) | Event::SoftBreak | Event::HardBreak => {}
            other => found.push(format!("{other:?}")),
        }
    }
    found
}

fn is_web(url: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}
