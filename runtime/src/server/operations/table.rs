//! What is kept of operations.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use super::OperationState;

/// Which one of the operations of which registry: what an id says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    /// Tells registries from each other.
    pub(super) run: u64,
    pub(super) number: u64,
}

/// What is kept. An operation runs while it is not in `over`.
pub(super) struct Table<T> {
    entries: HashMap<Key, Entry<T>>,
    /// Those that end by themselves, by when.
    due: BTreeSet<(SystemTime, Key)>,
    /// Those that have ended, by when.
    over: BTreeSet<(SystemTime, Key)>,
    last: u64,
}

pub(super) struct Entry<T> {
    pub(super) owner: String,
    /// How it ended, or how it will at the time when it is due.
    pub(super) end: Option<OperationState<T>>,
    /// When it ends by itself, or has ended in whatever way.
    pub(super) due: Option<SystemTime>,
    pub(super) is_over: bool,
}

impl<T> Table<T> {
    pub(super) fn new() -> Table<T> {
        Table { entries: HashMap::new(), due: BTreeSet::new(), over: BTreeSet::new(), last: 0 }
    }

    /// Gives its key, which no other one ever has.
    pub(super) fn add(&mut self, run: u64, entry: Entry<T>) -> Key {
        self.last += 1;
        let key = Key { run, number: self.last };
        self.insert(key, entry);
        key
    }

    /// Adds what had a key before; whether that was free.
    pub(super) fn put_back(&mut self, key: Key, entry: Entry<T>) -> bool {
        let is_free = !self.entries.contains_key(&key);
        if is_free {
            // There are clocks that give the same run again.
            self.last = self.last.max(key.number);
            self.insert(key, entry);
        }
        is_free
    }

    fn insert(&mut self, key: Key, entry: Entry<T>) {
        if let Some(due) = entry.due {
            self.due.insert((due, key));
        }
        self.entries.insert(key, entry);
    }

    pub(super) fn get(&self, key: Key) -> Option<&Entry<T>> {
        self.entries.get(&key)
    }

    /// Forgets everything but which keys there were.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.due.clear();
        self.over.clear();
    }

    pub(super) fn ended(&self) -> usize {
        self.over.len()
    }

    pub(super) fn running(&self) -> usize {
        self.entries.len() - self.over.len()
    }

    /// Ends what is due.
    pub(super) fn settle(&mut self, now: SystemTime) {
        while let Some(&(due, key)) = self.due.first().filter(|(due, _)| *due <= now) {
            self.due.pop_first();
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.is_over = true;
                self.over.insert((due, key));
            }
        }
    }

    /// Whether it ran until now.
    pub(super) fn end(&mut self, key: Key, end: OperationState<T>, now: SystemTime) -> bool {
        self.settle(now);
        let Some(entry) = self.entries.get_mut(&key).filter(|entry| !entry.is_over) else { return false };
        entry.end = Some(end);
        entry.is_over = true;
        if let Some(due) = entry.due.replace(now) {
            self.due.remove(&(due, key));
        }
        self.over.insert((now, key));
        true
    }

    /// Drops results: those kept for long enough, and the oldest of too many.
    pub(super) fn forget(&mut self, now: SystemTime, keep: Duration, max: usize) {
        while let Some(&(ended, key)) = self.over.first() {
            // A clock that was set back makes nothing old.
            let is_old = now.duration_since(ended).is_ok_and(|age| age >= keep);
            if !is_old && self.over.len() <= max {
                break;
            }
            self.over.pop_first();
            self.entries.remove(&key);
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
