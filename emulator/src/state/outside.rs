//! What goes in and out of a hub beside HTTP.

use http::StatusCode;
use iothub::runtime::server::ServiceError;
use tokio::sync::watch;

use super::hub::{Hub, Pending};
use crate::outside::{Event, Message, MethodHandler};

impl Hub {
    /// Queues a message for a device, and gives its number.
    ///
    /// # Errors
    ///
    /// 404 where there is no such device; 403 where its queue is full; 413 where it is too large.
    pub(crate) fn enqueue(&self, _device: &str, _message: Message) -> Result<Pending<u64>, ServiceError> {
        Err(unwritten())
    }

    /// The messages that wait for a device.
    pub(crate) fn queued(&self, _device: &str) -> Vec<Message> {
        Vec::new()
    }

    /// Lets a method of a device be answered in this way, or no more. A device that answers any is connected.
    ///
    /// # Errors
    ///
    /// 404 where there is no such device.
    pub(crate) fn set_method(
        &self,
        _device: &str,
        _name: &str,
        _handler: Option<MethodHandler>,
    ) -> Result<(), ServiceError> {
        Err(unwritten())
    }

    /// The oldest events behind this number, at most so many.
    pub(crate) fn events_after(&self, _number: u64, _max: usize) -> Vec<std::sync::Arc<Event>> {
        Vec::new()
    }

    /// The number of the newest event, to wait for another.
    pub(crate) fn newest_event(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }
}

fn unwritten() -> ServiceError {
    ServiceError::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", "Nobody has written this yet.")
}
