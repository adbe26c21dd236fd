//! Ids of requests.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;

/// Makes ids that differ within a process and, most likely, between processes. They are no secrets.
#[derive(Clone, Debug)]
pub(super) struct RequestIds(Arc<Source>);

#[derive(Debug)]
struct Source {
    keys: RandomState,
    count: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> RequestIds {
        RequestIds(Arc::new(Source { keys: RandomState::new(), count: AtomicU64::new(0) }))
    }

    /// The next, in the form of a UUID of version 4 (RFC 9562 §5.4).
    pub(super) fn next(&self) -> HeaderValue {
        let count = self.0.count.fetch_add(1, Ordering::Relaxed);
        let [high, low] = [count, !count].map(|seed| self.0.keys.hash_one(seed));
        let bits = (u128::from(high) << 64) | u128::from(low);
        let bits = bits & !(0xf << 76) | 4 << 76;
        let bits = bits & !(0x3 << 62) | 2 << 62;
        let mut text = [0; 36];
        let mut shift = 128;
        for (at, place) in text.iter_mut().enumerate() {
            *place = match at {
                8 | 13 | 18 | 23 => b'-',
                _ => {
                    shift -= 4;
                    let digit = (bits >> shift & 0xf) as u8;
                    if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
                }
            };
        }
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_look_like_ids() {
        let ids = RequestIds::new();
        let made: std::collections::HashSet<HeaderValue> = (0..1000).map(|_| ids.next()).collect();
        assert_eq!(made.len(), 1000);
        for id in made {
            let id = id.to_str().unwrap();
            assert!(
                id.len() == 36 && id.as_bytes()[14] == b'4' && matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b')
            );
        }
    }
}
