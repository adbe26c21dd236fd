//! What a server costs: operations behind the generated traits beside the same handlers by hand on axum, and finding a route.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router as Axum};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use iothub::hub::models;
use iothub::hub::server::device_api::*;
use iothub::runtime::server::{Context, Handling, Incoming, Route, Router, Service, ServiceError, no_such_route};
use nix::time::{ClockId, clock_gettime};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tower_service::Service as TowerService;

use crate::Result;
use crate::client::DEVICE;
use crate::load::{Requests, load};
use crate::table::{median, print};
use crate::wire::Device;

/// How many requests one batch has.
const BATCH: usize = 4_000;
/// How many connections send them where there are connections.
const CONNECTIONS: usize = 16;

/// The same for both: one device, answered to whoever asks.
struct Hub {
    ours: models::Device,
    by_hand: Device,
}

impl Hub {
    fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(Self { ours: serde_json::from_str(DEVICE)?, by_hand: serde_json::from_str(DEVICE)? }))
    }
}

impl DeviceApi for Hub {
    async fn get_device(&self, _: &Context, request: GetDeviceRequest) -> Result<GetDeviceResponse, ServiceError> {
        black_box(request.device_id);
        let mut found = GetDeviceOk::new(self.ours.clone());
        found.etag = "\"MA==\"".parse().ok();
        Ok(GetDeviceResponse::Ok(found))
    }

    async fn put_device(&self, _: &Context, request: PutDeviceRequest) -> Result<PutDeviceResponse, ServiceError> {
        black_box((request.device_id, request.preconditions));
        Ok(PutDeviceResponse::Ok(PutDeviceOk::new(request.device)))
    }
}

fn ours(hub: Arc<Hub>) -> Router {
    Router::new().add(DeviceApiServer::new(hub))
}

#[derive(serde::Deserialize)]
struct Version {
    #[serde(rename = "api-version")]
    api_version: String,
}

/// What somebody writes who needs these two operations: parameters checked, an id for each answer.
fn by_hand(hub: Arc<Hub>) -> Axum {
    let read = |State(hub): State<Arc<Hub>>, Path(id): Path<String>, Query(query): Query<Version>| async move {
        black_box((id, query.api_version));
        ([(header::ETAG, "\"MA==\"".to_owned()), request_id()], Json(hub.by_hand.clone()))
    };
    let write = |Path(id): Path<String>,
                 Query(query): Query<Version>,
                 headers: HeaderMap,
                 Json(device): Json<Device>| async move {
        let condition = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned);
        black_box((id, query.api_version, condition));
        ([request_id()], Json(device)).into_response()
    };
    Axum::new().route("/devices/{id}", get(read).put(write)).with_state(hub)
}

fn request_id() -> (header::HeaderName, String) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let id = format!("{:032x}", COUNT.fetch_add(1, Ordering::Relaxed));
    (header::HeaderName::from_static("x-ms-request-id"), id)
}

/// The two requests.
#[derive(Clone, Copy)]
enum Ask {
    Read,
    Write,
}

impl Ask {
    fn request(self) -> Result<Request<Full<Bytes>>> {
        let request = Request::builder().uri("/devices/dev1?api-version=2016-11-14");
        Ok(match self {
            Ask::Read => request.header("accept", "application/json").body(Full::default())?,
            Ask::Write => request
                .method(Method::PUT)
                .header("content-type", "application/json; charset=utf-8")
                .header("if-match", "\"MA==\"")
                .body(Full::from(Bytes::from_static(DEVICE.as_bytes())))?,
        })
    }

    fn text(self) -> String {
        let target = "/devices/dev1?api-version=2016-11-14";
        match self {
            Ask::Read => format!("GET {target} HTTP/1.1\r\nhost: h\r\naccept: application/json\r\n\r\n"),
            Ask::Write => format!(
                "PUT {target} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\nif-match: \"MA==\"\r\ncontent-length: {}\r\n\r\n{DEVICE}",
                DEVICE.len()
            ),
        }
    }
}

pub(crate) fn run(runs: usize) -> Result<()> {
    in_process(runs)?;
    on_loopback(runs)?;
    routes(runs)
}

async fn answer<S, B>(service: &mut S, request: Request<Full<Bytes>>) -> Result<()>
where
    S: TowerService<Request<Full<Bytes>>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body,
    B::Error: std::fmt::Debug,
{
    let response = service.call(request).await.map_err(|error| format!("{error:?}"))?;
    if response.status() != 200 {
        return Err(format!("status {}", response.status()).into());
    }
    let body = response.into_body().collect().await.map_err(|error| format!("{error:?}"))?;
    black_box(body.to_bytes());
    Ok(())
}

fn in_process(runs: usize) -> Result<()> {
    let runtime = Builder::new_current_thread().build()?;
    let hub = Hub::new()?;
    let (mut ours, mut by_hand) = (ours(hub.clone()), by_hand(hub));
    let mut rows = Vec::new();
    for (name, ask) in [("read", Ask::Read), ("write", Ask::Write)] {
        let mut times: [Vec<f64>; 2] = Default::default();
        for _ in 0..runs {
            times[0].push(batch(&runtime, &mut ours, ask)?);
            times[1].push(batch(&runtime, &mut by_hand, ask)?);
        }
        rows.push(row(name, &times));
        allocations(name, &runtime, &mut ours, &mut by_hand, ask)?;
    }
    print(&format!("Requests in process, processor time, medians of {runs} batches of {BATCH}"), &HEAD, &rows);
    Ok(())
}

const HEAD: [&str; 4] = ["", "ours, µs", "by hand, µs", "our requests a second beside it"];

fn row(name: &str, times: &[Vec<f64>; 2]) -> Vec<String> {
    let micros = |times: &[f64]| format!("{:.2}", median(times) * 1e6 / BATCH as f64);
    let ratios: Vec<f64> = times[0].iter().zip(&times[1]).map(|(ours, by_hand)| by_hand / ours).collect();
    vec![name.to_owned(), micros(&times[0]), micros(&times[1]), format!("{:.2}", median(&ratios))]
}

fn batch<S, B>(runtime: &Runtime, service: &mut S, ask: Ask) -> Result<f64>
where
    S: TowerService<Request<Full<Bytes>>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body,
    B::Error: std::fmt::Debug,
{
    let start = processor_time()?;
    runtime.block_on(async {
        for _ in 0..BATCH {
            answer(service, ask.request()?).await?;
        }
        Ok::<(), Box<dyn std::error::Error>>(())
    })?;
    Ok(processor_time()? - start)
}

/// What this thread has used of a processor, in seconds: there is no other thread, and who else runs on the machine does not show.
fn processor_time() -> Result<f64> {
    let used = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(used.tv_sec() as f64 + used.tv_nsec() as f64 / 1e9)
}

#[cfg(feature = "allocations")]
fn allocations(name: &str, runtime: &Runtime, ours: &mut Router, by_hand: &mut Axum, ask: Ask) -> Result<()> {
    fn count<S, B>(runtime: &Runtime, service: &mut S, ask: Ask) -> Result<f64>
    where
        S: TowerService<Request<Full<Bytes>>, Response = Response<B>>,
        S::Error: std::fmt::Debug,
        B: http_body::Body,
        B::Error: std::fmt::Debug,
    {
        let mut counts = Vec::new();
        for _ in 0..21 {
            let request = ask.request()?;
            let counted = allocation_counter::measure(|| drop(black_box(runtime.block_on(answer(service, request)))));
            counts.push(counted.count_total as f64);
        }
        counts.sort_by(f64::total_cmp);
        Ok(median(&counts))
    }
    let (ours, by_hand) = (count(runtime, ours, ask)?, count(runtime, by_hand, ask)?);
    let row = vec![name.to_owned(), ours.to_string(), by_hand.to_string(), format!("{:+}", ours - by_hand)];
    print("Allocations of an answer", &["", "ours", "by hand", "ours beside it"], &[row]);
    Ok(())
}

#[cfg(not(feature = "allocations"))]
fn allocations(_: &str, _: &Runtime, _: &mut Router, _: &mut Axum, _: Ask) -> Result<()> {
    Ok(())
}

/// Two servers of the same kind, each on a thread of its own, which clients on this thread ask in turns.
fn on_loopback(runs: usize) -> Result<()> {
    let hub = Hub::new()?;
    let addresses = [serve(Axum::new().fallback_service(ours(hub.clone())))?, serve(by_hand(hub))?];
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut rows = Vec::new();
    for (name, ask) in [("read", Ask::Read), ("write", Ask::Write)] {
        let (requests, mut times): (Requests, [Vec<f64>; 2]) = ([ask.text()].into(), Default::default());
        for _ in 0..runs {
            for (times, address) in times.iter_mut().zip(addresses) {
                times.push(runtime.block_on(load(address, CONNECTIONS, BATCH, &requests))?);
            }
        }
        rows.push(row(name, &times));
    }
    print(
        &format!("Requests on loopback over {CONNECTIONS} connections, medians of {runs} batches of {BATCH}"),
        &HEAD,
        &rows,
    );
    Ok(())
}

fn serve(router: Axum) -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || {
        runtime.block_on(async move {
            if let Ok(listener) = TcpListener::from_std(listener) {
                // It serves until the process ends.
                _ = axum::serve(listener, router).await;
            }
        });
    });
    Ok(address)
}

/// A service of made-up operations.
struct Many(&'static [Route]);

impl Service for Many {
    fn routes(&self) -> &'static [Route] {
        self.0
    }
    fn call(&self, _: usize, _: Incoming) -> Handling {
        no_such_route()
    }
}

fn routes(runs: usize) -> Result<()> {
    let hub = Hub::new()?;
    let all_of_hub = Router::new()
        .add(DeviceApiServer::new(hub))
        .add(iothub::hub::server::DeviceTwinApiServer::new(Nothing))
        .add(iothub::hub::server::JobApiServer::new(Nothing))
        .add(iothub::device::server::HttpRuntimeServer::new(Nothing))
        .add(iothub::management::server::IotHubResourceServer::new(Nothing));
    let leaked = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let many: Vec<Route> = (0..1_000)
        .map(|index| Route::new("Many", Method::GET, leaked(format!("/things/kind{index}/{{}}/parts/{{}}"))))
        .collect();
    let many = Router::new().add(Many(Box::leak(many.into_boxed_slice())));
    let arm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h/eventHubEndpoints/events/ConsumerGroups/c";
    let cases = [
        ("of IoT Hub's, a short one", &all_of_hub, "/devices/dev1"),
        ("of IoT Hub's, the longest", &all_of_hub, arm),
        ("one of 1,000", &many, "/things/kind777/a/parts/b"),
    ];
    let mut rows = Vec::new();
    for (name, router, target) in cases {
        let target: Uri = target.parse()?;
        let mut times = Vec::new();
        for _ in 0..runs {
            let start = Instant::now();
            for _ in 0..BATCH {
                black_box(router.route_of(&Method::GET, black_box(&target)).ok_or("no route")?);
            }
            times.push(start.elapsed().as_secs_f64() * 1e9 / BATCH as f64);
        }
        rows.push(vec![name.to_owned(), format!("{:.0}", median(&times)), found_allocations(router, &target)]);
    }
    print("Finding a route", &["", "ns", "allocations"], &rows);
    Ok(())
}

struct Nothing;

impl iothub::hub::server::DeviceTwinApi for Nothing {}
impl iothub::hub::server::JobApi for Nothing {}
impl iothub::device::server::HttpRuntime for Nothing {}
impl iothub::management::server::IotHubResource for Nothing {}

#[cfg(feature = "allocations")]
fn found_allocations(router: &Router, target: &Uri) -> String {
    let counted = allocation_counter::measure(|| {
        black_box(router.route_of(&Method::GET, target));
    });
    counted.count_total.to_string()
}

#[cfg(not(feature = "allocations"))]
fn found_allocations(_: &Router, _: &Uri) -> String {
    String::new()
}
