//! Identities of devices.

use std::collections::HashMap;
use std::sync::Arc;

use http::StatusCode;
use iothub::hub::models::{self, BulkRegistryOperationResult, DeviceRegistryOperationError, ErrorCode};
use iothub::hub::server::DeviceApi;
use iothub::hub::server::device_api::{
    BulkDeviceOperationBadRequest, BulkDeviceOperationRequest, BulkDeviceOperationResponse, DeleteDeviceRequest,
    DeleteDeviceResponse, GetDeviceOk, GetDeviceRequest, GetDeviceResponse, GetDevicesRequest, GetDevicesResponse,
    GetRegistryStatisticsRequest, GetRegistryStatisticsResponse, GetServiceStatisticsRequest,
    GetServiceStatisticsResponse, PurgeCommandQueueRequest, PurgeCommandQueueResponse, PutDeviceCreated, PutDeviceOk,
    PutDeviceRequest, PutDeviceResponse, QueryDevicesRequest, QueryDevicesResponse,
};
use iothub::runtime::server::{Context, ServiceError};
use iothub::runtime::{ETag, Intent, Outcome};

use super::{Services, identities, queries};
use crate::errors;
use crate::profile::{Kind, Objection};
use crate::state::{Device, Import, Live, Registry, queue};

/// The most devices that a list has.
const LISTED: usize = 1_000;
/// The most devices that one request may change.
const BULK: usize = 100;

impl Services {
    /// A device.
    pub(super) fn device(&self, cx: &Context, id: &str) -> Result<(Arc<Device>, Live), ServiceError> {
        identities::check_id(id)?;
        let hub = self.hub(cx)?;
        let state = hub.read();
        let device = state.devices.get(id).ok_or_else(|| errors::device_not_found(id))?;
        Ok((device.clone(), state.live(id)))
    }
}

/// The entity tag of an identity, which it has in its body, too.
fn etag(written: &models::Device) -> Result<ETag, ServiceError> {
    written.etag.as_deref().unwrap_or_default().parse().map_err(errors::internal)
}

/// Why nothing is done with a device.
fn objection(objection: Objection, id: &str) -> ServiceError {
    match objection {
        Objection::Exists => errors::device_exists(id),
        Objection::Missing => errors::device_not_found(id),
        Objection::Refused => errors::precondition_failed(),
    }
}

impl DeviceApi for Services {
    async fn get_device(&self, cx: &Context, request: GetDeviceRequest) -> Result<GetDeviceResponse, ServiceError> {
        let (device, live) = self.device(cx, &request.device_id)?;
        let body = identities::device(&device, live, identities::is_later(cx));
        let etag = etag(&body)?;
        Ok(GetDeviceResponse::Ok(GetDeviceOk::new(body).with_etag(etag)))
    }

    async fn put_device(&self, cx: &Context, request: PutDeviceRequest) -> Result<PutDeviceResponse, ServiceError> {
        let PutDeviceRequest { device_id: id, preconditions, device, .. } = request;
        identities::check_id(&id)?;
        if device.device_id != id {
            return Err(errors::other_device(&id));
        }
        let identity = identities::of_device(&device)?;
        let (hub, config) = (self.hub(cx)?, &self.world.config);
        let pending = hub.change(|state, changes| {
            let mut registry = Registry::open(&hub, state, changes, &config.limits)?;
            let current = registry.find(&id).map(|device| device.etag());
            let decided = config.profile.decide(Kind::Device, Intent::Write, &preconditions, current.as_deref());
            let (outcome, status) = decided.map_err(|why| objection(why, &id))?;
            let device = match outcome {
                Outcome::Create => registry.create(&id, &identity, Vec::new()),
                _ => registry.update(&id, &identity, Vec::new()),
            }?;
            Ok::<_, ServiceError>((device, state.live(&id), status))
        })?;
        let (device, live, status) = pending.durable().await?;
        let body = identities::device(&device, live, identities::is_later(cx));
        let etag = etag(&body)?;
        Ok(match status {
            StatusCode::CREATED => PutDeviceResponse::Created(PutDeviceCreated::new(body).with_etag(etag)),
            _ => PutDeviceResponse::Ok(PutDeviceOk::new(body).with_etag(etag)),
        })
    }

    async fn delete_device(
        &self,
        cx: &Context,
        request: DeleteDeviceRequest,
    ) -> Result<DeleteDeviceResponse, ServiceError> {
        let DeleteDeviceRequest { device_id: id, preconditions, .. } = request;
        identities::check_id(&id)?;
        let (hub, config) = (self.hub(cx)?, &self.world.config);
        let pending = hub.change(|state, changes| {
            let mut registry = Registry::open(&hub, state, changes, &config.limits)?;
            let current = registry.find(&id).map(|device| device.etag());
            let decided = config.profile.decide(Kind::Device, Intent::Delete, &preconditions, current.as_deref());
            let (outcome, status) = decided.map_err(|why| objection(why, &id))?;
            if outcome == Outcome::Delete {
                registry.delete(&id)?;
            }
            Ok::<_, ServiceError>(status)
        })?;
        Ok(match pending.durable().await? {
            StatusCode::OK => DeleteDeviceResponse::Ok,
            _ => DeleteDeviceResponse::NoContent,
        })
    }

    async fn purge_command_queue(
        &self,
        cx: &Context,
        request: PurgeCommandQueueRequest,
    ) -> Result<PurgeCommandQueueResponse, ServiceError> {
        let id = request.device_id;
        identities::check_id(&id)?;
        let purged = queue::purge(&*self.hub(cx)?, &id).await?;
        let purged = i32::try_from(purged).unwrap_or(i32::MAX);
        let result = models::PurgeMessageQueueResult::new().with_total_messages_purged(purged).with_device_id(id);
        Ok(PurgeCommandQueueResponse::Ok(result))
    }

    async fn get_registry_statistics(
        &self,
        cx: &Context,
        _: GetRegistryStatisticsRequest,
    ) -> Result<GetRegistryStatisticsResponse, ServiceError> {
        let hub = self.hub(cx)?;
        let state = hub.read();
        let (all, disabled) = (state.devices.len(), state.disabled);
        let statistics = models::RegistryStatistics::new(count(all), count(all - disabled), count(disabled));
        Ok(GetRegistryStatisticsResponse::Ok(statistics))
    }

    async fn get_service_statistics(
        &self,
        cx: &Context,
        _: GetServiceStatisticsRequest,
    ) -> Result<GetServiceStatisticsResponse, ServiceError> {
        let connected = self.hub(cx)?.read().connected();
        Ok(GetServiceStatisticsResponse::Ok(models::ServiceStatistics::new(count(connected))))
    }

    async fn get_devices(&self, cx: &Context, request: GetDevicesRequest) -> Result<GetDevicesResponse, ServiceError> {
        let top = request.top.and_then(|top| usize::try_from(top).ok());
        let top = top.filter(|top| (1..=LISTED).contains(top)).unwrap_or(LISTED);
        let hub = self.hub(cx)?;
        let devices: Vec<_> = {
            let state = hub.read();
            state.devices.iter().take(top).map(|(id, device)| (device.clone(), state.live(id))).collect()
        };
        let is_later = identities::is_later(cx);
        let devices = devices.iter().map(|(device, live)| identities::device(device, *live, is_later));
        Ok(GetDevicesResponse::Ok(devices.collect()))
    }

    async fn bulk_device_operation(
        &self,
        cx: &Context,
        request: BulkDeviceOperationRequest,
    ) -> Result<BulkDeviceOperationResponse, ServiceError> {
        let devices = request.devices;
        if !(1..=BULK).contains(&devices.len()) {
            return Err(errors::invalid(format!("There are {} devices, where 1 to {BULK} may be.", devices.len())));
        }
        let mut times: HashMap<String, usize> = HashMap::new();
        for device in &devices {
            *times.entry(device.id.clone()).or_default() += 1;
        }
        let imports: Vec<(String, Result<Import, ServiceError>)> = devices
            .into_iter()
            .map(|device| match times.get(&device.id) {
                Some(1) => (device.id.clone(), identities::import(device)),
                _ => (device.id.clone(), Err(errors::device_twice(&device.id))),
            })
            .collect();
        let (hub, limits) = (self.hub(cx)?, &self.world.config.limits);
        let pending = hub.change(|state, changes| {
            let mut registry = Registry::open(&hub, state, changes, limits)?;
            let failed = imports.into_iter().filter_map(|(id, import)| {
                let error = import.and_then(|import| registry.import(import)).err()?;
                let code = ErrorCode::from(error.code().unwrap_or_default());
                Some(DeviceRegistryOperationError::new(id, code, error.message()))
            });
            Ok::<_, ServiceError>(failed.collect::<Vec<_>>())
        })?;
        let failed = pending.durable().await?;
        let result = BulkRegistryOperationResult::new(failed.is_empty());
        Ok(match failed.is_empty() {
            true => BulkDeviceOperationResponse::Ok(result.with_errors(failed)),
            // Also where others succeeded. Clients tell this from a refused request by the header.
            false => BulkDeviceOperationResponse::BadRequest(
                BulkDeviceOperationBadRequest::new(result.with_errors(failed))
                    .with_iothub_errorcode("BulkRegistryOperationFailure"),
            ),
        })
    }

    async fn query_devices(
        &self,
        cx: &Context,
        request: QueryDevicesRequest,
    ) -> Result<QueryDevicesResponse, ServiceError> {
        queries::query_devices(self, cx, request).await
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}
