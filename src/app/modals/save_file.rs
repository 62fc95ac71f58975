//! The foot that windows share which write one file: its path, typed or chosen in the system's dialog, and whether to.

use std::path::Path;

use egui::{TextEdit, Ui};

use super::super::App;
use super::super::view_state::PathUse;
use super::super::widgets::{self, Named};

/// The path of a file in a window.
pub(super) struct FilePath<'a> {
    /// As typed so far.
    pub(super) path: &'a mut String,
    /// Whether its field has had the focus.
    pub(super) focused: &'a mut bool,
    /// What the system's dialog asks for.
    pub(super) dialog: PathUse,
}

/// What a person does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileChoice {
    /// Nothing yet.
    Stay,
    /// Not writing it.
    Cancel,
    /// Writing it.
    Save,
}

impl App {
    /// Draws the field of the path, and the buttons.
    pub(super) fn save_file_ui(&mut self, ui: &mut Ui, file: &mut FilePath<'_>) -> FileChoice {
        let field = TextEdit::singleline(&mut *file.path)
            .desired_width(f32::INFINITY)
            .cursor_at_end(true)
            .char_limit(4_096);
        let response = widgets::field(ui, "File", field);
        widgets::focus_once(&response, file.focused);
        let mut is_asked = widgets::entered(&response);
        let mut choice = FileChoice::Stay;
        let is_named = Path::new(file.path.trim()).file_name().is_some();
        widgets::foot(ui, |ui| {
            let save = ui
                .add_enabled_ui(is_named, |ui| widgets::primary_button(ui, "Save", None))
                .inner
                .on_disabled_hover_text("Type where the file is to go");
            is_asked |= save.clicked();
            if widgets::quiet_button(ui, "Cancel").clicked() {
                choice = FileChoice::Cancel;
            }
            let choose = widgets::quiet_button(ui, "Choose…")
                .named("Choose a file…")
                .on_hover_text("Opens the system's file dialog");
            if choose.clicked() {
                self.wants_dialog = Some((file.dialog, file.path.clone()));
            }
        });
        if is_asked && is_named {
            return FileChoice::Save;
        }
        choice
    }
}
