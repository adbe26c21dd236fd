//! Schemas that contain themselves through `allOf`: there is no such type.

use indexmap::{IndexMap, IndexSet};

use super::{DefinitionId, Graph};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::spec::Schema;

/// Reports each cycle once.
pub(super) fn report(graph: &Graph, diags: &mut Diagnostics) {
    let mut bases = IndexMap::new();
    for (id, schema) in graph.definitions() {
        let mut ids = Vec::new();
        add_bases(graph, schema, &mut ids);
        bases.insert(id, ids);
    }
    for cycle in cycles(&bases) {
        let names: Vec<&str> = cycle.iter().map(|id| id.name.as_str()).collect();
        let message = format!("a schema contains itself through `allOf`: {}", round(&names));
        let help = "a schema cannot be part of itself: remove one of these entries of `allOf`";
        let mut problem = Diagnostic::new(Code::AllOfCycle, message).help(help);
        let mut schemas = cycle.iter().filter_map(|id| Some((id, graph.definition_by_id(id)?)));
        if let Some((_, first)) = schemas.next() {
            problem = problem.at(&first.at.join("allOf"));
        }
        for (id, schema) in schemas {
            problem = problem.label(&schema.at.join("allOf"), format!("the `allOf` of `{}`", id.name));
        }
        diags.push(problem);
    }
}

/// A cycle's names, with the first again at the end.
pub(super) fn round(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().chain(names.first()).map(|name| format!("`{name}`")).collect();
    names.join(" → ")
}

/// The definitions that a schema's `allOf` names, also those in an `allOf` inside it.
fn add_bases(graph: &Graph, schema: &Schema, bases: &mut Vec<DefinitionId>) {
    for part in &schema.all_of {
        if let Some((id, _)) = part.reference.as_ref().and_then(|it| graph.definition(it)) {
            bases.push(id);
        }
        add_bases(graph, part, bases);
    }
}

/// Depth-first without recursion, since a chain of definitions may be as long as it likes.
fn cycles(bases: &IndexMap<DefinitionId, Vec<DefinitionId>>) -> Vec<Vec<&DefinitionId>> {
    let mut cycles = Vec::new();
    let mut done = IndexSet::new();
    for root in bases.keys() {
        let mut path = IndexSet::new();
        let mut ahead = Vec::new();
        let mut next = Some(root);
        while let Some(id) = next {
            if let Some(start) = path.get_index_of(id) {
                cycles.push(path.iter().skip(start).copied().collect());
            } else if done.insert(id) {
                path.insert(id);
                ahead.push(bases.get(id).map(Vec::as_slice).unwrap_or_default().iter());
            }
            next = None;
            while let (None, Some(rest)) = (next, ahead.last_mut()) {
                next = rest.next();
                if next.is_none() {
                    ahead.pop();
                    path.pop();
                }
            }
        }
    }
    cycles
}
