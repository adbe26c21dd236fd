//! What a handler answers when it cannot do what was asked, and how the service writes it.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::answer::JSON;
use super::route::Route;
use crate::body::Body;
use crate::error::{BoxError, ErrorFormat};
use crate::time::DateTime;

/// An error answer of a server: a status, a code and a message for the client, and what is for the server's own logs only.
///
/// The service's form is put around it when it is sent: see [`ErrorFormat`]. Errors with a body that the document declares are variants
/// of the operation's response instead.
///
/// ```
/// use http::StatusCode;
/// use specsmith_runtime::server::ServiceError;
///
/// fn unknown(id: &str) -> ServiceError {
///     ServiceError::new(StatusCode::NOT_FOUND, "DeviceNotFound", format!("There is no device {id}."))
/// }
/// assert_eq!(unknown("d1").code(), Some("DeviceNotFound"));
/// ```
pub struct ServiceError(Box<Inner>);

struct Inner {
    status: StatusCode,
    code: Option<Cow<'static, str>>,
    message: String,
    details: Vec<Detail>,
    headers: HeaderMap,
    source: Option<BoxError>,
    /// Whether the rest of the request cannot be relied on.
    breaks: bool,
}

/// One of several things that are wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Detail {
    /// What it is about, e.g. `top` or `authentication.symmetricKey`.
    pub target: String,
    /// What is wrong with it.
    pub message: String,
}

impl ServiceError {
    /// An error with a code of the service's.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> ServiceError {
        ServiceError::of(status, Some(code.into()), message.into())
    }

    /// An error with the code that the service's form has for its status.
    pub(super) fn plain(status: StatusCode, message: impl Into<String>) -> ServiceError {
        ServiceError::of(status, None, message.into())
    }

    fn of(status: StatusCode, code: Option<Cow<'static, str>>, message: String) -> ServiceError {
        let (details, headers) = (Vec::new(), HeaderMap::new());
        ServiceError(Box::new(Inner { status, code, message, details, headers, source: None, breaks: false }))
    }

    /// 501: nobody has written the operation.
    pub fn not_implemented(route: &Route) -> ServiceError {
        ServiceError::plain(StatusCode::NOT_IMPLEMENTED, format!("The operation {} is not implemented.", route.id()))
    }

    /// Sends a header with the error.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> ServiceError {
        self.0.headers.append(name, value);
        self
    }

    /// One thing of several that are wrong, for the client to see.
    #[must_use]
    pub fn with_detail(mut self, target: impl Into<String>, message: impl Into<String>) -> ServiceError {
        self.0.details.push(Detail { target: target.into(), message: message.into() });
        self
    }

    /// What it comes from. It is never sent.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> ServiceError {
        self.0.source = Some(source.into());
        self
    }

    /// Ends the connection, where HTTP/1 cannot tell where the next request begins.
    #[must_use]
    pub(super) fn breaking(mut self) -> ServiceError {
        self.0.breaks = true;
        self
    }

    pub(super) fn breaks_connection(&self) -> bool {
        self.0.breaks
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The code, if it has one of its own.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The code, or the one that a service with this form of errors has for the status.
    pub(super) fn code_in(&self, format: ErrorFormat) -> &str {
        self.code().unwrap_or_else(|| code(format, self.status()))
    }

    /// The same for another request. What it comes from was for the logs, and has been told.
    pub(super) fn again(&self) -> ServiceError {
        let Inner { status, code, message, details, headers, breaks, .. } = &*self.0;
        let (code, message, details, headers) = (code.clone(), message.clone(), details.clone(), headers.clone());
        ServiceError(Box::new(Inner {
            status: *status,
            code,
            message,
            details,
            headers,
            source: None,
            breaks: *breaks,
        }))
    }

    /// The message for the client.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What is wrong in detail.
    pub fn details(&self) -> &[Detail] {
        &self.0.details
    }

    /// The headers that are sent with it.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }
}

impl fmt::Debug for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { status, code, message, details, source, .. } = &*self.0;
        let mut out = f.debug_struct("ServiceError");
        out.field("status", status).field("code", code).field("message", message);
        if !details.is_empty() {
            out.field("details", details);
        }
        if let Some(source) = source {
            out.field("source", source);
        }
        out.finish_non_exhaustive()
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for ServiceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// All that the body of an error may be made of: what a function given to [`Router::errors`](super::Router::errors) gets.
#[derive(Debug)]
#[non_exhaustive]
pub struct Problem<'a> {
    /// What is wrong.
    pub error: &'a ServiceError,
    /// The operation, if the request is one's.
    pub route: Option<&'static Route>,
    /// The form in which the service that the request is most likely for writes its errors.
    pub format: ErrorFormat,
    /// The answer's `x-ms-request-id`.
    pub request_id: &'a str,
    /// When it happened.
    pub time: SystemTime,
}

impl Problem<'_> {
    /// The code: the error's own, or what the service says for its status.
    pub fn code(&self) -> &str {
        self.error.code_in(self.format)
    }

    /// The answer in the service's own form.
    pub fn response(&self) -> Response<Body> {
        let body = match self.format {
            ErrorFormat::DataPlane => self.data_plane(),
            ErrorFormat::Arm => json!({ "error": self.members() }),
            ErrorFormat::Plain => Value::Object(self.members()),
        };
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.error.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, JSON);
        if self.format == ErrorFormat::DataPlane
            && let Ok(code) = HeaderValue::from_str(self.code())
        {
            headers.insert(HeaderName::from_static("iothub-errorcode"), code);
        }
        for (name, value) in self.error.headers() {
            headers.append(name, value.clone());
        }
        response
    }

    fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("code".to_owned(), self.code().into());
        members.insert("message".to_owned(), self.error.message().into());
        if !self.error.details().is_empty() {
            let details = self.error.details().iter();
            let details = details
                .map(|detail| json!({ "code": self.code(), "target": detail.target, "message": detail.message }));
            members.insert("details".to_owned(), details.collect());
        }
        members
    }

    /// Clients split the message at semicolons, and want something in both halves.
    fn data_plane(&self) -> Value {
        let mut text = self.error.message().to_owned();
        for detail in self.error.details() {
            text.push_str(&format!(" {}: {}.", detail.target, detail.message));
        }
        let text = text.replace(';', ",");
        let text = if text.trim().is_empty() { self.code() } else { &text };
        let id = self.request_id;
        let time = DateTime::try_from(self.time).map(|time| time.to_string()).unwrap_or_default();
        json!({
            "Message": format!("ErrorCode:{};{text}", self.code().replace(';', ",")),
            "ExceptionMessage": format!("Tracking ID:{id}-TimeStamp:{time}"),
        })
    }
}

/// The code for a status without one.
fn code(format: ErrorFormat, status: StatusCode) -> &'static str {
    match (format, status.as_u16()) {
        (ErrorFormat::DataPlane, 400) => "ArgumentInvalid",
        (ErrorFormat::DataPlane, 401) => "IotHubUnauthorizedAccess",
        (ErrorFormat::DataPlane, 412) => "PreconditionFailed",
        (ErrorFormat::DataPlane, 413) => "MessageTooLarge",
        (ErrorFormat::DataPlane, 429) => "ThrottlingException",
        (ErrorFormat::DataPlane, 500) => "ServerError",
        (ErrorFormat::Arm, 401) => "AuthenticationFailed",
        (_, 400) => "BadRequest",
        (_, 401) => "Unauthorized",
        (_, 403) => "Forbidden",
        (_, 404) => "NotFound",
        (_, 405) => "MethodNotAllowed",
        (_, 406) => "NotAcceptable",
        (_, 408) => "RequestTimeout",
        (_, 409) => "Conflict",
        (_, 412) => "PreconditionFailed",
        (_, 413) => "RequestTooLarge",
        (_, 415) => "UnsupportedMediaType",
        (_, 429) => "TooManyRequests",
        (_, 501) => "NotImplemented",
        (_, 503) => "ServiceUnavailable",
        (_, 500..) => "InternalServerError",
        _ => "RequestFailed",
    }
}
