//! What Cargo accepts in a package's manifest.

pub(super) const PACKAGE_NAME: &str = "a package's name has letters, digits, `-` and `_`, and starts with a letter";
pub(super) const VERSION: &str =
    "a version has three numbers, such as `0.1.0`; a prerelease such as `-beta.1` may follow";
pub(super) const RUST_VERSION: &str = "a version of Rust has two or three numbers, such as `\"1.95\"`";

pub(crate) fn is_package_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

pub(super) fn is_version(version: &str) -> bool {
    let (version, build) = version.split_once('+').map_or((version, None), |(version, build)| (version, Some(build)));
    let (numbers, prerelease) =
        version.split_once('-').map_or((version, None), |(numbers, prerelease)| (numbers, Some(prerelease)));
    let are_identifiers = |text: &str| {
        let is_identifier =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        text.split('.').all(is_identifier)
    };
    numbers.split('.').count() == 3
        && numbers.split('.').all(is_number)
        && prerelease.is_none_or(|text| are_identifiers(text) && text.split('.').all(|part| !is_padded(part)))
        && build.is_none_or(are_identifiers)
}

pub(super) fn is_rust_version(version: &str) -> bool {
    (2..=3).contains(&version.split('.').count()) && version.split('.').all(is_number)
}

/// Whether a path leads from a folder into it, on every system.
pub(super) fn is_inside(path: &str) -> bool {
    let absolute = path.starts_with('/') || path.contains([':', '\\']);
    !absolute && path.split('/').all(|step| step != "..")
}

fn is_number(text: &str) -> bool {
    text.parse::<u64>().is_ok() && text.bytes().all(|byte| byte.is_ascii_digit()) && !is_padded(text)
}

fn is_padded(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Names for a message.
pub(super) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
