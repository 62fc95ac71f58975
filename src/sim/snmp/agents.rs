//! The sockets of the agents: one for each unit of a small fleet, on 127.0.0.1 and a free port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Agent;
use crate::sim::fleet::SimError;
use crate::sim::plan::FleetPlan;
use crate::sim::unit::SimUnit;

/// The largest fleet that has agents: each has a socket of its own.
pub const MAX_AGENTS: usize = 64;

/// No question of an honest asker is longer. What is cut is no message and is not answered.
const RECEIVE_BYTES: usize = 2_048;

/// How long to leave a socket alone that fails.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// How the units of a fleet are just now, shared between those who speak for them.
#[derive(Debug)]
pub(in crate::sim) struct Pulse {
    started: Instant,
    units: Mutex<Vec<UnitPulse>>,
}

/// How one unit is just now.
#[derive(Clone, Copy, Debug)]
struct UnitPulse {
    /// The address that it claims.
    ip: Option<Ipv4Addr>,
    boot_millis: u64,
    /// Whether it is silent from now on.
    is_gone: bool,
}

impl Pulse {
    pub(in crate::sim) fn new(units: &[SimUnit], started: Instant) -> Self {
        let units = units.iter().map(|unit| UnitPulse {
            ip: unit.network.map(|network| network.ip),
            boot_millis: unit.boot_millis,
            is_gone: false,
        });
        Self {
            started,
            units: Mutex::new(units.collect()),
        }
    }

    /// A unit has a new address.
    pub(in crate::sim) fn takes(&self, unit_idx: usize, ip: Ipv4Addr) {
        if let Some(unit) = self.lock().get_mut(unit_idx) {
            unit.ip = Some(ip);
        }
    }

    /// A unit says nothing any more.
    pub(in crate::sim) fn goes(&self, unit_idx: usize) {
        if let Some(unit) = self.lock().get_mut(unit_idx) {
            unit.is_gone = true;
        }
    }

    /// The unit with an address. `None` when there are several, or none.
    fn only_one_at(&self, ip: Ipv4Addr) -> Option<usize> {
        let units = self.lock();
        let mut at_ip = (0..units.len()).filter(|idx| units[*idx].ip == Some(ip));
        at_ip.next().filter(|_| at_ip.next().is_none())
    }

    /// Whether the laptop of the demo would reach a unit: it is up, and in the network that the fleet lives in.
    fn is_reachable(&self, unit_idx: usize, now: Instant) -> bool {
        let (home, prefix_len) = FleetPlan::small_network();
        let home = crate::model::network::Network {
            ip: home,
            prefix_len,
        };
        self.lock().get(unit_idx).is_some_and(|unit| {
            !unit.is_gone
                && unit.ip.is_some_and(|ip| home.contains(ip))
                && now >= self.started + Duration::from_millis(unit.boot_millis)
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<UnitPulse>> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The agents of a fleet. They end when this is dropped.
#[derive(Debug)]
pub(in crate::sim) struct Agents {
    pulse: Arc<Pulse>,
    ports: Vec<u16>,
    /// Dropping it ends them.
    _tasks: JoinSet<()>,
}

impl Agents {
    /// Opens a socket for each unit. One on which SNMP is switched off has one as well, and says nothing.
    pub(in crate::sim) async fn open(
        units: &[SimUnit],
        pulse: Arc<Pulse>,
    ) -> Result<Self, SimError> {
        if units.len() > MAX_AGENTS {
            return Err(SimError::TooManyAgents(units.len()));
        }
        let mut ports = Vec::with_capacity(units.len());
        let mut tasks = JoinSet::new();
        for (unit_idx, unit) in units.iter().enumerate() {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
                .await
                .map_err(|source| SimError::Bind { port: 0, source })?;
            ports.push(socket.local_addr().map_err(SimError::OwnPort)?.port());
            let serving = Serving {
                socket,
                agent: Agent::of(unit),
                unit_idx,
                pulse: Arc::clone(&pulse),
            };
            tasks.spawn(serving.run());
        }
        Ok(Self {
            pulse,
            ports,
            _tasks: tasks,
        })
    }

    /// The port of the unit with an address. `None` when there are several, or none.
    pub(in crate::sim) fn port_of(&self, ip: Ipv4Addr) -> Option<u16> {
        self.ports.get(self.pulse.only_one_at(ip)?).copied()
    }
}

/// One agent and its socket.
struct Serving {
    socket: UdpSocket,
    agent: Option<Agent>,
    unit_idx: usize,
    pulse: Arc<Pulse>,
}

impl Serving {
    /// Runs until it is ended from outside.
    async fn run(self) {
        let mut buf = [0; RECEIVE_BYTES];
        loop {
            match self.socket.recv_from(&mut buf).await {
                Ok((len_bytes, from)) => self.answer(&buf[..len_bytes], from).await,
                // Windows reports an answer that nobody took as an error of the next receive.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
                Err(_) => tokio::time::sleep(ERROR_PAUSE).await,
            }
        }
    }

    async fn answer(&self, datagram: &[u8], from: SocketAddr) {
        let Some(agent) = &self.agent else { return };
        if self.pulse.is_reachable(self.unit_idx, Instant::now())
            && let Some(answer) = agent.answer(datagram)
        {
            // Whoever asked asks again.
            self.socket.send_to(&answer, from).await.ok();
        }
    }
}
