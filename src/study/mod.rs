//! What the datagrams of one unit say about the open questions of the protocol: the statements that no capture confirms,
//! a verdict on each, what was seen of every message type, and the file with all of it that a person can send to the
//! project. No files, no clock.
//!
//! What is confirmed here is confirmed of the unit that sent the bytes. A simulated unit, or a program that pretends to be
//! one, confirms what its author assumed.

mod files;
mod json;
mod judging;
mod mask;
mod messages;
mod reading;
pub mod statements;
mod text;

pub use files::StudyError;
pub use judging::{Judgment, REASONS_KEPT, Verdict, judge};
pub use messages::{FieldSeen, MessageSeen, Summary, UndecodedSeen};

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::model::identity::Mac;
use crate::model::sighting::{Channel, RAW_KEPT_BYTES};
use crate::model::time::Timestamp;
use crate::model::traffic::Direction;

/// The unit that is studied, as far as it is known without the datagrams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StudiedUnit {
    /// Its name.
    pub name: String,
    /// Its MAC.
    pub mac: Option<Mac>,
    /// Its address.
    pub ip: Option<Ipv4Addr>,
    /// What it is, as the catalog, an import or a person calls it. Left out of a masked study.
    pub product: String,
    /// Its sysObjectID, when SNMP brought it.
    pub sys_object_id: Option<String>,
    /// Its serial number, when it is known: only so that it can be masked.
    pub serial: Option<String>,
}

/// One datagram from or to the unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudiedDatagram {
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
    /// The receiver, where it is known.
    pub to: Option<SocketAddr>,
    /// Its bytes, as far as they were kept.
    pub bytes: Arc<[u8]>,
    /// Whether it came without having been asked for (a discover reply with no request in the 15 s before).
    pub is_unasked: bool,
}

/// What the datagrams of one unit say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Study {
    /// The unit.
    pub unit: StudiedUnit,
    /// When it was gathered.
    pub when: Timestamp,
    /// Its datagrams, oldest first, at most [`DATAGRAMS_STUDIED`]; [`Study::new`] sees to it.
    pub datagrams: Vec<StudiedDatagram>,
}

/// How many datagrams of a unit are looked at: the newest.
pub const DATAGRAMS_STUDIED: usize = 2_000;

impl Study {
    /// A study of the newest of these datagrams, which come oldest first; of each no more bytes than are kept of any.
    pub fn new(unit: StudiedUnit, when: Timestamp, mut datagrams: Vec<StudiedDatagram>) -> Self {
        datagrams.drain(..datagrams.len().saturating_sub(DATAGRAMS_STUDIED));
        for datagram in &mut datagrams {
            if let Some(kept) = datagram.bytes.get(..RAW_KEPT_BYTES)
                && datagram.bytes.len() > RAW_KEPT_BYTES
            {
                datagram.bytes = Arc::from(kept);
            }
        }
        Self {
            unit,
            when,
            datagrams,
        }
    }
}
