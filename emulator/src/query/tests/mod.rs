//! What queries answer, what is wrong with others, and that all ways to evaluate them agree.

mod conditions;
mod errors;
mod json;
mod naive;
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
