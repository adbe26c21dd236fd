//! What the tests of this part share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::request::Parts;
use http::{Method, Request};

use super::context::Context;
use super::ids::RequestIds;
use super::route::Route;
use crate::clock::Clock;
use crate::transport::BoxFuture;

/// A clock that stands still, until somebody waits by it or tells it to go on.
#[derive(Clone, Default)]
pub(super) struct Still(Arc<AtomicU64>, Arc<Mutex<Vec<u64>>>);

impl Still {
    pub(super) fn at(seconds: u64) -> Still {
        let clock = Still::default();
        clock.pass(seconds);
        clock
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(super) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    pub(super) fn waited(&self) -> Vec<u64> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Clock for Still {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(async move {
            clock.1.lock().unwrap().push(duration.as_secs());
            clock.pass(duration.as_secs());
        })
    }

    fn random(&self) -> f64 {
        0.5
    }
}

pub(super) static ROUTE: Route = Route::new("Things_Do", Method::GET, "/{*}");

/// The head of a request to this host.
pub(super) fn head(host: &str, path_and_query: &str, headers: &[(&'static str, &str)]) -> Parts {
    let request = Request::builder().uri(path_and_query).header("host", host);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap().into_parts().0
}

/// The context of a request to `localhost:8080`.
pub(super) fn context(path_and_query: &str) -> Context {
    Context::new(head("localhost:8080", path_and_query, &[]), &ROUTE, RequestIds::new().next(), None)
}
