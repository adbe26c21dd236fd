//! The registry: what becomes of devices.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use iothub::runtime::Clock;
use iothub::runtime::server::{Preconditions, ServiceError};
use iothub::runtime::time::DateTime;

use super::device::{Credentials, Device, is_id};
use super::hub::{Hub, HubState};
use super::queue;
use super::twin::{Change, Part, Twin};
use super::uploads;
use crate::config::Limits;
use crate::errors;
use crate::profile;
use crate::random;
use crate::store::Changes;

/// How long the record of a device is, or a little longer, unless its twin is large.
const RECORD: usize = 2 << 10;

/// What somebody wants an identity to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    /// Whether it may use the hub; without this, as it was, and a new one may.
    pub(crate) enabled: Option<bool>,
    /// The note on its status.
    pub(crate) status_reason: Option<Box<str>>,
    /// With what it is to prove itself.
    pub(crate) given: Given,
    /// Whether other devices may reach the hub through it; without this, as it was, and through a new one they may not.
    pub(crate) edge: Option<bool>,
}

/// With what a device is to prove itself.
#[derive(Clone, Default)]
pub(crate) enum Given {
    /// With what it has; a new one with two keys.
    #[default]
    Nothing,
    /// With two keys: those that it has, or new ones.
    AnyKeys,
    /// With two new keys.
    NewKeys,
    /// With something else.
    Own(Credentials),
}

/// What there is to know of a device beside what it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    /// Whether it is connected.
    pub(crate) connected: bool,
    /// How many messages wait for it.
    pub(crate) queued: usize,
}

/// What is to be done with one of many devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is made, or changed if it is there.
    CreateOrUpdate,
    /// It is deleted.
    Delete,
}

/// One of many devices, and what is to be done with it.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    /// The id.
    pub(crate) id: String,
    /// What is to be done.
    pub(crate) action: Action,
    /// The tag that it must have if it is there, where that counts; without one it has none that it may have.
    pub(crate) if_match: Option<String>,
    /// What it is to be.
    pub(crate) identity: Identity,
    /// What its twin is to be.
    pub(crate) twin: Vec<(Part, Change)>,
}

impl HubState {
    /// Puts a device where it belongs. Nothing is written to the store.
    pub(super) fn insert(&mut self, device: Arc<Device>) {
        self.generation = self.generation.max(device.generation);
        self.disabled += usize::from(!device.enabled);
        if let Some(old) = self.devices.insert(device.id.clone(), device) {
            self.disabled -= usize::from(!old.enabled);
        }
    }

    /// What else there is to know of a device.
    pub(crate) fn live(&self, id: &str) -> Live {
        Live { connected: self.is_connected(id), queued: queue::depth(self, id) }
    }
}

/// The registry of a hub, while it is changed.
///
/// Each of its methods changes everything that it has to, or nothing.
pub(crate) struct Registry<'a> {
    hub: &'a Hub,
    state: &'a mut HubState,
    changes: &'a mut Changes,
    /// The most devices.
    most: usize,
    now: SystemTime,
    today: DateTime,
}

impl<'a> Registry<'a> {
    /// The registry, within [`Hub::change`].
    ///
    /// # Errors
    ///
    /// 500 where the time cannot be written.
    pub(crate) fn open(
        hub: &'a Hub,
        state: &'a mut HubState,
        changes: &'a mut Changes,
        limits: &Limits,
    ) -> Result<Registry<'a>, ServiceError> {
        let now = hub.clock.now();
        let today = DateTime::try_from(now).map_err(errors::internal)?;
        Ok(Registry { hub, state, changes, most: limits.devices, now, today })
    }

    /// A device.
    ///
    /// # Errors
    ///
    /// 404 where there is none of this id.
    pub(crate) fn get(&self, id: &str) -> Result<Arc<Device>, ServiceError> {
        self.find(id).ok_or_else(|| errors::device_not_found(id))
    }

    /// A device, if there is one of this id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Device>> {
        self.state.devices.get(id).cloned()
    }

    /// Makes a device.
    ///
    /// # Errors
    ///
    /// 400 where it may not be like that, 403 where there are too many, 409 where it is there.
    pub(crate) fn create(
        &mut self,
        id: &str,
        identity: &Identity,
        twin: Vec<(Part, Change)>,
    ) -> Result<Arc<Device>, ServiceError> {
        if !is_id(id) {
            return Err(errors::no_device_id());
        }
        if self.state.devices.contains_key(id) {
            return Err(errors::device_exists(id));
        }
        if self.state.devices.len() >= self.most {
            return Err(errors::too_many_devices(self.most));
        }
        let device = Device {
            id: id.into(),
            generation: self.next_generation(),
            version: 0,
            enabled: identity.enabled.unwrap_or(true),
            status_reason: identity.status_reason.clone(),
            status_updated: None,
            credentials: credentials(&identity.given, None)?,
            edge: identity.edge.unwrap_or_default(),
            twin: self.changed(&Arc::new(Twin::new(self.today)), twin)?,
        };
        self.put(device)
    }

    /// Changes a device.
    ///
    /// # Errors
    ///
    /// 400 where it may not be like that, 404 where it is not there.
    pub(crate) fn update(
        &mut self,
        id: &str,
        identity: &Identity,
        twin: Vec<(Part, Change)>,
    ) -> Result<Arc<Device>, ServiceError> {
        let old = self.get(id)?;
        let enabled = identity.enabled.unwrap_or(old.enabled);
        let device = Device {
            id: old.id.clone(),
            generation: old.generation,
            version: old.version + 1,
            enabled,
            status_reason: identity.status_reason.clone(),
            status_updated: if enabled == old.enabled { old.status_updated } else { Some(self.now) },
            credentials: credentials(&identity.given, Some(&old.credentials))?,
            edge: identity.edge.unwrap_or(old.edge),
            twin: self.changed(&old.twin, twin)?,
        };
        self.put(device)
    }

    /// Deletes a device, with all that is its own.
    ///
    /// # Errors
    ///
    /// 404 where it is not there.
    pub(crate) fn delete(&mut self, id: &str) -> Result<(), ServiceError> {
        let old = self.state.devices.remove(id).ok_or_else(|| errors::device_not_found(id))?;
        self.state.disabled -= usize::from(!old.enabled);
        self.changes.remove(self.hub.key(Device::KIND, id));
        queue::forget(self.hub, self.state, self.changes, id);
        self.state.forget_methods(id);
        uploads::forget(self.hub, self.state, self.changes, id);
        Ok(())
    }

    /// Changes the twin of a device, if the preconditions hold.
    ///
    /// # Errors
    ///
    /// 400 where it may not be like that, 404 where there is no such device, 412 where a precondition does not hold.
    pub(crate) fn change_twin(
        &mut self,
        id: &str,
        preconditions: &Preconditions,
        changes: Vec<(Part, Change)>,
    ) -> Result<Arc<Device>, ServiceError> {
        let old = self.get(id)?;
        if !profile::allows(preconditions, &old.twin.etag()) {
            return Err(errors::precondition_failed());
        }
        let twin = old.twin.changed(changes, self.today).map(Arc::new).map_err(errors::invalid)?;
        self.put(Device { twin, ..Device::clone(&old) })
    }

    /// Does what is to be done with one of many devices.
    ///
    /// # Errors
    ///
    /// As the methods above, and 412 where it has another tag.
    pub(crate) fn import(&mut self, import: Import) -> Result<(), ServiceError> {
        let Import { id, action, if_match, identity, twin } = import;
        let old = self.find(&id);
        if let (Some(tag), Some(old)) = (&if_match, &old)
            && !profile::is_same_tag(tag, &old.etag())
        {
            return Err(errors::precondition_failed());
        }
        match (action, old) {
            (Action::Create, _) | (Action::CreateOrUpdate, None) => self.create(&id, &identity, twin).map(drop),
            (Action::Update, _) | (Action::CreateOrUpdate, Some(_)) => self.update(&id, &identity, twin).map(drop),
            (Action::Delete, _) => self.delete(&id),
        }
    }

    /// A twin with changes; without any it stays what it is.
    fn changed(&self, twin: &Arc<Twin>, changes: Vec<(Part, Change)>) -> Result<Arc<Twin>, ServiceError> {
        match changes.is_empty() {
            true => Ok(twin.clone()),
            false => twin.changed(changes, self.today).map(Arc::new).map_err(errors::invalid),
        }
    }

    fn put(&mut self, device: Device) -> Result<Arc<Device>, ServiceError> {
        let mut record = Vec::with_capacity(RECORD);
        serde_json::to_writer(&mut record, &device).map_err(errors::internal)?;
        let device = Arc::new(device);
        self.changes.put(self.hub.key(Device::KIND, &device.id), record);
        self.state.insert(device.clone());
        Ok(device)
    }

    /// One that no device ever had: the tenths of microseconds since the year 1.
    fn next_generation(&self) -> u64 {
        const YEAR_1970: u64 = 621_355_968_000_000_000;
        let since_1970 = self.now.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() / 100;
        let now = u64::try_from(since_1970).unwrap_or_default().saturating_add(YEAR_1970);
        now.max(self.state.generation.saturating_add(1))
    }
}

/// With what a device proves itself from now on.
fn credentials(given: &Given, old: Option<&Credentials>) -> Result<Credentials, ServiceError> {
    match (given, old) {
        (Given::Own(own), _) => Ok(own.clone()),
        (Given::Nothing, Some(old)) | (Given::AnyKeys, Some(old @ Credentials::Keys(_))) => Ok(old.clone()),
        (Given::NewKeys | Given::AnyKeys | Given::Nothing, _) => {
            Ok(Credentials::Keys([random::key()?, random::key()?]))
        }
    }
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Given::Nothing => "Nothing",
            Given::AnyKeys => "AnyKeys",
            Given::NewKeys => "NewKeys",
            Given::Own(_) => "Own(..)",
        })
    }
}

#[cfg(test)]
mod tests;
