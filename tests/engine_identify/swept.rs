//! Sweeps that probe: units that do not answer the discovery protocol are found, and nothing else becomes a unit.

use std::net::Ipv4Addr;

use rollcall::engine::SiteChoice;
use rollcall::engine::command::{Command, SweepRequest};
use rollcall::model::sighting::Source;
use rollcall::model::snapshot::{Snapshot, SweepEnd};
use rollcall::wire;
use tokio::net::UdpSocket;

use crate::ber::Recording;
use crate::hall::{Hall, Service, Talk, acs8048, config, is_over, model_at, unit_at, unit_ip};
use crate::running::{Running, reply, start_with};

const PAGE: &[u8] =
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 22\r\n\r\n<title>A wiki</title>\r\n";

/// The unit that answers the discovery protocol.
const ANSWERS: u8 = 35;

fn sweep(probe: bool) -> Command {
    Command::Sweep(SweepRequest {
        ranges: "127.0.0.32/28".to_owned(),
        per_sec: None,
        confirmed: false,
        probe,
    })
}

/// An engine, and a unit that answers its questions; the task ends with the test.
async fn start(hall: &Hall, folder: &std::path::Path) -> Running {
    let unit = UdpSocket::bind((unit_ip(ANSWERS), 0)).await;
    let unit = unit.expect("a port on loopback");
    let port = unit.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        let mut buffer = [0; 2048];
        while let Ok((len, from)) = unit.recv_from(&mut buffer).await {
            let decoded = wire::decode(&buffer[..len]).expect("a question");
            let answer = reply(ANSWERS, "con-35").emit(decoded.frame.sequence());
            unit.send_to(&answer, from).await.ok();
        }
    });
    let mut config = config(hall, SiteChoice::ThrowAway, folder);
    config.plane.ports.ask = [port, port];
    let running = start_with(config);
    running
        .until("listening", |snapshot| !snapshot.interfaces.is_empty())
        .await;
    running
}

fn sweep_end(snapshot: &Snapshot) -> Option<&SweepEnd> {
    snapshot.sweep.as_ref()?.ended.as_ref()
}

fn ips(snapshot: &Snapshot) -> Vec<Ipv4Addr> {
    let units = snapshot.units.iter();
    let mut ips: Vec<_> = units.filter_map(|(_, unit)| unit.ip_value()).collect();
    ips.sort_unstable();
    ips
}

#[tokio::test]
async fn a_sweep_finds_units_that_answer_only_probes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    for (last, name) in [(33, "acs6032"), (ANSWERS, "acs8048"), (50, "dsr2035")] {
        hall.snmp(unit_ip(last), &Recording::load(name)).await;
    }
    hall.tcp(unit_ip(34), Service::Http, Talk::Answers(PAGE))
        .await;
    hall.tcp(unit_ip(36), Service::Https, Talk::Stalls).await;
    let running = start(&hall, folder.path()).await;
    running.send(sweep(true));
    // Who answered is asked while others are still being waited for.
    let is_known = |snapshot: &Snapshot| model_at(snapshot, unit_ip(ANSWERS)).is_some();
    let snapshot = running.until("the first model", is_known).await;
    assert_eq!(sweep_end(&snapshot), None);
    let num_asked_early = hall.seen().num_of(unit_ip(33));
    assert_eq!(num_asked_early, 0, "it has not answered yet");

    // The rest, after the one that answered.
    let nearly = |snapshot: &Snapshot| {
        let state = snapshot.identifying.as_ref();
        state.is_some_and(|state| (state.num_units, state.num_done) == (13, 12))
    };
    let snapshot = running.until("all but one", nearly).await;
    assert_eq!(sweep_end(&snapshot), None, "its probes are part of it");
    let is_new = |snapshot: &Snapshot| model_at(snapshot, unit_ip(33)).is_some();
    assert!(is_new(&snapshot));
    hall.open_gate();
    let snapshot = running
        .until("the end", |snapshot| sweep_end(snapshot).is_some())
        .await;
    assert_eq!(sweep_end(&snapshot), Some(&SweepEnd::Done));
    assert!(is_over(&snapshot), "the probes are over before the sweep");

    assert_eq!(ips(&snapshot), [unit_ip(33), unit_ip(ANSWERS)]);
    let found = unit_at(&snapshot, unit_ip(33)).expect("the unit");
    assert_eq!(found.name().map(|best| best.value), Some("acs6k-lab"));
    assert_eq!(found.heard_by(), Some(Source::Snmp.word()));
    let others: Vec<_> = snapshot
        .others
        .iter()
        .map(|other| other.probed.ip)
        .collect();
    let expected: Vec<_> = (33..47)
        .filter(|last| ![33, ANSWERS].contains(last))
        .map(unit_ip)
        .collect();
    assert_eq!(others, expected, "in the order of addresses");
    let wiki = snapshot
        .others
        .iter()
        .find(|other| other.probed.ip == unit_ip(34));
    let wiki = wiki.expect("it is listed");
    assert_eq!(wiki.what, "A wiki · nginx");
    assert!(!wiki.identified.is_ours);
    assert_eq!(hall.seen().num_of(unit_ip(50)), 0, "in no swept range");
    running.close().await;
}

#[tokio::test]
async fn a_sweep_without_probes_probes_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    for last in [33, ANSWERS] {
        hall.snmp(unit_ip(last), &acs8048()).await;
    }
    let running = start(&hall, folder.path()).await;
    running.send(sweep(false));
    let snapshot = running
        .until("the end", |snapshot| sweep_end(snapshot).is_some())
        .await;
    assert_eq!(ips(&snapshot), [unit_ip(ANSWERS)]);
    assert_eq!(snapshot.identifying, None);
    assert!(snapshot.others.is_empty());
    let seen = hall.seen();
    assert_eq!(
        (32..48)
            .map(|last| seen.num_of(unit_ip(last)))
            .sum::<usize>(),
        0
    );
    running.close().await;
}

#[tokio::test]
async fn stopping_a_sweep_ends_its_probes_as_well() {
    let ip = unit_ip(ANSWERS);
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    hall.tcp(ip, Service::Https, Talk::Stalls).await;
    hall.snmp(unit_ip(33), &acs8048()).await;
    let running = start(&hall, folder.path()).await;
    running.send(sweep(true));
    hall.until("a stalled handshake", |seen| {
        seen.num(ip, Service::Https) == 2 && seen.hung_up == 1
    })
    .await;
    running.send(Command::StopSweep);
    let snapshot = running
        .until("the end", |snapshot| sweep_end(snapshot).is_some())
        .await;
    assert_eq!(sweep_end(&snapshot), Some(&SweepEnd::Canceled));
    assert!(is_over(&snapshot));
    hall.until("the end of the connection", |seen| seen.hung_up == 2)
        .await;
    assert_eq!(ips(&snapshot), [ip], "what was heard stays");
    assert_eq!(hall.seen().num_of(unit_ip(33)), 0, "nobody else is asked");

    // A selection is asked on while a sweep is stopped.
    hall.open_gate();
    let id = unit_at(&snapshot, ip).expect("the unit").id;
    running.send(crate::hall::identify(&[id]));
    let is_asked = |snapshot: &Snapshot| {
        let unit = unit_at(snapshot, ip);
        is_over(snapshot) && unit.is_some_and(|unit| unit.probed.is_some())
    };
    running.until("the answers", is_asked).await;
    running.close().await;
}

#[tokio::test]
async fn stopping_the_probes_lets_the_sweep_come_to_its_end() {
    let ip = unit_ip(ANSWERS);
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    hall.tcp(ip, Service::Https, Talk::Stalls).await;
    hall.snmp(unit_ip(33), &acs8048()).await;
    let running = start(&hall, folder.path()).await;
    running.send(sweep(true));
    hall.until("a stalled handshake", |seen| {
        seen.num(ip, Service::Https) == 2 && seen.hung_up == 1
    })
    .await;
    running.send(Command::StopIdentify);
    let snapshot = running
        .until("the end", |snapshot| sweep_end(snapshot).is_some())
        .await;
    assert_eq!(sweep_end(&snapshot), Some(&SweepEnd::Done));
    let state = snapshot.identifying.as_ref().expect("a state");
    assert!(state.was_stopped);
    assert_eq!(hall.seen().num_of(unit_ip(33)), 0, "nobody else is asked");
    running.close().await;
}
