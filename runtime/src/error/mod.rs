//! What can go wrong with a call, and at which stage it did.

mod service;

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

pub use service::ErrorFormat;

use crate::etag::ETag;

/// An error of any type, as [`std::error::Error::source`] hands it on.
pub type BoxError = Box<dyn StdError + Send + Sync>;

static NO_HEADERS: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
static NO_BODY: Bytes = Bytes::new();

/// The longest piece of the service's own words that [`Display`](fmt::Display) repeats, in characters.
const SHOWN: usize = 300;

/// The stage at which a call failed, which is what decides whether to repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument was refused: nothing was sent.
    Build,
    /// No credential could be had: nothing was sent.
    Authentication,
    /// No connection could be made: the service has not seen the request.
    Connect,
    /// The answer did not come in time: the service may have acted on the request.
    Timeout,
    /// The connection broke: the service may have acted on the request.
    Transport,
    /// The service answered with a status that the operation does not call a success.
    Service,
    /// The service answered with success, but the answer could not be read.
    Decode,
    /// A long-running operation was begun, and has failed or was cancelled, or how it fares could not be read.
    Polling,
}

/// A failed call: its stage, its operation and, where the service answered, what it said.
///
/// [`Display`](fmt::Display) is one line for people. Neither it nor [`Debug`] shows the value of a header, a
/// request's body or an answer's body; those are kept for code to look at.
///
/// ```
/// use specsmith_runtime::{Error, Response};
///
/// /// A device that is not there is no error to this caller.
/// fn found<T>(answer: Result<Response<T>, Error>) -> Result<Option<Response<T>>, Error> {
///     match answer {
///         Ok(response) => Ok(Some(response)),
///         Err(error) if error.is_not_found() => Ok(None),
///         Err(error) => Err(error),
///     }
/// }
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: Option<&'static str>,
    message: Option<String>,
    code: Option<String>,
    source: Option<BoxError>,
    answer: Option<Answer>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Error {
    /// An error of the given stage, with one line that says what is wrong and never the value that is.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner {
            kind,
            operation: None,
            message: Some(message.into()),
            code: None,
            source: None,
            answer: None,
        }))
    }

    /// An argument that cannot be sent ([`ErrorKind::Build`]).
    pub fn build(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Build, message)
    }

    /// An answer that cannot be read ([`ErrorKind::Decode`]).
    pub fn decode(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Decode, message)
    }

    /// The error of an answer whose status is no success ([`ErrorKind::Service`]): code and message are looked for
    /// in the body and the headers, first in the form that `format` says and then in the common ones.
    pub fn service(format: ErrorFormat, status: StatusCode, headers: HeaderMap, body: Bytes) -> Error {
        let (code, message) = service::read(format, &headers, &body);
        Error(Box::new(Inner {
            kind: ErrorKind::Service,
            operation: None,
            message,
            code,
            source: None,
            answer: Some(Answer { status, headers, body }),
        }))
    }

    /// The error of a long-running operation that has ended without success ([`ErrorKind::Polling`]): code and message are looked
    /// for in the answer that says so.
    pub(crate) fn polling(
        format: ErrorFormat,
        how: &str,
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    ) -> Error {
        let (code, said) = service::read(format, &headers, &body);
        let message = match said {
            Some(said) => format!("the operation {how}: {said}"),
            None => format!("the operation {how}"),
        };
        let mut error = Error::new(ErrorKind::Polling, message).with_answer(status, headers, body);
        error.0.code = code;
        error
    }

    /// The error of an argument once more, without what caused it.
    pub(crate) fn again(&self) -> Error {
        Error::new(self.kind(), self.message().unwrap_or_default())
    }

    /// The same error, caused by `source`.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Error {
        self.0.source = Some(source.into());
        self
    }

    /// The same error as one of the operation with this id; an error keeps the first operation it is given.
    #[must_use]
    pub fn with_operation(mut self, id: &'static str) -> Error {
        self.0.operation.get_or_insert(id);
        self
    }

    /// The same error, about this answer of the service.
    #[must_use]
    pub fn with_answer(mut self, status: StatusCode, headers: HeaderMap, body: Bytes) -> Error {
        self.0.answer = Some(Answer { status, headers, body });
        self
    }

    /// The stage at which the call failed.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The id of the operation that was called, as its interface document has it: `DeviceApi_GetDevice`.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The status of the service's answer, where there is one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.answer.as_ref().map(|answer| answer.status)
    }

    /// The service's name for what is wrong, where it gave one: `DeviceNotFound`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// What is wrong, in the service's words where it answered with an error, else in this library's.
    ///
    /// None where the service said nothing that could be read as a message.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The service's name for this exchange (`x-ms-request-id`), which its operators ask for.
    pub fn request_id(&self) -> Option<&str> {
        self.headers().get(crate::response::REQUEST_ID)?.to_str().ok()
    }

    /// The headers of the service's answer; none where there was no answer.
    pub fn headers(&self) -> &HeaderMap {
        self.0.answer.as_ref().map_or(&NO_HEADERS, |answer| &answer.headers)
    }

    /// The body of the service's answer as it came; empty where there was no answer.
    pub fn body(&self) -> &Bytes {
        self.0.answer.as_ref().map_or(&NO_BODY, |answer| &answer.body)
    }

    /// The body of the service's answer, read as JSON; `None` where there is none of this form. The documentation of an
    /// operation says which types its errors have.
    pub fn body_json<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(self.body()).ok()
    }

    /// The tag of what is there now, where the service gave it with its refusal.
    pub fn etag(&self) -> Option<ETag> {
        self.headers().get(http::header::ETAG)?.to_str().ok()?.parse().ok()
    }

    /// How long the service asks to wait before the next call (`x-ms-retry-after-ms`, `retry-after-ms` or `Retry-After`, RFC 9110
    /// §10.2.3), where it does. A date is taken relative to that of the answer.
    pub fn retry_after(&self) -> Option<Duration> {
        let now =
            || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs().cast_signed());
        crate::pipeline::retry_after(self.headers(), now)
    }

    /// The service does not have what was asked for: status 404 (RFC 9110 §15.5.5).
    pub fn is_not_found(&self) -> bool {
        self.is_service(StatusCode::NOT_FOUND)
    }

    /// Somebody else's change came first, or the thing is (not) there already: status 412 (RFC 9110 §15.5.13).
    pub fn is_precondition_failed(&self) -> bool {
        self.is_service(StatusCode::PRECONDITION_FAILED)
    }

    /// The service asks for fewer requests: status 429 (RFC 6585 §4).
    pub fn is_throttled(&self) -> bool {
        self.is_service(StatusCode::TOO_MANY_REQUESTS)
    }

    fn is_service(&self, status: StatusCode) -> bool {
        self.kind() == ErrorKind::Service && self.status() == Some(status)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation() {
            write!(f, "{operation}: ")?;
        }
        match (self.kind(), self.status()) {
            (ErrorKind::Service, Some(status)) => {
                write!(f, "the service answered {status}")?;
                if let Some(code) = self.code() {
                    write!(f, ": {}", OneLine(code))?;
                }
                match self.message() {
                    Some(message) => write!(f, ": {}", OneLine(message)),
                    None => Ok(()),
                }
            }
            (_, status) => {
                f.write_str(self.message().unwrap_or("the call failed"))?;
                match status {
                    Some(status) => write!(f, " (in an answer {status})"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Foreign text on one line, cut short where it is long.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        let mut rest = self.0.trim().chars();
        for c in rest.by_ref().take(SHOWN) {
            f.write_char(if c.is_control() { ' ' } else { c })?;
        }
        match rest.next() {
            Some(_) => f.write_char('…'),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.kind());
        if let Some(operation) = self.operation() {
            out.field("operation", &operation);
        }
        if let Some(answer) = &self.0.answer {
            out.field("status", &answer.status);
        }
        if let Some(code) = self.code() {
            out.field("code", &code);
        }
        if let Some(message) = self.message() {
            out.field("message", &format_args!("\"{}\"", OneLine(message)));
        }
        if let Some(answer) = &self.0.answer {
            out.field("body", &format_args!("{} bytes", answer.body.len()));
        }
        if let Some(source) = &self.0.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Error {
        Error::build(error.to_string())
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Error {
        match never {}
    }
}

/// Text that is not of the form its type asks for. It says the form, never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    expected: &'static str,
}

impl ParseError {
    /// An error that says "expected" and this form.
    pub const fn new(expected: &'static str) -> ParseError {
        ParseError { expected }
    }

    /// The form that was expected, to follow the word "expected".
    pub const fn expected(&self) -> &'static str {
        self.expected
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl StdError for ParseError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Error {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-request-id", "req-17".parse().unwrap());
        Error::service(
            ErrorFormat::DataPlane,
            StatusCode::NOT_FOUND,
            headers,
            Bytes::from_static(br#"{"Message":"ErrorCode:DeviceNotFound;no such\r\ndevice"}"#),
        )
        .with_operation("DeviceApi_GetDevice")
    }

    #[test]
    fn a_service_error_is_one_line() {
        assert_eq!(
            refused().to_string(),
            "DeviceApi_GetDevice: the service answered 404 Not Found: DeviceNotFound: no such  device",
        );
    }

    #[test]
    fn debug_shows_no_header_and_no_body() {
        let text = format!("{:?}", refused());
        assert!(text.contains("body: 56 bytes"), "{text}");
        assert!(!text.contains("req-17"), "{text}");
        assert!(!text.contains("ErrorCode"), "{text}");
    }

    #[test]
    fn what_the_service_said_can_be_read() {
        let error = refused();
        assert_eq!(error.kind(), ErrorKind::Service);
        assert!(error.is_not_found());
        assert!(!error.is_throttled());
        assert_eq!(error.request_id(), Some("req-17"));
        assert_eq!(error.body().len(), 56);
    }

    #[test]
    fn without_an_answer_there_is_nothing_to_read() {
        let error = Error::build("no").with_source(ParseError::new("yes"));
        assert_eq!(error.status(), None);
        assert!(error.headers().is_empty() && error.body().is_empty());
        assert_eq!(error.source().unwrap().to_string(), "expected yes");
    }

    #[test]
    fn the_first_operation_stays() {
        let error = Error::build("no").with_operation("A").with_operation("B");
        assert_eq!(error.operation(), Some("A"));
    }

    #[test]
    fn long_words_are_cut() {
        let error = Error::service(
            ErrorFormat::Plain,
            StatusCode::BAD_GATEWAY,
            HeaderMap::new(),
            Bytes::from("é".repeat(5000)),
        );
        assert!(error.to_string().chars().count() < 400);
        assert_eq!(error.message().map(|text| text.chars().count()), Some(5000));
    }

    #[test]
    fn an_error_is_one_word_and_travels() {
        fn travels<T: Send + Sync + 'static>() {}
        travels::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
