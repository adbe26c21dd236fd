//! URLs that lead back to the server.

use crate::url::encode;

/// The URL of a path, as it is sent, on this origin. What no URL may hold is escaped; nothing is escaped twice.
pub(super) fn absolute(origin: &str, path: &str) -> String {
    let mut url = origin.to_owned();
    if !path.starts_with('/') {
        url.push('/');
    }
    push_kept(&mut url, path);
    url
}

/// Appends text in which slashes and escapes stay as they are (RFC 3986 §3.3).
fn push_kept(out: &mut String, text: &str) {
    let mut unescaped = [0; 4];
    for character in text.chars() {
        match character {
            '/' | '%' | '!' | '$' | '&' | '\'' | '(' | ')' | '*' | '+' | ',' | ';' | '=' | ':' | '@' => {
                out.push(character)
            }
            character => push_value(out, character.encode_utf8(&mut unescaped)),
        }
    }
}

/// Appends text percent-encoded.
pub(super) fn push_value(out: &mut String, text: &str) {
    // It is text, which can be written.
    let _ = encode(out, &text);
}

/// Appends a part of a query as it came: what it has besides may be there, or is escaped.
pub(super) fn push_part(out: &mut String, part: &str) {
    for piece in part.split_inclusive('?') {
        match piece.strip_suffix('?') {
            Some(piece) => {
                push_kept(out, piece);
                out.push('?');
            }
            None => push_kept(out, piece),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_stays_so() {
        let url = absolute("http://localhost:1", "/a%20b/c d/{e}?#\u{e9}/$f:g@");
        assert_eq!(url, "http://localhost:1/a%20b/c%20d/%7Be%7D%3F%23%C3%A9/$f:g@");
        assert_eq!(absolute("http://h", ""), "http://h/");
        let mut query = String::new();
        push_part(&mut query, "q=a?b/%20\"<");
        assert_eq!(query, "q=a?b/%20%22%3C");
    }
}
