//! One interface with its sockets, listeners, counters and asks. The plane has one of these for each
//! interface that is listed.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::command::{Level, Saying};
use super::counters::{Counters, Tally};
use super::decoding::DecoderSlot;
use super::hearing::Ear;
use super::interfaces::Found;
use super::listener::{FromPlane, listen, say};
use super::questions::OwnQuestions;
use super::recorder::{Recorder, Sent, port_of};
use super::search::ANSWERED_WITHIN_MILLIS;
use super::socket::{
    Bind, OpenError, Plan, PlanOptions, Platform, Role, open, open_words, plan, send_now,
};
use super::sweep::is_passing;
use crate::model::network::{
    Asks, Choice, InterfaceKind, InterfaceState, Link, Listening, PortHolder, SocketState,
};
use crate::model::sighting::Channel;
use crate::model::time::Timestamp;
use crate::wire::discover_request;

/// The multicast group that units listen to (aidp.md, "addresses asked").
const IPV6_GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xffff);

/// What every interface needs of the plane.
#[derive(Clone, Debug)]
pub(super) struct Wiring {
    /// Where listeners hand what they heard.
    pub out: mpsc::Sender<FromPlane>,
    /// Our own questions.
    pub own: Arc<OwnQuestions>,
    /// The ports to listen on.
    pub listen: [u16; 2],
    /// The ports to ask.
    pub ask: [u16; 2],
    /// The demo.
    pub loopback_only: bool,
    /// Where everything is noted that comes and goes.
    pub recorder: Arc<Recorder>,
    /// Decoders that a person taught.
    pub decoders: DecoderSlot,
}

/// One interface that is listed.
#[derive(Debug)]
pub(super) struct Watched {
    /// What the system tells of it; what it told last when it is gone.
    pub found: Found,
    /// What a person chose.
    pub choice: Choice,
    /// Leave unicast answers to another program.
    pub broadcast_only: bool,
    /// Whether it would be listened on if it had a link.
    pub is_wanted: bool,
    /// What is counted.
    pub counters: Arc<Counters>,
    /// How often it was asked.
    pub asks: Asks,
    /// When the ask closes that is open for answers.
    pub ask_closes: Option<Timestamp>,
    listening: Listening,
    sockets: Vec<OpenSocket>,
    failures: Vec<Failure>,
    /// What is not possible here, in words, and since when.
    remark: Option<(Timestamp, String)>,
    /// Whether the system lets us tie sockets to the device; believed until refused.
    may_tie: bool,
    /// Questions that would have blocked: tried again with the next turn, given up with the next question.
    unsent: Vec<(Arc<UdpSocket>, SocketAddr)>,
    /// The sequence of the last question.
    last_sequence: u16,
    /// What a person was told, so that it is said once.
    said: Said,
    kernel_drops: Option<u64>,
    /// What the kernel dropped on sockets that are closed.
    closed_drops: u64,
    holders: Vec<PortHolder>,
}

/// A socket that is open, with its listener, which ends when this is dropped.
#[derive(Debug)]
struct OpenSocket {
    bind: Bind,
    socket: Arc<UdpSocket>,
    granted_bytes: u64,
    port: u16,
    inode: Option<u64>,
    drops: u64,
    listener: JoinHandle<()>,
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// What a person was told of an interface.
#[derive(Debug, Default)]
struct Said {
    /// The trouble with its sockets.
    trouble: Option<String>,
    /// Whether it was said that asking is refused.
    is_refused: bool,
}

/// A socket that should be open.
#[derive(Debug)]
struct Failure {
    bind: Bind,
    words: String,
}

impl Watched {
    pub(super) fn new(found: Found) -> Self {
        Self {
            found,
            choice: Choice::Default,
            broadcast_only: false,
            is_wanted: false,
            counters: Arc::default(),
            asks: Asks::default(),
            ask_closes: None,
            listening: Listening::Off(String::new()),
            sockets: Vec::new(),
            failures: Vec::new(),
            remark: None,
            may_tie: true,
            unsent: Vec::new(),
            last_sequence: 0,
            said: Said::default(),
            kernel_drops: None,
            closed_drops: 0,
            holders: Vec::new(),
        }
    }

    /// Whether it is listened on, at least in part. IPv6 alone does not count: it hears answers only.
    pub(super) fn is_open(&self) -> bool {
        self.sockets.iter().any(|open| open.bind.role != Role::Ipv6)
    }

    /// Whether it was ever listened on: then it stays listed when it is gone, with its counters.
    pub(super) fn was_used(&self) -> bool {
        self.is_open() || self.counters.total(Tally::Heard) + self.counters.total(Tally::Asked) > 0
    }

    /// The system no longer lists it.
    pub(super) fn vanish(&mut self) {
        self.found.link = Link::Down;
        // Its addresses are not the laptop's any more.
        self.found.networks.clear();
        self.close(Listening::Off("Not there any more".to_owned()));
    }

    /// Closes everything.
    pub(super) fn close(&mut self, why: Listening) {
        self.closed_drops += self.sockets.iter().map(|socket| socket.drops).sum::<u64>();
        self.sockets.clear();
        self.failures.clear();
        self.unsent.clear();
        self.remark = None;
        self.said = Said::default();
        self.ask_closes = None;
        self.asks.live = false;
        self.listening = why;
    }

    /// Brings the sockets in line with what they should be: closes what is no longer right, opens what is missing,
    /// tries again what failed. Says whether the interface was opened just now.
    pub(super) fn settle(&mut self, wiring: &Wiring, now: Timestamp) -> bool {
        let was_open = self.is_open();
        let mut plan = self.plan(wiring);
        if self.open_missing(&plan, wiring, now) {
            // The system does not let us tie sockets to the device: the other way, at once.
            self.may_tie = false;
            plan = self.plan(wiring);
            self.open_missing(&plan, wiring, now);
        }
        if self.remark.as_ref().map(|(_, words)| words) != plan.remark.as_ref() {
            self.remark = plan.remark.clone().map(|words| (now, words));
        }
        self.listening = self.outcome(&plan);
        self.report(wiring);
        if !was_open && self.is_open() {
            self.forgive();
            return true;
        }
        false
    }

    fn plan(&self, wiring: &Wiring) -> Plan {
        plan(
            &self.found,
            PlanOptions {
                listen: wiring.listen,
                broadcast_only: self.broadcast_only,
                loopback_only: wiring.loopback_only,
                may_tie: self.may_tie,
                platform: Platform::HERE,
            },
        )
    }

    /// Says whether the system refused to tie a socket.
    fn open_missing(&mut self, plan: &Plan, wiring: &Wiring, now: Timestamp) -> bool {
        let closed_drops = &mut self.closed_drops;
        self.sockets.retain(|open| {
            // A listener that ended was not asked to: its socket is opened again.
            let stays = plan.binds.contains(&open.bind) && !open.listener.is_finished();
            if !stays {
                *closed_drops += open.drops;
            }
            stays
        });
        self.failures.clear();
        for bind in &plan.binds {
            if self.sockets.iter().any(|open| open.bind == *bind) {
                continue;
            }
            match open(bind) {
                Ok(opened) => {
                    let ear = Ear {
                        interface: Arc::clone(&self.found.name),
                        channel: bind.role.channel(),
                        port: opened.port,
                        decoder_port: bind.role.decoder_port(),
                        recorder: Arc::clone(&wiring.recorder),
                        decoders: wiring.decoders.clone(),
                        counters: Arc::clone(&self.counters),
                        own: Arc::clone(&wiring.own),
                    };
                    let socket = Arc::clone(&opened.socket);
                    self.sockets.push(OpenSocket {
                        bind: bind.clone(),
                        socket: opened.socket,
                        granted_bytes: opened.granted_bytes,
                        port: opened.port,
                        inode: opened.inode,
                        drops: 0,
                        listener: tokio::spawn(listen(ear, socket, wiring.out.clone())),
                    });
                }
                Err(OpenError::TieRefused { .. }) if self.may_tie => return true,
                Err(error) => {
                    let words = open_words(&error, bind, self.found.shown_name());
                    if bind.role != Role::Ipv6 {
                        self.counters.note_error(now, words.clone());
                    }
                    self.failures.push(Failure {
                        bind: bind.clone(),
                        words,
                    });
                }
            }
        }
        false
    }

    fn outcome(&self, plan: &Plan) -> Listening {
        if !plan.can_listen() {
            return Listening::Trouble(format!(
                "{} has no IPv4 address, and this system listens only on an address: \
                 give it one in the subnet of the units",
                self.found.shown_name()
            ));
        }
        // Where a role has several sockets, one that is open is enough: macOS does not bind to 255.255.255.255.
        let missing = self
            .failures
            .iter()
            .find(|failure| failure.bind.role != Role::Ipv6 && !self.has_role(failure.bind.role));
        match missing {
            Some(failure) => Listening::Trouble(failure.words.clone()),
            None => Listening::On,
        }
    }

    fn has_role(&self, role: Role) -> bool {
        self.sockets.iter().any(|open| open.bind.role == role)
    }

    /// Tells a person of trouble, once for as long as it is the same.
    fn report(&mut self, wiring: &Wiring) {
        let Listening::Trouble(words) = &self.listening else {
            self.said.trouble = None;
            return;
        };
        if self.said.trouble.as_ref() != Some(words) {
            say(
                &wiring.out,
                Saying {
                    level: Level::Trouble,
                    title: words.clone(),
                    text: Some(format!(
                        "Units on {} may not be heard; the other interfaces are not affected",
                        self.found.shown_name()
                    )),
                    hint: Some("Rollcall tries again every 2 seconds".to_owned()),
                },
            );
            self.said.trouble = Some(words.clone());
        }
    }

    /// What was not answered until now does not count: the interface came back, the laptop slept.
    pub(super) fn forgive(&mut self) {
        self.asks.floor = self.asks.closed;
        self.ask_closes = None;
    }

    /// Closes the ask whose time is over.
    pub(super) fn close_ask(&mut self, now: Timestamp) {
        let Some(closes) = self.ask_closes else {
            return;
        };
        // Further ahead than an ask can be: the clock was set back.
        if closes <= now || closes.millis_since(now) > ANSWERED_WITHIN_MILLIS {
            self.asks.closed += 1;
            self.ask_closes = None;
        }
    }

    /// Sends a question everywhere that can be reached from here. Says whether any of it left.
    pub(super) fn ask(&mut self, sequence: u16, wiring: &Wiring, now: Timestamp) -> bool {
        self.unsent.clear();
        self.last_sequence = sequence;
        let mut num_left = 0;
        for (socket, target) in self.questions(wiring) {
            num_left += usize::from(self.send(&socket, target, wiring, now));
        }
        if num_left > 0 {
            self.note_asked(now);
        }
        num_left > 0
    }

    /// Tries again what would have blocked.
    pub(super) fn ask_again(&mut self, wiring: &Wiring, now: Timestamp) {
        for (socket, target) in std::mem::take(&mut self.unsent) {
            if self.send(&socket, target, wiring, now) {
                self.note_asked(now);
            }
        }
    }

    fn note_asked(&mut self, now: Timestamp) {
        self.counters.note_request(now);
        // The three questions of a burst, and a burst begun while another is open, are one ask.
        self.ask_closes = Some(now.plus_millis(ANSWERED_WITHIN_MILLIS));
    }

    /// Every socket that asks with every place that it asks.
    fn questions(&self, wiring: &Wiring) -> Vec<(Arc<UdpSocket>, SocketAddr)> {
        let mut ask_ports = wiring.ask.to_vec();
        ask_ports.dedup();
        let mut questions = Vec::new();
        for open in &self.sockets {
            let ips: Vec<IpAddr> = match (open.bind.role, open.bind.ip) {
                (Role::Asking, IpAddr::V4(local)) => self.asked_ips(open, local, wiring),
                (Role::Ipv6, _) => vec![IpAddr::V6(IPV6_GROUP)],
                _ => continue,
            };
            for ip in ips {
                for port in &ask_ports {
                    let target = match ip {
                        IpAddr::V4(ip) => SocketAddr::from((ip, *port)),
                        IpAddr::V6(ip) => SocketAddrV6::new(ip, *port, 0, self.found.index).into(),
                    };
                    questions.push((Arc::clone(&open.socket), target));
                }
            }
        }
        questions
    }

    fn asked_ips(&self, open: &OpenSocket, local: Ipv4Addr, wiring: &Wiring) -> Vec<IpAddr> {
        if wiring.loopback_only {
            return vec![IpAddr::V4(local)];
        }
        if self.found.kind == InterfaceKind::PointToPoint {
            return Vec::new();
        }
        let is_tied = open.bind.device.is_some();
        // Untied on Linux, the limited broadcast would leave by the default route.
        let limited = (is_tied || cfg!(windows)).then_some(Ipv4Addr::BROADCAST);
        let subnets = self
            .found
            .networks
            .iter()
            .filter(|network| local.is_unspecified() || network.ip == local)
            .filter_map(|network| network.broadcast());
        let mut ips: Vec<IpAddr> = limited.into_iter().chain(subnets).map(IpAddr::V4).collect();
        ips.sort_unstable();
        ips.dedup();
        ips
    }

    /// Says whether it left.
    fn send(
        &mut self,
        socket: &Arc<UdpSocket>,
        target: SocketAddr,
        wiring: &Wiring,
        now: Timestamp,
    ) -> bool {
        let question = discover_request(self.last_sequence);
        match send_now(socket, &question, target) {
            Ok(()) => {
                self.counters.count(Tally::Asked);
                wiring.recorder.sent(Sent {
                    interface: &self.found.name,
                    channel: Channel::UdpAsking,
                    port: port_of(socket),
                    to: target,
                    when: now,
                    bytes: &question,
                });
                true
            }
            // Most networks have no IPv6, and nobody misses it.
            Err(_) if target.is_ipv6() => false,
            Err(error) if is_passing(&error) => {
                self.unsent.push((Arc::clone(socket), target));
                false
            }
            Err(error) => {
                self.counters.count(Tally::AskErrors);
                self.note_send_error(&error, target, wiring, now);
                false
            }
        }
    }

    fn note_send_error(
        &mut self,
        error: &io::Error,
        target: SocketAddr,
        wiring: &Wiring,
        now: Timestamp,
    ) {
        let name = self.found.shown_name();
        let hint = match error.kind() {
            io::ErrorKind::HostUnreachable if cfg!(target_os = "macos") => Some(
                "Allow Rollcall in System Settings › Privacy & Security › Local Network, then start it again",
            ),
            io::ErrorKind::PermissionDenied => {
                Some("Look for a firewall rule on this computer that refuses what Rollcall sends")
            }
            // The interface is going down or has no route: the next look at the interfaces tells more.
            _ => None,
        };
        let title = format!("Asking {} on {name} failed: {error}", target.ip());
        let words = match hint {
            Some(hint) => format!("{title}. {hint}"),
            None => title.clone(),
        };
        // Told once, until the interface is opened again.
        let is_news = hint.is_some() && !self.said.is_refused;
        self.counters.note_error(now, words);
        if is_news {
            self.said.is_refused = true;
            say(
                &wiring.out,
                Saying {
                    level: Level::Trouble,
                    title,
                    text: Some(
                        "Units that wait for a question will not be found on this interface"
                            .to_owned(),
                    ),
                    hint: hint.map(str::to_owned),
                },
            );
        }
    }

    /// Takes over what the kernel counted.
    pub(super) fn take_drops(&mut self, drops: &HashMap<u64, u64>) {
        for open in &mut self.sockets {
            if let Some(count) = open.inode.and_then(|inode| drops.get(&inode)) {
                open.drops = *count;
            }
        }
        self.kernel_drops =
            Some(self.closed_drops + self.sockets.iter().map(|open| open.drops).sum::<u64>());
    }

    /// Who else holds the ports.
    pub(super) fn set_holders(&mut self, holders: &[PortHolder]) {
        self.holders = holders.to_vec();
    }

    /// The ports of the sockets that ask.
    pub(super) fn asking_ports(&self) -> impl Iterator<Item = u16> {
        self.sockets
            .iter()
            .filter(|open| matches!(open.bind.role, Role::Asking | Role::Ipv6))
            .map(|open| open.port)
    }

    /// The sockets that ask over IPv4, with the local address they are bound to.
    pub(super) fn asking_sockets(&self) -> impl Iterator<Item = (IpAddr, &Arc<UdpSocket>)> {
        self.sockets
            .iter()
            .filter(|open| open.bind.role == Role::Asking)
            .map(|open| (open.bind.ip, &open.socket))
    }

    /// The number of the ask that something heard now answers: one more than the asks that are closed while
    /// one is open for answers.
    pub(super) fn ask_number(&self) -> u64 {
        self.asks.closed + u64::from(self.ask_closes.is_some())
    }

    /// For the snapshot.
    pub(super) fn state(&self) -> InterfaceState {
        InterfaceState {
            name: Arc::clone(&self.found.name),
            friendly_name: self.found.friendly_name.clone(),
            index: self.found.index,
            kind: self.found.kind,
            mac: self.found.mac,
            link: self.found.link,
            networks: self.found.networks.clone(),
            choice: self.choice,
            broadcast_only: self.broadcast_only,
            listening: self.listening.clone(),
            sockets: self.socket_states(),
            counters: self.counters.read(self.kernel_drops),
            asks: self.asks,
            last_error: self.counters.last_error().or_else(|| self.remark.clone()),
        }
    }

    /// One line for each role: several sockets of one role show as the first that is open.
    fn socket_states(&self) -> Vec<SocketState> {
        let mut states: Vec<SocketState> = Vec::new();
        let open = self
            .sockets
            .iter()
            .map(|open| (open.bind.role, open.port, Ok(open.granted_bytes)));
        let failed = self.failures.iter().map(|failure| {
            (
                failure.bind.role,
                failure.bind.port,
                Err(failure.words.clone()),
            )
        });
        let mut all: Vec<_> = open.chain(failed).collect();
        // Stable: within a role, open ones stay first.
        all.sort_by_key(|(role, ..)| *role as u8);
        for (role, port, bound) in all {
            if states.last().is_some_and(|last| last.role == role.word()) {
                continue;
            }
            let shared_with = self
                .holders
                .iter()
                .filter(|holder| holder.port == port && holder.protocol == "UDP")
                .cloned()
                .collect();
            states.push(SocketState {
                port,
                role: role.word(),
                bound,
                shared_with,
            });
        }
        states
    }
}
