//! A service that is written by hand as the generator writes one, behind the router.

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use tower_service::Service as _;

use super::*;
use crate::body::Body;
use crate::clock::Clock;
use crate::error::{BoxError, ErrorFormat};
use crate::wire::Wire;

static ROUTES: [Route; 7] = [
    Route::new("Things_Get", Method::GET, "/things/{}").api_version().errors(ErrorFormat::DataPlane),
    Route::new("Things_Put", Method::PUT, "/things/{}").body(BodyKind::Json).errors(ErrorFormat::DataPlane),
    Route::new("Things_List", Method::GET, "/things").errors(ErrorFormat::DataPlane),
    Route::new("Things_Panic", Method::POST, "/panic/{}").errors(ErrorFormat::Arm),
    Route::new("Things_Upload", Method::POST, "/upload").body(BodyKind::Stream).produces(&["*/*"]),
    Route::new("Things_Text", Method::POST, "/text").body(BodyKind::OptionalText),
    Route::new("Things_Missing", Method::DELETE, "/things/{}").errors(ErrorFormat::DataPlane),
];

struct Things;

impl Service for Things {
    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn call(&self, route: usize, mut incoming: Incoming) -> Handling {
        match route {
            0 => Box::pin(async move {
                let id = incoming.read(|incoming| incoming.path::<String>(0, "id"))?;
                let answer = |id: String, answer: &mut Answer| {
                    answer.status(200);
                    answer.header("ETag", Wire::view(&"MA==".to_owned()));
                    answer.json(Wire::view(&id));
                };
                Ok(incoming.answer(id, answer))
            }),
            1 => Box::pin(async move {
                let read = |incoming: &mut Incoming| {
                    (
                        incoming.path::<i32>(0, "id"),
                        incoming.query::<i32>("top"),
                        incoming.required_header::<bool>("x-flag"),
                        incoming.json::<Vec<i32>>(),
                    )
                };
                let request = incoming.read(read)?;
                Ok(incoming.answer(request, |request, answer| answer.text(format!("{request:?}"))))
            }),
            2 => Box::pin(async move {
                let read = |incoming: &mut Incoming| incoming.query_list::<String>("n", Default::default());
                let names = incoming.read(read)?.unwrap_or_default();
                Ok(incoming.answer(names, |names, answer| answer.json(Wire::view(&names))))
            }),
            3 => match incoming.path::<String>(0, "when").as_str() {
                "early" => panic!("before there is a future"),
                _ => Box::pin(async { panic!("while it is polled") }),
            },
            4 => Box::pin(async move {
                let body = incoming.read(Incoming::stream)?.collect(usize::MAX).await?;
                Ok(incoming.answer(body, |body, answer| answer.stream(body.into(), Some("application/octet-stream"))))
            }),
            5 => Box::pin(async move {
                let text = incoming.read(Incoming::optional_text)?;
                Ok(incoming.answer(text, |text, answer| answer.text(format!("{text:?}"))))
            }),
            6 => Box::pin(async move { not_implemented(&ROUTES[6], incoming.context(), ()).await }),
            _ => no_such_route(),
        }
    }
}

/// Wherever somebody waits, the time has come.
struct Hasty;

impl Clock for Hasty {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
    fn random(&self) -> f64 {
        0.0
    }
}

/// A body that comes in these pieces; `None` is one that never comes.
struct Pieces(Vec<Option<Result<&'static str, BoxError>>>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Task<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        match self.0.remove(0) {
            Some(piece) => {
                Poll::Ready(Some(piece.map(|text| http_body::Frame::data(Bytes::from_static(text.as_bytes())))))
            }
            None => Poll::Pending,
        }
    }
}

fn router() -> Router {
    Router::new().add(Things).body_limit(20).clock(Arc::new(Hasty))
}

async fn send<B>(request: Request<B>) -> (StatusCode, http::HeaderMap, String)
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    finished(router().call(request).await).await
}

async fn finished(response: Result<Response<Body>, std::convert::Infallible>) -> (StatusCode, http::HeaderMap, String) {
    let (head, body) = response.unwrap().into_parts();
    assert_eq!(head.headers["x-ms-request-id"].len(), 36);
    let body = body.collect(usize::MAX).await.unwrap();
    (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
}

fn request(method: &str, target: &str) -> Request<Body> {
    Request::builder().method(method).uri(target).body(Body::Empty).unwrap()
}

fn put(headers: &[(&'static str, &'static str)], target: &str, body: &'static str) -> Request<Body> {
    let request = Request::put(target).header("x-flag", "true");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(body.into()).unwrap()
}

#[tokio::test]
async fn an_answer_has_what_the_handler_gave_it() {
    let (status, headers, body) = send(request("GET", "/things/a%2Fb%20+c?api-version=1")).await;
    assert_eq!((status.as_u16(), body.as_str()), (200, "\"a/b +c\""));
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(headers["etag"], "\"MA==\"");
}

#[tokio::test]
async fn a_head_is_a_get_without_the_body() {
    let (status, headers, body) = send(request("HEAD", "/things/abc?api-version=1")).await;
    assert_eq!((status.as_u16(), body.as_str()), (200, ""));
    assert_eq!(headers["content-length"], "5");
    let (status, headers, body) = send(request("HEAD", "/nowhere")).await;
    assert_eq!((status.as_u16(), body.as_str()), (404, ""));
    assert_ne!(headers["content-length"], "0");
}

#[tokio::test]
async fn what_a_path_allows() {
    let allow = "DELETE, GET, HEAD, OPTIONS, PUT";
    let (status, headers, body) = send(request("POST", "/things/a")).await;
    assert_eq!((status.as_u16(), &headers["allow"]), (405, &allow.parse().unwrap()));
    assert_eq!(headers["iothub-errorcode"], "MethodNotAllowed");
    assert!(body.starts_with(r#"{"Message":"ErrorCode:MethodNotAllowed;There is no such operation with this method."#));
    let (status, headers, body) = send(request("OPTIONS", "/things/a")).await;
    assert_eq!((status.as_u16(), &headers["allow"], body.as_str()), (204, &allow.parse().unwrap(), ""));
    assert_eq!(send(request("OPTIONS", "*")).await.0, 204);
}

#[tokio::test]
async fn one_answer_names_all_that_is_wrong() {
    let request = Request::put("/things/x?top=1&top=2").body(Body::from("{}")).unwrap();
    let (status, headers, body) = send(request).await;
    assert_eq!((status.as_u16(), &headers["iothub-errorcode"]), (400, &"ArgumentInvalid".parse().unwrap()));
    for part in [
        "path id: expected a 32-bit integer, found another text",
        "query top: it is there more than once",
        "header x-flag: it is missing",
        "body: expected an array, found an object",
    ] {
        assert!(body.contains(part), "{body}");
    }
    // Clients split it at the semicolon.
    assert_eq!(body.matches(';').count(), 1);
    let (status, _, body) = send(self::request("GET", "/things/a")).await;
    assert!(status == 400 && body.contains("query api-version: it is missing"), "{body}");
    for top in ["", "-", "1-2", "e"] {
        let (_, _, body) = send(self::request("PUT", &format!("/things/1?top={top}"))).await;
        assert!(body.contains("query top: expected a 32-bit integer, found another text."), "{body}");
    }
}

/// Which of two hosts was meant, somebody else may have decided otherwise.
#[tokio::test]
async fn one_host() {
    let two = Request::get("/things").header("host", "a").header("host", "a").body(Body::Empty).unwrap();
    let (status, _, body) = send(two).await;
    assert!(status == 400 && body.contains("There is more than one host."), "{body}");
}

#[tokio::test]
async fn bodies_and_their_types() {
    let json = ("content-type", "application/json");
    for (headers, body, expected) in [
        (&[json][..], "[1,2]", 200),
        (&[("content-type", "application/json; charset=utf-8")], "[1]", 200),
        (&[("content-type", "text/json;charset=\"UTF-8\"")], "[1]", 200),
        (&[("content-type", "application/merge-patch+json")], "\u{feff}[1]", 200),
        (&[], "[1]", 200),
        (&[("content-type", "application/json; charset=utf-16")], "[1]", 415),
        (&[("content-type", "text/plain")], "[1]", 415),
        (&[("content-type", "")], "[1]", 415),
        (&[json], "", 400),
        (&[json], "null", 400),
        (&[json], "[1", 400),
        (&[json], "[1] 2", 400),
        (&[json], "[1,\"2\"]", 400),
        (&[json], "[\"1\",2", 400),
        (&[json, json], "[1]", 415),
        (&[json, ("content-encoding", "gzip")], "[1]", 415),
        (&[json, ("content-encoding", "identity")], "[1]", 200),
        (&[json], "[1,                          2]", 413),
        (&[json, ("accept", "application/json")], "[1]", 200),
        (&[json, ("accept", "text/html, application/*;q=0.5")], "[1]", 200),
        (&[json, ("accept", "*/*")], "[1]", 200),
        (&[json, ("accept", "")], "[1]", 200),
        (&[json, ("accept", "text/html")], "[1]", 406),
        (&[json, ("accept", "*/*, application/json;q=0, text/json;q=0.0")], "[1]", 406),
    ] {
        let (status, answer, text) = send(put(headers, "/things/1", body)).await;
        assert_eq!(status.as_u16(), expected, "{headers:?} {body} {text}");
        // After JSON that breaks off nobody knows where the next request begins.
        let closes = matches!(expected, 413) || matches!(body, "[1" | "[1] 2" | "[\"1\",2");
        assert_eq!(answer.contains_key("connection"), closes, "{body}");
    }
    let (_, headers, _) = send(Request::get("/things").header("accept", "text/json").body(Body::Empty).unwrap()).await;
    assert_eq!(headers["content-type"], "text/json; charset=utf-8");
    // Where there is no body its type says nothing: clients send one with GET.
    let get = Request::get("/things?n=a,b").header("content-type", "text/html").body(Body::Empty).unwrap();
    assert_eq!(send(get).await.2, r#"["a","b"]"#);
    let (_, _, text) = send(Request::post("/text").body(Body::Empty).unwrap()).await;
    assert_eq!(text, "None");
}

#[tokio::test]
async fn bodies_that_do_not_arrive() {
    let all = |pieces: Vec<Option<Result<&'static str, BoxError>>>| async move {
        let mut found = Vec::new();
        let mut pieces = Some(pieces);
        let pieces = pieces.take().unwrap();
        let copy = pieces
            .iter()
            .map(|piece| piece.as_ref().map(|piece| piece.as_ref().map(|text| *text).map_err(|_| "gone".into())));
        let copy = Pieces(copy.collect());
        for (target, body) in [("/things/1", Pieces(pieces)), ("/upload", copy)] {
            let method = if target == "/upload" { "POST" } else { "PUT" };
            let request = Request::builder().method(method).uri(target).header("x-flag", "true").body(body).unwrap();
            let (status, headers, _) = send(request).await;
            assert_eq!(headers.contains_key("connection"), !status.is_success());
            found.push(status.as_u16());
        }
        found
    };
    assert_eq!(all(vec![Some(Ok("[1,")), Some(Ok("2]"))]).await, [200, 200]);
    assert_eq!(all(vec![Some(Ok("[1,")), None]).await, [408, 408], "slow");
    assert_eq!(all(vec![Some(Ok("[1,")), Some(Err("gone".into()))]).await, [400, 400], "truncated");
    assert_eq!(all(vec![Some(Ok("[1,        ")), Some(Ok("               2]"))]).await, [413, 413], "huge");
    let huge = Request::post("/upload").body(Body::from(vec![0; 21])).unwrap();
    assert_eq!(send(huge).await.0, 413);
}

/// Sends a byte whenever it is asked for the second time.
struct Drip(u32);

impl http_body::Body for Drip {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        self.0 += 1;
        match self.0 {
            2_000.. => Poll::Ready(None),
            asked if asked % 2 == 0 => Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"x"))))),
            _ => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

/// Whoever waits is done when he has looked a hundred times.
struct Patient;

impl Clock for Patient {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        let mut looks = 0;
        Box::pin(poll_fn(move |_| {
            looks += 1;
            if looks > 100 { Poll::Ready(()) } else { Poll::Pending }
        }))
    }
    fn random(&self) -> f64 {
        0.0
    }
}

#[tokio::test]
async fn a_stream_that_drips_does_not_last_for_ever() {
    let mut router = Router::new().add(Things).clock(Arc::new(Patient));
    let request = Request::post("/upload").body(Drip(0)).unwrap();
    let (status, ..) = finished(router.call(request).await).await;
    assert_eq!(status, 408);
}

#[tokio::test]
async fn a_panic_is_an_answer() {
    for when in ["early", "late"] {
        let (status, headers, body) = send(request("POST", &format!("/panic/{when}"))).await;
        assert_eq!((status.as_u16(), headers.contains_key("connection")), (500, false));
        assert_eq!(body, r#"{"error":{"code":"InternalServerError","message":"The operation failed."}}"#);
    }
}

#[tokio::test]
async fn what_nobody_has_written() {
    let (status, _, body) = send(request("DELETE", "/things/a")).await;
    assert!(status == 501 && body.contains("Things_Missing"), "{body}");
}

#[tokio::test]
async fn errors_of_ones_own() {
    let bodies = |problem: &Problem<'_>| {
        let mut response = problem.response();
        *response.body_mut() = format!("{} {:?}", problem.code(), problem.route.map(Route::id)).into();
        response
    };
    let mut router = router().errors(bodies);
    let (status, _, body) = finished(router.call(request("GET", "/things/a")).await).await;
    assert_eq!((status.as_u16(), body.as_str()), (400, "ArgumentInvalid Some(\"Things_Get\")"));
}

#[test]
fn the_operation_of_a_request_is_told() {
    let id = |method, target: &'static str| router().route_of(&method, &target.parse().unwrap()).map(Route::id);
    assert_eq!(id(Method::HEAD, "/things/a?x"), Some("Things_Get"));
    assert_eq!(id(Method::PATCH, "/things/a"), None);
}

#[tokio::test]
async fn what_is_refused_around_the_router_is_written_as_by_it() {
    let refuse = |method: &str, target: &'static str| {
        let (parts, _) = request(method, target).into_parts();
        let error = ServiceError::new(StatusCode::TOO_MANY_REQUESTS, "ThrottlingException", "Slowly.");
        finished(Ok(router().refuse(&parts, error)))
    };
    let (status, headers, body) = refuse("GET", "/things/a").await;
    assert_eq!((status.as_u16(), &headers["iothub-errorcode"]), (429, &"ThrottlingException".parse().unwrap()));
    assert!(
        headers.contains_key("x-ms-request-id") && body.contains("ErrorCode:ThrottlingException;Slowly."),
        "{body}"
    );
    let (_, _, body) = refuse("POST", "/panic/late").await;
    assert_eq!(body, r#"{"error":{"code":"ThrottlingException","message":"Slowly."}}"#);
    let (status, headers, body) = refuse("HEAD", "/nowhere").await;
    assert_eq!((status.as_u16(), body.as_str()), (429, ""));
    assert_ne!(headers["content-length"], "0");
}

struct NobodyKnown;

impl Authenticator for NobodyKnown {
    fn authenticate<'a>(
        &'a self,
        _: &'a http::request::Parts,
        route: &'static Route,
    ) -> BoxFuture<'a, Result<Caller, ServiceError>> {
        Box::pin(async { Err(ServiceError::new(StatusCode::UNAUTHORIZED, "Nobody", route.id())) })
    }
}

/// A body that must not be read.
struct Untouched;

impl http_body::Body for Untouched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        panic!("it was read")
    }
}

#[tokio::test]
async fn strangers_are_turned_away_before_their_bodies_are_read() {
    let mut router = Router::new().add_authenticated(Things, Arc::new(NobodyKnown));
    let request = Request::put("/things/1").body(Untouched).unwrap();
    let (status, _, body) = finished(router.call(request).await).await;
    assert!(status == 401 && body.contains("ErrorCode:Nobody;Things_Put"), "{body}");
    // That there is no such operation is no secret.
    let (status, ..) = finished(router.call(self::request("GET", "/nowhere")).await).await;
    assert_eq!(status, 404);
}

struct Panics;

impl Authenticator for Panics {
    fn authenticate<'a>(
        &'a self,
        _: &'a http::request::Parts,
        _: &'static Route,
    ) -> BoxFuture<'a, Result<Caller, ServiceError>> {
        panic!("not even a future")
    }
}

#[tokio::test]
async fn a_panic_of_the_authenticator_is_an_answer_too() {
    let mut router = Router::new().add_authenticated(Things, Arc::new(Panics));
    let (status, ..) = finished(router.call(request("GET", "/things/a")).await).await;
    assert_eq!(status, 500);
}

#[test]
#[should_panic(expected = "Things_Get answers to the same requests as Things_Get")]
fn no_operation_twice() {
    drop(Router::new().add(Things).add(Things));
}

#[tokio::test]
async fn the_router_is_always_ready() {
    let mut router = router();
    let waited = poll_fn(|cx| <Router as tower_service::Service<Request<Body>>>::poll_ready(&mut router, cx));
    waited.await.unwrap();
    drop(pending::<()>());
}
