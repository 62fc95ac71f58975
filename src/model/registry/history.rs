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
#[derive(Clone, Debug)]
pub(super) struct Annotations {
    pub(super) typed: Typed,
    pub(super) imported: Option<Arc<FileFacts>>,
}

impl Before {
    pub(super) fn of_annotations(unit: &Appliance) -> Self {
        Self::Annotated(Box::new(Annotations {
            typed: unit.typed.clone(),
            imported: unit.imported.clone(),
        }))
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
