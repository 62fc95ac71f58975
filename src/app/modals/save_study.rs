//! The window of a study's file.

use std::path::PathBuf;
use std::sync::Arc;

use egui::Ui;

use super::super::App;
use super::super::view_state::{PathUse, StudyForm};
use super::super::widgets;
use super::Next;
use super::confirm::{replace_ui, yes_or_no};
use super::save_file::{FileChoice, FilePath};
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
        let mut file = FilePath {
            path: &mut form.path,
            focused: &mut form.focused,
            dialog: PathUse::Study,
        };
        match self.save_file_ui(ui, &mut file) {
            FileChoice::Stay => Next::Stay,
            FileChoice::Cancel => Next::Close,
            FileChoice::Save => {
                self.send_study(form);
                Next::Close
            }
        }
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
