//! A typed path, beside a native dialog or instead of one.

use std::path::Path;

use egui::{TextEdit, Ui};

use super::super::App;
use super::super::view_state::{PathForm, PathUse};
use super::super::widgets;
use super::Next;

impl App {
    /// Draws the window that asks for a path.
    pub(super) fn path_ui(&mut self, ui: &mut Ui, form: &mut PathForm) -> Next {
        let explanation = match form.purpose {
            PathUse::Import => {
                "CSV with a serial or MAC column, or JSON. A file can also be dropped onto the window"
            }
            PathUse::NewSite => "The open site is saved first",
            PathUse::OpenSite => {
                "The open site is saved first. A site can also be dropped onto the window"
            }
            PathUse::Replay => {
                "A pcap or pcapng file, shown as a read-only site. The open site is saved first. A capture can also be dropped onto the window"
            }
            PathUse::SaveSiteAs
            | PathUse::Export
            | PathUse::Targets
            | PathUse::Capture
            | PathUse::Study => "Where the file is to go",
        };
        widgets::explain(ui, explanation);
        let field = TextEdit::singleline(&mut form.path)
            .desired_width(f32::INFINITY)
            .cursor_at_end(true)
            .char_limit(4_096);
        let response = widgets::field(ui, "Path", field);
        widgets::focus_once(&response, &mut form.focused);
        let mut is_asked = widgets::entered(&response);
        let mut next = Next::Stay;
        let path = self.full_path(form.purpose, form.path.trim());
        let is_named = Path::new(form.path.trim()).file_name().is_some();
        widgets::foot(ui, |ui| {
            let word = match form.purpose {
                PathUse::Import => "Import",
                PathUse::NewSite => "Begin",
                PathUse::OpenSite | PathUse::Replay => "Open",
                PathUse::SaveSiteAs
                | PathUse::Export
                | PathUse::Targets
                | PathUse::Capture
                | PathUse::Study => "Save",
            };
            let yes = ui
                .add_enabled_ui(is_named, |ui| widgets::primary_button(ui, word, None))
                .inner
                .on_disabled_hover_text("Type a path first");
            is_asked |= yes.clicked();
            if widgets::quiet_button(ui, "Cancel").clicked() {
                next = Next::Close;
            }
            if widgets::quiet_button(ui, "Choose…")
                .on_hover_text("Opens the system's file dialog")
                .clicked()
            {
                self.wants_dialog = Some((form.purpose, form.path.clone()));
                next = Next::Close;
            }
        });
        if is_asked && is_named {
            self.use_path(form.purpose, path);
            return Next::Close;
        }
        next
    }
}
