//! The two ways in which the emulator answers: as the service does, and as its documentation says it does. All that is different
//! between them is in this file.

use http::StatusCode;
use iothub::runtime::server::Preconditions;
use iothub::runtime::{Current, ETag, Intent, Outcome, StatusTable};

/// A way of answering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// As the service does, as far as that is known. Its clients accept nothing else.
    #[default]
    Service,
    /// To the letter of the tables in the overview of the interface.
    Documented,
}

/// What is written and deleted under preconditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Identities of devices.
    Device,
    /// Hubs, as the resource provider has them.
    Hub,
}

/// How one kind of thing is answered.
struct Answers {
    /// The statuses.
    table: StatusTable,
    /// Whether a PUT without `If-Match` replaces what there is.
    overwrites: bool,
    /// Whether a PUT with `If-Match` of what there is not is told that (404), not that the condition does not hold (412).
    tells_missing: bool,
}

/// The table of differences.
fn answers(profile: Profile, kind: Kind) -> Answers {
    let documented = StatusTable::DOCUMENTED;
    match (profile, kind) {
        (Profile::Service, Kind::Device) => {
            Answers { table: StatusTable::IOT_HUB, overwrites: false, tells_missing: true }
        }
        (Profile::Documented, Kind::Device) => Answers { table: documented, overwrites: true, tells_missing: false },
        // Both make and delete hubs asynchronously; the service also changes them so.
        (Profile::Service, Kind::Hub) => {
            let table = StatusTable { replace: 201, delete: 202, ..documented };
            Answers { table, overwrites: true, tells_missing: false }
        }
        (Profile::Documented, Kind::Hub) => {
            Answers { table: StatusTable { delete: 202, ..documented }, overwrites: true, tells_missing: false }
        }
    }
}

/// Why something is not to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objection {
    /// It is there already.
    Exists,
    /// It is not there.
    Missing,
    /// A precondition does not hold.
    Refused,
}

impl Profile {
    /// What is to be done with a request, and the status to answer it with. `current` is the tag of what there is, if there is anything.
    ///
    /// # Errors
    ///
    /// Why nothing is to be done.
    pub(crate) fn decide(
        self,
        kind: Kind,
        intent: Intent,
        preconditions: &Preconditions,
        current: Option<&str>,
    ) -> Result<(Outcome, StatusCode), Objection> {
        let answers = answers(self, kind);
        let outcome = evaluate(intent, preconditions, current);
        match outcome {
            Outcome::Refused if current.is_none() && answers.tells_missing => Err(Objection::Missing),
            Outcome::Refused => Err(Objection::Refused),
            Outcome::Replace if !answers.overwrites && preconditions.if_match.is_empty() => Err(Objection::Exists),
            outcome => match StatusCode::from_u16(answers.table.status(intent, outcome)) {
                Ok(status) if status.as_u16() < 400 => Ok((outcome, status)),
                _ => Err(Objection::Missing),
            },
        }
    }

    /// What the URL of the result of a deleted hub's operation answers in the end.
    pub(crate) fn result_of_delete(self) -> StatusCode {
        match self {
            Profile::Service => StatusCode::NO_CONTENT,
            // As if it had been deleted at once.
            Profile::Documented => StatusCode::OK,
        }
    }
}

/// Whether what there is may be changed; which is the same in both profiles.
pub(crate) fn allows(preconditions: &Preconditions, current: &str) -> bool {
    evaluate(Intent::Write, preconditions, Some(current)) == Outcome::Replace
}

/// Whether a tag that somebody gives in a body, in whatever form, is this one or stands for any. What is no tag is neither.
pub(crate) fn is_same_tag(given: &str, own: &str) -> bool {
    let given = given.parse().map(|given: ETag| strong(&given));
    given.is_ok_and(|given| given.is_any() || given.opaque() == own)
}

fn evaluate(intent: Intent, preconditions: &Preconditions, current: Option<&str>) -> Outcome {
    let mut preconditions = preconditions.clone();
    preconditions.if_match = preconditions.if_match.iter().map(strong).collect();
    let tag: Option<ETag> = current.and_then(|tag| tag.parse().ok());
    preconditions.evaluate(intent, current.map(|_| Current { etag: tag.as_ref(), modified: None }))
}

/// The tag without `W/`, which the service does not care for where HTTP would (RFC 9110 §13.1.1).
fn strong(tag: &ETag) -> ETag {
    match tag.is_weak() {
        // A weak `*` is a tag like any other.
        true if tag.opaque() != "*" => tag.opaque().parse().unwrap_or_else(|_| tag.clone()),
        _ => tag.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "MA==";

    fn preconditions(if_match: Option<&str>, if_none_match: Option<&str>) -> Preconditions {
        let headers = [("if-match", if_match), ("if-none-match", if_none_match)];
        let headers =
            headers.iter().filter_map(|(name, value)| Some((name.parse().unwrap(), (*value)?.parse().unwrap())));
        Preconditions::from_headers(&headers.collect()).unwrap()
    }

    fn ask(profile: Profile, kind: Kind, intent: Intent, conditions: [Option<&str>; 2], is_there: bool) -> u16 {
        let preconditions = preconditions(conditions[0], conditions[1]);
        match profile.decide(kind, intent, &preconditions, is_there.then_some(OWN)) {
            Ok((_, status)) => status.as_u16(),
            Err(Objection::Exists) => 409,
            Err(Objection::Missing) => 404,
            Err(Objection::Refused) => 412,
        }
    }

    /// All cells of both tables: `If-Match`, `If-None-Match`; PUT of what there is not and of what there is, DELETE of the same.
    #[test]
    fn every_cell() {
        type Row = ([Option<&'static str>; 2], [u16; 4], [u16; 4], [u16; 4], [u16; 4]);
        let rows: [Row; 11] = [
            // Devices: service, documented. Hubs: service, documented.
            ([None, None], [200, 409, 404, 204], [201, 200, 204, 200], [201, 201, 204, 202], [201, 200, 204, 202]),
            ([Some(""), None], [200, 409, 404, 204], [201, 200, 204, 200], [201, 201, 204, 202], [201, 200, 204, 202]),
            (
                [Some("\"\""), None],
                [200, 409, 404, 204],
                [201, 200, 204, 200],
                [201, 201, 204, 202],
                [201, 200, 204, 202],
            ),
            ([Some("*"), None], [404, 200, 404, 204], [412, 200, 204, 200], [412, 201, 204, 202], [412, 200, 204, 202]),
            (
                [Some("\"*\""), None],
                [404, 200, 404, 204],
                [412, 200, 204, 200],
                [412, 201, 204, 202],
                [412, 200, 204, 202],
            ),
            (
                [Some("\"MA==\""), None],
                [404, 200, 404, 204],
                [412, 200, 204, 200],
                [412, 201, 204, 202],
                [412, 200, 204, 202],
            ),
            (
                [Some("MA=="), None],
                [404, 200, 404, 204],
                [412, 200, 204, 200],
                [412, 201, 204, 202],
                [412, 200, 204, 202],
            ),
            (
                [Some("W/\"MA==\""), None],
                [404, 200, 404, 204],
                [412, 200, 204, 200],
                [412, 201, 204, 202],
                [412, 200, 204, 202],
            ),
            (
                [Some("\"abc\""), None],
                [404, 412, 404, 412],
                [412, 412, 204, 412],
                [412, 412, 204, 412],
                [412, 412, 204, 412],
            ),
            ([None, Some("*")], [200, 412, 404, 412], [201, 412, 204, 412], [201, 412, 204, 412], [201, 412, 204, 412]),
            (
                [None, Some("\"abc\"")],
                [200, 409, 404, 204],
                [201, 200, 204, 200],
                [201, 201, 204, 202],
                [201, 200, 204, 202],
            ),
        ];
        for (conditions, one, two, three, four) in rows {
            let columns = [(Kind::Device, one, two), (Kind::Hub, three, four)];
            for (kind, service, documented) in columns {
                for (profile, expected) in [(Profile::Service, service), (Profile::Documented, documented)] {
                    let found = [
                        (Intent::Write, false),
                        (Intent::Write, true),
                        (Intent::Delete, false),
                        (Intent::Delete, true),
                    ]
                    .map(|(intent, is_there)| ask(profile, kind, intent, conditions, is_there));
                    assert_eq!(found, expected, "{profile:?} {kind:?} {conditions:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_changed_in_place() {
        for (if_match, allowed) in [
            (None, true),
            (Some("*"), true),
            (Some("MA=="), true),
            (Some("\"MA==\""), true),
            (Some("W/\"MA==\""), true),
            (Some("\"a\", \"MA==\""), true),
            (Some("MQ=="), false),
            (Some("W/\"*\""), false),
        ] {
            assert_eq!(allows(&preconditions(if_match, None), OWN), allowed, "{if_match:?}");
        }
        assert!(!allows(&preconditions(None, Some("*")), OWN));
    }
}
