//! How much of what goes over the discovery ports of one network: bars, heard upwards and sent downwards. Nothing moves
//! by itself.

use std::sync::Arc;

use egui::{Align2, FontId, Id, Key, Modifiers, Rect, Response, RichText, Role, ScrollArea, Sense};
use egui::{Stroke, Tooltip, Ui, pos2, vec2};

use super::super::super::App;
use super::super::super::format;
use super::super::super::grid::ARROWS;
use super::super::super::theme::{self, Palette, palette};
use super::super::super::widgets;
use crate::model::time::Timestamp;
use crate::model::traffic::{
    BUCKET_SECS, BUCKETS_KEPT, DatagramKind, Direction, Traffic, TrafficSeries,
};

/// How wide the plot of a network is at least.
const MIN_WIDTH: f32 = 280.0;

/// How high its bars may be.
const BARS_HEIGHT: f32 = 54.0;

/// The same in a window with little room for the list below.
const LOW_BARS_HEIGHT: f32 = 34.0;

/// With less room than this there is little.
const LOW_ROOM: f32 = 560.0;

/// The line over the bars with the network's name, and the one below with the times.
const LINE_HEIGHT: f32 = 16.0;

/// One network of the plot.
struct Plotted<'a> {
    interface: &'a Arc<str>,
    series: &'a [TrafficSeries],
    num_buckets: usize,
    until: Timestamp,
}

impl App {
    /// Draws a plot for each network, and what the colors mean.
    pub(super) fn plots_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let traffic = Arc::clone(&self.snapshot.watching.traffic);
        let plots: Vec<Plotted<'_>> = by_network(&traffic).collect();
        if plots.is_empty() {
            let text = "No datagram went over the discovery ports in the last 15 min";
            ui.label(RichText::new(text).color(palette.dim));
            return;
        }
        let gap = 14.0;
        let num_plots = plots.len() as f32;
        let bars_height = if ui.available_height() < LOW_ROOM || self.watch.is_short {
            LOW_BARS_HEIGHT
        } else {
            BARS_HEIGHT
        };
        let share = (ui.available_width() - gap * (num_plots - 1.0)) / num_plots;
        ScrollArea::horizontal()
            .id_salt("plots")
            .max_height(bars_height + 2.0 * LINE_HEIGHT)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = gap;
                    for plot in &plots {
                        let size = vec2(share.max(MIN_WIDTH), bars_height + 2.0 * LINE_HEIGHT);
                        self.plot_ui(ui, plot, size);
                    }
                });
            });
        ui.scope(|ui| legend_ui(ui, &traffic));
    }

    fn plot_ui(&mut self, ui: &mut Ui, plot: &Plotted<'_>, size: egui::Vec2) {
        let palette = palette(ui.ctx());
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let id = Id::unique(("plot of the traffic", &**plot.interface));
        let sense = Sense::focusable_noninteractive() | Sense::hover();
        let response = ui.interact(rect, id, sense);
        response.widget_info(|| egui::WidgetInfo::labeled(Role::Image, true, plot.words()));
        let response = widgets::focus_ring(response);
        let bars = Rect::from_min_max(
            pos2(rect.left(), rect.top() + LINE_HEIGHT),
            pos2(rect.right(), rect.bottom() - LINE_HEIGHT),
        );
        let hovered = response
            .hover_pos()
            .and_then(|pos| plot.bucket_at(bars, pos.x));
        let walked = self.walked_bar(ui, &response, plot);
        if ui.is_rect_visible(rect) {
            self.paint_plot(ui, plot, rect, bars, hovered.or(walked));
        }
        let words = |ui: &mut Ui, bucket_idx: usize| {
            for (line_idx, line) in self.bar_words(plot, bucket_idx).iter().enumerate() {
                let color = if line_idx == 0 {
                    palette.dim
                } else {
                    palette.text
                };
                ui.label(RichText::new(line).color(color));
            }
        };
        if let Some(bucket_idx) = hovered {
            response.on_hover_ui_at_pointer(|ui| words(ui, bucket_idx));
        } else if let Some(bucket_idx) = walked {
            Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), id, rect)
                .show(|ui| words(ui, bucket_idx));
        }
    }

    /// The bar that the arrow keys have led to, while the plot has the keyboard.
    fn walked_bar(&mut self, ui: &Ui, response: &Response, plot: &Plotted<'_>) -> Option<usize> {
        if !response.has_focus() || self.modal.is_some() || plot.num_buckets == 0 {
            return None;
        }
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, ARROWS));
        let (older, newer, first, last) = ui.input_mut(|input| {
            let mut count = |key| input.count_and_consume_key(Modifiers::NONE, key);
            (
                count(Key::ArrowLeft),
                count(Key::ArrowRight),
                count(Key::Home),
                count(Key::End),
            )
        });
        let end_idx = plot.num_buckets - 1;
        let here = self
            .watch
            .bar
            .as_ref()
            .filter(|(interface, _)| interface == plot.interface)
            .map(|(_, from_newest)| *from_newest);
        let from_newest = if first > 0 {
            end_idx
        } else if last > 0 {
            0
        } else if here.is_none() && older + newer == 0 {
            return None;
        } else {
            let here = here.unwrap_or(0);
            (here + older).saturating_sub(newer).min(end_idx)
        };
        self.watch.bar = Some((Arc::clone(plot.interface), from_newest));
        Some(end_idx - from_newest)
    }

    /// When a bar was, and what is in it.
    fn bar_words(&self, plot: &Plotted<'_>, bucket_idx: usize) -> Vec<String> {
        let (begin, end) = plot.span(bucket_idx);
        let mut lines = vec![format!(
            "{} to {}",
            format::time_of_day(begin, &self.zone),
            format::time_of_day(end, &self.zone)
        )];
        for series in plot.series {
            let count = series.count_at(bucket_idx);
            if count > 0 {
                lines.push(series.words(u64::from(count)));
            }
        }
        if lines.len() == 1 {
            lines.push("Nothing heard or sent".to_owned());
        }
        lines
    }

    fn paint_plot(
        &self,
        ui: &Ui,
        plot: &Plotted<'_>,
        rect: Rect,
        bars: Rect,
        marked: Option<usize>,
    ) {
        let palette = palette(ui.ctx());
        let painter = ui.painter();
        let small = FontId::proportional(11.0);
        let most = |direction| {
            let sums = (0..plot.num_buckets).map(|idx| plot.sum_at(idx, direction));
            sums.max().unwrap_or(0)
        };
        let (most_heard, most_sent) = (most(Direction::Heard), most(Direction::Sent));
        painter.text(
            pos2(rect.left(), rect.top() + LINE_HEIGHT / 2.0),
            Align2::LEFT_CENTER,
            format::show_text(plot.interface),
            theme::strong(theme::SMALL_SIZE),
            palette.text,
        );
        painter.text(
            pos2(rect.right(), rect.top() + LINE_HEIGHT / 2.0),
            Align2::RIGHT_CENTER,
            format!(
                "at most {} in {BUCKET_SECS} s",
                format::count(most_heard.max(most_sent))
            ),
            small.clone(),
            palette.dim,
        );
        for (x, align, text) in [
            (rect.left(), Align2::LEFT_CENTER, "15 min before".to_owned()),
            (
                rect.right(),
                Align2::RIGHT_CENTER,
                format::time_of_day(plot.until, &self.zone),
            ),
        ] {
            let at = pos2(x, rect.bottom() - LINE_HEIGHT / 2.0 + 1.0);
            painter.text(at, align, text, small.clone(), palette.dim);
        }
        let most = most_heard.saturating_add(most_sent).max(1);
        let per_one = bars.height() / most as f32;
        // Heard stands on this line, sent hangs from it.
        let zero = bars.top() + most_heard as f32 * per_one;
        if let Some(bucket_idx) = marked {
            let x = plot.x_range(bars, bucket_idx);
            painter.rect_filled(
                Rect::from_x_y_ranges(x, bars.y_range()),
                0.0,
                palette.hovered,
            );
        }
        for bucket_idx in 0..plot.num_buckets {
            let x = plot.x_range(bars, bucket_idx);
            let (mut up, mut down) = (zero, zero);
            for series in plot.series {
                let count = series.count_at(bucket_idx);
                if count == 0 {
                    continue;
                }
                // One datagram is seen beside a flood too.
                let height = (count as f32 * per_one).max(1.0);
                let y = match series.direction {
                    Direction::Heard => {
                        up -= height;
                        up..=up + height
                    }
                    Direction::Sent => {
                        down += height;
                        down - height..=down
                    }
                };
                let bar = Rect::from_x_y_ranges(x, y);
                painter.rect_filled(bar, 0.0, palette.datagram(series.kind));
            }
        }
        painter.hline(bars.x_range(), zero, Stroke::new(1.0, palette.line));
    }
}

impl TrafficSeries {
    /// How many datagrams a bar has.
    fn count_at(&self, bucket_idx: usize) -> u32 {
        self.counts.get(bucket_idx).copied().unwrap_or(0)
    }

    /// "6 replies heard", "1 discover request sent".
    fn words(&self, count: u64) -> String {
        let one = self.kind.word();
        let many = match self.kind {
            DatagramKind::Announcement => "announcements",
            DatagramKind::Reply => "replies",
            DatagramKind::Discover => "discover requests",
            DatagramKind::TestIp => "test-IP requests",
            DatagramKind::SetIp => "set-IP requests",
            // These are no things that are counted, but what the datagrams are.
            DatagramKind::Taught | DatagramKind::OtherAidp | DatagramKind::NotAidp => one,
        };
        format!(
            "{} {}",
            format::counted(count, one, many),
            self.direction.word()
        )
    }
}

impl Plotted<'_> {
    fn sum_at(&self, bucket_idx: usize, direction: Direction) -> u64 {
        let series = self.series.iter().filter(|it| it.direction == direction);
        series.map(|it| u64::from(it.count_at(bucket_idx))).sum()
    }

    /// From where to where a bar goes; the newest stands at the right edge.
    fn x_range(&self, bars: Rect, bucket_idx: usize) -> egui::Rangef {
        let width = bars.width() / BUCKETS_KEPT as f32;
        let from_newest = self.num_buckets.saturating_sub(bucket_idx) as f32;
        let left = bars.right() - width * from_newest;
        egui::Rangef::new(left, left + (width - 0.5).max(0.5))
    }

    fn bucket_at(&self, bars: Rect, x: f32) -> Option<usize> {
        let width = bars.width() / BUCKETS_KEPT as f32;
        let from_newest = ((bars.right() - x) / width).max(0.0) as usize;
        self.num_buckets.checked_sub(from_newest + 1)
    }

    /// When a bar begins and ends.
    fn span(&self, bucket_idx: usize) -> (Timestamp, Timestamp) {
        let millis = BUCKET_SECS * 1_000;
        let from_newest = self.num_buckets.saturating_sub(bucket_idx + 1);
        let before = |num_bars: usize| {
            let millis = (millis * num_bars as u64).cast_signed();
            Timestamp::from_millis(self.until.as_millis().saturating_sub(millis))
        };
        (before(from_newest + 1), before(from_newest))
    }

    /// What is read out: the sums.
    fn words(&self) -> String {
        let minutes = (self.num_buckets as u64 * BUCKET_SECS).div_ceil(60);
        let sums: Vec<String> = self
            .series
            .iter()
            .map(|series| {
                let sum: u64 = series.counts.iter().copied().map(u64::from).sum();
                series.words(sum)
            })
            .collect();
        format!(
            "Traffic on {} in {minutes} min: {}",
            format::show_text(self.interface),
            sums.join(", ")
        )
    }
}

/// The networks in their order, each with its series.
fn by_network(traffic: &Traffic) -> impl Iterator<Item = Plotted<'_>> {
    traffic
        .series
        .chunk_by(|a, b| a.interface == b.interface)
        .filter_map(|series| {
            Some(Plotted {
                interface: &series.first()?.interface,
                series,
                num_buckets: traffic.num_buckets.min(BUCKETS_KEPT),
                until: traffic.until,
            })
        })
}

/// The kinds that are in the plots, each with its color.
fn legend_ui(ui: &mut Ui, traffic: &Traffic) {
    let palette: &Palette = palette(ui.ctx());
    // A row of small text, not of buttons.
    ui.spacing_mut().interact_size.y = 16.0;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(5.0, 0.0);
        let dim = |text: &str| RichText::new(text).size(11.0).color(palette.dim);
        for kind in DatagramKind::ALL {
            if !traffic.series.iter().any(|series| series.kind == kind) {
                continue;
            }
            let (rect, _) = ui.allocate_exact_size(vec2(9.0, 16.0), Sense::hover());
            let square = Rect::from_center_size(rect.center(), vec2(9.0, 9.0));
            ui.painter()
                .rect_filled(square, 2.0, palette.datagram(kind));
            ui.label(dim(kind.word()));
            ui.add_space(8.0);
        }
        ui.label(dim("heard upwards, sent downwards"));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic() -> Traffic {
        let series = |interface: &str, kind, direction, counts: Vec<u32>| TrafficSeries {
            interface: interface.into(),
            kind,
            direction,
            counts,
        };
        Traffic {
            until: Timestamp::from_millis(60_000),
            num_buckets: 3,
            series: vec![
                series("eth0", DatagramKind::Reply, Direction::Heard, vec![1, 2, 3]),
                series(
                    "eth0",
                    DatagramKind::Discover,
                    Direction::Sent,
                    vec![1, 0, 1],
                ),
                series(
                    "eth1",
                    DatagramKind::NotAidp,
                    Direction::Heard,
                    vec![0, 0, 9],
                ),
            ],
        }
    }

    #[test]
    fn each_network_has_a_plot_that_says_its_sums() {
        let traffic = traffic();
        let words: Vec<String> = by_network(&traffic).map(|plot| plot.words()).collect();
        assert_eq!(
            words,
            [
                "Traffic on eth0 in 1 min: 6 replies heard, 2 discover requests sent",
                "Traffic on eth1 in 1 min: 9 not AIDP heard",
            ]
        );
    }

    #[test]
    fn one_and_many_have_words_of_their_own() {
        for (kind, one, many) in [
            (
                DatagramKind::Announcement,
                "1 announcement",
                "2 announcements",
            ),
            (DatagramKind::Reply, "1 reply", "2 replies"),
            (DatagramKind::SetIp, "1 set-IP request", "2 set-IP requests"),
            (DatagramKind::OtherAidp, "1 other AIDP", "2 other AIDP"),
        ] {
            let mut series = traffic().series.remove(0);
            series.kind = kind;
            assert_eq!(series.words(1), format!("{one} heard"));
            assert_eq!(series.words(2), format!("{many} heard"));
        }
    }

    #[test]
    fn the_newest_bar_stands_at_the_right_edge() {
        let traffic = traffic();
        let plot = by_network(&traffic).next().expect("there are two");
        let bars = Rect::from_min_size(pos2(0.0, 0.0), vec2(1_800.0, 50.0));
        assert_eq!(plot.bucket_at(bars, 1_799.0), Some(2));
        assert_eq!(plot.bucket_at(bars, 1_785.0), Some(1));
        assert_eq!(plot.bucket_at(bars, 1_765.0), None, "nothing was then");
        let x = plot.x_range(bars, 2);
        assert!((x.min - 1_790.0).abs() < 0.01, "{x:?}");
        let (begin, end) = plot.span(2);
        assert_eq!((begin.as_millis(), end.as_millis()), (55_000, 60_000));
        assert_eq!(plot.sum_at(2, Direction::Heard), 3);
    }
}
