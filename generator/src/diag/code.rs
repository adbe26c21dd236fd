use std::fmt;

use crate::spec::nearest;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is written.
    Error,
    /// Code is written; what is named is not in it, or in it otherwise than one might think.
    Warning,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $severity:ident;)+) => {
        /// The kinds of problems. The identifiers are stable: one that is no longer needed is not used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// All of them, in the order of their identifiers.
            pub const ALL: &'static [Code] = &[$(Code::$name),+];

            /// The identifier, e.g. `SM101`.
            pub fn id(self) -> &'static str {
                match self {
                    $(Code::$name => $id,)+
                }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self {
                    $(Code::$name => Severity::$severity,)+
                }
            }

            /// What it means, in a sentence or two.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Code::$name => concat!($($doc),+).trim_ascii_start(),)+
                }
            }

            /// Why it is a problem, with a wrong and a right example, in Markdown.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Code::$name => include_str!(concat!("explain/", $id, ".md")),)+
                }
            }
        }
    };
}

// What a code needs beside its line here: `explain/SMxxx.md`, whose examples are the code's test (see `tests/diagnostics.rs`).
//
// 0xx the call, 1xx source, 2xx overlay, 3xx spec, 4xx resolve, 5xx lower and naming, 6xx manifest, 7xx sink.
codes! {
    /// An argument of the call is missing, or cannot be used.
    Usage = "SM001", Error;

    /// A file cannot be read.
    Unreadable = "SM101", Error;
    /// A file is not valid JSON or YAML.
    Syntax = "SM102", Error;
    /// An object has the same key twice.
    DuplicateKey = "SM103", Error;
    /// A YAML file has aliases that make it many times as large as it is written, or that contain themselves.
    AliasBomb = "SM104", Error;

    /// A file that is used as an overlay is none, or of a version of the Overlay Specification that is not supported.
    NotAnOverlay = "SM201", Error;
    /// A field of an overlay is missing, or its value is of the wrong kind.
    OverlayField = "SM202", Error;
    /// An overlay has a field that the Overlay Specification does not know; it does nothing.
    UnknownOverlayField = "SM203", Warning;
    /// The path of an overlay action is not a JSONPath (RFC 9535).
    BadJsonPath = "SM204", Error;
    /// The path of an overlay action matches nothing in the document.
    NothingMatched = "SM205", Error;
    /// An overlay extends another document than the one it is applied to.
    WrongDocument = "SM206", Error;
    /// The value of an overlay action does not fit the node it is to change.
    Incompatible = "SM207", Error;
    /// An overlay action, or a part of it, changes nothing.
    IdleAction = "SM208", Warning;
    /// An overlay action copies from a path that matches more than one node.
    AmbiguousCopy = "SM209", Error;

    /// A document is not Swagger 2.0, the only version that is supported yet.
    NotSwagger2 = "SM301", Error;
    /// A keyword's value, or a node, is of another type than the specification says.
    WrongType = "SM302", Error;
    /// A keyword has a value that is not one of those allowed.
    InvalidValue = "SM303", Error;
    /// A keyword that must be there is not.
    MissingKeyword = "SM304", Error;
    /// Schemas are nested too deeply, or composed of too many others.
    TooDeep = "SM305", Error;
    /// A keyword is not one of Swagger 2.0, nor an extension (`x-`): it is not read.
    UnknownKeyword = "SM306", Warning;
    /// A keyword has no effect where it stands.
    NoEffect = "SM307", Warning;
    /// A `type` names several types: any JSON value is taken.
    SeveralTypes = "SM308", Warning;
    /// `xml` is not supported: what it says about a body's form is not used.
    UnsupportedXml = "SM321", Warning;
    /// `x-ms-odata` is not supported: the filter is a plain string.
    UnsupportedOdata = "SM322", Warning;
    /// `x-ms-parameter-grouping` is not supported: parameters stay apart.
    UnsupportedGrouping = "SM323", Warning;
    /// `uniqueItems` makes no set of an array: it is a `Vec`, and only servers with `validate-requests` refuse equal items.
    UnsupportedUniqueItems = "SM324", Warning;
    /// The schemes `ws` and `wss` are not supported: requests go over HTTP.
    UnsupportedWebSocket = "SM325", Warning;
    /// A `$ref` in place of a path item is not supported: its operations are missing.
    UnsupportedPathReference = "SM326", Warning;

    /// A `$ref` names something that is not there.
    DanglingReference = "SM401", Error;
    /// A `$ref` names a URL or an absolute path; only files relative to the document are read.
    RemoteReference = "SM402", Error;
    /// A `$ref` names something of another kind than the place needs.
    WrongKind = "SM403", Error;
    /// A chain of `$ref`s leads back to itself.
    ReferenceCycle = "SM404", Error;
    /// A schema contains itself through `allOf`.
    AllOfCycle = "SM405", Error;
    /// A `$ref` leads to a file outside the folders that are allowed.
    OutsideRoot = "SM406", Error;

    /// A definition is a list or a map of itself, which no type of Rust is: any JSON value is taken within.
    EndlessSchema = "SM501", Warning;
    /// The documents of one client define something of the same name differently.
    UnequalDefinitions = "SM502", Error;
    /// The same, where no manifest says what each is called: each becomes a model of its own.
    UnequalDefinitionsSplit = "SM503", Warning;
    /// Two models that a discriminator should tell apart have the same value of it.
    DoubleTag = "SM504", Warning;
    /// A format is not known; the value is taken as its type says.
    UnknownFormat = "SM505", Warning;
    /// An enum has values that are not of its type.
    EnumValue = "SM506", Warning;
    /// Two enums have the same `x-ms-enum` name and different values.
    UnequalEnums = "SM507", Warning;
    /// `required` names a property that there is not.
    RequiredNothing = "SM508", Warning;
    /// An operation has no id.
    NoOperationId = "SM509", Warning;
    /// Two operations have the same id.
    DoubleOperationId = "SM510", Error;
    /// Something is not supported, and an operation is left out because of it.
    Unsupported = "SM511", Warning;
    /// A parameter outside the body has a type that only a body can have.
    ParameterType = "SM512", Warning;
    /// An `x-specsmith-` extension has a value that it cannot have.
    ExtensionValue = "SM513", Error;
    /// A path parameter is called otherwise than the variable of the path.
    PathName = "SM514", Warning;
    /// A variable of a path has no parameter.
    PathHole = "SM515", Warning;
    /// A path parameter has no variable in the path.
    PathParameter = "SM516", Warning;
    /// No request can have a path, a host, a header's name or a media type like this, or it would lead elsewhere than it seems.
    Unsendable = "SM517", Error;
    /// An operation has two parameters of the same name in the same place, or two bodies.
    DoubleParameter = "SM519", Error;
    /// Two operations answer to the same requests: a server has the first one only.
    SameRoute = "SM520", Warning;
    /// A pattern is one that servers cannot look for in linear time, or that means different things elsewhere: requests are not held to it.
    PatternUnchecked = "SM521", Warning;
    /// Models are nested so deeply that the crate they are included in needs a larger `recursion_limit`.
    DeepModels = "SM518", Warning;

    /// A manifest has a value that it cannot have, or lacks one.
    ManifestValue = "SM601", Error;
    /// A manifest has a key that is not known.
    ManifestKey = "SM602", Error;
    /// A name in a manifest cannot be one in Rust.
    ManifestName = "SM603", Error;
    /// A manifest names an operation that there is not.
    NoSuchOperation = "SM611", Error;
    /// A manifest names a definition or a property that there is not.
    NoSuchModel = "SM612", Error;
    /// A manifest has an entry for a parameter or a header that there is not.
    NoSuchParameter = "SM614", Error;
    /// An operation stands in no group of the manifest.
    NoGroup = "SM613", Warning;

    /// A file that the generator did not write stands where it would write one.
    NotOurs = "SM701", Error;
    /// The output folder, or a file in it, cannot be read or written.
    OutputUnusable = "SM702", Error;
    /// The ledger of generated files cannot be understood.
    BrokenLedger = "SM704", Error;
    /// A file that is no longer generated was edited by hand, and has been left where it is.
    StaleKept = "SM705", Warning;
    /// A generated file was edited by hand, and has been generated anew: the edit is lost.
    EditOverwritten = "SM706", Warning;
}

impl Code {
    /// The one of this identifier, in upper or lower case.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.id().eq_ignore_ascii_case(id))
    }

    /// The one whose identifier is most like this.
    pub fn nearest(id: &str) -> Option<Self> {
        nearest(id, Self::ALL.iter().map(|code| code.id())).and_then(Self::from_id)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
