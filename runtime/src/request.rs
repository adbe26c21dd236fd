//! A call's arguments, put where the request has them.

use std::fmt::{self, Display};

use bytes::Bytes;
use http::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, IF_MATCH, IF_NONE_MATCH, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::body::Body;
use crate::error::Error;
use crate::etag::Condition;
use crate::operation::Operation;
use crate::secret::Secret;
use crate::url::{self, CollectionFormat, Endpoint};

/// How many bytes a usual URL has at the most.
const ROOM: usize = 192;

/// What an operation is called with: path, query, headers and body.
///
/// Generated methods fill it in and hand it to [`Pipeline::send`](crate::Pipeline::send). No method fails: the first
/// argument that cannot be sent is remembered, and is the error of the call, for which then nothing is sent.
///
/// ```
/// use http::Method;
/// use specsmith_runtime::{Condition, Operation, Request};
///
/// static PUT_DEVICE: Operation = Operation::new("DeviceApi_PutDevice", Method::PUT, "/devices/{}");
///
/// fn put(id: &str, device: Vec<u8>, tag: impl Into<Condition>) -> Request {
///     let mut request = Request::new(&PUT_DEVICE);
///     request.path(&id).if_match(tag.into()).body_json(device);
///     request
/// }
/// # put("a", Vec::new(), "x");
/// ```
pub struct Request {
    operation: &'static Operation,
    path: String,
    /// What follows the holes that are filled.
    template: &'static str,
    query: String,
    form: String,
    headers: HeaderMap,
    body: Body,
    error: Option<Error>,
}

impl Request {
    /// A request of this operation, with nothing filled in.
    pub fn new(operation: &'static Operation) -> Request {
        Request {
            operation,
            path: String::with_capacity(ROOM),
            template: operation.path(),
            // Every operation of a service with versions has one parameter at least.
            query: String::with_capacity(if operation.version().is_some() { ROOM / 2 } else { 0 }),
            form: String::new(),
            headers: HeaderMap::new(),
            body: Body::Empty,
            error: None,
        }
    }

    /// The same request once more, if its body can be sent again.
    pub(crate) fn again(&self) -> Option<Request> {
        Some(Request {
            operation: self.operation,
            path: self.path.clone(),
            template: self.template,
            query: self.query.clone(),
            form: self.form.clone(),
            headers: self.headers.clone(),
            body: self.body.replay()?,
            error: self.error.as_ref().map(Error::again),
        })
    }

    /// The operation this is a request of.
    pub fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// Fills the path's next hole with one segment, as [`url::encode_segment`] does.
    pub fn path(&mut self, value: &dyn Display) -> &mut Request {
        self.literal("{}");
        let encoded = url::encode_segment(&mut self.path, value);
        self.check(encoded)
    }

    /// Fills the path's next hole with several values as one segment.
    pub fn path_list<T: Display>(&mut self, values: &[T], format: CollectionFormat) -> &mut Request {
        self.literal("{}");
        let start = self.path.len();
        let encoded =
            encode_list(&mut self.path, &mut shown(values), format).and_then(|()| match self.path.get(start..) {
                Some("" | "." | "..") => Err(Error::build("a path argument is empty, `.` or `..`")),
                _ => Ok(()),
            });
        self.check(encoded)
    }

    /// Fills the path's next hole with a path, as [`url::encode_raw_path`] does.
    pub fn raw_path(&mut self, value: &str) -> &mut Request {
        self.literal("{*}");
        let encoded = url::encode_raw_path(&mut self.path, value);
        self.check(encoded)
    }

    /// Sets a query parameter; of one that is set twice, the last value counts.
    pub fn query(&mut self, name: &str, value: &dyn Display) -> &mut Request {
        self.forget_query(name);
        let encoded = url::encode_query(&mut self.query, name, value);
        self.check(encoded)
    }

    /// Appends a query parameter of which only the presence counts: a name without `=`.
    pub fn query_flag(&mut self, name: &str) -> &mut Request {
        self.forget_query(name);
        url::encode_query_flag(&mut self.query, name);
        self
    }

    /// Appends a query parameter of several values. No values make no parameter.
    pub fn query_list<T: Display>(&mut self, name: &str, values: &[T], format: CollectionFormat) -> &mut Request {
        self.forget_query(name);
        let encoded = append_list(&mut self.query, name, &mut shown(values), format);
        self.check(encoded)
    }

    /// Sets a header. A value with characters beyond visible ASCII, space and tab is refused (RFC 9110 §5.5): with a
    /// line break in it, it would be two headers. So is one that starts or ends with a space, which is no part of a value.
    pub fn header(&mut self, name: &'static str, value: &dyn Display) -> &mut Request {
        self.named_header(name.as_bytes(), name, value)
    }

    /// Sets a header that is left out of traces ([`HeaderValue::is_sensitive`]).
    pub fn secret_header(&mut self, name: &'static str, value: &Secret) -> &mut Request {
        self.header(name, &value.expose());
        if let Some(value) = self.headers.get_mut(name) {
            value.set_sensitive(true);
        }
        self
    }

    /// Sets a header of several values. One with the separator in it is refused: it would be two.
    pub fn header_list<T: Display>(
        &mut self,
        name: &'static str,
        values: &[T],
        format: CollectionFormat,
    ) -> &mut Request {
        let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
        if texts.iter().any(|text| text.contains(format.separator())) {
            let separator = format.separator();
            return self
                .fail(Error::build(format!("a value of the header `{name}` has `{separator}`, which separates them")));
        }
        self.header(name, &texts.join(format.separator()))
    }

    /// Sets a header whose name the caller ends, as `iothub-app-` and the name of a message's property. A name with
    /// other characters than those of a token is refused (RFC 9110 §5.1).
    pub fn header_prefix(&mut self, prefix: &str, name: &str, value: &dyn Display) -> &mut Request {
        let shown = format!("{prefix}…");
        if name.is_empty() {
            return self.fail(Error::build(format!("the header `{shown}` needs a name behind its prefix")));
        }
        self.named_header(format!("{prefix}{name}").as_bytes(), &shown, value)
    }

    /// The call is for the version with this tag only (RFC 9110 §13.1.1).
    pub fn if_match(&mut self, condition: Condition) -> &mut Request {
        self.condition(IF_MATCH, condition)
    }

    /// The call is for any version but the one with this tag (RFC 9110 §13.1.2).
    pub fn if_none_match(&mut self, condition: Condition) -> &mut Request {
        self.condition(IF_NONE_MATCH, condition)
    }

    /// A body of JSON.
    pub fn body_json(&mut self, json: Vec<u8>) -> &mut Request {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = Body::from(json);
        self
    }

    /// A body of bytes.
    pub fn body_bytes(&mut self, bytes: Bytes, content_type: Option<&str>) -> &mut Request {
        self.body(Body::Bytes(bytes), content_type)
    }

    /// Any body, also a stream.
    pub fn body(&mut self, body: Body, content_type: Option<&str>) -> &mut Request {
        if let Some(content_type) = content_type {
            self.header("content-type", &content_type);
        }
        self.body = body;
        self
    }

    /// Appends a field to a body of `application/x-www-form-urlencoded`.
    pub fn form(&mut self, name: &str, value: &dyn Display) -> &mut Request {
        let encoded = url::encode_query(&mut self.form, name, value);
        self.check(encoded)
    }

    /// Appends a field of several values to a body of `application/x-www-form-urlencoded`.
    pub fn form_list<T: Display>(&mut self, name: &str, values: &[T], format: CollectionFormat) -> &mut Request {
        let encoded = append_list(&mut self.form, name, &mut shown(values), format);
        self.check(encoded)
    }

    /// Remembers why the call cannot be made, if nothing else is in its way yet.
    pub fn fail(&mut self, error: Error) -> &mut Request {
        self.error.get_or_insert(error);
        self
    }

    fn check(&mut self, result: Result<(), Error>) -> &mut Request {
        if let Err(error) = result {
            self.fail(error);
        }
        self
    }

    /// Moves on to the next hole, which must be of this kind.
    fn literal(&mut self, hole: &str) {
        let next = self.template.find('{').and_then(|at| self.template.split_at_checked(at));
        match next.and_then(|(literal, rest)| Some((literal, rest.strip_prefix(hole)?))) {
            Some((literal, rest)) => {
                self.path.push_str(literal);
                self.template = rest;
            }
            None => {
                self.fail(Error::build("there is no place in the path for another argument"));
            }
        }
    }

    fn named_header(&mut self, name: &[u8], shown: &str, value: &dyn Display) -> &mut Request {
        let Ok(name) = HeaderName::from_bytes(name) else {
            return self.fail(Error::build(format!("the header `{shown}` has a name that no header can have")));
        };
        let text = value.to_string();
        if text.trim_matches([' ', '\t']) != text {
            let message =
                format!("the value of the header `{shown}` starts or ends with a space, which would get lost");
            return self.fail(Error::build(message));
        }
        // `http` lets other characters than ASCII pass, which servers read differently.
        match HeaderValue::from_str(&text) {
            Ok(value) if text.is_ascii() => {
                self.headers.insert(name, value);
                self
            }
            _ => self.fail(Error::build(format!(
                "the value of the header `{shown}` has a line break or another character that no header can carry"
            ))),
        }
    }

    /// Takes a query parameter back: of an option that is given twice, the last one counts.
    fn forget_query(&mut self, name: &str) {
        if self.query.is_empty() {
            return;
        }
        let mut encoded = String::new();
        url::encode_query_flag(&mut encoded, name);
        let is_other = |pair: &&str| pair.split('=').next() != Some(&encoded);
        if !self.query.split('&').all(|pair| is_other(&pair)) {
            self.query = self.query.split('&').filter(is_other).collect::<Vec<_>>().join("&");
        }
    }

    fn condition(&mut self, name: HeaderName, condition: Condition) -> &mut Request {
        match condition.into_result() {
            Ok(tag) => self.named_header(name.as_str().as_bytes(), name.as_str(), &tag),
            Err(error) => self.fail(error),
        }
    }

    /// The request on the wire, but for what the pipeline's policies add.
    pub(crate) fn into_http(
        mut self,
        endpoint: &Endpoint,
        api_version: Option<&str>,
    ) -> Result<http::Request<Body>, Error> {
        if let Some(own) = self.operation.version() {
            self.query("api-version", &api_version.unwrap_or(own));
        }
        if !self.form.is_empty() {
            let form = Body::from(std::mem::take(&mut self.form));
            self.body(form, Some("application/x-www-form-urlencoded"));
        }
        if let Some(accepted) = self.operation.accepted()
            && !self.headers.contains_key(ACCEPT)
        {
            self.header("accept", &accepted);
        }
        let method = self.operation.method().clone();
        // How the request is framed, and whom it is for, is said once: here and by the transport.
        for name in [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, HOST] {
            self.headers.remove(name);
        }
        let length = self.body.length();
        // RFC 9110 §8.6: a length of zero is said where the method has a body. Servers insist on it.
        let with_body = matches!(method, Method::POST | Method::PUT | Method::PATCH);
        if let Some(length) = length.filter(|length| *length > 0 || with_body) {
            self.headers.insert(CONTENT_LENGTH, length.into());
        }
        self.path.push_str(self.template);
        if self.template.contains('{') {
            self.fail(Error::build("a path argument is missing"));
        }
        // Two arguments in one segment could have made dots together.
        if self.path.split('/').any(url::is_dots) {
            self.fail(Error::build("the path has a segment `.` or `..`"));
        }
        if let Some(error) = self.error {
            return Err(error);
        }
        // In the room that there is.
        let separator = if self.path.contains('?') { '&' } else { '?' };
        let mut target = self.path;
        target.insert_str(0, endpoint.as_str());
        if !self.query.is_empty() {
            target.push(separator);
            target.push_str(&self.query);
        }
        let uri = Uri::try_from(target)
            .map_err(|error| Error::build("the URL is longer than 65534 bytes or otherwise none").with_source(error))?;
        let mut request = http::Request::new(self.body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers;
        Ok(request)
    }
}

type Values<'a, 'b> = &'a mut (dyn Iterator<Item = &'b dyn Display> + 'a);

/// The only part of a list that knows its type.
fn shown<T: Display>(values: &[T]) -> impl Iterator<Item = &dyn Display> {
    values.iter().map(|value| value as &dyn Display)
}

fn append_list(out: &mut String, name: &str, values: Values<'_, '_>, format: CollectionFormat) -> Result<(), Error> {
    if format == CollectionFormat::Multi {
        for value in values {
            url::encode_query(out, name, value)?;
        }
        return Ok(());
    }
    let mut text = String::new();
    let mut values = values.peekable();
    if values.peek().is_none() {
        return Ok(());
    }
    encode_list(&mut text, &mut values, format)?;
    url::encode_query(out, name, &"")?;
    out.push_str(&text);
    Ok(())
}

/// Each value percent-encoded, a comma between them not: so that one in a value is none. The other separators have to be
/// encoded themselves, and a value with one in it is refused: it would be two.
fn encode_list(out: &mut String, values: Values<'_, '_>, format: CollectionFormat) -> Result<(), Error> {
    let separator = format.encoded_separator();
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.push_str(separator);
        }
        let start = out.len();
        url::encode(out, value)?;
        if out.get(start..).is_some_and(|encoded| encoded.contains(separator)) {
            let separator = format.separator();
            return Err(Error::build(format!("a value of a list has {separator:?}, which separates them")));
        }
    }
    Ok(())
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.operation.id())
            .field("body", &self.body)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use proptest::prelude::*;

    static PUT: Operation = Operation::new("A_Put", Method::PUT, "/a/{}/b/{}").api_version("2016-11-14");
    static GET: Operation = Operation::new("A_Get", Method::GET, "/{*}/c");
    static POST: Operation = Operation::new("A_Post", Method::POST, "/{}{}").accept(None);

    fn http(request: Request) -> Result<http::Request<Body>, Error> {
        request.into_http(&Endpoint::new("https://h/base").unwrap(), None)
    }

    fn with(operation: &'static Operation, fill: impl FnOnce(&mut Request)) -> Result<http::Request<Body>, Error> {
        let mut request = Request::new(operation);
        fill(&mut request);
        http(request)
    }

    #[test]
    fn path_query_and_headers() {
        let request = with(&PUT, |request| {
            let tags: [&dyn Display; 3] = [&"a,b", &2, &true];
            request
                .path(&"x/y")
                .path(&7)
                .query("top", &3)
                .query_list("t", &tags, CollectionFormat::Csv)
                .query_list("m", &tags, CollectionFormat::Multi)
                .query_list("p", &tags, CollectionFormat::Pipes)
                .query_list("none", &[0u8; 0], CollectionFormat::Csv)
                .query_flag("reject")
                .header("IoTHub-MessageId", &"m1")
                .header_prefix("iothub-app-", "unit", &"C")
                .if_match(Condition::from("MA=="))
                .body_json(b"{}".to_vec());
        })
        .unwrap();
        assert_eq!(
            request.uri(),
            "https://h/base/a/x%2Fy/b/7?top=3&t=a%2Cb,2,true&m=a%2Cb&m=2&m=true&p=a%2Cb%7C2%7Ctrue&reject&api-version=2016-11-14",
        );
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("iothub-messageid"), Some("m1"));
        assert_eq!(header("iothub-app-unit"), Some("C"));
        assert_eq!(header("if-match"), Some("MA=="));
        assert_eq!(header("content-type"), Some("application/json"));
        assert_eq!(header("content-length"), Some("2"));
        assert_eq!(header("accept"), Some("application/json"));
    }

    #[test]
    fn raw_paths_keep_their_slashes() {
        let request = with(&GET, |request| {
            request.raw_path("/subscriptions/s/x");
        });
        assert_eq!(request.unwrap().uri(), "https://h/base/subscriptions/s/x/c");
    }

    #[test]
    fn a_length_of_zero_is_said_where_there_could_be_a_body() {
        let post = with(&POST, |request| {
            request.path(&"a").path(&"b");
        })
        .unwrap();
        assert_eq!(post.headers().get(CONTENT_LENGTH).unwrap(), "0");
        assert!(!post.headers().contains_key(ACCEPT));
        let get = with(&GET, |request| {
            request.raw_path("a");
        });
        assert!(!get.unwrap().headers().contains_key(CONTENT_LENGTH));
    }

    #[test]
    fn no_argument_says_how_a_request_is_framed() {
        let request = with(&PUT, |request| {
            request.path(&1).path(&2).header("Content-Length", &99).header("Transfer-Encoding", &"chunked");
            request.header("Host", &"evil.example").header("Connection", &"close").body_json(b"{}".to_vec());
        });
        let request = request.unwrap();
        assert_eq!(request.headers()["content-length"], "2");
        for name in ["transfer-encoding", "host", "connection"] {
            assert!(!request.headers().contains_key(name), "{name}");
        }
    }

    #[test]
    fn forms() {
        let request = with(&POST, |request| {
            request.path(&"a").path(&"b").form("grant type", &"a b").form("x", &1);
        });
        let Body::Bytes(bytes) = request.unwrap().into_body() else { panic!() };
        assert_eq!(bytes, "grant%20type=a%20b&x=1");
    }

    #[test]
    fn the_holes_are_counted_and_of_their_kind() {
        for wrong in [
            with(&PUT, |_| {}),
            with(&PUT, |request| {
                request.path(&1);
            }),
            with(&PUT, |request| {
                request.path(&1).path(&2).path(&3);
            }),
            with(&PUT, |request| {
                request.raw_path("a").path(&1);
            }),
            with(&GET, |request| {
                request.path(&"a");
            }),
        ] {
            assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Build);
        }
    }

    #[test]
    fn arguments_that_would_change_the_url_are_refused() {
        let path = |value: &'static str| {
            with(&PUT, |request| {
                request.path(&value).path(&1);
            })
        };
        assert!(path("").is_err() && path("..").is_err() && path(".").is_err() && path("../x").is_ok());
        let together = with(&POST, |request| {
            let dots = ["."];
            request.path_list(&dots, CollectionFormat::Csv).path(&"x");
        });
        assert!(together.is_err());
    }

    #[test]
    fn a_condition_that_is_none_is_an_error() {
        for text in ["", "\"\"", "a\r\nx-evil: 1"] {
            let error = with(&PUT, |request| {
                request.path(&1).path(&2).if_match(text.into());
            });
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Build);
        }
    }

    #[test]
    fn a_value_with_the_separator_is_not_two() {
        let list = |values: [&'static str; 2], format| {
            let path = with(&PUT, |request| {
                request.path_list(&values, format).path(&1);
            });
            let query = with(&PUT, |request| {
                request.path(&1).path(&2).query_list("q", &values, format);
            });
            let header = with(&PUT, |request| {
                request.path(&1).path(&2).header_list("x", &values, format);
            });
            [path, query, header].map(|request| request.is_ok())
        };
        // In a URL a comma that separates is not encoded, and one in a value is.
        assert_eq!(list(["a,b", "c"], CollectionFormat::Csv), [true, true, false]);
        assert_eq!(list(["a b", "c"], CollectionFormat::Ssv), [false; 3]);
        assert_eq!(list(["a\tb", "c"], CollectionFormat::Tsv), [false; 3]);
        assert_eq!(list(["a|b", "c"], CollectionFormat::Pipes), [false; 3]);
        assert_eq!(list(["a b", "c,d"], CollectionFormat::Pipes), [true; 3]);
    }

    #[test]
    fn no_argument_is_another_header_or_loses_something() {
        for value in ["a\r\nx-evil: 1", "a\nb", "a\rb", "a\0b", "a\u{7f}", "é", " a", "a ", "\ta"] {
            let fill: [&dyn Fn(&mut Request) -> &mut Request; 5] = [
                &|request| request.header("x", &value),
                &|request| request.header_prefix("x-", "a", &value),
                &|request| request.header_list("x", &[value], CollectionFormat::Csv),
                &|request| request.secret_header("x", &value.into()),
                &|request| request.body(Body::Empty, Some(value)),
            ];
            for fill in fill {
                let made = with(&PUT, |request| {
                    fill(request.path(&1).path(&2));
                });
                assert_eq!(made.unwrap_err().kind(), ErrorKind::Build, "{value:?}");
            }
        }
        for name in ["", "a b", "a:b", "a\r\nx-evil: 1", "é"] {
            let made = with(&PUT, |request| {
                request.path(&1).path(&2).header_prefix("x-", name, &1);
            });
            assert_eq!(made.unwrap_err().kind(), ErrorKind::Build, "{name:?}");
        }
    }

    #[test]
    fn an_accepted_type_that_no_header_can_carry_is_an_error() {
        static BAD: Operation = Operation::new("A_Bad", Method::GET, "/").accept(Some("text/plain\r\nx: y"));
        assert_eq!(with(&BAD, |_| {}).unwrap_err().kind(), ErrorKind::Build);
    }

    #[test]
    fn a_secret_is_not_shown() {
        let request = with(&PUT, |request| {
            request.path(&1).path(&2).secret_header("X-Key", &"hunter2".into());
        })
        .unwrap();
        assert_eq!(request.headers()["x-key"], "hunter2");
        assert!(!format!("{request:?}").contains("hunter2"));
    }

    #[test]
    fn the_first_error_is_the_one() {
        let error = with(&PUT, |request| {
            request.header("x", &"a\nb").path(&"").path(&1);
        });
        assert!(error.unwrap_err().to_string().contains("`x`"));
    }

    proptest! {
        #[test]
        fn no_value_makes_another_header(value in "([ -~]|\\PC|\r|\n|\u{0}){0,4}", name in "[a-z]([a-z]|\\PC|\r|\n|:| ){0,2}") {
            let request = with(&PUT, |request| {
                request.path(&1).path(&2).header("x-a", &value).header_prefix("x-b-", &name, &value);
            });
            match request {
                Ok(request) => {
                    prop_assert_eq!(request.headers().get("x-a").unwrap().as_bytes(), value.as_bytes());
                    prop_assert!(value.is_ascii() && !value.contains(['\r', '\n', '\0']));
                }
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Build),
            }
        }
    }
}
