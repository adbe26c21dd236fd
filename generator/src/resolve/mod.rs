//! From root documents to a graph: every file that their `$ref`s name, and where each `$ref` leads.

mod cycle;
mod link;
mod load;
mod target;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use self::load::Loader;
use crate::diag::{Diagnostics, FileId};
use crate::source::Sources;
use crate::spec::{Document, OrRef, Parameter, Ref, Response, Schema};

/// A schema with a name: `#/definitions/NAME` of a file.
///
/// A schema that a `$ref` names and that stands elsewhere is put among its file's definitions, under a name made of the
/// pointer; its location is still where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DefinitionId {
    pub file: FileId,
    pub name: String,
}

/// What a `$ref` may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Schema,
    Parameter,
    Response,
}

/// An entry of a document's `definitions`, `parameters` or `responses`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    kind: Kind,
    id: DefinitionId,
}

impl Node {
    fn new(kind: Kind, file: FileId, name: String) -> Self {
        Self { kind, id: DefinitionId { file, name } }
    }
}

/// Where the references of each file lead, by what they say.
type Links<T> = HashMap<FileId, HashMap<String, T>>;

/// Documents, and where their references lead.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// Roots first; of the others only what can be referred to was read, they have no paths.
    pub documents: IndexMap<FileId, Document>,
    paths: HashMap<FileId, PathBuf>,
    links: Links<Node>,
}

/// Reads the roots and all that they refer to.
///
/// After an error, references may lead nowhere and `allOf` in circles.
pub(crate) fn resolve(roots: &[FileId], sources: &mut Sources, diags: &mut Diagnostics) -> Graph {
    let (documents, links) = Loader::new(sources, diags).run(roots);
    let links = link::settle(&documents, &links, diags);
    let paths = documents.keys().map(|&file| (file, sources.file(file).path.clone())).collect();
    let graph = Graph { documents, paths, links };
    cycle::report(&graph, diags);
    graph
}

impl Graph {
    /// The schema that a reference leads to, and its name. Definitions that are only another reference are passed through.
    pub(crate) fn definition(&self, reference: &Ref) -> Option<(DefinitionId, &Schema)> {
        let node = self.node(reference, Kind::Schema)?;
        Some((node.id.clone(), self.definition_by_id(&node.id)?))
    }

    /// The schema of this name.
    pub(crate) fn definition_by_id(&self, id: &DefinitionId) -> Option<&Schema> {
        self.documents.get(&id.file)?.definitions.get(&id.name)
    }

    /// Every schema with a name, those that are only a reference among them: document by document, in the order of each.
    pub(crate) fn definitions(&self) -> impl Iterator<Item = (DefinitionId, &Schema)> {
        self.documents.iter().flat_map(|(&file, document)| {
            let definitions = document.definitions.iter();
            definitions.map(move |(name, schema)| (DefinitionId { file, name: name.clone() }, schema))
        })
    }

    /// The name of a document's file, without its folder.
    pub(crate) fn file_name(&self, file: FileId) -> String {
        self.name_of(file, Path::file_name)
    }

    /// The name of a document's file, without folder and extension.
    pub(crate) fn stem(&self, file: FileId) -> String {
        self.name_of(file, Path::file_stem)
    }

    fn name_of(&self, file: FileId, part: fn(&Path) -> Option<&OsStr>) -> String {
        let name = self.paths.get(&file).and_then(|path| part(path)).unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The parameter itself.
    pub(crate) fn parameter<'g>(&'g self, parameter: &'g OrRef<Parameter>) -> Option<&'g Parameter> {
        match parameter {
            OrRef::Item(parameter) => Some(parameter),
            OrRef::Ref(reference) => {
                let id = &self.node(reference, Kind::Parameter)?.id;
                item(self.documents.get(&id.file)?.parameters.get(&id.name)?)
            }
        }
    }

    /// The response itself.
    pub(crate) fn response<'g>(&'g self, response: &'g OrRef<Response>) -> Option<&'g Response> {
        match response {
            OrRef::Item(response) => Some(response),
            OrRef::Ref(reference) => {
                let id = &self.node(reference, Kind::Response)?.id;
                item(self.documents.get(&id.file)?.responses.get(&id.name)?)
            }
        }
    }

    fn node(&self, reference: &Ref, kind: Kind) -> Option<&Node> {
        let node = self.links.get(&reference.at.file)?.get(&reference.target)?;
        (node.kind == kind).then_some(node)
    }
}

fn item<T>(node: &OrRef<T>) -> Option<&T> {
    match node {
        OrRef::Item(item) => Some(item),
        OrRef::Ref(_) => None,
    }
}

impl Kind {
    /// The section of a document in which such nodes have names.
    fn section(self) -> &'static str {
        match self {
            Self::Schema => "definitions",
            Self::Parameter => "parameters",
            Self::Response => "responses",
        }
    }

    fn of_section(section: &str) -> Option<Self> {
        [Self::Schema, Self::Parameter, Self::Response].into_iter().find(|kind| kind.section() == section)
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Schema => "a schema",
            Self::Parameter => "a parameter",
            Self::Response => "a response",
        }
    }

    /// The names of this kind's nodes in a document.
    fn names(self, document: &Document) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            Self::Schema => Box::new(document.definitions.keys().map(String::as_str)),
            Self::Parameter => Box::new(document.parameters.keys().map(String::as_str)),
            Self::Response => Box::new(document.responses.keys().map(String::as_str)),
        }
    }

    fn has(self, document: &Document, name: &str) -> bool {
        match self {
            Self::Schema => document.definitions.contains_key(name),
            Self::Parameter => document.parameters.contains_key(name),
            Self::Response => document.responses.contains_key(name),
        }
    }
}
