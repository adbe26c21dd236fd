//! Resume tokens.

use std::fmt::{self, Display};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::machine::Way;
use super::text;
use crate::error::Error;
use crate::operation::Operation;
use crate::url::{Endpoint, encode_segment};

/// What there is to know of an operation under way: JSON in Base64, so that it goes anywhere.
#[derive(Debug, PartialEq)]
pub(super) struct Token {
    pub(super) operation: String,
    pub(super) endpoint: String,
    pub(super) original: String,
    /// `None`: it is done, and the result is at the URL.
    pub(super) way: Option<Way>,
    pub(super) url: String,
    pub(super) location: Option<String>,
}

/// The version of the form.
const VERSION: u64 = 1;

/// More than the longest URLs, three times over.
const MAX_LENGTH: usize = 1 << 18;

impl Way {
    const ALL: [Way; 3] = [Way::Status, Way::Location, Way::Resource];

    fn name(self) -> &'static str {
        match self {
            Way::Status => "status",
            Way::Location => "location",
            Way::Resource => "resource",
        }
    }
}

impl Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = json!({
            "version": VERSION,
            "operation": self.operation,
            "endpoint": self.endpoint,
            "original": self.original,
            "way": self.way.map_or("done", Way::name),
            "url": self.url,
            "location": self.location,
        });
        f.write_str(&URL_SAFE_NO_PAD.encode(json.to_string()))
    }
}

impl FromStr for Token {
    type Err = Error;

    fn from_str(token: &str) -> Result<Token, Error> {
        let none = || Error::build("the resume token is none");
        if token.len() > MAX_LENGTH {
            return Err(none());
        }
        let bytes = URL_SAFE_NO_PAD.decode(token.trim()).map_err(|_| none())?;
        let json: Value = serde_json::from_slice(&bytes).map_err(|_| none())?;
        match json["version"].as_u64() {
            Some(VERSION) => {}
            Some(_) => return Err(Error::build("the resume token is of another version of this library")),
            None => return Err(none()),
        }
        let member = |name: &str| text(&json, &[name]).map(str::to_owned).ok_or_else(none);
        let way = match member("way")?.as_str() {
            "done" => None,
            name => Some(Way::ALL.into_iter().find(|way| way.name() == name).ok_or_else(none)?),
        };
        Ok(Token {
            operation: member("operation")?,
            endpoint: member("endpoint")?,
            original: member("original")?,
            way,
            url: member("url")?,
            location: text(&json, &["location"]).map(str::to_owned),
        })
    }
}

impl Token {
    /// Whether the token is one of this operation at this endpoint, with these arguments in its path.
    pub(super) fn check(
        &self,
        endpoint: &Endpoint,
        operation: &Operation,
        arguments: &[Option<&dyn Display>],
    ) -> Result<(), Error> {
        let refuse = |what: &str| Err(Error::build(format!("the resume token is of another {what}")));
        if self.operation != operation.id() {
            return refuse("operation");
        }
        if self.endpoint != endpoint.to_string() {
            return refuse("endpoint");
        }
        if !self.has_path(endpoint, operation, arguments)? {
            return refuse("subscription, or other parameters of the client");
        }
        // Said again wherever something is sent; here it is said early.
        [Some(&self.original), Some(&self.url), self.location.as_ref()]
            .into_iter()
            .flatten()
            .try_for_each(|url| endpoint.resolve(url).map(drop))
            .map_err(|_| Error::build("the resume token names a URL of another origin, and nothing is sent there"))
    }

    /// Whether the first request's path fills the operation's template, with these arguments where they are known.
    fn has_path(
        &self,
        endpoint: &Endpoint,
        operation: &Operation,
        arguments: &[Option<&dyn Display>],
    ) -> Result<bool, Error> {
        let path = self.original.split('?').next().unwrap_or_default();
        let Some(path) = path.strip_prefix(endpoint.base_path()) else { return Ok(false) };
        let mut rest = path;
        let mut template = operation.path();
        let mut arguments = arguments.iter();
        while let Some((literal, after)) = template.split_once('{') {
            let (hole, after) = after.split_once('}').unwrap_or_default();
            let Some(filled) = rest.strip_prefix(literal) else { return Ok(false) };
            match arguments.next() {
                Some(Some(known)) => {
                    let mut encoded = String::new();
                    encode_segment(&mut encoded, *known)?;
                    let Some(behind) = filled.strip_prefix(&encoded) else { return Ok(false) };
                    rest = behind;
                }
                _ => {
                    let next = after.split('{').next().unwrap_or_default();
                    let end = match (next, hole) {
                        ("", _) => filled.len(),
                        (next, "*") => filled.rfind(next).unwrap_or(0),
                        (next, _) => filled.find(next).unwrap_or(0),
                    };
                    if end == 0 {
                        return Ok(false);
                    }
                    rest = filled.get(end..).unwrap_or_default();
                }
            }
            template = after;
        }
        Ok(rest == template)
    }
}
