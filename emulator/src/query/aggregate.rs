//! Rows that are answered as one, or as one a group.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::Query;
use super::ast::{Aggregate, Column, ColumnValue, Path};
use super::row::{Item, Row};

/// What an [aggregate query](Query::is_aggregate) answers, computed row by row.
///
/// It keeps one state a group, not the rows.
#[derive(Clone, Debug)]
pub struct Aggregation<'a> {
    query: &'a Query,
    groups: BTreeMap<Vec<Key>, Group>,
}

impl<'a> Aggregation<'a> {
    /// Nothing so far.
    pub fn new(query: &'a Query) -> Self {
        Self { query, groups: BTreeMap::new() }
    }

    /// Adds a row, if the query's condition holds for it.
    pub fn add(&mut self, row: &dyn Row) {
        if !self.query.matches(row) {
            return;
        }
        let values: Vec<Option<Value>> = self.query.select.group_by.iter().map(|path| lookup(row, path)).collect();
        let keys = values.iter().map(|value| Key::of(value.as_ref())).collect();
        let columns = self.query.columns();
        let group = self.groups.entry(keys).or_insert_with(|| Group::new(values, columns));
        for (state, column) in group.states.iter_mut().zip(columns) {
            state.add(row, column);
        }
    }

    /// The answer: a row for each group, ordered by what they have in common. Without `GROUP BY` all rows are one group, also
    /// if there are none.
    pub fn finish(mut self) -> Vec<Value> {
        let columns = self.query.columns();
        if self.query.select.group_by.is_empty() {
            self.groups.entry(Vec::new()).or_insert_with(|| Group::new(Vec::new(), columns));
        }
        let top = self.query.top().map_or(usize::MAX, |top| usize::try_from(top).unwrap_or(usize::MAX));
        self.groups.into_values().take(top).map(|group| group.finish(self.query)).collect()
    }
}

fn lookup(row: &dyn Row, path: &Path) -> Option<Value> {
    row.get(path.steps()).and_then(Item::into_value)
}

#[derive(Clone, Debug)]
struct Group {
    /// What its rows have in common.
    values: Vec<Option<Value>>,
    /// Of each column.
    states: Vec<State>,
}

impl Group {
    fn new(values: Vec<Option<Value>>, columns: &[Column]) -> Self {
        Self { values, states: columns.iter().map(|column| State::new(&column.value)).collect() }
    }

    fn finish(self, query: &Query) -> Value {
        let mut answer = Map::new();
        let columns = query.columns().iter().zip(&query.names);
        for ((column, name), state) in columns.zip(self.states) {
            let value = match &column.value {
                ColumnValue::Path(path) => {
                    let index = query.select.group_by.iter().position(|group| group == path);
                    index.and_then(|index| self.values.get(index)?.clone())
                }
                _ => state.finish(),
            };
            if let Some(value) = value {
                answer.insert(name.to_string(), value);
            }
        }
        Value::Object(answer)
    }
}

/// What is known of a column so far.
#[derive(Clone, Debug)]
enum State {
    /// Of what the group has in common.
    Common,
    Count(u64),
    /// `None` since there was something that is no number.
    Sum(Option<(f64, u64)>),
    Average(Option<(f64, u64)>),
    /// The least, or the greatest, and what it takes to be that.
    Extreme(Option<(Key, Value)>, Ordering),
}

impl State {
    fn new(value: &ColumnValue) -> Self {
        match value {
            ColumnValue::Path(_) => Self::Common,
            ColumnValue::Count => Self::Count(0),
            ColumnValue::Aggregate(Aggregate::Sum, _) => Self::Sum(Some((0.0, 0))),
            ColumnValue::Aggregate(Aggregate::Avg, _) => Self::Average(Some((0.0, 0))),
            ColumnValue::Aggregate(Aggregate::Min, _) => Self::Extreme(None, Ordering::Less),
            ColumnValue::Aggregate(Aggregate::Max, _) => Self::Extreme(None, Ordering::Greater),
        }
    }

    fn add(&mut self, row: &dyn Row, column: &Column) {
        if let Self::Count(count) = self {
            *count += 1;
        }
        let ColumnValue::Aggregate(_, path) = &column.value else { return };
        let Some(value) = lookup(row, path) else { return };
        match self {
            Self::Common | Self::Count(_) => {}
            Self::Sum(sum) | Self::Average(sum) => {
                *sum = sum.and_then(|(sum, count)| Some((sum + value.as_f64()?, count + 1)));
            }
            Self::Extreme(extreme, wanted) => {
                let key = Key::of(Some(&value));
                let is_wanted = extreme.as_ref().is_none_or(|(known, _)| key.cmp(known) == *wanted);
                if is_wanted && !matches!(key, Key::Other(_)) {
                    *extreme = Some((key, value));
                }
            }
        }
    }

    fn finish(self) -> Option<Value> {
        match self {
            Self::Common | Self::Sum(Some((_, 0))) => None,
            Self::Count(count) => Some(count.into()),
            Self::Sum(sum) => number(sum?.0),
            Self::Average(sum) => {
                let (sum, count) = sum?;
                number(sum / count as f64)
            }
            Self::Extreme(extreme, _) => extreme.map(|(_, value)| value),
        }
    }
}

/// A number as JSON has it: without a fraction where there is none.
fn number(number: f64) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2⁵³
    if number.fract() == 0.0 && number.abs() < EXACT {
        return Some(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number)
}

/// What makes values the same, or orders them: by type, then by value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Undefined,
    Null,
    Bool(bool),
    Number(Float),
    String(Box<str>),
    /// An array or an object, as its text.
    Other(Box<str>),
}

impl Key {
    fn of(value: Option<&Value>) -> Self {
        match value {
            None => Self::Undefined,
            Some(Value::Null) => Self::Null,
            Some(Value::Bool(value)) => Self::Bool(*value),
            Some(Value::Number(number)) => Self::Number(Float(number.as_f64().unwrap_or_default())),
            Some(Value::String(text)) => Self::String(text.as_str().into()),
            Some(other) => Self::Other(other.to_string().into()),
        }
    }
}

/// A number that is one.
#[derive(Clone, Copy, Debug)]
struct Float(f64);

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Float {}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        // Adding zero makes one zero of the two.
        (self.0 + 0.0).total_cmp(&(other.0 + 0.0))
    }
}
