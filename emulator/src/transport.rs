//! Clients of the emulator in the same process, with no socket between.

use http::{Request, Response};
use iothub::runtime::transport::{BoxFuture, InProcess, Transport, TransportError};
use iothub::runtime::{Body, Clock};
use std::sync::Arc;

use crate::app::{App, Peer};
use crate::clock::HubClock;

/// Hands requests to the service, which sees them as it would see those of a socket. Clients over it have the hub's time.
pub(crate) struct Direct {
    inner: InProcess<App>,
    clock: HubClock,
}

impl Direct {
    pub(crate) fn new(app: App, clock: HubClock) -> Direct {
        Direct { inner: InProcess::new(app), clock }
    }
}

impl Transport for Direct {
    fn send(&self, mut request: Request<Body>) -> BoxFuture<'_, Result<Response<Body>, TransportError>> {
        let scheme = request.uri().scheme().cloned();
        request.extensions_mut().insert(Peer::Local);
        if let Some(scheme) = scheme {
            request.extensions_mut().insert(scheme);
        }
        self.inner.send(request)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }
}
