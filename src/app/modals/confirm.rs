//! Questions that are answered with yes or no, and the note of a unit.

use std::path::Path;

use egui::{RichText, TextEdit, Ui};

use super::super::theme;
use super::super::widgets;
use super::super::{App, format};
use super::Next;
use crate::engine::command::{Command, ExportRequest, TargetsRequest};
use crate::model::edit::Edit;
use crate::model::identity::ApplianceId;
use crate::model::sighting::TEXT_KEPT_CHARS;

impl App {
    /// Units are to be taken out of the site.
    pub(super) fn forget_ui(&mut self, ui: &mut Ui, ids: &[ApplianceId]) -> Next {
        let text = format!(
            "{} will be taken out of this site with notes and evidence. Undo brings them back; a unit that is heard again comes back as new",
            format::units(ids.len() as u64)
        );
        ui.label(text);
        let (next, is_yes) = yes_or_no(ui, "Forget");
        if is_yes {
            self.send(Command::Edit(Edit::Forget { ids: ids.to_vec() }));
        }
        next
    }

    /// A note on a unit.
    pub(super) fn note_ui(
        &mut self,
        ui: &mut Ui,
        id: ApplianceId,
        text: &mut String,
        focused: &mut bool,
    ) -> Next {
        let field = TextEdit::singleline(text)
            .desired_width(f32::INFINITY)
            .cursor_at_end(true)
            .char_limit(TEXT_KEPT_CHARS);
        let response = widgets::field(ui, "Note on this unit; empty removes it", field);
        widgets::focus_once(&response, focused);
        let is_entered = widgets::entered(&response);
        let (next, is_yes) = yes_or_no(ui, "Save note");
        if is_yes || is_entered {
            self.send(Command::Edit(Edit::Note {
                ids: vec![id],
                note: text.trim().to_owned(),
            }));
            return Next::Close;
        }
        next
    }

    /// A file is in the way of an export.
    pub(super) fn replace_export_ui(&mut self, ui: &mut Ui, request: &ExportRequest) -> Next {
        replace_ui(ui, &request.path);
        let (next, is_yes) = yes_or_no(ui, "Replace");
        if is_yes {
            self.send(Command::Export(Box::new(ExportRequest {
                overwrite: true,
                ..request.clone()
            })));
        }
        next
    }

    /// A file is in the way of an export of targets.
    pub(super) fn replace_targets_ui(&mut self, ui: &mut Ui, request: &TargetsRequest) -> Next {
        replace_ui(ui, &request.path);
        let (next, is_yes) = yes_or_no(ui, "Replace");
        if is_yes {
            self.send(Command::ExportTargets(Box::new(TargetsRequest {
                overwrite: true,
                ..request.clone()
            })));
        }
        next
    }

    /// A file is in the way of "Save site as…".
    pub(super) fn replace_site_ui(&mut self, ui: &mut Ui, path: &Path) -> Next {
        replace_ui(ui, path);
        let (next, is_yes) = yes_or_no(ui, "Replace");
        if is_yes {
            self.send(Command::SaveSiteAs {
                path: path.to_owned(),
                overwrite: true,
            });
        }
        next
    }
}

pub(super) fn replace_ui(ui: &mut Ui, path: &Path) {
    let palette = theme::palette(ui.ctx());
    ui.label("This file exists already; what is in it will be lost");
    let path = path.to_string_lossy();
    ui.label(
        RichText::new(format::show_text(&path))
            .monospace()
            .color(palette.dim),
    );
}

/// Two buttons; the first answers yes. Enter means yes when nothing has the focus.
pub(super) fn yes_or_no(ui: &mut Ui, yes: &str) -> (Next, bool) {
    let mut next = Next::Stay;
    let mut is_yes = false;
    widgets::foot(ui, |ui| {
        let yes = widgets::primary_button(ui, yes, None);
        let nothing_focused = ui.memory(|memory| memory.focused().is_none());
        if nothing_focused {
            yes.request_focus();
        }
        if yes.clicked() {
            is_yes = true;
            next = Next::Close;
        }
        if widgets::quiet_button(ui, "Cancel").clicked() {
            next = Next::Close;
        }
    });
    (next, is_yes)
}
