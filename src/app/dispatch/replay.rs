//! Carries out the commands of a replay, and says where a typed time is.

use std::fmt::Write;

use egui::Context;
use jiff::civil;
use jiff::tz::TimeZone;

use super::super::view_state::{ComparisonForm, Modal, PathUse};
use super::super::{App, ReplayCommand, format};
use crate::engine::command::{Command, ReplayMove};
use crate::model::time::Timestamp;
use crate::model::watching::{Comparison, Difference, DifferenceKind};

/// How many steps a capture has for the keys.
const NUM_STEPS: u64 = 200;

impl App {
    /// Carries out a command of the replay that is possible.
    pub(super) fn dispatch_replay(
        &mut self,
        ctx: &Context,
        frame: Option<&eframe::Frame>,
        command: ReplayCommand,
    ) {
        match command {
            ReplayCommand::Open => self.ask_path(ctx, frame, PathUse::Replay),
            ReplayCommand::PlayOrPause => {
                let Some(replay) = self.snapshot.watching.replay.as_deref() else {
                    return;
                };
                let wish = match replay.playing {
                    Some(_) => ReplayMove::Pause,
                    None => ReplayMove::Play {
                        speed: replay.speed,
                    },
                };
                self.time_line.wanted = None;
                self.send(Command::Replay(wish));
            }
            ReplayCommand::Speed(speed) => {
                self.time_line.wanted = None;
                self.send(Command::Replay(ReplayMove::Play { speed }));
            }
            ReplayCommand::GoTo => self.time_line.focus_field = true,
            ReplayCommand::Back => self.step_replay(-1),
            ReplayCommand::Forward => self.step_replay(1),
            ReplayCommand::ToStart => {
                if let Some((first, _)) = self.replay_span() {
                    self.move_replay(first);
                }
            }
            ReplayCommand::ToEnd => {
                if let Some((_, last)) = self.replay_span() {
                    self.move_replay(last);
                }
            }
            ReplayCommand::Compare => {
                self.modal = Some(Modal::Comparison(ComparisonForm::default()));
            }
            ReplayCommand::CopyComparison => {
                let replay = self.snapshot.watching.replay.as_deref();
                if let Some(compared) = replay.and_then(|replay| replay.compared.as_deref()) {
                    ctx.copy_text(comparison_text(compared));
                }
            }
            ReplayCommand::Close => self.send(Command::CloseReplay),
        }
    }

    /// The first and the last time of the capture.
    pub(in crate::app) fn replay_span(&self) -> Option<(Timestamp, Timestamp)> {
        self.snapshot.watching.replay.as_deref()?.span
    }

    /// Where the marker stands: where the person wants it, until the replay is there.
    pub(in crate::app) fn replay_place(&self) -> Timestamp {
        let Some(replay) = self.snapshot.watching.replay.as_deref() else {
            return Timestamp::default();
        };
        let line = &self.time_line;
        let is_on_its_way =
            line.is_dragged || !replay.is_there || line.said_at == Some(self.snapshot.revision);
        line.wanted.filter(|_| is_on_its_way).unwrap_or(replay.at)
    }

    /// Goes to a time of the capture.
    pub(in crate::app) fn move_replay(&mut self, when: Timestamp) {
        let Some((first, last)) = self.replay_span() else {
            return;
        };
        let when = when.clamp(first, last);
        self.time_line.wanted = Some(when);
        self.time_line.said_at = Some(self.snapshot.revision);
        self.send(Command::Replay(ReplayMove::To(when)));
    }

    /// Goes so many steps on, or back.
    pub(in crate::app) fn step_replay(&mut self, num_steps: i64) {
        let Some((first, last)) = self.replay_span() else {
            return;
        };
        let step_millis = (last.millis_since(first) / NUM_STEPS).max(1).cast_signed();
        let here = self.replay_place().as_millis();
        let there = here.saturating_add(step_millis.saturating_mul(num_steps));
        self.move_replay(Timestamp::from_millis(there));
    }
}

/// A typed time as a time of the capture: a time of day, with or without seconds, or a whole RFC 3339 time. `here` says
/// which day is meant first.
pub(in crate::app) fn typed_time(
    text: &str,
    span: (Timestamp, Timestamp),
    here: Timestamp,
    zone: &TimeZone,
) -> Result<Timestamp, String> {
    let text = text.trim();
    let (first, last) = span;
    let outside = || {
        format!(
            "{} is not in this capture, which is of {}",
            format::show_text(text),
            format::time_span(first, last, zone)
        )
    };
    // What is said without seconds means any of them.
    let (candidates, slack_millis) = if let Some(when) = Timestamp::parse(text) {
        (vec![when], 999)
    } else if let Some((time, slack_millis)) = time_of_day(text) {
        let day = |when: Timestamp| format::local(when, zone).map(|at| at.date());
        let mut days: Vec<civil::Date> = Vec::new();
        days.extend(day(here));
        let mut next = day(first);
        // More days than this are not gone through for a time without a date.
        while let Some(date) = next.filter(|date| days.len() < 400 && Some(*date) <= day(last)) {
            days.push(date);
            next = date.tomorrow().ok();
        }
        let at = |date: civil::Date| {
            let zoned = date.to_datetime(time).to_zoned(zone.clone()).ok()?;
            Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
        };
        (days.into_iter().filter_map(at).collect(), slack_millis)
    } else {
        return Err(format!(
            "“{}” is no time: type 14:32, 14:32:10 or {first}",
            format::show_text(text)
        ));
    };
    candidates
        .into_iter()
        .find(|when| when.plus_millis(slack_millis) >= first && *when <= last)
        .map(|when| when.clamp(first, last))
        .ok_or_else(outside)
}

/// A time of day, and how much longer than that it may be meant.
fn time_of_day(text: &str) -> Option<(civil::Time, u64)> {
    let with_secs = civil::Time::strptime("%H:%M:%S", text).ok();
    let without = || civil::Time::strptime("%H:%M", text).ok();
    with_secs
        .map(|time| (time, 999))
        .or_else(|| without().map(|time| (time, 59_999)))
}

/// How a difference is called.
pub(in crate::app) const fn kind_words(kind: DifferenceKind) -> &'static str {
    match kind {
        DifferenceKind::OnlyInReplay => "Only in the replay",
        DifferenceKind::OnlyInSite => "Only in the site",
        DifferenceKind::Differs => "Differs",
    }
}

/// What a line of the comparison is about.
pub(in crate::app) fn difference_cells(line: &Difference) -> [String; 5] {
    [
        kind_words(line.kind).to_owned(),
        line.mac.map_or_else(String::new, |mac| mac.to_string()),
        line.ip.map_or_else(String::new, |ip| ip.to_string()),
        format::show_text(&line.name).into_owned(),
        format::show_text(&line.what).into_owned(),
    ]
}

/// A comparison as text, cells apart by tabs.
fn comparison_text(compared: &Comparison) -> String {
    let mut text = format!(
        "Compared with {}: {} the same in both\n",
        format::show_text(&compared.site),
        format::units(compared.num_same as u64)
    );
    for line in &compared.lines {
        // Writing to a `String` cannot fail.
        writeln!(text, "{}", difference_cells(line).join("\t")).ok();
    }
    if compared.num_left_out > 0 {
        let more = format::units(compared.num_left_out as u64);
        writeln!(text, "and {more} more").ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("the test's times are times")
    }

    #[test]
    fn a_time_of_day_is_looked_for_in_the_capture() {
        let span = (at("2026-11-22T23:58:01Z"), at("2026-11-23T01:12:44Z"));
        let check = |text: &str, found: &str| {
            let when = typed_time(text, span, span.0, &TimeZone::UTC);
            assert_eq!(
                when.as_ref().map(ToString::to_string),
                Ok(found.to_owned()),
                "{text}"
            );
        };
        check("00:30", "2026-11-23T00:30:00Z");
        check("23:59:10", "2026-11-22T23:59:10Z");
        check(" 01:12:44 ", "2026-11-23T01:12:44Z");
        check("2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z");
        check("2026-11-23T01:00:00+01:00", "2026-11-23T00:00:00Z");
        // Its minute has begun when the capture begins.
        check("23:58", "2026-11-22T23:58:01Z");
    }

    #[test]
    fn what_is_no_time_of_the_capture_is_said() {
        let span = (at("2026-11-22T13:58:01Z"), at("2026-11-22T15:12:44Z"));
        let said = |text: &str| {
            typed_time(text, span, span.0, &TimeZone::UTC).expect_err("it is not in the capture")
        };
        assert_eq!(
            said("12:00"),
            "12:00 is not in this capture, which is of 13:58:01–15:12:44"
        );
        assert!(
            said("soon").contains("is no time: type 14:32"),
            "{}",
            said("soon")
        );
        assert!(said("").contains("is no time"));
        assert!(said("25:00").contains("is no time"));
    }
}
