//! The first, and so far the only one.
//!
//! What a model, enums and a union look like in a generated crate:
//!
//! ```
//! use specsmith_runtime::codegen::v1::{self as v1, Map, Value};
//!
//! #[derive(Clone)]
//! pub struct Device {
//!     pub device_id: String,
//!     pub status: Option<Status>,
//!     pub level: Option<Level>,
//!     pub authentication: Option<Authentication>,
//!     pub additional_properties: Map<String, Value>,
//! }
//!
//! impl Device {
//!     pub fn new(device_id: impl Into<String>) -> Self {
//!         let additional_properties = Map::new();
//!         Self { device_id: device_id.into(), status: None, level: None, authentication: None, additional_properties }
//!     }
//! }
//!
//! v1::model!(Device(String::new()), required [0], aliases ["id" 0], {
//!     0 "deviceId" device_id,
//!     1 "status" status,
//!     2 "level" level,
//!     3 "authentication" authentication,
//! } ..additional_properties);
//!
//! #[derive(Clone)]
//! pub enum Status {
//!     Enabled,
//!     Other(String),
//! }
//!
//! v1::string_enum!(Status, any_case, Other, { Enabled "enabled" });
//!
//! #[derive(Clone)]
//! pub enum Level {
//!     Low,
//!     Other(i64),
//! }
//!
//! v1::integer_enum!(Level, Other, { Low 1 });
//!
//! #[derive(Clone)]
//! pub enum Authentication {
//!     Sas(Box<Sas>),
//!     Other(Map<String, Value>),
//! }
//!
//! v1::union_model!(Authentication, "type", Other, { Sas "sas" });
//!
//! #[derive(Clone)]
//! pub struct Sas {
//!     pub key: v1::Secret,
//! }
//!
//! impl Sas {
//!     pub fn new(key: v1::Secret) -> Self {
//!         Self { key }
//!     }
//! }
//!
//! v1::model!(Sas(v1::Secret::default()), required [0], tag "type" "sas", { 0 "key" key });
//!
//! let json = r#"{"deviceId":"a","status":"enabled","level":2,"authentication":{"type":"sas","key":"k"},"new":null}"#;
//! let device: Device = serde_json::from_str(json)?;
//! assert!(matches!(device.status, Some(Status::Enabled)));
//! assert_eq!(serde_json::to_string(&device)?, json);
//! assert_eq!(
//!     format!("{device:?}"),
//!     r#"Device { deviceId: "a", status: "enabled", level: 2, authentication: Sas { key: Secret(..) }, new: .. }"#,
//! );
//! let error = serde_json::from_str::<Device>(r#"{"id":"a","authentication":{"type":"sas","key":5}}"#).unwrap_err();
//! assert_eq!(error.to_string(), "authentication.key: expected a string, found a number");
//! # Ok::<(), serde_json::Error>(())
//! ```

pub use serde::{Deserialize, Deserializer, Serialize, Serializer};
pub use serde_json::{Map, Value};

pub use crate::body::Body;
pub use crate::call::Call;
pub use crate::credential::{ClientBuilder, TokenSource};
#[cfg(feature = "reqwest")]
pub use crate::credential::{device_pipeline, hub_pipeline};
pub use crate::lro::{FinalState, LongCall, Poller, Resumed};
pub use crate::paging::{PagedCall, Paging};
pub use crate::time::{Date, DateTime, Duration, Rfc1123, UnixTime};
pub use crate::transport::BoxFuture;
pub use crate::url::CollectionFormat;
pub use crate::wire::{self, Slot, View, Wire};
pub use crate::{
    __call as call, __integer_enum as integer_enum, __long_call as long_call, __model as model,
    __paged_call as paged_call, __string_enum as string_enum, __union as union_model,
};
#[cfg(feature = "server")]
pub use crate::{__service as service, server};
pub use crate::{
    Base64, Base64Url, Bytes, Condition, Decimal, ETag, Error, ErrorFormat, EtagSource, Nullable, Operation, Pipeline,
};
pub use crate::{RawResponse, Request, Response, Secret};
pub use http::{Method, StatusCode};

/// What this module has, counted up whenever something is added to it.
pub const REVISION: u32 = 1;

/// Fails to compile where generated code needs more than this runtime has.
///
/// # Panics
///
/// At compile time only, where `needed` is more than [`REVISION`].
pub const fn require(needed: u32) {
    assert!(needed <= REVISION, "this crate was generated for a later specsmith-runtime: update specsmith-runtime");
}

/// A body of JSON.
pub fn body_json(request: &mut Request, body: View<'_>) {
    match wire::write::to_json(body) {
        Ok(json) => {
            request.body_json(json);
        }
        Err(error) => {
            request.fail(Error::build("the body cannot be written as JSON").with_source(error));
        }
    }
}

/// A body of JSON with a media type of its own.
pub fn body_json_as(request: &mut Request, body: View<'_>, media_type: &'static str) {
    body_json(request, body);
    request.header("content-type", &media_type);
}

/// The items of a slice, as one value.
pub fn list<T: Wire>(items: &[T]) -> Items<'_> {
    Items(items.iter().map(T::view).collect())
}

/// A list that is only looked at.
pub struct Items<'a>(Vec<View<'a>>);

impl Items<'_> {
    /// The list.
    pub fn view(&self) -> View<'_> {
        View::List(self)
    }
}

impl wire::List for Items<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn item(&self, index: usize) -> View<'_> {
        self.0.get(index).copied().unwrap_or(View::Absent)
    }
    fn push(&mut self) -> Slot<'_> {
        Slot::Ignored
    }
}

/// Reads a body that has to be there.
///
/// # Errors
///
/// Where it is not JSON, or other JSON than the type's.
pub fn json<T: Wire>(answer: &RawResponse) -> Result<T, Error> {
    let mut value = T::blank();
    read(answer, value.slot())?;
    Ok(value)
}

/// Reads a body that may be missing, or `null`.
///
/// # Errors
///
/// As [`json`].
pub fn optional_json<T: Wire>(answer: &RawResponse) -> Result<Option<T>, Error> {
    match wire::read::without_mark(answer.body()).trim_ascii() {
        b"" | b"null" => Ok(None),
        _ => json(answer).map(Some),
    }
}

fn read(answer: &RawResponse, slot: Slot<'_>) -> Result<(), Error> {
    wire::read::from_json(answer.body(), slot).map_err(|error| {
        Error::decode(format!("the answer's body is not what it should be: {error}")).with_source(error)
    })
}

/// Reads a page that is nothing but its items.
///
/// # Errors
///
/// As [`json`].
pub fn items<T: Wire>(answer: &RawResponse) -> Result<(Vec<T>, Option<String>), Error> {
    Ok((json(answer)?, None))
}

/// What a member of a page may be: there, absent or null.
pub trait Member<T> {
    /// What is there.
    fn member(self) -> Option<T>;
}

impl<T> Member<Vec<T>> for Vec<T> {
    fn member(self) -> Option<Vec<T>> {
        Some(self)
    }
}

impl Member<String> for String {
    fn member(self) -> Option<String> {
        Some(self)
    }
}

impl<T, M: Member<T>> Member<T> for Option<M> {
    fn member(self) -> Option<T> {
        self.and_then(M::member)
    }
}

impl<T, M: Member<T>> Member<T> for Nullable<M> {
    fn member(self) -> Option<T> {
        self.into_value().and_then(M::member)
    }
}

/// The items of a page and the link to the next, from the members that have them.
pub fn page<T>(items: impl Member<Vec<T>>, link: impl Member<String>) -> (Vec<T>, Option<String>) {
    (items.member().unwrap_or_default(), link.member())
}

/// Takes no notice of the body.
///
/// # Errors
///
/// None.
pub fn empty(_: &RawResponse) -> Result<(), Error> {
    Ok(())
}

/// Takes the body as it is.
///
/// # Errors
///
/// None.
pub fn bytes(answer: &RawResponse) -> Result<Bytes, Error> {
    Ok(answer.body().clone())
}

/// Takes the body as it is, if the status is one that has one.
///
/// # Errors
///
/// None.
pub fn optional_bytes(answer: &RawResponse) -> Result<Option<Bytes>, Error> {
    let none = matches!(answer.status().as_u16(), 204 | 205 | 304);
    Ok((!none).then(|| answer.body().clone()))
}

/// Takes the body as text.
///
/// # Errors
///
/// Where it is not UTF-8.
pub fn text(answer: &RawResponse) -> Result<String, Error> {
    let text = std::str::from_utf8(answer.body());
    text.map(str::to_owned).map_err(|error| Error::decode("the answer's body is not UTF-8").with_source(error))
}

/// Takes the body as text, if there is one.
///
/// # Errors
///
/// As [`text`].
pub fn optional_text(answer: &RawResponse) -> Result<Option<String>, Error> {
    if answer.body().is_empty() { Ok(None) } else { text(answer).map(Some) }
}

/// The error of an answer whose status has no variant.
pub fn unexpected(answer: &RawResponse) -> Error {
    Error::decode(format!("the status {} is not among those that are documented", answer.status()))
}
