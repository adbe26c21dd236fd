//! What generated code writes a response to.

use std::collections::BTreeMap;
use std::fmt::Write;

use http::header::{CONTENT_TYPE, ETAG, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::body::Body;
use crate::etag::ETag;
use crate::wire::{View, write};

/// The media type of JSON, as the services write it.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
/// The same for who asks for it under this name.
pub(super) const TEXT_JSON: HeaderValue = HeaderValue::from_static("text/json; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// A response on its way out.
#[derive(Debug)]
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    /// Why it cannot be sent, if so.
    pub(super) fault: Option<String>,
    json: HeaderValue,
}

impl Answer {
    pub(super) fn new(json: HeaderValue) -> Answer {
        Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: Body::Empty, fault: None, json }
    }

    /// Sets the status.
    pub fn status(&mut self, status: u16) {
        match StatusCode::from_u16(status) {
            Ok(status) => self.status = status,
            Err(_) => self.fail(format!("{status} is no status")),
        }
    }

    /// Sets a status that the handler chose.
    pub fn status_code(&mut self, status: StatusCode) {
        self.status = status;
    }

    /// Adds a header, if there is a value. An entity tag gets the quotes that HTTP wants (RFC 9110 §8.8.3).
    pub fn header(&mut self, name: &'static str, value: View<'_>) {
        let mut text = String::new();
        if !matches!(value, View::Absent | View::Null) {
            push(&mut text, value);
            self.put(HeaderName::from_bytes(name.as_bytes()).ok(), name, text);
        }
    }

    /// Adds the header `ETag`, if there is a tag.
    pub fn etag(&mut self, tag: Option<&ETag>) {
        if let Some(tag) = tag {
            self.header("etag", View::Text(tag));
        }
    }

    /// Adds a header for each entry, under the prefix and the entry's name.
    pub fn header_prefix(&mut self, prefix: &'static str, entries: &BTreeMap<String, String>) {
        for (name, value) in entries {
            let name = format!("{prefix}{name}");
            self.put(HeaderName::from_bytes(name.as_bytes()).ok(), &name, value.clone());
        }
    }

    fn put(&mut self, name: Option<HeaderName>, shown: &str, mut value: String) {
        if name == Some(ETAG) && !value.ends_with('"') {
            value = format!("\"{value}\"");
        }
        match (name, HeaderValue::try_from(value)) {
            (Some(name), Ok(value)) => {
                self.headers.append(name, value);
            }
            (_, _) => self.fail(format!("the header `{shown}` has a name or a value that cannot be sent")),
        }
    }

    /// Sets a body of JSON.
    pub fn json(&mut self, body: View<'_>) {
        match write::to_json(body) {
            Ok(json) => {
                self.headers.insert(CONTENT_TYPE, self.json.clone());
                self.body = json.into();
            }
            Err(error) => self.fail(format!("the body cannot be written as JSON: {error}")),
        }
    }

    /// Sets a body of JSON with a media type of its own.
    pub fn json_as(&mut self, body: View<'_>, media_type: &'static str) {
        self.json(body);
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }

    /// Sets a body of text, of plain text unless a header says otherwise.
    pub fn text(&mut self, body: String) {
        self.headers.entry(CONTENT_TYPE).or_insert(TEXT);
        self.body = body.into();
    }

    /// Sets a body of text with a media type of its own.
    pub fn text_as(&mut self, body: String, media_type: &'static str) {
        self.stream(body.into(), Some(media_type));
    }

    /// Sets a body of bytes, with its media type unless a header gave one.
    pub fn stream(&mut self, body: Body, media_type: Option<&'static str>) {
        if let Some(media_type) = media_type {
            self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(media_type));
        }
        self.body = body;
    }

    fn fail(&mut self, why: String) {
        self.fault.get_or_insert(why);
    }
}

/// A value as text; the items of a list with commas between.
fn push(out: &mut String, value: View<'_>) {
    // Writing to a string does not fail.
    _ = match value {
        View::Bool(value) => write!(out, "{value}"),
        View::I64(value) => write!(out, "{value}"),
        View::U64(value) => write!(out, "{value}"),
        View::F32(value) => write!(out, "{value}"),
        View::F64(value) => write!(out, "{value}"),
        View::Str(text) | View::Secret(text) | View::Number(text) => out.write_str(text),
        View::Text(text) => write!(out, "{text}"),
        View::Value(value) => match value.as_str() {
            Some(text) => out.write_str(text),
            None => write!(out, "{value}"),
        },
        View::List(list) => {
            for index in 0..list.len() {
                if index > 0 {
                    out.push(',');
                }
                push(out, list.item(index));
            }
            Ok(())
        }
        View::Absent | View::Null | View::Map(_) | View::Object(_) => Ok(()),
    };
}
