//! Who may do what.

use std::borrow::Cow;
use std::sync::Arc;

use http::request::Parts;
use iothub::runtime::Secret;
use iothub::runtime::credential::{Rights, SasKey, covers};
use iothub::runtime::server::{
    Authenticator, BearerAuthenticator, Caller, Keys, PolicyKeys, Route, SasAuthenticator, ServiceError, Tokens, host,
};
use iothub::runtime::transport::BoxFuture;

use crate::errors;
use crate::gateway::sas_scope;
use crate::state::{Hub, World};

/// Checks the tokens of back ends and of devices.
pub(crate) fn data_plane(world: &Arc<World>) -> Arc<dyn Authenticator> {
    let authenticator = |by_name| {
        let keys = HubKeys { world: world.clone(), by_name };
        SasAuthenticator::new(keys).with_clock(Arc::new(world.clock.clone()))
    };
    Arc::new(DataPlane { world: world.clone(), by_name: authenticator(true), by_host: authenticator(false) })
}

/// Checks the tokens of whoever manages hubs.
pub(crate) fn management(world: &Arc<World>) -> Arc<dyn Authenticator> {
    Arc::new(BearerAuthenticator::new(ArmTokens(world.clone())))
}

/// What a policy has to allow for an operation; `None` where it is none of the data plane.
///
/// The service's documentation has these in prose only.
pub(super) fn needed(operation: &str) -> Option<Rights> {
    let (group, name) = operation.split_once('_')?;
    Some(match (group, name) {
        ("DeviceApi", "GetDevice" | "GetDevices" | "GetRegistryStatistics" | "GetServiceStatistics")
        | ("ImportExport", "GetJob" | "ListJobs") => Rights::REGISTRY_READ,
        ("DeviceApi", "PutDevice" | "DeleteDevice" | "BulkDeviceOperation") | ("ImportExport", _) => {
            Rights::REGISTRY_WRITE
        }
        ("DeviceApi" | "DeviceTwinApi" | "JobApi" | "ServiceMessages", _) => Rights::SERVICE_CONNECT,
        ("HttpRuntime", _) => Rights::DEVICE_CONNECT,
        _ => return None,
    })
}

/// The tokens of a hub may be signed for its own name, or for the one in the request, which is where its clients think it is: at the address
/// of the emulator.
struct DataPlane {
    world: Arc<World>,
    by_name: SasAuthenticator<HubKeys>,
    by_host: SasAuthenticator<HubKeys>,
}

impl DataPlane {
    async fn check(&self, request: &Parts, route: &'static Route) -> Result<Caller, ServiceError> {
        let host = host(request).unwrap_or_default();
        let hub = self.world.hub_at(host).ok_or_else(|| errors::hub_not_found(host))?;
        // Which of the two a token is for is in it: to find out by trying would be to check it twice.
        let is_for_name = sas_scope(request).is_some_and(|scope| covers(scope, &hub.host, request.uri.path()));
        let authenticator = if is_for_name { &self.by_name } else { &self.by_host };
        let caller = authenticator.authenticate(request, route).await?;
        match &caller {
            Caller::Policy { .. }
                if needed(route.id()) == Some(Rights::DEVICE_CONNECT) && is_disabled(&hub, request) =>
            {
                Err(errors::unauthorized())
            }
            _ => Ok(caller),
        }
    }
}

impl Authenticator for DataPlane {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
        route: &'static Route,
    ) -> BoxFuture<'a, Result<Caller, ServiceError>> {
        Box::pin(self.check(request, route))
    }
}

/// Whether the device that somebody acts for is there, and disabled.
fn is_disabled(hub: &Hub, request: &Parts) -> bool {
    let id = request.uri.path().split('/').nth(2).map(decoded).unwrap_or_default();
    let state = hub.read();
    std::str::from_utf8(&id).is_ok_and(|id| state.devices.get(id).is_some_and(|device| !device.enabled))
}

/// A segment of a path without its escapes. The router has seen that they are such.
fn decoded(segment: &str) -> Vec<u8> {
    let mut parts = segment.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        bytes.extend(u8::from_str_radix(digits, 16));
        bytes.extend(rest.as_bytes());
    }
    bytes
}

/// The keys of all hubs.
struct HubKeys {
    world: Arc<World>,
    /// Whether tokens are signed for the hub's own name, whatever the request says.
    by_name: bool,
}

impl Keys for HubKeys {
    fn needed(&self, route: &Route) -> Option<Rights> {
        needed(route.id())
    }

    fn hub<'a>(&'a self, host: &'a str) -> Cow<'a, str> {
        match self.world.hub_at(host) {
            Some(hub) if self.by_name => hub.host.clone().into(),
            _ => host.into(),
        }
    }

    async fn policy(&self, hub: &str, name: &str) -> Result<Option<PolicyKeys>, ServiceError> {
        let Some(hub) = self.world.hub_at(hub) else { return Ok(None) };
        let state = hub.read();
        let policy = state.policies.iter().find(|policy| policy.name.eq_ignore_ascii_case(name));
        Ok(policy.map(|policy| PolicyKeys::new(policy.keys.clone(), policy.rights)))
    }

    async fn device(&self, hub: &str, id: &str) -> Result<Option<[SasKey; 2]>, ServiceError> {
        let device = self.world.hub_at(hub).and_then(|hub| hub.read().devices.get(id).cloned());
        Ok(device.and_then(|device| device.keys()))
    }
}

/// The token of the resource provider, or any.
struct ArmTokens(Arc<World>);

impl Tokens for ArmTokens {
    async fn subject(&self, _: &Route, token: &str) -> Result<Option<String>, ServiceError> {
        let is_known = self.0.config.arm_token.as_ref().is_none_or(|known| *known == Secret::from(token));
        Ok(is_known.then(|| "arm".to_owned()))
    }
}
