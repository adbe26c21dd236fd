//! The operations of IoT Hub, over the traits that are generated from its documents. They translate; what the hub does is in
//! [`state`](crate::state).

mod access;
mod batch;
mod consumer_groups;
mod device_api;
mod device_twin_api;
mod http_runtime;
mod identities;
mod import_export;
mod iot_hub_resource;
mod job_api;
pub(crate) mod later;
mod lines;
mod methods;
mod queries;
mod quotas;
mod service_messages;
#[cfg(test)]
mod tests;
mod transfer;

use std::sync::Arc;

use iothub::device::server::{HttpRuntimeServer, ServiceMessagesServer};
use iothub::hub::server::{DeviceApiServer, DeviceTwinApiServer, ImportExportServer, JobApiServer};
use iothub::management::server::IotHubResourceServer;
use iothub::runtime::server::{Context, Router, ServiceError};

use self::import_export::ImportsAndExports;
use self::iot_hub_resource::ResourceProvider;
use self::transfer::Transfers;
use crate::blobs::BlobContainers;
use crate::errors;
use crate::io_clock::IoClock;
use crate::state::{Hub, World};

pub(crate) use self::transfer::{Container, Containers, Upload};

/// What implements the traits.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    /// What there is.
    pub(crate) world: Arc<World>,
}

impl Services {
    /// The services of this world.
    pub(crate) fn new(world: Arc<World>) -> Services {
        Services { world }
    }

    /// The hub that a request is for.
    ///
    /// # Errors
    ///
    /// 404 where there is none.
    pub(crate) fn hub(&self, cx: &Context) -> Result<Arc<Hub>, ServiceError> {
        let host = cx.host().unwrap_or_default();
        self.world.hub_at(host).ok_or_else(|| errors::hub_not_found(host))
    }
}

/// All operations, for those who may use them.
pub(crate) fn router(world: &Arc<World>) -> Router {
    router_over(world, Arc::new(BlobContainers::new(world.clone())))
}

/// The same, with devices imported from and exported to these containers.
fn router_over(world: &Arc<World>, containers: Arc<dyn Containers>) -> Router {
    let transfers = Transfers::new(world.clone(), containers);
    let services = Services::new(world.clone());
    let data_plane = access::data_plane(world);
    Router::new()
        .clock(Arc::new(IoClock(world.clock.clone())))
        .add_authenticated(DeviceApiServer::new(services.clone()), data_plane.clone())
        .add_authenticated(DeviceTwinApiServer::new(services.clone()), data_plane.clone())
        .add_authenticated(JobApiServer::new(services.clone()), data_plane.clone())
        .add_authenticated(HttpRuntimeServer::new(services.clone()), data_plane.clone())
        .add_authenticated(ServiceMessagesServer::new(services.clone()), data_plane.clone())
        .add_authenticated(ImportExportServer::new(ImportsAndExports::new(services, transfers.clone())), data_plane)
        .add_authenticated(
            IotHubResourceServer::new(ResourceProvider::new(world.clone(), transfers)),
            access::management(world),
        )
}
