//! Queries.

use iothub::hub::server::device_api::{QueryDevicesRequest, QueryDevicesResponse};
use iothub::runtime::server::{Context, ServiceError};

use super::Services;

/// Answers a page of a query.
pub(super) async fn query_devices(
    _: &Services,
    cx: &Context,
    _: QueryDevicesRequest,
) -> Result<QueryDevicesResponse, ServiceError> {
    Err(ServiceError::not_implemented(cx.route()))
}
