//! Writing: a [`View`] to any of serde's formats.

use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Number;
use serde_json::value::RawValue;

use super::{Object, View};

/// How much room there is for the text of a value before it has to move: most bodies are shorter.
const BUFFER: usize = 1 << 10;

/// A value as JSON text.
///
/// # Errors
///
/// Where a model holds what JSON has no text for: NaN and the infinities.
pub fn to_json(view: View<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let mut json = Vec::with_capacity(BUFFER);
    serde_json::to_writer(&mut json, &view)?;
    Ok(json)
}

/// Writes a value in the format of a serializer.
///
/// # Errors
///
/// The serializer's own.
#[inline]
pub fn value<T: super::Wire, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serialize(value.view(), serializer)
}

/// Writes what is seen in the format of a serializer.
///
/// NaN and the infinities are refused, for serde_json would write them as `null`, which may mean something else. A
/// [`Decimal`](crate::Decimal) is written as a number of Rust's where that has the same text, else as a
/// [`RawValue`], whose digits serde_json keeps; other formats get an object with the digits in it.
///
/// # Errors
///
/// The serializer's own, and those of [`to_json`].
pub fn serialize<S: Serializer>(view: View<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    match view {
        View::Absent => serializer.serialize_none(),
        View::Null => serializer.serialize_unit(),
        View::Bool(value) => serializer.serialize_bool(value),
        View::I64(value) => serializer.serialize_i64(value),
        View::U64(value) => serializer.serialize_u64(value),
        View::F32(value) if value.is_finite() => serializer.serialize_f32(value),
        View::F64(value) if value.is_finite() => serializer.serialize_f64(value),
        View::F32(_) | View::F64(_) => Err(S::Error::custom("a number that is not finite, for which JSON has no text")),
        View::Str(text) | View::Secret(text) => serializer.serialize_str(text),
        View::Text(text) => serializer.collect_str(text),
        View::Number(digits) => serialize_number(digits, serializer),
        View::Value(value) => value.serialize(serializer),
        View::List(list) => {
            let mut sequence = serializer.serialize_seq(Some(list.len()))?;
            for index in 0..list.len() {
                sequence.serialize_element(&list.item(index))?;
            }
            sequence.end()
        }
        View::Map(entries) => {
            let mut map = serializer.serialize_map(Some(entries.len()))?;
            serialize_entries(entries, &mut map, &|_| false)?;
            map.end()
        }
        View::Object(object) => serialize_object(object, serializer),
    }
}

fn serialize_number<S: Serializer>(digits: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if let (Ok(value), true) = (digits.parse(), digits != "-0") {
        return serializer.serialize_i64(value);
    }
    if let Ok(value) = digits.parse() {
        return serializer.serialize_u64(value);
    }
    match digits.parse().ok().and_then(Number::from_f64) {
        Some(number) if number.to_string() == digits => serializer.serialize_f64(number.as_f64().unwrap_or_default()),
        _ => RawValue::from_string(digits.to_owned()).map_err(S::Error::custom)?.serialize(serializer),
    }
}

fn serialize_object<S: Serializer>(object: &dyn Object, serializer: S) -> Result<S::Ok, S::Error> {
    let model = object.model();
    let mut map = serializer.serialize_map(None)?;
    if let Some((name, value)) = model.tag {
        map.serialize_entry(name, value)?;
    }
    for (index, name) in model.fields.iter().enumerate() {
        match object.field(index) {
            View::Absent => {}
            view => map.serialize_entry(name, &view)?,
        }
    }
    if let View::Map(rest) = object.field(super::REST)
        && !rest.is_empty()
    {
        serialize_entries(rest, &mut map, &|name| is_written(object, name))?;
    }
    map.end()
}

/// Whether a model's own properties have one of this name.
fn is_written(object: &dyn Object, name: &str) -> bool {
    let model = object.model();
    let field = || model.fields.iter().position(|field| *field == name);
    model.tag.is_some_and(|(tag, _)| tag == name)
        || field().is_some_and(|index| !matches!(object.field(index), View::Absent))
}

fn serialize_entries<M: SerializeMap>(
    entries: &dyn super::Map,
    map: &mut M,
    is_written: &dyn Fn(&str) -> bool,
) -> Result<(), M::Error> {
    let mut result = Ok(());
    entries.each(&mut |name, view| {
        if !is_written(name) {
            result = map.serialize_entry(name, &view);
        }
        result.is_ok()
    });
    result
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(*self, serializer)
    }
}
