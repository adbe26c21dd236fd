//! Paths, operations and responses.

use indexmap::IndexMap;
use serde_json::Value;

use super::read::{Object, Parser};
use crate::diag::{Code, Location};
use crate::spec::{
    CollectionFormat, Document, Extensions, Header, Method, Operation, OrRef, PathItem, Response, Schema, Unsupported,
};

impl Parser<'_> {
    /// `paths` or `x-ms-paths`.
    pub(super) fn paths(&mut self, document: &mut Document, key: &str, value: &Value) {
        let at = document.at.join(key);
        let Some(object) = self.object(&at, format_args!("`{key}`"), value) else { return };
        for (template, value) in object {
            // In `x-ms-paths`, `{nextLink}` stands for a URL that the service gave.
            if template.starts_with('/') || (key == "x-ms-paths" && template.starts_with('{')) {
                document.paths.extend(self.path_item(at.join(template), template, value));
            } else if template.starts_with("x-") {
                document.extensions.push(template, value);
            } else {
                let found = Value::from(template.as_str());
                let expected = (Code::InvalidValue, "a template that begins with `/`");
                self.wrong(&at.join(template), "a path", expected, &found);
            }
        }
    }

    fn path_item(&mut self, at: Location, template: &str, value: &Value) -> Option<PathItem> {
        let object = self.object(&at, "a path", value)?;
        let mut item = PathItem {
            at,
            template: template.to_owned(),
            parameters: Vec::new(),
            operations: Vec::new(),
            extensions: Extensions::default(),
        };
        for (key, value) in object {
            let at = &item.at;
            match (key.as_str(), Method::from_word(key)) {
                (_, Some(method)) => {
                    item.operations.extend(self.operation(at.join(key), method, value));
                }
                ("parameters", _) => {
                    item.parameters = self.nodes(at, key, value, Self::parameter);
                }
                ("$ref", _) => self.gap(Unsupported::PathReference, &at.join(key)),
                _ => self.unknown(at, key, value, &mut item.extensions),
            }
        }
        Some(item)
    }

    fn operation(&mut self, at: Location, method: Method, value: &Value) -> Option<Operation> {
        let object = self.object(&at, "an operation", value)?;
        let mut operation = Operation::new(at, method);
        for (key, value) in object {
            if !self.operation_keyword(&mut operation, key, value)
                && !self.operation_extension(&mut operation, key, value)
            {
                self.unknown(&operation.at, key, value, &mut operation.extensions);
            }
        }
        if !object.contains_key("responses") {
            self.missing(&operation.at, "responses");
        }
        Some(operation)
    }

    fn operation_keyword(&mut self, operation: &mut Operation, key: &str, value: &Value) -> bool {
        let at = &operation.at;
        match key {
            "operationId" => self.set(&mut operation.id, at, key, value),
            "summary" => self.set(&mut operation.summary, at, key, value),
            "description" => self.set(&mut operation.description, at, key, value),
            "deprecated" => self.set(&mut operation.deprecated, at, key, value),
            "consumes" => self.list(operation.consumes.get_or_insert_default(), at, key, value),
            "produces" => self.list(operation.produces.get_or_insert_default(), at, key, value),
            "security" => self.list(operation.security.get_or_insert_default(), at, key, value),
            "parameters" => {
                operation.parameters = self.nodes(at, key, value, Self::parameter);
            }
            "responses" => self.responses(operation, value),
            _ => return false,
        }
        true
    }

    fn operation_extension(&mut self, operation: &mut Operation, key: &str, value: &Value) -> bool {
        let at = &operation.at;
        match key {
            "x-ms-long-running-operation" => {
                self.set(&mut operation.long_running, at, key, value);
            }
            "x-ms-long-running-operation-options" => {
                operation.final_state_via = self.final_state_via(at.join(key), value);
            }
            "x-ms-pageable" => operation.pageable = self.pageable(at.join(key), value),
            "x-ms-odata" => {
                self.gap(Unsupported::Odata, &at.join(key));
                operation.extensions.push(key, value);
            }
            _ => return false,
        }
        true
    }

    fn responses(&mut self, operation: &mut Operation, value: &Value) {
        let at = operation.at.join("responses");
        let Some(object) = self.object(&at, "`responses`", value) else { return };
        for (key, value) in object {
            if key.starts_with("x-") {
                operation.extensions.push(key, value);
            } else if key == "default" || is_status(key) {
                if let Some(response) = self.response(at.join(key), value) {
                    operation.responses.insert(key.clone(), response);
                }
            } else {
                let (at, found) = (at.join(key), Value::from(key.as_str()));
                let expected = (Code::InvalidValue, "a status (100 to 599) or `default`");
                self.wrong(&at, "a response's key", expected, &found);
            }
        }
    }

    pub(super) fn response(&mut self, at: Location, value: &Value) -> Option<OrRef<Response>> {
        self.or_ref(at, "a response", value, |parser, at, object| Some(parser.response_item(at, object)))
    }

    fn response_item(&mut self, at: Location, object: &Object) -> Response {
        let mut response = Response {
            at,
            description: String::new(),
            schema: None,
            headers: IndexMap::new(),
            error: None,
            extensions: Extensions::default(),
        };
        for (key, value) in object {
            let at = &response.at;
            match key.as_str() {
                "description" => self.set(&mut response.description, at, key, value),
                "schema" => response.schema = self.schema(at.join(key), value),
                "headers" => response.headers = self.map(at, key, value, Self::header),
                "x-ms-error-response" => self.set(&mut response.error, at, key, value),
                _ => self.unknown(at, key, value, &mut response.extensions),
            }
        }
        response
    }

    fn header(&mut self, at: Location, value: &Value) -> Option<Header> {
        let object = self.object(&at, "a header", value)?;
        let mut header = Header {
            schema: Schema::new(at.clone()),
            at,
            description: None,
            collection_format: CollectionFormat::Csv,
            client_name: None,
            header_prefix: None,
            extensions: Extensions::default(),
        };
        for (key, value) in object {
            let at = &header.at;
            match key.as_str() {
                "description" => self.set(&mut header.description, at, key, value),
                "collectionFormat" => self.set(&mut header.collection_format, at, key, value),
                "x-ms-client-name" => self.set(&mut header.client_name, at, key, value),
                "x-ms-header-collection-prefix" => {
                    self.set(&mut header.header_prefix, at, key, value);
                }
                _ if self.type_keyword(&mut header.schema, key, value) => {}
                _ if self.limit_keyword(&mut header.schema, key, value) => {}
                _ => self.unknown(at, key, value, &mut header.extensions),
            }
        }
        if !object.contains_key("type") {
            self.missing(&header.at, "type");
        }
        Some(header)
    }
}

fn is_status(key: &str) -> bool {
    key.len() == 3 && key.parse().is_ok_and(|status: u16| (100..600).contains(&status))
}

impl Operation {
    fn new(at: Location, method: Method) -> Self {
        Self {
            at,
            method,
            id: None,
            summary: None,
            description: None,
            deprecated: false,
            consumes: None,
            produces: None,
            parameters: Vec::new(),
            responses: IndexMap::new(),
            long_running: false,
            final_state_via: None,
            pageable: None,
            security: None,
            extensions: Extensions::default(),
        }
    }
}
