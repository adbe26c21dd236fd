//! What was acknowledged is there after a crash, and a file that is damaged is an error.

mod disk;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use disk::{Disk, Loss};

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("iothub-store-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("iothub.redb")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The changes of one number: two records that belong together, and one that the number before wrote and this one removes.
fn numbered(number: u32) -> Changes {
    let mut changes = Changes::default();
    changes.put(format!("first/{number:06}"), number.to_be_bytes().to_vec());
    changes.put(format!("second/{number:06}"), vec![number as u8; (number as usize * 37) % 3_000]);
    changes.put(format!("last/{number:06}"), Vec::new());
    if number > 1 {
        changes.remove(format!("last/{:06}", number - 1));
    }
    changes
}

/// Up to which number the changes are there; panics where they are not those of all numbers up to one.
#[track_caller]
fn reached(records: &Records) -> u32 {
    let last = u32::try_from(records.iter().filter(|(key, _)| key.starts_with("first/")).count()).unwrap();
    let expected = (1..=last).fold(BTreeMap::new(), |mut all: BTreeMap<_, _>, number| {
        all.extend(numbered(number).records());
        all.remove(&format!("last/{:06}", number - 1));
        all
    });
    let found: BTreeMap<_, _> = records.iter().cloned().collect();
    assert!(found == expected, "up to {last}: {:?}", found.keys().collect::<Vec<_>>());
    last
}

/// Four write at a time until the disk is no more, each in its turn; gives the last number that was acknowledged, and the last that was handed
/// over.
async fn write_until_the_crash(store: &Store) -> [u32; 2] {
    let (next, acknowledged) = (Mutex::new(0), Mutex::new(0));
    let writer = async || {
        for _ in 0..100 {
            // As a hub does under its lock: the order of numbers is the order of calls.
            let (number, written) = {
                let mut next = next.lock().unwrap();
                *next += 1;
                (*next, store.write(numbered(*next)))
            };
            if written.durable().await.is_err() {
                return;
            }
            let mut acknowledged = acknowledged.lock().unwrap();
            *acknowledged = number.max(*acknowledged);
        }
    };
    tokio::join!(writer(), writer(), writer(), writer());
    [acknowledged.into_inner().unwrap(), next.into_inner().unwrap()]
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_crash() {
    let mut crashed_between = 0;
    for loss in [Loss::All, Loss::None, Loss::Some] {
        for crash in (0..40).map(|step| step * (step + 3) / 3 + 1) {
            let disk = Disk::that_crashes(crash, loss);
            let [acknowledged, handed] = match Store::on(disk.clone()) {
                Ok((store, _)) => write_until_the_crash(&store).await,
                // It did not even come into being, which happens under another name.
                Err(_) => continue,
            };
            let opened = Store::on(disk.after_crash());
            let (_store, records) = opened.unwrap_or_else(|error| panic!("{crash} {loss:?}: {error}"));
            let reached = reached(&records);
            assert!((acknowledged..=handed).contains(&reached), "{crash} {loss:?}: {acknowledged} {reached} {handed}");
            crashed_between += u32::from(acknowledged > 0 && handed > acknowledged);
        }
    }
    assert!(crashed_between > 40, "{crashed_between}");
}

#[tokio::test]
async fn nothing_is_acknowledged_without_a_disk() {
    let disk = Disk::that_crashes(usize::MAX, Loss::All);
    let (store, _) = Store::on(disk.clone()).unwrap();
    store.write(numbered(1)).durable().await.unwrap();
    disk.crash();
    assert!(store.write(numbered(2)).durable().await.is_err());
    // Nor later: who comes next would build on what is not there.
    assert!(store.write(numbered(3)).durable().await.is_err());
    store.close().await;
    let (_, records) = Store::on(disk.after_crash()).unwrap();
    assert_eq!(reached(&records), 1);
}

#[tokio::test]
async fn nothing_is_shown_without_a_disk() {
    use crate::app::App;
    use crate::clock::HubClock;
    use crate::faults::Gate;
    use crate::state::{Hub, HubState, World};
    use http::Request;
    use iothub::runtime::Body;
    use tower_service::Service;

    let disk = Disk::that_crashes(usize::MAX, Loss::All);
    let (store, _) = Store::on(disk.clone()).unwrap();
    let (clock, world) = (HubClock::new(), World::new(HubClock::new(), store.clone(), "h"));
    world.add(Arc::new(Hub::new("h", "h.example", clock.clone(), store.clone(), HubState::default())));
    let mut app = App::new(Arc::new(world), Arc::new(Gate::new(clock, Duration::ZERO, None)), None);
    let mut statuses = async || {
        let mut seen = [0; 3];
        for (path, seen) in
            ["/devices/d1?api-version=2016-11-14", "/files/a", "/$emulator/health"].iter().zip(&mut seen)
        {
            let request = Request::get(*path).header("host", "127.0.0.1").body(Body::Empty).unwrap();
            *seen = app.call(request).await.unwrap().status().as_u16();
        }
        seen
    };
    assert_eq!(statuses().await, [401, 404, 200]);
    disk.crash();
    assert!(store.write(numbered(1)).durable().await.is_err());
    assert_eq!(statuses().await, [500, 500, 503]);
}

#[tokio::test]
async fn many_changes_are_one_commit() {
    let disk = Disk::that_crashes(usize::MAX, Loss::All);
    let (store, _) = Store::on(disk.clone()).unwrap();
    store.write(numbered(1)).durable().await.unwrap();
    let one = disk.syncs();
    store.write(numbered(2)).durable().await.unwrap();
    let one = disk.syncs() - one;
    let before = disk.syncs();
    // The thread may begin with the first of them before the others are there.
    let all: Vec<Written> = (3..=400).map(|number| store.write(numbered(number))).collect();
    for written in all {
        written.durable().await.unwrap();
    }
    assert!(disk.syncs() - before < 40 * one, "{} {one}", disk.syncs() - before);
}

#[tokio::test]
async fn what_is_below_a_key_is_removed() {
    let disk = Disk::that_crashes(usize::MAX, Loss::All);
    let (store, _) = Store::on(disk.clone()).unwrap();
    let mut changes = Changes::default();
    for key in ["hub/a/x", "hub/a/\u{10ffff}", "hub/a-b/x", "hub/a0/x", "hub/a", "hub/b/x"] {
        changes.put(key, vec![1]);
    }
    changes.remove_below("hub/a");
    changes.put("hub/a/new", vec![2]);
    store.write(changes).durable().await.unwrap();
    store.close().await;
    let (_, records) = Store::on(disk.after_crash()).unwrap();
    let keys: Vec<&str> = records.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["hub/a", "hub/a-b/x", "hub/a/new", "hub/a0/x", "hub/b/x"]);
}

async fn filled(folder: &Folder) -> (Vec<u8>, Records) {
    let (store, _) = Store::open(&folder.0).unwrap();
    for number in 1..=40 {
        store.write(numbered(number)).durable().await.unwrap();
    }
    store.close().await;
    let (store, records) = Store::open(&folder.0).unwrap();
    assert_eq!(reached(&records), 40);
    assert!(Store::open(&folder.0).unwrap_err().to_string().contains("another emulator"));
    store.close().await;
    (std::fs::read(folder.file()).unwrap(), records)
}

/// Opens a file of these bytes. Whether it was refused; where it was not, it has all that it had.
async fn refused(bytes: &[u8], records: &Records, what: &str) -> bool {
    let disk = Disk::of(bytes);
    // What was refused once is not mended by that.
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let opened = Store::on(disk.clone());
        outcomes.push(opened.is_err());
        if let Ok((store, found)) = opened {
            assert!(found == *records, "{what}: {} records", found.len());
            store.close().await;
        }
    }
    assert_eq!(outcomes[0], outcomes[1], "{what}");
    outcomes[0]
}

/// How many of the files are refused that differ from this one in a bit.
async fn refused_flips(good: &[u8], records: &Records) -> usize {
    let length = good.len();
    let mut all = 0;
    for at in (0..length).step_by(length / 100 + 1).chain(0..160) {
        let mut bytes = good.to_owned();
        bytes[at] ^= 0x10;
        all += usize::from(refused(&bytes, records, &format!("flipped at {at}")).await);
    }
    all
}

/// Of a file that was not closed, the last commit may have been cut short. That is not what damage is taken for.
#[tokio::test]
async fn a_damaged_file_is_an_error_after_a_crash() {
    let disk = Disk::that_crashes(usize::MAX, Loss::All);
    let (store, _) = Store::on(disk.clone()).unwrap();
    for number in 1..=8 {
        store.write(numbered(number)).durable().await.unwrap();
    }
    let left = disk.after_crash().bytes();
    let (_, records) = Store::on(Disk::of(&left)).unwrap();
    assert_eq!(reached(&records), 8);
    assert!(refused_flips(&left, &records).await > 10);
}

#[tokio::test]
async fn a_damaged_file_is_an_error() {
    let folder = Folder::new();
    let (good, records) = filled(&folder).await;
    let length = good.len();
    assert!(!refused(&good, &records, "nothing").await);
    assert!(refused_flips(&good, &records).await > 30);
    for (what, bytes) in [
        ("half", &good[..length / 2]),
        ("all but a page", &good[..length - 4_096]),
        ("the head", &good[..64]),
        ("something else", b"once upon a time"),
        ("zeros", &vec![0; length]),
        ("more zeros", &[0; 100]),
    ] {
        assert!(refused(bytes, &records, what).await, "{what}");
        std::fs::write(folder.file(), bytes).unwrap();
        let error = Store::open(&folder.0).unwrap_err().to_string();
        assert!(error.contains(&folder.file().display().to_string()), "{error}");
        assert_eq!(std::fs::read(folder.file()).unwrap().len(), bytes.len(), "{what}");
    }
}

/// Whoever is killed while the file comes into being leaves something that is none under another name.
#[tokio::test]
async fn what_was_left_of_a_beginning_is_no_obstacle() {
    let folder = Folder::new();
    std::fs::create_dir_all(&folder.0).unwrap();
    std::fs::write(folder.0.join("iothub.redb.new"), "anything").unwrap();
    let (store, records) = Store::open(&folder.0).unwrap();
    assert!(records.is_empty());
    store.close().await;
    let names: Vec<_> = std::fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["iothub.redb"]);
}

#[test]
fn a_folder_that_cannot_be_one() {
    let folder = Folder::new();
    std::fs::write(&folder.0, "a file").unwrap();
    let error = Store::open(&folder.0).unwrap_err().to_string();
    assert!(error.contains(&folder.0.display().to_string()), "{error}");
    std::fs::remove_file(&folder.0).unwrap();
}

#[test]
fn who_is_expected_is_waited_for() {
    let (sender, jobs) = mpsc::channel();
    let write = || Job::Write(Changes::default(), oneshot::channel().0);
    let gathered = |expected, most| {
        let mut group = Group::default();
        assert!(group.gather(&jobs, expected, most));
        group.writes.len()
    };
    sender.send(write()).unwrap();
    assert_eq!(gathered(2, Duration::ZERO), 1);
    sender.send(write()).unwrap();
    assert_eq!(gathered(2, Duration::from_millis(8)), 1);
    sender.send(write()).unwrap();
    let other = thread::spawn({
        let (sender, job) = (sender.clone(), write());
        move || {
            thread::sleep(Duration::from_millis(20));
            sender.send(job).unwrap();
        }
    });
    assert_eq!(gathered(2, Duration::from_secs(1)), 2);
    other.join().unwrap();
    drop(sender);
    assert!(!Group::default().gather(&jobs, 2, Duration::from_secs(1)));
}
