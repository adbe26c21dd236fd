//! Every reference that a document makes, in its order.

use super::Kind;
use crate::spec::{Additional, Document, OrRef, Parameter, Ref, Response, Schema};

pub(super) type Visit<'v> = dyn FnMut(Kind, &Ref) + 'v;

pub(super) fn document(document: &Document, visit: &mut Visit<'_>) {
    for path in &document.paths {
        path.parameters.iter().for_each(|it| parameter(it, visit));
        for operation in &path.operations {
            operation.parameters.iter().for_each(|it| parameter(it, visit));
            operation.responses.values().for_each(|it| response(it, visit));
        }
    }
    if let Some(host) = &document.parameterized_host {
        host.parameters.iter().for_each(|it| parameter(it, visit));
    }
    document.definitions.values().for_each(|it| schema(it, visit));
    document.parameters.values().for_each(|it| parameter(it, visit));
    document.responses.values().for_each(|it| response(it, visit));
}

fn parameter(parameter: &OrRef<Parameter>, visit: &mut Visit<'_>) {
    match parameter {
        OrRef::Ref(reference) => visit(Kind::Parameter, reference),
        OrRef::Item(parameter) => schema(&parameter.schema, visit),
    }
}

fn response(response: &OrRef<Response>, visit: &mut Visit<'_>) {
    match response {
        OrRef::Ref(reference) => visit(Kind::Response, reference),
        OrRef::Item(response) => {
            response.schema.iter().for_each(|it| schema(it, visit));
            response.headers.values().for_each(|header| schema(&header.schema, visit));
        }
    }
}

/// The parser bounds how deep this goes.
fn schema(of: &Schema, visit: &mut Visit<'_>) {
    if let Some(reference) = &of.reference {
        visit(Kind::Schema, reference);
    }
    of.properties.values().for_each(|it| schema(it, visit));
    of.items.iter().for_each(|it| schema(it, visit));
    of.all_of.iter().for_each(|it| schema(it, visit));
    if let Additional::Schema(additional) = &of.additional {
        schema(additional, visit);
    }
}
