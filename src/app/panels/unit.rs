//! The right panel: what the selected unit is, what to do next, facts, evidence, the last datagram. For several
//! units, their sum.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use egui::{Frame, Margin, RichText, ScrollArea, Stroke, Ui};

use super::super::grid::cells;
use super::super::theme::{self, palette};
use super::super::widgets;
use super::super::{App, UiCommand, format};
use super::{HexView, hex_ui};
use crate::model::appliance::Appliance;
use crate::model::sighting::{Evidence, Source};
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::model::time::Timestamp;
use crate::wire::RowWidth;

/// How many lines of evidence are listed.
const EVIDENCE_SHOWN: usize = 12;

/// What is wide enough for the panel's content.
const CONTENT_WIDTH: f32 = 320.0;

impl App {
    /// Draws the right panel.
    pub(in crate::app) fn unit_panel_ui(&mut self, ui: &mut Ui) {
        let snapshot = Arc::clone(&self.snapshot);
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                ui.set_width(CONTENT_WIDTH);
                ui.spacing_mut().item_spacing.y = 3.0;
                match self.selection.len() {
                    0 => nothing_selected_ui(ui, &snapshot),
                    1 => {
                        let unit = self
                            .selection
                            .single()
                            .and_then(|(slot, _)| snapshot.units.at(slot));
                        if let Some(unit) = unit {
                            self.unit_ui(ui, &snapshot, unit);
                        }
                    }
                    _ => self.sum_ui(ui, &snapshot),
                }
                ui.add_space(12.0);
            });
    }

    fn unit_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot, unit: &Appliance) {
        let palette = palette(ui.ctx());
        let (title, subline) = titles(unit);
        ui.add(egui::Label::new(RichText::new(title).heading()).truncate());
        ui.add(egui::Label::new(RichText::new(subline).color(palette.dim)).truncate());
        ui.add_space(6.0);
        self.next_step_ui(ui, snapshot, unit);
        widgets::section(ui, "Facts");
        ui.scope(|ui| self.facts_ui(ui, unit));
        self.evidence_ui(ui, unit);
        if let Some((evidence, raw)) = unit.last_datagram() {
            widgets::section(ui, "Last datagram");
            ui.add_space(2.0);
            let view = HexView {
                bytes: raw,
                full_len: evidence.full_len as usize,
                width: RowWidth::Eight,
                is_aidp: evidence.source != Source::Undecoded,
            };
            hex_ui(ui, &view);
        }
    }

    /// What the state means and what a person can do about it.
    fn next_step_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot, unit: &Appliance) {
        let palette = palette(ui.ctx());
        let status = snapshot.context.status(unit);
        let reason = snapshot.context.reason(unit);
        let (advice, command) = advice(status, unit);
        let edge = if status == Status::Heard || status == Status::OnlyInFile {
            palette.line
        } else {
            palette.accent
        };
        Frame::new()
            .fill(palette.tinted)
            .stroke(Stroke::new(1.0, edge))
            .corner_radius(8)
            .inner_margin(Margin::symmetric(10, 9))
            .show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = 5.0;
                ui.label(
                    RichText::new(headline(status))
                        .font(theme::strong(theme::TEXT_SIZE))
                        .color(palette.text),
                );
                ui.label(RichText::new(format::show_text(&reason)).color(palette.dim));
                if let Some(advice) = advice {
                    ui.label(RichText::new(advice).color(palette.dim));
                }
                if status == Status::Conflict {
                    self.others_ui(ui, snapshot, unit);
                }
                // What is not possible just now (a read-only site) is not what comes next.
                let command =
                    command.filter(|command| command.why_not(&self.command_state()).is_none());
                if let Some(command) = command {
                    ui.add_space(2.0);
                    let response = widgets::primary_button(ui, command.text(), None)
                        .on_hover_text(command.tooltip());
                    if response.clicked() {
                        self.ask(command);
                    }
                }
            });
    }

    /// The other units that claim the same address.
    fn others_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot, unit: &Appliance) {
        let Some(ip) = unit.heard_ip() else {
            return;
        };
        let Some(num_units) = snapshot.context.shared_ips.get(&ip) else {
            return;
        };
        let text = if *num_units > 2 {
            "Show the other units"
        } else {
            "Show the other unit"
        };
        if widgets::primary_button(ui, text, None)
            .on_hover_text("Filters the grid by this address")
            .clicked()
        {
            self.query.counter = crate::model::query::Counter::All;
            self.query.text = format!("ip:{ip}");
        }
    }

    fn evidence_ui(&self, ui: &mut Ui, unit: &Appliance) {
        if unit.evidence.is_empty() {
            return;
        }
        let palette = palette(ui.ctx());
        widgets::section(ui, "Evidence");
        let lines = evidence_lines(unit);
        let num_hidden = lines.len().saturating_sub(EVIDENCE_SHOWN);
        let num_more: usize = lines[..num_hidden].iter().map(|line| line.count).sum();
        ui.spacing_mut().interact_size.y = 18.0;
        egui::Grid::new("evidence")
            .num_columns(2)
            .spacing([14.0, 4.0])
            .show(ui, |ui| {
                for line in &lines[num_hidden..] {
                    let evidence = line.newest;
                    let time = format::time_of_day(evidence.when, &self.zone);
                    ui.label(
                        RichText::new(time)
                            .monospace()
                            .size(theme::SMALL_SIZE)
                            .color(palette.faint),
                    )
                    .on_hover_text(format::exact(evidence.when, &self.zone));
                    let mut words = format!(
                        "{}, {}, {}",
                        evidence_word(evidence.source),
                        evidence.channel.word(),
                        format::bytes(u64::from(evidence.full_len)),
                    );
                    let mut hover = format!("From {} on {}", evidence.from, evidence.interface);
                    if line.count > 1 {
                        // Writing to a `String` cannot fail.
                        write!(words, " ×{}", line.count).ok();
                        let first = format::exact(line.first, &self.zone);
                        write!(hover, "\n{} times alike, first {first}", line.count).ok();
                    }
                    if !evidence.remarks.is_empty() {
                        write!(hover, "\nOdd: {}", evidence.remarks).ok();
                    }
                    let width = CONTENT_WIDTH - 80.0;
                    ui.scope(|ui| {
                        ui.set_max_width(width);
                        let shown = if evidence.remarks.is_empty() {
                            words
                        } else {
                            format!("{words} ({})", evidence.remarks)
                        };
                        ui.add(egui::Label::new(shown).wrap()).on_hover_text(hover);
                    });
                    ui.end_row();
                }
            });
        if num_more > 0 {
            let text = format::counted(num_more as u64, "earlier sighting", "earlier sightings");
            ui.label(RichText::new(text).color(palette.faint));
        }
    }

    /// Several units: how many of which status and where.
    fn sum_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot) {
        let palette = palette(ui.ctx());
        let num_selected = self.selection.len() as u64;
        ui.label(RichText::new(format!("{} selected", format::units(num_selected))).heading());
        let sum = self.sum.take().filter(|sum| sum.fits(self, snapshot));
        let sum = sum.unwrap_or_else(|| Sum::new(self, snapshot));
        widgets::section(ui, "By status");
        for (status, count) in &sum.by_status {
            let (rect, _) =
                ui.allocate_exact_size(egui::vec2(CONTENT_WIDTH, 20.0), egui::Sense::hover());
            let color = palette.status(*status);
            let center = egui::pos2(rect.left() + 6.0, rect.center().y);
            cells::paint_status(ui.painter(), center, *status, color);
            sum_line(ui, rect, 20.0, cells::status_word(*status), *count);
        }
        widgets::section(ui, "By network");
        for (network, count) in &sum.by_network {
            let (rect, _) =
                ui.allocate_exact_size(egui::vec2(CONTENT_WIDTH, 20.0), egui::Sense::hover());
            let name = if network.is_empty() {
                "Not heard"
            } else {
                network
            };
            sum_line(ui, rect, 0.0, &format::show_text(name), *count);
        }
        self.sum = Some(sum);
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            for command in [UiCommand::ExportSelected, UiCommand::Forget] {
                let why_not = command.why_not(&self.command_state());
                let enabled = why_not.is_none();
                let button = ui
                    .add_enabled_ui(enabled, |ui| widgets::quiet_button(ui, command.text()))
                    .inner
                    .on_hover_text(command.tooltip())
                    .on_disabled_hover_text(why_not.unwrap_or_default());
                if button.clicked() {
                    self.ask(command);
                }
            }
        });
    }
}

/// The sum of the selected units, kept while neither they nor the selection change: there may be very many.
#[derive(Debug)]
pub(in crate::app) struct Sum {
    units_revision: u64,
    selection_revision: u64,
    by_status: BTreeMap<Status, u64>,
    by_network: BTreeMap<String, u64>,
}

impl Sum {
    fn new(app: &App, snapshot: &Snapshot) -> Self {
        let mut sum = Self {
            units_revision: snapshot.units_revision,
            selection_revision: app.selection.revision(),
            by_status: BTreeMap::new(),
            by_network: BTreeMap::new(),
        };
        for unit in app
            .selection
            .rows()
            .filter_map(|(slot, _)| snapshot.units.at(slot))
        {
            let status = snapshot.context.status(unit);
            *sum.by_status.entry(status).or_default() += 1;
            let on = unit.heard_on().unwrap_or_default();
            *sum.by_network.entry(on).or_default() += 1;
        }
        sum
    }

    fn fits(&self, app: &App, snapshot: &Snapshot) -> bool {
        self.units_revision == snapshot.units_revision
            && self.selection_revision == app.selection.revision()
    }
}

fn sum_line(ui: &Ui, rect: egui::Rect, indent: f32, text: &str, count: u64) {
    let palette = palette(ui.ctx());
    let font = egui::FontId::proportional(theme::TEXT_SIZE);
    ui.painter().text(
        egui::pos2(rect.left() + indent, rect.center().y),
        egui::Align2::LEFT_CENTER,
        text,
        font.clone(),
        palette.text,
    );
    ui.painter().text(
        egui::pos2(rect.left() + 160.0, rect.center().y),
        egui::Align2::RIGHT_CENTER,
        format::count(count),
        font,
        palette.dim,
    );
}

fn nothing_selected_ui(ui: &mut Ui, snapshot: &Snapshot) {
    let palette = palette(ui.ctx());
    ui.label(RichText::new("No unit selected").heading());
    let text = if snapshot.units.is_empty() {
        "Facts and evidence of a unit are shown here"
    } else {
        "Click a row, or press the arrow keys, to see its facts and evidence here"
    };
    ui.label(RichText::new(text).color(palette.dim));
}

/// What the panel calls a unit, and the line below it.
fn titles(unit: &Appliance) -> (String, String) {
    let shown = |text: &str| format::show_text(text).into_owned();
    let name = unit.name().map(|best| shown(best.value));
    let model = unit.model().map(|best| shown(best.value));
    let mac = unit.mac().map(|best| best.value.to_string());
    let ip = unit.ip_value().map(|ip| ip.to_string());
    let class = unit.class().map(|best| shown(best.value));
    let number = cells::model_number(unit).map(|number| format!("model number {number}"));
    let title = model
        .clone()
        .or_else(|| name.clone())
        .or_else(|| mac.clone())
        .or_else(|| ip.clone())
        .unwrap_or_else(|| "Unknown unit".to_owned());
    let parts = [class, name, ip, number]
        .into_iter()
        .flatten()
        .filter(|part| *part != title);
    let subline: Vec<String> = parts.collect();
    let subline = if subline.is_empty() {
        "Nothing more is known of it".to_owned()
    } else {
        subline.join(" · ")
    };
    (title, subline)
}

/// The first line of the next-step box.
const fn headline(status: Status) -> &'static str {
    match status {
        Status::Conflict => "Address conflict",
        Status::NoAddress => "No address yet",
        Status::WrongNetwork => "Wrong network",
        Status::Silent => "No longer answers",
        Status::New => "New unit",
        Status::Heard => "Nothing to do",
        Status::OnlyInFile => "Only in a file",
    }
}

/// What a person can do, and the command that does it, when there is one.
fn advice(status: Status, unit: &Appliance) -> (Option<&'static str>, Option<UiCommand>) {
    match status {
        Status::Conflict => (
            Some("Unplug one of the units, or give one of them another address at its own console"),
            None,
        ),
        Status::NoAddress => (
            Some("Give it an address at its own console or by DHCP; it is heard again by itself"),
            None,
        ),
        Status::WrongNetwork => (
            Some("Check the cable and the VLAN of its port, or change its address"),
            None,
        ),
        Status::Silent => (
            Some("Check its power and its cable, then ask again"),
            Some(UiCommand::SearchNow),
        ),
        Status::New if unit.name().is_none() => (
            Some("Give it a name, or import an inventory file that knows its MAC or serial"),
            Some(UiCommand::Rename),
        ),
        Status::New if unit.imported.is_none() => (
            Some("Note where it stands, or import the inventory to match it by MAC or serial"),
            Some(UiCommand::EditNote),
        ),
        Status::New => (
            Some("It matches a row of an imported file; note where it stands"),
            Some(UiCommand::EditNote),
        ),
        Status::Heard => (None, None),
        Status::OnlyInFile => (
            Some("It appears by itself once it is plugged into a network that is listened on"),
            Some(UiCommand::SearchNow),
        ),
    }
}

/// Sightings that say the same, as one line.
struct EvidenceLine<'a> {
    newest: &'a Evidence,
    first: Timestamp,
    count: usize,
}

/// The evidence with what is alike in one line: a unit that is asked every 15 s says the same for hours. In the order
/// of the newest of each.
fn evidence_lines(unit: &Appliance) -> Vec<EvidenceLine<'_>> {
    let alike = |a: &Evidence, b: &Evidence| {
        a.source == b.source
            && a.channel == b.channel
            && a.full_len == b.full_len
            && a.remarks == b.remarks
            && a.from.ip() == b.from.ip()
            && a.interface == b.interface
    };
    let mut lines: Vec<EvidenceLine<'_>> = Vec::new();
    for evidence in unit.evidence.iter().rev() {
        match lines.iter_mut().find(|line| alike(line.newest, evidence)) {
            Some(line) => {
                line.first = evidence.when;
                line.count += 1;
            }
            None => lines.push(EvidenceLine {
                newest: evidence,
                first: evidence.when,
                count: 1,
            }),
        }
    }
    lines.reverse();
    lines
}

/// How something was heard, as a sentence begins.
const fn evidence_word(source: Source) -> &'static str {
    match source {
        Source::Announcement => "Announcement",
        Source::Reply => "Reply",
        Source::SweepReply => "Reply to a sweep",
        Source::TcpReply => "Reply over TCP",
        Source::Undecoded => "Not understood",
        Source::Snmp => "SNMP",
        Source::Tls => "TLS",
        Source::Http => "Web",
        Source::Ssh => "SSH",
        Source::Telnet => "Telnet",
        Source::Ports => "Ports",
        Source::Neighbors => "Neighbors",
        Source::Import => "File",
        Source::Person => "Typed",
    }
}
