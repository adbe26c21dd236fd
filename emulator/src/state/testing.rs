//! Hubs for tests.

use std::sync::Arc;

use super::{Hub, HubState, Identity, Registry};
use crate::clock::HubClock;
use crate::config::Limits;
use crate::store::Store;

/// A hub of one's own, which keeps nothing.
pub(crate) fn hub() -> Arc<Hub> {
    Arc::new(Hub::new("h", "h.azure-devices.net", HubClock::new(), Store::none(), HubState::default()))
}

/// Makes devices.
pub(crate) fn devices<'a>(hub: &Hub, ids: impl IntoIterator<Item = &'a str>) {
    let done = hub.change(|state, changes| {
        let mut registry = Registry::open(hub, state, changes, &Limits::default())?;
        ids.into_iter().try_for_each(|id| registry.create(id, &Identity::default(), Vec::new()).map(drop))
    });
    drop(done.unwrap());
}

/// Deletes devices.
pub(crate) fn delete(hub: &Hub, ids: &[&str]) {
    let done = hub.change(|state, changes| {
        let mut registry = Registry::open(hub, state, changes, &Limits::default())?;
        ids.iter().try_for_each(|id| registry.delete(id))
    });
    drop(done.unwrap());
}
