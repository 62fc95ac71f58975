//! The facts of a unit: label and value, with who said it on hover. Name and note can be changed here.

use egui::{RichText, Ui};

use super::super::grid::cells::{self, CellContext};
use super::super::theme::{self, palette};
use super::super::widgets::{self, Named};
use super::super::{App, UiCommand, format};
use super::why::confidence_glyph;
use crate::catalog::{REGISTRY_DATE, organization};
use crate::model::appliance::Appliance;
use crate::model::column::Column;

/// Values begin here.
const LABEL_WIDTH: f32 = 92.0;

/// How high a line is.
const LINE_HEIGHT: f32 = 21.0;

/// The facts that are always listed, known or not.
const ALWAYS: [Column; 5] = [
    Column::Name,
    Column::Mac,
    Column::Ip,
    Column::HeardOn,
    Column::Note,
];

/// The order of the facts.
const FACTS: [Column; 15] = [
    Column::Name,
    Column::Model,
    Column::Class,
    Column::Mac,
    Column::Serial,
    Column::PartNumber,
    Column::Firmware,
    Column::Ip,
    Column::Prefix,
    Column::Gateway,
    Column::HeardOn,
    Column::HeardBy,
    Column::FirstHeard,
    Column::LastHeard,
    Column::Note,
];

impl App {
    /// Draws the facts.
    pub(super) fn facts_ui(&mut self, ui: &mut Ui, unit: &Appliance) {
        ui.spacing_mut().item_spacing.y = 0.0;
        let snapshot = std::sync::Arc::clone(&self.snapshot);
        let zone = self.zone.clone();
        let context = CellContext {
            snapshot: &snapshot,
            palette: palette(ui.ctx()),
            now: self.now,
            zone: &zone,
        };
        for column in FACTS {
            if column == Column::Mac {
                // After model and class.
                self.sureness_ui(ui, unit);
            }
            if column == Column::Class && is_in_product_line(unit) {
                continue;
            }
            let cell = cells::cell_text(column, unit, &context);
            let is_known = cell.text != cells::DASH;
            if !is_known && !ALWAYS.contains(&column) {
                continue;
            }
            let (label, text) = match column {
                Column::FirstHeard => (
                    "First heard",
                    unit.first_heard()
                        .map_or_else(String::new, |when| format::exact(when, &zone)),
                ),
                Column::HeardBy => ("Heard by", format::sentence(&cell.text)),
                column => (column.title(), cell.text.clone().into_owned()),
            };
            let hover = cells::cell_hover(column, unit, &context);
            let command = match column {
                Column::Name => Some(UiCommand::Rename),
                Column::Note => Some(UiCommand::EditNote),
                _ => None,
            };
            let line = FactLine {
                label,
                text: &text,
                mark: None,
                hover: hover.as_deref(),
                is_known,
                is_mono: cells::is_mono(column) && is_known,
            };
            self.fact_ui(ui, &line, command);
            if column == Column::Mac {
                self.mac_block_ui(ui, unit);
            }
        }
        if let Some(modes) = unit.heard.as_ref().and_then(|heard| heard.modes) {
            let text = format!("0x{modes:02x}");
            let line = FactLine {
                label: "Modes",
                text: &text,
                mark: None,
                hover: Some("Field 7 of its reply, as it was sent"),
                is_known: true,
                is_mono: true,
            };
            self.fact_ui(ui, &line, None);
        }
        let decoders: Vec<_> = unit.taught_by().map(format::show_text).collect();
        if !decoders.is_empty() {
            let text = decoders.join(", ");
            let line = FactLine {
                label: "Taught by",
                text: &text,
                mark: None,
                hover: Some(
                    "Decoders that read its datagrams: facts heard by \"taught\" are theirs",
                ),
                is_known: true,
                is_mono: false,
            };
            self.fact_ui(ui, &line, None);
        }
        let others = unit.other_ips();
        if !others.is_empty() {
            let texts: Vec<String> = others.iter().map(ToString::to_string).collect();
            let text = texts.join(", ");
            let line = FactLine {
                label: "Before",
                text: &text,
                mark: None,
                hover: Some("Addresses it had before, the newest first"),
                is_known: true,
                is_mono: true,
            };
            self.fact_ui(ui, &line, None);
        }
        self.extra_facts_ui(ui, unit, &snapshot.extra_columns);
    }

    /// Whose block its MAC is in. A hint, and never what the unit is known by.
    fn mac_block_ui(&mut self, ui: &mut Ui, unit: &Appliance) {
        let Some(organization) = unit.mac().and_then(|best| organization(best.value)) else {
            return;
        };
        let hover = format!(
            "{organization}\nBy the registry of the IEEE of {REGISTRY_DATE}; it does not tell what the unit is"
        );
        let line = FactLine {
            label: "MAC block",
            text: organization,
            mark: None,
            hover: Some(&hover),
            is_known: true,
            is_mono: false,
        };
        self.fact_ui(ui, &line, None);
    }

    /// How sure it is what the unit is. The product itself stands above the facts, in one line.
    fn sureness_ui(&mut self, ui: &mut Ui, unit: &Appliance) {
        let Some(identified) = unit.identified.as_deref() else {
            return;
        };
        let (Some(_), Some(confidence)) = (&identified.product, identified.confidence) else {
            return;
        };
        let (glyph, color) = confidence_glyph(confidence, palette(ui.ctx()));
        let text = format::sentence(confidence.word());
        let first = identified.reasons.first();
        let reason = first.map(|reason| format::show_text(&reason.text));
        let line = FactLine {
            label: "Identified",
            text: &text,
            mark: Some((glyph, color)),
            hover: reason.as_deref(),
            is_known: true,
            is_mono: false,
        };
        self.fact_ui(ui, &line, None);
    }

    /// Columns of an imported file that Rollcall does not know.
    fn extra_facts_ui(&mut self, ui: &mut Ui, unit: &Appliance, titles: &[String]) {
        let Some(imported) = &unit.imported else {
            return;
        };
        for (column_idx, value) in &imported.extra {
            let Some(title) = titles.get(*column_idx as usize) else {
                continue;
            };
            let (title, value) = (format::show_text(title), format::show_text(value));
            let line = FactLine {
                label: &title,
                text: &value,
                mark: None,
                hover: Some("From a column of a file that Rollcall does not know"),
                is_known: true,
                is_mono: false,
            };
            self.fact_ui(ui, &line, None);
        }
    }

    fn fact_ui(&mut self, ui: &mut Ui, line: &FactLine<'_>, command: Option<UiCommand>) {
        let palette = palette(ui.ctx());
        ui.allocate_ui_with_layout(
            egui::vec2(ui.available_width(), LINE_HEIGHT),
            egui::Layout::left_to_right(egui::Align::Center),
            |ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                ui.spacing_mut().interact_size.y = LINE_HEIGHT - 3.0;
                ui.spacing_mut().button_padding = egui::vec2(2.0, 0.0);
                ui.allocate_ui_with_layout(
                    egui::vec2(LABEL_WIDTH - 6.0, LINE_HEIGHT),
                    egui::Layout::left_to_right(egui::Align::Center),
                    |ui| {
                        ui.set_min_width(LABEL_WIDTH - 6.0);
                        let label = RichText::new(line.label).color(palette.dim);
                        ui.add(egui::Label::new(label).truncate());
                    },
                );
                let mut text = RichText::new(if line.is_known {
                    line.text
                } else {
                    cells::DASH
                });
                text = text.color(if line.is_known {
                    palette.text
                } else {
                    palette.faint
                });
                if line.is_mono {
                    text = text.monospace().size(theme::MONO_SIZE);
                }
                let room = ui.available_width() - if command.is_some() { 58.0 } else { 0.0 };
                ui.scope(|ui| {
                    ui.set_max_width(room);
                    if let Some((glyph, color)) = line.mark {
                        ui.label(RichText::new(glyph).color(color).size(theme::SMALL_SIZE));
                    }
                    let value = egui::Label::new(text).truncate().selectable(true);
                    let response = widgets::on_baseline(ui, line.is_mono, |ui| ui.add(value));
                    if let Some(hover) = line.hover {
                        response.on_hover_text(hover);
                    }
                });
                if let Some(command) = command
                    && command.why_not(&self.command_state()).is_none()
                {
                    let word = if line.is_known { "Change" } else { "Add" };
                    let name = format!("{word} {}", line.label.to_lowercase());
                    let button = widgets::link_button(ui, word)
                        .named(&name)
                        .on_hover_text(command.tooltip());
                    if button.clicked() {
                        self.ask(command);
                    }
                }
            },
        );
    }
}

/// Whether the line of the product above the facts tells the class already.
fn is_in_product_line(unit: &Appliance) -> bool {
    let identified = unit.identified.as_deref();
    let product = identified.and_then(|identified| identified.product.as_ref());
    product
        .zip(unit.class_or_guess())
        .is_some_and(|(product, class)| product.class == class.value)
}

/// One line of the facts.
struct FactLine<'a> {
    label: &'a str,
    text: &'a str,
    /// What stands before the text, in a color of its own.
    mark: Option<(&'static str, egui::Color32)>,
    hover: Option<&'a str>,
    is_known: bool,
    is_mono: bool,
}
