//! What back ends hear of the messages that they sent: one queue for the whole hub.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use iothub::runtime::Clock;
use iothub::runtime::server::ServiceError;
use iothub::runtime::time::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::device::seven_decimals;
use super::hub::{Hub, HubState, Pending};
use super::load::parse;
use super::queue::{End, Ended, Rules};
use crate::outside::Ack;
use crate::store::Changes;
use crate::{errors, random};

/// The kind of its records in the store.
pub(super) const KIND: &str = "feedback";
/// How many are told at a time, as the service does.
const BATCH: usize = 64;
/// How many are kept for a back end that does not ask. Of more, the oldest go.
const KEPT: usize = 10_000;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    sequence: u64,
    /// The id of the message; empty if it has none.
    message: String,
    device: Arc<str>,
    generation: u64,
    end: End,
    at: SystemTime,
    expires: SystemTime,
}

impl Told {
    fn json(&self) -> Value {
        let time = DateTime::try_from(self.at).map(seven_decimals).unwrap_or_default();
        json!({
            "originalMessageId": self.message,
            "description": self.end.as_str(),
            "deviceGenerationId": self.generation.to_string(),
            "deviceId": self.device,
            "enqueuedTimeUtc": time,
            "statusCode": self.end.as_str(),
        })
    }
}

/// Feedback in the store.
#[derive(Serialize, Deserialize)]
struct Record<T> {
    #[serde(flatten)]
    told: T,
    /// How often it was received.
    #[serde(default)]
    deliveries: u32,
}

/// All feedback that nobody has completed.
#[derive(Debug, Default)]
pub(crate) struct Feedback {
    last: u64,
    entries: BTreeMap<u64, Entry>,
    batches: BTreeMap<Box<str>, Batch>,
    /// When which entry expires, and when which lock runs out.
    expiries: BTreeSet<(SystemTime, u64)>,
    locks: BTreeSet<(SystemTime, Box<str>)>,
}

#[derive(Debug)]
struct Entry {
    told: Arc<Told>,
    deliveries: u32,
    is_locked: bool,
}

#[derive(Debug)]
struct Batch {
    until: SystemTime,
    entries: Vec<u64>,
}

/// Feedback that somebody receives.
#[derive(Debug)]
pub(crate) struct Received {
    /// What completes or abandons it.
    pub(crate) token: String,
    /// When the newest of it came about.
    pub(crate) time: SystemTime,
    /// What it says.
    pub(crate) records: Vec<Value>,
}

impl Feedback {
    /// Keeps one more, and tells which one had to go for it.
    fn push(&mut self, told: Told) -> Option<u64> {
        self.last = self.last.max(told.sequence);
        self.expiries.insert((told.expires, told.sequence));
        self.entries.insert(told.sequence, Entry { told: Arc::new(told), deliveries: 0, is_locked: false });
        let oldest = *self.entries.first_key_value().filter(|_| self.entries.len() > KEPT)?.0;
        self.remove(oldest);
        Some(oldest)
    }

    fn remove(&mut self, sequence: u64) {
        if let Some(entry) = self.entries.remove(&sequence) {
            self.expiries.remove(&(entry.told.expires, sequence));
        }
    }

    /// Puts one back that was kept when the emulator ended. If it was received, the lock is lost.
    fn restore(&mut self, told: Told, deliveries: u32) {
        let sequence = told.sequence;
        self.push(told);
        let Some(entry) = self.entries.get_mut(&sequence).filter(|_| deliveries > 0) else { return };
        (entry.deliveries, entry.is_locked) = (deliveries, true);
        let over = Batch { until: SystemTime::UNIX_EPOCH, entries: Vec::new() };
        self.locks.insert((over.until, Box::default()));
        self.batches.entry(Box::default()).or_insert(over).entries.push(sequence);
    }

    /// Locks what is free, and tells how often each has been received.
    fn lock(&mut self, token: &str, until: SystemTime) -> Vec<(Arc<Told>, u32)> {
        let free = self.entries.iter_mut().filter(|(_, entry)| !entry.is_locked).take(BATCH);
        let (sequences, told): (Vec<u64>, Vec<_>) = free
            .map(|(sequence, entry)| {
                entry.is_locked = true;
                entry.deliveries += 1;
                (*sequence, (entry.told.clone(), entry.deliveries))
            })
            .unzip();
        if !told.is_empty() {
            self.batches.insert(token.into(), Batch { until, entries: sequences });
            self.locks.insert((until, token.into()));
        }
        told
    }

    /// The entries of a batch, which is none any more.
    fn unlock(&mut self, token: &str) -> Option<Vec<u64>> {
        let batch = self.batches.remove(token)?;
        self.locks.remove(&(batch.until, token.into()));
        Some(batch.entries)
    }

    /// Lets the entries of a batch be received again, and tells which of them have been received often enough.
    fn release(&mut self, token: &str, most: u32) -> Option<Vec<u64>> {
        let mut gone = Vec::new();
        for sequence in self.unlock(token)? {
            match self.entries.get_mut(&sequence) {
                Some(entry) if entry.deliveries < most => entry.is_locked = false,
                Some(_) => {
                    self.remove(sequence);
                    gone.push(sequence);
                }
                // It has expired.
                None => {}
            }
        }
        Some(gone)
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<SystemTime> {
        let expiry = self.expiries.first().map(|(at, _)| *at);
        let lock = self.locks.first().map(|(at, _)| *at);
        expiry.into_iter().chain(lock).min()
    }

    /// Does what is due until `now`, and tells which entries that has removed.
    fn advance(&mut self, now: SystemTime, most: u32) -> Vec<u64> {
        let mut gone = Vec::new();
        while let Some((_, token)) = self.locks.first().filter(|(at, _)| *at <= now).cloned() {
            gone.extend(self.release(&token, most).unwrap_or_default());
        }
        while let Some((_, sequence)) = self.expiries.first().filter(|(at, _)| *at <= now).copied() {
            self.remove(sequence);
            gone.push(sequence);
        }
        gone
    }
}

/// Keeps what back ends want to hear of messages to a device.
pub(super) fn tell(hub: &Hub, state: &mut HubState, changes: &mut Changes, device: &Arc<str>, ended: Vec<Ended>) {
    let Some(generation) = state.devices.get(device).map(|device| device.generation) else { return };
    let rules = Rules::of(&state.resource);
    for (queued, end, at) in ended {
        let is_wanted = match queued.message.ack {
            Ack::None => false,
            Ack::Positive => end == End::Success,
            Ack::Negative => end != End::Success,
            Ack::Full => true,
        };
        if !is_wanted {
            continue;
        }
        let told = Told {
            sequence: state.feedback.last + 1,
            message: queued.message.id.clone().unwrap_or_default(),
            device: device.clone(),
            generation,
            end,
            at,
            expires: later(at, rules.feedback_ttl),
        };
        keep(hub, changes, &told, 0);
        if let Some(gone) = state.feedback.push(told) {
            forget(hub, changes, gone);
        }
    }
}

/// Does what is due.
pub(super) fn advance(hub: &Hub, state: &mut HubState, changes: &mut Changes, now: SystemTime) {
    let most = Rules::of(&state.resource).feedback_deliveries;
    for gone in state.feedback.advance(now, most) {
        forget(hub, changes, gone);
    }
}

/// Reads a record of the store.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn load(state: &mut HubState, id: &str, bytes: &[u8]) -> Result<(), String> {
    let Record::<Told> { told, deliveries } = parse(bytes)?;
    if key(told.sequence) != id {
        return Err("its number is another one".to_owned());
    }
    state.feedback.restore(told, deliveries);
    Ok(())
}

impl Hub {
    /// Receives feedback, if there is any.
    ///
    /// # Errors
    ///
    /// 500 where there are no random bytes.
    pub(crate) fn receive_feedback(&self) -> Result<Pending<Option<Received>>, ServiceError> {
        let (token, now) = (random::id()?, self.clock.now());
        self.change(|state, changes| {
            let until = later(now, Rules::of(&state.resource).feedback_lock);
            let told = state.feedback.lock(&token, until);
            let Some((newest, _)) = told.last() else { return Ok(None) };
            told.iter().for_each(|(told, deliveries)| keep(self, changes, told, *deliveries));
            let records = told.iter().map(|(told, _)| told.json()).collect();
            Ok(Some(Received { token, time: newest.at, records }))
        })
    }

    /// Removes feedback that was received.
    ///
    /// # Errors
    ///
    /// 412 where its lock is lost.
    pub(crate) fn complete_feedback(&self, token: &str) -> Result<Pending<()>, ServiceError> {
        self.change(|state, changes| {
            let entries = state.feedback.unlock(token).ok_or_else(errors::lock_lost)?;
            for sequence in entries {
                state.feedback.remove(sequence);
                forget(self, changes, sequence);
            }
            Ok(())
        })
    }

    /// Lets feedback be received again.
    ///
    /// # Errors
    ///
    /// 412 where its lock is lost.
    pub(crate) fn abandon_feedback(&self, token: &str) -> Result<Pending<()>, ServiceError> {
        self.change(|state, changes| {
            let most = Rules::of(&state.resource).feedback_deliveries;
            for gone in state.feedback.release(token, most).ok_or_else(errors::lock_lost)? {
                forget(self, changes, gone);
            }
            Ok(())
        })
    }
}

/// A time so much later, as far as times go.
pub(super) fn later(time: SystemTime, by: Duration) -> SystemTime {
    time.checked_add(by).unwrap_or(time)
}

fn key(sequence: u64) -> String {
    format!("{sequence:020}")
}

fn keep(hub: &Hub, changes: &mut Changes, told: &Told, deliveries: u32) {
    // It is nothing that JSON cannot write.
    let record = serde_json::to_vec(&Record { told, deliveries }).unwrap_or_default();
    changes.put(hub.key(KIND, &key(told.sequence)), record);
}

fn forget(hub: &Hub, changes: &mut Changes, sequence: u64) {
    changes.remove(hub.key(KIND, &key(sequence)));
}
