//! The public face: what to generate, from what, and where to.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::diag::{self, Code, Diagnostic, Diagnostics};
use crate::emit;
use crate::inspect;
use crate::ir::{Client, Crate, Side, Sides};
use crate::manifest;
use crate::pipeline::{self, Input, Lowered, Output};
use crate::sink::{self, DifferenceKind, OutputFile};
use crate::source::Sources;

/// Generates code: a package, or a module for a build script to put into a package.
///
/// With [`manifest`](Self::manifest), or with [`spec`](Self::spec) and [`crate_name`](Self::crate_name), the output is a package. With
/// `spec` alone it is one file, `specsmith.rs`, with a module for each document, to be included:
///
/// ```no_run
/// // build.rs
/// fn main() -> Result<(), specsmith::Failure> {
///     specsmith::Builder::new().spec("api/JobApi.json").overlay("api/JobApi.overlay.yaml").generate()?;
///     Ok(())
/// }
/// ```
///
/// ```ignore
/// // lib.rs
/// include!(concat!(env!("OUT_DIR"), "/specsmith.rs"));
/// ```
///
/// The package that includes the module depends on `specsmith-runtime`, with its feature `reqwest` where
/// [`reqwest`](Self::reqwest) is on, and `server` where [`server`](Self::server) is.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    manifest: Option<PathBuf>,
    specs: Vec<PathBuf>,
    overlays: Vec<PathBuf>,
    no_overlays: bool,
    allowed_roots: Vec<PathBuf>,
    out_dir: Option<PathBuf>,
    crate_name: Option<String>,
    runtime_path: Option<PathBuf>,
    reqwest: bool,
    client_only: bool,
    server_only: bool,
    server: bool,
    force: bool,
    quiet: bool,
}

impl Builder {
    /// Nothing to generate yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Generates what a manifest says.
    #[must_use]
    pub fn manifest(mut self, path: impl Into<PathBuf>) -> Self {
        self.manifest = Some(path.into());
        self
    }

    /// Generates a client from this document, Swagger 2.0 in JSON or YAML. May be called again, in any order.
    #[must_use]
    pub fn spec(mut self, path: impl Into<PathBuf>) -> Self {
        self.specs.push(path.into());
        self
    }

    /// Applies this overlay (OpenAPI Overlay 1.0 or 1.1) to the document that it extends. May be called again; overlays
    /// of the same document are applied in this order.
    #[must_use]
    pub fn overlay(mut self, path: impl Into<PathBuf>) -> Self {
        self.overlays.push(path.into());
        self
    }

    /// Leaves out all overlays, also those of the manifest: the documents to the letter.
    #[must_use]
    pub fn no_overlays(mut self, leave_out: bool) -> Self {
        self.no_overlays = leave_out;
        self
    }

    /// Refuses `$ref`s to files outside this folder, wherever symbolic links lead to; otherwise they may lead to any file relative to the
    /// document. May be called again, for another folder. The documents themselves, overlays and the manifest may be anywhere.
    #[must_use]
    pub fn allow_root(mut self, folder: impl Into<PathBuf>) -> Self {
        self.allowed_roots.push(folder.into());
        self
    }

    /// Writes to this folder, rather than the one of the manifest or a build script's `OUT_DIR`.
    #[must_use]
    pub fn out_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(path.into());
        self
    }

    /// Makes a package of this name from the documents.
    #[must_use]
    pub fn crate_name(mut self, name: impl Into<String>) -> Self {
        self.crate_name = Some(name.into());
        self
    }

    /// Lets the package depend on the runtime in this folder, rather than in the registry.
    #[must_use]
    pub fn runtime_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.runtime_path = Some(path.into());
        self
    }

    /// Gives the clients of a module a constructor that uses reqwest. Packages have one behind a feature.
    #[must_use]
    pub fn reqwest(mut self, with: bool) -> Self {
        self.reqwest = with;
        self
    }

    /// Gives a module the traits of a server beside the clients. Packages have them behind a feature.
    #[must_use]
    pub fn server(mut self, with: bool) -> Self {
        self.server = with;
        self
    }

    /// Leaves out the traits of a server, and a package's feature `server`.
    #[must_use]
    pub fn client_only(mut self, only: bool) -> Self {
        self.client_only = only;
        self
    }

    /// Leaves out the clients, and a package's features `client` and `reqwest`: there are models and the traits of a server.
    #[must_use]
    pub fn server_only(mut self, only: bool) -> Self {
        self.server_only = only;
        self
    }

    /// Overwrites also files that the generator did not write, and removes what is no longer generated also where it was edited by
    /// hand. Generated files are overwritten in any case.
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Prints no `cargo::rerun-if-changed` lines, which otherwise come wherever `OUT_DIR` is set, as in build scripts.
    #[must_use]
    pub fn quiet(mut self, quiet: bool) -> Self {
        self.quiet = quiet;
        self
    }

    /// Generates and writes. Files that would not change are not touched. Waits while another run writes to the folder.
    ///
    /// # Errors
    ///
    /// Where a file cannot be read or written, a document is not valid, or a file that the generator did not write is in the way.
    /// The output folder is then as it was.
    pub fn generate(&self) -> Result<Summary, Failure> {
        let (mut run, files) = self.files()?;
        let out = self.out(run.output.as_ref())?;
        let written = sink::write(&out, &files, self.force, &mut run.diagnostics);
        match (written, run.output) {
            (Some(written), Some(output)) => Ok(Summary {
                out,
                documents: output.documents,
                overlays: output.overlays,
                operations: output.ir.clients.iter().map(|client| methods(client, output.ir.sides)).sum(),
                models: output.ir.clients.iter().map(|client| client.models.len()).sum(),
                files: files.len(),
                changed: written.created.len() + written.updated.len(),
                removed: written.removed.len(),
                warnings: Messages { diagnostics: run.diagnostics, sources: run.sources },
            }),
            (_, output) => Err(Failure::new(Lowered { sources: run.sources, diagnostics: run.diagnostics, output })),
        }
    }

    /// Generates, and compares with what stands in the output folder.
    ///
    /// # Errors
    ///
    /// As [`generate`](Self::generate), but for writing.
    pub fn check(&self) -> Result<Vec<Difference>, Failure> {
        let (mut run, files) = self.files()?;
        let out = self.out(run.output.as_ref())?;
        let differences = sink::compare(&out, &files, &mut run.diagnostics);
        if run.diagnostics.has_errors() {
            return Err(Failure::new(run));
        }
        Ok(differences.into_iter().map(|difference| Difference::new(&out, difference)).collect())
    }

    /// What the documents come to: clients, operations and models, as JSON.
    ///
    /// # Errors
    ///
    /// As [`generate`](Self::generate), but for writing.
    pub fn inspect(&self) -> Result<Inspection, Failure> {
        let run = self.lower(self.sides(true)?)?;
        match &run.output {
            Some(output) => {
                let value = inspect::json(&output.ir, &run.sources);
                Ok(Inspection { value, warnings: Messages { diagnostics: run.diagnostics, sources: run.sources } })
            }
            None => Err(Failure::new(run)),
        }
    }

    fn files(&self) -> Result<(Lowered, Vec<OutputFile>), Failure> {
        let mut run = self.lower(self.sides(self.is_package() || self.server)?)?;
        let files = match &run.output {
            Some(output) if self.is_package() => emit::files(&output.ir, &output.package),
            Some(output) => {
                run.diagnostics.extend(deep_models(&output.ir));
                vec![emit::module(&output.ir, self.reqwest)]
            }
            None => return Err(Failure::new(run)),
        };
        Ok((run, files))
    }

    fn is_package(&self) -> bool {
        self.specs.is_empty() || self.crate_name.is_some()
    }

    /// What is asked for; `server` says whether that is a server too if nothing is said.
    fn sides(&self, server: bool) -> Result<Sides, Failure> {
        let (client_only, server_only) = (self.client_only, self.server_only);
        if client_only && (server_only || self.server) {
            let message = "a client only, and a server too: one rules out the other";
            return Err(Failure::usage(message, "ask for one side only, or say nothing for both"));
        }
        Ok(Sides { client: !server_only, server: server_only || (server && !client_only) })
    }

    fn lower(&self, sides: Sides) -> Result<Lowered, Failure> {
        if let Some(name) = self.crate_name.as_ref().filter(|name| !manifest::is_package_name(name)) {
            let message = format!("`{name}` is no name for a package");
            return Err(Failure::usage(message, "write letters, digits, `-` and `_`, a letter first"));
        }
        if let Some(path) = self.runtime_path.as_ref().filter(|path| !path.join("Cargo.toml").is_file()) {
            let message = format!("`{}` is not the folder of specsmith-runtime: it has no Cargo.toml", path.display());
            return Err(Failure::usage(message, "name the folder of that package, or leave it out for the registry's"));
        }
        let roots = self.allowed_roots.iter().map(|root| match root.canonicalize() {
            Ok(real) if real.is_dir() => Ok(real),
            _ => {
                let message = format!("`{}` is not a folder that references can be confined to", root.display());
                Err(Failure::usage(message, "name a folder that there is"))
            }
        });
        let run = pipeline::run(&self.input(), sides, roots.collect::<Result<_, _>>()?);
        if !self.quiet && std::env::var_os("OUT_DIR").is_some() {
            for path in run.sources.paths() {
                if let Some(line) = rerun_if_changed(path) {
                    println!("{line}");
                }
            }
        }
        if run.output.is_none() { Err(Failure::new(run)) } else { Ok(run) }
    }

    fn input(&self) -> Input {
        if self.specs.is_empty() {
            let path = self.manifest.clone().unwrap_or_else(|| PathBuf::from("specsmith.yaml"));
            return Input::Manifest { path, overlays: !self.no_overlays, out: self.out_dir.clone() };
        }
        Input::Specs {
            specs: self.specs.clone(),
            overlays: if self.no_overlays { Vec::new() } else { self.overlays.clone() },
            crate_name: self.crate_name.clone().unwrap_or_else(|| "specsmith".to_owned()),
            runtime: self.runtime_path.as_deref().map(|path| match &self.out_dir {
                Some(out) => pipeline::way(out, path),
                None => pipeline::absolute(path).display().to_string(),
            }),
        }
    }

    fn out(&self, output: Option<&Output>) -> Result<PathBuf, Failure> {
        let own = self.out_dir.clone().or_else(|| output.and_then(|output| output.out.clone()));
        own.or_else(|| std::env::var_os("OUT_DIR").map(PathBuf::from)).ok_or_else(|| {
            let message = "no output folder is given, and `OUT_DIR` is not set";
            Failure::usage(message, "say where to write, with `Builder::out_dir` or from a build script")
        })
    }
}

/// What tells cargo of a file; `None` for a path that would tell it something else, by a line break in it.
fn rerun_if_changed(path: &Path) -> Option<String> {
    let path = path.display().to_string();
    (!path.contains(['\n', '\r'])).then(|| format!("cargo::rerun-if-changed={path}"))
}

/// A module cannot have what its crate needs; a package has it.
fn deep_models(ir: &Crate) -> Option<Diagnostic> {
    let limit = ir.recursion_limit()?;
    let deepest = ir.clients.iter().max_by_key(|client| client.depth)?;
    let message =
        format!("the models of the client `{}` are nested too deeply for rustc's recursion limit", deepest.module);
    let place = deepest.models.first()?;
    let help = format!("write `#![recursion_limit = \"{limit}\"]` into the crate that includes the module");
    Some(Diagnostic::new(Code::DeepModels, message).at(&place.at).help(help))
}

/// Methods of a client, or of its traits where there is no client.
fn methods(client: &Client, sides: Sides) -> usize {
    let operations = client.groups.iter().flat_map(|group| &group.operations);
    match sides.client {
        true => operations.filter(|operation| operation.side != Side::Server).count(),
        false => client.services.iter().map(|service| service.handlers.len()).sum(),
    }
}

/// What was read and written.
#[derive(Debug)]
#[non_exhaustive]
pub struct Summary {
    /// The output folder.
    pub out: PathBuf,
    /// Documents that clients are made from.
    pub documents: usize,
    /// Overlays that were applied.
    pub overlays: usize,
    /// Methods of the clients; where they are left out, of the servers' traits.
    pub operations: usize,
    /// Types of models.
    pub models: usize,
    /// Files in the output, beside the ledger.
    pub files: usize,
    /// Files that were written, since they are new or other than before.
    pub changed: usize,
    /// Files that were removed, since they are no longer generated.
    pub removed: usize,
    /// What should be known nevertheless.
    pub warnings: Messages,
}

/// What the documents come to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// `ir_version`, `clients`, `operations`, `models`.
    pub value: Value,
    /// What should be known nevertheless.
    pub warnings: Messages,
}

/// A file that is not what would be generated.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Difference {
    /// The file.
    pub path: PathBuf,
    /// What is the matter, in a few words.
    pub what: &'static str,
    /// What would change, as a unified diff, where that helps.
    pub diff: Option<String>,
}

impl Difference {
    fn new(out: &Path, difference: sink::Difference) -> Self {
        let (what, diff) = match difference.kind {
            DifferenceKind::Missing => ("is missing", None),
            DifferenceKind::Changed { diff } => ("is not what would be generated", Some(diff)),
            DifferenceKind::Stale => ("is no longer generated", None),
            DifferenceKind::Stray => ("is not generated: it does not belong here", None),
            DifferenceKind::Ledger => ("lists other files, or other contents", None),
            DifferenceKind::Interrupted => ("was left by a run that was interrupted", None),
        };
        Self { path: out.join(difference.path), what, diff }
    }
}

/// Diagnostics, with the files that they speak of.
#[derive(Default)]
pub struct Messages {
    diagnostics: Diagnostics,
    sources: Sources,
}

impl Messages {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.diagnostics.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter()
    }

    /// As text, with the lines that they speak of.
    pub fn to_text(&self, color: bool) -> String {
        diag::render_text(self.diagnostics.as_slice(), &self.sources, color)
    }

    /// As JSON, one object a line.
    pub fn to_json(&self) -> String {
        diag::render_json(self.diagnostics.as_slice(), &self.sources)
    }

    /// As a log of SARIF 2.1.0, also where there is none: the log says so.
    pub fn to_sarif(&self) -> String {
        diag::render_sarif(self.diagnostics.as_slice(), &self.sources)
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(false))
    }
}

/// Why nothing was generated: all that is wrong.
///
/// Its `Debug` is its `Display`, so that a build script may return it from `main`.
pub struct Failure(Box<Messages>);

impl Failure {
    fn new(run: Lowered) -> Self {
        Self(Box::new(Messages { diagnostics: run.diagnostics, sources: run.sources }))
    }

    /// A call that makes no sense, and what to do about it: for tools that put arguments of their own in front of a [`Builder`].
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        let mut messages = Messages::default();
        messages.diagnostics.push(Diagnostic::new(Code::Usage, message).help(help));
        Self(Box::new(messages))
    }

    /// The problems.
    pub fn messages(&self) -> &Messages {
        &self.0
    }

    /// The problems alone.
    pub fn into_messages(self) -> Messages {
        *self.0
    }

    /// Whether it is for a file that cannot be read, or for a call that makes no sense, rather than for what stands in a document.
    pub fn is_unreadable(&self) -> bool {
        self.codes().any(|code| matches!(code, Code::Usage | Code::Unreadable))
    }

    /// As text, with the lines that it speaks of.
    pub fn to_text(&self, color: bool) -> String {
        self.0.to_text(color)
    }

    /// The codes of the problems.
    pub fn codes(&self) -> impl Iterator<Item = Code> + '_ {
        self.0.iter().map(|diagnostic| diagnostic.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_text(false).trim_end())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_told_nothing_by_a_path() {
        assert_eq!(rerun_if_changed(Path::new("a b")).as_deref(), Some("cargo::rerun-if-changed=a b"));
        assert_eq!(rerun_if_changed(Path::new("a\ncargo::rustc-link-arg=b")), None);
    }
}
