//! Keys and tokens that are made.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use iothub::runtime::Secret;

/// A key as the service makes them: 32 bytes in Base64.
///
/// # Errors
///
/// Where the system has no chance to give.
pub(crate) fn key() -> Result<Secret, getrandom::Error> {
    Ok(Secret::from(STANDARD.encode(bytes()?)))
}

/// A bearer token.
///
/// # Errors
///
/// As [`key`].
pub(crate) fn token() -> Result<Secret, getrandom::Error> {
    Ok(Secret::from(URL_SAFE_NO_PAD.encode(bytes()?)))
}

fn bytes() -> Result<[u8; 32], getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
