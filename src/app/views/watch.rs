//! The Watch view: what is worth a look on the discovery ports, what goes over them, who holds them on this computer,
//! and which addresses of a range answer on them. One part at a time.

mod datagrams;
mod exposure;
mod finding;
mod findings;
mod listeners;
mod plot;
mod table;
mod traffic;

pub(in crate::app) use self::table::{ListCell, ListRow, ListTable, list_ui};
use egui::vec2;
use egui::{Align2, FontId, Layout, Rect, RichText, ScrollArea, Stroke, TextEdit, Ui, UiBuilder};

use super::super::theme::{self, palette};
use super::super::view_state::WatchTab;
use super::super::widgets::{self, Named};
use super::super::{App, UiCommand, WatchCommand};

/// With less room than this, what is chosen in a list is shown below it.
const BESIDE_FROM_WIDTH: f32 = 920.0;

/// How wide what is chosen is beside its list.
const DETAIL_WIDTH: f32 = 392.0;

/// With less room than this the whole part scrolls, its list included.
const SHORT: f32 = 400.0;

/// How high a list is in a part that scrolls as a whole.
const SHORT_LIST_HEIGHT: f32 = 150.0;

/// How high a filter box is.
const FILTER_HEIGHT: f32 = 30.0;

/// A filter box narrower than this has no room for its keys.
const HINT_WIDTH: f32 = 300.0;

/// A filter box of this view.
struct FilterBox<'a> {
    /// What has the focus.
    id: egui::Id,
    /// What is read out.
    name: &'a str,
    /// What is shown while nothing is typed.
    hint: &'a str,
    /// How it can be used.
    tooltip: &'a str,
}

impl App {
    /// Draws the Watch view.
    pub(in crate::app) fn watch_ui(&mut self, ui: &mut Ui) {
        self.find_finding_unit();
        super::settings::page(ui, |ui| {
            self.watch_tabs_ui(ui);
            ui.add_space(2.0);
            self.watch.is_short = ui.available_height() < SHORT;
            if !self.watch.is_short {
                self.watch_tab_ui(ui);
                return;
            }
            ScrollArea::vertical()
                .id_salt(self.watch.tab)
                .auto_shrink([false, false])
                .show(ui, |ui| self.watch_tab_ui(ui));
        });
    }

    fn watch_tab_ui(&mut self, ui: &mut Ui) {
        match self.watch.tab {
            WatchTab::Findings => self.findings_ui(ui),
            WatchTab::Traffic => self.traffic_ui(ui),
            WatchTab::Listeners => self.listeners_ui(ui),
            WatchTab::Exposure => self.exposure_ui(ui),
        }
    }

    /// Gives a list the rest of the part, or some rows where the part scrolls as a whole.
    fn list_room_ui(&mut self, ui: &mut Ui, list: impl FnOnce(&mut Self, &mut Ui)) {
        if self.watch.is_short {
            let size = vec2(ui.available_width(), SHORT_LIST_HEIGHT);
            ui.allocate_ui(size, |ui| {
                ui.set_max_height(SHORT_LIST_HEIGHT);
                list(self, ui);
            });
        } else {
            list(self, ui);
        }
    }

    /// The parts of the view, one of them chosen.
    fn watch_tabs_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let row = ui.horizontal(|ui| {
            ui.label(RichText::new("Watch").heading());
            ui.add_space(10.0);
            ui.spacing_mut().item_spacing.x = 18.0;
            ui.spacing_mut().button_padding = vec2(0.0, 4.0);
            for (tab, word, command) in [
                (WatchTab::Findings, "Findings", WatchCommand::ShowFindings),
                (WatchTab::Traffic, "Traffic", WatchCommand::ShowTraffic),
                (
                    WatchTab::Listeners,
                    "Who listens here",
                    WatchCommand::ShowListeners,
                ),
                (WatchTab::Exposure, "Exposure", WatchCommand::ShowExposure),
            ] {
                let is_chosen = self.watch.tab == tab;
                let color = if is_chosen { palette.text } else { palette.dim };
                let text = RichText::new(word).font(theme::strong(theme::TEXT_SIZE));
                let button = egui::Button::new(text.color(color)).frame(false);
                let response = ui.add(button);
                response.widget_info(|| {
                    egui::WidgetInfo::selected(egui::Role::Tab, true, is_chosen, word)
                });
                if is_chosen {
                    let rect = response.rect;
                    let stroke = Stroke::new(2.0, palette.accent);
                    ui.painter().hline(rect.x_range(), rect.bottom(), stroke);
                }
                let command = UiCommand::Watch(command);
                let response = widgets::focus_ring(response).on_hover_text(command.tooltip());
                if response.clicked() {
                    self.ask(command);
                }
            }
        });
        let bottom = row.response.rect.bottom();
        let line = Stroke::new(1.0, palette.line);
        ui.painter().hline(ui.max_rect().x_range(), bottom, line);
    }

    /// A filter box over a list, as wide as there is room.
    fn watch_filter_ui(&mut self, ui: &mut Ui, look: &FilterBox<'_>, text: &mut String) {
        let palette = palette(ui.ctx());
        let width = ui.available_width();
        let field = TextEdit::singleline(text)
            .id(look.id)
            .hint_text(RichText::new(look.hint).color(palette.faint))
            .desired_width(width - 22.0)
            .min_size(vec2(width, FILTER_HEIGHT))
            .align(Align2::LEFT_CENTER)
            .margin(egui::Margin::symmetric(11, 6))
            .char_limit(512);
        let response = ui.add(field).on_hover_text(look.tooltip);
        response.widget_info(|| {
            let mut info = egui::WidgetInfo::labeled(egui::Role::SearchInput, true, look.name);
            info.current_text_value = Some(text.clone());
            info
        });
        if std::mem::take(&mut self.focus_filter) {
            response.request_focus();
        }
        if text.is_empty() {
            let keys = UiCommand::FocusFilter
                .shortcut(ui.ctx().os())
                .map(|shortcut| ui.ctx().format_shortcut(&shortcut))
                .unwrap_or_default()
                .replace('+', " ");
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
            let center = response.rect.right_center() - vec2(16.0, 0.0);
            let rect = Rect::from_center_size(center, vec2(20.0, 20.0));
            let cross = egui::Button::new(RichText::new("✕").color(palette.dim)).frame(false);
            let cross = widgets::focus_ring(ui.put(rect, cross)).named("Clear filter");
            if cross.clicked() {
                text.clear();
            }
        }
        let is_escape = ui.input(|input| input.key_pressed(egui::Key::Escape));
        if is_escape && (response.has_focus() || response.lost_focus()) {
            text.clear();
            response.surrender_focus();
        }
    }
}

/// How high the line is that says how something is chosen.
const HINT_HEIGHT: f32 = 24.0;

/// A list with what is chosen in it: beside each other where there is room, else one below the other. While nothing is
/// chosen the list has all of it, but for the line that says so.
fn halves(
    ui: &mut Ui,
    app: &mut App,
    is_chosen: bool,
    list: impl FnOnce(&mut App, &mut Ui),
    detail: impl FnOnce(&mut App, &mut Ui),
) {
    if app.watch.is_short {
        app.list_room_ui(ui, list);
        ui.add_space(6.0);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            detail(app, ui);
        });
        return;
    }
    let room = ui.available_rect_before_wrap();
    let palette = palette(ui.ctx());
    let line = Stroke::new(1.0, palette.line);
    let is_beside = room.width() >= BESIDE_FROM_WIDTH;
    let (mut first, mut second) = (room, room);
    if !is_chosen {
        first.max.y = room.bottom() - HINT_HEIGHT;
        second.min.y = first.max.y + 4.0;
    } else if is_beside {
        let middle = room.right() - DETAIL_WIDTH - 14.0;
        first.max.x = middle;
        second.min.x = middle + 14.0;
        ui.painter().vline(middle + 7.0, room.y_range(), line);
    } else {
        let middle = (room.top() + room.height() * 0.48).round();
        first.max.y = middle;
        second.min.y = middle + 8.0;
        ui.painter().hline(room.x_range(), middle + 4.0, line);
    }
    ui.scope_builder(UiBuilder::new().max_rect(first), |ui| list(app, ui));
    let below = Layout::top_down(egui::Align::Min);
    ui.scope_builder(UiBuilder::new().max_rect(second).layout(below), |ui| {
        ScrollArea::vertical()
            .id_salt("what is chosen")
            .auto_shrink([false, false])
            .show(ui, |ui| {
                ui.set_max_width(560.0_f32.min(second.width() - 10.0));
                ui.spacing_mut().item_spacing.y = 3.0;
                detail(app, ui);
                ui.add_space(12.0);
            });
    });
}

/// A label with its value, as in the unit panel.
fn fact_ui(ui: &mut Ui, label: &str, value: &str, is_mono: bool) {
    let palette = palette(ui.ctx());
    ui.scope(|ui| {
        // A row of text, not of buttons.
        ui.spacing_mut().interact_size.y = 18.0;
        ui.horizontal(|ui| {
            let left = Layout::left_to_right(egui::Align::Center);
            ui.allocate_ui_with_layout(vec2(78.0, 18.0), left, |ui| {
                ui.set_min_width(78.0);
                ui.label(RichText::new(label).color(palette.dim));
            });
            let text = RichText::new(super::super::format::show_text(value));
            let mut text = text.color(palette.text);
            if is_mono {
                text = text.monospace();
            }
            ui.add(egui::Label::new(text).wrap().selectable(true));
        });
    });
}

/// Words in the middle of the place of an empty list.
fn nothing_ui(ui: &mut Ui, title: &str, text: &str) {
    let palette = palette(ui.ctx());
    ui.add_space(10.0);
    ui.label(RichText::new(title).font(theme::strong(theme::TEXT_SIZE)));
    ui.add(egui::Label::new(RichText::new(text).color(palette.dim)).wrap());
}

/// A choice among few, with its count, that filters a list.
pub(in crate::app) fn chip_ui(
    ui: &mut Ui,
    word: &str,
    count: usize,
    is_chosen: bool,
) -> egui::Response {
    let palette = palette(ui.ctx());
    let number = super::super::format::count(count as u64);
    let color = if is_chosen { palette.text } else { palette.dim };
    let text = RichText::new(format!("{word} {number}")).color(color);
    let edge = if is_chosen {
        palette.accent
    } else {
        palette.line
    };
    let button = egui::Button::new(text)
        .stroke(Stroke::new(1.0, edge))
        .min_size(vec2(0.0, FILTER_HEIGHT));
    let response = widgets::focus_ring(ui.add(button));
    let name = format!("{word}: {number}");
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, is_chosen, &name));
    response
}
