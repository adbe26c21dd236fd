//! Scalars into slots.

use serde_json::Value;

use super::error::What;
use super::{Slot, Text};

/// From here on not every whole number is a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

const RANGE: &str = "a number out of its range";

impl Slot<'_> {
    pub(super) fn expected(&self) -> &'static str {
        match self {
            Self::Ignored | Self::Value(_) | Self::Option(_) | Self::OptionalRaw(_) => "a value",
            Self::Bool(_) => "a boolean",
            Self::I32(_) => "a 32-bit integer",
            Self::I64(_) => "a 64-bit integer",
            Self::U64(_) => "a 64-bit integer that is not negative",
            Self::F32(_) | Self::F64(_) | Self::Number(_) => "a number",
            Self::Digits(_) => "an integer",
            Self::String(_) | Self::OptionalString(_) | Self::Text(_) | Self::Word(_) => "a string",
            Self::List(_) => "an array",
            Self::Map(_) | Self::Object(_) | Self::Union(_) => "an object",
        }
    }

    pub(super) fn mismatch(&self, found: &'static str) -> What {
        What::Mismatch { expected: self.expected(), found }
    }
}

pub(super) fn boolean(slot: &mut Slot<'_>, found: bool) -> Result<(), What> {
    match slot {
        Slot::Bool(value) => **value = found,
        Slot::Value(value) => **value = Value::Bool(found),
        _ => return Err(slot.mismatch("a boolean")),
    }
    Ok(())
}

pub(super) fn integer(slot: &mut Slot<'_>, found: i128) -> Result<(), What> {
    let fits = match slot {
        Slot::I32(value) => store(*value, found),
        Slot::I64(value) => store(*value, found),
        Slot::U64(value) => store(*value, found),
        Slot::F32(value) => {
            **value = found as f32;
            true
        }
        Slot::F64(value) => {
            **value = found as f64;
            true
        }
        Slot::Value(value) => {
            **value = match (i64::try_from(found), u64::try_from(found)) {
                (Ok(found), _) => found.into(),
                (_, Ok(found)) => found.into(),
                _ => (found as f64).into(),
            };
            true
        }
        Slot::Number(number) | Slot::Digits(number) | Slot::Word(number) => {
            return text(*number, &found.to_string(), RANGE);
        }
        _ => return Err(slot.mismatch("a number")),
    };
    if fits { Ok(()) } else { Err(slot.mismatch(RANGE)) }
}

fn store<T: TryFrom<i128>>(value: &mut T, found: i128) -> bool {
    let found = T::try_from(found);
    found.map(|found| *value = found).is_ok()
}

pub(super) fn float(slot: &mut Slot<'_>, found: f64) -> Result<(), What> {
    match slot {
        Slot::F64(value) => **value = found,
        Slot::F32(value) => {
            let narrow = found as f32;
            if narrow.is_infinite() && found.is_finite() {
                return Err(What::Mismatch { expected: "a 32-bit number", found: RANGE });
            }
            **value = narrow;
        }
        Slot::Value(value) => **value = found.into(),
        Slot::Number(number) => return text(*number, &format!("{found:?}"), RANGE),
        // Some services write whole numbers with a fraction of zero.
        Slot::I32(_) | Slot::I64(_) | Slot::U64(_) | Slot::Digits(_) => {
            return match (found.fract() == 0.0, found.abs() < EXACT) {
                (true, true) => integer(slot, found as i128),
                (true, false) => Err(slot.mismatch(RANGE)),
                (false, _) => Err(slot.mismatch("a number with a fraction")),
            };
        }
        _ => return Err(slot.mismatch("a number")),
    }
    Ok(())
}

/// A number as its text.
pub(super) fn digits(slot: &mut Slot<'_>, found: &str) -> Result<(), What> {
    match slot {
        Slot::Number(number) => return text(*number, found, RANGE),
        Slot::F32(_) | Slot::F64(_) => {}
        _ => {
            if let Ok(found) = found.parse() {
                return integer(slot, found);
            }
        }
    }
    match found.parse::<f64>() {
        Ok(found) if found.is_finite() => float(slot, found),
        Ok(_) => Err(slot.mismatch(RANGE)),
        Err(_) => Err(slot.mismatch("another text")),
    }
}

pub(super) fn string(slot: &mut Slot<'_>, found: &str) -> Result<(), What> {
    match slot {
        Slot::String(text) => {
            text.clear();
            text.push_str(found);
        }
        Slot::Text(value) | Slot::Word(value) => return text(*value, found, "another string"),
        Slot::Value(value) => **value = Value::String(found.to_owned()),
        _ => return Err(slot.mismatch("a string")),
    }
    Ok(())
}

/// The text of a value that says itself what it is made of; `found` is what it is otherwise.
pub(super) fn text(value: &mut dyn Text, text: &str, found: &'static str) -> Result<(), What> {
    value.set(text).map_err(|expected| What::Mismatch { expected, found })
}

/// Reads a value from text that is no JSON: a part of a path, a query or a header. Otherwise says what it should have been.
#[cfg(feature = "server")]
pub(crate) fn parse(slot: Slot<'_>, found: &str) -> Result<(), String> {
    let mut slot = slot.present();
    let put = match &mut slot {
        Slot::Ignored => Ok(()),
        Slot::Bool(value) => match found {
            _ if found.eq_ignore_ascii_case("true") => {
                **value = true;
                Ok(())
            }
            _ if found.eq_ignore_ascii_case("false") => {
                **value = false;
                Ok(())
            }
            _ => Err(slot.mismatch("another text")),
        },
        Slot::String(_) | Slot::Text(_) | Slot::Word(_) | Slot::Value(_) => string(&mut slot, found),
        Slot::Number(number) | Slot::Digits(number) => text(*number, found, "another text"),
        Slot::I32(_) | Slot::I64(_) | Slot::U64(_) | Slot::F32(_) | Slot::F64(_) => {
            let is_number = found.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'));
            if is_number { digits(&mut slot, found) } else { Err(slot.mismatch("another text")) }
        }
        _ => Err(slot.mismatch("text")),
    };
    put.map_err(|what| what.to_string())
}
