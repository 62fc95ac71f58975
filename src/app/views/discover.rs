//! The units: counters that filter, the filter box, the grid.

use egui::{Align, Align2, FontId, Layout, Popup, PopupCloseBehavior, RichText, Sense, Stroke};
use egui::{TextEdit, Ui, pos2, vec2};

use super::super::grid::columns;
use super::super::theme::{self, palette};
use super::super::widgets::{self, Named};
use super::super::{App, UiCommand, format};
use crate::model::column::Column;
use crate::model::query::Counter;

/// The view's margin.
const MARGIN: f32 = 14.0;

/// How high a counter is.
const CARD_HEIGHT: f32 = 57.0;

/// A filter box narrower than this has no room for its keys.
const HINT_WIDTH: f32 = 340.0;

/// How wide a counter is at least, where there is room.
const CARD_WIDTH: f32 = 104.0;

/// How wide a counter is: its word with some room, and a number of five digits.
fn counter_width(ui: &Ui, label: &str, min_width: f32) -> f32 {
    let font = FontId::proportional(theme::SMALL_SIZE);
    let color = palette(ui.ctx()).dim;
    let galley = ui.painter().layout_no_wrap(label.to_owned(), font, color);
    (galley.size().x + 26.0).max(min_width).max(76.0).round()
}

impl App {
    /// Draws the Discover view.
    pub(in crate::app) fn discover_ui(&mut self, ui: &mut Ui) {
        let full = ui.max_rect();
        let mut top = full.shrink2(vec2(MARGIN, 0.0));
        top.min.y += 12.0;
        top.max.y = top.min.y + CARD_HEIGHT + 10.0 + 31.0;
        ui.scope_builder(egui::UiBuilder::new().max_rect(top), |ui| {
            ui.spacing_mut().item_spacing.y = 10.0;
            self.counters_ui(ui);
            self.filter_ui(ui);
        });
        let mut rest = full;
        rest.min.y = top.max.y + 6.0;
        rest.min.x += 6.0;
        if self.snapshot.units.is_empty() {
            rest.min.x += MARGIN - 6.0;
            rest.max.x -= MARGIN;
            ui.scope_builder(egui::UiBuilder::new().max_rect(rest), |ui| {
                self.empty_ui(ui);
            });
            return;
        }
        ui.scope_builder(egui::UiBuilder::new().max_rect(rest), |ui| self.grid_ui(ui));
        let is_answered = !self.rows.is_waiting();
        if self.rows.shown().is_empty() && is_answered && self.is_filtered() {
            self.no_match_ui(ui, rest);
        }
    }

    /// Counters: a click filters, another click shows everything again.
    fn counters_ui(&mut self, ui: &mut Ui) {
        // In a narrow or zoomed window the last ones are reached by scrolling.
        let scroll = egui::ScrollArea::horizontal()
            .id_salt("counters")
            .max_height(CARD_HEIGHT)
            .scroll_bar_visibility(egui::scroll_area::ScrollBarVisibility::AlwaysHidden);
        let room = ui.available_width();
        scroll.show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                let palette = palette(ui.ctx());
                let counts = *self.rows.counts();
                let cards = [
                    (Counter::All, "All", palette.text, true),
                    (Counter::New, "New since open", palette.blue, true),
                    (Counter::NoAddress, "No address", palette.amber, true),
                    (Counter::Conflict, "Conflict", palette.red, true),
                    (
                        Counter::WrongNetwork,
                        "Wrong network",
                        palette.purple,
                        false,
                    ),
                    (Counter::Silent, "Silent", palette.text, true),
                    (Counter::OnlyInFile, "Only in file", palette.text, false),
                ];
                let shown: Vec<_> = cards
                    .into_iter()
                    .zip(counts)
                    .filter(|((counter, _, _, always), count)| {
                        *always || *count > 0 || self.query.counter == *counter
                    })
                    .collect();
                let widths = |min_width: f32| -> Vec<f32> {
                    let labels = shown.iter().map(|((_, label, ..), _)| *label);
                    labels
                        .map(|label| counter_width(ui, label, min_width))
                        .collect()
                };
                // Closer together before the last one is out of sight.
                let gaps = 8.0 * shown.len().saturating_sub(1) as f32;
                let mut fitting = widths(CARD_WIDTH);
                if fitting.iter().sum::<f32>() + gaps > room {
                    fitting = widths(0.0);
                }
                for (((counter, label, color, _), count), width) in shown.into_iter().zip(fitting) {
                    self.counter_ui(ui, (counter, label, width), (count, color));
                }
            });
        });
    }

    fn counter_ui(
        &mut self,
        ui: &mut Ui,
        (counter, label, width): (Counter, &str, f32),
        (count, color): (u32, egui::Color32),
    ) {
        let palette = palette(ui.ctx());
        let label_font = FontId::proportional(theme::SMALL_SIZE);
        let (rect, response) = ui.allocate_exact_size(vec2(width, CARD_HEIGHT), Sense::click());
        let is_chosen = self.query.counter == counter;
        let edge = if is_chosen {
            palette.accent
        } else if response.hovered() {
            palette.faint
        } else {
            palette.line
        };
        let painter = ui.painter();
        painter.rect_filled(rect, 8.0, palette.panel);
        painter.rect_stroke(rect, 8.0, Stroke::new(1.0, edge), egui::StrokeKind::Inside);
        let number_color = if count == 0 { palette.faint } else { color };
        painter.text(
            pos2(rect.left() + 13.0, rect.top() + 21.0),
            Align2::LEFT_CENTER,
            format::count(u64::from(count)),
            theme::strong(20.0),
            number_color,
        );
        painter.text(
            pos2(rect.left() + 13.0, rect.top() + 41.0),
            Align2::LEFT_CENTER,
            label,
            label_font,
            palette.dim,
        );
        let name = format!("{label}: {count}");
        response
            .widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, is_chosen, &name));
        if widgets::focus_ring(response).clicked() {
            self.query.counter = if is_chosen { Counter::All } else { counter };
            self.rows.release();
        }
    }

    fn filter_ui(&mut self, ui: &mut Ui) {
        let height = 31.0;
        ui.allocate_ui_with_layout(
            vec2(ui.available_width(), height),
            Layout::right_to_left(Align::Center),
            |ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                self.columns_button_ui(ui, height);
                self.moved_chip_ui(ui);
                self.filter_box_ui(ui, height);
            },
        );
    }

    fn filter_box_ui(&mut self, ui: &mut Ui, height: f32) {
        let palette = palette(ui.ctx());
        let keys = UiCommand::FocusFilter
            .shortcut(ui.ctx().os())
            .map(|shortcut| ui.ctx().format_shortcut(&shortcut))
            .unwrap_or_default()
            .replace('+', " ");
        let width = ui.available_width();
        let hint =
            RichText::new("Filter by name, model, address, MAC, serial…").color(palette.faint);
        let field = TextEdit::singleline(&mut self.query.text)
            .id(egui::Id::unique("filter"))
            .hint_text(hint)
            .desired_width(width - 22.0)
            .min_size(vec2(width, height))
            .align(Align2::LEFT_CENTER)
            .margin(egui::Margin::symmetric(11, 6))
            .char_limit(512);
        let response = ui.add(field).on_hover_text(
            "Words in any column, column:value for one column, !word for rows without it",
        );
        response.widget_info(|| {
            let mut info =
                egui::WidgetInfo::labeled(egui::Role::SearchInput, true, "Filter the units");
            info.current_text_value = Some(self.query.text.clone());
            info
        });
        if std::mem::take(&mut self.focus_filter) {
            response.request_focus();
        }
        if self.query.text.is_empty() {
            // In a narrow box the keys would stand over the hint.
            let keys = if width < HINT_WIDTH { "" } else { &keys };
            ui.painter().text(
                response.rect.right_center() - vec2(10.0, 0.0),
                Align2::RIGHT_CENTER,
                keys,
                FontId::proportional(theme::SMALL_SIZE),
                palette.faint,
            );
        } else {
            let rect = egui::Rect::from_center_size(
                response.rect.right_center() - vec2(16.0, 0.0),
                vec2(20.0, 20.0),
            );
            let cross = ui.put(
                rect,
                egui::Button::new(RichText::new("✕").color(palette.dim)).frame(false),
            );
            if cross.named("Clear filter").clicked() {
                self.query.text.clear();
            }
        }
        let is_escape = ui.input(|input| input.key_pressed(egui::Key::Escape));
        if is_escape && (response.has_focus() || response.lost_focus()) {
            self.query.text.clear();
            response.surrender_focus();
        }
        if response.changed() {
            self.rows.release();
        }
    }

    fn columns_button_ui(&mut self, ui: &mut Ui, height: f32) {
        let label = RichText::new("Columns").font(theme::strong(theme::TEXT_SIZE));
        let button = egui::Button::new(label).min_size(vec2(0.0, height));
        let response = widgets::focus_ring(ui.add(button)).named("Columns");
        if std::mem::take(&mut self.grid.opens_chooser) {
            Popup::open_id(ui.ctx(), Popup::default_response_id(&response));
        }
        Popup::menu(&response)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .width(190.0)
            .show(|ui| self.column_chooser_ui(ui));
    }

    fn column_chooser_ui(&mut self, ui: &mut Ui) {
        let mut shown = columns::shown(&self.settings.grid);
        ui.spacing_mut().item_spacing.y = 2.0;
        for column in columns::choosable() {
            let mut is_shown = shown.contains(&column);
            // Without its status a row has no glyph and no word.
            let can_hide = column != Column::Status;
            let response = widgets::checkbox(ui, &mut is_shown, column.title(), can_hide)
                .on_disabled_hover_text("The status is always shown");
            if response.changed() {
                if is_shown {
                    shown.push(column);
                } else {
                    shown.retain(|other| *other != column);
                }
                columns::keep(&mut self.settings.grid, &shown);
            }
        }
        ui.separator();
        self.command_item_ui(ui, UiCommand::ResetColumns);
    }

    fn no_match_ui(&mut self, ui: &mut Ui, rest: egui::Rect) {
        let palette = palette(ui.ctx());
        let mut area = rest;
        area.min.y += 60.0;
        ui.scope_builder(egui::UiBuilder::new().max_rect(area), |ui| {
            ui.vertical_centered(|ui| {
                ui.label(RichText::new("No unit matches").heading());
                let num_units = format::units(self.snapshot.units.len() as u64);
                let text = format!("{num_units} in this site, none of them passes the filter");
                ui.label(RichText::new(text).color(palette.dim));
                ui.add_space(6.0);
                if widgets::quiet_button(ui, "Clear filter").clicked() {
                    self.ask(UiCommand::ClearFilter);
                }
            });
        });
    }
}
