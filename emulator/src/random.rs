//! What nobody can guess.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use iothub::runtime::Secret;
use iothub::runtime::server::ServiceError;

use crate::errors;

/// A key of 32 bytes in Base64.
///
/// # Errors
///
/// 500 where the system has no random bytes.
pub(crate) fn key() -> Result<Box<str>, ServiceError> {
    Ok(STANDARD.encode(bytes()?).into())
}

/// A bearer token.
///
/// # Errors
///
/// As [`key`].
pub(crate) fn token() -> Result<Secret, ServiceError> {
    Ok(URL_SAFE_NO_PAD.encode(bytes()?).into())
}

fn bytes() -> Result<[u8; 32], ServiceError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(errors::internal)?;
    Ok(bytes)
}

/// An id that nobody else has, as a UUID (RFC 9562 §5.4).
///
/// # Errors
///
/// 500 where the system has no random bytes.
pub(crate) fn id() -> Result<String, ServiceError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(errors::internal)?;
    let version_and_variant = 0x4000_8000_0000_0000_0000;
    let number = u128::from_be_bytes(bytes) & !0xf000_c000_0000_0000_0000 | version_and_variant;
    let digits = format!("{number:032x}");
    let (rest, node) = digits.split_at(20);
    let (rest, clock) = rest.split_at(16);
    let (rest, high) = rest.split_at(12);
    let (low, mid) = rest.split_at(8);
    Ok(format!("{low}-{mid}-{high}-{clock}-{node}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids() {
        let (one, two) = (id().unwrap(), id().unwrap());
        assert_ne!(one, two);
        let lengths: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{one}");
        assert_eq!(&one[14..15], "4", "{one}");
        assert!("89ab".contains(&one[19..20]), "{one}");
    }
}
