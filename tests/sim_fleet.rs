//! The simulated fleet over real loopback sockets: what it is asked, and what comes back.

#![expect(
    clippy::disallowed_methods,
    reason = "`#[tokio::test]` waits for the test's own runtime, and the burst is timed"
)]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket as BlockingSocket};
use std::time::{Duration, Instant};

use rollcall::model::identity::Mac;
use rollcall::model::network::Network;
use rollcall::sim::{Behavior, Fleet, FleetPlan, FleetStyle, Placement, SimError, SimUnit};
use rollcall::wire::{
    Claimed, DiscoverReply, IpReply, IpRequest, IpStatus, Kind, Message, Remark, Remarks, decode,
    discover_request,
};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Longer than anything the fleet takes its time for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longer than the fleet takes for one search.
const SEARCH_GAP: Duration = Duration::from_millis(600);

/// Who searches: asks from one socket and listens for announcements on another.
struct Searcher {
    asking: UdpSocket,
    hearing: UdpSocket,
}

/// A message of the fleet, with where it came from.
#[derive(Debug)]
struct Heard {
    from: SocketAddr,
    sequence: u16,
    message: Message,
    remarks: Remarks,
}

impl Heard {
    fn reply(&self) -> &DiscoverReply {
        match &self.message {
            Message::DiscoverReply(reply) => reply,
            other => panic!("a discover reply, not {other:?}"),
        }
    }
}

impl Searcher {
    async fn new() -> Self {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        Self {
            asking: bind().await.expect("loopback has free ports"),
            hearing: bind().await.expect("loopback has free ports"),
        }
    }

    fn placement(&self) -> Placement {
        let hear = self.hearing.local_addr().expect("it is bound").port();
        Placement::Loopback {
            hear: [hear, 0],
            listen: None,
        }
    }

    async fn start(&self, plan: FleetPlan) -> Fleet {
        Fleet::start(plan, self.placement())
            .await
            .expect("loopback has free ports")
    }

    async fn ask(&self, fleet: &Fleet, sequence: u16) {
        self.send(fleet, 0, &discover_request(sequence)).await;
    }

    async fn send(&self, fleet: &Fleet, port_idx: usize, datagram: &[u8]) {
        let to = (Ipv4Addr::LOCALHOST, fleet.ports()[port_idx]);
        self.asking
            .send_to(datagram, to)
            .await
            .expect("loopback takes a datagram");
    }
}

async fn hear(socket: &UdpSocket) -> Heard {
    let mut buf = [0; 2_048];
    let (len_bytes, from) = socket.recv_from(&mut buf).await.expect("a datagram");
    let decoded = decode(&buf[..len_bytes]).expect("the fleet speaks AIDP");
    Heard {
        from,
        sequence: decoded.frame.sequence(),
        remarks: decoded.remarks,
        message: decoded.message,
    }
}

/// The next message; fails when none comes.
async fn hear_soon(socket: &UdpSocket) -> Heard {
    timeout(PATIENCE, hear(socket))
        .await
        .expect("the fleet says something")
}

/// Everything that comes within `duration`.
async fn hear_for(socket: &UdpSocket, duration: Duration) -> Vec<Heard> {
    let mut all = Vec::new();
    timeout(duration, async {
        loop {
            all.push(hear(socket).await);
        }
    })
    .await
    .expect_err("the loop has no other end");
    all
}

fn plan(units: usize, behavior: Behavior) -> FleetPlan {
    FleetPlan {
        units,
        seed: 1,
        style: FleetStyle::Every(behavior),
        spread_millis: 0,
    }
}

fn claim(ip: Option<Ipv4Addr>) -> Claimed {
    ip.map_or(Claimed::None, Claimed::from)
}

fn assert_says_what_it_is(unit: &SimUnit, reply: &DiscoverReply) {
    assert_eq!(reply.mac, Some(unit.mac.octets()));
    assert_eq!(reply.host_name, unit.name, "the name of {}", unit.mac);
    assert_eq!(reply.ip, claim(unit.network.map(|network| network.ip)));
    assert_eq!(reply.mask, claim(unit.network.map(Network::mask)));
    assert_eq!(reply.gateway, claim(unit.gateway));
    assert_eq!(reply.model_number, Some(unit.model_number));
}

#[tokio::test]
async fn every_unit_of_the_demo_answers_in_its_own_way() {
    let searcher = Searcher::new().await;
    let fleet = searcher.start(FleetPlan::demo()).await;
    searcher.ask(&fleet, 7).await;
    // One is not up yet, one says everything twice.
    let mut answers: BTreeMap<[u8; 6], Vec<Heard>> = BTreeMap::new();
    for _ in 0..24 {
        let heard = hear_soon(&searcher.asking).await;
        assert_eq!(heard.sequence, 7, "an answer echoes the sequence");
        let mac = heard.reply().mac.expect("every unit says its MAC");
        answers.entry(mac).or_default().push(heard);
    }
    for unit in fleet.units() {
        let heard = answers.remove(&unit.mac.octets()).unwrap_or_default();
        let expected = match unit.behavior {
            Behavior::BootsNow => 0,
            Behavior::DoubledReply => 2,
            _ => 1,
        };
        assert_eq!(heard.len(), expected, "answers of {:?}", unit.behavior);
        for heard in heard {
            assert_says_what_it_is(unit, heard.reply());
            assert_eq!(
                heard.remarks.contains(Remark::TrailingBytes),
                unit.behavior == Behavior::TrailingBytes
            );
        }
    }
    assert!(answers.is_empty(), "nobody else answers");
    let broadcast = hear_soon(&searcher.hearing).await;
    let unit = fleet
        .units()
        .iter()
        .find(|unit| unit.behavior == Behavior::BroadcastReply)
        .expect("the demo has one that broadcasts");
    assert_says_what_it_is(unit, broadcast.reply());
    assert_eq!(broadcast.sequence, 7, "it is an answer, sent to everybody");
    assert_eq!(fleet.asked(), 1);
    assert_eq!(fleet.answered(), 25, "24 to the asker, one to everybody");
    assert_eq!(fleet.withheld(), 0);
}

#[tokio::test]
async fn a_unit_that_boots_announces_itself_and_answers_from_then_on() {
    let searcher = Searcher::new().await;
    let fleet = searcher.start(plan(1, Behavior::BootsNow)).await;
    searcher.ask(&fleet, 1).await;
    let announcement = hear_soon(&searcher.hearing).await;
    assert_eq!(announcement.sequence, 0);
    assert_says_what_it_is(&fleet.units()[0], announcement.reply());
    searcher.ask(&fleet, 2).await;
    let answer = hear_soon(&searcher.asking).await;
    assert_eq!(
        answer.sequence, 2,
        "the first question came before it was up"
    );
}

#[tokio::test]
async fn a_late_unit_takes_its_time() {
    let searcher = Searcher::new().await;
    let fleet = searcher.start(plan(1, Behavior::LateReply)).await;
    searcher.ask(&fleet, 1).await;
    let early = hear_for(&searcher.asking, Duration::from_millis(900)).await;
    assert!(early.is_empty(), "nothing comes in the first 0.9 s");
    assert_eq!(hear_soon(&searcher.asking).await.sequence, 1);
}

#[tokio::test]
async fn a_unit_falls_silent_after_two_searches() {
    let searcher = Searcher::new().await;
    let fleet = searcher.start(plan(1, Behavior::SilentLater)).await;
    for (sequence, expected) in [(1, 2), (2, 2), (3, 0)] {
        // Both ports are asked, as a search does: that is one search.
        for port_idx in [0, 1] {
            searcher
                .send(&fleet, port_idx, &discover_request(sequence))
                .await;
        }
        let heard = hear_for(&searcher.asking, SEARCH_GAP).await;
        assert_eq!(heard.len(), expected, "answers to search {sequence}");
    }
}

#[tokio::test]
async fn the_port_that_was_asked_answers() {
    let searcher = Searcher::new().await;
    let fleet = searcher.start(plan(1, Behavior::Configured)).await;
    for (port_idx, port) in fleet.ports().into_iter().enumerate() {
        searcher.send(&fleet, port_idx, &discover_request(9)).await;
        assert_eq!(hear_soon(&searcher.asking).await.from.port(), port);
    }
}

#[tokio::test]
async fn garbage_and_replies_are_not_answered() {
    let searcher = Searcher::new().await;
    let fleet = searcher.start(plan(1, Behavior::Configured)).await;
    let reply = fleet.units()[0].discover_reply(5);
    let long = [0xA5; 9_000];
    for datagram in [&b""[..], b"hello", &reply, &long] {
        searcher.send(&fleet, 0, datagram).await;
    }
    searcher.ask(&fleet, 6).await;
    assert_eq!(hear_soon(&searcher.asking).await.sequence, 6);
    assert_eq!((fleet.asked(), fleet.answered()), (1, 1));
}

fn ip_request(mac: Mac, ip: [u8; 4]) -> IpRequest {
    IpRequest {
        mac: Some(mac.octets()),
        ip: Ipv4Addr::from(ip).into(),
        mask: Ipv4Addr::new(255, 255, 255, 0).into(),
        gateway: Ipv4Addr::new(10, 20, 4, 1).into(),
        ..IpRequest::default()
    }
}

#[tokio::test]
async fn a_test_is_judged_and_changes_nothing() {
    let searcher = Searcher::new().await;
    let fleet = searcher.start(plan(2, Behavior::Configured)).await;
    let [unit, neighbor] = fleet.units() else {
        panic!("two units were planned");
    };
    let taken = neighbor.network.expect("it is configured").ip.octets();
    for (ip, status) in [
        ([10, 20, 4, 200], IpStatus::Accepted),
        (taken, IpStatus::IpInUse),
    ] {
        let request = ip_request(unit.mac, ip).emit(Kind::TestIpRequest, 40);
        searcher.send(&fleet, 0, &request).await;
        let heard = hear_soon(&searcher.asking).await;
        assert_eq!(heard.sequence, 40);
        let expected = IpReply {
            mac: Some(unit.mac.octets()),
            status: Some(status),
        };
        assert_eq!(heard.message, Message::TestIpReply(expected));
    }
    searcher.ask(&fleet, 41).await;
    assert_says_what_it_is(unit, hear_soon(&searcher.asking).await.reply());
}

#[tokio::test]
async fn a_unit_takes_its_new_address_and_announces_it() {
    let searcher = Searcher::new().await;
    let fleet = searcher.start(plan(2, Behavior::WithoutIp)).await;
    let unit = &fleet.units()[0];
    let stranger = Mac::new([2, 0, 0, 0, 0, 1]);
    for mac in [stranger, unit.mac] {
        let request = ip_request(mac, [10, 20, 4, 200]).emit(Kind::SetIpRequest, 3);
        searcher.send(&fleet, 1, &request).await;
    }
    let answer = hear_soon(&searcher.asking).await;
    let expected = IpReply {
        mac: Some(unit.mac.octets()),
        status: Some(IpStatus::Accepted),
    };
    assert_eq!(answer.message, Message::SetIpReply(expected));
    let moved = SimUnit {
        network: Some(Network {
            ip: [10, 20, 4, 200].into(),
            prefix_len: 24,
        }),
        gateway: Some([10, 20, 4, 1].into()),
        ..unit.clone()
    };
    let announcement = hear_soon(&searcher.hearing).await;
    assert_eq!(announcement.sequence, 0);
    assert_says_what_it_is(&moved, announcement.reply());
    searcher.ask(&fleet, 4).await;
    assert_says_what_it_is(&moved, hear_soon(&searcher.asking).await.reply());
    assert_says_what_it_is(&fleet.units()[1], hear_soon(&searcher.asking).await.reply());
    assert_eq!(fleet.answered(), 4, "the stranger's request was ignored");
}

#[tokio::test]
async fn ten_thousand_units_answer_one_question_and_none_is_lost() {
    const UNITS: usize = 10_000;
    let asking = BlockingSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    asking
        .set_read_timeout(Some(PATIENCE))
        .expect("a timeout can be set");
    // As large as the system grants: what is lost here would be the test's own fault.
    socket2::SockRef::from(&asking)
        .set_recv_buffer_size(8 << 20)
        .ok();
    let placement = Placement::Loopback {
        hear: [0, 0],
        listen: None,
    };
    let fleet = Fleet::start(plan(UNITS, Behavior::Configured), placement)
        .await
        .expect("loopback has free ports");
    let to = (Ipv4Addr::LOCALHOST, fleet.ports()[0]);
    // A thread of its own, since the runtime of the test has only one and the fleet needs it.
    let (took, num_heard) = tokio::task::spawn_blocking(move || {
        let begun = Instant::now();
        asking
            .send_to(&discover_request(1), to)
            .expect("loopback takes a datagram");
        let mut buf = [0; 2_048];
        let mut macs = std::collections::BTreeSet::new();
        while macs.len() < UNITS {
            let Ok((len_bytes, _)) = asking.recv_from(&mut buf) else {
                break;
            };
            if let Ok(Message::DiscoverReply(reply)) =
                decode(&buf[..len_bytes]).map(|decoded| decoded.message)
            {
                macs.insert(reply.mac);
            }
        }
        (begun.elapsed(), macs.len())
    })
    .await
    .expect("the thread ends by itself");
    assert_eq!(num_heard, UNITS, "answers were lost on the way");
    assert_eq!((fleet.answered(), fleet.withheld()), (UNITS as u64, 0));
    // Half a second where nothing else runs, which is measured in the lab; this is for busy machines.
    assert!(
        took < Duration::from_secs(3),
        "10,000 answers took {took:?}, which is no burst"
    );
}

#[tokio::test]
async fn a_taken_port_and_an_impossible_size_are_refused_with_a_reason() {
    let searcher = Searcher::new().await;
    let taken = searcher.hearing.local_addr().expect("it is bound").port();
    let placement = Placement::Loopback {
        hear: [0, 0],
        listen: Some([taken, 0]),
    };
    let error = Fleet::start(FleetPlan::demo(), placement)
        .await
        .expect_err("the port is held by the searcher");
    assert!(
        matches!(error, SimError::Bind { port, .. } if port == taken),
        "{error}"
    );
    for units in [0, 200_001] {
        let error = Fleet::start(plan(units, Behavior::Configured), searcher.placement())
            .await
            .expect_err("no fleet has that size");
        assert_eq!(
            error.to_string(),
            format!("a fleet has 1 to 200000 units, not {units}")
        );
    }
}

#[tokio::test]
async fn a_stopped_fleet_gives_its_ports_back() {
    let searcher = Searcher::new().await;
    let fleet = searcher.start(FleetPlan::demo()).await;
    let ports = fleet.ports();
    fleet.stop();
    let placement = Placement::Loopback {
        hear: [0, 0],
        listen: Some(ports),
    };
    let again = timeout(PATIENCE, async {
        loop {
            match Fleet::start(FleetPlan::demo(), placement.clone()).await {
                Ok(fleet) => return fleet,
                // The task ends at its next turn.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await
    .expect("the ports are free again");
    assert_eq!(again.ports(), ports);
}
