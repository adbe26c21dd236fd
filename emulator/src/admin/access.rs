//! Who may use the admin API.
//!
//! It changes what it likes without any key, so it is for whoever sits at the machine: for requests from a loopback address to a loopback
//! address, or for whoever has the admin token. A page in a browser comes from a loopback address, too; what gives it
//! away is the name that it asks under, if it has made that lead here, or the origin that its browser says it has.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use iothub::runtime::Secret;
use iothub::runtime::server::{Authenticator, Caller, Route, ServiceError};
use iothub::runtime::transport::BoxFuture;

use crate::app::Peer;
use crate::state::{World, without_port};

/// Knows who may.
pub(crate) struct Access {
    world: Arc<World>,
    token: Option<Secret>,
}

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Access {
    /// Without a token, whoever is local may.
    pub(crate) fn new(world: Arc<World>, token: Option<Secret>) -> Access {
        Access { world, token }
    }

    fn check(&self, request: &Parts) -> Result<(), ServiceError> {
        if let (Some(token), Some(given)) = (&self.token, request.headers.get(AUTHORIZATION)) {
            // Who says who he is does not want to be taken for somebody else.
            return match is_token(token, given) {
                true => Ok(()),
                false => Err(unauthorized("This is not the admin token.")),
            };
        }
        if request.extensions.get::<Peer>() != Some(&Peer::Local) {
            return Err(unauthorized(
                "Through an address that others can reach, the admin API is for whoever has the admin token.",
            ));
        }
        let host = host(request).filter(|host| self.is_own_name(host));
        let host = host.ok_or_else(|| forbidden("The admin API is not for requests under foreign names."))?;
        match is_foreign_page(request, host) {
            true => Err(forbidden("The admin API is not for pages of other origins.")),
            false => Ok(()),
        }
    }

    /// Whether it is a name that is this machine's whatever anybody's name server says, or a hub's.
    fn is_own_name(&self, host: &str) -> bool {
        let name = without_port(host);
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match address {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => {
                let name = name.to_ascii_lowercase();
                name == "localhost"
                    || name.ends_with(".localhost")
                    || self.world.hubs().iter().any(|hub| hub.host.eq_ignore_ascii_case(&name))
            }
        }
    }
}

fn is_token(token: &Secret, given: &HeaderValue) -> bool {
    let given = given.to_str().ok().and_then(|given| given.split_once(' '));
    // Secrets are compared in a time that does not depend on where they differ.
    given.is_some_and(|(scheme, given)| scheme.eq_ignore_ascii_case("Bearer") && Secret::from(given.trim()) == *token)
}

/// Where the request was sent to, if it says that once.
fn host(request: &Parts) -> Option<&str> {
    let mut hosts = request.headers.get_all(HOST).iter();
    match (request.uri.authority(), hosts.next(), hosts.next()) {
        (Some(authority), _, None) => Some(authority.as_str()),
        (None, Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}

/// Whether a browser sends it for a page of somebody else's.
fn is_foreign_page(request: &Parts, host: &str) -> bool {
    let is_own = |origin: &HeaderValue| {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        origin.is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(host))
    };
    let site = request.headers.get(FETCH_SITE);
    site.is_some_and(|site| site != "same-origin" && site != "none")
        || !request.headers.get_all(ORIGIN).iter().all(is_own)
}

fn unauthorized(message: &str) -> ServiceError {
    ServiceError::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

fn forbidden(message: &str) -> ServiceError {
    ServiceError::new(StatusCode::FORBIDDEN, "Forbidden", message)
}

impl Authenticator for Access {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
        _: &'static Route,
    ) -> BoxFuture<'a, Result<Caller, ServiceError>> {
        Box::pin(async { self.check(request).map(|()| Caller::Bearer { subject: "admin".to_owned() }) })
    }
}
