//! Everything that goes over the watched ports, as it goes: the newest datagrams for the list, how many of what kind over
//! time, and the ring that a capture is saved from. Listeners and whoever sends write into it; the actor reads.
//!
//! One lock, held for as long as it takes to copy one datagram, or the parts that the actor saves or publishes; never across
//! an await.

mod ring;
mod tallies;

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use ring::{RING_BYTES, Ring, Segment, Unsaved};
pub(super) use tallies::Tallies;

use super::hearing::Item;
use crate::capture::{CaptureInterface, Record, Transport};
use crate::model::sighting::{Channel, RawDatagram, Sighting, Source, Stray, StrayReason};
use crate::model::time::Timestamp;
use crate::model::traffic::{DatagramKind, Direction, RECENT_KEPT, SeenDatagram, Traffic};
use crate::wire::{Kind, Rejection};

/// An interface as captures name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedInterface {
    /// How the file names it.
    pub shown: CaptureInterface,
    /// Our address on it, for the destination of what was heard.
    pub ip: Option<Ipv4Addr>,
}

/// Where everything that goes over the watched ports is noted.
#[derive(Debug, Default)]
pub struct Recorder {
    /// Whether the ring takes anything.
    is_capturing: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    interfaces: HashMap<Arc<str>, RecordedInterface>,
    next_seq: u64,
    recent: VecDeque<Arc<SeenDatagram>>,
    tallies: Tallies,
    ring: Ring,
}

/// A datagram that left, or a message.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// By which interface.
    pub interface: &'a Arc<str>,
    /// Over which socket.
    pub channel: Channel,
    /// Our port.
    pub port: u16,
    /// To whom.
    pub to: SocketAddr,
    /// When.
    pub when: Timestamp,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Where something came in.
#[derive(Clone, Copy, Debug)]
pub struct CameIn<'a> {
    /// By which interface.
    pub interface: &'a Arc<str>,
    /// Over which socket.
    pub channel: Channel,
    /// Our port.
    pub port: u16,
    /// From whom.
    pub from: SocketAddr,
    /// When.
    pub when: Timestamp,
}

impl Recorder {
    /// With the ring switched on or off.
    pub fn new(is_capturing: bool) -> Self {
        let recorder = Self::default();
        recorder.set_capturing(is_capturing);
        recorder
    }

    /// Switches the ring. What is in it stays.
    pub fn set_capturing(&self, is_on: bool) {
        self.is_capturing.store(is_on, Ordering::Relaxed);
    }

    /// Whether the ring takes what comes.
    pub fn is_capturing(&self) -> bool {
        self.is_capturing.load(Ordering::Relaxed)
    }

    /// The interfaces as they are now. Those that are gone are kept for what is in the ring.
    pub fn set_interfaces(
        &self,
        interfaces: impl IntoIterator<Item = (Arc<str>, RecordedInterface)>,
    ) {
        let mut inner = self.lock();
        for (name, interface) in interfaces {
            inner.interfaces.insert(name, interface);
        }
    }

    /// Notes what came in, and what it came to: the first item of it says what it is.
    pub fn heard(&self, came: CameIn<'_>, bytes: &[u8], item: &Item) {
        let (kind, raw) = kind_of(item);
        let words = || comment(kind, item);
        self.note(Noted {
            direction: Direction::Heard,
            interface: came.interface,
            channel: came.channel,
            port: came.port,
            other: came.from,
            when: came.when,
            kind,
            raw: raw.clone(),
            bytes,
            words: &words,
        });
    }

    /// Notes what left.
    pub fn sent(&self, sent: Sent<'_>) {
        let words = || comment_of(DatagramKind::Discover);
        self.note(Noted {
            direction: Direction::Sent,
            interface: sent.interface,
            channel: sent.channel,
            port: sent.port,
            other: sent.to,
            when: sent.when,
            kind: DatagramKind::Discover,
            raw: RawDatagram::keep(sent.bytes),
            bytes: sent.bytes,
            words: &words,
        });
    }

    /// Notes a message that left by TCP; the interface is the one that has our end's address.
    pub fn sent_by_tcp(&self, local: SocketAddr, to: SocketAddr, when: Timestamp, bytes: &[u8]) {
        let interface = {
            let inner = self.lock();
            let has_ip = |(_, interface): &(&Arc<str>, &RecordedInterface)| {
                interface.ip.map(IpAddr::V4) == Some(local.ip().to_canonical())
            };
            let found = inner.interfaces.iter().find(has_ip);
            found.map(|(name, _)| Arc::clone(name))
        };
        let Some(interface) = interface else { return };
        self.sent(Sent {
            interface: &interface,
            channel: Channel::Tcp3502,
            port: local.port(),
            to,
            when,
            bytes,
        });
    }

    fn note(&self, noted: Noted<'_>) {
        let comment = self.is_capturing().then(|| (noted.words)());
        let mut inner = self.lock();
        let inner = &mut *inner;
        inner.next_seq += 1;
        inner
            .tallies
            .count(noted.interface, noted.kind, noted.direction, noted.when);
        let local = local_end(
            inner.interfaces.get(noted.interface),
            noted.other,
            noted.port,
        );
        let (from, to) = match noted.direction {
            Direction::Heard => (noted.other, local),
            Direction::Sent => (local, noted.other),
        };
        if inner.recent.len() == RECENT_KEPT {
            inner.recent.pop_front();
        }
        inner.recent.push_back(Arc::new(SeenDatagram {
            seq: inner.next_seq,
            when: noted.when,
            direction: noted.direction,
            interface: Arc::clone(noted.interface),
            channel: noted.channel,
            from,
            to: (noted.direction == Direction::Sent).then_some(to),
            kind: noted.kind,
            raw: noted.raw.clone(),
        }));
        if let Some(comment) = comment {
            let payload = if noted.raw.is_cut() {
                Arc::from(noted.bytes)
            } else {
                noted.raw.bytes
            };
            let shown = inner
                .interfaces
                .get(noted.interface)
                .map(|here| &here.shown);
            let record = Record {
                when: noted.when,
                interface_idx: 0,
                direction: noted.direction,
                transport: if noted.channel == Channel::Tcp3502 {
                    Transport::Tcp
                } else {
                    Transport::Udp
                },
                from,
                to,
                payload,
                comment,
            };
            inner.ring.push(noted.interface, shown, record);
        }
    }

    /// The newest datagrams, oldest first; `None` when there is none newer than `seq`.
    pub fn recent_since(&self, seq: u64) -> Option<(u64, Vec<Arc<SeenDatagram>>)> {
        let inner = self.lock();
        (inner.next_seq != seq).then(|| (inner.next_seq, inner.recent.iter().cloned().collect()))
    }

    /// How much of what, over time.
    pub fn traffic(&self) -> Traffic {
        self.lock().tallies.traffic()
    }

    /// Does something with the ring.
    pub fn with_ring<T>(&self, act: impl FnOnce(&mut Ring) -> T) -> T {
        act(&mut self.lock().ring)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The local port of a socket; 0 when the system does not tell.
pub(super) fn port_of(socket: &tokio::net::UdpSocket) -> u16 {
    socket.local_addr().map_or(0, |local| local.port())
}

/// One datagram on its way into the record.
struct Noted<'a> {
    direction: Direction,
    interface: &'a Arc<str>,
    channel: Channel,
    port: u16,
    other: SocketAddr,
    when: Timestamp,
    kind: DatagramKind,
    raw: RawDatagram,
    bytes: &'a [u8],
    words: &'a dyn Fn() -> String,
}

/// Our end: a socket does not tell what a datagram was sent to, so it is our address on that network.
fn local_end(interface: Option<&RecordedInterface>, other: SocketAddr, port: u16) -> SocketAddr {
    let own = interface.and_then(|interface| interface.ip);
    let ip = match other.ip() {
        IpAddr::V4(_) => IpAddr::V4(own.unwrap_or(Ipv4Addr::UNSPECIFIED)),
        IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => {
            IpAddr::V4(own.unwrap_or(Ipv4Addr::UNSPECIFIED))
        }
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(ip, port)
}

/// What kind of datagram an item came from.
fn kind_of(item: &Item) -> (DatagramKind, &RawDatagram) {
    match item {
        Item::Sighting(sighting) => (kind_of_source(sighting.source), &sighting.raw),
        Item::Stray(stray) => (kind_of_stray(stray), &stray.raw),
        Item::Request(request) => {
            let kind = match request.kind {
                Kind::TestIpRequest => DatagramKind::TestIp,
                Kind::SetIpRequest => DatagramKind::SetIp,
                _ => DatagramKind::Discover,
            };
            (kind, &request.raw)
        }
    }
}

const fn kind_of_source(source: Source) -> DatagramKind {
    match source {
        Source::Announcement => DatagramKind::Announcement,
        Source::Taught => DatagramKind::Taught,
        Source::Undecoded => DatagramKind::NotAidp,
        _ => DatagramKind::Reply,
    }
}

const fn kind_of_stray(stray: &Stray) -> DatagramKind {
    match &stray.reason {
        StrayReason::Rejected(Rejection::NotAidp { .. }) => DatagramKind::NotAidp,
        StrayReason::Rejected(_) | StrayReason::OtherType(_) => DatagramKind::OtherAidp,
        StrayReason::NoIdentity => DatagramKind::Reply,
    }
}

/// What every comment begins with.
const COMMENT: &str = "Rollcall: ";

/// The shortest comment that tells a kind.
pub(super) fn comment_of(kind: DatagramKind) -> String {
    format!("{COMMENT}{}", kind.word())
}

/// The kind that a packet's comment names, when Rollcall wrote it.
pub(super) fn kind_in(comment: &str) -> Option<DatagramKind> {
    let words = comment.strip_prefix(COMMENT)?;
    DatagramKind::ALL
        .into_iter()
        .find(|kind| match words.strip_prefix(kind.word()) {
            Some(rest) => rest.is_empty() || rest.starts_with(','),
            None => false,
        })
}

/// The kind of what an item came from, and the comment for a capture.
pub(super) fn judged(item: &Item) -> (DatagramKind, String) {
    let (kind, _) = kind_of(item);
    (kind, comment(kind, item))
}

/// What Rollcall made of a datagram, for the packet's comment in a capture. Writing to a string cannot fail.
fn comment(kind: DatagramKind, item: &Item) -> String {
    let mut words = comment_of(kind);
    match item {
        Item::Sighting(sighting) => say_sighting(sighting, &mut words),
        Item::Stray(stray) => {
            words.push_str(", ");
            words.push_str(stray.reason.word());
        }
        Item::Request(request) => {
            words.push_str(", of another searcher");
            if let Some(mac) = request.meant {
                let _ = write!(words, ", means {mac}");
            }
        }
    }
    words
}

fn say_sighting(sighting: &Sighting, words: &mut String) {
    if let Some(taught) = &sighting.claims.taught {
        words.push_str(", by ");
        words.push_str(&taught.decoder);
    }
    if sighting.source == Source::SweepReply {
        words.push_str(", to a sweep");
    }
    if let Some(mac) = sighting.claims.mac {
        let _ = write!(words, ", {mac}");
    }
    if let Some(ip) = sighting.effective_ip() {
        let _ = write!(words, ", {ip}");
    }
}

#[cfg(test)]
mod tests;
