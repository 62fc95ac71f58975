//! What watching costs the engine that listens: 50,000 datagrams a second over a real loopback socket into a site file,
//! with the capture off and on in turn. What counts is how many are lost on the way, in the kernel or in Rollcall; the
//! bar is that the capture loses no more. No criterion: a run is a minute of real time, and its result is a count.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock, waits and prints"
)]

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rollcall::engine::plane::{InterfaceSource, PlaneConfig, Ports};
use rollcall::engine::{Engine, EngineConfig, SiteChoice};
use rollcall::model::snapshot::Snapshot;
use rollcall::wire::{Claimed, DiscoverReply};

/// Datagrams a second.
const PER_SEC: u32 = 50_000;

/// How long each run is.
const RUN: Duration = Duration::from_secs(5);

/// Runs with the capture off, and as many with it on.
const ROUNDS: u32 = 3;

/// Units that send in turn.
const NUM_UNITS: u32 = 1_000;

fn reply(unit: u32) -> Vec<u8> {
    let [_, a, b, c] = unit.to_be_bytes();
    DiscoverReply {
        model_number: Some(14),
        mac: Some([0x00, 0xe0, 0x86, a, b, c]),
        ip: Claimed::Ip([10, a, b, c].into()),
        mask: Claimed::Ip([255, 0, 0, 0].into()),
        gateway: Claimed::Ip([10, 0, 0, 1].into()),
        host_name: Some(format!("acs-{unit:05}")),
        modes: Some(4),
    }
    .emit(1)
}

/// What one run came to.
struct Run {
    sent: u64,
    heard: u64,
    queue_drops: u64,
    kernel_drops: u64,
    captured: u64,
    missed: u64,
}

fn run(folder: &Path, nth: u32, capture: bool) -> Run {
    let path = folder.join(format!("{nth}-{capture}.rollcall"));
    let mut config = EngineConfig::new(SiteChoice::File(path), folder.to_owned());
    config.capture = capture;
    config.tcp_port = None;
    config.plane = PlaneConfig {
        ports: Ports {
            listen: [0, 0],
            ask: [9, 9],
        },
        source: InterfaceSource::System,
        loopback_only: true,
        live_search: false,
        ..PlaneConfig::default()
    };
    let (handle, engine) = Engine::start(config, Arc::new(|| {})).expect("the engine starts");
    let port = loop {
        if let Some(port) = install_port(&handle.snapshot()) {
            break port;
        }
        std::thread::yield_now();
    };
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let replies: Vec<Vec<u8>> = (0..NUM_UNITS).map(reply).collect();
    let begin = Instant::now();
    let mut sent = 0_u64;
    while begin.elapsed() < RUN {
        let due = (begin.elapsed().as_secs_f64() * f64::from(PER_SEC)) as u64;
        while sent < due {
            let reply = &replies[(sent % u64::from(NUM_UNITS)) as usize];
            socket
                .send_to(reply, (Ipv4Addr::LOCALHOST, port))
                .expect("loopback takes it");
            sent += 1;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    // What is on its way arrives.
    std::thread::sleep(Duration::from_secs(2));
    let snapshot = handle.snapshot();
    let counters = snapshot.interfaces[0].counters;
    let ring = &snapshot.watching.capture;
    assert!(engine.close(Duration::from_mins(1)), "everything is saved");
    Run {
        sent,
        heard: counters.heard,
        queue_drops: counters.queue_drops,
        kernel_drops: counters.kernel_drops.unwrap_or_default(),
        captured: ring.num_datagrams,
        missed: ring.num_missed,
    }
}

fn install_port(snapshot: &Snapshot) -> Option<u16> {
    let sockets = &snapshot.interfaces.first()?.sockets;
    let socket = sockets.iter().find(|socket| socket.role == "install")?;
    socket.bound.is_ok().then_some(socket.port)
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    println!("capture      sent     heard  lost in the kernel  lost in Rollcall  captured  missed");
    for nth in 0..ROUNDS {
        for capture in [false, true] {
            let run = run(folder.path(), nth, capture);
            println!(
                "{:<7} {:>9} {:>9} {:>19} {:>17} {:>9} {:>7}",
                if capture { "on" } else { "off" },
                run.sent,
                run.heard,
                run.kernel_drops,
                run.queue_drops,
                run.captured,
                run.missed
            );
        }
    }
}
