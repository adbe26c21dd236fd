//! Which definitions stand in for which: `discriminator` above, `allOf` below.

use std::collections::{BTreeSet, HashMap, HashSet};

use indexmap::{IndexMap, IndexSet};

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
        let mut named_by: HashMap<&DefinitionId, Vec<usize>> = HashMap::new();
        for (index, parent) in
            parents.values().enumerate().flat_map(|(index, named)| named.iter().map(move |it| (index, it)))
        {
            named_by.entry(parent).or_default().push(index);
        }
        // Down the trees, level by level; `resolve` has refused cycles.
        let mut level: HashSet<DefinitionId> = hierarchy.roots.clone();
        while !level.is_empty() {
            // In the order of the documents.
            let below: BTreeSet<usize> = level.iter().filter_map(|id| named_by.get(id)).flatten().copied().collect();
            let mut next = HashSet::new();
            for (child, named) in below.into_iter().filter_map(|index| parents.get_index(index)) {
                for parent in named.iter().filter(|parent| level.contains(*parent)) {
                    hierarchy.children.entry(parent.clone()).or_default().push(child.clone());
                    if !hierarchy.discriminators.contains_key(child) {
                        let inherited = hierarchy.discriminators.get(parent).cloned().unwrap_or_default();
                        hierarchy.discriminators.insert(child.clone(), inherited);
                        next.insert(child.clone());
                    }
                }
            }
            level = next;
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
    pub(super) fn members<'a>(&'a self, id: &'a DefinitionId) -> IndexSet<&'a DefinitionId> {
        let mut members = IndexSet::from([id]);
        let mut next = 0;
        while let Some(member) = members.get_index(next).copied() {
            members.extend(self.children.get(member).into_iter().flatten());
            next += 1;
        }
        members
    }
}
