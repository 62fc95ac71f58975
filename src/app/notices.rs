//! What the engine and the window say to the person, bottom right: what failed stays until it is dismissed, what is
//! done fades. Everything is kept for the Activity view.

use std::collections::VecDeque;

use egui::{Align2, Area, Context, Frame, Id, Margin, Order, RichText, Stroke, vec2};

use super::App;
use super::format;
use super::theme::{self, palette};
use super::widgets;
use crate::engine::command::{Level, Saying};
use crate::model::time::Timestamp;

/// How long a done-notice is shown.
const SHOWN_MILLIS: u64 = 6_000;

/// How many notices are kept for the Activity view.
const KEPT: usize = 500;

/// How many are shown at once.
const SHOWN: usize = 4;

/// Something that was said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) when: Timestamp,
    pub(super) saying: Saying,
    /// Whether it is still shown bottom right.
    pub(super) open: bool,
}

/// Everything that was said, the newest last.
#[derive(Debug, Default)]
pub(super) struct Notices {
    said: VecDeque<Said>,
}

impl Notices {
    /// Takes something up.
    pub(super) fn say(&mut self, now: Timestamp, saying: Saying) {
        if self.said.len() == KEPT {
            self.said.pop_front();
        }
        // The same trouble over and over is one notice, newest first.
        for said in &mut self.said {
            if said.open && said.saying == saying {
                said.open = false;
            }
        }
        self.said.push_back(Said {
            when: now,
            saying,
            open: true,
        });
    }

    /// What was said, the newest first.
    pub(super) fn history(&self) -> impl Iterator<Item = &Said> {
        self.said.iter().rev()
    }

    /// How many things were said.
    pub(super) fn len(&self) -> usize {
        self.said.len()
    }

    /// Closes what has been shown long enough; the time until the next one closes.
    pub(super) fn expire(&mut self, now: Timestamp) -> Option<u64> {
        let mut next = None;
        for said in &mut self.said {
            if !said.open || said.saying.level == Level::Trouble {
                continue;
            }
            let shown = now.millis_since(said.when);
            if shown >= SHOWN_MILLIS {
                said.open = false;
            } else {
                let left = SHOWN_MILLIS - shown;
                next = Some(next.map_or(left, |next: u64| next.min(left)));
            }
        }
        next
    }
}

impl App {
    /// Says something in the window.
    pub(super) fn say(&mut self, saying: Saying) {
        self.notices.say(self.clock_now, saying);
    }

    /// Draws the open notices over everything else.
    pub(super) fn notices_ui(&mut self, ctx: &Context) {
        let open: Vec<usize> = (0..self.notices.said.len())
            .rev()
            .filter(|idx| self.notices.said[*idx].open)
            .take(SHOWN)
            .collect();
        if open.is_empty() {
            return;
        }
        let palette = palette(ctx);
        Area::new(Id::unique("notices"))
            .order(Order::Foreground)
            .anchor(Align2::RIGHT_BOTTOM, vec2(-14.0, -42.0))
            .show(ctx, |ui| {
                ui.set_width(360.0);
                for idx in open.into_iter().rev() {
                    let said = &mut self.notices.said[idx];
                    let color = level_color(palette, said.saying.level);
                    Frame::new()
                        .fill(palette.panel)
                        .stroke(Stroke::new(1.0, palette.line))
                        .corner_radius(8)
                        .inner_margin(Margin::symmetric(12, 10))
                        .shadow(ui.visuals().popup_shadow)
                        .show(ui, |ui| {
                            ui.set_width(336.0);
                            ui.horizontal_top(|ui| {
                                widgets::dot(ui, color);
                                ui.vertical(|ui| {
                                    ui.set_width(276.0);
                                    ui.spacing_mut().item_spacing.y = 3.0;
                                    saying_ui(ui, &said.saying);
                                });
                                if widgets::close_button(ui, "Dismiss").clicked() {
                                    said.open = false;
                                }
                            });
                        });
                    ui.add_space(2.0);
                }
            });
    }
}

/// The words of a saying: title, consequence, hint.
pub(super) fn saying_ui(ui: &mut egui::Ui, saying: &Saying) {
    let palette = palette(ui.ctx());
    ui.label(
        RichText::new(format::show_text(&saying.title))
            .font(theme::strong(theme::TEXT_SIZE))
            .color(palette.text),
    );
    if let Some(text) = &saying.text {
        ui.label(RichText::new(format::show_text(text)).color(palette.dim));
    }
    if let Some(hint) = &saying.hint {
        ui.label(RichText::new(format!("hint: {}", format::show_text(hint))).color(palette.dim));
    }
}

/// The color of a level.
pub(super) const fn level_color(palette: &theme::Palette, level: Level) -> egui::Color32 {
    match level {
        Level::Done => palette.green,
        Level::Note => palette.blue,
        Level::Trouble => palette.red,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn done_fades_and_trouble_stays() {
        let mut notices = Notices::default();
        let at = Timestamp::from_millis;
        notices.say(at(0), Saying::done("Exported 3 units"));
        notices.say(at(0), Saying::trouble("The disk is full"));
        assert_eq!(notices.expire(at(1_000)), Some(5_000));
        assert_eq!(notices.expire(at(6_000)), None);
        let open: Vec<&str> = notices
            .history()
            .filter(|said| said.open)
            .map(|said| said.saying.title.as_str())
            .collect();
        assert_eq!(open, ["The disk is full"]);
    }

    #[test]
    fn the_same_trouble_is_shown_once() {
        let mut notices = Notices::default();
        for second in 0..10 {
            notices.say(
                Timestamp::from_millis(second * 1000),
                Saying::trouble("The disk is full"),
            );
        }
        assert_eq!(notices.history().filter(|said| said.open).count(), 1);
        assert_eq!(notices.len(), 10, "all of it is in the history");
    }
}
