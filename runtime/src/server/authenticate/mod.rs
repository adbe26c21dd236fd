//! Who is asking, as a server finds out.

mod bearer;
mod sas;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use super::error::ServiceError;
use super::route::Route;
use crate::credential::{Refusal, Rights};
use crate::transport::BoxFuture;

pub use bearer::{BearerAuthenticator, FixedTokens, Tokens};
pub use sas::{Keys, PolicyKeys, SasAuthenticator};

/// Finds out who is asking, and whether they may.
///
/// It is asked when the operation is known, and before the body is read. What it finds is [`Context::caller`](super::Context::caller).
/// [`SasAuthenticator`] and [`BearerAuthenticator`] are some; one of your own may look at whatever layers around the router have put
/// into the request's extensions, such as the certificate of a client:
///
/// ```
/// use std::future::ready;
/// use http::StatusCode;
/// use http::request::Parts;
/// use specsmith_runtime::server::{Authenticator, Caller, Route, ServiceError};
/// use specsmith_runtime::transport::BoxFuture;
///
/// #[derive(Clone)]
/// struct Certificate { device: String }
///
/// struct ByCertificate;
///
/// impl Authenticator for ByCertificate {
///     fn authenticate<'a>(
///         &'a self,
///         request: &'a Parts,
///         _: &'static Route,
///     ) -> BoxFuture<'a, Result<Caller, ServiceError>> {
///         let certificate = request.extensions.get::<Certificate>();
///         let caller = certificate.map(|certificate| Caller::Device { id: certificate.device.clone() });
///         let refusal = || ServiceError::new(StatusCode::FORBIDDEN, "NoCertificate", "Devices need a certificate here.");
///         Box::pin(ready(caller.ok_or_else(refusal)))
///     }
/// }
/// ```
pub trait Authenticator: Send + Sync + 'static {
    /// Who sends this request for the operation.
    ///
    /// # Errors
    ///
    /// 401 where it is not known, with the header `WWW-Authenticate` (RFC 9110 §11.6.1).
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
        route: &'static Route,
    ) -> BoxFuture<'a, Result<Caller, ServiceError>>;
}

impl<A: Authenticator + ?Sized> Authenticator for Arc<A> {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
        route: &'static Route,
    ) -> BoxFuture<'a, Result<Caller, ServiceError>> {
        (**self).authenticate(request, route)
    }
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caller {
    /// Whoever has a key of this shared access policy.
    Policy {
        /// Its name, as the token has it.
        name: String,
        /// What it allows.
        rights: Rights,
    },
    /// A device, with a key of its own, in a request for what is its own.
    Device {
        /// Its id.
        id: String,
    },
    /// Whoever has a bearer token.
    Bearer {
        /// Whom the token is about.
        subject: String,
    },
}

/// The one `Authorization` header.
fn authorization(request: &Parts, max: usize) -> Result<&str, Refusal> {
    let mut headers = request.headers.get_all(AUTHORIZATION).iter();
    let value = headers.next().ok_or(Refusal::Missing)?;
    // Of two, which one counts would be anybody's guess.
    if headers.next().is_some() || value.len() > max {
        return Err(Refusal::Malformed);
    }
    value.to_str().map_err(|_| Refusal::Malformed)
}

fn unauthorized(scheme: &'static str, refusal: Refusal) -> ServiceError {
    ServiceError::plain(StatusCode::UNAUTHORIZED, "Unauthorized")
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static(scheme))
        .with_source(refusal)
}
