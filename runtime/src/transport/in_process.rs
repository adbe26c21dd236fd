//! A transport without a network.

use std::future::poll_fn;

use http::header::HOST;
use http::uri::{Parts, Uri};
use http::{HeaderValue, Request, Response};
use tower_service::Service;

use super::{BoxFuture, Transport, TransportError};
use crate::body::Body;
use crate::error::BoxError;

/// Sends requests to a service in the same process, with no socket between: for tests, and for programs that are
/// client and server at once.
///
/// The service gets what it would get behind an HTTP/1.1 server: the URI is path and query only, the host is in
/// `Host`. It is cloned for each request.
///
/// ```
/// use std::convert::Infallible;
/// use std::future::{Ready, ready};
/// use std::sync::Arc;
/// use std::task::{Context, Poll};
/// use specsmith_runtime::transport::InProcess;
/// use specsmith_runtime::{Body, Endpoint, Pipeline};
///
/// #[derive(Clone)]
/// struct Hello;
///
/// impl tower_service::Service<http::Request<Body>> for Hello {
///     type Response = http::Response<Body>;
///     type Error = Infallible;
///     type Future = Ready<Result<Self::Response, Infallible>>;
///
///     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
///         Poll::Ready(Ok(()))
///     }
///
///     fn call(&mut self, _: http::Request<Body>) -> Self::Future {
///         ready(Ok(http::Response::new(Body::from("\"hello\""))))
///     }
/// }
///
/// let pipeline = Pipeline::new(Endpoint::new("http://localhost")?, Arc::new(InProcess::new(Hello)));
/// # Ok::<(), specsmith_runtime::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct InProcess<S> {
    service: S,
}

impl<S> InProcess<S> {
    /// A transport to this service.
    pub fn new(service: S) -> InProcess<S> {
        InProcess { service }
    }
}

impl<S, B> Transport for InProcess<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn send(&self, request: Request<Body>) -> BoxFuture<'_, Result<Response<Body>, TransportError>> {
        let mut service = self.service.clone();
        Box::pin(async move {
            let request = as_received(request).map_err(TransportError::broken)?;
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(TransportError::connect)?;
            let response = service.call(request).await.map_err(TransportError::broken)?;
            Ok(response.map(Body::from_http_body))
        })
    }
}

/// The request as a server sees it (origin-form, RFC 9112 §3.2.1).
fn as_received(mut request: Request<Body>) -> Result<Request<Body>, http::Error> {
    if let Some(authority) = request.uri().authority() {
        let host = HeaderValue::from_str(authority.as_str())?;
        request.headers_mut().entry(HOST).or_insert(host);
    }
    let mut parts = Parts::default();
    parts.path_and_query = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from_parts(parts)?;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::task::{Context, Poll};

    /// Answers with what it saw of the request.
    #[derive(Clone)]
    struct Mirror;

    impl Service<Request<Body>> for Mirror {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<Body>) -> Self::Future {
            Box::pin(async move {
                let (head, body) = request.into_parts();
                let body = body.collect(100).await.unwrap_or_default();
                let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
                let seen = format!("{} {} {host:?} {body:?}", head.method, head.uri);
                Ok(Response::new(Body::from(seen)))
            })
        }
    }

    #[tokio::test]
    async fn the_service_sees_what_it_would_behind_a_server() {
        let transport = InProcess::new(Mirror);
        let request = Request::put("http://localhost:81/a%2Fb?c").body(Body::from("x")).unwrap();
        let response = transport.send(request).await.unwrap();
        assert_eq!(response.into_body().collect(100).await.unwrap(), r#"PUT /a%2Fb?c Some("localhost:81") b"x""#);
    }
}
