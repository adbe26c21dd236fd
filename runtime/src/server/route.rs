//! What a server knows of an operation before it is called.

use http::Method;

use crate::error::ErrorFormat;

/// An operation as a server sees it: which requests it answers to, and what has to be known of it before its own code
/// reads them.
///
/// Generated crates have a `static` table of them for each trait. The path is a template: `{}` is one segment or a part
/// of one, `{*}` stands for several. All else is literal, and percent-encoded as in a URL.
///
/// ```
/// use http::Method;
/// use specsmith_runtime::ErrorFormat;
/// use specsmith_runtime::server::{BodyKind, Route};
///
/// static UPDATE: Route = Route::new("DeviceTwinApi_UpdateDeviceTwin", Method::PATCH, "/twins/{}")
///     .errors(ErrorFormat::DataPlane)
///     .api_version()
///     .body(BodyKind::Json)
///     .ignore_case();
/// assert!(UPDATE.needs_api_version() && UPDATE.ignores_case());
/// ```
#[derive(Debug)]
pub struct Route {
    id: &'static str,
    method: Method,
    template: &'static str,
    errors: ErrorFormat,
    api_version: bool,
    query: &'static [(&'static str, &'static str)],
    body: BodyKind,
    produces: &'static [&'static str],
    ignore_case: bool,
    trailing_slash: bool,
}

/// What an operation reads of a request's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyKind {
    /// Nothing: there is no body, or nobody looks at it.
    #[default]
    None,
    /// JSON, which has to be there.
    Json,
    /// JSON, or no body.
    OptionalJson,
    /// Text, which has to be there.
    Text,
    /// Text, or no body.
    OptionalText,
    /// Bytes, read as they come.
    Stream,
    /// Fields of a form, `application/x-www-form-urlencoded`.
    Form,
}

impl Route {
    /// An operation without a body that answers JSON, needs no `api-version`, has errors of no particular form, and whose
    /// path is compared exactly.
    pub const fn new(id: &'static str, method: Method, template: &'static str) -> Route {
        Route {
            id,
            method,
            template,
            errors: ErrorFormat::Plain,
            api_version: false,
            query: &[],
            body: BodyKind::None,
            produces: &[],
            ignore_case: false,
            trailing_slash: false,
        }
    }

    /// The form of its errors, also of those that arise before it is called.
    #[must_use]
    pub const fn errors(mut self, format: ErrorFormat) -> Route {
        self.errors = format;
        self
    }

    /// Requests have to have the query parameter `api-version`.
    #[must_use]
    pub const fn api_version(mut self) -> Route {
        self.api_version = true;
        self
    }

    /// Pairs that the query has to have, names and values as they are without escapes: what tells it from others with the
    /// same path and method. A pair with an empty value is also met by a name without `=`.
    #[must_use]
    pub const fn query(mut self, pairs: &'static [(&'static str, &'static str)]) -> Route {
        self.query = pairs;
        self
    }

    /// What it reads of the body.
    #[must_use]
    pub const fn body(mut self, kind: BodyKind) -> Route {
        self.body = kind;
        self
    }

    /// The media types of its answers: none is JSON, `*/*` any.
    #[must_use]
    pub const fn produces(mut self, media_types: &'static [&'static str]) -> Route {
        self.produces = media_types;
        self
    }

    /// Literal parts of the path are compared without regard to the case of ASCII letters.
    #[must_use]
    pub const fn ignore_case(mut self) -> Route {
        self.ignore_case = true;
        self
    }

    /// The path may also end in a slash, whether the template does or not.
    #[must_use]
    pub const fn trailing_slash(mut self) -> Route {
        self.trailing_slash = true;
        self
    }

    /// The operation's id in its interface document.
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// The requests' method.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The path's template.
    pub const fn template(&self) -> &'static str {
        self.template
    }

    /// The form of its errors.
    pub const fn error_format(&self) -> ErrorFormat {
        self.errors
    }

    /// Whether requests have to have `api-version`.
    pub const fn needs_api_version(&self) -> bool {
        self.api_version
    }

    /// Pairs that the query has to have.
    pub const fn fixed_query(&self) -> &'static [(&'static str, &'static str)] {
        self.query
    }

    /// What it reads of the body.
    pub const fn body_kind(&self) -> BodyKind {
        self.body
    }

    /// The media types of its answers: none is JSON, `*/*` any.
    pub const fn media_types(&self) -> &'static [&'static str] {
        self.produces
    }

    /// Whether the case of the path's literal parts does not matter.
    pub const fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    /// Whether the path may end in a slash or not.
    pub const fn takes_trailing_slash(&self) -> bool {
        self.trailing_slash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_made_at_compile_time_and_says_what_it_was_told() {
        static PLAIN: Route = Route::new("A_B", Method::GET, "/a");
        static FULL: Route = Route::new("A_C", Method::PUT, "/a/{}")
            .errors(ErrorFormat::Arm)
            .api_version()
            .query(&[("comp", "list")])
            .body(BodyKind::OptionalJson)
            .produces(&["*/*"])
            .ignore_case()
            .trailing_slash();
        assert_eq!((PLAIN.id(), PLAIN.method(), PLAIN.template()), ("A_B", &Method::GET, "/a"));
        assert_eq!((PLAIN.error_format(), PLAIN.body_kind()), (ErrorFormat::Plain, BodyKind::None));
        assert!(!PLAIN.needs_api_version() && !PLAIN.ignores_case() && !PLAIN.takes_trailing_slash());
        assert!(PLAIN.fixed_query().is_empty() && PLAIN.media_types().is_empty());
        assert_eq!((FULL.id(), FULL.method(), FULL.template()), ("A_C", &Method::PUT, "/a/{}"));
        assert_eq!((FULL.error_format(), FULL.body_kind()), (ErrorFormat::Arm, BodyKind::OptionalJson));
        assert!(FULL.needs_api_version() && FULL.ignores_case() && FULL.takes_trailing_slash());
        assert_eq!((FULL.fixed_query(), FULL.media_types()), (&[("comp", "list")][..], &["*/*"][..]));
    }
}
