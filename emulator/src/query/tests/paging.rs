//! Pages: where they begin, and which rows they take.

use std::cell::Cell;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Next, Query, page};
use super::strategies::{document, likely_condition};

/// Rows `{"n":0}`, `{"n":1}`, …, with keys a hundred higher; and how many of them were taken.
fn rows<'a>(from: i64, taken: &'a Cell<i64>) -> impl Iterator<Item = (i64, Value)> + 'a {
    (from..110).map(move |key| {
        taken.set(taken.get() + 1);
        (key, json!({"tags": {"n": key - 100}}))
    })
}

#[test]
fn a_page_takes_the_rows_that_it_needs() {
    let taken = Cell::new(0);
    let query = Query::parse("SELECT tags.n FROM devices WHERE tags.n % 3 = 0").unwrap();

    let first = page(&query, rows(100, &taken), 0, 2);
    assert_eq!(first.items, [json!({"n": 0}), json!({"n": 3})]);
    // Up to the row with which the next page begins.
    assert_eq!(first.next, Some(Next { from: Some(106), answered: 2 }));
    assert_eq!(taken.take(), 7);

    let second = page(&query, rows(106, &taken), 2, 2);
    assert_eq!(second.items, [json!({"n": 6}), json!({"n": 9})]);
    assert_eq!(second.next, None);
    assert_eq!(taken.take(), 4);
}

#[test]
fn the_last_row_of_a_top_is_the_end() {
    let taken = Cell::new(0);
    let query = Query::parse("SELECT TOP 4 tags.n FROM devices").unwrap();
    let first = page(&query, rows(100, &taken), 0, 3);
    assert_eq!(first.next, Some(Next { from: Some(103), answered: 3 }));
    let second = page(&query, rows(103, &taken), 3, 3);
    assert_eq!((second.items, second.next), (vec![json!({"n": 3})], None));
}

#[test]
fn a_row_that_is_gone_moves_nothing() {
    let query = Query::parse("SELECT tags.n FROM devices").unwrap();
    let taken = Cell::new(0);
    let first = page(&query, rows(100, &taken), 0, 3);
    let Some(Next { from: Some(from), answered }) = first.next else { panic!("there is more") };
    let left = rows(from, &taken).filter(|(key, _)| *key != from);
    assert_eq!(page(&query, left, answered, 2).items, [json!({"n": 4}), json!({"n": 5})]);
}

#[test]
fn no_size_is_one() {
    let query = Query::parse("SELECT tags.n FROM devices").unwrap();
    assert_eq!(page(&query, rows(100, &Cell::new(0)), 0, 0).items, [json!({"n": 0})]);
}

#[test]
fn groups_are_skipped_by_number() {
    let query = Query::parse("SELECT tags.n, COUNT() AS c FROM devices GROUP BY tags.n").unwrap();
    let taken = Cell::new(0);
    let first = page(&query, rows(100, &taken), 0, 9);
    assert_eq!(first.next, Some(Next { from: None, answered: 9 }));
    let second = page(&query, rows(100, &taken), 9, 9);
    assert_eq!((second.items, second.next), (vec![json!({"n": 9, "c": 1})], None));
    assert_eq!(page(&query, rows(100, &taken), u64::MAX, 9).items, Vec::<Value>::new());
}

proptest! {
    /// Pages of any size come to what all rows in one come to.
    #[test]
    fn pages_add_up(
        expr in likely_condition(),
        documents in prop::collection::vec(document(), 0..12),
        top in prop::option::of(0..8_u64),
        size in 1..5_usize,
        grouped in any::<bool>(),
    ) {
        let top = top.map_or_else(String::new, |top| format!("TOP {top}"));
        let (columns, groups) = if grouped { ("a, COUNT() AS n", "GROUP BY a") } else { ("a, b", "") };
        let mut query = Query::parse(&format!("SELECT {top} {columns} FROM devices {groups}")).unwrap();
        query.select.filter = Some(expr);
        let wanted = page(&query, documents.iter().enumerate(), 0, usize::MAX);
        let mut answer = Vec::new();
        let mut next = Some(Next::first());
        while let Some(Next { from, answered }) = next {
            let page = page(&query, documents.iter().enumerate().skip(from.unwrap_or(0)), answered, size);
            prop_assert!(page.items.len() == size || page.next.is_none());
            answer.extend(page.items);
            next = page.next;
        }
        prop_assert_eq!(answer, wanted.items);
    }
}
