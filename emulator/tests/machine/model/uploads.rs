//! Files that devices upload, as the model keeps them.

use std::collections::BTreeMap;

use super::Expected::{Done, Refused};
use super::{Expected, INVALID, Model};

/// How many a device may have in progress.
const MOST: usize = 10;
/// For how many seconds a device may write and read its file.
const TIME: u64 = 3_600;

/// An upload, as the device was told of it.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    device: &'static str,
    pub(crate) correlation_id: String,
    /// Where the file is, with a signature.
    pub(crate) address: String,
    /// What is there: its container and name.
    blob: String,
    expires: u64,
    is_open: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Uploads {
    /// All that there ever were.
    all: Vec<Upload>,
    blobs: BTreeMap<String, &'static str>,
}

impl Uploads {
    fn is_open(&self, upload: &Upload, now: u64) -> bool {
        upload.is_open && now < upload.expires
    }

    /// What ends with a device. Its files stay.
    pub(super) fn forget(&mut self, device: &str) {
        self.all.iter_mut().filter(|upload| upload.device == device).for_each(|upload| upload.is_open = false);
    }
}

impl Model {
    /// Whether a device may upload a file of this name.
    pub(crate) fn begin_upload(&mut self, id: &'static str, name: &str) -> Result<(), Expected> {
        self.acts(id)?;
        let (uploads, now) = (&self.uploads, self.now);
        let is_own = |upload: &&Upload| upload.device == id && uploads.is_open(upload, now);
        match name {
            "" => Err(INVALID),
            _ if uploads.all.iter().filter(is_own).count() >= MOST => {
                Err(Refused(403, "DeviceMaximumActiveFileUploadLimitExceeded"))
            }
            _ => Ok(()),
        }
    }

    /// Notes where the file goes.
    pub(crate) fn begun_upload(&mut self, id: &'static str, correlation_id: String, blob: String, address: String) {
        let all = &mut self.uploads.all;
        assert!(!correlation_id.is_empty() && all.iter().all(|other| other.correlation_id != correlation_id));
        all.push(Upload { device: id, correlation_id, address, blob, expires: self.now + TIME, is_open: true });
    }

    /// An upload, counted from the newest, with its number.
    pub(crate) fn upload(&self, back: usize) -> Option<(usize, Upload)> {
        self.uploads.all.iter().cloned().enumerate().rev().nth(back)
    }

    pub(crate) fn end_upload(&mut self, id: &'static str, at: Option<usize>) -> Expected {
        if let Err(refused) = self.acts(id) {
            return refused;
        }
        let now = self.now;
        let is_it = |at: &usize| self.uploads.all.get(*at).is_some_and(|upload| upload.device == id);
        match at.filter(is_it).filter(|at| self.uploads.is_open(&self.uploads.all[*at], now)) {
            Some(at) => {
                self.uploads.all[at].is_open = false;
                Done(204)
            }
            None => Refused(400, "InvalidFileUploadCorrelationId"),
        }
    }

    /// How it ends that somebody writes the file. Whether the upload has ended, or the device, is nothing to the store.
    pub(crate) fn put_file(&mut self, at: usize, body: &'static str) -> u16 {
        let upload = &self.uploads.all[at];
        if self.now >= upload.expires {
            return 403;
        }
        self.uploads.blobs.insert(upload.blob.clone(), body);
        201
    }

    /// The file as somebody reads it.
    pub(crate) fn get_file(&self, at: usize) -> (u16, Option<&'static str>) {
        let upload = &self.uploads.all[at];
        match self.uploads.blobs.get(&upload.blob) {
            _ if self.now >= upload.expires => (403, None),
            None => (404, None),
            Some(body) => (200, Some(*body)),
        }
    }
}
