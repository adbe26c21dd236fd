//! Names that are taken: by the language, by its prelude, and by generated code itself.

use super::{Ident, pascal, pascal_parts};

/// Strict and reserved keywords of all editions. Weak ones (`union`, `raw`, `safe`, …) are identifiers.
pub(super) const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Keywords that are not valid as raw identifiers either.
pub(super) const NEVER_RAW: &[&str] = &["self", "Self", "super", "crate"];

/// Types that a model must not hide: those of Rust's prelude that generated code names, and our own.
pub(crate) const RESERVED_TYPES: &[&str] = &[
    // The prelude and std.
    "AsMut",
    "AsRef",
    "BTreeMap",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Deref",
    "Display",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "Err",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Self",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Vec",
    // serde.
    "Deserialize",
    "Deserializer",
    "Serialize",
    "Serializer",
    // Ours.
    "Base64",
    "Base64Url",
    "Body",
    "Bytes",
    "Call",
    "Client",
    "ClientBuilder",
    "Date",
    "DateTime",
    "Decimal",
    "Duration",
    "ETag",
    "Error",
    "Map",
    "Nullable",
    "Operation",
    "Request",
    "Response",
    "Rfc1123",
    "Secret",
    "Slot",
    "UnixTime",
    "Value",
    "View",
    "Wire",
];

/// Types that those of a client's groups must not hide, beside the others.
pub(crate) const RESERVED_CLIENT_TYPES: &[&str] = &[
    "CollectionFormat",
    "Condition",
    "ErrorFormat",
    "EtagSource",
    "FinalState",
    "LongCall",
    "Method",
    "PagedCall",
    "Paging",
    "Poller",
    "RawResponse",
    "Resumed",
    "StatusCode",
];

/// Types that those of a server must not hide, beside the others.
pub(crate) const RESERVED_SERVER_TYPES: &[&str] = &[
    "Answer",
    "Arc",
    "At",
    "BodyKind",
    "Checks",
    "CollectionFormat",
    "Context",
    "ErrorFormat",
    "Handling",
    "Incoming",
    "Method",
    "Preconditions",
    "Route",
    "Router",
    "Service",
    "ServiceError",
    "StatusCode",
];

/// Names that no file may have on Windows, whatever its extension.
pub(crate) const RESERVED_FILES: &[&str] = &[
    "aux", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "con", "lpt0", "lpt1",
    "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "nul", "prn",
];

/// The names that a type of this name may have, the best first: `Error` cannot but be `ErrorModel`.
pub(crate) fn type_candidates(name: &str) -> Vec<Ident> {
    let plain = pascal(name);
    // Clippy does not want a function `new` in a type of that name, and every model has one.
    if plain.bare() == "New" {
        return vec![pascal_parts(&[name, "model"])];
    }
    // Without regard to case: `Etag` beside `ETag` would be a trap too.
    if RESERVED_TYPES.iter().any(|reserved| reserved.eq_ignore_ascii_case(plain.bare().trim_end_matches('_'))) {
        vec![pascal_parts(&[name, "model"])]
    } else {
        vec![plain]
    }
}
