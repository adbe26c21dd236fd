//! Bearer tokens.

use std::fmt;
use std::future::ready;

use http::request::Parts;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Authenticator, Caller, authorization, unauthorized};
use crate::credential::Refusal;
use crate::secret::Secret;
use crate::server::error::ServiceError;
use crate::server::route::Route;
use crate::transport::BoxFuture;

/// The tokens that [`BearerAuthenticator`] takes.
pub trait Tokens: Send + Sync + 'static {
    /// Whose token this is, if it is one that allows the operation.
    fn subject(&self, route: &Route, token: &str) -> impl Future<Output = Result<Option<String>, ServiceError>> + Send;
}

/// Checks bearer tokens (RFC 6750 §2.1).
///
/// All refusals are answered with the same 401; why is the error's [source](std::error::Error::source), a [`Refusal`].
///
/// ```
/// use specsmith_runtime::server::{BearerAuthenticator, FixedTokens};
///
/// let authenticator = BearerAuthenticator::new(FixedTokens::new().with("made-up", "operator"));
/// ```
pub struct BearerAuthenticator<T> {
    tokens: T,
}

/// More than tokens of Microsoft Entra have, by far.
const MAX_BEARER: usize = 16384;

impl<T: Tokens> BearerAuthenticator<T> {
    /// An authenticator that takes these tokens.
    pub fn new(tokens: T) -> BearerAuthenticator<T> {
        BearerAuthenticator { tokens }
    }

    async fn check(&self, request: &Parts, route: &Route) -> Result<Result<Caller, Refusal>, ServiceError> {
        let token = match authorization(request, MAX_BEARER).and_then(|text| bearer(text).ok_or(Refusal::Malformed)) {
            Ok(token) => token,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let subject = self.tokens.subject(route, token).await?;
        Ok(subject.map(|subject| Caller::Bearer { subject }).ok_or(Refusal::UnknownSigner))
    }
}

impl<T: Tokens> Authenticator for BearerAuthenticator<T> {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
        route: &'static Route,
    ) -> BoxFuture<'a, Result<Caller, ServiceError>> {
        Box::pin(async move {
            let checked = self.check(request, route).await?;
            checked.map_err(|refusal| unauthorized("Bearer", refusal))
        })
    }
}

/// Tokens that are known beforehand, for emulators and tests.
///
/// How long it takes to look one up tells nothing about the tokens.
#[derive(Clone, Default)]
pub struct FixedTokens {
    known: Vec<([u8; 32], String)>,
}

impl FixedTokens {
    /// No tokens.
    pub fn new() -> FixedTokens {
        FixedTokens::default()
    }

    /// Takes this token, too, as one of this subject.
    #[must_use]
    pub fn with(mut self, token: impl Into<Secret>, subject: impl Into<String>) -> FixedTokens {
        self.known.push((digest(token.into().expose()), subject.into()));
        self
    }

    fn find(&self, token: &str) -> Option<&str> {
        let token = digest(token);
        // All of them, also behind the one that fits.
        self.known.iter().fold(None, |found, (known, subject)| match known.ct_eq(&token).into() {
            true => Some(subject),
            false => found,
        })
    }
}

impl Tokens for FixedTokens {
    fn subject(&self, _: &Route, token: &str) -> impl Future<Output = Result<Option<String>, ServiceError>> + Send {
        ready(Ok(self.find(token).map(str::to_owned)))
    }
}

/// Of one length for all, and unlike where the tokens are nearly alike.
fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// The token of `Bearer <b64token>`.
fn bearer(text: &str) -> Option<&str> {
    let (scheme, token) = text.split_once(' ')?;
    let (scheme, token) = (scheme.trim(), token.trim());
    let core = token.trim_end_matches('=');
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    (scheme.eq_ignore_ascii_case("Bearer") && !core.is_empty() && core.bytes().all(is_token)).then_some(token)
}

impl<T> fmt::Debug for BearerAuthenticator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerAuthenticator").finish_non_exhaustive()
    }
}

impl fmt::Debug for FixedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subjects = self.known.iter().map(|(_, subject)| subject);
        f.debug_set().entries(subjects).finish()
    }
}
