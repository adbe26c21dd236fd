//! What generating costs: the whole process, from the documents to the files.

use std::path::{Path, PathBuf};
use std::slice::from_ref;
use std::{env, fs};

use crate::Result;
use crate::measure::{Usage, Workplace, usage, words};
use crate::table::{median, print, ratio};

/// The largest Swagger 2.0 document of the corpus.
pub(crate) const LARGEST: &str =
    "corpus/azure/specification/batch/data-plane/Microsoft.Batch/stable/2024-02-01.19.0/BatchService.json";

/// What the quickest peer needs for the five documents, and where the figure is from.
const PEER: &str =
    "The quickest peer (openapi-to-rust 0.23, client only, measured once on two cores): 0.21 CPU s, 16 MB.";

pub(crate) fn run(place: &Workplace, runs: usize, spec: Option<PathBuf>) -> Result<()> {
    if let Some(spec) = spec {
        return measure(place, runs, Some(&spec), from_ref(&spec));
    }
    measure(place, runs, None, &place.documents()?)?;
    println!("\n  {PEER}");
    match env::var_os("SPECSMITH_REFERENCE_DIR").map(|folder| Path::new(&folder).join(LARGEST)) {
        Some(largest) => measure(place, runs, Some(&largest), from_ref(&largest)),
        None => {
            println!("  The largest document of the corpus is measured where SPECSMITH_REFERENCE_DIR is set.");
            Ok(())
        }
    }
}

fn measure(place: &Workplace, runs: usize, spec: Option<&Path>, documents: &[PathBuf]) -> Result<()> {
    let kept = place.scratch.join("generate-again");
    let fresh = place.scratch.join("generate-fresh");
    remove(&kept)?;
    let again = place.generate(spec, &kept);
    let first = place.generate(spec, &fresh);
    let mut parse = vec![env::current_exe()?, "parse-json".into()];
    parse.extend(documents.iter().cloned());
    let one = |command: &[PathBuf]| usage(&place.root, &[], &words(command));
    one(&again)?;
    one(&parse)?;
    let mut results: [Vec<Usage>; 3] = Default::default();
    for _ in 0..runs {
        remove(&fresh)?;
        results[0].push(one(&parse)?);
        results[1].push(one(&first)?);
        results[2].push(one(&again)?);
    }
    let cpu = |index: usize| median(&results[index].iter().map(|usage| usage.cpu).collect::<Vec<_>>());
    let peak = |index: usize| median(&results[index].iter().map(|usage| usage.peak).collect::<Vec<_>>());
    let names = ["read and parse only", "generate into an empty folder", "generate, nothing changed"];
    let rows: Vec<Vec<String>> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            vec![
                (*name).to_owned(),
                format!("{:.1}", cpu(index) * 1e3),
                ratio(cpu(index), cpu(0)),
                format!("{:.1}", peak(index)),
            ]
        })
        .collect();
    let what = spec.map_or_else(|| "the five documents".to_owned(), |spec| spec.display().to_string());
    print(&format!("Generating from {what}, medians of {runs}"), &["", "CPU ms", "to parsing", "peak MiB"], &rows);
    Ok(())
}

pub(crate) fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// What is compared with: reads files and parses them, nothing more.
pub(crate) fn parse_json(files: &[PathBuf]) -> Result<()> {
    for file in files {
        let value: serde_json::Value = serde_json::from_slice(&fs::read(file)?)?;
        std::hint::black_box(&value);
    }
    Ok(())
}
