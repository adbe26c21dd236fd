//! What is not there for a reason that has been reported, so that nobody is told that a manifest names nothing.

use super::ClientPlan;
use crate::diag::{Code, Diagnostics, Location, Pointer, Severity};

pub(super) struct Absent {
    /// Whether anything may be missing.
    anything: bool,
    /// Operations that are not supported.
    pub left_out: Vec<String>,
    /// Nodes that were left out since they are not what they should be.
    wrong: Vec<Pointer>,
    /// Whether any parameter may be among them, or have a `$ref` that leads nowhere.
    parameters: bool,
}

impl Absent {
    pub(super) fn new(plan: &ClientPlan, read: usize, diagnostics: &Diagnostics) -> Self {
        let own = |place: &Location| plan.documents.contains(&place.file);
        let parameters = diagnostics.places().any(|(place, code)| {
            own(place)
                && code.severity() == Severity::Error
                && place.pointer.steps().next().is_none_or(|step| step != "definitions")
        });
        // Those from `resolve` on leave their nodes in place.
        let early = diagnostics.places().filter(|(_, code)| *code < Code::DanglingReference);
        let wrong = early.filter(|(place, _)| own(place)).map(|(place, _)| place.pointer.clone()).collect();
        Self { anything: !plan.whole || read < plan.documents.len(), left_out: Vec::new(), wrong, parameters }
    }

    pub(super) fn has_operation(&self, id: &str) -> bool {
        let operations = |pointer: &Pointer| {
            let steps: Vec<String> = pointer.steps().collect();
            match steps.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                [] => true,
                ["paths" | "x-ms-paths", rest @ ..] => rest.len() < 3 || rest.last() == Some(&"operationId"),
                _ => false,
            }
        };
        self.anything || self.left_out.iter().any(|other| other == id) || self.wrong.iter().any(operations)
    }

    /// Whether any operation may lack a parameter.
    pub(super) fn has_parameters(&self) -> bool {
        self.anything || !self.left_out.is_empty() || self.parameters
    }

    pub(super) fn has_definition(&self, name: &str) -> bool {
        let definitions = Pointer::root().join("definitions");
        let own = definitions.join(name);
        self.anything || self.wrong.iter().any(|at| *at == definitions || at.below(&own).is_some())
    }
}
