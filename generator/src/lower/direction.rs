//! Facts about models that follow from how they are connected: which contain themselves, which go both ways.

use std::collections::HashSet;

use crate::diag::{Code, Diagnostic, Diagnostics, Location};
use crate::ir::{BodyKind, Client, Field, FieldRole, Model, ModelId, Output, Place, ResponseBody, Shape, Type};
use crate::naming::{self, Ident};

/// Makes optional what would have to contain itself without end: a required property of a struct that requires it in turn. No JSON
/// could have it, and no value could be made.
pub(super) fn end_circles(models: &mut [Model], diagnostics: &mut Diagnostics) {
    let needs = |field: &Field| match (&field.ty, field.role) {
        (Type::Model(ModelId(index)), FieldRole::Required) => Some(*index),
        _ => None,
    };
    let edges: Vec<Vec<usize>> = models.iter().map(|model| fields(model).iter().filter_map(needs).collect()).collect();
    let component = components(&edges);
    // A schema that is a part of itself has all its properties again.
    let told = diagnostics.errors().any(|error| error.code == Code::AllOfCycle);
    let places: Vec<Location> = models.iter().map(|model| model.at.clone()).collect();
    for (index, model) in models.iter_mut().enumerate() {
        let Shape::Struct(shape) = &mut model.shape else { continue };
        for field in &mut shape.fields {
            if let Some(other) = needs(field)
                && component.get(index) == component.get(other)
            {
                field.role = FieldRole::Optional;
                if told {
                    continue;
                }
                let diagnostic = Diagnostic::new(
                    Code::EndlessSchema,
                    format!(
                        "`{}` requires `{}`, which requires it in turn: no JSON could have both",
                        model.name, field.wire.0
                    ),
                )
                .at(&model.at.join("properties").join(&field.wire.0))
                .help("it is taken as optional; remove it from `required` by an overlay");
                diagnostics.push(match places.get(other).filter(|place| **place != model.at) {
                    Some(place) => diagnostic.label(place, "what it requires"),
                    None => diagnostic,
                });
            }
        }
    }
}

/// Puts a box wherever a struct would otherwise contain itself.
pub(super) fn box_cycles(models: &mut [Model]) {
    let edges: Vec<Vec<usize>> =
        models.iter().map(|model| fields(model).iter().filter_map(|field| held(&field.ty)).collect()).collect();
    let component = components(&edges);
    for (index, model) in models.iter_mut().enumerate() {
        let Shape::Struct(shape) = &mut model.shape else { continue };
        for field in &mut shape.fields {
            if let Some(other) = held(&field.ty)
                && component.get(index) == component.get(other)
            {
                put_box(&mut field.ty);
            }
        }
    }
}

fn fields(model: &Model) -> &[Field] {
    match &model.shape {
        Shape::Struct(shape) => &shape.fields,
        _ => &[],
    }
}

/// The model that a value of this type holds within itself; lists, maps and unions hold theirs elsewhere.
fn held(ty: &Type) -> Option<usize> {
    match ty {
        Type::Model(ModelId(index)) => Some(*index),
        Type::Nullable(inner) => held(inner),
        _ => None,
    }
}

fn put_box(ty: &mut Type) {
    match ty {
        Type::Nullable(inner) => put_box(inner),
        Type::Model(_) => *ty = Type::Boxed(Box::new(ty.clone())),
        _ => {}
    }
}

/// The strongly connected component of each node (Tarjan's algorithm, without recursion); a node alone is in one only if it
/// leads to itself, which `box_cycles` sees by comparing its two ends.
fn components(edges: &[Vec<usize>]) -> Vec<usize> {
    const NEW: usize = usize::MAX;
    let count = edges.len();
    let (mut order, mut low, mut component) = (vec![NEW; count], vec![NEW; count], vec![NEW; count]);
    let (mut stack, mut next, mut found) = (Vec::new(), 0, 0);
    for start in 0..count {
        if order.get(start) != Some(&NEW) {
            continue;
        }
        let mut calls = vec![(start, 0)];
        while let Some((node, edge)) = calls.pop() {
            if edge == 0 {
                order[node] = next;
                low[node] = next;
                next += 1;
                stack.push(node);
            }
            if let Some(&to) = edges[node].get(edge) {
                calls.push((node, edge + 1));
                if order[to] == NEW {
                    calls.push((to, 0));
                } else if component[to] == NEW {
                    low[node] = low[node].min(order[to]);
                }
                continue;
            }
            if low[node] == order[node] {
                while let Some(member) = stack.pop() {
                    component[member] = found;
                    if member == node {
                        break;
                    }
                }
                found += 1;
            }
            if let Some(&(parent, _)) = calls.last() {
                low[parent] = low[parent].min(low[node]);
            }
        }
    }
    component
}

/// Gives a place for unknown properties to each struct that is both answered and sent, so that read-modify-write loses nothing.
pub(super) fn keep_unknown(client: &mut Client) {
    let (mut sent, mut answered) = (HashSet::new(), HashSet::new());
    for operation in client.groups.iter().flat_map(|group| &group.operations) {
        for parameter in operation.required.iter().chain(&operation.optional) {
            if matches!(parameter.place, Place::Body(BodyKind::Json { .. })) {
                reach(&parameter.ty, &client.models, &mut sent);
            }
        }
        let bodies: Vec<&ResponseBody> = match &operation.output {
            Output::Empty => Vec::new(),
            Output::Body(body) | Output::Optional(body) => vec![body],
            Output::Either { variants, .. } => variants.iter().filter_map(|variant| variant.body.as_ref()).collect(),
        };
        for body in bodies {
            if let ResponseBody::Json(ty) = body {
                reach(ty, &client.models, &mut answered);
            }
        }
    }
    for (index, model) in client.models.iter_mut().enumerate() {
        let id = ModelId(index);
        if let Shape::Struct(shape) = &mut model.shape
            && shape.rest.is_none()
            && !shape.closed
            && sent.contains(&id)
            && answered.contains(&id)
        {
            let taken: Vec<&str> = shape.fields.iter().map(|field| field.name.as_str()).collect();
            shape.rest = Some((rest_name(&taken), Type::Json));
        }
    }
}

/// The name of the field for unknown properties.
pub(super) fn rest_name(taken: &[&str]) -> Ident {
    let names = ["additional_properties", "unknown_properties", "other_properties", "properties_without_field"];
    let free = names.into_iter().find(|name| !taken.contains(name)).unwrap_or("rest_of_the_properties");
    naming::snake(free)
}

/// Every model that a value of this type may hold.
fn reach(ty: &Type, models: &[Model], met: &mut HashSet<ModelId>) {
    let mut open = vec![ty];
    while let Some(ty) = open.pop() {
        match ty {
            Type::List(inner) | Type::Map(inner) | Type::Boxed(inner) | Type::Nullable(inner) => open.push(inner),
            Type::Model(id) if met.insert(*id) => match models.get(id.0).map(|model| &model.shape) {
                Some(Shape::Struct(shape)) => {
                    open.extend(shape.fields.iter().map(|field| &field.ty));
                    open.extend(shape.rest.iter().map(|(_, ty)| ty));
                }
                Some(Shape::Union(union)) => {
                    for (.., variant) in &union.variants {
                        if met.insert(*variant)
                            && let Some(Shape::Struct(shape)) = models.get(variant.0).map(|model| &model.shape)
                        {
                            open.extend(shape.fields.iter().map(|field| &field.ty));
                            open.extend(shape.rest.iter().map(|(_, ty)| ty));
                        }
                    }
                }
                Some(Shape::Enum(_)) | None => {}
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nodes that are in one component, as pairs.
    fn together(edges: &[&[usize]]) -> Vec<(usize, usize)> {
        let edges: Vec<Vec<usize>> = edges.iter().map(|to| to.to_vec()).collect();
        let component = components(&edges);
        let pairs = (0..edges.len()).flat_map(|left| (left + 1..edges.len()).map(move |right| (left, right)));
        pairs.filter(|(left, right)| component[*left] == component[*right]).collect()
    }

    #[test]
    fn components_are_the_circles() {
        // 0 → 1 → 2 → 0, 2 → 3 → 4 → 3, 5 alone.
        assert_eq!(together(&[&[1], &[2], &[0, 3], &[4], &[3], &[]]), [(0, 1), (0, 2), (1, 2), (3, 4)]);
        assert_eq!(together(&[&[1], &[2], &[]]), []);
        // Two ways to one node make no circle.
        assert_eq!(together(&[&[1, 2], &[3], &[3], &[]]), []);
        assert_eq!(together(&[&[3], &[0], &[1], &[2]]).len(), 6);
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let edges: Vec<Vec<usize>> = (0..200_000).map(|node| vec![(node + 1) % 200_000]).collect();
        assert!(components(&edges).iter().all(|component| *component == 0));
    }
}
