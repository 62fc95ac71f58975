//! One thing heard about a unit, as the listeners hand it to the registry, and the shorter form
//! of it that is kept as evidence.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::identity::Mac;
use super::time::Timestamp;
use crate::wire::{Claimed, DiscoverReply, Rejection, Remarks};

/// How many bytes of one datagram are kept (rules, "Hostile senders").
pub const RAW_KEPT_BYTES: usize = 2048;

/// How many characters of a text field are kept; a longer one ends with [`CUT_MARK`].
pub const TEXT_KEPT_CHARS: usize = 256;

/// Ends a text field that was cut.
pub const CUT_MARK: char = '…';

/// Who said something about a unit. Sorts by how directly it was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A discover reply that nobody asked for: the unit came up (aidp.md, "Discover reply").
    Announcement,
    /// A discover reply to a search.
    Reply,
    /// A discover reply to a question that was sent to this one address.
    SweepReply,
    /// A discover reply over TCP 3502.
    TcpReply,
    /// A datagram that is not AIDP, read by a decoder that a person taught.
    Taught,
    /// A datagram that could not be decoded, but tells of its sender.
    Undecoded,
    /// It answered SNMP.
    Snmp,
    /// It answered a TLS handshake.
    Tls,
    /// It served a web page.
    Http,
    /// It answered SSH.
    Ssh,
    /// It answered Telnet.
    Telnet,
    /// It has open TCP ports.
    Ports,
    /// The operating system resolved its address (ARP, ND).
    Neighbors,
    /// An inventory file.
    Import,
    /// A person typed it.
    Person,
}

impl Source {
    /// Every source, in order.
    pub const ALL: [Self; 15] = [
        Self::Announcement,
        Self::Reply,
        Self::SweepReply,
        Self::TcpReply,
        Self::Taught,
        Self::Undecoded,
        Self::Snmp,
        Self::Tls,
        Self::Http,
        Self::Ssh,
        Self::Telnet,
        Self::Ports,
        Self::Neighbors,
        Self::Import,
        Self::Person,
    ];

    /// The word in the grid's "heard by" column and in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Announcement => "announcement",
            Self::Reply => "reply",
            Self::SweepReply => "sweep",
            Self::TcpReply => "tcp",
            Self::Taught => "taught",
            Self::Undecoded => "undecoded",
            Self::Snmp => "snmp",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::Telnet => "telnet",
            Self::Ports => "ports",
            Self::Neighbors => "neighbors",
            Self::Import => "file",
            Self::Person => "person",
        }
    }

    /// Reads [`Source::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.word() == word)
    }

    /// Whether the unit was asked at its own address, which may be behind a router.
    pub const fn is_routed(self) -> bool {
        matches!(
            self,
            Self::SweepReply
                | Self::TcpReply
                | Self::Snmp
                | Self::Tls
                | Self::Http
                | Self::Ssh
                | Self::Telnet
                | Self::Ports
        )
    }

    /// Whether it came by the discovery port.
    pub const fn is_aidp(self) -> bool {
        matches!(
            self,
            Self::Announcement
                | Self::Reply
                | Self::SweepReply
                | Self::TcpReply
                | Self::Taught
                | Self::Undecoded
        )
    }

    /// Whether it came over the network.
    pub const fn is_heard(self) -> bool {
        !matches!(self, Self::Import | Self::Person)
    }
}

/// The way a datagram came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The socket bound to UDP 3502.
    Udp3502,
    /// The socket bound to UDP 3211.
    Udp3211,
    /// The socket that asks, on a port of its own.
    UdpAsking,
    /// A TCP connection on port 3502.
    Tcp3502,
}

impl Channel {
    /// Every channel, in order.
    pub const ALL: [Self; 4] = [Self::Udp3502, Self::Udp3211, Self::UdpAsking, Self::Tcp3502];

    /// In words, as the evidence list shows it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Udp3502 => "UDP 3502",
            Self::Udp3211 => "UDP 3211",
            Self::UdpAsking => "UDP, own port",
            Self::Tcp3502 => "TCP 3502",
        }
    }
}

/// What a unit claims of itself. Texts are cut, nothing is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Field 2. `None` when absent or unreadable.
    pub mac: Option<Mac>,
    /// Field 3.
    pub ip: ClaimedIp,
    /// Field 4.
    pub mask: ClaimedIp,
    /// Field 5.
    pub gateway: ClaimedIp,
    /// Field 6, cut at [`TEXT_KEPT_CHARS`].
    pub host_name: Option<String>,
    /// Field 1: a hint, never the model (aidp.md).
    pub model_number: Option<u16>,
    /// Field 7.
    pub modes: Option<u8>,
    /// What a taught decoder read beside; `None` of AIDP.
    pub taught: Option<Arc<TaughtClaims>>,
}

/// What a decoder that a person taught read in a datagram, beside what AIDP has fields for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaughtClaims {
    /// The decoder's name: the source of everything in these claims.
    pub decoder: String,
    /// The model, cut at [`TEXT_KEPT_CHARS`].
    pub model: Option<String>,
    /// The serial number.
    pub serial: Option<String>,
    /// The firmware.
    pub firmware: Option<String>,
}

/// An address that a unit states, states to be none, or does not state.
pub type ClaimedIp = Claimed;

impl Claims {
    /// What a decoded discover reply claims.
    pub fn from_reply(reply: &DiscoverReply) -> Self {
        Self {
            mac: reply.mac.map(Mac::new),
            ip: reply.ip,
            mask: reply.mask,
            gateway: reply.gateway,
            host_name: reply.host_name.as_deref().map(cut_text),
            model_number: reply.model_number,
            modes: reply.modes,
            taught: None,
        }
    }
}

/// A text no longer than [`TEXT_KEPT_CHARS`] characters, the last of them [`CUT_MARK`] when it was longer.
pub fn cut_text(text: &str) -> String {
    if text.chars().nth(TEXT_KEPT_CHARS).is_none() {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(TEXT_KEPT_CHARS - 1).collect();
    cut.push(CUT_MARK);
    cut
}

/// The bytes of a datagram, cut at [`RAW_KEPT_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawDatagram {
    /// What is kept of it.
    pub bytes: Arc<[u8]>,
    /// How long it was.
    pub full_len: u32,
}

impl RawDatagram {
    /// Keeps what may be kept of `datagram`.
    pub fn keep(datagram: &[u8]) -> Self {
        Self {
            bytes: Arc::from(&datagram[..datagram.len().min(RAW_KEPT_BYTES)]),
            full_len: u32::try_from(datagram.len()).unwrap_or(u32::MAX),
        }
    }

    /// Whether some of it was not kept.
    pub fn is_cut(&self) -> bool {
        self.full_len as usize > self.bytes.len()
    }
}

/// One thing heard about a unit. Never changed, never merged in place.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// How it was heard.
    pub source: Source,
    /// Over which socket.
    pub channel: Channel,
    /// The interface whose socket heard it: never guessed from the sender's address.
    pub interface: Arc<str>,
    /// The sender, as the datagram's source says. Evidence, not identity.
    pub from: SocketAddr,
    /// When it was heard.
    pub when: Timestamp,
    /// What it claims.
    pub claims: Claims,
    /// Its bytes.
    pub raw: RawDatagram,
    /// What was odd about it.
    pub remarks: Remarks,
}

impl Sighting {
    /// The sender's IPv4 address, also when it came mapped into IPv6.
    pub fn from_ipv4(&self) -> Option<Ipv4Addr> {
        match self.from.ip() {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(ip) => ip.to_ipv4_mapped(),
        }
    }

    /// The address that the unit is taken to have: the claimed one, or the datagram's source only
    /// when nothing is claimed (rules, "Who is who").
    pub fn effective_ip(&self) -> Option<Ipv4Addr> {
        match self.claims.ip {
            Claimed::Ip(ip) => Some(ip),
            Claimed::None => None,
            Claimed::Absent => self.from_ipv4().filter(|ip| !ip.is_unspecified()),
        }
    }
}

/// What is kept of a sighting beside the unit's facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Counts up over the whole site, so that the oldest evidence can be found.
    pub seq: u64,
    /// When it was heard.
    pub when: Timestamp,
    /// The sender.
    pub from: SocketAddr,
    /// The interface that heard it.
    pub interface: Arc<str>,
    /// The bytes, for the newest few sightings of a unit.
    pub raw: Option<Arc<[u8]>>,
    /// How long the datagram was.
    pub full_len: u32,
    /// How it was heard.
    pub source: Source,
    /// Over which socket.
    pub channel: Channel,
    /// What was odd about it.
    pub remarks: Remarks,
}

/// A datagram that made no unit: not AIDP, refused, or without anything to tell its sender by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Counts up, so that a list can keep its place.
    pub seq: u64,
    /// When it was heard.
    pub when: Timestamp,
    /// The sender.
    pub from: SocketAddr,
    /// The interface that heard it.
    pub interface: Arc<str>,
    /// Over which socket.
    pub channel: Channel,
    /// Its bytes.
    pub raw: RawDatagram,
    /// Why it made no unit.
    pub reason: StrayReason,
}

/// Why a datagram made no unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StrayReason {
    /// It could not be decoded.
    Rejected(Rejection),
    /// A reply that names neither a MAC nor an address.
    NoIdentity,
    /// A message of a type that nobody knows.
    OtherType(u8),
}

impl StrayReason {
    /// The short word for counters and lists.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.reason(),
            Self::NoIdentity => "no-identity",
            Self::OtherType(_) => "other-type",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        let long = "ü".repeat(TEXT_KEPT_CHARS + 1);
        let cut = cut_text(&long);
        assert_eq!(cut.chars().count(), TEXT_KEPT_CHARS);
        assert!(cut.ends_with(CUT_MARK));
        let fits = "ü".repeat(TEXT_KEPT_CHARS);
        assert_eq!(cut_text(&fits), fits, "a text that fits stays as it is");
    }

    #[test]
    fn two_kibibytes_of_a_datagram_are_kept() {
        let raw = RawDatagram::keep(&vec![7; 65_507]);
        assert_eq!((raw.bytes.len(), raw.full_len), (RAW_KEPT_BYTES, 65_507));
        assert!(raw.is_cut());
    }

    #[test]
    fn every_source_word_reads_back() {
        for source in Source::ALL {
            assert_eq!(Source::from_word(source.word()), Some(source));
        }
    }
}
