//! Clients that connect to an address and mean a hub of another name, as those do whose connection string has a `GatewayHostName`.

use http::HeaderValue;
use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use iothub::runtime::credential::covers;
use iothub::runtime::server::Context;

use crate::state::World;

/// Where a client has connected to that means another hub: an extension of the request, whose `Host` is that hub's.
#[derive(Clone, Debug)]
struct Gateway(HeaderValue);

/// Where the client of a request has connected to, for what is to be reached there, too.
pub(crate) fn host(cx: &Context) -> Option<&str> {
    match cx.extensions().get::<Gateway>() {
        Some(Gateway(host)) => host.to_str().ok(),
        None => cx.host(),
    }
}

/// Lets a request be for the hub that its token is for, where its host is no hub's own name. Who only has an address could not reach any but
/// the main hub otherwise. Whether the token is any good is not looked at here.
pub(crate) fn through(world: &World, request: &mut Parts) {
    if !world.has_several() || request.uri.authority().is_some() {
        return;
    }
    let host = request.headers.get(HOST);
    if host.and_then(|host| host.to_str().ok()).is_some_and(|host| world.named(host).is_some()) {
        return;
    }
    let Some(scope) = sas_scope(request) else { return };
    let meant = world.hubs().into_iter().find(|hub| covers(scope, &hub.host, request.uri.path()));
    let Some(name) = meant.and_then(|hub| HeaderValue::from_str(&hub.host).ok()) else { return };
    if let Some(host) = request.headers.insert(HOST, name) {
        request.extensions.insert(Gateway(host));
    }
}

/// What a shared access signature says that it is for.
pub(crate) fn sas_scope(request: &Parts) -> Option<&str> {
    let text = request.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, parts) = text.split_once(' ')?;
    parts.split('&').find_map(|part| part.trim().strip_prefix("sr="))
}
