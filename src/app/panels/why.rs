//! Why a unit is said to be what it is: signs, what speaks against them, and what a person should know beside.

use egui::{Color32, RichText, Ui};

use super::super::theme::{self, Palette, palette};
use super::super::{format, widgets};
use crate::model::identification::{Confidence, Identification, Product, Reason};

/// Texts begin here.
const LABEL_WIDTH: f32 = 86.0;

/// The signs, the strongest first.
pub(in crate::app) fn reasons_ui(ui: &mut Ui, identified: &Identification) {
    if identified.reasons.is_empty() {
        return;
    }
    let palette = palette(ui.ctx());
    widgets::section(ui, "Why");
    if identified.product.is_none() {
        let text = "Nothing of this names a product";
        ui.label(RichText::new(text).color(palette.dim));
    }
    for reason in &identified.reasons {
        reason_ui(ui, reason);
    }
}

fn reason_ui(ui: &mut Ui, reason: &Reason) {
    let palette = palette(ui.ctx());
    let title = reason.probe.map_or("Discovery", |probe| probe.title());
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let left = egui::Layout::left_to_right(egui::Align::Min);
        ui.allocate_ui_with_layout(egui::vec2(LABEL_WIDTH, 18.0), left, |ui| {
            ui.set_min_width(LABEL_WIDTH);
            let (glyph, color) = confidence_glyph(reason.confidence, palette);
            ui.label(RichText::new(glyph).color(color).size(theme::SMALL_SIZE))
                .on_hover_text(format!("By itself: {}", reason.confidence.word()));
            ui.label(RichText::new(title).color(palette.dim));
        });
        let text = format::show_text(&reason.text);
        ui.add(egui::Label::new(RichText::new(text)).wrap())
            .on_hover_text(format!("By itself: {}", reason.confidence.word()));
    });
}

/// What speaks against it, and what should be known beside.
pub(in crate::app) fn cautions_ui(ui: &mut Ui, identified: &Identification) {
    let palette = palette(ui.ctx());
    if !identified.contradictions.is_empty() {
        widgets::section(ui, "Contradictions");
    }
    for text in &identified.contradictions {
        marked_ui(ui, "▲", palette.amber, text);
    }
    if !identified.remarks.is_empty() {
        widgets::section(ui, "Remarks");
    }
    for text in &identified.remarks {
        marked_ui(ui, "•", palette.blue, text);
    }
}

/// Whether anything stands there.
pub(in crate::app) fn has_cautions(identified: &Identification) -> bool {
    !identified.contradictions.is_empty() || !identified.remarks.is_empty()
}

fn marked_ui(ui: &mut Ui, glyph: &str, color: Color32, text: &str) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(RichText::new(glyph).color(color));
        ui.add(egui::Label::new(format::show_text(text)).wrap());
    });
}

/// A shape for each confidence, so that color is never alone.
pub(in crate::app) const fn confidence_glyph(
    confidence: Confidence,
    palette: &Palette,
) -> (&'static str, Color32) {
    match confidence {
        Confidence::Certain => ("●", palette.green),
        Confidence::Likely => ("◐", palette.green),
        Confidence::Possible => ("○", palette.dim),
    }
}

/// What a product is, in one line: "Console server, 48 ports · Avocent ACS 8000, sold by Dell".
pub(in crate::app) fn product_line(product: &Product) -> String {
    let ports = product.ports.map(|ports| {
        let (one, many) = ports_words(&product.class);
        format::counted(u64::from(ports), one, many)
    });
    let class = Some(format::sentence(&product.class)).filter(|class| !class.is_empty());
    let kind: Vec<String> = class.into_iter().chain(ports).collect();
    // A company that sells it under its own name may stand as the manufacturer too.
    let maker = Some(&product.manufacturer)
        .filter(|maker| !maker.is_empty() && product.rebrand.as_ref() != Some(maker));
    let family = Some(&product.family).filter(|family| !family.is_empty());
    let named: Vec<&str> = maker
        .into_iter()
        .chain(family)
        .map(String::as_str)
        .collect();
    let mut named = named.join(" ");
    if let Some(company) = &product.rebrand {
        let comma = if named.is_empty() { "" } else { ", " };
        named = format!("{named}{comma}sold by {company}");
    }
    let words: Vec<String> = [kind.join(", "), named]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    format::show_text(&words.join(" · ")).into_owned()
}

/// What the ports of a class are called.
fn ports_words(class: &str) -> (&'static str, &'static str) {
    if class.to_lowercase().contains("pdu") {
        ("outlet", "outlets")
    } else {
        ("port", "ports")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_told_in_one_line() {
        let mut product = Product {
            family: "ACS 8000".to_owned(),
            model: Some("ACS8048".to_owned()),
            class: "console server".to_owned(),
            manufacturer: "Vertiv".to_owned(),
            ports: Some(48),
            rebrand: None,
        };
        assert_eq!(
            product_line(&product),
            "Console server, 48 ports · Vertiv ACS 8000"
        );
        product.manufacturer = "Dell".to_owned();
        product.rebrand = Some("Dell".to_owned());
        product.ports = None;
        assert_eq!(
            product_line(&product),
            "Console server · ACS 8000, sold by Dell"
        );
        product.class = "rack PDU".to_owned();
        product.ports = Some(1);
        product.family = String::new();
        assert_eq!(product_line(&product), "Rack PDU, 1 outlet · sold by Dell");
    }
}
