//! The bar of a replay, in every view: where it is in its capture, how fast it moves, and ways to go elsewhere.

use egui::accesskit::Action;
use egui::{
    Button, Id, Key, Modifiers, Popup, Rect, Response, RichText, Role, Sense, Stroke, TextEdit, Ui,
    WidgetInfo, pos2, vec2,
};

use super::super::command::SPEEDS;
use super::super::dispatch::typed_time;
use super::super::grid::ARROWS;
use super::super::theme::palette;
use super::super::widgets::{self, Named};
use super::super::{App, ReplayCommand, UiCommand, format};
use crate::model::time::Timestamp;
use crate::model::watching::{ReplayReading, ReplayState};

/// How high the plot is.
const PLOT_HEIGHT: f32 = 34.0;

/// With more room than this, the words stand beside the buttons.
const WORDS_BESIDE_FROM: f32 = 1_150.0;

/// How many remarks are shown.
const REMARKS_SHOWN: usize = 3;

fn line_id() -> Id {
    Id::unique("time line")
}

impl App {
    /// Draws the bar of the replay.
    pub(in crate::app) fn time_line_ui(&mut self, ui: &mut Ui) {
        let Some(replay) = self.snapshot.watching.replay.clone() else {
            return;
        };
        ui.spacing_mut().item_spacing.y = 4.0;
        if let Some(reading) = &replay.reading {
            self.replay_reading_ui(ui, &replay, reading);
            return;
        }
        let words = self.replay_words(&replay);
        let is_beside = ui.available_width() >= WORDS_BESIDE_FROM;
        ui.horizontal_wrapped(|ui| {
            if replay.span.is_some() {
                self.replay_controls_ui(ui, &replay);
            }
            let compare = UiCommand::Replay(ReplayCommand::Compare);
            self.command_button_ui(ui, compare, "Compare…");
            let close = UiCommand::Replay(ReplayCommand::Close);
            self.command_button_ui(ui, close, close.text());
            if is_beside {
                words_ui(ui, &words);
            }
        });
        if !is_beside {
            words_ui(ui, &words);
        }
        if let Some(span) = replay.span {
            self.plot_of_replay_ui(ui, &replay, span);
        }
        let palette = palette(ui.ctx());
        let mut say = |text: &str, color| {
            let text = RichText::new(format::show_text(text)).color(color);
            ui.add(egui::Label::new(text).truncate());
        };
        if let Some(why) = &self.time_line.refused {
            say(why, palette.red);
        }
        if let Some(trouble) = &replay.trouble {
            say(&format!("Not read to its end: {trouble}"), palette.amber);
        }
        for remark in replay.remarks.iter().take(REMARKS_SHOWN) {
            say(remark, palette.dim);
        }
        if let Some(num_more) = replay
            .remarks
            .len()
            .checked_sub(REMARKS_SHOWN)
            .filter(|count| *count > 0)
        {
            let more = format::counted(num_more as u64, "more remark", "more remarks");
            say(&format!("and {more}"), palette.dim);
        }
    }

    /// While the file is read: how far it is, and a way out.
    fn replay_reading_ui(&mut self, ui: &mut Ui, replay: &ReplayState, reading: &ReplayReading) {
        ui.horizontal_wrapped(|ui| {
            let share = reading.read_bytes as f32 / reading.total_bytes.max(1) as f32;
            widgets::progress(ui, share, 140.0, "Reading the capture");
            let name = replay.path.file_name().unwrap_or_default();
            let name = format::show_text(&name.to_string_lossy()).into_owned();
            let words = reading_words(reading, self.clock_now);
            ui.add(egui::Label::new(format!("Reading {name}: {words}")).truncate());
            let close = UiCommand::Replay(ReplayCommand::Close);
            self.command_button_ui(ui, close, "Cancel");
        });
    }

    fn replay_controls_ui(&mut self, ui: &mut Ui, replay: &ReplayState) {
        let play = UiCommand::Replay(ReplayCommand::PlayOrPause);
        let word = if replay.playing.is_some() {
            "Pause"
        } else {
            "Play"
        };
        self.command_button_ui(ui, play, word);
        let speed = format!("{}×", format::count(u64::from(replay.speed)));
        let button = Button::new(&*speed)
            .right_text(RichText::new("▾").color(palette(ui.ctx()).dim))
            .min_size(vec2(72.0, 30.0));
        let response = widgets::focus_ring(ui.add(button))
            .named(&format!("Speed: {speed}"))
            .on_hover_text("How much of the capture goes by in one second");
        Popup::menu(&response).width(180.0).show(|ui| {
            for speed in SPEEDS {
                let command = UiCommand::Replay(ReplayCommand::Speed(speed));
                self.command_item_ui(ui, command);
            }
        });
        self.typed_time_ui(ui);
    }

    /// The field for a time to go to.
    fn typed_time_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let field = TextEdit::singleline(&mut self.time_line.typed)
            .id(Id::unique("time to go to"))
            .hint_text(RichText::new("Go to 14:32").color(palette.dim))
            .desired_width(128.0)
            .min_size(vec2(150.0, 30.0))
            .margin(egui::Margin::symmetric(11, 6))
            .char_limit(64);
        let response = ui.add(field).on_hover_text(
            "Type a time and press Enter: 14:32, 14:32:10, or with its date as RFC 3339",
        );
        let typed = self.time_line.typed.clone();
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::TextInput, true, "Go to time");
            info.current_text_value = Some(typed.clone());
            info
        });
        if std::mem::take(&mut self.time_line.focus_field) {
            response.request_focus();
        }
        if response.changed() {
            self.time_line.refused = None;
        }
        if !widgets::entered(&response) {
            return;
        }
        let Some(span) = self.replay_span() else {
            return;
        };
        match typed_time(&self.time_line.typed, span, self.replay_place(), &self.zone) {
            Ok(when) => {
                self.time_line.refused = None;
                self.time_line.typed.clear();
                self.move_replay(when);
            }
            Err(why) => {
                self.time_line.refused = Some(why);
                response.request_focus();
            }
        }
    }

    /// Where it is, of what.
    fn replay_words(&self, replay: &ReplayState) -> String {
        let packets = format::counted(replay.num_packets, "packet", "packets");
        let datagrams = format::counted(replay.num_datagrams, "datagram", "datagrams");
        let Some((first, last)) = replay.span else {
            return format!("Nothing on the watched ports in {packets}");
        };
        format!(
            "{} of {} · {datagrams} on the watched ports in {packets}",
            format::day_and_time(self.replay_place(), &self.zone),
            format::time_span(first, last, &self.zone)
        )
    }

    /// The datagrams over the whole capture, with the marker of where it is.
    fn plot_of_replay_ui(
        &mut self,
        ui: &mut Ui,
        replay: &ReplayState,
        span: (Timestamp, Timestamp),
    ) {
        let (_, rect) = ui.allocate_space(vec2(ui.available_width(), PLOT_HEIGHT));
        let id = line_id();
        if self.modal.is_none() && ui.memory(|memory| memory.has_focus(id)) {
            // Before the widget: it would take Space for a click.
            self.time_line_keys(ui, id);
        }
        let sense = Sense::click_and_drag() | Sense::focusable_noninteractive();
        let response = widgets::focus_ring(ui.interact(rect, id, sense));
        let (first, last) = span;
        let here = self.replay_place();
        let words = self.replay_words(replay);
        response.widget_info(|| {
            let mut info = WidgetInfo::slider(true, share_of(here, span).into(), &words);
            info.label = Some(format!("Time line, {words}"));
            info
        });
        ui.ctx().accesskit_node_builder(id, |node| {
            node.add_action(Action::Increment);
            node.add_action(Action::Decrement);
        });
        let (up, down) = ui.input(|input| {
            (
                input.num_accesskit_action_requests(id, Action::Increment),
                input.num_accesskit_action_requests(id, Action::Decrement),
            )
        });
        if up != down {
            self.step_replay(up.cast_signed() as i64 - down.cast_signed() as i64);
        }
        let time_at = |x: f32| {
            let share = ((x - rect.left()) / rect.width().max(1.0)).clamp(0.0, 1.0);
            let millis = last.millis_since(first) as f64 * f64::from(share);
            first.plus_millis(millis as u64)
        };
        self.follow_pointer(&response, time_at);
        let here = self.replay_place();
        paint_plot(ui, rect, &replay.histogram, share_of(here, span));
        if let Some(pos) = response.hover_pos() {
            let when = time_at(pos.x);
            let step = step_at(&replay.histogram, rect, pos.x);
            response.on_hover_ui_at_pointer(|ui| {
                ui.label(format::day_and_time(when, &self.zone));
                let count = format::counted(u64::from(step), "datagram", "datagrams");
                ui.label(RichText::new(count).color(palette(ui.ctx()).dim));
            });
        }
    }

    /// The keys of the time line while it has the keyboard.
    fn time_line_keys(&mut self, ui: &Ui, id: Id) {
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, ARROWS));
        let (back, on, home, end, space) = ui.input_mut(|input| {
            let mut count = |key| input.count_and_consume_key(Modifiers::NONE, key);
            (
                count(Key::ArrowLeft) + count(Key::ArrowDown),
                count(Key::ArrowRight) + count(Key::ArrowUp),
                count(Key::Home),
                count(Key::End),
                count(Key::Space),
            )
        });
        if home > 0 {
            self.ask(UiCommand::Replay(ReplayCommand::ToStart));
        } else if end > 0 {
            self.ask(UiCommand::Replay(ReplayCommand::ToEnd));
        } else if back != on {
            self.step_replay(on.cast_signed() as i64 - back.cast_signed() as i64);
        }
        if space % 2 == 1 {
            self.ask(UiCommand::Replay(ReplayCommand::PlayOrPause));
        }
    }

    /// The marker goes with the pointer. Going back begins anew, so the engine is told again only when it has followed.
    fn follow_pointer(&mut self, response: &Response, time_at: impl Fn(f32) -> Timestamp) {
        // Also when the pointer is gone without having been let go: the marker must not wait for it for ever.
        if !response.dragged() {
            self.time_line.is_dragged = false;
        }
        let Some(pos) = response.interact_pointer_pos() else {
            return;
        };
        if response.clicked() || response.drag_stopped() {
            self.move_replay(time_at(pos.x));
            response.request_focus();
        } else if response.dragged() {
            let when = time_at(pos.x);
            let has_followed = self
                .snapshot
                .watching
                .replay
                .as_ref()
                .is_some_and(|replay| replay.is_there)
                && self.time_line.said_at != Some(self.snapshot.revision);
            let is_elsewhere = self.replay_place() != when;
            self.time_line.is_dragged = true;
            if has_followed && is_elsewhere {
                self.move_replay(when);
            }
            self.time_line.wanted = Some(when);
        }
    }
}

fn words_ui(ui: &mut Ui, words: &str) {
    let palette = palette(ui.ctx());
    ui.add(egui::Label::new(RichText::new(words).color(palette.dim)).truncate());
}

/// "12.0 MiB of 1024.0 MiB, 85.3 MiB a second, 11 s left".
fn reading_words(reading: &ReplayReading, now: Timestamp) -> String {
    let elapsed_millis = now.millis_since(reading.started).max(1);
    let per_sec = reading.read_bytes.saturating_mul(1_000) / elapsed_millis;
    let left_bytes = reading.total_bytes.saturating_sub(reading.read_bytes);
    let mut words = format!(
        "{} of {}, {} a second",
        format::bytes(reading.read_bytes),
        format::bytes(reading.total_bytes),
        format::bytes(per_sec)
    );
    if let Some(secs) = left_bytes.checked_div(per_sec) {
        words = format!("{words}, {} left", format::duration(secs));
    }
    words
}

/// How far along the capture a time is, from 0 to 1.
fn share_of(when: Timestamp, (first, last): (Timestamp, Timestamp)) -> f32 {
    let whole = last.millis_since(first).max(1) as f64;
    ((when.millis_since(first) as f64 / whole) as f32).clamp(0.0, 1.0)
}

fn step_at(histogram: &[u32], rect: Rect, x: f32) -> u32 {
    let share = ((x - rect.left()) / rect.width().max(1.0)).clamp(0.0, 1.0);
    let idx = (share * histogram.len() as f32) as usize;
    histogram
        .get(idx.min(histogram.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0)
}

fn paint_plot(ui: &Ui, rect: Rect, histogram: &[u32], share: f32) {
    if !ui.is_rect_visible(rect) {
        return;
    }
    let palette = palette(ui.ctx());
    let painter = ui.painter();
    painter.rect_filled(rect, 3.0, palette.ground);
    let marker_x = rect.left() + rect.width() * share;
    let most = histogram.iter().copied().max().unwrap_or(0).max(1) as f32;
    let width = rect.width() / histogram.len().max(1) as f32;
    for (idx, count) in histogram
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
    {
        let left = rect.left() + width * idx as f32;
        // One datagram is seen beside a flood too.
        let height = (*count as f32 / most * (rect.height() - 6.0)).max(2.0);
        // To whole points and without gaps: bars of a broken width would make a pattern that is not there.
        let bar = Rect::from_min_max(
            pos2(left.floor(), rect.bottom() - height),
            pos2((left + width).ceil(), rect.bottom()),
        );
        let is_past = left <= marker_x;
        let color = if is_past { palette.blue } else { palette.faint };
        painter.rect_filled(bar, 0.0, color);
    }
    let stroke = Stroke::new(2.0, palette.text);
    painter.vline(marker_x, rect.y_range(), stroke);
    painter.circle_filled(pos2(marker_x, rect.top() + 4.0), 4.5, palette.text);
}
