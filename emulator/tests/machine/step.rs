//! What may happen to a hub.

use iothub_emulator::Ack;
use serde_json::Value;

use super::tree::Object;

/// The ids of devices; the last one is none.
pub(crate) const IDS: [&str; 5] = ["d1", "D1", "d2", "a%2f:+'#;$", "no id"];

/// What happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Put {
        id: &'static str,
        condition: Condition,
        identity: Identity,
    },
    Get {
        id: &'static str,
    },
    Delete {
        id: &'static str,
        condition: Condition,
    },
    List {
        top: i32,
    },
    Bulk(Vec<Item>),
    GetTwin {
        id: &'static str,
    },
    Patch {
        id: &'static str,
        condition: Condition,
        parts: Parts,
    },
    Replace {
        id: &'static str,
        condition: Condition,
        parts: Parts,
    },
    Query {
        search: Search,
        page: i32,
    },
    Listen {
        id: &'static str,
        method: &'static str,
    },
    Forget {
        id: &'static str,
        method: &'static str,
    },
    Call {
        id: &'static str,
        method: &'static str,
    },
    /// The back end sends a message, which lives so many seconds if it says so.
    Send {
        id: &'static str,
        body: &'static str,
        lives: Option<u64>,
        message: Option<&'static str>,
        ack: Ack,
    },
    Receive {
        id: &'static str,
        lock: Option<i32>,
    },
    /// Ends a delivery: one of those that there have been, counted from the newest.
    Settle {
        id: &'static str,
        back: usize,
        how: Settlement,
    },
    Purge {
        id: &'static str,
    },
    /// The back end asks what became of its messages.
    ReceiveFeedback,
    /// Ends that: one of the receipts that there have been, counted from the newest.
    SettleFeedback {
        back: usize,
        completes: bool,
    },
    /// A device wants to upload so many files of this name.
    BeginUpload {
        id: &'static str,
        name: &'static str,
        times: usize,
    },
    /// Somebody writes the file of one of the uploads that there have been, counted from the newest.
    PutFile {
        back: usize,
        body: &'static str,
    },
    /// Somebody reads it.
    GetFile {
        back: usize,
    },
    /// A device says how one of the uploads has gone.
    EndUpload {
        id: &'static str,
        back: usize,
        is_success: bool,
    },
    /// A device tells something, with this key.
    Tell {
        id: &'static str,
        body: &'static str,
        key: Key,
    },
    /// The back end makes a job, for whatever a search finds, or a condition that nobody can read.
    Schedule {
        id: &'static str,
        task: Task,
        search: Option<Search>,
        later: bool,
        lasts: Option<u64>,
    },
    GetJob {
        id: &'static str,
    },
    Cancel {
        id: &'static str,
    },
    ListJobs {
        kind: Option<&'static str>,
        status: Option<&'static str>,
        page: i32,
    },
    Wait {
        seconds: u64,
    },
    Restart,
}

/// What a device does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    Complete,
    Reject,
    Abandon,
}

/// With what a request of a device is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Primary,
    Secondary,
    /// One that it had before, or never.
    Former,
    /// That of a policy of the hub.
    Hub,
}

/// What a change is made to depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Nothing,
    /// `If-None-Match: *`
    Absent,
    /// `If-Match: *`
    Any,
    /// `If-Match` with the tag of what there is, or some tag where there is nothing.
    Own(Form),
    /// `If-Match` with the tag of something else, or of what there was.
    Stale(Form),
}

/// How a tag is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Quoted,
    Bare,
    Weak,
}

impl Form {
    pub(crate) fn write(self, tag: &str) -> String {
        match self {
            Form::Quoted => format!("\"{tag}\""),
            Form::Bare => tag.to_owned(),
            Form::Weak => format!("W/\"{tag}\""),
        }
    }
}

/// What somebody wants a device to be.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) enabled: Option<bool>,
    pub(crate) reason: Option<&'static str>,
    pub(crate) proof: Proof,
}

/// With what a device is to prove itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Nothing is said.
    Unsaid,
    /// Both keys are empty.
    NewKeys,
    /// These two.
    Keys(&'static str, &'static str),
    /// A key without the other.
    OneKey,
    Thumbprint(&'static str),
}

/// One of many.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: &'static str,
    pub(crate) mode: Option<&'static str>,
    /// Its tag: `Condition::Absent` is none.
    pub(crate) tag: Condition,
    pub(crate) identity: Identity,
    pub(crate) parts: Parts,
}

/// What somebody wants the parts of a twin to be.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) tags: Option<Object>,
    pub(crate) desired: Option<Object>,
    pub(crate) reported: Option<Object>,
}

/// What a job does.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    /// It changes twins: those with the tag of the first device's, if it says so.
    Twin {
        condition: Condition,
        parts: Box<Parts>,
    },
    Method(&'static str),
}

/// A query with an equality.
#[derive(Clone, Debug)]
pub(crate) enum Search {
    All,
    Id(&'static str),
    Disabled,
    /// In this part of the twin, at this path.
    At(&'static str, &'static str, Value),
}

impl Search {
    /// What stands behind `WHERE`, if anything does.
    pub(crate) fn condition(&self) -> Option<String> {
        Some(match self {
            Search::All => return None,
            Search::Id(id) => format!("deviceId = '{id}'"),
            Search::Disabled => "status = 'disabled'".to_owned(),
            Search::At(part, path, Value::String(text)) => format!("{part}.{path} = '{text}'"),
            Search::At(part, path, value) => format!("{part}.{path} = {value}"),
        })
    }
}
