//! Time and chance, given from outside, so that what waits can be tested without waiting.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, SystemTime};

use crate::transport::BoxFuture;

/// What tells the time, waits, and rolls dice.
pub trait Clock: Send + Sync + 'static {
    /// The time of day.
    fn now(&self) -> SystemTime;

    /// Waits so long.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// A number of at least 0 and less than 1, each as likely as the others; for spreading retries, not for secrets.
    fn random(&self) -> f64;
}

/// The time of the system. It waits under any executor, with one thread for all that wait.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(futures_timer::Delay::new(duration))
    }

    fn random(&self) -> f64 {
        // Each `RandomState` has keys of its own; the 53 bits are what a float can tell apart.
        let bits = RandomState::new().hash_one(0) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_between_none_and_one() {
        let rolls: Vec<f64> = (0..1000).map(|_| SystemClock.random()).collect();
        assert!(rolls.iter().all(|roll| (0.0..1.0).contains(roll)));
        // Of a thousand fair rolls, far more than a quarter are in each half.
        let low = rolls.iter().filter(|roll| **roll < 0.5).count();
        assert!((250..750).contains(&low), "{low}");
    }
}
