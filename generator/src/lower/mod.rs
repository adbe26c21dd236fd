//! Documents to the IR: every decision is taken here.

mod absent;
mod authentication;
mod checks;
mod client;
mod direction;
mod draft;
mod enums;
mod equal;
mod fields;
mod formats;
mod groups;
mod hierarchy;
mod media;
mod names;
mod operation;
mod parts;
mod path;
mod pattern;
mod response;
mod schema;
mod sendable;
mod server;

use indexmap::IndexMap;
use serde_json::Value;

use self::absent::Absent;
use self::client::ClientScope;
use self::hierarchy::Hierarchy;
use self::operation::{Context, Lowered};
use self::schema::Schemas;
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Location};
use crate::ir::{Checks, Client, Crate, DocumentInfo, ErrorFormat, Literal, Prose, Sides};
use crate::naming::Ident;
use crate::parallel;
use crate::resolve::{DefinitionId, Graph};
use crate::spec::{Document, Scheme};

/// What is to be made of which documents.
#[derive(Debug)]
pub(crate) struct Plan {
    pub crate_name: String,
    pub sides: Sides,
    pub clients: Vec<ClientPlan>,
}

/// One client, and the names that are pinned in it.
#[derive(Debug)]
pub(crate) struct ClientPlan {
    pub module: Ident,
    pub description: Option<String>,
    pub documents: Vec<FileId>,
    /// Parameters given once, by their names on the wire.
    pub parameters: Vec<(String, Location)>,
    /// The groups with their methods; where there are none, operation ids make them.
    pub groups: Vec<GroupPlan>,
    /// Definition to type.
    pub models: IndexMap<String, (Ident, Location)>,
    /// `Definition.property` to field.
    pub fields: IndexMap<String, (Ident, Location)>,
    /// `Operation.parameter` or `*.parameter` to argument.
    pub parameter_names: IndexMap<String, (Ident, Location)>,
    /// `Operation.parameter` of bodies whose properties are asked for one by one.
    pub flatten: Vec<(String, Location)>,
    /// Whether servers hold requests to the limits of the documents.
    pub validate: bool,
    /// Whether unequal definitions of one name are an error.
    pub strict: bool,
    /// Whether all documents could be read, and all overlays applied.
    pub whole: bool,
}

#[derive(Debug)]
pub(crate) struct GroupPlan {
    pub module: Ident,
    pub description: Option<String>,
    /// Method, operation id, and where the plan says it.
    pub operations: Vec<(Ident, String, Location)>,
}

/// Lowers all clients of a plan.
pub(crate) fn lower(plan: &Plan, graph: &Graph, diagnostics: &mut Diagnostics) -> Crate {
    let hierarchy = Hierarchy::new(graph);
    let lowered = parallel::map(&plan.clients, |client| {
        let mut said = diagnostics.following();
        let client = lower_client(client, plan.sides, graph, &hierarchy, &mut said);
        (client, said)
    });
    let clients = lowered.into_iter().map(|(client, said)| {
        diagnostics.extend(said);
        client
    });
    Crate { name: plan.crate_name.clone(), sides: plan.sides, clients: clients.collect() }
}

fn lower_client(
    plan: &ClientPlan,
    sides: Sides,
    graph: &Graph,
    hierarchy: &Hierarchy,
    diagnostics: &mut Diagnostics,
) -> Client {
    let documents: Vec<&Document> = plan.documents.iter().filter_map(|file| graph.documents.get(file)).collect();
    documents.iter().for_each(|document| sendable::check(document, diagnostics));
    let mut schemas = Schemas::new(graph, hierarchy, plan, diagnostics);
    let mut scope = ClientScope::new(plan, graph);
    let mut absent = Absent::new(plan, documents.len(), schemas.diagnostics);
    let mut operations: Vec<Lowered> = Vec::new();
    for document in &documents {
        let matching = server::matching(document, schemas.diagnostics);
        let mut context = Context { graph, document, schemas: &mut schemas, client: &mut scope, matching };
        for item in &document.paths {
            for operation in &item.operations {
                match context.operation(item, operation) {
                    Some(lowered) => operations.push(lowered),
                    None => absent.left_out.extend(operation.id.clone()),
                }
            }
        }
        for (name, schema) in &document.definitions {
            schemas.declared(&DefinitionId { file: document.at.file, name: name.clone() }, schema);
        }
    }
    scope.report_unused(&absent, schemas.diagnostics);
    let parameters = scope.parameters;
    let errors = error_format(&documents, &mut schemas);
    let authentication = authentication::authentication(&documents, &mut schemas);
    let drafts = std::mem::take(&mut schemas.drafts);
    check_ids(&mut operations, diagnostics);
    let infos = documents.iter().map(|document| DocumentInfo {
        file: graph.file_name(document.at.file),
        version: document.info.version.clone(),
    });
    let served: Vec<_> = operations.iter().filter(|_| sides.server).map(server::Draft::new).collect();
    let mut client = Client {
        module: plan.module.clone(),
        title: Prose(title(plan, &documents)),
        description: Prose(describe(plan, &documents)),
        documents: infos.collect(),
        endpoint: endpoint(&documents),
        api_version: operations.iter().find_map(|lowered| lowered.operation.api_version.clone()),
        parameters,
        groups: groups::groups(plan, operations, &absent, diagnostics),
        services: Vec::new(),
        checks: Checks::default(),
        models: names::models(plan, drafts, &absent, diagnostics),
        depth: 0,
        errors,
        authentication,
    };
    direction::end_circles(&mut client.models, diagnostics);
    direction::box_cycles(&mut client.models);
    direction::keep_unknown(&mut client);
    groups::keep_bodies_whole(&mut client);
    client.depth = direction::depth(&client.models);
    groups::find_pages(&mut client);
    names::types(&mut client);
    client.services = server::services(&client, served, diagnostics);
    if plan.validate {
        checks::add(&mut client, diagnostics);
    }
    client
}

/// What the client is, in a line: the document's title, or where there are several, what the plan says.
fn title(plan: &ClientPlan, documents: &[&Document]) -> String {
    let mut title = match (documents, &plan.description) {
        (_, Some(text)) => text.clone(),
        ([only], None) => only.info.title.clone(),
        (_, None) => String::new(),
    };
    if !title.is_empty() && !title.ends_with(['.', '!', '?']) {
        title.push('.');
    }
    title
}

fn describe(plan: &ClientPlan, documents: &[&Document]) -> String {
    let own = plan.description.clone();
    own.unwrap_or_else(|| {
        let texts = documents.iter().filter_map(|document| document.info.description.as_deref());
        texts.collect::<Vec<_>>().join("\n\n")
    })
}

/// The service's address, where the documents name one host that can be one.
fn endpoint(documents: &[&Document]) -> Option<Literal> {
    let first = documents.first()?;
    let host = first.host.as_deref()?;
    let agreed = documents.iter().all(|document| document.host == first.host && document.parameterized_host.is_none());
    let scheme = if first.schemes.contains(&Scheme::Https) || first.schemes.is_empty() { "https" } else { "http" };
    (sendable::is_host(host) && agreed).then(|| Literal(format!("{scheme}://{host}")))
}

/// What stands before every path of a document: `basePath`, or what follows the last hole of a parameterized host.
fn base_path(document: &Document) -> String {
    let base = match &document.parameterized_host {
        Some(host) => {
            let behind = host.template.rsplit_once('}').map_or("", |(_, behind)| behind);
            behind.find('/').and_then(|at| behind.get(at..))
        }
        None => document.base_path.as_deref(),
    };
    base.unwrap_or_default().trim_end_matches('/').to_owned()
}

fn error_format(documents: &[&Document], schemas: &mut Schemas<'_>) -> ErrorFormat {
    let mut format = ErrorFormat::Plain;
    for document in documents {
        match document.extensions.get("x-specsmith-errors") {
            None => {}
            Some(Value::String(word)) if word == "data-plane" => format = ErrorFormat::DataPlane,
            Some(Value::String(word)) if word == "arm" => format = ErrorFormat::Arm,
            Some(Value::String(word)) if word == "plain" => format = ErrorFormat::Plain,
            Some(_) => schemas.diagnostics.push(
                Diagnostic::new(Code::ExtensionValue, "`x-specsmith-errors` has a value that it cannot have")
                    .at_value(&document.at.join("x-specsmith-errors"))
                    .help("write one of `data-plane`, `arm`, `plain`"),
            ),
        }
    }
    format
}

/// An operation id names one operation.
fn check_ids(operations: &mut Vec<Lowered>, diagnostics: &mut Diagnostics) {
    let mut met: IndexMap<String, Location> = IndexMap::new();
    operations.retain(|lowered| {
        let id = &lowered.operation.id.0;
        match met.get(id) {
            Some(first) => {
                diagnostics.push(
                    Diagnostic::new(Code::DoubleOperationId, format!("two operations have the id `{id}`"))
                        .at_value(&lowered.operation.at.join("operationId"))
                        .label_value(&first.join("operationId"), "the other one")
                        .help("give one of them another `operationId` by an overlay"),
                );
                false
            }
            None => {
                met.insert(id.clone(), lowered.operation.at.clone());
                true
            }
        }
    });
}
