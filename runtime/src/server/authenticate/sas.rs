//! Shared access signatures.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use http::uri::Authority;

use super::{Authenticator, Caller, authorization, unauthorized};
use crate::clock::{Clock, SystemClock};
use crate::credential::{Refusal, Rights, SasKey, SasToken, Signer, verify};
use crate::server::context::host;
use crate::server::error::ServiceError;
use crate::server::extract::path_text;
use crate::server::route::Route;
use crate::transport::BoxFuture;

/// The keys of hubs: what [`SasAuthenticator`] needs to know.
///
/// ```
/// use std::borrow::Cow;
/// use std::sync::Arc;
/// use specsmith_runtime::credential::{Rights, SasKey};
/// use specsmith_runtime::server::{Keys, PolicyKeys, Route, SasAuthenticator, ServiceError};
///
/// /// A hub with one policy, under whatever address, and without devices.
/// struct Hub { keys: [SasKey; 2] }
///
/// impl Keys for Hub {
///     fn needed(&self, route: &Route) -> Option<Rights> {
///         match route.id() {
///             "DeviceApi_GetDevice" => Some(Rights::REGISTRY_READ),
///             "DeviceApi_PutDevice" | "DeviceApi_DeleteDevice" => Some(Rights::REGISTRY_WRITE),
///             id if id.starts_with("HttpRuntime_") => Some(Rights::DEVICE_CONNECT),
///             _ => None,
///         }
///     }
///
///     fn hub<'a>(&'a self, _: &'a str) -> Cow<'a, str> {
///         "my-hub.azure-devices.net".into()
///     }
///
///     async fn policy(&self, _: &str, name: &str) -> Result<Option<PolicyKeys>, ServiceError> {
///         let rights = Rights::REGISTRY_WRITE.and(Rights::SERVICE_CONNECT);
///         Ok((name == "service").then(|| PolicyKeys::new(self.keys.clone(), rights)))
///     }
///
///     async fn device(&self, _: &str, _: &str) -> Result<Option<[SasKey; 2]>, ServiceError> {
///         Ok(None)
///     }
/// }
///
/// # let keys = ["bWFkZSB1cCBmb3IgdGhpcyBleGFtcGxl".parse::<SasKey>()?, "bWFkZSB1cA==".parse()?];
/// let authenticator = SasAuthenticator::new(Arc::new(Hub { keys }));
/// # Ok::<(), specsmith_runtime::ParseError>(())
/// ```
pub trait Keys: Send + Sync + 'static {
    /// What a policy has to allow for this operation; `None` where nobody may use it.
    ///
    /// Devices may use what needs [`Rights::DEVICE_CONNECT`] or nothing, below their own path.
    fn needed(&self, route: &Route) -> Option<Rights>;

    /// The name of the hub that a request to this host is for, by which its tokens are signed. The host is in small letters and without port,
    /// and empty where the request has none.
    ///
    /// It is the host itself, unless this says something else: where a hub is reached at an address, as on one's own machine.
    fn hub<'a>(&'a self, host: &'a str) -> Cow<'a, str> {
        host.into()
    }

    /// The keys of a policy of a hub, if there are both.
    fn policy(&self, hub: &str, name: &str) -> impl Future<Output = Result<Option<PolicyKeys>, ServiceError>> + Send;

    /// The primary and the secondary key of a device, if there are both, and it is enabled.
    fn device(&self, hub: &str, id: &str) -> impl Future<Output = Result<Option<[SasKey; 2]>, ServiceError>> + Send;
}

impl<K: Keys> Keys for Arc<K> {
    fn needed(&self, route: &Route) -> Option<Rights> {
        (**self).needed(route)
    }

    fn hub<'a>(&'a self, host: &'a str) -> Cow<'a, str> {
        (**self).hub(host)
    }

    fn policy(&self, hub: &str, name: &str) -> impl Future<Output = Result<Option<PolicyKeys>, ServiceError>> + Send {
        (**self).policy(hub, name)
    }

    fn device(&self, hub: &str, id: &str) -> impl Future<Output = Result<Option<[SasKey; 2]>, ServiceError>> + Send {
        (**self).device(hub, id)
    }
}

/// A shared access policy, as far as it matters for tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PolicyKeys {
    /// Its primary and its secondary key.
    pub keys: [SasKey; 2],
    /// What it allows.
    pub rights: Rights,
}

impl PolicyKeys {
    /// A policy of these keys and rights.
    pub fn new(keys: [SasKey; 2], rights: Rights) -> PolicyKeys {
        PolicyKeys { keys, rights }
    }
}

/// Checks shared access signatures ([`verify`]).
///
/// A token that names a policy is checked against the policy's keys, another one against those of the device that the path names
/// (`/devices/{id}/…`). All refusals are answered with the same 401. Why one was refused is the error's
/// [source](std::error::Error::source), a [`Refusal`], for the server's logs.
///
/// It takes as long for policies and devices that there are not as for those that there are, apart from what [`Keys`] takes.
pub struct SasAuthenticator<K> {
    keys: K,
    clock: Arc<dyn Clock>,
    /// Signs for whom there are no keys.
    nobody: SasKey,
}

/// More than a token for the longest device id, encoded twice, has.
const MAX_SAS: usize = 4096;

/// Who has signed, perhaps: where there are no such keys, `is_known` is false.
struct Claim {
    caller: Caller,
    keys: [SasKey; 2],
    is_known: bool,
}

impl<K: Keys> SasAuthenticator<K> {
    /// An authenticator that knows these keys.
    pub fn new(keys: K) -> SasAuthenticator<K> {
        SasAuthenticator { keys, clock: Arc::new(SystemClock), nobody: SasKey::of_nobody() }
    }

    /// Tells the time by this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> SasAuthenticator<K> {
        self.clock = clock;
        self
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> &K {
        &self.keys
    }

    async fn check(&self, request: &Parts, route: &Route) -> Result<Result<Caller, Refusal>, ServiceError> {
        let token = match authorization(request, MAX_SAS).and_then(|text| text.parse().map_err(|_| Refusal::Malformed))
        {
            Ok(token) => token,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let host = host_name(request);
        let hub = self.keys.hub(&host);
        let claim = self.claim(&token, &hub, request.uri.path()).await?;
        let needed = self.keys.needed(route);
        let [one, two] = &claim.keys;
        let signer = match &claim.caller {
            Caller::Policy { name, rights } => Signer::Policy { name, keys: [one, two], rights: *rights },
            Caller::Device { id } => Signer::Device { id, keys: [one, two] },
            Caller::Bearer { .. } => Signer::Unknown,
        };
        let needs = needed.unwrap_or_default();
        let verdict = verify(&token, &signer, &hub, request.uri.path(), needs, &*self.clock);
        // Only now, so that the time does not tell.
        Ok(match verdict {
            _ if !claim.is_known => Err(Refusal::UnknownSigner),
            Ok(()) if needed.is_none() => Err(Refusal::NotAllowed),
            verdict => verdict.map(|()| claim.caller),
        })
    }

    async fn claim(&self, token: &SasToken, hub: &str, path: &str) -> Result<Claim, ServiceError> {
        let (caller, keys) = match token.policy() {
            Some(name) => {
                let found = self.keys.policy(hub, name).await?;
                let rights = found.as_ref().map(|policy| policy.rights).unwrap_or_default();
                (Caller::Policy { name: name.to_owned(), rights }, found.map(|policy| policy.keys))
            }
            None => {
                let id = device(path);
                let keys = match &id {
                    Some(id) => self.keys.device(hub, id).await?,
                    None => None,
                };
                (Caller::Device { id: id.unwrap_or_default().into_owned() }, keys)
            }
        };
        let is_known = keys.is_some();
        let keys = keys.unwrap_or_else(|| [self.nobody.clone(), self.nobody.clone()]);
        Ok(Claim { caller, keys, is_known })
    }
}

impl<K: Keys> Authenticator for SasAuthenticator<K> {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
        route: &'static Route,
    ) -> BoxFuture<'a, Result<Caller, ServiceError>> {
        Box::pin(async move {
            let checked = self.check(request, route).await?;
            checked.map_err(|refusal| unauthorized("SharedAccessSignature", refusal))
        })
    }
}

/// The host, in small letters and without port; nothing where it is none.
fn host_name(request: &Parts) -> String {
    let authority = host(request).and_then(|host| host.parse::<Authority>().ok());
    let authority = authority.filter(|authority| !authority.as_str().contains('@'));
    authority.map(|authority| authority.host().to_ascii_lowercase()).unwrap_or_default()
}

/// The device that a path names.
fn device(path: &str) -> Option<Cow<'_, str>> {
    let mut segments = path.strip_prefix('/')?.split('/');
    segments.next().filter(|first| first.eq_ignore_ascii_case("devices"))?;
    path_text(segments.next()?).ok()
}

impl<K> fmt::Debug for SasAuthenticator<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SasAuthenticator").finish_non_exhaustive()
    }
}
