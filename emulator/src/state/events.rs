//! What devices have told the hub, kept for a look at it: in memory, and not for ever.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;

use super::hub::Hub;
use crate::outside::Event;

/// The most events that are kept; of more, the oldest go.
const KEPT: usize = 10_000;
/// The most bytes that they may have, all together.
const BYTES: usize = 64 << 20;
/// About what an event, and each of its properties, costs beside its texts.
const OVERHEAD: usize = 160;

/// The newest events of a hub.
#[derive(Debug, Default)]
pub(crate) struct Events {
    kept: Mutex<Kept>,
    /// The number of the newest one that ever was.
    newest: watch::Sender<u64>,
}

/// Their numbers have no gaps.
#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    newest: u64,
    /// A day, and how many have come on it.
    today: (u64, u64),
}

impl Kept {
    fn push(&mut self, mut event: Event) {
        self.newest += 1;
        let day = day(event.enqueued);
        self.today = (day, 1 + if self.today.0 == day { self.today.1 } else { 0 });
        event.sequence = self.newest;
        self.bytes += weight(&event);
        self.events.push_back(Arc::new(event));
        while self.events.len() > KEPT || self.bytes > BYTES {
            let Some(oldest) = self.events.pop_front() else { return };
            self.bytes -= weight(&oldest);
        }
    }
}

/// The day of a time, in UTC.
fn day(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400)
}

/// About how many bytes it takes to keep an event.
fn weight(event: &Event) -> usize {
    let texts = event.properties.iter().chain(&event.system);
    event.body.len() + OVERHEAD + texts.map(|(name, value)| name.len() + value.len() + OVERHEAD).sum::<usize>()
}

impl Events {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps events, and gives each its number.
    pub(crate) fn add(&self, events: impl IntoIterator<Item = Event>) {
        let mut kept = self.kept();
        events.into_iter().for_each(|event| kept.push(event));
        // Under the lock, so that the number never goes back.
        self.newest.send_if_modified(|newest| std::mem::replace(newest, kept.newest) != kept.newest);
    }

    /// Forgets all events; their numbers do not come again.
    pub(crate) fn clear(&self) {
        let mut kept = self.kept();
        *kept = Kept { newest: kept.newest, ..Kept::default() };
    }

    /// How many have come on the day of this time.
    pub(crate) fn on_day(&self, time: SystemTime) -> u64 {
        let (last, count) = self.kept().today;
        if last == day(time) { count } else { 0 }
    }
}

impl Hub {
    /// The oldest events behind this number, at most so many.
    pub(crate) fn events_after(&self, number: u64, most: usize) -> Vec<Arc<Event>> {
        let kept = self.events.kept();
        let first = kept.events.front().map_or(0, |event| event.sequence);
        // How many of those that are kept are not behind it.
        let before = number.saturating_add(1).saturating_sub(first);
        let before = usize::try_from(before).unwrap_or(usize::MAX);
        kept.events.iter().skip(before).take(most).cloned().collect()
    }

    /// The number of the newest event, to wait for another.
    pub(crate) fn newest_event(&self) -> watch::Receiver<u64> {
        self.events.newest.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::clock::HubClock;
    use crate::state::HubState;
    use crate::store::Store;

    fn hub() -> Hub {
        Hub::new("h", "h.example", HubClock::new(), Store::none(), HubState::default())
    }

    fn event(body: Bytes) -> Event {
        Event::new(0, "d".into(), SystemTime::UNIX_EPOCH, body)
    }

    fn numbers(hub: &Hub, after: u64, most: usize) -> Vec<u64> {
        hub.events_after(after, most).iter().map(|event| event.sequence).collect()
    }

    #[test]
    fn events_have_numbers_without_gaps() {
        let hub = hub();
        assert!(numbers(&hub, 0, 9).is_empty());
        hub.events.add([event("1".into()), event("2".into())]);
        hub.events.add([event("3".into())]);
        assert_eq!(numbers(&hub, 0, 9), [1, 2, 3]);
        assert_eq!(numbers(&hub, 1, 1), [2]);
        assert!(numbers(&hub, 3, 9).is_empty());
        assert!(numbers(&hub, u64::MAX - 1, 9).is_empty());
        assert_eq!(hub.events_after(2, 1)[0].body, "3");
    }

    #[test]
    fn the_oldest_go() {
        let hub = hub();
        hub.events.add((0..10_005).map(|_| event(Bytes::new())));
        assert_eq!(numbers(&hub, 0, 2), [6, 7]);
        assert_eq!(numbers(&hub, 10_003, 9), [10_004, 10_005]);
        let mebibyte = Bytes::from(vec![0; 1 << 20]);
        hub.events.add((0..64).map(|_| event(mebibyte.clone())));
        // There is room for 63 beside what each of them costs.
        assert_eq!(numbers(&hub, 0, 1), [10_005 + 2]);
        assert_eq!(numbers(&hub, 0, usize::MAX).len(), 63);
    }

    #[test]
    fn numbers_do_not_come_again() {
        let hub = hub();
        hub.events.add([event(Bytes::new())]);
        hub.events.clear();
        assert!(numbers(&hub, 0, 9).is_empty());
        hub.events.add([event(Bytes::new())]);
        assert_eq!(numbers(&hub, 0, 9), [2]);
    }

    #[tokio::test]
    async fn the_next_one_can_be_waited_for() {
        let hub = hub();
        let mut newest = hub.newest_event();
        assert_eq!(*newest.borrow_and_update(), 0);
        hub.events.add([]);
        assert!(!newest.has_changed().unwrap());
        hub.events.add([event(Bytes::new())]);
        newest.changed().await.unwrap();
        assert_eq!(*newest.borrow_and_update(), 1);
        drop(hub);
        assert!(newest.changed().await.is_err());
    }

    #[test]
    fn a_day_s_events_are_counted() {
        let hub = hub();
        let at = |hours: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(3_600 * hours);
        for hours in [30, 47, 48] {
            hub.events.add([Event::new(0, "d".into(), at(hours), Bytes::new())]);
        }
        assert_eq!([47, 48, 71, 72].map(|hours| hub.events.on_day(at(hours))), [0, 1, 1, 0]);
        hub.events.clear();
        assert_eq!(hub.events.on_day(at(48)), 0);
    }
}
