//! Who listens here: every program on this computer that holds one of the discovery ports.

use std::sync::Arc;

use egui::{Id, RichText, Ui};

use super::super::super::format;
use super::super::super::list::ListKeys;
use super::super::super::theme::palette;
use super::super::super::{App, UiCommand};
use super::nothing_ui;
use super::table::{ListCell, ListRow, ListTable, list_ui};
use crate::model::network::PortHolder;

fn list_id() -> Id {
    Id::unique("list of programs that hold the ports")
}

impl App {
    /// Draws who holds the ports.
    pub(super) fn listeners_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let doctor = Arc::clone(&self.snapshot.doctor);
        // Before the first look there is no time either.
        let has_looked = !doctor.checks.is_empty() || !doctor.port_holders.is_empty();
        ui.horizontal_wrapped(|ui| {
            self.command_button_ui(ui, UiCommand::RunDoctor, "Check again");
            let text = if has_looked {
                format!("Looked {}", format::age(self.clock_now, doctor.when))
            } else {
                "Nobody has looked yet".to_owned()
            };
            ui.label(RichText::new(text).color(palette.dim))
                .on_hover_text(format::exact(doctor.when, &self.zone));
            let text = "Programs on this computer that hold UDP or TCP 3502 or 3211";
            ui.label(RichText::new(text).color(palette.dim));
        });
        if doctor.port_holders.is_empty() {
            let (title, text) = if has_looked {
                (
                    "Nobody holds the ports",
                    "No program on this computer holds UDP or TCP 3502 or 3211, as far as this user may see",
                )
            } else {
                ("Not looked yet", "\"Check again\" looks now")
            };
            nothing_ui(ui, title, text);
            return;
        }
        self.list_room_ui(ui, |app, ui| app.listener_list_ui(ui, &doctor.port_holders));
    }

    fn listener_list_ui(&mut self, ui: &mut Ui, holders: &[PortHolder]) {
        let palette = palette(ui.ctx());
        let keys = ListKeys {
            id: list_id(),
            name: "Who listens here",
            num_rows: holders.len(),
            marked: self.watch.listener.filter(|idx| *idx < holders.len()),
            is_main: true,
        };
        if let Some(row_idx) = self.list_keys(ui, &keys) {
            self.watch.listener = Some(row_idx);
            self.watch.scroll_to = Some(row_idx);
        }
        let table = ListTable {
            salt: "who listens here",
            columns: &[
                ("Port", Some(48.0)),
                ("Protocol", Some(64.0)),
                ("Program", Some(160.0)),
                ("Process", Some(70.0)),
                ("User", Some(90.0)),
                ("Bound to", Some(140.0)),
                ("Path", None),
            ],
            num_rows: holders.len(),
            scroll_to: self.watch.scroll_to.take(),
        };
        let chosen = self.watch.listener;
        let clicked = list_ui(ui, &table, |row_idx| {
            let holder = &holders[row_idx];
            let told = |value: Option<String>| value.unwrap_or_else(|| "not told".to_owned());
            let program = if holder.is_self {
                ListCell::words("◉ This Rollcall").in_color(palette.accent)
            } else {
                ListCell::words(&*holder.name)
            };
            let pid = (holder.pid != 0).then(|| holder.pid.to_string());
            ListRow {
                cells: vec![
                    ListCell::mono(holder.port.to_string()),
                    ListCell::words(holder.protocol),
                    program,
                    ListCell::mono(told(pid)),
                    ListCell::words(told(holder.user.clone())),
                    ListCell::mono(told(holder.local.map(|local| local.to_string()))),
                    ListCell::words(told(holder.path.clone())),
                ],
                is_chosen: chosen == Some(row_idx),
                name: format!("{} {}: {}", holder.protocol, holder.port, holder.named()),
            }
        });
        if clicked.is_some() {
            self.watch.listener = clicked;
            ui.memory_mut(|memory| memory.request_focus(list_id()));
        }
    }
}
