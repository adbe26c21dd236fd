//! What the clients send: every operation, compared with what the service takes, which is known from published clients
//! and recorded traffic rather than from the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use iothub::device::models as device;
use iothub::hub::models as hub;
use iothub::management::models as arm;
use iothub::runtime::transport::BoxFuture;
use iothub::runtime::{Body, Bytes};
use iothub::{ETag, Error, ErrorKind, Response};
use serde_json::{Map, Value, json};
use specsmith::Builder;

use crate::answers::{SUCCEEDED, answer};
use crate::scratch::{DOCUMENTS, root};
use crate::service::{Clients, KEY_1, KEY_2, SUBSCRIPTION, Sent, empty};

/// A call whose result has lost its type.
type Pending = BoxFuture<'static, Result<(), Error>>;

type Call = fn(&Clients) -> Pending;

fn pending<T: 'static, C>(call: C) -> Pending
where
    C: IntoFuture<Output = Result<Response<T>, Error>>,
    C::IntoFuture: Send + 'static,
{
    let call = call.into_future();
    Box::pin(async { call.await.map(drop) })
}

/// A call, and the request that it is to be.
struct Case {
    id: &'static str,
    call: Call,
    method: &'static str,
    target: String,
    headers: BTreeMap<&'static str, &'static str>,
    body: Bytes,
}

/// A call of an operation that is to be this method, path and query, with no body and no headers but those that are
/// always there.
fn case(id: &'static str, call: Call, line: &'static str) -> Case {
    let (method, target) = line.split_once(' ').unwrap();
    let hub = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Devices/IotHubs/hub1");
    let target = target.replace("$HUB", &hub).replace("$SUB", &format!("/subscriptions/{SUBSCRIPTION}"));
    let headers = BTreeMap::from([("accept", "application/json")]);
    Case { id, call, method, target, headers, body: Bytes::new() }
}

impl Case {
    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, value);
        self
    }

    fn json(self, body: Value) -> Self {
        self.bytes("application/json", body.to_string())
    }

    fn bytes(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    fn compare(&self, sent: Sent) {
        let (call, id) = (format!("{} {}", self.method, self.target), self.id);
        let query = |target: &str| {
            let (path, query) = target.split_once('?').unwrap();
            let mut query: Vec<String> = query.split('&').map(str::to_owned).collect();
            query.sort_unstable();
            (path.to_owned(), query)
        };
        assert_eq!((sent.method.as_str(), query(&sent.target)), (self.method, query(&self.target)), "{id}");
        let mut headers: BTreeMap<&str, &str> =
            sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let host =
            if self.target.starts_with("/subscriptions/") { "management.azure.com" } else { "hub1.azure-devices.net" };
        assert_eq!(headers.remove("host"), Some(host), "{call}");
        assert!(headers.remove("user-agent").unwrap().starts_with("specsmith-runtime/"), "{call}");
        assert_eq!(headers.remove("x-ms-client-request-id").map(str::len), Some(36), "{call}");
        // In bytes; zero where there could be a body.
        let has_length = !self.body.is_empty() || ["POST", "PUT", "PATCH"].contains(&self.method);
        let length = self.body.len().to_string();
        if self.headers.get("content-type") != Some(&"application/json") {
            assert_eq!(headers.remove("content-length"), has_length.then_some(length.as_str()), "{call}");
            assert_eq!(sent.body, self.body, "{call}");
        } else {
            assert_eq!(headers.remove("content-length"), Some(sent.body.len().to_string().as_str()), "{call}");
            assert_eq!(sent.json(), serde_json::from_slice::<Value>(&self.body).unwrap(), "{call}");
        }
        assert_eq!(headers, self.headers, "{call}");
    }
}

/// Makes each call and compares; the error that it gets tells which operation it was.
async fn check(cases: Vec<Case>) {
    for case in cases {
        let clients = Clients::of([empty(500)]);
        let error = (case.call)(&clients).await.unwrap_err();
        assert_eq!((error.operation(), error.kind()), (Some(case.id), ErrorKind::Service));
        case.compare(clients.one_sent());
    }
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn desired(value: Value) -> hub::Twin {
    hub::Twin::new().with_properties(hub::TwinProperties::new().with_desired(object(value)))
}

fn keys(primary: &str, secondary: &str) -> hub::AuthenticationMechanism {
    let keys = hub::SymmetricKey::new().with_primary_key(primary).with_secondary_key(secondary);
    hub::AuthenticationMechanism::new().with_symmetric_key(keys)
}

fn identities() -> Vec<Case> {
    fn put(clients: &Clients, device: hub::Device) -> iothub::hub::devices::Put {
        clients.hub.devices().put("dev1", &device)
    }
    let id = "DeviceApi_PutDevice";
    let line = "PUT /devices/dev1?api-version=2016-11-14";
    let new = json!({ "deviceId": "dev1" });
    vec![
        case(
            "DeviceApi_GetDevice",
            |clients| pending(clients.hub.devices().get("dev1")),
            "GET /devices/dev1?api-version=2016-11-14",
        ),
        case(id, |clients| pending(put(clients, hub::Device::new("dev1"))), line).json(new.clone()),
        // Empty keys are to be generated.
        case(id, |clients| pending(put(clients, hub::Device::new("dev1").with_authentication(keys("", "")))), line)
            .json(json!({
                "deviceId": "dev1", "authentication": { "symmetricKey": { "primaryKey": "", "secondaryKey": "" } },
            })),
        // The length is in bytes, not in characters.
        case(
            id,
            |clients| {
                let device = hub::Device::new("dev1").with_status(hub::DeviceStatus::Disabled);
                pending(put(
                    clients,
                    device.with_status_reason("außer Betrieb").with_authentication(keys(KEY_1, KEY_2)),
                ))
            },
            line,
        )
        .json(json!({
            "deviceId": "dev1", "status": "disabled", "statusReason": "außer Betrieb",
            "authentication": { "symmetricKey": { "primaryKey": KEY_1, "secondaryKey": KEY_2 } },
        })),
        // All four forms of a tag are understood.
        case(id, |clients| pending(put(clients, hub::Device::new("dev1")).if_match("\"MA==\"")), line)
            .json(new.clone())
            .header("if-match", "\"MA==\""),
        case(id, |clients| pending(put(clients, hub::Device::new("dev1")).if_match("MA==")), line)
            .json(new.clone())
            .header("if-match", "MA=="),
        case(id, |clients| pending(put(clients, hub::Device::new("dev1")).if_match(ETag::ANY)), line)
            .json(new.clone())
            .header("if-match", "*"),
        case(id, |clients| pending(put(clients, hub::Device::new("dev1")).if_none_match("*")), line)
            .json(new)
            .header("if-none-match", "*"),
        case(
            "DeviceApi_DeleteDevice",
            |clients| pending(clients.hub.devices().delete("dev1").if_match("*")),
            "DELETE /devices/dev1?api-version=2016-11-14",
        )
        .header("if-match", "*"),
        case(
            "DeviceApi_DeleteDevice",
            |clients| pending(clients.hub.devices().delete("dev1").if_match("\"MQ==\"")),
            "DELETE /devices/dev1?api-version=2016-11-14",
        )
        .header("if-match", "\"MQ==\""),
        case(
            "DeviceApi_PurgeCommandQueue",
            |clients| pending(clients.hub.devices().purge_commands("dev1")),
            "DELETE /devices/dev1/commands?api-version=2016-11-14",
        ),
    ]
}

fn registry() -> Vec<Case> {
    vec![
        case(
            "DeviceApi_GetDevices",
            |clients| pending(clients.hub.devices().list()),
            "GET /devices?api-version=2016-11-14",
        ),
        case(
            "DeviceApi_GetDevices",
            |clients| pending(clients.hub.devices().list().top(3)),
            "GET /devices?top=3&api-version=2016-11-14",
        ),
        case(
            "DeviceApi_BulkDeviceOperation",
            |clients| {
                let item = hub::ExportImportDevice::new;
                let twin = hub::TwinProperties::new().with_desired(object(json!({ "speed": 10 })));
                pending(
                    clients.hub.devices().bulk(&[
                        item("dev1").with_status(hub::DeviceStatus::Enabled).with_import_mode(hub::ImportMode::Create),
                        item("dev2")
                            .with_status(hub::DeviceStatus::Disabled)
                            .with_import_mode(hub::ImportMode::UpdateIfMatchEtag)
                            .with_etag("MA==")
                            .with_authentication(keys(KEY_1, KEY_2))
                            .with_tags(object(json!({ "floor": null })))
                            .with_properties(twin),
                    ]),
                )
            },
            "POST /devices?api-version=2016-11-14",
        )
        .json(json!([
            { "id": "dev1", "status": "enabled", "importMode": "create" },
            {
                "id": "dev2", "status": "disabled", "importMode": "updateIfMatchETag", "eTag": "MA==",
                "authentication": { "symmetricKey": { "primaryKey": KEY_1, "secondaryKey": KEY_2 } },
                "tags": { "floor": null }, "properties": { "desired": { "speed": 10 } },
            },
        ])),
        case(
            "DeviceApi_QueryDevices",
            |clients| pending(clients.hub.devices().query("SELECT * FROM devices")),
            "POST /devices/query?api-version=2016-11-14",
        )
        .json(json!({ "query": "SELECT * FROM devices" })),
        case(
            "DeviceApi_QueryDevices",
            |clients| {
                let query = clients.hub.devices().query("SELECT * FROM devices");
                pending(query.page_size(100).continuation("a+b/c=="))
            },
            "POST /devices/query?api-version=2016-11-14",
        )
        .json(json!({ "query": "SELECT * FROM devices" }))
        .header("x-ms-max-item-count", "100")
        .header("x-ms-continuation", "a+b/c=="),
        case(
            "DeviceApi_GetRegistryStatistics",
            |clients| pending(clients.hub.devices().statistics()),
            "GET /statistics/devices?api-version=2016-11-14",
        ),
        case(
            "DeviceApi_GetServiceStatistics",
            |clients| pending(clients.hub.devices().service_statistics()),
            "GET /statistics/service?api-version=2016-11-14",
        ),
    ]
}

fn twins() -> Vec<Case> {
    let id = "DeviceTwinApi_InvokeDeviceMethod";
    let line = "POST /twins/dev1/methods?api-version=2016-11-14";
    vec![
        case(
            "DeviceTwinApi_GetDeviceTwin",
            |clients| pending(clients.hub.twins().get("dev1")),
            "GET /twins/dev1?api-version=2016-11-14",
        ),
        // `null` removes a member.
        case(
            "DeviceTwinApi_UpdateDeviceTwin",
            |clients| {
                let twin = desired(json!({ "speed": null, "fan": { "on": true } }));
                pending(clients.hub.twins().update("dev1", &twin.with_tags(object(json!({ "building": null })))))
            },
            "PATCH /twins/dev1?api-version=2016-11-14",
        )
        .json(json!({
            "tags": { "building": null }, "properties": { "desired": { "speed": null, "fan": { "on": true } } },
        })),
        case(
            "DeviceTwinApi_UpdateDeviceTwin",
            |clients| pending(clients.hub.twins().update("dev1", &desired(json!({}))).if_match("AAAAAAAAACA=")),
            "PATCH /twins/dev1?api-version=2016-11-14",
        )
        .json(json!({ "properties": { "desired": {} } }))
        .header("if-match", "AAAAAAAAACA="),
        case(id, |clients| pending(clients.hub.twins().invoke_method("dev1", &hub::DirectMethod::new("reboot"))), line)
            .json(json!({ "methodName": "reboot" })),
        case(
            id,
            |clients| {
                let method = hub::DirectMethod::new("reboot").with_payload(Value::Null);
                let method = method.with_response_timeout_in_seconds(30).with_connect_timeout_in_seconds(0);
                pending(clients.hub.twins().invoke_method("dev1", &method))
            },
            line,
        )
        .json(json!({
            "methodName": "reboot", "payload": null, "responseTimeoutInSeconds": 30, "connectTimeoutInSeconds": 0,
        })),
        case(
            id,
            |clients| {
                let method = hub::DirectMethod::new("reboot").with_payload(json!(["now", 1.5]));
                pending(clients.hub.twins().invoke_method("dev1", &method))
            },
            line,
        )
        .json(json!({ "methodName": "reboot", "payload": ["now", 1.5] })),
    ]
}

fn jobs() -> Vec<Case> {
    vec![
        case(
            "JobApi_GetJob",
            |clients| pending(clients.hub.jobs().get("job1")),
            "GET /jobs/v2/job1?api-version=2016-11-14",
        ),
        case(
            "JobApi_CreateJob",
            |clients| {
                let twin = desired(json!({ "speed": null })).with_etag("*").with_tags(Map::new());
                let job = hub::JobRequest::new("job1", hub::JobType::ScheduleUpdateTwin)
                    .with_update_twin(twin)
                    .with_query_condition("deviceId IN ['a']")
                    .with_start_time("2026-01-02T03:04:05.287Z".parse().unwrap())
                    .with_max_execution_time_in_seconds(3600);
                pending(clients.hub.jobs().create("job1", &job))
            },
            "PUT /jobs/v2/job1?api-version=2016-11-14",
        )
        .json(json!({
            "jobId": "job1", "type": "scheduleUpdateTwin", "queryCondition": "deviceId IN ['a']",
            "updateTwin": { "etag": "*", "tags": {}, "properties": { "desired": { "speed": null } } },
            "startTime": "2026-01-02T03:04:05.287Z", "maxExecutionTimeInSeconds": 3600,
        })),
        case(
            "JobApi_CreateJob",
            |clients| {
                let job = hub::JobRequest::new("job1", hub::JobType::ScheduleDeviceMethod)
                    .with_cloud_to_device_method(hub::DirectMethod::new("reboot"))
                    .with_start_time("2026-01-02T03:04:44.17354Z".parse().unwrap());
                pending(clients.hub.jobs().create("job1", &job))
            },
            "PUT /jobs/v2/job1?api-version=2016-11-14",
        )
        .json(json!({
            "jobId": "job1", "type": "scheduleDeviceMethod", "cloudToDeviceMethod": { "methodName": "reboot" },
            "startTime": "2026-01-02T03:04:44.17354Z",
        })),
        case(
            "JobApi_CancelJob",
            |clients| pending(clients.hub.jobs().cancel("job1")),
            "POST /jobs/v2/job1/cancel?api-version=2016-11-14",
        ),
        case(
            "JobApi_QueryJobs",
            |clients| pending(clients.hub.jobs().query()),
            "GET /jobs/v2/query?api-version=2016-11-14",
        ),
        case(
            "JobApi_QueryJobs",
            |clients| {
                let query = clients.hub.jobs().query().job_type(&hub::JobType::ScheduleUpdateTwin);
                pending(query.status(&hub::JobStatus::Running).page_size(10).continuation("a+b/c=="))
            },
            "GET /jobs/v2/query?jobType=scheduleUpdateTwin&jobStatus=running&api-version=2016-11-14",
        )
        .header("x-ms-max-item-count", "10")
        .header("x-ms-continuation", "a+b/c=="),
    ]
}

fn messages() -> Vec<Case> {
    let line = "POST /devices/dev1/messages/events?api-version=2016-11-14";
    vec![
        case("HttpRuntime_SendDeviceEvent", |clients| pending(clients.device.messages().send("")), line)
            .bytes("application/octet-stream", ""),
        // The body is bytes, whatever they are.
        case(
            "HttpRuntime_SendDeviceEvent",
            |clients| pending(clients.device.messages().send(&b"\x00\xff\"\r\n"[..])),
            line,
        )
        .bytes("application/octet-stream", &b"\x00\xff\"\r\n"[..]),
        case(
            "HttpRuntime_SendDeviceEvent",
            |clients| {
                let send = clients.device.messages().send("\"21.5\"").content_type("application/json; charset=utf-8");
                let send = send.property("Unit", "C").property("room", "42");
                pending(send.message_id("m1").correlation_id("c1").user_id("u1"))
            },
            line,
        )
        .bytes("application/json; charset=utf-8", "\"21.5\"")
        .header("iothub-app-unit", "C")
        .header("iothub-app-room", "42")
        .header("iothub-messageid", "m1")
        .header("iothub-correlationid", "c1")
        .header("iothub-userid", "u1"),
        case(
            "HttpRuntime_SendDeviceEvent",
            |clients| {
                let batch = r#"[{"body":"AP8=","properties":{"iothub-app-k":"v"}}]"#;
                pending(clients.device.messages().send(batch).content_type("application/vnd.microsoft.iothub.json"))
            },
            line,
        )
        .bytes("application/vnd.microsoft.iothub.json", r#"[{"body":"AP8=","properties":{"iothub-app-k":"v"}}]"#),
        case(
            "HttpRuntime_ReceiveDeviceBoundNotification",
            |clients| pending(clients.device.messages().receive()),
            "GET /devices/dev1/messages/deviceBound?api-version=2016-11-14",
        )
        .without("accept"),
        case(
            "HttpRuntime_ReceiveDeviceBoundNotification",
            |clients| pending(clients.device.messages().receive().lock_timeout_seconds(30)),
            "GET /devices/dev1/messages/deviceBound?api-version=2016-11-14",
        )
        .without("accept")
        .header("iothub-messagelocktimeout", "30"),
        case(
            "HttpRuntime_CompleteDeviceBoundNotification",
            |clients| pending(clients.device.messages().complete("9b1c-3a50")),
            "DELETE /devices/dev1/messages/deviceBound/9b1c-3a50?api-version=2016-11-14",
        ),
        // Only that the key is there counts.
        case(
            "HttpRuntime_CompleteDeviceBoundNotification",
            |clients| pending(clients.device.messages().complete("9b1c-3a50").reject()),
            "DELETE /devices/dev1/messages/deviceBound/9b1c-3a50?reject&api-version=2016-11-14",
        ),
        case(
            "HttpRuntime_AbandonDeviceBoundNotification",
            |clients| pending(clients.device.messages().abandon("9b1c-3a50")),
            "POST /devices/dev1/messages/deviceBound/9b1c-3a50/abandon?api-version=2016-11-14",
        ),
    ]
}

fn files() -> Vec<Case> {
    vec![
        case(
            "HttpRuntime_CreateFileUploadSasUri",
            |clients| pending(clients.device.files().create_upload(&device::FileUploadRequest::new("dir/log.txt"))),
            "POST /devices/dev1/files?api-version=2016-11-14",
        )
        .json(json!({ "blobName": "dir/log.txt" })),
        case(
            "HttpRuntime_UpdateFileUploadStatus",
            |clients| {
                let outcome = device::FileUploadCompletionStatus::new("2017_a+b/log.txt");
                let outcome = outcome.with_is_success(true).with_status_code(201).with_status_description("");
                pending(clients.device.files().notify_upload(&outcome))
            },
            "POST /devices/dev1/files/notifications?api-version=2016-11-14",
        )
        .json(json!({
            "correlationId": "2017_a+b/log.txt", "isSuccess": true, "statusCode": 201, "statusDescription": "",
        })),
    ]
}

fn iot_hubs() -> Vec<Case> {
    fn description() -> arm::IotHubDescription {
        let sku = serde_json::from_value(json!({ "name": "S1", "capacity": 1 })).unwrap();
        let description = arm::IotHubDescription::new("westus", sku);
        description.with_subscription_id(SUBSCRIPTION).with_resource_group("rg")
    }
    let id = "IotHubResource_CreateOrUpdate";
    let new = json!({
        "location": "westus", "subscriptionid": SUBSCRIPTION, "resourcegroup": "rg", "sku": { "name": "S1", "capacity": 1 },
    });
    let mut old = new.clone();
    old["etag"] = json!("AAAAAAEWr7U=");
    old["tags"] = json!({ "a": "b" });
    old["properties"] = json!({
        "authorizationPolicies": [{ "keyName": "own", "rights": "RegistryRead, DeviceConnect" }],
        "cloudToDevice": { "defaultTtlAsIso8601": "PT1H" },
    });
    vec![
        case(
            "IotHubResource_Get",
            |clients| pending(clients.arm.iot_hubs().get("rg", "hub1")),
            "GET $HUB?api-version=2017-01-19",
        ),
        case(
            id,
            |clients| pending(clients.arm.iot_hubs().create_or_update("rg", "hub1", &description())),
            "PUT $HUB?api-version=2017-01-19",
        )
        .json(new),
        case(
            id,
            |clients| {
                let policy = arm::SharedAccessPolicy::new("own", arm::AccessRights::RegistryReadDeviceConnect);
                let messages = arm::CloudToDeviceProperties::new().with_default_ttl("PT1H".parse().unwrap());
                let properties = arm::IotHubProperties::new()
                    .with_authorization_policies(vec![policy])
                    .with_cloud_to_device(messages);
                let hub = description().with_etag("AAAAAAEWr7U=").with_properties(properties);
                let hub = hub.with_tags(BTreeMap::from([("a".to_owned(), "b".to_owned())]));
                pending(clients.arm.iot_hubs().create_or_update("rg", "hub1", &hub).if_match("AAAAAAEWr7U="))
            },
            "PUT $HUB?api-version=2017-01-19",
        )
        .json(old)
        .header("if-match", "AAAAAAEWr7U="),
        case(
            "IotHubResource_Delete",
            |clients| pending(clients.arm.iot_hubs().delete("rg", "hub1")),
            "DELETE $HUB?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_ListBySubscription",
            |clients| pending(clients.arm.iot_hubs().list_by_subscription()),
            "GET $SUB/providers/Microsoft.Devices/IotHubs?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_ListByResourceGroup",
            |clients| pending(clients.arm.iot_hubs().list_by_resource_group("rg")),
            "GET $SUB/resourceGroups/rg/providers/Microsoft.Devices/IotHubs?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_CheckNameAvailability",
            |clients| {
                let inputs = arm::NameAvailabilityRequest::new("hub1");
                pending(clients.arm.iot_hubs().check_name_availability(&inputs))
            },
            "POST $SUB/providers/Microsoft.Devices/checkNameAvailability?api-version=2017-01-19",
        )
        .json(json!({ "Name": "hub1" })),
        case(
            "IotHubResource_GetStats",
            |clients| pending(clients.arm.iot_hubs().statistics("rg", "hub1")),
            "GET $HUB/IotHubStats?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_GetValidSkus",
            |clients| pending(clients.arm.iot_hubs().list_skus("rg", "hub1")),
            "GET $HUB/skus?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_GetQuotaMetrics",
            |clients| pending(clients.arm.iot_hubs().list_quota_metrics("rg", "hub1")),
            "GET $HUB/quotaMetrics?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_ListKeys",
            |clients| pending(clients.arm.iot_hubs().list_keys("rg", "hub1")),
            "POST $HUB/listkeys?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_GetKeysForKeyName",
            |clients| pending(clients.arm.iot_hubs().get_keys("rg", "hub1", "service")),
            "POST $HUB/IotHubKeys/service/listkeys?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_ListEventHubConsumerGroups",
            |clients| pending(clients.arm.iot_hubs().list_consumer_groups("rg", "hub1", "events")),
            "GET $HUB/eventHubEndpoints/events/ConsumerGroups?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_GetEventHubConsumerGroup",
            |clients| pending(clients.arm.iot_hubs().get_consumer_group("rg", "hub1", "events", "$Default")),
            "GET $HUB/eventHubEndpoints/events/ConsumerGroups/%24Default?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_CreateEventHubConsumerGroup",
            |clients| pending(clients.arm.iot_hubs().create_consumer_group("rg", "hub1", "events", "cg1")),
            "PUT $HUB/eventHubEndpoints/events/ConsumerGroups/cg1?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_DeleteEventHubConsumerGroup",
            |clients| pending(clients.arm.iot_hubs().delete_consumer_group("rg", "hub1", "events", "cg1")),
            "DELETE $HUB/eventHubEndpoints/events/ConsumerGroups/cg1?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_ListJobs",
            |clients| pending(clients.arm.iot_hubs().list_jobs("rg", "hub1")),
            "GET $HUB/jobs?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_GetJob",
            |clients| pending(clients.arm.iot_hubs().get_job("rg", "hub1", "j1")),
            "GET $HUB/jobs/j1?api-version=2017-01-19",
        ),
        case(
            "IotHubResource_ExportDevices",
            |clients| {
                let export = arm::ExportDevicesRequest::new("https://s/c?sig=x", true);
                pending(clients.arm.iot_hubs().export_devices("rg", "hub1", &export))
            },
            "POST $HUB/exportDevices?api-version=2017-01-19",
        )
        .json(json!({ "ExportBlobContainerUri": "https://s/c?sig=x", "ExcludeKeys": true })),
        case(
            "IotHubResource_ImportDevices",
            |clients| {
                let import = arm::ImportDevicesRequest::new("https://s/i?sig=x", "https://s/o?sig=x");
                pending(clients.arm.iot_hubs().import_devices("rg", "hub1", &import))
            },
            "POST $HUB/importDevices?api-version=2017-01-19",
        )
        .json(json!({ "InputBlobContainerUri": "https://s/i?sig=x", "OutputBlobContainerUri": "https://s/o?sig=x" })),
    ]
}

fn all() -> Vec<Case> {
    [identities(), registry(), twins(), jobs(), messages(), files(), iot_hubs()].into_iter().flatten().collect()
}

#[tokio::test]
async fn requests_for_identities() {
    check(identities()).await;
}

#[tokio::test]
async fn requests_for_the_registry() {
    check(registry()).await;
}

#[tokio::test]
async fn requests_for_twins() {
    check(twins()).await;
}

#[tokio::test]
async fn requests_for_jobs() {
    check(jobs()).await;
}

#[tokio::test]
async fn requests_for_messages() {
    check(messages()).await;
}

#[tokio::test]
async fn requests_for_files() {
    check(files()).await;
}

#[tokio::test]
async fn requests_for_iot_hubs() {
    check(iot_hubs()).await;
}

/// Method and path of each operation in the documents as they were published.
fn published() -> BTreeMap<String, (String, String)> {
    let mut all = BTreeMap::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(root().join("specs").join(document)).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if let Some(id) = operation["operationId"].as_str() {
                    all.insert(id.to_owned(), (method.to_uppercase(), path.clone()));
                }
            }
        }
    }
    all
}

#[test]
fn every_operation_is_covered_and_has_one_method() {
    let published: BTreeSet<String> = published().into_keys().collect();
    assert_eq!(published.len(), 41);
    let inspection = Builder::new().manifest(root().join("specsmith.yaml")).quiet(true).inspect();
    let value = inspection.unwrap_or_else(|failure| panic!("{}", failure.to_text(false))).value;
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value} is no string")).to_owned();
    let (mut ids, mut methods) = (BTreeSet::new(), BTreeMap::<_, BTreeSet<String>>::new());
    let mut resumes = BTreeSet::new();
    // What is for servers only has no method.
    for operation in value["operations"].as_array().unwrap().iter().filter(|one| one["side"] != "server") {
        let file = format!("{}/{}.rs", text(&operation["client"]), text(&operation["group"]));
        let first = methods.entry(file).or_default().insert(text(&operation["rust"]["method"]));
        assert!(first && ids.insert(text(&operation["id"])), "{}", operation["id"]);
        if let Some(resume) = operation["rust"]["resume"].as_str() {
            resumes.insert(resume.to_owned());
        }
    }
    assert!(ids.is_superset(&published), "{:?}", published.difference(&ids));
    assert_eq!(all().iter().map(|case| case.id.to_owned()).collect::<BTreeSet<_>>(), ids);
    for (file, methods) in methods {
        let source = fs::read_to_string(root().join("generated/src").join(&file)).unwrap();
        let public = source.split("\n    pub fn ").skip(1).filter_map(|rest| rest.split_once('('));
        let calls = public.filter(|(name, rest)| rest.trim_start().starts_with("&self") && !resumes.contains(*name));
        assert_eq!(calls.map(|(name, _)| name.to_owned()).collect::<BTreeSet<_>>(), methods, "{file}");
    }
    assert_eq!(resumes.into_iter().collect::<Vec<_>>(), ["resume_create_or_update", "resume_delete"]);
}

#[test]
fn requests_are_those_of_the_published_documents() {
    let published = published();
    for case in all() {
        // Overlays may add operations.
        let Some((method, template)) = published.get(case.id) else { continue };
        assert_eq!(case.method, method, "{}", case.id);
        let path = case.target.split('?').next().unwrap();
        let segments = template.split('/').zip(path.split('/'));
        assert_eq!(template.split('/').count(), path.split('/').count(), "{path}");
        for (template, segment) in segments {
            assert!(template == segment || (template.starts_with('{') && !segment.is_empty()), "{template} {segment}");
        }
    }
}

#[tokio::test]
async fn every_operation_reads_the_answer_of_the_service() {
    let mut failed = Vec::new();
    for case in all() {
        // What goes on behind the first answer, where something does.
        let answers = [answer(case.id), answer(SUCCEEDED), answer("IotHubResource_Get")];
        if let Err(error) = (case.call)(&Clients::of(answers)).await {
            failed.push(error.to_string());
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn nothing_is_sent_before_it_is_awaited() {
    for case in all() {
        let clients = Clients::of([]);
        drop((case.call)(&clients));
        assert!(clients.sent().is_empty(), "{}", case.id);
    }
    // A call outlives its client and may be made on any thread.
    let clients = Clients::of([answer("DeviceApi_GetDevice")]);
    let call = clients.hub.devices().get("dev1");
    assert!(clients.sent().is_empty());
    tokio::spawn(call.into_future()).await.unwrap().unwrap();
    assert_eq!(clients.sent().len(), 1);
}

/// A stream of these chunks.
struct Chunks(Vec<&'static [u8]>);

impl Stream for Chunks {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready((!self.0.is_empty()).then(|| Ok(Bytes::from_static(self.0.remove(0)))))
    }
}

#[tokio::test]
async fn an_event_may_be_a_stream() {
    for (length, header) in [(None, None), (Some(6), Some("6"))] {
        let clients = Clients::of([empty(204)]);
        let body = Body::from_stream(Chunks(vec![b"\x00\xff", b"", b"text"]), length);
        clients.device.messages().send(body).await.unwrap();
        let sent = clients.one_sent();
        assert_eq!(sent.body, &b"\x00\xfftext"[..]);
        assert_eq!(sent.headers.get("content-length").map(String::as_str), header);
        assert_eq!(sent.headers["content-type"], "application/octet-stream");
    }
}

/// Calls with one path argument, and where it stands in the path.
type WithArgument = (fn(&Clients, &str) -> Pending, usize);

const WITH_ARGUMENT: [WithArgument; 9] = [
    (|clients, id| pending(clients.hub.devices().get(id)), 1),
    (|clients, id| pending(clients.hub.devices().purge_commands(id)), 1),
    (|clients, id| pending(clients.hub.twins().invoke_method(id, &hub::DirectMethod::new("x"))), 1),
    (|clients, id| pending(clients.hub.jobs().cancel(id)), 2),
    (|clients, id| pending(clients.device.messages().complete(id).reject()), 4),
    (|clients, id| pending(clients.device.messages().abandon(id)), 4),
    (|clients, id| pending(clients.arm.iot_hubs().get(id, "hub1")), 3),
    (|clients, id| pending(clients.arm.iot_hubs().get_keys("rg", "hub1", id)), 9),
    (|clients, id| pending(clients.arm.iot_hubs().delete_consumer_group("rg", "hub1", "events", id)), 11),
];

/// Calls in which the client's own device or subscription stands at the second place.
const WITH_CLIENT_S: [Call; 3] = [
    |clients| pending(clients.device.messages().receive()),
    |clients| pending(clients.device.messages().send("x")),
    |clients| pending(clients.arm.iot_hubs().list_by_subscription()),
];

#[tokio::test]
async fn an_argument_stays_within_its_segment() {
    let valid = "azAZ09-:.+%_#*?!(),=@;$'";
    let others =
        ["a/b", "dev 1", "ü", "%", "%2F", "%2e%2e", "#", "?x=1", "a&b=c", "...", "../x", "a/../b", "\\", "\r\n"];
    for (call, at) in WITH_ARGUMENT {
        let mut rest = None;
        for id in ["plain", valid].into_iter().chain(others) {
            let clients = Clients::of([empty(500)]);
            call(&clients, id).await.unwrap_err();
            let sent = clients.one_sent();
            let mut segments = sent.segments();
            assert_eq!(segments.remove(at), id, "{}", sent.target);
            let query = sent.target.split_once('?').map(|(_, query)| query.to_owned());
            // But for the argument, it is the same request.
            let own = (sent.method, segments, query);
            assert_eq!(rest.get_or_insert_with(|| own.clone()), &own);
        }
    }
    for id in [valid].into_iter().chain(others) {
        for call in WITH_CLIENT_S {
            let clients = Clients::named(id, id, [empty(500)]);
            call(&clients).await.unwrap_err();
            assert_eq!(clients.one_sent().segments()[1], id);
        }
    }
}

#[tokio::test]
async fn ids_are_escaped_as_other_clients_do() {
    for (id, segment) in [
        ("dev1-:._", "dev1-%3A._"),
        ("a+b", "a%2Bb"),
        ("50%", "50%25"),
        ("#1", "%231"),
        ("dev 1", "dev%201"),
        ("a/b", "a%2Fb"),
        ("ü", "%C3%BC"),
    ] {
        let clients = Clients::of([answer("DeviceApi_GetDevice")]);
        clients.hub.devices().get(id).await.unwrap();
        assert_eq!(clients.one_sent().target, format!("/devices/{segment}?api-version=2016-11-14"));
    }
}

#[tokio::test]
async fn an_argument_that_would_change_the_path_is_refused() {
    for id in ["", ".", ".."] {
        let refused = |error: Error, clients: &Clients| {
            assert_eq!((error.kind(), clients.sent().len()), (ErrorKind::Build, 0), "{error}");
        };
        for (call, _) in WITH_ARGUMENT {
            let clients = Clients::of([]);
            refused(call(&clients, id).await.unwrap_err(), &clients);
        }
        for call in WITH_CLIENT_S {
            let clients = Clients::named(id, id, []);
            refused(call(&clients).await.unwrap_err(), &clients);
        }
    }
}

#[tokio::test]
async fn a_header_that_would_be_two_is_refused() {
    let calls: [Call; 7] = [
        |clients| pending(clients.device.messages().send("x").property("a", "b\r\nx-evil: 1")),
        |clients| pending(clients.device.messages().send("x").property("a: b\r\nx-evil", "1")),
        |clients| pending(clients.device.messages().send("x").message_id("a\nb")),
        |clients| pending(clients.device.messages().send("x").content_type("text/plain\r\nx-evil: 1")),
        |clients| pending(clients.hub.jobs().query().continuation("a\r\nb")),
        |clients| pending(clients.hub.devices().delete("x").if_match("")),
        |clients| pending(clients.hub.devices().delete("x").if_match("a\r\nb")),
    ];
    for call in calls {
        let clients = Clients::of([empty(204)]);
        let error = call(&clients).await.unwrap_err();
        assert_eq!((error.kind(), clients.sent().len()), (ErrorKind::Build, 0), "{error}");
    }
}

#[tokio::test]
async fn an_option_that_is_given_twice_is_sent_once() {
    let calls: [(Call, _); 4] = [
        (|clients| pending(clients.hub.devices().list().top(3).top(4)), "top=4"),
        (|clients| pending(clients.hub.devices().query("x").page_size(3).page_size(4)), ""),
        (
            |clients| {
                let query = clients.hub.jobs().query().status(&hub::JobStatus::Failed);
                pending(query.status(&hub::JobStatus::Running))
            },
            "jobStatus=running",
        ),
        (|clients| pending(clients.device.messages().complete("x").reject().reject()), "reject"),
    ];
    for (call, query) in calls {
        let clients = Clients::of([empty(500)]);
        call(&clients).await.unwrap_err();
        let sent = clients.one_sent();
        let options = sent.target.split_once('?').unwrap().1.strip_suffix("api-version=2016-11-14").unwrap();
        assert_eq!(options.trim_end_matches('&'), query);
    }
}

#[tokio::test]
async fn another_version_may_be_asked_for() {
    let clients = Clients::of([answer("DeviceApi_GetDevice")]);
    let pipeline = clients.hub.pipeline().clone().with_api_version("2021-04-12");
    iothub::hub::Client::with_pipeline(pipeline).devices().get("dev1").await.unwrap();
    assert_eq!(clients.one_sent().target, "/devices/dev1?api-version=2021-04-12");
}
