//! What the window draws from: one immutable picture of everything, cheap to clone.

use std::path::PathBuf;
use std::sync::Arc;

use super::appliance::Appliance;
use super::identification::Identification;
use super::identity::ApplianceId;
use super::network::{InterfaceState, PortHolder};
use super::probing::Probed;
use super::sighting::Stray;
use super::status::StatusContext;
use super::time::Timestamp;
use super::watching::Watching;

/// How many units stand in one chunk: what is copied when one of them changes.
pub(super) const CHUNK_UNITS: usize = 64;

/// A unit's place: stays the same while the unit is in the site.
pub type Slot = u32;

/// A run of units; a place whose unit was forgotten is empty.
pub(super) type Chunk = Vec<Option<Arc<Appliance>>>;

/// The units of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Units {
    /// Chunks of [`CHUNK_UNITS`] places.
    pub(super) chunks: Vec<Arc<Chunk>>,
    /// How many places hold a unit.
    pub(super) len: usize,
}

impl Units {
    /// The units in the order of places, without an empty place.
    pub fn from_vec(units: Vec<Arc<Appliance>>) -> Self {
        let len = units.len();
        let mut chunks = Vec::with_capacity(len.div_ceil(CHUNK_UNITS));
        let mut units = units.into_iter();
        while units.len() > 0 {
            chunks.push(Arc::new(
                units.by_ref().take(CHUNK_UNITS).map(Some).collect(),
            ));
        }
        Self { chunks, len }
    }

    /// How many units there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The unit at a place.
    pub fn at(&self, slot: Slot) -> Option<&Arc<Appliance>> {
        let slot = slot as usize;
        self.chunks
            .get(slot / CHUNK_UNITS)?
            .get(slot % CHUNK_UNITS)?
            .as_ref()
    }

    /// The units with their places, in the order of places.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Arc<Appliance>)> {
        self.chunks
            .iter()
            .enumerate()
            .flat_map(|(chunk_idx, chunk)| {
                chunk.iter().enumerate().filter_map(move |(idx, unit)| {
                    let slot = (chunk_idx * CHUNK_UNITS + idx) as Slot;
                    unit.as_ref().map(|unit| (slot, unit))
                })
            })
    }

    /// The unit with this id. Looks through all of them: for single look-ups by a person's action only.
    pub fn find(&self, id: ApplianceId) -> Option<(Slot, &Arc<Appliance>)> {
        self.iter().find(|(_, unit)| unit.id == id)
    }
}

/// One immutable picture of the engine's state.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Counts up with every published picture.
    pub revision: u64,
    /// Counts up when units or what their status depends on changed: what row caches compare.
    pub units_revision: u64,
    /// The units.
    pub units: Units,
    /// What a status depends on beside the unit.
    pub context: StatusContext,
    /// Names of the columns that Rollcall does not know, in the order of their files.
    pub extra_columns: Arc<Vec<String>>,
    /// The laptop's interfaces, in the order of their names.
    pub interfaces: Arc<Vec<InterfaceState>>,
    /// Sums over all interfaces and the time since the site was opened.
    pub totals: Totals,
    /// The search.
    pub search: SearchState,
    /// The sweep that is running, or the last one.
    pub sweep: Option<SweepState>,
    /// The identification that is running, or the last one.
    pub identifying: Option<IdentifyState>,
    /// What answered in swept ranges and is not ours, in the order of addresses, at most [`OTHERS_KEPT`].
    pub others: Arc<Vec<Arc<OtherAnswer>>>,
    /// The product catalog.
    pub catalog: Arc<CatalogState>,
    /// The user of SNMP v3 of this site.
    pub snmp_v3: V3State,
    /// The long work with a file that is running.
    pub job: Option<JobState>,
    /// The site file.
    pub site: SiteState,
    /// What undo would take back, in words ("rename of 3 units").
    pub undo: Option<String>,
    /// What redo would do again, in words.
    pub redo: Option<String>,
    /// Senders that flood.
    pub floods: Arc<Vec<FloodLine>>,
    /// The newest datagrams that made no unit, oldest first.
    pub strays: Arc<Vec<Arc<Stray>>>,
    /// Other programs that search on these networks.
    pub searchers: Arc<Vec<Searcher>>,
    /// Limits that were reached, in words.
    pub limits: Arc<Vec<String>>,
    /// What the doctor found.
    pub doctor: Arc<DoctorReport>,
    /// What is watched, and what is replayed.
    pub watching: Watching,
}

/// Sums over all interfaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Datagrams heard.
    pub heard: u64,
    /// Datagrams that could not be decoded.
    pub not_understood: u64,
    /// Datagrams that were lost on the way, as far as that can be known.
    pub lost: u64,
    /// When the engine began to listen for this site.
    pub listening_since: Timestamp,
    /// When a datagram was heard last.
    pub last_heard: Option<Timestamp>,
}

/// What the search is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchState {
    /// Whether it asks every 15 s.
    pub live: bool,
    /// The question that is being asked within a burst: 1 to 3. `None` between bursts.
    pub pass: Option<u8>,
    /// How many questions went out in all.
    pub num_asked: u64,
    /// When the next question goes out.
    pub next: Option<Timestamp>,
}

/// How far a sweep is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepState {
    /// The ranges, as typed.
    pub ranges: String,
    /// Addresses in one pass.
    pub num_ips: u64,
    /// Questions that left, over both passes.
    pub num_asked: u64,
    /// Questions in both passes.
    pub num_questions: u64,
    /// Units that answered.
    pub num_answered: u64,
    /// Questions a second just now.
    pub per_sec: u32,
    /// Seconds to go, when it can be told.
    pub left_secs: Option<u64>,
    /// When it began.
    pub started: Timestamp,
    /// Whether it is over, and how.
    pub ended: Option<SweepEnd>,
}

/// How a sweep ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SweepEnd {
    /// Every address was asked twice.
    Done,
    /// A person stopped it.
    Canceled,
    /// It could not go on, in words.
    Failed(String),
}

/// How far an identification is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifyState {
    /// Units and swept addresses in all; grows while new ones are added.
    pub num_units: usize,
    /// Those that are done.
    pub num_done: usize,
    /// Of these, those that are known now: certain, likely or possible.
    pub num_identified: usize,
    /// When it began.
    pub started: Timestamp,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// Whether a person stopped it.
    pub was_stopped: bool,
}

/// How many other things are kept.
pub const OTHERS_KEPT: usize = 4_096;

/// How many bytes [`Snapshot::others`] takes at most.
pub const OTHERS_KEPT_BYTES: usize = 8 << 20;

/// Something that answered in a swept range and shows no sign of being a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherAnswer {
    /// What it brought.
    pub probed: Arc<Probed>,
    /// What the catalog makes of it.
    pub identified: Arc<Identification>,
    /// What it seems to be, in words: its web server, its greeting, its open ports.
    pub what: String,
}

/// The product catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogState {
    /// Products in all.
    pub num_products: usize,
    /// Rows that a person's own files added or replaced.
    pub num_own_rows: usize,
    /// Rows of a person's own files that were left out: file, line, why.
    pub refused: Vec<String>,
    /// Where a person's own files are looked for.
    pub own_folder: Option<PathBuf>,
}

/// How the user of SNMP v3 is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum V3State {
    /// There is none.
    #[default]
    None,
    /// In the keyring of the operating system.
    Kept {
        /// The user's name.
        user: String,
    },
    /// Only until Rollcall is closed.
    Unkept {
        /// The user's name. Empty where the site is marked as having a user, and none can be had: the mark can be removed.
        user: String,
        /// Why the keyring does not have it.
        why: String,
    },
}

/// How far work with a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobState {
    /// "Exporting" or "Importing", with the file's name.
    pub what: String,
    /// Rows done.
    pub done: u64,
    /// Rows in all, when known.
    pub total: Option<u64>,
    /// When it began.
    pub started: Timestamp,
}

/// The site file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteState {
    /// The name without folder and ending; "Untitled site" at the first start.
    pub name: String,
    /// Where it is. `None` for the demo's throw-away site.
    pub path: Option<PathBuf>,
    /// Why it is not written to, when it is read-only: another window has it open.
    pub read_only: Option<String>,
    /// Whether it is the simulated fleet's throw-away site.
    pub demo: bool,
    /// When the last change was saved.
    pub saved: Option<Timestamp>,
    /// Whether changes wait to be saved.
    pub dirty: bool,
    /// Why saving fails just now, with what to do.
    pub save_error: Option<String>,
}

/// One sender that floods: not units, not saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloodLine {
    /// The sender and the interface, in words.
    pub sender: FloodSender,
    /// When it began.
    pub since: Timestamp,
    /// When it was heard last.
    pub last: Timestamp,
    /// Sightings that would each have made a new unit, held back.
    pub held_back: u64,
    /// A few of the names or MACs it used.
    pub samples: Vec<String>,
}

/// Who floods.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FloodSender {
    /// The interface that hears it.
    pub interface: Arc<str>,
    /// Its address.
    pub ip: std::net::IpAddr,
}

/// Another program that asks on these networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searcher {
    /// Its address.
    pub ip: std::net::IpAddr,
    /// The interface that hears it.
    pub interface: Arc<str>,
    /// What it asks: the kind of its last request, in words.
    pub kind: &'static str,
    /// The unit that its last request meant, when it named one.
    pub meant: Option<super::identity::Mac>,
    /// How many requests were heard of it.
    pub count: u64,
    /// When it was heard last.
    pub last: Timestamp,
}

/// What the doctor found, in the order to look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoctorReport {
    /// When it looked.
    pub when: Timestamp,
    /// What it checked.
    pub checks: Vec<Check>,
    /// Every process that holds one of the watched ports on this machine, Rollcall too: as far as this user may know.
    pub port_holders: Vec<PortHolder>,
    /// What it checked of the installation: version, folders, what the system has for it.
    pub installation: Vec<Check>,
    /// The firewall of this computer, as far as it can be seen.
    pub firewall: FirewallState,
}

/// The firewall of this computer, as far as it can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FirewallState {
    /// None was seen, or nobody has looked yet.
    #[default]
    NotSeen,
    /// Linux: this firewall is on, and this command lets units in.
    On {
        /// What it is called.
        name: &'static str,
        /// For a terminal.
        command: &'static str,
    },
    /// Windows: how Rollcall's own rules stand.
    Rule(RuleState),
}

/// How Rollcall's rules in the firewall of Windows stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleState {
    /// They are there and name this program.
    Present,
    /// They are there and name this program, but another rule of this program blocks, and what blocks wins.
    Blocked,
    /// They are there and name another file: the program was moved, or this is another copy.
    OtherProgram,
    /// At least one of them is not there.
    Missing,
    /// The system did not tell.
    NotKnown,
}

/// One thing that the doctor checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// How it stands.
    pub verdict: Verdict,
    /// The interface it is about, when it is about one.
    pub interface: Option<Arc<str>>,
    /// What was checked and found, one sentence.
    pub what: String,
    /// What to do, when there is something to do.
    pub hint: Option<String>,
    /// What the window offers to do about it.
    pub remedies: Vec<Remedy>,
}

/// Something that a button beside a check does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Windows: add Rollcall's rules to the firewall.
    AllowFirewall,
    /// Copy this command, for a terminal or an administrator.
    Copy(String),
}

/// How a check came out. Sorts worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing to do.
    Good,
    /// Worth knowing.
    Note,
    /// It may keep units from being heard.
    Warning,
}
