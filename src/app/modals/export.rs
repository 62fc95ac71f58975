//! The export window: which units, which format, where to.

use std::collections::HashMap;
use std::path::Path;

use egui::{Button, TextEdit, Ui};

use super::super::view_state::{ExportForm, PathUse, Scope};
use super::super::widgets::{self, Named};
use super::super::{App, format};
use super::Next;
use crate::engine::command::{Command, ExportRequest};
use crate::inventory::{Delimiter, Format, WriteStyle};
use crate::model::identity::ApplianceId;
use crate::model::snapshot::Slot;

impl App {
    /// Draws the export window.
    pub(super) fn export_ui(&mut self, ui: &mut Ui, form: &mut ExportForm) -> Next {
        egui::Grid::new("export")
            .num_columns(2)
            .spacing([14.0, 8.0])
            .show(ui, |ui| {
                ui.label("Format");
                ui.horizontal(|ui| {
                    for format in Format::ALL {
                        let is_chosen = form.format == format;
                        if widgets::radio(ui, is_chosen, format.label(), true).clicked() {
                            form.format = format;
                            form.path = with_ending(&form.path, format);
                        }
                    }
                });
                ui.end_row();
                ui.label("Units");
                ui.horizontal(|ui| {
                    let all = self.snapshot.units.len();
                    let scopes = [
                        (Scope::All, "All", all),
                        (
                            Scope::Filtered,
                            "Shown in the grid",
                            self.rows.shown().len(),
                        ),
                        (Scope::Selected, "Selected", self.selection.len()),
                    ];
                    for (scope, word, count) in scopes {
                        let text = format!("{word} ({})", format::count(count as u64));
                        let enabled = scope == Scope::All || count > 0;
                        let is_chosen = form.scope == scope;
                        if widgets::radio(ui, is_chosen, &text, enabled).clicked() {
                            form.scope = scope;
                        }
                    }
                });
                ui.end_row();
                if form.format == Format::Csv {
                    csv_ui(ui, form);
                }
            });
        let explanation = match (form.format, form.for_spreadsheets) {
            (Format::Json, _) => "Exact, with the difference between unknown and none kept",
            (Format::Csv, true) => {
                "Cells that a spreadsheet would run as a formula are defused by one ' in front"
            }
            (Format::Csv, false) => "Every cell exactly as it is known; not safe in a spreadsheet",
        };
        widgets::explain(ui, explanation);
        ui.add_space(4.0);
        let field = TextEdit::singleline(&mut form.path)
            .desired_width(f32::INFINITY)
            .cursor_at_end(true)
            .char_limit(4_096);
        let response = widgets::field(ui, "File", field);
        widgets::focus_once(&response, &mut form.focused);
        let mut is_asked = widgets::entered(&response);
        let mut next = Next::Stay;
        widgets::foot(ui, |ui| {
            let why_not = self.export_why_not(form);
            let export = ui
                .add_enabled_ui(why_not.is_none(), |ui| {
                    widgets::primary_button(ui, "Export", None)
                })
                .inner
                .on_disabled_hover_text(why_not.unwrap_or_default());
            is_asked |= export.clicked();
            is_asked &= why_not.is_none();
            if widgets::quiet_button(ui, "Cancel").clicked() {
                next = Next::Close;
            }
            let choose = ui.add(Button::new("Choose…").min_size(egui::vec2(0.0, 30.0)));
            if widgets::focus_ring(choose)
                .named("Choose a file…")
                .on_hover_text("Opens the system's file dialog")
                .clicked()
            {
                self.wants_dialog = Some((PathUse::Export, form.path.clone()));
            }
        });
        if is_asked {
            self.send_export(form);
            return Next::Close;
        }
        next
    }

    /// The selected units in the order of the grid, and those that the filter hides after them.
    pub(in crate::app) fn selected_rows(&self) -> Vec<(Slot, ApplianceId)> {
        let order: HashMap<ApplianceId, usize> = self
            .rows
            .shown()
            .iter()
            .enumerate()
            .map(|(idx, (_, id))| (*id, idx))
            .collect();
        let mut rows: Vec<_> = self.selection.rows().collect();
        rows.sort_by_key(|(_, id)| order.get(id).copied().unwrap_or(usize::MAX));
        rows
    }

    fn export_why_not(&self, form: &ExportForm) -> Option<&'static str> {
        if Path::new(form.path.trim()).file_name().is_none() {
            Some("Type where the file is to go")
        } else if self.snapshot.job.is_some() {
            Some("A file is being worked on")
        } else {
            None
        }
    }

    fn send_export(&mut self, form: &ExportForm) {
        let path = with_ending_if_none(form.path.trim(), form.format);
        let overwrite = form.replaceable.as_ref() == Some(&path);
        let path = self.full_path(PathUse::Export, &path);
        let rows: Vec<(Slot, ApplianceId)> = match form.scope {
            Scope::All => self
                .snapshot
                .units
                .iter()
                .map(|(slot, unit)| (slot, unit.id))
                .collect(),
            Scope::Filtered => self.rows.shown().to_vec(),
            Scope::Selected => self.selected_rows(),
        };
        let remembered = &mut self.settings.export;
        form.format.extension().clone_into(&mut remembered.format);
        remembered.semicolon = form.delimiter == Delimiter::Semicolon;
        remembered.for_spreadsheets = form.for_spreadsheets;
        if let Some(folder) = path.parent().filter(|folder| folder.is_absolute()) {
            remembered.folder = Some(folder.to_owned());
        }
        self.send(Command::Export(Box::new(ExportRequest {
            path,
            style: WriteStyle {
                format: form.format,
                delimiter: form.delimiter,
                for_spreadsheets: form.for_spreadsheets,
            },
            snapshot: std::sync::Arc::clone(&self.snapshot),
            rows,
            overwrite,
        })));
    }
}

fn csv_ui(ui: &mut Ui, form: &mut ExportForm) {
    ui.label("Cells");
    ui.horizontal(|ui| {
        for (choice, word) in [(true, "For spreadsheets"), (false, "Exact")] {
            let is_chosen = form.for_spreadsheets == choice;
            if widgets::radio(ui, is_chosen, word, true).clicked() {
                form.for_spreadsheets = choice;
            }
        }
    });
    ui.end_row();
    ui.label("Delimiter");
    ui.horizontal(|ui| {
        for (choice, word) in [
            (Delimiter::Comma, "Comma"),
            (Delimiter::Semicolon, "Semicolon"),
        ] {
            let is_chosen = form.delimiter == choice;
            if widgets::radio(ui, is_chosen, word, true).clicked() {
                form.delimiter = choice;
            }
        }
    });
    ui.end_row();
}

/// The path with the ending of a format, where it had the ending of another one.
fn with_ending(path: &str, format: Format) -> String {
    if Format::from_path(Path::new(path)).is_none() {
        return path.to_owned();
    }
    Path::new(path)
        .with_extension(format.extension())
        .to_string_lossy()
        .into_owned()
}

/// The path with an ending, where the person typed none.
fn with_ending_if_none(path: &str, format: Format) -> String {
    if Path::new(path).extension().is_some() {
        return path.to_owned();
    }
    format!("{path}.{}", format.extension())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_follow_the_format() {
        assert_eq!(with_ending("/a/b 2026.csv", Format::Json), "/a/b 2026.json");
        assert_eq!(with_ending("/a/b.txt", Format::Json), "/a/b.txt");
        assert_eq!(with_ending_if_none("/a/b", Format::Csv), "/a/b.csv");
        assert_eq!(with_ending_if_none("/a/b.txt", Format::Csv), "/a/b.txt");
    }
}
