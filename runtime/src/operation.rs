//! What is known of an operation before it is called.

use http::Method;

use crate::error::ErrorFormat;
use crate::lro::FinalState;
use crate::paging::Paging;

/// An operation of an interface document: all that does not depend on the call's arguments.
///
/// Generated crates have one `static` for each. The path is a template: `{}` is a hole for one segment, `{*}` one for
/// several, filled in order.
///
/// ```
/// use http::Method;
/// use specsmith_runtime::{ErrorFormat, EtagSource, Operation};
///
/// static GET_TWIN: Operation = Operation::new("DeviceTwinApi_Get", Method::GET, "/twins/{}")
///     .success(&[200])
///     .etag(EtagSource::Body(&["etag"]))
///     .errors(ErrorFormat::DataPlane)
///     .api_version("2016-11-14");
/// assert!(GET_TWIN.is_retry_safe());
/// ```
#[derive(Debug)]
pub struct Operation {
    id: &'static str,
    method: Method,
    path: &'static str,
    success: &'static [u16],
    etag: EtagSource,
    errors: ErrorFormat,
    retry_safe: Option<bool>,
    final_state: FinalState,
    paging: Option<Paging>,
    api_version: Option<&'static str>,
    accept: Option<&'static str>,
}

/// Where an operation's answer has its entity tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EtagSource {
    /// Nowhere.
    None,
    /// In the header `ETag` (RFC 9110 §8.8.3).
    Header,
    /// In the JSON body, at this path of member names.
    Body(&'static [&'static str]),
}

impl Operation {
    /// An operation that takes any status from 200 to 299 for a success, answers JSON with its tag in the header, and
    /// has errors of no particular form.
    pub const fn new(id: &'static str, method: Method, path: &'static str) -> Operation {
        Operation {
            id,
            method,
            path,
            success: &[],
            etag: EtagSource::Header,
            errors: ErrorFormat::Plain,
            retry_safe: None,
            final_state: FinalState::Unsaid,
            paging: None,
            api_version: None,
            accept: Some("application/json"),
        }
    }

    /// The only statuses that are a success.
    #[must_use]
    pub const fn success(mut self, statuses: &'static [u16]) -> Operation {
        self.success = statuses;
        self
    }

    /// Where the answer has its entity tag.
    #[must_use]
    pub const fn etag(mut self, source: EtagSource) -> Operation {
        self.etag = source;
        self
    }

    /// The form of the service's errors.
    #[must_use]
    pub const fn errors(mut self, format: ErrorFormat) -> Operation {
        self.errors = format;
        self
    }

    /// Whether a call may be repeated when it is not known to have been carried out, whatever its method says.
    #[must_use]
    pub const fn retry_safe(mut self, safe: bool) -> Operation {
        self.retry_safe = Some(safe);
        self
    }

    /// Where the result of the operation is, if it is a long-running one.
    #[must_use]
    pub const fn result_at(mut self, place: FinalState) -> Operation {
        self.final_state = place;
        self
    }

    /// How the answer, which is a page of a list, says where the next is.
    #[must_use]
    pub const fn paging(mut self, paging: Paging) -> Operation {
        self.paging = Some(paging);
        self
    }

    /// The value of the query parameter `api-version`, which the pipeline adds, if it has no other.
    #[must_use]
    pub const fn api_version(mut self, version: &'static str) -> Operation {
        self.api_version = Some(version);
        self
    }

    /// The request's `Accept` header; None leaves it out.
    #[must_use]
    pub const fn accept(mut self, media_types: Option<&'static str>) -> Operation {
        self.accept = media_types;
        self
    }

    /// The operation's id in its interface document.
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// The request's method.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The path's template.
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Whether an answer of this status is a success.
    pub fn is_success(&self, status: http::StatusCode) -> bool {
        match self.success {
            [] => status.is_success(),
            listed => listed.contains(&status.as_u16()),
        }
    }

    /// Where the answer has its entity tag.
    pub const fn etag_source(&self) -> EtagSource {
        self.etag
    }

    /// The form of the service's errors.
    pub const fn error_format(&self) -> ErrorFormat {
        self.errors
    }

    /// Whether a call may be repeated when it is not known to have been carried out: what
    /// [`retry_safe`](Operation::retry_safe) said, else whether the method is idempotent (RFC 9110 §9.2.2).
    pub fn is_retry_safe(&self) -> bool {
        self.retry_safe.unwrap_or_else(|| self.method.is_idempotent())
    }

    pub(crate) const fn pages(&self) -> Option<Paging> {
        self.paging
    }

    pub(crate) const fn final_state(&self) -> FinalState {
        self.final_state
    }

    /// What the document says of it, if it does.
    pub(crate) const fn retry_safety(&self) -> Option<bool> {
        self.retry_safe
    }

    pub(crate) const fn version(&self) -> Option<&'static str> {
        self.api_version
    }

    pub(crate) const fn accepted(&self) -> Option<&'static str> {
        self.accept
    }
}
