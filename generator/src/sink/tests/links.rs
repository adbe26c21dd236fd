//! Links, permissions, and other things that stand where files are to go.

#![cfg(unix)]

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

#[test]
fn nothing_is_written_through_a_link_out_of_the_folder() {
    let outside = Folder::new();
    outside.put("lib.rs", "// @generated, but elsewhere\n");
    outside.put("stale.rs", "1\n");
    let folder = Folder::new();
    folder.write(&[("src/stale.rs", "1\n")]);
    fs::remove_dir_all(folder.0.join("src")).unwrap();
    symlink(&outside.0, folder.0.join("src")).unwrap();
    let (written, codes) = folder.write_by(&[("src/lib.rs", "new\n"), ("src/x/new.rs", "new\n")], true);
    assert_eq!(written, None);
    assert_eq!(codes, [Code::OutputUnusable], "said once of the folder, for all that goes through it");
    assert_eq!(outside.all(), ["lib.rs", "stale.rs"]);
    assert!(outside.get("lib.rs").unwrap().contains("elsewhere"));

    // The folder that is written to may be a link; who names it knows.
    let link = outside.0.join("link");
    symlink(&folder.0, &link).unwrap();
    fs::remove_file(folder.0.join("src")).unwrap();
    assert!(write(&link, &output(&[("src/lib.rs", "new\n")]), false, &mut Diagnostics::default()).is_some());
    assert_eq!(folder.get("src/lib.rs").unwrap(), "new\n");
}

#[test]
fn a_link_in_place_of_a_file_is_replaced_and_not_followed() {
    let outside = Folder::new();
    outside.put("a.rs", "old\n");
    let folder = Folder::new();
    folder.write(&[("a.rs", "old\n"), ("b.rs", "old\n")]);
    for name in ["a.rs", "b.rs"] {
        fs::remove_file(folder.0.join(name)).unwrap();
        symlink(outside.0.join("a.rs"), folder.0.join(name)).unwrap();
    }
    assert!(folder.write(&[("a.rs", "new\n")]).0.is_some());
    assert_eq!(folder.get("a.rs").unwrap(), "new\n");
    assert!(fs::symlink_metadata(folder.0.join("a.rs")).unwrap().is_file());
    assert_eq!(folder.all(), [".specsmith.json", "a.rs"]);
    assert_eq!(outside.get("a.rs").unwrap(), "old\n");

    // One that leads nowhere is somebody's too.
    symlink(outside.0.join("nowhere"), folder.0.join("c.rs")).unwrap();
    assert_eq!(folder.write(&[("c.rs", "new\n")]), (None, vec![Code::NotOurs]));
    assert!(folder.write_by(&[("c.rs", "new\n")], true).0.is_some());
    assert_eq!((folder.get("c.rs").unwrap().as_str(), outside.all()), ("new\n", names(&["a.rs"])));
}

#[test]
fn what_others_put_in_place_of_our_folder_stays() {
    let outside = Folder::new();
    outside.put("new-0", "mine\n");
    let folder = Folder::new();
    symlink(&outside.0, folder.0.join(stage::FOLDER)).unwrap();
    assert_eq!(folder.write(&[("a", "1")]), (None, vec![Code::OutputUnusable]));
    assert_eq!(outside.get("new-0").unwrap(), "mine\n");
}

#[test]
fn permissions_are_kept() {
    let folder = Folder::new();
    folder.write(&[("a.rs", "1\n"), ("b.rs", "1\n")]);
    let path = |name: &str| folder.0.join(name);
    let mode = |name: &str| fs::metadata(path(name)).unwrap().permissions().mode() & 0o777;
    let usual = mode("b.rs");
    for (name, mode) in [("a.rs", 0o640), (".specsmith.json", 0o444)] {
        fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    assert!(folder.write(&[("a.rs", "2\n"), ("b.rs", "2\n"), ("c.rs", "2\n")]).0.is_some());
    assert_eq!([mode("a.rs"), mode("b.rs"), mode("c.rs"), mode(".specsmith.json")], [0o640, usual, usual, 0o444]);
}

#[test]
fn names_may_be_as_long_as_the_file_system_takes() {
    let folder = Folder::new();
    let name = format!("{}.rs", "x".repeat(252));
    assert!(folder.write(&[(&name, "1\n")]).0.is_some());
    assert!(folder.write(&[(&name, "2\n")]).0.is_some());
    assert_eq!(folder.get(&name).unwrap(), "2\n");
}
