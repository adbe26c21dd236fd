//! Answers of a service.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::error::Error;
use crate::etag::ETag;
use crate::operation::{EtagSource, Operation};

/// The header in which Azure's services name an exchange.
pub(crate) const REQUEST_ID: &str = "x-ms-request-id";

/// A successful answer as it came: what the decode step reads.
#[derive(Clone)]
pub struct RawResponse {
    operation: &'static Operation,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl RawResponse {
    /// The answer to a call of `operation`.
    pub fn new(operation: &'static Operation, status: StatusCode, headers: HeaderMap, body: Bytes) -> RawResponse {
        RawResponse { operation, status, headers, body }
    }

    /// The operation that was called.
    pub fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// The status, one of those the operation calls a success.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The header of this name, where it is there once or more and its first value is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The whole body, undecoded.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The typed answer, once its body has been decoded.
    pub fn with_body<T>(self, body: T) -> Response<T> {
        let etag = match self.operation.etag_source() {
            EtagSource::None => TagText::Nowhere,
            EtagSource::Header => TagText::Header,
            EtagSource::Body(path) => TagText::Body(self.body, path),
        };
        Response { status: self.status, headers: self.headers, body, etag }
    }

    /// Puts the operation and this answer to an error of the decode step.
    pub fn into_error(self, error: Error) -> Error {
        error.with_answer(self.status, self.headers, self.body).with_operation(self.operation.id())
    }
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("operation", &self.operation.id())
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

/// A successful answer: the decoded body, to which it dereferences, with status and headers.
///
/// ```
/// use specsmith_runtime::Response;
///
/// fn report(response: &Response<String>) -> usize {
///     println!("{} {:?}", response.status(), response.request_id());
///     response.len() // of the string
/// }
/// # let response = Response::new(http::StatusCode::OK, http::HeaderMap::new(), "four".to_owned());
/// # assert_eq!(report(&response), 4);
/// ```
#[derive(Clone)]
pub struct Response<T> {
    status: StatusCode,
    headers: HeaderMap,
    body: T,
    etag: TagText,
}

/// Where the entity tag is to be looked for, once somebody asks.
#[derive(Clone)]
enum TagText {
    Nowhere,
    Header,
    Body(Bytes, &'static [&'static str]),
}

impl<T> Response<T> {
    /// An answer made by hand, as tests need it. Its tag, if any, is in the header `ETag`.
    pub fn new(status: StatusCode, headers: HeaderMap, body: T) -> Response<T> {
        Response { status, headers, body, etag: TagText::Header }
    }

    /// The decoded body.
    pub fn body(&self) -> &T {
        &self.body
    }

    /// The decoded body, by value.
    pub fn into_body(self) -> T {
        self.body
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// All headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The header of this name, where it is there once or more and its first value is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The service's name for this exchange (`x-ms-request-id`), which its operators ask for.
    pub fn request_id(&self) -> Option<&str> {
        self.header(REQUEST_ID)
    }

    /// The version of what came back, from the header or the member of the body in which the operation has it; to
    /// be given to `if_match` of a later call.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) where the answer has no tag, an empty one or `*`, which as
    /// a condition would let every change through.
    pub fn etag(&self) -> Result<ETag, Error> {
        let text = match &self.etag {
            TagText::Nowhere => None,
            TagText::Header => self.header("etag").map(str::to_owned),
            TagText::Body(body, path) => member(body, path),
        };
        let Some(text) = text else {
            return Err(Error::decode("the answer has no entity tag"));
        };
        match ETag::try_from(text) {
            Ok(tag) if !tag.is_any() => Ok(tag),
            _ => Err(Error::decode("the answer's entity tag is none that could be sent back")),
        }
    }

    /// The same answer with another body.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Response<U> {
        Response { status: self.status, headers: self.headers, body: change(self.body), etag: self.etag }
    }
}

/// The text at this path of member names in a JSON body.
fn member(body: &[u8], path: &[&str]) -> Option<String> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    for name in path {
        value = value.get_mut(name)?.take();
    }
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

impl<T> Deref for Response<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.body
    }
}

impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).field("body", &self.body).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use http::Method;

    static IN_HEADER: Operation = Operation::new("A_Get", Method::GET, "/a");
    static IN_BODY: Operation =
        Operation::new("B_Get", Method::GET, "/b").etag(EtagSource::Body(&["properties", "etag"]));
    static NOWHERE: Operation = Operation::new("C_Get", Method::GET, "/c").etag(EtagSource::None);

    fn answer(operation: &'static Operation, etag: &str, body: &'static str) -> Response<()> {
        let mut headers = HeaderMap::new();
        headers.insert("etag", etag.parse().unwrap());
        headers.insert("x-ms-request-id", "r1".parse().unwrap());
        RawResponse::new(operation, StatusCode::OK, headers, Bytes::from(body)).with_body(())
    }

    #[test]
    fn the_tag_is_where_the_operation_says() {
        let body = r#"{"properties":{"etag":"AAAAAAAAAAw="}}"#;
        assert_eq!(answer(&IN_HEADER, "\"MA==\"", body).etag().unwrap().as_str(), "\"MA==\"");
        assert_eq!(answer(&IN_BODY, "\"MA==\"", body).etag().unwrap().as_str(), "AAAAAAAAAAw=");
        assert!(answer(&NOWHERE, "\"MA==\"", body).etag().is_err());
    }

    #[test]
    fn a_tag_that_would_let_everything_through_is_none() {
        for text in ["", "\"\"", "*", "\"*\""] {
            let error = answer(&IN_HEADER, text, "").etag().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{text}");
        }
        for body in ["", "{}", r#"{"properties":{"etag":null}}"#, r#"{"properties":[]}"#] {
            assert!(answer(&IN_BODY, "\"MA==\"", body).etag().is_err(), "{body}");
        }
    }

    #[test]
    fn map_keeps_the_rest() {
        let mapped = answer(&IN_HEADER, "\"x\"", "").map(|()| vec![1, 2, 3]);
        assert_eq!(mapped.len(), 3);
        assert_eq!(mapped.request_id(), Some("r1"));
        assert!(mapped.etag().is_ok());
    }

    #[test]
    fn a_decode_error_knows_the_answer() {
        let raw = RawResponse::new(&IN_HEADER, StatusCode::OK, HeaderMap::new(), Bytes::from_static(b"{"));
        let error = raw.into_error(Error::decode("the body ends early"));
        assert_eq!(error.to_string(), "A_Get: the body ends early (in an answer 200 OK)");
        assert_eq!(error.body(), "{");
    }
}
