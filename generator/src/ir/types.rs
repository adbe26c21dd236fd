use serde_json::Value;

use super::{Limits, Literal, Prose};
use crate::diag::Location;
use crate::naming::Ident;

/// A model of a client, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ModelId(pub usize);

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Type {
    Bool,
    I32,
    I64,
    U64,
    F32,
    F64,
    Decimal,
    String,
    Secret,
    DateTime,
    Rfc1123,
    UnixTime,
    Date,
    Duration,
    Base64,
    Base64Url,
    /// Any JSON value.
    Json,
    /// An object of any JSON values.
    JsonObject,
    List(Box<Type>),
    Map(Box<Type>),
    Model(ModelId),
    Boxed(Box<Type>),
    Nullable(Box<Type>),
    ETag,
    /// The body as it is.
    Bytes,
}

impl Type {
    /// How many lists and maps stand in one another, nulls counted.
    pub(crate) fn nesting(&self) -> usize {
        let (mut ty, mut depth) = (self, 0);
        while let Self::List(inner) | Self::Map(inner) | Self::Nullable(inner) = ty {
            (ty, depth) = (inner, depth + 1);
        }
        depth
    }
}

/// A named type.
#[derive(Debug)]
pub(crate) struct Model {
    pub at: Location,
    pub name: Ident,
    /// The definition's name in the document; `None` for a schema without one.
    pub definition: Option<String>,
    pub description: Prose,
    pub shape: Shape,
}

#[derive(Debug)]
pub(crate) enum Shape {
    Struct(Struct),
    Enum(Enum),
    Union(Union),
}

#[derive(Debug)]
pub(crate) struct Struct {
    pub fields: Vec<Field>,
    /// The discriminator's name and this struct's value of it.
    pub tag: Option<(Literal, Literal)>,
    /// The field that takes properties that are not named, and their type.
    pub rest: Option<(Ident, Type)>,
    /// Whether the document allows none.
    pub closed: bool,
    /// Those of the object itself, and of properties that are not named, if there are any.
    pub limits: Option<Box<Limits>>,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub name: Ident,
    /// The name of the `with_…` method.
    pub setter: Ident,
    pub wire: Literal,
    pub aliases: Vec<Literal>,
    pub ty: Type,
    pub role: FieldRole,
    pub read_only: bool,
    pub description: Prose,
    pub limits: Limits,
    pub default: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldRole {
    Required,
    Optional,
}

#[derive(Debug)]
pub(crate) struct Enum {
    pub kind: EnumKind,
    pub variants: Vec<Variant>,
    /// The variant that keeps a value that is not listed.
    pub other: Ident,
    /// Whether the document calls the list open; a server refuses other values of a closed one.
    pub open: bool,
    /// Whether values are read in any case.
    pub ignore_case: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnumKind {
    String,
    Integer,
}

#[derive(Debug)]
pub(crate) struct Variant {
    pub name: Ident,
    /// A string, or an integer.
    pub value: Literal,
    pub description: Prose,
}

#[derive(Debug)]
pub(crate) struct Union {
    pub tag: Literal,
    /// The variant, the tag's value, the struct.
    pub variants: Vec<(Ident, Literal, ModelId)>,
    /// The variant that keeps an object with an unknown tag.
    pub other: Ident,
}
