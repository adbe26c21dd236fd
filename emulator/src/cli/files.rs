//! Files that others wait for: they are there as a whole, or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Writes a file in one step.
pub(super) fn write(path: &Path, text: &[u8]) -> Result<(), String> {
    let done = match is_special(path) {
        // A pipe or a terminal cannot be replaced.
        true => fs::write(path, text),
        false => {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{}.tmp", std::process::id()));
            let new = path.with_file_name(name);
            fs::write(&new, text).and_then(|()| fs::rename(&new, path)).inspect_err(|_| _ = fs::remove_file(&new))
        }
    };
    done.map_err(|error| at(path, &error))
}

/// Removes what an earlier run has written.
pub(super) fn remove(path: &Path) -> Result<(), String> {
    if is_special(path) {
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path, &error)),
        _ => Ok(()),
    }
}

fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

fn at(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", PathBuf::from(path).display())
}
