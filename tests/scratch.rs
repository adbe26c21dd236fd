//! Folders to write to, and cargo to compile what was written there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The five documents in `specs/`.
pub(crate) const DOCUMENTS: [&str; 5] =
    ["DeviceApi.json", "DeviceTwinApi.json", "HttpRuntime.json", "IotHubResource.json", "JobApi.json"];

/// The workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The reference documents, which are not part of the repository; says so where they are not at hand.
pub(crate) fn reference() -> Option<PathBuf> {
    let folder = std::env::var_os("SPECSMITH_REFERENCE_DIR").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: SPECSMITH_REFERENCE_DIR is not set, which names the folder of the reference documents");
    }
    folder
}

/// A folder of this name, empty. It stays, so that one can look at it.
pub(crate) fn empty(name: &str) -> PathBuf {
    let folder = kept(name);
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    folder
}

/// A folder of this name, as earlier runs left it, so that cargo finds unchanged what did not change.
pub(crate) fn kept(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The files below a folder, by their paths in it.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

/// Writes a file unless it is so already.
pub(crate) fn write(path: &Path, contents: &str) {
    if fs::read_to_string(path).is_ok_and(|old| old == contents) {
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

/// Runs cargo in the folder of a package or a workspace, offline, with the workspace's versions; a warning is an error. Returns what
/// it printed.
///
/// All share one target folder, in which what they depend on is compiled once.
pub(crate) fn cargo(folder: &Path, arguments: &[&str]) -> String {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    write(&folder.join("Cargo.lock"), &fs::read_to_string(root().join("Cargo.lock")).unwrap());
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--offline")
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", kept("target"))
        .env("RUSTFLAGS", "-D warnings")
        .env("RUSTDOCFLAGS", "-D warnings")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .unwrap();
    let (command, folder) = (arguments.join(" "), folder.display());
    assert!(output.status.success(), "cargo {command} in {folder}:\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether clippy is installed, which sees more than the compiler.
pub(crate) fn has_clippy() -> bool {
    let version = Command::new(env!("CARGO")).args(["clippy", "--version"]).output();
    version.is_ok_and(|output| output.status.success())
}
