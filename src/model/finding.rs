//! What is worth a look in the traffic of the watched ports: what was seen, when, where, why it matters, what to do, and
//! what a person made of it. Found by `watch`, kept with the site.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::identity::Mac;
use super::sighting::{Channel, RawDatagram};
use super::time::Timestamp;

/// How many findings are kept. Beyond, the oldest that is gone goes, then the least and oldest that is open; what a
/// person accepted stays longest.
pub const FINDINGS_KEPT: usize = 2_000;

/// How many datagrams are kept as samples of one finding.
pub const FINDING_SAMPLES: usize = 4;

/// What kind of thing was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// A set-IP request that Rollcall did not send.
    ForeignSetIp,
    /// Replies of one MAC contradict each other in more than the address.
    Contradiction,
    /// One MAC with two addresses at the same time.
    TwoIps,
    /// One address with two MACs.
    TwoMacs,
    /// More datagrams than any hall of units sends.
    Flood,
    /// A sender without any evidence of Avocent, Cyclades or Vertiv, or traffic that is not AIDP.
    Stranger,
    /// A unit announces or answers on a network that is not a management network.
    OffManagement,
    /// A unit can be reached on the watched ports through a router.
    Routed,
    /// A unit still announces itself long after it was configured.
    StillAnnounces,
    /// Somebody else asks: discover or test-IP requests from another workstation.
    OtherSearcher,
    /// An exposure check found one of the watched ports open at an address.
    Exposed,
}

/// How much a finding matters. Sorts the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Should be looked at.
    Warning,
    /// Should be looked at now: somebody may be changing units.
    Alarm,
}

impl Severity {
    /// In one word, for lists and files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Alarm => "alarm",
        }
    }
}

impl FindingKind {
    /// Every kind, in order.
    pub const ALL: [Self; 11] = [
        Self::ForeignSetIp,
        Self::Contradiction,
        Self::TwoIps,
        Self::TwoMacs,
        Self::Flood,
        Self::Stranger,
        Self::OffManagement,
        Self::Routed,
        Self::StillAnnounces,
        Self::OtherSearcher,
        Self::Exposed,
    ];

    /// The word in files and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ForeignSetIp => "foreign-set-ip",
            Self::Contradiction => "contradiction",
            Self::TwoIps => "two-ips",
            Self::TwoMacs => "two-macs",
            Self::Flood => "flood",
            Self::Stranger => "stranger",
            Self::OffManagement => "off-management",
            Self::Routed => "routed",
            Self::StillAnnounces => "still-announces",
            Self::OtherSearcher => "other-searcher",
            Self::Exposed => "exposed",
        }
    }

    /// Reads [`FindingKind::word`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What it is called on the screen.
    pub const fn title(self) -> &'static str {
        match self {
            Self::ForeignSetIp => "Set-IP from somebody else",
            Self::Contradiction => "Replies contradict each other",
            Self::TwoIps => "One MAC, two addresses",
            Self::TwoMacs => "One address, two MACs",
            Self::Flood => "Flood",
            Self::Stranger => "Stranger on the port",
            Self::OffManagement => "Unit off the management networks",
            Self::Routed => "Reachable through a router",
            Self::StillAnnounces => "Still announces itself",
            Self::OtherSearcher => "Somebody else asks",
            Self::Exposed => "Port open",
        }
    }

    /// How much it matters.
    pub const fn severity(self) -> Severity {
        match self {
            Self::ForeignSetIp | Self::Contradiction => Severity::Alarm,
            Self::TwoIps
            | Self::TwoMacs
            | Self::Flood
            | Self::Stranger
            | Self::OffManagement
            | Self::Routed
            | Self::Exposed => Severity::Warning,
            Self::StillAnnounces | Self::OtherSearcher => Severity::Note,
        }
    }

    /// Why it matters, one or two sentences.
    pub const fn why(self) -> &'static str {
        match self {
            Self::ForeignSetIp => {
                "A set-IP request is meant to change the address of the unit it names and, as far as is known, carries no \
                 password. Rollcall did not send this one"
            }
            Self::Contradiction => {
                "One unit does not change its name, its model number or its gateway back and forth. Somebody may be \
                 answering in its name, or two units share a MAC"
            }
            Self::TwoIps => {
                "A unit that goes back and forth between addresses is answered for by somebody else, or was cloned"
            }
            Self::TwoMacs => {
                "Two units with one address disturb each other: sessions end up at either of them"
            }
            Self::Flood => {
                "No hall of units sends this much. It hides what is real, and may be meant to"
            }
            Self::Stranger => {
                "Only units and those who configure them belong on this port. Whoever else is there may be listening for \
                 hardware, or is set up wrongly"
            }
            Self::OffManagement => {
                "Whoever listens there learns which hardware is present, and can try to configure it"
            }
            Self::Routed => {
                "The discovery port is meant for the cable that the unit is on. Through a router, other networks can ask \
                 and configure it"
            }
            Self::StillAnnounces => {
                "A configured unit has no reason to announce itself: it was reset, cloned, or never configured"
            }
            Self::OtherSearcher => {
                "Another technician, the vendor's management software, or somebody who looks for this hardware"
            }
            Self::Exposed => {
                "Whoever can reach this port can ask the unit what it is, and may be able to configure it"
            }
        }
    }

    /// What to do, one or two sentences.
    pub const fn what_to_do(self) -> &'static str {
        match self {
            Self::ForeignSetIp => {
                "Find the sender by its address and ask who works there. Check the address of the unit it names"
            }
            Self::Contradiction => {
                "Compare the datagrams below, and find the ports of the switch that the MAC is learnt on"
            }
            Self::TwoIps => {
                "Find the ports of the switch that the MAC is learnt on; more than one means two senders"
            }
            Self::TwoMacs => "Give one of the two another address",
            Self::Flood => {
                "Find the sender and its port of the switch, and unplug it or take it out of this network"
            }
            Self::Stranger => {
                "Look at its bytes and what they may be. Accept it with a note when it is known to you"
            }
            Self::OffManagement => {
                "Move the unit to a management network, or add this network to the list when it is one"
            }
            Self::Routed => "Block ports 3502 and 3211 at the router between these networks",
            Self::StillAnnounces => {
                "Check whether it has its planned address and configuration, and switch discovery off where the family \
                 allows it"
            }
            Self::OtherSearcher => "Accept it with a note when you know who it is",
            Self::Exposed => {
                "Block ports 3502 and 3211 towards this address, or switch discovery off on the unit"
            }
        }
    }
}

/// What a finding is about: the same key is the same finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingKey {
    /// What kind.
    pub kind: FindingKind,
    /// Who or what, as one text that does not change: a MAC, a sender on an interface. Kept in the site file.
    pub subject: String,
}

/// What a person, or time, made of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindingState {
    /// Nobody has dealt with it.
    Open,
    /// A person knows of it. Heard again, it stays accepted.
    Accepted {
        /// Why, in the person's words; may be empty.
        note: String,
        /// When.
        when: Timestamp,
    },
    /// It was not seen for [`GONE_MILLIS`], or what made it a finding holds no longer. Seen again, it is open again.
    Gone {
        /// Since when.
        when: Timestamp,
    },
}

/// A finding that was not seen for so long is gone: ten minutes.
pub const GONE_MILLIS: u64 = 10 * 60 * 1000;

impl FindingState {
    /// In one word, for lists and files.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted { .. } => "accepted",
            Self::Gone { .. } => "gone",
        }
    }
}

/// A datagram that a finding was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingSample {
    /// When it was heard.
    pub when: Timestamp,
    /// The sender.
    pub from: std::net::SocketAddr,
    /// Over which socket.
    pub channel: Channel,
    /// Its bytes.
    pub raw: RawDatagram,
}

/// Something worth a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub key: FindingKey,
    /// What was seen, one sentence without a full stop.
    pub what: String,
    /// The network it was seen on.
    pub interface: Option<Arc<str>>,
    /// Who sent it, where it is about a sender.
    pub sender: Option<IpAddr>,
    /// The unit that it is about, by its MAC.
    pub mac: Option<Mac>,
    /// The address that it is about.
    pub ip: Option<IpAddr>,
    /// When it was seen first.
    pub first: Timestamp,
    /// When it was seen last.
    pub last: Timestamp,
    /// How many datagrams it was seen in.
    pub count: u64,
    /// What else is known: addresses seen, rates, what the bytes may be. One line each, at most 16.
    pub details: Vec<String>,
    /// The first datagrams, at most [`FINDING_SAMPLES`].
    pub samples: Vec<FindingSample>,
    /// What became of it.
    pub state: FindingState,
}

impl Finding {
    /// Whether nobody has dealt with it.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, FindingState::Open)
    }
}

/// A network on which units may announce themselves and answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ManagementNetwork {
    /// The addresses, as "10.0.0.0/24". Empty where only the VLAN is known.
    pub cidr: String,
    /// The VLAN's name or number, as the interface or the capture calls it. Empty where only the addresses are known.
    pub vlan: String,
}

/// How many management networks a site may have.
pub const MANAGEMENT_KEPT: usize = 256;

/// How long the name of a VLAN may be.
pub const MAX_VLAN_CHARS: usize = 64;

impl ManagementNetwork {
    /// A network as a person types it in one text: a prefix, else the name or number of a VLAN. What can only be meant as
    /// addresses is no name: a prefix that is mistyped is refused, in words for a person.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("a management network is a prefix or the name of a VLAN".to_owned());
        }
        if text.contains('/') || text.parse::<IpAddr>().is_ok() {
            return Ok(Self {
                cidr: Self::checked_cidr(text)?,
                vlan: String::new(),
            });
        }
        if text.chars().count() > MAX_VLAN_CHARS {
            return Err(format!(
                "the name of a VLAN has at most {MAX_VLAN_CHARS} characters"
            ));
        }
        Ok(Self {
            cidr: String::new(),
            vlan: text.to_owned(),
        })
    }

    /// A prefix with its host bits cleared, or what is wrong with it in words for a person.
    pub fn checked_cidr(text: &str) -> Result<String, String> {
        let no_network = |why: &str| {
            Err(format!(
                "{text:?} is no network ({why}): one looks like 10.20.4.0/24"
            ))
        };
        let Some((ip, len)) = text.split_once('/') else {
            return if text.parse::<IpAddr>().is_ok() {
                Err(format!(
                    "{text:?} has no prefix length: a network looks like 10.20.4.0/24"
                ))
            } else {
                no_network("there is no prefix length")
            };
        };
        let Ok(ip) = ip.parse::<IpAddr>() else {
            return no_network("what is before the slash is no address");
        };
        let max_len = if ip.is_ipv4() { 32 } else { 128 };
        let is_number = !len.is_empty() && len.bytes().all(|byte| byte.is_ascii_digit());
        let len = match len.parse::<u32>() {
            Ok(len) if is_number && len <= max_len => len,
            _ => return no_network(&format!("a prefix length is 0 to {max_len}")),
        };
        // A shift by all bits is none: that prefix has no bit set.
        let first = match ip {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32 - len).unwrap_or(0);
                IpAddr::from(Ipv4Addr::from(u32::from(ip) & mask))
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128 - len).unwrap_or(0);
                IpAddr::from(Ipv6Addr::from(u128::from(ip) & mask))
            }
        };
        Ok(format!("{first}/{len}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_checked_and_its_host_bits_are_cleared() {
        for (text, expected) in [
            ("10.20.4.7/24", "10.20.4.0/24"),
            ("10.20.4.7/32", "10.20.4.7/32"),
            ("10.20.4.7/0", "0.0.0.0/0"),
            ("fd00::5/64", "fd00::/64"),
            ("fd00::5/0", "::/0"),
            ("fd00::5/128", "fd00::5/128"),
        ] {
            assert_eq!(
                ManagementNetwork::checked_cidr(text).as_deref(),
                Ok(expected)
            );
        }
    }

    #[test]
    fn what_is_meant_as_a_prefix_and_is_none_is_no_name_of_a_vlan() {
        for wrong in [
            "10.99.0.0/33",
            "10.99.0.0",
            "fd00::/129",
            "fd00::1",
            "10.99.0/16",
            "10.99.0.0/",
            "10.99.0.0/+8",
            "10.99.0.0/16/16",
            "/16",
            "hall/B",
        ] {
            let why = ManagementNetwork::parse(wrong).expect_err("it is no network");
            assert!(why.contains(wrong) && why.contains("10.20.4.0/24"), "{why}");
        }
        assert!(ManagementNetwork::parse(" ").is_err());
        assert!(ManagementNetwork::parse(&"v".repeat(65)).is_err());
        let parsed = |text: &str| {
            let network = ManagementNetwork::parse(text).expect("it is one");
            (network.cidr, network.vlan)
        };
        assert_eq!(
            parsed("10.99.0.0/16"),
            ("10.99.0.0/16".into(), String::new())
        );
        assert_eq!(parsed(" hall B "), (String::new(), "hall B".into()));
        assert_eq!(parsed("120"), (String::new(), "120".into()));
    }
}
