//! Records of the store: what they are called, and back into hubs.

use std::collections::BTreeMap;

use iothub::runtime::Secret;
use serde::{Deserialize, Serialize};

use super::hub::{HubState, Policy};
use crate::store::{Changes, Records};

/// A hub out of the store.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// The name, as it was given.
    pub(crate) name: String,
    /// The host name.
    pub(crate) host: String,
    pub(crate) state: HubState,
}

/// What makes a hub: record `hub/<name>/hub/`.
#[derive(Debug, Serialize, Deserialize)]
struct Identity {
    name: String,
    host: String,
}

/// Record `hub/<name>/policies/`, a list of these.
#[derive(Serialize, Deserialize)]
struct PolicyRecord {
    name: String,
    primary: String,
    secondary: String,
    rights: String,
}

/// The record that tells how the others are to be read.
const FORMAT: &str = "format";
/// The format that is written, and the only one there has been.
const VERSION: &[u8] = b"1";

/// All hubs of a store.
///
/// # Errors
///
/// The first record that is not what it should be: nothing is left out in silence.
pub(crate) fn load(records: Records) -> Result<Vec<Loaded>, String> {
    let mut records = records.into_iter().peekable();
    if records.peek().is_none() {
        return Ok(Vec::new());
    }
    let mut hubs: BTreeMap<String, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    let mut format = None;
    for (key, value) in records {
        if key == FORMAT {
            format = Some(value);
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
    hubs.into_iter().map(|(name, records)| load_hub(&name, records)).collect()
}

fn load_hub(hub: &str, records: Vec<(String, Vec<u8>)>) -> Result<Loaded, String> {
    let mut loaded = Loaded::default();
    for (rest, value) in records {
        let at = |error: String| format!("the record \"hub/{hub}/{rest}\" is damaged: {error}");
        let (kind, id) = rest.split_once('/').ok_or_else(|| at("it has no kind".to_owned()))?;
        let done = match kind {
            "hub" => parse(&value).map(|Identity { name, host }| (loaded.name, loaded.host) = (name, host)),
            kind => load_record(&mut loaded.state, kind, id, &value),
        };
        done.map_err(at)?;
    }
    match loaded.name.eq_ignore_ascii_case(hub) && !loaded.state.policies.is_empty() {
        true => Ok(loaded),
        false => Err(format!("the hub {hub} lacks a record")),
    }
}

/// Puts one record where it belongs.
fn load_record(state: &mut HubState, kind: &str, id: &str, value: &[u8]) -> Result<(), String> {
    match kind {
        "policies" => {
            let records: Vec<PolicyRecord> = parse(value)?;
            state.policies = records.into_iter().map(policy).collect::<Result<_, _>>()?;
        }
        kind => state.load(kind, id, value)?,
    }
    Ok(())
}

/// What a record says.
pub(super) fn parse<'a, T: Deserialize<'a>>(value: &'a [u8]) -> Result<T, String> {
    // Where it is wrong is told, not what is there: that may be a key.
    serde_json::from_slice(value).map_err(|error| format!("no such JSON at column {}", error.column()))
}

fn policy(record: PolicyRecord) -> Result<Policy, String> {
    let PolicyRecord { name, primary, secondary, rights } = record;
    let rights = rights.parse().map_err(|_| "a policy has unknown rights".to_owned())?;
    Policy::new(name, [Secret::from(primary), Secret::from(secondary)], rights)
        .map_err(|_| "a policy has a key that is none".to_owned())
}

/// What keeps a hub and its policies: to be written when it is made, and when its policies change.
pub(crate) fn policy_changes(
    changes: &mut Changes,
    key: impl Fn(&str) -> String,
    name: &str,
    host: &str,
    all: &[Policy],
) {
    let identity = Identity { name: name.to_owned(), host: host.to_owned() };
    let policies: Vec<PolicyRecord> = all
        .iter()
        .map(|policy| PolicyRecord {
            name: policy.name.clone(),
            primary: policy.texts[0].expose().to_owned(),
            secondary: policy.texts[1].expose().to_owned(),
            rights: policy.rights.to_string(),
        })
        .collect();
    changes.put(FORMAT, VERSION.to_vec());
    // Neither has anything in it that could not be written.
    changes.put(key("hub"), serde_json::to_vec(&identity).unwrap_or_default());
    changes.put(key("policies"), serde_json::to_vec(&policies).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICIES: &str =
        r#"[{"name":"p","primary":"bWFkZSB1cA==","secondary":"bWFkZSB1cA==","rights":"RegistryRead"}]"#;

    fn records(list: &[(&str, &str)]) -> Records {
        list.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let mut changes = Changes::default();
        let [primary, secondary] = ["bWFkZSB1cA==", "c2Vjb25k"].map(Secret::from);
        let policy =
            Policy::new("Owner", [primary, secondary], "RegistryWrite, ServiceConnect".parse().unwrap()).unwrap();
        policy_changes(&mut changes, |kind| format!("hub/a/{kind}/"), "A", "a.example", &[policy]);
        let [loaded] = <[Loaded; 1]>::try_from(load(changes.records()).unwrap()).unwrap();
        assert_eq!((loaded.name.as_str(), loaded.host.as_str()), ("A", "a.example"));
        let policy = &loaded.state.policies[0];
        assert_eq!((policy.name.as_str(), policy.texts[1].expose()), ("Owner", "c2Vjb25k"));
        assert_eq!(policy.rights.to_string(), "RegistryWrite, ServiceConnect");
        assert!(load(Vec::new()).unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let hub = [("format", "1"), ("hub/a/hub/", r#"{"name":"a","host":"h"}"#), ("hub/a/policies/", POLICIES)];
        assert!(load(records(&hub)).is_ok());
        for (key, value, said) in [
            ("format", "2", "another version"),
            ("other", "", "\"other\" is of no known kind"),
            ("hub/a/else/x", "{}", "\"hub/a/else/x\" is damaged: there is no such kind of record"),
            ("hub/a/device/d", "{", "\"hub/a/device/d\" is damaged: no such JSON at column 1"),
            ("hub/a/policies/", "[]", "hub a lacks a record"),
            ("hub/a/hub/", r#"{"name":"b","host":"h"}"#, "hub a lacks a record"),
            ("hub/b/policies/", POLICIES, "hub b lacks a record"),
            ("hub/a/policies/", &POLICIES.replace("RegistryRead", "All"), "unknown rights"),
            ("hub/a/policies/", &POLICIES.replace("bWFk", "!"), "a key that is none"),
        ] {
            let mut all: BTreeMap<_, _> = hub.into_iter().collect();
            all.insert(key, value);
            let error = load(records(&all.into_iter().collect::<Vec<_>>())).unwrap_err();
            assert!(error.contains(said), "{key}: {error}");
        }
        assert!(load(records(&hub[1..])).unwrap_err().contains("in which format"));
    }
}
