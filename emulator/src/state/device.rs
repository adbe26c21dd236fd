//! A device: its identity and its twin.

use std::sync::Arc;
use std::time::SystemTime;

use iothub::runtime::time::DateTime;
use serde::{Deserialize, Serialize};

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
    /// The twin.
    pub(crate) twin: Twin,
}

/// With what a device proves itself.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Credentials {
    /// Two keys in Base64.
    Keys([Box<str>; 2]),
    /// The thumbprints of two certificates, either of which may be missing.
    Thumbprints([Option<Box<str>>; 2]),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Credentials::Keys(_) => "Keys(..)",
            Credentials::Thumbprints(_) => "Thumbprints(..)",
        })
    }
}

/// A time as the service writes it; one that never was is in the year 1.
pub(crate) fn time_or_never(time: Option<SystemTime>) -> Option<DateTime> {
    match time {
        Some(time) => DateTime::try_from(time).ok(),
        None => "0001-01-01T00:00:00".parse().ok(),
    }
}
