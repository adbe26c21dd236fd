//! A device: its identity and its twin.

use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iothub::runtime::credential::SasKey;
use iothub::runtime::time::DateTime;
use serde::{Deserialize, Serialize};

use super::hub::HubState;
use super::twin::Twin;

/// A device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Device {
    /// The id.
    pub(crate) id: Arc<str>,
    /// Tells a device from an earlier one of its id.
    pub(crate) generation: u64,
    /// How often the identity has been changed; its entity tag is made of it.
    pub(crate) version: u64,
    /// Whether it may use the hub.
    pub(crate) enabled: bool,
    /// The operator's note on its status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status_reason: Option<Box<str>>,
    /// When the status changed, if it ever did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status_updated: Option<SystemTime>,
    /// With what it proves itself.
    pub(crate) credentials: Credentials,
    /// Whether other devices may reach the hub through it. Later versions of the interface have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) edge: bool,
    /// The twin, which most changes of the identity leave as it is.
    pub(crate) twin: Arc<Twin>,
}

impl Device {
    /// The kind of its records in the store.
    pub(super) const KIND: &str = "device";

    /// The entity tag of the identity: a counter in Base64.
    pub(crate) fn etag(&self) -> String {
        base64_text(self.version.to_string())
    }

    /// The keys with which it may sign, if it has any and may use the hub.
    pub(crate) fn keys(&self) -> Option<[SasKey; 2]> {
        match &self.credentials {
            Credentials::Keys([one, two]) if self.enabled => Some([one.parse().ok()?, two.parse().ok()?]),
            _ => None,
        }
    }
}

/// Whether a text may be the id of a device.
pub(crate) fn is_id(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-:.+%_#*?!(),=@;$'".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Reads the record of a device.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn load(state: &mut HubState, id: &str, bytes: &[u8]) -> Result<(), String> {
    let device: Device = super::load::parse(bytes)?;
    if *device.id != *id {
        return Err(format!("it is of the device {}", device.id));
    }
    device.twin.check()?;
    state.insert(Arc::new(device));
    Ok(())
}

/// Bytes in Base64.
pub(super) fn base64_text(bytes: impl AsRef<[u8]>) -> String {
    // Into a text that is there: the other way has glibc find zeroed memory, which takes longer than all the rest.
    let mut text = String::with_capacity(24);
    STANDARD.encode_string(bytes, &mut text);
    text
}

/// With what a device proves itself.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Credentials {
    /// Two keys in Base64.
    Keys([Box<str>; 2]),
    /// The thumbprints of two certificates, either of which may be missing.
    Thumbprints([Option<Box<str>>; 2]),
    /// A certificate that an authority of the hub's has signed. Later versions of the interface have it.
    Authority,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Credentials::Keys(_) => "Keys(..)",
            Credentials::Thumbprints(_) => "Thumbprints(..)",
            Credentials::Authority => "Authority",
        })
    }
}

/// A time as the service writes it; one that never was is in the year 1.
pub(crate) fn time_or_never(time: Option<SystemTime>) -> Option<DateTime> {
    match time {
        Some(time) => seven_decimals(DateTime::try_from(time).ok()?).parse().ok(),
        None => "0001-01-01T00:00:00".parse().ok(),
    }
}

/// A time in UTC with seven decimals, as the service writes it.
pub(crate) fn seven_decimals(time: DateTime) -> String {
    let whole = DateTime::from_unix(time.unix_seconds(), 0).unwrap_or(time).to_string();
    format!("{}.{:07}Z", whole.trim_end_matches('Z'), time.subsec_nanoseconds() / 100)
}
