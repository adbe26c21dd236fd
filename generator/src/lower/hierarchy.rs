//! Which definitions stand in for which: `discriminator` above, `allOf` below.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use crate::resolve::{DefinitionId, Graph};

/// The trees of definitions that a discriminator tells apart.
#[derive(Debug, Default)]
pub(super) struct Hierarchy {
    /// The definitions that each one's `allOf` names, for those in a tree.
    children: IndexMap<DefinitionId, Vec<DefinitionId>>,
    /// The discriminator that a definition has or inherits.
    discriminators: HashMap<DefinitionId, String>,
    /// Its value for each definition of a tree.
    values: HashMap<DefinitionId, String>,
    roots: HashSet<DefinitionId>,
}

impl Hierarchy {
    pub(super) fn new(graph: &Graph) -> Self {
        let mut hierarchy = Self::default();
        let mut parents: IndexMap<DefinitionId, Vec<DefinitionId>> = IndexMap::new();
        for (id, schema) in graph.definitions() {
            let named = schema.all_of.iter().filter_map(|part| part.reference.as_ref());
            parents.insert(
                id.clone(),
                named.filter_map(|reference| graph.definition(reference)).map(|(id, _)| id).collect(),
            );
            if let Some(name) = &schema.discriminator {
                hierarchy.discriminators.insert(id.clone(), name.clone());
                hierarchy.roots.insert(id);
            }
        }
        // Down the trees, level by level; `resolve` has refused cycles.
        let mut level: Vec<DefinitionId> = parents.keys().filter(|id| hierarchy.roots.contains(*id)).cloned().collect();
        while !level.is_empty() {
            let mut below = Vec::new();
            for (child, named) in &parents {
                for parent in named.iter().filter(|parent| level.contains(parent)) {
                    hierarchy.children.entry(parent.clone()).or_default().push(child.clone());
                    if !hierarchy.discriminators.contains_key(child) {
                        let inherited = hierarchy.discriminators.get(parent).cloned().unwrap_or_default();
                        hierarchy.discriminators.insert(child.clone(), inherited);
                        below.push(child.clone());
                    }
                }
            }
            level = below;
        }
        for id in hierarchy.discriminators.keys() {
            let value = graph.definition_by_id(id).and_then(|schema| schema.discriminator_value.clone());
            if value.is_some() || !hierarchy.roots.contains(id) {
                hierarchy.values.insert(id.clone(), value.unwrap_or_else(|| id.name.clone()));
            }
        }
        hierarchy
    }

    /// Whether a reference to it may mean something more special.
    pub(super) fn has_descendants(&self, id: &DefinitionId) -> bool {
        self.children.contains_key(id)
    }

    /// The name of the discriminator that it has or inherits.
    pub(super) fn discriminator(&self, id: &DefinitionId) -> Option<&str> {
        self.discriminators.get(id).map(String::as_str)
    }

    /// The discriminator and its value for a definition that is one of the things told apart.
    pub(super) fn tag(&self, id: &DefinitionId) -> Option<(&str, &str)> {
        Some((self.discriminator(id)?, self.values.get(id)?))
    }

    /// What a reference to it may mean: itself and its descendants, each once, parents first.
    pub(super) fn members<'a>(&'a self, id: &'a DefinitionId) -> Vec<&'a DefinitionId> {
        let mut members = vec![id];
        let mut next = 0;
        while let Some(member) = members.get(next).copied() {
            for child in self.children.get(member).into_iter().flatten() {
                if !members.contains(&child) {
                    members.push(child);
                }
            }
            next += 1;
        }
        members
    }
}
