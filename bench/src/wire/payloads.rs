//! Answers as the service gives them. All names, keys and ids are made up.

use serde_json::{Map, Value, json};

/// Not a key of anything: the word "made-up" in Base64, over and over.
const KEY: &str = "bWFkZS11cG1hZGUtdXBtYWRlLXVwbWFkZS11cG1hZGU=";

pub(crate) fn device(number: usize) -> Value {
    json!({
        "deviceId": format!("thermostat-{number}"),
        "generationId": "636463622716544389",
        "etag": "MTk3NzU1OTY0",
        "connectionState": if number.is_multiple_of(3) { "Disconnected" } else { "Connected" },
        "status": "enabled",
        "statusReason": "installed on the second floor",
        "connectionStateUpdatedTime": "2017-11-20T08:57:01.4823531",
        "statusUpdatedTime": "0001-01-01T00:00:00",
        "lastActivityTime": "2017-11-20T09:12:44.1184077",
        "cloudToDeviceMessageCount": 3,
        "authentication": {
            "symmetricKey": { "primaryKey": KEY, "secondaryKey": KEY },
            "x509Thumbprint": { "primaryThumbprint": null, "secondaryThumbprint": null }
        }
    })
}

/// The same with its keys in another order.
pub(crate) fn shuffled(value: &Value) -> Value {
    let Value::Object(object) = value else { return value.clone() };
    let (even, odd): (Vec<_>, Vec<_>) = object.iter().enumerate().partition(|(index, _)| index % 2 == 0);
    let entries = odd.into_iter().rev().chain(even);
    Value::Object(entries.map(|(_, (name, value))| (name.clone(), shuffled(value))).collect())
}

/// The same with properties that no document mentions.
pub(crate) fn extended(value: &Value) -> Value {
    let mut object = value.as_object().cloned().unwrap_or_default();
    let more = json!({
        "capabilities": { "iotEdge": false },
        "deviceScope": "ms-azure-iot-edge://hall-7-636463622716544389",
        "parentScopes": ["ms-azure-iot-edge://hall-7-636463622716544389"],
        "modelId": "dtmi:example:thermostat;1"
    });
    object.extend(more.as_object().cloned().unwrap_or_default());
    Value::Object(object)
}

pub(crate) fn twin() -> Value {
    let mut reported = Map::new();
    for sensor in 0..8 {
        let reading =
            json!({ "celsius": 20.5 + f64::from(sensor), "since": "2017-11-20T09:12:44Z", "alarms": [1, 2, 3] });
        reported.insert(format!("sensor{sensor}"), reading);
    }
    json!({
        "deviceId": "thermostat-7",
        "etag": "AAAAAAAAAAE=",
        "version": 42,
        "tags": { "building": "north", "floor": 2, "room": { "name": "server room", "seats": 0 } },
        "properties": {
            "desired": { "telemetry": { "interval": "5m", "enabled": true }, "$version": 12 },
            "reported": reported
        }
    })
}

pub(crate) fn hub() -> Value {
    let policies =
        [("iothubowner", "RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect"), ("device", "DeviceConnect")];
    let policy = |(name, rights)| json!({ "keyName": name, "primaryKey": KEY, "secondaryKey": KEY, "rights": rights });
    let queue = json!({ "lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10 });
    let rule =
        |number| json!({ "filterName": format!("office-{number}"), "action": "Accept", "ipMask": "203.0.113.0/24" });
    let endpoint = |name| {
        json!({
            "connectionString": format!("Endpoint=sb://example.invalid/;SharedAccessKeyName=made-up;SharedAccessKey={KEY}"),
            "name": name, "subscriptionId": "00000000-0000-0000-0000-000000000000", "resourceGroup": "examples"
        })
    };
    let route = |number| {
        json!({
            "name": format!("route-{number}"), "source": "DeviceMessages", "condition": "temperature > 30",
            "endpointNames": ["alerts"], "isEnabled": true
        })
    };
    let events = |path: &str| {
        json!({
            "retentionTimeInDays": 1, "partitionCount": 4, "partitionIds": ["0", "1", "2", "3"], "path": path,
            "endpoint": "sb://example.invalid/"
        })
    };
    let policies = policies.map(policy);
    let rules = [0, 1, 2, 3].map(rule);
    let routes = [0, 1, 2].map(route);
    json!({
        "id": "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/examples/providers/Microsoft.Devices/IotHubs/example",
        "name": "example",
        "type": "Microsoft.Devices/IotHubs",
        "location": "West US",
        "tags": { "stage": "test", "owner": "operations" },
        "subscriptionid": "00000000-0000-0000-0000-000000000000",
        "resourcegroup": "examples",
        "etag": "AAAAAAFD6M4=",
        "properties": {
            "authorizationPolicies": policies,
            "ipFilterRules": rules,
            "provisioningState": "Succeeded",
            "hostName": "example.azure-devices.invalid",
            "eventHubEndpoints": { "events": events("example"), "operationsMonitoringEvents": events("example-operations") },
            "routing": {
                "endpoints": {
                    "serviceBusQueues": [endpoint("alerts"), endpoint("orders")], "serviceBusTopics": [endpoint("news")], "eventHubs": []
                },
                "routes": routes,
                "fallbackRoute": { "source": "DeviceMessages", "condition": "true", "endpointNames": ["events"], "isEnabled": true }
            },
            "storageEndpoints": { "$default": { "sasTtlAsIso8601": "PT1H", "connectionString": "made-up", "containerName": "files" } },
            "messagingEndpoints": { "fileNotifications": queue },
            "enableFileUploadNotifications": true,
            "cloudToDevice": { "maxDeliveryCount": 10, "defaultTtlAsIso8601": "PT1H", "feedback": queue },
            "comments": "for the examples",
            "operationsMonitoringProperties": { "events": { "None": "None", "Connections": "Error", "Routes": "Information" } },
            "features": "None"
        },
        "sku": { "name": "S1", "tier": "Standard", "capacity": 1 }
    })
}
