use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http::Method;
use proptest::prelude::*;

use super::token::Token;
use super::*;
use crate::transport::{Transport, TransportError};
use crate::{Body, Clock, Endpoint, ErrorFormat, ErrorKind, Retry};

const PATH: &str = "/subscriptions/{}/resourceGroups/{}/IotHubs/{}";
const HUB: &str = "/subscriptions/s1/resourceGroups/rg/IotHubs/hub1";

const PUT_HUB: Operation =
    Operation::new("Hub_Put", Method::PUT, PATH).api_version("2017-01-19").errors(ErrorFormat::Arm);
static PUT: Operation = PUT_HUB.result_at(FinalState::OriginalUri);
static PUT_UNSAID: Operation = PUT_HUB;
static DELETE: Operation =
    Operation::new("Hub_Delete", Method::DELETE, PATH).errors(ErrorFormat::Arm).result_at(FinalState::Status);
static POST: Operation = Operation::new("Hub_Move", Method::POST, "/subscriptions/{}/move");
static POST_STATUS: Operation =
    Operation::new("Hub_Copy", Method::POST, "/subscriptions/{}/copy").result_at(FinalState::Status);

/// Answers in turn, and keeps the lines of the requests.
#[derive(Default)]
struct Service {
    answers: Mutex<VecDeque<http::Response<Body>>>,
    seen: Mutex<Vec<String>>,
}

impl Transport for Service {
    fn send(&self, request: http::Request<Body>) -> BoxFuture<'_, Result<http::Response<Body>, TransportError>> {
        let line = format!("{} {}", request.method(), request.uri());
        self.seen.lock().unwrap().push(line.replace("https://arm.example", ""));
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move { answer.ok_or_else(|| TransportError::broken("no answer is left")) })
    }
}

/// A clock that stands still until somebody waits for it.
#[derive(Default)]
struct Still(Mutex<Vec<u64>>);

impl Clock for Arc<Still> {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = Arc::clone(self);
        Box::pin(async move { clock.0.lock().unwrap().push(duration.as_secs()) })
    }

    fn random(&self) -> f64 {
        0.0
    }
}

struct Setting {
    service: Arc<Service>,
    clock: Arc<Still>,
    pipeline: Pipeline,
}

fn answer(status: u16, headers: &[(&str, &str)], body: &'static str) -> http::Response<Body> {
    let builder = http::Response::builder().status(status);
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    builder.body(body.into()).unwrap()
}

fn ok(body: &'static str) -> http::Response<Body> {
    answer(200, &[], body)
}

const STATUS: (&str, &str) = ("azure-asyncoperation", "https://arm.example/ops/1?api-version=2017-01-19&asyncinfo");

impl Setting {
    fn of<const N: usize>(answers: [http::Response<Body>; N]) -> Setting {
        let (service, clock) = (Arc::new(Service::default()), Arc::new(Still::default()));
        service.answers.lock().unwrap().extend(answers);
        let pipeline = Pipeline::new(Endpoint::new("arm.example").unwrap(), service.clone())
            .with_retry(Retry::none())
            .with_clock(Arc::new(Arc::clone(&clock)));
        Setting { service, clock, pipeline }
    }

    fn call(&self, operation: &'static Operation) -> LongCall<String> {
        let mut request = Request::new(operation);
        for argument in ["s1", "rg", "hub1"].iter().take(operation.path().matches('{').count()) {
            request.path(argument);
        }
        LongCall::new(&self.pipeline, request, |raw| Ok(String::from_utf8_lossy(raw.body()).into_owned()))
    }

    fn resume(&self, operation: &'static Operation, token: &str) -> Result<Poller<String>, Error> {
        Poller::resume(&self.pipeline, operation, token, &[Some(&"s1"), None, None], |raw| {
            Ok(String::from_utf8_lossy(raw.body()).into_owned())
        })
    }

    fn seen(&self) -> Vec<String> {
        self.service.seen.lock().unwrap().clone()
    }

    fn waited(&self) -> Vec<u64> {
        self.clock.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn put_as_the_service_does_it() {
    let setting = Setting::of([
        answer(201, &[STATUS], r#"{"properties":{"provisioningState":"Accepted"}}"#),
        ok(r#"{"status":"Running"}"#),
        ok(r#"{"status":"Succeeded"}"#),
        ok("the hub"),
    ]);
    assert_eq!(setting.call(&PUT).await.unwrap().body(), "the hub");
    let put = format!("{HUB}?api-version=2017-01-19");
    let status = "GET /ops/1?api-version=2017-01-19&asyncinfo";
    assert_eq!(setting.seen(), [&format!("PUT {put}"), status, status, &format!("GET {put}")]);
    // The service asks for nothing.
    assert_eq!(setting.waited(), [1, 2]);
}

#[tokio::test]
async fn it_waits_twice_as_long_each_time_up_to_a_bound() {
    let waits = async |change: fn(Pipeline) -> Pipeline| {
        let running = || ok(r#"{"status":"Running"}"#);
        let done = ok(r#"{"status":"Succeeded"}"#);
        let mut setting =
            Setting::of([answer(202, &[STATUS], ""), running(), running(), running(), running(), running(), done]);
        setting.pipeline = change(setting.pipeline);
        setting.call(&DELETE).await.unwrap();
        setting.waited()
    };
    assert_eq!(waits(|pipeline| pipeline).await, [1, 2, 4, 8, 16, 30]);
    let own = waits(|pipeline| pipeline.with_poll_delays(Duration::from_secs(3), Duration::from_secs(5))).await;
    assert_eq!(own, [3, 5, 5, 5, 5, 5]);
}

#[tokio::test]
async fn put_that_is_done_at_once_takes_one_request() {
    for (status, body) in [(200, "{}"), (201, r#"{"properties":{"provisioningState":"Succeeded"}}"#), (204, "")] {
        let setting = Setting::of([answer(status, &[], body)]);
        assert_eq!(setting.call(&PUT).await.unwrap().body(), body);
        assert_eq!((setting.seen().len(), setting.waited()), (1, vec![]));
    }
}

#[tokio::test]
async fn put_without_a_url_is_followed_by_the_state_of_what_it_makes() {
    let setting = Setting::of([
        answer(201, &[], r#"{"properties":{"provisioningState":"Creating"}}"#),
        ok(r#"{"properties":{"provisioningState":"Updating"}}"#),
        ok(r#"{"properties":{"provisioningState":"Succeeded"},"name":"hub1"}"#),
    ]);
    let made = setting.call(&PUT).await.unwrap();
    assert!(made.contains("hub1"), "what was read last is the result: {}", made.body());
    let get = format!("GET {HUB}?api-version=2017-01-19");
    assert_eq!(setting.seen()[1..], [get.clone(), get]);
}

#[tokio::test]
async fn delete_as_the_service_does_it() {
    let setting = Setting::of([
        answer(202, &[STATUS, ("location", "https://arm.example/ops/1"), ("retry-after", "15")], "null"),
        answer(200, &[("retry-after", "7")], r#"{"status":"Running"}"#),
        ok(r#"{"status":"Succeeded"}"#),
    ]);
    assert_eq!(setting.call(&DELETE).await.unwrap().body(), "", "there is nothing left to read");
    assert_eq!((setting.seen().len(), setting.waited()), (3, vec![15, 7]));
    // What is not there.
    let setting = Setting::of([answer(204, &[], "")]);
    assert_eq!(setting.call(&DELETE).await.unwrap().status(), 204);
}

#[tokio::test]
async fn by_location() {
    let place = |url| answer(202, &[("location", url)], "");
    let setting = Setting::of([place("/ops/1"), place("/ops/2"), answer(202, &[], ""), ok("moved")]);
    assert_eq!(setting.call(&POST).await.unwrap().body(), "moved");
    assert_eq!(setting.seen()[1..], ["GET /ops/1", "GET /ops/2", "GET /ops/2"]);
    assert_eq!(setting.waited(), [1, 2, 4]);
}

#[tokio::test]
async fn where_the_result_is() {
    let begun = || answer(202, &[STATUS, ("location", "https://arm.example/result")], "");
    let done = || ok(r#"{"status":"Succeeded"}"#);
    // POST: at the location, unless the document says that it is in the status.
    let setting = Setting::of([begun(), done(), ok("at the location")]);
    assert_eq!(setting.call(&POST).await.unwrap().body(), "at the location");
    assert_eq!(setting.seen()[2], "GET /result");
    let setting = Setting::of([begun(), ok(r#"{"status":"Succeeded","properties":{"a":1}}"#)]);
    assert_eq!(setting.call(&POST_STATUS).await.unwrap().body(), r#"{"a":1}"#);
    let setting = Setting::of([begun(), ok(r#"{"status":"succeeded","result":1}"#)]);
    assert_eq!(setting.call(&POST_STATUS).await.unwrap().body(), r#"{"status":"succeeded","result":1}"#);
    // A status may say it; PUT has it at its own URL.
    let setting =
        Setting::of([begun(), ok(r#"{"status":"Succeeded","resourceLocation":"https://arm.example/r"}"#), ok("r")]);
    assert_eq!(setting.call(&PUT_UNSAID).await.unwrap().body(), "r");
    let setting = Setting::of([begun(), done(), ok("own")]);
    assert_eq!(setting.call(&PUT_UNSAID).await.unwrap().body(), "own");
    assert_eq!(setting.seen()[2], format!("GET {HUB}?api-version=2017-01-19"));
}

#[tokio::test]
async fn failure_and_both_spellings_of_cancelled() {
    let state = r#"{"status":"Failed","error":{"code":"QuotaExceeded","message":"too many hubs"}}"#;
    let setting = Setting::of([answer(201, &[STATUS], "{}"), ok(state)]);
    let error = setting.call(&PUT).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code(), error.operation()),
        (ErrorKind::Polling, Some("QuotaExceeded"), Some("Hub_Put"))
    );
    assert_eq!(error.to_string(), "Hub_Put: the operation failed: too many hubs (in an answer 200 OK)");
    assert_eq!(error.body_json::<Value>().unwrap()["error"]["code"], "QuotaExceeded");
    for spelling in [r#"{"status":"Canceled"}"#, r#"{"status":"Cancelled"}"#, r#"{"status":"canceled"}"#] {
        let setting = Setting::of([answer(201, &[STATUS], "{}"), ok(spelling)]);
        let error = setting.call(&PUT).await.unwrap_err();
        assert_eq!(error.message(), Some("the operation was cancelled"), "{spelling}");
    }
    let setting = Setting::of([
        answer(201, &[], r#"{"properties":{"provisioningState":"Creating"}}"#),
        ok(r#"{"properties":{"provisioningState":"Failed"}}"#),
    ]);
    assert_eq!(setting.call(&PUT).await.unwrap_err().kind(), ErrorKind::Polling);
}

#[tokio::test]
async fn a_service_that_does_not_say_how_it_fares() {
    for (operation, answers) in [
        (&PUT, [answer(201, &[STATUS], "{}"), ok("{}")]),
        (&PUT, [answer(201, &[STATUS], "{}"), ok("no JSON")]),
        (&DELETE, [answer(202, &[], ""), ok("{}")]),
    ] {
        assert_eq!(Setting::of(answers).call(operation).await.unwrap_err().kind(), ErrorKind::Polling);
    }
}

#[tokio::test]
async fn nothing_is_sent_to_another_origin() {
    for header in ["azure-asyncoperation", "operation-location", "location"] {
        for url in ["https://evil.example/ops", "http://arm.example/ops", "//evil.example/", "https://arm.example:444/"]
        {
            let setting = Setting::of([answer(202, &[(header, url)], ""), ok(r#"{"status":"Succeeded"}"#)]);
            assert!(setting.call(&DELETE).await.is_err(), "{header}: {url}");
            assert_eq!(setting.seen().len(), 1, "{header}: {url}");
        }
    }
    let state = r#"{"status":"Succeeded","resourceLocation":"https://evil.example/r"}"#;
    let setting = Setting::of([answer(201, &[STATUS], ""), ok(state), ok("r")]);
    assert!(setting.call(&PUT_UNSAID).await.is_err());
    assert_eq!(setting.seen().len(), 2);
}

#[tokio::test]
async fn progress_can_be_watched() {
    let setting = Setting::of([
        answer(201, &[STATUS], r#"{"properties":{"provisioningState":"Accepted"}}"#),
        ok(r#"{"status":"Running","percentComplete":40.5}"#),
        ok(r#"{"status":"Succeeded"}"#),
        ok("the hub"),
    ]);
    let mut poller = setting.call(&PUT).start().await.unwrap();
    assert_eq!((setting.seen().len(), setting.waited().len()), (1, 0));
    let initial = poller.initial_response().unwrap().unwrap();
    assert_eq!((initial.status().as_u16(), initial.contains("Accepted")), (201, true));
    let first = poller.next().await.unwrap().unwrap();
    assert_eq!((first.status.as_str(), setting.waited().len()), ("Accepted", 0), "it is known already");
    let second = poller.next().await.unwrap().unwrap();
    assert_eq!((second.status.as_str(), second.percent_complete), ("Running", Some(40.5)));
    assert_eq!(poller.next().await.unwrap().unwrap().status, "Succeeded");
    assert!(poller.next().await.is_none() && poller.next().await.is_none());
    assert_eq!(poller.await.unwrap().body(), "the hub");
    assert_eq!(setting.seen().len(), 4);
}

#[tokio::test]
async fn a_failure_ends_the_stream() {
    let setting = Setting::of([answer(201, &[STATUS], "{}"), ok(r#"{"status":"Failed"}"#)]);
    let mut poller = setting.call(&PUT).start().await.unwrap();
    poller.next().await.unwrap().unwrap();
    assert!(poller.next().await.unwrap().is_err());
    assert!(poller.next().await.is_none());
    assert_eq!(poller.resume_token(), "");
    assert!(poller.await.is_err());
}

#[tokio::test]
async fn another_process_goes_on() {
    let setting = Setting::of([
        answer(201, &[STATUS], "{}"),
        ok(r#"{"status":"Running"}"#),
        ok(r#"{"status":"Succeeded"}"#),
        ok("the hub"),
    ]);
    let token = setting.call(&PUT).start().await.unwrap().resume_token();
    let mut poller = setting.resume(&PUT, &token).unwrap();
    assert_eq!(poller.next().await.unwrap().unwrap().status, "Running");
    assert_eq!(setting.waited(), [0], "it asks at once");
    let again = setting.resume(&PUT, &poller.resume_token()).unwrap();
    assert_eq!(again.await.unwrap().body(), "the hub");
    // When it is done, too.
    let setting = Setting::of([answer(200, &[], "made"), ok("read")]);
    let token = setting.call(&PUT).start().await.unwrap().resume_token();
    assert_eq!(setting.resume(&PUT, &token).unwrap().await.unwrap().body(), "read");
}

#[tokio::test]
async fn a_token_is_good_for_what_it_is_of() {
    let setting = Setting::of([answer(201, &[STATUS], "{}")]);
    let token = setting.call(&PUT).start().await.unwrap().resume_token();
    let refused = |result: Result<Poller<String>, Error>| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Build);
        error.message().unwrap().to_owned()
    };
    assert_eq!(refused(setting.resume(&DELETE, &token)), "the resume token is of another operation");
    let decode = |raw: &RawResponse| Ok(String::from_utf8_lossy(raw.body()).into_owned());
    let subscription = |id: &str| Poller::resume(&setting.pipeline, &PUT, &token, &[Some(&id), None, None], decode);
    assert!(subscription("s1").is_ok());
    for other in ["s2", "s", "s11", "s1/resourceGroups/rg"] {
        assert!(refused(subscription(other)).contains("another subscription"), "{other}");
    }
    for other in ["evil.example", "arm.example:8443", "https://arm.example/base"] {
        let pipeline = Pipeline::new(Endpoint::new(other).unwrap(), setting.service.clone());
        let result = Poller::resume(&pipeline, &PUT, &token, &[Some(&"s1"), None, None], decode);
        assert_eq!(refused(result), "the resume token is of another endpoint");
    }
    for nonsense in ["", "x", "e30", &"A".repeat(1 << 20), &token[1..], &format!("{token}{token}")] {
        refused(setting.resume(&PUT, nonsense));
    }
    assert_eq!(setting.seen().len(), 1);
}

#[tokio::test]
async fn a_token_made_by_hand_leads_nowhere_else() {
    let setting = Setting::of([]);
    let made = |url: &str, original: &str, location: Option<&str>| Token {
        operation: "Hub_Put".to_owned(),
        endpoint: "https://arm.example".to_owned(),
        original: original.to_owned(),
        way: None,
        url: url.to_owned(),
        location: location.map(str::to_owned),
    };
    assert!(setting.resume(&PUT, &made("/x", HUB, None).to_string()).is_ok());
    for token in [
        made("https://evil.example/", HUB, None),
        made("/x", HUB, Some("https://evil.example/")),
        made("/x", "https://evil.example/", None),
        made("/x", "/subscriptions/s1/resourceGroups//IotHubs/h", None),
        made("/x", "/subscriptions/s2/resourceGroups/rg/IotHubs/h", None),
    ] {
        assert_eq!(setting.resume(&PUT, &token.to_string()).unwrap_err().kind(), ErrorKind::Build, "{token:?}");
    }
}

proptest! {
    #[test]
    fn a_token_is_what_it_was(url in "\\PC{0,30}", original in "\\PC{0,30}", location in proptest::option::of("\\PC{0,9}")) {
        let token = Token {
            operation: "o".to_owned(), endpoint: "e".to_owned(), original, way: Some(super::machine::Way::Location), url, location,
        };
        prop_assert_eq!(token.to_string().parse::<Token>().unwrap(), token);
    }

    #[test]
    fn no_token_is_too_strange(text in "[A-Za-z0-9_-]{0,60}|\\PC{0,20}", json in "\\{\"version\":1,\"[a-z]{0,9}\":[0-9a-z\"{}\\[\\]]{0,9}\\}") {
        use base64::Engine;
        let setting = Setting::of([]);
        prop_assert!(setting.resume(&PUT, &text).is_err());
        let encoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
        prop_assert!(setting.resume(&PUT, &encoded).is_err());
    }
}
