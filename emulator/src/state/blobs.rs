//! Files that devices upload, and lists of devices that are imported and exported: blobs in containers.
//!
//! Bytes are kept in pieces, each of which is written to the store once: a blob is a list of them, as are the blocks that are still to become
//! one.

mod records;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use iothub::runtime::server::Preconditions;
use iothub::runtime::time::Rfc1123;
use iothub::runtime::{Current, ETag, Intent, Outcome, Secret};
use serde::{Deserialize, Serialize};

use super::feedback::later;
use super::hub::{Hub, HubState};
use crate::blobs::Refusal;
use crate::store::Changes;

pub(crate) use records::Content;
pub(super) use records::{KINDS, check, load};
pub(crate) use writer::{Parts, Writer};

/// The largest piece: what comes in one body, which is in memory as a whole before it is known to be what was said.
pub(crate) const LARGEST: u64 = 64 << 20;
/// How much all of a hub may have, together with what it costs to know of it: a list of 100,000 devices whose twins have 500 bytes has 165 MiB, and the one that it
/// replaces is there until it is whole.
pub(crate) const ALL: u64 = 512 << 20;
/// The most blocks of a blob.
pub(crate) const BLOCKS: usize = 50_000;
/// About what a container, a blob or a piece costs beside its texts and bytes.
const OVERHEAD: u64 = 512;
/// About what it costs that a blob has a block.
const REFERENCE: u64 = 128;
/// How long blocks wait to become a blob.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

/// All blobs of a hub.
#[derive(Debug, Default)]
pub(crate) struct Blobs {
    /// What addresses are signed with, once there is anything to sign.
    key: Option<Secret>,
    containers: BTreeMap<String, Container>,
    /// Blocks that are not part of a blob yet, by the names of container and blob.
    drafts: BTreeMap<(String, String), Draft>,
    /// When which of them go.
    deadlines: BTreeSet<(SystemTime, (String, String))>,
    pieces: BTreeMap<u64, Bytes>,
    last_piece: u64,
    last_tag: u64,
    /// What all this costs.
    used: u64,
    /// How much that may be.
    pub(crate) most: Most,
    /// What bodies cost that are on their way.
    reserved: Arc<AtomicU64>,
}

/// How much all blobs may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most(pub(crate) u64);

impl Default for Most {
    fn default() -> Most {
        Most(ALL)
    }
}

/// A container.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) created: SystemTime,
    tag: u64,
    blobs: BTreeMap<String, Arc<Blob>>,
}

/// A blob. It is replaced, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blob {
    tag: u64,
    pub(crate) created: SystemTime,
    pub(crate) modified: SystemTime,
    /// How many bytes it has.
    pub(crate) length: u64,
    /// Headers with which it is answered, by their names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    blocks: Vec<Block>,
}

/// A part of a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Block {
    /// Its name, in Base64; empty where the blob was put as one.
    id: String,
    piece: u64,
    length: u64,
}

/// Blocks of a blob that is still to be.
#[derive(Debug)]
struct Draft {
    touched: SystemTime,
    blocks: BTreeMap<String, Block>,
    /// What it costs beside its pieces.
    weight: u64,
}

impl Draft {
    fn new(place: &(String, String), touched: SystemTime) -> Draft {
        Draft { touched, blocks: BTreeMap::new(), weight: OVERHEAD + (place.0.len() + place.1.len()) as u64 }
    }

    /// Puts a block, and gives the one that had its name.
    fn put(&mut self, block: Block) -> Option<Block> {
        self.weight += REFERENCE + block.id.len() as u64;
        let before = self.blocks.insert(block.id.clone(), block)?;
        self.weight -= REFERENCE + before.id.len() as u64;
        Some(before)
    }
}

/// Where a block of a list is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Among {
    /// Among those of the blob.
    Committed,
    /// Among those that are not part of it yet.
    Uncommitted,
    /// Among the latter first, then among the former.
    Latest,
}

/// Room for a body that is on its way.
#[derive(Debug)]
pub(crate) struct Reserved {
    of: Arc<AtomicU64>,
    bytes: u64,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A line of a list of blobs.
#[derive(Debug)]
pub(crate) enum Listed {
    /// A blob, with its name.
    Blob(String, Arc<Blob>),
    /// What the names of several begin with.
    Prefix(String),
}

/// What a list of blobs has, and from which name on the next.
pub(crate) type Page = (Vec<Listed>, Option<String>);

/// An entity tag as it is written, without quotes.
fn tag_text(tag: u64) -> String {
    format!("0x{tag:X}")
}

fn tag_of(tag: u64) -> Option<ETag> {
    format!("\"{}\"", tag_text(tag)).parse().ok()
}

impl Container {
    /// The entity tag, without quotes.
    pub(crate) fn tag(&self) -> String {
        tag_text(self.tag)
    }
}

impl Blob {
    /// The entity tag, without quotes.
    pub(crate) fn tag(&self) -> String {
        tag_text(self.tag)
    }

    /// What is to be done with it under these conditions; `None` stands for a blob that is not there.
    ///
    /// # Errors
    ///
    /// 409 and 412 where they do not hold, 404 where nothing is there that has to be.
    pub(crate) fn check(blob: Option<&Blob>, intent: Intent, conditions: &Preconditions) -> Result<Outcome, Refusal> {
        let tag = blob.and_then(|blob| tag_of(blob.tag));
        let modified = blob.and_then(|blob| Rfc1123::try_from(blob.modified).ok());
        match conditions.evaluate(intent, blob.map(|_| Current { etag: tag.as_ref(), modified })) {
            Outcome::Missing => Err(Refusal::no_blob()),
            Outcome::Refused if blob.is_some() && conditions.if_none_match.iter().any(ETag::is_any) => {
                Err(Refusal::blob_exists())
            }
            Outcome::Refused => Err(Refusal::condition_not_met()),
            outcome => Ok(outcome),
        }
    }

    fn weight(&self, name: &str) -> u64 {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
        OVERHEAD + (name.len() + headers) as u64 + REFERENCE * self.blocks.len() as u64
    }
}

impl Blobs {
    /// Keeps room for a body, which may not fit any more when it is there.
    ///
    /// # Errors
    ///
    /// 413 where there is none.
    pub(crate) fn reserve(&self, bytes: u64) -> Result<Reserved, Refusal> {
        let bytes = bytes.saturating_add(2 * OVERHEAD);
        let more = |reserved: u64| {
            let all = reserved.checked_add(bytes)?;
            (all.checked_add(self.used)? <= self.most.0).then_some(all)
        };
        match self.reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(Reserved { of: self.reserved.clone(), bytes }),
            Err(_) => Err(Refusal::full()),
        }
    }

    fn room(&self, bytes: u64) -> Result<(), Refusal> {
        match self.used.saturating_add(bytes) <= self.most.0 {
            true => Ok(()),
            false => Err(Refusal::full()),
        }
    }

    /// What addresses are signed with, if anything has been signed yet.
    pub(crate) fn key(&self) -> Option<&Secret> {
        self.key.as_ref()
    }

    /// A container.
    ///
    /// # Errors
    ///
    /// 404 where there is none of this name.
    pub(crate) fn container(&self, name: &str) -> Result<&Container, Refusal> {
        self.containers.get(name).ok_or_else(Refusal::no_container)
    }

    /// A blob.
    ///
    /// # Errors
    ///
    /// 404 where it, or its container, is not there.
    pub(crate) fn blob(&self, container: &str, name: &str) -> Result<Arc<Blob>, Refusal> {
        self.container(container)?.blobs.get(name).cloned().ok_or_else(Refusal::no_blob)
    }

    /// The bytes of a blob, in pieces.
    pub(crate) fn content(&self, blob: &Blob) -> Vec<Bytes> {
        blob.blocks.iter().filter_map(|block| self.pieces.get(&block.piece).cloned()).collect()
    }

    /// Blobs in the order of their names: those that begin with a prefix, from a name on. Names that have a delimiter behind the prefix are one
    /// line together.
    ///
    /// # Errors
    ///
    /// 404 where there is no such container.
    pub(crate) fn list(
        &self,
        container: &str,
        prefix: &str,
        delimiter: Option<&str>,
        from: Option<&str>,
        most: usize,
    ) -> Result<Page, Refusal> {
        let blobs = &self.container(container)?.blobs;
        let mut start = Bound::Included(from.unwrap_or_default().max(prefix).to_owned());
        let mut lines = Vec::new();
        loop {
            let next = blobs.range::<String, _>((start.as_ref(), Bound::Unbounded)).next();
            let Some((name, blob)) = next.filter(|(name, _)| name.starts_with(prefix)) else {
                return Ok((lines, None));
            };
            if lines.len() == most {
                return Ok((lines, Some(name.clone())));
            }
            let rest = name.get(prefix.len()..).unwrap_or_default();
            let end = delimiter.and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
            match end.and_then(|end| name.get(..prefix.len() + end)) {
                Some(common) => {
                    lines.push(Listed::Prefix(common.to_owned()));
                    // Behind the last of all characters there is nothing.
                    let Some(next) = behind(common) else { return Ok((lines, None)) };
                    start = Bound::Included(next);
                }
                None => {
                    start = Bound::Excluded(name.clone());
                    lines.push(Listed::Blob(name.clone(), blob.clone()));
                }
            }
        }
    }

    fn next_tag(&mut self, now: SystemTime) -> u64 {
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros();
        let now = u64::try_from(since_1970).unwrap_or_default();
        self.last_tag = now.max(self.last_tag.saturating_add(1));
        self.last_tag
    }

    fn insert_draft(&mut self, place: (String, String), draft: Draft) {
        self.used += draft.weight;
        self.deadlines.insert((later(draft.touched, WEEK), place.clone()));
        self.drafts.insert(place, draft);
    }

    fn take_draft(&mut self, place: &(String, String)) -> Option<Draft> {
        let draft = self.drafts.remove(place)?;
        self.used -= draft.weight;
        self.deadlines.remove(&(later(draft.touched, WEEK), place.clone()));
        Some(draft)
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<SystemTime> {
        self.deadlines.first().map(|(at, _)| *at)
    }
}

/// The first name behind all those that begin with a prefix.
fn behind(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let next = (last as u32 + 1..=char::MAX as u32).find_map(char::from_u32);
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// Does what is due.
pub(super) fn advance(hub: &Hub, state: &mut HubState, changes: &mut Changes, now: SystemTime) {
    let mut writer = Writer::open(hub, state, changes, now);
    while let Some((_, place)) = writer.blobs.deadlines.first().filter(|(at, _)| *at <= now).cloned() {
        writer.drop_draft(&place);
    }
}
