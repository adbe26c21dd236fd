use serde_json::json;

use super::*;
use crate::diag::Part;

const DOCUMENT: FileId = FileId(0);

/// A document, and an overlay of a version with these actions (in YAML) applied to it.
fn applied(version: &str, document: &str, actions: &str) -> (Sources, Diagnostics) {
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    sources.add(Path::new("specs/a.yaml"), document.to_owned(), &mut diags).unwrap();
    let overlay = format!("overlay: {version}\ninfo: {{title: t, version: '1'}}\nactions:\n{actions}");
    let overlay = sources.add(Path::new("specs/overlays/a.yaml"), overlay, &mut diags).unwrap();
    apply(&mut sources, DOCUMENT, overlay, &mut diags);
    (sources, diags)
}

/// The document after actions without mistakes.
fn result(version: &str, document: &str, actions: &str) -> Value {
    let (mut sources, diags) = applied(version, document, actions);
    assert_eq!(diags.as_slice(), []);
    mem::take(sources.value_mut(DOCUMENT))
}

/// The only mistake in actions that leave the document as it was: what it is, and where in the overlay.
fn mistake(version: &str, document: &str, actions: &str) -> (Code, String, Diagnostic) {
    let (sources, diags) = applied(version, document, actions);
    let [diagnostic] = diags.as_slice() else { panic!("{diags:?}") };
    let mut before = Sources::default();
    before.add(Path::new("a.yaml"), document.to_owned(), &mut Diagnostics::default());
    assert_eq!(sources.value(DOCUMENT), before.value(DOCUMENT));
    assert_eq!(sources.file(DOCUMENT).patches, []);
    let location = diagnostic.location.clone().unwrap();
    assert_eq!(location.file, FileId(1));
    (diagnostic.code, location.pointer.to_string(), diagnostic.clone())
}

#[test]
fn objects_are_merged_member_by_member() {
    let document = "info: {title: Shop, version: 1.0.0}\npaths:\n  /items:\n    get: {summary: old, tags: [a]}\n";
    let actions = "- target: $
  update:
    info: {x-done: true}
    paths:
      /items:
        summary: All items
        get: {summary: new, x-limit: 100}
      /orders: {get: {summary: Orders}}
";
    let expected = json!({
        "info": {"title": "Shop", "version": "1.0.0", "x-done": true},
        "paths": {
            "/items": {"get": {"summary": "new", "tags": ["a"], "x-limit": 100}, "summary": "All items"},
            "/orders": {"get": {"summary": "Orders"}},
        },
    });
    for version in ["1.0.0", "1.1.0", "1.1.7"] {
        assert_eq!(result(version, document, actions), expected);
    }
}

#[test]
fn every_matched_node_is_changed() {
    let document = "paths:
  /a: {get: {parameters: [{name: filter, in: query}, {name: id, in: path}]}}
  /b: {get: {parameters: []}, put: {}}
";
    let actions = "- target: $.paths.*.get
  update: {x-safe: true}
- target: $.paths.*.get.parameters[?@.name == 'filter' && @.in == 'query']
  update: {type: string}
";
    let expected = json!({"paths": {
        "/a": {"get": {
            "parameters": [{"name": "filter", "in": "query", "type": "string"}, {"name": "id", "in": "path"}],
            "x-safe": true,
        }},
        "/b": {"get": {"parameters": [], "x-safe": true}, "put": {}},
    }});
    assert_eq!(result("1.0.0", document, actions), expected);
    // A node that is matched twice is changed once.
    assert_eq!(result("1.1.0", "a: [1]", "- {target: '$[\"a\", \"a\"]', update: 2}"), json!({"a": [1, 2]}));
}

#[test]
fn functions_of_rfc_9535_are_there() {
    let document = "a: {name: alpha, list: [1, 2]}\nb: {name: beta, list: [1]}\n";
    for target in [
        "$[?match(@.name, 'al.*')]",
        "$[?search(@.name, 'lph')]",
        "$[?length(@.list) == 2]",
        "$[?count(@.*) == 2 && value(@.name) == 'alpha']",
    ] {
        let result = result("1.0.0", document, &format!("- {{target: \"{target}\", update: {{x: 1}}}}"));
        assert_eq!((result["a"]["x"].as_i64(), result["b"]["x"].as_i64()), (Some(1), None), "{target}");
    }
}

#[test]
fn an_array_takes_an_item_and_from_1_1_on_the_items_of_another() {
    let append = "- {target: $.tags, update: {name: new}}";
    let expected = json!({"tags": [{"name": "old"}, {"name": "new"}]});
    assert_eq!(result("1.0.0", "tags: [{name: old}]", append), expected);
    assert_eq!(result("1.1.0", "tags: [{name: old}]", append), expected);
    assert_eq!(result("1.1.0", "tags: [a]", "- {target: $.tags, update: null}"), json!({"tags": ["a", null]}));
    let items = "- {target: $.tags, update: [b, a]}";
    assert_eq!(result("1.1.0", "tags: [a]", items), json!({"tags": ["a", "b", "a"]}));
    assert_eq!(result("1.0.0", "tags: [a]", items), json!({"tags": ["a", ["b", "a"]]}));
    // Inside a merged object arrays are concatenated.
    let inside = "- {target: $, update: {tags: [b]}}";
    for version in ["1.0.0", "1.1.0"] {
        assert_eq!(result(version, "tags: [a]", inside), json!({"tags": ["a", "b"]}));
    }
}

#[test]
fn a_primitive_is_replaced_from_1_1_on() {
    let action = "- {target: $.a, update: 2}";
    assert_eq!(result("1.1.0", "a: x", action), json!({"a": 2}));
    assert_eq!(result("1.1.0", "a: x", "- {target: $.a, update: }"), json!({"a": null}));
    assert_eq!(result("1.1.0", "a:", action), json!({"a": 2}));
    let (code, at, diagnostic) = mistake("1.0.0", "a: x", action);
    assert_eq!((code, at.as_str()), (Code::Incompatible, "/actions/0/target"));
    assert!(diagnostic.help.unwrap().contains("1.1.0"));
    assert_eq!(mistake("1.0.0", "a: x", "- {target: $.a, remove: true}").0, Code::Incompatible);
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let (code, at, diagnostic) =
        mistake("1.1.0", "a: {x: 1, b: {c: [1]}}", "- target: $.a\n  update: {x: 2, b: {c: {d: 1}}}\n");
    assert_eq!((code, at.as_str()), (Code::Incompatible, "/actions/0/update/b/c"));
    assert!(diagnostic.message.contains("an object") && diagnostic.message.contains("an array (`/a/b/c`)"));
    for (document, update) in [
        ("a: {}", "1"),
        ("a: {}", "[1]"),
        ("a: {}", "null"),
        ("a: 1", "{}"),
        ("a: 1", "[]"),
        ("a: {b: {}}", "{b: null}"),
    ] {
        let action = format!("- {{target: $.a, update: {update}}}");
        assert_eq!(mistake("1.1.0", document, &action).0, Code::Incompatible, "{document} {update}");
    }
    // The second of two nodes does not fit, so the first is not changed either.
    assert_eq!(mistake("1.1.0", "[{a: 1}, {a: []}]", "- {target: '$[*]', update: {a: 2}}").0, Code::Incompatible);
    let (code, at, _) = mistake("1.1.0", "[{}, []]", "- {target: '$[*]', update: {a: 2}}");
    assert_eq!((code, at.as_str()), (Code::Incompatible, "/actions/0/target"));
}

#[test]
fn remove_takes_nodes_out_and_leaves_the_others_in_order() {
    let document = "a: 1\nb: {c: 2}\nd: [{n: x}, {n: y}, {n: x}, 5, 6, 7, 8, 9, 10, 11, {n: x}]\ne: 3\n";
    let expected = json!({"a": 1, "d": [{"n": "y"}, 5, 6, 7, 8, 9, 10, 11], "e": 3});
    let actions = "- {target: \"$.d[?@.n == 'x']\", remove: true}\n- {target: $.b, remove: true}\n";
    let found = result("1.0.0", document, actions);
    assert_eq!(found, expected);
    let keys: Vec<_> = found.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["a", "d", "e"]);
    assert_eq!(result("1.1.0", "t: [a, b, a]", "- {target: \"$.t[?@ == 'a']\", remove: true}"), json!({"t": ["b"]}));
    // Parents and children alike.
    assert_eq!(result("1.1.0", "a: {a: {a: 1}}\nb: 2", "- {target: $..a, remove: true}"), json!({"b": 2}));
    assert_eq!(mistake("1.1.0", "a: 1", "- {target: $, remove: true}").0, Code::Incompatible);
}

#[test]
fn remove_wins_over_update() {
    let (sources, diags) = applied("1.0.0", "a: {b: 1}", "- {target: $.a, update: {c: 2}, remove: true}");
    assert_eq!(*sources.value(DOCUMENT), json!({}));
    let codes: Vec<_> = diags.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [Code::IdleAction]);
}

#[test]
fn later_actions_see_what_earlier_ones_did() {
    let actions =
        "- {target: $.a, remove: true}\n- {target: $, update: {a: {new: 1}}}\n- {target: $.a.new, update: 2}\n";
    assert_eq!(result("1.1.0", "a: {old: 1}", actions), json!({"a": {"new": 2}}));
}

#[test]
fn copy_merges_one_node_into_others() {
    let document = "paths:\n  /a: {get: {summary: A}}\n  /b: {put: {}}\n  /c: {}\n";
    let action = "- {target: \"$.paths['/b', '/c']\", copy: \"$.paths['/a']\"}";
    let get = json!({"summary": "A"});
    let expected = json!({"paths": {"/a": {"get": get}, "/b": {"put": {}, "get": get}, "/c": {"get": get}}});
    assert_eq!(result("1.1.0", document, action), expected);
    // Moving: copy, then remove.
    let actions = "- {target: $, update: {b: {}}}\n- {target: $.b, copy: $.a}\n- {target: $.a, remove: true}\n";
    assert_eq!(result("1.1.0", "a: {x: 1}", actions), json!({"b": {"x": 1}}));

    let (code, at, _) = mistake("1.1.0", "a: {}\nb: {}", "- {target: $.a, copy: '$.*'}");
    assert_eq!((code, at.as_str()), (Code::AmbiguousCopy, "/actions/0/copy"));
    let (code, at, _) = mistake("1.1.0", "a: {}", "- {target: $.a, copy: $.z}");
    assert_eq!((code, at.as_str()), (Code::NothingMatched, "/actions/0/copy"));
    assert_eq!(mistake("1.0.0", "a: {}\nb: {}", "- {target: $.a, copy: $.b}").0, Code::OverlayField);
    assert_eq!(mistake("1.1.0", "a: {}", "- {target: $.a, copy: $.a, update: {}}").0, Code::OverlayField);
}

#[test]
fn what_matches_nothing_says_how_far_it_got() {
    let document = "paths:\n  /jobs/{id}: {get: {}}\n";
    let (code, at, diagnostic) = mistake("1.0.0", document, "- {target: \"$.paths['/job/{id}'].get\", update: {}}");
    assert_eq!((code, at.as_str()), (Code::NothingMatched, "/actions/0/target"));
    assert_eq!(
        diagnostic.help.unwrap(),
        "`$.paths` still matches, `['/job/{id}']` below it does not; there is a key `/jobs/{id}`"
    );
    let help =
        |target: &str| mistake("1.0.0", document, &format!("- {{target: \"{target}\", update: {{}}}}")).2.help.unwrap();
    assert_eq!(help("$.paths[?@.x].y"), "`$.paths` still matches, `[?@.x]` below it does not");
    assert_eq!(help("$..zzz"), "`$` still matches, `..zzz` below it does not");
    assert_eq!(
        help("$.paths.*.get[?@['a.b]'] == 'x']"),
        "`$.paths.*.get` still matches, `[?@['a.b]'] == 'x']` below it does not"
    );
}

#[test]
fn a_path_that_is_none_is_refused() {
    for (target, character) in [("$.paths./x", 9), ("paths", 1), ("$.a[", 4)] {
        let (code, at, diagnostic) = mistake("1.0.0", "a: {}", &format!("- {{target: '{target}', update: {{}}}}"));
        assert_eq!((code, at.as_str()), (Code::BadJsonPath, "/actions/0/target"));
        assert!(diagnostic.message.contains(&format!("(character {character})")), "{diagnostic:?}");
    }
    // Without a bound this took minutes.
    let deep = format!("${}{}", "[?@".repeat(40), "]".repeat(40));
    assert_eq!(mistake("1.0.0", "a: {}", &format!("- {{target: '{deep}', update: {{}}}}")).0, Code::BadJsonPath);
    let open = format!("- {{target: '${}', update: {{}}}}", "[?(".repeat(100_000));
    assert_eq!(mistake("1.0.0", "a: {}", &open).0, Code::BadJsonPath);
}

#[test]
fn mistakes_accumulate_and_the_other_actions_are_applied() {
    let actions = "- {update: {a: 1}}
- {target: $.nope, update: {}}
- {target: 5, update: {}}
- {target: $, update: {ok: true}, updates: {}, x-why: because}
- {target: $, remove: 'yes'}
- {target: $, description: idle}
- nonsense
";
    let (sources, diags) = applied("1.1.0", "{}", actions);
    assert_eq!(*sources.value(DOCUMENT), json!({"ok": true}));
    let found: Vec<_> = diags.iter().map(|d| (d.code, d.location.as_ref().unwrap().pointer.as_str())).collect();
    assert_eq!(
        found,
        [
            (Code::OverlayField, "/actions/0"),
            (Code::NothingMatched, "/actions/1/target"),
            (Code::OverlayField, "/actions/2/target"),
            (Code::UnknownOverlayField, "/actions/3/updates"),
            (Code::OverlayField, "/actions/4/remove"),
            (Code::IdleAction, "/actions/5"),
            (Code::OverlayField, "/actions/6"),
        ]
    );
}

#[test]
fn an_overlay_must_be_one() {
    let check = |overlay: &str| {
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        sources.add(Path::new("a.json"), "{}".to_owned(), &mut diags).unwrap();
        let overlay = sources.add(Path::new("o.yaml"), overlay.to_owned(), &mut diags).unwrap();
        apply(&mut sources, DOCUMENT, overlay, &mut diags);
        assert_eq!(*sources.value(DOCUMENT), json!({}));
        let place = |d: &Diagnostic| (d.code, d.location.as_ref().unwrap().pointer.to_string());
        diags.iter().map(place).collect::<Vec<_>>()
    };
    let one = |code, pointer: &str| vec![(code, pointer.to_owned())];
    assert_eq!(check("swagger: '2.0'"), one(Code::NotAnOverlay, ""));
    assert_eq!(check("[]"), one(Code::NotAnOverlay, ""));
    assert_eq!(check("overlay: 1.0"), one(Code::NotAnOverlay, "/overlay"));
    assert_eq!(check("overlay: 2.0.0"), one(Code::NotAnOverlay, "/overlay"));
    let missing = vec![
        (Code::UnknownOverlayField, "/action".to_owned()),
        (Code::OverlayField, "/info".to_owned()),
        (Code::OverlayField, "/info/version".to_owned()),
        (Code::OverlayField, "/actions".to_owned()),
    ];
    assert_eq!(check("overlay: 1.0.0\ninfo: {version: 1}\naction: []\nactions: []\n"), missing);
    assert_eq!(check("overlay: 1.0.0\ninfo: {title: t, version: '1'}\n"), one(Code::OverlayField, ""));
}

#[test]
fn extends_names_the_document() {
    let extended = |extends: &str| {
        let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
        sources.add(Path::new("specs/a.json"), "{}".to_owned(), &mut diags).unwrap();
        let text = format!(
            "overlay: 1.0.0\nextends: {extends}\ninfo: {{title: t, version: '1'}}\nactions: [{{target: $, update: {{x: 1}}}}]"
        );
        let overlay = sources.add(Path::new("specs/overlays/a.yaml"), text, &mut diags).unwrap();
        apply(&mut sources, DOCUMENT, overlay, &mut diags);
        assert_eq!(super::extends(&sources, overlay).as_deref(), Some(extends));
        let code = diags.iter().map(|d| d.code).next();
        assert_eq!(code.is_none(), *sources.value(DOCUMENT) == json!({"x": 1}));
        code
    };
    for right in ["../a.json", "./.././a.json", "../../specs/a.json", "https://example.com/specs/a.json?x=1/2#/"] {
        assert_eq!(extended(right), None, "{right}");
    }
    for wrong in ["a.json", "../b.json", "specs/a.json", "https://example.com/b.json"] {
        assert_eq!(extended(wrong), Some(Code::WrongDocument), "{wrong}");
    }
}

#[test]
fn written_nodes_know_the_line_that_wrote_them() {
    let document = "paths:\n  /a:\n    get: {tags: [t]}\n    put: {}\nlist: [1, 2, 3]\n";
    // Its actions begin in line 4.
    let actions = "- target: $.paths['/a']
  update:
    get:
      tags:
        - new
      responses:
        200: {description: OK}
- target: $.paths['/a'].put
  copy: $.paths['/a'].get
- target: $.list[0]
  remove: true
- target: $.list
  update: 4
";
    let (sources, diags) = applied("1.1.0", document, actions);
    assert_eq!(diags.as_slice(), []);
    let place = |pointer: &str| {
        let location = Location { file: DOCUMENT, pointer: Pointer::parse(pointer) };
        let position = sources.position(&location, Part::Node).unwrap();
        (position.file.0, position.line)
    };
    assert_eq!(place("/paths/~1a/get"), (0, 3), "merged into, not written");
    assert_eq!(place("/paths/~1a/get/tags/0"), (0, 3));
    assert_eq!(place("/paths/~1a/get/tags/1"), (1, 8));
    assert_eq!(place("/paths/~1a/get/responses"), (1, 9));
    assert_eq!(place("/paths/~1a/get/responses/200/description"), (1, 10));
    assert_eq!(place("/paths/~1a/put"), (0, 4));
    assert_eq!(place("/paths/~1a/put/responses/200"), (1, 12));
    assert_eq!(sources.value(DOCUMENT)["list"], json!([2, 3, 4]));
    let column = |pointer: &str| {
        sources.position(&Location { file: DOCUMENT, pointer: Pointer::parse(pointer) }, Part::Node).unwrap().column
    };
    assert_eq!((column("/list/0"), column("/list/1")), (11, 14), "moved up by the removal");
    assert_eq!(place("/list/2"), (1, 16));
}
