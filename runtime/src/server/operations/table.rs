//! What is kept of operations.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use super::OperationState;

/// What is kept. An operation runs while it is not in `over`.
pub(super) struct Table<T> {
    entries: HashMap<u64, Entry<T>>,
    /// Those that end by themselves, by when.
    due: BTreeSet<(SystemTime, u64)>,
    /// Those that have ended, by when.
    over: BTreeSet<(SystemTime, u64)>,
    last: u64,
}

pub(super) struct Entry<T> {
    pub(super) owner: String,
    /// How it ended, or how it will at the time when it is due.
    end: Option<OperationState<T>>,
    due: Option<SystemTime>,
    pub(super) is_over: bool,
}

impl<T> Table<T> {
    pub(super) fn new() -> Table<T> {
        Table { entries: HashMap::new(), due: BTreeSet::new(), over: BTreeSet::new(), last: 0 }
    }

    /// Gives its number, which no other one ever has.
    pub(super) fn add(&mut self, entry: Entry<T>) -> u64 {
        self.last += 1;
        if let Some(due) = entry.due {
            self.due.insert((due, self.last));
        }
        self.entries.insert(self.last, entry);
        self.last
    }

    pub(super) fn get(&self, number: u64) -> Option<&Entry<T>> {
        self.entries.get(&number)
    }

    pub(super) fn ended(&self) -> usize {
        self.over.len()
    }

    pub(super) fn running(&self) -> usize {
        self.entries.len() - self.over.len()
    }

    /// Ends what is due.
    pub(super) fn settle(&mut self, now: SystemTime) {
        while let Some(&(due, number)) = self.due.first().filter(|(due, _)| *due <= now) {
            self.due.pop_first();
            if let Some(entry) = self.entries.get_mut(&number) {
                entry.is_over = true;
                self.over.insert((due, number));
            }
        }
    }

    /// Whether it ran until now.
    pub(super) fn end(&mut self, number: u64, end: OperationState<T>, now: SystemTime) -> bool {
        self.settle(now);
        let Some(entry) = self.entries.get_mut(&number).filter(|entry| !entry.is_over) else { return false };
        entry.end = Some(end);
        entry.is_over = true;
        if let Some(due) = entry.due.take() {
            self.due.remove(&(due, number));
        }
        self.over.insert((now, number));
        true
    }

    /// Drops results: those kept for long enough, and the oldest of too many.
    pub(super) fn forget(&mut self, now: SystemTime, keep: Duration, max: usize) {
        while let Some(&(ended, number)) = self.over.first() {
            // A clock that was set back makes nothing old.
            let is_old = now.duration_since(ended).is_ok_and(|age| age >= keep);
            if !is_old && self.over.len() <= max {
                break;
            }
            self.over.pop_first();
            self.entries.remove(&number);
        }
    }
}

impl<T> Entry<T> {
    pub(super) fn new(owner: String, end: Option<OperationState<T>>, due: Option<SystemTime>) -> Entry<T> {
        Entry { owner, end, due, is_over: false }
    }

    pub(super) fn state(&self) -> OperationState<T> {
        match &self.end {
            Some(end) if self.is_over => end.clone(),
            _ => OperationState::Running,
        }
    }
}
