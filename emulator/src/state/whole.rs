//! A hub, and all hubs, as a whole.

use std::convert::Infallible;
use std::ops::Bound;
use std::sync::{Arc, PoisonError};

use iothub::runtime::server::ServiceError;
use serde_json::{Value, json};

use super::World;
use super::device::Device;
use super::hub::{Hub, HubState};
use super::resource;

/// How many devices are looked at before others may change them.
const CHUNK: usize = 1_000;

impl World {
    /// Removes all that has been put into hubs, and all hubs but the main one. What that one's keys are stays, and the time.
    ///
    /// # Errors
    ///
    /// 500 where it cannot be written.
    pub(crate) async fn reset(&self) -> Result<(), ServiceError> {
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
        Ok(())
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
        let mut devices = Vec::new();
        let mut last: Option<Arc<str>> = None;
        loop {
            let chunk = self.devices_after(last.as_ref());
            let Some(device) = chunk.last() else { break };
            last = Some(device.id.clone());
            devices.extend(chunk.iter().map(|device| shown(device)));
        }
        json!({ "name": self.name, "hostName": self.host, "policies": policies, "devices": devices })
    }

    fn devices_after(&self, id: Option<&Arc<str>>) -> Vec<Arc<Device>> {
        let from = id.map_or(Bound::Unbounded, |id| Bound::Excluded(id.clone()));
        self.read().devices.range((from, Bound::Unbounded)).take(CHUNK).map(|(_, device)| device.clone()).collect()
    }
}

fn shown(device: &Device) -> Value {
    let part = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    json!({
        "deviceId": device.id,
        "generationId": device.generation.to_string(),
        "status": if device.enabled { "enabled" } else { "disabled" },
        "twin": {
            "version": device.twin.version,
            "tags": part(&device.twin.tags),
            "desired": part(&device.twin.desired),
            "reported": part(&device.twin.reported),
        },
    })
}
