//! Containers of the emulator's own blobs, for imports and exports.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Uri;
use iothub::runtime::server::{Preconditions, ServiceError};
use iothub::runtime::transport::BoxFuture;
use iothub::runtime::{Clock, Secret};

use super::{Refusal, names, sas};
use crate::random;
use crate::services::{Container, Containers};
use crate::state::blobs::{Content, LARGEST, Writer};
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
        let uri: Uri = address.trim().parse().map_err(|_| "its address is none.")?;
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
    fn read<'a>(&'a self, blob: &'a str) -> BoxFuture<'a, Result<Bytes, String>> {
        let state = self.hub.read();
        let pieces = state.blobs.blob(&self.name, blob).map(|found| state.blobs.content(&found));
        drop(state);
        Box::pin(async move {
            let mut pieces = pieces.map_err(|refusal| format!("{blob}: {}", refusal.message()))?;
            if pieces.len() == 1 {
                return Ok(pieces.remove(0));
            }
            let mut all = BytesMut::new();
            pieces.iter().for_each(|piece| all.extend_from_slice(piece));
            Ok(all.freeze())
        })
    }

    fn write<'a>(&'a self, blob: &'a str, bytes: Bytes) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let said = |refusal: Refusal| format!("{blob}: {}", refusal.message());
            if bytes.len() as u64 > LARGEST {
                return Err(said(Refusal::too_large(LARGEST)));
            }
            let headers = [("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())].into();
            let (content, now) = (Content::new(bytes), self.hub.clock.now());
            let put = self.hub.change(|state, changes| {
                let mut writer = Writer::open(&self.hub, state, changes, now);
                writer.put_blob((&self.name, blob), &Preconditions::default(), headers, content)
            });
            match put.map_err(said)?.durable().await {
                Ok(_) => Ok(()),
                Err(error) => Err(format!("{blob}: {}", error.message())),
            }
        })
    }
}
