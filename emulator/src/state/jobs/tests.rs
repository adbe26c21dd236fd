//! Jobs, without HTTP, by a clock that is moved by hand.

mod kept;

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::*;
use crate::outside::{MethodAnswer, MethodHandler};
use crate::state::{Identity, Registry, testing};

const MINUTE: Duration = Duration::from_secs(60);

fn method(name: &str) -> Task {
    Task::Method(DirectMethod::new(name))
}

fn twin(changes: Value) -> Task {
    Task::Twin(serde_json::from_value(changes).unwrap())
}

fn tag(value: u32) -> Task {
    twin(json!({ "etag": "*", "tags": { "x": value } }))
}

fn plan(hub: &Hub, id: &str, task: Task, condition: &str) -> Plan {
    let now = hub.clock.now();
    Plan { id: id.into(), number: 0, task, condition: condition.to_owned(), created: now, start: now, seconds: 600 }
}

fn schedule(hub: &Arc<Hub>, plan: Plan) -> Seen {
    limited(hub, &Limits::default(), plan).unwrap()
}

fn limited(hub: &Arc<Hub>, limits: &Limits, plan: Plan) -> Result<Seen, (u16, String)> {
    let id = plan.id.clone();
    let pending = run::schedule(hub, limits, plan);
    drop(pending.map_err(|error| (error.status().as_u16(), error.code().unwrap().to_owned()))?);
    Ok(seen(hub, &id).unwrap())
}

fn seen(hub: &Hub, id: &str) -> Option<Seen> {
    hub.read().jobs.get(id, hub.clock.now())
}

fn tally(hub: &Hub, id: &str) -> [usize; 4] {
    let Tally { pending, running, succeeded, failed } = seen(hub, id).unwrap().tally;
    [pending, running, succeeded, failed]
}

/// Lets tasks go on until something is the case.
async fn until(what: impl Fn() -> bool) {
    for _ in 0..100_000 {
        if what() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never comes to that");
}

/// Lets tasks do what they can.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

async fn ended(hub: &Hub, id: &str) -> End {
    until(|| matches!(seen(hub, id).unwrap().phase, Phase::Ended { .. })).await;
    match seen(hub, id).unwrap().phase {
        Phase::Ended { how, .. } => how,
        other => panic!("{other:?}"),
    }
}

fn is_running(hub: &Hub, id: &str) -> bool {
    matches!(seen(hub, id).unwrap().phase, Phase::Running { .. })
}

fn cancelled(hub: &Hub, id: &str) -> Result<Phase, (u16, String)> {
    let mut seen = None;
    let done = hub.change(|state, changes| cancel(hub, state, changes, id).map(|job| seen = Some(job)));
    drop(done.map_err(|error| (error.status().as_u16(), error.code().unwrap().to_owned()))?);
    Ok(seen.unwrap().phase)
}

fn rows(hub: &Hub) -> Vec<Value> {
    let (mut rows, mut scan) = (Vec::new(), JobScan::new(None, None, None));
    while let Some(part) = scan.next(hub) {
        rows.extend(part.iter().map(DeviceJob::whole));
    }
    rows
}

/// Of each row of a job: the device, the status, and why it failed or what it answered.
fn outcomes(hub: &Hub, id: &str) -> Vec<String> {
    let of_job = rows(hub).into_iter().filter(|row| row["jobId"] == id);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let shown = of_job.map(|row| {
        let answer = &row["outcome"]["deviceMethodResponse"];
        let answer = if answer.is_null() { text(&row["error"]["code"]) } else { answer.to_string() };
        format!("{} {} {answer}", text(&row["deviceId"]), text(&row["status"])).trim_end().to_owned()
    });
    shown.collect()
}

fn tags(hub: &Hub, id: &str) -> String {
    hub.read().devices[id].twin.tags.to_string()
}

fn says(status: i32) -> Option<MethodHandler> {
    Some(Arc::new(move |call| Box::pin(async move { MethodAnswer::new(status, call.payload) })))
}

/// A method that does not answer before it is told to, and how often it was called.
fn held() -> (Option<MethodHandler>, Arc<Notify>, Arc<AtomicUsize>) {
    let (go_on, calls) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (waits, counts) = (go_on.clone(), calls.clone());
    let handler: MethodHandler = Arc::new(move |_| {
        counts.fetch_add(1, Ordering::Relaxed);
        let waits = waits.clone();
        Box::pin(async move {
            waits.notified().await;
            MethodAnswer::new(200, Value::Null)
        })
    });
    (Some(handler), go_on, calls)
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("d{number:04}")).collect()
}

fn with_devices(ids: &[&str]) -> Arc<Hub> {
    let hub = testing::hub();
    testing::devices(&hub, ids.iter().copied());
    hub
}

#[tokio::test]
async fn twins_are_changed() {
    let hub = with_devices(&["a", "b", "c", "d"]);
    schedule(&hub, plan(&hub, "one", tag(1), "deviceId IN ['b', 'c', 'x']"));
    assert_eq!(seen(&hub, "one").unwrap().phase, Phase::Waiting);
    assert_eq!(ended(&hub, "one").await, End::Completed);
    assert_eq!(["a", "b", "c", "d"].map(|id| tags(&hub, id)), ["{}", r#"{"x":1}"#, r#"{"x":1}"#, "{}"]);
    assert_eq!(
        (tally(&hub, "one"), outcomes(&hub, "one")),
        ([0, 0, 2, 0], vec!["b completed".into(), "c completed".into()])
    );
    assert_eq!(hub.read().devices["b"].twin.version, 2);

    // As merging goes; by a condition on what it changes; and for all.
    let merge = twin(json!({ "etag": "\"*\"", "tags": { "x": null, "y": { "z": 1 } },
        "properties": { "desired": { "speed": 7 }, "reported": { "ignored": 1 } } }));
    schedule(&hub, plan(&hub, "two", merge, "tags.x = 1"));
    assert_eq!(ended(&hub, "two").await, End::Completed);
    assert_eq!((tags(&hub, "b"), tally(&hub, "two")), (r#"{"y":{"z":1}}"#.to_owned(), [0, 0, 2, 0]));
    assert!(hub.read().devices["b"].twin.desired.get().contains("\"speed\":7"));
    assert!(!hub.read().devices["b"].twin.reported.get().contains("ignored"));
    schedule(&hub, plan(&hub, "three", tag(3), " * "));
    assert_eq!((ended(&hub, "three").await, tally(&hub, "three")), (End::Completed, [0, 0, 4, 0]));
    schedule(&hub, plan(&hub, "none", tag(3), "tags.x = 9"));
    assert_eq!((ended(&hub, "none").await, tally(&hub, "none")), (End::Completed, [0; 4]));
}

#[tokio::test]
async fn twins_of_a_tag_only() {
    let hub = with_devices(&["a", "b"]);
    schedule(&hub, plan(&hub, "one", tag(1), "deviceId = 'a'"));
    ended(&hub, "one").await;
    let etag = hub.read().devices["b"].twin.etag();
    schedule(&hub, plan(&hub, "two", twin(json!({ "etag": etag, "tags": { "x": 2 } })), "*"));
    assert_eq!(ended(&hub, "two").await, End::Completed);
    assert_eq!(outcomes(&hub, "two"), ["a failed PreconditionFailed", "b completed"]);
    assert_eq!((tally(&hub, "two"), tags(&hub, "a")), ([0, 0, 1, 1], r#"{"x":1}"#.to_owned()));
    // A twin that would become too large, where another does not.
    let text = "x".repeat(3_000);
    schedule(
        &hub,
        plan(&hub, "three", twin(json!({ "etag": "*", "tags": { "a": text, "b": text } })), "deviceId = 'a'"),
    );
    ended(&hub, "three").await;
    schedule(&hub, plan(&hub, "four", twin(json!({ "etag": "*", "tags": { "c": text } })), "*"));
    ended(&hub, "four").await;
    assert_eq!(outcomes(&hub, "four"), ["a failed ArgumentInvalid", "b completed"]);
}

#[tokio::test]
async fn many_devices_in_parts() {
    let hub = testing::hub();
    let ids = numbered(2_500);
    testing::devices(&hub, ids.iter().map(String::as_str));
    schedule(&hub, plan(&hub, "one", tag(1), "NOT IS_DEFINED(tags.x)"));
    until(|| tally(&hub, "one")[2] > 0).await;
    // Others have their turn before it is through. What is deleted, made or changed by then is not forgotten, or not added.
    let [pending, ..] = tally(&hub, "one");
    assert!((1..2_500).contains(&pending), "{pending}");
    testing::delete(&hub, &["d2499"]);
    testing::devices(&hub, ["e"]);
    assert_eq!(ended(&hub, "one").await, End::Completed);
    assert_eq!((tally(&hub, "one"), tags(&hub, "e")), ([0, 0, 2_499, 1], "{}".to_owned()));
    assert_eq!(outcomes(&hub, "one")[2_498..], ["d2498 completed", "d2499 failed DeviceNotFound"]);
}

#[tokio::test]
async fn methods_are_called() {
    let hub = with_devices(&["bad", "good", "lost", "odd", "off"]);
    hub.set_method("good", "m", says(200)).unwrap();
    hub.set_method("bad", "m", Some(Arc::new(|_| Box::pin(async { panic!("of the device") })))).unwrap();
    hub.set_method("odd", "other", says(200)).unwrap();
    hub.set_method("off", "m", says(200)).unwrap();
    let done = hub.change(|state, changes| {
        let off = Identity { enabled: Some(false), ..Identity::default() };
        Registry::open(&hub, state, changes, &Limits::default())?.update("off", &off, Vec::new())
    });
    drop(done.unwrap());
    let task = Task::Method(DirectMethod::new("m").with_payload(json!({ "x": 1 })));
    schedule(&hub, plan(&hub, "one", task, "*"));
    assert_eq!(ended(&hub, "one").await, End::Completed);
    let expected = [
        "bad failed ServerError",
        r#"good completed {"payload":{"x":1},"status":200}"#,
        "lost failed DeviceNotOnline",
        r#"odd completed {"payload":null,"status":501}"#,
        "off failed DeviceNotFound",
    ];
    let sorted = |row: &String| {
        row.replace(r#"{"status":200,"payload":{"x":1}}"#, r#"{"payload":{"x":1},"status":200}"#)
            .replace(r#"{"status":501,"payload":null}"#, r#"{"payload":null,"status":501}"#)
    };
    assert_eq!(outcomes(&hub, "one").iter().map(sorted).collect::<Vec<_>>(), expected);
    assert_eq!(tally(&hub, "one"), [0, 0, 2, 3]);
    let row = rows(&hub).remove(2);
    assert_eq!(row["error"]["description"], "Timed out waiting for device to connect.");
}

#[tokio::test]
async fn not_all_are_called_at_once() {
    let hub = testing::hub();
    let ids = numbered(200);
    testing::devices(&hub, ids.iter().map(String::as_str));
    let (handler, go_on, calls) = held();
    hub.set_method_of_all("m", handler).unwrap();
    schedule(&hub, plan(&hub, "one", method("m"), "*"));
    until(|| is_running(&hub, "one")).await;
    settle().await;
    assert_eq!((calls.load(Ordering::Relaxed), tally(&hub, "one")), (64, [136, 64, 0, 0]));
    let statuses = outcomes(&hub, "one");
    assert_eq!((&*statuses[0], &*statuses[63], &*statuses[64]), ("d0000 running", "d0063 running", "d0064 pending"));
    go_on.notify_waiters();
    until(|| calls.load(Ordering::Relaxed) == 128).await;
    settle().await;
    assert_eq!(tally(&hub, "one"), [72, 64, 64, 0]);
    until(|| {
        go_on.notify_waiters();
        !is_running(&hub, "one")
    })
    .await;
    assert_eq!((ended(&hub, "one").await, tally(&hub, "one")), (End::Completed, [0, 0, 200, 0]));
}

#[tokio::test]
async fn later() {
    let hub = with_devices(&["a"]);
    let start = hub.clock.now() + 60 * MINUTE;
    schedule(&hub, Plan { start, ..plan(&hub, "one", tag(1), "*") });
    settle().await;
    hub.clock.advance(59 * MINUTE);
    settle().await;
    assert_eq!((seen(&hub, "one").unwrap().phase, tags(&hub, "a")), (Phase::Waiting, "{}".to_owned()));
    // Who comes before it begins is one of its devices, and who goes is not.
    testing::devices(&hub, ["b"]);
    testing::delete(&hub, &["a"]);
    hub.clock.advance(MINUTE);
    assert_eq!((ended(&hub, "one").await, outcomes(&hub, "one")), (End::Completed, vec!["b completed".to_owned()]));
}

#[tokio::test]
async fn rows_of_jobs_that_have_not_begun() {
    let hub = with_devices(&["a", "b", "c"]);
    let start = hub.clock.now() + MINUTE;
    schedule(&hub, Plan { start, ..plan(&hub, "one", tag(1), "deviceId > 'a'") });
    schedule(&hub, Plan { start, ..plan(&hub, "two", tag(1), "what is that") });
    settle().await;
    assert_eq!(outcomes(&hub, "one"), ["b scheduled", "c scheduled"]);
    assert_eq!(outcomes(&hub, "two"), [""; 0]);
    let row = rows(&hub).remove(0);
    assert_eq!((&row["endTimeUtc"], &row["outcome"]), (&Value::Null, &json!({ "deviceMethodResponse": null })));
    assert!(row["startTimeUtc"].as_str() > row["createdTimeUtc"].as_str(), "{row}");
}

#[tokio::test]
async fn rows_of_a_job_that_begins_meanwhile() {
    let hub = testing::hub();
    let ids = numbered(2_500);
    testing::devices(&hub, ids.iter().map(String::as_str));
    let start = hub.clock.now() + MINUTE;
    schedule(&hub, Plan { start, ..plan(&hub, "one", tag(1), "*") });
    let mut scan = JobScan::new(None, None, None);
    let statuses =
        |rows: &[DeviceJob]| rows.iter().map(|row| format!("{} {}", row.key().1, row.status())).collect::<Vec<_>>();
    let mut seen = statuses(&scan.next(&hub).unwrap());
    settle().await;
    hub.clock.advance(MINUTE);
    assert_eq!(ended(&hub, "one").await, End::Completed);
    while let Some(rows) = scan.next(&hub) {
        seen.extend(statuses(&rows));
    }
    let expected =
        (0_usize..).zip(&ids).map(|(at, id)| format!("{id} {}", if at < 1_000 { "scheduled" } else { "completed" }));
    assert_eq!(seen, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn so_many_at_once() {
    let hub = with_devices(&["a"]);
    let (handler, go_on, calls) = held();
    hub.set_method("a", "m", handler).unwrap();
    let ids: Vec<String> = (0..RUNNING + 2).map(|number| format!("job-{number}")).collect();
    for id in &ids {
        schedule(&hub, plan(&hub, id, method("m"), "*"));
    }
    until(|| calls.load(Ordering::Relaxed) == RUNNING).await;
    settle().await;
    let running = || ids.iter().filter(|id| is_running(&hub, id)).count();
    assert_eq!((running(), is_running(&hub, "job-0"), is_running(&hub, "job-10")), (RUNNING, true, false));
    // One that is called off makes room, and so does one that is done.
    cancelled(&hub, "job-0").unwrap();
    until(|| calls.load(Ordering::Relaxed) == RUNNING + 1).await;
    assert_eq!((running(), is_running(&hub, "job-10"), is_running(&hub, "job-11")), (RUNNING, true, false));
    go_on.notify_one();
    until(|| calls.load(Ordering::Relaxed) == RUNNING + 2).await;
    assert_eq!((running(), is_running(&hub, "job-11")), (RUNNING, true));
}

#[tokio::test]
async fn called_off() {
    let hub = with_devices(&["a", "b", "c"]);
    assert_eq!(cancelled(&hub, "none").unwrap_err(), (404, "JobNotFound".to_owned()));
    let is_cancelled = |phase: &Phase| matches!(phase, Phase::Ended { how: End::Cancelled, .. });

    // Before it has begun.
    let start = hub.clock.now() + MINUTE;
    schedule(&hub, Plan { start, ..plan(&hub, "early", tag(1), "*") });
    settle().await;
    assert!(is_cancelled(&cancelled(&hub, "early").unwrap()));
    hub.clock.advance(2 * MINUTE);
    settle().await;
    assert_eq!((tags(&hub, "a"), outcomes(&hub, "early")), ("{}".to_owned(), vec![]));

    // At work: who has answered has, and who is at it is not waited for.
    let (handler, go_on, calls) = held();
    hub.set_method("a", "m", says(200)).unwrap();
    hub.set_method("b", "m", handler).unwrap();
    hub.set_method("c", "m", says(200)).unwrap();
    schedule(&hub, plan(&hub, "amid", method("m"), "*"));
    until(|| tally(&hub, "amid") == [0, 1, 2, 0]).await;
    let phase = cancelled(&hub, "amid").unwrap();
    assert!(is_cancelled(&phase));
    settle().await;
    go_on.notify_waiters();
    settle().await;
    assert_eq!((calls.load(Ordering::Relaxed), Arc::strong_count(&go_on)), (1, 2), "the call is let go of");
    let [a, b, c] = <[String; 3]>::try_from(outcomes(&hub, "amid")).unwrap();
    assert!(a.starts_with("a completed") && c.starts_with("c completed"), "{a} {c}");
    assert_eq!((&*b, tally(&hub, "amid")), ("b canceled", [0, 1, 2, 0]));

    // After its end, again or else.
    hub.clock.advance(MINUTE);
    assert_eq!(cancelled(&hub, "amid").unwrap(), phase);
    schedule(&hub, plan(&hub, "done", tag(1), "*"));
    assert_eq!(ended(&hub, "done").await, End::Completed);
    assert!(!is_cancelled(&cancelled(&hub, "done").unwrap()));
}

#[tokio::test]
async fn out_of_time() {
    let hub = with_devices(&["a", "b"]);
    let (handler, ..) = held();
    hub.set_method("a", "m", handler).unwrap();
    hub.set_method("b", "m", says(200)).unwrap();
    let slow = DirectMethod::new("m").with_response_timeout_in_seconds(300);
    schedule(&hub, Plan { seconds: 100, ..plan(&hub, "one", Task::Method(slow), "*") });
    until(|| tally(&hub, "one") == [0, 1, 1, 0]).await;
    hub.clock.advance(Duration::from_secs(50));
    settle().await;
    assert!(is_running(&hub, "one"));
    hub.clock.advance(Duration::from_secs(50));
    assert_eq!(ended(&hub, "one").await, End::OutOfTime);
    assert!(outcomes(&hub, "one")[0].starts_with("a failed GenericTimeout"));
    assert!(outcomes(&hub, "one")[1].starts_with("b completed"));
}

#[tokio::test]
async fn a_condition_that_cannot_be_read() {
    let hub = with_devices(&["a"]);
    schedule(&hub, plan(&hub, "one", tag(1), "SELECT * FROM devices"));
    let End::Failed(why) = ended(&hub, "one").await else { panic!() };
    assert!(why.contains("line 1, column 1"), "{why}");
    assert_eq!((tags(&hub, "a"), outcomes(&hub, "one")), ("{}".to_owned(), vec![]));
}

#[tokio::test]
async fn what_cannot_be_done_with_any_device() {
    let hub = with_devices(&["a"]);
    for (task, status) in [
        (method(""), 400),
        (Task::Method(DirectMethod::new("m").with_response_timeout_in_seconds(1)), 400),
        (Task::Method(DirectMethod::new("m").with_payload("x".repeat(128 << 10).into())), 413),
        (twin(json!({ "tags": {} })), 400),
        (twin(json!({ "etag": "*" })), 400),
        (twin(json!({ "etag": "*", "properties": { "reported": { "x": 1 } } })), 400),
        (twin(json!({ "etag": "*", "tags": { "no name": 1 } })), 400),
    ] {
        let shown = format!("{task:?}");
        assert_eq!(limited(&hub, &Limits::default(), plan(&hub, "one", task, "*")).unwrap_err().0, status, "{shown}");
    }
    assert!(seen(&hub, "one").is_none());
}

#[tokio::test]
async fn nothing_is_left_of_a_hub_that_is_gone() {
    let hub = with_devices(&["a"]);
    let (handler, go_on, calls) = held();
    hub.set_method("a", "m", handler).unwrap();
    let start = hub.clock.now() + MINUTE;
    schedule(&hub, Plan { start, ..plan(&hub, "later", tag(1), "*") });
    schedule(&hub, plan(&hub, "now", method("m"), "*"));
    until(|| calls.load(Ordering::Relaxed) == 1).await;
    // As when all is reset: another job may have the number of one that is at work.
    let done = hub.change(|state, _| {
        let devices = std::mem::take(&mut state.devices);
        *state = HubState { devices, ..HubState::default() };
        Ok::<_, ServiceError>(())
    });
    drop(done.unwrap());
    schedule(&hub, Plan { start, ..plan(&hub, "other", tag(2), "*") });
    go_on.notify_waiters();
    settle().await;
    assert_eq!((tally(&hub, "other"), seen(&hub, "other").unwrap().phase), ([0; 4], Phase::Waiting));
    assert_eq!(Arc::strong_count(&go_on), 1, "nothing waits any more");
    // Who only waits does not keep the hub.
    let weak = Arc::downgrade(&hub);
    drop(hub);
    settle().await;
    assert!(weak.upgrade().is_none());
}
