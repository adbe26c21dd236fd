//! Requests on loopback, written and read by hand, so that little time goes into them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Result;

/// Requests as they are sent.
pub(crate) type Requests = Arc<[String]>;

/// The time of so many requests over so many connections, each of which sends its next one when it has the answer. All are sent in turn.
pub(crate) async fn load(address: SocketAddr, connections: usize, count: usize, requests: &Requests) -> Result<f64> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        streams.push(Connection::open(address).await?);
    }
    let (start, mut clients) = (Instant::now(), JoinSet::new());
    for (number, mut stream) in streams.into_iter().enumerate() {
        let requests = Arc::clone(requests);
        clients.spawn(async move {
            for text in
                requests.iter().cycle().skip(number % requests.len()).step_by(connections).take(count / connections)
            {
                stream.ask(text).await?;
            }
            Ok::<(), std::io::Error>(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// A connection that stays.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: vec![0; 16 << 10] })
    }

    /// The body of the answer to a request, which has to be 200 and to have a length.
    pub(crate) async fn ask(&mut self, request: &str) -> std::io::Result<&str> {
        self.stream.write_all(request.as_bytes()).await?;
        let mut filled = 0;
        let body = loop {
            if filled == self.buffer.len() {
                self.buffer.resize(2 * filled, 0);
            }
            let read = self.stream.read(self.buffer.get_mut(filled..).unwrap_or_default()).await?;
            filled += read;
            let seen = self.buffer.get(..filled).unwrap_or_default();
            match whole(seen) {
                Some(body) => break body..filled,
                None if read == 0 || seen.len() > 12 && !seen.starts_with(b"HTTP/1.1 200") => {
                    return Err(std::io::Error::other(format!("the answer is {}", String::from_utf8_lossy(seen))));
                }
                None => {}
            }
        };
        std::str::from_utf8(self.buffer.get(body).unwrap_or_default()).map_err(std::io::Error::other)
    }
}

/// Where the body of an answer begins, if it is there to its end.
fn whole(seen: &[u8]) -> Option<usize> {
    let end = seen.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(seen.get(..end)?).ok().filter(|head| head.starts_with("HTTP/1.1 200"))?;
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let (_, length) = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    (seen.len() - end - 4 >= length.parse().ok()?).then_some(end + 4)
}
