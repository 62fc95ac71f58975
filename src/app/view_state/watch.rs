//! What the Watch view remembers, and its questions.

use std::sync::Arc;

use super::super::modals::{REFUSED_ABOVE, num_ips};
use super::View;
use crate::model::finding::{Finding, FindingKey, FindingState, ManagementNetwork};
use crate::model::identity::ApplianceId;
use crate::model::snapshot::Slot;
use crate::model::traffic::SeenDatagram;

/// The parts of the Watch view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::app) enum WatchTab {
    /// What is worth a look.
    #[default]
    Findings,
    /// How much of what, and the last datagrams.
    Traffic,
    /// Who holds the ports on this computer.
    Listeners,
    /// Which addresses of a range answer on the ports.
    Exposure,
}

/// Which findings are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::app) enum FindingStage {
    /// All of them.
    #[default]
    All,
    /// Those that nobody has dealt with.
    Open,
    /// Those that a person knows of.
    Accepted,
    /// Those that were not seen lately.
    Gone,
}

impl FindingStage {
    /// Every stage, in the order of the chips.
    pub(in crate::app) const ALL: [Self; 4] = [Self::All, Self::Open, Self::Accepted, Self::Gone];

    /// The word on its chip.
    pub(in crate::app) const fn word(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Open => "Open",
            Self::Accepted => "Accepted",
            Self::Gone => "Gone",
        }
    }

    /// Whether a finding in this state is shown.
    pub(in crate::app) const fn has(self, state: &FindingState) -> bool {
        match self {
            Self::All => true,
            Self::Open => matches!(state, FindingState::Open),
            Self::Accepted => matches!(state, FindingState::Accepted { .. }),
            Self::Gone => matches!(state, FindingState::Gone { .. }),
        }
    }
}

/// What the Watch view remembers.
#[derive(Debug, Default)]
pub(in crate::app) struct WatchState {
    /// The part that is shown.
    pub(in crate::app) tab: WatchTab,
    /// Which findings are shown.
    pub(in crate::app) stage: FindingStage,
    /// The filter of the findings.
    pub(in crate::app) finding_text: String,
    /// What state and filter let through.
    pub(in crate::app) sifted_findings: Option<Sifted<Finding>>,
    /// The chosen finding.
    pub(in crate::app) finding: Option<FindingKey>,
    /// The unit that the chosen finding is about.
    pub(in crate::app) finding_unit: Option<(Slot, ApplianceId)>,
    /// The revision of the units and the finding that it was looked for.
    pub(in crate::app) finding_unit_of: Option<(u64, FindingKey)>,
    /// The list of the last datagrams as it was when it was paused.
    pub(in crate::app) frozen: Option<Frozen>,
    /// The filter of the last datagrams.
    pub(in crate::app) traffic_text: String,
    /// What it lets through.
    pub(in crate::app) sifted: Option<Sifted<SeenDatagram>>,
    /// The chosen datagram. Kept itself: in the list it grows old and falls out.
    pub(in crate::app) datagram: Option<Arc<SeenDatagram>>,
    /// The network and the bar of a plot that the keys have led to, counted from the newest.
    pub(in crate::app) bar: Option<(Arc<str>, usize)>,
    /// The chosen program that holds a port.
    pub(in crate::app) listener: Option<usize>,
    /// The chosen address of the exposure check.
    pub(in crate::app) exposed: Option<usize>,
    /// The ranges of the exposure check as typed. `None` until they were suggested.
    pub(in crate::app) ranges: Option<String>,
    /// Whether there is so little room that the part that is shown scrolls as a whole.
    pub(in crate::app) is_short: bool,
    /// The row of the list to be brought into view.
    pub(in crate::app) scroll_to: Option<usize>,
}

impl WatchState {
    /// Whether what is shown has a filter box.
    pub(in crate::app) fn has_filter(&self, view: View) -> bool {
        view == View::Watch && matches!(self.tab, WatchTab::Findings | WatchTab::Traffic)
    }

    /// Whether the typed ranges can be checked.
    pub(in crate::app) fn ranges_are_possible(&self) -> bool {
        let size = self.ranges.as_deref().map(num_ips);
        matches!(size, Some(Ok(1..=REFUSED_ABOVE)))
    }

    /// Another site is open: what was chosen is not in it.
    pub(in crate::app) fn forget_choices(&mut self) {
        *self = Self {
            tab: self.tab,
            ..Self::default()
        };
    }
}

/// A list that stands still.
#[derive(Debug)]
pub(in crate::app) struct Frozen {
    /// As it was, oldest first.
    pub(in crate::app) recent: Arc<Vec<Arc<SeenDatagram>>>,
}

/// What of a list passes its filter, kept while neither changes.
#[derive(Debug)]
pub(in crate::app) struct Sifted<T> {
    /// All of it.
    pub(in crate::app) list: Arc<Vec<Arc<T>>>,
    /// The filter.
    pub(in crate::app) text: String,
    /// Which findings.
    pub(in crate::app) stage: FindingStage,
    /// The places of those that pass, in the order in which they are shown.
    pub(in crate::app) places: Arc<Vec<u32>>,
}

/// A finding that is to be accepted.
#[derive(Debug)]
pub(in crate::app) struct AcceptForm {
    /// Which.
    pub(in crate::app) key: FindingKey,
    /// What was seen.
    pub(in crate::app) what: String,
    /// The note so far.
    pub(in crate::app) note: String,
    /// Whether the field has had the focus.
    pub(in crate::app) focused: bool,
}

/// The window of the management networks.
#[derive(Debug, Default)]
pub(in crate::app) struct ManagementForm {
    /// The list so far.
    pub(in crate::app) networks: Vec<ManagementNetwork>,
    /// The addresses that are typed.
    pub(in crate::app) cidr: String,
    /// The VLAN that is typed.
    pub(in crate::app) vlan: String,
    /// Whether the first field has had the focus.
    pub(in crate::app) focused: bool,
}

/// What goes into a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum CaptureScope {
    /// Everything.
    All,
    /// What passes the filter.
    Filtered,
    /// What one unit sent, and what names its MAC.
    Unit,
}

/// The window of a capture file.
#[derive(Debug)]
pub(in crate::app) struct CaptureForm {
    /// What goes into it.
    pub(in crate::app) scope: CaptureScope,
    /// The filter, where there is one.
    pub(in crate::app) filter: String,
    /// The unit, and what it is called.
    pub(in crate::app) unit: Option<(ApplianceId, String)>,
    /// Where to, as typed.
    pub(in crate::app) path: String,
    /// The path that the system's dialog has asked about already: a file there may be replaced.
    pub(in crate::app) replaceable: Option<String>,
    /// Whether the field has had the focus.
    pub(in crate::app) focused: bool,
}
