//! What a request has.

use crate::ir::{
    BodyKind, Client, Hole, Limits, Operation, Paging, Parameter, PathArgument, PathPart, Place, PreconditionsField,
    Prose, RequestBody, RequestField, Role, Type,
};
use crate::naming::{self, Scope, Wanted};
use crate::spec::CollectionFormat;

/// The fields of a request: the path's in its order, then what else must be there, then what may, the body last; and its
/// conditions, where it can have any.
pub(super) fn fields(client: &Client, operation: &Operation) -> (Vec<RequestField>, Option<PreconditionsField>) {
    let shared = operation.client_parameters.iter().filter_map(|index| client.parameters.get(*index));
    let required: Vec<&Parameter> = shared.chain(&operation.required).collect();
    let mut fields = path(client, operation);
    let others = required.iter().filter(|parameter| parameter.place != Place::Path);
    let others = others.map(|parameter| (*parameter, true)).chain(operation.optional.iter().map(|it| (it, false)));
    let (conditions, others): (Vec<_>, Vec<_>) = others.partition(|(parameter, _)| parameter.role != Role::Plain);
    fields.extend(others.into_iter().map(|(parameter, required)| field(parameter, required)));
    fields.extend(implied(operation));
    fields.sort_by_key(|field| matches!(field.parameter.place, Place::Body(_)));
    let mut names = Scope::new(&[]);
    let mut preconditions = (!conditions.is_empty()).then(|| {
        names.collect(Wanted::pinned(naming::snake("preconditions")));
        PreconditionsField {
            name: naming::snake("preconditions"),
            headers: conditions.iter().map(|(it, _)| (it.wire.clone(), it.description.clone())).collect(),
            required: conditions.iter().filter(|(_, required)| *required).map(|(it, _)| it.wire.clone()).collect(),
        }
    });
    for RequestField { parameter, .. } in &fields {
        let second = naming::snake_parts(&[parameter.name.bare(), "value"]);
        names.collect(Wanted::new(parameter.name.clone()).or(second));
    }
    let mut settled = names.assign().into_iter();
    if let Some(preconditions) = &mut preconditions
        && let Some(name) = settled.next()
    {
        preconditions.name = name;
    }
    fields.iter_mut().zip(settled).for_each(|(field, name)| field.parameter.name = name);
    (fields, preconditions)
}

fn field(parameter: &Parameter, required: bool) -> RequestField {
    RequestField { parameter: parameter.clone(), required, hole: None, table: None }
}

/// A parameter that stands in a path twice is read where it stands first.
fn path(client: &Client, operation: &Operation) -> Vec<RequestField> {
    let mut fields: Vec<RequestField> = Vec::new();
    let holes = operation.path.iter().filter_map(|part| match part {
        PathPart::Hole { parameter: PathArgument::Method(index), raw, list } => {
            Some((operation.required.get(*index), *raw, *list))
        }
        PathPart::Hole { parameter: PathArgument::Client(index), raw, list } => {
            Some((client.parameters.get(*index), *raw, *list))
        }
        PathPart::Hole { parameter: PathArgument::Constant(_), .. } | PathPart::Text(_) => None,
    });
    for (index, (parameter, raw, list)) in holes.enumerate() {
        let Some(parameter) = parameter else { continue };
        if fields.iter().any(|field| field.parameter.name == parameter.name) {
            continue;
        }
        let mut field = field(parameter, true);
        field.hole = Some(Hole { index, raw, list });
        if raw {
            // Several segments are no value of any other type.
            field.parameter.ty = Type::String;
        }
        fields.push(field);
    }
    fields
}

/// The headers of paging, where they are not declared as parameters.
fn implied(operation: &Operation) -> Vec<RequestField> {
    let Some(Paging::Header { request, page_size, .. }) = &operation.paging else { return Vec::new() };
    let is_there = |wire: &str| {
        let mut parameters = operation.required.iter().chain(&operation.optional);
        parameters.any(|it| matches!(it.place, Place::Header { .. }) && it.wire.0.eq_ignore_ascii_case(wire))
    };
    let token = (request, Type::String, "The token that came with the page before; absent for the first one.");
    let size = page_size.as_ref().map(|name| (name, Type::I32, "The largest number of items on a page."));
    let headers = [token].into_iter().chain(size).filter(|(wire, ..)| !is_there(&wire.0));
    headers
        .map(|(wire, ty, description)| {
            let parameter = Parameter {
                name: naming::snake(&wire.0),
                wire: wire.clone(),
                place: Place::Header { list: CollectionFormat::Csv },
                ty,
                description: Prose(description.to_owned()),
                limits: Limits::default(),
                default: None,
                role: Role::Plain,
                flatten: false,
            };
            field(&parameter, false)
        })
        .collect()
}

pub(super) fn body(operation: &Operation) -> RequestBody {
    let required = operation.required.iter().map(|parameter| (&parameter.place, true));
    let mut all = required.chain(operation.optional.iter().map(|parameter| (&parameter.place, false)));
    let body = all.find_map(|(place, required)| match place {
        Place::Body(BodyKind::Json { .. }) => Some(RequestBody::Json { required }),
        Place::Body(BodyKind::Text { .. }) => Some(RequestBody::Text { required }),
        Place::Body(BodyKind::Raw { .. }) => Some(RequestBody::Stream),
        Place::Form { .. } => Some(RequestBody::Form),
        _ => None,
    });
    let constant = operation.constants.iter().any(|constant| matches!(constant.place, Place::Form { .. }));
    body.unwrap_or(if constant { RequestBody::Form } else { RequestBody::None })
}
