use proptest::prelude::*;
use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag};

use super::*;

/// The extensions that rustdoc turns on.
const RUSTDOC: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_SMART_PUNCTUATION);

#[track_caller]
fn check(table: &[(&str, &[&str])]) {
    for (text, expected) in table {
        assert_eq!(lines(text, 60), *expected, "{text:?}");
        assert_harmless(&lines(text, 60));
        assert_harmless(&lines(text, 5));
    }
}

/// That Markdown makes nothing of the lines that a doc comment should not have.
#[track_caller]
fn assert_harmless(lines: &[String]) {
    let text = lines.join("\n");
    assert!(lines.iter().all(|line| !line.contains(['\n', '\r'])), "{text}");
    assert!(
        text.chars().all(|character| character == '\n' || !character.is_control() && !is_invisible(character)),
        "{text}"
    );
    assert!(lines.iter().all(|line| line == line.trim_end()), "{text}");
    let mut callback = |link: pulldown_cmark::BrokenLink<'_>| -> Option<(CowStr<'_>, CowStr<'_>)> {
        panic!("a reference: {link:?} in {text}")
    };
    let mut in_link = false;
    for event in Parser::new_with_broken_link_callback(&text, RUSTDOC, Some(&mut callback)) {
        match event {
            Event::Start(Tag::Paragraph | Tag::Item | Tag::List(_) | Tag::Emphasis | Tag::Strong) => {}
            Event::Start(Tag::Link { link_type: LinkType::Autolink | LinkType::Inline, dest_url, .. }) => {
                assert!(
                    dest_url.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http")),
                    "{dest_url} in {text}"
                );
                in_link = true;
            }
            Event::End(pulldown_cmark::TagEnd::Link) => in_link = false,
            Event::End(_) | Event::Code(_) | Event::SoftBreak => {}
            // Between the lines of what was a code block.
            Event::HardBreak => {}
            Event::Text(shown) => assert!(in_link || !has_bare_url(&shown), "{shown} in {text}"),
            other => panic!("{other:?} in {text}"),
        }
    }
}

/// About what rustdoc looks for.
fn has_bare_url(text: &str) -> bool {
    let after = |scheme| text.split(scheme).skip(1).collect::<Vec<_>>();
    let starts =
        |rest: &&str| rest.starts_with(|first: char| first.is_ascii_alphanumeric() || "-@:%._+~#=".contains(first));
    let mut rests = after("http://").into_iter().chain(after("https://"));
    rests.any(|rest| starts(&rest) && rest.contains(|character: char| character.is_ascii_alphabetic()))
}

#[test]
fn paragraphs_are_kept_and_wrapped() {
    check(&[
        ("", &[]),
        (" \t\r\n ", &[]),
        ("One line.", &["One line."]),
        ("One.\r\n\r\nTwo\r\nlines.", &["One.", "", "Two lines."]),
        ("  One.\n\n\n\n  Two.  ", &["One.", "", "Two."]),
        (
            "The quick brown fox jumps over the lazy dog and then over the cat.",
            &["The quick brown fox jumps over the lazy dog and then over", "the cat."],
        ),
        // A code span or a link is not broken.
        (
            "A text that is as long as the line would be, ends `with some code`.",
            &["A text that is as long as the line would be, ends", "`with some code`."],
        ),
        (
            "A text that is as long as the line would be, [with a link](https://a.example).",
            &["A text that is as long as the line would be,", "[with a link](https://a.example)."],
        ),
    ]);
}

#[test]
fn html_becomes_structure_or_text() {
    check(&[
        ("One.<br>Two.<br/><br />Three.", &["One.", "", "Two.", "", "Three."]),
        ("<p>One.</p><P>Two.</P>", &["One.", "", "Two."]),
        ("Either: <ul><li>this</li><li> that </li></ul>Done.", &["Either:", "", "- this", "- that", "", "Done."]),
        ("<b>Bold</b> and <span style=\"x\">spanned</span>.", &["Bold and spanned."]),
        ("See <a href=\"https://a.example/b\">the docs</a>.", &["See [the docs](https://a.example/b)."]),
        ("See <a href='/local'>the docs</a>.", &["See the docs."]),
        ("Set <code>a&lt;b</code><code>c</code>.", &["Set `a<b` `c`."]),
        ("A <!-- hidden --> word.", &["A word."]),
        // What looks like a tag is none.
        ("/devices/<id> or Dictionary<string>", &["/devices/\\<id> or Dictionary\\<string>"]),
        ("a < b > c", &["a < b > c"]),
        ("<script>alert(1)</script>", &["\\<script>alert(1)\\</script>"]),
        ("<!-- open", &["\\<!-- open"]),
        ("&lt;br&gt; &amp;lt; &amp; AT&T &unknown; &#8217;&#x202e;x", &["\\<br> \\&lt; \\& AT&T \\&unknown; ’ x"]),
        ("`<br>` stays", &["`<br>` stays"]),
        ("`open <br> tick`", &["`open <br> tick`"]),
    ]);
}

#[test]
fn links_go_to_the_web_or_are_none() {
    check(&[
        ("[docs](https://a.example/b)", &["[docs](https://a.example/b)"]),
        ("[docs](<https://a.example/b> \"title\").", &["[docs](https://a.example/b)."]),
        ("[a](https://a.example/b_(c))", &["[a](https://a.example/b_%28c%29)"]),
        ("[https://a.example](https://a.example)", &["<https://a.example>"]),
        ("[](https://a.example)", &["<https://a.example>"]),
        ("![image](https://a.example/i.png)", &["[image](https://a.example/i.png)"]),
        ("Look!![image](https://a.example/i.png)", &["Look\\![image](https://a.example/i.png)"]),
        ("[^1](https://a.example)", &["[\\^1](https://a.example)"]),
        ("[Device] and [`Twin`] and [a][b]", &["\\[Device\\] and \\[`Twin`\\] and \\[a\\]\\[b\\]"]),
        ("[docs](./local.md)", &["docs"]),
        ("see [`a`](#there)`b`", &["see `a` `b`"]),
        ("[a https://a.example](/there)", &["a <https://a.example>"]),
        ("[x](javascript:alert(1))", &["\\[x\\](javascript:alert(1))"]),
        ("[ref]: https://a.example", &["\\[ref\\]: <https://a.example>"]),
        ("[^1]: a footnote", &["\\[^1\\]: a footnote"]),
        ("- [ ] a task", &["- \\[ \\] a task"]),
        ("values[0][1]", &["values\\[0\\]\\[1\\]"]),
        ("[open](https://a.example", &["\\[open\\](<https://a.example>"]),
    ]);
}

#[test]
fn bare_urls_become_links() {
    check(&[
        ("See https://a.example/b.", &["See <https://a.example/b>."]),
        ("(see http://a.example/b_(c))", &["(see <http://a.example/b_(c)>)"]),
        ("<https://a.example>", &["<https://a.example>"]),
        ("**https://a.example**", &["**<https://a.example>**"]),
        ("https://a.example/x?a=1&amp;b=[2]", &["<https://a.example/x?a=1&b=>\\[2\\]"]),
        (
            "at https://.example.com and https:// and https://...",
            &["at <https://.example.com> and https\\:// and https\\://..."],
        ),
        ("https://a.example/^x", &["<https://a.example/%5Ex>"]),
        (
            "https\\://a.example http&#58;//b.example ht&#173;tp://c.example",
            &["<https://a.example> http\\://b.example ht tp://c.example"],
        ),
        // Templates lead nowhere.
        ("https://{account}.example/x.", &["`https://{account}.example/x`."]),
        ("https://<account>.example/x", &["`https://<account>.example/x`"]),
        ("`x`https://{a}.example", &["`x` `https://{a}.example`"]),
    ]);
}

#[test]
fn nothing_becomes_a_code_block() {
    check(&[
        ("    let a = 1;\n    panic!();", &["let a = 1; panic!();"]),
        ("\tindented", &["indented"]),
        ("Like:\n```json\n{\n  \"a\": 1\n}\n```\nDone.", &["Like:", "", "`{`\\", "`  \"a\": 1`\\", "`}`", "", "Done."]),
        ("~~~\ncode\n~~~", &["`code`"]),
        ("```\nopen", &["\\`\\`\\` open"]),
        ("~~~ open", &["\\~\\~\\~ open"]),
        ("one ` tick and `` two", &["one \\` tick and \\`\\` two"]),
        ("`` a`b ``", &["``a`b``"]),
    ]);
}

#[test]
fn structure_that_is_none() {
    check(&[
        ("# Heading\ntext", &["Heading", "", "text"]),
        ("## About C# ##\ntext", &["About C#", "", "text"]),
        ("Heading\n=====\ntext\n---\nmore", &["Heading", "", "text", "", "more"]),
        ("> quoted\n> text", &["quoted text"]),
        ("> 5 is allowed", &["\\> 5 is allowed"]),
        ("* one\n+ two\n- three\nmore", &["- one", "- two", "- three more"]),
        ("1. one\n2. two", &["1. one", "2. two"]),
        ("* one\n  * two\n      * three\n  * four\n* five", &["- one", "  - two", "    - three", "  - four", "- five"]),
        ("1. one\n\n   - two\n     more\n2. three", &["1. one", "   - two more", "2. three"]),
        ("- one\n\ntext\n\n    - two", &["- one", "", "text", "", "- two"]),
        ("- one\n\n1. two", &["- one", "", "1. two"]),
        ("in\n2016. Then", &["in 2016. Then"]),
        ("2016. Then", &["2016\\. Then"]),
        ("- - # x", &["- \\- # x"]),
        ("| a | b |\n|---|---|\n| c | d |", &["- a | b", "- c | d"]),
        ("a | b\n--- | ---", &["a | b"]),
        (
            "1 * 2 * 3, a*b*c, *word*, __both__, foo_bar_baz, *.txt",
            &["1 * 2 * 3, a\\*b\\*c, *word*, __both__, foo_bar_baz, \\*.txt"],
        ),
        ("~a~ ~5 C:\\temp \\* \\", &["\\~a\\~ \\~5 C:\\\\temp \\* \\\\"]),
        ("a\u{202e}b\u{200b}c\u{0}d\u{7f}\u{2028}e", &["abcd e"]),
        ("*/ /* // ///", &["*/ /* // ///"]),
        ("a \\| b |:-| `c|d`", &["a | b |:-| `c|d`"]),
        ("a < 5 <= b <\\!-- c --> <a", &["a < 5 <= b \\<!-- c --> \\<a"]),
    ]);
    // At the start of a line that was wrapped.
    assert_eq!(
        lines("aaa - b + c # d > e = f 1. g 2) h -- i", 3),
        ["aaa", "\\-", "b +", "c #", "d >", "e =", "f", "1\\.", "g", "2\\)", "h", "\\--", "i"]
    );
}

#[test]
fn code_spans_hold_anything() {
    assert_eq!(inline_code("a"), "`a`");
    assert_eq!(inline_code("a`b"), "``a`b``");
    assert_eq!(inline_code("`a``"), "``` `a`` ```");
    assert_eq!(inline_code(" a "), "`  a  `");
    assert_eq!(inline_code(""), "` `");
    assert_eq!(inline_code("a\nb\u{202e}"), "`a b\\u{202e}`");
}

fn nasty() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "word",
        "a",
        "1",
        "1.",
        "2)",
        " ",
        " ",
        " ",
        "\n",
        "\n\n",
        "    ",
        "\t",
        "\r\n",
        "*",
        "**",
        "_",
        "__",
        "`",
        "``",
        "```",
        "```rust\n",
        "~~~",
        "~",
        "[",
        "]",
        "(",
        ")",
        "](",
        "![",
        "!",
        "<",
        ">",
        "/",
        "<br>",
        "<p>",
        "</p>",
        "<li>",
        "<a href=\"https://a.example\">",
        "</a>",
        "<code>",
        "</code>",
        "<!--",
        "-->",
        "<b>",
        "<id>",
        "http",
        "://",
        "https://",
        "https://a.example",
        "](https://a.example)",
        "](#)",
        "{",
        "}",
        "&lt;",
        "&amp;",
        "&",
        "#",
        ";",
        "&#58;",
        "&#47;",
        "&#96;",
        "\\",
        "-",
        "+",
        "=",
        "===",
        "---",
        "|",
        "|-|-|",
        ":",
        "^",
        "[^",
        "]:",
        "\"",
        "'",
        ".",
        ",",
        "é",
        "日",
        "\u{202e}",
        "\u{200b}",
        "www.a.example",
        "a@b.example",
        "$",
        "•",
        ":-:",
        "- ",
        "> ",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_the_text_nothing_happens(text in nasty(), width in 1_usize..40) {
        assert_harmless(&lines(&text, width));
    }

    #[test]
    fn plain_words_survive(text in "[a-z ,.\n#>+=-]{0,200}") {
        let words = |text: &str| text.split(|character: char| !character.is_ascii_lowercase()).collect::<String>();
        let shown: String = Parser::new_ext(&lines(&text, 20).join("\n"), RUSTDOC)
            .filter_map(|event| if let Event::Text(text) = event { Some(text.into_string()) } else { None })
            .collect();
        prop_assert_eq!(words(&shown), words(&text));
    }

    #[test]
    fn no_line_is_too_wide(text in nasty(), width in 1_usize..60) {
        for line in lines(&text, width) {
            let content = line.trim_start();
            let (before, after) = content.split_once(' ').unwrap_or((content, ""));
            let number = before.strip_suffix('.').unwrap_or_default();
            let is_marker = before == "-" || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
            let content = if is_marker { after } else { content };
            // One atom: a word, a code span, a link.
            prop_assert!(line.chars().count() <= width || inline::atoms(content).len() == 1, "{line}");
        }
    }

    #[test]
    fn code_spans_show_their_text(text in "[a` \n\\\\<>&|*é日]{0,20}") {
        let code = inline_code(&text);
        let expected = text.replace('\n', " ");
        let events: Vec<_> = Parser::new_ext(&code, RUSTDOC).collect();
        match &events[..] {
            [_, Event::Code(shown), _] => prop_assert_eq!(shown.trim(), expected.trim()),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
