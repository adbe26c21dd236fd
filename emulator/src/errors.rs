//! The errors of the service, by its codes.

use http::StatusCode;
use iothub::runtime::server::ServiceError;

use crate::store::StoreError;

/// 404 `DeviceNotFound`.
pub(crate) fn device_not_found(id: &str) -> ServiceError {
    ServiceError::new(StatusCode::NOT_FOUND, "DeviceNotFound", format!("The device {id} is not registered."))
}

/// 409 `DeviceAlreadyExists`.
pub(crate) fn device_exists(id: &str) -> ServiceError {
    ServiceError::new(StatusCode::CONFLICT, "DeviceAlreadyExists", format!("The device {id} is registered already."))
}

/// 400 `ArgumentInvalid`.
pub(crate) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new(StatusCode::BAD_REQUEST, "ArgumentInvalid", message)
}

/// 412 `PreconditionFailed`.
pub(crate) fn precondition_failed() -> ServiceError {
    ServiceError::new(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", "The entity tag is another one.")
}

/// 404 `IotHubNotFound`.
pub(crate) fn hub_not_found(name: &str) -> ServiceError {
    ServiceError::new(StatusCode::NOT_FOUND, "IotHubNotFound", format!("There is no hub {name}."))
}

/// 500: what was changed may not outlive the emulator.
pub(crate) fn not_stored(error: StoreError) -> ServiceError {
    let message = "The change could not be written to the disk.";
    ServiceError::new(StatusCode::INTERNAL_SERVER_ERROR, "ServerError", message).with_source(error)
}
