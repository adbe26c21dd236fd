//! What is too much is refused, with the right code, and leaves nothing behind.

use iothub::hub::Client;
use iothub::hub::models::Device;
use iothub_emulator::{Emulator, Fault, Message, MethodAnswer};
use serde_json::{Map, Value, json};

use crate::support::{Answer, Raw, blocking, send, token};

const VERSION: &str = "api-version=2016-11-14";
const KIB: usize = 1 << 10;

async fn start() -> (Emulator, Client) {
    let emulator = Emulator::builder().in_process().admin_token("made-up").arm_token("arm").start().await.unwrap();
    let hub = Client::with_pipeline(emulator.pipeline().unwrap());
    hub.devices().put("d1", &Device::new("d1")).await.unwrap();
    (emulator, hub)
}

/// An object with so many bytes in texts that are not too long.
fn large(bytes: usize) -> Value {
    let texts = (0..bytes.div_ceil(4 * KIB)).map(|at| (format!("{at:04}"), json!("x".repeat(4 * KIB - 4))));
    texts.collect::<Map<_, _>>().into()
}

/// Objects within one another.
fn deep(depth: usize) -> Value {
    (1..depth).fold(json!({ "a": 1 }), |inner, _| json!({ "a": inner }))
}

/// All that there is in the hub, less what changes by itself.
async fn snapshot(emulator: &Emulator) -> Value {
    let answer = send(emulator, ("GET", "/$emulator/snapshot"), &[ADMIN], "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["hubs"].take()
}

const ADMIN: (&str, &str) = ("authorization", "Bearer made-up");
const ARM: (&str, &str) = ("authorization", "Bearer arm");

#[tokio::test]
async fn of_requests_to_a_hub() {
    let (emulator, _) = start().await;
    let before = snapshot(&emulator).await;
    let id = |length: usize| format!("/devices/{}?{VERSION}", "i".repeat(length));
    let device = |length: usize| json!({ "deviceId": "i".repeat(length) });
    let (d1, twin) = (format!("/devices/d1?{VERSION}"), format!("/twins/d1?{VERSION}"));
    let (bulk, query) = (format!("/devices?{VERSION}"), format!("/devices/query?{VERSION}"));
    let methods = format!("/twins/d1/methods?{VERSION}");
    let desired = |value| json!({ "properties": { "desired": value } });
    let items = |count: usize| (0..count).map(|at| json!({ "id": format!("new{at}") })).collect::<Value>();
    let longer = |bytes: usize| json!({ "deviceId": "d1", "unknown": "x".repeat(bytes) });
    let reason = |length: usize| json!({ "deviceId": "i1", "statusReason": "é".repeat(length) });
    let (is_invalid, is_large) = ((400, "ArgumentInvalid"), (413, "MessageTooLarge"));
    for ((method, path), body, (status, code)) in [
        (("PUT", &id(129)), device(129), is_invalid),
        (("PUT", &id(2_000)), device(2_000), is_invalid),
        (("PUT", &d1), longer(2 * KIB * KIB), is_large),
        (("PUT", &d1), json!({ "deviceId": "d1", "unknown": deep(500) }), is_invalid),
        (("PUT", &format!("/devices/i1?{VERSION}")), reason(129), is_invalid),
        (("POST", &bulk), items(101), is_invalid),
        (("POST", &bulk), items(0), is_invalid),
        (("PATCH", &twin), json!({ "tags": large(9 * KIB) }), is_invalid),
        (("PATCH", &twin), json!({ "tags": deep(12) }), is_invalid),
        (("PATCH", &twin), json!({ "tags": { "a": "x".repeat(4 * KIB + 1) } }), is_invalid),
        (("PATCH", &twin), json!({ "tags": { "a".repeat(KIB + 1): 1 } }), is_invalid),
        (("PATCH", &twin), desired(large(33 * KIB)), is_invalid),
        (("PATCH", &twin), desired(deep(12)), is_invalid),
        (("PATCH", &twin), desired(deep(500)), is_invalid),
        (("POST", &query), json!({ "query": format!("SELECT * FROM devices{}", " ".repeat(8 * KIB)) }), is_invalid),
        (
            ("POST", &query),
            json!({ "query": format!("SELECT * FROM devices WHERE {}a = 1", "(".repeat(200)) }),
            is_invalid,
        ),
        (("POST", &methods), json!({ "methodName": "m", "payload": "x".repeat(128 * KIB) }), is_large),
        (("POST", &methods), json!({ "methodName": "m", "responseTimeoutInSeconds": 301 }), is_invalid),
        (("POST", &methods), json!({ "methodName": "m", "connectTimeoutInSeconds": 301 }), is_invalid),
    ] {
        let answer = send(&emulator, (method, path), &[], body.to_string()).await;
        let shown: String = format!("{method} {path} {body}").chars().take(200).collect();
        assert_eq!((answer.status, answer.code().as_deref()), (status, Some(code)), "{shown}: {}", answer.text);
        // What is told of it is short, too.
        assert!(answer.text.len() < 8 * KIB, "{shown}: {} bytes", answer.text.len());
    }
    assert_eq!(snapshot(&emulator).await, before);
    // As much as there may be.
    for ((method, path), body) in [
        (("PUT", &id(128)), device(128)),
        (("PUT", &d1.replace("d1", "i1")), reason(128)),
        (("POST", &bulk), items(100)),
        (("PATCH", &twin), json!({ "tags": large(8 * KIB) })),
        (("PATCH", &twin), desired(large(32 * KIB))),
        (("PATCH", &twin.replace("d1", "i1")), json!({ "tags": deep(11), "properties": { "desired": deep(11) } })),
    ] {
        let answer = send(&emulator, (method, path), &[], body.to_string()).await;
        assert_eq!(answer.status, 200, "{method} {path} {}", answer.text);
    }
}

#[tokio::test]
async fn of_what_is_sent_through_a_socket() {
    let emulator = Emulator::builder().start().await.unwrap();
    let (address, token) = (emulator.address().unwrap(), token(&emulator));
    blocking(move || {
        let authorization = format!("authorization: {token}\r\n");
        let start =
            format!("PUT /devices/d1?{VERSION} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
        let ask = |text: &str| {
            let mut raw = Raw::connect(address);
            raw.send(text);
            raw.answer()
        };
        // Nobody waits for what is announced, and too large.
        let (head, body) = ask(&format!("{start}{authorization}content-length: 99999999999\r\n\r\n"));
        assert!(head.starts_with("HTTP/1.1 413 ") && body.contains("MessageTooLarge"), "{head}{body}");
        // Nobody reads more than there may be.
        let chunk = "x".repeat(1 << 20);
        let chunks = format!("100000\r\n{chunk}\r\n").repeat(2);
        let (head, body) = ask(&format!("{start}{authorization}transfer-encoding: chunked\r\n\r\n{chunks}1\r\nx\r\n"));
        assert!(head.starts_with("HTTP/1.1 413 ") && body.contains("MessageTooLarge"), "{head}{body}");
        // A head without end.
        for head in [format!("GET /{} HTTP/1.1\r\n", "x".repeat(70_000)), format!("{start}{}", "a: b\r\n".repeat(200))]
        {
            let answer = {
                let mut raw = Raw::connect(address);
                raw.send(&format!("{head}host: localhost\r\n\r\n"));
                raw.rest()
            };
            let status = answer.get(9..12).unwrap_or_default().to_owned();
            assert!(matches!(&*status, "414" | "431"), "{answer}");
        }
    })
    .await;
    emulator.stop().await;
}

/// Adds one after the other until one is refused, and says how many there were and how it was refused.
async fn until_refused(most: usize, mut add: impl AsyncFnMut(usize) -> Answer) -> (usize, Answer) {
    for at in 0..=most {
        let answer = add(at).await;
        if answer.status >= 400 {
            return (at, answer);
        }
    }
    panic!("more than {most}");
}

#[tokio::test]
async fn of_hubs_and_what_they_have() {
    let (emulator, _) = start().await;
    let group =
        format!("/subscriptions/{}/resourceGroups/g/providers/Microsoft.Devices/IotHubs", emulator.subscription());
    let version = "api-version=2017-01-19";
    let hub = |policies: usize| {
        let policies: Vec<_> =
            (0..policies).map(|at| json!({ "keyName": format!("p{at}"), "rights": "RegistryRead" })).collect();
        json!({
            "location": "westus", "subscriptionid": emulator.subscription(), "resourcegroup": "g",
            "sku": { "name": "S1", "capacity": 1 }, "properties": { "authorizationPolicies": policies },
        })
    };
    let put = async |name: &str, policies| {
        let path = format!("{group}/{name}?{version}");
        send(&emulator, ("PUT", &path), &[ARM], hub(policies).to_string()).await
    };
    let answer = put("many", 101).await;
    assert_eq!((answer.status, answer.code().as_deref()), (403, Some("QuotaExceeded")), "{}", answer.text);
    assert_eq!(put("hub0", 100).await.status, 201);

    let add = async |at: usize| {
        let path = format!("{group}/hub0/eventHubEndpoints/events/ConsumerGroups/c{at}?{version}");
        send(&emulator, ("PUT", &path), &[ARM], "").await
    };
    let (count, answer) = until_refused(30, add).await;
    assert_eq!((count, answer.status), (20, 403), "{}", answer.text);

    // Those that are on their way out count, too.
    let add = async |at: usize| {
        let name = format!("hub{}", at + 1);
        let answer = put(&name, 0).await;
        if answer.status < 400 && at.is_multiple_of(2) {
            let path = format!("{group}/{name}?{version}");
            assert_eq!(send(&emulator, ("DELETE", &path), &[ARM], "").await.status, 202);
        }
        answer
    };
    let (count, answer) = until_refused(200, add).await;
    assert_eq!((count, answer.status), (98, 403), "{}", answer.text);
}

#[tokio::test]
async fn of_what_is_done_from_outside() {
    let (emulator, _) = start().await;
    let admin = async |method: &str, path: &str, body: Value| {
        send(&emulator, (method, &format!("/$emulator{path}")), &[ADMIN], body.to_string()).await
    };
    // Bodies and texts.
    let name = |length: usize| json!({ "methodName": "m".repeat(length), "status": 200 });
    let fault = |name: &str, length: usize| json!({ name: format!("/{}", "x".repeat(length)), "status": 500 });
    for (path, body, status) in [
        ("/devices/d1/methods", json!({ "methodName": "m", "status": 200, "payload": "x".repeat(1 << 20) }), 413),
        ("/devices/d1/methods", name(1_025), 400),
        ("/devices/d1/methods", name(0), 400),
        ("/devices/gone/methods", name(1), 404),
        ("/faults", json!({ "path": "x".repeat(1 << 20), "status": 500 }), 413),
        ("/faults", fault("path", 4_096), 400),
        ("/faults", fault("operation", 4_096), 400),
        ("/faults", fault("code", 4_096), 400),
        ("/faults", json!({ "code": "a\r\nx: y", "status": 500 }), 400),
        ("/faults", json!({ "status": 500, "delayMs": u64::MAX }), 400),
        ("/clock", json!({ "advanceSeconds": 1e300 }), 400),
        ("/clock", json!({ "advanceSeconds": 1e12 }), 400),
        ("/clock", deep(500), 400),
    ] {
        let answer = admin("POST", path, body).await;
        assert_eq!(answer.status, status, "{path} {}", answer.text);
    }
    // Methods of a device.
    let add = async |at: usize| {
        admin("POST", "/devices/d1/methods", json!({ "methodName": format!("m{at}"), "status": 200 })).await
    };
    let (count, answer) = until_refused(200, add).await;
    assert_eq!((count, answer.status, answer.code().as_deref()), (100, 403, Some("TooManyMethods")));
    // One of those that there are is replaced.
    assert_eq!(add(0).await.status, 204);
    // By the library, for all devices, as well.
    for at in 0..100 {
        emulator.on_method_of_all(&format!("m{at}"), |_| async { MethodAnswer::new(200, 0) }).unwrap();
    }
    let error = emulator.on_method_of_all("m", |_| async { MethodAnswer::new(200, 0) }).unwrap_err();
    assert_eq!(error.status(), 403);
    // Faults.
    let add = async |_| admin("POST", "/faults", json!({ "path": "/nowhere", "status": 500 })).await;
    let (count, answer) = until_refused(1_001, add).await;
    assert_eq!((count, answer.status), (1_000, 400));
    assert!(emulator.inject(Fault::new().status(http::StatusCode::BAD_GATEWAY)).is_err());
    assert_eq!(admin("DELETE", "/faults", Value::Null).await.status, 204);
}

#[tokio::test]
async fn of_messages_and_events() {
    let (emulator, _) = start().await;
    let text = |length: usize| "x".repeat(length);
    // From the back end, with and without HTTP.
    let queue = async |body: String| send(&emulator, ("POST", "/$emulator/devices/d1/messages"), &[ADMIN], body).await;
    for bytes in [64 * KIB + 1, 256 * KIB, 2 << 20] {
        let answer = queue(text(bytes)).await;
        assert_eq!(answer.status, 413, "{}", answer.text);
        assert_eq!(emulator.send("d1", Message::new(text(bytes))).await.unwrap_err().status(), 413);
    }
    assert_eq!(emulator.queued("d1").len(), 0);
    assert_eq!(queue(text(64 * KIB)).await.status, 201);
    let (count, answer) = until_refused(60, async |_| queue(text(1)).await).await;
    assert_eq!((count, answer.status, emulator.queued("d1").len()), (49, 403, 50), "{}", answer.text);
    assert_eq!(emulator.send("d1", Message::new("")).await.unwrap_err().status(), 403);

    // From a device.
    let path = format!("/devices/d1/messages/events?{VERSION}");
    let tell = async |headers: &[_], body: String| send(&emulator, ("POST", &path), headers, body).await;
    for (headers, body) in [
        (&[][..], text(256 * KIB + 1)),
        (&[("iothub-app-p", "v")], text(256 * KIB)),
        (&[("content-type", "application/vnd.microsoft.iothub.json")], format!("[{}]", text(256 * KIB))),
        (&[], text(3 << 20)),
    ] {
        let answer = tell(headers, body).await;
        assert_eq!((answer.status, answer.code().as_deref()), (413, Some("MessageTooLarge")), "{}", answer.text);
    }
    assert_eq!((tell(&[], text(200 * KIB)).await.status, emulator.events().len()), (204, 1));
    // Of all events, so many are kept, and so many bytes of them: the newest.
    let batch = format!("[{}]", [r#"{"body":""}"#; 4_000].join(","));
    for _ in 0..4 {
        let headers = [("content-type", "application/vnd.microsoft.iothub.json")];
        assert_eq!(tell(&headers, batch.clone()).await.status, 204);
    }
    let numbers: Vec<_> = emulator.events().iter().map(|event| event.sequence).collect();
    assert_eq!((numbers.len(), numbers.last()), (10_000, Some(&16_001)));
    for _ in 0..300 {
        tell(&[], text(256 * KIB)).await;
    }
    let events = emulator.events();
    let bytes: usize = events.iter().map(|event| event.body.len()).sum();
    assert_eq!(events.last().map(|event| event.sequence), Some(16_301));
    assert!((32 << 20..=64 << 20).contains(&bytes), "{bytes} bytes");
}
