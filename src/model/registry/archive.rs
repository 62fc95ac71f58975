//! The evidence of all units within one bound: the oldest goes first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::{RAW_KEPT, SIGHTINGS_KEPT};
use crate::model::identity::ApplianceId;
use crate::model::sighting::Evidence;

/// What one piece of evidence costs beside its raw bytes: itself, and the slack of a ring.
const EVIDENCE_COST_BYTES: usize = size_of::<Evidence>() + 32;

/// Entries that are kept before any is looked at again.
const ENTRIES_KEPT: usize = 4_096;

/// What the evidence of all units costs, and whose is the oldest.
#[derive(Debug, Default)]
pub(super) struct Archive {
    /// One entry for each unit with evidence: a number that is at most that of its oldest. It is brought up to date
    /// only when the unit's turn comes, so that hearing a known unit costs nothing here.
    oldest: BinaryHeap<Reverse<(u64, ApplianceId)>>,
    bytes: usize,
    next_seq: u64,
}

impl Archive {
    /// The number of the next piece of evidence.
    pub(super) fn next_seq(&mut self) -> u64 {
        self.next_seq += 1;
        self.next_seq
    }

    /// Bytes that the evidence of all units costs.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds evidence to a unit's ring and drops what the ring no longer holds.
    pub(super) fn push(
        &mut self,
        id: ApplianceId,
        ring: &mut VecDeque<Evidence>,
        evidence: Evidence,
    ) {
        self.next_seq = self.next_seq.max(evidence.seq);
        self.bytes += cost(&evidence);
        if ring.is_empty() {
            self.oldest.push(Reverse((evidence.seq, id)));
        }
        if ring.capacity() == 0 {
            // Most units of a large site are heard once or twice: room for four would be for nothing.
            ring.reserve_exact(1);
        }
        // Dropped first, so that a full ring never grows.
        while ring.len() >= SIGHTINGS_KEPT {
            self.drop_oldest(ring);
        }
        ring.push_back(evidence);
        // The newest have bytes as a rule, so that this ends after a few.
        let too_old = ring
            .iter_mut()
            .rev()
            .filter(|evidence| evidence.raw.is_some())
            .nth(RAW_KEPT);
        if let Some(raw) = too_old.and_then(|evidence| evidence.raw.take()) {
            self.bytes -= raw.len();
        }
    }

    /// Takes the entry of the unit whose evidence may be the oldest of all: a number that is at most that of its
    /// oldest evidence. To be put back with [`Self::put_back`] while the unit has evidence.
    pub(super) fn pop_oldest(&mut self) -> Option<(ApplianceId, u64)> {
        let Reverse(entry) = self.oldest.pop()?;
        // A unit that was forgotten and came back may have two.
        while self.oldest.peek() == Some(&Reverse(entry)) {
            self.oldest.pop();
        }
        let (seq, id) = entry;
        Some((id, seq))
    }

    /// Enters a unit again, with what its ring holds now.
    pub(super) fn put_back(&mut self, id: ApplianceId, ring: &VecDeque<Evidence>) {
        if let Some(evidence) = ring.front() {
            self.oldest.push(Reverse((evidence.seq, id)));
        }
    }

    /// Whether entries of units that are gone outnumber those of the `num_units` that are there.
    pub(super) fn is_crowded(&self, num_units: usize) -> bool {
        self.oldest.len() > 2 * num_units + ENTRIES_KEPT
    }

    /// Begins anew with the units that are there.
    pub(super) fn enter_all<'a>(
        &mut self,
        units: impl Iterator<Item = (ApplianceId, &'a VecDeque<Evidence>)>,
    ) {
        let entries =
            units.filter_map(|(id, ring)| ring.front().map(|front| Reverse((front.seq, id))));
        self.oldest = entries.collect();
    }

    /// Drops the oldest evidence of a ring for the sake of the bound, and gives back the room that it had.
    pub(super) fn trim(&mut self, ring: &mut VecDeque<Evidence>) {
        self.drop_oldest(ring);
        if 2 * ring.len() < ring.capacity() {
            // One more place, so that the next sighting finds room.
            ring.shrink_to(ring.len() + 1);
        }
    }

    fn drop_oldest(&mut self, ring: &mut VecDeque<Evidence>) {
        if let Some(evidence) = ring.pop_front() {
            self.bytes -= cost(&evidence);
        }
    }

    /// Forgets the evidence of a unit that leaves the registry.
    pub(super) fn release(&mut self, ring: &VecDeque<Evidence>) {
        for evidence in ring {
            self.bytes -= cost(evidence);
        }
    }

    /// Counts evidence that comes back with a unit: loaded, or a forget that was undone.
    pub(super) fn adopt(&mut self, id: ApplianceId, ring: &VecDeque<Evidence>) {
        for evidence in ring {
            self.bytes += cost(evidence);
            self.next_seq = self.next_seq.max(evidence.seq);
        }
        self.put_back(id, ring);
    }
}

pub(super) fn cost(evidence: &Evidence) -> usize {
    EVIDENCE_COST_BYTES + evidence.raw.as_ref().map_or(0, |raw| raw.len())
}
