//! The exposure check: which addresses of given ranges answer on the discovery ports.

use egui::{Id, RichText, TextEdit, Ui};

use super::super::super::format;
use super::super::super::list::ListKeys;
use super::super::super::modals::{ASKED_ABOVE, REFUSED_ABOVE, num_ips};
use super::super::super::theme::{Palette, palette};
use super::super::super::widgets::{self, Named};
use super::super::super::{App, UiCommand, WatchCommand};
use super::nothing_ui;
use super::table::{ListCell, ListRow, ListTable, list_ui};
use crate::model::exposure::{ExposeState, TcpPort};
use crate::model::snapshot::SweepEnd;
use crate::model::time::Timestamp;

fn list_id() -> Id {
    Id::unique("list of exposed addresses")
}

impl App {
    /// Draws the exposure check.
    pub(super) fn exposure_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let text = "Asks UDP and TCP 3502 and 3211 of every address, slowly, and nothing else. Whatever answers becomes a finding";
        ui.add(egui::Label::new(RichText::new(text).color(palette.dim)).wrap());
        self.ranges_ui(ui);
        let Some(check) = self.snapshot.watching.expose.clone() else {
            nothing_ui(
                ui,
                "Nothing was checked yet",
                "Type ranges from which nobody should reach a unit, and start",
            );
            return;
        };
        self.check_progress_ui(ui, &check);
        if check.found.is_empty() {
            let (title, words) = nothing_words(&check);
            nothing_ui(ui, title, &words);
            return;
        }
        self.list_room_ui(ui, |app, ui| app.exposed_list_ui(ui, &check));
    }

    fn ranges_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        if self.watch.ranges.is_none() {
            self.watch.ranges = Some(self.suggested_ranges());
        }
        let mut ranges = self.watch.ranges.take().unwrap_or_default();
        let field = TextEdit::singleline(&mut ranges)
            .hint_text("10.20.4.0/24, 10.20.5.10-10.20.5.80")
            .desired_width(560.0)
            .char_limit(4_096);
        let label = "Ranges, as prefix, first-last or single address";
        let response = widgets::field(ui, label, field);
        let is_entered = widgets::entered(&response);
        let (text, color) = match num_ips(&ranges) {
            Err(why) => (why, palette.amber),
            Ok(0) => ("Type a range".to_owned(), palette.dim),
            Ok(count) if count > REFUSED_ABOVE => (
                format!(
                    "{} addresses: more than a /12 is not checked",
                    format::count(count)
                ),
                palette.red,
            ),
            Ok(count) if count > ASKED_ABOVE => (
                format!(
                    "{} addresses: you will be asked once more",
                    format::count(count)
                ),
                palette.amber,
            ),
            Ok(count) => (format::counted(count, "address", "addresses"), palette.dim),
        };
        self.watch.ranges = Some(ranges);
        let start = UiCommand::Watch(WatchCommand::StartExpose);
        let why_not = start.why_not(&self.command_state());
        ui.horizontal_wrapped(|ui| {
            let button = ui
                .add_enabled_ui(why_not.is_none(), |ui| {
                    widgets::primary_button(ui, "Start", None)
                })
                .inner
                .named(start.text())
                .on_hover_text(start.tooltip())
                .on_disabled_hover_text(why_not.unwrap_or_default());
            if button.clicked() || (is_entered && why_not.is_none()) {
                self.ask(start);
            }
            let stop = UiCommand::Watch(WatchCommand::StopExpose);
            self.command_button_ui(ui, stop, "Stop");
            let copy = UiCommand::Watch(WatchCommand::CopyExposeReport);
            self.command_button_ui(ui, copy, "Copy report");
            ui.label(RichText::new(format::show_text(&text)).color(color));
        });
    }

    fn check_progress_ui(&self, ui: &mut Ui, check: &ExposeState) {
        let palette = palette(ui.ctx());
        widgets::section(
            ui,
            &format!("Check of {}", format::show_text(&check.ranges)),
        );
        let text = progress_words(check, self.clock_now);
        ui.horizontal_wrapped(|ui| {
            if check.ended.is_none() {
                let share = check.num_asked as f32 / check.num_questions.max(1) as f32;
                widgets::progress(ui, share, 120.0, "Exposure check");
            }
            ui.label(RichText::new(format::show_text(&text)).color(palette.text))
                .on_hover_text(format::exact(check.started, &self.zone));
        });
    }

    fn exposed_list_ui(&mut self, ui: &mut Ui, check: &ExposeState) {
        let palette = palette(ui.ctx());
        let num_rows = check.found.len();
        let keys = ListKeys {
            id: list_id(),
            name: "Exposed addresses",
            num_rows,
            marked: self.watch.exposed.filter(|idx| *idx < num_rows),
            is_main: true,
        };
        if let Some(row_idx) = self.list_keys(ui, &keys) {
            self.watch.exposed = Some(row_idx);
            self.watch.scroll_to = Some(row_idx);
        }
        let table = ListTable {
            salt: "exposed addresses",
            columns: &[
                ("Address", Some(124.0)),
                ("UDP 3502", Some(96.0)),
                ("UDP 3211", Some(96.0)),
                ("TCP 3502", Some(96.0)),
                ("TCP 3211", Some(96.0)),
                ("Where", None),
                ("Answered", Some(90.0)),
            ],
            num_rows,
            scroll_to: self.watch.scroll_to.take(),
        };
        let (now, chosen) = (self.now, self.watch.exposed);
        let clicked = list_ui(ui, &table, |row_idx| {
            let found = &check.found[row_idx];
            ListRow {
                cells: vec![
                    ListCell::mono(found.ip.to_string()),
                    port_cell(palette, udp(found.udp_3502)),
                    port_cell(palette, udp(found.udp_3211)),
                    port_cell(palette, found.tcp_3502),
                    port_cell(palette, found.tcp_3211),
                    ListCell::words(where_word(found.is_routed)),
                    ListCell::words(format::age(now, found.when)),
                ],
                is_chosen: chosen == Some(row_idx),
                name: format!(
                    "{}: UDP 3502 {}, UDP 3211 {}, TCP 3502 {}, TCP 3211 {}, {}",
                    found.ip,
                    port_word(udp(found.udp_3502)),
                    port_word(udp(found.udp_3211)),
                    port_word(found.tcp_3502),
                    port_word(found.tcp_3211),
                    where_word(found.is_routed)
                ),
            }
        });
        if clicked.is_some() {
            self.watch.exposed = clicked;
            ui.memory_mut(|memory| memory.request_focus(list_id()));
        }
    }
}

/// What a port did, as glyph and word.
fn port_cell(palette: &Palette, port: TcpPort) -> ListCell {
    let (glyph, color) = match port {
        TcpPort::Open => ("●", palette.amber),
        TcpPort::Refused => ("✕", palette.dim),
        TcpPort::Silent => ("○", palette.dim),
        TcpPort::NotTried => ("—", palette.dim),
    };
    ListCell::words(format!("{glyph} {}", port_word(port))).in_color(color)
}

/// What a port did, in words.
const fn port_word(port: TcpPort) -> &'static str {
    match port {
        TcpPort::Open => "open",
        TcpPort::Refused => "refused",
        TcpPort::Silent => "no answer",
        TcpPort::NotTried => "not tried",
    }
}

/// A UDP port in the words of a TCP port: it refuses nothing.
const fn udp(answered: bool) -> TcpPort {
    if answered {
        TcpPort::Open
    } else {
        TcpPort::Silent
    }
}

/// What is said while no address answered. Only a check that was finished says that nothing is exposed.
fn nothing_words(check: &ExposeState) -> (&'static str, String) {
    if check.outcome == Some(SweepEnd::Done) {
        (
            "No address answered",
            "Discovery is not exposed where it was checked".to_owned(),
        )
    } else {
        (
            "No address answered so far",
            format!(
                "{} of {} asked so far",
                format::count(check.num_asked),
                format::counted(check.num_questions, "question", "questions")
            ),
        )
    }
}

/// Where an exposed address is, in words.
const fn where_word(is_routed: bool) -> &'static str {
    if is_routed {
        "behind a router"
    } else {
        "own subnet"
    }
}

/// How far a check is, its rate and the time left, or how it ended.
fn progress_words(check: &ExposeState, now: Timestamp) -> String {
    let exposed = format::count(check.num_exposed);
    let done = format!(
        "{} of {}, {exposed} exposed",
        format::count(check.num_asked),
        format::counted(check.num_questions, "question", "questions"),
    );
    let addresses = format::counted(check.num_ips, "address", "addresses");
    let Some(ended) = check.ended else {
        let elapsed_millis = now.millis_since(check.started).max(1);
        let per_sec = check.num_asked.saturating_mul(1_000) / elapsed_millis;
        if per_sec == 0 {
            return format!("Checking {addresses}: {done}");
        }
        let left_secs = check.num_questions.saturating_sub(check.num_asked) / per_sec;
        return format!(
            "Checking {addresses}: {done}, {}/s, {} left",
            format::count(per_sec),
            format::duration(left_secs)
        );
    };
    let age = format::age(now, ended);
    let span = format::span(ended, check.started);
    match &check.outcome {
        Some(SweepEnd::Done) | None => {
            format!("Done {age}: {addresses} in {span}, {exposed} exposed")
        }
        Some(SweepEnd::Canceled) => format!("Stopped {age}: {done}, in {span}"),
        Some(SweepEnd::Failed(why)) => format!("Failed {age}: {why}; {done}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_finished_check_says_that_nothing_is_exposed() {
        let mut check = ExposeState {
            num_asked: 12,
            num_questions: 1_016,
            ..ExposeState::default()
        };
        for outcome in [
            None,
            Some(SweepEnd::Canceled),
            Some(SweepEnd::Failed("no route".to_owned())),
        ] {
            check.outcome = outcome;
            let (title, words) = nothing_words(&check);
            assert_eq!(title, "No address answered so far");
            assert_eq!(words, "12 of 1,016 questions asked so far");
        }
        check.outcome = Some(SweepEnd::Done);
        let (_, words) = nothing_words(&check);
        assert_eq!(words, "Discovery is not exposed where it was checked");
    }

    #[test]
    fn a_running_check_tells_its_rate_and_the_time_left() {
        let at = |secs: i64| Timestamp::from_millis(secs * 1_000);
        let mut check = ExposeState {
            ranges: "10.0.0.0/16".to_owned(),
            num_ips: 65_534,
            num_asked: 12_000,
            num_questions: 65_534,
            ..ExposeState::default()
        };
        assert_eq!(
            progress_words(&check, at(60)),
            "Checking 65,534 addresses: 12,000 of 65,534 questions, 0 exposed, 200/s, 4 min 27 s left"
        );
        check.num_asked = 0;
        assert_eq!(
            progress_words(&check, at(0)),
            "Checking 65,534 addresses: 0 of 65,534 questions, 0 exposed"
        );
        check.ended = Some(at(90));
        check.outcome = Some(SweepEnd::Canceled);
        assert_eq!(
            progress_words(&check, at(100)),
            "Stopped 10 s ago: 0 of 65,534 questions, 0 exposed, in 1 min 30 s"
        );
        check.outcome = Some(SweepEnd::Done);
        assert_eq!(
            progress_words(&check, at(100)),
            "Done 10 s ago: 65,534 addresses in 1 min 30 s, 0 exposed"
        );
    }
}
