//! What containers and blobs may be called, and how they stand in paths and queries.

use std::fmt::Write;

/// The first segments of paths that are something else.
const TAKEN: [&str; 12] = [
    "configurations",
    "devices",
    "digitaltwins",
    "fileupload",
    "health",
    "jobs",
    "messages",
    "modules",
    "providers",
    "statistics",
    "subscriptions",
    "twins",
];

/// What is known of names of containers.
pub(crate) const CONTAINER: &str = "it has 3 to 63 small letters, digits and hyphens, no hyphen at either end and no two \
     together, and is not the beginning of a path that means something else here, such as devices.";

/// Whether a text may be the name of a container.
pub(crate) fn is_container(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (3..=63).contains(&text.len())
        && text.bytes().all(is_allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
        && !TAKEN.contains(&text)
}

/// Whether a text may be the name of a blob.
pub(crate) fn is_blob(text: &str) -> bool {
    (1..=1024).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// The container of the files that devices of a hub upload.
pub(crate) fn uploads(hub: &str) -> String {
    let name = format!("uploads-{}", hub.to_ascii_lowercase());
    if is_container(&name) { name } else { "uploads".to_owned() }
}

/// A text without its percent-escapes. What is no escape stays as it is; what comes to be no text at all is `None`.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(part.bytes().skip(2));
            }
            None => {
                bytes.push(b'%');
                bytes.extend(part.bytes());
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// A text as a value in a query.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            // Writing to a string does not fail.
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
    out
}

/// The value of a parameter of a query.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let value = pairs.find(|(own, _)| own.eq_ignore_ascii_case(name))?.1;
    decoded(&value.replace('+', " "))
}

/// The same for a value in Base64, in which clients leave a plus as it is.
pub(super) fn base64_parameter(query: &str, name: &str) -> Option<String> {
    parameter(query, name).map(|value| value.replace(' ', "+"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_containers() {
        for name in ["abc", "a-1", &"a".repeat(63), "uploads-hub"] {
            assert!(is_container(name), "{name}");
        }
        for name in ["", "ab", "Abc", "a_b", "-abc", "abc-", "a--b", "$root", "a.b", "devices", &"a".repeat(64)] {
            assert!(!is_container(name), "{name}");
        }
        assert_eq!(uploads("My-Hub"), "uploads-my-hub");
        assert_eq!(uploads("a--b"), "uploads");
        assert!(is_container(&uploads(&"h".repeat(50))));
    }

    #[test]
    fn names_of_blobs() {
        for name in ["a", "d/dir/\u{e4} #?%.txt", &"\u{e4}".repeat(1024)] {
            assert!(is_blob(name), "{name}");
        }
        for name in ["", "a\0", "a\nb", &"a".repeat(1025)] {
            assert!(!is_blob(name), "{name}");
        }
    }

    #[test]
    fn escapes() {
        for (text, plain) in
            [("a%2Fb", "a/b"), ("%C3%A4+", "\u{e4}+"), ("100%", "100%"), ("%zz%2", "%zz%2"), ("%+1", "%+1")]
        {
            assert_eq!(decoded(text).as_deref(), Some(plain));
        }
        assert_eq!(decoded("%FF"), None);
        assert_eq!(decoded(&encoded("a b+\u{e4}/%")).as_deref(), Some("a b+\u{e4}/%"));
        assert_eq!(parameter("a=1&SE=x+y%2B&b", "se").as_deref(), Some("x y+"));
        assert_eq!(parameter("a=1&b", "b").as_deref(), Some(""));
        assert_eq!(parameter("a=1&b", "c"), None);
        assert_eq!(base64_parameter("sig=a+b%2B%3D", "sig").as_deref(), Some("a+b+="));
    }
}
