//! Direct methods: devices that answer them, and calls.
//!
//! A device that answers any method is connected. Over HTTP none ever is: who answers is told from outside, by the library or the
//! admin API.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use iothub::hub::models::DirectMethod;
use iothub::runtime::Clock;
use iothub::runtime::server::ServiceError;
use serde_json::Value;
use tokio::sync::watch;

use super::hub::{Hub, HubState};
use crate::errors;
use crate::outside::{MethodAnswer, MethodCall, MethodHandler};

/// The most bytes of JSON that a device is called with, and that it may answer.
const PAYLOAD: usize = 128 << 10;
/// How many seconds it may take a device to connect.
const CONNECT: std::ops::RangeInclusive<i32> = 0..=300;
/// How many seconds it may take a device to answer.
const RESPONSE: std::ops::RangeInclusive<i32> = 5..=300;
/// How many seconds it may take a device to answer where nothing is said.
const USUAL_RESPONSE: i32 = 30;
/// What a device says of a method that it does not know, as the device libraries do.
const UNKNOWN_METHOD: i32 = 501;

/// How many methods a device answers in ways of its own, or all devices in the same.
const MOST: usize = 100;
/// The longest name of a method that anybody answers, in bytes.
const NAME: usize = 1 << 10;

type Handlers = BTreeMap<String, MethodHandler>;

/// Who answers which methods.
#[derive(Default)]
pub(crate) struct Methods {
    of_device: BTreeMap<Arc<str>, Handlers>,
    of_all: Handlers,
    /// Wakes those who wait for a device to connect.
    changed: watch::Sender<()>,
}

impl Methods {
    fn set(
        &mut self,
        device: Option<Arc<str>>,
        name: &str,
        handler: Option<MethodHandler>,
    ) -> Result<(), ServiceError> {
        if handler.is_some() {
            let known = match &device {
                Some(device) => self.of_device.get(device),
                None => Some(&self.of_all),
            };
            check(known, name)?;
        }
        let handlers = match &device {
            Some(device) => self.of_device.entry(device.clone()).or_default(),
            None => &mut self.of_all,
        };
        match handler {
            Some(handler) => _ = handlers.insert(name.to_owned(), handler),
            None => _ = handlers.remove(name),
        }
        if handlers.is_empty()
            && let Some(device) = device
        {
            self.of_device.remove(&device);
        }
        self.changed.send_replace(());
        Ok(())
    }

    /// What answers a method of a device, if it is one that it knows; an error where it answers none.
    fn find(&self, device: &str, name: &str) -> Result<Option<MethodHandler>, NotConnected> {
        let own = self.of_device.get(device);
        if own.is_none() && self.of_all.is_empty() {
            return Err(NotConnected);
        }
        Ok(own.and_then(|own| own.get(name)).or_else(|| self.of_all.get(name)).cloned())
    }
}

/// Whether there is room for a method of this name.
fn check(known: Option<&Handlers>, name: &str) -> Result<(), ServiceError> {
    if !(1..=NAME).contains(&name.len()) {
        return Err(errors::invalid(format!("The name of a method has 1 to {NAME} bytes.")));
    }
    match known.is_some_and(|known| known.len() >= MOST && !known.contains_key(name)) {
        true => Err(errors::too_many_methods(MOST)),
        false => Ok(()),
    }
}

/// A device answers nothing.
struct NotConnected;

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |handlers: &Handlers| handlers.keys().cloned().collect::<Vec<_>>();
        let of_device: BTreeMap<_, _> = self.of_device.iter().map(|(id, handlers)| (id, names(handlers))).collect();
        f.debug_struct("Methods").field("of_device", &of_device).field("of_all", &names(&self.of_all)).finish()
    }
}

impl HubState {
    /// Whether a device is connected: it may use the hub, and answers methods.
    pub(super) fn is_connected(&self, device: &str) -> bool {
        let answers = !self.methods.of_all.is_empty() || self.methods.of_device.contains_key(device);
        answers && self.devices.get(device).is_some_and(|device| device.enabled)
    }

    /// How many devices are connected.
    pub(crate) fn connected(&self) -> usize {
        match self.methods.of_all.is_empty() {
            true => self.methods.of_device.keys().filter(|device| self.is_connected(device)).count(),
            false => self.devices.len() - self.disabled,
        }
    }

    /// Lets a device that is deleted answer nothing any more.
    pub(super) fn forget_methods(&mut self, device: &str) {
        self.methods.of_device.remove(device);
        self.methods.changed.send_replace(());
    }
}

impl Hub {
    /// Lets a method of a device be answered in this way, or no more. A device that answers any is connected.
    ///
    /// # Errors
    ///
    /// 400 where the name is none, 403 where there are too many, 404 where there is no such device.
    pub(crate) fn set_method(
        &self,
        device: &str,
        name: &str,
        handler: Option<MethodHandler>,
    ) -> Result<(), ServiceError> {
        self.change(|state, _| {
            let device = state.devices.get(device).ok_or_else(|| errors::device_not_found(device))?.id.clone();
            state.methods.set(Some(device), name, handler)
        })
        .map(drop)
    }

    /// Lets a method be answered in this way, or no more, by all devices that do not answer it in a way of their own. That makes all
    /// devices connected, those too that are yet to come.
    ///
    /// # Errors
    ///
    /// 400 where the name is none, 403 where there are too many.
    pub(crate) fn set_method_of_all(&self, name: &str, handler: Option<MethodHandler>) -> Result<(), ServiceError> {
        self.change(|state, _| state.methods.set(None, name, handler)).map(drop)
    }
}

/// A call of a method, of whatever device.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    name: String,
    payload: Value,
    connect: Duration,
    response: Duration,
}

impl Call {
    /// A call as it is asked for.
    ///
    /// # Errors
    ///
    /// 400 where it is none, 413 where the payload is too large.
    pub(crate) fn read(asked: &DirectMethod) -> Result<Call, ServiceError> {
        if asked.method_name.is_empty() {
            return Err(errors::invalid("methodName: it is missing."));
        }
        let seconds = |name, given: Option<i32>, usual: i32, range: std::ops::RangeInclusive<i32>| {
            let seconds = given.unwrap_or(usual);
            let is_right = range.contains(&seconds);
            let wrong = || errors::invalid(format!("{name}: not one of {} to {}.", range.start(), range.end()));
            u64::try_from(seconds).ok().filter(|_| is_right).map(Duration::from_secs).ok_or_else(wrong)
        };
        let connect = seconds("connectTimeoutInSeconds", asked.connect_timeout_in_seconds, 0, CONNECT)?;
        let response =
            seconds("responseTimeoutInSeconds", asked.response_timeout_in_seconds, USUAL_RESPONSE, RESPONSE)?;
        let payload = asked.payload.clone().unwrap_or_default();
        if !fits(&payload) {
            return Err(errors::too_large("payload", PAYLOAD));
        }
        Ok(Call { name: asked.method_name.clone(), payload, connect, response })
    }
}

fn fits(payload: &Value) -> bool {
    payload.to_string().len() <= PAYLOAD
}

/// Calls a method of a device, waits for it to connect if need be, and for its answer.
///
/// # Errors
///
/// 404 where there is no such device, it is disabled, or does not connect in time; 504 where it does not answer in time; 500 where its answer
/// is too large.
pub(crate) async fn call(hub: &Hub, device: &str, call: &Call) -> Result<MethodAnswer, ServiceError> {
    let (id, handler) = connected(hub, device, call).await?;
    let Some(handler) = handler else { return Ok(MethodAnswer::new(UNKNOWN_METHOD, Value::Null)) };
    let asked = MethodCall::new(id, call.name.clone(), call.payload.clone());
    let answer = tokio::select! {
        biased;
        answer = handler(asked) => answer,
        () = hub.clock.sleep(call.response) => return Err(errors::no_answer()),
    };
    match fits(&answer.payload) {
        true => Ok(answer),
        false => Err(errors::bad_answer(PAYLOAD)),
    }
}

/// Waits for a device to connect.
async fn connected(hub: &Hub, device: &str, call: &Call) -> Result<(Arc<str>, Option<MethodHandler>), ServiceError> {
    let mut too_late = hub.clock.sleep(call.connect);
    loop {
        let mut changed = {
            let state = hub.read();
            let found = state.devices.get(device).filter(|device| device.enabled);
            // The service knows disabled devices as little as those that there are not.
            let found = found.ok_or_else(|| errors::device_not_found(device))?;
            match state.methods.find(device, &call.name) {
                Ok(handler) => return Ok((found.id.clone(), handler)),
                Err(NotConnected) => state.methods.changed.subscribe(),
            }
        };
        tokio::select! {
            biased;
            // Where the sender is gone, there is another state to look at.
            _ = changed.changed() => {}
            () = &mut too_late => return Err(errors::not_online()),
        }
    }
}

#[cfg(test)]
mod tests;
