//! The registry, without HTTP.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::clock::HubClock;
use crate::store::Store;

fn hub() -> Hub {
    Hub::new("h", "h.azure-devices.net", HubClock::new(), Store::none(), HubState::default())
}

fn change<T>(hub: &Hub, change: impl FnOnce(&mut Registry<'_>) -> Result<T, ServiceError>) -> Result<T, (u16, String)> {
    limited(hub, &Limits::default(), change)
}

fn limited<T>(
    hub: &Hub,
    limits: &Limits,
    change: impl FnOnce(&mut Registry<'_>) -> Result<T, ServiceError>,
) -> Result<T, (u16, String)> {
    let pending = hub.change(|state, changes| {
        let mut registry = Registry::open(hub, state, changes, limits)?;
        let value = change(&mut registry)?;
        assert!(!changes.is_empty(), "nothing is handed to the store");
        Ok::<_, ServiceError>(value)
    });
    let pending = pending.map_err(|error| (error.status().as_u16(), error.code().unwrap().to_owned()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    Ok(runtime.block_on(pending.durable()).unwrap())
}

fn refused<T: std::fmt::Debug>(status: u16, code: &str) -> Result<T, (u16, String)> {
    Err((status, code.to_owned()))
}

fn made(hub: &Hub, id: &str) -> Arc<Device> {
    change(hub, |registry| registry.create(id, &Identity::default(), Vec::new())).unwrap()
}

fn keys(device: &Device) -> [String; 2] {
    match &device.credentials {
        Credentials::Keys(keys) => keys.clone().map(String::from),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_device() {
    let hub = hub();
    let device = made(&hub, "d1");
    assert!(device.enabled && device.status_updated.is_none() && !device.edge);
    assert_eq!((device.etag().as_str(), device.generation.to_string().len()), ("MA==", 18));
    let [one, two] = keys(&device);
    assert_ne!(one, two);
    for key in [one, two] {
        assert_eq!(STANDARD.decode(key).unwrap().len(), 32);
    }
    assert!(device.keys().is_some());
    assert_eq!(device.twin.version, 1);
    let again = change(&hub, |registry| registry.create("d1", &Identity::default(), Vec::new()));
    assert_eq!(again.unwrap_err(), (409, "DeviceAlreadyExists".to_owned()));
}

#[test]
fn ids() {
    let hub = hub();
    for id in ["a", "-:.+%_#*?!(),=@;$'azAZ09", &"x".repeat(128), ".", ".."] {
        assert_eq!(&*made(&hub, id).id, id);
    }
    for id in ["", &"x".repeat(129), "a b", "a/b", "é", "a\u{0}", "a\"", "a&b", "a~"] {
        let outcome = change(&hub, |registry| registry.create(id, &Identity::default(), Vec::new()).map(drop));
        assert_eq!(outcome, refused(400, "ArgumentInvalid"), "{id}");
    }
    // Case counts.
    assert_ne!(made(&hub, "D1").generation, made(&hub, "d1").generation);
}

#[test]
fn what_an_update_leaves_out_stays() {
    let hub = hub();
    let old = made(&hub, "d1");
    let update = |identity: Identity| change(&hub, |registry| registry.update("d1", &identity, Vec::new())).unwrap();
    hub.clock.advance(Duration::from_secs(60));
    let reason: Box<str> = "because".into();
    let disabled = update(Identity {
        enabled: Some(false),
        status_reason: Some(reason.clone()),
        edge: Some(true),
        ..Identity::default()
    });
    assert_eq!((keys(&disabled), disabled.generation), (keys(&old), old.generation));
    assert_eq!((disabled.etag().as_str(), disabled.status_reason.as_ref()), ("MQ==", Some(&reason)));
    assert_eq!(disabled.twin.version, 1, "the identity is not the twin");
    assert!(disabled.keys().is_none(), "it may not use the hub");
    let since = disabled.status_updated.unwrap();
    assert!(since > std::time::SystemTime::now() + Duration::from_secs(50));
    hub.clock.advance(Duration::from_secs(60));
    let same = update(Identity::default());
    assert_eq!(
        (same.enabled, same.status_updated, same.edge, same.etag().as_str()),
        (false, Some(since), true, "Mg==")
    );
    assert_eq!(same.status_reason, None, "a note is written anew each time");
    let enabled = update(Identity { enabled: Some(true), ..Identity::default() });
    assert!(enabled.enabled && enabled.status_updated.unwrap() > since);
    let missing = change(&hub, |registry| registry.update("d2", &Identity::default(), Vec::new()).map(drop));
    assert_eq!(missing, refused(404, "DeviceNotFound"));
}

#[test]
fn credentials_are_given_kept_and_generated() {
    let hub = hub();
    let old = keys(&made(&hub, "d1"));
    let update = |given: Given| {
        let identity = Identity { given, ..Identity::default() };
        change(&hub, |registry| registry.update("d1", &identity, Vec::new())).unwrap()
    };
    assert_eq!(keys(&update(Given::AnyKeys)), old);
    let new = keys(&update(Given::NewKeys));
    assert!(old.iter().all(|old| !new.contains(old)));
    let own: [Box<str>; 2] = ["b3du".into(), "b3du".into()];
    assert_eq!(keys(&update(Given::Own(Credentials::Keys(own)))), ["b3du", "b3du"]);
    let thumbprints = Credentials::Thumbprints([Some("AB".repeat(20).into()), None]);
    assert!(matches!(update(Given::Own(thumbprints)).credentials, Credentials::Thumbprints([Some(_), None])));
    let kept = update(Given::Nothing);
    assert!(matches!(kept.credentials, Credentials::Thumbprints(_)) && kept.keys().is_none());
    assert_ne!(keys(&update(Given::AnyKeys)), ["b3du", "b3du"], "those before are gone");
    assert!(matches!(update(Given::Own(Credentials::Authority)).credentials, Credentials::Authority));
}

#[test]
fn another_generation() {
    let hub = hub();
    let mut seen = BTreeSet::new();
    for _ in 0..50 {
        seen.insert(made(&hub, "d1").generation);
        seen.insert(made(&hub, "d2").generation);
        change(&hub, |registry| registry.delete("d1")).unwrap();
        change(&hub, |registry| registry.delete("d2")).unwrap();
    }
    assert_eq!(seen.len(), 100);
    let device = made(&hub, "d1");
    assert_eq!((device.etag().as_str(), device.twin.version), ("MA==", 1));
    assert_eq!(change(&hub, |registry| registry.delete("d2")), refused(404, "DeviceNotFound"));
}

#[test]
fn not_more_than_there_may_be() {
    let (hub, limits) = (hub(), Limits { devices: 2, ..Limits::default() });
    let make = |id| limited(&hub, &limits, |registry| registry.create(id, &Identity::default(), Vec::new()).map(drop));
    make("d1").unwrap();
    make("d2").unwrap();
    assert_eq!(make("d3"), refused(403, "TooManyDevices"));
    assert_eq!(make("d2"), refused(409, "DeviceAlreadyExists"));
    limited(&hub, &limits, |registry| registry.update("d2", &Identity::default(), Vec::new())).unwrap();
    limited(&hub, &limits, |registry| registry.delete("d1")).unwrap();
    make("d3").unwrap();
}

fn part(part: Part, value: Value) -> (Part, Change) {
    let Value::Object(object) = value else { panic!("{value}") };
    (part, Change::Replace(object))
}

#[test]
fn what_fails_changes_nothing() {
    let hub = hub();
    let before = made(&hub, "d1");
    let bad = || vec![part(Part::Tags, json!({ "a": 1 })), part(Part::Desired, json!({ "a b": 1 }))];
    let outcomes = [
        change(&hub, |registry| registry.update("d1", &Identity::default(), bad()).map(drop)),
        change(&hub, |registry| registry.create("d2", &Identity::default(), bad()).map(drop)),
        change(&hub, |registry| registry.change_twin("d1", &Preconditions::default(), bad()).map(drop)),
    ];
    assert!(outcomes.iter().all(|outcome| *outcome == refused(400, "ArgumentInvalid")), "{outcomes:?}");
    let state = hub.read();
    assert!(Arc::ptr_eq(&state.devices["d1"], &before) && state.devices.len() == 1);
}

#[test]
fn twins_have_tags_of_their_own() {
    let hub = hub();
    let before = made(&hub, "d1");
    let matching = |tag: &str| {
        let mut preconditions = Preconditions::default();
        preconditions.if_match.push(tag.parse().unwrap());
        preconditions
    };
    let patch = |tag: &str| {
        let changes = vec![part(Part::Tags, json!({ "a": 1 }))];
        change(&hub, |registry| registry.change_twin("d1", &matching(tag), changes))
    };
    assert_eq!(patch(&before.etag()).unwrap_err(), (412, "PreconditionFailed".to_owned()));
    let after = patch(&before.twin.etag()).unwrap();
    assert_eq!((after.etag(), after.twin.version, after.generation), (before.etag(), 2, before.generation));
    assert_eq!(patch(&before.twin.etag()).unwrap_err().0, 412);
    patch("*").unwrap();
    let missing = change(&hub, |registry| registry.change_twin("d2", &matching("*"), Vec::new()).map(drop));
    assert_eq!(missing, refused(404, "DeviceNotFound"));
}

#[test]
fn imports() {
    use Action::{Create, CreateOrUpdate, Delete, Update};
    // What becomes of a device that is there, with a tag that is its own, another one, none, and if tags do not count.
    let kept = |status, code: &str| Some((status, code.to_owned()));
    let (stale, missing) = (kept(412, "PreconditionFailed"), kept(404, "DeviceNotFound"));
    for (action, if_match, there, not_there) in [
        (Create, None, kept(409, "DeviceAlreadyExists"), None),
        (Update, None, None, missing.clone()),
        (Update, Some("MA=="), None, missing.clone()),
        (Update, Some("\"MA==\""), None, missing.clone()),
        (Update, Some("*"), None, missing.clone()),
        (Update, Some("MQ=="), stale.clone(), missing.clone()),
        (Update, Some(""), stale.clone(), missing.clone()),
        (CreateOrUpdate, None, None, None),
        (CreateOrUpdate, Some("MA=="), None, None),
        (CreateOrUpdate, Some("MQ=="), stale.clone(), None),
        (Delete, None, None, missing.clone()),
        (Delete, Some("MA=="), None, missing.clone()),
        (Delete, Some("MQ=="), stale, missing),
    ] {
        for (is_there, expected) in [(true, there), (false, not_there)] {
            let hub = hub();
            if is_there {
                made(&hub, "d1");
            }
            let import = Import {
                id: "d1".to_owned(),
                action,
                if_match: if_match.map(str::to_owned),
                identity: Identity { enabled: Some(false), ..Identity::default() },
                twin: vec![part(Part::Tags, json!({ "a": 1 })), part(Part::Reported, json!({ "b": 2 }))],
            };
            let outcome = change(&hub, |registry| registry.import(import));
            assert_eq!(outcome.clone().err(), expected, "{action:?} {if_match:?} {is_there}");
            let state = hub.read();
            match state.devices.get("d1") {
                None => assert!(action == Delete && outcome.is_ok() || !is_there, "{action:?}"),
                Some(device) if outcome.is_ok() => {
                    assert_eq!((device.version, device.enabled), (u64::from(is_there), false));
                    assert_eq!((device.twin.tags.get(), device.twin.version), (r#"{"a":1}"#, 2));
                    assert_eq!(device.twin.part(Part::Reported)["b"], 2);
                }
                Some(device) => assert!(is_there && device.version == 0 && device.enabled),
            }
        }
    }
}

#[test]
fn records() {
    let hub = hub();
    let device = made(&hub, "d%1");
    let record = serde_json::to_vec(&*device).unwrap();
    let mut state = HubState::default();
    state.load("device", "d%1", &record).unwrap();
    let read = &state.devices["d%1"];
    assert_eq!(serde_json::to_vec(&**read).unwrap(), record);
    assert_eq!((state.generation, state.disabled), (device.generation, 0));
    let text = String::from_utf8(record.clone()).unwrap();
    for (kind, id, record) in [
        ("devices", "d%1", text.clone()),
        ("device", "d2", text.clone()),
        ("device", "d%1", text.replace(r#""tags":{}"#, r#""tags":[]"#)),
        ("device", "d%1", text.replace(r#""enabled":true,"#, "")),
        ("device", "d%1", text[1..].to_owned()),
    ] {
        assert!(HubState::default().load(kind, id, record.as_bytes()).is_err(), "{kind} {id} {record}");
    }
}

#[test]
fn no_key_is_printed() {
    let hub = hub();
    let device = made(&hub, "d1");
    let given = Given::Own(device.credentials.clone());
    let printed = format!("{device:?} {:?}", Identity { given, ..Identity::default() });
    assert!(keys(&device).iter().all(|key| !printed.contains(key)), "{printed}");
}

proptest! {
    /// The count of disabled devices, and uniqueness of generations, whatever is done.
    #[test]
    fn counts(steps in prop::collection::vec((0_usize..4, "[a-c]", any::<Option<bool>>()), 0..60)) {
        let hub = hub();
        let mut generations = BTreeSet::new();
        for (what, id, enabled) in steps {
            let identity = Identity { enabled, ..Identity::default() };
            match what {
                0 => _ = change(&hub, |registry| registry.delete(&id)),
                1 => _ = change(&hub, |registry| registry.update(&id, &identity, Vec::new())),
                2 => _ = change(&hub, |registry| registry.change_twin(&id, &Preconditions::default(), Vec::new())),
                _ => {
                    if let Ok(device) = change(&hub, |registry| registry.create(&id, &identity, Vec::new())) {
                        prop_assert!(generations.insert(device.generation));
                    }
                }
            }
            let state = hub.read();
            prop_assert_eq!(state.disabled, state.devices.values().filter(|device| !device.enabled).count());
        }
    }
}
