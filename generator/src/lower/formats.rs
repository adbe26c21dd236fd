//! What a simple type is by its format.

use super::schema::Schemas;
use crate::diag::{Code, Diagnostic};
use crate::ir::Type;
use crate::spec::Schema;

impl Schemas<'_> {
    fn unknown_format(&mut self, schema: &Schema, taken_as: &str) {
        let format = schema.format.as_deref().unwrap_or_default();
        self.diagnostics.push(
            Diagnostic::new(Code::UnknownFormat, format!("the format `{format}` is not known"))
                .at_value(&schema.at.join("format"))
                .help(format!("it is taken as {taken_as}; if that will do, remove the format by an overlay")),
        );
    }

    pub(super) fn integer(&mut self, schema: &Schema) -> Type {
        match known(schema).as_deref() {
            None | Some("int64" | "long") => Type::I64,
            Some("int32" | "int16" | "int8" | "integer" | "int") => Type::I32,
            Some("uint8" | "uint16" | "uint32" | "uint") => Type::I64,
            Some("uint64") => Type::U64,
            Some("unixtime") => Type::UnixTime,
            Some("decimal" | "bigint") => Type::Decimal,
            Some(_) => {
                self.unknown_format(schema, "a 64-bit integer");
                Type::I64
            }
        }
    }

    pub(super) fn number(&mut self, schema: &Schema) -> Type {
        match known(schema).as_deref() {
            None | Some("double") => Type::F64,
            Some("float") => Type::F32,
            Some("decimal") => Type::Decimal,
            Some("int32") => Type::I32,
            Some("int64") => Type::I64,
            Some("unixtime") => Type::UnixTime,
            Some(_) => {
                self.unknown_format(schema, "a floating-point number");
                Type::F64
            }
        }
    }

    pub(super) fn string(&mut self, schema: &Schema) -> Type {
        if schema.secret {
            return Type::Secret;
        }
        match known(schema).as_deref() {
            None => Type::String,
            Some("date-time") => Type::DateTime,
            Some("date-time-rfc1123") => Type::Rfc1123,
            Some("unixtime") => Type::UnixTime,
            Some("date") => Type::Date,
            Some("duration") => Type::Duration,
            Some("byte" | "base-64" | "base64") => Type::Base64,
            Some("base64url") => Type::Base64Url,
            Some("password") => Type::Secret,
            Some("binary" | "file") => Type::Bytes,
            Some(
                "uuid" | "guid" | "uri" | "url" | "uri-reference" | "arm-id" | "email" | "hostname" | "ipv4" | "ipv6"
                | "char" | "string" | "time" | "regex" | "etag" | "odata-query" | "certificate" | "style" | "timezone"
                | "int64" | "decimal",
            ) => Type::String,
            Some(_) => {
                self.unknown_format(schema, "a string");
                Type::String
            }
        }
    }
}

/// The format without regard to case, of which documents have any: there is no other of its letters.
fn known(schema: &Schema) -> Option<String> {
    schema.format.as_deref().map(str::to_ascii_lowercase)
}
