//! A hub as an Azure resource.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use iothub::management::models;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::device::base64_text;
use super::hub::{Hub, HubState};
use super::policy::Policy;
use super::queue;
use crate::blobs::names;
use crate::store::Changes;

/// The kind of the one record that a hub has for this.
pub(crate) const KIND: &str = "resource";

/// The endpoints from which a back end reads events.
pub(crate) const ENDPOINTS: [&str; 2] = ["events", "operationsMonitoringEvents"];

/// The consumer group that every endpoint has.
pub(crate) const DEFAULT_GROUP: &str = "$Default";

/// The one storage account that a hub may have for files that devices upload.
const STORAGE: &str = "$default";

/// How long the signature for an upload lasts, unless it is said, and at least and at most.
const UPLOAD: [Duration; 3] = [Duration::from_secs(3_600), Duration::from_secs(60), Duration::from_secs(48 * 3_600)];

/// What the resource provider knows of a hub, beside its policies.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Resource {
    /// The resource group; case does not count.
    pub(crate) group: String,
    /// The region.
    pub(crate) location: String,
    /// The owner's labels.
    pub(crate) tags: BTreeMap<String, String>,
    /// What kind of units it is made of.
    pub(crate) sku: String,
    /// How many.
    pub(crate) capacity: i64,
    /// The properties, without policies and without what the hub says of itself.
    pub(crate) properties: Map<String, Value>,
    /// What else the description has, of which only its owner knows the meaning.
    pub(crate) other: Map<String, Value>,
    /// Counts the changes.
    pub(crate) version: u64,
    /// When the hub is there after its creation.
    pub(crate) active: SystemTime,
    /// When the last change is through.
    pub(crate) settled: SystemTime,
    /// The consumer groups by their endpoints, without that which is always there.
    pub(crate) consumer_groups: BTreeMap<String, BTreeSet<String>>,
}

impl Default for Resource {
    fn default() -> Resource {
        Resource {
            group: "emulator".to_owned(),
            location: "westus".to_owned(),
            tags: BTreeMap::new(),
            sku: "S1".to_owned(),
            capacity: 1,
            properties: usual_properties(),
            other: Map::new(),
            version: 0,
            active: SystemTime::UNIX_EPOCH,
            settled: SystemTime::UNIX_EPOCH,
            consumer_groups: BTreeMap::new(),
        }
    }
}

impl Resource {
    /// What is to be after a description was put; `before` is what was there.
    ///
    /// # Errors
    ///
    /// What is wrong with the description.
    pub(crate) fn put(
        before: Option<&Resource>,
        group: &str,
        description: models::IotHubDescription,
        now: SystemTime,
        lasts: Duration,
    ) -> Result<Resource, String> {
        let ready = now.checked_add(lasts).unwrap_or(now);
        let models::IotHubDescription { location, tags, properties, sku, additional_properties: other, .. } =
            description;
        let (sku, capacity) = size(&sku)?;
        let properties = match (properties, before) {
            (None, Some(before)) => before.properties.clone(),
            (properties, _) => properties_of(properties.unwrap_or_default(), before)?,
        };
        let resource = match before {
            Some(before) => Resource { version: before.version.saturating_add(1), ..before.clone() },
            // So that the tags of a hub are not those of an earlier one of its name.
            None => Resource {
                group: group.to_owned(),
                location,
                version: now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_millis() as u64),
                active: ready,
                ..Resource::default()
            },
        };
        Ok(Resource { tags: tags.unwrap_or_default(), sku, capacity, properties, other, settled: ready, ..resource })
    }

    /// Where devices upload files, if that is said, and how long that may take.
    pub(crate) fn uploads(&self) -> (Option<&str>, Duration) {
        let settings = self.properties.get("storageEndpoints").and_then(|all| all.get(STORAGE)?.as_object());
        let container = settings.and_then(|settings| settings.get("containerName")?.as_str());
        let [usual, least, most] = UPLOAD;
        let time = queue::time(settings, "sasTtlAsIso8601", usual).clamp(least, most);
        (container.filter(|name| names::is_container(name)), time)
    }

    /// The entity tag: 8 bytes in Base64.
    pub(crate) fn etag(&self) -> String {
        base64_text(self.version.to_be_bytes())
    }

    /// The description as it is answered, without policies.
    pub(crate) fn description(&self, hub: &Hub, subscription: &str, now: SystemTime) -> models::IotHubDescription {
        let (is_active, is_settled) = (now >= self.active, now >= self.settled);
        let mut properties = self.properties.clone();
        properties.insert("state".to_owned(), if is_active { "Active" } else { "Activating" }.into());
        properties.insert("provisioningState".to_owned(), if is_settled { "Succeeded" } else { "Accepted" }.into());
        if is_active {
            properties.insert("hostName".to_owned(), hub.host.as_str().into());
        }
        if let Some(Value::Object(endpoints)) = properties.get_mut("eventHubEndpoints").filter(|_| is_active) {
            endpoints.iter_mut().for_each(|(name, endpoint)| complete(&hub.name, name, endpoint));
        }
        let tier = if self.sku == "F1" { "Free" } else { "Standard" };
        let mut description = json!({
            "id": id(subscription, &self.group, &hub.name),
            "name": hub.name,
            "type": TYPE,
            "location": self.location,
            "tags": self.tags,
            "subscriptionid": subscription,
            "resourcegroup": self.group,
            "etag": self.etag(),
            "properties": properties,
            "sku": { "name": self.sku, "tier": tier, "capacity": self.capacity },
        });
        if let Some(members) = description.as_object_mut() {
            self.other.iter().for_each(|(name, value)| _ = members.entry(name.clone()).or_insert(value.clone()));
        }
        // It is made of what was read as one.
        serde_json::from_value(description).unwrap_or_else(|_| {
            models::IotHubDescription::new(self.location.clone(), models::IotHubSkuInfo::new(models::IotHubSku::S1))
        })
    }
}

/// The type of hubs among resources.
pub(crate) const TYPE: &str = "Microsoft.Devices/IotHubs";

/// The path of a hub among resources.
pub(crate) fn id(subscription: &str, group: &str, hub: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{TYPE}/{hub}")
}

/// The largest number of units of a size, and how many devices and messages a day these may have.
pub(crate) fn limits(sku: &str) -> Option<(i64, i64, i64)> {
    match sku {
        "F1" => Some((1, 500, 8_000)),
        "S1" => Some((200, 500_000, 400_000)),
        "S2" => Some((200, 500_000, 6_000_000)),
        "S3" => Some((10, 500_000, 300_000_000)),
        _ => None,
    }
}

fn size(sku: &models::IotHubSkuInfo) -> Result<(String, i64), String> {
    let (name, capacity) = (sku.name.to_string(), sku.capacity.unwrap_or(1));
    match limits(&name) {
        None => Err(format!("There is no SKU {name}: it is F1, S1, S2 or S3.")),
        Some((most, ..)) if !(1..=most).contains(&capacity) => {
            Err(format!("A hub of the SKU {name} has 1 to {most} units, not {capacity}."))
        }
        Some(_) => Ok((name, capacity)),
    }
}

/// The properties of a hub about which its owner has said nothing.
fn usual_properties() -> Map<String, Value> {
    let endpoint = json!({ "retentionTimeInDays": 1, "partitionCount": 2 });
    let queue = json!({ "lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10 });
    let monitored =
        ["Connections", "DeviceTelemetry", "C2DCommands", "DeviceIdentityOperations", "FileUploadOperations", "Routes"];
    let monitored: Map<String, Value> = monitored.iter().map(|name| ((*name).to_owned(), "None".into())).collect();
    let usual = json!({
        "ipFilterRules": [],
        "eventHubEndpoints": { "events": endpoint, "operationsMonitoringEvents": endpoint },
        "routing": {
            "endpoints": { "serviceBusQueues": [], "serviceBusTopics": [], "eventHubs": [], "storageContainers": [] },
            "routes": [],
            "fallbackRoute": {
                "name": "$fallback",
                "source": "DeviceMessages",
                "condition": "true",
                "endpointNames": ["events"],
                "isEnabled": true,
            },
        },
        "storageEndpoints": { "$default": { "sasTtlAsIso8601": "PT1H", "connectionString": "", "containerName": "" } },
        "messagingEndpoints": { "fileNotifications": queue },
        "enableFileUploadNotifications": false,
        "cloudToDevice": { "maxDeliveryCount": 10, "defaultTtlAsIso8601": "PT1H", "feedback": queue },
        "operationsMonitoringProperties": { "events": monitored },
        "features": "None",
        "generationNumber": 0,
    });
    match usual {
        Value::Object(usual) => usual,
        _ => Map::new(),
    }
}

/// The properties that were put, with what is usual for those that were not.
fn properties_of(mut given: models::IotHubProperties, before: Option<&Resource>) -> Result<Map<String, Value>, String> {
    given.authorization_policies = None;
    // Only the hub says these.
    (given.provisioning_state, given.host_name) = (None, None);
    given.additional_properties.remove("state");
    given.additional_properties.remove("generationNumber");
    for (name, endpoint) in given.event_hub_endpoints.iter_mut().flatten() {
        let limit = |what: &str, number: Option<i64>, most: i64| match number {
            Some(number) if !(1..=most).contains(&number) => {
                Err(format!("The endpoint {name} has {number} {what}; 1 to {most} are possible."))
            }
            _ => Ok(()),
        };
        if !ENDPOINTS.contains(&name.as_str()) {
            return Err(format!("A hub has no endpoint {name}, only those called {}.", ENDPOINTS.join(" and ")));
        }
        limit("days of retention", endpoint.retention_time_in_days, 7)?;
        limit("partitions", endpoint.partition_count.map(i64::from), 128)?;
        (endpoint.partition_ids, endpoint.path, endpoint.endpoint) = (None, None, None);
    }
    check_storage(&given)?;
    let given = serde_json::to_value(&given).map_err(|error| error.to_string())?;
    let mut properties = Value::Object(usual_properties());
    if let Some(before) = before {
        // A hub keeps its partitions.
        let kept = json!({ "eventHubEndpoints": before.properties.get("eventHubEndpoints") });
        merge(&mut properties, kept);
    }
    merge(&mut properties, given);
    let partitions = |endpoints: Option<&Value>, name: &str| Some(endpoints?.get(name)?.get("partitionCount")?.clone());
    let changed = before.and_then(|before| {
        let [old, new] = [before.properties.get("eventHubEndpoints"), properties.get("eventHubEndpoints")];
        ENDPOINTS.into_iter().find(|name| partitions(old, name) != partitions(new, name))
    });
    match (changed, properties) {
        (Some(name), _) => Err(format!("The number of partitions of {name} cannot be changed.")),
        (None, Value::Object(properties)) => Ok(properties),
        (None, _) => Ok(Map::new()),
    }
}

/// Whether files can be uploaded as is said.
fn check_storage(given: &models::IotHubProperties) -> Result<(), String> {
    let all = given.storage_endpoints.iter().flatten();
    if given.enable_file_upload_notifications == Some(true) && all.clone().next().is_none() {
        return Err("There are notifications of uploaded files, but no storageEndpoints for these files.".to_owned());
    }
    for (name, endpoint) in all {
        if name != STORAGE {
            return Err(format!("A hub has no storage endpoint {name}, only one called {STORAGE}."));
        }
        let container = &endpoint.container_name;
        if !container.is_empty() && !names::is_container(container) {
            return Err(format!("'{container}' is not the name of a container: {}", names::CONTAINER));
        }
        let [_, least, most] = UPLOAD;
        let is_possible = |time: &iothub::runtime::time::Duration| {
            Duration::try_from(time).is_ok_and(|time| (least..=most).contains(&time))
        };
        if !endpoint.sas_ttl.as_ref().is_none_or(is_possible) {
            return Err("The sasTtlAsIso8601 of a storage endpoint is from one minute to 48 hours.".to_owned());
        }
    }
    Ok(())
}

/// Objects are merged at every depth, what is `null` is not there, and anything else replaces.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (_, Value::Null) => {}
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter().for_each(|(name, value)| merge(into.entry(name).or_insert(Value::Null), value));
        }
        (into, from) => *into = from,
    }
}

/// What an endpoint says of itself once it is there.
fn complete(hub: &str, name: &str, endpoint: &mut Value) {
    let count = endpoint.get("partitionCount").and_then(Value::as_u64).unwrap_or_default();
    if let Some(endpoint) = endpoint.as_object_mut() {
        let hub = hub.to_ascii_lowercase();
        let path = if name == "events" { hub.clone() } else { format!("{hub}-operationmonitoring") };
        endpoint.insert("partitionIds".to_owned(), (0..count).map(|id| id.to_string()).collect());
        endpoint.insert("path".to_owned(), path.into());
        endpoint.insert("endpoint".to_owned(), format!("sb://{hub}.servicebus.windows.net/").into());
    }
}

/// What the store has of a hub itself.
#[derive(Deserialize, Serialize)]
struct Record<N, R, P> {
    name: N,
    host: N,
    resource: R,
    policies: P,
}

/// Writes the record of a hub.
pub(crate) fn keep(hub: &Hub, state: &HubState, changes: &mut Changes) {
    let record = Record { name: &hub.name, host: &hub.host, resource: &state.resource, policies: &state.policies };
    // There is nothing in it that JSON cannot write.
    let bytes = serde_json::to_vec(&record).unwrap_or_default();
    changes.put(hub.key(KIND, ""), bytes);
}

/// Reads the record of a hub, and gives the hub's name and host name.
///
/// # Errors
///
/// Where it is damaged.
pub(crate) fn load(state: &mut HubState, bytes: &[u8]) -> Result<(String, String), String> {
    let record: Record<String, Resource, Vec<Policy>> = super::load::parse(bytes)?;
    (state.resource, state.policies) = (record.resource, record.policies);
    Ok((record.name, record.host))
}
