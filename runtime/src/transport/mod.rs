//! How requests reach the service.

mod in_process;
#[cfg(feature = "reqwest")]
pub mod reqwest;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::body::Body;
use crate::clock::{Clock, SystemClock};
use crate::error::{BoxError, ErrorKind};

pub use in_process::InProcess;

/// A future that may be sent to another thread, boxed so that what returns it is no generic function.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that sends a request and returns the answer, whatever its status.
///
/// It must not follow redirects, retry, or change the request: those are the pipeline's decisions. The request's URI
/// is absolute; its `Content-Length` is set where the body's length is known.
///
/// ```
/// use specsmith_runtime::transport::{BoxFuture, Transport, TransportError};
/// use specsmith_runtime::Body;
///
/// /// A service that is always away.
/// struct Away;
///
/// impl Transport for Away {
///     fn send(
///         &self,
///         _: http::Request<Body>,
///     ) -> BoxFuture<'_, Result<http::Response<Body>, TransportError>> {
///         Box::pin(async { Err(TransportError::connect("nobody there")) })
///     }
/// }
/// ```
pub trait Transport: Send + Sync + 'static {
    /// Sends one request. The answer's body may still be on its way when the future is done.
    fn send(&self, request: http::Request<Body>) -> BoxFuture<'_, Result<http::Response<Body>, TransportError>>;

    /// The clock of a pipeline over this transport, unless it is given another: one of the executor that the transport belongs to, where it
    /// belongs to one.
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }
}

/// No answer, or only a part of one.
///
/// A [`Body`] of an answer that breaks off ends with an error of this type, too, where the transport knows more than
/// that it broke.
#[derive(Debug)]
pub struct TransportError {
    kind: ErrorKind,
    source: BoxError,
}

impl TransportError {
    /// No connection could be made: the service has not seen the request.
    pub fn connect(source: impl Into<BoxError>) -> TransportError {
        TransportError { kind: ErrorKind::Connect, source: source.into() }
    }

    /// The answer did not come in time.
    pub fn timeout(source: impl Into<BoxError>) -> TransportError {
        TransportError { kind: ErrorKind::Timeout, source: source.into() }
    }

    /// The connection broke, or its other end does not speak HTTP.
    pub fn broken(source: impl Into<BoxError>) -> TransportError {
        TransportError { kind: ErrorKind::Transport, source: source.into() }
    }

    /// One of [`ErrorKind::Connect`], [`ErrorKind::Timeout`] and [`ErrorKind::Transport`].
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The error of a body that broke off.
    pub(crate) fn of_body(error: BoxError) -> TransportError {
        match error.downcast::<TransportError>() {
            Ok(error) => *error,
            Err(error) => TransportError::broken(error),
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ErrorKind::Connect => "no connection could be made",
            ErrorKind::Timeout => "the answer did not come in time",
            _ => "the connection broke",
        })
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}
