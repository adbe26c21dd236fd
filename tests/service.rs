//! A service in this process: it answers as it is told to, and keeps what it was asked. And the clients, which talk to it.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use http::{HeaderName, HeaderValue};
use iothub::Pipeline;
use iothub::runtime::transport::{BoxFuture, InProcess};
use iothub::runtime::{Body, Bytes, Clock, Endpoint, Retry};
use serde_json::Value;

/// Keys for devices and policies: Base64 of "made-up key 1, no secret at all" and so on.
pub(crate) const KEY_1: &str = "bWFkZS11cCBrZXkgMSwgbm8gc2VjcmV0IGF0IGFsbA==";
pub(crate) const KEY_2: &str = "bWFkZS11cCBrZXkgMiwgbm8gc2VjcmV0IGF0IGFsbA==";

pub(crate) const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// What the service answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

/// An answer with a body of JSON.
pub(crate) fn json(status: u16, body: Value) -> Answer {
    bytes(status, body.to_string()).with("content-type", "application/json; charset=utf-8")
}

/// An answer with a body of any kind.
pub(crate) fn bytes(status: u16, body: impl Into<Bytes>) -> Answer {
    Answer { status, headers: Vec::new(), body: body.into() }
}

/// An answer without a body, which has a length nevertheless, as recorded in 2017.
pub(crate) fn empty(status: u16) -> Answer {
    bytes(status, "").with("content-length", "0")
}

impl Answer {
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The body, which must be JSON.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Bytes,
}

impl Sent {
    /// The segments of the path, each decoded once.
    pub(crate) fn segments(&self) -> Vec<String> {
        let path = self.target.split('?').next().unwrap();
        path.split('/').skip(1).map(decode).collect()
    }

    /// The body, which must be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Percent-decodes text. A plus is a plus.
fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        out.push(u8::from_str_radix(&part[..2], 16).unwrap());
        out.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(out).unwrap()
}

#[derive(Clone, Default)]
struct Service(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answers: VecDeque<Answer>,
    sent: Vec<Sent>,
}

impl tower_service::Service<http::Request<Body>> for Service {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let state = Arc::clone(&self.0);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let text = |value: &HeaderValue| String::from_utf8(value.as_bytes().to_vec()).unwrap();
            let mut headers = BTreeMap::new();
            for (name, value) in &head.headers {
                let twice = headers.insert(name.to_string(), text(value));
                assert!(twice.is_none(), "{name} is there twice");
            }
            let body = body.collect(1 << 20).await.unwrap();
            let sent = Sent { method: head.method.to_string(), target: head.uri.to_string(), headers, body };
            let mut state = state.lock().unwrap();
            state.sent.push(sent);
            let answer = state.answers.pop_front().unwrap_or_else(|| panic!("no answer is left for {}", head.uri));
            let mut response = http::Response::new(Body::from(answer.body));
            *response.status_mut() = answer.status.try_into().unwrap();
            for (name, value) in answer.headers {
                response.headers_mut().append(HeaderName::from_static(name), value.parse().unwrap());
            }
            Ok(response)
        })
    }
}

/// A clock by which no time is spent.
pub(crate) struct Hurried;

impl Clock for Hurried {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    fn random(&self) -> f64 {
        0.5
    }
}

/// All three clients, and the service that they talk to.
pub(crate) struct Clients {
    pub(crate) hub: iothub::hub::Client,
    pub(crate) device: iothub::device::Client,
    pub(crate) arm: iothub::management::Client,
    service: Service,
}

impl Clients {
    /// Clients of a service that gives these answers, one after the other.
    pub(crate) fn of<const N: usize>(answers: [Answer; N]) -> Self {
        Self::named("dev1", SUBSCRIPTION, answers)
    }

    /// The same, with a device and a subscription of the caller's.
    pub(crate) fn named<const N: usize>(device: &str, subscription: &str, answers: [Answer; N]) -> Self {
        let service = Service::default();
        service.0.lock().unwrap().answers.extend(answers);
        let pipeline = |host| {
            let pipeline = Pipeline::new(Endpoint::new(host).unwrap(), Arc::new(InProcess::new(service.clone())));
            pipeline.with_retry(Retry::none()).with_clock(Arc::new(Hurried))
        };
        Self {
            hub: iothub::hub::Client::with_pipeline(pipeline("hub1.azure-devices.net")),
            device: iothub::device::Client::with_pipeline(pipeline("hub1.azure-devices.net"), device),
            arm: iothub::management::Client::with_pipeline(
                pipeline(iothub::management::Client::ENDPOINT),
                subscription,
            ),
            service,
        }
    }

    /// What the service was asked since the last time.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.service.0.lock().unwrap().sent)
    }

    /// The one thing that the service was asked.
    pub(crate) fn one_sent(&self) -> Sent {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }
}
