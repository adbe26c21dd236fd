//! What generated code costs to compile.

mod baseline;
mod floor;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use serde_json::Value;

use crate::Result;
use crate::measure::{Workplace, usage, words};
use crate::table::{median, print, ratio};

/// Files of a crate, by their paths in `src`.
pub(crate) type Files = Vec<(PathBuf, String)>;

const CRATES: [&str; 3] = ["ours", "baseline", "floor"];

/// What is compiled: its name, the crate, and whether the server's side is too, which only ours has.
const ROWS: [(&str, &str, bool); 4] = [
    ("ours", "ours", false),
    ("ours, with the server", "ours", true),
    ("baseline", "baseline", false),
    ("floor", "floor", false),
];

pub(crate) fn run(place: &Workplace, runs: usize, spec: Option<&Path>) -> Result<()> {
    let folder = place.scratch.join("compile");
    let lines = write(place, &folder, spec)?;
    let target = place.scratch.join("compile-target");
    let environment = [("CARGO_INCREMENTAL", OsStr::new("0")), ("CARGO_TARGET_DIR", target.as_os_str())];
    let without_server = clients_features(&fs::read_to_string(folder.join("ours/Cargo.toml"))?).join(",");
    let cargo = |command: &str, (_, name, server): (&str, &str, bool)| {
        let features = match (name, server) {
            ("baseline", _) | (_, true) => vec!["--all-features"],
            (_, false) => vec!["--no-default-features", "--features", &without_server],
        };
        let arguments = [&["cargo", command, "--quiet", "--package", name][..], &features].concat();
        usage(&folder, &environment, &arguments.into_iter().map(OsStr::new).collect::<Vec<_>>())
    };
    let mut compiled = Vec::new();
    for row in ROWS {
        match cargo("check", row).and_then(|_| cargo("build", row)) {
            Ok(_) => compiled.push(row),
            Err(error) => eprintln!("`{}` does not compile and is left out: {error}", row.0),
        }
    }
    // Cargo itself, when there is nothing to do.
    let mut idle = [Vec::new(), Vec::new()];
    let mut times = vec![[Vec::new(), Vec::new()]; compiled.len()];
    for _ in 0..runs {
        for (mode, command) in ["check", "build"].into_iter().enumerate() {
            for (index, row) in compiled.iter().enumerate() {
                touch(&folder.join(row.1).join("src/lib.rs"))?;
                times[index][mode].push(cargo(command, *row)?.cpu);
            }
            if let Some(row) = compiled.last() {
                idle[mode].push(cargo(command, *row)?.cpu);
            }
        }
    }
    let idle = idle.map(|values| median(&values));
    let medians: Vec<[f64; 2]> = times.iter().map(|[check, build]| [median(check), median(build)]).collect();
    let ours = compiled.iter().position(|row| *row == ROWS[0]).and_then(|index| medians.get(index).copied());
    let row = |name: &str, lines: &str, [check, build]: [f64; 2]| -> Vec<String> {
        let to = |mode: usize, other: f64| {
            ours.map_or_else(String::new, |ours| ratio(ours[mode] - idle[mode], other - idle[mode]))
        };
        vec![
            name.to_owned(),
            lines.to_owned(),
            format!("{check:.2}"),
            to(0, check),
            format!("{build:.2}"),
            to(1, build),
        ]
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (compiled, medians) in compiled.iter().zip(&medians) {
        let count = ROWS.iter().position(|one| one == compiled).map_or(0, |index| lines[index]);
        rows.push(row(compiled.0, &count.to_string(), *medians));
    }
    rows.push(vec![
        "cargo alone".to_owned(),
        String::new(),
        format!("{:.2}", idle[0]),
        String::new(),
        format!("{:.2}", idle[1]),
    ]);
    let what = spec.map_or_else(|| "the manifest's crate".to_owned(), |spec| spec.display().to_string());
    let title = format!("Compiling {what}, CPU seconds, medians of {runs}; `ours to it` is without cargo's own share");
    print(&title, &["", "lines of code", "check", "ours to it", "debug build", "ours to it"], &rows);
    Ok(())
}

/// The features of the clients.
fn clients_features(manifest: &str) -> Vec<&str> {
    let features = manifest.lines().skip_while(|line| *line != "[features]").skip(1);
    let names = features.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
    names.map(|(name, _)| name).filter(|name| !matches!(*name, "default" | "server")).collect()
}

/// Writes the workspace of three crates; gives the lines of code of each row.
fn write(place: &Workplace, folder: &Path, spec: Option<&Path>) -> Result<[usize; 4]> {
    fs::create_dir_all(folder)?;
    let ours = folder.join("ours");
    for name in CRATES {
        match fs::remove_dir_all(folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    execute(&place.root, &place.generate(spec, &ours))?;
    let manifest = package(&fs::read_to_string(ours.join("Cargo.toml"))?, "ours", &place.root.join("runtime"));
    fs::write(ours.join("Cargo.toml"), &manifest)?;

    let mut inspect = vec![place.specsmith.clone(), "inspect".into(), "--format".into(), "json".into()];
    inspect.extend(place.input(spec));
    let ir: Value = serde_json::from_slice(&execute(&place.root, &inspect)?)?;
    put(&folder.join("baseline"), baseline::MANIFEST, &baseline::files(&ir))?;

    let sources = rust_files(&ours.join("src"))?;
    let floor =
        sources.iter().map(|(path, text)| Ok((path.clone(), floor::strip(text)?))).collect::<Result<Files>>()?;
    put(&folder.join("floor"), &manifest.replacen("\"ours\"", "\"floor\"", 1), &floor)?;

    fs::write(
        folder.join("Cargo.toml"),
        "[workspace]\nresolver = \"3\"\nmembers = [\"ours\", \"baseline\", \"floor\"]\n",
    )?;
    if !folder.join("Cargo.lock").exists() {
        fs::copy(place.root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    }
    let mut lines = [0; 4];
    for (count, (_, name, server)) in lines.iter_mut().zip(ROWS) {
        let files = rust_files(&folder.join(name).join("src"))?.into_iter();
        let files = files.filter(|(path, _)| server || !path.components().any(|part| part.as_os_str() == "server"));
        *count = files.map(|(_, text)| lines_of_code(&text)).sum();
    }
    Ok(lines)
}

fn execute(directory: &Path, command: &[PathBuf]) -> Result<Vec<u8>> {
    let words = words(command);
    let (program, arguments) = words.split_first().ok_or("no command")?;
    let output = Command::new(program).args(arguments).current_dir(directory).output()?;
    if !output.status.success() {
        return Err(format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(output.stdout)
}

/// The generated `Cargo.toml` as a member of our workspace.
fn package(manifest: &str, name: &str, runtime: &Path) -> String {
    let mut out = String::new();
    let mut skipped = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            skipped = matches!(line, "[workspace]" | "[lints]");
        }
        if skipped {
            continue;
        }
        if line.starts_with("name = ") {
            out.push_str(&format!("name = \"{name}\"\n"));
        } else if line.starts_with("specsmith-runtime = ") {
            out.push_str(&format!("specsmith-runtime = {{ path = {runtime:?} }}\n"));
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

fn put(folder: &Path, manifest: &str, files: &[(PathBuf, String)]) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("README.md"), "")?;
    for (path, text) in files {
        let path = folder.join("src").join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

fn rust_files(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension() == Some(OsStr::new("rs")) {
                files.push((path.strip_prefix(folder)?.to_owned(), fs::read_to_string(&path)?));
            }
        }
    }
    files.sort();
    Ok(files)
}

fn lines_of_code(text: &str) -> usize {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// Makes cargo compile a crate once more.
fn touch(file: &Path) -> Result<()> {
    fs::File::options().append(true).open(file)?.set_modified(std::time::SystemTime::now())?;
    Ok(())
}
