//! What each probe brought, in the order of probes: how it ended, what was said, and the bytes of the answer.

use egui::{Button, Frame, Label, Margin, RichText, Stroke, Ui, vec2};

use super::super::theme::{self, palette};
use super::super::widgets::{self, Named};
use super::super::{App, format};
use super::{HexView, Naming, hex_ui};
use crate::model::probing::{Answer, ClueKind, Outcome, Probe, Probed};
use crate::model::sighting::RawDatagram;
use crate::model::time::Timestamp;
use crate::wire::RowWidth;

/// Values of clues begin here.
const LABEL_WIDTH: f32 = 112.0;

/// How high the line of a clue is.
const LINE_HEIGHT: f32 = 20.0;

/// More lines than this of an answer's text are cut.
const MAX_LINES: usize = 128;

/// What was answered longer than this before the last probe ended is of an earlier round: no round takes as long.
const ROUND_MILLIS: u64 = 120_000;

/// The text of an answer.
const RAW_SIZE: f32 = 11.5;

impl App {
    /// Draws the answers.
    pub(in crate::app) fn answers_ui(&mut self, ui: &mut Ui, probed: &Probed) {
        let palette = palette(ui.ctx());
        // Before any line begins: a line is at least as high as what can be clicked.
        ui.spacing_mut().interact_size.y = LINE_HEIGHT - 2.0;
        let asked = format!(
            "Asked at {}, {}",
            probed.ip,
            format::age(self.now, probed.when)
        );
        ui.label(RichText::new(asked).color(palette.dim))
            .on_hover_text(format::exact(probed.when, &self.zone));
        for probe in Probe::ALL {
            let Some(answer) = probed.answer(probe) else {
                continue;
            };
            ui.add_space(7.0);
            ui.horizontal(|ui| {
                // What was answered in an earlier round stays; this round may have found it silent.
                let is_new = probed.when.millis_since(answer.when) <= ROUND_MILLIS;
                let is_answered = answer.outcome == Outcome::Answered && is_new;
                let title = RichText::new(probe.title()).font(theme::strong(theme::TEXT_SIZE));
                let color = if is_answered {
                    palette.text
                } else {
                    palette.dim
                };
                ui.label(title.color(color));
                let words = outcome_words(answer, (!is_new).then_some(self.now));
                let words = RichText::new(format::show_text(&words)).color(palette.dim);
                ui.add(Label::new(words).truncate())
                    .on_hover_text(format::exact(answer.when, &self.zone));
            });
            clues_ui(ui, answer);
            self.raw_ui(ui, probe, &answer.raw);
        }
        self.unasked_ui(ui, probed);
    }

    /// The probes that were not tried, in a line for each reason.
    fn unasked_ui(&self, ui: &mut Ui, probed: &Probed) {
        let palette = palette(ui.ctx());
        let unasked = Probe::ALL
            .into_iter()
            .filter(|probe| probed.answer(*probe).is_none());
        let (on, off): (Vec<Probe>, Vec<Probe>) = unasked.partition(|probe| self.is_on(*probe));
        for (why, probes) in [("Not asked", on), ("Off in settings", off)] {
            if probes.is_empty() {
                continue;
            }
            let titles: Vec<&str> = probes.into_iter().map(Probe::title).collect();
            let text = format!("{why}: {}", titles.join(", "));
            ui.add_space(7.0);
            ui.add(Label::new(RichText::new(text).color(palette.dim)).wrap());
        }
    }

    /// The bytes of an answer, folded until they are asked for.
    fn raw_ui(&mut self, ui: &mut Ui, probe: Probe, raw: &RawDatagram) {
        if raw.bytes.is_empty() {
            return;
        }
        let unfolded = &mut self.panel.unfolded;
        let place = unfolded.iter().position(|(other, _)| *other == probe);
        let glyph = if place.is_some() { "▾" } else { "▸" };
        let size = format::bytes(u64::from(raw.full_len));
        ui.horizontal(|ui| {
            ui.spacing_mut().button_padding = vec2(2.0, 0.0);
            let fold = widgets::link_button(ui, &format!("{glyph} Raw answer, {size}"))
                .named(&format!("Raw answer of {}", probe.title()));
            match place {
                Some(idx) if fold.clicked() => {
                    unfolded.remove(idx);
                }
                None if fold.clicked() => unfolded.push((probe, is_text(&raw.bytes))),
                Some(idx) => {
                    let is_text = &mut unfolded[idx].1;
                    let other = if *is_text { "As bytes" } else { "As text" };
                    let name = format!("{other}, {}", probe.title());
                    if widgets::link_button(ui, other).named(&name).clicked() {
                        *is_text = !*is_text;
                    }
                }
                None => {}
            }
        });
        match unfolded.iter().find(|(other, _)| *other == probe) {
            Some((_, true)) => text_ui(ui, raw),
            Some((_, false)) => {
                let view = HexView {
                    bytes: &raw.bytes,
                    full_len: raw.full_len as usize,
                    width: RowWidth::Eight,
                    naming: Naming::None,
                };
                hex_ui(ui, &view);
            }
            None => {}
        }
    }
}

/// How a probe ended; for an answer of an earlier round than the last also when, as seen from now.
fn outcome_words(answer: &Answer, old_at: Option<Timestamp>) -> String {
    match &answer.outcome {
        Outcome::Answered => {
            let took = format::count(answer.took_millis.into());
            match old_at {
                Some(now) => format!("answered {}, in {took} ms", format::age(now, answer.when)),
                None => format!("answered in {took} ms"),
            }
        }
        Outcome::Silent => "silent".to_owned(),
        Outcome::Closed => "closed".to_owned(),
        Outcome::Garbled(why) => format!("not understood: {why}"),
        Outcome::Failed(why) => format!("could not be asked: {why}"),
    }
}

/// What was said, a line each; ports of one kind in one line.
fn clues_ui(ui: &mut Ui, answer: &Answer) {
    for clue in &answer.clues {
        if !is_listed(clue.kind) {
            clue_ui(ui, clue.kind, &clue.text);
        }
    }
    for kind in [ClueKind::OpenPort, ClueKind::ClosedPort] {
        let ports: Vec<&str> = answer.clues(kind).collect();
        if !ports.is_empty() {
            clue_ui(ui, kind, &ports.join(", "));
        }
    }
}

/// Whether clues of this kind stand in one line.
const fn is_listed(kind: ClueKind) -> bool {
    matches!(kind, ClueKind::OpenPort | ClueKind::ClosedPort)
}

/// One clue. What is copied is what is shown: the control characters of a hostile unit are nothing for a clipboard.
fn clue_ui(ui: &mut Ui, kind: ClueKind, text: &str) {
    let palette = palette(ui.ctx());
    let shown = format::show_text(text);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.spacing_mut().button_padding = vec2(2.0, 0.0);
        let left = egui::Layout::left_to_right(egui::Align::Center);
        ui.allocate_ui_with_layout(vec2(LABEL_WIDTH, LINE_HEIGHT - 2.0), left, |ui| {
            ui.set_min_width(LABEL_WIDTH);
            let label = RichText::new(kind.title()).color(palette.dim);
            ui.add(Label::new(label.size(theme::SMALL_SIZE)).truncate());
        });
        let value = RichText::new(&*shown)
            .monospace()
            .size(theme::SMALL_SIZE)
            .color(palette.text);
        let button = Button::new(value).frame(false).truncate();
        let added = widgets::on_baseline(ui, true, |ui| ui.add(button));
        let response = widgets::focus_ring(added)
            .named(&format!("{}: {shown}", kind.title()))
            .on_hover_ui(|ui| {
                ui.label(&*shown);
                ui.label(RichText::new("Click to copy").color(palette.dim));
            });
        if response.clicked() {
            ui.ctx().copy_text(shown.clone().into_owned());
        }
    });
}

/// Whether bytes are rather text than anything else.
fn is_text(bytes: &[u8]) -> bool {
    let num_odd = bytes
        .iter()
        .filter(|byte| byte.is_ascii_control() && !b"\r\n\t".contains(byte))
        .count();
    // What is cut in the middle of a letter is text all the same.
    let is_utf8 = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    is_utf8 && num_odd * 20 <= bytes.len()
}

/// The answer as lines of text.
fn text_ui(ui: &mut Ui, raw: &RawDatagram) {
    let palette = palette(ui.ctx());
    Frame::new()
        .fill(palette.raised)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(6)
        .inner_margin(Margin::symmetric(9, 8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 0.0;
            let text = String::from_utf8_lossy(&raw.bytes);
            for line in text.lines().take(MAX_LINES) {
                let line = RichText::new(format::show_text(line))
                    .monospace()
                    .size(RAW_SIZE)
                    .color(palette.text);
                ui.add(Label::new(line).wrap());
            }
            let num_hidden = text.lines().count().saturating_sub(MAX_LINES);
            if num_hidden > 0 || raw.is_cut() {
                let text = format!(
                    "… {} of {} bytes kept",
                    format::count(raw.bytes.len() as u64),
                    format::count(u64::from(raw.full_len))
                );
                ui.label(RichText::new(text).size(RAW_SIZE).color(palette.dim));
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_bytes() {
        assert!(is_text(b"HTTP/1.1 200 OK\r\nServer: Avocent\r\n"));
        assert!(is_text(&"grün".as_bytes()[..3]), "cut within a letter");
        assert!(!is_text(&[0x30, 0x82, 0x01, 0x0a, 0x02, 0x82]));
        assert!(!is_text(&[0; 40]));
    }
}
