//! A call that is ready to be made.

use std::fmt;
use std::future::IntoFuture;

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
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let answer = self.pipeline.send(self.request);
        let decode = self.decode;
        Box::pin(async move {
            let raw = answer.await?;
            match decode(&raw) {
                Ok(body) => Ok(raw.with_body(body)),
                Err(error) => Err(raw.into_error(error)),
            }
        })
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("request", &self.request).finish_non_exhaustive()
    }
}
