//! Captures against `tshark`, `tcpdump` and `dumpcap`: what Rollcall saves is what they saw, and what they saved is
//! replayed as what Rollcall heard.

#![expect(
    clippy::disallowed_methods,
    reason = "`#[tokio::test]` waits for the test's own runtime, and captures are cut in two"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rollcall::engine::command::{CaptureRequest, Command, Notice, SweepRequest};
use rollcall::engine::{EngineConfig, SiteChoice};
use rollcall::model::finding::{Finding, FindingKind};
use rollcall::model::snapshot::Snapshot;
use rollcall::model::status::Status;
use rollcall::model::time::Timestamp;
use rollcall::wire::{Claimed, DiscoverReply, IpRequest, Kind, PORT_INSTALL, discover_request};
use serde_json::Value;

use crate::hall::{HALL_UNITS, Hall, answer};
use crate::lab::{LAPTOP_IPS, NICS};
use crate::running::{Running, start_with};

/// How far apart two programs on one machine may see one datagram.
const APART_MILLIS: f64 = 50.0;

/// What comes over TCP and nowhere else.
const TCP_MAC: &str = "00:e0:86:7c:00:01";

/// A unit behind a router, which only a sweep finds.
const ROUTED_MAC: &str = "00:e0:86:99:01:01";

const SSDP: &[u8] =
    b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n\r\n";

/// A program that captures until it is told to stop.
struct Capturing {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStderr>>,
    file: PathBuf,
}

impl Capturing {
    /// Starts it on the laptop, and waits until it says that it has begun.
    fn start(hall: &Hall, program: &str, args: &[&str], file: PathBuf) -> Self {
        let mut command = hall.lab.laptop.command(program);
        command
            .args(args)
            .arg("-w")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("ip is there");
        let stderr = child.stderr.take().expect("it is piped");
        let mut lines = BufReader::new(stderr).lines();
        let begun = lines.by_ref().map_while(Result::ok).find(|line| {
            // tcpdump says that it listens, dumpcap where it writes to.
            line.contains("istening on") || line.starts_with("File: ")
        });
        assert!(begun.is_some(), "{program} {args:?} does not begin");
        Self { child, lines, file }
    }

    /// Has everything written that it saw, and ends it.
    fn stop(mut self) -> PathBuf {
        let pid = self.child.id().to_string();
        crate::lab::run(Process::new("kill").args(["-INT", &pid]));
        let said: Vec<String> = self.lines.by_ref().map_while(Result::ok).collect();
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{said:?}");
        self.file
    }
}

/// A hall that was heard and captured.
struct Recorded {
    folder: tempfile::TempDir,
    /// What Rollcall had at the end.
    live: Arc<Snapshot>,
    /// Of tcpdump: one file for each interface, and one for all with Linux cooked headers.
    tcpdump: Vec<PathBuf>,
    cooked: PathBuf,
    /// Of dumpcap, both interfaces.
    dumpcap: PathBuf,
    /// Of Rollcall: everything, strangers only, one unit.
    own: PathBuf,
    own_strangers: PathBuf,
    own_unit: PathBuf,
    /// The MAC of that unit.
    unit_mac: String,
    /// A datagram that came in several fragments.
    long: Vec<u8>,
}

impl Recorded {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

async fn record() -> Recorded {
    let hall = Hall::new();
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = |name: &str| folder.path().join(name);
    let tcpdump = ["-U", "--immediate-mode", "-Z", "root", "-i"];
    let mut captures: Vec<Capturing> = NICS
        .iter()
        .map(|nic| {
            let args = [&tcpdump[..], &[nic]].concat();
            Capturing::start(&hall, "tcpdump", &args, path(&format!("{nic}.pcap")))
        })
        .collect();
    let args = [&tcpdump[..], &["any", "-y", "LINUX_SLL2"]].concat();
    captures.push(Capturing::start(&hall, "tcpdump", &args, path("any.pcap")));
    let args = ["-q", "-i", NICS[0], "-i", NICS[1]];
    captures.push(Capturing::start(
        &hall,
        "dumpcap",
        &args,
        path("dumpcap.pcapng"),
    ));

    let far = hall.lab.behind(1);
    let routed = DiscoverReply {
        mac: Some(octets(ROUTED_MAC)),
        ip: Claimed::Ip([10, 99, 1, 2].into()),
        mask: Claimed::Ip([255, 255, 255, 0].into()),
        gateway: Claimed::Ip([10, 99, 1, 1].into()),
        host_name: Some("far".to_owned()),
        ..DiscoverReply::default()
    };
    answer(&far, "eth0", vec![routed]);

    let mut running = hall.watch(SiteChoice::ThrowAway, folder.path()).await;
    running.send(Command::Sweep(SweepRequest {
        ranges: "10.77.9.9 10.99.1.2".to_owned(),
        per_sec: None,
        confirmed: false,
        probe: false,
    }));
    running
        .until("the sweep's end", |snapshot| {
            let sweep = snapshot.sweep.as_ref();
            sweep.is_some_and(|sweep| sweep.ended.is_some())
        })
        .await;
    announce_by_tcp(&hall);
    let by_tcp = |snapshot: &Snapshot| snapshot.units.len() == HALL_UNITS + 2;
    running.until("the unit of TCP", by_tcp).await;
    let long: Vec<u8> = (0..5_000_u32).map(|n| (n * 167 / 3) as u8).collect();
    hall.somebody("s0", "10.77.0.61").says(SSDP);
    hall.somebody("s1", "10.77.0.62").says(&long);
    let technician = hall.somebody("tech", "10.77.0.50");
    technician.says(&discover_request(77));
    let unit_mac = hall.macs()[7].clone();
    let set_ip = IpRequest {
        mac: Some(octets(&unit_mac)),
        ip: Claimed::Ip([10, 20, 4, 200].into()),
        ..IpRequest::default()
    };
    technician.says(&set_ip.emit(Kind::SetIpRequest, 78));
    let num_asked = running.handle.snapshot().search.num_asked;
    running.send(Command::SearchNow);
    running
        .until(
            "three questions on two ports and two networks",
            |snapshot| snapshot.search.pass.is_none() && snapshot.search.num_asked >= num_asked + 3,
        )
        .await;
    running.send(Command::StopSearch);
    let live = calm(&running).await;
    let mut files: Vec<PathBuf> = captures.into_iter().map(Capturing::stop).collect();

    let unit = live
        .units
        .iter()
        .find(|(_, unit)| {
            unit.mac()
                .is_some_and(|mac| mac.value.to_string() == unit_mac)
        })
        .map(|(_, unit)| unit.id);
    let own = path("own.pcapng");
    let own_strangers = path("strangers.pcapng");
    let own_unit = path("unit.pcapng");
    let mut saved = Vec::new();
    for (path, unit, filter) in [
        (&own, None, ""),
        (&own_strangers, None, "kind:\"not aidp\" from:10.77.0.0/26"),
        (&own_unit, unit, ""),
    ] {
        running.send(Command::SaveCapture(Box::new(CaptureRequest {
            path: path.clone(),
            unit,
            filter: filter.to_owned(),
            overwrite: false,
        })));
        let notice = running
            .notice("a capture", |notice| {
                matches!(notice, Notice::CaptureSaved { .. })
            })
            .await;
        if let Notice::CaptureSaved { num_datagrams, .. } = notice {
            saved.push(num_datagrams);
        }
    }
    assert_eq!(saved[0], live.watching.capture.num_datagrams);
    assert_eq!(saved[1], 2, "two strangers said one thing each");
    running.close().await;
    let dumpcap = files.pop().expect("four");
    let cooked = files.pop().expect("three");
    Recorded {
        live,
        tcpdump: files,
        cooked,
        dumpcap,
        own,
        own_strangers,
        own_unit,
        unit_mac,
        long,
        folder,
    }
}

/// Waits until nothing was heard for longer than a finding settles.
async fn calm(running: &Running) -> Arc<Snapshot> {
    let mut snapshots = running.handle.snapshots();
    loop {
        let heard = running.handle.snapshot().watching.capture.num_datagrams;
        let more = snapshots.wait_for(|now| now.watching.capture.num_datagrams != heard);
        if tokio::time::timeout(Duration::from_millis(1_500), more)
            .await
            .is_err()
        {
            return running.handle.snapshot();
        }
    }
}

fn announce_by_tcp(hall: &Hall) {
    let reply = DiscoverReply {
        mac: Some(octets(TCP_MAC)),
        ip: Claimed::Ip([10, 77, 9, 9].into()),
        host_name: Some("by-tcp".to_owned()),
        ..DiscoverReply::default()
    };
    hall.host().inside(|| {
        let mut stream = TcpStream::connect((LAPTOP_IPS[0], PORT_INSTALL)).expect("it listens");
        stream.write_all(&reply.emit(0)).expect("it takes it");
    });
}

fn octets(mac: &str) -> [u8; 6] {
    let octets: Vec<u8> = mac
        .split(':')
        .map(|octet| u8::from_str_radix(octet, 16).expect("two hexadecimal digits"))
        .collect();
    octets.try_into().expect("six of them")
}

/// A datagram as tshark prints it.
#[derive(Clone, Debug)]
struct Packet {
    secs: f64,
    from: String,
    to: String,
    ports: (u16, u16),
    is_tcp: bool,
    payload: String,
    interface: String,
    direction: String,
    comment: String,
}

/// What two programs say the same of: sender, receiver where it is known, ports, payload.
type Key = (String, Option<String>, (u16, u16), bool, String);

impl Packet {
    fn key(&self, knows_receiver: bool) -> Key {
        let to = knows_receiver.then(|| self.to.clone());
        (
            self.from.clone(),
            to,
            self.ports,
            self.is_tcp,
            self.payload.clone(),
        )
    }

    fn is_ours(&self) -> bool {
        LAPTOP_IPS.iter().any(|ip| ip.to_string() == self.from) || self.from.starts_with("fe80")
    }
}

/// What is on the watched ports of a file, by tshark.
fn tshark(file: &Path) -> Vec<Packet> {
    let fields = [
        "frame.time_epoch",
        "ip.src",
        "ip.dst",
        "ipv6.src",
        "ipv6.dst",
        "udp.srcport",
        "udp.dstport",
        "udp.payload",
        "tcp.srcport",
        "tcp.dstport",
        "tcp.payload",
        "frame.interface_name",
        "frame.packet_flags_direction",
        "frame.comment",
    ];
    let mut command = Process::new("tshark");
    command
        .args(["-n", "-T", "fields", "-E", "occurrence=f", "-r"])
        .arg(file)
        .args([
            "-Y",
            // What ICMP quotes was not sent again.
            "!icmp && (udp.port in {3502,3211} || (tcp.port in {3502,3211} && tcp.len > 0))",
        ]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark is there");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(packet)
        .collect()
}

fn packet(line: &str) -> Packet {
    let columns: Vec<&str> = line.split('\t').collect();
    assert_eq!(columns.len(), 14, "{line}");
    let either = |a: usize, b: usize| {
        let text = if columns[a].is_empty() {
            columns[b]
        } else {
            columns[a]
        };
        text.to_owned()
    };
    let port = |a, b| either(a, b).parse().expect("a port");
    Packet {
        secs: columns[0].parse().expect("a time"),
        from: either(1, 3),
        to: either(2, 4),
        ports: (port(5, 8), port(6, 9)),
        is_tcp: columns[5].is_empty(),
        payload: either(7, 10),
        interface: columns[11].to_owned(),
        direction: columns[12].to_owned(),
        comment: columns[13].to_owned(),
    }
}

/// The times of each datagram, in order.
fn by_key<'a>(
    packets: impl Iterator<Item = &'a Packet>,
    knows_receiver: bool,
) -> BTreeMap<Key, Vec<f64>> {
    let mut by_key: BTreeMap<Key, Vec<f64>> = BTreeMap::new();
    for packet in packets {
        let times = by_key.entry(packet.key(knows_receiver)).or_default();
        times.push(packet.secs);
    }
    for times in by_key.values_mut() {
        times.sort_by(f64::total_cmp);
    }
    by_key
}

/// That both have the same datagrams at the same times.
fn check_same(ours: &BTreeMap<Key, Vec<f64>>, theirs: &BTreeMap<Key, Vec<f64>>, which: &str) {
    let keys = |of: &BTreeMap<Key, Vec<f64>>| -> BTreeSet<(Key, usize)> {
        of.iter()
            .map(|(key, times)| (key.clone(), times.len()))
            .collect()
    };
    let (our_keys, their_keys) = (keys(ours), keys(theirs));
    let only_ours: Vec<_> = our_keys.difference(&their_keys).collect();
    let only_theirs: Vec<_> = their_keys.difference(&our_keys).collect();
    assert!(
        only_ours.is_empty() && only_theirs.is_empty(),
        "{which}: only ours {only_ours:#?}, only theirs {only_theirs:#?}"
    );
    for (key, times) in ours {
        for (our, their) in times.iter().zip(&theirs[key]) {
            let apart = (our - their).abs() * 1_000.0;
            assert!(apart <= APART_MILLIS, "{which}: {apart} ms apart: {key:?}");
        }
    }
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn what_rollcall_saves_is_what_tcpdump_and_tshark_see() {
    let recorded = record().await;
    let ours = tshark(&recorded.own);
    let num_datagrams = recorded.live.watching.capture.num_datagrams;
    assert_eq!(
        ours.len() as u64,
        num_datagrams,
        "tshark reads each of them"
    );
    // A unit may announce itself between tcpdump's start and Rollcall's.
    let began = ours.iter().map(|it| it.secs).fold(f64::MAX, f64::min);
    for (nic, file) in NICS.iter().zip(&recorded.tcpdump) {
        let mut theirs = tshark(file);
        theirs.retain(|it| it.secs >= began - APART_MILLIS / 1_000.0);
        let on_nic = |packet: &&Packet| packet.interface == *nic;
        let sent = by_key(
            ours.iter()
                .filter(on_nic)
                .filter(|it| it.direction == "0x00000002"),
            false,
        );
        assert!(!sent.is_empty(), "{nic} was asked");
        let their_sent = by_key(theirs.iter().filter(|it| it.is_ours()), false);
        // The link-local sender is the kernel's to choose.
        let v4 = |of: BTreeMap<Key, Vec<f64>>| -> BTreeMap<Key, Vec<f64>> {
            of.into_iter()
                .filter(|(key, _)| !key.0.contains(':'))
                .collect()
        };
        check_same(&v4(sent), &v4(their_sent), &format!("sent on {nic}"));
        let v6 = |packets: &[Packet]| -> Vec<(String, u16, String)> {
            let mut all: Vec<_> = packets
                .iter()
                .filter(|it| it.to.starts_with("ff02::ffff") || it.to == "ff02::ffff")
                .map(|it| (it.to.clone(), it.ports.1, it.payload.clone()))
                .collect();
            all.sort_unstable();
            all
        };
        let our_v6: Vec<Packet> = ours.iter().filter(on_nic).cloned().collect();
        assert_eq!(v6(&our_v6), v6(&theirs), "sent by IPv6 on {nic}");
        assert!(!v6(&theirs).is_empty(), "units are asked by IPv6 too");

        // What is heard by nobody on the laptop is none of ours: answers to another's port.
        let asked_from: BTreeSet<u16> = theirs
            .iter()
            .filter(|it| it.is_ours())
            .map(|it| it.ports.0)
            .chain([3502, 3211])
            .collect();
        let came_in = |it: &&Packet| !it.is_ours() && asked_from.contains(&it.ports.1);
        let heard = by_key(
            ours.iter()
                .filter(on_nic)
                .filter(|it| it.direction == "0x00000001"),
            false,
        );
        check_same(
            &heard,
            &by_key(theirs.iter().filter(came_in), false),
            &format!("heard on {nic}"),
        );
    }

    let of = |from: &str| {
        ours.iter()
            .find(|it| it.from == from)
            .expect("it was heard")
    };
    assert_eq!(of("10.77.0.61").comment, "Rollcall: not AIDP, not-aidp");
    assert_eq!(of("10.77.0.62").payload.len(), 2 * recorded.long.len());
    let set_ip = format!(
        "Rollcall: set-IP request, of another searcher, means {}",
        recorded.unit_mac
    );
    assert!(ours.iter().any(|it| it.comment == set_ip), "{set_ip}");
    assert!(
        ours.iter()
            .any(|it| it.is_tcp && it.comment.contains(TCP_MAC))
    );
    assert!(ours.iter().all(|it| it.comment.starts_with("Rollcall: ")));

    let strangers = tshark(&recorded.own_strangers);
    let from: BTreeSet<&str> = strangers.iter().map(|it| it.from.as_str()).collect();
    assert_eq!(from, BTreeSet::from(["10.77.0.61", "10.77.0.62"]));
    let unit = tshark(&recorded.own_unit);
    let mac = recorded.unit_mac.replace(':', "");
    let named = |it: &&Packet| it.payload.contains(&mac);
    assert_eq!(
        unit.iter().filter(named).count(),
        ours.iter().filter(named).count(),
        "everything that names the unit"
    );
    assert!(
        unit.len() >= 8 && unit.iter().all(|it| named(&it)),
        "{unit:#?}"
    );
}

/// What is known of a unit, and when it was heard first and last.
#[derive(Clone, Debug, PartialEq)]
struct Facts {
    name: Option<String>,
    /// Address, mask and gateway, in words.
    places: [String; 3],
    heard_by: String,
    /// Interfaces; empty where the file does not name them.
    heard_on: Vec<String>,
}

/// The units by MAC, with the times when they were heard first and last.
fn facts(snapshot: &Snapshot, has_names: bool) -> BTreeMap<String, (Facts, [i64; 2])> {
    let facts = snapshot.units.iter().map(|(_, unit)| {
        let mac = unit.mac().expect("every unit of the lab has a MAC");
        let heard = unit.heard.as_ref().expect("all of them were heard");
        let on = heard.presence.iter().map(|one| one.interface.to_string());
        let facts = Facts {
            name: heard.name.value().cloned(),
            places: [&heard.ip, &heard.mask, &heard.gateway]
                .map(|fact| format!("{:?}", fact.value())),
            heard_by: unit.heard_by().expect("it was heard").to_owned(),
            heard_on: if has_names { on.collect() } else { Vec::new() },
        };
        let times = [heard.first, heard.last].map(Timestamp::as_millis);
        (mac.value.to_string(), (facts, times))
    });
    facts.collect()
}

/// That the units of a replay are those of the live site, which `is_meant` of it.
fn check_same_units(
    live: &Snapshot,
    replayed: &Snapshot,
    has_names: bool,
    is_meant: impl Fn(&str) -> bool,
    which: &str,
) {
    let began = live.totals.listening_since.as_millis();
    let (mut live, mut replayed) = (facts(live, has_names), facts(replayed, has_names));
    live.retain(|mac, _| is_meant(mac));
    replayed.retain(|mac, _| is_meant(mac));
    let of = |units: &BTreeMap<String, (Facts, [i64; 2])>| -> BTreeMap<String, Facts> {
        let facts = units.iter();
        facts
            .map(|(mac, (facts, _))| (mac.clone(), facts.clone()))
            .collect()
    };
    assert_eq!(of(&live), of(&replayed), "{which}");
    for (mac, (_, times)) in &live {
        for (live, replayed) in times.iter().zip(replayed[mac].1) {
            // It announced itself between the other program's start and Rollcall's.
            if replayed < began {
                continue;
            }
            let apart = (live - replayed).abs() as f64;
            assert!(apart <= APART_MILLIS, "{which}: {mac} is {apart} ms apart");
        }
    }
}

/// How each unit stands.
fn statuses(snapshot: &Snapshot) -> BTreeMap<String, Status> {
    let statuses = snapshot.units.iter().map(|(_, unit)| {
        let mac = unit.mac().expect("every unit of the lab has a MAC");
        (mac.value.to_string(), snapshot.context.status(unit))
    });
    statuses.collect()
}

/// A capture as the engine replays it, to its end.
async fn replay(recorded: &Recorded, file: &Path) -> Arc<Snapshot> {
    let site = SiteChoice::Replay(file.to_owned());
    let config = EngineConfig::new(site, recorded.folder.path().to_owned());
    let running = start_with(config);
    let snapshot = running
        .until("the end of the capture", |snapshot| {
            let replay = snapshot.watching.replay.as_ref();
            replay.is_some_and(|replay| replay.is_there && replay.num_packets > 0)
        })
        .await;
    running.close().await;
    snapshot
}

/// Kind, subject, what and count of each finding, sorted.
fn findings(snapshot: &Snapshot) -> Vec<(FindingKind, String, String, u64, &'static str)> {
    let findings = snapshot.watching.findings.iter().map(|found| {
        (
            found.key.kind,
            found.key.subject.clone(),
            found.what.clone(),
            found.count,
            found.state.word(),
        )
    });
    let mut findings: Vec<_> = findings.collect();
    findings.sort_unstable();
    findings
}

fn cli(args: &[&str], file: &Path) -> Output {
    Process::new(env!("CARGO_BIN_EXE_rollcall-cli"))
        .arg("replay")
        .arg(file)
        .args(args)
        .output()
        .expect("it runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn macs_in(output: &Output) -> BTreeSet<String> {
    let inventory: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let units = inventory["units"].as_array().expect("a list of units");
    units
        .iter()
        .map(|unit| unit["mac"].as_str().expect("a MAC").to_owned())
        .collect()
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn captures_of_tcpdump_dumpcap_and_rollcall_are_replayed_as_what_was_heard() {
    let recorded = record().await;
    let live = &recorded.live;
    let live_findings = findings(live);
    let kinds: Vec<FindingKind> = live_findings.iter().map(|found| found.0).collect();
    assert_eq!(
        kinds,
        [
            FindingKind::ForeignSetIp,
            FindingKind::Stranger,
            FindingKind::Stranger,
            FindingKind::Routed,
            FindingKind::OtherSearcher
        ]
    );

    let own = replay(&recorded, &recorded.own).await;
    check_same_units(live, &own, true, |_| true, "Rollcall's own");
    assert_eq!(statuses(&own), statuses(live));
    assert_eq!(findings(&own), live_findings);
    for found in own.watching.findings.iter() {
        let before = finding_of(live, &found.key.subject);
        assert_eq!(found.first, before.first, "{found:?}");
        assert_eq!(found.samples, before.samples, "{found:?}");
    }

    let cooked = replay(&recorded, &recorded.cooked).await;
    check_same_units(live, &cooked, false, |_| true, "tcpdump, Linux cooked");
    let kinds_of = |snapshot: &Snapshot| -> Vec<(FindingKind, u64)> {
        let findings = findings(snapshot);
        let kinds = findings.iter().map(|found| (found.0, found.3));
        // The networks of whoever captured are only in Rollcall's own files.
        kinds
            .filter(|(kind, _)| *kind != FindingKind::Routed)
            .collect()
    };
    assert_eq!(kinds_of(&cooked), kinds_of(live), "the direction is in it");

    // Which computer captured is not in these files: the laptop is somebody who asks, and its sweep is a search.
    let is_near = |mac: &str| mac != ROUTED_MAC;
    let dumpcap = replay(&recorded, &recorded.dumpcap).await;
    check_same_units(live, &dumpcap, true, is_near, "dumpcap");
    assert_eq!(facts(&dumpcap, true)[ROUTED_MAC].0.heard_by, "reply");
    let ethernet = replay(&recorded, &recorded.tcpdump[0]).await;
    check_same_units(live, &ethernet, false, is_near, "tcpdump, Ethernet");
    let others = |snapshot: &Snapshot| -> Vec<_> {
        let mut findings = findings(snapshot);
        let laptops = LAPTOP_IPS.map(|ip| format!("{ip} on "));
        findings.retain(|found| {
            let is_own = laptops.iter().any(|laptop| found.1.starts_with(laptop));
            !is_own && !found.1.starts_with("fe80") && found.0 != FindingKind::Routed
        });
        findings
    };
    assert_eq!(others(&dumpcap), others(live), "the rest is the same");

    let unit = replay(&recorded, &recorded.own_unit).await;
    assert_eq!(unit.units.len(), 1);
    let strangers = replay(&recorded, &recorded.own_strangers).await;
    assert_eq!(
        findings(&strangers),
        live_findings[1..3],
        "also at the very end of a capture"
    );

    let expected: BTreeSet<String> = facts(live, false).into_keys().collect();
    let mut files = recorded.tcpdump[..1].to_vec();
    files.extend([&recorded.cooked, &recorded.dumpcap, &recorded.own].map(Clone::clone));
    for file in &files {
        let output = cli(&["--format", "json"], file);
        // There are open findings.
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let mut found = macs_in(&output);
        // It is on the other interface.
        if *file == recorded.tcpdump[0] {
            assert!(found.insert(ROUTED_MAC.to_owned()));
        }
        assert_eq!(found, expected, "{}", file.display());
    }
    let output = cli(&["--findings"], &recorded.own);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let lines = String::from_utf8_lossy(&output.stdout).lines().count();
    assert_eq!(lines, live_findings.len());
    let output = cli(&["--format", "json"], &recorded.own_unit);
    assert_eq!(
        output.status.code(),
        Some(1),
        "it was told to take an address"
    );
    assert_eq!(
        macs_in(&output),
        BTreeSet::from([recorded.unit_mac.clone()])
    );
}

fn finding_of(snapshot: &Snapshot, subject: &str) -> Arc<Finding> {
    let findings = &snapshot.watching.findings;
    let found = findings.iter().find(|found| found.key.subject == subject);
    Arc::clone(found.unwrap_or_else(|| panic!("there is nothing about {subject}")))
}

#[tokio::test]
#[ignore = "needs root and network namespaces: sudo -E cargo test --test lab -- --ignored --test-threads=1"]
async fn what_is_no_capture_is_refused_and_a_cut_one_is_replayed_as_far_as_it_goes() {
    let recorded = record().await;
    let text = recorded.path("notes.pcap");
    std::fs::write(&text, "Rack 7 is behind the pillar\n").expect("there is room");
    let output = cli(&["--format", "json"], &text);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("ot a capture file"),
        "{}",
        stderr(&output)
    );
    assert!(output.stdout.is_empty());

    for file in [
        &recorded.tcpdump[0],
        &recorded.cooked,
        &recorded.dumpcap,
        &recorded.own,
    ] {
        let mut bytes = std::fs::read(file).expect("it was written");
        // In the middle of the last packet.
        bytes.truncate(end_of_packets(&bytes) - 45);
        let cut = recorded.path("cut.pcapng");
        std::fs::write(&cut, &bytes).expect("there is room");
        let whole = cli(&["--format", "json"], file);
        let output = cli(&["--format", "json"], &cut);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{}: {said}", file.display());
        assert_eq!(
            macs_in(&output),
            macs_in(&whole),
            "what came before is there"
        );
        let num_packets = num_packets(file);
        let place = format!("acket {num_packets} at byte ");
        assert!(said.contains(&place), "{}: {place}: {said}", file.display());
    }
}

/// Where the last packet of a file ends: dumpcap writes statistics behind it.
fn end_of_packets(bytes: &[u8]) -> usize {
    const SECTION: &[u8] = b"\x0a\x0d\x0d\x0a";
    const PACKET: [u8; 4] = 6_u32.to_le_bytes();
    let mut end = bytes.len();
    while bytes.starts_with(SECTION) {
        // Every block ends with its length.
        let len = bytes[end - 4..end].try_into().expect("four bytes");
        let begin = end - u32::from_le_bytes(len) as usize;
        if bytes[begin..begin + 4] == PACKET {
            break;
        }
        end = begin;
    }
    end
}

/// How many packets tshark counts.
fn num_packets(file: &Path) -> usize {
    let mut command = Process::new("tshark");
    command.arg("-n").arg("-r").arg(file);
    let output = command.output().expect("tshark is there");
    String::from_utf8_lossy(&output.stdout).lines().count()
}
