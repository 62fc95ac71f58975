//! The evidence of all units within one bound: the oldest goes first.

use std::collections::VecDeque;

use super::{RAW_KEPT, SIGHTINGS_KEPT};
use crate::model::identity::ApplianceId;
use crate::model::sighting::Evidence;

/// What one piece of evidence costs beside its raw bytes: itself, its place in the queue, and the slack of a ring.
const EVIDENCE_COST_BYTES: usize = size_of::<Evidence>() + size_of::<(ApplianceId, u64)>() + 16;

/// The order in which evidence came, over all units, and what it costs.
#[derive(Debug, Default)]
pub(super) struct Archive {
    /// Evidence in the order in which it came. Entries whose evidence left its unit's ring are skipped.
    order: VecDeque<(ApplianceId, u64)>,
    bytes: usize,
    pub(super) live: usize,
    next_seq: u64,
    /// The length of the queue at which stale entries are looked for again.
    compact_at: usize,
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
        self.live += 1;
        self.order.push_back((id, evidence.seq));
        ring.push_back(evidence);
        while ring.len() > SIGHTINGS_KEPT {
            self.drop_oldest(ring);
        }
        let with_raw = ring
            .iter()
            .filter(|evidence| evidence.raw.is_some())
            .count();
        if with_raw > RAW_KEPT
            && let Some(raw) = ring.iter_mut().find_map(|evidence| evidence.raw.take())
        {
            self.bytes -= raw.len();
        }
        if self.order.len() > self.compact_at {
            self.compact();
            self.compact_at = 2 * self.order.len() + 4_096;
        }
    }

    /// The unit whose evidence is the oldest of all, with its number, and takes it off the queue.
    pub(super) fn pop_oldest(&mut self) -> Option<(ApplianceId, u64)> {
        self.order.pop_front()
    }

    /// Drops the oldest evidence of a ring.
    pub(super) fn drop_oldest(&mut self, ring: &mut VecDeque<Evidence>) {
        if let Some(evidence) = ring.pop_front() {
            self.bytes -= cost(&evidence);
            self.live -= 1;
        }
    }

    /// Forgets the evidence of a unit that leaves the registry.
    pub(super) fn release(&mut self, ring: &VecDeque<Evidence>) {
        for evidence in ring {
            self.bytes -= cost(evidence);
            self.live -= 1;
        }
    }

    /// Counts evidence that comes back with a unit: loaded, or a forget that was undone.
    pub(super) fn adopt(&mut self, id: ApplianceId, ring: &VecDeque<Evidence>) {
        for evidence in ring {
            self.bytes += cost(evidence);
            self.live += 1;
            self.next_seq = self.next_seq.max(evidence.seq);
            self.order.push_back((id, evidence.seq));
        }
    }

    /// Brings evidence of many units that came back into the order in which it was heard.
    pub(super) fn put_in_order(&mut self) {
        self.order.make_contiguous().sort_by_key(|(_, seq)| *seq);
    }

    /// Keeps only the newest entry per piece of evidence that may still be held: each unit holds at most
    /// [`SIGHTINGS_KEPT`], so older entries of the same unit are stale.
    fn compact(&mut self) {
        let mut seen: std::collections::HashMap<ApplianceId, usize> =
            std::collections::HashMap::new();
        let mut kept: VecDeque<(ApplianceId, u64)> =
            VecDeque::with_capacity(self.live + SIGHTINGS_KEPT);
        for entry in self.order.iter().rev() {
            let count = seen.entry(entry.0).or_insert(0);
            if *count < SIGHTINGS_KEPT {
                *count += 1;
                kept.push_front(*entry);
            }
        }
        self.order = kept;
    }
}

pub(super) fn cost(evidence: &Evidence) -> usize {
    EVIDENCE_COST_BYTES + evidence.raw.as_ref().map_or(0, |raw| raw.len())
}
