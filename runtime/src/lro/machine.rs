//! What a long-running operation does next, whatever its result's type.

use std::fmt::Display;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::Value;

use super::token::Token;
use super::{FinalState, Progress, text};
use crate::error::{Error, ErrorKind};
use crate::operation::Operation;
use crate::pipeline::{Pipeline, retry_after, unix_seconds};
use crate::request::Request;
use crate::response::RawResponse;

/// An operation under way, or done.
pub(super) struct Machine {
    pipeline: Pipeline,
    operation: &'static Operation,
    /// Path and query of the first request, as they were sent.
    original: String,
    step: Step,
    /// Where the service said last that the result will be.
    location: Option<String>,
    initial: Option<RawResponse>,
    /// What the first answer said of the state, until somebody asks.
    first: Option<Progress>,
    delay: Delay,
}

enum Step {
    Poll {
        way: Way,
        url: String,
    },
    /// The result is this answer's body.
    Done(RawResponse),
    /// The result is at this URL.
    Get(String),
}

/// By what the end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By the member `status` of an object that is about the operation (`Azure-AsyncOperation`, `Operation-Location`).
    Status,
    /// By the status of the answer: 202 means later (`Location`).
    Location,
    /// By `properties.provisioningState` of the resource itself.
    Resource,
}

/// How long to wait before the next request.
struct Delay {
    asked: Option<Duration>,
    own: Duration,
}

/// What a service's word for a state means.
enum Verdict {
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl Verdict {
    fn of(word: &str) -> Verdict {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        if is("Succeeded") {
            Verdict::Succeeded
        } else if is("Failed") {
            Verdict::Failed
        } else if is("Canceled") || is("Cancelled") {
            Verdict::Cancelled
        } else {
            Verdict::Running
        }
    }
}

impl Machine {
    /// Sends the first request.
    pub(super) async fn start(pipeline: Pipeline, request: Request) -> Result<Machine, Error> {
        let operation = request.operation();
        let (original, answer) = pipeline.send_noting(request).await?;
        let delay = Delay { asked: None, own: pipeline.poll_delays().0 };
        let mut machine = Machine {
            step: Step::Done(answer.clone()),
            pipeline,
            operation,
            original,
            location: None,
            initial: Some(answer.clone()),
            first: None,
            delay,
        };
        let progress = machine.begin(answer).map_err(|error| error.with_operation(operation.id()))?;
        machine.first = Some(progress);
        Ok(machine)
    }

    fn begin(&mut self, answer: RawResponse) -> Result<Progress, Error> {
        self.note(&answer);
        let (status, is_write) = (answer.status(), self.is_write());
        let named = status_monitor(&answer);
        if let Some(url) = named.filter(|_| status != StatusCode::NO_CONTENT) {
            let url = url.to_owned();
            self.step = Step::Poll { way: Way::Status, url };
            return Ok(Progress::running(state_of_resource(&answer).as_deref()));
        }
        if let Some(url) = answer.header("location").filter(|_| status == StatusCode::ACCEPTED) {
            let url = url.to_owned();
            self.step = Step::Poll { way: Way::Location, url };
            return Ok(Progress::running(None));
        }
        if is_write && status != StatusCode::NO_CONTENT {
            return self.judge_resource(answer);
        }
        match status {
            StatusCode::ACCEPTED => {
                Err(self
                    .lost("the operation was accepted, but the answer does not say where to ask for its state", answer))
            }
            _ => {
                self.step = Step::Done(answer);
                Ok(Progress::succeeded())
            }
        }
    }

    /// PUT and PATCH, whose own URL is that of what they make.
    fn is_write(&self) -> bool {
        matches!(*self.operation.method(), Method::PUT | Method::PATCH)
    }

    /// What an answer says beside its state.
    fn note(&mut self, answer: &RawResponse) {
        if let Some(url) = answer.header("location") {
            self.location = Some(url.to_owned());
        }
        self.delay.asked = retry_after(answer.headers(), || unix_seconds(self.pipeline.clock().now()));
    }

    pub(super) fn first_progress(&mut self) -> Option<Progress> {
        self.first.take()
    }

    pub(super) fn initial(&self) -> Option<&RawResponse> {
        self.initial.as_ref()
    }

    pub(super) fn is_done(&self) -> bool {
        !matches!(self.step, Step::Poll { .. })
    }

    /// Waits, and asks once.
    pub(super) async fn poll(&mut self) -> Result<Progress, Error> {
        self.first = None;
        let Step::Poll { way, url } = &self.step else { return Ok(Progress::succeeded()) };
        let (way, url) = (*way, url.clone());
        let (_, max) = self.pipeline.poll_delays();
        let delay = self.delay.asked.take().unwrap_or(self.delay.own);
        self.delay.own = self.delay.own.saturating_mul(2).min(max);
        self.pipeline.clock().sleep(delay).await;
        let answer = match self.pipeline.follow(self.operation, Method::GET, &url).await {
            // What is deleted is not there.
            Err(error) if way == Way::Resource && error.is_not_found() && !self.is_write() => {
                self.step = Step::Done(self.empty());
                return Ok(Progress::succeeded());
            }
            answer => answer?,
        };
        self.note(&answer);
        let progress = match way {
            Way::Status => self.judge_status(answer, url),
            Way::Resource => self.judge_resource(answer),
            Way::Location if answer.status() == StatusCode::ACCEPTED => {
                let url = answer.header("location").map_or(url, str::to_owned);
                self.step = Step::Poll { way, url };
                Ok(Progress::running(None))
            }
            Way::Location => {
                self.step = Step::Done(answer);
                Ok(Progress::succeeded())
            }
        };
        progress.map_err(|error| error.with_operation(self.operation.id()))
    }

    fn judge_status(&mut self, answer: RawResponse, url: String) -> Result<Progress, Error> {
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let Some(word) = text(&body, &["status"]) else {
            return Err(self.lost("the answer about the operation has no `status`", answer));
        };
        match Verdict::of(word) {
            Verdict::Running => {
                let named = status_monitor(&answer);
                let url = named.map_or(url, str::to_owned);
                self.step = Step::Poll { way: Way::Status, url };
                Ok(Progress { status: word.to_owned(), percent_complete: body["percentComplete"].as_f64() })
            }
            Verdict::Succeeded => {
                self.step = self.end(&body, answer);
                Ok(Progress::succeeded())
            }
            Verdict::Failed => Err(self.failed("failed", answer)),
            Verdict::Cancelled => Err(self.failed("was cancelled", answer)),
        }
    }

    fn judge_resource(&mut self, answer: RawResponse) -> Result<Progress, Error> {
        let state = state_of_resource(&answer);
        // A resource without a state is ready, unless the answer says that it is not.
        let accepted = if answer.status() == StatusCode::ACCEPTED { "InProgress" } else { "Succeeded" };
        match Verdict::of(state.as_deref().unwrap_or(accepted)) {
            Verdict::Running => {
                self.step = Step::Poll { way: Way::Resource, url: self.original.clone() };
                Ok(Progress::running(state.as_deref()))
            }
            Verdict::Succeeded => {
                self.step = Step::Done(answer);
                Ok(Progress::succeeded())
            }
            Verdict::Failed => Err(self.failed("failed", answer)),
            Verdict::Cancelled => Err(self.failed("was cancelled", answer)),
        }
    }

    /// Where the result is, of an operation whose state says that it succeeded.
    fn end(&self, state: &Value, answer: RawResponse) -> Step {
        let last = || {
            // Azure Resource Manager puts the result into `properties` of the state.
            let body = match state.get("properties").filter(|properties| properties.is_object()) {
                Some(properties) => Bytes::from(properties.to_string()),
                None if *self.operation.method() == Method::DELETE => return Step::Done(self.empty()),
                None => answer.body().clone(),
            };
            Step::Done(RawResponse::new(self.operation, answer.status(), answer.headers().clone(), body))
        };
        let original = || Step::Get(self.original.clone());
        let location = self.location.clone().map(Step::Get);
        match self.operation.final_state() {
            FinalState::OriginalUri => original(),
            // What PUT and PATCH make is read where it is, whatever the document says of the status.
            FinalState::Status if self.is_write() => original(),
            FinalState::Status => last(),
            FinalState::Location => location.unwrap_or_else(last),
            FinalState::Unsaid => match (text(state, &["resourceLocation"]), self.operation.method()) {
                (Some(url), _) => Step::Get(url.to_owned()),
                (None, _) if self.is_write() => original(),
                (None, &Method::POST) => location.unwrap_or_else(last),
                (None, _) => last(),
            },
        }
    }

    /// Waits for the end, and gives the result.
    pub(super) async fn finish(mut self) -> Result<RawResponse, Error> {
        while !self.is_done() {
            self.poll().await?;
        }
        match self.step {
            Step::Done(answer) => Ok(answer),
            Step::Get(url) | Step::Poll { url, .. } => self.pipeline.follow(self.operation, Method::GET, &url).await,
        }
    }

    fn empty(&self) -> RawResponse {
        RawResponse::new(self.operation, StatusCode::NO_CONTENT, http::HeaderMap::new(), Bytes::new())
    }

    fn lost(&self, message: &str, answer: RawResponse) -> Error {
        Error::new(ErrorKind::Polling, message).with_answer(
            answer.status(),
            answer.headers().clone(),
            answer.body().clone(),
        )
    }

    fn failed(&self, how: &str, answer: RawResponse) -> Error {
        let (headers, body) = (answer.headers().clone(), answer.body().clone());
        Error::polling(self.operation.error_format(), how, answer.status(), headers, body)
    }

    pub(super) fn token(&self) -> String {
        let (way, url) = match &self.step {
            Step::Poll { way, url } => (Some(*way), url.clone()),
            Step::Get(url) => (None, url.clone()),
            // The result can be asked for only where it is a resource.
            Step::Done(_) => (None, self.original.clone()),
        };
        Token {
            operation: self.operation.id().to_owned(),
            endpoint: self.pipeline.endpoint().to_string(),
            original: self.original.clone(),
            way,
            url,
            location: self.location.clone(),
        }
        .to_string()
    }

    pub(super) fn resume(
        pipeline: &Pipeline,
        operation: &'static Operation,
        token: &str,
        arguments: &[Option<&dyn Display>],
    ) -> Result<Machine, Error> {
        let token: Token = token.parse()?;
        token.check(pipeline.endpoint(), operation, arguments)?;
        let Token { original, way, url, location, .. } = token;
        Ok(Machine {
            pipeline: pipeline.clone(),
            operation,
            original,
            step: match way {
                Some(way) => Step::Poll { way, url },
                None => Step::Get(url),
            },
            location,
            initial: None,
            first: None,
            // A process that starts asks at once.
            delay: Delay { asked: Some(Duration::ZERO), own: pipeline.poll_delays().0 },
        })
    }
}

/// The URL that tells the operation's state, where an answer names one.
fn status_monitor(answer: &RawResponse) -> Option<&str> {
    answer.header("azure-asyncoperation").or_else(|| answer.header("operation-location"))
}

fn state_of_resource(answer: &RawResponse) -> Option<String> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    text(&body, &["properties", "provisioningState"]).map(str::to_owned)
}

impl Progress {
    fn running(word: Option<&str>) -> Progress {
        Progress { status: word.unwrap_or("InProgress").to_owned(), percent_complete: None }
    }

    fn succeeded() -> Progress {
        Progress { status: "Succeeded".to_owned(), percent_complete: Some(100.0) }
    }
}
