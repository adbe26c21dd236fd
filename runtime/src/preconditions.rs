//! Conditions under which a request is to be carried out, as a server sees them (RFC 9110 §13), and how a client writes only what
//! it has read.

use std::future::IntoFuture;

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName};

use crate::error::{Error, ParseError};
use crate::etag::ETag;
use crate::response::Response;
use crate::time::Rfc1123;

/// The preconditions of a request (RFC 9110 §13.1).
///
/// An empty list of tags, like an empty header or `""`, is no condition: clients of IoT Hub send one for "any".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preconditions {
    /// `If-Match`: one of these tags, or `*`.
    pub if_match: Vec<ETag>,
    /// `If-None-Match`: none of these tags, or, with `*`, nothing at all.
    pub if_none_match: Vec<ETag>,
    /// `If-Modified-Since`: changed after this time. It counts for reading only.
    pub if_modified_since: Option<Rfc1123>,
    /// `If-Unmodified-Since`: not changed after this time.
    pub if_unmodified_since: Option<Rfc1123>,
}

/// What a request does if its preconditions hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// GET and HEAD.
    Read,
    /// PUT, PATCH: makes what is not there, and replaces what is.
    Write,
    /// DELETE.
    Delete,
}

/// What is to be done with a request. The status that a service has for it is a matter of its own: a
/// [`StatusTable`] says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// There is nothing yet: it is to be made.
    Create,
    /// It is to be changed.
    Replace,
    /// It is to be deleted.
    Delete,
    /// It is to be answered.
    Read,
    /// There is nothing to read or to delete.
    Missing,
    /// A precondition does not hold.
    Refused,
    /// The caller has it as it is.
    NotModified,
}

/// The status of each [`Outcome`].
///
/// A service that answers otherwise than the tables here has one of its own:
///
/// ```
/// use specsmith_runtime::StatusTable;
///
/// /// Azure's resource provider of IoT Hub takes its time to make, to change and to delete.
/// const PROVIDER: StatusTable = StatusTable { replace: 201, delete: 202, ..StatusTable::DOCUMENTED };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusTable {
    /// Of [`Outcome::Create`].
    pub create: u16,
    /// Of [`Outcome::Replace`].
    pub replace: u16,
    /// Of [`Outcome::Delete`].
    pub delete: u16,
    /// Of [`Outcome::Read`].
    pub read: u16,
    /// Of [`Outcome::Missing`] where something was to be read.
    pub missing: u16,
    /// Of [`Outcome::Missing`] where something was to be deleted.
    pub deleted_before: u16,
    /// Of [`Outcome::Refused`].
    pub refused: u16,
    /// Of [`Outcome::NotModified`].
    pub not_modified: u16,
}

impl StatusTable {
    /// What the overview of IoT Hub's REST interface documents.
    pub const DOCUMENTED: StatusTable = StatusTable {
        create: 201,
        replace: 200,
        delete: 200,
        read: 200,
        missing: 404,
        deleted_before: 204,
        refused: 412,
        not_modified: 304,
    };

    /// What IoT Hub answers in fact, where it differs from what is [documented](StatusTable::DOCUMENTED): 200 for what it makes, 204 for
    /// what it deletes, and 404 for what it was to delete and is not there.
    ///
    /// Its registry of devices also refuses to write over a device without a condition (409): see [`Preconditions::is_empty`].
    pub const IOT_HUB: StatusTable =
        StatusTable { create: 200, delete: 204, deleted_before: 404, ..StatusTable::DOCUMENTED };

    /// The status of an outcome.
    pub fn status(&self, intent: Intent, outcome: Outcome) -> u16 {
        match (outcome, intent) {
            (Outcome::Create, _) => self.create,
            (Outcome::Replace, _) => self.replace,
            (Outcome::Delete, _) => self.delete,
            (Outcome::Read, _) => self.read,
            (Outcome::Missing, Intent::Delete) => self.deleted_before,
            (Outcome::Missing, _) => self.missing,
            (Outcome::Refused, _) => self.refused,
            (Outcome::NotModified, _) => self.not_modified,
        }
    }
}

/// A version of what is there: its tag and when it was last changed, where they are known.
#[derive(Clone, Copy, Debug)]
pub struct Current<'a> {
    /// The tag.
    pub etag: Option<&'a ETag>,
    /// The time of the last change.
    pub modified: Option<Rfc1123>,
}

impl Preconditions {
    /// Those of a request. A time that is none is no condition (RFC 9110 §13.1.3).
    ///
    /// # Errors
    ///
    /// Where a tag is none: to take it for no condition would let a change through that was not to be made.
    pub fn from_headers(headers: &HeaderMap) -> Result<Preconditions, ParseError> {
        let time = |name: HeaderName| headers.get(name)?.to_str().ok()?.trim().parse().ok();
        Ok(Preconditions {
            if_match: tags(headers, IF_MATCH)?,
            if_none_match: tags(headers, IF_NONE_MATCH)?,
            if_modified_since: time(IF_MODIFIED_SINCE),
            if_unmodified_since: time(IF_UNMODIFIED_SINCE),
        })
    }

    /// Whether there is no condition at all.
    ///
    /// ```
    /// use specsmith_runtime::{ETag, Preconditions};
    ///
    /// let mut preconditions = Preconditions::default();
    /// assert!(preconditions.is_empty());
    /// preconditions.if_match.push(ETag::ANY);
    /// assert!(!preconditions.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        *self == Preconditions::default()
    }

    /// What is to be done, in the order of RFC 9110 §13.2.2. `current` is `None` where there is nothing.
    ///
    /// A tag is compared in the strong way by `If-Match`, and in the weak way by `If-None-Match`. Whether the caller put it in quotes
    /// makes no difference. To delete what is not there is [`Outcome::Missing`] whatever the conditions.
    pub fn evaluate(&self, intent: Intent, current: Option<Current<'_>>) -> Outcome {
        let Some(current) = current else {
            let refused = !self.if_match.is_empty();
            return match intent {
                Intent::Write if refused => Outcome::Refused,
                Intent::Write => Outcome::Create,
                Intent::Read | Intent::Delete => Outcome::Missing,
            };
        };
        let has = |tags: &[ETag], same: fn(&ETag, &ETag) -> bool| {
            tags.iter().any(|tag| tag.is_any() || current.etag.is_some_and(|own| same(tag, own)))
        };
        let later = |time: Rfc1123| current.modified.is_some_and(|modified| modified > time);
        let refused = match self.if_match.is_empty() {
            false => !has(&self.if_match, ETag::strong_eq),
            true => self.if_unmodified_since.is_some_and(later),
        };
        if refused {
            return Outcome::Refused;
        }
        let known = match self.if_none_match.is_empty() {
            false => has(&self.if_none_match, ETag::weak_eq),
            true => {
                intent == Intent::Read
                    && self.if_modified_since.is_some_and(|time| current.modified.is_some() && !later(time))
            }
        };
        match (known, intent) {
            (true, Intent::Read) => Outcome::NotModified,
            (true, _) => Outcome::Refused,
            (false, Intent::Read) => Outcome::Read,
            (false, Intent::Write) => Outcome::Replace,
            (false, Intent::Delete) => Outcome::Delete,
        }
    }
}

/// The tags of a header, which may be there several times and have several each (RFC 9110 §5.3).
fn tags(headers: &HeaderMap, name: HeaderName) -> Result<Vec<ETag>, ParseError> {
    let mut tags = Vec::new();
    for value in headers.get_all(name) {
        let mut rest = value.to_str().map_err(|_| ParseError::new("visible ASCII characters"))?.trim();
        while !rest.is_empty() {
            // A comma may stand inside quotes.
            let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"');
            let end = match quoted.and_then(|inside| inside.find('"').map(|end| rest.len() - inside.len() + end + 1)) {
                Some(end) => end,
                None => rest.find(',').unwrap_or(rest.len()),
            };
            let (tag, behind) = rest.split_at(end);
            if !matches!(tag.trim(), "" | "\"\"") {
                tags.push(tag.trim().parse()?);
            }
            rest = match behind.trim_start() {
                "" => "",
                behind => behind
                    .strip_prefix(',')
                    .ok_or(ParseError::new("entity tags with commas between them"))?
                    .trim_start(),
            };
        }
    }
    Ok(tags)
}

/// Reads, changes and writes, and does so anew where somebody else's change came between: as often as `tries` says.
///
/// `write` gets what was read, and gives the call that writes it; it is that call which must carry the tag of what was read. An answer
/// without a tag is then an error, and never a write without a condition.
///
/// ```
/// use specsmith_runtime::{Call, Condition, Error, Response, update};
/// # struct Put;
/// # impl Put { fn if_match(self, _: impl Into<Condition>) -> Call<String> { unimplemented!() } }
/// # fn get(_: &str) -> Call<String> { unimplemented!() }
/// # fn put(_: &str, _: &str) -> Put { unimplemented!() }
///
/// async fn disable(id: &str) -> Result<Response<String>, Error> {
///     update(5, || get(id), |device| {
///         let changed = device.body().replace("enabled", "disabled");
///         put(id, &changed).if_match(device.etag())
///     })
///     .await
/// }
/// ```
///
/// # Errors
///
/// Those of reading and of writing; a refusal ([`Error::is_precondition_failed`]) only after the last try.
pub async fn update<T, U, R, W>(
    tries: u32,
    mut read: impl FnMut() -> R,
    mut write: impl FnMut(Response<T>) -> W,
) -> Result<U, Error>
where
    R: IntoFuture<Output = Result<Response<T>, Error>>,
    W: IntoFuture<Output = Result<U, Error>>,
{
    let mut left = tries;
    loop {
        left = left.saturating_sub(1);
        let current = read().into_future().await?;
        match write(current).into_future().await {
            Err(error) if error.is_precondition_failed() && left > 0 => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use bytes::Bytes;
    use http::StatusCode;
    use proptest::prelude::*;

    use super::*;
    use crate::{ErrorFormat, ErrorKind};

    fn conditions(headers: &[(&'static str, &str)]) -> Preconditions {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        Preconditions::from_headers(&headers.collect()).unwrap()
    }

    fn status(table: &StatusTable, headers: &[(&'static str, &str)], intent: Intent, current: Option<&str>) -> u16 {
        let tag: Option<ETag> = current.map(|tag| tag.parse().unwrap());
        let current = tag.as_ref().map(|tag| Current { etag: Some(tag), modified: None });
        table.status(intent, conditions(headers).evaluate(intent, current))
    }

    /// What happens, by what is asked for: a row's headers, then PUT of what is not there and of what is, DELETE of the same.
    type Row = (&'static [(&'static str, &'static str)], [u16; 4]);

    fn check(table: &StatusTable, rows: &[Row]) {
        let own = "\"xyz\"";
        let columns =
            [(Intent::Write, None), (Intent::Write, Some(own)), (Intent::Delete, None), (Intent::Delete, Some(own))];
        for (headers, expected) in rows {
            let found = columns.map(|(intent, current)| status(table, headers, intent, current));
            assert_eq!(found, *expected, "{headers:?}");
        }
    }

    /// Both tables of the overview of IoT Hub's REST interface, cell by cell. `If-None-Match` with DELETE is HTTP's.
    #[test]
    fn the_tables_of_the_overview() {
        check(
            &StatusTable::DOCUMENTED,
            &[
                (&[], [201, 200, 204, 200]),
                (&[("if-match", "")], [201, 200, 204, 200]),
                (&[("if-match", "\"\"")], [201, 200, 204, 200]),
                (&[("if-match", "*")], [412, 200, 204, 200]),
                (&[("if-match", "\"*\"")], [412, 200, 204, 200]),
                (&[("if-match", "\"xyz\"")], [412, 200, 204, 200]),
                (&[("if-match", "xyz")], [412, 200, 204, 200]),
                (&[("if-match", "\"abc\"")], [412, 412, 204, 412]),
                (&[("if-none-match", "*")], [201, 412, 204, 412]),
            ],
        );
    }

    #[test]
    fn what_iot_hub_answers() {
        check(
            &StatusTable::IOT_HUB,
            &[
                (&[], [200, 200, 404, 204]),
                (&[("if-match", "")], [200, 200, 404, 204]),
                (&[("if-match", "\"\"")], [200, 200, 404, 204]),
                (&[("if-match", "*")], [412, 200, 404, 204]),
                (&[("if-match", "\"*\"")], [412, 200, 404, 204]),
                (&[("if-match", "\"xyz\"")], [412, 200, 404, 204]),
                (&[("if-match", "xyz")], [412, 200, 404, 204]),
                (&[("if-match", "\"abc\"")], [412, 412, 404, 412]),
                (&[("if-none-match", "*")], [200, 412, 404, 412]),
            ],
        );
    }

    #[test]
    fn every_cell_of_both_tables() {
        for (outcome, intent, documented, in_fact) in [
            (Outcome::Create, Intent::Write, 201, 200),
            (Outcome::Replace, Intent::Write, 200, 200),
            (Outcome::Delete, Intent::Delete, 200, 204),
            (Outcome::Read, Intent::Read, 200, 200),
            (Outcome::Missing, Intent::Read, 404, 404),
            (Outcome::Missing, Intent::Delete, 204, 404),
            (Outcome::Refused, Intent::Read, 412, 412),
            (Outcome::Refused, Intent::Write, 412, 412),
            (Outcome::Refused, Intent::Delete, 412, 412),
            (Outcome::NotModified, Intent::Read, 304, 304),
        ] {
            let tables = [StatusTable::DOCUMENTED, StatusTable::IOT_HUB];
            assert_eq!(
                tables.map(|table| table.status(intent, outcome)),
                [documented, in_fact],
                "{outcome:?} {intent:?}"
            );
        }
    }

    #[test]
    fn reading_as_http_has_it() {
        let read =
            |headers: &[(&'static str, &str)]| status(&StatusTable::DOCUMENTED, headers, Intent::Read, Some("\"xyz\""));
        assert_eq!(read(&[("if-none-match", "\"xyz\"")]), 304);
        assert_eq!(read(&[("if-none-match", "W/\"xyz\"")]), 304, "weak comparison");
        assert_eq!(read(&[("if-none-match", "\"a,b\", \"xyz\"")]), 304);
        assert_eq!(read(&[("if-none-match", "\"abc\"")]), 200);
        assert_eq!(read(&[("if-match", "W/\"xyz\"")]), 412, "strong comparison");
        assert_eq!(status(&StatusTable::DOCUMENTED, &[], Intent::Read, None), 404);
    }

    #[test]
    fn times() {
        let time = |text: &str| text.parse::<Rfc1123>().unwrap();
        let (before, at, after) =
            ("Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT");
        let evaluate = |header: (&'static str, &str), intent| {
            let current = Current { etag: None, modified: Some(time(at)) };
            conditions(&[header]).evaluate(intent, Some(current))
        };
        assert_eq!(evaluate(("if-modified-since", before), Intent::Read), Outcome::Read);
        assert_eq!(evaluate(("if-modified-since", at), Intent::Read), Outcome::NotModified);
        assert_eq!(evaluate(("if-modified-since", after), Intent::Write), Outcome::Replace, "for reading only");
        assert_eq!(evaluate(("if-unmodified-since", before), Intent::Write), Outcome::Refused);
        assert_eq!(evaluate(("if-unmodified-since", at), Intent::Delete), Outcome::Delete);
        assert_eq!(evaluate(("if-unmodified-since", "yesterday"), Intent::Delete), Outcome::Delete);
    }

    #[test]
    fn a_tag_that_is_none_is_an_error_and_not_no_condition() {
        for text in ["\"", "\"a", "a b", "\"a\" \"b\"", "\"a\"b", "W/\"a"] {
            let headers = HeaderMap::from_iter([(IF_MATCH, text.parse().unwrap())]);
            assert!(Preconditions::from_headers(&headers).is_err(), "{text}");
        }
    }

    fn refused(etag: &str) -> Error {
        let headers = HeaderMap::from_iter([(http::header::ETAG, etag.parse().unwrap())]);
        Error::service(ErrorFormat::Plain, StatusCode::PRECONDITION_FAILED, headers, Bytes::new())
    }

    fn read(number: u32) -> Result<Response<u32>, Error> {
        Ok(Response::new(StatusCode::OK, HeaderMap::new(), number))
    }

    #[tokio::test]
    async fn what_was_changed_meanwhile_is_read_anew() {
        let reads = Cell::new(0);
        let next = || {
            reads.set(reads.get() + 1);
            std::future::ready(read(reads.get()))
        };
        let write = |seen: Response<u32>| std::future::ready(if *seen < 3 { Err(refused("\"2\"")) } else { Ok(*seen) });
        assert_eq!(update(5, next, write).await.unwrap(), 3);
        // Not for ever.
        reads.set(0);
        let error = update(2, next, write).await.unwrap_err();
        assert_eq!((reads.get(), error.etag().unwrap().as_str()), (2, "\"2\""));
        // Another error is no reason.
        reads.set(0);
        let other = |_| std::future::ready(Err::<(), _>(Error::build("no")));
        assert_eq!(update(5, next, other).await.unwrap_err().kind(), ErrorKind::Build);
        assert_eq!(reads.get(), 1);
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(text in "[ -~\t]{0,30}|([\"W/, *a]){0,12}") {
            let headers = HeaderMap::from_iter([(IF_MATCH, text.parse().unwrap())]);
            if let Ok(conditions) = Preconditions::from_headers(&headers) {
                // What is no tag is never taken for none.
                let blank = text.replace("\"\"", "").chars().all(|character| matches!(character, ' ' | '\t' | ','));
                prop_assert_eq!(conditions.if_match.is_empty(), blank, "{}", text);
            }
        }
    }
}
