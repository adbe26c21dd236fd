//! Parameters.

use serde_json::Value;

use super::read::{Object, Parser};
use crate::diag::Location;
use crate::spec::{CollectionFormat, Extensions, In, OrRef, Parameter, Schema, Unsupported};

impl Parser<'_> {
    pub(super) fn parameter(&mut self, at: Location, value: &Value) -> Option<OrRef<Parameter>> {
        self.or_ref(at, "a parameter", value, Self::parameter_item)
    }

    fn parameter_item(&mut self, at: Location, object: &Object) -> Option<Parameter> {
        let (name, place) = (self.needed(&at, object, "name"), self.needed(&at, object, "in"));
        let mut parameter = Parameter::new(at, name?, place?);
        let mut body = None;
        for (key, value) in object {
            match key.as_str() {
                "name" | "in" => {}
                "schema" => body = self.schema(parameter.at.join(key), value),
                _ if self.parameter_keyword(&mut parameter, key, value) => {}
                _ if self.type_keyword(&mut parameter.schema, key, value) => {}
                _ if self.limit_keyword(&mut parameter.schema, key, value) => {}
                _ => self.unknown(&parameter.at, key, value, &mut parameter.extensions),
            }
        }
        self.settle_type(&mut parameter, body, object);
        Some(parameter)
    }

    /// The keywords that only parameters have; `false`: it is not one of them.
    fn parameter_keyword(&mut self, parameter: &mut Parameter, key: &str, value: &Value) -> bool {
        let at = &parameter.at;
        match key {
            "required" => self.set(&mut parameter.required, at, key, value),
            "description" => self.set(&mut parameter.description, at, key, value),
            "collectionFormat" => self.set(&mut parameter.collection_format, at, key, value),
            "allowEmptyValue" => self.set(&mut parameter.allow_empty_value, at, key, value),
            "x-ms-client-name" => self.set(&mut parameter.client_name, at, key, value),
            "x-ms-parameter-location" => self.set(&mut parameter.location, at, key, value),
            "x-ms-skip-url-encoding" => self.set(&mut parameter.raw, at, key, value),
            "x-ms-header-collection-prefix" => {
                self.set(&mut parameter.header_prefix, at, key, value);
            }
            "x-ms-client-flatten" => self.set(&mut parameter.flatten, at, key, value),
            "x-ms-parameter-grouping" => {
                parameter.grouped = true;
                self.gap(Unsupported::ParameterGrouping, &at.join(key));
            }
            _ => return false,
        }
        true
    }

    /// A body has a `schema`, everything else a `type`.
    fn settle_type(&mut self, parameter: &mut Parameter, body: Option<Schema>, object: &Object) {
        let at = &parameter.at;
        let (needed, useless, place) = match parameter.place {
            In::Body => ("schema", "type", "in a body parameter, which has a `schema`"),
            _ => ("type", "schema", "in a parameter that is not the body: it has a `type`"),
        };
        if object.contains_key(useless) {
            self.no_effect(at, useless, place, "remove it");
        }
        if !object.contains_key(needed) {
            self.missing(at, needed);
        }
        if let (In::Body, Some(mut body)) = (parameter.place, body) {
            body.nullable = body.nullable.or(parameter.schema.nullable);
            body.secret |= parameter.schema.secret;
            parameter.schema = body;
        }
    }
}

impl Parameter {
    fn new(at: Location, name: String, place: In) -> Self {
        Self {
            schema: Schema::new(at.clone()),
            at,
            name,
            place,
            required: false,
            description: None,
            collection_format: CollectionFormat::Csv,
            allow_empty_value: false,
            client_name: None,
            location: None,
            raw: false,
            header_prefix: None,
            flatten: false,
            grouped: false,
            extensions: Extensions::default(),
        }
    }
}
