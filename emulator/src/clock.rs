//! The emulator's time: the system's, and what was added to it by hand.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use iothub::runtime::transport::BoxFuture;
use iothub::runtime::{Clock, SystemClock};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// The system's clock, which can be moved on by hand. Whoever sleeps wakes when the moved time has come.
#[derive(Clone, Debug)]
pub(crate) struct HubClock(Arc<watch::Sender<Duration>>);

impl HubClock {
    /// A clock that has not been moved.
    pub(crate) fn new() -> HubClock {
        HubClock(Arc::new(watch::Sender::new(Duration::ZERO)))
    }

    /// Moves the time on.
    pub(crate) fn advance(&self, by: Duration) {
        self.0.send_modify(|moved| *moved = moved.saturating_add(by));
    }

    /// How far it has been moved.
    pub(crate) fn moved(&self) -> Duration {
        *self.0.borrow()
    }
}

impl Default for HubClock {
    fn default() -> HubClock {
        HubClock::new()
    }
}

impl Clock for HubClock {
    fn now(&self) -> SystemTime {
        let now = SystemTime::now();
        now.checked_add(self.moved()).unwrap_or(now)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (mut moves, start) = (self.0.subscribe(), Instant::now());
        let until = self.moved().saturating_add(duration);
        Box::pin(async move {
            loop {
                let left = until.saturating_sub(*moves.borrow_and_update()).saturating_sub(start.elapsed());
                if left.is_zero() {
                    return;
                }
                tokio::select! {
                    () = sleep(left) => return,
                    // The clock itself is kept by whoever sleeps, or nobody is left to move it.
                    moved = moves.changed() => if moved.is_err() { return sleep(left).await },
                }
            }
        })
    }

    fn random(&self) -> f64 {
        SystemClock.random()
    }
}
