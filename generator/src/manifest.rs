//! The manifest, `specsmith.yaml`: which documents become which clients of which crate, and what things are called
//! in Rust.
//!
//! Paths are relative to the folder of the manifest. Names of Rust must be written as Rust wants them: what is
//! pinned here must come out as it is written. Whether the documents have what the manifest names is seen later.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::Value;

use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Location, Part, Pointer};
use crate::naming::{self, Case, Ident};
use crate::source::Sources;
use crate::spec::nearest;

mod check;
mod read;

pub(crate) use check::is_package_name;
use read::{Object, Reader};

/// What a manifest says.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub package: Package,
    /// The folder of the generated package; has no `..` in it.
    pub out: String,
    /// The folder of the runtime's package; `None` for the one of the registry.
    pub runtime: Option<String>,
    /// The clients that are on by default; empty for all.
    pub default_features: Vec<String>,
    pub clients: Vec<Client>,
}

/// What the generated package is called and says about itself.
#[derive(Debug, Default)]
pub(crate) struct Package {
    pub name: String,
    pub version: String,
    pub description: Option<String>,
    pub license: Option<String>,
    pub repository: Option<String>,
    pub rust_version: Option<String>,
    pub authors: Vec<String>,
    pub keywords: Vec<String>,
    pub categories: Vec<String>,
    /// Whether the lints are those of the workspace around.
    pub workspace_lints: bool,
}

/// One client: a module and a feature of the generated crate.
#[derive(Debug)]
pub(crate) struct Client {
    pub module: Ident,
    pub description: Option<String>,
    pub documents: Vec<Document>,
    /// Parameters given once, when the client is made, by their names on the wire, and where it is said.
    pub parameters: Vec<(String, Location)>,
    /// Empty where the operations' ids make the groups.
    pub groups: Vec<Group>,
    /// Definition to type, and where it is said.
    pub models: IndexMap<String, (Ident, Location)>,
    /// `Definition.property` to field, and where it is said.
    pub fields: IndexMap<String, (Ident, Location)>,
    /// `OperationId.parameter` or `*.parameter` to argument, and where it is said.
    pub parameter_names: IndexMap<String, (Ident, Location)>,
    /// `OperationId.parameter` of bodies whose properties are asked for one by one, and where it is said.
    pub flatten: Vec<(String, Location)>,
    /// Whether servers hold requests to the limits of the documents.
    pub validate: bool,
}

/// A document with its overlays, in the order in which they are applied.
#[derive(Debug)]
pub(crate) struct Document {
    pub path: String,
    pub overlays: Vec<(String, Location)>,
    /// Where the path stands.
    pub at: Location,
}

/// Operations that are reached through one method of the client.
#[derive(Debug)]
pub(crate) struct Group {
    pub module: Ident,
    pub description: Option<String>,
    pub operations: Vec<Entry>,
}

/// A method and its operation.
#[derive(Debug)]
pub(crate) struct Entry {
    pub name: Ident,
    /// The `operationId`.
    pub id: String,
    /// Where it is said.
    pub at: Location,
}

/// Features and modules of the generated crate that are no clients. In `src/bin`, cargo would look for programs.
pub(crate) const FEATURES: &[&str] =
    &["bin", "client", "default", "lib", "main", "reqwest", "runtime", "server", "specsmith_runtime", "tracing"];

/// Modules of a client that are no groups.
const MODULES: &[&str] = &["models", "server"];

/// Reads a manifest.
///
/// What has an error is left out or has a stand-in, so that the rest can be checked against the documents in the same run.
/// `None` where there is no client with a document.
pub(crate) fn parse(file: FileId, sources: &Sources, diags: &mut Diagnostics) -> Option<Manifest> {
    let at = Location { file, pointer: Pointer::root() };
    let mut reader = Reader::new(diags);
    let root = reader.object(sources.value(file), &at, "the manifest")?;
    reader.known(&root, &["crate", "out", "runtime", "default-features", "clients"]);
    let package = reader.required(&root, "crate", "an object", Value::as_object);
    let package = package.and_then(|map| package_of(&Object { map, at: at.join("crate") }, &mut reader));
    let out =
        reader.required(&root, "out", "a path", text).and_then(|out| output_folder(out, &at.join("out"), &mut reader));
    let runtime = reader.string(&root, "runtime");
    let clients = clients(&root, &mut reader);
    let default_features = default_features(&root, &clients, &mut reader);
    (!clients.is_empty()).then_some(())?;
    Some(Manifest {
        package: package.unwrap_or_default(),
        out: out.unwrap_or_default(),
        runtime,
        default_features,
        clients,
    })
}

/// A text that says something.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.trim().is_empty())
}

fn package_of(object: &Object<'_>, reader: &mut Reader<'_>) -> Option<Package> {
    reader.known(
        object,
        &[
            "name",
            "version",
            "description",
            "license",
            "repository",
            "rust-version",
            "authors",
            "keywords",
            "categories",
            "workspace-lints",
        ],
    );
    let name = reader.required(object, "name", "a string", text).map(str::to_owned);
    let name = name.filter(|name| reader.expect(is_package_name(name), object, "name", check::PACKAGE_NAME));
    let version = reader.required(object, "version", "a string", text).map(str::to_owned);
    let version =
        version.filter(|version| reader.expect(check::is_version(version), object, "version", check::VERSION));
    let rust = reader.string(object, "rust-version");
    let rust =
        rust.filter(|rust| reader.expect(check::is_rust_version(rust), object, "rust-version", check::RUST_VERSION));
    let package = Package {
        description: reader.string(object, "description"),
        license: reader.string(object, "license"),
        repository: reader.string(object, "repository"),
        rust_version: rust,
        authors: reader.strings(object, "authors"),
        keywords: reader.strings(object, "keywords"),
        categories: reader.strings(object, "categories"),
        workspace_lints: reader.flag(object, "workspace-lints"),
        name: name?,
        version: version?,
    };
    Some(package)
}

/// The output is below the manifest: the way from there to the runtime is found without a look at the disk.
fn output_folder(out: &str, at: &Location, reader: &mut Reader<'_>) -> Option<String> {
    if check::is_inside(out) {
        return Some(out.to_owned());
    }
    let message = format!("the output folder `{out}` is not one below the manifest");
    reader.push(
        Diagnostic::new(Code::ManifestValue, message)
            .at_value(at)
            .help("write a relative path with `/` and without `..`; `--out` on the command line takes any"),
    );
    None
}

fn default_features(root: &Object<'_>, clients: &[Client], reader: &mut Reader<'_>) -> Vec<String> {
    let names = reader.placed_strings(root, "default-features");
    let modules: Vec<&str> = clients.iter().map(|client| client.module.bare()).collect();
    let is_client = |name: &str, at: &Location, reader: &mut Reader<'_>| {
        let known = modules.contains(&name);
        // Of a client that was left out, enough was said.
        if !known && root.map.get("clients").and_then(|clients| clients.get(name)).is_none() {
            let diagnostic = Diagnostic::new(Code::ManifestValue, format!("there is no client `{name}`"));
            let help = match nearest(name, modules.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the clients are {}", check::quoted(&modules)),
            };
            reader.push(diagnostic.at(at).help(help));
        }
        known
    };
    names.into_iter().filter(|(name, at)| is_client(name, at, reader)).map(|(name, _)| name).collect()
}

fn clients(root: &Object<'_>, reader: &mut Reader<'_>) -> Vec<Client> {
    let is_there = |value| Value::as_object(value).filter(|clients| !clients.is_empty());
    let Some(map) = reader.required(root, "clients", "an object with a client or more", is_there) else {
        return Vec::new();
    };
    let object = Object { map, at: root.at.join("clients") };
    let clients = object.members().filter_map(|(name, value, at)| {
        let module = reader.module(name, FEATURES, "feature", &at);
        let client = reader.object(value, &at, &format!("the client `{name}`"))?;
        client_of(module.unwrap_or_else(|| naming::snake(name)), &client, reader)
    });
    clients.collect()
}

fn client_of(module: Ident, object: &Object<'_>, reader: &mut Reader<'_>) -> Option<Client> {
    reader.known(
        object,
        &[
            "description",
            "documents",
            "parameters",
            "groups",
            "models",
            "fields",
            "parameter-names",
            "flatten",
            "validate-requests",
        ],
    );
    let client = Client {
        description: reader.string(object, "description"),
        documents: documents(object, reader),
        parameters: reader.placed_strings(object, "parameters"),
        groups: groups(object, reader),
        models: models(object, reader),
        fields: names(object, "fields", "Definition.property", "field", reader).collect(),
        parameter_names: names(
            object,
            "parameter-names",
            "OperationId.parameter` or `*.parameter",
            "parameter",
            reader,
        )
        .collect(),
        flatten: reader.placed_strings(object, "flatten"),
        validate: reader.flag(object, "validate-requests"),
        module,
    };
    (!client.documents.is_empty()).then_some(client)
}

fn documents(client: &Object<'_>, reader: &mut Reader<'_>) -> Vec<Document> {
    let kind = "a list with a path or more, or objects with `path` and `overlays`";
    let is_there = |value| Value::as_array(value).filter(|documents| !documents.is_empty());
    let Some(values) = reader.required(client, "documents", kind, is_there) else { return Vec::new() };
    let at = client.at.join("documents");
    let mut first = HashMap::new();
    let documents = values.iter().enumerate().filter_map(|(index, value)| {
        let at = at.join(index);
        let document = document(value, &at, reader)?;
        reader.once(&mut first, &document.path, &at, "the client already has the document").then_some(document)
    });
    documents.collect()
}

fn document(value: &Value, at: &Location, reader: &mut Reader<'_>) -> Option<Document> {
    if let Some(path) = text(value) {
        return Some(Document { path: path.to_owned(), overlays: Vec::new(), at: at.clone() });
    }
    let object = reader.object(value, at, "a document that is not just a path")?;
    reader.known(&object, &["path", "overlays"]);
    let overlays = reader.placed_strings(&object, "overlays");
    let path = reader.required(&object, "path", "a path", text)?;
    Some(Document { path: path.to_owned(), overlays, at: object.at.join("path") })
}

fn groups(client: &Object<'_>, reader: &mut Reader<'_>) -> Vec<Group> {
    let Some(object) = reader.child(client, "groups") else { return Vec::new() };
    let mut first = HashMap::new();
    let groups = object.members().filter_map(|(name, value, at)| {
        let module = reader.module(name, MODULES, "module", &at);
        let group = reader.object(value, &at, &format!("the group `{name}`"))?;
        reader.known(&group, &["description", "operations"]);
        let description = reader.string(&group, "description");
        let operations = operations(&group, &mut first, reader);
        Some(Group { module: module.unwrap_or_else(|| naming::snake(name)), description, operations })
    });
    groups.collect()
}

fn operations(group: &Object<'_>, first: &mut HashMap<String, Location>, reader: &mut Reader<'_>) -> Vec<Entry> {
    let Some(map) = reader.required(group, "operations", "an object of methods and operation ids", Value::as_object)
    else {
        return Vec::new();
    };
    let object = Object { map, at: group.at.join("operations") };
    let entries = object.members().filter_map(|(method, value, at)| {
        let name = reader.ident(method, Case::Snake, "method", &at, Part::Node);
        let id = reader.text(value, &format!("the operation of `{method}`"), &at)?;
        reader.once(first, &id, &at, "another method already stands for the operation").then_some(())?;
        Some(Entry { name: name.unwrap_or_else(|| naming::snake(method)), id, at })
    });
    entries.collect()
}

fn models(client: &Object<'_>, reader: &mut Reader<'_>) -> IndexMap<String, (Ident, Location)> {
    let Some(object) = reader.child(client, "models") else { return IndexMap::new() };
    let mut first = HashMap::new();
    let models = object.members().filter_map(|(definition, value, at)| {
        let name = reader.text(value, &format!("the type of `{definition}`"), &at)?;
        let name = reader.ident(&name, Case::Pascal, "type", &at, Part::Value)?;
        let alone = reader.once(&mut first, name.bare(), &at, "another definition is already called");
        alone.then(|| (definition.to_owned(), (name, at)))
    });
    models.collect()
}

/// Names of fields or parameters, by what they belong to and their name on the wire.
fn names<'a>(
    client: &Object<'a>,
    field: &str,
    form: &str,
    kind: &str,
    reader: &mut Reader<'_>,
) -> impl Iterator<Item = (String, (Ident, Location))> {
    let object = reader.child(client, field);
    let members = object.iter().flat_map(Object::members);
    let names = members.filter_map(|(key, value, at)| {
        if !key.split_once('.').is_some_and(|(owner, name)| !owner.is_empty() && !name.is_empty()) {
            let message = format!("`{key}` does not say which {kind} is meant");
            reader.push(Diagnostic::new(Code::ManifestValue, message).at(&at).help(format!("write `{form}`")));
            return None;
        }
        let name = reader.text(value, &format!("the name for `{key}`"), &at)?;
        let name = reader.ident(&name, Case::Snake, kind, &at, Part::Value)?;
        Some((key.to_owned(), (name, at)))
    });
    names.collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests;
