use std::collections::VecDeque;
use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::HeaderMap;
use http::request::Parts;

use super::*;
use crate::{ErrorFormat, SystemClock};

static GET: Operation = Operation::new("DeviceApi_GetDevice", Method::GET, "/devices/{}")
    .success(&[200])
    .errors(ErrorFormat::DataPlane)
    .api_version("2016-11-14");
static POST: Operation = Operation::new("DeviceApi_Bulk", Method::POST, "/devices");
static RECEIVE: Operation = Operation::new("HttpRuntime_Receive", Method::GET, "/bound").retry_safe(false);
static QUERY: Operation = Operation::new("DeviceApi_Query", Method::POST, "/devices/query").retry_safe(true);

/// A clock that stands still until somebody waits for it.
#[derive(Default)]
struct Still {
    waited: Mutex<Vec<Duration>>,
}

impl Clock for Arc<Still> {
    fn now(&self) -> SystemTime {
        let waited: Duration = self.waited.lock().unwrap().iter().sum();
        SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777) + waited
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = Arc::clone(self);
        Box::pin(async move { clock.waited.lock().unwrap().push(duration) })
    }

    fn random(&self) -> f64 {
        0.5
    }
}

type Outcome = Result<http::Response<Body>, TransportError>;

/// Answers as it is told to, and keeps what it was asked. When it is told nothing more, it does not answer.
#[derive(Default)]
struct Scripted {
    answers: Mutex<VecDeque<Outcome>>,
    seen: Mutex<Vec<Parts>>,
    /// Answers that were given up.
    dropped: Arc<AtomicUsize>,
}

struct OnDrop(Arc<AtomicUsize>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Transport for Scripted {
    fn send(&self, request: http::Request<Body>) -> BoxFuture<'_, Outcome> {
        self.seen.lock().unwrap().push(request.into_parts().0);
        let answer = self.answers.lock().unwrap().pop_front();
        let given_up = OnDrop(Arc::clone(&self.dropped));
        Box::pin(async move {
            let answer = match answer {
                Some(answer) => answer,
                None => pending().await,
            };
            std::mem::forget(given_up);
            answer
        })
    }
}

struct Setting {
    transport: Arc<Scripted>,
    clock: Arc<Still>,
    pipeline: Pipeline,
}

impl Setting {
    fn of<const N: usize>(answers: [Outcome; N]) -> Setting {
        let (transport, clock) = (Arc::new(Scripted::default()), Arc::new(Still::default()));
        transport.answers.lock().unwrap().extend(answers);
        let pipeline = Pipeline::new(Endpoint::new("hub.example").unwrap(), transport.clone());
        let pipeline = pipeline.with_response_limit(8).with_clock(Arc::new(Arc::clone(&clock)));
        Setting { transport, clock, pipeline }
    }

    async fn send(&self, operation: &'static Operation) -> Result<RawResponse, Error> {
        self.pipeline.send(request(operation)).await
    }

    fn seen(&self) -> usize {
        self.transport.seen.lock().unwrap().len()
    }

    fn header(&self, index: usize, name: &str) -> Option<String> {
        self.transport.seen.lock().unwrap()[index].headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    fn waited(&self) -> Vec<u128> {
        self.clock.waited.lock().unwrap().iter().map(Duration::as_millis).collect()
    }
}

fn answer(status: u16, body: impl Into<Body>) -> Outcome {
    Ok(http::Response::builder().status(status).body(body.into()).unwrap())
}

fn with(status: u16, name: &'static str, value: &str) -> Outcome {
    Ok(http::Response::builder().status(status).header(name, value).body(Body::Empty).unwrap())
}

fn request(operation: &'static Operation) -> Request {
    let mut request = Request::new(operation);
    if operation.path().contains('{') {
        request.path(&"a b");
    }
    request
}

#[tokio::test]
async fn a_success_is_read() {
    let setting = Setting::of([answer(200, "12345678")]);
    let pipeline = setting.pipeline.clone().with_api_version("2021-04-12").with_application("me/1").unwrap();
    assert_eq!(pipeline.send(request(&GET)).await.unwrap().body(), "12345678");
    assert_eq!(
        setting.transport.seen.lock().unwrap()[0].uri,
        "https://hub.example/devices/a%20b?api-version=2021-04-12"
    );
    assert_eq!(setting.header(0, "user-agent").unwrap(), format!("me/1 {USER_AGENT_TEXT}"));
    assert!(setting.pipeline.clone().with_application("me\r\nx: y").is_err());
}

#[tokio::test]
async fn another_status_is_an_error() {
    let setting = Setting::of([answer(404, r#"{"Message":"ErrorCode:DeviceNotFound;x"}"#), answer(204, "")]);
    let error = setting.send(&GET).await.unwrap_err();
    assert_eq!((error.code(), error.operation()), (Some("DeviceNotFound"), Some("DeviceApi_GetDevice")));
    assert_eq!(setting.send(&GET).await.unwrap_err().kind(), ErrorKind::Service);
    assert_eq!((setting.seen(), setting.waited()), (2, vec![]));
}

#[tokio::test]
async fn a_redirect_is_an_error_and_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let setting = Setting::of([with(status, "location", "https://hub.example/other")]);
        assert_eq!(setting.send(&GET).await.unwrap_err().status().unwrap(), status);
        assert_eq!(setting.seen(), 1);
        // Nor is it the end of an operation that is asked for its state.
        let setting = Setting::of([with(status, "location", "https://hub.example/other")]);
        let error = setting.pipeline.follow(&GET, Method::GET, "/state").await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), setting.seen()), (status, 1));
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_not() {
    let setting = Setting::of([]);
    let mut request = Request::new(&GET);
    request.path(&"..");
    let error = setting.pipeline.send(request).await.unwrap_err();
    assert_eq!(error.to_string(), "DeviceApi_GetDevice: a path argument is `.` or `..`");
    assert_eq!(setting.seen(), 0);
}

#[tokio::test]
async fn an_answer_has_a_bound() {
    for body in [Body::from_stream(Pieces(vec!["12345", "6789"]), None), Body::from("123456789")] {
        let setting = Setting::of([answer(200, body)]);
        let error = setting.send(&GET).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::Decode, Some(StatusCode::OK)));
    }
}

#[tokio::test]
async fn so_has_an_error_whose_status_counts_all_the_same() {
    let body = |length: usize| Body::from_stream(Pieces(vec!["{", "}", " ".repeat(length - 2).leak()]), None);
    let setting = Setting::of([answer(404, body(ERROR_LIMIT)), answer(404, body(ERROR_LIMIT + 1))]);
    let error = setting.send(&GET).await.unwrap_err();
    assert!(error.is_not_found() && error.body().len() == ERROR_LIMIT);
    let error = setting.send(&GET).await.unwrap_err();
    assert!(error.is_not_found() && error.body().is_empty());
}

struct Pieces(Vec<&'static str>);

impl futures_core::Stream for Pieces {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<Option<Self::Item>> {
        let next = (!self.0.is_empty()).then(|| self.0.remove(0));
        Poll::Ready(next.map(|piece| match piece {
            "!" => Err(std::io::Error::other("broke")),
            piece => Ok(Bytes::from_static(piece.as_bytes())),
        }))
    }
}

#[tokio::test]
async fn the_transport_s_errors_keep_their_kind() {
    type Fail = fn(&'static str) -> TransportError;
    for (fail, kind) in [
        (TransportError::connect as Fail, ErrorKind::Connect),
        (TransportError::timeout, ErrorKind::Timeout),
        (TransportError::broken, ErrorKind::Transport),
    ] {
        let setting = Setting::of([Err(fail("x"))]);
        let pipeline = setting.pipeline.clone().with_retry(Retry::none());
        let error = pipeline.send(request(&GET)).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains("hub.example:443"), "{error}");
    }
}

#[tokio::test]
async fn idempotent_calls_are_tried_again() {
    let setting = Setting::of([
        Err(TransportError::connect("x")),
        answer(503, ""),
        answer(200, Body::from_stream(Pieces(vec!["1", "!"]), None)),
        answer(200, "ok"),
    ]);
    assert_eq!(setting.send(&GET).await.unwrap().body(), "ok");
    // Half of 0.8, 1.6 and 3.2 seconds.
    assert_eq!((setting.seen(), setting.waited()), (4, vec![400, 800, 1600]));
}

#[tokio::test]
async fn the_tries_are_counted() {
    let setting = Setting::of([answer(500, ""), answer(502, ""), answer(503, ""), answer(504, ""), answer(200, "")]);
    assert_eq!(setting.send(&GET).await.unwrap_err().status().unwrap(), 504);
    assert_eq!(setting.seen(), 4);
}

#[tokio::test]
async fn others_are_tried_again_only_if_nothing_was_done() {
    let setting = Setting::of([Err(TransportError::connect("x")), answer(429, ""), answer(200, "ok")]);
    assert_eq!(setting.send(&POST).await.unwrap().body(), "ok");
    for outcome in [
        answer(500, ""),
        answer(503, ""),
        answer(408, ""),
        Err(TransportError::broken("x")),
        Err(TransportError::timeout("x")),
    ] {
        let setting = Setting::of([outcome, answer(200, "ok")]);
        assert!(setting.send(&POST).await.is_err());
        assert_eq!(setting.seen(), 1);
    }
    // A query changes nothing, and its document says so.
    let setting = Setting::of([answer(503, ""), answer(200, "ok")]);
    assert!(setting.send(&QUERY).await.is_ok());
}

#[tokio::test]
async fn what_is_marked_unsafe_is_never_sent_twice() {
    for outcome in [answer(429, ""), answer(503, ""), Err(TransportError::connect("x"))] {
        let setting = Setting::of([outcome, answer(200, "ok")]);
        assert!(setting.send(&RECEIVE).await.is_err());
        assert_eq!(setting.seen(), 1);
    }
}

#[tokio::test]
async fn a_stream_is_sent_once() {
    let setting = Setting::of([answer(503, ""), answer(200, "ok")]);
    let mut request = request(&QUERY);
    request.body(Body::from_stream(Pieces(vec!["1"]), None), None);
    assert!(setting.pipeline.send(request).await.is_err());
    assert_eq!(setting.seen(), 1);
}

#[tokio::test]
async fn the_service_says_how_long_to_wait() {
    let date = "Sun, 06 Nov 1994 08:49:47 GMT";
    let setting = Setting::of([
        with(429, "retry-after", "7"),
        with(503, "x-ms-retry-after-ms", "1500"),
        with(429, "retry-after", "3600"),
        answer(200, ""),
    ]);
    setting.send(&GET).await.unwrap();
    assert_eq!(setting.waited(), [7000, 1500, 60_000], "an hour is too long");
    // Ten seconds after the clock's time.
    let setting = Setting::of([with(503, "retry-after", date), answer(200, "")]);
    setting.send(&GET).await.unwrap();
    assert_eq!(setting.waited(), [10_000]);
    // The caller can read it too.
    let setting = Setting::of([with(503, "retry-after", "7")]);
    let error = setting.pipeline.clone().with_retry(Retry::none()).send(request(&GET)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

impl Pipeline {
    /// By these clocks nothing takes time: what does not answer at once never does.
    async fn get(&self) -> Result<RawResponse, Error> {
        let mut call = self.send(request(&GET));
        poll_fn(|cx| match call.as_mut().poll(cx) {
            Poll::Pending => panic!("the call waits without end"),
            ready => ready,
        })
        .await
    }
}

#[tokio::test]
async fn no_try_begins_after_the_total_time() {
    let slow = || with(503, "retry-after", "50");
    let setting = Setting::of([slow(), slow(), slow(), slow(), slow(), answer(200, "")]);
    let retry = Retry::new().with_tries(100).with_total_time(Duration::from_secs(120));
    assert!(setting.pipeline.clone().with_retry(retry).get().await.is_err());
    assert_eq!((setting.seen(), setting.waited()), (3, vec![50_000, 50_000]));
}

#[tokio::test]
async fn a_try_that_takes_too_long_is_given_up() {
    let setting = Setting::of([]);
    let retry = Retry::new().with_tries(2).with_delays(Duration::ZERO, Duration::ZERO);
    let pipeline = setting.pipeline.clone().with_try_timeout(Duration::from_secs(3)).with_retry(retry);
    let error = pipeline.get().await.unwrap_err();
    assert_eq!(error.to_string(), "DeviceApi_GetDevice: no answer came within 3s");
    assert_eq!((error.kind(), setting.seen(), setting.waited()), (ErrorKind::Timeout, 2, vec![3000, 0, 3000]));
    assert_eq!(setting.transport.dropped.load(Ordering::Relaxed), 2, "the requests are given up");
}

#[tokio::test]
async fn so_is_a_call() {
    let setting = Setting::of([]);
    let pipeline = setting.pipeline.clone().with_call_timeout(Duration::from_secs(5));
    let pipeline = pipeline.with_try_timeout(Duration::MAX);
    // The alarm of the try would ring at once in this clock; there is none then.
    let pipeline = pipeline.change(|inner| inner.try_timeout = None);
    assert_eq!(pipeline.get().await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!((setting.seen(), setting.waited()), (1, vec![5000]));
}

#[tokio::test]
async fn a_dropped_call_stops() {
    let setting = Setting::of([]);
    let pipeline = setting.pipeline.clone().change(|inner| inner.try_timeout = None);
    let mut call = pipeline.send(request(&GET));
    let polled = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await;
    assert!(polled && setting.transport.dropped.load(Ordering::Relaxed) == 0);
    drop(call);
    assert_eq!(setting.transport.dropped.load(Ordering::Relaxed), 1);
}

/// Gives a number, one higher each time.
#[derive(Default)]
struct Counting {
    signed: AtomicUsize,
    learns: bool,
}

impl Credential for Counting {
    fn authorization<'a>(
        &'a self,
        _: &'a Parts,
        _: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<Option<HeaderValue>, Error>> {
        let number = self.signed.fetch_add(1, Ordering::Relaxed) + 1;
        Box::pin(async move { Ok(Some(HeaderValue::from(number))) })
    }

    fn refused(&self, sent: &HeaderValue, _: &HeaderMap, _: &dyn Clock) -> bool {
        let last = HeaderValue::from(self.signed.load(Ordering::Relaxed));
        self.learns && *sent == last
    }
}

#[tokio::test]
async fn each_try_is_signed_anew() {
    let setting = Setting::of([answer(503, ""), answer(200, "")]);
    let pipeline = setting.pipeline.clone().with_credential(Arc::new(Counting::default()));
    pipeline.get().await.unwrap();
    let signed = [0, 1].map(|index| setting.header(index, "authorization").unwrap());
    assert_eq!(signed, ["1", "2"]);
    // What names the call stays.
    let named = [0, 1].map(|index| setting.header(index, "x-ms-client-request-id").unwrap());
    assert_eq!(named[0], named[1]);
}

#[tokio::test]
async fn a_refusal_from_which_something_is_learnt_is_worth_one_more_try() {
    for (learns, tries) in [(true, 2), (false, 1)] {
        let setting = Setting::of([answer(401, ""), answer(401, ""), answer(401, "")]);
        let credential = Counting { learns, ..Counting::default() };
        let pipeline = setting.pipeline.clone().with_credential(Arc::new(credential));
        assert_eq!(pipeline.get().await.unwrap_err().status().unwrap(), 401);
        assert_eq!((setting.seen(), setting.waited()), (tries, vec![]));
    }
}

/// Without a token.
struct Nothing;

impl Credential for Nothing {
    fn authorization<'a>(
        &'a self,
        _: &'a Parts,
        _: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<Option<HeaderValue>, Error>> {
        Box::pin(async { Err(Error::new(ErrorKind::Authentication, "there is no token to be had")) })
    }
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let setting = Setting::of([answer(200, "")]);
    let pipeline = setting.pipeline.clone().with_credential(Arc::new(Nothing));
    assert_eq!(pipeline.get().await.unwrap_err().kind(), ErrorKind::Authentication);
    assert_eq!(setting.seen(), 0);
}

/// Notes when it is passed, and sends requests elsewhere if it is told to.
struct Passing {
    name: &'static str,
    passed: Arc<Mutex<Vec<&'static str>>>,
    elsewhere: Option<&'static str>,
}

impl Policy for Passing {
    fn send<'a>(
        &'a self,
        mut request: http::Request<Body>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<http::Response<Body>, Error>> {
        assert_eq!(next.operation().id(), "DeviceApi_GetDevice");
        self.passed.lock().unwrap().push(self.name);
        if let Some(elsewhere) = self.elsewhere {
            *request.uri_mut() = elsewhere.parse().unwrap();
        }
        request.headers_mut().append("x-passed", HeaderValue::from_static(self.name));
        next.run(request)
    }
}

#[tokio::test]
async fn policies_stand_around_the_call_and_around_each_try() {
    let setting = Setting::of([answer(503, ""), answer(200, "ok")]);
    let passed = Arc::new(Mutex::new(Vec::new()));
    let policy = |name| Arc::new(Passing { name, passed: Arc::clone(&passed), elsewhere: None });
    let pipeline = setting.pipeline.clone().with_try_policy(policy("try 1")).with_call_policy(policy("call 1"));
    let pipeline = pipeline.with_try_policy(policy("try 2")).with_call_policy(policy("call 2"));
    assert_eq!(pipeline.get().await.unwrap().body(), "ok");
    assert_eq!(*passed.lock().unwrap(), ["call 1", "call 2", "try 1", "try 2", "try 1", "try 2"]);
    let seen = setting.transport.seen.lock().unwrap();
    let values: Vec<_> = seen[1].headers.get_all("x-passed").iter().collect();
    assert_eq!(values, ["call 1", "call 2", "try 1", "try 2"], "what the first try added is not there twice");
}

#[tokio::test]
async fn no_credential_goes_to_another_origin() {
    for elsewhere in
        ["https://evil.example/", "http://hub.example/", "http://hub.example:443/", "https://hub.example:444/"]
    {
        let setting = Setting::of([answer(200, "")]);
        let policy = Passing { name: "p", passed: Arc::default(), elsewhere: Some(elsewhere) };
        let pipeline = setting.pipeline.clone().with_try_policy(Arc::new(policy));
        let signed = pipeline.clone().with_credential(Arc::new(Counting::default()));
        assert_eq!(signed.get().await.unwrap_err().kind(), ErrorKind::Build, "{elsewhere}");
        assert_eq!(setting.seen(), 0);
        pipeline.get().await.unwrap();
    }
}

#[tokio::test]
async fn a_url_of_the_service_is_followed_at_its_origin_only() {
    let setting = Setting::of([answer(503, ""), answer(202, "ok"), answer(404, "")]);
    let pipeline = setting.pipeline.clone().with_credential(Arc::new(Counting::default()));
    let answer = pipeline.follow(&POST, Method::GET, "https://hub.example/page?2").await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.body()[..]), (202, &b"ok"[..]));
    assert_eq!(setting.transport.seen.lock().unwrap()[1].uri, "https://hub.example/page?2");
    assert!(pipeline.follow(&POST, Method::GET, "/x").await.unwrap_err().is_not_found());
    let error = pipeline.follow(&POST, Method::GET, "https://evil.example/page").await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Decode, Some("DeviceApi_Bulk")));
    assert_eq!(setting.seen(), 3);
}

#[tokio::test]
async fn a_call_has_a_name_of_its_own() {
    let setting = Setting::of([answer(200, ""), answer(200, "")]);
    // The chance of the real clock.
    let pipeline = setting.pipeline.clone().with_clock(Arc::new(SystemClock));
    pipeline.get().await.unwrap();
    pipeline.get().await.unwrap();
    let [one, two] = [0, 1].map(|index| setting.header(index, "x-ms-client-request-id").unwrap());
    assert_ne!(one, two);
    // RFC 9562 §4, §5.4: groups of 8, 4, 4, 4 and 12 hexadecimal digits, version 4, variant 10.
    let groups: Vec<&str> = one.split('-').collect();
    assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{one}");
    assert!(groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(groups[2].starts_with('4') && groups[3].starts_with(['8', '9', 'a', 'b']), "{one}");
}

#[test]
fn a_call_may_move_to_another_thread() {
    fn moves<T: Send>(_: T) {}
    let setting = Setting::of([]);
    moves(setting.pipeline.send(request(&GET)));
    moves(setting.pipeline.follow(&GET, Method::GET, "/"));
}
/// A call is as large as what it waits for, and not twice that at each turn: ten thousand at once are no matter.
#[test]
fn a_call_is_small() {
    let setting = Setting::of([]);
    let size = size_of_val(&*setting.pipeline.send(request(&GET)));
    assert!(size < 4096, "{size}");
}
