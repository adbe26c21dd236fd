//! From a request's description to the answer.

mod policy;
mod retry;
mod telemetry;

use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Method, StatusCode};

use self::policy::Stage;
pub use self::policy::{Next, Policy};
pub use self::retry::Retry;
use self::retry::Safety;
pub(crate) use self::retry::retry_after;
use self::telemetry::Span;
use crate::body::{Body, CollectError};
use crate::clock::Clock;
use crate::credential::Credential;
use crate::error::{Error, ErrorKind};
use crate::operation::Operation;
use crate::request::Request;
use crate::response::RawResponse;
use crate::transport::{BoxFuture, Transport, TransportError};
use crate::url::Endpoint;

/// The most bytes of an answer that are read, unless told otherwise: 100 MiB.
const RESPONSE_LIMIT: usize = 100 << 20;

/// The most bytes of an error's body that are read. What is longer is left out of the error.
const ERROR_LIMIT: usize = 1 << 20;

/// How long one try may take, unless told otherwise. A direct method may take five minutes to be reached and five to answer.
const TRY_TIMEOUT: Duration = Duration::from_secs(660);

/// What every call of a client goes through: it makes the request, signs and sends it, tries again where that may help, and tells
/// success from error.
///
/// A clone is cheap and shares the transport's connections. What it is told by the methods that start with `with_` holds for this
/// pipeline and the clones made of it later.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use specsmith_runtime::transport::Transport;
/// use specsmith_runtime::{Endpoint, Error, Pipeline, Retry};
///
/// fn pipeline(host: &str, transport: Arc<dyn Transport>) -> Result<Pipeline, Error> {
///     let pipeline = Pipeline::new(Endpoint::new(host)?, transport)
///         .with_retry(Retry::new().with_tries(6))
///         .with_call_timeout(Duration::from_secs(120));
///     pipeline.with_application("thermostats/1.0")
/// }
/// ```
#[derive(Clone)]
pub struct Pipeline {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    transport: Arc<dyn Transport>,
    endpoint: Endpoint,
    credential: Option<Arc<dyn Credential>>,
    api_version: Option<Cow<'static, str>>,
    user_agent: HeaderValue,
    response_limit: usize,
    retry: Retry,
    try_timeout: Option<Duration>,
    call_timeout: Option<Duration>,
    poll_delays: (Duration, Duration),
    call_policies: Vec<Arc<dyn Policy>>,
    try_policies: Vec<Arc<dyn Policy>>,
    clock: Arc<dyn Clock>,
}

const USER_AGENT_TEXT: &str = concat!("specsmith-runtime/", env!("CARGO_PKG_VERSION"));

impl Pipeline {
    /// A pipeline to this endpoint, without a credential.
    pub fn new(endpoint: Endpoint, transport: Arc<dyn Transport>) -> Pipeline {
        let clock = transport.clock();
        Pipeline {
            inner: Arc::new(Inner {
                transport,
                endpoint,
                credential: None,
                api_version: None,
                user_agent: HeaderValue::from_static(USER_AGENT_TEXT),
                response_limit: RESPONSE_LIMIT,
                retry: Retry::new(),
                try_timeout: Some(TRY_TIMEOUT),
                call_timeout: None,
                poll_delays: (Duration::from_secs(1), Duration::from_secs(30)),
                call_policies: Vec::new(),
                try_policies: Vec::new(),
                clock,
            }),
        }
    }

    /// A pipeline to this endpoint, a host or an `https` URL, over reqwest with its defaults.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`] where the endpoint is no such URL, or TLS cannot be set up.
    #[cfg(feature = "reqwest")]
    pub fn over_reqwest(endpoint: &str) -> Result<Pipeline, Error> {
        let transport = crate::transport::reqwest::ReqwestTransport::new()?;
        Ok(Pipeline::new(Endpoint::new(endpoint)?, Arc::new(transport)))
    }

    /// Signs every try with this credential. It is asked for requests to the endpoint only: none to another origin is sent.
    #[must_use]
    pub fn with_credential(self, credential: Arc<dyn Credential>) -> Pipeline {
        self.change(|inner| inner.credential = Some(credential))
    }

    /// Sends this `api-version` with every operation that has one, in place of its own.
    #[must_use]
    pub fn with_api_version(self, version: impl Into<Cow<'static, str>>) -> Pipeline {
        let version = version.into();
        self.change(|inner| inner.api_version = Some(version))
    }

    /// Sends this `User-Agent` (RFC 9110 §10.1.5).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`] where the text has characters that no header can carry.
    pub fn with_user_agent(self, text: &str) -> Result<Pipeline, Error> {
        let value = HeaderValue::from_str(text).ok().filter(|_| text.is_ascii());
        let value = value.ok_or_else(|| Error::build("the user agent has characters that no header can carry"))?;
        Ok(self.change(|inner| inner.user_agent = value))
    }

    /// Names an application, such as `thermostats/1.0`, before this library in the `User-Agent`.
    ///
    /// # Errors
    ///
    /// As [`with_user_agent`](Pipeline::with_user_agent).
    pub fn with_application(self, name: &str) -> Result<Pipeline, Error> {
        self.with_user_agent(&format!("{name} {USER_AGENT_TEXT}"))
    }

    /// Reads at most so many bytes of an answer's body; without it 100 MiB. A longer one is an
    /// [`ErrorKind::Decode`].
    #[must_use]
    pub fn with_response_limit(self, bytes: usize) -> Pipeline {
        self.change(|inner| inner.response_limit = bytes)
    }

    /// Tries again in this way; without it as [`Retry::new`] says.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Pipeline {
        self.change(|inner| inner.retry = retry)
    }

    /// Gives up a try, its answer's body included, after this time; without it after 11 minutes. Whether there is another try
    /// is for [`Retry`] to say.
    #[must_use]
    pub fn with_try_timeout(self, time: Duration) -> Pipeline {
        self.change(|inner| inner.try_timeout = Some(time))
    }

    /// Gives up a call, with all its tries and the waits between them, after this time; without it there is no such limit.
    #[must_use]
    pub fn with_call_timeout(self, time: Duration) -> Pipeline {
        self.change(|inner| inner.call_timeout = Some(time))
    }

    /// How long a [`Poller`](crate::Poller) waits before the first request and before any, where the service does not say; without it
    /// a second and 30 seconds.
    #[must_use]
    pub fn with_poll_delays(self, first: Duration, max: Duration) -> Pipeline {
        self.change(|inner| inner.poll_delays = (first, max))
    }

    /// Puts a policy around each call, inside of those added before.
    #[must_use]
    pub fn with_call_policy(self, policy: Arc<dyn Policy>) -> Pipeline {
        self.change(|inner| inner.call_policies.push(policy))
    }

    /// Puts a policy around each try, inside of those added before. What it changes in the request is signed.
    #[must_use]
    pub fn with_try_policy(self, policy: Arc<dyn Policy>) -> Pipeline {
        self.change(|inner| inner.try_policies.push(policy))
    }

    /// Takes time and chance from this clock, rather than from the transport's.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Pipeline {
        self.change(|inner| inner.clock = clock)
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Pipeline {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// Where the requests go.
    pub fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    pub(crate) fn poll_delays(&self) -> (Duration, Duration) {
        self.inner.poll_delays
    }

    /// What tells the time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    /// Sends a request and reads the whole answer, if it is a success of the operation.
    ///
    /// Dropping the future stops what it does.
    ///
    /// # Errors
    ///
    /// One of each [`ErrorKind`] but the decoding of the body, with the operation's id.
    pub fn send(&self, request: Request) -> BoxFuture<'static, Result<RawResponse, Error>> {
        let (inner, operation) = (Arc::clone(&self.inner), request.operation());
        let request = inner.http(request);
        Box::pin(
            async move { inner.send(operation, request).await.map_err(|error| error.with_operation(operation.id())) },
        )
    }

    /// The same, and the path and query that the request had.
    pub(crate) fn send_noting(&self, request: Request) -> BoxFuture<'static, Result<(String, RawResponse), Error>> {
        let (inner, operation) = (Arc::clone(&self.inner), request.operation());
        let request = inner.http(request);
        let target = request.as_ref().ok().and_then(|request| request.uri().path_and_query()).map(ToString::to_string);
        Box::pin(async move {
            let answer = inner.send(operation, request).await;
            let answer = answer.map_err(|error| error.with_operation(operation.id()))?;
            Ok((target.unwrap_or_default(), answer))
        })
    }

    /// Asks for what a service names by a URL in an answer to this operation: the next page, the state of a long-running operation.
    /// Any status from 200 to 299 is a success.
    ///
    /// # Errors
    ///
    /// As [`send`](Pipeline::send); and [`ErrorKind::Decode`], with nothing sent, where the URL is none of the endpoint's own
    /// origin: credentials do not go there.
    pub fn follow(
        &self,
        operation: &'static Operation,
        method: Method,
        url: &str,
    ) -> BoxFuture<'static, Result<RawResponse, Error>> {
        let inner = Arc::clone(&self.inner);
        let request = inner.endpoint.resolve(url).map(|uri| {
            let mut request = http::Request::new(Body::Empty);
            let with_body = matches!(method, Method::POST | Method::PUT | Method::PATCH);
            if with_body {
                request.headers_mut().insert(http::header::CONTENT_LENGTH, 0.into());
            }
            if let Some(accepted) = operation.accepted() {
                request.headers_mut().insert(http::header::ACCEPT, HeaderValue::from_static(accepted));
            }
            *request.uri_mut() = uri;
            *request.method_mut() = method;
            request
        });
        Box::pin(async move {
            let send = async {
                let request = request?;
                let safety = match request.method().is_idempotent() {
                    true => Safety::Idempotent,
                    false => Safety::of(operation),
                };
                let (status, headers, body) = inner.call(operation, safety, request).await?;
                match status.is_success() {
                    true => Ok(RawResponse::new(operation, status, headers, body)),
                    false => Err(Error::service(operation.error_format(), status, headers, body)),
                }
            };
            send.await.map_err(|error| error.with_operation(operation.id()))
        })
    }
}

impl Inner {
    fn http(&self, request: Request) -> Result<http::Request<Body>, Error> {
        request.into_http(&self.endpoint, self.api_version.as_deref())
    }

    async fn send(
        &self,
        operation: &'static Operation,
        request: Result<http::Request<Body>, Error>,
    ) -> Result<RawResponse, Error> {
        let (status, headers, body) = self.call(operation, Safety::of(operation), request?).await?;
        match operation.is_success(status) {
            true => Ok(RawResponse::new(operation, status, headers, body)),
            false => Err(Error::service(operation.error_format(), status, headers, body)),
        }
    }

    /// One call, from the request to the answer.
    async fn call(
        &self,
        operation: &'static Operation,
        safety: Safety,
        mut request: http::Request<Body>,
    ) -> Result<Answer, Error> {
        request.headers_mut().entry(USER_AGENT).or_insert_with(|| self.user_agent.clone());
        telemetry::name_request(&mut request, &*self.clock);
        let span = Span::new(operation, &self.endpoint, &request);
        let exchange = Exchange { pipeline: self, operation, safety, span: &span };
        let answer = match self.call_policies.is_empty() {
            true => {
                let call = pin!(exchange.tries(Some(request)));
                span.around(exchange.within(self.call_timeout, call)).await
            }
            false => {
                let mut call = Next::new(exchange, Stage::Call).run(request);
                span.around(exchange.within(self.call_timeout, call.as_mut())).await
            }
        };
        span.end(&answer);
        let (head, body) = answer?.into_parts();
        // Read already, unless a policy made the answer.
        let body = exchange.read(head.status, body).await.map_err(|error| exchange.unread(error, &head))?;
        Ok((head.status, head.headers, body))
    }
}

impl Safety {
    fn of(operation: &Operation) -> Safety {
        match operation.retry_safety() {
            Some(true) => Safety::Idempotent,
            Some(false) => Safety::Never,
            None if operation.method().is_idempotent() => Safety::Idempotent,
            None => Safety::Once,
        }
    }
}

/// The `Authorization` of a request that was answered with 401, kept with the answer.
#[derive(Clone)]
struct Refused(HeaderValue);

/// One call of an operation under way.
#[derive(Clone, Copy)]
struct Exchange<'a> {
    pipeline: &'a Inner,
    operation: &'static Operation,
    safety: Safety,
    span: &'a Span,
}

/// Something that comes to an answer. It stays where it is, so that the future that waits for it is hardly larger.
type Work<'w> = Pin<&'w mut (dyn Future<Output = Result<http::Response<Body>, Error>> + Send)>;

type Answer = (StatusCode, http::HeaderMap, Bytes);

impl Exchange<'_> {
    /// As many tries as it takes, or as are allowed.
    async fn tries(self, mut next: Option<http::Request<Body>>) -> Result<http::Response<Body>, Error> {
        let (retry, start) = (&self.pipeline.retry, self.clock().now());
        let mut tries = 0;
        let mut learnt = false;
        loop {
            let copy = next.as_ref().and_then(again);
            let mut request = std::mem::replace(&mut next, copy);
            tries += 1;
            let outcome = {
                let attempt = pin!(self.attempt(&mut request));
                self.within(self.pipeline.try_timeout, attempt).await
            };
            self.span.tried(tries);
            if next.is_none() {
                return outcome;
            }
            let asked = match &outcome {
                Ok(answer) if self.safety.allows_after_status(answer.status()) => {
                    retry_after(answer.headers(), || unix_seconds(self.clock().now()))
                }
                Err(error) if self.safety.allows_after_failure(error.kind()) => None,
                Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED && !learnt => {
                    learnt = self.learns(answer);
                    if learnt {
                        continue;
                    }
                    return outcome;
                }
                _ => return outcome,
            };
            let delay = retry.delay(tries, asked, self.clock().random());
            let spent = self.clock().now().duration_since(start).unwrap_or_default();
            if tries >= retry.tries() || spent.saturating_add(delay) > retry.total_time() {
                return outcome;
            }
            self.clock().sleep(delay).await;
        }
    }

    /// Whether the credential has learnt something from a refusal, so that it is worth it to ask once more.
    fn learns(self, answer: &http::Response<Body>) -> bool {
        match (&self.pipeline.credential, answer.extensions().get()) {
            (Some(credential), Some(Refused(sent))) => credential.refused(sent, answer.headers(), self.clock()),
            _ => false,
        }
    }

    /// One try: the answer with its body read.
    async fn attempt(self, request: &mut Option<http::Request<Body>>) -> Result<http::Response<Body>, Error> {
        let answer = match self.pipeline.try_policies.is_empty() {
            true => self.send(request).await?,
            false => Next::new(self, Stage::Try).run(taken(request)?).await?,
        };
        let (head, body) = answer.into_parts();
        let body = self.read(head.status, body).await.map_err(|error| self.unread(error, &head))?;
        Ok(http::Response::from_parts(head, Body::Bytes(body)))
    }

    /// Signs a request and sends it.
    async fn send(self, request: &mut Option<http::Request<Body>>) -> Result<http::Response<Body>, Error> {
        let mut signed = None;
        if let Some(credential) = &self.pipeline.credential {
            let (mut head, body) = taken(request)?.into_parts();
            if !self.pipeline.endpoint.is_origin_of(&head.uri) {
                return Err(Error::build(
                    "the request goes to another origin than the endpoint, where no credential is sent",
                ));
            }
            if let Some(value) = credential.authorization(&head, self.clock()).await? {
                head.headers.insert(AUTHORIZATION, value.clone());
                signed = Some(value);
            }
            *request = Some(http::Request::from_parts(head, body));
        }
        let sent = self.pipeline.transport.send(taken(request)?);
        let mut answer = sent.await.map_err(|error| self.error(error))?;
        if let Some(value) = signed.filter(|_| answer.status() == StatusCode::UNAUTHORIZED) {
            answer.extensions_mut().insert(Refused(value));
        }
        Ok(answer)
    }

    async fn read(self, status: StatusCode, body: Body) -> Result<Bytes, CollectError> {
        if self.operation.is_success(status) || status.as_u16() < 400 {
            return body.collect(self.pipeline.response_limit).await;
        }
        // The status says more than that its body could not be read.
        Ok(body.collect(ERROR_LIMIT).await.unwrap_or_default())
    }

    fn unread(self, error: CollectError, head: &http::response::Parts) -> Error {
        let error = match error {
            CollectError::Broken(error) => self.error(TransportError::of_body(error)),
            CollectError::TooLarge { .. } => Error::decode(error.to_string()),
        };
        error.with_answer(head.status, head.headers.clone(), Bytes::new())
    }

    fn error(self, error: TransportError) -> Error {
        let (host, port) = (self.pipeline.endpoint.host(), self.pipeline.endpoint.port());
        let message = match error.kind() {
            ErrorKind::Connect => format!("no connection to {host}:{port} could be made"),
            ErrorKind::Timeout => format!("{host}:{port} did not answer in time"),
            _ => format!("the connection to {host}:{port} broke"),
        };
        Error::new(error.kind(), message).with_source(error)
    }

    fn clock(&self) -> &dyn Clock {
        &*self.pipeline.clock
    }

    /// What a future comes to, if it does in time. Otherwise the future is dropped.
    async fn within(self, time: Option<Duration>, mut work: Work<'_>) -> Result<http::Response<Body>, Error> {
        let Some(time) = time else { return work.await };
        let mut alarm = None;
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Pending => alarm.get_or_insert_with(|| self.clock().sleep(time)).as_mut().poll(cx).map(|()| {
                let message = format!("no answer came within {time:?}");
                Err(Error::new(ErrorKind::Timeout, message))
            }),
            ready => ready,
        })
        .await
    }
}

/// Requests are passed by reference, so that the futures that wait for them do not hold one each.
fn taken(request: &mut Option<http::Request<Body>>) -> Result<http::Request<Body>, Error> {
    request.take().ok_or_else(|| Error::build("the request has been sent"))
}

/// The same request once more, if its body can be sent again.
fn again(request: &http::Request<Body>) -> Option<http::Request<Body>> {
    let mut copy = http::Request::new(request.body().replay()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

pub(crate) fn unix_seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("endpoint", &self.inner.endpoint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
