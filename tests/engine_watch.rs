//! What is watched of a site: found, judged, captured, kept with the site, and taken up again.

#![expect(clippy::disallowed_methods, reason = "a test waits for its own future")]

use std::path::Path;

use rollcall::capture::CaptureReader;
use rollcall::engine::command::{CaptureRequest, Command, FindingVerdict, Notice, StudyRequest};
use rollcall::engine::{EngineConfig, SiteChoice};
use rollcall::model::finding::{FindingKind, FindingState, ManagementNetwork};
use rollcall::model::sighting::Source;
use rollcall::model::snapshot::Snapshot;
use rollcall::model::traffic::DatagramKind;
use rollcall::wire::{IpRequest, Kind};
use running::{Running, config, reply, start, start_with};
use tokio::net::UdpSocket;

#[path = "support/running.rs"]
mod running;

/// The port that stands for 3502.
async fn port_of(running: &Running) -> u16 {
    let install = |snapshot: &Snapshot| {
        let interface = snapshot.interfaces.first()?;
        let socket = interface
            .sockets
            .iter()
            .find(|socket| socket.role == "install")?;
        socket.bound.is_ok().then_some(socket.port)
    };
    let snapshot = running
        .until("listening", |snapshot| install(snapshot).is_some())
        .await;
    install(&snapshot).expect("waited for")
}

async fn send(running: &Running, bytes: &[u8]) {
    let port = port_of(running).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    socket
        .send_to(bytes, ("127.0.0.1", port))
        .await
        .expect("it is sent");
}

fn set_ip(last: u8) -> Vec<u8> {
    IpRequest {
        mac: Some([0, 0xe0, 0x86, 0, 0, last]),
        ..IpRequest::default()
    }
    .emit(Kind::SetIpRequest, 5)
}

fn kinds(snapshot: &Snapshot) -> Vec<FindingKind> {
    let findings = snapshot.watching.findings.iter();
    findings.map(|finding| finding.key.kind).collect()
}

fn file(folder: &Path) -> SiteChoice {
    SiteChoice::File(folder.join("site.rollcall"))
}

#[tokio::test]
async fn findings_networks_and_the_capture_stay_with_the_site() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = start(file(folder.path()), folder.path(), true);
    running.announce(&reply(7, "acs-7")).await;
    send(&running, &set_ip(7)).await;
    let found = running
        .until("a finding", |snapshot| snapshot.watching.num_open == 1)
        .await;
    assert_eq!(kinds(&found), [FindingKind::ForeignSetIp]);
    let finding = &found.watching.findings[0];
    running.send(Command::JudgeFinding {
        key: finding.key.clone(),
        verdict: FindingVerdict::Accept {
            note: "the second shift".to_owned(),
        },
    });
    let network = ManagementNetwork {
        cidr: "127.0.0.0/8".to_owned(),
        vlan: String::new(),
    };
    running.send(Command::SetManagement(vec![network.clone()]));
    running
        .until("it is taken", |snapshot| {
            snapshot.watching.num_open == 0 && !snapshot.watching.management.is_empty()
        })
        .await;
    running.close().await;

    let mut running = start(file(folder.path()), folder.path(), false);
    let again = running
        .until("the site", |snapshot| {
            !snapshot.watching.findings.is_empty()
        })
        .await;
    assert_eq!(*again.watching.management, [network]);
    let kept = &again.watching.findings[0];
    assert!(
        matches!(&kept.state, FindingState::Accepted { note, .. } if note == "the second shift"),
        "{kept:?}"
    );
    assert_eq!(kept.samples, finding.samples);
    assert_eq!(again.watching.capture.num_datagrams, 2);

    // What was captured before is saved into a file now.
    let path = folder.path().join("out.pcapng");
    let request = CaptureRequest {
        path: path.clone(),
        unit: None,
        filter: "kind:set-ip".to_owned(),
        overwrite: false,
    };
    running.send(Command::SaveCapture(Box::new(request.clone())));
    let saved = running
        .notice("the capture", |notice| {
            matches!(notice, Notice::CaptureSaved { .. })
        })
        .await;
    assert!(
        matches!(
            saved,
            Notice::CaptureSaved {
                num_datagrams: 1,
                ..
            }
        ),
        "{saved:?}"
    );
    let bytes = std::fs::read(&path).expect("it is there");
    let mut reader = CaptureReader::new(&bytes[..])
        .expect("a capture")
        .watching(0..=u16::MAX);
    let datagram = reader.next().expect("whole").expect("one");
    assert_eq!(&*datagram.raw.bytes, &set_ip(7)[..]);
    assert!(
        datagram.comment.starts_with("Rollcall: set-IP request"),
        "{}",
        datagram.comment
    );

    // A file that is in the way is left alone until somebody says yes.
    running.send(Command::SaveCapture(Box::new(request)));
    running
        .notice("the question", |notice| {
            matches!(notice, Notice::CaptureWouldReplace(_))
        })
        .await;
    running.close().await;
}

#[tokio::test]
async fn a_unit_is_studied_and_its_study_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut running = start(SiteChoice::ThrowAway, folder.path(), true);
    running.announce(&reply(7, "acs-7")).await;
    running.announce(&reply(8, "acs-8")).await;
    let heard = running
        .until("two units", |snapshot| snapshot.units.len() == 2)
        .await;
    let unit = heard.units.iter().next().expect("two").1;
    running.send(Command::Study(unit.id));
    let studied = running
        .notice("the study", |notice| matches!(notice, Notice::Studied(_)))
        .await;
    let Notice::Studied(study) = studied else {
        unreachable!("waited for");
    };
    assert_eq!(study.datagrams.len(), 1, "the other unit's is not in it");
    assert!(study.datagrams[0].is_unasked);
    let path = folder.path().join("study.zip");
    running.send(Command::SaveStudy(Box::new(StudyRequest {
        study,
        path: path.clone(),
        mask: true,
        overwrite: false,
    })));
    running
        .notice("the file", |notice| {
            matches!(notice, Notice::StudySaved { .. })
        })
        .await;
    let bytes = std::fs::read(&path).expect("it is there");
    assert!(bytes.starts_with(b"PK"), "a zip");
    let name = unit.name().expect("named").value.as_bytes();
    assert!(
        !bytes.windows(name.len()).any(|window| window == name),
        "its name is masked"
    );
    running.close().await;
}

#[tokio::test]
async fn a_taught_decoder_makes_units_of_what_is_not_aidp() {
    let folder = tempfile::tempdir().expect("a folder");
    let decoders = folder.path().join("decoders");
    std::fs::create_dir(&decoders).expect("made");
    std::fs::write(
        decoders.join("beacon.toml"),
        "[[decoder]]\nname = \"PDU beacon\"\nmatch = [{ offset = 0, bytes = \"50 44 55 42\" }]\n\
         field = [\n{ fact = \"mac\", offset = 4 },\n{ fact = \"ip\", offset = 10 },\n\
         { fact = \"serial\", offset = 14, length = 4, as = \"text\" },\n]\n",
    )
    .expect("written");
    std::fs::write(decoders.join("bad.toml"), "[[decoder]]\nname = 7\n").expect("written");
    let config = EngineConfig {
        decoders_dir: Some(decoders),
        ..config(file(folder.path()), folder.path(), true)
    };
    let mut running = start_with(config);
    running
        .notice("the bad file", |notice| {
            matches!(notice, Notice::Said(saying)
                if saying.text.as_deref().is_some_and(|text| text.contains("bad.toml:2")))
        })
        .await;
    let mut beacon = b"PDUB".to_vec();
    beacon.extend([0, 0x60, 0x2e, 1, 2, 3, 127, 0, 0, 44]);
    beacon.extend(b"0042");
    send(&running, &beacon).await;
    let heard = running
        .until("the unit", |snapshot| snapshot.units.len() == 1)
        .await;
    let check = |snapshot: &Snapshot| {
        let unit = snapshot.units.iter().next().expect("one").1;
        let mac = unit.mac().expect("known");
        assert_eq!(
            (mac.value.to_string(), mac.source),
            ("00:60:2e:01:02:03".to_owned(), Source::Taught)
        );
        let serial = unit.serial().expect("known");
        assert_eq!((serial.value, serial.source), ("0042", Source::Taught));
        assert_eq!(unit.taught_by().collect::<Vec<_>>(), ["PDU beacon"]);
    };
    check(&heard);
    assert_eq!(
        heard.watching.recent.last().map(|seen| seen.kind),
        Some(DatagramKind::Taught)
    );
    assert_eq!(heard.watching.decoders.names, ["PDU beacon"]);
    assert_eq!(
        heard.watching.findings.len(),
        0,
        "what was taught is no stranger"
    );
    running.close().await;

    let running = start(file(folder.path()), folder.path(), false);
    let again = running
        .until("the site", |snapshot| snapshot.units.len() == 1)
        .await;
    check(&again);
    running.close().await;
}

#[tokio::test]
async fn what_is_not_captured_is_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = EngineConfig {
        capture: false,
        ..config(SiteChoice::ThrowAway, folder.path(), true)
    };
    let running = start_with(config);
    running.announce(&reply(7, "acs-7")).await;
    let off = running
        .until("the unit", |snapshot| snapshot.units.len() == 1)
        .await;
    assert!(!off.watching.capture.is_on);
    assert_eq!(off.watching.capture.num_datagrams, 0);
    assert_eq!(off.watching.recent.len(), 1, "the list goes on");
    running.send(Command::SetCapture(true));
    running.announce(&reply(8, "acs-8")).await;
    running
        .until("one datagram", |snapshot| {
            snapshot.watching.capture.is_on && snapshot.watching.capture.num_datagrams == 1
        })
        .await;
    running.close().await;
}
