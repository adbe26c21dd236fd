//! Independent pieces of work, on all cores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::{iter, panic, thread};

/// What `work` makes of each item, in the order of the items, whatever the number of cores.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(items.len());
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let index = next.fetch_add(1, Ordering::Relaxed);
        items.get(index).map(|item| (index, work(item)))
    };
    let mut results: Vec<(usize, R)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| iter::from_fn(take).collect::<Vec<_>>())).collect();
        let mut results: Vec<_> = iter::from_fn(take).collect();
        for other in others {
            results.extend(other.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
        }
        results
    });
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_order() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(super::map(&items, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert!(super::map(&items[..0], |item| *item).is_empty());
    }

    #[test]
    #[should_panic = "the 500th"]
    fn a_panic_is_passed_on() {
        let items: Vec<usize> = (0..1000).collect();
        super::map(&items, |item| assert_ne!(*item, 500, "the 500th"));
    }
}
