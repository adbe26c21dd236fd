//! Messages from back ends to devices: how they wait, are received, and meet their end.

mod line;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use iothub::runtime::Clock;
use iothub::runtime::server::ServiceError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::feedback::{self, later};
use super::hub::{Hub, HubState, Pending};
use super::load::parse;
use super::resource::Resource;
use crate::outside::Message;
use crate::store::Changes;
use crate::{errors, random};

pub(crate) use line::{End, Ended, Queued};
use line::{Item, LOST, Line};

/// The kind of the records of messages.
pub(super) const KIND: &str = "message";
/// The kind of the records that tell how many messages a device has been sent.
pub(super) const COUNT_KIND: &str = "queue";

/// How many messages may wait for a device.
const DEPTH: usize = 50;
/// How large a message with its properties may be.
const SIZE: usize = 64 << 10;

/// How long things last and how often they are tried, as the hub is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// How long a message waits, if its sender says nothing.
    pub(crate) ttl: Duration,
    /// How often it is delivered.
    pub(crate) deliveries: u32,
    /// How long feedback waits.
    pub(crate) feedback_ttl: Duration,
    /// How long who has received it may take.
    pub(crate) feedback_lock: Duration,
    /// How often it is delivered.
    pub(crate) feedback_deliveries: u32,
}

impl Rules {
    /// Those of a hub. What cannot be understood is as usual.
    pub(crate) fn of(resource: &Resource) -> Rules {
        let settings = resource.properties.get("cloudToDevice").and_then(Value::as_object);
        let feedback = settings.and_then(|settings| settings.get("feedback")).and_then(Value::as_object);
        let hour = Duration::from_secs(3_600);
        Rules {
            ttl: time(settings, "defaultTtlAsIso8601", hour),
            deliveries: times(settings),
            feedback_ttl: time(feedback, "ttlAsIso8601", hour),
            feedback_lock: time(feedback, "lockDurationAsIso8601", Duration::from_secs(60)),
            feedback_deliveries: times(feedback),
        }
    }
}

/// A time in settings. One that cannot be understood is as usual.
pub(super) fn time(settings: Option<&Map<String, Value>>, name: &str, usual: Duration) -> Duration {
    let text = settings.and_then(|settings| settings.get(name)).and_then(Value::as_str);
    let time = text.and_then(|text| text.parse::<iothub::runtime::time::Duration>().ok());
    time.and_then(|time| (&time).try_into().ok()).unwrap_or(usual)
}

fn times(settings: Option<&Map<String, Value>>) -> u32 {
    let number = settings.and_then(|settings| settings.get("maxDeliveryCount")).and_then(Value::as_u64);
    number.and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0).unwrap_or(10)
}

/// The queues of all devices that have ever been sent a message.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    lines: BTreeMap<Arc<str>, Line>,
    /// When something is due in which of them.
    deadlines: BTreeSet<(SystemTime, Arc<str>)>,
}

impl Queues {
    /// Does something with a device's queue.
    fn edit<T>(&mut self, device: &Arc<str>, edit: impl FnOnce(&mut Line) -> T) -> T {
        let line = self.lines.entry(device.clone()).or_default();
        let done = edit(line);
        let due = line.deadline();
        if due != line.noted {
            if let Some(before) = std::mem::replace(&mut line.noted, due) {
                self.deadlines.remove(&(before, device.clone()));
            }
            self.deadlines.extend(due.map(|due| (due, device.clone())));
        }
        done
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<SystemTime> {
        self.deadlines.first().map(|(at, _)| *at)
    }
}

/// A message that a device receives.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// What settles it.
    pub(crate) token: String,
    /// The message.
    pub(crate) queued: Arc<Queued>,
    /// How often it has been delivered before.
    pub(crate) before: u32,
}

/// What a device does with a message that it has received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// It is done.
    Complete,
    /// It is not to come again.
    Reject,
    /// It may come again.
    Abandon,
}

impl Hub {
    /// Queues a message for a device, and gives its number.
    ///
    /// # Errors
    ///
    /// 400 where it cannot be told in headers; 404 where there is no such device; 403 where its queue is full; 413 where it is too large.
    pub(crate) fn enqueue(&self, device: &str, message: Message) -> Result<Pending<u64>, ServiceError> {
        check(&message)?;
        let now = self.clock.now();
        self.change(|state, changes| {
            let device = state.device_id(device)?;
            if depth(state, &device) >= DEPTH {
                return Err(errors::queue_full(&device, DEPTH));
            }
            let expires = message.expiry.unwrap_or_else(|| later(now, Rules::of(&state.resource).ttl));
            let queued = state.queues.edit(&device, |line| line.push(message, now, expires));
            keep(self, changes, &device, &queued, 0);
            changes.put(self.key(COUNT_KIND, &device), queued.sequence.to_string().into_bytes());
            Ok(queued.sequence)
        })
    }

    /// The messages that wait for a device, received ones among them.
    pub(crate) fn queued(&self, device: &str) -> Vec<Message> {
        let state = self.read();
        let items = state.queues.lines.get(device).into_iter().flat_map(Line::items);
        items.map(|item| item.queued.message.clone()).collect()
    }

    /// Lets a device receive its next message, which nobody else gets for some time.
    ///
    /// # Errors
    ///
    /// 404 where there is no such device.
    pub(crate) fn receive(&self, device: &str, lock: Duration) -> Result<Pending<Option<Delivery>>, ServiceError> {
        let (token, until) = (random::id()?, later(self.clock.now(), lock));
        self.change(|state, changes| {
            let device = state.device_id(device)?;
            if depth(state, &device) == 0 {
                return Ok(None);
            }
            let received = state.queues.edit(&device, |line| line.receive(&token, until).cloned());
            let Some(Item { queued, deliveries, .. }) = received else { return Ok(None) };
            keep(self, changes, &device, &queued, deliveries);
            Ok(Some(Delivery { token, queued, before: deliveries.saturating_sub(1) }))
        })
    }

    /// Does with a message what the device that has received it says.
    ///
    /// # Errors
    ///
    /// 404 where there is no such device, 412 where the lock is lost.
    pub(crate) fn settle(&self, device: &str, token: &str, how: Settlement) -> Result<Pending<()>, ServiceError> {
        let now = self.clock.now();
        self.change(|state, changes| {
            let device = state.device_id(device)?;
            let most = Rules::of(&state.resource).deliveries;
            let ended = state.queues.edit(&device, |line| match how {
                Settlement::Complete => line.take(token).map(|queued| Some((queued, End::Success, now))),
                Settlement::Reject => line.take(token).map(|queued| Some((queued, End::Rejected, now))),
                Settlement::Abandon => {
                    let gone = line.abandon(token, most)?;
                    Some(gone.map(|queued| (queued, End::DeliveryCountExceeded, now)))
                }
            });
            let ended = ended.ok_or_else(errors::lock_lost)?;
            end(self, state, changes, &device, ended.into_iter().collect());
            Ok(())
        })
    }
}

/// How many messages wait for a device, received ones among them.
pub(crate) fn depth(state: &HubState, device: &str) -> usize {
    state.queues.lines.get(device).map_or(0, Line::len)
}

/// Removes what waits for a device that is deleted.
pub(crate) fn forget(hub: &Hub, state: &mut HubState, changes: &mut Changes, device: &str) {
    let Some((device, line)) = state.queues.lines.remove_entry(device) else { return };
    for item in line.items() {
        changes.remove(key(hub, &device, item.queued.sequence));
    }
    changes.remove(hub.key(COUNT_KIND, &device));
    if let Some(due) = line.noted {
        state.queues.deadlines.remove(&(due, device));
    }
}

/// Removes what waits for a device, and says how many messages that were.
///
/// # Errors
///
/// 404 where there is no such device.
pub(crate) async fn purge(hub: &Hub, device: &str) -> Result<usize, ServiceError> {
    let now = hub.clock.now();
    let pending = hub.change(|state, changes| {
        let device = state.device_id(device)?;
        if depth(state, &device) == 0 {
            return Ok(0);
        }
        let purged: Vec<Ended> =
            state.queues.edit(&device, |line| line.purge().map(|queued| (queued, End::Purged, now)).collect());
        let number = purged.len();
        end(hub, state, changes, &device, purged);
        Ok::<_, ServiceError>(number)
    })?;
    pending.durable().await
}

/// Does what is due.
pub(super) fn advance(hub: &Hub, state: &mut HubState, changes: &mut Changes, now: SystemTime) {
    let most = Rules::of(&state.resource).deliveries;
    while let Some((at, device)) = state.queues.deadlines.first().filter(|(at, _)| *at <= now).cloned() {
        // In the order of time across devices, for the sake of feedback.
        let mut ended = state.queues.edit(&device, |line| line.advance(at, most));
        ended.iter_mut().filter(|(_, _, at)| *at == LOST).for_each(|(_, _, at)| *at = now);
        end(hub, state, changes, &device, ended);
    }
}

/// What follows when messages have met their end.
fn end(hub: &Hub, state: &mut HubState, changes: &mut Changes, device: &Arc<str>, ended: Vec<Ended>) {
    for (queued, ..) in &ended {
        changes.remove(key(hub, device, queued.sequence));
    }
    feedback::tell(hub, state, changes, device, ended);
}

/// Whether a message is small enough, and can be told in headers.
fn check(message: &Message) -> Result<(), ServiceError> {
    let ids = [&message.id, &message.correlation_id, &message.user_id];
    let values = ids.into_iter().flatten().chain(message.properties.values());
    if values.clone().any(|value| HeaderValue::from_str(value).is_err()) {
        return Err(errors::invalid("A value of a message has no control characters."));
    }
    if message.properties.keys().any(|name| HeaderName::from_bytes(name.as_bytes()).is_err()) {
        return Err(errors::invalid("A property's name has ASCII letters, digits and some signs."));
    }
    let texts = values.chain(message.properties.keys()).map(String::len).sum::<usize>();
    match texts.saturating_add(message.body.len()) <= SIZE {
        true => Ok(()),
        false => Err(errors::message_too_large(SIZE)),
    }
}

/// A message in the store.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    enqueued: SystemTime,
    expires: SystemTime,
    deliveries: u32,
    body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    ack: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expiry: Option<SystemTime>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<String, String>,
}

fn keep(hub: &Hub, changes: &mut Changes, device: &str, queued: &Queued, deliveries: u32) {
    let Queued { sequence, enqueued, expires, message } = queued;
    let Message { body, id, correlation_id, user_id, ack, expiry, properties } = message.clone();
    let record = Record {
        enqueued: *enqueued,
        expires: *expires,
        deliveries,
        body: STANDARD.encode(body),
        id,
        correlation_id,
        user_id,
        ack: ack.as_str().to_owned(),
        expiry,
        properties,
    };
    // It is nothing that JSON cannot write.
    changes.put(key(hub, device, *sequence), serde_json::to_vec(&record).unwrap_or_default());
}

fn key(hub: &Hub, device: &str, sequence: u64) -> String {
    // There is no slash in the id of a device.
    hub.key(KIND, &format!("{device}/{sequence}"))
}

/// Reads the record of a message.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn load(state: &mut HubState, id: &str, bytes: &[u8]) -> Result<(), String> {
    let (device, sequence) = id.split_once('/').ok_or("it is of no device")?;
    let sequence = sequence.parse().map_err(|_| "it has no number")?;
    let record: Record = parse(bytes)?;
    let body = STANDARD.decode(&record.body).map_err(|_| "its body is not in Base64")?;
    let message = Message {
        body: body.into(),
        id: record.id,
        correlation_id: record.correlation_id,
        user_id: record.user_id,
        ack: record.ack.parse()?,
        expiry: record.expiry,
        properties: record.properties,
    };
    let device = state.device_id(device).map_err(|_| "there is no such device")?;
    let queued = Queued { sequence, enqueued: record.enqueued, expires: record.expires, message };
    state.queues.edit(&device, |line| line.restore(queued, record.deliveries));
    Ok(())
}

/// Reads the record of how many messages a device has been sent.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn load_count(state: &mut HubState, device: &str, bytes: &[u8]) -> Result<(), String> {
    let last = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).ok_or("it is no number")?;
    let device = state.device_id(device).map_err(|_| "there is no such device")?;
    state.queues.edit(&device, |line| line.restore_last(last));
    Ok(())
}
