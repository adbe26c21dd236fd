//! Who is asking.

use http::request::Parts as RequestParts;
use http::{HeaderMap, HeaderValue};

use crate::clock::Clock;
use crate::error::Error;
use crate::transport::BoxFuture;

/// What proves to a service who is asking.
///
/// A pipeline asks it anew for each try of a call, so that no retry sends a token that has run out.
pub trait Credential: Send + Sync + 'static {
    /// The value of the request's `Authorization` header; `None` leaves it out, as where the connection itself says who is
    /// asking. It should be marked as sensitive.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Authentication`](crate::ErrorKind::Authentication) where there is none to be had.
    fn authorization<'a>(
        &'a self,
        request: &'a RequestParts,
        clock: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<Option<HeaderValue>, Error>>;

    /// Looks at the headers of an answer of status 401, and says whether the request is worth one more try: because something was learnt from
    /// it, as that the clocks differ.
    fn refused(&self, headers: &HeaderMap, clock: &dyn Clock) -> bool {
        let _ = (headers, clock);
        false
    }
}
