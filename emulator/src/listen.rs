//! Connections: HTTP/1.1 over TCP, with TLS if it is wanted.

mod stall;

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::uri::Scheme;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

use self::stall::Unstalled;
use crate::app::{App, Peer};

/// What connections may cost. It is real time, not the hub's: who moves that must not cut off who is connected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many there are at a time. Others wait until one of them ends.
    pub(crate) connections: usize,
    /// How long a request's head may take, from the end of the answer before it on: idle connections are cut, too.
    pub(crate) head: Duration,
    /// How long a TLS handshake may take.
    pub(crate) handshake: Duration,
    /// How long the other end may take none of what it is sent.
    pub(crate) stall: Duration,
    /// How long requests may take to end after the listener has been stopped.
    pub(crate) drain: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 1_024,
            head: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

/// A socket that has been bound.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    limits: Limits,
}

/// What the task of a connection needs.
#[derive(Clone)]
struct Connection {
    app: App,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    is_loopback: bool,
}

impl Listener {
    /// Binds a socket. Port 0 is any that is free.
    ///
    /// # Errors
    ///
    /// Where that is no address of this machine, or the port is taken.
    pub(crate) async fn bind(address: &str, tls: Option<TlsAcceptor>, limits: Limits) -> io::Result<Listener> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Listener { socket, address, tls, limits })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts connections until `stop` is done, and then ends when the requests in flight have been answered.
    pub(crate) async fn serve(self, app: App, stop: impl Future<Output = ()>) {
        let Listener { socket, address, tls, limits } = self;
        let connection = Connection { app, tls, limits, is_loopback: is_loopback(address) };
        let graceful = GracefulShutdown::new();
        // Where it is dropped, what is left is cut.
        let (alive, dead) = watch::channel(());
        tokio::select! {
            biased;
            () = stop => {}
            () = accept_all(&socket, &connection, &graceful, &dead) => {}
        }
        drop((socket, dead));
        // Streams of events have no end of their own.
        connection.app.stop_streams();
        if timeout(limits.drain, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were cut that took too long to end");
        }
        drop(alive);
    }
}

/// Never ends.
async fn accept_all(
    socket: &TcpListener,
    connection: &Connection,
    graceful: &GracefulShutdown,
    dead: &watch::Receiver<()>,
) {
    let room = Arc::new(Semaphore::new(connection.limits.connections));
    loop {
        // It is never closed.
        let Ok(place) = room.clone().acquire_owned().await else { return pending().await };
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Of this one connection; or there are no descriptors left, which may pass.
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let (connection, watcher, mut dead) = (connection.clone(), graceful.watcher(), dead.clone());
        tokio::spawn(async move {
            let _place = place;
            tokio::select! {
                () = connection.run(stream, peer, watcher) => {}
                _ = dead.changed() => {}
            }
        });
    }
}

impl Connection {
    async fn run(self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        // Answers are small and wait for nothing that comes after them.
        _ = stream.set_nodelay(true);
        let peer = match self.is_loopback && is_loopback(peer) {
            true => Peer::Local,
            false => Peer::Other,
        };
        let stream = Unstalled::new(stream, self.limits.stall);
        match &self.tls {
            None => speak(stream, self.app, peer, None, self.limits, watcher).await,
            Some(tls) => {
                let mut handshake = pin!(tls.accept(stream));
                match timeout(self.limits.handshake, &mut handshake).await {
                    Ok(Ok(stream)) => speak(stream, self.app, peer, Some(Scheme::HTTPS), self.limits, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
                    Err(_) => tracing::debug!("a handshake took too long"),
                }
            }
        }
    }
}

async fn speak<S>(stream: S, app: App, peer: Peer, scheme: Option<Scheme>, limits: Limits, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        if let Some(scheme) = &scheme {
            request.extensions_mut().insert(scheme.clone());
        }
        app.clone().call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    if let Err(error) = watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await {
        // The other end went away, or was too slow, or sent what is no HTTP: no matter of ours.
        tracing::debug!(%error, "a connection broke");
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
