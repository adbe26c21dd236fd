//! A hub, and all hubs, as a whole.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError};

use iothub::runtime::Clock;
use iothub::runtime::server::ServiceError;
use serde_json::{Value, json};

use super::World;
use super::device::Device;
use super::hub::{Hub, HubState};
use super::jobs::{Phase, Seen, Tally};
use super::scan::Scan;
use super::{queue, resource};
use crate::errors;

impl World {
    /// Removes all that has been put into hubs, and all hubs but the main one. What that one's keys are stays, and the time.
    ///
    /// # Errors
    ///
    /// 500 where it cannot be written.
    pub(crate) async fn reset(&self) -> Result<(), ServiceError> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let forgotten = self.operations.clear();
        for hub in self.hubs() {
            let is_main = hub.name.eq_ignore_ascii_case(&self.main);
            let Ok(pending) = hub.change(|state, changes| -> Result<(), Infallible> {
                changes.remove_below(hub.folder());
                let (resource, policies) = (std::mem::take(&mut state.resource), std::mem::take(&mut state.policies));
                *state = HubState { resource, policies, ..HubState::default() };
                match is_main {
                    true => {
                        state.resource.consumer_groups.clear();
                        resource::keep(&hub, state, changes);
                    }
                    false => state.is_gone = true,
                }
                Ok(())
            });
            if !is_main {
                self.remove(&hub.name);
            }
            hub.events.clear();
            pending.durable().await?;
        }
        forgotten.durable().await.map_err(errors::not_stored)
    }

    /// The main hub.
    pub(crate) fn main(&self) -> Option<Arc<Hub>> {
        self.hubs.read().unwrap_or_else(PoisonError::into_inner).get(&self.main).cloned()
    }
}

impl Hub {
    /// What is in it, for a look inside. Keys are not.
    pub(crate) fn snapshot(&self) -> Value {
        let policies: Vec<Value> = self
            .read()
            .policies
            .iter()
            .map(|policy| json!({ "name": policy.name, "rights": policy.rights.to_string() }))
            .collect();
        let (mut devices, mut scan) = (Vec::new(), Scan::new(None, None));
        while let Some(chunk) = scan.next(self) {
            let queued: Vec<usize> = {
                let state = self.read();
                chunk.iter().map(|device| queue::depth(&state, &device.id)).collect()
            };
            devices.extend(chunk.iter().zip(queued).map(|(device, queued)| shown(device, queued)));
        }
        let jobs: Vec<Value> = self.read().jobs.after(None, self.clock.now()).map(|job| job_shown(&job)).collect();
        json!({
            "name": self.name,
            "hostName": self.host,
            "policies": policies,
            "newestEvent": *self.newest_event().borrow(),
            "devices": devices,
            "jobs": jobs,
        })
    }
}

fn job_shown(job: &Seen) -> Value {
    let phase = match job.phase {
        Phase::Waiting => "waiting",
        Phase::Running { .. } => "running",
        Phase::Ended { .. } => "ended",
    };
    let Tally { pending, running, succeeded, failed } = job.tally;
    json!({
        "jobId": job.plan.id,
        "type": job.plan.task.kind(),
        "queryCondition": job.plan.condition,
        "phase": phase,
        "devices": { "pending": pending, "running": running, "succeeded": succeeded, "failed": failed },
    })
}

fn shown(device: &Device, queued: usize) -> Value {
    let part = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    json!({
        "deviceId": device.id,
        "generationId": device.generation.to_string(),
        "status": if device.enabled { "enabled" } else { "disabled" },
        "queuedMessages": queued,
        "twin": {
            "version": device.twin.version,
            "tags": part(device.twin.tags.get()),
            "desired": part(device.twin.desired.get()),
            "reported": part(device.twin.reported.get()),
        },
    })
}
