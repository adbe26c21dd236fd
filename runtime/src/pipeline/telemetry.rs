//! What can be seen of a call from outside: its name on the wire, and a span of `tracing`.

use std::io::Write as _;

use http::{HeaderName, HeaderValue};

use crate::body::Body;
use crate::clock::Clock;
use crate::error::Error;
use crate::operation::Operation;
use crate::url::Endpoint;

/// The header by which a caller names an exchange, for whoever reads the service's logs.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// Gives a request a name of its own, a random UUID (RFC 9562 §5.4), unless it has one. All tries of a call have the same.
pub(super) fn name_request(request: &mut http::Request<Body>, clock: &dyn Clock) {
    request.headers_mut().entry(CLIENT_REQUEST_ID).or_insert_with(|| {
        let roll = || (clock.random() * f64::from(u32::MAX)) as u32;
        let [a, b, c, d] = [roll(), roll(), roll(), roll()];
        // As wide as a UUID is.
        let mut text = [0; 36];
        // It has just that room.
        let _ = write!(
            text.as_mut_slice(),
            "{a:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{d:08x}",
            b >> 16,
            b & 0xfff,
            0x8000 | (c >> 16) & 0x3fff,
            c & 0xffff,
        );
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("unnamed"))
    });
}

/// The span of a call, in the words of OpenTelemetry's conventions for HTTP clients.
#[cfg(feature = "tracing")]
pub(super) struct Span(tracing::Span);

#[cfg(feature = "tracing")]
impl Span {
    pub(super) fn new(operation: &'static Operation, endpoint: &Endpoint, request: &http::Request<Body>) -> Span {
        let name = request.headers().get(CLIENT_REQUEST_ID).and_then(|value| value.to_str().ok());
        Span(tracing::info_span!(
            "call",
            otel.name = operation.id(),
            otel.kind = "client",
            specsmith.operation = operation.id(),
            http.request.method = %request.method(),
            url.template = operation.path(),
            server.address = endpoint.host(),
            server.port = endpoint.port(),
            azure.client.request.id = name,
            http.request.resend_count = tracing::field::Empty,
            http.response.status_code = tracing::field::Empty,
            azure.service.request.id = tracing::field::Empty,
            error.type = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        ))
    }

    pub(super) async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        tracing::Instrument::instrument(work, self.0.clone()).await
    }

    /// That so many tries have been made.
    pub(super) fn tried(&self, tries: u32) {
        if tries > 1 {
            self.0.record("http.request.resend_count", tries - 1);
        }
    }

    pub(super) fn end(&self, answer: &Result<http::Response<Body>, Error>) {
        let failed = match answer {
            Ok(answer) => {
                let status = answer.status();
                self.0.record("http.response.status_code", status.as_u16());
                if let Some(id) = answer.headers().get(crate::response::REQUEST_ID).and_then(|id| id.to_str().ok()) {
                    self.0.record("azure.service.request.id", id);
                }
                (status.as_u16() >= 400).then(|| status.as_str().to_owned())
            }
            Err(error) => Some(format!("{:?}", error.kind()).to_lowercase()),
        };
        if let Some(kind) = failed {
            self.0.record("error.type", kind);
            self.0.record("otel.status_code", "ERROR");
        }
    }
}

/// Without the feature `tracing` there is none.
#[cfg(not(feature = "tracing"))]
pub(super) struct Span;

#[cfg(not(feature = "tracing"))]
impl Span {
    pub(super) fn new(_: &'static Operation, _: &Endpoint, _: &http::Request<Body>) -> Span {
        Span
    }

    pub(super) fn around<F: Future>(&self, work: F) -> F {
        work
    }

    pub(super) fn tried(&self, _: u32) {}

    pub(super) fn end(&self, _: &Result<http::Response<Body>, Error>) {}
}
