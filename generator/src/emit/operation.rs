//! Groups of operations: their methods, builders and answers.

use serde_json::Value;

use super::types::{self, Imports, Passing};
use super::{Form, HEADER, limits};
use crate::ir::{
    BodyKind, Client, CollectionFormat, Crate, ErrorFormat, EtagSource, FieldRole, Group, Limits, Literal, Model,
    Operation, Output, Paging, Parameter, PathArgument, PathPart, Place, Prose, Response, ResponseBody, Retry, Role,
    Shape, Side, Status, Struct, Type,
};
use crate::naming::{self, Ident};
use crate::render::{Code, inline_code, line, literal};

/// Whether code, and not only documentation, names a model.
fn uses_models(body: &str) -> bool {
    body.lines().any(|line| line.contains(MODELS) && !line.trim_start().starts_with("///"))
}

/// What stands before the name of a model in these files.
const MODELS: &str = "models::";

/// The most arguments that stand in a row.
const POSITIONAL: usize = 4;

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
    if uses_models(&body) {
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

struct Writer<'a> {
    client: &'a Client,
    group: &'a Group,
    imports: &'a mut Imports,
}

/// The static that describes an operation.
fn description_name(operation: &Operation) -> Ident {
    naming::screaming(operation.name.bare())
}

fn has_builder(operation: &Operation) -> bool {
    !operation.optional.is_empty()
}

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
fn positional(client: &Client, operation: &Operation, lifetime: &str, imports: &mut Imports) -> Vec<Argument> {
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

/// Whether a struct of the required arguments borrows any of them.
fn borrows(operation: &Operation) -> bool {
    let borrowed = |ty: &Type| *ty == Type::String || matches!(types::passing(ty), Passing::Reference);
    operation.required.iter().any(|parameter| borrowed(&parameter.ty))
}

/// The model of a body that is taken apart: one that has nothing but a few required properties.
fn flattened<'a>(client: &'a Client, parameter: &Parameter) -> Option<(&'a Model, &'a Struct)> {
    let Type::Model(id) = &parameter.ty else { return None };
    let model = client.models.get(id.0).filter(|_| parameter.flatten)?;
    let Shape::Struct(shape) = &model.shape else { return None };
    let simple = shape.fields.iter().all(|field| field.role == FieldRole::Required && types::is_into(&field.ty));
    (simple && shape.rest.is_none() && (1..=2).contains(&shape.fields.len())).then_some((model, shape))
}

/// How a method looks.
pub(crate) fn signature(client: &Client, operation: &Operation) -> Signature {
    let mut imports = Imports::default();
    let argument =
        |parameter: &Parameter, imports: &mut Imports| types::argument(&parameter.ty, client, MODELS, "", imports);
    let arguments = positional(client, operation, "", &mut imports);
    let options = operation.optional.iter().map(|parameter| match parameter.place {
        Place::QueryFlag => None,
        Place::HeaderPrefix => Some("&str, &str".to_owned()),
        _ => Some(argument(parameter, &mut imports)),
    });
    let options = options.collect();
    let output = output_type(&operation.output, client, &mut imports);
    let returns = if has_builder(operation) { operation.builder.to_string() } else { format!("Call<{output}>") };
    let bundle = (operation.required.len() > POSITIONAL).then(|| operation.arguments.to_string());
    Signature { arguments, options, returns, output, bundle }
}

fn output_type(output: &Output, client: &Client, imports: &mut Imports) -> String {
    match output {
        Output::Empty => "()".to_owned(),
        Output::Body(body) => body_type(body, client, imports),
        Output::Optional(body) => format!("Option<{}>", body_type(body, client, imports)),
        Output::Either { name, .. } => name.to_string(),
    }
}

fn body_type(body: &ResponseBody, client: &Client, imports: &mut Imports) -> String {
    match body {
        ResponseBody::Json(ty) => types::owned(ty, client, MODELS, imports),
        ResponseBody::Raw => imports.add("Bytes").to_owned(),
        ResponseBody::Text => "String".to_owned(),
    }
}

/// The function that reads a body.
fn decoder(body: Option<&ResponseBody>, optional: bool) -> &'static str {
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
        let output = output_type(&operation.output, self.client, self.imports);
        self.imports.add("Call");
        self.imports.add("Request");
        let returns = if has_builder(operation) { operation.builder.to_string() } else { format!("Call<{output}>") };
        let mutable = !operation.required.is_empty()
            || !operation.client_parameters.is_empty()
            || !operation.constants.is_empty()
            || !operation.fixed_query.is_empty();
        allow_name(code, &operation.name);
        line!(code, "#[inline]");
        code.list(&format!("pub fn {}(", operation.name), &arguments, &format!(") -> {returns} {{"));
        code.indented(|code| {
            let new = format!("Request::new(&{})", description_name(operation));
            if mutable {
                line!(code, "let mut request = {new};");
            }
            self.fill(code, operation, if bundled { "arguments." } else { "" });
            let request = if mutable { "request" } else { &new };
            let decoder = match &operation.output {
                Output::Empty => decoder(None, false).to_owned(),
                Output::Body(body) => decoder(Some(body), false).to_owned(),
                Output::Optional(body) => decoder(Some(body), true).to_owned(),
                Output::Either { name, .. } => format!("{name}::decode"),
            };
            let call = format!("Call::new(&self.client.pipeline, {request}, {decoder})");
            if has_builder(operation) {
                line!(code, "{} {{ call: {call} }}", operation.builder);
            } else {
                line!(code, "{call}");
            }
        });
        line!(code, "}}");
    }

    fn method_docs(&self, code: &mut Code, operation: &Operation) {
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
        code.doc(format_args!("{}", inline_code(&format!("{} {}", operation.method.as_str(), operation.template.0))));
        notes(code, operation);
        self.argument_docs(code, operation);
        header_docs(code, operation);
        code.doc(format_args!(""));
        code.doc(format_args!("# Errors"));
        code.doc(format_args!(""));
        code.doc(format_args!("Where the call cannot be made, or its answer is no success."));
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
            let mut sentences = limits::notes(limits, default);
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

    /// The statements that put the required arguments into the request.
    fn fill(&mut self, code: &mut Code, operation: &Operation, prefix: &str) {
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
    fn put(&mut self, code: &mut Code, parameter: &Parameter, request: &str, value: &str) {
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
                    _ if !value.contains('.') && flattened(self.client, parameter).is_some() => {
                        self.assembled(parameter)
                    }
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
    fn assembled(&self, parameter: &Parameter) -> String {
        let Some((model, shape)) = flattened(self.client, parameter) else { return String::new() };
        let arguments: Vec<String> = shape.fields.iter().map(|field| field.name.to_string()).collect();
        format!("v1::Wire::view(&{MODELS}{}::new({}))", model.name, arguments.join(", "))
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
        code.doc(format_args!("A call of [`{}::{}`] and its options: await it.", self.group.ty, operation.name.bare()));
        line!(code, "#[must_use = \"nothing is sent until the call is awaited\"]");
        line!(code, "#[derive(Debug)]");
        code.block(format_args!("pub struct {name}"), "}", |code| line!(code, "call: Call<{output}>,"));
        code.gap();
        code.block(format_args!("impl {name}"), "}", |code| {
            for parameter in &operation.optional {
                code.gap();
                self.option(code, parameter);
            }
        });
        code.gap();
        line!(code, "v1::call!({name} => {output});");
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
        let path = literal(&Literal(self.template(operation)));
        let new = format!("Operation::new({}, Method::{}, {path})", literal(&operation.id), operation.method.as_str());
        code.chain(&format!("static {}: Operation = {new}", description_name(operation)), &links, ";");
    }

    /// The path with its holes: `{}` for a segment, `{*}` for several.
    fn template(&self, operation: &Operation) -> String {
        let mut path = encode(&operation.base_path.0);
        for part in &operation.path {
            match part {
                PathPart::Text(text) => path.push_str(&encode(&text.0)),
                PathPart::Hole { parameter: PathArgument::Constant(value), .. } => path.push_str(&encode(&value.0)),
                PathPart::Hole { raw: true, .. } => path.push_str("{*}"),
                PathPart::Hole { raw: false, .. } => path.push_str("{}"),
            }
        }
        if path.starts_with('/') { path } else { format!("/{path}") }
    }
}

/// An argument that is anything that turns into its type; in a struct of arguments it has been turned already.
fn converted(value: &str) -> String {
    if value.contains('.') { value.to_owned() } else { format!("{value}.into()") }
}

/// A template's text as a URL has it: what RFC 3986 §3.3 does not allow in a path is percent-encoded.
fn encode(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

fn parameter_docs(code: &mut Code, parameter: &Parameter) {
    if !code.prose(&parameter.description) {
        code.doc(format_args!("The parameter {}.", inline_code(&parameter.wire.0)));
    }
    let notes = limits::notes(&parameter.limits, parameter.default.as_ref());
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
            code.argument_line(&inline_code(&header.wire.0), &header.description);
        }
    }
}

/// What a caller should know of an answer that is not all there is.
fn notes(code: &mut Code, operation: &Operation) {
    let paging = operation.paging.as_ref().and_then(|paging| match paging {
        Paging::NextLink { link: None, .. } => None,
        Paging::NextLink { link: Some(link), .. } => {
            Some(format!("The answer is one page. While it has a {}, there is another.", inline_code(&link.0)))
        }
        Paging::Header { response, .. } => Some(format!(
            "The answer is one page. While it has the header {}, there is another.",
            inline_code(&response.0)
        )),
    });
    let long_running = operation.long_running.as_ref().map(|_| {
        "The operation takes its time: a success says that it has begun, unless the status is 200 or 204.".to_owned()
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
