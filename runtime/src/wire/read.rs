//! Reading: any of serde's formats into a [`Slot`].
//!
//! Nothing here depends on a model, only on the format: one visitor serves every type. An error names the field's path and
//! what was expected there, never the value that was found.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::show::kind;
use super::{Model, Object, REST, Slot, Union};

/// The key under which serde_json hands over numbers when its feature `arbitrary_precision` is on.
const NUMBER: &str = "$serde_json::private::Number";

/// Why a value could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadError {
    path: Vec<Step>,
    what: Option<What>,
    /// What the format itself says, where the text is not well formed.
    syntax: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Mismatch { expected: &'static str, found: &'static str },
    Missing(&'static str),
    OutOfRange(&'static str),
}

impl ReadError {
    /// Where: the names and indexes from the outermost value on, e.g. `authentication.symmetricKey` or `[2].deviceId`; empty for
    /// the outermost value itself.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.path.iter().rev() {
            match step {
                Step::Name(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        match (self.what, &self.syntax) {
            (Some(What::Mismatch { expected, found }), _) => write!(f, "expected {expected}, found {found}"),
            (Some(What::Missing(name)), _) => write!(f, "the property `{name}` is missing"),
            (Some(What::OutOfRange(expected)), _) => write!(f, "expected {expected}, found a number out of its range"),
            (None, Some(syntax)) => f.write_str(syntax),
            (None, None) => f.write_str("not readable"),
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads JSON text into a slot.
///
/// # Errors
///
/// Where the text is not JSON, or not the JSON that the slot takes.
pub fn from_json(json: &[u8], slot: Slot<'_>) -> Result<(), ReadError> {
    let mut error = ReadError::default();
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let result = Seed { slot, error: &mut error }.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match result {
        Ok(()) => Ok(()),
        Err(syntax) => {
            if error.what.is_none() {
                error.syntax = Some(syntax.to_string());
            }
            Err(error)
        }
    }
}

/// Reads a value in the format of a deserializer.
///
/// # Errors
///
/// The deserializer's own; for a value of the wrong kind one that has the path and the expected kind.
pub fn deserialize<'de, D: Deserializer<'de>>(slot: Slot<'_>, deserializer: D) -> Result<(), D::Error> {
    let mut error = ReadError::default();
    Seed { slot, error: &mut error }.deserialize(deserializer).map_err(|own| {
        if error.what.is_some() { D::Error::custom(&error) } else { own }
    })
}

struct Seed<'a, 'e> {
    slot: Slot<'a>,
    error: &'e mut ReadError,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.slot {
            Slot::Ignored => IgnoredAny::deserialize(deserializer).map(drop),
            Slot::Value(value) => {
                *value = Value::deserialize(deserializer)?;
                Ok(())
            }
            Slot::Number(number) => {
                let text = Box::<RawValue>::deserialize(deserializer)?;
                match number.set(text.get()) {
                    Ok(()) => Ok(()),
                    Err(expected) => Err(self.error.fail(What::Mismatch { expected, found: raw_kind(text.get()) })),
                }
            }
            Slot::Option(option) if option.is_number() => {
                let text = Box::<RawValue>::deserialize(deserializer)?;
                if text.get() == "null" {
                    option.set_null();
                    return Ok(());
                }
                let Slot::Number(number) = option.fill().present() else { return Ok(()) };
                match number.set(text.get()) {
                    Ok(()) => Ok(()),
                    Err(expected) => Err(self.error.fail(What::Mismatch { expected, found: raw_kind(text.get()) })),
                }
            }
            Slot::Union(union) => {
                let value = Value::deserialize(deserializer)?;
                read_union(union, &value, self.error).map_err(D::Error::custom)
            }
            slot => deserializer.deserialize_any(Take { slot, error: self.error }),
        }
    }
}

fn raw_kind(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

fn read_union(union: &mut dyn Union, value: &Value, error: &mut ReadError) -> Result<(), &'static str> {
    let Value::Object(object) = value else {
        error.what = Some(What::Mismatch { expected: "an object", found: kind(value) });
        return Err("not an object");
    };
    let slot = union.choose(object.get(union.tag()).and_then(Value::as_str));
    Seed { slot, error }.deserialize(value).map_err(|_| "not readable")
}

impl ReadError {
    fn fail<E: serde::de::Error>(&mut self, what: What) -> E {
        self.what = Some(what);
        E::custom(&*self)
    }

    fn mismatch<E: serde::de::Error>(&mut self, slot: &Slot<'_>, found: &'static str) -> E {
        self.fail(What::Mismatch { expected: slot.expected(), found })
    }
}

/// Takes whatever the format has into a slot.
struct Take<'a, 'e> {
    slot: Slot<'a>,
    error: &'e mut ReadError,
}

impl Take<'_, '_> {
    fn put<E: serde::de::Error>(self, found: &'static str, put: impl FnOnce(&mut Slot<'_>) -> Result<bool, What>) -> Result<(), E> {
        let mut slot = self.slot.present();
        match put(&mut slot) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.error.mismatch(&slot, found)),
            Err(what) => Err(self.error.fail(what)),
        }
    }
}

impl Slot<'_> {
    fn expected(&self) -> &'static str {
        match self {
            Self::Ignored | Self::Value(_) => "any value",
            Self::Bool(_) => "a boolean",
            Self::I32(_) => "a 32-bit integer",
            Self::I64(_) => "a 64-bit integer",
            Self::U64(_) => "a 64-bit integer that is not negative",
            Self::F32(_) | Self::F64(_) | Self::Number(_) => "a number",
            Self::Digits(_) => "an integer",
            Self::String(_) | Self::OptionalString(_) | Self::Text(_) => "a string",
            Self::Option(_) => "a value",
            Self::List(_) => "an array",
            Self::Map(_) | Self::Object(_) | Self::Union(_) => "an object",
        }
    }
}

impl<'a> Slot<'a> {
    /// The slot of the value itself, where one is known to be there.
    fn present(self) -> Self {
        match self {
            Self::Option(option) => option.fill().present(),
            Self::OptionalString(option) => Self::String(option.insert(String::new())),
            slot => slot,
        }
    }
}

impl<'de> Visitor<'de> for Take<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slot.expected())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        match self.slot {
            Slot::Option(option) => option.set_null(),
            Slot::OptionalString(option) => *option = None,
            Slot::Value(value) => *value = Value::Null,
            slot => return Err(self.error.mismatch(&slot, "null")),
        }
        Ok(())
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        Seed { slot: self.slot, error: self.error }.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        Seed { slot: self.slot, error: self.error }.deserialize(deserializer)
    }

    fn visit_bool<E: serde::de::Error>(self, found: bool) -> Result<(), E> {
        self.put("a boolean", |slot| {
            match slot {
                Slot::Bool(value) => **value = found,
                Slot::Value(value) => **value = Value::Bool(found),
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    fn visit_i64<E: serde::de::Error>(self, found: i64) -> Result<(), E> {
        self.put("a number", |slot| put_i64(slot, found))
    }

    fn visit_u64<E: serde::de::Error>(self, found: u64) -> Result<(), E> {
        self.put("a number", |slot| match i64::try_from(found) {
            Ok(small) => put_i64(slot, small),
            Err(_) => put_u64(slot, found),
        })
    }

    fn visit_f64<E: serde::de::Error>(self, found: f64) -> Result<(), E> {
        self.put("a number", |slot| put_f64(slot, found))
    }

    fn visit_str<E: serde::de::Error>(self, found: &str) -> Result<(), E> {
        self.put("a string", |slot| put_str(slot, found))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        match self.slot.present() {
            Slot::List(list) => {
                let mut index = 0;
                loop {
                    let mut item = Item { list: &mut *list, error: &mut *self.error };
                    match sequence.next_element_seed(&mut item) {
                        Ok(Some(())) => index += 1,
                        Ok(None) => return Ok(()),
                        Err(error) => {
                            self.error.path.push(Step::Index(index));
                            return Err(error);
                        }
                    }
                }
            }
            Slot::Value(value) => {
                *value = Value::deserialize(serde::de::value::SeqAccessDeserializer::new(sequence))?;
                Ok(())
            }
            slot => Err(self.error.mismatch(&slot, "an array")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        match self.slot.present() {
            Slot::Object(object) => read_object(object, map, self.error),
            Slot::Map(entries) => {
                while let Some(name) = map.next_key::<String>()? {
                    let slot = entries.insert(name.clone());
                    if let Err(error) = map.next_value_seed(Seed { slot, error: &mut *self.error }) {
                        self.error.path.push(Step::Name(name));
                        return Err(error);
                    }
                }
                Ok(())
            }
            Slot::Value(value) => {
                *value = Value::deserialize(MapAccessDeserializer::new(map))?;
                Ok(())
            }
            Slot::Union(union) => {
                let value = Value::deserialize(MapAccessDeserializer::new(map))?;
                read_union(union, &value, self.error).map_err(A::Error::custom)
            }
            slot => match map.next_key::<String>()? {
                Some(key) if key == NUMBER => {
                    let digits = map.next_value::<String>()?;
                    Take { slot, error: self.error }.put("a number", |slot| put_digits(slot, &digits))
                }
                _ => Err(self.error.mismatch(&slot, "an object")),
            },
        }
    }
}

fn put_i64(slot: &mut Slot<'_>, found: i64) -> Result<bool, What> {
    match slot {
        Slot::I64(value) => **value = found,
        Slot::I32(value) => **value = found.try_into().map_err(|_| What::OutOfRange("a 32-bit integer"))?,
        Slot::U64(value) => **value = found.try_into().map_err(|_| What::OutOfRange("an integer that is not negative"))?,
        Slot::F64(value) => **value = found as f64,
        Slot::F32(value) => **value = found as f32,
        Slot::Value(value) => **value = found.into(),
        Slot::Number(number) | Slot::Digits(number) => return Ok(number.set(&found.to_string()).is_ok()),
        _ => return Ok(false),
    }
    Ok(true)
}

fn put_u64(slot: &mut Slot<'_>, found: u64) -> Result<bool, What> {
    match slot {
        Slot::U64(value) => **value = found,
        Slot::I64(_) => return Err(What::OutOfRange("a 64-bit integer")),
        Slot::I32(_) => return Err(What::OutOfRange("a 32-bit integer")),
        Slot::F64(value) => **value = found as f64,
        Slot::F32(value) => **value = found as f32,
        Slot::Value(value) => **value = found.into(),
        Slot::Number(number) => return Ok(number.set(&found.to_string()).is_ok()),
        _ => return Ok(false),
    }
    Ok(true)
}

fn put_f64(slot: &mut Slot<'_>, found: f64) -> Result<bool, What> {
    // Some services write whole numbers with a fraction of zero.
    let whole = found.fract() == 0.0 && found.abs() < 9_007_199_254_740_992.0;
    match slot {
        Slot::F64(value) => **value = found,
        Slot::F32(value) => **value = found as f32,
        Slot::Value(value) => **value = found.into(),
        Slot::Number(number) => return Ok(number.set(&found.to_string()).is_ok()),
        Slot::I64(_) | Slot::I32(_) | Slot::U64(_) | Slot::Digits(_) if whole => return put_i64(slot, found as i64),
        _ => return Ok(false),
    }
    Ok(true)
}

fn put_digits(slot: &mut Slot<'_>, digits: &str) -> Result<bool, What> {
    if let Slot::Number(number) = slot {
        Ok(number.set(digits).is_ok())
    } else if let Ok(value) = digits.parse() {
        put_i64(slot, value)
    } else if let Ok(value) = digits.parse() {
        put_u64(slot, value)
    } else {
        digits.parse().map_or(Ok(false), |value| put_f64(slot, value))
    }
}

fn put_str(slot: &mut Slot<'_>, found: &str) -> Result<bool, What> {
    match slot {
        Slot::String(text) => {
            text.clear();
            text.push_str(found);
        }
        Slot::Text(text) => {
            text.set(found).map_err(|expected| What::Mismatch { expected, found: "a string that is none" })?;
        }
        Slot::Value(value) => **value = Value::String(found.to_owned()),
        _ => return Ok(false),
    }
    Ok(true)
}

struct Item<'a, 'e> {
    list: &'a mut dyn super::List,
    error: &'e mut ReadError,
}

impl<'de> DeserializeSeed<'de> for &mut Item<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        Seed { slot: self.list.push(), error: self.error }.deserialize(deserializer)
    }
}

/// Which fields have been read: a bit each.
enum Seen {
    Few(u128),
    Many(Vec<bool>),
}

impl Seen {
    fn new(fields: usize) -> Self {
        if fields <= 128 { Self::Few(0) } else { Self::Many(vec![false; fields]) }
    }
    fn set(&mut self, index: usize) {
        match self {
            Self::Few(bits) => *bits |= 1 << (index & 127),
            Self::Many(flags) => {
                if let Some(flag) = flags.get_mut(index) {
                    *flag = true;
                }
            }
        }
    }
    fn has(&self, index: usize) -> bool {
        match self {
            Self::Few(bits) => bits & (1 << (index & 127)) != 0,
            Self::Many(flags) => flags.get(index).copied().unwrap_or(false),
        }
    }
}

fn read_object<'de, A: MapAccess<'de>>(object: &mut dyn Object, mut map: A, error: &mut ReadError) -> Result<(), A::Error> {
    let model = object.model();
    let mut seen = Seen::new(model.fields.len());
    let mut next = 0;
    while let Some(key) = map.next_key_seed(Key { model, next })? {
        let (slot, step) = match &key {
            Found::Field(index) => {
                seen.set(*index);
                next = index + 1;
                (object.slot(*index), None)
            }
            Found::Unknown(None) => (Slot::Ignored, None),
            Found::Unknown(Some(name)) => match object.slot(REST) {
                Slot::Map(rest) => (rest.insert(name.clone()), Some(name)),
                slot => (slot, Some(name)),
            },
        };
        if let Err(inner) = map.next_value_seed(Seed { slot, error: &mut *error }) {
            let name = match (&key, step) {
                (Found::Field(index), _) => model.fields.get(*index).map_or_else(String::new, ToString::to_string),
                (_, name) => name.cloned().unwrap_or_default(),
            };
            error.path.push(Step::Name(name));
            return Err(inner);
        }
    }
    for &index in model.required {
        if !seen.has(index) {
            return Err(error.fail(What::Missing(model.fields.get(index).copied().unwrap_or_default())));
        }
    }
    Ok(())
}

enum Found {
    Field(usize),
    /// The name only where it is kept.
    Unknown(Option<String>),
}

/// Finds a key in a model's table, looking first where it would stand if the keys came in the table's order.
struct Key {
    model: &'static Model,
    next: usize,
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Found, E> {
        Ok(self.model.find(name, self.next))
    }
}

impl Model {
    fn find(&self, name: &str, next: usize) -> Found {
        let fields = self.fields;
        if fields.get(next).is_some_and(|field| *field == name) {
            return Found::Field(next);
        }
        if let Some(index) = fields.iter().position(|field| *field == name) {
            return Found::Field(index);
        }
        if let Some((_, index)) = self.aliases.iter().find(|(alias, _)| *alias == name) {
            return Found::Field(*index);
        }
        let kept = self.open && self.tag.is_none_or(|(tag, _)| tag != name);
        Found::Unknown(kept.then(|| name.to_owned()))
    }
}
