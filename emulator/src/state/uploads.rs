//! Uploads of files that devices have begun. The files themselves are [blobs](super::blobs).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::hub::{Hub, HubState};
use super::load::parse;
use crate::errors;
use crate::store::Changes;
use iothub::runtime::server::ServiceError;

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

/// Begins an upload under a correlation id.
///
/// # Errors
///
/// 403 where the device has too many.
pub(crate) fn begin(
    hub: &Hub,
    state: &mut HubState,
    changes: &mut Changes,
    id: &str,
    upload: Upload,
) -> Result<(), ServiceError> {
    if state.uploads.of(&upload.device).count() >= MOST {
        return Err(errors::too_many_uploads(&upload.device, MOST));
    }
    // It is nothing that JSON cannot write.
    changes.put(hub.key(KIND, id), serde_json::to_vec(&upload).unwrap_or_default());
    state.uploads.insert(id.into(), upload);
    Ok(())
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
    let upload = parse(bytes)?;
    state.uploads.insert(id.into(), upload);
    Ok(())
}
