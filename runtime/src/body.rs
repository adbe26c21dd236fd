//! Bodies of requests and of answers.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use futures_core::Stream;
use http_body::{Frame, SizeHint};
use sync_wrapper::SyncWrapper;

use crate::error::BoxError;

type BoxBody = Pin<Box<dyn http_body::Body<Data = Bytes, Error = BoxError> + Send>>;

/// The body of a request or of an answer: nothing, bytes, or a stream of them.
///
/// It is an [`http_body::Body`], so that a transport can hand it on as it is.
#[derive(Default)]
#[non_exhaustive]
pub enum Body {
    /// No body.
    #[default]
    Empty,
    /// A body that is there as a whole.
    Bytes(Bytes),
    /// A body that comes in pieces and can be read once.
    Stream(BodyStream),
}

/// The stream of a [`Body`], made by [`Body::from_stream`] or [`Body::from_http_body`].
pub struct BodyStream {
    body: SyncWrapper<BoxBody>,
    hint: SizeHint,
    is_end: bool,
}

impl Body {
    /// A body that is read from a stream as it is sent. A length, in bytes, becomes the `Content-Length`; the stream
    /// must then have just as many. Without one the body is sent in chunks.
    pub fn from_stream<S, E>(stream: S, length: Option<u64>) -> Body
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Body::boxed(Box::pin(OfStream { stream: Box::pin(stream), left: length }))
    }

    /// The body of another library.
    pub fn from_http_body<B>(body: B) -> Body
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        match body.is_end_stream() {
            true => Body::Empty,
            false => Body::boxed(Box::pin(OfBody { body })),
        }
    }

    pub(crate) fn boxed(body: BoxBody) -> Body {
        let (hint, is_end) = (body.size_hint(), body.is_end_stream());
        match is_end {
            true => Body::Empty,
            false => Body::Stream(BodyStream { body: SyncWrapper::new(body), hint, is_end }),
        }
    }

    /// The number of bytes, where it is known.
    pub fn length(&self) -> Option<u64> {
        http_body::Body::size_hint(self).exact()
    }

    /// Whether the body can be sent again, as a retry needs it: whether it is no stream.
    pub fn is_replayable(&self) -> bool {
        !matches!(self, Body::Stream(_))
    }

    /// The same body once more, without a copy of its bytes; None for a stream.
    pub fn replay(&self) -> Option<Body> {
        match self {
            Body::Empty => Some(Body::Empty),
            Body::Bytes(bytes) => Some(Body::Bytes(bytes.clone())),
            Body::Stream(_) => None,
        }
    }

    /// The next piece, which is never empty; None at the end.
    ///
    /// # Errors
    ///
    /// Whatever the stream ends with; there is nothing to read after it.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, BoxError> {
        loop {
            match poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut *self), cx)).await {
                None => return Ok(None),
                Some(frame) => {
                    // Trailers are none of the body's bytes.
                    if let Ok(chunk) = frame?.into_data()
                        && !chunk.is_empty()
                    {
                        return Ok(Some(chunk));
                    }
                }
            }
        }
    }

    /// All bytes of the body, if there are at most `limit`.
    ///
    /// # Errors
    ///
    /// [`CollectError`]: there are more, or the stream broke.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, CollectError> {
        let at_least = http_body::Body::size_hint(&self).lower();
        if usize::try_from(at_least).map_or(true, |length| length > limit) {
            return Err(CollectError::TooLarge { limit });
        }
        let first = self.next_chunk().await?.unwrap_or_default();
        let mut room = limit.checked_sub(first.len()).ok_or(CollectError::TooLarge { limit })?;
        let Some(second) = self.next_chunk().await? else {
            return Ok(first);
        };
        let mut all = BytesMut::from(first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            room = room.checked_sub(chunk.len()).ok_or(CollectError::TooLarge { limit })?;
            all.extend_from_slice(&chunk);
            next = self.next_chunk().await?;
        }
        Ok(all.freeze())
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        Body::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::Bytes(bytes.into())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Body::Bytes(text.into())
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Body {
        Body::Bytes(Bytes::from_static(bytes))
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Body {
        Body::Bytes(Bytes::from_static(text.as_bytes()))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Empty => f.write_str("Empty"),
            Body::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Body::Stream(stream) => stream.fmt(f),
        }
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream(..)")
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let body = self.get_mut();
        match body {
            Body::Empty => Poll::Ready(None),
            Body::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                *body = Body::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Body::Stream(stream) => {
                let body = stream.body.get_mut();
                let frame = ready!(body.as_mut().poll_frame(cx));
                stream.hint = body.size_hint();
                stream.is_end = frame.is_none() || body.is_end_stream();
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Empty => true,
            Body::Bytes(bytes) => bytes.is_empty(),
            Body::Stream(stream) => stream.is_end,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Empty => SizeHint::with_exact(0),
            Body::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Body::Stream(stream) => stream.hint,
        }
    }
}

/// A stream of bytes as a body, with the length it was said to have.
struct OfStream<S> {
    stream: Pin<Box<S>>,
    left: Option<u64>,
}

impl<S, E> http_body::Body for OfStream<S>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let next = ready!(self.stream.as_mut().poll_next(cx));
        if let (Some(Ok(chunk)), Some(left)) = (&next, &mut self.left) {
            *left = left.saturating_sub(chunk.len() as u64);
        }
        Poll::Ready(next.map(|chunk| chunk.map(Frame::data).map_err(Into::into)))
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

pin_project_lite::pin_project! {
    /// Another library's body with our error.
    struct OfBody<B> {
        #[pin]
        body: B,
    }
}

impl<B> http_body::Body for OfBody<B>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let next = ready!(self.project().body.poll_frame(cx));
        Poll::Ready(next.map(|frame| match frame {
            // Without a copy where the data are `Bytes`.
            Ok(frame) => Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))),
            Err(error) => Err(error.into()),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Why a body could not be read as a whole.
#[derive(Debug)]
#[non_exhaustive]
pub enum CollectError {
    /// It has more bytes than the reader takes.
    TooLarge {
        /// How many that are.
        limit: usize,
    },
    /// It broke off.
    Broken(BoxError),
}

impl From<BoxError> for CollectError {
    fn from(error: BoxError) -> CollectError {
        CollectError::Broken(error)
    }
}

impl fmt::Display for CollectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CollectError::TooLarge { limit } => write!(f, "the body is larger than {limit} bytes"),
            CollectError::Broken(_) => f.write_str("the body broke off"),
        }
    }
}

impl std::error::Error for CollectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CollectError::TooLarge { .. } => None,
            CollectError::Broken(error) => Some(&**error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Chunks(Vec<Result<Bytes, BoxError>>);

    impl Stream for Chunks {
        type Item = Result<Bytes, BoxError>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready((!self.0.is_empty()).then(|| self.0.remove(0)))
        }
    }

    fn stream(chunks: &[&'static str]) -> Body {
        let chunks = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect();
        Body::from_stream(Chunks(chunks), None)
    }

    #[tokio::test]
    async fn collects_up_to_the_limit_and_no_further() {
        for (chunks, all) in
            [(&[][..], ""), (&["abc"], "abc"), (&["a", "", "bc"], "abc"), (&["", "a", "b", "c"], "abc")]
        {
            assert_eq!(stream(chunks).collect(3).await.unwrap(), all);
        }
        for body in [stream(&["abcd"]), stream(&["ab", "cd"]), stream(&["a", "b", "c", "d"]), "abcd".into()] {
            assert!(matches!(body.collect(3).await, Err(CollectError::TooLarge { limit: 3 })));
        }
        assert_eq!(Body::Empty.collect(0).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_broken_stream_is_an_error() {
        let body = Body::from_stream(Chunks(vec![Ok("a".into()), Err("gone".into())]), Some(3));
        assert_eq!(body.length(), Some(3));
        let Err(CollectError::Broken(error)) = body.collect(10).await else { panic!() };
        assert_eq!(error.to_string(), "gone");
    }

    #[tokio::test]
    async fn a_body_of_another_library_is_read_through() {
        let body = Body::from_http_body(Body::from("abc"));
        assert_eq!(body.length(), Some(3));
        assert_eq!(body.collect(3).await.unwrap(), "abc");
        assert!(matches!(Body::from_http_body(Body::Empty), Body::Empty));
    }

    #[test]
    fn only_streams_cannot_be_replayed() {
        assert!(Body::Empty.replay().is_some() && Body::from("a").is_replayable());
        assert!(stream(&["a"]).replay().is_none());
        assert_eq!(format!("{:?} {:?}", Body::from("abc"), stream(&[])), "Bytes(3 bytes) Stream(..)");
    }

    #[test]
    fn bodies_travel() {
        fn travels<T: Send + Sync + 'static>() {}
        travels::<Body>();
    }
}
