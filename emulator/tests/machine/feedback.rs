//! What back ends hear of their messages, as the model keeps it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// How often feedback is delivered, as the hub is set up.
pub(crate) const DELIVERIES: u32 = 2;
/// How many are delivered at a time.
const BATCH: usize = 64;
/// For how many seconds it waits, and is locked.
const WAITS: u64 = 3_600;
const LOCK: u64 = 60;

#[derive(Debug)]
struct Entry {
    record: Value,
    expires: u64,
    deliveries: u32,
    /// By what it is locked: whatever it was last received with.
    lock: Option<usize>,
}

/// All feedback that nobody has completed, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Feedback {
    entries: Vec<Entry>,
    /// Until when what was received is locked, if it still is.
    locks: BTreeMap<usize, u64>,
    /// All that feedback was ever locked by.
    tokens: Vec<String>,
}

impl Feedback {
    pub(crate) fn tell(&mut self, device: &str, generation: Option<&str>, message: Option<&str>, how: &str, at: u64) {
        let record = json!({
            "originalMessageId": message.unwrap_or_default(),
            "description": how,
            "deviceGenerationId": generation,
            "deviceId": device,
            "statusCode": how,
        });
        self.entries.push(Entry { record, expires: at + WAITS, deliveries: 0, lock: None });
    }

    /// What is received: it is locked by a token that is still to come.
    pub(crate) fn receive(&mut self, now: u64) -> Vec<Value> {
        let lock = self.tokens.len();
        let mut records = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| entry.lock.is_none()).take(BATCH) {
            entry.lock = Some(lock);
            entry.deliveries += 1;
            records.push(entry.record.clone());
        }
        if !records.is_empty() {
            self.locks.insert(lock, now + LOCK);
        }
        records
    }

    /// Notes by what that is locked, which is new.
    pub(crate) fn received(&mut self, token: String) {
        assert!(!self.tokens.contains(&token));
        self.tokens.push(token);
    }

    /// By what feedback was locked, counted from the newest.
    pub(crate) fn token(&self, back: usize) -> String {
        self.tokens.iter().rev().nth(back).cloned().unwrap_or_else(|| "never".to_owned())
    }

    /// Whether there was such a lock.
    pub(crate) fn settle(&mut self, token: &str, completes: bool) -> bool {
        let lock = self.tokens.iter().position(|own| own == token).filter(|lock| self.locks.contains_key(lock));
        let Some(lock) = lock else { return false };
        if completes {
            self.entries.retain(|entry| entry.lock != Some(lock));
        }
        self.release(lock);
        true
    }

    /// What was locked may be received again, unless it was often enough.
    fn release(&mut self, lock: usize) {
        self.locks.remove(&lock);
        self.entries.retain(|entry| entry.lock != Some(lock) || entry.deliveries < DELIVERIES);
        self.entries.iter_mut().for_each(|entry| _ = entry.lock.take_if(|own| *own == lock));
    }

    pub(crate) fn advance(&mut self, now: u64) {
        let over: Vec<_> = self.locks.iter().filter(|(_, until)| **until <= now).map(|(lock, _)| *lock).collect();
        over.into_iter().for_each(|lock| self.release(lock));
        self.entries.retain(|entry| entry.expires > now);
    }

    /// Locks are lost.
    pub(crate) fn restart(&mut self) {
        let locks: Vec<_> = self.locks.keys().copied().collect();
        locks.into_iter().for_each(|lock| self.release(lock));
    }
}
