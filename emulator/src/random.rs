//! What nobody can guess.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iothub::runtime::server::ServiceError;

use crate::errors;

/// A key of 32 bytes in Base64.
///
/// # Errors
///
/// 500 where the system has no random bytes.
pub(crate) fn key() -> Result<Box<str>, ServiceError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(errors::internal)?;
    Ok(STANDARD.encode(bytes).into())
}
