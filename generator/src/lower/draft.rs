//! Models whose names are not settled.

use serde_json::Value;

use crate::diag::Location;
use crate::ir::{EnumKind, FieldRole, Limits, Literal, ModelId, Prose, Type};

/// A model whose name is not settled.
#[derive(Debug)]
pub(super) struct Draft {
    /// Words that make its name, most wanted first.
    pub names: Vec<String>,
    pub definition: Option<String>,
    /// `Document/Definition`, where a manifest has to tell it from another of the name.
    pub qualified: Option<String>,
    pub at: Location,
    pub description: Prose,
    pub shape: DraftShape,
}

#[derive(Debug)]
pub(super) enum DraftShape {
    /// Being made; a recursive reference meets this.
    Open,
    Struct(DraftStruct),
    Enum(DraftEnum),
    Union {
        tag: Literal,
        variants: Vec<(Literal, ModelId)>,
    },
}

#[derive(Debug)]
pub(super) struct DraftStruct {
    pub fields: Vec<DraftField>,
    pub tag: Option<(Literal, Literal)>,
    pub rest: Rest,
    pub limits: Option<Box<Limits>>,
}

/// What becomes of properties without a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rest {
    /// Kept where the model goes both ways.
    Unsaid,
    Forbidden,
    Typed(Type),
}

#[derive(Debug)]
pub(super) struct DraftField {
    pub wire: String,
    pub name: String,
    pub aliases: Vec<Literal>,
    pub ty: Type,
    pub role: FieldRole,
    pub read_only: bool,
    pub description: Prose,
    pub limits: Limits,
    pub default: Option<Value>,
}

#[derive(Debug)]
pub(super) struct DraftEnum {
    pub kind: EnumKind,
    pub variants: Vec<DraftVariant>,
    pub open: bool,
    pub ignore_case: bool,
}

#[derive(Clone, Debug)]
pub(super) struct DraftVariant {
    pub value: String,
    pub name: Option<String>,
    pub description: Prose,
}

impl DraftEnum {
    /// Takes the other's values in where one list contains the other.
    pub(super) fn merge(&mut self, other: &Self) -> bool {
        let has = |list: &[DraftVariant], value: &DraftVariant| list.iter().any(|own| own.value == value.value);
        if self.kind != other.kind {
            return false;
        }
        if other.variants.iter().all(|value| has(&self.variants, value)) {
            self.open |= other.open;
        } else if self.variants.iter().all(|value| has(&other.variants, value)) {
            self.variants.clone_from(&other.variants);
            self.open |= other.open;
        } else {
            return false;
        }
        self.ignore_case |= other.ignore_case;
        true
    }
}
