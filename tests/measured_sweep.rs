//! A sweep of a whole routed /16 in the lab: about nine minutes, so it is run by name and not with the other lab tests.
//!
//! `sudo -E cargo test --test measured_sweep -- --ignored`

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rollcall::wire::{Claimed, DiscoverReply, Message, PORT_INSTALL, decode};
use serde_json::Value;

use lab::{Host, Lab};

#[expect(dead_code, reason = "the other lab tests use the rest of it")]
#[path = "support/lab.rs"]
mod lab;

/// How many of the addresses answer.
const NUM_LIVE: u32 = 300;

/// The `nth` live address: all over the /16.
fn live_ip(nth: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a63_0000 + 1 + nth * 218)
}

/// Sockets on all live addresses, behind a router that swallows what goes to the others.
fn live_units(host: &Host) -> Vec<UdpSocket> {
    host.ip("addr add 10.77.0.1/16 dev eth0");
    host.ip("route add blackhole 10.99.0.0/16");
    for nth in 0..NUM_LIVE {
        host.ip(&format!("addr add {}/32 dev lo", live_ip(nth)));
    }
    host.inside(|| {
        (0..NUM_LIVE)
            .map(|nth| {
                let socket = UdpSocket::bind((live_ip(nth), PORT_INSTALL)).expect("it is free");
                socket.set_nonblocking(true).expect("it can be set");
                socket
            })
            .collect()
    })
}

/// Answers the questions that came since.
fn answer(sockets: &[UdpSocket]) {
    let mut bytes = [0; 2_048];
    for (nth, socket) in (0..).zip(sockets) {
        while let Ok((len, from)) = socket.recv_from(&mut bytes) {
            let Ok(decoded) = decode(&bytes[..len]) else {
                continue;
            };
            if decoded.message != Message::DiscoverRequest {
                continue;
            }
            let [high, low] = u16::try_from(nth).expect("there are 300").to_be_bytes();
            let reply = DiscoverReply {
                model_number: Some(1),
                mac: Some([0, 0xe0, 0x86, 1, high, low]),
                ip: Claimed::Ip(live_ip(nth)),
                mask: Claimed::Ip([255, 255, 0, 0].into()),
                gateway: Claimed::None,
                host_name: Some(format!("unit-{nth}")),
                modes: None,
            };
            socket
                .send_to(&reply.emit(decoded.frame.sequence()), from)
                .ok();
        }
    }
}

#[test]
#[ignore = "needs root and network namespaces, and nine minutes: sudo -E cargo test --test measured_sweep -- --ignored"]
#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what is measured"
)]
fn a_routed_16_is_swept_within_ten_minutes() {
    let lab = Lab::new();
    let [host, _] = &lab.fleets;
    let sockets = live_units(host);
    lab.laptop.ip("route add 10.99.0.0/16 via 10.77.0.1");
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = folder.path().join("inventory.json");
    let began = Instant::now();
    let mut sweep = lab
        .laptop
        .rollcall()
        .args(["sweep", "10.99.0.0/16", "--output"])
        .arg(&inventory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("ip is there, the lab needed it before");
    let mut most_kib = 0;
    let status = loop {
        answer(&sockets);
        most_kib = most_kib.max(peak_kib(sweep.id()));
        if let Some(status) = sweep.try_wait().expect("it can be asked") {
            break status;
        }
        assert!(
            began.elapsed() < Duration::from_mins(12),
            "it takes too long"
        );
        std::thread::sleep(Duration::from_millis(2));
    };
    let took = began.elapsed();
    assert!(status.success(), "{status}");
    let text = std::fs::read_to_string(&inventory).expect("it was written");
    let inventory: Value = serde_json::from_str(&text).expect("JSON");
    let found: BTreeSet<String> = inventory["units"]
        .as_array()
        .expect("a list of units")
        .iter()
        .map(|unit| unit["ip"].as_str().unwrap_or_default().to_owned())
        .collect();
    let live: BTreeSet<String> = (0..NUM_LIVE).map(|nth| live_ip(nth).to_string()).collect();
    writeln!(
        std::io::stderr(),
        "measured: a routed /16 with {NUM_LIVE} live units: {} found in {:.0} s, at most {} MiB",
        found.len(),
        took.as_secs_f64(),
        most_kib / 1_024
    )
    .expect("standard error is open");
    assert_eq!(found, live);
    assert!(took < Duration::from_mins(10), "it took {took:?}");
    assert!(most_kib < 300 * 1_024, "{most_kib} KiB");
}

/// The most memory that a process had until now.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
