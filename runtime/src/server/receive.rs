//! Bodies of requests: not too large, and not for ever.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body as _, Frame, SizeHint};

use super::error::ServiceError;
use crate::body::{Body, CollectError};
use crate::clock::Clock;
use crate::error::BoxError;
use crate::transport::BoxFuture;

/// What a body may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) bytes: usize,
    pub(super) time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 2 << 20, time: Duration::from_secs(30) }
    }
}

/// All of a body.
pub(super) async fn whole(body: Body, limits: Limits, clock: &dyn Clock) -> Result<Bytes, ServiceError> {
    let mut collect = pin!(body.collect(limits.bytes));
    // Only a body that is not there yet needs a timer.
    let mut timer: Option<BoxFuture<'static, ()>> = None;
    let collected = poll_fn(|cx| match collect.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(result),
        Poll::Pending => {
            let timer = timer.get_or_insert_with(|| clock.sleep(limits.time));
            timer.as_mut().poll(cx).map(|()| Err(CollectError::Broken(Box::new(TooSlow))))
        }
    });
    collected.await.map_err(ServiceError::from)
}

/// A body for a handler to read.
pub(super) fn stream(body: Body, limits: Limits, clock: Arc<dyn Clock>) -> Result<Body, ServiceError> {
    let too_large = |length: u64| usize::try_from(length).map_or(true, |length| length > limits.bytes);
    if too_large(body.size_hint().lower()) {
        return Err(CollectError::TooLarge { limit: limits.bytes }.into());
    }
    Ok(match body {
        Body::Stream(_) => {
            Body::boxed(Box::pin(Limited { body, limits, left: limits.bytes, since: 0, timer: None, clock }))
        }
        body => body,
    })
}

/// How many bytes of a stream have to come in the time that a body has.
const PIECE: usize = 16 << 10;

struct Limited {
    body: Body,
    limits: Limits,
    left: usize,
    /// What has come since the timer began.
    since: usize,
    /// Of the bytes that are waited for.
    timer: Option<sync_wrapper::SyncWrapper<BoxFuture<'static, ()>>>,
    clock: Arc<dyn Clock>,
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                if let Some(Ok(frame)) = &frame {
                    let length = frame.data_ref().map_or(0, Bytes::len);
                    this.since = this.since.saturating_add(length);
                    // Who sends byte by byte does not get more time with each.
                    if this.since >= PIECE {
                        this.since = 0;
                        this.timer = None;
                    }
                    match this.left.checked_sub(length) {
                        Some(left) => this.left = left,
                        None => {
                            return Poll::Ready(Some(Err(CollectError::TooLarge { limit: this.limits.bytes }.into())));
                        }
                    }
                }
                Poll::Ready(frame)
            }
            Poll::Pending => {
                let timer = this
                    .timer
                    .get_or_insert_with(|| sync_wrapper::SyncWrapper::new(this.clock.sleep(this.limits.time)));
                timer.get_mut().as_mut().poll(cx).map(|()| Some(Err(Box::new(TooSlow) as BoxError)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body did not arrive in time.
#[derive(Debug)]
struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body did not arrive in time")
    }
}

impl std::error::Error for TooSlow {}

/// 413 for a body that is too large, 408 for one that is too slow, 400 for one that breaks off.
impl From<CollectError> for ServiceError {
    fn from(error: CollectError) -> ServiceError {
        let source = match error {
            CollectError::TooLarge { limit } => {
                let message = format!("The body is larger than {limit} bytes.");
                return ServiceError::plain(StatusCode::PAYLOAD_TOO_LARGE, message).breaking();
            }
            CollectError::Broken(source) => source,
        };
        if source.is::<TooSlow>() {
            let message = "The body did not arrive in time.";
            return ServiceError::plain(StatusCode::REQUEST_TIMEOUT, message).breaking();
        }
        match source.downcast::<CollectError>() {
            Ok(inner) => ServiceError::from(*inner),
            Err(source) => {
                let error = ServiceError::plain(StatusCode::BAD_REQUEST, "The body broke off.");
                error.with_source(source).breaking()
            }
        }
    }
}
