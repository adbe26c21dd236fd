//! Text out of paths, queries and forms.

use std::borrow::Cow;

use crate::url::{CollectionFormat, percent_decoded};

/// Decodes a part of a path: a plus is a plus.
pub(super) fn path_text(text: &str) -> Result<Cow<'_, str>, &'static str> {
    utf8(percent_decoded(text.as_bytes()))
}

/// Decodes a part of a query or a form, in which a plus is a space (as HTML forms are written, and as the services read).
pub(super) fn form_text(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return utf8(percent_decoded(spaced.as_bytes())).map(|text| Cow::Owned(text.into_owned()));
    }
    path_text(text)
}

fn utf8(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, &'static str> {
    const NOT: &str = "it is not UTF-8";
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| NOT),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| NOT),
    }
}

/// The values of a name, as they stand in a query or a form; a name without `=` has an empty one.
pub(super) fn values<'q>(query: Option<&'q str>, name: &str) -> impl Iterator<Item = &'q str> {
    let pairs = query.unwrap_or_default().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .filter(move |(own, _)| *own == name || is_escaped(own) && form_text(own).is_ok_and(|own| own == name))
        .map(|(_, value)| value)
}

fn is_escaped(name: &str) -> bool {
    name.contains(['%', '+'])
}

/// The first value of a name, decoded.
pub(super) fn first(query: Option<&str>, name: &str) -> Option<String> {
    values(query, name).next().and_then(|value| form_text(value).ok()).map(Cow::into_owned)
}

/// The items of a list that stand in one value of a query.
///
/// Separators that are not escaped tell the items apart, so that an item may have an escaped one in it. Where there are only escaped ones they
/// count, since many clients escape the whole value.
pub(super) fn items(value: &str, format: CollectionFormat) -> Result<Vec<String>, &'static str> {
    let separator = format.separator();
    if value.is_empty() {
        return Ok(Vec::new());
    }
    if format == CollectionFormat::Multi {
        return Ok(vec![form_text(value)?.into_owned()]);
    }
    if value.contains(separator) {
        return value.split(separator).map(|item| form_text(item).map(Cow::into_owned)).collect();
    }
    Ok(form_text(value)?.split(separator).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values() {
        let query = Some("a=1&b&%24top=3&a=2&c=x+y%2B&d=a=b");
        let all = |name: &str| values(query, name).collect::<Vec<_>>();
        assert_eq!(all("a"), ["1", "2"]);
        assert_eq!(all("b"), [""]);
        assert_eq!(all("$top"), ["3"]);
        assert_eq!(all("d"), ["a=b"]);
        assert!(all("e").is_empty() && values(None, "a").next().is_none());
        assert_eq!(first(query, "c").unwrap(), "x y+");
    }

    #[test]
    fn a_plus_is_a_space_in_queries_only() {
        assert_eq!(form_text("a+b%2B").unwrap(), "a b+");
        assert_eq!(path_text("a+b%2B").unwrap(), "a+b+");
        assert!(form_text("%FF").is_err() && path_text("%FF").is_err());
    }

    #[test]
    fn lists() {
        use CollectionFormat::{Csv, Multi, Pipes, Ssv, Tsv};
        for (value, format, expected) in [
            ("a,b", Csv, &["a", "b"][..]),
            ("a%2Cb", Csv, &["a", "b"]),
            ("a%2Cb,c", Csv, &["a,b", "c"]),
            ("a%20b", Ssv, &["a", "b"]),
            ("a+b", Ssv, &["a", "b"]),
            ("a%09b", Tsv, &["a", "b"]),
            ("a|b", Pipes, &["a", "b"]),
            ("a%7Cb", Pipes, &["a", "b"]),
            ("a,b", Multi, &["a,b"]),
            ("", Csv, &[]),
        ] {
            assert_eq!(items(value, format).unwrap(), expected, "{value}");
        }
    }
}
