//! A few of the models of the crate `iothub`, written by hand with serde's derives.
//!
//! They read what ours read: the same fields, and the same types for dates and durations. They do less where derives usually do
//! less: keys are plain strings, and unknown values of enums and unknown properties are dropped ([`kept`] keeps the latter).

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use specsmith_runtime::time::{DateTime, Duration};

/// A value that travels as a string.
#[derive(Clone)]
pub(crate) struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: FromStr> Visitor<'_> for TextVisitor<T> {
    type Value = Text<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        text.parse().map(Text).map_err(|_| E::custom("not readable"))
    }
}

/// Structs whose optional fields are left out where they are absent.
macro_rules! models {
    ($(struct $name:ident { $($(#[$attribute:meta])* $field:ident: $ty:ty,)* ? $($(#[$more:meta])* $option:ident: $inner:ty,)* })*) => {
        $(
            #[derive(Clone, Serialize, Deserialize)]
            #[serde(rename_all = "camelCase")]
            pub(crate) struct $name {
                $($(#[$attribute])* $field: $ty,)*
                $($(#[$more])* #[serde(default, skip_serializing_if = "Option::is_none")] $option: Option<$inner>,)*
            }
        )*
    };
}

/// Enums of strings.
macro_rules! enums {
    ($($name:ident { $($variant:ident $value:literal),* })*) => {
        $(
            #[derive(Clone, Serialize, Deserialize)]
            pub(crate) enum $name {
                $(#[serde(rename = $value)] $variant,)*
                #[serde(other)]
                Other,
            }
        )*
    };
}

enums! {
    ConnectionState { Disconnected "Disconnected", Connected "Connected" }
    DeviceStatus { Enabled "enabled", Disabled "disabled" }
    AccessRights { RegistryRead "RegistryRead", ServiceConnect "ServiceConnect", DeviceConnect "DeviceConnect", All "RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect" }
    IpFilterAction { Accept "Accept", Reject "Reject" }
    RoutingSource { Invalid "Invalid", DeviceMessages "DeviceMessages", TwinChangeEvents "TwinChangeEvents" }
    Level { None "None", Error "Error", Information "Information" }
    SkuName { F1 "F1", S1 "S1", S2 "S2", S3 "S3" }
    SkuTier { Free "Free", Standard "Standard" }
}

models! {
    struct Device {
        device_id: String,
        ?
        generation_id: String,
        etag: String,
        connection_state: ConnectionState,
        status: DeviceStatus,
        status_reason: String,
        connection_state_updated_time: Text<DateTime>,
        status_updated_time: Text<DateTime>,
        last_activity_time: Text<DateTime>,
        cloud_to_device_message_count: i32,
        authentication: Authentication,
    }
    struct Authentication {
        ?
        symmetric_key: SymmetricKey,
        x509_thumbprint: X509Thumbprint,
    }
    struct SymmetricKey {
        ?
        primary_key: String,
        secondary_key: String,
    }
    struct X509Thumbprint {
        ?
        primary_thumbprint: String,
        secondary_thumbprint: String,
    }
    struct Twin {
        ?
        device_id: String,
        etag: String,
        version: i64,
        tags: Map<String, Value>,
        properties: TwinProperties,
    }
    struct TwinProperties {
        ?
        desired: Map<String, Value>,
        reported: Map<String, Value>,
    }
    struct IotHub {
        location: String,
        #[serde(rename = "subscriptionid")] subscription_id: String,
        #[serde(rename = "resourcegroup")] resource_group: String,
        sku: Sku,
        ?
        id: String,
        name: String,
        r#type: String,
        tags: BTreeMap<String, String>,
        etag: String,
        properties: IotHubProperties,
    }
    struct Sku {
        name: SkuName,
        capacity: i64,
        ?
        tier: SkuTier,
    }
    struct IotHubProperties {
        ?
        authorization_policies: Vec<Policy>,
        ip_filter_rules: Vec<IpFilterRule>,
        provisioning_state: String,
        host_name: String,
        event_hub_endpoints: BTreeMap<String, EventHub>,
        routing: Routing,
        storage_endpoints: BTreeMap<String, Storage>,
        messaging_endpoints: BTreeMap<String, Queue>,
        enable_file_upload_notifications: bool,
        cloud_to_device: CloudToDevice,
        comments: String,
        operations_monitoring_properties: Monitoring,
        features: String,
    }
    struct Policy {
        key_name: String,
        rights: AccessRights,
        ?
        primary_key: String,
        secondary_key: String,
    }
    struct IpFilterRule {
        filter_name: String,
        action: IpFilterAction,
        ip_mask: String,
        ?
    }
    struct EventHub {
        ?
        retention_time_in_days: i64,
        partition_count: i32,
        partition_ids: Vec<String>,
        path: String,
        endpoint: String,
    }
    struct Routing {
        ?
        endpoints: Endpoints,
        routes: Vec<Route>,
        fallback_route: FallbackRoute,
    }
    struct Endpoints {
        ?
        service_bus_queues: Vec<Endpoint>,
        service_bus_topics: Vec<Endpoint>,
        event_hubs: Vec<Endpoint>,
    }
    struct Endpoint {
        connection_string: String,
        name: String,
        ?
        subscription_id: String,
        resource_group: String,
    }
    struct Route {
        name: String,
        source: RoutingSource,
        endpoint_names: Vec<String>,
        is_enabled: bool,
        ?
        condition: String,
    }
    struct FallbackRoute {
        source: RoutingSource,
        endpoint_names: Vec<String>,
        is_enabled: bool,
        ?
        condition: String,
    }
    struct Storage {
        connection_string: String,
        container_name: String,
        ?
        #[serde(rename = "sasTtlAsIso8601")] sas_ttl: Text<Duration>,
    }
    struct Queue {
        ?
        #[serde(rename = "lockDurationAsIso8601")] lock_duration: Text<Duration>,
        #[serde(rename = "ttlAsIso8601")] ttl: Text<Duration>,
        max_delivery_count: i32,
    }
    struct CloudToDevice {
        ?
        max_delivery_count: i32,
        #[serde(rename = "defaultTtlAsIso8601")] default_ttl: Text<Duration>,
        feedback: Queue,
    }
    struct Monitoring {
        ?
        events: BTreeMap<String, Level>,
    }
}

/// The same with its unknown properties kept, as ours keep them.
pub(crate) mod kept {
    use super::{ConnectionState, DateTime, Deserialize, DeviceStatus, Map, Serialize, Text, Value};

    /// As above, with a place for the rest.
    macro_rules! models {
        ($(struct $name:ident { $($field:ident: $ty:ty,)* ? $($option:ident: $inner:ty,)* })*) => {
            $(
                #[derive(Clone, Serialize, Deserialize)]
                #[serde(rename_all = "camelCase")]
                pub(crate) struct $name {
                    $($field: $ty,)*
                    $(#[serde(default, skip_serializing_if = "Option::is_none")] $option: Option<$inner>,)*
                    #[serde(flatten)]
                    rest: Map<String, Value>,
                }
            )*
        };
    }

    models! {
        struct Device {
            device_id: String,
            ?
            generation_id: String,
            etag: String,
            connection_state: ConnectionState,
            status: DeviceStatus,
            status_reason: String,
            connection_state_updated_time: Text<DateTime>,
            status_updated_time: Text<DateTime>,
            last_activity_time: Text<DateTime>,
            cloud_to_device_message_count: i32,
            authentication: Authentication,
        }
        struct Authentication {
            ?
            symmetric_key: SymmetricKey,
            x509_thumbprint: X509Thumbprint,
        }
        struct SymmetricKey {
            ?
            primary_key: String,
            secondary_key: String,
        }
        struct X509Thumbprint {
            ?
            primary_thumbprint: String,
            secondary_thumbprint: String,
        }
    }
}
