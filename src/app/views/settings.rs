//! Theme, zoom, live search, networks, and where things are kept. Identification has a file of its own.

use std::path::Path;

use egui::{Margin, RichText, ScrollArea, Slider, Ui};

use super::super::panels::interface_line;
use super::super::theme::palette;
use super::super::widgets;
use super::super::{App, LearnCommand, UiCommand, format, window};
use crate::settings::ThemeChoice;

/// How many decoders, and how many refused ones, are listed.
const DECODERS_SHOWN: usize = 40;

/// The margin and width of a page of running text.
pub(super) fn page(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    egui::Frame::new()
        .inner_margin(Margin {
            left: 20,
            right: 12,
            top: 16,
            bottom: 8,
        })
        .show(ui, contents);
}

impl App {
    /// Draws the Settings view.
    pub(in crate::app) fn settings_ui(&mut self, ui: &mut Ui) {
        page(ui, |ui| {
            ScrollArea::vertical()
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    ui.set_max_width(660.0);
                    ui.label(RichText::new("Settings").heading());
                    ui.add_space(6.0);
                    self.appearance_ui(ui);
                    ui.add_space(10.0);
                    self.networks_ui(ui);
                    ui.add_space(10.0);
                    self.identification_ui(ui);
                    ui.add_space(10.0);
                    self.catalog_ui(ui);
                    ui.add_space(10.0);
                    self.decoders_ui(ui);
                    ui.add_space(10.0);
                    self.places_ui(ui);
                    ui.add_space(16.0);
                });
        });
    }

    fn appearance_ui(&mut self, ui: &mut Ui) {
        widgets::card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            title(ui, "Appearance");
            ui.horizontal(|ui| {
                ui.label("Theme");
                for (choice, word, command) in [
                    (ThemeChoice::System, "As the system", UiCommand::ThemeSystem),
                    (ThemeChoice::Light, "Light", UiCommand::ThemeLight),
                    (ThemeChoice::Dark, "Dark", UiCommand::ThemeDark),
                ] {
                    let is_chosen = self.settings.theme == choice;
                    if widgets::radio(ui, is_chosen, word, true).clicked() {
                        self.ask(command);
                    }
                }
            });
            ui.horizontal(|ui| {
                let label = ui.label("Zoom");
                let mut percent = (self.settings.zoom * 100.0).round();
                let range = (window::MIN_ZOOM * 100.0)..=(window::MAX_ZOOM * 100.0);
                let palette = palette(ui.ctx());
                ui.visuals_mut().widgets.inactive.bg_fill = palette.hovered;
                ui.visuals_mut().slider_trailing_fill = true;
                ui.visuals_mut().selection.bg_fill = palette.accent;
                ui.spacing_mut().slider_width = 180.0;
                let slider = Slider::new(&mut percent, range)
                    .step_by(5.0)
                    .fixed_decimals(0)
                    .suffix(" %");
                let response = ui.add(slider).labelled_by(label.id);
                // While it is dragged, a zoom that follows would move the slider away from the pointer.
                if response.drag_stopped() || (response.changed() && !response.dragged()) {
                    self.zoom_to(ui.ctx(), percent / 100.0);
                } else if response.dragged() {
                    self.settings.zoom = percent / 100.0;
                }
                if widgets::quiet_button(ui, "Back to 100 %").clicked() {
                    self.ask(UiCommand::ZoomReset);
                }
            });
        });
    }

    fn networks_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        widgets::card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            title(ui, "Networks");
            let mut live = self.snapshot.search.live;
            let response = widgets::checkbox(ui, &mut live, "Live search: ask every 15 s", true);
            if response.changed() {
                self.ask(UiCommand::ToggleLiveSearch);
            }
            self.capture_switch_ui(ui, "Capture: keep the last 64 MiB of the discovery ports");
            ui.add_space(4.0);
            let interfaces = std::sync::Arc::clone(&self.snapshot.interfaces);
            if interfaces.is_empty() {
                ui.label(RichText::new("This computer has no network").color(palette.dim));
            }
            for interface in interfaces.iter() {
                ui.horizontal(|ui| {
                    ui.spacing_mut().interact_size.y = 20.0;
                    self.interface_switch_ui(ui, interface);
                    let words = RichText::new(interface_line(interface)).color(palette.dim);
                    ui.add(egui::Label::new(words).truncate());
                });
            }
            ui.add_space(4.0);
            ui.horizontal_wrapped(|ui| {
                for command in [
                    UiCommand::RunDoctor,
                    UiCommand::AllowFirewall,
                    UiCommand::RemoveFirewallRule,
                ] {
                    let is_possible = command.why_not(&self.command_state()).is_none();
                    // One of the two that change the rule is enough: the other has nothing to do.
                    if !command.is_for(self.os) || !is_possible {
                        continue;
                    }
                    let response =
                        widgets::quiet_button(ui, command.text()).on_hover_text(command.tooltip());
                    if response.clicked() {
                        self.ask(command);
                    }
                }
            });
        });
    }

    /// The decoders that were taught, and what was refused of their files.
    fn decoders_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let decoders = std::sync::Arc::clone(&self.snapshot.watching.decoders);
        widgets::card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            title(ui, "Taught decoders");
            if decoders.names.is_empty() {
                let text = "None yet: choose a datagram in Diagnostics to teach one";
                ui.label(RichText::new(text).color(palette.dim));
            }
            let names = decoders.names.iter().map(|name| format::show_text(name));
            for (idx, name) in names.enumerate().take(DECODERS_SHOWN) {
                ui.label(format!("{}. {name}", idx + 1));
            }
            if let Some(num_more) = decoders.names.len().checked_sub(DECODERS_SHOWN + 1) {
                ui.label(format!("and {} more", num_more + 1));
            }
            for refused in decoders.refused.iter().take(DECODERS_SHOWN) {
                let text = format!("▲ Refused: {}", format::show_text(refused));
                ui.add(egui::Label::new(RichText::new(text).color(palette.amber)).wrap());
            }
            place_ui(ui, "Folder", decoders.folder.as_deref());
            ui.horizontal_wrapped(|ui| {
                let reload = UiCommand::Learn(LearnCommand::ReloadDecoders);
                self.command_button_ui(ui, reload, "Read again");
                let open = UiCommand::Learn(LearnCommand::OpenDecoderFolder);
                self.command_button_ui(ui, open, "Open folder");
            });
        });
    }

    fn places_ui(&mut self, ui: &mut Ui) {
        widgets::card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            title(ui, "Where things are kept");
            let open = self.snapshot.site.path.clone();
            place_ui(ui, "This site", open.as_deref());
            place_ui(ui, "Sites", self.places.sites.as_deref());
            place_ui(ui, "Settings", self.places.settings.as_deref());
            place_ui(ui, "Logs", self.places.logs.as_deref());
            ui.add_space(4.0);
            ui.horizontal_wrapped(|ui| {
                for command in [
                    UiCommand::OpenLogFolder,
                    UiCommand::CheckInstallation,
                    UiCommand::ResetWindow,
                    UiCommand::About,
                ] {
                    let response =
                        widgets::quiet_button(ui, command.text()).on_hover_text(command.tooltip());
                    if response.clicked() {
                        self.ask(command);
                    }
                }
            });
        });
    }
}

/// The heading of a card.
pub(super) fn title(ui: &mut Ui, text: &str) {
    let palette = palette(ui.ctx());
    ui.label(
        RichText::new(text)
            .font(super::super::theme::strong(13.5))
            .color(palette.text),
    );
    ui.add_space(2.0);
}

/// One line with where something is kept.
pub(super) fn place_ui(ui: &mut Ui, label: &str, path: Option<&Path>) {
    let palette = palette(ui.ctx());
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        let left = egui::Layout::left_to_right(egui::Align::Center);
        ui.allocate_ui_with_layout(egui::vec2(72.0, 20.0), left, |ui| {
            ui.set_min_width(72.0);
            ui.label(RichText::new(label).color(palette.dim));
        });
        let text = path.map_or_else(
            || "not kept".to_owned(),
            |path| format::show_text(&path.to_string_lossy()).into_owned(),
        );
        let text = RichText::new(text).monospace().color(palette.text);
        ui.add(egui::Label::new(text).truncate().selectable(true));
    });
}
