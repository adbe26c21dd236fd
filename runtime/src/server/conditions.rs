//! Preconditions in one line of a handler.

use http::StatusCode;

use super::error::ServiceError;
use crate::preconditions::{Current, Intent, Outcome, Preconditions, StatusTable};

impl Preconditions {
    /// What is to be done with a request, and the status to answer it with; a refusal, and what there is not, are errors.
    /// `current` is `None` where there is nothing.
    ///
    /// What the service answers for each outcome is in `table`: for instance, whether deleting what is not there is an error (404) or
    /// not (204).
    ///
    /// ```
    /// use http::StatusCode;
    /// use specsmith_runtime::server::ServiceError;
    /// use specsmith_runtime::{Current, ETag, Intent, Preconditions, StatusTable};
    ///
    /// fn may_delete(preconditions: &Preconditions, etag: &ETag) -> Result<StatusCode, ServiceError> {
    ///     let current = Current { etag: Some(etag), modified: None };
    ///     let (_, status) = preconditions.check(Intent::Delete, Some(current), &StatusTable::IOT_HUB)?;
    ///     Ok(status)
    /// }
    ///
    /// let mut preconditions = Preconditions::default();
    /// preconditions.if_match.push("\"MA==\"".parse()?);
    /// assert_eq!(may_delete(&preconditions, &"MA==".parse()?).unwrap(), StatusCode::NO_CONTENT);
    /// assert_eq!(may_delete(&preconditions, &"MQ==".parse()?).unwrap_err().status(), 412);
    /// # Ok::<(), specsmith_runtime::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where the table has a status of 400 or more, which is an error of this status: 412 (`PreconditionFailed`) and 404 in the tables
    /// here. Clients may want to be told what it is that there is not (`DeviceNotFound`): who answers them looks for it before.
    pub fn check(
        &self,
        intent: Intent,
        current: Option<Current<'_>>,
        table: &StatusTable,
    ) -> Result<(Outcome, StatusCode), ServiceError> {
        let outcome = self.evaluate(intent, current);
        let status = StatusCode::from_u16(table.status(intent, outcome)).map_err(|error| {
            ServiceError::plain(StatusCode::INTERNAL_SERVER_ERROR, "The server's table of statuses is wrong.")
                .with_source(error)
        })?;
        if status.as_u16() < 400 {
            return Ok((outcome, status));
        }
        Err(match outcome {
            Outcome::Refused => ServiceError::new(
                status,
                "PreconditionFailed",
                "A precondition of the request does not hold: the resource is not in the state that it names.",
            ),
            Outcome::Missing => ServiceError::plain(status, "There is no such resource."),
            _ => ServiceError::plain(status, "The resource cannot be used in this way."),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etag::ETag;

    const HERE: bool = true;

    #[test]
    fn errors_are_errors_and_the_rest_is_not() {
        use Intent::{Delete, Read, Write};
        use Outcome::{Create, Missing, NotModified, Replace};
        let own: ETag = "\"xyz\"".parse().unwrap();
        let both = [StatusTable::DOCUMENTED, StatusTable::IOT_HUB];
        for (if_match, if_none_match, intent, is_there, expected) in [
            (None, None, Write, !HERE, [Ok((Create, 201)), Ok((Create, 200))]),
            (None, None, Write, HERE, [Ok((Replace, 200)), Ok((Replace, 200))]),
            (Some("*"), None, Write, !HERE, [Err(412), Err(412)]),
            (Some("*"), None, Write, HERE, [Ok((Replace, 200)), Ok((Replace, 200))]),
            (Some("abc"), None, Write, HERE, [Err(412), Err(412)]),
            (None, Some("*"), Write, HERE, [Err(412), Err(412)]),
            (None, None, Delete, !HERE, [Ok((Missing, 204)), Err(404)]),
            (Some("*"), None, Delete, !HERE, [Ok((Missing, 204)), Err(404)]),
            (Some("xyz"), None, Delete, HERE, [Ok((Outcome::Delete, 200)), Ok((Outcome::Delete, 204))]),
            (Some("abc"), None, Delete, HERE, [Err(412), Err(412)]),
            (None, None, Read, !HERE, [Err(404), Err(404)]),
            (None, None, Read, HERE, [Ok((Outcome::Read, 200)), Ok((Outcome::Read, 200))]),
            (None, Some("xyz"), Read, HERE, [Ok((NotModified, 304)), Ok((NotModified, 304))]),
        ] {
            let tags = |tag: Option<&str>| tag.map(|tag| tag.parse().unwrap()).into_iter().collect();
            let preconditions = Preconditions {
                if_match: tags(if_match),
                if_none_match: tags(if_none_match),
                ..Preconditions::default()
            };
            let current = is_there.then_some(Current { etag: Some(&own), modified: None });
            let found = both.map(|table| match preconditions.check(intent, current, &table) {
                Ok((outcome, status)) => Ok((outcome, status.as_u16())),
                Err(error) => Err(error.status().as_u16()),
            });
            assert_eq!(found, expected, "{if_match:?} {if_none_match:?} {intent:?} {is_there}");
        }
    }

    #[test]
    fn a_refusal_has_the_code_that_clients_know() {
        let preconditions = Preconditions { if_match: vec![ETag::ANY], ..Preconditions::default() };
        let error = preconditions.check(Intent::Write, None, &StatusTable::IOT_HUB).unwrap_err();
        assert_eq!(error.code(), Some("PreconditionFailed"));
    }

    #[test]
    fn tables_of_one_s_own() {
        let none = Preconditions::default();
        let strange = StatusTable { create: 42, missing: 410, ..StatusTable::DOCUMENTED };
        assert_eq!(none.check(Intent::Read, None, &strange).unwrap_err().status(), 410);
        assert_eq!(none.check(Intent::Write, None, &strange).unwrap_err().status(), 500, "no status at all");
    }
}
