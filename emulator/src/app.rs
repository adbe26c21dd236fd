//! All of the emulator's HTTP as one service: what happens to a request before its operation is called, and after.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use http::header::DATE;
use http::request::Parts;
use http::{HeaderValue, Request, Response, Version};
use iothub::runtime::server::{Route, Router, host};
use iothub::runtime::time::Rfc1123;
use iothub::runtime::transport::BoxFuture;
use iothub::runtime::{Body, Clock, Secret};
use tokio::sync::watch;
use tower_service::Service;

use crate::admin::{self, Admin};
use crate::blobs::BlobService;
use crate::errors;
use crate::faults::{Cut, Gate, Outcome, torn};
use crate::gateway;
use crate::services::{self, later};
use crate::state::World;

/// The emulator as a [`tower_service::Service`] of HTTP, over any body: for a server of one's own, or without one.
///
/// A clone is cheap, and is the same emulator. The only error is a connection that a [fault](crate::Fault) wants cut.
///
/// Its admin API answers only to whoever has the admin token, since nothing is known of where requests come from.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    world: Arc<World>,
    router: Router,
    blobs: BlobService,
    gate: Arc<Gate>,
    streams: watch::Sender<bool>,
}

/// Where a request comes from: an extension of it. Without one it is from anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// From this machine, through an address that only this machine has; or from this process.
    Local,
    /// From anywhere.
    Other,
}

/// A [fault](crate::Fault) wants the connection to be cut.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ConnectionCut;

impl fmt::Display for ConnectionCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut, as a fault wants it")
    }
}

impl std::error::Error for ConnectionCut {}

impl App {
    /// The service over these hubs.
    pub(crate) fn new(world: Arc<World>, gate: Arc<Gate>, admin_token: Option<Secret>) -> App {
        let (streams, _) = watch::channel(false);
        let admin = Admin::new(world.clone(), gate.clone(), streams.subscribe());
        let blobs = BlobService::new(world.clone());
        let router = services::router(&world)
            .add(admin::Health::new(world.store.clone()))
            .add_authenticated(admin, Arc::new(admin::Access::new(world.clone(), admin_token)));
        App(Arc::new(Inner { world, router, blobs, gate, streams }))
    }

    /// Ends the streams that have no end of their own.
    pub(crate) fn stop_streams(&self) {
        self.0.streams.send_replace(true);
    }
}

impl Inner {
    async fn answer(&self, mut parts: Parts, body: Body) -> Result<Response<Body>, ConnectionCut> {
        // RFC 9112 §3.2. What does not come over a socket need not say where it goes.
        let is_from_socket = parts.extensions.get::<Peer>().is_some();
        if is_from_socket && parts.version == Version::HTTP_11 && host(&parts).is_none() {
            return Ok(self.router.refuse(&parts, errors::no_host()));
        }
        gateway::through(&self.world, &mut parts);
        let route = self.router.route_of(&parts.method, &parts.uri);
        if route.is_some_and(admin::is_admin) {
            return Ok(self.route(route, parts, body).await);
        }
        if self.world.store.has_failed() {
            return Ok(self.router.refuse(&parts, errors::disk_failed()));
        }
        match self.gate.pass(&parts, route).await {
            Outcome::Pass => Ok(self.route(route, parts, body).await),
            Outcome::Refuse(error) => Ok(self.router.refuse(&parts, error)),
            Outcome::Cut(Cut::Request) => Err(ConnectionCut),
            Outcome::Cut(Cut::Answer) => {
                drop(self.route(route, parts, body).await);
                Err(ConnectionCut)
            }
            Outcome::Cut(Cut::Body) => torn(self.route(route, parts, body).await).await.ok_or(ConnectionCut),
        }
    }

    /// The answer with the time that it is here: clients set their clocks by it. While nobody has moved it, that is what others write, too.
    fn dated(&self, mut response: Response<Body>) -> Response<Body> {
        let clock = &self.world.clock;
        if !clock.moved().is_zero()
            && let Ok(now) = Rfc1123::try_from(clock.now())
            && let Ok(date) = HeaderValue::try_from(now.to_string())
        {
            response.headers_mut().insert(DATE, date);
        }
        response
    }

    async fn route(&self, route: Option<&'static Route>, parts: Parts, body: Body) -> Response<Body> {
        if route.is_none() && self.blobs.is_for(&parts) {
            return self.blobs.answer(parts, body).await;
        }
        let list = later::list_of_objects(route, &parts.uri);
        let Ok(response) = self.router.clone().call(Request::from_parts(parts, body)).await;
        match list {
            Some(path) => later::with_objects(&path, response).await,
            None => response,
        }
    }
}

/// No generic function, so that nobody compiles it again.
fn respond(inner: Arc<Inner>, parts: Parts, body: Body) -> BoxFuture<'static, Result<Response<Body>, ConnectionCut>> {
    Box::pin(async move {
        let is_logged = tracing::enabled!(target: LOG, tracing::Level::INFO);
        let asked = is_logged.then(|| (parts.method.clone(), parts.uri.path().to_owned(), Instant::now()));
        let outcome = inner.answer(parts, body).await.map(|response| inner.dated(response));
        let Some((method, path, start)) = asked else { return outcome };
        let millis = start.elapsed().as_micros() as f64 / 1000.0;
        // Of the request there is nothing here that its sender may want to keep to himself: no query, no header, no body.
        match &outcome {
            Ok(response) => {
                let id = response.headers().get("x-ms-request-id").and_then(|id| id.to_str().ok());
                let status = response.status().as_u16();
                tracing::info!(target: LOG, %method, path, status, millis, request_id = id);
            }
            Err(cut) => tracing::info!(target: LOG, %method, path, millis, %cut),
        }
        outcome
    })
}

/// What lines about requests are from, as logs say it.
const LOG: &str = "iothub_emulator::request";

impl<B> Service<Request<B>> for App
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = ConnectionCut;
    type Future = BoxFuture<'static, Result<Response<Body>, ConnectionCut>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectionCut>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        respond(self.0.clone(), parts, Body::from_http_body(body))
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}
