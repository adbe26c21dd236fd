//! The two tables of preconditions, every cell, in both profiles, through a socket: by hand, and with the clients as far as they can say it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use iothub::hub::Client;
use iothub::hub::models::Device;
use iothub::management::models::{IotHubDescription, IotHubSku, IotHubSkuInfo};
use iothub::runtime::Retry;
use iothub::runtime::credential::{AccessToken, BearerCredential};
use iothub::{Error, Pipeline, Response, management};
use iothub_emulator::{Emulator, Profile};
use serde_json::{Value, json};

use crate::etag_table::{DOCUMENTED, HUBS_DOCUMENTED, HUBS_SERVICE, Row, SERVICE};
use crate::support::{Raw, blocking, token};

const BOTH: [(Profile, [Row; 9]); 2] = [(Profile::Service, SERVICE), (Profile::Documented, DOCUMENTED)];

/// What there is before a cell, and whether it is there.
const CELLS: [(&str, &str, bool); 4] =
    [("PUT", "new", false), ("PUT", "old", true), ("DELETE", "gone", false), ("DELETE", "there", true)];

/// The code of an error's status.
fn code(status: u16) -> &'static str {
    match status {
        404 => "DeviceNotFound",
        409 => "DeviceAlreadyExists",
        412 => "PreconditionFailed",
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn by_hand() {
    for (profile, rows) in BOTH {
        let emulator = Emulator::builder().profile(profile).start().await.unwrap();
        let (address, token) = (emulator.address().unwrap(), token(&emulator));
        blocking(move || rows_by_hand(address, &token, profile, &rows)).await;
        emulator.stop().await;
    }
}

fn rows_by_hand(address: SocketAddr, token: &str, profile: Profile, rows: &[Row]) {
    let authorization = format!("authorization: {token}\r\n");
    let mut raw = Raw::connect(address);
    let mut send = |method: &str, id: &str, headers: &str| {
        let body = if method == "PUT" { format!(r#"{{"deviceId":"{id}"}}"#) } else { String::new() };
        let path = format!("/devices/{id}?api-version=2016-11-14");
        raw.exchange(method, &path, &format!("{authorization}{headers}"), &body)
    };
    for (number, (if_match, if_none_match, expected)) in rows.iter().enumerate() {
        let header = |name, value: &Option<&str>| value.map(|value| format!("{name}: {value}\r\n")).unwrap_or_default();
        let headers = header("If-Match", if_match) + &header("If-None-Match", if_none_match);
        for ((method, id, is_there), expected) in CELLS.into_iter().zip(expected) {
            let id = format!("{id}{number}");
            if is_there {
                assert!(matches!(send("PUT", &id, "").0, 200 | 201));
            }
            let cell = format!("{profile:?} {method} {id} {headers:?}");
            let (status, head, body) = send(method, &id, &headers);
            assert_eq!(status, *expected, "{cell}");
            let tag = match (method, status) {
                ("PUT", 200 | 201) => Some(if is_there { "MQ==" } else { "MA==" }),
                (_, 200 | 204) => None,
                _ => {
                    let (line, text) =
                        (format!("iothub-errorcode: {}", code(status)), format!("ErrorCode:{};", code(status)));
                    assert!(head.contains(&line) && body.contains(&text), "{cell} {head} {body}");
                    is_there.then_some("MA==")
                }
            };
            let (status, head, body) = send("GET", &id, "");
            assert_eq!(status, if tag.is_some() { 200 } else { 404 }, "{cell}");
            let told = tag.is_none_or(|tag| {
                head.contains(&format!("etag: \"{tag}\"")) && body.contains(&format!(r#""etag":"{tag}""#))
            });
            assert!(told, "{cell} {head} {body}");
        }
    }
}

#[tokio::test]
async fn by_the_client() {
    fn status<T>(outcome: Result<Response<T>, Error>) -> u16 {
        match outcome {
            Ok(response) => response.status().as_u16(),
            Err(error) => {
                let status = error.status().unwrap().as_u16();
                assert_eq!(error.code(), Some(code(status)));
                assert_eq!(error.is_precondition_failed(), status == 412);
                status
            }
        }
    }
    for (profile, rows) in BOTH {
        let emulator = Emulator::builder().profile(profile).start().await.unwrap();
        let client = Client::from_connection_string(&emulator.connection_string()).unwrap();
        let client = Client::with_pipeline(client.pipeline().clone().with_retry(Retry::none()));
        for (number, (if_match, if_none_match, expected)) in rows.into_iter().enumerate() {
            // The client takes an empty tag for a mistake.
            if if_match.is_some_and(|tag| tag.trim_matches('"').is_empty()) {
                let refused = client.devices().delete("d").if_match(if_match.unwrap_or_default()).await.unwrap_err();
                assert!(refused.status().is_none(), "{refused}");
                continue;
            }
            for ((method, id, is_there), expected) in CELLS.into_iter().zip(expected) {
                let id = format!("{id}{number}");
                let device = Device::new(&*id);
                if is_there {
                    client.devices().put(&id, &device).await.unwrap();
                }
                let found = match (method, if_none_match) {
                    ("PUT", _) => {
                        let mut call = client.devices().put(&id, &device);
                        if let Some(tag) = if_match {
                            call = call.if_match(tag);
                        }
                        if let Some(tag) = if_none_match {
                            call = call.if_none_match(tag);
                        }
                        status(call.await)
                    }
                    // It does not declare If-None-Match where something is deleted.
                    (_, Some(_)) => continue,
                    (_, None) => {
                        let mut call = client.devices().delete(&id);
                        if let Some(tag) = if_match {
                            call = call.if_match(tag);
                        }
                        status(call.await)
                    }
                };
                assert_eq!(found, expected, "{profile:?} {method} {id} {if_match:?} {if_none_match:?}");
            }
        }
        emulator.stop().await;
    }
}

#[tokio::test]
async fn of_hubs() {
    for (profile, rows) in [(Profile::Service, HUBS_SERVICE), (Profile::Documented, HUBS_DOCUMENTED)] {
        let builder = Emulator::builder().profile(profile).lro_delay(Duration::ZERO).arm_token("made-up");
        let emulator = builder.start().await.unwrap();
        let (address, subscription) = (emulator.address().unwrap(), emulator.subscription().to_owned());
        blocking(move || rows_of_hubs(address, &subscription, profile, &rows)).await;
        emulator.stop().await;
    }
}

fn rows_of_hubs(address: SocketAddr, subscription: &str, profile: Profile, rows: &[Row]) {
    let mut raw = Raw::connect(address);
    let hub = json!({
        "location": "westus", "subscriptionid": subscription, "resourcegroup": "g", "sku": { "name": "S1", "capacity": 1 },
    });
    let mut send = |method: &str, id: &str, headers: &str| {
        let body = if method == "PUT" { hub.to_string() } else { String::new() };
        let group = format!("/subscriptions/{subscription}/resourceGroups/g/providers/Microsoft.Devices/IotHubs");
        let path = format!("{group}/{id}?api-version=2017-01-19");
        raw.exchange(method, &path, &format!("authorization: Bearer made-up\r\n{headers}"), &body)
    };
    for (number, (if_match, if_none_match, expected)) in rows.iter().enumerate() {
        for ((method, id, is_there), expected) in CELLS.into_iter().zip(expected) {
            let id = format!("{id}{number}");
            let tag = is_there.then(|| {
                assert_eq!(send("PUT", &id, "").0, 201);
                tag(&send("GET", &id, "").2)
            });
            let own = tag.clone().unwrap_or_else(|| "AAAAAAAAAAA=".to_owned());
            let header = |name, value: &Option<&str>| match value {
                Some(value) => format!("{name}: {}\r\n", value.replace("MA==", &own)),
                None => String::new(),
            };
            let headers = header("If-Match", if_match) + &header("If-None-Match", if_none_match);
            let cell = format!("{profile:?} {method} {id} {headers:?}");
            let (status, head, body) = send(method, &id, &headers);
            assert_eq!(status, *expected, "{cell} {body}");
            assert_eq!(head.contains("azure-asyncoperation: "), matches!(status, 201 | 202), "{cell} {head}");
            let (found, _, text) = send("GET", &id, "");
            match (method, status) {
                ("PUT", 200 | 201) => assert!(found == 200 && Some(self::tag(&text)) != tag, "{cell} {text}"),
                (_, 202 | 204) => assert_eq!(found, 404, "{cell} {text}"),
                (_, 412) if is_there => assert!(found == 200 && Some(self::tag(&text)) == tag, "{cell} {text}"),
                _ => assert_eq!(found, 404, "{cell} {text}"),
            }
            // There may be no more than so many.
            send("DELETE", &id, "");
        }
    }
}

/// Why the client cannot send what a cell of hubs' table has.
const EMPTY: &str = "it takes an empty tag for a mistake";
const NONE_MATCH: &str = "it declares no If-None-Match of hubs";
const DELETION: &str = "it declares no precondition where a hub is deleted";

#[tokio::test]
async fn of_hubs_by_the_client() {
    for (profile, rows) in [(Profile::Service, HUBS_SERVICE), (Profile::Documented, HUBS_DOCUMENTED)] {
        let builder = Emulator::builder().profile(profile).lro_delay(Duration::ZERO).arm_token("made-up");
        let emulator = builder.start().await.unwrap();
        let token = AccessToken::new("made-up", SystemTime::now() + Duration::from_secs(3_600));
        let credential = BearerCredential::new(token, "https://management.azure.com/.default");
        let pipeline = Pipeline::over_reqwest(&emulator.url()).unwrap().with_credential(Arc::new(credential));
        let client = management::Client::with_pipeline(pipeline.with_retry(Retry::none()), emulator.subscription());
        let mut cells: BTreeMap<_, usize> = BTreeMap::new();
        for (number, (if_match, if_none_match, expected)) in rows.into_iter().enumerate() {
            for ((method, id, is_there), expected) in CELLS.into_iter().zip(expected) {
                // What is skipped is sent by hand above, as all cells are.
                let why = match (method, if_match, if_none_match) {
                    (_, Some("" | "\"\""), _) => Some(EMPTY),
                    (_, _, Some(_)) => Some(NONE_MATCH),
                    ("DELETE", Some(_), _) => Some(DELETION),
                    _ => None,
                };
                *cells.entry(why).or_default() += 1;
                if why.is_none() {
                    cell_of_hubs(&client, (method, &format!("{id}{number}"), is_there), if_match, expected).await;
                }
            }
        }
        assert_eq!(cells, BTreeMap::from([(None, 14), (Some(EMPTY), 8), (Some(NONE_MATCH), 4), (Some(DELETION), 10)]));
        let hub = IotHubDescription::new("westus", IotHubSkuInfo::new(IotHubSku::S1).with_capacity(1));
        for tag in ["", "\"\""] {
            let refused = client.iot_hubs().create_or_update("g", "new", &hub).if_match(tag).await.unwrap_err();
            assert!(refused.status().is_none(), "{refused}");
        }
        emulator.stop().await;
    }
}

async fn cell_of_hubs(
    client: &management::Client,
    (method, id, is_there): (&str, &str, bool),
    if_match: Option<&str>,
    expected: u16,
) {
    let hubs = client.iot_hubs();
    let hub = IotHubDescription::new("westus", IotHubSkuInfo::new(IotHubSku::S1).with_capacity(1));
    let tag = async || hubs.get("g", id).await.map(|found| found.into_body().etag.unwrap());
    let before = match is_there {
        true => {
            let made = hubs.create_or_update("g", id, &hub).start().await.unwrap();
            assert_eq!(made.initial_response().unwrap().unwrap().status(), 201);
            Some(tag().await.unwrap())
        }
        false => None,
    };
    let sent = if_match.map(|tag| tag.replace("MA==", before.as_deref().unwrap_or("AAAAAAAAAAA=")));
    let outcome = match method {
        "PUT" => {
            let mut call = hubs.create_or_update("g", id, &hub);
            if let Some(tag) = &sent {
                call = call.if_match(tag);
            }
            call.start().await.map(|begun| begun.initial_response().unwrap().unwrap().map(drop))
        }
        _ => hubs.delete("g", id).start().await.map(|begun| begun.initial_response().unwrap().unwrap().map(drop)),
    };
    let cell = format!("{method} {id} {sent:?}");
    let status = match outcome {
        Ok(answer) => answer.status(),
        Err(error) => {
            assert!(error.is_precondition_failed(), "{cell} {error}");
            error.status().unwrap()
        }
    };
    assert_eq!(status, expected, "{cell}");
    let after = match tag().await {
        Ok(tag) => Some(tag),
        Err(error) => {
            assert_eq!(error.status().unwrap(), 404, "{cell} {error}");
            None
        }
    };
    match (method, expected) {
        ("PUT", 200 | 201) => assert!(after.is_some() && after != before, "{cell} {after:?}"),
        (_, 412) => assert_eq!(after, before, "{cell}"),
        _ => assert_eq!(after, None, "{cell}"),
    }
    // There may be no more than so many.
    if after.is_some() {
        drop(hubs.delete("g", id).start().await.unwrap());
    }
}

fn tag(hub: &str) -> String {
    let hub: Value = serde_json::from_str(hub).unwrap();
    hub["etag"].as_str().unwrap().to_owned()
}
