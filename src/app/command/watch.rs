//! What can be done in the Watch view, and with what is captured.

use egui::Key;

use super::CommandState;
use crate::model::finding::{FindingState, MANAGEMENT_KEPT};
use crate::model::network::Listening;
use crate::model::snapshot::Snapshot;

/// An action of the Watch view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WatchCommand {
    /// Go to the findings.
    ShowFindings,
    /// Go to the traffic.
    ShowTraffic,
    /// Go to the programs that hold the ports.
    ShowListeners,
    /// Go to the exposure check.
    ShowExposure,
    /// Accept the chosen finding, with a note.
    AcceptFinding,
    /// Take an acceptance back.
    ReopenFinding,
    /// Copy the chosen finding as text.
    CopyFinding,
    /// Go to the unit that the chosen finding is about.
    ShowFindingUnit,
    /// Write what was captured of whom the chosen finding is about.
    SaveFindingCapture,
    /// Say which networks are management networks.
    EditManagement,
    /// Take the networks that are listened on as management networks.
    FillManagement,
    /// Capture, or do not.
    ToggleCapture,
    /// Write a capture file.
    SaveCapture,
    /// Write what was captured of the selected unit.
    SaveUnitCapture,
    /// Hold the list of the last datagrams, or let it go on.
    TogglePause,
    /// Copy the chosen datagram as text.
    CopyDatagram,
    /// Check the ranges that are typed in the view.
    StartExpose,
    /// Stop the check.
    StopExpose,
    /// Copy what the check found.
    CopyExposeReport,
}

impl WatchCommand {
    /// Words, tooltip, picture.
    pub(super) const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::ShowFindings => (
                "Go to Watch",
                "What is worth a look on the discovery ports",
                "▷",
            ),
            Self::ShowTraffic => (
                "Go to traffic",
                "Datagrams per network and kind over time, and the last ones live",
                "▷",
            ),
            Self::ShowListeners => (
                "Who listens here",
                "The programs on this computer that hold port 3502 or 3211",
                "▷",
            ),
            Self::ShowExposure => (
                "Go to the exposure check",
                "Which addresses of a range answer on the discovery ports",
                "▷",
            ),
            Self::AcceptFinding => (
                "Accept finding…",
                "Say that the chosen finding is known, with a note why",
                "✓",
            ),
            Self::ReopenFinding => (
                "Open finding again",
                "Take back that the chosen finding is known",
                "↻",
            ),
            Self::CopyFinding => (
                "Copy finding",
                "Copy the chosen finding as text, with its bytes",
                "□",
            ),
            Self::ShowFindingUnit => (
                "Show unit of the finding",
                "Select the unit that the chosen finding is about in Discover",
                "▷",
            ),
            Self::SaveFindingCapture => (
                "Save capture of the finding…",
                "Write what was captured of whom the chosen finding is about",
                "↓",
            ),
            Self::EditManagement => (
                "Management networks…",
                "Say on which networks units may announce themselves and answer",
                "☰",
            ),
            Self::FillManagement => (
                "Fill management networks from the chosen networks",
                "Take every network that is listened on as a management network",
                "+",
            ),
            Self::ToggleCapture => (
                "Capture on or off",
                "Keep the last 64 MiB that are heard and sent on the discovery ports",
                "●",
            ),
            Self::SaveCapture => (
                "Save capture…",
                "Write what was captured as pcapng, for Wireshark and tshark",
                "↓",
            ),
            Self::SaveUnitCapture => (
                "Save capture of this unit…",
                "Write what the selected unit sent, and what names its MAC",
                "↓",
            ),
            Self::TogglePause => (
                "Pause or resume the last datagrams",
                "Hold the list still while it is read; nothing is lost meanwhile",
                "◫",
            ),
            Self::CopyDatagram => (
                "Copy datagram",
                "Copy the chosen one of the last datagrams as text, with its bytes",
                "□",
            ),
            Self::StartExpose => (
                "Start exposure check",
                "Ask UDP and TCP 3502 and 3211 of every address in the ranges, slowly",
                "◎",
            ),
            Self::StopExpose => (
                "Stop exposure check",
                "Ask no more addresses; what was found stays",
                "□",
            ),
            Self::CopyExposeReport => (
                "Copy exposure report",
                "Copy what the check found as text, for a report",
                "□",
            ),
        }
    }

    /// The key that is pressed with Ctrl or Cmd.
    pub(super) const fn key(self) -> Option<Key> {
        match self {
            Self::ShowFindings => Some(Key::Num4),
            Self::TogglePause => Some(Key::P),
            _ => None,
        }
    }

    /// Why the command is not possible just now; `None` when it is.
    pub(super) fn why_not(self, state: &CommandState<'_>) -> Option<&'static str> {
        let watching = &state.snapshot.watching;
        let unless = |possible: bool, why: &'static str| (!possible).then_some(why);
        let writable = || {
            unless(
                state.snapshot.site.read_only.is_none(),
                "This site is read-only: save it under another name first",
            )
        };
        let chosen = || unless(state.finding.is_some(), "Choose a finding first");
        let is_accepted = state
            .finding
            .is_some_and(|finding| matches!(finding.state, FindingState::Accepted { .. }));
        let not_replaying = || {
            unless(
                watching.replay.is_none(),
                "A capture is replayed: close it first",
            )
        };
        let captured = || {
            unless(
                watching.capture.num_datagrams > 0,
                "Nothing is captured so far",
            )
        };
        let checks = watching
            .expose
            .as_ref()
            .is_some_and(|check| check.ended.is_none());
        match self {
            Self::AcceptFinding => chosen()
                .or_else(writable)
                .or(unless(!is_accepted, "It is accepted already")),
            Self::ReopenFinding => chosen().or_else(writable).or(unless(
                is_accepted,
                "Only what was accepted can be opened again",
            )),
            Self::CopyFinding => chosen(),
            Self::ShowFindingUnit => chosen().or(unless(
                state.watch.finding_unit.is_some(),
                "No unit of this site has its MAC",
            )),
            Self::SaveFindingCapture => chosen().or_else(captured).or(unless(
                state.watch.finding_unit.is_some()
                    || state
                        .finding
                        .is_some_and(|finding| !capture_filter(finding).is_empty()),
                "It is about nobody in particular: save the whole capture",
            )),
            Self::EditManagement => writable(),
            Self::FillManagement => {
                let missing = missing_networks(state.snapshot);
                let is_full = watching.management.len() >= MANAGEMENT_KEPT;
                writable()
                    .or(unless(!is_full, "The list is full"))
                    .or(unless(
                        !missing.is_empty(),
                        "Every chosen network with an address is in the list already",
                    ))
            }
            Self::ToggleCapture => not_replaying(),
            Self::SaveCapture => captured(),
            Self::SaveUnitCapture => {
                unless(state.num_selected == 1, "Select one unit first").or_else(captured)
            }
            Self::CopyDatagram => unless(state.watch.datagram.is_some(), "Choose a datagram first"),
            Self::StartExpose => unless(!checks, "A check is running already")
                .or_else(not_replaying)
                .or(unless(
                    state.watch.ranges_are_possible(),
                    "Type the ranges to be checked first, at most a /12",
                )),
            Self::StopExpose => unless(checks, "No check is running"),
            Self::CopyExposeReport => unless(watching.expose.is_some(), "Nothing was checked yet"),
            Self::ShowFindings
            | Self::ShowTraffic
            | Self::ShowListeners
            | Self::ShowExposure
            | Self::TogglePause => None,
        }
    }
}

/// The networks that are listened on and are no management networks yet, as prefixes.
pub(in crate::app) fn missing_networks(snapshot: &Snapshot) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    for network in snapshot
        .interfaces
        .iter()
        .filter(|interface| interface.listening == Listening::On)
        .flat_map(|interface| &interface.networks)
    {
        let base = network.ip.to_bits() & network.mask().to_bits();
        let cidr = format!(
            "{}/{}",
            std::net::Ipv4Addr::from_bits(base),
            network.prefix_len
        );
        let is_there = |known: &str| known == cidr;
        if !snapshot
            .watching
            .management
            .iter()
            .any(|known| is_there(&known.cidr))
            && !missing.iter().any(|known| is_there(known))
        {
            missing.push(cidr);
        }
    }
    missing
}

/// The filter of datagrams that shows what a finding is about. Empty when it is about nobody in particular.
pub(in crate::app) fn capture_filter(finding: &crate::model::finding::Finding) -> String {
    match (finding.sender, finding.mac, finding.ip) {
        (Some(ip), ..) | (None, None, Some(ip)) => format!("from:{ip}"),
        (None, Some(mac), _) => format!("mac:{mac}"),
        (None, None, None) => String::new(),
    }
}
