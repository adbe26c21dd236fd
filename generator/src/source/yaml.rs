//! YAML 1.2 with its core schema, over the events of `saphyr-parser`.
//!
//! The events carry the places that diagnostics need, and building the tree from them without recursion
//! keeps nesting and aliases within bounds, which saphyr's own loader does not.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Value};

use super::tree::{Children, Member, Node};
use super::{Fault, MAX_DEPTH};
use crate::diag::Code;

/// How many nodes and bytes of strings the aliases of a file may add to it. Nobody writes so much;
/// nine lines of nested aliases make a billion.
const MAX_EXPANSION: usize = 1 << 18;

/// What a text says, and where.
pub(super) fn parse(text: &str) -> Result<(Value, Node), Fault> {
    let offsets = Offsets::of(text);
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let start = offsets.byte(error.marker().index());
            if error.info().contains("recursion limit") {
                let message = format!("sequences and mappings are nested more than {MAX_DEPTH} deep");
                return syntax(start..start + 1, message, super::FLATTEN);
            }
            let help =
                "mend the text at the mark: look at indentation, quotes and brackets there and on the line before";
            syntax(start..start + 1, format!("not valid YAML: {}", error.info()), help)
        })?;
        builder.event(event, offsets.bytes(span))?;
    }
    Ok(builder.root.map_or_else(Default::default, |root| (root.value, root.node)))
}

fn syntax(span: Range<usize>, message: impl Into<String>, help: &'static str) -> Fault {
    Fault { code: Code::Syntax, message: message.into(), span, help }
}

const TAG: &str = "remove the tag";
const KEY: &str = "write the key as one word, or in quotes";
const SCALAR: &str = "remove the tag, or put the value in quotes";

/// From the characters that the parser counts to the bytes of a text.
struct Offsets {
    /// Byte offset of each character; `None` if that is its index.
    of_characters: Option<Vec<usize>>,
    end: usize,
}

impl Offsets {
    fn of(text: &str) -> Self {
        let of_characters = (!text.is_ascii()).then(|| text.char_indices().map(|(offset, _)| offset).collect());
        Self { of_characters, end: text.len() }
    }

    fn byte(&self, index: usize) -> usize {
        match &self.of_characters {
            Some(offsets) => offsets.get(index).copied().unwrap_or(self.end),
            None => index.min(self.end),
        }
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        self.byte(span.start.index())..self.byte(span.end.index())
    }
}

/// A value, and where it stands.
#[derive(Clone)]
struct Built {
    value: Value,
    node: Node,
}

/// A sequence or mapping that is not yet at its end.
struct Open {
    start: usize,
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence { values: Vec<Value>, nodes: Vec<Node> },
    Mapping { object: Map<String, Value>, members: Vec<Member>, key: Option<(String, Range<usize>)> },
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    /// By the parser's number; those that are complete.
    anchors: HashMap<usize, Built>,
    expansion: usize,
    root: Option<Built>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Range<usize>) -> Result<(), Fault> {
        match event {
            Event::SequenceStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "seq").map_err(|message| syntax(span.clone(), message, TAG))?;
                self.open(span, anchor, Content::Sequence { values: Vec::new(), nodes: Vec::new() })
            }
            Event::MappingStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "map").map_err(|message| syntax(span.clone(), message, TAG))?;
                self.open(span, anchor, Content::Mapping { object: Map::new(), members: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Scalar(text, style, anchor, tag) => {
                let (value, node) = if self.wants_key() {
                    (Value::String(text.into_owned()), Node { span, children: Children::None })
                } else {
                    let value = scalar(&text, style, tag.as_deref())
                        .map_err(|message| syntax(span.clone(), message, SCALAR))?;
                    (value, Node { span, children: Children::None })
                };
                self.complete(anchor, Built { value, node })
            }
            Event::Alias(anchor) => {
                let Some(built) = self.anchors.get(&anchor) else {
                    return Err(Fault {
                        code: Code::AliasBomb,
                        message: "an alias stands inside what it stands for".to_owned(),
                        span,
                        help: "describe what contains itself with `$ref`",
                    });
                };
                let mut built = built.clone();
                built.node.span = span;
                self.expand(&built)?;
                self.complete(0, built)
            }
            Event::DocumentStart(_) if self.root.is_some() => Err(syntax(
                span,
                "the file has a second document; only the first could be read",
                "put it into a file of its own",
            )),
            Event::DocumentStart(_) | Event::DocumentEnd | Event::StreamStart | Event::StreamEnd | Event::Nothing => {
                Ok(())
            }
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Mapping { key: None, .. }, .. }))
    }

    fn open(&mut self, span: Range<usize>, anchor: usize, content: Content) -> Result<(), Fault> {
        if self.wants_key() {
            return Err(syntax(span, "a key must be a scalar, not a sequence or a mapping", KEY));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(syntax(
                span,
                format!("sequences and mappings are nested more than {MAX_DEPTH} deep"),
                super::FLATTEN,
            ));
        }
        self.open.push(Open { start: span.start, anchor, content });
        Ok(())
    }

    fn close(&mut self, span: Range<usize>) -> Result<(), Fault> {
        let Some(Open { start, anchor, content }) = self.open.pop() else { return Ok(()) };
        let (value, children) = match content {
            Content::Sequence { values, nodes } => (Value::Array(values), Children::Items(nodes)),
            Content::Mapping { object, members, .. } => (Value::Object(object), Children::Members(members.into())),
        };
        self.complete(anchor, Built { value, node: Node { span: start..span.end, children } })
    }

    /// Puts a node where it belongs: a key, a value, an item or the document.
    fn complete(&mut self, anchor: usize, built: Built) -> Result<(), Fault> {
        if anchor != 0 {
            self.expand(&built)?;
            self.anchors.insert(anchor, built.clone());
        }
        let Built { value, node } = built;
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(Built { value, node }),
            Some(Content::Sequence { values, nodes }) => {
                values.push(value);
                nodes.push(node);
            }
            Some(Content::Mapping { object, members, key }) => match key.take() {
                None => *key = Some((key_text(value, &node)?, node.span)),
                Some((key, key_span)) => {
                    object.insert(key.clone(), value);
                    members.push(Member { key, key_span, value: node });
                }
            },
        }
        Ok(())
    }

    /// Counts a copy of a node.
    fn expand(&mut self, built: &Built) -> Result<(), Fault> {
        self.expansion += size(&built.value);
        if self.expansion > MAX_EXPANSION {
            return Err(Fault {
                code: Code::AliasBomb,
                message: "the aliases make the file far larger than it is written".to_owned(),
                span: built.node.span.clone(),
                help: "write the repeated parts once and refer to them with `$ref`",
            });
        }
        Ok(())
    }
}

/// An alias may stand for a key; then it is the scalar that counts.
fn key_text(value: Value, node: &Node) -> Result<String, Fault> {
    match value {
        Value::String(key) => Ok(key),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(syntax(node.span.clone(), "a key must be a scalar, not a sequence or a mapping", KEY)),
    }
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(object) => object.iter().map(|(key, value)| key.len() + size(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// The value of a scalar; the error says what is wrong with it.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let plain = || plain(text).map(|value| value.unwrap_or_else(|| text.into()));
    match tag {
        None if style == ScalarStyle::Plain => plain(),
        None => Ok(text.into()),
        Some(tag) if tag.is_yaml_core_schema() => {
            let value = match tag.suffix.as_str() {
                "str" => return Ok(text.into()),
                _ => plain()?,
            };
            let fits = match tag.suffix.as_str() {
                "null" => value.is_null(),
                "bool" => value.is_boolean(),
                "int" => value.is_i64() || value.is_u64(),
                "float" => value.is_number(),
                _ => false,
            };
            if fits { Ok(value) } else { Err(format!("`{text}` is no `!!{}` of the core schema", tag.suffix)) }
        }
        Some(tag) if is_non_specific(tag) => Ok(text.into()),
        Some(tag) => Err(unknown_tag(tag)),
    }
}

fn collection_tag(tag: Option<&Tag>, kind: &str) -> Result<(), String> {
    match tag {
        None => Ok(()),
        Some(tag) if is_non_specific(tag) || (tag.is_yaml_core_schema() && tag.suffix == kind) => Ok(()),
        Some(tag) => Err(unknown_tag(tag)),
    }
}

/// The tag `!`: whatever the kind of the node says.
fn is_non_specific(tag: &Tag) -> bool {
    tag.handle.is_empty() && tag.suffix == "!"
}

fn unknown_tag(tag: &Tag) -> String {
    format!("the tag `{tag}` means nothing here")
}

/// What the core schema (YAML 1.2.2, 10.3.2) makes of a plain scalar; `None` for a string.
fn plain(text: &str) -> Result<Option<Value>, String> {
    Ok(Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => return number(text),
    }))
}

/// Numbers go through serde_json, so that they are the same as in a JSON file.
fn number(text: &str) -> Result<Option<Value>, String> {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => ("-", text.get(1..)),
        Some(b'+') => ("", text.get(1..)),
        _ => ("", Some(text)),
    };
    let digits = digits.unwrap_or_default();
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err(format!("`{text}` is a number that JSON does not have; quote it if it is a string"));
    }
    let too_large = || format!("the number `{text}` is too large");
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix).filter(|digits| is_all(digits, |c| c.is_digit(radix))) {
            return u64::from_str_radix(digits, radix).map(|number| Some(number.into())).map_err(|_| too_large());
        }
    }
    let Some(json) = decimal(sign, digits) else { return Ok(None) };
    serde_json::from_str(&json).map(Some).map_err(|_| too_large())
}

/// A decimal number as JSON writes it, which takes neither `.5` nor `1.` nor `007`.
fn decimal(sign: &str, digits: &str) -> Option<String> {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let fraction_digits = fraction.unwrap_or_default();
    let digits_only = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits_only(whole) || !digits_only(fraction_digits) || (whole.is_empty() && fraction_digits.is_empty()) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let mut json = format!("{sign}{}", if whole.is_empty() { "0" } else { whole });
    if fraction.is_some() {
        json.push('.');
        json.push_str(if fraction_digits.is_empty() { "0" } else { fraction_digits });
    }
    if let Some(exponent) = exponent {
        if !is_all(exponent.strip_prefix(['+', '-']).unwrap_or(exponent), |c| c.is_ascii_digit()) {
            return None;
        }
        json.push('e');
        json.push_str(exponent);
    }
    Some(json)
}

fn is_all(text: &str, digit: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(digit)
}
