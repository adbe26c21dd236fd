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
