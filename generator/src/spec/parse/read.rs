//! Reading one keyword: what type it has, and what to say where it has another.

use std::fmt;

use indexmap::IndexMap;
use serde_json::{Number, Value};

use crate::diag::{Code, Diagnostic, Diagnostics, Location};
use crate::spec::{
    CollectionFormat, Extensions, FinalStateVia, Gaps, In, Method, Mutability, OrRef, ParameterLocation, Ref, Scheme,
    Type, Unsupported, nearest,
};

pub(super) type Object = serde_json::Map<String, Value>;

pub(super) type Expected = (Code, &'static str);

/// The type of a keyword's value.
pub(super) trait Read: Sized {
    /// What is reported for another value; the text is for the sentence "`keyword` must be …".
    const EXPECTED: Expected;

    fn read(value: &Value) -> Option<Self>;
}

impl Read for String {
    const EXPECTED: Expected = (Code::WrongType, "a string");

    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(Self::from)
    }
}

impl Read for bool {
    const EXPECTED: Expected = (Code::WrongType, "true or false");

    fn read(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Read for u64 {
    const EXPECTED: Expected = (Code::WrongType, "an integer that is not negative");

    fn read(value: &Value) -> Option<Self> {
        value.as_u64()
    }
}

impl Read for Number {
    const EXPECTED: Expected = (Code::WrongType, "a number");

    fn read(value: &Value) -> Option<Self> {
        value.as_number().cloned()
    }
}

impl Read for Value {
    const EXPECTED: Expected = (Code::WrongType, "a value");

    fn read(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl<T: Read> Read for Option<T> {
    const EXPECTED: Expected = T::EXPECTED;

    fn read(value: &Value) -> Option<Self> {
        T::read(value).map(Some)
    }
}

macro_rules! words {
    ($($of:ident { $first:literal => $one:ident $(, $word:literal => $other:ident)* })+) => {$(
        impl $of {
            /// The one that a document writes like this.
            pub(super) fn from_word(word: &str) -> Option<Self> {
                match word {
                    $first => Some(Self::$one),
                    $($word => Some(Self::$other),)*
                    _ => None,
                }
            }
        }

        impl Read for $of {
            const EXPECTED: Expected =
                (Code::InvalidValue, concat!("one of `", $first, "`" $(, ", `", $word, "`")*));

            fn read(value: &Value) -> Option<Self> {
                value.as_str().and_then(Self::from_word)
            }
        }
    )+};
}

words! {
    Scheme { "http" => Http, "https" => Https, "ws" => Ws, "wss" => Wss }
    Method {
        "get" => Get, "put" => Put, "post" => Post, "delete" => Delete, "options" => Options,
        "head" => Head, "patch" => Patch
    }
    In {
        "path" => Path, "query" => Query, "header" => Header, "body" => Body,
        "formData" => FormData
    }
    Type {
        "string" => String, "number" => Number, "integer" => Integer, "boolean" => Boolean,
        "array" => Array, "object" => Object, "file" => File
    }
    CollectionFormat {
        "csv" => Csv, "ssv" => Ssv, "tsv" => Tsv, "pipes" => Pipes, "multi" => Multi
    }
    ParameterLocation { "client" => Client, "method" => Method }
    Mutability { "read" => Read, "create" => Create, "update" => Update }
    FinalStateVia {
        "azure-async-operation" => AzureAsyncOperation, "location" => Location,
        "operation-location" => OperationLocation, "original-uri" => OriginalUri
    }
}

/// Keywords of OpenAPI 3 that people write into Swagger 2.0.
const OPENAPI_3: [&str; 11] = [
    "anyOf",
    "components",
    "content",
    "deprecated",
    "not",
    "nullable",
    "oneOf",
    "requestBody",
    "servers",
    "trace",
    "writeOnly",
];

/// What is being read, and what is wrong with it so far.
pub(super) struct Parser<'d> {
    diags: &'d mut Diagnostics,
    gaps: Gaps,
    /// How many schemas the current one stands in.
    pub(super) depth: usize,
}

impl<'d> Parser<'d> {
    pub(super) fn new(diags: &'d mut Diagnostics) -> Self {
        Self { diags, gaps: Gaps::default(), depth: 0 }
    }

    pub(super) fn finish(self) {
        self.gaps.report(self.diags);
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diags.push(diagnostic);
    }

    pub(super) fn gap(&mut self, feature: Unsupported, at: &Location) {
        self.gaps.note(feature, at);
    }

    /// Reads `value` into `slot`, which keeps what it has where that cannot be done.
    pub(super) fn set<T: Read>(&mut self, slot: &mut T, at: &Location, key: &str, value: &Value) {
        match T::read(value) {
            Some(read) => *slot = read,
            // `description:` with nothing behind it, in YAML.
            None if value.is_null() && is_prose(key) => {}
            None => self.wrong(&at.join(key), format_args!("`{key}`"), T::EXPECTED, value),
        }
    }

    /// A keyword that must be there.
    pub(super) fn needed<T: Read>(&mut self, at: &Location, object: &Object, key: &str) -> Option<T> {
        let Some(value) = object.get(key) else {
            self.missing(at, key);
            return None;
        };
        let mut slot = None;
        self.set(&mut slot, at, key, value);
        slot
    }

    /// Adds the entries that can be read to `slot`.
    pub(super) fn list<T: Read>(&mut self, slot: &mut Vec<T>, at: &Location, key: &str, value: &Value) {
        slot.extend(self.nodes(at, key, value, |parser, at, value| {
            let read = T::read(value);
            if read.is_none() {
                parser.wrong(&at, format_args!("an entry of `{key}`"), T::EXPECTED, value);
            }
            read
        }));
    }

    /// A list of nodes; those that are wrong are left out.
    pub(super) fn nodes<T>(
        &mut self,
        at: &Location,
        key: &str,
        value: &Value,
        mut node: impl FnMut(&mut Self, Location, &Value) -> Option<T>,
    ) -> Vec<T> {
        let at = at.join(key);
        let Some(values) = value.as_array() else {
            self.wrong(&at, format_args!("`{key}`"), (Code::WrongType, "a list"), value);
            return Vec::new();
        };
        let entries = values.iter().enumerate();
        entries.filter_map(|(index, value)| node(self, at.join(index), value)).collect()
    }

    /// Named nodes; those that are wrong are left out.
    pub(super) fn map<T>(
        &mut self,
        at: &Location,
        key: &str,
        value: &Value,
        mut node: impl FnMut(&mut Self, Location, &Value) -> Option<T>,
    ) -> IndexMap<String, T> {
        let at = at.join(key);
        let Some(object) = self.object(&at, format_args!("`{key}`"), value) else {
            return IndexMap::new();
        };
        let mut map = IndexMap::with_capacity(object.len());
        for (name, value) in object {
            if let Some(node) = node(self, at.join(name), value) {
                map.insert(name.clone(), node);
            }
        }
        map
    }

    /// Named values, as they are.
    pub(super) fn any_map(&mut self, at: &Location, key: &str, value: &Value) -> IndexMap<String, Value> {
        self.map(at, key, value, |_, _, value| Some(value.clone()))
    }

    pub(super) fn object<'v>(
        &mut self,
        at: &Location,
        what: impl fmt::Display,
        value: &'v Value,
    ) -> Option<&'v Object> {
        let object = value.as_object();
        if object.is_none() {
            self.wrong(at, what, (Code::WrongType, "an object"), value);
        }
        object
    }

    /// A node or, where it has a `$ref`, that.
    pub(super) fn or_ref<T>(
        &mut self,
        at: Location,
        what: &str,
        value: &Value,
        node: impl FnOnce(&mut Self, Location, &Object) -> Option<T>,
    ) -> Option<OrRef<T>> {
        let object = self.object(&at, what, value)?;
        let Some(target) = object.get("$ref") else {
            return node(self, at, object).map(OrRef::Item);
        };
        for key in object.keys().filter(|key| *key != "$ref" && !is_prose(key) && !key.starts_with("x-")) {
            self.no_effect(&at, key, "beside a `$ref`", "remove it, or put it into what the `$ref` names");
        }
        self.reference(&at, target).map(OrRef::Ref)
    }

    /// The value of a `$ref`.
    pub(super) fn reference(&mut self, at: &Location, value: &Value) -> Option<Ref> {
        let mut target = None;
        self.set(&mut target, at, "$ref", value);
        Some(Ref { at: at.join("$ref"), target: target? })
    }

    /// A keyword that nobody reads: an extension is kept, another one is reported.
    pub(super) fn unknown(&mut self, at: &Location, key: &str, value: &Value, extensions: &mut Extensions) {
        if key.starts_with("x-") {
            extensions.push(key, value);
        } else if Unsupported::silent(key).is_none() {
            let message = format!("`{key}` is not known here and is not read");
            let problem = Diagnostic::new(Code::UnknownKeyword, message).at(&at.join(key));
            self.report(match key {
                "nullable" => problem.help("Swagger 2.0 has no `nullable`: write `x-nullable`"),
                _ if OPENAPI_3.contains(&key) => {
                    problem.help("it is OpenAPI 3: say it as Swagger 2.0 does, or remove it by an overlay")
                }
                _ => problem.help("correct its name, or remove it by an overlay; extensions start with `x-`"),
            });
        }
    }

    /// A keyword that could be read, were it not for where it stands.
    pub(super) fn no_effect(&mut self, at: &Location, key: &str, place: &str, help: &str) {
        let message = format!("`{key}` has no effect {place}");
        self.report(Diagnostic::new(Code::NoEffect, message).at(&at.join(key)).help(help));
    }

    pub(super) fn missing(&mut self, at: &Location, key: &str) {
        let message = format!("`{key}` is missing");
        let help = format!("add `{key}`, by an overlay if the document is not yours");
        self.report(Diagnostic::new(Code::MissingKeyword, message).at(at).help(help));
    }

    pub(super) fn wrong(&mut self, at: &Location, what: impl fmt::Display, (code, expected): Expected, found: &Value) {
        let message = format!("{what} must be {expected}, not {}", describe(found));
        self.report(Diagnostic::new(code, message).at_value(at).help(instead(expected, found)));
    }
}

/// What to write instead of a value that is wrong.
fn instead(expected: &str, found: &Value) -> String {
    let mut words = expected.split('`').skip(1).step_by(2);
    match found {
        Value::Number(_) | Value::Bool(_) if expected == "a string" => "put it in quotes".to_owned(),
        Value::String(text) if expected == "true or false" && matches!(text.as_str(), "true" | "false") => {
            "remove the quotes".to_owned()
        }
        Value::String(text)
            if [Number::EXPECTED.1, u64::EXPECTED.1].contains(&expected) && text.parse::<f64>().is_ok() =>
        {
            "remove the quotes".to_owned()
        }
        Value::String(text) if expected.starts_with("a template") => format!("write `/{text}`"),
        Value::String(text) => match nearest(text, &mut words) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write {expected}, by an overlay if the document is not yours"),
        },
        Value::Null => format!("remove it, or write {expected}"),
        _ => format!("write {expected}, by an overlay if the document is not yours"),
    }
}

/// What is there to be read by people.
fn is_prose(key: &str) -> bool {
    matches!(key, "description" | "summary" | "title")
}

/// A value, short enough for a message.
fn describe(value: &Value) -> String {
    const MOST: usize = 40;
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if text.chars().count() > MOST => {
            format!("`{}…`", text.chars().take(MOST).collect::<String>())
        }
        Value::String(text) => format!("the string `{text}`"),
        other => format!("`{other}`"),
    }
}
