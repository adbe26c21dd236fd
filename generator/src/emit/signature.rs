//! How methods look: arguments, options, what they return.

use super::operation::{MODELS, POSITIONAL, has_builder};
use super::types::{self, Imports, Passing};
use crate::ir::{
    Client, FieldRole, Literal, Model, Operation, Output, Parameter, Place, ResponseBody, Shape, Struct, Type,
};
use crate::naming::Ident;

/// How a method looks, for tools that write code against the crate.
pub(crate) struct Signature {
    pub arguments: Vec<Argument>,
    /// The type of each option's argument; `None` where it takes none.
    pub options: Vec<Option<String>>,
    pub returns: String,
    pub output: String,
    /// The struct that takes the arguments, where they are many.
    pub bundle: Option<String>,
}

/// A positional argument of a method.
pub(crate) struct Argument {
    /// The parameter's index in `required`.
    pub parameter: usize,
    /// The name on the wire: the parameter's, or that of a property of the body.
    pub wire: String,
    pub name: Ident,
    pub ty: String,
}

/// The positional arguments: one a parameter, and one a property of a body that is taken apart.
pub(super) fn positional(
    client: &Client,
    operation: &Operation,
    lifetime: &str,
    imports: &mut Imports,
) -> Vec<Argument> {
    let mut arguments = Vec::new();
    for (index, parameter) in operation.required.iter().enumerate() {
        let mut add = |wire: &Literal, name: &Ident, ty: &Type| {
            let ty = types::argument(ty, client, MODELS, lifetime, imports);
            arguments.push(Argument { parameter: index, wire: wire.0.clone(), name: name.clone(), ty });
        };
        match flattened(client, parameter) {
            Some((_, shape)) => shape.fields.iter().for_each(|field| add(&field.wire, &field.name, &field.ty)),
            None => add(&parameter.wire, &parameter.name, &parameter.ty),
        }
    }
    arguments
}

/// Whether a struct of the required arguments borrows any of them.
pub(super) fn borrows(operation: &Operation) -> bool {
    let borrowed = |ty: &Type| *ty == Type::String || matches!(types::passing(ty), Passing::Reference);
    operation.required.iter().any(|parameter| borrowed(&parameter.ty))
}

/// The model of a body that is taken apart: one that has nothing but a few required properties.
pub(super) fn flattened<'a>(client: &'a Client, parameter: &Parameter) -> Option<(&'a Model, &'a Struct)> {
    let Type::Model(id) = &parameter.ty else { return None };
    let model = client.models.get(id.0).filter(|_| parameter.flatten)?;
    let Shape::Struct(shape) = &model.shape else { return None };
    let simple = shape.fields.iter().all(|field| field.role == FieldRole::Required && types::is_into(&field.ty));
    (simple && shape.rest.is_none() && (1..=2).contains(&shape.fields.len())).then_some((model, shape))
}

/// How a method looks.
pub(crate) fn signature(client: &Client, operation: &Operation) -> Signature {
    let mut imports = Imports::default();
    let arguments = positional(client, operation, "", &mut imports);
    let options = operation.optional.iter().map(|parameter| match parameter.place {
        Place::QueryFlag => None,
        Place::HeaderPrefix => Some("&str, &str".to_owned()),
        _ => Some(types::argument(&parameter.ty, client, MODELS, "", &mut imports)),
    });
    let options = options.collect();
    let output = output_type(&operation.output, client, &mut imports);
    let returns = return_type(operation, client, &mut imports);
    let bundle = (operation.required.len() > POSITIONAL).then(|| operation.arguments.to_string());
    Signature { arguments, options, returns, output, bundle }
}

/// What a method returns: a builder, where there are options.
pub(super) fn return_type(operation: &Operation, client: &Client, imports: &mut Imports) -> String {
    if has_builder(operation) { operation.builder.to_string() } else { call_type(operation, client, imports) }
}

/// The type of the runtime that a call is.
pub(super) fn call_type(operation: &Operation, client: &Client, imports: &mut Imports) -> String {
    let output = output_type(&operation.output, client, imports);
    let call = imports.add(call_name(operation));
    match &operation.pages {
        Some(pages) => format!("{call}<{output}, {}>", types::owned(&pages.item, client, MODELS, imports)),
        None => format!("{call}<{output}>"),
    }
}

pub(super) fn call_name(operation: &Operation) -> &'static str {
    match (&operation.pages, &operation.long_running) {
        (Some(_), _) => "PagedCall",
        (None, Some(_)) => "LongCall",
        (None, None) => "Call",
    }
}

pub(super) fn output_type(output: &Output, client: &Client, imports: &mut Imports) -> String {
    match output {
        Output::Empty => "()".to_owned(),
        Output::Body(body) => body_type(body, client, imports),
        Output::Optional(body) => format!("Option<{}>", body_type(body, client, imports)),
        Output::Either { name, .. } => name.to_string(),
    }
}

pub(super) fn body_type(body: &ResponseBody, client: &Client, imports: &mut Imports) -> String {
    match body {
        ResponseBody::Json(ty) => types::owned(ty, client, MODELS, imports),
        ResponseBody::Raw => imports.add("Bytes").to_owned(),
        ResponseBody::Text => "String".to_owned(),
    }
}

/// The function that reads a body.
pub(super) fn decoder(body: Option<&ResponseBody>, optional: bool) -> &'static str {
    match (body, optional) {
        (None, _) => "v1::empty",
        (Some(ResponseBody::Json(_)), false) => "v1::json",
        (Some(ResponseBody::Json(_)), true) => "v1::optional_json",
        (Some(ResponseBody::Raw), false) => "v1::bytes",
        (Some(ResponseBody::Raw), true) => "v1::optional_bytes",
        (Some(ResponseBody::Text), false) => "v1::text",
        (Some(ResponseBody::Text), true) => "v1::optional_text",
    }
}
