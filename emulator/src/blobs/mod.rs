//! A blob store on the emulator's own origin, for files that devices upload and lists of devices: what Azure Storage does with block blobs, as far
//! as clients need it.
//!
//! No document of IoT Hub describes it, so it stands beside the router: paths are `/<container>/<blob>`, and what allows
//! anything is a [signature](sas) in the query.

mod containers;
pub(crate) mod names;
mod read;
mod refusal;
pub(crate) mod sas;
#[cfg(test)]
mod tests;
mod write;
mod xml;

use std::sync::Arc;
use std::time::SystemTime;

use http::header::LAST_MODIFIED;
use http::request::Parts;
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use iothub::runtime::server::{self, Preconditions};
use iothub::runtime::time::Rfc1123;
use iothub::runtime::{Body, Clock};

use crate::random;
use crate::state::{Hub, World};

pub(crate) use containers::BlobContainers;
pub(crate) use refusal::Refusal;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const VERSION: HeaderName = HeaderName::from_static("x-ms-version");

/// Answers requests for blobs.
#[derive(Clone, Debug)]
pub(crate) struct BlobService {
    world: Arc<World>,
}

/// What a request is for.
struct Request<'a> {
    parts: &'a Parts,
    hub: Arc<Hub>,
    container: String,
    blob: Option<String>,
    grant: sas::Grant,
    conditions: Preconditions,
}

impl Request<'_> {
    fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    fn parameter(&self, name: &str) -> Option<String> {
        names::parameter(self.query(), name)
    }

    /// A header as text.
    fn header(&self, name: &str) -> Option<&str> {
        text(&self.parts.headers, name)
    }

    fn is_of_container(&self) -> bool {
        self.parameter("restype").is_some_and(|kind| kind.eq_ignore_ascii_case("container"))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

impl BlobService {
    /// The blobs of this world.
    pub(crate) fn new(world: Arc<World>) -> BlobService {
        BlobService { world }
    }

    /// Whether a request that is for no operation of the hub is for blobs: where there is such a container, or where it looks like it.
    pub(crate) fn is_for(&self, parts: &Parts) -> bool {
        let container = parts.uri.path().split('/').nth(1).unwrap_or_default();
        let looks = || {
            let query = parts.uri.query().unwrap_or_default();
            parts.headers.contains_key(VERSION)
                || ["sig", "restype"].iter().any(|name| names::parameter(query, name).is_some())
        };
        let is_there = || hubs(&self.world, host(parts), container).iter().any(|hub| has(hub, container));
        names::is_container(container) && (looks() || is_there())
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, parts: Parts, body: Body) -> Response<Body> {
        let id = random::id().unwrap_or_default();
        let mut response = match self.respond(&parts, body).await {
            Ok(response) => response,
            Err(refusal) => refusal.response(&id, self.world.clock.now()),
        };
        if parts.method == Method::HEAD {
            // Where there is no body, its length is only said.
            if let Some(length) = response.body().length().filter(|length| *length > 0) {
                response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            }
            *response.body_mut() = Body::Empty;
        }
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::try_from(id) {
            headers.insert(REQUEST_ID, id);
        }
        let version =
            text(&parts.headers, VERSION.as_str()).filter(|version| is_version(version)).unwrap_or("2018-11-09");
        headers.extend(HeaderValue::from_str(version).ok().map(|version| (VERSION, version)));
        if let Some(id) = parts.headers.get(CLIENT_REQUEST_ID).filter(|id| id.len() <= 1024) {
            headers.insert(CLIENT_REQUEST_ID, id.clone());
        }
        response
    }

    async fn respond(&self, parts: &Parts, body: Body) -> Result<Response<Body>, Refusal> {
        let request = self.read(parts)?;
        let comp = request.parameter("comp").map(|comp| comp.to_ascii_lowercase());
        let comp = comp.as_deref().filter(|comp| !comp.is_empty());
        if request.blob.is_none() {
            if !request.is_of_container() {
                return Err(Refusal::invalid_parameter("restype"));
            }
            return match (parts.method.as_str(), comp) {
                ("PUT", None) => write::create_container(&request).await,
                ("DELETE", None) => write::delete_container(&request).await,
                ("GET" | "HEAD", None) => read::container(&request),
                ("GET", Some("list")) => read::list(&request),
                ("GET" | "HEAD" | "PUT" | "DELETE", Some(comp)) => Err(Refusal::not_implemented(comp)),
                _ => Err(Refusal::no_method()),
            };
        }
        match (parts.method.as_str(), comp) {
            ("PUT", None) => write::blob(&request, body).await,
            ("PUT", Some("block")) => write::block(&request, body).await,
            ("PUT", Some("blocklist")) => write::block_list(&request, body).await,
            ("GET" | "HEAD", None) => read::blob(&request),
            ("DELETE", None) => write::delete_blob(&request).await,
            ("GET" | "HEAD" | "PUT" | "DELETE", Some(comp)) => Err(Refusal::not_implemented(comp)),
            _ => Err(Refusal::no_method()),
        }
    }

    /// What a request is for, if its signature allows anything there.
    fn read<'a>(&self, parts: &'a Parts) -> Result<Request<'a>, Refusal> {
        let path = parts.uri.path().trim_start_matches('/');
        let (container, blob) = path.split_once('/').unwrap_or((path, ""));
        let blob = match blob {
            "" => None,
            blob => Some(names::decoded(blob).filter(|name| names::is_blob(name)).ok_or_else(Refusal::invalid_name)?),
        };
        if !names::is_container(container) {
            return Err(Refusal::invalid_name());
        }
        let query = parts.uri.query().unwrap_or_default();
        let (hub, grant) = granted(&self.world, host(parts), (container, blob.as_deref()), query)?;
        let conditions = Preconditions::from_headers(&parts.headers)
            .map_err(|_| Refusal::invalid_header("If-Match, If-None-Match"))?;
        Ok(Request { parts, hub, container: container.to_owned(), blob, grant, conditions })
    }
}

fn has(hub: &Hub, container: &str) -> bool {
    hub.read().blobs.container(container).is_ok()
}

/// The hubs whose container may be meant: the one whose host it is; or else, since an address may stand for any, the main one, and all that have a
/// container of this name.
fn hubs(world: &World, host: &str, container: &str) -> Vec<Arc<Hub>> {
    if let Some(hub) = world.named(host) {
        return vec![hub];
    }
    let main = world.main();
    let is_other = |hub: &Arc<Hub>| main.as_ref().is_none_or(|main| !Arc::ptr_eq(main, hub));
    let others = world.hubs().into_iter().filter(|hub| is_other(hub) && has(hub, container)).collect::<Vec<_>>();
    main.clone().into_iter().chain(others).collect()
}

/// The hub of which the signature in a query is, and what it allows there.
fn granted(world: &World, host: &str, place: sas::Place<'_>, query: &str) -> Result<(Arc<Hub>, sas::Grant), Refusal> {
    let now = world.clock.now();
    let mut refusal = None;
    for hub in hubs(world, host, place.0) {
        let verified = sas::verify(hub.read().blobs.key(), &hub.name, place, query, now);
        match verified {
            Ok(grant) => return Ok((hub, grant)),
            Err(why) => _ = refusal.get_or_insert(why),
        }
    }
    Err(refusal.unwrap_or_else(|| refusal::no_hub(host)))
}

/// A version of Azure Storage: a date.
fn is_version(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// The host of a request, or nothing.
fn host(parts: &Parts) -> &str {
    server::host(parts).unwrap_or_default()
}

/// Where the request's answers come from.
fn origin(parts: &Parts) -> String {
    let scheme = parts.extensions.get::<Scheme>().or(parts.uri.scheme());
    format!("{}://{}", scheme.map_or("http", Scheme::as_str), host(parts))
}

/// An answer without a body.
fn answer(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}

/// Says which version of something there is.
fn stamp(response: &mut Response<Body>, tag: &str, modified: SystemTime) {
    let modified = Rfc1123::try_from(modified).map(|time| time.to_string()).unwrap_or_default();
    for (name, value) in [(header::ETAG, format!("\"{tag}\"")), (LAST_MODIFIED, modified)] {
        response.headers_mut().extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
    }
}
