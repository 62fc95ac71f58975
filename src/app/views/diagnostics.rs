//! Datagrams that were not understood, with reason, bytes and hints; other searchers; floods; what the doctor found.

use std::net::IpAddr;
use std::sync::Arc;

use egui::{RichText, ScrollArea, Sense, Ui, vec2};
use egui_extras::{Column, TableBuilder};

use super::super::list::ListKeys;
use super::super::panels::{HexView, Naming, hex_ui};
use super::super::theme::{self, palette};
use super::super::widgets;
use super::super::{App, LearnCommand, UiCommand, format};
use crate::model::network::who_listens;
use crate::model::sighting::{Stray, StrayReason};
use crate::model::snapshot::Snapshot;
use crate::wire::{Guess, RowWidth, guess};

/// How high a row of the list is.
const ROW_HEIGHT: f32 = 26.0;

impl App {
    /// Draws the Diagnostics view.
    pub(in crate::app) fn diagnostics_ui(&mut self, ui: &mut Ui) {
        if self.teach.is_some() {
            super::settings::page(ui, |ui| self.teach_ui(ui));
            return;
        }
        let snapshot = Arc::clone(&self.snapshot);
        super::settings::page(ui, |ui| {
            ScrollArea::vertical()
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    ui.label(RichText::new("Diagnostics").heading());
                    self.strays_ui(ui, &snapshot);
                    self.others_section_ui(ui, &snapshot);
                    self.floods_section_ui(ui, &snapshot);
                    self.searchers_ui(ui, &snapshot);
                    self.doctor_ui(ui, &snapshot);
                    ui.add_space(16.0);
                });
        });
    }

    fn strays_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot) {
        let palette = palette(ui.ctx());
        widgets::section(ui, "Datagrams that made no unit, the newest first");
        if snapshot.strays.is_empty() {
            ui.label(RichText::new("Every datagram so far was understood").color(palette.dim));
            return;
        }
        let chosen = self
            .diagnostics
            .selected
            .and_then(|seq| snapshot.strays.iter().find(|stray| stray.seq == seq))
            .cloned();
        let height = (snapshot.strays.len() as f32 * ROW_HEIGHT + 30.0).min(270.0);
        ui.allocate_ui(vec2(ui.available_width(), height), |ui| {
            self.stray_keys_ui(ui, snapshot);
            self.stray_table_ui(ui, snapshot);
        });
        match chosen {
            Some(stray) => {
                let teach = UiCommand::Learn(LearnCommand::Teach);
                if teach.why_not(&self.command_state()).is_none() {
                    self.command_button_ui(ui, teach, teach.text());
                }
                stray_ui(ui, &stray);
            }
            None => {
                ui.label(RichText::new("Click a line to see its bytes").color(palette.dim));
            }
        }
    }

    fn stray_table_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot) {
        let palette = palette(ui.ctx());
        ui.spacing_mut().item_spacing.y = 0.0;
        let visuals = ui.visuals_mut();
        visuals.widgets.noninteractive.bg_stroke = egui::Stroke::NONE;
        visuals.selection.bg_fill = palette.selected;
        visuals.selection.stroke.color = palette.text;
        visuals.widgets.hovered.bg_fill = palette.row_hovered;
        let titles = ["Time", "Network", "Sender", "Heard by", "Bytes", "Why"];
        let widths = [76.0, 100.0, 170.0, 130.0, 60.0];
        let mut builder = TableBuilder::new(ui)
            .id_salt("strays")
            .sense(Sense::CLICK)
            .cell_layout(egui::Layout::left_to_right(egui::Align::Center));
        if let Some(row_idx) = self.diagnostics.scroll_to.take() {
            builder = builder.scroll_to_row(row_idx, None);
        }
        for width in widths {
            // What is cut is shown whole on hover.
            builder = builder.column(Column::exact(width).clip(true));
        }
        let mut clicked = None;
        builder
            .column(Column::remainder().clip(true))
            .header(26.0, |mut row| {
                for title in titles {
                    row.col(|ui| {
                        ui.label(
                            RichText::new(title)
                                .font(theme::strong(12.5))
                                .color(palette.dim),
                        );
                    });
                }
            })
            .body(|body| {
                let num_rows = snapshot.strays.len();
                body.rows(ROW_HEIGHT, num_rows, |mut row| {
                    let stray = &snapshot.strays[num_rows - 1 - row.index()];
                    let is_chosen = self.diagnostics.selected == Some(stray.seq);
                    row.set_selected(is_chosen);
                    let why = reason_words(&stray.reason);
                    let cells = [
                        (format::time_of_day(stray.when, &self.zone), true),
                        (stray.interface.to_string(), false),
                        (stray.from.to_string(), true),
                        (stray.channel.word().to_owned(), false),
                        (format::count(u64::from(stray.raw.full_len)), false),
                        (why.clone(), false),
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
                        format!("From {}, {why}", stray.from)
                    });
                    if response.clicked() {
                        clicked = Some(stray.seq);
                    }
                });
            });
        if clicked.is_some() {
            self.diagnostics.selected = clicked;
        }
    }

    /// The stray that the arrow keys lead to. The list takes the keyboard while nothing else has it.
    fn stray_keys_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot) {
        // The list shows the newest first.
        let last = snapshot.strays.len() - 1;
        let here = self
            .diagnostics
            .selected
            .and_then(|seq| snapshot.strays.iter().rposition(|stray| stray.seq == seq));
        let keys = ListKeys {
            id: egui::Id::unique("list of strays"),
            name: "Datagrams that made no unit",
            num_rows: snapshot.strays.len(),
            marked: here.map(|idx| last - idx),
            is_main: true,
        };
        if let Some(row_idx) = self.list_keys(ui, &keys) {
            self.diagnostics.selected = Some(snapshot.strays[last - row_idx].seq);
            self.diagnostics.scroll_to = Some(row_idx);
        }
    }

    fn floods_section_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot) {
        if snapshot.floods.is_empty() {
            return;
        }
        widgets::section(ui, "Senders that flood");
        for flood in snapshot.floods.iter() {
            self.flood_ui(ui, flood);
        }
    }

    fn searchers_ui(&self, ui: &mut Ui, snapshot: &Snapshot) {
        if snapshot.searchers.is_empty() {
            return;
        }
        let palette = palette(ui.ctx());
        widgets::section(ui, "Others who search on these networks");
        for searcher in snapshot.searchers.iter() {
            ui.horizontal(|ui| {
                ui.monospace(searcher.ip.to_string());
                let meant = searcher
                    .meant
                    .map_or_else(String::new, |mac| format!(", meant for {mac}"));
                let text = format!(
                    "on {}: {}, last a {}{meant}, {}",
                    searcher.interface,
                    format::counted(searcher.count, "request", "requests"),
                    searcher.kind,
                    format::age(self.now, searcher.last),
                );
                ui.label(RichText::new(text).color(palette.dim));
            });
        }
    }

    fn doctor_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot) {
        let palette = palette(ui.ctx());
        widgets::section(ui, "What was checked");
        ui.horizontal(|ui| {
            if widgets::quiet_button(ui, "Check again").clicked() {
                self.ask(UiCommand::RunDoctor);
            }
            if !snapshot.doctor.checks.is_empty() {
                let text = format!(
                    "Checked {}",
                    format::age(self.clock_now, snapshot.doctor.when)
                );
                ui.label(RichText::new(text).color(palette.dim));
            }
        });
        for check in &snapshot.doctor.checks {
            self.check_ui(ui, check);
        }
        // Before the first look, nobody knows who holds the ports.
        if snapshot.doctor.checks.is_empty() {
            return;
        }
        widgets::section(ui, "Who listens here");
        for line in who_listens(&snapshot.doctor.port_holders) {
            ui.label(RichText::new(format::show_text(&line)).color(palette.dim));
        }
    }
}

/// The bytes of a stray with what can be read out of them.
fn stray_ui(ui: &mut Ui, stray: &Stray) {
    let palette = palette(ui.ctx());
    ui.add_space(4.0);
    let text = format!(
        "{} from {} on {}: {}",
        format::bytes(u64::from(stray.raw.full_len)),
        stray.from,
        stray.interface,
        reason_words(&stray.reason)
    );
    ui.label(RichText::new(text).color(palette.dim));
    ui.scope(|ui| {
        ui.set_max_width(560.0);
        let view = HexView {
            bytes: &stray.raw.bytes,
            full_len: stray.raw.full_len as usize,
            width: RowWidth::Sixteen,
            naming: match &stray.reason {
                StrayReason::Rejected(_) => Naming::IfAidp,
                StrayReason::NoIdentity | StrayReason::OtherType(_) => Naming::Aidp,
            },
        };
        hex_ui(ui, &view);
    });
    let sender_ip = match stray.from.ip() {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(ip) => ip.to_ipv4_mapped(),
    };
    let hints = guess(&stray.raw.bytes, None, sender_ip);
    if hints.is_empty() {
        return;
    }
    widgets::section(ui, "Hints, not facts: what these bytes look like");
    ui.spacing_mut().interact_size.y = 18.0;
    for hint in hints.iter().take(24) {
        ui.horizontal(|ui| {
            let offset = format!("{:04x}", hint.offset);
            ui.label(RichText::new(offset).monospace().color(palette.faint));
            let text = match &hint.what {
                Guess::SenderMac => "the sender's MAC".to_owned(),
                Guess::SenderIp => "the sender's address".to_owned(),
                Guess::Text(text) => format!("text “{}”", format::show_text(text)),
            };
            ui.add(egui::Label::new(text).truncate());
        });
    }
}

/// Why a datagram made no unit, as a sentence.
fn reason_words(reason: &StrayReason) -> String {
    match reason {
        StrayReason::Rejected(rejection) => format::sentence(&rejection.to_string()),
        StrayReason::NoIdentity => "A reply that names neither a MAC nor an address".to_owned(),
        StrayReason::OtherType(number) => format!("A message of the unknown type {number}"),
    }
}
