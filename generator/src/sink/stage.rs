//! Changes of several files, of which all are made or none, also if the process is killed.
//!
//! No file system does that by itself. So all is first laid out in a folder of its own inside the output folder: each new
//! file (`new-0`, `new-1`, ...), and a second name for each file that will be replaced or removed (`old-0`, ...). Then
//! the journal is put there, which says what is what, and only then the new files are moved to their places.
//! Removing the journal is what makes the changes final.
//!
//! As long as there is a journal, [`undo`] brings back what was: at once after an error, at the start of the next run after a
//! kill. Its steps can be taken again, so it may be killed too. Nothing is flushed to the disk on the way: this is
//! about processes that end, not about computers that do.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{check_folders, disk, is_ours, read, unusable};
use crate::diag::Diagnostic;

/// Where everything is laid out.
pub(super) const FOLDER: &str = ".specsmith.tmp";
const JOURNAL: &str = "journal.json";
/// What will become the journal.
const DRAFT: &str = "journal.new";

/// Files to be written and removed, in this order.
#[derive(Debug, Default)]
pub(super) struct Stage(Vec<Step>);

#[derive(Debug)]
struct Step {
    /// Relative to the output folder, with `/`.
    path: String,
    /// `None` if it is to be removed.
    contents: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    /// Folders that are made, parents first.
    folders: Vec<String>,
    /// Those of the stage.
    steps: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    path: String,
    /// Whether there was a file.
    existed: bool,
}

impl Stage {
    pub(super) fn write(&mut self, path: &str, contents: String) {
        self.0.push(Step { path: path.to_owned(), contents: Some(contents) });
    }

    pub(super) fn remove(&mut self, path: &str) {
        self.0.push(Step { path: path.to_owned(), contents: None });
    }

    /// Takes all steps, or none and says why.
    pub(super) fn commit(self, out: &Path) -> Result<(), Diagnostic> {
        if self.0.is_empty() {
            return Ok(());
        }
        let folder = out.join(FOLDER);
        let committed = self.lay_out(out, &folder).and_then(|journal| self.take(out, &folder, &journal));
        match committed {
            Ok(()) => {
                clear(&folder);
                Ok(())
            }
            Err(error) => Err(match undo(out) {
                Ok(()) => error,
                Err(_) => error.help("not all could be undone; the next run tries again, before anything else"),
            }),
        }
    }

    fn lay_out(&self, out: &Path, folder: &Path) -> Result<Journal, Diagnostic> {
        // It is there if somebody else put something into it.
        ignoring(io::ErrorKind::AlreadyExists, disk::create_dir(folder)).map_err(|error| unusable(folder, error))?;
        let mut folders = BTreeSet::new();
        let mut steps = Vec::new();
        for (index, step) in self.0.iter().enumerate() {
            let existed = step.lay_out(out, folder, index).map_err(|error| unusable(&out.join(&step.path), error))?;
            steps.push(Entry { path: step.path.clone(), existed });
            if step.contents.is_some() {
                let parents = step.path.match_indices('/').filter_map(|(end, _)| step.path.get(..end));
                folders.extend(parents.filter(|parent| !out.join(parent).exists()).map(str::to_owned));
            }
        }
        let journal = Journal { folders: folders.into_iter().collect(), steps };
        let text = serde_json::to_string(&journal).map_err(|error| unusable(&folder.join(JOURNAL), error))?;
        disk::write_new(&folder.join(DRAFT), &text)
            .and_then(|()| disk::rename(&folder.join(DRAFT), &folder.join(JOURNAL)))
            .map_err(|error| unusable(&folder.join(JOURNAL), error))?;
        Ok(journal)
    }

    fn take(&self, out: &Path, folder: &Path, journal: &Journal) -> Result<(), Diagnostic> {
        for made in &journal.folders {
            let made = out.join(made);
            disk::create_dir(&made).map_err(|error| unusable(&made, error))?;
        }
        for (index, step) in self.0.iter().enumerate() {
            let path = out.join(&step.path);
            match step.contents {
                Some(_) => disk::rename(&new(folder, index), &path),
                None => disk::remove_file(&path),
            }
            .map_err(|error| unusable(&path, error))?;
        }
        for step in self.0.iter().filter(|step| step.contents.is_none()) {
            remove_empty_folders(&out.join(&step.path), out);
        }
        let journal = folder.join(JOURNAL);
        disk::remove_file(&journal).map_err(|error| unusable(&journal, error))
    }
}

impl Step {
    /// Whether there is a file now.
    fn lay_out(&self, out: &Path, folder: &Path, index: usize) -> io::Result<bool> {
        let path = out.join(&self.path);
        let existing = match fs::symlink_metadata(&path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(contents) = &self.contents {
            let new = new(folder, index);
            disk::write_new(&new, contents)?;
            if let Some(metadata) = existing.as_ref().filter(|metadata| metadata.is_file()) {
                disk::set_permissions(&new, metadata.permissions())?;
            }
        }
        if existing.is_some() {
            disk::link(&path, &old(folder, index))?;
        }
        Ok(existing.is_some())
    }
}

/// Brings an output folder back to what it was before changes that were not completed, and clears away what they left.
pub(super) fn undo(out: &Path) -> Result<(), Diagnostic> {
    let folder = out.join(FOLDER);
    match fs::symlink_metadata(&folder) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(unusable(&folder, io::Error::from(io::ErrorKind::NotADirectory))),
        Err(_) => return Ok(()),
    }
    if let Some(journal) = Journal::read(out, &folder)? {
        for (index, entry) in journal.steps.iter().enumerate().rev() {
            let path = out.join(&entry.path);
            entry.undo(&path, &new(&folder, index), &old(&folder, index)).map_err(|error| unusable(&path, error))?;
        }
        for made in journal.folders.iter().rev().map(|made| out.join(made)) {
            // One that somebody has put something into stays.
            ignoring(io::ErrorKind::NotFound, disk::remove_dir(&made))
                .or_else(|error| ignoring(io::ErrorKind::DirectoryNotEmpty, Err(error)))
                .map_err(|error| unusable(&made, error))?;
        }
        let journal = folder.join(JOURNAL);
        disk::remove_file(&journal).map_err(|error| unusable(&journal, error))?;
    }
    clear(&folder);
    Ok(())
}

impl Journal {
    fn read(out: &Path, folder: &Path) -> Result<Option<Self>, Diagnostic> {
        let path = folder.join(JOURNAL);
        let Some(bytes) = read(&path)? else { return Ok(None) };
        let broken = |why: String| {
            let help = format!("bring `{}` back to what it was, and delete `{}`", out.display(), folder.display());
            unusable(&path, format!("it is broken: {why}")).help(help)
        };
        let journal: Self = serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
        // Files it names get written and deleted, so it is not trusted with others.
        for path in journal.folders.iter().chain(journal.steps.iter().map(|step| &step.path)) {
            if !is_ours(path) {
                return Err(broken(format!("`{path}` is not a generated file")));
            }
            check_folders(out, path)?;
        }
        Ok(Some(journal))
    }
}

impl Entry {
    fn undo(&self, path: &Path, new: &Path, old: &Path) -> io::Result<()> {
        if !self.existed {
            // While the new file is still there, nothing of ours is in its place.
            return if new.exists() { Ok(()) } else { ignoring(io::ErrorKind::NotFound, disk::remove_file(path)) };
        }
        // If it is not there, it has been brought back.
        if fs::symlink_metadata(old).is_ok() {
            path.parent().map_or(Ok(()), disk::create_dir_all)?;
            // Does nothing if both are names of the same file.
            disk::rename(old, path)?;
        }
        Ok(())
    }
}

fn new(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("new-{index}"))
}

fn old(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("old-{index}"))
}

/// Removes what was laid out, but nothing that somebody else put there. What cannot be removed is left to the next run.
fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = |prefix| name.to_str()?.strip_prefix(prefix)?.parse::<usize>().ok();
        if name == DRAFT || number("new-").or(number("old-")).is_some() {
            let _ = disk::remove_file(&entry.path());
        }
    }
    let _ = disk::remove_dir(folder);
}

/// Removes the folders that a removed file leaves empty; others refuse to go.
fn remove_empty_folders(path: &Path, out: &Path) {
    let mut folders = path.ancestors().skip(1).take_while(|&folder| folder != out);
    while folders.next().is_some_and(|folder| disk::remove_dir(folder).is_ok()) {}
}

fn ignoring(kind: io::ErrorKind, result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == kind { Ok(()) } else { Err(error) })
}
