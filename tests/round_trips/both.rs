//! The clients and the servers that they talk to, and what passes between them.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use http::request::Parts;
use http::{HeaderMap, Request};
use iothub::device::server::{HttpRuntimeServer, ServiceMessagesServer};
use iothub::hub::server::{DeviceApiServer, DeviceTwinApiServer, ImportExportServer, JobApiServer};
use iothub::management::server::IotHubResourceServer;
use iothub::runtime::server::{Handling, Incoming, Route, Router, Service};
use iothub::runtime::transport::{BoxFuture, InProcess};
use iothub::runtime::{Body, Bytes, Endpoint, ErrorFormat, Retry};
use iothub::{Error, Pipeline, Response};
use serde_json::Value;

use super::recorder::Recorder;
use crate::service::Hurried;

/// All that may stand in a segment of a path, and what has to be escaped for it. In front of a text of its own for each parameter, so that
/// none is taken for another.
macro_rules! hard {
    ($own:literal) => {
        concat!($own, "/../%2Fa%2e%00 b+c?d=e&f#g;h:@[i]!$'()*,~\"\\|^`<j>{k}\t\r\n\u{7f}\u{fc}\u{2028}\u{1f600}/")
    };
}
pub(crate) use hard;

pub(crate) const DEVICE: &str = hard!("device");
pub(crate) const SUBSCRIPTION: &str = hard!("subscription");

/// What was declared of an exchange and was there.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) id: &'static str,
    /// Names in the query.
    pub(crate) query: BTreeSet<String>,
    /// Names of headers.
    pub(crate) headers: BTreeSet<String>,
    pub(crate) has_body: bool,
    pub(crate) status: u16,
    /// Names of headers of the answer.
    pub(crate) answered: BTreeSet<String>,
}

/// The last exchange.
#[derive(Default)]
struct Last {
    head: Option<Parts>,
    sent: Option<Body>,
    answered: Option<Body>,
}

/// A router, and what passes through it.
#[derive(Clone)]
pub(crate) struct Tap {
    router: Router,
    seen: Arc<Mutex<Vec<Seen>>>,
    last: Arc<Mutex<Last>>,
}

fn names(headers: &HeaderMap) -> BTreeSet<String> {
    headers.keys().map(ToString::to_string).collect()
}

impl tower_service::Service<Request<Body>> for Tap {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (mut router, seen) = (self.router.clone(), Arc::clone(&self.seen));
        let (head, body) = request.into_parts();
        let last = Arc::clone(&self.last);
        *last.lock().unwrap() = Last { head: Some(head.clone()), sent: body.replay(), answered: None };
        let request = Request::from_parts(head, body);
        Box::pin(async move {
            let route = router.route_of(request.method(), request.uri());
            let id = route.map_or("no operation", Route::id);
            let query = request.uri().query().unwrap_or_default().split('&');
            let query = query.map(|pair| pair.split('=').next().unwrap_or_default().to_owned()).collect();
            let (headers, has_body) = (names(request.headers()), !matches!(request.body(), Body::Empty));
            let response = router.call(request).await?;
            let (status, answered) = (response.status().as_u16(), names(response.headers()));
            last.lock().unwrap().answered = response.body().replay();
            seen.lock().unwrap().push(Seen { id, query, headers, has_body, status, answered });
            Ok(response)
        })
    }
}

/// A call without a client.
pub(crate) type Raw = BoxFuture<'static, Result<Response<Bytes>, Error>>;

/// What comes of something that need not be waited for.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it is not there"),
    }
}

fn json(body: Option<Body>) -> Value {
    serde_json::from_slice(&now(body.unwrap().collect(1 << 20)).unwrap()).unwrap()
}

/// All clients, of a device and a subscription with hard names, and all servers behind one router.
pub(crate) struct Both {
    pub(crate) hub: iothub::hub::Client,
    pub(crate) device: iothub::device::Client,
    pub(crate) arm: iothub::management::Client,
    pub(crate) recorder: Arc<Recorder>,
    tap: Tap,
}

/// Any one server.
pub(crate) struct Served(Box<dyn Service>);

impl Service for Served {
    fn routes(&self) -> &'static [Route] {
        self.0.routes()
    }

    fn call(&self, route: usize, incoming: Incoming) -> Handling {
        self.0.call(route, incoming)
    }
}

/// The servers of all traits.
pub(crate) fn servers(recorder: &Arc<Recorder>) -> [Served; 7] {
    let own = || Arc::clone(recorder);
    [
        Served(Box::new(DeviceApiServer::new(own()))),
        Served(Box::new(DeviceTwinApiServer::new(own()))),
        Served(Box::new(JobApiServer::new(own()))),
        Served(Box::new(ImportExportServer::new(own()))),
        Served(Box::new(HttpRuntimeServer::new(own()))),
        Served(Box::new(ServiceMessagesServer::new(own()))),
        Served(Box::new(IotHubResourceServer::new(own()))),
    ]
}

/// The servers of all traits behind one router.
pub(crate) fn router(recorder: &Arc<Recorder>) -> Router {
    servers(recorder).into_iter().fold(Router::new(), Router::add)
}

impl Both {
    pub(crate) fn new() -> Self {
        let recorder = Arc::<Recorder>::default();
        let tap = Tap { router: router(&recorder), seen: Arc::default(), last: Arc::default() };
        let endpoint = Endpoint::new("http://localhost:81").unwrap();
        let pipeline = Pipeline::new(endpoint, Arc::new(InProcess::new(tap.clone())));
        let pipeline = pipeline.with_retry(Retry::none()).with_clock(Arc::new(Hurried));
        Self {
            hub: iothub::hub::Client::with_pipeline(pipeline.clone()),
            device: iothub::device::Client::with_pipeline(pipeline.clone(), DEVICE),
            arm: iothub::management::Client::with_pipeline(pipeline, SUBSCRIPTION),
            recorder,
            tap,
        }
    }

    /// What passed since the last time.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.tap.seen.lock().unwrap())
    }

    /// The JSON that was sent last.
    pub(crate) fn last_sent(&self) -> Value {
        json(self.tap.last.lock().unwrap().sent.take())
    }

    /// The JSON that was answered last.
    pub(crate) fn last_answered(&self) -> Value {
        json(self.tap.last.lock().unwrap().answered.take())
    }

    /// The last request once more, with another body.
    pub(crate) fn again(&self, body: Bytes) -> Raw {
        let mut head = self.tap.last.lock().unwrap().head.clone().unwrap();
        head.headers.remove(http::header::CONTENT_LENGTH);
        self.raw(Request::from_parts(head, body.into()))
    }

    /// A request without a client, as operations need that none has.
    pub(crate) fn raw(&self, request: Request<Body>) -> Raw {
        let mut tap = self.tap.clone();
        let of_arm = request.uri().path().starts_with("/subscriptions/");
        let format = if of_arm { ErrorFormat::Arm } else { ErrorFormat::DataPlane };
        Box::pin(async move {
            let (head, body) = tower_service::Service::call(&mut tap, request).await?.into_parts();
            let body = body.collect(1 << 20).await.unwrap();
            match head.status.is_success() {
                true => Ok(Response::new(head.status, head.headers, body)),
                false => Err(Error::service(format, head.status, head.headers, body)),
            }
        })
    }
}
