//! A capture in the place of a site: what is found in it is what was found when it was heard.
#![expect(
    clippy::disallowed_methods,
    reason = "a test waits for its own future and lays its own files"
)]

#[expect(dead_code, reason = "a replay hears nothing and is told nothing")]
#[path = "support/running.rs"]
mod running;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use rollcall::capture::{CaptureInterface, CaptureWriter, Record, Transport, WriterNote};
use rollcall::engine::SiteChoice;
use rollcall::model::finding::FindingKind;
use rollcall::model::network::Network;
use rollcall::model::snapshot::Snapshot;
use rollcall::model::status::Status;
use rollcall::model::time::Timestamp;
use rollcall::model::traffic::Direction;
use rollcall::wire::{Claimed, DiscoverReply, discover_request};

use running::start;

const BEGIN: Timestamp = Timestamp::from_millis(1_795_349_561_000);
const LAPTOP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);

/// A capture of a laptop at 10.0.0.5/24, with what came from and what was sent to an address.
fn write(path: &Path, records: &[(Direction, Ipv4Addr, Vec<u8>)]) {
    let interface = CaptureInterface {
        name: "eth0".to_owned(),
        networks: vec![Network {
            ip: LAPTOP,
            prefix_len: 24,
        }],
        ..CaptureInterface::default()
    };
    let file = std::fs::File::create(path).expect("there is room");
    let mut writer =
        CaptureWriter::new(file, &[interface], &WriterNote::default()).expect("there is room");
    for (nth, (direction, other, payload)) in records.iter().enumerate() {
        let (laptop, other) = (
            SocketAddr::from((LAPTOP, 40_000)),
            SocketAddr::from((*other, 3502)),
        );
        let (from, to) = match direction {
            Direction::Heard => (other, laptop),
            Direction::Sent => (laptop, other),
        };
        let record = Record {
            when: BEGIN.plus_millis(10 * nth as u64),
            interface_idx: 0,
            direction: *direction,
            transport: Transport::Udp,
            from,
            to,
            payload: Arc::from(&**payload),
            comment: String::new(),
        };
        writer.write(&record).expect("there is room");
    }
    writer.finish().expect("there is room");
}

fn reply(last: u8, ip: Ipv4Addr, sequence: u16) -> Vec<u8> {
    let reply = DiscoverReply {
        ip: Claimed::Ip(ip),
        ..running::reply(last, "con1")
    };
    reply.emit(sequence)
}

/// The capture of these, replayed to its end.
async fn replay(records: &[(Direction, Ipv4Addr, Vec<u8>)]) -> Arc<Snapshot> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("heard.pcapng");
    write(&path, records);
    let running = start(SiteChoice::Replay(path), folder.path(), false);
    let snapshot = running
        .until("the end of the capture", |snapshot| {
            let replay = snapshot.watching.replay.as_ref();
            replay.is_some_and(|replay| replay.is_there && replay.num_packets > 0)
        })
        .await;
    running.close().await;
    snapshot
}

fn kinds(snapshot: &Snapshot) -> Vec<FindingKind> {
    let findings = snapshot.watching.findings.iter();
    findings.map(|found| found.key.kind).collect()
}

#[tokio::test]
async fn what_was_seen_in_the_last_moment_of_a_capture_is_found() {
    let stranger = (
        Direction::Heard,
        Ipv4Addr::new(10, 0, 0, 9),
        b"M-SEARCH * HTTP/1.1\r\n\r\n".to_vec(),
    );
    let snapshot = replay(&[stranger]).await;
    assert_eq!(kinds(&snapshot), [FindingKind::Stranger]);
}

#[tokio::test]
async fn units_are_judged_by_the_networks_of_whoever_captured() {
    let (far, near) = (Ipv4Addr::new(10, 9, 0, 9), Ipv4Addr::new(10, 0, 0, 9));
    let elsewhere = Ipv4Addr::new(172, 16, 0, 9);
    let snapshot = replay(&[
        (Direction::Sent, far, discover_request(7).to_vec()),
        (Direction::Heard, far, reply(1, far, 7)),
        (
            Direction::Sent,
            Ipv4Addr::BROADCAST,
            discover_request(8).to_vec(),
        ),
        (Direction::Heard, near, reply(2, elsewhere, 8)),
    ])
    .await;
    assert_eq!(
        kinds(&snapshot),
        [FindingKind::Routed],
        "of the one that is behind a router"
    );
    let statuses: Vec<Status> = snapshot
        .units
        .iter()
        .map(|(_, unit)| snapshot.context.status(unit))
        .collect();
    assert!(statuses.contains(&Status::WrongNetwork), "{statuses:?}");
}
