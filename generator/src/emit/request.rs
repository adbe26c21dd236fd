//! The statements that put arguments into a request.

use super::operation::{MODELS, Writer};
use super::signature::flattened;
use super::types::{self, Passing};
use crate::ir::{BodyKind, CollectionFormat, Literal, Operation, Parameter, PathArgument, PathPart, Place, Role, Type};
use crate::render::{Code, line, literal};

impl Writer<'_> {
    /// The statements that put the required arguments into the request.
    pub(super) fn fill(&mut self, code: &mut Code, operation: &Operation, prefix: &str) {
        for part in &operation.path {
            let PathPart::Hole { parameter, raw, list } = part else { continue };
            let value = match parameter {
                PathArgument::Client(index) => {
                    let name = self.client.parameters.get(*index).map(|parameter| parameter.name.to_string());
                    format!("self.client.{}", name.unwrap_or_default())
                }
                PathArgument::Method(index) => match operation.required.get(*index) {
                    Some(parameter) => {
                        self.path(code, parameter, &format!("{prefix}{}", parameter.name), *raw, *list);
                        continue;
                    }
                    None => continue,
                },
                PathArgument::Constant(_) => continue,
            };
            if *raw {
                line!(code, "request.raw_path(&{value});");
            } else {
                line!(code, "request.path(&{value});");
            }
        }
        for (name, value) in &operation.fixed_query {
            line!(code, "request.query({}, &{});", literal(name), literal(value));
        }
        for constant in &operation.constants {
            let (name, value) = (literal(&constant.wire), literal(&constant.value));
            match constant.place {
                Place::Path => {}
                Place::Header { .. } => line!(code, "request.header({name}, &{value});"),
                Place::Form { .. } => line!(code, "request.form({name}, &{value});"),
                _ => line!(code, "request.query({name}, &{value});"),
            }
        }
        for index in &operation.client_parameters {
            let Some(parameter) = self.client.parameters.get(*index) else { continue };
            let value = format!("self.client.{}", parameter.name);
            match parameter.place {
                Place::Query { .. } => line!(code, "request.query({}, &{value});", literal(&parameter.wire)),
                Place::Header { .. } => line!(code, "request.header({}, &{value});", literal(&parameter.wire)),
                _ => {}
            }
        }
        for parameter in operation.required.iter().filter(|parameter| parameter.place != Place::Path) {
            self.put(code, parameter, "request.", &format!("{prefix}{}", parameter.name));
        }
    }

    fn path(&mut self, code: &mut Code, parameter: &Parameter, value: &str, raw: bool, list: CollectionFormat) {
        match (&parameter.ty, types::passing(&parameter.ty)) {
            (Type::List(_), _) => {
                self.imports.add("CollectionFormat");
                line!(code, "request.path_list({value}, CollectionFormat::{list:?});");
            }
            (Type::String, _) if raw => line!(code, "request.raw_path({value});"),
            (_, _) if raw => line!(code, "request.raw_path(&{value}.to_string());"),
            (Type::Secret, _) => line!(code, "request.path(&{value}.expose());"),
            (_, Passing::Copy) => line!(code, "request.path(&{value});"),
            (_, _) => line!(code, "request.path({value});"),
        }
    }

    /// The statement that puts an argument into the request, of which `request` gives the methods.
    pub(super) fn put(&mut self, code: &mut Code, parameter: &Parameter, request: &str, value: &str) {
        let name = literal(&parameter.wire);
        let place = match types::passing(&parameter.ty) {
            Passing::Copy => format!("&{value}"),
            _ => value.to_owned(),
        };
        let secret = parameter.ty == Type::Secret;
        let shown = if secret { format!("&{value}.expose()") } else { place };
        match (&parameter.place, parameter.role) {
            (_, Role::IfMatch) => line!(code, "{request}if_match({});", converted(value)),
            (_, Role::IfNoneMatch) => line!(code, "{request}if_none_match({});", converted(value)),
            (Place::Header { .. }, _) if secret => line!(code, "{request}secret_header({name}, {value});"),
            (Place::Query { list }, _) => {
                self.text(code, &parameter.ty, *list, &format!("{request}query"), &name, &shown)
            }
            (Place::Header { list }, _) => {
                self.text(code, &parameter.ty, *list, &format!("{request}header"), &name, &shown)
            }
            (Place::Form { list }, _) => {
                self.text(code, &parameter.ty, *list, &format!("{request}form"), &name, &shown)
            }
            (Place::QueryFlag, _) => {
                code.block(format_args!("if {value}"), "}", |code| line!(code, "{request}query_flag({name});"));
            }
            (Place::HeaderPrefix, _) => {
                code.block(format_args!("for (name, value) in {value}"), "}", |code| {
                    line!(code, "{request}header_prefix({name}, name, value);");
                });
            }
            (Place::Body(kind), _) => self.body(code, parameter, kind, request, value),
            (Place::Path, _) => {}
        }
    }

    fn text(&mut self, code: &mut Code, ty: &Type, list: CollectionFormat, method: &str, name: &str, value: &str) {
        if matches!(ty, Type::List(_)) {
            self.imports.add("CollectionFormat");
            line!(code, "{method}_list({name}, {value}, CollectionFormat::{list:?});");
        } else {
            line!(code, "{method}({name}, {value});");
        }
    }

    fn body(&mut self, code: &mut Code, parameter: &Parameter, kind: &BodyKind, request: &str, value: &str) {
        let media = |media: &Option<Literal>| {
            media.as_ref().map_or("None".to_owned(), |media| format!("Some({})", literal(media)))
        };
        let target = request.strip_suffix('.').unwrap_or(request);
        let target = if target == "request" { "&mut request".to_owned() } else { target.to_owned() };
        match kind {
            BodyKind::Raw { media_type } => line!(code, "{request}body({}, {});", converted(value), media(media_type)),
            BodyKind::Text { media_type } => {
                self.imports.add("Body");
                line!(code, "{request}body(Body::from({value}.to_owned()), Some({}));", literal(media_type));
            }
            BodyKind::Json { media_type } => {
                let view = match &parameter.ty {
                    _ if !is_field(value) && flattened(self.client, parameter).is_some() => self.assembled(parameter),
                    Type::List(_) => format!("v1::list({value}).view()"),
                    Type::String => format!("v1::View::Str({value})"),
                    ty => match types::passing(ty) {
                        Passing::Copy => format!("v1::Wire::view(&{value})"),
                        _ => format!("v1::Wire::view({value})"),
                    },
                };
                match media_type.0.as_str() {
                    "application/json" => line!(code, "v1::body_json({target}, {view});"),
                    _ => line!(code, "v1::body_json_as({target}, {view}, {});", literal(media_type)),
                }
            }
        }
    }

    /// A body that is made from arguments.
    fn assembled(&mut self, parameter: &Parameter) -> String {
        let Some((model, shape)) = flattened(self.client, parameter) else { return String::new() };
        self.imports.add_models();
        let arguments: Vec<String> = shape.fields.iter().map(|field| field.name.to_string()).collect();
        format!("v1::Wire::view(&{MODELS}{}::new({}))", model.name, arguments.join(", "))
    }
}

/// Whether an argument is a field of the struct of arguments.
fn is_field(value: &str) -> bool {
    value.contains('.')
}

/// An argument that is anything that turns into its type; in a struct of arguments it has been turned already.
fn converted(value: &str) -> String {
    if is_field(value) { value.to_owned() } else { format!("{value}.into()") }
}
