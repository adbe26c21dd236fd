//! What a request can carry: paths, hosts, names of headers and media types that mean nothing but themselves.
//!
//! What does not is refused here rather than escaped: escaped, it would lead elsewhere than the document says.

use crate::diag::{Code, Diagnostic, Diagnostics, Location};
use crate::spec::Document;
use crate::visible::is_invisible;

/// Refuses what of a document no request can carry.
pub(super) fn check(document: &Document, diagnostics: &mut Diagnostics) {
    let mut refuse = |what: &str, text: &str, why: &str, at: &Location| diagnostics.push(refusal(what, text, why, at));
    if let Some(host) = document.host.as_deref().filter(|host| !is_host(host) && !is_placeholder(host)) {
        let why = "a host has ASCII letters, digits, `-` and `.`, and perhaps a port";
        refuse("host", host, why, &document.at.join("host"));
    }
    let base = super::base_path(document);
    if let Err(why) = path_fault(&base, false) {
        let keyword = if document.parameterized_host.is_some() { "x-ms-parameterized-host" } else { "basePath" };
        refuse("base path", &base, why, &document.at.join(keyword));
    }
    for item in &document.paths {
        if let Err(why) = path_fault(&item.template, true) {
            refuse("path", &item.template, why, &item.at);
        }
    }
    let own = |operation: &crate::spec::Operation, keyword: &str| operation.at.join(keyword);
    let listed = document.paths.iter().flat_map(|item| &item.operations).flat_map(|operation| {
        let consumed = operation.consumes.iter().flatten().map(|media| (media, own(operation, "consumes")));
        consumed.chain(operation.produces.iter().flatten().map(|media| (media, own(operation, "produces"))))
    });
    let consumed = document.consumes.iter().map(|media| (media, document.at.join("consumes")));
    let produced = document.produces.iter().map(|media| (media, document.at.join("produces")));
    for (media, at) in consumed.chain(produced).chain(listed) {
        if !is_media_type(media) {
            refuse("media type", media, "it is written `type/subtype`, in ASCII, with parameters behind `;`", &at);
        }
    }
}

/// The error of a header's name that none can have; `None` for one that can.
pub(super) fn header_fault(name: &str, at: &Location) -> Option<Diagnostic> {
    let why = "a header's name has letters, digits and a few signs, and no spaces (RFC 9110 §5.1)";
    (!is_token(name)).then(|| refusal("header name", name, why, at))
}

/// The error of a fixed value for a variable of a path that would make another path; `None` for one that does not.
pub(super) fn argument_fault(value: &str, raw: bool, at: &Location) -> Option<Diagnostic> {
    let fault = match value {
        "" | "." | ".." => Err("it would be an empty segment, `.` or `..`"),
        value if raw => path_fault(value, false),
        _ => Ok(()),
    };
    fault.err().map(|why| refusal("value of a path parameter", value, why, at))
}

fn refusal(what: &str, text: &str, why: &str, at: &Location) -> Diagnostic {
    Diagnostic::new(Code::Unsendable, format!("no request can have the {what} `{text}`")).at(at).help(why)
}

pub(super) fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        && name.bytes().any(|byte| byte.is_ascii_alphanumeric())
        && port.parse::<u16>().is_ok()
}

/// Whether something is to be filled in: `<your hub>`, `{account}.example`. The caller has to say the host then.
fn is_placeholder(host: &str) -> bool {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || " .-_:".contains(one);
    let open: String = host.chars().filter(|&one| !is_plain(one)).collect();
    host.is_empty() || matches!(open.as_str(), "<>" | "{}" | "{}{}" | "<><>")
}

/// Why a path is not one, or would be another than it seems. A template has holes, and perhaps a query.
fn path_fault(template: &str, holes: bool) -> Result<(), &'static str> {
    if template.chars().any(|one| one.is_control() || is_invisible(one) || matches!(one, '\\' | '#')) {
        return Err("it has `#`, `\\`, a control character or one that cannot be seen, or a brace in the wrong place");
    }
    // What stands for a hole: a text that is no segment of its own and has nothing that is looked for below.
    let mut path = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{').filter(|_| holes) {
        path.push_str(before);
        let Some((name, after)) = behind.split_once('}') else { return Err("a brace is not closed") };
        if name.is_empty() || name.contains(['{', '/', '?']) {
            return Err("a variable has no name, or one with `{`, `/` or `?`");
        }
        path.push('x');
        rest = after;
    }
    path.push_str(rest);
    if path.contains(['{', '}']) {
        return Err("a brace is not opened");
    }
    let path = path.split_once('?').map_or(path.as_str(), |(path, _)| path);
    let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    let last = segments.len() - 1;
    for (index, segment) in segments.iter().enumerate() {
        match *segment {
            "" if index < last => return Err("it has an empty segment"),
            "." | ".." => return Err("it has a segment `.` or `..`"),
            _ => {}
        }
        if segment.split('%').skip(1).any(|escape| !is_harmless_escape(escape)) {
            return Err("it has a `%` that is no escape, or an escape of `/`, `\\`, `.`, `%` or a control character");
        }
    }
    Ok(())
}

/// Whether what follows a `%` is the number of a byte that means the same with and without the escape.
fn is_harmless_escape(behind: &str) -> bool {
    let digits = behind.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
    byte.is_some_and(|byte| !byte.is_ascii_control() && !b"/\\.%".contains(&byte))
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// RFC 9110 §8.3.1, with parameters of any visible characters.
fn is_media_type(media: &str) -> bool {
    let (essence, parameters) = media.split_once(';').unwrap_or((media, ""));
    let parts = essence.trim().split_once('/');
    parts.is_some_and(|(ty, subtype)| is_token(ty) && is_token(subtype))
        && parameters.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_would_be_others() {
        let is_path = |path: &str| path_fault(path, true).is_ok();
        for path in [
            "/",
            "/a/",
            "/a/{b}",
            "/docs('{key}')",
            "/with space/\u{fc}",
            "{scope}/x?comp=a b&c",
            "/a%20b",
            "/...",
            "/a;v=1/@b",
            "/{a}.{b}",
            "/?restype=service",
        ] {
            assert!(is_path(path), "{path}");
        }
        for path in [
            "/a/../b",
            "/./a",
            "//a",
            "/a//b",
            "/a/..",
            "/..?x",
            "/a\\b",
            "/a#b",
            "/a\r\nx: y",
            "/a\0",
            "/\u{202e}a",
            "/a{",
            "/a}",
            "/{}",
            "/{a{b}}",
            "/{a/b}",
            "/{a?b}",
            "/%2e%2E/a",
            "/a%2fb",
            "/a%5Cb",
            "/%00",
            "/a%",
            "/a%2",
            "/a%zz",
            "/%252e",
        ] {
            assert!(!is_path(path), "{path}");
        }
    }

    #[test]
    fn hosts_names_and_media_types() {
        assert!(is_host("a-b.example:8443") && is_host("127.0.0.1"));
        for host in ["", "a b", "a@b", "a/b", "a:b", "a:99999", "\u{e4}", "a\r\n", "..", "[::1]", "a:1:2"] {
            assert!(!is_host(host), "{host}");
        }
        assert!(
            is_placeholder("<your hub>")
                && is_placeholder("{account}.example")
                && !is_placeholder("<script>x</script>")
        );
        assert!(is_token("x-ms-meta-") && !is_token("a b") && !is_token("a:") && !is_token("a\r\nb") && !is_token(""));
        assert!(is_media_type("application/json; charset=utf-8") && is_media_type("*/*"));
        for media in ["json", "a/b\r\nx: y", "a/b;\u{e9}", "a/b, c/d", "a/b/c", "a b/c", "a/", ""] {
            assert!(!is_media_type(media), "{media}");
        }
    }
}
