//! What may happen to a hub.

use iothub_emulator::Ack;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

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

const KEYS: [&str; 2] = ["bWFkZSB1cCwga2V5IG9uZQ==", "bWFkZSB1cCwga2V5IHR3bw=="];
const THUMBPRINT: &str = "00112233445566778899AABBCCDDEEFF00112233";

fn id() -> impl Strategy<Value = &'static str> {
    // Most is about one device, so that something becomes of it.
    prop_oneof![40 => Just(IDS[0]), 10 => Just(IDS[1]), 5 => Just(IDS[2]), 5 => Just(IDS[3]), 1 => Just(IDS[4])]
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::Quoted), Just(Form::Bare), Just(Form::Weak)]
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        4 => Just(Condition::Nothing),
        1 => Just(Condition::Absent),
        4 => Just(Condition::Any),
        4 => form().prop_map(Condition::Own),
        2 => form().prop_map(Condition::Stale),
    ]
}

fn identity() -> impl Strategy<Value = Identity> {
    let proof = prop_oneof![
        6 => Just(Proof::Unsaid),
        2 => Just(Proof::NewKeys),
        2 => Just(Proof::Keys(KEYS[0], KEYS[1])),
        1 => Just(Proof::Keys(KEYS[1], KEYS[0])),
        1 => Just(Proof::OneKey),
        1 => Just(Proof::Thumbprint(THUMBPRINT)),
    ];
    let reason = prop_oneof![2 => Just(None), 1 => Just(Some("")), 1 => Just(Some("a reason; really"))];
    (option::of(any::<bool>()), reason, proof).prop_map(|(enabled, reason, proof)| Identity { enabled, reason, proof })
}

fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![60 => Just("a"), 20 => Just("b"), 10 => Just("é"), 1 => Just("a space")]
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => (0..3).prop_map(Value::from),
        8 => Just(Value::Null),
        4 => Just(json!("x")),
        2 => Just(json!(true)),
        2 => Just(json!([1, "x"])),
        1 => Just(json!(1_u64 << 60)),
    ]
}

fn object() -> impl Strategy<Value = Object> {
    let inner = leaf().prop_recursive(3, 8, 3, |inner| {
        vec((name(), inner), 0..3)
            .prop_map(|all| all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    });
    vec((name(), inner), 0..4).prop_map(|all| all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn parts() -> impl Strategy<Value = Parts> {
    let reported = prop_oneof![3 => Just(None), 1 => object().prop_map(Some)];
    (option::of(object()), option::of(object()), reported).prop_map(|(tags, desired, reported)| Parts {
        tags,
        desired,
        reported,
    })
}

fn item() -> impl Strategy<Value = Item> {
    let mode = prop_oneof![
        2 => Just(None),
        2 => Just(Some("create")),
        2 => Just(Some("createOrUpdate")),
        2 => Just(Some("update")),
        2 => Just(Some("updateIfMatchETag")),
        2 => Just(Some("createOrUpdateIfMatchETag")),
        2 => Just(Some("delete")),
        2 => Just(Some("deleteIfMatchETag")),
        1 => Just(Some("replace")),
    ];
    (id(), mode, condition(), identity(), parts()).prop_map(|(id, mode, tag, identity, parts)| Item {
        id,
        mode,
        tag,
        identity,
        parts,
    })
}

fn search() -> impl Strategy<Value = Search> {
    let value = || prop_oneof![(0..3).prop_map(Value::from), Just(json!("x")), Just(json!(true))];
    let name = || prop_oneof![Just("a"), Just("b"), Just("a.b")];
    let part = || prop_oneof![Just("tags"), Just("properties.desired"), Just("properties.reported")];
    prop_oneof![
        Just(Search::All),
        (0..3_usize).prop_map(|at| Search::Id(IDS[at])),
        Just(Search::Disabled),
        (part(), name(), value()).prop_map(|(part, name, value)| Search::At(part, name, value)),
    ]
}

/// What happens last.
pub(crate) fn last() -> impl Iterator<Item = Step> {
    let receive = |id| Step::Receive { id, lock: None };
    let files = (0..3).map(|back| Step::GetFile { back });
    [Step::Restart].into_iter().chain(IDS.map(receive)).chain([Step::ReceiveFeedback]).chain(files)
}

/// Any of all that may happen.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    let method = || prop_oneof![Just("reboot"), Just("ping")];
    let body = || prop_oneof![Just(""), Just("on"), Just("off")];
    let how =
        prop_oneof![1 => Just(Settlement::Complete), 1 => Just(Settlement::Reject), 2 => Just(Settlement::Abandon)];
    let file = prop_oneof![8 => Just("a.txt"), 4 => Just("dir/\u{e4} #1?%"), 1 => Just("")];
    let ack = prop_oneof![Just(Ack::None), Just(Ack::Positive), Just(Ack::Negative), Just(Ack::Full)];
    let key =
        prop_oneof![2 => Just(Key::Primary), 2 => Just(Key::Secondary), 2 => Just(Key::Former), 1 => Just(Key::Hub)];
    prop_oneof![
        12 => (id(), condition(), identity()).prop_map(|(id, condition, identity)| Step::Put { id, condition, identity }),
        2 => id().prop_map(|id| Step::Get { id }),
        3 => (id(), condition()).prop_map(|(id, condition)| Step::Delete { id, condition }),
        1 => prop_oneof![0..4, Just(1_000), Just(1_001)].prop_map(|top| Step::List { top }),
        4 => vec(item(), 1..5).prop_map(Step::Bulk),
        1 => id().prop_map(|id| Step::GetTwin { id }),
        10 => (id(), condition(), parts()).prop_map(|(id, condition, parts)| Step::Patch { id, condition, parts }),
        3 => (id(), condition(), parts()).prop_map(|(id, condition, parts)| Step::Replace { id, condition, parts }),
        4 => (search(), 0..4).prop_map(|(search, page)| Step::Query { search, page }),
        2 => (id(), method()).prop_map(|(id, method)| Step::Listen { id, method }),
        1 => (id(), method()).prop_map(|(id, method)| Step::Forget { id, method }),
        2 => (id(), method()).prop_map(|(id, method)| Step::Call { id, method }),
        5 => (id(), body(), option::of(Just(120)), option::of(prop_oneof![Just("m1"), Just("m2")]), ack)
            .prop_map(|(id, body, lives, message, ack)| Step::Send { id, body, lives, message, ack }),
        5 => (id(), option::of(prop_oneof![Just(30), Just(1), Just(300)])).prop_map(|(id, lock)| Step::Receive { id, lock }),
        4 => (id(), 0..3_usize, how).prop_map(|(id, back, how)| Step::Settle { id, back, how }),
        1 => id().prop_map(|id| Step::Purge { id }),
        2 => Just(Step::ReceiveFeedback),
        2 => (0..3_usize, any::<bool>()).prop_map(|(back, completes)| Step::SettleFeedback { back, completes }),
        2 => (id(), file, prop_oneof![4 => Just(1), 1 => Just(6)])
            .prop_map(|(id, name, times)| Step::BeginUpload { id, name, times }),
        2 => (0..3_usize, body()).prop_map(|(back, body)| Step::PutFile { back, body }),
        1 => (0..3_usize).prop_map(|back| Step::GetFile { back }),
        2 => (id(), 0..8_usize, any::<bool>())
            .prop_map(|(id, back, is_success)| Step::EndUpload { id, back, is_success }),
        3 => (id(), body(), key).prop_map(|(id, body, key)| Step::Tell { id, body, key }),
        // All that ends by itself does so after a multiple of 15 seconds, so that it does not matter how long a step takes.
        3 => prop_oneof![3 => Just(45), 1 => Just(4_005)].prop_map(|seconds| Step::Wait { seconds }),
        2 => Just(Step::Restart),
    ]
}
