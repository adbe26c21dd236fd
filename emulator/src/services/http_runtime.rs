//! A device's side: events, messages and uploads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use iothub::device::models::{FileUploadResponse, RequestedFeedback};
use iothub::device::server::HttpRuntime;
use iothub::device::server::http_runtime::{
    AbandonDeviceBoundNotificationRequest, AbandonDeviceBoundNotificationResponse,
    CompleteDeviceBoundNotificationRequest, CompleteDeviceBoundNotificationResponse, CreateFileUploadSasUriRequest,
    CreateFileUploadSasUriResponse, NotifyFileUploadRequest, NotifyFileUploadResponse,
    ReceiveDeviceBoundNotificationOk, ReceiveDeviceBoundNotificationRequest, ReceiveDeviceBoundNotificationResponse,
    SendDeviceEventRequest, SendDeviceEventResponse, UpdateFileUploadStatusRequest, UpdateFileUploadStatusResponse,
};
use iothub::runtime::server::{Caller, Context, ServiceError};
use iothub::runtime::time::DateTime;
use iothub::runtime::{Clock, ETag};

use super::{Services, batch};
use crate::outside::{Ack, Event};
use crate::state::queue::{Delivery, Settlement};
use crate::state::{Device, Hub, is_id, uploads};
use crate::{errors, gateway};

/// How large an event, or a batch of them, may be with its properties.
const EVENT: usize = 256 << 10;
/// For how long a device may lock a message, in seconds, and for how long it does if it does not say.
const LOCK: (i32, i32, i32) = (5, 300, 60);

impl Services {
    /// The hub that a device speaks to, if it knows the device.
    fn device_hub(&self, cx: &Context, id: &str) -> Result<(Arc<Hub>, Arc<Device>), ServiceError> {
        if !is_id(id) {
            return Err(errors::no_device_id());
        }
        let hub = self.hub(cx)?;
        let device = hub.read().devices.get(id).cloned().ok_or_else(|| errors::device_not_found(id))?;
        Ok((hub, device))
    }
}

impl HttpRuntime for Services {
    async fn send_device_event(
        &self,
        cx: &Context,
        request: SendDeviceEventRequest,
    ) -> Result<SendDeviceEventResponse, ServiceError> {
        let SendDeviceEventRequest { device_id, content_type, property, message, .. } = request;
        let (hub, device) = self.device_hub(cx, &device_id)?;
        let ids = [
            ("message-id", request.message_id),
            ("correlation-id", request.correlation_id),
            ("user-id", request.user_id),
        ];
        let ids: BTreeMap<String, String> =
            ids.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id?))).collect();
        let texts: usize = property.iter().chain(&ids).map(|(name, value)| name.len() + value.len()).sum();
        let room = EVENT.checked_sub(texts).ok_or_else(|| errors::message_too_large(EVENT))?;
        let body = message.collect(room).await?;
        let is_batch = content_type.as_deref().is_some_and(batch::is_batch);
        let parts = match is_batch {
            true => batch::read(&body)?,
            false => {
                let mut system = ids;
                system.extend(content_type.map(|content_type| ("content-type".to_owned(), content_type)));
                vec![batch::Part { body, properties: property, system }]
            }
        };
        let (now, sender) = (hub.clock.now(), sender(cx, &device));
        hub.events.add(parts.into_iter().map(|part| {
            let mut event = Event::new(0, device.id.clone(), now, part.body);
            (event.properties, event.system) = (part.properties, part.system);
            event.system.extend(sender.clone());
            event
        }));
        Ok(SendDeviceEventResponse::NoContent)
    }

    async fn receive_device_bound_notification(
        &self,
        cx: &Context,
        request: ReceiveDeviceBoundNotificationRequest,
    ) -> Result<ReceiveDeviceBoundNotificationResponse, ServiceError> {
        if cx.method() == Method::HEAD {
            // It would lock a message that nobody sees.
            let message = "A message is received with GET.";
            return Err(ServiceError::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message));
        }
        let (hub, device) = self.device_hub(cx, &request.device_id)?;
        let (least, most, usual) = LOCK;
        let seconds = request.lock_timeout_seconds.unwrap_or(usual).clamp(least, most);
        let lock = Duration::from_secs(u64::from(seconds.unsigned_abs()));
        match hub.receive(&device.id, lock)?.durable().await? {
            Some(delivery) => received(&device.id, &delivery).map(ReceiveDeviceBoundNotificationResponse::Ok),
            None => Ok(ReceiveDeviceBoundNotificationResponse::NoContent),
        }
    }

    async fn complete_device_bound_notification(
        &self,
        cx: &Context,
        request: CompleteDeviceBoundNotificationRequest,
    ) -> Result<CompleteDeviceBoundNotificationResponse, ServiceError> {
        let (hub, device) = self.device_hub(cx, &request.device_id)?;
        let how = if request.reject { Settlement::Reject } else { Settlement::Complete };
        hub.settle(&device.id, &request.lock_token, how)?.durable().await?;
        Ok(CompleteDeviceBoundNotificationResponse::NoContent)
    }

    async fn abandon_device_bound_notification(
        &self,
        cx: &Context,
        request: AbandonDeviceBoundNotificationRequest,
    ) -> Result<AbandonDeviceBoundNotificationResponse, ServiceError> {
        let (hub, device) = self.device_hub(cx, &request.device_id)?;
        hub.settle(&device.id, &request.lock_token, Settlement::Abandon)?.durable().await?;
        Ok(AbandonDeviceBoundNotificationResponse::NoContent)
    }

    async fn create_file_upload_sas_uri(
        &self,
        cx: &Context,
        request: CreateFileUploadSasUriRequest,
    ) -> Result<CreateFileUploadSasUriResponse, ServiceError> {
        let (hub, device) = self.device_hub(cx, &request.device_id)?;
        let target = hub.begin_upload(&device.id, &request.file.blob_name)?.durable().await?;
        let host = gateway::host(cx).unwrap_or(&hub.host);
        Ok(CreateFileUploadSasUriResponse::Ok(FileUploadResponse::new(
            target.correlation_id,
            host,
            target.container,
            target.blob,
            target.token,
        )))
    }

    async fn update_file_upload_status(
        &self,
        cx: &Context,
        request: UpdateFileUploadStatusRequest,
    ) -> Result<UpdateFileUploadStatusResponse, ServiceError> {
        self.end_upload(cx, &request.device_id, &request.outcome.correlation_id).await?;
        Ok(UpdateFileUploadStatusResponse::NoContent)
    }

    async fn notify_file_upload(
        &self,
        cx: &Context,
        request: NotifyFileUploadRequest,
    ) -> Result<NotifyFileUploadResponse, ServiceError> {
        self.end_upload(cx, &request.device_id, &request.correlation_id).await?;
        Ok(NotifyFileUploadResponse::NoContent)
    }
}

impl Services {
    async fn end_upload(&self, cx: &Context, device: &str, correlation_id: &str) -> Result<(), ServiceError> {
        let (hub, device) = self.device_hub(cx, device)?;
        let ended = hub.change(|state, changes| uploads::end(&hub, state, changes, &device.id, correlation_id))?;
        ended.durable().await.map(drop)
    }
}

/// What the hub says of whoever has sent an event, as back ends read it.
fn sender(cx: &Context, device: &Device) -> BTreeMap<String, String> {
    let scope = match cx.caller() {
        Some(Caller::Policy { .. }) => "hub",
        _ => "device",
    };
    let method = format!(r#"{{"scope":"{scope}","type":"sas","issuer":"iothub"}}"#);
    let said = [
        ("iothub-connection-device-id", device.id.to_string()),
        ("iothub-connection-device-generation-id", device.generation.to_string()),
        ("iothub-connection-auth-method", method),
        ("iothub-message-source", "Telemetry".to_owned()),
    ];
    said.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A message as the device gets it. What it does not have is there and empty.
fn received(device: &str, delivery: &Delivery) -> Result<ReceiveDeviceBoundNotificationOk, ServiceError> {
    let (queued, message) = (&delivery.queued, &delivery.queued.message);
    let token: ETag = delivery.token.parse().map_err(errors::internal)?;
    let ack = match message.ack {
        Ack::None => RequestedFeedback::None,
        Ack::Positive => RequestedFeedback::Positive,
        Ack::Negative => RequestedFeedback::Negative,
        Ack::Full => RequestedFeedback::Full,
    };
    Ok(ReceiveDeviceBoundNotificationOk::new(message.body.clone().into())
        .with_etag(token)
        .with_message_id(message.id.as_deref().unwrap_or_default())
        .with_correlation_id(message.correlation_id.as_deref().unwrap_or_default())
        .with_user_id(message.user_id.as_deref().unwrap_or_default())
        .with_sequence_number(i64::try_from(queued.sequence).unwrap_or(i64::MAX))
        .with_delivery_count(i32::try_from(delivery.before).unwrap_or(i32::MAX))
        .with_enqueued_time(time(queued.enqueued))
        .with_expiry(message.expiry.map(time).unwrap_or_default())
        .with_to(format!("/devices/{device}/messages/deviceBound"))
        .with_ack(ack)
        .with_properties(message.properties.clone()))
}

/// A time as the service writes it in headers of messages: `12/22/2017 12:14:12 AM`.
pub(super) fn time(time: SystemTime) -> String {
    let text = DateTime::try_from(time).map(|time| time.to_string()).unwrap_or_default();
    let parts: Vec<&str> = text.split(['-', 'T', ':', '.', 'Z']).collect();
    let [year, month, day, hour, minute, second, ..] = parts[..] else { return String::new() };
    let hour: u32 = hour.parse().unwrap_or_default();
    let half = if hour < 12 { "AM" } else { "PM" };
    let hour = (hour + 11) % 12 + 1;
    let (month, day) = (month.trim_start_matches('0'), day.trim_start_matches('0'));
    format!("{month}/{day}/{year} {hour}:{minute}:{second} {half}")
}
