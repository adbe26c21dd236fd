//! Media types: what a request has, and what its answer may have (RFC 9110 §8.3, §8.4, §12.5.1).

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::answer::{JSON, TEXT_JSON};
use super::error::ServiceError;
use super::route::{BodyKind, Route};
use crate::body::Body;

/// Looks at the media type of a body that is read by its type. Where it is not said, it is taken for what the operation takes.
pub(super) fn media_type(route: &Route, headers: &HeaderMap, body: &Body) -> Result<(), ServiceError> {
    let (fits, wanted): (fn(&str) -> bool, _) = match route.body_kind() {
        BodyKind::None | BodyKind::Stream => return Ok(()),
        BodyKind::Json | BodyKind::OptionalJson => (is_json, "application/json"),
        BodyKind::Text | BodyKind::OptionalText => (|essence| essence.starts_with("text/"), "text/plain"),
        BodyKind::Form => (|essence| essence == FORM, FORM),
    };
    if body.length() == Some(0) {
        return Ok(());
    }
    let refused = |message, name, wanted| {
        let error = ServiceError::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
        Err(error.with_header(name, HeaderValue::from_static(wanted)))
    };
    let is_plain = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        return refused("The body has to come without a content coding.".to_owned(), ACCEPT_ENCODING, "identity");
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let Some(said) = types.next() else { return Ok(()) };
    let said = said.to_str().unwrap_or_default();
    let (essence, parameters) = said.split_once(';').unwrap_or((said, ""));
    // Which of two counts is not to be guessed.
    if types.next().is_none() && fits(&essence.trim().to_ascii_lowercase()) && is_utf8(parameters) {
        return Ok(());
    }
    refused(format!("The body has to be {wanted} in UTF-8."), ACCEPT, wanted)
}

const FORM: &str = "application/x-www-form-urlencoded";

fn is_json(essence: &str) -> bool {
    matches!(essence, "application/json" | "text/json")
        || essence.starts_with("application/") && essence.ends_with("+json")
}

fn is_utf8(parameters: &str) -> bool {
    let charset = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charset.is_none_or(|(_, value)| {
        let value = value.trim().trim_matches('"');
        ["utf-8", "utf8", "us-ascii"].iter().any(|known| value.eq_ignore_ascii_case(known))
    })
}

/// What JSON is called in the answer, if the caller takes the operation's answers at all.
pub(super) fn accepted(route: &Route, headers: &HeaderMap) -> Result<HeaderValue, ServiceError> {
    let said = headers.get_all(ACCEPT);
    let mut all = said.iter().map(HeaderValue::as_bytes);
    // What nearly everybody sends.
    if matches!((all.next(), all.next()), (None, _) | (Some(b"application/json" | b"*/*"), None)) {
        return Ok(JSON);
    }
    let said = said.iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<(&str, bool)> = said.flat_map(|value| value.split(',')).filter_map(range).collect();
    let takes = |media_type: &str| {
        // The most specific range decides.
        let kind = media_type.split('/').next().unwrap_or_default();
        let rank = |range: &str| match range.split_once('/') {
            _ if range.eq_ignore_ascii_case(media_type) => 3,
            Some((own, "*")) if own.eq_ignore_ascii_case(kind) => 2,
            Some(("*", "*")) => 1,
            _ => 0,
        };
        let best = ranges.iter().max_by_key(|(range, _)| rank(range));
        best.is_some_and(|(range, wanted)| *wanted && rank(range) > 0)
    };
    match route.media_types() {
        _ if ranges.is_empty() || takes("application/json") => Ok(JSON),
        [] if takes("text/json") => Ok(TEXT_JSON),
        // An error may be JSON, whatever the answers are.
        own if own.iter().any(|own| own.contains('*') || takes(own)) => Ok(JSON),
        own => {
            let own = if own.is_empty() { "application/json".to_owned() } else { own.join(", ") };
            let message = format!("The operation answers {own}, which the request does not accept.");
            Err(ServiceError::plain(StatusCode::NOT_ACCEPTABLE, message))
        }
    }
}

/// A media range without its parameters, and whether it is wanted: whether its weight is not none.
fn range(text: &str) -> Option<(&str, bool)> {
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let weight = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value.trim())
    });
    let unwanted = weight.is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0));
    let essence = essence.trim();
    (!essence.is_empty()).then_some((essence, !unwanted))
}
