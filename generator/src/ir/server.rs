//! A client's operations as a server has them.

use super::{Literal, Parameter, Prose, ResponseBody, Status, Type};
use crate::naming::Ident;
use crate::spec::CollectionFormat;

/// The operations of one prefix: a trait.
#[derive(Debug)]
pub(crate) struct Service {
    pub module: Ident,
    pub ty: Ident,
    /// The type that serves it.
    pub server: Ident,
    /// What its operations' ids begin with; `None` for those whose ids have no prefix.
    pub prefix: Option<Literal>,
    pub handlers: Vec<Handler>,
}

/// An operation as a server has it.
#[derive(Debug)]
pub(crate) struct Handler {
    /// Where the operation is: the index of its group, and its own in that.
    pub operation: (usize, usize),
    pub method: Ident,
    /// The type of requests.
    pub request: Ident,
    /// The type of responses.
    pub response: Ident,
    pub fields: Vec<RequestField>,
    pub preconditions: Option<PreconditionsField>,
    pub body: RequestBody,
    pub answers: Vec<Answer>,
    /// The media types of its answers, other than JSON alone.
    pub produces: Vec<Literal>,
    /// What a query has to have for this operation to be meant.
    pub query: Vec<(Literal, Literal)>,
    /// Whether a request must have an `api-version`.
    pub api_version: bool,
    pub matching: Matching,
}

/// How paths are matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Matching {
    /// Whether fixed parts match in any case.
    pub ignore_case: bool,
    /// Whether a slash at the end makes no difference.
    pub trailing_slash: bool,
}

/// A field of a request that has the value of a parameter.
#[derive(Debug)]
pub(crate) struct RequestField {
    /// Called as the field is.
    pub parameter: Parameter,
    pub required: bool,
    /// Where it stands, if it is a parameter of the path.
    pub hole: Option<Hole>,
    /// What it is held to: the index of a table of the client's.
    pub table: Option<usize>,
}

/// A variable part of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    /// How many stand before it.
    pub index: usize,
    /// Whether it may have slashes.
    pub raw: bool,
    /// How the items of a list stand in a row.
    pub list: CollectionFormat,
}

/// The field of a request that has all of its conditional headers.
#[derive(Debug)]
pub(crate) struct PreconditionsField {
    pub name: Ident,
    /// The headers, and what the document says of each.
    pub headers: Vec<(Literal, Prose)>,
    /// Those that must be there.
    pub required: Vec<Literal>,
}

/// What a request has beside its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestBody {
    None,
    Json {
        required: bool,
    },
    Text {
        required: bool,
    },
    /// Bytes, perhaps none.
    Stream,
    Form,
}

/// A response that a server can give: a variant.
#[derive(Debug)]
pub(crate) struct Answer {
    pub name: Ident,
    pub status: Status,
    pub description: Prose,
    pub body: Option<ResponseBody>,
    /// The body's media type, other than the usual one of its kind.
    pub media_type: Option<Literal>,
    /// The struct that has body and headers, where there are headers.
    pub payload: Option<Ident>,
    pub headers: Vec<AnswerHeader>,
}

/// A header that a response may have.
#[derive(Debug)]
pub(crate) struct AnswerHeader {
    pub name: Ident,
    /// The name of the `with_…` method.
    pub setter: Ident,
    pub wire: Literal,
    pub value: HeaderValue,
    pub description: Prose,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderValue {
    ETag,
    /// A simple value or a list of such.
    Of(Type),
    /// Any number of headers that start with the name.
    Prefix,
}
