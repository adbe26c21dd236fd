//! Who is asking.
//!
//! | what one has | what it becomes |
//! |---|---|
//! | a connection string of a hub or a device | [`ConnectionString`] |
//! | the key of a policy or a device | [`SasCredential`] |
//! | a token that somebody else signed | [`SasToken`] |
//! | something that gets such tokens | [`SasProvider`] |
//! | an identity of Microsoft Entra | [`BearerCredential`], over a [`TokenSource`] |
//! | a client certificate | [`ClientCertificate`], and a transport that has it |
//!
//! Servers read a [`SasToken`] from a request and [`verify`] it.

mod bearer;
mod builder;
mod cache;
mod cloud;
mod connection_string;
mod key;
mod provider;
mod sas;
mod token;
mod verify;

use std::future::ready;
use std::time::SystemTime;

use http::request::Parts as RequestParts;
use http::{HeaderMap, HeaderValue};

use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::time::UnixTime;
use crate::transport::BoxFuture;

pub use bearer::{AccessToken, BearerCredential, TokenSource};
pub use builder::ClientBuilder;
pub use cloud::{Audience, Cloud};
pub use connection_string::ConnectionString;
#[cfg(feature = "reqwest")]
#[doc(hidden)]
pub use connection_string::{device_pipeline, hub_pipeline};
pub use key::SasKey;
pub use provider::SasProvider;
pub use sas::SasCredential;
pub use token::SasToken;
pub use verify::{Refusal, Rights, Signer, covers, verify};

/// What proves to a service who is asking.
///
/// A pipeline asks it anew for each try of a call, so that no retry sends a token that has run out.
pub trait Credential: Send + Sync + 'static {
    /// The value of the request's `Authorization` header; `None` leaves it out, as where the connection itself says who
    /// is asking. It should be marked as sensitive.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Authentication`] where there is none to be had.
    fn authorization<'a>(
        &'a self,
        request: &'a RequestParts,
        clock: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<Option<HeaderValue>, Error>>;

    /// Looks at the headers of an answer of status 401 to a request with this `Authorization`, and says whether the
    /// request is worth one more try: because something was learnt from it, as that the clocks differ.
    fn refused(&self, sent: &HeaderValue, headers: &HeaderMap, clock: &dyn Clock) -> bool {
        let _ = (sent, headers, clock);
        false
    }
}

/// The connection itself says who is asking, by the certificate of its client: no `Authorization` is sent.
///
/// The certificate is the transport's: `ReqwestTransport::with_client_certificate` (feature `reqwest`) takes one.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientCertificate;

impl Credential for ClientCertificate {
    fn authorization<'a>(
        &'a self,
        _: &'a RequestParts,
        _: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<Option<HeaderValue>, Error>> {
        Box::pin(ready(Ok(None)))
    }
}

/// A header that nobody logs.
fn header(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Error::new(ErrorKind::Authentication, "the token has characters that no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whole seconds since 1970.
fn seconds(time: SystemTime) -> i64 {
    UnixTime::try_from(time).map_or(i64::MAX, UnixTime::seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Rfc1123;
    use http::header::DATE;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    /// Stands still until told otherwise.
    pub(super) struct StoppedClock(AtomicU64);

    impl StoppedClock {
        pub(super) fn at(seconds: u64) -> StoppedClock {
            StoppedClock(seconds.into())
        }

        pub(super) fn seconds(&self) -> u64 {
            self.0.load(Ordering::SeqCst)
        }

        pub(super) fn pass(&self, seconds: u64) {
            self.0.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    impl Clock for StoppedClock {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(self.seconds())
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(std::future::pending())
        }

        fn random(&self) -> f64 {
            0.0
        }
    }

    pub(super) fn request() -> RequestParts {
        http::Request::new(()).into_parts().0
    }

    /// The headers of a 401 at this time of the service's clock.
    pub(super) fn refusal(date: Option<u64>) -> HeaderMap {
        let date = date.map(|date| Rfc1123::from_unix(date.try_into().unwrap()).unwrap().to_string());
        date.map(|date| (DATE, date.try_into().unwrap())).into_iter().collect()
    }

    /// A file of the reference folder; says so and skips where there is none.
    pub(super) fn reference(name: &str) -> Option<serde_json::Value> {
        match std::env::var_os("SPECSMITH_REFERENCE_DIR") {
            Some(folder) => {
                let path = std::path::Path::new(&folder).join("docs").join(name);
                let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                Some(serde_json::from_slice(&text).unwrap())
            }
            None => {
                println!("skipped: SPECSMITH_REFERENCE_DIR is not set, in which docs/{name} is");
                None
            }
        }
    }

    #[tokio::test]
    async fn a_certificate_sends_nothing() {
        let clock = StoppedClock::at(0);
        assert_eq!(ClientCertificate.authorization(&request(), &clock).await.unwrap(), None);
        assert!(!ClientCertificate.refused(&HeaderValue::from_static(""), &refusal(Some(9000)), &clock));
    }

    #[test]
    fn every_reference_token_is_reproduced() {
        let Some(vectors) = reference("sas-vectors.json") else { return };
        let vectors = vectors.as_array().unwrap();
        assert!(!vectors.is_empty());
        for vector in vectors {
            let text = |name: &str| vector[name].as_str();
            let key: SasKey = text("key").unwrap().parse().unwrap();
            let expiry = UnixTime::new(vector["expiry"].as_i64().unwrap());
            let token = key.token(text("resource").unwrap(), text("policy"), expiry).unwrap();
            assert_eq!(Some(token.expose()), text("token"), "{}", vector["note"]);
        }
    }
}
