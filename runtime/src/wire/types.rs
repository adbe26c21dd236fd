//! The types of fields.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{List, Map, Optional, Slot, Text, View, Wire};
use crate::time::{Date, DateTime, Duration, Rfc1123, UnixTime};
use crate::{Base64, Base64Url, Decimal, Nullable, Secret};

macro_rules! scalar {
    ($($ty:ty, $slot:ident, $blank:expr, |$value:ident| $view:expr;)*) => {
        $(impl Wire for $ty {
            fn blank() -> Self {
                $blank
            }
            fn view(&self) -> View<'_> {
                let $value = self;
                $view
            }
            fn slot(&mut self) -> Slot<'_> {
                Slot::$slot(self)
            }
        })*
    };
}

scalar! {
    bool, Bool, false, |value| View::Bool(*value);
    i32, I32, 0, |value| View::I64(i64::from(*value));
    i64, I64, 0, |value| View::I64(*value);
    u64, U64, 0, |value| View::U64(*value);
    f32, F32, 0.0, |value| View::F32(*value);
    f64, F64, 0.0, |value| View::F64(*value);
}

impl Wire for String {
    fn blank() -> Self {
        Self::new()
    }
    fn view(&self) -> View<'_> {
        View::Str(self)
    }
    fn slot(&mut self) -> Slot<'_> {
        Slot::String(self)
    }
    fn option_slot(option: &mut Option<Self>) -> Slot<'_> {
        Slot::OptionalString(option)
    }
}

/// Any JSON value; `null` is one of them.
impl Wire for Value {
    fn blank() -> Self {
        Self::Null
    }
    fn view(&self) -> View<'_> {
        View::Value(self)
    }
    fn slot(&mut self) -> Slot<'_> {
        Slot::Value(self)
    }
    fn null() -> Option<Self> {
        Some(Self::Null)
    }
}

impl<T: Wire> Wire for Option<T> {
    const IS_RAW: bool = T::IS_RAW;
    fn blank() -> Self {
        None
    }
    fn view(&self) -> View<'_> {
        match self {
            Some(value) => value.view(),
            None => View::Absent,
        }
    }
    fn slot(&mut self) -> Slot<'_> {
        T::option_slot(self)
    }
}

impl<T: Wire> Optional for Option<T> {
    fn set_null(&mut self) {
        *self = T::null();
    }
    fn fill(&mut self) -> Slot<'_> {
        self.insert(T::blank()).slot()
    }
}

impl<T: Wire> Wire for Nullable<T> {
    const IS_RAW: bool = T::IS_RAW;
    fn blank() -> Self {
        Self::Null
    }
    fn view(&self) -> View<'_> {
        match self {
            Self::Value(value) => value.view(),
            Self::Null => View::Null,
        }
    }
    fn slot(&mut self) -> Slot<'_> {
        if T::IS_RAW { Slot::OptionalRaw(self) } else { Slot::Option(self) }
    }
    fn null() -> Option<Self> {
        Some(Self::Null)
    }
}

impl<T: Wire> Optional for Nullable<T> {
    fn set_null(&mut self) {
        *self = Self::Null;
    }
    fn fill(&mut self) -> Slot<'_> {
        *self = Self::Value(T::blank());
        match self {
            Self::Value(value) => value.slot(),
            Self::Null => Slot::Ignored,
        }
    }
}

impl<T: Wire> Wire for Box<T> {
    const IS_RAW: bool = T::IS_RAW;
    fn blank() -> Self {
        Self::new(T::blank())
    }
    fn view(&self) -> View<'_> {
        (**self).view()
    }
    fn slot(&mut self) -> Slot<'_> {
        (**self).slot()
    }
    fn null() -> Option<Self> {
        T::null().map(Self::new)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn blank() -> Self {
        Self::new()
    }
    fn view(&self) -> View<'_> {
        View::List(self)
    }
    fn slot(&mut self) -> Slot<'_> {
        self.clear();
        Slot::List(self)
    }
}

impl<T: Wire> List for Vec<T> {
    fn len(&self) -> usize {
        self.len()
    }
    fn item(&self, index: usize) -> View<'_> {
        self.get(index).map_or(View::Absent, T::view)
    }
    fn push(&mut self) -> Slot<'_> {
        self.push(T::blank());
        match self.last_mut() {
            Some(item) => item.slot(),
            None => Slot::Ignored,
        }
    }
}

impl<T: Wire> Wire for BTreeMap<String, T> {
    fn blank() -> Self {
        Self::new()
    }
    fn view(&self) -> View<'_> {
        View::Map(self)
    }
    fn slot(&mut self) -> Slot<'_> {
        self.clear();
        Slot::Map(self)
    }
}

impl<T: Wire> Map for BTreeMap<String, T> {
    fn len(&self) -> usize {
        self.len()
    }
    fn each(&self, show: &mut dyn FnMut(&str, View<'_>) -> bool) {
        for (name, value) in self {
            if !show(name, value.view()) {
                return;
            }
        }
    }
    fn get(&self, name: &str) -> Option<View<'_>> {
        self.get(name).map(T::view)
    }
    fn insert(&mut self, name: String) -> Slot<'_> {
        let value = self.entry(name).or_insert_with(T::blank);
        *value = T::blank();
        value.slot()
    }
}

/// Free JSON under free names: unknown properties, and objects that a document leaves open.
impl Wire for serde_json::Map<String, Value> {
    fn blank() -> Self {
        Self::new()
    }
    fn view(&self) -> View<'_> {
        View::Map(self)
    }
    fn slot(&mut self) -> Slot<'_> {
        self.clear();
        Slot::Map(self)
    }
}

impl Map for serde_json::Map<String, Value> {
    fn len(&self) -> usize {
        self.len()
    }
    fn each(&self, show: &mut dyn FnMut(&str, View<'_>) -> bool) {
        for (name, value) in self {
            if !show(name, View::Value(value)) {
                return;
            }
        }
    }
    fn get(&self, name: &str) -> Option<View<'_>> {
        self.get(name).map(View::Value)
    }
    fn insert(&mut self, name: String) -> Slot<'_> {
        Slot::Value(self.entry(name).or_insert(Value::Null))
    }
}

/// A type that travels as a string and is read with [`std::str::FromStr`], with the form that is expected of it.
macro_rules! text {
    ($($ty:ty, $blank:expr, $expected:literal;)*) => {
        $(impl Wire for $ty {
            fn blank() -> Self {
                $blank
            }
            fn view(&self) -> View<'_> {
                View::Text(self)
            }
            fn slot(&mut self) -> Slot<'_> {
                Slot::Text(self)
            }
        }
        impl Text for $ty {
            fn set(&mut self, text: &str) -> Result<(), &'static str> {
                *self = text.parse().map_err(|_| $expected)?;
                Ok(())
            }
        })*
    };
}

text! {
    DateTime, Self::BLANK, "a date and time (RFC 3339)";
    Rfc1123, Self::BLANK, "a date and time (RFC 9110 §5.6.7)";
    Date, Self::BLANK, "a date (RFC 3339)";
    Duration, std::time::Duration::ZERO.into(), "a duration (ISO 8601)";
    Base64, Self::default(), "Base64";
    Base64Url, Self::default(), "Base64 for URLs";
}

impl Wire for Secret {
    fn blank() -> Self {
        Self::from(String::new())
    }
    fn view(&self) -> View<'_> {
        View::Secret(self.expose())
    }
    fn slot(&mut self) -> Slot<'_> {
        Slot::Text(self)
    }
}

impl Text for Secret {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        *self = Self::from(text.to_owned());
        Ok(())
    }
}

/// Seconds since 1970, as a number.
impl Wire for UnixTime {
    fn blank() -> Self {
        Self::new(0)
    }
    fn view(&self) -> View<'_> {
        View::I64(self.seconds())
    }
    fn slot(&mut self) -> Slot<'_> {
        Slot::Digits(self)
    }
}

impl Text for UnixTime {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        *self = text.parse().map_err(|_| "seconds since 1970")?;
        Ok(())
    }
}

impl Wire for Decimal {
    const IS_RAW: bool = true;
    fn blank() -> Self {
        Self::default()
    }
    fn view(&self) -> View<'_> {
        View::Number(self.as_str())
    }
    fn slot(&mut self) -> Slot<'_> {
        Slot::Number(self)
    }
}

impl Text for Decimal {
    fn set(&mut self, text: &str) -> Result<(), &'static str> {
        *self = text.parse().map_err(|_| "a decimal number")?;
        Ok(())
    }
}
