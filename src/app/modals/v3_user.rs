//! The user of SNMP v3 of this site. The passphrases go to the engine and nowhere else.

use egui::text_edit::TextEditState;
use egui::{RichText, TextEdit, Ui};

use super::super::App;
use super::super::theme;
use super::super::view_state::V3Form;
use super::super::widgets;
use super::Next;
use crate::engine::command::Command;
use crate::engine::identify::credentials::{Secret, V3Auth, V3User};

/// How long a user's name may be (RFC 3414, section 5).
const MAX_NAME_BYTES: usize = 32;

/// How long a passphrase is at least (RFC 3414, section 11.2).
const MIN_PASS_CHARS: usize = 8;

/// How long one may be.
const MAX_PASS_CHARS: usize = 256;

impl App {
    /// Draws the window for the user of SNMP v3.
    pub(super) fn v3_user_ui(&mut self, ui: &mut Ui, form: &mut V3Form) -> Next {
        let palette = theme::palette(ui.ctx());
        widgets::explain(
            ui,
            "Kept in the keyring of this computer for this site, never in the site file or a log",
        );
        let name = TextEdit::singleline(&mut form.name)
            .desired_width(f32::INFINITY)
            .char_limit(MAX_NAME_BYTES);
        let response = widgets::field(ui, "User name", name);
        widgets::focus_once(&response, &mut form.focused);
        let mut is_asked = widgets::entered(&response);
        ui.horizontal(|ui| {
            ui.label("Signed with");
            for (auth, word) in [(V3Auth::Sha256, "SHA-256"), (V3Auth::Sha1, "SHA-1")] {
                if widgets::radio(ui, form.auth == auth, word, true).clicked() {
                    form.auth = auth;
                }
            }
            ui.label(RichText::new("Encrypted with AES-128").color(palette.dim));
        });
        for (label, pass) in [
            ("Passphrase for signing", &mut form.auth_pass),
            ("Passphrase for encryption", &mut form.priv_pass),
        ] {
            is_asked |= pass_ui(ui, label, pass, form.is_shown);
        }
        widgets::checkbox(ui, &mut form.is_shown, "Show passphrases", true);
        let why_not = why_not(form);
        // Held by a space of its own, so that nothing moves while typing.
        let color = if is_untouched(form) {
            palette.dim
        } else {
            palette.amber
        };
        ui.label(RichText::new(why_not.unwrap_or(" ")).color(color));
        let mut next = Next::Stay;
        widgets::foot(ui, |ui| {
            let set = ui
                .add_enabled_ui(why_not.is_none(), |ui| {
                    widgets::primary_button(ui, "Set user", None)
                })
                .inner
                .on_disabled_hover_text(why_not.unwrap_or_default());
            is_asked |= set.clicked();
            if widgets::quiet_button(ui, "Cancel").clicked() {
                next = Next::Close;
            }
        });
        if is_asked && why_not.is_none() {
            let take = |secret: &mut Secret| Secret(std::mem::take(&mut secret.0));
            self.send(Command::SetV3User(Some(Box::new(V3User {
                name: form.name.trim().to_owned(),
                auth: form.auth,
                auth_pass: take(&mut form.auth_pass),
                priv_pass: take(&mut form.priv_pass),
            }))));
            return Next::Close;
        }
        next
    }
}

/// A field for a passphrase; says whether Enter was pressed in it.
fn pass_ui(ui: &mut Ui, label: &str, pass: &mut Secret, is_shown: bool) -> bool {
    let field = TextEdit::singleline(&mut pass.0)
        .password(!is_shown)
        .desired_width(f32::INFINITY)
        .char_limit(MAX_PASS_CHARS);
    let response = widgets::field(ui, label, field);
    // What was typed before is kept for undo, and would outlive this window.
    if let Some(mut state) = TextEditState::load(ui.ctx(), response.id) {
        state.clear_undoer();
        state.store(ui.ctx(), response.id);
    }
    widgets::entered(&response)
}

fn is_untouched(form: &V3Form) -> bool {
    form.auth_pass.0.is_empty() && form.priv_pass.0.is_empty()
}

/// What is still wrong with what was typed.
fn why_not(form: &V3Form) -> Option<&'static str> {
    let name = form.name.trim();
    if name.is_empty() {
        Some("Type the user's name")
    } else if name.len() > MAX_NAME_BYTES {
        Some("The user's name has at most 32 bytes")
    } else if name.chars().any(char::is_control) {
        Some("The user's name has no control characters")
    } else if form.auth_pass.0.chars().count() < MIN_PASS_CHARS {
        Some("The passphrase for signing has at least 8 characters")
    } else if form.priv_pass.0.chars().count() < MIN_PASS_CHARS {
        Some("The passphrase for encryption has at least 8 characters")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_checked() {
        let why = |name: &str, auth: &str, privacy: &str| {
            why_not(&V3Form {
                name: name.to_owned(),
                auth: V3Auth::Sha256,
                auth_pass: Secret(auth.to_owned()),
                priv_pass: Secret(privacy.to_owned()),
                is_shown: false,
                focused: false,
            })
        };
        assert_eq!(why("rollcall", "12345678", "abcdefgh"), None);
        assert!(why(" ", "12345678", "abcdefgh").is_some());
        // 17 letters of two bytes each.
        assert!(why(&"ü".repeat(17), "12345678", "abcdefgh").is_some());
        assert!(why("a\u{7}", "12345678", "abcdefgh").is_some());
        assert!(why("rollcall", "1234567", "abcdefgh").is_some());
        assert!(
            why("rollcall", "12345678", "äöüß").is_some(),
            "characters, not bytes"
        );
    }
}
