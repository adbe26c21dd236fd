//! From a request to its operation, and from what comes of it to an answer.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, HOST, HeaderName};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use tower_service::Service as TowerService;

use super::answer::Answer;
use super::authenticate::Authenticator;
use super::context::Context;
use super::error::{Problem, ServiceError};
use super::ids::{RequestId, RequestIds};
use super::incoming::{Incoming, Payload};
use super::matcher::{Captures, Found, Matcher};
use super::route::{BodyKind, Route};
use super::{Service, negotiate, receive};
use crate::body::Body;
use crate::clock::{Clock, SystemClock};
use crate::error::{BoxError, ErrorFormat};
use crate::transport::BoxFuture;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

type ErrorBodies = dyn Fn(&Problem<'_>) -> Response<Body> + Send + Sync;

/// Several services as one [`tower_service::Service`], over any body, which never fails: whatever goes wrong is an answer.
///
/// A clone is cheap, and is the same router.
///
/// What it does beside calling handlers:
///
/// - The most specific path wins, then the method counts: 404, 405 with `Allow`. HEAD is a GET without the body; OPTIONS is answered.
/// - 400 names everything that is wrong with the parameters. Bodies are read up to a limit (413) and not for ever (408). Media types are looked
///   at (415, 406).
/// - Each answer has an `x-ms-request-id`. Errors have the form of their service.
/// - A handler that panics is a 500; the connection lives.
///
/// It runs under axum as `axum::Router::new().fallback_service(router)`, and under hyper as
/// `hyper_util::service::TowerToHyperService::new(router)`.
#[derive(Clone)]
pub struct Router(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    matcher: Matcher,
    endpoints: Vec<Endpoint>,
    errors: Option<Arc<ErrorBodies>>,
    limits: receive::Limits,
    clock: Arc<dyn Clock>,
    ids: RequestIds,
}

/// One operation of a service.
#[derive(Clone)]
struct Endpoint {
    service: Arc<dyn Service>,
    index: usize,
    route: &'static Route,
    authenticator: Option<Arc<dyn Authenticator>>,
}

impl Router {
    /// A router that answers 404.
    pub fn new() -> Router {
        Router(Arc::new(Inner {
            matcher: Matcher::new(),
            endpoints: Vec::new(),
            errors: None,
            limits: receive::Limits::default(),
            clock: Arc::new(SystemClock),
            ids: RequestIds::new(),
        }))
    }

    /// Adds the operations of a service, open to anybody.
    ///
    /// # Panics
    ///
    /// Where an operation answers to the same requests as one that is there already.
    #[must_use]
    #[allow(clippy::should_implement_trait)]
    pub fn add(self, service: impl Service) -> Router {
        self.with(Arc::new(service), None)
    }

    /// Adds the operations of a service, for those whom the authenticator knows.
    ///
    /// # Panics
    ///
    /// As [`add`](Self::add).
    #[must_use]
    pub fn add_authenticated(self, service: impl Service, authenticator: Arc<dyn Authenticator>) -> Router {
        self.with(Arc::new(service), Some(authenticator))
    }

    fn with(self, service: Arc<dyn Service>, authenticator: Option<Arc<dyn Authenticator>>) -> Router {
        self.change(|inner| {
            for (index, route) in service.routes().iter().enumerate() {
                let (service, authenticator) = (service.clone(), authenticator.clone());
                if let Err(other) = inner.matcher.add(route, inner.endpoints.len()) {
                    let other = inner.endpoints.get(other).map_or("another operation", |other| other.route.id());
                    panic!("{} answers to the same requests as {other}", route.id());
                }
                inner.endpoints.push(Endpoint { service, index, route, authenticator });
            }
        })
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Router {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Writes errors in a form of one's own. [`Problem::response`] is the service's.
    #[must_use]
    pub fn errors(self, bodies: impl Fn(&Problem<'_>) -> Response<Body> + Send + Sync + 'static) -> Router {
        self.change(|inner| inner.errors = Some(Arc::new(bodies)))
    }

    /// The most bytes that a body may have, 2 MiB unless set. More is answered 413; what a handler reads as a stream ends
    /// with an error that [`ServiceError::from`] turns into one.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Router {
        self.change(|inner| inner.limits.bytes = bytes)
    }

    /// How long a body may take to arrive, 30 s unless set, and how long the next 16 KiB of one that a handler reads as a stream. Longer is
    /// answered 408.
    #[must_use]
    pub fn body_timeout(self, time: Duration) -> Router {
        self.change(|inner| inner.limits.time = time)
    }

    /// The operation that a request of this method and target is for: for logs, and for layers around the router.
    pub fn route_of(&self, method: &Method, target: &Uri) -> Option<&'static Route> {
        match self.0.matcher.find(method, target.path(), target.query()) {
            Found::Endpoint { endpoint, .. } => self.0.endpoints.get(endpoint).map(|endpoint| endpoint.route),
            _ => None,
        }
    }

    /// An error as the answer to a request, in the form in which the router would have written it: for layers around the router that refuse
    /// what it does not get to see.
    pub fn refuse(&self, request: &Parts, error: ServiceError) -> Response<Body> {
        let mut asked = self.0.asked(request);
        // What is wrong with the target does not matter any more; the nearest operation has the form.
        if let Ok(Target::Operation(endpoint, _)) = self.0.find(request, &mut asked) {
            asked.of(endpoint.route);
        }
        self.0.finish(Err(error), asked)
    }

    /// The clock, in place of the system's.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Router {
        self.change(|inner| inner.clock = clock)
    }
}

impl Default for Router {
    fn default() -> Router {
        Router::new()
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("operations", &self.0.endpoints.len()).finish_non_exhaustive()
    }
}

impl<B> TowerService<Request<B>> for Router
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        respond(self.0.clone(), parts, Body::from_http_body(body))
    }
}

/// What is left of a request when its operation has been called: what its answer needs.
struct Asked {
    request_id: RequestId,
    route: Option<&'static Route>,
    format: ErrorFormat,
    is_head: bool,
    version: Version,
}

/// What a request is for.
enum Target<'a> {
    Operation(&'a Endpoint, Captures),
    /// What the path allows, which nobody has written an operation for.
    Options(Option<HeaderValue>),
}

/// No generic function, so that users do not compile it again.
fn respond(router: Arc<Inner>, parts: Parts, body: Body) -> BoxFuture<'static, Result<Response<Body>, Infallible>> {
    Box::pin(async move {
        let mut asked = router.asked(&parts);
        let outcome = caught(router.handle(parts, body, &mut asked)).await;
        Ok(router.finish(outcome, asked))
    })
}

impl Asked {
    /// It is for this operation.
    fn of(&mut self, route: &'static Route) {
        self.route = Some(route);
        self.format = route.error_format();
    }
}

impl Inner {
    fn asked(&self, parts: &Parts) -> Asked {
        Asked {
            request_id: self.ids.next(),
            route: None,
            format: self.format(None),
            is_head: parts.method == Method::HEAD,
            version: parts.version,
        }
    }

    async fn handle(&self, parts: Parts, body: Body, asked: &mut Asked) -> Result<Response<Body>, ServiceError> {
        let (endpoint, captures) = match self.find(&parts, asked)? {
            Target::Operation(endpoint, captures) => (endpoint, captures),
            Target::Options(allow) => return Ok(no_content(allow)),
        };
        asked.of(endpoint.route);
        let caller = match &endpoint.authenticator {
            Some(authenticator) => Some(authenticator.authenticate(&parts, endpoint.route).await?),
            None => None,
        };
        let json = negotiate::accepted(endpoint.route, &parts.headers)?;
        let payload = self.payload(endpoint.route, &parts, body).await?;
        let context = Context::new(parts, endpoint.route, asked.request_id, caller);
        let incoming = Incoming::new(context, captures, payload, json);
        let answer = endpoint.service.call(endpoint.index, incoming).await?;
        sendable(answer, endpoint.route)
    }

    /// What a request is for.
    fn find(&self, parts: &Parts, asked: &mut Asked) -> Result<Target<'_>, ServiceError> {
        const NONE: &str = "There is no such operation.";
        // Others on the way may have taken the other one (RFC 9112 §3.2).
        if parts.headers.get_all(HOST).iter().nth(1).is_some() {
            return Err(ServiceError::plain(StatusCode::BAD_REQUEST, "There is more than one host."));
        }
        let is_options = parts.method == Method::OPTIONS;
        let path = parts.uri.path();
        if is_options && path == "*" {
            return Ok(Target::Options(None));
        }
        match self.matcher.find(&parts.method, path, parts.uri.query()) {
            Found::Endpoint { endpoint, captures } => {
                let endpoint = self.endpoints.get(endpoint);
                let endpoint = endpoint.ok_or_else(|| ServiceError::plain(StatusCode::NOT_FOUND, NONE))?;
                Ok(Target::Operation(endpoint, captures))
            }
            Found::MethodNotAllowed { endpoint, allow } => {
                asked.format = self.format(Some(endpoint));
                let allow = HeaderValue::try_from(allow).ok();
                if is_options {
                    return Ok(Target::Options(allow));
                }
                let message = "There is no such operation with this method.";
                let error = ServiceError::plain(StatusCode::METHOD_NOT_ALLOWED, message);
                Err(allow.into_iter().fold(error, |error, allow| error.with_header(ALLOW, allow)))
            }
            Found::NotFound { nearest } => {
                asked.format = self.format(nearest);
                Err(ServiceError::plain(StatusCode::NOT_FOUND, NONE))
            }
            Found::BadPath(message) => Err(ServiceError::plain(StatusCode::BAD_REQUEST, message)),
        }
    }

    /// The form of errors of an endpoint, or of the first, if there is one.
    fn format(&self, endpoint: Option<usize>) -> ErrorFormat {
        let endpoint = self.endpoints.get(endpoint.unwrap_or_default());
        endpoint.map_or(ErrorFormat::default(), |endpoint| endpoint.route.error_format())
    }

    async fn payload(&self, route: &'static Route, parts: &Parts, body: Body) -> Result<Payload, ServiceError> {
        if route.body_kind() == BodyKind::None {
            return Ok(Payload::Whole(bytes::Bytes::new()));
        }
        negotiate::media_type(route, &parts.headers, &body)?;
        if route.body_kind() == BodyKind::Stream {
            return receive::stream(body, self.limits, self.clock.clone()).map(Payload::Stream);
        }
        receive::whole(body, self.limits, &*self.clock).await.map(Payload::Whole)
    }

    fn finish(&self, outcome: Result<Response<Body>, ServiceError>, asked: Asked) -> Response<Body> {
        let mut response = outcome.unwrap_or_else(|error| self.error(&error, &asked));
        response.headers_mut().entry(REQUEST_ID).or_insert_with(|| asked.request_id.into());
        if asked.is_head {
            // What the body would have had (RFC 9110 §9.3.2).
            if let Some(length) = response.body().length() {
                response.headers_mut().insert(CONTENT_LENGTH, length.into());
            }
            *response.body_mut() = Body::Empty;
        }
        response
    }

    fn error(&self, error: &ServiceError, asked: &Asked) -> Response<Body> {
        #[cfg(feature = "tracing")]
        if error.status().is_server_error() {
            let operation = asked.route.map(Route::id);
            tracing::error!(operation, request_id = ?asked.request_id, error = %error, source = ?std::error::Error::source(error));
        }
        let problem = Problem {
            error,
            route: asked.route,
            format: asked.format,
            request_id: asked.request_id.as_str(),
            time: self.clock.now(),
        };
        let mut response = match &self.errors {
            Some(bodies) => bodies(&problem),
            None => problem.response(),
        };
        // HTTP/2 has no such header.
        if error.breaks_connection() && asked.version <= Version::HTTP_11 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

fn no_content(allow: Option<HeaderValue>) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().extend(allow.map(|allow| (ALLOW, allow)));
    response
}

/// What comes of a future, or an error if it panics.
async fn caught<T>(work: impl Future<Output = Result<T, ServiceError>>) -> Result<T, ServiceError> {
    let mut work = pin!(work);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(_) => {
            let message = "The operation failed.";
            Poll::Ready(Err(ServiceError::plain(StatusCode::INTERNAL_SERVER_ERROR, message)))
        }
    })
    .await
}

fn sendable(answer: Answer, route: &'static Route) -> Result<Response<Body>, ServiceError> {
    if let Some(fault) = answer.fault {
        let message = format!("The answer of {} cannot be sent.", route.id());
        return Err(ServiceError::plain(StatusCode::INTERNAL_SERVER_ERROR, message).with_source(fault));
    }
    let mut response = Response::new(answer.body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}
