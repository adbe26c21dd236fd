//! Messages and files: the trips of the client `device`, and of the operations that clients do not have.

use std::collections::BTreeMap;

use http::Method;
use iothub::device::models;
use iothub::device::server::{http_runtime, service_messages};
use iothub::runtime::{Body, Bytes};
use serde_json::json;

use super::both::{DEVICE, now};
use super::hard;
use super::table::{Trip, asked, bytes, raw, sample, success, trip};

const LOCK: &str = hard!("lock");
const TAG: &str = "\"9b1c-3a50\"";
/// Bytes that are neither text nor JSON.
const MESSAGE: &[u8] = b"\x00\xff\"\r\n{";

pub(super) fn trips() -> Vec<Trip> {
    [messages(), files(), feedback()].into_iter().flatten().collect()
}

fn properties() -> BTreeMap<String, String> {
    [("a", ""), ("b-c.d", "%00;, \" =")].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn messages() -> Vec<Trip> {
    use http_runtime::*;
    let text = |text: &str| Some(text.to_owned());
    let message = ReceiveDeviceBoundNotificationOk::new(MESSAGE.into())
        .with_etag(TAG.parse().unwrap())
        .with_message_id("m1")
        .with_correlation_id("")
        .with_user_id("u;1")
        .with_sequence_number(i64::MIN)
        .with_delivery_count(0)
        .with_enqueued_time("12/22/2017 12:14:12 AM")
        .with_expiry("")
        .with_to("/devices/dev1/messages/deviceBound")
        .with_ack(models::RequestedFeedback::Full)
        .with_properties(BTreeMap::from([("unit".to_owned(), "C".to_owned()), ("b-c.d".to_owned(), String::new())]));
    vec![
        trip(
            "HttpRuntime_SendDeviceEvent",
            |both| {
                let send = both.device.messages().send(MESSAGE).content_type("a/b; c=\"d;e\"");
                let send = properties().iter().fold(send, |send, (name, value)| send.property(name, value));
                send.message_id("m;1").correlation_id("").user_id("u,1")
            },
            move |mut request: SendDeviceEventRequest| {
                assert_eq!(now(std::mem::take(&mut request.message).collect(100)).unwrap(), MESSAGE);
                asked!(SendDeviceEventRequest {
                    device_id: DEVICE,
                    content_type: text("a/b; c=\"d;e\""),
                    property: properties(),
                    message_id: text("m;1"),
                    correlation_id: text(""),
                    user_id: text("u,1"),
                    message: Nothing,
                })(request);
            },
            SendDeviceEventResponse::NoContent,
            success(204, ()),
        ),
        // The client says what the bytes are where its caller does not.
        trip(
            "HttpRuntime_SendDeviceEvent",
            |both| both.device.messages().send(""),
            asked!(SendDeviceEventRequest {
                device_id: DEVICE,
                content_type: Some("application/octet-stream".to_owned()),
                property: BTreeMap::new(),
                message_id: None,
                correlation_id: None,
                user_id: None,
                message: Nothing,
            }),
            SendDeviceEventResponse::NoContent,
            success(204, ()),
        ),
        trip(
            "HttpRuntime_ReceiveDeviceBoundNotification",
            |both| both.device.messages().receive().lock_timeout_seconds(-1),
            asked!(ReceiveDeviceBoundNotificationRequest { device_id: DEVICE, lock_timeout_seconds: Some(-1) }),
            ReceiveDeviceBoundNotificationResponse::Ok(message),
            success(200, Some(Bytes::from_static(MESSAGE))).with(&[
                ("etag", TAG),
                ("iothub-messageid", "m1"),
                ("iothub-correlationid", ""),
                ("iothub-userid", "u;1"),
                ("iothub-sequencenumber", "-9223372036854775808"),
                ("iothub-deliverycount", "0"),
                ("iothub-enqueuedtime", "12/22/2017 12:14:12 AM"),
                ("iothub-expiry", ""),
                ("iothub-to", "/devices/dev1/messages/deviceBound"),
                ("iothub-ack", "full"),
                ("iothub-app-unit", "C"),
                ("iothub-app-b-c.d", ""),
                ("content-type", "application/octet-stream"),
            ]),
        ),
        trip(
            "HttpRuntime_ReceiveDeviceBoundNotification",
            |both| both.device.messages().receive(),
            asked!(ReceiveDeviceBoundNotificationRequest { device_id: DEVICE, lock_timeout_seconds: None }),
            ReceiveDeviceBoundNotificationResponse::NoContent,
            success(204, None),
        ),
        trip(
            "HttpRuntime_CompleteDeviceBoundNotification",
            |both| both.device.messages().complete(LOCK).reject(),
            asked!(CompleteDeviceBoundNotificationRequest { device_id: DEVICE, lock_token: LOCK, reject: true }),
            CompleteDeviceBoundNotificationResponse::NoContent,
            success(204, ()),
        ),
        trip(
            "HttpRuntime_CompleteDeviceBoundNotification",
            |both| both.device.messages().complete(LOCK),
            asked!(CompleteDeviceBoundNotificationRequest { device_id: DEVICE, lock_token: LOCK, reject: false }),
            CompleteDeviceBoundNotificationResponse::NoContent,
            success(204, ()),
        ),
        trip(
            "HttpRuntime_AbandonDeviceBoundNotification",
            |both| both.device.messages().abandon(LOCK),
            asked!(AbandonDeviceBoundNotificationRequest { device_id: DEVICE, lock_token: LOCK }),
            AbandonDeviceBoundNotificationResponse::NoContent,
            success(204, ()),
        ),
    ]
}

/// A body with nothing in it.
#[derive(Debug)]
struct Nothing;

impl PartialEq<Nothing> for Body {
    fn eq(&self, _: &Nothing) -> bool {
        self.length() == Some(0)
    }
}

fn files() -> Vec<Trip> {
    use http_runtime::*;
    let file = || models::FileUploadRequest::new("dir/log \u{fc}.txt");
    let status = || models::FileUploadCompletionStatus::new("c/1").with_is_success(false).with_status_code(-1);
    let outcome = || -> models::FileUploadOutcome {
        serde_json::from_value(json!({ "isSuccess": true, "statusCode": 201, "statusDescription": "" })).unwrap()
    };
    let notify = "/devices/*/files/notifications/*?api-version=1";
    vec![
        trip(
            "HttpRuntime_CreateFileUploadSasUri",
            move |both| both.device.files().create_upload(&file()),
            asked!(CreateFileUploadSasUriRequest { device_id: DEVICE, file: file() }),
            CreateFileUploadSasUriResponse::Ok(sample("HttpRuntime_CreateFileUploadSasUri")),
            success(200, sample("HttpRuntime_CreateFileUploadSasUri")),
        ),
        trip(
            "HttpRuntime_UpdateFileUploadStatus",
            move |both| both.device.files().notify_upload(&status()),
            asked!(UpdateFileUploadStatusRequest { device_id: DEVICE, outcome: status() }),
            UpdateFileUploadStatusResponse::NoContent,
            success(204, ()),
        ),
        trip(
            "HttpRuntime_NotifyFileUpload",
            move |both| both.raw(raw(Method::POST, notify, &[DEVICE, "c/1"], bytes(&outcome()))),
            asked!(NotifyFileUploadRequest {
                device_id: DEVICE,
                correlation_id: "c/1",
                file_upload_completion_status: outcome(),
            }),
            NotifyFileUploadResponse::NoContent,
            success(204, Bytes::new()),
        ),
    ]
}

/// Feedback, which only servers have.
fn feedback() -> Vec<Trip> {
    use service_messages::*;
    let batch = ReceiveFeedbackOk::new(Body::from("[]"))
        .with_etag("9b1c-3a50".parse().unwrap())
        .with_iothub_enqueuedtime("12/22/2017 12:14:12 AM")
        .with_content_type("application/vnd.microsoft.iothub.feedback.json");
    let receive =
        |both: &super::Both| both.raw(raw(Method::GET, "/messages/serviceBound/feedback?api-version=1", &[], ""));
    vec![
        trip(
            "ServiceMessages_ReceiveFeedback",
            receive,
            asked!(ReceiveFeedbackRequest {}),
            ReceiveFeedbackResponse::Ok(batch),
            success(200, Bytes::from_static(b"[]")).with(&[
                ("etag", TAG),
                ("iothub-enqueuedtime", "12/22/2017 12:14:12 AM"),
                ("content-type", "application/vnd.microsoft.iothub.feedback.json"),
            ]),
        ),
        trip(
            "ServiceMessages_ReceiveFeedback",
            receive,
            asked!(ReceiveFeedbackRequest {}),
            ReceiveFeedbackResponse::NoContent,
            success(204, Bytes::new()),
        ),
        trip(
            "ServiceMessages_CompleteFeedback",
            |both| both.raw(raw(Method::DELETE, "/messages/serviceBound/feedback/*?api-version=1", &[LOCK], "")),
            asked!(CompleteFeedbackRequest { lock_token: LOCK }),
            CompleteFeedbackResponse::NoContent,
            success(204, Bytes::new()),
        ),
        trip(
            "ServiceMessages_AbandonFeedback",
            |both| both.raw(raw(Method::POST, "/messages/serviceBound/feedback/*/abandon?api-version=1", &[LOCK], "")),
            asked!(AbandonFeedbackRequest { lock_token: LOCK }),
            AbandonFeedbackResponse::NoContent,
            success(204, Bytes::new()),
        ),
    ]
}
