//! What the service answers, as recorded, and what becomes of it in the clients.

use std::fmt::Debug;

use http::StatusCode;
use iothub::device::models::FileUploadResponse;
use iothub::hub::models as hub;
use iothub::management::models as arm;
use iothub::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::service::{Answer, Clients, KEY_1, KEY_2, SUBSCRIPTION, bytes, empty, json};

const LOCK: &str = "9b1c3a50-3c1f-4d0e-8a38-2f0c7a9d6b11";
const CONTINUATION: &str = "eyJ0Ijoi+/9=";

/// The identity of 2017-08-18, with keys of ours.
fn device() -> Value {
    json!({
        "deviceId": "dev1", "generationId": "636386875811187073", "etag": "MA==", "connectionState": "Disconnected",
        "status": "enabled", "statusReason": null, "connectionStateUpdatedTime": "0001-01-01T00:00:00",
        "statusUpdatedTime": "0001-01-01T00:00:00", "lastActivityTime": "0001-01-01T00:00:00",
        "cloudToDeviceMessageCount": 0,
        "authentication": {
            "symmetricKey": { "primaryKey": KEY_1, "secondaryKey": KEY_2 },
            "x509Thumbprint": { "primaryThumbprint": null, "secondaryThumbprint": null },
        },
    })
}

fn twin() -> Value {
    json!({
        "deviceId": "dev1", "etag": "AAAAAAAAAAw=", "version": 13, "tags": { "building": { "floor": 2 } },
        "properties": {
            "desired": {
                "speed": 10,
                "$metadata": {
                    "$lastUpdated": "2017-08-03T12:00:00.1234567Z", "$lastUpdatedVersion": 4,
                    "speed": { "$lastUpdated": "2017-08-03T12:00:00.1234567Z", "$lastUpdatedVersion": 4 },
                },
                "$version": 4,
            },
            "reported": { "$metadata": { "$lastUpdated": "2017-08-03T12:00:00.1234567Z" }, "$version": 1 },
        },
    })
}

fn job() -> Value {
    json!({
        "jobId": "job1", "queryCondition": "tags.grp = 'x'", "createdTime": "2026-01-02T03:04:05.1234567Z",
        "startTime": "2026-01-02T03:04:05.287Z", "endTime": null, "maxExecutionTimeInSeconds": 3600,
        "type": "scheduleUpdateTwin", "status": "enqueued",
        "updateTwin": { "etag": "*", "tags": {}, "properties": { "desired": { "speed": null } } },
        "deviceJobStatistics":
            { "deviceCount": 5, "failedCount": 1, "succeededCount": 2, "runningCount": 0, "pendingCount": 2 },
    })
}

fn hub_path() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Devices/IotHubs/hub1")
}

fn hub_url(rest: &str) -> String {
    format!("https://management.azure.com{}/{rest}", hub_path())
}

/// The hub as GET has it: with a tag, without keys, and with properties that are not in the document.
fn hub() -> Value {
    let level = |all: &str| json!({ "None": "None", "Connections": all, "DeviceTelemetry": "None" });
    let endpoint = |path: &str| {
        json!({
            "retentionTimeInDays": 1, "partitionCount": 2, "partitionIds": ["0", "1"], "path": path,
            "endpoint": "sb://made-up.servicebus.windows.net/",
        })
    };
    json!({
        "id": hub_path(), "name": "hub1", "type": "Microsoft.Devices/IotHubs", "location": "westus", "tags": {},
        "subscriptionid": SUBSCRIPTION, "resourcegroup": "rg", "etag": "AAAAAAEWr7U=",
        "properties": {
            "operationsMonitoringProperties": { "events": level("Error, Information") },
            "state": "Active", "provisioningState": "Succeeded", "ipFilterRules": [],
            "hostName": "hub1.azure-devices.net",
            "eventHubEndpoints":
                { "events": endpoint("hub1"), "operationsMonitoringEvents": endpoint("hub1-operationmonitoring") },
            "routing": {
                "endpoints": { "serviceBusQueues": [], "serviceBusTopics": [], "eventHubs": [], "storageContainers": [] },
                "routes": [],
                "fallbackRoute": {
                    "name": "$fallback", "source": "DeviceMessages", "condition": "true",
                    "endpointNames": ["events"], "isEnabled": true,
                },
            },
            "storageEndpoints":
                { "$default": { "sasTtlAsIso8601": "PT1H", "connectionString": "", "containerName": "" } },
            "messagingEndpoints": {
                "fileNotifications":
                    { "lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10 },
            },
            "enableFileUploadNotifications": false,
            "cloudToDevice": {
                "maxDeliveryCount": 10, "defaultTtlAsIso8601": "PT1H",
                "feedback": { "lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10 },
            },
            "features": "None", "generationNumber": 0,
        },
        "sku": { "name": "S1", "tier": "Standard", "capacity": 1 },
    })
}

/// The hub as PUT answers when it is new: without a tag and a host name.
fn new_hub() -> Value {
    let policy = policy("iothubowner", "RegistryWrite, ServiceConnect, DeviceConnect");
    json!({
        "id": hub_path(), "name": "hub1", "type": "Microsoft.Devices/IotHubs", "location": "westus", "tags": {},
        "subscriptionid": SUBSCRIPTION, "resourcegroup": "rg",
        "properties": {
            "state": "Activating", "provisioningState": "Accepted", "authorizationPolicies": [policy],
            "enableFileUploadNotifications": false, "features": "None",
        },
        "sku": { "name": "S1", "tier": "Standard", "capacity": 1 },
    })
}

fn policy(name: &str, rights: &str) -> Value {
    json!({ "keyName": name, "primaryKey": KEY_1, "secondaryKey": KEY_2, "rights": rights })
}

fn arm_job() -> Value {
    json!({
        "jobId": "j1", "startTimeUtc": "Fri, 18 Aug 2017 21:12:55 GMT", "endTimeUtc": null, "type": "export",
        "status": "running", "failureReason": null, "statusMessage": null, "parentJobId": null,
    })
}

/// A successful answer to the operation of this id.
pub(crate) fn answer(id: &str) -> Answer {
    let sku = |name: &str, maximum: i32| {
        // As recorded: no number of units within `sku`.
        json!({
            "resourceType": "Microsoft.Devices/IotHubs", "sku": { "name": name, "tier": "Standard" },
            "capacity": { "minimum": 1, "maximum": maximum, "default": 1, "scaleType": "Manual" },
        })
    };
    let group = json!({ "id": format!("{}/…/ConsumerGroups/cg1", hub_path()), "name": "cg1", "tags": null });
    let polling = hub_url("operationResults/abc?api-version=2017-01-19&asyncinfo");
    match id {
        "DeviceApi_GetDevice" | "DeviceApi_PutDevice" => json(200, device()).with("etag", "\"MA==\""),
        "DeviceApi_DeleteDevice" => empty(204),
        "DeviceApi_GetDevices" => json(200, json!([device(), { "deviceId": "dev0", "connectionState": "connected" }])),
        "DeviceApi_BulkDeviceOperation" => json(200, json!({ "isSuccessful": true, "errors": [], "warnings": [] })),
        "DeviceApi_QueryDevices" => {
            json(200, json!([twin(), 7])).with("x-ms-continuation", CONTINUATION).with("x-ms-item-type", "twin")
        }
        "DeviceApi_PurgeCommandQueue" => json(200, json!({ "totalMessagesPurged": 3, "deviceId": "dev1" })),
        "DeviceApi_GetRegistryStatistics" | "IotHubResource_GetStats" => {
            json(200, json!({ "totalDeviceCount": 3, "enabledDeviceCount": 2, "disabledDeviceCount": 1 }))
        }
        "DeviceApi_GetServiceStatistics" => json(200, json!({ "connectedDeviceCount": 4 })),

        "DeviceTwinApi_GetDeviceTwin" | "DeviceTwinApi_UpdateDeviceTwin" => json(200, twin()),
        "DeviceTwinApi_InvokeDeviceMethod" => json(200, json!({ "status": 404, "payload": null })),

        "JobApi_GetJob" | "JobApi_CreateJob" | "JobApi_CancelJob" => json(200, job()),
        "JobApi_QueryJobs" => json(200, json!([job()])).with("x-ms-continuation", CONTINUATION),

        "HttpRuntime_SendDeviceEvent"
        | "HttpRuntime_CompleteDeviceBoundNotification"
        | "HttpRuntime_AbandonDeviceBoundNotification"
        | "HttpRuntime_UpdateFileUploadStatus" => empty(204),
        "HttpRuntime_ReceiveDeviceBoundNotification" => message(),
        "HttpRuntime_CreateFileUploadSasUri" => json(
            200,
            json!({
                "correlationId": "201708182113_5d1b_log.txt", "hostName": "store1.blob.core.windows.net",
                "containerName": "uploads", "blobName": "dev1/dir/log.txt",
                "sasToken": format!("?sv=2016-05-31&sr=b&sig={KEY_1}&sp=rw"),
            }),
        ),

        RUNNING => json(200, json!({ "status": "Running" })),
        SUCCEEDED => json(200, json!({ "status": "Succeeded" })),
        "IotHubResource_Get" => json(200, hub()),
        "IotHubResource_CreateOrUpdate" => json(201, new_hub()).with("azure-asyncoperation", &polling),
        "IotHubResource_Delete" => json(202, Value::Null)
            .with("azure-asyncoperation", &polling)
            .with("location", polling.trim_end_matches("&asyncinfo"))
            .with("retry-after", "15"),
        "IotHubResource_ListBySubscription" | "IotHubResource_ListByResourceGroup" => {
            json(200, json!({ "value": [hub()] }))
        }
        "IotHubResource_CheckNameAvailability" => {
            json(200, json!({ "nameAvailable": true, "reason": "Invalid", "message": null }))
        }
        "IotHubResource_GetValidSkus" => json(200, json!({ "value": [sku("S1", 200), sku("S2", 200), sku("S3", 10)] })),
        "IotHubResource_GetQuotaMetrics" => json(
            200,
            json!({ "value": [
                { "Name": "TotalMessages", "CurrentValue": 21, "MaxValue": 400_000 },
                { "Name": "TotalDeviceCount", "CurrentValue": 3, "MaxValue": 500_000 },
            ] }),
        ),
        "IotHubResource_ListKeys" => json(
            200,
            json!({ "value": [
                policy("iothubowner", "RegistryWrite, ServiceConnect, DeviceConnect"),
                policy("service", "ServiceConnect"),
                policy("device", "DeviceConnect"),
                policy("registryRead", "RegistryRead"),
                policy("registryReadWrite", "RegistryWrite"),
            ] }),
        ),
        "IotHubResource_GetKeysForKeyName" => json(200, policy("service", "ServiceConnect")),
        "IotHubResource_ListEventHubConsumerGroups" => json(200, json!({ "value": ["$Default", "cg1"] })),
        "IotHubResource_GetEventHubConsumerGroup" | "IotHubResource_CreateEventHubConsumerGroup" => json(200, group),
        "IotHubResource_DeleteEventHubConsumerGroup" => empty(200),
        "IotHubResource_ListJobs" => json(200, json!({ "value": [] })),
        "IotHubResource_GetJob" | "IotHubResource_ExportDevices" | "IotHubResource_ImportDevices" => {
            json(200, arm_job())
        }
        other => panic!("no answer to {other}"),
    }
}

fn message() -> Answer {
    let headers = [
        ("iothub-messageid", "m1"),
        ("iothub-correlationid", ""),
        ("iothub-userid", ""),
        ("iothub-sequencenumber", "18"),
        ("iothub-deliverycount", "0"),
        ("iothub-enqueuedtime", "12/22/2017 12:14:12 AM"),
        ("iothub-expiry", ""),
        ("iothub-to", "/devices/dev1/messages/deviceBound"),
        ("iothub-ack", "full"),
        ("iothub-app-unit", "C"),
    ];
    let message = bytes(200, &b"\x00\xff not text"[..]).with("etag", &format!("\"{LOCK}\""));
    headers.into_iter().fold(message, |message, (name, value)| message.with(name, value))
}

/// Clients of a service that gives the usual answer to each of these operations, in this order.
/// What the service says of an operation under way, and in the end.
pub(crate) const RUNNING: &str = "state: Running";
pub(crate) const SUCCEEDED: &str = "state: Succeeded";

fn answering<const N: usize>(ids: [&str; N]) -> Clients {
    Clients::of(ids.map(answer))
}

/// What a client sends in place of this: properties that have a field, without the nulls.
fn without(mut value: Value, paths: &[&str]) -> Value {
    for path in paths {
        let (parent, name) = path.rsplit_once('/').unwrap();
        let gone = value.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        assert_eq!(gone, Some(Value::Null), "{path}");
    }
    value
}

const DEVICE_NULLS: [&str; 3] = [
    "/statusReason",
    "/authentication/x509Thumbprint/primaryThumbprint",
    "/authentication/x509Thumbprint/secondaryThumbprint",
];

fn object(value: Value) -> serde_json::Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn identities() {
    let clients = answering(["DeviceApi_GetDevice", "DeviceApi_GetDevices", "DeviceApi_DeleteDevice"]);
    let devices = clients.hub.devices();
    let device = devices.get("dev1").await.unwrap();
    assert_eq!(device.status(), StatusCode::OK);
    assert_eq!(device.device_id, "dev1");
    assert_eq!(device.generation_id.as_deref(), Some("636386875811187073"));
    assert_eq!(device.etag().unwrap().as_str(), "\"MA==\"");
    assert_eq!(device.etag.as_deref(), Some("MA=="));
    assert_eq!(device.connection_state, Some(hub::DeviceConnectionState::Disconnected));
    assert_eq!(device.body().status, Some(hub::DeviceStatus::Enabled));
    assert_eq!(device.status_reason, None);
    assert_eq!(device.last_activity_time.unwrap().to_string(), "0001-01-01T00:00:00");
    assert_eq!(device.cloud_to_device_message_count, Some(0));
    let authentication = device.authentication.as_ref().unwrap();
    let keys = authentication.symmetric_key.as_ref().unwrap();
    assert_eq!(keys.primary_key.as_ref().unwrap().expose(), KEY_1);
    assert_eq!(keys.secondary_key.as_ref().unwrap().expose(), KEY_2);
    assert_eq!(authentication.x509_thumbprint, Some(hub::X509Thumbprint::new()));
    assert_eq!(device.request_id(), None);

    let list = devices.list().await.unwrap();
    assert_eq!(list.iter().map(|device| device.device_id.as_str()).collect::<Vec<_>>(), ["dev1", "dev0"]);
    assert_eq!(list[1].connection_state, Some(hub::DeviceConnectionState::Connected));
    assert_eq!(devices.delete("dev1").if_match("*").await.unwrap().status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn registry() {
    let clients = answering([
        "DeviceApi_BulkDeviceOperation",
        "DeviceApi_QueryDevices",
        "DeviceApi_PurgeCommandQueue",
        "DeviceApi_GetRegistryStatistics",
        "DeviceApi_GetServiceStatistics",
    ]);
    let devices = clients.hub.devices();
    let done = devices.bulk(&[]).await.unwrap();
    assert!(done.is_successful && done.errors.as_deref() == Some(&[]));
    let page = devices.query("SELECT * FROM devices").await.unwrap();
    assert_eq!(*page.body(), [twin(), json!(7)]);
    assert_eq!(page.header("x-ms-continuation"), Some(CONTINUATION));
    assert_eq!(page.header("x-ms-item-type"), Some("twin"));
    let item: hub::Twin = serde_json::from_value(page[0].clone()).unwrap();
    assert_eq!(item.etag.as_deref(), Some("AAAAAAAAAAw="));
    let purged = devices.purge_commands("dev1").await.unwrap();
    assert_eq!((purged.total_messages_purged, purged.device_id.as_deref()), (Some(3), Some("dev1")));
    let count = devices.statistics().await.unwrap();
    assert_eq!((count.total_device_count, count.enabled_device_count, count.disabled_device_count), (3, 2, 1));
    assert_eq!(devices.service_statistics().await.unwrap().connected_device_count, 4);
}

#[tokio::test]
async fn twins() {
    let clients = answering([
        "DeviceTwinApi_GetDeviceTwin",
        "DeviceTwinApi_UpdateDeviceTwin",
        "DeviceTwinApi_InvokeDeviceMethod",
    ]);
    let twins = clients.hub.twins();
    for got in [twins.get("dev1").await.unwrap(), twins.update("dev1", &hub::Twin::new()).await.unwrap()] {
        assert_eq!(got.device_id.as_deref(), Some("dev1"));
        assert_eq!(got.version, Some(13));
        assert_eq!(got.etag().unwrap().as_str(), "AAAAAAAAAAw=");
        assert_eq!(got.tags, Some(object(twin()["tags"].clone())));
        let properties = got.properties.as_ref().unwrap();
        assert_eq!(properties.desired, Some(object(twin()["properties"]["desired"].clone())));
        assert_eq!(properties.reported.as_ref().unwrap()["$version"], 1);
    }
    let result = twins.invoke_method("dev1", &hub::DirectMethod::new("reboot")).await.unwrap();
    assert_eq!((result.body().status, &result.payload), (Some(404), &Some(Value::Null)));
}

#[tokio::test]
async fn jobs() {
    let clients = answering(["JobApi_GetJob", "JobApi_CreateJob", "JobApi_CancelJob", "JobApi_QueryJobs"]);
    let jobs = clients.hub.jobs();
    let request = hub::JobRequest::new("job1", hub::JobType::ScheduleUpdateTwin);
    let got = [
        jobs.get("job1").await.unwrap().into_body(),
        jobs.create("job1", &request).await.unwrap().into_body(),
        jobs.cancel("job1").await.unwrap().into_body(),
    ];
    let page = jobs.query().await.unwrap();
    assert_eq!(page.header("x-ms-continuation"), Some(CONTINUATION));
    for job in got.iter().chain(page.body()) {
        assert_eq!(job.job_id.as_deref(), Some("job1"));
        assert_eq!(job.query_condition.as_deref(), Some("tags.grp = 'x'"));
        assert_eq!(job.created_time.unwrap().subsec_nanoseconds(), 123_456_700);
        assert_eq!(job.start_time.unwrap().to_string(), "2026-01-02T03:04:05.287Z");
        assert_eq!(job.end_time, None);
        assert_eq!(job.max_execution_time_in_seconds, Some(3600));
        assert_eq!(job.r#type, hub::JobType::ScheduleUpdateTwin);
        assert_eq!(job.status, Some(hub::JobStatus::Other("enqueued".to_owned())));
        let desired = job.update_twin.as_ref().and_then(|twin| twin.properties.as_ref()?.desired.as_ref());
        assert_eq!(desired.unwrap()["speed"], Value::Null);
        let counts = job.device_job_statistics.as_ref().unwrap();
        assert_eq!((counts.device_count, counts.pending_count), (Some(5), Some(2)));
    }
}

#[tokio::test]
async fn messages() {
    let nothing = bytes(200, "").with("etag", "\"x\"");
    let id = "HttpRuntime_ReceiveDeviceBoundNotification";
    let clients = Clients::of([answer(id), empty(204), empty(204), nothing]);
    let messages = clients.device.messages();
    let got = messages.receive().await.unwrap();
    assert_eq!(got.body().as_deref(), Some(&b"\x00\xff not text"[..]));
    for (name, value) in [
        ("iothub-messageid", "m1"),
        ("iothub-correlationid", ""),
        ("iothub-sequencenumber", "18"),
        ("iothub-enqueuedtime", "12/22/2017 12:14:12 AM"),
        ("iothub-expiry", ""),
        ("IotHub-Ack", "full"),
        ("iothub-app-unit", "C"),
    ] {
        assert_eq!(got.header(name), Some(value), "{name}");
    }
    let lock = got.etag().unwrap();
    assert_eq!((lock.as_str(), lock.opaque()), (format!("\"{LOCK}\"").as_str(), LOCK));
    messages.complete(lock.opaque()).await.unwrap();
    assert_eq!(messages.receive().await.unwrap().body(), &None);
    assert_eq!(messages.receive().await.unwrap().body().as_deref(), Some(&b""[..]));
    assert_eq!(clients.sent()[1].segments().last().map(String::as_str), Some(LOCK));
}

#[tokio::test]
async fn uploads() {
    let clients = answering(["HttpRuntime_CreateFileUploadSasUri"]);
    let request = iothub::device::models::FileUploadRequest::new("dir/log.txt");
    let FileUploadResponse { correlation_id, host_name, container_name, blob_name, sas_token, .. } =
        clients.device.files().create_upload(&request).await.unwrap().into_body();
    assert_eq!(correlation_id, "201708182113_5d1b_log.txt");
    assert_eq!(
        format!("https://{host_name}/{container_name}/{blob_name}{}", sas_token.expose()),
        format!("https://store1.blob.core.windows.net/uploads/dev1/dir/log.txt?sv=2016-05-31&sr=b&sig={KEY_1}&sp=rw")
    );
}

#[tokio::test]
async fn hubs() {
    let clients = answering([
        "IotHubResource_Get",
        "IotHubResource_CreateOrUpdate",
        RUNNING,
        SUCCEEDED,
        "IotHubResource_Get",
        "IotHubResource_ListBySubscription",
        "IotHubResource_ListByResourceGroup",
    ]);
    let hubs = clients.arm.iot_hubs();
    let got = hubs.get("rg", "hub1").await.unwrap();
    assert_eq!(got.etag().unwrap().as_str(), "AAAAAAEWr7U=");
    assert_eq!((got.name.as_deref(), got.location.as_str()), (Some("hub1"), "westus"));
    assert_eq!((got.subscription_id.as_deref(), got.resource_group.as_deref()), (Some(SUBSCRIPTION), Some("rg")));
    assert_eq!((&got.sku.name, &got.sku.tier), (&arm::IotHubSku::S1, &Some(arm::IotHubSkuTier::Standard)));
    assert_eq!(json!(got.sku)["capacity"], 1);
    let properties = got.properties.as_ref().unwrap();
    assert_eq!(properties.provisioning_state.as_deref(), Some("Succeeded"));
    assert_eq!(properties.host_name.as_deref(), Some("hub1.azure-devices.net"));
    assert_eq!(properties.authorization_policies, None);
    assert_eq!(properties.additional_properties["state"], "Active");
    assert_eq!(properties.additional_properties["generationNumber"], 0);
    let events = properties.operations_monitoring_properties.as_ref().unwrap().events.as_ref().unwrap();
    assert_eq!(events["Connections"], arm::OperationMonitoringLevel::ErrorInformation);
    let endpoints = properties.event_hub_endpoints.as_ref().unwrap();
    assert_eq!(endpoints.keys().collect::<Vec<_>>(), ["events", "operationsMonitoringEvents"]);
    assert_eq!(endpoints["events"].partition_ids.as_deref(), Some(&["0".to_owned(), "1".to_owned()][..]));
    let fallback = properties.routing.as_ref().unwrap().fallback_route.as_ref().unwrap();
    assert_eq!(fallback.source, arm::RoutingSource::DeviceMessages);
    let feedback = properties.cloud_to_device.as_ref().unwrap().feedback.as_ref().unwrap();
    assert_eq!(feedback.lock_duration.as_ref().unwrap().to_string(), "PT1M");

    let poller = hubs.create_or_update("rg", "hub1", got.body()).start().await.unwrap();
    let begun = poller.initial_response().unwrap().unwrap();
    assert_eq!(begun.status(), StatusCode::CREATED);
    assert!(begun.header("azure-asyncoperation").unwrap().ends_with("&asyncinfo"));
    let policies = begun.properties.as_ref().unwrap().authorization_policies.as_deref().unwrap();
    assert_eq!(policies[0].primary_key.as_ref().unwrap().expose(), KEY_1);
    // A hub that is being made has no tag; that is no `If-Match` that lets everything through.
    let error = hubs.create_or_update("rg", "hub1", got.body()).if_match(begun.etag()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(clients.sent().len(), 2);
    // When the state says that it is done, the hub is read.
    let made = poller.await.unwrap();
    assert_eq!((made.status(), made.etag().unwrap().as_str()), (StatusCode::OK, "AAAAAAEWr7U="));
    let asked: Vec<String> =
        clients.sent().into_iter().map(|sent| format!("{} {}", sent.method, sent.target)).collect();
    let hub = format!("{}?api-version=2017-01-19", hub_path());
    let state = format!("{}/operationResults/abc?api-version=2017-01-19&asyncinfo", hub_path());
    assert_eq!(asked, [format!("GET {state}"), format!("GET {state}"), format!("GET {hub}")]);

    for page in [hubs.list_by_subscription().await.unwrap(), hubs.list_by_resource_group("rg").await.unwrap()] {
        assert_eq!((page.value.as_ref().unwrap().len(), &page.next_link), (1, &None));
    }
}

#[tokio::test]
async fn deleted_hubs() {
    let description = json(200, hub());
    let clients = Clients::of([answer("IotHubResource_Delete"), answer(SUCCEEDED), empty(204), description]);
    let hubs = clients.arm.iot_hubs();
    let poller = hubs.delete("rg", "hub1").start().await.unwrap();
    let begun = poller.initial_response().unwrap().unwrap();
    assert_eq!((begun.status(), begun.body()), (StatusCode::ACCEPTED, &None));
    assert_eq!(begun.header("retry-after"), Some("15"));
    assert!(begun.header("location").is_some() && begun.header("azure-asyncoperation").is_some());
    // Another process waits for the end.
    let token = poller.resume_token();
    assert_eq!(hubs.resume_delete(&token).unwrap().await.unwrap().body(), &None);
    assert!(hubs.resume_create_or_update(&token).is_err());
    assert!(Clients::named("d", "another", []).arm.iot_hubs().resume_delete(&token).is_err());
    let missing = hubs.delete("rg", "hub1").await.unwrap();
    assert_eq!((missing.status(), missing.body()), (StatusCode::NO_CONTENT, &None));
    assert!(hubs.delete("rg", "hub1").await.unwrap().body().is_some());
}

#[tokio::test]
async fn skus() {
    let clients = answering(["IotHubResource_GetValidSkus"]);
    let page = clients.arm.iot_hubs().list_skus("rg", "hub1").await.unwrap();
    let skus = page.value.as_deref().unwrap();
    let maxima = skus.iter().map(|sku| (sku.sku.name.as_str(), sku.capacity.maximum));
    assert_eq!(maxima.collect::<Vec<_>>(), [("S1", Some(200)), ("S2", Some(200)), ("S3", Some(10))]);
    assert_eq!(skus[0].capacity.scale_type, Some(arm::IotHubScaleType::Manual));
    assert_eq!(skus[0].resource_type.as_deref(), Some("Microsoft.Devices/IotHubs"));
}

#[tokio::test]
async fn hub_keys_and_quotas() {
    let clients = answering([
        "IotHubResource_CheckNameAvailability",
        "IotHubResource_GetStats",
        "IotHubResource_GetQuotaMetrics",
        "IotHubResource_ListKeys",
        "IotHubResource_GetKeysForKeyName",
    ]);
    let hubs = clients.arm.iot_hubs();
    let free = hubs.check_name_availability(&arm::NameAvailabilityRequest::new("hub1")).await.unwrap();
    assert_eq!((free.name_available, &free.message), (Some(true), &Some(iothub::Nullable::Null)));
    assert_eq!(free.reason, Some(arm::IotHubNameUnavailabilityReason::Invalid));
    assert_eq!(hubs.statistics("rg", "hub1").await.unwrap().total_device_count, Some(3));
    let quotas = hubs.list_quota_metrics("rg", "hub1").await.unwrap();
    let quota = &quotas.value.as_deref().unwrap()[0];
    let numbers = (quota.name.as_deref(), quota.current_value, quota.max_value);
    assert_eq!(numbers, (Some("TotalMessages"), Some(21), Some(400_000)));
    let keys = hubs.list_keys("rg", "hub1").await.unwrap();
    let rights = keys.value.as_deref().unwrap().iter().map(|policy| policy.rights.clone());
    let expected = [
        arm::AccessRights::RegistryWriteServiceConnectDeviceConnect,
        arm::AccessRights::ServiceConnect,
        arm::AccessRights::DeviceConnect,
        arm::AccessRights::RegistryRead,
        arm::AccessRights::RegistryWrite,
    ];
    assert_eq!(rights.collect::<Vec<_>>(), expected);
    let policy = hubs.get_keys("rg", "hub1", "service").await.unwrap();
    assert_eq!(policy.key_name, "service");
    assert_eq!(policy.secondary_key.as_ref().unwrap().expose(), KEY_2);
}

#[tokio::test]
async fn consumer_groups_and_jobs_of_hubs() {
    let clients = answering([
        "IotHubResource_ListEventHubConsumerGroups",
        "IotHubResource_GetEventHubConsumerGroup",
        "IotHubResource_CreateEventHubConsumerGroup",
        "IotHubResource_DeleteEventHubConsumerGroup",
        "IotHubResource_ListJobs",
        "IotHubResource_GetJob",
        "IotHubResource_ExportDevices",
        "IotHubResource_ImportDevices",
    ]);
    let hubs = clients.arm.iot_hubs();
    let names = hubs.list_consumer_groups("rg", "hub1", "events").await.unwrap();
    assert_eq!(names.value.as_deref(), Some(&["$Default".to_owned(), "cg1".to_owned()][..]));
    let got = hubs.get_consumer_group("rg", "hub1", "events", "cg1").await.unwrap();
    let made = hubs.create_consumer_group("rg", "hub1", "events", "cg1").await.unwrap();
    assert_eq!((got.name.as_deref(), got.body()), (Some("cg1"), made.body()));
    let gone = hubs.delete_consumer_group("rg", "hub1", "events", "cg1").await.unwrap();
    assert_eq!(gone.status(), StatusCode::OK);
    assert_eq!(hubs.list_jobs("rg", "hub1").await.unwrap().value.as_deref(), Some(&[][..]));
    let export = arm::ExportDevicesRequest::new("https://s/c", false);
    let import = arm::ImportDevicesRequest::new("https://s/i", "https://s/o");
    for job in [
        hubs.get_job("rg", "hub1", "j1").await.unwrap(),
        hubs.export_devices("rg", "hub1", &export).await.unwrap(),
        hubs.import_devices("rg", "hub1", &import).await.unwrap(),
    ] {
        assert_eq!(job.start_time_utc.unwrap().unix_seconds(), 1_503_090_775);
        assert_eq!(job.start_time_utc.unwrap().to_string(), "Fri, 18 Aug 2017 21:12:55 GMT");
        assert_eq!((job.job_id.as_deref(), &job.end_time_utc), (Some("j1"), &None));
        assert_eq!(job.r#type, Some(arm::JobType::Export));
        assert_eq!(job.body().status, Some(arm::JobStatus::Running));
    }
}

#[tokio::test]
async fn what_is_read_can_be_written_back() {
    // What later versions add, in places where the documents know nothing of it; the nulls in it stay, too.
    let mut later = device();
    later["capabilities"] = json!({ "iotEdge": false, "none": null });
    later["deviceScope"] = Value::Null;
    later["authentication"]["type"] = json!("sas");
    later["authentication"]["symmetricKey"]["created"] = json!("2021-04-12");
    let clients = Clients::of([json(200, later.clone()), answer("DeviceApi_PutDevice")]);
    let devices = clients.hub.devices();
    let device = devices.get("dev1").await.unwrap().into_body().with_status(hub::DeviceStatus::Disabled);
    devices.put("dev1", &device).await.unwrap();
    later["status"] = json!("disabled");
    assert_eq!(clients.sent()[1].json(), without(later, &DEVICE_NULLS));

    let mut later = twin();
    later["status"] = json!("enabled");
    later["x509Thumbprint"] = json!({ "primaryThumbprint": null });
    later["tags"]["gone"] = Value::Null;
    let clients = Clients::of([json(200, later.clone()), answer("DeviceTwinApi_UpdateDeviceTwin")]);
    let twins = clients.hub.twins();
    let got = twins.get("dev1").await.unwrap();
    twins.update("dev1", &got).if_match(got.etag()).await.unwrap();
    let sent = clients.sent();
    assert_eq!((sent[1].json(), sent[1].headers["if-match"].as_str()), (later, "AAAAAAAAAAw="));

    let mut later = hub();
    later["properties"]["locations"] = json!([{ "location": "West US", "role": "primary" }]);
    later["properties"]["routing"]["enrichments"] = Value::Null;
    later["properties"]["routing"]["endpoints"]["storageContainers"] = json!([{ "name": "s1", "batchFrequency": 300 }]);
    later["properties"]["storageEndpoints"]["$default"]["authenticationType"] = json!("keyBased");
    later["sku"]["family"] = json!("S");
    later["zones"] = json!(["1"]);
    let made = answer("IotHubResource_Get");
    let clients =
        Clients::of([json(200, later.clone()), answer("IotHubResource_CreateOrUpdate"), answer(SUCCEEDED), made]);
    let hubs = clients.arm.iot_hubs();
    let got = hubs.get("rg", "hub1").await.unwrap();
    let mut changed = got.body().clone();
    changed.sku = changed.sku.with_capacity(2);
    hubs.create_or_update("rg", "hub1", &changed).if_match(got.etag()).await.unwrap();
    later["sku"]["capacity"] = json!(2);
    let sent = clients.sent();
    assert_eq!((sent[1].json(), sent[1].headers["if-match"].as_str()), (later, "AAAAAAEWr7U="));
}

#[tokio::test]
async fn tags_go_back_as_they_came() {
    let clients = Clients::of([answer("DeviceApi_GetDevice"), answer("DeviceApi_PutDevice"), empty(204)]);
    let devices = clients.hub.devices();
    let device = devices.get("dev1").await.unwrap();
    let put = devices.put("dev1", &device).if_match(device.etag().unwrap()).await.unwrap();
    devices.delete("dev1").if_match(put.etag.as_ref().unwrap()).await.unwrap();
    let tags = clients.sent().into_iter().map(|mut sent| sent.headers.remove("if-match"));
    assert_eq!(tags.collect::<Vec<_>>(), [None, Some("\"MA==\"".to_owned()), Some("MA==".to_owned())]);
}

/// Kind, operation, status, code and message.
fn facts(error: &Error) -> (ErrorKind, &str, u16, Option<&str>, Option<&str>) {
    let status = error.status().unwrap().as_u16();
    (error.kind(), error.operation().unwrap(), status, error.code(), error.message())
}

#[tokio::test]
async fn errors_of_the_data_plane() {
    let packed =
        |code: &str| json!({ "Message": format!("ErrorCode:{code}"), "ExceptionMessage": "Tracking ID:x-G:11" });
    let nested = json!({ "errorCode": 412_002, "trackingId": "x", "message": "PreconditionFailed" }).to_string();
    let nested = json(412, json!({ "Message": nested, "ExceptionMessage": "" }));
    let lost = nested.clone().with("iothub-errorcode", "DeviceMessageLockLost");
    for (answer, code, message) in [
        (json(401, packed("IotHubUnauthorizedAccess;Unauthorized")), "IotHubUnauthorizedAccess", "Unauthorized"),
        (json(404, packed("DeviceNotFound;Device x not registered")), "DeviceNotFound", "Device x not registered"),
        (json(409, packed("DeviceAlreadyExists;Conflict")), "DeviceAlreadyExists", "Conflict"),
        (json(429, packed("ThrottlingException;Slow down")), "ThrottlingException", "Slow down"),
        (nested, "412002", "PreconditionFailed"),
        (lost, "DeviceMessageLockLost", "PreconditionFailed"),
    ] {
        let body = answer.value();
        let clients = Clients::of([answer.clone(), answer]);
        let error = clients.hub.devices().get("x").await.unwrap_err();
        let status = error.status().unwrap().as_u16();
        let expected = (ErrorKind::Service, "DeviceApi_GetDevice", status, Some(code), Some(message));
        assert_eq!(facts(&error), expected);
        assert_eq!(serde_json::from_slice::<Value>(error.body()).unwrap(), body);
        assert_eq!(error.is_not_found(), status == 404);
        assert_eq!(error.is_precondition_failed(), status == 412);
        assert_eq!(error.is_throttled(), status == 429);
        assert_eq!(clients.device.messages().complete("x").await.unwrap_err().code(), Some(code));
    }
}

#[tokio::test]
async fn errors_of_the_resource_provider() {
    let own =
        json!({ "Code": "JobNotFound", "HttpStatusCode": "NotFound", "Message": "Not there, errorcode: IH404011." });
    let manager = json!({ "error": { "code": "ResourceNotFound", "message": "Not there." } });
    for (body, code, message) in
        [(own.clone(), "JobNotFound", "Not there, errorcode: IH404011."), (manager, "ResourceNotFound", "Not there.")]
    {
        let clients = Clients::of([json(404, body)]);
        let error = clients.arm.iot_hubs().get_job("rg", "hub1", "x").await.unwrap_err();
        let expected = (ErrorKind::Service, "IotHubResource_GetJob", 404, Some(code), Some(message));
        assert_eq!(facts(&error), expected);
        assert!(error.is_not_found());
    }
    let clients = Clients::of([json(404, own)]);
    let error = clients.arm.iot_hubs().delete("rg", "hub1").await.unwrap_err();
    let details: arm::ErrorDetails = error.body_json().unwrap();
    assert_eq!((details.code.as_deref(), details.http_status_code.as_deref()), (Some("JobNotFound"), Some("NotFound")));
    assert_eq!(details.message.as_deref(), error.message());
}

#[tokio::test]
async fn a_bulk_operation_that_failed_says_what_did() {
    let failed = json!({ "deviceId": "dev1", "errorCode": "DeviceAlreadyExists", "errorStatus": "Conflict" });
    let body = json!({ "isSuccessful": false, "errors": [failed], "warnings": [] });
    let clients = Clients::of([json(400, body.clone()), json(200, body)]);
    let devices = clients.hub.devices();
    let error = devices.bulk(&[]).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Service, Some(StatusCode::BAD_REQUEST)));
    let result: hub::BulkRegistryOperationResult = error.body_json().unwrap();
    assert_eq!(devices.bulk(&[]).await.unwrap().body(), &result);
    let failed = &result.errors.as_deref().unwrap()[0];
    assert!(!result.is_successful);
    assert_eq!((failed.device_id.as_str(), &failed.error_code), ("dev1", &hub::ErrorCode::DeviceAlreadyExists));
    assert_eq!(failed.error_status, "Conflict");
}

/// Status 400 has two kinds of bodies; the one that is not declared is not taken for the other.
#[tokio::test]
async fn a_bulk_operation_that_was_refused_as_a_whole_has_no_result() {
    let refusal = json!({ "Message": "ErrorCode:ArgumentInvalid;Too many devices", "ExceptionMessage": "" });
    let clients = Clients::of([json(400, refusal), bytes(400, "<html>")]);
    let devices = clients.hub.devices();
    let error = devices.bulk(&[]).await.unwrap_err();
    let expected = (Some("ArgumentInvalid"), Some("Too many devices"));
    assert_eq!((error.code(), error.message()), expected);
    assert_eq!(error.body_json::<hub::BulkRegistryOperationResult>(), None);
    assert_eq!(devices.bulk(&[]).await.unwrap_err().body_json::<hub::BulkRegistryOperationResult>(), None);
}

/// The end of a long-running operation says why it failed, in either form.
#[tokio::test]
async fn an_operation_that_failed_later_says_why() {
    let own = json!({ "status": "Failed", "error": { "Code": "HubBusy", "Message": "Later.", "HttpStatusCode": "Conflict" } });
    let manager = json!({ "status": "Canceled", "error": { "code": "HubBusy", "message": "Later." } });
    for (state, how) in [(own, "failed"), (manager, "was cancelled")] {
        let clients = Clients::of([answer("IotHubResource_Delete"), json(200, state)]);
        let error = clients.arm.iot_hubs().delete("rg", "hub1").await.unwrap_err();
        let message = format!("the operation {how}: Later.");
        let expected = (ErrorKind::Polling, "IotHubResource_Delete", 200, Some("HubBusy"), Some(&*message));
        assert_eq!(facts(&error), expected);
    }
}

/// A code of the registry may come as its number: other clients pass either through.
#[tokio::test]
async fn a_bulk_error_may_have_a_number_for_a_code() {
    let failed = json!({ "deviceId": "dev1", "errorCode": 409_001, "errorStatus": "Conflict" });
    let clients = Clients::of([json(200, json!({ "isSuccessful": false, "errors": [failed] }))]);
    let result = clients.hub.devices().bulk(&[]).await.unwrap();
    assert_eq!(result.errors.as_deref().unwrap()[0].error_code.as_str(), "409001");
}

fn shows_nothing(what: &str, shown: &dyn Debug) {
    for shown in [format!("{shown:?}"), format!("{shown:#?}")] {
        assert!(!shown.contains(KEY_1) && !shown.contains(KEY_2), "{what}: {shown}");
    }
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let clients = answering([
        "DeviceApi_GetDevice",
        "HttpRuntime_CreateFileUploadSasUri",
        "IotHubResource_CreateOrUpdate",
        SUCCEEDED,
        "IotHubResource_CreateOrUpdate",
        "IotHubResource_ListKeys",
    ]);
    let request = iothub::device::models::FileUploadRequest::new("x");
    let device = clients.hub.devices().get("dev1").await.unwrap();
    let upload = clients.device.files().create_upload(&request).await.unwrap();
    let hub: arm::IotHubDescription = serde_json::from_value(new_hub()).unwrap();
    let made = clients.arm.iot_hubs().create_or_update("rg", "hub1", &hub).await.unwrap();
    let keys = clients.arm.iot_hubs().list_keys("rg", "hub1").await.unwrap();
    shows_nothing("identity", &device);
    shows_nothing("call", &clients.hub.devices().put("dev1", &device));
    shows_nothing("upload", &upload);
    shows_nothing("hub", &made);
    shows_nothing("policies", &keys);
    shows_nothing("export", &arm::ExportDevicesRequest::new(KEY_1, false));
    shows_nothing("import", &arm::ImportDevicesRequest::new(KEY_1, KEY_2));
    shows_nothing("storage", &arm::StorageEndpointProperties::new(KEY_1, "c"));
    shows_nothing("queue", &arm::RoutingServiceBusQueueEndpointProperties::new(KEY_1, "c"));
}

/// A hub has endpoints with keys that the documents do not know, and an identity may come with its keys twice.
#[tokio::test]
async fn secrets_in_unknown_properties_are_not_shown() {
    let mut hub = hub();
    hub["properties"]["routing"]["endpoints"]["storageContainers"] =
        json!([{ "connectionString": format!("AccountKey={KEY_1}"), "name": "s1" }]);
    let mut device = device();
    device["authentication"]["SymmetricKey"] = device["authentication"]["symmetricKey"].clone();
    let clients = Clients::of([json(200, hub), json(200, device)]);
    shows_nothing("hub", &clients.arm.iot_hubs().get("rg", "hub1").await.unwrap());
    shows_nothing("identity", &clients.hub.devices().get("dev1").await.unwrap());
}

#[tokio::test]
async fn secrets_are_not_in_errors() {
    let keys = |value: Value| json!({ "deviceId": "dev1", "authentication": { "symmetricKey": value } });
    let token = json!({ "primaryKey": [KEY_1], "secondaryKey": KEY_2 });
    for body in [
        keys(json!(KEY_1)).to_string(),
        keys(token).to_string(),
        json!({ "deviceId": 7, "primaryKey": KEY_1 }).to_string(),
        format!("{}{KEY_1}", device()),
        KEY_1.to_owned(),
    ] {
        let clients = Clients::of([bytes(200, body)]);
        let error = clients.hub.devices().get("dev1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(!error.body().is_empty());
        shows_nothing("error", &error);
        shows_nothing("text", &error.to_string());
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            shows_nothing("source", &error.to_string());
            source = error.source();
        }
    }
}

#[tokio::test]
async fn an_answer_of_another_shape_says_where() {
    let mut body = device();
    body["authentication"]["symmetricKey"]["primaryKey"] = json!(7);
    let clients = Clients::of([json(200, body)]);
    let error = clients.hub.devices().get("dev1").await.unwrap_err();
    assert_eq!(error.operation(), Some("DeviceApi_GetDevice"));
    assert!(error.message().unwrap().contains("authentication.symmetricKey.primaryKey"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Decode);
}
