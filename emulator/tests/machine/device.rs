//! A device, as the model keeps it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::queue::Queue;
use super::tree::{Node, Object};

/// What the hub chooses: it changes exactly when it should.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) now: Option<String>,
    pub(crate) before: Vec<String>,
}

impl Chosen {
    /// It is another one from now on.
    pub(crate) fn renew(&mut self) {
        self.before.extend(self.now.take());
    }

    /// Looks at it.
    pub(crate) fn meet(&mut self, seen: &Value) -> Value {
        let text = seen.as_str().unwrap_or_default();
        match &self.now {
            Some(now) => now.clone().into(),
            None => {
                assert!(!text.is_empty() && !self.before.iter().any(|before| before == text), "{text} is not new");
                self.now = Some(text.to_owned());
                text.into()
            }
        }
    }
}

/// With what a device proves itself.
#[derive(Clone, Debug)]
pub(crate) enum Proves {
    MadeKeys(Chosen, Chosen),
    Keys(&'static str, &'static str),
    Thumbprint(&'static str),
}

impl Proves {
    pub(crate) fn made() -> Proves {
        Proves::MadeKeys(Chosen::default(), Chosen::default())
    }
}

/// Properties of a twin, of one side.
#[derive(Clone, Debug)]
pub(crate) struct Properties {
    pub(crate) version: u64,
    pub(crate) values: Node,
    /// Whether metadata tell which version has changed what: those of desired properties do.
    pub(crate) tells_versions: bool,
}

impl Properties {
    pub(crate) fn new(tells_versions: bool) -> Properties {
        Properties { version: 1, values: Node::empty(), tells_versions }
    }

    pub(crate) fn merge(&mut self, given: &Object) {
        self.version += 1;
        self.values.merge(given, self.tells_versions.then_some(self.version));
    }

    pub(crate) fn replace(&mut self, given: &Object) {
        self.values = Node::empty();
        self.merge(given);
    }

    pub(crate) fn shown(&self) -> Value {
        let mut shown = self.values.values();
        shown["$metadata"] = self.values.metadata();
        shown["$version"] = self.version.into();
        shown
    }
}

/// A device.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) generation: Chosen,
    pub(crate) tag: Chosen,
    pub(crate) enabled: bool,
    pub(crate) reason: Option<&'static str>,
    /// When the status changed, if it did.
    pub(crate) changed: Option<Chosen>,
    pub(crate) proof: Proves,
    pub(crate) twin_tag: Chosen,
    pub(crate) version: u64,
    pub(crate) tags: Node,
    pub(crate) desired: Properties,
    pub(crate) reported: Properties,
    pub(crate) methods: BTreeSet<&'static str>,
    pub(crate) queue: Queue,
}

impl Device {
    pub(crate) fn is_connected(&self) -> bool {
        self.enabled && !self.methods.is_empty()
    }

    pub(crate) fn merge(&mut self, tags: Option<&Object>, desired: Option<&Object>) {
        self.version += 1;
        self.twin_tag.renew();
        if let Some(tags) = tags {
            self.tags.merge(tags, None);
        }
        if let Some(desired) = desired.filter(|desired| !desired.is_empty()) {
            self.desired.merge(desired);
        }
    }

    pub(crate) fn replace(&mut self, [tags, desired, reported]: [Option<&Object>; 3]) {
        self.version += 1;
        self.twin_tag.renew();
        if let Some(tags) = tags {
            self.tags = Node::empty();
            self.tags.merge(tags, None);
        }
        if let Some(desired) = desired {
            self.desired.replace(desired);
        }
        if let Some(reported) = reported {
            self.reported.replace(reported);
        }
    }

    pub(crate) fn identity(&mut self, id: &str, seen: &Value) -> Value {
        let authentication = &seen["authentication"];
        json!({
            "deviceId": id,
            "generationId": self.generation.meet(&seen["generationId"]),
            "etag": self.tag.meet(&seen["etag"]),
            "connectionState": self.connection_state(),
            "status": self.status(),
            "statusReason": self.reason,
            "connectionStateUpdatedTime": NEVER,
            "statusUpdatedTime": self.changed(&seen["statusUpdatedTime"]),
            "lastActivityTime": NEVER,
            "cloudToDeviceMessageCount": self.queue.messages.len(),
            "authentication": {
                "symmetricKey": self.keys(&authentication["symmetricKey"]),
                "x509Thumbprint": self.thumbprint(),
            },
        })
    }

    pub(crate) fn twin(&mut self, id: &str, seen: &Value) -> Value {
        json!({
            "deviceId": id,
            "etag": self.twin_tag.meet(&seen["etag"]),
            "version": self.version,
            "tags": self.tags.values(),
            "properties": { "desired": self.desired.shown(), "reported": self.reported.shown() },
            "deviceEtag": self.tag.meet(&seen["deviceEtag"]),
            "status": self.status(),
            "statusReason": self.reason,
            "statusUpdateTime": self.changed(&seen["statusUpdateTime"]),
            "connectionState": self.connection_state(),
            "lastActivityTime": NEVER,
            "cloudToDeviceMessageCount": self.queue.messages.len(),
            "authenticationType": if let Proves::Thumbprint(_) = self.proof { "selfSigned" } else { "sas" },
            "x509Thumbprint": self.thumbprint(),
            "capabilities": { "iotEdge": false },
        })
    }

    pub(crate) fn status(&self) -> &'static str {
        if self.enabled { "enabled" } else { "disabled" }
    }

    pub(crate) fn connection_state(&self) -> &'static str {
        if self.is_connected() { "Connected" } else { "Disconnected" }
    }

    pub(crate) fn changed(&mut self, seen: &Value) -> Value {
        match &mut self.changed {
            None => NEVER.into(),
            Some(time) => time.meet(seen),
        }
    }

    pub(crate) fn keys(&mut self, seen: &Value) -> Value {
        let [one, two] = match &mut self.proof {
            Proves::MadeKeys(one, two) => [one.meet(&seen["primaryKey"]), two.meet(&seen["secondaryKey"])],
            Proves::Keys(one, two) => [json!(one), json!(two)],
            Proves::Thumbprint(_) => [Value::Null, Value::Null],
        };
        json!({ "primaryKey": one, "secondaryKey": two })
    }

    pub(crate) fn thumbprint(&self) -> Value {
        let thumbprint = if let Proves::Thumbprint(text) = self.proof { Some(text) } else { None };
        json!({ "primaryThumbprint": thumbprint, "secondaryThumbprint": null })
    }
}

const NEVER: &str = "0001-01-01T00:00:00";

/// What stands at a path.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| value.get(name))
}

/// What has no value is `null` or is left out.
pub(crate) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            kept.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
        }
        other => other.clone(),
    }
}
