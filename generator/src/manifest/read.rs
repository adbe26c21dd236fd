//! Values of a manifest, read with complaints.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::check::quoted;
use crate::diag::{Code, Diagnostic, Diagnostics, Location, Part};
use crate::naming::{self, Case, Ident};
use crate::spec::nearest;

/// An object, and where it stands.
pub(super) struct Object<'a> {
    pub(super) map: &'a Map<String, Value>,
    pub(super) at: Location,
}

impl<'a> Object<'a> {
    /// The members, each with its place.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'a str, &'a Value, Location)> + use<'a, '_> {
        self.map.iter().map(|(key, value)| (key.as_str(), value, self.at.join(key)))
    }
}

/// Takes the complaints.
pub(super) struct Reader<'d> {
    diags: &'d mut Diagnostics,
}

impl<'d> Reader<'d> {
    pub(super) fn new(diags: &'d mut Diagnostics) -> Self {
        Self { diags }
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.diags.push(diagnostic);
    }

    /// A value that must be an object.
    pub(super) fn object<'a>(&mut self, value: &'a Value, at: &Location, what: &str) -> Option<Object<'a>> {
        let object = value.as_object().map(|map| Object { map, at: at.clone() });
        if object.is_none() {
            self.push(
                Diagnostic::new(Code::ManifestValue, format!("{what} must be an object"))
                    .at_value(at)
                    .help("write its fields under it, or between `{` and `}`"),
            );
        }
        object
    }

    /// Refuses what is not one of the fields.
    pub(super) fn known(&mut self, object: &Object<'_>, fields: &[&str]) {
        for (key, _, at) in object.members().filter(|(key, ..)| !fields.contains(key)) {
            let help = match nearest(key, fields.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the fields here are {}", quoted(fields)),
            };
            let message = format!("the field `{key}` is unknown");
            self.push(Diagnostic::new(Code::ManifestKey, message).at(&at).help(help));
        }
    }

    /// A field that must be there.
    pub(super) fn required<'a, T>(
        &mut self,
        object: &Object<'a>,
        name: &str,
        kind: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Option<T> {
        if object.map.get(name).is_none_or(Value::is_null) {
            let message = format!("the required field `{name}` is missing");
            self.push(
                Diagnostic::new(Code::ManifestValue, message).at(&object.at).help(format!("add it; it is {kind}")),
            );
        }
        self.optional(object, name, kind, read)
    }

    /// A field that may be absent, or null.
    pub(super) fn optional<'a, T>(
        &mut self,
        object: &Object<'a>,
        name: &str,
        kind: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = object.map.get(name).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            self.wrong_kind(value, &format!("the field `{name}`"), kind, &object.at.join(name));
        }
        read
    }

    pub(super) fn string(&mut self, object: &Object<'_>, name: &str) -> Option<String> {
        self.optional(object, name, "a string", super::text).map(str::to_owned)
    }

    /// `true` or `false`; `false` where nothing is said.
    pub(super) fn flag(&mut self, object: &Object<'_>, name: &str) -> bool {
        self.optional(object, name, "`true` or `false`", Value::as_bool).unwrap_or(false)
    }

    pub(super) fn child<'a>(&mut self, object: &Object<'a>, name: &str) -> Option<Object<'a>> {
        let map = self.optional(object, name, "an object", Value::as_object)?;
        Some(Object { map, at: object.at.join(name) })
    }

    pub(super) fn strings(&mut self, object: &Object<'_>, name: &str) -> Vec<String> {
        self.placed_strings(object, name).into_iter().map(|(text, _)| text).collect()
    }

    /// Strings, each with its place.
    pub(super) fn placed_strings(&mut self, object: &Object<'_>, name: &str) -> Vec<(String, Location)> {
        let Some(values) = self.optional(object, name, "a list of strings", Value::as_array) else { return Vec::new() };
        let at = object.at.join(name);
        let values = values.iter().enumerate().filter_map(|(index, value)| {
            let at = at.join(index);
            Some((self.text(value, &format!("an item of `{name}`"), &at)?, at))
        });
        values.collect()
    }

    /// A value that must be a string.
    pub(super) fn text(&mut self, value: &Value, what: &str, at: &Location) -> Option<String> {
        let text = super::text(value).map(str::to_owned);
        if text.is_none() {
            self.wrong_kind(value, what, "a string", at);
        }
        text
    }

    fn wrong_kind(&mut self, value: &Value, what: &str, kind: &str, at: &Location) {
        let diagnostic = Diagnostic::new(Code::ManifestValue, format!("{what} must be {kind}")).at_value(at);
        self.push(match value {
            Value::Number(_) | Value::Bool(_) if kind == "a string" => diagnostic.help("put it in quotes"),
            Value::String(text) if text.trim().is_empty() => diagnostic.help("leave it out, or say something"),
            Value::String(_) if kind.starts_with("a list") => diagnostic.help("put it in square brackets"),
            _ => diagnostic.help(format!("write {kind}")),
        });
    }

    /// Complains of a field's value if it is not valid, and says whether it is.
    pub(super) fn expect(&mut self, valid: bool, object: &Object<'_>, name: &str, help: &str) -> bool {
        if !valid {
            let value = object.map.get(name).and_then(Value::as_str).unwrap_or_default();
            let message = format!("`{value}` cannot be the field `{name}`");
            self.push(Diagnostic::new(Code::ManifestValue, message).at_value(&object.at.join(name)).help(help));
        }
        valid
    }

    /// A name as it is to stand in the code.
    pub(super) fn ident(&mut self, name: &str, case: Case, kind: &str, at: &Location, part: Part) -> Option<Ident> {
        let ident = Ident::parse(name).filter(|ident| ident.has_case(case));
        if ident.is_none() {
            let style = match case {
                Case::Snake => "snake case",
                Case::Pascal => "Pascal case",
                Case::Screaming => "screaming snake case",
            };
            let suggestion = naming::in_case(case, &[name]);
            let message = format!("`{name}` cannot be the name of a {kind}");
            let mut diagnostic = Diagnostic::new(Code::ManifestName, message)
                .at(at)
                .help(format!("write an identifier of Rust in {style}, such as `{suggestion}`"));
            diagnostic.part = part;
            self.push(diagnostic);
        }
        ident
    }

    /// The name of a module beside others that are always there.
    pub(super) fn module(&mut self, name: &str, taken: &[&str], by: &str, at: &Location) -> Option<Ident> {
        let module = self.ident(name, Case::Snake, "module", at, Part::Node)?;
        if naming::RESERVED_FILES.contains(&module.bare()) {
            let message = format!("`{name}` would be a file that cannot be on Windows");
            self.push(Diagnostic::new(Code::ManifestName, message).at(at).help("choose another name"));
            return None;
        }
        if taken.contains(&module.bare()) {
            let message = format!("`{name}` is the name of a {by} that is always there");
            self.push(Diagnostic::new(Code::ManifestName, message).at(at).help("choose another name"));
            return None;
        }
        Some(module)
    }

    /// Complains if something was said before, and says whether it was not.
    pub(super) fn once(
        &mut self,
        first: &mut HashMap<String, Location>,
        name: &str,
        at: &Location,
        complaint: &str,
    ) -> bool {
        let Some(before) = first.get(name) else {
            first.insert(name.to_owned(), at.clone());
            return true;
        };
        let diagnostic = Diagnostic::new(Code::ManifestValue, format!("{complaint} `{name}`"));
        self.push(diagnostic.at_value(at).label_value(before, "first said here").help("remove one of them"));
        false
    }
}
