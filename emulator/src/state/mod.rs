//! All that the emulator knows: hubs, and what is in each of them.
//!
//! It is in memory, behind a lock for each hub that is never held while anybody waits. What has to outlive the emulator is handed to the
//! [`Store`] under the same lock, so that the store sees changes in the order in which they were made; an answer waits until its change
//! is written ([`Pending`]).

pub(crate) mod blobs;
mod device;
pub(crate) mod events;
pub(crate) mod feedback;
mod hub;
pub(crate) mod jobs;
mod load;
pub(crate) mod methods;
pub(crate) mod operations;
mod policy;
pub(crate) mod provider;
pub(crate) mod queue;
mod registry;
pub(crate) mod resource;
#[cfg(test)]
pub(crate) mod restart;
mod scan;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod transfers;
mod twin;
mod twin_row;
pub(crate) mod uploads;
mod whole;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use iothub::runtime::server::ServiceError;

pub(crate) use device::{Credentials, Device, is_id, time_or_never};
pub(crate) use hub::{Hub, HubState, Pending};
pub(crate) use load::{Found, Loaded, keep_format, load};
pub(crate) use policy::{Policy, new_key};
pub(crate) use registry::{Action, Given, Identity, Import, Live, Registry};
pub(crate) use scan::Scan;
pub(crate) use twin::{Change, Part, Twin};
pub(crate) use twin_row::{BESIDE, TwinRow, beside};

use self::operations::{LongOperations, Record};
use self::provider::Leaving;
use crate::clock::HubClock;
use crate::config::Config;
use crate::errors;
use crate::store::{Changes, Store};

/// What is the same for all hubs.
#[derive(Debug)]
pub(crate) struct World {
    /// The time.
    pub(crate) clock: HubClock,
    /// Where things are kept.
    pub(crate) store: Store,
    /// How the emulator was started.
    pub(crate) config: Config,
    /// Operations of the resource provider.
    pub(crate) operations: LongOperations,
    /// The hubs that are being deleted, by their names in small letters.
    leaving: Mutex<BTreeMap<String, Leaving>>,
    /// By their names in small letters.
    hubs: RwLock<BTreeMap<String, Arc<Hub>>>,
    /// The name of the hub that requests without a known host name are for.
    main: String,
}

impl World {
    /// A world with no hub yet. Requests to addresses and unknown hosts will be for the hub called `main`.
    pub(crate) fn new(clock: HubClock, store: Store, main: impl Into<String>) -> World {
        let config = Config::default();
        let operations = LongOperations::new(clock.clone(), store.clone());
        let (hubs, main) = (RwLock::default(), main.into().to_ascii_lowercase());
        World { clock, store, config, operations, leaving: Mutex::default(), hubs, main }
    }

    /// The same, started otherwise.
    #[must_use]
    pub(crate) fn with_config(mut self, config: Config) -> World {
        self.config = config;
        self
    }

    /// Knows an operation of before a restart, and the hub that it deletes.
    ///
    /// # Errors
    ///
    /// Where it is none.
    pub(crate) fn put_back(&self, id: String, mut record: Record) -> Result<(), String> {
        let leaving = record.leaving.take().zip(record.at).map(|(hub, until)| Leaving::new(hub, until));
        self.operations.put_back(id, record)?;
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner).extend(leaving);
        Ok(())
    }

    /// Moves the time on.
    ///
    /// # Errors
    ///
    /// 500 where it cannot be written.
    pub(crate) fn advance(&self, by: Duration) -> Result<Pending<()>, ServiceError> {
        let mut changes = Changes::default();
        self.clock.advance(by);
        load::keep_clock(&mut changes, self.clock.moved()).map_err(errors::internal)?;
        Ok(Pending::new((), self.store.write(changes)))
    }

    /// Adds a hub, in place of another of its name.
    pub(crate) fn add(&self, hub: Arc<Hub>) {
        self.hubs.write().unwrap_or_else(PoisonError::into_inner).insert(hub.name.to_ascii_lowercase(), hub);
    }

    /// Removes a hub.
    pub(crate) fn remove(&self, name: &str) -> Option<Arc<Hub>> {
        self.hubs.write().unwrap_or_else(PoisonError::into_inner).remove(&name.to_ascii_lowercase())
    }

    /// The hub of a name.
    pub(crate) fn hub(&self, name: &str) -> Option<Arc<Hub>> {
        self.hubs.read().unwrap_or_else(PoisonError::into_inner).get(&name.to_ascii_lowercase()).cloned()
    }

    /// All hubs, in the order of their names.
    pub(crate) fn hubs(&self) -> Vec<Arc<Hub>> {
        self.hubs.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The hub that a request to this host is for: the one whose host name it is, or whose name stands before `.localhost`. Where the host is in
    /// neither domain it is the main one, since that is what somebody means who asks an address.
    pub(crate) fn hub_at(&self, host: &str) -> Option<Arc<Hub>> {
        let hubs = self.hubs.read().unwrap_or_else(PoisonError::into_inner);
        let main = || hubs.get(&self.main).filter(|_| label(host, LOCALHOST).or(label(host, DOMAIN)).is_none());
        named(&hubs, host).or_else(main).cloned()
    }

    /// The hub whose host name it is, or whose name stands before `.localhost`.
    pub(crate) fn named(&self, host: &str) -> Option<Arc<Hub>> {
        named(&self.hubs.read().unwrap_or_else(PoisonError::into_inner), host).cloned()
    }

    /// Whether there are hubs beside one.
    pub(crate) fn has_several(&self) -> bool {
        self.hubs.read().unwrap_or_else(PoisonError::into_inner).len() > 1
    }
}

/// What the names of hubs may be followed by, since every resolver knows where that is.
const LOCALHOST: &str = ".localhost";
/// What the host names of hubs end with.
pub(crate) const DOMAIN: &str = ".azure-devices.net";

/// The hub whose host name it is, or whose name stands before `.localhost`.
fn named<'a>(hubs: &'a BTreeMap<String, Arc<Hub>>, host: &str) -> Option<&'a Arc<Hub>> {
    let by_name = || hubs.get(&label(host, LOCALHOST)?.to_ascii_lowercase());
    let host = without_port(host);
    hubs.values().find(|hub| hub.host.eq_ignore_ascii_case(host)).or_else(by_name)
}

/// What stands before a domain.
fn label<'a>(host: &'a str, domain: &str) -> Option<&'a str> {
    let host = without_port(host);
    let (label, end) = host.split_at_checked(host.len().checked_sub(domain.len())?)?;
    end.eq_ignore_ascii_case(domain).then_some(label)
}

/// A host without the port that may follow it.
pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons of an IPv6 address are in brackets.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}
