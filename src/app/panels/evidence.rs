//! What was heard of a unit over the discovery protocol, in time order.

use std::fmt::Write;

use egui::{RichText, Ui};

use super::super::theme::{self, palette};
use super::super::{App, format, widgets};
use super::unit::CONTENT_WIDTH;
use crate::model::appliance::Appliance;
use crate::model::sighting::{Evidence, Source};
use crate::model::time::Timestamp;

/// How many lines of evidence are listed.
const EVIDENCE_SHOWN: usize = 12;

impl App {
    /// Draws the evidence.
    pub(super) fn evidence_ui(&self, ui: &mut Ui, unit: &Appliance) {
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
        Source::Taught => "Taught",
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
