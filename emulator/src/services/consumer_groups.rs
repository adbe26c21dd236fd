//! Groups of readers of a hub's events.

use std::collections::BTreeMap;

use iothub::management::models::ConsumerGroup;

use crate::fault::Fault;
use crate::state::provider::Scope;
use crate::state::resource::{self, DEFAULT_GROUP, ENDPOINTS};
use crate::state::{Hub, HubState};

/// The most groups of an endpoint, beside that which is always there.
const GROUPS: usize = 20;

/// The name of an endpoint as the service writes it.
fn endpoint(name: &str) -> Result<&'static str, Fault> {
    let known = ENDPOINTS.into_iter().find(|known| known.eq_ignore_ascii_case(name));
    known.ok_or_else(|| Fault::missing("EventHubEndpointNotFound", format!("There is no endpoint called '{name}'.")))
}

/// The names of the groups of an endpoint, in their order.
///
/// # Errors
///
/// 404 where there is no such endpoint.
pub(super) fn list(hub: &Hub, of: &str) -> Result<Vec<String>, Fault> {
    Ok(all(&hub.read(), endpoint(of)?).map(str::to_owned).collect())
}

fn all<'a>(state: &'a HubState, endpoint: &str) -> impl Iterator<Item = &'a str> {
    // Its first character comes before all that other names have.
    let own = state.resource.consumer_groups.get(endpoint).into_iter().flatten();
    std::iter::once(DEFAULT_GROUP).chain(own.map(String::as_str))
}

/// A group as it is called, by its name in any case.
///
/// # Errors
///
/// 404 where there is none.
pub(super) fn get(hub: &Hub, of: &str, name: &str) -> Result<String, Fault> {
    let (state, endpoint) = (hub.read(), endpoint(of)?);
    find(&state, endpoint, name).ok_or_else(|| missing(endpoint, name))
}

fn find(state: &HubState, endpoint: &str, name: &str) -> Option<String> {
    all(state, endpoint).find(|group| group.eq_ignore_ascii_case(name)).map(str::to_owned)
}

fn missing(endpoint: &str, name: &str) -> Fault {
    Fault::missing("ConsumerGroupNotFound", format!("The endpoint '{endpoint}' has no consumer group called '{name}'."))
}

/// Adds a group, unless it is there, and says what it is called.
///
/// # Errors
///
/// Where the name is none or there are too many.
pub(super) async fn create(hub: &Hub, of: &str, name: String) -> Result<String, Fault> {
    let endpoint = endpoint(of)?;
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_name = (1..=50).contains(&name.len()) && name.bytes().all(is_allowed);
    let pending = hub.change(|state, changes| {
        if let Some(known) = find(state, endpoint, &name) {
            return Ok(known);
        }
        if !is_name {
            return Err(Fault::invalid(
                "The name of a consumer group has 1 to 50 letters, digits, dots, hyphens and underscores.",
            ));
        }
        let groups = state.resource.consumer_groups.entry(endpoint.to_owned()).or_default();
        if groups.len() >= GROUPS {
            return Err(Fault::quota(format!("The endpoint '{endpoint}' has {GROUPS} consumer groups, the most.")));
        }
        groups.insert(name.clone());
        resource::keep(hub, state, changes);
        Ok(name)
    })?;
    Ok(pending.durable().await?)
}

/// Removes a group.
///
/// # Errors
///
/// 404 where there is none; 400 for the one that is always there.
pub(super) async fn delete(hub: &Hub, of: &str, name: &str) -> Result<(), Fault> {
    let endpoint = endpoint(of)?;
    let pending = hub.change(|state, changes| {
        let known = find(state, endpoint, name).ok_or_else(|| missing(endpoint, name))?;
        if known == DEFAULT_GROUP {
            return Err(Fault::invalid(format!("The consumer group '{DEFAULT_GROUP}' is always there.")));
        }
        if let Some(groups) = state.resource.consumer_groups.get_mut(endpoint) {
            groups.remove(&known);
        }
        resource::keep(hub, state, changes);
        Ok(())
    })?;
    Ok(pending.durable().await?)
}

/// A group as it is answered.
///
/// # Errors
///
/// 404 where there is no such endpoint.
pub(super) fn shown(scope: Scope<'_>, of: &str, name: String) -> Result<ConsumerGroup, Fault> {
    let hub = resource::id(scope.subscription, scope.group, scope.hub);
    let id = format!("{hub}/eventHubEndpoints/{}/ConsumerGroups/{name}", endpoint(of)?);
    Ok(ConsumerGroup::new().with_id(id).with_name(name).with_tags(BTreeMap::new()))
}
