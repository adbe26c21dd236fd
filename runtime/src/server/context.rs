//! What is known of a request beside its parameters.

use http::request::Parts;
use http::uri::Scheme;
use http::{Extensions, HeaderMap, Method, Uri, header};

use super::authenticate::Caller;
use super::extract;
use super::ids::RequestId;
use super::route::Route;
use crate::error::ParseError;
use crate::preconditions::Preconditions;

/// The request that a handler answers: what it is beside the parameters that the document declares.
#[derive(Debug)]
pub struct Context {
    parts: Parts,
    route: &'static Route,
    request_id: RequestId,
    caller: Option<Caller>,
}

impl Context {
    pub(super) fn new(parts: Parts, route: &'static Route, request_id: RequestId, caller: Option<Caller>) -> Context {
        Context { parts, route, request_id, caller }
    }

    /// The operation.
    pub fn route(&self) -> &'static Route {
        self.route
    }

    /// The method, which is HEAD where only the headers of a GET are wanted.
    pub fn method(&self) -> &Method {
        &self.parts.method
    }

    /// The request's target.
    pub fn uri(&self) -> &Uri {
        &self.parts.uri
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// What layers around the router left.
    pub fn extensions(&self) -> &Extensions {
        &self.parts.extensions
    }

    /// The `x-ms-request-id` of the answer.
    pub fn request_id(&self) -> &str {
        self.request_id.as_str()
    }

    /// The version of the interface that the caller asked for.
    pub fn api_version(&self) -> Option<String> {
        extract::first(self.parts.uri.query(), "api-version")
    }

    /// Who is asking, where an [`Authenticator`](super::Authenticator) has found out.
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// The preconditions, also of operations that do not declare any.
    ///
    /// # Errors
    ///
    /// As [`Preconditions::from_headers`].
    pub fn preconditions(&self) -> Result<Preconditions, ParseError> {
        Preconditions::from_headers(&self.parts.headers)
    }

    /// The host that the request was sent to, with the port if it has one: from the URI, or else from `Host`.
    pub fn host(&self) -> Option<&str> {
        host(&self.parts)
    }

    /// Scheme and host of the request, for URLs that lead back here: `http://localhost:8080`.
    ///
    /// Behind TLS, whoever accepts the connection puts a [`Scheme`] into the request's extensions; without it the scheme is
    /// that of the URI, or `http`.
    pub fn origin(&self) -> String {
        let scheme = self.parts.extensions.get::<Scheme>().or(self.parts.uri.scheme());
        let scheme = scheme.map_or("http", Scheme::as_str);
        format!("{scheme}://{}", self.host().unwrap_or("localhost"))
    }
}

/// The host that a request was sent to, with the port if it has one: from the URI, or else from `Host`. For authenticators and services
/// beside a router, which have no [`Context`].
pub fn host(parts: &Parts) -> Option<&str> {
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    authority.or_else(|| parts.headers.get(header::HOST)?.to_str().ok())
}
