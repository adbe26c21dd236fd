//! A device as queries see it: the same as its twin on the wire, without writing that.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::device::{Credentials, Device, time_or_never};
use super::hub::Hub;
use super::registry::Live;
use super::twin::Part;
use crate::query::{Item, Row, Step, find_in_json};

/// What stands in a twin beside what is its own: members of the identity, as later versions of the interface have them.
pub(crate) const BESIDE: [&str; 10] = [
    "deviceEtag",
    "status",
    "statusReason",
    "statusUpdateTime",
    "connectionState",
    "lastActivityTime",
    "cloudToDeviceMessageCount",
    "authenticationType",
    "x509Thumbprint",
    "capabilities",
];

/// One of [`BESIDE`]; `None` for any other name. What is live is only asked for where it matters.
pub(crate) fn beside(device: &Device, name: &str, live: impl FnOnce() -> Live) -> Option<Value> {
    let time = |time| json!(time_or_never(time).map(|time| time.to_string()));
    Some(match name {
        "deviceEtag" => device.etag().into(),
        "status" => status(device).into(),
        "statusReason" => json!(device.status_reason),
        "statusUpdateTime" => time(device.status_updated),
        "connectionState" => if live().connected { "Connected" } else { "Disconnected" }.into(),
        "lastActivityTime" => time(None),
        "cloudToDeviceMessageCount" => live().queued.into(),
        "authenticationType" => match &device.credentials {
            Credentials::Keys(_) => "sas",
            Credentials::Thumbprints(_) => "selfSigned",
            Credentials::Authority => "certificateAuthority",
        }
        .into(),
        "x509Thumbprint" => {
            let [one, two] = match &device.credentials {
                Credentials::Thumbprints([one, two]) => [one.as_deref(), two.as_deref()],
                _ => [None, None],
            };
            json!({ "primaryThumbprint": one, "secondaryThumbprint": two })
        }
        "capabilities" => json!({ "iotEdge": device.edge }),
        _ => return None,
    })
}

fn status(device: &Device) -> &'static str {
    if device.enabled { "enabled" } else { "disabled" }
}

/// A device as a row. What is live is that of the moment at which it is asked for; the lock must not be held then.
#[derive(Clone, Debug)]
pub(crate) struct TwinRow<'a> {
    /// The hub that the device is in.
    pub(crate) hub: &'a Hub,
    /// The device.
    pub(crate) device: Arc<Device>,
}

impl Row for TwinRow<'_> {
    fn get(&self, path: &[Step]) -> Option<Item<'_>> {
        let twin = &self.device.twin;
        // Whole twins are answered as they are anywhere else, without this.
        let (Step::Name(first), rest) = path.split_first()? else { return None };
        match (&**first, rest) {
            ("deviceId", []) => Some(Item::String((&*self.device.id).into())),
            ("etag", []) => Some(Item::String(twin.etag().into())),
            ("version", []) => Some(Item::Number(twin.version.into())),
            ("tags", rest) => in_text(twin.tags.get(), rest),
            ("properties", []) => {
                let parts = [("desired", Part::Desired), ("reported", Part::Reported)];
                let parts = parts.map(|(name, part)| (name.to_owned(), Value::Object(twin.part(part))));
                Some(Value::Object(Map::from_iter(parts)).into())
            }
            ("properties", [Step::Name(part), rest @ ..]) => match &**part {
                "desired" => in_text(twin.desired.get(), rest),
                "reported" => in_text(twin.reported.get(), rest),
                _ => None,
            },
            // The one that is asked for most.
            ("status", []) => Some(Item::String(status(&self.device).into())),
            (name, rest) => {
                let value = beside(&self.device, name, || self.hub.read().live(&self.device.id))?;
                inside(value, rest).map(Item::from)
            }
        }
    }
}

fn in_text<'a>(text: &'a str, path: &[Step]) -> Option<Item<'a>> {
    Item::from_json(find_in_json(text.as_bytes(), path)?)
}

/// What stands at a path within a value.
pub(super) fn inside(value: Value, path: &[Step]) -> Option<Value> {
    path.iter().try_fold(value, |value, step| match (step, value) {
        (Step::Name(name), Value::Object(mut members)) => members.remove(&**name),
        (Step::Index(index), Value::Array(items)) => items.into_iter().nth(*index),
        _ => None,
    })
}
