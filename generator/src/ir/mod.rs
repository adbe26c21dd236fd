//! What is to be written, with every decision taken: data only.
//!
//! `lower/` makes it, `emit/` writes it down, `inspect` shows it. Nothing here knows JSON or Rust's syntax; text that
//! comes from a document is [`Prose`] or [`Literal`], which cannot be printed but through `render/`.

mod checks;
mod server;
mod types;

use serde_json::Value;

pub(crate) use self::checks::{Bound, Check, Checks, Inner, Limits, Table};
pub(crate) use self::server::{
    Answer, AnswerHeader, Handler, HeaderValue, Hole, Matching, PreconditionsField, RequestBody, RequestField, Service,
};
pub(crate) use self::types::{Enum, EnumKind, Field, FieldRole, Model, ModelId, Shape, Struct, Type, Union, Variant};
use crate::diag::Location;
use crate::naming::Ident;
pub(crate) use crate::spec::{CollectionFormat, FinalStateVia, Method};

/// Text of a document that becomes documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prose(pub String);

/// Text of a document that becomes a string literal.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Literal(pub String);

/// A crate.
#[derive(Debug)]
pub(crate) struct Crate {
    pub name: String,
    pub sides: Sides,
    pub clients: Vec<Client>,
}

/// Which sides of its operations a crate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sides {
    pub client: bool,
    pub server: bool,
}

impl Sides {
    pub(crate) const BOTH: Self = Self { client: true, server: true };
}

/// A client: a module with models, groups of operations and what all of them share.
#[derive(Debug)]
pub(crate) struct Client {
    pub module: Ident,
    pub title: Prose,
    pub description: Prose,
    /// The documents, by file name and version.
    pub documents: Vec<DocumentInfo>,
    /// Where requests go if nothing else is said; `None` where the caller has to say.
    pub endpoint: Option<Literal>,
    /// What the documents take as `api-version`, if they do.
    pub api_version: Option<Literal>,
    /// Parameters given when the client is made.
    pub parameters: Vec<Parameter>,
    pub groups: Vec<Group>,
    /// Empty where no server is asked for.
    pub services: Vec<Service>,
    /// What those services hold requests to.
    pub checks: Checks,
    pub models: Vec<Model>,
    /// How deep types stand in types, by fields, lists, maps and boxes, at most.
    pub depth: usize,
    pub errors: ErrorFormat,
    pub authentication: Authentication,
}

/// The ways to prove who is asking that a client has constructors for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Authentication {
    pub connection_string: Option<ConnectionString>,
    pub bearer: Option<Audience>,
}

/// Whose connection string makes a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionString {
    Hub,
    /// The client's parameter that the device's id is, if it has one: its name in the document.
    Device(Option<Literal>),
}

/// Whom access tokens are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    Hub,
    Management,
}

impl Crate {
    /// The `recursion_limit` that rustc needs, where its own (128) is too small to see how the models are dropped.
    pub(crate) fn recursion_limit(&self) -> Option<usize> {
        let depth = self.clients.iter().map(|client| client.depth).max().unwrap_or_default();
        (depth > 100).then(|| (2 * depth).next_power_of_two())
    }

    /// Whether there are types that clippy finds too complex: lists and maps in lists and maps, as the document has them.
    pub(crate) fn has_complex_types(&self) -> bool {
        let parameters = |operation: &Operation| {
            let all = operation.required.iter().chain(&operation.optional);
            all.map(|parameter| parameter.ty.clone()).collect::<Vec<_>>()
        };
        let outputs = |operation: &Operation| match &operation.output {
            Output::Body(ResponseBody::Json(ty)) | Output::Optional(ResponseBody::Json(ty)) => Some(ty.clone()),
            _ => None,
        };
        self.clients.iter().any(|client| {
            let fields = client.models.iter().filter_map(|model| match &model.shape {
                Shape::Struct(shape) => Some(shape),
                _ => None,
            });
            let mut fields = fields.flat_map(|shape| &shape.fields).map(|field| &field.ty);
            let mut operations = client.groups.iter().flat_map(|group| &group.operations);
            fields.any(|ty| ty.nesting() > 2)
                || operations
                    .any(|operation| parameters(operation).iter().chain(&outputs(operation)).any(|ty| ty.nesting() > 2))
        })
    }
}

impl Client {
    /// The operation at an index of the group and one in it.
    pub(crate) fn operation(&self, (group, index): (usize, usize)) -> Option<&Operation> {
        self.groups.get(group)?.operations.get(index)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct DocumentInfo {
    pub file: String,
    pub version: String,
}

/// How a service writes its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorFormat {
    /// `code` and `message` wherever they usually are.
    Plain,
    /// IoT Hub's data plane.
    DataPlane,
    /// Azure Resource Manager and its providers.
    Arm,
}

/// Operations of one prefix.
#[derive(Debug)]
pub(crate) struct Group {
    pub module: Ident,
    pub ty: Ident,
    pub description: Prose,
    pub operations: Vec<Operation>,
}

/// An operation of a document.
#[derive(Debug)]
pub(crate) struct Operation {
    pub at: Location,
    pub id: Literal,
    pub method: Method,
    /// As written in the document.
    pub template: Literal,
    /// What stands before the path; empty or starting with `/`.
    pub base_path: Literal,
    pub path: Vec<PathPart>,
    /// The whole path as a URL has it: `{}` stands for a segment or a part of one, `{*}` for several segments.
    pub route: Literal,
    /// Whether the whole template is a query or has one, as in `x-ms-paths`.
    pub fixed_query: Vec<(Literal, Literal)>,
    pub summary: Prose,
    pub description: Prose,
    pub deprecated: bool,
    pub name: Ident,
    /// The type that takes the options; used only where there are any.
    pub builder: Ident,
    /// The type of the arguments, where they are more than four.
    pub arguments: Ident,
    /// In the order of the signature; the body is last.
    pub required: Vec<Parameter>,
    pub optional: Vec<Parameter>,
    /// Parameters with one possible value.
    pub constants: Vec<Constant>,
    /// Indexes into the client's parameters.
    pub client_parameters: Vec<usize>,
    pub api_version: Option<Literal>,
    pub accept: Option<Literal>,
    pub responses: Vec<Response>,
    pub output: Output,
    pub etag: EtagSource,
    pub paging: Option<Paging>,
    /// Where the items of a page are, if the answer can be gone through.
    pub pages: Option<Pages>,
    pub long_running: Option<LongRunning>,
    pub retry: Retry,
    pub side: Side,
    /// The overlay action that brought the operation in, if one did.
    pub overlay: Option<Location>,
}

/// A piece of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathPart {
    Text(Literal),
    /// An argument of the method, or a parameter of the client.
    Hole {
        parameter: PathArgument,
        /// Whether slashes stay.
        raw: bool,
        /// How the items of a list stand in a row.
        list: CollectionFormat,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathArgument {
    /// Index into `Operation::required`.
    Method(usize),
    /// Index into `Client::parameters`.
    Client(usize),
    Constant(Literal),
}

/// A parameter with only one value.
#[derive(Debug)]
pub(crate) struct Constant {
    pub wire: Literal,
    pub place: Place,
    pub value: Literal,
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub name: Ident,
    /// The name on the wire.
    pub wire: Literal,
    pub place: Place,
    pub ty: Type,
    pub description: Prose,
    pub limits: Limits,
    pub default: Option<Value>,
    /// What it does to the request, where that is more than giving a value.
    pub role: Role,
    /// Whether the body's properties are asked for, rather than the body (`x-ms-client-flatten`).
    pub flatten: bool,
}

/// Where a parameter goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query {
        list: CollectionFormat,
    },
    /// A key without a value, there or not.
    QueryFlag,
    Header {
        list: CollectionFormat,
    },
    /// Headers that start with the name.
    HeaderPrefix,
    Body(BodyKind),
    Form {
        list: CollectionFormat,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BodyKind {
    Json {
        media_type: Literal,
    },
    /// Bytes or a stream.
    Raw {
        media_type: Option<Literal>,
    },
    Text {
        media_type: Literal,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    IfMatch,
    IfNoneMatch,
    IfModifiedSince,
    IfUnmodifiedSince,
}

/// A declared response.
#[derive(Debug)]
pub(crate) struct Response {
    pub status: Status,
    pub description: Prose,
    pub body: Option<ResponseBody>,
    /// Whether the body may be `null`.
    pub nullable: bool,
    pub headers: Vec<ResponseHeader>,
    pub error: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Code(u16),
    /// `2XX`
    Class(u16),
    Default,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ResponseBody {
    Json(Type),
    Raw,
    Text,
}

#[derive(Debug)]
pub(crate) struct ResponseHeader {
    /// Its name in Rust, before collisions are settled.
    pub name: Ident,
    pub wire: Literal,
    /// Whether it stands for all headers that start with its name.
    pub prefix: bool,
    pub ty: Type,
    pub description: Prose,
}

/// What a method gives back on success.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Output {
    Empty,
    Body(ResponseBody),
    /// Some successes have a body, some have none.
    Optional(ResponseBody),
    /// Bodies of different types.
    Either {
        name: Ident,
        variants: Vec<OutputVariant>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OutputVariant {
    pub name: Ident,
    pub status: u16,
    pub body: Option<ResponseBody>,
    pub description: Prose,
}

/// Where an answer has its ETag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EtagSource {
    /// The document does not say.
    Unsaid,
    Nowhere,
    Header,
    /// The names from the body to the member.
    Body(Vec<Literal>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Paging {
    /// `x-ms-pageable`.
    NextLink { link: Option<Literal>, items: Literal, operation: Option<Literal> },
    /// A continuation token in headers.
    Header { request: Literal, response: Literal, page_size: Option<Literal> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LongRunning {
    pub final_state_via: Option<FinalStateVia>,
    /// The method that goes on with one.
    pub resume: Ident,
}

/// A page's items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pages {
    pub item: Type,
    /// The fields of the page that have the items and the link to the next; `None` where the page is nothing but items.
    pub fields: Option<(Ident, Ident)>,
    /// Whether the link is followed with POST.
    pub post: bool,
}

/// Whether a request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// As HTTP says of its method.
    ByMethod,
    Never,
}

/// Who has an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Both,
    Client,
    Server,
}
