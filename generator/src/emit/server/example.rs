//! How a trait is implemented and served.

use super::operations;
use crate::ir::{Answer, Client, Crate, Handler, Service, Status};
use crate::render::{Code, line};

/// The example of a trait's server: it implements the first method that can answer without saying anything.
pub(super) fn mount(code: &mut Code, ir: &Crate, client: &Client, service: &Service) {
    let Service { module, ty, server, .. } = service;
    let (package, client_module) = (ir.name.replace('-', "_"), &client.module);
    let shown = operations(client, service).find_map(|(handler, _)| Some((handler, empty_success(handler)?)));
    let mut names = vec![ty.to_string(), server.to_string()];
    names.extend(shown.iter().flat_map(|(handler, _)| [handler.request.to_string(), handler.response.to_string()]));
    let own = if names.iter().any(|name| name == "MyService") { "Example" } else { "MyService" };
    let mut example = Code::new();
    let runtime = if shown.is_some() { "{Context, Router, ServiceError}" } else { "Router" };
    example.list(&format!("use {package}::{client_module}::server::{module}::{{"), &names, "};");
    line!(example, "use {package}::runtime::server::{runtime};");
    example.gap();
    line!(example, "struct {own};");
    example.gap();
    match shown {
        None => line!(example, "impl {ty} for {own} {{}}"),
        Some((Handler { method, request, response, .. }, answer)) => {
            example.block(format_args!("impl {ty} for {own}"), "}", |example| {
                let arguments = ["&self", "_: &Context", &format!("_: {request}")].map(str::to_owned);
                let tail = format!(") -> Result<{response}, ServiceError> {{");
                example.list(&format!("async fn {method}("), &arguments, &tail);
                example.indented(|example| line!(example, "Ok({response}::{})", answer.name));
                line!(example, "}}");
            });
        }
    }
    example.gap();
    line!(example, "let router = Router::new().add({server}::new({own}));");
    code.doc(format_args!(""));
    code.doc(format_args!("```"));
    example.finish().lines().for_each(|line| code.doc(format_args!("{line}")));
    code.doc(format_args!("```"));
}

/// A success that has neither a body nor headers.
fn empty_success(handler: &Handler) -> Option<&Answer> {
    let is_success = |answer: &&Answer| matches!(answer.status, Status::Code(200..300));
    let mut successes = handler.answers.iter().filter(is_success);
    successes.find(|answer| answer.body.is_none() && answer.payload.is_none())
}
