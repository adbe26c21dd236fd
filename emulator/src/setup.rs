//! What there is at the start: the hubs of the store, and the main hub with its keys.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use iothub::runtime::Secret;
use iothub::runtime::credential::{Rights, SasKey};

use crate::builder::StartError;
use crate::clock::HubClock;
use crate::config::Config;
use crate::state::jobs::run;
use crate::state::{Found, Hub, HubState, Loaded, Policy, World, keep_format, load, new_key, resource};
use crate::store::Store;

/// What a policy of one's own may do.
const ALL: Rights = Rights::REGISTRY_WRITE.and(Rights::SERVICE_CONNECT).and(Rights::DEVICE_CONNECT);
/// The policy that may do everything.
pub(crate) const OWNER: &str = "iothubowner";

/// Keys of a policy that are given: the primary, and the secondary if it is.
#[derive(Clone, Debug)]
pub(crate) struct GivenKey {
    pub(crate) policy: String,
    pub(crate) key: Secret,
}

/// A given key that can be used.
#[derive(Debug)]
pub(crate) struct Key {
    policy: String,
    key: SasKey,
    text: Secret,
    is_secondary: bool,
}

/// The first key of a policy is its primary key, the second its secondary one.
///
/// # Errors
///
/// What is wrong with one, or with the name of its policy.
pub(crate) fn keys(given: &[GivenKey]) -> Result<Vec<Key>, String> {
    let mut keys: Vec<Key> = Vec::with_capacity(given.len());
    for GivenKey { policy, key: text } in given {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if !(1..=64).contains(&policy.len()) || !policy.bytes().all(is_plain) {
            return Err(format!("{policy:?} is no name of a policy: those have letters, digits and - _ . :"));
        }
        let key = SasKey::from_base64(text.expose())
            .map_err(|error| format!("the key of {policy} cannot be used: {error}"))?;
        let is_secondary = match keys.iter().filter(|other| other.policy.eq_ignore_ascii_case(policy)).count() {
            0 => false,
            1 => true,
            _ => return Err(format!("there are more than two keys of {policy}")),
        };
        keys.push(Key { policy: policy.clone(), key, text: text.clone(), is_secondary });
    }
    Ok(keys)
}

/// What the main hub is to be.
pub(crate) struct Main<'a> {
    pub(crate) host: &'a str,
    pub(crate) keys: &'a [Key],
}

impl Main<'_> {
    /// The name: the first label of the host name, as clients take it to be.
    pub(crate) fn name(&self) -> &str {
        let label = self.host.split('.').next().unwrap_or_default();
        let is_number =
            self.host.starts_with('[') || self.host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if is_number || label.is_empty() { "emulator" } else { label }
    }
}

/// Opens the folder, reads all there is, and sees to it that the main hub is there.
pub(crate) async fn world(folder: Option<&Path>, config: Config, main: Main<'_>) -> Result<World, StartError> {
    let (store, found) = open(folder).await?;
    let clock = HubClock::new();
    let world = World::new(clock.clone(), store.clone(), main.name()).with_config(config);
    let put_back = |Found { hubs, operations, moved }| {
        clock.advance(moved);
        operations.into_iter().try_for_each(|(id, record)| world.put_back(id, record)).map(|()| hubs)
    };
    let hubs = match found.and_then(put_back) {
        Ok(hubs) => hubs,
        Err(error) => {
            store.close().await;
            let folder = folder.map(|folder| folder.display().to_string()).unwrap_or_default();
            return Err(StartError::new(format!("the data in {folder} cannot be read: {error}")));
        }
    };
    let mut own = None;
    for Loaded { name, host, state } in hubs {
        match name.eq_ignore_ascii_case(main.name()) {
            true => own = Some(state),
            false => world.add(Arc::new(Hub::new(name, host, clock.clone(), store.clone(), state))),
        }
    }
    let mut state = match own {
        Some(state) => state,
        None => HubState { policies: Policy::usual().map_err(failed)?, ..HubState::default() },
    };
    give(&mut state.policies, main.keys)?;
    let hub = Arc::new(Hub::new(main.name(), main.host, clock, store, state));
    world.add(hub.clone());
    let Ok(kept) = hub.change(|state, changes| -> Result<(), Infallible> {
        keep_format(changes);
        resource::keep(&hub, state, changes);
        Ok(())
    });
    kept.durable().await.map_err(failed)?;
    for hub in world.hubs() {
        run::resume(&hub, &world.config.limits);
    }
    Ok(world)
}

/// The store, and what is in it or why that cannot be read.
type Opened = (Store, Result<Found, String>);

async fn open(folder: Option<&Path>) -> Result<Opened, StartError> {
    let Some(folder) = folder.map(Path::to_owned) else { return Ok((Store::none(), Ok(Found::default()))) };
    // On one thread: what records free is there for what is made of them.
    let opened =
        tokio::task::spawn_blocking(move || Store::open(&folder).map(|(store, records)| (store, load(records)))).await;
    match opened {
        Ok(Ok(opened)) => Ok(opened),
        Ok(Err(error)) => Err(StartError::new(format!("the data cannot be read: {error}"))),
        Err(_) => Err(StartError::new("the data cannot be read")),
    }
}

fn failed(error: impl std::fmt::Display) -> StartError {
    StartError::new(error.to_string())
}

/// Puts given keys into their policies.
fn give(policies: &mut Vec<Policy>, given: &[Key]) -> Result<(), StartError> {
    for Key { policy: name, key, text, is_secondary } in given {
        let found = policies.iter_mut().find(|policy| policy.name.eq_ignore_ascii_case(name));
        let policy = match found {
            Some(policy) => policy,
            None => {
                // A name that the service does not know is one's own, and may do all.
                let keys = [new_key().map_err(failed)?, new_key().map_err(failed)?];
                policies.push(Policy::new(name, keys, ALL).map_err(failed)?);
                let Some(policy) = policies.last_mut() else { continue };
                policy
            }
        };
        let [primary, secondary] = &mut policy.keys;
        let [primary_text, secondary_text] = &mut policy.texts;
        match is_secondary {
            false => (*primary, *primary_text) = (key.clone(), text.clone()),
            true => (*secondary, *secondary_text) = (key.clone(), text.clone()),
        }
    }
    Ok(())
}
