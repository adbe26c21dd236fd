//! The work of imports and exports: devices to and from blobs, one line of JSON each.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use iothub::hub::models::{DeviceStatus, ExportImportDevice, TwinProperties};
use iothub::runtime::Clock;
use iothub::runtime::server::ServiceError;
use iothub::runtime::transport::BoxFuture;
use serde_json::json;

use super::identities;
use super::lines::{LINE, Lines};
use crate::state::transfers::{self, End, Plan, Transfer};
use crate::state::{Device, Hub, Part, Registry, World};
use crate::{errors, random};

/// The blob that devices are written to and read from.
const DEVICES: &str = "devices.txt";
/// The blob that tells of lines with which nothing could be done.
const ERRORS: &str = "importErrors.log";
/// How many devices are read or changed while others wait.
const CHUNK: usize = 500;

/// A container of blobs.
pub(crate) trait Container: Send + Sync + 'static {
    /// All of a blob, in pieces.
    fn read<'a>(&'a self, blob: &'a str) -> BoxFuture<'a, Result<Vec<Bytes>, String>>;

    /// Begins to write a blob, in place of another of its name.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    fn write(&self, blob: &str) -> Result<Box<dyn Upload>, String>;
}

/// A blob that is being written. Dropped before it is finished, it leaves nothing behind.
pub(crate) trait Upload: Send {
    /// Adds to it.
    fn add(&mut self, part: Bytes) -> BoxFuture<'_, Result<(), String>>;

    /// Puts it where it belongs.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), String>>;
}

/// Where containers are found.
pub(crate) trait Containers: fmt::Debug + Send + Sync + 'static {
    /// A container by its address, whose signature allows reading or writing.
    ///
    /// # Errors
    ///
    /// Why it does not.
    fn open(&self, address: &str, writes: bool) -> Result<Arc<dyn Container>, String>;
}

/// What starts imports and exports.
#[derive(Clone, Debug)]
pub(crate) struct Transfers {
    world: Arc<World>,
    containers: Arc<dyn Containers>,
}

/// The containers of a transfer.
struct Opened {
    input: Option<Arc<dyn Container>>,
    output: Arc<dyn Container>,
}

impl Transfers {
    /// Transfers from and to these containers.
    pub(crate) fn new(world: Arc<World>, containers: Arc<dyn Containers>) -> Transfers {
        Transfers { world, containers }
    }

    /// Starts a transfer.
    ///
    /// # Errors
    ///
    /// 400 where a container cannot be used, 403 where another transfer is running.
    pub(crate) async fn start(&self, hub: &Arc<Hub>, plan: Plan) -> Result<Transfer, ServiceError> {
        let open = |address: &str, writes: bool| {
            self.containers.open(address, writes).map_err(|why| errors::no_container(&why))
        };
        let containers = match &plan {
            Plan::Export { output, .. } => Opened { input: None, output: open(output, true)? },
            Plan::Import { input, output } => Opened { input: Some(open(input, false)?), output: open(output, true)? },
        };
        let started = hub.clock.now();
        let due = started.checked_add(self.world.config.lro_delay).unwrap_or(started);
        let new = Transfer { id: random::id()?, number: 0, plan, started, due, end: None, progress: 0 };
        let pending = hub.change(|state, changes| transfers::begin(hub, state, changes, new))?;
        let transfer = pending.durable().await?;
        tokio::spawn(run(Job { world: self.world.clone(), hub: hub.clone(), transfer: transfer.clone() }, containers));
        Ok(transfer)
    }
}

/// Does the work, and says how it ended, also where it panics.
async fn run(job: Job, containers: Opened) {
    let (hub, id) = (job.hub.clone(), job.transfer.id.clone());
    let end = match tokio::spawn(async move { job.work(&containers).await }).await {
        Ok(Ok(())) => End::Completed,
        Ok(Err(why)) => End::Failed(why),
        Err(_) => End::Failed("The job was broken off.".to_owned()),
    };
    let now = hub.clock.now();
    // Nobody waits for it: who asks again after a restart is told that it failed.
    if let Ok(pending) = hub.change(|state, changes| transfers::end(&hub, state, changes, &id, now, end)) {
        _ = pending.durable().await;
    }
}

/// A transfer at work.
struct Job {
    world: Arc<World>,
    hub: Arc<Hub>,
    transfer: Transfer,
}

impl Job {
    async fn work(&self, containers: &Opened) -> Result<(), String> {
        match (&self.transfer.plan, &containers.input) {
            (Plan::Export { excludes_keys, .. }, _) => {
                let mut lines = self.written(containers.output.write(DEVICES)?);
                match self.export(*excludes_keys, &mut lines).await? {
                    true => lines.finish().await,
                    false => Ok(()),
                }
            }
            (Plan::Import { .. }, Some(input)) => {
                let lines = Lines::new(input.read(DEVICES).await?);
                let mut errors = self.written(containers.output.write(ERRORS)?);
                self.import(lines, &mut errors).await?;
                errors.finish().await
            }
            (Plan::Import { .. }, None) => Err("There is no container to read from.".to_owned()),
        }
    }

    fn written(&self, blob: Box<dyn Upload>) -> Written {
        Written { blob, part: Vec::new(), most: self.world.config.limits.part_bytes }
    }

    /// Notes how much is done, and lets others do something. `false` where the transfer was called off.
    async fn goes_on(&self, done: usize, of: usize) -> bool {
        tokio::task::yield_now().await;
        let percent = done.saturating_mul(100).checked_div(of).unwrap_or(100);
        let noted = self.hub.change(|state, _| {
            let id = &self.transfer.id;
            let transfer = state.transfers.iter_mut().find(|transfer| transfer.id == *id && transfer.end.is_none());
            let transfer = transfer.filter(|_| !state.is_gone).ok_or(())?;
            transfer.progress = u8::try_from(percent).unwrap_or(100).min(100);
            Ok::<(), ()>(())
        });
        noted.is_ok()
    }

    /// Writes all devices. `false` where the transfer was called off.
    async fn export(&self, excludes_keys: bool, lines: &mut Written) -> Result<bool, String> {
        let mut last: Option<Arc<str>> = None;
        let mut done = 0;
        loop {
            let (devices, all): (Vec<Arc<Device>>, usize) = {
                let state = self.hub.read();
                let start = last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
                let range = state.devices.range::<str, _>((start, Bound::Unbounded));
                (range.take(CHUNK).map(|(_, device)| device.clone()).collect(), state.devices.len())
            };
            let Some(end) = devices.last() else { return Ok(true) };
            last = Some(end.id.clone());
            done += devices.len();
            for device in devices {
                lines.add(&exported(&device, excludes_keys)).await?;
            }
            if !self.goes_on(done, all).await {
                return Ok(false);
            }
        }
    }

    /// Does what the lines say, and tells with which of them nothing could be done.
    async fn import(&self, mut lines: Lines, errors: &mut Written) -> Result<(), String> {
        let all = lines.left;
        loop {
            let read: Vec<(usize, Result<ExportImportDevice, String>)> = lines
                .by_ref()
                .take(CHUNK)
                .map(|(number, line)| {
                    let line = line.ok_or_else(|| format!("it has more than {LINE} bytes"));
                    (number, line.and_then(|line| serde_json::from_slice(&line).map_err(|error| error.to_string())))
                })
                .collect();
            if read.is_empty() {
                return Ok(());
            }
            let pending = self.hub.change(|state, changes| {
                let limits = &self.world.config.limits;
                let mut registry = Registry::open(&self.hub, state, changes, limits)?;
                let failed = read.into_iter().filter_map(|(line, device)| {
                    let device = match device {
                        Ok(device) => device,
                        Err(why) => return Some(failed("", &errors::invalid(format!("Line {line}: {why}")))),
                    };
                    let id = device.id.clone();
                    let done = identities::import(device).and_then(|import| registry.import(import));
                    done.err().map(|error| failed(&id, &error))
                });
                Ok::<_, ServiceError>(failed.collect::<Vec<_>>())
            });
            let failed = pending.map_err(|error| error.message().to_owned())?.durable().await;
            for line in failed.map_err(|error| error.message().to_owned())? {
                errors.add(&line).await?;
            }
            if !self.goes_on(all - lines.left, all).await {
                return Ok(());
            }
        }
    }
}

/// Lines on their way into a blob.
struct Written {
    blob: Box<dyn Upload>,
    /// What the blob does not have yet.
    part: Vec<u8>,
    /// How large that gets, about.
    most: usize,
}

impl Written {
    async fn add(&mut self, line: &serde_json::Value) -> Result<(), String> {
        // It is nothing that JSON cannot write.
        _ = serde_json::to_writer(&mut self.part, line);
        self.part.push(b'\n');
        match self.part.len() >= self.most {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    async fn flush(&mut self) -> Result<(), String> {
        let part = std::mem::take(&mut self.part);
        if part.is_empty() { Ok(()) } else { self.blob.add(part.into()).await }
    }

    async fn finish(mut self) -> Result<(), String> {
        self.flush().await?;
        self.blob.finish().await
    }
}

/// A device as a line tells of it.
fn exported(device: &Device, excludes_keys: bool) -> serde_json::Value {
    let mut authentication = identities::authentication(&device.credentials, true);
    if let Some(keys) = authentication.symmetric_key.as_mut().filter(|_| excludes_keys) {
        (keys.primary_key, keys.secondary_key) = (None, None);
        for name in ["primaryKey", "secondaryKey"] {
            keys.additional_properties.insert(name.to_owned(), serde_json::Value::Null);
        }
    }
    let status = if device.enabled { DeviceStatus::Enabled } else { DeviceStatus::Disabled };
    let properties = TwinProperties::new()
        .with_desired(device.twin.part(Part::Desired))
        .with_reported(device.twin.part(Part::Reported));
    let mut line = ExportImportDevice::new(&*device.id)
        .with_etag(device.etag())
        .with_status(status)
        .with_authentication(authentication)
        .with_tags(device.twin.part(Part::Tags))
        .with_properties(properties);
    line.status_reason = device.status_reason.as_deref().map(str::to_owned);
    let mut line = json!(line);
    if let Some(members) = line.as_object_mut() {
        members.insert("twinETag".to_owned(), device.twin.etag().into());
        members.insert("capabilities".to_owned(), json!({ "iotEdge": device.edge }));
    }
    line
}

/// What is told of a line with which nothing could be done. Here, codes are numbers.
fn failed(id: &str, error: &ServiceError) -> serde_json::Value {
    let code = match error.code() {
        Some("ArgumentInvalid") => 400_004,
        Some("DeviceNotFound") => 404_001,
        Some("DeviceAlreadyExists") => 409_001,
        Some("PreconditionFailed") => 412_001,
        _ => u32::from(error.status().as_u16()) * 1_000,
    };
    json!({ "deviceId": id, "errorCode": code, "errorStatus": error.message() })
}
