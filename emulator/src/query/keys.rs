//! Which rows a condition can hold for, as far as it says so itself.

use std::collections::BTreeSet;

use super::ast::{Comparison, Expr, Literal};
use super::row::Step;
use super::{Condition, Query};

impl Query {
    /// The texts of which one must stand at the top of a row, under this name, for the row to match: `a` and `b` of
    /// `deviceId IN ['a', 'b'] AND tags.floor > 1`. Whoever finds rows by them need not look at others. `None` where the
    /// condition does not say.
    ///
    /// ```
    /// use iothub_emulator::query::Query;
    ///
    /// let query = Query::parse("SELECT * FROM devices WHERE deviceId = 'a' AND tags.floor > 1")?;
    /// assert_eq!(query.keys("deviceId").map(|keys| keys.into_iter().collect()), Some(vec!["a"]));
    /// # Ok::<(), iothub_emulator::query::ParseError>(())
    /// ```
    pub fn keys(&self, name: &str) -> Option<BTreeSet<&str>> {
        keys(self.select.filter.as_ref()?, name)
    }
}

impl Condition {
    /// As [`Query::keys`].
    pub fn keys(&self, name: &str) -> Option<BTreeSet<&str>> {
        keys(&self.expr, name)
    }
}

/// An expression can be true only where one of these texts stands at this name. Chains are flat, and nest no deeper than a query may.
fn keys<'a>(expr: &'a Expr, name: &str) -> Option<BTreeSet<&'a str>> {
    match expr {
        Expr::Compare(Comparison::Equal, operands) => match &**operands {
            (path, Expr::Literal(literal)) | (Expr::Literal(literal), path) if is_at(path, name) => {
                Some(text(literal).into_iter().collect())
            }
            _ => None,
        },
        // What is no text is never equal to one.
        Expr::In { value, list, negated: false } if is_at(value, name) => Some(list.iter().filter_map(text).collect()),
        Expr::All(operands) => {
            let known = operands.iter().filter_map(|operand| keys(operand, name));
            known.reduce(|one, other| one.intersection(&other).copied().collect())
        }
        Expr::Any(operands) => {
            let mut all = BTreeSet::new();
            for operand in operands {
                all.extend(keys(operand, name)?);
            }
            Some(all)
        }
        _ => None,
    }
}

fn is_at(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Path(path) => matches!(path.steps(), [Step::Name(only)] if **only == *name),
        _ => false,
    }
}

fn text(literal: &Literal) -> Option<&str> {
    match literal {
        Literal::String(text) => Some(text),
        _ => None,
    }
}
