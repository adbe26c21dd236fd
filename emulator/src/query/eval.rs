//! What an expression comes to for a row.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::ast::{Comparison, Expr, Literal, Operator};
use super::row::{Item, Row};

/// What an expression comes to. Of arrays and objects nothing matters but that they are some: nothing compares or
/// changes them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Val<'a> {
    Undefined,
    Null,
    Bool(bool),
    /// Finite.
    Number(f64),
    String(Cow<'a, str>),
    Array,
    Object,
}

impl Val<'_> {
    /// JSON has no infinities and no NaN, and no expression has: they are undefined.
    pub(crate) fn number(number: f64) -> Self {
        if number.is_finite() { Self::Number(number) } else { Self::Undefined }
    }

    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }
}

impl<'a> From<&'a Literal> for Val<'a> {
    fn from(literal: &'a Literal) -> Self {
        match literal {
            Literal::Undefined => Self::Undefined,
            Literal::Null => Self::Null,
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Number(number) => Self::Number(*number),
            Literal::String(text) => Self::String(Cow::Borrowed(text)),
            Literal::Array(_) => Self::Array,
            Literal::Object(_) => Self::Object,
        }
    }
}

impl<'a> From<Item<'a>> for Val<'a> {
    fn from(item: Item<'a>) -> Self {
        match item {
            Item::Null => Self::Null,
            Item::Bool(value) => Self::Bool(value),
            Item::Number(number) => number.as_f64().map_or(Self::Undefined, Self::number),
            Item::String(text) => Self::String(text),
            Item::Json(text) => match text.trim_ascii().first() {
                Some(b'[') => Self::Array,
                Some(b'{') => Self::Object,
                _ => Item::from_json(text).map_or(Self::Undefined, Self::from),
            },
            Item::Value(value) => match (other_than_string(&value), value) {
                (Some(value), _) => value,
                (None, Cow::Borrowed(Value::String(text))) => Self::String(Cow::Borrowed(text)),
                (None, Cow::Owned(Value::String(text))) => Self::String(Cow::Owned(text)),
                (None, _) => Self::Undefined,
            },
        }
    }
}

fn other_than_string(value: &Value) -> Option<Val<'static>> {
    Some(match value {
        Value::Null => Val::Null,
        Value::Bool(value) => Val::Bool(*value),
        Value::Number(number) => number.as_f64().map_or(Val::Undefined, Val::number),
        Value::String(_) => return None,
        Value::Array(_) => Val::Array,
        Value::Object(_) => Val::Object,
    })
}

/// What an expression comes to for a row. Nothing is copied of what is compared.
pub(crate) fn evaluate<'a>(expr: &'a Expr, row: &'a dyn Row) -> Val<'a> {
    match expr {
        Expr::Literal(literal) => literal.into(),
        Expr::Path(path) => row.get(path.steps()).map_or(Val::Undefined, Val::from),
        Expr::Not(operand) => match evaluate(operand, row) {
            Val::Bool(value) => Val::Bool(!value),
            _ => Val::Undefined,
        },
        Expr::Minus(operand) => match evaluate(operand, row) {
            Val::Number(number) => Val::Number(-number),
            _ => Val::Undefined,
        },
        Expr::Compare(comparison, operands) => {
            let (left, right) = &**operands;
            compare(*comparison, &evaluate(left, row), &evaluate(right, row))
        }
        Expr::Calculate(operator, operands) => {
            let (left, right) = &**operands;
            calculate(*operator, &evaluate(left, row), &evaluate(right, row))
        }
        Expr::All(operands) => chain(operands, false, row),
        Expr::Any(operands) => chain(operands, true, row),
        Expr::In { value, list, negated } => is_in(&evaluate(value, row), list, *negated),
        Expr::Call(function, arguments) => {
            let argument = |n| arguments.get(n).map_or(Val::Undefined, |argument| evaluate(argument, row));
            function.call(arguments.len(), argument)
        }
    }
}

/// A chain of `OR` is settled by one `true`, a chain of `AND` by one `false`. Otherwise it takes all to be Boolean.
fn chain<'a>(operands: &'a [Expr], settled_by: bool, row: &'a dyn Row) -> Val<'a> {
    let mut all_boolean = true;
    for operand in operands {
        match evaluate(operand, row) {
            Val::Bool(value) if value == settled_by => return Val::Bool(settled_by),
            Val::Bool(_) => {}
            _ => all_boolean = false,
        }
    }
    if all_boolean { Val::Bool(!settled_by) } else { Val::Undefined }
}

/// `IN` is a chain of `OR` of equalities.
fn is_in<'a>(value: &Val<'a>, list: &[Literal], negated: bool) -> Val<'a> {
    let mut all_comparable = !matches!(value, Val::Undefined);
    for literal in list {
        match ordering(value, &literal.into()) {
            Some(Ordering::Equal) => return Val::Bool(!negated),
            Some(_) => {}
            None => all_comparable = false,
        }
    }
    if all_comparable { Val::Bool(negated) } else { Val::Undefined }
}

fn compare<'a>(comparison: Comparison, left: &Val<'_>, right: &Val<'_>) -> Val<'a> {
    let Some(ordering) = ordering(left, right) else { return Val::Undefined };
    Val::Bool(match comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
    })
}

/// How two values of the same primitive type are ordered; others are not.
fn ordering(left: &Val<'_>, right: &Val<'_>) -> Option<Ordering> {
    match (left, right) {
        (Val::Null, Val::Null) => Some(Ordering::Equal),
        (Val::Bool(left), Val::Bool(right)) => Some(left.cmp(right)),
        (Val::Number(left), Val::Number(right)) => left.partial_cmp(right),
        (Val::String(left), Val::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn calculate<'a>(operator: Operator, left: &Val<'_>, right: &Val<'_>) -> Val<'a> {
    let (Val::Number(left), Val::Number(right)) = (left, right) else { return Val::Undefined };
    Val::number(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Remainder => left % right,
    })
}
