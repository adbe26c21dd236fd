//! Events from devices, messages to them, and what becomes of these.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use iothub::hub::models::Device;
use serde_json::json;

use super::*;
use crate::outside::{Ack, Message};

impl Emulator {
    async fn with_device(&self, id: &str) -> iothub::device::Client {
        let made = self.owner().devices().put(id, &Device::new(id)).await.unwrap().into_body();
        let key = made.authentication.unwrap().symmetric_key.unwrap().primary_key.unwrap();
        self.device(id, key.expose().parse().unwrap())
    }

    pub(super) fn device(&self, id: &str, key: SasKey) -> iothub::device::Client {
        let transport = Arc::new(InProcess::new(self.router.clone()));
        let pipeline = Pipeline::new(Endpoint::new(HOST).unwrap(), transport)
            .with_retry(Retry::none())
            .with_clock(Arc::new(self.world.clock.clone()))
            .with_credential(Arc::new(SasCredential::for_device(HOST, id, key)));
        iothub::device::Client::with_pipeline(pipeline, id)
    }

    fn hub(&self) -> Arc<Hub> {
        self.world.hub("h").unwrap()
    }

    async fn put(&self, device: &str, message: Message) {
        self.hub().enqueue(device, message).unwrap().durable().await.unwrap();
    }

    /// A request by hand with a body of bytes.
    async fn raw(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let token = self.token(HOST, Some("iothubowner"), &key("iothubowner"));
        let mut request =
            Request::builder().method(method).uri(path).header("host", HOST).header("authorization", token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.into())).unwrap();
        let (head, body) = self.router.clone().call(request).await.unwrap().into_parts();
        let text = String::from_utf8_lossy(&body.collect(1 << 24).await.unwrap()).into_owned();
        Answer { status: head.status, headers: head.headers, text }
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The status of an error, and its code.
fn told(error: &iothub::Error) -> (u16, String) {
    (error.status().map_or(0, |status| status.as_u16()), error.code().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn events_are_kept() {
    let emulator = Emulator::start(Profile::Service);
    let device = emulator.with_device("d1").await;
    let generation = emulator.hub().read().devices["d1"].generation.to_string();
    let before = emulator.world.clock.now();
    let answer = device
        .messages()
        .send(Bytes::from_static(&[0, 255, 10]))
        .property("Level", "high")
        .message_id("m")
        .correlation_id("c")
        .user_id("u")
        .await
        .unwrap();
    assert_eq!(answer.status(), 204);
    let events = emulator.hub().events_after(0, 9);
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.sequence, &*event.device_id, &event.body[..]), (1, "d1", &[0, 255, 10][..]));
    assert_eq!(event.properties, map(&[("level", "high")]));
    let auth = r#"{"scope":"device","type":"sas","issuer":"iothub"}"#;
    let system = map(&[
        ("message-id", "m"),
        ("correlation-id", "c"),
        ("user-id", "u"),
        ("content-type", "application/octet-stream"),
        ("iothub-connection-device-id", "d1"),
        ("iothub-connection-device-generation-id", &generation),
        ("iothub-connection-auth-method", auth),
        ("iothub-message-source", "Telemetry"),
    ]);
    assert_eq!(event.system, system);
    assert!(event.enqueued >= before && event.enqueued <= emulator.world.clock.now());
}

#[tokio::test]
async fn batches_are_several_events() {
    let emulator = Emulator::start(Profile::Service);
    emulator.with_device("d1").await;
    let send = |body: &'static str| {
        let headers = [("content-type", "application/vnd.microsoft.iothub.json")];
        let path = format!("/devices/d1/messages/events?{VERSION}");
        let emulator = &emulator;
        async move { emulator.raw(Method::POST, &path, &headers, body).await }
    };
    let answer = send(r#"[{"body":"b25l"},{"body":"dHdv","properties":{"iothub-app-k":"v"}}]"#).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    let events = emulator.hub().events_after(0, 9);
    let seen: Vec<_> = events.iter().map(|event| (event.sequence, &event.body[..], event.properties.len())).collect();
    assert_eq!(seen, [(1, &b"one"[..], 0), (2, &b"two"[..], 1)]);
    assert!(events[0].system["iothub-connection-auth-method"].contains("hub"));
    // All or nothing.
    let answer = send(r#"[{"body":"b25l"},{"body":"*"}]"#).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "ArgumentInvalid"));
    assert_eq!(emulator.hub().events_after(0, 9).len(), 2);
}

#[tokio::test]
async fn events_have_a_largest_size() {
    let emulator = Emulator::start(Profile::Service);
    emulator.with_device("d1").await;
    let path = format!("/devices/d1/messages/events?{VERSION}");
    for (length, expected) in [(262_144 - 4, 204), (262_144 - 3, 413), (3 << 20, 413)] {
        let answer = emulator.raw(Method::POST, &path, &[("iothub-app-ab", "cd")], vec![b'x'; length]).await;
        assert_eq!(answer.status.as_u16(), expected, "{length}");
        if expected == 413 {
            assert_eq!(answer.code(), "MessageTooLarge");
        }
    }
    assert_eq!(emulator.hub().events_after(0, 9).len(), 1);
    let headers: Vec<(String, String)> = (0..5).map(|at| (format!("iothub-app-{at}"), "x".repeat(60_000))).collect();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(emulator.raw(Method::POST, &path, &headers, "").await.status, 413);
}

#[tokio::test]
async fn nobody_knows_such_a_device() {
    let emulator = Emulator::start(Profile::Service);
    for (method, path) in [
        (Method::POST, "/devices/none/messages/events"),
        (Method::GET, "/devices/none/messages/devicebound"),
        (Method::DELETE, "/devices/none/messages/devicebound/x"),
        (Method::POST, "/devices/none/messages/devicebound/x/abandon"),
        (Method::POST, "/devices/none/files"),
        (Method::POST, "/devices/none/files/notifications"),
        (Method::POST, "/devices/none/files/notifications/x"),
        (Method::DELETE, "/devices/none/commands"),
    ] {
        let body = json!({ "blobName": "x", "correlationId": "x" });
        let body = path.contains("files").then_some(&body);
        let answer = emulator.send(method, &format!("{path}?{VERSION}"), &[], body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "DeviceNotFound"), "{path}");
    }
    let answer = emulator.send(Method::GET, &format!("/devices/a%20b/messages/devicebound?{VERSION}"), &[], None).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "ArgumentInvalid"));
}

/// All headers of a message, as the service has them.
#[tokio::test]
async fn headers_of_messages() {
    let emulator = Emulator::start(Profile::Service);
    emulator.with_device("d1").await;
    let path = format!("/devices/d1/messages/devicebound?{VERSION}");
    let get = || emulator.send(Method::GET, &path, &[], None);
    let none = get().await;
    assert_eq!((none.status.as_u16(), none.text.as_str(), none.header("etag")), (204, "", None));

    emulator.put("d1", Message::new("bare")).await;
    let expiry = "2100-12-22T13:05:09Z".parse::<iothub::runtime::time::DateTime>().unwrap().try_into().unwrap();
    let mut full = Message::new("full").id("m").correlation_id("c").user_id("u").ack(Ack::Full).expiry(expiry);
    full.properties = map(&[("unit", "heater"), ("Level", "1")]);
    emulator.put("d1", full).await;

    let bare = get().await;
    assert_eq!((bare.status.as_u16(), bare.text.as_str()), (200, "bare"));
    let token = bare.header("etag").unwrap();
    assert!(token.len() == 38 && token.starts_with('"') && token.ends_with('"'), "{token}");
    for (name, value) in [
        ("iothub-messageid", ""),
        ("iothub-correlationid", ""),
        ("iothub-userid", ""),
        ("iothub-sequencenumber", "1"),
        ("iothub-deliverycount", "0"),
        ("iothub-expiry", ""),
        ("iothub-to", "/devices/d1/messages/deviceBound"),
        ("iothub-ack", "none"),
    ] {
        assert_eq!(bare.header(name), Some(value), "{name}");
    }
    let time = bare.header("iothub-enqueuedtime").unwrap();
    assert!(time.ends_with("AM") || time.ends_with("PM"), "{time}");
    let full = get().await;
    for (name, value) in [
        ("iothub-messageid", "m"),
        ("iothub-correlationid", "c"),
        ("iothub-userid", "u"),
        ("iothub-sequencenumber", "2"),
        ("iothub-expiry", "12/22/2100 1:05:09 PM"),
        ("iothub-ack", "full"),
        ("iothub-app-unit", "heater"),
        ("iothub-app-level", "1"),
    ] {
        assert_eq!(full.header(name), Some(value), "{name}");
    }
    assert_eq!(get().await.status, 204);
}

#[test]
fn times_of_messages() {
    for (time, text) in [
        ("2017-12-22T00:14:12Z", "12/22/2017 12:14:12 AM"),
        ("2017-01-02T12:00:00.5Z", "1/2/2017 12:00:00 PM"),
        ("2017-10-20T23:59:59Z", "10/20/2017 11:59:59 PM"),
        ("2017-10-20T01:02:03Z", "10/20/2017 1:02:03 AM"),
    ] {
        let time = time.parse::<iothub::runtime::time::DateTime>().unwrap();
        assert_eq!(crate::services::http_runtime::time(time.try_into().unwrap()), text);
    }
}

#[tokio::test]
async fn messages_are_settled() {
    let emulator = Emulator::start(Profile::Service);
    let device = emulator.with_device("d1").await;
    let messages = device.messages();
    for text in ["1", "2", "3"] {
        emulator.put("d1", Message::new(text)).await;
    }
    let receive = || async {
        let answer = messages.receive().await.unwrap();
        let tag = answer.etag().ok().map(|tag| tag.opaque().to_owned());
        (answer.into_body().map(|body| String::from_utf8(body.to_vec()).unwrap()).unwrap_or_default(), tag)
    };
    let count =
        || async { emulator.owner().devices().get("d1").await.unwrap().into_body().cloud_to_device_message_count };
    assert_eq!(count().await, Some(3));
    let [(_, one), (_, two), (text, three)] = [receive().await, receive().await, receive().await];
    assert_eq!((text.as_str(), receive().await.1), ("3", None));
    let [one, two, three] = [one, two, three].map(Option::unwrap);
    messages.complete(&one).await.unwrap();
    assert_eq!(count().await, Some(2));
    messages.complete(&two).reject().await.unwrap();
    messages.abandon(&three).await.unwrap();
    let (text, again) = receive().await;
    assert_eq!(text, "3");
    let again = again.unwrap();
    assert_ne!(again, three);
    for lost in [&one, &two, &three, "00000000-0000-0000-0000-000000000000"] {
        let expected = (412, "DeviceMessageLockLost".to_owned());
        assert_eq!(told(&messages.complete(lost).await.unwrap_err()), expected);
        assert_eq!(told(&messages.complete(lost).reject().await.unwrap_err()), expected);
        assert_eq!(told(&messages.abandon(lost).await.unwrap_err()), expected);
    }
    // Clients of 2017 repeat the token in If-Match, which is no condition here.
    let path = format!("/devices/d1/messages/devicebound/{again}?{VERSION}");
    assert_eq!(emulator.send(Method::DELETE, &path, &[("if-match", &again)], None).await.status, 204);
    assert_eq!(count().await, Some(0));
}

#[tokio::test]
async fn locks_run_out() {
    let emulator = Emulator::start(Profile::Service);
    let device = emulator.with_device("d1").await;
    emulator.put("d1", Message::new("x")).await;
    let messages = device.messages();
    // What is asked for, and for how long it is locked.
    let cases = [(None, 60), (Some(5), 5), (Some(300), 300), (Some(1), 5), (Some(-9), 5), (Some(1_000), 300)];
    for (deliveries, (asked, seconds)) in cases.into_iter().enumerate() {
        let receive = || match asked {
            None => messages.receive(),
            Some(asked) => messages.receive().lock_timeout_seconds(asked),
        };
        let answer = receive().await.unwrap();
        assert_eq!(answer.header("iothub-deliverycount"), Some(deliveries.to_string().as_str()));
        emulator.world.clock.advance(Duration::from_secs(seconds - 1));
        assert_eq!(receive().await.unwrap().status(), 204, "{asked:?}");
        emulator.world.clock.advance(Duration::from_secs(1));
        let lost = messages.complete(answer.etag().unwrap().opaque()).await.unwrap_err();
        assert_eq!(told(&lost), (412, "DeviceMessageLockLost".to_owned()));
    }
    let answer = emulator.send(Method::HEAD, &format!("/devices/d1/messages/devicebound?{VERSION}"), &[], None).await;
    assert_eq!(answer.status, 405);
    assert_eq!(messages.receive().await.unwrap().status(), 200);
}

#[tokio::test]
async fn feedback_over_http() {
    let emulator = Emulator::start(Profile::Service);
    let device = emulator.with_device("d1").await;
    let path = |rest: &str| format!("/messages/servicebound/feedback{rest}?{VERSION}");
    assert_eq!(emulator.send(Method::GET, &path(""), &[], None).await.status, 204);
    emulator.put("d1", Message::new("x").id("m1").ack(Ack::Full)).await;
    emulator.put("d1", Message::new("y").id("m2").ack(Ack::Full)).await;
    let token = device.messages().receive().await.unwrap().etag().unwrap();
    device.messages().complete(token.opaque()).await.unwrap();
    emulator.owner().devices().purge_commands("d1").await.unwrap();

    let answer = emulator.send(Method::GET, &path(""), &[], None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/vnd.microsoft.iothub.feedback.json"));
    assert!(answer.header("iothub-enqueuedtime").is_some_and(|time| time.ends_with('M')));
    let generation = emulator.hub().read().devices["d1"].generation.to_string();
    let records = answer.json();
    let told: Vec<_> = records
        .as_array()
        .unwrap()
        .iter()
        .map(|told| {
            let time = told["enqueuedTimeUtc"].as_str().unwrap();
            assert!(time.len() == 28 && time.ends_with('Z'), "{time}");
            assert_eq!((&told["deviceId"], &told["deviceGenerationId"]), (&json!("d1"), &json!(generation)));
            assert_eq!(told.as_object().unwrap().len(), 6);
            (told["originalMessageId"].clone(), told["statusCode"].clone(), told["description"].clone())
        })
        .collect();
    let line = |id: &str, code: &str| (json!(id), json!(code), json!(code));
    assert_eq!(told, [line("m1", "Success"), line("m2", "Purged")]);
    let token = answer.header("etag").unwrap().trim_matches('"').to_owned();
    assert_eq!(emulator.send(Method::GET, &path(""), &[], None).await.status, 204);
    assert_eq!(emulator.send(Method::POST, &path(&format!("/{token}/abandon")), &[], None).await.status, 204);
    let again = emulator.send(Method::GET, &path(""), &[], None).await;
    assert_eq!(again.json(), records);
    let lost = emulator.send(Method::DELETE, &path(&format!("/{token}")), &[], None).await;
    assert_eq!((lost.status.as_u16(), lost.code().as_str()), (412, "DeviceMessageLockLost"));
    let token = again.header("etag").unwrap().trim_matches('"').to_owned();
    assert_eq!(emulator.send(Method::DELETE, &path(&format!("/{token}")), &[], None).await.status, 204);
    emulator.world.clock.advance(Duration::from_secs(60));
    assert_eq!(emulator.send(Method::GET, &path(""), &[], None).await.status, 204);
    assert_eq!(emulator.send(Method::HEAD, &path(""), &[], None).await.status, 405);
}

#[tokio::test]
async fn queues_are_emptied() {
    let emulator = Emulator::start(Profile::Service);
    let device = emulator.with_device("d1").await;
    for _ in 0..3 {
        emulator.put("d1", Message::new("x")).await;
    }
    assert_eq!(device.messages().receive().await.unwrap().status(), 200);
    let purge = || async { emulator.owner().devices().purge_commands("d1").await.unwrap().into_body() };
    let purged = purge().await;
    assert_eq!((purged.total_messages_purged, purged.device_id.as_deref()), (Some(3), Some("d1")));
    assert_eq!(purge().await.total_messages_purged, Some(0));
}
