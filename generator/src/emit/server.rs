//! The traits of a server, and what serves them.

mod example;
mod limits;
mod request;
mod response;
mod routes;

use std::collections::BTreeSet;

pub(super) use self::limits::file as limits;
pub(crate) use self::request::field_type;
pub(crate) use self::response::{body_type, header_type};
use super::types::Imports;
use super::{Form, HEADER, RUNTIME, docs};
use crate::ir::{Client, Crate, Handler, Operation, Service};
use crate::naming::Ident;
use crate::render::{Code, inline_code, line};

/// `server/mod.rs` of a client, or what stands in its place in a module.
pub(super) fn module(client: &Client) -> String {
    let mut code = Code::new();
    line!(code, "{HEADER}");
    code.module_doc(format_args!(
        "A server's side of `{}`: a trait for each prefix of the operations' ids.",
        client.module.bare()
    ));
    code.module_doc(format_args!(""));
    code.module_doc(format_args!("What implements a trait is served by the struct beside it, which is added to a"));
    code.module_doc(format_args!("[`Router`]({RUNTIME}::server::Router)."));
    code.gap();
    if !client.checks.tables.is_empty() {
        line!(code, "mod limits;");
    }
    for service in &client.services {
        inception(&mut code, service);
        line!(code, "pub mod {};", service.module);
    }
    code.gap();
    uses(&mut code, client);
    code.finish()
}

/// Clippy minds a module in one of the same name.
pub(super) fn inception(code: &mut Code, service: &Service) {
    if service.module.bare() == "server" {
        line!(code, "#[allow(clippy::module_inception)]");
    }
}

pub(super) fn uses(code: &mut Code, client: &Client) {
    for Service { module, ty, server, .. } in &client.services {
        line!(code, "pub use self::{module}::{{{ty}, {server}}};");
    }
}

/// The file of one trait.
pub(super) fn file(ir: &Crate, client: &Client, service: &Service, form: Form) -> String {
    let mut writer = Writer {
        client,
        service,
        imports: Imports::default(),
        server: BTreeSet::from(["Answer", "Context", "Incoming", "Route", "ServiceError"]),
    };
    let mut body = Code::new();
    writer.definition(&mut body);
    body.gap();
    writer.server(&mut body, ir, form);
    for handler in &service.handlers {
        body.gap();
        writer.request(&mut body, handler);
        body.gap();
        writer.response(&mut body, handler);
    }
    body.gap();
    writer.routes(&mut body);
    format!("{}{}", writer.head(), body.finish())
}

/// Clippy thinks that a method of such a name makes `Self`, or takes it by value.
fn allow_name(code: &mut Code, name: &Ident) {
    let bare = name.bare();
    if bare == "new" || ["from", "into"].contains(&bare.split('_').next().unwrap_or_default()) {
        line!(code, "#[allow(clippy::wrong_self_convention)]");
    }
}

/// A trait's operations.
fn operations<'a>(client: &'a Client, service: &'a Service) -> impl Iterator<Item = (&'a Handler, &'a Operation)> {
    service.handlers.iter().filter_map(|handler| Some((handler, client.operation(handler.operation)?)))
}

struct Writer<'a> {
    client: &'a Client,
    service: &'a Service,
    imports: Imports,
    /// The names that come from the runtime's module of servers.
    server: BTreeSet<&'static str>,
}

impl Writer<'_> {
    /// What stands before the items.
    fn head(&self) -> String {
        let mut code = Code::new();
        line!(code, "{HEADER}");
        code.module_doc(format_args!("A server's side of {}, with its requests and responses.", self.whose()));
        code.gap();
        line!(code, "#![allow(clippy::large_enum_variant)]");
        code.gap();
        if self.imports.has_map() {
            line!(code, "use std::collections::BTreeMap;");
        }
        line!(code, "use std::sync::Arc;");
        code.gap();
        let names: Vec<String> = ["self"].iter().chain(&self.server).map(|name| (*name).to_owned()).collect();
        code.list(&format!("use {RUNTIME}::codegen::v1::server::{{"), &names, "};");
        self.imports.write(&mut code);
        code.gap();
        if self.has_checks() {
            line!(code, "use super::limits;");
        }
        if self.imports.has_models() {
            line!(code, "use super::super::models;");
        }
        code.gap();
        code.finish()
    }

    /// Whether requests are held to limits.
    fn has_checks(&self) -> bool {
        self.service.handlers.iter().flat_map(|handler| &handler.fields).any(|field| field.table.is_some())
    }

    /// The operations, in words.
    fn whose(&self) -> String {
        match &self.service.prefix {
            Some(prefix) => format!("the operations {}", inline_code(&format!("{}_…", prefix.0))),
            None => format!("the operations of `{}`", self.service.module.bare()),
        }
    }

    fn definition(&mut self, code: &mut Code) {
        let Service { ty, server, .. } = self.service;
        code.doc(format_args!("A server's side of {}.", self.whose()));
        code.doc(format_args!(""));
        code.doc(format_args!("[`{server}`] serves it. A method that is not written answers 501."));
        code.block(format_args!("pub trait {ty}: Send + Sync + 'static"), "}", |code| {
            for (index, (handler, operation)) in operations(self.client, self.service).enumerate() {
                code.gap();
                docs::operation(code, operation);
                if operation.deprecated {
                    // Who serves old clients too is not to be warned.
                    code.doc(format_args!(""));
                    code.doc(format_args!("Deprecated."));
                }
                allow_name(code, &handler.method);
                let arguments = ["&self", "cx: &Context", &format!("request: {}", handler.request)].map(str::to_owned);
                let answers = format!("impl Future<Output = Result<{}, ServiceError>> + Send", handler.response);
                code.list(&format!("fn {}(", handler.method), &arguments, &format!(") -> {answers} {{"));
                code.indented(|code| line!(code, "server::not_implemented(&ROUTES[{index}], cx, request)"));
                line!(code, "}}");
            }
        });
    }

    fn server(&mut self, code: &mut Code, ir: &Crate, form: Form) {
        let Service { ty, server, .. } = self.service;
        code.doc(format_args!("Serves what implements [`{ty}`]."));
        if form == Form::Package {
            example::mount(code, ir, self.client, self.service);
        }
        line!(code, "pub struct {server}<T>(Arc<T>);");
        code.gap();
        code.block(format_args!("impl<T: {ty}> {server}<T>"), "}", |code| {
            code.doc(format_args!("A server of `service`."));
            line!(code, "#[inline]");
            code.block(format_args!("pub fn new(service: T) -> Self"), "}", |code| {
                line!(code, "Self(Arc::new(service))");
            });
        });
        code.gap();
        code.block(format_args!("v1::service!({ty} => {server}, ROUTES,"), "});", |code| {
            for (index, Handler { method, request, response, .. }) in self.service.handlers.iter().enumerate() {
                line!(code, "{index} {method}({request}) -> {response},");
            }
        });
    }
}
