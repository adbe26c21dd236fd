//! What reads blobs.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use iothub::runtime::{Body, Intent, Outcome};

use super::{Refusal, Request, answer, origin, stamp, xml};
use crate::state::blobs::Blob;

/// How many blobs a list has, if nobody wants fewer.
const LISTED: usize = 5_000;

/// Tells of a container.
pub(super) fn container(request: &Request<'_>) -> Result<Response<Body>, Refusal> {
    request.grant.needs("rl")?;
    let state = request.hub.read();
    let container = state.blobs.container(&request.container)?;
    let mut response = answer(StatusCode::OK);
    stamp(&mut response, &container.tag(), container.created);
    Ok(response)
}

/// Lists the blobs of a container.
pub(super) fn list(request: &Request<'_>) -> Result<Response<Body>, Refusal> {
    request.grant.needs("l")?;
    let most = match request.parameter("maxresults") {
        None => None,
        Some(text) => match text.parse::<usize>() {
            Ok(number) if number > 0 => Some(number.min(LISTED)),
            _ => return Err(Refusal::invalid_parameter("maxresults")),
        },
    };
    let given = |name: &str| request.parameter(name).filter(|value| !value.is_empty());
    let (prefix, delimiter, marker) = (given("prefix"), given("delimiter"), given("marker"));
    let from = match &marker {
        None => None,
        Some(marker) => {
            let name = URL_SAFE_NO_PAD.decode(marker).ok().and_then(|name| String::from_utf8(name).ok());
            Some(name.ok_or_else(|| Refusal::invalid_parameter("marker"))?)
        }
    };
    let include = request.parameter("include").unwrap_or_default();
    let (lines, next) = request.hub.read().blobs.list(
        &request.container,
        prefix.as_deref().unwrap_or_default(),
        delimiter.as_deref(),
        from.as_deref(),
        most.unwrap_or(LISTED),
    )?;
    let origin = origin(request.parts);
    let about = xml::About {
        origin: &origin,
        container: &request.container,
        prefix: prefix.as_deref(),
        marker: marker.as_deref(),
        delimiter: delimiter.as_deref(),
        most,
        with_metadata: include.split(',').any(|what| what.trim().eq_ignore_ascii_case("metadata")),
    };
    let next = next.map(|name| URL_SAFE_NO_PAD.encode(name));
    let mut response = Response::new(Body::from(xml::list(&about, &lines, next.as_deref())));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    Ok(response)
}

/// Reads a blob, or a part of it.
pub(super) fn blob(request: &Request<'_>) -> Result<Response<Body>, Refusal> {
    request.grant.needs("r")?;
    let name = request.blob.as_deref().unwrap_or_default();
    let (blob, pieces) = {
        let state = request.hub.read();
        let blob = state.blobs.blob(&request.container, name)?;
        let pieces = state.blobs.content(&blob);
        (blob, pieces)
    };
    if Blob::check(Some(&blob), Intent::Read, &request.conditions)? == Outcome::NotModified {
        let mut response = answer(StatusCode::NOT_MODIFIED);
        stamp(&mut response, &blob.tag(), blob.modified);
        return Ok(response);
    }
    let range = request.header("x-ms-range").or_else(|| request.header("range"));
    let range = range.and_then(|text| range_of(text, blob.length));
    let whole = (0, blob.length);
    let (start, end) = match range {
        Some(None) => {
            let all = HeaderValue::try_from(format!("bytes */{}", blob.length)).ok();
            let refusal = Refusal::invalid_range();
            return Err(all.into_iter().fold(refusal, |refusal, all| refusal.with_header(header::CONTENT_RANGE, all)));
        }
        Some(Some(range)) => range,
        None => whole,
    };
    let mut response = Response::new(body(pieces, start, end));
    tell(&mut response, &blob);
    if range.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let headers = response.headers_mut();
        let range = format!("bytes {start}-{}/{}", end.saturating_sub(1), blob.length);
        headers.extend(HeaderValue::try_from(range).ok().map(|range| (header::CONTENT_RANGE, range)));
        if let Some(md5) = headers.remove("content-md5") {
            // That of the whole blob.
            headers.insert(HeaderName::from_static("x-ms-blob-content-md5"), md5);
        }
    }
    Ok(response)
}

/// Puts what is known of a blob into headers.
fn tell(response: &mut Response<Body>, blob: &Blob) {
    stamp(response, &blob.tag(), blob.modified);
    let headers = response.headers_mut();
    for (name, value) in &blob.headers {
        let header = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value).ok());
        headers.extend(header);
    }
    for (name, value) in [
        ("accept-ranges", "bytes"),
        ("x-ms-blob-type", "BlockBlob"),
        ("x-ms-lease-state", "available"),
        ("x-ms-lease-status", "unlocked"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let created = iothub::runtime::time::Rfc1123::try_from(blob.created).map(|time| time.to_string());
    let created = created.ok().and_then(|created| HeaderValue::try_from(created).ok());
    headers.extend(created.map(|created| (HeaderName::from_static("x-ms-creation-time"), created)));
}

/// The bytes of a range, from one to the one behind the last; `None` within where there are no such bytes, `None` where it is no range, or several,
/// which makes no difference (RFC 9110 §14.2).
fn range_of(text: &str, length: u64) -> Option<Option<(u64, u64)>> {
    let (unit, range) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let (start, end) = match (first, last) {
        ("", last) => (length.saturating_sub(number(last)?), length),
        (first, "") => (number(first)?, length),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, last.saturating_add(1).min(length))
        }
    };
    Some((start < end).then_some((start, end)))
}

/// Some of the bytes of pieces that follow each other.
fn body(pieces: Vec<Bytes>, start: u64, end: u64) -> Body {
    let mut at = 0;
    let mut parts = VecDeque::new();
    for piece in pieces {
        let length = piece.len() as u64;
        let (from, to) = (start.clamp(at, at + length) - at, end.clamp(at, at + length) - at);
        // Both are within a piece.
        let (from, to) = (usize::try_from(from).unwrap_or_default(), usize::try_from(to).unwrap_or_default());
        if from < to {
            parts.push_back(piece.slice(from..to));
        }
        at += length;
    }
    match parts.len() {
        0 | 1 => parts.pop_front().map_or(Body::Empty, Body::from),
        _ => Body::from_stream(Parts(parts), Some(end - start)),
    }
}

struct Parts(VecDeque<Bytes>);

impl Stream for Parts {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn ranges() {
        for (text, expected) in [
            ("bytes=0-", Some(Some((0, 10)))),
            ("bytes=0-0", Some(Some((0, 1)))),
            ("Bytes=2-4", Some(Some((2, 5)))),
            ("bytes=8-99", Some(Some((8, 10)))),
            ("bytes=-3", Some(Some((7, 10)))),
            ("bytes=-30", Some(Some((0, 10)))),
            ("bytes=10-", Some(None)),
            ("bytes=10-12", Some(None)),
            ("bytes=-0", Some(None)),
            ("bytes=4-2", None),
            ("bytes=0-1,3-4", None),
            ("bytes=+1-2", None),
            ("bytes=-", None),
            ("lines=0-1", None),
            ("bytes", None),
        ] {
            assert_eq!(range_of(text, 10), expected, "{text}");
        }
        assert_eq!(range_of("bytes=0-", 0), Some(None));
    }

    #[tokio::test]
    async fn bytes_of_pieces() {
        let pieces = || ["abc", "d", "efgh"].map(Bytes::from).to_vec();
        for (start, end, expected) in [(0, 8, "abcdefgh"), (2, 5, "cde"), (3, 4, "d"), (7, 8, "h"), (4, 4, "")] {
            let body = body(pieces(), start, end);
            assert_eq!(body.length(), Some(end - start));
            assert_eq!(body.collect(99).await.unwrap(), expected);
        }
    }
}
