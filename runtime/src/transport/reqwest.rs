//! A transport over [reqwest], on tokio.

use std::sync::Arc;
use std::time::Duration;

use ::reqwest::redirect::Policy;
use ::reqwest::{Client, Url};
use bytes::Bytes;
use http::{Request, Response};
use rustls_platform_verifier::BuilderVerifierExt;

use super::{BoxFuture, Transport, TransportError};
use crate::body::Body;
use crate::error::{Error, ErrorKind};

/// How long to wait for a connection. How long an answer may take depends on the operation.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests with a [`reqwest::Client`].
///
/// [`ReqwestTransport::new`] makes one that suits; any other client can be given, and brings its own proxies,
/// certificates and timeouts. Such a client should not follow redirects: it would carry the request to wherever the
/// service points.
///
/// ```
/// use specsmith_runtime::transport::reqwest::ReqwestTransport;
///
/// let own = reqwest::Client::builder()
///     .redirect(reqwest::redirect::Policy::none())
///     .timeout(std::time::Duration::from_secs(20));
/// # fn finish(own: reqwest::ClientBuilder) -> Result<(), reqwest::Error> {
/// let transport = ReqwestTransport::from(own.build()?);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: Client,
}

impl ReqwestTransport {
    /// A client of its own: HTTP/1.1; TLS 1.2 and 1.3 by rustls with ring, certificates checked as the platform does;
    /// 30 s to connect and no limit to an answer; no redirects; proxies from the environment.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`] where TLS cannot be set up, as on a system without root certificates.
    pub fn new() -> Result<ReqwestTransport, Error> {
        let refused = || Error::new(ErrorKind::Build, "TLS could not be set up");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(|error| refused().with_source(error))?
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| refused().with_source(error))?;
        Ok(ReqwestTransport { client })
    }
}

impl From<Client> for ReqwestTransport {
    fn from(client: Client) -> ReqwestTransport {
        ReqwestTransport { client }
    }
}

impl Transport for ReqwestTransport {
    fn send(&self, request: Request<Body>) -> BoxFuture<'_, Result<Response<Body>, TransportError>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let url = Url::parse(&head.uri.to_string()).map_err(TransportError::broken)?;
            let mut request = ::reqwest::Request::new(head.method, url);
            *request.headers_mut() = head.headers;
            *request.body_mut() = match body {
                Body::Empty => None,
                Body::Bytes(bytes) => Some(bytes.into()),
                stream @ Body::Stream(_) => Some(::reqwest::Body::wrap(stream)),
            };
            let response = self.client.execute(request).await.map_err(error)?;
            Ok(Response::from(response).map(|body| Body::from_http_body(Answer(body))))
        })
    }
}

/// The URL is left out of the error: its query may hold a signature.
fn error(error: ::reqwest::Error) -> TransportError {
    let error = error.without_url();
    if error.is_connect() {
        TransportError::connect(error)
    } else if error.is_timeout() {
        TransportError::timeout(error)
    } else {
        TransportError::broken(error)
    }
}

/// reqwest's body with our error.
struct Answer(::reqwest::Body);

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, TransportError>>> {
        std::pin::Pin::new(&mut self.0).poll_frame(cx).map_err(error)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::thread::{self, JoinHandle};

    /// A server that reads one request up to these last bytes, answers it with this text and returns what it was sent.
    fn server(last: &'static str, answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let (mut seen, mut buffer) = (String::new(), [0; 4096]);
            while !seen.ends_with(last) {
                let count = socket.read(&mut buffer).unwrap();
                assert!(count > 0, "{seen}");
                seen.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            }
            socket.write_all(answer.as_bytes()).unwrap();
            seen
        });
        (address, served)
    }

    async fn send(address: SocketAddr, method: &str, body: Body) -> Result<Response<Body>, TransportError> {
        let uri = format!("http://{address}/a%2Fb/c%27?d%20e&f=%2B");
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(length) = body.length() {
            request = request.header("content-length", length);
        }
        let transport = ReqwestTransport::new().unwrap();
        transport.send(request.body(body).unwrap()).await
    }

    #[tokio::test]
    async fn bytes_there_and_back() {
        let (address, served) = server("hello!", "HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 2\r\n\r\nok");
        let response = send(address, "POST", "hello!".into()).await.unwrap();
        assert_eq!(response.status(), 302);
        assert_eq!(response.into_body().collect(10).await.unwrap(), "ok");
        let seen = served.join().unwrap();
        assert!(seen.contains("\r\ncontent-length: 6\r\n") && seen.ends_with("hello!"), "{seen}");
    }

    #[tokio::test]
    async fn the_length_of_no_body_is_sent() {
        let (address, served) = server("\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n");
        send(address, "POST", Body::Empty).await.unwrap();
        let seen = served.join().unwrap();
        assert_eq!(seen.matches("content-length: 0\r\n").count(), 1, "{seen}");
        assert!(seen.starts_with("POST /a%2Fb/c%27?d%20e&f=%2B HTTP/1.1\r\n"), "{seen}");
    }

    #[tokio::test]
    async fn a_stream_goes_in_chunks() {
        let (address, served) = server("0\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        let body = Body::from_stream(Once(Some("piece".into())), None);
        send(address, "POST", body).await.unwrap();
        let seen = served.join().unwrap();
        assert!(seen.contains("\r\ntransfer-encoding: chunked\r\n"), "{seen}");
        assert!(seen.ends_with("5\r\npiece\r\n0\r\n\r\n"), "{seen}");
    }

    #[tokio::test]
    async fn a_stream_of_known_length_goes_in_one_piece() {
        let (address, served) = server("piece", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        let body = Body::from_stream(Once(Some("piece".into())), Some(5));
        send(address, "PUT", body).await.unwrap();
        let seen = served.join().unwrap();
        assert_eq!(seen.matches("content-length: 5\r\n").count(), 1, "{seen}");
        assert!(!seen.contains("transfer-encoding") && seen.ends_with("\r\n\r\npiece"), "{seen}");
    }

    struct Once(Option<Bytes>);

    impl futures_core::Stream for Once {
        type Item = Result<Bytes, std::convert::Infallible>;

        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            std::task::Poll::Ready(self.0.take().map(Ok))
        }
    }

    #[tokio::test]
    async fn nobody_there() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = send(address, "GET", Body::Empty).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert!(!format!("{error:?}").contains("%2B"), "{error:?}");
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off() {
        let (address, served) = server("\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort");
        let response = send(address, "GET", Body::Empty).await.unwrap();
        served.join().unwrap();
        let Err(crate::CollectError::Broken(error)) = response.into_body().collect(10).await else {
            panic!("nine bytes out of five")
        };
        assert_eq!(TransportError::of_body(error).kind(), ErrorKind::Transport);
    }
}
