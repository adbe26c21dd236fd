//! Requests of all operations that no client would send: none is answered 500, none waits for ever, and what they leave behind can be read
//! again.

use std::time::Duration;

use http::Request;
use iothub::device::server::{HttpRuntime, HttpRuntimeServer, ServiceMessages, ServiceMessagesServer};
use iothub::hub::server::{
    DeviceApi, DeviceApiServer, DeviceTwinApi, DeviceTwinApiServer, ImportExport, ImportExportServer, JobApi,
    JobApiServer,
};
use iothub::management::server::{IotHubResource, IotHubResourceServer};
use iothub::runtime::Body;
use iothub::runtime::server::{Route, Service as _};
use iothub_emulator::{Emulator, MethodAnswer};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use tokio::time::timeout;
use tower_service::Service;

use crate::support::{Folder, token};

/// Has every operation, and does none.
struct Nothing;

impl DeviceApi for Nothing {}
impl DeviceTwinApi for Nothing {}
impl JobApi for Nothing {}
impl ImportExport for Nothing {}
impl HttpRuntime for Nothing {}
impl ServiceMessages for Nothing {}
impl IotHubResource for Nothing {}

/// The method and the template of each operation, with some that no document has.
fn targets() -> Vec<(String, String)> {
    let documented: [&[Route]; 7] = [
        DeviceApiServer::new(Nothing).routes(),
        DeviceTwinApiServer::new(Nothing).routes(),
        JobApiServer::new(Nothing).routes(),
        ImportExportServer::new(Nothing).routes(),
        HttpRuntimeServer::new(Nothing).routes(),
        ServiceMessagesServer::new(Nothing).routes(),
        IotHubResourceServer::new(Nothing).routes(),
    ];
    let documented = documented.into_iter().flatten().map(|route| (route.method().as_str(), route.template()));
    let others = [
        ("POST", "/$emulator/devices/{}/messages"),
        ("POST", "/$emulator/devices/{}/methods"),
        ("DELETE", "/$emulator/devices/{}/methods/{}"),
        ("POST", "/$emulator/methods"),
        ("GET", "/$emulator/events"),
        ("POST", "/$emulator/containers/{}"),
        ("POST", "/$emulator/clock"),
        ("GET", "/$emulator/snapshot"),
        ("PUT", "/{}/{}"),
        ("GET", "/{}/{}"),
        ("DELETE", "/{}"),
    ];
    documented.chain(others).map(|(method, template)| (method.to_owned(), template.to_owned())).collect()
}

/// Bodies that operations take, each with the end of a template, or a part of it.
fn bodies() -> Vec<(&'static str, Value)> {
    let container = "https://127.0.0.1/files?sv=2018-03-28&sr=c&sp=rwdl&se=2100-01-01T00:00:00Z&sig=AAAA";
    vec![
        (
            "/devices/{}",
            json!({ "deviceId": "d1", "status": "disabled", "statusReason": "r", "authentication": { "symmetricKey": { "primaryKey": "bWFkZSB1cCBrZXkgMTIzNA==", "secondaryKey": "bWFkZSB1cCBrZXkgMTIzNA==" } } }),
        ),
        (
            "/devices/{}",
            json!({ "deviceId": "d1", "authentication": { "x509Thumbprint": { "primaryThumbprint": "A", "secondaryThumbprint": null } } }),
        ),
        (
            "/devices",
            json!([{ "id": "d1", "importMode": "create", "eTag": "MA==", "tags": { "a": { "b": 1 } }, "properties": { "desired": { "a": 1 }, "reported": { "b": [1] } } }, { "id": "d2", "importMode": "delete" }]),
        ),
        (
            "/twins/{}",
            json!({ "deviceId": "d1", "etag": "AAAAAAAAAAE=", "tags": { "a": 1 }, "properties": { "desired": { "$metadata": {}, "$version": 1, "a": { "b": [1, { "c": null }] } } } }),
        ),
        (
            "/devices/query",
            json!({ "query": "SELECT tags.a, COUNT() AS n FROM devices WHERE tags.a > 1 GROUP BY tags.a" }),
        ),
        ("/devices/query", json!({ "query": "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j1'" })),
        (
            "/methods",
            json!({ "methodName": "m", "payload": { "a": 1 }, "responseTimeoutInSeconds": 5, "connectTimeoutInSeconds": 1 }),
        ),
        (
            "/jobs/v2/{}",
            json!({ "jobId": "j1", "type": "scheduleUpdateTwin", "updateTwin": { "etag": "*", "tags": { "a": 2 } }, "queryCondition": "deviceId IN ['d1', 'd2']", "startTime": "2020-01-01T00:00:00Z", "maxExecutionTimeInSeconds": 60 }),
        ),
        (
            "/jobs/v2/{}",
            json!({ "jobId": "j2", "type": "scheduleDeviceMethod", "cloudToDeviceMethod": { "methodName": "m", "payload": 1, "timeoutInSeconds": 30 }, "queryCondition": "*", "maxExecutionTimeInSeconds": 60 }),
        ),
        ("/jobs/create", json!({ "type": "export", "outputBlobContainerUri": container, "excludeKeysInExport": true })),
        (
            "/jobs/create",
            json!({ "type": "import", "inputBlobContainerUri": container, "outputBlobContainerUri": container }),
        ),
        (
            "/messages/events",
            json!([{ "body": "AAAA", "base64Encoded": true, "properties": { "iothub-app-a": "b", "IoTHub-MessageId": "m" } }]),
        ),
        ("/files", json!({ "blobName": "a/b.txt" })),
        (
            "/files/notifications",
            json!({ "correlationId": "AAAA", "isSuccess": true, "statusCode": 200, "statusDescription": "d" }),
        ),
        (
            "/IotHubs/{}",
            json!({
                "location": "westus", "tags": { "a": "b" }, "sku": { "name": "S1", "capacity": 1 }, "subscriptionid": "s", "resourcegroup": "rg",
                "properties": {
                    "authorizationPolicies": [{ "keyName": "p", "rights": "RegistryRead, ServiceConnect" }],
                    "eventHubEndpoints": { "events": { "retentionTimeInDays": 1, "partitionCount": 4 } },
                    "storageEndpoints": { "$default": { "sasTtlAsIso8601": "PT1H", "connectionString": "", "containerName": "files" } },
                    "messagingEndpoints": { "fileNotifications": { "lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10 } },
                    "cloudToDevice": { "maxDeliveryCount": 10, "defaultTtlAsIso8601": "PT1H", "feedback": { "lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10 } },
                    "enableFileUploadNotifications": true, "features": "None", "ipFilterRules": [{ "filterName": "f", "action": "Accept", "ipMask": "10.0.0.0/8" }],
                },
            }),
        ),
        ("/checkNameAvailability", json!({ "name": "h2" })),
        ("/exportDevices", json!({ "exportBlobContainerUri": container, "excludeKeys": false })),
        ("/importDevices", json!({ "inputBlobContainerUri": container, "outputBlobContainerUri": container })),
        ("/methods", json!({ "methodName": "m", "status": 200, "payload": null, "delayMs": 10 })),
        ("/clock", json!({ "advanceSeconds": 1e9 })),
    ]
}

/// What stands in a body in place of something else.
fn nasty() -> Vec<Value> {
    let mut deep = json!([]);
    for _ in 0..120 {
        deep = json!([deep]);
    }
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(0.5),
        json!(1e308),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(""),
        json!("*"),
        json!("é\u{0}\u{202e}"),
        json!("x".repeat(5_000)),
        json!("P99999999999D"),
        json!("-PT1S"),
        json!("PT0.0000000001S"),
        json!("0000-01-01T00:00:00"),
        json!("9999-12-31T23:59:59.9999999Z"),
        json!("SELECT * FROM devices WHERE "),
        json!("deviceId = 'd1' OR (((((1 = 1)))))"),
        json!([]),
        json!({}),
        json!([null]),
        json!({ "$x": 1, "a.b": {}, "": 1 }),
        deep,
    ]
}

const SEGMENTS: [&str; 22] = [
    "d1",
    "d2",
    "j1",
    "j2",
    "rg",
    "emulator",
    "h2",
    "events",
    "$Default",
    "files",
    "query",
    "statistics",
    "import",
    "m",
    "..",
    "a/b",
    "%",
    "é",
    "\u{0}",
    "'",
    ";",
    "*",
];
const HEADERS: [&str; 14] = [
    "if-match",
    "if-none-match",
    "x-ms-max-item-count",
    "x-ms-continuation",
    "iothub-messagelocktimeout",
    "iothub-ack",
    "iothub-expiry",
    "iothub-app-a",
    "iothub-messageid",
    "content-type",
    "content-md5",
    "x-ms-blob-type",
    "range",
    "accept",
];
const VALUES: [&str; 24] = [
    "",
    "*",
    "\"*\"",
    "MA==",
    "\"MA==\"",
    "W/\"AAAAAAAAAAE=\"",
    "a, \"b",
    "-1",
    "0",
    "1",
    "99999999999999999999",
    "1e9",
    "full",
    "2100-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "BlockBlob",
    "bytes=0-",
    "bytes=5-1",
    "bytes=18446744073709551615-",
    "application/json; charset=utf-8",
    "application/vnd.microsoft.iothub.json",
    "text/plain",
    "eyJhIjoxfQ==",
    "AAAA",
];
const QUERIES: [&str; 14] = [
    "top",
    "jobType",
    "jobStatus",
    "reject",
    "pageSize",
    "continuationToken",
    "after",
    "hub",
    "comp",
    "restype",
    "blockid",
    "marker",
    "maxresults",
    "sig",
];

/// A request, by what it is chosen from.
#[derive(Clone, Debug)]
struct Ask {
    target: (String, String),
    segments: Vec<&'static str>,
    query: Vec<(&'static str, &'static str)>,
    headers: Vec<(&'static str, &'static str)>,
    body: String,
    /// How far the time is moved before.
    seconds: u64,
}

/// A body, mostly one that a template takes, of which some places are something else, and that may be cut short.
fn body(template: &str) -> impl Strategy<Value = String> + use<> {
    let others: Vec<Value> = bodies().into_iter().map(|(_, body)| body).collect();
    let own = bodies().into_iter().filter(|(end, _)| template.ends_with(end)).map(|(_, body)| body);
    let own: Vec<Value> = own.chain([Value::Null]).collect();
    let edits = prop::collection::vec(
        (any::<Index>(), prop_oneof![3 => select(nasty()).prop_map(Some), 1 => Just(None)]),
        0..3,
    );
    (prop_oneof![9 => select(own), 1 => select(others)], edits, prop::option::weighted(0.05, any::<Index>())).prop_map(
        |(mut body, edits, cut)| {
            for (place, value) in edits {
                let mut places = Vec::new();
                collect(&body, &mut String::new(), &mut places);
                let at = place.get(&places).clone();
                match (value, at.rsplit_once('/')) {
                    (Some(value), _) => _ = body.pointer_mut(&at).map(|place| *place = value),
                    (None, Some((parent, name))) => {
                        let name = name.replace("~1", "/").replace("~0", "~");
                        _ = body.pointer_mut(parent).and_then(Value::as_object_mut).map(|parent| parent.remove(&name));
                    }
                    (None, None) => body = Value::Null,
                }
            }
            let mut text = body.to_string();
            if let Some(cut) = cut {
                let at = cut.index(text.len());
                text.truncate((0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default());
            }
            text
        },
    )
}

/// The pointers of all places in a value.
fn collect(value: &Value, at: &mut String, places: &mut Vec<String>) {
    places.push(at.clone());
    let length = at.len();
    let mut below = |name: &str, value: &Value| {
        at.push('/');
        at.push_str(&name.replace('~', "~0").replace('/', "~1"));
        collect(value, at, places);
        at.truncate(length);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| below(name, value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, value)| below(&at.to_string(), value)),
        _ => {}
    }
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let target = select(targets()).prop_flat_map(|target| (body(&target.1), Just(target)));
    let ask = (
        target,
        prop::collection::vec(prop_oneof![3 => select(&SEGMENTS[..8]), 1 => select(&SEGMENTS[..])], 4),
        prop::collection::vec((select(&QUERIES[..]), select(&VALUES[..])), 0..2),
        prop::collection::vec((select(&HEADERS[..]), select(&VALUES[..])), 0..3),
        // The token is good for 80 years.
        prop_oneof![16 => Just(0), 2 => 0..4_000_u64, 1 => Just(40 * 24 * 3600), 1 => Just(365 * 24 * 3600)],
    );
    let ask = ask.prop_map(|((body, target), segments, query, headers, seconds)| Ask {
        target,
        segments,
        query,
        headers,
        body,
        seconds,
    });
    prop::collection::vec(ask, 1..40)
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).into() } else { format!("%{byte:02X}") })
        .collect()
}

impl Ask {
    fn request(&self, emulator: &Emulator, token: &str) -> Request<Body> {
        let (method, template) = &self.target;
        let mut path = template.clone();
        if path.starts_with("/subscriptions/{}") {
            path = path.replacen("{}", emulator.subscription(), 1);
        }
        for segment in self.segments.iter().cycle().take(8) {
            path = path.replacen("{}", &escaped(segment), 1);
        }
        let version = if path.starts_with("/subs") { "2016-02-03" } else { "2016-11-14" };
        path.push_str(&format!("?api-version={version}"));
        for (name, value) in &self.query {
            path.push_str(&format!("&{name}={}", escaped(value)));
        }
        let authorization = match () {
            () if path.starts_with("/subs") => format!("Bearer {}", emulator.arm_token()),
            () if path.starts_with("/$") => "Bearer made-up".to_owned(),
            () => token.to_owned(),
        };
        let mut request = Request::builder().method(&**method).uri(path).header("host", "127.0.0.1");
        request = request.header("authorization", authorization);
        if !self.headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(Body::from(self.body.clone())).unwrap()
    }
}

/// What makes the things that other requests are about.
fn beginning() -> Vec<Ask> {
    let devices = json!([{ "id": "d1", "importMode": "create" }, { "id": "d2", "importMode": "create" }]);
    let hub = json!({ "location": "westus", "sku": { "name": "S1", "capacity": 1 }, "subscriptionid": "s", "resourcegroup": "rg" });
    let hubs = "/subscriptions/{}/resourceGroups/rg/providers/Microsoft.Devices/IotHubs/h2";
    let ask = |(method, path, body): (&str, &str, Value)| Ask {
        target: (method.to_owned(), path.to_owned()),
        segments: vec!["d1"],
        query: Vec::new(),
        headers: Vec::new(),
        body: body.to_string(),
        seconds: 0,
    };
    let asks =
        [("POST", "/devices", devices), ("POST", "/$emulator/containers/files", Value::Null), ("PUT", hubs, hub)];
    let message = ("POST", "/$emulator/devices/d1/messages", json!("x"));
    asks.into_iter().chain([message.clone(), message]).map(ask).collect()
}

/// The status of an answer. Who waits for the time to pass does not wait for ever.
async fn status(emulator: &Emulator, request: Request<Body>) -> Result<u16, TestCaseError> {
    let mut service = emulator.service();
    let mut answer = tokio::spawn(async move { service.call(request).await.unwrap().status().as_u16() });
    for _ in 0..50 {
        if let Ok(status) = timeout(Duration::from_millis(50), &mut answer).await {
            return status.map_err(|error| TestCaseError::fail(error.to_string()));
        }
        emulator.advance(Duration::from_secs(60));
    }
    Err(TestCaseError::fail("it waits for ever"))
}

async fn run(folder: &Folder, asks: Vec<Ask>) -> Result<(), TestCaseError> {
    let data = folder.join("data");
    _ = std::fs::remove_dir_all(&data);
    let start = async || Emulator::builder().in_process().admin_token("made-up").data_dir(&data).start().await.unwrap();
    let emulator = start().await;
    emulator.on_method("d1", "m", |call| async move { MethodAnswer::new(200, call.payload) }).ok();
    let token = token(&emulator);
    for ask in beginning().into_iter().chain(asks) {
        emulator.advance(Duration::from_secs(ask.seconds));
        let status = status(&emulator, ask.request(&emulator, &token)).await?;
        prop_assert!(status != 500, "{ask:?}");
    }
    emulator.stop().await;
    start().await.stop().await;
    Ok(())
}

#[test]
fn nothing_breaks_it() {
    let folder = Folder::in_memory();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 150, ..ProptestConfig::default() });
    runner.run(&asks(), |asks| runtime.block_on(run(&folder, asks))).unwrap();
}
