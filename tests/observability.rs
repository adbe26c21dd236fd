//! What `tracing` sees of a call: one span, in the words of OpenTelemetry's conventions for HTTP clients, and nothing secret.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use iothub::hub::models as hub;
use iothub::runtime::credential::ConnectionString;
use iothub::runtime::transport::{BoxFuture, Transport, TransportError};
use iothub::runtime::{Body, Clock};
use iothub::{Error, ErrorKind};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::service::KEY_1;

/// The fields of each span, and whether the span has ended.
type Spans = Arc<Mutex<Vec<(BTreeMap<&'static str, String>, bool)>>>;

/// Keeps all spans and refuses events.
struct Keeping(Spans);

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Keeping {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("specsmith_runtime")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        let mut spans = self.0.lock().unwrap();
        spans.push((fields, false));
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        values.record(&mut Fields(&mut self.0.lock().unwrap()[span.into_u64() as usize - 1].0));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        panic!("{event:?}");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    fn try_close(&self, span: Id) -> bool {
        self.0.lock().unwrap()[span.into_u64() as usize - 1].1 = true;
        true
    }
}

type Outcome = Result<http::Response<Body>, TransportError>;

/// A service that does as it is told, and keeps the `Authorization` and the name of what it is asked.
#[derive(Default)]
struct Scripted {
    outcomes: Mutex<VecDeque<Outcome>>,
    seen: Mutex<Vec<[String; 2]>>,
}

impl Transport for Scripted {
    fn send(&self, request: http::Request<Body>) -> BoxFuture<'_, Outcome> {
        let header = |name| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
        self.seen.lock().unwrap().push(["authorization", "x-ms-client-request-id"].map(header));
        let outcome = self.outcomes.lock().unwrap().pop_front().unwrap();
        Box::pin(async { outcome })
    }
}

struct Hurried;

impl Clock for Hurried {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000)
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    fn random(&self) -> f64 {
        0.5
    }
}

fn answer(status: u16, body: &'static str) -> Outcome {
    Ok(http::Response::builder().status(status).header("x-ms-request-id", "req-17").body(body.into()).unwrap())
}

const SECRET_ID: &str = "secret-device";
const TWINS: &str = "SELECT * FROM devices WHERE tags.secret = 7";

/// The span of a call of this client's, whose service does as it is told: its fields, and the name that the request had.
async fn span<T>(
    outcomes: impl IntoIterator<Item = Outcome>,
    call: impl AsyncFnOnce(iothub::hub::Client) -> Result<T, Error>,
) -> (Result<T, Error>, BTreeMap<&'static str, String>) {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(Keeping(Arc::clone(&spans)));
    let service = Arc::new(Scripted::default());
    service.outcomes.lock().unwrap().extend(outcomes);
    let text = format!("HostName=hub1.azure-devices.net;SharedAccessKeyName=owner;SharedAccessKey={KEY_1}");
    let pipeline = text.parse::<ConnectionString>().unwrap().pipeline(service.clone()).with_clock(Arc::new(Hurried));
    let outcome = call(iothub::hub::Client::with_pipeline(pipeline)).await;

    let mut spans = std::mem::take(&mut *spans.lock().unwrap());
    let (mut fields, ended) = spans.pop().unwrap();
    assert!(spans.is_empty() && ended, "one span a call, which ends with it");
    let seen = service.seen.lock().unwrap();
    for [authorization, _] in &*seen {
        let signature = authorization.split_once("sig=").unwrap().1.split('&').next().unwrap();
        let secrets = [authorization, signature, KEY_1, SECRET_ID, "SharedAccess", "api-version", "SELECT", "secret"];
        for (secret, (field, value)) in
            secrets.iter().flat_map(|secret| fields.iter().map(move |field| (secret, field)))
        {
            assert!(!value.contains(secret), "{secret} is in {field}: {value}");
        }
    }
    assert_eq!(fields.remove("azure.client.request.id").as_deref(), seen.first().map(|[_, name]| name.as_str()));
    (outcome, fields)
}

fn fields<const N: usize>(pairs: [(&'static str, &str); N]) -> BTreeMap<&'static str, String> {
    let common = [("otel.kind", "client"), ("server.address", "hub1.azure-devices.net"), ("server.port", "443")];
    common.into_iter().chain(pairs).map(|(name, value)| (name, value.to_owned())).collect()
}

#[tokio::test]
async fn a_success_after_retries() {
    let outcomes = [answer(503, ""), Err(TransportError::broken("x")), answer(200, r#"{"deviceId":"secret-device"}"#)];
    let (outcome, seen) = span(outcomes, async |hub| hub.devices().get(SECRET_ID).await).await;
    assert_eq!(outcome.unwrap().device_id, SECRET_ID);
    let expected = fields([
        ("otel.name", "DeviceApi_GetDevice"),
        ("specsmith.operation", "DeviceApi_GetDevice"),
        ("http.request.method", "GET"),
        ("url.template", "/devices/{}"),
        ("http.request.resend_count", "2"),
        ("http.response.status_code", "200"),
        ("azure.service.request.id", "req-17"),
    ]);
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_success_at_once_was_not_resent() {
    let (outcome, seen) = span([answer(200, "[]")], async |hub| hub.devices().query(TWINS).await).await;
    assert!(outcome.unwrap().is_empty());
    assert_eq!(seen.get("http.request.method").unwrap(), "POST");
    assert!(!seen.contains_key("http.request.resend_count") && !seen.contains_key("error.type"), "{seen:?}");
}

#[tokio::test]
async fn an_error_of_the_service() {
    let refusal = answer(404, r#"{"Message":"ErrorCode:DeviceNotFound;secret-device is not there"}"#);
    let (outcome, seen) = span([refusal], async |hub| {
        let device = hub::Device::new(SECRET_ID).with_status_reason("secret");
        hub.devices().put(SECRET_ID, &device).await
    })
    .await;
    assert!(outcome.unwrap_err().is_not_found());
    let expected = fields([
        ("otel.name", "DeviceApi_PutDevice"),
        ("specsmith.operation", "DeviceApi_PutDevice"),
        ("http.request.method", "PUT"),
        ("url.template", "/devices/{}"),
        ("http.response.status_code", "404"),
        ("azure.service.request.id", "req-17"),
        ("error.type", "404"),
        ("otel.status_code", "ERROR"),
    ]);
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_error_of_the_transport() {
    let outcomes = std::iter::repeat_with(|| Err(TransportError::connect("secret"))).take(4);
    let (outcome, seen) = span(outcomes, async |hub| hub.devices().get(SECRET_ID).await).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Connect);
    let expected = fields([
        ("otel.name", "DeviceApi_GetDevice"),
        ("specsmith.operation", "DeviceApi_GetDevice"),
        ("http.request.method", "GET"),
        ("url.template", "/devices/{}"),
        ("http.request.resend_count", "3"),
        ("error.type", "connect"),
        ("otel.status_code", "ERROR"),
    ]);
    assert_eq!(seen, expected);
}
