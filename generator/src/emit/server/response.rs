//! Responses: an enum of what can be answered, and how that is written.

use super::Writer;
use crate::emit::operation::MODELS;
use crate::emit::types::{self, Imports};
use crate::ir::{Answer, AnswerHeader, Client, Handler, HeaderValue, ResponseBody, Status};
use crate::naming::Ident;
use crate::render::{Code, inline_code, line, literal};

/// The type of a response's body.
pub(crate) fn body_type(client: &Client, body: &ResponseBody, imports: &mut Imports) -> String {
    match body {
        ResponseBody::Json(ty) => types::owned(ty, client, MODELS, imports),
        ResponseBody::Raw => imports.add("Body").to_owned(),
        ResponseBody::Text => "String".to_owned(),
    }
}

/// The type of a header's value, and whether it is one that may be absent.
pub(crate) fn header_type(client: &Client, value: &HeaderValue, imports: &mut Imports) -> (String, bool) {
    match value {
        HeaderValue::ETag => (imports.add("ETag").to_owned(), true),
        HeaderValue::Of(ty) => (types::owned(ty, client, MODELS, imports), true),
        HeaderValue::Prefix => (format!("{}<String, String>", imports.add("BTreeMap")), false),
    }
}

impl Writer<'_> {
    pub(super) fn response(&mut self, code: &mut Code, handler: &Handler) {
        let response = &handler.response;
        code.doc(format_args!("What [`{}::{}`] answers.", self.service.ty, handler.method.bare()));
        line!(code, "#[derive(Debug)]");
        code.block(format_args!("pub enum {response}"), "}", |code| {
            for answer in &handler.answers {
                answer_docs(code, answer);
                let held = self.held(answer);
                match held.is_empty() {
                    true => line!(code, "{},", answer.name),
                    false => line!(code, "{}({}),", answer.name, held.join(", ")),
                }
            }
        });
        code.gap();
        code.block(format_args!("impl {response}"), "}", |code| {
            line!(code, "#[inline]");
            code.block(format_args!("fn write(self, answer: &mut Answer)"), "}", |code| {
                code.block(format_args!("match self"), "}", |code| {
                    handler.answers.iter().for_each(|answer| write(code, answer));
                });
            });
        });
        for answer in &handler.answers {
            if let Some(payload) = &answer.payload {
                code.gap();
                self.payload(code, response, answer, payload);
            }
        }
    }

    /// What a variant holds.
    fn held(&mut self, answer: &Answer) -> Vec<String> {
        if let Some(payload) = &answer.payload {
            return vec![payload.to_string()];
        }
        let status = is_open(answer.status).then(|| self.imports.add("StatusCode").to_owned());
        let body = answer.body.as_ref().map(|body| body_type(self.client, body, &mut self.imports));
        status.into_iter().chain(body).collect()
    }

    /// The struct of a response with headers.
    fn payload(&mut self, code: &mut Code, response: &Ident, answer: &Answer, payload: &Ident) {
        let mut arguments = Vec::new();
        if is_open(answer.status) {
            arguments.push(("status", self.imports.add("StatusCode").to_owned(), "The status."));
        }
        if let Some(body) = &answer.body {
            arguments.push(("body", body_type(self.client, body, &mut self.imports), "The body."));
        }
        let headers: Vec<(&AnswerHeader, String, bool)> = answer
            .headers
            .iter()
            .map(|header| {
                let (ty, optional) = header_type(self.client, &header.value, &mut self.imports);
                (header, ty, optional)
            })
            .collect();
        code.doc(format_args!("What [`{response}::{}`] has.", answer.name));
        line!(code, "#[non_exhaustive]");
        line!(code, "#[derive({})]", if arguments.is_empty() { "Debug, Default" } else { "Debug" });
        code.block(format_args!("pub struct {payload}"), "}", |code| {
            for (name, ty, what) in &arguments {
                code.doc(format_args!("{what}"));
                line!(code, "pub {name}: {ty},");
            }
            for (header, ty, optional) in &headers {
                if !code.prose(&header.description) {
                    code.doc(format_args!("The header {}.", inline_code(&header.wire.0)));
                }
                match optional {
                    true => line!(code, "pub {}: Option<{ty}>,", header.name),
                    false => line!(code, "pub {}: {ty},", header.name),
                }
            }
        });
        code.gap();
        code.block(format_args!("impl {payload}"), "}", |code| {
            constructor(code, &arguments, &headers);
            headers.iter().for_each(|(header, ty, optional)| setter(code, header, ty, *optional));
        });
    }
}

fn constructor(code: &mut Code, arguments: &[(&str, String, &str)], headers: &[(&AnswerHeader, String, bool)]) {
    code.doc(format_args!("A new one, without headers."));
    line!(code, "#[inline]");
    let taken: Vec<String> = arguments.iter().map(|(name, ty, _)| format!("{name}: {ty}")).collect();
    code.list("pub fn new(", &taken, ") -> Self {");
    code.indented(|code| {
        if arguments.is_empty() {
            return line!(code, "Self::default()");
        }
        code.block(format_args!("Self"), "}", |code| {
            arguments.iter().for_each(|(name, ..)| line!(code, "{name},"));
            for (header, _, optional) in headers {
                line!(code, "{}: {},", header.name, if *optional { "None" } else { "BTreeMap::new()" });
            }
        });
    });
    line!(code, "}}");
}

fn setter(code: &mut Code, header: &AnswerHeader, ty: &str, optional: bool) {
    let name = &header.name;
    let (taken, value) = match ty {
        "String" => ("impl Into<String>".to_owned(), format!("{name}.into()")),
        ty => (ty.to_owned(), name.to_string()),
    };
    let value = if optional { format!("Some({value})") } else { value };
    code.gap();
    code.doc(format_args!("The same with this [`{0}`](Self::{0}).", name.bare()));
    line!(code, "#[must_use]");
    line!(code, "#[inline]");
    code.block(format_args!("pub fn {}(mut self, {name}: {taken}) -> Self", header.setter), "}", |code| {
        line!(code, "self.{name} = {value};");
        line!(code, "self");
    });
}

/// Whether a response says which status it is.
fn is_open(status: Status) -> bool {
    !matches!(status, Status::Code(_))
}

fn answer_docs(code: &mut Code, answer: &Answer) {
    if code.prose(&answer.description) {
        code.doc(format_args!(""));
    }
    match answer.status {
        Status::Code(status) => code.doc(format_args!("Status {status}.")),
        Status::Class(class) => code.doc(format_args!("A status from {class}00 to {class}99.")),
        Status::Default => code.doc(format_args!("Any other status.")),
    }
}

/// The arm that writes a variant.
fn write(code: &mut Code, answer: &Answer) {
    let name = &answer.name;
    let (pattern, before) = match (&answer.payload, is_open(answer.status), &answer.body) {
        (Some(_), ..) => ("(payload)", "payload."),
        (None, true, Some(_)) => ("(status, body)", ""),
        (None, true, None) => ("(status)", ""),
        (None, false, Some(_)) => ("(body)", ""),
        (None, false, None) => ("", ""),
    };
    let mut statements = vec![match answer.status {
        Status::Code(status) => format!("answer.status({status})"),
        Status::Class(_) | Status::Default => format!("answer.status_code({before}status)"),
    }];
    statements.extend(answer.headers.iter().map(header));
    statements.extend(answer.body.as_ref().map(|body| write_body(body, answer, &format!("{before}body"))));
    match statements.as_slice() {
        [only] => line!(code, "Self::{name}{pattern} => {only},"),
        all => code.block(format_args!("Self::{name}{pattern} =>"), "}", |code| {
            all.iter().for_each(|statement| line!(code, "{statement};"));
        }),
    }
}

fn header(header: &AnswerHeader) -> String {
    let (name, wire) = (&header.name, literal(&header.wire));
    match header.value {
        HeaderValue::ETag => format!("answer.etag(payload.{name}.as_ref())"),
        HeaderValue::Of(_) => format!("answer.header({wire}, v1::Wire::view(&payload.{name}))"),
        HeaderValue::Prefix => format!("answer.header_prefix({wire}, &payload.{name})"),
    }
}

fn write_body(body: &ResponseBody, answer: &Answer, value: &str) -> String {
    let media = answer.media_type.as_ref().map(literal);
    match (body, media) {
        (ResponseBody::Json(_), None) => format!("answer.json(v1::Wire::view(&{value}))"),
        (ResponseBody::Json(_), Some(media)) => format!("answer.json_as(v1::Wire::view(&{value}), {media})"),
        (ResponseBody::Text, None) => format!("answer.text({value})"),
        (ResponseBody::Text, Some(media)) => format!("answer.text_as({value}, {media})"),
        (ResponseBody::Raw, None) => format!("answer.stream({value}, None)"),
        (ResponseBody::Raw, Some(media)) => format!("answer.stream({value}, Some({media}))"),
    }
}
