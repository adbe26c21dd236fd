//! Imports and exports of devices: jobs that go on after their first answer.

use std::time::SystemTime;

use iothub::runtime::server::ServiceError;
use serde::{Deserialize, Serialize};

use super::hub::{Hub, HubState};
use super::load::parse;
use crate::errors;
use crate::store::Changes;

/// The kind of their records in the store.
pub(crate) const KIND: &str = "transfer";
/// How many are kept. Of more, the oldest go.
const KEPT: usize = 100;

/// An import or an export of devices.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Transfer {
    /// The id.
    pub(crate) id: String,
    /// Counts those of a hub.
    pub(crate) number: u64,
    /// What it does.
    pub(crate) plan: Plan,
    /// When it began.
    pub(crate) started: SystemTime,
    /// Until when it is seen to run, however fast it is.
    pub(crate) due: SystemTime,
    /// When it ended, and how.
    pub(crate) end: Option<(SystemTime, End)>,
    /// How much of it is done, in percent.
    #[serde(skip)]
    pub(crate) progress: u8,
}

/// What a transfer does. The addresses of containers carry signatures.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) enum Plan {
    /// Writes all devices.
    Export { output: String, excludes_keys: bool },
    /// Reads devices, and does with each what it says.
    Import { input: String, output: String },
}

/// How a transfer ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum End {
    /// It is done.
    Completed,
    /// It could not be done.
    Failed(String),
    /// It was called off.
    Cancelled,
}

/// How far a transfer is, as it is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl Transfer {
    /// How far it is at this time.
    pub(crate) fn status(&self, now: SystemTime) -> Status {
        match &self.end {
            Some((_, End::Cancelled)) => Status::Cancelled,
            _ if now < self.due => Status::Running,
            None => Status::Running,
            Some((_, End::Completed)) => Status::Completed,
            Some((_, End::Failed(_))) => Status::Failed,
        }
    }

    /// When it ended, as it is seen at this time.
    pub(crate) fn ended(&self, now: SystemTime) -> Option<SystemTime> {
        let (at, _) = self.end.as_ref().filter(|_| self.status(now) != Status::Running)?;
        Some(*at)
    }

    /// Why it failed, as it is seen at this time.
    pub(crate) fn failure(&self, now: SystemTime) -> Option<&str> {
        match &self.end {
            Some((_, End::Failed(why))) if self.status(now) == Status::Failed => Some(why),
            _ => None,
        }
    }
}

/// A transfer with this id.
pub(crate) fn find<'a>(state: &'a HubState, id: &str) -> Option<&'a Transfer> {
    state.transfers.iter().find(|transfer| transfer.id == id)
}

/// Adds a transfer that begins. The oldest of those that have ended go where there are too many.
///
/// # Errors
///
/// 403 where one is running: a hub has but one at a time.
pub(crate) fn begin(
    hub: &Hub,
    state: &mut HubState,
    changes: &mut Changes,
    mut transfer: Transfer,
) -> Result<Transfer, ServiceError> {
    if state.transfers.iter().any(|other| other.status(transfer.started) == Status::Running) {
        return Err(errors::one_transfer());
    }
    transfer.number = state.transfers.last().map_or(0, |last| last.number.saturating_add(1));
    keep(hub, &transfer, changes)?;
    state.transfers.push(transfer.clone());
    let surplus = state.transfers.len().saturating_sub(KEPT);
    for old in state.transfers.drain(..surplus) {
        changes.remove(key(hub, &old));
    }
    Ok(transfer)
}

/// Ends a transfer, unless it has ended.
///
/// # Errors
///
/// 404 where there is none of this id.
pub(crate) fn end(
    hub: &Hub,
    state: &mut HubState,
    changes: &mut Changes,
    id: &str,
    at: SystemTime,
    end: End,
) -> Result<(), ServiceError> {
    let found = state.transfers.iter_mut().find(|transfer| transfer.id == id);
    let transfer = found.ok_or_else(|| errors::transfer_not_found(id))?;
    // One that nobody has seen to end can still be called off.
    let can_end = transfer.end.is_none() || (end == End::Cancelled && transfer.status(at) == Status::Running);
    if can_end {
        let ended = Transfer { end: Some((at.max(transfer.started), end)), progress: 100, ..transfer.clone() };
        keep(hub, &ended, changes)?;
        *transfer = ended;
    }
    Ok(())
}

fn key(hub: &Hub, transfer: &Transfer) -> String {
    hub.key(KIND, &format!("{:020}", transfer.number))
}

fn keep(hub: &Hub, transfer: &Transfer, changes: &mut Changes) -> Result<(), ServiceError> {
    changes.put(key(hub, transfer), serde_json::to_vec(transfer).map_err(errors::internal)?);
    Ok(())
}

/// Reads the record of a transfer. One that ran has not been gone on with.
///
/// # Errors
///
/// Where it is damaged.
pub(crate) fn load(state: &mut HubState, bytes: &[u8]) -> Result<(), String> {
    let mut transfer: Transfer = parse(bytes)?;
    let stopped = || (transfer.started, End::Failed("The emulator was stopped while the job was running.".to_owned()));
    transfer.end = Some(transfer.end.clone().unwrap_or_else(stopped));
    state.transfers.push(transfer);
    state.transfers.sort_by_key(|transfer| transfer.number);
    Ok(())
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Plan::Export { .. } => "Export(..)",
            Plan::Import { .. } => "Import(..)",
        })
    }
}
