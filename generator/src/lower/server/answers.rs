//! What a server can answer.

use crate::ir::{
    Answer, AnswerHeader, EtagSource, FinalStateVia, HeaderValue, Literal, Operation, Paging, Prose, Response,
    ResponseBody, Status, Type,
};
use crate::lower::media;
use crate::naming::{self, Ident, Scope, Wanted};

/// One answer for each declared response, and one without anything in it where none of them could be a success.
pub(super) fn answers(operation: &Operation, produces: &[String]) -> Vec<Answer> {
    let mut answers: Vec<Answer> =
        operation.responses.iter().map(|response| answer(operation, response, produces)).collect();
    let succeeds = |response: &Response| !response.error || response.status == Status::Default;
    if !operation.responses.iter().any(succeeds) {
        answers.insert(0, without_content());
    }
    answers
}

fn without_content() -> Answer {
    Answer {
        name: name(Status::Code(200)),
        status: Status::Code(200),
        description: Prose::default(),
        body: None,
        media_type: None,
        payload: None,
        headers: Vec::new(),
    }
}

fn answer(operation: &Operation, response: &Response, produces: &[String]) -> Answer {
    let headers = headers(operation, response);
    let name = name(response.status);
    Answer {
        status: response.status,
        description: response.description.clone(),
        body: body(response),
        media_type: response.body.as_ref().and_then(|body| media::answer(produces, body)),
        // Its name is settled with the others of the module.
        payload: (!headers.is_empty()).then(|| name.clone()),
        headers,
        name,
    }
}

/// The body; one that may be `null` is so by choice.
fn body(response: &Response) -> Option<ResponseBody> {
    match &response.body {
        Some(ResponseBody::Json(ty)) if response.nullable && *ty != Type::Json => {
            Some(ResponseBody::Json(Type::Nullable(Box::new(ty.clone()))))
        }
        body => body.clone(),
    }
}

/// The name of a variant.
fn name(status: Status) -> Ident {
    let class = |class| match class {
        1 => "informational".to_owned(),
        2 => "success".to_owned(),
        3 => "redirection".to_owned(),
        4 => "client error".to_owned(),
        5 => "server error".to_owned(),
        other => format!("class {other}"),
    };
    naming::pascal(&match status {
        Status::Code(code) => media::status_name(code),
        Status::Class(number) => class(number),
        Status::Default => "default".to_owned(),
    })
}

fn headers(operation: &Operation, response: &Response) -> Vec<AnswerHeader> {
    let declared = response.headers.iter().map(|header| {
        let value = match &header.ty {
            _ if header.prefix => HeaderValue::Prefix,
            _ if header.wire.0.eq_ignore_ascii_case("etag") => HeaderValue::ETag,
            ty => HeaderValue::Of(simple(ty)),
        };
        (header.name.clone(), header.wire.clone(), value, header.description.clone())
    });
    let implied = implied(operation, response).into_iter().map(|(wire, value, description)| {
        (naming::snake(wire), Literal(wire.to_owned()), value, Prose(description.to_owned()))
    });
    let all: Vec<_> = declared.chain(implied).collect();
    let mut scope = Scope::new(&["status", "body"]);
    for (name, ..) in &all {
        scope.collect(Wanted::new(name.clone()).or(naming::snake_parts(&[name.bare(), "header"])));
    }
    let headers = scope.assign().into_iter().zip(all).map(|(name, (_, wire, value, description))| AnswerHeader {
        setter: naming::snake_parts(&["with", name.bare()]),
        name,
        wire,
        value,
        description,
    });
    headers.collect()
}

/// A header is text, or a list of texts.
fn simple(ty: &Type) -> Type {
    let is_simple = |ty: &Type| {
        !matches!(ty, Type::Json | Type::JsonObject | Type::Map(_) | Type::List(_) | Type::Bytes | Type::Nullable(_))
    };
    match ty {
        Type::List(item) if is_simple(item) => ty.clone(),
        ty if is_simple(ty) => ty.clone(),
        _ => Type::String,
    }
}

/// Headers that a response has for what the operation is, also where the document does not declare them.
fn implied<'o>(operation: &'o Operation, response: &Response) -> Vec<(&'o str, HeaderValue, &'static str)> {
    let text = HeaderValue::Of(Type::String);
    let has = |response: &Response, wire: &str| {
        response.headers.iter().any(|header| header.wire.0.eq_ignore_ascii_case(wire))
    };
    let mut implied = Vec::new();
    if response.error {
        return implied;
    }
    let mut successes = operation.responses.iter().filter(|response| !response.error);
    if operation.etag == EtagSource::Header && !successes.any(|response| has(response, "etag")) {
        implied.push(("ETag", HeaderValue::ETag, "The version of what is answered."));
    }
    if let Some(Paging::Header { response: token, .. }) = &operation.paging
        && !has(response, &token.0)
    {
        implied.push((
            &token.0,
            text.clone(),
            "The token by which the next page is asked for; absent on the last one.",
        ));
    }
    if operation.long_running.is_some() && begins(operation, response) {
        const STATUS: &str = "The URL that tells how far the work has come.";
        const RESULT: &str = "The URL that has the result in the end.";
        let polled = ["Azure-AsyncOperation", "Operation-Location", "Location"];
        let via = operation.long_running.as_ref().and_then(|long_running| long_running.final_state_via);
        if !polled.iter().any(|wire| has(response, wire)) {
            implied.extend(match via {
                Some(FinalStateVia::OperationLocation) => vec![("Operation-Location", text.clone(), STATUS)],
                Some(FinalStateVia::Location) => vec![("Location", text.clone(), RESULT)],
                Some(FinalStateVia::AzureAsyncOperation | FinalStateVia::OriginalUri) | None => {
                    vec![("Azure-AsyncOperation", text.clone(), STATUS), ("Location", text.clone(), RESULT)]
                }
            });
            if !has(response, "Retry-After") {
                implied.push(("Retry-After", HeaderValue::Of(Type::I32), "How many seconds to wait before asking."));
            }
        }
    }
    implied
}

/// Whether a response says that the work goes on: 201 and 202, or, where neither is declared, any other success.
fn begins(operation: &Operation, response: &Response) -> bool {
    let is_start = |response: &Response| matches!(response.status, Status::Code(201 | 202));
    is_start(response) || !operation.responses.iter().any(is_start)
}

/// The media types that answers can have, where they are other than JSON alone: what a client has to accept.
pub(super) fn produced(answers: &[Answer]) -> Vec<Literal> {
    let mut produced: Vec<Literal> = Vec::new();
    let mut add = |media: &str| {
        if !produced.iter().any(|known| known.0 == media) {
            produced.push(Literal(media.to_owned()));
        }
    };
    let successes = answers.iter().filter(|answer| match answer.status {
        Status::Code(code) => code < 400,
        Status::Class(class) => class < 4,
        Status::Default => false,
    });
    let mut bodies = 0;
    for answer in successes {
        bodies += usize::from(answer.body.is_some());
        match (&answer.body, &answer.media_type) {
            (Some(ResponseBody::Json(_)), None) => add("application/json"),
            (Some(ResponseBody::Text), None) => add("text/plain"),
            (Some(ResponseBody::Json(_) | ResponseBody::Text), Some(media)) => add(&media.0),
            (Some(ResponseBody::Raw), _) => add("*/*"),
            (None, _) => {}
        }
    }
    match produced.as_slice() {
        [only] if only.0 == "application/json" => Vec::new(),
        // Nothing that could be refused.
        [] if bodies == 0 => vec![Literal("*/*".to_owned())],
        _ => produced,
    }
}
