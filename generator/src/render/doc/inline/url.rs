//! Addresses on the web, as they stand in prose.

/// An address.
pub(super) struct Url(String);

impl Url {
    pub(super) fn new(address: &str) -> Self {
        Self(address.replace("&amp;", "&"))
    }

    pub(super) fn as_written(&self) -> &str {
        &self.0
    }

    /// Whether something has to be filled in first: `https://{account}.blob.core.windows.net`.
    pub(super) fn is_template(&self) -> bool {
        let pair =
            |open, close| self.0.find(open).is_some_and(|at| self.0.get(at..).is_some_and(|rest| rest.contains(close)));
        pair('{', '}') || pair('<', '>')
    }

    /// Whether it leads to another place of the same page or site.
    pub(super) fn is_local(&self) -> bool {
        ["#", "/", "./", "../"].iter().any(|start| self.0.starts_with(start))
    }

    pub(super) fn autolink(&self) -> String {
        format!("<{}>", self.encoded(false))
    }

    pub(super) fn destination(&self) -> String {
        self.encoded(true)
    }

    /// Without characters that a URL may not have, or that end it.
    fn encoded(&self, parentheses: bool) -> String {
        let mut encoded = String::with_capacity(self.0.len());
        for character in self.0.chars() {
            match character {
                ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' | '[' | ']' => {
                    encoded.push_str(&format!("%{:02X}", u32::from(character)));
                }
                '(' if parentheses => encoded.push_str("%28"),
                ')' if parentheses => encoded.push_str("%29"),
                other => encoded.push(other),
            }
        }
        encoded
    }
}

/// The length of the `https://` that a text starts with, also if it is written with backslashes.
pub(super) fn starting(text: &[char]) -> Option<usize> {
    let mut at = 0;
    for expected in "http".chars() {
        text.get(at).filter(|character| character.eq_ignore_ascii_case(&expected))?;
        at += 1;
    }
    if text.get(at).is_some_and(|character| character.eq_ignore_ascii_case(&'s')) {
        at += 1;
    }
    for expected in "://".chars() {
        if text.get(at) == Some(&'\\') {
            at += 1;
        }
        text.get(at).filter(|&&character| character == expected)?;
        at += 1;
    }
    Some(at)
}

/// How long the URL is that a text starts with, without the punctuation of the sentence; the scheme is `start` long.
pub(super) fn length(text: &[char], start: usize) -> Option<usize> {
    let mut end = start;
    while let Some(&character) = text.get(end) {
        match character {
            '<' => match placeholder(text.get(end..)?) {
                Some(length) => end += length,
                None => break,
            },
            '>' | '"' | '`' | '[' | ']' | '|' | '\\' => break,
            other if other.is_whitespace() => break,
            _ => end += 1,
        }
    }
    let length = trimmed(text, end);
    (length > start).then_some(length)
}

/// The length of a `<name>` that is to be filled in.
fn placeholder(text: &[char]) -> Option<usize> {
    let name = text.get(1..)?;
    let length = name.iter().take(40).position(|&character| character == '>')?;
    let mut name = name.iter().take(length);
    let valid =
        length > 0 && name.all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | ' '));
    valid.then_some(length + 2)
}

/// Without what belongs to the sentence around.
fn trimmed(text: &[char], mut end: usize) -> usize {
    let address = text.get(..end).unwrap_or_default();
    let count = |mark| address.iter().filter(|&&character| character == mark).count();
    let mut surplus_parentheses = count(')').saturating_sub(count('('));
    let mut surplus_braces = count('}').saturating_sub(count('{'));
    while let Some(&last) = end.checked_sub(1).and_then(|last| text.get(last)) {
        match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '’' | '”' => {}
            ')' if surplus_parentheses > 0 => surplus_parentheses -= 1,
            '}' if surplus_braces > 0 => surplus_braces -= 1,
            _ => break,
        }
        end -= 1;
    }
    end
}

/// The address in the parentheses that a text starts with, and how long they are; a title is passed over.
///
/// Only one on the web, or a local one.
pub(super) fn parenthesized(text: &[char]) -> Option<(Url, usize)> {
    text.first().filter(|&&first| first == '(')?;
    let text = text.get(..text.len().min(MAX_PARENTHESES))?;
    let start = skip_blank(text, 1);
    let (from, to, after) = if text.get(start) == Some(&'<') {
        let to = start + text.get(start..)?.iter().position(|&character| character == '>')?;
        (start + 1, to, to + 1)
    } else {
        let to = start + balanced(text.get(start..)?);
        (start, to, to)
    };
    let end = closing(text, skip_blank(text, after))?;
    let inside = text.get(from..to)?;
    let address: String = inside.iter().collect();
    if address.contains([' ', '\n', '<']) {
        return None;
    }
    let url = Url::new(&address);
    (url.is_local() || starting(inside).is_some()).then_some((url, end + 1))
}

/// How long an address with a title may be.
const MAX_PARENTHESES: usize = 2_000;

fn skip_blank(text: &[char], at: usize) -> usize {
    at + text.iter().skip(at).take_while(|character| character.is_whitespace()).count()
}

/// How much there is before a blank or a parenthesis that closes none.
fn balanced(text: &[char]) -> usize {
    let mut depth = 0_usize;
    for (at, &character) in text.iter().enumerate() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            other if other.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

/// Where the closing parenthesis stands, behind a title if there is one.
fn closing(text: &[char], at: usize) -> Option<usize> {
    match text.get(at)? {
        ')' => Some(at),
        quote @ ('"' | '\'') => {
            let length = text.get(at + 1..)?.iter().position(|character| character == quote)?;
            let end = skip_blank(text, at + length + 2);
            text.get(end).filter(|&&character| character == ')').map(|_| end)
        }
        _ => None,
    }
}
