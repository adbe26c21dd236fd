//! What processes use, and where they work.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::Result;

/// What a process and its children used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// From start to end, in seconds.
    pub(crate) wall: f64,
    /// User and system time, in seconds.
    pub(crate) cpu: f64,
    /// The resident memory of the largest of them at its peak, in MiB.
    pub(crate) peak: f64,
}

/// Runs a command to its end.
///
/// The kernel adds up what all children of a process used, so the command gets a process of ours for its parent, made for it
/// alone: [`child`].
pub(crate) fn usage(directory: &Path, environment: &[(&str, &OsStr)], command: &[&OsStr]) -> Result<Usage> {
    let output = Command::new(env::current_exe()?)
        .arg("measured")
        .arg("--")
        .args(command)
        .current_dir(directory)
        .envs(environment.iter().copied())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{} failed", command.join(OsStr::new(" ")).display()).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let figures: Vec<&str> = text.split_whitespace().collect();
    let [wall, cpu, kib] = figures.as_slice() else { return Err("the measuring process printed no figures".into()) };
    let seconds = |micros: &str| micros.parse::<f64>().map(|micros| micros / 1e6);
    Ok(Usage { wall: seconds(wall)?, cpu: seconds(cpu)?, peak: kib.parse::<f64>()? / 1024.0 })
}

/// The other side of [`usage`]: runs the command and prints microseconds, of the clock and of the processors, and KiB.
pub(crate) fn child(command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let start = Instant::now();
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output()?;
    let wall = start.elapsed().as_micros();
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return Err(output.status.to_string().into());
    }
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    println!(
        "{wall} {} {}",
        used.user_time().num_microseconds() + used.system_time().num_microseconds(),
        used.max_rss()
    );
    Ok(())
}

/// The repository, and a folder for what is made here.
#[derive(Debug)]
pub(crate) struct Workplace {
    pub(crate) root: PathBuf,
    /// `specsmith-bench` in the target folder.
    pub(crate) scratch: PathBuf,
    /// The release binary of the generator, built just now.
    pub(crate) specsmith: PathBuf,
}

impl Workplace {
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no workspace")?.to_owned();
        let scratch = scratch()?;
        let specsmith = built("specsmith")?;
        Ok(Self { specsmith, root, scratch })
    }

    /// The five documents.
    pub(crate) fn documents(&self) -> Result<Vec<PathBuf>> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(self.root.join("specs"))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        files.retain(|path| path.extension() == Some(OsStr::new("json")));
        files.sort();
        Ok(files)
    }

    /// The arguments that say what `specsmith` reads: a document, or else the manifest.
    pub(crate) fn input(&self, spec: Option<&Path>) -> Vec<PathBuf> {
        match spec {
            Some(spec) => vec![spec.to_owned()],
            None => vec!["--manifest".into(), self.root.join("specsmith.yaml")],
        }
    }

    /// The arguments of `specsmith` that generate a crate.
    pub(crate) fn generate(&self, spec: Option<&Path>, out: &Path) -> Vec<PathBuf> {
        let mut arguments = vec![self.specsmith.clone(), "generate".into()];
        arguments.extend(self.input(spec));
        arguments.extend(["--out".into(), out.to_owned()]);
        if spec.is_some() {
            arguments.extend([
                "--crate-name".into(),
                "ours".into(),
                "--runtime-path".into(),
                self.root.join("runtime"),
            ]);
        }
        arguments
    }
}

/// The release binary of a package, which has the same name, built just now.
pub(crate) fn built(package: &str) -> Result<PathBuf> {
    let target = target()?;
    let status = Command::new("cargo")
        .args(["build", "--release", "--quiet", "--package", package, "--target-dir"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    match status.success() {
        true => Ok(target.join("release").join(package)),
        false => Err(format!("{package} cannot be built").into()),
    }
}

/// `specsmith-bench` in the target folder.
pub(crate) fn scratch() -> Result<PathBuf> {
    let scratch = target()?.join("specsmith-bench");
    fs::create_dir_all(&scratch)?;
    Ok(scratch)
}

fn target() -> Result<PathBuf> {
    let executable = env::current_exe()?;
    Ok(executable.parent().and_then(Path::parent).ok_or("no target folder")?.to_owned())
}

/// Words of a command.
pub(crate) fn words(paths: &[PathBuf]) -> Vec<&OsStr> {
    paths.iter().map(|path| path.as_os_str()).collect()
}
