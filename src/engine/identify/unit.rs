//! Asks one unit with the probes that are on, one after the other, and stops early when enough is known or nobody is there.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::neighbors::{self, LastIpv6, Neighbor};
use super::ports::{self, PortState};
use super::{Ask, http, snmp, ssh, telnet, tls};
use crate::catalog::{Catalog, Known};
use crate::engine::clock;
use crate::model::identity::Mac;
use crate::model::probing::{Answer, Outcome, Probe, Probed};

/// The operating system's table of neighbors is asked for this often, at most: on some systems that starts a program.
pub const NEIGHBORS_EVERY: Duration = if cfg!(target_os = "linux") {
    Duration::from_millis(100)
} else {
    Duration::from_millis(500)
};

/// How long one unit may be asked with all probes together, so that one that drips everywhere holds nobody up; more
/// where a single probe may take longer. Waiting for places is not counted.
const UNIT_LIMIT: Duration = Duration::from_secs(15);

/// How one unit is asked.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Where, with what time limits.
    pub ask: Ask,
    /// The probes that are on.
    pub wanted: Arc<BTreeSet<Probe>>,
    /// Whether every probe is tried, even when enough is known before.
    pub is_thorough: bool,
    /// What tells when enough is known.
    pub catalog: Arc<Catalog>,
    /// The neighbors of this computer.
    pub neighbors: NeighborTable,
}

/// What came of asking one address.
#[derive(Debug)]
pub struct Asked {
    /// What was said.
    pub probed: Probed,
    /// The MAC of the address, where it stands for no other address.
    pub mac: Option<Mac>,
}

/// The neighbors of this computer, looked up at most every [`NEIGHBORS_EVERY`]. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct NeighborTable(Arc<Mutex<LastLook>>);

/// What the last look brought.
#[derive(Debug, Default)]
struct LastLook {
    table: Option<(Instant, Neighbors)>,
    ipv6: LastIpv6,
}

/// What a look at the neighbors brought: the table, or why there is none.
pub type Neighbors = Result<Arc<Vec<Neighbor>>, String>;

impl NeighborTable {
    /// The table, not older than `since`.
    pub async fn look(&self, since: Instant) -> Neighbors {
        // Held while the system is asked, so that it is asked once for all who wait.
        let mut last = self.0.lock().await;
        if let Some((when, table)) = &last.table
            && (*when >= since || when.elapsed() < NEIGHBORS_EVERY)
        {
            return table.clone();
        }
        let now = Instant::now();
        let mut ipv6 = std::mem::take(&mut last.ipv6);
        let reading = tokio::task::spawn_blocking(move || (neighbors::table(&mut ipv6), ipv6));
        let table = match reading.await {
            Ok((table, ipv6)) => {
                last.ipv6 = ipv6;
                table.map(Arc::new).map_err(|error| error.to_string())
            }
            Err(panic) => Err(panic.to_string()),
        };
        last.table = Some((now, table.clone()));
        table
    }
}

/// Asks one unit. Ends within about 15 s, waiting for places aside, and after [`Ask::silence`] when nobody is there.
pub async fn ask_unit(asking: Asking) -> Asked {
    let limit = UNIT_LIMIT.max(asking.ask.limit * 5 / 2);
    ask_within(asking, limit).await
}

async fn ask_within(mut asking: Asking, limit: Duration) -> Asked {
    asking.ask.slots = asking.ask.slots.counted_apart();
    let mut run = Run {
        probed: Probed {
            ip: asking.ask.ip,
            when: clock::now(),
            answers: Vec::new(),
            targets: Vec::new(),
        },
        mac: None,
        began: Instant::now(),
        waited_first: Duration::ZERO,
        limit,
        asking,
    };
    run.all_in_turn().await;
    run.probed.answers.sort_by_key(|answer| answer.probe);
    run.probed.when = clock::now();
    Asked {
        probed: run.probed,
        mac: run.mac,
    }
}

/// One unit that is being asked.
struct Run {
    asking: Asking,
    probed: Probed,
    mac: Option<Mac>,
    began: Instant,
    /// How long the first questions, which are asked together, waited for their places.
    waited_first: Duration,
    limit: Duration,
}

/// What the first questions brought: SNMP, and whether the two ports that most units have open answer.
struct Knocked {
    ports: Vec<(u16, PortState)>,
    is_nobody: bool,
}

impl Run {
    async fn all_in_turn(&mut self) {
        let began = Instant::now();
        let mut knocked = self.knock().await;
        if self.wants(Probe::Neighbors) {
            let table = self.asking.neighbors.look(began).await;
            let is_there = self.take_neighbors(&table);
            // It keeps silent on these ports only: its MAC is known.
            knocked.is_nobody &= !is_there;
        }
        let ports = Arc::clone(&self.asking.ask.ports);
        let (https, ssh) = (ports.https, ports.ssh);
        if self.wants(Probe::Tls)
            && self.may_ask(Probe::Tls, &knocked, https)
            && let Some(ask) = self.ask_now()
        {
            self.timed(tls::ask(&ask)).await;
        }
        if knocked.is_nobody || self.is_enough() {
            // Said for the probe that is skipped as well: its port was tried.
            if knocked.is_nobody && self.wants(Probe::Ssh) {
                self.may_ask(Probe::Ssh, &knocked, ssh);
            }
            return;
        }
        if self.wants(Probe::Http)
            && let Some(ask) = self.ask_now()
        {
            let tls = self.probed.answer(Probe::Tls);
            let tls = tls.map(|answer| answer.outcome.clone());
            self.timed(http::ask_after(&ask, tls.as_ref())).await;
        }
        if self.wants(Probe::Ssh)
            && self.may_ask(Probe::Ssh, &knocked, ssh)
            && let Some(ask) = self.ask_now()
        {
            self.timed(ssh::ask(&ask)).await;
        }
        if self.is_enough() {
            return;
        }
        if self.wants(Probe::Telnet)
            && let Some(ask) = self.ask_now()
        {
            self.timed(telnet::ask(&ask)).await;
        }
        if self.wants(Probe::Ports)
            && let Some(ask) = self.ask_now()
        {
            let began = Instant::now();
            let mut rest = vec![ask.ports.http, ask.ports.telnet];
            rest.extend(&ask.ports.others);
            let mut states = knocked.ports;
            states.extend(ports::try_ports(&ask, &rest).await);
            self.take(began, ports::answer(&states, clock::now()));
        }
    }

    /// The question with the time that is left for it; `None` once the unit has had its time.
    fn ask_now(&self) -> Option<Ask> {
        let ask = &self.asking.ask;
        let waited = self.waited_first + ask.slots.waited();
        let took = self.began.elapsed().saturating_sub(waited);
        let left = self
            .limit
            .checked_sub(took)
            .filter(|left| !left.is_zero())?;
        Some(Ask {
            limit: ask.limit.min(left),
            ..ask.clone()
        })
    }

    /// The ports that are tried first: those of TLS and SSH, as far as a probe that is on may use them.
    fn first_ports(&self) -> Vec<u16> {
        let wants_any = |probes: &[Probe]| probes.iter().any(|probe| self.wants(*probe));
        let ports = &self.asking.ask.ports;
        let mut first = Vec::new();
        if wants_any(&[Probe::Tls, Probe::Http, Probe::Ports]) {
            first.push(ports.https);
        }
        if wants_any(&[Probe::Ssh, Probe::Ports]) {
            first.push(ports.ssh);
        } else if wants_any(&[Probe::Http]) {
            first.push(ports.http);
        }
        first
    }

    /// Asks by SNMP and tries the first ports, together: nobody is there when all of them stay silent.
    async fn knock(&mut self) -> Knocked {
        let mut ask = self.asking.ask.clone();
        ask.limit = ask.limit.min(self.limit);
        ask.slots = ask.slots.counted_apart();
        let ask_tcp = Ask {
            slots: ask.slots.counted_apart(),
            ..ask.clone()
        };
        let first = self.first_ports();
        let wants_tcp = !first.is_empty();
        let wants_snmp = self.wants(Probe::Snmp);
        let began = Instant::now();
        let by_snmp = async {
            if wants_snmp {
                let mut asked = snmp::ask(&ask).await;
                asked.answer.took_millis = millis(began.elapsed());
                Some(asked)
            } else {
                None
            }
        };
        let by_tcp = async { ports::try_ports(&ask_tcp, &first).await };
        let (asked, ports) = tokio::join!(by_snmp, by_tcp);
        self.waited_first = ask.slots.waited().max(ask_tcp.slots.waited());
        let is_silent = ports
            .iter()
            .all(|(_, state)| !matches!(state, PortState::Open | PortState::Closed))
            && asked
                .as_ref()
                .is_none_or(|asked| !asked.answer.outcome.is_somebody());
        if let Some(asked) = asked {
            self.probed.answers.push(asked.answer);
            self.probed.targets = asked.targets;
        }
        Knocked {
            is_nobody: is_silent && (wants_snmp || wants_tcp),
            ports,
        }
    }

    /// Whether a port that was tried may answer its probe; otherwise what came of it is the probe's answer.
    fn may_ask(&mut self, probe: Probe, knocked: &Knocked, port: u16) -> bool {
        let tried = knocked.ports.iter().find(|(tried, _)| *tried == port);
        let outcome = match tried {
            None | Some((_, PortState::Open)) => return true,
            Some((_, state)) => outcome_of(state),
        };
        self.probed
            .answers
            .push(Answer::new(probe, outcome, clock::now()));
        false
    }

    /// Returns whether the address is among the neighbors.
    fn take_neighbors(&mut self, table: &Neighbors) -> bool {
        let ip = self.asking.ask.ip;
        let answer = match table {
            Ok(table) => {
                self.mac = only_mac(ip, table);
                neighbors::answer(ip, table)
            }
            Err(why) => Answer::new(Probe::Neighbors, Outcome::Failed(why.clone()), clock::now()),
        };
        let is_there = answer.outcome == Outcome::Answered;
        self.probed.answers.push(answer);
        is_there
    }

    fn wants(&self, probe: Probe) -> bool {
        self.asking.wanted.contains(&probe)
    }

    /// Whether what is known is enough for somebody who does not want to know everything.
    fn is_enough(&self) -> bool {
        if self.asking.is_thorough {
            return false;
        }
        let known = Known {
            mac: self.mac,
            probed: Some(&self.probed),
            now: clock::now(),
            ..Known::default()
        };
        self.asking.catalog.identify(&known).is_settled()
    }

    async fn timed(&mut self, asking: impl Future<Output = Answer>) {
        let began = Instant::now();
        let answer = asking.await;
        self.take(began, answer);
    }

    fn take(&mut self, began: Instant, mut answer: Answer) {
        answer.took_millis = millis(began.elapsed());
        self.probed.answers.push(answer);
    }
}

/// What a port that was only tried says of its probe.
fn outcome_of(state: &PortState) -> Outcome {
    match state {
        PortState::Open => Outcome::Answered,
        PortState::Closed => Outcome::Closed,
        PortState::Silent => Outcome::Silent,
        PortState::Failed(why) => Outcome::Failed(why.clone()),
    }
}

/// The MAC of an address, unless it stands for other addresses as well: then it may be that of a router that answers for
/// them, and tells nothing apart.
fn only_mac(ip: Ipv4Addr, table: &[Neighbor]) -> Option<Mac> {
    let mac = table.iter().find(|one| one.ip == IpAddr::V4(ip))?.mac;
    let is_shared = table
        .iter()
        .any(|one| one.mac == mac && one.ip.is_ipv4() && one.ip != IpAddr::V4(ip));
    (mac.is_key() && !is_shared).then_some(mac)
}

fn millis(took: Duration) -> u32 {
    u32::try_from(took.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "a test's runtime is entered by blocking on it"
)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;
    use tokio::time::interval;

    use super::super::{MAX_OPEN, ProbePorts, Slots};
    use super::*;

    /// A port that accepts everything and sends a byte now and then.
    async fn dripping_port(every: Duration) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("loopback has free ports");
        let port = listener.local_addr().expect("it is bound").port();
        tokio::spawn(async move {
            while let Ok((mut stream, _from)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut drip = interval(every);
                    while stream.write_all(b"x").await.is_ok() {
                        drip.tick().await;
                    }
                });
            }
        });
        port
    }

    #[tokio::test]
    async fn who_drips_everywhere_is_left_when_its_time_is_used_up() {
        let silence = Duration::from_millis(400);
        let port = dripping_port(silence / 8).await;
        let asking = Asking {
            ask: Ask {
                ip: Ipv4Addr::LOCALHOST,
                ports: Arc::new(ProbePorts {
                    snmp: 1,
                    https: port,
                    http: port,
                    ssh: port,
                    telnet: port,
                    others: Vec::new(),
                }),
                limit: Duration::from_millis(1_200),
                silence,
                slots: Slots::new(MAX_OPEN),
                communities: Arc::from([]),
                v3: None,
            },
            wanted: Arc::new([Probe::Http, Probe::Ssh, Probe::Telnet, Probe::Ports].into()),
            is_thorough: true,
            catalog: Arc::default(),
            neighbors: NeighborTable::default(),
        };
        let began = Instant::now();
        let asked = ask_within(asking, Duration::from_secs(2)).await;
        let took = began.elapsed();
        assert!(took < Duration::from_secs(3), "it took {took:?}");
        let probes: Vec<_> = asked.probed.answers.iter().map(|one| one.probe).collect();
        assert_eq!(probes, [Probe::Http, Probe::Ssh], "{:?}", asked.probed);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_places_is_counted_for_each_unit_apart() {
        let slots = Slots::new(1);
        let (one, other) = (slots.counted_apart(), slots.counted_apart());
        let place = slots.take().await.expect("it is free");
        let waiting = {
            let one = one.clone();
            tokio::spawn(async move { one.take().await.is_some() })
        };
        tokio::task::yield_now().await;
        tokio::time::advance(Duration::from_secs(5)).await;
        drop(place);
        assert!(waiting.await.expect("it does not panic"));
        assert_eq!(one.waited(), Duration::from_secs(5));
        assert_eq!(other.waited(), Duration::ZERO);
    }
}
