//! Who is asking.

use http::request::Parts;

use super::error::ServiceError;
use super::route::Route;
use crate::credential::Rights;
use crate::transport::BoxFuture;

/// Finds out who is asking, once the operation is known and before the body is read.
pub trait Authenticator: Send + Sync + 'static {
    /// Who is asking, or the refusal.
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
        route: &'static Route,
    ) -> BoxFuture<'a, Result<Caller, ServiceError>>;
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caller {
    /// A shared access policy.
    Policy {
        /// Its name.
        name: String,
        /// What it allows.
        rights: Rights,
    },
    /// A device.
    Device {
        /// Its id.
        id: String,
    },
    /// The subject of a bearer token.
    Bearer {
        /// Whom the token is about.
        subject: String,
    },
}
