//! The extensions whose value is an object.

use serde_json::Value;

use super::read::{Expected, Object, Parser, Read};
use crate::diag::Location;
use crate::spec::{Extensions, FinalStateVia, MsEnum, MsEnumValue, Pageable, ParameterizedHost};

/// A boolean or, as some documents have it, its name in any case.
struct Lenient(bool);

impl Read for Lenient {
    const EXPECTED: Expected = bool::EXPECTED;

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self(*value)),
            Value::String(word) if word.eq_ignore_ascii_case("true") => Some(Self(true)),
            Value::String(word) if word.eq_ignore_ascii_case("false") => Some(Self(false)),
            _ => None,
        }
    }
}

impl Parser<'_> {
    pub(super) fn ms_enum(&mut self, at: Location, value: &Value) -> Option<MsEnum> {
        let object = self.object(&at, "`x-ms-enum`", value)?;
        let mut ms_enum = MsEnum { name: None, open: false, values: Vec::new() };
        for (key, value) in object {
            match key.as_str() {
                "name" => self.set(&mut ms_enum.name, &at, key, value),
                // The second is the name that it had once.
                "modelAsString" | "modelAsExtensible" => {
                    let mut open = Lenient(ms_enum.open);
                    self.set(&mut open, &at, key, value);
                    ms_enum.open |= open.0;
                }
                "values" => ms_enum.values = self.nodes(&at, key, value, Self::ms_enum_value),
                _ => self.stray(&at, key, value),
            }
        }
        Some(ms_enum)
    }

    fn ms_enum_value(&mut self, at: Location, value: &Value) -> Option<MsEnumValue> {
        let object = self.object(&at, "an enum value", value)?;
        let wire = self.needed(&at, object, "value")?;
        let mut known = MsEnumValue { value: wire, name: None, description: None };
        for (key, value) in object {
            match key.as_str() {
                "value" => {}
                "name" => self.set(&mut known.name, &at, key, value),
                "description" => self.set(&mut known.description, &at, key, value),
                _ => self.stray(&at, key, value),
            }
        }
        Some(known)
    }

    pub(super) fn pageable(&mut self, at: Location, value: &Value) -> Option<Pageable> {
        let object = self.object(&at, "`x-ms-pageable`", value)?;
        let mut pageable = Pageable { next_link: None, item: "value".to_owned(), operation: None };
        for (key, value) in object {
            match key.as_str() {
                "nextLinkName" if value.is_null() => {}
                "nextLinkName" => self.set(&mut pageable.next_link, &at, key, value),
                "itemName" => self.set(&mut pageable.item, &at, key, value),
                "operationName" => self.set(&mut pageable.operation, &at, key, value),
                _ => self.stray(&at, key, value),
            }
        }
        if !object.contains_key("nextLinkName") {
            self.missing(&at, "nextLinkName");
        }
        Some(pageable)
    }

    /// `x-ms-long-running-operation-options`.
    pub(super) fn final_state_via(&mut self, at: Location, value: &Value) -> Option<FinalStateVia> {
        let object = self.object(&at, "`x-ms-long-running-operation-options`", value)?;
        let mut via = None;
        for (key, value) in object {
            match key.as_str() {
                "final-state-via" => self.set(&mut via, &at, key, value),
                _ => self.stray(&at, key, value),
            }
        }
        via
    }

    pub(super) fn parameterized_host(&mut self, at: Location, value: &Value) -> Option<ParameterizedHost> {
        let object: &Object = self.object(&at, "`x-ms-parameterized-host`", value)?;
        let template = self.needed(&at, object, "hostTemplate")?;
        let mut host = ParameterizedHost { at, template, use_scheme_prefix: true, parameters: Vec::new() };
        for (key, value) in object {
            let at = &host.at;
            match key.as_str() {
                "hostTemplate" => {}
                "useSchemePrefix" => self.set(&mut host.use_scheme_prefix, at, key, value),
                "parameters" => host.parameters = self.nodes(at, key, value, Self::parameter),
                _ => self.stray(&host.at, key, value),
            }
        }
        Some(host)
    }

    /// A key that nobody reads, in an extension.
    fn stray(&mut self, at: &Location, key: &str, value: &Value) {
        self.unknown(at, key, value, &mut Extensions::default());
    }
}
