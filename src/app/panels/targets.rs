//! The targets of a unit: what hangs on its serial ports, as it tells.

use std::borrow::Cow;

use egui::{Label, RichText, Sense, TextEdit, Ui, vec2};
use egui_extras::{Column, TableBuilder};

use super::super::list::ListKeys;
use super::super::theme::{self, palette};
use super::super::view_state::View;
use super::super::widgets;
use super::super::{App, UiCommand, format};
use crate::model::appliance::Appliance;
use crate::model::probing::{Outcome, Probe, Target};

/// How high a row is: two lines.
const ROW_HEIGHT: f32 = 38.0;

fn list_id() -> egui::Id {
    egui::Id::unique("list of targets")
}

impl App {
    /// Draws the targets, or what to do when there are none.
    pub(super) fn targets_ui(&mut self, ui: &mut Ui, unit: &Appliance) {
        let targets = unit
            .probed
            .as_deref()
            .map_or(&[][..], |probed| &probed.targets);
        if targets.is_empty() {
            self.no_targets_ui(ui, unit);
            return;
        }
        ui.add_space(4.0);
        self.targets_bar_ui(ui);
        let wanted = self.panel.filter.trim().to_lowercase();
        let shown: Vec<(usize, &Target)> = targets
            .iter()
            .enumerate()
            .filter(|(_, target)| matches_filter(target, &wanted))
            .collect();
        if shown.is_empty() {
            let palette = palette(ui.ctx());
            ui.add_space(6.0);
            let text = format!(
                "{}, none of them passes the filter",
                format::counted(targets.len() as u64, "target", "targets")
            );
            ui.label(RichText::new(text).color(palette.dim));
            return;
        }
        ui.add_space(2.0);
        let marked = self.panel.target;
        let list = ListKeys {
            id: list_id(),
            name: "Targets",
            num_rows: shown.len(),
            marked: marked.and_then(|place| shown.iter().position(|it| it.0 == place)),
            is_main: false,
        };
        if let Some(row_idx) = self.list_keys(ui, &list) {
            self.panel.target = Some(shown[row_idx].0);
            self.panel.scroll_to = Some(row_idx);
        }
        self.target_table_ui(ui, &shown);
    }

    /// The filter, and the way into a file.
    fn targets_bar_ui(&mut self, ui: &mut Ui) {
        let right = egui::Layout::right_to_left(egui::Align::Center);
        ui.allocate_ui_with_layout(vec2(ui.available_width(), 28.0), right, |ui| {
            self.command_button_ui(ui, UiCommand::ExportTargets, "Export…");
            let palette = palette(ui.ctx());
            let hint = RichText::new("Filter by port, name, status…").color(palette.faint);
            let field = TextEdit::singleline(&mut self.panel.filter)
                .hint_text(hint)
                .desired_width(ui.available_width())
                .margin(egui::Margin::symmetric(8, 5))
                .char_limit(128);
            let response = ui.add(field);
            response.widget_info(|| {
                let name = "Filter the targets";
                let mut info = egui::WidgetInfo::labeled(egui::Role::SearchInput, true, name);
                info.current_text_value = Some(self.panel.filter.clone());
                info
            });
            let pressed = |key| ui.input(|input| input.key_pressed(key));
            if response.has_focus() && pressed(egui::Key::ArrowDown) {
                ui.memory_mut(|memory| memory.request_focus(list_id()));
            } else if pressed(egui::Key::Escape) && (response.has_focus() || response.lost_focus())
            {
                self.panel.filter.clear();
            }
        });
    }

    fn target_table_ui(&mut self, ui: &mut Ui, shown: &[(usize, &Target)]) {
        let palette = palette(ui.ctx());
        ui.spacing_mut().item_spacing = vec2(6.0, 0.0);
        let visuals = ui.visuals_mut();
        visuals.widgets.noninteractive.bg_stroke = egui::Stroke::NONE;
        visuals.selection.bg_fill = palette.selected;
        visuals.selection.stroke.color = palette.text;
        visuals.widgets.hovered.bg_fill = palette.row_hovered;
        let mut builder = TableBuilder::new(ui)
            .id_salt("targets")
            .sense(Sense::CLICK)
            .auto_shrink([false, false])
            .cell_layout(egui::Layout::top_down(egui::Align::Min))
            .column(Column::exact(34.0).clip(true))
            .column(Column::remainder().clip(true))
            .column(Column::exact(92.0).clip(true))
            .column(Column::exact(62.0).clip(true));
        if let Some(row_idx) = self.panel.scroll_to.take() {
            builder = builder.scroll_to_row(row_idx, None);
        }
        let mut clicked = None;
        builder
            .header(22.0, |mut row| {
                for title in ["Port", "Name, TTY", "Status, speed", "Connected"] {
                    row.col(|ui| {
                        let title = RichText::new(title).font(theme::strong(11.5));
                        ui.add(Label::new(title.color(palette.dim)).truncate());
                    });
                }
            })
            .body(|body| {
                body.rows(ROW_HEIGHT, shown.len(), |mut row| {
                    let (place, target) = shown[row.index()];
                    let is_marked = self.panel.target == Some(place);
                    row.set_selected(is_marked);
                    let port = target.port.to_string();
                    let speed = speed_words(&target.speed);
                    let lines: [(&str, &str); 3] = [
                        (&port, ""),
                        (&target.name, &target.tty),
                        (&target.status, &speed),
                    ];
                    for (idx, (first, second)) in lines.into_iter().enumerate() {
                        row.col(|ui| {
                            let is_mono = idx == 0;
                            line_ui(ui, first, palette.text, is_mono);
                            if idx > 0 {
                                line_ui(ui, second, palette.dim, true);
                            }
                        });
                    }
                    row.col(|ui| {
                        let (text, color) = match target.is_connected {
                            Some(true) => ("● yes", palette.green),
                            Some(false) => ("○ no", palette.dim),
                            None => ("—", palette.faint),
                        };
                        line_ui(ui, text, color, false);
                    });
                    let response = row.response();
                    widgets::row_info(&response, is_marked, || target_words(target));
                    if response.clicked() {
                        clicked = Some(place);
                    }
                });
            });
        if clicked.is_some() {
            self.panel.target = clicked;
            ui.memory_mut(|memory| memory.request_focus(list_id()));
        }
    }

    /// Why there are no targets, and what to do.
    fn no_targets_ui(&mut self, ui: &mut Ui, unit: &Appliance) {
        let palette = palette(ui.ctx());
        let snmp = unit
            .probed
            .as_deref()
            .map(|probed| probed.answer(Probe::Snmp));
        let (title, hint, shows_settings) = match snmp {
            _ if !self.is_on(Probe::Snmp) => (
                "SNMP is switched off",
                "Units tell of their serial ports by SNMP only: switch it on in the settings, then identify the unit",
                true,
            ),
            None | Some(None) => (
                "Not asked yet",
                "Identify the unit: console servers tell of their serial ports by SNMP",
                false,
            ),
            Some(Some(answer)) if answer.outcome == Outcome::Answered => (
                "It tells of no serial ports",
                "It answers SNMP; console servers of the ACS families tell of their ports there",
                false,
            ),
            Some(Some(_)) => (
                "SNMP brought no answer",
                "Switch SNMP on at the unit, or set the community or the SNMP v3 user that it takes, then identify it again",
                true,
            ),
        };
        ui.add_space(6.0);
        ui.label(RichText::new(title).font(theme::strong(theme::TEXT_SIZE)));
        ui.add(Label::new(RichText::new(hint).color(palette.dim)).wrap());
        if shows_settings && widgets::quiet_button(ui, "Open settings").clicked() {
            self.view = View::Settings;
        }
    }
}

/// One line of a cell, cut where the cell ends.
fn line_ui(ui: &mut Ui, text: &str, color: egui::Color32, is_mono: bool) {
    ui.spacing_mut().item_spacing.y = 1.0;
    let text = if text.is_empty() { "—" } else { text };
    let mut text = RichText::new(format::show_text(text))
        .size(theme::SMALL_SIZE)
        .color(color);
    if is_mono {
        text = text.monospace();
    }
    ui.add(Label::new(text).truncate());
}

/// A speed with its unit, where it is a plain number.
fn speed_words(speed: &str) -> Cow<'_, str> {
    if !speed.is_empty() && speed.bytes().all(|byte| byte.is_ascii_digit()) {
        Cow::Owned(format!("{speed} bit/s"))
    } else {
        Cow::Borrowed(speed)
    }
}

fn matches_filter(target: &Target, wanted: &str) -> bool {
    wanted
        .split_whitespace()
        .all(|word| target_words(target).to_lowercase().contains(word))
}

/// A target as it is read out and looked for.
fn target_words(target: &Target) -> String {
    let connected = match target.is_connected {
        Some(true) => "connected",
        Some(false) => "not connected",
        None => "",
    };
    let port = format!("Port {}", target.port);
    let speed = speed_words(&target.speed);
    let parts = [
        &*port,
        &target.tty,
        &target.name,
        &target.status,
        &*speed,
        connected,
    ];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format::show_text(&parts.join(", ")).into_owned()
}
