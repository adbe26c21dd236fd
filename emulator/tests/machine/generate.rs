//! Which steps are made up, and how often.

use iothub_emulator::Ack;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::Union;
use serde_json::{Value, json};

use super::step::{Condition, Form, IDS, Identity, Item, Key, Parts, Proof, Search, Settlement, Step, Task};
use super::tree::Object;

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
    let enabled = prop_oneof![6 => Just(None), 3 => Just(Some(true)), 2 => Just(Some(false))];
    (enabled, reason, proof).prop_map(|(enabled, reason, proof)| Identity { enabled, reason, proof })
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

fn body() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(""), Just("on"), Just("off")]
}

/// One of those that there have been, counted from the newest.
fn back() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0), 1 => 0..12_usize]
}

/// Any of all that may happen to identities.
fn of_identities() -> BoxedStrategy<Step> {
    prop_oneof![
        // Where there is no device, little else happens.
        8 => (id(), identity()).prop_map(|(id, identity)| Step::Put { id, condition: Condition::Nothing, identity }),
        12 => (id(), condition(), identity()).prop_map(|(id, condition, identity)| Step::Put { id, condition, identity }),
        2 => id().prop_map(|id| Step::Get { id }),
        3 => (id(), condition()).prop_map(|(id, condition)| Step::Delete { id, condition }),
        1 => prop_oneof![0..4, Just(1_000), Just(1_001)].prop_map(|top| Step::List { top }),
        4 => vec(item(), 1..5).prop_map(Step::Bulk),
    ]
    .boxed()
}

fn of_twins() -> BoxedStrategy<Step> {
    prop_oneof![
        1 => id().prop_map(|id| Step::GetTwin { id }),
        10 => (id(), condition(), parts()).prop_map(|(id, condition, parts)| Step::Patch { id, condition, parts }),
        3 => (id(), condition(), parts()).prop_map(|(id, condition, parts)| Step::Replace { id, condition, parts }),
        4 => (search(), 0..4).prop_map(|(search, page)| Step::Query { search, page }),
    ]
    .boxed()
}

/// Messages in both directions, and what becomes of them.
fn of_messages() -> BoxedStrategy<Step> {
    let how =
        prop_oneof![1 => Just(Settlement::Complete), 1 => Just(Settlement::Reject), 2 => Just(Settlement::Abandon)];
    let name = option::of(prop_oneof![Just("m1"), Just("m2")]);
    let ack = prop_oneof![Just(Ack::None), Just(Ack::Positive), Just(Ack::Negative), Just(Ack::Full)];
    let lock = option::of(prop_oneof![Just(30), Just(1), Just(300)]);
    let key =
        prop_oneof![2 => Just(Key::Primary), 2 => Just(Key::Secondary), 2 => Just(Key::Former), 1 => Just(Key::Hub)];
    prop_oneof![
        5 => (id(), body(), option::of(Just(120)), name, ack)
            .prop_map(|(id, body, lives, message, ack)| Step::Send { id, body, lives, message, ack }),
        5 => (id(), lock).prop_map(|(id, lock)| Step::Receive { id, lock }),
        4 => (id(), 0..3_usize, how).prop_map(|(id, back, how)| Step::Settle { id, back, how }),
        1 => id().prop_map(|id| Step::Purge { id }),
        2 => Just(Step::ReceiveFeedback),
        2 => (0..3_usize, any::<bool>()).prop_map(|(back, completes)| Step::SettleFeedback { back, completes }),
        3 => (id(), body(), key).prop_map(|(id, body, key)| Step::Tell { id, body, key }),
    ]
    .boxed()
}

fn of_files() -> BoxedStrategy<Step> {
    let name = prop_oneof![8 => Just("a.txt"), 4 => Just("dir/\u{e4} #1?%"), 1 => Just("")];
    // A device may not have eleven at a time.
    let times = prop_oneof![4 => Just(1), 1 => Just(11)];
    prop_oneof![
        2 => (id(), name, times).prop_map(|(id, name, times)| Step::BeginUpload { id, name, times }),
        2 => (back(), body()).prop_map(|(back, body)| Step::PutFile { back, body }),
        1 => back().prop_map(|back| Step::GetFile { back }),
        2 => (id(), back(), any::<bool>()).prop_map(|(id, back, is_success)| Step::EndUpload { id, back, is_success }),
    ]
    .boxed()
}

/// Methods of devices, and jobs, which call them.
fn of_jobs() -> BoxedStrategy<Step> {
    let method = || prop_oneof![Just("reboot"), Just("ping")];
    // Nobody waits for one that never answers, but a job.
    let any_method = || prop_oneof![method(), Just("hang")];
    let ids = ["j1", "j2", "J1", "it's-4", "j5", "j6", "j7", "j8", "no id"];
    let job = || (0..ids.len()).prop_map(move |at| ids[at]);
    let tag = prop_oneof![4 => Just(Condition::Any), 1 => Just(Condition::Nothing), 2 => form().prop_map(Condition::Own),
        1 => form().prop_map(Condition::Stale)];
    let task = prop_oneof![
        2 => Just(Task::Method("hang")),
        1 => method().prop_map(Task::Method),
        2 => (tag, parts()).prop_map(|(condition, parts)| Task::Twin { condition, parts: parts.into() }),
    ];
    let searches = prop_oneof![6 => search().prop_map(Some), 6 => Just(Some(Search::All)), 1 => Just(None)];
    let kind = option::of(prop_oneof![Just("scheduleUpdateTwin"), Just("scheduleDeviceMethod")]);
    let statuses = ["scheduled", "queued", "running", "completed", "failed", "cancelled"];
    let status = option::of((0..statuses.len()).prop_map(move |at| statuses[at]));
    prop_oneof![
        3 => Just(Step::Listen { id: IDS[0], method: "hang" }),
        4 => (id(), any_method()).prop_map(|(id, method)| Step::Listen { id, method }),
        1 => (id(), any_method()).prop_map(|(id, method)| Step::Forget { id, method }),
        2 => (id(), method()).prop_map(|(id, method)| Step::Call { id, method }),
        8 => (job(), task, searches, any::<bool>(), option::of(Just(15)))
            .prop_map(|(id, task, search, later, lasts)| Step::Schedule { id, task, search, later, lasts }),
        1 => job().prop_map(|id| Step::GetJob { id }),
        2 => job().prop_map(|id| Step::Cancel { id }),
        1 => (kind, status, 0..3).prop_map(|(kind, status, page)| Step::ListJobs { kind, status, page }),
    ]
    .boxed()
}

/// All that ends by itself does so after a multiple of 15 seconds, so that it does not matter how long a step takes.
fn of_time() -> BoxedStrategy<Step> {
    prop_oneof![
        3 => prop_oneof![3 => Just(45), 1 => Just(4_005)].prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::Restart),
    ]
    .boxed()
}

/// Steps that are about everything, or about one thing above all.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let all = || [of_identities(), of_twins(), of_messages(), of_files(), of_jobs(), of_time()];
    let steps = |weights: [u32; 6]| {
        vec(Union::new_weighted(weights.into_iter().zip(all()).filter(|(weight, _)| *weight > 0).collect()), 1..80)
    };
    prop_oneof![
        steps([6, 5, 5, 2, 4, 1]),
        steps([4, 8, 1, 1, 1, 1]),
        steps([3, 1, 12, 0, 0, 2]),
        steps([3, 0, 1, 12, 0, 2]),
        steps([3, 1, 0, 0, 14, 3]),
    ]
}

/// What is done last: what was kept shows when there is nothing else.
pub(crate) fn last() -> impl Iterator<Item = Step> {
    let receive = |id| Step::Receive { id, lock: None };
    let file = |back| Step::GetFile { back };
    let end = |back| Step::EndUpload { id: IDS[0], back, is_success: true };
    let files = (0..3).map(file).chain((0..3).map(end));
    [Step::Restart].into_iter().chain(IDS.map(receive)).chain([Step::ReceiveFeedback]).chain(files)
}
