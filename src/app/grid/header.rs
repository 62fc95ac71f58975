//! The headers: a click sorts, dragging one to another's place moves the column. Keys do the same on a header that
//! has the focus: Enter sorts, Ctrl or Cmd with an arrow moves, Shift with an arrow widens or narrows.

use egui::{Align2, Key, Modifiers, Rect, Response, Role, Sense, Shape, Stroke, WidgetInfo};
use egui::{pos2, vec2};

use super::super::App;
use super::super::theme::{self, palette};
use super::{CELL_PADDING, columns};
use crate::model::column::Column;
use crate::model::query::Direction;

/// How far beside the edge of a header it can be grabbed.
const EDGE_GRAB: f32 = 4.0;

/// How much wider or narrower one press makes a column.
const WIDTH_STEP: f32 = 12.0;

impl App {
    /// Draws the headers.
    pub(super) fn header_ui(
        &mut self,
        row: &mut egui_extras::TableRow<'_, '_>,
        shown: &[Column],
        area: Rect,
    ) {
        let mut rects: Vec<Rect> = Vec::with_capacity(shown.len());
        let mut clicked = None;
        let mut dropped = None;
        let mut context = None;
        for (idx, column) in shown.iter().enumerate() {
            row.col(|ui| {
                let palette = palette(ui.ctx());
                let rect = ui.max_rect();
                rects.push(rect);
                let sorted = self.query.sort.filter(|(sorted, _)| sorted == column);
                let id = egui::Id::unique(("header", column.key()));
                let response = ui.interact(rect, id, Sense::click_and_drag());
                response.widget_info(|| {
                    let state = match sorted.map(|(_, direction)| direction) {
                        Some(Direction::Ascending) => ", sorted upwards",
                        Some(Direction::Descending) => ", sorted downwards",
                        None => "",
                    };
                    let name = format!("{}{state}", column.title());
                    WidgetInfo::labeled(Role::ColumnHeader, true, name)
                });
                let color = if response.hovered() || sorted.is_some() {
                    palette.text
                } else {
                    palette.dim
                };
                let mut left = rect.left() + CELL_PADDING;
                if *column == Column::Status {
                    left += 22.0;
                }
                let galley = ui.painter().layout_no_wrap(
                    column.title().to_owned(),
                    theme::strong(12.5),
                    color,
                );
                let at = Align2::LEFT_CENTER
                    .anchor_size(pos2(left, rect.center().y), galley.size())
                    .min;
                let end = at.x + galley.size().x;
                ui.painter().galley(at, galley, color);
                if let Some((_, direction)) = sorted {
                    let center = pos2(end + 10.0, rect.center().y);
                    ui.painter().add(arrow(center, direction, color));
                }
                if response.gained_focus() {
                    // The keyboard leads to headers that are not seen.
                    ui.scroll_to_rect(rect, None);
                }
                if response.has_focus() {
                    ui.painter().rect_stroke(
                        rect.shrink(2.0),
                        4.0,
                        Stroke::new(2.0, palette.accent),
                        egui::StrokeKind::Inside,
                    );
                }
                let line = Stroke::new(1.0, palette.line);
                if idx == 0 {
                    // Under all headers and as far as the view goes, also where no column is.
                    let mut painter = ui.painter().clone();
                    painter.set_clip_rect(area);
                    painter.hline(area.x_range(), rect.bottom() - 0.5, line);
                }
                self.header_keys(&response, shown, idx);
                if response.clicked() {
                    clicked = Some(*column);
                }
                if response.secondary_clicked() {
                    context = Some(());
                }
                if response.drag_started() {
                    self.grid.dragged = Some(idx);
                }
                if response.drag_stopped() {
                    dropped = response.ctx.pointer_latest_pos();
                }
                if idx + 1 == shown.len() {
                    // After the last header, so that every edge lies over its neighbors.
                    ui.set_clip_rect(area);
                    for (column, rect) in shown.iter().zip(&rects) {
                        self.edge_ui(ui, *column, *rect, area);
                    }
                }
            });
        }
        if let (Some(pos), Some(from)) = (dropped, self.grid.dragged) {
            let to = rects
                .iter()
                .position(|rect| rect.x_range().contains(pos.x))
                .unwrap_or(from);
            let mut order = shown.to_vec();
            columns::reorder(&mut order, from, to);
            if order != shown {
                columns::keep(&mut self.settings.grid, &order);
            }
            self.grid.dragged = None;
        }
        self.drag_mark_ui(row, &rects);
        if let Some(column) = clicked {
            columns::cycle_sort(&mut self.settings.grid, column);
            self.query.sort = columns::sort(&self.settings.grid);
            self.rows.release();
        }
        if context.is_some() {
            self.grid.opens_chooser = true;
        }
    }

    /// The right edge of a header: dragging it widens the column, a double click makes it as wide as at first. Not a
    /// stop of Tab, since the header's own keys do the same.
    fn edge_ui(&mut self, ui: &egui::Ui, column: Column, header: Rect, area: Rect) {
        let edge = Rect::from_x_y_ranges(
            header.right() - EDGE_GRAB..=header.right() + EDGE_GRAB,
            header.y_range(),
        );
        let id = egui::Id::unique(("edge", column.key()));
        let response = ui.interact(edge, id, Sense::CLICK | Sense::DRAG);
        if response.double_clicked() {
            columns::set_width(
                &mut self.settings.grid,
                column,
                columns::default_width(column),
            );
        } else if let Some(pos) = response
            .interact_pointer_pos()
            .filter(|_| response.dragged())
        {
            columns::set_width(&mut self.settings.grid, column, pos.x - header.left());
        }
        if response.hovered() || response.dragged() {
            ui.ctx().set_cursor_icon(egui::CursorIcon::ResizeHorizontal);
            let line = Stroke::new(1.0, palette(ui.ctx()).accent);
            ui.painter().vline(header.right(), area.y_range(), line);
        }
    }

    /// The keys of the header that has the focus.
    fn header_keys(&mut self, response: &Response, shown: &[Column], idx: usize) {
        if !response.has_focus() {
            return;
        }
        for (key, to, step) in [
            (Key::ArrowLeft, idx.checked_sub(1), -WIDTH_STEP),
            (Key::ArrowRight, Some(idx + 1), WIDTH_STEP),
        ] {
            let (moves, widens) = response.ctx.input_mut(|input| {
                (
                    input.consume_key(Modifiers::COMMAND, key),
                    input.consume_key(Modifiers::SHIFT, key),
                )
            });
            let to = to.filter(|to| moves && *to < shown.len());
            if let Some(to) = to {
                let mut order = shown.to_vec();
                columns::reorder(&mut order, idx, to);
                columns::keep(&mut self.settings.grid, &order);
            } else if widens {
                let width = columns::width(&self.settings.grid, shown[idx]) + step;
                columns::set_width(&mut self.settings.grid, shown[idx], width);
            }
        }
    }

    /// Shows where a dragged header would go.
    fn drag_mark_ui(&mut self, row: &egui_extras::TableRow<'_, '_>, rects: &[Rect]) {
        let ctx = row.response().ctx;
        if !ctx.input(|input| input.pointer.any_down()) {
            self.grid.dragged = None;
        }
        let (Some(from), Some(pos)) = (self.grid.dragged, ctx.pointer_latest_pos()) else {
            return;
        };
        let Some(to) = rects.iter().position(|rect| rect.x_range().contains(pos.x)) else {
            return;
        };
        if to == from {
            return;
        }
        let palette = palette(&ctx);
        let x = if to > from {
            rects[to].right()
        } else {
            rects[to].left()
        };
        let layer = row.response().layer_id;
        ctx.layer_painter(layer)
            .vline(x, rects[to].y_range(), Stroke::new(2.0, palette.accent));
    }
}

/// The mark beside a sorted header.
fn arrow(center: egui::Pos2, direction: Direction, color: egui::Color32) -> Shape {
    let up = match direction {
        Direction::Ascending => -1.0,
        Direction::Descending => 1.0,
    };
    Shape::convex_polygon(
        vec![
            center + vec2(0.0, 4.0 * up),
            center + vec2(4.5, -4.0 * up),
            center + vec2(-4.5, -4.0 * up),
        ],
        color,
        Stroke::NONE,
    )
}
