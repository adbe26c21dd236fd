//! Bodies: what is no JSON, what is other JSON, and media types.

use super::{Closed, Fate, Reached, Refused, Row, Servers, row};

const PUT: &str = "DeviceApi_PutDevice";

fn put(fate: Fate) -> Row {
    row("PUT", "/devices/d?api-version=1", fate)
}

fn bulk(fate: Fate) -> Row {
    row("POST", "/devices?api-version=1", fate)
}

/// What is no JSON closes the connection, since its length may have been another one.
#[tokio::test]
async fn what_is_no_json() {
    let deep = "[".repeat(100_000);
    let mut rows: Vec<Row> = [
        "{",
        r#"{"deviceId":"d""#,
        r#"{"deviceId":"d"#,
        r#"{"deviceId":"d","#,
        r#"{"deviceId":"d",}"#,
        r#"{"deviceId":"d"} x"#,
        r#"{"deviceId":"d"}{"deviceId":"d"}"#,
        "{'deviceId':'d'}",
        "{deviceId:1}",
        "{\"deviceId\":\"a\nb\"}",
        "{\"deviceId\":\"\0\"}",
        r#"{"deviceId":"\x41"}"#,
        r#"{"deviceId":tru"#,
        r#"{"cloudToDeviceMessageCount":01}"#,
        r#"{"cloudToDeviceMessageCount":1e}"#,
        r#"{"cloudToDeviceMessageCount":NaN}"#,
        r#"{"deviceId":"d","x":1e400}"#,
        r#"{"deviceId":"\ud800"}"#,
        "nul",
        "\0",
        "<device/>",
        "deviceId=d",
        // What is wrong comes first, and the text breaks off all the same.
        r#"{"deviceId":7,"statusReason":"a"#,
        r#"{"deviceId":"d","authentication":{"symmetricKey":7},"statusReason":"a"#,
        r#"{"authentication":[],"#,
        &deep,
    ]
    .into_iter()
    .map(|body| put(Closed(400, &["body: "])).json(body))
    .collect();
    rows.push(put(Closed(400, &["body: "])).json(b"{\"deviceId\":\"\xff\"}"));
    // UTF-16, with and without a mark; a text that is cut short within a character.
    rows.push(put(Closed(400, &["body: "])).json(b"\xfe\xff\0{\0}"));
    rows.push(put(Closed(400, &["body: "])).json(b"{\0}\0"));
    rows.push(put(Closed(400, &["body: "])).json(b"{\"deviceId\":\"d\",\"statusReason\":\"\xc3"));
    rows.push(bulk(Closed(400, &["body: "])).json(r#"[{"id":"a","status":"enabled"},{"id":"b"}"#));
    // Where more is wrong than is told.
    rows.push(bulk(Closed(400, &["body: [99]"])).json(format!("[{}{{", "7,".repeat(1000))));
    let nested = format!("{{\"x\":{}{}}}", "[".repeat(200), "]".repeat(200));
    rows.push(put(Closed(400, &["body: x"])).json(nested));
    let hub = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h?api-version=1";
    rows.push(row("PUT", hub, Closed(400, &["body: "])).json(r#"{"location":7,"tags":{"a":"#));
    Servers::new().check(rows).await;
}

/// The error says where, and never what was there.
#[tokio::test]
async fn what_is_other_json() {
    let of_put = |body: &'static str, parts| put(Refused(400, parts)).json(body);
    let rows = vec![
        of_put("[]", &["body: expected an object, found an array."]),
        of_put("7", &["body: expected an object, found a number."]),
        of_put("\"{}\"", &["body: expected an object, found a string."]),
        of_put("{}", &["body: the property `deviceId` is missing."]),
        of_put(r#"{"deviceid":"d"}"#, &["body: the property `deviceId` is missing."]),
        of_put(r#"{"deviceId":null}"#, &["body: deviceId: expected a string, found null."]),
        of_put(r#"{"deviceId":7}"#, &["body: deviceId: expected a string, found a number."]),
        of_put(r#"{"deviceId":["d"]}"#, &["body: deviceId: expected a string, found an array."]),
        of_put(
            r#"{"deviceId":"d","cloudToDeviceMessageCount":"1"}"#,
            &["body: cloudToDeviceMessageCount: expected a 32-bit integer, found a string."],
        ),
        of_put(
            r#"{"deviceId":"d","cloudToDeviceMessageCount":1.5}"#,
            &["body: cloudToDeviceMessageCount: expected a 32-bit integer, found a number with a fraction."],
        ),
        of_put(
            r#"{"deviceId":"d","cloudToDeviceMessageCount":3000000000}"#,
            &["body: cloudToDeviceMessageCount: expected a 32-bit integer, found a number out of its range."],
        ),
        of_put(
            r#"{"deviceId":"d","statusUpdatedTime":"yesterday"}"#,
            &["body: statusUpdatedTime: expected a date and time (RFC 3339), found another string."],
        ),
        of_put(
            r#"{"deviceId":"d","authentication":{"symmetricKey":{"primaryKey":{"a b":"secret"}}}}"#,
            &["body: authentication.symmetricKey.primaryKey: expected a string, found an object."],
        ),
        bulk(Refused(400, &["body: [1].status: expected a string, found a boolean."]))
            .json(r#"[{"id":"a","status":"enabled"},{"id":"b","status":true}]"#),
        bulk(Refused(400, &["body: [0]: the property `id` is missing."])).json(r#"[{"status":"enabled"}]"#),
        bulk(Refused(400, &["body: expected an array, found an object."])).json(r#"{"id":"a"}"#),
        put(Reached(PUT)).json(r#"{"deviceId":"a","deviceId":"b","status":"?","DeviceId":7,"":{}}"#),
        put(Reached(PUT)).json("\u{feff} \r\n{\"deviceId\":\"\\u0000\"}\t"),
    ];
    Servers::new().check(rows).await;
}

#[tokio::test]
async fn media_types() {
    let body = r#"{"deviceId":"d"}"#;
    let with = |fate, media: &'static [u8]| put(fate).header("content-type", media).body(body);
    let wrong = || Refused(415, &["The body has to be application/json in UTF-8."]);
    let mut rows: Vec<Row> = [
        &b""[..],
        b"text/plain",
        b"application/xml",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=a",
        b"application/octet-stream",
        b"application/jsonx",
        b"application/json5, application/json",
        b"json",
        b"application/json; charset=utf-16",
        b"application/json; charset=iso-8859-1",
        b"application/json; charset=",
        b"application/json\xff",
    ]
    .into_iter()
    .map(|media| with(wrong(), media))
    .collect();
    for media in [
        &b"application/json"[..],
        b"APPLICATION/JSON;CHARSET=UTF-8",
        b"application/json ; a=b ; charset=\"utf-8\"",
        b"text/json",
        b"application/merge-patch+json",
    ] {
        rows.push(with(Reached(PUT), media));
    }
    rows.push(put(Reached(PUT)).body(body));
    // Two types of one body: which of them counts is not to be guessed.
    rows.push(with(wrong(), b"application/json").header("content-type", "text/plain"));
    rows.push(with(wrong(), b"text/plain").header("content-type", "application/json"));
    // Nor is what is packed taken for what is in it.
    let packed = || put(Refused(415, &["The body has to come without a content coding."])).body(body);
    rows.push(packed().header("content-encoding", "gzip"));
    rows.push(packed().header("content-encoding", "identity").header("content-encoding", "br"));
    rows.push(with(Reached(PUT), b"application/json").header("content-encoding", "Identity"));
    rows.push(
        row("POST", "/devices/d/messages/events?api-version=1", Reached("HttpRuntime_SendDeviceEvent"))
            .body("a")
            .header("content-encoding", "gzip"),
    );
    // What has none has no type either.
    rows.push(row("DELETE", "/devices/d?api-version=1", Reached("DeviceApi_DeleteDevice")).header("content-type", "a"));
    rows.push(put(Refused(400, &["body: it is missing."])).header("content-type", "text/plain"));
    Servers::new().check(rows).await;
}
