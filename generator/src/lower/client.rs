//! What the operations of a client share: the parameters that are given once, and names that the plan pins.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::ClientPlan;
use crate::ir::Parameter;
use crate::naming::{self, Ident};
use crate::resolve::Graph;
use crate::spec::{self, In, OrRef, ParameterLocation};

pub(super) struct ClientScope {
    pub parameters: Vec<Parameter>,
    given: Vec<String>,
    names: IndexMap<String, Ident>,
    flatten: Vec<String>,
    /// The shared, required parameters that every operation has.
    everywhere: Vec<String>,
}

impl ClientScope {
    pub(super) fn new(plan: &ClientPlan, graph: &Graph) -> Self {
        Self {
            parameters: Vec::new(),
            given: plan.parameters.clone(),
            names: plan.parameter_names.clone(),
            flatten: plan.flatten.clone(),
            everywhere: everywhere(plan, graph),
        }
    }

    /// Whether a parameter is given when the client is made: where the plan or the document says so, or where the document shares
    /// it among all operations and does not say otherwise.
    pub(super) fn takes(&self, parameter: &spec::Parameter, shared: bool) -> bool {
        if self.given.contains(&parameter.name) {
            return true;
        }
        match parameter.location {
            Some(ParameterLocation::Method) => false,
            Some(ParameterLocation::Client) => parameter.required,
            None => shared && self.everywhere.contains(&parameter.name),
        }
    }

    /// The index of a client's parameter, which is added if it is new.
    pub(super) fn parameter(&mut self, parameter: Parameter) -> usize {
        let known = self.parameters.iter().position(|own| own.wire == parameter.wire && own.place == parameter.place);
        known.unwrap_or_else(|| {
            self.parameters.push(parameter);
            self.parameters.len() - 1
        })
    }

    /// A parameter's name in Rust, before collisions are settled.
    pub(super) fn parameter_name(&self, operation: &str, parameter: &spec::Parameter) -> Ident {
        let pinned = self
            .names
            .get(&format!("{operation}.{}", parameter.name))
            .or(self.names.get(&format!("*.{}", parameter.name)));
        pinned.cloned().unwrap_or_else(|| naming::snake(parameter.client_name.as_deref().unwrap_or(&parameter.name)))
    }

    /// Whether a body's properties are asked for, rather than the body.
    pub(super) fn flattens(&self, operation: &str, parameter: &spec::Parameter) -> bool {
        parameter.required && (parameter.flatten || self.flatten.contains(&format!("{operation}.{}", parameter.name)))
    }

    /// The group of operations whose id has no prefix.
    pub(super) fn default_group(&self, document: &spec::Document, graph: &Graph) -> String {
        graph.stem(document.at.file)
    }
}

fn everywhere(plan: &ClientPlan, graph: &Graph) -> Vec<String> {
    let documents = plan.documents.iter().filter_map(|file| graph.documents.get(file));
    let mut operations = 0;
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for item in documents.flat_map(|document| &document.paths) {
        for operation in &item.operations {
            operations += 1;
            for entry in item.parameters.iter().chain(&operation.parameters) {
                if let (OrRef::Ref(_), Some(parameter)) = (entry, graph.parameter(entry))
                    && parameter.required
                    && matches!(parameter.place, In::Path | In::Query | In::Header)
                {
                    *uses.entry(&parameter.name).or_default() += 1;
                }
            }
        }
    }
    let mut names: Vec<String> =
        uses.into_iter().filter(|(_, count)| *count == operations).map(|(name, _)| name.to_owned()).collect();
    names.sort();
    names
}
