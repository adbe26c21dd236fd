//! Templates, put together by the segments that they begin with.

use std::cmp::Ordering;
use std::ops::Range;

use super::few::Few;
use super::path::Path;
use super::pattern::{Decoded, Pattern, Segment, specificity};
use super::{Candidate, Captures};

/// How much is tried for one path before it counts as one that is not there. Without `{*}` a search cannot come near: it
/// goes to each node once at most. With it, a path of n segments takes up to n² tries at a node.
pub(super) const MOST_TRIES: usize = 1 << 16;

/// What templates have in common up to one segment, and how they go on.
#[derive(Clone, Debug)]
pub(super) struct Node {
    statics: Vec<(Box<[u8]>, Node)>,
    mixed: Vec<(Pattern, Node)>,
    whole: Option<Box<Node>>,
    several: Vec<(Pattern, Node)>,
    leaf: Option<Leaf>,
    /// An endpoint below.
    pub any: Option<usize>,
    /// How many segments lead here, not counting `{*}`.
    depth: usize,
    /// How many segments of a path those below take at least and at most.
    shortest: usize,
    longest: usize,
}

/// Where a template ends.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    template: Vec<Segment>,
    pub candidates: Vec<Candidate>,
}

impl Node {
    pub(super) fn new() -> Node {
        Node {
            statics: Vec::new(),
            mixed: Vec::new(),
            whole: None,
            several: Vec::new(),
            leaf: None,
            any: None,
            depth: 0,
            shortest: usize::MAX,
            longest: 0,
        }
    }

    /// Where a template ends, made if it is not there. The endpoint is one that will be.
    pub(super) fn leaf(&mut self, template: &[Segment], endpoint: usize) -> &mut Leaf {
        let mut node = self;
        node.leads_to(template, endpoint);
        let mut rest = template;
        while let [segment, after @ ..] = rest {
            let counted = usize::from(!matches!(segment, Segment::Several(_)));
            let depth = node.depth + counted;
            node = match segment {
                Segment::Static(text) => child(&mut node.statics, text),
                Segment::Mixed(pattern) => child(&mut node.mixed, pattern),
                Segment::Whole => node.whole.get_or_insert_with(|| Box::new(Node::new())),
                Segment::Several(pattern) => child(&mut node.several, pattern),
            };
            node.depth = depth;
            node.leads_to(after, endpoint);
            rest = after;
        }
        node.leaf.get_or_insert_with(|| Leaf { template: template.to_vec(), candidates: Vec::new() })
    }

    fn leads_to(&mut self, rest: &[Segment], endpoint: usize) {
        let has_several = rest.iter().any(|segment| matches!(segment, Segment::Several(_)));
        self.any = self.any.or(Some(endpoint));
        self.shortest = self.shortest.min(rest.len());
        self.longest = self.longest.max(if has_several { usize::MAX } else { rest.len() });
    }
}

fn child<'n, K: Ord + Clone>(children: &'n mut Vec<(K, Node)>, key: &K) -> &'n mut Node {
    let at = children.binary_search_by(|(child, _)| child.cmp(key)).unwrap_or_else(|at| {
        children.insert(at, (key.clone(), Node::new()));
        at
    });
    &mut children[at].1
}

impl Leaf {
    pub(super) fn specificity(&self, other: &Leaf) -> Ordering {
        specificity(&self.template, &other.template)
    }
}

/// One segment of a template that was found in the path.
#[derive(Clone, Copy)]
struct Step<'t> {
    node: &'t Node,
    /// How many segments of the path are matched then.
    at: usize,
    /// The step before.
    from: usize,
}

/// The search for a path's most specific template.
///
/// It goes through templates, not through the ways in which one could match: a *frame* is a range of steps of which all
/// have the same kinds of segments behind them. Without `{*}` a frame is one step. With it there are several, one
/// for each number of segments that `{*}` may have taken, and perhaps for different nodes. So no node is gone to twice with
/// the same part of the path, and there is nothing to go back over.
pub(super) struct Search<'t, 'p> {
    path: &'p Path<'p>,
    fold: bool,
    trail: Few<Step<'t>, 16>,
    deepest: &'t Node,
    tries: usize,
}

/// The leaf that a search found, and the last of the steps to it.
#[derive(Clone, Copy)]
pub(super) struct Hit<'t> {
    pub leaf: &'t Leaf,
    last: usize,
}

impl<'t, 'p> Search<'t, 'p> {
    pub(super) fn new(root: &'t Node, fold: bool, path: &'p Path<'p>) -> Search<'t, 'p> {
        let start = Step { node: root, at: 0, from: 0 };
        let mut trail = Few::new(start);
        trail.push(start);
        Search { path, fold, trail, deepest: root, tries: 0 }
    }

    /// The most specific template that matches.
    pub(super) fn run(&mut self) -> Option<Hit<'t>> {
        let last = self.search(0..1)?;
        Some(Hit { leaf: self.trail.get(last)?.node.leaf.as_ref()?, last })
    }

    /// Whether there was more to try than may be.
    pub(super) fn gave_up(&self) -> bool {
        self.tries >= MOST_TRIES
    }

    /// How many segments of a template matched at most, not counting `{*}`, and an endpoint there.
    pub(super) fn nearest(&self) -> (usize, Option<usize>) {
        (self.deepest.depth, self.deepest.any)
    }

    /// Where the holes of the template are.
    pub(super) fn captures(&self, hit: Hit<'t>) -> Captures {
        let mut holes = Vec::new();
        let mut last = self.trail.get(hit.last);
        for segment in hit.leaf.template.iter().rev() {
            let Some((step, before)) = last.and_then(|step| Some((step, self.trail.get(step.from)?))) else { break };
            let span = self.path.span(before.at, step.at);
            match segment {
                Segment::Static(_) => {}
                Segment::Whole => holes.push(span),
                Segment::Mixed(pattern) | Segment::Several(pattern) => {
                    let text = self.path.text(before.at, step.at);
                    pattern.holes(text, self.fold, |hole| holes.push(span.start + hole.start..span.start + hole.end));
                }
            }
            last = Some(before);
        }
        holes.reverse();
        Captures(holes)
    }

    /// What it took.
    #[cfg(test)]
    pub(super) fn tries(&self) -> usize {
        self.tries
    }

    /// The last of the steps to the most specific leaf below a frame, which is the end of the trail.
    fn search(&mut self, frame: Range<usize>) -> Option<usize> {
        self.statics(&frame);
        self.below(&frame)
            .or_else(|| self.patterns(&frame, |node| &node.mixed, Self::mixed))
            .or_else(|| {
                self.wholes(&frame);
                self.below(&frame)
            })
            .or_else(|| self.patterns(&frame, |node| &node.several, Self::several))
            .or_else(|| self.end(&frame))
    }

    /// Searches on from the steps behind a frame, and removes them if there is nothing.
    fn below(&mut self, frame: &Range<usize>) -> Option<usize> {
        let next = frame.end..self.trail.len();
        if next.is_empty() {
            return None;
        }
        let found = self.search(next);
        if found.is_none() {
            self.trail.truncate(frame.end);
        }
        found
    }

    /// A step of a frame that may go on, counted as a try.
    fn step(&mut self, index: usize) -> Option<Step<'t>> {
        self.tries += 1;
        self.trail.get(index).filter(|step| step.at < self.path.len() && !self.gave_up())
    }

    fn push(&mut self, node: &'t Node, at: usize, from: usize) {
        if node.depth > self.deepest.depth {
            self.deepest = node;
        }
        self.trail.push(Step { node, at, from });
    }

    fn statics(&mut self, frame: &Range<usize>) {
        for index in frame.clone() {
            let Some(step) = self.step(index).filter(|step| !step.node.statics.is_empty()) else { continue };
            let text = self.path.text(step.at, step.at + 1);
            let order = |key: &[u8]| key.iter().copied().cmp(Decoded::new(text, self.fold));
            if let Ok(found) = step.node.statics.binary_search_by(|(key, _)| order(key))
                && let Some((_, node)) = step.node.statics.get(found)
            {
                self.push(node, step.at + 1, index);
            }
        }
    }

    /// Goes on by the patterns that a frame's nodes have, one after the other.
    fn patterns(
        &mut self,
        frame: &Range<usize>,
        children: fn(&Node) -> &[(Pattern, Node)],
        go: fn(&mut Self, &Range<usize>, &Pattern),
    ) -> Option<usize> {
        let mut last: Option<&Pattern> = None;
        loop {
            let mut first = None;
            for index in frame.clone() {
                let Some(step) = self.step(index) else { continue };
                let children = children(step.node);
                let behind = last.map_or(0, |last| children.partition_point(|(pattern, _)| pattern <= last));
                let pattern = children.get(behind).map(|(pattern, _)| pattern);
                first = [first, pattern].into_iter().flatten().min();
            }
            let pattern = first?;
            go(self, frame, pattern);
            if let Some(found) = self.below(frame) {
                return Some(found);
            }
            last = Some(pattern);
        }
    }

    fn mixed(&mut self, frame: &Range<usize>, pattern: &Pattern) {
        for index in frame.clone() {
            let Some(step) = self.step(index) else { continue };
            let Some(node) = find(&step.node.mixed, pattern) else { continue };
            if pattern.holes(self.path.text(step.at, step.at + 1), self.fold, |_| {}) {
                self.push(node, step.at + 1, index);
            }
        }
    }

    fn wholes(&mut self, frame: &Range<usize>) {
        for index in frame.clone() {
            let Some(step) = self.step(index) else { continue };
            if let Some(node) = &step.node.whole
                && !self.path.span(step.at, step.at + 1).is_empty()
            {
                self.push(node, step.at + 1, index);
            }
        }
    }

    /// Goes on over several segments, as many as can be first.
    ///
    /// Of steps at the same node those with more of the path behind them come first, and are those whose `{*}`s took most from the
    /// left. Of the ways to a node and a place, therefore, the first is the one that is wanted, and the only one that is kept.
    fn several(&mut self, frame: &Range<usize>, pattern: &Pattern) {
        for index in frame.clone() {
            let Some(step) = self.step(index) else { continue };
            let Some(next) = find(&step.node.several, pattern) else { continue };
            if (frame.start..index).any(|before| self.step_at(before, step.node).is_some()) {
                continue;
            }
            let Some(most) = self.path.len().checked_sub(next.shortest) else { continue };
            let least = self.path.len().saturating_sub(next.longest).max(1);
            for to in (least..=most).rev() {
                let leads = |from: Step<'_>, path: &Path<'_>, fold| {
                    from.at < to && path.is_solid(from.at, to) && pattern.holes(path.text(from.at, to), fold, |_| {})
                };
                let from = (index..frame.end)
                    .find(|&from| self.step_at(from, step.node).is_some_and(|from| leads(from, self.path, self.fold)));
                if let Some(from) = from {
                    self.push(next, to, from);
                } else if self.gave_up() {
                    return;
                }
            }
        }
    }

    /// A step that may go on and is at a node, counted as a try.
    fn step_at(&mut self, index: usize, node: &Node) -> Option<Step<'t>> {
        self.step(index).filter(|step| std::ptr::eq(step.node, node))
    }

    /// The most specific leaf at the path's end. After too many tries none is: there may be a better one.
    fn end(&self, frame: &Range<usize>) -> Option<usize> {
        let leaf = |index: usize| {
            let step = self.trail.get(index).filter(|step| step.at == self.path.len())?;
            step.node.leaf.as_ref().map(|leaf| (leaf, index))
        };
        let leaves = frame.clone().filter_map(leaf).filter(|_| !self.gave_up());
        leaves.min_by(|(one, _), (other, _)| one.specificity(other)).map(|(_, index)| index)
    }
}

fn find<'n>(children: &'n [(Pattern, Node)], pattern: &Pattern) -> Option<&'n Node> {
    let at = children.binary_search_by(|(child, _)| child.cmp(pattern)).ok()?;
    children.get(at).map(|(_, node)| node)
}
