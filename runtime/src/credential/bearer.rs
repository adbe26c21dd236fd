//! Tokens of Microsoft Entra.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::request::Parts as RequestParts;
use http::{HeaderMap, HeaderValue};

use super::cache::{Cache, Fetched};
use super::{Credential, header, seconds};
use crate::clock::Clock;
use crate::error::{BoxError, Error};
use crate::secret::Secret;
use crate::transport::BoxFuture;

/// A token of an OAuth 2.0 server (RFC 6749 §1.4), and until when it is good.
#[derive(Clone, Debug)]
pub struct AccessToken {
    secret: Secret,
    expires_on: SystemTime,
}

impl AccessToken {
    /// A token, without the word `Bearer`.
    pub fn new(secret: impl Into<Secret>, expires_on: SystemTime) -> AccessToken {
        AccessToken { secret: secret.into(), expires_on }
    }

    /// The token itself.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// From when on it is not valid any more.
    pub fn expires_on(&self) -> SystemTime {
        self.expires_on
    }
}

/// Where access tokens come from. It need not keep them: [`BearerCredential`] does.
///
/// A credential of `azure_identity` becomes one like this:
///
/// ```
/// # mod azure_core { pub mod credentials { // As in azure_core 1.0.
/// #     pub struct Secret(String);
/// #     impl Secret { pub fn secret(&self) -> &str { &self.0 } }
/// #     pub struct AccessToken { pub token: Secret, pub expires_on: std::time::SystemTime }
/// #     pub struct TokenRequestOptions<'a>(std::marker::PhantomData<&'a ()>);
/// #     type Answer<'a> = std::pin::Pin<Box<dyn Future<Output = Result<AccessToken, std::io::Error>> + Send + 'a>>;
/// #     pub trait TokenCredential: Send + Sync {
/// #         fn get_token<'a>(&'a self, scopes: &'a [&'a str], options: Option<TokenRequestOptions<'a>>) -> Answer<'a>;
/// #     }
/// # } }
/// use std::sync::Arc;
/// use azure_core::credentials::TokenCredential;
/// use specsmith_runtime::BoxError;
/// use specsmith_runtime::credential::{AccessToken, TokenSource};
/// use specsmith_runtime::transport::BoxFuture;
///
/// struct Entra(Arc<dyn TokenCredential>);
///
/// impl TokenSource for Entra {
///     fn get_token<'a>(&'a self, scopes: &'a [&'a str]) -> BoxFuture<'a, Result<AccessToken, BoxError>> {
///         Box::pin(async move {
///             let token = self.0.get_token(scopes, None).await?;
///             Ok(AccessToken::new(token.token.secret(), token.expires_on.into()))
///         })
///     }
/// }
/// ```
///
/// with `Entra(ManagedIdentityCredential::new(None)?)`, or any other of them.
pub trait TokenSource: Send + Sync + 'static {
    /// A token for these scopes, such as [`Cloud::scope`](super::Cloud::scope) names.
    ///
    /// # Errors
    ///
    /// Whatever kept it from being had. The error should not repeat a secret.
    fn get_token<'a>(&'a self, scopes: &'a [&'a str]) -> BoxFuture<'a, Result<AccessToken, BoxError>>;
}

/// A token that somebody else has got, for as long as it lasts.
impl TokenSource for AccessToken {
    fn get_token<'a>(&'a self, _: &'a [&'a str]) -> BoxFuture<'a, Result<AccessToken, BoxError>> {
        Box::pin(async { Ok(self.clone()) })
    }
}

impl<T: TokenSource + ?Sized> TokenSource for std::sync::Arc<T> {
    fn get_token<'a>(&'a self, scopes: &'a [&'a str]) -> BoxFuture<'a, Result<AccessToken, BoxError>> {
        (**self).get_token(scopes)
    }
}

impl<T: TokenSource + ?Sized> TokenSource for Box<T> {
    fn get_token<'a>(&'a self, scopes: &'a [&'a str]) -> BoxFuture<'a, Result<AccessToken, BoxError>> {
        (**self).get_token(scopes)
    }
}

/// Sends an access token (`Authorization: Bearer`, RFC 6750 §2.1), which it keeps until shortly before its end.
///
/// One call gets the token and the others wait for it; where the old one is still good they use that. A token that
/// the service refuses before its time is replaced once.
///
/// ```
/// use specsmith_runtime::credential::{Audience, BearerCredential, Cloud, TokenSource};
///
/// fn credential(source: impl TokenSource) -> BearerCredential {
///     BearerCredential::new(source, Cloud::Public.scope(Audience::Management))
/// }
/// ```
pub struct BearerCredential {
    source: Box<dyn TokenSource>,
    scope: String,
    cache: Cache,
}

impl BearerCredential {
    /// Tokens for this scope, from there.
    pub fn new(source: impl TokenSource, scope: impl Into<String>) -> BearerCredential {
        BearerCredential { source: Box::new(source), scope: scope.into(), cache: Cache::new() }
    }

    /// How long before its end a token is replaced; without this five minutes. Never more than half of what it had to
    /// begin with.
    #[must_use]
    pub fn with_renewal_margin(mut self, margin: Duration) -> BearerCredential {
        self.cache.margin = margin;
        self
    }

    async fn fetch(&self) -> Fetched {
        let token = self.source.get_token(&[&self.scope]).await?;
        let value = zeroize::Zeroizing::new(format!("Bearer {}", token.secret.expose()));
        Ok((header(&value)?, seconds(token.expires_on)))
    }
}

impl Credential for BearerCredential {
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

impl fmt::Debug for BearerCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerCredential").field("scope", &self.scope).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{StoppedClock, refusal, request};
    use super::*;
    use crate::ErrorKind;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    const NOON: u64 = 1_500_000_000;

    #[derive(Default)]
    struct Counter {
        asked: AtomicUsize,
        scopes: Mutex<Vec<String>>,
    }

    impl TokenSource for Counter {
        fn get_token<'a>(&'a self, scopes: &'a [&'a str]) -> BoxFuture<'a, Result<AccessToken, BoxError>> {
            Box::pin(async move {
                let number = self.asked.fetch_add(1, Ordering::SeqCst);
                *self.scopes.lock().unwrap() = scopes.iter().map(|scope| (*scope).to_owned()).collect();
                let end = SystemTime::UNIX_EPOCH + Duration::from_secs(NOON + 3600 * (1 + number as u64));
                Ok(AccessToken::new(format!("made-up-{number}"), end))
            })
        }
    }

    #[tokio::test]
    async fn a_token_is_got_once_an_hour() {
        let (clock, source) = (StoppedClock::at(NOON), Arc::new(Counter::default()));
        let credential = BearerCredential::new(source.clone(), "https://example/.default")
            .with_renewal_margin(Duration::from_secs(600));
        let ask = async || credential.authorization(&request(), &clock).await.unwrap().unwrap();
        let first = ask().await;
        assert!(first.is_sensitive());
        assert_eq!((&first, &ask().await), (&HeaderValue::from_static("Bearer made-up-0"), &first));
        assert_eq!(*source.scopes.lock().unwrap(), ["https://example/.default"]);
        clock.pass(2999);
        assert_eq!(ask().await, "Bearer made-up-0");
        clock.pass(1);
        assert_eq!(ask().await, "Bearer made-up-1");
        assert!(credential.refused(&ask().await, &refusal(None), &clock));
        assert_eq!(ask().await, "Bearer made-up-2");
        assert!(!credential.refused(&ask().await, &refusal(None), &clock));
        assert_eq!(source.asked.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn no_token_no_header() {
        let clock = StoppedClock::at(NOON);
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(NOON + 3600);
        let credential = BearerCredential::new(AccessToken::new("hunter2\r\nx: y", end), "s");
        let error = credential.authorization(&request(), &clock).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication);
        let shown = format!("{error} {error:?} {credential:?} {:?}", AccessToken::new("hunter2", end));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
