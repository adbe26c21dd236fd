//! Reading: any of serde's formats into a [`Slot`].
//!
//! Nothing here depends on a model, only on the format: one visitor serves every type. An error names the field's path and
//! what was expected there, never the value that was found.
//!
//! - Where a name stands in an object twice, the last one counts. Of a union's discriminator it is the first.
//! - What needs more than the format's values gets the JSON text itself where the format has it (serde_json does): decimals,
//!   so that they keep their digits, and unions, whose discriminator may stand behind what it decides on.
//! - Arrays and objects lie at most 128 deep in one another, in any format and through unions, too.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

pub use super::error::ReadError;
use super::error::{State, What};
use super::{List, Map, Model, Object, REST, Slot, Union, put};

/// The key under which serde_json hands over numbers when its feature `arbitrary_precision` is on.
const NUMBER: &str = "$serde_json::private::Number";

/// The name under which serde_json is asked for a value's text, and the key under which it hands it over
/// ([`serde_json::value::RawValue`]). Formats that do not know it hand over the value.
const RAW: &str = "$serde_json::private::RawValue";

/// The names that stand for something else than an object.
static MARKS: Model = Model { fields: &[RAW, NUMBER], ..FREE };

/// An object of any names.
const FREE: Model = Model { name: "", fields: &[], required: &[], aliases: &[], tag: None, open: true };
static ANY: Model = FREE;

/// Reads JSON text into a slot. A byte order mark is passed over (RFC 8259 §8.1).
///
/// # Errors
///
/// Where the text is not JSON, or not the JSON that the slot takes.
pub fn from_json(json: &[u8], slot: Slot<'_>) -> Result<(), ReadError> {
    let mut state = State::default();
    read_json(without_mark(json), slot, &mut state).map_err(|own| state.into_error(&own))
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
        put(&mut self.slot.present()).map_err(|what| self.state.fail(what))
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
            slot => return Err(self.state.fail(slot.mismatch("null"))),
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
            slot => Err(self.state.fail(slot.mismatch("an array"))),
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
        match sequence.next_element_seed(Item { list, state }) {
            Ok(Some(())) => {}
            Ok(None) => break,
            Err(error) => {
                state.at_index(index);
                return Err(error);
            }
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
            return Err(state.fail(Slot::Map(entries).mismatch("a number")));
        };
        let slot = entries.insert(name.as_ref().to_owned());
        if let Err(error) = map.next_value_seed(Read { slot, state }) {
            state.at_name(name.into_owned());
            return Err(error);
        }
    }
    state.leave();
    Ok(())
}

/// Reads what is handed over as an object though it is none, and unions from formats that have no text.
fn read_mark<'de, A: MapAccess<'de>>(slot: Slot<'_>, mut map: A, state: &mut State) -> Result<(), A::Error> {
    let mut next = map.next_key_seed(Key { model: &MARKS, next: 0 })?;
    if let Some(Found::Field(_)) = next {
        return map.next_value_seed(Raw(Read { slot, state }));
    }
    if !slot.is_raw() {
        return Err(state.fail(slot.mismatch("an object")));
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
            Slot::Number(number) => put::text(number, text, kind(text)).map_err(|what| state.fail(what)),
            Slot::Union(union) => read_union(union, text, state).map_err(|own| state.fail_as(&own)),
            mut slot => put::digits(&mut slot, text).map_err(|what| state.fail(what)),
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
        return Err(state.fail(Slot::Union(union).mismatch(kind(text))));
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
            Found::Number => return Err(state.fail(Slot::Object(object).mismatch("a number"))),
        };
        if let Err(error) = map.next_value_seed(Read { slot, state }) {
            match found {
                Found::Field(index) => state.at_name(model.fields.get(index).copied().unwrap_or_default()),
                Found::Other(name) => state.at_name(name.into_owned()),
                Found::Ignored | Found::Number => {}
            }
            return Err(error);
        }
    }
    for &index in model.required {
        if !seen.has(index) {
            return Err(state.fail(What::Missing(model.fields.get(index).copied().unwrap_or_default())));
        }
    }
    state.leave();
    Ok(())
}

/// What a name in an object stands for.
enum Found<'de> {
    Field(usize),
    /// A property that is not known and not kept.
    Ignored,
    /// One that is kept.
    Other(Cow<'de, str>),
    /// The object is none but a number.
    Number,
}

/// Finds a name in a model's table, looking first where it would stand if the names came in the table's order.
struct Key {
    model: &'static Model,
    next: usize,
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
