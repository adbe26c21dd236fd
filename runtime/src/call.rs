//! A call that is ready to be made.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::transport::BoxFuture;
use crate::{Error, Pipeline, RawResponse, Request, Response};

/// A call that is ready to be made: await it.
///
/// Methods of generated clients return one, or a builder that turns into one. Nothing is sent before it is awaited.
///
/// ```
/// use specsmith_runtime::{Call, Error, Response};
///
/// async fn length(call: Call<String>) -> Result<usize, Error> {
///     let answer: Response<String> = call.await?;
///     Ok(answer.len())
/// }
/// ```
#[must_use = "nothing is sent until the call is awaited"]
pub struct Call<T> {
    pipeline: Pipeline,
    request: Request,
    decode: Decode<T>,
}

/// What reads an answer.
pub(crate) type Decode<T> = fn(&RawResponse) -> Result<T, Error>;

impl<T> Call<T> {
    /// A call whose answer's body is read by `decode`.
    #[doc(hidden)]
    pub fn new(pipeline: &Pipeline, request: Request, decode: fn(&RawResponse) -> Result<T, Error>) -> Self {
        Self { pipeline: pipeline.clone(), request, decode }
    }

    pub(crate) fn into_parts(self) -> (Pipeline, Request, Decode<T>) {
        (self.pipeline, self.request, self.decode)
    }

    /// The request, to add to it.
    #[doc(hidden)]
    pub fn request(&mut self) -> &mut Request {
        &mut self.request
    }
}

impl<T: 'static> IntoFuture for Call<T> {
    type Output = Result<Response<T>, Error>;
    type IntoFuture = Pending<T>;

    fn into_future(self) -> Pending<T> {
        Pending { answer: self.pipeline.send(self.request), decode: self.decode }
    }
}

/// A [`Call`] under way.
#[must_use = "nothing is sent until the call is awaited"]
pub struct Pending<T> {
    answer: BoxFuture<'static, Result<RawResponse, Error>>,
    decode: Decode<T>,
}

impl<T> Pending<T> {
    pub(crate) fn new(answer: BoxFuture<'static, Result<RawResponse, Error>>, decode: Decode<T>) -> Self {
        Self { answer, decode }
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<Response<T>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let raw = ready!(self.answer.as_mut().poll(cx))?;
        Poll::Ready(match (self.decode)(&raw) {
            Ok(body) => Ok(raw.with_body(body)),
            Err(error) => Err(raw.into_error(error)),
        })
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("request", &self.request).finish_non_exhaustive()
    }
}
