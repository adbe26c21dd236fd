//! Methods, without HTTP, by a clock that is moved by hand.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use iothub::runtime::transport::BoxFuture;
use serde_json::json;

use super::*;
use crate::state::{Identity, Registry, testing};

fn handler<A: Future<Output = MethodAnswer> + Send + 'static>(
    answer: impl Fn(MethodCall) -> A + Send + Sync + 'static,
) -> Option<MethodHandler> {
    Some(Arc::new(move |call| -> BoxFuture<'static, MethodAnswer> { Box::pin(answer(call)) }))
}

fn says(status: i32) -> Option<MethodHandler> {
    handler(move |call| async move { MethodAnswer::new(status, json!([call.device_id, call.name, call.payload])) })
}

fn asked(name: &str) -> DirectMethod {
    DirectMethod::new(name)
}

fn read(asked: &DirectMethod) -> Call {
    Call::read(asked).unwrap()
}

type Answered = Result<(i32, Value), (u16, String)>;

fn answered(result: Result<MethodAnswer, ServiceError>) -> Answered {
    let refused = |error: ServiceError| (error.status().as_u16(), error.code().unwrap().to_owned());
    result.map(|answer| (answer.status, answer.payload)).map_err(refused)
}

async fn ask(hub: &Hub, device: &str, method: &DirectMethod) -> Answered {
    answered(call(hub, device, &read(method)).await)
}

fn refused(status: u16, code: &str) -> Answered {
    Err((status, code.to_owned()))
}

/// Looks once whether it is done.
fn poll<F: Future>(future: &mut std::pin::Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn is_pending<F: Future>(future: &mut std::pin::Pin<Box<F>>) -> bool {
    poll(future).is_pending()
}

#[tokio::test]
async fn answered_by_whoever_is_set() {
    let hub = testing::hub();
    testing::devices(&hub, ["a", "b"]);
    assert_eq!(ask(&hub, "a", &asked("m")).await, refused(404, "DeviceNotOnline"));
    assert_eq!(hub.set_method("c", "m", says(1)).unwrap_err().code(), Some("DeviceNotFound"));

    hub.set_method("a", "m", says(1)).unwrap();
    let with = asked("m").with_payload(json!({ "x": 1 }));
    assert_eq!(ask(&hub, "a", &with).await, Ok((1, json!(["a", "m", { "x": 1 }]))));
    assert_eq!(ask(&hub, "a", &asked("m")).await, Ok((1, json!(["a", "m", null]))));
    assert_eq!(ask(&hub, "a", &asked("M")).await, Ok((501, Value::Null)), "another method");
    assert_eq!(ask(&hub, "b", &asked("m")).await, refused(404, "DeviceNotOnline"));
    assert_eq!(ask(&hub, "c", &asked("m")).await, refused(404, "DeviceNotFound"));

    // All devices, unless they have a way of their own.
    hub.set_method_of_all("m", says(2)).unwrap();
    hub.set_method_of_all("n", says(3)).unwrap();
    let statuses = async |device, method: &str| ask(&hub, device, &asked(method)).await.map(|(status, _)| status);
    assert_eq!((statuses("a", "m").await, statuses("a", "n").await), (Ok(1), Ok(3)));
    assert_eq!((statuses("b", "m").await, statuses("b", "o").await), (Ok(2), Ok(501)));
    testing::devices(&hub, ["d"]);
    assert_eq!(statuses("d", "m").await, Ok(2));

    hub.set_method("a", "m", None).unwrap();
    assert_eq!(statuses("a", "m").await, Ok(2));
    hub.set_method_of_all("m", None).unwrap();
    hub.set_method_of_all("n", None).unwrap();
    assert_eq!(statuses("a", "m").await, Err((404, "DeviceNotOnline".to_owned())));
}

#[tokio::test]
async fn whoever_answers_is_connected() {
    let hub = testing::hub();
    testing::devices(&hub, ["a", "b", "c"]);
    let connected = || {
        let state = hub.read();
        let of_each: Vec<bool> = ["a", "b", "c"].iter().map(|id| state.live(id).connected).collect();
        assert_eq!(of_each.iter().filter(|is_connected| **is_connected).count(), state.connected());
        of_each
    };
    assert_eq!(connected(), [false, false, false]);
    hub.set_method("a", "m", says(1)).unwrap();
    assert_eq!(connected(), [true, false, false]);
    hub.set_method_of_all("m", says(1)).unwrap();
    assert_eq!(connected(), [true, true, true]);
    // Whoever is disabled is not, and is not known either.
    disable(&hub, "a");
    assert_eq!(connected(), [false, true, true]);
    assert_eq!(ask(&hub, "a", &asked("m")).await, refused(404, "DeviceNotFound"));
    hub.set_method_of_all("m", None).unwrap();
    assert_eq!(connected(), [false, false, false]);
    // A new device of an old id has nothing of it.
    hub.set_method("b", "m", says(1)).unwrap();
    testing::delete(&hub, &["b"]);
    testing::devices(&hub, ["b"]);
    assert_eq!(connected(), [false, false, false]);
}

fn disable(hub: &Hub, id: &str) {
    let done = hub.change(|state, changes| {
        let identity = Identity { enabled: Some(false), ..Identity::default() };
        Registry::open(hub, state, changes, &Default::default())?.update(id, &identity, Vec::new())
    });
    drop(done.unwrap());
}

#[tokio::test]
async fn waits_for_the_device() {
    let hub = testing::hub();
    testing::devices(&hub, ["a", "b"]);
    let call_a = read(&asked("m").with_connect_timeout_in_seconds(300));
    let mut waiting = Box::pin(call(&hub, "a", &call_a));
    assert!(is_pending(&mut waiting));
    hub.clock.advance(Duration::from_secs(200));
    assert!(is_pending(&mut waiting));
    hub.set_method("b", "m", says(1)).unwrap();
    assert!(is_pending(&mut waiting), "another device");
    hub.set_method("a", "n", says(1)).unwrap();
    assert_eq!(answered(waiting.await), Ok((501, Value::Null)), "it is there, and does not know the method");

    hub.set_method("a", "n", None).unwrap();
    let mut waiting = Box::pin(call(&hub, "a", &call_a));
    assert!(is_pending(&mut waiting));
    hub.clock.advance(Duration::from_secs(300));
    assert_eq!(answered(waiting.await), refused(404, "DeviceNotOnline"));

    let mut waiting = Box::pin(call(&hub, "a", &call_a));
    assert!(is_pending(&mut waiting));
    testing::delete(&hub, &["a"]);
    assert_eq!(answered(waiting.await), refused(404, "DeviceNotFound"));
}

#[tokio::test]
async fn waits_for_the_answer() {
    let hub = testing::hub();
    testing::devices(&hub, ["a"]);
    let clock = hub.clock.clone();
    let slow = handler(move |_| {
        let clock = clock.clone();
        async move {
            clock.sleep(Duration::from_secs(200)).await;
            MethodAnswer::new(200, "late")
        }
    });
    hub.set_method("a", "m", slow).unwrap();
    let of = |seconds: Option<i32>| {
        let mut method = asked("m");
        method.response_timeout_in_seconds = seconds;
        read(&method)
    };
    let late = refused(504, "GatewayTimeout");
    // When nothing has come of it yet, and what comes of it then. There is room between them, since time goes on by itself, too.
    for (seconds, not_yet, then, expected) in
        [(None, 15, 15, late.clone()), (Some(100), 50, 50, late), (Some(300), 150, 50, Ok((200, json!("late"))))]
    {
        let call_a = of(seconds);
        let mut waiting = Box::pin(call(&hub, "a", &call_a));
        assert!(is_pending(&mut waiting));
        hub.clock.advance(Duration::from_secs(not_yet));
        assert!(is_pending(&mut waiting));
        hub.clock.advance(Duration::from_secs(then));
        assert_eq!(answered(waiting.await), expected, "{seconds:?}");
    }
}

#[tokio::test]
async fn payloads_have_a_size() {
    let hub = testing::hub();
    testing::devices(&hub, ["a"]);
    // With its quotes.
    let largest = json!("x".repeat(PAYLOAD - 2));
    let larger = json!("x".repeat(PAYLOAD - 1));
    hub.set_method("a", "echo", handler(|call| async move { MethodAnswer::new(1, call.payload) })).unwrap();
    hub.set_method("a", "more", handler(|_| async { MethodAnswer::new(1, "x".repeat(PAYLOAD - 1)) })).unwrap();
    assert_eq!(ask(&hub, "a", &asked("echo").with_payload(largest.clone())).await, Ok((1, largest)));
    let error = Call::read(&asked("echo").with_payload(larger)).unwrap_err();
    assert_eq!((error.status().as_u16(), error.code()), (413, Some("MessageTooLarge")));
    assert_eq!(ask(&hub, "a", &asked("more")).await, refused(500, "InvalidResponseWhileProxying"));
}

#[test]
fn what_is_no_call() {
    let is_refused = |asked: &DirectMethod| {
        let error = Call::read(asked).err().map(|error| (error.status().as_u16(), error.message().to_owned()));
        error.is_some_and(|(status, message)| status == 400 && message.contains(": "))
    };
    assert!(is_refused(&asked("")));
    for (seconds, is_wrong) in [(-1, true), (0, false), (300, false), (301, true), (i32::MAX, true), (i32::MIN, true)] {
        assert_eq!(is_refused(&asked("m").with_connect_timeout_in_seconds(seconds)), is_wrong, "{seconds}");
    }
    for (seconds, is_wrong) in [(-1, true), (0, true), (4, true), (5, false), (300, false), (301, true)] {
        assert_eq!(is_refused(&asked("m").with_response_timeout_in_seconds(seconds)), is_wrong, "{seconds}");
    }
    let usual = read(&asked("m"));
    assert_eq!((usual.connect, usual.response), (Duration::ZERO, Duration::from_secs(30)));
}
