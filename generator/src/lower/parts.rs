//! An operation's parameters, by what becomes of each.

use serde_json::Value;

use crate::ir::{CollectionFormat, Constant, Limits, Literal, Parameter, Place, Prose, Role, Type};
use crate::naming;
use crate::spec::{self, In};

/// What an operation's parameters come to.
#[derive(Default)]
pub(super) struct Parts {
    pub required: Vec<Parameter>,
    pub optional: Vec<Parameter>,
    pub constants: Vec<Constant>,
    pub client: Vec<usize>,
    pub client_names: Vec<(String, usize)>,
    pub api_version: Option<Literal>,
    pub version_required: bool,
    /// The path parameters that keep their slashes.
    pub raw: Vec<String>,
    /// How each path parameter puts the items of a list in a row.
    pub lists: Vec<(String, CollectionFormat)>,
}

impl Parts {
    pub(super) fn constant(&mut self, parameter: &spec::Parameter, value: Literal) {
        let place = match parameter.place {
            In::Path => Place::Path,
            In::Header => Place::Header { list: parameter.collection_format },
            In::FormData => Place::Form { list: parameter.collection_format },
            In::Query | In::Body => Place::Query { list: parameter.collection_format },
        };
        self.constants.push(Constant { wire: Literal(parameter.name.clone()), place, value });
    }

    /// A path parameter that the template names and nobody declares.
    pub(super) fn implied(&mut self, wire: &str) -> usize {
        let at = self.required.iter().take_while(|parameter| parameter.place == Place::Path).count();
        self.required.insert(
            at,
            Parameter {
                name: naming::snake(wire),
                wire: Literal(wire.to_owned()),
                place: Place::Path,
                ty: Type::String,
                description: Prose::default(),
                limits: Limits::default(),
                default: None,
                role: Role::Plain,
                flatten: false,
            },
        );
        at
    }
}

/// The value of a required parameter that can have but one.
pub(super) fn constant(parameter: &spec::Parameter) -> Option<Literal> {
    let simple = parameter.place != In::Body && parameter.header_prefix.is_none() && !is_flag(parameter);
    match parameter.schema.enumeration.as_slice() {
        _ if !simple || !parameter.required => None,
        [Value::String(only)] => Some(Literal(only.clone())),
        [only @ (Value::Number(_) | Value::Bool(_))] => Some(Literal(only.to_string())),
        _ => None,
    }
}

/// Whether only the presence of a query parameter counts.
pub(super) fn is_flag(parameter: &spec::Parameter) -> bool {
    parameter.place == In::Query && parameter.extensions.get("x-specsmith-presence") == Some(&Value::Bool(true))
}
