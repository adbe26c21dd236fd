//! What queries answer, what is wrong with others, and that all ways to evaluate them agree.

mod answers;
mod conditions;
mod errors;
mod json;
mod keys;
mod naive;
mod paging;
mod print;
mod strategies;

use serde_json::{Value, json};

/// The twin in the documentation of the language, with some more in it.
fn twin() -> Value {
    json!({
        "deviceId": "myDeviceId",
        "etag": "AAAAAAAAAAc=",
        "status": "enabled",
        "statusUpdateTime": "0001-01-01T00:00:00",
        "connectionState": "Disconnected",
        "lastActivityTime": "0001-01-01T00:00:00",
        "cloudToDeviceMessageCount": 0,
        "authenticationType": "sas",
        "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null},
        "version": 2,
        "tags": {
            "location": {"region": "US", "plant": "Redmond43"},
            "group": {"name": "some_value"},
            "with space": 1,
            "Quote's": "it's \"here\"\n",
            "floors": [1, 2.5, {"name": "roof"}],
            "empty": {},
            "on": true,
            "off": false
        },
        "properties": {
            "desired": {
                "telemetryConfig": {"configId": "db00ebf5", "sendFrequencyInSecs": 300},
                "$metadata": {"$lastUpdated": "2017-08-03T12:00:00.1234567Z"},
                "$version": 4
            },
            "reported": {
                "connectivity": {"type": "cellular"},
                "telemetryConfig": {"configId": "db00ebf5", "sendFrequencyInSecs": 300, "status": "Success"},
                "battery": -12.5,
                "$iotin:deviceinfo": {"manufacturer": {"value": "contoso"}},
                "$version": 7
            }
        }
    })
}

/// Six devices in the three states of the documentation's example of `GROUP BY`, and one without a state.
fn fleet() -> Vec<Value> {
    let states = ["Success", "Pending", "Success", "Error", "Success", "Pending"];
    let mut fleet: Vec<Value> = (1..)
        .zip(states)
        .map(|(number, status)| {
            json!({
                "deviceId": format!("d{number}"),
                "tags": {"floor": number % 2, "weight": number},
                "properties": {"reported": {"telemetryConfig": {"status": status}}}
            })
        })
        .collect();
    fleet.push(json!({"deviceId": "d7", "tags": {"floor": "attic", "weight": null}}));
    fleet
}
