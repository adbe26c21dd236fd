//! Tags and properties of a twin, as the model keeps them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub(crate) type Object = Map<String, Value>;

/// A value, and the version of the properties that last changed it, where that is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    updated: Option<u64>,
    is: Is,
}

#[derive(Clone, Debug, PartialEq)]
enum Is {
    Leaf(Value),
    Tree(BTreeMap<String, Node>),
}

impl Node {
    pub(crate) fn empty() -> Node {
        Node { updated: None, is: Is::Tree(BTreeMap::new()) }
    }

    pub(crate) fn merge(&mut self, given: &Object, version: Option<u64>) {
        self.updated = version;
        if let Is::Leaf(_) = self.is {
            self.is = Is::Tree(BTreeMap::new());
        }
        let Is::Tree(fields) = &mut self.is else { return };
        for (name, value) in given {
            match value {
                Value::Null => _ = fields.remove(name),
                Value::Object(inner) => fields.entry(name.clone()).or_insert_with(Node::empty).merge(inner, version),
                leaf => _ = fields.insert(name.clone(), Node { updated: version, is: Is::Leaf(leaf.clone()) }),
            }
        }
    }

    pub(crate) fn values(&self) -> Value {
        match &self.is {
            Is::Leaf(value) => value.clone(),
            Is::Tree(fields) => fields.iter().map(|(name, node)| (name.clone(), node.values())).collect(),
        }
    }

    /// What `$metadata` has, without times.
    pub(crate) fn metadata(&self) -> Value {
        let mut metadata = match &self.is {
            Is::Leaf(_) => json!({}),
            Is::Tree(fields) => fields.iter().map(|(name, node)| (name.clone(), node.metadata())).collect(),
        };
        if let Some(version) = self.updated {
            metadata["$lastUpdatedVersion"] = version.into();
        }
        metadata
    }
}

/// Whether it may be in a twin: what the steps have that may not is a space in a name, and too large a number.
pub(crate) fn is_allowed(given: &Object) -> bool {
    given.iter().all(|(name, value)| {
        !name.contains(' ')
            && match value {
                Value::Object(inner) => is_allowed(inner),
                Value::Number(number) => number.as_i64().is_some_and(|number| number < 1 << 52),
                _ => true,
            }
    })
}

/// The same without times, which stand in `$lastUpdated` alone.
pub(crate) fn without_times(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, value)| *name != "$lastUpdated" || !value.is_string());
            kept.map(|(name, value)| (name.clone(), without_times(value))).collect()
        }
        other => other.clone(),
    }
}
