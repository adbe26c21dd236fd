//! One case: what goes in, and what must hold of what comes out.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io};

use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use specsmith::fuzzing::{self, Outcome, Stage};

use crate::rng::Rng;
use crate::seeds::{Seeds, weight};
use crate::{mutate, syntax};

/// The time on a processor, and the memory, that one case may take. Both are far above what any case needs.
const MAX_TIME: Duration = Duration::from_secs(2);
const MAX_MEMORY_KIB: i64 = 256 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) stage: Stage,
    /// Name and contents; the first `roots` are documents.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    pub(crate) roots: usize,
    pub(crate) overlay: Option<Vec<u8>>,
}

/// What should not be: a few words that are the same for the same fault, and more of them.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) kind: String,
    pub(crate) detail: String,
}

/// The case of this number. Where it takes running others to make it, they are written to `trace` first.
pub(crate) fn make(stage: Stage, seeds: &Seeds, seed: u64, index: u64, trace: Option<&Path>) -> Case {
    let mut rng = Rng::new(seed, index);
    let rng = &mut rng;
    if stage == Stage::Parse {
        return Case { stage, files: vec![text(rng, seeds)], roots: 1, overlay: None };
    }
    if stage != Stage::Overlay && !rng.once_in(4) {
        return grown(stage, rng, seeds, trace);
    }
    let changes = 1 + rng.below(3);
    let mut document = small(rng, seeds);
    (0..changes).for_each(|_| mutate::value(rng, &mut document, seeds));
    let mut case = Case { stage, files: Vec::new(), roots: 1, overlay: None };
    if stage == Stage::Overlay {
        let mut overlay = match rng.pick(&seeds.overlays).filter(|_| index.is_multiple_of(4)) {
            Some(known) => known.clone(),
            None => mutate::overlay(rng, &document, seeds),
        };
        (0..rng.below(4)).for_each(|_| mutate::value(rng, &mut overlay, seeds));
        case.overlay = Some(written(&overlay));
    } else if rng.once_in(6) {
        let mut other = if rng.once_in(2) { document.clone() } else { small(rng, seeds) };
        (0..changes).for_each(|_| mutate::value(rng, &mut other, seeds));
        case.files.push(("in-memory/other.json".to_owned(), written(&other)));
        case.roots = 1 + rng.below(2);
    }
    case.files.insert(0, ("in-memory/fuzzed.json".to_owned(), written(&document)));
    case
}

/// A document with many changes, of which those that make an error are most often taken back: the rooms behind the error would
/// see little otherwise.
fn grown(stage: Stage, rng: &mut Rng, seeds: &Seeds, trace: Option<&Path>) -> Case {
    let mut document = small(rng, seeds);
    let case = |document: &Value| {
        let files = vec![("in-memory/fuzzed.json".to_owned(), written(document))];
        Case { stage, files, roots: 1, overlay: None }
    };
    let mut best = case(&document);
    for _ in 0..4 + rng.below(12) {
        let mut changed = document.clone();
        mutate::value(rng, &mut changed, seeds);
        let next = case(&changed);
        if let Some(folder) = trace {
            drop(next.save(&folder.join("making"), ""));
        }
        let lowered = Case { stage: Stage::Lower, ..next.clone() };
        match panic::catch_unwind(AssertUnwindSafe(|| lowered.outcome())) {
            // The fault is found once more when the case runs.
            Err(_) => return next,
            Ok(outcome) if outcome.errors && !rng.once_in(30) => {}
            Ok(_) => (document, best) = (changed, next),
        }
    }
    best
}

fn small(rng: &mut Rng, seeds: &Seeds) -> Value {
    let mut picked = rng.pick(&seeds.documents);
    for _ in 0..8 {
        if picked.is_none_or(|document| weight(document) < 1500) {
            break;
        }
        picked = rng.pick(&seeds.documents);
    }
    picked.cloned().unwrap_or_else(|| json!({ "swagger": "2.0" }))
}

fn text(rng: &mut Rng, seeds: &Seeds) -> (String, Vec<u8>) {
    let mut picked = rng.pick(&seeds.texts);
    for _ in 0..8 {
        if picked.is_none_or(|(_, text)| text.len() < 20_000) {
            break;
        }
        picked = rng.pick(&seeds.texts);
    }
    let (name, mut text) = picked.cloned().unwrap_or_default();
    let changes = if rng.once_in(2) { 1 } else { 1 + rng.below(8) };
    (0..changes).for_each(|_| mutate::text(rng, &mut text, seeds));
    (name, text)
}

fn written(value: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(value).unwrap_or_default()
}

static PANIC: Mutex<String> = Mutex::new(String::new());

/// Keeps what a panic says, rather than printing it.
pub(crate) fn keep_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|it| format!("{}:{}", it.file(), it.line())).unwrap_or_default();
        let payload: &dyn Any = info.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = format!("{place}\n{}", text.unwrap_or_default());
    }));
}

impl Case {
    pub(crate) fn run(&self, twice: bool) -> Result<Outcome, Finding> {
        let (time, memory) = (cpu(), peak());
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| self.outcome())).map_err(|_| {
            let text = PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let (place, said) = text.split_once('\n').unwrap_or((&text, ""));
            Finding { kind: format!("panic at {place}"), detail: said.to_owned() }
        })?;
        let (time, memory) = (cpu().saturating_sub(time), peak() - memory);
        let finding = |kind: &str, detail: String| Err(Finding { kind: kind.to_owned(), detail });
        if time > MAX_TIME {
            return finding("slow", format!("{time:?}"));
        }
        if memory > MAX_MEMORY_KIB {
            return finding("large", format!("{memory} KiB"));
        }
        if outcome.done == outcome.errors && self.stage != Stage::Overlay && self.stage != Stage::Parse {
            return finding("an error and a result, or neither", outcome.rendered[0].clone());
        }
        if !outcome.done && !outcome.errors {
            return finding("nothing and no reason", String::new());
        }
        if let Some((code, _)) = outcome.problems.iter().find(|(_, placed)| !placed) {
            return finding("a problem without a place", code.clone());
        }
        if let Some(line) = outcome.rendered[1].lines().find(|line| serde_json::from_str::<Value>(line).is_err()) {
            return finding("a message that is no JSON", line.to_owned());
        }
        let left_out = outcome.problems.iter().filter(|(code, _)| code == "SM511").count();
        let declared = self.declared();
        if outcome.done
            && matches!(self.stage, Stage::Lower | Stage::Pipeline)
            && outcome.operations + left_out < declared
        {
            let detail = format!("{} of {declared} operations, {left_out} left out", outcome.operations);
            return finding("an operation lost in silence", detail);
        }
        for (path, text) in &outcome.files {
            if let Err(error) = syntax::check(path, text) {
                let words = error.split(['`', ':']).next().unwrap_or_default().trim();
                return finding(&format!("bad code: {words}"), format!("{path}: {error}"));
            }
        }
        if twice && self.outcome() != outcome {
            return finding("another answer the second time", String::new());
        }
        Ok(outcome)
    }

    fn outcome(&self) -> Outcome {
        let files: Vec<(&str, &[u8])> =
            self.files.iter().map(|(name, text)| (name.as_str(), text.as_slice())).collect();
        let overlay = self.overlay.as_ref().map(|text| ("in-memory/overlay.json", text.as_slice()));
        fuzzing::run(self.stage, &files, self.roots, overlay)
    }

    /// How many operations the documents have.
    fn declared(&self) -> usize {
        const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];
        let values =
            self.files.iter().take(self.roots).filter_map(|(_, text)| serde_json::from_slice::<Value>(text).ok());
        let items = |document: &Value| {
            let sections = ["paths", "x-ms-paths"].into_iter().filter_map(|key| document.get(key)?.as_object());
            let items = sections.flatten().filter(|(key, _)| !key.starts_with("x-")).map(|(_, item)| item);
            let items = items.filter(|item| item.get("$ref").is_none());
            items.map(|item| METHODS.iter().filter(|method| item.get(method).is_some()).count()).sum::<usize>()
        };
        values.map(|document| items(&document)).sum()
    }

    /// Writes it to a folder, so that it can be looked at and run again.
    pub(crate) fn save(&self, folder: &Path, note: &str) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        for (name, text) in &self.files {
            fs::write(folder.join(Path::new(name).file_name().unwrap_or_default()), text)?;
        }
        if let Some(text) = &self.overlay {
            fs::write(folder.join("overlay.json"), text)?;
        }
        fs::write(folder.join("note.txt"), note)
    }
}

/// The time that this thread was on a processor: others may need the machine too.
fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// The most memory that the process ever had, in KiB.
fn peak() -> i64 {
    getrusage(UsageWho::RUSAGE_SELF).map(|usage| usage.max_rss()).unwrap_or_default()
}
