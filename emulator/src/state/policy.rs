//! Shared access policies and their keys.

use iothub::Secret;
use iothub::runtime::ParseError;
use iothub::runtime::credential::{Rights, SasKey};
use iothub::runtime::server::ServiceError;
use serde::{Deserialize, Serialize};

use crate::{errors, random};

/// A shared access policy.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "Written", into = "Written")]
pub(crate) struct Policy {
    /// The name; case does not count.
    pub(crate) name: String,
    /// The primary and the secondary key, as they verify.
    pub(crate) keys: [SasKey; 2],
    /// The same, as they are answered.
    pub(crate) texts: [Secret; 2],
    /// What it allows.
    pub(crate) rights: Rights,
}

impl Policy {
    /// A policy with these keys, in Base64.
    ///
    /// # Errors
    ///
    /// Where a key is none.
    pub(crate) fn new(name: impl Into<String>, texts: [Secret; 2], rights: Rights) -> Result<Policy, ParseError> {
        let [primary, secondary] = &texts;
        let keys = [SasKey::from_base64(primary.expose())?, SasKey::from_base64(secondary.expose())?];
        Ok(Policy { name: name.into(), keys, texts, rights })
    }

    /// The policies of a new hub: those that the service makes, with keys of their own.
    ///
    /// # Errors
    ///
    /// 500 where there is no randomness to be had.
    pub(crate) fn usual() -> Result<Vec<Policy>, ServiceError> {
        let write = Rights::REGISTRY_WRITE;
        let all = write.and(Rights::SERVICE_CONNECT).and(Rights::DEVICE_CONNECT);
        let usual = [
            ("iothubowner", all),
            ("service", Rights::SERVICE_CONNECT),
            ("device", Rights::DEVICE_CONNECT),
            ("registryRead", Rights::REGISTRY_READ),
            ("registryReadWrite", write),
        ];
        usual
            .into_iter()
            .map(|(name, rights)| Policy::new(name, [new_key()?, new_key()?], rights).map_err(errors::internal))
            .collect()
    }
}

/// A new key.
///
/// # Errors
///
/// 500 where there is no randomness to be had.
pub(crate) fn new_key() -> Result<Secret, ServiceError> {
    Ok(Secret::from(&*random::key()?))
}

/// A policy in the store.
#[derive(Deserialize, Serialize)]
struct Written {
    name: String,
    keys: [String; 2],
    rights: String,
}

impl TryFrom<Written> for Policy {
    type Error = ParseError;

    fn try_from(Written { name, keys, rights }: Written) -> Result<Policy, ParseError> {
        Policy::new(name, keys.map(Secret::from), rights.parse()?)
    }
}

impl From<Policy> for Written {
    fn from(policy: Policy) -> Written {
        let keys = policy.texts.map(|key| key.expose().to_owned());
        Written { name: policy.name, keys, rights: policy.rights.to_string() }
    }
}
