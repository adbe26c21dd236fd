//! Why a value could not be read.

use std::fmt::{self, Write};

/// How deep arrays and objects may lie in one another; serde_json has the same bound.
pub(crate) const DEPTH: usize = 128;

/// The longest name that a path repeats, in characters.
const SHOWN: usize = 100;

/// How many errors are kept where reading goes on after one.
const MOST: usize = 100;

/// Why a value could not be read: where, what was expected there and what kind of value was found. It never has the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    path: Vec<Step>,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Name(String),
    Index(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Mismatch {
        expected: &'static str,
        found: &'static str,
    },
    Missing(&'static str),
    TooDeep,
    /// What the format says, where the text is not well formed.
    Syntax(String),
}

impl ReadError {
    /// Where: the names and indexes from the outermost value on, e.g. `authentication.symmetricKey` or `[2].deviceId`; empty for
    /// the outermost value itself. Names that would not be plain to read stand in brackets and quotes: `tags["a b"]`.
    pub fn path(&self) -> String {
        path(&self.path)
    }

    /// The path of the value that was not read, or is missing.
    #[cfg(feature = "server")]
    pub(crate) fn place(&self) -> String {
        let missing = match self.what {
            What::Missing(name) => Some(Step::Name(name.to_owned())),
            _ => None,
        };
        path(&missing.into_iter().chain(self.path.iter().cloned()).collect::<Vec<_>>())
    }

    /// Whether the text is not well formed, so that its end is no end.
    #[cfg(feature = "server")]
    pub(crate) fn is_syntax(&self) -> bool {
        matches!(self.what, What::Syntax(_))
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.path, &self.what, f)
    }
}

impl std::error::Error for ReadError {}

/// What is known while a value is read.
#[derive(Default)]
pub(super) struct State {
    /// From the innermost value on.
    path: Vec<Step>,
    what: Option<What>,
    depth: usize,
    /// What reading went on after, in the order of the text.
    found: Vec<ReadError>,
    /// After how many errors it goes on.
    patience: usize,
}

impl State {
    /// One in which reading goes on after an error.
    pub(super) fn patient() -> Self {
        Self { patience: MOST - 1, ..Self::default() }
    }

    /// How many errors reading went on after.
    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// Keeps what is wrong with a value, which has been read to its end. An error where it was the last that is kept.
    #[cold]
    pub(super) fn refuse<E: serde::de::Error>(&mut self, what: What) -> Result<(), E> {
        if self.found.len() >= self.patience {
            return Err(self.fail(what));
        }
        self.found.push(ReadError { path: Vec::new(), what });
        Ok(())
    }

    /// Keeps what is wrong. The error that carries it through the format says nothing: it is replaced in the end.
    #[cold]
    pub(super) fn fail<E: serde::de::Error>(&mut self, what: What) -> E {
        self.what.get_or_insert(what);
        E::custom("not readable")
    }

    /// Keeps the format's own words where nothing is known to be wrong yet.
    pub(super) fn fail_as<E: serde::de::Error>(&mut self, own: &dyn fmt::Display) -> E {
        let text = own.to_string();
        // The place is one within a part of the text.
        let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
        self.fail(What::Syntax(harmless(text).to_owned()))
    }

    /// One level down.
    pub(super) fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        if self.depth > DEPTH { Err(self.fail(What::TooDeep)) } else { Ok(()) }
    }

    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Says where the errors since this count are, and the one that ends the reading, if one does.
    #[cold]
    pub(super) fn at(&mut self, count: usize, step: Step, ended: bool) {
        for error in self.found.iter_mut().skip(count) {
            error.path.push(step.clone());
        }
        if ended {
            self.path.push(step);
        }
    }

    /// All errors; the format's own is the one that ended the reading, if one did.
    pub(super) fn into_errors(mut self, own: Option<&dyn fmt::Display>) -> Vec<ReadError> {
        let mut found = std::mem::take(&mut self.found);
        found.extend(own.map(|own| self.into_error(own)));
        found
    }

    /// The error, where the format's own is this.
    pub(super) fn into_error(self, own: &dyn fmt::Display) -> ReadError {
        let what = self.what.unwrap_or_else(|| What::Syntax(harmless(&own.to_string()).to_owned()));
        ReadError { path: self.path, what }
    }

    /// The error in the format's type.
    pub(super) fn into_own<E: serde::de::Error>(self, own: E) -> E {
        if self.what.is_none() && harmless(&own.to_string()) != UNREADABLE {
            own
        } else {
            E::custom(self.into_error(&own))
        }
    }
}

const UNREADABLE: &str = "not readable";

/// A format's own words, unless they are those in which serde repeats a value.
fn harmless(own: &str) -> &str {
    let repeats = ["invalid type: ", "invalid value: ", "unknown variant "];
    if repeats.iter().any(|words| own.contains(words)) { UNREADABLE } else { own }
}

/// The path of steps from the innermost value on, as text.
pub(crate) fn path(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps.iter().rev() {
        // Writing to a string does not fail.
        _ = match step {
            Step::Name(name) if is_plain(name) && path.is_empty() => write!(path, "{name}"),
            Step::Name(name) if is_plain(name) => write!(path, ".{name}"),
            Step::Name(name) => match name.char_indices().nth(SHOWN) {
                Some((end, _)) => write!(path, "[{:?}…]", name.get(..end).unwrap_or_default()),
                None => write!(path, "[{name:?}]"),
            },
            Step::Index(index) => write!(path, "[{index}]"),
        };
    }
    path
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$' | '@' | ':');
    !name.is_empty() && name.len() <= SHOWN && name.chars().all(plain)
}

fn show(steps: &[Step], what: &What, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let path = path(steps);
    if !path.is_empty() {
        write!(f, "{path}: ")?;
    }
    fmt::Display::fmt(what, f)
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Mismatch { expected, found } => write!(f, "expected {expected}, found {found}"),
            What::Missing(name) => write!(f, "the property `{name}` is missing"),
            What::TooDeep => write!(f, "more than {DEPTH} arrays and objects within one another"),
            What::Syntax(text) => f.write_str(text),
        }
    }
}
