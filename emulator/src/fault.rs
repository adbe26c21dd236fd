//! What Azure Resource Manager refuses, and what the resource provider behind it does: each has its own form.

use std::borrow::Cow;

use http::StatusCode;
use iothub::management::models::ErrorDetails;
use iothub::runtime::server::ServiceError;

use crate::profile::Objection;
use crate::state::resource::TYPE;

/// Why the resource provider does not do what it was asked.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Azure Resource Manager refuses it before the provider sees it.
    Manager(ServiceError),
    /// The provider refuses it.
    Provider(StatusCode, Cow<'static, str>, String),
}

impl From<ServiceError> for Fault {
    fn from(error: ServiceError) -> Fault {
        Fault::Manager(error)
    }
}

impl Fault {
    /// 404: the emulator has but one subscription.
    pub(crate) fn no_subscription(id: &str) -> Fault {
        let message = format!("The subscription '{id}' could not be found.");
        Fault::Manager(ServiceError::new(StatusCode::NOT_FOUND, "SubscriptionNotFound", message))
    }

    /// 404: no resource group can have this name. All others are taken to be there.
    pub(crate) fn no_group(name: &str) -> Fault {
        let message = format!("Resource group '{name}' could not be found.");
        Fault::Manager(ServiceError::new(StatusCode::NOT_FOUND, "ResourceGroupNotFound", message))
    }

    /// 404: there is no such hub.
    pub(crate) fn no_hub(group: &str, name: &str) -> Fault {
        let message = format!("The Resource '{TYPE}/{name}' under resource group '{group}' was not found.");
        Fault::Manager(ServiceError::new(StatusCode::NOT_FOUND, "ResourceNotFound", message))
    }

    /// 409: a resource does not move.
    pub(crate) fn other_location(name: &str, here: &str, wanted: &str) -> Fault {
        let message =
            format!("The resource '{name}' already exists in location '{here}'. It cannot be created in '{wanted}'.");
        Fault::Manager(ServiceError::new(StatusCode::CONFLICT, "InvalidResourceLocation", message))
    }

    /// 400: what is wrong with a request.
    pub(crate) fn invalid(message: impl Into<String>) -> Fault {
        Fault::Provider(StatusCode::BAD_REQUEST, "BadRequest".into(), message.into())
    }

    /// 404: something that a hub does not have.
    pub(crate) fn missing(code: &'static str, message: impl Into<String>) -> Fault {
        Fault::Provider(StatusCode::NOT_FOUND, code.into(), message.into())
    }

    /// 403: there is as much as there may be.
    pub(crate) fn quota(message: impl Into<String>) -> Fault {
        Fault::Provider(StatusCode::FORBIDDEN, "QuotaExceeded".into(), message.into())
    }

    /// 409: what is there, or is going on, does not allow it.
    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> Fault {
        Fault::Provider(StatusCode::CONFLICT, code.into(), message.into())
    }

    /// What a hub refuses, by the resource provider.
    pub(crate) fn of_provider(error: ServiceError) -> Fault {
        match error.code() {
            Some(code) if error.status().is_client_error() => {
                Fault::Provider(error.status(), code.to_owned().into(), error.message().to_owned())
            }
            _ => Fault::Manager(error),
        }
    }

    /// What preconditions do not allow.
    pub(crate) fn objection(objection: Objection, group: &str, name: &str) -> Fault {
        match objection {
            Objection::Missing => Fault::no_hub(group, name),
            Objection::Exists => Fault::conflict("IotHubAlreadyExists", format!("IotHub '{name}' is there already.")),
            Objection::Refused => Fault::Provider(
                StatusCode::PRECONDITION_FAILED,
                "PreconditionFailed".into(),
                format!("IotHub '{name}' is not in the state that the preconditions of the request name."),
            ),
        }
    }
}

/// The answer to what came of a request.
///
/// # Errors
///
/// What Azure Resource Manager refuses.
pub(crate) fn answer<T, R>(
    outcome: Result<T, Fault>,
    done: impl FnOnce(T) -> R,
    refused: impl FnOnce(StatusCode, ErrorDetails) -> R,
) -> Result<R, ServiceError> {
    match outcome {
        Ok(value) => Ok(done(value)),
        Err(Fault::Manager(error)) => Err(error),
        Err(Fault::Provider(status, code, message)) => {
            // The service writes the name of the status, not its number.
            let name = status.canonical_reason().unwrap_or_default().replace(' ', "");
            let details = ErrorDetails::new().with_code(code).with_http_status_code(name).with_message(message);
            Ok(refused(status, details))
        }
    }
}
