//! The status bar: what was heard and not understood, what is searched and swept, what is saved.

use std::fmt::Write;

use egui::{Align, Layout, Popup, PopupCloseBehavior, RichText, Ui};

use super::super::command::IN_REPLAY;
use super::super::logic::QUIET_STEP_MILLIS;
use super::super::theme::palette;
use super::super::widgets::{self, Named};
use super::super::{App, UiCommand, format};
use crate::engine::command::Command;
use crate::model::edit::Edit;
use crate::model::snapshot::{IdentifyState, SweepEnd, SweepState};
use crate::model::time::Timestamp;

/// The bar's text.
const SIZE: f32 = 12.0;

/// With less room than this, texts are shorter.
const NARROW: f32 = 900.0;

/// How long an identification runs before its rate tells how long it takes yet.
const TELLING_AFTER_MILLIS: u64 = 5_000;

/// How many units are done before that.
const TELLING_AFTER_UNITS: u64 = 8;

impl App {
    /// Draws the status bar.
    pub(in crate::app) fn status_bar_ui(&mut self, ui: &mut Ui) {
        ui.spacing_mut().interact_size.y = 20.0;
        ui.spacing_mut().item_spacing.x = 18.0;
        let rect = ui.max_rect();
        let builder = egui::UiBuilder::new()
            .max_rect(rect)
            .layout(Layout::right_to_left(Align::Center));
        let right = ui.scope_builder(builder, |ui| {
            self.saved_ui(ui);
            ui.min_rect().left()
        });
        let mut left = rect;
        left.max.x = right.inner - 18.0;
        let builder = egui::UiBuilder::new()
            .max_rect(left)
            .layout(Layout::left_to_right(Align::Center));
        ui.scope_builder(builder, |ui| {
            ui.set_clip_rect(left.intersect(ui.clip_rect()));
            // With little room, what a person can act on stays.
            let is_narrow = left.width() < NARROW;
            self.heard_ui(ui, is_narrow);
            self.work_ui(ui, is_narrow);
            self.floods_ui(ui, is_narrow);
            self.limits_ui(ui);
            self.search_state_ui(ui);
        });
    }

    fn heard_ui(&mut self, ui: &mut Ui, is_narrow: bool) {
        let palette = palette(ui.ctx());
        let totals = self.snapshot.totals;
        let heard = if is_narrow {
            format::count(totals.heard)
        } else {
            format::counted(totals.heard, "datagram", "datagrams")
        };
        ui.label(
            RichText::new(format!("Heard {heard}"))
                .size(SIZE)
                .color(palette.dim),
        );
        if totals.not_understood > 0 {
            let num_kept = self.snapshot.strays.len() as u64;
            let kept = if num_kept < totals.not_understood {
                format!("newest {} kept", format::count(num_kept))
            } else {
                "kept".to_owned()
            };
            let text = format!(
                "{} not understood, {kept}",
                format::count(totals.not_understood)
            );
            if bar_button(ui, &text, palette.amber)
                .on_hover_text("Show them with their bytes")
                .clicked()
            {
                self.ask(UiCommand::ShowDiagnostics);
            }
        }
        if totals.lost > 0 {
            let text = format!("{} lost", format::count(totals.lost));
            ui.label(RichText::new(text).size(SIZE).color(palette.amber))
                .on_hover_text("Datagrams that came faster than they could be taken");
        }
    }

    fn search_state_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let search = self.snapshot.search;
        let text = match (search.pass, search.live, search.next) {
            (Some(pass), ..) => format!("Searching, pass {pass} of 3"),
            (None, true, Some(next)) if next > self.clock_now => {
                let step_millis = if self.counts_seconds() {
                    1_000
                } else {
                    QUIET_STEP_MILLIS
                };
                // Rounded up, so that it never ends with 0.
                let secs =
                    next.millis_since(self.clock_now).div_ceil(step_millis) * step_millis / 1_000;
                format!("Live search on, next in {secs} s")
            }
            (None, true, _) => "Live search on".to_owned(),
            (None, false, _) => "Live search off".to_owned(),
        };
        if self.snapshot.watching.replay.is_some() {
            ui.label(RichText::new("Replay").size(SIZE).color(palette.dim))
                .on_hover_text(IN_REPLAY);
            return;
        }
        if bar_button(ui, &text, palette.dim)
            .on_hover_text(UiCommand::ToggleLiveSearch.tooltip())
            .clicked()
        {
            self.ask(UiCommand::ToggleLiveSearch);
        }
    }

    /// The sweep and the work with a file, with progress and a way out.
    fn work_ui(&mut self, ui: &mut Ui, is_narrow: bool) {
        let snapshot = std::sync::Arc::clone(&self.snapshot);
        if let Some(sweep) = &snapshot.sweep {
            self.sweep_ui(ui, sweep, is_narrow);
        }
        if let Some(identifying) = &snapshot.identifying
            && identifying.ended.is_none()
        {
            self.identify_ui(ui, identifying, is_narrow);
        }
        let Some(job) = &snapshot.job else {
            return;
        };
        let palette = palette(ui.ctx());
        let elapsed_secs = (self.clock_now.millis_since(job.started) / 1_000).max(1);
        let rate = job.done / elapsed_secs;
        let mut text = match job.total {
            Some(total) => format!(
                "{}: {} of {}",
                format::show_text(&job.what),
                format::count(job.done),
                format::count(total)
            ),
            None => format!(
                "{}: {}",
                format::show_text(&job.what),
                format::count(job.done)
            ),
        };
        if rate > 0 {
            // Writing to a `String` cannot fail.
            let rate_words = format::counted(rate, "row", "rows");
            write!(text, ", {rate_words}/s").ok();
            if let Some(total) = job.total {
                let left = total.saturating_sub(job.done) / rate;
                write!(text, ", {} left", format::duration(left)).ok();
            }
        }
        ui.label(RichText::new(text).size(SIZE).color(palette.text));
        if let Some(total) = job.total {
            widgets::progress(ui, job.done as f32 / total.max(1) as f32, 90.0, &job.what);
        }
        if bar_button(ui, "Cancel", palette.accent).clicked() {
            self.ask(UiCommand::CancelJob);
        }
    }

    fn sweep_ui(&mut self, ui: &mut Ui, sweep: &SweepState, is_narrow: bool) {
        let palette = palette(ui.ctx());
        match &sweep.ended {
            None => {
                let left = sweep.left_secs.map_or_else(String::new, |secs| {
                    format!(", {} left", format::duration(secs))
                });
                let all = format!(
                    "Sweeping: {} of {} asked, {} answered, {}/s{left}",
                    format::count(sweep.num_asked),
                    format::counted(sweep.num_questions, "question", "questions"),
                    format::count(sweep.num_answered),
                    format::count(u64::from(sweep.per_sec)),
                );
                let text = if is_narrow {
                    format!("Sweeping{left}")
                } else {
                    all.clone()
                };
                ui.label(RichText::new(text).size(SIZE).color(palette.text))
                    .on_hover_text(format!("{}\n{all}", sweep.ranges));
                let share = sweep.num_asked as f32 / sweep.num_questions.max(1) as f32;
                widgets::progress(ui, share, 90.0, "Sweep");
                if bar_button(ui, "Cancel", palette.accent).clicked() {
                    self.ask(UiCommand::StopSweep);
                }
            }
            Some(end) => {
                let (text, color) = match end {
                    SweepEnd::Done => (
                        format!("Sweep done, {} answered", format::units(sweep.num_answered)),
                        palette.dim,
                    ),
                    SweepEnd::Canceled => ("Sweep canceled".to_owned(), palette.dim),
                    SweepEnd::Failed(why) => (format!("Sweep failed: {why}"), palette.amber),
                };
                ui.label(RichText::new(text).size(SIZE).color(color))
                    .on_hover_text(&sweep.ranges);
            }
        }
    }

    /// How far the identification is. When it is over, the engine says so.
    fn identify_ui(&mut self, ui: &mut Ui, state: &IdentifyState, is_narrow: bool) {
        let palette = palette(ui.ctx());
        let words = |num_done: usize, num_known: usize| {
            let done = format::count(num_done as u64);
            let all = format::count(state.num_units as u64);
            let known = format::count(num_known as u64);
            if is_narrow {
                format!("Identifying {done} of {all}")
            } else {
                format!("Identifying {done} of {all} · {known} known")
            }
        };
        // As wide as it becomes at most, so that what stands beside it keeps its place.
        let font = egui::FontId::proportional(SIZE);
        let mut widest = words(state.num_units, state.num_units);
        let mut text = words(state.num_done, state.num_identified);
        if !is_narrow {
            widest.push_str(", 00 min 00 s left");
            if let Some(secs) = identify_left_secs(state, self.clock_now) {
                // Writing to a `String` cannot fail.
                write!(text, ", {} left", format::duration(secs)).ok();
            }
        }
        let widest = widest.replace(|c: char| c.is_ascii_digit(), "0");
        let widest = ui.painter().layout_no_wrap(widest, font, palette.text);
        let left = Layout::left_to_right(Align::Center);
        ui.allocate_ui_with_layout(egui::vec2(widest.size().x, 20.0), left, |ui| {
            ui.set_min_width(widest.size().x);
            ui.label(RichText::new(text).size(SIZE).color(palette.text));
        });
        if !is_narrow {
            let share = state.num_done as f32 / state.num_units.max(1) as f32;
            widgets::progress(ui, share, 90.0, "Identification");
        }
        let command = UiCommand::StopIdentify;
        if bar_button(ui, "Stop", palette.accent)
            .named(command.text())
            .on_hover_text(command.tooltip())
            .clicked()
        {
            self.ask(command);
        }
    }

    /// Senders that flood, with a way to forget them.
    fn floods_ui(&mut self, ui: &mut Ui, is_narrow: bool) {
        let floods = std::sync::Arc::clone(&self.snapshot.floods);
        let (Some(first), num_floods) = (floods.first(), floods.len() as u64) else {
            return;
        };
        let palette = palette(ui.ctx());
        let verb = if num_floods == 1 { "floods" } else { "flood" };
        let held_back: u64 = floods.iter().map(|flood| flood.held_back).sum();
        let senders = format::counted(num_floods, "sender", "senders");
        let text = if is_narrow {
            format!("{senders} {verb}")
        } else {
            let held_back = format::count(held_back);
            format!(
                "{senders} {verb}: {}, {held_back} held back",
                first.sender.ip
            )
        };
        let response = bar_button(ui, &text, palette.red)
            .on_hover_text("More new units a second than a network has; they are not saved");
        Popup::menu(&response)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .width(420.0)
            .show(|ui| {
                for flood in floods.iter() {
                    self.flood_ui(ui, flood);
                }
            });
    }

    /// One sender that floods.
    pub(in crate::app) fn flood_ui(
        &mut self,
        ui: &mut Ui,
        flood: &crate::model::snapshot::FloodLine,
    ) {
        let palette = palette(ui.ctx());
        ui.label(
            RichText::new(format!("{} on {}", flood.sender.ip, flood.sender.interface))
                .font(super::super::theme::strong(13.0)),
        );
        let samples = flood.samples.join(", ");
        let text = format!(
            "{} held back since {}, last {}. Samples: {}",
            format::counted(flood.held_back, "new unit", "new units"),
            format::time_of_day(flood.since, &self.zone),
            format::age(self.now, flood.last),
            format::show_text(&samples)
        );
        ui.label(RichText::new(text).color(palette.dim));
        if widgets::quiet_button(ui, "Forget sender")
            .on_hover_text(
                "Takes out every unit that was only heard from it; undo brings them back",
            )
            .clicked()
        {
            self.send(Command::Edit(Edit::ForgetSender {
                sender: flood.sender.clone(),
            }));
            ui.close();
        }
    }

    fn limits_ui(&self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let limits = &self.snapshot.limits;
        if limits.is_empty() {
            return;
        }
        let text = format!(
            "{} reached",
            format::counted(limits.len() as u64, "limit", "limits")
        );
        ui.label(RichText::new(text).size(SIZE).color(palette.amber))
            .on_hover_text(limits.join("\n"));
    }

    /// The site file and when it was saved, from the right.
    fn saved_ui(&self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let site = &self.snapshot.site;
        if let Some(path) = &site.path {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ui.label(
                RichText::new(format::show_text(&name))
                    .monospace()
                    .size(SIZE - 0.5)
                    .color(palette.dim),
            )
            .on_hover_text(path.to_string_lossy());
        }
        let dim = |text: String| RichText::new(text).size(SIZE).color(palette.dim);
        if let Some(why) = &site.save_error {
            let short: String = format::show_text(why).chars().take(60).collect();
            let text = RichText::new(format!("Not saved: {short}"));
            ui.label(text.size(SIZE).color(palette.red))
                .on_hover_text(why);
        } else if site.demo {
            ui.label(dim("Demo, nothing is saved".to_owned()));
        } else if site.read_only.is_some() {
            ui.label(dim("Read-only".to_owned()));
        } else if site.dirty {
            ui.label(dim("Saving…".to_owned()));
        } else if let Some(saved) = site.saved {
            let text = format!("Saved {}", format::age(self.clock_now, saved));
            ui.label(dim(text))
                .on_hover_text(format::exact(saved, &self.zone));
        }
    }
}

/// How long an identification takes yet, at the rate of the run so far; `None` while that says little. In coarse steps,
/// so that it does not flicker.
fn identify_left_secs(state: &IdentifyState, now: Timestamp) -> Option<u64> {
    let elapsed_millis = now.millis_since(state.started);
    let (num_units, num_done) = (state.num_units as u64, state.num_done as u64);
    if elapsed_millis < TELLING_AFTER_MILLIS || num_done < TELLING_AFTER_UNITS {
        return None;
    }
    let num_left = num_units.saturating_sub(num_done);
    let left_secs = (num_left * elapsed_millis / num_done).div_ceil(1_000);
    let step_secs = match left_secs {
        0..=60 => 5,
        61..=600 => 30,
        _ => 60,
    };
    Some(left_secs.div_ceil(step_secs) * step_secs).filter(|secs| *secs > 0)
}

fn bar_button(ui: &mut Ui, text: &str, color: egui::Color32) -> egui::Response {
    let label = RichText::new(text).size(SIZE).color(color);
    widgets::focus_ring(ui.add(egui::Button::new(label).frame(false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_when_it_can_be_and_in_steps() {
        let now = Timestamp::from_millis(1_000_000);
        let left = |elapsed_secs: i64, num_done, num_units| {
            let state = IdentifyState {
                num_units,
                num_done,
                num_identified: 0,
                started: Timestamp::from_millis(1_000_000 - elapsed_secs * 1_000),
                ended: None,
                was_stopped: false,
            };
            identify_left_secs(&state, now)
        };
        assert_eq!(left(3, 20, 100), None, "too early");
        assert_eq!(left(60, 2, 100), None, "too few are done");
        assert_eq!(left(60, 50, 250), Some(240));
        assert_eq!(left(61, 50, 250), Some(270), "in steps of 30 s");
        assert_eq!(left(10, 90, 100), Some(5));
        assert_eq!(left(10, 100, 100), None, "nothing is left");
        assert_eq!(left(7_200, 8, 262_144), Some(235_922_400));
    }
}
