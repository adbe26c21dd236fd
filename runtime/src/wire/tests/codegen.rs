//! The functions that generated methods are made of.

use std::convert::Infallible;
use std::future::{IntoFuture, Ready, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::*;
use crate::codegen::v1;
use crate::transport::InProcess;
use crate::{Body, Call, Endpoint, Error, ErrorKind, Operation, Pipeline, RawResponse, Request, Response};

static PUT: Operation = Operation::new("Things_Put", Method::PUT, "/things").success(&[200, 204]);

fn answer(body: &'static str) -> RawResponse {
    with_status(200, body)
}

fn with_status(status: u16, body: &'static str) -> RawResponse {
    RawResponse::new(&PUT, StatusCode::from_u16(status).unwrap(), HeaderMap::new(), Bytes::from_static(body.as_bytes()))
}

#[test]
fn a_body_of_json() {
    assert_eq!(v1::json::<Inner>(&answer(r#"{"first":1}"#)).unwrap().first, Some(1));
    assert_eq!(v1::json::<Inner>(&answer("\u{feff}{}\r\n")).unwrap(), Inner::new());
    assert_eq!(v1::json::<Value>(&answer("null")).unwrap(), Value::Null);
    for (body, wanted) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("null", "expected an object, found null"),
        (r#"{"deeper":{"first":"hunter2"}}"#, "deeper.first: expected a 32-bit integer, found a string"),
    ] {
        let error = v1::json::<Inner>(&answer(body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(error.to_string(), format!("the answer's body is not what it should be: {wanted}"));
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.is::<crate::wire::read::ReadError>());
    }
}

#[test]
fn a_body_of_json_that_may_be_missing() {
    for body in ["", "null", " \r\n\t", "\n null ", "\u{feff}", "\u{feff}null"] {
        assert_eq!(v1::optional_json::<Inner>(&answer(body)).unwrap(), None, "{body:?}");
    }
    assert_eq!(v1::optional_json(&answer("\u{feff} {} ")).unwrap(), Some(Inner::new()));
    for body in ["nul", "nullnull", "5", "{", "\u{feff}\u{feff}"] {
        assert!(v1::optional_json::<Inner>(&answer(body)).is_err(), "{body}");
    }
}

#[test]
fn bodies_that_are_not_json() {
    assert_eq!(v1::bytes(&answer("\u{feff}x")).unwrap(), "\u{feff}x");
    assert_eq!(v1::optional_bytes(&answer("")).unwrap(), Some(Bytes::new()));
    for status in [204, 205, 304] {
        assert_eq!(v1::optional_bytes(&with_status(status, "")).unwrap(), None);
    }
    assert_eq!(v1::text(&answer(" x ")).unwrap(), " x ");
    assert_eq!(v1::optional_text(&answer("")).unwrap(), None);
    assert_eq!(v1::optional_text(&answer("x")).unwrap().as_deref(), Some("x"));
    let raw = RawResponse::new(&PUT, StatusCode::OK, HeaderMap::new(), Bytes::from_static(b"hunter2\xff"));
    let error = v1::text(&raw).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    assert!(v1::optional_text(&raw).is_err());
    v1::empty(&raw).unwrap();
    let error = v1::unexpected(&with_status(206, "hunter2"));
    assert_eq!(error.to_string(), "the status 206 Partial Content is not among those that are documented");
    assert_eq!(error.kind(), ErrorKind::Decode);
}

/// Counts and keeps what it is sent; answers as it is told to.
#[derive(Clone)]
struct Service {
    count: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<http::Request<Body>>>>,
    answer: &'static str,
}

impl tower_service::Service<http::Request<Body>> for Service {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.seen.lock().unwrap().push(request);
        let answer = http::Response::builder().header("x-ms-request-id", "r1").body(Body::from(self.answer));
        ready(Ok(answer.unwrap()))
    }
}

fn service(answer: &'static str) -> (Service, Pipeline) {
    let service = Service { count: Arc::default(), seen: Arc::default(), answer };
    let transport = Arc::new(InProcess::new(service.clone()));
    (service, Pipeline::new(Endpoint::new("http://localhost").unwrap(), transport))
}

fn call(pipeline: &Pipeline) -> Call<Inner> {
    Call::new(pipeline, Request::new(&PUT), v1::json::<Inner>)
}

#[tokio::test]
async fn a_call_is_sent_when_it_is_awaited() {
    let (service, pipeline) = service(r#"{"first":1}"#);
    drop(call(&pipeline));
    let call = call(&pipeline);
    assert!(format!("{call:?}").contains("Things_Put"), "{call:?}");
    let future = call.into_future();
    assert_eq!(service.count.load(Ordering::SeqCst), 0);
    let answer = future.await.unwrap();
    assert_eq!((answer.first, answer.request_id()), (Some(1), Some("r1")));
    assert_eq!(service.count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_stays_with_the_error() {
    let body = r#"{"deeper":{"first":"hunter2"}}"#;
    let (_, pipeline) = service(body);
    let error = call(&pipeline).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Things_Put: the answer's body is not what it should be: deeper.first: expected a 32-bit integer, found a string (in an answer 200 OK)",
    );
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Decode, Some("Things_Put")));
    assert_eq!((error.status(), error.request_id()), (Some(StatusCode::OK), Some("r1")));
    assert_eq!(error.body(), body);
    assert!(!format!("{error:?}").contains("hunter2"));
}

/// A method's options, as the generator writes them.
#[must_use]
struct PutThings {
    call: Call<Inner>,
}

v1::call!(PutThings => Inner);

#[tokio::test]
async fn a_builder_sends_its_body() {
    let (service, pipeline) = service("{}");
    let items = [read::<Inner>(r#"{"first":1}"#).unwrap(), Inner::new()];
    for content_type in ["application/json", "application/merge-patch+json"] {
        let mut builder = PutThings { call: call(&pipeline) };
        match content_type {
            "application/json" => v1::body_json(builder.call.request(), v1::list(&items).view()),
            _ => v1::body_json_as(builder.call.request(), v1::list(&items).view(), "application/merge-patch+json"),
        }
        let answer: Result<Response<Inner>, Error> = builder.await;
        answer.unwrap();
        let request = service.seen.lock().unwrap().pop().unwrap();
        assert_eq!(request.headers().get_all("content-type").iter().collect::<Vec<_>>(), [content_type]);
        assert_eq!(request.into_body().collect(100).await.unwrap(), r#"[{"first":1},{}]"#);
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_written_is_not_sent() {
    let (service, pipeline) = service("{}");
    let mut call = call(&pipeline);
    v1::body_json(call.request(), crate::wire::View::F64(f64::NAN));
    let error = call.await.unwrap_err();
    assert_eq!((error.kind(), service.count.load(Ordering::SeqCst)), (ErrorKind::Build, 0));
    assert_eq!(error.to_string(), "Things_Put: the body cannot be written as JSON");
}

#[test]
fn lists_that_are_only_looked_at() {
    let items = ["a".to_owned(), "b".to_owned()];
    let list = v1::list(&items);
    assert_eq!(crate::wire::write::to_json(list.view()).unwrap(), br#"["a","b"]"#);
    assert_eq!(format!("{:?}", list.view()), r#"["a", "b"]"#);
    assert_eq!(crate::wire::write::to_json(v1::list::<Inner>(&[]).view()).unwrap(), b"[]");
}

#[test]
fn calls_go_to_other_threads() {
    fn goes<T: Send>(_: T) {}
    let (_, pipeline) = service("");
    goes(call(&pipeline));
    goes(call(&pipeline).into_future());
}

#[test]
fn older_code_compiles() {
    const { v1::require(1) };
    assert!(std::panic::catch_unwind(|| v1::require(v1::REVISION + 1)).is_err());
}
