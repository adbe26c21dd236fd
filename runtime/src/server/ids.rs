//! Ids of requests.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;

const HEX: &[u8; 16] = b"0123456789abcdef";
/// Where each byte of a UUID stands in its text.
const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// The id of a request, as text.
#[derive(Clone, Copy)]
pub(super) struct RequestId([u8; 36]);

impl RequestId {
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<RequestId> for HeaderValue {
    fn from(id: RequestId) -> HeaderValue {
        HeaderValue::from_bytes(&id.0).unwrap_or(HeaderValue::from_static("-"))
    }
}

/// Makes ids that differ within a process and, most likely, between processes. They are no secrets.
#[derive(Clone, Debug)]
pub(super) struct RequestIds(Arc<Source>);

#[derive(Debug)]
struct Source {
    /// Different in each process.
    seed: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> RequestIds {
        RequestIds(Arc::new(Source { seed: RandomState::new().hash_one(0), count: AtomicU64::new(0) }))
    }

    /// The next, in the form of a UUID of version 4 (RFC 9562 §5.4).
    pub(super) fn next(&self) -> RequestId {
        let count = self.0.count.fetch_add(1, Ordering::Relaxed);
        let (high, low) = (mixed(self.0.seed ^ count), mixed(self.0.seed.rotate_left(32).wrapping_add(count)));
        let bits = (u128::from(high) << 64) | u128::from(low);
        let bits = bits & !(0xf << 76) | 4 << 76;
        let bits = bits & !(0x3 << 62) | 2 << 62;
        let mut text = [b'-'; 36];
        for (byte, at) in bits.to_be_bytes().into_iter().zip(PLACES) {
            for (digit, place) in [byte >> 4, byte & 15].into_iter().zip(text.iter_mut().skip(at)) {
                *place = HEX.get(usize::from(digit)).copied().unwrap_or_default();
            }
        }
        RequestId(text)
    }
}

/// Spreads a number over all bits: the finalizer of SplitMix64, under which no two numbers come out the same.
fn mixed(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_look_like_ids() {
        let ids = RequestIds::new();
        let made: std::collections::HashSet<HeaderValue> = (0..1000).map(|_| ids.next().into()).collect();
        assert_eq!(made.len(), 1000);
        for id in made {
            let id = id.to_str().unwrap();
            let shape: String = id.chars().map(|c| if matches!(c, '0'..='9' | 'a'..='f') { 'x' } else { c }).collect();
            assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
            assert!(id.as_bytes()[14] == b'4' && matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        }
    }
}
