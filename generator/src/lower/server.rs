//! Operations as a server has them: traits by the prefix of the ids, requests, responses, routes.

mod answers;
mod fields;
mod routes;

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

pub(super) use self::routes::matching;
use super::operation::Lowered;
use crate::diag::Diagnostics;
use crate::ir::{Client, Handler, Literal, Matching, Operation, Service, Side};
use crate::naming::{self, Ident, Scope, Wanted};

/// What is known of an operation that clients have no use for.
#[derive(Clone)]
pub(super) struct Served {
    /// What its id begins with, if it has a prefix.
    pub prefix: Option<String>,
    pub produces: Vec<String>,
    /// The query of the template, also what is a parameter too.
    pub query: Vec<(String, String)>,
    /// Whether `api-version` must be there.
    pub api_version: bool,
    pub matching: Matching,
}

/// An operation that is to be found among the client's.
pub(super) struct Draft {
    pub id: String,
    pub group: String,
    pub method: String,
    pub served: Served,
}

impl Draft {
    pub(super) fn new(lowered: &Lowered) -> Self {
        Self {
            id: lowered.operation.id.0.clone(),
            group: lowered.group.clone(),
            method: lowered.method.clone(),
            served: lowered.served.clone(),
        }
    }
}

/// The traits of a client, of which all names are settled.
pub(super) fn services(client: &Client, drafts: Vec<Draft>, diagnostics: &mut Diagnostics) -> Vec<Service> {
    let places: HashMap<&str, (usize, usize)> = client
        .groups
        .iter()
        .enumerate()
        .flat_map(|(at, group)| {
            group.operations.iter().enumerate().map(move |(index, it)| (it.id.0.as_str(), (at, index)))
        })
        .collect();
    let mut routes = routes::Routes::default();
    let mut services: IndexMap<Ident, Members<'_>> = IndexMap::new();
    for draft in drafts {
        let Some(&place) = places.get(draft.id.as_str()) else { continue };
        let Some(operation) = client.operation(place).filter(|operation| operation.side != Side::Client) else {
            continue;
        };
        if routes.add(operation, &draft.served, diagnostics) {
            services.entry(naming::snake(&draft.group)).or_default().push(Member { place, operation, draft });
        }
    }
    named(client, services)
}

/// The operations of a trait, in the order of the documents.
type Members<'c> = Vec<Member<'c>>;

struct Member<'c> {
    place: (usize, usize),
    operation: &'c Operation,
    draft: Draft,
}

/// Modules, traits and their servers stand beside one another, so that no two may have the same name.
fn named(client: &Client, services: IndexMap<Ident, Members<'_>>) -> Vec<Service> {
    let reserved: HashSet<&str> = naming::RESERVED_TYPES.iter().chain(naming::RESERVED_SERVER_TYPES).copied().collect();
    let (mut modules, mut types) =
        (Scope::new(&[naming::RESERVED_FILES, &["mod", "limits"]].concat()), Scope::within(&reserved));
    for name in services.keys() {
        let second = format!("{} operations", name.bare());
        modules.collect(Wanted::new(name.clone()).or(naming::snake(&second)));
        types.collect(Wanted::new(naming::pascal(name.bare())).or(naming::pascal(&second)));
    }
    let types = types.assign();
    let taken: HashSet<&str> = reserved.iter().copied().chain(types.iter().map(Ident::bare)).collect();
    let mut servers = Scope::within(&taken);
    for ty in &types {
        servers.collect(Wanted::new(naming::pascal_parts(&[ty.bare(), "server"])));
    }
    let servers = servers.assign();
    let names = modules.assign().into_iter().zip(types).zip(servers);
    let services = names.zip(services.into_values()).map(|(((module, ty), server), members)| {
        let prefix = members.iter().find_map(|member| member.draft.served.prefix.clone()).map(Literal);
        let handlers = handlers(client, members, &reserved, &[&ty, &server]);
        Service { module, ty, server, prefix, handlers }
    });
    services.collect()
}

fn handlers(client: &Client, members: Members<'_>, reserved: &HashSet<&str>, own: &[&Ident]) -> Vec<Handler> {
    let mut methods = Scope::new(&[]);
    for Member { draft, .. } in &members {
        let second = naming::snake_parts(&[&draft.group, &draft.method]);
        methods.collect(Wanted::new(naming::snake(&draft.method)).or(second));
    }
    let methods = methods.assign();
    let mut handlers: Vec<Handler> =
        members.iter().zip(methods).map(|(member, method)| handler(client, member, method)).collect();
    let mut types = Scope::within(reserved);
    own.iter().for_each(|name| {
        types.collect(Wanted::pinned((*name).clone()));
    });
    let wanted = |method: &str, suffix: &str| {
        Wanted::new(naming::pascal_parts(&[method, suffix])).or(naming::pascal_parts(&[method, "operation", suffix]))
    };
    for handler in &handlers {
        let method = handler.method.bare();
        types.collect(wanted(method, "request"));
        types.collect(wanted(method, "response"));
        for answer in handler.answers.iter().filter(|answer| answer.payload.is_some()) {
            types.collect(wanted(method, answer.name.bare()));
        }
    }
    let mut names = types.assign().into_iter().skip(own.len());
    let mut settle = |name: &mut Ident| {
        if let Some(settled) = names.next() {
            *name = settled;
        }
    };
    for handler in &mut handlers {
        settle(&mut handler.request);
        settle(&mut handler.response);
        handler.answers.iter_mut().filter_map(|answer| answer.payload.as_mut()).for_each(&mut settle);
    }
    handlers
}

fn handler(client: &Client, Member { place, operation, draft }: &Member<'_>, method: Ident) -> Handler {
    let served = &draft.served;
    let answers = answers::answers(operation, &served.produces);
    let (fields, preconditions) = fields::fields(client, operation);
    Handler {
        operation: *place,
        request: method.clone(),
        response: method.clone(),
        method,
        body: fields::body(operation),
        fields,
        preconditions,
        produces: answers::produced(&answers),
        answers,
        query: routes::query(operation, served),
        api_version: served.api_version,
        matching: served.matching,
    }
}
