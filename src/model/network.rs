//! The laptop's interfaces as the window shows them: link, addresses, sockets, counters.
//! Filled by the engine, read by everybody.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::identity::Mac;
use super::time::Timestamp;

/// An IPv4 address of the laptop with the subnet it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    /// The laptop's address.
    pub ip: Ipv4Addr,
    /// 0 to 32.
    pub prefix_len: u8,
}

impl Network {
    /// The mask as an address.
    pub fn mask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(prefix_bits(self.prefix_len))
    }

    /// Whether `ip` is in the subnet.
    pub fn contains(self, ip: Ipv4Addr) -> bool {
        let mask = prefix_bits(self.prefix_len);
        ip.to_bits() & mask == self.ip.to_bits() & mask
    }

    /// The subnet's broadcast address, computed: what systems report is not to be trusted.
    /// `None` for /31 and /32, which have none.
    pub fn broadcast(self) -> Option<Ipv4Addr> {
        (self.prefix_len < 31)
            .then(|| Ipv4Addr::from_bits(self.ip.to_bits() | !prefix_bits(self.prefix_len)))
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix_len)
    }
}

fn prefix_bits(prefix_len: u8) -> u32 {
    u32::MAX
        .checked_shl(32 - u32::from(prefix_len.min(32)))
        .unwrap_or(0)
}

/// The prefix length of a mask; `None` when its ones have holes.
pub fn mask_to_prefix(mask: Ipv4Addr) -> Option<u8> {
    let bits = mask.to_bits();
    let ones = bits.leading_ones();
    (prefix_bits(ones as u8) == bits).then_some(ones as u8)
}

/// What an interface is, as far as the system tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterfaceKind {
    /// A cable.
    Wired,
    /// Wi-Fi.
    Wireless,
    /// Made by software: containers, virtual machines, tunnels. Off by default, see `Choice`.
    Virtual,
    /// Only for the demo.
    Loopback,
    /// Point to point: no broadcast.
    PointToPoint,
    /// Anything else.
    Other,
}

/// Whether an interface is listened on, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Nobody said: on, unless it is virtual and another one has a link.
    Default,
    /// A person switched it on.
    On,
    /// A person switched it off.
    Off,
}

/// Whether there is a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Up.
    Up,
    /// Down: no cable, no association, or switched off.
    Down,
    /// The system does not say.
    Unknown,
}

/// What comes of an interface just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listening {
    /// Listened on.
    On,
    /// Not listened on, and why, in words for the chip.
    Off(String),
    /// It should be listened on and something is wrong, in words with what to do.
    Trouble(String),
}

/// One of the sockets of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketState {
    /// The local port it is bound to, or should be.
    pub port: u16,
    /// What it is for: "install", "management", "asking", "IPv6".
    pub role: &'static str,
    /// Bytes of receive buffer that the system granted, or why it is not bound.
    pub bound: Result<u64, String>,
    /// Other programs that hold the same port.
    pub shared_with: Vec<PortHolder>,
}

/// A process that holds one of the ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortHolder {
    /// The port it holds.
    pub port: u16,
    /// "UDP" or "TCP".
    pub protocol: &'static str,
    /// Its process id; 0 when the system does not tell it.
    pub pid: u32,
    /// Its name, or words in place of one when the id is 0.
    pub name: String,
    /// The file it was started from, as far as this user may know it.
    pub path: Option<String>,
    /// Whose it is, as far as this user may know it.
    pub user: Option<String>,
    /// Where it is bound, when the system says so.
    pub local: Option<SocketAddr>,
    /// Whether it is this Rollcall.
    pub is_self: bool,
}

impl PortHolder {
    /// Its id and name where there is one, for a sentence.
    pub fn named(&self) -> String {
        if self.is_self {
            return format!("this Rollcall (process {})", self.pid);
        }
        if self.pid == 0 {
            return match &self.user {
                Some(user) => format!("a program of the user {user}"),
                None => self.name.clone(),
            };
        }
        if self.name.to_ascii_lowercase().starts_with("rollcall") {
            return format!("another Rollcall (process {})", self.pid);
        }
        format!("{} (process {})", self.name, self.pid)
    }

    /// Everything but where it is bound.
    fn line(&self) -> String {
        let user = match &self.user {
            // It is named already.
            Some(_) if self.pid == 0 => String::new(),
            Some(user) => format!(", user {user}"),
            None => ", its user is not told".to_owned(),
        };
        let path = match &self.path {
            Some(path) => format!(", {path}"),
            None if self.pid == 0 => ", its id, name and path are not told".to_owned(),
            None => ", its path is not told".to_owned(),
        };
        format!(
            "{} {}: {}{user}{path}",
            self.protocol,
            self.port,
            self.named()
        )
    }
}

/// Who listens here: a line for each port and process, with the addresses it is bound to; one line that says so when
/// nobody does.
pub fn who_listens(holders: &[PortHolder]) -> Vec<String> {
    if holders.is_empty() {
        return vec!["No program on this computer holds TCP or UDP 3502 or 3211".to_owned()];
    }
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for holder in holders {
        let line = holder.line();
        let local = holder.local.map(|local| local.ip().to_string());
        match lines.iter_mut().find(|(known, _)| *known == line) {
            Some((_, locals)) => locals.extend(local),
            None => lines.push((line, local.into_iter().collect())),
        }
    }
    lines
        .into_iter()
        .map(|(line, locals)| match locals.as_slice() {
            [] => line,
            _ => format!("{line}, at {}", locals.join(" and ")),
        })
        .collect()
}

/// What was heard and sent on one interface since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterfaceCounters {
    /// Datagrams that came in, our own questions left out.
    pub heard: u64,
    /// Of these, decoded as AIDP.
    pub understood: u64,
    /// Refused: not AIDP.
    pub not_aidp: u64,
    /// Refused: payload overrun.
    pub payload_overrun: u64,
    /// Refused: field overrun.
    pub field_overrun: u64,
    /// Requests of other searchers.
    pub others_requests: u64,
    /// Our own questions that came back.
    pub own_requests: u64,
    /// Dropped by the kernel; `None` where it cannot be read.
    pub kernel_drops: Option<u64>,
    /// Dropped by Rollcall because the engine could not keep up.
    pub queue_drops: u64,
    /// Questions that left.
    pub asked: u64,
    /// Questions that could not be sent.
    pub ask_errors: u64,
}

impl InterfaceCounters {
    /// Datagrams that could not be decoded.
    pub const fn not_understood(&self) -> u64 {
        self.not_aidp + self.payload_overrun + self.field_overrun
    }
}

/// How often an interface was asked, for telling who is silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// Asks that were sent.
    pub sent: u64,
    /// Asks that have had their time to be answered, at most `sent`.
    pub closed: u64,
    /// Asks before this one do not count: the site was reopened, the interface came back, the laptop slept.
    pub floor: u64,
    /// Whether the interface is up and live search asks it.
    pub live: bool,
}

/// One interface, as the window's chip and the doctor show it.
#[derive(Clone, Debug, PartialEq)]
pub struct InterfaceState {
    /// The system's name: what it is remembered by.
    pub name: Arc<str>,
    /// What a person knows it by (Windows), when it differs.
    pub friendly_name: Option<String>,
    /// The system's number of it.
    pub index: u32,
    /// What it is.
    pub kind: InterfaceKind,
    /// Its own MAC.
    pub mac: Option<Mac>,
    /// Whether there is a link.
    pub link: Link,
    /// Its IPv4 addresses.
    pub networks: Vec<Network>,
    /// What a person chose.
    pub choice: Choice,
    /// Only the broadcasts, to leave unicast answers to another program.
    pub broadcast_only: bool,
    /// What comes of it.
    pub listening: Listening,
    /// Its sockets.
    pub sockets: Vec<SocketState>,
    /// What was heard.
    pub counters: InterfaceCounters,
    /// How often it was asked.
    pub asks: Asks,
    /// The newest error in words, when one came up since it was opened.
    pub last_error: Option<(Timestamp, String)>,
}

impl InterfaceState {
    /// The name to show.
    pub fn shown_name(&self) -> &str {
        self.friendly_name.as_deref().unwrap_or(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcast_is_computed_from_address_and_prefix() {
        let net = |ip: [u8; 4], prefix_len| Network {
            ip: ip.into(),
            prefix_len,
        };
        assert_eq!(
            net([10, 77, 0, 5], 16).broadcast(),
            Some([10, 77, 255, 255].into())
        );
        assert_eq!(net([10, 0, 0, 1], 31).broadcast(), None);
        assert_eq!(net([10, 0, 0, 1], 0).broadcast(), Some([255; 4].into()));
        assert!(net([192, 168, 1, 5], 24).contains([192, 168, 1, 200].into()));
        assert!(!net([192, 168, 1, 5], 24).contains([192, 168, 2, 1].into()));
    }

    #[test]
    fn a_mask_with_holes_has_no_prefix() {
        assert_eq!(mask_to_prefix([255, 255, 255, 0].into()), Some(24));
        assert_eq!(mask_to_prefix([0, 0, 0, 0].into()), Some(0));
        assert_eq!(mask_to_prefix([255; 4].into()), Some(32));
        assert_eq!(mask_to_prefix([255, 0, 255, 0].into()), None);
    }

    fn holder(pid: u32, name: &str, ip: [u8; 4]) -> PortHolder {
        PortHolder {
            port: 3502,
            protocol: "UDP",
            pid,
            name: name.to_owned(),
            path: (pid != 0).then(|| format!("/opt/{name}")),
            user: Some("alice".to_owned()),
            local: Some((ip, 3502).into()),
            is_self: false,
        }
    }

    #[test]
    fn every_holder_is_one_line() {
        let mut own = holder(9, "rollcall", [0, 0, 0, 0]);
        own.is_self = true;
        let mut hidden = holder(0, "a program of another user", [0, 0, 0, 0]);
        let named_by_user = hidden.clone();
        hidden.user = None;
        hidden.local = None;
        let mut bare = holder(8, "vendor", [10, 0, 0, 5]);
        bare.path = None;
        bare.user = None;
        let holders = [
            holder(7, "vendor", [0, 0, 0, 0]),
            holder(7, "vendor", [10, 0, 0, 5]),
            own,
            named_by_user,
            hidden,
            bare,
        ];
        assert_eq!(
            who_listens(&holders),
            [
                "UDP 3502: vendor (process 7), user alice, /opt/vendor, at 0.0.0.0 and 10.0.0.5",
                "UDP 3502: this Rollcall (process 9), user alice, /opt/rollcall, at 0.0.0.0",
                "UDP 3502: a program of the user alice, its id, name and path are not told, at 0.0.0.0",
                "UDP 3502: a program of another user, its user is not told, its id, name and path are not told",
                "UDP 3502: vendor (process 8), its user is not told, its path is not told, at 10.0.0.5",
            ]
        );
    }

    #[test]
    fn nobody_is_said_to_be_nobody() {
        assert_eq!(
            who_listens(&[]),
            ["No program on this computer holds TCP or UDP 3502 or 3211"]
        );
    }
}
