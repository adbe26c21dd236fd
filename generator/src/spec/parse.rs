//! From a JSON value to the typed model.
//!
//! Every object is read by one loop over its keys and one `match`, so that a key nobody reads cannot go unnoticed.
//! A node that is wrong is reported and left out; the rest of the document is read all the same.

mod extension;
mod operation;
mod parameter;
mod read;
mod schema;
#[cfg(test)]
mod tests;

use serde_json::Value;

use self::read::{Object, Parser, Read};
use super::{Document, Extensions, Info, OrRef, Parameter, Response, Schema, Scheme, Unsupported};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Location, Pointer};
use indexmap::IndexMap;

/// A whole document; `None` where it is not Swagger 2.0.
pub(crate) fn parse(file: FileId, value: &Value, diags: &mut Diagnostics) -> Option<Document> {
    let mut parser = Parser::new(diags);
    let at = Location { file, pointer: Pointer::root() };
    let object = parser.object(&at, "a document", value)?;
    if !parser.is_swagger2(&at, object) {
        return None;
    }
    let document = parser.document(at, object);
    parser.finish();
    Some(document)
}

/// What other files may refer to: `definitions`, `parameters` and `responses` of a file that need not be a whole document.
pub(crate) fn parse_fragment(file: FileId, value: &Value, diags: &mut Diagnostics) -> Option<Document> {
    let mut parser = Parser::new(diags);
    let at = Location { file, pointer: Pointer::root() };
    let object = parser.object(&at, "a document", value)?;
    let versioned = object.contains_key("swagger") || object.contains_key("openapi");
    if versioned && !parser.is_swagger2(&at, object) {
        return None;
    }
    let mut fragment = Document::new(at);
    for (key, value) in object {
        parser.shared(&mut fragment, key, value);
    }
    parser.finish();
    Some(fragment)
}

/// A schema that stands anywhere.
pub(crate) fn parse_schema(at: Location, value: &Value, diags: &mut Diagnostics) -> Option<Schema> {
    let mut parser = Parser::new(diags);
    let schema = parser.schema(at, value);
    parser.finish();
    schema
}

/// A parameter that stands anywhere.
pub(crate) fn parse_parameter(at: Location, value: &Value, diags: &mut Diagnostics) -> Option<OrRef<Parameter>> {
    let mut parser = Parser::new(diags);
    let parameter = parser.parameter(at, value);
    parser.finish();
    parameter
}

/// A response that stands anywhere.
pub(crate) fn parse_response(at: Location, value: &Value, diags: &mut Diagnostics) -> Option<OrRef<Response>> {
    let mut parser = Parser::new(diags);
    let response = parser.response(at, value);
    parser.finish();
    response
}

impl Document {
    /// With nothing in it.
    pub(crate) fn new(at: Location) -> Self {
        Self {
            at,
            info: Info::default(),
            host: None,
            base_path: None,
            schemes: Vec::new(),
            consumes: Vec::new(),
            produces: Vec::new(),
            paths: Vec::new(),
            definitions: IndexMap::new(),
            parameters: IndexMap::new(),
            responses: IndexMap::new(),
            security_definitions: IndexMap::new(),
            security: Vec::new(),
            parameterized_host: None,
            extensions: Extensions::default(),
        }
    }
}

impl Parser<'_> {
    fn is_swagger2(&mut self, at: &Location, object: &Object) -> bool {
        let text = |key: &str| match object.get(key)? {
            Value::String(version) => Some(version.clone()),
            // `swagger: 2.0` without quotes, in YAML.
            Value::Number(version) => Some(version.to_string()),
            _ => None,
        };
        let found = match (text("swagger"), text("openapi"), text("swaggerVersion")) {
            (Some(version), ..) if version == "2.0" => return true,
            (Some(version), ..) => Some(("swagger", format!("Swagger {version}"))),
            (.., Some(version)) => Some(("swaggerVersion", format!("Swagger {version}"))),
            (_, Some(version), _) => Some(("openapi", format!("OpenAPI {version}"))),
            _ => None,
        };
        self.report(match found {
            Some((key, found)) => Diagnostic::new(Code::NotSwagger2, format!("this is {found}"))
                .at_value(&at.join(key))
                .help("only Swagger 2.0 is supported yet: convert the document, or use its Swagger 2.0 form"),
            None => Diagnostic::new(
                Code::NotSwagger2,
                "this is not an OpenAPI document: it has neither `swagger` nor `openapi`",
            )
            .at(at)
            .help("a document of Swagger 2.0 has `swagger: \"2.0\"` at its top"),
        });
        false
    }

    fn document(&mut self, at: Location, object: &Object) -> Document {
        let mut document = Document::new(at.clone());
        for (key, value) in object {
            match key.as_str() {
                "swagger" => {}
                "info" => document.info = self.info(at.join(key), value),
                "host" => self.set(&mut document.host, &at, key, value),
                "basePath" => self.set(&mut document.base_path, &at, key, value),
                "schemes" => self.schemes(&mut document.schemes, &at, value),
                "consumes" => self.list(&mut document.consumes, &at, key, value),
                "produces" => self.list(&mut document.produces, &at, key, value),
                "paths" => self.paths(&mut document, key, value),
                // After `paths`, wherever it stands.
                "x-ms-paths" => {}
                "security" => self.list(&mut document.security, &at, key, value),
                "securityDefinitions" => {
                    document.security_definitions = self.any_map(&at, key, value);
                }
                "x-ms-parameterized-host" => {
                    document.parameterized_host = self.parameterized_host(at.join(key), value);
                }
                _ if self.shared(&mut document, key, value) => {}
                _ => self.unknown(&at, key, value, &mut document.extensions),
            }
        }
        if let Some(value) = object.get("x-ms-paths") {
            self.paths(&mut document, "x-ms-paths", value);
        }
        document
    }

    /// The sections that other files may refer to; `false`: it is not one of them.
    fn shared(&mut self, document: &mut Document, key: &str, value: &Value) -> bool {
        let at = &document.at;
        match key {
            "definitions" => document.definitions = self.map(at, key, value, Self::schema),
            "parameters" => document.parameters = self.map(at, key, value, Self::parameter),
            "responses" => document.responses = self.map(at, key, value, Self::response),
            _ => return false,
        }
        true
    }

    fn info(&mut self, at: Location, value: &Value) -> Info {
        let mut info = Info::default();
        let Some(object) = self.object(&at, "`info`", value) else { return info };
        for (key, value) in object {
            match (key.as_str(), value) {
                ("title", _) => self.set(&mut info.title, &at, key, value),
                // `version: 1.0` without quotes, in YAML.
                ("version", Value::Number(version)) => info.version = version.to_string(),
                ("version", _) => self.set(&mut info.version, &at, key, value),
                ("description", _) => self.set(&mut info.description, &at, key, value),
                _ => self.unknown(&at, key, value, &mut info.extensions),
            }
        }
        info
    }

    fn schemes(&mut self, schemes: &mut Vec<Scheme>, at: &Location, value: &Value) {
        self.list(schemes, at, "schemes", value);
        let is_websocket = |value: &Value| matches!(Scheme::read(value), Some(Scheme::Ws | Scheme::Wss));
        if let Some(index) = value.as_array().and_then(|schemes| schemes.iter().position(is_websocket)) {
            self.gap(Unsupported::WebSocket, &at.join("schemes").join(index));
        }
    }
}
