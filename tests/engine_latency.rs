//! How long it takes from a datagram to the snapshot that shows its unit, over a real socket on the loopback
//! interface. The bar: 150 ms for 99 of 100.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits for its own future, and says what it measured"
)]

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rollcall::engine::interfaces::Found;
use rollcall::engine::plane::{InterfaceSource, PlaneConfig, Ports};
use rollcall::engine::{Engine, EngineConfig, SiteChoice};
use rollcall::model::identity::Mac;
use rollcall::model::network::Listening;
use rollcall::model::registry::Limits;
use rollcall::model::snapshot::Snapshot;
use rollcall::wire::{Claimed, DiscoverReply};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

/// How long the machine may take when it is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

/// Units, each of which replies once.
const NUM_UNITS: u32 = 300;

/// The time in which they reply, at moments of their own.
const SPREAD_MILLIS: u64 = 5_000;

/// The bar, in milliseconds.
const BAR_MILLIS: u128 = 150;

fn config(sites_dir: &std::path::Path, list: Vec<Found>) -> EngineConfig {
    EngineConfig {
        plane: PlaneConfig {
            // Ports that the system chooses; nobody is asked.
            ports: Ports {
                listen: [0, 0],
                ask: [9, 9],
            },
            source: InterfaceSource::Fixed(Arc::new(Mutex::new(list))),
            loopback_only: true,
            live_search: false,
            ..PlaneConfig::default()
        },
        // All of them come from 127.0.0.1, which is no flood here.
        limits: Limits {
            new_units_per_sec: NUM_UNITS,
            ..Limits::default()
        },
        tcp_port: None,
        ..EngineConfig::new(SiteChoice::ThrowAway, sites_dir.to_owned())
    }
}

fn mac(unit: u32) -> [u8; 6] {
    let [a, b, c, d] = unit.to_be_bytes();
    [0x00, 0xe0, a, b, c, d]
}

fn reply(unit: u32) -> Vec<u8> {
    let [_, a, b, c] = unit.to_be_bytes();
    DiscoverReply {
        mac: Some(mac(unit)),
        ip: Claimed::Ip([10, a, b, c].into()),
        host_name: Some(format!("acs-{unit:05}")),
        ..DiscoverReply::default()
    }
    .emit(1)
}

/// Moments in the order of time, the same at every run.
fn moments() -> Vec<Duration> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut moments: Vec<Duration> = (0..NUM_UNITS)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            Duration::from_micros(state % (SPREAD_MILLIS * 1_000))
        })
        .collect();
    moments.sort_unstable();
    moments
}

/// Where the engine listens, once it does.
async fn listening_at(snapshots: &mut watch::Receiver<Arc<Snapshot>>) -> SocketAddr {
    loop {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        let listening = snapshot
            .interfaces
            .iter()
            .find(|interface| interface.listening == Listening::On);
        if let Some(interface) = listening {
            return (Ipv4Addr::LOCALHOST, interface.sockets[0].port).into();
        }
        snapshots.changed().await.expect("the engine runs");
    }
}

/// Sends every reply at its moment and notes when it left.
async fn send_all(to: SocketAddr) -> Vec<Instant> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("loopback has room for a socket");
    let start = Instant::now();
    let mut sent = Vec::new();
    for (unit, moment) in (0..NUM_UNITS).zip(moments()) {
        let bytes = reply(unit);
        sleep_until(start + moment).await;
        sent.push(Instant::now());
        socket.send_to(&bytes, to).await.expect("it listens");
    }
    sent
}

/// Notes when each unit is first in a snapshot, until all are.
async fn see_all(snapshots: &mut watch::Receiver<Arc<Snapshot>>) -> HashMap<Mac, Instant> {
    let mut seen = HashMap::new();
    while seen.len() < NUM_UNITS as usize {
        snapshots.changed().await.expect("the engine runs");
        let now = Instant::now();
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        for (_, unit) in snapshot.units.iter() {
            let mac = unit.mac().expect("every unit names its MAC").value;
            seen.entry(mac).or_insert(now);
        }
    }
    seen
}

#[tokio::test]
async fn a_datagram_is_in_a_snapshot_within_150_ms() {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let config = config(folder.path(), vec![Found::loopback()]);
    let (handle, engine) = Engine::start(config, Arc::new(|| {})).expect("there are threads");
    let mut snapshots = handle.snapshots();
    let place = timeout(PATIENCE, listening_at(&mut snapshots))
        .await
        .expect("the engine listens");
    let both = async { tokio::join!(send_all(place), see_all(&mut snapshots)) };
    let (sent, seen) = timeout(PATIENCE, both).await.expect("every unit is seen");

    let mut millis: Vec<u128> = (0..NUM_UNITS)
        .zip(&sent)
        .map(|(unit, sent)| {
            let seen = seen[&Mac::new(mac(unit))];
            seen.duration_since(*sent).as_millis()
        })
        .collect();
    millis.sort_unstable();
    let at = |percent: usize| millis[(millis.len() * percent).div_ceil(100) - 1];
    println!(
        "datagram to snapshot: median {} ms, 99 % within {} ms, all within {} ms",
        at(50),
        at(99),
        at(100)
    );
    assert!(
        at(99) <= BAR_MILLIS,
        "99 % took up to {} ms from the datagram to the snapshot",
        at(99)
    );
    assert!(engine.close(PATIENCE), "the engine ends in time");
}
