//! One run at a time in an output folder.
//!
//! On Unix the folder itself is locked, which leaves nothing behind. Other systems lock only files, so there it is one in
//! the folder for temporary files, named after the output folder. Where a file system has no locks at all, as some
//! network ones, nothing keeps two runs apart.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// How often the folder may be taken away by another run that had made it, and failed.
const TRIES: usize = 100;

/// Makes the folder if need be, waits until no other run uses it, and keeps others out until the lock is dropped.
pub(super) fn to_write(out: &Path) -> io::Result<File> {
    for _ in 0..TRIES {
        if let Ok(Some(lock)) = try_once(out) {
            return Ok(lock);
        }
    }
    try_once(out)?.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// `None` if the folder that was locked is no longer there.
fn try_once(out: &Path) -> io::Result<Option<File>> {
    let made = fs::create_dir_all(out);
    made.map_err(|error| if out.exists() { io::ErrorKind::NotADirectory.into() } else { error })?;
    let lock = open(out)?;
    wait(|| lock.lock());
    Ok(is_of(&lock, out).then_some(lock))
}

/// Waits until no run writes to the folder, and keeps those that want to out; `None` if there is no folder.
pub(super) fn to_read(out: &Path) -> Option<File> {
    let lock = open(out).ok()?;
    wait(|| lock.lock_shared());
    Some(lock)
}

/// To be without a lock is better than not to be able to generate.
fn wait(lock: impl Fn() -> io::Result<()>) {
    while lock().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {}
}

#[cfg(unix)]
fn open(out: &Path) -> io::Result<File> {
    File::open(out)
}

#[cfg(unix)]
fn is_of(lock: &File, out: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((lock.metadata().map(place), fs::metadata(out).map(place)), (Ok(ours), Ok(there)) if ours == there)
}

#[cfg(not(unix))]
fn open(out: &Path) -> io::Result<File> {
    let folder = super::ledger::hash(out.canonicalize()?.as_os_str().as_encoded_bytes());
    let path = std::env::temp_dir().join(format!("specsmith-{folder:016x}.lock"));
    File::options().create(true).truncate(false).write(true).open(path)
}

#[cfg(not(unix))]
fn is_of(_: &File, out: &Path) -> bool {
    out.is_dir()
}
