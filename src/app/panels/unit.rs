//! The right panel: what the selected unit is, what to do next, and its parts: facts with evidence and the last
//! datagram, the answers of probes, the targets. For several units, their sum.

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::{Frame, Margin, RichText, ScrollArea, Stroke, Ui};

use super::super::grid::cells;
use super::super::theme::{self, palette};
use super::super::view_state::PanelTab;
use super::super::widgets::{self, Named};
use super::super::{App, LearnCommand, UiCommand, WatchCommand, format};
use super::why::{cautions_ui, has_cautions, product_line, reasons_ui};
use super::{HexView, Naming, hex_ui};
use crate::model::appliance::Appliance;
use crate::model::sighting::Source;
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::wire::RowWidth;

/// What is wide enough for the panel's content.
pub(super) const CONTENT_WIDTH: f32 = 320.0;

impl App {
    /// Draws the right panel.
    pub(in crate::app) fn unit_panel_ui(&mut self, ui: &mut Ui) {
        let snapshot = Arc::clone(&self.snapshot);
        let single = self.selection.single();
        let unit = single.and_then(|(slot, _)| snapshot.units.at(slot));
        if let Some(unit) = unit
            && self.panel.tab == PanelTab::Targets
        {
            // The table scrolls by itself, with its header in place.
            let mut area = ui.available_rect_before_wrap();
            area.set_width(CONTENT_WIDTH);
            ui.scope_builder(egui::UiBuilder::new().max_rect(area), |ui| {
                ui.spacing_mut().item_spacing.y = 3.0;
                self.head_ui(ui, &snapshot, unit);
                self.targets_ui(ui, unit);
            });
            return;
        }
        ScrollArea::vertical()
            .id_salt(self.panel.tab)
            .auto_shrink([false, false])
            .show(ui, |ui| {
                ui.set_width(CONTENT_WIDTH);
                ui.spacing_mut().item_spacing.y = 3.0;
                match (self.selection.len(), unit) {
                    (0, _) => nothing_selected_ui(ui, &snapshot),
                    (1, Some(unit)) => self.unit_ui(ui, &snapshot, unit),
                    (1, None) => {}
                    _ => self.sum_ui(ui, &snapshot),
                }
                ui.add_space(12.0);
            });
    }

    fn unit_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot, unit: &Appliance) {
        self.head_ui(ui, snapshot, unit);
        if self.panel.tab == PanelTab::Answers {
            self.answers_tab_ui(ui, unit);
            return;
        }
        let identified = unit.identified.as_deref();
        if let Some(identified) = identified {
            cautions_ui(ui, identified);
        }
        if identified.is_some_and(has_cautions) {
            widgets::section(ui, "Facts");
        } else {
            ui.add_space(4.0);
        }
        ui.scope(|ui| self.facts_ui(ui, unit));
        if let Some(identified) = identified {
            reasons_ui(ui, identified);
        }
        self.evidence_ui(ui, unit);
        if let Some((evidence, raw)) = unit.last_datagram() {
            widgets::section(ui, "Last datagram");
            ui.add_space(2.0);
            let naming = if evidence.source == Source::Undecoded {
                Naming::IfAidp
            } else {
                Naming::Aidp
            };
            let view = HexView {
                bytes: raw,
                full_len: evidence.full_len as usize,
                width: RowWidth::Eight,
                naming,
            };
            hex_ui(ui, &view);
            ui.add_space(4.0);
            ui.horizontal_wrapped(|ui| {
                let save = UiCommand::Watch(WatchCommand::SaveUnitCapture);
                self.command_button_ui(ui, save, save.text());
                let study = UiCommand::Learn(LearnCommand::Study);
                self.command_button_ui(ui, study, study.text());
            });
        }
    }

    /// What stands above every part: what the unit is, what comes next, and the parts themselves.
    fn head_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot, unit: &Appliance) {
        let palette = palette(ui.ctx());
        let titles = titles(unit);
        ui.add(egui::Label::new(RichText::new(titles.title).heading()).truncate());
        if let Some(product) = titles.product {
            // Who sells it stands at its end.
            ui.add(egui::Label::new(RichText::new(product).color(palette.dim)).wrap());
        }
        if let Some(line) = titles.subline {
            ui.add(egui::Label::new(RichText::new(line).color(palette.dim)).truncate());
        }
        ui.add_space(6.0);
        self.next_step_ui(ui, snapshot, unit);
        ui.add_space(6.0);
        self.tabs_ui(ui, unit);
    }

    /// The parts of the panel, one of them chosen.
    fn tabs_ui(&mut self, ui: &mut Ui, unit: &Appliance) {
        let palette = palette(ui.ctx());
        let num_targets = unit.probed.as_deref().map_or(0, |it| it.targets.len());
        let targets = if num_targets > 0 {
            format!("Targets ({num_targets})")
        } else {
            "Targets".to_owned()
        };
        let row = ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 16.0;
            ui.spacing_mut().button_padding = egui::vec2(0.0, 4.0);
            for (tab, word) in [
                (PanelTab::Facts, "Facts"),
                (PanelTab::Answers, "Answers"),
                (PanelTab::Targets, &targets),
            ] {
                let is_chosen = self.panel.tab == tab;
                let color = if is_chosen { palette.text } else { palette.dim };
                let text = RichText::new(word).font(theme::strong(theme::SMALL_SIZE));
                let button = egui::Button::new(text.color(color)).frame(false);
                let response = ui.add(button);
                response.widget_info(|| {
                    egui::WidgetInfo::selected(egui::Role::Tab, true, is_chosen, word)
                });
                if is_chosen {
                    let rect = response.rect;
                    let stroke = Stroke::new(2.0, palette.accent);
                    ui.painter().hline(rect.x_range(), rect.bottom(), stroke);
                }
                if widgets::focus_ring(response).clicked() {
                    self.panel.tab = tab;
                }
            }
        });
        let bottom = row.response.rect.bottom();
        let line = Stroke::new(1.0, palette.line);
        ui.painter().hline(ui.max_rect().x_range(), bottom, line);
    }

    /// What each probe brought, or that nobody asked.
    fn answers_tab_ui(&mut self, ui: &mut Ui, unit: &Appliance) {
        let palette = palette(ui.ctx());
        ui.add_space(4.0);
        let why_not = UiCommand::Identify.why_not(&self.command_state());
        if let Some(probed) = unit.probed.as_deref() {
            ui.scope(|ui| self.answers_ui(ui, probed));
        } else {
            ui.label(RichText::new("Not asked yet").font(theme::strong(theme::TEXT_SIZE)));
            let hint = why_not.unwrap_or(
                "Identify the unit: it is asked by standard means, and what it answers is listed here",
            );
            ui.add(egui::Label::new(RichText::new(hint).color(palette.dim)).wrap());
        }
        ui.add_space(8.0);
        let (word, name) = if unit.probed.is_some() {
            ("Ask again", "Ask this unit again")
        } else {
            ("Ask now", "Ask this unit now")
        };
        let button = ui
            .add_enabled_ui(why_not.is_none(), |ui| widgets::quiet_button(ui, word))
            .inner
            .named(name)
            .on_hover_text(UiCommand::Identify.tooltip())
            .on_disabled_hover_text(why_not.unwrap_or_default());
        if button.clicked() {
            self.ask(UiCommand::Identify);
        }
    }

    /// What the state means and what a person can do about it.
    fn next_step_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot, unit: &Appliance) {
        let palette = palette(ui.ctx());
        let status = snapshot.context.status(unit);
        let reason = snapshot.context.reason(unit);
        let identifies = is_to_identify(status, unit)
            && UiCommand::Identify.why_not(&self.command_state()).is_none();
        let (advice, command) = if identifies {
            (Some(identify_advice(unit)), Some(UiCommand::Identify))
        } else {
            advice(status, unit)
        };
        let is_calm = matches!(status, Status::Heard | Status::OnlyInFile);
        let edge = if is_calm && !identifies {
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
                    RichText::new(if identifies && status == Status::Heard {
                        "Not identified"
                    } else {
                        headline(status)
                    })
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
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            for command in [
                UiCommand::Identify,
                UiCommand::ExportSelected,
                UiCommand::ExportTargets,
                UiCommand::Forget,
            ] {
                self.command_button_ui(ui, command, command.text());
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

/// What the panel calls a unit, and the lines below it.
struct Titles {
    title: String,
    product: Option<String>,
    subline: Option<String>,
}

fn titles(unit: &Appliance) -> Titles {
    let shown = |text: &str| format::show_text(text).into_owned();
    let name = unit.name().map(|best| shown(best.value));
    let model = unit.model_or_guess().map(|best| shown(best.value));
    let mac = unit.mac().map(|best| best.value.to_string());
    let ip = unit.ip_value().map(|ip| ip.to_string());
    let product = unit
        .identified
        .as_deref()
        .and_then(|identified| identified.product.as_ref())
        .map(product_line)
        .filter(|line| !line.is_empty());
    // The product tells the class too.
    let class = unit.class_or_guess().filter(|_| product.is_none());
    let class = class.map(|best| shown(best.value));
    // A hint, which nobody needs who knows the model.
    let number = cells::model_number(unit).filter(|_| model.is_none());
    let number = number.map(|number| format!("model number {number}"));
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
    let subline = if !subline.is_empty() {
        Some(subline.join(" · "))
    } else if product.is_none() {
        Some("Nothing more is known of it".to_owned())
    } else {
        None
    };
    Titles {
        title,
        product,
        subline,
    }
}

/// Whether to ask it what it is comes next: nothing is wrong with it, and nobody knows what it is.
fn is_to_identify(status: Status, unit: &Appliance) -> bool {
    matches!(status, Status::New | Status::Heard | Status::OnlyInFile)
        && unit.model_or_guess().is_none()
        && unit
            .identified
            .as_deref()
            .is_none_or(|identified| identified.product.is_none())
}

/// What to do with a unit of which nobody knows what it is.
fn identify_advice(unit: &Appliance) -> &'static str {
    match unit.probed.as_deref() {
        None => "Ask it what it is, by SNMP, web, SSH and ports",
        Some(probed) if probed.is_silent() => {
            "It did not answer; check that its services are on, then ask again"
        }
        Some(_) => {
            "What it answered tells no product; set the SNMP community or user that it takes, then ask again"
        }
    }
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
