//! The chosen finding: what was seen, when and where, why it matters, what to do, and the datagrams it was made of.

use std::sync::Arc;

use egui::{Label, RichText, Ui};

use super::super::super::format;
use super::super::super::panels::{HexView, Naming, hex_ui};
use super::super::super::theme::palette;
use super::super::super::widgets::{self, Named};
use super::super::super::{App, UiCommand, WatchCommand};
use super::fact_ui;
use crate::model::finding::{Finding, FindingSample, FindingState, Severity};
use crate::wire::{RowWidth, decode};

impl App {
    /// Draws the chosen finding, or how one is chosen.
    pub(super) fn chosen_finding_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let Some(finding) = self.chosen_finding().map(Arc::clone) else {
            let text = "Choose a finding to see why it matters and what to do";
            ui.label(RichText::new(text).color(palette.dim));
            return;
        };
        let kind = finding.key.kind;
        let (glyph, word) = severity_words(kind.severity());
        let title = RichText::new(kind.title()).heading();
        ui.add(Label::new(title).wrap());
        ui.scope(|ui| {
            ui.spacing_mut().interact_size.y = 18.0;
            ui.horizontal_wrapped(|ui| {
                let severity = RichText::new(format!("{glyph} {word}"));
                ui.label(severity.color(palette.severity(kind.severity())));
                self.finding_state_ui(ui, &finding);
            });
        });
        let what = RichText::new(format::show_text(&finding.what)).color(palette.text);
        ui.add(Label::new(what).wrap().selectable(true));
        ui.add_space(4.0);
        self.finding_buttons_ui(ui, &finding);
        widgets::section(ui, "Why it matters");
        ui.add(Label::new(kind.why()).wrap());
        widgets::section(ui, "What to do");
        ui.add(Label::new(kind.what_to_do()).wrap());
        self.finding_facts_ui(ui, &finding);
        if !finding.details.is_empty() {
            widgets::section(ui, "Details");
            for line in &finding.details {
                let line = RichText::new(format::show_text(line));
                ui.add(Label::new(line).wrap().selectable(true));
            }
        }
        for (idx, sample) in finding.samples.iter().enumerate() {
            self.sample_ui(ui, idx, sample);
        }
    }

    fn finding_state_ui(&self, ui: &mut Ui, finding: &Finding) {
        let palette = palette(ui.ctx());
        let (mark, word) = state_words(&finding.state);
        let text = match &finding.state {
            FindingState::Open => format!("{mark} {word}"),
            FindingState::Accepted { note, when } => {
                let age = format::age(self.now, *when);
                if note.is_empty() {
                    format!("{mark} {word} {age}, without a note")
                } else {
                    format!("{mark} {word} {age}: {note}")
                }
            }
            FindingState::Gone { when } => {
                format!("{mark} {word} since {}", format::exact(*when, &self.zone))
            }
        };
        let text = RichText::new(format::show_text(&text)).color(palette.dim);
        ui.add(Label::new(text).wrap());
    }

    fn finding_buttons_ui(&mut self, ui: &mut Ui, finding: &Finding) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
            if matches!(finding.state, FindingState::Accepted { .. }) {
                let reopen = UiCommand::Watch(WatchCommand::ReopenFinding);
                self.command_button_ui(ui, reopen, "Open again");
            } else {
                let accept = UiCommand::Watch(WatchCommand::AcceptFinding);
                let why_not = accept.why_not(&self.command_state());
                let button = ui
                    .add_enabled_ui(why_not.is_none(), |ui| {
                        widgets::primary_button(ui, "Accept…", None)
                    })
                    .inner
                    .named(accept.text())
                    .on_hover_text(accept.tooltip())
                    .on_disabled_hover_text(why_not.unwrap_or_default());
                if button.clicked() {
                    self.ask(accept);
                }
            }
            for (command, word) in [
                (WatchCommand::CopyFinding, "Copy"),
                (WatchCommand::ShowFindingUnit, "Show unit"),
                (WatchCommand::SaveFindingCapture, "Save capture…"),
            ] {
                self.command_button_ui(ui, UiCommand::Watch(command), word);
            }
        });
    }

    fn finding_facts_ui(&self, ui: &mut Ui, finding: &Finding) {
        widgets::section(ui, "Seen");
        fact_ui(ui, "First", &format::exact(finding.first, &self.zone), true);
        fact_ui(ui, "Last", &format::exact(finding.last, &self.zone), true);
        let times = format::counted(finding.count, "datagram", "datagrams");
        fact_ui(ui, "How often", &times, false);
        if let Some(interface) = &finding.interface {
            fact_ui(ui, "Network", interface, false);
        }
        let addresses = [
            ("Sender", finding.sender.map(|ip| ip.to_string())),
            ("MAC", finding.mac.map(|mac| mac.to_string())),
            ("Address", finding.ip.map(|ip| ip.to_string())),
        ];
        for (label, value) in addresses {
            if let Some(value) = value {
                fact_ui(ui, label, &value, true);
            }
        }
    }

    fn sample_ui(&self, ui: &mut Ui, idx: usize, sample: &FindingSample) {
        let palette = palette(ui.ctx());
        widgets::section(ui, &format!("Datagram {}", idx + 1));
        let text = format!(
            "{} from {}, {}, {}",
            format::exact(sample.when, &self.zone),
            sample.from,
            sample.channel.word(),
            format::bytes(u64::from(sample.raw.full_len))
        );
        ui.add(Label::new(RichText::new(text).color(palette.dim)).wrap());
        let naming = if decode(&sample.raw.bytes).is_ok() {
            Naming::Aidp
        } else {
            Naming::IfAidp
        };
        let view = HexView {
            bytes: &sample.raw.bytes,
            full_len: sample.raw.full_len as usize,
            width: hex_width(ui),
            naming,
        };
        hex_ui(ui, &view);
    }
}

/// As many bytes in a row as there is room for.
pub(super) fn hex_width(ui: &Ui) -> RowWidth {
    if ui.available_width() >= 540.0 {
        RowWidth::Sixteen
    } else {
        RowWidth::Eight
    }
}

/// The glyph and the word of a severity.
pub(super) const fn severity_words(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Note => ("•", "Note"),
        Severity::Warning => ("◆", "Warning"),
        Severity::Alarm => ("▲", "Alarm"),
    }
}

/// The glyph and the word of a state.
pub(super) const fn state_words(state: &FindingState) -> (&'static str, &'static str) {
    match state {
        FindingState::Open => ("●", "Open"),
        FindingState::Accepted { .. } => ("✓", "Accepted"),
        FindingState::Gone { .. } => ("○", "Gone"),
    }
}
