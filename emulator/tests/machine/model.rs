//! A hub, written in the plainest way.

mod jobs;
mod uploads;

use std::collections::{BTreeMap, BTreeSet};

use iothub_emulator::Ack;
use serde_json::{Value, json};

use self::jobs::Scheduled;
pub(crate) use self::jobs::{condition, payload};
use self::uploads::Uploads;
use super::device::{Chosen, Device, Properties, Proves, at, without_nulls};
use super::feedback::Feedback;
use super::queue::{Due, Message, Queue};
use super::step::{Condition, Identity, Item, Key, Parts, Proof, Search, Settlement};
use super::tree::{Node, Object, is_allowed, without_times};

/// How a step ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expected {
    /// With a status and the code of an error.
    Refused(u16, &'static str),
    /// With a status and no body.
    Done(u16),
    /// With a status and the identity.
    Identity(u16, &'static str),
    /// With 200 and the twin.
    Twin(&'static str),
    /// With 200 and this.
    Answer(Value),
    /// With 200 and a job like this.
    Job(Value),
    /// With 400, and these devices and codes.
    Failed(Vec<(&'static str, &'static str)>),
}

use Expected::{Answer, Done, Failed, Refused, Twin};

const NOT_FOUND: Expected = Refused(404, "DeviceNotFound");
const STALE: Expected = Refused(412, "PreconditionFailed");
const UNAUTHORIZED: Expected = Refused(401, "IotHubUnauthorizedAccess");
const INVALID: Expected = Refused(400, "ArgumentInvalid");

/// A hub.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Whether it answers as the documents say.
    documented: bool,
    devices: BTreeMap<&'static str, Device>,
    /// The generations that devices had which were deleted.
    generations: BTreeMap<&'static str, Vec<String>>,
    /// What devices have told.
    events: Vec<(&'static str, &'static str)>,
    pub(crate) feedback: Feedback,
    uploads: Uploads,
    jobs: Vec<Scheduled>,
    /// The seconds that have passed.
    now: u64,
    /// How many times have been set at which something ends.
    times: usize,
}

/// Whether somebody says what cannot be.
fn is_wrong(identity: &Identity) -> bool {
    identity.proof == Proof::OneKey
}

fn are_allowed(parts: [Option<&Object>; 3]) -> bool {
    parts.into_iter().flatten().all(is_allowed)
}

impl Model {
    pub(crate) fn new(documented: bool) -> Model {
        Model { documented, ..Model::default() }
    }

    pub(crate) fn is_documented(&self) -> bool {
        self.documented
    }

    pub(crate) fn put(&mut self, id: &'static str, condition: Condition, identity: &Identity) -> Expected {
        if id == "no id" || is_wrong(identity) {
            return INVALID;
        }
        let made = if self.documented { 201 } else { 200 };
        match (self.devices.contains_key(id), condition) {
            (false, Condition::Nothing | Condition::Absent) => {
                self.create(id, identity);
                Expected::Identity(made, id)
            }
            (false, _) if self.documented => STALE,
            (false, _) => NOT_FOUND,
            (true, Condition::Absent | Condition::Stale(_)) => STALE,
            (true, Condition::Nothing) if !self.documented => Refused(409, "DeviceAlreadyExists"),
            (true, Condition::Nothing | Condition::Any | Condition::Own(_)) => {
                self.update(id, identity);
                Expected::Identity(200, id)
            }
        }
    }

    pub(crate) fn get(&self, id: &'static str) -> Expected {
        match self.devices.contains_key(id) {
            _ if id == "no id" => INVALID,
            true => Expected::Identity(200, id),
            false => NOT_FOUND,
        }
    }

    pub(crate) fn delete(&mut self, id: &'static str, condition: Condition) -> Expected {
        match (self.devices.contains_key(id), condition) {
            _ if id == "no id" => INVALID,
            (false, _) if self.documented => Done(204),
            (false, _) => NOT_FOUND,
            (true, Condition::Stale(_)) => STALE,
            (true, _) => {
                self.remove(id);
                Done(if self.documented { 200 } else { 204 })
            }
        }
    }

    pub(crate) fn bulk(&mut self, items: &[Item]) -> Expected {
        let failed: Vec<_> = items
            .iter()
            .filter_map(|item| {
                let times = items.iter().filter(|other| other.id == item.id).count();
                let code = if times > 1 { Some("DeviceDefinedMultipleTimes") } else { self.import(item) };
                Some((item.id, code?))
            })
            .collect();
        match failed.is_empty() {
            true => Answer(json!({ "isSuccessful": true, "errors": [] })),
            false => Failed(failed),
        }
    }

    /// The code of the error, if it is one.
    fn import(&mut self, item: &Item) -> Option<&'static str> {
        let Item { id, tag, identity, parts: Parts { tags, desired, reported }, .. } = item;
        let parts = [tags, desired, reported].map(Option::as_ref);
        let mode = item.mode.unwrap_or("createOrUpdate");
        let deletes = mode.starts_with("delete");
        if *id == "no id" || mode == "replace" || (!deletes && is_wrong(identity)) {
            return Some("ArgumentInvalid");
        }
        let exists = self.devices.contains_key(id);
        if exists && mode.ends_with("IfMatchETag") && !matches!(tag, Condition::Any | Condition::Own(_)) {
            return Some("PreconditionFailed");
        }
        match (mode.trim_end_matches("IfMatchETag"), exists) {
            ("create", true) => Some("DeviceAlreadyExists"),
            ("update" | "delete", false) => Some("DeviceNotFound"),
            ("delete", true) => {
                self.remove(id);
                None
            }
            _ if !are_allowed(parts) => Some("ArgumentInvalid"),
            (_, exists) => {
                match exists {
                    true => self.update(id, identity),
                    false => self.create(id, identity),
                }
                if let Some(device) = self.devices.get_mut(id)
                    && parts.iter().any(Option::is_some)
                {
                    device.replace(parts);
                }
                None
            }
        }
    }

    fn create(&mut self, id: &'static str, identity: &Identity) {
        let generation = Chosen { now: None, before: self.generations.get(id).cloned().unwrap_or_default() };
        let device = Device {
            generation,
            tag: Chosen::default(),
            enabled: identity.enabled.unwrap_or(true),
            reason: identity.reason,
            changed: None,
            proof: Proves::made(),
            twin_tag: Chosen::default(),
            version: 1,
            tags: Node::empty(),
            desired: Properties::new(true),
            reported: Properties::new(false),
            methods: BTreeSet::new(),
            queue: Queue::default(),
        };
        self.devices.insert(id, device);
        self.prove(id, identity.proof);
    }

    fn update(&mut self, id: &'static str, identity: &Identity) {
        let Some(device) = self.devices.get_mut(id) else { return };
        device.tag.renew();
        device.reason = identity.reason;
        let enabled = identity.enabled.unwrap_or(device.enabled);
        if enabled != device.enabled {
            device.enabled = enabled;
            device.changed.get_or_insert_default().renew();
        }
        self.prove(id, identity.proof);
    }

    fn prove(&mut self, id: &str, proof: Proof) {
        let Some(device) = self.devices.get_mut(id) else { return };
        match (proof, &mut device.proof) {
            (Proof::Unsaid | Proof::OneKey, _) => {}
            (Proof::NewKeys, Proves::MadeKeys(one, two)) => {
                one.renew();
                two.renew();
            }
            (Proof::NewKeys, proof) => *proof = Proves::made(),
            (Proof::Keys(one, two), proof) => *proof = Proves::Keys(one, two),
            (Proof::Thumbprint(text), proof) => *proof = Proves::Thumbprint(text),
        }
    }

    fn remove(&mut self, id: &'static str) {
        let Some(device) = self.devices.remove(id) else { return };
        self.uploads.forget(id);
        let Chosen { now, before } = device.generation;
        self.generations.insert(id, before.into_iter().chain(now).collect());
    }

    pub(crate) fn get_twin(&self, id: &'static str) -> Expected {
        match self.devices.contains_key(id) {
            _ if id == "no id" => INVALID,
            true => Twin(id),
            false => NOT_FOUND,
        }
    }

    pub(crate) fn change_twin(
        &mut self,
        id: &'static str,
        condition: Condition,
        parts: &Parts,
        replaces: bool,
    ) -> Expected {
        let Some(device) = self.devices.get_mut(id).filter(|_| id != "no id") else {
            return if id == "no id" { INVALID } else { NOT_FOUND };
        };
        if matches!(condition, Condition::Stale(_)) {
            return STALE;
        }
        // Only the device reports.
        let Parts { tags, desired, reported: _ } = parts;
        let [tags, desired] = [tags, desired].map(Option::as_ref);
        if !are_allowed([tags, desired, None]) {
            return INVALID;
        }
        match replaces {
            true => {
                let nothing = Object::new();
                device.replace([tags.or(Some(&nothing)), desired.or(Some(&nothing)), None]);
            }
            false => device.merge(tags, desired),
        }
        Twin(id)
    }

    pub(crate) fn found(&self, search: &Search) -> Vec<&'static str> {
        let is_found = |id: &str, device: &Device| match search {
            Search::All => true,
            Search::Id(own) => *own == id,
            Search::Disabled => !device.enabled,
            Search::At("tags", path, value) => at(&device.tags.values(), path) == Some(value),
            Search::At("properties.desired", path, value) => at(&device.desired.values.values(), path) == Some(value),
            Search::At(_, path, value) => at(&device.reported.values.values(), path) == Some(value),
        };
        self.devices.iter().filter(|(id, device)| is_found(id, device)).map(|(id, _)| *id).collect()
    }

    pub(crate) fn listen(&mut self, id: &str, method: &'static str) -> Option<u16> {
        match self.devices.get_mut(id) {
            Some(device) => {
                device.methods.insert(method);
                None
            }
            None => Some(404),
        }
    }

    pub(crate) fn forget(&mut self, id: &str, method: &'static str) -> Option<u16> {
        match self.devices.get_mut(id) {
            Some(device) => {
                device.methods.remove(method);
                None
            }
            None => Some(404),
        }
    }

    pub(crate) fn call(&self, id: &str, method: &str, payload: &Value) -> Expected {
        if id == "no id" {
            return INVALID;
        }
        let Some(device) = self.devices.get(id).filter(|device| device.enabled) else { return NOT_FOUND };
        match (device.methods.is_empty(), device.methods.contains(method)) {
            (true, _) => Refused(404, "DeviceNotOnline"),
            (_, true) => Answer(json!({ "status": 200, "payload": payload })),
            (_, false) => Answer(json!({ "status": 501, "payload": null })),
        }
    }

    /// What does not outlive the emulator is gone.
    pub(crate) fn restart(&mut self) {
        self.devices.values_mut().for_each(|device| device.methods.clear());
        self.events.clear();
        self.feedback.restart();
        for id in self.ids() {
            let ended = self.devices.get_mut(id).map(|device| device.queue.restart());
            // The time has not been moved yet.
            ended.into_iter().flatten().for_each(|ended| self.tell_end(id, Some(ended), 0));
        }
        self.feedback.advance(self.now);
        self.restart_jobs();
    }

    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now += seconds;
        let next = |(id, device): (&&'static str, &Device)| Some((device.queue.due()?, *id));
        while let Some((due, id)) = self.devices.iter().filter_map(next).min().filter(|((at, _), _)| *at <= self.now) {
            let ended = self.devices.get_mut(id).and_then(|device| device.queue.advance(due));
            self.tell_end(id, ended, due.0);
        }
        self.feedback.advance(self.now);
        self.advance_jobs();
    }

    /// A time at which something ends.
    fn after(&mut self, seconds: u64) -> Due {
        self.times += 1;
        (self.now + seconds, self.times)
    }

    /// The back end hears how a message has ended, if it wants to.
    fn tell_end(&mut self, id: &str, ended: Option<(Message, &'static str)>, at: u64) {
        let Some((message, how)) = ended.filter(|(message, how)| message.asks_for(how)) else { return };
        let generation = self.devices.get(id).and_then(|device| device.generation.now.as_deref());
        self.feedback.tell(id, generation, message.id, how, at);
    }

    /// What the back end receives of what became of its messages.
    pub(crate) fn receive_feedback(&mut self) -> Vec<Value> {
        self.feedback.receive(self.now)
    }

    pub(crate) fn settle_feedback(&mut self, token: &str, completes: bool) -> Expected {
        match self.feedback.settle(token, completes) {
            true => Done(204),
            false => Refused(412, "DeviceMessageLockLost"),
        }
    }

    /// The number of a message that is sent, if there is somebody to send it to.
    pub(crate) fn send(
        &mut self,
        id: &str,
        body: &'static str,
        lives: Option<u64>,
        message: Option<&'static str>,
        ack: Ack,
    ) -> Option<u64> {
        let expires = self.after(lives.unwrap_or(3_600));
        Some(self.devices.get_mut(id)?.queue.push(body, expires, message, ack))
    }

    /// Whether somebody with the hub's key may act for a device.
    fn acts(&mut self, id: &str) -> Result<&mut Device, Expected> {
        match self.devices.get_mut(id) {
            _ if id == "no id" => Err(INVALID),
            None => Err(NOT_FOUND),
            Some(device) if !device.enabled => Err(UNAUTHORIZED),
            Some(device) => Ok(device),
        }
    }

    /// The message that a device receives, with how often it was delivered before; what it is locked by is told afterwards.
    pub(crate) fn receive(&mut self, id: &str, lock: Option<i32>) -> Result<Option<&mut Message>, Expected> {
        let seconds = lock.unwrap_or(60).clamp(5, 300);
        let until = self.after(u64::from(seconds.unsigned_abs()));
        Ok(self.acts(id)?.queue.receive(until))
    }

    /// Notes what a delivery was locked by, which is new.
    pub(crate) fn received(&mut self, id: &str, token: String) {
        let Some(device) = self.devices.get_mut(id) else { return };
        assert!(!device.queue.tokens.contains(&token));
        device.queue.tokens.push(token);
    }

    /// What a delivery was locked by, counted from the newest.
    pub(crate) fn token(&self, id: &str, back: usize) -> String {
        let tokens = self.devices.get(id).map(|device| &*device.queue.tokens).unwrap_or_default();
        tokens.iter().rev().nth(back).cloned().unwrap_or_else(|| "never".to_owned())
    }

    pub(crate) fn settle(&mut self, id: &str, token: &str, how: Settlement) -> Expected {
        match self.acts(id).map(|device| device.queue.settle(token, how)) {
            Err(refused) => refused,
            Ok(None) => Refused(412, "DeviceMessageLockLost"),
            Ok(Some(ended)) => {
                self.tell_end(id, ended, self.now);
                Done(204)
            }
        }
    }

    pub(crate) fn purge(&mut self, id: &str) -> Expected {
        match self.devices.get_mut(id) {
            _ if id == "no id" => INVALID,
            None => NOT_FOUND,
            Some(device) => {
                let purged = std::mem::take(&mut device.queue.messages);
                let count = purged.len();
                purged.into_iter().for_each(|message| self.tell_end(id, Some((message, "Purged")), self.now));
                Answer(json!({ "totalMessagesPurged": count, "deviceId": id }))
            }
        }
    }

    /// The bodies of what waits for a device.
    pub(crate) fn queued(&self, id: &str) -> Vec<&'static str> {
        let messages = self.devices.get(id).map(|device| &*device.queue.messages).unwrap_or_default();
        messages.iter().map(|message| message.body).collect()
    }

    /// A key that a device has, or does not have any more.
    pub(crate) fn key(&self, id: &str, key: Key) -> String {
        let keys = self.devices.get(id).map(|device| &device.proof);
        let found = match (keys, key) {
            (Some(Proves::MadeKeys(one, _)), Key::Primary) => one.now.clone(),
            (Some(Proves::MadeKeys(_, two)), Key::Secondary) => two.now.clone(),
            (Some(Proves::MadeKeys(one, _)), Key::Former) => one.before.last().cloned(),
            (Some(Proves::Keys(one, _)), Key::Primary) => Some((*one).to_owned()),
            (Some(Proves::Keys(_, two)), Key::Secondary) => Some((*two).to_owned()),
            _ => None,
        };
        found.unwrap_or_else(|| "bWFkZSB1cCwgbm9ib2R5J3M=".to_owned())
    }

    pub(crate) fn tell(&mut self, id: &'static str, body: &'static str, key: Key) -> Expected {
        let device = self.devices.get(id);
        let may = match key {
            Key::Primary | Key::Secondary => {
                device.is_some_and(|device| device.enabled && !matches!(device.proof, Proves::Thumbprint(_)))
            }
            Key::Former => false,
            Key::Hub => device.is_none_or(|device| device.enabled),
        };
        match device {
            _ if !may => UNAUTHORIZED,
            _ if id == "no id" => INVALID,
            None => NOT_FOUND,
            Some(_) => {
                self.events.push((id, body));
                Done(204)
            }
        }
    }

    pub(crate) fn events(&self) -> &[(&'static str, &'static str)] {
        &self.events
    }

    /// The tags that a condition stands for: of the identity, and of the twin.
    pub(crate) fn tags(&self, id: &str, condition: Condition) -> [Option<String>; 2] {
        let device = self.devices.get(id);
        let tags = device.map(|device| [&device.tag, &device.twin_tag]);
        [0, 1].map(|at| {
            let tag = tags.map(|tags| tags[at]);
            Some(match condition {
                Condition::Nothing | Condition::Absent => return None,
                Condition::Any => "*".to_owned(),
                Condition::Own(form) => form.write(tag.and_then(|tag| tag.now.as_deref()).unwrap_or("MA==")),
                Condition::Stale(form) => form.write(tag.and_then(|tag| tag.before.last()).map_or("never", |tag| tag)),
            })
        })
    }

    pub(crate) fn ids(&self) -> Vec<&'static str> {
        self.devices.keys().copied().collect()
    }

    /// How many there are, how many of them are enabled, and how many connected.
    pub(crate) fn counts(&self) -> [usize; 3] {
        let enabled = self.devices.values().filter(|device| device.enabled).count();
        let connected = self.devices.values().filter(|device| device.is_connected()).count();
        [self.devices.len(), enabled, connected]
    }

    /// Whether an identity is what it should be.
    pub(crate) fn check_identity(&mut self, id: &str, seen: &Value) {
        let device = self.devices.get_mut(id).unwrap_or_else(|| panic!("{id} is there: {seen}"));
        assert_eq!(without_nulls(seen), without_nulls(&device.identity(id, seen)), "the identity of {id}");
    }

    /// Whether a twin is what it should be.
    pub(crate) fn check_twin(&mut self, id: &str, seen: &Value) {
        let device = self.devices.get_mut(id).unwrap_or_else(|| panic!("{id} is there: {seen}"));
        let expected = device.twin(id, seen);
        assert_eq!(without_nulls(&without_times(seen)), without_nulls(&expected), "the twin of {id}");
    }
}
