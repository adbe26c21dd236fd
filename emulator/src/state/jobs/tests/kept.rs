//! How long jobs are kept, and what is kept over a restart.

use std::path::Path;

use super::*;
use crate::clock::HubClock;
use crate::store::{Records, Store};

#[tokio::test]
async fn ids_and_how_many_there_may_be() {
    let hub = with_devices(&["a"]);
    let refused = |status, code: &str| Some((status, code.to_owned()));
    let limits = Limits { jobs: 3, ..Limits::default() };
    let start = hub.clock.now() + 60 * 24 * 60 * MINUTE;
    let waiting = |id| Plan { start, ..plan(&hub, id, tag(1), "*") };
    limited(&hub, &limits, plan(&hub, "one", tag(1), "*")).unwrap();
    assert_eq!(limited(&hub, &limits, waiting("one")).err(), refused(409, "DeviceJobAlreadyExists"));
    ended(&hub, "one").await;
    assert_eq!(limited(&hub, &limits, waiting("one")).err(), refused(409, "DeviceJobAlreadyExists"));
    limited(&hub, &limits, waiting("two")).unwrap();
    limited(&hub, &limits, waiting("One")).unwrap();
    // The one that has ended makes room, and others do not.
    limited(&hub, &limits, waiting("four")).unwrap();
    assert!(seen(&hub, "one").is_none());
    assert_eq!(limited(&hub, &limits, waiting("one")).err(), refused(429, "ThrottlingMaxActiveJobCountExceeded"));
    cancelled(&hub, "One").unwrap();
    limited(&hub, &limits, waiting("one")).unwrap();
    assert_eq!(seen(&hub, "one").unwrap().plan.number, 4);
    assert!(seen(&hub, "One").is_none());
}

#[tokio::test]
async fn known_for_thirty_days() {
    let hub = with_devices(&["a"]);
    schedule(&hub, plan(&hub, "one", tag(1), "*"));
    ended(&hub, "one").await;
    let day = 24 * 60 * MINUTE;
    hub.clock.advance(30 * day - MINUTE);
    assert!(seen(&hub, "one").is_some());
    assert_eq!((hub.read().jobs.after(None, hub.clock.now()).count(), rows(&hub).len()), (1, 1));
    hub.clock.advance(MINUTE);
    assert!(seen(&hub, "one").is_none());
    assert_eq!((hub.read().jobs.after(None, hub.clock.now()).count(), rows(&hub).len()), (0, 0));
    assert_eq!(cancelled(&hub, "one").unwrap_err().0, 404);
    // Its id is free.
    schedule(&hub, plan(&hub, "one", tag(2), "*"));
    ended(&hub, "one").await;
    assert_eq!((seen(&hub, "one").unwrap().plan.number, rows(&hub).len()), (1, 1));
}

#[tokio::test]
async fn answers_take_no_more_room_than_there_is() {
    let hub = with_devices(&["a", "b"]);
    hub.set_method_of_all("m", Some(Arc::new(|_| Box::pin(async { MethodAnswer::new(7, "x".repeat(1_000)) }))))
        .unwrap();
    let limits = Limits { job_bytes: 3_000, ..Limits::default() };
    // 200 for each device, and 1,002 for its answer.
    limited(&hub, &limits, plan(&hub, "one", method("m"), "*")).unwrap();
    ended(&hub, "one").await;
    assert_eq!(hub.read().jobs.weight, 2 * (200 + 1_002));
    limited(&hub, &limits, plan(&hub, "two", method("m"), "deviceId = 'a'")).unwrap();
    ended(&hub, "two").await;
    assert!(seen(&hub, "one").is_none(), "the older one makes room");
    testing::devices(&hub, ["c"]);
    limited(&hub, &limits, plan(&hub, "three", method("m"), "*")).unwrap();
    ended(&hub, "three").await;
    let answers: Vec<Value> = rows(&hub).iter().map(|row| row["outcome"]["deviceMethodResponse"].clone()).collect();
    let empty = answers.iter().filter(|answer| **answer == json!({ "status": 7, "payload": null })).count();
    assert_eq!((answers.len(), empty), (3, 1), "nothing makes room for the third answer");
    assert_eq!(hub.read().jobs.weight, 3 * 200 + 2 * 1_002);
}

fn loaded(records: Records, store: Store, clock: HubClock) -> Arc<Hub> {
    let mut state = HubState::default();
    for (key, value) in records {
        let (kind, id) = key.strip_prefix("hub/h/").unwrap().split_once('/').unwrap();
        state.load(kind, id, &value).unwrap_or_else(|error| panic!("{key}: {error}"));
    }
    Arc::new(Hub::new("h", "h.azure-devices.net", clock, store, state))
}

/// Stops a hub, and starts it again.
async fn restarted(hub: Arc<Hub>, store: &Store, folder: &Path) -> (Arc<Hub>, Store) {
    let clock = hub.clock.clone();
    store.close().await;
    drop(hub);
    let (store, records) = Store::open(folder).unwrap();
    (loaded(records, store.clone(), clock), store)
}

#[tokio::test]
async fn over_restarts() {
    let folder = std::env::temp_dir().join(format!("iothub-emulator-jobs-{}", std::process::id()));
    _ = std::fs::remove_dir_all(&folder);
    let (store, records) = Store::open(&folder).unwrap();
    let hub = loaded(records, store.clone(), HubClock::new());
    testing::devices(&hub, ["a", "b", "c"]);
    let day = 24 * 60 * MINUTE;
    let later = hub.clock.now() + day;
    schedule(&hub, plan(&hub, "done", tag(1), "deviceId = 'a'"));
    ended(&hub, "done").await;
    schedule(&hub, Plan { start: later, ..plan(&hub, "later", tag(2), "*") });
    schedule(&hub, Plan { start: later, ..plan(&hub, "off", tag(3), "*") });
    cancelled(&hub, "off").unwrap();
    let (handler, ..) = held();
    hub.set_method("a", "m", says(200)).unwrap();
    hub.set_method("b", "m", handler).unwrap();
    let waits = DirectMethod::new("m").with_connect_timeout_in_seconds(300).with_payload(json!("x"));
    schedule(&hub, plan(&hub, "amid", Task::Method(waits), "deviceId < 'c'"));
    until(|| tally(&hub, "amid") == [0, 1, 1, 0]).await;
    let before = (rows(&hub), hub.read().jobs.weight);

    let (hub, store) = restarted(hub, &store, &folder).await;
    // The call that nobody waits for any more has not been made, as far as is known.
    assert_eq!(tally(&hub, "amid"), [1, 0, 1, 0]);
    let (mut rows_before, weight) = before;
    let at = rows_before.iter().position(|row| row["status"] == "running").unwrap();
    let mut rows_after = rows(&hub);
    assert_eq!((&*rows_after[at]["status"].to_string(), hub.read().jobs.weight), ("\"pending\"", weight));
    rows_before.remove(at);
    rows_after.remove(at);
    assert_eq!(rows_after, rows_before);

    // All goes on.
    run::resume(&hub, &Limits::default());
    settle().await;
    testing::devices(&hub, ["aa"]);
    hub.set_method("b", "m", says(201)).unwrap();
    assert_eq!(ended(&hub, "amid").await, End::Completed);
    assert_eq!(outcomes(&hub, "amid").iter().map(|row| &row[..11]).collect::<Vec<_>>(), ["a completed", "b completed"]);
    hub.clock.advance(day);
    assert_eq!(ended(&hub, "later").await, End::Completed);
    assert_eq!(tags(&hub, "aa"), r#"{"x":2}"#);
    schedule(&hub, plan(&hub, "new", tag(4), "deviceId = 'a'"));
    ended(&hub, "new").await;
    let numbers: Vec<u64> = hub.read().jobs.after(None, hub.clock.now()).map(|job| job.plan.number).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);

    // Also what was forgotten stays forgotten.
    let before = rows(&hub);
    let (hub, store) = restarted(hub, &store, &folder).await;
    assert_eq!(rows(&hub), before);
    hub.clock.advance(30 * day);
    schedule(&hub, plan(&hub, "last", tag(5), "deviceId = 'a'"));
    ended(&hub, "last").await;
    let (hub, store) = restarted(hub, &store, &folder).await;
    assert_eq!((rows(&hub).len(), hub.read().jobs.weight), (1, WEIGHT));
    store.close().await;
    _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn records_that_are_damaged() {
    let hub = testing::hub();
    let plan = plan(&hub, "one", tag(1), "*");
    let record = |number| {
        let plan = Plan { number, ..plan.clone() };
        serde_json::to_vec(&Record { plan, phase: Phase::Waiting }).unwrap()
    };
    let number = format!("{:020}", 7);
    let refused = |id: &str, bytes: &[u8]| {
        let mut state = HubState::default();
        state.load(KIND, &number, &record(7)).unwrap();
        state.load(KIND, id, bytes).unwrap_err()
    };
    assert!(refused(&number, b"{}").contains("not what it should be"));
    assert!(refused(&number, &record(8)).contains("of the job 8"));
    assert!(refused("x", &record(7)).contains("of no job"));
    assert!(refused(&format!("{:020}/devices", 8), b"[]").contains("no record of the job"));
    assert!(refused(&format!("{number}/devices"), b"[1]").contains("not what it should be"));
    assert!(refused(&format!("{number}/device/a"), b"[]").contains("not what it should be"));
    assert!(refused(&format!("{number}/other"), b"[]").contains("no such kind"));
}
