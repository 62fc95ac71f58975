//! What an import took and what it refused: line, column, value and why.

use std::fmt::Write;

use egui::{RichText, Sense, Ui};
use egui_extras::{Column, TableBuilder};

use super::super::theme;
use super::super::widgets;
use super::super::{App, UiCommand, format};
use super::Next;
use crate::engine::command::ImportReport;
use crate::model::edit::RefusedRow;

/// How high a line is.
const LINE_HEIGHT: f32 = 24.0;

impl App {
    /// Draws the report of an import.
    pub(super) fn import_report_ui(&mut self, ui: &mut Ui, report: &ImportReport) -> Next {
        let palette = theme::palette(ui.ctx());
        let path = report.path.to_string_lossy();
        let shown_path = format::show_text(&path);
        ui.add(
            egui::Label::new(RichText::new(shown_path).monospace().color(palette.dim)).truncate(),
        );
        if let Some(why) = &report.failed {
            ui.label(RichText::new("Nothing was taken from this file").color(palette.red));
            ui.label(format::show_text(why));
        } else {
            ui.label(summary(report));
        }
        for line in &report.reading {
            ui.label(RichText::new(format::show_text(line)).color(palette.dim));
        }
        lines_ui(ui, "Refused", &report.refused);
        lines_ui(ui, "Taken, with a remark", &report.remarks);
        let mut next = Next::Stay;
        widgets::foot(ui, |ui| {
            if widgets::primary_button(ui, "Close", None).clicked() {
                next = Next::Close;
            }
            if widgets::quiet_button(ui, "Copy report").clicked() {
                ui.ctx().copy_text(as_text(report));
            }
            let changed = report.added + report.changed > 0;
            if changed && self.snapshot.undo.is_some() {
                let undo = widgets::quiet_button(ui, "Undo import")
                    .on_hover_text("Takes back everything that this import added and changed");
                if undo.clicked() {
                    self.ask(UiCommand::Undo);
                    next = Next::Close;
                }
            }
        });
        next
    }
}

fn summary(report: &ImportReport) -> String {
    format!(
        "{} read: {} added, {} changed, {} refused",
        format::counted(report.num_rows, "row", "rows"),
        format::count(report.added as u64),
        format::count(report.changed as u64),
        format::count(report.refused.len() as u64),
    )
}

fn lines_ui(ui: &mut Ui, title: &str, lines: &[RefusedRow]) {
    if lines.is_empty() {
        return;
    }
    let palette = theme::palette(ui.ctx());
    widgets::section(ui, title);
    let height = (lines.len() as f32 * LINE_HEIGHT + LINE_HEIGHT + 4.0).min(220.0);
    ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.visuals_mut().widgets.noninteractive.bg_stroke = egui::Stroke::NONE;
        TableBuilder::new(ui)
            .id_salt(title)
            .max_scroll_height(height - LINE_HEIGHT)
            .cell_layout(egui::Layout::left_to_right(egui::Align::Center))
            .column(Column::exact(56.0).clip(true))
            .column(Column::exact(110.0).clip(true))
            .column(Column::exact(190.0).clip(true))
            .column(Column::remainder().clip(true))
            .header(LINE_HEIGHT, |mut row| {
                for title in ["Line", "Column", "Value", "Why"] {
                    row.col(|ui| {
                        let title = RichText::new(title).font(theme::strong(12.0));
                        ui.label(title.color(palette.dim));
                    });
                }
            })
            .body(|body| {
                body.rows(LINE_HEIGHT, lines.len(), |mut row| {
                    let line = &lines[row.index()];
                    let cells = [
                        (line.line.to_string(), true),
                        (line.column.to_owned(), false),
                        (line.value.clone(), true),
                        (line.why.clone(), false),
                    ];
                    for (text, is_mono) in cells {
                        row.col(|ui| {
                            let mut text = RichText::new(format::show_text(&text));
                            if is_mono {
                                text = text.monospace();
                            }
                            ui.add(egui::Label::new(text).truncate().sense(Sense::hover()));
                        });
                    }
                });
            });
    });
}

/// The report as text, cells apart by tabs.
fn as_text(report: &ImportReport) -> String {
    let mut text = format!("{}\n{}\n", report.path.display(), summary(report));
    if let Some(why) = &report.failed {
        text.push_str(why);
        text.push('\n');
    }
    for line in &report.reading {
        text.push_str(line);
        text.push('\n');
    }
    for (kind, lines) in [("refused", &report.refused), ("remark", &report.remarks)] {
        for line in lines {
            let value = line.value.replace(['\t', '\r', '\n'], " ");
            // Writing to a `String` cannot fail.
            writeln!(
                text,
                "{kind}\t{}\t{}\t{value}\t{}",
                line.line, line.column, line.why
            )
            .ok();
        }
    }
    text
}
