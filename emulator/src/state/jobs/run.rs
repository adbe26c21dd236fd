//! The tasks that do jobs.
//!
//! A job has a task from when it is made, or the emulator starts, until it has ended. The task sleeps until it is time, waits for its turn, and
//! ends wherever it is when the job is called off, forgotten, or its hub is gone.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use iothub::hub::models::Twin;
use iothub::runtime::server::{Preconditions, ServiceError};
use iothub::runtime::time::DateTime;
use iothub::runtime::{Clock, ETag};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio::task::{Id, JoinSet};

use super::{End, Outcome, Phase, Plan, Progress, Seen, Selection, Stopped, Task, add, begin, done, end, started};
use crate::clock::HubClock;
use crate::config::Limits;
use crate::errors;
use crate::outside::MethodAnswer;
use crate::state::methods::{self, Call};
use crate::state::{Change, Hub, Part, Pending, Registry, Scan, Twin as Stored, TwinRow};

/// How many twins are changed before others may change any.
const BATCH: usize = 100;
/// How many devices are called at once.
const CALLS: usize = 64;

/// Makes a job.
///
/// # Errors
///
/// 400 where it cannot be done with any device, 409 where there is one of its id, 413 where what devices are called with is too large, 429 where
/// there are too many jobs.
pub(crate) fn schedule(hub: &Arc<Hub>, limits: &Limits, plan: Plan) -> Result<Pending<Seen>, ServiceError> {
    check(&plan)?;
    let mut stop = None;
    let pending = hub.change(|state, changes| {
        let (seen, stops) = add(hub, state, changes, limits, plan)?;
        let turns = state.jobs.turns.clone();
        stop = Some((seen.plan.clone(), stops, turns));
        Ok::<_, ServiceError>(seen)
    })?;
    // Now, since nobody may be left to wait for the change.
    if let Some((plan, stops, turns)) = stop {
        spawn(hub, limits, plan, stops, turns);
    }
    Ok(pending)
}

/// Goes on with the jobs of a hub that have not ended, when the emulator starts.
pub(crate) fn resume(hub: &Arc<Hub>, limits: &Limits) {
    let mut tasks = Vec::new();
    let resumed = hub.change(|state, _| {
        let turns = state.jobs.turns.clone();
        for job in state.jobs.all.values_mut().filter(|job| !job.has_ended() && job.task.is_none()) {
            let (task, stops) = watch::channel(());
            job.task = Some(task);
            tasks.push((job.plan.clone(), stops, turns.clone()));
        }
        Ok::<_, std::convert::Infallible>(())
    });
    let Ok(_) = resumed;
    for (plan, stops, turns) in tasks {
        spawn(hub, limits, plan, stops, turns);
    }
}

/// Whether there are devices that it can be done with.
fn check(plan: &Plan) -> Result<(), ServiceError> {
    match &plan.task {
        Task::Method(method) => Call::read(method).map(drop),
        Task::Twin(twin) => {
            let update = Update::read(twin)?;
            let now = DateTime::try_from(plan.created).map_err(errors::internal)?;
            Stored::new(now).changed(update.changes, now).map(drop).map_err(errors::invalid)
        }
    }
}

/// How a job changes twins.
struct Update {
    preconditions: Preconditions,
    changes: Vec<(Part, Change)>,
}

impl Update {
    /// What is asked for.
    ///
    /// # Errors
    ///
    /// 400 where there is no tag, or nothing to change.
    fn read(twin: &Twin) -> Result<Update, ServiceError> {
        let tag = twin.etag.as_deref().unwrap_or_default().parse::<ETag>();
        let tag = tag.map_err(|_| errors::invalid("updateTwin.etag: it is missing, or no tag; `*` stands for any."))?;
        let mut preconditions = Preconditions::default();
        preconditions.if_match = vec![tag];
        let desired = twin.properties.as_ref().and_then(|both| both.desired.clone());
        let parts = [(Part::Tags, twin.tags.clone()), (Part::Desired, desired)];
        let changes: Vec<_> =
            parts.into_iter().filter_map(|(part, given)| Some((part, Change::Merge(given?)))).collect();
        match changes.is_empty() {
            true => Err(errors::invalid("updateTwin: there are neither tags nor desired properties.")),
            false => Ok(Update { preconditions, changes }),
        }
    }
}

fn spawn(hub: &Arc<Hub>, limits: &Limits, plan: Arc<Plan>, mut stops: watch::Receiver<()>, turns: Arc<Semaphore>) {
    let (weak, clock, limits) = (Arc::downgrade(hub), hub.clock.clone(), limits.clone());
    tokio::spawn(async move {
        // What is in the set ends with it.
        let mut work = JoinSet::new();
        work.spawn(run(weak.clone(), clock, limits, plan.clone(), turns));
        let ended = tokio::select! {
            biased;
            _ = stops.changed() => return,
            ended = work.join_next() => ended,
        };
        if let (Some(Err(_)), Some(hub)) = (ended, weak.upgrade()) {
            let why = End::Failed("The emulator failed.".to_owned());
            // The store may be what failed.
            _ = hub.change(|state, changes| end(&hub, state, changes, plan.number, why));
        }
    });
}

/// Does a job, once it is time and its turn.
async fn run(hub: Weak<Hub>, clock: HubClock, limits: Limits, plan: Arc<Plan>, turns: Arc<Semaphore>) {
    clock.sleep(plan.start.duration_since(clock.now()).unwrap_or_default()).await;
    let Ok(_turn) = turns.acquire_owned().await else { return };
    let Some(hub) = hub.upgrade() else { return };
    let worker = Worker { hub, limits, plan };
    // A job that is not at work any more has nobody to be told.
    _ = worker.work().await;
}

struct Worker {
    hub: Arc<Hub>,
    limits: Limits,
    plan: Arc<Plan>,
}

impl Worker {
    async fn work(&self) -> Result<(), Stopped> {
        let (since, devices) = match self.begun() {
            Some(begun) => begun,
            None => match self.plan.selection() {
                Ok(selection) => self.begin(&selection).await?,
                Err(error) => {
                    let why = format!("The query condition cannot be read: {error}.");
                    return self.end(End::Failed(why)).await;
                }
            },
        };
        let until = since.checked_add(Duration::from_secs(self.plan.seconds));
        let left = until.and_then(|until| until.duration_since(self.hub.clock.now()).ok()).unwrap_or_default();
        let end = tokio::select! {
            biased;
            all = self.each(devices) => all.map(|()| End::Completed)?,
            () = self.hub.clock.sleep(left) => End::OutOfTime,
        };
        self.end(end).await
    }

    /// Since when it is at work, and the devices that are left, if it has begun before.
    fn begun(&self) -> Option<(SystemTime, Vec<Arc<str>>)> {
        let state = self.hub.read();
        let job = state.jobs.all.get(&self.plan.number)?;
        let Phase::Running { since } = job.phase else { return None };
        let left = job.devices.iter().filter(|(_, progress)| !matches!(progress, Progress::Done(_)));
        Some((since, left.map(|(id, _)| id.clone()).collect()))
    }

    async fn begin(&self, selection: &Selection) -> Result<(SystemTime, Vec<Arc<str>>), Stopped> {
        let ids = match selection {
            Selection::All => None,
            Selection::Where(condition) => condition.keys("deviceId"),
        };
        let (mut found, mut scan) = (Vec::new(), Scan::new(None, ids));
        while let Some(devices) = scan.next(&self.hub) {
            let rows = devices.into_iter().map(|device| TwinRow { hub: &self.hub, device });
            found.extend(rows.filter(|row| selection.matches(row)).map(|row| row.device.id.clone()));
            tokio::task::yield_now().await;
        }
        let (hub, limits, plan) = (&self.hub, &self.limits, &self.plan);
        let pending = hub.change(|state, changes| begin(hub, state, changes, limits, plan, &found))?;
        let since = pending.durable().await.map_err(|_| Stopped)?;
        Ok((since, found))
    }

    async fn end(&self, how: End) -> Result<(), Stopped> {
        let (hub, plan) = (&self.hub, &self.plan);
        let pending = hub.change(|state, changes| match state.jobs.all.get(&plan.number) {
            Some(job) if Arc::ptr_eq(&job.plan, plan) => {
                end(hub, state, changes, plan.number, how).map_err(|_| Stopped)
            }
            _ => Err(Stopped),
        })?;
        pending.durable().await.map_err(|_| Stopped)
    }

    async fn each(&self, devices: Vec<Arc<str>>) -> Result<(), Stopped> {
        // Both have been looked at when the job was made.
        match &self.plan.task {
            Task::Method(method) => self.call_each(devices, Call::read(method).map_err(|_| Stopped)?).await,
            Task::Twin(twin) => self.change_each(devices, &Update::read(twin).map_err(|_| Stopped)?).await,
        }
    }

    async fn change_each(&self, devices: Vec<Arc<str>>, update: &Update) -> Result<(), Stopped> {
        let (hub, limits, plan) = (&self.hub, &self.limits, &self.plan);
        for batch in devices.chunks(BATCH) {
            let pending = hub.change(|state, changes| {
                started(hub, state, plan, batch)?;
                let mut registry = Registry::open(hub, state, changes, limits).map_err(|_| Stopped)?;
                let mut change = |id: &Arc<str>| {
                    let changed = registry.change_twin(id, &update.preconditions, update.changes.clone());
                    (id.clone(), changed.map_or_else(Outcome::from, |_| Outcome::Updated))
                };
                let outcomes = batch.iter().map(&mut change).collect();
                done(hub, state, changes, limits, plan, outcomes)
            })?;
            pending.durable().await.map_err(|_| Stopped)?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn call_each(&self, devices: Vec<Arc<str>>, call: Call) -> Result<(), Stopped> {
        let (call, mut devices) = (Arc::new(call), devices.into_iter());
        let (mut calls, mut called) = (JoinSet::new(), HashMap::new());
        loop {
            let next: Vec<Arc<str>> = devices.by_ref().take(CALLS.saturating_sub(calls.len())).collect();
            self.hub.change(|state, _| started(&self.hub, state, &self.plan, &next)).map(drop)?;
            for id in next {
                let (hub, call, device) = (self.hub.clone(), call.clone(), id.clone());
                let task = calls.spawn(async move { methods::call(&hub, &device, &call).await });
                called.insert(task.id(), id);
            }
            let Some(first) = calls.join_next_with_id().await else { return Ok(()) };
            let mut outcomes = vec![first];
            outcomes.extend(std::iter::from_fn(|| calls.try_join_next_with_id()));
            let outcomes = outcomes.into_iter().filter_map(|ended| outcome(ended, &mut called)).collect();
            let (hub, limits, plan) = (&self.hub, &self.limits, &self.plan);
            let pending = hub.change(|state, changes| done(hub, state, changes, limits, plan, outcomes))?;
            pending.durable().await.map_err(|_| Stopped)?;
        }
    }
}

type Ended = Result<(Id, Result<MethodAnswer, ServiceError>), tokio::task::JoinError>;

fn outcome(ended: Ended, called: &mut HashMap<Id, Arc<str>>) -> Option<(Arc<str>, Outcome)> {
    let (task, answer) = match ended {
        Ok((task, answer)) => (task, answer),
        Err(error) => (error.id(), Err(errors::internal(error))),
    };
    let outcome = answer.map_or_else(Outcome::from, |MethodAnswer { status, payload, .. }| Outcome::Answered {
        status,
        payload: Some(payload).filter(|payload| *payload != Value::Null).map(|payload| payload.to_string().into()),
    });
    Some((called.remove(&task)?, outcome))
}
