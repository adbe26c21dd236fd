//! What a query asks of a row.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::json;

/// A step of a path into a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Into the property of that name.
    Name(Box<str>),
    /// Into the item of an array, counted from zero.
    Index(usize),
}

/// A row of a collection, which need not be one piece of JSON, or JSON at all.
///
/// [`JsonRow`] is one over JSON text, and [`Value`] is one, too. A store that keeps parts apart answers by the first
/// step, and leaves the rest to [`find_in_json`](super::find_in_json):
///
/// ```
/// use iothub_emulator::query::{Condition, Item, Row, Step, find_in_json};
///
/// struct Twin {
///     id: String,
///     tags: Vec<u8>,
/// }
///
/// impl Row for Twin {
///     fn get(&self, path: &[Step]) -> Option<Item<'_>> {
///         let (Step::Name(first), rest) = path.split_first()? else { return None };
///         match &**first {
///             "deviceId" if rest.is_empty() => Some(Item::String(self.id.as_str().into())),
///             "tags" => Item::from_json(find_in_json(&self.tags, rest)?),
///             _ => None,
///         }
///     }
/// }
///
/// let twin = Twin { id: "thermostat-7".into(), tags: br#"{"floor":2}"#.to_vec() };
/// assert!(Condition::parse("tags.floor > 1")?.matches(&twin));
/// # Ok::<(), iothub_emulator::query::ParseError>(())
/// ```
pub trait Row {
    /// What stands at a path, and `None` if nothing does. The empty path is the whole row, as `SELECT *` answers it.
    ///
    /// The names that all twins or jobs have come as documents spell them (`deviceId`), however the query does.
    fn get(&self, path: &[Step]) -> Option<Item<'_>>;
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Item<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(Cow<'a, str>),
    /// Any value, as JSON text.
    Json(&'a [u8]),
    /// Any value.
    Value(Cow<'a, Value>),
}

impl<'a> Item<'a> {
    /// Reads a piece of JSON text as far as it takes to compare it: arrays and objects are left for later. `None` is for
    /// text that does not begin as JSON does.
    ///
    /// Borrows, unless a string has escapes.
    pub fn from_json(text: &'a [u8]) -> Option<Self> {
        let text = text.trim_ascii();
        match text.first()? {
            b'{' | b'[' => Some(Self::Json(text)),
            b'"' => json::string(text).map(Self::String),
            b't' if text == b"true" => Some(Self::Bool(true)),
            b'f' if text == b"false" => Some(Self::Bool(false)),
            b'n' if text == b"null" => Some(Self::Null),
            _ => json::number(text).map(Self::Number),
        }
    }

    /// As a value of its own. `None` is for text that is no JSON.
    pub fn into_value(self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(number) => Value::Number(number),
            Self::String(text) => Value::String(text.into_owned()),
            Self::Json(text) => serde_json::from_slice(text).ok()?,
            Self::Value(value) => value.into_owned(),
        })
    }
}

impl<'a> From<&'a Value> for Item<'a> {
    fn from(value: &'a Value) -> Self {
        Self::Value(Cow::Borrowed(value))
    }
}

impl From<Value> for Item<'_> {
    fn from(value: Value) -> Self {
        Self::Value(Cow::Owned(value))
    }
}

/// A row that is one piece of JSON text. Of a text that is no JSON it finds what it finds, or nothing.
#[derive(Clone, Copy, Debug)]
pub struct JsonRow<'a>(pub &'a [u8]);

impl Row for JsonRow<'_> {
    fn get(&self, path: &[Step]) -> Option<Item<'_>> {
        Item::from_json(json::find_in_json(self.0, path)?)
    }
}

impl Row for Value {
    fn get(&self, path: &[Step]) -> Option<Item<'_>> {
        let mut value = self;
        for step in path {
            value = match step {
                Step::Name(name) => value.as_object()?.get(&**name)?,
                Step::Index(index) => value.as_array()?.get(*index)?,
            };
        }
        Some(value.into())
    }
}

impl<R: Row + ?Sized> Row for &R {
    fn get(&self, path: &[Step]) -> Option<Item<'_>> {
        (**self).get(path)
    }
}
