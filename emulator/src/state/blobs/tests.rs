use std::sync::Arc;

use iothub::runtime::Clock;
use proptest::prelude::*;

use super::*;
use crate::state::restart::{self, Kept};

fn write<T>(hub: &Hub, write: impl FnOnce(&mut Writer<'_>) -> Result<T, Refusal>) -> Result<T, &'static str> {
    let now = hub.clock.now();
    let pending = hub.change(|state, changes| write(&mut Writer::open(hub, state, changes, now)));
    // It is in memory at once; what waits for the disk is in the queue.
    pending.map(|pending| pending.now()).map_err(|refusal| refusal.code())
}

fn content(bytes: &[u8]) -> Content {
    Content::new(Bytes::copy_from_slice(bytes))
}

fn no_headers() -> BTreeMap<String, String> {
    BTreeMap::new()
}

fn any() -> Preconditions {
    Preconditions::default()
}

fn put(hub: &Hub, place: (&str, &str), bytes: &[u8]) -> Result<Arc<Blob>, &'static str> {
    write(hub, |writer| writer.put_blob(place, &any(), no_headers(), content(bytes)))
}

fn block(hub: &Hub, place: (&str, &str), id: &str, bytes: &[u8]) -> Result<(), &'static str> {
    write(hub, |writer| writer.put_block(place, id, content(bytes)))
}

fn commit(hub: &Hub, place: (&str, &str), list: &[(Among, &str)]) -> Result<Arc<Blob>, &'static str> {
    let list: Vec<_> = list.iter().map(|(among, id)| (*among, (*id).to_owned())).collect();
    write(hub, |writer| writer.put_block_list(place, &any(), no_headers(), &list))
}

fn get(hub: &Hub, place: (&str, &str)) -> Option<Vec<u8>> {
    let state = hub.read();
    let blob = state.blobs.blob(place.0, place.1).ok()?;
    let bytes = state.blobs.content(&blob).concat();
    assert_eq!(blob.length, bytes.len() as u64);
    Some(bytes)
}

/// What everything costs, counted anew; and nothing is left over.
fn recount(state: &HubState) -> u64 {
    check(state).unwrap();
    let blobs = &state.blobs;
    let containers = blobs.containers.iter().map(|(name, container)| {
        let inside = container.blobs.iter().map(|(name, blob)| blob.weight(name)).sum::<u64>();
        OVERHEAD + name.len() as u64 + inside
    });
    let drafts = blobs.drafts.iter().map(|(place, draft)| {
        let ids = draft.blocks.keys().map(|id| REFERENCE + id.len() as u64).sum::<u64>();
        OVERHEAD + (place.0.len() + place.1.len()) as u64 + ids
    });
    let pieces = blobs.pieces.values().map(|piece| OVERHEAD + piece.len() as u64);
    assert_eq!(blobs.deadlines.len(), blobs.drafts.len());
    containers.sum::<u64>() + drafts.sum::<u64>() + pieces.sum::<u64>()
}

#[derive(Clone, Debug)]
enum Step {
    Put(usize, u8),
    Block(usize, usize, u8),
    Commit(usize, Vec<(u8, usize)>),
    Delete(usize),
    Container(usize),
    NoContainer(usize),
    Week,
}

const CONTAINERS: [&str; 2] = ["one", "two"];
const PLACES: [(&str, &str); 4] = [("one", "a"), ("one", "a/b"), ("two", "a"), ("one", "\u{e4}")];
const IDS: [&str; 3] = ["QQ==", "Qg==", "Qw=="];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4usize, 0..4u8).prop_map(|(place, length)| Step::Put(place, length)),
        8 => (0..4usize, 0..3usize, 1..4u8).prop_map(|(place, id, length)| Step::Block(place, id, length)),
        6 => (0..4usize, prop::collection::vec((0..3u8, 0..3usize), 0..4)).prop_map(|(place, list)| Step::Commit(place, list)),
        2 => (0..4usize).prop_map(Step::Delete),
        2 => (0..2usize).prop_map(Step::Container),
        1 => (0..2usize).prop_map(Step::NoContainer),
        1 => Just(Step::Week),
    ];
    prop::collection::vec(step, 0..50)
}

type Blocks = Vec<(String, Vec<u8>)>;

/// The same without pieces: blobs are lists of named bytes.
#[derive(Debug, Default)]
struct Model {
    containers: BTreeSet<&'static str>,
    blobs: BTreeMap<(&'static str, &'static str), Blocks>,
    drafts: BTreeMap<(&'static str, &'static str), BTreeMap<String, Vec<u8>>>,
}

impl Model {
    fn commit(&mut self, place: (&'static str, &'static str), list: &[(Among, &str)]) -> Result<(), &'static str> {
        let draft = self.drafts.get(&place).cloned().unwrap_or_default();
        let old = self.blobs.get(&place).cloned().unwrap_or_default();
        let committed = |id: &str| old.iter().rfind(|(own, _)| own == id).map(|(_, bytes)| bytes.clone());
        let mut blob = Vec::new();
        for (among, id) in list {
            let found = match among {
                Among::Committed => committed(id),
                Among::Uncommitted => draft.get(*id).cloned(),
                Among::Latest => draft.get(*id).cloned().or_else(|| committed(id)),
            };
            blob.push(((*id).to_owned(), found.ok_or("InvalidBlockList")?));
        }
        self.blobs.insert(place, blob);
        self.drafts.remove(&place);
        Ok(())
    }

    fn apply(&mut self, step: &Step, number: u8) -> Result<(), &'static str> {
        let place = match step {
            Step::Put(at, _) | Step::Block(at, ..) | Step::Commit(at, _) | Step::Delete(at) => Some(PLACES[*at]),
            _ => None,
        };
        if place.is_some_and(|(container, _)| !self.containers.contains(container)) {
            return Err("ContainerNotFound");
        }
        let place = place.unwrap_or(PLACES[0]);
        match step {
            Step::Put(_, length) => {
                let bytes = vec![number; usize::from(*length)];
                self.blobs.insert(place, vec![(String::new(), bytes)]);
                self.drafts.remove(&place);
            }
            Step::Block(_, id, length) => {
                let bytes = vec![number; usize::from(*length)];
                self.drafts.entry(place).or_default().insert(IDS[*id].to_owned(), bytes);
            }
            Step::Commit(_, list) => self.commit(place, &named(list))?,
            Step::Delete(_) => {
                self.blobs.remove(&place).ok_or("BlobNotFound")?;
                self.drafts.remove(&place);
            }
            Step::Container(at) => {
                if !self.containers.insert(CONTAINERS[*at]) {
                    return Err("ContainerAlreadyExists");
                }
            }
            Step::NoContainer(at) => {
                let name = CONTAINERS[*at];
                if !self.containers.remove(name) {
                    return Err("ContainerNotFound");
                }
                self.blobs.retain(|(container, _), _| *container != name);
                self.drafts.retain(|(container, _), _| *container != name);
            }
            Step::Week => self.drafts.clear(),
        }
        Ok(())
    }
}

fn named(list: &[(u8, usize)]) -> Vec<(Among, &'static str)> {
    let among = [Among::Committed, Among::Uncommitted, Among::Latest];
    list.iter().map(|(kind, id)| (among[usize::from(*kind)], IDS[*id])).collect()
}

fn apply(hub: &Hub, step: &Step, number: u8) -> Result<(), &'static str> {
    match step {
        Step::Put(at, length) => put(hub, PLACES[*at], &vec![number; usize::from(*length)]).map(drop),
        Step::Block(at, id, length) => block(hub, PLACES[*at], IDS[*id], &vec![number; usize::from(*length)]),
        Step::Commit(at, list) => commit(hub, PLACES[*at], &named(list)).map(drop),
        Step::Delete(at) => write(hub, |writer| writer.delete_blob(PLACES[*at], &any())),
        Step::Container(at) => write(hub, |writer| writer.create_container(CONTAINERS[*at])),
        Step::NoContainer(at) => write(hub, |writer| writer.delete_container(CONTAINERS[*at])),
        Step::Week => {
            hub.clock.advance(WEEK);
            Ok(())
        }
    }
}

/// Everything there is to see, tags and times as well.
fn seen(hub: &Hub) -> String {
    let state = hub.read();
    let blobs = &state.blobs;
    format!("{:?}", (&blobs.containers, &blobs.drafts, &blobs.deadlines, &blobs.pieces, blobs.used))
}

proptest! {
    #[test]
    fn blobs_are_what_they_are_made_of(steps in steps()) {
        let (hub, mut model) = (restart::hub(), Model::default());
        for (step, number) in steps.iter().zip(0u8..) {
            prop_assert_eq!(apply(&hub, step, number), model.apply(step, number), "{:?}", step);
            for place in PLACES {
                let expected = model.blobs.get(&place).map(|blocks| blocks.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<u8>>());
                prop_assert_eq!(get(&hub, place), expected);
            }
            let state = hub.read();
            prop_assert_eq!(recount(&state), state.blobs.used);
            prop_assert_eq!(state.blobs.drafts.len(), model.drafts.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn blobs_outlive_a_restart(steps in steps()) {
        let executor = tokio::runtime::Builder::new_current_thread().build().unwrap();
        executor.block_on(async {
            let kept = Kept::new().await;
            for name in CONTAINERS {
                write(&kept.hub, |writer| writer.create_container(name)).unwrap();
            }
            for (step, number) in steps.iter().zip(0u8..) {
                _ = apply(&kept.hub, step, number);
            }
            let before = seen(&kept.hub);
            let kept = kept.reopened().await;
            assert_eq!(seen(&kept.hub), before);
            let state = kept.hub.read();
            assert_eq!(recount(&state), state.blobs.used);
        });
    }
}

/// A hub with a container, and with no more room than this.
fn with_room(bytes: u64) -> Arc<Hub> {
    let hub = restart::hub();
    let limited = hub.change(|state, _| -> Result<(), std::convert::Infallible> {
        state.blobs.most = Most(bytes);
        Ok(())
    });
    drop(limited);
    write(&hub, |writer| writer.create_container("one")).unwrap();
    hub
}

#[test]
fn there_is_only_so_much_room() {
    let hub = with_room(4 << 20);
    let large = vec![0; 1 << 20];
    let room = hub.read().blobs.reserve(1 << 20).unwrap();
    for name in ["a", "b", "c"] {
        put(&hub, ("one", name), &large).unwrap();
    }
    assert_eq!(hub.read().blobs.reserve(1 << 18).unwrap_err().code(), "RequestBodyTooLarge");
    drop(room);
    assert!(hub.read().blobs.reserve(1 << 18).is_ok());
    assert_eq!(put(&hub, ("one", "d"), &large).unwrap_err(), "RequestBodyTooLarge");
    assert_eq!(block(&hub, ("one", "d"), IDS[0], &large).unwrap_err(), "RequestBodyTooLarge");
    write(&hub, |writer| writer.delete_blob(("one", "a"), &any())).unwrap();
    put(&hub, ("one", "d"), &large).unwrap();
    assert_eq!(recount(&hub.read()), hub.read().blobs.used);
}

#[test]
fn a_blob_is_not_larger_than_may_be_made_of_repeated_blocks() {
    let hub = with_room(2 << 20);
    block(&hub, ("one", "a"), IDS[0], &vec![1; 1 << 20]).unwrap();
    let twice = [(Among::Latest, IDS[0]); 2];
    assert_eq!(commit(&hub, ("one", "a"), &twice).unwrap().length, 2 << 20);
    let thrice = [(Among::Committed, IDS[0]); 3];
    assert_eq!(commit(&hub, ("one", "a"), &thrice).unwrap_err(), "RequestBodyTooLarge");
    // What is there twice is kept once.
    assert!(hub.read().blobs.used < 3 << 19);
}

fn part(hub: &Hub, parts: &Parts, number: usize, bytes: &[u8]) -> Result<(), &'static str> {
    write(hub, |writer| writer.add_part(parts, number, content(bytes)))
}

#[test]
fn a_blob_of_parts() {
    let hub = with_room(1 << 16);
    let place = ("one", "a");
    put(&hub, place, b"before").unwrap();
    block(&hub, place, IDS[0], b"another's").unwrap();
    let (first, second) = (Parts::new("one", "1"), Parts::new("one", "2"));
    for number in 0..12 {
        part(&hub, &first, number, format!("{number},").as_bytes()).unwrap();
    }
    assert_eq!(part(&hub, &Parts::new("none", "1"), 0, b"x").unwrap_err(), "ContainerNotFound");
    // There is no room for more than this, and what there is stays as it is.
    part(&hub, &second, 0, &vec![0; 1 << 15]).unwrap();
    assert_eq!(part(&hub, &second, 1, &vec![0; 1 << 15]).unwrap_err(), "RequestBodyTooLarge");
    assert_eq!(get(&hub, place).unwrap(), b"before");
    write(&hub, |writer| {
        writer.drop_parts(&second);
        Ok(())
    })
    .unwrap();
    let blob = write(&hub, |writer| writer.put_parts(&first, "a", no_headers())).unwrap();
    assert_eq!(get(&hub, place).unwrap(), b"0,1,2,3,4,5,6,7,8,9,10,11,");
    assert_eq!((blob.blocks.len(), hub.read().blobs.drafts.len()), (12, 0));
    assert_eq!(recount(&hub.read()), hub.read().blobs.used);
    // Blocks of clients are called what they are called.
    block(&hub, place, IDS[0], b"x").unwrap();
    write(&hub, |writer| writer.put_parts(&Parts::new("one", "3"), "empty", no_headers())).unwrap();
    assert_eq!(get(&hub, ("one", "empty")).unwrap(), b"");
}

#[tokio::test]
async fn parts_of_which_nothing_became_do_not_outlive_a_restart() {
    let kept = Kept::new().await;
    write(&kept.hub, |writer| writer.create_container("one")).unwrap();
    let (whole, rest) = (Parts::new("one", "1"), Parts::new("one", "2"));
    for number in 0..3 {
        part(&kept.hub, &whole, number, b"whole ").unwrap();
        part(&kept.hub, &rest, number, b"rest ").unwrap();
    }
    write(&kept.hub, |writer| writer.put_parts(&whole, "a", no_headers())).unwrap();
    let kept = kept.reopened().await;
    assert_eq!(get(&kept.hub, ("one", "a")).unwrap(), b"whole whole whole ");
    assert_eq!((kept.hub.read().blobs.drafts.len(), kept.hub.read().blobs.pieces.len()), (0, 3));
    let kept = kept.reopened().await;
    assert_eq!(recount(&kept.hub.read()), kept.hub.read().blobs.used);
    assert_eq!(kept.hub.read().blobs.pieces.len(), 3);
}

#[test]
fn names_of_blocks_are_equally_long() {
    let hub = restart::hub();
    write(&hub, |writer| writer.create_container("one")).unwrap();
    block(&hub, ("one", "a"), "QUE=", b"1").unwrap();
    assert_eq!(block(&hub, ("one", "a"), "QUFBQUFB", b"2").unwrap_err(), "InvalidBlobOrBlock");
    commit(&hub, ("one", "a"), &[(Among::Latest, "QUE=")]).unwrap();
    assert_eq!(block(&hub, ("one", "a"), "QUFBQUFB", b"2").unwrap_err(), "InvalidBlobOrBlock");
    put(&hub, ("one", "a"), b"3").unwrap();
    block(&hub, ("one", "a"), "QUFBQUFB", b"2").unwrap();
}

/// Names of what is listed, a `+` before those that several begin with; and from where it goes on.
fn listed(
    hub: &Hub,
    prefix: &str,
    delimiter: Option<&str>,
    from: Option<&str>,
    most: usize,
) -> (Vec<String>, Option<String>) {
    let (lines, next) = hub.read().blobs.list("one", prefix, delimiter, from, most).unwrap();
    let names = lines.into_iter().map(|line| match line {
        Listed::Blob(name, _) => name,
        Listed::Prefix(prefix) => format!("+{prefix}"),
    });
    (names.collect(), next)
}

#[test]
fn lists_have_pages_and_common_beginnings() {
    let hub = restart::hub();
    write(&hub, |writer| writer.create_container("one")).unwrap();
    let all = ["a", "b/1", "b/2", "b/c/3", "b0", "d", "\u{10ffff}x", "\u{10ffff}y"];
    for name in all {
        put(&hub, ("one", name), b"").unwrap();
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(listed(&hub, "", None, None, 99), (names(&all), None));
    assert_eq!(listed(&hub, "b/", None, None, 99), (names(&["b/1", "b/2", "b/c/3"]), None));
    assert_eq!(listed(&hub, "b/", Some("/"), None, 99), (names(&["b/1", "b/2", "+b/c/"]), None));
    let rest = ["a", "+b/", "b0", "d", "\u{10ffff}x", "\u{10ffff}y"];
    assert_eq!(listed(&hub, "", Some("/"), None, 99), (names(&rest), None));
    assert_eq!(listed(&hub, "", Some("\u{10ffff}"), Some("d"), 99), (names(&["d", "+\u{10ffff}"]), None));
    assert_eq!(listed(&hub, "z", None, None, 99), (Vec::new(), None));
    for delimiter in [None, Some("/")] {
        let (mut from, mut found) = (None, Vec::new());
        loop {
            let (page, next) = listed(&hub, "", delimiter, from.as_deref(), 2);
            assert!(page.len() <= 2);
            found.extend(page);
            from = next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(found, if delimiter.is_some() { names(&rest) } else { names(&all) });
    }
    assert_eq!(hub.read().blobs.list("two", "", None, None, 9).unwrap_err().code(), "ContainerNotFound");
}

#[test]
fn damage_is_told() {
    let mut state = HubState::default();
    let mut put = |kind: &str, id: &str, record: &str| state.load(kind, id, record.as_bytes());
    let time = r#"{"secs_since_epoch":1,"nanos_since_epoch":0}"#;
    let blob = format!(
        r#"{{"tag":1,"created":{time},"modified":{time},"length":2,"headers":{{}},"blocks":[{{"id":"","piece":1,"length":2}}]}}"#
    );
    let draft = format!(r#"{{"container":"one","blob":"b","touched":{time},"id":"QQ==","length":1}}"#);
    put("content", "one/a", &blob).unwrap_err();
    put("draft", "2", &draft).unwrap_err();
    put("container", "one", "{}").unwrap_err();
    put("container", "one", &format!(r#"{{"created":{time},"tag":1}}"#)).unwrap();
    put("content", "one", &blob).unwrap_err();
    put("content", "one/a", &blob).unwrap();
    put("draft", "2", &draft).unwrap();
    put("draft", "x", &draft).unwrap_err();
    put("piece", "x", "").unwrap_err();
    put("piece", "1", "ab").unwrap();
    assert!(check(&state).unwrap_err().contains("the piece 2 of a blob"));
    state.load("piece", "2", b"abc").unwrap();
    assert!(check(&state).unwrap_err().contains("the piece 2 of a blob"));
    state.load("piece", "2", b"a").unwrap();
    check(&state).unwrap();
    state.load("piece", "3", b"a").unwrap();
    assert!(check(&state).unwrap_err().contains("the piece 3 is part of nothing"));
}
