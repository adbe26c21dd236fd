//! What a client costs: a `get` through `iothub` beside the same request by hand.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use iothub::Pipeline;
use iothub::runtime::Endpoint;
use iothub::runtime::credential::{SasCredential, SasKey};
use iothub::runtime::transport::reqwest::ReqwestTransport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::Result;
use crate::measure::{Workplace, usage, words};
use crate::table::{median, print, ratio};
use crate::wire::Device;

/// How many requests are under way at once where memory is measured.
const AT_ONCE: usize = 10_000;

/// How many requests one batch has where time is measured.
const BATCH: usize = 200;

/// Base64 of "made-up key 1, no secret at all".
pub(crate) const KEY: &str = "bWFkZS11cCBrZXkgMSwgbm8gc2VjcmV0IGF0IGFsbA==";

pub(crate) const DEVICE: &str = r#"{"deviceId":"dev1","generationId":"636386875811187073","etag":"MA==","connectionState":"Disconnected","status":"enabled","statusReason":null,"connectionStateUpdatedTime":"0001-01-01T00:00:00","statusUpdatedTime":"0001-01-01T00:00:00","lastActivityTime":"0001-01-01T00:00:00","cloudToDeviceMessageCount":0,"authentication":{"symmetricKey":{"primaryKey":"AAAA","secondaryKey":"BBBB"},"x509Thumbprint":{"primaryThumbprint":null,"secondaryThumbprint":null}}}"#;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Who {
    /// `iothub`.
    Ours,
    /// reqwest and serde's derives.
    ByHand,
}

pub(crate) fn run(place: &Workplace, runs: usize) -> Result<()> {
    let address = serve(None)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let clients = Clients::new(address)?;
    for who in [Who::Ours, Who::ByHand] {
        clients.batch(&runtime, who)?;
    }
    let mut times: [Vec<f64>; 2] = Default::default();
    for _ in 0..runs {
        times[0].push(clients.batch(&runtime, Who::Ours)?.as_secs_f64());
        times[1].push(clients.batch(&runtime, Who::ByHand)?.as_secs_f64());
    }
    let ratios: Vec<f64> = times[0].iter().zip(&times[1]).map(|(ours, by_hand)| ours / by_hand).collect();
    let micros = |times: &[f64]| format!("{:.1}", median(times) * 1e6 / BATCH as f64);
    let rows = [
        vec!["iothub".to_owned(), micros(&times[0]), format!("{:.2}", median(&ratios))],
        vec!["by hand".to_owned(), micros(&times[1]), String::new()],
    ];
    print(&format!("A request on loopback, medians of {runs} batches of {BATCH}"), &["", "µs", "ours to it"], &rows);
    allocations(&clients, &runtime)?;
    memory(place)
}

/// What one request allocates on the client's thread.
#[cfg(feature = "allocations")]
fn allocations(clients: &Clients, runtime: &Runtime) -> Result<()> {
    let count = |who| {
        // The most frequent of some: now and then a buffer grows.
        let mut counts: Vec<f64> = (0..21)
            .map(|_| allocation_counter::measure(|| drop(runtime.block_on(clients.ask(who)))).count_total as f64)
            .collect();
        counts.sort_by(f64::total_cmp);
        median(&counts)
    };
    let (ours, by_hand) = (count(Who::Ours), count(Who::ByHand));
    let rows = [
        vec!["iothub".to_owned(), ours.to_string(), format!("{:+}", ours - by_hand)],
        vec!["by hand".to_owned(), by_hand.to_string(), String::new()],
    ];
    print("Allocations of a request", &["", "", "ours beside it"], &rows);
    Ok(())
}

#[cfg(not(feature = "allocations"))]
fn allocations(_: &Clients, _: &Runtime) -> Result<()> {
    println!("\n  `--features allocations` counts allocations as well.");
    Ok(())
}

fn memory(place: &Workplace) -> Result<()> {
    let mut peaks = [0.0; 2];
    for (peak, who) in peaks.iter_mut().zip([Who::Ours, Who::ByHand]) {
        let address = serve(Some(AT_ONCE))?;
        let word = who.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let command: Vec<PathBuf> =
            vec![std::env::current_exe()?, "load".into(), word.into(), address.to_string().into()];
        *peak = usage(&place.root, &[], &words(&command))?.peak;
    }
    let rows = [
        vec!["iothub".to_owned(), format!("{:.1}", peaks[0]), ratio(peaks[0], peaks[1])],
        vec!["by hand".to_owned(), format!("{:.1}", peaks[1]), String::new()],
    ];
    print(&format!("{AT_ONCE} requests at once"), &["", "peak MiB", "ours to it"], &rows);
    Ok(())
}

/// The process whose memory is measured: as many requests at once as the server waits for.
pub(crate) fn load(who: Who, address: SocketAddr) -> Result<()> {
    let clients = Arc::new(Clients::new(address)?);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut calls = JoinSet::new();
        for _ in 0..AT_ONCE {
            let clients = Arc::clone(&clients);
            calls.spawn(async move { clients.ask(who).await });
        }
        while let Some(call) = calls.join_next().await {
            call?.map_err(|error| error.to_string())?;
        }
        Ok(())
    })
}

struct Clients {
    ours: iothub::hub::Client,
    by_hand: reqwest::Client,
    endpoint: String,
    token: String,
}

impl Clients {
    /// Both over the same kind of reqwest client.
    fn new(address: SocketAddr) -> Result<Self> {
        // Without TLS, which is no part of it; reqwest wants to be told nevertheless which one there is.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = || reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        let key = SasKey::from_base64(KEY)?;
        let credential = SasCredential::for_hub("hub1.azure-devices.net", "service", key);
        let transport = Arc::new(ReqwestTransport::from(client()?));
        let pipeline = Pipeline::new(Endpoint::new(&format!("http://{address}"))?, transport);
        Ok(Self {
            ours: iothub::hub::Client::with_pipeline(pipeline.with_credential(Arc::new(credential))),
            by_hand: client()?,
            endpoint: format!("http://{address}"),
            token: format!("SharedAccessSignature sr=hub1.azure-devices.net&sig={KEY}&se=4102444800&skn=service"),
        })
    }

    fn batch(&self, runtime: &Runtime, who: Who) -> Result<Duration> {
        let start = Instant::now();
        for _ in 0..BATCH {
            runtime.block_on(self.ask(who)).map_err(|error| error.to_string())?;
        }
        Ok(start.elapsed())
    }

    async fn ask(&self, who: Who) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
        match who {
            Who::Ours => {
                let device = self.ours.devices().get("dev1").await?;
                std::hint::black_box(&device);
            }
            Who::ByHand => {
                // The same URL and headers.
                let (endpoint, id) = (&self.endpoint, std::hint::black_box("dev1"));
                let request = self
                    .by_hand
                    .get(format!("{endpoint}/devices/{id}?api-version=2016-11-14"))
                    .header("authorization", &self.token)
                    .header("x-ms-client-request-id", format!("{:032x}", RandomState::new().hash_one(0)))
                    .header("accept", "application/json")
                    .header("user-agent", "by-hand/1.0");
                let answer = request.send().await?.error_for_status()?.bytes().await?;
                let device: Device = serde_json::from_slice(&answer)?;
                std::hint::black_box(&device);
            }
        }
        Ok(())
    }
}

/// A server on a thread of its own, which answers every request with a device; where it is told to, when so many are there.
fn serve(at_once: Option<usize>) -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\netag: \"MA==\"\r\ncontent-length: {}\r\n\r\n{DEVICE}",
        DEVICE.len()
    );
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || {
        runtime.block_on(async move {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            let (barrier, answer) = (at_once.map(|count| Arc::new(Barrier::new(count))), Arc::new(answer));
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(talk(socket, barrier.clone(), Arc::clone(&answer)));
            }
        });
    });
    Ok(address)
}

async fn talk(mut socket: TcpStream, barrier: Option<Arc<Barrier>>, answer: Arc<String>) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut seen = Vec::new();
    loop {
        if socket.read_buf(&mut seen).await? == 0 {
            return Ok(());
        }
        if seen.ends_with(b"\r\n\r\n") {
            seen.clear();
            if let Some(barrier) = &barrier {
                barrier.wait().await;
            }
            socket.write_all(answer.as_bytes()).await?;
        }
    }
}
