//! Uploads of files that devices have begun. The files themselves are [blobs](super::blobs).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iothub::runtime::server::ServiceError;
use iothub::runtime::{Clock, Secret};
use serde::{Deserialize, Serialize};

use super::blobs::Writer;
use super::feedback::later;
use super::hub::{Hub, HubState, Pending};
use super::load::parse;
use crate::blobs::{Refusal, names, sas};
use crate::store::Changes;
use crate::{errors, random};

/// The kind of their records in the store.
pub(super) const KIND: &str = "upload";
/// How many a device may have in progress.
const MOST: usize = 10;

/// An upload in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upload {
    /// Of whom.
    pub(crate) device: Arc<str>,
    /// Where to.
    pub(crate) blob: String,
    /// Until when the device may write there.
    pub(crate) expires: SystemTime,
}

/// All uploads in progress, by device and correlation id.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    open: BTreeMap<(Arc<str>, Box<str>), Upload>,
    expiries: BTreeSet<(SystemTime, Arc<str>, Box<str>)>,
}

impl Uploads {
    fn of<'a>(&'a self, device: &'a Arc<str>) -> impl Iterator<Item = (&'a str, &'a Upload)> {
        let all = self.open.range((device.clone(), Box::default())..);
        all.take_while(move |((of, _), _)| of == device).map(|((_, id), upload)| (&**id, upload))
    }

    fn insert(&mut self, id: Box<str>, upload: Upload) {
        self.expiries.insert((upload.expires, upload.device.clone(), id.clone()));
        self.open.insert((upload.device.clone(), id), upload);
    }

    fn remove(&mut self, device: Arc<str>, id: Box<str>) -> Option<Upload> {
        let upload = self.open.remove(&(device.clone(), id.clone()))?;
        self.expiries.remove(&(upload.expires, device, id));
        Some(upload)
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<SystemTime> {
        self.expiries.first().map(|(at, ..)| *at)
    }
}

/// Where a device puts a file.
#[derive(Debug)]
pub(crate) struct Target {
    /// Under what it tells how that went.
    pub(crate) correlation_id: String,
    pub(crate) container: String,
    pub(crate) blob: String,
    /// What allows it, as a query with its question mark.
    pub(crate) token: Secret,
}

impl Hub {
    /// Begins the upload of a file.
    ///
    /// # Errors
    ///
    /// 400 where it may not be called that, 403 where the device has too many, 404 where there is no such device, 413 where there is no room.
    pub(crate) fn begin_upload(&self, device: &str, name: &str) -> Result<Pending<Target>, ServiceError> {
        let blob = format!("{device}/{name}");
        if name.is_empty() || !names::is_blob(&blob) {
            return Err(errors::invalid(
                "blobName: it has 1 to 1024 characters together with the id of the device, and no control characters.",
            ));
        }
        let now = self.clock.now();
        let correlation_id = STANDARD.encode(random::id()?);
        let fresh = Secret::from(String::from(random::key()?));
        self.change(|state, changes| {
            let device = state.device_id(device)?;
            if state.uploads.of(&device).count() >= MOST {
                return Err(errors::too_many_uploads(&device, MOST));
            }
            let (container, time) = state.resource.uploads();
            let (container, expires) =
                (container.map_or_else(|| names::uploads(&self.name), str::to_owned), later(now, time));
            let mut writer = Writer::open(self, state, changes, now);
            writer.ensure_container(&container).map_err(Refusal::in_service)?;
            let key = writer.key(fresh);
            let token = sas::sign(&key, &self.name, (&container, Some(&blob)), "rw", expires);
            let upload = Upload { device, blob: blob.clone(), expires };
            // It is nothing that JSON cannot write.
            changes.put(self.key(KIND, &correlation_id), serde_json::to_vec(&upload).unwrap_or_default());
            state.uploads.insert(correlation_id.as_str().into(), upload);
            Ok(Target { correlation_id, container, blob, token: Secret::from(format!("?{token}")) })
        })
    }
}

/// Ends an upload, whatever came of it.
///
/// # Errors
///
/// 400 where the device has none under this correlation id.
pub(crate) fn end(
    hub: &Hub,
    state: &mut HubState,
    changes: &mut Changes,
    device: &str,
    id: &str,
) -> Result<Upload, ServiceError> {
    let upload = state.uploads.remove(device.into(), id.into()).ok_or_else(errors::upload_not_found)?;
    changes.remove(hub.key(KIND, id));
    Ok(upload)
}

/// Forgets the uploads of a device that is deleted.
pub(super) fn forget(hub: &Hub, state: &mut HubState, changes: &mut Changes, device: &str) {
    let device: Arc<str> = device.into();
    let ids: Vec<Box<str>> = state.uploads.of(&device).map(|(id, _)| id.into()).collect();
    for id in ids {
        changes.remove(hub.key(KIND, &id));
        state.uploads.remove(device.clone(), id);
    }
}

/// Does what is due.
pub(super) fn advance(hub: &Hub, state: &mut HubState, changes: &mut Changes, now: SystemTime) {
    while let Some((_, device, id)) = state.uploads.expiries.first().filter(|(at, ..)| *at <= now).cloned() {
        changes.remove(hub.key(KIND, &id));
        state.uploads.remove(device, id);
    }
}

/// Reads a record of the store.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn load(state: &mut HubState, id: &str, bytes: &[u8]) -> Result<(), String> {
    let upload: Upload = parse(bytes)?;
    state.device_id(&upload.device).map_err(|_| "there is no such device")?;
    state.uploads.insert(id.into(), upload);
    Ok(())
}
