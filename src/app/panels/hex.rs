//! The bytes of a datagram in rows, with the name of the field under the pointer.

use std::ops::Range;

use egui::{Align2, FontId, Frame, Margin, Rect, Response, Sense, Stroke, Ui, pos2, vec2};

use super::super::format;
use super::super::theme::palette;
use crate::wire::{HexRow, RowWidth, Span, annotate, hex_rows};

/// Rows are this high.
pub(super) const ROW_HEIGHT: f32 = 17.0;

/// More rows than this are cut: the rest is padding or hostile.
const MAX_ROWS: usize = 128;

/// The text of a dump.
pub(super) const SIZE: f32 = 11.5;

/// A dump to draw.
pub(in crate::app) struct HexView<'a> {
    /// The bytes that are kept.
    pub(in crate::app) bytes: &'a [u8],
    /// How many there were.
    pub(in crate::app) full_len: usize,
    /// How many stand in a row.
    pub(in crate::app) width: RowWidth,
    /// Whether their fields have names.
    pub(in crate::app) naming: Naming,
}

/// Whether the fields of bytes have names: in foreign bytes they would mislead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Naming {
    /// It was understood.
    Aidp,
    /// It came where AIDP is spoken, and was not understood.
    IfAidp,
    /// It is something else.
    None,
}

/// Draws a dump; hovering a byte names its field.
pub(in crate::app) fn hex_ui(ui: &mut Ui, view: &HexView<'_>) {
    let palette = palette(ui.ctx());
    let num_rows = hex_rows(view.bytes, view.width).len();
    Frame::new()
        .fill(palette.raised)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(6)
        .inner_margin(Margin::symmetric(9, 8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 0.0;
            let rows: Vec<_> = hex_rows(view.bytes, view.width).take(MAX_ROWS).collect();
            let cell = ui
                .painter()
                .layout_no_wrap("0".to_owned(), FontId::monospace(SIZE), palette.dim)
                .size()
                .x;
            let columns = view.width.num_bytes();
            let size = vec2(cell * (5 + columns * 4) as f32, ROW_HEIGHT);
            let seen = rows_seen(ui, rows.len());
            let (num_above, num_below) = (seen.start, rows.len() - seen.end);
            let rows = &rows[seen];
            skip_rows(ui, num_above, size.x);
            let places: Vec<Response> = rows
                .iter()
                .map(|row| {
                    let response = ui.allocate_exact_size(size, Sense::hover()).1;
                    response.widget_info(|| {
                        let name = format!("{:04x} {}", row.offset, row.hex());
                        egui::WidgetInfo::labeled(egui::Role::Label, true, name)
                    });
                    response
                })
                .collect();
            skip_rows(ui, num_below, size.x);
            // A field may go over several rows, so what is hovered is found before anything is drawn.
            let has_names = view.naming != Naming::None;
            let hovered = rows.iter().zip(&places).find_map(|(row, place)| {
                let pos = place.hover_pos().filter(|_| has_names)?;
                let column = ((pos.x - place.rect.left()) / cell) as usize;
                let idx = byte_at(column, columns).filter(|idx| *idx < row.bytes.len())?;
                Some((row.offset + idx, place))
            });
            let span = hovered.and_then(|(offset, _)| {
                annotate(view.bytes)
                    .into_iter()
                    .find(|span| span.range.contains(&offset))
            });
            let marked = span
                .as_ref()
                .map(|span| span.range.clone())
                .unwrap_or_default();
            for (row, place) in rows.iter().zip(&places) {
                paint_row(ui, view.width, cell, row, place.rect, &marked);
            }
            if let (Some(span), Some((_, place))) = (span, hovered) {
                name_span(place, &span, view.naming);
            }
            let num_hidden = num_rows.saturating_sub(MAX_ROWS);
            if num_hidden > 0 || view.full_len > view.bytes.len() {
                let shown = view.bytes.len().min(MAX_ROWS * view.width.num_bytes());
                let text = format!("… {shown} of {} bytes shown", view.full_len);
                ui.label(egui::RichText::new(text).size(SIZE).color(palette.dim));
            }
        });
}

/// Which of so many rows that begin here are seen. A page may have thousands, and each is a widget.
fn rows_seen(ui: &Ui, num_rows: usize) -> Range<usize> {
    let (top, clip) = (ui.cursor().top(), ui.clip_rect());
    let row_at = |y: f32| ((y - top) / ROW_HEIGHT).clamp(0.0, num_rows as f32);
    let first = row_at(clip.top()).floor() as usize;
    let end = row_at(clip.bottom()).ceil() as usize;
    first..end.max(first)
}

/// Leaves the room of rows that are not seen.
fn skip_rows(ui: &mut Ui, num_rows: usize, width: f32) {
    if num_rows > 0 {
        ui.allocate_space(vec2(width, ROW_HEIGHT * num_rows as f32));
        // What follows is the same wherever the page is scrolled to; the space has an id of its own.
        ui.skip_ahead_auto_ids(num_rows - 1);
    }
}

fn paint_row(
    ui: &Ui,
    width: RowWidth,
    cell: f32,
    row: &HexRow<'_>,
    rect: Rect,
    marked: &Range<usize>,
) {
    let palette = palette(ui.ctx());
    let columns = width.num_bytes();
    let middle = rect.center().y;
    let x = |column: usize| rect.left() + cell * column as f32;
    let painter = ui.painter();
    let write = |at: usize, text: &str, color| {
        painter.text(
            pos2(x(at), middle),
            Align2::LEFT_CENTER,
            text,
            FontId::monospace(SIZE),
            color,
        );
    };
    write(0, &format!("{:04x}", row.offset), palette.faint);
    for (idx, byte) in row.bytes.iter().enumerate() {
        let is_marked = marked.contains(&(row.offset + idx));
        let color = if is_marked { palette.text } else { palette.dim };
        if is_marked {
            let left = x(5 + idx * 3) - 1.0;
            let size = vec2(cell * 2.0 + 2.0, ROW_HEIGHT);
            let mark = Rect::from_min_size(pos2(left, rect.top()), size);
            painter.rect_filled(mark, 2.0, palette.selected);
        }
        write(5 + idx * 3, &format!("{byte:02x}"), color);
        let shown = match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        };
        write(5 + columns * 3 + idx, shown.encode_utf8(&mut [0; 4]), color);
    }
}

/// Says beside the pointer what the bytes are.
fn name_span(place: &Response, span: &Span, naming: Naming) {
    let palette = palette(&place.ctx);
    place.clone().on_hover_ui_at_pointer(|ui| {
        if naming == Naming::Aidp {
            ui.label(&span.label);
        } else {
            ui.label(format!("If it were AIDP: {}", span.label));
        }
        let length = format::bytes(span.range.len() as u64);
        let text = format!("offset {}, {length}", span.range.start);
        ui.label(egui::RichText::new(text).color(palette.dim));
    });
}

/// Which byte of a row a column of text belongs to.
pub(super) const fn byte_at(column: usize, columns: usize) -> Option<usize> {
    let chars = 5 + columns * 3;
    if column < 5 {
        None
    } else if column < chars {
        Some((column - 5) / 3)
    } else {
        Some(column - chars)
    }
}
