//! Entity tags, by which a caller changes only what it has seen (RFC 9110 §8.8.3, §13.1).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ParseError};

/// The version of a resource, as the service names it.
///
/// Besides the strong (`"abc"`) and weak (`W/"abc"`) forms of RFC 9110 §8.8.3 there is the bare one, `abc`, in which
/// services put tags into JSON bodies. A tag is sent back as it was read, and is never empty: services take an empty
/// tag for no condition at all.
///
/// `==` compares the text; [`strong_eq`](ETag::strong_eq) and [`weak_eq`](ETag::weak_eq) compare as HTTP does.
///
/// ```
/// use specsmith_runtime::ETag;
///
/// let quoted: ETag = "\"MA==\"".parse()?;
/// let bare: ETag = "MA==".parse()?;
/// assert!(quoted.strong_eq(&bare));
/// assert!("".parse::<ETag>().is_err());
/// # Ok::<(), specsmith_runtime::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ETag(Cow<'static, str>);

impl ETag {
    /// `*`: whatever version there is, as long as there is one.
    pub const ANY: ETag = ETag(Cow::Borrowed("*"));

    /// The tag as it is written in a header.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is [`ETag::ANY`]; `"*"`, in quotes, means the same to IoT Hub.
    pub fn is_any(&self) -> bool {
        !self.is_weak() && self.opaque() == "*"
    }

    /// Whether the tag says that the content is merely equivalent (`W/"…"`).
    pub fn is_weak(&self) -> bool {
        self.0.starts_with("W/\"")
    }

    /// The tag without quotes and without `W/`.
    pub fn opaque(&self) -> &str {
        let text = self.0.strip_prefix("W/").filter(|rest| rest.starts_with('"')).unwrap_or(&self.0);
        text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
    }

    /// Whether both tags are the same and neither is weak (RFC 9110 §8.8.3.2), as `If-Match` compares. A bare tag
    /// is equal to the same one in quotes.
    pub fn strong_eq(&self, other: &ETag) -> bool {
        !self.is_weak() && !other.is_weak() && self.weak_eq(other)
    }

    /// Whether both tags are the same, weak or not (RFC 9110 §8.8.3.2), as `If-None-Match` compares.
    pub fn weak_eq(&self, other: &ETag) -> bool {
        self.opaque() == other.opaque()
    }

    fn is_tag(text: &str) -> bool {
        let quoted = text.strip_prefix("W/").unwrap_or(text);
        let (opaque, bare) = match quoted.strip_prefix('"') {
            Some(rest) => match rest.strip_suffix('"') {
                Some(opaque) => (opaque, false),
                None => return false,
            },
            None => (text, true),
        };
        // etagc, without the bytes beyond ASCII; a comma would make two tags of a bare one.
        let ok = |b: u8| matches!(b, 0x21 | 0x23..=0x7e) && !(bare && b == b',');
        !opaque.is_empty() && opaque.bytes().all(ok)
    }
}

impl FromStr for ETag {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<ETag, ParseError> {
        ETag::try_from(text.to_owned())
    }
}

impl TryFrom<String> for ETag {
    type Error = ParseError;

    fn try_from(text: String) -> Result<ETag, ParseError> {
        match ETag::is_tag(&text) {
            true => Ok(ETag(Cow::Owned(text))),
            false => {
                Err(ParseError::new("an entity tag: visible ASCII characters, not none, plain or in double quotes"))
            }
        }
    }
}

impl TryFrom<&str> for ETag {
    type Error = ParseError;

    fn try_from(text: &str) -> Result<ETag, ParseError> {
        text.parse()
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ETag({})", self.0)
    }
}

/// What a caller may give as a condition: a tag, or text that ought to be one.
///
/// Methods take `impl Into<Condition>`. Text that is no tag becomes the error of the call, and nothing is sent; it
/// never becomes a request without the condition. So does the error of a response that has no tag.
///
/// ```
/// use specsmith_runtime::{Condition, ETag};
///
/// fn if_match(tag: impl Into<Condition>) -> Result<ETag, specsmith_runtime::Error> {
///     tag.into().into_result()
/// }
/// assert!(if_match(ETag::ANY).is_ok());
/// assert!(if_match("MA==").is_ok());
/// assert!(if_match("").is_err());
/// ```
#[derive(Debug)]
pub struct Condition(Result<ETag, Error>);

impl Condition {
    /// The tag, or what is wrong with it.
    pub fn into_result(self) -> Result<ETag, Error> {
        self.0
    }
}

impl From<ETag> for Condition {
    fn from(tag: ETag) -> Condition {
        Condition(Ok(tag))
    }
}

impl From<&ETag> for Condition {
    fn from(tag: &ETag) -> Condition {
        Condition(Ok(tag.clone()))
    }
}

impl From<&str> for Condition {
    fn from(text: &str) -> Condition {
        Condition(text.parse().map_err(Error::from))
    }
}

impl From<String> for Condition {
    fn from(text: String) -> Condition {
        Condition(ETag::try_from(text).map_err(Error::from))
    }
}

impl From<&String> for Condition {
    fn from(text: &String) -> Condition {
        Condition::from(text.as_str())
    }
}

impl From<Result<ETag, Error>> for Condition {
    fn from(tag: Result<ETag, Error>) -> Condition {
        Condition(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag(text: &str) -> ETag {
        text.parse().unwrap()
    }

    // RFC 9110 §8.8.3.2, table 3.
    #[test]
    fn comparison() {
        for (a, b, strong, weak) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
            ("1", "\"1\"", true, true),
            ("AAAAAAAAACA=", "\"AAAAAAAAAFk=\"", false, false),
        ] {
            assert_eq!(tag(a).strong_eq(&tag(b)), strong, "{a} {b}");
            assert_eq!(tag(b).weak_eq(&tag(a)), weak, "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_tag() {
        for text in [
            "",
            "\"\"",
            "W/\"\"",
            "W/\"a",
            "\"",
            "\"a",
            "a\"",
            "a b",
            "a,b",
            "\"a\"b\"",
            "a\r\nx: y",
            "\"a\n\"",
            "\u{e9}",
            "\t",
            "\"a\", \"b\"",
        ] {
            assert!(text.parse::<ETag>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn any_is_any_in_both_forms_that_clients_send() {
        assert!(ETag::ANY.is_any() && tag("*").is_any() && tag("\"*\"").is_any());
        assert!(!tag("W/\"*\"").is_any() && !tag("**").is_any());
    }

    #[test]
    fn a_bare_tag_may_look_like_the_start_of_a_weak_one() {
        assert_eq!(tag("W/abc").opaque(), "W/abc");
        assert!(!tag("W/abc").is_weak());
    }

    #[test]
    fn a_wrong_text_is_an_error_and_not_no_condition() {
        let error = Condition::from("a\r\nb").into_result().unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Build);
        assert!(!error.to_string().contains("a\r"));
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_what_it_wrote(text in any::<String>()) {
            if let Ok(tag) = text.parse::<ETag>() {
                prop_assert_eq!(tag.to_string(), text);
                prop_assert!(!tag.opaque().is_empty());
                prop_assert!(http::HeaderValue::from_str(tag.as_str()).is_ok());
            }
        }

        #[test]
        fn every_form_is_read(core in "[!#-+\\--~]{1,20}") {
            for text in [format!("\"{core}\""), format!("W/\"{core}\"")] {
                let read = tag(&text);
                prop_assert_eq!(read.opaque(), &core);
            }
        }
    }
}
