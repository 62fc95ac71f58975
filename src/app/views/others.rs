//! Other things that answered in swept ranges: they show no sign of being a unit and are never mixed in with them.

use std::net::Ipv4Addr;
use std::sync::Arc;

use egui::{RichText, Sense, Ui, vec2};
use egui_extras::{Column, TableBuilder};

use super::super::list::ListKeys;
use super::super::panels::{cautions_ui, reasons_ui};
use super::super::theme::{self, palette};
use super::super::view_state::{AddForm, Modal};
use super::super::widgets;
use super::super::{App, UiCommand, format};
use crate::model::probing::{ClueKind, Probe};
use crate::model::snapshot::{OtherAnswer, Snapshot};

/// How high a row of the list is.
const ROW_HEIGHT: f32 = 26.0;

/// So many open ports are named in a row.
const PORTS_SHOWN: usize = 12;

fn list_id() -> egui::Id {
    egui::Id::unique("list of others")
}

impl App {
    /// Draws the list and the answers of the chosen one.
    pub(super) fn others_section_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot) {
        let palette = palette(ui.ctx());
        let others = Arc::clone(&snapshot.others);
        let count = format::count(others.len() as u64);
        widgets::section(ui, &format!("Other things that answered ({count})"));
        if others.is_empty() {
            let text = "What answers a sweep and shows no sign of being a unit is listed here";
            ui.label(RichText::new(text).color(palette.dim));
            return;
        }
        let chosen = self.diagnostics.other;
        let height = (others.len() as f32 * ROW_HEIGHT + 30.0).min(270.0);
        ui.allocate_ui(vec2(ui.available_width(), height), |ui| {
            let marked = chosen.and_then(|ip| place_of(&others, ip));
            let list = ListKeys {
                id: list_id(),
                name: "Other things that answered",
                num_rows: others.len(),
                marked,
                // Without datagrams this is the only list of the view.
                is_main: snapshot.strays.is_empty(),
            };
            if let Some(row_idx) = self.list_keys(ui, &list) {
                self.diagnostics.other = Some(others[row_idx].probed.ip);
                self.diagnostics.scroll_to_other = Some(row_idx);
            }
            self.others_table_ui(ui, &others);
        });
        let chosen = chosen.and_then(|ip| place_of(&others, ip));
        match chosen {
            Some(row_idx) => self.other_ui(ui, &others[row_idx]),
            None => {
                ui.label(RichText::new("Click a line to see its answers").color(palette.dim));
            }
        }
    }

    fn others_table_ui(&mut self, ui: &mut Ui, others: &[Arc<OtherAnswer>]) {
        let palette = palette(ui.ctx());
        ui.spacing_mut().item_spacing.y = 0.0;
        let visuals = ui.visuals_mut();
        visuals.widgets.noninteractive.bg_stroke = egui::Stroke::NONE;
        visuals.selection.bg_fill = palette.selected;
        visuals.selection.stroke.color = palette.text;
        visuals.widgets.hovered.bg_fill = palette.row_hovered;
        let mut builder = TableBuilder::new(ui)
            .id_salt("others")
            .sense(Sense::CLICK)
            .cell_layout(egui::Layout::left_to_right(egui::Align::Center))
            .column(Column::exact(120.0).clip(true))
            .column(Column::remainder().clip(true))
            .column(Column::exact(190.0).clip(true))
            .column(Column::exact(90.0).clip(true));
        if let Some(row_idx) = self.diagnostics.scroll_to_other.take() {
            builder = builder.scroll_to_row(row_idx, None);
        }
        let mut clicked = None;
        builder
            .header(26.0, |mut row| {
                for title in ["Address", "What", "Open ports", "Asked"] {
                    row.col(|ui| {
                        let title = RichText::new(title).font(theme::strong(12.5));
                        ui.label(title.color(palette.dim));
                    });
                }
            })
            .body(|body| {
                body.rows(ROW_HEIGHT, others.len(), |mut row| {
                    let other = &others[row.index()];
                    let ip = other.probed.ip;
                    let is_chosen = self.diagnostics.other == Some(ip);
                    row.set_selected(is_chosen);
                    let cells = [
                        (ip.to_string(), true),
                        (other.what.clone(), false),
                        (open_ports(other), true),
                        (format::age(self.now, other.probed.when), false),
                    ];
                    for (text, is_mono) in cells {
                        row.col(|ui| {
                            let mut text = RichText::new(format::show_text(&text));
                            if is_mono {
                                text = text.monospace();
                            }
                            ui.add(egui::Label::new(text).truncate());
                        });
                    }
                    let response = row.response();
                    widgets::row_info(&response, is_chosen, || {
                        format!("{ip}, {}", format::show_text(&other.what))
                    });
                    if response.clicked() {
                        clicked = Some(ip);
                    }
                });
            });
        if clicked.is_some() {
            self.diagnostics.other = clicked;
            ui.memory_mut(|memory| memory.request_focus(list_id()));
        }
    }

    /// What one of them brought.
    fn other_ui(&mut self, ui: &mut Ui, other: &OtherAnswer) {
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            ui.label(RichText::new(other.probed.ip.to_string()).font(theme::strong(13.5)));
            let why_not = UiCommand::AddUnit.why_not(&self.command_state());
            let add = ui
                .add_enabled_ui(why_not.is_none(), |ui| {
                    widgets::quiet_button(ui, "Add as unit…")
                })
                .inner
                .on_hover_text("Add it to the units of this site by hand")
                .on_disabled_hover_text(why_not.unwrap_or_default());
            if add.clicked() {
                self.modal = Some(Modal::AddUnit(Box::new(AddForm {
                    ip: other.probed.ip.to_string(),
                    ..AddForm::default()
                })));
            }
        });
        ui.scope(|ui| {
            ui.set_max_width(560.0);
            ui.spacing_mut().item_spacing.y = 3.0;
            cautions_ui(ui, &other.identified);
            reasons_ui(ui, &other.identified);
            ui.add_space(4.0);
            self.answers_ui(ui, &other.probed);
        });
    }
}

fn place_of(others: &[Arc<OtherAnswer>], ip: Ipv4Addr) -> Option<usize> {
    others.iter().position(|other| other.probed.ip == ip)
}

/// The open ports that a row names.
fn open_ports(other: &OtherAnswer) -> String {
    let answer = other.probed.answer(Probe::Ports);
    let ports: Vec<&str> = answer
        .into_iter()
        .flat_map(|answer| answer.clues(ClueKind::OpenPort))
        .take(PORTS_SHOWN)
        .collect();
    ports.join(", ")
}
