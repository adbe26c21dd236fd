//! The XML of Azure Storage: lists of blocks in, lists of blobs and errors out.

use std::fmt::Write;

use iothub::runtime::time::Rfc1123;
use winnow::Parser;
use winnow::combinator::{alt, delimited, opt, preceded, repeat, terminated};
use winnow::error::ContextError;
use winnow::token::{take_till, take_until, take_while};

use crate::state::blobs::{Among, Blob, Listed};

const HEAD: &str = r#"<?xml version="1.0" encoding="utf-8"?>"#;

/// A text as the content of an element.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no way to write others (XML 1.0 §2.2).
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                out.push('\u{fffd}')
            }
            other => out.push(other),
        }
    }
    out
}

/// An error.
pub(super) fn error(code: &str, message: &str) -> String {
    format!("{HEAD}<Error><Code>{}</Code><Message>{}</Message></Error>", escaped(code), escaped(message))
}

/// The blocks of a list, each with where it is looked for; `None` where it is none.
pub(super) fn block_list(text: &str) -> Option<Vec<(Among, String)>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    document.parse(text).ok()
}

type Fault = ContextError;

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

fn document(input: &mut &str) -> Result<Vec<(Among, String)>, Fault> {
    let items = repeat(0.., preceded(filling, item));
    let full = delimited(("<BlockList", attributes, '>'), items, (filling, "</BlockList", spaces, '>'));
    let empty = ("<BlockList", spaces, "/>").map(|_| Vec::new());
    delimited(filling, alt((empty, full)), filling).parse_next(input)
}

/// What may stand between elements: spaces, comments, instructions.
fn filling(input: &mut &str) -> Result<(), Fault> {
    let comment = ("<!--", take_until(0.., "-->"), "-->").void();
    let instruction = ("<?", take_until(0.., "?>"), "?>").void();
    let space = take_while(1.., SPACE).void();
    repeat(0.., alt((comment, instruction, space))).parse_next(input)
}

fn spaces(input: &mut &str) -> Result<(), Fault> {
    take_while(0.., SPACE).void().parse_next(input)
}

/// Nobody sends any that matter.
fn attributes(input: &mut &str) -> Result<(), Fault> {
    opt((take_while(1.., SPACE), take_till(0.., ['>', '<']))).void().parse_next(input)
}

fn item(input: &mut &str) -> Result<(Among, String), Fault> {
    let element = |name: &'static str, among| {
        let id = take_till(0.., ['<', '&', '>']);
        let end = ("</", name, spaces, '>');
        delimited(('<', name, spaces, '>'), id, end).map(move |id: &str| (among, id.trim().to_owned()))
    };
    let elements = (
        element("Latest", Among::Latest),
        element("Uncommitted", Among::Uncommitted),
        element("Committed", Among::Committed),
    );
    terminated(alt(elements), spaces).parse_next(input)
}

/// What a list of blobs is about.
pub(super) struct About<'a> {
    pub(super) origin: &'a str,
    pub(super) container: &'a str,
    pub(super) prefix: Option<&'a str>,
    pub(super) marker: Option<&'a str>,
    pub(super) delimiter: Option<&'a str>,
    pub(super) most: Option<usize>,
    pub(super) with_metadata: bool,
}

/// A list of blobs.
pub(super) fn list(about: &About<'_>, lines: &[Listed], next: Option<&str>) -> String {
    let mut out = format!(
        r#"{HEAD}<EnumerationResults ServiceEndpoint="{}/" ContainerName="{}">"#,
        escaped(about.origin),
        escaped(about.container)
    );
    let given = [("Prefix", about.prefix), ("Marker", about.marker), ("Delimiter", about.delimiter)];
    for (name, value) in given {
        if let Some(value) = value {
            element(&mut out, name, value);
        }
    }
    if let Some(most) = about.most {
        element(&mut out, "MaxResults", &most.to_string());
    }
    out.push_str("<Blobs>");
    for line in lines {
        match line {
            Listed::Prefix(prefix) => {
                out.push_str("<BlobPrefix>");
                element(&mut out, "Name", prefix);
                out.push_str("</BlobPrefix>");
            }
            Listed::Blob(name, blob) => one(&mut out, name, blob, about.with_metadata),
        }
    }
    out.push_str("</Blobs>");
    element(&mut out, "NextMarker", next.unwrap_or_default());
    out.push_str("</EnumerationResults>");
    out
}

fn one(out: &mut String, name: &str, blob: &Blob, with_metadata: bool) {
    let time = |time| Rfc1123::try_from(time).map(|time| time.to_string()).unwrap_or_default();
    let header = |name: &str| blob.headers.get(name).map_or("", String::as_str);
    out.push_str("<Blob>");
    element(out, "Name", name);
    out.push_str("<Properties>");
    for (name, value) in [
        ("Creation-Time", time(blob.created).as_str()),
        ("Last-Modified", &time(blob.modified)),
        ("Etag", &blob.tag()),
        ("Content-Length", &blob.length.to_string()),
        ("Content-Type", header("content-type")),
        ("Content-Encoding", header("content-encoding")),
        ("Content-Language", header("content-language")),
        ("Content-MD5", header("content-md5")),
        ("Cache-Control", header("cache-control")),
        ("Content-Disposition", header("content-disposition")),
        ("BlobType", "BlockBlob"),
        ("LeaseStatus", "unlocked"),
        ("LeaseState", "available"),
    ] {
        element(out, name, value);
    }
    out.push_str("</Properties>");
    if with_metadata {
        out.push_str("<Metadata>");
        for (name, value) in &blob.headers {
            // The names are those of headers, of which a few are none of elements.
            let name = name.strip_prefix("x-ms-meta-").filter(|name| is_name(name));
            if let Some(name) = name {
                element(out, name, value);
            }
        }
        out.push_str("</Metadata>");
    }
    out.push_str("</Blob>");
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
}

fn element(out: &mut String, name: &str, content: &str) {
    // Writing to a string does not fail.
    _ = match content {
        "" => write!(out, "<{name} />"),
        content => write!(out, "<{name}>{}</{name}>", escaped(content)),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_blocks() {
        use Among::{Committed, Latest, Uncommitted};
        let all = [(Latest, "QQ=="), (Uncommitted, "Qg=="), (Committed, "Qw==")];
        let expected: Vec<_> = all.iter().map(|(among, id)| (*among, (*id).to_owned())).collect();
        for text in [
            "<BlockList><Latest>QQ==</Latest><Uncommitted>Qg==</Uncommitted><Committed>Qw==</Committed></BlockList>",
            "\u{feff}<?xml version='1.0' encoding='utf-8'?>\n<BlockList>\n  <Latest>QQ==</Latest>\n\
             <!-- > --><Uncommitted> Qg== </Uncommitted>\r\n<Committed >Qw==</Committed ></BlockList >\n",
            r#"<?xml version="1.0"?><BlockList xmlns:x="urn"><Latest>QQ==</Latest><Uncommitted>Qg==</Uncommitted><Committed>Qw==</Committed></BlockList>"#,
        ] {
            assert_eq!(block_list(text).as_ref(), Some(&expected), "{text}");
        }
        for text in ["<BlockList/>", "<BlockList />", "<BlockList></BlockList>", "<BlockList>\n</BlockList>"] {
            assert_eq!(block_list(text), Some(Vec::new()), "{text}");
        }
        for text in [
            "",
            "<BlockList>",
            "<BlockList></BlockList>x",
            "<BlockLists></BlockLists>",
            "<BlockList><Other>QQ==</Other></BlockList>",
            "<BlockList><Latest>QQ==</Committed></BlockList>",
            "<BlockList><Latest>&amp;</Latest></BlockList>",
            "<BlockList>QQ==</BlockList>",
        ] {
            assert_eq!(block_list(text), None, "{text}");
        }
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escaped("a&<b>\"\u{1}\u{e4}"), "a&amp;&lt;b&gt;&quot;\u{fffd}\u{e4}");
        assert_eq!(error("A", "b & c"), format!("{HEAD}<Error><Code>A</Code><Message>b &amp; c</Message></Error>"));
    }
}
