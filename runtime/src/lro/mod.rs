//! Operations that go on after their first answer.

mod machine;
mod token;

use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use serde_json::Value;

use self::machine::Machine;
use crate::call::{Call, Pending};
use crate::error::Error;
use crate::operation::Operation;
use crate::pipeline::Pipeline;
use crate::request::Request;
use crate::response::{RawResponse, Response};
use crate::transport::BoxFuture;

/// Where the result of a long-running operation is, when the service says that it is done; `x-ms-long-running-operation-options`
/// of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinalState {
    /// Where it usually is: for PUT and PATCH at the request's own URL, for POST at the last `Location`, else nowhere.
    Unsaid,
    /// In the last status.
    Status,
    /// At the URL of `Location`.
    Location,
    /// At the request's own URL.
    OriginalUri,
}

/// How far a long-running operation has come.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The service's word for it, such as `Running`; `InProgress` where it has none, `Succeeded` at the end.
    pub status: String,
    /// From 0 to 100, where the service says so.
    pub percent_complete: Option<f64>,
}

/// A call of a long-running operation: await it to start the operation and wait for its end, or [`start`](LongCall::start) it.
///
/// ```
/// use specsmith_runtime::{Error, LongCall, Response};
///
/// async fn make(call: LongCall<String>) -> Result<Response<String>, Error> {
///     call.await
/// }
///
/// async fn make_later(call: LongCall<String>) -> Result<String, Error> {
///     let poller = call.start().await?;
///     Ok(poller.resume_token())
/// }
/// ```
#[must_use = "nothing is sent until the call is awaited or started"]
pub struct LongCall<T> {
    call: Call<T>,
}

impl<T: 'static> LongCall<T> {
    /// A call whose result is read by `decode`.
    #[doc(hidden)]
    pub fn new(pipeline: &Pipeline, request: Request, decode: fn(&RawResponse) -> Result<T, Error>) -> Self {
        Self { call: Call::new(pipeline, request, decode) }
    }

    /// The request, to add to it.
    #[doc(hidden)]
    pub fn request(&mut self) -> &mut Request {
        self.call.request()
    }

    /// Starts the operation; its end is for the [`Poller`] to wait for.
    ///
    /// # Errors
    ///
    /// Where the operation could not be started.
    pub fn start(self) -> BoxFuture<'static, Result<Poller<T>, Error>> {
        let (pipeline, request, decode) = self.call.into_parts();
        let machine = Machine::start(pipeline, request);
        Box::pin(async move { Ok(Poller { state: State::Idle(Box::new(machine.await?)), decode }) })
    }
}

impl<T: 'static> IntoFuture for LongCall<T> {
    type Output = Result<Response<T>, Error>;
    type IntoFuture = Pending<T>;

    fn into_future(self) -> Pending<T> {
        let (pipeline, request, decode) = self.call.into_parts();
        Pending::new(Box::pin(async move { Machine::start(pipeline, request).await?.finish().await }), decode)
    }
}

impl<T> fmt::Debug for LongCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LongCall").field(&self.call).finish()
    }
}

/// What comes of a resume token: the operation that it is of, or why there is none.
pub type Resumed<T> = Result<Poller<T>, Error>;

/// A long-running operation that has been started.
///
/// Await it for the result. Or look at how it fares: it is a [`Stream`] of [`Progress`], which begins with what the first answer
/// said and ends when the operation has ended; the result can be awaited then, too.
///
/// Between two requests it waits as long as the service asks to, else a second at first and twice as long each time, up to 30
/// seconds ([`Pipeline::with_poll_delays`]). Dropping it stops the waiting; the operation itself goes on.
#[must_use = "the operation goes on, but nobody waits for its result"]
pub struct Poller<T> {
    state: State,
    decode: fn(&RawResponse) -> Result<T, Error>,
}

enum State {
    Idle(Box<Machine>),
    Busy(BoxFuture<'static, (Box<Machine>, Result<Progress, Error>)>),
    /// It has failed.
    Over,
}

impl<T: 'static> Poller<T> {
    /// Goes on with an operation of which [`resume_token`](Poller::resume_token) was kept.
    ///
    /// `arguments` are those of the path, where they are known: the client's own.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`](crate::ErrorKind::Build) where the token is none, or of another operation, another endpoint or
    /// another of the client's parameters.
    #[doc(hidden)]
    pub fn resume(
        pipeline: &Pipeline,
        operation: &'static Operation,
        token: &str,
        arguments: &[Option<&dyn fmt::Display>],
        decode: fn(&RawResponse) -> Result<T, Error>,
    ) -> Resumed<T> {
        let machine = Machine::resume(pipeline, operation, token, arguments)
            .map_err(|error| error.with_operation(operation.id()))?;
        Ok(Self { state: State::Idle(Box::new(machine)), decode })
    }

    /// Waits for the next progress; `None` at the end. The same as `StreamExt::next` of other crates.
    ///
    /// # Errors
    ///
    /// Where the state could not be asked for, or the operation has failed or was cancelled.
    pub async fn next(&mut self) -> Option<Result<Progress, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// What the first answer said, before the end: what it has beside the state may be nowhere else, as the keys of a new hub.
    /// `None` for an operation that was [resumed](Poller::resume_token).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) where the answer is not of the form of the result.
    pub fn initial_response(&self) -> Option<Result<Response<T>, Error>> {
        let State::Idle(machine) = &self.state else { return None };
        let raw = machine.initial()?.clone();
        Some(match (self.decode)(&raw) {
            Ok(body) => Ok(raw.with_body(body)),
            Err(error) => Err(raw.into_error(error)),
        })
    }

    /// Text by which another process can go on waiting for the operation.
    ///
    /// It holds the URLs of the operation and no credential. It is good for the same operation, endpoint and parameters of the client
    /// only. Empty while a request is under way, and after a failure.
    pub fn resume_token(&self) -> String {
        match &self.state {
            State::Idle(machine) => machine.token(),
            State::Busy(_) | State::Over => String::new(),
        }
    }
}

impl<T> Stream for Poller<T> {
    type Item = Result<Progress, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Poll::Ready(None),
                State::Idle(mut machine) => {
                    if let Some(progress) = machine.first_progress() {
                        self.state = State::Idle(machine);
                        return Poll::Ready(Some(Ok(progress)));
                    }
                    if machine.is_done() {
                        self.state = State::Idle(machine);
                        return Poll::Ready(None);
                    }
                    self.state = State::Busy(Box::pin(async move {
                        let progress = machine.poll().await;
                        (machine, progress)
                    }));
                }
                State::Busy(mut step) => match step.as_mut().poll(cx) {
                    Poll::Pending => {
                        self.state = State::Busy(step);
                        return Poll::Pending;
                    }
                    Poll::Ready((machine, Ok(progress))) => {
                        self.state = State::Idle(machine);
                        return Poll::Ready(Some(Ok(progress)));
                    }
                    Poll::Ready((_, Err(error))) => return Poll::Ready(Some(Err(error))),
                },
            }
        }
    }
}

impl<T: 'static> IntoFuture for Poller<T> {
    type Output = Result<Response<T>, Error>;
    type IntoFuture = Pending<T>;

    fn into_future(self) -> Pending<T> {
        let state = self.state;
        let answer = async move {
            let machine = match state {
                State::Idle(machine) => machine,
                State::Busy(step) => {
                    let (machine, progress) = step.await;
                    progress?;
                    machine
                }
                State::Over => return Err(Error::build("the operation has failed, which has been said before")),
            };
            machine.finish().await
        };
        Pending::new(Box::pin(answer), self.decode)
    }
}

impl<T> fmt::Debug for Poller<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Idle(machine) if machine.is_done() => "done",
            State::Idle(_) => "idle",
            State::Busy(_) => "busy",
            State::Over => "failed",
        };
        f.debug_struct("Poller").field("state", &state).finish_non_exhaustive()
    }
}

/// The member of a JSON object, at this path.
fn text<'v>(value: &'v Value, path: &[&str]) -> Option<&'v str> {
    path.iter().try_fold(value, |value, name| value.get(name))?.as_str()
}

#[cfg(test)]
mod tests;
