//! Placeholder while the real one is on its way.
use crate::diag::{Diagnostics, FileId, Location};
use crate::naming::Ident;
use crate::source::Sources;
use indexmap::IndexMap;
pub(crate) struct Manifest { pub package: Package, pub out: String, pub runtime: Option<String>, pub default_features: Vec<String>, pub clients: Vec<Client> }
pub(crate) struct Package { pub name: String, pub version: String, pub description: Option<String>, pub license: Option<String>, pub repository: Option<String>, pub rust_version: Option<String>, pub authors: Vec<String>, pub keywords: Vec<String>, pub categories: Vec<String>, pub workspace_lints: bool }
pub(crate) struct Client { pub module: Ident, pub description: Option<String>, pub documents: Vec<Document>, pub parameters: Vec<String>, pub groups: Vec<Group>, pub models: IndexMap<String, (Ident, Location)>, pub fields: IndexMap<String, (Ident, Location)>, pub parameter_names: IndexMap<String, Ident> }
pub(crate) struct Document { pub path: String, pub overlays: Vec<String> }
pub(crate) struct Group { pub module: Ident, pub description: Option<String>, pub operations: Vec<Entry> }
pub(crate) struct Entry { pub name: Ident, pub id: String, pub at: Location }
pub(crate) fn parse(_: FileId, _: &Sources, _: &mut Diagnostics) -> Option<Manifest> { None }
