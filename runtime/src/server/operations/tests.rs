use http::{Method, Response};

use super::*;
use crate::body::Body;
use crate::server::ids::RequestIds;
use crate::server::testing::{Still, context, head};
use crate::transport::{BoxFuture, Transport, TransportError};
use crate::{Endpoint, ErrorKind, FinalState, LongCall, Operation, Pipeline, Request};

const OWNER: &str = "s1";

fn registry(clock: &Still) -> Operations<String> {
    Operations::new().with_clock(Arc::new(clock.clone()))
}

fn broken() -> ServiceError {
    ServiceError::new(StatusCode::BAD_REQUEST, "BadSku", "There is no such SKU.").with_detail("sku", "S9")
}

fn states<T>(operations: &Operations<T>, ids: &[String]) -> Vec<Option<&'static str>> {
    ids.iter().map(|id| operations.find(OWNER, id).ok().map(|state| state.status())).collect()
}

#[test]
fn from_the_beginning_to_the_end() {
    let clock = Still::at(100);
    let operations = registry(&clock);
    let work = operations.begin(OWNER).unwrap();
    let id = work.id().to_owned();
    let running = operations.find(OWNER, &id).unwrap();
    assert_eq!(running.body(), json!({ "status": "Running" }));
    assert!(running.result().unwrap().is_none());
    assert!(!work.is_canceled() && work.end(Ok("hub".to_owned())));
    for _ in 0..2 {
        let over = operations.find(OWNER, &id).unwrap();
        assert_eq!(over.body(), json!({ "status": "Succeeded" }));
        assert_eq!(*over.result().unwrap().unwrap(), "hub");
    }
}

#[test]
fn a_failure_is_told_again_and_again() {
    let operations = registry(&Still::at(0));
    let work = operations.begin(OWNER).unwrap();
    let id = work.id().to_owned();
    work.end(Err(broken().with_source("for the logs")));
    for _ in 0..2 {
        let over = operations.find(OWNER, &id).unwrap();
        let body = json!({ "status": "Failed", "error": { "code": "BadSku", "message": "There is no such SKU." } });
        assert_eq!(over.body(), body);
        let error = over.result().unwrap_err();
        assert_eq!((error.status().as_u16(), error.code(), error.details().len()), (400, Some("BadSku"), 1));
    }
}

#[test]
fn work_that_is_dropped_has_failed() {
    let operations = registry(&Still::at(0));
    let work = operations.begin(OWNER).unwrap();
    let id = work.id().to_owned();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _work = work;
        panic!("in the middle of it");
    }));
    assert!(panicked.is_err());
    let over = operations.find(OWNER, &id).unwrap();
    assert_eq!(over.result().unwrap_err().status(), 500);
    assert_eq!(over.body()["error"]["code"], "InternalServerError", "there is always a code");
}

#[test]
fn called_off() {
    let clock = Still::at(0);
    let operations = registry(&clock);
    let work = operations.begin(OWNER).unwrap();
    let id = work.id().to_owned();
    assert_eq!(operations.cancel("s2", &id).unwrap_err().status(), 404);
    assert!(!work.is_canceled());
    assert_eq!(operations.cancel(OWNER, &id).unwrap().status(), "Canceled");
    assert!(work.is_canceled() && !work.end(Ok("too late".to_owned())));
    let over = operations.find(OWNER, &id).unwrap();
    assert_eq!(over.body(), json!({ "status": "Canceled" }));
    assert_eq!(over.result().unwrap_err().status(), 409);
    // What has ended stays as it is.
    let timed = operations.begin_timed(OWNER, Duration::from_secs(5), Ok("hub".to_owned())).unwrap();
    let other = operations.begin_timed(OWNER, Duration::from_secs(5), Ok("hub".to_owned())).unwrap();
    operations.cancel(OWNER, &other).unwrap();
    clock.pass(5);
    assert_eq!(operations.cancel(OWNER, &timed).unwrap().status(), "Succeeded");
    assert_eq!(states(&operations, &[timed, other]), [Some("Succeeded"), Some("Canceled")]);
    assert_eq!(format!("{operations:?}"), "Operations { running: 0, ended: 3, .. }");
}

#[test]
fn the_clock_ends_what_nobody_works_on() {
    let clock = Still::at(1000);
    let operations = registry(&clock).with_retention(Duration::from_secs(60));
    let lasts = |seconds| Duration::from_secs(seconds);
    let ids = [
        operations.begin_timed(OWNER, lasts(0), Ok("now".to_owned())).unwrap(),
        operations.begin_timed(OWNER, lasts(20), Err(broken())).unwrap(),
        operations.begin_timed(OWNER, lasts(10), Ok("soon".to_owned())).unwrap(),
        operations.begin_timed(OWNER, Duration::MAX, Ok("never".to_owned())).unwrap(),
    ];
    let (running, good, bad) = (Some("Running"), Some("Succeeded"), Some("Failed"));
    assert_eq!(states(&operations, &ids), [good, running, running, running]);
    clock.pass(9);
    assert_eq!(states(&operations, &ids), [good, running, running, running]);
    clock.pass(1);
    assert_eq!(states(&operations, &ids), [good, running, good, running]);
    clock.pass(10);
    assert_eq!(states(&operations, &ids), [good, bad, good, running]);
    // Kept from the end on, whenever somebody looked.
    clock.set(1059);
    assert_eq!(states(&operations, &ids), [good, bad, good, running]);
    clock.set(1060);
    assert_eq!(states(&operations, &ids), [None, bad, good, running]);
    clock.set(1_000_000);
    assert_eq!(states(&operations, &ids), [None, None, None, running]);
    assert_eq!(format!("{operations:?}"), "Operations { running: 1, ended: 0, .. }");
}

#[test]
fn results_are_kept_for_a_while_and_a_clock_that_goes_back_drops_none() {
    let clock = Still::at(5000);
    let operations = registry(&clock).with_retention(Duration::from_secs(60));
    let work = operations.begin(OWNER).unwrap();
    let ids = [work.id().to_owned()];
    clock.pass(10_000);
    assert_eq!(states(&operations, &ids), [Some("Running")], "however long it takes");
    work.end(Ok("hub".to_owned()));
    clock.set(10);
    assert_eq!(states(&operations, &ids), [Some("Succeeded")]);
    clock.set(15_059);
    assert_eq!(states(&operations, &ids), [Some("Succeeded")]);
    clock.set(15_060);
    assert_eq!(states(&operations, &ids), [None]);
}

#[test]
fn the_oldest_results_go_first_and_nothing_that_runs() {
    let clock = Still::at(0);
    let operations = registry(&clock).with_limits(10, 2);
    let works: Vec<_> = (0..4).map(|_| operations.begin(OWNER).unwrap()).collect();
    let ids: Vec<String> = works.iter().map(|work| work.id().to_owned()).collect();
    let mut works = works.into_iter();
    let running = works.next();
    // The last one ends first.
    for work in works.rev() {
        work.end(Ok(String::new()));
        clock.pass(1);
    }
    let good = Some("Succeeded");
    assert_eq!(states(&operations, &ids), [Some("Running"), good, good, None]);
    drop(running);
    assert_eq!(states(&operations, &ids), [Some("Failed"), good, None, None]);
}

#[test]
fn too_many_are_refused() {
    let clock = Still::at(0);
    let operations = registry(&clock).with_limits(2, 10).with_retry_after(7);
    let work = operations.begin(OWNER).unwrap();
    operations.begin_timed("s2", Duration::from_secs(3), Ok(String::new())).unwrap();
    let refused = operations.begin(OWNER).unwrap_err();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &HeaderValue::from(7)));
    assert_eq!(operations.begin_timed(OWNER, Duration::ZERO, Ok(String::new())).unwrap_err().status(), 429);
    work.end(Ok(String::new()));
    let work = operations.begin(OWNER).unwrap();
    assert!(operations.begin(OWNER).is_err());
    clock.pass(3);
    assert!(operations.begin(OWNER).is_ok(), "the one that was due has ended");
    drop(work);
}

#[test]
fn nobody_else_s_and_no_other_ids() {
    let operations = registry(&Still::at(0));
    let (first, second) = (operations.begin(OWNER).unwrap(), operations.begin("s2").unwrap());
    assert!(operations.find(OWNER, first.id()).is_ok() && operations.find("s2", second.id()).is_ok());
    let number = first.id().split_once('-').unwrap().1;
    for (owner, id) in [
        ("s2", first.id()),
        ("S1", first.id()),
        ("", first.id()),
        (OWNER, second.id()),
        (OWNER, ""),
        (OWNER, number),
        (OWNER, &format!("-{number}")),
        (OWNER, &first.id().replace('-', "-0")),
        (OWNER, &first.id().replace('-', "-+")),
        (OWNER, &first.id().to_uppercase().replace("10", "1O")),
        (OWNER, &format!("{}0", first.id())),
        (OWNER, "\u{e9}-1"),
    ] {
        let error = operations.find(owner, id).unwrap_err();
        assert_eq!((error.status().as_u16(), error.code()), (404, Some("OperationNotFound")), "{owner} {id}");
    }
    // An id of before a restart is not that of another operation now.
    let restarted: Operations<String> = Operations::new();
    let _work = restarted.begin(OWNER).unwrap();
    assert!(restarted.find(OWNER, first.id()).is_err());
}

#[test]
fn what_was_kept_is_known_after_a_restart() {
    let clock = Still::at(100);
    let operations = registry(&clock);
    let lasts = Duration::from_secs(30);
    let work = operations.begin(OWNER).unwrap();
    let begun = |end| operations.begin_timed(OWNER, lasts, end).unwrap();
    let (good, bad) = (begun(Ok("hub".to_owned())), begun(Err(broken())));
    let never = operations.begin_timed(OWNER, Duration::MAX, Ok("never".to_owned())).unwrap();
    let (over, canceled) = (operations.begin(OWNER).unwrap(), begun(Ok(String::new())));
    let ended = over.id().to_owned();
    clock.pass(10);
    over.end(Ok("early".to_owned()));
    operations.cancel(OWNER, &canceled).unwrap();
    let ids = [work.id().to_owned(), good, bad, never, ended, canceled];
    let kept: Vec<_> = ids.iter().map(|id| operations.kept(OWNER, id).unwrap()).collect();
    assert_eq!(operations.kept("s2", &ids[0]).unwrap_err().status(), 404);

    let operations = registry(&clock).with_retention(Duration::from_secs(60));
    assert!(kept.iter().all(|kept| operations.put_back(kept.clone())));
    assert!(!operations.put_back(kept[1].clone()), "it is known");
    let none = KeptOperation { id: "A-1".to_owned(), ..kept[1].clone() };
    assert!(!operations.put_back(none), "it is no id");
    let (runs, ok, failed, off) = (Some("Running"), Some("Succeeded"), Some("Failed"), Some("Canceled"));
    assert_eq!(states(&operations, &ids), [failed, runs, runs, runs, ok, off]);
    assert_eq!(operations.find("s2", &ids[1]).unwrap_err().status(), 404);
    // Also where a registry of before had the same name.
    let new = operations.begin(OWNER).unwrap();
    assert!(!ids.contains(&new.id().to_owned()), "{}", new.id());
    clock.pass(20);
    assert_eq!(states(&operations, &ids), [failed, ok, failed, runs, ok, off]);
    assert_eq!(*operations.find(OWNER, &ids[1]).unwrap().result().unwrap().unwrap(), "hub");
    assert_eq!(operations.find(OWNER, &ids[2]).unwrap().body()["error"]["code"], "BadSku");
    // They are kept for as long as they would have been.
    clock.set(169);
    assert_eq!(states(&operations, &ids), [failed, ok, failed, runs, ok, off]);
    clock.set(170);
    assert_eq!(states(&operations, &ids), [None, ok, failed, runs, None, None]);

    operations.clear();
    assert_eq!(states(&operations, &ids), [None; 6]);
    assert!(new.is_canceled() && !new.end(Ok(String::new())));
}

#[test]
fn links_lead_back() {
    let operations = registry(&Still::at(0)).with_retry_after(15);
    let cx = context("/subscriptions/s%201/IotHubs/h?x=1&api-version=2017-01-19");
    let links = operations.links(&cx, &format!("{}/operationResults/", cx.uri().path()), "ab-1");
    let result = "http://localhost:8080/subscriptions/s%201/IotHubs/h/operationResults/ab-1?api-version=2017-01-19";
    assert_eq!(links.result, result);
    assert_eq!((links.status, links.retry_after), (format!("{result}&asyncinfo"), 15));
    // Without a version; and what comes from the request cannot leave its place.
    let links = operations.links(&context("/"), "results\r\nx: y?#/a b", "a/b?c");
    assert_eq!(links.result, "http://localhost:8080/results%0D%0Ax%3A%20y%3F%23/a%20b/a%2Fb%3Fc".replace("%3A", ":"));
    assert_eq!(links.status, format!("{}?asyncinfo", links.result));
    let odd = Context::new(
        head("localhost", "/?api-version=a%26b%0D", &[]),
        &crate::server::testing::ROUTE,
        RequestIds::new().next(),
        None,
    );
    assert_eq!(operations.links(&odd, "/r", "1").result, "http://localhost/r/1?api-version=a%26b%0D");
}

/// Hubs, as a handler would serve them, without a router.
struct Hubs(Operations<String>);

impl Hubs {
    fn answer(&self, request: &http::Request<Body>) -> Result<Response<Body>, ServiceError> {
        let cx = context(request.uri().path_and_query().unwrap().as_str());
        let (path, wants_state) = (cx.uri().path(), cx.uri().query().is_some_and(|query| query.ends_with("asyncinfo")));
        if let Some((_, id)) = path.split_once("/operationResults/") {
            let operation = self.0.find(OWNER, id)?;
            let wait = self.0.retry_after().to_string();
            let wait = &[("retry-after", wait.as_str())];
            return Ok(match wants_state {
                true => answer(200, wait, operation.body().to_string()),
                false => operation
                    .result()?
                    .map_or(answer(202, wait, String::new()), |hub| answer(200, &[], hub.to_string())),
            });
        }
        let end = if path.ends_with("bad") { Err(broken()) } else { Ok("moved".to_owned()) };
        let id = match *request.method() {
            Method::GET => return Ok(answer(200, &[], "the hub".to_owned())),
            _ => self.0.begin_timed(OWNER, Duration::from_secs(25), end)?,
        };
        let links = self.0.links(&cx, &format!("{path}/operationResults"), &id);
        let (wait, status) = (links.retry_after.to_string(), ("azure-asyncoperation", links.status.as_str()));
        Ok(match *request.method() {
            Method::PUT => answer(201, &[status, ("retry-after", &wait)], "{}".to_owned()),
            Method::POST => answer(202, &[("location", &links.result), ("retry-after", &wait)], String::new()),
            _ => answer(202, &[status, ("location", &links.result), ("retry-after", &wait)], "null".to_owned()),
        })
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: String) -> Response<Body> {
    let answer =
        headers.iter().fold(Response::builder().status(status), |answer, (name, value)| answer.header(*name, *value));
    answer.body(Body::from(body)).unwrap()
}

impl Transport for Hubs {
    fn send(&self, request: http::Request<Body>) -> BoxFuture<'_, Result<Response<Body>, TransportError>> {
        let failed =
            |error: ServiceError| answer(error.status().as_u16(), &[], json!({ "code": error.code() }).to_string());
        let answer = self.answer(&request).unwrap_or_else(failed);
        Box::pin(std::future::ready(Ok(answer)))
    }
}

static PUT: Operation = Operation::new("Put", Method::PUT, "/hubs/{}").result_at(FinalState::OriginalUri);
static MOVE: Operation = Operation::new("Move", Method::POST, "/hubs/{}").result_at(FinalState::Location);
static DELETE: Operation = Operation::new("Delete", Method::DELETE, "/hubs/{}").result_at(FinalState::Status);

/// The clients of this runtime see each operation through, in the time that the clock says and no longer.
#[tokio::test]
async fn clients_see_it_through() {
    for (operation, hub, expected) in [
        (&PUT, "h", Ok("the hub")),
        (&MOVE, "h", Ok("moved")),
        (&DELETE, "h", Ok("")),
        (&PUT, "bad", Err(ErrorKind::Polling)),
        (&MOVE, "bad", Err(ErrorKind::Service)),
    ] {
        let clock = Still::at(0);
        let hubs = Hubs(registry(&clock).with_retry_after(10));
        let pipeline = Pipeline::new(Endpoint::new("http://localhost:8080").unwrap(), Arc::new(hubs))
            .with_clock(Arc::new(clock.clone()));
        let mut request = Request::new(operation);
        request.path(&hub);
        let read = |raw: &crate::RawResponse| Ok(String::from_utf8_lossy(raw.body()).into_owned());
        let end = LongCall::new(&pipeline, request, read).await;
        match expected {
            Ok(body) => assert_eq!(end.unwrap().body(), body, "{operation:?}"),
            Err(kind) => {
                let error = end.unwrap_err();
                assert_eq!((error.kind(), error.code()), (kind, Some("BadSku")), "{operation:?}");
            }
        }
        assert_eq!(clock.waited(), [10, 10, 10], "{operation:?}");
    }
}
