//! The exposure check with questions that go nowhere, and with connections on loopback.

#![expect(
    clippy::disallowed_methods,
    reason = "`#[tokio::test]` waits for the test's own runtime"
)]

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use super::super::sweep::AskResult;
use super::*;
use crate::model::exposure::report_text;
use crate::model::sighting::{Claims, RawDatagram};
use crate::wire::{Claimed, DiscoverReply, Remarks};

const SEQUENCES: [[u16; NUM_PASSES]; 2] = [[7, 8], [9, 10]];
const WHEN: Timestamp = Timestamp::from_millis(1_000);

type Log = Arc<Mutex<Vec<(Instant, SocketAddrV4, u16)>>>;

/// Takes every question and keeps it.
#[derive(Clone, Default)]
struct FakeNet {
    log: Log,
    networks: Vec<Network>,
}

impl FakeNet {
    fn asked(&self) -> Vec<(Instant, SocketAddrV4, u16)> {
        self.log
            .lock()
            .expect("no test panics while it asks")
            .clone()
    }
}

impl Asker for FakeNet {
    fn networks(&self) -> Vec<Network> {
        self.networks.clone()
    }

    fn try_ask(&self, to: SocketAddrV4, sequence: u16) -> AskResult {
        let mut log = self.log.lock().expect("no test panics while it asks");
        log.push((Instant::now(), to, sequence));
        AskResult::Sent
    }
}

fn plan(text: &str, ports: [u16; 2]) -> ExposePlan {
    let ranges = check_ranges(text, Loopback::Allowed, false).expect("the ranges are readable");
    let now: Now = Arc::new(|| WHEN);
    let mut plan = ExposePlan::new(ranges, text.to_owned(), SEQUENCES, TcpSlots::new(), now);
    plan.ports = ports;
    plan
}

/// A port that accepts, and one that is bound and refuses. They are held by what is handed back.
async fn open_and_refused() -> (TcpListener, TcpSocket, [u16; 2]) {
    let open = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("loopback is there");
    let refused = TcpSocket::new_v4().expect("a socket");
    refused
        .bind((Ipv4Addr::LOCALHOST, 0).into())
        .expect("loopback is there");
    let ports = [
        open.local_addr().expect("it is bound").port(),
        refused.local_addr().expect("it is bound").port(),
    ];
    (open, refused, ports)
}

/// Waits until it holds; on a clock that moves when everybody waits, or for ever.
async fn until(is_so: impl Fn() -> bool) {
    let longest = Duration::from_hours(1);
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = tokio::time::timeout(longest, waiting).await;
    in_time.expect("it comes to be so");
}

#[tokio::test]
async fn connections_tell_open_from_refused_and_closed_ports_alone_expose_nothing() {
    let (_open, _refused, [open, refused]) = open_and_refused().await;
    let mut run = Run::new(plan("127.0.0.1", [refused, open]), FakeNet::default());
    run.try_tcp().await;
    let found = run.shared.lock().found[&Ipv4Addr::LOCALHOST].clone();
    let state = run.shared.lock().state.clone();
    assert_eq!(found.tcp_3502, TcpPort::Refused);
    assert_eq!(found.tcp_3211, TcpPort::Open);
    assert!(!found.udp_3502 && !found.udp_3211);
    assert!(found.is_routed, "no subnet is known here");
    assert_eq!((state.num_done, state.num_asked), (1, 2));
    assert_eq!(run.verdict(), SweepEnd::Done);

    let mut run = Run::new(plan("127.0.0.1", [refused, refused]), FakeNet::default());
    run.try_tcp().await;
    assert!(run.shared.lock().found.is_empty());
}

#[tokio::test]
async fn no_more_connections_are_open_than_there_are_places() {
    let (open, _refused, [port, refused]) = open_and_refused().await;
    let plan = plan("127.0.0.1", [port, refused]);
    // All places but one are taken by others.
    let slots = plan.slots.clone();
    let mut taken = Vec::new();
    while slots.num_free() > 1 {
        taken.push(slots.take().await.expect("one is free"));
    }
    let mut run = Run::new(plan, FakeNet::default());
    run.try_tcp().await;
    assert_eq!(run.shared.lock().state.num_done, 1);
    assert_eq!(slots.num_free(), 1, "the place is given back");
    drop(open);
}

#[tokio::test(start_paused = true)]
async fn udp_is_asked_port_by_port_and_answers_are_known_by_their_sequence() {
    let (_open, _refused, ports) = open_and_refused().await;
    let net = FakeNet::default();
    let exposure = start(plan("127.0.0.1", ports), net.clone());
    until(|| net.asked().len() == 4).await;
    let asked: Vec<_> = net
        .asked()
        .into_iter()
        .map(|(_, to, sequence)| (to.port(), sequence))
        .collect();
    let expected = [(ports[0], 7), (ports[0], 8), (ports[1], 9), (ports[1], 10)];
    assert_eq!(asked, expected);

    exposure.answered(Ipv4Addr::LOCALHOST, 11, WHEN);
    exposure.answered(Ipv4Addr::new(127, 0, 0, 9), 9, WHEN);
    assert_eq!(exposure.state().num_exposed, 0, "not asked by this");
    exposure.answered(Ipv4Addr::LOCALHOST, 10, WHEN);
    exposure.answered(Ipv4Addr::LOCALHOST, 9, WHEN);
    let state = exposure.state();
    assert_eq!((state.num_exposed, state.found.len()), (1, 1));
    assert!(state.found[0].udp_3211 && !state.found[0].udp_3502);
    assert_eq!(state.outcome, None);

    until(|| exposure.is_over()).await;
    let state = exposure.state();
    assert_eq!(state.outcome, Some(SweepEnd::Done));
    assert_eq!((state.num_asked, state.num_questions), (6, 6));
    assert_eq!((state.num_done, state.num_ips), (1, 1));
    let text = report_text(&state);
    assert!(text.contains("127.0.0.1: UDP 3211"), "{text}");
    exposure.answered(Ipv4Addr::LOCALHOST, 7, WHEN);
    assert_eq!(exposure.state(), state, "nothing is taken when it is over");
}

#[tokio::test(start_paused = true)]
async fn routed_ranges_are_asked_at_the_pace_and_stopping_stops() {
    let net = FakeNet::default();
    let exposure = start(plan("10.1.0.0/22", PORTS), net.clone());
    until(|| net.asked().len() >= 1_000).await;
    let asked = net.asked();
    let took = asked[999].0.duration_since(asked[0].0);
    assert!(took >= Duration::from_millis(1_980), "{took:?}");
    assert!(took <= Duration::from_millis(2_500), "{took:?}");
    // Before a connection is made: this goes to nobody.
    exposure.cancel();
    assert!(exposure.is_over());
    let state = exposure.state();
    assert_eq!(state.outcome, Some(SweepEnd::Canceled));
    assert_eq!(state.ended, Some(WHEN));
    assert_eq!(state.num_asked, net.asked().len() as u64);
    let num_asked = net.asked().len();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(net.asked().len(), num_asked, "nothing leaves any more");
    assert_eq!(exposure.state().num_questions, 1_022 * 6);
}

#[tokio::test(start_paused = true)]
async fn the_laptops_own_address_is_not_asked_and_its_subnet_is_not_routed() {
    let net = FakeNet {
        networks: vec![Network {
            ip: [10, 1, 0, 1].into(),
            prefix_len: 30,
        }],
        ..FakeNet::default()
    };
    let exposure = start(plan("10.1.0.0/29", PORTS), net.clone());
    // Its own and the broadcast address of the subnet are left out.
    assert_eq!(exposure.state().num_ips, 4);
    let [local, routed] = [2, 5].map(|last| Ipv4Addr::new(10, 1, 0, last));
    exposure.answered(local, 7, WHEN);
    exposure.answered(routed, 7, WHEN);
    let found = exposure.state().found;
    let is_routed: Vec<_> = found.iter().map(|it| (it.ip, it.is_routed)).collect();
    assert_eq!(is_routed, [(local, false), (routed, true)]);
    drop(exposure);
}

#[tokio::test(start_paused = true)]
async fn only_answers_of_its_own_by_udp_are_taken_from_sightings() {
    let exposure = start(plan("10.1.0.5", PORTS), FakeNet::default());
    let sighting = |source, channel, sequence| {
        let reply = DiscoverReply {
            ip: Claimed::Ip(Ipv4Addr::new(10, 1, 0, 5)),
            ..DiscoverReply::default()
        };
        Sighting {
            source,
            channel,
            interface: Arc::from("eth0"),
            from: SocketAddr::from(([10, 1, 0, 5], 3502)),
            when: WHEN,
            claims: Claims::default(),
            raw: RawDatagram::keep(&reply.emit(sequence)),
            remarks: Remarks::default(),
        }
    };
    for (source, channel, sequence) in [
        (Source::Announcement, Channel::Udp3502, 7),
        (Source::SweepReply, Channel::Udp3502, 11),
        (Source::TcpReply, Channel::Tcp3502, 7),
    ] {
        exposure.hear(&sighting(source, channel, sequence));
        assert_eq!(exposure.state().num_exposed, 0, "{source:?} {sequence}");
    }
    exposure.hear(&sighting(Source::SweepReply, Channel::UdpAsking, 7));
    assert!(exposure.state().found[0].udp_3502);
}

#[test]
fn sizes_are_as_those_of_a_sweep() {
    let check = |text, is_confirmed| check_ranges(text, Loopback::Refused, is_confirmed);
    assert!(check("10.0.0.0/16", false).is_ok());
    assert_eq!(
        check("10.0.0.0/15", false),
        Err(ExposeError::NeedsYes((1 << 17) - 2))
    );
    assert!(check("10.0.0.0/15", true).is_ok());
    assert!(matches!(
        check("10.0.0.0/8", true),
        Err(ExposeError::TooMany(_))
    ));
    assert!(matches!(
        check("127.0.0.1", true),
        Err(ExposeError::Ranges(_))
    ));
}

#[test]
fn who_answers_everywhere_does_not_fill_the_memory() {
    let run = Run::new(plan("10.0.0.0/16", PORTS), FakeNet::default());
    let shared = Arc::clone(&run.shared);
    for ip in run.plan.ranges.iter().take(EXPOSED_KEPT + 5) {
        shared
            .lock()
            .change(ip, true, WHEN, |it| it.udp_3502 = true);
    }
    let progress = shared.lock();
    assert_eq!(progress.found.len(), EXPOSED_KEPT);
    assert_eq!(progress.state.num_exposed, EXPOSED_KEPT as u64 + 5);
}
