//! Containers of the emulator's own blobs, for imports and exports.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use iothub::runtime::server::ServiceError;
use iothub::runtime::transport::BoxFuture;
use iothub::runtime::{Clock, Secret};

use super::{Refusal, names, sas};
use crate::random;
use crate::services::{Container, Containers, Upload};
use crate::state::blobs::{Content, Parts, Writer};
use crate::state::{Hub, Pending, World};

/// How long an address of a container is good.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

/// Finds containers by their addresses, whatever the scheme.
#[derive(Debug)]
pub(crate) struct BlobContainers {
    world: Arc<World>,
}

impl BlobContainers {
    /// The containers of this world.
    pub(crate) fn new(world: Arc<World>) -> BlobContainers {
        BlobContainers { world }
    }
}

struct Opened {
    hub: Arc<Hub>,
    name: String,
}

impl Hub {
    /// A container, made if it is not there, as path and query of an address that allows everything with it for a year.
    ///
    /// # Errors
    ///
    /// 400 where it may not be called that, 413 where there is no room.
    pub(crate) fn open_container(&self, name: &str) -> Result<Pending<String>, ServiceError> {
        if !names::is_container(name) {
            return Err(Refusal::invalid_name().in_service());
        }
        let now = self.clock.now();
        let fresh = Secret::from(String::from(random::key()?));
        self.change(|state, changes| {
            let mut writer = Writer::open(self, state, changes, now);
            writer.ensure_container(name).map_err(Refusal::in_service)?;
            let expiry = now.checked_add(YEAR).unwrap_or(now);
            Ok(format!("/{name}?{}", sas::sign(&writer.key(fresh), &self.name, (name, None), "rwdl", expiry)))
        })
    }
}

impl Containers for BlobContainers {
    fn open(&self, address: &str, writes: bool) -> Result<Arc<dyn Container>, String> {
        let uri: Uri = address.trim().parse().map_err(|_| "its address is no URL.")?;
        let host = uri.authority().ok_or("its address has no host.")?.as_str();
        let name = uri.path().trim_matches('/');
        if !names::is_container(name) {
            return Err("its address is of no container.".to_owned());
        }
        let said = |refusal: Refusal| refusal.message().to_owned();
        let query = uri.query().unwrap_or_default();
        let (hub, grant) = super::granted(&self.world, host, (name, None), query).map_err(said)?;
        grant.needs(if writes { "w" } else { "r" }).map_err(said)?;
        hub.read().blobs.container(name).map(drop).map_err(said)?;
        Ok(Arc::new(Opened { hub, name: name.to_owned() }))
    }
}

impl Container for Opened {
    fn read<'a>(&'a self, blob: &'a str) -> BoxFuture<'a, Result<Vec<Bytes>, String>> {
        let state = self.hub.read();
        let pieces = state.blobs.blob(&self.name, blob).map(|found| state.blobs.content(&found));
        Box::pin(ready(pieces.map_err(|refusal| said(blob, &refusal))))
    }

    fn write(&self, blob: &str) -> Result<Box<dyn Upload>, String> {
        let id = random::id().map_err(|error| error.message().to_owned())?;
        let parts = Parts::new(&self.name, &id);
        Ok(Box::new(Uploading { hub: self.hub.clone(), blob: blob.to_owned(), parts, count: 0 }))
    }
}

fn said(blob: &str, refusal: &Refusal) -> String {
    format!("{blob}: {}", refusal.message())
}

/// A blob that is being written. Dropped before it is, nothing of it is left.
struct Uploading {
    hub: Arc<Hub>,
    blob: String,
    parts: Parts,
    count: usize,
}

impl Uploading {
    async fn change<T>(&self, change: impl FnOnce(&mut Writer<'_>) -> Result<T, Refusal>) -> Result<(), String> {
        let now = self.hub.clock.now();
        let changed = self.hub.change(|state, changes| change(&mut Writer::open(&self.hub, state, changes, now)));
        let written = changed.map_err(|refusal| said(&self.blob, &refusal))?.durable().await;
        written.map(drop).map_err(|error| format!("{}: {}", self.blob, error.message()))
    }
}

impl Upload for Uploading {
    fn add(&mut self, part: Bytes) -> BoxFuture<'_, Result<(), String>> {
        self.count += 1;
        let (number, content) = (self.count, Content::new(part));
        Box::pin(async move { self.change(|writer| writer.add_part(&self.parts, number, content)).await })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), String>> {
        let headers = [("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())].into();
        Box::pin(async move { self.change(|writer| writer.put_parts(&self.parts, &self.blob, headers)).await })
    }
}

impl Drop for Uploading {
    fn drop(&mut self) {
        let now = self.hub.clock.now();
        let Ok(dropped) = self.hub.change(|state, changes| -> Result<(), Infallible> {
            Writer::open(&self.hub, state, changes, now).drop_parts(&self.parts);
            Ok(())
        });
        // Nobody waits for it: after a restart, they go anyway.
        drop(dropped);
    }
}
