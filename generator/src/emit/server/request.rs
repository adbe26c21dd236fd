//! Requests: what they have, and how that is read.

use super::Writer;
use crate::emit::docs::parameter_docs;
use crate::emit::operation::MODELS;
use crate::emit::types::{self, Imports};
use crate::ir::{
    BodyKind, Client, CollectionFormat, Handler, Parameter, Place, PreconditionsField, RequestField, Type,
};
use crate::render::{Code, inline_code, line, literal};

/// The type of a request's field.
pub(crate) fn field_type(client: &Client, field: &RequestField, imports: &mut Imports) -> String {
    let parameter = &field.parameter;
    if let Place::Body(BodyKind::Raw { .. }) = parameter.place {
        return imports.add("Body").to_owned();
    }
    let ty = types::owned(&parameter.ty, client, MODELS, imports);
    match parameter.place {
        // What is not there is `false`, or empty.
        Place::QueryFlag | Place::HeaderPrefix => ty,
        _ if field.required => ty,
        _ => format!("Option<{ty}>"),
    }
}

impl Writer<'_> {
    pub(super) fn request(&mut self, code: &mut Code, handler: &Handler) {
        let Handler { method, request, .. } = handler;
        code.doc(format_args!("A request of [`{}::{}`].", self.service.ty, method.bare()));
        line!(code, "#[non_exhaustive]");
        line!(code, "#[derive(Debug)]");
        let (last, others) = split(handler);
        if handler.fields.is_empty() && handler.preconditions.is_none() {
            line!(code, "pub struct {request} {{}}");
        } else {
            code.block(format_args!("pub struct {request}"), "}", |code| {
                others.iter().for_each(|field| self.field(code, field));
                if let Some(preconditions) = &handler.preconditions {
                    self.server.insert("Preconditions");
                    preconditions_docs(code, preconditions);
                    line!(code, "pub {}: Preconditions,", preconditions.name);
                }
                last.iter().for_each(|field| self.field(code, field));
            });
        }
        code.gap();
        code.block(format_args!("impl {request}"), "}", |code| self.read(code, handler));
    }

    fn field(&mut self, code: &mut Code, field: &RequestField) {
        parameter_docs(code, &field.parameter);
        let ty = field_type(self.client, field, &mut self.imports);
        line!(code, "pub {}: {ty},", field.parameter.name);
    }

    /// The function that reads a request.
    fn read(&mut self, code: &mut Code, handler: &Handler) {
        line!(code, "#[inline]");
        if handler.fields.is_empty() && handler.preconditions.is_none() {
            return line!(code, "fn read(_: &mut Incoming) -> Self {{ Self {{}} }}");
        }
        let (last, others) = split(handler);
        let checks = self.checks(handler);
        code.block(format_args!("fn read(incoming: &mut Incoming) -> Self"), "}", |code| {
            let (head, tail) = if checks.is_empty() { ("Self", "}") } else { ("let request = Self", "};") };
            code.block(format_args!("{head}"), tail, |code| {
                for field in others {
                    line!(code, "{}: incoming.{},", field.parameter.name, self.reading(field));
                }
                if let Some(preconditions) = &handler.preconditions {
                    line!(code, "{}: incoming.{},", preconditions.name, reading_preconditions(preconditions));
                }
                for field in last {
                    line!(code, "{}: incoming.{},", field.parameter.name, self.reading(field));
                }
            });
            if !checks.is_empty() {
                checks.iter().for_each(|check| line!(code, "{check}"));
                line!(code, "request");
            }
        });
    }

    /// The statements that hold a request to its limits.
    fn checks(&mut self, handler: &Handler) -> Vec<String> {
        let tables = &self.client.checks.tables;
        let fields = handler.fields.iter().filter_map(|field| Some((field, tables.get(field.table?)?)));
        let checks = fields.map(|(field, table)| {
            let Parameter { name, wire, place, .. } = &field.parameter;
            let (at, wire) = match place {
                Place::Path => ("Path", literal(wire)),
                Place::Query { .. } | Place::QueryFlag => ("Query", literal(wire)),
                Place::Header { .. } | Place::HeaderPrefix => ("Header", literal(wire)),
                Place::Form { .. } => ("Form", literal(wire)),
                Place::Body(_) => ("Body", "\"\"".to_owned()),
            };
            format!("incoming.check(At::{at}, {wire}, v1::Wire::view(&request.{name}), &limits::{});", table.name)
        });
        let checks: Vec<String> = checks.collect();
        if !checks.is_empty() {
            self.server.insert("At");
        }
        checks
    }

    /// The method that reads a field, with its arguments.
    fn reading(&mut self, field: &RequestField) -> String {
        let parameter = &field.parameter;
        let name = literal(&parameter.wire);
        match (&parameter.place, field.hole) {
            (_, Some(hole)) if hole.raw => format!("raw_path({}, {name})", hole.index),
            (_, Some(hole)) => self.listed("path", parameter, true, hole.list, &format!("{}, {name}", hole.index)),
            (Place::Query { list }, _) => self.listed("query", parameter, field.required, *list, &name),
            (Place::Header { list }, _) => self.listed("header", parameter, field.required, *list, &name),
            (Place::Form { list }, _) => self.listed("form", parameter, field.required, *list, &name),
            (Place::QueryFlag, _) => format!("query_flag({name})"),
            (Place::HeaderPrefix, _) => format!("header_prefix({name})"),
            (Place::Body(BodyKind::Raw { .. }), _) => "stream()".to_owned(),
            (Place::Body(BodyKind::Json { .. }), _) if field.required => "json()".to_owned(),
            (Place::Body(BodyKind::Json { .. }), _) => "optional_json()".to_owned(),
            (Place::Body(BodyKind::Text { .. }), _) if field.required => "text()".to_owned(),
            (Place::Body(BodyKind::Text { .. }), _) => "optional_text()".to_owned(),
            // A parameter of the path that has no place in it is not lowered.
            (Place::Path, None) => format!("path(0, {name})"),
        }
    }

    /// The reading of a simple value, or of a list of such.
    fn listed(
        &mut self,
        place: &str,
        parameter: &Parameter,
        required: bool,
        list: CollectionFormat,
        arguments: &str,
    ) -> String {
        let required = if required && parameter.place != Place::Path { "required_" } else { "" };
        match parameter.ty {
            Type::List(_) => {
                self.imports.add("CollectionFormat");
                format!("{required}{place}_list({arguments}, CollectionFormat::{list:?})")
            }
            _ => format!("{required}{place}({arguments})"),
        }
    }
}

/// The body, which is last, and the fields before it.
fn split(handler: &Handler) -> (&[RequestField], &[RequestField]) {
    match handler.fields.split_last() {
        Some((last, others)) if matches!(last.parameter.place, Place::Body(_)) => (std::slice::from_ref(last), others),
        _ => (&[], &handler.fields),
    }
}

fn preconditions_docs(code: &mut Code, preconditions: &PreconditionsField) {
    code.doc(format_args!("The conditions that the request makes:"));
    code.doc(format_args!(""));
    for (wire, description) in &preconditions.headers {
        code.argument_line(&inline_code(&wire.0), description);
    }
}

fn reading_preconditions(preconditions: &PreconditionsField) -> String {
    if preconditions.required.is_empty() {
        return "preconditions()".to_owned();
    }
    let names: Vec<String> = preconditions.required.iter().map(literal).collect();
    format!("required_preconditions(&[{}])", names.join(", "))
}
