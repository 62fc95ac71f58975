//! The bytes of a datagram in rows, in which a person marks some: by click and drag, or by arrows with Shift.

use std::ops::Range;

use egui::{
    Align2, FontId, Frame, Id, Key, Margin, Modifiers, Rect, Response, Role, Sense, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};

use super::super::grid::ARROWS;
use super::super::theme::palette;
use super::super::view_state::MarkedRange;
use super::super::widgets;
use super::hex::{ROW_HEIGHT, SIZE, byte_at};
use crate::wire::{HexRow, RowWidth, hex_rows};

/// Bytes to mark.
pub(in crate::app) struct HexMark<'a> {
    /// What has the focus.
    pub(in crate::app) id: Id,
    /// The bytes.
    pub(in crate::app) bytes: &'a [u8],
    /// What some of them are already.
    pub(in crate::app) fields: &'a [(Range<usize>, &'static str)],
    /// Those that are marked.
    pub(in crate::app) mark: Option<MarkedRange>,
}

/// Draws the bytes; what is marked after this frame.
pub(in crate::app) fn hex_mark_ui(ui: &mut Ui, view: &HexMark<'_>) -> Option<MarkedRange> {
    let palette = palette(ui.ctx());
    let mut mark = view.mark;
    Frame::new()
        .fill(palette.raised)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(6)
        .inner_margin(Margin::symmetric(9, 8))
        .show(ui, |ui| {
            let cell = ui
                .painter()
                .layout_no_wrap("0".to_owned(), FontId::monospace(SIZE), palette.dim)
                .size()
                .x;
            let width_of = |width: RowWidth| cell * (5 + width.num_bytes() * 4) as f32;
            let width = if width_of(RowWidth::Sixteen) <= ui.available_width() {
                RowWidth::Sixteen
            } else {
                RowWidth::Eight
            };
            let columns = width.num_bytes();
            let rows: Vec<HexRow<'_>> = hex_rows(view.bytes, width).collect();
            let size = vec2(width_of(width), ROW_HEIGHT * rows.len() as f32);
            let (_, rect) = ui.allocate_space(size);
            if ui.memory(|memory| memory.has_focus(view.id)) {
                mark = keys(ui, view, columns, mark);
            }
            let sense = Sense::click_and_drag() | Sense::focusable_noninteractive();
            let response = widgets::focus_ring(ui.interact(rect, view.id, sense));
            let place = |x: f32, y: f32| {
                let row_idx = ((y - rect.top()) / ROW_HEIGHT).max(0.0) as usize;
                let column = ((x - rect.left()) / cell).max(0.0) as usize;
                let idx = byte_at(column, columns).unwrap_or(0).min(columns - 1);
                let byte_idx = row_idx.min(rows.len().saturating_sub(1)) * columns + idx;
                byte_idx.min(view.bytes.len().saturating_sub(1))
            };
            mark = pointer(ui, &response, mark, place);
            let marked = mark.map(MarkedRange::range).unwrap_or_default();
            response.widget_info(|| {
                let words = spoken(view.bytes, &marked);
                WidgetInfo::labeled(Role::ListBox, true, words)
            });
            for (row_idx, row) in rows.iter().enumerate() {
                let top = rect.top() + ROW_HEIGHT * row_idx as f32;
                let line = Rect::from_min_size(pos2(rect.left(), top), vec2(size.x, ROW_HEIGHT));
                if ui.is_rect_visible(line) {
                    paint_row(ui, view, cell, columns, row, line, &marked);
                }
            }
            name_ui(&response, view, place);
        });
    mark
}

/// Moves the mark by keys: arrows go byte by byte and row by row, with Shift the mark grows.
fn keys(
    ui: &Ui,
    view: &HexMark<'_>,
    columns: usize,
    mark: Option<MarkedRange>,
) -> Option<MarkedRange> {
    let end_idx = view.bytes.len().checked_sub(1)?;
    ui.memory_mut(|memory| memory.set_focus_lock_filter(view.id, ARROWS));
    let take = |modifiers: Modifiers| {
        ui.input_mut(|input| {
            let mut count = |key| input.count_and_consume_key(modifiers, key);
            (
                count(Key::ArrowRight) + count(Key::ArrowDown) * columns,
                count(Key::ArrowLeft) + count(Key::ArrowUp) * columns,
                count(Key::Home) > 0,
                count(Key::End) > 0,
            )
        })
    };
    let go = |from: usize, (on, back, is_home, is_end): (usize, usize, bool, bool)| {
        if is_home {
            0
        } else if is_end {
            end_idx
        } else {
            (from + on).saturating_sub(back).min(end_idx)
        }
    };
    let is_none = |moved: &(usize, usize, bool, bool)| *moved == (0, 0, false, false);
    // With Shift first: without modifiers means whatever they are.
    let (grown, moved) = (take(Modifiers::SHIFT), take(Modifiers::NONE));
    let mut mark = mark;
    if !is_none(&moved) {
        let here = mark.map_or(0, |mark| go(mark.head, moved));
        mark = Some(MarkedRange::at(here));
    }
    if !is_none(&grown) {
        let before = mark.unwrap_or(MarkedRange::at(0));
        mark = Some(MarkedRange {
            head: go(before.head, grown),
            ..before
        });
    }
    mark
}

fn pointer(
    ui: &Ui,
    response: &Response,
    mark: Option<MarkedRange>,
    place: impl Fn(f32, f32) -> usize,
) -> Option<MarkedRange> {
    let Some(pos) = response.interact_pointer_pos() else {
        return mark;
    };
    let here = place(pos.x, pos.y);
    let grows = ui.input(|input| input.modifiers.shift);
    if response.drag_started() || (response.clicked() && !grows) {
        response.request_focus();
        let from = ui
            .input(|input| input.pointer.press_origin())
            .unwrap_or(pos);
        return Some(MarkedRange {
            anchor: place(from.x, from.y),
            head: here,
        });
    }
    if response.dragged() || response.clicked() {
        response.request_focus();
        return Some(MarkedRange {
            head: here,
            ..mark.unwrap_or(MarkedRange::at(here))
        });
    }
    mark
}

/// What is read out.
fn spoken(bytes: &[u8], marked: &Range<usize>) -> String {
    let Some(found) = bytes.get(marked.clone()).filter(|found| !found.is_empty()) else {
        return "Bytes of the datagram, none marked".to_owned();
    };
    let hex: Vec<String> = found.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "Bytes of the datagram, marked {} to {}: {}",
        marked.start,
        marked.end - 1,
        hex.join(" ")
    )
}

fn paint_row(
    ui: &Ui,
    view: &HexMark<'_>,
    cell: f32,
    columns: usize,
    row: &HexRow<'_>,
    rect: Rect,
    marked: &Range<usize>,
) {
    let palette = palette(ui.ctx());
    let painter = ui.painter();
    let x = |column: usize| rect.left() + cell * column as f32;
    let write = |at: usize, text: &str, color| {
        let pos = pos2(x(at), rect.center().y);
        painter.text(
            pos,
            Align2::LEFT_CENTER,
            text,
            FontId::monospace(SIZE),
            color,
        );
    };
    write(0, &format!("{:04x}", row.offset), palette.faint);
    for (idx, byte) in row.bytes.iter().enumerate() {
        let offset = row.offset + idx;
        let is_marked = marked.contains(&offset);
        let is_field = view.fields.iter().any(|(range, _)| range.contains(&offset));
        let left = x(5 + idx * 3) - 1.5;
        let place = Rect::from_min_size(pos2(left, rect.top()), vec2(cell * 2.0 + 3.0, ROW_HEIGHT));
        if is_marked {
            painter.rect_filled(place, 2.0, palette.selected);
        }
        if is_field {
            let line = Stroke::new(1.5, palette.accent);
            painter.hline(place.x_range(), place.bottom() - 1.5, line);
        }
        let color = if is_marked || is_field {
            palette.text
        } else {
            palette.dim
        };
        write(5 + idx * 3, &format!("{byte:02x}"), color);
        let shown = match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        };
        write(5 + columns * 3 + idx, shown.encode_utf8(&mut [0; 4]), color);
    }
}

/// Says beside the pointer where it is, and what is there already.
fn name_ui(response: &Response, view: &HexMark<'_>, place: impl Fn(f32, f32) -> usize) {
    let Some(pos) = response.hover_pos() else {
        return;
    };
    let offset = place(pos.x, pos.y);
    let field = view
        .fields
        .iter()
        .find(|(range, _)| range.contains(&offset));
    response.clone().on_hover_ui_at_pointer(|ui| {
        if let Some((_, label)) = field {
            ui.label(*label);
        }
        let text = format!("byte {offset}");
        ui.label(egui::RichText::new(text).color(palette(ui.ctx()).dim));
    });
}
