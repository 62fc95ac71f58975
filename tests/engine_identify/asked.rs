//! What a person asks for, how far it is, and how it ends.

use std::sync::Arc;

use rollcall::engine::command::{Command, IdentifyRequest};
use rollcall::engine::identify::ProbePorts;
use rollcall::model::appliance::FileFacts;
use rollcall::model::edit::Edit;
use rollcall::model::identity::ApplianceId;
use rollcall::model::probing::{ClueKind, Outcome, Probe};
use rollcall::model::snapshot::Snapshot;
use rollcall::settings::IdentifySettings;

use crate::ber::Recording;
use crate::hall::{
    Hall, Service, Talk, acs8048, identify, is_over, model_at, probes_at, said, start, unit_at,
    unit_ip, without,
};
use crate::running::Running;

const PAGE: &[u8] =
    b"HTTP/1.1 200 OK\r\nServer: Embedded\r\nContent-Length: 27\r\n\r\n<title>Sign in here</title>";

/// All but TLS.
async fn serve_all(hall: &mut Hall, last: u8, recording: &Recording) {
    let ip = unit_ip(last);
    hall.snmp(ip, recording).await;
    hall.tcp(ip, Service::Http, Talk::Answers(PAGE)).await;
    hall.tcp(
        ip,
        Service::Ssh,
        Talk::Greets(b"SSH-2.0-dropbear_2019.78\r\n"),
    )
    .await;
    hall.tcp(ip, Service::Telnet, Talk::Greets(b"Welcome, login: "))
        .await;
    hall.tcp(ip, Service::Other, Talk::Greets(b"")).await;
}

/// Adds a unit as a person knows it.
async fn add(running: &Running, facts: FileFacts) -> ApplianceId {
    let serial = facts.serial.clone();
    let facts = Arc::new(facts);
    running.send(Command::Edit(Edit::Add { facts }));
    let find = |snapshot: &Snapshot| {
        let mut units = snapshot.units.iter();
        units.find_map(|(_, unit)| {
            (unit.serial().map(|best| best.value) == Some(&serial)).then_some(unit.id)
        })
    };
    let snapshot = running
        .until("the unit", |snapshot| find(snapshot).is_some())
        .await;
    find(&snapshot).expect("it was added")
}

#[tokio::test]
async fn a_selected_unit_is_asked_everything_and_others_only_enough() {
    let ip = unit_ip(21);
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    serve_all(&mut hall, 21, &acs8048()).await;
    let mut running = start(&hall, folder.path());
    let id = running.hear(21).await;
    running.send(Command::Identify(IdentifyRequest::Unidentified));
    running
        .notice("the end", said("Asked 1 unit: 1 is known now"))
        .await;
    let snapshot = running.until_known(21).await;
    assert_eq!(
        probes_at(&snapshot, ip),
        [Probe::Neighbors, Probe::Snmp, Probe::Tls]
    );

    running.send(Command::Identify(IdentifyRequest::Unidentified));
    running
        .notice("a word", said("There is nothing to identify"))
        .await;
    running.send(Command::Identify(IdentifyRequest::All));
    running.notice("the end", said("Asked 1 unit")).await;
    assert_eq!(hall.seen().num(ip, Service::Http), 0, "still not");

    running.send(identify(&[id]));
    running.notice("the end", said("Asked 1 unit")).await;
    let all = |snapshot: &Snapshot| probes_at(snapshot, ip) == Probe::ALL;
    let snapshot = running.until("all probes", all).await;
    let probed = unit_at(&snapshot, ip).and_then(|unit| unit.probed.as_deref());
    let probed = probed.expect("answers");
    for (kind, text) in [
        (ClueKind::HttpTitle, "Sign in here"),
        (ClueKind::HttpServer, "Embedded"),
        (ClueKind::SshBanner, "SSH-2.0-dropbear_2019.78"),
        (ClueKind::TelnetBanner, "Welcome, login:"),
        (ClueKind::SystemName, "acs-r12-1"),
    ] {
        assert_eq!(probed.clue(kind), Some(text), "{}", kind.word());
    }
    let outcome = |probe| &probed.answer(probe).expect("an answer").outcome;
    assert_eq!(*outcome(Probe::Tls), Outcome::Closed);
    let ProbePorts { https, others, .. } = hall.ports();
    let ports = probed.answer(Probe::Ports).expect("an answer");
    let has = |kind, port: u16| ports.clues(kind).any(|text| text == port.to_string());
    assert!(has(ClueKind::OpenPort, others[0]) && has(ClueKind::ClosedPort, https));
    let ssh = probed.answer(Probe::Ssh).expect("an answer");
    assert!(ssh.raw.bytes.starts_with(b"SSH-2.0-"), "kept as it came");
    assert_eq!(probed.targets.len(), 48);
    running.close().await;
}

#[tokio::test]
async fn what_runs_is_told_stopped_at_once_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    hall.snmp(unit_ip(22), &acs8048()).await;
    hall.tcp(unit_ip(23), Service::Https, Talk::Stalls).await;
    let mut running = start(&hall, folder.path());
    let (good, stalling) = (running.hear(22).await, running.hear(23).await);
    running.send(identify(&[good, stalling]));
    let is_half_done = |snapshot: &Snapshot| {
        let state = snapshot.identifying.as_ref();
        state.is_some_and(|state| (state.num_units, state.num_done) == (2, 1))
    };
    let snapshot = running.until("one of two", is_half_done).await;
    let state = snapshot.identifying.as_ref().expect("a state");
    assert_eq!(state.num_identified, 1);
    assert_eq!(state.ended, None);
    // One that tried the port, and one that shakes hands and waits.
    let (tried, stalls) = (1, 1);
    hall.until("a stalled handshake", |seen| {
        seen.num(unit_ip(23), Service::Https) == tried + stalls && seen.hung_up == tried
    })
    .await;

    // It holds up nobody, and what is asked for again is asked for once.
    let title = "named meanwhile".to_owned();
    running.send(identify(&[stalling]));
    running.send(Command::Identify(IdentifyRequest::Unidentified));
    running.send(Command::Edit(Edit::Name {
        ids: vec![stalling],
        name: title.clone(),
    }));
    let named = |snapshot: &Snapshot| {
        let unit = unit_at(snapshot, unit_ip(23)).expect("it was heard");
        unit.name().is_some_and(|best| best.value == title)
    };
    let snapshot = running.until("the name", named).await;
    assert!(is_half_done(&snapshot), "{:?}", snapshot.identifying);

    running.send(Command::StopIdentify);
    let snapshot = running.until("the end", is_over).await;
    let state = snapshot.identifying.as_ref().expect("a state");
    assert!(state.was_stopped);
    assert_eq!((state.num_done, state.num_identified), (1, 1));
    assert_eq!(model_at(&snapshot, unit_ip(22)), Some("ACS8048"));
    assert_eq!(probes_at(&snapshot, unit_ip(23)), []);
    hall.until("the end of the connection", |seen| {
        seen.hung_up == tried + stalls
    })
    .await;

    // The next one is as good as the first.
    hall.open_gate();
    running.send(identify(&[stalling]));
    running
        .notice("the end", said("Asked 1 unit: 0 are known now"))
        .await;
    let all = |snapshot: &Snapshot| probes_at(snapshot, unit_ip(23)) == Probe::ALL;
    running.until("all probes", all).await;
    running.close().await;
}

#[tokio::test]
async fn whoever_wants_everything_is_not_put_off_by_what_runs() {
    let ip = unit_ip(24);
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    serve_all(&mut hall, 24, &acs8048()).await;
    hall.tcp(ip, Service::Https, Talk::Stalls).await;
    let mut running = start(&hall, folder.path());
    let id = running.hear(24).await;
    running.send(Command::Identify(IdentifyRequest::All));
    hall.until("a stalled handshake", |seen| {
        seen.num(ip, Service::Https) == 2 && seen.hung_up == 1
    })
    .await;
    running.send(identify(&[id]));
    hall.until("another handshake", |seen| {
        seen.num(ip, Service::Https) == 4 && seen.hung_up == 3
    })
    .await;
    hall.open_gate();
    running
        .notice("the end", said("Asked 1 unit: 1 is known now"))
        .await;
    let snapshot = running.until_known(24).await;
    assert_eq!(probes_at(&snapshot, ip), Probe::ALL);
    running.close().await;
}

#[tokio::test]
async fn a_unit_without_an_address_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    hall.snmp(unit_ip(25), &acs8048()).await;
    let mut running = start(&hall, folder.path());
    running.send(Command::Identify(IdentifyRequest::All));
    running
        .notice("a word", said("There is nothing to identify"))
        .await;
    let lost = FileFacts {
        serial: "0520000001".to_owned(),
        ..FileFacts::default()
    };
    let lost = add(&running, lost).await;
    running.send(identify(&[lost]));
    running
        .notice("a word", said("None of these units has an address to ask"))
        .await;
    assert_eq!(running.handle.snapshot().identifying, None);

    // Typed in, never heard.
    let typed = FileFacts {
        serial: "0520098231".to_owned(),
        ip: Some(unit_ip(25)),
        ..FileFacts::default()
    };
    let typed = add(&running, typed).await;
    running.send(identify(&[lost, typed]));
    running
        .notice("a word", said("1 of these units has no address to ask"))
        .await;
    let snapshot = running.until_known(25).await;
    assert_eq!(model_at(&snapshot, unit_ip(25)), Some("ACS8048"));
    assert_eq!(snapshot.units.len(), 2);
    running.close().await;
}

#[tokio::test]
async fn a_probe_that_is_off_is_not_asked() {
    use Service::{Http, Https, Other, Snmp, Ssh, Telnet};
    let ip = unit_ip(26);
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    serve_all(&mut hall, 26, &acs8048()).await;
    hall.tcp(ip, Https, Talk::Greets(b"")).await;
    let mut running = start(&hall, folder.path());
    let id = running.hear(26).await;
    let mut before = hall.seen();
    // What is off, and which services hear nothing then.
    let cases: [(&[Probe], &[Service]); 6] = [
        (
            &[
                Probe::Tls,
                Probe::Http,
                Probe::Ssh,
                Probe::Telnet,
                Probe::Ports,
            ],
            &[Https, Http, Ssh, Telnet, Other],
        ),
        (&[Probe::Snmp, Probe::Ports], &[Snmp, Other]),
        (&[Probe::Ssh, Probe::Ports], &[Ssh, Other]),
        (&[Probe::Telnet, Probe::Ports], &[Telnet, Other]),
        (
            &[Probe::Tls, Probe::Http, Probe::Ports],
            &[Https, Http, Other],
        ),
        (&[], &[]),
    ];
    for (off, unasked) in cases {
        running.send(Command::SetIdentify(without(off)));
        running.send(identify(&[id]));
        running.notice("the end", said("Asked 1 unit")).await;
        let seen = hall.seen();
        for service in [Snmp, Https, Http, Ssh, Telnet, Other] {
            let num = seen.num(ip, service) - before.num(ip, service);
            let is_unasked = unasked.contains(&service);
            assert_eq!(num == 0, is_unasked, "{service:?} with {off:?} off");
        }
        before = seen;
    }
    running.close().await;
}

#[tokio::test]
async fn communities_are_those_of_the_settings() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut hall = Hall::new();
    hall.agent(
        unit_ip(27),
        &acs8048(),
        "plant-ro",
        std::time::Duration::ZERO,
    )
    .await;
    let mut config = crate::hall::config(
        &hall,
        rollcall::engine::SiteChoice::ThrowAway,
        folder.path(),
    );
    // A wrong community is answered by nobody: this is how long it is waited for.
    config.identify.silence = std::time::Duration::from_millis(800);
    let mut running = crate::running::start_with(config);
    let id = running.hear(27).await;
    running.send(identify(&[id]));
    running
        .notice("the end", said("Asked 1 unit: 0 are known now"))
        .await;
    running.send(Command::SetIdentify(IdentifySettings {
        communities: vec!["public".to_owned(), "plant-ro".to_owned()],
        ..without(&[])
    }));
    running.send(identify(&[id]));
    running
        .notice("the end", said("Asked 1 unit: 1 is known now"))
        .await;
    running.close().await;
}
