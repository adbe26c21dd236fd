//! Linking: each reference gets the node at the end of its chain, or an error.

use std::collections::{HashMap, HashSet};

use indexmap::{IndexMap, IndexSet};

use super::load::Link;
use super::{Kind, Links, Node, walk};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId};
use crate::spec::{Document, OrRef, Ref};

/// Reports what leads nowhere, to another kind of node, or back to itself; what is left leads to nodes that are no references.
pub(super) fn settle(
    documents: &IndexMap<FileId, Document>,
    links: &Links<Link>,
    diags: &mut Diagnostics,
) -> Links<Node> {
    let chains = Chains { documents, links };
    let mut told = HashSet::new();
    for document in documents.values() {
        walk::document(document, &mut |kind, reference| {
            let problem = problem(kind, reference, chains.link(reference));
            // A node that was hoisted is met twice.
            diags.extend(problem.filter(|_| told.insert(reference.at.clone())));
        });
    }
    chains.report_cycles(diags);
    let mut known = HashMap::new();
    let mut ends: Links<Node> = Links::new();
    for (file, links) in links {
        let to = links.iter().filter_map(|(text, link)| Some((text.clone(), chains.end(link, &mut known)?.clone())));
        ends.insert(*file, to.collect());
    }
    ends
}

fn problem(kind: Kind, reference: &Ref, link: Option<&Link>) -> Option<Diagnostic> {
    match link? {
        Link::Nowhere(problem) => problem.clone().map(|problem| problem.at(&reference.at)),
        Link::To(node) if node.kind == kind => None,
        Link::To(node) => {
            let (found, needed) = (node.kind.noun(), kind.noun());
            let message = format!("`{}` is {found}; {needed} is needed here", reference.target);
            Some(Diagnostic::new(Code::WrongKind, message).at(&reference.at))
        }
    }
}

struct Chains<'g> {
    documents: &'g IndexMap<FileId, Document>,
    links: &'g Links<Link>,
}

impl<'g> Chains<'g> {
    fn link(&self, reference: &Ref) -> Option<&'g Link> {
        self.links.get(&reference.at.file)?.get(&reference.target)
    }

    /// The reference that a node is, if it is nothing else.
    fn alias(&self, node: &Node) -> Option<&'g Ref> {
        let (document, name) = (self.documents.get(&node.id.file)?, &node.id.name);
        match node.kind {
            Kind::Schema => document.definitions.get(name)?.reference.as_ref(),
            Kind::Parameter => target(document.parameters.get(name)?),
            Kind::Response => target(document.responses.get(name)?),
        }
    }

    /// The node that a node is a reference to, if it is one.
    fn next<'n>(&self, node: &'n Node) -> Next<'n>
    where
        'g: 'n,
    {
        match self.alias(node).map(|reference| self.link(reference)) {
            None => Next::Itself,
            Some(Some(Link::To(next))) if next.kind == node.kind => Next::Node(next),
            Some(_) => Next::Nowhere,
        }
    }

    /// From a link, reference by reference, to the node that is none. Every node is looked at once, however long the chains are.
    fn end(&self, link: &'g Link, known: &mut HashMap<&'g Node, Option<&'g Node>>) -> Option<&'g Node> {
        let mut node = link.node()?;
        let mut chain = Vec::new();
        let end = loop {
            if let Some(end) = known.get(node) {
                break *end;
            }
            chain.push(node);
            // What is met again before its end is known leads back to itself.
            known.insert(node, None);
            match self.next(node) {
                Next::Node(next) => node = next,
                Next::Itself => break Some(node),
                Next::Nowhere => break None,
            }
        };
        known.extend(chain.into_iter().map(|node| (node, end)));
        end
    }

    /// Each cycle once, however many references lead into it.
    fn report_cycles(&self, diags: &mut Diagnostics) {
        let mut seen = HashSet::new();
        for links in self.documents.keys().filter_map(|file| self.links.get(file)) {
            let mut nodes: Vec<&Node> = links.values().filter_map(Link::node).collect();
            nodes.sort_by_key(|node| &node.id);
            for mut node in nodes {
                let mut chain = IndexSet::new();
                while seen.insert(node) {
                    chain.insert(node);
                    let Next::Node(next) = self.next(node) else { break };
                    node = next;
                }
                let Some(start) = chain.get_index_of(node).filter(|_| matches!(self.next(node), Next::Node(_))) else {
                    continue;
                };
                let cycle: Vec<&Node> = chain.into_iter().skip(start).collect();
                let Some(place) = cycle.first().and_then(|node| self.alias(node)) else { continue };
                let names: Vec<&str> = cycle.iter().map(|node| node.id.name.as_str()).collect();
                let message = format!("a `$ref` leads back to itself: {}", super::cycle::round(&names));
                diags.push(Diagnostic::new(Code::ReferenceCycle, message).at(&place.at));
            }
        }
    }
}

/// What comes after a node of a chain.
enum Next<'n> {
    Node(&'n Node),
    /// Nothing: it is no reference.
    Itself,
    Nowhere,
}

fn target<T>(node: &OrRef<T>) -> Option<&Ref> {
    match node {
        OrRef::Ref(reference) => Some(reference),
        OrRef::Item(_) => None,
    }
}
