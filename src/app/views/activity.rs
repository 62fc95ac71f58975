//! What was done and what happened since the window was opened, the newest first.

use egui::{RichText, ScrollArea, Ui};

use super::super::notices::{level_color, saying_ui};
use super::super::theme::palette;
use super::super::widgets;
use super::super::{App, UiCommand, format};

impl App {
    /// Draws the Activity view.
    pub(in crate::app) fn activity_ui(&mut self, ui: &mut Ui) {
        super::settings::page(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new("Activity").heading());
                for command in [UiCommand::Undo, UiCommand::Redo] {
                    let label = match command {
                        UiCommand::Undo => self.snapshot.undo.as_deref(),
                        _ => self.snapshot.redo.as_deref(),
                    };
                    let Some(label) = label else {
                        continue;
                    };
                    let text = format!("{} {}", command.text(), format::show_text(label));
                    if widgets::quiet_button(ui, &text).clicked() {
                        self.ask(command);
                    }
                }
            });
            let palette = palette(ui.ctx());
            if self.notices.len() == 0 {
                ui.label(RichText::new("Nothing has happened yet").color(palette.dim));
                return;
            }
            ScrollArea::vertical()
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    for said in self.notices.history() {
                        ui.horizontal_top(|ui| {
                            let time = format::time_of_day(said.when, &self.zone);
                            ui.label(
                                RichText::new(time)
                                    .monospace()
                                    .size(12.0)
                                    .color(palette.faint),
                            )
                            .on_hover_text(format::exact(said.when, &self.zone));
                            widgets::dot(ui, level_color(palette, said.saying.level));
                            ui.vertical(|ui| {
                                ui.spacing_mut().item_spacing.y = 1.0;
                                saying_ui(ui, &said.saying);
                            });
                        });
                        ui.add_space(4.0);
                    }
                });
        });
    }
}
