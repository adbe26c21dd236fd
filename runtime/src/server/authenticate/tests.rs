use std::borrow::Cow;
use std::error::Error as _;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context as Task, Poll};

use http::Method;
use http_body::Frame;
use proptest::prelude::*;
use tower_service::Service as _;

use super::*;
use crate::body::Body;
use crate::credential::SasKey;
use crate::error::{BoxError, ErrorFormat};
use crate::server::testing::{Still, head};
use crate::server::{BodyKind, Handling, Incoming, Router, Service};
use crate::time::UnixTime;

const HUB: &str = "hub.example";

static READ: Route = Route::new("Devices_Get", Method::GET, "/devices/{}");
static EVENTS: Route = Route::new("Runtime_Send", Method::POST, "/devices/{}/messages/events");
static OPEN: Route = Route::new("Anybody", Method::GET, "/devices/{}/anybody");
static CLOSED: Route = Route::new("Nobody", Method::GET, "/devices/{}/nobody");

fn key(text: &str) -> SasKey {
    SasKey::from_bytes(text.as_bytes()).unwrap()
}

/// Two hubs; the policy `p` and the device `a%b` of the first.
#[derive(Default)]
struct Hubs {
    asked: Mutex<Vec<String>>,
}

impl Keys for Hubs {
    fn needed(&self, route: &Route) -> Option<Rights> {
        match route.id() {
            "Devices_Get" => Some(Rights::REGISTRY_READ),
            "Runtime_Send" => Some(Rights::DEVICE_CONNECT),
            "Anybody" => Some(Rights::default()),
            _ => None,
        }
    }

    fn hub<'a>(&'a self, host: &'a str) -> Cow<'a, str> {
        if host == "127.0.0.1" { HUB.into() } else { host.into() }
    }

    async fn policy(&self, hub: &str, name: &str) -> Result<Option<PolicyKeys>, ServiceError> {
        self.asked.lock().unwrap().push(format!("{hub} {name}"));
        match (hub, name) {
            (_, "broken") => Err(ServiceError::plain(StatusCode::SERVICE_UNAVAILABLE, "The keys are away.")),
            (HUB, "p") => Ok(Some(PolicyKeys::new([key("p1"), key("p2")], Rights::REGISTRY_WRITE))),
            (HUB, "d") => Ok(Some(PolicyKeys::new([key("p1"), key("p2")], Rights::DEVICE_CONNECT))),
            ("other.example", "p") => Ok(Some(PolicyKeys::new([key("o1"), key("o2")], Rights::REGISTRY_WRITE))),
            _ => Ok(None),
        }
    }

    async fn device(&self, hub: &str, id: &str) -> Result<Option<[SasKey; 2]>, ServiceError> {
        self.asked.lock().unwrap().push(format!("{hub} {id}"));
        Ok(((hub, id) == (HUB, "a%b")).then(|| [key("d1"), key("d2")]))
    }
}

fn sas() -> SasAuthenticator<Hubs> {
    SasAuthenticator::new(Hubs::default()).with_clock(Arc::new(Still::at(999)))
}

fn token(signed_by: &str, scope: &str, policy: Option<&str>) -> String {
    key(signed_by).token(scope, policy, UnixTime::new(1000)).unwrap().expose().to_owned()
}

/// Who it is, or why not.
async fn ask(
    authenticator: &dyn Authenticator,
    request: &Parts,
    route: &'static Route,
) -> Result<Caller, Option<Refusal>> {
    authenticator.authenticate(request, route).await.map_err(|error| {
        assert_eq!((error.status().as_u16(), error.message()), (401, "Unauthorized"));
        assert_eq!((error.code(), error.details().len()), (None, 0), "the service's own code for it");
        assert_eq!(error.headers().len(), 1);
        assert!(error.headers().contains_key("www-authenticate"));
        error.source().and_then(|source| source.downcast_ref()).copied()
    })
}

#[tokio::test]
async fn the_table() {
    use Refusal::{NotAllowed, OutOfScope, UnknownSigner, WrongSignature};
    let policy = |name: &str, rights| Ok(Caller::Policy { name: name.to_owned(), rights });
    let (p, d) = (policy("p", Rights::REGISTRY_WRITE), policy("d", Rights::DEVICE_CONNECT));
    let device = Ok(Caller::Device { id: "a%b".to_owned() });
    let (own, events) = ("hub.example/devices/a%b", "/devices/a%25b/messages/events");
    for (signed_by, scope, name, host, path, route, expected) in [
        ("p1", HUB, Some("p"), HUB, "/devices/x", &READ, p.clone()),
        ("p2", HUB, Some("p"), "HUB.example:8080", "/devices/x", &READ, p.clone()),
        ("p2", HUB, Some("p"), "127.0.0.1:8080", "/devices/x?a=b", &READ, p.clone()),
        ("p1", HUB, Some("p"), HUB, "/devices/x/anybody", &OPEN, p.clone()),
        ("p1", HUB, Some("d"), HUB, events, &EVENTS, d),
        ("d1", own, None, HUB, events, &EVENTS, device.clone()),
        ("d2", own, None, "127.0.0.1", events, &EVENTS, device.clone()),
        ("d2", own, None, HUB, "/devices/a%25b/anybody", &OPEN, device),
        ("o1", "other.example", Some("p"), "other.example", "/devices/x", &READ, p),
        // The wrong key, or that of another hub, or of nobody.
        ("d1", HUB, Some("p"), HUB, "/devices/x", &READ, Err(WrongSignature)),
        ("p1", HUB, Some("p"), "other.example", "/devices/x", &READ, Err(WrongSignature)),
        ("p1", own, None, HUB, events, &EVENTS, Err(WrongSignature)),
        ("\0", HUB, Some("q"), HUB, "/devices/x", &READ, Err(UnknownSigner)),
        ("\0", "hub.example/devices/c", None, HUB, "/devices/c/messages/events", &EVENTS, Err(UnknownSigner)),
        // Which device it would be is not known.
        ("\0", HUB, None, HUB, "/twins/a%25b", &OPEN, Err(UnknownSigner)),
        ("\0", HUB, None, HUB, "/devices", &OPEN, Err(UnknownSigner)),
        ("\0", HUB, None, HUB, "/devices/%FF", &OPEN, Err(UnknownSigner)),
        ("p1", HUB, Some("p"), "nowhere.example", "/devices/x", &READ, Err(UnknownSigner)),
        ("p1", HUB, Some("p"), "a@hub.example", "/devices/x", &READ, Err(UnknownSigner)),
        ("p1", HUB, Some("p"), "", "/devices/x", &READ, Err(UnknownSigner)),
        // For something else.
        ("p1", "other.example", Some("p"), HUB, "/devices/x", &READ, Err(OutOfScope)),
        ("d1", "hub.example/devices/a", None, HUB, events, &EVENTS, Err(OutOfScope)),
        // Not allowed to do this.
        ("p1", HUB, Some("p"), HUB, events, &EVENTS, Err(NotAllowed)),
        ("p1", HUB, Some("d"), HUB, "/devices/x", &READ, Err(NotAllowed)),
        ("d1", own, None, HUB, "/devices/a%25b", &READ, Err(NotAllowed)),
        ("p1", HUB, Some("p"), HUB, "/devices/x/nobody", &CLOSED, Err(NotAllowed)),
        ("d1", own, None, HUB, "/devices/a%25b/nobody", &CLOSED, Err(NotAllowed)),
    ] {
        let request = head(host, path, &[("authorization", &token(signed_by, scope, name))]);
        let found = ask(&sas(), &request, route).await;
        assert_eq!(found, expected.map_err(Some), "{signed_by:?} {scope} {name:?} {host} {path}");
    }
}

#[tokio::test]
async fn what_is_no_token() {
    let good = token("p1", HUB, Some("p"));
    let basic = "Basic cDE6cDI=".to_owned();
    let (long, cut) = (format!("{good}&x={}", "y".repeat(5000)), good.replace("&se=1000", ""));
    for text in [basic, long, cut, String::new(), "SharedAccessSignature".to_owned(), format!("Bearer {good}")] {
        let request = head(HUB, "/devices/x", &[("authorization", &text)]);
        assert_eq!(ask(&sas(), &request, &READ).await, Err(Some(Refusal::Malformed)), "{text}");
    }
    let twice = head(HUB, "/devices/x", &[("authorization", &good), ("authorization", &good)]);
    assert_eq!(ask(&sas(), &twice, &READ).await, Err(Some(Refusal::Malformed)));
    let mut strange = head(HUB, "/devices/x", &[]);
    strange.headers.insert(AUTHORIZATION, HeaderValue::from_bytes(b"SharedAccessSignature \xff").unwrap());
    assert_eq!(ask(&sas(), &strange, &READ).await, Err(Some(Refusal::Malformed)));
    assert_eq!(ask(&sas(), &head(HUB, "/devices/x", &[]), &READ).await, Err(Some(Refusal::Missing)));
    // It says which schemes there are (RFC 9110 §11.6.1).
    let refusal = sas().authenticate(&head(HUB, "/", &[]), &READ).await.unwrap_err();
    assert_eq!(refusal.headers()[WWW_AUTHENTICATE], "SharedAccessSignature");
}

#[tokio::test]
async fn the_clock_is_asked() {
    let late = SasAuthenticator::new(Arc::new(Hubs::default())).with_clock(Arc::new(Still::at(1000)));
    let request = head(HUB, "/devices/x", &[("authorization", &token("p1", HUB, Some("p")))]);
    assert_eq!(ask(&late, &request, &READ).await, Err(Some(Refusal::Expired)));
}

#[tokio::test]
async fn the_host_of_the_uri_goes_before_the_header() {
    let mut request = head("other.example", "/devices/x", &[("authorization", &token("p1", HUB, Some("p")))]);
    request.uri = "https://hub.example:443/devices/x".parse().unwrap();
    assert!(ask(&sas(), &request, &READ).await.is_ok());
}

#[tokio::test]
async fn keys_are_looked_up_by_hub_and_name() {
    let authenticator = sas();
    for (name, path) in [(Some("p"), "/devices/x"), (None, "/Devices/a%25b/x"), (None, "/twins/y")] {
        let request = head("127.0.0.1:1", path, &[("authorization", &token("x", HUB, name))]);
        let _ = ask(&authenticator, &request, &READ).await;
    }
    assert_eq!(*authenticator.keys().asked.lock().unwrap(), ["hub.example p", "hub.example a%b"]);
}

#[tokio::test]
async fn a_look_up_that_fails_is_no_refusal() {
    let request = head(HUB, "/devices/x", &[("authorization", &token("p1", HUB, Some("broken")))]);
    assert_eq!(sas().authenticate(&request, &READ).await.unwrap_err().status(), 503);
}

/// Says who is asking.
struct Runtime;

static ROUTES: [Route; 1] = [Route::new("Runtime_Send", Method::POST, "/devices/{}/messages/events")
    .body(BodyKind::Text)
    .errors(ErrorFormat::DataPlane)];

impl Service for Runtime {
    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn call(&self, _: usize, incoming: Incoming) -> Handling {
        let caller = format!("{:?}", incoming.context().caller());
        Box::pin(std::future::ready(Ok(incoming.answer(caller, |caller, answer| answer.text(caller)))))
    }
}

/// Fails when it is read.
struct Unread;

impl http_body::Body for Unread {
    type Data = bytes::Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<Option<Result<Frame<bytes::Bytes>, BoxError>>> {
        panic!("the body is read before it is known who sends it")
    }
}

#[tokio::test]
async fn behind_the_router() {
    let mut router = Router::new().add_authenticated(Runtime, Arc::new(sas()));
    let path = "/devices/a%25b/messages/events";
    let request = http::Request::post(path).header("host", HUB).body(Unread).unwrap();
    let (head, body) = router.call(request).await.unwrap().into_parts();
    assert_eq!(head.status, StatusCode::UNAUTHORIZED);
    assert_eq!(head.headers["iothub-errorcode"], "IotHubUnauthorizedAccess");
    assert_eq!(head.headers[WWW_AUTHENTICATE], "SharedAccessSignature");
    let body: serde_json::Value = serde_json::from_slice(&body.collect(9999).await.unwrap()).unwrap();
    assert_eq!(body["Message"], "ErrorCode:IotHubUnauthorizedAccess;Unauthorized");

    let request = http::Request::post(path)
        .header("host", HUB)
        .header("authorization", token("d1", "hub.example/devices/a%b", None))
        .header("content-type", "text/plain")
        .body(Body::from("21.5"))
        .unwrap();
    let body = router.call(request).await.unwrap().into_body().collect(9999).await.unwrap();
    assert_eq!(body, r#"Some(Device { id: "a%b" })"#);
}

fn bearers() -> BearerAuthenticator<FixedTokens> {
    let tokens = FixedTokens::new().with("one", "alice").with("two==", "bob").with("three", "carol");
    BearerAuthenticator::new(tokens)
}

#[tokio::test]
async fn bearer_tokens() {
    let who = |subject: &str| Ok(Caller::Bearer { subject: subject.to_owned() });
    let (malformed, unknown) = (Err(Some(Refusal::Malformed)), Err(Some(Refusal::UnknownSigner)));
    for (text, expected) in [
        ("Bearer one", who("alice")),
        ("bearer  two==", who("bob")),
        ("BEARER three", who("carol")),
        ("Bearer one ", who("alice")),
        ("Bearer two", unknown.clone()),
        ("Bearer ONE", unknown.clone()),
        ("Bearer onetwo", unknown),
        ("Bearer", malformed.clone()),
        ("Bearer ", malformed.clone()),
        ("Bearer ==", malformed.clone()),
        ("Bearer one two", malformed.clone()),
        ("Bearer o=ne", malformed.clone()),
        ("Bearer one,two", malformed.clone()),
        ("Basic one", malformed.clone()),
        ("one", malformed.clone()),
        (&format!("Bearer {}", "a".repeat(20_000)), malformed),
    ] {
        let request = head("localhost", "/", &[("authorization", text)]);
        assert_eq!(ask(&bearers(), &request, &READ).await, expected, "{text}");
    }
    let refusal = bearers().authenticate(&head("localhost", "/", &[]), &READ).await.unwrap_err();
    assert_eq!(refusal.headers()[WWW_AUTHENTICATE], "Bearer");
    assert_eq!(ask(&bearers(), &head("localhost", "/", &[]), &READ).await, Err(Some(Refusal::Missing)));
}

#[tokio::test]
async fn tokens_may_be_looked_up_elsewhere() {
    struct ById;
    impl Tokens for ById {
        async fn subject(&self, route: &Route, token: &str) -> Result<Option<String>, ServiceError> {
            match token {
                "away" => Err(ServiceError::plain(StatusCode::SERVICE_UNAVAILABLE, "Later.")),
                token => Ok((route.id() == "Devices_Get").then(|| format!("owner of {token}"))),
            }
        }
    }
    let authenticator = BearerAuthenticator::new(ById);
    let request = |text| head("localhost", "/", &[("authorization", text)]);
    let owner = Caller::Bearer { subject: "owner of x".to_owned() };
    assert_eq!(ask(&authenticator, &request("Bearer x"), &READ).await, Ok(owner));
    assert_eq!(ask(&authenticator, &request("Bearer x"), &EVENTS).await, Err(Some(Refusal::UnknownSigner)));
    assert_eq!(authenticator.authenticate(&request("Bearer away"), &READ).await.unwrap_err().status(), 503);
}

#[test]
fn no_token_is_printed() {
    let tokens = FixedTokens::new().with("hunter2", "alice");
    assert_eq!(format!("{tokens:?}"), r#"{"alice"}"#);
    assert!(!format!("{:?} {:?}", sas(), bearers()).contains("one"));
}

proptest! {
    #[test]
    fn no_header_is_too_strange(
        text in "\\PC*|SharedAccessSignature (&?(sr|sig|se|skn)=[a-zA-Z0-9%=.]{0,6}){0,5}|Bearer .*",
        host in "[ -~]{0,12}",
        path in "/(devices/)?[!-~]{0,12}",
    ) {
        let parts = head("x", "/", &[]);
        let value = HeaderValue::from_bytes(text.as_bytes());
        if let (Ok(value), Ok(host), Ok(path)) = (value, HeaderValue::from_str(&host), path.parse()) {
            let mut parts = parts;
            parts.headers.insert(AUTHORIZATION, value);
            parts.headers.insert("host", host);
            parts.uri = path;
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            prop_assert!(runtime.block_on(sas().authenticate(&parts, &EVENTS)).is_err());
            prop_assert!(runtime.block_on(bearers().authenticate(&parts, &EVENTS)).is_err());
        }
    }
}
