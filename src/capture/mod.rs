//! Capture files, bytes to datagrams and back: pcap and pcapng from Rollcall, tshark, tcpdump. No files, no clock: it reads
//! from and writes to what it is given.
//!
//! `read.rs` takes captures apart, `write.rs` puts them together, `error.rs` says what is wrong with a file and counts what
//! was left out of a good one.

mod error;
mod read;
mod write;

pub use error::{CaptureError, Damage, Place, Skipped, Unit};
pub use read::{CaptureReader, MAX_BLOCK_BYTES, MAX_PACKET_BYTES, WATCHED_PORTS};
pub use write::{CaptureWriter, WriterNote};

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::model::identity::Mac;
use crate::model::network::Network;
use crate::model::sighting::RawDatagram;
use crate::model::time::Timestamp;
use crate::model::traffic::Direction;

/// The endings of capture files, without the dot.
pub const CAPTURE_EXTENSIONS: [&str; 3] = ["pcapng", "pcap", "cap"];

/// Whether a file is a capture by its ending.
pub fn is_capture(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| {
        CAPTURE_EXTENSIONS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

/// How a datagram, or a message in a stream, was carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// One UDP datagram.
    Udp,
    /// Bytes of a TCP stream, in order.
    Tcp,
}

/// A network that a capture was made on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureInterface {
    /// Its name; empty where the file gives none.
    pub name: String,
    /// What it is, in words: its addresses, where they are known.
    pub description: String,
    /// Its own MAC.
    pub mac: Option<Mac>,
    /// The addresses of whoever captured, with their networks.
    pub networks: Vec<Network>,
}

/// A datagram on its way into a capture file.
#[derive(Clone, Debug)]
pub struct Record {
    /// When it was heard or sent.
    pub when: Timestamp,
    /// Index into the interfaces of the file.
    pub interface_idx: u32,
    /// Which way it went.
    pub direction: Direction,
    /// How it was carried.
    pub transport: Transport,
    /// The sender.
    pub from: SocketAddr,
    /// The receiver; the address of the laptop on that network where a socket does not tell.
    pub to: SocketAddr,
    /// Its bytes.
    pub payload: Arc<[u8]>,
    /// What Rollcall made of it, for the packet's comment.
    pub comment: String,
}

/// A datagram from a capture file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The number of its packet in the file, from 1, as tshark counts. Of a fragmented one, the last fragment's.
    pub packet: u64,
    /// When it was captured.
    pub when: Timestamp,
    /// The network: the interface of the file and the VLAN tags, as one name ("eth0", "eth0.120").
    pub interface: Arc<str>,
    /// The outermost VLAN.
    pub vlan: Option<u16>,
    /// Which way it went, where the file tells.
    pub direction: Option<Direction>,
    /// How it was carried.
    pub transport: Transport,
    /// The sender.
    pub from: SocketAddr,
    /// The receiver.
    pub to: SocketAddr,
    /// The sender's MAC on its last hop, where the file has link-layer addresses.
    pub sender_mac: Option<Mac>,
    /// Its bytes, kept up to the limit of [`RawDatagram`].
    pub raw: RawDatagram,
    /// The comments of its packet, one a line; of a file that Rollcall wrote, what it made of the datagram.
    pub comment: String,
}

/// How the name of the program begins in the files that Rollcall writes.
pub const APPLICATION: &str = "Rollcall ";

/// How many bytes of a packet's comment are written and read.
pub const COMMENT_KEPT_BYTES: usize = 4_096;
