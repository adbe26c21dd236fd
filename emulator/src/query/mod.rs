//! The IoT Hub query language, over devices and jobs.
//!
//! ```
//! use iothub_emulator::query::{JsonRow, Query};
//!
//! let query = Query::parse("SELECT deviceId, tags.floor AS level FROM devices WHERE tags.floor > 1")?;
//! let twin = JsonRow(br#"{"deviceId":"a","tags":{"floor":2}}"#);
//! assert!(query.matches(&twin));
//! assert_eq!(query.project(&twin), serde_json::json!({"deviceId": "a", "level": 2}));
//! # Ok::<(), iothub_emulator::query::ParseError>(())
//! ```
//!
//! Rows are given ([`Row`]), as JSON text or anything else; of a row only what a query names is read. Rows that
//! [match](Query::matches) are [answered](Query::project) one by one, unless the query [needs all](Query::is_aggregate):
//! then an [`Aggregation`] collects them. [`page()`] does both, in parts.
//!
//! # The language
//!
//! ```text
//! query      = SELECT [TOP number] ("*" | column {"," column}) FROM (devices | devices.jobs)
//!              [WHERE expression] [GROUP BY path {"," path}]
//! column     = (path | COUNT() | (AVG | SUM | MIN | MAX) "(" path ")") [AS name]
//! path       = name {"." name | "[" index "]" | "[" string "]"}
//! name       = word | "[[" anything "]]"
//! expression = constant | path | function "(" [expression {"," expression}] ")" | "(" expression ")"
//!            | "-" expression | expression ("*" | "/" | "%") expression | expression ("+" | "-") expression
//!            | expression ("=" | "!=" | "<>" | "<" | "<=" | ">" | ">=") expression
//!            | expression (IN | NIN) "[" [constant {"," constant}] "]"
//!            | NOT expression | expression AND expression | expression OR expression
//! constant   = string | ["-"] number | true | false | null | undefined
//!            | "[" [constant {"," constant}] "]" | "{" [(name | string) ":" constant {"," …}] "}"
//! ```
//!
//! Operators are listed from those that bind most firmly. Words and functions are written in any case. Strings are in single or
//! double quotes, numbers decimal or hexadecimal (`0x1F`).
//!
//! # Where it comes from
//!
//! Microsoft describes the language on three pages: the [language][1], [queries of twins][2] and [of jobs][3]. So it is
//! documented that
//!
//! - a query has 8,192 characters at most;
//! - a condition holds if it is `true`, and not if it is anything else, `undefined` included;
//! - only primitive values are compared: with arrays and objects any comparison is undefined;
//! - the names that all twins have are found, and answered in their own spelling, however the query spells them:
//!   `SELECT DeviceId` answers `deviceId`. Names that users give differ by case;
//! - `group` is special even within a path and has to be written `[[group]]`, and so are names that are no words;
//! - of `devices.jobs` only `*` is selected, there are no groups, and conditions are about the job alone;
//! - the escapes in strings are `\'`, `\"`, `\\` and `\uXXXX`.
//!
//! Published programs that query the service rely on this:
//!
//! - a column without `AS` is called as the last name of its path, and is left out for rows that do not have it;
//! - columns without any name are called `$1`, `$2` and so on.
//!
//! # What we decided
//!
//! Where all these are silent, it is as in other languages of Azure that look alike, or else as little as possible.
//!
//! - Logic has three values. What is undefined, or no Boolean, makes `NOT` undefined, and `AND` and `OR` unless the other
//!   side settles them. `IN` is a chain of `=` with `OR`, and `NIN` is `NOT` of it.
//! - Values of different types are not compared: `1 = '1'` and `1 != '1'` are undefined.
//! - Arithmetic and functions on other types than they are for, and results that JSON has no number for, are undefined.
//! - The documentation has most functions for the conditions of message routes, and only `IS_DEFINED` for queries. Here all
//!   are for both. `SUBSTRING` takes a length, as its description says, not an end, as its heading has it. Characters are those of
//!   Unicode.
//! - `AVG`, `SUM`, `MIN` and `MAX` skip rows without the value, and are left out if nothing remains. `AVG` and `SUM` are left out, too, if
//!   a value is no number. `MIN` and `MAX` order null, Booleans, numbers and strings, in this order, and skip arrays and objects.
//! - Rows without the value are a group. Groups come ordered by what they have in common. Several columns may group, where the
//!   documentation has one.
//! - `SELECT` takes no expressions but paths and aggregates. Two columns of one name are an error.
//! - `ORDER BY` is an error: no page has it. So are modules, as devices have none here.
//! - The collection's name may stand in front of a path (`devices.jobs.jobId`); the examples have it for jobs only. Paths go
//!   into arrays by index, as those of routes do.
//!
//! [1]: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language
//! [2]: https://learn.microsoft.com/azure/iot-hub/query-twins
//! [3]: https://learn.microsoft.com/azure/iot-hub/query-jobs

mod aggregate;
mod ast;
mod error;
mod eval;
mod functions;
mod json;
mod keys;
mod names;
mod page;
mod parse;
mod print;
mod row;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Map, Value};

use self::ast::{Column, ColumnValue, Expr, Items, Select};

pub use self::aggregate::Aggregation;
pub use self::ast::Source;
pub use self::error::ParseError;
pub use self::json::find_in_json;
pub use self::page::{Next, Page, page};
pub use self::row::{Item, JsonRow, Row, Step};

/// A query.
///
/// It prints as a text that means the same, with parentheses around all operands that are not simple.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    select: Select,
    /// Of the columns.
    names: Vec<Box<str>>,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    ///
    /// What is wrong with the text first, and where: also a function that there is not, or arguments that it does not take,
    /// and what the service would refuse.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Ok(Self::new(parse::query(text)?))
    }

    fn new(select: Select) -> Self {
        let names = match &select.items {
            Items::All => Vec::new(),
            Items::Columns(columns) => Column::names(columns),
        };
        Self { select, names }
    }

    /// What it is a query of.
    pub fn source(&self) -> Source {
        self.select.source
    }

    /// How many rows it answers at most, over all pages: `TOP`.
    pub fn top(&self) -> Option<u64> {
        self.select.top
    }

    /// Whether rows are answered as they are: `SELECT *`.
    pub fn selects_all(&self) -> bool {
        self.select.items == Items::All
    }

    /// Whether an answer needs all rows: where there are aggregates or `GROUP BY`. Then [`Aggregation`] makes it,
    /// otherwise [`project`](Self::project) of each row that [matches](Self::matches).
    pub fn is_aggregate(&self) -> bool {
        !self.select.group_by.is_empty()
            || self.columns().iter().any(|column| !matches!(column.value, ColumnValue::Path(_)))
    }

    /// Whether the condition holds for a row: whether it is true, not false or undefined.
    pub fn matches(&self, row: &dyn Row) -> bool {
        self.select.filter.as_ref().is_none_or(|filter| eval::evaluate(filter, row).is_true())
    }

    /// What is answered for a row: all of it, or an object with a property for each column. Columns that the row does not
    /// have are left out.
    pub fn project(&self, row: &dyn Row) -> Value {
        if self.selects_all() {
            return row.get(&[]).and_then(Item::into_value).unwrap_or_default();
        }
        let mut answer = Map::new();
        for (column, name) in self.columns().iter().zip(&self.names) {
            if let ColumnValue::Path(path) = &column.value
                && let Some(value) = row.get(path.steps()).and_then(Item::into_value)
            {
                answer.insert(name.to_string(), value);
            }
        }
        Value::Object(answer)
    }

    fn columns(&self) -> &[Column] {
        match &self.select.items {
            Items::All => &[],
            Items::Columns(columns) => columns,
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.select.fmt(f)
    }
}

/// What may stand after `WHERE` in a query of devices, by itself: a job's `queryCondition`.
///
/// It prints as a text that means the same, with parentheses around all operands that are not simple.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    expr: Expr,
}

impl Condition {
    /// Reads a condition, `deviceId IN ['a']` for example.
    ///
    /// # Errors
    ///
    /// As of [`Query::parse`].
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Ok(Self { expr: parse::condition(text)? })
    }

    /// Whether it holds for a row: whether it is true, not false or undefined.
    pub fn matches(&self, row: &dyn Row) -> bool {
        eval::evaluate(&self.expr, row).is_true()
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}
