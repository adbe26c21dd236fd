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
        given: models::Twin,
        how: fn(identities::Object) -> Change,
    ) -> Result<models::Twin, ServiceError> {
        identities::check_id(id)?;
        if given.device_id.as_ref().is_some_and(|given| given != id) {
            return Err(errors::other_device(id));
        }
        // What devices report is theirs; it comes along where a client sends back what it has read.
        let parts = [(Part::Tags, given.tags), (Part::Desired, given.properties.and_then(|both| both.desired))];
        // To replace by nothing is a change, too.
        let is_replaced = matches!(how(Default::default()), Change::Replace(_));
        let changes = parts.into_iter().filter_map(|(part, given)| match given {
            None if !is_replaced => None,
            given => Some((part, how(given.unwrap_or_default()))),
        });
        let changes = changes.collect();
        let hub = self.hub(cx)?;
        let pending = hub.change(|state, writes| {
            let device = Registry::open(&hub, state, writes, &self.world.config.limits)?.change_twin(
                id,
                preconditions,
                changes,
            )?;
            let live = state.live(id);
            Ok::<_, ServiceError>((device, live))
        })?;
        let (device, live) = pending.durable().await?;
        Ok(identities::twin(&device, live))
    }
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
        let twin = self.change_twin(cx, &device_id, &preconditions, changes, Change::Merge).await?;
        Ok(UpdateDeviceTwinResponse::Ok(twin))
    }

    async fn replace_device_twin(
        &self,
        cx: &Context,
        request: ReplaceDeviceTwinRequest,
    ) -> Result<ReplaceDeviceTwinResponse, ServiceError> {
        let ReplaceDeviceTwinRequest { device_id, preconditions, device_twin_info, .. } = request;
        let twin = self.change_twin(cx, &device_id, &preconditions, device_twin_info, Change::Replace).await?;
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
