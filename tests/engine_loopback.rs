//! The engine over real sockets on the loopback interface, without privileges and without a network.

#![expect(clippy::disallowed_methods, reason = "a test waits for its own future")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rollcall::engine::clock;
use rollcall::engine::command::Saying;
use rollcall::engine::interfaces::Found;
use rollcall::engine::plane::{
    FromPlane, InterfaceSource, Item, Plane, PlaneConfig, Ports, RequestHeard,
};
use rollcall::model::identity::Mac;
use rollcall::model::network::{InterfaceState, Listening, Network};
use rollcall::model::sighting::{Channel, Claims, RAW_KEPT_BYTES, Sighting, Source, Stray};
use rollcall::wire::{self, Claimed, DiscoverReply, Kind};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long the loopback interface may take on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

const MAC: [u8; 6] = [0x00, 0xe0, 0x86, 0x12, 0x34, 0x56];

/// A plane that listens on ports of its own, and somebody beside it who sends and is asked.
struct Net {
    plane: Plane,
    heard: mpsc::Receiver<FromPlane>,
    sayings: Vec<Saying>,
    /// Asked by the plane, in the place of a unit's 3502.
    peer: UdpSocket,
    peer_port: u16,
    list: Arc<Mutex<Vec<Found>>>,
}

impl Net {
    async fn new() -> Self {
        Self::with(vec![Found::loopback()]).await
    }

    async fn with(found: Vec<Found>) -> Self {
        let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("loopback has room for a socket");
        let peer_port = peer.local_addr().expect("it is bound").port();
        let list = Arc::new(Mutex::new(found));
        let config = PlaneConfig {
            ports: Ports {
                listen: [0, 0],
                ask: [peer_port, peer_port],
            },
            source: InterfaceSource::Fixed(Arc::clone(&list)),
            loopback_only: true,
            live_search: false,
            ..PlaneConfig::default()
        };
        // More than any of these tests sends at once.
        let (out, heard) = mpsc::channel(64);
        Self {
            plane: Plane::start(config, out, clock::now()),
            heard,
            sayings: Vec::new(),
            peer,
            peer_port,
            list,
        }
    }

    fn state(&self, name: &str) -> InterfaceState {
        let mut interfaces = self.plane.interfaces().into_iter();
        interfaces
            .find(|interface| *interface.name == *name)
            .unwrap_or_else(|| panic!("{name} is not listed"))
    }

    /// Where the plane listens: 0 in the place of 3502, 1 in the place of 3211, 2 where it asks from.
    fn place(&self, name: &str, idx: usize) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.state(name).sockets[idx].port).into()
    }

    async fn send(&self, bytes: &[u8], idx: usize) {
        let place = self.place("loopback", idx);
        self.peer
            .send_to(bytes, place)
            .await
            .unwrap_or_else(|error| panic!("{} bytes to {place}: {error}", bytes.len()));
    }

    /// The next `count` items.
    async fn items(&mut self, count: usize) -> Vec<Item> {
        let mut items = Vec::new();
        while items.len() < count {
            let next = timeout(PATIENCE, self.heard.recv()).await;
            match next.expect("nothing was heard").expect("the plane runs") {
                FromPlane::Heard(more) => items.extend(more),
                FromPlane::Say(saying) => self.sayings.push(saying),
            }
        }
        assert_eq!(items.len(), count, "too much was heard: {items:?}");
        items
    }

    async fn sighting(&mut self) -> Sighting {
        match self.items(1).await.pop() {
            Some(Item::Sighting(sighting)) => *sighting,
            other => panic!("not a sighting: {other:?}"),
        }
    }

    async fn stray(&mut self) -> Stray {
        match self.items(1).await.pop() {
            Some(Item::Stray(stray)) => stray,
            other => panic!("not a stray: {other:?}"),
        }
    }

    async fn request(&mut self) -> RequestHeard {
        match self.items(1).await.pop() {
            Some(Item::Request(request)) => request,
            other => panic!("not a request: {other:?}"),
        }
    }

    /// The sequence of the next question that reaches the peer, and from where it was asked.
    async fn question(&self) -> (u16, SocketAddr) {
        let mut buffer = [0; 64];
        let asked = timeout(PATIENCE, self.peer.recv_from(&mut buffer)).await;
        let (len, from) = asked.expect("nobody asked").expect("the peer hears");
        let decoded = wire::decode(&buffer[..len]).expect("a question is AIDP");
        assert_eq!(decoded.frame.kind(), Kind::DiscoverRequest);
        (decoded.frame.sequence(), from)
    }
}

fn reply(name: &str) -> DiscoverReply {
    DiscoverReply {
        mac: Some(MAC),
        ip: Claimed::Ip([10, 0, 0, 9].into()),
        host_name: Some(name.to_owned()),
        ..DiscoverReply::default()
    }
}

#[tokio::test]
async fn every_socket_hears_and_says_which_it_is() {
    let mut net = Net::new().await;
    let channels = [Channel::Udp3502, Channel::Udp3211, Channel::UdpAsking];
    for (idx, channel) in channels.into_iter().enumerate() {
        let reply = reply("acs-1");
        let bytes = reply.emit(1);
        net.send(&bytes, idx).await;
        let sighting = net.sighting().await;
        assert_eq!(sighting.channel, channel);
        assert_eq!(*sighting.interface, *"loopback");
        assert_eq!(sighting.from.port(), net.peer_port);
        assert_eq!(sighting.claims, Claims::from_reply(&reply));
        assert_eq!(sighting.raw.bytes[..], bytes[..]);
        assert_eq!(sighting.source, Source::Announcement, "nobody asked for it");
    }
    let counters = net.state("loopback").counters;
    assert_eq!((counters.heard, counters.understood), (3, 3));
}

#[tokio::test]
async fn a_search_asks_and_its_answers_are_replies() {
    let mut net = Net::new().await;
    let start = clock::now();
    net.plane.search_now(start);
    net.plane.tick(start);
    let (sequence, asking) = net.question().await;
    assert_ne!(sequence, 0);
    assert_eq!(
        asking,
        net.place("loopback", 2),
        "asked from the asking socket"
    );
    let answer = reply("acs-1").emit(sequence);
    net.peer.send_to(&answer, asking).await.expect("it listens");
    assert_eq!(net.sighting().await.source, Source::Reply);

    net.plane.tick(start.plus_millis(1_000));
    let (second, _) = net.question().await;
    assert_ne!(second, sequence, "each question has a sequence of its own");
    assert_eq!(net.plane.search_state().pass, Some(2));
    assert_eq!(net.plane.search_state().num_asked, 2);
    assert_eq!(net.state("loopback").counters.asked, 2);
}

#[tokio::test]
async fn our_own_questions_are_counted_apart() {
    let mut net = Net::new().await;
    // The plane asks from here, so a question that is sent from here is what the network brings back.
    let asking = net.plane.asking_sockets().remove(0);
    let sequence = asking
        .own
        .next_sequence(rollcall::engine::questions::Asked::Search, clock::now());
    let question = wire::discover_request(sequence);
    let place = net.place("loopback", 0);
    asking
        .socket
        .send_to(&question, place)
        .await
        .expect("it listens");
    // The same question from another port is another program's.
    net.send(&question, 0).await;
    let request = net.request().await;
    assert_eq!(request.kind, Kind::DiscoverRequest);
    assert_eq!(request.from.port(), net.peer_port);
    let counters = net.state("loopback").counters;
    assert_eq!(
        (
            counters.heard,
            counters.own_requests,
            counters.others_requests
        ),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn after_anothers_request_a_reply_is_no_announcement() {
    let mut net = Net::new().await;
    let request = wire::IpRequest {
        mac: Some(MAC),
        ..wire::IpRequest::default()
    };
    net.send(&request.emit(Kind::TestIpRequest, 5), 1).await;
    let heard = net.request().await;
    assert_eq!(
        (heard.kind, heard.meant),
        (Kind::TestIpRequest, Some(Mac::new(MAC)))
    );
    net.send(&reply("acs-1").emit(5), 0).await;
    assert_eq!(net.sighting().await.source, Source::Reply);
}

#[tokio::test]
async fn an_answer_to_a_sweep_is_told_apart() {
    let mut net = Net::new().await;
    let asking = net.plane.asking_sockets().remove(0);
    let sequence = asking
        .own
        .next_sequence(rollcall::engine::questions::Asked::Sweep, clock::now());
    net.send(&reply("acs-1").emit(sequence), 2).await;
    assert_eq!(net.sighting().await.source, Source::SweepReply);
}

#[tokio::test]
async fn bytes_that_are_no_message_are_kept_and_counted() {
    let mut net = Net::new().await;
    net.send(b"SSDP or so", 0).await;
    assert_eq!(net.stray().await.reason.word(), "not-aidp");
    net.send(b"", 0).await;
    assert_eq!(net.stray().await.raw.full_len, 0);

    // A reply that is cut short is a unit's: known by its sender, and listed as well.
    let whole = reply("acs-1").emit(1);
    net.send(&whole[..whole.len() - 8], 0).await;
    let items = net.items(2).await;
    let [Item::Sighting(sighting), Item::Stray(stray)] = items.as_slice() else {
        panic!("a unit and its bytes: {items:?}");
    };
    assert_eq!(sighting.source, Source::Undecoded);
    assert_eq!(sighting.claims, Claims::default());
    assert_eq!(sighting.effective_ip(), Some(Ipv4Addr::LOCALHOST));
    assert_eq!(stray.reason.word(), "payload-overrun");

    net.send(&wire::encode_raw(1, 0x55, &[(1, b"x")]), 0).await;
    assert_eq!(net.stray().await.reason.word(), "other-type");

    let counters = net.state("loopback").counters;
    assert_eq!(counters.heard, 4);
    assert_eq!((counters.not_aidp, counters.payload_overrun), (2, 1));
    assert_eq!(counters.understood, 1);
}

#[tokio::test]
async fn the_largest_datagram_is_heard_whole_and_kept_in_part() {
    let mut net = Net::new().await;
    let mut bytes = vec![b'A'; 65_507];
    net.send(&bytes, 0).await;
    let stray = net.stray().await;
    assert_eq!(
        (stray.raw.full_len, stray.raw.bytes.len()),
        (65_507, RAW_KEPT_BYTES)
    );

    // Valid up to its last byte: a host name that nearly fills it.
    bytes = reply(&"n".repeat(65_000)).emit(1);
    net.send(&bytes, 0).await;
    let sighting = net.sighting().await;
    assert_eq!(sighting.raw.full_len as usize, bytes.len());
    let name = sighting.claims.host_name.expect("it was read");
    assert!(name.ends_with('…'), "a long text is cut with a mark");
}

#[tokio::test]
async fn an_interface_that_goes_and_comes_is_heard_again() {
    let mut net = Net::new().await;
    let old_place = net.place("loopback", 0);
    net.send(&reply("acs-1").emit(1), 0).await;
    net.sighting().await;

    let found = std::mem::take(&mut *net.list.lock().expect("nobody panics with it"));
    net.plane.scan(clock::now());
    let state = net.state("loopback");
    assert!(matches!(state.listening, Listening::Off(_)), "{state:?}");
    assert!(state.sockets.is_empty());
    assert_eq!(state.counters.heard, 1, "what was heard stays counted");
    // The listener ends with its next turn on the runtime; then the port is free for somebody without reuse.
    let rebound = timeout(PATIENCE, async {
        while std::net::UdpSocket::bind(old_place).is_err() {
            tokio::task::yield_now().await;
        }
    });
    rebound.await.expect("its sockets are closed");

    *net.list.lock().expect("nobody panics with it") = found;
    net.plane.scan(clock::now());
    assert_eq!(net.state("loopback").listening, Listening::On);
    net.send(&reply("acs-1").emit(1), 0).await;
    net.sighting().await;
    assert_eq!(net.state("loopback").counters.heard, 2);
}

#[tokio::test]
async fn one_failing_interface_does_not_stop_another() {
    let broken = Found {
        name: Arc::from("broken"),
        // Reserved for documentation: no machine has it.
        networks: vec![Network {
            ip: Ipv4Addr::new(203, 0, 113, 9),
            prefix_len: 24,
        }],
        ..Found::loopback()
    };
    let mut net = Net::with(vec![broken, Found::loopback()]).await;
    let state = net.state("broken");
    assert!(
        matches!(&state.listening, Listening::Trouble(words) if words.contains("203.0.113.9")),
        "{state:?}"
    );
    assert!(
        state.sockets.iter().all(|socket| socket.bound.is_err()),
        "{state:?}"
    );
    assert!(state.last_error.is_some());
    net.send(&reply("acs-1").emit(1), 0).await;
    assert_eq!(*net.sighting().await.interface, *"loopback");
    // Tried again and again, but told once.
    for _ in 0..3 {
        net.plane.scan(clock::now());
    }
    net.send(&reply("acs-1").emit(1), 0).await;
    net.sighting().await;
    assert_eq!(net.sayings.len(), 1, "{:?}", net.sayings);
}

#[tokio::test]
async fn asks_are_closed_three_seconds_after_a_burst_and_once_for_it() {
    let mut net = Net::new().await;
    let start = clock::now();
    net.plane.set_live(true, start);
    let mut closed = Vec::new();
    for tenths in 0..=360 {
        net.plane.tick(start.plus_millis(tenths * 100));
        let asks = net.state("loopback").asks;
        assert!(asks.live);
        if tenths == 0 {
            assert_eq!(
                net.plane.contexts()["loopback"].asks.sent,
                1,
                "an answer now is to the first ask"
            );
        }
        if closed
            .last()
            .is_none_or(|(_, before)| *before != asks.closed)
        {
            closed.push((tenths, asks.closed));
        }
    }
    assert_eq!(closed[..2], [(0, 0), (60, 1)], "the burst is one ask");
    assert_eq!(closed[2].1, 2, "the periodic question is another");

    net.plane.resumed(start.plus_millis(40_000));
    let asks = net.state("loopback").asks;
    assert_eq!(
        asks.floor, asks.closed,
        "after sleep nothing counts as unanswered"
    );
    net.plane.stop_search();
    assert!(!net.state("loopback").asks.live);
}

/// Tying to a device and broadcast over it, as far as that goes without privileges and on any machine.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_device_that_is_not_there_does_not_stop_the_one_that_is() {
    use rollcall::model::network::InterfaceKind;

    let peer = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
        .await
        .expect("room");
    let lo = Found {
        name: Arc::from("lo"),
        ..Found::loopback()
    };
    let nosuch = Found {
        name: Arc::from("nosuch0"),
        index: 4_000,
        kind: InterfaceKind::Wired,
        ..Found::loopback()
    };
    let ask_port = peer.local_addr().expect("bound").port();
    let config = PlaneConfig {
        ports: Ports {
            listen: [0, 0],
            ask: [ask_port, ask_port],
        },
        source: InterfaceSource::Fixed(Arc::new(Mutex::new(vec![lo, nosuch]))),
        only: vec!["lo".to_owned(), "nosuch0".to_owned()],
        ..PlaneConfig::default()
    };
    let (out, mut heard) = mpsc::channel(64);
    let mut plane = Plane::start(config, out, clock::now());
    plane.tick(clock::now());
    let states = plane.interfaces();
    assert_eq!(states[0].listening, Listening::On, "{states:#?}");
    assert!(
        matches!(states[1].listening, Listening::Trouble(_)),
        "{states:#?}"
    );
    let mut buffer = [0; 64];
    let (_, from) = timeout(PATIENCE, peer.recv_from(&mut buffer))
        .await
        .expect("the subnet's broadcast reached the peer")
        .expect("the peer hears");
    assert_eq!(
        from.ip(),
        Ipv4Addr::LOCALHOST,
        "the interface's own address asks"
    );
    peer.send_to(&reply("acs-1").emit(1), from)
        .await
        .expect("it listens");
    loop {
        let next = timeout(PATIENCE, heard.recv())
            .await
            .expect("nothing was heard");
        if let Some(FromPlane::Heard(items)) = next {
            assert!(matches!(&items[0], Item::Sighting(sighting) if *sighting.interface == *"lo"));
            return;
        }
    }
}
