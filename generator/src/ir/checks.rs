//! Limits of values, and what servers make of them.

use super::Literal;
use crate::diag::Location;
use crate::naming::Ident;
use crate::spec;

/// What a value may be beyond its type, as the document says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    pub own: spec::Limits,
    /// Those of a list's items, a map's values, or the properties that a struct does not name. Known only where servers ask for them.
    pub items: Option<Box<Limits>>,
    /// Where the pattern stands, if there is one.
    pub pattern_at: Option<Location>,
}

/// What the servers of a client hold requests to.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// Regular expressions in the runtime's syntax.
    pub patterns: Vec<(Ident, Literal)>,
    pub tables: Vec<Table>,
}

/// What parameters, or a model's values, are held to.
#[derive(Debug)]
pub(crate) struct Table {
    pub name: Ident,
    pub check: Check,
    /// Whether a parameter is held to it, not only parts of other values.
    pub direct: bool,
}

/// What a value is held to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Check {
    pub least: Option<Bound>,
    pub most: Option<Bound>,
    pub factor: Option<String>,
    /// Of characters, items or properties.
    pub length: Option<(u64, u64)>,
    /// Index into `Checks::patterns`.
    pub pattern: Option<usize>,
    /// The values of a closed enum.
    pub words: Vec<Literal>,
    pub unique: bool,
    /// Of items, values, or properties that a struct does not name.
    pub items: Option<Inner>,
    /// By the property's name on the wire.
    pub fields: Vec<(Literal, Inner)>,
    /// By the value of the discriminator.
    pub variants: Vec<(Literal, Inner)>,
}

/// An end of a range, as JSON writes numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bound {
    pub number: String,
    pub exclusive: bool,
}

/// What a part of a value is held to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Inner {
    Own(Box<Check>),
    /// Index into `Checks::tables`.
    Table(usize),
}

impl Check {
    /// Whether any value passes.
    pub(crate) fn is_empty(&self) -> bool {
        !self.has_limits() && self.inner().next().is_none()
    }

    /// Whether there is something that is not about parts.
    pub(crate) fn has_limits(&self) -> bool {
        let number = self.least.is_some() || self.most.is_some() || self.factor.is_some();
        number || self.length.is_some() || self.pattern.is_some() || !self.words.is_empty() || self.unique
    }

    /// All that parts are held to.
    pub(crate) fn inner(&self) -> impl Iterator<Item = &Inner> {
        let fields = self.fields.iter().map(|(_, inner)| inner);
        fields.chain(self.variants.iter().map(|(_, inner)| inner)).chain(&self.items)
    }
}
