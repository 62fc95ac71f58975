//! No unit yet: what is being listened to, for how long, and after a while what usually causes silence.

use egui::{RichText, ScrollArea, Ui};

use super::super::panels::{interface_line, listening_color};
use super::super::theme::{self, palette};
use super::super::widgets;
use super::super::{App, UiCommand, format};
use crate::model::network::Listening;

/// After this long without a unit the doctor's checks are shown.
const DOCTOR_AFTER_MILLIS: u64 = 10_000;

impl App {
    /// Draws what stands in place of the grid.
    pub(super) fn empty_ui(&mut self, ui: &mut Ui) {
        let snapshot = std::sync::Arc::clone(&self.snapshot);
        let palette = palette(ui.ctx());
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                ui.set_max_width(640.0);
                ui.add_space(18.0);
                if let Some(replay) = &snapshot.watching.replay {
                    let (title, text) = if replay.reading.is_some() {
                        ("The capture is being read", "Units appear when it is done")
                    } else if replay.span.is_none() {
                        (
                            "No unit in this capture",
                            "Nothing in it went over the watched ports",
                        )
                    } else {
                        (
                            "No unit was heard until then",
                            "Go on along the time line above",
                        )
                    };
                    ui.label(RichText::new(title).font(theme::strong(20.0)));
                    ui.label(RichText::new(text).color(palette.dim));
                    return;
                }
                let listening: Vec<_> = snapshot
                    .interfaces
                    .iter()
                    .filter(|interface| interface.listening == Listening::On)
                    .collect();
                let (title, text) = if listening.is_empty() {
                    (
                        "Not listening on any network",
                        "Plug in a cable, or switch a network on in the bar above".to_owned(),
                    )
                } else {
                    let since = snapshot.totals.listening_since;
                    (
                        "No unit heard yet",
                        format!(
                            "Listening for {}; units appear here by themselves",
                            format::span(self.clock_now, since)
                        ),
                    )
                };
                ui.label(RichText::new(title).font(theme::strong(20.0)));
                ui.label(RichText::new(text).color(palette.dim));
                ui.add_space(8.0);
                ui.spacing_mut().interact_size.y = 20.0;
                for interface in snapshot.interfaces.iter() {
                    ui.horizontal(|ui| {
                        ui.spacing_mut().item_spacing.x = 6.0;
                        widgets::dot(ui, listening_color(palette, interface));
                        ui.label(format::show_text(interface.shown_name()));
                        let state = match &interface.listening {
                            Listening::On => format!(
                                "{} · {} heard",
                                interface_line(interface),
                                format::count(interface.counters.heard)
                            ),
                            Listening::Off(why) | Listening::Trouble(why) => why.clone(),
                        };
                        let state = RichText::new(state).color(palette.dim);
                        ui.add(egui::Label::new(state).truncate());
                    });
                }
                ui.add_space(10.0);
                ui.horizontal(|ui| {
                    if widgets::primary_button(ui, "Search now", None).clicked() {
                        self.ask(UiCommand::SearchNow);
                    }
                    for command in [UiCommand::Sweep, UiCommand::StartDemo] {
                        if snapshot.site.demo && command == UiCommand::StartDemo {
                            continue;
                        }
                        let response = widgets::quiet_button(ui, command.text())
                            .on_hover_text(command.tooltip());
                        if response.clicked() {
                            self.ask(command);
                        }
                    }
                });
                let listened = self.clock_now.millis_since(snapshot.totals.listening_since);
                let checks = &snapshot.doctor.checks;
                if listened < DOCTOR_AFTER_MILLIS && !listening.is_empty() {
                    return;
                }
                if checks.is_empty() {
                    return;
                }
                ui.add_space(10.0);
                widgets::section(ui, "What was checked");
                for check in checks {
                    self.check_ui(ui, check);
                }
            });
    }
}
