//! Names, settled when all that want one are known.

use std::collections::HashSet;

use super::absent::Absent;
use super::draft::{Draft, DraftEnum, DraftField, DraftShape, DraftStruct, Rest};
use super::{ClientPlan, direction};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir::{Client, Enum, EnumKind, Field, Literal, Model, Output, Shape, Struct, Union, Variant};
use crate::naming::{self, Case, Ident, Scope, Wanted};
use crate::spec::nearest;

/// Drafts to models, with names.
pub(super) fn models(
    plan: &ClientPlan,
    drafts: Vec<Draft>,
    absent: &Absent,
    diagnostics: &mut Diagnostics,
) -> Vec<Model> {
    for (name, (_, at)) in &plan.models {
        let definition = name.rsplit('/').next().unwrap_or(name);
        if !drafts.iter().any(|draft| pin_keys(draft).any(|key| key == name)) && !absent.has_definition(definition) {
            diagnostics.push(
                Diagnostic::new(
                    Code::NoSuchModel,
                    format!("no document of the client has a definition `{name}` that becomes a type"),
                )
                .at(at)
                .help(match nearest(name, drafts.iter().flat_map(pin_keys).map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        "names are those of the documents after overlays; remove the line or mend the name".to_owned()
                    }
                }),
            );
        }
    }
    let names = model_names(plan, &drafts);
    let mut used = Vec::new();
    let shapes: Vec<Shape> = drafts
        .iter()
        .map(|draft| match &draft.shape {
            DraftShape::Struct(shape) => Shape::Struct(structure(plan, draft, shape, &mut used)),
            DraftShape::Enum(shape) => Shape::Enum(enumeration(shape)),
            DraftShape::Union { tag, variants } => union(tag, variants, &names),
            DraftShape::Open => {
                Shape::Struct(Struct { fields: Vec::new(), tag: None, rest: None, closed: false, limits: None })
            }
        })
        .collect();
    for (name, (_, at)) in &plan.fields {
        let definition = name.split('.').next().unwrap_or(name);
        if !used.contains(name) && !absent.has_definition(definition) {
            diagnostics.push(
                Diagnostic::new(Code::NoSuchModel, format!("no model has a property `{name}`"))
                    .at(at)
                    .help("write it as `Definition.property`, with the names of the documents"),
            );
        }
    }
    drafts
        .into_iter()
        .zip(names)
        .zip(shapes)
        .map(|((draft, name), shape)| Model {
            at: draft.at,
            name,
            definition: draft.definition,
            description: draft.description,
            shape,
        })
        .collect()
}

/// What a manifest may call a model: its definition, with or without the document; an enum also by its `x-ms-enum` name.
fn pin_keys(draft: &Draft) -> impl Iterator<Item = &String> {
    let word = match draft.shape {
        DraftShape::Enum(_) => draft.names.first(),
        _ => None,
    };
    draft.qualified.iter().chain(&draft.definition).chain(word)
}

/// The models' names. Definitions have theirs before what is named after the place where it stands.
fn model_names(plan: &ClientPlan, drafts: &[Draft]) -> Vec<Ident> {
    let mut scope = Scope::new(naming::RESERVED_TYPES);
    let (mut order, inline): (Vec<_>, Vec<_>) =
        drafts.iter().enumerate().partition(|(_, draft)| draft.definition.is_some());
    order.extend(inline);
    for (_, draft) in &order {
        let pin = pin_keys(draft).find_map(|name| plan.models.get(name));
        scope.collect(match pin {
            Some((name, _)) => Wanted::pinned(name.clone()),
            None => candidates(&draft.names),
        });
    }
    let mut names: Vec<(usize, Ident)> = order.iter().map(|(index, _)| *index).zip(scope.assign()).collect();
    names.sort_by_key(|(index, _)| *index);
    names.into_iter().map(|(_, name)| name).collect()
}

fn candidates(names: &[String]) -> Wanted {
    let mut candidates: Vec<Ident> = Vec::new();
    for name in names {
        candidates.extend(naming::type_candidates(name));
    }
    Wanted::from(candidates)
}

fn structure(plan: &ClientPlan, draft: &Draft, shape: &DraftStruct, used: &mut Vec<String>) -> Struct {
    let mut scope = Scope::new(&[]);
    for field in &shape.fields {
        let key = format!("{}.{}", draft.definition.as_deref().unwrap_or_default(), field.wire);
        scope.collect(match plan.fields.get(&key) {
            Some((name, _)) => {
                used.push(key);
                Wanted::pinned(name.clone())
            }
            None => {
                let mut wanted = Wanted::new(naming::snake(&field.name));
                let other = Some(&field.wire).filter(|wire| **wire != field.name);
                for name in [Some(&field.name).filter(|name| naming::has_symbols(name)), other].into_iter().flatten() {
                    wanted = wanted.or(naming::spelled_in_case(Case::Snake, name));
                }
                wanted
            }
        });
    }
    let names = scope.assign();
    let taken: Vec<&str> = names.iter().map(Ident::as_str).collect();
    let rest = match &shape.rest {
        Rest::Typed(ty) => Some((direction::rest_name(&taken), ty.clone())),
        Rest::Unsaid | Rest::Forbidden => None,
    };
    let closed = shape.rest == Rest::Forbidden;
    let fields = shape.fields.iter().zip(&names).map(|(field, name)| settled(field, name.clone())).collect();
    Struct { fields, tag: shape.tag.clone(), rest, closed, limits: shape.limits.clone() }
}

fn settled(field: &DraftField, name: Ident) -> Field {
    Field {
        setter: naming::snake(&format!("with_{}", name.bare())),
        name,
        wire: Literal(field.wire.clone()),
        aliases: field.aliases.clone(),
        ty: field.ty.clone(),
        role: field.role,
        read_only: field.read_only,
        description: field.description.clone(),
        limits: field.limits.clone(),
        default: field.default.clone(),
    }
}

fn enumeration(shape: &DraftEnum) -> Enum {
    let mut scope = Scope::new(&[]);
    for wanted in variants(shape) {
        scope.collect(wanted);
    }
    scope.collect(
        Wanted::new(naming::pascal("other"))
            .or(naming::pascal("unknown"))
            .or(naming::pascal("unlisted"))
            .or(naming::pascal("other value")),
    );
    let mut names = scope.assign();
    let other = names.pop().unwrap_or_else(|| naming::pascal("other"));
    let variants = shape.variants.iter().zip(names).map(|(variant, name)| Variant {
        name,
        value: Literal(variant.value.clone()),
        description: variant.description.clone(),
    });
    Enum { kind: shape.kind, variants: variants.collect(), other, open: shape.open, ignore_case: shape.ignore_case }
}

/// What the variants would like to be called. `name` is `Name` before `-name` is; that one is `MinusName` then.
fn variants(shape: &DraftEnum) -> Vec<Wanted> {
    let names = shape.variants.iter().map(|variant| match (&variant.name, variant.value.strip_prefix('-')) {
        (Some(name), _) => name.clone(),
        (None, Some(number)) if shape.kind == EnumKind::Integer => format!("minus {number}"),
        (None, _) => variant.value.clone(),
    });
    let names: Vec<(Ident, Ident)> =
        names.map(|name| (naming::pascal(&name), naming::spelled_in_case(Case::Pascal, &name))).collect();
    let is_plain = |name: &Ident| names.iter().any(|(plain, spelled)| plain == name && spelled == name);
    let wanted = names.iter().map(|(plain, spelled)| match plain == spelled || !is_plain(plain) {
        true => Wanted::new(plain.clone()).or(spelled.clone()),
        false => Wanted::new(spelled.clone()).or(plain.clone()),
    });
    wanted.collect()
}

fn union(tag: &Literal, variants: &[(Literal, crate::ir::ModelId)], names: &[Ident]) -> Shape {
    let mut scope = Scope::new(&[]);
    for (value, model) in variants {
        scope.collect(Wanted::new(names.get(model.0).cloned().unwrap_or_else(|| naming::pascal(&value.0))));
    }
    scope.collect(Wanted::new(naming::pascal("other")).or(naming::pascal("unknown")));
    let mut assigned = scope.assign();
    let other = assigned.pop().unwrap_or_else(|| naming::pascal("other"));
    let variants = variants.iter().zip(assigned).map(|((value, model), name)| (name, value.clone(), *model)).collect();
    Shape::Union(Union { tag: tag.clone(), variants, other })
}

/// The names of the types that groups and operations bring along, none of which may be a model's.
pub(super) fn types(client: &mut Client) {
    let models = client.models.iter().map(|model| model.name.bare());
    let own = naming::RESERVED_TYPES.iter().chain(naming::RESERVED_CLIENT_TYPES).copied();
    let reserved: HashSet<&str> = models.chain(own).collect();
    let mut scope = Scope::within(&reserved);
    for group in &client.groups {
        scope.collect(Wanted::new(group.ty.clone()).or(naming::pascal(&format!("{} operations", group.module.bare()))));
    }
    for (group, ty) in client.groups.iter_mut().zip(scope.assign()) {
        group.ty = ty;
        // Each group has a module of its own, so that one's names are no matter to another.
        let mut scope = Scope::within(&reserved);
        scope.collect(Wanted::pinned(group.ty.clone()));
        for operation in &group.operations {
            let (group, name) = (group.module.bare(), operation.name.bare());
            for suffix in ["", " arguments", " output"] {
                let own = naming::pascal(&format!("{name}{suffix}"));
                scope.collect(
                    Wanted::new(own)
                        .or(naming::pascal(&format!("{group} {name}{suffix}")))
                        .or(naming::pascal(&format!("{group} {name} call{suffix}"))),
                );
            }
        }
        let mut names = scope.assign().into_iter().skip(1);
        for operation in &mut group.operations {
            operation.builder = names.next().unwrap_or_else(|| operation.builder.clone());
            operation.arguments = names.next().unwrap_or_else(|| operation.arguments.clone());
            let output = names.next();
            if let (Output::Either { name, .. }, Some(output)) = (&mut operation.output, output) {
                *name = output;
            }
        }
    }
    // What its constructors have as arguments.
    let mut reserved = vec!["pipeline", "endpoint"];
    reserved.extend(client.authentication.connection_string.as_ref().map(|_| "text"));
    reserved.extend(client.authentication.bearer.map(|_| "token"));
    let mut client_names = Scope::new(&reserved);
    for parameter in &client.parameters {
        client_names.collect(Wanted::new(parameter.name.clone()));
    }
    for (parameter, name) in client.parameters.iter_mut().zip(client_names.assign()) {
        parameter.name = name;
    }
}
