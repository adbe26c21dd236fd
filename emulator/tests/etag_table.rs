//! The two tables of preconditions of the overview, every cell: as the service answers, and as the overview has them.

/// What a client sends as `If-Match` and `If-None-Match`; the statuses of PUT where there is nothing and where there is something, and
/// of DELETE where there is nothing and where there is something. The tag of what there is, is `MA==`.
pub(crate) type Row = (Option<&'static str>, Option<&'static str>, [u16; 4]);

pub(crate) const SERVICE: [Row; 9] = [
    (None, None, [200, 409, 404, 204]),
    (Some(""), None, [200, 409, 404, 204]),
    (Some("\"\""), None, [200, 409, 404, 204]),
    (Some("*"), None, [404, 200, 404, 204]),
    (Some("\"*\""), None, [404, 200, 404, 204]),
    (Some("\"MA==\""), None, [404, 200, 404, 204]),
    (Some("MA=="), None, [404, 200, 404, 204]),
    (Some("\"MQ==\""), None, [404, 412, 404, 412]),
    (None, Some("*"), [200, 412, 404, 412]),
];

pub(crate) const DOCUMENTED: [Row; 9] = [
    (None, None, [201, 200, 204, 200]),
    (Some(""), None, [201, 200, 204, 200]),
    (Some("\"\""), None, [201, 200, 204, 200]),
    (Some("*"), None, [412, 200, 204, 200]),
    (Some("\"*\""), None, [412, 200, 204, 200]),
    (Some("\"MA==\""), None, [412, 200, 204, 200]),
    (Some("MA=="), None, [412, 200, 204, 200]),
    (Some("\"MQ==\""), None, [412, 412, 204, 412]),
    (None, Some("*"), [201, 412, 204, 412]),
];

/// The same of hubs, whose tag is written here as that of devices.
#[allow(dead_code, reason = "the tests within the library have another table, of more forms of tags")]
pub(crate) const HUBS_SERVICE: [Row; 9] = [
    (None, None, [201, 201, 204, 202]),
    (Some(""), None, [201, 201, 204, 202]),
    (Some("\"\""), None, [201, 201, 204, 202]),
    (Some("*"), None, [412, 201, 204, 202]),
    (Some("\"*\""), None, [412, 201, 204, 202]),
    (Some("\"MA==\""), None, [412, 201, 204, 202]),
    (Some("MA=="), None, [412, 201, 204, 202]),
    (Some("\"MQ==\""), None, [412, 412, 204, 412]),
    (None, Some("*"), [201, 412, 204, 412]),
];

#[allow(dead_code, reason = "the tests within the library have another table, of more forms of tags")]
pub(crate) const HUBS_DOCUMENTED: [Row; 9] = [
    (None, None, [201, 200, 204, 202]),
    (Some(""), None, [201, 200, 204, 202]),
    (Some("\"\""), None, [201, 200, 204, 202]),
    (Some("*"), None, [412, 200, 204, 202]),
    (Some("\"*\""), None, [412, 200, 204, 202]),
    (Some("\"MA==\""), None, [412, 200, 204, 202]),
    (Some("MA=="), None, [412, 200, 204, 202]),
    (Some("\"MQ==\""), None, [412, 412, 204, 412]),
    (None, Some("*"), [201, 412, 204, 412]),
];
