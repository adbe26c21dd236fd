//! What generated code reads a request from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::answer::Answer;
use super::context::Context;
use super::error::{Detail, ServiceError};
use super::extract;
use super::limits::{self, Checks};
use super::matcher::Captures;
use crate::body::Body;
use crate::preconditions::Preconditions;
use crate::url::CollectionFormat;
use crate::wire::read::ReadError;
use crate::wire::{Slot, View, Wire, put, read};

/// A request that has found its operation. What is wrong with its parameters is kept until all of them have been read.
#[derive(Debug)]
pub struct Incoming {
    context: Context,
    captures: Captures,
    body: Payload,
    json: HeaderValue,
    wrong: Vec<Detail>,
    /// The paths of what could not be read of the body.
    unread: Vec<String>,
    /// Whether the body is not well formed: it may be another length than was said.
    is_broken: bool,
}

/// A body, as far as it is read before the handler is called.
#[derive(Debug)]
pub(super) enum Payload {
    /// All of it.
    Whole(Bytes),
    /// Not yet.
    Stream(Body),
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
    /// In a form.
    Form,
    /// In the body.
    Body,
}

const TWICE: &str = "it is there more than once";
const MISSING: &str = "it is missing";

impl Incoming {
    pub(super) fn new(context: Context, captures: Captures, body: Payload, json: HeaderValue) -> Incoming {
        Incoming { context, captures, body, json, wrong: Vec::new(), unread: Vec::new(), is_broken: false }
    }

    /// The request beside its parameters.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Reads all parameters.
    ///
    /// # Errors
    ///
    /// 400 with all that is wrong with them.
    pub fn read<R>(&mut self, read: fn(&mut Incoming) -> R) -> Result<R, ServiceError> {
        if self.context.route().needs_api_version() {
            self.put(At::Query, "api-version", Slot::Ignored, true);
        }
        let request = read(self);
        match std::mem::take(&mut self.wrong) {
            wrong if wrong.is_empty() => Ok(request),
            wrong if self.is_broken => Err(refusal(wrong).breaking()),
            wrong => Err(refusal(wrong)),
        }
    }

    /// Writes a response.
    pub fn answer<R>(&self, response: R, write: fn(R, &mut Answer)) -> Answer {
        let mut answer = Answer::new(self.json.clone());
        write(response, &mut answer);
        answer
    }

    fn report(&mut self, at: At, name: &str, message: impl Into<String>) {
        self.wrong.push(Detail { target: target(at, name), message: message.into() });
    }

    /// The same of the body.
    fn report_body(&mut self, place: String, message: impl Into<String>) {
        self.unread.push(place);
        self.report(At::Body, "", message);
    }

    /// The text that fills a hole of the path; where the template has no such hole, none.
    fn captured(&self, hole: usize) -> &str {
        let path = self.context.uri().path();
        self.captures.get(hole).and_then(|range| path.get(range)).unwrap_or_default()
    }

    /// A parameter of the path.
    pub fn path<T: Wire>(&mut self, hole: usize, name: &'static str) -> T {
        let mut value = T::blank();
        self.path_into(hole, name, value.slot());
        value
    }

    fn path_into(&mut self, hole: usize, name: &'static str, slot: Slot<'_>) {
        let text = extract::path_text(self.captured(hole)).map_err(str::to_owned);
        if let Err(message) = text.and_then(|text| put::parse(slot, &text)) {
            self.report(At::Path, name, message);
        }
    }

    /// A list in the path.
    pub fn path_list<T: Wire>(&mut self, hole: usize, name: &'static str, format: CollectionFormat) -> Vec<T> {
        let text = self.captured(hole);
        // The same but for the plus, which is none of the separators.
        let items = extract::items(&text.replace('+', "%2B"), format);
        self.parse_items(At::Path, name, items)
    }

    /// A parameter of the path that is several segments, as they came: with their escapes.
    pub fn raw_path(&mut self, hole: usize, _: &'static str) -> String {
        self.captured(hole).to_owned()
    }

    /// The one value of a name.
    fn find(&self, at: At, name: &str) -> Result<Option<Cow<'_, str>>, &'static str> {
        match at {
            At::Query => single(extract::values(self.context.uri().query(), name).map(extract::form_text)),
            At::Form => single(extract::values(self.form_body(), name).map(extract::form_text)),
            At::Header => single(self.context.headers().get_all(name).iter().map(header_text)),
            At::Path | At::Body => Ok(None),
        }
    }

    /// Puts the one value of a name where it belongs; whether there was one.
    fn put(&mut self, at: At, name: &'static str, slot: Slot<'_>, required: bool) -> bool {
        let done = match self.find(at, name) {
            Ok(Some(text)) => put::parse(slot, &text).map(|()| true),
            Ok(None) if required => Err(MISSING.to_owned()),
            Ok(None) => Ok(false),
            Err(message) => Err(message.to_owned()),
        };
        done.unwrap_or_else(|message| {
            self.report(at, name, message);
            false
        })
    }

    fn optional<T: Wire>(&mut self, at: At, name: &'static str) -> Option<T> {
        let mut value = T::blank();
        self.put(at, name, value.slot(), false).then_some(value)
    }

    fn required<T: Wire>(&mut self, at: At, name: &'static str) -> T {
        let mut value = T::blank();
        self.put(at, name, value.slot(), true);
        value
    }

    /// The items of all values of a name.
    fn list<T: Wire>(&mut self, at: At, name: &'static str, format: CollectionFormat) -> Option<Vec<T>> {
        let items = match at {
            At::Query => listed(extract::values(self.context.uri().query(), name), format),
            At::Form => listed(extract::values(self.form_body(), name), format),
            At::Header => header_items(self.context.headers().get_all(name).iter(), format),
            At::Path | At::Body => Ok(None),
        };
        let items = items.transpose()?;
        Some(self.parse_items(at, name, items))
    }

    fn required_list<T: Wire>(&mut self, at: At, name: &'static str, format: CollectionFormat) -> Vec<T> {
        self.list(at, name, format).unwrap_or_else(|| {
            self.report(at, name, MISSING);
            Vec::new()
        })
    }

    fn parse_items<T: Wire>(&mut self, at: At, name: &'static str, items: Result<Vec<String>, &'static str>) -> Vec<T> {
        let mut values = Vec::new();
        match items {
            Err(message) => self.report(at, name, message),
            Ok(items) => {
                for item in items {
                    let mut value = T::blank();
                    if let Err(message) = put::parse(value.slot(), &item) {
                        self.report(at, name, message);
                    }
                    values.push(value);
                }
            }
        }
        values
    }

    /// A parameter of the query.
    pub fn query<T: Wire>(&mut self, name: &'static str) -> Option<T> {
        self.optional(At::Query, name)
    }

    /// A parameter of the query that has to be there.
    pub fn required_query<T: Wire>(&mut self, name: &'static str) -> T {
        self.required(At::Query, name)
    }

    /// A list in the query.
    pub fn query_list<T: Wire>(&mut self, name: &'static str, format: CollectionFormat) -> Option<Vec<T>> {
        self.list(At::Query, name, format)
    }

    /// A list in the query that has to be there.
    pub fn required_query_list<T: Wire>(&mut self, name: &'static str, format: CollectionFormat) -> Vec<T> {
        self.required_list(At::Query, name, format)
    }

    /// Whether the query has a name, with whatever value.
    pub fn query_flag(&mut self, name: &'static str) -> bool {
        extract::values(self.context.uri().query(), name).next().is_some()
    }

    /// A header.
    pub fn header<T: Wire>(&mut self, name: &'static str) -> Option<T> {
        self.optional(At::Header, name)
    }

    /// A header that has to be there.
    pub fn required_header<T: Wire>(&mut self, name: &'static str) -> T {
        self.required(At::Header, name)
    }

    /// A list in a header, or in several of one name.
    pub fn header_list<T: Wire>(&mut self, name: &'static str, format: CollectionFormat) -> Option<Vec<T>> {
        self.list(At::Header, name, format)
    }

    /// A list in a header that has to be there.
    pub fn required_header_list<T: Wire>(&mut self, name: &'static str, format: CollectionFormat) -> Vec<T> {
        self.required_list(At::Header, name, format)
    }

    /// The headers whose names begin with this, by what follows, which HTTP has in small letters.
    pub fn header_prefix(&mut self, prefix: &'static str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut wrong = Vec::new();
        for (name, value) in self.context.headers() {
            let Some((_, rest)) = name
                .as_str()
                .split_at_checked(prefix.len())
                .filter(|(head, rest)| head.eq_ignore_ascii_case(prefix) && !rest.is_empty())
            else {
                continue;
            };
            match header_text(value) {
                Ok(value) if !found.contains_key(rest) => {
                    found.insert(rest.to_owned(), value.into_owned());
                }
                Ok(_) => wrong.push((name.to_string(), TWICE)),
                Err(message) => wrong.push((name.to_string(), message)),
            }
        }
        wrong.into_iter().for_each(|(name, message)| self.report(At::Header, &name, message));
        found
    }

    /// A field of a form.
    pub fn form<T: Wire>(&mut self, name: &'static str) -> Option<T> {
        self.optional(At::Form, name)
    }

    /// A field of a form that has to be there.
    pub fn required_form<T: Wire>(&mut self, name: &'static str) -> T {
        self.required(At::Form, name)
    }

    /// A list in a form.
    pub fn form_list<T: Wire>(&mut self, name: &'static str, format: CollectionFormat) -> Option<Vec<T>> {
        self.list(At::Form, name, format)
    }

    /// A list in a form that has to be there.
    pub fn required_form_list<T: Wire>(&mut self, name: &'static str, format: CollectionFormat) -> Vec<T> {
        self.required_list(At::Form, name, format)
    }

    fn bytes(&self) -> &[u8] {
        match &self.body {
            Payload::Whole(bytes) => bytes,
            Payload::Stream(_) => b"",
        }
    }

    fn form_body(&self) -> Option<&str> {
        // What is not UTF-8 is not percent-encoded, and so no form.
        std::str::from_utf8(self.bytes()).ok()
    }

    /// A body of JSON.
    pub fn json<T: Wire>(&mut self) -> T {
        let mut value = T::blank();
        self.json_into(value.slot());
        value
    }

    fn json_into(&mut self, slot: Slot<'_>) {
        let body = read::without_mark(self.bytes()).trim_ascii();
        if body.is_empty() {
            return self.report_body(String::new(), MISSING);
        }
        let wrong = read::all_from_json(body, slot).err().unwrap_or_default();
        // What is wrong may come before the place where the text breaks off, and end the reading.
        self.is_broken = !wrong.is_empty() && (wrong.iter().any(ReadError::is_syntax) || !read::is_json(body));
        for error in wrong {
            self.report_body(error.place(), error.to_string());
        }
    }

    /// A body of JSON that may be missing, or `null`.
    pub fn optional_json<T: Wire>(&mut self) -> Option<T> {
        match read::without_mark(self.bytes()).trim_ascii() {
            b"" | b"null" => None,
            _ => Some(self.json()),
        }
    }

    /// A body of text.
    pub fn text(&mut self) -> String {
        match std::str::from_utf8(self.bytes()) {
            Ok(text) => text.to_owned(),
            Err(_) => {
                self.report_body(String::new(), "it is not UTF-8");
                String::new()
            }
        }
    }

    /// A body of text that may be missing.
    pub fn optional_text(&mut self) -> Option<String> {
        (!self.bytes().is_empty()).then(|| self.text())
    }

    /// The body as it comes.
    pub fn stream(&mut self) -> Body {
        match &mut self.body {
            Payload::Stream(body) => std::mem::take(body),
            Payload::Whole(bytes) => Body::from(std::mem::take(bytes)),
        }
    }

    /// Looks whether a parameter that has been read, or the body, is within the document's limits. Of what could not be read it says nothing:
    /// enough was said.
    pub fn check(&mut self, at: At, name: &'static str, value: View<'_>, checks: &'static Checks) {
        let Self { wrong, unread, .. } = self;
        if at != At::Body && wrong.iter().any(|detail| detail.target == target(at, name)) {
            return;
        }
        limits::check(value, checks, &mut |path, expected| {
            if at == At::Body && unread.iter().any(|place| is_within(&path, place)) {
                return;
            }
            let message = if path.is_empty() { expected } else { format!("{path}: {expected}") };
            wrong.push(Detail { target: target(at, name), message });
        });
    }

    /// The preconditions.
    pub fn preconditions(&mut self) -> Preconditions {
        let found = self.context.preconditions();
        found.unwrap_or_else(|error| {
            self.report(At::Header, "If-Match or If-None-Match", error.to_string());
            Preconditions::default()
        })
    }

    /// The preconditions, of which some headers have to be there.
    pub fn required_preconditions(&mut self, names: &[&'static str]) -> Preconditions {
        for name in names {
            if !self.context.headers().contains_key(*name) {
                self.report(At::Header, name, MISSING);
            }
        }
        self.preconditions()
    }
}

/// What a detail says that it is about.
fn target(at: At, name: &str) -> String {
    let place = match at {
        At::Path => "path",
        At::Query => "query",
        At::Header => "header",
        At::Form => "form",
        At::Body => "body",
    };
    match name {
        "" => place.to_owned(),
        name => format!("{place} {name}"),
    }
}

/// Whether a path leads to a value or into it.
fn is_within(path: &str, value: &str) -> bool {
    let rest = path.strip_prefix(value);
    rest.is_some_and(|rest| value.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

fn refusal(wrong: Vec<Detail>) -> ServiceError {
    let error = ServiceError::plain(StatusCode::BAD_REQUEST, "The request is not what the operation takes.");
    wrong.into_iter().fold(error, |error, detail| error.with_detail(detail.target, detail.message))
}

fn header_text(value: &HeaderValue) -> Result<Cow<'_, str>, &'static str> {
    std::str::from_utf8(value.as_bytes()).map(Cow::Borrowed).map_err(|_| "it is not UTF-8")
}

fn single<'a>(
    mut values: impl Iterator<Item = Result<Cow<'a, str>, &'static str>>,
) -> Result<Option<Cow<'a, str>>, &'static str> {
    let first = values.next().transpose()?;
    if values.next().is_some() { Err(TWICE) } else { Ok(first) }
}

/// The items of all values; `None` where there is no value.
fn listed<'a>(
    values: impl Iterator<Item = &'a str>,
    format: CollectionFormat,
) -> Result<Option<Vec<String>>, &'static str> {
    let mut all = None;
    for value in values {
        all.get_or_insert_with(Vec::new).extend(extract::items(value, format)?);
    }
    Ok(all)
}

/// The same for headers, which know no escapes, and in which white space around commas says nothing (RFC 9110 §5.6.1).
fn header_items<'a>(
    values: impl Iterator<Item = &'a HeaderValue>,
    format: CollectionFormat,
) -> Result<Option<Vec<String>>, &'static str> {
    let mut all = None;
    for value in values {
        let text = header_text(value)?;
        let items = text.split(format.separator()).map(|item| item.trim().to_owned());
        all.get_or_insert_with(Vec::new).extend(items.filter(|item| !item.is_empty()));
    }
    Ok(all)
}
