//! Every action of a person as one closed enum: its words, its shortcut, when it is possible and why not.
//! Buttons, menus, keys and the command palette all go through it.

mod learn;
mod replay;
mod watch;
mod words;

use egui::os::OperatingSystem;
use egui::{Key, KeyboardShortcut, Modifiers};

pub use self::learn::LearnCommand;
pub use self::replay::ReplayCommand;
pub(super) use self::replay::SPEEDS;
pub use self::watch::WatchCommand;
pub(super) use self::watch::{capture_filter, missing_networks};
use super::view_state::{TeachState, View, WatchState};
use crate::model::finding::Finding;
use crate::model::snapshot::{FirewallState, RuleState, Snapshot, V3State};

/// Why the demo has no user of SNMP v3.
const DEMO_HAS_NO_V3: &str = "The demo's units are simulated and answer SNMP v1 and v2c only";

/// Why a command that asks or changes something is not possible while a capture is replayed.
pub(super) const IN_REPLAY: &str = "A replay asks nobody and changes nothing";

/// An action of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UiCommand {
    /// Ask all chosen networks now.
    SearchNow,
    /// Stop asking.
    StopSearch,
    /// Ask every 15 s, or do not.
    ToggleLiveSearch,
    /// Ask ranges address by address.
    Sweep,
    /// Stop the sweep.
    StopSweep,
    /// Try TCP 3502 on the selected units.
    AskTcp,
    /// Ask the selected units what they are.
    Identify,
    /// Ask those of which no product is known.
    IdentifyUnidentified,
    /// Ask every unit.
    IdentifyAll,
    /// Stop asking what they are.
    StopIdentify,
    /// Read an inventory file.
    Import,
    /// Write an inventory file.
    Export,
    /// Write the selected units.
    ExportSelected,
    /// Write the targets of units.
    ExportTargets,
    /// Cancel the import or export that is running.
    CancelJob,
    /// Begin a new site.
    NewSite,
    /// Open a site file.
    OpenSite,
    /// Save the site under another name.
    SaveSiteAs,
    /// Start the simulated fleet.
    StartDemo,
    /// Go back from the demo.
    EndDemo,
    /// Take the last edit back.
    Undo,
    /// Do it again.
    Redo,
    /// Name the unit.
    Rename,
    /// Note something on the unit.
    EditNote,
    /// Take the units out of the site.
    Forget,
    /// Add a unit that a person knows of.
    AddUnit,
    /// Select every unit that is shown.
    SelectAll,
    /// Copy the selected rows.
    CopyRows,
    /// Copy the MAC.
    CopyMac,
    /// Open the unit's web page.
    OpenWebPage,
    /// Copy an SSH command.
    CopySsh,
    /// Go to the filter box.
    FocusFilter,
    /// Show everything again.
    ClearFilter,
    /// Choose columns.
    Columns,
    /// Columns as they were at first.
    ResetColumns,
    /// Show or hide the right panel.
    TogglePanel,
    /// Go to the units.
    ShowDiscover,
    /// Go to the datagrams that were not understood.
    ShowDiagnostics,
    /// Go to what happened.
    ShowActivity,
    /// Go to the settings.
    ShowSettings,
    /// This list.
    Palette,
    /// Look at the interfaces again.
    RunDoctor,
    /// Everything that the doctor knows, in a window.
    CheckInstallation,
    /// Windows: add the firewall rule.
    AllowFirewall,
    /// Windows: remove the firewall rule.
    RemoveFirewallRule,
    /// Set the user of SNMP v3.
    SetV3User,
    /// Take the user of SNMP v3 away.
    RemoveV3User,
    /// Read the catalog's files again.
    ReloadCatalog,
    /// Show the folder of a person's own catalog files.
    OpenCatalogFolder,
    /// Larger.
    ZoomIn,
    /// Smaller.
    ZoomOut,
    /// 100 %.
    ZoomReset,
    /// As the system.
    ThemeSystem,
    /// Light.
    ThemeLight,
    /// Dark.
    ThemeDark,
    /// Show the folder of the logs.
    OpenLogFolder,
    /// The window as it was at first.
    ResetWindow,
    /// What this is.
    About,
    /// The licenses of everything that is in the program.
    Licenses,
    /// What the Watch view does.
    Watch(WatchCommand),
    /// What is done with a capture that is replayed.
    Replay(ReplayCommand),
    /// Decoders that are taught, and studies.
    Learn(LearnCommand),
    /// Close the window.
    Quit,
}

/// What decides whether a command is possible.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact of the window"
)]
pub(super) struct CommandState<'a> {
    /// The newest snapshot.
    pub(super) snapshot: &'a Snapshot,
    /// How many units are selected.
    pub(super) num_selected: usize,
    /// Whether the one selected unit has an address.
    pub(super) has_ip: bool,
    /// Whether any selected unit has an address.
    pub(super) has_any_ip: bool,
    /// Whether any probe is on.
    pub(super) has_probes: bool,
    /// Whether the one selected unit has a MAC.
    pub(super) has_mac: bool,
    /// Whether anything is filtered.
    pub(super) filtered: bool,
    /// What is shown.
    pub(super) view: View,
    /// How the Watch view stands.
    pub(super) watch: &'a WatchState,
    /// The finding that is chosen there.
    pub(super) finding: Option<&'a Finding>,
    /// Whether a datagram is chosen in Diagnostics that is not AIDP.
    pub(super) has_stray: bool,
    /// The decoder that is being taught.
    pub(super) teach: Option<&'a TeachState>,
    /// Whether a unit was studied.
    pub(super) has_study: bool,
    /// The system.
    pub(super) os: OperatingSystem,
}

impl UiCommand {
    /// Every command, in the order of the palette.
    pub const ALL: [Self; 102] = [
        Self::SearchNow,
        Self::StopSearch,
        Self::ToggleLiveSearch,
        Self::Sweep,
        Self::StopSweep,
        Self::AskTcp,
        Self::Identify,
        Self::IdentifyUnidentified,
        Self::IdentifyAll,
        Self::StopIdentify,
        Self::Import,
        Self::Export,
        Self::ExportSelected,
        Self::ExportTargets,
        Self::CancelJob,
        Self::NewSite,
        Self::OpenSite,
        Self::SaveSiteAs,
        Self::StartDemo,
        Self::EndDemo,
        Self::Undo,
        Self::Redo,
        Self::Rename,
        Self::EditNote,
        Self::Forget,
        Self::AddUnit,
        Self::SelectAll,
        Self::CopyRows,
        Self::CopyMac,
        Self::OpenWebPage,
        Self::CopySsh,
        Self::FocusFilter,
        Self::ClearFilter,
        Self::Columns,
        Self::ResetColumns,
        Self::TogglePanel,
        Self::ShowDiscover,
        Self::ShowDiagnostics,
        Self::ShowActivity,
        Self::ShowSettings,
        Self::Watch(WatchCommand::ShowFindings),
        Self::Watch(WatchCommand::ShowTraffic),
        Self::Watch(WatchCommand::ShowListeners),
        Self::Watch(WatchCommand::ShowExposure),
        Self::Watch(WatchCommand::AcceptFinding),
        Self::Watch(WatchCommand::ReopenFinding),
        Self::Watch(WatchCommand::CopyFinding),
        Self::Watch(WatchCommand::ShowFindingUnit),
        Self::Watch(WatchCommand::SaveFindingCapture),
        Self::Watch(WatchCommand::EditManagement),
        Self::Watch(WatchCommand::FillManagement),
        Self::Watch(WatchCommand::ToggleCapture),
        Self::Watch(WatchCommand::SaveCapture),
        Self::Watch(WatchCommand::SaveUnitCapture),
        Self::Watch(WatchCommand::TogglePause),
        Self::Watch(WatchCommand::CopyDatagram),
        Self::Watch(WatchCommand::StartExpose),
        Self::Watch(WatchCommand::StopExpose),
        Self::Watch(WatchCommand::CopyExposeReport),
        Self::Replay(ReplayCommand::Open),
        Self::Replay(ReplayCommand::PlayOrPause),
        Self::Replay(ReplayCommand::Speed(1)),
        Self::Replay(ReplayCommand::Speed(10)),
        Self::Replay(ReplayCommand::Speed(60)),
        Self::Replay(ReplayCommand::Speed(600)),
        Self::Replay(ReplayCommand::Speed(3_600)),
        Self::Replay(ReplayCommand::GoTo),
        Self::Replay(ReplayCommand::Back),
        Self::Replay(ReplayCommand::Forward),
        Self::Replay(ReplayCommand::ToStart),
        Self::Replay(ReplayCommand::ToEnd),
        Self::Replay(ReplayCommand::Compare),
        Self::Replay(ReplayCommand::CopyComparison),
        Self::Replay(ReplayCommand::Close),
        Self::Learn(LearnCommand::Teach),
        Self::Learn(LearnCommand::SaveDecoder),
        Self::Learn(LearnCommand::CopyDecoder),
        Self::Learn(LearnCommand::CloseDecoder),
        Self::Learn(LearnCommand::ReloadDecoders),
        Self::Learn(LearnCommand::OpenDecoderFolder),
        Self::Learn(LearnCommand::Study),
        Self::Learn(LearnCommand::SaveStudy),
        Self::Learn(LearnCommand::CloseStudy),
        Self::Palette,
        Self::RunDoctor,
        Self::CheckInstallation,
        Self::AllowFirewall,
        Self::RemoveFirewallRule,
        Self::SetV3User,
        Self::RemoveV3User,
        Self::ReloadCatalog,
        Self::OpenCatalogFolder,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ZoomReset,
        Self::ThemeSystem,
        Self::ThemeLight,
        Self::ThemeDark,
        Self::OpenLogFolder,
        Self::ResetWindow,
        Self::About,
        Self::Licenses,
    ];

    /// The words on its button and in the palette.
    pub const fn text(self) -> &'static str {
        self.words().0
    }

    /// What it does, for the tooltip.
    pub const fn tooltip(self) -> &'static str {
        self.words().1
    }

    /// A small picture for the palette, from the fonts that are compiled in.
    pub const fn glyph(self) -> &'static str {
        self.words().2
    }

    /// Whether the command means anything on this system.
    pub fn is_for(self, os: OperatingSystem) -> bool {
        match self {
            Self::AllowFirewall | Self::RemoveFirewallRule => os == OperatingSystem::Windows,
            _ => true,
        }
    }

    /// The keys on this system.
    pub fn shortcut(self, os: OperatingSystem) -> Option<KeyboardShortcut> {
        let plain = |key| Some(KeyboardShortcut::new(Modifiers::NONE, key));
        let command = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND, key));
        let command_shift = |key| {
            Some(KeyboardShortcut::new(
                Modifiers::COMMAND | Modifiers::SHIFT,
                key,
            ))
        };
        match self {
            Self::SearchNow => plain(Key::F5),
            Self::Sweep => Some(KeyboardShortcut::new(Modifiers::SHIFT, Key::F5)),
            Self::Identify => plain(Key::F6),
            Self::IdentifyUnidentified => Some(KeyboardShortcut::new(Modifiers::SHIFT, Key::F6)),
            Self::Import => command(Key::O),
            Self::Export => command(Key::E),
            Self::ExportSelected => command_shift(Key::E),
            Self::ExportTargets => command_shift(Key::T),
            Self::NewSite => command(Key::N),
            Self::OpenSite => command_shift(Key::O),
            Self::SaveSiteAs => command_shift(Key::S),
            Self::Undo => command(Key::Z),
            // Windows programs know both; the other systems only the first.
            Self::Redo if os == OperatingSystem::Windows => command(Key::Y),
            Self::Redo => command_shift(Key::Z),
            Self::Rename => plain(Key::F2),
            Self::EditNote => Some(KeyboardShortcut::new(Modifiers::SHIFT, Key::F2)),
            Self::Forget => plain(Key::Delete),
            Self::SelectAll => command(Key::A),
            Self::CopyRows => command(Key::C),
            Self::OpenWebPage => plain(Key::Enter),
            Self::FocusFilter => command(Key::F),
            Self::TogglePanel => command(Key::I),
            Self::ShowDiscover => command(Key::Num1),
            Self::ShowDiagnostics => command(Key::Num2),
            Self::ShowActivity => command(Key::Num3),
            Self::ShowSettings => command(Key::Comma),
            Self::Palette => command(Key::K),
            Self::ZoomIn => command(Key::Plus),
            Self::ZoomOut => command(Key::Minus),
            Self::ZoomReset => command(Key::Num0),
            Self::Quit => command(Key::Q),
            Self::Watch(watch) => watch.key().and_then(command),
            Self::Replay(replay) => replay.shortcut(),
            Self::Learn(learn) => learn.shortcut(),
            _ => None,
        }
    }

    /// Other keys that do the same: what keyboards have where `+` needs Shift, and what hands remember.
    pub fn other_shortcuts(self, os: OperatingSystem) -> Vec<KeyboardShortcut> {
        match self {
            Self::ZoomIn => vec![KeyboardShortcut::new(Modifiers::COMMAND, Key::Equals)],
            Self::Redo if os == OperatingSystem::Windows => vec![KeyboardShortcut::new(
                Modifiers::COMMAND | Modifiers::SHIFT,
                Key::Z,
            )],
            Self::Forget if os.is_mac() => {
                vec![KeyboardShortcut::new(Modifiers::COMMAND, Key::Backspace)]
            }
            _ => Vec::new(),
        }
    }

    /// Whether it asks somebody or changes the site, which a replay does not do.
    const fn asks_or_changes(self) -> bool {
        matches!(
            self,
            Self::SearchNow
                | Self::StopSearch
                | Self::ToggleLiveSearch
                | Self::Sweep
                | Self::AskTcp
                | Self::Identify
                | Self::IdentifyUnidentified
                | Self::IdentifyAll
                | Self::Import
                | Self::SaveSiteAs
                | Self::Undo
                | Self::Redo
                | Self::Rename
                | Self::EditNote
                | Self::Forget
                | Self::AddUnit
                | Self::SetV3User
                | Self::RemoveV3User
                | Self::Watch(
                    WatchCommand::AcceptFinding
                        | WatchCommand::ReopenFinding
                        | WatchCommand::EditManagement
                        | WatchCommand::FillManagement
                        | WatchCommand::ToggleCapture
                        | WatchCommand::StartExpose
                )
        )
    }

    /// Why the command is not possible just now; `None` when it is.
    pub(super) fn why_not(self, state: &CommandState<'_>) -> Option<&'static str> {
        let snapshot = state.snapshot;
        if !self.is_for(state.os) {
            return Some("Only Windows needs this");
        }
        if snapshot.watching.replay.is_some() && self.asks_or_changes() {
            return Some(IN_REPLAY);
        }
        let rule = &snapshot.doctor.firewall;
        let unless = |possible: bool, why: &'static str| (!possible).then_some(why);
        let running_sweep = snapshot
            .sweep
            .as_ref()
            .is_some_and(|sweep| sweep.ended.is_none());
        let writable = || {
            unless(
                snapshot.site.read_only.is_none(),
                "This site is read-only: save it under another name first",
            )
        };
        let identifiable = || {
            unless(
                state.has_probes,
                "Every probe is switched off in the settings",
            )
        };
        let has_units = || unless(!snapshot.units.is_empty(), "There is no unit yet");
        let one_selected = || unless(state.num_selected == 1, "Select one unit first");
        match self {
            Self::StopSearch => unless(
                snapshot.search.live || snapshot.search.pass.is_some(),
                "No search is running",
            ),
            Self::Sweep => unless(!running_sweep, "A sweep is running already"),
            Self::StopSweep => unless(running_sweep, "No sweep is running"),
            Self::AskTcp => unless(state.num_selected > 0, "Select units first").or(unless(
                !snapshot.site.demo,
                "The demo's units are simulated and answer discovery by UDP only",
            )),
            Self::CopyRows => unless(state.num_selected > 0, "Select units first"),
            Self::Identify => unless(state.num_selected > 0, "Select units first")
                .or_else(identifiable)
                .or(unless(state.has_any_ip, no_ip(state.num_selected))),
            Self::IdentifyUnidentified | Self::IdentifyAll => has_units().or_else(identifiable),
            Self::StopIdentify => unless(
                snapshot
                    .identifying
                    .as_ref()
                    .is_some_and(|state| state.ended.is_none()),
                "No unit is being identified",
            ),
            Self::ExportTargets => {
                has_units().or(unless(snapshot.job.is_none(), "A file is being worked on"))
            }
            Self::SetV3User => unless(!snapshot.site.demo, DEMO_HAS_NO_V3),
            Self::RemoveV3User => unless(
                snapshot.snmp_v3 != V3State::None,
                "This site has no SNMP v3 user",
            ),
            Self::OpenCatalogFolder => unless(
                snapshot.catalog.own_folder.is_some(),
                "There is no folder for your own files",
            ),
            Self::Import => {
                writable().or(unless(snapshot.job.is_none(), "A file is being worked on"))
            }
            Self::Export => unless(snapshot.job.is_none(), "A file is being worked on"),
            Self::ExportSelected => unless(state.num_selected > 0, "Select units first")
                .or(unless(snapshot.job.is_none(), "A file is being worked on")),
            Self::CancelJob => unless(snapshot.job.is_some(), "No file is being worked on"),
            Self::SaveSiteAs => unless(!snapshot.site.demo, "The demo's site is thrown away"),
            Self::StartDemo => unless(!snapshot.site.demo, "The demo is running already"),
            Self::EndDemo => unless(snapshot.site.demo, "The demo is not running"),
            Self::Undo => unless(snapshot.undo.is_some(), "Nothing to undo"),
            Self::Redo => unless(snapshot.redo.is_some(), "Nothing to redo"),
            Self::Rename | Self::EditNote => writable().or(one_selected()),
            Self::Forget => writable().or(unless(state.num_selected > 0, "Select units first")),
            Self::AddUnit => writable(),
            Self::CopyMac => one_selected().or(unless(state.has_mac, "Its MAC is not known")),
            Self::OpenWebPage | Self::CopySsh => {
                one_selected().or(unless(state.has_ip, "Its address is not known"))
            }
            Self::FocusFilter => unless(
                state.view == View::Discover || state.watch.has_filter(state.view),
                "Go to Discover first",
            ),
            Self::SelectAll | Self::Columns => {
                unless(state.view == View::Discover, "Go to Discover first")
            }
            Self::Watch(command) => command.why_not(state),
            Self::Replay(command) => command.why_not(state),
            Self::Learn(command) => command.why_not(state),
            Self::ClearFilter => unless(state.filtered, "Nothing is filtered"),
            Self::AllowFirewall => unless(
                *rule != FirewallState::Rule(RuleState::Present),
                "The firewall rule is there already",
            ),
            Self::RemoveFirewallRule => unless(
                *rule != FirewallState::Rule(RuleState::Missing),
                "There is no firewall rule",
            ),
            _ => None,
        }
    }
}

/// Why units without an address cannot be asked.
const fn no_ip(num_selected: usize) -> &'static str {
    if num_selected == 1 {
        "Its address is not known"
    } else {
        "None of the selected units has an address"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEMS: [OperatingSystem; 3] = [
        OperatingSystem::Nix,
        OperatingSystem::Windows,
        OperatingSystem::Mac,
    ];

    #[test]
    fn no_two_shortcuts_clash_on_any_system() {
        let commands: Vec<UiCommand> = UiCommand::ALL
            .into_iter()
            .chain([UiCommand::Quit])
            .collect();
        for os in SYSTEMS {
            let mut seen: Vec<(KeyboardShortcut, UiCommand)> = Vec::new();
            for command in &commands {
                let shortcuts = command
                    .shortcut(os)
                    .into_iter()
                    .chain(command.other_shortcuts(os));
                for shortcut in shortcuts {
                    let clash = seen.iter().find(|(other, _)| *other == shortcut);
                    assert!(
                        clash.is_none(),
                        "{os:?}: {command:?} and {clash:?} have the same keys"
                    );
                    seen.push((shortcut, *command));
                }
            }
            assert!(seen.len() > 20, "the shortcuts were looked at");
        }
    }

    #[test]
    fn every_command_has_words() {
        for command in UiCommand::ALL {
            assert!(!command.text().is_empty() && !command.tooltip().is_empty());
            assert!(!command.tooltip().ends_with('.'), "{command:?}");
        }
    }
}
