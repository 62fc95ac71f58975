//! The whole conversation between the window (or the command line) and the engine: two closed enums.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use super::firewall::RuleChange;
use super::identify::credentials::V3User;
use crate::inventory::{Delimiter, WriteStyle};
use crate::model::edit::{Edit, RefusedRow};
use crate::model::finding::{FindingKey, ManagementNetwork};
use crate::model::identity::ApplianceId;
use crate::model::network::Choice;
use crate::model::snapshot::{Slot, Snapshot};
use crate::model::time::Timestamp;
use crate::settings::{IdentifySettings, Settings};
use crate::study::Study;
use crate::taught::Draft;

/// What the engine is asked to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Ask all chosen networks now: a burst of three.
    SearchNow,
    /// Stop asking, live search included, until [`Command::SearchNow`] or [`Command::SetLiveSearch`].
    StopSearch,
    /// Ask every 15 s, or do not.
    SetLiveSearch(bool),
    /// Ask ranges address by address.
    Sweep(SweepRequest),
    /// Stop the sweep.
    StopSweep,
    /// Ask units by standard means what they are.
    Identify(IdentifyRequest),
    /// Stop asking; what was learnt stays.
    StopIdentify,
    /// How units are identified from now on.
    SetIdentify(IdentifySettings),
    /// The user of SNMP v3 for this site, `None` for none: goes into the keyring of the operating system.
    SetV3User(Option<Box<V3User>>),
    /// Write the targets of units into a file.
    ExportTargets(Box<TargetsRequest>),
    /// Read the catalog's files again.
    ReloadCatalog,
    /// Try TCP 3502 on these addresses.
    AskTcp(Vec<Ipv4Addr>),
    /// Listen on an interface, or do not.
    Choose {
        /// The interface's system name.
        interface: Arc<str>,
        /// What the person chose.
        choice: Choice,
    },
    /// Leave unicast answers on an interface to another program.
    BroadcastOnly {
        /// The interface's system name.
        interface: Arc<str>,
        /// Whether to.
        on: bool,
    },
    /// What a person does to units.
    Edit(Edit),
    /// Take the last edit back.
    Undo,
    /// Do the edit again that was taken back last.
    Redo,
    /// Read an inventory file into the site.
    Import(PathBuf),
    /// Write an inventory file from the snapshot that the person saw.
    Export(Box<ExportRequest>),
    /// Cancel the import or export that is running.
    CancelJob,
    /// Begin a new site at this path; the one that is open is saved and closed.
    NewSite(PathBuf),
    /// Open a site file; the one that is open is saved and closed.
    OpenSite(PathBuf),
    /// Save the open site under another name and go on there.
    SaveSiteAs {
        /// Where.
        path: PathBuf,
        /// Whether a person said yes to replacing a file that is there.
        overwrite: bool,
    },
    /// Start the simulated fleet in a throw-away site.
    StartDemo,
    /// End the demo and go back to the site that was open.
    EndDemo,
    /// Look at interfaces, ports, firewall and installation again now. The doctor's next report is newer than this.
    RunDoctor,
    /// Windows: add Rollcall's rules to the firewall, or remove them. The system asks for an administrator's yes.
    FirewallRule(RuleChange),
    /// Write the settings to their file, in the background.
    Remember(Box<Settings>),
    /// The networks on which units may announce themselves and answer, for this site.
    SetManagement(Vec<ManagementNetwork>),
    /// What a person makes of a finding.
    JudgeFinding {
        /// Which.
        key: FindingKey,
        /// What.
        verdict: FindingVerdict,
    },
    /// Capture what is heard and sent, or do not.
    SetCapture(bool),
    /// Write what the capture ring holds into a pcapng file.
    SaveCapture(Box<CaptureRequest>),
    /// Open a capture file as a read-only site; the one that is open is saved and closed.
    OpenReplay(PathBuf),
    /// Move along the capture that is replayed.
    Replay(ReplayMove),
    /// Close the replay and go back to the site that was open.
    CloseReplay,
    /// Check ranges for open discovery ports.
    Expose(ExposeRequest),
    /// Stop the check; what was found stays.
    StopExpose,
    /// Gather what the datagrams of one unit say about the open questions of the protocol.
    Study(ApplianceId),
    /// Write a study that was gathered.
    SaveStudy(Box<StudyRequest>),
    /// Write a taught decoder into the folder of decoders, and use it from now on.
    SaveDecoder(Box<Draft>),
    /// Read the files of taught decoders again.
    ReloadDecoders,
}

/// What a person makes of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindingVerdict {
    /// It is known, for this reason.
    Accept {
        /// In the person's words; may be empty.
        note: String,
    },
    /// It is open again.
    Reopen,
}

/// A capture file, as a person or the command line asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureRequest {
    /// Where to.
    pub path: PathBuf,
    /// Only what one unit sent, or what names its MAC.
    pub unit: Option<ApplianceId>,
    /// Only what this filter of the list of datagrams lets through; empty lets everything through.
    pub filter: String,
    /// Whether a person said yes to replacing a file that is there.
    pub overwrite: bool,
}

/// Moving along a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayMove {
    /// To this time.
    To(Timestamp),
    /// On by itself, so many seconds of the capture in one second.
    Play {
        /// 1 to 3,600.
        speed: u32,
    },
    /// Stand still.
    Pause,
}

/// A check of ranges for open discovery ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposeRequest {
    /// CIDRs, ranges and single addresses, separated by spaces or commas.
    pub ranges: String,
    /// Whether a person said yes to more than a /16.
    pub confirmed: bool,
}

/// The file of a study.
#[derive(Clone, Debug)]
pub struct StudyRequest {
    /// What the person saw.
    pub study: Arc<Study>,
    /// Where to.
    pub path: PathBuf,
    /// Whether addresses, MACs and names are masked.
    pub mask: bool,
    /// Whether a person said yes to replacing a file that is there.
    pub overwrite: bool,
}

/// A sweep, as a person or the command line asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepRequest {
    /// CIDRs, ranges and single addresses, separated by spaces or commas.
    pub ranges: String,
    /// Questions a second on routed ranges; `None` for the default.
    pub per_sec: Option<u32>,
    /// Whether a person said yes to more than a /16.
    pub confirmed: bool,
    /// Whether addresses are also asked by the probes that are on, so that units are found that do not answer AIDP.
    pub probe: bool,
}

/// Which units to identify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentifyRequest {
    /// These, with every probe that is on, even when enough is known before.
    Units(Vec<ApplianceId>),
    /// Those of which no product is known.
    Unidentified,
    /// All.
    All,
}

/// An export of targets, with everything it needs.
#[derive(Clone, Debug)]
pub struct TargetsRequest {
    /// Where to; a CSV file.
    pub path: PathBuf,
    /// What stands between the cells.
    pub delimiter: Delimiter,
    /// Whether cells are defused for spreadsheets.
    pub for_spreadsheets: bool,
    /// What the person saw when the button was pressed.
    pub snapshot: Arc<Snapshot>,
    /// Which units, in which order.
    pub rows: Vec<(Slot, ApplianceId)>,
    /// Whether a person said yes to replacing a file that is there.
    pub overwrite: bool,
}

/// An export, with everything it needs: later changes do not touch it.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// Where to.
    pub path: PathBuf,
    /// How.
    pub style: WriteStyle,
    /// What the person saw when the button was pressed.
    pub snapshot: Arc<Snapshot>,
    /// Which units, in which order.
    pub rows: Vec<(Slot, ApplianceId)>,
    /// Whether a person said yes to replacing a file that is there.
    pub overwrite: bool,
}

/// What the engine has to say beside its snapshots.
#[derive(Clone, Debug)]
pub enum Notice {
    /// Something a person should read.
    Said(Saying),
    /// An import is over: what was taken and what was refused.
    Imported(Arc<ImportReport>),
    /// An export is over.
    Exported {
        /// Where the file is.
        path: PathBuf,
        /// How many units are in it.
        num_rows: u64,
    },
    /// A file is in the way: send the request again with `overwrite` after a yes.
    ExportWouldReplace(Box<ExportRequest>),
    /// A file is in the way: send the request again with `overwrite` after a yes.
    TargetsWouldReplace(Box<TargetsRequest>),
    /// The targets are in their file.
    TargetsExported {
        /// Where the file is.
        path: PathBuf,
        /// How many targets are in it.
        num_rows: u64,
    },
    /// A file is in the way of "Save site as…": send the command again with `overwrite` after a yes.
    SaveWouldReplace(PathBuf),
    /// More than a /16: send the request again with `confirmed` after a yes.
    SweepNeedsYes {
        /// What was asked.
        request: SweepRequest,
        /// How many addresses that is.
        num_ips: u64,
    },
    /// Another site is open now; `None` for the demo's, and for a replay.
    SiteOpened(Option<PathBuf>),
    /// A file is in the way of a capture: send the request again with `overwrite` after a yes.
    CaptureWouldReplace(Box<CaptureRequest>),
    /// The capture is in its file.
    CaptureSaved {
        /// Where the file is.
        path: PathBuf,
        /// How many datagrams are in it.
        num_datagrams: u64,
    },
    /// More than a /16: send the request again with `confirmed` after a yes.
    ExposeNeedsYes {
        /// What was asked.
        request: ExposeRequest,
        /// How many addresses that is.
        num_ips: u64,
    },
    /// A study was gathered.
    Studied(Arc<Study>),
    /// A file is in the way of a study: send the request again with `overwrite` after a yes.
    StudyWouldReplace(Box<StudyRequest>),
    /// The study is in its file.
    StudySaved {
        /// Where the file is.
        path: PathBuf,
    },
    /// A taught decoder is in its file and in use.
    DecoderSaved {
        /// Where the file is.
        path: PathBuf,
    },
}

impl std::fmt::Display for Notice {
    /// One line for the log, without the units of a snapshot.
    #[expect(
        clippy::unnecessary_debug_formatting,
        reason = "whatever a file is called, it stays one line of the log"
    )]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Said(saying) => {
                write!(f, "{:?}: {}", saying.level, saying.title)?;
                saying
                    .text
                    .iter()
                    .try_for_each(|text| write!(f, ": {text}"))
            }
            Self::Imported(report) => match &report.failed {
                Some(why) => write!(f, "not imported: {why}"),
                None => write!(
                    f,
                    "imported {:?}: {} rows, {} added, {} changed, {} refused",
                    report.path,
                    report.num_rows,
                    report.added,
                    report.changed,
                    report.refused.len()
                ),
            },
            Self::Exported { path, num_rows } => write!(f, "exported {num_rows} units to {path:?}"),
            Self::ExportWouldReplace(request) => {
                write!(
                    f,
                    "asked whether to replace {:?} by an export",
                    request.path
                )
            }
            Self::TargetsWouldReplace(request) => {
                write!(f, "asked whether to replace {:?} by targets", request.path)
            }
            Self::TargetsExported { path, num_rows } => {
                write!(f, "exported {num_rows} targets to {path:?}")
            }
            Self::SaveWouldReplace(path) => {
                write!(f, "asked whether to replace {path:?} by the site")
            }
            Self::SweepNeedsYes { request, num_ips } => {
                write!(
                    f,
                    "asked whether to sweep {num_ips} addresses of {:?}",
                    request.ranges
                )
            }
            Self::SiteOpened(path) => write!(f, "opened the site {path:?}"),
            Self::CaptureWouldReplace(request) => {
                write!(
                    f,
                    "asked whether to replace {:?} by a capture",
                    request.path
                )
            }
            Self::CaptureSaved {
                path,
                num_datagrams,
            } => write!(f, "saved {num_datagrams} datagrams to {path:?}"),
            Self::ExposeNeedsYes { request, num_ips } => write!(
                f,
                "asked whether to check {num_ips} addresses of {:?}",
                request.ranges
            ),
            Self::Studied(study) => write!(f, "studied {} datagrams", study.datagrams.len()),
            Self::StudyWouldReplace(request) => {
                write!(f, "asked whether to replace {:?} by a study", request.path)
            }
            Self::StudySaved { path } => write!(f, "saved the study {path:?}"),
            Self::DecoderSaved { path } => write!(f, "saved the decoder {path:?}"),
        }
    }
}

/// Something a person should read: what failed or happened, what it means, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    /// How much it matters.
    pub level: Level,
    /// What happened, one sentence without a full stop.
    pub title: String,
    /// What it means for the person, when that is not plain.
    pub text: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

/// How much a saying matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Done.
    Done,
    /// Worth knowing.
    Note,
    /// Something was not possible.
    Trouble,
}

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// The file.
    pub path: PathBuf,
    /// Why nothing at all was taken, when the file could not be read.
    pub failed: Option<String>,
    /// Units that the file added.
    pub added: usize,
    /// Units that the file said something new about.
    pub changed: usize,
    /// Rows that were read.
    pub num_rows: u64,
    /// Rows or cells that were refused: line, column, value, why.
    pub refused: Vec<RefusedRow>,
    /// Rows that were taken, with something to say about them.
    pub remarks: Vec<RefusedRow>,
    /// How the file was read: encoding, delimiter, headers that were taken for another name.
    pub reading: Vec<String>,
}

impl Saying {
    /// Something is done.
    pub fn done(title: impl Into<String>) -> Self {
        Self {
            level: Level::Done,
            title: title.into(),
            text: None,
            hint: None,
        }
    }

    /// Something is worth knowing.
    pub fn note(title: impl Into<String>) -> Self {
        Self {
            level: Level::Note,
            title: title.into(),
            text: None,
            hint: None,
        }
    }

    /// Something was not possible.
    pub fn trouble(title: impl Into<String>) -> Self {
        Self {
            level: Level::Trouble,
            title: title.into(),
            text: None,
            hint: None,
        }
    }

    /// What it means, or why.
    #[must_use]
    pub fn because(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// What to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// An error's lower-case clause as a sentence for a person, with its causes.
pub fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
