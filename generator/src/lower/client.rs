//! What the operations of a client share: the parameters that are given once, and names that the plan pins.

use std::collections::{HashMap, HashSet};

use super::ClientPlan;
use super::absent::Absent;
use crate::diag::{Code, Diagnostic, Diagnostics, Location};
use crate::ir::Parameter;
use crate::naming::{self, Ident};
use crate::resolve::Graph;
use crate::spec::{self, In, OrRef, ParameterLocation};

pub(super) struct ClientScope<'p> {
    pub parameters: Vec<Parameter>,
    plan: &'p ClientPlan,
    /// The entries of the plan that a parameter was found for.
    used: HashSet<&'p Location>,
    /// The shared, required parameters that every operation has.
    everywhere: Vec<String>,
}

impl<'p> ClientScope<'p> {
    pub(super) fn new(plan: &'p ClientPlan, graph: &Graph) -> Self {
        Self { parameters: Vec::new(), plan, used: HashSet::new(), everywhere: everywhere(plan, graph) }
    }

    /// Whether a parameter is given when the client is made: where the plan or the document says so, or where the document shares
    /// it among all operations and does not say otherwise.
    pub(super) fn takes(&mut self, parameter: &spec::Parameter, shared: bool) -> bool {
        if let Some((_, at)) = self.plan.parameters.iter().find(|(name, _)| *name == parameter.name) {
            self.used.insert(at);
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
    pub(super) fn parameter_name(&mut self, operation: &str, parameter: &spec::Parameter) -> Ident {
        self.name(operation, &parameter.name, parameter.client_name.as_deref())
    }

    /// That of a response's header, which is called as a parameter of the same name is.
    pub(super) fn header_name(&mut self, operation: &str, name: &str, header: &spec::Header) -> Ident {
        self.name(operation, name, header.client_name.as_deref())
    }

    fn name(&mut self, operation: &str, name: &str, client_name: Option<&str>) -> Ident {
        let names = &self.plan.parameter_names;
        let own = names.get(&format!("{operation}.{name}"));
        if let Some((name, at)) = own.or_else(|| names.get(&format!("*.{name}"))) {
            self.used.insert(at);
            return name.clone();
        }
        naming::snake(client_name.unwrap_or(name))
    }

    /// Whether a body's properties are asked for, rather than the body.
    pub(super) fn flattens(&mut self, operation: &str, parameter: &spec::Parameter) -> bool {
        if !parameter.required {
            return false;
        }
        let key = format!("{operation}.{}", parameter.name);
        let entry = self.plan.flatten.iter().find(|(name, _)| *name == key && parameter.place == In::Body);
        self.used.extend(entry.map(|(_, at)| at));
        parameter.flatten || entry.is_some()
    }

    /// Reports the entries of the plan that no parameter was found for, once all operations are lowered.
    pub(super) fn report_unused(&self, absent: &Absent, diagnostics: &mut Diagnostics) {
        if absent.has_parameters() {
            return;
        }
        let given = self.plan.parameters.iter().map(|(name, at)| (name, at, "string parameter"));
        let names = self.plan.parameter_names.iter().map(|(name, (_, at))| (name, at, "parameter or header"));
        let flatten = self.plan.flatten.iter().map(|(name, at)| (name, at, "required body"));
        for (name, at, what) in given.chain(names).chain(flatten).filter(|(_, at, _)| !self.used.contains(at)) {
            diagnostics.push(
                Diagnostic::new(Code::NoSuchParameter, format!("no operation of the client has a {what} `{name}`"))
                    .at(at)
                    .help("names are those of the documents after overlays; remove the entry or mend the name"),
            );
        }
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
