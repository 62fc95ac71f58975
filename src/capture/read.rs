//! Reads capture files: pcap and pcapng, as tshark, tcpdump and Rollcall write them, as a stream. Gives the UDP datagrams
//! and the messages in TCP streams on the watched ports, and nothing else: most of a capture is other traffic, and what
//! is not wanted is dropped before anything is allocated for it.
//!
//! A packet goes from `window.rs` (bytes) through `packets.rs` (blocks; `interfaces.rs`, `options.rs`, `stamp.rs`), `link.rs`
//! and `ip.rs` (layers), `fragments.rs` where it came in parts, and `streams.rs` and `cutter.rs` where it is TCP.
//!
//! A capture is hostile: everything is bounded by constants, never by the size of the file or what it claims.

mod cutter;
mod envelope;
mod fragments;
mod interfaces;
mod ip;
mod link;
mod options;
mod packets;
mod stamp;
mod streams;
mod window;

use std::collections::BTreeSet;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use etherparse::{TcpHeaderSlice, UdpHeaderSlice};
use pcap_parser::OptionCode;

use super::error::{CaptureError, Skipped};
use super::{COMMENT_KEPT_BYTES, CaptureInterface, Datagram, Transport};
use crate::model::sighting::{RAW_KEPT_BYTES, RawDatagram};
use crate::model::traffic::Direction;
use envelope::Envelope;
use fragments::{FragmentKey, Fragments, Piece, Whole};
use ip::{Fragment, IpPacket, TCP, UDP, Upper};
use link::{Link, Vlans};
use packets::{Found, PacketFile};
pub use packets::{MAX_BLOCK_BYTES, MAX_PACKET_BYTES};
use stamp::Stamp;
use streams::{FlowKey, Segment, Streams};

/// The ports that are read when nobody says otherwise: install discovery and secure management.
pub const WATCHED_PORTS: [u16; 2] = [3502, 3211];

/// Why a packet is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unread {
    /// Another protocol, or nonsense.
    Other,
    /// The capture ends before its headers do.
    Short,
    /// The link layer is one that is not read.
    UnknownLinkType,
}

/// Reads a capture from the beginning to the end.
#[derive(Debug)]
pub struct CaptureReader<R> {
    file: PacketFile<R>,
    sorter: Sorter,
    /// Datagrams that were found and not given yet, the next one last.
    found: Vec<Datagram>,
    end: End,
}

/// How far reading came.
#[derive(Debug)]
enum End {
    /// There may be more.
    Open,
    /// What was damaged, to be said once everything before it was given.
    Failed(Box<CaptureError>),
    /// There is nothing more.
    Over,
}

impl<R: Read> CaptureReader<R> {
    /// Reads the header of the file. An empty file and one of another kind are refused here.
    pub fn new(source: R) -> Result<Self, CaptureError> {
        Ok(Self {
            file: PacketFile::new(source)?,
            sorter: Sorter {
                ports: Ports::These(WATCHED_PORTS.into_iter().collect()),
                kept_bytes: RAW_KEPT_BYTES,
                fragments: Fragments::default(),
                networks: Networks::default(),
                streams: Streams::default(),
                last_stamp: None,
                skipped: Skipped::default(),
            },
            found: Vec::new(),
            end: End::Open,
        })
    }

    /// Reads these ports too.
    #[must_use]
    pub fn watching(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        if let Ports::These(these) = &mut self.sorter.ports {
            these.extend(ports);
        }
        self
    }

    /// Reads every port: the file has only what is wanted.
    #[must_use]
    pub fn watching_everything(mut self) -> Self {
        self.sorter.ports = Ports::All;
        self
    }

    /// Keeps datagrams whole, whatever their length: for writing them again. Packets have a bound of their own.
    #[must_use]
    pub fn keeping_whole(mut self) -> Self {
        self.sorter.kept_bytes = usize::MAX;
        self
    }

    /// The next datagram or message. An error comes once, after everything before it was given; then there is nothing more.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would hide that an error is the end"
    )]
    pub fn next(&mut self) -> Result<Option<Datagram>, CaptureError> {
        loop {
            if let Some(datagram) = self.found.pop() {
                return Ok(Some(datagram));
            }
            match std::mem::replace(&mut self.end, End::Over) {
                End::Over => return Ok(None),
                End::Failed(error) => return Err(*error),
                End::Open => {}
            }
            let read = self.file.next().and_then(|found| {
                let is_more = found.is_some();
                if let Some(found) = found {
                    self.sorter.sort(&self.file, &found, &mut self.found)?;
                }
                Ok(is_more)
            });
            match read {
                Ok(true) => self.end = End::Open,
                Ok(false) => self.sorter.finish(&mut self.found),
                Err(error) => {
                    self.sorter.finish(&mut self.found);
                    self.end = End::Failed(Box::new(error));
                }
            }
            self.found.reverse();
        }
    }

    /// How many bytes of the file were read.
    pub fn bytes_read(&self) -> u64 {
        self.file.bytes_read()
    }

    /// How many packets were read, watched or not.
    pub const fn packets_read(&self) -> u64 {
        self.file.num_packets()
    }

    /// The interfaces that the file has described so far, over all its sections.
    pub fn interfaces(&self) -> &[CaptureInterface] {
        self.file.shown()
    }

    /// What was left out so far.
    pub fn skipped(&self) -> Skipped {
        Skipped {
            fragments_given_up: self.sorter.fragments.given_up,
            ..self.sorter.skipped.clone()
        }
    }
}

/// Which ports are watched.
#[derive(Debug)]
enum Ports {
    /// These.
    These(BTreeSet<u16>),
    /// All of them.
    All,
}

impl Ports {
    fn contains(&self, port: u16) -> bool {
        match self {
            Self::These(these) => these.contains(&port),
            Self::All => true,
        }
    }
}

/// Sorts out what is on the watched ports.
#[derive(Debug)]
struct Sorter {
    ports: Ports,
    /// How much of a datagram is kept.
    kept_bytes: usize,
    networks: Networks,
    fragments: Fragments,
    streams: Streams,
    /// For packets without a time of their own.
    last_stamp: Option<Stamp>,
    skipped: Skipped,
}

/// The layers of a packet down to what IP carries.
#[derive(Clone, Copy, Debug)]
struct Layers<'a> {
    link: Link<'a>,
    from: IpAddr,
    to: IpAddr,
    upper: Upper<'a>,
}

impl<'a> Layers<'a> {
    fn open(link_type: u16, bytes: &'a [u8]) -> Result<Self, Unread> {
        let link = link::open(link_type, bytes)?;
        let IpPacket { from, to, upper } = ip::open(link.ip)?;
        Ok(Self {
            link,
            from,
            to,
            upper,
        })
    }
}

impl Sorter {
    fn sort<R: Read>(
        &mut self,
        file: &PacketFile<R>,
        found: &Found,
        datagrams: &mut Vec<Datagram>,
    ) -> Result<(), CaptureError> {
        if found.stamp.is_some() {
            self.last_stamp = found.stamp;
        }
        let bytes = file.view().get(found.bytes.clone()).unwrap_or_default();
        let link_type = file.interface(found.interface_idx).link_type;
        let mut layers = match Layers::open(link_type, bytes) {
            Ok(layers) => layers,
            Err(Unread::UnknownLinkType) => {
                self.skipped.link_type(link_type);
                return Ok(());
            }
            Err(Unread::Short) => {
                self.skipped.cut += u64::from(bytes.len() < found.full_len as usize);
                return Ok(());
            }
            Err(Unread::Other) => return Ok(()),
        };
        let Some(fragment) = layers.upper.fragment else {
            return self.deliver(file, found, layers, datagrams);
        };
        let Some(whole) = self.add_fragment(found, layers, fragment) else {
            return Ok(());
        };
        // Only IPv6 has extension headers behind the one for fragments.
        match upper_of(layers.from, whole.protocol, &whole.bytes, whole.bytes.len()) {
            Ok(upper) if upper.fragment.is_none() => {
                layers.upper = upper;
                self.deliver(file, found, layers, datagrams)
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn finish(&mut self, datagrams: &mut Vec<Datagram>) {
        self.fragments.finish();
        self.streams.finish(datagrams, &mut self.skipped);
    }

    fn add_fragment(
        &mut self,
        found: &Found,
        layers: Layers<'_>,
        fragment: Fragment,
    ) -> Option<Whole> {
        let Layers {
            link,
            from,
            to,
            upper,
        } = layers;
        // What carries neither is not worth a look; of IPv6 the protocol may hide behind an extension header.
        if from.is_ipv4() && upper.protocol != UDP && upper.protocol != TCP {
            return None;
        }
        let key = FragmentKey {
            interface_idx: found.interface_idx,
            vlans: link.vlans,
            from,
            to,
            protocol: from.is_ipv4().then_some(upper.protocol),
            id: fragment.id,
        };
        let piece = Piece {
            protocol: upper.protocol,
            fragment,
            bytes: upper.payload,
            is_cut: upper.payload.len() < upper.full_len,
        };
        let ports = &self.ports;
        let when = self.last_stamp.map(Stamp::when).unwrap_or_default();
        self.fragments.add(key, when, piece, |protocol, payload| {
            upper_of(from, protocol, payload, payload.len())
                .is_ok_and(|upper| is_wanted(ports, &upper).is_some())
        })
    }

    /// Gives a whole UDP datagram or TCP segment on, if it is on a watched port.
    fn deliver<R: Read>(
        &mut self,
        file: &PacketFile<R>,
        found: &Found,
        layers: Layers<'_>,
        datagrams: &mut Vec<Datagram>,
    ) -> Result<(), CaptureError> {
        let upper = layers.upper;
        let Some((from_port, to_port)) = is_wanted(&self.ports, &upper) else {
            return Ok(());
        };
        let mut described = Described::default();
        for option in file.options(found) {
            option
                .map(|(code, value)| described.add(code, value, file.is_big_endian()))
                .map_err(|damage| file.damaged_packet(damage))?;
        }
        self.skipped.cut += u64::from(upper.payload.len() < upper.full_len);
        self.skipped.without_time += u64::from(found.stamp.is_none());
        let transport = if upper.protocol == UDP {
            Transport::Udp
        } else {
            Transport::Tcp
        };
        let Layers { link, from, to, .. } = layers;
        let name = &file.interface(found.interface_idx).name;
        let envelope = Envelope {
            packet: file.num_packets(),
            when: self.last_stamp.map(Stamp::when).unwrap_or_default(),
            interface: self.networks.name(found.interface_idx, link.vlans, name),
            vlan: link.vlans.outermost(),
            direction: described.direction.or(link.direction),
            transport,
            from: SocketAddr::new(from, from_port),
            to: SocketAddr::new(to, to_port),
            sender_mac: link.sender_mac,
            comment: described.comment,
        };
        if transport == Transport::Udp {
            if let Some(raw) = udp_payload(&upper, self.kept_bytes) {
                datagrams.push(envelope.into_datagram(raw));
            }
            return Ok(());
        }
        let Some(segment) = segment_of(&upper) else {
            return Ok(());
        };
        if file.is_own() {
            // One segment is one message, whole or not; the packet says how long one was that does not fit.
            let before = found.bytes.len() - segment.bytes.len().min(found.bytes.len());
            let full_len = (found.full_len as usize).saturating_sub(before);
            datagrams.push(envelope.into_datagram(kept(segment.bytes, full_len, self.kept_bytes)));
            return Ok(());
        }
        let key = FlowKey {
            interface_idx: found.interface_idx,
            vlans: link.vlans,
            from: envelope.from,
            to: envelope.to,
        };
        self.streams
            .add(key, segment, envelope, datagrams, &mut self.skipped);
        Ok(())
    }
}

/// The ports, when one of them is watched.
fn is_wanted(ports: &Ports, upper: &Upper<'_>) -> Option<(u16, u16)> {
    if upper.protocol != UDP && upper.protocol != TCP {
        return None;
    }
    let &[from_0, from_1, to_0, to_1, ..] = upper.payload else {
        return None;
    };
    let (from, to) = (
        u16::from_be_bytes([from_0, from_1]),
        u16::from_be_bytes([to_0, to_1]),
    );
    (ports.contains(from) || ports.contains(to)).then_some((from, to))
}

/// What the payload of a fragment or a datagram begins with.
fn upper_of(
    from: IpAddr,
    protocol: u8,
    payload: &[u8],
    full_len: usize,
) -> Result<Upper<'_>, Unread> {
    if from.is_ipv6() {
        return ip::extensions(protocol, payload, full_len);
    }
    Ok(Upper {
        protocol,
        payload,
        full_len,
        fragment: None,
    })
}

/// What the capture has of a datagram, and how long its header says that it was.
fn udp_payload(upper: &Upper<'_>, kept_bytes: usize) -> Option<RawDatagram> {
    let header = UdpHeaderSlice::from_slice(upper.payload).ok()?;
    let header_bytes = header.slice().len();
    let room = upper.full_len.saturating_sub(header_bytes);
    // A length of 0 is one that the network adapter was to fill in.
    let full_len = match usize::from(header.length()) {
        0 => room,
        length => length.saturating_sub(header_bytes).min(room),
    };
    Some(kept(&upper.payload[header_bytes..], full_len, kept_bytes))
}

/// Of `bytes` what belongs to a datagram of `full_len` and may be kept.
fn kept(bytes: &[u8], full_len: usize, kept_bytes: usize) -> RawDatagram {
    RawDatagram {
        bytes: Arc::from(&bytes[..bytes.len().min(full_len).min(kept_bytes)]),
        full_len: u32::try_from(full_len).unwrap_or(u32::MAX),
    }
}

fn segment_of<'a>(upper: &Upper<'a>) -> Option<Segment<'a>> {
    let header = TcpHeaderSlice::from_slice(upper.payload).ok()?;
    let header_bytes = header.slice().len();
    Some(Segment {
        sequence: header.sequence_number(),
        is_syn: header.syn(),
        is_fin: header.fin(),
        is_reset: header.rst(),
        bytes: &upper.payload[header_bytes..],
        full_len: upper.full_len.saturating_sub(header_bytes),
    })
}

/// What the options of a packet say.
#[derive(Debug, Default)]
struct Described {
    direction: Option<Direction>,
    comment: String,
}

impl Described {
    /// `epb_flags`, with the direction in the two lowest bits.
    const FLAGS: OptionCode = OptionCode(2);

    fn add(&mut self, code: OptionCode, value: &[u8], is_big_endian: bool) {
        if code == OptionCode::Comment {
            let room = COMMENT_KEPT_BYTES.saturating_sub(self.comment.len());
            let text = String::from_utf8_lossy(&value[..value.len().min(room)]);
            if !self.comment.is_empty() && !text.is_empty() {
                self.comment.push('\n');
            }
            self.comment.push_str(&text);
        } else if code == Self::FLAGS
            && let [first, .., last] = value
        {
            let lowest = if is_big_endian { last } else { first };
            self.direction = match lowest & 0b11 {
                1 => Some(Direction::Heard),
                2 => Some(Direction::Sent),
                _ => None,
            };
        }
    }
}

/// The names of networks: an interface and the VLANs on it.
#[derive(Debug, Default)]
struct Networks(Vec<(usize, Vlans, Arc<str>)>);

impl Networks {
    /// How many are remembered. What is over is put together for every datagram.
    const MAX_KEPT: usize = 64;

    fn name(&mut self, interface_idx: usize, vlans: Vlans, interface: &Arc<str>) -> Arc<str> {
        if vlans.is_empty() {
            return Arc::clone(interface);
        }
        let known = self
            .0
            .iter()
            .find(|(idx, tags, _)| *idx == interface_idx && *tags == vlans);
        if let Some((_, _, name)) = known {
            return Arc::clone(name);
        }
        let mut name = interface.to_string();
        for id in vlans.ids() {
            name.push('.');
            name.push_str(&id.to_string());
        }
        let name = Arc::from(name);
        if self.0.len() < Self::MAX_KEPT {
            self.0.push((interface_idx, vlans, Arc::clone(&name)));
        }
        name
    }
}
