//! The menu of a row. Acts on the selection, which follows the unit, so rows may move under it.

use egui::{Align, Id, Layout, Popup, PopupAnchor, Response, Ui};

use super::super::widgets::{self, Named};
use super::super::{App, LearnCommand, UiCommand, WatchCommand};
use crate::model::column::Column;

pub(super) fn menu_id() -> Id {
    Id::unique("menu of a row")
}

impl App {
    /// Draws the menu while it is open.
    pub(super) fn menu_ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let opens = std::mem::take(&mut self.grid.opens_menu);
        if !opens && !Popup::is_id_open(&ctx, menu_id()) {
            return;
        }
        let set_open = opens.then_some(egui::SetOpenCommand::Bool(true));
        let mut popup = Popup::new(menu_id(), ctx.clone(), PopupAnchor::Pointer, ui.layer_id())
            .kind(egui::PopupKind::Menu)
            .layout(Layout::top_down_justified(Align::Min))
            .open_memory(set_open)
            .style(egui::containers::menu::menu_style)
            .width(250.0);
        popup = match self.grid.menu_at {
            Some(at) => popup.at_position(at),
            None => popup.at_pointer_fixed(),
        };
        // Opened by a key, it is walked through by keys.
        let takes_focus = opens && self.grid.menu_at.is_some();
        popup.show(|ui| {
            // The MAC has a line of its own.
            if let Some(column) = self
                .grid
                .menu_column
                .filter(|column| *column != Column::Mac)
                && let Some(unit) = self.selected_unit()
            {
                let text = self.cell_as_text(unit, column);
                let label = format!("Copy {}", column.title().to_lowercase());
                let button = ui
                    .add_enabled(!text.is_empty(), egui::Button::new(&*label))
                    .on_disabled_hover_text("Nothing is known here");
                if button.named(&label).clicked() {
                    ctx.copy_text(text);
                    ui.close();
                }
            }
            let first = self.command_item_ui(ui, UiCommand::CopyRows);
            if takes_focus {
                first.request_focus();
            }
            self.command_item_ui(ui, UiCommand::CopyMac);
            ui.separator();
            for command in [
                UiCommand::OpenWebPage,
                UiCommand::CopySsh,
                UiCommand::AskTcp,
                UiCommand::Identify,
            ] {
                self.command_item_ui(ui, command);
            }
            ui.separator();
            for command in [
                UiCommand::Rename,
                UiCommand::EditNote,
                UiCommand::ExportSelected,
                UiCommand::ExportTargets,
                UiCommand::Watch(WatchCommand::SaveUnitCapture),
                UiCommand::Learn(LearnCommand::Study),
                UiCommand::Forget,
            ] {
                self.command_item_ui(ui, command);
            }
        });
    }

    /// A command as a line of a menu: its words, its keys, and why it is not possible.
    pub(in crate::app) fn command_item_ui(&mut self, ui: &mut Ui, command: UiCommand) -> Response {
        let why_not = command.why_not(&self.command_state());
        let mut button = egui::Button::new(command.text());
        if let Some(shortcut) = command.shortcut(ui.ctx().os()) {
            button = button.shortcut_text(ui.ctx().format_shortcut(&shortcut));
        }
        let response = ui
            .add_enabled(why_not.is_none(), button)
            .named(command.text())
            .on_hover_text(command.tooltip())
            .on_disabled_hover_text(why_not.unwrap_or_default());
        if response.clicked() {
            self.ask(command);
            ui.close();
        }
        widgets::focus_ring(response)
    }

    /// A command as a quiet button with these words, named by the command, with why it is not possible.
    pub(in crate::app) fn command_button_ui(
        &mut self,
        ui: &mut Ui,
        command: UiCommand,
        word: &str,
    ) {
        let why_not = command.why_not(&self.command_state());
        let button = widgets::row_button(ui, word, why_not.is_none())
            .named(command.text())
            .on_hover_text(command.tooltip())
            .on_disabled_hover_text(why_not.unwrap_or_default());
        if button.clicked() {
            self.ask(command);
        }
    }
}
