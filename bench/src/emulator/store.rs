//! The store of the emulator, without the emulator.

use std::path::Path;
use std::time::Instant;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::Result;

const TABLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("hub");

/// A key and a value.
pub(super) type Record = (String, Vec<u8>);

/// All records of an emulator that has been stopped.
pub(super) fn records(file: &Path) -> Result<Vec<Record>> {
    let database = Database::open(file)?;
    let transaction = database.begin_read()?;
    let mut records = Vec::new();
    for record in transaction.open_table(TABLE)?.iter()? {
        let (key, value) = record?;
        records.push((key.value().to_owned(), value.value().to_vec()));
    }
    Ok(records)
}

/// A file with the same records.
pub(super) struct Bare {
    database: Database,
    in_two_phases: bool,
    /// Which record is written next.
    next: usize,
}

impl Bare {
    pub(super) fn create(file: &Path, records: &[Record], in_two_phases: bool) -> Result<Bare> {
        let bare = Bare { database: Database::create(file)?, in_two_phases, next: 0 };
        bare.commit(records.iter())?;
        Ok(bare)
    }

    /// The time of so many writes, in commits of `group`.
    pub(super) fn write(&mut self, records: &[Record], group: usize, count: usize) -> Result<f64> {
        let start = Instant::now();
        for _ in 0..count / group {
            self.commit(records.iter().cycle().skip(self.next).take(group))?;
            self.next = (self.next + group) % records.len();
        }
        Ok(start.elapsed().as_secs_f64())
    }

    fn commit<'a>(&self, records: impl Iterator<Item = &'a Record>) -> Result<()> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_two_phase_commit(self.in_two_phases);
        {
            let mut table = transaction.open_table(TABLE)?;
            for (key, value) in records {
                table.insert(key.as_str(), value.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    }
}
