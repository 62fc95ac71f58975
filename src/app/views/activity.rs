//! What was done and what happened since the window was opened, the newest first.

use egui::{RichText, ScrollArea, Ui};

use super::super::notices::{level_color, saying_ui};
use super::super::theme::palette;
use super::super::widgets;
use super::super::{App, UiCommand, format};
use crate::logging::LogLine;
use crate::model::time::Timestamp;

/// How many lines of the log are shown; the rest is in its file.
const LOG_LINES_SHOWN: usize = 100;

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
                    if self.notices.len() == 0 {
                        ui.label(RichText::new("Nothing has happened yet").color(palette.dim));
                    }
                    self.log_ui(ui);
                });
        });
    }

    /// The last lines of the log, the newest first.
    fn log_ui(&mut self, ui: &mut Ui) {
        let num_logged = self.log.num_logged();
        if self.log_lines.0 != num_logged {
            self.log_lines = (num_logged, self.log.lines());
        }
        let lines = &self.log_lines.1;
        if lines.is_empty() {
            return;
        }
        let palette = palette(ui.ctx());
        widgets::section(ui, "Log, the newest first");
        ui.spacing_mut().item_spacing.y = 1.0;
        ui.spacing_mut().interact_size.y = 18.0;
        for line in lines
            .iter()
            .rev()
            .filter(|line| is_telling(line))
            .take(LOG_LINES_SHOWN)
        {
            let color = match line.level {
                tracing::Level::ERROR => palette.red,
                tracing::Level::WARN => palette.amber,
                _ => palette.dim,
            };
            ui.horizontal(|ui| {
                let when = Timestamp::from_millis(line.unix_millis);
                let time = RichText::new(format::time_of_day(when, &self.zone));
                ui.label(time.monospace().size(12.0).color(palette.faint));
                let text = format!("{}: {}", line.target, line.text);
                let text = RichText::new(format::show_text(&text)).color(color);
                ui.add(egui::Label::new(text).truncate());
            });
        }
        let num_telling = lines.iter().filter(|line| is_telling(line)).count();
        if num_telling > LOG_LINES_SHOWN {
            let text = "Earlier lines are in the log folder";
            ui.label(RichText::new(text).color(palette.faint));
        }
    }
}

/// What windowing libraries mutter helps nobody in a hall; it is in the log's file.
fn is_telling(line: &LogLine) -> bool {
    line.level == tracing::Level::ERROR
        || ["rollcall", "rfd"]
            .iter()
            .any(|own| line.target.starts_with(own))
}
