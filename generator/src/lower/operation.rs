//! Operations: their parameters, bodies, answers and what an extension says of them.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::Value;

use super::client::ClientScope;
use super::media;
use super::parts::{Parts, constant, is_flag};
use super::path::{self, Hole};
use super::schema::Schemas;
use super::sendable;
use super::server::Served;
use crate::diag::{Code, Diagnostic, Location};
use crate::ir::{
    BodyKind, CollectionFormat, Literal, LongRunning, Matching, Method, Parameter, PathArgument, PathPart, Place,
    Prose, Retry, Role, Side, Type,
};
use crate::naming;
use crate::resolve::Graph;
use crate::spec::{self, In, OrRef};

/// An operation that has no name of its own yet.
pub(super) struct Lowered {
    pub operation: crate::ir::Operation,
    pub group: String,
    pub method: String,
    pub served: Served,
}

pub(super) struct Context<'a, 'g> {
    pub graph: &'g Graph,
    pub document: &'g spec::Document,
    pub schemas: &'a mut Schemas<'g>,
    pub client: &'a mut ClientScope<'g>,
    pub matching: Matching,
}

/// A parameter as its operation has it.
struct Declared<'g> {
    parameter: &'g spec::Parameter,
    /// Whether it stands under the document's `parameters`.
    shared: bool,
}

impl<'g> Context<'_, 'g> {
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.schemas.diagnostics.push(diagnostic);
    }

    /// `None` where it cannot be written; a diagnostic says why.
    pub(super) fn operation(&mut self, item: &'g spec::PathItem, source: &'g spec::Operation) -> Option<Lowered> {
        let id = self.id(item, source);
        let split = split_id(source, &id);
        let prefix = split.map(|(prefix, _)| prefix.to_owned());
        let (group, method) = match split {
            Some((group, method)) => (group.to_owned(), method.to_owned()),
            None => (self.client.default_group(self.document, self.graph), id.clone()),
        };
        let declared = self.declared(item, source);
        let mut parts = Parts::default();
        let template = path::split(&item.template);
        let holes = self.pair(&template.holes(), &declared, item, source);
        for one in &declared {
            self.parameter(one, &holes, source, &id, &mut parts)?;
        }
        self.form(source, &id, &mut parts)?;
        let path = self.path(&template, &holes, &mut parts);
        let responses = self.responses(source, &id)?;
        let output = self.output(&responses);
        let produces = source.produces.as_ref().unwrap_or(&self.document.produces);
        let base_path = super::base_path(self.document);
        let served = Served {
            prefix,
            produces: produces.clone(),
            query: template.query.clone(),
            api_version: parts.version_required,
            matching: self.matching,
        };
        let operation = crate::ir::Operation {
            at: source.at.clone(),
            method: source.method,
            template: Literal(item.template.clone()),
            route: Literal(path::route(&base_path, &path)),
            base_path: Literal(base_path),
            path,
            fixed_query: fixed_query(&template, &declared),
            summary: Prose(source.summary.clone().unwrap_or_default()),
            description: Prose(source.description.clone().unwrap_or_default()),
            deprecated: source.deprecated,
            name: naming::snake(&method),
            builder: naming::pascal(&method),
            arguments: naming::pascal(&method),
            required: parts.required,
            optional: parts.optional,
            constants: parts.constants,
            client_parameters: parts.client,
            api_version: parts.api_version,
            accept: media::accept(produces, &responses),
            etag: self.etag(source, &responses),
            paging: self.paging(source),
            pages: None,
            long_running: source.long_running.then(|| LongRunning {
                final_state_via: source.final_state_via,
                resume: naming::snake_parts(&["resume", &method]),
            }),
            retry: match self.word(source, "x-specsmith-retry", &["never", "by-method"]) {
                Some("never") => Retry::Never,
                _ => Retry::ByMethod,
            },
            side: match self.word(source, "x-specsmith-side", &["client", "server", "both"]) {
                Some("client") => Side::Client,
                Some("server") => Side::Server,
                _ => Side::Both,
            },
            overlay: None,
            responses,
            output,
            id: Literal(id),
        };
        Some(Lowered { operation, group, method, served })
    }

    fn id(&mut self, item: &spec::PathItem, source: &spec::Operation) -> String {
        if let Some(id) = &source.id {
            return id.clone();
        }
        let words: Vec<String> = item.template.split('/').map(|segment| segment.replace(['{', '}'], " ")).collect();
        let id = naming::pascal(&format!("{} {}", source.method.as_str(), words.join(" "))).to_string();
        if self.schemas.diagnostics.has_errors_in(&source.at.join("operationId")) {
            return id;
        }
        self.report(
            Diagnostic::new(Code::NoOperationId, "the operation has no `operationId`")
                .at(&source.at)
                .help(format!("it is called `{id}`, after its route; give it an `operationId` by an overlay")),
        );
        id
    }

    /// The path's parameters and the operation's, which win over those of the same name and place.
    fn declared(&mut self, item: &'g spec::PathItem, source: &'g spec::Operation) -> Vec<Declared<'g>> {
        for list in [&item.parameters, &source.parameters] {
            self.report_doubles(list);
        }
        let mut all: IndexMap<(String, In), Declared<'g>> = IndexMap::new();
        let host = self.document.parameterized_host.iter().flat_map(|host| &host.parameters);
        let host: Vec<&str> = host
            .filter_map(|parameter| self.graph.parameter(parameter))
            .map(|parameter| parameter.name.as_str())
            .collect();
        for entry in item.parameters.iter().chain(&source.parameters) {
            let Some(parameter) = self.graph.parameter(entry) else { continue };
            // The host is the caller's to give, whole.
            if parameter.place == In::Path && host.contains(&parameter.name.as_str()) {
                continue;
            }
            let shared = matches!(entry, OrRef::Ref(_));
            all.insert((parameter.name.clone(), parameter.place), Declared { parameter, shared });
        }
        all.into_values().collect()
    }

    /// Of one list; a parameter of the operation may well stand in for one of the path.
    fn report_doubles(&mut self, list: &'g [OrRef<spec::Parameter>]) {
        let mut met: HashMap<(&str, In), &spec::Parameter> = HashMap::new();
        for parameter in list.iter().filter_map(|entry| self.graph.parameter(entry)) {
            // There is one body, whatever it is called, and a form is one too.
            let key = match parameter.place {
                In::Body => ("", In::Body),
                place => (parameter.name.as_str(), place),
            };
            let form = list.iter().filter_map(|entry| self.graph.parameter(entry)).find(|it| it.place == In::FormData);
            let other = met.insert(key, parameter).or(form.filter(|_| parameter.place == In::Body));
            if let Some(other) = other.filter(|other| other.at != parameter.at) {
                let message = match parameter.place {
                    In::Body => "the operation has two bodies".to_owned(),
                    _ => format!("the parameter `{}` is there twice", parameter.name),
                };
                self.report(
                    Diagnostic::new(Code::DoubleParameter, message)
                        .at(&parameter.at)
                        .label(&other.at, "the other one")
                        .help("remove one of them, by an overlay if the document is not yours"),
                );
            }
        }
    }

    /// Which hole of the template each path parameter fills, by the hole's name.
    fn pair(
        &mut self,
        holes: &[&str],
        declared: &[Declared<'g>],
        item: &spec::PathItem,
        source: &spec::Operation,
    ) -> Vec<Hole> {
        let parameters = declared.iter().map(|declared| declared.parameter);
        let parameters: Vec<(&str, &spec::Parameter)> = parameters
            .filter(|parameter| parameter.place == In::Path)
            .map(|parameter| (variable(parameter), parameter))
            .collect();
        let variables: Vec<&str> = parameters.iter().map(|(variable, _)| *variable).collect();
        let (mut holes, problems) = path::pair(holes, &variables);
        for hole in &mut holes {
            let filled = parameters.iter().find(|(variable, _)| Some(*variable) == hole.parameter.as_deref());
            hole.parameter = filled.map(|(_, parameter)| parameter.name.clone());
        }
        if !problems.is_empty() && self.lacks_parameters(item, source) {
            return holes;
        }
        for problem in problems {
            let (message, help) = problem.text();
            let diagnostic = Diagnostic::new(problem.code(), message).help(help);
            let parameter = parameters.iter().find(|(variable, _)| Some(*variable) == problem.parameter());
            self.report(match parameter {
                Some((_, parameter)) => diagnostic.at_value(&parameter.at.join("name")).label(&item.at, "the path"),
                None => diagnostic.at(&item.at).label(&source.at, "the operation that lacks it"),
            });
        }
        holes
    }

    /// Whether a parameter is not there for a reason that has been reported.
    fn lacks_parameters(&self, item: &spec::PathItem, source: &spec::Operation) -> bool {
        let diagnostics = &self.schemas.diagnostics;
        let mut entries = item.parameters.iter().chain(&source.parameters);
        entries.any(|entry| self.graph.parameter(entry).is_none())
            || [&item.at, &source.at].into_iter().any(|at| diagnostics.has_errors_in(&at.join("parameters")))
    }

    fn parameter(
        &mut self,
        declared: &Declared<'g>,
        holes: &[Hole],
        source: &spec::Operation,
        id: &str,
        parts: &mut Parts,
    ) -> Option<()> {
        let parameter = declared.parameter;
        if parameter.place == In::Path && !holes.iter().any(|hole| hole.parameter.as_deref() == Some(&parameter.name)) {
            return Some(());
        }
        if parameter.place == In::Query && parameter.name.eq_ignore_ascii_case("api-version") {
            let default = parameter.schema.default.as_deref().or(parameter.schema.enumeration.first());
            let version = default.and_then(Value::as_str).unwrap_or(&self.document.info.version);
            parts.api_version = Some(Literal(version.to_owned()));
            parts.version_required = parameter.required;
            return Some(());
        }
        if parameter.place == In::Path {
            parts.lists.push((parameter.name.clone(), parameter.collection_format));
            if parameter.raw {
                parts.raw.push(parameter.name.clone());
            }
        }
        if parameter.place == In::Header {
            let (name, keyword) = match &parameter.header_prefix {
                Some(prefix) => (prefix, "x-ms-header-collection-prefix"),
                None => (&parameter.name, "name"),
            };
            self.schemas.diagnostics.extend(sendable::header_fault(name, &parameter.at.join(keyword)));
        }
        if let Some(constant) = constant(parameter) {
            if parameter.place == In::Path {
                let fault = sendable::argument_fault(&constant.0, parameter.raw, &parameter.at.join("enum"));
                self.schemas.diagnostics.extend(fault);
            }
            parts.constant(parameter, constant);
            return Some(());
        }
        let lowered = self.lower_parameter(parameter, source, id)?;
        if lowered.ty == Type::String && self.client.takes(parameter, declared.shared) {
            let index = self.client.parameter(lowered);
            parts.client.push(index);
            parts.client_names.push((parameter.name.clone(), index));
        } else if parameter.required || parameter.place == In::Path {
            parts.required.push(lowered);
        } else {
            parts.optional.push(lowered);
        }
        Some(())
    }

    fn lower_parameter(
        &mut self,
        parameter: &'g spec::Parameter,
        source: &spec::Operation,
        id: &str,
    ) -> Option<Parameter> {
        let hint = parameter.client_name.as_deref().unwrap_or(&parameter.name);
        let (ty, place) = match parameter.place {
            In::Body => self.body(parameter, source, id)?,
            _ => {
                let ty = self.schemas.ty(&parameter.schema, &[id, hint]);
                let place = self.place(parameter, &ty, id)?;
                (ty, place)
            }
        };
        let ty = match (place.clone(), ty) {
            (Place::HeaderPrefix, _) => Type::Map(Box::new(Type::String)),
            (Place::Path | Place::Query { .. } | Place::Header { .. } | Place::Form { .. }, ty) => {
                self.simple(parameter, ty)
            }
            (Place::QueryFlag, _) => Type::Bool,
            (_, ty) => ty,
        };
        let role = match (&place, parameter.name.to_ascii_lowercase().as_str()) {
            (Place::Header { .. }, "if-match") => Role::IfMatch,
            (Place::Header { .. }, "if-none-match") => Role::IfNoneMatch,
            (Place::Header { .. }, "if-modified-since") => Role::IfModifiedSince,
            (Place::Header { .. }, "if-unmodified-since") => Role::IfUnmodifiedSince,
            _ => Role::Plain,
        };
        Some(Parameter {
            name: self.client.parameter_name(id, parameter),
            wire: Literal(parameter.header_prefix.clone().unwrap_or_else(|| parameter.name.clone())),
            place,
            ty: match role {
                Role::Plain => ty,
                Role::IfMatch | Role::IfNoneMatch => Type::ETag,
                Role::IfModifiedSince | Role::IfUnmodifiedSince => Type::Rfc1123,
            },
            description: Prose(
                parameter.description.clone().or_else(|| parameter.schema.description.clone()).unwrap_or_default(),
            ),
            limits: self.schemas.limits(&parameter.schema),
            default: parameter.schema.default.as_deref().cloned(),
            role,
            flatten: self.client.flattens(id, parameter),
        })
    }

    fn place(&mut self, parameter: &spec::Parameter, ty: &Type, id: &str) -> Option<Place> {
        let list = parameter.collection_format;
        Some(match parameter.place {
            In::Query if is_flag(parameter) => Place::QueryFlag,
            In::Query => Place::Query { list },
            In::Header if parameter.header_prefix.is_some() => Place::HeaderPrefix,
            In::Header => Place::Header { list },
            In::FormData if *ty == Type::Bytes => {
                self.unsupported(&parameter.at.join("name"), "a form with files (`multipart/form-data`)", None, id);
                return None;
            }
            In::FormData => Place::Form { list },
            In::Path | In::Body => Place::Path,
        })
    }

    /// `media` is where the media types stand that are in the way.
    pub(super) fn unsupported(&mut self, at: &Location, what: &str, media: Option<&Location>, id: &str) {
        let diagnostic = Diagnostic::new(Code::Unsupported, format!("{what} is not supported yet"))
            .at_value(at)
            .help(format!("the operation `{id}` is left out; if the service speaks JSON too, say so by an overlay"));
        self.report(match media {
            Some(media) => diagnostic.label(media, "the media types stand here"),
            None => diagnostic,
        });
    }

    /// Where an operation's `consumes` or `produces` stands: with it, or with the document.
    pub(super) fn media_at(&self, source: &spec::Operation, own: bool, key: &str) -> Location {
        if own { source.at.join(key) } else { self.document.at.join(key) }
    }

    /// A parameter outside the body is text, or a list of texts.
    fn simple(&mut self, parameter: &spec::Parameter, ty: Type) -> Type {
        let is_simple = |ty: &Type| !matches!(ty, Type::Json | Type::JsonObject | Type::Map(_) | Type::List(_));
        let ty = match ty {
            // There is no text for `null`.
            Type::List(item) => Type::List(match *item {
                Type::Nullable(item) => item,
                item => Box::new(item),
            }),
            ty => ty,
        };
        let (ty, help) = match ty {
            Type::Bytes => return Type::String,
            Type::List(item) if !is_simple(&item) => (
                Type::List(Box::new(Type::String)),
                "it is taken as a list of strings; give it simple `items` by an overlay",
            ),
            Type::List(_) => return ty,
            ty if is_simple(&ty) => return ty,
            _ => (Type::String, "it is taken as a string; give it a simple `type` by an overlay"),
        };
        if self.schemas.diagnostics.has_errors_in(&parameter.at) {
            return ty;
        }
        let message = format!("the parameter `{}` is not a simple value", parameter.name);
        self.report(Diagnostic::new(Code::ParameterType, message).at_value(&parameter.at.join("type")).help(help));
        ty
    }

    fn body(&mut self, parameter: &'g spec::Parameter, source: &spec::Operation, id: &str) -> Option<(Type, Place)> {
        let consumes = source.consumes.as_ref().unwrap_or(&self.document.consumes);
        let name = parameter.schema.title.as_deref().unwrap_or("body");
        let ty = self.schemas.ty(&parameter.schema, &[id, name]);
        let kind = match media::body(consumes, &ty) {
            Ok(kind) => kind,
            Err(media) => {
                let at = self.media_at(source, source.consumes.is_some(), "consumes");
                self.unsupported(&parameter.at.join("name"), &format!("a body of the type `{media}`"), Some(&at), id);
                return None;
            }
        };
        let ty = match kind {
            BodyKind::Raw { .. } => Type::Bytes,
            BodyKind::Text { .. } => Type::String,
            BodyKind::Json { .. } if ty == Type::Bytes => Type::Base64,
            BodyKind::Json { .. } => ty,
        };
        Some((ty, Place::Body(kind)))
    }

    /// A form and a body do not go together.
    fn form(&mut self, source: &spec::Operation, id: &str, parts: &mut Parts) -> Option<()> {
        let consumes = source.consumes.as_ref().unwrap_or(&self.document.consumes);
        let form =
            parts.required.iter().chain(&parts.optional).any(|parameter| matches!(parameter.place, Place::Form { .. }));
        if form
            && consumes.iter().any(|media| media.starts_with("multipart/"))
            && !consumes.iter().any(|media| media.contains("urlencoded"))
        {
            let at = self.media_at(source, source.consumes.is_some(), "consumes");
            self.unsupported(&source.at, "a form of several parts (`multipart/form-data`)", Some(&at), id);
            return None;
        }
        Some(())
    }

    /// The template with its holes filled; positional parameters are put in the template's order, the body last.
    fn path(&mut self, template: &path::Template, holes: &[Hole], parts: &mut Parts) -> Vec<PathPart> {
        let rank = |parameter: &Parameter| match parameter.place {
            Place::Path => holes
                .iter()
                .position(|hole| hole.parameter.as_deref() == Some(&parameter.wire.0))
                .unwrap_or(usize::MAX - 2),
            Place::Body(_) => usize::MAX,
            _ => usize::MAX - 1,
        };
        parts.required.sort_by_key(rank);
        let raw = parts.raw.clone();
        template
            .parts
            .iter()
            .map(|part| match part {
                path::Piece::Text(text) => PathPart::Text(Literal(text.clone())),
                path::Piece::Hole(name) => {
                    let wire = holes.iter().find(|hole| hole.name == *name).and_then(|hole| hole.parameter.clone());
                    let wire = wire.unwrap_or_else(|| name.clone());
                    let raw = raw.contains(&wire);
                    let own = parts
                        .required
                        .iter()
                        .position(|parameter| parameter.place == Place::Path && parameter.wire.0 == wire);
                    let shared = parts.client_names.iter().find(|(name, _)| *name == wire).map(|(_, index)| *index);
                    let fixed = parts
                        .constants
                        .iter()
                        .find(|constant| constant.place == Place::Path && constant.wire.0 == wire);
                    let parameter = match (own, shared, fixed) {
                        (Some(index), ..) => PathArgument::Method(index),
                        (_, Some(index), _) => PathArgument::Client(index),
                        (.., Some(constant)) => PathArgument::Constant(constant.value.clone()),
                        _ => PathArgument::Method(parts.implied(&wire)),
                    };
                    let list = parts.lists.iter().find(|(name, _)| *name == wire);
                    PathPart::Hole { parameter, raw, list: list.map_or(CollectionFormat::Csv, |(_, list)| *list) }
                }
            })
            .collect()
    }

    /// The value of an extension that is one of a few words.
    fn word(&mut self, source: &'g spec::Operation, name: &str, words: &[&'static str]) -> Option<&'static str> {
        let value = source.extensions.get(name)?;
        let word = value.as_str().and_then(|text| words.iter().find(|word| **word == text));
        if word.is_none() {
            self.extension_value(source, name, &format!("one of `{}`", words.join("`, `")));
        }
        word.copied()
    }

    pub(super) fn extension_value(&mut self, source: &spec::Operation, name: &str, expected: &str) {
        self.report(
            Diagnostic::new(Code::ExtensionValue, format!("`{name}` has a value that it cannot have"))
                .at_value(&source.at.join(name))
                .help(format!("write {expected}")),
        );
    }
}

/// The prefix of an id, and the rest. Of one that is made from the route, an underscore tells digits apart: `/v1.0/items`.
fn split_id<'i>(source: &spec::Operation, id: &'i str) -> Option<(&'i str, &'i str)> {
    source.id.as_ref()?;
    id.split_once('_').filter(|(prefix, rest)| !prefix.is_empty() && !rest.is_empty())
}

/// The variable of the path that a parameter is for: the one of its name, unless `x-specsmith-path-variable` says otherwise.
fn variable(parameter: &spec::Parameter) -> &str {
    parameter.extensions.get("x-specsmith-path-variable").and_then(Value::as_str).unwrap_or(&parameter.name)
}

/// The query of the template, but for what is declared as a parameter too.
fn fixed_query(template: &path::Template, declared: &[Declared<'_>]) -> Vec<(Literal, Literal)> {
    let declared = |name: &str| {
        let mut parameters = declared.iter().map(|declared| declared.parameter);
        parameters.any(|parameter| parameter.place == In::Query && parameter.required && parameter.name == name)
    };
    let fixed = template.query.iter().filter(|(name, _)| !declared(name));
    fixed.map(|(name, value)| (Literal(name.clone()), Literal(value.clone()))).collect()
}

impl Method {
    /// The method as HTTP writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Head => "HEAD",
            Self::Patch => "PATCH",
        }
    }
}
