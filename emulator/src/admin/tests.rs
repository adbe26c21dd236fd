use http::{Request, StatusCode};
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
        (&[("host", "localhost"), ("host", "localhost")], true, 403),
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
async fn another_hub() {
    let emulator = emulator().await;
    let (_, body) = send(&emulator, request("GET", "/events?hub=my-hub", &[])).await;
    assert_eq!(body, json!([]));
    assert_eq!(send(&emulator, request("GET", "/events?hub=other", &[])).await.0, 404);
}

#[tokio::test]
async fn a_snapshot_has_no_keys() {
    let emulator = emulator().await;
    let (status, body) = send(&emulator, request("GET", "/snapshot", &[])).await;
    assert_eq!((status, &body["hubs"][0]["name"]), (200, &json!("my-hub")));
    assert_eq!(
        body["hubs"][0]["policies"][0],
        json!({ "name": "iothubowner", "rights": "RegistryWrite, ServiceConnect, DeviceConnect" })
    );
    let key = emulator.connection_string();
    let key = key.split("SharedAccessKey=").nth(1).unwrap().split(';').next().unwrap().to_owned();
    assert!(key.len() == 44 && !body.to_string().contains(&key));
    assert_eq!(post(&emulator, "/reset", json!({})).await.0, 204);
    // Who has the connection string goes on.
    assert!(emulator.connection_string().contains(&key));
}
