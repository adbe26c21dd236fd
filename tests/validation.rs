//! Requests that are held to the limits of the documents, as whoever sends them sees it.

use http::Request;
use iothub::device::server::{HttpRuntime, HttpRuntimeServer, http_runtime};
use iothub::management::server::{IotHubResource, IotHubResourceServer, iot_hub_resource};
use iothub::runtime::Body;
use iothub::runtime::server::{Context, Router, ServiceError};
use serde_json::{Value, json};
use tower_service::Service as _;

use crate::service::SUBSCRIPTION;

/// It takes whatever comes to it.
struct Willing;

impl IotHubResource for Willing {
    async fn create_or_update(
        &self,
        _: &Context,
        request: iot_hub_resource::CreateOrUpdateRequest,
    ) -> Result<iot_hub_resource::CreateOrUpdateResponse, ServiceError> {
        Ok(iot_hub_resource::CreateOrUpdateResponse::Ok(request.description))
    }
}

impl HttpRuntime for Willing {
    async fn update_file_upload_status(
        &self,
        _: &Context,
        _: http_runtime::UpdateFileUploadStatusRequest,
    ) -> Result<http_runtime::UpdateFileUploadStatusResponse, ServiceError> {
        Ok(http_runtime::UpdateFileUploadStatusResponse::NoContent)
    }
}

async fn send(request: Request<Body>) -> (u16, Value) {
    let mut router = Router::new().add(IotHubResourceServer::new(Willing)).add(HttpRuntimeServer::new(Willing));
    let (head, body) = router.call(request).await.unwrap().into_parts();
    let body = body.collect(usize::MAX).await.unwrap();
    (head.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default())
}

async fn put_hub(description: &Value) -> (u16, Value) {
    let path = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Devices/IotHubs/h");
    let request = Request::put(format!("{path}?api-version=2017-01-19")).header("content-type", "application/json");
    send(request.body(description.to_string().into()).unwrap()).await
}

/// What clients send to change a hub: all that they have read, read-only properties and what the document does not know with it.
fn hub() -> Value {
    json!({
        "id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Devices/IotHubs/h",
        "name": "no name of a hub, and read-only",
        "type": "Microsoft.Devices/IotHubs",
        "location": "westus",
        "tags": {},
        "subscriptionid": SUBSCRIPTION,
        "resourcegroup": "rg",
        "etag": "AAAAAAEWr7U=",
        "sku": { "name": "S1", "tier": "Standard", "capacity": 1 },
        "properties": {
            "state": "Active",
            "provisioningState": "Succeeded",
            "hostName": "h.azure-devices.net",
            "ipFilterRules": [],
            "authorizationPolicies": [
                { "keyName": "iothubowner", "rights": "RegistryWrite, ServiceConnect, DeviceConnect" },
                { "keyName": "registryReadWrite", "rights": "RegistryWrite" },
            ],
            "eventHubEndpoints": {
                "events": { "retentionTimeInDays": 1, "partitionCount": 2, "partitionIds": ["0", "1"], "path": "h", "endpoint": "sb://x/" },
            },
            "routing": {
                "endpoints": { "serviceBusQueues": [], "serviceBusTopics": [], "eventHubs": [], "storageContainers": [] },
                "routes": [],
                "fallbackRoute": {
                    "name": "$fallback", "source": "DeviceMessages", "condition": "true", "endpointNames": ["events"], "isEnabled": true,
                },
            },
            "storageEndpoints": { "$default": { "sasTtlAsIso8601": "PT1H", "connectionString": "", "containerName": "" } },
            "messagingEndpoints": {
                "fileNotifications": { "lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10 },
            },
            "enableFileUploadNotifications": false,
            "cloudToDevice": {
                "maxDeliveryCount": 10,
                "defaultTtlAsIso8601": "PT1H",
                "feedback": { "lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10 },
            },
            "operationsMonitoringProperties": { "events": { "None": "None", "Connections": "None" } },
            "features": "None",
            "generationNumber": 1,
        },
    })
}

#[tokio::test]
async fn what_clients_send_is_taken() {
    let (status, body) = put_hub(&hub()).await;
    assert_eq!((status, body["properties"]["state"].as_str()), (200, Some("Active")), "{body}");
}

#[tokio::test]
async fn one_answer_names_all_that_is_wrong() {
    let mut hub = hub();
    hub.as_object_mut().unwrap().remove("location");
    hub["sku"]["capacity"] = "one".into();
    let properties = &mut hub["properties"];
    properties["ipFilterRules"] = json!([{ "filterName": "f", "action": "hunter2", "ipMask": "10.0.0.0/8" }]);
    properties["authorizationPolicies"][1]["rights"] = "registrywrite".into();
    properties["routing"]["routes"] = json!([
        { "name": "fine", "source": "SomethingNew", "endpointNames": ["events"], "isEnabled": true },
        { "name": "not fine", "source": "DeviceMessages", "endpointNames": [], "isEnabled": true },
    ]);
    properties["messagingEndpoints"]["fileNotifications"]["maxDeliveryCount"] = 0.into();
    properties["cloudToDevice"]["feedback"]["maxDeliveryCount"] = 101.into();
    let (status, body) = put_hub(&hub).await;
    assert_eq!(status, 400);
    let details = body["error"]["details"].as_array().unwrap();
    let mut details: Vec<_> = details.iter().map(|detail| detail["message"].as_str().unwrap()).collect();
    assert!(
        details[2].starts_with("properties.authorizationPolicies[1].rights: expected one of `RegistryRead`, "),
        "{details:?}"
    );
    details.remove(2);
    assert_eq!(
        details,
        [
            "sku.capacity: expected a 64-bit integer, found a string",
            "the property `location` is missing",
            "properties.ipFilterRules[0].action: expected one of `Accept`, `Reject`",
            "properties.routing.routes[1].name: expected a text with the pattern `^[A-Za-z0-9\\-._]{1,64}$`",
            "properties.routing.routes[1].endpointNames: expected at least 1 item",
            "properties.messagingEndpoints.fileNotifications.maxDeliveryCount: expected a number of at least 1",
            "properties.cloudToDevice.feedback.maxDeliveryCount: expected a number of at most 100",
        ]
    );
    assert!(!body.to_string().contains("hunter2"));
}

#[tokio::test]
async fn outcomes_of_uploads() {
    let notify = |outcome: Value| {
        let target = "/devices/d/files/notifications?api-version=2016-11-14";
        send(Request::post(target).body(outcome.to_string().into()).unwrap())
    };
    let outcome = json!({ "correlationId": "c", "isSuccess": true, "statusCode": 201, "statusDescription": "" });
    assert_eq!(notify(outcome.clone()).await.0, 204);
    let mut long = outcome;
    long["statusDescription"] = "é".repeat(65_536).into();
    assert_eq!(notify(long.clone()).await.0, 204);
    long["statusDescription"] = "é".repeat(65_537).into();
    let (status, body) = notify(long).await;
    assert_eq!(status, 400);
    let message = body["Message"].as_str().unwrap();
    assert!(message.contains("body: statusDescription: expected at most 65536 characters"), "{message}");
}
