//! Which requests an operation answers to.

use std::collections::HashMap;

use serde_json::Value;

use super::Served;
use crate::diag::{Code, Diagnostic, Diagnostics, Location};
use crate::ir::{Literal, Matching, Method, Operation};
use crate::spec::Document;

/// How a document's paths are matched: `x-specsmith-routes`.
pub(in crate::lower) fn matching(document: &Document, diagnostics: &mut Diagnostics) -> Matching {
    let mut matching = Matching::default();
    let Some(said) = document.extensions.get("x-specsmith-routes") else { return matching };
    let known = said.as_object().is_some_and(|object| {
        object.iter().all(|(key, value)| match (key.as_str(), value) {
            ("ignore-case", Value::Bool(value)) => {
                matching.ignore_case = *value;
                true
            }
            ("trailing-slash", Value::Bool(value)) => {
                matching.trailing_slash = *value;
                true
            }
            _ => false,
        })
    });
    if !known {
        diagnostics.push(
            Diagnostic::new(Code::ExtensionValue, "`x-specsmith-routes` has a value that it cannot have")
                .at_value(&document.at.join("x-specsmith-routes"))
                .help("write `{ ignore-case, trailing-slash }`, each of them `true` or `false`"),
        );
    }
    matching
}

/// What the query has to have. The version is no matter: a server may take several.
pub(super) fn query(operation: &Operation, served: &Served) -> Vec<(Literal, Literal)> {
    let fixed = served.query.iter();
    let fixed = fixed.filter(|(name, _)| operation.api_version.is_none() || !name.eq_ignore_ascii_case("api-version"));
    fixed.map(|(name, value)| (Literal(name.clone()), Literal(value.clone()))).collect()
}

/// What tells routes apart: method, whether case counts, the path as far as it does, and the fixed query.
type Key = (Method, bool, String, Vec<(Literal, Literal)>);

/// The routes of a client, each with its operation.
#[derive(Default)]
pub(super) struct Routes(HashMap<Key, Location>);

impl Routes {
    /// Says whether the operation answers to requests of its own; otherwise reports the one that has them.
    pub(super) fn add(&mut self, operation: &Operation, served: &Served, diagnostics: &mut Diagnostics) -> bool {
        let mut query = query(operation, served);
        query.sort();
        query.dedup();
        let Matching { ignore_case, .. } = served.matching;
        let key = (operation.method, ignore_case, path(&operation.route.0, served.matching), query);
        if let Some(first) = self.0.get(&key) {
            diagnostics.push(
                Diagnostic::new(
                    Code::SameRoute,
                    format!("the operation `{}` answers to the same requests as another one", operation.id.0),
                )
                .at(&operation.at)
                .label(first, "the other one")
                .help("a server has the other one only; set `x-specsmith-side` of this one to `client` by an overlay"),
            );
            return false;
        }
        self.0.insert(key, operation.at.clone());
        true
    }
}

/// A path as it is compared.
fn path(route: &str, matching: Matching) -> String {
    let path = decoded(route);
    let path = if matching.ignore_case { path.to_ascii_lowercase() } else { path };
    match path.strip_suffix('/') {
        Some(short) if matching.trailing_slash && !short.is_empty() => short.to_owned(),
        _ => path,
    }
}

/// A route without escapes, but for those of characters that mean something in it.
fn decoded(route: &str) -> String {
    let mut bytes = Vec::with_capacity(route.len());
    let mut rest = route;
    while let Some((before, behind)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        let escape = behind.get(..2).unwrap_or_default();
        match u8::from_str_radix(escape, 16) {
            Ok(byte) if !b"{}%/".contains(&byte) => bytes.push(byte),
            _ => bytes.extend(format!("%{}", escape.to_ascii_uppercase()).bytes()),
        }
        rest = behind.get(2..).unwrap_or_default();
    }
    bytes.extend(rest.bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_make_no_difference_but_where_they_do() {
        assert_eq!(decoded("/a%20b/%41%7e"), "/a b/A~");
        assert_eq!(decoded("/{}%7b%7D%2f%25"), "/{}%7B%7D%2F%25");
        assert_eq!(decoded("/%zz%4"), "/%ZZ%");
    }

    #[test]
    fn case_and_slash_count_unless_the_document_says_otherwise() {
        let path = |text, ignore_case, trailing_slash| path(text, Matching { ignore_case, trailing_slash });
        assert_eq!(path("/A/{}/", false, false), "/A/{}/");
        assert_eq!(path("/A/{}/", true, false), "/a/{}/");
        assert_eq!(path("/A/{}/", false, true), "/A/{}");
        assert_eq!(path("/", true, true), "/");
    }
}
