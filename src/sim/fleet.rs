//! The fleet that runs: hears questions, and sends at its time what its units have to say.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use thiserror::Error;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::plan::FleetPlan;
use super::schedule::{Outgoing, Schedule, Words};
use super::snmp::{Agents, MAX_AGENTS, Pulse};
use super::socket::{Placement, Reach, bind};
use super::unit::{ANSWERED_ASKS, Behavior, LATE_MILLIS, SimUnit, judge};
use crate::wire::{IpReply, IpRequest, IpStatus, Kind, Message, decode};

/// The largest fleet: as many units as a site holds.
pub const MAX_UNITS: usize = 200_000;

/// Questions are 64 bytes at most; of anything longer it is enough to know that it came.
const RECEIVE_BYTES: usize = 2_048;

/// How many datagrams leave before the fleet looks for questions again and lets the receivers breathe.
const BATCH: usize = 256;

/// The breath between batches: 10,000 answers leave in less than half a second.
const BATCH_PAUSE: Duration = Duration::from_millis(1);

/// Questions that come closer together than this are one search for [`Behavior::SilentLater`]: a
/// searcher asks on two ports and at two broadcast addresses at once.
const ASK_MILLIS: u64 = 500;

/// How long a unit takes to come up with its new address and announce it.
const SET_IP_MILLIS: u64 = 300;

/// The gap between the two answers of [`Behavior::DoubledReply`].
const DOUBLE_MILLIS: u64 = 40;

/// How many answers of each unit may wait. More are not given: a real unit does not queue them either.
const WAITING_PER_UNIT: usize = 16;

/// How long to leave a socket alone that fails.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Why a fleet does not start.
#[derive(Debug, Error)]
pub enum SimError {
    /// None, or more than a site holds.
    #[error("a fleet has 1 to {MAX_UNITS} units, not {0}")]
    NumUnits(usize),
    /// A port on loopback could not be bound.
    #[error("could not listen on UDP 127.0.0.1:{port}")]
    Bind {
        /// The port; 0 for any.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// A port on an interface could not be bound.
    #[error("could not listen on UDP port {port} of interface {name:?}")]
    Interface {
        /// The interface.
        name: String,
        /// The port.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// Too large a fleet was to have SNMP agents.
    #[error("a fleet whose units answer SNMP has at most {MAX_AGENTS} units, not {0}")]
    TooManyAgents(usize),
    /// The system does not say which port it gave.
    #[error("could not learn the fleet's own port")]
    OwnPort(#[source] io::Error),
}

/// A fleet that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Fleet {
    ports: [u16; 2],
    units: Vec<SimUnit>,
    counters: Arc<Counters>,
    pulse: Arc<Pulse>,
    agents: Option<Agents>,
    task: JoinHandle<()>,
}

/// What the fleet has heard and said.
#[derive(Debug, Default)]
struct Counters {
    asked: AtomicU64,
    answered: AtomicU64,
    withheld: AtomicU64,
}

impl Fleet {
    /// Starts the units of a plan. Must be called inside a tokio runtime.
    pub async fn start(plan: FleetPlan, placement: Placement) -> Result<Self, SimError> {
        if !(1..=MAX_UNITS).contains(&plan.units) {
            return Err(SimError::NumUnits(plan.units));
        }
        let (sockets, reach) = bind(&placement).await?;
        let [install, management] = &sockets;
        let port_of = |socket: &UdpSocket| socket.local_addr().map(|own| own.port());
        let ports = [
            port_of(install).map_err(SimError::OwnPort)?,
            port_of(management).map_err(SimError::OwnPort)?,
        ];
        let units = plan.build();
        let counters = Arc::new(Counters::default());
        let running = Running::new(&units, plan.spread_millis, reach, Arc::clone(&counters));
        let pulse = Arc::clone(&running.pulse);
        let task = tokio::spawn(running.run(sockets));
        Ok(Self {
            ports,
            units,
            counters,
            pulse,
            agents: None,
            task,
        })
    }

    /// Lets every unit be asked by SNMP, each on 127.0.0.1 and a port of its own: [`Self::snmp_port`].
    pub async fn open_snmp(&mut self) -> Result<(), SimError> {
        self.agents = Some(Agents::open(&self.units, Arc::clone(&self.pulse)).await?);
        Ok(())
    }

    /// Where on 127.0.0.1 the unit that claims `ip` is asked by SNMP. `None` when no unit claims it, or several do, or
    /// the fleet has no agents.
    pub fn snmp_port(&self, ip: Ipv4Addr) -> Option<u16> {
        self.agents.as_ref()?.port_of(ip)
    }

    /// The ports that the fleet is asked on: install, management.
    pub const fn ports(&self) -> [u16; 2] {
        self.ports
    }

    /// The units as they were at the start.
    pub fn units(&self) -> &[SimUnit] {
        &self.units
    }

    /// How many requests were heard.
    pub fn asked(&self) -> u64 {
        self.counters.asked.load(Ordering::Relaxed)
    }

    /// How many datagrams left: answers and announcements.
    pub fn answered(&self) -> u64 {
        self.counters.answered.load(Ordering::Relaxed)
    }

    /// How many datagrams could not be sent, or were too many to wait for their turn.
    pub fn withheld(&self) -> u64 {
        self.counters.withheld.load(Ordering::Relaxed)
    }

    /// Ends the fleet. Dropping it does the same.
    pub fn stop(self) {}
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the fleet's task owns.
#[derive(Debug)]
struct Running {
    units: Vec<SimUnit>,
    schedule: Schedule,
    reach: Reach,
    spread_millis: u64,
    started: Instant,
    /// Searches so far, and when the newest one began.
    num_asks: u64,
    last_ask: Option<Instant>,
    counters: Arc<Counters>,
    /// What the agents need to know of the units.
    pulse: Arc<Pulse>,
}

impl Running {
    fn new(units: &[SimUnit], spread_millis: u64, reach: Reach, counters: Arc<Counters>) -> Self {
        let started = Instant::now();
        let mut running = Self {
            units: units.to_vec(),
            schedule: Schedule::new(units.len() * WAITING_PER_UNIT),
            reach,
            spread_millis,
            started,
            num_asks: 0,
            last_ask: None,
            counters,
            pulse: Arc::new(Pulse::new(units, started)),
        };
        for (unit_idx, unit) in units.iter().enumerate() {
            if unit.behavior == Behavior::BootsNow {
                running.announce(unit_idx, started + Duration::from_millis(unit.boot_millis));
            }
        }
        running
    }

    async fn run(mut self, sockets: [UdpSocket; 2]) {
        let [install, management] = &sockets;
        let mut install_buf = [0; RECEIVE_BYTES];
        let mut management_buf = [0; RECEIVE_BYTES];
        let mut resume = self.started;
        loop {
            let due = self.schedule.next_due().map(|due| due.max(resume));
            tokio::select! {
                heard = install.recv_from(&mut install_buf) => {
                    self.hear(0, &install_buf, heard).await;
                }
                heard = management.recv_from(&mut management_buf) => {
                    self.hear(1, &management_buf, heard).await;
                }
                () = until(due) => {
                    self.send_batch(&sockets).await;
                    resume = Instant::now() + BATCH_PAUSE;
                }
            }
        }
    }

    /// Takes what one of the sockets has, be it an error.
    async fn hear(&mut self, port_idx: usize, buf: &[u8], heard: io::Result<(usize, SocketAddr)>) {
        match heard {
            Ok((len_bytes, from)) => self.take(port_idx, &buf[..len_bytes], from, Instant::now()),
            // Windows reports an answer that nobody took as an error of the next receive.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(_) => tokio::time::sleep(ERROR_PAUSE).await,
        }
    }

    /// Takes a datagram. Only requests matter; replies are those of the fleet's neighbors.
    fn take(&mut self, port_idx: usize, datagram: &[u8], from: SocketAddr, now: Instant) {
        let Ok(decoded) = decode(datagram) else {
            return;
        };
        let sequence = decoded.frame.sequence();
        if decoded.frame.kind().is_request() {
            self.counters.asked.fetch_add(1, Ordering::Relaxed);
        }
        match decoded.message {
            Message::DiscoverRequest => self.discover(port_idx, sequence, from, now),
            Message::TestIpRequest(request) => {
                self.assign(port_idx, sequence, from, now, &request, Kind::TestIpReply);
            }
            Message::SetIpRequest(request) => {
                self.assign(port_idx, sequence, from, now, &request, Kind::SetIpReply);
            }
            Message::DiscoverReply(_)
            | Message::TestIpReply(_)
            | Message::SetIpReply(_)
            | Message::Other(_) => {}
        }
    }

    fn discover(&mut self, port_idx: usize, sequence: u16, from: SocketAddr, now: Instant) {
        let is_new_ask = self
            .last_ask
            .is_none_or(|last| now - last >= Duration::from_millis(ASK_MILLIS));
        if is_new_ask {
            self.num_asks += 1;
            self.last_ask = Some(now);
        }
        let num_units = self.units.len() as u64;
        for unit_idx in 0..self.units.len() {
            let unit = &self.units[unit_idx];
            if !self.is_up(unit, now) {
                continue;
            }
            if unit.behavior == Behavior::SilentLater && self.num_asks > ANSWERED_ASKS {
                self.pulse.goes(unit_idx);
                continue;
            }
            let is_doubled = unit.behavior == Behavior::DoubledReply;
            let share_micros = self.spread_millis * 1_000 * unit_idx as u64 / num_units;
            let due = now + own_delay(unit) + Duration::from_micros(share_micros);
            let words = Words::WhatItIs { sequence };
            self.answer(unit_idx, words, port_idx, from, due);
            if is_doubled {
                let again = due + Duration::from_millis(DOUBLE_MILLIS);
                self.answer(unit_idx, words, port_idx, from, again);
            }
        }
    }

    /// A test of a new IP, or its assignment, which `kind` answers.
    fn assign(
        &mut self,
        port_idx: usize,
        sequence: u16,
        from: SocketAddr,
        now: Instant,
        request: &IpRequest,
        kind: Kind,
    ) {
        let Some(unit_idx) = self.units.iter().position(|unit| unit.is_meant(request)) else {
            return;
        };
        if !self.is_up(&self.units[unit_idx], now) {
            return;
        }
        let judged = judge(request, |ip| self.is_in_use(ip, unit_idx));
        let status = judged.err().unwrap_or(IpStatus::Accepted);
        let due = now + own_delay(&self.units[unit_idx]);
        let words = Words::OfNewIp {
            kind,
            sequence,
            status,
        };
        self.answer(unit_idx, words, port_idx, from, due);
        if let (Kind::SetIpReply, Ok(new)) = (kind, judged) {
            self.units[unit_idx].take(new);
            self.pulse.takes(unit_idx, new.network.ip);
            self.announce(unit_idx, due + Duration::from_millis(SET_IP_MILLIS));
        }
    }

    fn is_up(&self, unit: &SimUnit, now: Instant) -> bool {
        now >= self.started + Duration::from_millis(unit.boot_millis)
    }

    fn is_in_use(&self, ip: Ipv4Addr, by_other_than: usize) -> bool {
        self.units.iter().enumerate().any(|(unit_idx, unit)| {
            unit_idx != by_other_than && unit.network.is_some_and(|network| network.ip == ip)
        })
    }

    fn answer(
        &mut self,
        unit_idx: usize,
        words: Words,
        port_idx: usize,
        asker: SocketAddr,
        due: Instant,
    ) {
        for to in self.reach.answer_to(&self.units[unit_idx], asker) {
            self.push(
                due,
                Outgoing {
                    unit_idx,
                    words,
                    port_idx,
                    to,
                },
            );
        }
    }

    fn announce(&mut self, unit_idx: usize, due: Instant) {
        let to = self.reach.everybody();
        self.push(
            due,
            Outgoing {
                unit_idx,
                words: Words::WhatItIs { sequence: 0 },
                port_idx: 0,
                to,
            },
        );
    }

    fn push(&mut self, due: Instant, outgoing: Outgoing) {
        if !self.schedule.push(due, outgoing) {
            self.counters.withheld.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sends what is due, as much as makes one batch.
    async fn send_batch(&mut self, sockets: &[UdpSocket; 2]) {
        let now = Instant::now();
        for _ in 0..BATCH {
            let Some(outgoing) = self.schedule.pop_due(now) else {
                return;
            };
            let datagram = self.datagram(&outgoing);
            let socket = &sockets[outgoing.port_idx];
            let sent = match socket.try_send_to(&datagram, outgoing.to) {
                // The socket's buffer is full: this one waits for room.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    socket.send_to(&datagram, outgoing.to).await
                }
                sent => sent,
            };
            // What cannot be sent at all, because the interface is down, is lost like any datagram.
            let counter = match sent {
                Ok(_) => &self.counters.answered,
                Err(_) => &self.counters.withheld,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn datagram(&self, outgoing: &Outgoing) -> Vec<u8> {
        let unit = &self.units[outgoing.unit_idx];
        match outgoing.words {
            Words::WhatItIs { sequence } => unit.discover_reply(sequence),
            Words::OfNewIp {
                kind,
                sequence,
                status,
            } => {
                let reply = IpReply {
                    mac: Some(unit.mac.octets()),
                    status: Some(status),
                };
                unit.finished(reply.emit(kind, sequence))
            }
        }
    }
}

/// How long a unit thinks before it answers.
const fn own_delay(unit: &SimUnit) -> Duration {
    match unit.behavior {
        Behavior::LateReply => Duration::from_millis(LATE_MILLIS),
        _ => Duration::ZERO,
    }
}

/// Waits for an instant; for ever when there is none to wait for.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
