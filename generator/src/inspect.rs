//! The IR as JSON, for other tools. The shape is a contract: what is there stays, more may come.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::diag::Location;
use crate::emit;
use crate::ir::{
    Answer, Audience, Authentication, BodyKind, Client, ConnectionString, Crate, EnumKind, EtagSource, FieldRole,
    FinalStateVia, Group, Handler, HeaderValue, Model, Operation, Paging, Parameter, Place, Response, ResponseBody,
    Retry, Role, Service, Shape, Side, Status,
};
use crate::source::Sources;

/// The traits of a client and their methods, by the indexes of the operations.
type Handlers<'a> = HashMap<(usize, usize), (&'a Service, &'a Handler)>;

/// Counted up when something changes that readers may rely on.
const IR_VERSION: u32 = 1;

/// All of a crate.
pub(crate) fn json(ir: &Crate, sources: &Sources) -> Value {
    let operations = |client: &Client| -> Vec<Value> {
        let handlers: Handlers<'_> = client
            .services
            .iter()
            .flat_map(|service| service.handlers.iter().map(move |handler| (handler.operation, (service, handler))))
            .collect();
        let each = |(at, group): (usize, &Group)| -> Vec<Value> {
            let handler = |index| handlers.get(&(at, index)).copied();
            let all = group.operations.iter().enumerate();
            all.map(|(index, one)| operation(client, group, one, handler(index), sources)).collect()
        };
        client.groups.iter().enumerate().flat_map(each).collect()
    };
    json!({
        "ir_version": IR_VERSION,
        "crate": ir.name,
        "clients": ir.clients.iter().map(client).collect::<Vec<_>>(),
        "operations": ir.clients.iter().flat_map(operations).collect::<Vec<_>>(),
        "models": ir.clients.iter().flat_map(|client| client.models.iter().map(|one| model(client, one))).collect::<Vec<_>>(),
    })
}

fn client(client: &Client) -> Value {
    let documents =
        client.documents.iter().map(|document| json!({ "file": document.file, "version": document.version }));
    let groups = client.groups.iter().map(|group| json!({ "module": group.module.bare(), "type": group.ty.as_str() }));
    json!({
        "name": client.module.bare(),
        "documents": documents.collect::<Vec<_>>(),
        "endpoint": client.endpoint.as_ref().map(|endpoint| &endpoint.0),
        "api_version": client.api_version.as_ref().map(|version| &version.0),
        "parameters": client.parameters.iter().map(|parameter| json!({
            "name": parameter.wire.0,
            "in": place(&parameter.place),
            "rust": parameter.name.as_str(),
        })).collect::<Vec<_>>(),
        "authentication": authentication(&client.authentication),
        "groups": groups.collect::<Vec<_>>(),
        "rust": format!("{}::Client", client.module.bare()),
    })
}

fn authentication(authentication: &Authentication) -> Value {
    json!({
        "connection_string": authentication.connection_string.as_ref().map(|of| match of {
            ConnectionString::Hub => "hub",
            ConnectionString::Device(_) => "device",
        }),
        "bearer": authentication.bearer.map(|audience| match audience {
            Audience::Hub => "hub",
            Audience::Management => "management",
        }),
    })
}

fn operation(
    client: &Client,
    group: &Group,
    operation: &Operation,
    handler: Option<(&Service, &Handler)>,
    sources: &Sources,
) -> Value {
    let mut rust = if operation.side == Side::Server { json!({}) } else { rust(client, group, operation) };
    if let (Some((service, handler)), Value::Object(rust)) = (handler, &mut rust) {
        rust.insert("server".to_owned(), server(client, service, handler));
    }
    let mut value = json!({
        "id": operation.id.0,
        "client": client.module.bare(),
        "group": group.module.bare(),
        "method": operation.method.as_str(),
        "path": operation.template.0,
        "side": match operation.side { Side::Both => "both", Side::Client => "client", Side::Server => "server" },
        "deprecated": operation.deprecated,
        "parameters": parameters(client, operation),
        "responses": operation.responses.iter().map(|one| response(client, one)).collect::<Vec<_>>(),
        "paging": paging(operation),
        "long_running": operation.long_running.as_ref().map(|long_running| json!({
            "final_state_via": long_running.final_state_via.map(FinalStateVia::as_str),
        })),
        "preconditions": preconditions(operation),
        "etag": match &operation.etag {
            EtagSource::Unsaid | EtagSource::Nowhere => Value::Null,
            EtagSource::Header => json!({ "in": "header" }),
            EtagSource::Body(path) => json!({ "in": "body", "path": path.iter().map(|step| &step.0).collect::<Vec<_>>() }),
        },
        "retry": match operation.retry { Retry::ByMethod => "by-method", Retry::Never => "never" },
        "rust": rust,
    });
    if let (Some(origin), Value::Object(object)) = (&operation.overlay, &mut value) {
        object.insert("overlay".to_owned(), overlay(origin, sources));
    }
    value
}

fn overlay(origin: &Location, sources: &Sources) -> Value {
    let file = sources.get(origin.file).map(|file| file.path.display().to_string());
    json!({ "file": file, "action": origin.pointer.as_str() })
}

fn parameters(client: &Client, operation: &Operation) -> Vec<Value> {
    let own = operation.required.iter().map(|one| parameter(client, one, true, "method"));
    let options = operation.optional.iter().map(|one| parameter(client, one, false, "method"));
    let shared = operation.client_parameters.iter().filter_map(|index| client.parameters.get(*index));
    let shared = shared.map(|one| parameter(client, one, true, "client"));
    let constants = operation.constants.iter().map(|constant| {
        json!({ "name": constant.wire.0, "in": place(&constant.place), "required": true, "given": "constant", "value": constant.value.0 })
    });
    let version = operation.api_version.iter().map(|version| {
        json!({ "name": "api-version", "in": "query", "required": true, "given": "client", "value": version.0 })
    });
    shared.chain(own).chain(options).chain(constants).chain(version).collect()
}

fn parameter(client: &Client, parameter: &Parameter, required: bool, given: &str) -> Value {
    let mut value = json!({
        "name": parameter.wire.0,
        "in": place(&parameter.place),
        "required": required,
        "given": given,
        "type": emit::type_text(client, &parameter.ty),
    });
    if let (Place::Body(kind), Value::Object(object)) = (&parameter.place, &mut value) {
        object.insert("body".to_owned(), body(kind));
    }
    value
}

fn body(kind: &BodyKind) -> Value {
    match kind {
        BodyKind::Json { media_type } => json!({ "kind": "json", "media_type": media_type.0 }),
        BodyKind::Raw { media_type } => {
            json!({ "kind": "raw", "media_type": media_type.as_ref().map(|media| &media.0) })
        }
        BodyKind::Text { media_type } => json!({ "kind": "text", "media_type": media_type.0 }),
    }
}

fn place(place: &Place) -> &'static str {
    match place {
        Place::Path => "path",
        Place::Query { .. } => "query",
        Place::QueryFlag => "query-flag",
        Place::Header { .. } => "header",
        Place::HeaderPrefix => "header-prefix",
        Place::Body(_) => "body",
        Place::Form { .. } => "form",
    }
}

fn response(client: &Client, response: &Response) -> Value {
    json!({
        "status": status(response.status),
        "error": response.error,
        "body": response.body.as_ref().map(|body| match body {
            ResponseBody::Json(ty) => json!({ "kind": "json", "type": emit::type_text(client, ty) }),
            ResponseBody::Raw => json!({ "kind": "raw" }),
            ResponseBody::Text => json!({ "kind": "text" }),
        }),
        "headers": response.headers.iter().map(|header| json!({
            "name": header.wire.0,
            "prefix": header.prefix,
            "type": emit::type_text(client, &header.ty),
        })).collect::<Vec<_>>(),
    })
}

fn status(status: Status) -> Value {
    match status {
        Status::Code(code) => json!(code),
        Status::Class(class) => json!(format!("{class}XX")),
        Status::Default => json!("default"),
    }
}

fn paging(operation: &Operation) -> Value {
    match &operation.paging {
        None => Value::Null,
        Some(Paging::NextLink { link, items, operation }) => json!({
            "by": "next-link",
            "link": link.as_ref().map(|link| &link.0),
            "items": items.0,
            "operation": operation.as_ref().map(|operation| &operation.0),
        }),
        Some(Paging::Header { request, response, page_size }) => json!({
            "by": "header",
            "request": request.0,
            "response": response.0,
            "page_size": page_size.as_ref().map(|name| &name.0),
        }),
    }
}

fn preconditions(operation: &Operation) -> Vec<&'static str> {
    let all = operation.required.iter().chain(&operation.optional);
    let names = all.filter_map(|parameter| match parameter.role {
        Role::Plain => None,
        Role::IfMatch => Some("if-match"),
        Role::IfNoneMatch => Some("if-none-match"),
        Role::IfModifiedSince => Some("if-modified-since"),
        Role::IfUnmodifiedSince => Some("if-unmodified-since"),
    });
    names.collect()
}

/// How to call it from Rust.
fn rust(client: &Client, group: &Group, operation: &Operation) -> Value {
    let signature = emit::signature(client, operation);
    let arguments: Vec<Value> = signature
        .arguments
        .iter()
        .filter_map(|argument| operation.required.get(argument.parameter).map(|parameter| (parameter, argument)))
        .map(|(parameter, argument)| {
            let property = (parameter.wire.0 != argument.wire).then_some(&argument.wire);
            json!({
                "name": argument.name.as_str(),
                "parameter": parameter.wire.0,
                "property": property,
                "type": argument.ty,
            })
        })
        .collect();
    let options = operation.optional.iter().zip(&signature.options);
    let options: Vec<Value> = options
        .map(|(parameter, ty)| json!({ "method": parameter.name.as_str(), "parameter": parameter.wire.0, "type": ty }))
        .collect();
    let mut value = json!({
        "client": format!("{}::Client", client.module.bare()),
        "group": group.module.as_str(),
        "method": operation.name.as_str(),
        "arguments": arguments,
        "options": options,
        "returns": signature.returns,
        "output": format!("Response<{}>", signature.output),
    });
    if let (Some(long_running), Value::Object(object)) = (&operation.long_running, &mut value) {
        object.insert("resume".to_owned(), long_running.resume.as_str().into());
    }
    if let (Some(bundle), Value::Object(object)) = (signature.bundle, &mut value) {
        object.insert("arguments_struct".to_owned(), bundle.into());
    }
    value
}

/// How to serve it in Rust. Types without a path stand in `module`, `models` in the client's.
fn server(client: &Client, service: &Service, handler: &Handler) -> Value {
    let types = emit::field_types(client, handler);
    let fields = handler.fields.iter().zip(types).map(
        |(field, ty)| json!({ "name": field.parameter.name.as_str(), "parameter": field.parameter.wire.0, "type": ty }),
    );
    json!({
        "module": format!("{}::server::{}", client.module.bare(), service.module.bare()),
        "trait": service.ty.as_str(),
        "server": service.server.as_str(),
        "method": handler.method.as_str(),
        "request": handler.request.as_str(),
        "fields": fields.collect::<Vec<_>>(),
        "preconditions": handler.preconditions.as_ref().map(|preconditions| preconditions.name.as_str()),
        "response": handler.response.as_str(),
        "variants": handler.answers.iter().map(|answer| variant(client, answer)).collect::<Vec<_>>(),
    })
}

fn variant(client: &Client, answer: &Answer) -> Value {
    let (body, types) = emit::answer_types(client, answer);
    let headers = answer.headers.iter().zip(types).map(|(header, (ty, optional))| {
        json!({
            "name": header.name.as_str(),
            "header": header.wire.0,
            "prefix": header.value == HeaderValue::Prefix,
            "type": if optional { format!("Option<{ty}>") } else { ty },
            "setter": header.setter.as_str(),
        })
    });
    json!({
        "name": answer.name.as_str(),
        "status": status(answer.status),
        "struct": answer.payload.as_ref().map(|payload| payload.as_str()),
        "body": body,
        "headers": headers.collect::<Vec<_>>(),
    })
}

fn model(client: &Client, model: &Model) -> Value {
    let mut value = Map::new();
    value.insert("name".to_owned(), json!(model.definition.as_deref().unwrap_or(model.name.as_str())));
    value.insert("definition".to_owned(), json!(model.definition));
    value.insert("client".to_owned(), json!(client.module.bare()));
    let path = format!("{}::models::{}", client.module.bare(), model.name);
    let (kind, rust) = match &model.shape {
        Shape::Struct(shape) => {
            let fields = shape.fields.iter().map(|field| {
                let ty = emit::type_text(client, &field.ty);
                json!({
                    "name": field.name.as_str(),
                    "property": field.wire.0,
                    "type": if field.role == FieldRole::Optional { format!("Option<{ty}>") } else { ty },
                    "required": field.role == FieldRole::Required,
                    "read_only": field.read_only,
                    "setter": field.setter.as_str(),
                })
            });
            let rest = shape.rest.as_ref().map(|(name, _)| name.as_str());
            ("struct", json!({ "path": path, "fields": fields.collect::<Vec<_>>(), "additional_properties": rest }))
        }
        Shape::Enum(shape) => {
            let variants =
                shape.variants.iter().map(|variant| json!({ "name": variant.name.as_str(), "value": variant.value.0 }));
            let ty = if shape.kind == EnumKind::String { "String" } else { "i64" };
            let variants = variants.collect::<Vec<_>>();
            (
                "enum",
                json!({ "path": path, "variants": variants, "other": shape.other.as_str(), "type": ty, "open": shape.open }),
            )
        }
        Shape::Union(shape) => {
            let variants = shape.variants.iter().map(|(name, value, id)| {
                json!({ "name": name.as_str(), "value": value.0, "type": emit::type_text(client, &crate::ir::Type::Model(*id)) })
            });
            let variants = variants.collect::<Vec<_>>();
            ("union", json!({ "path": path, "tag": shape.tag.0, "variants": variants, "other": shape.other.as_str() }))
        }
    };
    value.insert("kind".to_owned(), json!(kind));
    value.insert("rust".to_owned(), rust);
    Value::Object(value)
}
