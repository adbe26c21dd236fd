//! Queries, and what makes one of columns, groups and a collection.

use winnow::Parser;
use winnow::combinator::{alt, opt, peek, separated};
use winnow::stream::Location;
use winnow::token::{literal, take_while};

use super::expression::{expr, path};
use super::token::{a_keyword, bare_name, blanks, bracketed_name, digits, keyword, symbol};
use super::{Input, Parsed, Prefix, expected, fault};
use crate::query::ast::{Aggregate, Column, ColumnValue, Expr, Items, Path, Select, Source};
use crate::query::functions::Function;
use crate::query::names;

/// A column or a group, and where it stands.
type At<T> = (usize, T);

pub(super) fn query(input: &mut Input<'_>) -> Parsed<Select> {
    blanks(input)?;
    keyword("SELECT")(input)?;
    let top = top(input)?;
    let items_at = input.current_token_start();
    let columns = items(input)?;
    keyword("FROM")(input)?;
    let source = source(input)?;
    let filter = match opt(keyword("WHERE")).parse_next(input)? {
        Some(()) => Some(expr(input)?),
        None => None,
    };
    let group_by = group_by(input)?;
    no_order_by(input)?;
    check_prefixes(input, source)?;
    if source == Source::Jobs {
        check_jobs(input, items_at, columns.as_deref(), &group_by)?;
    }
    let group_by: Vec<Path> = group_by.into_iter().map(|(_, path)| path).collect();
    let items = match columns {
        None if group_by.is_empty() => Items::All,
        None => return fault(input, items_at, "`*` cannot be selected from groups"),
        Some(columns) => check_columns(input, columns, &group_by)?,
    };
    Ok(Select { top, items, source, filter, group_by })
}

pub(super) fn condition(input: &mut Input<'_>) -> Parsed<Expr> {
    blanks(input)?;
    let condition = expr(input)?;
    check_prefixes(input, Source::Devices)?;
    Ok(condition)
}

fn top(input: &mut Input<'_>) -> Parsed<Option<u64>> {
    if opt(peek((|input: &mut Input<'_>| a_keyword(input, "TOP"), digits))).parse_next(input)?.is_none() {
        return Ok(None);
    }
    a_keyword(input, "TOP")?;
    let start = input.current_token_start();
    let number = digits(input)?.parse();
    blanks(input)?;
    match number {
        Ok(number) => Ok(Some(number)),
        Err(_) => fault(input, start, "this number is too large"),
    }
}

/// What is selected; `None` is `*`.
fn items(input: &mut Input<'_>) -> Parsed<Option<Vec<At<Column>>>> {
    if opt(symbol("`*`")).parse_next(input)?.is_some() {
        return Ok(None);
    }
    separated(1.., column, symbol("`,`")).map(Some).parse_next(input)
}

fn column(input: &mut Input<'_>) -> Parsed<At<Column>> {
    let start = input.current_token_start();
    let value = expected("a column", column_value)(input)?;
    let alias = match opt(keyword("AS")).parse_next(input)? {
        Some(()) => Some(expected("a name", alias)(input)?),
        None => None,
    };
    Ok((start, Column { value, alias }))
}

fn alias(input: &mut Input<'_>) -> Parsed<Box<str>> {
    let name = alt((bare_name.verify(|name: &str| !names::is_reserved(name)), bracketed_name)).parse_next(input)?;
    blanks(input)?;
    Ok(name.into())
}

fn column_value(input: &mut Input<'_>) -> Parsed<ColumnValue> {
    let start = input.current_token_start();
    let Some((name, ..)) = opt(peek((bare_name, blanks, literal("(")))).parse_next(input)? else {
        return path(input).map(ColumnValue::Path);
    };
    let aggregate = Aggregate::named(name);
    if aggregate.is_none() && !name.eq_ignore_ascii_case("COUNT") {
        let message = match Function::named(name) {
            Some(function) => format!("`{}` cannot be selected: columns are properties or aggregates", function.name()),
            None => format!("there is no aggregate `{name}`"),
        };
        return fault(input, start, message);
    }
    (bare_name, blanks).void().parse_next(input)?;
    symbol("`(`")(input)?;
    let value = match aggregate {
        Some(aggregate) => ColumnValue::Aggregate(aggregate, expected("a property", path)(input)?),
        None => ColumnValue::Count,
    };
    symbol("`)`")(input)?;
    Ok(value)
}

fn source(input: &mut Input<'_>) -> Parsed<Source> {
    let start = input.current_token_start();
    let name: &str = expected("`devices` or `devices.jobs`", |input| {
        take_while(1.., |c: char| c.is_alphanumeric() || matches!(c, '_' | '.')).parse_next(input)
    })(input)?;
    blanks(input)?;
    match name.to_ascii_lowercase().as_str() {
        "devices" => Ok(Source::Devices),
        "devices.jobs" => Ok(Source::Jobs),
        "devices.modules" => fault(input, start, "`devices.modules` is not supported: devices have no modules here"),
        _ => fault(input, start, format!("there is no collection `{name}`: there are `devices` and `devices.jobs`")),
    }
}

fn group_by(input: &mut Input<'_>) -> Parsed<Vec<At<Path>>> {
    let group = expected("GROUP BY", |input| a_keyword(input, "GROUP"));
    if opt(group).parse_next(input)?.is_none() {
        return Ok(Vec::new());
    }
    keyword("BY")(input)?;
    let group = |input: &mut Input<'_>| Ok((input.current_token_start(), expected("a property", path)(input)?));
    separated(1.., group, symbol("`,`")).parse_next(input)
}

/// Other languages of this kind have it, so it is worth a sentence.
fn no_order_by(input: &mut Input<'_>) -> Parsed<()> {
    let start = input.current_token_start();
    match opt(|input: &mut Input<'_>| a_keyword(input, "ORDER")).parse_next(input)? {
        Some(()) => fault(input, start, "there is no ORDER BY in this language"),
        None => Ok(()),
    }
}

/// Paths may begin with the collection's name, and not with another's.
fn check_prefixes(input: &mut Input<'_>, source: Source) -> Parsed<()> {
    let right = match source {
        Source::Devices => Prefix::Devices,
        Source::Jobs => Prefix::Jobs,
    };
    match input.state.prefixes.iter().find(|(_, prefix)| *prefix != right) {
        None => Ok(()),
        Some((start, _)) => {
            let message = match source {
                Source::Devices => "a query of devices has properties of devices only",
                Source::Jobs => "a query of jobs has properties of jobs only",
            };
            let start = *start;
            fault(input, start, message)
        }
    }
}

/// Of jobs the service takes `SELECT *` only.
fn check_jobs(
    input: &mut Input<'_>,
    items_at: usize,
    columns: Option<&[At<Column>]>,
    groups: &[At<Path>],
) -> Parsed<()> {
    if columns.is_some() {
        return fault(input, items_at, "of `devices.jobs` only `*` can be selected");
    }
    match groups.first() {
        Some((start, _)) => fault(input, *start, "`devices.jobs` cannot be grouped"),
        None => Ok(()),
    }
}

/// Beside aggregates, and where there are groups, columns are of what groups have in common. No name is there twice.
fn check_columns(input: &mut Input<'_>, columns: Vec<At<Column>>, group_by: &[Path]) -> Parsed<Items> {
    let has_aggregates = columns.iter().any(|(_, column)| !matches!(column.value, ColumnValue::Path(_)));
    let mut names: Vec<Box<str>> = Vec::new();
    let (starts, columns): (Vec<usize>, Vec<Column>) = columns.into_iter().unzip();
    for (start, (column, name)) in starts.into_iter().zip(columns.iter().zip(Column::names(&columns))) {
        if let ColumnValue::Path(path) = &column.value
            && (has_aggregates || !group_by.is_empty())
            && !group_by.contains(path)
        {
            return fault(input, start, "this column is neither an aggregate nor in GROUP BY");
        }
        if names.contains(&name) {
            return fault(input, start, format!("there are two columns `{name}`: AS gives one another name"));
        }
        names.push(name);
    }
    Ok(Items::Columns(columns))
}
