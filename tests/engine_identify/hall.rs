//! Small servers in the place of units: the same ports on different addresses of loopback, and what they saw. What is
//! common to all these tests stands here as well.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rollcall::engine::command::{Command, IdentifyRequest, Notice};
use rollcall::engine::identify::ProbePorts;
use rollcall::engine::{EngineConfig, SiteChoice};
use rollcall::model::appliance::Appliance;
use rollcall::model::identity::ApplianceId;
use rollcall::model::probing::Probe;
use rollcall::model::snapshot::Snapshot;
use rollcall::settings::IdentifySettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::ber::{self, Recording};
use crate::running::{self, AT_MOST, Running, reply};

/// What a unit can be asked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    Snmp,
    Https,
    Http,
    Ssh,
    Telnet,
    Other,
}

/// How a server over TCP behaves.
#[derive(Clone, Debug)]
pub(crate) enum Talk {
    /// Says this at once and closes.
    Greets(&'static [u8]),
    /// Reads the head of a request, says this and closes.
    Answers(&'static [u8]),
    /// Accepts, and says nothing until the gate is open; then it closes.
    Stalls,
    /// Takes this time for everything, notes when it was in conversation, and closes.
    Slow(Duration),
}

/// What the servers saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Connections and datagrams.
    asked: BTreeMap<(Ipv4Addr, Service), usize>,
    /// Connections of [`Talk::Stalls`] that the other side closed.
    pub(crate) hung_up: usize,
    /// From when to when slow servers were in conversation, with the unit's address.
    pub(crate) conversations: Vec<(Ipv4Addr, Instant, Instant)>,
}

impl Seen {
    /// How often a unit was asked by one means.
    pub(crate) fn num(&self, ip: Ipv4Addr, service: Service) -> usize {
        self.asked.get(&(ip, service)).copied().unwrap_or(0)
    }

    /// How often a unit was asked at all.
    pub(crate) fn num_of(&self, ip: Ipv4Addr) -> usize {
        let of_unit = self.asked.iter().filter(|((asked, _), _)| *asked == ip);
        of_unit.map(|(_, num)| num).sum()
    }
}

/// All servers of a test; they end with it.
pub(crate) struct Hall {
    ports: BTreeMap<Service, u16>,
    /// Sockets that keep the ports from others.
    _reserved: (std::net::UdpSocket, Vec<TcpSocket>),
    seen: watch::Sender<Seen>,
    gate: watch::Sender<bool>,
    servers: JoinSet<()>,
}

impl Hall {
    pub(crate) fn new() -> Self {
        let place = SocketAddrV4::new(Ipv4Addr::new(127, 255, 0, 1), 0);
        let udp = std::net::UdpSocket::bind(place).expect("loopback has free ports");
        let snmp = udp.local_addr().expect("it is bound").port();
        let mut reserved = Vec::new();
        let mut ports = BTreeMap::from([(Service::Snmp, snmp)]);
        for service in [
            Service::Https,
            Service::Http,
            Service::Ssh,
            Service::Telnet,
            Service::Other,
        ] {
            // Bound and not listening: nobody else gets the number, and whoever connects is refused.
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind(place.into()).expect("loopback has free ports");
            let port = socket.local_addr().expect("it is bound").port();
            ports.insert(service, port);
            reserved.push(socket);
        }
        Self {
            ports,
            _reserved: (udp, reserved),
            seen: watch::Sender::default(),
            gate: watch::Sender::new(false),
            servers: JoinSet::new(),
        }
    }

    /// For the engine's set-up.
    pub(crate) fn ports(&self) -> ProbePorts {
        ProbePorts {
            snmp: self.ports[&Service::Snmp],
            https: self.ports[&Service::Https],
            http: self.ports[&Service::Http],
            ssh: self.ports[&Service::Ssh],
            telnet: self.ports[&Service::Telnet],
            others: vec![self.ports[&Service::Other]],
        }
    }

    /// An agent of v1 and v2c for the community `public`.
    pub(crate) async fn snmp(&mut self, ip: Ipv4Addr, recording: &Recording) {
        self.agent(ip, recording, "public", Duration::ZERO).await;
    }

    /// An agent that takes this time for every answer, and notes it as a conversation.
    pub(crate) async fn agent(
        &mut self,
        ip: Ipv4Addr,
        recording: &Recording,
        community: &'static str,
        takes: Duration,
    ) {
        let socket = UdpSocket::bind((ip, self.ports[&Service::Snmp])).await;
        let socket = socket.expect("the port is free on this address");
        let (seen, recording) = (self.seen.clone(), recording.clone());
        let mut is_open = self.gate.subscribe();
        self.servers.spawn(async move {
            let mut buffer = vec![0; 65_535];
            while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
                let began = Instant::now();
                count(&seen, ip, Service::Snmp);
                let Some(asked) = ber::read(&buffer[..len]) else {
                    continue;
                };
                if asked.community != community.as_bytes() {
                    continue;
                }
                if !takes.is_zero() {
                    // The gate stays shut: this is how long the agent takes.
                    timeout(takes, opened(&mut is_open)).await.ok();
                    note(&seen, ip, began);
                }
                socket.send_to(&recording.answer(&asked), from).await.ok();
            }
        });
    }

    /// A server over TCP.
    pub(crate) async fn tcp(&mut self, ip: Ipv4Addr, service: Service, talk: Talk) {
        let listener = TcpListener::bind((ip, self.ports[&service])).await;
        let listener = listener.expect("the port is free on this address");
        let (seen, gate) = (self.seen.clone(), self.gate.clone());
        self.servers.spawn(async move {
            let mut talks = JoinSet::new();
            while let Ok((stream, _from)) = listener.accept().await {
                count(&seen, ip, service);
                talks.spawn(converse(
                    stream,
                    ip,
                    talk.clone(),
                    seen.clone(),
                    gate.subscribe(),
                ));
            }
        });
    }

    /// Whoever stalls goes on.
    pub(crate) fn open_gate(&self) {
        self.gate.send_replace(true);
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until the servers saw something.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Seen) -> bool) {
        let mut seen = self.seen.subscribe();
        let waited = timeout(AT_MOST, seen.wait_for(|seen| is_so(seen))).await;
        waited
            .unwrap_or_else(|_| panic!("{what} did not come about"))
            .expect("the hall is there");
    }
}

fn count(seen: &watch::Sender<Seen>, ip: Ipv4Addr, service: Service) {
    seen.send_modify(|seen| *seen.asked.entry((ip, service)).or_default() += 1);
}

fn note(seen: &watch::Sender<Seen>, ip: Ipv4Addr, began: Instant) {
    let now = Instant::now();
    seen.send_modify(|seen| seen.conversations.push((ip, began, now)));
}

async fn opened(gate: &mut watch::Receiver<bool>) {
    gate.wait_for(|is_open| *is_open).await.ok();
}

async fn converse(
    mut stream: TcpStream,
    ip: Ipv4Addr,
    talk: Talk,
    seen: watch::Sender<Seen>,
    mut gate: watch::Receiver<bool>,
) {
    let began = Instant::now();
    let mut buffer = [0; 4096];
    match talk {
        Talk::Greets(words) => {
            stream.write_all(words).await.ok();
        }
        Talk::Answers(words) => {
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut buffer).await {
                    Ok(0) | Err(_) => return,
                    Ok(len) => head.extend_from_slice(&buffer[..len]),
                }
            }
            stream.write_all(words).await.ok();
        }
        Talk::Stalls => loop {
            tokio::select! {
                () = opened(&mut gate) => break,
                read = stream.read(&mut buffer) => if !matches!(read, Ok(1..)) {
                    seen.send_modify(|seen| seen.hung_up += 1);
                    return;
                },
            }
        },
        Talk::Slow(takes) => {
            // Who goes before only tried the port.
            while let Ok(read) = timeout_at(began + takes, stream.read(&mut buffer)).await {
                if !matches!(read, Ok(1..)) {
                    return;
                }
            }
            // Before the other side can know that it is over, so that it cannot have begun the next one.
            note(&seen, ip, began);
        }
    }
    stream.shutdown().await.ok();
    while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
}

/// An address of loopback.
pub(crate) const fn unit_ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, last)
}

pub(crate) fn acs8048() -> Recording {
    Recording::load("acs8048")
}

/// An engine for these servers that hears on loopback, and asks nobody by itself.
pub(crate) fn config(hall: &Hall, site: SiteChoice, folder: &Path) -> EngineConfig {
    let mut config = running::config(site, folder, true);
    config.identify.ports = hall.ports();
    config.identify.settings.automatic = false;
    // What is not there refuses at once; this is for a machine that is busy with other tests.
    config.identify.silence = Duration::from_secs(5);
    config.identify.limit = Duration::from_secs(20);
    config
}

/// The same, running, with a site in memory.
pub(crate) fn start(hall: &Hall, folder: &Path) -> Running {
    running::start_with(config(hall, SiteChoice::ThrowAway, folder))
}

/// The settings of [`config`], with probes that are off.
pub(crate) fn without(probes: &[Probe]) -> IdentifySettings {
    IdentifySettings {
        automatic: false,
        off: probes.iter().map(|probe| probe.word().to_owned()).collect(),
        ..IdentifySettings::default()
    }
}

/// The unit that claims an address.
pub(crate) fn unit_at(snapshot: &Snapshot, ip: Ipv4Addr) -> Option<&Arc<Appliance>> {
    let mut units = snapshot.units.iter();
    units.find_map(|(_, unit)| (unit.ip_value() == Some(ip)).then_some(unit))
}

/// The model that a unit was identified as.
pub(crate) fn model_at(snapshot: &Snapshot, ip: Ipv4Addr) -> Option<&str> {
    let identified = unit_at(snapshot, ip)?.identified.as_deref()?;
    identified.product.as_ref()?.model.as_deref()
}

/// The probes that a unit was asked by.
pub(crate) fn probes_at(snapshot: &Snapshot, ip: Ipv4Addr) -> Vec<Probe> {
    let probed = unit_at(snapshot, ip).and_then(|unit| unit.probed.as_deref());
    let answers = probed.map(|probed| probed.answers.as_slice());
    let answers = answers.unwrap_or_default().iter();
    answers.map(|answer| answer.probe).collect()
}

/// Whether nobody is being asked, and somebody was.
pub(crate) fn is_over(snapshot: &Snapshot) -> bool {
    let state = snapshot.identifying.as_ref();
    state.is_some_and(|state| state.ended.is_some())
}

/// A notice with these words in its title.
pub(crate) fn said(words: &'static str) -> impl Fn(&Notice) -> bool {
    move |notice| matches!(notice, Notice::Said(saying) if saying.title.contains(words))
}

pub(crate) fn identify(ids: &[ApplianceId]) -> Command {
    Command::Identify(IdentifyRequest::Units(ids.to_vec()))
}

impl Running {
    /// Lets a unit of this number be heard.
    pub(crate) async fn hear(&self, last: u8) -> ApplianceId {
        self.announce(&reply(last, &format!("con-{last}"))).await;
        let ip = unit_ip(last);
        let is_heard = |snapshot: &Snapshot| unit_at(snapshot, ip).is_some();
        let snapshot = self.until("the unit", is_heard).await;
        unit_at(&snapshot, ip).expect("it was heard").id
    }

    /// Waits until a unit is known, and nobody is being asked any more.
    pub(crate) async fn until_known(&self, last: u8) -> Arc<Snapshot> {
        let is_known =
            |snapshot: &Snapshot| model_at(snapshot, unit_ip(last)).is_some() && is_over(snapshot);
        self.until("the model", is_known).await
    }
}
