//! The left rail: where one can go, with live numbers.

use egui::{Align2, Color32, CornerRadius, Sense, Ui, pos2, vec2};

use super::super::theme::{self, palette};
use super::super::widgets::{self, Named};
use super::super::{App, UiCommand, View, WatchCommand, format};

/// How high an entry is.
const ENTRY_HEIGHT: f32 = 32.0;

impl App {
    /// Draws the rail.
    pub(in crate::app) fn rail_ui(&mut self, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = 2.0;
        let num_units = self.snapshot.units.len() as u64;
        let num_strays = self.snapshot.strays.len() as u64;
        let num_said = self.notices.len() as u64;
        let number = |count: u64| (count > 0).then(|| format::count(count));
        self.rail_entry_ui(
            ui,
            View::Discover,
            UiCommand::ShowDiscover,
            Some(format::count(num_units)),
        );
        self.watch_entry_ui(ui);
        self.rail_entry_ui(
            ui,
            View::Diagnostics,
            UiCommand::ShowDiagnostics,
            number(num_strays),
        );
        self.rail_entry_ui(
            ui,
            View::Activity,
            UiCommand::ShowActivity,
            number(num_said),
        );
        let foot = ui.max_rect().bottom() - ENTRY_HEIGHT;
        let gap = foot - ui.cursor().top();
        ui.add_space(gap.max(0.0));
        self.rail_entry_ui(ui, View::Settings, UiCommand::ShowSettings, None);
    }

    fn rail_entry_ui(
        &mut self,
        ui: &mut Ui,
        view: View,
        command: UiCommand,
        number: Option<String>,
    ) {
        let faint = palette(ui.ctx()).faint;
        let name = number.as_ref().map_or_else(
            || view.word().to_owned(),
            |number| format!("{}, {number}", view.word()),
        );
        self.rail_line_ui(
            ui,
            view,
            command,
            &name,
            number.map(|number| (number, faint)),
        );
    }

    /// The Watch view with the number of open findings, in the color of the worst.
    fn watch_entry_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let watching = &self.snapshot.watching;
        let num_open = watching.num_open as u64;
        let open = watching.findings.iter().filter(|finding| finding.is_open());
        let worst = open.map(|finding| finding.key.kind.severity()).max();
        let color = worst.map_or(palette.faint, |worst| palette.severity(worst));
        let (name, number) = if num_open == 0 {
            (View::Watch.word().to_owned(), None)
        } else {
            let findings = format::counted(num_open, "open finding", "open findings");
            let name = format!("{}, {findings}", View::Watch.word());
            (name, Some((format::count(num_open), color)))
        };
        let command = UiCommand::Watch(WatchCommand::ShowFindings);
        self.rail_line_ui(ui, View::Watch, command, &name, number);
    }

    fn rail_line_ui(
        &mut self,
        ui: &mut Ui,
        view: View,
        command: UiCommand,
        name: &str,
        number: Option<(String, Color32)>,
    ) {
        let palette = palette(ui.ctx());
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), ENTRY_HEIGHT), Sense::click());
        let is_shown = self.view == view;
        let radius = CornerRadius::same(theme::RADIUS);
        if is_shown || response.hovered() {
            ui.painter().rect_filled(rect, radius, palette.raised);
        }
        if is_shown {
            // A rounded bar at the left edge, cut out of a rounded rectangle.
            let mut bar = rect;
            bar.set_width(3.0);
            ui.painter()
                .with_clip_rect(bar)
                .rect_filled(rect, radius, palette.accent);
        }
        let (font, color) = if is_shown {
            (theme::strong(theme::TEXT_SIZE), palette.text)
        } else {
            (egui::FontId::proportional(theme::TEXT_SIZE), palette.dim)
        };
        ui.painter().text(
            pos2(rect.left() + 10.0, rect.center().y),
            Align2::LEFT_CENTER,
            view.word(),
            font,
            color,
        );
        if let Some((number, color)) = number {
            ui.painter().text(
                pos2(rect.right() - 10.0, rect.center().y),
                Align2::RIGHT_CENTER,
                number,
                egui::FontId::proportional(theme::SMALL_SIZE - 0.5),
                color,
            );
        }
        let response = widgets::focus_ring(response.named(name)).on_hover_text(command.tooltip());
        if response.clicked() {
            self.ask(command);
        }
    }
}
