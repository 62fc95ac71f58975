//! The parts of a snapshot that the Watch view draws: findings, traffic, the capture ring, a replay, a comparison.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::exposure::ExposeState;
use super::finding::{Finding, ManagementNetwork};
use super::identity::{ApplianceId, Mac};
use super::time::Timestamp;
use super::traffic::{SeenDatagram, Traffic};

/// What was watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watching {
    /// Findings: open ones first, the worst first, then the newest.
    pub findings: Arc<Vec<Arc<Finding>>>,
    /// How many of them are open.
    pub num_open: usize,
    /// On which networks units belong.
    pub management: Arc<Vec<ManagementNetwork>>,
    /// How much of what, over time.
    pub traffic: Arc<Traffic>,
    /// The newest datagrams, oldest first, at most [`super::traffic::RECENT_KEPT`].
    pub recent: Arc<Vec<Arc<SeenDatagram>>>,
    /// What the capture ring holds.
    pub capture: CaptureState,
    /// The exposure check that is running, or the last one.
    pub expose: Option<Arc<ExposeState>>,
    /// Decoders that were taught, by name, in the order in which they are tried.
    pub decoders: Arc<DecodersState>,
    /// The capture that is being replayed. `None` while a site is open.
    pub replay: Option<Arc<ReplayState>>,
}

impl Watching {
    /// Whether both are the same picture, told by what they share: cheap.
    pub fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.findings, &other.findings)
            && Arc::ptr_eq(&self.management, &other.management)
            && Arc::ptr_eq(&self.traffic, &other.traffic)
            && Arc::ptr_eq(&self.recent, &other.recent)
            && Arc::ptr_eq(&self.decoders, &other.decoders)
            && self.capture == other.capture
            && self.expose == other.expose
            && self.replay == other.replay
    }
}

/// What the capture ring holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureState {
    /// Whether what is heard and sent is captured.
    pub is_on: bool,
    /// Bytes in it, at most 64 MiB.
    pub num_bytes: u64,
    /// Datagrams in it.
    pub num_datagrams: u64,
    /// When the oldest one was.
    pub oldest: Option<Timestamp>,
    /// Datagrams that did not fit in time and are missing.
    pub num_missed: u64,
}

/// Decoders that were taught.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecodersState {
    /// Their names, in the order in which they are tried.
    pub names: Vec<String>,
    /// What was refused of their files: place and why.
    pub refused: Vec<String>,
    /// Where their files are.
    pub folder: Option<PathBuf>,
}

/// A capture that is being replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayState {
    /// The file.
    pub path: PathBuf,
    /// How far reading it is; over when `read_bytes` is `total_bytes`.
    pub reading: Option<ReplayReading>,
    /// Datagrams on the watched ports in it.
    pub num_datagrams: u64,
    /// Packets in it, all of them.
    pub num_packets: u64,
    /// The first and the last datagram's time.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The time it is at: everything heard until then is in the grid.
    pub at: Timestamp,
    /// Whether it moves on by itself, and how fast: seconds of the capture in one second.
    pub playing: Option<u32>,
    /// The speed it was played with last.
    pub speed: u32,
    /// Datagrams over the whole span in equal steps, for the time line. At most [`TIMELINE_STEPS`].
    pub histogram: Arc<Vec<u32>>,
    /// Whether everything until the wanted time is in the grid.
    pub is_there: bool,
    /// What could not be read: the packet's number and why. What came before it is there.
    pub trouble: Option<String>,
    /// What was left out, in words: packets cut short, unknown link types.
    pub remarks: Vec<String>,
    /// How its units differ from those of the site that was open before.
    pub compared: Option<Arc<Comparison>>,
}

/// How far the reading of a capture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayReading {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes in the file.
    pub total_bytes: u64,
    /// When it began.
    pub started: Timestamp,
}

/// Steps of a replay's time line, at most.
pub const TIMELINE_STEPS: usize = 600;

/// The units of a replay held against those of the site that was open before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The name of that site.
    pub site: String,
    /// Units that are the same in both.
    pub num_same: usize,
    /// One line for each unit that is not, at most [`super::compare::DIFFERENCES_KEPT`].
    pub lines: Vec<Difference>,
    /// Units that are not the same and have no line.
    pub num_left_out: usize,
}

/// A unit that is not the same in a replay and in the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How it differs.
    pub kind: DifferenceKind,
    /// The unit in the replay.
    pub id: Option<ApplianceId>,
    /// Its MAC.
    pub mac: Option<Mac>,
    /// Its address, in the replay where it is in both.
    pub ip: Option<IpAddr>,
    /// Its name, in the replay where it is in both.
    pub name: String,
    /// What differs, in words: "address 10.0.0.5, in the site 10.0.0.9". Empty for a unit that is in one of them only.
    pub what: String,
}

/// How a unit differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceKind {
    /// Only in the replay.
    OnlyInReplay,
    /// Only in the site.
    OnlyInSite,
    /// In both, with other facts.
    Differs,
}
