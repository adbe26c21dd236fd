//! Loading: files are read, and nodes that stand in no section are put into one, until no reference names a new one.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::Value;

use super::target::{Target, in_other_case, normalized};
use super::{Kind, Links, Node, walk};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Location, Pointer};
use crate::source::Sources;
use crate::spec::{Document, Ref, nearest, parse, parse_fragment, parse_parameter, parse_response, parse_schema};

/// Where one reference leads.
#[derive(Debug)]
pub(super) enum Link {
    To(Node),
    /// Nowhere: what to say of each place that has it. `None`: the reason has been said where it lies.
    Nowhere(Option<Diagnostic>),
}

impl Link {
    pub(super) fn node(&self) -> Option<&Node> {
        match self {
            Self::To(node) => Some(node),
            Self::Nowhere(_) => None,
        }
    }
}

pub(super) struct Loader<'a> {
    sources: &'a mut Sources,
    diags: &'a mut Diagnostics,
    documents: IndexMap<FileId, Document>,
    /// `None`: the file is no document, which has been said.
    files: HashMap<PathBuf, Option<FileId>>,
    /// Those that were parsed, also if they turned out to be no documents.
    parsed: HashSet<FileId>,
    links: Links<Link>,
    pending: VecDeque<(Kind, Ref)>,
    hoisted: HashMap<Location, Node>,
    /// What the first `seen` diagnostics are of.
    said: HashSet<(Code, Option<Location>)>,
    seen: usize,
}

impl<'a> Loader<'a> {
    pub(super) fn new(sources: &'a mut Sources, diags: &'a mut Diagnostics) -> Self {
        Self {
            sources,
            diags,
            documents: IndexMap::new(),
            files: HashMap::new(),
            parsed: HashSet::new(),
            links: Links::new(),
            pending: VecDeque::new(),
            hoisted: HashMap::new(),
            said: HashSet::new(),
            seen: 0,
        }
    }

    pub(super) fn run(mut self, roots: &[FileId]) -> (IndexMap<FileId, Document>, Links<Link>) {
        for &root in roots {
            if self.parsed.insert(root)
                && let Some(document) = parse(root, self.sources.value(root), self.diags)
            {
                self.add(root, document);
            }
        }
        while let Some((kind, reference)) = self.pending.pop_front() {
            let link = match self.follow(kind, &reference) {
                Ok(node) => Link::To(node),
                Err(problem) => Link::Nowhere(problem),
            };
            self.links.entry(reference.at.file).or_default().insert(reference.target, link);
        }
        (self.documents, self.links)
    }

    fn add(&mut self, file: FileId, document: Document) {
        self.collect(|visit| walk::document(&document, visit));
        self.documents.insert(file, document);
    }

    /// Puts the references of a new node on the list, each text of a file once.
    fn collect(&mut self, walk: impl FnOnce(&mut walk::Visit<'_>)) {
        let (links, pending) = (&mut self.links, &mut self.pending);
        walk(&mut |kind, reference| {
            let links = links.entry(reference.at.file).or_default();
            if !links.contains_key(&reference.target) {
                links.insert(reference.target.clone(), Link::Nowhere(None));
                pending.push_back((kind, reference.clone()));
            }
        });
    }

    fn follow(&mut self, kind: Kind, reference: &Ref) -> Result<Node, Option<Diagnostic>> {
        let target = Target::parse(&reference.target)?;
        let file = match target.file {
            None => reference.at.file,
            Some(path) => self.file(kind, reference, &path)?,
        };
        let place = Location { file, pointer: target.pointer };
        let steps: Vec<String> = place.pointer.steps().collect();
        let entry = match steps.as_slice() {
            [section, name] => Kind::of_section(section).map(|kind| (kind, name)),
            _ => None,
        };
        match entry {
            Some((kind, name)) => self.named(kind, name, &place, reference),
            None => self.hoist(kind, place, &steps, reference),
        }
    }

    /// Reads the file that a reference names.
    fn file(&mut self, kind: Kind, reference: &Ref, to: &Path) -> Result<FileId, Option<Diagnostic>> {
        let from = &self.sources.file(reference.at.file).path;
        let path = normalized(&from.parent().unwrap_or(Path::new("")).join(to));
        if let Some(known) = self.files.get(&path) {
            return known.ok_or(None);
        }
        if !self.sources.allows(&path) {
            let message =
                format!("`{}` leads out of the folders that are allowed, to `{}`", reference.target, path.display());
            let help = "put the file into one of them, or allow its folder with `--allow-root`";
            return Err(Some(Diagnostic::new(Code::OutsideRoot, message).help(help)));
        }
        let Some(file) = self.load(&path) else {
            if path.is_file() {
                self.files.insert(path, None);
                return Err(None);
            }
            // Said of one reference to it; the others follow.
            let problem = self.no_file(kind, reference, &path);
            self.files.insert(path, None);
            return Err(Some(problem));
        };
        if self.parsed.insert(file)
            && let Some(fragment) = parse_fragment(file, self.sources.value(file), self.diags)
        {
            self.add(file, fragment);
        }
        let read = self.documents.contains_key(&file).then_some(file);
        self.files.insert(path, read);
        read.ok_or(None)
    }

    /// A file of the sources, which may hold texts that never were on a disk, or else of the disk.
    fn load(&mut self, path: &Path) -> Option<FileId> {
        let known = self.sources.iter().find(|(_, known)| normalized(&known.path) == path);
        match known {
            Some((file, known)) => (!known.value.is_null()).then_some(file),
            None if path.is_file() => self.sources.load(path, self.diags),
            None => None,
        }
    }

    fn no_file(&self, kind: Kind, reference: &Ref, path: &Path) -> Diagnostic {
        let text = &reference.target;
        let what = if path.exists() { "this is not a file:" } else { "there is no file" };
        let message = format!("`{text}` leads nowhere: {what} `{}`", path.display());
        let problem = Diagnostic::new(Code::DanglingReference, message);
        let document = self.documents.get(&reference.at.file);
        if let Some(spelled) = in_other_case(path) {
            problem.help(format!("the file's name is written `{}`", spelled.display()))
        } else if document.is_some_and(|document| kind.has(document, text)) {
            problem.help(format!("did you mean `#/{}/{text}`?", kind.section()))
        } else {
            problem.help("put the file there, or correct the path: it is relative to the folder of this file")
        }
    }

    /// An entry of a section.
    fn named(&self, kind: Kind, name: &str, place: &Location, reference: &Ref) -> Result<Node, Option<Diagnostic>> {
        let document = self.documents.get(&place.file).ok_or(None)?;
        if self.value(place).is_some() {
            // If it is there and not in the document, the parser has said what is wrong with it.
            let read = kind.has(document, name);
            return read.then(|| Node::new(kind, place.file, name.to_owned())).ok_or(None);
        }
        let problem = dangling(reference);
        let near = nearest(name, kind.names(document));
        Err(Some(match (near, reference.target.rsplit_once('/')) {
            (Some(near), Some((before, _))) => {
                let near = Pointer::root().join(near);
                problem.help(format!("did you mean `{before}{near}`?"))
            }
            _ => problem,
        }))
    }

    /// A node that stands in no section is put into its file's, under a name made of the pointer.
    fn hoist(
        &mut self,
        kind: Kind,
        place: Location,
        steps: &[String],
        reference: &Ref,
    ) -> Result<Node, Option<Diagnostic>> {
        if let Some(node) = self.hoisted.get(&place) {
            return Ok(node.clone());
        }
        let file = self.sources.file(place.file);
        if steps.is_empty() && file.value.get("swagger").is_some() {
            let message = format!("`{}` is a whole document, not {}", reference.target, kind.noun());
            let help = "add `#/` and where in the document it stands";
            return Err(Some(Diagnostic::new(Code::WrongKind, message).help(help)));
        }
        let Some(value) = self.value(&place) else { return Err(Some(dangling(reference))) };
        let document = self.documents.get(&place.file).ok_or(None)?;
        let stem = file.path.file_stem().unwrap_or_default().to_string_lossy();
        let name = free_name(steps, &stem, |name| kind.has(document, name));
        let mut said = Diagnostics::default();
        let hoisted = parse_node(kind, name.clone(), place.clone(), value, &mut said);
        self.report_news(said);
        self.collect(|visit| walk::document(&hoisted, visit));
        let document = self.documents.get_mut(&place.file).ok_or(None)?;
        document.definitions.extend(hoisted.definitions);
        document.parameters.extend(hoisted.parameters);
        document.responses.extend(hoisted.responses);
        if !kind.has(document, &name) {
            return Err(None);
        }
        let node = Node::new(kind, place.file, name);
        self.hoisted.insert(place, node.clone());
        Ok(node)
    }

    /// Of a node in a part of the document that was read before, everything has been said there.
    fn report_news(&mut self, said: Diagnostics) {
        if !said.is_empty() {
            let unseen = self.diags.iter().skip(self.seen);
            self.said.extend(unseen.map(|it| (it.code, it.location.clone())));
            self.seen = self.diags.len();
            let news = said.into_iter().filter(|it| !self.said.contains(&(it.code, it.location.clone())));
            self.diags.extend(news);
        }
    }

    fn value(&self, place: &Location) -> Option<&Value> {
        self.sources.value(place.file).pointer(place.pointer.as_str())
    }
}

/// A document that has only this node.
fn parse_node(kind: Kind, name: String, at: Location, value: &Value, diags: &mut Diagnostics) -> Document {
    let mut alone = Document::new(at.clone());
    match kind {
        Kind::Schema => alone.definitions.extend(parse_schema(at, value, diags).map(|it| (name, it))),
        Kind::Parameter => alone.parameters.extend(parse_parameter(at, value, diags).map(|it| (name, it))),
        Kind::Response => alone.responses.extend(parse_response(at, value, diags).map(|it| (name, it))),
    }
    alone
}

fn dangling(reference: &Ref) -> Diagnostic {
    let message = format!("`{}` leads nowhere", reference.target);
    Diagnostic::new(Code::DanglingReference, message).help("add what it names, or name what there is")
}

/// The last name in the pointer; if it is taken, with those before it; if that is not enough, with a number.
fn free_name(steps: &[String], file: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut names: Vec<&str> = steps
        .windows(2)
        .filter_map(|pair| match pair {
            [holder, name] => (names_things(holder) && !is_number(name)).then_some(name.as_str()),
            _ => None,
        })
        .collect();
    if names.is_empty() {
        names.push(steps.last().filter(|step| !is_number(step)).map_or(file, String::as_str));
    }
    let mut name = String::new();
    for step in names.iter().rev() {
        name = if name.is_empty() { (*step).to_owned() } else { format!("{step}_{name}") };
        if !taken(&name) {
            return name;
        }
    }
    (2_u64..).map(|number| format!("{name}_{number}")).find(|name| !taken(name)).unwrap_or(name)
}

/// Whether the keys of an object of this name are names.
fn names_things(key: &str) -> bool {
    matches!(
        key,
        "definitions"
            | "parameters"
            | "responses"
            | "properties"
            | "headers"
            | "paths"
            | "x-ms-paths"
            | "$defs"
            | "schemas"
    )
}

fn is_number(step: &str) -> bool {
    step.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hoisted_node_is_named_by_its_pointer() {
        let name = |pointer: &str, taken: &[&str]| {
            let steps: Vec<_> = Pointer::parse(pointer).steps().collect();
            free_name(&steps, "types", |name| taken.contains(&name))
        };
        assert_eq!(name("/definitions/A/properties/b", &["A"]), "b");
        assert_eq!(name("/definitions/A/properties/items/items", &["A"]), "items");
        assert_eq!(name("/definitions/A/properties/b", &["A", "b"]), "A_b");
        assert_eq!(name("/definitions/A/properties/b", &["b", "A_b", "A_b_2"]), "A_b_3");
        assert_eq!(name("/paths/~1x/get/responses/200/schema", &[]), "/x");
        assert_eq!(name("", &[]), "types");
        assert_eq!(name("/oneOf/1", &[]), "types");
    }
}
