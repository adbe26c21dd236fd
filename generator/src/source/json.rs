//! JSON: values by serde_json, and a scanner that finds where they stand.

use std::ops::Range;

use serde_json::Value;

use super::tree::{Children, Member, Node};
use super::{Fault, MAX_DEPTH};
use crate::diag::Code;

/// What a text says.
pub(super) fn parse(text: &str) -> Result<Value, Fault> {
    serde_json::from_str(text).map_err(|error| {
        let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let start = text.floor_char_boundary(line_start + error.column().saturating_sub(1));
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        let help = match message {
            "recursion limit exceeded" => super::FLATTEN,
            "trailing comma" => "remove the comma",
            "trailing characters" => "a file holds one value: remove what follows it",
            _ if error.is_eof() => "the text ends too early: close what is open",
            _ => "mend the text at the mark; if it is meant to be YAML, call the file `.yaml`",
        };
        // The parser stops at what should not follow a comma; what is to go is the comma.
        let start = match message {
            "trailing comma" => text.get(..start).and_then(|before| before.rfind(',')).unwrap_or(start),
            _ => start,
        };
        let message = match message {
            "recursion limit exceeded" => format!("objects and arrays are nested more than {MAX_DEPTH} deep"),
            message => format!("not valid JSON: {message}"),
        };
        Fault { code: Code::Syntax, message, span: start..start + 1, help }
    })
}

/// Whether a text has more members than the value that serde_json made of it, and so has duplicate keys.
///
/// Counting the colons outside strings is far cheaper than finding where each key stands, which only a
/// document with duplicates has to pay for.
pub(super) fn lost_members(text: &str, value: &Value) -> bool {
    let mut colons = 0;
    let mut scanner = Scanner { text, at: 0 };
    while let Some(byte) = scanner.peek() {
        match byte {
            b'"' => drop(scanner.string()),
            _ => {
                colons += usize::from(byte == b':');
                scanner.at += 1;
            }
        }
    }
    colons != members(value)
}

fn members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

/// Where everything stands in a text that serde_json has taken, which also bounds the recursion.
pub(super) fn tree(text: &str) -> Node {
    Scanner { text, at: 0 }.node()
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn peek_past_space(&mut self) -> Option<u8> {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
        self.peek()
    }

    fn node(&mut self) -> Node {
        let first = self.peek_past_space();
        let start = self.at;
        let children = match first {
            Some(b'{') => Children::Members(self.members().into()),
            Some(b'[') => Children::Items(self.items()),
            Some(b'"') => {
                self.string();
                Children::None
            }
            _ => {
                while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
                    self.at += 1;
                }
                Children::None
            }
        };
        Node { span: start..self.at, children }
    }

    fn members(&mut self) -> Vec<Member> {
        let mut members = Vec::new();
        self.at += 1;
        loop {
            match self.peek_past_space() {
                Some(b',') => self.at += 1,
                Some(b'"') => {
                    let key_span = self.string();
                    if self.peek_past_space() == Some(b':') {
                        self.at += 1;
                    }
                    let key = self.text.get(key_span.clone()).unwrap_or_default();
                    let key = serde_json::from_str(key).unwrap_or_default();
                    members.push(Member { key, key_span, value: self.node() });
                }
                _ => break,
            }
        }
        self.at += 1;
        members
    }

    fn items(&mut self) -> Vec<Node> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            match self.peek_past_space() {
                Some(b',') => self.at += 1,
                Some(b']' | b'}') | None => break,
                Some(_) => items.push(self.node()),
            }
        }
        self.at += 1;
        items
    }

    /// Steps over a string and gives its bytes, with the quotes.
    fn string(&mut self) -> Range<usize> {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => self.at += 1,
                _ => {}
            }
        }
        start..self.at
    }
}
