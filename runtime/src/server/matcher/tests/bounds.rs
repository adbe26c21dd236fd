//! What a search takes, counted in tries.

use super::super::trie::{self, Search};
use super::{Path, Table};

#[test]
fn very_long_paths() {
    let table = Table::new(&["GET /{*}", "GET /a/{}", "GET /{}/b-{}/{}", "GET /{}-{} i"]);
    let many = "x/".repeat(20_000) + "x";
    assert_eq!(table.find(&format!("GET /{many}")), format!("GET /{{*}} <- {many}"));
    let long = "%41x".repeat(20_000);
    assert_eq!(table.find(&format!("GET /a/{long}")), format!("GET /a/{{}} <- {long}"));
    assert_eq!(table.find(&format!("GET /{long}-{long}")), format!("GET /{{}}-{{}} i <- {long} | {long}"));
    assert_eq!(table.find(&format!("GET /{}", "/".repeat(60_000))), "404 near GET /{*}");
    // More segments than are kept without allocation.
    for count in 20..30 {
        let path = vec!["x"; count].join("/");
        assert_eq!(table.find(&format!("GET /{path}")), format!("GET /{{*}} <- {path}"));
    }
}

fn tries(table: &Table, path: &str) -> usize {
    let path = Path::split(path).unwrap();
    let mut search = Search::new(&table.matcher.exact, false, &path);
    search.run();
    search.tries()
}

#[test]
fn what_a_search_takes_is_bounded() {
    let table = Table::new(&[
        "GET /{*}/a/{*}/a/{*}/a/{*}/b",
        "GET /{*}/{}/{*}/{}/{*}/c",
        "GET /{*}/{}-{}/{*}/{}.{}/{*}/d",
        "GET /x{*}/{*}/x{*}",
    ]);
    let path = |count| format!("/{}z", "a/".repeat(count));
    assert!(tries(&table, &path(10)) < 2_000);
    assert!(tries(&table, &path(20)) < 6 * tries(&table, &path(10)));
    for count in [200, 2_000, 20_000] {
        // What goes on after too many tries is the way back: a few looks at each frame.
        assert!(tries(&table, &path(count)) < 8 * trie::MOST_TRIES, "{count}");
        assert_eq!(table.find(&format!("GET {}", path(count))), "404 near GET /{*}/a/{*}/a/{*}/a/{*}/b");
    }
    // Less specific ones are not taken for want of tries.
    let mut table = table;
    assert_eq!(table.add("GET /{*}"), Ok(()));
    assert_eq!(table.find(&format!("GET {}", path(20))), format!("GET /{{*}} <- {}", &path(20)[1..]));
    assert!(table.find(&format!("GET {}", path(2_000))).starts_with("404"));
    assert_eq!(table.add("GET /{*} i"), Ok(()));
    assert!(table.find(&format!("GET {}", path(2_000))).starts_with("404"));
}

#[test]
fn one_star_takes_no_more_than_the_path_and_the_templates_are_long() {
    let lines: Vec<&'static str> = (0..200)
        .map(|n| &*Box::leak(format!("GET /{{*}}/providers/Microsoft.X/type{n}/{{}}").into_boxed_str()))
        .collect();
    let table = Table::new(&lines);
    let path = format!("/{}providers/Microsoft.X/type77/n", "s/".repeat(1_000));
    assert!(tries(&table, &path) < 100);
    assert!(table.find(&format!("GET {path}")).starts_with("GET /{*}/providers/Microsoft.X/type77/{} <- s/s/"));
}

#[test]
fn without_stars_a_search_goes_to_each_node_once() {
    // All templates of eight segments of `a` and `{}`: 511 nodes.
    let lines: Vec<&'static str> = (0..256)
        .map(|bits| {
            let segments = (0..8).map(|bit| if bits >> bit & 1 == 1 { "/a" } else { "/{}" });
            &*Box::leak(format!("GET {}", segments.collect::<String>()).into_boxed_str())
        })
        .collect();
    let table = Table::new(&lines);
    assert!(table.find("GET /a/a/a/a/a/a/a/a/b").starts_with("404"));
    let tries = tries(&table, "/a/a/a/a/a/a/a/a/b");
    assert!((511..=511 * 4).contains(&tries), "{tries}");
}
