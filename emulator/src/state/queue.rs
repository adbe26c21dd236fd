//! Messages that wait for devices.

use http::StatusCode;
use iothub::runtime::server::ServiceError;

use super::{Hub, HubState};
use crate::store::Changes;

/// How many wait for a device.
pub(crate) fn depth(_: &HubState, _: &str) -> usize {
    0
}

/// Removes what waits for a device that is deleted.
pub(crate) fn forget(_: &Hub, _: &mut HubState, _: &mut Changes, _: &str) {}

/// Removes what waits for a device, and says how many messages that were.
///
/// # Errors
///
/// 404 where there is no such device.
pub(crate) async fn purge(_: &Hub, _: &str) -> Result<usize, ServiceError> {
    Err(ServiceError::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", "There are no such messages yet."))
}
