//! Where the emulator keeps what has to outlive it: one table of keys and values in a file of redb, or nothing at all.
//!
//! All state is in memory; the store is read once, when the emulator starts. Changes are handed over in the order in which they are made, and
//! a thread commits as many as are waiting in one transaction ([group commit](https://www.redb.org)): whoever made one waits for
//! that, and no answer is given before it is on the disk.

use std::fmt;
use std::fs::File;
use std::io;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tokio::sync::oneshot;

const TABLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("hub");

/// The most changes in one transaction, so that the first of them does not wait for ever.
const GROUP: usize = 1_000;
/// How long a commit takes that is quick: such a one is not worth waiting for others.
const FAST: Duration = Duration::from_millis(2);
/// How often it is looked whether those who are expected have come.
const STEPS: u32 = 8;
/// How many bytes of the file are kept in memory: all that is read often is there in another form.
const CACHE: usize = 8 << 20;

/// A change of one record.
#[derive(Debug)]
enum Change {
    Put(String, Vec<u8>),
    Remove(String),
    /// All whose keys are below this one.
    RemoveBelow(String),
}

/// Changes that belong together.
#[derive(Debug, Default)]
pub(crate) struct Changes(Vec<Change>);

impl Changes {
    /// Writes a record.
    pub(crate) fn put(&mut self, key: impl Into<String>, value: Vec<u8>) {
        self.0.push(Change::Put(key.into(), value));
    }

    /// Removes a record.
    pub(crate) fn remove(&mut self, key: impl Into<String>) {
        self.0.push(Change::Remove(key.into()));
    }

    /// The records that are left where there were none before.
    #[cfg(test)]
    pub(crate) fn records(self) -> Records {
        let mut records = std::collections::BTreeMap::new();
        for change in self.0 {
            match change {
                Change::Put(key, value) => _ = records.insert(key, value),
                Change::Remove(key) => _ = records.remove(&key),
                Change::RemoveBelow(folder) => {
                    records.retain(|key, _| key.strip_prefix(&folder).is_none_or(|rest| !rest.starts_with('/')));
                }
            }
        }
        records.into_iter().collect()
    }

    /// Removes all records whose keys begin with this and a slash.
    pub(crate) fn remove_below(&mut self, folder: impl Into<String>) {
        self.0.push(Change::RemoveBelow(folder.into()));
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

type Waiter = oneshot::Sender<Result<(), StoreError>>;

/// What the thread is asked to do.
#[derive(Debug)]
enum Job {
    Write(Changes, Waiter),
    /// To end, and to say so when the file is closed.
    Close(oneshot::Sender<()>),
}

/// A store, or none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    jobs: Option<mpsc::Sender<Job>>,
    failed: Arc<AtomicBool>,
}

/// What is written once it is on the disk.
#[derive(Debug)]
#[must_use = "nothing is durable until it has been waited for"]
pub(crate) struct Written(Option<oneshot::Receiver<Result<(), StoreError>>>);

/// All records of a store, in the order of their keys.
pub(crate) type Records = Vec<(String, Vec<u8>)>;

impl Store {
    /// Keeps nothing.
    pub(crate) fn none() -> Store {
        Store::default()
    }

    /// Opens the file of a folder, or makes both.
    ///
    /// # Errors
    ///
    /// Where the file cannot be made, is in use, is of somebody else, or is damaged.
    pub(crate) fn open(folder: &Path) -> Result<(Store, Records), StoreError> {
        std::fs::create_dir_all(folder).map_err(|error| StoreError::new(format!("{}: {error}", folder.display())))?;
        let path = folder.join("iothub.redb");
        let at = |error: &dyn fmt::Display| StoreError::new(format!("{}: {error}", path.display()));
        // The library means to report what is wrong with a file, rather than to panic.
        let opened =
            catch_unwind(|| Store::over(if path.try_exists()? { builder().open(&path)? } else { create(&path)? }));
        opened.unwrap_or_else(|_| Err(StoreError::new("the file is damaged".to_owned()))).map_err(|error| at(&error))
    }

    /// Opens a database on something else than a file.
    ///
    /// # Errors
    ///
    /// Where it is damaged.
    #[cfg(test)]
    pub(crate) fn on(backend: impl redb::StorageBackend) -> Result<(Store, Records), StoreError> {
        Store::over(builder().create_with_backend(backend)?)
    }

    fn over(database: Database) -> Result<(Store, Records), StoreError> {
        let records = read(&database)?;
        let (sender, jobs) = mpsc::channel();
        let store = Store { jobs: Some(sender), failed: Arc::default() };
        let failed = store.failed.clone();
        let thread = thread::Builder::new().name("iothub-store".to_owned());
        let thread = thread.spawn(move || write_all(database, &jobs, &failed));
        thread.map_err(|error| StoreError::new(error.to_string()))?;
        Ok((store, records))
    }

    /// Hands changes over. The order of calls is the order in which they are written.
    pub(crate) fn write(&self, changes: Changes) -> Written {
        let Some(sender) = self.jobs.as_ref().filter(|_| !changes.is_empty()) else { return Written::nothing() };
        let (done, written) = oneshot::channel();
        // If the thread is gone, the sender of the other end is dropped with the job, and says so.
        if sender.send(Job::Write(changes, done)).is_err() {
            self.failed.store(true, Ordering::Release);
        }
        Written(Some(written))
    }

    /// Whether a commit has failed: there may be more in memory than there will be after a restart, for ever.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Writes what is waiting and closes the file. Nothing can be written after that.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if let Some(sender) = &self.jobs
            && sender.send(Job::Close(done)).is_ok()
        {
            // Where the sender is dropped, the thread has ended before.
            _ = closed.await;
        }
    }
}

impl Written {
    /// There was nothing to write.
    pub(crate) fn nothing() -> Written {
        Written(None)
    }

    /// Waits until it is on the disk.
    ///
    /// # Errors
    ///
    /// Where it could not be written. Nothing can be written after that.
    pub(crate) async fn durable(self) -> Result<(), StoreError> {
        match self.0 {
            None => Ok(()),
            Some(written) => written.await.unwrap_or_else(|_| Err(StoreError::new("the store has failed".to_owned()))),
        }
    }
}

/// Every page is looked at when a file is opened: what is not as it was written is an error.
fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
    builder
}

/// Makes a file. It has its name once it is one, since whoever is killed before that leaves something that cannot be opened.
fn create(path: &Path) -> Result<Database, StoreError> {
    let new = path.with_extension("redb.new");
    let database = match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        // It stays open, since to close it and to open it again has the disk wait several times.
        _ => builder().create(&new)?,
    };
    std::fs::rename(&new, path)?;
    // The name is in the folder, which is a file of its own to most systems; others cannot open it.
    if let Some(folder) = path.parent()
        && let Ok(folder) = File::open(folder)
    {
        folder.sync_all()?;
    }
    Ok(database)
}

fn read(database: &Database) -> Result<Records, StoreError> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(TABLE) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut records = Vec::new();
    for record in table.iter()? {
        let (key, value) = record?;
        records.push((key.value().to_owned(), value.value().to_vec()));
    }
    Ok(records)
}

/// Commits what is waiting, until it is told to end, nobody can hand over more, or a commit fails.
fn write_all(database: Database, jobs: &mpsc::Receiver<Job>, failed: &AtomicBool) {
    let (mut group, mut expected, mut took) = (Group::default(), 0, Duration::ZERO);
    while group.gather(jobs, expected, took.saturating_sub(FAST)) {
        let start = Instant::now();
        let outcome = commit(&database, group.writes.iter().map(|(changes, _)| changes));
        took = start.elapsed();
        failed.store(outcome.is_err(), Ordering::Release);
        let committed = group.writes.len();
        for (_, waiter) in group.writes.drain(..) {
            // Nobody may be waiting any more.
            _ = waiter.send(outcome.clone());
        }
        if let Err(error) = outcome {
            tracing::error!(%error, "nothing can be written any more");
            return;
        }
        if group.closing.is_some() {
            break;
        }
        group.take_waiting(jobs);
        // Whoever wrote, or came meanwhile. It is not waited longer for them than the commit took.
        expected = committed + group.writes.len();
    }
    drop(database);
    if let Some(done) = group.closing {
        _ = done.send(());
    }
}

/// What one transaction is to write.
#[derive(Default)]
struct Group {
    writes: Vec<(Changes, Waiter)>,
    /// It is the last one; who wants to know when the file is closed.
    closing: Option<oneshot::Sender<()>>,
}

impl Group {
    /// Waits for something to do; whether there is.
    ///
    /// Where fewer are here than are `expected`, it waits for the others up to a time: whoever has just had an answer may be about to write again.
    /// Otherwise those who write in turns would meet in two halves, each of which waits for the other's commit.
    fn gather(&mut self, jobs: &mpsc::Receiver<Job>, expected: usize, most: Duration) -> bool {
        if self.writes.is_empty() && self.closing.is_none() {
            match jobs.recv() {
                Ok(job) => self.add(job),
                Err(_) => return false,
            }
        }
        self.take_waiting(jobs);
        for _ in 0..STEPS {
            if self.writes.len() >= expected.min(GROUP) || self.closing.is_some() {
                break;
            }
            thread::sleep(most / STEPS);
            self.take_waiting(jobs);
        }
        true
    }

    fn take_waiting(&mut self, jobs: &mpsc::Receiver<Job>) {
        while self.writes.len() < GROUP
            && self.closing.is_none()
            && let Ok(job) = jobs.try_recv()
        {
            self.add(job);
        }
    }

    fn add(&mut self, job: Job) {
        match job {
            Job::Write(changes, waiter) => self.writes.push((changes, waiter)),
            Job::Close(done) => self.closing = Some(done),
        }
    }
}

fn commit<'a>(database: &Database, group: impl Iterator<Item = &'a Changes>) -> Result<(), StoreError> {
    let mut transaction = database.begin_write()?;
    // Otherwise a commit that is damaged later could not be told from one that a crash has cut short, and would be taken back in silence.
    transaction.set_two_phase_commit(true);
    {
        let mut table = transaction.open_table(TABLE)?;
        for change in group.flat_map(|changes| &changes.0) {
            match change {
                Change::Put(key, value) => drop(table.insert(key.as_str(), value.as_slice())?),
                Change::Remove(key) => drop(table.remove(key.as_str())?),
                Change::RemoveBelow(folder) => {
                    // The character behind the slash is the zero.
                    let (first, end) = (format!("{folder}/"), format!("{folder}0"));
                    table.retain_in(first.as_str()..end.as_str(), |_, _| false)?;
                }
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Why nothing can be read or written.
#[derive(Clone, Debug)]
pub(crate) struct StoreError(String);

impl StoreError {
    pub(crate) fn new(message: String) -> StoreError {
        StoreError(message)
    }
}

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> StoreError {
        StoreError(match error.into() {
            redb::Error::DatabaseAlreadyOpen => "another emulator uses this folder".to_owned(),
            redb::Error::Corrupted(why) => format!("the file is damaged, use a copy or another folder ({why})"),
            error => error.to_string(),
        })
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

#[cfg(test)]
mod tests;
