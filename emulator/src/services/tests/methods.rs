//! Direct methods over HTTP. What they do is tested where they are.

use iothub::hub::models::{Device, DirectMethod};
use serde_json::json;

use super::*;
use crate::outside::{MethodAnswer, MethodHandler};

pub(super) fn says(status: i32, payload: Value) -> Option<MethodHandler> {
    Some(Arc::new(move |_| {
        let answer = MethodAnswer::new(status, payload.clone());
        Box::pin(async move { answer })
    }))
}

#[tokio::test]
async fn with_the_client() {
    let emulator = Emulator::start(Profile::Service);
    let client = emulator.client("service");
    let invoke = async |device: &str, method: DirectMethod| {
        let answer = client.twins().invoke_method(device, &method).await;
        let answer = answer.map_err(|error| (error.status().unwrap().as_u16(), error.code().unwrap().to_owned()))?;
        Ok((answer.status, answer.payload.clone()))
    };
    let refused = |status, code: &str| Err((status, code.to_owned()));
    assert_eq!(invoke("d1", DirectMethod::new("m")).await, refused(404, "DeviceNotFound"));
    emulator.owner().devices().put("d1", &Device::new("d1")).await.unwrap();
    assert_eq!(invoke("d1", DirectMethod::new("m")).await, refused(404, "DeviceNotOnline"));

    let hub = emulator.world.hub("h").unwrap();
    let handler: MethodHandler = Arc::new(|call| Box::pin(async move { MethodAnswer::new(-7, json!([call.payload])) }));
    hub.set_method("d1", "m", Some(handler)).unwrap();
    for payload in [json!({ "x": [1, null] }), json!("text"), json!(0.5), json!([]), json!(false)] {
        let answer = invoke("d1", DirectMethod::new("m").with_payload(payload.clone())).await;
        assert_eq!(answer, Ok((Some(-7), Some(json!([payload])))));
    }
    for wrong in [
        DirectMethod::new(""),
        DirectMethod::new("m").with_response_timeout_in_seconds(4),
        DirectMethod::new("m").with_connect_timeout_in_seconds(301),
    ] {
        assert_eq!(invoke("d1", wrong).await, refused(400, "ArgumentInvalid"));
    }
    let large = DirectMethod::new("m").with_payload("x".repeat(128 << 10).into());
    assert_eq!(invoke("d1", large).await, refused(413, "MessageTooLarge"));
    assert_eq!(invoke("no/id", DirectMethod::new("m")).await, refused(400, "ArgumentInvalid"));

    // Whoever is connected is seen to be.
    let owner = emulator.owner();
    assert_eq!(owner.devices().get("d1").await.unwrap().connection_state.as_ref().unwrap().as_str(), "Connected");
    assert_eq!(owner.devices().service_statistics().await.unwrap().connected_device_count, 1);
}

#[tokio::test]
async fn as_it_is_written() {
    let emulator = Emulator::start(Profile::Service);
    emulator.owner().devices().put("d1", &Device::new("d1")).await.unwrap();
    // As clients write it, with and without.
    let target = format!("/twins/d1/methods?{VERSION}");
    let body =
        json!({ "methodName": "m", "payload": null, "responseTimeoutInSeconds": 30, "connectTimeoutInSeconds": 0 });
    let answer = emulator.send(Method::POST, &target, &[], Some(&body)).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "DeviceNotOnline".to_owned()));
    assert!(answer.text.contains("ErrorCode:DeviceNotOnline;Timed out waiting for device to connect."), "{answer:?}");

    let hub = emulator.world.hub("h").unwrap();
    hub.set_method("d1", "m", says(200, Value::Null)).unwrap();
    let answer = emulator.send(Method::POST, &target, &[], Some(&body)).await;
    assert_eq!((answer.status, &*answer.text), (StatusCode::OK, r#"{"status":200,"payload":null}"#));
    let answer = emulator.send(Method::POST, &target, &[], Some(&json!({ "methodName": "other" }))).await;
    assert_eq!((answer.status, &*answer.text), (StatusCode::OK, r#"{"status":501,"payload":null}"#));
    for body in [json!({}), json!({ "methodName": 1 }), json!({ "methodName": "m", "responseTimeoutInSeconds": 5.5 })] {
        assert_eq!(emulator.send(Method::POST, &target, &[], Some(&body)).await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn too_late() {
    let emulator = Emulator::start(Profile::Service);
    emulator.owner().devices().put("d1", &Device::new("d1")).await.unwrap();
    let target = format!("/twins/d1/methods?{VERSION}");
    let hub = emulator.world.hub("h").unwrap();
    let is_called = Arc::new(tokio::sync::Notify::new());
    let calls = is_called.clone();
    let never: MethodHandler = Arc::new(move |_| {
        calls.notify_one();
        Box::pin(std::future::pending())
    });
    hub.set_method("d1", "never", Some(never)).unwrap();
    let body = json!({ "methodName": "never", "responseTimeoutInSeconds": 300 });
    let advance = async {
        is_called.notified().await;
        emulator.world.clock.advance(std::time::Duration::from_secs(300));
    };
    let (answer, ()) = tokio::join!(emulator.send(Method::POST, &target, &[], Some(&body)), advance);
    assert_eq!((answer.status, answer.code()), (StatusCode::GATEWAY_TIMEOUT, "GatewayTimeout".to_owned()));
}
