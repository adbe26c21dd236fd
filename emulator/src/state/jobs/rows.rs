//! What jobs do with devices, as the rows of `devices.jobs`.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

use iothub::runtime::Clock;
use serde_json::{Map, Value, json};

use super::{Done, End, Job, Outcome, Phase, Plan, Progress, Task};
use crate::query::{Item, Row, Step};
use crate::state::device::{Device, time_or_never};
use crate::state::hub::{Hub, HubState};
use crate::state::scan::{CHUNK, Scan};
use crate::state::twin_row::{TwinRow, inside};

/// What a row has, in this order. The documentation of the language has the time of the job's making under two names.
const MEMBERS: [&str; 11] = [
    "deviceId",
    "jobId",
    "jobType",
    "status",
    "startTimeUtc",
    "endTimeUtc",
    "createdDateTimeUtc",
    "createdTimeUtc",
    "lastUpdatedDateTimeUtc",
    "outcome",
    "error",
];

/// What a job does, did, or is to do with a device.
#[derive(Clone, Debug)]
pub(crate) struct DeviceJob {
    plan: Arc<Plan>,
    phase: Phase,
    device: Arc<str>,
    progress: Progress,
}

impl DeviceJob {
    /// What the row is found by: number of the job, and device.
    pub(crate) fn key(&self) -> (u64, &str) {
        (self.plan.number, &self.device)
    }

    /// The row as it is answered.
    pub(crate) fn whole(&self) -> Value {
        let members = MEMBERS.iter().filter_map(|name| Some(((*name).to_owned(), self.member(name)?)));
        Value::Object(members.collect::<Map<_, _>>())
    }

    fn member(&self, name: &str) -> Option<Value> {
        let time =
            |time: Option<SystemTime>| json!(time.and_then(|time| time_or_never(Some(time))).map(|t| t.to_string()));
        let (started, ended) = self.times();
        Some(match name {
            "deviceId" => json!(self.device),
            "jobId" => json!(self.plan.id),
            "jobType" => self.plan.task.kind().into(),
            "status" => self.status().into(),
            "startTimeUtc" => time(Some(started.unwrap_or(self.plan.start))),
            "endTimeUtc" => time(ended),
            "createdDateTimeUtc" | "createdTimeUtc" => time(Some(self.plan.created)),
            "lastUpdatedDateTimeUtc" => time(ended.or(started).or(Some(self.plan.created))),
            "outcome" => json!({ "deviceMethodResponse": self.answer() }),
            "error" => {
                let (code, description) = self.failure()?;
                json!({ "code": code, "description": description })
            }
            _ => return None,
        })
    }

    /// When the job came to the device, and when it was done with it.
    fn times(&self) -> (Option<SystemTime>, Option<SystemTime>) {
        let end = match &self.phase {
            Phase::Ended { at, .. } => Some(*at),
            _ => None,
        };
        match &self.progress {
            Progress::Pending => (None, end),
            Progress::Running(started) => (Some(*started), end),
            Progress::Done(done) => (Some(done.started), Some(done.ended)),
        }
    }

    pub(super) fn status(&self) -> &'static str {
        match (&self.progress, &self.phase) {
            (Progress::Done(done), _) => match done.outcome {
                Outcome::Failed { .. } => "failed",
                _ => "completed",
            },
            (_, Phase::Ended { how: End::Cancelled, .. }) => "canceled",
            (_, Phase::Ended { .. }) => "failed",
            (_, Phase::Waiting) => "scheduled",
            (Progress::Running(_), _) => "running",
            (Progress::Pending, _) => "pending",
        }
    }

    fn answer(&self) -> Value {
        match &self.progress {
            Progress::Done(done) => match &done.outcome {
                Outcome::Answered { status, payload } => {
                    let payload = payload.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
                    json!({ "status": status, "payload": payload })
                }
                _ => Value::Null,
            },
            _ => Value::Null,
        }
    }

    fn failure(&self) -> Option<(&str, &str)> {
        match (&self.progress, &self.phase) {
            (Progress::Done(done), _) => match &**done {
                Done { outcome: Outcome::Failed { code, description }, .. } => Some((code, description)),
                _ => None,
            },
            (_, Phase::Ended { how: End::OutOfTime, .. }) => Some(("GenericTimeout", "The job's time was over.")),
            (_, Phase::Ended { how: End::Failed(why), .. }) => Some(("ServerError", why)),
            _ => None,
        }
    }
}

impl Task {
    /// The type of a job that does it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Task::Method(_) => "scheduleDeviceMethod",
            Task::Twin(_) => "scheduleUpdateTwin",
        }
    }
}

impl Row for DeviceJob {
    fn get(&self, path: &[Step]) -> Option<Item<'_>> {
        let Some((first, rest)) = path.split_first() else { return Some(self.whole().into()) };
        let Step::Name(name) = first else { return None };
        match (&**name, rest) {
            ("deviceId", []) => Some(Item::String((&*self.device).into())),
            ("jobId", []) => Some(Item::String((&*self.plan.id).into())),
            ("jobType", []) => Some(Item::String(self.plan.task.kind().into())),
            ("status", []) => Some(Item::String(self.status().into())),
            (name, rest) => inside(self.member(name)?, rest).map(Item::from),
        }
    }
}

/// Goes through what jobs do with devices, in the order of jobs, a part at a time.
///
/// Jobs that have not begun are for the devices that meet their condition now.
#[derive(Debug)]
pub(crate) struct JobScan {
    /// The job that is next, or in the midst of.
    job: u64,
    /// The device of that job behind which it goes on.
    after: Option<Arc<str>>,
    /// Where that job has not begun: the devices that it may be for.
    scan: Option<Scan>,
    /// The ids of the jobs that matter, if only some do.
    jobs: Option<BTreeSet<String>>,
    /// The ids of the devices that matter, if only some do.
    devices: Option<BTreeSet<String>>,
}

/// What the next part is made of: rows, or devices for which a job may be.
enum Part {
    Rows(Vec<DeviceJob>),
    Candidates(Arc<Plan>, Vec<Arc<Device>>),
}

impl JobScan {
    /// Goes through what is behind this row: all, or that of these jobs and devices.
    pub(crate) fn new(
        after: Option<(u64, &str)>,
        jobs: Option<BTreeSet<&str>>,
        devices: Option<BTreeSet<&str>>,
    ) -> JobScan {
        let owned = |ids: BTreeSet<&str>| ids.into_iter().map(str::to_owned).collect();
        let (job, after) = after.map_or((0, None), |(job, device)| (job, Some(Arc::from(device))));
        JobScan { job, after, scan: None, jobs: jobs.map(owned), devices: devices.map(owned) }
    }

    /// The next part, which may be empty; `None` behind the last row.
    pub(crate) fn next(&mut self, hub: &Hub) -> Option<Vec<DeviceJob>> {
        let part = self.next_in(&hub.read(), hub.clock.now())?;
        Some(match part {
            Part::Rows(rows) => rows,
            Part::Candidates(plan, devices) => {
                // One that cannot be read is met by none.
                let Ok(selection) = plan.selection() else { return Some(Vec::new()) };
                let rows = devices.into_iter().map(|device| TwinRow { hub, device });
                let (phase, progress) = (Phase::Waiting, Progress::Pending);
                rows.filter(|row| selection.matches(row))
                    .map(|row| DeviceJob {
                        plan: plan.clone(),
                        phase: phase.clone(),
                        device: row.device.id.clone(),
                        progress: progress.clone(),
                    })
                    .collect()
            }
        })
    }

    fn next_in(&mut self, state: &HubState, now: SystemTime) -> Option<Part> {
        let mut rows = Vec::new();
        for _ in 0..CHUNK {
            let Some((number, job)) = state.jobs.all.range(self.job..).next() else {
                return (!rows.is_empty()).then_some(Part::Rows(rows));
            };
            if *number != self.job {
                self.go_to(*number);
            }
            let is_asked_for = self.jobs.as_ref().is_none_or(|ids| ids.contains(&*job.plan.id));
            if !is_asked_for || !job.is_kept(now) {
                self.go_to(number.saturating_add(1));
                continue;
            }
            if job.phase == Phase::Waiting {
                if !rows.is_empty() {
                    break;
                }
                match self.candidates(state) {
                    Some(devices) => return Some(Part::Candidates(job.plan.clone(), devices)),
                    None => self.go_to(number.saturating_add(1)),
                }
                continue;
            }
            let room = CHUNK - rows.len();
            let found = self.rows(job, room);
            match found.last().filter(|_| found.len() == room) {
                Some(last) => self.after = Some(last.device.clone()),
                None => self.go_to(number.saturating_add(1)),
            }
            rows.extend(found);
            if rows.len() >= CHUNK {
                break;
            }
        }
        Some(Part::Rows(rows))
    }

    fn go_to(&mut self, job: u64) {
        (self.job, self.after, self.scan) = (job, None, None);
    }

    /// The next devices that the job may be for.
    fn candidates(&mut self, state: &HubState) -> Option<Vec<Arc<Device>>> {
        let (after, devices) = (self.after.as_deref(), &self.devices);
        let ids = || devices.as_ref().map(|ids| ids.iter().map(String::as_str).collect());
        let found = self.scan.get_or_insert_with(|| Scan::new(after, ids())).next_in(state)?;
        if let Some(last) = found.last() {
            // It may have begun when its turn comes again.
            self.after = Some(last.id.clone());
        }
        Some(found)
    }

    /// The next rows of a job that has begun.
    fn rows(&self, job: &Job, room: usize) -> Vec<DeviceJob> {
        let from = self.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let bounds = (from, Bound::Unbounded);
        let row = |(device, progress): (&Arc<str>, &Progress)| DeviceJob {
            plan: job.plan.clone(),
            phase: job.phase.clone(),
            device: device.clone(),
            progress: progress.clone(),
        };
        match &self.devices {
            None => job.devices.range::<str, _>(bounds).take(room).map(row).collect(),
            Some(ids) => {
                let found = ids.range::<str, _>(bounds).filter_map(|id| job.devices.get_key_value(id.as_str()));
                found.take(room).map(row).collect()
            }
        }
    }
}
