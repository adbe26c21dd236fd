//! Whether two schemas say the same, prose and places left out.

use crate::resolve::Graph;
use crate::spec::{Additional, Schema};

/// Whether two schemas are equal but for descriptions. References are equal when they name definitions of the same name; whether those
/// are equal is asked when they are met.
pub(super) fn same_schema(graph: &Graph, left: &Schema, right: &Schema) -> bool {
    let name = |schema: &Schema| {
        let reference = schema.reference.as_ref()?;
        Some(graph.definition(reference).map_or_else(|| reference.target.clone(), |(id, _)| id.name))
    };
    let plain = left.ty == right.ty
        && left.format == right.format
        && left.required == right.required
        && left.enumeration == right.enumeration
        && left.default == right.default
        && left.limits == right.limits
        && left.discriminator == right.discriminator
        && left.discriminator_value == right.discriminator_value
        && left.read_only == right.read_only
        && left.nullable == right.nullable
        && left.ms_enum == right.ms_enum
        && left.client_name == right.client_name
        && left.secret == right.secret
        && left.extensions == right.extensions;
    plain
        && name(left) == name(right)
        && left.properties.len() == right.properties.len()
        && left
            .properties
            .iter()
            .all(|(name, schema)| right.properties.get(name).is_some_and(|other| same_schema(graph, schema, other)))
        && left.all_of.len() == right.all_of.len()
        && left.all_of.iter().zip(&right.all_of).all(|(left, right)| same_schema(graph, left, right))
        && match (&left.items, &right.items) {
            (Some(left), Some(right)) => same_schema(graph, left, right),
            (left, right) => left.is_none() && right.is_none(),
        }
        && match (&left.additional, &right.additional) {
            (Additional::Schema(left), Additional::Schema(right)) => same_schema(graph, left, right),
            (Additional::Unsaid, Additional::Unsaid)
            | (Additional::Forbidden, Additional::Forbidden)
            | (Additional::Any, Additional::Any) => true,
            _ => false,
        }
}
