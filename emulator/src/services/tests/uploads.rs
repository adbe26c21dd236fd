//! Uploads of files, up to the blob.

use std::time::Duration;

use iothub::device::models::{FileUploadCompletionStatus, FileUploadRequest};
use iothub::hub::models::Device;
use serde_json::json;

use super::*;
use crate::blobs::BlobService;

async fn device(emulator: &Emulator, id: &str) -> iothub::device::Client {
    let made = emulator.owner().devices().put(id, &Device::new(id)).await.unwrap().into_body();
    let key = made.authentication.unwrap().symmetric_key.unwrap().primary_key.unwrap();
    emulator.device(id, key.expose().parse().unwrap())
}

/// A request for a blob, as clients make it of the answer.
async fn blob(emulator: &Emulator, method: Method, address: &str, body: &'static str) -> (u16, String) {
    let request = Request::builder().method(method).uri(address).header("x-ms-blob-type", "BlockBlob");
    let (parts, body) = request.body(Body::from(body)).unwrap().into_parts();
    let blobs = BlobService::new(emulator.world.clone());
    assert!(blobs.is_for(&parts), "{address}");
    let (parts, body) = blobs.answer(parts, body).await.into_parts();
    (parts.status.as_u16(), String::from_utf8(body.collect(1 << 20).await.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn a_file_is_uploaded() {
    let emulator = Emulator::start(Profile::Service);
    let client = device(&emulator, "d1").await;
    let target = client.files().create_upload(&FileUploadRequest::new("dir/log.txt")).await.unwrap().into_body();
    assert_eq!((target.host_name.as_str(), target.container_name.as_str()), (HOST, "uploads-h"));
    assert_eq!(target.blob_name, "d1/dir/log.txt");
    let token = target.sas_token.expose();
    assert!(token.starts_with("?sv="), "{token}");
    let address = format!("https://{HOST}/{}/{}{token}", target.container_name, target.blob_name);
    assert_eq!(blob(&emulator, Method::PUT, &address, "the log").await, (201, String::new()));
    assert_eq!(blob(&emulator, Method::GET, &address, "").await, (200, "the log".to_owned()));
    // Another blob is another's.
    assert_eq!(blob(&emulator, Method::PUT, &address.replace("log.txt", "l.txt"), "").await.0, 403);
    assert_eq!(blob(&emulator, Method::DELETE, &address, "").await.0, 403);
    let done = FileUploadCompletionStatus::new(&target.correlation_id).with_is_success(true).with_status_code(201);
    assert_eq!(client.files().notify_upload(&done).await.unwrap().status(), 204);
    let again = client.files().notify_upload(&done).await.unwrap_err();
    assert_eq!(again.code(), Some("InvalidFileUploadCorrelationId"));
    emulator.world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(blob(&emulator, Method::GET, &address, "").await.0, 403);
}

#[tokio::test]
async fn as_the_hub_says() {
    let emulator = Emulator::start(Profile::Service);
    let client = device(&emulator, "d1").await;
    let hub = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emulator/providers/Microsoft.Devices\
               /IotHubs/h?api-version=2017-01-19";
    let put = async |properties: Value| {
        let body = json!({ "location": "westus", "sku": { "name": "S1", "capacity": 1 }, "properties": properties });
        let answer = emulator.send(Method::PUT, hub, &[("authorization", "Bearer t")], Some(&body)).await;
        (answer.status.as_u16(), answer.text)
    };
    let endpoint = |container: &str, time: &str| json!({ "$default": { "containerName": container, "connectionString": "AccountName=a", "sasTtlAsIso8601": time } });
    let uploaded = async |lasts: u64| {
        let target = client.files().create_upload(&FileUploadRequest::new("log.txt")).await.unwrap().into_body();
        let token = target.sas_token.expose();
        let address = format!("https://{HOST}/{}/{}{token}", target.container_name, target.blob_name);
        assert_eq!(blob(&emulator, Method::PUT, &address, "the log").await.0, 201);
        emulator.world.clock.advance(Duration::from_secs(lasts - 5));
        assert_eq!(blob(&emulator, Method::GET, &address, "").await, (200, "the log".to_owned()));
        emulator.world.clock.advance(Duration::from_secs(6));
        assert_eq!(blob(&emulator, Method::GET, &address, "").await.0, 403);
        let late = FileUploadCompletionStatus::new(&target.correlation_id).with_is_success(true);
        let late = client.files().notify_upload(&late).await.unwrap_err();
        assert_eq!(late.code(), Some("InvalidFileUploadCorrelationId"));
        target.container_name
    };
    for (container, time, seconds) in
        [("my-logs", "PT1M", 60), ("my-logs", "P2D", 172_800), ("others", "PT1H30M", 5_400)]
    {
        let (status, text) = put(json!({ "storageEndpoints": endpoint(container, time) })).await;
        assert!(status == 201 && text.contains(container), "{text}");
        assert_eq!(uploaded(seconds).await, container);
    }
    // What a hub has that was never told is sent back by whoever changes something else.
    assert_eq!(put(json!({ "storageEndpoints": endpoint("", "PT1H") })).await.0, 201);
    assert_eq!(uploaded(3_600).await, "uploads-h");
    assert_eq!(
        put(json!({ "storageEndpoints": { "$default": { "containerName": "c1c", "connectionString": "" } } })).await.0,
        201
    );
    assert_eq!(uploaded(3_600).await, "c1c");
    for (properties, what) in [
        (json!({ "storageEndpoints": endpoint("No", "PT1H") }), "'No' is not the name of a container"),
        (json!({ "storageEndpoints": endpoint("devices", "PT1H") }), "'devices' is not the name of a container"),
        (json!({ "storageEndpoints": endpoint("logs", "PT59S") }), "from one minute to 48 hours"),
        (json!({ "storageEndpoints": endpoint("logs", "PT48H1S") }), "from one minute to 48 hours"),
        (json!({ "storageEndpoints": endpoint("logs", "P1M") }), "from one minute to 48 hours"),
        (json!({ "storageEndpoints": endpoint("logs", "soon") }), "sasTtlAsIso8601"),
        (json!({ "storageEndpoints": { "mine": endpoint("logs", "PT1H")["$default"] } }), "no storage endpoint mine"),
        (json!({ "enableFileUploadNotifications": true }), "no storageEndpoints"),
    ] {
        let (status, text) = put(properties).await;
        assert!(status == 400 && text.contains(what), "{status} {text}");
    }
    assert_eq!(uploaded(3_600).await, "c1c");
}

#[tokio::test]
async fn notifications_by_path() {
    let emulator = Emulator::start(Profile::Service);
    device(&emulator, "d1").await;
    let client = device(&emulator, "d2").await;
    let target = client.files().create_upload(&FileUploadRequest::new("x")).await.unwrap().into_body();
    let id = target.correlation_id;
    let escaped = id.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
    let body = json!({ "isSuccess": true, "statusCode": 201, "statusDescription": "" });
    let notify = |device: &str, id: &str| {
        let path = format!("/devices/{device}/files/notifications/{id}?{VERSION}");
        let (emulator, body) = (&emulator, &body);
        async move { emulator.send(Method::POST, &path, &[("iothub-name", "h")], Some(body)).await }
    };
    for (device, id) in [("d1", escaped.as_str()), ("d2", "no%2Fsuch%2Bcorrelation%3D"), ("d2", "x")] {
        let answer = notify(device, id).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "InvalidFileUploadCorrelationId"), "{id}");
    }
    let answer = notify("d2", &escaped).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert_eq!(notify("d2", &escaped).await.status, 400);
    // What the client for Node of 2017 tells when the storage has refused the file.
    let target = client.files().create_upload(&FileUploadRequest::new("x")).await.unwrap().into_body();
    let path = format!("/devices/d2/files/notifications/{}?{VERSION}", target.correlation_id.replace('=', "%3D"));
    let description = json!({ "Error": { "Code": "AuthenticationFailed", "Message": "no" } });
    let body = json!({ "isSuccess": false, "statusCode": 403, "statusDescription": description });
    assert_eq!(emulator.send(Method::POST, &path, &[], Some(&body)).await.status, 204);
}

#[tokio::test]
async fn ten_uploads_at_a_time() {
    let emulator = Emulator::start(Profile::Service);
    let (client, other) = (device(&emulator, "d1").await, device(&emulator, "d2").await);
    let begin = |client: &iothub::device::Client, name: &str| {
        let call = client.files().create_upload(&FileUploadRequest::new(name));
        async move { call.await.map(|answer| answer.into_body().correlation_id) }
    };
    let first = begin(&client, "x").await.unwrap();
    for _ in 1..10 {
        begin(&client, "x").await.unwrap();
    }
    let refused = begin(&client, "x").await.unwrap_err();
    assert_eq!(refused.code(), Some("DeviceMaximumActiveFileUploadLimitExceeded"));
    begin(&other, "x").await.unwrap();
    client.files().notify_upload(&FileUploadCompletionStatus::new(first).with_is_success(false)).await.unwrap();
    let last = begin(&client, "x").await.unwrap();
    assert!(begin(&client, "x").await.is_err());
    // Those that nobody has told of end with their tokens.
    emulator.world.clock.advance(Duration::from_secs(3_600));
    begin(&client, "x").await.unwrap();
    let late = client.files().notify_upload(&FileUploadCompletionStatus::new(last)).await.unwrap_err();
    assert_eq!(late.code(), Some("InvalidFileUploadCorrelationId"));
}

#[tokio::test]
async fn names_of_files() {
    let emulator = Emulator::start(Profile::Service);
    let client = device(&emulator, "d1").await;
    for name in ["a", "gr\u{f6}\u{df}e & ma\u{df} #1?.txt", &"x".repeat(1021)] {
        let target = client.files().create_upload(&FileUploadRequest::new(name)).await.unwrap().into_body();
        assert_eq!(target.blob_name, format!("d1/{name}"));
    }
    for name in ["", "a\nb", &"x".repeat(1022)] {
        let refused = client.files().create_upload(&FileUploadRequest::new(name)).await.unwrap_err();
        assert_eq!(refused.code(), Some("ArgumentInvalid"), "{name}");
    }
}
