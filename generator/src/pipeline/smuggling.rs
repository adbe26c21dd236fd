//! Nothing is smuggled: whatever the texts of a document hold, the code is what it would have been.
//!
//! A document is generated twice: with hostile texts in all places of a kind, and with harmless ones there. Either the
//! hostile ones are refused, or both have the same tokens, and the same structure of Markdown in their comments.

mod places;
mod shape;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use self::places::{Kind, kinds, replaced};
use self::shape::Comparison;
use super::{lower, plan};
use crate::diag::{Code, Diagnostics, Severity, render_text};
use crate::emit::{self, Package};
use crate::sink::OutputFile;
use crate::source::Sources;
use crate::visible::is_invisible;

const HOSTILE: &[&str] = &[
    "*/ pub mod smuggled {} /*",
    "\"; pub fn smuggled() {} //",
    "#![feature(smuggled)]\n#[path = \"/etc/passwd\"] mod smuggled;",
    "\n}\npub mod smuggled {}\n",
    "\r\npub fn smuggled() {}\r",
    "{}{name}{0}{*}{{",
    "}}{",
    "\u{202e}\u{2066}// \u{2069}\u{feff}\u{200b}",
    "\0\u{1b}[31m\u{7f}\u{85}\u{2028}\u{b}",
    "```\npanic!();\n```",
    "text\n\n    panic!();\n\n    smuggled();",
    "```rust,ignore\nsmuggled",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "<a href=\"javascript:alert(1)\">x</a><a href='https://x.example/\"onload=\"'>y</a>",
    "[`Foo`] [Bar](struct.Bar.html) [^1] [x](javascript:alert(1)) [y](data:text/html,x)",
    "[smuggled]: https://x.example\n[^1]: note",
    "![x](https://x.example/pixel.png) <https://x.example> https://x.example",
    "a = b; c = d",
    "models::Smuggled::new(super::models::Smuggled)",
    "r#\"x\"# r##\"y\"## b\"z\" c\"z\"",
    "'a' b'x' 'static 'r#a",
    "\\",
    "\\u{0}\\x00\\n",
    "\"",
    "/../..//a?b#c%2e%2e/%2F%00",
    "?a=b&c",
    "#x",
    "//evil.example\\@x",
    "https://x.example:1/?a=b&c=d#e",
    "x\r\nX-Smuggled: 1",
    "a, b;q=1",
    "Self",
    "r#type",
    "con",
    "lib",
    "\u{3164}\u{ffa0}\u{115f}",
    "| a | b |\n|---|---|",
    "# Heading\n===\n> quote\n---\n<!-- x -->",
    "$crate!{} $x $($y)*",
    "//! inner\n/// outer\n//// more",
    "---\nfrontmatter\n---",
    "\u{440}aypal \u{fc}n\u{ef}code \u{1d564}",
    "x-specsmith-side",
    "~0~1",
    "-",
];

/// A word that is in harmless texts only.
const MARK: &str = "quill";

/// Where the text goes.
#[derive(Clone, Copy, Debug)]
enum Place {
    Start,
    End,
    /// Behind what was there, and a letter: a name of nothing but signs would leave a name that means something.
    Behind,
}

const PLACES: [Place; 3] = [Place::Start, Place::End, Place::Behind];

impl Place {
    /// A text that differs from those of other numbers.
    fn text(self, text: &str, old: &str, number: usize) -> String {
        match (self, number) {
            (Self::Start | Self::End, 0) => text.to_owned(),
            (Self::Start, number) => format!("{text}{number}"),
            (Self::End, number) => format!("{number}{text}"),
            (Self::Behind, _) => format!("{old}x{text}"),
        }
    }

    fn harmless(self, old: &str, number: usize) -> String {
        match self {
            Self::Start | Self::End => format!("{MARK}{number}q"),
            Self::Behind => format!("{old}{MARK}{number}q"),
        }
    }
}

/// A document, and where it stands, for what it refers to.
struct Document {
    path: PathBuf,
    value: Value,
}

impl Document {
    /// `None` for one that is no document, such as a manifest.
    fn read(path: PathBuf) -> Option<Self> {
        let mut sources = Sources::default();
        let file = sources.load(&path, &mut Diagnostics::default())?;
        let value = sources.value(file).clone();
        value.get("swagger").is_some().then_some(Self { path, value })
    }

    /// The files of a package made from a document in its place, or the codes of what is wrong with it.
    fn generated(&self, value: &Value, kind: &Kind) -> Result<Vec<OutputFile>, Vec<Code>> {
        let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
        // JSON is what YAML is too.
        let file = sources.add(&self.path.with_extension("json"), value.to_string(), &mut diagnostics);
        let ir = file.and_then(|file| {
            let mut plan = plan(&[file], "smuggling", &sources);
            // Patterns that servers look for come in another syntax, or not at all.
            plan.clients.iter_mut().for_each(|client| client.validate = *kind != Kind::Value("pattern".to_owned()));
            lower(&plan, &mut sources, &mut diagnostics)
        });
        let said = render_text(diagnostics.as_slice(), &sources, false);
        assert!(!said.contains(|one: char| one != '\n' && (one.is_control() || is_invisible(one))), "{said}");
        let codes = diagnostics.iter().map(|diagnostic| diagnostic.code);
        ir.map(|ir| emit::files(&ir, &Package::default()))
            .ok_or_else(|| codes.filter(|code| code.severity() == Severity::Error).collect())
    }

    /// What texts smuggle in, if anything, where they stand in all places of a kind.
    fn smuggled(&self, kind: &Kind, place: Place, texts: &[&str]) -> Vec<String> {
        // A path that is harmless is one.
        let start = if kind.is_path() && !matches!(place, Place::Behind) { "/" } else { "" };
        let harmless = |old: &str, number| format!("{start}{}", place.harmless(old, number));
        let (document, renamed) = replaced(&self.value, kind, &harmless);
        let expected = self.generated(&document, kind);
        let fault = |text: &&str| {
            let (document, _) = replaced(&self.value, kind, &|old, number| place.text(text, old, number));
            if document == self.value || kind.means(text) {
                return None;
            }
            let numbers = 0..renamed.len();
            let pairs: Vec<_> = numbers.map(|number| (harmless("", number), place.text(text, "", number))).collect();
            let what = match (&expected, self.generated(&document, kind)) {
                (_, Err(codes)) if !codes.is_empty() => return None,
                (_, Err(_)) => "refused without a reason".to_owned(),
                (Err(codes), Ok(_)) => format!("harmless texts are refused: {codes:?}"),
                (Ok(harmless), Ok(hostile)) => {
                    Comparison { mark: MARK, texts: &pairs }.difference(harmless, &hostile).err()?
                }
            };
            Some(format!("{}: {kind:?}, {place:?}: {text:?}: {what}", self.path.display()))
        };
        texts.iter().filter_map(fault).collect()
    }
}

/// The five documents and those of the features.
fn documents() -> Vec<Document> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut paths = Vec::new();
    for folder in ["specs", "tests/features", "tests/features/server"] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        paths.extend(entries.filter(|path| path.extension().is_some_and(|kind| kind == "json" || kind == "yaml")));
    }
    paths.sort();
    let documents: Vec<_> = paths.into_iter().filter_map(Document::read).collect();
    assert!(documents.len() > 40);
    documents
}

/// The reference documents, where they are at hand.
fn corpus() -> Vec<Document> {
    let Some(folder) = std::env::var_os("SPECSMITH_REFERENCE_DIR") else { return Vec::new() };
    let corpus = PathBuf::from(folder).join("corpus");
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let roots = manifest.lines().filter(|line| line.contains("\troot\t2.0\t"));
    roots.filter_map(|line| line.split('\t').next()).filter_map(|path| Document::read(corpus.join(path))).collect()
}

/// Whether somebody has asked for all there is, which takes a quarter of an hour and more.
fn is_exhaustive() -> bool {
    std::env::var_os("SPECSMITH_EXHAUSTIVE").is_some()
}

/// How many texts of the list are tried in one place.
const TEXTS_A_TURN: usize = 2;

/// Every kind of text that any document has, with some of the hostile texts in turn.
///
/// If `SPECSMITH_EXHAUSTIVE` is set: all of the texts in every document, and those of the corpus in turn.
#[test]
fn nothing_is_smuggled() {
    let documents = documents();
    let mut faults = Vec::new();
    let mut met = BTreeMap::new();
    for document in &documents {
        for kind in kinds(&document.value) {
            met.entry(kind).or_insert_with(Vec::new).push(document);
        }
    }
    assert!(met.len() > 100, "{} kinds", met.len());
    let mut turn = HOSTILE.iter().copied().cycle();
    let mut some = || turn.by_ref().take(TEXTS_A_TURN).collect::<Vec<_>>();
    for (kind, documents) in &met {
        for (place, index) in PLACES.into_iter().zip(0..) {
            if is_exhaustive() {
                documents.iter().for_each(|document| faults.extend(document.smuggled(kind, place, HOSTILE)));
            } else {
                faults.extend(documents[index % documents.len()].smuggled(kind, place, &some()));
            }
        }
    }
    for document in if is_exhaustive() { corpus() } else { Vec::new() } {
        for (kind, place) in kinds(&document.value).iter().zip(PLACES.into_iter().cycle()) {
            faults.extend(document.smuggled(kind, place, &some()));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Texts that nobody thought of.
#[test]
fn nothing_is_smuggled_by_chance() {
    let documents = documents();
    let places =
        documents.iter().flat_map(|document| kinds(&document.value).into_iter().map(move |kind| (document, kind)));
    let places: Vec<_> = places.collect();
    let text =
        r##"(\PC|[\x00-\x20"'\\/*#!\[\](){}<>`~|=:;,.&%?-]|\*/|//|/\*|```|r#"|\]\(|\{\}|\u{202e}|\u{feff}){1,12}"##;
    let config = Config { failure_persistence: None, ..Config::with_cases(if is_exhaustive() { 10_000 } else { 96 }) };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let place = (any::<Index>(), 0..PLACES.len(), text);
    let run = runner.run(&place, |(index, place, text)| {
        let (document, kind) = index.get(&places);
        let faults = document.smuggled(kind, PLACES[place], &[&text]);
        prop_assert!(faults.is_empty(), "{}", faults.join("\n"));
        Ok(())
    });
    run.unwrap();
}
