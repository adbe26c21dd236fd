//! When to try again, and after how long.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::error::ErrorKind;
use crate::time::Rfc1123;

/// How often a failed call is tried again, and how long it waits in between.
///
/// | what happened | idempotent methods (RFC 9110 §9.2.2) | others |
/// |---|---|---|
/// | no connection: nothing was sent | again | again |
/// | no answer in time, or a connection that broke | again | no |
/// | 429 (RFC 6585): the service has done nothing | again | again |
/// | 408, 500, 502, 503, 504 | again | no |
/// | anything else | no | no |
///
/// A document may say of an operation that it is never to be repeated, or that it may be whatever its method. A body that is a
/// stream can be sent once, so that such calls are not repeated either.
///
/// The wait doubles from try to try and is then multiplied by a random number from 0 to 1, so that many clients do not
/// come back at once. Where the service says how long to wait, in `x-ms-retry-after-ms`, `retry-after-ms` or `Retry-After` (RFC
/// 9110 §10.2.3), it is that long. In either case it is at most [`max_delay`](Retry::with_delays).
///
/// ```
/// use std::time::Duration;
/// use specsmith_runtime::Retry;
///
/// let patient = Retry::new().with_tries(8).with_total_time(Duration::from_secs(300));
/// let never = Retry::none();
/// # let _ = (patient, never);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    tries: u32,
    first_delay: Duration,
    max_delay: Duration,
    total_time: Duration,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry::new()
    }
}

impl Retry {
    /// Four tries; delays of up to 0.8, 1.6 and 3.2 seconds; delays of at most 60 seconds where the service asks for them; no try
    /// that would begin more than three minutes after the first.
    pub const fn new() -> Retry {
        Retry {
            tries: 4,
            first_delay: Duration::from_millis(800),
            max_delay: Duration::from_secs(60),
            total_time: Duration::from_secs(180),
        }
    }

    /// One try.
    pub const fn none() -> Retry {
        Retry::new().with_tries(1)
    }

    /// How many tries there are at the most, the first one included.
    #[must_use]
    pub const fn with_tries(mut self, tries: u32) -> Retry {
        self.tries = tries;
        self
    }

    /// The most that is waited before the second try, and before any.
    #[must_use]
    pub const fn with_delays(mut self, first: Duration, max: Duration) -> Retry {
        (self.first_delay, self.max_delay) = (first, max);
        self
    }

    /// How long after the first try another one may begin.
    #[must_use]
    pub const fn with_total_time(mut self, time: Duration) -> Retry {
        self.total_time = time;
        self
    }

    pub(super) const fn tries(&self) -> u32 {
        self.tries
    }

    pub(super) const fn total_time(&self) -> Duration {
        self.total_time
    }

    /// How long to wait after so many tries, where the service asks for `asked` and `random` is from 0 to 1.
    pub(super) fn delay(&self, tries: u32, asked: Option<Duration>, random: f64) -> Duration {
        let doubled = self.first_delay.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1)));
        // A clock of the user's own may give anything, also no number.
        let random = if (0.0..=1.0).contains(&random) { random } else { 1.0 };
        asked.unwrap_or_else(|| doubled.min(self.max_delay).mul_f64(random)).min(self.max_delay)
    }
}

/// Whether a call may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Safety {
    /// Carried out twice, it does what it does once.
    Idempotent,
    /// Only if it has certainly not been carried out.
    Once,
    Never,
}

impl Safety {
    pub(super) fn allows_after_status(self, status: StatusCode) -> bool {
        match self {
            Safety::Idempotent => matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504),
            Safety::Once => status == StatusCode::TOO_MANY_REQUESTS,
            Safety::Never => false,
        }
    }

    pub(super) fn allows_after_failure(self, kind: ErrorKind) -> bool {
        match self {
            Safety::Idempotent => matches!(kind, ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Transport),
            Safety::Once => kind == ErrorKind::Connect,
            Safety::Never => false,
        }
    }
}

/// How long an answer asks to wait; `now` in seconds since 1970, for a date where the answer has no `Date` of its own.
pub(crate) fn retry_after(headers: &HeaderMap, now: impl FnOnce() -> i64) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let millis = ["x-ms-retry-after-ms", "retry-after-ms"].into_iter().find_map(|name| number(text(name)?));
    if let Some(millis) = millis {
        return Some(Duration::from_millis(millis));
    }
    let after = text("retry-after")?;
    if let Some(seconds) = number(after) {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| text.parse::<Rfc1123>().ok().map(Rfc1123::unix_seconds);
    let then = date(after)?;
    let now = text("date").and_then(date).unwrap_or_else(now);
    Some(Duration::from_secs(u64::try_from(then.saturating_sub(now)).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn who_may_try_again() {
        let statuses = |safety: Safety| -> Vec<u16> {
            (100..600).filter(|code| safety.allows_after_status(StatusCode::from_u16(*code).unwrap())).collect()
        };
        assert_eq!(statuses(Safety::Idempotent), [408, 429, 500, 502, 503, 504]);
        assert_eq!(statuses(Safety::Once), [429]);
        assert_eq!(statuses(Safety::Never), [0_u16; 0]);
        let kinds = |safety: Safety| {
            use ErrorKind::*;
            let all = [Build, Authentication, Connect, Timeout, Transport, Service, Decode, Polling];
            all.into_iter().filter(|kind| safety.allows_after_failure(*kind)).collect::<Vec<_>>()
        };
        assert_eq!(kinds(Safety::Idempotent), [ErrorKind::Connect, ErrorKind::Timeout, ErrorKind::Transport]);
        assert_eq!(kinds(Safety::Once), [ErrorKind::Connect]);
        assert_eq!(kinds(Safety::Never), []);
    }

    #[test]
    fn delays_double_and_are_spread_and_capped() {
        let retry = Retry::new().with_delays(Duration::from_secs(1), Duration::from_secs(5));
        let delays = |random| [1, 2, 3, 4, 100].map(|tries| retry.delay(tries, None, random).as_millis());
        assert_eq!(delays(1.0), [1000, 2000, 4000, 5000, 5000]);
        assert_eq!(delays(0.5), [500, 1000, 2000, 2500, 2500]);
        assert_eq!(delays(0.0), [0; 5]);
        let asked = |seconds| retry.delay(1, Some(Duration::from_secs(seconds)), 0.0).as_secs();
        assert_eq!([asked(0), asked(3), asked(3600)], [0, 3, 5]);
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn what_the_service_asks_for() {
        let after =
            |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs), || 784_111_777).map(|it| it.as_millis());
        // The RFC's own dates: 1994-11-06T08:49:37Z is the second 784,111,777.
        let date = "Sun, 06 Nov 1994 08:49:47 GMT";
        assert_eq!(after(&[("retry-after", "120")]), Some(120_000));
        assert_eq!(after(&[("retry-after", date)]), Some(10_000));
        assert_eq!(after(&[("retry-after", date), ("date", "Sun, 06 Nov 1994 08:49:46 GMT")]), Some(1_000));
        assert_eq!(after(&[("retry-after", date), ("date", "Sun, 06 Nov 1994 09:00:00 GMT")]), Some(0));
        assert_eq!(after(&[("retry-after", "9"), ("x-ms-retry-after-ms", "1500")]), Some(1500));
        assert_eq!(after(&[("retry-after-ms", "250")]), Some(250));
        for nonsense in ["", "-1", "1.5", "soon", "+1", "99999999999999999999999"] {
            assert_eq!(after(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        assert_eq!(after(&[("x-ms-retry-after-ms", "x"), ("retry-after", "2")]), Some(2_000));
        assert_eq!(after(&[]), None);
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(value in "[ -~]{0,40}", tries in any::<u32>(), random in any::<f64>()) {
            let asked = retry_after(&headers(&[("retry-after", &value), ("date", &value)]), || 0);
            prop_assert!(Retry::new().delay(tries, asked, random) <= Duration::from_secs(60));
        }
    }
}
