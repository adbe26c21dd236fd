//! Events of devices: a page of them, or all that come.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_core::Stream;
use http::header::ACCEPT;
use iothub::runtime::Body;
use iothub::runtime::server::{Answer, Incoming, ServiceError};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::Admin;
use super::json::{self, answer};
use crate::outside::Event;
use crate::state::Hub;

const STREAM: &str = "text/event-stream";
/// The most events in one answer.
const PAGE: usize = 1_000;
/// How often a stream says that it is alive, in real time.
const ALIVE: Duration = Duration::from_secs(15);

impl Admin {
    pub(super) async fn events(self, mut incoming: Incoming) -> Result<Answer, ServiceError> {
        let (after, top) = incoming.read(|incoming| (incoming.query::<i64>("after"), incoming.query::<i64>("top")))?;
        let hub = self.hub(&mut incoming)?;
        let mut accept = incoming.context().headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        if accept.any(|value| value.to_ascii_lowercase().contains(STREAM)) {
            // Where a stream broke, its reader says what it has had.
            let last = incoming.read(|incoming| incoming.header::<i64>("last-event-id"))?;
            let body = live(hub, number(last.or(after)), self.stop);
            return Ok(incoming.answer(body, |body, answer| {
                answer.status(200);
                answer.stream(body, Some(STREAM));
            }));
        }
        let top = top.and_then(|top| usize::try_from(top).ok()).unwrap_or(PAGE).min(PAGE);
        let events: Vec<Value> = hub.events_after(number(after), top).iter().map(|event| shown(event)).collect();
        Ok(answer(&incoming, 200, &events))
    }
}

fn number(text: Option<i64>) -> u64 {
    text.and_then(|number| u64::try_from(number).ok()).unwrap_or_default()
}

/// An event as JSON.
fn shown(event: &Event) -> Value {
    json!({
        "sequenceNumber": event.sequence,
        "deviceId": event.device_id,
        "enqueuedTime": json::time(event.enqueued),
        "properties": event.properties,
        "systemProperties": event.system,
        "body": STANDARD.encode(&event.body),
        "text": std::str::from_utf8(&event.body).ok(),
    })
}

/// A stream of the events behind a number, for as long as anybody reads it.
fn live(hub: Arc<Hub>, after: u64, stop: watch::Receiver<bool>) -> Body {
    // Who reads slowly gets what is still kept when he comes to it.
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(send_all(hub, after, stop, sender));
    Body::from_stream(Chunks(receiver), None)
}

async fn send_all(hub: Arc<Hub>, mut after: u64, mut stop: watch::Receiver<bool>, sender: mpsc::Sender<Bytes>) {
    let mut newest = hub.newest_event();
    // So that the reader has the head of the answer.
    let mut text = ":\n\n".to_owned();
    loop {
        newest.borrow_and_update();
        for event in hub.events_after(after, PAGE) {
            after = event.sequence;
            text.push_str(&format!("id: {after}\ndata: {}\n\n", shown(&event)));
        }
        if !text.is_empty() {
            let sent = tokio::select! {
                sent = sender.send(std::mem::take(&mut text).into()) => sent,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match sent {
                // There may be more than fitted in one page.
                Ok(()) => continue,
                Err(_) => return,
            }
        }
        tokio::select! {
            changed = newest.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(ALIVE) => text.push_str(":\n\n"),
            () = sender.closed() => return,
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

struct Chunks(mpsc::Receiver<Bytes>);

impl Stream for Chunks {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|chunk| chunk.map(Ok))
    }
}
