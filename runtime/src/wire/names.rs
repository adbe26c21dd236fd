//! What a name in an object stands for.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use super::Model;

/// The key under which serde_json hands over numbers when its feature `arbitrary_precision` is on.
const NUMBER: &str = "$serde_json::private::Number";

/// The name under which serde_json is asked for a value's text, and the key under which it hands it over
/// ([`serde_json::value::RawValue`]). Formats that do not know it hand over the value.
pub(super) const RAW: &str = "$serde_json::private::RawValue";

/// The names that stand for something else than an object.
pub(super) static MARKS: Model = Model { fields: &[RAW, NUMBER], ..FREE };

/// An object of any names.
const FREE: Model = Model { name: "", fields: &[], required: &[], aliases: &[], tag: None, open: true };
pub(super) static ANY: Model = FREE;

/// What a name in an object stands for.
pub(super) enum Found<'de> {
    Field(usize),
    /// A property that is not known and not kept.
    Ignored,
    /// One that is kept.
    Other(Cow<'de, str>),
    /// The object is none but a number.
    Number,
}

/// Finds a name in a model's table, looking first where it would stand if the names came in the table's order.
pub(super) struct Key {
    pub(super) model: &'static Model,
    pub(super) next: usize,
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found<'de>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Found<'de>, E> {
        Ok(self.model.find(name, self.next).unwrap_or(Found::Other(Cow::Borrowed(name))))
    }

    fn visit_str<E>(self, name: &str) -> Result<Found<'de>, E> {
        Ok(self.model.find(name, self.next).unwrap_or_else(|| Found::Other(Cow::Owned(name.to_owned()))))
    }
}

impl Model {
    /// The name of a field on the wire.
    pub(super) fn field(&self, index: usize) -> &'static str {
        self.fields.get(index).copied().unwrap_or_default()
    }

    /// What a name stands for; `None` for one that is kept.
    fn find(&self, name: &str, next: usize) -> Option<Found<'static>> {
        let fields = self.fields;
        if fields.get(next).is_some_and(|field| *field == name) {
            return Some(Found::Field(next));
        }
        if let Some(index) = fields.iter().position(|field| *field == name) {
            return Some(Found::Field(index));
        }
        if let Some((_, index)) = self.aliases.iter().find(|(alias, _)| *alias == name) {
            return Some(Found::Field(*index));
        }
        if name == NUMBER {
            return Some(Found::Number);
        }
        let kept = self.open && self.tag.is_none_or(|(tag, _)| tag != name);
        (!kept).then_some(Found::Ignored)
    }
}
