//! Tests of the record and its ring.

use super::*;
use crate::capture::CaptureReader;
use crate::engine::store::Store;
use crate::model::sighting::{Claims, StrayReason};
use crate::model::traffic::BUCKET_SECS;
use crate::wire::{Remarks, discover_request};

const START: Timestamp = Timestamp::from_millis(1_795_349_560_000);

fn interface() -> Arc<str> {
    Arc::from("eth0")
}

fn from(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 3502))
}

fn stray(bytes: &[u8], when: Timestamp) -> Item {
    Item::Stray(Stray {
        seq: 0,
        when,
        from: from(9),
        interface: interface(),
        channel: Channel::Udp3502,
        raw: RawDatagram::keep(bytes),
        reason: StrayReason::NoIdentity,
    })
}

fn sighting(when: Timestamp) -> Item {
    Item::Sighting(Box::new(Sighting {
        source: Source::Announcement,
        channel: Channel::Udp3502,
        interface: interface(),
        from: from(9),
        when,
        claims: Claims::default(),
        raw: RawDatagram::keep(b"an announcement"),
        remarks: Remarks::default(),
    }))
}

fn hear(recorder: &Recorder, item: &Item, bytes: &[u8], when: Timestamp) {
    let interface = interface();
    let came = CameIn {
        interface: &interface,
        channel: Channel::Udp3502,
        port: 3502,
        from: from(9),
        when,
    };
    recorder.heard(came, bytes, item);
}

fn recorder() -> Recorder {
    let recorder = Recorder::new(true);
    let eth0 = RecordedInterface {
        shown: CaptureInterface {
            name: "eth0".to_owned(),
            description: "10.0.0.5/24".to_owned(),
            ..CaptureInterface::default()
        },
        ip: Some([10, 0, 0, 5].into()),
    };
    recorder.set_interfaces([(interface(), eth0)]);
    recorder
}

/// From, to, direction, comment, bytes.
type InRing = (String, String, Option<Direction>, String, Vec<u8>);

/// All datagrams of the ring, read back: from, to, direction's word, comment, bytes.
fn ring_of(recorder: &Recorder) -> Vec<InRing> {
    let segments = recorder.with_ring(Ring::all);
    let mut all = Vec::new();
    for segment in segments {
        let bytes = segment.bytes.expect("nothing was saved");
        let mut reader = CaptureReader::new(&bytes[..])
            .expect("a segment is a file")
            .watching(0..=u16::MAX);
        while let Some(datagram) = reader.next().expect("whole") {
            all.push((
                datagram.from.to_string(),
                datagram.to.to_string(),
                datagram.direction,
                datagram.comment.clone(),
                datagram.raw.bytes.to_vec(),
            ));
        }
    }
    all
}

#[test]
fn what_comes_and_goes_is_listed_counted_and_captured() {
    let recorder = recorder();
    hear(&recorder, &sighting(START), b"an announcement", START);
    let interface = interface();
    recorder.sent(Sent {
        interface: &interface,
        channel: Channel::UdpAsking,
        port: 40_000,
        to: SocketAddr::from(([255; 4], 3502)),
        when: START.plus_millis(5),
        bytes: &discover_request(7),
    });

    let (seq, recent) = recorder.recent_since(0).expect("two are new");
    assert_eq!((seq, recent.len()), (2, 2));
    assert!(recorder.recent_since(seq).is_none(), "nothing came since");
    let kinds: Vec<_> = recent
        .iter()
        .map(|seen| (seen.kind, seen.direction))
        .collect();
    assert_eq!(
        kinds,
        [
            (DatagramKind::Announcement, Direction::Heard),
            (DatagramKind::Discover, Direction::Sent)
        ]
    );

    let traffic = recorder.traffic();
    let counts: Vec<_> = traffic
        .series
        .iter()
        .map(|series| (series.kind, series.counts.iter().sum::<u32>()))
        .collect();
    assert_eq!(
        counts,
        [(DatagramKind::Announcement, 1), (DatagramKind::Discover, 1)]
    );

    let ring = ring_of(&recorder);
    assert_eq!(ring.len(), 2);
    let (from, to, direction, comment, bytes) = &ring[0];
    assert_eq!(
        (from.as_str(), to.as_str()),
        ("10.0.0.9:3502", "10.0.0.5:3502")
    );
    assert_eq!(*direction, Some(Direction::Heard));
    assert_eq!(
        kind_in(comment),
        Some(DatagramKind::Announcement),
        "{comment}"
    );
    assert_eq!(bytes, b"an announcement");
    let (from, to, direction, comment, _) = &ring[1];
    assert_eq!(
        (from.as_str(), to.as_str()),
        ("10.0.0.5:40000", "255.255.255.255:3502")
    );
    assert_eq!(*direction, Some(Direction::Sent));
    assert_eq!(kind_in(comment), Some(DatagramKind::Discover), "{comment}");
}

#[test]
fn a_ring_that_is_off_takes_nothing_and_keeps_what_it_has() {
    let recorder = recorder();
    hear(&recorder, &sighting(START), b"one", START);
    recorder.set_capturing(false);
    hear(&recorder, &sighting(START), b"two", START);
    assert_eq!(ring_of(&recorder).len(), 1);
    assert_eq!(recorder.recent_since(0).map(|(seq, _)| seq), Some(2));
}

#[test]
fn every_kind_is_read_back_from_a_comment() {
    for kind in DatagramKind::ALL {
        let comment = format!("{COMMENT}{}", kind.word());
        assert_eq!(kind_in(&comment), Some(kind));
        assert_eq!(
            kind_in(&format!("{comment}, 00:e0:86:12:34:56")),
            Some(kind)
        );
        assert_eq!(kind_in(kind.word()), None, "somebody else's comment");
    }
}

#[test]
fn the_ring_is_bounded_and_lets_go_of_the_oldest() {
    let recorder = recorder();
    let bytes = vec![7; 60_000];
    for nth in 0..1_400 {
        let when = START.plus_millis(nth);
        hear(&recorder, &stray(&bytes, when), &bytes, when);
    }
    let state = recorder.with_ring(|ring| ring.state(true));
    assert!(state.num_bytes <= RING_BYTES + (1 << 20), "{state:?}");
    assert!(state.num_bytes > RING_BYTES / 2, "{state:?}");
    assert!(state.oldest > Some(START), "{state:?}");
    let (recent, traffic) = (recorder.recent_since(0), recorder.traffic());
    assert_eq!(recent.map(|(_, recent)| recent.len()), Some(RECENT_KEPT));
    assert_eq!(traffic.series.len(), 1);
}

#[test]
fn what_the_site_file_has_is_not_held_in_memory() {
    let recorder = recorder();
    let bytes = vec![7; 40_000];
    for nth in 0..20 {
        let when = START.plus_millis(nth);
        hear(&recorder, &stray(&bytes, when), &bytes, when);
    }
    let now = START.plus_millis(10_000);
    let unsaved = recorder.with_ring(|ring| ring.unsaved(u64::MAX, now, true));
    assert!(unsaved.segments.len() > 1, "more than one segment");
    recorder.with_ring(|ring| ring.saved(&unsaved));
    let again = recorder.with_ring(|ring| ring.unsaved(u64::MAX, now, true));
    assert!(again.is_empty(), "{} segments again", again.segments.len());
    let in_memory = recorder.with_ring(Ring::all);
    let held: Vec<bool> = in_memory
        .iter()
        .map(|segment| segment.bytes.is_some())
        .collect();
    let (last, others) = held.split_last().expect("there are some");
    assert!(others.iter().all(|held| !held), "the site file has them");
    assert!(
        last,
        "the one that was being written was closed, and is to be saved whole"
    );
}

#[test]
fn a_site_file_brings_the_ring_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hall.rollcall");
    let recorder = recorder();
    for nth in 0..50 {
        let when = START.plus_millis(nth * 100);
        hear(&recorder, &sighting(when), b"an announcement", when);
    }
    let unsaved = recorder.with_ring(|ring| ring.unsaved(u64::MAX, START, true));
    let (store, _) = Store::create(&path).expect("a new site");
    let (told, done) = std::sync::mpsc::sync_channel(1);
    let batch = crate::engine::store::SaveBatch {
        next_id: 1,
        watching: crate::engine::store::WatchBatch {
            capture: unsaved,
            ..Default::default()
        },
        ..Default::default()
    };
    store
        .save(batch, move |result| told.send(result).expect("waited for"))
        .expect("taken");
    done.recv().expect("told").expect("saved");
    let (told, done) = std::sync::mpsc::sync_channel(1);
    store.close(move |result| told.send(result).expect("waited for"));
    done.recv().expect("told").expect("closed");

    let (store, contents, _) = Store::open(&path).expect("it opens");
    let mut ring = Ring::default();
    ring.load(contents.watching.segments);
    assert_eq!(ring.state(true).num_datagrams, 50);
    let reader = store.segments();
    let mut num_datagrams = 0;
    for segment in ring.all() {
        let bytes = reader.read(segment.seq).expect("it is in the file");
        let mut reader = CaptureReader::new(&bytes[..])
            .expect("a file")
            .watching(0..=u16::MAX);
        while reader.next().expect("whole").is_some() {
            num_datagrams += 1;
        }
    }
    assert_eq!(num_datagrams, 50);
}

#[test]
fn the_plot_moves_on_and_forgets() {
    let recorder = recorder();
    hear(&recorder, &sighting(START), b"x", START);
    let later = START.plus_millis(BUCKET_SECS * 1_000 * 3);
    hear(&recorder, &sighting(later), b"x", later);
    let traffic = recorder.traffic();
    assert_eq!(traffic.num_buckets, 4);
    assert_eq!(traffic.series[0].counts, [1, 0, 0, 1]);
    // What is a little late counts into the newest bar; a clock that was set back, or leaps, begins anew.
    hear(&recorder, &sighting(START), b"x", START);
    assert_eq!(recorder.traffic().series[0].counts, [1, 0, 0, 2]);
    hear(&recorder, &sighting(START), b"x", Timestamp::from_millis(0));
    assert_eq!(recorder.traffic().series[0].counts, [1]);
    let leap = Timestamp::from_millis(i64::MAX);
    hear(&recorder, &sighting(START), b"x", leap);
    assert_eq!(recorder.traffic().series[0].counts, [1]);
}

#[test]
fn more_than_the_ring_keeps_is_taken_out_of_the_site_file() {
    let segment = |seq| Segment {
        seq,
        first: START,
        last: START,
        num_datagrams: 10,
        num_bytes: 1 << 20,
        bytes: None,
    };
    let mut ring = Ring::default();
    ring.load((1..=70).map(segment).collect());
    let state = ring.state(true);
    assert_eq!((state.num_bytes, state.num_datagrams), (RING_BYTES, 640));
    let unsaved = ring.unsaved(u64::MAX, START, true);
    assert_eq!(unsaved.removed, [1, 2, 3, 4, 5, 6]);
    ring.saved(&unsaved);
    assert!(ring.unsaved(u64::MAX, START, true).is_empty());
}

#[test]
fn a_hostile_capture_table_costs_its_rows_and_not_the_site() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hall.rollcall");
    let (store, _) = Store::create(&path).expect("a new site");
    let (told, done) = std::sync::mpsc::sync_channel(1);
    store.close(move |result| told.send(result).expect("waited for"));
    done.recv().expect("told").expect("closed");
    let conn = rusqlite::Connection::open(&path).expect("it opens");
    conn.execute_batch(
        "DROP TABLE capture;
         CREATE TABLE capture (seq, first_millis, last_millis, num_datagrams, bytes);
         INSERT INTO capture VALUES (1, 0, 0, 9223372036854775807, x'00');
         INSERT INTO capture VALUES (2, 0, 0, 9223372036854775807, x'00');
         INSERT INTO capture VALUES (3, 'yesterday', 0, 1, x'00');
         INSERT INTO capture VALUES (-4, 0, 0, 1, x'00');
         INSERT INTO capture VALUES (5, 0, 0, 1, zeroblob(2000000));
         INSERT INTO capture VALUES (6, 0, 0, 1, x'0a0d0d0a');",
    )
    .expect("SQLite works");
    drop(conn);
    let (_, contents, _) = Store::open(&path).expect("the site is there");
    let seqs: Vec<u64> = contents
        .watching
        .segments
        .iter()
        .map(|segment| segment.seq)
        .collect();
    assert_eq!(seqs, [6]);
    assert!(
        contents
            .remarks
            .iter()
            .any(|remark| remark.starts_with("5 items")),
        "{:?}",
        contents.remarks
    );
}
