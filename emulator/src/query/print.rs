//! From a query back to text.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{Column, ColumnValue, Comparison, Expr, Items, Literal, Operator, Path, Select, Source};
use super::names;
use super::row::Step;

impl Display for Select {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SELECT ")?;
        if let Some(top) = self.top {
            write!(f, "TOP {top} ")?;
        }
        match &self.items {
            Items::All => f.write_char('*')?,
            Items::Columns(columns) => separated(f, ", ", columns)?,
        }
        write!(f, " FROM {}", self.source)?;
        if let Some(filter) = &self.filter {
            write!(f, " WHERE {filter}")?;
        }
        if !self.group_by.is_empty() {
            f.write_str(" GROUP BY ")?;
            separated(f, ", ", &self.group_by)?;
        }
        Ok(())
    }
}

impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Devices => "devices",
            Self::Jobs => "devices.jobs",
        })
    }
}

impl Display for Column {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.value {
            ColumnValue::Path(path) => path.fmt(f)?,
            ColumnValue::Count => f.write_str("COUNT()")?,
            ColumnValue::Aggregate(aggregate, path) => write!(f, "{}({path})", aggregate.name())?,
        }
        match &self.alias {
            Some(alias) if names::is_name(alias) && !names::is_reserved(alias) => write!(f, " AS {alias}"),
            Some(alias) => write!(f, " AS [[{alias}]]"),
            None => Ok(()),
        }
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps().iter().enumerate() {
            let is_first = index == 0;
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Name(name) if is_bare(name, is_first) => write!(f, "{}{name}", if is_first { "" } else { "." })?,
                Step::Name(name) if is_first => write!(f, "[[{name}]]")?,
                Step::Name(name) => {
                    f.write_char('[')?;
                    quoted(f, name)?;
                    f.write_char(']')?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a step needs no brackets. One that is called as the collection could be taken for its name.
fn is_bare(name: &str, is_first: bool) -> bool {
    let is_word = if is_first {
        names::is_reserved(name) || name.eq_ignore_ascii_case("devices")
    } else {
        names::is_special(name)
    };
    names::is_name(name) && !is_word
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => literal.fmt(f),
            Self::Path(path) => path.fmt(f),
            Self::Not(operand) => write!(f, "NOT {}", Operand(operand)),
            Self::Minus(operand) => write!(f, "-{}", Operand(operand)),
            Self::Compare(comparison, operands) => {
                write!(f, "{} {comparison} {}", Operand(&operands.0), Operand(&operands.1))
            }
            Self::Calculate(operator, operands) => {
                write!(f, "{} {operator} {}", Operand(&operands.0), Operand(&operands.1))
            }
            Self::All(operands) => separated(f, " AND ", operands.iter().map(Operand)),
            Self::Any(operands) => separated(f, " OR ", operands.iter().map(Operand)),
            Self::In { value, list, negated } => {
                write!(f, "{} {} [", Operand(value), if *negated { "NIN" } else { "IN" })?;
                separated(f, ", ", list)?;
                f.write_char(']')
            }
            Self::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                separated(f, ", ", arguments)?;
                f.write_char(')')
            }
        }
    }
}

/// An expression beside an operator: in parentheses, unless it can do without them whatever the operator.
struct Operand<'a>(&'a Expr);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::Literal(_) | Expr::Path(_) | Expr::Call(..) => self.0.fmt(f),
            other => write!(f, "({other})"),
        }
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl Display for Operator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        })
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined => f.write_str("undefined"),
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            // Very large and very small ones have hundreds of digits without an exponent.
            Self::Number(number) if *number == 0.0 || (1e-6..1e16).contains(&number.abs()) => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number:e}"),
            Self::String(text) => quoted(f, text),
            Self::Array(items) => {
                // Two brackets at once would begin a name.
                f.write_str(if matches!(items.first(), Some(Self::Array(_))) { "[ " } else { "[" })?;
                separated(f, ", ", items)?;
                f.write_char(']')
            }
            Self::Object(properties) => {
                f.write_char('{')?;
                for (index, (name, value)) in properties.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    quoted(f, name)?;
                    write!(f, ": {value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('\'')?;
    for c in text.chars() {
        if matches!(c, '\'' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('\'')
}

fn separated<T: Display>(f: &mut Formatter<'_>, separator: &str, items: impl IntoIterator<Item = T>) -> fmt::Result {
    for (index, item) in items.into_iter().enumerate() {
        f.write_str(if index == 0 { "" } else { separator })?;
        item.fmt(f)?;
    }
    Ok(())
}
