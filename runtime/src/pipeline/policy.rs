//! What users put around calls and tries.

use std::sync::Arc;

use http::{Request, Response};

use super::Exchange;
use crate::body::Body;
use crate::error::Error;
use crate::operation::Operation;
use crate::transport::BoxFuture;

/// Something that every request passes on its way out, and every answer on its way back.
///
/// Added by [`Pipeline::with_call_policy`](crate::Pipeline::with_call_policy) it stands around a whole call, retries included;
/// by [`with_try_policy`](crate::Pipeline::with_try_policy) around each try, before the request is signed.
///
/// ```
/// use http::{HeaderValue, Request, Response};
/// use specsmith_runtime::transport::BoxFuture;
/// use specsmith_runtime::{Body, Error, Next, Policy};
///
/// /// Says where a call belongs to.
/// struct Trace(HeaderValue);
///
/// impl Policy for Trace {
///     fn send<'a>(&'a self, mut request: Request<Body>, next: Next<'a>) -> BoxFuture<'a, Result<Response<Body>, Error>> {
///         request.headers_mut().insert("traceparent", self.0.clone());
///         next.run(request)
///     }
/// }
/// ```
pub trait Policy: Send + Sync + 'static {
    /// Handles a request: changes it, hands it on, looks at the answer, or answers it itself.
    ///
    /// # Errors
    ///
    /// The policy's own, or what comes back.
    fn send<'a>(&'a self, request: Request<Body>, next: Next<'a>) -> BoxFuture<'a, Result<Response<Body>, Error>>;
}

/// What stands behind a policy: other policies, and at last the transport.
pub struct Next<'a> {
    exchange: Exchange<'a>,
    rest: &'a [Arc<dyn Policy>],
    stage: Stage,
}

/// Around what the policies stand.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    Call,
    Try,
}

impl<'a> Next<'a> {
    pub(super) fn new(exchange: Exchange<'a>, stage: Stage) -> Next<'a> {
        let rest = match stage {
            Stage::Call => &exchange.pipeline.call_policies,
            Stage::Try => &exchange.pipeline.try_policies,
        };
        Next { exchange, rest, stage }
    }

    /// The operation that is called.
    pub fn operation(&self) -> &'static Operation {
        self.exchange.operation
    }

    /// Hands the request on. A policy that drops this future gives the call up.
    pub fn run(mut self, request: Request<Body>) -> BoxFuture<'a, Result<Response<Body>, Error>> {
        match self.rest.split_first() {
            Some((policy, rest)) => {
                self.rest = rest;
                policy.send(request, self)
            }
            None => match self.stage {
                Stage::Call => Box::pin(self.exchange.tries(Some(request))),
                Stage::Try => Box::pin(async move { self.exchange.send(&mut Some(request)).await }),
            },
        }
    }
}
