//! The exposure check: which addresses of some ranges answer on UDP and TCP 3502 and 3211, seen from this computer.
//! Only these ports are touched. UDP is two sweeps, one for each port, so that an answer's sequence tells which port it
//! is for; then connections are made and closed again without a word. What sends the datagrams is a parameter
//! ([`Asker`]); what was heard is told by the actor ([`Exposure::hear`]).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::identify::ports::{PortState, try_port};
use super::ranges::{Loopback, RangeError, Ranges, Size};
use super::sweep::{
    self, Asker, DEFAULT_PER_SEC, MAX_PER_SEC, NUM_PASSES, Pacer, Sweep, SweepPlan, without_own,
};
use super::tcp::{ASK_AT_ONCE, Now, TcpSlots};
use crate::model::exposure::{EXPOSED_KEPT, ExposeState, Exposed, TcpPort};
use crate::model::network::Network;
use crate::model::sighting::{Channel, Sighting, Source};
use crate::model::snapshot::SweepEnd;
use crate::model::time::Timestamp;
use crate::wire;

/// The ports, in the order of all arrays here.
pub const PORTS: [u16; 2] = [wire::PORT_INSTALL, wire::PORT_MANAGEMENT];

/// How long a connection may take. A lost first packet is sent again after a second.
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// How often it is looked whether a sweep is over.
const SWEEP_LOOK: Duration = Duration::from_millis(100);

/// Why an exposure check cannot begin.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ExposeError {
    /// The ranges cannot be read.
    #[error(transparent)]
    Ranges(#[from] RangeError),
    /// More than a /16: a person is asked first.
    #[error("{0} addresses are more than a /16 has")]
    NeedsYes(u64),
    /// More than a /12.
    #[error("{0} addresses are too many: at most a /12 is asked at once")]
    TooMany(u64),
}

/// What is to be asked, and how.
#[derive(Clone)]
pub struct ExposePlan {
    /// The addresses.
    pub ranges: Ranges,
    /// The ranges as typed, to show.
    pub text: String,
    /// Where 3502 and 3211 are: in tests, other ports.
    pub ports: [u16; 2],
    /// The sequences of the questions of each pass, for each of the ports: all different.
    pub sequences: [[u16; NUM_PASSES]; 2],
    /// Datagrams a second on routed ranges, and connections a second everywhere; 1 to [`MAX_PER_SEC`].
    pub per_sec: u32,
    /// How long a connection may take.
    pub connect_time: Duration,
    /// The connections that may be open, shared with everything else that connects.
    pub slots: TcpSlots,
    /// The clock.
    pub now: Now,
}

impl std::fmt::Debug for ExposePlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExposePlan")
            .field("text", &self.text)
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}

/// Reads the ranges and checks their size as a sweep does: more than a /16 only after a person said yes.
pub fn check_ranges(
    text: &str,
    loopback: Loopback,
    is_confirmed: bool,
) -> Result<Ranges, ExposeError> {
    let ranges = Ranges::parse_with(text, loopback)?;
    match ranges.check_size() {
        Size::TooMany => Err(ExposeError::TooMany(ranges.num_ips())),
        Size::Ask if !is_confirmed => Err(ExposeError::NeedsYes(ranges.num_ips())),
        Size::Ask | Size::Fine => Ok(ranges),
    }
}

impl ExposePlan {
    /// Both ports at the default pace. `sequences` are those of the questions to UDP 3502 and to UDP 3211.
    pub fn new(
        ranges: Ranges,
        text: String,
        sequences: [[u16; NUM_PASSES]; 2],
        slots: TcpSlots,
        now: Now,
    ) -> Self {
        Self {
            ranges,
            text,
            ports: PORTS,
            sequences,
            per_sec: DEFAULT_PER_SEC,
            connect_time: CONNECT_TIME,
            slots,
            now,
        }
    }
}

/// An exposure check that runs or is over. Dropping it ends it.
#[derive(Debug)]
pub struct Exposure {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// Begins an exposure check on the current tokio runtime.
pub fn start(plan: ExposePlan, asker: impl Asker + Clone) -> Exposure {
    let run = Run::new(plan, asker);
    Exposure {
        shared: Arc::clone(&run.shared),
        task: tokio::spawn(run.until_over()),
    }
}

impl Exposure {
    /// How far it is, and what it has found so far.
    pub fn state(&self) -> ExposeState {
        let mut progress = self.shared.lock();
        if progress.state.ended.is_none() && self.task.is_finished() {
            let why = "the check stopped because of an error inside Rollcall";
            progress.end(SweepEnd::Failed(why.to_owned()), (self.shared.now)());
        }
        progress.take_figures();
        if std::mem::take(&mut progress.is_changed) {
            progress.state.found = Arc::new(progress.found.values().cloned().collect());
        }
        progress.state.clone()
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.task.is_finished() || self.shared.lock().state.ended.is_some()
    }

    /// Stops it at once.
    pub fn cancel(&self) {
        self.task.abort();
        let mut progress = self.shared.lock();
        progress.end(SweepEnd::Canceled, (self.shared.now)());
    }

    /// To be told of every sighting: takes those that answer one of its questions by UDP.
    pub fn hear(&self, sighting: &Sighting) {
        let is_answer = sighting.source == Source::SweepReply;
        if !is_answer || sighting.channel == Channel::Tcp3502 {
            return;
        }
        if let Some(ip) = sighting.from_ipv4()
            && let Ok(decoded) = wire::decode(&sighting.raw.bytes)
        {
            self.answered(ip, decoded.frame.sequence(), sighting.when);
        }
    }

    /// An answer by UDP with this sequence came from this address. Takes only those to its own questions, from
    /// addresses that are asked, and none any more when it is over.
    pub fn answered(&self, ip: Ipv4Addr, sequence: u16, when: Timestamp) {
        let of_port = |sequences: &[u16; NUM_PASSES]| sequences.contains(&sequence);
        let Some(port_idx) = self.shared.sequences.iter().position(of_port) else {
            return;
        };
        let mut progress = self.shared.lock();
        if progress.state.ended.is_some() || !progress.ranges.contains(ip) {
            return;
        }
        if let Some(sweep) = &progress.sweep {
            sweep.answered(ip);
        }
        let is_routed = self.shared.is_routed(ip);
        progress.change(ip, is_routed, when, |exposed| match port_idx {
            0 => exposed.udp_3502 = true,
            _ => exposed.udp_3211 = true,
        });
    }
}

impl Drop for Exposure {
    fn drop(&mut self) {
        self.task.abort();
        // The sweep ends with the last who knows of it.
        self.shared.lock().sweep = None;
    }
}

/// What the task and the handle both hold.
struct Shared {
    sequences: [[u16; NUM_PASSES]; 2],
    now: Now,
    /// This computer's subnets when it began.
    networks: Vec<Network>,
    progress: Mutex<Progress>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        // Every change leaves the counts whole, so a panic elsewhere does no harm here.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_routed(&self, ip: Ipv4Addr) -> bool {
        !self.networks.iter().any(|network| network.contains(ip))
    }
}

struct Progress {
    /// Its list of the found is as old as the last time somebody looked.
    state: ExposeState,
    /// The addresses that are asked: the plan's without this computer's own and the subnets' broadcasts.
    ranges: Ranges,
    /// At most [`EXPOSED_KEPT`].
    found: BTreeMap<Ipv4Addr, Exposed>,
    /// Something was found since somebody looked.
    is_changed: bool,
    /// The sweep that runs.
    sweep: Option<Sweep>,
    /// What was asked before it.
    num_asked_before: u64,
}

impl Progress {
    /// Takes over what the sweep has asked by now.
    fn take_figures(&mut self) {
        if let Some(sweep) = &self.sweep {
            self.state.num_asked = self.num_asked_before + sweep.state().num_asked;
        }
    }

    /// The first end counts: one that was stopped may just have come to its own.
    fn end(&mut self, outcome: SweepEnd, when: Timestamp) {
        if self.state.ended.is_some() {
            return;
        }
        self.take_figures();
        self.sweep = None;
        self.state.ended = Some(when);
        self.state.outcome = Some(outcome);
    }

    /// Notes something about an address that is exposed.
    fn change(
        &mut self,
        ip: Ipv4Addr,
        is_routed: bool,
        when: Timestamp,
        change: impl FnOnce(&mut Exposed),
    ) {
        if let Some(exposed) = self.found.get_mut(&ip) {
            change(exposed);
        } else {
            // Who is over the limit may be counted several times; nobody has so many by accident.
            self.state.num_exposed += 1;
            if self.found.len() >= EXPOSED_KEPT {
                return;
            }
            let mut exposed = Exposed::new(ip, is_routed, when);
            change(&mut exposed);
            self.found.insert(ip, exposed);
        }
        self.is_changed = true;
    }
}

/// What could not be sent or tried.
#[derive(Debug, Default)]
struct Failures {
    num_connections: u64,
    /// Why the newest one failed.
    why: String,
    /// What the sweeps said.
    sweeps: Vec<String>,
}

struct Run<A> {
    plan: ExposePlan,
    asker: A,
    shared: Arc<Shared>,
    failures: Failures,
    /// Addresses of which one TCP port is known: no more than are tried at once.
    half_tried: BTreeMap<Ipv4Addr, (usize, TcpPort)>,
}

impl<A: Asker + Clone> Run<A> {
    fn new(plan: ExposePlan, asker: A) -> Self {
        let networks = asker.networks();
        let ranges = without_own(plan.ranges.clone(), &networks);
        let num_ips = ranges.num_ips();
        let num_udp = num_ips * (NUM_PASSES * plan.ports.len()) as u64;
        let shared = Arc::new(Shared {
            sequences: plan.sequences,
            now: Arc::clone(&plan.now),
            networks,
            progress: Mutex::new(Progress {
                state: ExposeState {
                    ranges: plan.text.clone(),
                    num_ips,
                    num_questions: num_udp + num_ips * plan.ports.len() as u64,
                    started: (plan.now)(),
                    ..ExposeState::default()
                },
                ranges,
                found: BTreeMap::new(),
                is_changed: false,
                sweep: None,
                num_asked_before: 0,
            }),
        });
        Self {
            plan,
            asker,
            shared,
            failures: Failures::default(),
            half_tried: BTreeMap::new(),
        }
    }

    async fn until_over(mut self) {
        for port_idx in 0..self.plan.ports.len() {
            self.ask_by_udp(port_idx).await;
        }
        self.try_tcp().await;
        let outcome = self.verdict();
        self.shared.lock().end(outcome, (self.plan.now)());
    }

    /// Sweeps one port.
    async fn ask_by_udp(&mut self, port_idx: usize) {
        let ranges = self.shared.lock().ranges.clone();
        let now = (self.plan.now)();
        let mut plan = SweepPlan::new(ranges, self.plan.text.clone(), 0, now);
        plan.sequences = self.plan.sequences[port_idx];
        plan.ports = vec![self.plan.ports[port_idx]];
        plan.per_sec = self.plan.per_sec;
        {
            let mut progress = self.shared.lock();
            // Stopped at this moment: nobody would end the sweep.
            if progress.state.ended.is_some() {
                return;
            }
            progress.sweep = Some(sweep::start(plan, self.asker.clone()));
        }
        loop {
            tokio::time::sleep(SWEEP_LOOK).await;
            let mut progress = self.shared.lock();
            let is_over = progress.sweep.as_ref().is_none_or(Sweep::is_over);
            if !is_over {
                continue;
            }
            progress.take_figures();
            progress.num_asked_before = progress.state.num_asked;
            if let Some(sweep) = progress.sweep.take()
                && let Some(SweepEnd::Failed(why)) = sweep.state().ended
            {
                let port = self.plan.ports[port_idx];
                self.failures.sweeps.push(format!("UDP {port}: {why}"));
            }
            return;
        }
    }

    /// Tries both TCP ports of every address. As many at once as other questions by TCP: the rest of the connections
    /// stays free for units that connect by themselves.
    async fn try_tcp(&mut self) {
        let mut tries = JoinSet::new();
        let mut pacer = Pacer::new(self.plan.per_sec.clamp(1, MAX_PER_SEC), Instant::now());
        let mut last = None;
        loop {
            let next = self.shared.lock().ranges.next_after(last);
            let Some(ip) = next else { break };
            last = next;
            for (port_idx, port) in self.plan.ports.into_iter().enumerate() {
                while tries.len() >= ASK_AT_ONCE {
                    self.take_next(&mut tries).await;
                }
                let Ok(slot) = self.plan.slots.take().await else {
                    return;
                };
                tokio::time::sleep_until(pacer.next).await;
                pacer.left(Instant::now());
                let limit = self.plan.connect_time;
                tries.spawn(async move {
                    let state = try_port(SocketAddrV4::new(ip, port), limit).await;
                    drop(slot);
                    (ip, port_idx, state)
                });
            }
        }
        while !tries.is_empty() {
            self.take_next(&mut tries).await;
        }
    }

    async fn take_next(&mut self, tries: &mut JoinSet<(Ipv4Addr, usize, PortState)>) {
        // A task that panicked has found nothing; the panic is in the log.
        let Some(Ok((ip, port_idx, state))) = tries.join_next().await else {
            return;
        };
        let port = match state {
            PortState::Open => TcpPort::Open,
            PortState::Closed => TcpPort::Refused,
            PortState::Silent => TcpPort::Silent,
            PortState::Failed(why) => {
                self.failures.num_connections += 1;
                self.failures.why = why;
                TcpPort::NotTried
            }
        };
        let mut progress = self.shared.lock();
        progress.state.num_asked += 1;
        // Both of an address are told together, so that what was found says all of it.
        let Some((other_idx, other)) = self.half_tried.remove(&ip) else {
            self.half_tried.insert(ip, (port_idx, port));
            return;
        };
        progress.state.num_done += 1;
        let is_open = port == TcpPort::Open || other == TcpPort::Open;
        if is_open || progress.found.contains_key(&ip) {
            let is_routed = self.shared.is_routed(ip);
            let [install, management] = if port_idx < other_idx {
                [port, other]
            } else {
                [other, port]
            };
            progress.change(ip, is_routed, (self.plan.now)(), |exposed| {
                exposed.tcp_3502 = install;
                exposed.tcp_3211 = management;
            });
        }
    }

    fn verdict(&self) -> SweepEnd {
        let mut said = self.failures.sweeps.clone();
        if self.failures.num_connections > 0 {
            said.push(format!(
                "{} TCP connections could not be tried: {}",
                self.failures.num_connections, self.failures.why
            ));
        }
        if said.is_empty() {
            SweepEnd::Done
        } else {
            SweepEnd::Failed(said.join("; "))
        }
    }
}

#[cfg(test)]
mod tests;
