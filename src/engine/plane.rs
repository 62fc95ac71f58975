//! The network plane: every interface with its sockets, the search that asks them, and what the
//! actor can ask of both. The actor owns it and gives it its turns; listeners run beside.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::command::{Level, Saying};
use super::counters::{Counters, kernel_drops};
use super::decoding::DecoderSlot;
use super::interfaces::{Found, Wishes};
use super::listener::{Ear, say};
use super::questions::{Asked, OwnQuestions};
use super::recorder::{RecordedInterface, Recorder};
use super::search::Search;
use super::watched::{Watched, Wiring};
use crate::capture::CaptureInterface;
use crate::model::network::{
    Asks, Choice, InterfaceKind, InterfaceState, Listening, Network, PortHolder,
};
use crate::model::sighting::Channel;
use crate::model::snapshot::SearchState;
use crate::model::status::InterfaceContext;
use crate::model::time::Timestamp;
use crate::wire::PORT_INSTALL;

pub use super::hearing::{Item, RequestHeard};
pub use super::interfaces::InterfaceSource;
pub use super::listener::FromPlane;
pub use super::socket::Ports;

/// Interfaces that are gone and stay listed for their counters. Beyond, they are forgotten.
const MAX_GONE: usize = 64;

/// How often the kernel is asked what it dropped.
const DROPS_MILLIS: u64 = 1_000;

/// How the plane is set up.
#[derive(Clone, Debug)]
pub struct PlaneConfig {
    /// The ports.
    pub ports: Ports,
    /// Where the list of interfaces comes from.
    pub source: InterfaceSource,
    /// What a person chose, by the interface's system name.
    pub choices: HashMap<String, Choice>,
    /// Interfaces on which unicast answers are left to another program.
    pub broadcast_only: Vec<String>,
    /// The demo: nothing but the loopback interface, asked by unicast.
    pub loopback_only: bool,
    /// Whether to ask every 15 s.
    pub live_search: bool,
    /// When not empty, only these interfaces.
    pub only: Vec<String>,
    /// Where everything is noted that comes and goes.
    pub recorder: Arc<Recorder>,
    /// Decoders that a person taught.
    pub decoders: DecoderSlot,
}

impl Default for PlaneConfig {
    fn default() -> Self {
        Self {
            ports: Ports::default(),
            source: InterfaceSource::System,
            choices: HashMap::new(),
            broadcast_only: Vec::new(),
            loopback_only: false,
            live_search: true,
            only: Vec::new(),
            recorder: Arc::default(),
            decoders: DecoderSlot::default(),
        }
    }
}

/// What a sweep needs of an interface.
#[derive(Clone, Debug)]
pub struct AskingSocket {
    /// The interface's name.
    pub interface: Arc<str>,
    /// The laptop's networks that this socket reaches.
    pub networks: Vec<Network>,
    /// The socket, on a port of its own. Its answers come in through its listener.
    pub socket: Arc<UdpSocket>,
    /// Where "asked", errors and the time of the last request are counted.
    pub counters: Arc<Counters>,
    /// Where sequences come from, so that questions and answers are known.
    pub own: Arc<OwnQuestions>,
    /// Where what leaves is noted.
    pub recorder: Arc<Recorder>,
}

/// Every interface with its sockets, and the search.
#[derive(Debug)]
pub struct Plane {
    source: InterfaceSource,
    wishes: Wishes,
    broadcast_only: HashSet<String>,
    wiring: Wiring,
    /// By name, so that they are listed in that order.
    interfaces: BTreeMap<Arc<str>, Watched>,
    search: Search,
    drops_read: Timestamp,
}

impl Plane {
    /// Opens the sockets and, when live search is on, begins to ask with the first [`Plane::tick`].
    /// Must be called inside a tokio runtime.
    pub fn start(config: PlaneConfig, out: mpsc::Sender<FromPlane>, now: Timestamp) -> Self {
        // Sequences begin anywhere, so that two laptops do not use the same ones.
        let seed = (now.as_millis().unsigned_abs() % u64::from(u16::MAX)) as u16;
        let mut plane = Self {
            source: config.source,
            wishes: Wishes {
                choices: config.choices,
                only: config.only,
                loopback_only: config.loopback_only,
            },
            broadcast_only: config.broadcast_only.into_iter().collect(),
            wiring: Wiring {
                out,
                own: Arc::new(OwnQuestions::new(seed)),
                listen: config.ports.listen,
                ask: config.ports.ask,
                loopback_only: config.loopback_only,
                recorder: config.recorder,
                decoders: config.decoders,
            },
            interfaces: BTreeMap::new(),
            search: Search::new(config.live_search, now),
            drops_read: now,
        };
        plane.scan(now);
        plane.name_missing();
        plane
    }

    /// Looks at the interfaces and brings the sockets in line. To be called every 2 s and after a clock jump.
    pub fn scan(&mut self, now: Timestamp) {
        let all = self.look();
        self.interfaces.retain(|name, watched| {
            if all.iter().any(|found| found.name == *name) {
                return true;
            }
            watched.vanish();
            watched.was_used()
        });
        self.forget_gone(&all);
        let mut has_opened = false;
        for found in &all {
            let watched = self
                .interfaces
                .entry(Arc::clone(&found.name))
                .or_insert_with(|| Watched::new(found.clone()));
            let has_moved = watched.found.networks != found.networks;
            watched.found = found.clone();
            watched.choice = self.wishes.choice(&found.name);
            watched.broadcast_only = self.broadcast_only.contains(&*found.name);
            watched.is_wanted = self.wishes.verdict(found, &all).is_ok();
            match self.wishes.listening(found, &all) {
                Listening::On => {
                    let has_come = watched.settle(&self.wiring, now);
                    // A new address may be in the subnet of units that could not answer before.
                    has_opened |= has_come || (has_moved && watched.is_open());
                }
                off => watched.close(off),
            }
        }
        self.note_senders(&all);
        self.name_for_captures();
        if has_opened && self.search.is_live() {
            self.search.burst(now);
        }
        self.mark_live();
    }

    /// The laptop slept or its clock was set: nothing counts as unanswered, and everybody is asked anew.
    pub fn resumed(&mut self, now: Timestamp) {
        self.scan(now);
        self.forgive();
        if self.search.is_live() {
            self.search.burst(now);
        }
    }

    /// A person chooses whether an interface is listened on.
    pub fn choose(&mut self, name: &str, choice: Choice, now: Timestamp) {
        self.wishes.choices.insert(name.to_owned(), choice);
        self.scan(now);
    }

    /// A person leaves unicast answers on an interface to another program, or does not.
    pub fn set_broadcast_only(&mut self, name: &str, on: bool, now: Timestamp) {
        if on {
            self.broadcast_only.insert(name.to_owned());
        } else {
            self.broadcast_only.remove(name);
        }
        self.scan(now);
    }

    /// Sends the questions that are due and closes the asks whose time is over. To be called every 100 ms.
    pub fn tick(&mut self, now: Timestamp) {
        for watched in self.interfaces.values_mut() {
            watched.ask_again(&self.wiring, now);
            watched.close_ask(now);
        }
        if self.search.is_due(now) {
            self.ask(now);
        }
        if now.as_millis().abs_diff(self.drops_read.as_millis()) >= DROPS_MILLIS {
            self.drops_read = now;
            self.wiring.own.forget_old(now);
            self.read_drops();
        }
    }

    fn ask(&mut self, now: Timestamp) {
        let sequence = self.wiring.own.next_sequence(Asked::Search, now);
        let mut has_left = false;
        for watched in self
            .interfaces
            .values_mut()
            .filter(|watched| watched.is_open())
        {
            has_left |= watched.ask(sequence, &self.wiring, now);
        }
        if has_left {
            self.search.note_asked();
        }
    }

    fn read_drops(&mut self) {
        let Some(drops) = kernel_drops() else {
            return;
        };
        for watched in self.interfaces.values_mut() {
            watched.take_drops(&drops);
        }
    }

    /// Asks all chosen networks: a burst of three from the next [`Plane::tick`] on.
    pub fn search_now(&mut self, now: Timestamp) {
        self.search.burst(now);
    }

    /// Asks no more, live search included.
    pub fn stop_search(&mut self) {
        self.search.stop();
        self.mark_live();
    }

    /// Switches live search.
    pub fn set_live(&mut self, on: bool, now: Timestamp) {
        if on && !self.search.is_live() {
            self.forgive();
        }
        self.search.set_live(on, now);
        self.mark_live();
    }

    /// The search, for the snapshot.
    pub fn search_state(&self) -> SearchState {
        self.search.state()
    }

    /// The interfaces, in the order of their names.
    pub fn interfaces(&self) -> Vec<InterfaceState> {
        self.interfaces.values().map(Watched::state).collect()
    }

    /// What a status needs to know of the interfaces that are chosen, also while they have no link.
    pub fn contexts(&self) -> HashMap<Arc<str>, InterfaceContext> {
        self.interfaces
            .iter()
            .filter(|(_, watched)| watched.is_wanted)
            .map(|(name, watched)| {
                let context = InterfaceContext {
                    networks: watched.found.networks.clone(),
                    asks: Asks {
                        sent: watched.ask_number(),
                        ..watched.asks
                    },
                };
                (Arc::clone(name), context)
            })
            .collect()
    }

    /// The sockets to sweep with.
    pub fn asking_sockets(&self) -> Vec<AskingSocket> {
        let mut sockets = Vec::new();
        for (name, watched) in &self.interfaces {
            for (local, socket) in watched.asking_sockets() {
                let networks = watched.found.networks.iter();
                sockets.push(AskingSocket {
                    interface: Arc::clone(name),
                    networks: networks
                        .filter(|network| local.is_unspecified() || local == IpAddr::V4(network.ip))
                        .copied()
                        .collect(),
                    socket: Arc::clone(socket),
                    counters: Arc::clone(&watched.counters),
                    own: Arc::clone(&self.wiring.own),
                    recorder: Arc::clone(&self.wiring.recorder),
                });
            }
        }
        sockets
    }

    /// The ports that units are asked on.
    pub fn ask_ports(&self) -> [u16; 2] {
        self.wiring.ask
    }

    /// Whether only the demo's units are listened to, or a test's.
    pub fn is_loopback_only(&self) -> bool {
        self.wiring.loopback_only
    }

    /// Who listens to a TCP connection whose end here is `local`, and whether that interface is chosen.
    pub fn tcp_ear(&self, local: Ipv4Addr, port: u16) -> Option<(Ear, bool)> {
        let has_ip = |watched: &&Watched| {
            let mut networks = watched.found.networks.iter();
            networks.any(|network| network.ip == local)
        };
        let watched = self.interfaces.values().find(has_ip)?;
        let ear = Ear {
            interface: Arc::clone(&watched.found.name),
            channel: Channel::Tcp3502,
            counters: Arc::clone(&watched.counters),
            own: Arc::clone(&self.wiring.own),
            port,
            decoder_port: PORT_INSTALL,
            recorder: Arc::clone(&self.wiring.recorder),
            decoders: self.wiring.decoders.clone(),
        };
        Some((ear, watched.is_wanted))
    }

    /// A request was sent on an interface by somebody else in the engine: answers of the next 15 s are no
    /// announcements.
    pub fn note_request(&self, interface: &str, now: Timestamp) {
        if let Some(watched) = self.interfaces.get(interface) {
            watched.counters.note_request(now);
        }
    }

    /// Who else on this machine holds the ports, for the sockets' states.
    pub fn set_port_holders(&mut self, holders: &[PortHolder]) {
        for watched in self.interfaces.values_mut() {
            watched.set_holders(holders);
        }
    }

    /// Closes everything. Dropping the plane does the same; this says that it is meant.
    pub fn stop(self) {
        drop(self);
    }

    /// The interfaces that are listed, as the system tells of them now.
    fn look(&self) -> Vec<Found> {
        let mut all = self.source.look();
        all.retain(|found| self.wishes.lists(found));
        if self.wishes.loopback_only && matches!(self.source, InterfaceSource::System) {
            // Whatever the loopback interface has beside, the demo uses 127.0.0.1.
            let mut loopback = all.into_iter().next().unwrap_or_else(Found::loopback);
            loopback.networks = Found::loopback().networks;
            loopback.link = Found::loopback().link;
            all = vec![loopback];
        }
        all
    }

    /// Keeps the list of interfaces that are gone from growing for ever.
    fn forget_gone(&mut self, all: &[Found]) {
        let gone: Vec<Arc<str>> = self
            .interfaces
            .keys()
            .filter(|name| !all.iter().any(|found| found.name == **name))
            .cloned()
            .collect();
        for name in gone.into_iter().skip(MAX_GONE) {
            self.interfaces.remove(&name);
        }
    }

    /// From where our questions go out.
    fn note_senders(&self, all: &[Found]) {
        let ips = all
            .iter()
            .flat_map(|found| {
                let ipv4 = found.networks.iter().map(|network| IpAddr::V4(network.ip));
                ipv4.chain(found.ipv6.iter().copied().map(IpAddr::V6))
            })
            .collect();
        let ports = self
            .interfaces
            .values()
            .flat_map(Watched::asking_ports)
            .collect();
        self.wiring.own.set_senders(ips, ports);
    }

    /// Tells the recorder how captures are to name the interfaces.
    fn name_for_captures(&self) {
        let interfaces = self.interfaces.values().filter(|watched| watched.is_open());
        self.wiring
            .recorder
            .set_interfaces(interfaces.map(|watched| {
                let found = &watched.found;
                let networks: Vec<String> =
                    found.networks.iter().map(ToString::to_string).collect();
                let shown = CaptureInterface {
                    name: found.name.to_string(),
                    description: match &found.friendly_name {
                        Some(name) => format!("{name} {}", networks.join(" ")),
                        None => networks.join(" "),
                    },
                    mac: found.mac,
                    networks: found.networks.clone(),
                };
                let recorded = RecordedInterface {
                    shown,
                    ip: found.networks.first().map(|network| network.ip),
                };
                (Arc::clone(&found.name), recorded)
            }));
    }

    fn forgive(&mut self) {
        for watched in self.interfaces.values_mut() {
            watched.forgive();
        }
    }

    fn mark_live(&mut self) {
        let is_live = self.search.is_live();
        for watched in self.interfaces.values_mut() {
            watched.asks.live =
                is_live && watched.is_open() && watched.found.kind != InterfaceKind::PointToPoint;
        }
    }

    /// Says which interfaces of the command line are not there: they may still come.
    fn name_missing(&self) {
        for name in &self.wishes.only {
            let is_there = self.interfaces.values().any(|watched| {
                *watched.found.name == **name || watched.found.friendly_name.as_ref() == Some(name)
            });
            if !is_there {
                say(
                    &self.wiring.out,
                    Saying {
                        level: Level::Trouble,
                        title: format!("There is no interface {name:?}"),
                        text: Some("It is listened on as soon as it appears".to_owned()),
                        hint: None,
                    },
                );
            }
        }
    }
}
