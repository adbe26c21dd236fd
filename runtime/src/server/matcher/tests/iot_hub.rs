//! The operations of the five documents.

use super::Table;

/// The data plane, as its clients call it: any case, and `/devices/`.
const HUB: [&str; 22] = [
    "GET /devices i s",
    "POST /devices i s",
    "GET /devices/{} i",
    "PUT /devices/{} i",
    "DELETE /devices/{} i",
    "POST /devices/query i",
    "DELETE /devices/{}/commands i",
    "GET /statistics/devices i",
    "GET /statistics/service i",
    "GET /twins/{} i",
    "PATCH /twins/{} i",
    "POST /twins/{}/methods i",
    "GET /jobs/v2/{} i",
    "PUT /jobs/v2/{} i",
    "GET /jobs/v2/query i",
    "POST /jobs/v2/{}/cancel i",
    "POST /devices/{}/messages/events i",
    "GET /devices/{}/messages/deviceBound i",
    "DELETE /devices/{}/messages/deviceBound/{} i",
    "POST /devices/{}/messages/deviceBound/{}/abandon i",
    "POST /devices/{}/files i",
    "POST /devices/{}/files/notifications i",
];

/// A hub in the resource provider.
macro_rules! iot_hub {
    ($method:literal, $below:literal) => {
        concat!($method, " /subscriptions/{}/resourceGroups/{}/providers/Microsoft.Devices/IotHubs/{}", $below, " i")
    };
}

const ARM: [&str; 19] = [
    iot_hub!("GET", ""),
    iot_hub!("PUT", ""),
    iot_hub!("DELETE", ""),
    "GET /subscriptions/{}/providers/Microsoft.Devices/IotHubs i",
    "GET /subscriptions/{}/resourceGroups/{}/providers/Microsoft.Devices/IotHubs i",
    "POST /subscriptions/{}/providers/Microsoft.Devices/checkNameAvailability i",
    iot_hub!("GET", "/IotHubStats"),
    iot_hub!("GET", "/skus"),
    iot_hub!("GET", "/quotaMetrics"),
    iot_hub!("POST", "/listkeys"),
    iot_hub!("POST", "/IotHubKeys/{}/listkeys"),
    iot_hub!("GET", "/eventHubEndpoints/{}/ConsumerGroups"),
    iot_hub!("GET", "/eventHubEndpoints/{}/ConsumerGroups/{}"),
    iot_hub!("PUT", "/eventHubEndpoints/{}/ConsumerGroups/{}"),
    iot_hub!("DELETE", "/eventHubEndpoints/{}/ConsumerGroups/{}"),
    iot_hub!("GET", "/jobs"),
    iot_hub!("GET", "/jobs/{}"),
    iot_hub!("POST", "/exportDevices"),
    iot_hub!("POST", "/importDevices"),
];

fn all() -> Table {
    Table::new(&[&HUB[..], &ARM[..]].concat())
}

#[test]
fn every_operation_of_the_five_documents_is_found() {
    let table = all();
    for line in HUB.iter().chain(&ARM) {
        let (method, template) = (line.split(' ').next().unwrap(), line.split(' ').nth(1).unwrap());
        let pieces: Vec<&str> = template.split("{}").collect();
        let (mut path, mut holes) = (String::new(), Vec::new());
        for (hole, text) in pieces.iter().enumerate() {
            if hole > 0 {
                path += &hole.to_string();
                holes.push(hole.to_string());
            }
            path += text;
        }
        let expected = match &holes[..] {
            [] => (*line).to_owned(),
            holes => format!("{line} <- {}", holes.join(" | ")),
        };
        for path in [path.to_ascii_lowercase(), path.to_ascii_uppercase(), path] {
            assert_eq!(table.find(&format!("{method} {path}")), expected);
        }
    }
}

#[test]
fn paths_of_the_hub() {
    all().check(&[
        ("GET /devices", "GET /devices i s"),
        ("GET /devices/", "GET /devices i s"),
        ("GET /devices/?top=3&api-version=2016-11-14", "GET /devices i s"),
        ("GET /devices//", "404 near GET /devices i s"),
        ("HEAD /devices/", "GET /devices i s"),
        ("PUT /devices", "405 GET, HEAD, OPTIONS, POST"),
        ("GET /twins/", "404"),
        ("GET /devices/a/", "404 near GET /devices/{} i"),
        ("POST /devices/query", "POST /devices/query i"),
        ("POST /Devices/QUERY", "POST /devices/query i"),
        ("POST /devices/quer%79", "POST /devices/query i"),
        ("PUT /devices/query", "405 OPTIONS, POST"),
        ("GET /devices/queries", "GET /devices/{} i <- queries"),
        ("DELETE /devices/query/commands", "DELETE /devices/{}/commands i <- query"),
        ("GET /jobs/v2/query", "GET /jobs/v2/query i"),
        ("PUT /jobs/v2/query", "405 GET, HEAD, OPTIONS"),
        ("PUT /jobs/v2/query1", "PUT /jobs/v2/{} i <- query1"),
        ("POST /jobs/v2/query/cancel", "POST /jobs/v2/{}/cancel i <- query"),
        ("GET /jobs/v2", "404 near GET /jobs/v2/{} i"),
        ("OPTIONS /devices/a", "405 DELETE, GET, HEAD, OPTIONS, PUT"),
        ("PATCH /devices/a", "405 DELETE, GET, HEAD, OPTIONS, PUT"),
        ("HEAD /devices/a", "GET /devices/{} i <- a"),
        ("HEAD /devices/a/files", "405 OPTIONS, POST"),
        ("DELETE /devices/a/messages/devicebound/t", "DELETE /devices/{}/messages/deviceBound/{} i <- a | t"),
        ("DELETE /devices/a/messages/devicebound/t?reject", "DELETE /devices/{}/messages/deviceBound/{} i <- a | t"),
        ("GET /", "404 near GET /devices i s"),
        ("GET /jobs", "404 near GET /jobs/v2/{} i"),
        ("GET /nothing", "404 near GET /devices i s"),
        (
            "GET /subscriptions/s/providers/microsoft.devices",
            "404 near GET /subscriptions/{}/providers/Microsoft.Devices/IotHubs i",
        ),
        ("POST /devices/a/files/notifications/b%2Fc%2B", "404 near POST /devices/{}/files/notifications i"),
    ]);
}

#[test]
fn ids_are_captured_as_they_came() {
    let table = all();
    for id in [
        "'$(),=@!:;",
        "a+b",
        "*",
        "a%2Fb",
        "a%2fb",
        "%2F",
        "%3A%2B%25%23",
        "%FF%C3",
        "%20",
        "...",
        ".a",
        "..a",
        "%2e%2e%2e",
        "%2e.a",
        "é",
        "%252e",
        "%2500",
        "{}",
        "query",
    ] {
        let expected = format!("PATCH /twins/{{}} i <- {id}");
        assert_eq!(table.find(&format!("PATCH /twins/{id}")), expected);
        let expected = format!("DELETE /devices/{{}}/messages/deviceBound/{{}} i <- {id} | {id}");
        assert_eq!(table.find(&format!("DELETE /devices/{id}/messages/devicebound/{id}")), expected);
    }
}
