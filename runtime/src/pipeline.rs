//! From a request's description to the answer.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::USER_AGENT;

use crate::body::{Body, CollectError};
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::response::RawResponse;
use crate::transport::{BoxFuture, Transport, TransportError};
use crate::url::Endpoint;

/// The most bytes of an answer that are read, unless told otherwise: 100 MiB.
const RESPONSE_LIMIT: usize = 100 << 20;

/// The most bytes of an error's body that are read. What is longer is left out of the error.
const ERROR_LIMIT: usize = 1 << 20;

/// What every call of a client goes through: it makes the request, sends it and tells success from error.
///
/// A clone is cheap and shares the transport's connections.
///
/// ```
/// use std::sync::Arc;
/// use specsmith_runtime::transport::Transport;
/// use specsmith_runtime::{Endpoint, Error, Pipeline};
///
/// fn pipeline(host: &str, transport: Arc<dyn Transport>) -> Result<Pipeline, Error> {
///     Pipeline::new(Endpoint::new(host)?, transport).with_user_agent("thermostats/1.0")
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
    api_version: Option<Cow<'static, str>>,
    user_agent: HeaderValue,
    response_limit: usize,
}

impl Pipeline {
    /// A pipeline to this endpoint.
    pub fn new(endpoint: Endpoint, transport: Arc<dyn Transport>) -> Pipeline {
        let user_agent = concat!("specsmith-runtime/", env!("CARGO_PKG_VERSION"));
        Pipeline {
            inner: Arc::new(Inner {
                transport,
                endpoint,
                api_version: None,
                user_agent: HeaderValue::from_static(user_agent),
                response_limit: RESPONSE_LIMIT,
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

    /// Reads at most so many bytes of an answer's body; without it 100 MiB. A longer one is an
    /// [`ErrorKind::Decode`].
    #[must_use]
    pub fn with_response_limit(self, bytes: usize) -> Pipeline {
        self.change(|inner| inner.response_limit = bytes)
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Pipeline {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// Where the requests go.
    pub fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    /// Sends a request and reads the whole answer, if it is a success of the operation.
    ///
    /// # Errors
    ///
    /// One of each [`ErrorKind`] but the decoding of the body, with the operation's id.
    pub fn send(&self, request: Request) -> BoxFuture<'static, Result<RawResponse, Error>> {
        let inner = Arc::clone(&self.inner);
        let id = request.operation().id();
        Box::pin(async move { inner.call(request).await.map_err(|error| error.with_operation(id)) })
    }
}

impl Inner {
    /// One call, from the arguments to the answer.
    ///
    /// This is where policies of the call belong, around [`Inner::attempt`]: the request's id, telemetry, and retries,
    /// which repeat the attempt with the body's replay.
    async fn call(&self, request: Request) -> Result<RawResponse, Error> {
        let operation = request.operation();
        let mut request = request.into_http(&self.endpoint, self.api_version.as_deref())?;
        request.headers_mut().entry(USER_AGENT).or_insert_with(|| self.user_agent.clone());
        let (head, body) = self.attempt(request).await?.into_parts();
        let (status, headers) = (head.status, head.headers);
        if !operation.is_success(status) {
            // The status says more than that its body could not be read.
            let body = body.collect(ERROR_LIMIT).await.unwrap_or_default();
            return Err(Error::service(operation.error_format(), status, headers, body));
        }
        match body.collect(self.response_limit).await {
            Ok(body) => Ok(RawResponse::new(operation, status, headers, body)),
            Err(CollectError::Broken(error)) => {
                let error = self.error(TransportError::of_body(error));
                Err(error.with_answer(status, headers, Bytes::new()))
            }
            Err(error @ CollectError::TooLarge { .. }) => {
                Err(Error::decode(error.to_string()).with_answer(status, headers, Bytes::new()))
            }
        }
    }

    /// One try of a call.
    ///
    /// This is where policies of the try belong, before the transport: authentication first of all, so that no retry
    /// sends a token that has run out.
    async fn attempt(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        self.transport.send(request).await.map_err(|error| self.error(error))
    }

    fn error(&self, error: TransportError) -> Error {
        let (host, port) = (self.endpoint.host(), self.endpoint.port());
        let message = match error.kind() {
            ErrorKind::Connect => format!("no connection to {host}:{port} could be made"),
            ErrorKind::Timeout => format!("{host}:{port} did not answer in time"),
            _ => format!("the connection to {host}:{port} broke"),
        };
        Error::new(error.kind(), message).with_source(error)
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("endpoint", &self.inner.endpoint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorFormat, Operation};
    use http::Method;
    use std::sync::Mutex;

    static GET: Operation = Operation::new("DeviceApi_GetDevice", Method::GET, "/devices/{}")
        .success(&[200])
        .errors(ErrorFormat::DataPlane)
        .api_version("2016-11-14");

    /// Answers as it is told to, and keeps what it was asked.
    struct Canned {
        answer: fn() -> Result<http::Response<Body>, TransportError>,
        seen: Mutex<Vec<http::request::Parts>>,
    }

    impl Transport for Canned {
        fn send(&self, request: http::Request<Body>) -> BoxFuture<'_, Result<http::Response<Body>, TransportError>> {
            self.seen.lock().unwrap().push(request.into_parts().0);
            Box::pin(async { (self.answer)() })
        }
    }

    fn canned(answer: fn() -> Result<http::Response<Body>, TransportError>) -> (Arc<Canned>, Pipeline) {
        let transport = Arc::new(Canned { answer, seen: Mutex::default() });
        let pipeline = Pipeline::new(Endpoint::new("hub.example").unwrap(), transport.clone());
        (transport, pipeline.with_response_limit(8))
    }

    fn answer(status: u16, body: impl Into<Body>) -> Result<http::Response<Body>, TransportError> {
        Ok(http::Response::builder().status(status).body(body.into()).unwrap())
    }

    fn get(id: &str) -> Request {
        let mut request = Request::new(&GET);
        request.path(&id);
        request
    }

    #[tokio::test]
    async fn a_success_is_read() {
        let (transport, pipeline) = canned(|| answer(200, "12345678"));
        let pipeline = pipeline.with_api_version("2021-04-12").with_user_agent("me/1").unwrap();
        assert_eq!(pipeline.send(get("a b")).await.unwrap().body(), "12345678");
        let seen = transport.seen.lock().unwrap();
        assert_eq!(seen[0].uri, "https://hub.example/devices/a%20b?api-version=2021-04-12");
        assert_eq!(seen[0].headers["user-agent"], "me/1");
    }

    #[tokio::test]
    async fn another_status_is_an_error() {
        let (_, pipeline) = canned(|| answer(404, r#"{"Message":"ErrorCode:DeviceNotFound;x"}"#));
        let error = pipeline.send(get("a")).await.unwrap_err();
        assert_eq!((error.code(), error.operation()), (Some("DeviceNotFound"), Some("DeviceApi_GetDevice")));
        let (_, pipeline) = canned(|| answer(204, ""));
        assert_eq!(pipeline.send(get("a")).await.unwrap_err().kind(), ErrorKind::Service);
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_not() {
        let (transport, pipeline) = canned(|| answer(200, ""));
        let error = pipeline.send(get("..")).await.unwrap_err();
        assert_eq!(error.to_string(), "DeviceApi_GetDevice: a path argument is `.` or `..`");
        assert!(transport.seen.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_answer_has_a_bound() {
        let (_, pipeline) = canned(|| answer(200, "123456789"));
        let error = pipeline.send(get("a")).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::Decode, Some(http::StatusCode::OK)));
    }

    #[tokio::test]
    async fn the_transport_s_errors_keep_their_kind() {
        for (answer, kind) in [
            ((|| Err(TransportError::connect("x"))) as fn() -> _, ErrorKind::Connect),
            (|| Err(TransportError::timeout("x")), ErrorKind::Timeout),
            (|| Err(TransportError::broken("x")), ErrorKind::Transport),
        ] {
            let (_, pipeline) = canned(answer);
            let error = pipeline.send(get("a")).await.unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(error.to_string().contains("hub.example:443"), "{error}");
        }
    }

    #[test]
    fn a_call_may_move_to_another_thread() {
        fn moves<T: Send>(_: T) {}
        let (_, pipeline) = canned(|| answer(200, ""));
        moves(pipeline.send(get("a")));
    }
}
