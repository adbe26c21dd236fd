//! An answer that breaks off.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http::Response;
use iothub::runtime::Body;

/// The first half of an answer's body, after which the connection breaks; nothing where it has none.
pub(crate) async fn torn(response: Response<Body>) -> Option<Response<Body>> {
    let (parts, mut body) = response.into_parts();
    let length = body.length();
    let first = body.next_chunk().await.ok()??;
    let half = first.slice(..first.len() / 2);
    Some(Response::from_parts(parts, Body::from_stream(Half::First(half), length)))
}

enum Half {
    First(Bytes),
    /// What there was is sent before the error, not dropped with it: whoever sends it has to get to.
    Sent,
    Broken,
}

impl Stream for Half {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match std::mem::replace(&mut *self, Half::Broken) {
            Half::First(half) => {
                *self = Half::Sent;
                Poll::Ready(Some(Ok(half)))
            }
            Half::Sent => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Half::Broken => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }
}
