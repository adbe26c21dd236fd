//! What changes the disk, one step at a time, so that tests can let each of them fail, or be the last before a kill.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::path::Path;

pub(super) fn create_dir(path: &Path) -> io::Result<()> {
    step()?;
    fs::create_dir(path)
}

pub(super) fn create_dir_all(path: &Path) -> io::Result<()> {
    step()?;
    fs::create_dir_all(path)
}

/// Writes a file that is not there yet.
pub(super) fn write_new(path: &Path, contents: &str) -> io::Result<()> {
    step()?;
    let mut file = File::create_new(path)?;
    step()?;
    file.write_all(contents.as_bytes())
}

pub(super) fn set_permissions(path: &Path, permissions: Permissions) -> io::Result<()> {
    step()?;
    fs::set_permissions(path, permissions)
}

/// Gives a file a second name; where the file system has no such thing, or does not allow it, makes a copy.
pub(super) fn link(path: &Path, link: &Path) -> io::Result<()> {
    step()?;
    fs::hard_link(path, link).or_else(|_| fs::copy(path, link).map(drop))
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    fs::rename(from, to)
}

pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    step()?;
    fs::remove_file(path)
}

pub(super) fn remove_dir(path: &Path) -> io::Result<()> {
    step()?;
    fs::remove_dir(path)
}

#[cfg(not(test))]
fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use fault::step;

/// Faults on order.
#[cfg(test)]
pub(super) mod fault {
    use std::cell::Cell;
    use std::io;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    #[derive(Clone, Copy, Debug, PartialEq)]
    pub(crate) enum Fault {
        /// The step fails; those after it do not.
        Error,
        /// Neither the step nor any other happens any more. Nothing of what runs here has a destructor that would tidy up.
        Kill,
    }

    thread_local! {
        static NEXT: Cell<Option<(usize, Fault)>> = const { Cell::new(None) };
    }

    /// Runs this with a fault in the step of this number; `None` for a kill, and whether the step was reached.
    pub(crate) fn with<T>(step: usize, fault: Fault, run: impl FnOnce() -> T) -> (Option<T>, bool) {
        NEXT.set(Some((step, fault)));
        let result = catch_unwind(AssertUnwindSafe(run));
        let reached = NEXT.take().is_none();
        match result {
            Err(panic) if !panic.is::<Fault>() => resume_unwind(panic),
            result => (result.ok(), reached),
        }
    }

    pub(super) fn step() -> io::Result<()> {
        match NEXT.take() {
            None => Ok(()),
            Some((0, Fault::Error)) => Err(io::Error::other("a fault on order")),
            Some((0, Fault::Kill)) => resume_unwind(Box::new(Fault::Kill)),
            Some((left, fault)) => {
                NEXT.set(Some((left - 1, fault)));
                Ok(())
            }
        }
    }
}
