//! What goes over the watched ports: the newest datagrams, and how many of what kind over time. Filled by the engine,
//! read by everybody.

use std::net::SocketAddr;
use std::sync::Arc;

use super::sighting::{Channel, RawDatagram};
use super::time::Timestamp;

/// Which way a datagram went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To this computer.
    Heard,
    /// From this computer.
    Sent,
}

impl Direction {
    /// In one word, for lists and filters.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Heard => "heard",
            Self::Sent => "sent",
        }
    }
}

/// What kind of datagram it is, as the plot and the list of the last datagrams tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DatagramKind {
    /// A discover reply that nobody asked for.
    Announcement,
    /// A discover reply, a test-IP reply or a set-IP reply.
    Reply,
    /// A discover request.
    Discover,
    /// A test-IP request.
    TestIp,
    /// A set-IP request.
    SetIp,
    /// Decoded by what a person taught.
    Taught,
    /// AIDP of an unknown type, or refused.
    OtherAidp,
    /// Not AIDP.
    NotAidp,
}

impl DatagramKind {
    /// Every kind, in order.
    pub const ALL: [Self; 8] = [
        Self::Announcement,
        Self::Reply,
        Self::Discover,
        Self::TestIp,
        Self::SetIp,
        Self::Taught,
        Self::OtherAidp,
        Self::NotAidp,
    ];

    /// In words, for lists, legends and comments.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Announcement => "announcement",
            Self::Reply => "reply",
            Self::Discover => "discover request",
            Self::TestIp => "test-IP request",
            Self::SetIp => "set-IP request",
            Self::Taught => "taught",
            Self::OtherAidp => "other AIDP",
            Self::NotAidp => "not AIDP",
        }
    }
}

/// How many of the newest datagrams are kept for the list.
pub const RECENT_KEPT: usize = 1_000;

/// One datagram of the list of the last ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenDatagram {
    /// Counts up, so that a list can keep its place.
    pub seq: u64,
    /// When.
    pub when: Timestamp,
    /// Which way it went.
    pub direction: Direction,
    /// The interface.
    pub interface: Arc<str>,
    /// Over which socket.
    pub channel: Channel,
    /// The sender.
    pub from: SocketAddr,
    /// The receiver, where it is known: of what was sent.
    pub to: Option<SocketAddr>,
    /// What it is.
    pub kind: DatagramKind,
    /// Its bytes.
    pub raw: RawDatagram,
}

/// How long one bar of the plot is.
pub const BUCKET_SECS: u64 = 5;

/// How many bars are kept: fifteen minutes.
pub const BUCKETS_KEPT: usize = 180;

/// Datagrams of one interface, one kind and one direction over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficSeries {
    /// The interface.
    pub interface: Arc<str>,
    /// What kind of datagram.
    pub kind: DatagramKind,
    /// Which way they went.
    pub direction: Direction,
    /// How many in each bar, the oldest first; as many as [`Traffic::num_buckets`].
    pub counts: Vec<u32>,
}

/// How much of what went over the watched ports, over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// When the last bar ends. Moves on in steps of [`BUCKET_SECS`] while something is heard.
    pub until: Timestamp,
    /// Bars, at most [`BUCKETS_KEPT`].
    pub num_buckets: usize,
    /// Sorted by interface, direction and kind. Only those that brought something.
    pub series: Vec<TrafficSeries>,
}
