//! A server on loopback, and a client that writes and reads bytes.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use iothub::runtime::server::Router;

use super::{Fate, Reply};
use crate::round_trips::Recorder;

/// Serves a router over HTTP/1 until the process ends, on a thread of its own.
fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(router.clone());
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // What clients break off is no error of the server's.
                tokio::spawn(async move { drop(connection.await) });
            }
        });
    });
    address
}

/// A server, what its operations record, and what the last connection still has to read.
pub(super) struct Server {
    address: SocketAddr,
    recorder: Arc<Recorder>,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum After {
    /// It takes the next request.
    Open,
    /// It has ended.
    Closed,
}

/// What comes back on a connection.
#[derive(Clone, Debug)]
pub(super) enum Back {
    /// An answer of the router's.
    Of(Fate),
    /// A status of the HTTP library's own, which knows nothing of services.
    Http(u16),
    /// `100 Continue`, and then this to be sent.
    Continue(&'static [u8]),
    /// The last answer, to a request that reached its operation.
    Last(&'static str),
    /// An answer without a body: a status, and the operation that was called, if one was.
    Bare(u16, Option<&'static str>),
}

/// What is written, one piece after the other.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Bytes(Vec<u8>),
    /// The client says that nothing more will come.
    End,
}

impl<const N: usize> From<&[u8; N]> for Piece {
    fn from(bytes: &[u8; N]) -> Piece {
        Piece::Bytes(bytes.to_vec())
    }
}

impl From<&str> for Piece {
    fn from(text: &str) -> Piece {
        Piece::Bytes(text.into())
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Piece {
        Piece::Bytes(text.into())
    }
}

/// A client's end of a connection.
struct Connection {
    stream: TcpStream,
    /// What has come and was not looked at.
    rest: VecDeque<u8>,
}

impl Connection {
    fn new(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        // A server that says nothing is a test that fails, not one that hangs.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Connection { stream, rest: VecDeque::new() }
    }

    fn write(&mut self, piece: &Piece) {
        // The server may have had enough.
        _ = match piece {
            Piece::Bytes(bytes) => self.stream.write_all(bytes),
            Piece::End => self.stream.shutdown(Shutdown::Write),
        };
    }

    /// More of what comes; false at the end.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.rest.extend(&buffer[..count]);
                true
            }
            // Closed with something of ours unread.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// The bytes up to and with an empty line.
    fn head(&mut self) -> String {
        loop {
            let bytes = self.rest.make_contiguous();
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                return String::from_utf8(self.rest.drain(..at + 4).collect()).unwrap();
            }
            assert!(self.read(), "no answer, or half a one: {:?}", self.rest);
        }
    }

    fn reply(&mut self, has_body: bool) -> Reply {
        let head = self.head();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap());
        }
        let length = headers.get("content-length").map_or(0, |length| length.to_str().unwrap().parse().unwrap());
        let length = if has_body { length } else { 0 };
        while self.rest.len() < length {
            assert!(self.read(), "the answer breaks off");
        }
        Reply { status, headers, body: self.rest.drain(..length).collect::<Vec<u8>>().into() }
    }

    /// Whether it has ended, with nothing more to read.
    fn has_ended(&mut self) -> bool {
        self.rest.is_empty() && !self.read()
    }
}

/// A request as it should be.
const WELL: &[u8] = b"GET /devices/d?api-version=1 HTTP/1.1\r\nhost: h\r\n\r\n";

impl Server {
    pub(super) fn new(router: Router, recorder: &Arc<Recorder>) -> Server {
        Server { address: serve(router), recorder: recorder.clone() }
    }

    fn called(&self) -> Vec<&'static str> {
        self.recorder.asked().into_iter().map(|(id, _)| id).collect()
    }

    /// Writes the pieces, reads what comes back, and looks whether the connection lives or not, and whether the server does.
    pub(super) fn check(&self, what: &str, pieces: &[Piece], backs: &[Back], after: After) {
        let mut connection = Connection::new(self.address);
        pieces.iter().for_each(|piece| connection.write(piece));
        let mut called = VecDeque::new();
        for back in backs {
            let has_body = !matches!(back, Back::Bare(..));
            let reply = connection.reply(has_body);
            called.extend(self.called());
            match back {
                Back::Of(fate) => {
                    let mine = if matches!(fate, Fate::Reached(_)) { called.pop_front() } else { None };
                    let arm = what.contains("subscriptions");
                    fate.check(what, arm, &reply, mine.as_slice());
                }
                Back::Last(operation) => {
                    assert_eq!((reply.status, called.pop_front()), (418, Some(*operation)), "{what}");
                }
                Back::Http(status) => assert_eq!(reply.status, *status, "{what}"),
                Back::Continue(then) => {
                    assert_eq!(reply.status, 100, "{what}");
                    connection.write(&Piece::Bytes(then.to_vec()));
                }
                Back::Bare(status, operation) => {
                    assert_eq!((reply.status, called.pop_front()), (*status, *operation), "{what}");
                    assert_eq!(reply.headers["x-ms-request-id"].len(), 36, "{what}");
                }
            }
        }
        match after {
            After::Open => {
                connection.write(&Piece::Bytes(WELL.to_vec()));
                let reply = connection.reply(true);
                called.extend(self.called());
                Fate::Reached("DeviceApi_GetDevice").check(what, false, &reply, called.make_contiguous());
            }
            After::Closed => {
                assert!(connection.has_ended(), "{what}: the connection lives");
                called.extend(self.called());
                assert!(called.is_empty(), "{what}: {called:?}");
            }
        }
        let mut other = Connection::new(self.address);
        other.write(&Piece::Bytes(WELL.to_vec()));
        let reply = other.reply(true);
        Fate::Reached("DeviceApi_GetDevice").check(what, false, &reply, &self.called());
    }
}
