//! Files to the disk, or compared with it.
//!
//! What was generated is listed in a ledger, `.specsmith.json`, with a hash of each file. The hash tells
//! an edited file from an untouched one, nothing more, so it is FNV-1a with 64 bits and no dependency.
//! Line ends do not count, neither for the hash nor in comparisons: git may have turned every LF of a
//! checkout into CRLF, which nobody edited.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use similar::TextDiff;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::naming::RESERVED_FILES;

mod ledger;
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
}

/// Brings a folder up to date with the files; `None` if there was an error, and then nothing was changed.
///
/// A file that exists is overwritten if the ledger lists it, if it carries the mark `@generated`, or by force.
/// One that is as it should be is not touched. Files that are no longer generated are deleted, unless
/// they were edited.
pub(crate) fn write(out: &Path, files: &[OutputFile], force: bool, diags: &mut Diagnostics) -> Option<Written> {
    let mut problems = Diagnostics::default();
    check_paths(files, &mut problems);
    let ledger = match Ledger::read(out) {
        // By force, a broken ledger is replaced; what it listed and is no longer generated stays.
        Err(error) if !force || error.code != Code::BrokenLedger => {
            problems.push(error);
            Ledger::default()
        }
        ledger => ledger.unwrap_or_default(),
    };
    let mut stage = Stage::default();
    let mut written = Written::default();
    if !problems.has_errors() {
        for file in files {
            if let Err(problem) = plan(out, file, &ledger, force, &mut stage, &mut written) {
                problems.push(problem);
            }
        }
        plan_removals(out, files, &ledger, force, &mut stage, &mut written, &mut problems);
        let ledger = OutputFile { path: Ledger::NAME.to_owned(), contents: Ledger::of(files).to_json() };
        match read(&out.join(&ledger.path)) {
            Ok(old) if old.as_ref().is_some_and(|old| is_same(old, &ledger.contents)) => {}
            Ok(_) => stage.write(out.join(&ledger.path), ledger.contents),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.has_errors()
        && let Err(problem) = stage.commit(out)
    {
        problems.push(problem);
    }
    let failed = problems.has_errors();
    diags.extend(problems);
    (!failed).then_some(written)
}

/// Compares a folder with the files that would be written to it; nothing is changed.
pub(crate) fn compare(out: &Path, files: &[OutputFile], diags: &mut Diagnostics) -> Vec<Difference> {
    let mut differences = Vec::new();
    check_paths(files, diags);
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
            let stale = ledger.stale(files).filter(|(path, _)| out.join(path).exists());
            differences.extend(stale.map(|(path, _)| Difference::new(path, DifferenceKind::Stale)));
            if ledger.files != Ledger::of(files).files {
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
        let problem = if !is_inside(path) || path == Ledger::NAME {
            "is not that of a file inside the output folder"
        } else if !seen.insert(path.to_lowercase()) {
            // Many file systems do not tell upper from lower case.
            "is that of another file too"
        } else {
            continue;
        };
        diags.push(
            Diagnostic::new(Code::BadOutputPath, format!("the path `{path}` {problem}"))
                .help("this is a mistake of the generator; please report it"),
        );
    }
}

/// Whether a path stays in the folder it is relative to, and is that of a file, on every system.
fn is_inside(path: &str) -> bool {
    path.split('/').all(|step| {
        let stem = step.split('.').next().unwrap_or_default().to_ascii_lowercase();
        !matches!(step, "" | "." | "..")
            && !step.contains(['\\', ':', '<', '>', '"', '|', '?', '*'])
            && !step.contains(char::is_control)
            && !RESERVED_FILES.contains(&stem.as_str())
    })
}

/// Stages a file if it is not yet as it should be.
fn plan(
    out: &Path,
    file: &OutputFile,
    ledger: &Ledger,
    force: bool,
    stage: &mut Stage,
    written: &mut Written,
) -> Result<(), Diagnostic> {
    check_folders(out, &file.path)?;
    let outcome = match read(&out.join(&file.path))? {
        None => &mut written.created,
        Some(old) if is_same(&old, &file.contents) => {
            written.unchanged.push(file.path.clone());
            return Ok(());
        }
        Some(old) if force || ledger.files.contains_key(&file.path) || is_marked(&old) => &mut written.updated,
        Some(_) => {
            let message = format!("`{}` exists and was not generated", out.join(&file.path).display());
            return Err(Diagnostic::new(Code::NotOurs, message)
                .help("move it away, choose another output folder, or overwrite it with `--force`"));
        }
    };
    outcome.push(file.path.clone());
    stage.write(out.join(&file.path), file.contents.clone());
    Ok(())
}

/// Stages the removal of what is no longer generated.
fn plan_removals(
    out: &Path,
    files: &[OutputFile],
    ledger: &Ledger,
    force: bool,
    stage: &mut Stage,
    written: &mut Written,
    diags: &mut Diagnostics,
) {
    for (path, &hash) in ledger.stale(files) {
        let full = out.join(path);
        match read(&full) {
            Ok(None) => {}
            Ok(Some(old)) if force || ledger::hash(&old) == hash => {
                written.removed.push(path.clone());
                stage.remove(full);
            }
            Ok(Some(_)) => diags.push(
                Diagnostic::new(
                    Code::StaleKept,
                    format!("`{}` is no longer generated, but was edited and stays", full.display()),
                )
                .help("delete it, or remove it with `specsmith generate --force`; it is not looked at again"),
            ),
            Err(problem) => diags.push(problem),
        }
    }
}

/// Whether every folder on the way to a file is one, or can become one.
fn check_folders(out: &Path, path: &str) -> Result<(), Diagnostic> {
    let folders = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
    for folder in std::iter::once(out.to_owned()).chain(folders.map(|folder| out.join(folder))) {
        match fs::metadata(&folder) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(unusable(&folder, &io::Error::from(io::ErrorKind::NotADirectory)));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(&folder, &error)),
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
        Err(error) => Err(unusable(path, &error)),
    }
}

fn unusable(path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::new(Code::OutputUnusable, format!("cannot use `{}`: {error}", path.display()))
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
