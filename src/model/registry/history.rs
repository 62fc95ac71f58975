//! Undo and redo: what units were like before an edit. Facts that were heard are not part of it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::appliance::{Appliance, FileFacts, Typed};
use crate::model::identity::ApplianceId;

/// Units that all steps together remember: an import of a full site fits three times.
const UNITS_REMEMBERED: usize = 600_000;

/// What one unit was like before an edit.
#[derive(Clone, Debug)]
pub(super) enum Before {
    /// It did not exist: an edit brought it in.
    Absent,
    /// It had been forgotten: an undo brought it back.
    Forgotten,
    /// It existed, with these annotations.
    Annotated(Box<Annotations>),
    /// It existed, and the edit took it out.
    Whole(Arc<Appliance>),
}

/// What a person and a file said of a unit.
#[derive(Clone, Debug, Default)]
pub(super) struct Annotations {
    pub(super) typed: Typed,
    pub(super) imported: Option<Arc<FileFacts>>,
}

impl Annotations {
    pub(super) fn of(unit: &Appliance) -> Self {
        Self {
            typed: unit.typed.clone(),
            imported: unit.imported.clone(),
        }
    }

    /// These, and from `newer` what is missing: what two units that turn out to be one have together.
    pub(super) fn with(&self, newer: &Self) -> Self {
        let (a, b) = (&self.typed, &newer.typed);
        Self {
            typed: Typed {
                name: a.name.clone().or_else(|| b.name.clone()),
                note: a.note.clone().or_else(|| b.note.clone()),
                by_hand: a.by_hand.clone().or_else(|| b.by_hand.clone()),
            },
            imported: self.imported.clone().or_else(|| newer.imported.clone()),
        }
    }
}

impl Before {
    pub(super) fn of_annotations(unit: &Appliance) -> Self {
        Self::Annotated(Box::new(Annotations::of(unit)))
    }

    /// What a unit that an edit found or brought in had been annotated with; `None` for one that the edit took out.
    fn annotations(&self) -> Option<Annotations> {
        match self {
            Self::Absent => Some(Annotations::default()),
            Self::Annotated(annotations) => Some((**annotations).clone()),
            Self::Forgotten | Self::Whole(_) => None,
        }
    }
}

/// One step of undo or redo.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// In words, after "Undo ".
    pub(super) label: String,
    /// The units concerned, in the order in which they were changed.
    pub(super) units: Vec<(ApplianceId, Before)>,
    /// The unknown columns before.
    pub(super) extra_columns: Arc<Vec<String>>,
}

impl Step {
    pub(super) fn new(label: String, extra_columns: &Arc<Vec<String>>) -> Self {
        Self {
            label,
            units: Vec::new(),
            extra_columns: Arc::clone(extra_columns),
        }
    }

    /// Two units turned out to be one: what was remembered of each is remembered of the one that stays.
    fn merged(&mut self, older: &Appliance, newer: &Appliance) {
        let of = |id: ApplianceId| {
            self.units
                .iter()
                .position(|(known, before)| *known == id && before.annotations().is_some())
        };
        let (older_idx, newer_idx) = (of(older.id), of(newer.id));
        let Some(idx) = older_idx.or(newer_idx) else {
            return;
        };
        let before = |idx: Option<usize>, now: &Appliance| {
            idx.and_then(|idx| self.units[idx].1.annotations())
                .unwrap_or_else(|| Annotations::of(now))
        };
        // Neither was there before: then undo takes the one that stays away again.
        let was_absent =
            |idx: Option<usize>| idx.is_some_and(|idx| matches!(self.units[idx].1, Before::Absent));
        let both = if was_absent(older_idx) && was_absent(newer_idx) {
            Before::Absent
        } else {
            let both = before(older_idx, older).with(&before(newer_idx, newer));
            Before::Annotated(Box::new(both))
        };
        self.units[idx] = (older.id, both);
        if let (Some(_), Some(newer_idx)) = (older_idx, newer_idx) {
            self.units.remove(newer_idx);
        }
    }

    pub(super) fn remember(&mut self, id: ApplianceId, before: Before) {
        self.units.push((id, before));
    }
}

/// The steps back and the steps forth.
#[derive(Debug, Default)]
pub(super) struct History {
    undo: VecDeque<Step>,
    redo: Vec<Step>,
}

impl History {
    /// Remembers a new edit. What was taken back before can no longer be done again.
    pub(super) fn push(&mut self, step: Step, steps_kept: usize) {
        if step.units.is_empty() {
            return;
        }
        self.redo.clear();
        self.undo.push_back(step);
        while self.undo.len() > steps_kept
            || (self.undo.len() > 1 && self.remembered() > UNITS_REMEMBERED)
        {
            self.undo.pop_front();
        }
    }

    /// Two units turned out to be one.
    pub(super) fn merged(&mut self, older: &Appliance, newer: &Appliance) {
        for step in self.undo.iter_mut().chain(&mut self.redo) {
            step.merged(older, newer);
        }
    }

    fn remembered(&self) -> usize {
        self.undo.iter().map(|step| step.units.len()).sum()
    }

    pub(super) fn pop_undo(&mut self) -> Option<Step> {
        self.undo.pop_back()
    }

    pub(super) fn pop_redo(&mut self) -> Option<Step> {
        self.redo.pop()
    }

    pub(super) fn push_redo(&mut self, step: Step) {
        self.redo.push(step);
    }

    /// A step that was done again can be taken back again, and the later ones stay to be done again.
    pub(super) fn push_undone_again(&mut self, step: Step) {
        self.undo.push_back(step);
    }

    pub(super) fn undo_label(&self) -> Option<&str> {
        self.undo.back().map(|step| step.label.as_str())
    }

    pub(super) fn redo_label(&self) -> Option<&str> {
        self.redo.last().map(|step| step.label.as_str())
    }
}
