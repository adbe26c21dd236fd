//! What changes blobs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use iothub::runtime::server::Preconditions;
use iothub::runtime::{Intent, Secret};

use super::super::hub::{Hub, HubState};
use super::{Among, BLOCKS, Blob, Blobs, Block, Container, Content, Draft, OVERHEAD, REFERENCE};
use crate::blobs::Refusal;
use crate::store::Changes;

/// What a name has that no client can give.
const HIDDEN: char = '\0';

/// Parts of what is to be a blob: a container, and a name of their own.
#[derive(Debug)]
pub(crate) struct Parts((String, String));

impl Parts {
    /// Parts of a blob in this container, by an id that nobody else has.
    pub(crate) fn new(container: &str, id: &str) -> Parts {
        Parts((container.to_owned(), format!("{HIDDEN}{id}")))
    }

    /// Whether it is a name of such.
    pub(super) fn is_name(name: &str) -> bool {
        name.starts_with(HIDDEN)
    }
}

/// What changes blobs, within [`Hub::change`].
pub(crate) struct Writer<'a> {
    pub(super) hub: &'a Hub,
    pub(super) blobs: &'a mut Blobs,
    pub(super) changes: &'a mut Changes,
    pub(super) now: SystemTime,
}

impl<'a> Writer<'a> {
    /// What changes the blobs of a hub.
    pub(crate) fn open(hub: &'a Hub, state: &'a mut HubState, changes: &'a mut Changes, now: SystemTime) -> Writer<'a> {
        Writer { hub, blobs: &mut state.blobs, changes, now }
    }

    /// What addresses are signed with: `fresh` from now on, if there has been nothing.
    pub(crate) fn key(&mut self, fresh: Secret) -> Secret {
        if let Some(key) = &self.blobs.key {
            return key.clone();
        }
        self.keep_key(&fresh);
        self.blobs.key = Some(fresh.clone());
        fresh
    }

    /// Makes a container.
    ///
    /// # Errors
    ///
    /// 409 where it is there, 413 where there is no room.
    pub(crate) fn create_container(&mut self, name: &str) -> Result<(), Refusal> {
        if self.blobs.containers.contains_key(name) {
            return Err(Refusal::container_exists());
        }
        let weight = OVERHEAD + name.len() as u64;
        self.blobs.room(weight)?;
        self.blobs.used += weight;
        let container = Container { created: self.now, tag: self.blobs.next_tag(self.now), blobs: BTreeMap::new() };
        self.keep_container(name, &container);
        self.blobs.containers.insert(name.to_owned(), container);
        Ok(())
    }

    /// Makes a container, unless it is there.
    ///
    /// # Errors
    ///
    /// 413 where there is no room.
    pub(crate) fn ensure_container(&mut self, name: &str) -> Result<(), Refusal> {
        match self.blobs.containers.contains_key(name) {
            true => Ok(()),
            false => self.create_container(name),
        }
    }

    /// Deletes a container with all that is in it.
    ///
    /// # Errors
    ///
    /// 404 where it is not there.
    pub(crate) fn delete_container(&mut self, name: &str) -> Result<(), Refusal> {
        let container = self.blobs.containers.remove(name).ok_or_else(Refusal::no_container)?;
        self.blobs.used -= OVERHEAD + name.len() as u64;
        self.forget_container(name);
        for (blob, content) in &container.blobs {
            self.drop_blob(name, blob, content);
        }
        let drafts: Vec<_> = self.blobs.drafts.keys().filter(|(of, _)| of == name).cloned().collect();
        for place in drafts {
            self.drop_draft(&place);
        }
        Ok(())
    }

    /// Puts a blob as one, in place of another of its name.
    ///
    /// # Errors
    ///
    /// 404, 409 and 412 where it may not be; 413 where there is no room.
    pub(crate) fn put_blob(
        &mut self,
        place: (&str, &str),
        conditions: &Preconditions,
        headers: BTreeMap<String, String>,
        content: Content,
    ) -> Result<Arc<Blob>, Refusal> {
        let (container, name) = place;
        let old = self.writable(container, name, conditions)?;
        let length = content.bytes.len() as u64;
        self.blobs.room(length.saturating_add(4 * OVERHEAD))?;
        let blocks = match length {
            0 => Vec::new(),
            _ => vec![Block { id: String::new(), piece: self.add_piece(content), length }],
        };
        Ok(self.commit(container, name, old, headers, length, blocks))
    }

    /// Puts a block that may become part of a blob.
    ///
    /// # Errors
    ///
    /// 400 where its name is longer or shorter than those of others, 404 where there is no such container, 413 where there is no room.
    pub(crate) fn put_block(&mut self, place: (&str, &str), id: &str, content: Content) -> Result<(), Refusal> {
        let (container, name) = place;
        let committed = self.blobs.container(container)?.blobs.get(name).cloned();
        let place = (container.to_owned(), name.to_owned());
        let draft = self.blobs.drafts.get(&place);
        // All of them are as long as the first.
        let known = committed.iter().filter_map(|blob| blob.blocks.first()).map(|block| &block.id);
        let mut known = known.chain(draft.and_then(|draft| draft.blocks.keys().next()));
        if known.any(|known| !known.is_empty() && known.len() != id.len()) {
            return Err(Refusal::invalid_block());
        }
        if draft.is_some_and(|draft| draft.blocks.len() >= BLOCKS && !draft.blocks.contains_key(id)) {
            return Err(Refusal::too_many_blocks());
        }
        let length = content.bytes.len() as u64;
        self.blobs.room(length.saturating_add(4 * OVERHEAD + (container.len() + name.len()) as u64))?;
        let piece = self.add_piece(content);
        let block = Block { id: id.to_owned(), piece, length };
        self.keep_draft(&place, &block);
        self.touch_draft(place, block);
        Ok(())
    }

    /// Makes a blob of blocks.
    ///
    /// # Errors
    ///
    /// 400 where there is no such block; 404, 409 and 412 where it may not be; 413 where it becomes too large.
    pub(crate) fn put_block_list(
        &mut self,
        place: (&str, &str),
        conditions: &Preconditions,
        headers: BTreeMap<String, String>,
        list: &[(Among, String)],
    ) -> Result<Arc<Blob>, Refusal> {
        let (container, name) = place;
        let old = self.writable(container, name, conditions)?;
        let draft = self.blobs.drafts.get(&(container.to_owned(), name.to_owned()));
        let uncommitted = |id: &str| draft.and_then(|draft| draft.blocks.get(id));
        let known: BTreeMap<&str, &Block> =
            old.iter().flat_map(|blob| &blob.blocks).map(|block| (block.id.as_str(), block)).collect();
        let committed = |id: &str| known.get(id).copied();
        let blocks: Option<Vec<Block>> = list
            .iter()
            .map(|(among, id)| match among {
                Among::Committed => committed(id).cloned(),
                Among::Uncommitted => uncommitted(id).cloned(),
                Among::Latest => uncommitted(id).or_else(|| committed(id)).cloned(),
            })
            .collect();
        let blocks = blocks.ok_or_else(Refusal::invalid_block_list)?;
        let length = blocks.iter().try_fold(0, |sum: u64, block| sum.checked_add(block.length));
        let most = self.blobs.most.0;
        // Blocks that come again cost nothing.
        let length = length.filter(|length| *length <= most).ok_or_else(|| Refusal::too_large(most))?;
        self.blobs.room(4 * OVERHEAD + REFERENCE * blocks.len() as u64)?;
        Ok(self.commit(container, name, old, headers, length, blocks))
    }

    /// Adds a part of what is to be a blob. Nobody sees it until [`put_parts`](Self::put_parts).
    ///
    /// # Errors
    ///
    /// 404 where there is no such container, 413 where there is no room.
    pub(crate) fn add_part(&mut self, parts: &Parts, number: usize, content: Content) -> Result<(), Refusal> {
        self.blobs.container(&parts.0.0)?;
        let length = content.bytes.len() as u64;
        self.blobs.room(length.saturating_add(4 * OVERHEAD))?;
        let block = Block { id: format!("{number:08}"), piece: self.add_piece(content), length };
        self.keep_draft(&parts.0, &block);
        self.touch_draft(parts.0.clone(), block);
        Ok(())
    }

    /// Makes a blob of parts, in place of another of its name.
    ///
    /// # Errors
    ///
    /// 404 where there is no such container, 413 where there is no room.
    pub(crate) fn put_parts(
        &mut self,
        parts: &Parts,
        name: &str,
        headers: BTreeMap<String, String>,
    ) -> Result<Arc<Blob>, Refusal> {
        let old = self.blobs.container(&parts.0.0)?.blobs.get(name).cloned();
        let count = self.blobs.drafts.get(&parts.0).map_or(0, |draft| draft.blocks.len());
        self.blobs.room(4 * OVERHEAD + REFERENCE * count as u64)?;
        let draft = self.blobs.take_draft(&parts.0);
        let mut blocks: Vec<Block> = draft.into_iter().flat_map(|draft| draft.blocks.into_values()).collect();
        for block in &mut blocks {
            self.forget_draft(block.piece);
            // It is none of those that clients name.
            block.id.clear();
        }
        let length = blocks.iter().map(|block| block.length).sum();
        Ok(self.commit(&parts.0.0, name, old, headers, length, blocks))
    }

    /// Drops parts of which no blob has been made.
    pub(crate) fn drop_parts(&mut self, parts: &Parts) {
        self.drop_draft(&parts.0);
    }

    /// Deletes a blob.
    ///
    /// # Errors
    ///
    /// 404 where it is not there, 412 where a condition does not hold.
    pub(crate) fn delete_blob(&mut self, place: (&str, &str), conditions: &Preconditions) -> Result<(), Refusal> {
        let (container, name) = place;
        let blob = self.blobs.blob(container, name)?;
        Blob::check(Some(&blob), Intent::Delete, conditions)?;
        if let Some(container) = self.blobs.containers.get_mut(container) {
            container.blobs.remove(name);
        }
        self.drop_blob(container, name, &blob);
        self.drop_draft(&(container.to_owned(), name.to_owned()));
        Ok(())
    }

    /// The blob that may be replaced, if there is one.
    fn writable(&self, container: &str, name: &str, conditions: &Preconditions) -> Result<Option<Arc<Blob>>, Refusal> {
        let old = self.blobs.container(container)?.blobs.get(name).cloned();
        Blob::check(old.as_deref(), Intent::Write, conditions)?;
        Ok(old)
    }

    /// Puts a blob in place of another. Blocks that it does not have are gone.
    fn commit(
        &mut self,
        container: &str,
        name: &str,
        old: Option<Arc<Blob>>,
        headers: BTreeMap<String, String>,
        length: u64,
        blocks: Vec<Block>,
    ) -> Arc<Blob> {
        let used: BTreeSet<u64> = blocks.iter().map(|block| block.piece).collect();
        let tag = self.blobs.next_tag(self.now);
        let created = old.as_ref().map_or(self.now, |old| old.created);
        let blob = Arc::new(Blob { tag, created, modified: self.now, length, headers, blocks });
        if let Some(old) = old {
            self.blobs.used -= old.weight(name);
            let pieces: BTreeSet<u64> = old.blocks.iter().map(|block| block.piece).collect();
            pieces.difference(&used).for_each(|piece| self.drop_piece(*piece));
        }
        let place = (container.to_owned(), name.to_owned());
        if let Some(draft) = self.blobs.take_draft(&place) {
            for block in draft.blocks.values() {
                self.forget_draft(block.piece);
                if !used.contains(&block.piece) {
                    self.drop_piece(block.piece);
                }
            }
        }
        self.blobs.used += blob.weight(name);
        self.keep_blob(container, name, &blob);
        if let Some(container) = self.blobs.containers.get_mut(container) {
            container.blobs.insert(name.to_owned(), blob.clone());
        }
        blob
    }

    fn drop_blob(&mut self, container: &str, name: &str, blob: &Blob) {
        self.blobs.used -= blob.weight(name);
        self.forget_blob(container, name);
        let pieces: BTreeSet<u64> = blob.blocks.iter().map(|block| block.piece).collect();
        pieces.into_iter().for_each(|piece| self.drop_piece(piece));
    }

    fn add_piece(&mut self, content: Content) -> u64 {
        self.blobs.last_piece += 1;
        let piece = self.blobs.last_piece;
        self.blobs.used += OVERHEAD + content.bytes.len() as u64;
        self.keep_piece(piece, content.record);
        self.blobs.pieces.insert(piece, content.bytes);
        piece
    }

    fn drop_piece(&mut self, piece: u64) {
        if let Some(bytes) = self.blobs.pieces.remove(&piece) {
            self.blobs.used -= OVERHEAD + bytes.len() as u64;
            self.forget_piece(piece);
        }
    }

    fn touch_draft(&mut self, place: (String, String), block: Block) {
        let mut draft = self.blobs.take_draft(&place).unwrap_or_else(|| Draft::new(&place, self.now));
        draft.touched = self.now;
        if let Some(before) = draft.put(block) {
            self.forget_draft(before.piece);
            self.drop_piece(before.piece);
        }
        self.blobs.insert_draft(place, draft);
    }

    pub(super) fn drop_draft(&mut self, place: &(String, String)) {
        for block in self.blobs.take_draft(place).into_iter().flat_map(|draft| draft.blocks.into_values()) {
            self.forget_draft(block.piece);
            self.drop_piece(block.piece);
        }
    }
}
