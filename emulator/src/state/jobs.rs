//! Scheduled jobs: methods called on, and twins changed of, all devices that meet a condition.
//!
//! This is what there is to know of jobs, and how it is kept: a record of the job itself, one of the ids of its devices once it has begun, and
//! one of each device that is done. What is not done when the emulator stops is done when it starts again, so that a device may be
//! called twice. [`run`] has the tasks that do it.

mod load;
mod rows;
pub(crate) mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use iothub::hub::models::{DirectMethod, Twin};
use iothub::runtime::Clock;
use iothub::runtime::server::ServiceError;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};

use super::hub::{Hub, HubState};
use super::twin_row::TwinRow;
use crate::config::Limits;
use crate::errors;
use crate::query::{Condition, ParseError};
use crate::store::Changes;

pub(super) use load::load;
pub(crate) use rows::{DeviceJob, JobScan};

/// The kind of their records in the store.
pub(crate) const KIND: &str = "job";
/// How many run at once, as in the service's largest hubs. Others wait in a queue.
const RUNNING: usize = 10;
/// How long jobs are known after their end.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// What a device of a job takes, beside what it has answered; roughly.
const WEIGHT: usize = 200;

/// The jobs of a hub.
#[derive(Debug)]
pub(crate) struct Jobs {
    all: BTreeMap<u64, Job>,
    /// Which of them has an id.
    numbers: BTreeMap<Arc<str>, u64>,
    next: u64,
    /// What all their devices take.
    weight: usize,
    turns: Arc<Semaphore>,
}

impl Default for Jobs {
    fn default() -> Jobs {
        let turns = Arc::new(Semaphore::new(RUNNING));
        Jobs { all: BTreeMap::new(), numbers: BTreeMap::new(), next: 0, weight: 0, turns }
    }
}

/// What a job is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The id.
    pub(crate) id: Arc<str>,
    /// Counts the jobs of a hub.
    pub(crate) number: u64,
    /// What is done with each device.
    pub(crate) task: Task,
    /// Which devices they are.
    pub(crate) condition: String,
    /// When it was made.
    pub(crate) created: SystemTime,
    /// When it is to begin.
    pub(crate) start: SystemTime,
    /// How long it may take, in seconds.
    pub(crate) seconds: u64,
}

/// What is done with each device, as it was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    /// A method is called.
    Method(DirectMethod),
    /// The twin is changed.
    Twin(Box<Twin>),
}

/// Which devices a job is for.
pub(super) enum Selection {
    All,
    Where(Condition),
}

impl Selection {
    /// Whether a device is one of them.
    pub(super) fn matches(&self, device: &TwinRow<'_>) -> bool {
        match self {
            Selection::All => true,
            Selection::Where(condition) => condition.matches(device),
        }
    }
}

impl Plan {
    /// Which devices it is for. `*` is all of them.
    pub(super) fn selection(&self) -> Result<Selection, ParseError> {
        match self.condition.trim() {
            "*" => Ok(Selection::All),
            condition => Condition::parse(condition).map(Selection::Where),
        }
    }
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// It has not begun.
    Waiting,
    /// It is at work.
    Running { since: SystemTime },
    /// It has ended.
    Ended { at: SystemTime, how: End },
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// It has come to all devices.
    Completed,
    /// Its time was over.
    OutOfTime,
    /// It could not be done.
    Failed(String),
    /// It was called off.
    Cancelled,
}

/// How far a job is with a device.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    Pending,
    Running(SystemTime),
    Done(Arc<Done>),
}

/// What has become of a device's part in a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) started: SystemTime,
    pub(super) ended: SystemTime,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Outcome {
    Updated,
    /// The payload is JSON text; it is left out where there is no room for it.
    Answered {
        status: i32,
        payload: Option<Box<str>>,
    },
    Failed {
        code: Box<str>,
        description: Box<str>,
    },
}

impl Outcome {
    fn weight(&self) -> usize {
        match self {
            Outcome::Updated => 0,
            Outcome::Answered { payload, .. } => payload.as_ref().map_or(0, |payload| payload.len()),
            Outcome::Failed { code, description } => code.len() + description.len(),
        }
    }
}

impl From<ServiceError> for Outcome {
    fn from(error: ServiceError) -> Outcome {
        Outcome::Failed { code: error.code().unwrap_or_default().into(), description: error.message().into() }
    }
}

/// With how many devices a job is how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) pending: usize,
    pub(crate) running: usize,
    pub(crate) succeeded: usize,
    pub(crate) failed: usize,
}

impl Tally {
    fn count(&mut self, progress: &Progress) -> &mut usize {
        match progress {
            Progress::Pending => &mut self.pending,
            Progress::Running(_) => &mut self.running,
            Progress::Done(done) => match done.outcome {
                Outcome::Failed { .. } => &mut self.failed,
                _ => &mut self.succeeded,
            },
        }
    }
}

/// A job.
#[derive(Debug)]
pub(super) struct Job {
    plan: Arc<Plan>,
    phase: Phase,
    devices: BTreeMap<Arc<str>, Progress>,
    tally: Tally,
    /// Ends its task, when it is dropped.
    task: Option<watch::Sender<()>>,
}

impl Job {
    fn is_kept(&self, now: SystemTime) -> bool {
        match self.phase {
            Phase::Ended { at, .. } => at.checked_add(KEPT).is_none_or(|until| now < until),
            _ => true,
        }
    }

    fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    fn seen(&self) -> Seen {
        Seen { plan: self.plan.clone(), phase: self.phase.clone(), tally: self.tally }
    }

    /// What its devices take.
    fn weight(&self) -> usize {
        let done = self.devices.values().map(|progress| match progress {
            Progress::Done(done) => done.outcome.weight(),
            _ => 0,
        });
        self.devices.len() * WEIGHT + done.sum::<usize>()
    }

    fn set(&mut self, device: Arc<str>, progress: Progress) {
        *self.tally.count(&progress) += 1;
        if let Some(old) = self.devices.insert(device, progress) {
            *self.tally.count(&old) -= 1;
        }
    }
}

/// A job as it is seen.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// What it is to do.
    pub(crate) plan: Arc<Plan>,
    /// How far it is.
    pub(crate) phase: Phase,
    /// With how many devices.
    pub(crate) tally: Tally,
}

impl Jobs {
    fn find(&self, id: &str, now: SystemTime) -> Option<&Job> {
        self.all.get(self.numbers.get(id)?).filter(|job| job.is_kept(now))
    }

    /// The job with an id.
    pub(crate) fn get(&self, id: &str, now: SystemTime) -> Option<Seen> {
        self.find(id, now).map(Job::seen)
    }

    /// All jobs behind one of this number, in the order in which they were made.
    pub(crate) fn after(&self, number: Option<u64>, now: SystemTime) -> impl Iterator<Item = Seen> {
        let from = number.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let jobs = self.all.range((from, std::ops::Bound::Unbounded));
        jobs.map(|(_, job)| job).filter(move |job| job.is_kept(now)).map(Job::seen)
    }

    fn remove(&mut self, hub: &Hub, changes: &mut Changes, number: u64) {
        let Some(job) = self.all.remove(&number) else { return };
        // A later job may have its id.
        if self.numbers.get(&job.plan.id) == Some(&number) {
            self.numbers.remove(&job.plan.id);
        }
        self.weight = self.weight.saturating_sub(job.weight());
        let key = key(hub, number);
        changes.remove_below(key.clone());
        changes.remove(key);
    }

    /// Forgets the oldest of the jobs that have ended, if there is one.
    fn forget_one(&mut self, hub: &Hub, changes: &mut Changes) -> bool {
        let oldest = self.all.iter().find(|(_, job)| job.has_ended()).map(|(number, _)| *number);
        oldest.inspect(|number| self.remove(hub, changes, *number)).is_some()
    }

    /// Forgets jobs that have ended until there is room for so much, or none is left.
    fn make_room(&mut self, hub: &Hub, changes: &mut Changes, limits: &Limits, weight: usize) -> bool {
        loop {
            if self.weight.saturating_add(weight) <= limits.job_bytes {
                return true;
            }
            if !self.forget_one(hub, changes) {
                return false;
            }
        }
    }

    /// A job that is at work, unless it is another one by now.
    fn running(&mut self, plan: &Arc<Plan>) -> Option<&mut Job> {
        let job = self.all.get_mut(&plan.number)?;
        (Arc::ptr_eq(&job.plan, plan) && matches!(job.phase, Phase::Running { .. })).then_some(job)
    }
}

fn key(hub: &Hub, number: u64) -> String {
    hub.key(KIND, &format!("{number:020}"))
}

/// The record of a job itself.
#[derive(Serialize, Deserialize)]
struct Record<P> {
    plan: P,
    phase: Phase,
}

fn keep(hub: &Hub, changes: &mut Changes, job: &Job) -> Result<(), ServiceError> {
    let record = Record { plan: &*job.plan, phase: job.phase.clone() };
    changes.put(key(hub, job.plan.number), serde_json::to_vec(&record).map_err(errors::internal)?);
    Ok(())
}

/// Adds a job, and gives what ends when its task is to end.
///
/// # Errors
///
/// 409 where there is one of its id, 429 where there are too many.
fn add(
    hub: &Hub,
    state: &mut HubState,
    changes: &mut Changes,
    limits: &Limits,
    plan: Plan,
) -> Result<(Seen, watch::Receiver<()>), ServiceError> {
    let jobs = &mut state.jobs;
    let now = plan.created;
    if jobs.find(&plan.id, now).is_some() {
        return Err(errors::job_exists(&plan.id));
    }
    if jobs.all.len() >= limits.jobs && !jobs.all.values().any(Job::has_ended) {
        return Err(errors::too_many_jobs(limits.jobs));
    }
    let (task, stop) = watch::channel(());
    let plan = Arc::new(Plan { number: jobs.next, ..plan });
    let devices = BTreeMap::new();
    let job = Job { plan: plan.clone(), phase: Phase::Waiting, devices, tally: Tally::default(), task: Some(task) };
    keep(hub, changes, &job)?;
    let expired: Vec<u64> = jobs.all.iter().filter(|(_, job)| !job.is_kept(now)).map(|(number, _)| *number).collect();
    for number in expired {
        jobs.remove(hub, changes, number);
    }
    while jobs.all.len() >= limits.jobs && jobs.forget_one(hub, changes) {}
    jobs.next += 1;
    jobs.numbers.insert(plan.id.clone(), plan.number);
    let seen = job.seen();
    jobs.all.insert(plan.number, job);
    Ok((seen, stop))
}

/// Lets a job begin with these devices.
///
/// # Errors
///
/// Where it is not waiting any more.
fn begin(
    hub: &Hub,
    state: &mut HubState,
    changes: &mut Changes,
    limits: &Limits,
    plan: &Arc<Plan>,
    devices: &[Arc<str>],
) -> Result<SystemTime, Stopped> {
    let (since, jobs) = (hub.clock.now(), &mut state.jobs);
    let is_waiting = |job: &Job| Arc::ptr_eq(&job.plan, plan) && job.phase == Phase::Waiting;
    if state.is_gone || !jobs.all.get(&plan.number).is_some_and(is_waiting) {
        return Err(Stopped);
    }
    let ids = serde_json::to_vec(devices).map_err(|_| Stopped)?;
    jobs.make_room(hub, changes, limits, devices.len().saturating_mul(WEIGHT));
    jobs.weight = jobs.weight.saturating_add(devices.len().saturating_mul(WEIGHT));
    let job = jobs.all.get_mut(&plan.number).ok_or(Stopped)?;
    job.phase = Phase::Running { since };
    devices.iter().for_each(|id| job.set(id.clone(), Progress::Pending));
    keep(hub, changes, job).map_err(|_| Stopped)?;
    changes.put(format!("{}/devices", key(hub, plan.number)), ids);
    Ok(since)
}

/// Says of devices of a job that it is at work with them.
fn started(hub: &Hub, state: &mut HubState, plan: &Arc<Plan>, devices: &[Arc<str>]) -> Result<(), Stopped> {
    let now = hub.clock.now();
    let is_gone = state.is_gone;
    let job = state.jobs.running(plan).filter(|_| !is_gone).ok_or(Stopped)?;
    devices.iter().for_each(|id| job.set(id.clone(), Progress::Running(now)));
    Ok(())
}

/// Says of devices of a job what has become of them.
fn done(
    hub: &Hub,
    state: &mut HubState,
    changes: &mut Changes,
    limits: &Limits,
    plan: &Arc<Plan>,
    outcomes: Vec<(Arc<str>, Outcome)>,
) -> Result<(), Stopped> {
    let ended = hub.clock.now();
    if state.is_gone || state.jobs.running(plan).is_none() {
        return Err(Stopped);
    }
    for (id, mut outcome) in outcomes {
        let has_room = state.jobs.make_room(hub, changes, limits, outcome.weight());
        if let (false, Outcome::Answered { payload, .. }) = (has_room, &mut outcome) {
            *payload = None;
        }
        state.jobs.weight = state.jobs.weight.saturating_add(outcome.weight());
        let job = state.jobs.running(plan).ok_or(Stopped)?;
        let started = match job.devices.get(&id) {
            Some(Progress::Running(started)) => *started,
            _ => ended,
        };
        let done = Done { started, ended, outcome };
        let record = serde_json::to_vec(&done).map_err(|_| Stopped)?;
        changes.put(format!("{}/device/{id}", key(hub, plan.number)), record);
        job.set(id, Progress::Done(Arc::new(done)));
    }
    Ok(())
}

/// Ends a job, unless it has ended.
fn end(hub: &Hub, state: &mut HubState, changes: &mut Changes, number: u64, how: End) -> Result<(), ServiceError> {
    let at = hub.clock.now();
    let Some(job) = state.jobs.all.get_mut(&number).filter(|job| !job.has_ended()) else { return Ok(()) };
    let before = std::mem::replace(&mut job.phase, Phase::Ended { at, how });
    if let Err(error) = keep(hub, changes, job) {
        job.phase = before;
        return Err(error);
    }
    job.task = None;
    Ok(())
}

/// Calls a job off. One that has ended stays as it is.
///
/// # Errors
///
/// 404 where there is none of this id.
pub(crate) fn cancel(hub: &Hub, state: &mut HubState, changes: &mut Changes, id: &str) -> Result<Seen, ServiceError> {
    let now = hub.clock.now();
    let number = state.jobs.find(id, now).ok_or_else(|| errors::job_not_found(id))?.plan.number;
    end(hub, state, changes, number, End::Cancelled)?;
    state.jobs.get(id, now).ok_or_else(|| errors::job_not_found(id))
}

/// A job is not at work any more.
#[derive(Debug)]
struct Stopped;
