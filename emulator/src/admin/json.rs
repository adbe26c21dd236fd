//! JSON in and out.

use http::StatusCode;
use iothub::runtime::server::{Answer, Incoming, ServiceError};
use iothub::runtime::time::DateTime;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::SystemTime;

const JSON: &str = "application/json; charset=utf-8";
/// The most bytes of a body.
const BODY: usize = 1 << 20;

/// An answer of JSON.
pub(super) fn answer(incoming: &Incoming, status: u16, body: &impl Serialize) -> Answer {
    let text = serde_json::to_vec(body);
    incoming.answer((status, text), |(status, text), answer| match text {
        Ok(text) => {
            answer.status(status);
            answer.stream(text.into(), Some(JSON));
        }
        Err(_) => answer.status(500),
    })
}

/// 204.
pub(super) fn nothing(incoming: &Incoming) -> Answer {
    incoming.answer((), |(), answer| answer.status(204))
}

/// What a body says, whatever type it is said to have: scripts often do not care.
pub(super) async fn body<T: DeserializeOwned>(incoming: &mut Incoming) -> Result<T, ServiceError> {
    let bytes = incoming.stream().collect(BODY).await?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(format!("body: {error}")))
}

/// 400.
pub(super) fn wrong(message: impl Into<String>) -> ServiceError {
    ServiceError::new(StatusCode::BAD_REQUEST, "InvalidArgument", message)
}

/// A time as text.
pub(super) fn time(time: SystemTime) -> Option<String> {
    Some(DateTime::try_from(time).ok()?.to_string())
}
