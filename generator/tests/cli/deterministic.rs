//! The same input gives the same bytes. What can be shuffled is shuffled: how the input lies on the disk, how it is
//! named, and where the tool runs. Hash maps are other ones in each process.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use super::*;

/// What is read, by path: the five documents with their overlays and manifest, and the documents of all features.
type Input = BTreeMap<String, String>;

/// References that go round in circles, which are met in the order of a hash map.
const CIRCLES: &str = "\
swagger: '2.0'
info: { title: Circles, version: '1' }
paths: {}
definitions:
  A: { $ref: '#/definitions/B' }
  B: { $ref: '#/definitions/C' }
  C: { $ref: '#/definitions/A' }
  D: { $ref: '#/definitions/E' }
  E: { $ref: '#/definitions/F' }
  F: { $ref: '#/definitions/D' }
  G: { $ref: '#/definitions/A' }
";

fn input() -> Input {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut input = Input::new();
    for folder in ["specs", "tests/features"] {
        let files = runs::files(&root.join(folder)).into_iter();
        input.extend(
            files.map(|(path, text)| (Path::new(folder).join(path).to_str().unwrap().replace('\\', "/"), text)),
        );
    }
    for path in ["specsmith.yaml", "LICENSE-APACHE", "LICENSE-MIT", "runtime/Cargo.toml"] {
        input.insert(path.to_owned(), fs::read_to_string(root.join(path)).unwrap());
    }
    input.insert("tests/features/wrong/circles.yaml".to_owned(), CIRCLES.to_owned());
    input
}

/// How the tool is run.
#[derive(Default)]
struct How<'a> {
    reversed: bool,
    environment: &'a [(&'a str, &'a str)],
    /// What runs it.
    through: &'a [&'a str],
}

/// The files of three crates, what `inspect` prints, and what is wrong with documents that are wrong.
#[derive(Default, PartialEq)]
struct Outcome(BTreeMap<String, String>);

impl Outcome {
    /// Says what differs; to print all of both would be of no use.
    fn assert_same(&self, other: &Self, what: &str) {
        let paths = self.0.keys().chain(other.0.keys());
        if let Some(path) = paths.into_iter().find(|path| self.0.get(*path) != other.0.get(*path)) {
            assert_eq!(self.0.get(path), other.0.get(path), "{path}, {what}");
        }
    }
}

fn lay(name: &str, files: impl Iterator<Item = (String, String)>) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deterministic").join(name);
    let _ = fs::remove_dir_all(&folder);
    for (path, text) in files {
        fs::create_dir_all(folder.join(&path).parent().unwrap()).unwrap();
        fs::write(folder.join(path), text).unwrap();
    }
    folder
}

impl How<'_> {
    fn run(&self, folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Output {
        let tool = [env!("CARGO_BIN_EXE_specsmith")];
        let mut words = self.through.iter().chain(&tool);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(arguments).current_dir(folder).envs(self.environment.iter().copied());
        command.output().unwrap()
    }

    fn ordered(&self, mut names: Vec<String>) -> Vec<String> {
        if self.reversed {
            names.reverse();
        }
        names
    }

    /// Runs it in a folder with the input, with paths relative to that.
    fn outcome(&self, folder: &Path, input: &Input) -> Outcome {
        let under = |parent: &str, but: &[&str]| -> Vec<String> {
            let names = input.keys().filter(|path| {
                path.strip_prefix(parent).is_some_and(|name| !name.contains('/') && !name.ends_with(".md"))
                    && !but.iter().any(|but| path.ends_with(but))
            });
            self.ordered(names.cloned().collect())
        };
        let mut five = under("specs/", &[]);
        for overlay in under("specs/overlays/", &[]) {
            five.extend(["--overlay".to_owned(), overlay]);
        }
        let features = under("tests/features/", &["/invalid.yaml"]);
        let wrong = [under("tests/features/", &[]), under("tests/features/wrong/", &[])].concat();
        let with = |specs: &[String], words: &[&str]| -> Vec<String> {
            let command = words.iter().take(1).map(|word| (*word).to_owned());
            let rest = words.iter().skip(1).map(|word| (*word).to_owned());
            command.chain(specs.iter().cloned()).chain(rest).collect()
        };
        let crate_of =
            |specs, out| with(specs, &["generate", "--crate-name", "all", "--runtime-path", "runtime", "--out", out]);
        let mut outcome = Outcome::default();
        for (out, arguments) in [
            ("generated", vec!["generate".to_owned()]),
            ("five", crate_of(&five, "five")),
            ("features", crate_of(&features, "features")),
        ] {
            let output = self.run(folder, &arguments);
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(0), "{said}");
            outcome.0.insert(format!("warnings of {out}"), said);
            let files = runs::files(&folder.join(out)).into_iter();
            outcome.0.extend(files.map(|(path, text)| (format!("{out}/{}", path.display()), text)));
        }
        for (what, code, arguments) in [
            ("inspect", 0, with(&[], &["inspect", "--format", "json"])),
            ("inspect five", 0, with(&five, &["inspect", "--format", "json"])),
            ("errors", 1, with(&wrong, &["inspect"])),
            ("errors as JSON", 1, with(&wrong, &["inspect", "--message-format", "json"])),
        ] {
            let output = self.run(folder, &arguments);
            assert_eq!(output.status.code(), Some(code), "{what}");
            let text = [output.stdout, output.stderr].map(|stream| String::from_utf8(stream).unwrap()).concat();
            outcome.0.insert(what.to_owned(), text);
        }
        outcome
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let input = input();
    let text = |(path, text): (&String, &String)| (path.clone(), text.clone());
    let usual = How::default();
    let folder = lay("usual", input.iter().map(text));
    let expected = usual.outcome(&folder, &input);
    assert!(expected.0.keys().filter(|path| path.ends_with(".rs")).count() > 100);
    assert!(expected.0.keys().filter(|path| path.ends_with("/.specsmith.json")).count() == 3);
    assert!(expected.0["errors"].contains("error[SM") && expected.0["inspect"].contains("JobApi"));
    for (path, text) in &expected.0 {
        assert!(!text.contains('\r') && !text.contains("deterministic/"), "{path}");
    }

    let again = |how: &How<'_>, folder: &Path, what: &str| how.outcome(folder, &input).assert_same(&expected, what);
    for round in 0..3 {
        // The first finds the output there; the others write it anew.
        again(&usual, &folder, "in another process");
        fs::remove_dir_all(folder.join(["five", "features", "generated"][round])).unwrap();
    }
    again(&How { reversed: true, ..How::default() }, &folder, "in another order");
    let environment = [
        ("LANG", "tr_TR.UTF-8"),
        ("LC_ALL", "tr_TR.UTF-8"),
        ("TZ", "Asia/Kathmandu"),
        ("HOME", "/nowhere"),
        ("COLUMNS", "40"),
        ("SOURCE_DATE_EPOCH", "1"),
    ];
    again(&How { environment: &environment, ..How::default() }, &folder, "in another environment");
    let one_core = ["taskset", "-c", "0"];
    if Command::new(one_core[0]).args(&one_core[1..]).arg("true").status().is_ok_and(|status| status.success()) {
        again(&How { through: &one_core, ..How::default() }, &folder, "on one core");
    }

    let elsewhere = lay("some where/else — ö", input.iter().rev().map(text));
    again(&usual, &elsewhere, "from another checkout, in which the files lie in another order");
    let lines = lay("lines", input.iter().map(|(path, text)| (path.clone(), text.replace('\n', "\r\n"))));
    again(&usual, &lines, "with CRLF");
    let marked = lay(
        "marked",
        input.iter().map(|(path, text)| {
            (
                path.clone(),
                match path.starts_with("LICENSE") {
                    true => text.clone(),
                    false => format!("\u{feff}{text}"),
                },
            )
        }),
    );
    again(&usual, &marked, "with byte order marks");
}

/// The current folder, and how paths are spelled, show in messages but not in what is generated.
#[test]
fn the_current_folder_makes_no_difference() {
    let folder = lay("spelled", input().into_iter());
    let how = How::default();
    let generate = |from: &str, words: &[&str], out: &str| {
        let output = how.run(&folder.join(from), words);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        runs::files(&folder.join(out))
    };
    let expected = generate("", &["generate"], "generated");
    assert_eq!(generate("specs", &["generate", "--manifest", "../specsmith.yaml"], "generated"), expected);
    let absolute = folder.join("specsmith.yaml").display().to_string();
    fs::remove_dir_all(folder.join("generated")).unwrap();
    assert_eq!(generate("runtime", &["generate", "--manifest", &absolute], "generated"), expected);

    let words =
        "generate specs/JobApi.json specs/DeviceApi.json --runtime-path runtime --crate-name jobs --out out/one";
    let expected = generate("", &words.split(' ').collect::<Vec<_>>(), "out/one");
    let absolute = folder.join("specs/../specs/JobApi.json").display().to_string();
    let words = "generate DeviceApi.json --runtime-path ../runtime --crate-name jobs --out ../out/./two";
    let words: Vec<&str> = words.split(' ').chain([absolute.as_str()]).collect();
    assert_eq!(generate("specs", &words, "out/two"), expected);
}
