//! The whole of Rollcall on the laptop of the lab: `rollcall-cli` hears what is really on the cable.

#![expect(
    clippy::disallowed_methods,
    reason = "`#[tokio::test]` waits for the test's own runtime"
)]

use std::net::Ipv4Addr;
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use rollcall::wire::{Claimed, DiscoverReply, PORT_INSTALL, discover_request};
use serde_json::Value;

use crate::lab::{Host, LAPTOP_IPS, Lab, NICS, SimulatedFleet};

/// Long enough for the asks at 0, 1 and 3 s and the answers to them.
const SEARCH_SECS: &str = "5";

/// A command line of Rollcall that runs on the laptop.
struct Running(Child);

impl Running {
    fn start(laptop: &Host, args: &[&str]) -> Self {
        Self(
            laptop
                .rollcall()
                .args(args)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("ip is there, the lab needed it before"),
        )
    }

    async fn end(self) -> Output {
        // On a thread of its own, since the test's runtime has other things to do meanwhile.
        tokio::task::spawn_blocking(move || self.0.wait_with_output())
            .await
            .expect("waiting does not panic")
            .expect("it runs and ends")
    }
}

fn search(laptop: &Host, nics: &[&str], seconds: &str) -> Running {
    let mut args = vec!["search", "--seconds", seconds, "--format", "json"];
    for nic in nics {
        args.extend(["--interface", nic]);
    }
    Running::start(laptop, &args)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The units that a search found.
async fn units(search: Running) -> Vec<Value> {
    units_of(&search.end().await)
}

/// The units of an inventory in JSON.
fn units_of(output: &Output) -> Vec<Value> {
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        stderr(output)
    );
    let inventory: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    inventory["units"]
        .as_array()
        .expect("a list of units")
        .clone()
}

/// The MACs of the units that were heard on an interface, sorted; of all when none is named.
fn macs_on(units: &[Value], nic: Option<&str>) -> Vec<String> {
    let mut macs: Vec<String> = units
        .iter()
        .filter(|unit| nic.is_none_or(|nic| unit["heard_on"].to_string().contains(nic)))
        .map(|unit| unit["mac"].as_str().unwrap_or("none").to_owned())
        .collect();
    macs.sort_unstable();
    macs
}

fn fleet(host: &Host, interface: &str, args: &[&str]) -> SimulatedFleet {
    host.simulate(interface, args)
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn everything_is_found_on_the_interface_it_is_behind() {
    let lab = Lab::new();
    let fleets = [0, 1].map(|idx| {
        let seed = format!("{}", idx + 1);
        fleet(
            &lab.fleets[idx],
            "eth0",
            &["--units", "24", "--seed", &seed, "--style", "configured"],
        )
    });
    let found = units(search(&lab.laptop, &[], SEARCH_SECS)).await;
    for (nic, fleet) in NICS.iter().zip(&fleets) {
        assert_eq!(macs_on(&found, Some(nic)), fleet.macs(), "behind {nic}");
    }
    assert_eq!(found.len(), 48, "nothing else is found");
    let only_one = units(search(&lab.laptop, &["nic1"], SEARCH_SECS)).await;
    assert_eq!(macs_on(&only_one, None), fleets[1].macs());
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn units_without_and_with_foreign_addresses_are_found() {
    let lab = Lab::new();
    let [host, _] = &lab.fleets;
    host.add_unit_interface("u0", None);
    host.add_unit_interface("u1", Some("192.168.160.10/24"));
    let without = fleet(
        host,
        "u0",
        &["--units", "1", "--seed", "1", "--style", "without-ip"],
    );
    let foreign = fleet(
        host,
        "u1",
        &["--units", "1", "--seed", "2", "--style", "foreign-subnet"],
    );
    let found = units(search(&lab.laptop, &[], SEARCH_SECS)).await;
    for (fleet, status) in [(&without, "no address"), (&foreign, "wrong network")] {
        let [mac] = &fleet.macs()[..] else {
            panic!("one unit was planned");
        };
        let unit = found.iter().find(|unit| unit["mac"] == **mac);
        let unit = unit.unwrap_or_else(|| panic!("the unit with {status} is not found"));
        assert_eq!(unit["status"], status);
    }
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn an_interface_that_goes_down_and_comes_back_is_listened_on_again() {
    let lab = Lab::new();
    let [host, _] = &lab.fleets;
    let mut searching = search(&lab.laptop, &["nic0"], "16");
    wait_for_port(&lab.laptop, &mut searching, true).await;
    lab.laptop.ip("link set nic0 down");
    wait_for_port(&lab.laptop, &mut searching, false).await;
    // Started only now, so that nothing can have been heard of it before.
    let fleet = fleet(host, "eth0", &["--units", "6", "--style", "configured"]);
    lab.laptop.ip("link set nic0 up");
    let found = units(searching).await;
    assert_eq!(macs_on(&found, Some("nic0")), fleet.macs());
}

/// One question from the known port, so that the answers come to whoever listens there.
fn ask_from_the_known_port(laptop: &Host) {
    let asking = laptop
        .socket(NICS[0], PORT_INSTALL, true)
        .expect("it is shared");
    asking
        .send_to(&discover_request(1), (Ipv4Addr::BROADCAST, PORT_INSTALL))
        .expect("the interface is up");
}

/// Waits until something on the laptop listens on the install port, or nothing does.
async fn wait_for_port(laptop: &Host, searching: &mut Running, is_open: bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..200 {
        ticks.tick().await;
        let table = laptop.inside(|| std::fs::read_to_string("/proc/thread-self/net/udp"));
        // 0DAE is 3502.
        if table.is_ok_and(|table| table.contains(":0DAE ") == is_open) {
            return;
        }
        let ended = searching.0.try_wait().expect("it can be asked");
        assert!(ended.is_none(), "the search ended early: {ended:?}");
    }
    panic!("the install port did not become open: {is_open}");
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn another_program_on_the_port_is_shared_with_or_named() {
    let lab = Lab::new();
    let [host, _] = &lab.fleets;
    // Units with an address answer to whoever asked, not only to the port that is taken.
    host.ip("addr add 10.77.9.9/16 brd + dev eth0");
    let fleet = fleet(host, "eth0", &["--units", "6", "--style", "configured"]);
    for is_shared in [true, false] {
        let other = lab
            .laptop
            .socket(NICS[0], PORT_INSTALL, is_shared)
            .expect("the port is free before");
        // Answers come to the asking socket, whoever holds the well-known port.
        let found = units(search(&lab.laptop, &["nic0"], SEARCH_SECS)).await;
        assert_eq!(macs_on(&found, None), fleet.macs(), "shared: {is_shared}");
        let args = ["doctor", "--format", "json", "--interface", "nic0"];
        let output = Running::start(&lab.laptop, &args).end().await;
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let sockets = &report["interfaces"][0]["sockets"];
        let install = sockets
            .as_array()
            .expect("a list of sockets")
            .iter()
            .find(|socket| socket["port"] == PORT_INSTALL)
            .expect("the install port is listed");
        assert_eq!(
            install["not_bound"].is_null(),
            is_shared,
            "shared: {is_shared}: {install}"
        );
        // The test itself is that program.
        let checks = report["checks"].to_string();
        let named = format!("(process {})", std::process::id());
        assert!(
            checks.contains("UDP 3502 is ") && checks.contains(&named),
            "shared: {is_shared}: {checks}"
        );
        drop(other);
    }
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn a_burst_of_ten_thousand_answers_is_heard_without_a_loss() {
    let lab = Lab::new();
    let [host, _] = &lab.fleets;
    host.ip("addr add 10.77.9.9/16 brd + dev eth0");
    let fleet = fleet(
        host,
        "eth0",
        &[
            "--units",
            "10000",
            "--style",
            "configured",
            "--spread-millis",
            "300",
        ],
    );
    // The laptop listens and asks nothing; one question makes the burst.
    let mut listening = Running::start(
        &lab.laptop,
        &["listen", "--seconds", "8", "--interface", "nic0"],
    );
    wait_for_port(&lab.laptop, &mut listening, true).await;
    ask_from_the_known_port(&lab.laptop);
    let output = listening.end().await;
    let mut macs: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|heard| heard["facts"]["mac"].as_str().map(str::to_owned))
        .collect();
    macs.sort_unstable();
    assert_eq!(macs.len(), 10_000, "none is lost: {}", stderr(&output));
    assert_eq!(macs, fleet.macs());
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn a_flood_does_not_hide_real_units() {
    const PER_MILLI: u32 = 50;
    const MILLIS: u32 = 4_000;
    let lab = Lab::new();
    let [flooder, host] = &lab.fleets;
    flooder.ip("addr add 10.77.66.6/16 brd + dev eth0");
    let fleet = fleet(host, "eth0", &["--units", "12", "--style", "configured"]);
    let mut searching = search(&lab.laptop, &[], "6");
    wait_for_port(&lab.laptop, &mut searching, true).await;
    let socket = flooder
        .socket("eth0", 0, false)
        .expect("any port is free on the host");
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let mut num_sent = 0_u32;
    for _ in 0..MILLIS {
        ticks.tick().await;
        for _ in 0..PER_MILLI {
            let [_, a, b, c] = num_sent.to_be_bytes();
            let reply = DiscoverReply {
                mac: Some([0x00, 0xe0, 0x86, a, b, c]),
                ip: Claimed::Ip(Ipv4Addr::new(10, 77, b, c)),
                ..DiscoverReply::default()
            };
            // What the socket does not take is no flood either: only what left counts.
            let sent = socket.send_to(&reply.emit(0), (Ipv4Addr::BROADCAST, PORT_INSTALL));
            num_sent += u32::from(sent.is_ok());
        }
    }
    let output = searching.end().await;
    let found = units_of(&output);
    assert!(
        num_sent > 100_000,
        "only {num_sent} datagrams make no flood"
    );
    assert_eq!(macs_on(&found, Some("nic1")), fleet.macs());
    // 20 new units a second may be real; the rest is one line.
    let num_flood = macs_on(&found, Some("nic0")).len();
    assert!(num_flood <= 20 * 10, "{num_flood} units came of a flood");
    let said = stderr(&output);
    let num_lines = said
        .lines()
        .filter(|line| line.starts_with("flood from 10.77.66.6 on nic0: "))
        .count();
    assert_eq!(num_lines, 1, "one sender is one line: {said}");
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn broken_datagrams_cost_no_unit_and_stay_to_be_looked_at() {
    let lab = Lab::new();
    let host = &lab.fleets[0];
    host.ip("addr add 10.77.66.6/16 brd + dev eth0");
    let fleet = fleet(host, "eth0", &["--units", "6", "--style", "configured"]);
    let mut listening = Running::start(
        &lab.laptop,
        &["listen", "--seconds", "6", "--interface", "nic0"],
    );
    wait_for_port(&lab.laptop, &mut listening, true).await;
    let socket = host.socket("eth0", 0, false).expect("any port is free");
    let whole = DiscoverReply {
        mac: Some([0x00, 0xe0, 0x86, 0xde, 0xad, 0x01]),
        ip: Claimed::Ip(Ipv4Addr::new(10, 77, 3, 3)),
        ..DiscoverReply::default()
    }
    .emit(0);
    let noise: Vec<u8> = (0_u32..1_400)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    // The largest that UDP carries: a message and then nothing but zeros.
    let mut largest = whole.clone();
    largest.resize(65_507, 0);
    let mut broken: Vec<&[u8]> = (0..whole.len()).map(|len| &whole[..len]).collect();
    broken.extend([&noise[..], &largest[..]]);
    let to = (LAPTOP_IPS[0], PORT_INSTALL);
    for datagram in &broken {
        socket.send_to(datagram, to).expect("the interface is up");
    }
    ask_from_the_known_port(&lab.laptop);
    let output = listening.end().await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let heard: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is a JSON object"))
        .collect();
    let mut num_bytes: Vec<u64> = heard
        .iter()
        .filter(|one| {
            let mac = &one["facts"]["mac"];
            mac.is_null() || mac == "00:e0:86:de:ad:01"
        })
        .filter_map(|one| one["len_bytes"].as_u64())
        .collect();
    num_bytes.sort_unstable();
    assert_eq!(
        num_bytes,
        broken
            .iter()
            .map(|datagram| datagram.len() as u64)
            .collect::<Vec<_>>(),
        "each is shown with its true length"
    );
    let mut macs: Vec<String> = heard
        .iter()
        .filter_map(|one| one["facts"]["mac"].as_str().map(str::to_owned))
        .filter(|mac| mac != "00:e0:86:de:ad:01")
        .collect();
    macs.sort_unstable();
    assert_eq!(macs, fleet.macs());
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn a_sweep_asks_address_by_address_and_its_units_stay_in_the_site() {
    let lab = Lab::new();
    let [host, _] = &lab.fleets;
    host.ip("addr add 10.77.9.9/16 brd + dev eth0");
    let fleet = fleet(host, "eth0", &["--units", "6", "--style", "configured"]);
    let dir = tempfile::tempdir().expect("there is room for a folder");
    let site = dir.path().join("swept.rollcall");
    let site = site.to_str().expect("a temporary path is UTF-8");
    let args = ["sweep", "10.77.9.8/30", "--interface", "nic0"];
    let args = [&args[..], &["--format", "json", "--site", site]].concat();
    let swept = Running::start(&lab.laptop, &args).end().await;
    assert_eq!(swept.status.code(), Some(0), "{}", stderr(&swept));
    let found = units_of(&swept);
    assert_eq!(macs_on(&found, Some("nic0")), fleet.macs());
    for unit in &found {
        assert_eq!(unit["heard_by"], "sweep", "{unit}");
    }
    let args = ["export", "--site", site, "--format", "json"];
    let kept = Running::start(&lab.laptop, &args).end().await;
    assert_eq!(macs_on(&units_of(&kept), None), fleet.macs());

    let nobody = Running::start(&lab.laptop, &["sweep", "10.78.9.8/31"]);
    let nobody = nobody.end().await;
    assert_eq!(nobody.status.code(), Some(1), "no unit is a finding");
}
