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

/// 500: what there is to see may not be what a restart would find.
pub(crate) fn disk_failed() -> ServiceError {
    let message = "The disk has failed: nothing is known for certain until the emulator is started again.";
    ServiceError::new(StatusCode::INTERNAL_SERVER_ERROR, "ServerError", message)
}

/// 400 `ArgumentInvalid` for a request that does not say whom it is for.
pub(crate) fn no_host() -> ServiceError {
    invalid("There is no Host, which HTTP/1.1 requires.")
}

/// 400 `ArgumentInvalid` for an id that no device may have.
pub(crate) fn no_device_id() -> ServiceError {
    invalid(
        "An id of a device has 1 to 128 ASCII letters, digits, semicolons and characters of - : . + % _ # * ? ! ( ) , = @ $ '",
    )
}

/// 400 `ArgumentInvalid` for a body that is of another device than the path.
pub(crate) fn other_device(id: &str) -> ServiceError {
    invalid(format!("deviceId: it is not {id}, as in the path."))
}

/// 400 `DeviceDefinedMultipleTimes`.
pub(crate) fn device_twice(id: &str) -> ServiceError {
    let message = format!("The device {id} is in the list more than once.");
    ServiceError::new(StatusCode::BAD_REQUEST, "DeviceDefinedMultipleTimes", message)
}

/// 403 `TooManyDevices`.
pub(crate) fn too_many_devices(most: usize) -> ServiceError {
    ServiceError::new(StatusCode::FORBIDDEN, "TooManyDevices", format!("The hub has {most} devices already."))
}

/// 403 `JobQuotaExceeded`: a hub has one import or export at a time.
pub(crate) fn one_transfer() -> ServiceError {
    let message = "Another import or export of devices is running, and a hub has one at a time.";
    ServiceError::new(StatusCode::FORBIDDEN, "JobQuotaExceeded", message)
}

/// 404 `JobNotFound`.
pub(crate) fn transfer_not_found(id: &str) -> ServiceError {
    ServiceError::new(StatusCode::NOT_FOUND, "JobNotFound", format!("There is no job {id}."))
}

/// 400 `BlobContainerValidationError`.
pub(crate) fn no_container(why: &str) -> ServiceError {
    let message = format!("The container of blobs cannot be used: {why}");
    ServiceError::new(StatusCode::BAD_REQUEST, "BlobContainerValidationError", message)
}

/// 404 `JobNotFound`.
pub(crate) fn job_not_found(id: &str) -> ServiceError {
    ServiceError::new(StatusCode::NOT_FOUND, "JobNotFound", format!("There is no job {id}."))
}

/// 409 `DeviceJobAlreadyExists`.
pub(crate) fn job_exists(id: &str) -> ServiceError {
    ServiceError::new(StatusCode::CONFLICT, "DeviceJobAlreadyExists", format!("There is a job {id} already."))
}

/// 429 `ThrottlingMaxActiveJobCountExceeded`.
pub(crate) fn too_many_jobs(most: usize) -> ServiceError {
    let message = format!("The hub has {most} jobs that have not ended.");
    ServiceError::new(StatusCode::TOO_MANY_REQUESTS, "ThrottlingMaxActiveJobCountExceeded", message)
}

/// 404 `DeviceNotOnline`, in the service's words.
pub(crate) fn not_online() -> ServiceError {
    ServiceError::new(StatusCode::NOT_FOUND, "DeviceNotOnline", "Timed out waiting for device to connect.")
}

/// 504 `GatewayTimeout`, in the service's words.
pub(crate) fn no_answer() -> ServiceError {
    let message = "Timed out waiting for the response from device.";
    ServiceError::new(StatusCode::GATEWAY_TIMEOUT, "GatewayTimeout", message)
}

/// 500 `InvalidResponseWhileProxying` for what a device answers.
pub(crate) fn bad_answer(most: usize) -> ServiceError {
    let message = format!("The device has answered with more than {most} bytes.");
    ServiceError::new(StatusCode::INTERNAL_SERVER_ERROR, "InvalidResponseWhileProxying", message)
}

/// 413 `MessageTooLarge`.
pub(crate) fn too_large(what: &str, most: usize) -> ServiceError {
    let message = format!("{what}: more than {most} bytes.");
    ServiceError::new(StatusCode::PAYLOAD_TOO_LARGE, "MessageTooLarge", message)
}

/// 403 `DeviceMaximumQueueDepthExceeded`.
pub(crate) fn queue_full(id: &str, most: usize) -> ServiceError {
    let message = format!("{most} messages wait for the device {id} already.");
    ServiceError::new(StatusCode::FORBIDDEN, "DeviceMaximumQueueDepthExceeded", message)
}

/// 403 `DeviceMaximumActiveFileUploadLimitExceeded`.
pub(crate) fn too_many_uploads(id: &str, most: usize) -> ServiceError {
    let message = format!("The device {id} has {most} uploads in progress already.");
    ServiceError::new(StatusCode::FORBIDDEN, "DeviceMaximumActiveFileUploadLimitExceeded", message)
}

/// 400 `InvalidFileUploadCorrelationId`.
pub(crate) fn upload_not_found() -> ServiceError {
    let message = "The device has no upload in progress under this correlation id.";
    ServiceError::new(StatusCode::BAD_REQUEST, "InvalidFileUploadCorrelationId", message)
}

/// 412 `DeviceMessageLockLost`.
pub(crate) fn lock_lost() -> ServiceError {
    let message = "Nothing is locked under this token any more.";
    ServiceError::new(StatusCode::PRECONDITION_FAILED, "DeviceMessageLockLost", message)
}

/// 413 `MessageTooLarge`.
pub(crate) fn message_too_large(most: usize) -> ServiceError {
    let message = format!("A message with its properties has at most {most} bytes.");
    ServiceError::new(StatusCode::PAYLOAD_TOO_LARGE, "MessageTooLarge", message)
}

/// 403 `TooManyMethods`: more than one device, or all, may answer.
pub(crate) fn too_many_methods(most: usize) -> ServiceError {
    let message = format!("There are {most} methods already that are answered so.");
    ServiceError::new(StatusCode::FORBIDDEN, "TooManyMethods", message)
}

/// 401, as all refusals of the authenticators are.
pub(crate) fn unauthorized() -> ServiceError {
    ServiceError::new(StatusCode::UNAUTHORIZED, "IotHubUnauthorizedAccess", "Unauthorized")
}

/// 500, for what ought not to happen.
pub(crate) fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ServiceError {
    let message = "The emulator could not do what it was asked.";
    ServiceError::new(StatusCode::INTERNAL_SERVER_ERROR, "ServerError", message).with_source(error)
}
