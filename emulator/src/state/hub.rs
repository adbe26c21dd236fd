//! One hub.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::SystemTime;

use iothub::runtime::Clock;
use iothub::runtime::server::ServiceError;

use super::blobs::{self, Blobs};
use super::device::{self, Device};
use super::events::Events;
use super::feedback::{self, Feedback};
use super::jobs::{self, Jobs};
use super::methods::Methods;
use super::policy::Policy;
use super::queue::{self, Queues};
use super::resource::{self, Resource};
use super::transfers::{self, Transfer};
use super::uploads::{self, Uploads};
use crate::clock::HubClock;
use crate::errors;
use crate::store::{Changes, Store, Written};

/// A hub: what it is called, and behind a lock what is in it.
pub(crate) struct Hub {
    /// The name, as it was given.
    pub(crate) name: String,
    /// The host name, such as `name.azure-devices.net`.
    pub(crate) host: String,
    /// The time.
    pub(crate) clock: HubClock,
    /// What devices have told it.
    pub(crate) events: Events,
    store: Store,
    state: RwLock<HubState>,
}

/// What is in a hub.
#[derive(Debug, Default)]
pub(crate) struct HubState {
    /// Whether the hub was deleted. Who still has it can change what is in it, and nothing comes of that.
    pub(crate) is_gone: bool,
    /// The hub as an Azure resource.
    pub(crate) resource: Resource,
    /// The shared access policies.
    pub(crate) policies: Vec<Policy>,
    /// Imports and exports of devices, in the order in which they began.
    pub(crate) transfers: Vec<Transfer>,
    /// The devices by their ids. A device is replaced, never changed, so that a reader may keep it.
    pub(crate) devices: BTreeMap<Arc<str>, Arc<Device>>,
    /// How many of them are disabled.
    pub(crate) disabled: usize,
    /// The greatest generation that a device ever had.
    pub(crate) generation: u64,
    /// Who answers direct methods. It is not kept.
    pub(crate) methods: Methods,
    /// The messages that wait for devices.
    pub(crate) queues: Queues,
    /// What became of messages.
    pub(crate) feedback: Feedback,
    /// The uploads of files that are in progress.
    pub(crate) uploads: Uploads,
    /// The scheduled jobs.
    pub(crate) jobs: Jobs,
    /// Files, and lists of devices.
    pub(crate) blobs: Blobs,
}

impl HubState {
    /// Reads a record of the store: of a kind, with an id.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn load(&mut self, kind: &str, id: &str, bytes: &[u8]) -> Result<(), String> {
        match kind {
            Device::KIND => device::load(self, id, bytes),
            resource::KIND => resource::load(self, bytes).map(drop),
            transfers::KIND => transfers::load(self, bytes),
            queue::KIND => queue::load(self, id, bytes),
            queue::COUNT_KIND => queue::load_count(self, id, bytes),
            feedback::KIND => feedback::load(self, id, bytes),
            uploads::KIND => uploads::load(self, id, bytes),
            jobs::KIND => jobs::load(self, id, bytes),
            kind if blobs::KINDS.contains(&kind) => blobs::load(self, kind, id, bytes),
            _ => Err("there is no such kind of record".to_owned()),
        }
    }

    /// Whether records that belong together are there, once all have been read.
    ///
    /// # Errors
    ///
    /// What is missing.
    pub(super) fn check(&self) -> Result<(), String> {
        blobs::check(self)
    }

    /// The id of a device that is there, to be kept.
    ///
    /// # Errors
    ///
    /// 404 where it is not there.
    pub(crate) fn device_id(&self, id: &str) -> Result<Arc<str>, ServiceError> {
        let found = self.devices.get_key_value(id).map(|(id, _)| id.clone());
        found.ok_or_else(|| errors::device_not_found(id))
    }

    /// When something ends by itself.
    fn deadline(&self) -> Option<SystemTime> {
        let all = [self.queues.deadline(), self.feedback.deadline(), self.uploads.deadline(), self.blobs.deadline()];
        all.into_iter().flatten().min()
    }

    /// Ends what is over by now.
    fn advance(&mut self, hub: &Hub, changes: &mut Changes, now: SystemTime) {
        queue::advance(hub, self, changes, now);
        // What has become of messages may itself be old by now.
        feedback::advance(hub, self, changes, now);
        uploads::advance(hub, self, changes, now);
        blobs::advance(hub, self, changes, now);
    }
}

/// What came of a change, once it is written.
#[derive(Debug)]
#[must_use = "the change may not be written yet"]
pub(crate) struct Pending<T> {
    value: T,
    written: Written,
}

impl<T> Pending<T> {
    pub(super) fn new(value: T, written: Written) -> Pending<T> {
        Pending { value, written }
    }

    /// For tests: what came of it, which may not be written yet.
    #[cfg(test)]
    pub(crate) fn now(self) -> T {
        self.value
    }

    /// Waits until the change is written.
    ///
    /// # Errors
    ///
    /// 500 where it could not be.
    pub(crate) async fn durable(self) -> Result<T, ServiceError> {
        self.written.durable().await.map_err(errors::not_stored)?;
        Ok(self.value)
    }
}

impl Hub {
    /// A hub with what the store has of it.
    pub(crate) fn new(
        name: impl Into<String>,
        host: impl Into<String>,
        clock: HubClock,
        store: Store,
        state: HubState,
    ) -> Hub {
        let events = Events::default();
        Hub { name: name.into(), host: host.into(), clock, events, store, state: RwLock::new(state) }
    }

    /// Looks at what is in the hub, without what is over by now. Not to be held while waiting.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, HubState> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if !self.is_due(&state, self.clock.now()) {
            return state;
        }
        drop(state);
        drop(self.change(|_, _| Ok::<(), Infallible>(())));
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_due(&self, state: &HubState, now: SystemTime) -> bool {
        state.deadline().is_some_and(|deadline| deadline <= now) && !state.is_gone
    }

    /// Changes what is in the hub, and hands what is to be kept to the store. Where `change` fails, it must have changed nothing. What is over
    /// by now has ended before.
    ///
    /// # Errors
    ///
    /// Those of `change`.
    pub(crate) fn change<T, E>(
        &self,
        change: impl FnOnce(&mut HubState, &mut Changes) -> Result<T, E>,
    ) -> Result<Pending<T>, E> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if self.is_due(&state, now) {
            let mut changes = Changes::default();
            state.advance(self, &mut changes, now);
            // Nobody waits for it: what the store may still have is over when it is read, too.
            drop(self.store.write(changes));
        }
        let mut changes = Changes::default();
        let was_gone = state.is_gone;
        let value = change(&mut state, &mut changes)?;
        if was_gone {
            // Another hub may have its name by now.
            changes = Changes::default();
        }
        // Under the lock: the order of changes is the order in which they are written.
        Ok(Pending::new(value, self.store.write(changes)))
    }

    /// The key of a record of this hub in the store.
    pub(crate) fn key(&self, kind: &str, id: &str) -> String {
        format!("{}/{kind}/{id}", self.folder())
    }

    /// What the keys of all records of this hub begin with, before a slash.
    pub(crate) fn folder(&self) -> String {
        format!("hub/{}", self.name.to_ascii_lowercase())
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("name", &self.name).field("host", &self.host).finish_non_exhaustive()
    }
}
