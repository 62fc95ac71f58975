//! What the window keeps and does for identification: which probes are on, the communities that are being typed, the
//! targets that are being exported. Draws nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::Context;

use super::App;
use super::view_state::{Modal, PathUse, V3Form};
use crate::engine::command::{Command, Saying, TargetsRequest};
use crate::engine::identify::credentials::{Secret, V3Auth};
use crate::inventory::Delimiter;
use crate::model::identity::ApplianceId;
use crate::model::probing::Probe;
use crate::model::snapshot::{Slot, V3State};
use crate::settings::IdentifySettings;

/// How many communities there may be.
const MAX_COMMUNITIES: usize = 8;

/// How long one may be.
const MAX_COMMUNITY_CHARS: usize = 64;

impl App {
    /// Whether a probe is on.
    pub(super) fn is_on(&self, probe: Probe) -> bool {
        !self
            .settings
            .identify
            .off
            .iter()
            .any(|word| word == probe.word())
    }

    /// Whether any probe is on.
    pub(super) fn has_probes(&self) -> bool {
        Probe::ALL.into_iter().any(|probe| self.is_on(probe))
    }

    /// Switches a probe on or off. Words of a later version stay.
    pub(super) fn switch_probe(&mut self, probe: Probe, on: bool) {
        self.change_identify(|identify| {
            identify.off.retain(|word| word != probe.word());
            if !on {
                identify.off.push(probe.word().to_owned());
            }
        });
    }

    /// Changes how units are identified, and tells the engine.
    pub(super) fn change_identify(&mut self, change: impl FnOnce(&mut IdentifySettings)) {
        let before = self.settings.identify.clone();
        change(&mut self.settings.identify);
        if self.settings.identify != before {
            self.send(Command::SetIdentify(self.settings.identify.clone()));
        }
    }

    /// Takes over the communities that were typed. What is not possible stays in its field while that is seen, and is
    /// given up after it.
    pub(super) fn commit_communities(&mut self) {
        if let Some(typed) = self.communities.take()
            && let Ok(communities) = communities(&typed)
        {
            self.change_identify(|identify| identify.communities = communities);
        }
    }

    /// Opens the window for the user of SNMP v3.
    pub(super) fn open_v3_form(&mut self) {
        let name = match &self.snapshot.snmp_v3 {
            V3State::None => String::new(),
            V3State::Kept { user } | V3State::Unkept { user, .. } => user.clone(),
        };
        self.modal = Some(Modal::V3User(Box::new(V3Form {
            name,
            auth: V3Auth::default(),
            auth_pass: Secret(String::new()),
            priv_pass: Secret(String::new()),
            is_shown: false,
            focused: false,
        })));
    }

    /// Asks where the targets go: of the selected units, else of those that are shown, as they are known now.
    pub(super) fn begin_targets(&mut self, ctx: &Context, frame: Option<&eframe::Frame>) {
        let rows: Vec<(Slot, ApplianceId)> = if self.selection.len() > 0 {
            self.selected_rows()
        } else {
            self.rows.shown().to_vec()
        };
        let has_targets = rows.iter().any(|(slot, _)| {
            let unit = self.snapshot.units.at(*slot);
            unit.and_then(|unit| unit.probed.as_deref())
                .is_some_and(|probed| !probed.targets.is_empty())
        });
        if !has_targets {
            let said = Saying::note("There are no targets to export")
                .because("None of these units has told of its serial ports")
                .hint("identify console servers first; they tell of their ports by SNMP");
            self.say(said);
            return;
        }
        self.targets = Some(Box::new(TargetsRequest {
            path: PathBuf::new(),
            delimiter: if self.settings.export.semicolon {
                Delimiter::Semicolon
            } else {
                Delimiter::Comma
            },
            for_spreadsheets: self.settings.export.for_spreadsheets,
            snapshot: Arc::clone(&self.snapshot),
            rows,
            overwrite: false,
        }));
        self.ask_path(ctx, frame, PathUse::Targets);
    }

    /// Writes the targets that were asked about. `may_replace` when the person has said already that a file of this
    /// name may go.
    pub(super) fn export_targets(&mut self, path: &Path, may_replace: bool) {
        let Some(mut request) = self.targets.take() else {
            return;
        };
        let full = if path.extension().is_some() {
            path.to_owned()
        } else {
            path.with_extension("csv")
        };
        if let Some(folder) = full.parent().filter(|folder| folder.is_absolute()) {
            self.settings.export.folder = Some(folder.to_owned());
        }
        // With another ending it is another file than the one that was asked about.
        request.overwrite = may_replace && full == path;
        request.path = full;
        self.send(Command::ExportTargets(request));
    }

    /// Lets go of targets whose path is asked for no more: their snapshot may be large.
    pub(super) fn drop_unasked_targets(&mut self) {
        if !self.dialogs.is_open() && !matches!(self.modal, Some(Modal::Path(_))) {
            self.targets = None;
        }
    }
}

/// Communities as they are typed, or what is wrong with them.
pub(super) fn communities(typed: &str) -> Result<Vec<String>, &'static str> {
    let mut communities: Vec<String> = Vec::new();
    for word in typed.split(',').map(str::trim) {
        if word.is_empty() || communities.iter().any(|other| other == word) {
            continue;
        }
        if word.chars().count() > MAX_COMMUNITY_CHARS {
            return Err("A community has at most 64 characters");
        }
        if communities.len() == MAX_COMMUNITIES {
            return Err("At most 8 communities are tried");
        }
        communities.push(word.to_owned());
    }
    Ok(communities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn communities_are_read_as_they_are_typed() {
        let read = |text: &str| communities(text);
        assert_eq!(
            read(" public, hall b ,,public"),
            Ok(vec!["public".to_owned(), "hall b".to_owned()])
        );
        assert_eq!(read(" "), Ok(Vec::new()));
        assert!(read(&"x".repeat(65)).is_err());
        assert!(read("1,2,3,4,5,6,7,8").is_ok());
        assert!(read("1,2,3,4,5,6,7,8,9").is_err());
    }
}
