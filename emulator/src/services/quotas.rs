//! How large a hub may be, and how large it is.

use iothub::management::models::{
    IotHubCapacity, IotHubScaleType, IotHubSku, IotHubSkuDescription, IotHubSkuInfo, IotHubSkuTier, QuotaMetric,
    RegistryStatistics,
};
use iothub::runtime::Clock;

use crate::state::{Hub, resource};

/// The sizes that a hub can be changed to.
pub(super) fn skus() -> Vec<IotHubSkuDescription> {
    let sku = |sku: IotHubSku| {
        let (most, ..) = resource::limits(sku.as_str())?;
        let mut capacity = IotHubCapacity::new().with_scale_type(IotHubScaleType::Manual);
        (capacity.minimum, capacity.maximum, capacity.default) = (Some(1), Some(most), Some(1));
        let sku = IotHubSkuInfo::new(sku).with_tier(IotHubSkuTier::Standard);
        Some(IotHubSkuDescription::new(sku, capacity).with_resource_type(resource::TYPE))
    };
    [IotHubSku::S1, IotHubSku::S2, IotHubSku::S3].into_iter().filter_map(sku).collect()
}

/// What of a hub is limited.
pub(super) fn metrics(hub: &Hub) -> Vec<QuotaMetric> {
    let told = i64::try_from(hub.events.on_day(hub.clock.now())).unwrap_or(i64::MAX);
    let state = hub.read();
    let (_, devices, messages) = resource::limits(&state.resource.sku).unwrap_or_default();
    let metric = |name: &str, current: i64, most: i64| {
        QuotaMetric::new().with_name(name).with_current_value(current).with_max_value(most)
    };
    vec![
        metric("TotalMessages", told, messages.saturating_mul(state.resource.capacity)),
        metric("TotalDeviceCount", count(state.devices.len()), devices),
    ]
}

/// How many devices a hub has.
pub(super) fn statistics(hub: &Hub) -> RegistryStatistics {
    let state = hub.read();
    let (all, disabled) = (state.devices.len(), state.disabled);
    RegistryStatistics::new()
        .with_total_device_count(count(all))
        .with_enabled_device_count(count(all.saturating_sub(disabled)))
        .with_disabled_device_count(count(disabled))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
