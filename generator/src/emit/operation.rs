//! Groups of operations: their methods, builders and answers.

use super::docs::parameter_docs;
use super::signature::{
    body_type, borrows, call_name, call_type, decoder, flattened, output_type, positional, return_type,
};
use super::types::{self, Imports};
use super::{Form, HEADER};
use crate::ir::{
    Client, Crate, ErrorFormat, EtagSource, FinalStateVia, Group, LongRunning, Operation, Output, Paging, Parameter,
    PathArgument, PathPart, Place, Response, Retry, Side, Status, Type,
};
use crate::naming::{self, Ident};
use crate::render::{Code, line, literal};

/// What stands before the name of a model in these files.
pub(super) const MODELS: &str = "models::";

/// The most arguments that stand in a row.
pub(super) const POSITIONAL: usize = 4;

/// The file of one group.
pub(super) fn file(ir: &Crate, client: &Client, group: &Group, form: Form) -> String {
    let mut imports = Imports::default();
    let mut body = Code::new();
    structure(&mut body, ir, client, group, form);
    let operations: Vec<&Operation> =
        group.operations.iter().filter(|operation| operation.side != Side::Server).collect();
    let mut writer = Writer { client, group, imports: &mut imports };
    body.gap();
    body.block(format_args!("impl {}<'_>", group.ty), "}", |code| {
        for operation in &operations {
            code.gap();
            writer.method(code, operation);
            if let Some(long_running) = &operation.long_running {
                code.gap();
                writer.resume(code, operation, long_running);
            }
        }
    });
    for operation in &operations {
        writer.companions(&mut body, operation);
    }
    for operation in &operations {
        body.gap();
        writer.description(&mut body, operation);
    }
    let body = body.finish();
    let mut code = Code::new();
    line!(code, "{HEADER}");
    if !code.module_prose(&group.description) {
        code.module_doc(format_args!("The operations of `{}`.", group.ty));
    }
    code.gap();
    if imports.has_map() {
        line!(code, "use std::collections::BTreeMap;");
        code.gap();
    }
    imports.write(&mut code);
    code.gap();
    line!(code, "use super::Client;");
    if imports.has_models() {
        line!(code, "use super::models;");
    }
    code.gap();
    format!("{}{body}", code.finish())
}

fn structure(code: &mut Code, ir: &Crate, client: &Client, group: &Group, form: Form) {
    if !code.prose(&group.description) {
        code.doc(format_args!("Operations; [`Client::{}`] gives them.", group.module));
    }
    if form == Form::Package {
        example(code, ir, client, group);
    }
    line!(code, "#[derive(Clone, Copy, Debug)]");
    code.block(format_args!("pub struct {}<'a>", group.ty), "}", |code| line!(code, "pub(super) client: &'a Client,"));
}

/// A call of the group's first operation that takes nothing but strings.
fn example(code: &mut Code, ir: &Crate, client: &Client, group: &Group) {
    let simple = |operation: &&Operation| {
        operation.side != Side::Server
            && !operation.deprecated
            && operation.required.len() <= POSITIONAL
            && operation.required.iter().all(|parameter| {
                parameter.ty == Type::String
                    || flattened(client, parameter).is_some_and(|(_, shape)| shape.fields.len() == 1)
            })
    };
    let Some(operation) = group.operations.iter().find(simple) else { return };
    let arguments: Vec<String> =
        operation.required.iter().map(|parameter| format!("{:?}", parameter.name.bare())).collect();
    let (package, module) = (ir.name.replace('-', "_"), &client.module);
    code.doc(format_args!(""));
    code.doc(format_args!("```no_run"));
    code.doc(format_args!(
        "# async fn example(client: {package}::{module}::Client) -> Result<(), {package}::Error> {{"
    ));
    let call = format!("client.{}().{}({}).await?", group.module, operation.name, arguments.join(", "));
    code.doc(format_args!("let answer = {call};"));
    code.doc(format_args!("println!(\"{{}}\", answer.status());"));
    code.doc(format_args!("# Ok(())"));
    code.doc(format_args!("# }}"));
    code.doc(format_args!("```"));
}

pub(super) struct Writer<'a> {
    pub client: &'a Client,
    group: &'a Group,
    pub imports: &'a mut Imports,
}

/// The static that describes an operation.
fn description_name(operation: &Operation) -> Ident {
    naming::screaming(operation.name.bare())
}

pub(super) fn has_builder(operation: &Operation) -> bool {
    !operation.optional.is_empty()
}

/// A method that is called as a constructor, or as one of a trait of std, is none: clippy thinks it should be.
fn allow_name(code: &mut Code, name: &Ident) {
    const OF_TRAITS: &[&str] = &[
        "add",
        "as_mut",
        "as_ref",
        "bitand",
        "bitor",
        "bitxor",
        "borrow",
        "borrow_mut",
        "clone",
        "cmp",
        "default",
        "deref",
        "deref_mut",
        "div",
        "drop",
        "eq",
        "from_iter",
        "from_str",
        "hash",
        "index",
        "index_mut",
        "into_iter",
        "mul",
        "neg",
        "next",
        "not",
        "rem",
        "shl",
        "shr",
        "sub",
    ];
    if name.as_str() == "new" {
        line!(code, "#[allow(clippy::new_ret_no_self)]");
    } else if OF_TRAITS.contains(&name.as_str()) {
        line!(code, "#[allow(clippy::should_implement_trait)]");
    }
}

impl Writer<'_> {
    fn method(&mut self, code: &mut Code, operation: &Operation) {
        self.method_docs(code, operation);
        let bundled = operation.required.len() > POSITIONAL;
        let arguments: Vec<String> = if bundled {
            let lifetime = if borrows(operation) { "<'_>" } else { "" };
            vec!["&self".to_owned(), format!("arguments: {}{lifetime}", operation.arguments)]
        } else {
            let own = positional(self.client, operation, "", self.imports).into_iter();
            let own = own.map(|argument| format!("{}: {}", argument.name, argument.ty));
            std::iter::once("&self".to_owned()).chain(own).collect()
        };
        self.imports.add(call_name(operation));
        self.imports.add("Request");
        let returns = return_type(operation, self.client, self.imports);
        allow_name(code, &operation.name);
        line!(code, "#[inline]");
        code.list(&format!("pub fn {}(", operation.name), &arguments, &format!(") -> {returns} {{"));
        code.indented(|code| {
            let new = format!("Request::new(&{})", description_name(operation));
            let is_filled = code.headed(format_args!("let mut request = {new};"), |code| {
                self.fill(code, operation, if bundled { "arguments." } else { "" });
            });
            let request = if is_filled { "request" } else { &new };
            let page = operation.pages.as_ref().map(|pages| match &pages.fields {
                None => ", v1::items",
                Some((items, link)) => {
                    let page = output_type(&operation.output, self.client, self.imports);
                    let read = format!(".map(|page: {page}| v1::page(page.{items}, page.{link}))");
                    code.chain("let page = |answer: &_| v1::json(answer)", &[read], ";");
                    ", page"
                }
            });
            let (name, decoder, page) = (call_name(operation), whole_decoder(operation), page.unwrap_or_default());
            let call = format!("{name}::new(&self.client.pipeline, {request}, {decoder}{page})");
            if has_builder(operation) {
                line!(code, "{} {{ call: {call} }}", operation.builder);
            } else {
                line!(code, "{call}");
            }
        });
        line!(code, "}}");
    }

    /// The method that goes on with a long-running operation.
    fn resume(&mut self, code: &mut Code, operation: &Operation, long_running: &LongRunning) {
        let output = output_type(&operation.output, self.client, self.imports);
        let (poller, resumed) = (self.imports.add("Poller"), self.imports.add("Resumed"));
        code.doc(format_args!(
            "Goes on with a [`{0}`](Self::{0}) of which [`Poller::resume_token`] was kept.",
            operation.name.bare()
        ));
        code.doc(format_args!(""));
        code.doc(format_args!("# Errors"));
        code.doc(format_args!(""));
        code.doc(format_args!("If the token is none, or of another operation, endpoint or client."));
        line!(code, "#[inline]");
        code.block(
            format_args!("pub fn {}(&self, token: &str) -> {resumed}<{output}>", long_running.resume),
            "}",
            |code| {
                let known = operation.path.iter().filter_map(|part| match part {
                    PathPart::Hole { parameter: PathArgument::Client(index), .. } => {
                        let name = self.client.parameters.get(*index).map(|parameter| parameter.name.to_string());
                        Some(format!("Some(&self.client.{})", name.unwrap_or_default()))
                    }
                    PathPart::Hole { parameter: PathArgument::Method(_), .. } => Some("None".to_owned()),
                    PathPart::Hole { parameter: PathArgument::Constant(_), .. } | PathPart::Text(_) => None,
                });
                let arguments = [
                    "&self.client.pipeline".to_owned(),
                    format!("&{}", description_name(operation)),
                    "token".to_owned(),
                    format!("&[{}]", known.collect::<Vec<_>>().join(", ")),
                    whole_decoder(operation),
                ];
                code.list(&format!("{poller}::resume("), &arguments, ")");
            },
        );
    }

    /// The types that belong to one operation.
    fn companions(&mut self, code: &mut Code, operation: &Operation) {
        if operation.required.len() > POSITIONAL {
            code.gap();
            self.bundle(code, operation);
        }
        if has_builder(operation) {
            code.gap();
            self.builder(code, operation);
        }
        if let Output::Either { .. } = &operation.output {
            code.gap();
            self.either(code, operation);
        }
    }

    fn bundle(&mut self, code: &mut Code, operation: &Operation) {
        let lifetime = if borrows(operation) { "<'a>" } else { "" };
        code.doc(format_args!("What [`{}::{}`] takes.", self.group.ty, operation.name.bare()));
        line!(code, "#[derive(Debug)]");
        code.block(format_args!("pub struct {}{lifetime}", operation.arguments), "}", |code| {
            for parameter in &operation.required {
                parameter_docs(code, parameter);
                let ty = match &parameter.ty {
                    Type::ETag => self.imports.add("Condition").to_owned(),
                    Type::Bytes => self.imports.add("Body").to_owned(),
                    ty => types::argument(ty, self.client, MODELS, "'a ", self.imports),
                };
                line!(code, "pub {}: {ty},", parameter.name);
            }
        });
    }

    fn builder(&mut self, code: &mut Code, operation: &Operation) {
        let name = &operation.builder;
        let output = output_type(&operation.output, self.client, self.imports);
        let call = call_type(operation, self.client, self.imports);
        code.doc(format_args!("A call of [`{}::{}`] and its options: await it.", self.group.ty, operation.name.bare()));
        line!(code, "#[must_use = \"nothing is sent until the call is awaited\"]");
        line!(code, "#[derive(Debug)]");
        code.block(format_args!("pub struct {name}"), "}", |code| line!(code, "call: {call},"));
        code.gap();
        code.block(format_args!("impl {name}"), "}", |code| {
            for parameter in &operation.optional {
                code.gap();
                self.option(code, parameter);
            }
        });
        code.gap();
        match (&operation.pages, &operation.long_running) {
            (Some(pages), _) => {
                let item = types::owned(&pages.item, self.client, MODELS, self.imports);
                line!(code, "v1::paged_call!({name} => {output}, {item});");
            }
            (None, Some(_)) => line!(code, "v1::long_call!({name} => {output});"),
            (None, None) => line!(code, "v1::call!({name} => {output});"),
        }
    }

    fn option(&mut self, code: &mut Code, parameter: &Parameter) {
        parameter_docs(code, parameter);
        line!(code, "#[inline]");
        let name = &parameter.name;
        let wire = literal(&parameter.wire);
        match parameter.place {
            Place::QueryFlag => code.block(format_args!("pub fn {name}(mut self) -> Self"), "}", |code| {
                line!(code, "self.call.request().query_flag({wire});");
                line!(code, "self");
            }),
            Place::HeaderPrefix => {
                code.block(format_args!("pub fn {name}(mut self, name: &str, value: &str) -> Self"), "}", |code| {
                    line!(code, "self.call.request().header_prefix({wire}, name, &value);");
                    line!(code, "self");
                });
            }
            _ => {
                let ty = types::argument(&parameter.ty, self.client, MODELS, "", self.imports);
                allow_name(code, name);
                code.block(format_args!("pub fn {name}(mut self, {name}: {ty}) -> Self"), "}", |code| {
                    self.put(code, parameter, "self.call.request().", name.as_str());
                    line!(code, "self");
                });
            }
        }
    }

    fn either(&mut self, code: &mut Code, operation: &Operation) {
        let Output::Either { name, variants } = &operation.output else { return };
        self.imports.add("RawResponse");
        self.imports.add("Error");
        code.doc(format_args!("What [`{}::{}`] answers.", self.group.ty, operation.name.bare()));
        line!(code, "#[non_exhaustive]");
        line!(code, "#[allow(clippy::large_enum_variant)]");
        line!(code, "#[derive(Clone, Debug)]");
        code.block(format_args!("pub enum {name}"), "}", |code| {
            for variant in variants {
                if !code.prose(&variant.description) {
                    code.doc(format_args!("Status {}.", variant.status));
                }
                match &variant.body {
                    Some(body) => line!(code, "{}({}),", variant.name, body_type(body, self.client, self.imports)),
                    None => line!(code, "{},", variant.name),
                }
            }
        });
        code.gap();
        code.block(format_args!("impl {name}"), "}", |code| {
            line!(code, "#[inline]");
            code.block(format_args!("fn decode(answer: &RawResponse) -> Result<Self, Error>"), "}", |code| {
                code.block(format_args!("match answer.status().as_u16()"), "}", |code| {
                    for variant in variants {
                        match &variant.body {
                            Some(body) => {
                                let read = decoder(Some(body), false);
                                line!(code, "{} => {read}(answer).map(Self::{}),", variant.status, variant.name);
                            }
                            None => line!(code, "{} => Ok(Self::{}),", variant.status, variant.name),
                        }
                    }
                    line!(code, "_ => Err(v1::unexpected(answer)),");
                });
            });
        });
    }

    /// What is known of the operation before it is called.
    fn description(&mut self, code: &mut Code, operation: &Operation) {
        self.imports.add("Operation");
        self.imports.add("Method");
        let mut links = Vec::new();
        if let Some(version) = &operation.api_version {
            links.push(format!(".api_version({})", literal(version)));
        }
        match self.client.errors {
            ErrorFormat::Plain => {}
            ErrorFormat::DataPlane => links.push(format!(".errors({}::DataPlane)", self.imports.add("ErrorFormat"))),
            ErrorFormat::Arm => links.push(format!(".errors({}::Arm)", self.imports.add("ErrorFormat"))),
        }
        if operation.etag == EtagSource::Nowhere {
            self.imports.add("EtagSource");
            links.push(".etag(EtagSource::None)".to_owned());
        }
        if let EtagSource::Body(path) = &operation.etag {
            self.imports.add("EtagSource");
            let path: Vec<String> = path.iter().map(literal).collect();
            links.push(format!(".etag(EtagSource::Body(&[{}]))", path.join(", ")));
        }
        if operation.retry == Retry::Never {
            links.push(".retry_safe(false)".to_owned());
        }
        let via = operation.long_running.as_ref().and_then(|long_running| long_running.final_state_via);
        if let Some(via) = via {
            let place = match via {
                FinalStateVia::AzureAsyncOperation | FinalStateVia::OperationLocation => "Status",
                FinalStateVia::Location => "Location",
                FinalStateVia::OriginalUri => "OriginalUri",
            };
            links.push(format!(".result_at({}::{place})", self.imports.add("FinalState")));
        }
        if let Some(pages) = &operation.pages {
            let paging = self.imports.add("Paging");
            links.push(match &operation.paging {
                Some(Paging::Header { request, response, .. }) => {
                    let (request, response) = (literal(request), literal(response));
                    format!(".paging({paging}::Header {{ request: {request}, response: {response} }})")
                }
                _ if pages.post => format!(".paging({paging}::PostLink)"),
                _ => format!(".paging({paging}::Link)"),
            });
        }
        match &operation.accept {
            Some(accept) if accept.0 == "application/json" => {}
            Some(accept) => links.push(format!(".accept(Some({}))", literal(accept))),
            None => links.push(".accept(None)".to_owned()),
        }
        // Otherwise all from 200 to 299 are, also those that the document does not list.
        let is_odd = |response: &Response| match response.status {
            Status::Code(code) => (200..300).contains(&code) == response.error,
            _ => false,
        };
        if operation.responses.iter().any(is_odd) {
            let all =
                operation.responses.iter().filter(|response| !response.error).filter_map(|response| {
                    match response.status {
                        Status::Code(code) => Some(code.to_string()),
                        _ => None,
                    }
                });
            links.push(format!(".success(&[{}])", all.collect::<Vec<_>>().join(", ")));
        }
        let (id, path) = (literal(&operation.id), literal(&operation.route));
        let new = format!("Operation::new({id}, Method::{}, {path})", operation.method.as_str());
        code.chain(&format!("static {}: Operation = {new}", description_name(operation)), &links, ";");
    }
}

/// The function that reads the whole answer.
fn whole_decoder(operation: &Operation) -> String {
    match &operation.output {
        Output::Empty => decoder(None, false).to_owned(),
        Output::Body(body) => decoder(Some(body), false).to_owned(),
        Output::Optional(body) => decoder(Some(body), true).to_owned(),
        Output::Either { name, .. } => format!("{name}::decode"),
    }
}
