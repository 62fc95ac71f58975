//! Identification on a real cable, against programs that were not written here, beside nmap.

#![expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what is measured, and nothing else is waited for"
)]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rollcall::engine::command::{Command, SweepRequest};
use rollcall::engine::{Engine, EngineConfig, SiteChoice};
use rollcall::model::snapshot::Snapshot;
use serde_json::Value;

use crate::daemons::Daemons;
use crate::lab::{Host, Lab};

/// What is tried of every unit, for nmap as for us.
const PORTS: &str = "22,23,80,443,1078,2068,3211,3502,3871,7001,8191,8192";

/// Says a figure on the real standard error, which the test harness does not keep to itself.
fn measured(words: &str) {
    writeln!(std::io::stderr(), "measured: {words}").expect("standard error is open");
}

fn output(host: &Host, program: &str, args: &[&str]) -> Output {
    let output = host
        .command(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("ip is there, the lab needed it before");
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is a JSON object"))
        .collect()
}

/// Every unit of the lab is one host here: without this the kernel would answer for closed ports as slowly as one does.
fn answer_for_many(host: &Host) {
    for setting in [
        "net.ipv4.icmp_ratelimit=0",
        "net.ipv4.icmp_msgs_per_sec=100000",
    ] {
        output(host, "sysctl", &["-q", "-w", setting]);
    }
}

/// Gives a host the addresses 10.77.1.1 to 10.77.1.250.
fn add_ips(host: &Host) {
    for last in 1..=250 {
        host.ip(&format!("addr add 10.77.1.{last}/16 dev eth0"));
    }
}

#[test]
#[ignore = "needs root, network namespaces, snmpd, sshd and nginx: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
fn a_unit_that_answers_everything_is_known_within_a_second() {
    let lab = Lab::new();
    let [host, _] = &lab.fleets;
    host.ip("addr add 10.77.1.1/16 dev eth0");
    let _daemons = Daemons::start(host, Some("0520011634"));
    let began = Instant::now();
    let found = lab
        .laptop
        .rollcall()
        .args(["identify", "10.77.1.1"])
        .output();
    let took = began.elapsed();
    let found = found.expect("it runs");
    let [unit] = &lines(&found)[..] else {
        panic!("{found:?}");
    };
    assert_eq!(unit["product"]["model"], "ACS8048", "{unit:#}");
    assert_eq!(unit["confidence"], "certain");
    for answer in unit["answers"].as_array().expect("a list") {
        let is_telnet = answer["probe"] == "telnet";
        assert_eq!(
            answer["outcome"],
            if is_telnet { "closed" } else { "answered" },
            "{answer:#}"
        );
    }
    measured(&format!(
        "one unit that answers everything: {} ms",
        took.as_millis()
    ));
    assert!(took < Duration::from_secs(1), "it took {took:?}");
}

#[test]
#[ignore = "needs root, network namespaces, snmpd, sshd and nginx: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
fn half_of_250_units_are_silent_and_the_others_are_known_in_time() {
    let lab = Lab::new();
    let [host, _] = &lab.fleets;
    // Behind a router that swallows what goes to the silent half.
    host.ip("addr add 10.77.0.1/16 dev eth0");
    lab.laptop.ip("route add 10.99.0.0/16 via 10.77.0.1");
    host.ip("route add blackhole 10.99.2.0/24");
    for last in 1..=125 {
        host.ip(&format!("addr add 10.99.1.{last}/32 dev lo"));
    }
    let _daemons = Daemons::start(host, None);
    let mut ips: Vec<String> = Vec::new();
    for last in 1..=125 {
        ips.push(format!("10.99.1.{last}"));
        ips.push(format!("10.99.2.{last}"));
    }
    let is_over = AtomicBool::new(false);
    let most_open = AtomicUsize::new(0);
    let began = Instant::now();
    let found = std::thread::scope(|scope| {
        scope.spawn(|| {
            lab.laptop.inside(|| {
                while !is_over.load(Ordering::Relaxed) {
                    // The tables are read piece by piece, so that what closes and what opens meanwhile is counted twice.
                    // What is open for real stays so for longer than six readings.
                    let n = std::iter::repeat_with(num_open).take(6).min();
                    let n = n.unwrap_or_default();
                    most_open.fetch_max(n, Ordering::Relaxed);
                }
            });
        });
        let found = lab.laptop.rollcall().arg("identify").args(&ips).output();
        is_over.store(true, Ordering::Relaxed);
        found
    });
    let took = began.elapsed();
    let found = lines(&found.expect("it runs"));
    assert_eq!(found.len(), 250);
    for unit in &found {
        let ip = unit["address"].as_str().expect("a text");
        if ip.starts_with("10.99.1.") {
            assert_eq!(unit["product"]["model"], "ACS8048", "{unit:#}");
        } else {
            assert_eq!(unit["product"], Value::Null, "nobody is there: {unit:#}");
        }
    }
    let most_open = most_open.into_inner();
    measured(&format!(
        "250 units, half of them silent: {:.1} s, at most {most_open} sockets open at once",
        took.as_secs_f64()
    ));
    assert!(took < Duration::from_secs(20), "it took {took:?}");
    assert!(most_open > 0 && most_open <= 64, "{most_open} open at once");
}

/// How many sockets are open on this host and lead somewhere, as the kernel counts them.
fn num_open() -> usize {
    ["tcp", "udp"]
        .iter()
        .filter_map(|protocol| {
            std::fs::read_to_string(format!("/proc/thread-self/net/{protocol}")).ok()
        })
        .map(|table| {
            table
                .lines()
                .skip(1)
                // A connection that no program holds any more has no inode.
                .filter(|line| line.split_whitespace().nth(9) != Some("0"))
                .count()
        })
        .sum()
}

#[test]
#[ignore = "needs root, network namespaces, snmpd, sshd, nginx and nmap: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
fn a_sweep_finds_what_nmap_finds_in_less_time() {
    let lab = Lab::new();
    let [host, _] = &lab.fleets;
    answer_for_many(host);
    add_ips(host);
    let _daemons = Daemons::start(host, None);

    // What else the machine does slows a debug build more than nmap, which mostly waits: one of three runs is enough.
    let is_faster = (0..3).any(|_| is_faster_than_nmap(&lab));
    assert!(is_faster, "nmap was faster in each of three runs");
}

/// Whether a sweep has found what nmap finds in less time; fails when it does not find it.
fn is_faster_than_nmap(lab: &Lab) -> bool {
    // As unknown to this computer as the addresses are to a person who has just plugged it in.
    lab.laptop.ip("neigh flush dev nic0");
    let began = Instant::now();
    let up = output(
        &lab.laptop,
        "nmap",
        &["-sn", "-n", "-oG", "-", "10.77.1.0/24"],
    );
    let took_sn = began.elapsed();
    let nmap_up = grepable(&up, "Status: Up");
    let open = output(
        &lab.laptop,
        "nmap",
        &["-n", "-p", PORTS, "-oG", "-", "10.77.1.0/24"],
    );
    let took_nmap = began.elapsed();
    let nmap_open = grepable(&open, "/open/");

    lab.laptop.ip("neigh flush dev nic0");
    let (took_found, took_sweep) = lab.laptop.inside(|| sweep_until_found(&nmap_up));
    measured(&format!(
        "a /24 with 250 live units: all are in the grid after {:.1} s, and the sweep with its second pass and the probes of \
         each is over after {:.1} s; nmap -sn {:.1} s, then -p {:.1} s, together {:.1} s",
        took_found.as_secs_f64(),
        took_sweep.as_secs_f64(),
        took_sn.as_secs_f64(),
        took_nmap.saturating_sub(took_sn).as_secs_f64(),
        took_nmap.as_secs_f64()
    ));
    assert_eq!(nmap_up.len(), 250, "nmap sees the lab");
    assert!(nmap_open.is_subset(&nmap_up));
    took_found < took_nmap
}

/// Sweeps with an engine on this host. Returns when every one of these addresses was in the grid with its open ports, and
/// when the sweep was over.
fn sweep_until_found(ips: &BTreeSet<String>) -> (Duration, Duration) {
    let mut config = EngineConfig::new(SiteChoice::ThrowAway, PathBuf::new());
    config.plane.live_search = false;
    config.identify.settings.automatic = false;
    let (handle, engine) = Engine::start(config, Arc::new(|| {})).expect("the engine starts");
    let runtime = handle.runtime().clone();
    let took = runtime.block_on(async {
        let mut snapshots = handle.snapshots();
        let listens = |snapshot: &Arc<Snapshot>| {
            let interfaces = snapshot.interfaces.iter();
            interfaces.flat_map(|interface| &interface.sockets).count() >= 6
        };
        snapshots.wait_for(listens).await.expect("the engine runs");
        let began = Instant::now();
        handle
            .send(Command::Sweep(SweepRequest {
                ranges: "10.77.1.0/24".to_owned(),
                per_sec: None,
                confirmed: false,
                probe: true,
            }))
            .expect("it is taken");
        let all_found = |snapshot: &Arc<Snapshot>| {
            let found = snapshot.units.iter();
            let found: BTreeSet<String> = found
                .filter_map(|(_, unit)| unit.heard_ip())
                .map(|ip| ip.to_string())
                .collect();
            ips.is_subset(&found)
        };
        let found = snapshots.wait_for(all_found);
        let found = tokio::time::timeout(Duration::from_mins(1), found)
            .await
            .is_ok();
        if !found {
            let snapshot = handle.snapshot();
            let missing: Vec<_> = snapshot
                .units
                .iter()
                .map(|(_, unit)| unit.heard_ip())
                .collect();
            panic!(
                "not all are found: {:?} {:?} {:?} others {}",
                missing,
                snapshot.sweep,
                snapshot.identifying,
                snapshot.others.len()
            );
        }
        let took_found = began.elapsed();
        let is_over = |snapshot: &Arc<Snapshot>| {
            let sweep = snapshot.sweep.as_ref();
            sweep.is_some_and(|sweep| sweep.ended.is_some())
        };
        snapshots.wait_for(is_over).await.expect("the engine runs");
        (took_found, began.elapsed())
    });
    assert!(engine.close(Duration::from_secs(10)), "it ends");
    took
}

/// The addresses of the lines that say so.
fn grepable(output: &Output, says: &str) -> BTreeSet<String> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| line.contains(says))
        .filter_map(|line| line.split_whitespace().nth(1))
        .map(str::to_owned)
        .collect()
}
