//! Operations to groups of methods.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::ClientPlan;
use super::absent::Absent;
use super::operation::Lowered;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir::{
    Client, Group, Literal, Method, Model, Operation, Output, Pages, Paging, Prose, ResponseBody, Shape, Side, Type,
};
use crate::naming::{self, Ident, Scope, Wanted};
use crate::spec::nearest;

/// Names that a client has of its own.
const CLIENT_NAMES: &[&str] = &[
    "new",
    "from_connection_string",
    "builder",
    "with_pipeline",
    "pipeline",
    "clone",
    "models",
    "server",
    "client",
    "lib",
    "main",
    "mod",
];

/// Names that a method's body uses.
const LOCALS: &[&str] = &["request", "client", "call", "self"];

/// A group whose names are not settled.
struct Draft {
    module: Wanted,
    description: Option<String>,
    members: Vec<(Wanted, Operation)>,
}

/// The groups that the plan says, and for what it does not mention, groups by the prefix of the ids.
pub(super) fn groups(
    plan: &ClientPlan,
    operations: Vec<Lowered>,
    absent: &Absent,
    diagnostics: &mut Diagnostics,
) -> Vec<Group> {
    let mut left: IndexMap<String, Lowered> =
        operations.into_iter().map(|lowered| (lowered.operation.id.0.clone(), lowered)).collect();
    let (mut drafts, meant) = planned(plan, &mut left, absent, diagnostics);
    if !plan.groups.is_empty() {
        report_ungrouped(&left, &meant, diagnostics);
    }
    by_prefix(left, &mut drafts);
    let mut scope = Scope::new(&[CLIENT_NAMES, naming::RESERVED_FILES].concat());
    for draft in &drafts {
        scope.collect(draft.module.clone());
    }
    let modules = scope.assign();
    drafts.into_iter().zip(modules).map(|(draft, module)| group(module, draft.description, draft.members)).collect()
}

/// The groups, and the ids that misspelt ones may have meant.
fn planned(
    plan: &ClientPlan,
    left: &mut IndexMap<String, Lowered>,
    absent: &Absent,
    diagnostics: &mut Diagnostics,
) -> (Vec<Draft>, Vec<String>) {
    let mut meant = Vec::new();
    let ids: Vec<String> = left.keys().cloned().collect();
    let mut drafts = Vec::new();
    for group in &plan.groups {
        let mut members = Vec::new();
        for (method, id, at) in &group.operations {
            match left.shift_remove(id) {
                Some(lowered) => members.push((Wanted::pinned(method.clone()), lowered.operation)),
                None if absent.has_operation(id) => {}
                None => {
                    let near = nearest(id, ids.iter().map(String::as_str));
                    meant.extend(near.map(str::to_owned));
                    diagnostics.push(
                        Diagnostic::new(
                            Code::NoSuchOperation,
                            format!("no document of the client has an operation `{id}`"),
                        )
                        .at_value(at)
                        .help(match near {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => "`specsmith inspect SPEC` lists the operations of a document".to_owned(),
                        }),
                    );
                }
            }
        }
        drafts.push(Draft {
            module: Wanted::pinned(group.module.clone()),
            description: group.description.clone(),
            members,
        });
    }
    (drafts, meant)
}

fn report_ungrouped(left: &IndexMap<String, Lowered>, meant: &[String], diagnostics: &mut Diagnostics) {
    let called = left.iter().filter(|(id, lowered)| lowered.operation.side != Side::Server && !meant.contains(id));
    for (id, lowered) in called {
        diagnostics.push(
            Diagnostic::new(Code::NoGroup, format!("the operation `{id}` stands in no group of the manifest"))
                .at(&lowered.operation.at)
                .help(
                "it goes to a group that is named after the prefix of its id; say under `groups:` what it is called",
            ),
        );
    }
}

fn by_prefix(left: IndexMap<String, Lowered>, drafts: &mut Vec<Draft>) {
    let names = drafts.iter().enumerate().filter_map(|(index, draft)| Some((draft.module.candidates.first()?, index)));
    // Of two with one name, the first.
    let mut by_name: HashMap<Ident, usize> = names.rev().map(|(name, index)| (name.clone(), index)).collect();
    for lowered in left.into_values() {
        let prefix = naming::snake(&lowered.group);
        let method = Wanted::new(lowered.operation.name.clone())
            .or(naming::snake(&format!("{} {}", lowered.group, lowered.method)));
        let index = *by_name.entry(prefix.clone()).or_insert_with(|| {
            let second = naming::snake(&format!("{} operations", lowered.group));
            drafts.push(Draft { module: Wanted::new(prefix).or(second), description: None, members: Vec::new() });
            drafts.len() - 1
        });
        if let Some(draft) = drafts.get_mut(index) {
            draft.members.push((method, lowered.operation));
        }
    }
}

fn group(module: Ident, description: Option<String>, members: Vec<(Wanted, Operation)>) -> Group {
    let mut scope = Scope::new(&[]);
    for (wanted, _) in &members {
        scope.collect(wanted.clone());
    }
    let resumed = members.iter().filter_map(|(_, operation)| operation.long_running.as_ref());
    resumed.for_each(|long_running| {
        scope.collect(Wanted::new(long_running.resume.clone()));
    });
    let mut names = scope.assign();
    let mut resumes = names.split_off(members.len()).into_iter();
    let operations = members.into_iter().zip(names).map(|((_, mut operation), name)| {
        operation.name = name;
        if let Some(long_running) = &mut operation.long_running
            && let Some(resume) = resumes.next()
        {
            long_running.resume = resume;
        }
        arguments(&mut operation);
        operation
    });
    Group {
        ty: naming::pascal(module.bare()),
        module,
        description: Prose(description.unwrap_or_default()),
        operations: operations.collect(),
    }
}

/// Finds the items of pages. An answer without them is one that is awaited, as others.
pub(super) fn find_pages(client: &mut Client) {
    let models = &client.models;
    let all = client.groups.iter().flat_map(|group| &group.operations);
    let posts: HashSet<String> =
        all.filter(|operation| operation.method == Method::Post).map(|operation| operation.id.0.clone()).collect();
    for operation in client.groups.iter_mut().flat_map(|group| &mut group.operations) {
        let Output::Body(ResponseBody::Json(ty)) = &operation.output else { continue };
        operation.pages = match (&operation.paging, ty) {
            // It has a poller.
            _ if operation.long_running.is_some() => None,
            (Some(Paging::Header { .. }), Type::List(item)) => {
                Some(Pages { item: (**item).clone(), fields: None, post: false })
            }
            (Some(Paging::NextLink { link: Some(link), items, operation }), Type::Model(id)) => {
                let post = operation.as_ref().is_some_and(|id| posts.contains(&id.0));
                models.get(id.0).and_then(|model| linked_pages(model, items, link, post))
            }
            _ => None,
        };
    }
}

fn linked_pages(model: &Model, items: &Literal, link: &Literal, post: bool) -> Option<Pages> {
    let Shape::Struct(shape) = &model.shape else { return None };
    let field = |wire: &Literal| shape.fields.iter().find(|field| field.wire == *wire);
    let inner = |ty: &Type| match ty {
        Type::Nullable(inner) => (**inner).clone(),
        ty => ty.clone(),
    };
    let (items, link) = (field(items)?, field(link)?);
    match (inner(&items.ty), inner(&link.ty)) {
        (Type::List(item), Type::String) => {
            Some(Pages { item: *item, fields: Some((items.name.clone(), link.name.clone())), post })
        }
        _ => None,
    }
}

/// A body is not taken apart where its properties are called as other arguments, or variables of the method, are.
pub(super) fn keep_bodies_whole(client: &mut Client) {
    for operation in client.groups.iter_mut().flat_map(|group| &mut group.operations) {
        let others = operation.required.iter().filter(|parameter| !parameter.flatten);
        let others: Vec<Ident> = others.map(|parameter| parameter.name.clone()).collect();
        for parameter in operation.required.iter_mut().filter(|parameter| parameter.flatten) {
            let Type::Model(id) = &parameter.ty else { continue };
            let Some(Shape::Struct(shape)) = client.models.get(id.0).map(|model| &model.shape) else { continue };
            let mut names = shape.fields.iter().map(|field| &field.name);
            parameter.flatten = !names.any(|name| LOCALS.contains(&name.bare()) || others.contains(name));
        }
    }
}

/// The names of an operation's parameters.
fn arguments(operation: &mut Operation) {
    let mut scope = Scope::new(LOCALS);
    let all = || operation.required.iter().chain(&operation.optional);
    for parameter in all() {
        let bare = parameter.name.bare();
        scope.collect(Wanted::new(parameter.name.clone()).or(naming::snake(&format!("{bare} value"))));
    }
    let names = scope.assign();
    for (parameter, name) in operation.required.iter_mut().chain(&mut operation.optional).zip(names) {
        parameter.name = name;
    }
}
