//! The one list of what a document may say and the generator makes nothing of, or less than one might think.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics, Location};

macro_rules! features {
    ($($(#[doc = $doc:literal])+ $feature:ident = $name:literal, $code:expr;)+) => {
        /// Something that a document may say, that is recognised and has no part in the generated code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Unsupported {
            $($(#[doc = $doc])+ $feature,)+
        }

        impl Unsupported {
            /// All of them.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$feature),+];

            /// The keyword, or a word for it.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$feature => $name,)+
                }
            }

            /// The warning that a document gets which uses it; `None`: it is nothing that code could come from.
            pub(crate) fn code(self) -> Option<Code> {
                match self {
                    $(Self::$feature => $code,)+
                }
            }

            /// What is done instead, or why nothing is.
            pub(crate) fn why(self) -> &'static str {
                match self {
                    $(Self::$feature => concat!($($doc),+).trim_ascii_start(),)+
                }
            }
        }
    };
}

features! {
    /// what it says about names and nesting in XML is not used
    Xml = "xml", Some(Code::UnsupportedXml);
    /// the filter is a plain string
    Odata = "x-ms-odata", Some(Code::UnsupportedOdata);
    /// the parameters stay apart
    ParameterGrouping = "x-ms-parameter-grouping", Some(Code::UnsupportedGrouping);
    /// the array is a `Vec`, and only servers with `validate-requests` refuse equal items
    UniqueItems = "uniqueItems", Some(Code::UnsupportedUniqueItems);
    /// requests go over HTTP
    WebSocket = "a WebSocket scheme", Some(Code::UnsupportedWebSocket);
    /// the operations under this path are missing
    PathReference = "a `$ref` in place of a path", Some(Code::UnsupportedPathReference);
    /// an example shows a value, and says nothing about its type
    Example = "example", None;
    /// examples show values, and say nothing about their types
    Examples = "examples", None;
    /// examples show values, and say nothing about their types
    MsExamples = "x-ms-examples", None;
    /// documentation that stands elsewhere
    ExternalDocs = "externalDocs", None;
    /// a heading in a documentation; the group is the operation id's prefix
    Tags = "tags", None;
    /// who the caller is, is the client's configuration
    Security = "security", None;
    /// who the caller is, is the client's configuration
    SecurityDefinitions = "securityDefinitions", None;
    /// about the people behind the service
    Contact = "contact", None;
    /// about the service, not about the generated code
    License = "license", None;
    /// about the service, not about the generated code
    TermsOfService = "termsOfService", None;
    /// the endpoint, given by the user, says which
    Schemes = "schemes", None;
    /// the dialect of a JSON Schema file; it is read as Swagger is
    Dialect = "$schema", None;
    /// a schema in it is read when a reference names it
    LocalDefinitions = "definitions", None;
    /// a schema in it is read when a reference names it
    LocalDefs = "$defs", None;
    /// host parameters are given once, to the client
    PositionInOperation = "positionInOperation", None;
}

impl Unsupported {
    /// The one that stands for a keyword which is nothing that code could come from.
    pub(super) fn silent(keyword: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.code().is_none() && it.name() == keyword)
    }
}

/// The unsupported features that one document uses. Each is reported once: at its first place, with the number of others.
#[derive(Debug, Default)]
pub(crate) struct Gaps(BTreeMap<Unsupported, (Location, usize)>);

impl Gaps {
    /// One more place.
    pub(crate) fn note(&mut self, feature: Unsupported, at: &Location) {
        self.0.entry(feature).or_insert_with(|| (at.clone(), 0)).1 += 1;
    }

    /// A warning for each feature that deserves one.
    pub(crate) fn report(self, diags: &mut Diagnostics) {
        for (feature, (at, places)) in self.0 {
            let Some(code) = feature.code() else { continue };
            let mut message = format!("{} is not supported: {}", quoted(feature), feature.why());
            if places > 1 {
                message.push_str(&format!(" (this is the first of {places} places)"));
            }
            let help = match feature {
                Unsupported::PathReference => "write the path's operations in its place, by an overlay",
                _ => "if that will do, remove it by an overlay, and nothing is said any more",
            };
            diags.push(Diagnostic::new(code, message).at(&at).help(help));
        }
    }
}

/// A keyword in backticks, words as they are.
fn quoted(feature: Unsupported) -> String {
    let name = feature.name();
    if name.contains(' ') { name.to_owned() } else { format!("`{name}`") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Pointer};

    #[test]
    fn a_feature_is_reported_once_with_the_number_of_its_places() {
        let root = Location { file: FileId(0), pointer: Pointer::root() };
        let mut gaps = Gaps::default();
        gaps.note(Unsupported::Xml, &root.join("a"));
        gaps.note(Unsupported::Tags, &root.join("b"));
        gaps.note(Unsupported::Xml, &root.join("c"));
        gaps.note(Unsupported::WebSocket, &root.join("d"));
        let mut diags = Diagnostics::default();
        gaps.report(&mut diags);
        let found: Vec<_> = diags.iter().map(|it| (it.code, it.message.as_str())).collect();
        assert_eq!(
            found,
            [
                (
                    Code::UnsupportedXml,
                    "`xml` is not supported: what it says about names and nesting in XML is not used \
                     (this is the first of 2 places)"
                ),
                (Code::UnsupportedWebSocket, "a WebSocket scheme is not supported: requests go over HTTP"),
            ]
        );
        assert_eq!(diags.iter().next().and_then(|it| it.location.clone()), Some(root.join("a")));
    }

    #[test]
    fn a_keyword_is_silent_only_if_no_warning_belongs_to_it() {
        assert_eq!(Unsupported::silent("externalDocs"), Some(Unsupported::ExternalDocs));
        assert_eq!(Unsupported::silent("xml"), None);
        assert_eq!(Unsupported::silent("nullable"), None);
    }
}
