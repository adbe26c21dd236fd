//! Every step that changes the disk fails once, and is once the last before a kill.

use std::collections::BTreeMap;

use super::super::disk::fault::{Fault, with};
use super::*;

/// What changes: a file, one in a folder of its own that goes, one in folders that come, and one that stays.
const BEFORE: [(&str, &str); 4] =
    [("a.rs", "before\n"), ("gone/deep/b.rs", "before\n"), ("gone/c.rs", "before\n"), ("same.rs", "same\n")];
const AFTER: [(&str, &str); 4] =
    [("a.rs", "after\n"), ("new/deep/d.rs", "after\n"), ("new/e.rs", "after\n"), ("same.rs", "same\n")];

/// All there is: of files also what they contain, and when they were written.
type State = BTreeMap<String, Option<(String, SystemTime)>>;

impl Folder {
    /// With the files of before, and one of somebody else in a folder that comes and one in a folder that goes.
    fn before() -> Self {
        let folder = Self::new();
        folder.put("mine/notes.txt", "mine\n");
        assert_eq!(folder.write(&BEFORE).1, []);
        let old = SystemTime::now() - Duration::from_secs(3600);
        for path in folder.all().iter().filter(|path| folder.get(path).is_some()) {
            fs::File::options().write(true).open(folder.0.join(path)).unwrap().set_modified(old).unwrap();
        }
        folder
    }

    fn state(&self) -> State {
        let modified = |path: &str| fs::metadata(self.0.join(path)).unwrap().modified().unwrap();
        let entry = |path: String| (path.clone(), self.get(&path).map(|contents| (contents, modified(&path))));
        self.all().into_iter().map(entry).collect()
    }

    fn is_written(&self, files: &[(&str, &str)]) -> bool {
        self.compare(files).iter().all(|difference| difference.path == "mine/notes.txt")
    }

    fn undo(&self) {
        stage::undo(&self.0).unwrap();
    }
}

#[test]
fn an_error_in_any_step_leaves_the_folder_as_it_was() {
    let mut failed = 0;
    for step in 0.. {
        let folder = Folder::before();
        let before = folder.state();
        let (result, reached) = with(step, Fault::Error, || folder.write(&AFTER));
        let (written, codes) = result.unwrap();
        if written.is_none() {
            failed += 1;
            assert_eq!(codes, [Code::OutputUnusable], "step {step}");
            assert_eq!(folder.state(), before, "step {step}");
        }
        // What cannot be tidied up is no failure; the next run does it.
        folder.undo();
        assert!(written.is_none() || folder.is_written(&AFTER), "step {step}");
        if !reached {
            break;
        }
    }
    assert!(failed > 15, "{failed} steps");
}

#[test]
fn a_kill_at_any_step_leaves_the_folder_as_it_was_or_as_it_is_to_be() {
    let (mut undone, mut done) = (0, 0);
    for step in 0.. {
        let folder = Folder::before();
        let before = folder.state();
        let (written, reached) = with(step, Fault::Kill, || folder.write(&AFTER));
        assert_eq!(written.is_none(), reached);
        if !reached {
            break;
        }
        for (path, contents) in AFTER {
            let old = BEFORE.iter().find(|(known, _)| *known == path).map(|(_, contents)| *contents);
            let now = folder.get(path);
            assert!(
                now.as_deref() == Some(contents) || now.as_deref() == old,
                "each file is whole: {path} in step {step}"
            );
        }
        let left = folder.0.join(stage::FOLDER).exists();
        let said = folder.compare(&AFTER).iter().any(|difference| difference.kind == DifferenceKind::Interrupted);
        assert_eq!(said, left, "step {step}");
        folder.undo();
        if folder.is_written(&AFTER) {
            done += 1;
        } else {
            undone += 1;
            assert_eq!(folder.state(), before, "step {step}");
        }
        assert_eq!(folder.write(&AFTER).1, []);
        assert!(folder.is_written(&AFTER), "step {step}");
    }
    assert!(undone > 15 && done > 3, "{undone} undone, {done} done");
}

#[test]
fn undoing_may_be_killed_too() {
    let mut killed = 0;
    for step in 0.. {
        for again in 0.. {
            let folder = Folder::before();
            let before = folder.state();
            if !with(step, Fault::Kill, || folder.write(&AFTER)).1 {
                assert!(killed > 50, "{killed}");
                return;
            }
            let undone = with(again, Fault::Kill, || folder.undo()).1;
            folder.undo();
            assert!(folder.is_written(&AFTER) || folder.state() == before, "step {step}, then {again}");
            if !undone {
                break;
            }
            killed += 1;
        }
    }
}

#[test]
fn a_folder_that_is_not_made_after_all_is_gone() {
    for fault in [Fault::Error, Fault::Kill] {
        for step in 0.. {
            let folder = Folder::new();
            let out = folder.0.join("x/y");
            let write = || write(&out, &output(&AFTER), false, &mut Diagnostics::default());
            let (written, reached) = with(step, fault, write);
            match written {
                Some(None) => assert_eq!(folder.all(), [""; 0], "step {step}"),
                Some(Some(_)) => {}
                None => {
                    stage::undo(&out).unwrap();
                    assert!(matches!(fs::read_dir(&out).unwrap().count(), 0 | 4), "nothing or all, step {step}");
                }
            }
            if !reached {
                break;
            }
        }
    }
}

#[test]
fn only_what_a_run_left_is_cleared_away() {
    let folder = Folder::before();
    let before = folder.state();
    assert!(with(20, Fault::Kill, || folder.write(&AFTER)).1);
    for path in [".specsmith.tmp/notes", ".specsmith.tmp/new-notes", "new/mine.txt"] {
        folder.put(path, "mine\n");
    }
    folder.undo();
    let mut state = folder.state();
    for path in [".specsmith.tmp", ".specsmith.tmp/notes", ".specsmith.tmp/new-notes", "new", "new/mine.txt"] {
        assert!(state.remove(path).is_some(), "{path}");
    }
    assert_eq!(state, before);
    assert_eq!(folder.write(&AFTER).1, []);
    assert_eq!(folder.get(".specsmith.tmp/notes").unwrap(), "mine\n");
}

#[test]
fn a_journal_is_not_trusted_with_files_of_others() {
    let outside = Folder::new();
    outside.put("victim", "mine\n");
    let folder = Folder::new();
    let victim = format!("../{}/victim", outside.0.file_name().unwrap().to_str().unwrap());
    folder.put(".specsmith.tmp/old-0", "not mine\n");
    for path in [victim.as_str(), ".git/hooks/post-commit", "/etc/passwd", "a/./b"] {
        for existed in [true, false] {
            let journal = format!(r#"{{"folders":[],"steps":[{{"path":"{path}","existed":{existed}}}]}}"#);
            folder.put(".specsmith.tmp/journal.json", journal);
            assert_eq!(folder.write(&[("a", "1")]), (None, vec![Code::OutputUnusable]), "{path}");
        }
    }
    folder.put(".specsmith.tmp/journal.json", "{\"folders\":[");
    assert_eq!(folder.write_by(&[("a", "1")], true), (None, vec![Code::OutputUnusable]));
    assert_eq!(outside.get("victim").unwrap(), "mine\n");
    assert_eq!(folder.all(), [".specsmith.tmp", ".specsmith.tmp/journal.json", ".specsmith.tmp/old-0"]);
}
