//! Twins.

use iothub::hub::models;
use iothub::hub::server::DeviceTwinApi;
use iothub::hub::server::device_twin_api::{
    GetDeviceTwinRequest, GetDeviceTwinResponse, InvokeDeviceMethodRequest, InvokeDeviceMethodResponse,
    ReplaceDeviceTwinRequest, ReplaceDeviceTwinResponse, UpdateDeviceTwinRequest, UpdateDeviceTwinResponse,
};
use iothub::runtime::server::{Context, Preconditions, ServiceError};

use super::{Services, identities, methods};
use crate::errors;
use crate::state::{Change, Part, Registry};

impl Services {
    /// Changes a twin, and answers the whole of it.
    async fn change_twin(
        &self,
        cx: &Context,
        id: &str,
        preconditions: &Preconditions,
        changes: Vec<(Part, Change)>,
    ) -> Result<models::Twin, ServiceError> {
        let (hub, limits) = (self.hub(cx)?, &self.world.config.limits);
        let pending = hub.change(|state, writes| {
            let mut registry = Registry::open(&hub, state, writes, limits)?;
            let device = registry.change_twin(id, preconditions, changes)?;
            Ok::<_, ServiceError>((device, state.live(id)))
        })?;
        let (device, live) = pending.durable().await?;
        Ok(identities::twin(&device, live))
    }
}

/// The parts of a twin that the back end may change. What devices report is theirs; it comes along where a client sends back
/// what it has read.
fn parts(id: &str, given: models::Twin) -> Result<[(Part, Option<identities::Object>); 2], ServiceError> {
    identities::check_id(id)?;
    if given.device_id.as_ref().is_some_and(|given| given != id) {
        return Err(errors::other_device(id));
    }
    Ok([(Part::Tags, given.tags), (Part::Desired, given.properties.and_then(|both| both.desired))])
}

impl DeviceTwinApi for Services {
    async fn get_device_twin(
        &self,
        cx: &Context,
        request: GetDeviceTwinRequest,
    ) -> Result<GetDeviceTwinResponse, ServiceError> {
        let (device, live) = self.device(cx, &request.device_id)?;
        Ok(GetDeviceTwinResponse::Ok(identities::twin(&device, live)))
    }

    async fn update_device_twin(
        &self,
        cx: &Context,
        request: UpdateDeviceTwinRequest,
    ) -> Result<UpdateDeviceTwinResponse, ServiceError> {
        let UpdateDeviceTwinRequest { device_id, preconditions, changes, .. } = request;
        let parts = parts(&device_id, changes)?.into_iter();
        let changes = parts.filter_map(|(part, given)| Some((part, Change::Merge(given?)))).collect();
        let twin = self.change_twin(cx, &device_id, &preconditions, changes).await?;
        Ok(UpdateDeviceTwinResponse::Ok(twin))
    }

    async fn replace_device_twin(
        &self,
        cx: &Context,
        request: ReplaceDeviceTwinRequest,
    ) -> Result<ReplaceDeviceTwinResponse, ServiceError> {
        let ReplaceDeviceTwinRequest { device_id, preconditions, device_twin_info, .. } = request;
        // What is left out is gone.
        let parts = parts(&device_id, device_twin_info)?.into_iter();
        let changes = parts.map(|(part, given)| (part, Change::Replace(given.unwrap_or_default()))).collect();
        let twin = self.change_twin(cx, &device_id, &preconditions, changes).await?;
        Ok(ReplaceDeviceTwinResponse::Ok(twin))
    }

    async fn invoke_device_method(
        &self,
        cx: &Context,
        request: InvokeDeviceMethodRequest,
    ) -> Result<InvokeDeviceMethodResponse, ServiceError> {
        methods::invoke(self, cx, request).await
    }
}
