//! Swagger 2.0, typed: what a document says, with the place of every node and nothing decided yet.
//!
//! Extensions that the generator knows have fields of their own; the others are kept as they are.
//! What the generator recognises and makes nothing of is listed in [`unsupported`].

mod nearest;
mod parse;
mod unsupported;

use indexmap::IndexMap;
use serde_json::Value;

use crate::diag::Location;

pub(crate) use nearest::nearest;
pub(crate) use parse::{parse, parse_fragment, parse_parameter, parse_response, parse_schema};
pub(crate) use unsupported::{Gaps, Unsupported};

/// One document.
#[derive(Debug)]
pub(crate) struct Document {
    pub at: Location,
    pub info: Info,
    pub host: Option<String>,
    pub base_path: Option<String>,
    pub schemes: Vec<Scheme>,
    pub consumes: Vec<String>,
    pub produces: Vec<String>,
    /// `paths`, then `x-ms-paths`, in the order of the document.
    pub paths: Vec<PathItem>,
    pub definitions: IndexMap<String, Schema>,
    pub parameters: IndexMap<String, OrRef<Parameter>>,
    pub responses: IndexMap<String, OrRef<Response>>,
    /// `securityDefinitions`, as they are: who the caller is, is the client's configuration.
    pub security_definitions: IndexMap<String, Value>,
    pub security: Vec<Value>,
    pub parameterized_host: Option<ParameterizedHost>,
    /// With those that stand in `paths`.
    pub extensions: Extensions,
}

/// `x-` keys that have no field of their own, in the order of the document. Almost every node has none, and hardly one
/// has more than two.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Extensions(Vec<(String, Value)>);

impl Extensions {
    /// Adds one that is not there yet, as no two members of an object have one key.
    pub(crate) fn push(&mut self, key: &str, value: &Value) {
        self.0.push((key.to_owned(), value.clone()));
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(own, _)| own == key).map(|(_, value)| value)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Info {
    pub title: String,
    pub version: String,
    pub description: Option<String>,
    pub extensions: Extensions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scheme {
    Http,
    Https,
    Ws,
    Wss,
}

/// `x-ms-parameterized-host`.
#[derive(Debug)]
pub(crate) struct ParameterizedHost {
    pub at: Location,
    pub template: String,
    pub use_scheme_prefix: bool,
    pub parameters: Vec<OrRef<Parameter>>,
}

/// A path template and what stands under it.
#[derive(Debug)]
pub(crate) struct PathItem {
    pub at: Location,
    /// As written, e.g. `/devices/{id}`; from `x-ms-paths` perhaps with a query.
    pub template: String,
    pub parameters: Vec<OrRef<Parameter>>,
    pub operations: Vec<Operation>,
    pub extensions: Extensions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Method {
    Get,
    Put,
    Post,
    Delete,
    Options,
    Head,
    Patch,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub at: Location,
    pub method: Method,
    pub id: Option<String>,
    pub summary: Option<String>,
    pub description: Option<String>,
    pub deprecated: bool,
    /// `None`: the document's.
    pub consumes: Option<Vec<String>>,
    pub produces: Option<Vec<String>>,
    pub parameters: Vec<OrRef<Parameter>>,
    /// Key as written: a status or `default`.
    pub responses: IndexMap<String, OrRef<Response>>,
    pub long_running: bool,
    /// `x-ms-long-running-operation-options`, `final-state-via`.
    pub final_state_via: Option<FinalStateVia>,
    pub pageable: Option<Pageable>,
    /// `None`: the document's.
    pub security: Option<Vec<Value>>,
    /// With those that stand in `responses`.
    pub extensions: Extensions,
}

/// Where a long-running operation's result is found in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FinalStateVia {
    AzureAsyncOperation,
    Location,
    OperationLocation,
    OriginalUri,
}

impl FinalStateVia {
    /// As a document writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AzureAsyncOperation => "azure-async-operation",
            Self::Location => "location",
            Self::OperationLocation => "operation-location",
            Self::OriginalUri => "original-uri",
        }
    }
}

/// `x-ms-pageable`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pageable {
    /// `None`: `nextLinkName` is null, there is one page.
    pub next_link: Option<String>,
    pub item: String,
    pub operation: Option<String>,
}

/// A node, or a reference to one.
#[derive(Debug)]
pub(crate) enum OrRef<T> {
    Ref(Ref),
    Item(T),
}

/// `$ref`, as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ref {
    /// Of the `$ref` itself.
    pub at: Location,
    pub target: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum In {
    Path,
    Query,
    Header,
    Body,
    FormData,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum CollectionFormat {
    Csv,
    Ssv,
    Tsv,
    Pipes,
    Multi,
}

#[derive(Debug)]
pub(crate) struct Parameter {
    pub at: Location,
    pub name: String,
    pub place: In,
    pub required: bool,
    pub description: Option<String>,
    /// The body's schema; for the others their type, read from the same keywords.
    pub schema: Schema,
    pub collection_format: CollectionFormat,
    pub allow_empty_value: bool,
    pub client_name: Option<String>,
    /// `x-ms-parameter-location`: `client`, `method`.
    pub location: Option<ParameterLocation>,
    /// `x-ms-skip-url-encoding`.
    pub raw: bool,
    /// `x-ms-header-collection-prefix`.
    pub header_prefix: Option<String>,
    /// `x-ms-client-flatten`.
    pub flatten: bool,
    /// `x-ms-parameter-grouping` is set.
    pub grouped: bool,
    pub extensions: Extensions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParameterLocation {
    Client,
    Method,
}

#[derive(Debug)]
pub(crate) struct Response {
    pub at: Location,
    pub description: String,
    pub schema: Option<Schema>,
    pub headers: IndexMap<String, Header>,
    /// `x-ms-error-response`.
    pub error: Option<bool>,
    pub extensions: Extensions,
}

#[derive(Debug)]
pub(crate) struct Header {
    pub at: Location,
    pub description: Option<String>,
    pub schema: Schema,
    pub collection_format: CollectionFormat,
    pub client_name: Option<String>,
    pub header_prefix: Option<String>,
    pub extensions: Extensions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    String,
    Number,
    Integer,
    Boolean,
    Array,
    Object,
    File,
}

/// A schema object; also the type of a parameter, a header or an array's items.
#[derive(Debug)]
pub(crate) struct Schema {
    pub at: Location,
    /// With a reference, the other fields are what stands beside it (usually a description).
    pub reference: Option<Box<Ref>>,
    pub ty: Option<Type>,
    pub format: Option<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub properties: IndexMap<String, Schema>,
    pub required: Vec<String>,
    pub additional: Additional,
    pub items: Option<Box<Schema>>,
    pub all_of: Vec<Schema>,
    pub enumeration: Vec<Value>,
    pub default: Option<Box<Value>>,
    /// `None`: it has none, as most.
    pub limits: Option<Box<Limits>>,
    pub discriminator: Option<String>,
    /// `x-ms-discriminator-value`.
    pub discriminator_value: Option<String>,
    pub read_only: bool,
    /// `x-nullable`.
    pub nullable: Option<bool>,
    /// `x-ms-enum`.
    pub ms_enum: Option<Box<MsEnum>>,
    /// `x-ms-client-name`.
    pub client_name: Option<String>,
    /// `x-ms-secret`.
    pub secret: bool,
    /// `x-ms-client-flatten`.
    pub flatten: bool,
    /// `x-ms-mutability`; empty where it is not given.
    pub mutability: Vec<Mutability>,
    /// `collectionFormat` of an array inside an array parameter.
    pub collection_format: Option<CollectionFormat>,
    /// `xml` is given.
    pub xml: bool,
    /// `x-` keys that have no field of their own.
    pub extensions: Extensions,
}

/// When a property may be seen or set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Mutability {
    Read,
    Create,
    Update,
}

/// `additionalProperties`.
#[derive(Debug, Default)]
pub(crate) enum Additional {
    #[default]
    Unsaid,
    Forbidden,
    /// `true` or `{}`.
    Any,
    Schema(Box<Schema>),
}

/// Limits of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    pub minimum: Option<serde_json::Number>,
    pub maximum: Option<serde_json::Number>,
    pub exclusive_minimum: bool,
    pub exclusive_maximum: bool,
    pub multiple_of: Option<serde_json::Number>,
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    pub pattern: Option<String>,
    pub min_items: Option<u64>,
    pub max_items: Option<u64>,
    pub unique_items: bool,
    pub min_properties: Option<u64>,
    pub max_properties: Option<u64>,
}

/// `x-ms-enum`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MsEnum {
    pub name: Option<String>,
    /// `modelAsString`.
    pub open: bool,
    pub values: Vec<MsEnumValue>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MsEnumValue {
    pub value: Value,
    pub name: Option<String>,
    pub description: Option<String>,
}
