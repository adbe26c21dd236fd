//! A transport over [reqwest], on tokio.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ::reqwest::redirect::Policy;
use ::reqwest::{Client, Url};
use bytes::Bytes;
use http::{Request, Response, Uri};
use rustls::ClientConfig;
use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls_platform_verifier::BuilderVerifierExt;

use super::{BoxFuture, Transport, TransportError};
use crate::body::Body;
use crate::clock::{Clock, SystemClock};
use crate::error::{BoxError, Error};

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
    /// [`ErrorKind::Build`](crate::ErrorKind::Build) where TLS cannot be set up, as on a system without root certificates.
    pub fn new() -> Result<ReqwestTransport, Error> {
        over(platform_verified()?.with_no_client_auth())
    }

    /// As [`ReqwestTransport::new`], with a certificate that says who the client is, as devices have them that do so by X.509
    /// ([`ClientCertificate`](crate::credential::ClientCertificate)).
    ///
    /// Both are PEM (RFC 7468): the client's certificate, followed by those that lead from it to its authority, as far as the
    /// service does not have them; and its private key (PKCS #8, PKCS #1 or SEC1), not encrypted.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    /// use specsmith_runtime::credential::ConnectionString;
    /// use specsmith_runtime::transport::reqwest::ReqwestTransport;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let connection = ConnectionString::of_device("HostName=my-hub.azure-devices.net;DeviceId=d1;x509=true")?;
    /// let (certificate, key) = (std::fs::read("device.pem")?, std::fs::read("device.key")?);
    /// let transport = ReqwestTransport::with_client_certificate(&certificate, &key)?;
    /// let pipeline = connection.pipeline(Arc::new(transport));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`](crate::ErrorKind::Build) where either cannot be read, where they do not belong together, and as for
    /// [`ReqwestTransport::new`].
    pub fn with_client_certificate(certificate: &[u8], key: &[u8]) -> Result<ReqwestTransport, Error> {
        over(with_certificate(platform_verified()?, certificate, key)?)
    }
}

type Verified = rustls::ConfigBuilder<ClientConfig, WantsClientCert>;

fn refused() -> Error {
    Error::build("TLS could not be set up")
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// TLS 1.2 and 1.3 to servers that the platform trusts.
fn platform_verified() -> Result<Verified, Error> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| refused().with_source(error))
}

/// The errors say which of the two is wrong, and nothing of what they hold.
fn with_certificate(verified: Verified, certificate: &[u8], key: &[u8]) -> Result<ClientConfig, Error> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate)
        .collect::<Result<_, _>>()
        .ok()
        .filter(|chain: &Vec<_>| !chain.is_empty())
        .ok_or_else(|| Error::build("the client's certificate is not in PEM (RFC 7468)"))?;
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| Error::build("the client's private key is not in PEM (RFC 7468), or is encrypted"))?;
    verified.with_client_auth_cert(chain, key).map_err(|error| {
        Error::build("the client's certificate and private key do not belong together, or cannot be used")
            .with_source(error)
    })
}

fn over(tls: ClientConfig) -> Result<ReqwestTransport, Error> {
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .build()
        .map_err(|error| refused().with_source(error))?;
    Ok(ReqwestTransport { client })
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
            let url = Url::parse(&text(&head.uri)).map_err(TransportError::broken)?;
            let mut request = ::reqwest::Request::new(head.method, url);
            *request.headers_mut() = head.headers;
            *request.body_mut() = match body {
                Body::Empty => None,
                Body::Bytes(bytes) => Some(bytes.into()),
                stream @ Body::Stream(_) => Some(::reqwest::Body::wrap(stream)),
            };
            let response = self.client.execute(request).await.map_err(error)?;
            Ok(Response::from(response).map(|body| Body::boxed(Box::pin(Answer(body)))))
        })
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(TokioClock)
    }
}

/// A URI in one piece of memory.
fn text(uri: &Uri) -> String {
    let length = uri.host().map_or(0, str::len) + uri.path_and_query().map_or(0, |path| path.as_str().len());
    let mut text = String::with_capacity(length + 16);
    // Writing to a string does not fail.
    let _ = write!(text, "{uri}");
    text
}

/// The system's time, and tokio's timers, which reqwest needs as well.
struct TokioClock;

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        SystemClock.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn random(&self) -> f64 {
        SystemClock.random()
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
    type Error = BoxError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        std::pin::Pin::new(&mut self.0).poll_frame(cx).map_err(|cause| error(cause).into())
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
    use crate::ErrorKind;
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

    const CA: &[u8] = include_bytes!("testdata/ca.pem");
    const SERVER: [&[u8]; 2] = [include_bytes!("testdata/server.pem"), include_bytes!("testdata/server.key")];
    const CLIENT: [&[u8]; 2] = [include_bytes!("testdata/client.pem"), include_bytes!("testdata/client.key")];

    fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(pem).map(Result::unwrap).collect()
    }

    /// Trusts the tests' own authority in place of the platform's.
    fn roots() -> Arc<rustls::RootCertStore> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(certificates(CA));
        Arc::new(roots)
    }

    /// A server that wants a certificate of the tests' authority, answers one request with 204 and returns what it was shown.
    fn tls_server() -> (SocketAddr, JoinHandle<Option<Vec<CertificateDer<'static>>>>) {
        let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(roots(), provider());
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients.build().unwrap())
            .with_single_cert(certificates(SERVER[0]), PrivateKeyDer::from_pem_slice(SERVER[1]).unwrap())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, socket);
            let read = stream.read(&mut [0; 4096]).ok()?;
            assert!(read > 0);
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            stream.conn.peer_certificates().map(|shown| shown.iter().map(|one| one.clone().into_owned()).collect())
        });
        (address, served)
    }

    async fn send_over_tls(address: SocketAddr, config: ClientConfig) -> Result<Response<Body>, TransportError> {
        let request = Request::builder().uri(format!("https://localhost:{}/", address.port()));
        let client = Client::builder().tls_backend_preconfigured(config).resolve("localhost", address).build().unwrap();
        ReqwestTransport::from(client).send(request.body(Body::Empty).unwrap()).await
    }

    fn trusting() -> Verified {
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        builder.unwrap().with_root_certificates(roots())
    }

    #[tokio::test]
    async fn a_client_shows_its_certificate() {
        let (address, served) = tls_server();
        let config = with_certificate(trusting(), CLIENT[0], CLIENT[1]).unwrap();
        assert_eq!(send_over_tls(address, config).await.unwrap().status(), 204);
        assert_eq!(served.join().unwrap().unwrap(), certificates(CLIENT[0]));
    }

    #[tokio::test]
    async fn without_its_certificate_a_client_is_refused() {
        let (address, served) = tls_server();
        assert!(send_over_tls(address, trusting().with_no_client_auth()).await.is_err());
        assert_eq!(served.join().unwrap(), None);
    }

    #[test]
    fn certificates_that_cannot_be() {
        assert!(ReqwestTransport::with_client_certificate(CLIENT[0], CLIENT[1]).is_ok());
        for (certificate, key, said) in [
            (&b""[..], CLIENT[1], "certificate is not in PEM"),
            (CLIENT[1], CLIENT[1], "certificate is not in PEM"),
            (CLIENT[0], b"", "private key is not in PEM"),
            (CLIENT[0], CLIENT[0], "private key is not in PEM"),
            (CLIENT[0], SERVER[1], "do not belong together"),
        ] {
            let error = ReqwestTransport::with_client_certificate(certificate, key).unwrap_err();
            assert!(error.kind() == ErrorKind::Build && error.to_string().contains(said), "{error}");
            let key = String::from_utf8_lossy(CLIENT[1]);
            let line = key.lines().nth(2).unwrap();
            assert!(line.len() > 40 && !format!("{error:?}").contains(line), "{error:?}");
        }
    }
}
