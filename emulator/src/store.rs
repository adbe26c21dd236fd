//! Where the emulator keeps what has to outlive it: one table of keys and values in a file of redb, or nothing at all.
//!
//! All state is in memory; the store is read once, when the emulator starts. Changes are handed over in the order in which they are made, and
//! a thread commits as many as are waiting in one transaction ([group commit](https://www.redb.org)): whoever made one waits for
//! that, and no answer is given before it is on the disk.

use std::fmt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use redb::{Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
use tokio::sync::oneshot;

const TABLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("hub");

/// The most changes in one transaction, so that the first of them does not wait for ever.
const GROUP: usize = 1_000;

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

    /// Removes all records whose keys begin with this and a slash.
    pub(crate) fn remove_below(&mut self, folder: impl Into<String>) {
        self.0.push(Change::RemoveBelow(folder.into()));
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

type Job = (Changes, oneshot::Sender<Result<(), StoreError>>);

/// A store, or none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store(Option<mpsc::Sender<Job>>);

/// What is written once it is on the disk.
#[derive(Debug)]
#[must_use = "nothing is durable until it has been waited for"]
pub(crate) struct Written(Option<oneshot::Receiver<Result<(), StoreError>>>);

/// All records of a store, in the order of their keys.
pub(crate) type Records = Vec<(String, Vec<u8>)>;

impl Store {
    /// Keeps nothing.
    pub(crate) fn none() -> Store {
        Store(None)
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
        let database = Database::create(&path).map_err(|error| at(&error))?;
        Store::over(database).map_err(|error| at(&error))
    }

    /// Opens a database on something else than a file.
    ///
    /// # Errors
    ///
    /// Where it is damaged.
    pub(crate) fn on(backend: impl StorageBackend) -> Result<(Store, Records), StoreError> {
        let database = Database::builder().create_with_backend(backend);
        Store::over(database.map_err(|error| StoreError::new(error.to_string()))?)
    }

    fn over(mut database: Database) -> Result<(Store, Records), StoreError> {
        if !database.check_integrity().map_err(StoreError::from)? {
            return Err(StoreError::new("the file is damaged".to_owned()));
        }
        let records = read(&database)?;
        let (sender, jobs) = mpsc::channel();
        let thread = thread::Builder::new().name("iothub-store".to_owned()).spawn(move || write_all(&database, &jobs));
        thread.map_err(|error| StoreError::new(error.to_string()))?;
        Ok((Store(Some(sender)), records))
    }

    /// Hands changes over. The order of calls is the order in which they are written.
    pub(crate) fn write(&self, changes: Changes) -> Written {
        let Some(sender) = self.0.as_ref().filter(|_| !changes.is_empty()) else { return Written(None) };
        let (done, written) = oneshot::channel();
        // If the thread is gone, the sender of the other end is dropped with the job, and says so.
        _ = sender.send((changes, done));
        Written(Some(written))
    }
}

impl Written {
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

/// Commits what is waiting, until nobody can hand over more or a commit fails.
fn write_all(database: &Database, jobs: &mpsc::Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let group: Vec<Job> = std::iter::once(first).chain(jobs.try_iter().take(GROUP - 1)).collect();
        let outcome = commit(database, group.iter().map(|(changes, _)| changes));
        let failed = outcome.is_err();
        for (_, done) in group {
            // Nobody may be waiting any more.
            _ = done.send(outcome.clone());
        }
        if failed {
            return;
        }
    }
}

fn commit<'a>(database: &Database, group: impl Iterator<Item = &'a Changes>) -> Result<(), StoreError> {
    let transaction = database.begin_write()?;
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
        StoreError(error.into().to_string())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}
