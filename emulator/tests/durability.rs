//! What the program has acknowledged is there after it was killed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use iothub::hub::Client;
use iothub::hub::models::{Device, Twin, TwinProperties};
use serde_json::json;
use tokio::sync::Notify;

use crate::support::{Folder, Program};

/// How many change something at a time.
const WRITERS: usize = 8;
/// How often it is killed.
const KILLS: usize = 6;
/// How many changes are acknowledged before it is.
const CHANGES: usize = 60;

/// What one of those who change something knows to be there, and what may be there or not, as a device and the last of its changes.
#[derive(Debug, Default)]
struct Known {
    sure: BTreeMap<String, u64>,
    unsure: Option<(String, u64)>,
}

/// Creates a device, changes its twin twice, and so on, until the emulator is no more.
async fn write(hub: Client, writer: String, done: Arc<AtomicUsize>, enough: Arc<Notify>) -> Known {
    let mut known = Known::default();
    for number in 0.. {
        let id = format!("{writer}-{number}");
        for change in 0..3 {
            known.unsure = Some((id.clone(), change));
            let outcome = match change {
                0 => hub.devices().put(&id, &Device::new(&id)).await.map(drop),
                _ => {
                    let desired = json!({ "change": change, "filling": "x".repeat(500) });
                    let properties = TwinProperties::new().with_desired(desired.as_object().unwrap().clone());
                    hub.twins().update(&id, &Twin::new().with_properties(properties)).await.map(drop)
                }
            };
            if outcome.is_err() {
                return known;
            }
            known.unsure = None;
            known.sure.insert(id.clone(), change);
            if done.fetch_add(1, Ordering::Relaxed) + 1 == CHANGES {
                enough.notify_one();
            }
        }
    }
    known
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load() {
    let folder = Folder::new();
    let data = folder.join("data");
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    for round in 0..KILLS {
        let program = Program::start(&["--data-dir", &data]);
        let (done, enough) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let hub = program.hub();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let name = format!("{round}-{writer}");
                tokio::spawn(write(hub.clone(), name, done.clone(), enough.clone()))
            })
            .collect();
        enough.notified().await;
        program.kill();
        let mut unsure = Vec::new();
        for writer in writers {
            let known = writer.await.unwrap();
            all.extend(known.sure);
            unsure.extend(known.unsure);
        }
        assert!(all.len() >= (round + 1) * CHANGES / 3, "{}", all.len());

        let program = Program::start(&["--data-dir", &data]);
        let hub = program.hub();
        for (id, change) in unsure {
            if let Some(found) = found(&hub, &id).await {
                assert!(found <= change, "{id}: {found}");
                all.entry(id).and_modify(|known| *known = found.max(*known)).or_insert(found);
            }
        }
        for (id, change) in &all {
            assert_eq!(found(&hub, id).await, Some(*change), "{id} after {round}");
        }
        program.kill();
    }
}

/// The last change of a device that is there, if it is.
async fn found(hub: &Client, id: &str) -> Option<u64> {
    let twin = match hub.twins().get(id).await {
        Ok(twin) => twin,
        Err(error) => {
            assert_eq!(error.status().map(|status| status.as_u16()), Some(404), "{error}");
            return None;
        }
    };
    let desired = twin.properties.as_ref().unwrap().desired.clone().unwrap();
    Some(desired.get("change").map_or(0, |change| change.as_u64().unwrap()))
}
