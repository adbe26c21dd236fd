//! Files to the disk, or compared with it.
//!
//! What was generated is listed in a ledger, `.specsmith.json`, with a hash of each file. The hash tells
//! an edited file from an untouched one, nothing more, so it is FNV-1a with 64 bits and no dependency.
//! Line ends do not count, neither for the hash nor in comparisons: git may have turned every LF of a
//! checkout into CRLF, which nobody edited.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::naming::RESERVED_FILES;

mod disk;
mod ledger;
mod lock;
mod stage;

use ledger::Ledger;
use stage::Stage;

/// How many lines of a file are looked at for the mark of generated files.
const MARKED_LINES: usize = 10;

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutputFile {
    /// Relative to the output folder, with `/` on every system.
    pub path: String,
    pub contents: String,
}

/// What [`write`] did, by the paths of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub created: Vec<String>,
    pub updated: Vec<String>,
    /// Not touched, as they are what would be written.
    pub unchanged: Vec<String>,
    /// Those of the updated ones that were not what the generator had written.
    pub edited: Vec<String>,
    /// No longer generated, and deleted.
    pub removed: Vec<String>,
}

/// How the disk differs from what would be generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub path: String,
    pub kind: DifferenceKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DifferenceKind {
    /// Not there.
    Missing,
    /// Has other contents.
    Changed {
        /// From what is there to what would be generated, as a unified diff.
        diff: String,
    },
    /// In the ledger and still there, but no longer generated.
    Stale,
    /// There, but not generated.
    Stray,
    /// The ledger lists other files or hashes than those that would be generated.
    Ledger,
    /// A run was killed before it was done with the folder.
    Interrupted,
}

/// Brings a folder up to date with the files; `None` if there was an error, and then nothing was changed.
///
/// A file that exists is overwritten if the ledger lists it, if it carries the mark `@generated`, or by force.
/// One that is as it should be is not touched. Files that are no longer generated are deleted, unless
/// they were edited. Other runs have to wait meanwhile.
pub(crate) fn write(out: &Path, files: &[OutputFile], force: bool, diags: &mut Diagnostics) -> Option<Written> {
    let out = named(out);
    let mut problems = Diagnostics::default();
    check_paths(files, &mut problems);
    if problems.has_errors() {
        diags.extend(problems);
        return None;
    }
    let missing: Vec<PathBuf> = out.ancestors().take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
    let written = match lock::to_write(out) {
        Ok(_lock) => {
            let written = write_locked(out, files, force, &mut problems);
            if written.is_none() {
                // They stay if they are not empty, since another run was here in between.
                let _ = missing.iter().try_for_each(fs::remove_dir);
            }
            written
        }
        Err(error) => {
            problems.push(unusable(out, error));
            None
        }
    };
    diags.extend(problems);
    written
}

fn write_locked(out: &Path, files: &[OutputFile], force: bool, problems: &mut Diagnostics) -> Option<Written> {
    if let Err(problem) = stage::undo(out) {
        problems.push(problem);
        return None;
    }
    let ledger = match Ledger::read(out) {
        // By force, a broken ledger is replaced; what it listed and is no longer generated stays.
        Err(error) if !force || error.code != Code::BrokenLedger => {
            problems.push(error);
            return None;
        }
        ledger => ledger.unwrap_or_default(),
    };
    let plan = Plan { out, ledger, force, stage: Stage::default(), written: Written::default(), kept: BTreeMap::new() };
    let (stage, written) = plan.make(files, problems);
    if problems.has_errors() {
        return None;
    }
    match stage.commit(out) {
        Ok(()) => {
            problems.extend(written.edited.iter().map(|path| edited(&out.join(path))));
            Some(written)
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// Compares a folder with the files that would be written to it; nothing is changed.
pub(crate) fn compare(out: &Path, files: &[OutputFile], diags: &mut Diagnostics) -> Vec<Difference> {
    let out = named(out);
    let mut differences = Vec::new();
    check_paths(files, diags);
    let _lock = lock::to_read(out);
    if fs::symlink_metadata(out.join(stage::FOLDER)).is_ok() {
        differences.push(Difference::new(stage::FOLDER, DifferenceKind::Interrupted));
    }
    for file in files {
        match read(&out.join(&file.path)) {
            Ok(None) => differences.push(Difference::new(&file.path, DifferenceKind::Missing)),
            Ok(Some(old)) if is_same(&old, &file.contents) => {}
            Ok(Some(old)) => {
                let diff = unified_diff(&file.path, &String::from_utf8_lossy(&old), &file.contents);
                differences.push(Difference::new(&file.path, DifferenceKind::Changed { diff }));
            }
            Err(problem) => diags.push(problem),
        }
    }
    match Ledger::read(out) {
        Ok(ledger) => {
            let mut expected = Ledger::of(files);
            for (path, hash) in ledger.stale(files) {
                let Ok(Some(there)) = read(&out.join(path)) else { continue };
                differences.push(Difference::new(path, DifferenceKind::Stale));
                if ledger::hash(&there) != *hash {
                    // It was edited, and stands in the ledger until somebody has seen to it.
                    expected.files.insert(path.clone(), *hash);
                }
            }
            if ledger.files != expected.files {
                differences.push(Difference::new(Ledger::NAME, DifferenceKind::Ledger));
            }
        }
        Err(problem) => diags.push(problem),
    }
    for path in stray(out, files) {
        if !differences.iter().any(|known| known.path == path) {
            differences.push(Difference::new(&path, DifferenceKind::Stray));
        }
    }
    differences
}

/// Files in the folder that are not generated, in order. Hidden ones and what cargo writes itself do not count.
fn stray(out: &Path, files: &[OutputFile]) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(out.join(&folder)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let own = folder.is_empty() && matches!(name.as_str(), "target" | "Cargo.lock");
            if own || name.starts_with('.') {
                continue;
            }
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(path);
            } else if !files.iter().any(|file| file.path == path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

impl Difference {
    fn new(path: &str, kind: DifferenceKind) -> Self {
        Self { path: path.to_owned(), kind }
    }
}

/// The emitter makes no such paths. A document's names become file names, though, and this is where a
/// mistake there would get at files outside the folder.
fn check_paths(files: &[OutputFile], diags: &mut Diagnostics) {
    let mut seen = BTreeSet::new();
    for OutputFile { path, .. } in files {
        let problem = if !is_inside(path) {
            "is not that of a file inside the output folder"
        } else if !seen.insert(path.to_lowercase()) {
            // Many file systems do not tell upper from lower case.
            "is that of another file too"
        } else {
            continue;
        };
        diags.push(
            Diagnostic::new(Code::OutputUnusable, format!("the path `{path}` {problem}"))
                .help("this is a mistake of the generator; please report it"),
        );
    }
}

/// Whether a path stays in the folder it is relative to, out of hidden ones, and is that of a file, on every system.
fn is_inside(path: &str) -> bool {
    path.split('/').all(|step| {
        let stem = step.split('.').next().unwrap_or_default().to_ascii_lowercase();
        !step.is_empty()
            && !step.starts_with('.')
            && !step.contains(['\\', ':', '<', '>', '"', '|', '?', '*'])
            && !step.contains(char::is_control)
            && !RESERVED_FILES.contains(&stem.as_str())
    })
}

/// Whether it is a path of a file that may be written to the output folder.
fn is_ours(path: &str) -> bool {
    path == Ledger::NAME || is_inside(path)
}

/// The current folder has a name too.
fn named(out: &Path) -> &Path {
    if out.as_os_str().is_empty() { Path::new(".") } else { out }
}

/// What is to be done, while it is found out.
struct Plan<'a> {
    out: &'a Path,
    /// Of the last time.
    ledger: Ledger,
    force: bool,
    stage: Stage,
    written: Written,
    /// Files that are no longer generated and stay, with the hashes that they had.
    kept: BTreeMap<String, u64>,
}

impl Plan<'_> {
    fn make(mut self, files: &[OutputFile], problems: &mut Diagnostics) -> (Stage, Written) {
        let stale: Vec<(String, u64)> = self.ledger.stale(files).map(|(path, &hash)| (path.clone(), hash)).collect();
        // First of all, since a new file may have the name of an old one but for upper and lower case.
        for (path, hash) in &stale {
            if let Err(problem) = self.remove(path, *hash, problems) {
                problems.push(problem);
            }
        }
        let going: BTreeSet<String> = self.written.removed.iter().map(|path| path.to_lowercase()).collect();
        for file in files {
            let stays = !going.contains(&file.path.to_lowercase());
            if let Err(problem) = self.write(file, stays) {
                problems.push(problem);
            }
        }
        let mut ledger = Ledger::of(files);
        // With the hash it had, so that it is known to be edited, and whose it was, for as long as it is there.
        ledger.files.extend(std::mem::take(&mut self.kept));
        let ledger = ledger.to_json();
        match read(&self.out.join(Ledger::NAME)) {
            Ok(Some(old)) if is_same(&old, &ledger) => {}
            Ok(_) => self.stage.write(Ledger::NAME, ledger),
            Err(problem) => problems.push(problem),
        }
        (self.stage, self.written)
    }

    /// Stages a file if it is not yet as it should be, and stays so.
    fn write(&mut self, file: &OutputFile, stays: bool) -> Result<(), Diagnostic> {
        check_folders(self.out, &file.path)?;
        let path = self.out.join(&file.path);
        let outcome = match read(&path)? {
            // A link that leads nowhere.
            None if !self.force && fs::symlink_metadata(&path).is_ok() => return Err(not_ours(&path)),
            None => &mut self.written.created,
            Some(old) if stays && is_same(&old, &file.contents) => {
                self.written.unchanged.push(file.path.clone());
                return Ok(());
            }
            Some(old) => {
                match self.ledger.files.get(&file.path) {
                    Some(&hash) if hash != ledger::hash(&old) && !is_same(&old, &file.contents) => {
                        self.written.edited.push(file.path.clone());
                    }
                    Some(_) => {}
                    None if self.force || is_marked(&old) => {}
                    None => return Err(not_ours(&path)),
                }
                &mut self.written.updated
            }
        };
        outcome.push(file.path.clone());
        self.stage.write(&file.path, file.contents.clone());
        Ok(())
    }

    /// Stages the removal of a file that is no longer generated.
    fn remove(&mut self, path: &str, hash: u64, problems: &mut Diagnostics) -> Result<(), Diagnostic> {
        check_folders(self.out, path)?;
        let full = self.out.join(path);
        match read(&full)? {
            None => {}
            Some(old) if self.force || ledger::hash(&old) == hash => {
                self.written.removed.push(path.to_owned());
                self.stage.remove(path);
            }
            Some(_) => {
                self.kept.insert(path.to_owned(), hash);
                problems.push(
                    Diagnostic::new(
                        Code::StaleKept,
                        format!("`{}` is no longer generated, but was edited and stays", full.display()),
                    )
                    .help("delete it, or remove it with `specsmith generate --force`"),
                );
            }
        }
        Ok(())
    }
}

fn not_ours(path: &Path) -> Diagnostic {
    Diagnostic::new(Code::NotOurs, format!("`{}` exists and was not generated", path.display()))
        .help("move it away, choose another output folder, or overwrite it with `--force`")
}

fn edited(path: &Path) -> Diagnostic {
    let message = format!("`{}` was edited by hand, and has been generated anew", path.display());
    Diagnostic::new(Code::EditOverwritten, message)
        .help("change the documents, overlays or manifest instead; the edit is gone, unless version control has it")
}

/// Whether every folder on the way to a file is one, or can become one. Links would lead out of the output folder; that itself
/// may be one.
fn check_folders(out: &Path, path: &str) -> Result<(), Diagnostic> {
    let folders = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
    for folder in folders.map(|folder| out.join(folder)) {
        match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_symlink() => {
                return Err(unusable(&folder, "it is a link, which may lead out of the output folder")
                    .help("replace it by a folder, or choose another output folder"));
            }
            Ok(metadata) if !metadata.is_dir() => {
                return Err(unusable(&folder, io::Error::from(io::ErrorKind::NotADirectory)));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(&folder, error)),
            _ => {}
        }
    }
    Ok(())
}

/// The bytes of a file; `None` if there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Diagnostic> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(unusable(path, error)),
    }
}

fn unusable(path: &Path, why: impl fmt::Display) -> Diagnostic {
    Diagnostic::new(Code::OutputUnusable, format!("cannot use `{}`: {why}", path.display()))
        .help("move away what is in the way, see to its permissions, or choose another output folder")
}

fn is_same(old: &[u8], new: &str) -> bool {
    old == new.as_bytes() || ledger::without_carriage_returns(old).eq(ledger::without_carriage_returns(new.as_bytes()))
}

fn is_marked(contents: &[u8]) -> bool {
    contents.split(|&byte| byte == b'\n').take(MARKED_LINES).any(|line| {
        // Split in two, so that this file is not taken for a generated one.
        line.windows(10).any(|window| window == concat!("@", "generated").as_bytes())
    })
}

fn unified_diff(path: &str, old: &str, new: &str) -> String {
    let (old, new) = (old.replace("\r\n", "\n"), new.replace("\r\n", "\n"));
    let diff = TextDiff::from_lines(&old, &new);
    diff.unified_diff().header(&format!("{path} (on disk)"), &format!("{path} (generated)")).to_string()
}

#[cfg(test)]
mod tests;
