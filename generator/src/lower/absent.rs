//! What is not there for a reason that has been reported, so that nobody is told that a manifest names nothing.

use super::ClientPlan;
use crate::diag::{Code, Diagnostics, Pointer};

pub(super) struct Absent {
    /// Whether anything may be missing.
    anything: bool,
    /// Operations that are not supported.
    pub left_out: Vec<String>,
    /// Nodes that were left out since they are not what they should be.
    wrong: Vec<Pointer>,
}

impl Absent {
    pub(super) fn new(plan: &ClientPlan, read: usize, diagnostics: &Diagnostics) -> Self {
        // Those from `resolve` on leave their nodes in place.
        let early = diagnostics.places().filter(|(_, code)| *code < Code::DanglingReference);
        let own = early.filter(|(place, _)| plan.documents.contains(&place.file));
        let wrong = own.map(|(place, _)| place.pointer.clone());
        Self { anything: !plan.whole || read < plan.documents.len(), left_out: Vec::new(), wrong: wrong.collect() }
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

    pub(super) fn has_definition(&self, name: &str) -> bool {
        let definitions = Pointer::root().join("definitions");
        let own = definitions.join(name);
        self.anything || self.wrong.iter().any(|at| *at == definitions || at.below(&own).is_some())
    }
}
