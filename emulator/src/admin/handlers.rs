//! What each route does.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use iothub::runtime::Clock;
use iothub::runtime::server::{Answer, Incoming, ServiceError};
use iothub::runtime::time::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Admin;
use super::json::{answer, body, nothing, time, wrong};
use crate::faults::Fault;
use crate::outside::{Message, MethodAnswer, MethodHandler};
use crate::state::Hub;

/// More than a message may have, for the hub to refuse.
const MESSAGE: usize = 1 << 20;

/// How a method is answered.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Script {
    method_name: String,
    status: i32,
    #[serde(default)]
    payload: Value,
    #[serde(default)]
    delay_ms: u64,
}

impl Script {
    /// A device's answer, after a wait on the hub's clock.
    fn handler(self, hub: &Hub) -> MethodHandler {
        let (clock, delay) = (hub.clock.clone(), Duration::from_millis(self.delay_ms));
        let answer = MethodAnswer::new(self.status, self.payload);
        Arc::new(move |_| {
            let (clock, answer) = (clock.clone(), answer.clone());
            Box::pin(async move {
                if !delay.is_zero() {
                    clock.sleep(delay).await;
                }
                answer
            })
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Advance {
    advance_seconds: f64,
}

type Result<T = Answer> = std::result::Result<T, ServiceError>;

impl Admin {
    pub(super) async fn queue_message(self, mut incoming: Incoming) -> Result {
        let (device, message) =
            incoming.read(|incoming| (incoming.path::<String>(0, "deviceId"), message(incoming)))?;
        let mut message = message?;
        message.body = incoming.stream().collect(MESSAGE).await?;
        let hub = self.hub(&mut incoming)?;
        let sequence = hub.enqueue(&device, message)?.durable().await?;
        Ok(answer(&incoming, 201, &json!({ "deviceId": device, "sequenceNumber": sequence })))
    }

    pub(super) async fn script_method(self, mut incoming: Incoming) -> Result {
        let device = incoming.read(|incoming| incoming.path::<String>(0, "deviceId"))?;
        let script: Script = body(&mut incoming).await?;
        let hub = self.hub(&mut incoming)?;
        hub.set_method(&device, &script.method_name.clone(), Some(script.handler(&hub)))?;
        Ok(nothing(&incoming))
    }

    pub(super) async fn script_method_of_all(self, mut incoming: Incoming) -> Result {
        let script: Script = body(&mut incoming).await?;
        let hub = self.hub(&mut incoming)?;
        hub.set_method_of_all(&script.method_name.clone(), Some(script.handler(&hub)))?;
        Ok(nothing(&incoming))
    }

    pub(super) async fn forget_method_of_all(self, mut incoming: Incoming) -> Result {
        let method = incoming.read(|incoming| incoming.path::<String>(0, "methodName"))?;
        self.hub(&mut incoming)?.set_method_of_all(&method, None)?;
        Ok(nothing(&incoming))
    }

    pub(super) async fn forget_method(self, mut incoming: Incoming) -> Result {
        let (device, method) = incoming
            .read(|incoming| (incoming.path::<String>(0, "deviceId"), incoming.path::<String>(1, "methodName")))?;
        self.hub(&mut incoming)?.set_method(&device, &method, None)?;
        Ok(nothing(&incoming))
    }

    pub(super) async fn open_container(self, mut incoming: Incoming) -> Result {
        let name = incoming.read(|incoming| incoming.path::<String>(0, "name"))?;
        let path = self.hub(&mut incoming)?.open_container(&name)?.durable().await?;
        let url = format!("{}{path}", incoming.context().origin());
        Ok(answer(&incoming, 200, &json!({ "name": name, "url": url })))
    }

    pub(super) async fn reset(self, incoming: Incoming) -> Result {
        self.gate.clear();
        self.world.reset().await?;
        Ok(nothing(&incoming))
    }

    pub(super) async fn snapshot(self, incoming: Incoming) -> Result {
        let hubs: Vec<_> = self.world.hubs().iter().map(|hub| hub.snapshot()).collect();
        let snapshot = json!({
            "time": time(self.world.clock.now()),
            "hubs": hubs,
            "faults": self.gate.all(),
        });
        Ok(answer(&incoming, 200, &snapshot))
    }

    pub(super) async fn clock(self, incoming: Incoming) -> Result {
        let clock = &self.world.clock;
        let body = json!({ "time": time(clock.now()), "movedSeconds": clock.moved().as_secs_f64() });
        Ok(answer(&incoming, 200, &body))
    }

    pub(super) async fn move_clock(self, mut incoming: Incoming) -> Result {
        let Advance { advance_seconds } = body(&mut incoming).await?;
        let by = Duration::try_from_secs_f64(advance_seconds)
            .map_err(|_| wrong("advanceSeconds: expected a number of 0 or more"))?;
        // Times are written with four digits for the year.
        let last = self.world.clock.now().checked_add(by).map(DateTime::try_from);
        if !matches!(last, Some(Ok(_))) {
            return Err(wrong("advanceSeconds: it leads beyond the year 9999"));
        }
        self.world.advance(by)?.durable().await?;
        self.clock(incoming).await
    }

    pub(super) async fn faults(self, incoming: Incoming) -> Result {
        Ok(answer(&incoming, 200, &self.gate.all()))
    }

    pub(super) async fn add_fault(self, mut incoming: Incoming) -> Result {
        let fault: Fault = body(&mut incoming).await?;
        let id = self.gate.add(fault).map_err(wrong)?;
        Ok(answer(&incoming, 201, &json!({ "id": id })))
    }

    pub(super) async fn clear_faults(self, incoming: Incoming) -> Result {
        self.gate.clear();
        Ok(nothing(&incoming))
    }

    pub(super) async fn fault(self, mut incoming: Incoming) -> Result {
        let id = incoming.read(|incoming| incoming.path::<i64>(0, "id"))?;
        let rule = u64::try_from(id).ok().and_then(|id| self.gate.rule(id)).ok_or_else(no_such_fault)?;
        Ok(answer(&incoming, 200, &rule))
    }

    pub(super) async fn remove_fault(self, mut incoming: Incoming) -> Result {
        let id = incoming.read(|incoming| incoming.path::<i64>(0, "id"))?;
        match u64::try_from(id).is_ok_and(|id| self.gate.remove(id)) {
            true => Ok(nothing(&incoming)),
            false => Err(no_such_fault()),
        }
    }
}

fn no_such_fault() -> ServiceError {
    ServiceError::new(StatusCode::NOT_FOUND, "FaultNotFound", "There is no such fault.")
}

/// A message without its body, out of the headers in which a device would get it.
fn message(incoming: &mut Incoming) -> Result<Message> {
    let id = incoming.header("iothub-messageid");
    let correlation_id = incoming.header("iothub-correlationid");
    let user_id = incoming.header("iothub-userid");
    let ack = incoming.header::<String>("iothub-ack").map(|text| text.parse());
    let expiry = incoming.header::<DateTime>("iothub-expiry").map(std::time::SystemTime::try_from);
    let properties = incoming.header_prefix("iothub-app-");
    let ack = ack.transpose().map_err(|error| wrong(format!("header iothub-ack: {error}")))?;
    let expiry = expiry.transpose().map_err(|_| wrong("header iothub-expiry: expected a later time"))?;
    let mut message = Message::new("");
    (message.id, message.correlation_id, message.user_id) = (id, correlation_id, user_id);
    (message.ack, message.expiry, message.properties) = (ack.unwrap_or_default(), expiry, properties);
    Ok(message)
}
