//! One name for each item of a scope: first all wishes are collected, then names are given.

use std::collections::{BTreeMap, HashSet};

use super::Ident;

/// The names that an item would like to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The best first.
    pub(crate) candidates: Vec<Ident>,
    /// Somebody said that it must be the first of them.
    pub(crate) pinned: bool,
}

impl Wanted {
    /// An item with one wish.
    pub(crate) fn new(name: Ident) -> Self {
        Self { candidates: vec![name], pinned: false }
    }

    /// An item whose name was given by somebody.
    pub(crate) fn pinned(name: Ident) -> Self {
        Self { candidates: vec![name], pinned: true }
    }

    /// The same, with a next best wish.
    #[must_use]
    pub(crate) fn or(mut self, name: Ident) -> Self {
        self.candidates.push(name);
        self
    }
}

impl From<Vec<Ident>> for Wanted {
    fn from(candidates: Vec<Ident>) -> Self {
        Self { candidates, pinned: false }
    }
}

/// A place in which no two items may have the same name.
#[derive(Debug, Default)]
pub(crate) struct Scope<'a> {
    /// Names of the scope around this one.
    outer: Option<&'a HashSet<&'a str>>,
    taken: HashSet<String>,
    wanted: Vec<Wanted>,
}

impl<'a> Scope<'a> {
    /// A scope in which some names (without `r#`) are not to be had, also not by pins.
    pub(crate) fn new(reserved: &[&str]) -> Self {
        Self { outer: None, taken: reserved.iter().map(|&name| name.to_owned()).collect(), wanted: Vec::new() }
    }

    /// The same, where the names are many and for several scopes.
    pub(crate) fn within(outer: &'a HashSet<&'a str>) -> Self {
        Self { outer: Some(outer), ..Self::default() }
    }

    /// Adds an item, and gives its index in the result of [`assign`](Self::assign).
    pub(crate) fn collect(&mut self, wanted: impl Into<Wanted>) -> usize {
        self.wanted.push(wanted.into());
        self.wanted.len() - 1
    }

    /// The items' names, in the order in which the items were collected.
    ///
    /// First come the pinned ones. Then every item gets its first candidate if it is free; of several that want
    /// the same, the first one collected. Those left over get their second candidate by the same rule, and so on;
    /// at last the last candidate with a number. So a name that only one item wants is never lost to
    /// another's number, and a new item at the end changes no name before it, unless it wants that name more.
    ///
    /// A pinned item whose result is not its first candidate collided with another pin or a reserved name.
    pub(crate) fn assign(self) -> Vec<Ident> {
        let Self { outer, mut taken, wanted } = self;
        let mut take = |name: &Ident| {
            let name = name.bare();
            outer.is_none_or(|outer| !outer.contains(name)) && taken.insert(name.to_owned())
        };
        let mut names: Vec<Option<Ident>> = vec![None; wanted.len()];
        let rounds = wanted.iter().map(|item| item.candidates.len()).max().unwrap_or_default();
        let pins = std::iter::once((true, 0));
        for (pinned, round) in pins.chain((0..rounds).map(|round| (false, round))) {
            for (name, item) in names.iter_mut().zip(&wanted) {
                let Some(candidate) = item.candidates.get(round) else { continue };
                // A pinned item that did not get its name takes part in the rounds like others.
                if name.is_none() && (item.pinned || !pinned) && take(candidate) {
                    *name = Some(candidate.clone());
                }
            }
        }
        let mut last_numbers = BTreeMap::new();
        let mut numbered = |item: &Wanted| {
            let base = item.candidates.last().cloned().unwrap_or_else(|| Ident("unnamed".to_owned()));
            // Remembered, so that a thousand equal names take a thousand steps.
            let number = last_numbers.entry(base.clone()).or_insert(1_usize);
            loop {
                *number += 1;
                let name = base.numbered(*number);
                if take(&name) {
                    return name;
                }
            }
        };
        names.into_iter().zip(&wanted).map(|(name, item)| name.unwrap_or_else(|| numbered(item))).collect()
    }
}
