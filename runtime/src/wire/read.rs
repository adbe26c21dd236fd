//! Reading: any of serde's formats into a [`Slot`].
//!
//! Nothing here depends on a model, only on the format: one visitor serves every type. An error names the field's path and
//! what was expected there, never the value that was found.
//!
//! - Where a name stands in an object twice, the last one counts. Of a union's discriminator it is the first.
//! - What needs more than the format's values gets the JSON text itself where the format has it (serde_json does): decimals,
//!   so that they keep their digits, and unions, whose discriminator may stand behind what it decides on.
//! - Arrays and objects lie at most 128 deep in one another, in any format and through unions, too.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

pub use super::error::ReadError;
use super::error::{State, Step, What};
use super::names::{ANY, Found, Key, MARKS, RAW};
use super::{List, Map, Object, REST, Slot, Union, put};

/// Reads JSON text into a slot. A byte order mark is passed over (RFC 8259 §8.1).
///
/// # Errors
///
/// Where the text is not JSON, or not the JSON that the slot takes.
pub fn from_json(json: &[u8], slot: Slot<'_>) -> Result<(), ReadError> {
    let mut state = State::default();
    read_json(without_mark(json), slot, &mut state).map_err(|own| state.into_error(&own))
}

/// Reads JSON text into a slot as [`from_json`], but goes on after a value of the wrong kind, which is left as it was, and after a
/// property that is missing.
///
/// # Errors
///
/// All that is wrong, in the order of the text, the first 100 of it. Text that is not JSON ends it.
pub fn all_from_json(json: &[u8], slot: Slot<'_>) -> Result<(), Vec<ReadError>> {
    let mut state = State::patient();
    let own = read_json(without_mark(json), slot, &mut state).err();
    let errors = state.into_errors(own.as_ref().map(|own| own as &dyn fmt::Display));
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Whether JSON text is complete, whatever it says.
#[cfg(feature = "server")]
pub(crate) fn is_json(json: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(json).is_ok()
}

pub(crate) fn without_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json)
}

fn read_json(json: &[u8], slot: Slot<'_>, state: &mut State) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    Read { slot, state }.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Reads a value in the format of a deserializer.
///
/// # Errors
///
/// As [`deserialize`].
#[inline]
pub fn value<'de, T: super::Wire, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let mut value = T::blank();
    deserialize(value.slot(), deserializer)?;
    Ok(value)
}

/// Reads a value in the format of a deserializer, which has to be one that describes itself.
///
/// # Errors
///
/// The deserializer's own; for a value of the wrong kind one that has the path and the expected kind.
pub fn deserialize<'de, D: Deserializer<'de>>(slot: Slot<'_>, deserializer: D) -> Result<(), D::Error> {
    let mut state = State::default();
    Read { slot, state: &mut state }.deserialize(deserializer).map_err(|own| state.into_own(own))
}

/// Takes whatever the format has into a slot.
struct Read<'a, 's> {
    slot: Slot<'a>,
    state: &'s mut State,
}

impl<'a> Slot<'a> {
    /// Whether the value is read from its JSON text.
    fn is_raw(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Union(_) | Self::OptionalRaw(_))
    }

    /// The slot of the value itself, where one is known to be there.
    pub(super) fn present(self) -> Self {
        match self {
            Self::Option(option) | Self::OptionalRaw(option) => option.fill().present(),
            Self::OptionalString(option) => Self::String(option.insert(String::new())),
            slot => slot,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Read<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.slot {
            Slot::Ignored => IgnoredAny::deserialize(deserializer).map(drop),
            Slot::Value(value) => {
                *value = Value::deserialize(deserializer)?;
                Ok(())
            }
            ref slot if slot.is_raw() => deserializer.deserialize_newtype_struct(RAW, self),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl Read<'_, '_> {
    fn put<E: serde::de::Error>(self, put: impl FnOnce(&mut Slot<'_>) -> Result<(), What>) -> Result<(), E> {
        put(&mut self.slot.present()).or_else(|what| self.state.refuse(what))
    }

    fn refuse<E: serde::de::Error>(self, found: &'static str) -> Result<(), E> {
        self.put(|slot| Err(slot.mismatch(found)))
    }
}

impl<'de> Visitor<'de> for Read<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slot.expected())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        match self.slot {
            Slot::Option(option) | Slot::OptionalRaw(option) => option.set_null(),
            Slot::OptionalString(option) => *option = None,
            Slot::Value(value) => *value = Value::Null,
            slot => return self.state.refuse(slot.mismatch("null")),
        }
        Ok(())
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    /// A format that has no text to hand over.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: serde::de::Error>(self, found: bool) -> Result<(), E> {
        self.put(|slot| put::boolean(slot, found))
    }

    fn visit_i64<E: serde::de::Error>(self, found: i64) -> Result<(), E> {
        self.put(|slot| put::integer(slot, found.into()))
    }

    fn visit_u64<E: serde::de::Error>(self, found: u64) -> Result<(), E> {
        self.put(|slot| put::integer(slot, found.into()))
    }

    fn visit_i128<E: serde::de::Error>(self, found: i128) -> Result<(), E> {
        self.put(|slot| put::integer(slot, found))
    }

    fn visit_u128<E: serde::de::Error>(self, found: u128) -> Result<(), E> {
        self.put(|slot| put::digits(slot, &found.to_string()))
    }

    fn visit_f64<E: serde::de::Error>(self, found: f64) -> Result<(), E> {
        self.put(|slot| put::float(slot, found))
    }

    fn visit_str<E: serde::de::Error>(self, found: &str) -> Result<(), E> {
        match self.slot {
            Slot::String(text) => *text = found.to_owned(),
            Slot::OptionalString(option) => *option = Some(found.to_owned()),
            _ => return self.put(|slot| put::string(slot, found)),
        }
        Ok(())
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<(), E> {
        self.refuse("bytes")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.refuse("a tagged value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<(), A::Error> {
        match self.slot.present() {
            Slot::List(list) => read_list(list, sequence, self.state),
            Slot::Value(value) => {
                *value = Value::deserialize(SeqAccessDeserializer::new(sequence))?;
                Ok(())
            }
            slot => {
                self.state.refuse(slot.mismatch("an array"))?;
                IgnoredAny.visit_seq(sequence).map(drop)
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        // Of an optional value's text it is not known yet whether it is `null`.
        let slot = if self.slot.is_raw() { self.slot } else { self.slot.present() };
        match slot {
            Slot::Object(object) => read_object(object, map, self.state),
            Slot::Map(entries) => read_map(entries, map, self.state),
            Slot::Value(value) => {
                *value = Value::deserialize(MapAccessDeserializer::new(map))?;
                Ok(())
            }
            slot => read_mark(slot, map, self.state),
        }
    }
}

fn read_list<'de, A: SeqAccess<'de>>(list: &mut dyn List, mut sequence: A, state: &mut State) -> Result<(), A::Error> {
    state.enter()?;
    for index in 0.. {
        let count = state.count();
        let read = sequence.next_element_seed(Item { list, state });
        if read.is_err() || state.count() != count {
            state.at(count, Step::Index(index), read.is_err());
        }
        if read?.is_none() {
            break;
        }
    }
    state.leave();
    Ok(())
}

/// An item, for which a place is made only once it is there.
struct Item<'a, 's> {
    list: &'a mut dyn List,
    state: &'s mut State,
}

impl<'de> DeserializeSeed<'de> for Item<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        Read { slot: self.list.push(), state: self.state }.deserialize(deserializer)
    }
}

fn read_map<'de, A: MapAccess<'de>>(entries: &mut dyn Map, mut map: A, state: &mut State) -> Result<(), A::Error> {
    state.enter()?;
    while let Some(found) = map.next_key_seed(Key { model: &ANY, next: 0 })? {
        let Found::Other(name) = found else {
            state.leave();
            return refuse_map(Slot::Map(entries).mismatch("a number"), true, map, state);
        };
        let slot = entries.insert(name.as_ref().to_owned());
        let count = state.count();
        let read = map.next_value_seed(Read { slot, state });
        if read.is_err() || state.count() != count {
            state.at(count, Step::Name(name.into_owned()), read.is_err());
        }
        read?;
    }
    state.leave();
    Ok(())
}

/// Refuses an object and reads it to its end, with the value of a name that has been read already, if one has.
fn refuse_map<'de, A: MapAccess<'de>>(what: What, named: bool, mut map: A, state: &mut State) -> Result<(), A::Error> {
    state.refuse(what)?;
    if named {
        map.next_value::<IgnoredAny>()?;
    }
    IgnoredAny.visit_map(map).map(drop)
}

/// Reads what is handed over as an object though it is none, and unions from formats that have no text.
fn read_mark<'de, A: MapAccess<'de>>(slot: Slot<'_>, mut map: A, state: &mut State) -> Result<(), A::Error> {
    let mut next = map.next_key_seed(Key { model: &MARKS, next: 0 })?;
    if let Some(Found::Field(_)) = next {
        return map.next_value_seed(Raw(Read { slot, state }));
    }
    if !slot.is_raw() {
        return refuse_map(slot.mismatch("an object"), next.is_some(), map, state);
    }
    let mut object = serde_json::Map::new();
    while let Some(Found::Other(name)) = next {
        object.insert(name.into_owned(), map.next_value()?);
        next = map.next_key_seed(Key { model: &ANY, next: 0 })?;
    }
    read_text(slot, &Value::Object(object).to_string(), state)
}

/// Takes a value's JSON text.
struct Raw<'a, 's>(Read<'a, 's>);

impl<'de> DeserializeSeed<'de> for Raw<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Raw<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        read_text(self.0.slot, text, self.0.state)
    }
}

fn read_text<E: serde::de::Error>(slot: Slot<'_>, text: &str, state: &mut State) -> Result<(), E> {
    match slot {
        Slot::OptionalRaw(option) if text == "null" => {
            option.set_null();
            Ok(())
        }
        slot => match slot.present() {
            Slot::Number(number) => put::text(number, text, kind(text)).or_else(|what| state.refuse(what)),
            Slot::Union(union) => read_union(union, text, state).map_err(|own| state.fail_as(&own)),
            mut slot => put::digits(&mut slot, text).or_else(|what| state.refuse(what)),
        },
    }
}

/// The kind of a value, told from its text.
fn kind(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

fn read_union(union: &mut dyn Union, text: &str, state: &mut State) -> Result<(), serde_json::Error> {
    if !text.starts_with('{') {
        return state.refuse(Slot::Union(union).mismatch(kind(text)));
    }
    let mut tag = Tag { name: union.tag(), value: None };
    // It stops as soon as it has found the tag, which the deserializer takes for an error.
    _ = serde_json::Deserializer::from_str(text).deserialize_map(&mut tag);
    let slot = union.choose(tag.value.as_deref());
    // A union that is the other's variant reads the same text: one level more, lest it go on for ever.
    let again = matches!(slot, Slot::Union(_));
    if again {
        state.enter()?;
    }
    read_json(text.as_bytes(), slot, state)?;
    if again {
        state.leave();
    }
    Ok(())
}

/// Looks for a discriminator.
struct Tag {
    name: &'static str,
    value: Option<String>,
}

impl<'de> Visitor<'de> for &mut Tag {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == self.name {
                self.value = map.next_value()?;
                break;
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
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

fn read_object<'de, A: MapAccess<'de>>(object: &mut dyn Object, mut map: A, state: &mut State) -> Result<(), A::Error> {
    state.enter()?;
    let model = object.model();
    let mut seen = Seen::new(model.fields.len());
    let mut next = 0;
    while let Some(found) = map.next_key_seed(Key { model, next })? {
        let slot = match &found {
            Found::Field(index) => {
                // The other kinds of values are replaced, not filled in.
                if seen.has(*index)
                    && let Slot::Object(field) = object.slot(*index)
                {
                    field.reset();
                }
                seen.set(*index);
                next = index + 1;
                object.slot(*index)
            }
            Found::Ignored => Slot::Ignored,
            Found::Other(name) => match object.slot(REST) {
                Slot::Map(rest) => rest.insert(name.as_ref().to_owned()),
                slot => slot,
            },
            Found::Number => {
                state.leave();
                return refuse_map(Slot::Object(object).mismatch("a number"), true, map, state);
            }
        };
        let count = state.count();
        let read = map.next_value_seed(Read { slot, state });
        if read.is_err() || state.count() != count {
            match found {
                Found::Field(index) => state.at(count, Step::Name(model.field(index).to_owned()), read.is_err()),
                Found::Other(name) => state.at(count, Step::Name(name.into_owned()), read.is_err()),
                Found::Ignored | Found::Number => {}
            }
        }
        read?;
    }
    for &index in model.required {
        if !seen.has(index) {
            state.refuse(What::Missing(model.field(index)))?;
        }
    }
    state.leave();
    Ok(())
}
