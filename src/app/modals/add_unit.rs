//! A unit that a person knows of but that was not heard.

use std::net::Ipv4Addr;
use std::sync::Arc;

use egui::{RichText, TextEdit, Ui};

use super::super::App;
use super::super::theme;
use super::super::view_state::AddForm;
use super::super::widgets;
use super::Next;
use crate::engine::command::Command;
use crate::model::appliance::FileFacts;
use crate::model::edit::Edit;
use crate::model::identity::Mac;
use crate::model::sighting::TEXT_KEPT_CHARS;

impl App {
    /// Draws the window to add a unit.
    pub(super) fn add_unit_ui(&mut self, ui: &mut Ui, form: &mut AddForm) -> Next {
        let palette = theme::palette(ui.ctx());
        widgets::explain(
            ui,
            "A serial or a MAC lets Rollcall know the unit again when it is heard",
        );
        let mut is_asked = false;
        let lines = [
            ("Name", &mut form.name),
            ("Model", &mut form.model),
            ("MAC", &mut form.mac),
            ("Serial", &mut form.serial),
            ("Address", &mut form.ip),
            ("Note", &mut form.note),
        ];
        for (idx, (label, text)) in lines.into_iter().enumerate() {
            let field = TextEdit::singleline(text)
                .desired_width(f32::INFINITY)
                .char_limit(TEXT_KEPT_CHARS);
            let response = widgets::field(ui, label, field);
            if idx == 0 {
                widgets::focus_once(&response, &mut form.focused);
            }
            is_asked |= widgets::entered(&response);
        }
        let facts = facts(form);
        if let Err(why) = &facts {
            // Nothing is wrong with a form that nobody has typed into.
            let color = if form.is_empty() {
                palette.dim
            } else {
                palette.amber
            };
            ui.label(RichText::new(*why).color(color));
        }
        let mut next = Next::Stay;
        widgets::foot(ui, |ui| {
            let add = ui
                .add_enabled_ui(facts.is_ok(), |ui| {
                    widgets::primary_button(ui, "Add unit", None)
                })
                .inner;
            is_asked |= add.clicked();
            if widgets::quiet_button(ui, "Cancel").clicked() {
                next = Next::Close;
            }
        });
        match facts {
            Ok(facts) if is_asked => {
                self.send(Command::Edit(Edit::Add {
                    facts: Arc::new(facts),
                }));
                Next::Close
            }
            _ => next,
        }
    }
}

/// What was typed, or what is wrong with it.
fn facts(form: &AddForm) -> Result<FileFacts, &'static str> {
    let optional = |text: &str| {
        let text = text.trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    let mac = match optional(&form.mac) {
        Some(text) => Some(Mac::parse(&text).ok_or("That is no MAC: it has twelve hex digits")?),
        None => None,
    };
    let ip = match optional(&form.ip) {
        Some(text) => Some(
            text.parse::<Ipv4Addr>()
                .ok()
                .ok_or("That is no IPv4 address: it looks like 10.20.4.11")?,
        ),
        None => None,
    };
    let facts = FileFacts {
        name: form.name.trim().to_owned(),
        model: form.model.trim().to_owned(),
        ip,
        mac,
        serial: form.serial.trim().to_owned(),
        note: form.note.trim().to_owned(),
        ..FileFacts::default()
    };
    if facts.name.is_empty() && facts.serial.is_empty() && facts.mac.is_none() && facts.ip.is_none()
    {
        return Err("Type at least a name, a MAC, a serial or an address");
    }
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_checked() {
        let form = |mac: &str, ip: &str| AddForm {
            mac: mac.to_owned(),
            ip: ip.to_owned(),
            ..AddForm::default()
        };
        assert!(facts(&form("", "")).is_err());
        assert!(facts(&form("00e086", "")).is_err());
        assert!(facts(&form("", "10.20.4")).is_err());
        let known =
            facts(&form("00-E0-86-12-34-56", "10.20.4.11")).map(|facts| (facts.mac, facts.ip));
        assert_eq!(
            known,
            Ok((
                Some(Mac::new([0, 0xe0, 0x86, 0x12, 0x34, 0x56])),
                Some(Ipv4Addr::new(10, 20, 4, 11))
            ))
        );
    }
}
