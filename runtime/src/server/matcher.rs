//! Which endpoint a request is for, by its method and path, and by its query where that tells routes apart.
//!
//! A path is split at its slashes first and decoded afterwards, so that `%2F` is part of a segment. Of all templates that
//! match, the most specific one decides: segment by segment from the left, a static segment goes before one with literals
//! and holes (longest literals first), that before a hole for a whole segment, and that before `{*}`. Only then the
//! methods are looked at: where `/jobs/query` and `/jobs/{}` are, `PUT /jobs/query` is not for a job of that name.
//!
//! Literals are compared decoded, and without regard to case for routes that say so. These and the others stand in
//! two tries; where both have a template, up to case, its endpoints count as those of one path.

mod few;
mod path;
mod pattern;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
mod trie;

use std::cmp::{Ordering, Reverse};
use std::ops::Range;

use http::Method;

use super::route::Route;
use path::Path;
use pattern::{Decoded, Segment};
use trie::{Hit, Node, Search};

/// The routes of all services, to find the one for a request.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    exact: Node,
    folded: Node,
    any: Option<usize>,
}

/// An endpoint where a template ends.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    route: &'static Route,
    endpoint: usize,
    /// The template with a slash at its end, which the route allows.
    slashed: bool,
}

/// What there is for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "`NotFound` is what HTTP calls it")]
pub(crate) enum Found {
    /// An endpoint, and where the holes of its template are in the path.
    Endpoint { endpoint: usize, captures: Captures },
    /// The path is there, but not with this method: one of its endpoints, and the methods that there are, as the header
    /// `Allow` has them.
    MethodNotAllowed { endpoint: usize, allow: String },
    /// No template matches, or none with this query. An endpoint of one that begins like the path; if none does, the one
    /// that was added first.
    NotFound { nearest: Option<usize> },
    /// A path that no route could have, and why.
    BadPath(&'static str),
}

/// Where the holes of a template are in a path, in their order. Escapes are as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Captures(Vec<Range<usize>>);

impl Captures {
    pub(crate) fn get(&self, hole: usize) -> Option<Range<usize>> {
        self.0.get(hole).cloned()
    }
}

impl Matcher {
    pub(crate) fn new() -> Matcher {
        Matcher { exact: Node::new(), folded: Node::new(), any: None }
    }

    /// Adds a route; `endpoint` is what a match gives back.
    ///
    /// # Errors
    ///
    /// An endpoint that answers to the same requests is there already: that one. Routes that share requests but not all of
    /// them, since one has a fixed query, regards case, or has the slash at its end that the other only allows, stand side by
    /// side, and the narrower one goes first.
    pub(crate) fn add(&mut self, route: &'static Route, endpoint: usize) -> Result<(), usize> {
        let mut template = Segment::template(route.template(), route.ignores_case());
        let is_empty = |segment: &Segment| matches!(segment, Segment::Static(text) if text.is_empty());
        if route.takes_trailing_slash() && template.len() > 1 {
            template.pop_if(|last| is_empty(last));
        }
        let root = if route.ignores_case() { &mut self.folded } else { &mut self.exact };
        let candidates = &mut root.leaf(&template, endpoint).candidates;
        if let Some(same) = candidates.iter().find(|candidate| !candidate.slashed && alike(candidate.route, route)) {
            return Err(same.endpoint);
        }
        candidates.push(Candidate { route, endpoint, slashed: false });
        if route.takes_trailing_slash() && !template.last().is_some_and(is_empty) {
            template.push(Segment::Static(Box::default()));
            let slashed = Candidate { route, endpoint, slashed: true };
            root.leaf(&template, endpoint).candidates.push(slashed);
        }
        self.any = self.any.or(Some(endpoint));
        Ok(())
    }

    /// The endpoint for a request. `path` and `query` are as they came, without the `?`.
    ///
    /// It allocates for captures, for the methods of an answer that one is not allowed, and where paths or templates have more
    /// segments, or `{*}` more ways to go on, than usual. What it takes is bounded: beyond [`trie::MOST_TRIES`] a path
    /// is not found.
    pub(crate) fn find(&self, method: &Method, path: &str, query: Option<&str>) -> Found {
        let path = match Path::split(path) {
            Ok(path) => path,
            Err(why) => return Found::BadPath(why),
        };
        let mut exact = Search::new(&self.exact, false, &path);
        let mut folded = Search::new(&self.folded, true, &path);
        let (by_case, by_any_case) = (exact.run(), folded.run());
        let order = match (by_case, by_any_case) {
            _ if exact.gave_up() || folded.gave_up() => {
                return Found::NotFound { nearest: self.nearest(&exact, &folded) };
            }
            (Some(one), Some(other)) => one.leaf.specificity(other.leaf),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return Found::NotFound { nearest: self.nearest(&exact, &folded) },
        };
        let [one, other] = [by_case.filter(|_| order.is_le()), by_any_case.filter(|_| order.is_ge())].map(candidates);
        match choose(one.iter().chain(other), method, query) {
            Ok(chosen) => {
                let captures = match chosen.route.ignores_case() {
                    true => by_any_case.map(|hit| folded.captures(hit)),
                    false => by_case.map(|hit| exact.captures(hit)),
                };
                Found::Endpoint { endpoint: chosen.endpoint, captures: captures.unwrap_or_default() }
            }
            Err(other) => other,
        }
    }

    fn nearest(&self, exact: &Search<'_, '_>, folded: &Search<'_, '_>) -> Option<usize> {
        let ((depth, nearest), (folded_depth, folded_nearest)) = (exact.nearest(), folded.nearest());
        match (depth, folded_depth) {
            (0, 0) => self.any,
            _ if folded_depth > depth => folded_nearest,
            _ => nearest,
        }
    }
}

fn candidates(hit: Option<Hit<'_>>) -> &[Candidate] {
    hit.map_or(&[], |hit| &hit.leaf.candidates)
}

/// Of the endpoints of a path, the narrowest one for a request.
fn choose<'c>(
    candidates: impl Iterator<Item = &'c Candidate> + Clone,
    method: &Method,
    query: Option<&str>,
) -> Result<&'c Candidate, Found> {
    let here = candidates.clone().filter(|candidate| has_pairs(query, candidate.route.fixed_query()));
    let narrowest = |method: &Method| {
        let width = |candidate: &&Candidate| {
            let route = candidate.route;
            (Reverse(route.fixed_query().len()), route.ignores_case(), candidate.slashed)
        };
        here.clone().filter(|candidate| candidate.route.method() == method).min_by_key(width)
    };
    let get = || if *method == Method::HEAD { narrowest(&Method::GET) } else { None };
    if let Some(chosen) = narrowest(method).or_else(get) {
        return Ok(chosen);
    }
    let Some(one) = here.clone().next() else {
        return Err(Found::NotFound { nearest: candidates.clone().next().map(|one| one.endpoint) });
    };
    let mut methods: Vec<&str> = here.map(|candidate| candidate.route.method().as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.sort_unstable();
    methods.dedup();
    Err(Found::MethodNotAllowed { endpoint: one.endpoint, allow: methods.join(", ") })
}

/// Whether two routes with one template answer to the same requests.
fn alike(one: &Route, other: &Route) -> bool {
    let (pairs, others) = (one.fixed_query(), other.fixed_query());
    one.method() == other.method()
        && pairs.iter().all(|pair| others.contains(pair))
        && others.iter().all(|pair| pairs.contains(pair))
}

/// Whether a query has all of these pairs.
fn has_pairs(query: Option<&str>, pairs: &[(&str, &str)]) -> bool {
    let is = |text, expected: &str| Decoded::new(text, false).eq(expected.bytes());
    pairs.iter().all(|(name, value)| {
        query.unwrap_or_default().split('&').any(|pair| {
            let (one, other) = pair.split_once('=').unwrap_or((pair, ""));
            is(one, name) && is(other, value)
        })
    })
}
