//! What goes wrong on purpose: faults by rule, a bound on requests in a second, and slowness. All of it is on the hub's clock.

mod pattern;
mod throttle;
mod torn;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use iothub::runtime::Clock;
use iothub::runtime::server::{Route, ServiceError};
use serde::{Deserialize, Serialize};

use crate::clock::HubClock;

pub(crate) use self::throttle::Throttle;
pub(crate) use self::torn::torn;

/// The most rules at a time.
const RULES: usize = 1_000;
/// The longest text of a rule, in bytes.
const TEXT: usize = 1 << 10;
/// The longest delay: a day.
const LONGEST: u64 = 24 * 60 * 60 * 1_000;

/// A rule for what goes wrong: which requests it is about, which of these fail, and how.
///
/// Requests of the admin API never fail by rule.
///
/// ```
/// use http::StatusCode;
/// use iothub_emulator::{Cut, Fault};
///
/// // The second time that somebody gets a device, the service is busy, and says when to come again.
/// Fault::new().operation("DeviceApi_GetDevice").nth(2).status(StatusCode::SERVICE_UNAVAILABLE).retry_after(1);
/// // The next three requests below a path are carried out, and nobody learns of it.
/// Fault::new().path("/devices/*/messages").times(3).cut(Cut::Answer);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Fault {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nth: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    always: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<Cut>,
}

/// Where a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Cut {
    /// Instead of the operation, which is not carried out.
    Request,
    /// After the operation: it is carried out, and not answered.
    Answer,
    /// In the middle of the answer's body. Where there is none, as [`Answer`](Self::Answer).
    Body,
}

impl Fault {
    /// A rule about the next request, whichever it is. Without [`status`](Self::status), [`delay`](Self::delay) or [`cut`](Self::cut) nothing
    /// goes wrong.
    pub fn new() -> Fault {
        Fault::default()
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &Method) -> Fault {
        self.method = Some(method.as_str().to_owned());
        self
    }

    /// Only requests whose path is this one, or below it. A `*` stands for whatever a segment has. Case does not count; escapes are compared as
    /// they are sent.
    #[must_use]
    pub fn path(mut self, pattern: impl Into<String>) -> Fault {
        self.path = Some(pattern.into());
        self
    }

    /// Only requests for the operation of this id, such as `DeviceApi_GetDevice`.
    #[must_use]
    pub fn operation(mut self, id: impl Into<String>) -> Fault {
        self.operation = Some(id.into());
        self
    }

    /// Lets those before the n-th of the requests pass; the first is 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Fault {
        self.nth = Some(nth);
        self
    }

    /// So many requests, one after the other, instead of one.
    #[must_use]
    pub fn times(mut self, count: u64) -> Fault {
        self.count = Some(count);
        self
    }

    /// All requests, until the rule is removed.
    #[must_use]
    pub fn always(mut self) -> Fault {
        self.always = true;
        self
    }

    /// Waits before anything else happens.
    #[must_use]
    pub fn delay(mut self, time: Duration) -> Fault {
        self.delay_ms = Some(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Answers this status, in the form in which the service writes errors, instead of carrying out the operation.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Fault {
        self.status = Some(status.as_u16());
        self
    }

    /// The error's code, in place of the one that the service has for the status.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Fault {
        self.code = Some(code.into());
        self
    }

    /// Sends `Retry-After` with the status.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Fault {
        self.retry_after = Some(seconds);
        self
    }

    /// Cuts the connection.
    #[must_use]
    pub fn cut(mut self, cut: Cut) -> Fault {
        self.cut = Some(cut);
        self
    }

    /// What is wrong with the rule, if anything is.
    pub(crate) fn check(&self) -> Result<(), String> {
        let wrong = |what: &str| Err(what.to_owned());
        let texts = [&self.method, &self.path, &self.operation, &self.code];
        if texts.into_iter().flatten().any(|text| text.len() > TEXT) {
            return Err(format!("method, path, operation and code have at most {TEXT} bytes"));
        }
        if self.code.as_ref().is_some_and(|code| code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_graphic())) {
            return wrong("code is of printable characters of ASCII");
        }
        if self.method.as_ref().is_some_and(|method| Method::from_bytes(method.as_bytes()).is_err()) {
            return wrong("method is no method of HTTP");
        }
        if self.path.as_ref().is_some_and(|path| !path.starts_with('/')) {
            return wrong("path has to begin with a slash");
        }
        if self.nth == Some(0) || self.count == Some(0) {
            return wrong("nth and count are at least 1");
        }
        if self.always && self.count.is_some() {
            return wrong("always and count exclude each other");
        }
        if self.delay_ms.is_some_and(|delay| delay > LONGEST) {
            return wrong("delayMs is at most a day");
        }
        if self.status.is_some_and(|status| !(400..600).contains(&status)) {
            return wrong("status is from 400 to 599");
        }
        if self.status.is_none() && (self.code.is_some() || self.retry_after.is_some()) {
            return wrong("code and retryAfter need a status");
        }
        match (self.status, self.cut, self.delay_ms) {
            (Some(_), Some(_), _) => wrong("status and cut exclude each other"),
            (None, None, None) => wrong("one of status, delayMs and cut is needed"),
            _ => Ok(()),
        }
    }

    fn is_about(&self, parts: &Parts, route: Option<&Route>) -> bool {
        let method = self.method.as_ref().is_none_or(|method| *method == *parts.method.as_str());
        let operation = self.operation.as_ref();
        method
            && operation.is_none_or(|id| route.is_some_and(|route| route.id() == *id))
            && self.path.as_ref().is_none_or(|pattern| pattern::covers(pattern, parts.uri.path()))
    }

    /// Whether this one of the requests that it is about fails; the first is 1.
    fn hits(&self, number: u64) -> bool {
        let first = self.nth.unwrap_or(1);
        number >= first && (self.always || number - first < self.count.unwrap_or(1))
    }

    fn error(&self, status: u16) -> ServiceError {
        // It has been looked at, and is one.
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let code = match (&self.code, status) {
            (Some(code), _) => code.clone(),
            (None, StatusCode::TOO_MANY_REQUESTS) => "ThrottlingException".to_owned(),
            (None, StatusCode::SERVICE_UNAVAILABLE) => "ServiceUnavailable".to_owned(),
            (None, StatusCode::UNAUTHORIZED) => "IotHubUnauthorizedAccess".to_owned(),
            (None, status) if status.is_server_error() => "ServerError".to_owned(),
            (None, _) => "InjectedFault".to_owned(),
        };
        let error = ServiceError::new(status, code, "A fault that was asked for.");
        match self.retry_after {
            Some(seconds) => error.with_header(RETRY_AFTER, HeaderValue::from(seconds)),
            None => error,
        }
    }
}

/// A rule, and what has become of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rule {
    /// Its number.
    pub(crate) id: u64,
    /// How many requests it has been about.
    pub(crate) seen: u64,
    /// How many of them failed by it.
    pub(crate) hits: u64,
    #[serde(flatten)]
    pub(crate) fault: Fault,
}

#[derive(Debug, Default)]
struct Rules {
    last: u64,
    all: Vec<Rule>,
}

/// What is to become of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Pass,
    Refuse(ServiceError),
    Cut(Cut),
}

/// What all requests go through, apart from those of the admin API.
#[derive(Debug)]
pub(crate) struct Gate {
    clock: HubClock,
    latency: Duration,
    throttle: Option<Throttle>,
    rules: Mutex<Rules>,
}

impl Gate {
    pub(crate) fn new(clock: HubClock, latency: Duration, throttle: Option<Throttle>) -> Gate {
        Gate { clock, latency, throttle, rules: Mutex::default() }
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule, and gives its number.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn add(&self, fault: Fault) -> Result<u64, String> {
        fault.check()?;
        let mut rules = self.rules();
        if rules.all.len() >= RULES {
            return Err(format!("there are {RULES} faults already"));
        }
        rules.last += 1;
        let id = rules.last;
        rules.all.push(Rule { id, seen: 0, hits: 0, fault });
        Ok(id)
    }

    /// Removes a rule; whether there was one.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut rules = self.rules();
        let before = rules.all.len();
        rules.all.retain(|rule| rule.id != id);
        rules.all.len() < before
    }

    /// Removes all rules.
    pub(crate) fn clear(&self) {
        self.rules().all.clear();
    }

    /// All rules, in the order in which they were added.
    pub(crate) fn all(&self) -> Vec<Rule> {
        self.rules().all.clone()
    }

    /// One rule.
    pub(crate) fn rule(&self, id: u64) -> Option<Rule> {
        self.rules().all.iter().find(|rule| rule.id == id).cloned()
    }

    /// Waits as long as the request has to wait, and tells what is to become of it.
    pub(crate) async fn pass(&self, parts: &Parts, route: Option<&'static Route>) -> Outcome {
        let (delay, outcome) = self.meet(parts, route);
        let delay = delay.saturating_add(self.latency);
        if !delay.is_zero() {
            self.clock.sleep(delay).await;
        }
        if !matches!(outcome, Outcome::Pass) {
            return outcome;
        }
        match self.throttle.as_ref().map(|throttle| throttle.take(self.clock.now())) {
            Some(Err(wait)) => Outcome::Refuse(throttled(wait)),
            Some(Ok(())) | None => Outcome::Pass,
        }
    }

    /// All rules count the request; of those that it fails by, delays add up, and the first that says more decides.
    fn meet(&self, parts: &Parts, route: Option<&'static Route>) -> (Duration, Outcome) {
        let (mut delay, mut outcome) = (Duration::ZERO, Outcome::Pass);
        for rule in &mut self.rules().all {
            if !rule.fault.is_about(parts, route) {
                continue;
            }
            rule.seen += 1;
            if !rule.fault.hits(rule.seen) {
                continue;
            }
            rule.hits += 1;
            delay = delay.saturating_add(Duration::from_millis(rule.fault.delay_ms.unwrap_or_default()));
            if matches!(outcome, Outcome::Pass) {
                outcome = match (rule.fault.status, rule.fault.cut) {
                    (Some(status), _) => Outcome::Refuse(rule.fault.error(status)),
                    (None, Some(cut)) => Outcome::Cut(cut),
                    (None, None) => Outcome::Pass,
                };
            }
        }
        (delay, outcome)
    }
}

/// 429, and when to come again.
fn throttled(wait: Duration) -> ServiceError {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    ServiceError::new(StatusCode::TOO_MANY_REQUESTS, "ThrottlingException", "There are too many requests.")
        .with_header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
}

#[cfg(test)]
mod tests;
