//! Schemas, and the part of them that parameters and headers have too.

use serde_json::Value;

use super::read::{Parser, Read};
use crate::diag::{Code, Diagnostic, Location};
use crate::spec::{Additional, Extensions, Schema, Type, Unsupported};
use indexmap::IndexMap;

/// How deep schemas may stand in schemas: much deeper than any real one, and no danger to the stack.
const MAX_DEPTH: usize = 128;

impl Schema {
    pub(super) fn new(at: Location) -> Self {
        Self {
            at,
            reference: None,
            ty: None,
            format: None,
            title: None,
            description: None,
            properties: IndexMap::new(),
            required: Vec::new(),
            additional: Additional::Unsaid,
            items: None,
            all_of: Vec::new(),
            enumeration: Vec::new(),
            default: None,
            limits: None,
            discriminator: None,
            discriminator_value: None,
            read_only: false,
            nullable: None,
            ms_enum: None,
            client_name: None,
            secret: false,
            flatten: false,
            mutability: Vec::new(),
            collection_format: None,
            xml: false,
            extensions: Extensions::default(),
        }
    }
}

impl Parser<'_> {
    pub(super) fn schema(&mut self, at: Location, value: &Value) -> Option<Schema> {
        let object = self.object(&at, "a schema", value)?;
        if self.depth == MAX_DEPTH {
            let message = format!("schemas are nested more than {MAX_DEPTH} deep");
            let help = "give the inner schemas a name under `definitions`, and refer to them with `$ref`";
            self.report(Diagnostic::new(Code::TooDeep, message).at(&at).help(help));
            return None;
        }
        self.depth += 1;
        let mut schema = Schema::new(at);
        for (key, value) in object {
            let read = self.type_keyword(&mut schema, key, value)
                || self.limit_keyword(&mut schema, key, value)
                || self.schema_keyword(&mut schema, key, value);
            if !read {
                self.unknown(&schema.at, key, value, &mut schema.extensions);
            }
        }
        self.depth -= 1;
        Some(schema)
    }

    /// The keywords that schemas, parameters, headers and items have; `false`: it is not one of them.
    pub(super) fn type_keyword(&mut self, schema: &mut Schema, key: &str, value: &Value) -> bool {
        let at = &schema.at;
        match key {
            "type" => self.types(schema, value),
            "format" => self.set(&mut schema.format, at, key, value),
            "items" => schema.items = self.schema(at.join(key), value).map(Box::new),
            "default" => schema.default = Some(Box::new(value.clone())),
            "enum" => self.list(&mut schema.enumeration, at, key, value),
            "collectionFormat" => self.set(&mut schema.collection_format, at, key, value),
            "x-ms-enum" => schema.ms_enum = self.ms_enum(at.join(key), value).map(Box::new),
            "x-nullable" => self.set(&mut schema.nullable, at, key, value),
            "x-ms-secret" => self.set(&mut schema.secret, at, key, value),
            "x-ms-client-name" => self.set(&mut schema.client_name, at, key, value),
            _ => return false,
        }
        true
    }

    /// The keywords that limit a value; `false`: it is not one of them.
    pub(super) fn limit_keyword(&mut self, schema: &mut Schema, key: &str, value: &Value) -> bool {
        const KEYWORDS: [&str; 13] = [
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
            "minLength",
            "maxLength",
            "pattern",
            "minItems",
            "maxItems",
            "uniqueItems",
            "minProperties",
            "maxProperties",
        ];
        if !KEYWORDS.contains(&key) {
            return false;
        }
        let (at, limits) = (&schema.at, schema.limits.get_or_insert_default());
        match key {
            "minimum" => self.set(&mut limits.minimum, at, key, value),
            "maximum" => self.set(&mut limits.maximum, at, key, value),
            "exclusiveMinimum" => self.set(&mut limits.exclusive_minimum, at, key, value),
            "exclusiveMaximum" => self.set(&mut limits.exclusive_maximum, at, key, value),
            "multipleOf" => self.set(&mut limits.multiple_of, at, key, value),
            "minLength" => self.set(&mut limits.min_length, at, key, value),
            "maxLength" => self.set(&mut limits.max_length, at, key, value),
            "pattern" => self.set(&mut limits.pattern, at, key, value),
            "minItems" => self.set(&mut limits.min_items, at, key, value),
            "maxItems" => self.set(&mut limits.max_items, at, key, value),
            "uniqueItems" => {
                self.set(&mut limits.unique_items, at, key, value);
                if limits.unique_items {
                    self.gap(Unsupported::UniqueItems, &at.join(key));
                }
            }
            "minProperties" => self.set(&mut limits.min_properties, at, key, value),
            _ => self.set(&mut limits.max_properties, at, key, value),
        }
        true
    }

    /// The keywords that only schemas have; `false`: it is not one of them.
    fn schema_keyword(&mut self, schema: &mut Schema, key: &str, value: &Value) -> bool {
        let at = &schema.at;
        match key {
            "$ref" => schema.reference = self.reference(at, value).map(Box::new),
            "title" => self.set(&mut schema.title, at, key, value),
            "description" => self.set(&mut schema.description, at, key, value),
            "properties" => schema.properties = self.map(at, key, value, Self::schema),
            "required" => self.required(schema, value),
            "additionalProperties" => schema.additional = self.additional(at.join(key), value),
            "allOf" => schema.all_of = self.nodes(at, key, value, Self::schema),
            "discriminator" => self.set(&mut schema.discriminator, at, key, value),
            "readOnly" => self.set(&mut schema.read_only, at, key, value),
            "xml" => {
                schema.xml = true;
                self.gap(Unsupported::Xml, &at.join(key));
            }
            "x-ms-discriminator-value" => {
                self.set(&mut schema.discriminator_value, at, key, value);
            }
            "x-ms-client-flatten" => self.set(&mut schema.flatten, at, key, value),
            "x-ms-mutability" => self.list(&mut schema.mutability, at, key, value),
            _ => return false,
        }
        true
    }

    /// A type or, in documents that know JSON Schema better than Swagger, a list of them.
    fn types(&mut self, schema: &mut Schema, value: &Value) {
        let at = &schema.at;
        let Value::Array(words) = value else {
            return self.set(&mut schema.ty, at, "type", value);
        };
        let mut types: Vec<Type> = Vec::new();
        for (index, word) in words.iter().enumerate() {
            match (word.as_str(), Type::read(word)) {
                (_, Some(ty)) => types.push(ty),
                (Some("null"), None) => schema.nullable = Some(true),
                (_, None) => {
                    let at = at.join("type").join(index);
                    self.wrong(&at, "a type", Type::EXPECTED, word);
                }
            }
        }
        match types[..] {
            [] => {}
            [ty] => schema.ty = Some(ty),
            _ => {
                let problem =
                    Diagnostic::new(Code::SeveralTypes, "Swagger 2.0 allows one type: any JSON value is taken here");
                let help = "name the one type that it has; for one that may be null, add `x-nullable: true`";
                self.report(problem.at(&at.join("type")).help(help));
            }
        }
    }

    fn required(&mut self, schema: &mut Schema, value: &Value) {
        let at = &schema.at;
        if value.is_boolean() {
            let problem =
                Diagnostic::new(Code::NoEffect, "a `required` that is true or false has no effect in a schema");
            let help = "name the property in the `required` list of the object that has it";
            self.report(problem.at(&at.join("required")).help(help));
        } else {
            self.list(&mut schema.required, at, "required", value);
        }
    }

    fn additional(&mut self, at: Location, value: &Value) -> Additional {
        match value {
            Value::Bool(false) => Additional::Forbidden,
            Value::Bool(true) => Additional::Any,
            Value::Object(object) if object.is_empty() => Additional::Any,
            _ => self.schema(at, value).map_or(Additional::Unsaid, |it| Additional::Schema(Box::new(it))),
        }
    }
}
