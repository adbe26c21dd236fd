//! Operations of the resource provider that go on after their first answer. They are known after a restart, too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use iothub::management::models::IotHubDescription;
use iothub::runtime::server::{KeptOperation, OperationState, Operations, ServiceError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hub::Pending;
use crate::clock::HubClock;
use crate::errors;
use crate::store::{Changes, Store, Written};

/// What the keys of their records begin with, before a slash.
pub(super) const FOLDER: &str = "operation";

/// The operations of an emulator. What ends in `null` has no result.
#[derive(Debug)]
pub(crate) struct LongOperations {
    known: Operations<Value>,
    store: Store,
    /// The owners of those that have a record, by when they end, and id.
    recorded: Mutex<BTreeMap<(SystemTime, String), String>>,
}

/// What the store has of an operation, under its id.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    owner: String,
    /// When it ends; `None` where that is beyond all time.
    pub(super) at: Option<SystemTime>,
    result: Value,
    /// The hub that is seen until then, if it is deleted.
    pub(super) leaving: Option<IotHubDescription>,
}

impl LongOperations {
    pub(super) fn new(clock: HubClock, store: Store) -> LongOperations {
        let known = Operations::new().with_clock(Arc::new(clock));
        LongOperations { known, store, recorded: Mutex::default() }
    }

    /// Those that are known, to be looked at.
    pub(crate) fn known(&self) -> &Operations<Value> {
        &self.known
    }

    /// Begins an operation that ends with this result, and gives its id. `leaving` is the hub that it deletes.
    ///
    /// # Errors
    ///
    /// 429 where too many run.
    pub(crate) fn begin(
        &self,
        owner: String,
        lasts: Duration,
        result: Value,
        leaving: Option<IotHubDescription>,
    ) -> Result<Pending<String>, ServiceError> {
        let id = self.known.begin_timed(owner.as_str(), lasts, Ok(result.clone()))?;
        let at = self.known.kept(&owner, &id)?.at;
        let record = Record { owner, at, result, leaving };
        let bytes = serde_json::to_vec(&record).map_err(errors::internal)?;
        let mut changes = Changes::default();
        changes.put(key(&id), bytes);
        // Locked until all is handed over, so that no record is removed before it is written.
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        // The first to end are the first that nobody knows any more.
        while let Some(oldest) = recorded.first_entry().filter(|entry| !self.knows(entry.get(), &entry.key().1)) {
            changes.remove(key(&oldest.remove_entry().0.1));
        }
        recorded.extend(record.at.map(|at| ((at, id.clone()), record.owner)));
        Ok(Pending::new(id, self.store.write(changes)))
    }

    fn knows(&self, owner: &str, id: &str) -> bool {
        self.known.find(owner, id).is_ok()
    }

    /// Knows an operation of before a restart.
    ///
    /// # Errors
    ///
    /// Where it is none.
    pub(super) fn put_back(&self, id: String, record: Record) -> Result<(), String> {
        let Record { owner, at, result, .. } = record;
        let end = OperationState::Succeeded(Arc::new(result));
        if !self.known.put_back(KeptOperation { id: id.clone(), owner: owner.clone(), end, at }) {
            return Err(format!("the record \"{}\" is damaged: it has no id", key(&id)));
        }
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.extend(at.map(|at| ((at, id), owner)));
        Ok(())
    }

    /// Forgets all.
    pub(super) fn clear(&self) -> Written {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.clear();
        self.known.clear();
        let mut changes = Changes::default();
        changes.remove_below(FOLDER);
        self.store.write(changes)
    }
}

fn key(id: &str) -> String {
    format!("{FOLDER}/{id}")
}

#[cfg(test)]
mod tests {
    use iothub::runtime::Clock;

    use super::*;
    use crate::random;
    use crate::state::{keep_format, load};

    const OWNER: &str = "/subscriptions/s";

    #[tokio::test]
    async fn records_go_with_what_they_are_of() {
        let folder = std::env::temp_dir().join(format!("iothub-emulator-operations-{}", random::id().unwrap()));
        let (store, _) = Store::open(&folder).unwrap();
        let mut changes = Changes::default();
        keep_format(&mut changes);
        store.write(changes).durable().await.unwrap();
        let clock = HubClock::new();
        let operations = LongOperations::new(clock.clone(), store.clone());
        let begin = async |operations: &LongOperations, lasts| {
            operations.begin(OWNER.to_owned(), lasts, Value::from(1), None).unwrap().durable().await.unwrap()
        };
        let first = begin(&operations, Duration::from_secs(30)).await;
        let never = begin(&operations, Duration::MAX).await;
        clock.advance(Duration::from_secs(40));
        let second = begin(&operations, Duration::from_secs(30)).await;
        store.close().await;

        let (store, records) = Store::open(&folder).unwrap();
        let found = load(records).unwrap().operations;
        let mut ids: Vec<_> = found.iter().map(|(id, _)| id.clone()).collect();
        ids.sort_unstable();
        let mut expected = [first.clone(), never.clone(), second.clone()];
        expected.sort_unstable();
        assert_eq!(ids, expected);
        let operations = LongOperations::new(clock.clone(), store.clone());
        found.into_iter().for_each(|(id, record)| operations.put_back(id, record).unwrap());
        let status = |id: &str| operations.known().find(OWNER, id).map(|state| state.status()).ok();
        let (runs, ended) = (Some("Running"), Some("Succeeded"));
        assert_eq!([&first, &never, &second].map(|id| status(id)), [ended, runs, runs]);
        // An hour after the end of the first.
        clock.advance(Duration::from_secs(3_595));
        assert_eq!([&first, &never, &second].map(|id| status(id)), [None, runs, ended]);
        let third = begin(&operations, Duration::ZERO).await;
        store.close().await;

        let (store, records) = Store::open(&folder).unwrap();
        let keys: Vec<_> = records.into_iter().map(|(key, _)| key).collect();
        let mut expected = [never, second, third].map(|id| key(&id)).to_vec();
        expected.push("format".to_owned());
        expected.sort_unstable();
        assert_eq!(keys, expected);
        let operations = LongOperations::new(clock.clone(), store.clone());
        let record = |at| Record { owner: OWNER.to_owned(), at, result: Value::Null, leaving: None };
        let error = operations.put_back("x".to_owned(), record(Some(clock.now()))).unwrap_err();
        assert!(error.contains("\"operation/x\" is damaged"), "{error}");
        operations.clear().durable().await.unwrap();
        store.close().await;
        let (store, records) = Store::open(&folder).unwrap();
        assert_eq!(records.len(), 1, "the format is left");
        store.close().await;
        _ = std::fs::remove_dir_all(&folder);
    }
}
