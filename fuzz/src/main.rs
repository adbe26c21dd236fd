//! Feeds the generator with documents that nobody would write, and looks at what comes out.
//!
//! A case is made of a seed and its number, and is the same wherever it runs. Cases run in a process of their own, since a stack that
//! overflows or memory that runs out ends it: the number of the case is written down before it runs. See `CONTRIBUTING.md`.

mod case;
mod mutate;
mod rng;
mod seeds;
mod shrink;
mod syntax;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, exit};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use nix::sys::resource::{Resource, setrlimit};
use specsmith::fuzzing::Stage;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const STAGES: [(&str, Stage); 4] =
    [("parse", Stage::Parse), ("overlay", Stage::Overlay), ("lower", Stage::Lower), ("pipeline", Stage::Pipeline)];

/// An eighth of what the main thread of a build script has, half of what a test has: their code is not optimized, which takes more.
const STACK: usize = 1 << 20;

/// All the memory that a process may have.
const MEMORY: u64 = 4 << 30;

/// A case that takes longer hangs, also on a machine that has other things to do.
const HANGS: Duration = Duration::from_secs(60);

const USAGE: &str = "usage: specsmith-fuzz TARGET|all [--cases N | --minutes N] [--seed N] [--case N]
targets: parse, overlay, lower, pipeline; --case runs one case again and writes down what goes in";

#[derive(Clone)]
struct Options {
    target: String,
    cases: u64,
    minutes: u64,
    seed: u64,
    from: u64,
    only: Option<u64>,
    worker: bool,
}

fn options() -> Result<Options> {
    let mut arguments = env::args().skip(1);
    let target = arguments.next().filter(|target| target == "all" || stage(target).is_some()).ok_or(USAGE)?;
    let mut options = Options { target, cases: 2000, minutes: 0, seed: 1, from: 0, only: None, worker: false };
    while let Some(name) = arguments.next() {
        let mut number = || arguments.next().ok_or(USAGE)?.parse().map_err(|_| USAGE);
        match name.as_str() {
            "--cases" => options.cases = number()?,
            "--minutes" => (options.minutes, options.cases) = (number()?, u64::MAX),
            "--seed" => options.seed = number()?,
            "--case" => options.only = Some(number()?),
            "--from" => options.from = number()?,
            "--worker" => options.worker = true,
            _ => return Err(USAGE.into()),
        }
    }
    Ok(options)
}

fn stage(name: &str) -> Option<Stage> {
    STAGES.iter().find(|(known, _)| *known == name).map(|(_, stage)| *stage)
}

/// Where findings go.
fn folder(options: &Options) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/fuzz-findings")
        .join(format!("{}-{}", options.target, options.seed))
}

fn main() -> ExitCode {
    let done = options().and_then(|options| match (options.worker, options.target.as_str()) {
        (true, _) => work(options),
        (false, "all") => {
            let runs =
                STAGES.iter().map(|(name, _)| supervise(&Options { target: (*name).to_owned(), ..options.clone() }));
            runs.collect::<Result<Vec<bool>>>().map(|clean| clean.into_iter().all(|clean| clean))
        }
        _ => supervise(&options),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Runs workers until all cases are done: one, unless cases bring it down.
fn supervise(options: &Options) -> Result<bool> {
    let folder = folder(options);
    fs::create_dir_all(&folder)?;
    let started = Instant::now();
    let mut from = options.from;
    let mut clean = true;
    loop {
        let spent = started.elapsed().as_secs() / 60;
        let mut worker = Command::new(env::current_exe()?);
        worker.args([&options.target, "--worker", "--seed", &options.seed.to_string(), "--from", &from.to_string()]);
        match options.minutes {
            0 => worker.args(["--cases", &options.cases.to_string()]),
            minutes => worker.args(["--minutes", &minutes.saturating_sub(spent).to_string()]),
        };
        if let Some(only) = options.only {
            worker.args(["--case", &only.to_string()]);
        }
        let status = worker.status()?;
        match status.code() {
            Some(0) => return Ok(clean),
            Some(1) => return Ok(false),
            Some(2) => return Err("the worker could not start".into()),
            _ => {}
        }
        let index: u64 = fs::read_to_string(folder.join("current"))?.trim().parse()?;
        println!("{}: case {index} (seed {}) ended the process: {status}", options.target, options.seed);
        clean = false;
        if options.only.is_some() {
            return Ok(false);
        }
        // Once more, with what goes in written down.
        let mut again = Command::new(env::current_exe()?);
        again.args([&options.target, "--worker", "--seed", &options.seed.to_string(), "--case", &index.to_string()]);
        again.status()?;
        from = index + 1;
    }
}

static CURRENT: AtomicU64 = AtomicU64::new(u64::MAX);

/// Runs cases; whether nothing was found.
fn work(options: Options) -> Result<bool> {
    setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY)?;
    case::keep_panics();
    thread::spawn(watch);
    let worker =
        thread::Builder::new().stack_size(STACK).spawn(move || cases(&options).map_err(|error| error.to_string()))?;
    match worker.join() {
        Ok(done) => Ok(done?),
        Err(_) => Err("the fuzzer itself panicked".into()),
    }
}

/// Ends the process when a case hangs.
fn watch() {
    let (mut case, mut since) = (u64::MAX, Instant::now());
    loop {
        thread::sleep(Duration::from_secs(1));
        let now = CURRENT.load(Ordering::Relaxed);
        if now != case {
            (case, since) = (now, Instant::now());
        } else if case != u64::MAX && since.elapsed() > HANGS {
            eprintln!("case {case} hangs");
            exit(3);
        }
    }
}

fn cases(options: &Options) -> Result<bool> {
    let stage = stage(&options.target).ok_or(USAGE)?;
    let (folder, seeds) = (folder(options), seeds::load());
    let started = Instant::now();
    let (mut done, mut successes) = (0_u64, 0_u64);
    let mut found: HashMap<String, usize> = HashMap::new();
    let range = match options.only {
        Some(only) => only..only + 1,
        None => options.from..options.cases.max(options.from),
    };
    for index in range {
        if options.minutes > 0 && started.elapsed() > Duration::from_secs(60 * options.minutes) {
            break;
        }
        fs::write(folder.join("current"), index.to_string())?;
        let trace = options.only.map(|_| folder.as_path());
        let case = case::make(stage, &seeds, options.seed, index, trace);
        if options.only.is_some() {
            case.save(&folder.join(format!("case-{index}")), "")?;
        }
        CURRENT.store(index, Ordering::Relaxed);
        let outcome = case.run(index.is_multiple_of(16));
        CURRENT.store(u64::MAX, Ordering::Relaxed);
        done += 1;
        match outcome {
            Ok(outcome) => successes += u64::from(outcome.done),
            Err(finding) => {
                let times = found.entry(finding.kind.clone()).or_default();
                *times += 1;
                if *times <= 3 {
                    println!(
                        "{}: case {index} (seed {}): {}: {}",
                        options.target, options.seed, finding.kind, finding.detail
                    );
                    case.save(
                        &folder.join(format!("found-{index}")),
                        &format!("{}\n{}\n", finding.kind, finding.detail),
                    )?;
                }
                if *times == 1 {
                    let small = shrink::shrink(case, &finding.kind);
                    small.save(
                        &folder.join(format!("small-{index}")),
                        &format!("{}\n{}\n", finding.kind, finding.detail),
                    )?;
                }
            }
        }
    }
    let seconds = started.elapsed().as_secs();
    println!(
        "{}: seed {}, {} documents, {done} cases in {seconds} s, {successes} gave a result, {} faults {found:?}",
        options.target,
        options.seed,
        seeds.documents.len(),
        found.len()
    );
    Ok(found.is_empty())
}
