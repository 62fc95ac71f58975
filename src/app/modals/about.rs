//! What this is: version, build, where things are kept, licenses.

use std::path::Path;

use egui::{RichText, Ui, vec2};

use super::super::theme;
use super::super::view_state::PageForm;
use super::super::widgets::{self, Named};
use super::super::{App, UiCommand, format};
use super::Next;
use crate::engine::doctor::Os;

/// How wide the column of the labels is.
const LABEL_WIDTH: f32 = 76.0;

impl App {
    /// Draws what this is.
    pub(super) fn about_ui(&mut self, ui: &mut Ui, page: &mut PageForm) -> Next {
        super::page_ui(ui, &mut page.scroll, |ui| self.about_page_ui(ui));
        let mut next = Next::Stay;
        widgets::foot(ui, |ui| {
            if widgets::primary_button(ui, "Close", None).clicked() {
                next = Next::Close;
            }
            let copy = widgets::quiet_button(ui, "Copy all")
                .on_hover_text("All of this as text, for a report");
            if copy.clicked() {
                ui.ctx().copy_text(self.about_text());
            }
        });
        next
    }

    fn about_page_ui(&mut self, ui: &mut Ui) {
        widgets::explain(
            ui,
            "Finds Avocent and Vertiv appliances on every network of this computer and writes the inventory.",
        );
        ui.add_space(6.0);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for (label, value) in self.facts() {
                fact_ui(ui, label, &value, is_place(label));
            }
        });
        ui.add_space(6.0);
        widgets::explain(
            ui,
            "Rollcall may be used, changed and passed on under the MIT license or the Apache License 2.0, as you choose. \
             Its letters are subsets of Inter and JetBrains Mono (SIL OFL 1.1) and DejaVu Sans.",
        );
        ui.add_space(4.0);
        ui.horizontal_wrapped(|ui| {
            for command in [
                UiCommand::Licenses,
                UiCommand::OpenLogFolder,
                UiCommand::CheckInstallation,
            ] {
                let response =
                    widgets::quiet_button(ui, command.text()).on_hover_text(command.tooltip());
                if response.clicked() {
                    self.ask(command);
                }
            }
        });
    }

    /// What there is to know, each with its label.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let place = |path: Option<&Path>| {
            path.map_or_else(
                || "not kept".to_owned(),
                |path| format::show_text(&path.to_string_lossy()).into_owned(),
            )
        };
        vec![
            ("Version", env!("CARGO_PKG_VERSION").to_owned()),
            ("Build", build()),
            ("Drawn with", self.renderer_words().to_owned()),
            (SETTINGS, place(self.places.settings.as_deref())),
            (SITES, place(self.places.sites.as_deref())),
            (LOGS, place(self.places.logs.as_deref())),
        ]
    }

    fn about_text(&self) -> String {
        let mut text = "Rollcall\n".to_owned();
        for (label, value) in self.facts() {
            text.extend([label, ": ", &value, "\n"]);
        }
        text
    }
}

const SETTINGS: &str = "Settings";
const SITES: &str = "Sites";
const LOGS: &str = "Logs";

fn is_place(label: &str) -> bool {
    [SETTINGS, SITES, LOGS].contains(&label)
}

/// The system and processor that this was built for.
pub(super) fn build() -> String {
    let debug = if cfg!(debug_assertions) {
        ", not optimized"
    } else {
        ""
    };
    let os = Os::current().name();
    format!("{os}, {}{debug}", std::env::consts::ARCH)
}

fn fact_ui(ui: &mut Ui, label: &str, value: &str, has_copy: bool) {
    let palette = theme::palette(ui.ctx());
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 22.0;
        let left = egui::Layout::left_to_right(egui::Align::Center);
        ui.allocate_ui_with_layout(vec2(LABEL_WIDTH, 22.0), left, |ui| {
            ui.set_min_width(LABEL_WIDTH);
            ui.label(RichText::new(label).color(palette.dim));
        });
        if !has_copy {
            ui.add(egui::Label::new(value).truncate().selectable(true));
            return;
        }
        let right = egui::Layout::right_to_left(egui::Align::Center);
        ui.with_layout(right, |ui| {
            let copy = widgets::link_button(ui, "Copy").named(&format!("Copy path of {label}"));
            if copy.clicked() {
                ui.ctx().copy_text(value.to_owned());
            }
            ui.with_layout(left, |ui| {
                let value = RichText::new(value).monospace();
                ui.add(egui::Label::new(value).truncate().selectable(true));
            });
        });
    });
}
