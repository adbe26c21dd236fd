//! What a query says, as data.

use super::functions::Function;
use super::names;
use super::row::Step;

/// `SELECT … FROM … WHERE … GROUP BY …`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Select {
    pub(crate) top: Option<u64>,
    pub(crate) items: Items,
    pub(crate) source: Source,
    pub(crate) filter: Option<Expr>,
    pub(crate) group_by: Vec<Path>,
}

/// The collection that a query is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// `FROM devices`: a row is a device's twin.
    Devices,
    /// `FROM devices.jobs`: a row is what a job does, or did, with one device.
    Jobs,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Items {
    /// `*`
    All,
    Columns(Vec<Column>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) value: ColumnValue,
    /// What follows `AS`.
    pub(crate) alias: Option<Box<str>>,
}

impl Column {
    /// The names under which columns are answered: that after `AS`, or the last one of a path. Others are numbered, `$1`.
    pub(crate) fn names(columns: &[Self]) -> Vec<Box<str>> {
        let mut unnamed = 0_usize;
        let name = |column: &Self| match (&column.alias, &column.value) {
            (Some(alias), _) => alias.clone(),
            (None, ColumnValue::Path(path)) if let Some(Step::Name(name)) = path.steps().last() => name.clone(),
            (None, _) => {
                unnamed += 1;
                format!("${unnamed}").into_boxed_str()
            }
        };
        columns.iter().map(name).collect()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ColumnValue {
    Path(Path),
    Count,
    Aggregate(Aggregate, Path),
}

/// An aggregate of a property's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Avg,
    Sum,
    Min,
    Max,
}

impl Aggregate {
    pub(crate) const ALL: [Self; 4] = [Self::Avg, Self::Sum, Self::Min, Self::Max];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Avg => "AVG",
            Self::Sum => "SUM",
            Self::Min => "MIN",
            Self::Max => "MAX",
        }
    }

    /// The aggregate of that name, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|aggregate| aggregate.name().eq_ignore_ascii_case(name))
    }
}

/// Where a value stands in a row. Names that all rows share are written as the rows write them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Path(Box<[Step]>);

impl Path {
    pub(crate) fn new(mut steps: Vec<Step>) -> Self {
        names::canonical(&mut steps);
        Self(steps.into_boxed_slice())
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    Literal(Literal),
    Path(Path),
    Not(Box<Expr>),
    Minus(Box<Expr>),
    Compare(Comparison, Box<(Expr, Expr)>),
    Calculate(Operator, Box<(Expr, Expr)>),
    /// A chain of `AND`, of two or more.
    All(Vec<Expr>),
    /// A chain of `OR`, of two or more.
    Any(Vec<Expr>),
    In {
        value: Box<Expr>,
        list: Vec<Literal>,
        /// `NIN`
        negated: bool,
    },
    Call(Function, Vec<Expr>),
}

impl Expr {
    /// Chains are kept flat, so that a long one is no deep one.
    pub(crate) fn and(left: Self, right: Self) -> Self {
        let mut all = match left {
            Self::All(all) => all,
            left => vec![left],
        };
        match right {
            Self::All(more) => all.extend(more),
            right => all.push(right),
        }
        Self::All(all)
    }

    pub(crate) fn or(left: Self, right: Self) -> Self {
        let mut any = match left {
            Self::Any(any) => any,
            left => vec![left],
        };
        match right {
            Self::Any(more) => any.extend(more),
            right => any.push(right),
        }
        Self::Any(any)
    }

    /// The minus of a number is part of the number.
    pub(crate) fn minus(operand: Self) -> Self {
        match operand {
            Self::Literal(Literal::Number(number)) => Self::Literal(Literal::Number(-number)),
            operand => Self::Minus(Box::new(operand)),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    String(Box<str>),
    Array(Vec<Literal>),
    Object(Vec<(Box<str>, Literal)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}
