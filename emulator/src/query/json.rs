//! One value out of JSON text, without reading the rest of it.

use std::borrow::Cow;

use serde_json::Number;

use super::row::Step;

/// The text of the value at a path, without the blanks around it; the empty path is the whole text.
///
/// What stands before the value is skipped rather than read, which takes a fraction of a microsecond for a twin, and what
/// stands after it is not looked at. In an object that has a name twice, the first one counts. Any bytes are taken: where they
/// are no JSON, the answer is `None`, or some part of them.
///
/// ```
/// use iothub_emulator::query::{Step, find_in_json};
///
/// let twin = br#"{"deviceId":"a","tags":{"floors":[1,{"name":"roof"}]}}"#;
/// let path = [Step::Name("tags".into()), Step::Name("floors".into()), Step::Index(1)];
/// assert_eq!(find_in_json(twin, &path), Some(br#"{"name":"roof"}"#.as_slice()));
/// ```
pub fn find_in_json<'a>(json: &'a [u8], path: &[Step]) -> Option<&'a [u8]> {
    let mut scanner = Scanner { json, at: 0 };
    for step in path {
        match step {
            Step::Name(name) => scanner.enter_property(name.as_bytes())?,
            Step::Index(index) => scanner.enter_item(*index)?,
        }
    }
    scanner.skip_blanks();
    let start = scanner.at;
    scanner.skip_value()?;
    json.get(start..scanner.at)
}

/// Goes through JSON text, and only forward. It does not nest calls, however deep the text nests.
struct Scanner<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Goes to the value of a property of the object that begins here.
    fn enter_property(&mut self, name: &[u8]) -> Option<()> {
        self.expect(b'{')?;
        loop {
            self.skip_blanks();
            let (key, has_escapes) = self.quoted()?;
            self.expect(b':')?;
            if key == name || has_escapes && unescape(key).is_some_and(|key| key.as_bytes() == name) {
                return Some(());
            }
            self.skip_value()?;
            self.expect(b',')?;
        }
    }

    /// Goes to an item of the array that begins here.
    fn enter_item(&mut self, index: usize) -> Option<()> {
        self.expect(b'[')?;
        for _ in 0..index {
            self.skip_value()?;
            self.expect(b',')?;
        }
        Some(())
    }

    fn skip_value(&mut self) -> Option<()> {
        self.skip_blanks();
        match self.json.get(self.at)? {
            b'"' => self.quoted().map(|_| ()),
            b'{' | b'[' => self.skip_nested(),
            _ => self.skip_scalar(),
        }
    }

    /// Skips a number, `true`, `false` or `null`.
    fn skip_scalar(&mut self) -> Option<()> {
        let rest = self.json.get(self.at..)?;
        let length = rest.iter().position(|byte| !is_in_scalar(*byte)).unwrap_or(rest.len());
        self.at += length;
        (length > 0).then_some(())
    }

    /// Skips an array or object: to where as many are closed as were opened.
    fn skip_nested(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            let rest = self.json.get(self.at..)?;
            self.at += rest.iter().position(|byte| is_mark(*byte))?;
            match self.json.get(self.at)? {
                b'"' => {
                    self.quoted()?;
                    continue;
                }
                b'{' | b'[' => open += 1,
                _ => open -= 1,
            }
            self.at += 1;
            if open == 0 {
                return Some(());
            }
        }
    }

    /// What stands between the quotes that begin here, and whether it has escapes.
    fn quoted(&mut self) -> Option<(&'a [u8], bool)> {
        if *self.json.get(self.at)? != b'"' {
            return None;
        }
        let start = self.at + 1;
        let mut end = start;
        let mut has_escapes = false;
        loop {
            let rest = self.json.get(end..)?;
            end += rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            if *self.json.get(end)? == b'"' {
                break;
            }
            has_escapes = true;
            end += 2;
        }
        self.at = end + 1;
        Some((self.json.get(start..end)?, has_escapes))
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip_blanks();
        if *self.json.get(self.at)? != byte {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn skip_blanks(&mut self) {
        while self.json.get(self.at).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
}

/// What begins or ends strings, arrays and objects.
fn is_mark(byte: u8) -> bool {
    matches!(byte, b'"' | b'{' | b'}' | b'[' | b']')
}

fn is_in_scalar(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'+' | b'.' | b'E')
}

/// A string out of its text with the quotes.
pub(crate) fn string(text: &[u8]) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inner.contains(&b'\\') {
        return unescape(inner).map(Cow::Owned);
    }
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
}

fn unescape(inner: &[u8]) -> Option<String> {
    serde_json::from_slice(&[b"\"", inner, b"\""].concat()).ok()
}

/// A number out of its text.
pub(crate) fn number(text: &[u8]) -> Option<Number> {
    match small_integer(text) {
        Some(integer) => Some(integer.into()),
        None => serde_json::from_slice(text).ok(),
    }
}

/// What most numbers are, and is read faster than others.
fn small_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    // Zero is for others: `-0` and `01` are none of these.
    if digits.len() > 18 || !matches!(digits.first()?, b'1'..=b'9') {
        return None;
    }
    let mut value = 0_i64;
    for digit in digits {
        value = value * 10 + i64::from(char::from(*digit).to_digit(10)?);
    }
    Some(if negative { -value } else { value })
}
