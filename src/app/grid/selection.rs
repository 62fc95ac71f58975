//! Which units are selected. Follows the unit, never the row number.

use std::collections::BTreeMap;

use crate::model::identity::ApplianceId;
use crate::model::snapshot::{Slot, Units};

/// A unit with its place, so that it is found without looking through all of them.
pub(in crate::app) type Row = (Slot, ApplianceId);

/// The selected units.
#[derive(Debug, Default)]
pub(in crate::app) struct Selection {
    units: BTreeMap<ApplianceId, Slot>,
    /// Where a range begins.
    anchor: Option<ApplianceId>,
    /// Where the keyboard is.
    cursor: Option<Row>,
    /// Where the cursor was among the rows: looked at first, since there may be very many rows.
    cursor_idx: usize,
    /// Counts up with every change: what sums compare.
    revision: u64,
}

/// How a click or a key changes the selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Pick {
    /// Only this one.
    Only,
    /// This one too, or no longer (Ctrl or Cmd).
    Toggle,
    /// Everything from the anchor to this one (Shift).
    Range,
}

impl Selection {
    /// How many units are selected.
    pub(in crate::app) fn len(&self) -> usize {
        self.units.len()
    }

    /// Counts up with every change.
    pub(in crate::app) const fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether a unit is selected.
    pub(in crate::app) fn contains(&self, id: ApplianceId) -> bool {
        self.units.contains_key(&id)
    }

    /// The selected units, in the order of their ids.
    pub(in crate::app) fn rows(&self) -> impl Iterator<Item = Row> {
        self.units.iter().map(|(id, slot)| (*slot, *id))
    }

    /// The ids of the selected units.
    pub(in crate::app) fn ids(&self) -> Vec<ApplianceId> {
        self.units.keys().copied().collect()
    }

    /// The one selected unit, when it is one.
    pub(in crate::app) fn single(&self) -> Option<Row> {
        match self.units.len() {
            1 => self.rows().next(),
            _ => None,
        }
    }

    /// Where the keyboard is.
    pub(in crate::app) const fn cursor(&self) -> Option<Row> {
        self.cursor
    }

    /// Selects nothing.
    pub(in crate::app) fn clear(&mut self) {
        *self = Self {
            revision: self.revision + 1,
            ..Self::default()
        };
    }

    /// A click on a row, or a key that went there.
    pub(in crate::app) fn pick(&mut self, rows: &[Row], row_idx: usize, pick: Pick) {
        let Some(row) = rows.get(row_idx).copied() else {
            return;
        };
        let (slot, id) = row;
        self.revision += 1;
        match pick {
            Pick::Only => {
                self.units.clear();
                self.units.insert(id, slot);
                self.anchor = Some(id);
            }
            Pick::Toggle => {
                if self.units.remove(&id).is_none() {
                    self.units.insert(id, slot);
                }
                self.anchor = Some(id);
            }
            Pick::Range => {
                let place = |wanted: ApplianceId| rows.iter().position(|(_, id)| *id == wanted);
                let from = self.anchor.and_then(place).unwrap_or(row_idx);
                let range = from.min(row_idx)..=from.max(row_idx);
                self.units = rows[range].iter().map(|(slot, id)| (*id, *slot)).collect();
                self.anchor = self.anchor.or(Some(id));
            }
        }
        self.cursor = Some(row);
        self.cursor_idx = row_idx;
    }

    /// Selects every row.
    pub(in crate::app) fn select_all(&mut self, rows: &[Row]) {
        self.revision += 1;
        self.units = rows.iter().map(|(slot, id)| (*id, *slot)).collect();
        self.anchor = rows.first().map(|(_, id)| *id);
        self.cursor = self.cursor.or(rows.first().copied());
    }

    /// Drops units that are no longer in the site.
    pub(in crate::app) fn keep_existing(&mut self, units: &Units) {
        let exists = |slot: Slot, id: ApplianceId| units.at(slot).is_some_and(|unit| unit.id == id);
        self.units.retain(|id, slot| exists(*slot, *id));
        self.cursor = self.cursor.filter(|(slot, id)| exists(*slot, *id));
    }

    /// Where a step of the keyboard leads, from the cursor, within `rows`.
    pub(in crate::app) fn step(&self, rows: &[Row], step: Step, page_rows: usize) -> Option<usize> {
        let last = rows.len().checked_sub(1)?;
        let here = self.cursor.and_then(|(_, id)| {
            let is_here = |row_idx: &usize| rows.get(*row_idx).is_some_and(|row| row.1 == id);
            Some(self.cursor_idx)
                .filter(is_here)
                .or_else(|| rows.iter().position(|row| row.1 == id))
        });
        Some(match (step, here) {
            (Step::First, _) | (Step::Down | Step::PageDown, None) => 0,
            (Step::Last, _) | (Step::Up | Step::PageUp, None) => last,
            (Step::Up, Some(here)) => here.saturating_sub(1),
            (Step::Down, Some(here)) => (here + 1).min(last),
            (Step::PageUp, Some(here)) => here.saturating_sub(page_rows.max(1)),
            (Step::PageDown, Some(here)) => (here + page_rows.max(1)).min(last),
        })
    }
}

/// A step of the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Step {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// As many rows up as are seen.
    PageUp,
    /// As many rows down as are seen.
    PageDown,
    /// The first row.
    First,
    /// The last row.
    Last,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(ids: &[u64]) -> Vec<Row> {
        ids.iter()
            .map(|id| (*id as Slot, ApplianceId(*id)))
            .collect()
    }

    fn selected(selection: &Selection) -> Vec<u64> {
        selection.ids().iter().map(|id| id.0).collect()
    }

    #[test]
    fn clicks_select_as_in_every_list() {
        let rows = rows(&[10, 20, 30, 40, 50]);
        let mut selection = Selection::default();
        selection.pick(&rows, 1, Pick::Only);
        selection.pick(&rows, 3, Pick::Range);
        assert_eq!(selected(&selection), [20, 30, 40]);
        selection.pick(&rows, 0, Pick::Range);
        assert_eq!(selected(&selection), [10, 20], "the anchor stays");
        selection.pick(&rows, 4, Pick::Toggle);
        assert_eq!(selected(&selection), [10, 20, 50]);
        selection.pick(&rows, 4, Pick::Toggle);
        assert_eq!(selected(&selection), [10, 20]);
        selection.select_all(&rows);
        assert_eq!(selection.len(), 5);
    }

    #[test]
    fn the_selection_follows_the_unit_when_rows_move() {
        let before = rows(&[1, 2, 3]);
        let mut selection = Selection::default();
        selection.pick(&before, 1, Pick::Only);
        let after = rows(&[2, 3, 1]);
        assert_eq!(selection.step(&after, Step::Down, 10), Some(1));
        assert!(selection.contains(ApplianceId(2)));
    }

    #[test]
    fn keys_stop_at_both_ends() {
        let rows = rows(&[1, 2, 3]);
        let mut selection = Selection::default();
        assert_eq!(selection.step(&rows, Step::Down, 2), Some(0));
        selection.pick(&rows, 2, Pick::Only);
        assert_eq!(selection.step(&rows, Step::Down, 2), Some(2));
        assert_eq!(selection.step(&rows, Step::PageUp, 2), Some(0));
        assert_eq!(selection.step(&[], Step::Last, 2), None);
    }
}
