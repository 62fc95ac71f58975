//! What a person does to units. Every edit leaves a step of undo.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Registry;
use super::history::{Before, Step};
use crate::model::appliance::{Appliance, FileFacts, Typed};
use crate::model::edit::{Edit, EditOutcome};
use crate::model::identity::ApplianceId;
use crate::model::sighting::cut_text;
use crate::model::snapshot::FloodSender;

/// A note is kept up to this many characters: longer than a name, and bounded all the same.
const NOTE_KEPT_CHARS: usize = 8_192;

impl Registry {
    /// Does what a person asked for and says what came of it.
    pub fn edit(&mut self, edit: Edit) -> EditOutcome {
        match edit {
            Edit::Name { ids, name } => {
                let name = Some(cut_text(name.trim())).filter(|name| !name.is_empty());
                self.annotate(&ids, "renaming", |typed| typed.name.clone_from(&name))
            }
            Edit::Note { ids, note } => {
                // An empty note is kept as typed: it hides a note that a file brought.
                let note: String = note.trim().chars().take(NOTE_KEPT_CHARS).collect();
                self.annotate(&ids, "the note on", |typed| typed.note = Some(note.clone()))
            }
            Edit::Forget { ids } => self.forget(&ids),
            Edit::ForgetSender { sender } => self.forget_sender(&sender),
            Edit::Add { facts } => self.add_by_hand(&facts),
            Edit::Import {
                file_name,
                extra_columns,
                rows,
            } => self.import(&file_name, &extra_columns, rows),
        }
    }

    fn annotate(
        &mut self,
        ids: &[ApplianceId],
        verb: &str,
        change: impl Fn(&mut Typed),
    ) -> EditOutcome {
        let mut step = Step::new(
            format!("{verb} {}", count_units(ids.len())),
            &self.extra_columns,
        );
        let mut changed = 0;
        for id in ids {
            let Some(unit) = self.places.get(*id) else {
                continue;
            };
            let mut typed = unit.typed.clone();
            change(&mut typed);
            if typed == unit.typed {
                continue;
            }
            step.remember(*id, Before::of_annotations(unit));
            self.change(*id, |unit| unit.typed = typed);
            changed += 1;
        }
        self.history.push(step, self.limits.undo_steps);
        EditOutcome {
            changed,
            ..EditOutcome::default()
        }
    }

    fn forget(&mut self, ids: &[ApplianceId]) -> EditOutcome {
        let step = Step::new(
            format!("forgetting {}", count_units(ids.len())),
            &self.extra_columns,
        );
        self.forget_as(step, ids)
    }

    fn forget_as(&mut self, mut step: Step, ids: &[ApplianceId]) -> EditOutcome {
        let mut removed = 0;
        for id in ids {
            if let Some(unit) = self.take_out(*id) {
                step.remember(*id, Before::Whole(unit));
                removed += 1;
            }
        }
        self.history.push(step, self.limits.undo_steps);
        EditOutcome {
            removed,
            ..EditOutcome::default()
        }
    }

    /// Forgets the units that were only ever heard from one sender, and what that sender sent beside.
    fn forget_sender(&mut self, sender: &FloodSender) -> EditOutcome {
        let ids: Vec<ApplianceId> = self
            .places
            .units()
            .iter()
            .filter(|(_, unit)| is_only_from(unit, sender))
            .map(|(_, unit)| unit.id)
            .collect();
        self.strays
            .retain(|stray| stray.interface != sender.interface || stray.from.ip() != sender.ip);
        self.stray_bytes = self.strays.iter().map(|stray| stray.raw.bytes.len()).sum();
        self.stray_seq += 1;
        self.senders.forget(sender);
        let step = Step::new(
            format!("forgetting {} from {}", count_units(ids.len()), sender.ip),
            &self.extra_columns,
        );
        self.forget_as(step, &ids)
    }

    fn add_by_hand(&mut self, facts: &Arc<FileFacts>) -> EditOutcome {
        let mut step = Step::new("adding a unit".to_owned(), &self.extra_columns);
        let known = facts
            .mac
            .filter(|mac| mac.is_key())
            .and_then(|mac| self.by_mac.get(&mac).copied());
        let serial = crate::model::identity::serial_key(&facts.serial);
        let by_serial = serial.and_then(|serial| self.by_serial.get(&serial).copied());
        let mut outcome = EditOutcome::default();
        if let Some(refused) = self.contradiction(facts, by_serial, known) {
            outcome.refused.push(refused);
            return outcome;
        }
        let known = known.or(by_serial);
        match known {
            Some(id) => {
                if let Some(unit) = self.places.get(id) {
                    step.remember(id, Before::of_annotations(unit));
                }
                self.rewrite(id, |unit| unit.typed.by_hand = Some(Arc::clone(facts)));
                outcome.changed = 1;
            }
            None if self.places.len() >= self.limits.units => self.refused_by_limit += 1,
            None => {
                let id = self.new_id();
                step.remember(id, Before::Absent);
                let typed = Typed {
                    by_hand: Some(Arc::clone(facts)),
                    ..Typed::default()
                };
                self.place(unheard(id, typed, None));
                outcome.added = 1;
            }
        }
        self.history.push(step, self.limits.undo_steps);
        if let Some(id) = known {
            self.reunite(id);
        }
        outcome
    }

    /// Changes what is written of a unit, with all its keys.
    pub(super) fn rewrite(&mut self, id: ApplianceId, change: impl FnOnce(&mut Appliance)) {
        self.unindex(id);
        self.change(id, change);
        self.index(id);
    }

    /// Takes the last edit back; returns its words.
    pub fn undo(&mut self) -> Option<String> {
        let step = self.history.pop_undo()?;
        let label = step.label.clone();
        let inverse = self.restore(step);
        self.history.push_redo(inverse);
        Some(label)
    }

    /// Does the edit again that was taken back last; returns its words.
    pub fn redo(&mut self) -> Option<String> {
        let step = self.history.pop_redo()?;
        let label = step.label.clone();
        let inverse = self.restore(step);
        self.history.push_undone_again(inverse);
        Some(label)
    }

    /// What undo would take back, in words.
    pub fn undo_label(&self) -> Option<&str> {
        self.history.undo_label()
    }

    /// What redo would do again, in words.
    pub fn redo_label(&self) -> Option<&str> {
        self.history.redo_label()
    }

    /// Puts units back as a step remembers them, and returns the step that does the opposite.
    /// What was heard in the meantime stays: the network's facts are never undone.
    fn restore(&mut self, step: Step) -> Step {
        let mut inverse = Step::new(step.label, &self.extra_columns);
        if *step.extra_columns != *self.extra_columns {
            self.extra_columns = step.extra_columns;
            self.extra_columns_dirty = true;
        }
        for (id, before) in step.units.into_iter().rev() {
            match before {
                Before::Absent => self.restore_absent(id, &mut inverse),
                Before::Annotated(annotations) => {
                    if let Some(unit) = self.places.get(id) {
                        inverse.remember(id, Before::of_annotations(unit));
                        self.rewrite(id, |unit| {
                            unit.typed = annotations.typed;
                            unit.imported = annotations.imported;
                        });
                        self.reunite(id);
                    }
                }
                Before::Whole(unit) => {
                    inverse.remember(id, Before::Forgotten);
                    self.restore_whole(&unit);
                }
                Before::Forgotten => {
                    if let Some(unit) = self.take_out(id) {
                        inverse.remember(id, Before::Whole(unit));
                    }
                }
            }
        }
        inverse
    }

    fn restore_absent(&mut self, id: ApplianceId, inverse: &mut Step) {
        let Some(unit) = self.places.get(id).cloned() else {
            return;
        };
        // A unit that an edit brought in and that was heard since stays, without what the edit said of it.
        if unit.heard.is_some() {
            inverse.remember(id, Before::of_annotations(&unit));
            self.rewrite(id, |unit| {
                unit.imported = None;
                unit.typed.by_hand = None;
            });
            self.reunite(id);
        } else if let Some(unit) = self.take_out(id) {
            inverse.remember(id, Before::Whole(unit));
        }
    }

    /// Who a forgotten unit is known as by now, when it was heard or written of again: by the same keys as ever.
    fn known_again(&self, unit: &Appliance) -> Option<ApplianceId> {
        let mac = super::key_mac(unit);
        let serial = unit.serial_key();
        let by_serial = || self.by_serial.get(&serial?).copied();
        let by_spot = || {
            let mut spots = super::spots(unit).into_iter();
            spots.find_map(|spot| self.by_spot.get(&spot).copied())
        };
        match mac {
            Some(mac) => self.by_mac.get(&mac).copied(),
            None => by_serial().or_else(by_spot),
        }
    }

    /// Puts a forgotten unit back. When it was heard again in the meantime, both become one.
    fn restore_whole(&mut self, unit: &Arc<Appliance>) {
        self.removed.retain(|id| *id != unit.id);
        let again = self.known_again(unit);
        self.place((**unit).clone());
        if let Some(again) = again.filter(|again| *again != unit.id) {
            self.merge(unit.id, again);
        }
        self.trim_evidence();
    }

    /// Makes one of two units that a MAC or an address which was written or restored shows to be one.
    pub(super) fn reunite(&mut self, id: ApplianceId) {
        let Some(unit) = self.places.get(id).cloned() else {
            return;
        };
        if let Some(again) = self.known_again(&unit).filter(|again| *again != id) {
            self.merge(id, again);
        }
    }
}

/// A unit that was never heard.
pub(super) fn unheard(
    id: ApplianceId,
    typed: Typed,
    imported: Option<Arc<FileFacts>>,
) -> Appliance {
    Appliance {
        id,
        revision: 0,
        heard: None,
        probed: None,
        identified: None,
        imported,
        typed,
        evidence: VecDeque::new(),
    }
}

fn is_only_from(unit: &Appliance, sender: &FloodSender) -> bool {
    let mut evidence = unit.evidence.iter().peekable();
    unit.heard.is_some()
        && evidence.peek().is_some()
        && evidence.all(|evidence| {
            evidence.interface == sender.interface && evidence.from.ip() == sender.ip
        })
}

/// "1 unit", "3 units".
pub(super) fn count_units(count: usize) -> String {
    if count == 1 {
        "1 unit".to_owned()
    } else {
        format!("{count} units")
    }
}
