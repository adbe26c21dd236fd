use std::time::{Duration, SystemTime};

use http::StatusCode;
use iothub::runtime::Clock;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::outside::Ack;
use crate::state::Registry;
use crate::state::restart::{self, Kept};

/// So many seconds after 1970.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The same, read slowly: every second, every message is looked at.
#[derive(Debug, Default)]
struct Model {
    now: u64,
    last: u64,
    items: Vec<ModelItem>,
}

#[derive(Debug)]
struct ModelItem {
    sequence: u64,
    expires: u64,
    deliveries: u32,
    lock: Option<(String, u64)>,
}

type ModelEnded = (u64, End, u64);

impl Model {
    fn advance(&mut self, now: u64, most: u32) -> Vec<ModelEnded> {
        let mut ended = Vec::new();
        for second in self.now..=now {
            self.items.retain_mut(|item| {
                let is_over = item.lock.as_ref().is_some_and(|(_, until)| *until <= second);
                if item.expires <= second {
                    ended.push((item.sequence, End::Expired, second));
                    return false;
                }
                if is_over {
                    item.lock = None;
                    if item.deliveries >= most {
                        ended.push((item.sequence, End::DeliveryCountExceeded, second));
                        return false;
                    }
                }
                true
            });
        }
        self.now = now;
        ended
    }
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Push(u64),
    Receive(u64),
    Complete(usize),
    Abandon(usize),
    Purge,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u64..40).prop_map(Step::Wait),
        4 => (1u64..120).prop_map(Step::Push),
        6 => (5u64..60).prop_map(Step::Receive),
        2 => (0usize..6).prop_map(Step::Complete),
        3 => (0usize..6).prop_map(Step::Abandon),
        1 => Just(Step::Purge),
    ];
    prop::collection::vec(step, 0..60)
}

fn told(ended: Vec<Ended>) -> Vec<ModelEnded> {
    let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    ended.into_iter().map(|(queued, end, at)| (queued.sequence, end, seconds(at))).collect()
}

proptest! {
    #[test]
    fn a_line_is_what_a_simple_one_is(steps in steps(), most in 1u32..4) {
        let (mut line, mut model) = (Line::default(), Model { now: 1_000, ..Model::default() });
        let mut tokens: Vec<String> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Wait(seconds) => {
                    let now = model.now + seconds;
                    // As whoever keeps the deadlines does it: from one to the next.
                    let mut ended = Vec::new();
                    while let Some(due) = line.deadline().filter(|due| *due <= at(now)) {
                        ended.extend(told(line.advance(due, most)));
                    }
                    prop_assert_eq!(ended, model.advance(now, most));
                }
                Step::Push(ttl) => {
                    let queued = line.push(Message::new("x"), at(model.now), at(model.now + ttl));
                    model.last += 1;
                    prop_assert_eq!(queued.sequence, model.last);
                    let expires = model.now + ttl;
                    model.items.push(ModelItem { sequence: model.last, expires, deliveries: 0, lock: None });
                }
                Step::Receive(lock) => {
                    let token = format!("t{number}");
                    let until = model.now + lock;
                    let received = line.receive(&token, at(until));
                    let received = received.map(|item| (item.queued.sequence, item.deliveries));
                    let free = model.items.iter_mut().find(|item| item.lock.is_none());
                    let expected = free.map(|item| {
                        item.deliveries += 1;
                        item.lock = Some((token.clone(), until));
                        (item.sequence, item.deliveries)
                    });
                    prop_assert_eq!(received, expected);
                    tokens.push(token);
                }
                Step::Complete(which) | Step::Abandon(which) => {
                    let Some(token) = tokens.iter().rev().nth(which).cloned() else { continue };
                    let found = model.items.iter().position(|item| matches!(&item.lock, Some((own, _)) if *own == token));
                    if matches!(step, Step::Complete(_)) {
                        let expected = found.map(|at| model.items.remove(at).sequence);
                        prop_assert_eq!(line.take(&token).map(|queued| queued.sequence), expected);
                    } else {
                        let expected = found.map(|at| {
                            let item = &mut model.items[at];
                            item.lock = None;
                            (item.deliveries >= most).then(|| model.items.remove(at).sequence)
                        });
                        let gone = line.abandon(&token, most).map(|gone| gone.map(|queued| queued.sequence));
                        prop_assert_eq!(gone, expected);
                    }
                }
                Step::Purge => {
                    let purged: Vec<u64> = line.purge().map(|queued| queued.sequence).collect();
                    let expected: Vec<u64> = model.items.drain(..).map(|item| item.sequence).collect();
                    prop_assert_eq!(purged, expected);
                }
            }
            prop_assert_eq!(line.len(), model.items.len());
            prop_assert_eq!(line.last(), model.last);
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);

async fn put(hub: &Hub, device: &str, message: Message) -> u64 {
    hub.enqueue(device, message).unwrap().durable().await.unwrap()
}

async fn receive(hub: &Hub, device: &str) -> Option<Delivery> {
    hub.receive(device, MINUTE).unwrap().durable().await.unwrap()
}

/// What feedback says, which is then completed: the id of the message, and the code.
async fn feedback(hub: &Hub) -> Vec<(String, String)> {
    let Some(received) = hub.receive_feedback().unwrap().durable().await.unwrap() else { return Vec::new() };
    hub.complete_feedback(&received.token).unwrap().durable().await.unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    received.records.iter().map(|told| (text(&told["originalMessageId"]), text(&told["statusCode"]))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, code)| ((*id).to_owned(), (*code).to_owned())).collect()
}

#[tokio::test]
async fn feedback_is_what_was_asked_for() {
    let hub = restart::hub();
    restart::device(&hub, "d").await;
    for (ack, name) in
        [(Ack::None, "none"), (Ack::Positive, "positive"), (Ack::Negative, "negative"), (Ack::Full, "full")]
    {
        for how in ["completed", "rejected"] {
            put(&hub, "d", Message::new("x").id(format!("{name} {how}")).ack(ack)).await;
            let token = receive(&hub, "d").await.unwrap().token;
            let how = if how == "completed" { Settlement::Complete } else { Settlement::Reject };
            hub.settle("d", &token, how).unwrap().durable().await.unwrap();
            assert_eq!(hub.settle("d", &token, how).unwrap_err().code(), Some("DeviceMessageLockLost"));
        }
    }
    let expected = pairs(&[
        ("positive completed", "Success"),
        ("negative rejected", "Rejected"),
        ("full completed", "Success"),
        ("full rejected", "Rejected"),
    ]);
    assert_eq!(feedback(&hub).await, expected);
    assert!(feedback(&hub).await.is_empty());
}

#[tokio::test]
async fn messages_end_by_themselves() {
    let hub = restart::hub();
    restart::device(&hub, "d").await;
    restart::device(&hub, "e").await;
    let expiry = hub.clock.now() + 10 * MINUTE;
    put(&hub, "e", Message::new("1").id("later").ack(Ack::Full).expiry(expiry + MINUTE)).await;
    put(&hub, "d", Message::new("2").id("sooner").ack(Ack::Negative).expiry(expiry)).await;
    put(&hub, "d", Message::new("3").id("usual").ack(Ack::Negative)).await;
    assert_eq!(depth(&hub.read(), "d"), 2);
    hub.clock.advance(12 * MINUTE);
    // In the order in which they ended, whatever the device.
    assert_eq!(feedback(&hub).await, pairs(&[("sooner", "Expired"), ("later", "Expired")]));
    assert_eq!((depth(&hub.read(), "d"), depth(&hub.read(), "e")), (1, 0));
    hub.clock.advance(47 * MINUTE);
    assert_eq!(receive(&hub, "d").await.unwrap().queued.message.body, "3");
    hub.clock.advance(2 * MINUTE);
    assert!(receive(&hub, "d").await.is_none());
    assert_eq!(feedback(&hub).await, pairs(&[("usual", "Expired")]));
}

#[tokio::test]
async fn a_message_is_delivered_ten_times() {
    let hub = restart::hub();
    restart::device(&hub, "d").await;
    put(&hub, "d", Message::new("x").id("m").ack(Ack::Full)).await;
    for before in 0..10 {
        let delivery = receive(&hub, "d").await.unwrap();
        assert_eq!(delivery.before, before);
        assert!(receive(&hub, "d").await.is_none());
        match before % 2 {
            0 => hub.settle("d", &delivery.token, Settlement::Abandon).unwrap().durable().await.unwrap(),
            _ => hub.clock.advance(MINUTE),
        }
        let error = hub.settle("d", &delivery.token, Settlement::Complete).unwrap_err();
        assert_eq!((error.status(), error.code()), (StatusCode::PRECONDITION_FAILED, Some("DeviceMessageLockLost")));
    }
    assert!(receive(&hub, "d").await.is_none());
    assert_eq!(feedback(&hub).await, pairs(&[("m", "DeliveryCountExceeded")]));
}

#[tokio::test]
async fn the_hub_says_how_long_and_how_often() {
    let hub = restart::hub();
    restart::device(&hub, "d").await;
    let settings = json!({
        "maxDeliveryCount": 1,
        "defaultTtlAsIso8601": "PT2M",
        "feedback": { "lockDurationAsIso8601": "PT30S", "ttlAsIso8601": "PT3M", "maxDeliveryCount": 2 },
    });
    let set = hub.change(|state, _| {
        state.resource.properties.insert("cloudToDevice".to_owned(), settings);
        Ok::<(), ServiceError>(())
    });
    set.unwrap().durable().await.unwrap();
    put(&hub, "d", Message::new("x").id("once").ack(Ack::Full)).await;
    let token = receive(&hub, "d").await.unwrap().token;
    hub.settle("d", &token, Settlement::Abandon).unwrap().durable().await.unwrap();
    put(&hub, "d", Message::new("x").id("late").ack(Ack::Full)).await;
    hub.clock.advance(2 * MINUTE);
    let all =
        || async { hub.receive_feedback().unwrap().durable().await.unwrap().map(|received| received.records.len()) };
    assert_eq!((all().await, all().await), (Some(2), None));
    hub.clock.advance(MINUTE / 2);
    assert_eq!(all().await, Some(2));
    hub.clock.advance(MINUTE / 2);
    // Both were delivered twice.
    assert_eq!(all().await, None);
    put(&hub, "d", Message::new("x").id("unheard").ack(Ack::Full)).await;
    hub.clock.advance(6 * MINUTE);
    // It has expired after two minutes, and what there was to be heard of that three minutes later.
    assert_eq!(all().await, None);
}

#[tokio::test]
async fn feedback_comes_in_batches() {
    let hub = restart::hub();
    restart::device(&hub, "d").await;
    for _ in 0..2 {
        for number in 0..50 {
            put(&hub, "d", Message::new("x").id(number.to_string()).ack(Ack::Negative)).await;
        }
        assert_eq!(purge(&hub, "d").await.unwrap(), 50);
    }
    let take = || async { hub.receive_feedback().unwrap().durable().await.unwrap() };
    let (first, second) = (take().await.unwrap(), take().await.unwrap());
    assert_eq!((first.records.len(), second.records.len()), (64, 36));
    assert!(take().await.is_none());
    assert_eq!(first.records[0]["statusCode"], "Purged");
    hub.abandon_feedback(&first.token).unwrap().durable().await.unwrap();
    assert_eq!(hub.complete_feedback(&first.token).unwrap_err().code(), Some("DeviceMessageLockLost"));
    let again = take().await.unwrap();
    assert_eq!(again.records, first.records);
    assert_ne!(again.token, first.token);
    hub.complete_feedback(&again.token).unwrap().durable().await.unwrap();
    hub.clock.advance(MINUTE);
    assert_eq!(hub.abandon_feedback(&second.token).unwrap_err().code(), Some("DeviceMessageLockLost"));
    assert_eq!(take().await.unwrap().records, second.records);
}

#[tokio::test]
async fn what_is_refused() {
    let hub = restart::hub();
    restart::device(&hub, "d").await;
    let refused = |device: &str, message: Message| {
        let error = hub.enqueue(device, message).unwrap_err();
        (error.status().as_u16(), error.code().unwrap().to_owned())
    };
    assert_eq!(refused("none", Message::new("")), (404, "DeviceNotFound".to_owned()));
    let large = vec![0; 65_536 - 3];
    let message = Message::new(large.clone()).property("ab", "c");
    assert_eq!(hub.enqueue("d", message.clone()).unwrap().durable().await.unwrap(), 1);
    assert_eq!(refused("d", message.property("d", "")), (413, "MessageTooLarge".to_owned()));
    assert_eq!(refused("d", Message::new("").property("a b", "")), (400, "ArgumentInvalid".to_owned()));
    assert_eq!(refused("d", Message::new("").property("a", "\r\nb")), (400, "ArgumentInvalid".to_owned()));
    assert_eq!(refused("d", Message::new("").id("\0")), (400, "ArgumentInvalid".to_owned()));
    for _ in 1..50 {
        put(&hub, "d", Message::new("")).await;
    }
    // A message that is locked still waits.
    assert!(receive(&hub, "d").await.is_some());
    assert_eq!(refused("d", Message::new("")), (403, "DeviceMaximumQueueDepthExceeded".to_owned()));
    assert_eq!(hub.receive("none", MINUTE).unwrap_err().code(), Some("DeviceNotFound"));
    assert_eq!(purge(&hub, "none").await.unwrap_err().code(), Some("DeviceNotFound"));
}

fn sample() -> Message {
    let mut message = Message::new(vec![0, 255, 10]).id("m").correlation_id("c").user_id("u").ack(Ack::Full);
    message.properties.insert("unit".to_owned(), "\u{e4}".to_owned());
    message
}

#[tokio::test]
async fn what_waits_outlives_a_restart() {
    let kept = Kept::new().await;
    let hub = kept.hub.clone();
    restart::device(&hub, "d").await;
    put(&hub, "d", sample()).await;
    put(&hub, "d", Message::new("2").id("second").ack(Ack::Positive).expiry(hub.clock.now() + 90 * MINUTE)).await;
    put(&hub, "d", Message::new("3")).await;
    let (one, two) = (receive(&hub, "d").await.unwrap(), receive(&hub, "d").await.unwrap());
    hub.settle("d", &two.token, Settlement::Complete).unwrap().durable().await.unwrap();
    drop(hub);
    let kept = kept.reopened().await;
    let hub = kept.hub.clone();
    // Locks are gone, and what was delivered is known.
    assert_eq!(hub.settle("d", &one.token, Settlement::Complete).unwrap_err().code(), Some("DeviceMessageLockLost"));
    let again = receive(&hub, "d").await.unwrap();
    assert_eq!((again.before, &*again.queued), (1, &*one.queued));
    assert_eq!(again.queued.message, sample());
    assert_eq!(receive(&hub, "d").await.unwrap().queued.message.body, "3");
    assert_eq!(feedback(&hub).await, pairs(&[("second", "Success")]));
    purge(&hub, "d").await.unwrap();
    drop(hub);
    let kept = kept.reopened().await;
    assert_eq!(feedback(&kept.hub).await, pairs(&[("m", "Purged")]));
    // Numbers do not come again.
    assert_eq!(put(&kept.hub, "d", Message::new("4")).await, 4);
}

#[tokio::test]
async fn locks_are_lost_and_deliveries_count() {
    let kept = Kept::new().await;
    let hub = kept.hub.clone();
    restart::device(&hub, "d").await;
    put(&hub, "d", Message::new("x").id("m").ack(Ack::Full)).await;
    put(&hub, "d", Message::new("y").id("n").ack(Ack::Full)).await;
    for _ in 1..10 {
        let token = receive(&hub, "d").await.unwrap().token;
        hub.settle("d", &token, Settlement::Abandon).unwrap().durable().await.unwrap();
    }
    assert_eq!(receive(&hub, "d").await.unwrap().before, 9);
    drop(hub);
    let kept = kept.reopened().await;
    let hub = kept.hub.clone();
    assert_eq!(depth(&hub.read(), "d"), 1, "the first was delivered as often as may be");
    assert_eq!(receive(&hub, "d").await.unwrap().queued.message.body, "y");
    // The same of feedback.
    for _ in 1..10 {
        let token = hub.receive_feedback().unwrap().durable().await.unwrap().unwrap().token;
        hub.abandon_feedback(&token).unwrap().durable().await.unwrap();
    }
    drop(hub);
    let kept = kept.reopened().await;
    let received = kept.hub.receive_feedback().unwrap().durable().await.unwrap().unwrap();
    assert_eq!(received.records[0]["statusCode"], "DeliveryCountExceeded");
    let kept = kept.reopened().await;
    assert!(feedback(&kept.hub).await.is_empty());
}

#[tokio::test]
async fn what_waits_goes_with_its_device() {
    let kept = Kept::new().await;
    let hub = kept.hub.clone();
    restart::device(&hub, "d").await;
    put(&hub, "d", Message::new("x").ack(Ack::Full)).await;
    let deleted = hub
        .change(|state, changes| Registry::open(&hub, state, changes, &crate::config::Limits::default())?.delete("d"));
    deleted.unwrap().durable().await.unwrap();
    restart::device(&hub, "d").await;
    drop(hub);
    let kept = kept.reopened().await;
    kept.hub.clock.advance(61 * MINUTE);
    assert_eq!(depth(&kept.hub.read(), "d"), 0);
    assert!(feedback(&kept.hub).await.is_empty());
    assert_eq!(put(&kept.hub, "d", Message::new("y")).await, 1);
}

#[tokio::test]
async fn damaged_records_are_told() {
    let hub = restart::hub();
    restart::device(&hub, "d").await;
    let devices = hub.read().devices.clone();
    let mut state = HubState { devices, ..HubState::default() };
    let good = json!({ "enqueued": at(0), "expires": at(1), "deliveries": 0, "body": "AA==", "ack": "full" });
    let mut load =
        |kind: &str, id: &str, record: &serde_json::Value| state.load(kind, id, record.to_string().as_bytes());
    load("message", "d/1", &good).unwrap();
    for (id, name, value) in [
        ("d", "body", json!("AA==")),
        ("none/1", "body", json!("AA==")),
        ("d/x", "body", json!("AA==")),
        ("d/1", "body", json!("*")),
        ("d/1", "ack", json!("some")),
        ("d/1", "deliveries", json!(-1)),
    ] {
        let mut record = good.clone();
        record[name] = value;
        load("message", id, &record).unwrap_err();
    }
    load("queue", "d", &json!("x")).unwrap_err();
    load("queue", "none", &json!(1)).unwrap_err();
    load("upload", "x", &json!({ "device": "none", "blob": "b", "expires": at(0) })).unwrap_err();
    load("feedback", "00000000000000000001", &json!({})).unwrap_err();
    // As it was written when deliveries were not kept.
    let told = json!({
        "sequence": 1, "message": "m", "device": "d", "generation": 1, "end": "Success", "at": at(0), "expires": at(1),
    });
    load("feedback", "00000000000000000001", &told).unwrap();
}
