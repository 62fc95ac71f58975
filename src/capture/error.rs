//! What is wrong with a capture file, and where; and what was left out of one that is well.

use std::collections::BTreeSet;
use std::fmt;
use std::io;

use thiserror::Error;

/// Why a capture was not read, or not read on. What came before the place was returned.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// Neither pcap nor pcapng.
    #[error("not a capture file, {0}")]
    NotACapture(Beginning),
    /// The file contradicts itself, or ends too early.
    #[error("{place}: {damage}")]
    Damaged {
        /// Where.
        place: Place,
        /// What is wrong there.
        damage: Damage,
    },
    /// The source failed.
    #[error("{place}: cannot be read")]
    Read {
        /// How far it went.
        place: Place,
        /// What the source said.
        #[source]
        source: io::Error,
    },
    /// The target failed.
    #[error("the capture cannot be written")]
    Write(#[source] io::Error),
    /// A record on a network that the file was not told of.
    #[error("a record for interface {idx} of {known}")]
    NoSuchInterface {
        /// The index of the record.
        idx: u32,
        /// How many interfaces the file has.
        known: u32,
    },
}

/// How a file begins that is no capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    bytes: [u8; 4],
    len: usize,
}

impl Beginning {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut kept = [0; 4];
        let len = bytes.len().min(kept.len());
        kept[..len].copy_from_slice(&bytes[..len]);
        Self { bytes: kept, len }
    }
}

impl fmt::Display for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = &self.bytes[..self.len];
        match found {
            [] => f.write_str("it is empty"),
            [0x1F, 0x8B, ..] => f.write_str("it is compressed with gzip"),
            [0x28, 0xB5, 0x2F, 0xFD] => f.write_str("it is compressed with zstd"),
            _ => {
                f.write_str("it begins with the bytes")?;
                found.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
            }
        }
    }
}

/// A place in a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What is counted.
    pub unit: Unit,
    /// Its number, from 1.
    pub number: u64,
    /// Where it begins, in bytes from the start of the file.
    pub offset_bytes: u64,
}

/// What the number of a [`Place`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Packets, as tshark counts them.
    Packet,
    /// Blocks of a pcapng file, packets among them.
    Block,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Packet => "packet",
            Unit::Block => "block",
        };
        write!(f, "{unit} {} at byte {}", self.number, self.offset_bytes)
    }
}

/// What is wrong at a [`Place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    #[error("block of {len_bytes} bytes is longer than {max_bytes}")]
    BlockTooLong { len_bytes: u32, max_bytes: u32 },
    #[error("block of {len_bytes} bytes is shorter than {min_bytes}")]
    BlockTooShort { len_bytes: u32, min_bytes: u32 },
    #[error("block of {len_bytes} bytes, which is not a multiple of 4")]
    BlockUneven { len_bytes: u32 },
    #[error("block of {len_bytes} bytes that ends as one of {again_bytes}")]
    LengthsDiffer { len_bytes: u32, again_bytes: u32 },
    #[error("packet of {len_bytes} bytes is longer than {max_bytes}")]
    PacketTooLong { len_bytes: u32, max_bytes: u32 },
    #[error("packet of {len_bytes} bytes in a block with room for {room_bytes}")]
    PacketOverrun { len_bytes: u32, room_bytes: u32 },
    #[error("the file ends after {found_bytes} of {wanted_bytes} bytes")]
    Truncated {
        wanted_bytes: usize,
        found_bytes: usize,
    },
    #[error("option {code} of {len_bytes} bytes runs past its block by {over_bytes}")]
    OptionOverrun {
        code: u16,
        len_bytes: u16,
        over_bytes: usize,
    },
    #[error("interface {id} of {known}")]
    UnknownInterface { id: u32, known: usize },
    #[error("more than {max} interfaces")]
    TooManyInterfaces { max: usize },
    #[error("the byte order mark is {mark:08x}")]
    ByteOrder { mark: u32 },
    #[error("version {major}.{minor} of the format is unknown")]
    Version { major: u16, minor: u16 },
}

/// How many link types are named in [`Skipped`].
const LINK_TYPES_NAMED: usize = 8;

/// What was left out of a capture, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Packets of a link type that is not read.
    pub unknown_link_type: u64,
    /// Which link types these were; the first few.
    pub link_types: BTreeSet<u16>,
    /// Datagrams and segments that the capture holds only the beginning of: returned as far as they go, except where
    /// even the ports are missing.
    pub cut: u64,
    /// Fragmented datagrams that never became whole, or whose fragments disagree.
    pub fragments_given_up: u64,
    /// Places where bytes of a TCP stream are missing.
    pub stream_gaps: u64,
    /// TCP streams that are not AIDP: their first bytes were returned, what followed was not.
    pub streams_ignored: u64,
    /// TCP streams that were put aside since too many were open.
    pub streams_put_aside: u64,
    /// Datagrams without a time of their own: they have that of the packet before.
    pub without_time: u64,
}

impl Skipped {
    pub(super) fn link_type(&mut self, link_type: u16) {
        self.unknown_link_type += 1;
        if self.link_types.len() < LINK_TYPES_NAMED {
            self.link_types.insert(link_type);
        }
    }

    /// Whether nothing was left out.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// In words, a sentence each; none where nothing was left out.
    pub fn sentences(&self) -> Vec<String> {
        let types: Vec<String> = self.link_types.iter().map(u16::to_string).collect();
        let link_types = format!("of a link type that is not read ({})", types.join(", "));
        let counted = [
            (self.unknown_link_type, "packet", link_types.as_str()),
            (
                self.cut,
                "packet",
                "the capture holds only the beginning of",
            ),
            (
                self.fragments_given_up,
                "fragmented datagram",
                "that never became whole",
            ),
            (
                self.stream_gaps,
                "place",
                "where bytes of a TCP stream are missing",
            ),
            (
                self.streams_ignored,
                "TCP stream",
                "with bytes that are not AIDP, of which only the beginning is shown",
            ),
            (
                self.streams_put_aside,
                "TCP stream",
                "put aside since too many were open",
            ),
            (
                self.without_time,
                "datagram",
                "without a time, shown with that of the packet before",
            ),
        ];
        counted
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, unit, what)| {
                let plural = if count == 1 { "" } else { "s" };
                format!("{count} {unit}{plural} {what}")
            })
            .collect()
    }
}
