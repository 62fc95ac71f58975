//! The menu of a row. Acts on the selection, which follows the unit, so rows may move under it.

use egui::{Align, Id, Layout, Popup, PopupAnchor, Ui};

use super::super::widgets::Named;
use super::super::{App, UiCommand};
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
        let popup = Popup::new(menu_id(), ctx.clone(), PopupAnchor::Pointer, ui.layer_id())
            .kind(egui::PopupKind::Menu)
            .layout(Layout::top_down_justified(Align::Min))
            .at_pointer_fixed()
            .open_memory(set_open)
            .style(egui::containers::menu::menu_style)
            .width(250.0);
        popup.show(|ui| {
            // The MAC has a line of its own.
            if let Some(column) = self
                .grid
                .menu_column
                .filter(|column| *column != Column::Mac)
                && let Some(unit) = self.selected_unit()
            {
                let text = self.cell_as_text(unit, column);
                let label = format!("Copy {}", column.title());
                let button = ui.add_enabled(!text.is_empty(), egui::Button::new(&*label));
                if button.named(&label).clicked() {
                    ctx.copy_text(text);
                    ui.close();
                }
            }
            for command in [UiCommand::CopyRows, UiCommand::CopyMac] {
                self.command_item_ui(ui, command);
            }
            ui.separator();
            for command in [
                UiCommand::OpenWebPage,
                UiCommand::CopySsh,
                UiCommand::AskTcp,
            ] {
                self.command_item_ui(ui, command);
            }
            ui.separator();
            for command in [
                UiCommand::Rename,
                UiCommand::EditNote,
                UiCommand::ExportSelected,
                UiCommand::Forget,
            ] {
                self.command_item_ui(ui, command);
            }
        });
    }

    /// A command as a line of a menu: its words, its keys, and why it is not possible.
    pub(in crate::app) fn command_item_ui(&mut self, ui: &mut Ui, command: UiCommand) {
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
    }
}
