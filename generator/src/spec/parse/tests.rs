use serde_json::{Value, json};

use super::*;
use crate::spec::{
    Additional, CollectionFormat, FinalStateVia, In, Method, Mutability, Operation, ParameterLocation, Type,
};

const FILE: FileId = FileId(7);

/// What was read, and what was said about it: code, pointer, message.
fn read(value: &Value) -> (Option<Document>, Vec<(Code, String, String)>) {
    let mut diags = Diagnostics::default();
    let document = parse(FILE, value, &mut diags);
    let said = diags
        .iter()
        .map(|it| {
            let pointer = it.location.as_ref().map(|at| at.pointer.to_string());
            (it.code, pointer.unwrap_or_default(), it.message.clone())
        })
        .collect();
    (document, said)
}

/// A document with these keys, read without a word.
fn document(mut value: Value) -> Document {
    value["swagger"] = json!("2.0");
    let (document, said) = read(&value);
    assert_eq!(said, []);
    document.unwrap()
}

/// What is said about a document with these keys.
fn said(mut value: Value) -> Vec<(Code, String, String)> {
    value["swagger"] = json!("2.0");
    read(&value).1
}

fn codes(value: Value) -> Vec<(Code, String)> {
    said(value).into_iter().map(|(code, pointer, _)| (code, pointer)).collect()
}

/// The schema `A`, read without a word.
fn extensions(members: &[(&str, Value)]) -> Extensions {
    let mut extensions = Extensions::default();
    members.iter().for_each(|(key, value)| extensions.push(key, value));
    extensions
}

fn schema(value: Value) -> Schema {
    let mut document = document(json!({ "definitions": { "A": value } }));
    document.definitions.swap_remove("A").unwrap()
}

/// What is said about the schema `A`.
fn schema_said(value: Value) -> Vec<(Code, String)> {
    let said = codes(json!({ "definitions": { "A": value } }));
    said.into_iter().map(|(code, at)| (code, at.replacen("/definitions/A", "", 1))).collect()
}

fn operation(value: Value) -> Operation {
    let mut value = value;
    value["responses"] = value.get("responses").cloned().unwrap_or(json!({}));
    let mut document = document(json!({ "paths": { "/a": { "get": value } } }));
    document.paths.remove(0).operations.remove(0)
}

fn operation_said(value: Value) -> Vec<(Code, String)> {
    let said = codes(json!({ "paths": { "/a": { "get": value } } }));
    said.into_iter().map(|(code, at)| (code, at.replacen("/paths/~1a/get", "", 1))).collect()
}

fn parameter(value: Value) -> Parameter {
    let mut document = document(json!({ "parameters": { "p": value } }));
    match document.parameters.swap_remove("p").unwrap() {
        OrRef::Item(parameter) => parameter,
        OrRef::Ref(reference) => panic!("{reference:?}"),
    }
}

fn parameter_said(value: Value) -> Vec<(Code, String)> {
    let said = codes(json!({ "parameters": { "p": value } }));
    said.into_iter().map(|(code, at)| (code, at.replacen("/parameters/p", "", 1))).collect()
}

#[test]
fn other_versions_are_named() {
    let refused = |value: Value| {
        let (document, said) = read(&value);
        assert!(document.is_none());
        assert_eq!(said.len(), 1);
        let (code, _, message) = said.into_iter().next().unwrap();
        assert_eq!(code, Code::NotSwagger2);
        message
    };
    assert_eq!(refused(json!({ "openapi": "3.0.1" })), "this is OpenAPI 3.0.1");
    assert_eq!(refused(json!({ "swagger": "1.1" })), "this is Swagger 1.1");
    assert_eq!(refused(json!({ "swaggerVersion": "1.2" })), "this is Swagger 1.2");
    assert!(refused(json!({ "paths": {} })).contains("neither `swagger` nor `openapi`"));
    let (document, said) = read(&json!([1]));
    assert!(document.is_none());
    assert_eq!(said[0].0, Code::WrongType);
}

#[test]
fn a_version_may_be_a_number_as_yaml_has_it() {
    let (document, said) = read(&json!({ "swagger": 2.0, "info": { "title": "t", "version": 1.5 } }));
    assert_eq!(said, []);
    assert_eq!(document.unwrap().info.version, "1.5");
}

#[test]
fn a_document_has_its_parts() {
    let document = document(json!({
        "info": { "title": "T", "version": "1", "description": "d", "x-a": 1, "contact": {} },
        "host": "h", "basePath": "/b", "schemes": ["https", "http"], "consumes": ["a/b"], "produces": ["c/d"],
        "securityDefinitions": { "key": { "type": "apiKey" } }, "security": [{ "key": [] }],
        "tags": [], "externalDocs": {}, "x-other": { "y": [1] },
        "responses": { "r": { "description": "d" }, "s": { "$ref": "#/responses/r" } },
        "x-ms-parameterized-host": {
            "hostTemplate": "{h}", "useSchemePrefix": false, "positionInOperation": "first",
            "parameters": [{ "$ref": "#/parameters/h" }],
        },
    }));
    assert_eq!(
        (document.info.title.as_str(), document.info.extensions.get("x-a").and_then(Value::as_u64)),
        ("T", Some(1))
    );
    assert_eq!((document.host.as_deref(), document.base_path.as_deref()), (Some("h"), Some("/b")));
    assert_eq!(document.schemes, [Scheme::Https, Scheme::Http]);
    assert_eq!((&document.consumes[..], &document.produces[..]), (&["a/b".into()][..], &["c/d".into()][..]));
    assert_eq!(document.security_definitions.len() + document.security.len(), 2);
    assert_eq!(document.extensions, extensions(&[("x-other", json!({ "y": [1] }))]));
    assert!(matches!(&document.responses["s"], OrRef::Ref(to) if to.target == "#/responses/r"));
    let host = document.parameterized_host.unwrap();
    assert_eq!((host.template.as_str(), host.use_scheme_prefix, host.parameters.len()), ("{h}", false, 1));
}

#[test]
fn every_node_knows_its_place() {
    let document = document(json!({
        "paths": { "/a/{b}": { "parameters": [{ "name": "b", "in": "path", "required": true, "type": "string" }],
            "get": { "responses": { "200": { "description": "", "schema": { "$ref": "#/definitions/A" },
                "headers": { "ETag": { "type": "string" } } } } } } },
        "definitions": { "A": { "properties": { "x~y": { "items": {} } }, "allOf": [{}] } },
    }));
    let path = &document.paths[0];
    assert_eq!(path.at.file, FILE);
    assert_eq!(path.at.pointer.as_str(), "/paths/~1a~1{b}");
    let OrRef::Item(parameter) = &path.parameters[0] else { panic!() };
    assert_eq!(parameter.at.pointer.as_str(), "/paths/~1a~1{b}/parameters/0");
    let OrRef::Item(response) = &path.operations[0].responses["200"] else { panic!() };
    assert_eq!(response.headers["ETag"].at.pointer.as_str(), "/paths/~1a~1{b}/get/responses/200/headers/ETag");
    let reference = response.schema.as_ref().and_then(|it| it.reference.as_ref()).unwrap();
    assert_eq!(reference.at.pointer.as_str(), "/paths/~1a~1{b}/get/responses/200/schema/$ref");
    let schema = &document.definitions["A"];
    let items = schema.properties["x~y"].items.as_ref().unwrap();
    assert_eq!(items.at.pointer.as_str(), "/definitions/A/properties/x~0y/items");
    assert_eq!(schema.all_of[0].at.pointer.as_str(), "/definitions/A/allOf/0");
}

#[test]
fn x_ms_paths_come_after_paths() {
    let document = document(json!({
        "x-ms-paths": { "/b?x": { "get": { "responses": {} } }, "{nextLink}?y": {} },
        "paths": { "/a": {}, "x-note": 1 },
    }));
    let templates: Vec<_> = document.paths.iter().map(|path| path.template.as_str()).collect();
    assert_eq!(templates, ["/a", "/b?x", "{nextLink}?y"]);
    assert_eq!(document.extensions, extensions(&[("x-note", json!(1))]));
}

#[test]
fn a_path_begins_with_a_slash_and_has_no_reference() {
    assert_eq!(
        codes(json!({ "paths": { "a": {}, "{a}": {}, "/b": { "$ref": "b.json" }, "/c": 1, "/d": { "trace": {} } } })),
        [
            (Code::InvalidValue, "/paths/a".into()),
            (Code::InvalidValue, "/paths/{a}".into()),
            (Code::WrongType, "/paths/~1c".into()),
            (Code::UnknownKeyword, "/paths/~1d/trace".into()),
            (Code::UnsupportedPathReference, "/paths/~1b/$ref".into()),
        ]
    );
}

#[test]
fn an_operation_has_its_parts() {
    let it = operation(json!({
        "operationId": "A_B", "summary": "s", "description": "d", "deprecated": true, "tags": ["t"],
        "consumes": [], "schemes": ["http"], "security": [],
        "parameters": [{ "$ref": "#/parameters/p" }],
        "responses": { "200": { "description": "d", "x-ms-error-response": true }, "default": {}, "x-r": 1 },
        "x-ms-long-running-operation": true,
        "x-ms-long-running-operation-options": { "final-state-via": "azure-async-operation" },
        "x-ms-examples": { "e": { "$ref": "nowhere.json" } },
    }));
    assert_eq!((it.method, it.id.as_deref(), it.deprecated), (Method::Get, Some("A_B"), true));
    assert_eq!((it.consumes, it.produces), (Some(vec![]), None));
    assert_eq!((it.parameters.len(), it.security), (1, Some(vec![])));
    assert_eq!(it.responses.keys().collect::<Vec<_>>(), ["200", "default"]);
    assert!(matches!(&it.responses["200"], OrRef::Item(it) if it.error == Some(true) && it.description == "d"));
    assert_eq!((it.long_running, it.final_state_via), (true, Some(FinalStateVia::AzureAsyncOperation)));
    assert!(["x-r", "x-ms-examples"].iter().all(|key| it.extensions.get(key).is_some()));
    for word in ["azure-async-operation", "location", "operation-location", "original-uri"] {
        let it = operation(json!({ "x-ms-long-running-operation-options": { "final-state-via": word } }));
        assert_eq!(it.final_state_via.map(FinalStateVia::as_str), Some(word));
    }
}

#[test]
fn responses_are_statuses() {
    assert_eq!(operation_said(json!({})), [(Code::MissingKeyword, String::new())]);
    for key in ["2XX", "99", "600", "+20", "ok"] {
        let said = operation_said(json!({ "responses": { key: {} } }));
        assert_eq!(said, [(Code::InvalidValue, format!("/responses/{key}"))]);
    }
}

#[test]
fn pages_have_a_next_link_or_say_that_they_have_none() {
    let of = |value: Value| operation(json!({ "x-ms-pageable": value })).pageable.unwrap();
    let full = of(json!({ "nextLinkName": "next", "itemName": "items", "operationName": "A_Next" }));
    assert_eq!(full.next_link.as_deref(), Some("next"));
    assert_eq!((full.item.as_str(), full.operation.as_deref()), ("items", Some("A_Next")));
    let one = of(json!({ "nextLinkName": null }));
    assert_eq!((one.next_link, one.item.as_str()), (None, "value"));
    let said = operation_said(json!({ "responses": {}, "x-ms-pageable": { "other": 1 } }));
    assert_eq!(
        said,
        [(Code::UnknownKeyword, "/x-ms-pageable/other".into()), (Code::MissingKeyword, "/x-ms-pageable".into())]
    );
}

#[test]
fn a_parameter_has_its_parts() {
    let it = parameter(json!({
        "name": "p", "in": "header", "required": true, "description": "d", "type": "array",
        "items": { "type": "string", "collectionFormat": "pipes" }, "collectionFormat": "multi",
        "allowEmptyValue": true, "maxItems": 3, "x-ms-client-name": "q", "x-ms-parameter-location": "client",
        "x-ms-skip-url-encoding": true, "x-ms-header-collection-prefix": "x-meta-", "x-ms-client-flatten": true,
        "x-ms-api-version": false, "x-nullable": true,
    }));
    assert_eq!((it.name.as_str(), it.place, it.required), ("p", In::Header, true));
    assert_eq!((it.schema.ty, it.schema.limits.unwrap().max_items), (Some(Type::Array), Some(3)));
    let items = it.schema.items.unwrap();
    assert_eq!(
        (it.collection_format, items.collection_format),
        (CollectionFormat::Multi, Some(CollectionFormat::Pipes))
    );
    assert_eq!((it.client_name.as_deref(), it.location), (Some("q"), Some(ParameterLocation::Client)));
    assert!(it.raw && it.flatten && it.allow_empty_value && !it.grouped);
    assert_eq!(it.header_prefix.as_deref(), Some("x-meta-"));
    assert_eq!((it.schema.nullable, it.extensions), (Some(true), extensions(&[("x-ms-api-version", json!(false))])));
}

#[test]
fn a_body_has_a_schema_and_the_others_a_type() {
    let body = json!({ "name": "b", "in": "body", "schema": { "type": "object" }, "x-nullable": true });
    let it = parameter(body);
    assert_eq!((it.schema.ty, it.schema.nullable), (Some(Type::Object), Some(true)));
    assert_eq!(it.schema.at.pointer.as_str(), "/parameters/p/schema");
    assert_eq!(
        parameter_said(json!({ "name": "b", "in": "body", "type": "string" })),
        [(Code::NoEffect, "/type".into()), (Code::MissingKeyword, String::new())]
    );
    assert_eq!(
        parameter_said(json!({ "name": "q", "in": "query", "schema": { "type": "string" } })),
        [(Code::NoEffect, "/schema".into()), (Code::MissingKeyword, String::new())]
    );
    assert_eq!(
        parameter_said(json!({ "in": "cookie", "type": "string" })),
        [(Code::MissingKeyword, String::new()), (Code::InvalidValue, "/in".into())]
    );
    assert_eq!(
        parameter_said(json!({ "name": "q", "in": "query", "type": "string", "properties": {} })),
        [(Code::UnknownKeyword, "/properties".into())]
    );
}

#[test]
fn beside_a_reference_only_prose_is_passed_over() {
    let it = json!({ "$ref": "#/parameters/q", "description": "d", "x-a": 1, "required": true });
    assert_eq!(parameter_said(it), [(Code::NoEffect, "/required".into())]);
    let it = schema(json!({ "$ref": "#/definitions/B", "description": "d", "readOnly": true }));
    assert_eq!(it.reference.unwrap().target, "#/definitions/B");
    assert_eq!((it.description.as_deref(), it.read_only), (Some("d"), true));
}

#[test]
fn a_schema_has_its_parts() {
    let it = schema(json!({
        "type": "object", "format": "f", "title": "t", "description": "d", "required": ["a"],
        "properties": { "a": { "type": "string", "x-ms-secret": true, "x-ms-mutability": ["read", "create"] } },
        "allOf": [{ "$ref": "#/definitions/B" }], "enum": ["x", 1, null], "default": null,
        "discriminator": "kind", "x-ms-discriminator-value": "k", "readOnly": true, "x-nullable": false,
        "x-ms-client-name": "n", "x-ms-client-flatten": true, "example": {}, "x-ms-azure-resource": true,
        "minimum": 1.5, "exclusiveMinimum": true, "maximum": 9, "multipleOf": 0.5, "minLength": 1, "maxLength": 2,
        "pattern": "^a$", "minItems": 3, "minProperties": 4, "maxProperties": 5,
    }));
    assert_eq!((it.ty, it.format.as_deref(), it.title.as_deref()), (Some(Type::Object), Some("f"), Some("t")));
    let a = &it.properties["a"];
    assert!(a.secret);
    assert_eq!(a.mutability, [Mutability::Read, Mutability::Create]);
    assert_eq!((it.required, it.all_of.len()), (vec!["a".to_owned()], 1));
    assert_eq!((it.enumeration, it.default.as_deref()), (vec![json!("x"), json!(1), json!(null)], Some(&json!(null))));
    assert_eq!((it.discriminator.as_deref(), it.discriminator_value.as_deref()), (Some("kind"), Some("k")));
    assert_eq!((it.read_only, it.nullable, it.flatten), (true, Some(false), true));
    assert_eq!(
        (it.client_name.as_deref(), it.extensions),
        (Some("n"), extensions(&[("x-ms-azure-resource", json!(true))]))
    );
    let limits = it.limits.unwrap();
    assert_eq!((limits.minimum.and_then(|it| it.as_f64()), limits.exclusive_minimum), (Some(1.5), true));
    assert_eq!((limits.maximum.and_then(|it| it.as_u64()), limits.exclusive_maximum), (Some(9), false));
    assert_eq!((limits.min_length, limits.max_length, limits.min_items), (Some(1), Some(2), Some(3)));
    assert_eq!((limits.min_properties, limits.max_properties), (Some(4), Some(5)));
    assert_eq!(limits.pattern.as_deref(), Some("^a$"));
}

#[test]
fn a_property_may_have_the_name_of_a_keyword() {
    let it = schema(json!({ "properties": {
        "type": { "type": "string" }, "properties": { "type": "object", "properties": { "$ref": { "type": "boolean" } } },
        "required": {}, "x-ms-enum": { "type": "integer" }, "description": {},
    } }));
    assert_eq!(it.properties["type"].ty, Some(Type::String));
    assert_eq!(it.properties["properties"].properties["$ref"].ty, Some(Type::Boolean));
    assert_eq!(it.properties["x-ms-enum"].ty, Some(Type::Integer));
    assert_eq!((it.properties.len(), it.description), (5, None));
}

#[test]
fn additional_properties_come_in_four_ways() {
    let of = |value: Value| schema(json!({ "additionalProperties": value })).additional;
    assert!(matches!(schema(json!({})).additional, Additional::Unsaid));
    assert!(matches!(of(json!(false)), Additional::Forbidden));
    assert!(matches!(of(json!(true)), Additional::Any));
    assert!(matches!(of(json!({})), Additional::Any));
    assert!(matches!(of(json!({ "type": "string" })), Additional::Schema(it) if it.ty == Some(Type::String)));
}

#[test]
fn an_enum_extension_may_be_sloppy() {
    let of = |value: Value| schema(json!({ "x-ms-enum": value })).ms_enum.unwrap();
    for (open, word) in [(true, json!("True")), (false, json!("FALSE")), (true, json!(true)), (false, json!(false))] {
        assert_eq!(of(json!({ "name": "N", "modelAsString": word })).open, open);
    }
    assert!(of(json!({ "modelAsExtensible": true, "modelAsString": false })).open);
    let it = of(json!({ "values": [{ "value": "a", "name": "A", "description": "d" }, { "value": 1 }] }));
    assert_eq!((it.name, it.open, it.values.len()), (None, false, 2));
    assert_eq!((&it.values[0].name, &it.values[1].value), (&Some("A".to_owned()), &json!(1)));
    assert_eq!(
        schema_said(json!({ "x-ms-enum": { "modelAsString": "yes", "values": [{ "name": "A" }] } })),
        [(Code::WrongType, "/x-ms-enum/modelAsString".into()), (Code::MissingKeyword, "/x-ms-enum/values/0".into())]
    );
}

#[test]
fn a_list_of_types_may_have_null() {
    let it = schema(json!({ "type": ["string", "null"] }));
    assert_eq!((it.ty, it.nullable), (Some(Type::String), Some(true)));
    assert_eq!(schema_said(json!({ "type": ["string", "integer"] })), [(Code::SeveralTypes, "/type".into())]);
    assert_eq!(schema_said(json!({ "type": ["text"] })), [(Code::InvalidValue, "/type/0".into())]);
    assert_eq!(schema_said(json!({ "type": "text" })), [(Code::InvalidValue, "/type".into())]);
}

#[test]
fn a_wrong_type_is_an_error_and_the_rest_is_read() {
    let (document, said) = read(&json!({ "swagger": "2.0", "definitions": {
        "A": { "description": 1, "minLength": -1, "required": ["a", 2], "properties": { "p": "x" }, "items": [] },
        "B": { "type": "string" },
    } }));
    let document = document.unwrap();
    assert_eq!((document.definitions.len(), &document.definitions["A"].required[..]), (2, &["a".to_owned()][..]));
    let told: Vec<_> = said.iter().map(|(_, at, message)| (at.as_str(), message.as_str())).collect();
    assert_eq!(
        told,
        [
            ("/definitions/A/description", "`description` must be a string, not `1`"),
            ("/definitions/A/minLength", "`minLength` must be an integer that is not negative, not `-1`"),
            ("/definitions/A/required/1", "an entry of `required` must be a string, not `2`"),
            ("/definitions/A/properties/p", "a schema must be an object, not the string `x`"),
            ("/definitions/A/items", "a schema must be an object, not a list"),
        ]
    );
    assert!(said.iter().all(|(code, ..)| *code == Code::WrongType));
}

#[test]
fn prose_may_be_empty() {
    assert_eq!(schema(json!({ "description": null, "title": null })).description, None);
    assert_eq!(schema_said(json!({ "format": null })), [(Code::WrongType, "/format".into())]);
}

#[test]
fn an_unknown_keyword_is_a_warning() {
    let said = said(json!({ "definitions": { "A": { "oneOf": [], "nullable": true, "x-mine": 1, "titel": "t" } } }));
    let told: Vec<_> = said.iter().map(|(code, at, _)| (*code, at.rsplit('/').next().unwrap())).collect();
    assert_eq!(
        told,
        [(Code::UnknownKeyword, "oneOf"), (Code::UnknownKeyword, "nullable"), (Code::UnknownKeyword, "titel")]
    );
}

#[test]
fn required_with_a_boolean_is_a_warning() {
    let said = schema_said(json!({ "properties": { "a": { "required": true } } }));
    assert_eq!(said, [(Code::NoEffect, "/properties/a/required".into())]);
}

#[test]
fn what_is_not_supported_is_said_once_a_document() {
    assert_eq!(
        codes(json!({
            "schemes": ["wss"],
            "definitions": { "A": { "xml": {}, "uniqueItems": true, "properties": { "b": { "xml": {} } } },
                "B": { "uniqueItems": false } },
            "parameters": { "p": { "name": "p", "in": "query", "type": "string", "x-ms-parameter-grouping": {} } },
            "paths": { "/a": { "get": { "responses": {}, "x-ms-odata": "#/definitions/A" } } },
        })),
        [
            (Code::UnsupportedXml, "/definitions/A/xml".into()),
            (Code::UnsupportedOdata, "/paths/~1a/get/x-ms-odata".into()),
            (Code::UnsupportedGrouping, "/parameters/p/x-ms-parameter-grouping".into()),
            (Code::UnsupportedUniqueItems, "/definitions/A/uniqueItems".into()),
            (Code::UnsupportedWebSocket, "/schemes/0".into()),
        ]
    );
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    let mut deep = json!({});
    for level in 0..300 {
        deep = match level % 3 {
            0 => json!({ "properties": { "a": deep } }),
            1 => json!({ "items": deep }),
            _ => json!({ "allOf": [{ "additionalProperties": deep }] }),
        };
    }
    let said = codes(json!({ "definitions": { "A": deep } }));
    assert_eq!(said.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::TooDeep]);
}

#[test]
fn a_fragment_needs_no_version_and_is_read_in_part() {
    let mut diags = Diagnostics::default();
    let value = json!({ "definitions": { "A": {} }, "type": "object", "paths": { "bad": 1 } });
    let fragment = parse_fragment(FILE, &value, &mut diags).unwrap();
    assert_eq!((fragment.definitions.len(), fragment.paths.len(), diags.iter().count()), (1, 0, 0));
    assert!(parse_fragment(FILE, &json!({ "openapi": "3.1.0" }), &mut diags).is_none());
    assert_eq!(diags.iter().map(|it| it.code).collect::<Vec<_>>(), [Code::NotSwagger2]);
}
