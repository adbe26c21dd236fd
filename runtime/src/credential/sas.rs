//! Tokens signed as they are needed.

use std::fmt;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::DATE;
use http::request::Parts as RequestParts;
use http::{HeaderMap, HeaderValue};

use super::key::SasKey;
use super::{Credential, header, seconds};
use crate::clock::Clock;
use crate::error::Error;
use crate::time::{Rfc1123, UnixTime};
use crate::transport::BoxFuture;

/// How long a token is valid, unless told otherwise.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How long before its end a token is replaced, unless told otherwise.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// Clocks that differ by less, in seconds, are no reason for a refusal.
const SKEW: u64 = 60;

/// Signs tokens with a key: of a shared access policy, or of a device.
///
/// A token is used by all calls until shortly before its end; then the next call signs another one. Where the service
/// refuses one and its clock turns out to differ from ours (`Date`, RFC 9110 §6.6.1), tokens are signed by its clock
/// from then on; a difference of less than a minute is not held to be the reason.
///
/// ```
/// use std::time::Duration;
/// use specsmith_runtime::credential::{SasCredential, SasKey};
///
/// let key: SasKey = "bWFkZSB1cCBmb3IgdGhpcyBleGFtcGxl".parse()?;
/// let service = SasCredential::for_hub("my-hub.azure-devices.net", "service", key.clone());
/// let device = SasCredential::for_device("my-hub.azure-devices.net", "thermostat-7", key)
///     .with_lifetime(Duration::from_secs(24 * 60 * 60))
///     .with_renewal_margin(Duration::from_secs(60 * 60));
/// # Ok::<(), specsmith_runtime::ParseError>(())
/// ```
pub struct SasCredential {
    key: SasKey,
    resource: String,
    policy: Option<String>,
    lifetime: Duration,
    margin: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The service's clock less ours, in seconds.
    skew: i64,
    token: Option<Token>,
}

/// Times are the service's, in seconds since 1970.
struct Token {
    value: HeaderValue,
    signed_at: i64,
    renewed_at: i64,
}

impl SasCredential {
    /// With a policy's key, for all that the policy allows at this hub. The host is the hub's name, also where another
    /// address is connected to.
    pub fn for_hub(host: &str, policy: &str, key: SasKey) -> SasCredential {
        SasCredential::new(host.to_owned(), key).with_policy(policy)
    }

    /// With a device's key, for what this device may do at this hub. The id is written as it is, without escapes.
    pub fn for_device(host: &str, device_id: &str, key: SasKey) -> SasCredential {
        SasCredential::new(format!("{host}/devices/{device_id}"), key)
    }

    fn new(resource: String, key: SasKey) -> SasCredential {
        SasCredential { key, resource, policy: None, lifetime: LIFETIME, margin: MARGIN, state: Mutex::default() }
    }

    /// The key is this policy's: one that may connect devices may act for each of them.
    #[must_use]
    pub fn with_policy(mut self, policy: &str) -> SasCredential {
        self.policy = Some(policy.to_owned());
        self.state = Mutex::default();
        self
    }

    /// How long a token is valid, in whole seconds; without this an hour.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> SasCredential {
        self.lifetime = lifetime;
        self.state = Mutex::default();
        self
    }

    /// How long before its end a token is replaced; without this five minutes. Never more than half the lifetime.
    #[must_use]
    pub fn with_renewal_margin(mut self, margin: Duration) -> SasCredential {
        self.margin = margin;
        self.state = Mutex::default();
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is behind the lock is whole at all times, so that a panic elsewhere does no harm to it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token, signed while the others wait: that takes a few microseconds.
    fn current(&self, clock: &dyn Clock) -> Result<HeaderValue, Error> {
        let mut state = self.state();
        let now = seconds(clock.now()).saturating_add(state.skew);
        if let Some(token) = &state.token
            // A clock that was set back asks for a new one, too: the old one would be valid for longer than it should.
            && (token.signed_at..token.renewed_at).contains(&now)
        {
            return Ok(token.value.clone());
        }
        let after = |duration: Duration| now.saturating_add_unsigned(duration.as_secs());
        let expiry = UnixTime::new(after(self.lifetime));
        let value = header(self.key.token(&self.resource, self.policy.as_deref(), expiry)?.expose())?;
        let renewed_at = after(self.lifetime - self.margin.min(self.lifetime / 2));
        state.token = Some(Token { value: value.clone(), signed_at: now, renewed_at });
        Ok(value)
    }
}

impl Credential for SasCredential {
    fn authorization<'a>(
        &'a self,
        _: &'a RequestParts,
        clock: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<Option<HeaderValue>, Error>> {
        Box::pin(ready(self.current(clock).map(Some)))
    }

    fn refused(&self, sent: &HeaderValue, headers: &HeaderMap, clock: &dyn Clock) -> bool {
        let mut state = self.state();
        if state.token.as_ref().is_none_or(|token| token.value != *sent) {
            // Another call was refused before, and has learnt from it.
            return true;
        }
        let Some(date) = headers.get(DATE).and_then(|date| date.to_str().ok()?.parse::<Rfc1123>().ok()) else {
            return false;
        };
        let skew = date.unix_seconds().saturating_sub(seconds(clock.now()));
        let explains = skew.abs_diff(state.skew) >= SKEW.min(self.lifetime.as_secs() / 2);
        if explains {
            *state = State { skew, token: None };
        }
        explains
    }
}

impl fmt::Debug for SasCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("SasCredential");
        out.field("resource", &self.resource).field("policy", &self.policy).field("lifetime", &self.lifetime);
        out.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{StoppedClock, refusal, request};
    use super::*;
    use crate::credential::SasToken;
    use std::sync::Arc;

    const NOON: u64 = 1_500_000_000;

    fn credential() -> SasCredential {
        SasCredential::for_hub("hub.example", "service", SasKey::from_bytes(b"made up").unwrap())
    }

    fn token(credential: &SasCredential, clock: &StoppedClock) -> HeaderValue {
        credential.current(clock).unwrap()
    }

    fn expiry(token: &HeaderValue) -> u64 {
        let token: SasToken = token.to_str().unwrap().parse().unwrap();
        token.expires_on().seconds().try_into().unwrap()
    }

    #[tokio::test]
    async fn a_token_is_sensitive_and_names_the_scope() {
        let clock = StoppedClock::at(NOON);
        let value = credential().authorization(&request(), &clock).await.unwrap().unwrap();
        assert!(value.is_sensitive());
        let device = SasCredential::for_device("hub.example", "a#1", SasKey::from_bytes(b"made up").unwrap());
        let text = token(&device, &clock);
        let text = text.to_str().unwrap();
        assert!(text.starts_with("SharedAccessSignature sr=hub.example%2Fdevices%2Fa%231&sig="), "{text}");
        assert!(text.ends_with("&se=1500003600"), "{text}");
        assert!(token(&device.with_policy("device"), &clock).to_str().unwrap().ends_with("&skn=device"));
    }

    #[test]
    fn a_token_is_signed_once_an_hour() {
        let (clock, credential) = (StoppedClock::at(NOON), credential());
        let mut tokens: Vec<HeaderValue> = Vec::new();
        for _ in 0..24 * 60 {
            tokens.push(token(&credential, &clock));
            clock.pass(60);
            let now = clock.seconds();
            assert!(expiry(tokens.last().unwrap()) >= now + 4 * 60);
        }
        tokens.dedup();
        // A day of 1440 minutes, and a new one after each 55.
        assert_eq!(tokens.len(), 27);
    }

    #[test]
    fn lifetime_and_margin() {
        let clock = StoppedClock::at(NOON);
        for (lifetime, margin, kept) in [(600, 100, 499), (600, 0, 599), (600, 1000, 299)] {
            let credential = credential()
                .with_lifetime(Duration::from_secs(lifetime))
                .with_renewal_margin(Duration::from_secs(margin));
            let first = token(&credential, &clock);
            assert_eq!(expiry(&first), clock.seconds() + lifetime);
            clock.pass(kept);
            assert_eq!(token(&credential, &clock), first);
            clock.pass(1);
            assert_ne!(token(&credential, &clock), first);
        }
        let forever = credential().with_lifetime(Duration::MAX);
        assert_eq!(expiry(&token(&forever, &clock)), i64::MAX as u64);
    }

    #[test]
    fn threads_share_a_token() {
        let (clock, credential) = (Arc::new(StoppedClock::at(NOON)), Arc::new(credential()));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (clock, credential) = (clock.clone(), credential.clone());
                std::thread::spawn(move || token(&credential, &clock))
            })
            .collect();
        let mut tokens: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        tokens.dedup();
        assert_eq!(tokens.len(), 1);
    }

    #[test]
    fn a_clock_that_is_wrong_is_noticed_once() {
        for skew in [600_i64, -7200, 46 * 365 * 86400] {
            let (clock, credential) = (StoppedClock::at(NOON), credential());
            let theirs = NOON.saturating_add_signed(skew);
            let first = token(&credential, &clock);
            let answer = refusal(Some(theirs));
            assert!(credential.refused(&first, &answer, &clock), "{skew}");
            let second = token(&credential, &clock);
            assert_eq!(expiry(&second), theirs + 3600);
            // Refused again at the same time of day: the reason is another one.
            assert!(!credential.refused(&second, &answer, &clock));
            assert!(!credential.refused(&second, &refusal(Some(theirs + 59)), &clock));
            assert_eq!(token(&credential, &clock), second);
        }
    }

    #[test]
    fn a_call_that_was_overtaken_may_try_again() {
        let (clock, credential) = (StoppedClock::at(NOON), credential());
        let first = token(&credential, &clock);
        let answer = refusal(Some(NOON + 7200));
        assert!(credential.refused(&first, &answer, &clock));
        assert!(credential.refused(&first, &answer, &clock));
        let second = token(&credential, &clock);
        assert!(credential.refused(&first, &answer, &clock));
        assert_eq!(token(&credential, &clock), second);
    }

    #[test]
    fn what_says_no_time_teaches_nothing() {
        let (clock, credential) = (StoppedClock::at(NOON), credential());
        let first = token(&credential, &clock);
        assert!(!credential.refused(&first, &refusal(None), &clock));
        let mut answer = refusal(None);
        answer.insert(DATE, HeaderValue::from_static("tomorrow"));
        assert!(!credential.refused(&first, &answer, &clock));
        assert!(!credential.refused(&first, &refusal(Some(NOON + 59)), &clock));
        assert!(credential.refused(&first, &refusal(Some(NOON + 60)), &clock));
    }

    #[test]
    fn a_clock_set_back() {
        let (clock, credential) = (StoppedClock::at(NOON + 86400), credential());
        token(&credential, &clock);
        let clock = StoppedClock::at(NOON);
        assert_eq!(expiry(&token(&credential, &clock)), NOON + 3600);
    }

    #[test]
    fn is_not_printed() {
        let credential = credential();
        token(&credential, &StoppedClock::at(NOON));
        assert_eq!(
            format!("{credential:?}"),
            r#"SasCredential { resource: "hub.example", policy: Some("service"), lifetime: 3600s, .. }"#,
        );
    }
}
