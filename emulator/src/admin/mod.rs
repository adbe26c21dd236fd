//! `/$emulator/…`: what has no operation of its own in the service, for tests and for a look inside.
//!
//! Its routes are served by the router of all others. `docs/emulator.md` describes them.

mod access;
mod events;
mod handlers;
mod json;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::Method;
use iothub::runtime::ErrorFormat;
use iothub::runtime::server::{BodyKind, Handling, Incoming, Route, Service, ServiceError, no_such_route};
use tokio::sync::watch;

pub(crate) use access::Access;

use crate::errors;
use crate::faults::Gate;
use crate::state::{Hub, World};
use crate::store::Store;

const PREFIX: &str = "Emulator_";

/// Whether an operation is one of these, which nothing keeps off.
pub(crate) fn is_admin(route: &Route) -> bool {
    route.id().starts_with(PREFIX)
}

/// Whether the emulator is there, and its disk: for anybody.
#[derive(Clone, Debug)]
pub(crate) struct Health(Store);

impl Health {
    pub(crate) fn new(store: Store) -> Health {
        Health(store)
    }
}

impl Service for Health {
    fn routes(&self) -> &'static [Route] {
        &HEALTH
    }

    fn call(&self, _: usize, incoming: Incoming) -> Handling {
        let (status, said) = if self.0.has_failed() { (503, "the disk has failed") } else { (200, "ok") };
        Box::pin(async move {
            let body = serde_json::json!({ "status": said, "version": env!("CARGO_PKG_VERSION") });
            Ok(json::answer(&incoming, status, &body))
        })
    }
}

/// The admin API.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    world: Arc<World>,
    gate: Arc<Gate>,
    /// Whether streams are to end.
    stop: watch::Receiver<bool>,
}

impl Admin {
    pub(crate) fn new(world: Arc<World>, gate: Arc<Gate>, stop: watch::Receiver<bool>) -> Admin {
        Admin { world, gate, stop }
    }

    /// The hub that a request is about: by name in the query, or else by host.
    fn hub(&self, incoming: &mut Incoming) -> Result<Arc<Hub>, ServiceError> {
        if let Some(name) = incoming.query::<String>("hub") {
            return self.world.hub(&name).ok_or_else(|| errors::hub_not_found(&name));
        }
        let host = incoming.context().host().unwrap_or_default();
        self.world.hub_at(host).ok_or_else(|| errors::hub_not_found(host))
    }
}

impl Service for Admin {
    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn call(&self, route: usize, incoming: Incoming) -> Handling {
        let admin = self.clone();
        match route {
            0 => Box::pin(admin.queue_message(incoming)),
            1 => Box::pin(admin.script_method(incoming)),
            2 => Box::pin(admin.forget_method(incoming)),
            3 => Box::pin(admin.events(incoming)),
            4 => Box::pin(admin.reset(incoming)),
            5 => Box::pin(admin.snapshot(incoming)),
            6 => Box::pin(admin.clock(incoming)),
            7 => Box::pin(admin.move_clock(incoming)),
            8 => Box::pin(admin.faults(incoming)),
            9 => Box::pin(admin.add_fault(incoming)),
            10 => Box::pin(admin.clear_faults(incoming)),
            11 => Box::pin(admin.fault(incoming)),
            12 => Box::pin(admin.remove_fault(incoming)),
            13 => Box::pin(admin.script_method_of_all(incoming)),
            14 => Box::pin(admin.forget_method_of_all(incoming)),
            15 => Box::pin(admin.open_container(incoming)),
            _ => no_such_route(),
        }
    }
}

static HEALTH: [Route; 1] = [route("Emulator_Health", Method::GET, "/$emulator/health")];

static ROUTES: [Route; 16] = [
    route("Emulator_QueueMessage", Method::POST, "/$emulator/devices/{}/messages").body(BodyKind::Stream),
    route("Emulator_ScriptMethod", Method::POST, "/$emulator/devices/{}/methods").body(BodyKind::Stream),
    route("Emulator_ForgetMethod", Method::DELETE, "/$emulator/devices/{}/methods/{}"),
    route("Emulator_Events", Method::GET, "/$emulator/events"),
    route("Emulator_Reset", Method::POST, "/$emulator/reset"),
    route("Emulator_Snapshot", Method::GET, "/$emulator/snapshot"),
    route("Emulator_GetClock", Method::GET, "/$emulator/clock"),
    route("Emulator_MoveClock", Method::POST, "/$emulator/clock").body(BodyKind::Stream),
    route("Emulator_ListFaults", Method::GET, "/$emulator/faults"),
    route("Emulator_AddFault", Method::POST, "/$emulator/faults").body(BodyKind::Stream),
    route("Emulator_ClearFaults", Method::DELETE, "/$emulator/faults"),
    route("Emulator_GetFault", Method::GET, "/$emulator/faults/{}"),
    route("Emulator_RemoveFault", Method::DELETE, "/$emulator/faults/{}"),
    route("Emulator_ScriptMethodOfAll", Method::POST, "/$emulator/methods").body(BodyKind::Stream),
    route("Emulator_ForgetMethodOfAll", Method::DELETE, "/$emulator/methods/{}"),
    route("Emulator_OpenContainer", Method::POST, "/$emulator/containers/{}"),
];

const fn route(id: &'static str, method: Method, template: &'static str) -> Route {
    // What each answers is for people and scripts, which do not always say what they take.
    Route::new(id, method, template).errors(ErrorFormat::Plain).produces(&["*/*"]).trailing_slash()
}
