//! The window of a study's file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{TextEdit, Ui};

use super::super::App;
use super::super::view_state::{PathUse, StudyForm};
use super::super::widgets::{self, Named};
use super::Next;
use super::confirm::{replace_ui, yes_or_no};
use crate::engine::command::{Command, StudyRequest};

impl App {
    /// Draws the window of a study's file.
    pub(super) fn save_study_ui(&mut self, ui: &mut Ui, form: &mut StudyForm) -> Next {
        widgets::explain(
            ui,
            "A zip file with the statements, the annotated bytes, the same as JSON, and a capture. It stays on this computer until you send it",
        );
        let words = "Mask addresses, MACs and names";
        widgets::checkbox(ui, &mut form.is_masked, words, true)
            .on_hover_text("The same one is masked the same way everywhere in the file");
        let field = TextEdit::singleline(&mut form.path)
            .desired_width(f32::INFINITY)
            .cursor_at_end(true)
            .char_limit(4_096);
        let response = widgets::field(ui, "File", field);
        widgets::focus_once(&response, &mut form.focused);
        let mut is_asked = widgets::entered(&response);
        let mut next = Next::Stay;
        let is_named = Path::new(form.path.trim()).file_name().is_some();
        widgets::foot(ui, |ui| {
            let save = ui
                .add_enabled_ui(is_named, |ui| widgets::primary_button(ui, "Save", None))
                .inner
                .on_disabled_hover_text("Type where the file is to go");
            is_asked |= save.clicked();
            if widgets::quiet_button(ui, "Cancel").clicked() {
                next = Next::Close;
            }
            let choose = widgets::quiet_button(ui, "Choose…")
                .named("Choose a file…")
                .on_hover_text("Opens the system's file dialog");
            if choose.clicked() {
                self.wants_dialog = Some((PathUse::Study, form.path.clone()));
            }
        });
        if is_asked && is_named {
            self.send_study(form);
            return Next::Close;
        }
        next
    }

    fn send_study(&mut self, form: &StudyForm) {
        let Some(state) = &self.study else {
            return;
        };
        let study = Arc::clone(&state.study);
        let typed = form.path.trim();
        let path = self.full_path(PathUse::Study, typed);
        let full = with_zip_ending(path.clone());
        // With another ending it is another file than the one that was asked about.
        let overwrite = form.replaceable.as_deref() == Some(typed) && full == path;
        self.send(Command::SaveStudy(Box::new(StudyRequest {
            study,
            path: full,
            mask: form.is_masked,
            overwrite,
        })));
    }

    /// A file is in the way of a study.
    pub(super) fn replace_study_ui(&mut self, ui: &mut Ui, request: &StudyRequest) -> Next {
        replace_ui(ui, &request.path);
        let (next, is_yes) = yes_or_no(ui, "Replace");
        if is_yes {
            self.send(Command::SaveStudy(Box::new(StudyRequest {
                overwrite: true,
                ..request.clone()
            })));
        }
        next
    }
}

/// The ending of a study's file, added where the person left it out.
fn with_zip_ending(path: PathBuf) -> PathBuf {
    if path.extension().is_some() {
        return path;
    }
    path.with_extension("zip")
}
