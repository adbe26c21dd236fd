//! Operations that go on after their first answer.

mod table;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use self::table::{Entry, Key, Table};
use super::context::Context;
use super::error::ServiceError;
use super::links;
use crate::clock::{Clock, SystemClock};
use crate::error::ErrorFormat;

/// The asynchronous operations of a server: those that run, and the results of those that ended a short time ago.
///
/// A handler [begins](Operations::begin) an operation and answers at once, with the [`Links`] under which its client asks for the state
/// (`Azure-AsyncOperation`) and for the result (`Location`). Who does the work tells its end to the [`Work`]; nothing here needs an
/// executor. The handler of the route that is polled [finds](Operations::find) the operation:
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use specsmith_runtime::server::{Context, Links, OperationState, Operations, ServiceError};
/// # enum Poll { State { body: serde_json::Value, retry_after: u16 }, Later { retry_after: u16 }, Done(Arc<String>) }
///
/// struct Hubs {
///     operations: Operations<String>,
/// }
///
/// impl Hubs {
///     fn create(&self, cx: &Context, subscription: &str, hub: String) -> Result<Links, ServiceError> {
///         // Or `begin`, and `end` in a task.
///         let id = self.operations.begin_timed(subscription, Duration::from_secs(2), Ok(hub))?;
///         Ok(self.operations.links(cx, &format!("{}/operationResults", cx.uri().path()), &id))
///     }
///
///     fn poll(&self, subscription: &str, id: &str, wants_state: bool) -> Result<Poll, ServiceError> {
///         let (operation, retry_after) = (self.operations.find(subscription, id)?, self.operations.retry_after());
///         match wants_state {
///             true => Ok(Poll::State { body: operation.body(), retry_after }),
///             false => Ok(operation.result()?.map_or(Poll::Later { retry_after }, Poll::Done)),
///         }
///     }
/// }
/// ```
///
/// At most 1,000 run at a time, and at most 10,000 results are kept, for an hour each, unless it is told otherwise. All is in memory: after
/// a restart no operation of before is known any more, unless it was [kept](Operations::kept) elsewhere and is [put
/// back](Operations::put_back), and none has the id of one of before.
pub struct Operations<T> {
    table: Arc<Mutex<Table<T>>>,
    clock: Arc<dyn Clock>,
    /// Tells ids of this registry from those of another.
    run: u64,
    keep: Duration,
    max_kept: usize,
    max_running: usize,
    retry_after: u16,
}

/// How an operation fares.
#[derive(Debug)]
#[non_exhaustive]
pub enum OperationState<T> {
    /// It has not ended.
    Running,
    /// It has its result.
    Succeeded(Arc<T>),
    /// It has failed.
    Failed(Arc<ServiceError>),
    /// It was called off before its end.
    Canceled,
}

/// An operation as it can be kept elsewhere, for [`Operations::put_back`] after a restart.
#[derive(Debug)]
pub struct KeptOperation<T> {
    /// Its id.
    pub id: String,
    /// By whom alone it can be found.
    pub owner: String,
    /// How it ended, or how it will; [`Running`](OperationState::Running) where nobody can tell.
    pub end: OperationState<T>,
    /// When it ended, or will.
    pub at: Option<SystemTime>,
}

/// Where the client asks for an operation: values of headers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Links {
    /// The URL of the state, for `Azure-AsyncOperation`.
    pub status: String,
    /// The URL of the result, for `Location`.
    pub result: String,
    /// After how many seconds to ask, for `Retry-After`.
    pub retry_after: u16,
}

impl<T> Default for Operations<T> {
    fn default() -> Operations<T> {
        Operations::new()
    }
}

impl<T> Operations<T> {
    /// A registry without operations.
    pub fn new() -> Operations<T> {
        Operations {
            table: Arc::new(Mutex::new(Table::new())),
            clock: Arc::new(SystemClock),
            run: run(&SystemClock),
            keep: Duration::from_secs(60 * 60),
            max_kept: 10_000,
            max_running: 1_000,
            retry_after: 1,
        }
    }

    /// Tells the time by this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Operations<T> {
        self.run = run(&*clock);
        self.clock = clock;
        self
    }

    /// For how long results are kept after the end.
    #[must_use]
    pub fn with_retention(mut self, keep: Duration) -> Operations<T> {
        self.keep = keep;
        self
    }

    /// How many operations may run at a time, and how many results are kept. Of more, the oldest go.
    #[must_use]
    pub fn with_limits(mut self, running: usize, results: usize) -> Operations<T> {
        (self.max_running, self.max_kept) = (running, results);
        self
    }

    /// After how many seconds clients are to ask; 1 unless it is said. Without it, many would wait half a minute.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u16) -> Operations<T> {
        self.retry_after = seconds;
        self
    }

    /// After how many seconds clients are to ask: a value for `Retry-After`, also of the answers that they get to it while the operation runs.
    pub fn retry_after(&self) -> u16 {
        self.retry_after
    }

    /// Begins an operation of this owner, by whom alone it can be found: a subscription, for instance.
    ///
    /// ```
    /// use specsmith_runtime::server::{Operations, ServiceError};
    ///
    /// let operations: Operations<String> = Operations::new();
    /// let work = operations.begin("subscription-1")?;
    /// let id = work.id().to_owned();
    /// assert_eq!(operations.find("subscription-1", &id)?.status(), "Running");
    /// // Wherever the work is done:
    /// work.end(Ok("made".to_owned()));
    /// assert_eq!(operations.find("subscription-1", &id)?.status(), "Succeeded");
    /// assert_eq!(operations.find("subscription-2", &id).unwrap_err().status(), 404);
    /// # Ok::<(), ServiceError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// 429 where too many run.
    pub fn begin(&self, owner: impl Into<String>) -> Result<Work<T>, ServiceError> {
        let key = self.add(Entry::new(owner.into(), None, None))?;
        Ok(Work { table: self.table.clone(), clock: self.clock.clone(), key, id: id(key), has_ended: false })
    }

    /// Begins an operation that ends in this way when so much time has passed, and gives its id. Nobody works on it: it is for
    /// emulators and tests.
    ///
    /// # Errors
    ///
    /// 429 where too many run.
    pub fn begin_timed(
        &self,
        owner: impl Into<String>,
        lasts: Duration,
        end: Result<T, ServiceError>,
    ) -> Result<String, ServiceError> {
        // Beyond what the clock can tell is as good as never.
        let due = self.clock.now().checked_add(lasts);
        Ok(id(self.add(Entry::new(owner.into(), Some(end.into()), due))?))
    }

    fn add(&self, entry: Entry<T>) -> Result<Key, ServiceError> {
        let mut table = self.table();
        if table.running() >= self.max_running {
            return Err(ServiceError::plain(StatusCode::TOO_MANY_REQUESTS, "Too many operations are running.")
                .with_header(RETRY_AFTER, HeaderValue::from(self.retry_after.max(1))));
        }
        Ok(table.add(self.run, entry))
    }

    /// How an operation of this owner fares.
    ///
    /// # Errors
    ///
    /// 404 where the owner has none of this id, or its result is not kept any more.
    pub fn find(&self, owner: &str, id: &str) -> Result<OperationState<T>, ServiceError> {
        self.look(owner, id, |_, entry| entry.state())
    }

    fn look<U>(&self, owner: &str, id: &str, look: impl FnOnce(Key, &Entry<T>) -> U) -> Result<U, ServiceError> {
        let key = key(id).ok_or_else(unknown)?;
        let table = self.table();
        let entry = table.get(key).filter(|entry| entry.owner == owner).ok_or_else(unknown)?;
        Ok(look(key, entry))
    }

    /// Calls an operation off, if it runs. Who works on it can [see it](Work::is_canceled), and the end is then of no account. Gives the
    /// state behind it, which is another one where the operation had ended before.
    ///
    /// # Errors
    ///
    /// As [`find`](Operations::find).
    pub fn cancel(&self, owner: &str, id: &str) -> Result<OperationState<T>, ServiceError> {
        let key = self.look(owner, id, |key, _| key)?;
        self.table().end(key, OperationState::Canceled, self.clock.now());
        self.find(owner, id)
    }

    /// An operation as it can be kept elsewhere: by a server that is to know it after a restart, when it has begun and when it has ended. One
    /// that [ends by itself](Operations::begin_timed) says so from the beginning.
    ///
    /// ```
    /// use std::time::Duration;
    /// use specsmith_runtime::server::{Operations, ServiceError};
    ///
    /// let operations: Operations<String> = Operations::new();
    /// let id = operations.begin_timed("subscription-1", Duration::from_secs(60), Ok("made".to_owned()))?;
    /// let kept = operations.kept("subscription-1", &id)?;
    /// // After a restart:
    /// let operations: Operations<String> = Operations::new();
    /// assert!(operations.put_back(kept));
    /// assert_eq!(operations.find("subscription-1", &id)?.status(), "Running");
    /// # Ok::<(), ServiceError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`find`](Operations::find).
    pub fn kept(&self, owner: &str, id: &str) -> Result<KeptOperation<T>, ServiceError> {
        self.look(owner, id, |_, Entry { owner, end, due, .. }| KeptOperation {
            id: id.to_owned(),
            owner: owner.clone(),
            end: end.clone().unwrap_or(OperationState::Running),
            at: *due,
        })
    }

    /// Knows an operation of before a restart again, under its id: one that had ended as it was; one that ends by itself, when it does; and any
    /// other, on which nobody works any more, as one that has failed. Whether it does: what is no id of a registry is not known, and what is
    /// known stays as it is.
    ///
    /// How many may run is not looked at; results go as others do.
    pub fn put_back(&self, kept: KeptOperation<T>) -> bool {
        let Some(key) = key(&kept.id) else { return false };
        let KeptOperation { owner, end, at, .. } = kept;
        let (end, due) = match end {
            OperationState::Running => (OperationState::Failed(Arc::new(without_result())), Some(self.clock.now())),
            end => (end, at),
        };
        self.table().put_back(key, Entry::new(owner, Some(end), due))
    }

    /// Forgets all operations. What becomes of those that run is of no account.
    pub fn clear(&self) {
        self.table().clear();
    }

    /// Where the client asks for an operation: at `path`, as it is sent, and the id behind it, on the origin of this request. The version of
    /// the interface is the request's.
    ///
    /// As Azure's resource providers do, the URL of the state is that of the result with `asyncinfo` in its query, a parameter that has
    /// no value.
    pub fn links(&self, cx: &Context, path: &str, id: &str) -> Links {
        let mut result = links::absolute(&cx.origin(), path);
        while result.ends_with('/') {
            result.pop();
        }
        result.push('/');
        links::push_value(&mut result, id);
        result.push('?');
        if let Some(version) = cx.api_version() {
            result.push_str("api-version=");
            links::push_value(&mut result, &version);
            result.push('&');
        }
        let status = format!("{result}asyncinfo");
        result.pop();
        Links { status, result, retry_after: self.retry_after }
    }

    /// The table as it is now.
    fn table(&self) -> MutexGuard<'_, Table<T>> {
        let now = self.clock.now();
        let mut table = lock(&self.table);
        table.settle(now);
        table.forget(now, self.keep, self.max_kept);
        table
    }
}

fn id(key: Key) -> String {
    format!("{:x}-{}", key.run, key.number)
}

fn key(text: &str) -> Option<Key> {
    let (run, number) = text.split_once('-')?;
    let key = Key { run: u64::from_str_radix(run, 16).ok()?, number: number.parse().ok()? };
    // There is but one way to write it.
    (id(key) == text).then_some(key)
}

impl<T> Clone for OperationState<T> {
    fn clone(&self) -> OperationState<T> {
        match self {
            OperationState::Running => OperationState::Running,
            OperationState::Succeeded(result) => OperationState::Succeeded(result.clone()),
            OperationState::Failed(error) => OperationState::Failed(error.clone()),
            OperationState::Canceled => OperationState::Canceled,
        }
    }
}

impl<T> Clone for KeptOperation<T> {
    fn clone(&self) -> KeptOperation<T> {
        let KeptOperation { id, owner, end, at } = self;
        KeptOperation { id: id.clone(), owner: owner.clone(), end: end.clone(), at: *at }
    }
}

impl<T> From<Result<T, ServiceError>> for OperationState<T> {
    fn from(end: Result<T, ServiceError>) -> OperationState<T> {
        match end {
            Ok(result) => OperationState::Succeeded(Arc::new(result)),
            Err(error) => OperationState::Failed(Arc::new(error)),
        }
    }
}

impl<T> OperationState<T> {
    /// The word for it: `Running`, `Succeeded`, `Failed` or `Canceled`.
    pub fn status(&self) -> &'static str {
        match self {
            OperationState::Running => "Running",
            OperationState::Succeeded(_) => "Succeeded",
            OperationState::Failed(_) => "Failed",
            OperationState::Canceled => "Canceled",
        }
    }

    /// The answer to who asks for the state: `{"status": …}`, with an `error` that has `code` and `message` where it has failed.
    pub fn body(&self) -> Value {
        match self {
            OperationState::Failed(error) => {
                json!({ "status": self.status(), "error": { "code": error.code_in(ErrorFormat::Arm), "message": error.message() } })
            }
            _ => json!({ "status": self.status() }),
        }
    }

    /// The answer to who asks for the result; `None` while there is none, which is answered with 202.
    ///
    /// # Errors
    ///
    /// With what it has failed; 409 where it was called off.
    pub fn result(&self) -> Result<Option<Arc<T>>, ServiceError> {
        match self {
            OperationState::Running => Ok(None),
            OperationState::Succeeded(result) => Ok(Some(result.clone())),
            OperationState::Failed(error) => Err(error.again()),
            OperationState::Canceled => {
                Err(ServiceError::new(StatusCode::CONFLICT, "OperationCanceled", "The operation was canceled."))
            }
        }
    }
}

/// The work on an operation: it tells the end.
///
/// Dropped without having told it, as by a panic, the operation has failed.
#[must_use = "dropping it ends the operation"]
pub struct Work<T> {
    table: Arc<Mutex<Table<T>>>,
    clock: Arc<dyn Clock>,
    key: Key,
    id: String,
    has_ended: bool,
}

impl<T> Work<T> {
    /// The operation's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the operation was called off, so that the work is in vain.
    pub fn is_canceled(&self) -> bool {
        lock(&self.table).get(self.key).is_none_or(|entry| entry.is_over)
    }

    /// Ends the operation, and says whether that was of account: it is not where the operation was called off.
    pub fn end(mut self, end: Result<T, ServiceError>) -> bool {
        self.tell(end.into())
    }

    fn tell(&mut self, end: OperationState<T>) -> bool {
        self.has_ended = true;
        let now = self.clock.now();
        lock(&self.table).end(self.key, end, now)
    }
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.tell(OperationState::Failed(Arc::new(without_result())));
        }
    }
}

/// Each change of the table is whole before anything that may panic, so that one that was poisoned is good.
fn lock<T>(table: &Mutex<Table<T>>) -> MutexGuard<'_, Table<T>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

fn without_result() -> ServiceError {
    ServiceError::plain(StatusCode::INTERNAL_SERVER_ERROR, "The operation ended without a result.")
}

fn unknown() -> ServiceError {
    ServiceError::new(StatusCode::NOT_FOUND, "OperationNotFound", "There is no such operation.")
}

fn run(clock: &dyn Clock) -> u64 {
    (clock.random() * (1_u64 << 53) as f64) as u64
}

impl<T> fmt::Debug for Operations<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = lock(&self.table);
        let mut out = f.debug_struct("Operations");
        out.field("running", &table.running()).field("ended", &table.ended()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Work<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
