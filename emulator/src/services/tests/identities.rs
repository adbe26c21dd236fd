//! Identities, one by one, and their statistics.

use iothub::ETag;
use iothub::hub::models::{
    self, AuthenticationMechanism, Device, DeviceStatus, ExportImportDevice, SymmetricKey, X509Thumbprint,
};
use iothub::runtime::Secret;
use serde_json::json;

use super::*;

const KEY_1: &str = "bWFkZS11cCBrZXkgMSwgbm8gc2VjcmV0IGF0IGFsbA==";
const KEY_2: &str = "bWFkZS11cCBrZXkgMiwgbm8gc2VjcmV0IGF0IGFsbA==";

fn keys(device: &Device) -> [Option<&str>; 2] {
    let keys = device.authentication.as_ref().unwrap().symmetric_key.as_ref().unwrap();
    [&keys.primary_key, &keys.secondary_key].map(|key| key.as_ref().map(Secret::expose))
}

#[tokio::test]
async fn a_life() {
    let emulator = Emulator::start(Profile::Service);
    let client = emulator.owner();
    let devices = client.devices();
    let made = devices.put("d1", &Device::new("d1")).await.unwrap();
    assert_eq!(made.etag().unwrap().as_str(), "\"MA==\"");
    let read = devices.get("d1").await.unwrap();
    assert_eq!(read.body(), made.body());
    assert_eq!(read.etag().unwrap(), made.etag().unwrap());

    // The whole identity, as it was read.
    let etag = read.etag().unwrap();
    let disabled = read.into_body().with_status(DeviceStatus::Disabled).with_status_reason("lost");
    let changed = devices.put("d1", &disabled).if_match(etag.clone()).await.unwrap();
    assert_eq!(changed.status(), 200);
    assert_eq!(changed.etag().unwrap().as_str(), "\"MQ==\"");
    assert_eq!(changed.body().generation_id, made.body().generation_id);
    assert_eq!(changed.body().status_reason.as_deref(), Some("lost"));
    assert_eq!(keys(changed.body()), keys(made.body()));
    let error = devices.put("d1", &disabled).if_match(etag.clone()).await.unwrap_err();
    assert!(error.is_precondition_failed() && error.code() == Some("PreconditionFailed"), "{error}");
    let error = devices.delete("d1").if_match(etag).await.unwrap_err();
    assert!(error.is_precondition_failed());

    devices.delete("d1").if_match(ETag::ANY).await.unwrap();
    let error = devices.get("d1").await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.code()), (404, Some("DeviceNotFound")));
    let again = devices.put("d1", &Device::new("d1")).await.unwrap();
    assert_ne!(again.body().generation_id, made.body().generation_id);
}

/// As recorded in 2017.
#[tokio::test]
async fn as_it_is_written() {
    let emulator = Emulator::start(Profile::Service);
    let (target, body) = (format!("/devices/d1?{VERSION}"), json!({ "deviceId": "d1" }));
    let made = emulator.send(Method::PUT, &target, &[], Some(&body)).await;
    assert_eq!(made.header("content-type"), Some("application/json; charset=utf-8"));
    let mut device = made.json();
    let key = |at: &str| device["authentication"]["symmetricKey"][at].as_str().unwrap().to_owned();
    assert_ne!(key("primaryKey"), key("secondaryKey"));
    device["authentication"]["symmetricKey"] = json!("(two keys)");
    assert_eq!(device["generationId"].as_str().unwrap().len(), 18);
    device["generationId"] = json!("(18 digits)");
    let expected = json!({
        "deviceId": "d1", "generationId": "(18 digits)", "etag": "MA==", "connectionState": "Disconnected",
        "status": "enabled", "statusReason": null, "connectionStateUpdatedTime": "0001-01-01T00:00:00",
        "statusUpdatedTime": "0001-01-01T00:00:00", "lastActivityTime": "0001-01-01T00:00:00",
        "cloudToDeviceMessageCount": 0,
        "authentication": {
            "symmetricKey": "(two keys)",
            "x509Thumbprint": { "primaryThumbprint": null, "secondaryThumbprint": null },
        },
    });
    assert_eq!(device, expected);

    // Thumbprints in place of keys.
    let thumbprint = "0123456789ABCDEF0123456789abcdef01234567";
    let body = json!({
        "deviceId": "d1", "status": "disabled", "statusReason": "lost",
        "authentication": { "x509Thumbprint": { "primaryThumbprint": thumbprint } },
    });
    let changed = emulator.send(Method::PUT, &target, &[("if-match", "*")], Some(&body)).await.json();
    let expected = json!({
        "symmetricKey": { "primaryKey": null, "secondaryKey": null },
        "x509Thumbprint": { "primaryThumbprint": thumbprint, "secondaryThumbprint": null },
    });
    assert_eq!((&changed["authentication"], &changed["statusReason"]), (&expected, &json!("lost")));
    let since = changed["statusUpdatedTime"].as_str().unwrap();
    assert!(since.len() == 28 && since.starts_with("20") && since.ends_with('Z'), "{since}");
}

/// What clients of 2021 send and look for.
#[tokio::test]
async fn later_versions() {
    let emulator = Emulator::start(Profile::Service);
    let send = async |id: &str, authentication: Value, capabilities: Value| {
        let body = json!({ "deviceId": id, "authentication": authentication, "capabilities": capabilities });
        let target = format!("/devices/{id}?api-version=2021-04-12");
        emulator.send(Method::PUT, &target, &[("if-match", "\"\"")], Some(&body)).await.json()
    };
    let empty = json!({ "type": "sas", "symmetricKey": { "primaryKey": "", "secondaryKey": "" } });
    let one = send("d1", empty, json!({})).await;
    assert_eq!((&one["authentication"]["type"], &one["capabilities"]), (&json!("sas"), &json!({ "iotEdge": false })));
    assert_ne!(one["authentication"]["symmetricKey"]["primaryKey"], json!(""));
    let two = send("d2", json!({ "type": "certificateAuthority" }), json!({ "iotEdge": true })).await;
    assert_eq!(two["authentication"]["type"], "certificateAuthority");
    assert_eq!(two["authentication"]["symmetricKey"], json!({ "primaryKey": null, "secondaryKey": null }));
    assert_eq!(two["capabilities"], json!({ "iotEdge": true }));
    let hash = "0123456789abcdef".repeat(4);
    let three = json!({ "type": "selfSigned", "x509Thumbprint": { "secondaryThumbprint": hash } });
    let three = send("d3", three, Value::Null).await;
    assert_eq!(three["authentication"]["x509Thumbprint"]["secondaryThumbprint"], json!(hash));
    let twin = emulator.send(Method::GET, &format!("/twins/d2?{VERSION}"), &[], None).await.json();
    assert_eq!(
        (&twin["authenticationType"], &twin["capabilities"]["iotEdge"]),
        (&json!("certificateAuthority"), &json!(true))
    );
}

/// What a client of 2017 sends: what it has read, with keys under two names.
#[tokio::test]
async fn members_that_are_not_looked_at() {
    let emulator = Emulator::start(Profile::Service);
    let target = format!("/devices/d1?{VERSION}");
    let made = emulator.send(Method::PUT, &target, &[], Some(&json!({ "deviceId": "d1" }))).await.json();
    let mut device = made.clone();
    device["authentication"]["SymmetricKey"] = device["authentication"]["symmetricKey"].clone();
    device["authentication"]["x509Thumbprint"] = json!({});
    device["generationId"] = json!("1");
    device["connectionState"] = json!("connected");
    device["cloudToDeviceMessageCount"] = json!(9);
    device["lastActivityTime"] = json!("0001-01-01T00:00:00.000Z");
    device["unknown"] = json!([1]);
    let changed = emulator.send(Method::PUT, &target, &[("if-match", "*")], Some(&device)).await.json();
    let mut expected = made;
    expected["etag"] = json!("MQ==");
    assert_eq!(changed, expected);
}

#[tokio::test]
async fn rotation_of_keys() {
    let emulator = Emulator::start(Profile::Service);
    let client = emulator.owner();
    let devices = client.devices();
    let old = devices.put("d1", &Device::new("d1")).await.unwrap().into_body();
    let put = async |keys: Option<SymmetricKey>| {
        let mut device = Device::new("d1");
        device.authentication = keys.map(|keys| AuthenticationMechanism::new().with_symmetric_key(keys));
        devices.put("d1", &device).if_match(ETag::ANY).await.map(iothub::Response::into_body)
    };
    assert_eq!(keys(&put(None).await.unwrap()), keys(&old), "what is left out is kept");
    let own = SymmetricKey::new().with_primary_key(KEY_1).with_secondary_key(KEY_2);
    assert_eq!(keys(&put(Some(own)).await.unwrap()), [Some(KEY_1), Some(KEY_2)]);
    assert_eq!(keys(&put(Some(SymmetricKey::new())).await.unwrap()), [Some(KEY_1), Some(KEY_2)]);
    let generated = put(Some(SymmetricKey::new().with_primary_key("").with_secondary_key(""))).await.unwrap();
    assert!(keys(&generated).iter().all(|key| !keys(&old).contains(key) && ![Some(KEY_1), Some(KEY_2)].contains(key)));
    for wrong in [
        SymmetricKey::new().with_primary_key(KEY_1),
        SymmetricKey::new().with_secondary_key(KEY_1),
        SymmetricKey::new().with_primary_key(KEY_1).with_secondary_key(""),
        SymmetricKey::new().with_primary_key(KEY_1).with_secondary_key("no Base64"),
        SymmetricKey::new().with_primary_key(KEY_1).with_secondary_key("dG9vIHNob3J0"),
        SymmetricKey::new().with_primary_key(KEY_1).with_secondary_key("YWJj".repeat(22)),
        SymmetricKey::new().with_primary_key(KEY_1).with_secondary_key(KEY_1.trim_end_matches('=')),
    ] {
        let error = put(Some(wrong)).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), error.code()), (400, Some("ArgumentInvalid")));
        assert!(!error.to_string().contains("bWFkZS"), "{error}");
    }
    assert_eq!(keys(devices.get("d1").await.unwrap().body()), keys(&generated));
}

#[tokio::test]
async fn what_is_refused() {
    let emulator = Emulator::start(Profile::Service);
    let thumbprints = |one: &str| json!({ "x509Thumbprint": { "primaryThumbprint": one } });
    let both = json!({
        "symmetricKey": { "primaryKey": KEY_1, "secondaryKey": KEY_2 },
        "x509Thumbprint": { "primaryThumbprint": "ab".repeat(20) },
    });
    for (id, body) in [
        ("d1", json!({ "deviceId": "d2" })),
        ("d1", json!({ "deviceId": "D1" })),
        ("d1", json!({})),
        ("d1", json!([])),
        ("d1", json!({ "deviceId": "d1", "status": "Enabled!" })),
        ("d1", json!({ "deviceId": "d1", "statusReason": "x".repeat(129) })),
        ("d1", json!({ "deviceId": "d1", "authentication": thumbprints("ab") })),
        ("d1", json!({ "deviceId": "d1", "authentication": thumbprints(&"xy".repeat(20)) })),
        ("d1", json!({ "deviceId": "d1", "authentication": both })),
        ("d%201", json!({ "deviceId": "d 1" })),
        ("d%2F1", json!({ "deviceId": "d/1" })),
        (&"x".repeat(129), json!({ "deviceId": "x".repeat(129) })),
    ] {
        let answer = emulator.send(Method::PUT, &format!("/devices/{id}?{VERSION}"), &[], Some(&body)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "ArgumentInvalid"), "{id} {body}");
    }
    for (method, target) in [(Method::GET, "/devices/d~"), (Method::DELETE, "/devices/d~"), (Method::GET, "/twins/d~")]
    {
        let answer = emulator.send(method, &format!("{target}?{VERSION}"), &[], None).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "ArgumentInvalid"), "{target}");
    }
    let none = emulator.send(Method::PUT, "/devices/d1", &[], Some(&json!({ "deviceId": "d1" }))).await;
    assert_eq!(none.status, 400, "there is no api-version");
}

/// Ids as clients escape them, or do not.
#[tokio::test]
async fn ids_in_paths() {
    let emulator = Emulator::start(Profile::Service);
    for (id, path) in [
        ("a:b", "a%3Ab"),
        ("a:b", "a:b"),
        ("a+b%c#d", "a%2Bb%25c%23d"),
        ("a+b", "a+b"),
        ("'$(),=@!:;+", "'$(),=@!:;+"),
        ("*?", "*%3F"),
    ] {
        let target = format!("/devices/{path}?{VERSION}");
        let body = json!({ "deviceId": id });
        let made = emulator.send(Method::PUT, &target, &[("if-none-match", "*")], Some(&body)).await;
        assert_eq!((made.status.as_u16(), &made.json()["deviceId"]), (200, &json!(id)));
        assert_eq!(emulator.send(Method::GET, &target, &[], None).await.json()["deviceId"], id);
        assert_eq!(emulator.send(Method::DELETE, &target, &[("if-match", "*")], None).await.status, 204);
        let client = emulator.owner();
        client.devices().put(id, &Device::new(id)).await.unwrap();
        assert_eq!(client.twins().get(id).await.unwrap().body().device_id.as_deref(), Some(id));
        client.devices().delete(id).await.unwrap();
    }
}

#[tokio::test]
async fn lists_and_statistics() {
    let emulator = Emulator::start(Profile::Service);
    let client = emulator.owner();
    let devices = client.devices();
    for start in (0..1_010).step_by(100) {
        let items: Vec<_> = (start..1_010.min(start + 100))
            .map(|at| {
                let status = if at % 10 == 0 { DeviceStatus::Disabled } else { DeviceStatus::Enabled };
                ExportImportDevice::new(format!("d{at}")).with_status(status)
            })
            .collect();
        devices.bulk(&items).await.unwrap();
    }
    for (target, expected) in [
        (format!("/devices?{VERSION}"), 1_000),
        (format!("/devices/?{VERSION}"), 1_000),
        (format!("/Devices?top=3&{VERSION}"), 3),
        (format!("/devices?top=1000&{VERSION}"), 1_000),
        (format!("/devices?top=0&{VERSION}"), 1_000),
        (format!("/devices?top=5000&{VERSION}"), 1_000),
        (format!("/devices?top=-1&{VERSION}"), 1_000),
    ] {
        let answer = emulator.send(Method::GET, &target, &[], None).await;
        assert_eq!(answer.json().as_array().unwrap().len(), expected, "{target}");
    }
    assert_eq!(emulator.send(Method::GET, &format!("/devices?top=x&{VERSION}"), &[], None).await.status, 400);
    assert_eq!(devices.list().top(2).await.unwrap().body().len(), 2);
    let statistics = devices.statistics().await.unwrap().into_body();
    let counts = [statistics.total_device_count, statistics.enabled_device_count, statistics.disabled_device_count];
    assert_eq!(counts, [1_010, 909, 101]);
    assert_eq!(*devices.service_statistics().await.unwrap().body(), models::ServiceStatistics::new(0));
}

#[tokio::test]
async fn more_than_there_may_be() {
    let mut config = Config::default();
    config.limits.devices = 1;
    let emulator = Emulator::configured(config);
    let client = emulator.owner();
    client.devices().put("d1", &Device::new("d1")).await.unwrap();
    let error = client.devices().put("d2", &Device::new("d2")).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.code()), (403, Some("TooManyDevices")));
    let thumbprint = X509Thumbprint::new().with_primary_thumbprint("ab".repeat(20));
    let device = Device::new("d1").with_authentication(AuthenticationMechanism::new().with_x509_thumbprint(thumbprint));
    let changed = client.devices().put("d1", &device).if_match(ETag::ANY).await.unwrap();
    assert_eq!(keys(changed.body()), [None, None]);
}

/// Each hub has devices of its own.
#[tokio::test]
async fn other_hubs() {
    let emulator = Emulator::start(Profile::Service);
    emulator.owner().devices().put("d1", &Device::new("d1")).await.unwrap();
    let host = "h2.azure-devices.net";
    let other = emulator.signed(host, SasCredential::for_hub(host, "iothubowner", key("iothubowner")));
    assert!(other.devices().get("d1").await.unwrap_err().is_not_found());
    other.devices().put("d2", &Device::new("d2")).await.unwrap();
    assert_eq!(emulator.owner().devices().list().await.unwrap().body().len(), 1);
}
