//! Linking: each reference gets the node at the end of its chain, or an error.

use std::collections::{HashMap, HashSet};

use indexmap::{IndexMap, IndexSet};

use super::load::Link;
use super::{Kind, Links, Node, walk};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Location};
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
            let problem = chains.problem(kind, reference);
            // A node that was hoisted is met twice.
            diags.extend(problem.filter(|_| told.insert(reference.at.clone())));
        });
    }
    chains.report_cycles(diags);
    let ends = |links: &HashMap<String, Link>| {
        links.iter().filter_map(|(text, link)| Some((text.clone(), chains.end(link)?))).collect()
    };
    links.iter().map(|(file, links)| (*file, ends(links))).collect()
}

struct Chains<'g> {
    documents: &'g IndexMap<FileId, Document>,
    links: &'g Links<Link>,
}

impl<'g> Chains<'g> {
    fn link(&self, reference: &Ref) -> Option<&'g Link> {
        self.links.get(&reference.at.file)?.get(&reference.target)
    }

    /// What is wrong with a reference.
    fn problem(&self, kind: Kind, reference: &Ref) -> Option<Diagnostic> {
        match self.link(reference)? {
            Link::Nowhere(problem) => problem.clone().map(|problem| problem.at_value(&reference.at)),
            Link::To(node) if node.kind == kind => None,
            Link::To(node) => {
                let (found, needed) = (node.kind.noun(), kind.noun());
                let message = format!("`{}` is {found}; {needed} is needed here", reference.target);
                let problem = Diagnostic::new(Code::WrongKind, message)
                    .at_value(&reference.at)
                    .help(format!("name {needed}, under `{}`", kind.section()));
                Some(match self.place(node) {
                    Some(place) => problem.label(place, format!("{found} is defined here")),
                    None => problem,
                })
            }
        }
    }

    /// Where a node stands.
    fn place(&self, node: &Node) -> Option<&'g Location> {
        let (document, name) = (self.documents.get(&node.id.file)?, &node.id.name);
        Some(match node.kind {
            Kind::Schema => &document.definitions.get(name)?.at,
            Kind::Parameter => match document.parameters.get(name)? {
                OrRef::Item(parameter) => &parameter.at,
                OrRef::Ref(reference) => &reference.at,
            },
            Kind::Response => match document.responses.get(name)? {
                OrRef::Item(response) => &response.at,
                OrRef::Ref(reference) => &reference.at,
            },
        })
    }

    /// The reference that a node is, if it is nothing else.
    fn alias(&self, node: &Node) -> Option<&'g Ref> {
        let (document, name) = (self.documents.get(&node.id.file)?, &node.id.name);
        match node.kind {
            Kind::Schema => document.definitions.get(name)?.reference.as_deref(),
            Kind::Parameter => target(document.parameters.get(name)?),
            Kind::Response => target(document.responses.get(name)?),
        }
    }

    /// From `node`, reference by reference, to the first one that is none, that was there already, or that leads nowhere.
    fn chain<'n>(&self, node: &'n Node) -> (IndexSet<&'n Node>, End<'n>)
    where
        'g: 'n,
    {
        let mut chain = IndexSet::from([node]);
        let mut last = node;
        while let Some(reference) = self.alias(last) {
            match self.link(reference) {
                Some(Link::To(next)) if next.kind == node.kind => {
                    if let Some(start) = chain.get_index_of(next) {
                        return (chain, End::Cycle { start });
                    }
                    chain.insert(next);
                    last = next;
                }
                _ => return (chain, End::Nowhere),
            }
        }
        (chain, End::At(last))
    }

    fn end(&self, link: &Link) -> Option<Node> {
        match self.chain(link.node()?).1 {
            End::At(node) => Some(node.clone()),
            End::Cycle { .. } | End::Nowhere => None,
        }
    }

    /// Each cycle once, however many references lead into it.
    fn report_cycles(&self, diags: &mut Diagnostics) {
        let mut seen = HashSet::new();
        for links in self.documents.keys().filter_map(|file| self.links.get(file)) {
            let mut nodes: Vec<&Node> = links.values().filter_map(Link::node).collect();
            nodes.sort_by_key(|node| (&node.id, node.kind.section()));
            for node in nodes {
                let (chain, End::Cycle { start }) = self.chain(node) else { continue };
                let cycle: Vec<&Node> = chain.into_iter().skip(start).collect();
                let mut places = cycle.iter().filter_map(|node| self.alias(node));
                let Some(place) = places.next() else { continue };
                if cycle.iter().all(|node| seen.insert((*node).clone())) {
                    let names: Vec<&str> = cycle.iter().map(|node| node.id.name.as_str()).collect();
                    let message = format!("a `$ref` leads back to itself: {}", super::cycle::round(&names));
                    let problem = Diagnostic::new(Code::ReferenceCycle, message)
                        .at_value(&place.at)
                        .help("write in one of them what is meant, in place of its `$ref`");
                    diags.push(places.fold(problem, |problem, next| problem.label_value(&next.at, "which leads on")));
                }
            }
        }
    }
}

/// How a chain of references ends.
enum End<'n> {
    At(&'n Node),
    Nowhere,
    /// In the node at this index of the chain.
    Cycle {
        start: usize,
    },
}

fn target<T>(node: &OrRef<T>) -> Option<&Ref> {
    match node {
        OrRef::Ref(reference) => Some(reference),
        OrRef::Item(_) => None,
    }
}
