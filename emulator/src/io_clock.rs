//! The clock of whatever waits for the other end of a connection.

use std::time::{Duration, SystemTime};

use iothub::runtime::Clock;
use iothub::runtime::transport::BoxFuture;

use crate::clock::HubClock;

/// Tells the hub's time, and waits in real time: who moves the hub's must not end the requests that are on their way.
#[derive(Clone, Debug)]
pub(crate) struct IoClock(pub(crate) HubClock);

impl Clock for IoClock {
    fn now(&self) -> SystemTime {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn random(&self) -> f64 {
        self.0.random()
    }
}
