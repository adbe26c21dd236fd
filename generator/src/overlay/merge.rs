//! How a value is merged into a node.

use std::fmt;

use serde_json::Value;

use super::Version;
use crate::diag::{Location, Pointer};
use crate::source::Patch;

/// What the rules tell apart. Null is a primitive, as in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    Primitive,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::Primitive => "a primitive value",
        })
    }
}

pub(super) fn kind(value: &Value) -> Kind {
    match value {
        Value::Object(_) => Kind::Object,
        Value::Array(_) => Kind::Array,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Kind::Primitive,
    }
}

/// Why a value cannot be merged into a node.
pub(super) struct Conflict {
    /// What the update has.
    pub(super) found: Kind,
    /// What the document has.
    pub(super) wanted: Kind,
    /// Where, from the node.
    pub(super) below: Pointer,
}

/// Whether a value can be merged into a node that a target selects.
pub(super) fn check(node: &Value, update: &Value, version: Version) -> Result<(), Conflict> {
    if appends(node, update, version) { Ok(()) } else { check_below(node, update, &Pointer::root()) }
}

fn check_below(node: &Value, update: &Value, at: &Pointer) -> Result<(), Conflict> {
    match (node, update) {
        (Value::Object(node), Value::Object(update)) => update
            .iter()
            .filter_map(|(key, update)| Some((key, node.get(key)?, update)))
            .try_for_each(|(key, node, update)| check_below(node, update, &at.join(key))),
        _ if kind(node) == kind(update) => Ok(()),
        _ => Err(Conflict { found: kind(update), wanted: kind(node), below: at.clone() }),
    }
}

/// A selected array takes a value as a new item; from 1.1 on an array is concatenated instead.
fn appends(node: &Value, update: &Value, version: Version) -> bool {
    node.is_array() && (version == Version::V1_0 || !update.is_array())
}

/// Merges a value into a node that a target selects, and notes what was written.
pub(super) fn apply(
    node: &mut Value,
    update: &Value,
    version: Version,
    at: &Pointer,
    origin: &Location,
    patches: &mut Vec<Patch>,
) {
    if appends(node, update, version) {
        if let Value::Array(items) = node {
            patches.push(Patch::Written { pointer: at.join(items.len()), origin: origin.clone() });
            items.push(update.clone());
        }
    } else {
        merge(node, update, at, origin, patches);
    }
}

/// Objects member by member, arrays end to end, primitives by replacement. What [`check`] refuses stays.
fn merge(node: &mut Value, update: &Value, at: &Pointer, origin: &Location, patches: &mut Vec<Patch>) {
    match (node, update) {
        (Value::Object(node), Value::Object(update)) => {
            for (key, update) in update {
                let (at, origin) = (at.join(key), origin.join(key));
                match node.get_mut(key) {
                    Some(node) => merge(node, update, &at, &origin, patches),
                    None => {
                        node.insert(key.clone(), update.clone());
                        patches.push(Patch::Written { pointer: at, origin });
                    }
                }
            }
        }
        (Value::Array(items), Value::Array(update)) => {
            for (index, update) in update.iter().enumerate() {
                patches.push(Patch::Written { pointer: at.join(items.len()), origin: origin.join(index) });
                items.push(update.clone());
            }
        }
        (node, update) if kind(node) == kind(update) => {
            node.clone_from(update);
            patches.push(Patch::Written { pointer: at.clone(), origin: origin.clone() });
        }
        _ => {}
    }
}
