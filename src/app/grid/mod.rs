//! The table of units: a virtual table whose rows follow the unit, drawn 28 points high.

pub(super) mod cells;
pub(super) mod columns;
mod header;
mod menu;
mod selection;

use egui::{EventFilter, Id, Key, Modifiers, Rect, ScrollArea, Sense, Stroke, TextEdit, Ui, vec2};
use egui_extras::TableBuilder;

use self::cells::{CellContext, cell_hover, cell_text, paint_status, paint_text};
pub(super) use self::selection::{Pick, Selection, Step};
use super::theme::{self, palette};
use super::widgets::{Named, row_info};
use super::{App, UiCommand, format};
use crate::model::column::Column;
use crate::model::snapshot::Snapshot;

/// How high the row of headers is.
const HEADER_HEIGHT: f32 = 30.0;

/// Words begin this far from the edge of a cell.
const CELL_PADDING: f32 = 8.0;

/// How the grid stands.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact of the grid"
)]
pub(super) struct GridState {
    /// Whether the pointer is over the rows.
    pub(super) is_hovered: bool,
    /// Whether the first row is seen.
    pub(super) is_at_top: bool,
    /// The row to be brought into view in the next frame.
    pub(super) scroll_to: Option<usize>,
    /// How many rows are seen.
    page_rows: usize,
    /// The header that is being dragged, by its place.
    dragged: Option<usize>,
    /// The cell whose menu is open.
    menu_column: Option<Column>,
    /// Whether the menu is to open in this frame.
    opens_menu: bool,
    /// Where the menu is, when a key opened it and not the pointer.
    menu_at: Option<egui::Pos2>,
    /// Where the row of the keyboard was drawn last.
    cursor_row: Option<Rect>,
    /// Whether the column chooser is to open in this frame.
    pub(super) opens_chooser: bool,
}

/// The grid's place in the order of Tab.
fn grid_id() -> Id {
    Id::unique("grid of units")
}

/// Whether keys are the grid's: it has the focus, or nothing has, and no menu is open.
pub(super) fn has_focus(ctx: &egui::Context) -> bool {
    let focused = ctx.memory(egui::Memory::focused);
    focused.is_none_or(|id| id == grid_id()) && !egui::Popup::is_any_open(ctx)
}

impl App {
    /// Draws the grid in what is left of the view.
    pub(super) fn grid_ui(&mut self, ui: &mut Ui) {
        let area = ui.available_rect_before_wrap();
        let focus = ui.interact(area, grid_id(), Sense::focusable_noninteractive());
        focus.widget_info(|| {
            let num_rows = self.rows.shown().len() as u64;
            let name = format!("Units, {}", format::units(num_rows));
            egui::WidgetInfo::labeled(egui::Role::Grid, true, name)
        });
        if focus.has_focus() {
            ui.memory_mut(|memory| memory.set_focus_lock_filter(grid_id(), ARROWS));
        }
        self.grid_keys(ui, focus.has_focus());

        let shown = columns::shown(&self.settings.grid);
        let mut scroll = ScrollArea::horizontal();
        // The table scrolls up and down by itself.
        scroll = scroll.auto_shrink([false, false]);
        scroll.show(ui, |ui| self.table_ui(ui, &shown, area, focus.has_focus()));
        self.menu_ui(ui);
    }

    fn table_ui(&mut self, ui: &mut Ui, shown: &[Column], area: Rect, has_focus: bool) {
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        let mut builder = TableBuilder::new(ui)
            .id_salt("units")
            .sense(Sense::CLICK)
            .auto_shrink([false, false])
            .min_scrolled_height(0.0)
            .animate_scrolling(false)
            .cell_layout(egui::Layout::left_to_right(egui::Align::Center));
        for column in shown {
            let width = columns::width(&self.settings.grid, *column);
            // The headers have edges of their own: those of the table would each be an unseen stop of Tab.
            builder = builder.column(egui_extras::Column::exact(width).clip(true));
        }
        if let Some(row_idx) = self.grid.scroll_to.take() {
            builder = builder.scroll_to_row(row_idx, None);
        }
        let table = builder.header(HEADER_HEIGHT, |mut row| {
            self.header_ui(&mut row, shown, area);
        });

        let snapshot = std::sync::Arc::clone(&self.snapshot);
        let num_rows = self.rows.shown().len();
        self.grid.cursor_row = None;
        let output = table.body(|mut body| {
            let ui = body.ui_mut();
            let clip = Rect::from_x_y_ranges(area.x_range(), ui.clip_rect().y_range());
            let mut painter = ui.painter().clone();
            painter.set_clip_rect(clip);
            let layer = ui.layer_id();
            let hovered = ui.ctx().pointer_hover_pos();
            let strip = RowStrip {
                painter,
                x_range: area.x_range(),
                clip,
                pointer: hovered.filter(|pos| ui.ctx().layer_id_at(*pos) == Some(layer)),
                has_focus,
            };
            body.rows(theme::ROW_HEIGHT, num_rows, |mut row| {
                self.row_ui(&mut row, shown, &snapshot, &strip);
            });
        });
        self.grid.is_at_top = output.state.clamped_offset().y < 1.0;
        self.grid.page_rows = (output.inner_rect.height() / theme::ROW_HEIGHT).max(1.0) as usize;
        let pointer = ui.ctx().pointer_hover_pos();
        self.grid.is_hovered = pointer.is_some_and(|pos| output.inner_rect.contains(pos));
    }

    /// Draws one row.
    fn row_ui(
        &mut self,
        row: &mut egui_extras::TableRow<'_, '_>,
        shown: &[Column],
        snapshot: &Snapshot,
        strip: &RowStrip,
    ) {
        row.set_hovered(false);
        let row_idx = row.index();
        let (slot, id) = self.rows.shown()[row_idx];
        let unit = snapshot.units.at(slot).filter(|unit| unit.id == id);
        let is_selected = self.selection.contains(id);
        let is_cursor = self
            .selection
            .cursor()
            .is_some_and(|(_, cursor)| cursor == id);
        let mut menu_column = None;
        for (column_idx, column) in shown.iter().enumerate() {
            let (_, response) = row.col(|ui| {
                if column_idx == 0 {
                    strip.paint(ui.max_rect(), is_selected, is_cursor);
                    if is_cursor {
                        self.grid.cursor_row = Some(ui.max_rect());
                    }
                }
                let Some(unit) = unit else {
                    return;
                };
                let context = CellContext {
                    snapshot,
                    palette: palette(ui.ctx()),
                    now: self.now,
                    zone: &self.zone,
                };
                if *column == Column::Name
                    && self.name_edit.as_ref().is_some_and(|edit| edit.id == id)
                {
                    self.name_edit_ui(ui);
                    return;
                }
                let mut text_rect = ui.max_rect().shrink2(vec2(CELL_PADDING, 0.0));
                let cell = cell_text(*column, unit, &context);
                if *column == Column::Status {
                    let status = snapshot.context.status(unit);
                    let center = egui::pos2(text_rect.left() + 6.0, text_rect.center().y);
                    paint_status(ui.painter(), center, status, cell.color);
                    text_rect.min.x += 22.0;
                }
                paint_text(ui.painter(), text_rect, &cell);
            });
            let Some(unit) = unit else {
                continue;
            };
            let context = CellContext {
                snapshot,
                palette: palette(&response.ctx),
                now: self.now,
                zone: &self.zone,
            };
            let text = || cell_text(*column, unit, &context).text;
            if column_idx == 0 {
                row_info(&response, is_selected, || row_name(unit, &text()));
            } else {
                response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Cell, true, text()));
            }
            if response.secondary_clicked() {
                menu_column = Some(*column);
            }
            if response.hovered() {
                response.on_hover_ui_at_pointer(|ui| {
                    // The whole text, which may be cut in its cell, and below it where it comes from.
                    let text = cell_text(*column, unit, &context).text;
                    let more = cell_hover(*column, unit, &context);
                    if text != cells::DASH && more.as_deref() != Some(&*text) {
                        ui.label(text.into_owned());
                    }
                    if let Some(more) = more {
                        ui.label(egui::RichText::new(more).color(context.palette.dim));
                    }
                });
            }
        }
        let response = row.response();
        if response.clicked() {
            let modifiers = response.ctx.input(|input| input.modifiers);
            let pick = if modifiers.shift {
                Pick::Range
            } else if modifiers.command {
                Pick::Toggle
            } else {
                Pick::Only
            };
            self.selection.pick(self.rows.shown(), row_idx, pick);
            response
                .ctx
                .memory_mut(|memory| memory.request_focus(grid_id()));
        }
        if response.double_clicked() {
            self.ask(UiCommand::OpenWebPage);
        }
        if let Some(column) = menu_column {
            if !is_selected {
                self.selection.pick(self.rows.shown(), row_idx, Pick::Only);
            }
            self.grid.menu_column = Some(column);
            self.grid.menu_at = None;
            self.grid.opens_menu = true;
        }
    }

    /// A name being typed in its cell.
    fn name_edit_ui(&mut self, ui: &mut Ui) {
        let Some(edit) = &mut self.name_edit else {
            return;
        };
        let field = TextEdit::singleline(&mut edit.text)
            .desired_width(f32::INFINITY)
            .margin(egui::Margin::symmetric(6, 3))
            .align(egui::Align2::LEFT_CENTER)
            .char_limit(crate::model::sighting::TEXT_KEPT_CHARS);
        let response = ui.add(field);
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Name of the unit")
        });
        if !edit.focused {
            response.request_focus();
            edit.focused = true;
            return;
        }
        if ui.input(|input| input.key_pressed(Key::Escape)) {
            self.name_edit = None;
            ui.memory_mut(|memory| memory.request_focus(grid_id()));
        } else if response.lost_focus() {
            let by_enter = ui.input(|input| input.key_pressed(Key::Enter));
            self.commit_name();
            if by_enter {
                ui.memory_mut(|memory| memory.request_focus(grid_id()));
            }
        }
    }

    /// Keys that move the selection. They are the grid's while it has the focus; it takes it while nothing has.
    fn grid_keys(&mut self, ui: &Ui, has_focus: bool) {
        let is_free = ui.memory(|memory| memory.focused().is_none());
        if self.modal.is_some() || egui::Popup::is_any_open(ui.ctx()) {
            return;
        }
        if is_free {
            ui.memory_mut(|memory| memory.request_focus(grid_id()));
        }
        if !(has_focus || is_free) {
            return;
        }
        let wants_menu = ui.input_mut(|input| {
            input.consume_key(Modifiers::SHIFT, Key::F10)
                || input.consume_key(Modifiers::NONE, Key::Menu)
        });
        if wants_menu && self.selection.len() > 0 {
            // Beside the words of the row, or at the grid's top when that row is not seen.
            let row = self.grid.cursor_row.map_or(ui.max_rect().min, |row| {
                row.left_bottom() + vec2(CELL_PADDING + 22.0, 0.0)
            });
            self.grid.menu_column = None;
            self.grid.menu_at = Some(row);
            self.grid.opens_menu = true;
        }
        for (key, step) in STEPS {
            for (modifiers, pick) in [
                (Modifiers::SHIFT, Pick::Range),
                (Modifiers::NONE, Pick::Only),
            ] {
                // A slow frame may hold several presses.
                let num_presses = ui.input_mut(|input| input.count_and_consume_key(modifiers, key));
                for _ in 0..num_presses {
                    self.step(ui, step, pick);
                }
            }
        }
    }

    fn step(&mut self, ui: &Ui, step: Step, pick: Pick) {
        let rows = self.rows.shown();
        if let Some(row_idx) = self.selection.step(rows, step, self.grid.page_rows) {
            self.selection.pick(rows, row_idx, pick);
            self.grid.scroll_to = Some(row_idx);
            ui.memory_mut(|memory| memory.request_focus(grid_id()));
        }
    }

    /// A small chip over the grid: rows wait to go to their places.
    pub(super) fn moved_chip_ui(&mut self, ui: &mut Ui) {
        let num_moved = self.rows.num_moved();
        if num_moved == 0 {
            return;
        }
        let text = format!("{} to sort ↑", format::count(num_moved as u64));
        let response = super::widgets::link_button(ui, &text)
            .on_hover_text("Rows keep their places while the pointer is over them");
        if response.named(&text).clicked() {
            self.rows.release();
            self.grid.scroll_to = Some(0);
        }
    }
}

/// The keys that move the selection.
const STEPS: [(Key, Step); 6] = [
    (Key::ArrowUp, Step::Up),
    (Key::ArrowDown, Step::Down),
    (Key::PageUp, Step::PageUp),
    (Key::PageDown, Step::PageDown),
    (Key::Home, Step::First),
    (Key::End, Step::Last),
];

/// Keys that a list keeps from moving the focus away.
pub(super) const ARROWS: EventFilter = EventFilter {
    tab: false,
    horizontal_arrows: true,
    vertical_arrows: true,
    escape: false,
};

/// What a row is called when it is read out.
fn row_name(unit: &crate::model::appliance::Appliance, status: &str) -> String {
    let name = unit
        .name()
        .map(|best| format::show_text(best.value).into_owned())
        .or_else(|| unit.mac().map(|best| best.value.to_string()))
        .unwrap_or_else(|| "Unnamed unit".to_owned());
    match unit.ip_value() {
        Some(ip) => format!("{status}, {name}, {ip}"),
        None => format!("{status}, {name}"),
    }
}

/// What is drawn behind the cells of a row.
struct RowStrip {
    painter: egui::Painter,
    x_range: egui::Rangef,
    clip: Rect,
    pointer: Option<egui::Pos2>,
    has_focus: bool,
}

impl RowStrip {
    fn paint(&self, cell: Rect, is_selected: bool, is_cursor: bool) {
        let palette = palette(self.painter.ctx());
        let rect = Rect::from_x_y_ranges(self.x_range, cell.y_range());
        let painter = &self.painter;
        let is_hovered = self
            .pointer
            .is_some_and(|pos| rect.contains(pos) && self.clip.contains(pos));
        if is_selected {
            painter.rect_filled(rect, 0.0, palette.selected);
        } else if is_hovered {
            painter.rect_filled(rect, 0.0, palette.row_hovered);
        }
        let line = Stroke::new(1.0, palette.row_line);
        painter.hline(self.x_range, rect.bottom() - 0.5, line);
        if is_cursor && self.has_focus {
            painter.rect_stroke(
                rect.shrink2(vec2(1.0, 1.0)),
                3.0,
                Stroke::new(1.0, palette.accent),
                egui::StrokeKind::Inside,
            );
        }
    }
}
