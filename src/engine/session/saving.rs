//! Saving the open site: beside everything else, a batch at a time, and nothing is lost when it fails.

use tokio::sync::oneshot;

use super::{SAVE_AGAIN_MILLIS, SAVE_TRIES, Saving, Session};
use crate::engine::clock;
use crate::engine::command::sentence;
use crate::engine::store::{NotTaken, SaveBatch, WatchBatch};
use crate::model::registry::Dirty;
use crate::model::time::Timestamp;

impl Session {
    /// Takes notice of a save that ended, and begins the next one when something changed.
    pub(in crate::engine) fn save_turn(&mut self, now: Timestamp) {
        self.settle_save(now);
        if self.saving.is_some() || self.site.read_only.is_some() || now < self.save_not_before {
            return;
        }
        self.begin_save(now, false);
        self.site.dirty = self.saving.is_some() || self.is_dirty();
    }

    fn is_dirty(&self) -> bool {
        self.registry.is_dirty() || self.watch.is_dirty()
    }

    /// The clock was set: what waited for a time that may be far away now waits no longer.
    pub(in crate::engine) fn clock_was_set(&mut self, now: Timestamp) {
        self.save_not_before = now;
    }

    fn settle_save(&mut self, now: Timestamp) {
        let Some(saving) = &mut self.saving else {
            return;
        };
        let result = match saving.done.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) => return,
            Ok(result) => result.map_err(|error| sentence(&error)),
            Err(oneshot::error::TryRecvError::Closed) => Err("The site file is closed".to_owned()),
        };
        let Some(Saving { parts, .. }) = self.saving.take() else {
            return;
        };
        match result {
            Ok(()) => self.note_saved(&parts, now),
            Err(words) => {
                tracing::warn!("not saved: {words}");
                self.put_back(parts);
                self.site.save_error = Some(words);
                self.save_not_before = now.plus_millis(SAVE_AGAIN_MILLIS);
            }
        }
        self.site.dirty = self.is_dirty();
    }

    fn note_saved(&mut self, parts: &SaveParts, now: Timestamp) {
        self.watch.saved(&parts.watching);
        self.site.saved = Some(now);
        self.site.save_error = None;
    }

    /// It was not saved, and goes with the next save.
    fn put_back(&mut self, parts: SaveParts) {
        self.registry.put_back(&parts.batch);
        self.watch.put_back(parts.watching);
        self.has_v3_is_dirty |= parts.has_v3.is_some();
    }

    pub(super) fn begin_save(&mut self, now: Timestamp, closing: bool) {
        let Some(store) = &self.store else { return };
        let parts = SaveParts {
            batch: self.registry.take_dirty(now, closing),
            watching: self.watch.take_batch(now, closing),
            has_v3: std::mem::take(&mut self.has_v3_is_dirty).then_some(self.has_v3),
        };
        if parts.is_empty() {
            return;
        }
        let (told, done) = oneshot::channel();
        let taken = store.save(parts.for_store(), move |result| {
            // Nobody waits for it once the session is closed.
            let _ = told.send(result);
        });
        match taken {
            Ok(()) => self.saving = Some(Saving { parts, done }),
            Err(NotTaken::Busy) => self.put_back(parts),
            Err(error @ NotTaken::Ended) => {
                self.put_back(parts);
                self.site.save_error = Some(sentence(&error));
                self.save_not_before = now.plus_millis(SAVE_AGAIN_MILLIS);
            }
        }
    }

    /// Waits for a save that was begun. Returns why it failed.
    pub(super) async fn finish_save(&mut self) -> Result<(), String> {
        let Some(saving) = self.saving.take() else {
            return Ok(());
        };
        let words = match saving.done.await {
            Ok(Ok(())) => {
                self.note_saved(&saving.parts, clock::now());
                return Ok(());
            }
            Ok(Err(error)) => sentence(&error),
            Err(_) => "The site file is closed".to_owned(),
        };
        self.put_back(saving.parts);
        Err(words)
    }

    /// Saves everything, also what is only a moment old. Returns why not, when it cannot.
    pub(in crate::engine) async fn save_all(&mut self) -> Result<(), String> {
        for _ in 0..SAVE_TRIES {
            self.finish_save().await?;
            if self.site.read_only.is_some() {
                return Ok(());
            }
            self.begin_save(clock::now(), true);
            if self.saving.is_none() && !self.is_dirty() {
                return Ok(());
            }
        }
        self.finish_save().await
    }
}

/// What one save is made of.
pub(super) struct SaveParts {
    batch: Dirty,
    watching: WatchBatch,
    /// Whether the keyring has a user of SNMP v3 for the site, when that changed.
    has_v3: Option<bool>,
}

impl SaveParts {
    fn is_empty(&self) -> bool {
        self.batch.changed.is_empty()
            && self.batch.removed.is_empty()
            && self.batch.extra_columns.is_none()
            && self.watching.is_empty()
            && self.has_v3.is_none()
    }

    /// A copy for the store's thread; units and segments are shared.
    fn for_store(&self) -> SaveBatch {
        SaveBatch {
            has_v3: self.has_v3,
            changed: self.batch.changed.clone(),
            removed: self.batch.removed.clone(),
            extra_columns: self.batch.extra_columns.clone(),
            next_id: self.batch.next_id,
            watching: self.watching.clone(),
        }
    }
}
