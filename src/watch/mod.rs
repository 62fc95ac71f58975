//! What is worth a look in the traffic of the watched ports. Values in, findings out; no sockets, no clock.
//!
//! [`Watcher::see`] takes one datagram at a time, [`Watcher::tick`] lets time pass. Each situation becomes one finding,
//! known by its [`FindingKey`], within two seconds. An ordinary hall becomes none: hundreds of units, several on one
//! factory address, answering every search on two ports.
//!
//! # When something is a finding
//!
//! | kind | when | one for each |
//! | --- | --- | --- |
//! | foreign set-IP | a set-IP request is heard, whole or not: at once, also out of a flood | sender on an interface, and MAC meant |
//! | contradiction | a MAC's name, mask or gateway goes A, B, A within five minutes, or its model number changes | MAC |
//! | two addresses | a MAC's address goes A, B, A within five minutes. One change is a change | MAC |
//! | two MACs | an address is claimed by two MACs on one interface, both of them still heard, see below | address |
//! | flood | more than [`Limits::flood_per_sec`] of one sender within a second, more than [`Limits::flood_all_per_sec`] on an interface, or a line of the registry that no hall explains | sender on an interface, or interface |
//! | stranger | what is not AIDP (nor ASMP) from nobody that was heard as a unit; AIDP replies with MACs of somebody who makes none | sender on an interface; organization on an interface |
//! | off management | there is a list, and a unit is heard on an interface that is not on it, or answers from an address that is not | unit and network |
//! | routed | a unit answers a question sent to its address, from outside of this computer's networks | unit |
//! | still announces | see below | MAC |
//! | other searcher | discover or test-IP requests | sender on an interface |
//! | exposed | an exposure check found something open | address |
//!
//! - **Settling.** All but set-IP and exposure wait [`SETTLE_MILLIS`] before they open: more than the second in which a
//!   flood is told, so that a flood swallows what it is made of. While a sender floods, nothing else opens of it.
//!   When many senders flood an interface, those that came with the flood are part of it; those that were there before
//!   are looked at as ever. More than [`STRANGERS_AT_ONCE`] new strangers on an interface within a second are such a
//!   flood, however slow.
//! - **What counts towards a flood.** 600 units on one factory address that answer two broadcasts on two ports are one
//!   sender with 2,400 datagrams a second. So a MAC counts once a second, until it says more than any unit does. A line
//!   of the registry counts when its sender brought more than [`HALL_UNITS`] MACs, or is not known here.
//! - **A MAC's contradictions** are one finding, contradiction or two addresses: the first stays; where both are found
//!   before either opens, the contradiction does. What a unit does not say, and "none", contradict nothing. What a
//!   person taught is not held against anything: it may be read wrongly.
//! - **Two MACs** need another unit that claimed the address within the last 45 s, or between two claims of this one
//!   within five minutes, and whose newest address it is: units that trade addresses are none. Nor are units out of the
//!   box: they share a factory address, or there are three or more on an address that is in none of the interface's
//!   networks. Where one of the MACs contradicts itself anyway, that is the finding.
//! - **A stranger** is never a unit that was heard by AIDP or by a taught decoder, nor an address that one claims, and
//!   is gone when it turns out to be one. AIDP that cannot be read makes nobody a unit, and a stranger where nothing
//!   better is known of the sender. Speaking AIDP is evidence, and a MAC block is a hint: units of other brands have
//!   other blocks, made-up MACs none. So AIDP replies only count where the block is listed for somebody who neither
//!   makes units nor is known to sell them under an own name; and all of one organization are one finding, since a hall
//!   of such units is one question.
//! - **Still announces:** four announcements, each ten minutes or more after the one before, with one address for more
//!   than an hour. The address is one to work with here: not self-given, not a factory's, not another unit's, and in
//!   the networks of the interface where these are known. A unit that waits for its address may announce itself.
//! - **Management networks.** An interface is one when one of its networks lies in a listed one, or its name is a listed
//!   VLAN or says its number. For answers to questions sent to one address, that address decides. Interfaces that were
//!   not named by [`Watcher::set_interfaces`] are not judged.
//! - **Gone** after ten minutes unseen; off management, routed and still announces after a day, since units seldom say
//!   so; exposed after a week. Loaded findings have that time again. Seen again, it opens again. What is accepted stays.
//! - **Time** is that of what is heard, and only goes on: what is older than the newest counts as if it came with it. A
//!   clock that is set back stops it for ten seconds at most while anything ticks.
//!
//! All tables are bounded; what was not touched for longest is forgotten first.

mod datagram;
mod floods;
mod looks;
mod places;
mod rate;
mod recent;
mod said;
mod settle;
mod store;
mod units;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::model::exposure::{Exposed, TcpPort};
use crate::model::finding::{Finding, FindingKey, FindingKind, ManagementNetwork};
use crate::model::identity::Mac;
use crate::model::network::Network;
use crate::model::sighting::{Channel, Claims, RawDatagram, Source, StrayReason};
use crate::model::snapshot::FloodLine;
use crate::model::time::Timestamp;
use crate::wire;

pub use floods::{CALM_MILLIS, FLOODS_KEPT};
pub use looks::looks_like;
pub use places::INTERFACES_KEPT;
pub use said::{ANSWERS_A_SECOND, STILL_HEARD_MILLIS};
pub use settle::STRANGERS_AT_ONCE;
pub use store::{
    CANDIDATES_KEPT, CHECKED_GONE_MILLIS, DETAILS_KEPT, SELDOM_GONE_MILLIS, gone_after_millis,
};

use floods::{Flood, FloodKey, Floods};
use places::Places;
use rate::{Clock, Rate};
use recent::Recent;
use said::{Claimants, UnitSaid};
use store::{Observation, Store};

/// How long something is looked at before it is a finding: a second, within which a flood is told, and a bit.
pub const SETTLE_MILLIS: u64 = 1_100;

/// How long a unit may have its address and still announce itself: an hour.
pub const STILL_ANNOUNCES_AFTER_MILLIS: u64 = 60 * 60 * 1000;

/// More units than any hall has on one factory address.
pub const HALL_UNITS: u32 = 1_000;

/// How many senders, units, and claimed addresses are told apart: so many were touched last, and at most twice as many
/// are kept.
pub const SENDERS_KEPT: usize = 8_192;
/// See [`SENDERS_KEPT`].
pub const UNITS_KEPT: usize = 32_768;

/// What is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Datagrams of one sender within a second.
    pub flood_per_sec: u32,
    /// Datagrams of all senders of an interface within a second, those that flood by themselves left out.
    pub flood_all_per_sec: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flood_per_sec: 2_000,
            flood_all_per_sec: 5_000,
        }
    }
}

/// An interface that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedInterface {
    /// The system's name, as datagrams and findings have it.
    pub name: Arc<str>,
    /// What a person knows it by.
    pub shown_name: String,
    /// The laptop's addresses on it.
    pub networks: Vec<Network>,
}

/// What a datagram says.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// A unit says something of itself. What could not be decoded ([`Source::Undecoded`]) is left to the stray that
    /// comes with it.
    Claims {
        /// How it came to be heard.
        source: Source,
        /// What it claims.
        claims: &'a Claims,
    },
    /// Somebody else asks. Rollcall's own questions are not to be shown to the watcher.
    Request {
        /// What is asked.
        kind: wire::Kind,
        /// The unit meant, when one is named.
        meant: Option<Mac>,
    },
    /// It makes no unit. A request that could not be decoded is left to the [`Said::Request`] that comes with it.
    Stray(&'a StrayReason),
}

/// One datagram that was heard.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// The interface.
    pub interface: &'a Arc<str>,
    /// Over which socket.
    pub channel: Channel,
    /// The sender.
    pub from: SocketAddr,
    /// When.
    pub when: Timestamp,
    /// Its bytes.
    pub raw: &'a RawDatagram,
    /// What it says.
    pub said: Said<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SenderKey {
    place: u16,
    ip: IpAddr,
}

/// A sender of anything.
#[derive(Debug)]
struct Sender {
    /// Counts up with each new one.
    id: u64,
    place: u16,
    first: u64,
    last: u64,
    /// What it sent, weighed.
    rate: Rate,
    /// Whether a flood of its own goes on.
    is_flooding: bool,
    /// MACs that it was the first to bring.
    num_macs: u32,
    /// Requests other than set-IP, and when the first of them came.
    num_requests: u64,
    first_request: u64,
    /// Findings of set-IP that are its own, and when the first of them was made: after a while they count anew.
    num_set_ips: u16,
    first_set_ip: u64,
}

/// Looks at every datagram and keeps the findings.
#[derive(Debug)]
pub struct Watcher {
    limits: Limits,
    clock: Clock,
    places: Places,
    senders: Recent<SenderKey, Sender>,
    next_sender: u64,
    units: Recent<Mac, UnitSaid>,
    claimants: Recent<(u16, Ipv4Addr), Claimants>,
    /// Addresses that units were heard from or claim.
    unit_ips: Recent<IpAddr, ()>,
    floods: Floods,
    store: Store,
    let_go_at: u64,
    /// Whether the interfaces changed, and with them what is off the management networks.
    is_moved: bool,
}

impl Watcher {
    /// One that knows of nothing.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            clock: Clock::default(),
            places: Places::default(),
            senders: Recent::new(SENDERS_KEPT),
            next_sender: 0,
            units: Recent::new(UNITS_KEPT),
            claimants: Recent::new(UNITS_KEPT),
            unit_ips: Recent::new(UNITS_KEPT),
            floods: Floods::default(),
            store: Store::default(),
            let_go_at: 0,
            is_moved: false,
        }
    }

    /// Takes over what a site has, and forgets what was seen before.
    pub fn load(&mut self, findings: Vec<Finding>, management: &[ManagementNetwork]) {
        self.senders.clear();
        self.units.clear();
        self.claimants.clear();
        self.unit_ips.clear();
        self.floods.clear();
        for number in 0..self.places.len() {
            if let Some(place) = self.places.get_mut(number) {
                place.rate = Rate::default();
                place.too_much_since = None;
                place.crowd_from = None;
            }
        }
        self.store.load(findings, self.clock.millis());
        self.places.set_management(management);
    }

    /// The address of a unit that the site knows: no stranger.
    pub fn know_unit(&mut self, ip: Ipv4Addr) {
        self.unit_ips.touch(ip.into(), || ());
    }

    /// On which networks units belong. What holds no longer is gone at once; what a person accepted stays accepted.
    pub fn set_management(&mut self, management: &[ManagementNetwork], now: Timestamp) {
        self.clock.advance(now);
        self.places.set_management(management);
        self.judge_places(now);
    }

    /// Which interfaces are watched. What holds no longer is gone with the next tick.
    pub fn set_interfaces(&mut self, interfaces: Vec<WatchedInterface>) {
        self.places.set_interfaces(interfaces);
        self.is_moved = true;
    }

    /// A flood line of the registry, as often as it likes to say it.
    pub fn note_flood(&mut self, line: &FloodLine, now: Timestamp) {
        let millis = self.clock.advance(now);
        if now.millis_since(line.last) >= CALM_MILLIS {
            return;
        }
        let place = self.places.number(&line.sender.interface);
        let ip = line.sender.ip.to_canonical();
        let key = FloodKey {
            place,
            ip: Some(ip),
        };
        if let Some(flood) = self.floods.get_mut(key) {
            flood.note_held_back(line.held_back, &line.samples, line.last);
            return;
        }
        let is_crowded = self
            .places
            .get(place)
            .is_some_and(|place| place.crowd_from.is_some());
        if is_crowded || !self.floods.has_room() {
            return;
        }
        let mut sender_id = None;
        if let Some(sender) = self.senders.get_mut(&SenderKey { place, ip }) {
            if (1..=HALL_UNITS).contains(&sender.num_macs) {
                return;
            }
            sender.is_flooding = true;
            sender_id = Some(sender.id);
        }
        let num = u32::try_from(line.held_back).unwrap_or(u32::MAX);
        let mut flood = Flood::new(line.since, line.last, millis, num);
        flood.sender = sender_id;
        flood.note_held_back(line.held_back, &line.samples, line.last);
        self.floods.begin(key, flood);
    }

    /// What an exposure check found at an address. Nothing open any more is the end of its finding.
    pub fn note_exposed(&mut self, exposed: &Exposed, now: Timestamp) {
        let millis = self.clock.advance(now);
        let key = FindingKey {
            kind: FindingKind::Exposed,
            subject: exposed.ip.to_string(),
        };
        let open: Vec<&str> = [
            (exposed.udp_3502, "UDP 3502"),
            (exposed.udp_3211, "UDP 3211"),
            (exposed.tcp_3502 == TcpPort::Open, "TCP 3502"),
            (exposed.tcp_3211 == TcpPort::Open, "TCP 3211"),
        ]
        .into_iter()
        .filter_map(|(is_open, port)| is_open.then_some(port))
        .collect();
        if open.is_empty() {
            self.store.end(&key, now);
            return;
        }
        let mut lines: Vec<String> = open.iter().map(|port| format!("{port} answers")).collect();
        for (port, state) in [
            ("TCP 3502", exposed.tcp_3502),
            ("TCP 3211", exposed.tcp_3211),
        ] {
            if state == TcpPort::Refused {
                lines.push(format!("{port} refuses"));
            }
        }
        if exposed.is_routed {
            lines.push("It is in none of this computer's networks".to_owned());
        }
        let interface = self.places.local(exposed.ip);
        let seen = Observation {
            what: format!("{} answers on {}", exposed.ip, open.join(", ")),
            key,
            interface: interface.map(|place| Arc::clone(&place.name)),
            sender: None,
            mac: None,
            ip: Some(exposed.ip.into()),
            when: exposed.when,
            count: 1,
            lines,
            samples: Vec::new(),
        };
        self.store.observe_now(seen, millis);
    }

    /// What a person made of a finding: accepted with a note, or open again. Whether there is such a finding.
    pub fn judge(&mut self, key: &FindingKey, accept: Option<String>, now: Timestamp) -> bool {
        let millis = self.clock.advance(now);
        self.store.judge(key, accept, now, millis)
    }

    /// The findings: open ones first, then accepted ones, then those that are gone; of these the worst first, then the
    /// newest. The same list while nothing changed.
    pub fn findings(&mut self) -> Arc<Vec<Arc<Finding>>> {
        self.store.list()
    }

    /// How many are open.
    pub fn num_open(&self) -> usize {
        self.store.num_open()
    }

    /// Counts up with every change of the findings.
    pub const fn revision(&self) -> u64 {
        self.store.revision()
    }

    /// Findings that changed since they were taken last, for the site file.
    pub fn take_dirty(&mut self) -> Vec<Arc<Finding>> {
        self.store.take_dirty()
    }

    /// Takes back findings that could not be written.
    pub fn put_back(&mut self, findings: Vec<Arc<Finding>>) {
        self.store.put_back(findings);
    }

    /// Findings that made room for newer ones since they were taken last: the site file is to forget them.
    pub fn take_removed(&mut self) -> Vec<FindingKey> {
        self.store.take_removed()
    }

    /// Takes back those that the site file could not forget.
    pub fn put_back_removed(&mut self, keys: Vec<FindingKey>) {
        self.store.put_back_removed(keys);
    }

    /// How many entries the largest table has, and all of them together: for tests of the bounds.
    pub fn num_remembered(&self) -> (usize, usize) {
        let tables = [
            self.senders.len(),
            self.units.len(),
            self.claimants.len(),
            self.unit_ips.len(),
            self.floods.len(),
            self.store.candidates().count(),
            self.store.all().count(),
        ];
        (
            tables.iter().copied().max().unwrap_or_default(),
            tables.iter().sum(),
        )
    }
}
