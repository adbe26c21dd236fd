//! Types as they are written.

use std::collections::BTreeSet;

use super::RUNTIME;
use crate::ir::{Client, Type};
use crate::naming;
use crate::render::{Code, line};

/// The names that a file takes from the runtime, and whether it names models of another file.
#[derive(Debug, Default)]
pub(super) struct Imports {
    names: BTreeSet<&'static str>,
    models: bool,
}

impl Imports {
    pub(super) fn add(&mut self, name: &'static str) -> &'static str {
        let lists = [naming::RESERVED_TYPES, naming::RESERVED_CLIENT_TYPES, naming::RESERVED_SERVER_TYPES];
        debug_assert!(lists.iter().any(|list| list.contains(&name)), "{name} is not reserved: a type could hide it");
        self.names.insert(name);
        name
    }

    /// The statement that brings in the runtime's names, and the module that has the others.
    pub(super) fn write(&self, code: &mut Code) {
        let names = self.names.iter().filter(|name| **name != "BTreeMap").map(|name| (*name).to_owned());
        let names: Vec<String> = std::iter::once("self".to_owned()).chain(names).collect();
        match names.as_slice() {
            [_] => line!(code, "use {RUNTIME}::codegen::v1;"),
            names => code.list(&format!("use {RUNTIME}::codegen::v1::{{"), names, "};"),
        }
    }

    pub(super) fn has_map(&self) -> bool {
        self.names.contains("BTreeMap")
    }

    pub(super) fn add_models(&mut self) {
        self.models = true;
    }

    pub(super) fn has_models(&self) -> bool {
        self.models
    }
}

/// The type of a value that is owned. `models` is what stands before a model's name.
pub(super) fn owned(ty: &Type, client: &Client, models: &str, imports: &mut Imports) -> String {
    let plain = match ty {
        Type::Bool => "bool",
        Type::I32 => "i32",
        Type::I64 => "i64",
        Type::U64 => "u64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::String => "String",
        Type::Decimal => imports.add("Decimal"),
        Type::Secret => imports.add("Secret"),
        Type::DateTime => imports.add("DateTime"),
        Type::Rfc1123 => imports.add("Rfc1123"),
        Type::UnixTime => imports.add("UnixTime"),
        Type::Date => imports.add("Date"),
        Type::Duration => imports.add("Duration"),
        Type::Base64 => imports.add("Base64"),
        Type::Base64Url => imports.add("Base64Url"),
        Type::Json => imports.add("Value"),
        Type::ETag => imports.add("Condition"),
        Type::Bytes => imports.add("Bytes"),
        Type::JsonObject => {
            imports.add("Map");
            imports.add("Value");
            "Map<String, Value>"
        }
        Type::Model(id) => {
            imports.add_models();
            return client.models.get(id.0).map_or_else(String::new, |model| format!("{models}{}", model.name));
        }
        Type::List(item) => return format!("Vec<{}>", owned(item, client, models, imports)),
        Type::Map(value) => {
            imports.add("BTreeMap");
            return format!("BTreeMap<String, {}>", owned(value, client, models, imports));
        }
        Type::Boxed(inner) => return format!("Box<{}>", owned(inner, client, models, imports)),
        Type::Nullable(inner) => {
            imports.add("Nullable");
            return format!("Nullable<{}>", owned(inner, client, models, imports));
        }
    };
    plain.to_owned()
}

/// How a method takes a value of a type.
pub(super) enum Passing {
    /// A copy; its place is `&name`.
    Copy,
    /// A reference; its place is `name`.
    Reference,
    /// Anything that turns into it.
    Into,
}

pub(super) fn passing(ty: &Type) -> Passing {
    match ty {
        Type::Bool | Type::I32 | Type::I64 | Type::U64 | Type::F32 | Type::F64 => Passing::Copy,
        Type::DateTime | Type::Rfc1123 | Type::UnixTime | Type::Date => Passing::Copy,
        // A `&str`, of which a reference is taken once more.
        Type::String => Passing::Copy,
        Type::ETag | Type::Bytes => Passing::Into,
        _ => Passing::Reference,
    }
}

/// The type of a method's argument.
pub(super) fn argument(ty: &Type, client: &Client, models: &str, lifetime: &str, imports: &mut Imports) -> String {
    match ty {
        Type::String => format!("&{lifetime}str"),
        Type::ETag => format!("impl Into<{}>", imports.add("Condition")),
        Type::Bytes => format!("impl Into<{}>", imports.add("Body")),
        Type::List(item) => format!("&{lifetime}[{}]", owned(item, client, models, imports)),
        Type::Boxed(inner) => argument(inner, client, models, lifetime, imports),
        ty => match passing(ty) {
            Passing::Reference => format!("&{lifetime}{}", owned(ty, client, models, imports)),
            Passing::Copy | Passing::Into => owned(ty, client, models, imports),
        },
    }
}

/// Whether a setter takes anything that turns into the type, rather than the type.
pub(super) fn is_into(ty: &Type) -> bool {
    matches!(ty, Type::String | Type::Secret)
}
