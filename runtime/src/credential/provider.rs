//! Shared access signatures from elsewhere.

use std::fmt;
use std::time::Duration;

use http::request::Parts as RequestParts;
use http::{HeaderMap, HeaderValue};

use super::cache::{Cache, Fetched};
use super::{Credential, SasToken, header};
use crate::clock::Clock;
use crate::error::{BoxError, Error};
use crate::transport::BoxFuture;

type Provide = dyn Fn() -> BoxFuture<'static, Result<SasToken, BoxError>> + Send + Sync;

/// Sends tokens that somebody else signs, as where the key is in a safe place and programs get tokens only.
///
/// A token is kept until shortly before its end, as it says itself; one that the service refuses before is replaced
/// once.
///
/// ```
/// use specsmith_runtime::BoxError;
/// use specsmith_runtime::credential::{SasProvider, SasToken};
///
/// async fn ask_the_key_service() -> Result<String, std::io::Error> {
///     # Err(std::io::ErrorKind::Unsupported.into())
///     // ...
/// }
///
/// let credential = SasProvider::new(async || Ok(ask_the_key_service().await?.parse::<SasToken>()?));
/// ```
pub struct SasProvider {
    provide: Box<Provide>,
    cache: Cache,
}

impl SasProvider {
    /// Tokens that this function gives.
    pub fn new<F, T>(provide: F) -> SasProvider
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<SasToken, BoxError>> + Send + 'static,
    {
        SasProvider { provide: Box::new(move || Box::pin(provide())), cache: Cache::new() }
    }

    /// How long before its end a token is replaced; without this five minutes. Never more than half of what it had to
    /// begin with.
    #[must_use]
    pub fn with_renewal_margin(mut self, margin: Duration) -> SasProvider {
        self.cache.margin = margin;
        self
    }

    async fn fetch(&self) -> Fetched {
        let token = (self.provide)().await?;
        Ok((header(token.expose())?, token.expires_on().seconds()))
    }
}

impl Credential for SasProvider {
    fn authorization<'a>(
        &'a self,
        _: &'a RequestParts,
        clock: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<Option<HeaderValue>, Error>> {
        Box::pin(async { self.cache.get(clock, || Box::pin(self.fetch())).await.map(Some) })
    }

    fn refused(&self, sent: &HeaderValue, _: &HeaderMap, _: &dyn Clock) -> bool {
        self.cache.refused(sent)
    }
}

impl fmt::Debug for SasProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SasProvider").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{StoppedClock, refusal, request};
    use super::*;
    use crate::ErrorKind;
    use crate::credential::SasKey;
    use crate::time::UnixTime;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[tokio::test]
    async fn a_token_is_kept_as_long_as_it_says() {
        let (clock, expiry) = (StoppedClock::at(1000), Arc::new(AtomicI64::new(4600)));
        let next = expiry.clone();
        let credential = SasProvider::new(move || {
            let expiry = UnixTime::new(next.fetch_add(3600, Ordering::SeqCst));
            async move {
                let key = SasKey::from_bytes(b"made up")?;
                Ok(key.token("hub.example", Some("p"), expiry)?)
            }
        });
        let ask = async || credential.authorization(&request(), &clock).await.unwrap().unwrap();
        let first = ask().await;
        assert!(first.is_sensitive() && first.to_str().unwrap().contains("&se=4600"));
        clock.pass(3299);
        assert_eq!(ask().await, first);
        clock.pass(1);
        assert!(ask().await.to_str().unwrap().contains("&se=8200"));
        assert!(credential.refused(&ask().await, &refusal(None), &clock));
        assert!(ask().await.to_str().unwrap().contains("&se=11800"));
        assert!(!credential.refused(&ask().await, &refusal(None), &clock));
    }

    #[tokio::test]
    async fn a_failure_is_one_of_authentication() {
        let credential = SasProvider::new(async || Err("away".into()));
        let clock = StoppedClock::at(0);
        let error = credential.authorization(&request(), &clock).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication);
    }
}
