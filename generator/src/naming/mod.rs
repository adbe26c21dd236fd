//! Identifiers: how the names of a document become names in Rust, and what happens where two want the same.
//!
//! Everything here is a pure function of its arguments.
//!
//! - [`words`] takes a name apart; [`snake`], [`pascal`] and [`screaming`] put the words together again.
//! - A name that starts with a digit gets a `v`, since most of those are dates and versions: `2016-11-14`
//!   is `V2016_11_14` and `v2016_11_14`.
//! - Between two digits of different words an underscore stays, also in Pascal case: `1.10` is not `11.0`.
//! - A name of nothing but symbols is spelled: `<=` is `LessEqual`.
//! - A name of more than [`MAX_LENGTH`] characters is cut, and a hash of the whole is appended.
//! - Keywords become raw identifiers (`r#type`), or get an underscore where they cannot (`self_`).
//! - [`Scope`] gives each item of a scope a name of its own.

use std::fmt;

mod reserved;
mod scope;
mod words;

pub(crate) use reserved::{
    RESERVED_CLIENT_TYPES, RESERVED_FILES, RESERVED_SERVER_TYPES, RESERVED_TYPES, type_candidates,
};
pub(crate) use scope::{Scope, Wanted};
pub(crate) use words::{spelled, words};

/// How long an identifier may be; the hash of a longer one is within it.
pub(crate) const MAX_LENGTH: usize = 80;

/// A valid Rust identifier, of ASCII letters, digits and underscores; raw if it is a keyword.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Ident(String);

/// How the words of an identifier are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// Modules, functions, fields, parameters: `create_or_update`.
    Snake,
    /// Types, traits, variants: `CreateOrUpdate`.
    Pascal,
    /// Constants: `CREATE_OR_UPDATE`.
    Screaming,
}

impl Ident {
    /// An identifier as somebody wrote it, if Rust takes it as it is. `type` is none, `r#type` is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bare = text.strip_prefix("r#").unwrap_or(text);
        let valid = bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && bare.bytes().any(|byte| byte != b'_')
            && !bare.starts_with(|first: char| first.is_ascii_digit());
        (valid && Self::checked(bare.to_owned()).0 == text).then(|| Self(text.to_owned()))
    }

    /// As it stands in the code, with `r#` if it is raw.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Without `r#`: for the name of a file, a feature, or a part of another name.
    pub(crate) fn bare(&self) -> &str {
        self.0.strip_prefix("r#").unwrap_or(&self.0)
    }

    /// Whether rustc's lints on the case of names have nothing against it.
    pub(crate) fn has_case(&self, case: Case) -> bool {
        let bare = self.bare().trim_matches('_');
        if bare.contains("__") {
            return false;
        }
        match case {
            Case::Snake => !bare.contains(|character: char| character.is_ascii_uppercase()),
            Case::Screaming => !bare.contains(|character: char| character.is_ascii_lowercase()),
            Case::Pascal => {
                let letter_beside_underscore = bare
                    .as_bytes()
                    .windows(2)
                    .any(|pair| pair.contains(&b'_') && pair.iter().any(u8::is_ascii_alphabetic));
                !bare.starts_with(|first: char| first.is_ascii_lowercase()) && !letter_beside_underscore
            }
        }
    }

    /// The same with a number: `name_2`, `Name2`, `Sha1_2`.
    fn numbered(&self, number: usize) -> Self {
        let bare = self.bare().trim_end_matches('_');
        let glued = self.has_case(Case::Pascal) && !bare.ends_with(|last: char| last.is_ascii_digit());
        Self::checked(format!("{bare}{}{number}", if glued { "" } else { "_" }))
    }

    /// An identifier from letters, digits and underscores that do not start with a digit.
    fn checked(text: String) -> Self {
        if reserved::NEVER_RAW.contains(&text.as_str()) {
            Self(text + "_")
        } else if reserved::KEYWORDS.contains(&text.as_str()) {
            Self(format!("r#{text}"))
        } else {
            Self(text)
        }
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name in snake case: `DeviceApi` is `device_api`.
pub(crate) fn snake(name: &str) -> Ident {
    snake_parts(&[name])
}

/// A name in Pascal case: `device-api` is `DeviceApi`.
pub(crate) fn pascal(name: &str) -> Ident {
    pascal_parts(&[name])
}

/// A name in screaming snake case: `DeviceApi` is `DEVICE_API`.
pub(crate) fn screaming(name: &str) -> Ident {
    screaming_parts(&[name])
}

/// Several names as one in snake case.
pub(crate) fn snake_parts(parts: &[&str]) -> Ident {
    in_case(Case::Snake, parts)
}

/// Several names as one in Pascal case.
pub(crate) fn pascal_parts(parts: &[&str]) -> Ident {
    in_case(Case::Pascal, parts)
}

/// Several names as one in screaming snake case.
pub(crate) fn screaming_parts(parts: &[&str]) -> Ident {
    in_case(Case::Screaming, parts)
}

/// Several names as one.
pub(crate) fn in_case(case: Case, parts: &[&str]) -> Ident {
    joined(case, parts, parts.iter().flat_map(|part| words(part)).collect())
}

/// A name with its symbols spelled: `-name` is `minus_name`.
///
/// A second choice for what would otherwise be the same as another name, such as `name`.
pub(crate) fn spelled_in_case(case: Case, name: &str) -> Ident {
    joined(case, &[name], spelled(name))
}

/// Whether a name has something in it to be spelled.
pub(crate) fn has_symbols(name: &str) -> bool {
    name.contains(|character: char| !character.is_ascii_alphanumeric())
}

fn joined(case: Case, parts: &[&str], mut words: Vec<String>) -> Ident {
    if words.is_empty() {
        words.push("empty".to_owned());
    }
    let full = join(case, &words);
    Ident::checked(if full.len() <= MAX_LENGTH { full } else { cut(case, &words, parts) })
}

/// Words as one name, in which they can still be told apart.
fn join(case: Case, words: &[String]) -> String {
    let mut name = String::new();
    for word in words {
        let digit_first = word.starts_with(|first: char| first.is_ascii_digit());
        let digits_meet = digit_first && name.ends_with(|last: char| last.is_ascii_digit());
        if name.is_empty() && digit_first {
            name.push(if case == Case::Snake { 'v' } else { 'V' });
        } else if !name.is_empty() && (digits_meet || case != Case::Pascal) {
            name.push('_');
        }
        match case {
            Case::Snake => name.push_str(word),
            Case::Screaming => name.push_str(&word.to_ascii_uppercase()),
            Case::Pascal => name.push_str(&capitalized(word)),
        }
    }
    name
}

fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_uppercase(), characters.as_str()))
}

/// As many of the words as there is room for, and a hash that tells the name from others that start alike.
fn cut(case: Case, words: &[String], parts: &[&str]) -> String {
    let hash = format!("h{:08x}", hash(parts));
    // One for the underscore, one for a leading `v`, and some for what stands between two digits.
    let mut room = MAX_LENGTH - hash.len() - 2;
    let mut kept = Vec::new();
    for word in words {
        // A word takes its own length and an underscore, whether or not one stands there.
        match room.checked_sub(word.len() + 1) {
            Some(rest) => room = rest,
            None => {
                if kept.is_empty() {
                    kept.push(word.chars().take(room).collect());
                }
                break;
            }
        }
        kept.push(word.clone());
    }
    kept.push(hash);
    join(case, &kept)
}

/// FNV-1a, which will be the same in all versions of Rust, folded to 32 bits.
fn hash(parts: &[&str]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0xff]));
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let [a, b, c, d, e, f, g, h] = hash.to_be_bytes();
    u32::from_be_bytes([a, b, c, d]) ^ u32::from_be_bytes([e, f, g, h])
}

#[cfg(test)]
mod tests;
