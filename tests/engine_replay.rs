//! A capture as a read-only site: read, moved along, compared, closed again.

#![expect(clippy::disallowed_methods, reason = "a test waits for its own future")]

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use rollcall::capture::{CaptureInterface, CaptureWriter, Record, Transport, WriterNote};
use rollcall::engine::SiteChoice;
use rollcall::engine::command::{
    CaptureRequest, Command, ExposeRequest, IdentifyRequest, Notice, ReplayMove, SweepRequest,
};
use rollcall::model::edit::Edit;
use rollcall::model::finding::{FindingKind, ManagementNetwork};
use rollcall::model::snapshot::Snapshot;
use rollcall::model::time::Timestamp;
use rollcall::model::traffic::{DatagramKind, Direction};
use rollcall::model::watching::{DifferenceKind, ReplayState};
use rollcall::wire::{IpRequest, Kind, discover_request};
use running::{reply, start};

#[path = "support/running.rs"]
mod running;

/// 2026-11-22 14:00:00 UTC.
const FIRST: Timestamp = Timestamp::from_millis(1_795_356_000_000);

fn at(secs: u64) -> Timestamp {
    FIRST.plus_millis(secs * 1_000)
}

/// A capture: a unit at 0 s, another after a minute, a set-IP request of a stranger's after two.
fn write_capture(path: &Path) {
    let eth0 = CaptureInterface {
        name: "eth0".to_owned(),
        ..CaptureInterface::default()
    };
    let mut writer =
        CaptureWriter::new(Vec::new(), &[eth0], &WriterNote::default()).expect("in memory");
    let mut put = |secs, direction, from: &str, bytes: Vec<u8>| {
        writer
            .write(&Record {
                when: at(secs),
                interface_idx: 0,
                direction,
                transport: Transport::Udp,
                from: from.parse().expect("a literal"),
                to: "255.255.255.255:3502".parse().expect("a literal"),
                payload: bytes.into(),
                comment: String::new(),
            })
            .expect("in memory");
    };
    put(
        0,
        Direction::Heard,
        "127.0.0.7:3502",
        reply(7, "acs-7").emit(0),
    );
    put(
        30,
        Direction::Sent,
        "127.0.0.1:40000",
        discover_request(9).to_vec(),
    );
    put(
        31,
        Direction::Heard,
        "127.0.0.7:3502",
        reply(7, "acs-7").emit(9),
    );
    put(
        60,
        Direction::Heard,
        "127.0.0.8:3502",
        reply(8, "acs-8").emit(0),
    );
    let request = IpRequest {
        mac: Some([0, 0xe0, 0x86, 0, 0, 8]),
        ..IpRequest::default()
    };
    put(
        120,
        Direction::Heard,
        "127.0.0.66:50000",
        request.emit(Kind::SetIpRequest, 1),
    );
    put(
        180,
        Direction::Heard,
        "127.0.0.8:3502",
        reply(8, "acs-8").emit(0),
    );
    let bytes = writer.finish().expect("in memory");
    std::fs::write(path, bytes).expect("a file in a folder of the test's own");
}

fn replay_of(snapshot: &Snapshot) -> Option<&ReplayState> {
    snapshot.watching.replay.as_deref()
}

fn is_at(secs: u64) -> impl Fn(&Snapshot) -> bool {
    move |snapshot| {
        replay_of(snapshot).is_some_and(|replay| replay.is_there && replay.at == at(secs))
    }
}

fn names(snapshot: &Snapshot) -> Vec<String> {
    let name = |unit: &rollcall::model::appliance::Appliance| {
        unit.name()
            .map(|best| best.value.to_owned())
            .unwrap_or_default()
    };
    snapshot.units.iter().map(|(_, unit)| name(unit)).collect()
}

fn capture_in(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("hall.pcapng");
    write_capture(&path);
    path
}

#[tokio::test]
async fn a_capture_is_a_site_that_can_be_moved_along() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = capture_in(&folder);
    let running = start(SiteChoice::Replay(path), folder.path(), false);

    let end = running.until("everything is shown", is_at(180)).await;
    let replay = replay_of(&end).expect("there");
    assert_eq!(
        (replay.num_datagrams, replay.num_packets, replay.span),
        (6, 6, Some((FIRST, at(180))))
    );
    assert_eq!(replay.histogram.iter().sum::<u32>(), 6);
    assert_eq!(names(&end), ["acs-7", "acs-8"]);
    let findings = &end.watching.findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].key.kind, FindingKind::ForeignSetIp);
    assert_eq!((findings[0].first, findings[0].count), (at(120), 1));
    assert_eq!(end.watching.recent.len(), 6);
    assert!(end.site.read_only.is_some(), "it is never written to");
    assert!(end.interfaces.is_empty(), "it listens to nothing");

    // Back: who was heard at that time, and nobody else.
    running.send(Command::Replay(ReplayMove::To(at(45))));
    let early = running.until("45 s", is_at(45)).await;
    assert_eq!(names(&early), ["acs-7"]);
    assert_eq!(early.watching.findings.len(), 0, "nothing had happened yet");
    assert!(
        early.units_revision > end.units_revision,
        "everything changed"
    );
    let unit = early.units.iter().next().expect("one").1;
    let heard = unit.heard.as_ref().expect("heard");
    assert_eq!((heard.first, heard.last), (FIRST, at(31)));
    assert_eq!(
        heard.last_source.word(),
        "reply",
        "it was asked a second before"
    );

    // Forwards again, to between two datagrams.
    running.send(Command::Replay(ReplayMove::To(at(100))));
    let later = running.until("100 s", is_at(100)).await;
    assert_eq!(names(&later), ["acs-7", "acs-8"]);

    // By itself: an hour in a second is over at once.
    running.send(Command::Replay(ReplayMove::Play { speed: 3_600 }));
    let over = running
        .until("its end", |snapshot| {
            is_at(180)(snapshot)
                && replay_of(snapshot).is_some_and(|replay| replay.playing.is_none())
        })
        .await;
    assert_eq!(over.watching.findings.len(), 1);
    running.close().await;
}

#[tokio::test]
async fn a_replay_changes_nothing_and_leads_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = capture_in(&folder);
    let site = folder.path().join("site.rollcall");
    let mut running = start(SiteChoice::File(site.clone()), folder.path(), true);
    running.announce(&reply(7, "acs-7-renamed")).await;
    running
        .until("the unit of the site", |snapshot| snapshot.units.len() == 1)
        .await;

    running.send(Command::OpenReplay(path));
    let end = running.until("everything is shown", is_at(180)).await;
    let ids: Vec<_> = end.units.iter().map(|(_, unit)| unit.id).collect();
    let ranges = "127.0.0.0/30".to_owned();
    for command in [
        Command::SearchNow,
        Command::Sweep(SweepRequest {
            ranges: ranges.clone(),
            per_sec: None,
            confirmed: true,
            probe: false,
        }),
        Command::Identify(IdentifyRequest::All),
        Command::AskTcp(vec![Ipv4Addr::new(127, 0, 0, 7)]),
        Command::Edit(Edit::Forget { ids }),
        Command::Undo,
        Command::Redo,
        Command::Import(site.clone()),
        Command::Expose(ExposeRequest {
            ranges,
            confirmed: true,
        }),
        Command::SetV3User(None),
        Command::SaveSiteAs {
            path: folder.path().join("other.rollcall"),
            overwrite: false,
        },
    ] {
        let what = format!("why {command:?} is refused");
        running.send(command);
        running
            .notice(&what, |notice| {
                matches!(notice, Notice::Said(saying)
                    if saying.title == "A replay asks nobody and changes nothing"
                        && saying.hint.is_some())
            })
            .await;
    }
    assert!(!folder.path().join("other.rollcall").exists());
    let compared = running
        .until("the comparison", |snapshot| {
            replay_of(snapshot).is_some_and(|replay| replay.compared.is_some())
        })
        .await;
    assert_eq!(names(&compared), ["acs-7", "acs-8"], "nobody was forgotten");
    let replay = replay_of(&compared).expect("there");
    let comparison = replay.compared.as_ref().expect("there");
    let kinds: Vec<_> = comparison.lines.iter().map(|line| line.kind).collect();
    assert_eq!(comparison.site, "site");
    assert!(
        kinds.contains(&DifferenceKind::OnlyInReplay),
        "{comparison:?}"
    );
    assert!(kinds.contains(&DifferenceKind::Differs), "{comparison:?}");

    // One unit's datagrams out of the capture.
    let unit = compared.units.iter().nth(1).expect("two").1.id;
    let out = folder.path().join("unit.pcapng");
    running.send(Command::SaveCapture(Box::new(CaptureRequest {
        path: out.clone(),
        unit: Some(unit),
        filter: String::new(),
        overwrite: false,
    })));
    let saved = running
        .notice("the capture", |notice| {
            matches!(notice, Notice::CaptureSaved { .. })
        })
        .await;
    let Notice::CaptureSaved { num_datagrams, .. } = saved else {
        unreachable!("waited for");
    };
    assert_eq!(
        num_datagrams, 3,
        "two announcements, and the request that names it"
    );

    running.send(Command::CloseReplay);
    let back = running
        .until("the site", |snapshot| {
            snapshot.watching.replay.is_none() && snapshot.site.path.as_ref() == Some(&site)
        })
        .await;
    assert_eq!(names(&back), ["acs-7-renamed"]);
    running.close().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_what_came_before_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = capture_in(&folder);
    let whole = std::fs::read(&path).expect("there");
    let cut = folder.path().join("cut.pcapng");
    std::fs::write(&cut, &whole[..whole.len() - 30]).expect("written");
    let running = start(SiteChoice::Replay(cut), folder.path(), false);
    let read = running
        .until("what is there", |snapshot| {
            replay_of(snapshot).is_some_and(|replay| replay.is_there)
        })
        .await;
    let trouble = replay_of(&read).and_then(|replay| replay.trouble.clone());
    assert!(
        trouble
            .as_deref()
            .is_some_and(|words| words.contains("acket 6")),
        "{trouble:?}"
    );
    assert_eq!(names(&read), ["acs-7", "acs-8"]);
    running.close().await;

    let text = folder.path().join("notes.pcapng");
    std::fs::write(&text, "no capture at all").expect("written");
    let running = start(SiteChoice::Replay(text), folder.path(), false);
    let refused = running
        .until("why not", |snapshot| {
            replay_of(snapshot).is_some_and(|replay| replay.trouble.is_some())
        })
        .await;
    assert!(refused.units.is_empty());
    running.close().await;
}

/// Captures of programs that are not ours: one exchange, in every shape.
#[tokio::test]
async fn captures_of_other_programs_bring_the_unit_that_they_show() {
    let folder = tempfile::tempdir().expect("a folder");
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/capture");
    for name in [
        "ethernet.pcap",
        "ethernet.pcapng",
        "big_endian.pcap",
        "nanosecond.pcap",
        "cooked_v1.pcap",
        "cooked_v2.pcap",
        "vlan.pcapng",
        "qinq.pcap",
        "raw_ip.pcap",
    ] {
        let running = start(
            SiteChoice::Replay(captures.join(name)),
            folder.path(),
            false,
        );
        let shown = running
            .until(name, |snapshot| {
                replay_of(snapshot).is_some_and(|replay| replay.is_there)
            })
            .await;
        let unit = shown
            .units
            .iter()
            .find(|(_, unit)| {
                unit.mac()
                    .is_some_and(|best| best.value.to_string() == "00:e0:86:12:34:56")
            })
            .unwrap_or_else(|| panic!("{name} shows the unit: {:?}", names(&shown)));
        let ip = unit
            .1
            .ip()
            .and_then(|best| best.value)
            .map(|ip| ip.to_string());
        assert_eq!(ip.as_deref(), Some("10.20.4.17"), "{name}");
        assert_eq!(
            replay_of(&shown).and_then(|replay| replay.trouble.clone()),
            None,
            "{name}"
        );
        running.close().await;
    }
}

#[tokio::test]
async fn a_capture_with_nothing_on_the_ports_is_an_empty_site() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("empty.pcapng");
    let writer = CaptureWriter::new(Vec::new(), &[], &WriterNote::default()).expect("in memory");
    std::fs::write(&path, writer.finish().expect("in memory")).expect("written");
    let running = start(SiteChoice::Replay(path), folder.path(), false);
    let shown = running
        .until("read", |snapshot| {
            replay_of(snapshot).is_some_and(|replay| replay.is_there)
        })
        .await;
    let replay = replay_of(&shown).expect("there");
    assert_eq!((replay.num_datagrams, replay.span), (0, None));
    running.send(Command::Replay(ReplayMove::Play { speed: 10 }));
    running.send(Command::Replay(ReplayMove::To(at(5))));
    running.send(Command::CloseReplay);
    running
        .until("a site", |snapshot| snapshot.watching.replay.is_none())
        .await;
    running.close().await;
}

/// Whether nobody had asked, and whom a datagram was sent to, is known of another program's capture.
#[tokio::test]
async fn a_study_from_another_programs_capture_settles_what_it_shows() {
    let folder = tempfile::tempdir().expect("a folder");
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/capture");
    let site = SiteChoice::Replay(captures.join("ethernet.pcapng"));
    let mut running = start(site, folder.path(), false);
    let shown = running
        .until("the capture", |snapshot| {
            replay_of(snapshot).is_some_and(|replay| replay.is_there)
        })
        .await;
    let (_, unit) = shown
        .units
        .iter()
        .find(|(_, unit)| {
            unit.mac()
                .is_some_and(|best| best.value.to_string() == "00:e0:86:12:34:56")
        })
        .expect("it is shown");
    running.send(Command::Study(unit.id));
    let studied = running
        .notice("the study", |notice| matches!(notice, Notice::Studied(_)))
        .await;
    let Notice::Studied(study) = studied else {
        unreachable!("waited for");
    };
    let unasked: Vec<_> = study
        .datagrams
        .iter()
        .filter(|datagram| datagram.is_unasked)
        .collect();
    assert!(!unasked.is_empty(), "it announces itself first");
    assert!(
        unasked.iter().all(|datagram| datagram.to.is_some()),
        "a capture tells the receiver"
    );
    let asks = study.datagrams.iter().filter(|datagram| {
        rollcall::wire::decode(&datagram.bytes)
            .is_ok_and(|decoded| decoded.frame.kind() == Kind::DiscoverRequest)
    });
    assert!(asks.count() > 0, "the question that it answers is there");

    // The list's filter, over everything: by the kinds that the list shows.
    let path = folder.path().join("announced.pcapng");
    running.send(Command::SaveCapture(Box::new(CaptureRequest {
        path: path.clone(),
        unit: None,
        filter: "kind:announcement".to_owned(),
        overwrite: false,
    })));
    let saved = running
        .notice("the capture", |notice| {
            matches!(notice, Notice::CaptureSaved { .. })
        })
        .await;
    let Notice::CaptureSaved { num_datagrams, .. } = saved else {
        unreachable!("waited for");
    };
    let listed = shown
        .watching
        .recent
        .iter()
        .filter(|seen| seen.kind == DatagramKind::Announcement)
        .count();
    assert!(listed > 0);
    assert_eq!(num_datagrams, listed as u64);
    running.close().await;
}

#[tokio::test]
async fn a_replay_is_judged_by_the_sites_management_networks() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = capture_in(&folder);
    let running = start(
        SiteChoice::File(folder.path().join("site.rollcall")),
        folder.path(),
        true,
    );
    let network = ManagementNetwork {
        cidr: String::new(),
        vlan: "eth7".to_owned(),
    };
    running.send(Command::SetManagement(vec![network.clone()]));
    running
        .until("the list", |snapshot| {
            !snapshot.watching.management.is_empty()
        })
        .await;
    running.send(Command::OpenReplay(path));
    let is_off = |snapshot: &Snapshot| {
        let findings = snapshot.watching.findings.iter();
        let mut kinds = findings.map(|finding| finding.key.kind);
        kinds.any(|kind| kind == FindingKind::OffManagement)
    };
    let end = running
        .until("units off the list", |snapshot| {
            is_at(180)(snapshot) && is_off(snapshot)
        })
        .await;
    assert_eq!(
        end.watching.management.as_slice(),
        std::slice::from_ref(&network)
    );
    running.send(Command::Replay(ReplayMove::To(at(45))));
    let early = running.until("45 s", is_at(45)).await;
    assert_eq!(
        *early.watching.management,
        [network],
        "also after going back"
    );
    running.close().await;
}
