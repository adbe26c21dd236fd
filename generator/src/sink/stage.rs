//! Changes to a folder that are made all at once, as far as a file system allows.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::unusable;
use crate::diag::Diagnostic;

/// Files to be written and removed, in this order.
#[derive(Debug, Default)]
pub(super) struct Stage(Vec<Step>);

#[derive(Debug)]
enum Step {
    Write { path: PathBuf, contents: String },
    Remove { path: PathBuf },
}

impl Stage {
    pub(super) fn write(&mut self, path: PathBuf, contents: String) {
        self.0.push(Step::Write { path, contents });
    }

    pub(super) fn remove(&mut self, path: PathBuf) {
        self.0.push(Step::Remove { path });
    }

    /// Writes every file beside its place first, and only if that went well takes the steps. A full disk
    /// or a folder without permission so changes nothing.
    pub(super) fn commit(self, out: &Path) -> Result<(), Diagnostic> {
        let mut undo = Undo::default();
        for step in &self.0 {
            if let Step::Write { path, contents } = step {
                undo.write(path, contents).map_err(|error| unusable(path, &error))?;
            }
        }
        for step in &self.0 {
            match step {
                Step::Write { path, .. } => fs::rename(temporary(path), path),
                Step::Remove { path } => fs::remove_file(path).map(|()| remove_empty_folders(path, out)),
            }
            .map_err(|error| unusable(step.path(), &error))?;
        }
        undo.forget();
        Ok(())
    }
}

impl Step {
    fn path(&self) -> &Path {
        match self {
            Self::Write { path, .. } | Self::Remove { path } => path,
        }
    }
}

/// Removes the folders that a removed file leaves empty; others refuse to go.
fn remove_empty_folders(path: &Path, out: &Path) {
    let mut folders = path.ancestors().skip(1).take_while(|&folder| folder != out);
    while folders.next().is_some_and(|folder| fs::remove_dir(folder).is_ok()) {}
}

/// Beside the file, since a rename does not cross file systems.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

/// Takes away the temporary files, and the folders made for them, unless told to forget them.
#[derive(Default)]
struct Undo {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Undo {
    fn write(&mut self, path: &Path, contents: &str) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            let missing = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
            // Their parents are removed after them.
            let missing: Vec<_> = missing.map(Path::to_owned).collect();
            self.folders.splice(0..0, missing);
            fs::create_dir_all(folder)?;
        }
        let temporary = temporary(path);
        self.files.push(temporary.clone());
        fs::write(temporary, contents)
    }

    fn forget(&mut self) {
        self.files.clear();
        self.folders.clear();
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        // Nobody is left to tell if this fails, and folders with files in them stay.
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
        for folder in &self.folders {
            let _ = fs::remove_dir(folder);
        }
    }
}
