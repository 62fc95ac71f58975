//! A list of rows in columns, of which one may be chosen. Only what is seen is drawn.

use egui::{Color32, Label, RichText, Sense, Ui};
use egui_extras::{Column, TableBuilder};

use super::super::super::format;
use super::super::super::theme::{self, palette};
use super::super::super::widgets;

/// How high the row of titles is.
const HEADER_HEIGHT: f32 = 26.0;

/// How narrow the column that takes the rest may become.
const MIN_REST_WIDTH: f32 = 70.0;

/// A list to draw.
pub(in crate::app) struct ListTable<'a> {
    /// Tells it from other lists.
    pub(in crate::app) salt: &'a str,
    /// Titles and widths of the columns; the one without a width takes the rest.
    pub(in crate::app) columns: &'a [(&'a str, Option<f32>)],
    /// How many rows it has.
    pub(in crate::app) num_rows: usize,
    /// The row to be brought into view.
    pub(in crate::app) scroll_to: Option<usize>,
}

/// One row of it.
pub(in crate::app) struct ListRow {
    /// One for each column.
    pub(in crate::app) cells: Vec<ListCell>,
    /// Whether it is the chosen one.
    pub(in crate::app) is_chosen: bool,
    /// What is read out.
    pub(in crate::app) name: String,
}

/// One cell.
pub(in crate::app) struct ListCell {
    text: String,
    is_mono: bool,
    color: Option<Color32>,
}

impl ListCell {
    /// Words.
    pub(in crate::app) fn words(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_mono: false,
            color: None,
        }
    }

    /// An address or another figure.
    pub(in crate::app) fn mono(text: impl Into<String>) -> Self {
        Self {
            is_mono: true,
            ..Self::words(text)
        }
    }

    /// In a color that means something.
    pub(in crate::app) fn in_color(mut self, color: Color32) -> Self {
        self.color = Some(color);
        self
    }
}

/// Draws a list; the row that was clicked.
pub(in crate::app) fn list_ui(
    ui: &mut Ui,
    table: &ListTable<'_>,
    row_at: impl Fn(usize) -> ListRow,
) -> Option<usize> {
    let palette = palette(ui.ctx());
    ui.spacing_mut().item_spacing.y = 0.0;
    let visuals = ui.visuals_mut();
    visuals.widgets.noninteractive.bg_stroke = egui::Stroke::NONE;
    visuals.selection.bg_fill = palette.selected;
    visuals.selection.stroke.color = palette.text;
    visuals.widgets.hovered.bg_fill = palette.row_hovered;
    let mut builder = TableBuilder::new(ui)
        .id_salt(table.salt)
        .sense(Sense::CLICK)
        .min_scrolled_height(0.0)
        .auto_shrink([false, false])
        .cell_layout(egui::Layout::left_to_right(egui::Align::Center));
    if let Some(row_idx) = table.scroll_to {
        builder = builder.scroll_to_row(row_idx, None);
    }
    for (_, width) in table.columns {
        // What is cut is shown whole on hover.
        builder = builder.column(match width {
            Some(width) => Column::exact(*width).clip(true),
            None => Column::remainder().at_least(MIN_REST_WIDTH).clip(true),
        });
    }
    let mut clicked = None;
    builder
        .header(HEADER_HEIGHT, |mut row| {
            for (title, _) in table.columns {
                row.col(|ui| {
                    let title = RichText::new(*title).font(theme::strong(12.5));
                    ui.add(Label::new(title.color(palette.dim)).truncate());
                });
            }
        })
        .body(|body| {
            body.rows(theme::ROW_HEIGHT, table.num_rows, |mut row| {
                let row_idx = row.index();
                let shown = row_at(row_idx);
                row.set_selected(shown.is_chosen);
                for cell in &shown.cells {
                    row.col(|ui| {
                        let mut text = RichText::new(format::show_text(&cell.text))
                            .color(cell.color.unwrap_or(palette.text));
                        if cell.is_mono {
                            text = text.monospace();
                        }
                        ui.add(Label::new(text).truncate());
                    });
                }
                let response = row.response();
                widgets::row_info(&response, shown.is_chosen, || {
                    format::show_text(&shown.name).into_owned()
                });
                if response.clicked() {
                    clicked = Some(row_idx);
                }
            });
        });
    clicked
}
