//! Records of the store, back into hubs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::hub::HubState;
use super::{operations, resource};
use crate::store::{Changes, Records};

/// A hub out of the store.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The name, as it was given.
    pub(crate) name: String,
    /// The host name.
    pub(crate) host: String,
    /// All the rest.
    pub(crate) state: HubState,
}

/// All that there is in a store.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The hubs.
    pub(crate) hubs: Vec<Loaded>,
    /// The operations of the resource provider, by their ids.
    pub(crate) operations: Vec<(String, operations::Record)>,
    /// How far the time has been moved.
    pub(crate) moved: Duration,
}

/// The record that tells how the others are to be read.
const FORMAT: &str = "format";
/// The format that is written.
const VERSION: &[u8] = b"2";

/// The record that tells how far the time has been moved.
const CLOCK: &str = "clock";

/// Says in the store how far the time has been moved, or what is kept there lies in the future after a restart.
pub(super) fn keep_clock(changes: &mut Changes, moved: Duration) -> serde_json::Result<()> {
    changes.put(CLOCK, serde_json::to_vec(&moved)?);
    Ok(())
}

/// Says in the store how its records are to be read.
pub(crate) fn keep_format(changes: &mut Changes) {
    changes.put(FORMAT, VERSION.to_vec());
}

/// What there is in a store.
///
/// # Errors
///
/// The first record that is not what it should be: nothing is left out in silence.
pub(crate) fn load(records: Records) -> Result<Found, String> {
    if records.is_empty() {
        return Ok(Found::default());
    }
    let mut hubs: BTreeMap<String, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    let (mut format, mut operations, mut moved) = (None, Vec::new(), Duration::ZERO);
    for (key, value) in records {
        if key == FORMAT {
            format = Some(value);
            continue;
        }
        if key == CLOCK {
            moved = parse(&value).map_err(|error| damaged(&key, &error))?;
            continue;
        }
        if let Some(id) = key.strip_prefix(operations::FOLDER).and_then(|rest| rest.strip_prefix('/')) {
            let record = parse(&value).map_err(|error| damaged(&key, &error))?;
            operations.push((id.to_owned(), record));
            continue;
        }
        let path = key.strip_prefix("hub/").and_then(|rest| rest.split_once('/'));
        let (hub, rest) = path.ok_or_else(|| format!("the record {key:?} is of no known kind"))?;
        hubs.entry(hub.to_owned()).or_default().push((rest.to_owned(), value));
    }
    match format.as_deref() {
        Some(VERSION) => {}
        Some(_) => return Err("it is of another version of the emulator".to_owned()),
        None => return Err("it does not say in which format it is".to_owned()),
    }
    let hubs = hubs.into_iter().map(|(name, records)| load_hub(&name, records)).collect::<Result<_, _>>()?;
    Ok(Found { hubs, operations, moved })
}

fn damaged(key: &str, error: &str) -> String {
    format!("the record {key:?} is damaged: {error}")
}

fn load_hub(hub: &str, records: Vec<(String, Vec<u8>)>) -> Result<Loaded, String> {
    let (mut names, mut state) = (None, HubState::default());
    for (rest, value) in records {
        let (kind, id) = rest.split_once('/').unwrap_or((&rest, ""));
        let done = match kind {
            resource::KIND => resource::load(&mut state, &value).map(|found| names = Some(found)),
            kind => state.load(kind, id, &value),
        };
        done.map_err(|error| damaged(&format!("hub/{hub}/{rest}"), &error))?;
    }
    state.check().map_err(|error| format!("the records of the hub {hub} are damaged: {error}"))?;
    match names.filter(|(name, _)| name.eq_ignore_ascii_case(hub)) {
        Some((name, host)) => Ok(Loaded { name, host, state }),
        None => Err(format!("there is no record of the hub {hub} itself")),
    }
}

/// What a record says.
pub(super) fn parse<'a, T: Deserialize<'a>>(value: &'a [u8]) -> Result<T, String> {
    // Where it is wrong is told, not what is there: that may be a key.
    serde_json::from_slice(value)
        .map_err(|error| format!("it is not what it should be at line {}, column {}", error.line(), error.column()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::HubClock;
    use crate::state::{Hub, Policy};
    use crate::store::Store;
    use iothub::Secret;

    fn hub() -> Hub {
        let [primary, secondary] = ["bWFkZSB1cA==", "c2Vjb25k"].map(Secret::from);
        let rights = "RegistryWrite, ServiceConnect".parse().unwrap();
        let policies = vec![Policy::new("Owner", [primary, secondary], rights).unwrap()];
        Hub::new("A", "a.example", HubClock::new(), Store::none(), HubState { policies, ..HubState::default() })
    }

    fn records() -> BTreeMap<String, Vec<u8>> {
        let (hub, mut changes) = (hub(), Changes::default());
        resource::keep(&hub, &hub.read(), &mut changes);
        keep_format(&mut changes);
        changes.records().into_iter().collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let [loaded] = <[Loaded; 1]>::try_from(load(records().into_iter().collect()).unwrap().hubs).unwrap();
        assert_eq!((loaded.name.as_str(), loaded.host.as_str()), ("A", "a.example"));
        let policy = &loaded.state.policies[0];
        assert_eq!((policy.name.as_str(), policy.texts[1].expose()), ("Owner", "c2Vjb25k"));
        assert_eq!(policy.rights.to_string(), "RegistryWrite, ServiceConnect");
        assert!(load(Vec::new()).unwrap().hubs.is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let resource = String::from_utf8(records()["hub/a/resource/"].clone()).unwrap();
        for (key, value, said) in [
            ("format", "1", "another version"),
            ("other", "", "\"other\" is of no known kind"),
            ("hub/a/else/x", "{}", "\"hub/a/else/x\" is damaged: there is no such kind of record"),
            ("hub/a/else", "{}", "\"hub/a/else\" is damaged"),
            ("hub/a/device/d", "{", "\"hub/a/device/d\" is damaged: it is not what it should be at line 1, column 1"),
            ("hub/a/resource/", &resource[..resource.len() - 1], "\"hub/a/resource/\" is damaged"),
            ("hub/a/resource/", &resource.replace("\"A\"", "\"B\""), "no record of the hub a itself"),
            ("operation/1-1", "{}", "\"operation/1-1\" is damaged: it is not what it should be"),
            ("operation", "{}", "\"operation\" is of no known kind"),
            ("hub/b/resource/", &resource, "no record of the hub b itself"),
            ("hub/a/resource/", &resource.replace("RegistryWrite", "All"), "\"hub/a/resource/\" is damaged"),
            ("hub/a/resource/", &resource.replace("bWFk", "!"), "\"hub/a/resource/\" is damaged"),
        ] {
            let mut all = records();
            all.insert(key.to_owned(), value.as_bytes().to_vec());
            let error = load(all.into_iter().collect()).unwrap_err();
            assert!(error.contains(said), "{key}: {error}");
            assert!(!error.contains("bWFk"), "{error}");
        }
        let mut all = records();
        all.remove("format");
        assert!(load(all.into_iter().collect()).unwrap_err().contains("in which format"));
    }
}
