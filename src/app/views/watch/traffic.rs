//! What goes over the discovery ports: the capture, the plots, and the last datagrams live.

use std::sync::Arc;

use egui::{Id, RichText, Ui};

use super::super::super::format;
use super::super::super::theme::palette;
use super::super::super::view_state::{FindingStage, Sifted};
use super::super::super::widgets;
use super::super::super::{App, UiCommand, WatchCommand};
use super::{FilterBox, halves, nothing_ui};
use crate::model::time::Timestamp;
use crate::model::traffic::SeenDatagram;
use crate::model::traffic_filter::TrafficFilter;
use crate::model::watching::CaptureState;

/// What the capture ring takes.
const RING_MIB: u64 = 64;

impl App {
    /// Draws the traffic.
    pub(super) fn traffic_ui(&mut self, ui: &mut Ui) {
        self.capture_line_ui(ui);
        self.plots_ui(ui);
        let recent = self.shown_recent();
        let places = self.sifted_recent(&recent);
        self.traffic_filter_ui(ui, &recent, places.len());
        if recent.is_empty() {
            nothing_ui(
                ui,
                "No datagram so far",
                "What is heard and sent on the discovery ports is listed here, the newest first",
            );
            return;
        }
        if places.is_empty() {
            nothing_ui(
                ui,
                "No datagram matches",
                "None of the last datagrams passes the filter",
            );
            ui.add_space(4.0);
            self.command_button_ui(ui, UiCommand::ClearFilter, "Clear filter");
            return;
        }
        let is_chosen = self.watch.datagram.is_some();
        halves(
            ui,
            self,
            is_chosen,
            |app, ui| app.datagram_list_ui(ui, &recent, &places),
            Self::chosen_datagram_ui,
        );
    }

    /// Whether it is captured, how much there is, and the way into a file.
    fn capture_line_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let capture = self.snapshot.watching.capture.clone();
        ui.horizontal(|ui| {
            self.capture_switch_ui(ui, "Capture");
            let save = UiCommand::Watch(WatchCommand::SaveCapture);
            let right = egui::Layout::right_to_left(egui::Align::Center);
            ui.with_layout(right, |ui| {
                self.command_button_ui(ui, save, save.text());
                let left = egui::Layout::left_to_right(egui::Align::Center);
                ui.with_layout(left, |ui| {
                    let text = RichText::new(self.capture_words(&capture)).color(palette.dim);
                    let label = ui.add(egui::Label::new(text).truncate());
                    if let Some(oldest) = capture.oldest {
                        label.on_hover_text(format!(
                            "The oldest is of {}",
                            format::exact(oldest, &self.zone)
                        ));
                    }
                    if capture.num_missed > 0 {
                        let text = format!(
                            "{} missed",
                            format::counted(capture.num_missed, "datagram", "datagrams")
                        );
                        ui.label(RichText::new(text).color(palette.amber))
                            .on_hover_text("They came faster than they could be captured");
                    }
                });
            });
        });
    }

    /// The switch of the capture.
    pub(in crate::app) fn capture_switch_ui(&mut self, ui: &mut Ui, words: &str) {
        let command = UiCommand::Watch(WatchCommand::ToggleCapture);
        let why_not = command.why_not(&self.command_state());
        let mut is_on = self.snapshot.watching.capture.is_on;
        let switch = widgets::checkbox(ui, &mut is_on, words, why_not.is_none())
            .on_hover_text(command.tooltip())
            .on_disabled_hover_text(why_not.unwrap_or_default());
        if switch.changed() {
            self.ask(command);
        }
    }

    fn capture_words(&self, capture: &CaptureState) -> String {
        let held = format!(
            "{:.1} of {RING_MIB} MiB, {}",
            capture.num_bytes as f64 / f64::from(1 << 20),
            format::counted(capture.num_datagrams, "datagram", "datagrams")
        );
        let since = capture.oldest.map_or_else(String::new, |oldest| {
            format!(" since {}", self.since_words(oldest))
        });
        if capture.is_on {
            format!("Capturing: {held}{since}")
        } else if capture.num_datagrams > 0 {
            format!("Not capturing; kept: {held}{since}")
        } else {
            "Not capturing".to_owned()
        }
    }

    /// The time of day, with the date when it was on another day.
    fn since_words(&self, when: Timestamp) -> String {
        let day = format::date(when, &self.zone);
        let time = format::time_of_day(when, &self.zone);
        // Seconds say nothing here.
        let time = time.get(..5).unwrap_or(&time);
        if day == format::date(self.now, &self.zone) {
            time.to_owned()
        } else {
            format!("{day} {time}")
        }
    }

    fn traffic_filter_ui(&mut self, ui: &mut Ui, recent: &[Arc<SeenDatagram>], num_shown: usize) {
        let right = egui::Layout::right_to_left(egui::Align::Center);
        ui.allocate_ui_with_layout(egui::vec2(ui.available_width(), 30.0), right, |ui| {
            let word = if self.watch.frozen.is_some() {
                "Resume"
            } else {
                "Pause"
            };
            let pause = UiCommand::Watch(WatchCommand::TogglePause);
            self.command_button_ui(ui, pause, word);
            self.pause_words_ui(ui, recent, num_shown);
            let mut text = std::mem::take(&mut self.watch.traffic_text);
            let look = FilterBox {
                id: Id::unique("filter of datagrams"),
                name: "Filter the last datagrams",
                hint: "Filter by network, address, kind, MAC…",
                tooltip: "Words anywhere, column:value for one column (from, to, net, kind, way, mac), !word for datagrams without it",
            };
            self.watch_filter_ui(ui, &look, &mut text);
            self.watch.traffic_text = text;
        });
    }

    /// Whether the list stands still, and how much of it is shown.
    fn pause_words_ui(&self, ui: &mut Ui, recent: &[Arc<SeenDatagram>], num_shown: usize) {
        let palette = palette(ui.ctx());
        let num_recent = recent.len() as u64;
        let mut text = format!("last {}", format::count(num_recent));
        if num_shown as u64 != num_recent {
            text = format!("{} of the {text}", format::count(num_shown as u64));
        }
        let color = if let Some(frozen) = &self.watch.frozen {
            let newest = |list: &[Arc<SeenDatagram>]| list.last().map_or(0, |it| it.seq);
            let waiting =
                newest(&self.snapshot.watching.recent).saturating_sub(newest(&frozen.recent));
            text = format!("Paused, {} newer wait, {text}", format::count(waiting));
            palette.amber
        } else {
            palette.dim
        };
        ui.label(RichText::new(format::sentence(&text)).color(color));
    }

    /// The list that is shown: the newest, or as it was when it was paused.
    fn shown_recent(&self) -> Arc<Vec<Arc<SeenDatagram>>> {
        match &self.watch.frozen {
            Some(frozen) => Arc::clone(&frozen.recent),
            None => Arc::clone(&self.snapshot.watching.recent),
        }
    }

    /// The places of the datagrams that pass the filter, the newest first.
    fn sifted_recent(&mut self, recent: &Arc<Vec<Arc<SeenDatagram>>>) -> Arc<Vec<u32>> {
        let text = self.watch.traffic_text.trim();
        if let Some(sifted) = &self.watch.sifted
            && Arc::ptr_eq(&sifted.list, recent)
            && sifted.text == text
        {
            return Arc::clone(&sifted.places);
        }
        let filter = TrafficFilter::parse(text);
        let places: Arc<Vec<u32>> = Arc::new(
            recent
                .iter()
                .enumerate()
                .rev()
                .filter(|(_, datagram)| filter.matches(datagram))
                .map(|(idx, _)| idx as u32)
                .collect(),
        );
        self.watch.sifted = Some(Sifted {
            list: Arc::clone(recent),
            text: text.to_owned(),
            stage: FindingStage::All,
            places: Arc::clone(&places),
        });
        places
    }
}
