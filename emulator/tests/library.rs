//! The library.

use std::time::Duration;

use iothub::device::models::{FileUploadCompletionStatus, FileUploadRequest};
use iothub::hub::Client;
use iothub::hub::models::{Device, DirectMethod};
use iothub::management::models::{IotHubDescription, IotHubSku, IotHubSkuInfo};
use iothub::runtime::{Body, Retry};
use iothub_emulator::{Emulator, Fault, Message, MethodAnswer, MethodCall};
use serde_json::json;

use crate::support::{Folder, send};

async fn other_hub(emulator: &Emulator) {
    let arm = iothub::management::Client::with_pipeline(emulator.arm_pipeline().unwrap(), emulator.subscription());
    let description = IotHubDescription::new("westus", IotHubSkuInfo::new(IotHubSku::S1).with_capacity(1));
    let made = arm.iot_hubs().create_or_update("group", "Other", &description).await.unwrap();
    assert_eq!(made.name.as_deref(), Some("Other"));
}

#[tokio::test]
async fn without_a_socket() {
    let emulator = Emulator::builder().in_process().start().await.unwrap();
    assert!(emulator.address().is_none());
    let hub = Client::with_pipeline(emulator.pipeline().unwrap());
    let text = Client::from_connection_string(&emulator.connection_string());
    assert!(text.is_ok(), "{}", emulator.connection_string());
    hub.devices().put("d1", &Device::new("d1")).await.unwrap();
    // The client has the same time, and so makes new tokens.
    emulator.advance(Duration::from_secs(50 * 60 * 60));
    hub.devices().get("d1").await.unwrap();
    let fault =
        emulator.inject(Fault::new().operation("DeviceApi_GetDevice").status(http::StatusCode::BAD_GATEWAY)).unwrap();
    // It is tried again.
    hub.devices().get("d1").await.unwrap();
    assert_eq!((fault.seen(), fault.hits()), (2, 1));
    assert!(emulator.device_pipeline("d2").is_err());
    let device = emulator.device_pipeline("d1").unwrap();
    assert_eq!(device.endpoint().host(), "localhost");
}

#[tokio::test]
async fn another_hub_is_reached_by_its_name() {
    let emulator = Emulator::builder().lro_delay(Duration::ZERO).start().await.unwrap();
    assert!(emulator.hub("other").is_none());
    other_hub(&emulator).await;
    let other = emulator.hub("other").unwrap();
    assert_eq!(other.name(), "Other");
    let text = other.connection_string();
    assert!(text.starts_with("HostName=other.azure-devices.net;GatewayHostName=127.0.0.1:"), "{text}");
    let main = Client::from_connection_string(&emulator.connection_string()).unwrap();
    for hub in [Client::from_connection_string(&text).unwrap(), Client::with_pipeline(other.pipeline().unwrap())] {
        let id = if hub.devices().get("d1").await.is_ok() { "d2" } else { "d1" };
        hub.devices().put(id, &Device::new(id)).await.unwrap();
        assert_eq!(main.devices().get(id).await.unwrap_err().status().unwrap(), 404);
    }
    assert!(other.device_connection_string("d2").unwrap().contains(";GatewayHostName=127.0.0.1:"));
    // Keys of one hub are none of the other's.
    let owner = |text: &str| text.split("SharedAccessKey=").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let mixed = text.replace(&owner(&text), &owner(&emulator.connection_string()));
    let mixed = Client::from_connection_string(&mixed).unwrap();
    assert_eq!(mixed.devices().get("d1").await.unwrap_err().status().unwrap(), 401);
    emulator.reset().await.unwrap();
    assert!(emulator.hub("other").is_none());
    assert!(other.pipeline().is_err());
}

#[tokio::test]
async fn what_was_reset_stays_away() {
    let folder = Folder::new();
    let start = || Emulator::builder().data_dir(folder.join("data")).lro_delay(Duration::ZERO).start();
    let emulator = start().await.unwrap();
    let text = emulator.connection_string();
    let text = text.split_once(";SharedAccessKeyName").unwrap().1.to_owned();
    Client::with_pipeline(emulator.pipeline().unwrap()).devices().put("d1", &Device::new("d1")).await.unwrap();
    other_hub(&emulator).await;
    emulator.stop().await;
    let emulator = start().await.unwrap();
    let hub = Client::with_pipeline(emulator.pipeline().unwrap());
    hub.devices().get("d1").await.unwrap();
    assert!(emulator.hub("Other").is_some());
    emulator.reset().await.unwrap();
    hub.devices().put("d2", &Device::new("d2")).await.unwrap();
    let hub = Client::with_pipeline(emulator.pipeline().unwrap().with_retry(Retry::none()));
    emulator.stop().await;
    // Now there is nobody to write.
    assert_eq!(hub.devices().put("d3", &Device::new("d3")).await.unwrap_err().status().unwrap(), 500);
    let emulator = start().await.unwrap();
    let hub = Client::with_pipeline(emulator.pipeline().unwrap());
    assert_eq!(hub.devices().get("d1").await.unwrap_err().status().unwrap(), 404);
    hub.devices().get("d2").await.unwrap();
    assert!(emulator.hub("Other").is_none() && emulator.connection_string().contains(&text));
}

#[tokio::test]
async fn methods_are_answered() {
    let emulator = Emulator::builder().in_process().start().await.unwrap();
    let hub = Client::with_pipeline(emulator.pipeline().unwrap().with_retry(Retry::none()));
    let call = DirectMethod::new("m").with_payload(json!({ "a": 1 }));
    assert_eq!(emulator.on_method("d1", "m", answer).unwrap_err().status(), 404);
    hub.devices().put("d1", &Device::new("d1")).await.unwrap();
    hub.devices().put("d2", &Device::new("d2")).await.unwrap();
    assert_eq!(hub.twins().invoke_method("d1", &call).await.unwrap_err().status().unwrap(), 404);
    emulator.on_method("d1", "m", answer).unwrap();
    let result = hub.twins().invoke_method("d1", &call).await.unwrap();
    assert_eq!((result.status, result.payload.as_ref().unwrap()), (Some(201), &json!(["d1", "m", { "a": 1 }])));
    emulator.forget_method("d1", "m").unwrap();
    assert!(hub.twins().invoke_method("d1", &call).await.is_err());
    emulator.on_method_of_all("m", answer).unwrap();
    assert_eq!(hub.twins().invoke_method("d2", &call).await.unwrap().payload.as_ref().unwrap()[0], "d2");
}

async fn answer(call: MethodCall) -> MethodAnswer {
    MethodAnswer::new(201, json!([&*call.device_id, call.name, call.payload]))
}

#[tokio::test]
async fn a_device_of_another_hub() {
    let emulator = Emulator::builder().lro_delay(Duration::ZERO).start().await.unwrap();
    other_hub(&emulator).await;
    let other = emulator.hub("other").unwrap();
    let hub = Client::from_connection_string(&other.connection_string()).unwrap();
    hub.devices().put("d1", &Device::new("d1")).await.unwrap();
    let text = other.device_connection_string("d1").unwrap();
    let device = iothub::device::Client::from_connection_string(&text).unwrap();
    device.messages().send("hello").property("unit", "heater").await.unwrap();
    let event = other.event_after(0).await.unwrap();
    assert_eq!((&*event.device_id, &event.body[..]), ("d1", &b"hello"[..]));
    assert_eq!(event.properties["unit"], "heater");
    assert!(emulator.events().is_empty());
    other.send("d1", Message::new("on").id("m1")).await.unwrap();
    let received = device.messages().receive().await.unwrap();
    assert_eq!(received.headers()["iothub-messageid"], "m1");
    let lock = received.headers()["etag"].to_str().unwrap().trim_matches('"').to_owned();
    assert_eq!(other.queued("d1").len(), 1);
    device.messages().complete(&lock).await.unwrap();
    assert!(other.queued("d1").is_empty());
    // The file goes where the device has connected to.
    let upload = device.files().create_upload(&FileUploadRequest::new("a/b.txt")).await.unwrap();
    let host = upload.host_name.clone();
    assert_eq!(Some(&*host), emulator.url().strip_prefix("http://"));
    let (container, blob, token) = (&upload.container_name, &upload.blob_name, upload.sas_token.expose());
    let url = format!("http://{host}/{container}/{blob}{token}");
    _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let put = client.put(&url).header("x-ms-blob-type", "BlockBlob").body("a file").send().await.unwrap();
    assert_eq!(put.status(), 201);
    assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), "a file");
    let forged = url.replace("sig=", "sig=A");
    assert_eq!(client.get(&forged).send().await.unwrap().status(), 403);
    let outcome = FileUploadCompletionStatus::new(upload.correlation_id.clone()).with_is_success(true);
    device.files().notify_upload(&outcome).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be() {
    for (builder, said) in [
        (Emulator::builder().host_name(""), "host name"),
        (Emulator::builder().host_name("a b"), "host name"),
        (Emulator::builder().host_name("a..b"), "host name"),
        (Emulator::builder().key("p", "no key"), "the key of p"),
        (
            Emulator::builder().key("p", "bWFkZSB1cA==").key("P", "bWFkZSB1cA==").key("p", "bWFkZSB1cA=="),
            "more than two",
        ),
        (Emulator::builder().listen("256.0.0.1:0"), "256.0.0.1:0"),
    ] {
        let error = builder.start().await.unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains("no key"), "{error}");
    }
}

#[tokio::test]
async fn names_of_hubs() {
    for (host, name) in [
        ("my-hub.azure-devices.net", "my-hub"),
        ("localhost", "localhost"),
        ("127.0.0.1", "emulator"),
        ("Hub.Example", "Hub"),
    ] {
        let emulator = Emulator::builder().in_process().host_name(host).start().await.unwrap();
        assert_eq!((emulator.name(), emulator.host_name()), (name, host));
    }
}

#[tokio::test]
async fn consumer_groups_of_later_versions_are_objects() {
    let emulator = Emulator::builder().in_process().arm_token("t").start().await.unwrap();
    let (subscription, hub) = (emulator.subscription(), emulator.name());
    let path = format!(
        "/subscriptions/{subscription}/resourceGroups/emulator/providers/Microsoft.Devices/IotHubs/{hub}/eventHubEndpoints\
         /events/ConsumerGroups"
    );
    let list = async |query: &str| {
        send(&emulator, ("GET", &format!("{path}?{query}")), &[("authorization", "Bearer t")], Body::Empty).await
    };
    for version in ["2016-02-03", "2017-01-19"] {
        let names = list(&format!("api-version={version}")).await;
        assert_eq!(names.json(), json!({ "value": ["$Default"] }), "{version}");
    }
    for query in ["api-version=2018-01-22", "x=1&api-version=2021-07-02"] {
        let objects = list(query).await;
        let group = json!({ "id": format!("{path}/$Default"), "name": "$Default", "tags": {} });
        assert_eq!(objects.json(), json!({ "value": [group] }), "{query}");
    }
    let refused =
        send(&emulator, ("GET", &format!("{path}?api-version=2020-03-01")), &[("authorization", "Bearer x")], "").await;
    assert_eq!((refused.status, refused.code().as_deref()), (401, Some("AuthenticationFailed")));
}
