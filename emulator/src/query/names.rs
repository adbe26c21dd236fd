//! Names with a meaning of their own.

use super::row::Step;

/// What a twin and a job have at the top, whatever the device. `SELECT DeviceId, LastActivityTime` is documented to
/// answer `deviceId` and `lastActivityTime`: case does not matter here, and is put right.
const SHARED: [&str; 29] = [
    "authenticationType",
    "capabilities",
    "cloudToDeviceMessageCount",
    "connectionState",
    "connectionStateUpdatedTime",
    "createdDateTimeUtc",
    "createdTimeUtc",
    "deviceEtag",
    "deviceId",
    "deviceScope",
    "endTimeUtc",
    "error",
    "etag",
    "jobId",
    "jobType",
    "lastActivityTime",
    "lastUpdatedDateTimeUtc",
    "modelId",
    "moduleId",
    "outcome",
    "parentScopes",
    "properties",
    "startTimeUtc",
    "status",
    "statusReason",
    "statusUpdateTime",
    "tags",
    "version",
    "x509Thumbprint",
];

/// Writes the names that all rows share as rows write them. Names below `tags`, `desired` and `reported` are the user's,
/// and differ by case.
pub(crate) fn canonical(steps: &mut [Step]) {
    let mut steps = steps.iter_mut();
    let Some(Step::Name(first)) = steps.next() else { return };
    rename(first, &SHARED);
    if &**first == "properties"
        && let Some(Step::Name(second)) = steps.next()
    {
        rename(second, &["desired", "reported"]);
    }
}

fn rename(name: &mut Box<str>, known: &[&str]) {
    if let Some(known) = known.iter().find(|known| known.eq_ignore_ascii_case(name)) {
        *name = (*known).into();
    }
}

/// Words that cannot stand where an expression or a column begins, unless in double brackets.
const RESERVED: [&str; 15] = [
    "AND",
    "AS",
    "BY",
    "FALSE",
    "FROM",
    "GROUP",
    "IN",
    "NIN",
    "NOT",
    "NULL",
    "OR",
    "SELECT",
    "TRUE",
    "UNDEFINED",
    "WHERE",
];

/// Whether a path cannot begin with it.
pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// Whether a path cannot even go on with it. Only of this one it is documented.
pub(crate) fn is_special(word: &str) -> bool {
    word.eq_ignore_ascii_case("GROUP")
}

/// Whether a name may begin with it.
pub(crate) fn begins_name(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '_' | '$')
}

/// Whether a name may go on with it.
pub(crate) fn is_in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

/// Whether it needs no brackets.
pub(crate) fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(begins_name) && text.chars().all(is_in_name)
}
