//! The two tables of preconditions of the overview, every cell, in both profiles.

use iothub::Error;
use iothub::hub::models::Device;
use serde_json::json;

use self::table::{DOCUMENTED, Row, SERVICE};
use super::*;

#[path = "../../../tests/etag_table.rs"]
mod table;

const BOTH: [(Profile, [Row; 9]); 2] = [(Profile::Service, SERVICE), (Profile::Documented, DOCUMENTED)];

#[tokio::test]
async fn by_hand() {
    for (profile, rows) in BOTH {
        for (if_match, if_none_match, expected) in rows {
            let emulator = Emulator::start(profile);
            let headers: Vec<_> = [("if-match", if_match), ("if-none-match", if_none_match)]
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
            let cells = [(Method::PUT, "d0"), (Method::PUT, "d1"), (Method::DELETE, "d2"), (Method::DELETE, "d3")];
            for id in ["d1", "d3"] {
                emulator.owner().devices().put(id, &Device::new(id)).await.unwrap();
            }
            for ((method, id), expected) in cells.into_iter().zip(expected) {
                let cell = format!("{profile:?} {method} {id} {headers:?}");
                let (target, body) = (format!("/devices/{id}?{VERSION}"), json!({ "deviceId": id }));
                let body = (method == Method::PUT).then_some(&body);
                let answer = emulator.send(method.clone(), &target, &headers, body).await;
                assert_eq!(answer.status.as_u16(), expected, "{cell}");
                let is_there = emulator.send(Method::GET, &target, &[], None).await.status == 200;
                let is_done = answer.status.is_success();
                match (method == Method::PUT, expected) {
                    (true, 200 | 201) => {
                        let etag = if id == "d0" { "MA==" } else { "MQ==" };
                        assert_eq!(answer.header("etag"), Some(&*format!("\"{etag}\"")), "{cell}");
                        assert_eq!(answer.json()["etag"], etag, "{cell}");
                    }
                    (false, 200 | 204) => assert!(answer.text.is_empty() && answer.header("etag").is_none(), "{cell}"),
                    (_, 404) => assert_eq!(answer.code(), "DeviceNotFound", "{cell}"),
                    (_, 409) => assert_eq!(answer.code(), "DeviceAlreadyExists", "{cell}"),
                    (_, 412) => assert_eq!(answer.code(), "PreconditionFailed", "{cell}"),
                    other => panic!("{cell} {other:?}"),
                }
                let expected = if is_done { method == Method::PUT } else { matches!(id, "d1" | "d3") };
                assert_eq!(is_there, expected, "{cell}");
            }
        }
    }
}

#[tokio::test]
async fn by_the_client() {
    fn status<T>(outcome: Result<iothub::Response<T>, Error>) -> u16 {
        match outcome {
            Ok(response) => response.status().as_u16(),
            Err(error) => error.status().unwrap().as_u16(),
        }
    }
    for (profile, rows) in BOTH {
        for (if_match, if_none_match, expected) in rows {
            // The client takes an empty tag for a mistake.
            if if_match.is_some_and(|tag| tag.trim_matches('"').is_empty()) {
                continue;
            }
            let emulator = Emulator::start(profile);
            let client = emulator.owner();
            for id in ["d1", "d3"] {
                client.devices().put(id, &Device::new(id)).await.unwrap();
            }
            let put = async |id: &str| {
                let device = Device::new(id);
                let mut call = client.devices().put(id, &device);
                if let Some(tag) = if_match {
                    call = call.if_match(tag);
                }
                if let Some(tag) = if_none_match {
                    call = call.if_none_match(tag);
                }
                status(call.await)
            };
            let delete = async |id: &str| {
                let mut call = client.devices().delete(id);
                if let Some(tag) = if_match {
                    call = call.if_match(tag);
                }
                status(call.await)
            };
            let found = [put("d0").await, put("d1").await, delete("d2").await, delete("d3").await];
            // It does not declare If-None-Match where something is deleted.
            let checked = if if_none_match.is_some() { 2 } else { 4 };
            assert_eq!(found[..checked], expected[..checked], "{profile:?} {if_match:?} {if_none_match:?}");
        }
    }
}
