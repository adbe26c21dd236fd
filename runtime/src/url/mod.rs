//! Where requests go: the service's endpoint, and what is put into path and query (RFC 3986).

mod endpoint;

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

use crate::error::Error;

pub use endpoint::Endpoint;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// unreserved, RFC 3986 §2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn push_escape(out: &mut String, byte: u8) {
    out.push('%');
    for digit in [byte >> 4, byte & 15] {
        out.push(char::from(HEX[usize::from(digit)]));
    }
}

/// Writes text percent-encoded, all but unreserved characters.
struct Encoder<'a>(&'a mut String);

impl Write for Encoder<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            match is_unreserved(byte) {
                true => self.0.push(char::from(byte)),
                false => push_escape(self.0, byte),
            }
        }
        Ok(())
    }
}

/// Appends a value percent-encoded, all but unreserved characters (RFC 3986 §2.1, §2.3): a space is `%20`, a plus
/// `%2B`, a slash `%2F`.
pub(crate) fn encode(out: &mut String, value: &dyn Display) -> Result<(), Error> {
    write!(Encoder(out), "{value}").map_err(|_| Error::build("a value could not be written as text"))
}

/// Appends a value as one segment of a path, percent-encoded, all but unreserved characters (RFC 3986 §3.3): a server
/// that splits the path at slashes and decodes each segment once gets the value.
///
/// # Errors
///
/// [`ErrorKind::Build`](crate::ErrorKind::Build) where the value is empty, `.` or `..`, with which the path would be
/// another one (RFC 3986 §5.2.4).
///
/// ```
/// let mut path = String::from("/devices/");
/// specsmith_runtime::url::encode_segment(&mut path, &"a/b+c")?;
/// assert_eq!(path, "/devices/a%2Fb%2Bc");
/// # Ok::<(), specsmith_runtime::Error>(())
/// ```
pub fn encode_segment(out: &mut String, value: &dyn Display) -> Result<(), Error> {
    let start = out.len();
    encode(out, value)?;
    match out.get(start..).unwrap_or_default() {
        "" => Err(Error::build("a path argument is empty")),
        "." | ".." => Err(Error::build("a path argument is `.` or `..`")),
        _ => Ok(()),
    }
}

/// Appends a value that is a path itself, of one or more segments (`x-ms-skip-url-encoding`): its slashes and escapes
/// stay as they are, what no path may hold is percent-encoded. A slash at its start is left out.
///
/// # Errors
///
/// [`ErrorKind::Build`](crate::ErrorKind::Build) where a segment is empty, `.` or `..`, also when written with
/// escapes, or the value has `?`, `#`, `\` or a control character, with which the URL would be another one.
///
/// ```
/// let mut path = String::from("/");
/// specsmith_runtime::url::encode_raw_path(&mut path, "/subscriptions/s1/resourceGroups/a%20b")?;
/// assert_eq!(path, "/subscriptions/s1/resourceGroups/a%20b");
/// # Ok::<(), specsmith_runtime::Error>(())
/// ```
pub fn encode_raw_path(out: &mut String, value: &str) -> Result<(), Error> {
    let value = value.strip_prefix('/').unwrap_or(value);
    if value.chars().any(|c| c.is_control() || matches!(c, '?' | '#' | '\\')) {
        return Err(Error::build("a path argument has `?`, `#`, `\\` or a control character"));
    }
    for (at, segment) in value.split('/').enumerate() {
        if segment.is_empty() {
            return Err(Error::build("a path argument is empty or has an empty segment"));
        }
        if is_dots(segment) {
            return Err(Error::build("a path argument has a segment `.` or `..`"));
        }
        if at > 0 {
            out.push('/');
        }
        let mut rest = segment.as_bytes();
        while let [byte, after @ ..] = rest {
            match byte {
                b'%' if matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()) => {
                    out.push('%');
                }
                // pchar, RFC 3986 §3.3.
                b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' => {
                    out.push(char::from(*byte));
                }
                byte if is_unreserved(*byte) => out.push(char::from(*byte)),
                byte => push_escape(out, *byte),
            }
            rest = after;
        }
    }
    Ok(())
}

/// Percent-decoding, once (RFC 3986 §2.1). A plus is a plus, and a percent sign before anything but two hexadecimal
/// digits is itself.
pub(crate) fn percent_decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        let mut decoded = *byte;
        if let (b'%', [high, low, after @ ..]) = (byte, after)
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            decoded = high << 4 | low;
            rest = after;
        }
        out.push(decoded);
    }
    Cow::Owned(out)
}

/// Whether a segment is `.` or `..`, with or without escapes.
pub(crate) fn is_dots(segment: &str) -> bool {
    segment.len() <= "%2e%2e".len() && matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

fn push_name(out: &mut String, name: &str) {
    if !out.is_empty() {
        out.push('&');
    }
    for byte in name.bytes() {
        // What RFC 3986 §3.4 lets stand in a query and no reader takes for a separator: `$filter`, `a[b]` not.
        match is_unreserved(byte) || matches!(byte, b'$' | b':' | b'@' | b'/' | b'!' | b'*' | b'(' | b')') {
            true => out.push(char::from(byte)),
            false => push_escape(out, byte),
        }
    }
}

/// Appends `name=value` to a query, after a `&` where there is something already. The value is percent-encoded, all
/// but unreserved characters: a space becomes `%20`, a plus `%2B`.
///
/// # Errors
///
/// [`ErrorKind::Build`](crate::ErrorKind::Build) where the value's `Display` fails.
///
/// ```
/// let mut query = String::from("api-version=2016-11-14");
/// specsmith_runtime::url::encode_query(&mut query, "$filter", &"a + b")?;
/// assert_eq!(query, "api-version=2016-11-14&$filter=a%20%2B%20b");
/// # Ok::<(), specsmith_runtime::Error>(())
/// ```
pub fn encode_query(out: &mut String, name: &str, value: &dyn Display) -> Result<(), Error> {
    push_name(out, name);
    out.push('=');
    encode(out, value)
}

/// Appends a name without `=` to a query: a parameter of which only the presence counts.
pub fn encode_query_flag(out: &mut String, name: &str) {
    push_name(out, name);
}

/// How several values make one parameter (Swagger 2.0, `collectionFormat`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CollectionFormat {
    /// `a,b`
    #[default]
    Csv,
    /// `a b`
    Ssv,
    /// `a`, tab, `b`
    Tsv,
    /// `a|b`
    Pipes,
    /// The parameter again for each value: `name=a&name=b`. Only in queries and forms.
    Multi,
}

impl CollectionFormat {
    /// What stands between two values, in text.
    pub const fn separator(self) -> &'static str {
        match self {
            CollectionFormat::Csv | CollectionFormat::Multi => ",",
            CollectionFormat::Ssv => " ",
            CollectionFormat::Tsv => "\t",
            CollectionFormat::Pipes => "|",
        }
    }

    /// What stands between two values that are percent-encoded.
    pub(crate) const fn encoded_separator(self) -> &'static str {
        match self {
            CollectionFormat::Csv | CollectionFormat::Multi => ",",
            CollectionFormat::Ssv => "%20",
            CollectionFormat::Tsv => "%09",
            CollectionFormat::Pipes => "%7C",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segment(value: &str) -> Result<String, Error> {
        let mut out = String::new();
        encode_segment(&mut out, &value).map(|()| out)
    }

    fn raw(value: &str) -> Result<String, Error> {
        let mut out = String::new();
        encode_raw_path(&mut out, value).map(|()| out)
    }

    /// Percent-decoding as a server does it: once, and a plus is a plus.
    fn decoded(text: &str) -> String {
        let mut out = Vec::new();
        let mut rest = text.as_bytes();
        while let [byte, after @ ..] = rest {
            rest = after;
            if let (b'%', [a, b, after @ ..]) = (byte, after) {
                let hex = String::from_utf8(vec![*a, *b]).unwrap();
                out.push(u8::from_str_radix(&hex, 16).unwrap());
                rest = after;
            } else {
                out.push(*byte);
            }
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_character_of_a_device_id() {
        assert_eq!(segment("-:.+%_#*?!(),=@;$'").unwrap(), "-%3A.%2B%25_%23%2A%3F%21%28%29%2C%3D%40%3B%24%27");
        assert_eq!(segment("ü /\\").unwrap(), "%C3%BC%20%2F%5C");
    }

    #[test]
    fn segments_that_would_change_the_path() {
        for value in ["", ".", ".."] {
            assert!(segment(value).is_err(), "{value}");
        }
        assert_eq!(segment("...").unwrap(), "...");
        assert_eq!(segment("%2e%2e").unwrap(), "%252e%252e");
    }

    #[test]
    fn raw_paths() {
        assert_eq!(raw("a/b%20c/d e%").unwrap(), "a/b%20c/d%20e%25");
        assert_eq!(raw("/a;v=1/@me").unwrap(), "a;v=1/@me");
        for value in [
            "",
            "/",
            "a//b",
            "a/",
            "//a",
            ".",
            "a/../b",
            "a/%2e%2E/b",
            "a/.%2e",
            "%2e",
            "a?b",
            "a#b",
            "a\nb",
            "a\\..\\b",
            "a/\u{7f}",
            "../a",
        ] {
            assert!(raw(value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn queries() {
        let mut query = String::new();
        encode_query(&mut query, "top", &3).unwrap();
        encode_query_flag(&mut query, "reject");
        encode_query(&mut query, "a&b=c", &"d&e=f+g").unwrap();
        assert_eq!(query, "top=3&reject&a%26b%3Dc=d%26e%3Df%2Bg");
    }

    proptest! {
        #[test]
        fn a_segment_stays_one_and_is_decoded_to_what_it_was(value in any::<String>()) {
            match segment(&value) {
                Ok(encoded) => {
                    prop_assert_eq!(decoded(&encoded), value);
                    prop_assert!(encoded.bytes().all(|b| is_unreserved(b) || b == b'%'));
                    let uri = format!("/{encoded}").parse::<http::Uri>();
                    prop_assert!(uri.is_ok());
                }
                Err(_) => prop_assert!(matches!(&*value, "" | "." | "..")),
            }
        }

        #[test]
        fn a_query_value_stays_one(value in any::<String>()) {
            let mut query = String::new();
            encode_query(&mut query, "q", &value).unwrap();
            prop_assert_eq!(decoded(query.strip_prefix("q=").unwrap()), value);
            prop_assert!(!query.contains(['&', '#', '+', ' ']));
        }

        #[test]
        fn a_raw_path_never_climbs(value in "(\\PC|/|\\.|%2e){0,12}") {
            if let Ok(path) = raw(&value) {
                prop_assert!(path.split('/').all(|segment| !segment.is_empty() && !is_dots(segment)));
                prop_assert!(!path.contains(['?', '#', '\\']));
                let uri = format!("/{path}").parse::<http::Uri>();
                prop_assert!(uri.is_ok());
            }
        }
    }
}
