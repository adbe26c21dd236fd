//! A table of round trips, and that nothing is missing from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use http::{Method, Request, StatusCode};
use iothub::runtime::server::{Route, Service, ServiceError};
use iothub::runtime::transport::BoxFuture;
use iothub::runtime::{Body, Bytes};
use iothub::{Error, ErrorKind, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use specsmith::Builder;

use super::both::{Both, Seen, servers};
use super::recorder::Anything;
use super::{device, hub, management};
use crate::answers::answer;
use crate::scratch::root;

/// A call, the request that has to arrive, what is answered, and what has to come back.
pub(super) struct Trip {
    id: &'static str,
    asked: Box<dyn FnOnce(Anything)>,
    answer: Anything,
    call: Box<Call>,
}

type Call = dyn FnOnce(&Both) -> BoxFuture<'static, Outcome>;

/// What came back, once it has lost its type.
enum Outcome {
    /// To be compared.
    Success(Box<dyn FnOnce() + Send>),
    Failure(Error, Box<dyn FnOnce(&Error) + Send>),
}

/// What has to come back: a success, or an error.
pub(super) struct Back<T> {
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    success: Option<T>,
    failure: Box<dyn FnOnce(&Error) + Send>,
}

/// A success with this status and this body.
pub(super) fn success<T>(status: u16, body: T) -> Back<T> {
    Back { status, headers: &[], success: Some(body), failure: Box::new(|error| panic!("{error:?}")) }
}

/// An error of the service with this status and this body.
pub(super) fn failure<T, E: DeserializeOwned + PartialEq + Debug + Send + 'static>(status: u16, body: E) -> Back<T> {
    let failure = move |error: &Error| assert_eq!(error.body_json::<E>(), Some(body));
    Back { status, headers: &[], success: None, failure: Box::new(failure) }
}

impl<T: PartialEq + Debug + Send + 'static> Back<T> {
    pub(super) fn with(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = headers;
        self
    }

    fn outcome(self, came: Result<Response<T>, Error>) -> Outcome {
        let Self { status, headers, success, failure } = self;
        match came {
            Ok(response) => Outcome::Success(Box::new(move || {
                assert_eq!(response.status(), status);
                for (name, value) in headers {
                    assert_eq!(response.header(name), Some(*value), "{name}");
                }
                assert!(response.request_id().is_some());
                assert_eq!(Some(response.body()), success.as_ref());
            })),
            Err(error) => Outcome::Failure(
                error,
                Box::new(move |error| {
                    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, status));
                    assert!(error.request_id().is_some());
                    failure(error);
                }),
            ),
        }
    }
}

/// A trip of the operation of this id.
pub(super) fn trip<C, Q, R, T>(
    id: &'static str,
    call: impl FnOnce(&Both) -> C + 'static,
    asked: impl FnOnce(Q) + 'static,
    answer: R,
    back: Back<T>,
) -> Trip
where
    C: IntoFuture<Output = Result<Response<T>, Error>>,
    C::IntoFuture: Send + 'static,
    Q: 'static,
    R: Send + 'static,
    T: PartialEq + Debug + Send + 'static,
{
    Trip {
        id,
        asked: Box::new(|request| asked(*request.downcast().unwrap_or_else(|_| panic!("another operation's request")))),
        answer: Box::new(answer),
        call: Box::new(|both| {
            let call = call(both).into_future();
            Box::pin(async move { back.outcome(call.await) })
        }),
    }
}

/// What has to arrive: a request with these fields, and no other ones.
macro_rules! asked {
    ($request:ty { $($field:ident: $expected:expr),* $(,)? }) => {
        move |request: $request| {
            let shown = format!("{request:#?}");
            assert_eq!($crate::round_trips::table::fields(&shown), [$(stringify!($field)),*] as [&str; _]);
            $(assert_eq!(request.$field, $expected, stringify!($field));)*
        }
    };
}
pub(super) use asked;

/// The names of the fields of a struct, from what it prints.
pub(super) fn fields(shown: &str) -> Vec<&str> {
    let lines = shown.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(':'));
    lines.map(|(name, _)| name).filter(|name| !name.starts_with([' ', '}', ']', ')'])).collect()
}

/// A request of an operation that no client has. In the target a `*` stands for the argument.
pub(super) fn raw(method: Method, target: &str, arguments: &[&str], body: impl Into<Body>) -> Request<Body> {
    let arguments = arguments.iter().map(|argument| argument.bytes().map(|byte| format!("%{byte:02X}")).collect());
    let target = arguments.fold(target.to_owned(), |target, argument: String| target.replacen('*', &argument, 1));
    Request::builder().method(method).uri(target).body(body.into()).unwrap()
}

/// A model: the recorded answer to an operation.
pub(super) fn sample<T: DeserializeOwned>(id: &str) -> T {
    serde_json::from_value(answer(id).value()).unwrap()
}

/// JSON as it is sent.
pub(super) fn bytes(body: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(body).unwrap().into()
}

async fn run(trips: Vec<Trip>) -> Vec<Seen> {
    let mut all = Vec::new();
    for trip in trips {
        // Shown where it fails.
        println!("{}", trip.id);
        let both = Both::new();
        both.recorder.answer(trip.answer);
        let outcome = (trip.call)(&both).await;
        let mut requests = both.recorder.asked();
        assert_eq!(requests.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [trip.id]);
        (trip.asked)(requests.remove(0).1);
        match outcome {
            Outcome::Success(compare) => compare(),
            Outcome::Failure(error, compare) => compare(&error),
        }
        all.extend(both.seen());
    }
    all
}

fn all() -> Vec<Trip> {
    [hub::trips(), device::trips(), management::trips()].into_iter().flatten().collect()
}

/// What is missing of what an operation declares.
fn missing(operation: &Value, seen: &[&Seen]) -> Vec<String> {
    let mut missing = Vec::new();
    let text = |value: &Value| value.as_str().unwrap().to_ascii_lowercase();
    for parameter in operation["parameters"].as_array().unwrap() {
        let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
        let is_there = |seen: &&Seen| match place.as_str() {
            // Without it the path would be another.
            "path" => true,
            "query" | "query-flag" => seen.query.iter().any(|own| own.eq_ignore_ascii_case(&name)),
            "header" => seen.headers.contains(&name),
            "header-prefix" => seen.headers.iter().any(|own| own.starts_with(&name)),
            "body" => seen.has_body,
            other => panic!("{other}"),
        };
        if !seen.iter().any(is_there) {
            missing.push(format!("{place} {name}"));
        }
    }
    let responses = operation["responses"].as_array().unwrap();
    let declared: Vec<u64> = responses.iter().filter_map(|response| response["status"].as_u64()).collect();
    for response in responses {
        let has_status = |seen: &&&Seen| match response["status"].as_u64() {
            Some(status) => u64::from(seen.status) == status,
            None => !declared.contains(&seen.status.into()),
        };
        let answers: Vec<_> = seen.iter().filter(has_status).collect();
        if answers.is_empty() {
            missing.push(format!("status {}", response["status"]));
        }
        for header in response["headers"].as_array().unwrap() {
            let name = text(&header["name"]);
            let is = |own: &String| *own == name || header["prefix"] == true && own.starts_with(&name);
            if !answers.iter().any(|seen| seen.answered.iter().any(is)) {
                missing.push(format!("header {name} of {}", response["status"]));
            }
        }
    }
    missing
}

#[tokio::test]
async fn of_every_operation_with_all_that_it_declares() {
    let inspection = Builder::new().manifest(root().join("specsmith.yaml")).quiet(true).inspect().unwrap().value;
    let operations = inspection["operations"].as_array().unwrap();
    let declared: BTreeMap<&str, &Value> =
        operations.iter().map(|operation| (operation["id"].as_str().unwrap(), operation)).collect();
    let served = servers(&Arc::default());
    let served: BTreeSet<&str> = served.iter().flat_map(Service::routes).map(Route::id).collect();
    assert_eq!(declared.keys().copied().collect::<BTreeSet<_>>(), served);
    let trips = all();
    let covered: BTreeSet<&str> = trips.iter().map(|trip| trip.id).collect();
    assert_eq!(served.symmetric_difference(&covered).collect::<Vec<_>>(), [&""; 0]);

    let seen = run(trips).await;
    let missing = declared.into_iter().flat_map(|(id, operation)| {
        let seen: Vec<&Seen> = seen.iter().filter(|seen| seen.id == id).collect();
        missing(operation, &seen).into_iter().map(move |missing| format!("{id}: {missing}"))
    });
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

/// An error that no document declares: in the form of the service, with all that the client is to know.
#[tokio::test]
async fn of_every_operation_s_errors() {
    for trip in all() {
        println!("{}", trip.id);
        let both = Both::new();
        let error = ServiceError::new(StatusCode::CONFLICT, "SomeCode", "Some; message")
            .with_header(http::header::RETRY_AFTER, "7".parse().unwrap());
        both.recorder.answer(Box::new(error));
        let Outcome::Failure(error, _) = (trip.call)(&both).await else { panic!("no error") };
        let facts = (error.kind(), error.status().unwrap().as_u16(), error.code());
        assert_eq!(facts, (ErrorKind::Service, 409, Some("SomeCode")));
        let message = if trip.id.starts_with("IotHubResource") { "Some; message" } else { "Some, message" };
        assert_eq!(error.message(), Some(message));
        assert_eq!(error.retry_after().unwrap().as_secs(), 7);
        assert!(error.request_id().is_some());
        if trip.id.starts_with("IotHubResource") {
            assert!(error.body_json::<Value>().unwrap()["error"]["code"] == "SomeCode");
        } else {
            assert_eq!(error.headers()["iothub-errorcode"], "SomeCode");
        }
    }
}
