//! A token that is got from elsewhere, kept for as long as it is good, and got once for all who wait for it.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::HeaderValue;

use super::seconds;
use crate::clock::Clock;
use crate::error::{BoxError, Error, ErrorKind};
use crate::transport::BoxFuture;

/// How long before its end a token is replaced, unless told otherwise.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// How long to leave the source alone, in seconds, that did not renew a token which is still good.
const PAUSE: i64 = 30;

/// What a source gives: the header and its end, in seconds since 1970.
pub(super) type Fetched = Result<(HeaderValue, i64), BoxError>;

type SharedError = Arc<dyn std::error::Error + Send + Sync>;

/// One token, and who waits for it.
///
/// The lock is never held while anybody waits. One caller gets the token; where none is good yet the others wait for
/// that, and where the old one still is they use it. A caller that is dropped while it gets the token leaves that to
/// another.
pub(super) struct Cache {
    pub(super) margin: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// The token that comes next was asked for since one was refused: to refuse it, too, has another reason.
    is_refused: bool,
    is_fetching: bool,
    /// Which fetch it is, or was.
    number: u64,
    waiting: Vec<Waker>,
    failure: Option<(u64, SharedError)>,
}

/// Times in seconds since 1970.
struct Token {
    value: HeaderValue,
    renewed_at: i64,
    expires_on: i64,
    is_second: bool,
}

enum Turn {
    Use(HeaderValue),
    Fetch,
    Failed(SharedError),
}

impl Cache {
    pub(super) fn new() -> Cache {
        Cache { margin: MARGIN, state: Mutex::default() }
    }

    /// The token that is there, or a new one.
    pub(super) async fn get<'a>(
        &self,
        clock: &dyn Clock,
        fetch: impl FnOnce() -> BoxFuture<'a, Fetched>,
    ) -> Result<HeaderValue, Error> {
        let mut seat = None;
        match poll_fn(|cx| self.turn(cx, clock, &mut seat)).await {
            Turn::Use(value) => Ok(value),
            Turn::Failed(error) => Err(shared(error)),
            Turn::Fetch => {
                let fetching = Fetching(self);
                let fetched = fetch().await;
                fetching.done(fetched, seconds(clock.now()))
            }
        }
    }

    /// Whether the token that was refused is worth replacing: it is then forgotten.
    pub(super) fn refused(&self, sent: &HeaderValue) -> bool {
        let mut state = self.state();
        match &state.token {
            Some(token) if token.value == *sent => {
                let worth = !token.is_second;
                if worth {
                    state.token = None;
                    state.is_refused = true;
                }
                worth
            }
            // Another call was refused before.
            _ => true,
        }
    }

    /// The seat is where a caller's waker is, and in the queue for which fetch.
    fn turn(&self, cx: &Context<'_>, clock: &dyn Clock, seat: &mut Option<(u64, usize)>) -> Poll<Turn> {
        let mut state = self.state();
        let now = seconds(clock.now());
        if let Some(token) = &state.token
            && (now < token.renewed_at || state.is_fetching && now < token.expires_on)
        {
            return Poll::Ready(Turn::Use(token.value.clone()));
        }
        if let (Some((number, error)), Some((joined, _))) = (&state.failure, &seat)
            && number == joined
        {
            return Poll::Ready(Turn::Failed(Arc::clone(error)));
        }
        if !state.is_fetching {
            state.is_fetching = true;
            state.number += 1;
            return Poll::Ready(Turn::Fetch);
        }
        match seat {
            Some((number, at)) if *number == state.number => {
                if let Some(waker) = state.waiting.get_mut(*at) {
                    waker.clone_from(cx.waker());
                }
            }
            _ => {
                *seat = Some((state.number, state.waiting.len()));
                state.waiting.push(cx.waker().clone());
            }
        }
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is behind the lock is whole at all times, so that a panic elsewhere does no harm to it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by who gets the token.
struct Fetching<'a>(&'a Cache);

impl Fetching<'_> {
    fn done(self, fetched: Fetched, now: i64) -> Result<HeaderValue, Error> {
        let mut state = self.0.state();
        match fetched {
            Ok((value, expires_on)) => {
                let left = u64::try_from(expires_on.saturating_sub(now)).unwrap_or_default();
                // A token that comes with less than the margin is used for half of what it has.
                let margin = self.0.margin.as_secs().min(left / 2);
                let renewed_at = expires_on.saturating_sub_unsigned(margin);
                let is_second = std::mem::take(&mut state.is_refused);
                state.token = Some(Token { value: value.clone(), renewed_at, expires_on, is_second });
                Ok(value)
            }
            Err(error) => match &mut state.token {
                Some(token) if now < token.expires_on => {
                    token.renewed_at = token.expires_on.min(now + PAUSE);
                    Ok(token.value.clone())
                }
                _ => {
                    let error = SharedError::from(error);
                    state.failure = Some((state.number, Arc::clone(&error)));
                    Err(shared(error))
                }
            },
        }
    }
}

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.state();
            state.is_fetching = false;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// The same error for all who waited.
fn shared(error: SharedError) -> Error {
    Error::new(ErrorKind::Authentication, "no token could be had").with_source(error)
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("margin", &self.margin).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::StoppedClock;
    use super::*;
    use std::error::Error as _;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::oneshot;

    const NOON: u64 = 1_500_000_000;

    fn value(text: &str) -> HeaderValue {
        HeaderValue::from_str(text).unwrap()
    }

    fn at_once(text: &str, expires_on: u64) -> impl FnOnce() -> BoxFuture<'static, Fetched> {
        let fetched = Ok((value(text), expires_on.try_into().unwrap()));
        move || Box::pin(async { fetched })
    }

    fn fails() -> BoxFuture<'static, Fetched> {
        Box::pin(async { Err("away".into()) })
    }

    fn never() -> BoxFuture<'static, Fetched> {
        panic!("nobody should ask for a token")
    }

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// What a future gives that need not wait.
    fn done<F: Future>(future: F) -> F::Output {
        match poll(pin!(future)) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn a_token_is_kept_until_shortly_before_its_end() {
        let (clock, cache) = (StoppedClock::at(NOON), Cache::new());
        assert_eq!(done(cache.get(&clock, at_once("a", NOON + 3600))).unwrap(), "a");
        clock.pass(3299);
        assert_eq!(done(cache.get(&clock, never)).unwrap(), "a");
        clock.pass(1);
        assert_eq!(done(cache.get(&clock, at_once("b", NOON + 7200))).unwrap(), "b");
        // One that comes with a minute is used for half of it.
        clock.pass(3600);
        assert_eq!(done(cache.get(&clock, at_once("c", clock.seconds() + 60))).unwrap(), "c");
        clock.pass(29);
        assert_eq!(done(cache.get(&clock, never)).unwrap(), "c");
        clock.pass(1);
        assert_eq!(done(cache.get(&clock, at_once("d", clock.seconds() + 60))).unwrap(), "d");
    }

    /// Lets the others run until they wait: the scheduler runs some sixty of them between two turns of ours.
    async fn all_run() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_thousand_callers_ask_once() {
        let (clock, cache) = (Arc::new(StoppedClock::at(NOON)), Arc::new(Cache::new()));
        let (send, receive) = oneshot::channel::<()>();
        let (receive, asked) = (Arc::new(Mutex::new(Some(receive))), Arc::new(AtomicUsize::new(0)));
        let calls: Vec<_> = (0..1000)
            .map(|_| {
                let (clock, cache) = (clock.clone(), cache.clone());
                let (receive, asked) = (receive.clone(), asked.clone());
                tokio::spawn(async move {
                    let fetch = || {
                        asked.fetch_add(1, Ordering::SeqCst);
                        let receive = receive.lock().unwrap().take().unwrap();
                        let fetched = async {
                            receive.await.unwrap();
                            Ok((value("a"), NOON as i64 + 3600))
                        };
                        Box::pin(fetched) as BoxFuture<'_, Fetched>
                    };
                    cache.get(&*clock, fetch).await
                })
            })
            .collect();
        all_run().await;
        send.send(()).unwrap();
        all_run().await;
        for call in calls {
            assert!(call.is_finished());
            assert_eq!(call.await.unwrap().unwrap(), "a");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn the_old_token_serves_while_the_new_one_comes() {
        let (clock, cache) = (StoppedClock::at(NOON), Cache::new());
        done(cache.get(&clock, at_once("a", NOON + 3600))).unwrap();
        clock.pass(3400);
        let mut renewing = pin!(cache.get(&clock, || Box::pin(std::future::pending())));
        assert!(poll(renewing.as_mut()).is_pending());
        assert!(matches!(poll(pin!(cache.get(&clock, never))), Poll::Ready(Ok(token)) if token == "a"));
        // Until it has run out.
        clock.pass(200);
        assert!(poll(pin!(cache.get(&clock, never))).is_pending());
    }

    #[test]
    fn a_failed_renewal_does_no_harm_and_is_not_repeated_at_once() {
        let (clock, cache) = (StoppedClock::at(NOON), Cache::new());
        done(cache.get(&clock, at_once("a", NOON + 3600))).unwrap();
        clock.pass(3400);
        assert_eq!(done(cache.get(&clock, fails)).unwrap(), "a");
        clock.pass(29);
        assert_eq!(done(cache.get(&clock, never)).unwrap(), "a");
        clock.pass(1);
        assert_eq!(done(cache.get(&clock, at_once("b", NOON + 7200))).unwrap(), "b");
        clock.pass(3770);
        let error = done(cache.get(&clock, fails)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication);
        assert_eq!(error.source().unwrap().to_string(), "away");
        assert_eq!(done(cache.get(&clock, at_once("c", clock.seconds() + 60))).unwrap(), "c");
    }

    #[test]
    fn who_waited_for_a_failure_shares_it() {
        let (clock, cache) = (StoppedClock::at(NOON), Cache::new());
        let (send, receive) = oneshot::channel::<()>();
        let fetch = || {
            let fetched = async {
                let _ = receive.await;
                fails().await
            };
            Box::pin(fetched) as BoxFuture<'_, Fetched>
        };
        let mut first = pin!(cache.get(&clock, fetch));
        let mut second = pin!(cache.get(&clock, never));
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        send.send(()).unwrap();
        assert!(matches!(poll(first), Poll::Ready(Err(_))));
        assert!(matches!(poll(second), Poll::Ready(Err(_))));
        // Who comes later has a try of its own.
        assert!(matches!(poll(pin!(cache.get(&clock, at_once("a", NOON + 60)))), Poll::Ready(Ok(_))));
    }

    #[test]
    fn a_caller_that_gives_up_leaves_the_work_to_the_next() {
        let (clock, cache) = (StoppedClock::at(NOON), Cache::new());
        let mut second = pin!(cache.get(&clock, at_once("a", NOON + 60)));
        {
            let mut first = pin!(cache.get(&clock, || Box::pin(std::future::pending())));
            assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        }
        assert!(matches!(poll(second), Poll::Ready(Ok(token)) if token == "a"));
    }

    #[test]
    fn a_refused_token_is_replaced_once() {
        let (clock, cache) = (StoppedClock::at(NOON), Cache::new());
        let first = done(cache.get(&clock, at_once("a", NOON + 3600))).unwrap();
        assert!(cache.refused(&first));
        let second = done(cache.get(&clock, at_once("b", NOON + 3600))).unwrap();
        assert!(cache.refused(&first), "the call was overtaken by one that was refused before");
        assert!(!cache.refused(&second));
        clock.pass(3600);
        let third = done(cache.get(&clock, at_once("c", NOON + 7200))).unwrap();
        assert!(cache.refused(&third));
    }

    #[test]
    fn who_waits_is_woken() {
        struct Woken(AtomicUsize);
        impl std::task::Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let (clock, cache) = (StoppedClock::at(NOON), Cache::new());
        let woken = Arc::new(Woken(AtomicUsize::new(0)));
        let mut second = pin!(cache.get(&clock, never));
        {
            let mut first = pin!(cache.get(&clock, || Box::pin(std::future::pending())));
            assert!(poll(first.as_mut()).is_pending());
            assert!(second.as_mut().poll(&mut Context::from_waker(&woken.clone().into())).is_pending());
        }
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn polling_often_takes_one_seat() {
        let (clock, cache) = (StoppedClock::at(NOON), Cache::new());
        let mut first = pin!(cache.get(&clock, || Box::pin(std::future::pending())));
        let mut second = pin!(cache.get(&clock, never));
        let _ = poll(first.as_mut());
        for _ in 0..10 {
            let _ = poll(second.as_mut());
        }
        assert_eq!(cache.state().waiting.len(), 1);
    }
}
