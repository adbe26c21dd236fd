//! Queries of devices.

use iothub::ETag;
use iothub::hub::models::{Device, Twin, TwinProperties};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::state::{Change, Part, Registry, testing};

/// Six devices on two floors, and one that says nothing of itself.
fn fleet(emulator: &Emulator) {
    let hub = emulator.world.hub("h").unwrap();
    testing::devices(&hub, ["d1", "d2", "d3", "d4", "d5", "d6", "d7"]);
    for number in 1..=6 {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let tags = object(json!({ "floor": number % 2, "name": format!("it's {number}"), "größe": null }));
        let desired = object(json!({ "speed": number * 10, "deep": { "er": [1, 2] } }));
        let reported = object(json!({ "battery": 0.5 }));
        let parts = [(Part::Tags, tags), (Part::Desired, desired), (Part::Reported, reported)];
        let done = hub.change(|state, changes| {
            let mut registry = Registry::open(&hub, state, changes, &Default::default())?;
            let changes = parts.map(|(part, given)| (part, Change::Merge(given))).into();
            registry.change_twin(&format!("d{number}"), &Default::default(), changes)
        });
        drop(done.unwrap());
    }
}

impl Emulator {
    async fn ask(&self, query: &str, headers: &[(&str, &str)]) -> Answer {
        let target = format!("/devices/query?{VERSION}");
        self.send(Method::POST, &target, headers, Some(&json!({ "query": query }))).await
    }

    /// All items, and how many each page had.
    pub(super) async fn pages(&self, query: &str, size: i32) -> (Vec<Value>, Vec<usize>) {
        let mut pages = self.owner().devices().query(query).page_size(size).into_pages();
        let (mut items, mut sizes) = (Vec::new(), Vec::new());
        while let Some(page) = pages.try_next().await.unwrap() {
            sizes.push(page.len());
            items.extend(page.into_items());
        }
        (items, sizes)
    }
}

#[tokio::test]
async fn whole_twins() {
    let emulator = Emulator::start(Profile::Service);
    fleet(&emulator);
    let answer = emulator.ask("SELECT * FROM devices WHERE tags.floor = 1", &[]).await;
    assert_eq!((answer.status, answer.header("x-ms-item-type")), (StatusCode::OK, Some("twin")));
    assert_eq!(answer.header("x-ms-continuation"), None);
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    let found = answer.json();
    for (item, id) in found.as_array().unwrap().iter().zip(["d1", "d3", "d5"]) {
        // As a whole text: members in the same order.
        let twin = emulator.send(Method::GET, &format!("/twins/{id}?{VERSION}"), &[], None).await;
        assert_eq!(item.to_string(), twin.text);
    }
    assert_eq!(found.as_array().unwrap().len(), 3);

    // One that can be sent back.
    let twins = emulator.owner().devices().query("SELECT * FROM devices WHERE deviceId = 'd2'").await.unwrap();
    let twin: Twin = serde_json::from_value(twins.into_body().remove(0)).unwrap();
    let etag: ETag = twin.etag.as_deref().unwrap().parse().unwrap();
    let client = emulator.owner();
    client.twins().update("d2", &twin).if_match(etag.clone()).await.unwrap();
    assert!(client.twins().update("d2", &twin).if_match(etag.clone()).await.unwrap_err().is_precondition_failed());
}

/// All that a twin has is found under the same name.
#[tokio::test]
async fn every_member_is_a_column() {
    let emulator = Emulator::start(Profile::Service);
    fleet(&emulator);
    let client = emulator.owner();
    let thumbprint = json!({ "x509Thumbprint": { "primaryThumbprint": "ab".repeat(20) } });
    let lost = json!({
        "deviceId": "d1", "status": "disabled", "statusReason": "lost", "authentication": thumbprint,
    });
    let target = format!("/devices/d1?{VERSION}");
    let changed = emulator.send(Method::PUT, &target, &[("if-match", "*")], Some(&lost)).await;
    assert_eq!(changed.status, StatusCode::OK);
    emulator.world.hub("h").unwrap().set_method("d2", "m", Some(Arc::new(|_| unreachable!()))).unwrap();
    for id in ["d1", "d2", "d7"] {
        let twin = emulator.send(Method::GET, &format!("/twins/{id}?{VERSION}"), &[], None).await.json();
        let twin = twin.as_object().unwrap();
        let ask = async |columns: String| {
            let query = format!("SELECT {columns} FROM devices WHERE deviceId = '{id}'");
            client.devices().query(&query).await.unwrap().into_body()
        };
        for (name, value) in twin {
            assert_eq!(ask(name.clone()).await, [json!({ name: value })], "{name}");
            if let Some(members) = value.as_object().filter(|_| name != "tags") {
                for (inner, value) in members {
                    assert_eq!(ask(format!("{name}.{inner} AS x")).await, [json!({ "x": value })], "{name}.{inner}");
                }
            }
        }
        assert!(twin.len() > 12);
        assert_eq!(
            ask("tags.nothing, properties.other, deviceId.x, nowhere, x509Thumbprint.x AS y".to_owned()).await,
            [json!({})]
        );
        assert_eq!(
            ask("properties.desired.deep.er[1] AS x".to_owned()).await[0]["x"],
            if id == "d7" { Value::Null } else { json!(2) }
        );
    }
    let ids = async |condition: &str| {
        let found = client.devices().query(&format!("SELECT deviceId FROM devices WHERE {condition}")).await.unwrap();
        found.into_body().iter().map(|item| item["deviceId"].as_str().unwrap().to_owned()).collect::<Vec<_>>().concat()
    };
    assert_eq!(ids("status = 'disabled'").await, "d1");
    assert_eq!(ids("connectionState = 'Connected'").await, "d2");
    assert_eq!(ids("NOT IS_DEFINED(tags.floor)").await, "d7");
    assert_eq!(ids("statusReason = null AND version > 1 AND deviceId IN ['d1', 'd3', 'd7', 'x']").await, "d3");
    assert_eq!(ids("cloudToDeviceMessageCount = 0 AND authenticationType = 'selfSigned'").await, "d1");
    assert_eq!(ids("x509Thumbprint.primaryThumbprint != null").await, "");
    assert_eq!(ids("IS_STRING(x509Thumbprint.primaryThumbprint)").await, "d1");
    assert_eq!(ids("capabilities.iotEdge = true").await, "");
}

#[tokio::test]
async fn columns_and_groups() {
    let emulator = Emulator::start(Profile::Service);
    fleet(&emulator);
    let answer =
        emulator.ask("SELECT deviceId, properties.desired.speed FROM devices WHERE tags.name = \"it's 4\"", &[]).await;
    assert_eq!(
        (answer.header("x-ms-item-type"), answer.json()),
        (Some("raw"), json!([{ "deviceId": "d4", "speed": 40 }]))
    );
    let answer = emulator.ask("SELECT COUNT() AS n FROM devices", &[]).await;
    assert_eq!((answer.header("x-ms-item-type"), answer.json()), (Some("raw"), json!([{ "n": 7 }])));
    let query =
        "SELECT tags.floor, COUNT() AS n, SUM(properties.desired.speed) AS all FROM devices GROUP BY tags.floor";
    let expected =
        [json!({ "n": 1 }), json!({ "floor": 0, "n": 3, "all": 120 }), json!({ "floor": 1, "n": 3, "all": 90 })];
    assert_eq!(emulator.pages(query, 1).await, (expected.to_vec(), vec![1, 1, 1]));
    assert_eq!(emulator.pages(query, 2).await, (expected.to_vec(), vec![2, 1]));
    assert_eq!(emulator.pages(query, 3).await, (expected.to_vec(), vec![3]));
}

#[tokio::test]
async fn pages() {
    let emulator = Emulator::configured(Config { page_size: 3, ..Config::default() });
    fleet(&emulator);
    let ids = |range: std::ops::RangeInclusive<u32>| {
        range.map(|id| json!({ "deviceId": format!("d{id}") })).collect::<Vec<_>>()
    };
    let query = "SELECT deviceId FROM devices";
    for (asked, sizes) in [
        (1, vec![1; 7]),
        (2, vec![2, 2, 2, 1]),
        (3, vec![3, 3, 1]),
        // Who asks for more than is usual gets it.
        (4, vec![4, 3]),
        (9, vec![7]),
        (0, vec![3, 3, 1]),
        (-1, vec![3, 3, 1]),
    ] {
        assert_eq!(emulator.pages(query, asked).await, (ids(1..=7), sizes), "{asked}");
    }
    // There is no page behind the last item.
    assert_eq!(emulator.pages("SELECT deviceId FROM devices WHERE deviceId < 'd4'", 3).await, (ids(1..=3), vec![3]));
    assert_eq!(emulator.pages("SELECT deviceId FROM devices WHERE deviceId = 'x'", 3).await, (vec![], vec![0]));
    for (top, sizes) in [(0, vec![0]), (2, vec![2]), (3, vec![3]), (5, vec![3, 2]), (6, vec![3, 3]), (9, vec![3, 3, 1])]
    {
        let found = emulator.pages(&format!("SELECT TOP {top} deviceId FROM devices"), 3).await;
        assert_eq!(found, (ids(1..=top.min(7)), sizes), "TOP {top}");
    }
    let some = "SELECT deviceId FROM devices WHERE deviceId IN ['d6', 'd5', 'd2', 'x', 'd1']";
    let expected = ["d1", "d2", "d5", "d6"].map(|id| json!({ "deviceId": id }));
    assert_eq!(emulator.pages(some, 3).await, (expected.to_vec(), vec![3, 1]));
}

#[tokio::test]
async fn a_token_is_of_one_query() {
    let emulator = Emulator::start(Profile::Service);
    fleet(&emulator);
    let query = "SELECT deviceId FROM devices";
    let first = emulator.ask(query, &[("x-ms-max-item-count", "2")]).await;
    let token = first.header("x-ms-continuation").unwrap().to_owned();
    // The size may change.
    let next = emulator.ask(query, &[("x-ms-max-item-count", "1"), ("x-ms-continuation", &token)]).await;
    assert_eq!(next.json(), json!([{ "deviceId": "d3" }]));
    let signed = emulator.token("h2.azure-devices.net", Some("iothubowner"), &key("iothubowner"));
    let other_hub = [("x-ms-continuation", &*token), ("host", "h2.azure-devices.net"), ("authorization", &*signed)];
    for (query, headers) in [
        ("SELECT deviceId FROM devices ", &[("x-ms-continuation", &*token)][..]),
        ("SELECT * FROM devices", &[("x-ms-continuation", &*token)]),
        (query, &[("x-ms-continuation", "AAAA")]),
        (query, &[("x-ms-continuation", "+/=")]),
        (query, &other_hub),
    ] {
        let answer = emulator.ask(query, headers).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_REQUEST, "ArgumentInvalid".to_owned()),
            "{query} {headers:?}"
        );
        assert!(answer.text.contains("continuation token"), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_no_query() {
    let emulator = Emulator::start(Profile::Service);
    for (query, place) in [
        ("", "line 1, column 1"),
        ("SELECT * FROM", "line 1, column 14"),
        ("SELECT * FROM devices\nWHERE tags.x = ;", "line 2, column 16"),
        ("SELECT * FROM devices ORDER BY deviceId", "line 1, column 23"),
        ("SELECT jobId FROM devices.jobs", "line 1, column 8"),
    ] {
        let answer = emulator.ask(query, &[]).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "ArgumentInvalid".to_owned()), "{query}");
        assert!(answer.text.contains(place), "{query}: {answer:?}");
    }
    let target = format!("/devices/query?{VERSION}");
    for body in [json!({}), json!({ "query": 1 }), json!("SELECT * FROM devices")] {
        assert_eq!(emulator.send(Method::POST, &target, &[], Some(&body)).await.status, StatusCode::BAD_REQUEST);
    }
    let answer = emulator.ask("SELECT * FROM devices", &[("x-ms-max-item-count", "many")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn others_go_on_while_a_query_runs() {
    let emulator = Emulator::start(Profile::Service);
    let hub = emulator.world.hub("h").unwrap();
    let ids: Vec<String> = (0..5_000).map(|number| format!("d{number}")).collect();
    testing::devices(&hub, ids.iter().map(String::as_str));
    let query = emulator.ask("SELECT COUNT() AS n FROM devices WHERE deviceId != 'd0'", &[]);
    // On one thread: it gets done only because the query lets it.
    let client = emulator.owner();
    let change = async {
        client.devices().put("z", &Device::new("z")).await.unwrap();
        client.twins().update("z", &Twin::new().with_properties(TwinProperties::new())).await.unwrap();
        true
    };
    let (answer, is_changed) = tokio::join!(query, change);
    // One does not match, and the new one is behind all others, where it was seen.
    assert_eq!((answer.json(), is_changed), (json!([{ "n": 5_000 }]), true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever is deleted and made between pages, what stays comes once, and nothing twice.
    #[test]
    fn nothing_is_left_out(
        size in 1_i32..5,
        all in proptest::collection::btree_set(0_u32..60, 0..30),
        between in proptest::collection::vec((any::<bool>(), 0_u32..60), 0..12),
    ) {
        let id = |number: u32| format!("d{number:02}");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let emulator = Emulator::start(Profile::Service);
        let hub = emulator.world.hub("h").unwrap();
        let ids: Vec<String> = all.iter().copied().map(id).collect();
        testing::devices(&hub, ids.iter().map(String::as_str));
        let (mut stays, mut between) = (all.clone(), between.into_iter());
        let (mut made, mut seen) = (std::collections::BTreeSet::new(), Vec::new());
        runtime.block_on(async {
            let mut pages = emulator.owner().devices().query("SELECT deviceId FROM devices").page_size(size).into_pages();
            while let Some(page) = pages.try_next().await.unwrap() {
                seen.extend(page.into_items().iter().map(|item| item["deviceId"].as_str().unwrap().to_owned()));
                for (deletes, number) in between.by_ref().take(2) {
                    let is_there = hub.read().devices.contains_key(&*id(number));
                    match deletes {
                        true if is_there => testing::delete(&hub, &[&id(number)]),
                        false if !is_there => testing::devices(&hub, [&*id(number)]),
                        _ => continue,
                    }
                    stays.remove(&number);
                    made.extend((!deletes).then_some(number));
                }
            }
        });
        prop_assert!(seen.is_sorted_by(|one, two| one < two), "{:?}", seen);
        for number in stays {
            prop_assert!(seen.contains(&id(number)), "{} of {:?}", number, seen);
        }
        for seen in seen {
            prop_assert!(ids.contains(&seen) || made.iter().any(|number| id(*number) == seen));
        }
    }
}
