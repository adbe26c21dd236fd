//! The hubs of the emulator, as the resource provider makes, changes and deletes them.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::StatusCode;
use iothub::management::models::{self, IotHubDescription};
use iothub::runtime::server::{Preconditions, ServiceError};
use iothub::runtime::{Clock, Intent, Secret};

use super::hub::{Hub, HubState, Pending};
use super::policy::{Policy, new_key};
use super::resource::{self, Resource};
use super::{DOMAIN, World};
use crate::fault::Fault;
use crate::profile::Kind;

/// The most hubs.
const HUBS: usize = 100;
/// The most policies of a hub.
const POLICIES: usize = 100;

/// The resource provider.
#[derive(Debug)]
pub(crate) struct Provider {
    world: Arc<World>,
}

/// A hub that is no more, but for whom asks the resource provider.
#[derive(Clone, Debug)]
pub(super) struct Leaving {
    description: IotHubDescription,
    until: SystemTime,
}

impl Leaving {
    /// This hub until then, with its name in small letters.
    pub(super) fn new(mut description: IotHubDescription, until: SystemTime) -> (String, Leaving) {
        let name = description.name.as_deref().unwrap_or_default().to_ascii_lowercase();
        let properties = description.properties.get_or_insert_default();
        properties.provisioning_state = Some("Deleting".to_owned());
        properties.additional_properties.insert("state".to_owned(), "Deleting".into());
        (name, Leaving { description, until })
    }
}

/// A hub, as a path names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) subscription: &'a str,
    pub(crate) group: &'a str,
    pub(crate) hub: &'a str,
}

/// What was put.
#[derive(Debug)]
pub(crate) struct Put {
    /// 201 where it takes its time, otherwise 200.
    pub(crate) status: StatusCode,
    /// The hub as it is answered, with its keys.
    pub(crate) answer: IotHubDescription,
    /// The hub as it will be.
    pub(crate) result: IotHubDescription,
}

/// What was deleted.
#[derive(Debug)]
pub(crate) struct Deleted {
    /// The hub as it was.
    pub(crate) description: IotHubDescription,
    /// How long it will still be seen.
    pub(crate) lasts: Duration,
}

impl Provider {
    /// A provider of the hubs of this world.
    pub(crate) fn new(world: Arc<World>) -> Provider {
        Provider { world }
    }

    fn now(&self) -> SystemTime {
        self.world.clock.now()
    }

    /// The hubs that are being deleted at this time. Whoever makes, changes or deletes a hub holds the lock.
    fn leaving(&self) -> MutexGuard<'_, BTreeMap<String, Leaving>> {
        let mut leaving = self.world.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        // The time may have been moved on when one was made in place of another, and be back after a restart.
        leaving.retain(|name, hub| hub.until > now && self.world.hub(name).is_none());
        leaving
    }

    /// Whether the emulator has this subscription.
    ///
    /// # Errors
    ///
    /// 404 where it has not.
    pub(crate) fn check_subscription(&self, id: &str) -> Result<(), Fault> {
        match id.eq_ignore_ascii_case(&self.world.config.subscription) {
            true => Ok(()),
            false => Err(Fault::no_subscription(id)),
        }
    }

    /// Whether there may be this resource group.
    ///
    /// # Errors
    ///
    /// 404 where there may not, or the subscription is another one.
    pub(crate) fn check_group(&self, subscription: &str, group: &str) -> Result<(), Fault> {
        self.check_subscription(subscription)?;
        let is_allowed = |character: char| character.is_alphanumeric() || "-_.()".contains(character);
        let is_name =
            (1..=90).contains(&group.chars().count()) && group.chars().all(is_allowed) && !group.ends_with('.');
        if is_name { Ok(()) } else { Err(Fault::no_group(group)) }
    }

    /// A hub.
    ///
    /// # Errors
    ///
    /// 404 where there is none of this name in the resource group.
    pub(crate) fn hub(&self, scope: Scope<'_>) -> Result<Arc<Hub>, Fault> {
        self.check_group(scope.subscription, scope.group)?;
        self.existing(scope).ok_or_else(|| Fault::no_hub(scope.group, scope.hub))
    }

    fn existing(&self, scope: Scope<'_>) -> Option<Arc<Hub>> {
        self.world.hub(scope.hub).filter(|hub| hub.read().resource.group.eq_ignore_ascii_case(scope.group))
    }

    /// The description of a hub, without its keys.
    ///
    /// # Errors
    ///
    /// 404 where there is none of this name in the resource group.
    pub(crate) fn get(&self, scope: Scope<'_>) -> Result<IotHubDescription, Fault> {
        match self.hub(scope) {
            Ok(hub) => Ok(self.describe(&hub, self.now())),
            Err(fault) => self.deleting(scope).map(|hub| hub.description).ok_or(fault),
        }
    }

    fn describe(&self, hub: &Hub, now: SystemTime) -> IotHubDescription {
        hub.read().resource.description(hub, &self.world.config.subscription, now)
    }

    fn deleting(&self, scope: Scope<'_>) -> Option<Leaving> {
        self.check_subscription(scope.subscription).ok()?;
        let leaving = self.leaving().get(&scope.hub.to_ascii_lowercase())?.clone();
        let group = leaving.description.resource_group.as_deref()?;
        group.eq_ignore_ascii_case(scope.group).then_some(leaving)
    }

    /// The descriptions of all hubs, or those of one resource group, by their names in small letters, without their keys.
    pub(crate) fn list(&self, group: Option<&str>) -> BTreeMap<String, IotHubDescription> {
        let now = self.now();
        let hubs = self.world.hubs().into_iter().map(|hub| (hub.name.to_ascii_lowercase(), self.describe(&hub, now)));
        let mut all: BTreeMap<_, _> = hubs.collect();
        let leaving = self.leaving();
        all.extend(leaving.iter().map(|(name, hub)| (name.clone(), hub.description.clone())));
        let is_wanted = |hub: &IotHubDescription| match (group, &hub.resource_group) {
            (Some(group), Some(own)) => own.eq_ignore_ascii_case(group),
            (wanted, _) => wanted.is_none(),
        };
        all.retain(|_, hub| is_wanted(hub));
        all
    }

    /// Whether a name could be given to a new hub: the hubs of the emulator are all that there are.
    pub(crate) fn is_taken(&self, name: &str) -> bool {
        self.world.hub(name).is_some() || self.leaving().contains_key(&name.to_ascii_lowercase())
    }

    /// Makes or changes a hub.
    ///
    /// # Errors
    ///
    /// Where the description is not one that a hub may have, another hub has the name, or a precondition does not hold.
    pub(crate) async fn put(
        &self,
        scope: Scope<'_>,
        preconditions: &Preconditions,
        description: IotHubDescription,
    ) -> Result<Put, Fault> {
        self.check_group(scope.subscription, scope.group)?;
        Ok(self.change(scope, preconditions, description)?.durable().await?)
    }

    fn change(
        &self,
        scope: Scope<'_>,
        preconditions: &Preconditions,
        mut description: IotHubDescription,
    ) -> Result<Pending<Put>, Fault> {
        // Held until it is done, so that nobody else makes a hub of the name.
        let leaving = self.leaving();
        let existing = self.existing(scope);
        if leaving.contains_key(&scope.hub.to_ascii_lowercase()) {
            let message = format!("IotHub '{}' is being deleted.", scope.hub);
            return Err(Fault::conflict("IotHubIsBeingDeleted", message));
        }
        if existing.is_none() {
            self.check_new(scope, &leaving)?;
        }
        let etag = existing.as_ref().map(|hub| hub.read().resource.etag());
        let config = &self.world.config;
        let decision = config.profile.decide(Kind::Hub, Intent::Write, preconditions, etag.as_deref());
        let (_, status) = decision.map_err(|objection| Fault::objection(objection, scope.group, scope.hub))?;
        let lasts = if status == StatusCode::CREATED { config.lro_delay } else { Duration::ZERO };

        let before = existing.as_ref().map(|hub| {
            let state = hub.read();
            (state.resource.clone(), state.policies.clone())
        });
        let (old, policies) = before.unzip();
        if let Some(old) = old.as_ref().filter(|old| !is_same_place(&old.location, &description.location)) {
            return Err(Fault::other_location(scope.hub, &old.location, &description.location));
        }
        let given = description.properties.as_mut().and_then(|properties| properties.authorization_policies.take());
        let policies = match (given, policies) {
            (Some(given), _) => policies_of(given)?,
            (None, Some(policies)) => policies,
            (None, None) => Policy::usual()?,
        };
        let now = self.now();
        let new = Resource::put(old.as_ref(), scope.group, description, now, lasts).map_err(Fault::invalid)?;
        let hub = existing.unwrap_or_else(|| self.make(scope.hub));
        let settled = new.settled;
        let pending = hub.change(|state, changes| {
            (state.resource, state.policies) = (new, policies);
            resource::keep(&hub, state, changes);
            let result = state.resource.description(&hub, &config.subscription, settled);
            let mut answer = state.resource.description(&hub, &config.subscription, now);
            let properties = answer.properties.get_or_insert_default();
            properties.authorization_policies = Some(state.policies.iter().map(shown).collect());
            Ok::<_, Fault>(Put { status, answer, result })
        })?;
        if etag.is_none() {
            self.world.add(hub);
        }
        Ok(pending)
    }

    fn make(&self, name: &str) -> Arc<Hub> {
        let (clock, store) = (self.world.clock.clone(), self.world.store.clone());
        let host = format!("{}{DOMAIN}", name.to_ascii_lowercase());
        Arc::new(Hub::new(name, host, clock, store, HubState::default()))
    }

    fn check_new(&self, scope: Scope<'_>, leaving: &BTreeMap<String, Leaving>) -> Result<(), Fault> {
        if !is_name(scope.hub) {
            return Err(Fault::invalid(format!("'{}' is not the name of an IotHub: {NAME}", scope.hub)));
        }
        if self.world.hub(scope.hub).is_some() {
            // Of another resource group.
            let message = format!("IotHub name '{}' not available.", scope.hub);
            return Err(Fault::conflict("IotHubNameNotAvailable", message));
        }
        // Who makes and deletes hubs all the time is not to fill the memory with those that are on their way out.
        match self.world.hubs().len() + leaving.len() < HUBS {
            true => Ok(()),
            false => Err(Fault::quota(format!("There are {HUBS} hubs in the subscription, which is the most."))),
        }
    }

    /// Deletes a hub; `None` where there is none.
    ///
    /// Devices and services do not find it any more from now on, while the resource provider knows it until the operation is done.
    ///
    /// # Errors
    ///
    /// 412 where a precondition does not hold.
    pub(crate) async fn delete(
        &self,
        scope: Scope<'_>,
        preconditions: &Preconditions,
    ) -> Result<Option<Deleted>, Fault> {
        self.check_group(scope.subscription, scope.group)?;
        match self.remove(scope, preconditions)? {
            Some(pending) => Ok(Some(pending.durable().await?)),
            None => Ok(self.deleting(scope).map(|hub| {
                let lasts = hub.until.duration_since(self.now()).unwrap_or_default();
                Deleted { description: hub.description, lasts }
            })),
        }
    }

    fn remove(&self, scope: Scope<'_>, preconditions: &Preconditions) -> Result<Option<Pending<Deleted>>, Fault> {
        let mut leaving = self.leaving();
        let Some(hub) = self.existing(scope) else { return Ok(None) };
        let config = &self.world.config;
        let etag = hub.read().resource.etag();
        let decision = config.profile.decide(Kind::Hub, Intent::Delete, preconditions, Some(&etag));
        decision.map_err(|objection| Fault::objection(objection, scope.group, scope.hub))?;

        let (now, lasts) = (self.now(), config.lro_delay);
        let description = self.describe(&hub, now);
        let pending = hub.change(|state, changes| {
            state.is_gone = true;
            changes.remove_below(hub.folder());
            Ok::<_, Fault>(Deleted { description: description.clone(), lasts })
        })?;
        self.world.remove(&hub.name);
        let until = now.checked_add(lasts).unwrap_or(now);
        leaving.extend([Leaving::new(description, until)]);
        Ok(Some(pending))
    }
}

/// What is known of names.
pub(crate) const NAME: &str =
    "it has 3 to 50 letters, digits and hyphens, not digits alone, and no hyphen at either end.";

/// Whether a hub may have this name.
pub(crate) fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (3..=50).contains(&name.len())
        && name.bytes().all(is_allowed)
        && !name.bytes().all(|byte| byte.is_ascii_digit())
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// `West US` is `westus`.
fn is_same_place(one: &str, other: &str) -> bool {
    let letters = |place: &str| place.replace(' ', "").to_ascii_lowercase();
    letters(one) == letters(other)
}

/// The policies that were put, with keys for those that came without.
fn policies_of(given: Vec<models::SharedAccessPolicy>) -> Result<Vec<Policy>, Fault> {
    if given.len() > POLICIES {
        return Err(Fault::quota(format!("A hub has {POLICIES} policies at the most.")));
    }
    let mut policies: Vec<Policy> = Vec::with_capacity(given.len());
    for policy in given {
        let name = policy.key_name;
        if name.is_empty() || name.len() > 64 {
            return Err(Fault::invalid("The name of a policy has 1 to 64 characters."));
        }
        if policies.iter().any(|other| other.name.eq_ignore_ascii_case(&name)) {
            return Err(Fault::invalid(format!("There are two policies called {name}.")));
        }
        let rights = policy.rights.to_string().parse();
        let rights = rights.map_err(|error| Fault::invalid(format!("The rights of the policy {name}: {error}")))?;
        let key = |given: Option<Secret>| -> Result<Secret, ServiceError> {
            given.filter(|key| !key.expose().is_empty()).map_or_else(new_key, Ok)
        };
        let keys = [key(policy.primary_key)?, key(policy.secondary_key)?];
        let policy = Policy::new(name.clone(), keys, rights);
        policies.push(policy.map_err(|error| Fault::invalid(format!("A key of the policy {name}: {error}")))?);
    }
    Ok(policies)
}

/// A policy with its keys, as it is answered.
pub(crate) fn shown(policy: &Policy) -> models::SharedAccessPolicy {
    let rights = models::AccessRights::from(policy.rights.to_string().as_str());
    let mut shown = models::SharedAccessPolicy::new(policy.name.clone(), rights);
    let [primary, secondary] = policy.texts.clone();
    (shown.primary_key, shown.secondary_key) = (Some(primary), Some(secondary));
    shown
}
