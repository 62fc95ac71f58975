//! A hall in the lab that Rollcall watches: units behind `nic0`, most of them configured, four as they come out of the
//! box; and the engine on the laptop. Tests bring into it who does not belong there.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rollcall::engine::{EngineConfig, SiteChoice};
use rollcall::model::finding::{Finding, FindingKind};
use rollcall::model::snapshot::Snapshot;
use rollcall::wire::{DiscoverReply, Message, PORT_INSTALL, decode};
use serde_json::Value;
use tokio::time::Instant;

use crate::lab::{Host, Lab, SimulatedFleet};
use crate::running::{Running, start_with};

/// Within which a situation becomes a finding, counted from its first datagram.
const WITHIN: Duration = Duration::from_secs(2);

/// Longer than any finding settles: what has not come until then does not come of what was heard.
const QUIET: Duration = Duration::from_secs(4);

/// Configured units.
const CONFIGURED: &str = "24";

/// Units on one factory address, each with a MAC of its own.
const OUT_OF_THE_BOX: u8 = 4;

/// How many units the hall has.
pub(crate) const HALL_UNITS: usize = 28;

/// A kind of finding, and what it is about.
pub(crate) type Kinds = Vec<(FindingKind, String)>;

/// The lab with its hall.
pub(crate) struct Hall {
    pub(crate) lab: Lab,
    fleets: Vec<SimulatedFleet>,
}

impl Hall {
    pub(crate) fn new() -> Self {
        let lab = Lab::new();
        let [host, _] = &lab.fleets;
        host.ip("addr add 10.77.9.9/16 brd + dev eth0");
        let mut fleets = vec![host.simulate(
            "eth0",
            &[
                "--units",
                CONFIGURED,
                "--style",
                "configured",
                "--spread-millis",
                "200",
            ],
        )];
        for nth in 0..OUT_OF_THE_BOX {
            let name = format!("box{nth}");
            host.add_unit_interface(&name, Some("192.168.160.10/24"));
            let seed = (100 + nth).to_string();
            let args = ["--units", "1", "--style", "foreign-subnet", "--seed", &seed];
            fleets.push(host.simulate(&name, &args));
        }
        Self { lab, fleets }
    }

    /// The host that the hall is on.
    pub(crate) fn host(&self) -> &Host {
        &self.lab.fleets[0]
    }

    /// The configured units, as the fleet says they are.
    pub(crate) fn configured(&self) -> &[Value] {
        &self.fleets[0].units
    }

    /// The MACs of all units, sorted.
    pub(crate) fn macs(&self) -> Vec<String> {
        let mut macs: Vec<String> = self.fleets.iter().flat_map(SimulatedFleet::macs).collect();
        macs.sort_unstable();
        macs
    }

    /// Somebody on the cable of the hall, with an interface and an address of their own, who sends to everybody.
    pub(crate) fn somebody(&self, name: &str, ip: &str) -> Somebody {
        let prefix = format!("{ip}/16");
        self.host().add_unit_interface(name, Some(&prefix));
        Somebody {
            socket: self
                .host()
                .socket(name, 0, false)
                .expect("any port is free"),
        }
    }

    /// The engine on the laptop, which searches every 15 s and is given this site.
    pub(crate) async fn watch(&self, site: SiteChoice, folder: &Path) -> Running {
        let running = self.engine(EngineConfig::new(site, folder.to_owned()));
        running
            .until("the hall", |snapshot| snapshot.units.len() == HALL_UNITS)
            .await;
        running
    }

    /// An engine on the laptop.
    pub(crate) fn engine(&self, mut config: EngineConfig) -> Running {
        // What is asked by other means than the discovery ports is not what is tested.
        config.identify.settings.automatic = false;
        // Its threads are the laptop's, because the thread is that starts them.
        self.lab.laptop.inside(|| start_with(config))
    }
}

/// Who sends to everybody on the cable.
pub(crate) struct Somebody {
    socket: UdpSocket,
}

impl Somebody {
    /// Sends, and says when.
    pub(crate) fn says(&self, bytes: &[u8]) -> Instant {
        let now = Instant::now();
        self.socket
            .send_to(bytes, (Ipv4Addr::BROADCAST, PORT_INSTALL))
            .expect("the interface is up");
        now
    }

    /// Sends so many datagrams a millisecond for so long. How many left.
    pub(crate) async fn floods(
        self,
        per_milli: u32,
        millis: u32,
        bytes: impl Fn(u32) -> Vec<u8>,
    ) -> u32 {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        let mut num_sent = 0;
        for nth in 0..millis {
            ticks.tick().await;
            for of_milli in 0..per_milli {
                let bytes = bytes(nth * per_milli + of_milli);
                // What the socket does not take is no flood either: only what left counts.
                let sent = self
                    .socket
                    .send_to(&bytes, (Ipv4Addr::BROADCAST, PORT_INSTALL));
                num_sent += u32::from(sent.is_ok());
            }
        }
        num_sent
    }
}

/// A unit of the test's own: answers questions on a host's interface, from its address.
pub(crate) fn answer(host: &Host, interface: &str, replies: Vec<DiscoverReply>) {
    let socket = host
        .socket(interface, PORT_INSTALL, true)
        .expect("the port is shared");
    let socket = tokio::net::UdpSocket::from_std(socket).expect("it does not block");
    tokio::spawn(async move {
        let mut bytes = [0; 2_048];
        while let Ok((len, from)) = socket.recv_from(&mut bytes).await {
            let Ok(decoded) = decode(&bytes[..len]) else {
                continue;
            };
            if !matches!(decoded.message, Message::DiscoverRequest) {
                continue;
            }
            for reply in &replies {
                let reply = reply.emit(decoded.frame.sequence());
                socket.send_to(&reply, from).await.ok();
            }
        }
    });
}

/// What a snapshot has of findings that are open, sorted.
pub(crate) fn open_kinds(snapshot: &Snapshot) -> Kinds {
    kinds_of(snapshot, Finding::is_open)
}

fn kinds_of(snapshot: &Snapshot, is_meant: impl Fn(&Finding) -> bool) -> Kinds {
    let mut kinds: Kinds = snapshot
        .watching
        .findings
        .iter()
        .filter(|finding| is_meant(finding))
        .map(|finding| (finding.key.kind, finding.key.subject.clone()))
        .collect();
    kinds.sort_unstable();
    kinds
}

/// The finding of a kind; the first of several.
pub(crate) fn finding(snapshot: &Snapshot, kind: FindingKind) -> &Arc<Finding> {
    let findings = &snapshot.watching.findings;
    let found = findings.iter().find(|finding| finding.key.kind == kind);
    found.unwrap_or_else(|| panic!("there is no {kind:?}"))
}

/// A list of kinds and subjects as [`open_kinds`] has it.
pub(crate) fn kinds(list: &[(FindingKind, &str)]) -> Kinds {
    let mut kinds: Kinds = list
        .iter()
        .map(|(kind, subject)| (*kind, (*subject).to_owned()))
        .collect();
    kinds.sort_unstable();
    kinds
}

/// Waits until these are the findings, all of them open: within two seconds of the first datagram, and no other one on
/// the way.
pub(crate) async fn become_findings(
    running: &Running,
    since: Instant,
    wanted: &[(FindingKind, &str)],
) -> Arc<Snapshot> {
    let wanted = kinds(wanted);
    let snapshot = running
        .until("a finding", |snapshot| {
            let found = kinds_of(snapshot, |_| true);
            let other = found.iter().find(|found| !wanted.contains(found));
            assert_eq!(other, None, "only {wanted:?} is wanted");
            found == wanted
        })
        .await;
    let took = since.elapsed();
    assert!(took <= WITHIN, "{wanted:?} took {took:?}");
    assert_eq!(open_kinds(&snapshot), wanted);
    snapshot
}

/// Waits longer than anything settles, and a search besides: the findings stay these, all of them open.
pub(crate) async fn stay_findings(running: &Running, wanted: &[(FindingKind, &str)]) {
    let wanted = kinds(wanted);
    running.send(rollcall::engine::command::Command::SearchNow);
    let mut snapshots = running.handle.snapshots();
    let changed = snapshots.wait_for(|snapshot| {
        kinds_of(snapshot, |_| true) != wanted || open_kinds(snapshot) != wanted
    });
    if let Ok(changed) = tokio::time::timeout(QUIET, changed).await {
        let snapshot = changed.expect("the engine runs");
        let findings = &snapshot.watching.findings;
        panic!("not {wanted:?}, but {findings:#?}");
    }
}
