//! What goes in and out of a hub beside HTTP.

use http::StatusCode;
use iothub::runtime::server::ServiceError;

use super::hub::Hub;
use crate::outside::MethodHandler;

impl Hub {
    /// Lets a method of a device be answered in this way, or no more. A device that answers any is connected.
    ///
    /// # Errors
    ///
    /// 404 where there is no such device.
    pub(crate) fn set_method(
        &self,
        _device: &str,
        _name: &str,
        _handler: Option<MethodHandler>,
    ) -> Result<(), ServiceError> {
        Err(unwritten())
    }
}

fn unwritten() -> ServiceError {
    ServiceError::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", "Nobody has written this yet.")
}
