use std::time::Duration;

use http::{Request, StatusCode};
use iothub::management;
use iothub::management::models::{
    ExportDevicesRequest, ImportDevicesRequest, IotHubDescription, IotHubSku, IotHubSkuInfo, JobStatus,
};
use iothub::runtime::Body;
use serde_json::{Value, json};
use tower_service::Service;

use crate::app::Peer;
use crate::{Cut, Emulator, Fault};

async fn emulator() -> Emulator {
    Emulator::builder().in_process().host_name("my-hub.example").admin_token("made-up").start().await.unwrap()
}

/// A request as it comes over a loopback connection, unless `headers` say otherwise.
fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(format!("/$emulator{path}"));
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "127.0.0.1:8080");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.extension(Peer::Local).body(Body::Empty).unwrap()
}

async fn send(emulator: &Emulator, request: Request<Body>) -> (u16, Value) {
    let response = emulator.service().call(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect(1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn post(emulator: &Emulator, path: &str, body: Value) -> (u16, Value) {
    let request = request("POST", path, &[]).map(|_| Body::from(body.to_string()));
    send(emulator, request).await
}

#[tokio::test]
async fn who_may() {
    let emulator = emulator().await;
    let token = ("authorization", "Bearer made-up");
    for (headers, local, expected) in [
        (&[][..], true, 200),
        (&[("host", "localhost")], true, 200),
        (&[("host", "[::1]:8080")], true, 200),
        (&[("host", "other.LOCALHOST:1")], true, 200),
        (&[("host", "my-hub.example:8080")], true, 200),
        (&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")], true, 200),
        (&[("sec-fetch-site", "same-origin")], true, 200),
        (&[("sec-fetch-site", "none")], true, 200),
        // Names that lead here only since somebody made them.
        (&[("host", "evil.example")], true, 403),
        (&[("host", "localhost.evil.example")], true, 403),
        (&[("host", "127.0.0.1.evil.example")], true, 403),
        (&[("host", "192.168.0.1")], true, 403),
        (&[("host", "")], true, 403),
        (&[("host", "localhost"), ("host", "localhost")], true, 400),
        // Pages of others.
        (&[("origin", "https://evil.example")], true, 403),
        (&[("origin", "null")], true, 403),
        (&[("origin", "http://localhost:3000")], true, 403),
        (&[("origin", "http://127.0.0.1:8080"), ("origin", "http://evil.example")], true, 403),
        (&[("sec-fetch-site", "cross-site")], true, 403),
        (&[("sec-fetch-site", "same-site")], true, 403),
        // Tokens.
        (&[token], true, 200),
        (&[token], false, 200),
        (&[token, ("host", "emulator.example")], false, 200),
        (&[("authorization", "bearer made-up")], false, 200),
        (&[("authorization", "Bearer made-u")], false, 401),
        (&[("authorization", "Bearer made-up2")], true, 401),
        (&[("authorization", "Basic made-up")], false, 401),
        (&[], false, 401),
    ] {
        let mut request = request("GET", "/clock", headers);
        if !local {
            request.extensions_mut().insert(Peer::Other);
        }
        assert_eq!(send(&emulator, request).await.0, expected, "{headers:?} {local}");
    }
    let mut unknown = request("GET", "/clock", &[]);
    unknown.extensions_mut().clear();
    assert_eq!(send(&emulator, unknown).await.0, 401);
}

#[tokio::test]
async fn without_a_token_nobody_has_it() {
    let emulator = Emulator::builder().in_process().start().await.unwrap();
    for (value, expected) in [("Bearer ", 401), ("Bearer x", 401), ("", 401)] {
        let mut request = request("GET", "/clock", &[("authorization", value)]);
        request.extensions_mut().insert(Peer::Other);
        assert_eq!(send(&emulator, request).await.0, expected);
    }
    // Who is at the machine may, whatever else he says.
    assert_eq!(
        send(&emulator, request("GET", "/clock", &[("authorization", "SharedAccessSignature sr=x")])).await.0,
        200
    );
}

#[tokio::test]
async fn health_is_for_everybody() {
    let emulator = emulator().await;
    let mut request = request("GET", "/health", &[("host", "evil.example"), ("origin", "null")]);
    request.extensions_mut().clear();
    let (status, body) = send(&emulator, request).await;
    assert_eq!((status, &body["status"]), (200, &json!("ok")));
}

#[tokio::test]
async fn time_is_moved_on() {
    let emulator = emulator().await;
    let (status, body) = post(&emulator, "/clock", json!({ "advanceSeconds": 90.5 })).await;
    assert_eq!((status, &body["movedSeconds"]), (200, &json!(90.5)));
    emulator.advance(std::time::Duration::from_millis(500));
    assert_eq!(send(&emulator, request("GET", "/clock", &[])).await.1["movedSeconds"], json!(91.0));
    let past = std::time::SystemTime::now() + std::time::Duration::from_secs(90);
    assert!(emulator.clock().now() > past);
    for wrong in [
        json!({}),
        json!({ "advanceSeconds": -1 }),
        json!({ "advanceSeconds": 1e12 }),
        json!({ "advanceSeconds": 1e300 }),
        json!([]),
    ] {
        assert_eq!(post(&emulator, "/clock", wrong.clone()).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn faults_are_added_and_removed() {
    let emulator = emulator().await;
    let fault = json!({ "method": "GET", "path": "/devices/*", "nth": 2, "count": 1, "status": 503, "retryAfter": 3 });
    assert_eq!(post(&emulator, "/faults", fault.clone()).await, (201, json!({ "id": 1 })));
    let device = || Request::get("/devices/d?api-version=2016-11-14").body(Body::Empty).unwrap();
    assert_ne!(send(&emulator, device()).await.0, 503);
    let (status, body) = send(&emulator, device()).await;
    assert!(status == 503 && body["Message"].as_str().unwrap().starts_with("ErrorCode:ServiceUnavailable;"), "{body}");
    let (_, rules) = send(&emulator, request("GET", "/faults", &[])).await;
    assert_eq!((&rules[0]["seen"], &rules[0]["hits"], &rules[0]["path"]), (&json!(2), &json!(1), &json!("/devices/*")));
    assert_eq!(send(&emulator, request("GET", "/faults/1", &[])).await.1, rules[0]);
    assert_eq!(send(&emulator, request("DELETE", "/faults/1", &[])).await.0, 204);
    assert_eq!(send(&emulator, request("DELETE", "/faults/1", &[])).await.0, 404);
    assert_eq!(send(&emulator, request("GET", "/faults/1", &[])).await.0, 404);
    assert_eq!(post(&emulator, "/faults", json!({ "status": 42 })).await.0, 400);
    assert_eq!(post(&emulator, "/faults", fault).await.1, json!({ "id": 2 }));
    assert_eq!(send(&emulator, request("DELETE", "/faults", &[])).await.0, 204);
    assert_eq!(send(&emulator, request("GET", "/faults", &[])).await.1, json!([]));
}

#[tokio::test]
async fn connections_are_cut() {
    let emulator = emulator().await;
    let device = || Request::get("/devices/d?api-version=2016-11-14").body(Body::Empty).unwrap();
    for cut in [Cut::Request, Cut::Answer] {
        let fault = emulator.inject(Fault::new().operation("DeviceApi_GetDevice").cut(cut)).unwrap();
        assert!(emulator.service().call(device()).await.is_err());
        assert_eq!((fault.seen(), fault.hits()), (1, 1));
        fault.remove();
    }
    emulator.inject(Fault::new().cut(Cut::Body)).unwrap();
    let response = emulator.service().call(device()).await.unwrap();
    let length: usize = response.body().length().unwrap().try_into().unwrap();
    let mut body = response.into_body();
    let half = body.next_chunk().await.unwrap().unwrap();
    assert_eq!(half.len(), length / 2);
    assert!(body.next_chunk().await.is_err());
    // The admin API does not fail.
    emulator.inject(Fault::new().always().cut(Cut::Request)).unwrap();
    assert_eq!(send(&emulator, request("GET", "/clock", &[])).await.0, 200);
    emulator.clear_faults();
    assert!(emulator.inject(Fault::new()).unwrap_err().status() == StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn methods_are_scripted() {
    use iothub::hub::models::{Device, DirectMethod};
    let emulator = emulator().await;
    let hub = iothub::hub::Client::with_pipeline(emulator.pipeline().unwrap());
    let script = json!({ "methodName": "m", "status": 7, "payload": [1], "delayMs": 3_600_000 });
    assert_eq!(post(&emulator, "/devices/d%231/methods", script.clone()).await.0, 404);
    hub.devices().put("d#1", &Device::new("d#1")).await.unwrap();
    assert_eq!(post(&emulator, "/devices/d%231/methods", script).await.0, 204);
    let method = DirectMethod::new("m").with_response_timeout_in_seconds(300);
    let call = hub.twins().invoke_method("d#1", &method);
    let moved = async {
        tokio::task::yield_now().await;
        emulator.advance(std::time::Duration::from_secs(300));
    };
    let (late, ()) = tokio::join!(call, moved);
    assert_eq!(late.unwrap_err().status().unwrap(), 504);
    assert_eq!(post(&emulator, "/methods", json!({ "methodName": "n", "status": 8 })).await.0, 204);
    let result = hub.twins().invoke_method("d#1", &DirectMethod::new("n")).await.unwrap();
    assert_eq!((result.status, result.payload.as_ref()), (Some(8), Some(&Value::Null)));
    assert_eq!(send(&emulator, request("DELETE", "/methods/n", &[])).await.0, 204);
    assert_eq!(send(&emulator, request("DELETE", "/devices/d%231/methods/m", &[])).await.0, 204);
    assert!(hub.twins().invoke_method("d#1", &DirectMethod::new("n")).await.is_err());
    for wrong in [json!({ "methodName": "m" }), json!({ "status": 1 }), json!({ "methodName": "m", "status": "1" })] {
        assert_eq!(post(&emulator, "/methods", wrong.clone()).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn messages_are_queued() {
    use iothub::hub::models::Device;
    let emulator = emulator().await;
    let hub = iothub::hub::Client::with_pipeline(emulator.pipeline().unwrap());
    hub.devices().put("d1", &Device::new("d1")).await.unwrap();
    let message = |headers: &[(&str, &str)]| {
        let request = request("POST", "/devices/d1/messages", headers);
        request.map(|_| Body::from(&b"\xff\0"[..]))
    };
    let headers = [
        ("iothub-messageid", "m1"),
        ("IoTHub-CorrelationId", "c1"),
        ("iothub-userid", "u1"),
        ("iothub-ack", "Full"),
        ("iothub-expiry", "2100-01-02T03:04:05Z"),
        ("iothub-app-Unit", "heater"),
        ("content-type", "text/plain"),
    ];
    let (status, body) = send(&emulator, message(&headers)).await;
    assert_eq!((status, &body), (201, &json!({ "deviceId": "d1", "sequenceNumber": body["sequenceNumber"] })));
    assert!(body["sequenceNumber"].is_u64(), "{body}");
    let expiry = std::time::UNIX_EPOCH + std::time::Duration::from_secs(4_102_542_245);
    let expected = crate::Message::new(&b"\xff\0"[..]).id("m1").correlation_id("c1").user_id("u1");
    let expected = expected.ack(crate::Ack::Full).expiry(expiry).property("unit", "heater");
    assert_eq!(emulator.queued("d1"), [expected]);
    emulator.send("d1", crate::Message::new("second")).await.unwrap();
    assert_eq!(emulator.queued("d1")[1], crate::Message::new("second"));
    let (_, snapshot) = send(&emulator, request("GET", "/snapshot", &[])).await;
    assert_eq!(snapshot["hubs"][0]["devices"][0]["queuedMessages"], 2);
    for wrong in [("iothub-ack", "maybe"), ("iothub-expiry", "tomorrow")] {
        assert_eq!(send(&emulator, message(&[wrong])).await.0, 400, "{wrong:?}");
    }
    let large = message(&[]).map(|_| Body::from(vec![0; 300 << 10]));
    assert_eq!(send(&emulator, large).await.0, 413);
    let huge = message(&[]).map(|_| Body::from(vec![0; 3 << 20]));
    assert_eq!(send(&emulator, huge).await.0, 413);
    let nobody = request("POST", "/devices/d2/messages", &[]).map(|_| Body::from("x"));
    assert_eq!(send(&emulator, nobody).await.0, 404);
    assert_eq!(emulator.send("d2", crate::Message::new("x")).await.unwrap_err().status(), 404);
    assert!(emulator.queued("d2").is_empty());
    assert_eq!(post(&emulator, "/reset", json!({})).await.0, 204);
    hub.devices().put("d1", &Device::new("d1")).await.unwrap();
    assert!(emulator.queued("d1").is_empty());
}

/// Lets the main hub have events.
fn tell(emulator: &Emulator, bodies: &[&'static [u8]]) {
    let hub = emulator.world().main().unwrap();
    let now = std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_500);
    hub.events.add(bodies.iter().map(|body| crate::Event::new(0, "d1".into(), now, bytes::Bytes::from_static(body))));
}

#[tokio::test]
async fn events_are_read() {
    let emulator = emulator().await;
    tell(&emulator, &[b"one", b"\xff"]);
    let (_, events) = send(&emulator, request("GET", "/events", &[])).await;
    let first = json!({
        "sequenceNumber": 1,
        "deviceId": "d1",
        "enqueuedTime": "1970-01-01T00:00:01.5Z",
        "properties": {},
        "systemProperties": {},
        "body": "b25l",
        "text": "one",
    });
    assert_eq!((&events[0], &events[1]["text"], &events[1]["body"]), (&first, &Value::Null, &json!("/w==")));
    for (query, expected) in
        [("?after=1", &[2][..]), ("?after=2", &[]), ("?top=1", &[1]), ("?top=0", &[]), ("?after=0&top=5", &[1, 2])]
    {
        let (_, events) = send(&emulator, request("GET", &format!("/events{query}"), &[])).await;
        let numbers: Vec<u64> =
            events.as_array().unwrap().iter().map(|event| event["sequenceNumber"].as_u64().unwrap()).collect();
        assert_eq!(numbers, expected, "{query}");
    }
    assert_eq!(send(&emulator, request("GET", "/events?after=x", &[])).await.0, 400);
    assert_eq!(emulator.events().len(), 2);
    assert_eq!(emulator.event_after(1).await.unwrap().sequence, 2);
    let next = async { emulator.event_after(2).await.unwrap() };
    let later = async { tell(&emulator, &[b"three"]) };
    assert_eq!(tokio::join!(next, later).0.body, "three");
}

#[tokio::test]
async fn events_are_streamed() {
    let emulator = emulator().await;
    tell(&emulator, &[b"one", b"two"]);
    let stream = async |headers: &[(&str, &str)]| {
        let headers = [&[("accept", "text/event-stream")][..], headers].concat();
        let response = emulator.service().call(request("GET", "/events?after=0", &headers)).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response.into_body()
    };
    /// What comes until this many events have come.
    async fn read(body: &mut Body, events: usize) -> String {
        let mut text = String::new();
        while text.matches("data: ").count() < events {
            text.push_str(std::str::from_utf8(&body.next_chunk().await.unwrap().unwrap()).unwrap());
        }
        text
    }
    let mut body = stream(&[]).await;
    let text = read(&mut body, 2).await;
    assert!(text.starts_with(":\n\nid: 1\ndata: {") && text.contains("}\n\nid: 2\ndata: {"), "{text}");
    tell(&emulator, &[b"three"]);
    assert!(read(&mut body, 1).await.starts_with("id: 3\n"));
    // Who comes again goes on where he was.
    let mut again = stream(&[("last-event-id", "2")]).await;
    assert!(read(&mut again, 1).await.starts_with(":\n\nid: 3\n"));
    let many: Vec<&'static [u8]> = vec![b"x"; 2_500];
    tell(&emulator, &many);
    let text = read(&mut body, 2_500).await;
    assert!(text.contains("\nid: 2503\n") && text.ends_with("\n\n"));
    drop(again);
    emulator.stop().await;
    assert!(body.next_chunk().await.unwrap().is_none());
}

#[tokio::test]
async fn another_hub() {
    let emulator = emulator().await;
    let (_, body) = send(&emulator, request("GET", "/events?hub=my-hub", &[])).await;
    assert_eq!(body, json!([]));
    assert_eq!(send(&emulator, request("GET", "/events?hub=other", &[])).await.0, 404);
}

#[tokio::test]
async fn a_snapshot_has_no_keys() {
    use iothub::hub::models::{JobRequest, JobType, Twin};
    let emulator = emulator().await;
    let hub = iothub::hub::Client::with_pipeline(emulator.pipeline().unwrap());
    let later = "2100-01-01T00:00:00Z".parse().unwrap();
    let job = JobRequest::new("j1", JobType::ScheduleUpdateTwin)
        .with_update_twin(Twin::new().with_etag("*").with_tags(serde_json::Map::new()));
    hub.jobs().create("j1", &job.with_query_condition("*").with_start_time(later)).await.unwrap();
    let (status, body) = send(&emulator, request("GET", "/snapshot", &[])).await;
    assert_eq!((status, &body["hubs"][0]["name"]), (200, &json!("my-hub")));
    assert_eq!(
        body["hubs"][0]["policies"][0],
        json!({ "name": "iothubowner", "rights": "RegistryWrite, ServiceConnect, DeviceConnect" })
    );
    let devices = json!({ "pending": 0, "running": 0, "succeeded": 0, "failed": 0 });
    assert_eq!(
        body["hubs"][0]["jobs"],
        json!([{ "jobId": "j1", "type": "scheduleUpdateTwin", "queryCondition": "*", "phase": "waiting", "devices": devices }])
    );
    let key = emulator.connection_string();
    let key = key.split("SharedAccessKey=").nth(1).unwrap().split(';').next().unwrap().to_owned();
    assert!(key.len() == 44 && !body.to_string().contains(&key));
    assert_eq!(post(&emulator, "/reset", json!({})).await.0, 204);
    // Who has the connection string goes on.
    assert!(emulator.connection_string().contains(&key));
}

#[tokio::test]
async fn containers_for_exports_and_imports() {
    let emulator = emulator().await;
    let open = async |path: &str| send(&emulator, request("POST", path, &[("host", "localhost:8080")])).await;
    let (status, answer) = open("/containers/lists").await;
    let url = answer["url"].as_str().unwrap().to_owned();
    assert_eq!((status, &answer["name"]), (200, &json!("lists")));
    assert!(url.starts_with("http://localhost:8080/lists?sv="), "{url}");
    assert_eq!(open("/containers/lists").await.0, 200, "it is there");
    assert_eq!(open("/containers/No").await.0, 400);
    assert_eq!(open("/containers/lists?hub=none").await.0, 404);

    let devices = url.replace('?', "/devices.txt?");
    let blob = async |method: &str, body: Body| {
        let request = Request::builder().method(method).uri(devices.as_str()).header("host", "localhost:8080");
        let request = request.header("x-ms-blob-type", "BlockBlob").body(body).unwrap();
        let answer = emulator.service().call(request).await.unwrap();
        (answer.status().as_u16(), answer.into_body().collect(1 << 20).await.unwrap())
    };
    let lines = [json!({ "id": "d1" }).to_string(), json!({ "id": "d2", "status": "disabled" }).to_string()];
    assert_eq!(blob("PUT", lines.join("\n").into()).await.0, 201);
    let arm = management::Client::with_pipeline(emulator.arm_pipeline().unwrap(), emulator.subscription());
    let wanted = ImportDevicesRequest::new(url.as_str(), url.as_str());
    let job = arm.iot_hubs().import_devices("emulator", "my-hub", &wanted).await.unwrap();
    assert_eq!(ended(&arm, &emulator, job.job_id.as_deref().unwrap()).await, Some(JobStatus::Completed));
    let statistics = arm.iot_hubs().statistics("emulator", "my-hub").await.unwrap();
    assert_eq!((statistics.enabled_device_count, statistics.disabled_device_count), (Some(1), Some(1)));

    // As a test in this process gets one.
    let own = emulator.container("lists").await.unwrap();
    let wanted = ExportDevicesRequest::new(own, true);
    let job = arm.iot_hubs().export_devices("emulator", "my-hub", &wanted).await.unwrap();
    assert_eq!(ended(&arm, &emulator, job.job_id.as_deref().unwrap()).await, Some(JobStatus::Completed));
    let (status, text) = blob("GET", Body::Empty).await;
    let lines = std::str::from_utf8(&text).unwrap().lines();
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((status, &lines[0]["id"], &lines[1]["id"]), (200, &json!("d1"), &json!("d2")));
    assert_eq!(lines[1]["authentication"]["symmetricKey"]["primaryKey"], Value::Null);
    // Another container is another place.
    let wanted = ExportDevicesRequest::new(url.replace("/lists?", "/others?"), true);
    assert!(arm.iot_hubs().export_devices("emulator", "my-hub", &wanted).await.is_err());

    // Of another hub, by its name.
    let sku = IotHubSkuInfo::new(IotHubSku::S1);
    _ = arm.iot_hubs().create_or_update("rg", "Second", &IotHubDescription::new("westus", sku)).start().await.unwrap();
    let (status, answer) = open("/containers/lists?hub=second").await;
    let url = answer["url"].as_str().unwrap();
    assert_eq!(status, 200);
    let wanted = ExportDevicesRequest::new(url, true);
    assert!(arm.iot_hubs().export_devices("rg", "second", &wanted).await.is_ok());
}

/// What becomes of an import or export of the main hub.
async fn ended(arm: &management::Client, emulator: &Emulator, id: &str) -> Option<JobStatus> {
    for _ in 0..10_000 {
        let job = arm.iot_hubs().get_job("emulator", "my-hub", id).await.unwrap().into_body();
        if job.status != Some(JobStatus::Running) {
            return job.status;
        }
        emulator.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    None
}
