//! One check of the doctor's: how it stands, what to do, and the buttons that do it.

use egui::{RichText, Ui};

use super::super::theme::palette;
use super::super::widgets::{self, Named};
use super::super::{App, UiCommand, format};
use crate::model::snapshot::{Check, Remedy};

impl App {
    /// One line of the doctor's.
    pub(in crate::app) fn check_ui(&mut self, ui: &mut Ui, check: &Check) {
        let palette = palette(ui.ctx());
        ui.horizontal_top(|ui| {
            widgets::verdict_ui(ui, check.verdict);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                ui.label(format::show_text(&check.what));
                if let Some(hint) = &check.hint {
                    ui.label(RichText::new(format::show_text(hint)).color(palette.dim));
                }
                self.remedies_ui(ui, &check.remedies);
            });
        });
    }

    fn remedies_ui(&mut self, ui: &mut Ui, remedies: &[Remedy]) {
        if remedies.is_empty() {
            return;
        }
        ui.add_space(3.0);
        ui.horizontal_wrapped(|ui| {
            for remedy in remedies {
                match remedy {
                    Remedy::AllowFirewall => {
                        let command = UiCommand::AllowFirewall;
                        if !command.is_for(ui.ctx().os()) {
                            continue;
                        }
                        let response = widgets::quiet_button(ui, command.text())
                            .on_hover_text(command.tooltip());
                        if response.clicked() {
                            self.ask(command);
                        }
                    }
                    Remedy::Copy(command) => {
                        let response = widgets::quiet_button(ui, "Copy command")
                            .named("Copy command")
                            .on_hover_text(format::show_text(command));
                        if response.clicked() {
                            ui.ctx().copy_text(command.clone());
                        }
                    }
                }
            }
        });
        ui.add_space(4.0);
    }
}
