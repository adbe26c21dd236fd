//! Direct methods.

use iothub::hub::server::device_twin_api::{InvokeDeviceMethodRequest, InvokeDeviceMethodResponse};
use iothub::runtime::server::{Context, ServiceError};

use super::Services;

/// Calls a method.
pub(super) async fn invoke(
    _: &Services,
    cx: &Context,
    _: InvokeDeviceMethodRequest,
) -> Result<InvokeDeviceMethodResponse, ServiceError> {
    Err(ServiceError::not_implemented(cx.route()))
}
