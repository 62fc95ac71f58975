//! Identification on a real cable, against programs that were not written here, beside nmap.

#![expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what is measured, and nothing else is waited for"
)]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

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
    let _daemons = Daemons::start(host);
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
    let _daemons = Daemons::start(host);
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
                    most_open.fetch_max(num_open(), Ordering::Relaxed);
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
                .filter(|line| {
                    // The state: 06 is a connection that is over and only remembered.
                    line.split_whitespace().nth(3) != Some("06")
                })
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
    let _daemons = Daemons::start(host);

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

    // So that the addresses are as unknown to this computer as they were to nmap.
    lab.laptop.ip("neigh flush dev nic0");
    let began = Instant::now();
    let sweep = lab
        .laptop
        .rollcall()
        .args(["sweep", "10.77.1.0/24", "--format", "json"])
        .output()
        .expect("it runs");
    let took = began.elapsed();
    let found = String::from_utf8_lossy(&sweep.stdout);
    let inventory: Value = serde_json::from_str(&found).expect("JSON");
    let ours: BTreeSet<String> = inventory["units"]
        .as_array()
        .expect("a list of units")
        .iter()
        .map(|unit| unit["ip"].as_str().unwrap_or_default().to_owned())
        .collect();
    measured(&format!(
        "sweep of a /24 with 250 live units: {:.1} s for all of AIDP, ports, neighbors, SNMP, TLS; nmap -sn {:.1} s, with -p {:.1} s",
        took.as_secs_f64(),
        took_sn.as_secs_f64(),
        took_nmap.as_secs_f64()
    ));
    assert_eq!(nmap_up.len(), 250, "nmap sees the lab");
    assert!(
        nmap_up.is_subset(&ours),
        "not found: {:?}",
        nmap_up.difference(&ours)
    );
    assert!(nmap_open.is_subset(&ours));
    assert!(took < took_nmap, "{took:?}, and nmap took {took_nmap:?}");
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
