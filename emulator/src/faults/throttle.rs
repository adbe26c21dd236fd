//! A bound on requests in a second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A bucket that holds the requests of one second, and is filled as time passes.
#[derive(Debug)]
pub(crate) struct Throttle {
    rate: f64,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Option<SystemTime>,
}

impl Throttle {
    /// So many requests in a second; more than none.
    pub(crate) fn new(rate: f64) -> Throttle {
        let rate = if rate.is_finite() { rate.max(f64::MIN_POSITIVE) } else { f64::MAX };
        Throttle { rate, bucket: Mutex::new(Bucket { tokens: rate.max(1.0), at: None }) }
    }

    /// Takes one, or tells after how long there is one.
    pub(crate) fn take(&self, now: SystemTime) -> Result<(), Duration> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that went back brings nothing, and takes nothing.
        let passed = bucket.at.and_then(|at| now.duration_since(at).ok()).unwrap_or_default();
        bucket.at = Some(now);
        bucket.tokens = passed.as_secs_f64().mul_add(self.rate, bucket.tokens).min(self.rate.max(1.0));
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::try_from_secs_f64((1.0 - bucket.tokens) / self.rate).unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holds_what_it_may() {
        let (throttle, start) = (Throttle::new(2.0), SystemTime::UNIX_EPOCH);
        let take = |millis| throttle.take(start + Duration::from_millis(millis)).map_err(|wait| wait.as_millis());
        assert_eq!([take(0), take(0), take(0)], [Ok(()), Ok(()), Err(500)]);
        assert_eq!([take(250), take(500), take(500)], [Err(250), Ok(()), Err(500)]);
        // However long nobody asks, no more gather.
        assert_eq!([take(90_000), take(90_000), take(90_000)], [Ok(()), Ok(()), Err(500)]);
        assert_eq!([take(80_000), take(80_500)], [Err(500), Ok(())]);
    }

    #[test]
    fn less_than_one_a_second() {
        let throttle = Throttle::new(0.1);
        assert_eq!(throttle.take(SystemTime::UNIX_EPOCH), Ok(()));
        assert_eq!(throttle.take(SystemTime::UNIX_EPOCH).map_err(|wait| wait.as_secs()), Err(10));
        assert!(Throttle::new(f64::NAN).take(SystemTime::UNIX_EPOCH).is_ok());
        let never = Throttle::new(0.0);
        assert!(never.take(SystemTime::UNIX_EPOCH).is_ok() && never.take(SystemTime::UNIX_EPOCH).is_err());
    }
}
