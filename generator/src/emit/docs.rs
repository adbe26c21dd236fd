//! What is said about methods and their arguments.

use serde_json::Value;

use super::limits;
use super::operation::{MODELS, POSITIONAL, Writer};
use super::signature::flattened;
use crate::ir::{Limits, Literal, Operation, Paging, Parameter, Prose, ResponseBody, Status, Type};
use crate::naming::Ident;
use crate::render::{Code, inline_code, line};

pub(super) fn parameter_docs(code: &mut Code, parameter: &Parameter) {
    if !code.prose(&parameter.description) {
        code.doc(format_args!("The parameter {}.", inline_code(&parameter.wire.0)));
    }
    let notes = limits::notes(&parameter.limits.own, parameter.default.as_ref());
    if !notes.is_empty() {
        code.doc(format_args!(""));
    }
    for note in notes {
        code.doc(format_args!("{note}"));
    }
}

/// The headers of a success.
fn header_docs(code: &mut Code, operation: &Operation) {
    let successes = operation.responses.iter().filter(|response| !response.error);
    let mut headers = successes.flat_map(|response| &response.headers).peekable();
    if headers.peek().is_none() {
        return;
    }
    code.doc(format_args!(""));
    code.doc(format_args!("# Headers of the answer"));
    code.doc(format_args!(""));
    let mut shown: Vec<&Literal> = Vec::new();
    for header in headers {
        if !shown.contains(&&header.wire) {
            shown.push(&header.wire);
            let name = format!("{}{}", header.wire.0, if header.prefix { "<name>" } else { "" });
            code.argument_line(&inline_code(&name), &header.description);
        }
    }
}

/// What a caller should know of an answer that is not all there is.
fn notes(code: &mut Code, operation: &Operation) {
    let mark = operation.paging.as_ref().and_then(|paging| match paging {
        Paging::NextLink { link, .. } => link.as_ref().map(|link| format!("a {}", inline_code(&link.0))),
        Paging::Header { response, .. } => Some(format!("the header {}", inline_code(&response.0))),
    });
    let paging = mark.map(|mark| match operation.pages {
        Some(_) => format!(
            "Awaited, it is one page; while that has {mark}, there is another. `into_stream` goes through the items of all pages."
        ),
        None => format!("The answer is one page. While it has {mark}, there is another."),
    });
    let long_running = operation.long_running.as_ref().map(|_| {
        "The operation takes its time: awaited, it is waited for; `start` gives a [`Poller`], by which it can be watched."
            .to_owned()
    });
    for note in paging.into_iter().chain(long_running) {
        code.doc(format_args!(""));
        code.doc(format_args!("{note}"));
    }
}

/// Whether two texts say the same, but for the full stop and white space.
fn same(left: &str, right: &str) -> bool {
    let words =
        |text: &str| text.trim().trim_end_matches('.').split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    words(left) == words(right)
}

/// What an operation does, and its route.
pub(super) fn operation(code: &mut Code, operation: &Operation) {
    if !code.prose(&operation.summary) && !code.prose(&operation.description) {
        code.doc(format_args!("{}", inline_code(&operation.id.0)));
    } else if !operation.summary.0.is_empty()
        && !operation.description.0.is_empty()
        && !same(&operation.summary.0, &operation.description.0)
    {
        code.doc(format_args!(""));
        code.prose(&operation.description);
    }
    code.doc(format_args!(""));
    code.doc(format_args!(
        "{}",
        inline_code(&format!("{} {}{}", operation.method.as_str(), operation.base_path.0, operation.template.0))
    ));
}

impl Writer<'_> {
    pub(super) fn method_docs(&self, code: &mut Code, operation: &Operation) {
        self::operation(code, operation);
        notes(code, operation);
        self.argument_docs(code, operation);
        header_docs(code, operation);
        code.doc(format_args!(""));
        code.doc(format_args!("# Errors"));
        code.doc(format_args!(""));
        code.doc(format_args!("If the call cannot be made, or the service answers with an error."));
        for response in operation.responses.iter().filter(|response| response.error) {
            let status = match response.status {
                Status::Code(code) => format!("Status {code}"),
                Status::Class(class) => format!("Status {class}xx"),
                Status::Default => "Any other status".to_owned(),
            };
            let head = match &response.body {
                Some(ResponseBody::Json(Type::Model(id))) => {
                    let name = self.client.models.get(id.0).map(|model| model.name.to_string()).unwrap_or_default();
                    format!("{status} (body: [`{name}`](super::{MODELS}{name}))")
                }
                _ if response.status == Status::Default => continue,
                _ => status,
            };
            code.argument_line(&head, &response.description);
        }
        if operation.deprecated {
            line!(code, "#[deprecated]");
        }
    }

    fn argument_docs(&self, code: &mut Code, operation: &Operation) {
        if operation.required.len() > POSITIONAL {
            return;
        }
        let mut any = false;
        let mut item = |code: &mut Code, name: &Ident, prose: &Prose, limits: &Limits, default: Option<&Value>| {
            let mut sentences = limits::notes(&limits.own, default);
            if !prose.0.trim().is_empty() {
                sentences.insert(0, prose.0.trim().to_owned());
            }
            if !sentences.is_empty() {
                if !any {
                    code.doc(format_args!(""));
                }
                any = true;
                code.argument(name.bare(), &Prose(sentences.join(" ")));
            }
        };
        for parameter in &operation.required {
            match flattened(self.client, parameter) {
                Some((_, shape)) => {
                    for field in &shape.fields {
                        item(code, &field.name, &field.description, &field.limits, field.default.as_ref());
                    }
                }
                None => {
                    let default = parameter.default.as_ref();
                    item(code, &parameter.name, &parameter.description, &parameter.limits, default);
                }
            }
        }
    }
}
