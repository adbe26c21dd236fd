//! What makes the modules a package: `Cargo.toml`, `lib.rs`, `README.md`, licences.

use super::{HEADER, RUNTIME, client};
use crate::ir::{Client, Crate, Prose};
use crate::render::{Code, inline_code, line, string};
use crate::sink::OutputFile;
use crate::visible::{self, is_invisible};

/// What a package says about itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Package {
    pub version: Option<String>,
    pub description: Option<String>,
    pub license: Option<String>,
    pub repository: Option<String>,
    pub rust_version: Option<String>,
    pub authors: Vec<String>,
    pub keywords: Vec<String>,
    pub categories: Vec<String>,
    /// The clients that are on if nothing else is said; all, if none is named.
    pub default_clients: Vec<String>,
    /// The runtime's folder, relative to the package; else the registry's.
    pub runtime: Option<String>,
    /// Files that are carried over: name and contents.
    pub licenses: Vec<(String, String)>,
    /// Whether the package takes its lints from the workspace it stands in.
    pub workspace_lints: bool,
    /// Whether the package is a workspace of its own, so that no other one lays claim to it.
    pub own_workspace: bool,
}

pub(super) fn files(ir: &Crate, package: &Package) -> Vec<OutputFile> {
    let mut files = vec![
        OutputFile { path: "Cargo.toml".to_owned(), contents: manifest(ir, package) },
        OutputFile { path: "README.md".to_owned(), contents: readme(ir, package) },
        OutputFile { path: "src/lib.rs".to_owned(), contents: lib(ir, package) },
    ];
    let licenses = package.licenses.iter();
    files.extend(licenses.map(|(name, text)| OutputFile { path: name.clone(), contents: text.clone() }));
    files
}

/// A TOML string, without control characters.
fn toml(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            // Cargo hands the texts on to rustc, which a NUL would not survive; no other one can be meant either.
            control if control.is_control() => {}
            hidden if is_invisible(hidden) => {
                out.push_str(&format!("\\U{:08X}", u32::from(hidden)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn toml_list(items: &[String]) -> String {
    items.iter().map(|item| toml(item)).collect::<Vec<_>>().join(", ")
}

fn manifest(ir: &Crate, package: &Package) -> String {
    let mut code = Code::new();
    line!(code, "{}", HEADER.replacen("//", "#", 1));
    line!(code, "[package]");
    line!(code, "name = {}", toml(&ir.name));
    line!(code, "version = {}", toml(package.version.as_deref().unwrap_or("0.1.0")));
    line!(code, "edition = \"2024\"");
    let fields = [
        ("rust-version", &package.rust_version),
        ("description", &package.description),
        ("license", &package.license),
        ("repository", &package.repository),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            line!(code, "{name} = {}", toml(value));
        }
    }
    line!(code, "readme = \"README.md\"");
    for (name, values) in
        [("authors", &package.authors), ("keywords", &package.keywords), ("categories", &package.categories)]
    {
        if !values.is_empty() {
            line!(code, "{name} = [{}]", toml_list(values));
        }
    }
    code.gap();
    features(&mut code, ir, package);
    code.gap();
    line!(code, "[dependencies]");
    let version = env!("CARGO_PKG_VERSION");
    match &package.runtime {
        Some(path) => line!(code, "specsmith-runtime = {{ version = \"{version}\", path = {} }}", toml(path)),
        None => line!(code, "specsmith-runtime = \"{version}\""),
    }
    code.gap();
    line!(code, "[package.metadata.docs.rs]");
    line!(code, "all-features = true");
    if package.workspace_lints {
        code.gap();
        line!(code, "[lints]");
        line!(code, "workspace = true");
    }
    if package.own_workspace {
        code.gap();
        line!(code, "[workspace]");
    }
    code.finish()
}

fn features(code: &mut Code, ir: &Crate, package: &Package) {
    let names: Vec<String> = ir.clients.iter().map(|client| client.module.bare().to_owned()).collect();
    let chosen = if package.default_clients.is_empty() { &names } else { &package.default_clients };
    let side: &[&str] = if ir.sides.client { &["client", "reqwest"] } else { &["server"] };
    let defaults: Vec<String> = side.iter().map(|&name| name.to_owned()).chain(chosen.iter().cloned()).collect();
    line!(code, "[features]");
    line!(code, "default = [{}]", toml_list(&defaults));
    if ir.sides.client {
        line!(code, "# The clients; without it there are the models only.");
        line!(code, "client = []");
        line!(code, "# Requests over reqwest.");
        line!(code, "reqwest = [\"client\", \"specsmith-runtime/reqwest\"]");
    }
    if ir.sides.server {
        line!(code, "# The traits of a server.");
        line!(code, "server = [\"specsmith-runtime/server\"]");
    }
    if ir.sides.client {
        line!(code, "# A span of `tracing` for each call.");
        line!(code, "tracing = [\"specsmith-runtime/tracing\"]");
    }
    for client in &ir.clients {
        let documents: Vec<&str> = client.documents.iter().map(|document| document.file.as_str()).collect();
        let documents = visible::line(&documents.join(", "));
        let what = if ir.sides.client { "client" } else { "module" };
        line!(code, "# The {what} `{}`: {documents}.", client.module.bare());
        line!(code, "{} = []", client.module.bare());
    }
}

fn lib(ir: &Crate, package: &Package) -> String {
    let mut code = Code::new();
    line!(code, "{HEADER}");
    match &package.description {
        Some(text) => {
            code.module_prose(&Prose(text.clone()));
        }
        None => match ir.clients.as_slice() {
            [only] if code.module_prose(&only.title) => {}
            _ => {
                let what = if ir.sides.client { "Clients" } else { "Servers" };
                code.module_doc(format_args!("{what} for {}.", inline_code(&ir.name)));
            }
        },
    }
    code.module_doc(format_args!(""));
    code.module_doc(format_args!("| module and feature | operations | generated from |"));
    code.module_doc(format_args!("|---|---|---|"));
    for client in &ir.clients {
        let name = client.module.bare();
        code.module_doc(format_args!("| `{name}` | {} | {} |", operations(ir, client), documents(client)));
    }
    code.module_doc(format_args!(""));
    code.module_prose(&about_features(ir));
    if let Some(limit) = ir.recursion_limit() {
        line!(code, "#![recursion_limit = \"{limit}\"]");
    }
    if ir.has_complex_types() {
        line!(code, "#![allow(clippy::type_complexity)]");
    }
    line!(code, "#![forbid(unsafe_code)]");
    line!(code, "#![deny(missing_docs)]");
    code.gap();
    for client in &ir.clients {
        line!(code, "#[cfg(feature = {})]", string(client.module.bare()));
        line!(code, "#[rustfmt::skip]");
        line!(code, "pub mod {};", client.module);
    }
    code.gap();
    line!(code, "#[rustfmt::skip]");
    let names = match ir.sides.client {
        true => "Call, ETag, Error, ErrorKind, LongCall, Nullable, PagedCall, Pipeline, Poller, Response, Secret",
        false => "ETag, Nullable, Secret",
    };
    line!(code, "pub use {RUNTIME}::{{self as runtime, {names}}};");
    code.gap();
    line!(code, "const _: () = {RUNTIME}::codegen::v1::require(1);");
    code.finish()
}

/// What the features are for.
fn about_features(ir: &Crate) -> Prose {
    let client =
        "The feature `client` brings the clients, `reqwest` lets them send over reqwest; both are on by default.";
    let server = match ir.sides.client {
        true => "`server` brings traits for whoever implements the service.",
        false => "The feature `server` brings traits for whoever implements the service; it is on by default.",
    };
    let rest = "Without any of them there are the models only.";
    let tracing = "With `tracing` each call of a client has a span of the crate of that name.";
    let sentences = [
        ir.sides.client.then_some(client),
        ir.sides.server.then_some(server),
        Some(rest),
        ir.sides.client.then_some(tracing),
    ];
    Prose(sentences.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// Methods of a client, or of its traits where there is no client.
fn operations(ir: &Crate, client: &Client) -> usize {
    if !ir.sides.client {
        return client.services.iter().map(|service| service.handlers.len()).sum();
    }
    let methods = client::groups(client).flat_map(|group| &group.operations);
    methods.filter(|operation| operation.side != crate::ir::Side::Server).count()
}

fn documents(client: &Client) -> String {
    let texts = client.documents.iter().map(|document| {
        format!("{} {}", inline_code(&document.file), inline_code(&document.version)).replace('|', "\\|")
    });
    texts.collect::<Vec<_>>().join(", ")
}

fn readme(ir: &Crate, package: &Package) -> String {
    let mut code = Code::new();
    line!(code, "<!-- {} -->", HEADER.trim_start_matches("// "));
    code.gap();
    line!(code, "# {}", ir.name);
    code.gap();
    let title = match ir.clients.as_slice() {
        [only] => Some(&only.title),
        _ => None,
    };
    let described = package.description.clone().map(Prose).or_else(|| title.cloned());
    if described.is_some_and(|prose| code.markdown(&prose)) {
        code.gap();
    }
    line!(code, "| module and feature | operations | generated from |");
    line!(code, "|---|---|---|");
    for client in &ir.clients {
        line!(code, "| `{}` | {} | {} |", client.module.bare(), operations(ir, client), documents(client));
    }
    code.gap();
    line!(code, "```toml");
    line!(code, "[dependencies]");
    line!(code, "{} = \"{}\"", ir.name, package.version.as_deref().unwrap_or("0.1.0"));
    line!(code, "```");
    code.gap();
    code.markdown(&about_features(ir));
    code.gap();
    line!(
        code,
        "This package is generated by specsmith. Changes belong into the documents, overlays or the manifest it is made from."
    );
    code.finish()
}
