//! Sends the questions of a sweep over the sockets of the chosen interfaces: the one whose subnet the address is in,
//! else the one that the system's routes name.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clock;
use super::counters::Tally;
use super::plane::AskingSocket;
use super::questions::Asked;
use super::recorder::{Sent, port_of};
use super::socket::send_now;
use super::sweep::{AskResult, Asker, DEFAULT_WAITING, is_passing};
use crate::model::network::Network;
use crate::model::sighting::Channel;
use crate::model::time::Timestamp;
use crate::wire::discover_request;
use socket2::SockRef;

/// Routes that are remembered, one for each /24.
const ROUTES_KEPT: usize = 65_536;

/// The sockets to ask with. Clones share them; the actor exchanges them when interfaces change.
#[derive(Clone, Debug, Default)]
pub(super) struct PlaneAsker(Arc<Mutex<Sockets>>);

#[derive(Debug, Default)]
struct Sockets {
    sockets: Vec<AskingSocket>,
    /// The laptop's address that the system would use, by the first three octets of the address asked.
    routes: HashMap<[u8; 3], Option<Ipv4Addr>>,
}

impl PlaneAsker {
    /// Takes over the sockets that are open now.
    pub(super) fn set(&self, sockets: Vec<AskingSocket>) {
        let mut inner = self.lock();
        inner.sockets = sockets;
        inner.routes.clear();
    }

    /// A sequence for a sweep, and the one after it.
    pub(super) fn sequences(&self) -> Option<u16> {
        let inner = self.lock();
        let own = &inner.sockets.first()?.own;
        let now = clock::now();
        let first = own.next_sequence(Asked::Sweep, now);
        own.note(first.wrapping_add(1), Asked::Sweep, now);
        Some(first)
    }

    /// A question with this sequence is still open.
    pub(super) fn note(&self, sequence: u16, now: Timestamp) {
        if let Some(socket) = self.lock().sockets.first() {
            socket.own.note(sequence, Asked::Sweep, now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sockets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sockets {
    fn for_ip(&mut self, ip: Ipv4Addr) -> Option<&AskingSocket> {
        let is_local =
            |socket: &AskingSocket| socket.networks.iter().any(|network| network.contains(ip));
        if let Some(idx) = self.sockets.iter().position(is_local) {
            return self.sockets.get(idx);
        }
        let [a, b, c, _] = ip.octets();
        if self.routes.len() >= ROUTES_KEPT {
            self.routes.clear();
        }
        let local = (*self.routes.entry([a, b, c]).or_insert_with(|| route_to(ip)))?;
        self.sockets
            .iter()
            .find(|socket| socket.networks.iter().any(|network| network.ip == local))
    }
}

/// The laptop's address that the system would use towards `ip`. Nothing is sent: connecting a UDP socket only looks
/// the route up.
pub(super) fn route_to(ip: Ipv4Addr) -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((ip, crate::wire::PORT_INSTALL)).ok()?;
    match socket.local_addr().ok()? {
        SocketAddr::V4(local) => Some(*local.ip()),
        SocketAddr::V6(_) => None,
    }
}

impl Asker for PlaneAsker {
    fn networks(&self) -> Vec<Network> {
        self.lock()
            .sockets
            .iter()
            .flat_map(|socket| socket.networks.clone())
            .collect()
    }

    fn max_waiting(&self) -> usize {
        /// What a question that waits for ARP costs of the send buffer.
        const QUESTION_BYTES: usize = 832;
        if !cfg!(target_os = "linux") {
            return DEFAULT_WAITING;
        }
        let inner = self.lock();
        let granted = inner
            .sockets
            .iter()
            .filter_map(|socket| SockRef::from(&*socket.socket).send_buffer_size().ok())
            .min();
        // A quarter stays free for the search, which asks over the same sockets.
        granted.map_or(DEFAULT_WAITING, |bytes| bytes / QUESTION_BYTES * 3 / 4)
    }

    fn try_ask(&self, to: SocketAddrV4, sequence: u16) -> AskResult {
        let mut inner = self.lock();
        let Some(socket) = inner.for_ip(*to.ip()) else {
            return AskResult::Failed(io::Error::from(io::ErrorKind::NetworkUnreachable));
        };
        let now = clock::now();
        // Before it leaves: an answer may come back before the next line.
        socket.own.note(sequence, Asked::Sweep, now);
        socket.counters.note_request(now);
        let question = discover_request(sequence);
        match send_now(&socket.socket, &question, to.into()) {
            Ok(()) => {
                socket.counters.count(Tally::Asked);
                socket.recorder.sent(Sent {
                    interface: &socket.interface,
                    channel: Channel::UdpAsking,
                    port: port_of(&socket.socket),
                    to: to.into(),
                    when: now,
                    bytes: &question,
                });
                AskResult::Sent
            }
            Err(error) if is_passing(&error) => AskResult::WouldBlock,
            Err(error) => {
                socket.counters.count(Tally::AskErrors);
                AskResult::Failed(error)
            }
        }
    }
}
