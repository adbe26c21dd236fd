//! What goes in and out of a hub beside its HTTP interface: messages of the back end, events of devices, and devices that answer methods. In
//! Azure that is AMQP and MQTT; here it is the library and the admin API.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use iothub::runtime::transport::BoxFuture;
use serde_json::Value;

/// A message from the back end to a device.
///
/// ```
/// use iothub_emulator::{Ack, Message};
///
/// let message = Message::new("on").id("m1").ack(Ack::Full).property("unit", "heater");
/// assert_eq!(message.body, "on");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// What it says.
    pub body: Bytes,
    /// Its id, which feedback names.
    pub id: Option<String>,
    /// The id of the message that it answers.
    pub correlation_id: Option<String>,
    /// Who sends it.
    pub user_id: Option<String>,
    /// Of what the back end wants to hear.
    pub ack: Ack,
    /// When it stops to matter.
    pub expiry: Option<SystemTime>,
    /// Properties of the application.
    pub properties: BTreeMap<String, String>,
}

impl Message {
    /// A message that says this.
    pub fn new(body: impl Into<Bytes>) -> Message {
        Message { body: body.into(), ..Message::default() }
    }

    /// Its id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Message {
        self.id = Some(id.into());
        self
    }

    /// The id of the message that it answers.
    #[must_use]
    pub fn correlation_id(mut self, id: impl Into<String>) -> Message {
        self.correlation_id = Some(id.into());
        self
    }

    /// Who sends it.
    #[must_use]
    pub fn user_id(mut self, id: impl Into<String>) -> Message {
        self.user_id = Some(id.into());
        self
    }

    /// Of what the back end wants to hear.
    #[must_use]
    pub fn ack(mut self, ack: Ack) -> Message {
        self.ack = ack;
        self
    }

    /// When it stops to matter.
    #[must_use]
    pub fn expiry(mut self, time: SystemTime) -> Message {
        self.expiry = Some(time);
        self
    }

    /// Adds a property of the application.
    #[must_use]
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Message {
        self.properties.insert(name.into(), value.into());
        self
    }
}

/// Of what the back end wants to hear, once a message has met its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ack {
    /// Of nothing.
    #[default]
    None,
    /// That it was completed.
    Positive,
    /// That it was rejected, expired, or was delivered too often.
    Negative,
    /// Of both.
    Full,
}

impl Ack {
    /// As it is written in headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Ack::None => "none",
            Ack::Positive => "positive",
            Ack::Negative => "negative",
            Ack::Full => "full",
        }
    }
}

impl fmt::Display for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Ack {
    type Err = String;

    fn from_str(text: &str) -> Result<Ack, String> {
        let all = [Ack::None, Ack::Positive, Ack::Negative, Ack::Full];
        let known = all.into_iter().find(|ack| ack.as_str().eq_ignore_ascii_case(text));
        known.ok_or_else(|| "expected none, positive, negative or full".to_owned())
    }
}

/// What a device has told the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Its number in the hub; the first is 1.
    pub sequence: u64,
    /// Who tells it.
    pub device_id: Arc<str>,
    /// When it came.
    pub enqueued: SystemTime,
    /// What it tells.
    pub body: Bytes,
    /// Properties of the application, without their prefix.
    pub properties: BTreeMap<String, String>,
    /// What the hub and the device's library say of it, such as `message-id`.
    pub system: BTreeMap<String, String>,
}

impl Event {
    /// An event without properties.
    pub(crate) fn new(sequence: u64, device_id: Arc<str>, enqueued: SystemTime, body: Bytes) -> Event {
        Event { sequence, device_id, enqueued, body, properties: BTreeMap::new(), system: BTreeMap::new() }
    }
}

/// What a device is asked to do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MethodCall {
    /// The device.
    pub device_id: Arc<str>,
    /// The method.
    pub name: String,
    /// With what it is called.
    pub payload: Value,
}

impl MethodCall {
    /// A call of a device's method.
    pub(crate) fn new(device_id: Arc<str>, name: String, payload: Value) -> MethodCall {
        MethodCall { device_id, name, payload }
    }
}

/// What the device says when it is done.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MethodAnswer {
    /// A number of the device's own, by custom as in HTTP.
    pub status: i32,
    /// Anything.
    pub payload: Value,
}

impl MethodAnswer {
    /// An answer.
    pub fn new(status: i32, payload: impl Into<Value>) -> MethodAnswer {
        MethodAnswer { status, payload: payload.into() }
    }
}

/// What a device does when one of its methods is called.
pub(crate) type MethodHandler = Arc<dyn Fn(MethodCall) -> BoxFuture<'static, MethodAnswer> + Send + Sync>;
