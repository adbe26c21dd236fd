//! Blobs in the store, and back.

use std::collections::BTreeSet;
use std::time::SystemTime;

use bytes::Bytes;
use iothub::runtime::Secret;
use serde::{Deserialize, Serialize};

use super::super::hub::HubState;
use super::super::load::parse;
use super::{Blob, Block, Container, Draft, OVERHEAD, Parts, Writer};
use std::collections::BTreeMap;
use std::sync::Arc;

// Records are read in the order of their kinds: what the others refer to comes before them.
const CONTAINER: &str = "container";
const CONTENT: &str = "content";
const DRAFT: &str = "draft";
const PIECE: &str = "piece";
const KEY: &str = "signing";

/// The kinds of records.
pub(crate) const KINDS: [&str; 5] = [CONTAINER, CONTENT, DRAFT, PIECE, KEY];

/// Bytes to be put, also in the form in which the store takes them, so that nobody waits for the copy.
#[derive(Debug)]
pub(crate) struct Content {
    pub(super) bytes: Bytes,
    pub(super) record: Vec<u8>,
}

impl Content {
    /// These bytes.
    pub(crate) fn new(bytes: Bytes) -> Content {
        Content { record: bytes.to_vec(), bytes }
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[derive(Serialize, Deserialize)]
struct ContainerRecord {
    created: SystemTime,
    tag: u64,
}

/// A block that is not part of a blob yet.
#[derive(Serialize, Deserialize)]
struct DraftRecord {
    container: String,
    blob: String,
    touched: SystemTime,
    id: String,
    length: u64,
}

/// A record of what is nothing that JSON cannot write.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn number(piece: u64) -> String {
    format!("{piece:020}")
}

impl Writer<'_> {
    fn put(&mut self, kind: &str, id: &str, record: Vec<u8>) {
        self.changes.put(self.hub.key(kind, id), record);
    }

    fn remove(&mut self, kind: &str, id: &str) {
        self.changes.remove(self.hub.key(kind, id));
    }

    pub(super) fn keep_key(&mut self, key: &Secret) {
        self.put(KEY, "", key.expose().as_bytes().to_vec());
    }

    pub(super) fn keep_container(&mut self, name: &str, container: &Container) {
        let Container { created, tag, .. } = container;
        self.put(CONTAINER, name, json(&ContainerRecord { created: *created, tag: *tag }));
    }

    pub(super) fn forget_container(&mut self, name: &str) {
        self.remove(CONTAINER, name);
    }

    pub(super) fn keep_blob(&mut self, container: &str, name: &str, blob: &Blob) {
        self.put(CONTENT, &format!("{container}/{name}"), json(blob));
    }

    pub(super) fn forget_blob(&mut self, container: &str, name: &str) {
        self.remove(CONTENT, &format!("{container}/{name}"));
    }

    pub(super) fn keep_draft(&mut self, place: &(String, String), block: &Block) {
        let (container, blob) = place.clone();
        let Block { id, piece, length } = block.clone();
        let record = DraftRecord { container, blob, touched: self.now, id, length };
        self.put(DRAFT, &number(piece), json(&record));
    }

    pub(super) fn forget_draft(&mut self, piece: u64) {
        self.remove(DRAFT, &number(piece));
    }

    pub(super) fn keep_piece(&mut self, piece: u64, record: Vec<u8>) {
        self.put(PIECE, &number(piece), record);
    }

    pub(super) fn forget_piece(&mut self, piece: u64) {
        self.remove(PIECE, &number(piece));
    }
}

/// Reads a record of the store.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn load(state: &mut HubState, kind: &str, id: &str, bytes: &[u8]) -> Result<(), String> {
    const NO_NUMBER: &str = "it has no number";
    let blobs = &mut state.blobs;
    match kind {
        CONTAINER => {
            let ContainerRecord { created, tag } = parse(bytes)?;
            blobs.used += OVERHEAD + id.len() as u64;
            blobs.last_tag = blobs.last_tag.max(tag);
            blobs.containers.insert(id.to_owned(), Container { created, tag, blobs: BTreeMap::new() });
        }
        CONTENT => {
            let (container, name) = id.split_once('/').ok_or("it is in no container")?;
            let blob: Blob = parse(bytes)?;
            blobs.used += blob.weight(name);
            blobs.last_tag = blobs.last_tag.max(blob.tag);
            let container = blobs.containers.get_mut(container).ok_or("there is no such container")?;
            container.blobs.insert(name.to_owned(), Arc::new(blob));
        }
        DRAFT => {
            let DraftRecord { container, blob, touched, id: name, length } = parse(bytes)?;
            let piece = id.parse().map_err(|_| NO_NUMBER)?;
            blobs.containers.get(&container).ok_or("there is no such container")?;
            // Whoever has been writing parts is no more: they go as soon as somebody looks.
            let touched = if Parts::is_name(&blob) { SystemTime::UNIX_EPOCH } else { touched };
            let place = (container, blob);
            let mut draft = blobs.take_draft(&place).unwrap_or_else(|| Draft::new(&place, touched));
            draft.touched = draft.touched.max(touched);
            let before = draft.put(Block { id: name, piece, length });
            blobs.insert_draft(place, draft);
            if before.is_some() {
                return Err("it is there twice".to_owned());
            }
        }
        PIECE => {
            let piece: u64 = id.parse().map_err(|_| NO_NUMBER)?;
            blobs.used += OVERHEAD + bytes.len() as u64;
            blobs.last_piece = blobs.last_piece.max(piece);
            blobs.pieces.insert(piece, Bytes::copy_from_slice(bytes));
        }
        _ => {
            let text = std::str::from_utf8(bytes).map_err(|_| "it is no key")?;
            blobs.key = Some(Secret::from(text.to_owned()));
        }
    }
    Ok(())
}

/// Whether all pieces are there, and part of something.
///
/// # Errors
///
/// What is wrong.
pub(crate) fn check(state: &HubState) -> Result<(), String> {
    let blobs = &state.blobs;
    let all = blobs.containers.values().flat_map(|container| container.blobs.values());
    let drafts = blobs.drafts.values().flat_map(|draft| draft.blocks.values());
    let mut used = BTreeSet::new();
    for block in all.clone().flat_map(|blob| &blob.blocks).chain(drafts) {
        let piece = blobs.pieces.get(&block.piece).filter(|piece| piece.len() as u64 == block.length);
        piece.ok_or_else(|| format!("the piece {} of a blob is not there as a whole", block.piece))?;
        used.insert(block.piece);
    }
    let sum = |blob: &Blob| blob.blocks.iter().fold(0, |sum: u64, block| sum.saturating_add(block.length));
    if all.clone().any(|blob| sum(blob) != blob.length) {
        return Err("a blob is longer or shorter than its pieces".to_owned());
    }
    match blobs.pieces.keys().find(|piece| !used.contains(piece)) {
        Some(piece) => Err(format!("the piece {piece} is part of nothing")),
        None => Ok(()),
    }
}
