//! For tests: a hub that is closed and opened again.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use iothub::runtime::server::ServiceError;

use super::{Hub, HubState, Identity, Registry, keep_format, load, resource};
use crate::clock::HubClock;
use crate::config::Limits;
use crate::random;
use crate::store::Store;

/// A hub over a file of its own.
pub(crate) struct Kept {
    folder: PathBuf,
    clock: HubClock,
    store: Store,
    pub(crate) hub: Arc<Hub>,
}

impl Kept {
    pub(crate) async fn new() -> Kept {
        let folder = std::env::temp_dir().join(format!("iothub-emulator-{}", random::id().unwrap()));
        let (store, _) = Store::open(&folder).unwrap();
        let clock = HubClock::new();
        let hub = Arc::new(Hub::new("h", "h.example", clock.clone(), store.clone(), HubState::default()));
        let Ok(kept) = hub.change(|state, changes| -> Result<(), Infallible> {
            keep_format(changes);
            resource::keep(&hub, state, changes);
            Ok(())
        });
        kept.durable().await.unwrap();
        Kept { folder, clock, store, hub }
    }

    /// The same hub after a restart.
    pub(crate) async fn reopened(mut self) -> Kept {
        self.store.close().await;
        let (store, records) = Store::open(&self.folder).unwrap();
        let loaded = load(records).unwrap().hubs.pop().unwrap();
        let hub = Hub::new(loaded.name, loaded.host, self.clock.clone(), store.clone(), loaded.state);
        (self.store, self.hub) = (store, Arc::new(hub));
        self
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A hub that keeps nothing.
pub(crate) fn hub() -> Arc<Hub> {
    Arc::new(Hub::new("h", "h.example", HubClock::new(), Store::none(), HubState::default()))
}

/// Makes a device.
pub(crate) async fn device(hub: &Hub, id: &str) {
    let made = hub.change(|state, changes| {
        let mut registry = Registry::open(hub, state, changes, &Limits::default())?;
        registry.create(id, &Identity::default(), Vec::new())?;
        Ok::<(), ServiceError>(())
    });
    made.unwrap().durable().await.unwrap();
}
