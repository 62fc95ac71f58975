//! A finding is known: why, in the person's words.

use egui::{TextEdit, Ui};

use super::super::view_state::AcceptForm;
use super::super::widgets;
use super::super::{App, format};
use super::Next;
use super::confirm::yes_or_no;
use crate::engine::command::{Command, FindingVerdict};
use crate::model::sighting::TEXT_KEPT_CHARS;

impl App {
    /// Draws the window that accepts a finding.
    pub(super) fn accept_finding_ui(&mut self, ui: &mut Ui, form: &mut AcceptForm) -> Next {
        ui.label(format!(
            "{}: {}",
            form.key.kind.title(),
            format::show_text(&form.what)
        ));
        widgets::explain(ui, "Seen again, it stays accepted and is counted on");
        let field = TextEdit::singleline(&mut form.note)
            .desired_width(f32::INFINITY)
            .cursor_at_end(true)
            .char_limit(TEXT_KEPT_CHARS);
        let response = widgets::field(ui, "Why it is known, for whoever looks next", field);
        widgets::focus_once(&response, &mut form.focused);
        let is_entered = widgets::entered(&response);
        let (next, is_yes) = yes_or_no(ui, "Accept");
        if is_yes || is_entered {
            self.send(Command::JudgeFinding {
                key: form.key.clone(),
                verdict: FindingVerdict::Accept {
                    note: form.note.trim().to_owned(),
                },
            });
            return Next::Close;
        }
        next
    }
}
