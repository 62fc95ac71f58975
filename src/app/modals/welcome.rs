//! The first start: three sentences on what the program does, what the system asks and what is left alone. It is
//! listened already while they are read: what Windows or macOS asks comes with the first socket, and these words say
//! why, whichever of the two is seen first; an answer of no is mended by the button here.

use egui::{RichText, Ui, vec2};

use super::super::theme;
use super::super::view_state::PageForm;
use super::super::widgets::{self, Named};
use super::super::{App, UiCommand, format};
use super::Next;
use crate::engine::doctor::Os;
use crate::model::network::{InterfaceState, Listening};
use crate::model::snapshot::{FirewallState, RuleState};

/// More networks than this are only counted.
const NAMED_NETWORKS: usize = 3;

impl App {
    /// Draws the first start's screen.
    pub(super) fn welcome_ui(&mut self, ui: &mut Ui, page: &mut PageForm) -> Next {
        let snapshot = std::sync::Arc::clone(&self.snapshot);
        let os = system(self.os);
        let firewall = &snapshot.doctor.firewall;
        let sentences = [
            listens(&snapshot.interfaces),
            asks(os, firewall),
            "Nothing is changed on any unit: Rollcall listens and asks, and keeps what it hears in a \
             file on this computer."
                .to_owned(),
        ];
        let mut next = Next::Stay;
        super::page_ui(ui, &mut page.scroll, |ui| {
            ui.add_space(6.0);
            for (glyph, sentence) in ["◎", "?", "✓"].into_iter().zip(sentences) {
                sentence_ui(ui, glyph, &sentence);
                if glyph == "?" {
                    self.firewall_ui(ui, os, firewall);
                }
                ui.add_space(8.0);
            }
        });
        widgets::foot(ui, |ui| {
            let grid = widgets::primary_button(ui, "Show the grid", None);
            if ui.memory(|memory| memory.focused().is_none()) {
                grid.request_focus();
            }
            if grid.clicked() {
                next = Next::Close;
            }
            let demo = UiCommand::StartDemo;
            let response = widgets::quiet_button(ui, demo.text()).on_hover_text(demo.tooltip());
            if response.clicked() {
                self.ask(demo);
                next = Next::Close;
            }
            let left = egui::Layout::left_to_right(egui::Align::Center);
            ui.with_layout(left, |ui| {
                let check = UiCommand::CheckInstallation;
                let response =
                    widgets::link_button(ui, check.text()).on_hover_text(check.tooltip());
                if response.clicked() {
                    self.ask(check);
                }
            });
        });
        next
    }

    /// What can be done about the firewall, under the sentence that speaks of it.
    fn firewall_ui(&mut self, ui: &mut Ui, os: Os, firewall: &FirewallState) {
        match firewall {
            FirewallState::On { command, .. } => indented(ui, |ui| command_ui(ui, command)),
            FirewallState::Rule(RuleState::Present) => {}
            FirewallState::Rule(_) | FirewallState::NotSeen if os == Os::Windows => {
                indented(ui, |ui| {
                    let allow = UiCommand::AllowFirewall;
                    let response =
                        widgets::quiet_button(ui, allow.text()).on_hover_text(allow.tooltip());
                    if response.clicked() {
                        self.ask(allow);
                    }
                });
            }
            FirewallState::Rule(_) | FirewallState::NotSeen => {}
        }
    }
}

/// How wide the column of the glyphs is.
const GLYPH_WIDTH: f32 = 28.0;

fn sentence_ui(ui: &mut Ui, glyph: &str, sentence: &str) {
    let palette = theme::palette(ui.ctx());
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        let glyph = RichText::new(glyph).size(16.0).color(palette.accent);
        ui.allocate_ui_with_layout(
            vec2(GLYPH_WIDTH, 20.0),
            egui::Layout::left_to_right(egui::Align::Center),
            |ui| {
                ui.set_min_width(GLYPH_WIDTH);
                ui.label(glyph);
            },
        );
        ui.add(egui::Label::new(RichText::new(sentence).size(14.0)).wrap());
    });
}

fn indented(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.add_space(GLYPH_WIDTH);
        add(ui);
    });
}

/// A command for a terminal, with a button that copies it.
fn command_ui(ui: &mut Ui, command: &str) {
    let palette = theme::palette(ui.ctx());
    egui::Frame::new()
        .fill(palette.raised)
        .corner_radius(theme::RADIUS)
        .inner_margin(egui::Margin::symmetric(10, 6))
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                let room = (ui.available_width() - 70.0).max(80.0);
                ui.allocate_ui(vec2(room, 20.0), |ui| {
                    let text = RichText::new(command).monospace().color(palette.text);
                    ui.add(egui::Label::new(text).wrap().selectable(true));
                });
                let copy = widgets::quiet_button(ui, "Copy").named("Copy command");
                if copy.clicked() {
                    ui.ctx().copy_text(command.to_owned());
                }
            });
        });
}

/// The system as the doctor calls it.
const fn system(os: egui::os::OperatingSystem) -> Os {
    use egui::os::OperatingSystem;
    match os {
        OperatingSystem::Windows => Os::Windows,
        OperatingSystem::Mac => Os::MacOs,
        OperatingSystem::Nix => Os::Linux,
        OperatingSystem::Unknown | OperatingSystem::Android | OperatingSystem::IOS => Os::Other,
    }
}

/// What is listened to, and where.
fn listens(interfaces: &[InterfaceState]) -> String {
    let names: Vec<_> = interfaces
        .iter()
        .filter(|interface| interface.listening == Listening::On)
        .map(|interface| format::show_text(interface.shown_name()))
        .collect();
    let networks = match names.as_slice() {
        [] => "every network that this computer is plugged into".to_owned(),
        names if names.len() > NAMED_NETWORKS => {
            format!("the {} networks of this computer", names.len())
        }
        [name] => name.to_string(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    };
    format!(
        "Rollcall listens on {networks} (UDP 3502 and 3211, TCP 3502) for units that announce \
         themselves, and asks every 15 s who is present."
    )
}

/// What the system asks, and why the answer should be yes.
fn asks(os: Os, firewall: &FirewallState) -> String {
    match (os, firewall) {
        (Os::Windows, FirewallState::Rule(RuleState::Present)) => {
            "Windows asks nothing more: its firewall lets units reach Rollcall already.".to_owned()
        }
        (Os::Windows, _) => {
            "Windows may ask whether its firewall should let Rollcall in: without that, \
             announcements are dropped; the button below allows it whatever was answered, and only \
             then an administrator is needed."
                .to_owned()
        }
        (Os::MacOs, _) => {
            "macOS asks once whether Rollcall may find devices on the local network: \
             allow it, because without that nothing can be sent or heard."
                .to_owned()
        }
        (_, FirewallState::On { name, .. }) => format!(
            "The system asks nothing, but its firewall {name} is on and may keep announcements and \
             answers back until this command is run:"
        ),
        (Os::Linux | Os::Other, _) => {
            "The system asks nothing, and no administrator is needed.".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEMS: [Os; 4] = [Os::Windows, Os::MacOs, Os::Linux, Os::Other];

    #[test]
    fn each_system_gets_one_sentence_of_its_own_on_what_it_asks() {
        let on = FirewallState::On {
            name: "ufw",
            command: "sudo ufw allow 3502",
        };
        for os in SYSTEMS {
            for firewall in [
                FirewallState::NotSeen,
                FirewallState::Rule(RuleState::Present),
                FirewallState::Rule(RuleState::Missing),
                on.clone(),
            ] {
                let words = asks(os, &firewall);
                let ends = words.matches(". ").count();
                assert_eq!(ends, 0, "one sentence, not more: {words}");
                assert!(words.ends_with(['.', ':']), "{words}");
            }
        }
        assert!(asks(Os::Windows, &FirewallState::NotSeen).contains("firewall"));
        assert!(asks(Os::MacOs, &FirewallState::NotSeen).contains("local network"));
        assert!(asks(Os::Linux, &FirewallState::NotSeen).contains("asks nothing"));
        assert!(asks(Os::Linux, &on).contains("ufw is on"));
    }

    #[test]
    fn without_a_network_the_sentence_still_says_where() {
        assert!(listens(&[]).contains("every network that this computer is plugged into"));
    }
}
