//! Several events in one request.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use iothub::runtime::server::ServiceError;
use serde::Deserialize;
use serde_json::Value;

use crate::errors;

/// The media type of a batch.
const MEDIA_TYPE: &str = "application/vnd.microsoft.iothub.json";

/// What properties of the application begin with.
const PREFIX: &str = "iothub-app-";

/// What belongs to an event and has a name of its own in headers.
const SYSTEM: [(&str, &str); 5] = [
    ("iothub-messageid", "message-id"),
    ("iothub-correlationid", "correlation-id"),
    ("iothub-userid", "user-id"),
    ("iothub-contenttype", "content-type"),
    ("iothub-contentencoding", "content-encoding"),
];

/// An event, as far as its sender tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) body: Bytes,
    pub(super) properties: BTreeMap<String, String>,
    pub(super) system: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    body: String,
    /// Some clients send texts as they are, and say so.
    #[serde(default = "yes")]
    base64_encoded: bool,
    #[serde(default)]
    properties: BTreeMap<String, Value>,
}

fn yes() -> bool {
    true
}

/// Whether a media type is that of a batch.
pub(super) fn is_batch(content_type: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(MEDIA_TYPE)
}

/// The events of a batch.
///
/// # Errors
///
/// 400 where it is none: all of it counts, or nothing.
pub(super) fn read(body: &[u8]) -> Result<Vec<Part>, ServiceError> {
    let items: Vec<Item> =
        serde_json::from_slice(body).map_err(|error| errors::invalid(format!("The batch cannot be read: {error}.")))?;
    items.into_iter().enumerate().map(|(at, item)| part(at, item)).collect()
}

fn part(at: usize, item: Item) -> Result<Part, ServiceError> {
    let body = match item.base64_encoded {
        true => STANDARD
            .decode(&item.body)
            .map_err(|_| errors::invalid(format!("The body of the event {at} is not in Base64.")))?,
        false => item.body.into_bytes(),
    };
    let (mut properties, mut system) = (BTreeMap::new(), BTreeMap::new());
    for (name, value) in item.properties {
        let value = match value {
            Value::String(text) => text,
            Value::Null => continue,
            value => value.to_string(),
        };
        let lower = name.to_ascii_lowercase();
        match SYSTEM.iter().find(|(header, _)| *header == lower) {
            Some((_, own)) => _ = system.insert((*own).to_owned(), value),
            // The prefix is ASCII, and so long in either case.
            None if lower.starts_with(PREFIX) => _ = properties.insert(name.split_at(PREFIX.len()).1.to_owned(), value),
            None => _ = properties.insert(name, value),
        }
    }
    Ok(Part { body: body.into(), properties, system })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn batches_are_taken_apart() {
        let batch = json!([
            { "body": "b25l" },
            { "body": "", "properties": { "iothub-app-Level": "high", "IOTHUB-APP-n": 1, "IoTHub-MessageId": "m" } },
            { "body": "{\"a\":1}", "base64Encoded": false, "properties": { "other": "x", "none": null } },
        ]);
        let parts = read(batch.to_string().as_bytes()).unwrap();
        let expected = [
            ("one", map(&[]), map(&[])),
            ("", map(&[("Level", "high"), ("n", "1")]), map(&[("message-id", "m")])),
            ("{\"a\":1}", map(&[("other", "x")]), map(&[])),
        ];
        let expected = expected.map(|(body, properties, system)| Part { body: body.into(), properties, system });
        assert_eq!(parts, expected);
        assert!(read(b"[]").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_batch() {
        for body in ["", "{}", "[1]", "[{}]", r#"[{"body":"b25l"},{"body":"*"}]"#, r#"[{"body":1}]"#] {
            assert_eq!(read(body.as_bytes()).unwrap_err().status().as_u16(), 400, "{body}");
        }
        assert!(is_batch("Application/vnd.microsoft.iothub.json; charset=utf-8"));
        assert!(!is_batch("application/json") && !is_batch(""));
    }
}
