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

/// What tells routes apart, as far as a table can: more than `Known` looks at is the same.
type Key = (Method, String, Vec<(String, String)>);

/// A route that is there already.
struct Known {
    path: String,
    matching: Matching,
    at: Location,
}

/// The routes of a client.
#[derive(Default)]
pub(super) struct Routes(HashMap<Key, Vec<Known>>);

impl Routes {
    /// Says whether the operation answers to requests of its own; otherwise reports the one that has them.
    pub(super) fn add(&mut self, operation: &Operation, served: &Served, diagnostics: &mut Diagnostics) -> bool {
        let path = decoded(&operation.route.0);
        let mut query: Vec<_> = query(operation, served).into_iter().map(|(name, value)| (name.0, value.0)).collect();
        query.sort();
        let folded = path.trim_end_matches('/').to_ascii_lowercase();
        let own = Known { path, matching: served.matching, at: operation.at.clone() };
        let known = self.0.entry((operation.method, folded, query)).or_default();
        if let Some(first) = known.iter().find(|known| meet((&known.path, known.matching), (&own.path, own.matching))) {
            diagnostics.push(
                Diagnostic::new(
                    Code::SameRoute,
                    format!("the operation `{}` answers to the same requests as another", operation.id.0),
                )
                .at(&own.at)
                .label(&first.at, "the other one")
                .help("the server has only the other one; leave one of them to clients, with `x-specsmith-side: client` by an overlay"),
            );
            return false;
        }
        known.push(own);
        true
    }
}

/// Whether there are paths that are both of these, which differ in case or by a slash at most.
fn meet((left, left_matching): (&str, Matching), (right, right_matching): (&str, Matching)) -> bool {
    let either = |flag: fn(&Matching) -> bool| flag(&left_matching) || flag(&right_matching);
    (left.trim_end_matches('/') == right.trim_end_matches('/') || either(|matching| matching.ignore_case))
        && (left.ends_with('/') == right.ends_with('/') || either(|matching| matching.trailing_slash))
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
    fn case_and_slash_count_unless_one_of_both_says_otherwise() {
        let known = |path, ignore_case, trailing_slash| (path, Matching { ignore_case, trailing_slash });
        assert!(meet(known("/a", false, false), known("/a", false, false)));
        assert!(!meet(known("/a", false, false), known("/A", false, true)));
        assert!(meet(known("/a", true, false), known("/A", false, false)));
        assert!(!meet(known("/a", true, false), known("/a/", false, false)));
        assert!(meet(known("/a", false, false), known("/a/", false, true)));
    }
}
