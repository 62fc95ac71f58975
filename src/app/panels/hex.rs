//! The bytes of a datagram in rows, with the name of the field under the pointer.

use egui::{Align2, FontId, Frame, Margin, Sense, Stroke, Ui, pos2, vec2};

use super::super::theme::palette;
use crate::wire::{RowWidth, annotate, hex_rows};

/// Rows are this high.
const ROW_HEIGHT: f32 = 17.0;

/// More rows than this are cut: the rest is padding or hostile.
const MAX_ROWS: usize = 128;

/// The text of a dump.
const SIZE: f32 = 11.5;

/// A dump to draw.
pub(in crate::app) struct HexView<'a> {
    /// The bytes that are kept.
    pub(in crate::app) bytes: &'a [u8],
    /// How many there were.
    pub(in crate::app) full_len: usize,
    /// How many stand in a row.
    pub(in crate::app) width: RowWidth,
    /// Whether they were understood: names of fields in foreign bytes would mislead.
    pub(in crate::app) is_aidp: bool,
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
            for row in hex_rows(view.bytes, view.width).take(MAX_ROWS) {
                row_ui(ui, view, row.offset, row.bytes);
            }
            let num_hidden = num_rows.saturating_sub(MAX_ROWS);
            if num_hidden > 0 || view.full_len > view.bytes.len() {
                let shown = view.bytes.len().min(MAX_ROWS * view.width.num_bytes());
                let text = format!("… {shown} of {} bytes shown", view.full_len);
                ui.label(egui::RichText::new(text).size(SIZE).color(palette.dim));
            }
        });
}

fn row_ui(ui: &mut Ui, view: &HexView<'_>, offset: usize, bytes: &[u8]) {
    let palette = palette(ui.ctx());
    let font = FontId::monospace(SIZE);
    let char_width = ui
        .painter()
        .layout_no_wrap("0".to_owned(), font.clone(), palette.dim)
        .size()
        .x;
    let columns = view.width.num_bytes();
    let size = vec2(char_width * (5 + columns * 3 + columns) as f32, ROW_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{offset:04x} {}", hex.join(" "));
        egui::WidgetInfo::labeled(egui::Role::Label, true, name)
    });
    if !ui.is_rect_visible(rect) {
        return;
    }
    let middle = rect.center().y;
    let x = |column: usize| rect.left() + char_width * column as f32;
    let hovered = response.hover_pos().and_then(|pos| {
        let column = ((pos.x - rect.left()) / char_width) as usize;
        byte_at(column, columns).filter(|idx| *idx < bytes.len())
    });
    let spans = hovered.map(|_| annotate(view.bytes));
    let span = hovered.zip(spans.as_deref()).and_then(|(idx, spans)| {
        spans
            .iter()
            .find(|span| span.range.contains(&(offset + idx)))
    });
    let painter = ui.painter();
    let write = |at: usize, text: &str, color| {
        painter.text(
            pos2(x(at), middle),
            Align2::LEFT_CENTER,
            text,
            font.clone(),
            color,
        );
    };
    write(0, &format!("{offset:04x}"), palette.faint);
    for (idx, byte) in bytes.iter().enumerate() {
        let is_marked = span.is_some_and(|span| span.range.contains(&(offset + idx)));
        let color = if is_marked { palette.text } else { palette.dim };
        if is_marked {
            let left = x(5 + idx * 3) - 1.0;
            let mark = egui::Rect::from_min_size(
                pos2(left, rect.top()),
                vec2(char_width * 2.0 + 2.0, ROW_HEIGHT),
            );
            painter.rect_filled(mark, 2.0, palette.selected);
        }
        write(5 + idx * 3, &format!("{byte:02x}"), color);
        let shown = match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        };
        write(5 + columns * 3 + idx, shown.encode_utf8(&mut [0; 4]), color);
    }
    if let Some(span) = span {
        let label = if view.is_aidp {
            span.label.clone()
        } else {
            format!("If it were AIDP: {}", span.label)
        };
        let bytes = span.range.len();
        response.on_hover_ui_at_pointer(|ui| {
            ui.label(&label);
            let text = format!("offset {}, {bytes} bytes", span.range.start);
            ui.label(egui::RichText::new(text).color(palette.dim));
        });
    }
}

/// Which byte of a row a column of text belongs to.
const fn byte_at(column: usize, columns: usize) -> Option<usize> {
    let chars = 5 + columns * 3;
    if column < 5 {
        None
    } else if column < chars {
        Some((column - 5) / 3)
    } else {
        Some(column - chars)
    }
}
