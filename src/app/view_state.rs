//! What the window shows just now and what a person is in the middle of. Never saved.

mod learn;
mod replay;
mod watch;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) use self::learn::{
    MarkedRange, RuleText, StudyForm, StudyState, TeachState, TlvText, Tried, TriedLine,
};
pub(super) use self::replay::{ComparisonForm, TimeLineState};
pub(super) use self::watch::{
    AcceptForm, CaptureForm, CaptureScope, FindingStage, Frozen, ManagementForm, Sifted,
    WatchState, WatchTab,
};
use super::widgets::PageScroll;
use crate::engine::command::{
    CaptureRequest, ExportRequest, ExposeRequest, ImportReport, StudyRequest, SweepRequest,
    TargetsRequest,
};
use crate::engine::identify::credentials::{Secret, V3Auth};
use crate::inventory::{Delimiter, Format};
use crate::model::identity::ApplianceId;
use crate::model::probing::Probe;
use crate::model::time::Timestamp;

/// The entries of the left rail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// The units.
    #[default]
    Discover,
    /// Findings, traffic, who listens here, exposure.
    Watch,
    /// What was not understood, and what was checked.
    Diagnostics,
    /// What was done and what happened.
    Activity,
    /// Theme, zoom, networks, places.
    Settings,
    /// What the datagrams of one unit say. Not in the rail: it is about a unit.
    Study,
}

impl View {
    /// The word in the rail.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Discover => "Discover",
            Self::Watch => "Watch",
            Self::Diagnostics => "Diagnostics",
            Self::Activity => "Activity",
            Self::Settings => "Settings",
            Self::Study => "Study",
        }
    }
}

/// A question over the window. One at a time.
#[derive(Debug)]
pub(super) enum Modal {
    /// Every command by its name.
    Palette(PaletteForm),
    /// Write an inventory file.
    Export(ExportForm),
    /// A path that a person types, instead of a native dialog or beside it.
    Path(PathForm),
    /// What an import took and refused.
    ImportReport(Arc<ImportReport>),
    /// Ask ranges.
    Sweep(SweepForm),
    /// Add a unit.
    AddUnit(Box<AddForm>),
    /// Take units out.
    Forget(Vec<ApplianceId>),
    /// A note on a unit.
    Note {
        /// The unit.
        id: ApplianceId,
        /// The text so far.
        text: String,
        /// Whether the field has had the focus.
        focused: bool,
    },
    /// A file is in the way of an export.
    ReplaceExport(Box<ExportRequest>),
    /// A file is in the way of an export of targets.
    ReplaceTargets(Box<TargetsRequest>),
    /// A file is in the way of "Save site as…".
    ReplaceSite(PathBuf),
    /// More than a /16 is to be swept.
    LargeSweep {
        /// What was asked.
        request: SweepRequest,
        /// How many addresses that is.
        num_ips: u64,
    },
    /// A finding is to be accepted.
    AcceptFinding(AcceptForm),
    /// The management networks of the site.
    Management(ManagementForm),
    /// Write a capture file.
    SaveCapture(CaptureForm),
    /// A file is in the way of a capture.
    ReplaceCapture(Box<CaptureRequest>),
    /// More than a /16 is to be checked for exposure.
    LargeExpose {
        /// What was asked.
        request: ExposeRequest,
        /// How many addresses that is.
        num_ips: u64,
    },
    /// How a replay differs from the site.
    Comparison(ComparisonForm),
    /// Write a study.
    SaveStudy(StudyForm),
    /// A file is in the way of a study.
    ReplaceStudy(Box<StudyRequest>),
    /// What this is.
    About(PageForm),
    /// The licenses of everything that is in the program.
    Licenses(PageForm),
    /// Everything that the doctor knows.
    Installation(InstallationForm),
    /// The first start.
    Welcome(PageForm),
    /// The user of SNMP v3.
    V3User(Box<V3Form>),
}

impl Modal {
    /// Whether it is about the site that is open: in another one it would answer another question.
    pub(super) const fn is_of_site(&self) -> bool {
        match self {
            Self::Palette(_)
            | Self::About(_)
            | Self::Licenses(_)
            | Self::Installation(_)
            | Self::Welcome(_) => false,
            Self::Path(form) => !matches!(
                form.purpose,
                PathUse::Replay | PathUse::NewSite | PathUse::OpenSite
            ),
            Self::Export(_)
            | Self::ImportReport(_)
            | Self::Sweep(_)
            | Self::AddUnit(_)
            | Self::Forget(_)
            | Self::Note { .. }
            | Self::ReplaceExport(_)
            | Self::ReplaceTargets(_)
            | Self::ReplaceSite(_)
            | Self::LargeSweep { .. }
            | Self::AcceptFinding(_)
            | Self::Management(_)
            | Self::SaveCapture(_)
            | Self::ReplaceCapture(_)
            | Self::LargeExpose { .. }
            | Self::Comparison(_)
            | Self::SaveStudy(_)
            | Self::ReplaceStudy(_)
            | Self::V3User(_) => true,
        }
    }

    /// What was shown before and is shown again when this is closed.
    pub(super) fn below(self) -> Option<Self> {
        match self {
            Self::Licenses(page) | Self::Installation(InstallationForm { page, .. }) => {
                page.below.map(|modal| *modal)
            }
            _ => None,
        }
    }
}

/// A page that is longer than its window.
#[derive(Debug, Default)]
pub(super) struct PageForm {
    /// What was shown before.
    below: Option<Box<Modal>>,
    /// How far down it is scrolled.
    pub(super) scroll: PageScroll,
}

impl PageForm {
    /// A page over what is shown just now.
    pub(super) fn over(below: Option<Modal>) -> Self {
        // The same page over itself would have to be closed twice.
        let below = below.filter(|modal| matches!(modal, Modal::About(_) | Modal::Welcome(_)));
        Self {
            below: below.map(Box::new),
            scroll: PageScroll::default(),
        }
    }
}

/// What the doctor was asked for.
#[derive(Debug)]
pub(super) struct InstallationForm {
    /// When it was asked: an older report is not the answer.
    pub(super) asked: Timestamp,
    /// The page.
    pub(super) page: PageForm,
}

/// The command palette.
#[derive(Debug, Default)]
pub(super) struct PaletteForm {
    /// What is looked for.
    pub(super) text: String,
    /// The marked line.
    pub(super) marked: usize,
    /// Whether the field has had the focus.
    pub(super) focused: bool,
}

/// Which units an export writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Every unit.
    All,
    /// Those that the grid shows.
    Filtered,
    /// Those that are selected.
    Selected,
}

/// The export window.
#[derive(Debug)]
pub(super) struct ExportForm {
    /// The format.
    pub(super) format: Format,
    /// The delimiter of CSV.
    pub(super) delimiter: Delimiter,
    /// Whether formulas are defused.
    pub(super) for_spreadsheets: bool,
    /// Which units.
    pub(super) scope: Scope,
    /// Where to, as typed.
    pub(super) path: String,
    /// The path that the system's dialog has asked about already: a file there may be replaced.
    pub(super) replaceable: Option<String>,
    /// Whether the field has had the focus.
    pub(super) focused: bool,
}

/// What a typed path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathUse {
    /// Where an export goes: comes back to the export window.
    Export,
    /// Where targets go.
    Targets,
    /// Where a capture goes: comes back to its window.
    Capture,
    /// Where a study goes: comes back to its window.
    Study,
    /// A capture file to replay.
    Replay,
    /// An inventory file to read.
    Import,
    /// A site to begin.
    NewSite,
    /// A site to open.
    OpenSite,
    /// Another name for this site.
    SaveSiteAs,
}

/// A path that a person types.
#[derive(Debug)]
pub(super) struct PathForm {
    /// What for.
    pub(super) purpose: PathUse,
    /// The text so far.
    pub(super) path: String,
    /// Whether the field has had the focus.
    pub(super) focused: bool,
}

/// The sweep window.
#[derive(Debug)]
pub(super) struct SweepForm {
    /// CIDRs, ranges and addresses, as typed.
    pub(super) ranges: String,
    /// Whether units are looked for that do not answer discovery.
    pub(super) probe: bool,
    /// Whether the field has had the focus.
    pub(super) focused: bool,
}

/// The window for the user of SNMP v3. Its passphrases are never printed.
#[derive(Debug)]
pub(super) struct V3Form {
    /// The user's name.
    pub(super) name: String,
    /// How messages are signed.
    pub(super) auth: V3Auth,
    /// For signing.
    pub(super) auth_pass: Secret,
    /// For the cipher.
    pub(super) priv_pass: Secret,
    /// Whether the passphrases can be read.
    pub(super) is_shown: bool,
    /// Whether the first field has had the focus.
    pub(super) focused: bool,
}

/// The window to add a unit by hand.
#[derive(Debug, Default)]
pub(super) struct AddForm {
    /// Name.
    pub(super) name: String,
    /// Model.
    pub(super) model: String,
    /// IPv4 address.
    pub(super) ip: String,
    /// MAC.
    pub(super) mac: String,
    /// Serial.
    pub(super) serial: String,
    /// Note.
    pub(super) note: String,
    /// Whether the first field has had the focus.
    pub(super) focused: bool,
}

impl AddForm {
    /// Whether nothing was typed so far.
    pub(super) fn is_empty(&self) -> bool {
        [
            &self.name,
            &self.model,
            &self.ip,
            &self.mac,
            &self.serial,
            &self.note,
        ]
        .iter()
        .all(|text| text.trim().is_empty())
    }
}

/// A name that is being typed in the grid or in the right panel.
#[derive(Debug)]
pub(super) struct NameEdit {
    /// The unit.
    pub(super) id: ApplianceId,
    /// The text so far.
    pub(super) text: String,
    /// Whether the field has had the focus.
    pub(super) focused: bool,
}

/// What the Diagnostics view remembers.
#[derive(Debug, Default)]
pub(super) struct DiagnosticsState {
    /// The stray whose bytes are shown.
    pub(super) selected: Option<u64>,
    /// The row to be brought into view.
    pub(super) scroll_to: Option<usize>,
    /// The other thing whose answers are shown.
    pub(super) other: Option<Ipv4Addr>,
    /// The row of the other things to be brought into view.
    pub(super) scroll_to_other: Option<usize>,
}

/// The parts of the right panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum PanelTab {
    /// What is known, why, and what was heard.
    #[default]
    Facts,
    /// What each probe brought.
    Answers,
    /// The serial ports.
    Targets,
}

/// What the right panel and the lists of answers remember.
#[derive(Debug, Default)]
pub(super) struct PanelState {
    /// The part that is shown.
    pub(super) tab: PanelTab,
    /// The answers whose bytes are shown, and whether as text.
    pub(super) unfolded: Vec<(Probe, bool)>,
    /// Whether it is laid over the grid, in a window that has no room for it beside.
    pub(super) is_over: bool,
    /// The filter of the targets.
    pub(super) filter: String,
    /// The marked target, by its place among those of the unit.
    pub(super) target: Option<usize>,
    /// The row to be brought into view.
    pub(super) scroll_to: Option<usize>,
}
