//! The rooms in their order.

use std::path::{Component, Path, PathBuf};

use indexmap::IndexMap;

use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Location, Pointer};
use crate::emit::Package;
use crate::ir::{Crate, Sides};
use crate::lower::{ClientPlan, GroupPlan, Plan};
use crate::manifest::{self, Manifest};
use crate::naming::{self, Ident, Scope, Wanted};
use crate::source::Sources;
use crate::{lower, overlay, resolve};

/// What goes in.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    Manifest { path: PathBuf, overlays: bool, out: Option<PathBuf> },
    Specs { specs: Vec<PathBuf>, overlays: Vec<PathBuf>, crate_name: String, runtime: Option<String> },
}

/// What comes out before anything is written.
#[derive(Debug)]
pub(crate) struct Lowered {
    pub sources: Sources,
    pub diagnostics: Diagnostics,
    pub output: Option<Output>,
}

#[derive(Debug)]
pub(crate) struct Output {
    pub ir: Crate,
    pub package: Package,
    /// Where the manifest wants it; `None` without one.
    pub out: Option<PathBuf>,
    pub documents: usize,
    pub overlays: usize,
}

/// Runs everything up to the IR. Where there are `roots`, documents may refer to files in these folders only.
pub(crate) fn run(input: &Input, sides: Sides, roots: Vec<PathBuf>) -> Lowered {
    let mut sources = Sources::within(roots);
    let mut diagnostics = Diagnostics::default();
    let output = match input {
        Input::Manifest { path, overlays, out } => {
            with_manifest(path, *overlays, out.as_deref(), &mut sources, &mut diagnostics)
        }
        Input::Specs { specs, overlays, crate_name, runtime } => {
            let package = Package { runtime: runtime.clone(), own_workspace: true, ..Package::default() };
            let (plan, count) = without_manifest(specs, overlays, crate_name, &mut sources, &mut diagnostics);
            Some((plan, package, None, count))
        }
    };
    let output = output.and_then(|(mut plan, package, out, overlays)| {
        plan.sides = sides;
        let output = lower(&plan, &mut sources, &mut diagnostics)?;
        let documents = plan.clients.iter().map(|client| client.documents.len()).sum();
        Some(Output { ir: output, package, out, documents, overlays })
    });
    Lowered { sources, diagnostics, output }
}

fn lower(plan: &Plan, sources: &mut Sources, diagnostics: &mut Diagnostics) -> Option<Crate> {
    let roots: Vec<FileId> = plan.clients.iter().flat_map(|client| client.documents.iter().copied()).collect();
    // Also after errors, so that one run shows them all: what they left is lowered, and thrown away.
    let graph = resolve::resolve(&roots, sources, diagnostics);
    sources.forget_values();
    let mut ir = lower::lower(plan, &graph, diagnostics);
    for operation in ir.clients.iter_mut().flat_map(|client| &mut client.groups).flat_map(|group| &mut group.operations)
    {
        operation.overlay = sources.origin(&operation.at);
    }
    (!diagnostics.has_errors()).then_some(ir)
}

type Planned = (Plan, Package, Option<PathBuf>, usize);

fn with_manifest(
    path: &Path,
    overlays: bool,
    out: Option<&Path>,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Planned> {
    let file = sources.load(path, diagnostics)?;
    let manifest = manifest::parse(file, sources, diagnostics)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut clients = Vec::new();
    let mut applied = 0;
    for client in &manifest.clients {
        let mut documents = Vec::new();
        let errors = diagnostics.errors().count();
        for document in &client.documents {
            let Some(id) = sources.load_named(&folder.join(&document.path), Some(&document.at), diagnostics) else {
                continue;
            };
            documents.push(id);
            for (overlay, at) in document.overlays.iter().filter(|_| overlays) {
                if let Some(overlay) = sources.load_named(&folder.join(overlay), Some(at), diagnostics) {
                    overlay::apply(sources, id, overlay, diagnostics);
                    applied += 1;
                }
            }
        }
        let literal = !overlays && client.documents.iter().any(|document| !document.overlays.is_empty());
        let whole = !literal && diagnostics.errors().count() == errors;
        clients.push(client_plan(client, documents, overlays, whole));
    }
    let plan = Plan { crate_name: manifest.package.name.clone(), sides: Sides::BOTH, clients };
    let own = folder.join(&manifest.out);
    let out = out.unwrap_or(&own);
    let mut package = package(&manifest, folder);
    package.runtime = manifest.runtime.as_ref().map(|runtime| way(out, &folder.join(runtime)));
    // Elsewhere than the manifest says, the package has to stand alone.
    if plain(out) != plain(&own) {
        package.workspace_lints = false;
        package.own_workspace = true;
    }
    Some((plan, package, Some(own), applied))
}

fn client_plan(client: &manifest::Client, documents: Vec<FileId>, strict: bool, whole: bool) -> ClientPlan {
    let groups = client.groups.iter().map(|group| GroupPlan {
        module: group.module.clone(),
        description: group.description.clone(),
        operations: group
            .operations
            .iter()
            .map(|entry| (entry.name.clone(), entry.id.clone(), entry.at.clone()))
            .collect(),
    });
    ClientPlan {
        module: client.module.clone(),
        description: client.description.clone(),
        documents,
        parameters: client.parameters.clone(),
        groups: groups.collect(),
        models: client.models.clone(),
        fields: client.fields.clone(),
        parameter_names: client.parameter_names.clone(),
        flatten: client.flatten.clone(),
        validate: client.validate,
        strict,
        whole,
    }
}

fn package(manifest: &Manifest, folder: &Path) -> Package {
    let package = &manifest.package;
    let mut licenses = Vec::new();
    for name in ["LICENSE", "LICENSE-APACHE", "LICENSE-MIT"] {
        if let Ok(text) = std::fs::read_to_string(folder.join(name)) {
            // As everything that is generated, whatever git made of it.
            licenses.push((name.to_owned(), text.replace("\r\n", "\n")));
        }
    }
    Package {
        version: Some(package.version.clone()),
        description: package.description.clone(),
        license: package.license.clone(),
        repository: package.repository.clone(),
        rust_version: package.rust_version.clone(),
        authors: package.authors.clone(),
        keywords: package.keywords.clone(),
        categories: package.categories.clone(),
        default_clients: manifest.default_features.clone(),
        licenses,
        workspace_lints: package.workspace_lints,
        ..Package::default()
    }
}

/// A path that holds from wherever a package is built.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The way from one folder to another, with `/`; both relative to the current folder, or absolute.
pub(crate) fn way(from: &Path, to: &Path) -> String {
    let (from, to) = (plain(from), plain(to));
    let shared = from.iter().zip(to.iter()).take_while(|(left, right)| left == right).count();
    if shared == 0 {
        return to.display().to_string();
    }
    let up = from.iter().skip(shared).map(|_| "..".to_owned());
    let down = to.iter().skip(shared).map(|step| step.to_string_lossy().into_owned());
    let steps: Vec<String> = up.chain(down).collect();
    if steps.is_empty() { ".".to_owned() } else { steps.join("/") }
}

/// An absolute path without `.` and `..`. Links are followed as far as the path exists.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for step in absolute(path).components() {
        match step {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            step => plain.push(step),
        }
        plain = plain.canonicalize().unwrap_or(plain);
    }
    plain
}

fn without_manifest(
    specs: &[PathBuf],
    overlays: &[PathBuf],
    crate_name: &str,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> (Plan, usize) {
    let documents: Vec<FileId> = sorted(specs).into_iter().filter_map(|path| sources.load(path, diagnostics)).collect();
    let mut applied = 0;
    for path in overlays {
        let Some(overlay) = sources.load(path, diagnostics) else { continue };
        match overlay_target(&documents, overlay, sources) {
            Some(document) => {
                overlay::apply(sources, document, overlay, diagnostics);
                applied += 1;
            }
            // It may be for one that could not be read.
            None if documents.len() < specs.len() => {}
            None => {
                let at = Location { file: overlay, pointer: Pointer::root() };
                let message = match overlay::extends(sources, overlay) {
                    Some(extends) => format!("the overlay extends `{extends}`, which is none of the documents"),
                    None => "the overlay does not say which of the documents it is for".to_owned(),
                };
                diagnostics.push(
                    Diagnostic::new(Code::WrongDocument, message)
                        .at_value(&at.join("extends"))
                        .help("name one of the documents in its `extends`"),
                );
            }
        }
    }
    (plan(&documents, crate_name, sources), applied)
}

/// A client for each document, called after its file.
fn plan(documents: &[FileId], crate_name: &str, sources: &Sources) -> Plan {
    let mut scope = Scope::new(&[manifest::FEATURES, naming::RESERVED_FILES].concat());
    for document in documents {
        scope.collect(Wanted::new(module(sources, *document)).or(naming::snake("api")));
    }
    let clients = documents.iter().zip(scope.assign()).map(|(document, module)| ClientPlan {
        module,
        description: None,
        documents: vec![*document],
        parameters: Vec::new(),
        groups: Vec::new(),
        models: IndexMap::new(),
        fields: IndexMap::new(),
        parameter_names: IndexMap::new(),
        flatten: Vec::new(),
        validate: false,
        strict: false,
        whole: true,
    });
    Plan { crate_name: crate_name.to_owned(), sides: Sides::BOTH, clients: clients.collect() }
}

/// By name, so that the order of arguments makes no difference; by folder, where that is the same.
fn sorted(paths: &[PathBuf]) -> Vec<&PathBuf> {
    let mut paths: Vec<&PathBuf> = paths.iter().collect();
    paths.sort_by_cached_key(|path| (path.file_name().map(ToOwned::to_owned), plain(path)));
    paths
}

/// The same without a disk, for `fuzzing`.
#[cfg(feature = "fuzzing")]
pub(crate) fn in_memory(documents: &[FileId], sources: &mut Sources, diagnostics: &mut Diagnostics) -> Option<Crate> {
    let mut plan = plan(documents, "fuzzed", sources);
    plan.clients.iter_mut().for_each(|client| client.validate = true);
    lower(&plan, sources, diagnostics)
}

/// The document that an overlay extends, or the only one there is.
fn overlay_target(documents: &[FileId], overlay: FileId, sources: &Sources) -> Option<FileId> {
    match (overlay::extends(sources, overlay), documents) {
        (_, [only]) => Some(*only),
        (Some(extends), many) => {
            let wanted = extends.rsplit('/').next().unwrap_or_default().to_owned();
            let name =
                |file: &FileId| sources.file(*file).path.file_name().map(|name| name.to_string_lossy().into_owned());
            many.iter().find(|file| name(file).as_deref() == Some(&wanted)).copied()
        }
        (None, _) => None,
    }
}

fn module(sources: &Sources, file: FileId) -> Ident {
    let stem = sources.file(file).path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    naming::snake(&stem.unwrap_or_default())
}

#[cfg(test)]
mod smuggling;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_from_folder_to_folder() {
        let way = |from: &str, to: &str| way(Path::new(from), Path::new(to));
        assert_eq!(way("/nowhere/a/b", "/nowhere/c"), "../../c");
        assert_eq!(way("/nowhere/a", "/nowhere/a/b/c"), "b/c");
        assert_eq!(way("/nowhere/a/../b", "/nowhere/./b"), ".");
        assert_eq!(way("nowhere/out", "runtime"), way("./nowhere/out", "nowhere/../runtime"));
    }
}
