//! Path templates: their pieces, and which parameter fills which hole.

use crate::diag::Code;
use crate::ir::{PathArgument, PathPart};

#[derive(Debug, Default)]
pub(super) struct Template {
    pub parts: Vec<Piece>,
    /// What stands behind a `?` (in `x-ms-paths`), names and values.
    pub query: Vec<(String, String)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Hole(String),
}

impl Template {
    pub(super) fn holes(&self) -> Vec<&str> {
        let holes = self.parts.iter().filter_map(|part| match part {
            Piece::Hole(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        });
        holes.collect()
    }
}

/// A template's pieces. A brace without its partner is text.
pub(super) fn split(template: &str) -> Template {
    let (path, query) = template.split_once('?').unwrap_or((template, ""));
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = path.split_once('#').map_or(path, |(path, _)| path);
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        let Some(close) = after.find('}') else { break };
        text.push_str(before);
        let name = after.get(1..close).unwrap_or_default();
        if !text.is_empty() {
            parts.push(Piece::Text(std::mem::take(&mut text)));
        }
        parts.push(Piece::Hole(name.to_owned()));
        rest = after.get(close + 1..).unwrap_or_default();
    }
    text.push_str(rest);
    if !text.is_empty() {
        parts.push(Piece::Text(text));
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty() && !pair.contains('{'));
    let query = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    Template { parts, query: query.collect() }
}

/// A path as a URL has it, with `{}` for what stands in one segment, and `{*}` for what has several.
pub(super) fn route(base: &str, path: &[PathPart]) -> String {
    let mut route = encode(base, PATH);
    for part in path {
        match part {
            PathPart::Text(text) => route.push_str(&encode(&text.0, PATH)),
            PathPart::Hole { parameter: PathArgument::Constant(value), raw, .. } => {
                route.push_str(&encode(&value.0, if *raw { PATH } else { SEGMENT }));
            }
            PathPart::Hole { raw: true, .. } => route.push_str("{*}"),
            PathPart::Hole { raw: false, .. } => route.push_str("{}"),
        }
    }
    if route.starts_with('/') { route } else { format!("/{route}") }
}

/// What may stand in a path, beside letters and digits: RFC 3986 §3.3, and escapes.
const PATH: &[u8] = b"/-._~!$&'()*+,;=:@%";

/// What stands for nothing but itself wherever it stands, beside letters and digits (RFC 3986 §2.3).
const SEGMENT: &[u8] = b"-._~";

/// A text as a URL has it: all but letters, digits and what is allowed is percent-encoded.
fn encode(text: &str, allowed: &[u8]) -> String {
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || allowed.contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// A hole, and the path parameter that fills it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hole {
    pub name: String,
    pub parameter: Option<String>,
}

/// What is odd about the holes of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    OtherName { hole: String, parameter: String },
    NoParameter { hole: String },
    NoHole { parameter: String },
}

impl Problem {
    pub(super) fn code(&self) -> Code {
        match self {
            Self::OtherName { .. } => Code::PathName,
            Self::NoParameter { .. } => Code::PathHole,
            Self::NoHole { .. } => Code::PathParameter,
        }
    }

    /// The variable of the parameter that it is about.
    pub(super) fn parameter(&self) -> Option<&str> {
        match self {
            Self::OtherName { parameter, .. } | Self::NoHole { parameter } => Some(parameter),
            Self::NoParameter { .. } => None,
        }
    }

    /// Message and help.
    pub(super) fn text(&self) -> (String, String) {
        match self {
            Self::OtherName { hole, parameter } => (
                format!("the path has `{{{hole}}}`, the path parameter is called `{parameter}`"),
                "they are taken for one another, since no others are left; call them the same by an overlay".to_owned(),
            ),
            Self::NoParameter { hole } => (
                format!("no path parameter is declared for `{{{hole}}}`"),
                "it is taken as a string; declare it by an overlay".to_owned(),
            ),
            Self::NoHole { parameter } => (
                format!("the path has no place for the path parameter `{parameter}`"),
                "it is left out; remove it by an overlay, or put it into the path".to_owned(),
            ),
        }
    }
}

/// Pairs holes with path parameters: by name, then by name in any case, then the last of each with one another.
pub(super) fn pair(holes: &[&str], parameters: &[&str]) -> (Vec<Hole>, Vec<Problem>) {
    let mut left: Vec<&str> = parameters.to_vec();
    let mut take = |wanted: &dyn Fn(&str) -> bool| {
        let index = left.iter().position(|name| wanted(name))?;
        Some(left.remove(index).to_owned())
    };
    let mut pairs: Vec<Hole> =
        holes.iter().map(|hole| Hole { name: (*hole).to_owned(), parameter: take(&|name| name == *hole) }).collect();
    for hole in pairs.iter_mut().filter(|hole| hole.parameter.is_none()) {
        let name = hole.name.clone();
        hole.parameter = take(&|other| other.eq_ignore_ascii_case(&name));
    }
    let mut problems = Vec::new();
    // `{a}/{a}` is filled twice by one parameter.
    for index in 0..pairs.len() {
        let Some(hole) = pairs.get(index).filter(|hole| hole.parameter.is_none()) else { continue };
        let twin = pairs.iter().find(|other| other.name == hole.name && other.parameter.is_some());
        let filled = twin.and_then(|twin| twin.parameter.clone());
        if let Some(hole) = pairs.get_mut(index) {
            hole.parameter = filled;
        }
    }
    let open: Vec<usize> =
        pairs.iter().enumerate().filter(|(_, hole)| hole.parameter.is_none()).map(|(index, _)| index).collect();
    if let ([index], [parameter]) = (open.as_slice(), left.as_slice())
        && let Some(hole) = pairs.get_mut(*index)
    {
        problems.push(Problem::OtherName { hole: hole.name.clone(), parameter: (*parameter).to_owned() });
        hole.parameter = Some((*parameter).to_owned());
        return (pairs, problems);
    }
    problems.extend(
        open.iter().filter_map(|index| pairs.get(*index)).map(|hole| Problem::NoParameter { hole: hole.name.clone() }),
    );
    problems.extend(left.iter().map(|parameter| Problem::NoHole { parameter: (*parameter).to_owned() }));
    (pairs, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paired(holes: &[&str], parameters: &[&str]) -> (Vec<Option<String>>, Vec<Problem>) {
        let (holes, problems) = pair(holes, parameters);
        (holes.into_iter().map(|hole| hole.parameter).collect(), problems)
    }

    #[test]
    fn templates_are_split_at_braces() {
        let template = split("/a/{b}:c/{d}-{e}?comp=list&x");
        let text = |text: &str| Piece::Text(text.to_owned());
        let hole = |name: &str| Piece::Hole(name.to_owned());
        assert_eq!(template.parts, [text("/a/"), hole("b"), text(":c/"), hole("d"), text("-"), hole("e")]);
        assert_eq!(template.query, [("comp".to_owned(), "list".to_owned()), ("x".to_owned(), String::new())]);
        assert_eq!(split("/a{b").parts, [text("/a{b")]);
        assert_eq!(split("").parts, []);
    }

    #[test]
    fn names_win_over_names_in_another_case_and_those_over_what_is_left() {
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(paired(&["id", "etag"], &["etag", "id"]), (vec![some("id"), some("etag")], vec![]));
        assert_eq!(paired(&["ID", "id"], &["id", "Id"]), (vec![some("Id"), some("id")], vec![]));
        assert_eq!(paired(&["a", "a"], &["a"]), (vec![some("a"), some("a")], vec![]));
        let (holes, problems) = paired(&["id", "etag"], &["etag", "deviceId"]);
        assert_eq!(holes, [some("deviceId"), some("etag")]);
        assert_eq!(problems, [Problem::OtherName { hole: "id".to_owned(), parameter: "deviceId".to_owned() }]);
    }

    #[test]
    fn more_than_one_left_is_not_guessed() {
        let (holes, problems) = paired(&["a", "b"], &["x", "y"]);
        assert_eq!(holes, [None, None]);
        assert_eq!(problems.len(), 4);
        assert!(problems.contains(&Problem::NoParameter { hole: "a".to_owned() }));
        assert!(problems.contains(&Problem::NoHole { parameter: "y".to_owned() }));
    }
}
