//! A disk that a crash takes writes from which were not yet synced.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

/// What a crash takes of the writes that were not synced.
#[derive(Clone, Copy, Debug)]
pub(super) enum Loss {
    All,
    None,
    /// Whichever sectors: the system writes them in an order of its own.
    Some,
}

#[derive(Clone, Debug)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// What a reader sees.
    now: Vec<u8>,
    /// What would be left of it without what follows.
    synced: Vec<u8>,
    unsynced: Vec<Write>,
    /// How many operations are left until the crash.
    left: usize,
    loss: Loss,
    syncs: usize,
}

#[derive(Debug)]
enum Write {
    Length(usize),
    Sector(usize, Vec<u8>),
}

const SECTOR: usize = 512;

impl Write {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Write::Length(length) => to.resize(*length, 0),
            Write::Sector(at, bytes) => {
                // Of two writes, the length may be the one that was lost.
                to.resize(to.len().max(at + bytes.len()), 0);
                to[*at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}

impl Disk {
    /// An empty disk that does so many operations, and no more.
    pub(super) fn that_crashes(after: usize, loss: Loss) -> Disk {
        let (now, synced, unsynced) = Default::default();
        Disk(Arc::new(Mutex::new(State { now, synced, unsynced, left: after, loss, syncs: 0 })))
    }

    /// A disk that has these bytes.
    pub(super) fn of(bytes: &[u8]) -> Disk {
        let disk = Disk::that_crashes(usize::MAX, Loss::All);
        let mut new = disk.0.lock().unwrap();
        (new.now, new.synced) = (bytes.to_vec(), bytes.to_vec());
        drop(new);
        disk
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().now.clone()
    }

    pub(super) fn crash(&self) {
        self.0.lock().unwrap().left = 0;
    }

    pub(super) fn syncs(&self) -> usize {
        self.0.lock().unwrap().syncs
    }

    /// What is left, on a disk that is as good as new.
    pub(super) fn after_crash(&self) -> Disk {
        let state = self.0.lock().unwrap();
        let mut left = state.synced.clone();
        let chance = BuildHasherDefault::<DefaultHasher>::default();
        for (number, write) in state.unsynced.iter().enumerate() {
            let survives = match state.loss {
                Loss::All => false,
                Loss::None => true,
                Loss::Some => chance.hash_one((number, state.unsynced.len(), left.len())) % 2 == 0,
            };
            if survives {
                write.apply(&mut left);
            }
        }
        Disk::of(&left)
    }

    fn operate<T>(&self, operation: impl FnOnce(&mut State) -> T) -> Result<T, io::Error> {
        let mut state = self.0.lock().unwrap();
        match state.left.checked_sub(1) {
            Some(left) => state.left = left,
            None => return Err(io::Error::other("the disk is no more")),
        }
        Ok(operation(&mut state))
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.0.lock().unwrap().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let state = self.0.lock().unwrap();
        let at = usize::try_from(offset).unwrap();
        match state.now.get(at..at + out.len()) {
            Some(bytes) => out.copy_from_slice(bytes),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.operate(|state| {
            let length = usize::try_from(len).unwrap();
            state.now.resize(length, 0);
            state.unsynced.push(Write::Length(length));
        })
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.operate(|state| {
            for write in state.unsynced.drain(..) {
                write.apply(&mut state.synced);
            }
            state.syncs += 1;
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.operate(|state| {
            let at = usize::try_from(offset).unwrap();
            state.now[at..at + data.len()].copy_from_slice(data);
            let mut from = 0;
            while from < data.len() {
                // Up to where the sector ends.
                let to = data.len().min((at + from) / SECTOR * SECTOR + SECTOR - at);
                state.unsynced.push(Write::Sector(at + from, data[from..to].to_vec()));
                from = to;
            }
        })
    }
}
