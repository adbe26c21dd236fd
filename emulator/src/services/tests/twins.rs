//! Twins.

use iothub::ETag;
use iothub::hub::models::{Device, Twin, TwinProperties};
use serde_json::{Map, json};

use super::*;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other}"),
    }
}

fn desired(value: Value) -> Twin {
    Twin::new().with_properties(TwinProperties::new().with_desired(object(value)))
}

#[tokio::test]
async fn read_merged_and_removed() {
    let emulator = Emulator::start(Profile::Service);
    let client = emulator.owner();
    let twins = client.twins();
    assert!(twins.get("d1").await.unwrap_err().is_not_found());
    let error = twins.update("d1", &Twin::new()).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.code()), (404, Some("DeviceNotFound")));
    client.devices().put("d1", &Device::new("d1")).await.unwrap();

    let new = twins.get("d1").await.unwrap();
    assert_eq!((new.version, new.tags.as_ref()), (Some(1), Some(&Map::new())));
    assert_eq!(new.etag.as_deref(), Some("AAAAAAAAAAA="));
    let both = desired(json!({ "speed": 10, "light": { "on": true, "color": "red" } }));
    let both = both.with_tags(object(json!({ "building": { "floor": 2 } })));
    let changed = twins.update("d1", &both).if_match(new.etag().unwrap()).await.unwrap();
    assert_eq!((changed.version, changed.etag.as_deref()), (Some(2), Some("AAAAAAAAAAE=")));
    let changed = twins.update("d1", &desired(json!({ "light": { "on": null }, "x": null }))).await.unwrap();
    let properties = changed.properties.as_ref().unwrap();
    let found = properties.desired.as_ref().unwrap();
    assert_eq!(
        (&found["light"], &found["speed"], &found["$version"]),
        (&json!({ "color": "red" }), &json!(10), &json!(3))
    );
    assert_eq!(found["$metadata"]["light"]["$lastUpdatedVersion"], 3);
    assert_eq!(found["$metadata"]["light"]["color"]["$lastUpdatedVersion"], 2);
    assert_eq!(properties.reported.as_ref().unwrap()["$version"], 1);
    assert_eq!(changed.tags, Some(object(json!({ "building": { "floor": 2 } }))));
    assert_eq!(twins.get("d1").await.unwrap().into_body(), changed.into_body());

    // A stale tag, or one of the identity.
    for tag in [new.etag().unwrap(), "MA==".parse().unwrap()] {
        let error = twins.update("d1", &both).if_match(tag).await.unwrap_err();
        assert_eq!((error.is_precondition_failed(), error.code()), (true, Some("PreconditionFailed")));
    }
    twins.update("d1", &both).if_match(ETag::ANY).await.unwrap();
    // The identity stays what it is, and a new device has a new twin.
    assert_eq!(client.devices().get("d1").await.unwrap().etag().unwrap().as_str(), "\"MA==\"");
    client.devices().delete("d1").await.unwrap();
    client.devices().put("d1", &Device::new("d1")).await.unwrap();
    assert_eq!(twins.get("d1").await.unwrap().version, Some(1));
}

#[tokio::test]
async fn as_it_is_written() {
    let emulator = Emulator::start(Profile::Service);
    emulator.owner().devices().put("d1", &Device::new("d1")).await.unwrap();
    let answer = emulator.send(Method::GET, &format!("/twins/d1?{VERSION}"), &[], None).await;
    let mut twin = answer.json();
    let part = twin["properties"]["reported"].clone();
    assert_eq!(part["$metadata"]["$lastUpdated"].as_str().unwrap().len(), 28);
    twin["properties"] = json!("(both)");
    let expected = json!({
        "deviceId": "d1", "etag": "AAAAAAAAAAA=", "version": 1, "tags": {}, "properties": "(both)",
        "deviceEtag": "MA==", "status": "enabled", "statusReason": null, "statusUpdateTime": "0001-01-01T00:00:00",
        "connectionState": "Disconnected", "lastActivityTime": "0001-01-01T00:00:00", "cloudToDeviceMessageCount": 0,
        "authenticationType": "sas", "x509Thumbprint": { "primaryThumbprint": null, "secondaryThumbprint": null },
        "capabilities": { "iotEdge": false },
    });
    assert_eq!(twin, expected);
    assert_eq!(answer.header("etag"), None, "the tag is in the body");
}

/// The forms of tags that clients send.
#[tokio::test]
async fn forms_of_tags() {
    let emulator = Emulator::start(Profile::Service);
    emulator.owner().devices().put("d1", &Device::new("d1")).await.unwrap();
    let target = format!("/twins/d1?{VERSION}");
    for (tag, status) in [
        ("AAAAAAAAAAA=", 200),
        ("\"AAAAAAAAAAE=\"", 200),
        ("W/\"AAAAAAAAAAI=\"", 200),
        ("*", 200),
        ("\"*\"", 200),
        ("\"\"", 200),
        ("\"AAAAAAAAAAA=\"", 412),
        ("x", 412),
        ("\"", 400),
    ] {
        let body = json!({ "tags": { "a": 1 } });
        let answer = emulator.send(Method::PATCH, &target, &[("if-match", tag)], Some(&body)).await;
        assert_eq!(answer.status.as_u16(), status, "{tag}");
    }
}

#[tokio::test]
async fn what_is_not_merged() {
    let emulator = Emulator::start(Profile::Service);
    emulator.owner().devices().put("d1", &Device::new("d1")).await.unwrap();
    let target = format!("/twins/d1?{VERSION}");
    let send = async |body: Value| emulator.send(Method::PATCH, &target, &[], Some(&body)).await;
    for body in [
        json!({ "tags": 1 }),
        json!({ "tags": [] }),
        json!({ "properties": { "desired": "x" } }),
        json!({ "properties": { "desired": { "a b": 1 } } }),
        json!({ "tags": { "$a": 1 } }),
        json!({ "tags": { "a": "x".repeat(5_000) } }),
        json!({ "tags": (0..9).map(|at| (at.to_string(), json!("x".repeat(1_000)))).collect::<Map<_, _>>() }),
        json!({ "tags": { "a": 1 }, "properties": { "desired": { "a": u64::MAX } } }),
        json!({ "deviceId": "d2", "tags": { "a": 1 } }),
        json!([]),
    ] {
        let answer = send(body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "ArgumentInvalid"), "{body}");
    }
    let twin = emulator.owner().twins().get("d1").await.unwrap().into_body();
    assert_eq!((twin.version, twin.tags), (Some(1), Some(Map::new())));
    // The whole twin, as it was read: what the device reports stays its own.
    let mut whole = emulator.send(Method::GET, &target, &[], None).await.json();
    whole["tags"] = json!({ "a": 1 });
    whole["properties"]["reported"]["b"] = json!(2);
    let answer = send(whole).await.json();
    assert_eq!((&answer["tags"], &answer["version"]), (&json!({ "a": 1 }), &json!(2)));
    assert_eq!(answer["properties"]["reported"]["b"], Value::Null);
}

#[tokio::test]
async fn replaced() {
    let emulator = Emulator::start(Profile::Service);
    let client = emulator.owner();
    client.devices().put("d1", &Device::new("d1")).await.unwrap();
    let old = desired(json!({ "a": 1, "b": { "c": 1 } })).with_tags(object(json!({ "t": 1 })));
    let old = client.twins().update("d1", &old).await.unwrap().into_body();
    let target = format!("/twins/d1?{VERSION}");
    let body =
        json!({ "deviceId": "d1", "tags": { "u": 1 }, "properties": { "desired": { "b": { "d": 1 }, "e": null } } });
    let stale = emulator.send(Method::PUT, &target, &[("if-match", "\"AAAAAAAAAAA=\"")], Some(&body)).await;
    assert_eq!((stale.status.as_u16(), stale.code().as_str()), (412, "PreconditionFailed"));
    let etag = format!("\"{}\"", old.etag.unwrap());
    let twin = emulator.send(Method::PUT, &target, &[("if-match", &etag)], Some(&body)).await.json();
    assert_eq!((&twin["tags"], &twin["version"]), (&json!({ "u": 1 }), &json!(3)));
    let desired = object(twin["properties"]["desired"].clone());
    assert_eq!(desired.keys().collect::<Vec<_>>(), ["b", "$metadata", "$version"]);
    assert_eq!((&desired["b"], &desired["$version"]), (&json!({ "d": 1 }), &json!(3)));
    let empty = emulator.send(Method::PUT, &target, &[], Some(&json!({}))).await.json();
    assert_eq!((&empty["tags"], empty["properties"]["desired"].as_object().unwrap().len()), (&json!({}), 2));
    let missing = emulator.send(Method::PUT, &format!("/twins/d2?{VERSION}"), &[], Some(&json!({}))).await;
    assert_eq!((missing.status.as_u16(), missing.code().as_str()), (404, "DeviceNotFound"));
}

/// What several back ends change at once, each only what it has seen, comes out as if one had been after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_update_is_lost() {
    let emulator = Emulator::start(Profile::Service);
    let client = emulator.owner();
    client.devices().put("d1", &Device::new("d1")).await.unwrap();
    client.twins().update("d1", &desired(json!({ "n": 0 }))).await.unwrap();
    let tasks = (0..4).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                let read = || async { client.twins().get("d1").await };
                let write = |twin: iothub::Response<Twin>| {
                    let found = twin.properties.as_ref().and_then(|both| both.desired.as_ref()?["n"].as_i64());
                    let (client, etag) = (client.clone(), twin.etag());
                    async move {
                        let changes = desired(json!({ "n": found.unwrap() + 1 }));
                        client.twins().update("d1", &changes).if_match(etag).await
                    }
                };
                iothub::runtime::update(1_000, read, write).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let twin = client.twins().get("d1").await.unwrap().into_body();
    assert_eq!((twin.version, &twin.properties.unwrap().desired.unwrap()["n"]), (Some(42), &json!(40)));
}
