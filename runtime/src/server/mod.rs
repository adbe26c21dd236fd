//! Servers: requests to an implementation of a generated trait, and its answers back.
//!
//! Generated crates have a trait for each group of operations, and a type that serves an implementation of it, such as `DeviceApi` and
//! `DeviceApiServer`. A [`Router`] puts several of these together into one service for axum, hyper or anything else that takes a
//! [`tower_service::Service`].

mod answer;
mod authenticate;
mod conditions;
mod context;
mod error;
mod extract;
mod handle;
mod ids;
mod incoming;
mod limits;
mod links;
mod macros;
mod matcher;
mod negotiate;
mod operations;
mod pages;
mod receive;
mod route;
mod router;
#[cfg(test)]
mod testing;

use std::future::{Ready, ready};

use http::StatusCode;

use crate::transport::BoxFuture;

pub use answer::Answer;
pub use authenticate::{
    Authenticator, BearerAuthenticator, Caller, FixedTokens, Keys, PolicyKeys, SasAuthenticator, Tokens,
};
pub use context::{Context, host};
pub use error::{Detail, Problem, ServiceError};
#[doc(hidden)]
pub use handle::handle;
pub use incoming::{At, Incoming};
pub use limits::{Checks, Pattern, check};
pub use operations::{KeptOperation, Links, OperationState, Operations, Work};
pub use pages::{Page, Paginator};
pub use route::{BodyKind, Route};
pub use router::Router;

pub use crate::preconditions::Preconditions;

/// What comes of a request.
pub type Handling = BoxFuture<'static, Result<Answer, ServiceError>>;

/// A group of operations. Generated types implement it for implementations of their traits.
pub trait Service: Send + Sync + 'static {
    /// The operations.
    fn routes(&self) -> &'static [Route];

    /// Carries out the operation of this index.
    fn call(&self, route: usize, incoming: Incoming) -> Handling;
}

/// What a method answers that nobody has written, whatever it is asked: 501.
pub fn not_implemented<Q, R>(route: &Route, _: &Context, _: Q) -> Ready<Result<R, ServiceError>> {
    ready(Err(ServiceError::not_implemented(route)))
}

/// What an index behind the end of the operations is answered.
pub fn no_such_route() -> Handling {
    Box::pin(ready(Err(ServiceError::plain(StatusCode::NOT_FOUND, "There is no such operation."))))
}

#[cfg(test)]
mod tests;
