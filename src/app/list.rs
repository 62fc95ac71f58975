//! The keys of a list: arrows, Page Up and Down, Home and End move the mark while the list has the keyboard.

use egui::{CornerRadius, Id, Key, Memory, Modifiers, Role, Sense, Stroke, StrokeKind, Ui};

use super::App;
use super::grid::ARROWS;
use super::theme::palette;

/// How far Page Up and Page Down go.
const PAGE_ROWS: usize = 10;

/// A list that is walked through by keys.
pub(super) struct ListKeys<'a> {
    /// What has the focus.
    pub(super) id: Id,
    /// What is read out.
    pub(super) name: &'a str,
    /// How many rows it has.
    pub(super) num_rows: usize,
    /// The marked row.
    pub(super) marked: Option<usize>,
    /// Whether it takes the keyboard while nothing else has it. One list of a view may.
    pub(super) is_main: bool,
}

impl App {
    /// The row that the keys lead to. To be called before the rows are drawn, over the place that they will fill.
    pub(super) fn list_keys(&self, ui: &mut Ui, list: &ListKeys<'_>) -> Option<usize> {
        let area = ui.available_rect_before_wrap();
        let response = ui.interact(area, list.id, Sense::focusable_noninteractive());
        response.widget_info(|| egui::WidgetInfo::labeled(Role::ListBox, true, list.name));
        let focused = ui.memory(Memory::focused);
        if self.modal.is_some() || egui::Popup::is_any_open(ui.ctx()) {
            return None;
        }
        if focused.is_none() && list.is_main {
            response.request_focus();
        }
        if response.gained_focus() && !list.is_main {
            // The keyboard may lead to a list that is not seen.
            response.scroll_to_me(None);
        }
        let has_focus = focused == Some(list.id);
        if has_focus && !list.is_main {
            ui.painter().rect_stroke(
                area.expand(3.0),
                CornerRadius::same(4),
                Stroke::new(1.0, palette(ui.ctx()).accent),
                StrokeKind::Outside,
            );
        }
        if !(has_focus || (focused.is_none() && list.is_main)) || list.num_rows == 0 {
            return None;
        }
        ui.memory_mut(|memory| memory.set_focus_lock_filter(list.id, ARROWS));
        let count = |key| ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key));
        let (up, down) = (
            count(Key::ArrowUp) + count(Key::PageUp) * PAGE_ROWS,
            count(Key::ArrowDown) + count(Key::PageDown) * PAGE_ROWS,
        );
        let (home, end) = (count(Key::Home), count(Key::End));
        let end_idx = list.num_rows - 1;
        if end > 0 {
            Some(end_idx)
        } else if home > 0 {
            Some(0)
        } else if up + down == 0 {
            None
        } else {
            let row_idx = list.marked.map_or(0, |row_idx| {
                (row_idx + down).saturating_sub(up).min(end_idx)
            });
            Some(row_idx)
        }
    }

    /// Whether Enter was pressed while the list had the keyboard.
    pub(super) fn list_entered(&self, ui: &Ui, list: &ListKeys<'_>) -> bool {
        let has_focus = ui.memory(Memory::focused) == Some(list.id);
        let is_free = self.modal.is_none() && !egui::Popup::is_any_open(ui.ctx());
        has_focus && is_free && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter))
    }
}
