//! The part of the settings about identification: what is asked by itself, which probes are on, what they need, and
//! the catalog of products.

use std::sync::Arc;

use egui::{Label, RichText, TextEdit, Ui};

use super::super::identifying;
use super::super::theme::palette;
use super::super::widgets;
use super::super::{App, UiCommand, format};
use super::settings::{place_ui, title};
use crate::engine::identify::ProbePorts;
use crate::model::probing::Probe;
use crate::model::snapshot::V3State;

/// So many refused rows are listed.
const REFUSED_SHOWN: usize = 20;

/// What a probe sends begins here.
const SENDS_FROM: f32 = 116.0;

impl App {
    /// Draws the card.
    pub(super) fn identification_ui(&mut self, ui: &mut Ui) {
        widgets::card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            title(ui, "Identification");
            let mut automatic = self.settings.identify.automatic;
            let text = "Identify newly heard units by themselves, in chosen networks only";
            if widgets::checkbox(ui, &mut automatic, text, true).changed() {
                self.change_identify(|identify| identify.automatic = automatic);
            }
            widgets::section(ui, "Ask by");
            ui.scope(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                for probe in Probe::ALL {
                    self.probe_switch_ui(ui, probe);
                }
            });
            ui.add_space(4.0);
            self.communities_ui(ui);
            self.v3_state_ui(ui);
            ui.add_space(6.0);
            let commands = [UiCommand::IdentifyUnidentified, UiCommand::IdentifyAll];
            self.commands_ui(ui, &commands);
        });
    }

    fn probe_switch_ui(&mut self, ui: &mut Ui, probe: Probe) {
        let palette = palette(ui.ctx());
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = 22.0;
            let mut is_on = self.is_on(probe);
            let left = ui.cursor().left();
            if widgets::checkbox(ui, &mut is_on, probe.title(), true).changed() {
                self.switch_probe(probe, is_on);
            }
            ui.add_space((left + SENDS_FROM - ui.cursor().left()).max(0.0));
            let words = RichText::new(what_it_sends(probe)).color(palette.dim);
            ui.add(Label::new(words).truncate());
        });
    }

    fn communities_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let mut text = self
            .communities
            .clone()
            .unwrap_or_else(|| self.settings.identify.communities.join(", "));
        let field = TextEdit::singleline(&mut text)
            .desired_width(f32::INFINITY)
            .hint_text("None: SNMP v1 and v2c are not asked")
            .char_limit(1_024);
        let label = "Communities of SNMP v1 and v2c, separated by commas, tried in this order";
        let response = widgets::field(ui, label, field);
        // egui takes the focus away when Escape is pressed, before anything is drawn.
        let had_focus = response.has_focus() || response.lost_focus();
        if had_focus && ui.input(|input| input.key_pressed(egui::Key::Escape)) {
            self.communities = None;
            return;
        }
        if response.changed() {
            self.communities = Some(text);
        }
        let typed = self.communities.as_deref().map(identifying::communities);
        match typed {
            Some(Err(why)) => {
                ui.label(RichText::new(why).color(palette.amber));
            }
            Some(Ok(_)) if response.lost_focus() => self.commit_communities(),
            Some(Ok(_)) | None => {}
        }
    }

    fn v3_state_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        widgets::section(ui, "SNMP v3 user of this site");
        let (words, color) = match &self.snapshot.snmp_v3 {
            V3State::None => ("None is set: SNMP v3 is not asked".to_owned(), palette.dim),
            V3State::Kept { user } => (
                format!("“{user}”, kept in the keyring of this computer"),
                palette.text,
            ),
            V3State::Unkept { user, why } if user.is_empty() => {
                (format!("No user can be used: {why}"), palette.amber)
            }
            V3State::Unkept { user, why } => (
                format!("“{user}”, only until Rollcall is closed: {why}"),
                palette.amber,
            ),
        };
        let words = RichText::new(format::show_text(&words)).color(color);
        ui.add(Label::new(words).wrap());
        ui.horizontal(|ui| {
            for (command, word) in [
                (UiCommand::SetV3User, "Set…"),
                (UiCommand::RemoveV3User, "Remove"),
            ] {
                self.command_button_ui(ui, command, word);
            }
        });
    }

    /// Draws the card of the catalog.
    pub(super) fn catalog_ui(&mut self, ui: &mut Ui) {
        let palette = palette(ui.ctx());
        let catalog = Arc::clone(&self.snapshot.catalog);
        widgets::card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            title(ui, "Product catalog");
            let mut words = format::counted(catalog.num_products as u64, "product", "products");
            if catalog.num_own_rows > 0 {
                let own = format::counted(catalog.num_own_rows as u64, "row", "rows");
                words = format!("{words}, {own} from your own files");
            }
            ui.label(words);
            if !catalog.refused.is_empty() {
                let num_refused = catalog.refused.len() as u64;
                let text = format!(
                    "{} of your own files left out",
                    format::counted(num_refused, "row", "rows")
                );
                ui.label(RichText::new(text).color(palette.amber));
                for why in catalog.refused.iter().take(REFUSED_SHOWN) {
                    let line = format!("▲ {}", format::show_text(why));
                    ui.add(Label::new(RichText::new(line).color(palette.dim)).wrap());
                }
                let num_hidden = num_refused.saturating_sub(REFUSED_SHOWN as u64);
                if num_hidden > 0 {
                    let text = format!("and {} more", format::count(num_hidden));
                    ui.label(RichText::new(text).color(palette.dim));
                }
            }
            place_ui(ui, "Own files", catalog.own_folder.as_deref());
            ui.add_space(4.0);
            let commands = [UiCommand::OpenCatalogFolder, UiCommand::ReloadCatalog];
            self.commands_ui(ui, &commands);
        });
    }

    fn commands_ui(&mut self, ui: &mut Ui, commands: &[UiCommand]) {
        ui.horizontal_wrapped(|ui| {
            for command in commands {
                self.command_button_ui(ui, *command, command.text());
            }
        });
    }
}

/// What a probe sends, in one line.
fn what_it_sends(probe: Probe) -> String {
    let ports = ProbePorts::default();
    match probe {
        Probe::Neighbors => "looks the address up in this computer's table of neighbors".to_owned(),
        Probe::Snmp => {
            let port = ports.snmp;
            format!("asks UDP {port} for description, model, serial, firmware and serial ports")
        }
        Probe::Tls => format!("greets TCP {} and reads the certificate", ports.https),
        Probe::Http => format!(
            "asks TCP {} and {} for the first page and its icon",
            ports.https, ports.http
        ),
        Probe::Ssh => format!("reads greeting and key on TCP {}; no login", ports.ssh),
        Probe::Telnet => format!("reads the first words on TCP {}; no login", ports.telnet),
        Probe::Ports => format!(
            "connects to the ports above and to {} more, and sends nothing",
            ports.others.len()
        ),
    }
}
