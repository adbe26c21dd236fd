//! Paths, queries and headers.

use super::{Reached, Refused, Row, Servers, row};

const GET: &str = "DeviceApi_GetDevice";
const LIST: &str = "DeviceApi_GetDevices";
const JOBS: &str = "JobApi_QueryJobs";
const EVENT: &str = "HttpRuntime_SendDeviceEvent";
const COMPLETE: &str = "HttpRuntime_CompleteDeviceBoundNotification";
const NOT_UTF8: &[u8] = b"a\xff";

const DOTS: &[&str] = &["the path has a segment `.` or `..`"];
const NUL: &[&str] = &["the path has an escaped NUL"];
const ESCAPE: &[&str] = &["the path has a `%` that is no escape"];

#[tokio::test]
async fn paths() {
    let get = |target| row("GET", target, Reached(GET));
    let bad = |target, parts| row("GET", target, Refused(400, parts));
    let none = |target| row("GET", target, Refused(404, &["There is no such operation."]));
    let rows = vec![
        get("/devices/a%2Fb?api-version=1"),
        get("/devices/a%2f..%2fb?api-version=1"),
        get("/devices/%2F?api-version=1"),
        get("/devices/%2525?api-version=1"),
        get("/devices/...?api-version=1"),
        get("/devices/..a?api-version=1"),
        get("/devices/a+b?api-version=1"),
        get("/devices/%20?api-version=1"),
        get("/devices/%0D%0A?api-version=1"),
        get("/devices/a;b=c?api-version=1"),
        get("/DeViCeS/d/?api-version=1"),
        get("/devices/query?api-version=1").but(Refused(405, &[])),
        get("/devices/%71uery?api-version=1").but(Refused(405, &[])),
        bad("/devices/..?api-version=1", DOTS),
        bad("/devices/.?api-version=1", DOTS),
        bad("/devices/%2e%2E?api-version=1", DOTS),
        bad("/devices/.%2e?api-version=1", DOTS),
        bad("/devices/%2e?api-version=1", DOTS),
        bad("/devices/../devices/d?api-version=1", DOTS),
        bad("/%2e%2e/devices/d?api-version=1", DOTS),
        bad("/nowhere/..", DOTS),
        bad("/devices/d%00?api-version=1", NUL),
        bad("/devices/%00?api-version=1", NUL),
        bad("/nowhere/%00", NUL),
        bad("/devices/%?api-version=1", ESCAPE),
        bad("/devices/%4?api-version=1", ESCAPE),
        bad("/devices/%zz?api-version=1", ESCAPE),
        bad("/devices/%%41?api-version=1", ESCAPE),
        bad("/devices/%u0041?api-version=1", ESCAPE),
        bad("/devices/%FF?api-version=1", &["path id: it is not UTF-8."]),
        bad("/devices/%C3?api-version=1", &["path id: it is not UTF-8."]),
        // A slash and a surrogate in more bytes than they have.
        bad("/devices/%C0%AF?api-version=1", &["path id: it is not UTF-8."]),
        bad("/devices/%ED%A0%80?api-version=1", &["path id: it is not UTF-8."]),
        none("/"),
        none("/nowhere"),
        none("//devices/d?api-version=1"),
        none("/devices//?api-version=1"),
        none("/devices//commands?api-version=1"),
        none("/devices/a/b?api-version=1"),
        none("/devices%2Fd?api-version=1"),
        none("/twins/d/?api-version=1"),
        none("/subscriptions/s"),
        none("/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h/nothing?api-version=1"),
    ];
    Servers::new().check(rows).await;
}

#[tokio::test]
async fn queries() {
    let get = |target| row("GET", target, Reached(GET));
    let list = |target| row("GET", target, Reached(LIST));
    let bad = |target, parts| row("GET", target, Refused(400, parts));
    const TWICE: &str = "it is there more than once.";
    let rows = vec![
        get("/devices/d?api-version="),
        get("/devices/d?api-version"),
        get("/devices/d?x=%zz&api-version=2016-11-14&api-version-2=1"),
        get("/devices/d?&&api%2Dversion=1&&"),
        bad("/devices/d", &["query api-version: it is missing."]),
        bad("/devices/d?API-VERSION=1", &["query api-version: it is missing."]),
        bad("/devices/d?api-version=1&api-version=1", &["query api-version", TWICE]),
        bad("/devices/d?api-version=1&api%2dversion=2", &["query api-version", TWICE]),
        bad("/devices/d?api-version=%FF", &["query api-version: it is not UTF-8."]),
        list("/devices?api-version=1&%74op=3"),
        list("/devices?api-version=1&top=%2D1"),
        list("/devices?api-version=1&Top=x"),
        bad("/devices?api-version=1&top=", &["query top: expected a 32-bit integer, found another text."]),
        bad("/devices?api-version=1&top", &["query top: expected a 32-bit integer, found another text."]),
        bad("/devices?api-version=1&top=x", &["query top: expected a 32-bit integer, found another text."]),
        bad("/devices?api-version=1&top=0x10", &["query top: expected a 32-bit integer, found another text."]),
        bad("/devices?api-version=1&top=%D9%A3", &["query top: expected a 32-bit integer, found another text."]),
        bad("/devices?api-version=1&top=1,2", &["query top: expected a 32-bit integer, found another text."]),
        // A plus is a space.
        bad("/devices?api-version=1&top=+1", &["query top: expected a 32-bit integer, found another text."]),
        bad(
            "/devices?api-version=1&top=1.5",
            &["query top: expected a 32-bit integer, found a number with a fraction."],
        ),
        bad("/devices?api-version=1&top=3000000000", &["query top", "found a number out of its range."]),
        bad("/devices?api-version=1&top=1e999", &["query top", "found a number out of its range."]),
        bad("/devices?api-version=1&top=NaN", &["query top", "another text."]),
        bad("/devices?api-version=1&top=%FF", &["query top: it is not UTF-8."]),
        bad("/devices?api-version=1&top=%00", &["query top"]),
        bad("/devices?api-version=1&top=1&top=1", &["query top", TWICE]),
        bad("/devices?top=1&top=2", &["query top", TWICE, "query api-version: it is missing."]),
        bad("/jobs/v2/query?api-version=1&jobType=%FF&jobStatus=a&jobStatus=b", &["query jobType", "query jobStatus"]),
        row("GET", "/jobs/v2/query?api-version=1&jobType=a%00b&jobStatus=", Reached(JOBS)),
        // That it is there is all that counts.
        row("DELETE", "/devices/d/messages/devicebound/l?api-version=1&reject=false&reject", Reached(COMPLETE)),
    ];
    Servers::new().check(rows).await;
}

#[tokio::test]
async fn headers() {
    let jobs = |fate| row("GET", "/jobs/v2/query?api-version=1", fate);
    let event = |fate| row("POST", "/devices/d/messages/events?api-version=1", fate);
    let put = |fate| row("PUT", "/devices/d?api-version=1", fate).json(r#"{"deviceId":"d"}"#);
    let (size, token) = ("x-ms-max-item-count", "x-ms-continuation");
    let rows = vec![
        jobs(Reached(JOBS)).header(size, "7").header(token, ""),
        jobs(Refused(400, &["header x-ms-max-item-count: expected a 32-bit integer"])).header(size, "x"),
        jobs(Refused(400, &["header x-ms-max-item-count: it is there more than once."]))
            .header(size, "7")
            .header(size, "7"),
        jobs(Refused(400, &["header x-ms-max-item-count: it is not UTF-8."])).header(size, NOT_UTF8),
        jobs(Refused(400, &["header x-ms-continuation: it is there more than once."]))
            .header(token, "a")
            .header(token, "b"),
        jobs(Refused(400, &["header x-ms-continuation: it is not UTF-8."])).header(token, NOT_UTF8),
        // Nobody asks for it here.
        jobs(Reached(JOBS)).header("iothub-messageid", NOT_UTF8).header("if-match", "\"a"),
        put(Reached("DeviceApi_PutDevice")).header("if-match", "\"a\"").header("if-match", "*"),
        put(Reached("DeviceApi_PutDevice")).header("if-match", ""),
        put(Refused(400, &["header If-Match or If-None-Match: expected"])).header("if-match", "\"a"),
        put(Refused(400, &["header If-Match or If-None-Match: expected"])).header("if-match", NOT_UTF8),
        put(Refused(400, &["header If-Match or If-None-Match: expected"])).header("if-none-match", "a b"),
        event(Reached(EVENT)).header("iothub-app-a", "").header("iothub-app-", "no name").header("iothub-app", "x"),
        event(Refused(400, &["header iothub-app-a: it is there more than once."]))
            .header("iothub-app-a", "1")
            .header("iothub-app-a", "1"),
        event(Refused(400, &["header iothub-app-a: it is not UTF-8."])).header("iothub-app-a", NOT_UTF8),
        event(Refused(400, &["header Content-Type: it is there more than once."]))
            .header("content-type", "text/plain")
            .header("content-type", "text/plain"),
        event(Refused(400, &["header IotHub-MessageId: it is there more than once."]))
            .header("iothub-messageid", "a")
            .header("iothub-messageid", "b"),
        row("GET", "/devices/d?api-version=1", Refused(406, &[])).header("accept", "text/html"),
        row("GET", "/devices/d?api-version=1", Refused(406, &[])).header("accept", "text/html;q=1, */*;q=0"),
        row("GET", "/devices/d?api-version=1", Reached(GET)).header("accept", NOT_UTF8),
        row("GET", "/devices/d?api-version=1", Reached(GET)).header("content-type", NOT_UTF8),
        row("GET", "/devices/d?api-version=1", Refused(400, &["host"])).header("host", "a").header("host", "b"),
    ];
    Servers::new().check(rows).await;
}

/// One answer names all that is wrong, in either form.
#[tokio::test]
async fn several_things_at_once() {
    let parts = &[
        "path id: it is not UTF-8.",
        "query api-version: it is missing.",
        "header If-Match or If-None-Match: expected",
        "body: authentication.symmetricKey.primaryKey: expected a string, found a number.",
    ];
    let put = row("PUT", "/devices/%FF", Refused(400, parts));
    let body = r#"{"deviceId":"d","authentication":{"symmetricKey":{"primaryKey":7}}}"#;
    let hub = "/subscriptions/%FF/resourceGroups/g/providers/Microsoft.Devices/IotHubs/%FF?api-version=1&api-version=2";
    let parts = &[
        "path subscriptionId: it is not UTF-8.",
        "path resourceName: it is not UTF-8.",
        "query api-version: it is there more than once.",
        "body: properties.routing.routes[1].isEnabled: expected a boolean, found a string.",
    ];
    let route = r#"{"name":"r","source":"DeviceMessages","endpointNames":[],"isEnabled":true}"#;
    let routes = format!("[{route},{}]", route.replace("true", "\"yes\""));
    let description = format!(
        r#"{{"location":"l","subscriptionid":"s","resourcegroup":"g","sku":{{"name":"S1"}},"properties":{{"routing":{{"routes":{routes}}}}}}}"#
    );
    let rows = vec![put.json(body).header("if-match", "\"a"), row("PUT", hub, Refused(400, parts)).json(description)];
    Servers::new().check(rows).await;
}

impl Row {
    fn but(mut self, fate: super::Fate) -> Row {
        self.fate = fate;
        self
    }
}
