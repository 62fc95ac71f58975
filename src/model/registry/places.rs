//! Where units stand: chunks that a snapshot shares and a change copies, and the way from an id to its place.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::appliance::Appliance;
use crate::model::identity::ApplianceId;
use crate::model::snapshot::{CHUNK_UNITS, Slot, Units};

/// The units by place and by id.
#[derive(Debug, Default)]
pub(super) struct Places {
    units: Units,
    slots: HashMap<ApplianceId, Slot>,
    /// Places whose unit is gone, to be used again.
    free: Vec<Slot>,
}

impl Places {
    pub(super) fn len(&self) -> usize {
        self.units.len
    }

    pub(super) fn contains(&self, id: ApplianceId) -> bool {
        self.slots.contains_key(&id)
    }

    pub(super) fn units(&self) -> Units {
        self.units.clone()
    }

    pub(super) fn get(&self, id: ApplianceId) -> Option<&Arc<Appliance>> {
        self.at(self.slot(id)?)
    }

    /// The place of a unit, for several looks at it in a row.
    pub(super) fn slot(&self, id: ApplianceId) -> Option<Slot> {
        self.slots.get(&id).copied()
    }

    pub(super) fn at(&self, slot: Slot) -> Option<&Arc<Appliance>> {
        self.units.at(slot)
    }

    /// The unit, to be changed: copied first when a snapshot still shows it.
    pub(super) fn get_mut(&mut self, id: ApplianceId) -> Option<&mut Appliance> {
        self.at_mut(self.slot(id)?)
    }

    /// The unit at a place, to be changed as [`Self::get_mut`] does.
    pub(super) fn at_mut(&mut self, slot: Slot) -> Option<&mut Appliance> {
        let slot = slot as usize;
        let chunk = Arc::make_mut(self.units.chunks.get_mut(slot / CHUNK_UNITS)?);
        chunk
            .get_mut(slot % CHUNK_UNITS)?
            .as_mut()
            .map(Arc::make_mut)
    }

    pub(super) fn insert(&mut self, unit: Appliance) {
        let id = unit.id;
        let slot = self.free.pop().unwrap_or_else(|| self.end());
        let chunk_idx = slot as usize / CHUNK_UNITS;
        if chunk_idx == self.units.chunks.len() {
            self.units
                .chunks
                .push(Arc::new(Vec::with_capacity(CHUNK_UNITS)));
        }
        let chunk = Arc::make_mut(&mut self.units.chunks[chunk_idx]);
        let idx = slot as usize % CHUNK_UNITS;
        if idx == chunk.len() {
            chunk.push(Some(Arc::new(unit)));
        } else {
            chunk[idx] = Some(Arc::new(unit));
        }
        self.slots.insert(id, slot);
        self.units.len += 1;
    }

    pub(super) fn remove(&mut self, id: ApplianceId) -> Option<Arc<Appliance>> {
        let slot = self.slots.remove(&id)?;
        let chunk = Arc::make_mut(self.units.chunks.get_mut(slot as usize / CHUNK_UNITS)?);
        let unit = chunk.get_mut(slot as usize % CHUNK_UNITS)?.take()?;
        self.free.push(slot);
        self.units.len -= 1;
        Some(unit)
    }

    /// Every id, in the order of ids.
    pub(super) fn ids(&self) -> Vec<ApplianceId> {
        let mut ids: Vec<ApplianceId> = self.units.iter().map(|(_, unit)| unit.id).collect();
        ids.sort_unstable();
        ids
    }

    fn end(&self) -> Slot {
        let full = self.units.chunks.len().saturating_sub(1) * CHUNK_UNITS;
        (full + self.units.chunks.last().map_or(0, |chunk| chunk.len())) as Slot
    }
}
