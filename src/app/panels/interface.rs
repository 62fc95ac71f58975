//! One interface: its chip's words and what a click on it shows.

use egui::{Color32, RichText, Ui};

use super::super::theme::{self, Palette, palette};
use super::super::widgets;
use super::super::{App, format};
use crate::engine::command::Command;
use crate::model::network::{Choice, InterfaceKind, InterfaceState, Link, Listening};
use crate::model::snapshot::Check;

/// The name on a chip and what stands beside it.
pub(super) fn chip_text(interface: &InterfaceState) -> (String, String) {
    let name = format::show_text(interface.shown_name()).into_owned();
    let state = match (&interface.listening, interface.networks.first()) {
        (Listening::Off(_), _) => "off".to_owned(),
        (_, Some(network)) if interface.networks.len() > 1 => {
            format!("{network} +{}", interface.networks.len() - 1)
        }
        (_, Some(network)) => network.to_string(),
        (_, None) => "no address".to_owned(),
    };
    (name, state)
}

/// The dot's color: listening, off, trouble.
pub(in crate::app) const fn listening_color(
    palette: &Palette,
    interface: &InterfaceState,
) -> Color32 {
    match interface.listening {
        Listening::On => palette.green,
        Listening::Off(_) => palette.faint,
        Listening::Trouble(_) => palette.amber,
    }
}

/// What an interface is and how it stands, in one line.
pub(in crate::app) fn interface_line(interface: &InterfaceState) -> String {
    let kind = match interface.kind {
        InterfaceKind::Wired => "Wired",
        InterfaceKind::Wireless => "Wi-Fi",
        InterfaceKind::Virtual => "Virtual",
        InterfaceKind::Loopback => "Loopback",
        InterfaceKind::PointToPoint => "Point to point",
        InterfaceKind::Other => "Other",
    };
    let link = match interface.link {
        Link::Up => "link up",
        Link::Down => "no link",
        Link::Unknown => "link not known",
    };
    let networks: Vec<String> = interface.networks.iter().map(ToString::to_string).collect();
    let networks = if networks.is_empty() {
        "no IPv4 address".to_owned()
    } else {
        networks.join(", ")
    };
    format!("{kind} · {link} · {networks}")
}

impl App {
    /// The switch of an interface.
    pub(in crate::app) fn interface_switch_ui(&mut self, ui: &mut Ui, interface: &InterfaceState) {
        let mut is_on = !matches!(interface.listening, Listening::Off(_));
        let label = format!("Listen on {}", format::show_text(interface.shown_name()));
        let response = widgets::checkbox(ui, &mut is_on, &label, true);
        if response.changed() {
            let choice = if is_on { Choice::On } else { Choice::Off };
            // Nothing of the demo stays.
            if !self.snapshot.site.demo {
                self.settings
                    .interfaces
                    .insert(interface.name.to_string(), is_on);
            }
            self.send(Command::Choose {
                interface: interface.name.clone(),
                choice,
            });
        }
    }

    /// What a click on a chip shows.
    pub(super) fn interface_popup_ui(&mut self, ui: &mut Ui, interface: &InterfaceState) {
        let palette = palette(ui.ctx());
        ui.set_width(360.0);
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.spacing_mut().interact_size.y = 18.0;
        ui.label(
            RichText::new(format::show_text(interface.shown_name())).font(theme::strong(14.0)),
        );
        widgets::explain(ui, &interface_line(interface));
        match &interface.listening {
            Listening::On => {}
            Listening::Off(why) => {
                widgets::explain(ui, why);
            }
            Listening::Trouble(why) => {
                ui.label(RichText::new(why).color(palette.amber));
            }
        }
        if let Some((when, error)) = &interface.last_error {
            let text = format!("{}: {error}", format::time_of_day(*when, &self.zone));
            ui.label(RichText::new(text).color(palette.dim));
        }
        ui.add_space(4.0);
        self.interface_switch_ui(ui, interface);
        let mut broadcast_only = interface.broadcast_only;
        let response =
            widgets::checkbox(ui, &mut broadcast_only, "Listen to broadcasts only", true)
                .on_hover_text(
                    "Leaves unicast answers to another program that holds the same port",
                );
        if response.changed() {
            if !self.snapshot.site.demo {
                let name = interface.name.to_string();
                self.settings.broadcast_only.retain(|other| *other != name);
                if broadcast_only {
                    self.settings.broadcast_only.push(name);
                }
            }
            self.send(Command::BroadcastOnly {
                interface: interface.name.clone(),
                on: broadcast_only,
            });
        }
        Self::interface_counters_ui(ui, interface);
        sockets_ui(ui, interface);
        let checks: Vec<Check> = self
            .snapshot
            .doctor
            .checks
            .iter()
            .filter(|check| check.interface.as_ref() == Some(&interface.name))
            .cloned()
            .collect();
        if !checks.is_empty() {
            widgets::section(ui, "Checked");
            for check in &checks {
                self.check_ui(ui, check);
            }
        }
    }

    fn interface_counters_ui(ui: &mut Ui, interface: &InterfaceState) {
        widgets::section(ui, "Counted since the site was opened");
        let counters = &interface.counters;
        let drops = counters
            .kernel_drops
            .map_or_else(|| "not known here".to_owned(), format::count);
        let lines = [
            ("Heard", format::count(counters.heard)),
            ("Understood", format::count(counters.understood)),
            ("Not understood", format::count(counters.not_understood())),
            ("Asked", format::count(counters.asked)),
            ("Could not be asked", format::count(counters.ask_errors)),
            (
                "Requests of others",
                format::count(counters.others_requests),
            ),
            ("Dropped by the system", drops),
            ("Dropped by Rollcall", format::count(counters.queue_drops)),
        ];
        let palette = palette(ui.ctx());
        egui::Grid::new(("counters", &*interface.name))
            .num_columns(4)
            .spacing([16.0, 3.0])
            .show(ui, |ui| {
                for pair in lines.chunks(2) {
                    for (label, value) in pair {
                        ui.label(RichText::new(*label).color(palette.dim));
                        ui.monospace(value);
                    }
                    ui.end_row();
                }
            });
    }
}

fn sockets_ui(ui: &mut Ui, interface: &InterfaceState) {
    if interface.sockets.is_empty() {
        return;
    }
    let palette = palette(ui.ctx());
    widgets::section(ui, "Sockets");
    for socket in &interface.sockets {
        match &socket.bound {
            Ok(granted_bytes) => {
                let text = format!(
                    "UDP {} ({}): receive buffer of {} granted",
                    socket.port,
                    socket.role,
                    format::bytes(*granted_bytes)
                );
                ui.label(RichText::new(text).color(palette.dim));
            }
            Err(why) => {
                let text = format!("UDP {} ({}): {why}", socket.port, socket.role);
                ui.label(RichText::new(text).color(palette.amber));
            }
        }
        for holder in &socket.shared_with {
            let what_it_means = if socket.bound.is_ok() {
                "too: unicast answers may go to either"
            } else {
                "and does not share it"
            };
            let text = format!(
                "{} holds {} {} {what_it_means}",
                format::show_text(&holder.named()),
                holder.protocol,
                holder.port
            );
            ui.label(RichText::new(text).color(palette.amber));
        }
    }
}
