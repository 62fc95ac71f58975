//! Who does not belong into a hall, in the lab: each becomes the right finding once, within two seconds, and no other
//! finding appears.

#![expect(
    clippy::disallowed_methods,
    reason = "`#[tokio::test]` waits for the test's own runtime, and a listener of TCP is laid out"
)]

use std::net::{Ipv4Addr, TcpListener};
use std::process::Output;
use std::time::Duration;

use rollcall::engine::SiteChoice;
use rollcall::engine::command::{Command, ExposeRequest, FindingVerdict, SweepRequest};
use rollcall::model::finding::{FindingKey, FindingKind, FindingState, ManagementNetwork};
use rollcall::model::snapshot::Snapshot;
use rollcall::wire::{Claimed, DiscoverReply, IpRequest, Kind, discover_request};
use serde_json::Value;
use tokio::time::Instant;

use crate::hall::{HALL_UNITS, Hall, answer, become_findings, finding, open_kinds, stay_findings};
use crate::lab::Host;

const SSDP: &[u8] =
    b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n\
MX: 2\r\nST: ssdp:all\r\n\r\n";

const DNS: &[u8] = b"\x4a\x11\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03com\x00\
\x00\x01\x00\x01";

/// Bytes without an order, the same ones at every call.
fn noise(len: u32, seed: u32) -> Vec<u8> {
    (seed..seed + len)
        .map(|n| {
            let mixed = (n ^ (n >> 15)).wrapping_mul(0x2c1b_3c6d);
            ((mixed ^ (mixed >> 12)).wrapping_mul(0x297a_2d39) >> 24) as u8
        })
        .collect()
}

fn mac_of(unit: &Value) -> [u8; 6] {
    let text = unit["mac"].as_str().expect("a unit has a MAC");
    let octets: Vec<u8> = text
        .split(':')
        .map(|octet| u8::from_str_radix(octet, 16).expect("two hexadecimal digits"))
        .collect();
    octets.try_into().expect("six of them")
}

fn ip_of(unit: &Value) -> Ipv4Addr {
    let text = unit["ip"]
        .as_str()
        .expect("a configured unit has an address");
    text.parse().expect("IPv4")
}

fn text_of(unit: &Value, key: &str) -> String {
    unit[key].as_str().expect("it is a text").to_owned()
}

/// What a unit of the fleet says of itself.
fn reply_of(unit: &Value) -> DiscoverReply {
    let number = unit["model_number"].as_u64().expect("a number");
    DiscoverReply {
        model_number: Some(number as u16),
        mac: Some(mac_of(unit)),
        ip: Claimed::Ip(ip_of(unit)),
        mask: Claimed::Ip(text_of(unit, "mask").parse().expect("IPv4")),
        gateway: Claimed::Ip(text_of(unit, "gateway").parse().expect("IPv4")),
        host_name: unit["name"].as_str().map(str::to_owned),
        modes: None,
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is room for a folder")
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn an_ordinary_hall_is_no_finding() {
    let hall = Hall::new();
    let folder = folder();
    let running = hall.watch(SiteChoice::ThrowAway, folder.path()).await;
    stay_findings(&running, &[]).await;
    stay_findings(&running, &[]).await;
    let snapshot = running.handle.snapshot();
    assert_eq!(snapshot.units.len(), HALL_UNITS);
    assert!(
        snapshot.search.num_asked >= 6,
        "it was searched more than once"
    );
    running.close().await;
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn a_second_workstation_that_asks_or_sets_is_named() {
    let hall = Hall::new();
    let folder = folder();
    let running = hall.watch(SiteChoice::ThrowAway, folder.path()).await;
    let unit = &hall.configured()[3];
    let mac = text_of(unit, "mac");

    let technician = hall.somebody("tech", "10.77.0.50");
    let since = technician.says(&discover_request(77));
    let asks = (FindingKind::OtherSearcher, "10.77.0.50 on nic0");
    let snapshot = become_findings(&running, since, &[asks]).await;
    let found = finding(&snapshot, FindingKind::OtherSearcher);
    assert_eq!(found.sender, Some([10, 77, 0, 50].into()));

    let attacker = hall.somebody("attack", "10.77.0.51");
    let request = IpRequest {
        mac: Some(mac_of(unit)),
        ip: Claimed::Ip([10, 20, 4, 200].into()),
        mask: Claimed::Ip([255, 255, 255, 0].into()),
        ..IpRequest::default()
    };
    let since = attacker.says(&request.emit(Kind::SetIpRequest, 9));
    let subject = format!("10.77.0.51 on nic0 for {mac}");
    let sets = (FindingKind::ForeignSetIp, subject.as_str());
    let snapshot = become_findings(&running, since, &[asks, sets]).await;
    let found = finding(&snapshot, FindingKind::ForeignSetIp);
    assert_eq!(found.sender, Some([10, 77, 0, 51].into()));
    assert_eq!(found.mac.map(|mac| mac.to_string()), Some(mac));
    assert!(found.what.contains("10.20.4.200"), "{}", found.what);
    assert_eq!(found.count, 1);

    // The same again is the same finding.
    attacker.says(&request.emit(Kind::SetIpRequest, 10));
    technician.says(&discover_request(78));
    stay_findings(&running, &[asks, sets]).await;
    let snapshot = running.handle.snapshot();
    assert_eq!(finding(&snapshot, FindingKind::ForeignSetIp).count, 2);
    assert_eq!(finding(&snapshot, FindingKind::OtherSearcher).count, 2);
    running.close().await;
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn a_spoofer_is_found_by_what_it_says() {
    let hall = Hall::new();
    let folder = folder();
    let running = hall.watch(SiteChoice::ThrowAway, folder.path()).await;

    // Answers in the name of a unit, which is asked soon after.
    let unit = &hall.configured()[5];
    let mac = text_of(unit, "mac");
    let spoofer = hall.somebody("spoof", "10.77.0.66");
    let elsewhere = DiscoverReply {
        ip: Claimed::Ip([10, 20, 4, 250].into()),
        ..reply_of(unit)
    };
    let since = spoofer.says(&elsewhere.emit(0));
    running.send(Command::SearchNow);
    let two_ips = (FindingKind::TwoIps, mac.as_str());
    let snapshot = become_findings(&running, since, &[two_ips]).await;
    let found = finding(&snapshot, FindingKind::TwoIps);
    let said = found.details.join("\n");
    assert!(said.contains("10.20.4.250"), "{said}");

    // Has another unit's address for its own.
    let other = &hall.configured()[8];
    let taker = hall.somebody("take", "10.77.0.67");
    let own = DiscoverReply {
        mac: Some([0x00, 0xe0, 0x86, 0xba, 0xdb, 0xad]),
        host_name: Some("fra2-taker".to_owned()),
        ..reply_of(other)
    };
    let since = taker.says(&own.emit(0));
    let ip = ip_of(other).to_string();
    let two_macs = (FindingKind::TwoMacs, ip.as_str());
    let snapshot = become_findings(&running, since, &[two_ips, two_macs]).await;
    let said = finding(&snapshot, FindingKind::TwoMacs).what.clone();
    assert!(
        said.contains("00:e0:86:ba:db:ad") && said.contains(&text_of(other, "mac")),
        "{said}"
    );
    stay_findings(&running, &[two_ips, two_macs]).await;

    // Answers in the name of a third unit, with another name.
    let third = &hall.configured()[11];
    let mac = text_of(third, "mac");
    let named = DiscoverReply {
        host_name: Some("not-me".to_owned()),
        ..reply_of(third)
    };
    let since = spoofer.says(&named.emit(0));
    running.send(Command::SearchNow);
    let contradiction = (FindingKind::Contradiction, mac.as_str());
    let all = [two_ips, two_macs, contradiction];
    become_findings(&running, since, &all).await;
    stay_findings(&running, &all).await;
    running.close().await;
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn strangers_on_the_port_are_one_finding_each() {
    let hall = Hall::new();
    let folder = folder();
    let running = hall.watch(SiteChoice::ThrowAway, folder.path()).await;
    let random = noise(180, 7);
    let strangers = [
        ("s0", "10.77.0.61", SSDP, "SSDP, a search for UPnP"),
        ("s1", "10.77.0.62", &random[..], "random or encrypted bytes"),
        ("s2", "10.77.0.63", DNS, "DNS"),
    ];
    let subjects = strangers.map(|(_, ip, ..)| format!("{ip} on nic0"));
    let mut wanted = Vec::new();
    for ((name, ip, bytes, looks), subject) in strangers.into_iter().zip(&subjects) {
        let stranger = hall.somebody(name, ip);
        let since = stranger.says(bytes);
        wanted.push((FindingKind::Stranger, subject.as_str()));
        let snapshot = become_findings(&running, since, &wanted).await;
        let findings = &snapshot.watching.findings;
        let found = findings.iter().find(|found| found.key.subject == *subject);
        let found = found.expect("it became one");
        assert!(found.what.contains(looks), "{}", found.what);
        assert_eq!(*found.samples[0].raw.bytes, *bytes, "its bytes are kept");
        stranger.says(bytes);
        stranger.says(bytes);
    }
    stay_findings(&running, &wanted).await;
    running.close().await;
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn units_behind_a_router_are_routed_and_exposed() {
    let hall = Hall::new();
    let folder = folder();
    let far = [1, 2].map(|nth| hall.lab.behind(nth));
    let unit = |nth: u8, last: u8| DiscoverReply {
        model_number: Some(3),
        mac: Some([0x00, 0xe0, 0x86, 0x99, nth, last]),
        ip: Claimed::Ip([10, 99, nth, 2].into()),
        mask: Claimed::Ip([255, 255, 255, 0].into()),
        gateway: Claimed::Ip([10, 99, nth, 1].into()),
        host_name: Some(format!("far{nth}-{last}")),
        modes: None,
    };
    answer(&far[0], "eth0", vec![unit(1, 1)]);
    answer(&far[1], "eth0", vec![unit(2, 1)]);
    let listen = |host: &Host, port: u16| {
        host.inside(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))
            .expect("the port is free")
    };
    let _held = [
        listen(&far[0], 3502),
        listen(&far[1], 3502),
        listen(&far[1], 3211),
    ];
    let running = hall.watch(SiteChoice::ThrowAway, folder.path()).await;

    let since = Instant::now();
    running.send(Command::Sweep(SweepRequest {
        ranges: "10.99.1.2 10.99.2.2".to_owned(),
        per_sec: None,
        confirmed: false,
        probe: false,
    }));
    let routed = ["00:e0:86:99:01:01", "00:e0:86:99:02:01"].map(|mac| (FindingKind::Routed, mac));
    become_findings(&running, since, &routed).await;
    let is_over = |snapshot: &Snapshot| {
        snapshot
            .sweep
            .as_ref()
            .is_some_and(|sweep| sweep.ended.is_some())
    };
    running.until("the sweep's end", is_over).await;
    stay_findings(&running, &routed).await;

    running.send(Command::Expose(ExposeRequest {
        ranges: "10.99.1.0/30 10.99.2.0/30".to_owned(),
        confirmed: false,
    }));
    let snapshot = running
        .until("the check's end", |snapshot| {
            let expose = snapshot.watching.expose.as_ref();
            expose.is_some_and(|expose| expose.ended.is_some())
        })
        .await;
    let exposed = ["10.99.1.2", "10.99.2.2"].map(|ip| (FindingKind::Exposed, ip));
    let all = [&routed[..], &exposed[..]].concat();
    assert_eq!(open_kinds(&snapshot), crate::hall::kinds(&all));
    let found = |ip: &str| {
        let findings = &snapshot.watching.findings;
        let found = findings.iter().find(|found| found.key.subject == ip);
        found.expect("it is one").what.clone()
    };
    assert_eq!(
        found("10.99.1.2"),
        "10.99.1.2 answers on UDP 3502, TCP 3502"
    );
    assert_eq!(
        found("10.99.2.2"),
        "10.99.2.2 answers on UDP 3502, TCP 3502, TCP 3211"
    );
    stay_findings(&running, &all).await;
    running.close().await;
}

/// A flood of 20,000 datagrams a second for 3 s, by somebody in the hall: one finding that says how fast, and the hall
/// is heard.
async fn check_flood(bytes: impl Fn(u32) -> Vec<u8> + Send + 'static) {
    const PER_MILLI: u32 = 20;
    const MILLIS: u32 = 3_000;
    let hall = Hall::new();
    let folder = folder();
    let running = hall.watch(SiteChoice::ThrowAway, folder.path()).await;
    let flooder = hall.somebody("flood", "10.77.66.6");
    let since = Instant::now();
    let flooding = tokio::spawn(flooder.floods(PER_MILLI, MILLIS, bytes));
    let flood = [(FindingKind::Flood, "10.77.66.6 on nic0")];
    become_findings(&running, since, &flood).await;
    let num_sent = flooding.await.expect("it does not panic");
    let secs = since.elapsed().as_secs_f64();
    assert!(num_sent > 50_000, "only {num_sent} datagrams make no flood");
    stay_findings(&running, &flood).await;
    let snapshot = running.handle.snapshot();
    let found = finding(&snapshot, FindingKind::Flood);
    let peak = found.details.iter().find_map(|line| {
        let words = line.strip_prefix("Peak: ")?;
        words
            .split(' ')
            .next()?
            .replace(',', "")
            .parse::<f64>()
            .ok()
    });
    let peak = peak.expect("it says how fast");
    let rate = f64::from(num_sent) / secs;
    assert!(
        peak >= rate * 0.5 && peak <= rate * 3.0,
        "{peak} of {rate} a second"
    );
    assert_eq!(found.sender, Some([10, 77, 66, 6].into()));
    let macs: Vec<String> = snapshot
        .units
        .iter()
        .filter_map(|(_, unit)| Some(unit.mac()?.value.to_string()))
        .collect();
    for mac in hall.macs() {
        assert!(macs.contains(&mac), "{mac} is gone");
    }
    running.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn a_flood_of_changing_macs_is_one_finding() {
    check_flood(|nth| {
        let [_, a, b, c] = nth.to_be_bytes();
        let reply = DiscoverReply {
            mac: Some([0x00, 0xe0, 0x86, a, b, c]),
            ip: Claimed::Ip(Ipv4Addr::new(10, 77, b, c)),
            ..DiscoverReply::default()
        };
        reply.emit(0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn a_flood_of_random_bytes_is_one_finding() {
    let random = noise(4_096, 99);
    check_flood(move |nth| {
        let begin = (nth % 3_900) as usize;
        random[begin..begin + 120].to_vec()
    })
    .await;
}

fn cidr(cidr: &str) -> ManagementNetwork {
    ManagementNetwork {
        cidr: cidr.to_owned(),
        vlan: String::new(),
    }
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn units_off_the_management_networks_are_gone_when_these_are_extended() {
    let hall = Hall::new();
    let folder = folder();
    let running = hall.watch(SiteChoice::ThrowAway, folder.path()).await;
    stay_findings(&running, &[]).await;
    running.send(Command::SetManagement(vec![cidr("10.78.0.0/16")]));
    running.send(Command::SearchNow);
    let since = Instant::now();
    let subjects: Vec<String> = hall
        .macs()
        .iter()
        .map(|mac| format!("{mac} on nic0"))
        .collect();
    let off: Vec<(FindingKind, &str)> = subjects
        .iter()
        .map(|subject| (FindingKind::OffManagement, subject.as_str()))
        .collect();
    become_findings(&running, since, &off).await;
    stay_findings(&running, &off).await;

    running.send(Command::SetManagement(vec![
        cidr("10.78.0.0/16"),
        cidr("10.77.0.0/16"),
    ]));
    let since = Instant::now();
    let snapshot = running
        .until("nothing that is open", |snapshot| {
            snapshot.watching.num_open == 0
        })
        .await;
    let took = since.elapsed();
    assert!(took <= Duration::from_millis(500), "at once, not {took:?}");
    let findings = &snapshot.watching.findings;
    assert_eq!(findings.len(), HALL_UNITS);
    assert!(
        findings
            .iter()
            .all(|found| matches!(found.state, FindingState::Gone { .. })),
        "{findings:#?}"
    );
    running.close().await;
}

/// The command line on the laptop, while somebody says something again and again.
async fn cli(hall: &Hall, args: &[&str], mut meanwhile: impl FnMut()) -> Output {
    let mut command = hall.lab.laptop.rollcall();
    command.args(args);
    let running = tokio::task::spawn_blocking(move || command.output());
    tokio::pin!(running);
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            done = &mut running => {
                return done.expect("waiting does not panic").expect("it runs and ends");
            }
            _ = ticks.tick() => meanwhile(),
        }
    }
}

fn lines_of(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is a JSON object"))
        .collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn the_command_line_says_by_its_exit_code_whether_there_is_a_finding() {
    let hall = Hall::new();
    let stranger = hall.somebody("s0", "10.77.0.61");
    let watch = ["watch", "--seconds", "3", "--format", "json"];
    let output = cli(&hall, &watch, || ()).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(lines_of(&output), Vec::<Value>::new());

    let output = cli(&hall, &watch, || {
        stranger.says(SSDP);
    })
    .await;
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let lines = lines_of(&output);
    let [line] = &lines[..] else {
        panic!("one stranger is one finding: {lines:#?}");
    };
    assert_eq!(line["kind"], "stranger");
    assert_eq!(line["state"], "open");
    assert_eq!(line["sender"], "10.77.0.61");
    assert_eq!(line["interface"], "nic0");
    let hex = line["samples"][0]["hex"].as_str().expect("its bytes");
    assert!(
        hex.replace(' ', "").starts_with("4d2d534541524348"),
        "{hex}"
    );

    let unit = DiscoverReply {
        mac: Some([0x00, 0xe0, 0x86, 0x99, 0x01, 0x01]),
        ip: Claimed::Ip([10, 99, 1, 2].into()),
        ..DiscoverReply::default()
    };
    let far = hall.lab.behind(1);
    answer(&far, "eth0", vec![unit]);
    let expose = |range| ["expose", range, "--format", "json"];
    let output = cli(&hall, &expose("10.99.1.2/32"), || ()).await;
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(
        lines_of(&output),
        [serde_json::json!({
            "address": "10.99.1.2",
            "udp_3502": true,
            "udp_3211": false,
            "tcp_3502": "refused",
            "tcp_3211": "refused",
            "is_routed": true,
        })]
    );
    // The router itself refuses, which opens nothing.
    let output = cli(&hall, &expose("10.99.1.1/32"), || ()).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(lines_of(&output), Vec::<Value>::new());
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn what_was_watched_is_there_after_reopening() {
    let hall = Hall::new();
    let folder = folder();
    let site = SiteChoice::File(folder.path().join("hall b.rollcall"));
    let running = hall.watch(site.clone(), folder.path()).await;
    let list = vec![cidr("10.77.0.0/16"), cidr("10.78.0.0/16")];
    running.send(Command::SetManagement(list.clone()));
    let stranger = hall.somebody("s0", "10.77.0.61");
    let since = stranger.says(SSDP);
    let stranger = (FindingKind::Stranger, "10.77.0.61 on nic0");
    become_findings(&running, since, &[stranger]).await;
    let technician = hall.somebody("tech", "10.77.0.50");
    let since = technician.says(&discover_request(77));
    let asks = (FindingKind::OtherSearcher, "10.77.0.50 on nic0");
    become_findings(&running, since, &[stranger, asks]).await;
    running.send(Command::JudgeFinding {
        key: FindingKey {
            kind: asks.0,
            subject: asks.1.to_owned(),
        },
        verdict: FindingVerdict::Accept {
            note: "Maria, until Friday".to_owned(),
        },
    });
    running.send(Command::StopSearch);
    let before = running
        .until("one that is accepted", |snapshot| {
            snapshot.watching.num_open == 1
        })
        .await;
    running.close().await;

    let running = hall.engine(rollcall::engine::EngineConfig::new(
        SiteChoice::ReadOnly(folder.path().join("hall b.rollcall")),
        folder.path().to_owned(),
    ));
    let after = running
        .until("the findings", |snapshot| {
            !snapshot.watching.findings.is_empty()
        })
        .await;
    assert_eq!(*after.watching.management, list);
    assert_eq!(after.watching.findings, before.watching.findings);
    let accepted = finding(&after, FindingKind::OtherSearcher);
    assert!(
        matches!(&accepted.state, FindingState::Accepted { note, .. } if note == "Maria, until Friday"),
        "{accepted:?}"
    );
    let ring = &after.watching.capture;
    assert!(
        ring.num_datagrams >= before.watching.capture.num_datagrams,
        "{ring:?} of {:?}",
        before.watching.capture
    );
    assert_eq!(ring.oldest, before.watching.capture.oldest);
    running.close().await;
}
