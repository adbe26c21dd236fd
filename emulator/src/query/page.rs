//! Answers in pages.

use serde_json::Value;

use super::Query;
use super::aggregate::Aggregation;
use super::row::Row;

/// A part of an answer, and how it goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<K> {
    /// The rows of the answer.
    pub items: Vec<Value>,
    /// How it goes on; `None` after the last row.
    pub next: Option<Next<K>>,
}

/// Where the next page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next<K> {
    /// The key of its first row. `None` for [aggregate queries](Query::is_aggregate), which take all rows each time.
    pub from: Option<K>,
    /// How many rows were answered before it.
    pub answered: u64,
}

impl<K> Next<K> {
    /// Where the first page begins.
    pub fn first() -> Self {
        Self { from: None, answered: 0 }
    }
}

/// Answers a page.
///
/// `rows` come in the order of their keys, always the same, and begin with `from` of the page before, itself included, if it
/// has one. No more of them are taken than it needs to know whether there is another page. `answered` is that of the page
/// before, and zero for the first. A size of zero is one.
///
/// ```
/// use iothub_emulator::query::{JsonRow, Next, Query, page};
/// use std::collections::BTreeMap;
///
/// let twins: BTreeMap<&str, &str> = [
///     ("a", r#"{"deviceId":"a","tags":{"floor":1}}"#),
///     ("b", r#"{"deviceId":"b","tags":{"floor":2}}"#),
///     ("c", r#"{"deviceId":"c","tags":{"floor":2}}"#),
/// ]
/// .into();
/// let query = Query::parse("SELECT deviceId FROM devices WHERE tags.floor = 2")?;
///
/// let mut devices = Vec::new();
/// let mut next = Some(Next::first());
/// while let Some(Next { from, answered }) = next {
///     let rows = twins.range(from.unwrap_or("")..).map(|(key, twin)| (*key, JsonRow(twin.as_bytes())));
///     let page = page(&query, rows, answered, 1);
///     devices.extend(page.items);
///     next = page.next;
/// }
/// assert_eq!(devices, [serde_json::json!({"deviceId": "b"}), serde_json::json!({"deviceId": "c"})]);
/// # Ok::<(), iothub_emulator::query::ParseError>(())
/// ```
pub fn page<K, R: Row>(query: &Query, rows: impl IntoIterator<Item = (K, R)>, answered: u64, size: usize) -> Page<K> {
    let size = size.max(1);
    if query.is_aggregate() {
        return page_of_aggregate(query, rows, answered, size);
    }
    let left = query.top().map_or(u64::MAX, |top| top.saturating_sub(answered));
    let mut items = Vec::new();
    let mut count = 0_u64;
    for (key, row) in rows {
        if count == left {
            break;
        }
        if !query.matches(&row) {
            continue;
        }
        if items.len() == size {
            let next = Next { from: Some(key), answered: answered.saturating_add(count) };
            return Page { items, next: Some(next) };
        }
        items.push(query.project(&row));
        count += 1;
    }
    Page { items, next: None }
}

fn page_of_aggregate<K, R: Row>(
    query: &Query,
    rows: impl IntoIterator<Item = (K, R)>,
    answered: u64,
    size: usize,
) -> Page<K> {
    let mut aggregation = Aggregation::new(query);
    for (_, row) in rows {
        aggregation.add(&row);
    }
    let before = usize::try_from(answered).unwrap_or(usize::MAX);
    let mut rest = aggregation.finish().into_iter().skip(before);
    let items: Vec<Value> = rest.by_ref().take(size).collect();
    let next = rest.next().map(|_| Next { from: None, answered: answered.saturating_add(items.len() as u64) });
    Page { items, next }
}
