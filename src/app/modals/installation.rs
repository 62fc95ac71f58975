//! Everything that the doctor knows, what is well too: the installation first, then the networks.

use std::fmt::Write;

use egui::{RichText, Ui};

use super::super::view_state::InstallationForm;
use super::super::{App, UiCommand, format, theme, widgets};
use super::Next;
use crate::model::snapshot::{Check, DoctorReport, Verdict};

impl App {
    /// Draws what the doctor found.
    pub(super) fn installation_ui(&mut self, ui: &mut Ui, form: &mut InstallationForm) -> Next {
        let palette = theme::palette(ui.ctx());
        let report = std::sync::Arc::clone(&self.snapshot.doctor);
        let is_answer = report.when >= form.asked;
        let summary = if is_answer {
            summary(&report)
        } else {
            "Checking…".to_owned()
        };
        ui.label(RichText::new(summary).color(palette.dim));
        super::page_ui(ui, &mut form.page.scroll, |ui| {
            for (title, checks) in parts(&report) {
                if checks.is_empty() {
                    continue;
                }
                widgets::section(ui, title);
                ui.add_space(2.0);
                for check in checks {
                    self.check_ui(ui, check);
                }
            }
        });
        let mut next = Next::Stay;
        widgets::foot(ui, |ui| {
            if widgets::primary_button(ui, "Close", None).clicked() {
                next = Next::Close;
            }
            if widgets::quiet_button(ui, "Copy as text").clicked() {
                ui.ctx().copy_text(self.installation_text(&report));
            }
            if widgets::quiet_button(ui, "Check again").clicked() {
                form.asked = self.clock_now;
                self.ask(UiCommand::RunDoctor);
            }
        });
        next
    }

    /// The same for a report.
    fn installation_text(&self, report: &DoctorReport) -> String {
        let mut text = format!(
            "Rollcall {} for {}, drawn with {}\nChecked {}\n",
            env!("CARGO_PKG_VERSION"),
            super::about::build(),
            self.renderer_words(),
            format::exact(report.when, &self.zone)
        );
        for (title, checks) in parts(report) {
            if checks.is_empty() {
                continue;
            }
            // Writing to a `String` cannot fail.
            writeln!(text, "\n{title}").ok();
            for check in checks {
                writeln!(text, "  {:8} {}", word(check.verdict), check.what).ok();
                if let Some(hint) = &check.hint {
                    writeln!(text, "           hint: {hint}").ok();
                }
            }
        }
        text
    }
}

fn parts(report: &DoctorReport) -> [(&'static str, &[Check]); 2] {
    [
        ("Installation", &report.installation),
        ("Networks", &report.checks),
    ]
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Note => "note",
        Verdict::Warning => "warning",
    }
}

/// How it stands in one line.
fn summary(report: &DoctorReport) -> String {
    let count = |verdict| {
        parts(report)
            .iter()
            .flat_map(|(_, checks)| checks.iter())
            .filter(|check| check.verdict == verdict)
            .count() as u64
    };
    let notes = format::counted(count(Verdict::Note), "note", "notes");
    match count(Verdict::Warning) {
        0 => format!("Nothing stands in the way; {notes}"),
        warnings => format!(
            "{} to look at; {notes}",
            format::counted(warnings, "thing", "things")
        ),
    }
}
