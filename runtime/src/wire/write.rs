//! Writing: a [`View`] to any of serde's formats.

use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::value::RawValue;

use super::{Object, View};

/// A value as JSON text.
///
/// # Errors
///
/// Where a model holds text that cannot be written, e.g. a number with more digits than the format can hold.
pub fn to_json(view: View<'_>) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&view)
}

/// Writes a value in the format of a serializer.
///
/// # Errors
///
/// The serializer's own.
pub fn serialize<S: Serializer>(view: View<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    match view {
        View::Absent => serializer.serialize_none(),
        View::Null => serializer.serialize_unit(),
        View::Bool(value) => serializer.serialize_bool(value),
        View::I64(value) => serializer.serialize_i64(value),
        View::U64(value) => serializer.serialize_u64(value),
        View::F32(value) => serializer.serialize_f32(value),
        View::F64(value) => serializer.serialize_f64(value),
        View::Str(text) | View::Secret(text) => serializer.serialize_str(text),
        View::Text(text) => serializer.collect_str(text),
        View::Number(digits) => match digits.parse::<i64>() {
            Ok(value) => serializer.serialize_i64(value),
            Err(_) => RawValue::from_string(digits.to_owned()).map_err(S::Error::custom)?.serialize(serializer),
        },
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
            serialize_entries(entries, &mut map)?;
            map.end()
        }
        View::Object(object) => serialize_object(object, serializer),
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
    if let View::Map(rest) = object.field(super::REST) {
        serialize_entries(rest, &mut map)?;
    }
    map.end()
}

fn serialize_entries<M: SerializeMap>(entries: &dyn super::Map, map: &mut M) -> Result<(), M::Error> {
    let mut result = Ok(());
    entries.each(&mut |name, view| {
        result = map.serialize_entry(name, &view);
        result.is_ok()
    });
    result
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(*self, serializer)
    }
}
