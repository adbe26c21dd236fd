//! Runs that are killed, and runs at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::{Child, Stdio};

use super::*;

/// The files of a folder, by their paths in it.
pub(super) type Files = BTreeMap<PathBuf, String>;

pub(super) fn files(folder: &Path) -> Files {
    let mut files = Files::new();
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

impl Folder {
    /// A document `NAME/shelf.json` with these groups, each of which becomes a file, and what is to come of it.
    fn document(&self, name: &str, groups: Range<usize>) -> Files {
        let operation = |group: usize| {
            serde_json::json!({ "get": {
                "operationId": format!("Shelf{group}_Get"),
                "summary": format!("The shelf of {name}."),
                "responses": { "204": { "description": "Empty." } },
            } })
        };
        let paths: serde_json::Map<_, _> =
            groups.map(|group| (format!("/shelves/{group}"), operation(group))).collect();
        let document = serde_json::json!({
            "swagger": "2.0", "info": { "title": "Shelves", "version": "1" }, "host": "shelf.example", "paths": paths,
        });
        fs::create_dir_all(self.0.join(name)).unwrap();
        fs::write(self.0.join(name).join("shelf.json"), document.to_string()).unwrap();
        let out = format!("expected-{name}");
        assert_eq!(self.start("generate", name, &out).wait().unwrap().code(), Some(0));
        files(&self.0.join(out))
    }

    fn start(&self, command: &str, name: &str, out: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_specsmith"))
            .args([command, &format!("{name}/shelf.json"), "--crate-name", "shelf", "--out", out])
            .current_dir(&self.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

#[test]
fn a_killed_run_leaves_the_folder_as_it_was_or_as_it_is_to_be() {
    let folder = Folder::new("killed");
    let states = [folder.document("a", 0..30), folder.document("b", 15..45)];
    folder.document("blocked", 0..46);
    let out = folder.0.join("out");
    assert_eq!(folder.start("generate", "a", "out").wait().unwrap().code(), Some(0));
    // In the way of the third document, whose runs so undo what was left, and change nothing else.
    let mine = Path::new("src/shelf/shelf45.rs");
    fs::write(out.join(mine), "mine\n").unwrap();

    let (mut cut, mut whole) = (0, 0);
    // Usually a few dozen of them are enough.
    for round in 0..400_u32 {
        let before = files(&out);
        let mut child = folder.start("generate", if round % 2 == 0 { "b" } else { "a" }, "out");
        let begun = out.join(if round % 3 == 0 { ".specsmith.tmp" } else { ".specsmith.tmp/journal.json" });
        while !begun.exists() && child.try_wait().unwrap().is_none() {}
        for _ in 0..round.wrapping_mul(2_654_435_761) % 20_000 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let interrupted = out.join(".specsmith.tmp/journal.json").exists();

        let blocked = folder.start("generate", "blocked", "out").wait_with_output().unwrap();
        let said = String::from_utf8(blocked.stderr).unwrap();
        assert!(blocked.status.code() == Some(1) && said.contains("SM701"), "{said}");
        let mut after = files(&out);
        assert!(!interrupted || after == before, "what was not final is undone");
        assert_eq!(after.remove(mine).as_deref(), Some("mine\n"));
        assert!(states.contains(&after), "round {round} left a mix: {:?}", after.keys());
        cut += u32::from(interrupted);
        whole += u32::from(!interrupted);
        if cut >= 8 && whole >= 4 {
            break;
        }
    }
    assert!(cut > 0, "no run was killed between its first change and its last");
}

#[test]
fn runs_at_once_do_not_mix() {
    let folder = Folder::new("at-once");
    let names = ["a", "b", "c", "d", "e", "f"];
    let states: Vec<Files> =
        names.iter().enumerate().map(|(index, name)| folder.document(name, index * 5..index * 5 + 20)).collect();
    for round in 0..6 {
        // Some find a folder, some have to make one.
        let out = format!("out-{}", round / 2);
        let writing: Vec<Child> = names.iter().map(|name| folder.start("generate", name, &out)).collect();
        let looking: Vec<Child> = names.iter().map(|name| folder.start("check", name, &out)).collect();
        for child in writing {
            let output = child.wait_with_output().unwrap();
            assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
            assert_eq!(output.status.code(), Some(0));
        }
        for child in looking {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(!said.contains("interrupted"), "a check sees no run half done: {said}");
        }
        let result = files(&folder.0.join(&out));
        assert!(states.contains(&result), "a mix: {:?}", result.keys());
    }
}

#[test]
fn a_check_names_a_run_that_was_interrupted() {
    let folder = Folder::new("interrupted");
    folder.run(&["generate"]);
    fs::create_dir(folder.0.join("generated/.specsmith.tmp")).unwrap();
    fs::write(folder.0.join("generated/.specsmith.tmp/new-0"), "half").unwrap();
    let (code, out, _) = folder.run(&["check"]);
    assert_eq!(code, 1);
    assert!(
        out.starts_with("generated/.specsmith.tmp was left by a run that was interrupted\n1 difference: "),
        "{out}"
    );
    assert_eq!(folder.run(&["generate"]).0, 0);
    assert_eq!(folder.run(&["check"]).0, 0);
}

#[test]
fn an_edit_that_is_overwritten_is_named() {
    let folder = Folder::new("overwritten");
    folder.run(&["generate"]);
    folder.replace("generated/src/shelf/books.rs", "Operations; ", "Edited; ");
    let (code, _, err) = folder.run(&["generate"]);
    assert_eq!(code, 0);
    assert!(err.contains("warning[SM706]: `generated/src/shelf/books.rs` was edited by hand"), "{err}");
}
