//! The management networks of a site: prefixes and VLANs on which units may announce themselves and answer.

use egui::{RichText, ScrollArea, TextEdit, Ui, vec2};

use super::super::command::missing_networks;
use super::super::theme;
use super::super::view_state::ManagementForm;
use super::super::widgets::{self, Named};
use super::super::{App, format};
use super::Next;
use crate::engine::command::Command;
use crate::model::finding::{MANAGEMENT_KEPT, MAX_VLAN_CHARS, ManagementNetwork};

/// How high the list is at most.
const LIST_HEIGHT: f32 = 200.0;

impl App {
    /// Draws the window of the management networks.
    pub(super) fn management_ui(&mut self, ui: &mut Ui, form: &mut ManagementForm) -> Next {
        let palette = theme::palette(ui.ctx());
        widgets::explain(
            ui,
            "A unit that announces itself or answers anywhere else becomes a finding. Without an entry, nothing is compared",
        );
        list_ui(ui, form);
        self.fill_ui(ui, form);
        ui.add_space(4.0);
        let is_entered = fields_ui(ui, form);
        let typed = typed(form);
        let words = match &typed {
            Err(why) => why.clone(),
            // Held by a space of its own, so that nothing moves while typing.
            Ok(_) => " ".to_owned(),
        };
        ui.label(RichText::new(words).color(palette.amber));
        if is_entered && let Ok(Some(network)) = &typed {
            add(form, network.clone());
        }
        let mut next = Next::Stay;
        widgets::foot(ui, |ui| {
            let why_not = typed.as_ref().err().map_or("", String::as_str);
            let save = ui
                .add_enabled_ui(typed.is_ok(), |ui| {
                    widgets::primary_button(ui, "Save", None)
                })
                .inner
                .on_disabled_hover_text(why_not);
            if save.clicked() {
                // What was typed and not added yet is meant too.
                if let Ok(Some(network)) = typed
                    && !is_entered
                {
                    add(form, network);
                }
                self.send(Command::SetManagement(std::mem::take(&mut form.networks)));
                next = Next::Close;
            }
            if widgets::quiet_button(ui, "Cancel").clicked() {
                next = Next::Close;
            }
        });
        next
    }

    fn fill_ui(&self, ui: &mut Ui, form: &mut ManagementForm) {
        let missing: Vec<String> = missing_networks(&self.snapshot)
            .into_iter()
            .filter(|cidr| !form.networks.iter().any(|known| known.cidr == *cidr))
            .collect();
        let fill = ui
            .add_enabled_ui(!missing.is_empty(), |ui| {
                widgets::quiet_button(ui, "Fill from the chosen networks")
            })
            .inner
            .on_hover_text(missing.join(", "))
            .on_disabled_hover_text("Every chosen network with an address is in the list already");
        if fill.clicked() {
            for cidr in missing {
                add(
                    form,
                    ManagementNetwork {
                        cidr,
                        vlan: String::new(),
                    },
                );
            }
        }
    }
}

fn list_ui(ui: &mut Ui, form: &mut ManagementForm) {
    let palette = theme::palette(ui.ctx());
    if form.networks.is_empty() {
        ui.label(RichText::new("No network yet").color(palette.dim));
        return;
    }
    let mut removed = None;
    ScrollArea::vertical()
        .id_salt("management networks")
        .max_height(LIST_HEIGHT)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (idx, network) in form.networks.iter().enumerate() {
                let words = network_words(network);
                ui.allocate_ui(vec2(ui.available_width(), theme::ROW_HEIGHT), |ui| {
                    let right = egui::Layout::right_to_left(egui::Align::Center);
                    ui.with_layout(right, |ui| {
                        ui.add_space(10.0);
                        if widgets::close_button(ui, &format!("Remove {words}")).clicked() {
                            removed = Some(idx);
                        }
                        let left = egui::Layout::left_to_right(egui::Align::Center);
                        ui.with_layout(left, |ui| {
                            let text = RichText::new(format::show_text(&words)).monospace();
                            ui.add(egui::Label::new(text).truncate());
                        });
                    });
                });
            }
        });
    if let Some(idx) = removed {
        form.networks.remove(idx);
    }
}

/// The fields of a new entry; whether it is to be added.
fn fields_ui(ui: &mut Ui, form: &mut ManagementForm) -> bool {
    let mut is_asked = false;
    let is_addable = matches!(typed(form), Ok(Some(_)));
    let room = ui.available_width();
    ui.horizontal(|ui| {
        ui.vertical(|ui| {
            ui.set_width(room * 0.5 - 44.0);
            let cidr = TextEdit::singleline(&mut form.cidr)
                .hint_text("10.20.4.0/24")
                .desired_width(f32::INFINITY)
                .char_limit(64);
            let response = widgets::field(ui, "Network, as prefix", cidr);
            widgets::focus_once(&response, &mut form.focused);
            is_asked |= widgets::entered(&response);
            if is_asked {
                // The next one is typed right away.
                response.request_focus();
            }
        });
        ui.vertical(|ui| {
            ui.set_width(room * 0.5 - 44.0);
            let vlan = TextEdit::singleline(&mut form.vlan)
                .hint_text("120")
                .desired_width(f32::INFINITY)
                .char_limit(MAX_VLAN_CHARS);
            let response = widgets::field(ui, "VLAN, name or number", vlan);
            is_asked |= widgets::entered(&response);
        });
        ui.vertical(|ui| {
            ui.add_space(21.0);
            let button = ui
                .add_enabled_ui(is_addable, |ui| widgets::quiet_button(ui, "Add"))
                .inner
                .named("Add network")
                .on_disabled_hover_text("Type a prefix, a VLAN, or both");
            is_asked |= button.clicked();
        });
    });
    is_asked && is_addable
}

/// Takes an entry into the list and makes room for the next.
fn add(form: &mut ManagementForm, network: ManagementNetwork) {
    if form.networks.len() < MANAGEMENT_KEPT && !form.networks.contains(&network) {
        form.networks.push(network);
        form.cidr.clear();
        form.vlan.clear();
    }
}

/// What is typed as an entry, when anything is, or what is wrong with it.
fn typed(form: &ManagementForm) -> Result<Option<ManagementNetwork>, String> {
    let (cidr, vlan) = (form.cidr.trim(), form.vlan.trim());
    if cidr.is_empty() && vlan.is_empty() {
        return Ok(None);
    }
    let cidr = if cidr.is_empty() {
        String::new()
    } else {
        ManagementNetwork::checked_cidr(cidr)?
    };
    let network = ManagementNetwork {
        cidr,
        vlan: vlan.to_owned(),
    };
    if form.networks.contains(&network) {
        return Err(format!(
            "{} is in the list already",
            network_words(&network)
        ));
    }
    if form.networks.len() >= MANAGEMENT_KEPT {
        return Err(format!("A site has at most {MANAGEMENT_KEPT} of them"));
    }
    Ok(Some(network))
}

/// A management network in words.
pub(in crate::app) fn network_words(network: &ManagementNetwork) -> String {
    match (network.cidr.is_empty(), network.vlan.is_empty()) {
        (false, true) => network.cidr.clone(),
        (true, _) => format!("VLAN {}", network.vlan),
        (false, false) => format!("{} in VLAN {}", network.cidr, network.vlan),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(cidr: &str, vlan: &str) -> ManagementForm {
        ManagementForm {
            cidr: cidr.to_owned(),
            vlan: vlan.to_owned(),
            ..ManagementForm::default()
        }
    }

    #[test]
    fn a_typed_network_is_checked() {
        assert_eq!(typed(&form(" ", "")), Ok(None));
        let words = |cidr: &str, vlan: &str| {
            let network = typed(&form(cidr, vlan)).expect("it is a network");
            network_words(&network.expect("something is typed"))
        };
        assert_eq!(words("10.20.4.7/24", ""), "10.20.4.0/24");
        assert_eq!(words("fd00::5/64", "mgmt"), "fd00::/64 in VLAN mgmt");
        assert_eq!(words("", " 120 "), "VLAN 120");
        for wrong in ["10.20.4.0", "10.20.4.0/33", "hall B", "10.20.4/24"] {
            let why = typed(&form(wrong, "")).expect_err("it is no network");
            assert!(why.contains(wrong) && why.contains("10.20.4.0/24"), "{why}");
        }
    }

    #[test]
    fn the_list_is_bounded_and_has_nothing_twice() {
        let mut full = form("", "");
        for n in 0..MANAGEMENT_KEPT {
            full.vlan = n.to_string();
            let network = typed(&full).expect("there is room").expect("it is typed");
            add(&mut full, network);
        }
        full.vlan = "7".to_owned();
        assert!(typed(&full).is_err_and(|why| why.contains("already")));
        full.vlan = "one more".to_owned();
        assert!(typed(&full).is_err_and(|why| why.contains("at most")));
        assert_eq!(full.networks.len(), MANAGEMENT_KEPT);
    }
}
