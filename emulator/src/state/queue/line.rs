//! The messages that wait for one device.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::outside::Message;

/// How a message has met its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// The device has completed it.
    Success,
    /// The device has rejected it.
    Rejected,
    /// It was too late.
    Expired,
    /// It was delivered as often as may be.
    DeliveryCountExceeded,
    /// The queue was emptied.
    Purged,
}

impl End {
    /// The code by which feedback tells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            End::Success => "Success",
            End::Rejected => "Rejected",
            End::Expired => "Expired",
            End::DeliveryCountExceeded => "DeliveryCountExceeded",
            End::Purged => "Purged",
        }
    }
}

/// A message in its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queued {
    /// Its number in the queue; the first is 1.
    pub(crate) sequence: u64,
    /// When it came.
    pub(crate) enqueued: SystemTime,
    /// When it ends, if nothing else ends it before: when its sender says, or after the time that the hub gives it.
    pub(crate) expires: SystemTime,
    /// What its sender said.
    pub(crate) message: Message,
}

/// A message that met its end: which one, how, and when.
pub(crate) type Ended = (Arc<Queued>, End, SystemTime);

/// A message in its place in the line.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The message.
    pub(crate) queued: Arc<Queued>,
    /// How often it has been delivered.
    pub(crate) deliveries: u32,
    lock: Option<Lock>,
}

/// Who has received a message says with the token what becomes of it.
#[derive(Clone, Debug)]
struct Lock {
    token: Box<str>,
    until: SystemTime,
}

/// Until when a message is locked whose lock was lost when the emulator ended.
pub(super) const LOST: SystemTime = SystemTime::UNIX_EPOCH;

/// The messages that wait for one device, the oldest first. Time is what the caller says it is.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// The number of the newest message that ever was in it.
    last: u64,
    items: VecDeque<Item>,
    /// For whoever keeps an index of [deadlines](Self::deadline): what it has of this line.
    pub(super) noted: Option<SystemTime>,
}

impl Line {
    /// How many messages there are, received ones among them.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// The messages, the oldest first.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.iter()
    }

    /// The number of the newest message that ever was in it.
    #[cfg(test)]
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Puts a message at the end.
    pub(crate) fn push(&mut self, message: Message, enqueued: SystemTime, expires: SystemTime) -> Arc<Queued> {
        self.last += 1;
        let queued = Arc::new(Queued { sequence: self.last, enqueued, expires, message });
        self.items.push_back(Item { queued: queued.clone(), deliveries: 0, lock: None });
        queued
    }

    /// Puts a message that was in it before the emulator ended back into its place. If it was received, its lock is [lost](LOST), which is seen to
    /// when somebody looks: it may have been received as often as may be.
    pub(super) fn restore(&mut self, queued: Queued, deliveries: u32) {
        self.last = self.last.max(queued.sequence);
        let at = self.items.partition_point(|item| item.queued.sequence < queued.sequence);
        let lock = (deliveries > 0).then(|| Lock { token: Box::default(), until: LOST });
        self.items.insert(at, Item { queued: Arc::new(queued), deliveries, lock });
    }

    /// Messages up to this number have been in it.
    pub(super) fn restore_last(&mut self, last: u64) {
        self.last = self.last.max(last);
    }

    /// Locks the first message that is not locked, and counts the delivery.
    pub(crate) fn receive(&mut self, token: &str, until: SystemTime) -> Option<&Item> {
        let item = self.items.iter_mut().find(|item| item.lock.is_none())?;
        item.lock = Some(Lock { token: token.into(), until });
        item.deliveries += 1;
        Some(item)
    }

    /// Takes out the message that is locked under a token.
    pub(crate) fn take(&mut self, token: &str) -> Option<Arc<Queued>> {
        let at = self.find(token)?;
        self.items.remove(at).map(|item| item.queued)
    }

    /// Lets the message that is locked under a token be received again, in its old place; or takes it out if it has been delivered as often as
    /// may be. `None` where there is no such lock.
    pub(crate) fn abandon(&mut self, token: &str, most: u32) -> Option<Option<Arc<Queued>>> {
        let at = self.find(token)?;
        let item = self.items.get_mut(at)?;
        item.lock = None;
        match item.deliveries < most {
            true => Some(None),
            false => Some(self.items.remove(at).map(|item| item.queued)),
        }
    }

    fn find(&self, token: &str) -> Option<usize> {
        self.items.iter().position(|item| item.lock.as_ref().is_some_and(|lock| *lock.token == *token))
    }

    /// Takes out all messages.
    pub(crate) fn purge(&mut self) -> impl Iterator<Item = Arc<Queued>> + use<> {
        std::mem::take(&mut self.items).into_iter().map(|item| item.queued)
    }

    /// When the next message expires or the next lock runs out.
    pub(crate) fn deadline(&self) -> Option<SystemTime> {
        let next = |item: &Item| match &item.lock {
            Some(lock) => lock.until.min(item.queued.expires),
            None => item.queued.expires,
        };
        self.items.iter().map(next).min()
    }

    /// Does what is due until `now`, and tells of the messages that this has ended: in the order in which it happened.
    pub(crate) fn advance(&mut self, now: SystemTime, most: u32) -> Vec<Ended> {
        let mut ended = Vec::new();
        self.items.retain_mut(|item| match item.advance(now, most) {
            None => true,
            Some((end, at)) => {
                ended.push((item.queued.clone(), end, at));
                false
            }
        });
        ended.sort_by_key(|(_, _, at)| *at);
        ended
    }
}

impl Item {
    /// Does what is due, and says how and when that has ended the message, if it has.
    fn advance(&mut self, now: SystemTime, most: u32) -> Option<(End, SystemTime)> {
        let expires = self.queued.expires;
        // A message that is locked expires like any other.
        let released = self.lock.as_ref().map(|lock| lock.until).filter(|until| *until <= now && *until < expires);
        if let Some(until) = released {
            self.lock = None;
            if self.deliveries >= most {
                return Some((End::DeliveryCountExceeded, until));
            }
        }
        (expires <= now).then_some((End::Expired, expires))
    }
}
