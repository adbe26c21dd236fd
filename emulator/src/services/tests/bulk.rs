//! Many identities at once.

use iothub::ErrorKind;
use iothub::hub::models::{
    BulkRegistryOperationResult, Device, ErrorCode, ExportImportDevice, ImportMode, TwinProperties,
};
use serde_json::{Map, json};

use super::*;

fn item(id: &str, mode: ImportMode) -> ExportImportDevice {
    ExportImportDevice::new(id).with_import_mode(mode)
}

#[tokio::test]
async fn all_succeed() {
    let emulator = Emulator::start(Profile::Service);
    let client = emulator.owner();
    let object = |name: &str| Map::from_iter([(name.to_owned(), json!(1))]);
    let result = client
        .devices()
        .bulk(&[
            item("d1", ImportMode::Create),
            ExportImportDevice::new("d2")
                .with_tags(object("a"))
                .with_properties(TwinProperties::new().with_desired(object("b"))),
        ])
        .await
        .unwrap();
    assert_eq!(
        (result.status().as_u16(), result.body()),
        (200, &BulkRegistryOperationResult::new(true).with_errors(vec![]))
    );
    let twin = client.twins().get("d2").await.unwrap().into_body();
    assert_eq!(twin.tags.unwrap(), object("a"));
    assert_eq!(twin.properties.unwrap().desired.unwrap()["b"], 1);
    let delete = ["d1", "d2"].map(|id| item(id, ImportMode::Delete));
    client.devices().bulk(&delete).await.unwrap();
    assert!(client.devices().list().await.unwrap().body().is_empty());
}

#[tokio::test]
async fn some_fail() {
    let emulator = Emulator::start(Profile::Service);
    let client = emulator.owner();
    for id in ["there", "stale", "gone"] {
        client.devices().put(id, &Device::new(id)).await.unwrap();
    }
    let items = [
        item("new", ImportMode::Create),
        item("there", ImportMode::Create),
        item("missing", ImportMode::Update),
        item("stale", ImportMode::UpdateIfMatchEtag).with_etag("MQ=="),
        item("gone", ImportMode::DeleteIfMatchEtag).with_etag("MA=="),
        item("no id", ImportMode::Create),
        item("odd", ImportMode::from("replace")),
        item("twice", ImportMode::Create),
        item("twice", ImportMode::Delete),
    ];
    let error = client.devices().bulk(&items).await.unwrap_err();
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, 400));
    assert_eq!(error.code(), Some("BulkRegistryOperationFailure"));
    let result: BulkRegistryOperationResult = error.body_json().unwrap();
    assert!(!result.is_successful);
    let errors: Vec<_> = result.errors.iter().flatten().map(|error| (&*error.device_id, &error.error_code)).collect();
    let expected = [
        ("there", &ErrorCode::DeviceAlreadyExists),
        ("missing", &ErrorCode::DeviceNotFound),
        ("stale", &ErrorCode::PreconditionFailed),
        ("no id", &ErrorCode::ArgumentInvalid),
        ("odd", &ErrorCode::ArgumentInvalid),
        ("twice", &ErrorCode::DeviceDefinedMultipleTimes),
        ("twice", &ErrorCode::DeviceDefinedMultipleTimes),
    ];
    assert_eq!(errors, expected);
    assert!(result.errors.iter().flatten().all(|error| !error.error_status.is_empty()));
    // The others are done.
    let ids: Vec<_> =
        client.devices().list().await.unwrap().into_body().into_iter().map(|device| device.device_id).collect();
    assert_eq!(ids, ["new", "stale", "there"]);
}

/// What clients send: modes in other cases, the tag under another name, no status.
#[tokio::test]
async fn as_clients_write_it() {
    let emulator = Emulator::start(Profile::Service);
    let target = format!("/devices?{VERSION}");
    let send = async |body: Value| emulator.send(Method::POST, &target, &[], Some(&body)).await;
    let made = send(json!([{ "id": "d1", "importMode": "create", "status": "disabled", "authentication": {
        "symmetricKey": { "primaryKey": "", "secondaryKey": "" }, "SymmetricKey": { "primaryKey": "" }, "type": "sas",
    } }]))
    .await;
    assert_eq!((made.status.as_u16(), made.json()), (200, json!({ "isSuccessful": true, "errors": [] })));
    let stale =
        send(json!([{ "id": "d1", "importMode": "UpdateIfMatchETag", "etag": "MQ==", "status": "enabled" }])).await;
    assert_eq!((stale.status.as_u16(), stale.header("iothub-errorcode")), (400, Some("BulkRegistryOperationFailure")));
    let error = &stale.json()["errors"][0];
    assert_eq!((&error["deviceId"], &error["errorCode"]), (&json!("d1"), &json!("PreconditionFailed")));
    let updated =
        send(json!([{ "id": "d1", "importMode": "UpdateIfMatchETag", "eTag": "MA==", "status": "enabled" }])).await;
    assert_eq!(updated.status, 200);
    let device = emulator.owner().devices().get("d1").await.unwrap().into_body();
    assert_eq!((device.etag.as_deref(), device.status.unwrap().as_str()), (Some("MQ=="), "enabled"));
    assert_eq!(send(json!([{ "id": "d1", "importMode": "Delete" }])).await.status, 200);
}

#[tokio::test]
async fn a_hundred_at_most() {
    let emulator = Emulator::start(Profile::Service);
    let items = |count: usize| (0..count).map(|at| json!({ "id": format!("d{at}") })).collect::<Value>();
    let target = format!("/devices?{VERSION}");
    for (body, status) in [(items(100), 200), (items(101), 400), (items(0), 400), (json!({ "id": "d1" }), 400)] {
        let answer = emulator.send(Method::POST, &target, &[], Some(&body)).await;
        assert_eq!(answer.status, status);
        if status == 400 {
            assert_eq!(answer.code(), "ArgumentInvalid");
        }
    }
    assert_eq!(emulator.owner().devices().statistics().await.unwrap().total_device_count, 100);
}

#[tokio::test]
async fn more_than_there_may_be() {
    let mut config = Config::default();
    config.limits.devices = 2;
    let emulator = Emulator::configured(config);
    let items = ["d1", "d2", "d3", "d4"].map(|id| item(id, ImportMode::Create));
    let error = emulator.owner().devices().bulk(&items).await.unwrap_err();
    let result: BulkRegistryOperationResult = error.body_json().unwrap();
    let codes: Vec<_> = result.errors.into_iter().flatten().map(|error| error.error_code).collect();
    assert_eq!(codes, [ErrorCode::TooManyDevices, ErrorCode::TooManyDevices]);
}
