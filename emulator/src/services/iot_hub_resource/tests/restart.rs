//! What the resource provider knows after a restart.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::Emulator;

fn pipeline(emulator: &Emulator, endpoint: &str) -> Pipeline {
    Pipeline::new(Endpoint::new(endpoint).unwrap(), emulator.transport()).with_retry(Retry::none())
}

/// A client for which time passes as it waits.
fn manager(emulator: &Emulator) -> Client {
    let token = format!("Bearer {}", emulator.arm_token());
    let signed = Arc::new(SignedBy(HeaderValue::try_from(token).unwrap()));
    let pipeline = pipeline(emulator, "http://localhost").with_try_policy(signed);
    Client::with_pipeline(pipeline.with_clock(Arc::new(Passing(emulator.world().clock.clone()))), SUBSCRIPTION)
}

#[tokio::test]
async fn a_hub_outlives_the_emulator_with_its_devices() {
    let folder = std::env::temp_dir().join(format!("iothub-emulator-second-hub-{}", std::process::id()));
    _ = std::fs::remove_dir_all(&folder);
    let start = async || {
        let builder = crate::Emulator::builder().in_process().data_dir(&folder).subscription(SUBSCRIPTION);
        builder.lro_delay(Duration::ZERO).start().await.unwrap()
    };
    let devices = |emulator: &crate::Emulator, key: &iothub::Secret| {
        let host = "second.azure-devices.net";
        let credential = SasCredential::for_hub(host, "iothubowner", key.expose().parse().unwrap());
        let pipeline = pipeline(emulator, "https://second.azure-devices.net").with_credential(Arc::new(credential));
        iothub::hub::Client::with_pipeline(pipeline)
    };

    let emulator = start().await;
    let hubs = manager(&emulator);
    let made = hubs.iot_hubs().create_or_update("rg", "second", &description()).await.unwrap();
    let policy = hubs.iot_hubs().get_keys("rg", "second", "iothubowner").await.unwrap();
    let key = policy.primary_key.clone().unwrap();
    let device = iothub::hub::models::Device::new("d1");
    devices(&emulator, &key).devices().put("d1", &device).await.unwrap();
    assert!(emulator.hub("emulator").is_some_and(|main| main.name() == "emulator"));
    emulator.stop().await;

    let emulator = start().await;
    let hubs = manager(&emulator);
    let again = hubs.iot_hubs().get("rg", "second").await.unwrap();
    assert_eq!(json!(again.into_body()), json!(made.into_body()));
    assert_eq!(devices(&emulator, &key).devices().get("d1").await.unwrap().device_id, "d1");
    let statistics = hubs.iot_hubs().statistics("rg", "second").await.unwrap();
    assert_eq!(statistics.total_device_count, Some(1));
    hubs.iot_hubs().delete("rg", "second").await.unwrap();
    assert!(devices(&emulator, &key).devices().get("d1").await.is_err());
    emulator.stop().await;

    let emulator = start().await;
    assert!(manager(&emulator).iot_hubs().get("rg", "second").await.unwrap_err().is_not_found());
    emulator.stop().await;
    _ = std::fs::remove_dir_all(&folder);
}

/// What is answered to a client that polls.
async fn poll(emulator: &Emulator, url: &str) -> (u16, String) {
    let request = Request::get(url).header("authorization", format!("Bearer {}", emulator.arm_token()));
    let request = request.header("host", "localhost").body(Body::Empty).unwrap();
    let (parts, body) = emulator.service().call(request).await.unwrap().into_parts();
    (parts.status.as_u16(), String::from_utf8(body.collect(1 << 16).await.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn operations_go_on() {
    let folder = std::env::temp_dir().join(format!("iothub-emulator-going-on-{}", std::process::id()));
    _ = std::fs::remove_dir_all(&folder);
    let start = async || {
        let builder = Emulator::builder().in_process().data_dir(&folder).subscription(SUBSCRIPTION).arm_token("t");
        builder.lro_delay(Duration::from_secs(30)).start().await.unwrap()
    };
    let (runs, ended) =
        ((200, json!({ "status": "Running" }).to_string()), json!({ "status": "Succeeded" }).to_string());

    let emulator = start().await;
    let hubs = manager(&emulator);
    let hubs = hubs.iot_hubs();
    let gone = hubs.create_or_update("rg", "gone", &description()).await.unwrap();
    let making = hubs.create_or_update("rg", "made", &description()).start().await.unwrap();
    let deleting = hubs.delete("rg", "gone").start().await.unwrap();
    let (made_token, gone_token) = (making.resume_token(), deleting.resume_token());
    let url = |token: &str, name: &str| {
        let token: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
        token[name].as_str().unwrap().to_owned()
    };
    let (status_url, result_url) = (url(&made_token, "url"), url(&gone_token, "location"));
    assert_eq!(poll(&emulator, &status_url).await, runs);
    emulator.stop().await;

    let emulator = start().await;
    let hubs = manager(&emulator);
    let hubs = hubs.iot_hubs();
    assert_eq!(poll(&emulator, &status_url).await, runs);
    assert_eq!(poll(&emulator, &result_url).await.0, 202);
    // What is being deleted is still seen.
    let leaving = hubs.get("rg", "gone").await.unwrap();
    assert_eq!(leaving.properties.as_ref().unwrap().provisioning_state.as_deref(), Some("Deleting"));
    assert_eq!(hubs.create_or_update("rg", "gone", &gone).await.unwrap_err().status().unwrap(), 409);
    let mut poller = hubs.resume_create_or_update(&made_token).unwrap();
    let mut states = Vec::new();
    while let Some(progress) = poller.next().await {
        states.push(progress.unwrap().status);
    }
    assert!(states.len() > 20 && states[..states.len() - 1].iter().all(|state| state == "Running"), "{states:?}");
    let made = poller.await.unwrap();
    assert_eq!(made.properties.as_ref().unwrap().provisioning_state.as_deref(), Some("Succeeded"));
    assert!(hubs.resume_delete(&gone_token).unwrap().await.unwrap().is_none());
    assert_eq!(hubs.get("rg", "gone").await.unwrap_err().status().unwrap(), 404);
    emulator.stop().await;

    // They have ended, and stay known for a while.
    let emulator = start().await;
    emulator.advance(Duration::from_secs(120));
    assert_eq!(poll(&emulator, &status_url).await, (200, ended));
    assert_eq!(poll(&emulator, &result_url).await.0, 204);
    emulator.advance(Duration::from_secs(3_600));
    assert_eq!(poll(&emulator, &status_url).await.0, 404);
    emulator.stop().await;

    // A reset is for good.
    let emulator = start().await;
    let hubs = manager(&emulator);
    let making = hubs.iot_hubs().create_or_update("rg", "another", &description()).start().await.unwrap();
    let status_url = url(&making.resume_token(), "url");
    assert_eq!(poll(&emulator, &status_url).await.0, 200);
    emulator.reset().await.unwrap();
    assert_eq!(poll(&emulator, &status_url).await.0, 404);
    emulator.stop().await;
    let emulator = start().await;
    assert_eq!(poll(&emulator, &status_url).await.0, 404);
    emulator.stop().await;
    _ = std::fs::remove_dir_all(&folder);
}

#[tokio::test]
async fn a_hub_in_place_of_one_that_was_deleted_in_moved_time() {
    let folder = std::env::temp_dir().join(format!("iothub-emulator-in-place-{}", std::process::id()));
    _ = std::fs::remove_dir_all(&folder);
    let start = async || {
        let builder = Emulator::builder().in_process().data_dir(&folder).subscription(SUBSCRIPTION);
        builder.lro_delay(Duration::from_secs(30)).start().await.unwrap()
    };
    let emulator = start().await;
    emulator.advance(Duration::from_secs(3_600));
    let hubs = manager(&emulator);
    let hubs = hubs.iot_hubs();
    hubs.create_or_update("rg", "again", &description()).await.unwrap();
    hubs.delete("rg", "again").await.unwrap();
    hubs.create_or_update("rg", "again", &description()).await.unwrap();
    emulator.stop().await;

    // Its time is an hour before the deletion.
    let emulator = start().await;
    let hubs = manager(&emulator);
    let hubs = hubs.iot_hubs();
    let listed = items(hubs.list_by_resource_group("rg").into_stream()).await;
    let state = |hub: &IotHubDescription| hub.properties.as_ref().unwrap().provisioning_state.clone().unwrap();
    assert_eq!(listed.iter().map(state).collect::<Vec<_>>(), ["Accepted"]);
    drop(hubs.create_or_update("rg", "again", &description()).start().await.unwrap());
    emulator.stop().await;
    _ = std::fs::remove_dir_all(&folder);
}
