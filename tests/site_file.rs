//! The site file as the engine uses it: round trips, crashes, locks, files that are refused, saving under
//! another name.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use rollcall::engine::store::{OpenSite, SaveBatch, SiteContents, Store, StoreError};
use rollcall::model::appliance::{Appliance, FileFacts, Heard, Presence, Typed};
use rollcall::model::fact::Fact;
use rollcall::model::identity::{ApplianceId, Mac};
use rollcall::model::registry::RAW_KEPT;
use rollcall::model::sighting::{Channel, Evidence, Source};
use rollcall::model::time::Timestamp;
use rollcall::wire::{Remark, Remarks};

/// Names the site that the child process of the crash test works in.
const CHILD_SITE: &str = "ROLLCALL_TEST_CHILD_SITE";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("the system has a temporary folder")
}

/// Waits for a job of the store.
fn done<T: Send + 'static>(job: impl FnOnce(Box<dyn FnOnce(T) + Send>)) -> T {
    let (tell, told) = sync_channel(1);
    job(Box::new(move |result| {
        tell.send(result).expect("the test waits for it");
    }));
    told.recv().expect("the store answers every job")
}

fn save(store: &Store, batch: &SaveBatch) -> Result<(), StoreError> {
    done(|tell| {
        store
            .save(batch.clone(), tell)
            .expect("nothing else is being saved");
    })
}

fn save_as(store: &Store, path: &Path, overwrite: bool) -> Result<(), StoreError> {
    done(|tell| store.save_as(path, overwrite, tell))
}

fn close(store: Store) {
    done(|tell| store.close(tell)).expect("the site closes");
}

fn batch(units: &[Appliance]) -> SaveBatch {
    SaveBatch {
        changed: units.iter().cloned().map(Arc::new).collect(),
        next_id: units.iter().map(|unit| unit.id.0 + 1).max().unwrap_or(1),
        ..SaveBatch::default()
    }
}

fn open(path: &Path) -> (Store, SiteContents) {
    let (store, contents, open_site) = Store::open(path).expect("the site opens");
    assert_eq!(open_site, OpenSite::Writable);
    (store, contents)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("the entry can be read").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn write(path: &Path, bytes: &[u8]) {
    let mut file = File::create(path).expect("files can be made here");
    file.write_all(bytes).expect("the file can be written");
}

/// What was heard `count` times of a unit that has an address.
fn heard_unit(id: u64, count: u64) -> Appliance {
    let when = Timestamp::from_millis(1_795_349_561_250).plus_millis(id);
    let source = Source::Reply;
    let evidence: VecDeque<Evidence> = (0..count)
        .map(|nth| Evidence {
            seq: id * 1_000 + nth,
            when,
            from: SocketAddr::from((Ipv4Addr::from(0x0a00_0000 + id as u32), 3502)),
            interface: Arc::from("eth0"),
            raw: (nth + RAW_KEPT as u64 >= count).then(|| Arc::from(vec![nth as u8; 51])),
            full_len: 51,
            source,
            channel: Channel::Udp3502,
            remarks: Remarks::NONE,
        })
        .collect();
    Appliance {
        id: ApplianceId(id),
        revision: id,
        heard: Some(Heard {
            name: Fact::Known {
                value: format!("ACS8048-{id:05}"),
                source,
                when,
            },
            mac: Fact::Known {
                value: Mac::new([0, 0xe0, 0x86, (id >> 16) as u8, (id >> 8) as u8, id as u8]),
                source,
                when,
            },
            ip: Fact::Known {
                value: Some(Ipv4Addr::from(0x0a00_0000 + id as u32)),
                source,
                when,
            },
            mask: Fact::Unavailable,
            gateway: Fact::Known {
                value: None,
                source,
                when,
            },
            model_number: Some(7),
            modes: None,
            earlier_ips: Vec::new(),
            flapped: None,
            presence: vec![Presence {
                interface: Arc::from("eth0"),
                last: when,
                answered_search: true,
                heard_at_ask: 0,
            }],
            first: when,
            last: when,
            last_source: source,
            provisional: false,
        }),
        imported: None,
        typed: Typed::default(),
        evidence,
    }
}

fn heard_units(count: u64) -> Vec<Appliance> {
    (1..=count).map(|id| heard_unit(id, 6)).collect()
}

/// What comes back: revisions count from 1, and no search was asked yet.
fn as_reopened(units: &[Appliance]) -> Vec<Appliance> {
    let mut units = units.to_vec();
    units.sort_by_key(|unit| unit.id);
    for (revision, unit) in (1..).zip(&mut units) {
        unit.revision = revision;
        for presence in unit.heard.iter_mut().flat_map(|heard| &mut heard.presence) {
            presence.heard_at_ask = 0;
        }
    }
    units
}

/// A closed site with some units.
fn closed_site(folder: &Path, units: &[Appliance]) -> PathBuf {
    let path = folder.join("hall 7.rollcall");
    let (store, contents) = Store::create(&path).expect("a new site is made");
    assert_eq!((contents.units.len(), contents.next_id), (0, 1));
    assert_eq!(contents.name, "hall 7");
    save(&store, &batch(units)).expect("it is saved");
    close(store);
    path
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("=HYPERLINK(\"x\")".to_owned()),
        Just("a\"b'c,d;e\r\nf\0g\u{202e}h\t\u{7f}\u{feff}".to_owned()),
        Just("00e086123456".to_owned()),
        Just("ü".repeat(256)),
        any::<String>().prop_map(|text| text.chars().take(256).collect()),
    ]
}

fn any_when() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_millis)
}

fn any_ip() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from)
}

fn any_mac() -> impl Strategy<Value = Mac> {
    any::<[u8; 6]>().prop_map(Mac::new)
}

fn any_source() -> impl Strategy<Value = Source> {
    prop::sample::select(Source::ALL.to_vec())
}

fn any_fact<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Fact<T>> {
    (0..3, value, any_source(), any_when()).prop_map(|(kind, value, source, when)| match kind {
        0 => Fact::NotAsked,
        1 => Fact::Unavailable,
        _ => Fact::Known {
            value,
            source,
            when,
        },
    })
}

fn any_heard() -> impl Strategy<Value = Heard> {
    let presence = (any_text(), any_when(), any::<bool>(), any::<u64>()).prop_map(
        |(interface, last, answered_search, heard_at_ask)| Presence {
            interface: interface.into(),
            last,
            answered_search,
            heard_at_ask,
        },
    );
    let facts = (
        any_fact(any_text()),
        any_fact(any_mac()),
        any_fact(option::of(any_ip())),
        any_fact(option::of(any_ip())),
        any_fact(option::of(any_ip())),
    );
    let rest = (
        any::<Option<u16>>(),
        any::<Option<u8>>(),
        vec((any_ip(), any_when()), 0..8),
        option::of(any_when()),
        vec(presence, 0..3),
        any_when(),
        any_when(),
        any_source(),
    );
    (facts, rest).prop_map(|(facts, rest)| {
        let (name, mac, ip, mask, gateway) = facts;
        let (model_number, modes, earlier_ips, flapped, presence, first, last, last_source) = rest;
        Heard {
            name,
            mac,
            ip,
            mask,
            gateway,
            model_number,
            modes,
            earlier_ips,
            flapped,
            presence,
            first,
            last,
            last_source,
            provisional: false,
        }
    })
}

fn any_file_facts() -> impl Strategy<Value = FileFacts> {
    let texts = vec(any_text(), 11);
    let values = (
        option::of(any_ip()),
        option::of(0..=32_u8),
        option::of(any_ip()),
        option::of(any_mac()),
        option::of(any_when()),
        option::of(any_when()),
        vec(any_ip(), 0..4),
        vec((0..3_u32, any_text()), 0..3),
    );
    (texts, values, any::<bool>()).prop_map(|(texts, values, long)| {
        let (ip, prefix, gateway, mac, first_heard, last_heard, other_ips, extra) = values;
        let mut texts = texts.into_iter();
        let mut text = || texts.next().unwrap_or_default();
        FileFacts {
            name: text(),
            model: text(),
            class: text(),
            serial: text(),
            part_number: text(),
            firmware: text(),
            planned_name: text(),
            planned_place: text(),
            heard_on: text(),
            heard_by: text(),
            note: text().repeat(if long { 30 } else { 1 }),
            ip,
            prefix,
            gateway,
            mac,
            first_heard,
            last_heard,
            other_ips,
            extra,
        }
    })
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let from = prop_oneof![
        (any_ip(), any::<u16>()).prop_map(SocketAddr::from),
        (any::<u128>(), any::<u16>(), 0..9_u32).prop_map(|(ip, port, scope)| {
            SocketAddrV6::new(Ipv6Addr::from(ip), port, 0, scope).into()
        }),
    ];
    let remarks = vec(prop::sample::select(Remark::ALL.to_vec()), 0..3);
    (
        any_when(),
        from,
        any_text(),
        vec(any::<u8>(), 0..80),
        any::<u32>(),
        any_source(),
        prop::sample::select(Channel::ALL.to_vec()),
        remarks,
    )
        .prop_map(
            |(when, from, interface, raw, full_len, source, channel, remarks)| Evidence {
                seq: 0,
                when,
                from,
                interface: interface.into(),
                raw: Some(raw.into()),
                full_len,
                source,
                channel,
                remarks: remarks.into_iter().collect(),
            },
        )
}

/// A unit whose id is given later. It is known of at least by a file.
fn any_unit() -> impl Strategy<Value = Appliance> {
    (
        option::of(any_heard()),
        any_file_facts(),
        option::of(any_file_facts()),
        option::of(any_text()),
        option::of(any_text()),
        vec((any_evidence(), 1..50_u64), 0..33),
    )
        .prop_map(|(heard, imported, by_hand, name, note, evidence)| {
            let count = evidence.len();
            let mut seq = 0;
            let evidence = evidence
                .into_iter()
                .enumerate()
                .map(|(idx, (mut evidence, step))| {
                    seq += step;
                    evidence.seq = seq;
                    if idx + RAW_KEPT < count {
                        evidence.raw = None;
                    }
                    evidence
                })
                .collect();
            Appliance {
                id: ApplianceId(0),
                revision: 0,
                heard,
                imported: Some(Arc::new(imported)),
                typed: Typed {
                    name,
                    note,
                    by_hand: by_hand.map(Arc::new),
                },
                evidence,
            }
        })
}

fn extra_columns() -> Vec<String> {
    ["rack", "=owner", "Größe \"u\"\0"]
        .map(str::to_owned)
        .to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Steps of saving: each has units that are saved and units that are taken out, by id.
    #[test]
    fn whatever_is_saved_comes_back(
        steps in vec((vec((1..9_u64, any_unit()), 0..6), vec(1..9_u64, 0..2)), 1..4)
    ) {
        let folder = folder();
        let path = folder.path().join("hall.rollcall");
        let (store, _) = Store::create(&path).expect("a new site is made");
        let mut expected: BTreeMap<u64, Appliance> = BTreeMap::new();
        for (changed, removed) in steps {
            let mut units: BTreeMap<u64, Appliance> = BTreeMap::new();
            for (id, mut unit) in changed {
                unit.id = ApplianceId(id);
                units.insert(id, unit);
            }
            for id in &removed {
                expected.remove(id);
            }
            expected.extend(units.clone());
            let batch = SaveBatch {
                changed: units.into_values().map(Arc::new).collect(),
                removed: removed.into_iter().map(ApplianceId).collect(),
                extra_columns: Some(extra_columns()),
                next_id: 77,
            };
            save(&store, &batch).expect("it is saved");
            save(&store, &batch).expect("saving again changes nothing");
        }
        close(store);
        let (store, contents) = open(&path);
        let expected: Vec<Appliance> = expected.into_values().collect();
        prop_assert_eq!(&contents.units, &as_reopened(&expected));
        prop_assert_eq!(contents.extra_columns, extra_columns());
        prop_assert_eq!(contents.next_id, 77);
        prop_assert_eq!(contents.next_revision, contents.units.len() as u64 + 1);
        let last_seq = expected.iter().flat_map(|unit| &unit.evidence).map(|evidence| evidence.seq).max();
        prop_assert_eq!(contents.next_seq, last_seq.unwrap_or(0) + 1);
        prop_assert_eq!(contents.remarks, Vec::<String>::new());
        close(store);
    }
}

#[test]
fn one_more_sighting_drops_the_oldest_evidence_and_its_bytes() {
    let folder = folder();
    let path = folder.path().join("hall.rollcall");
    let (store, _) = Store::create(&path).expect("a new site is made");
    let mut unit = heard_unit(1, 32);
    save(&store, &batch(std::slice::from_ref(&unit))).expect("it is saved");
    let mut newest = unit.evidence.back().expect("it was heard").clone();
    newest.seq += 1;
    unit.evidence.pop_front();
    unit.evidence[31 - RAW_KEPT].raw = None;
    unit.evidence.push_back(newest);
    save(&store, &batch(std::slice::from_ref(&unit))).expect("it is saved");
    close(store);
    let (_store, contents) = open(&path);
    assert_eq!(contents.units, as_reopened(&[unit]));
}

#[test]
fn closing_leaves_one_file_and_no_lock() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(50));
    assert_eq!(names(folder.path()), ["hall 7.rollcall"]);
    let (store, contents) = open(&path);
    assert_eq!(contents.units, as_reopened(&heard_units(50)));
    assert!(
        names(folder.path()).len() > 1,
        "the lock is there while it is open"
    );
    close(store);
    assert_eq!(names(folder.path()), ["hall 7.rollcall"]);
}

#[test]
fn a_new_site_never_replaces_a_file() {
    let folder = folder();
    let path = folder.path().join("hall.rollcall");
    write(&path, b"precious");
    let error = Store::create(&path).expect_err("a file is there");
    assert!(matches!(error, StoreError::Exists(_)), "{error}");
    assert_eq!(fs::read(&path).expect("it is there"), b"precious");
    let error = Store::create(&folder.path().join("none/hall.rollcall")).expect_err("no folder");
    assert!(matches!(error, StoreError::FolderMissing(_)), "{error}");
    assert_eq!(names(folder.path()), ["hall.rollcall"]);
}

#[test]
fn the_second_window_reads_and_says_so() {
    let folder = folder();
    let path = folder.path().join("hall.rollcall");
    let (first, _) = Store::create(&path).expect("a new site is made");
    save(&first, &batch(&heard_units(3))).expect("it is saved");

    let (second, contents, open_site) = Store::open(&path).expect("it can be read");
    assert_eq!(
        contents.units.len(),
        3,
        "what is not yet in the one file is seen"
    );
    let OpenSite::ReadOnly(why) = open_site else {
        panic!("two must not write to one file");
    };
    assert_eq!(why, "it is open in another Rollcall");
    let error = save(&second, &batch(&heard_units(9))).expect_err("it is read-only");
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    let error = save_as(&second, &path, true).expect_err("the first window works there");
    assert!(matches!(error, StoreError::InUse(_)), "{error}");

    save(&first, &batch(&heard_units(5))).expect("the first goes on");
    let (third, contents, open_site) = Store::open_read_only(&path).expect("it can be read");
    assert_eq!(contents.units.len(), 5);
    assert!(matches!(open_site, OpenSite::ReadOnly(_)));
    close(third);
    close(first);
    assert_eq!(
        names(folder.path()),
        ["hall.rollcall"],
        "readers leave no trace"
    );

    let other = folder.path().join("copy.rollcall");
    save_as(&second, &other, false).expect("another name will do");
    save(&second, &batch(&heard_units(9))).expect("it is writable now");
    close(second);
    let (_other, contents) = open(&other);
    assert_eq!(contents.units.len(), 9);
    let (_store, contents) = open(&path);
    assert_eq!(
        contents.units.len(),
        5,
        "the first window's file is as it left it"
    );
}

#[test]
fn reading_alone_takes_no_lock() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(3));
    let (reader, contents, _) = Store::open_read_only(&path).expect("it can be read");
    assert_eq!(contents.units.len(), 3);
    let (writer, _) = open(&path);
    close(writer);
    close(reader);
    assert_eq!(names(folder.path()), ["hall 7.rollcall"]);
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_same_site() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(3));
    let link = folder.path().join("link.rollcall");
    std::os::unix::fs::symlink(&path, &link).expect("links can be made here");
    let (first, _) = open(&path);
    let (second, _, open_site) = Store::open(&link).expect("it can be read");
    assert!(
        matches!(open_site, OpenSite::ReadOnly(_)),
        "it is the same file"
    );
    close(second);
    save_as(&first, &link, true).expect("saving a site as itself changes nothing");
    close(first);
    let metadata = fs::symlink_metadata(&link).expect("it is there");
    assert!(metadata.is_symlink(), "the link is still one");
}

/// Copies what a crash at this moment would leave on the disk.
fn crash_image(path: &Path, into: &Path) -> PathBuf {
    let image = into.join("hall.rollcall");
    fs::copy(path, &image).expect("the site can be copied");
    let wal = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
    if wal(path).exists() {
        fs::copy(wal(path), wal(&image)).expect("its log can be copied");
    }
    image
}

#[test]
fn a_crash_loses_at_most_what_was_not_yet_saved() {
    let work_folder = folder();
    let path = work_folder.path().join("hall.rollcall");
    let (store, _) = Store::create(&path).expect("a new site is made");
    for saved in 0..6_u64 {
        let crash_folder = folder();
        let image = crash_image(&path, crash_folder.path());
        let (reader, contents, _) = Store::open_read_only(&image).expect("it can be read");
        assert_eq!(contents.units, as_reopened(&heard_units(saved * 100)));
        close(reader);
        let (opened, contents) = open(&image);
        assert_eq!(contents.units, as_reopened(&heard_units(saved * 100)));
        close(opened);
        assert_eq!(
            names(crash_folder.path()).len(),
            1,
            "one file holds everything again"
        );

        // The log may end anywhere: what it holds in full counts.
        let torn_folder = folder();
        let image = crash_image(&path, torn_folder.path());
        let wal = torn_folder.path().join("hall.rollcall-wal");
        let log = fs::read(&wal).unwrap_or_default();
        for part in 0..4 {
            write(&wal, &log[..log.len() * part / 4]);
            let (reader, contents, _) = Store::open_read_only(&image).expect("it can be read");
            let count = contents.units.len() as u64;
            assert!(
                count.is_multiple_of(100) && count <= saved * 100,
                "whole batches only"
            );
            assert_eq!(contents.units, as_reopened(&heard_units(count)));
            close(reader);
        }
        save(&store, &batch(&heard_units((saved + 1) * 100))).expect("it is saved");
    }
    close(store);
}

/// Not a test by itself: the process that `a_killed_process_leaves_a_site_that_opens` kills.
#[test]
#[ignore = "started by the test that kills it"]
fn child_that_saves_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD_SITE) else {
        return;
    };
    let (store, _) = Store::create(Path::new(&path)).expect("a new site is made");
    for saved in 1..100_000_u64 {
        save(&store, &batch(&[heard_unit(saved, 6)])).expect("it is saved");
        writeln!(std::io::stdout(), "saved {saved}").expect("the parent listens");
    }
}

#[test]
fn a_killed_process_leaves_a_site_that_opens() {
    let folder = folder();
    for (round, kill_after) in [1_u64, 7, 60].into_iter().enumerate() {
        let path = folder.path().join(format!("{round}.rollcall"));
        let program = std::env::current_exe().expect("this test is a program");
        let mut child = Command::new(program)
            .args(["--exact", "child_that_saves_until_it_is_killed"])
            .args(["--ignored", "--nocapture"])
            .env(CHILD_SITE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test can be started again");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let seen = output
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.rsplit_once("saved ")?.1.parse::<u64>().ok())
            .find(|saved| *saved >= kill_after)
            .expect("the child saves");
        let (second, _, open_site) = Store::open(&path).expect("it can be read meanwhile");
        assert!(
            matches!(open_site, OpenSite::ReadOnly(_)),
            "the child writes"
        );
        close(second);
        child.kill().expect("it still runs");
        child.wait().expect("it ends");

        let (store, contents) = open(&path);
        let count = contents.units.len() as u64;
        assert!(
            count >= seen,
            "what was reported saved is there: {count} of {seen}"
        );
        let expected: Vec<Appliance> = (1..=count).map(|id| heard_unit(id, 6)).collect();
        assert_eq!(contents.units, as_reopened(&expected));
        close(store);
    }
    assert_eq!(
        names(folder.path()).len(),
        3,
        "nothing of the crashes is left"
    );
}

/// Tries to open a file in both ways; it must be refused and stay as it is.
fn refused(path: &Path) -> StoreError {
    let before = fs::read(path).expect("it is there");
    let beside = names(path.parent().expect("it is in a folder"));
    Store::open_read_only(path).expect_err("it cannot be read either");
    let error = Store::open(path).expect_err("it is refused");
    assert_eq!(
        fs::read(path).expect("it is there"),
        before,
        "it stays as it is"
    );
    assert_eq!(names(path.parent().expect("it is in a folder")), beside);
    error
}

#[test]
fn files_that_are_no_sites_are_refused() {
    let folder = folder();
    let path = folder.path().join("x.rollcall");
    let site = fs::read(closed_site(folder.path(), &heard_units(200))).expect("it is there");
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".repeat(100);
    let foreign = {
        let path = folder.path().join("foreign");
        let conn = rusqlite::Connection::open(&path).expect("files can be made here");
        conn.execute_batch("CREATE TABLE appliance (id)")
            .expect("SQLite works");
        drop(conn);
        fs::read(&path).expect("it is there")
    };
    let with = |offset: usize, byte: u8| {
        let mut bytes = site.clone();
        bytes[offset] = byte;
        bytes
    };
    for (what, bytes, words) in [
        ("empty", Vec::new(), "the file is empty"),
        ("a picture", png, "this is not a Rollcall site"),
        (
            "a text",
            b"status,name\r\n".to_vec(),
            "this is not a Rollcall site",
        ),
        ("a foreign database", foreign, "this is not a Rollcall site"),
        (
            "a newer site",
            with(63, 2),
            "was written by a newer version of Rollcall (format 2",
        ),
        ("a site of no version", with(63, 0), "damaged"),
        ("cut in its header", site[..60].to_vec(), "damaged"),
        ("cut in its first page", site[..1_000].to_vec(), "damaged"),
        ("cut in half", site[..site.len() / 2].to_vec(), "damaged"),
        (
            "cut by a page",
            site[..site.len() - 4_096].to_vec(),
            "damaged",
        ),
    ] {
        write(&path, &bytes);
        let error = refused(&path).to_string();
        assert!(error.contains(words), "{what}: {error}");
        assert!(
            error.ends_with("x.rollcall\""),
            "the path comes last: {error}"
        );
    }
    let error = Store::open(&folder.path().join("none.rollcall")).expect_err("it is not there");
    assert!(matches!(error, StoreError::Missing(_)), "{error}");
    let error = Store::open(folder.path()).expect_err("it is a folder");
    assert!(matches!(error, StoreError::IsFolder(_)), "{error}");
}

#[test]
fn a_newer_site_that_was_not_closed_stays_as_it_is() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(2));
    let crash_folder = self::folder();
    let conn = rusqlite::Connection::open(&path).expect("it opens");
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
        .expect("SQLite works");
    conn.pragma_update(None, "user_version", 9)
        .expect("SQLite works");
    let image = crash_image(&path, crash_folder.path());
    drop(conn);
    let wal = crash_folder.path().join("hall.rollcall-wal");
    let log = fs::read(&wal).expect("the newer version is only in the log");
    assert!(!log.is_empty());
    let site = fs::read(&image).expect("it is there");
    let error = Store::open(&image).expect_err("it is newer");
    assert!(
        matches!(error, StoreError::Newer { found: 9, .. }),
        "{error}"
    );
    assert_eq!(fs::read(&image).expect("it is there"), site);
    assert_eq!(fs::read(&wal).expect("it is there"), log);
    assert_eq!(names(crash_folder.path()).len(), 2, "nothing was added");
}

#[test]
fn a_damaged_site_is_refused_untouched_or_read_as_far_as_possible() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(60));
    let sound = fs::read(&path).expect("it is there");
    let mut num_refused = 0;
    // A prime step meets headers, pointers, keys and content of all pages.
    for offset in (0..sound.len()).step_by((sound.len() / 150) | 1) {
        let mut bytes = sound.clone();
        for byte in bytes.iter_mut().skip(offset).take(3) {
            *byte ^= 0xa5;
        }
        write(&path, &bytes);
        if let Ok((store, contents, _)) = Store::open(&path) {
            assert!(contents.units.len() <= 61, "nothing is made up");
            // Neither may panic; damage that was not found before may be found now.
            save(&store, &batch(&heard_units(2))).ok();
            done::<Result<(), StoreError>>(|tell| store.close(tell)).ok();
        } else {
            num_refused += 1;
            let after = fs::read(&path).expect("it is there");
            assert!(after == bytes, "left as it is");
        }
    }
    assert!(num_refused > 0, "damage in the structure is noticed");
}

#[test]
fn strange_rows_cost_themselves_only() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(3));
    let conn = rusqlite::Connection::open(&path).expect("it opens");
    conn.execute_batch(
        r#"UPDATE appliance SET heard = replace(heard, '"source":"reply"', '"source":"telepathy"') WHERE id = 1;
        UPDATE appliance SET heard = '{"no":"json' WHERE id = 2;
        UPDATE evidence SET channel = 'pigeon' WHERE appliance = 3 AND seq = 3000;
        UPDATE evidence SET sender = 'nowhere' WHERE appliance = 3 AND seq = 3001;
        INSERT INTO appliance (id, heard) VALUES (-5, NULL), (9223372036854775807, NULL), (40, NULL);
        INSERT INTO appliance (id, typed_note, by_hand) VALUES (41, printf('%.*c', 100000, 'n'),
            '{"name":"' || printf('%.*c', 300, 'x') || '","prefix":77,"mac":"zz","ip":"1.2.3","extra":[[9,"lost"]]}');
        UPDATE site SET value = '99999999999999999999' WHERE key = 'next_id';"#,
    )
    .expect("SQLite works");
    drop(conn);
    let (store, contents) = open(&path);
    let ids: Vec<u64> = contents.units.iter().map(|unit| unit.id.0).collect();
    assert_eq!(
        ids,
        [1, 3, 41],
        "a unit that nothing is known of stays in the file"
    );
    let heard = contents.units[0].heard.as_ref().expect("it was heard");
    assert_eq!(heard.name, Fact::NotAsked, "nobody knows who said it");
    assert_eq!(contents.units[1].evidence.len(), 4);
    let note = contents.units[2].note().expect("there is a note");
    assert!(note.len() <= 32 * 1024 && note.ends_with('…'));
    let facts = contents.units[2]
        .typed
        .by_hand
        .as_ref()
        .expect("it was added");
    assert_eq!(facts.name.chars().count(), 256);
    assert_eq!((facts.prefix, facts.mac, facts.ip), (None, None, None));
    assert!(facts.extra.is_empty());
    assert_eq!(contents.next_id, 42, "no id is given twice");
    assert_eq!(
        contents.remarks.len(),
        1,
        "what was left out is said: {:?}",
        contents.remarks
    );
    close(store);
}

#[test]
fn saving_under_another_name_goes_on_there() {
    let folder = folder();
    let path = closed_site(folder.path(), &heard_units(3));
    let before = fs::read(&path).expect("it is there");
    let other = folder.path().join("hall 8.rollcall");
    write(&other, b"precious");
    // What a crash left beside the file that is replaced must not be taken for the new one's.
    write(&folder.path().join("hall 8.rollcall-wal"), b"stale");
    let (store, _) = open(&path);
    let error = save_as(&store, &other, false).expect_err("nobody said yes");
    assert!(matches!(error, StoreError::Exists(_)), "{error}");
    assert_eq!(fs::read(&other).expect("it is there"), b"precious");
    let error =
        save_as(&store, &folder.path().join("none/x.rollcall"), true).expect_err("no folder");
    assert!(matches!(error, StoreError::FolderMissing(_)), "{error}");
    save(&store, &batch(&heard_units(4))).expect("it goes on after a refusal");

    save_as(&store, &other, true).expect("after a yes it is replaced");
    let (second, contents) = open(&path);
    assert_eq!(contents.units.len(), 4, "the file before is free again");
    close(second);
    save(&store, &batch(&heard_units(7))).expect("it goes on in the new file");
    close(store);
    assert_eq!(names(folder.path()), ["hall 7.rollcall", "hall 8.rollcall"]);
    let (_store, contents) = open(&other);
    assert_eq!(contents.units, as_reopened(&heard_units(7)));
    assert_eq!(contents.name, "hall 8");
    assert_ne!(before, fs::read(&other).expect("it is there"));
    let (_store, contents) = open(&path);
    assert_eq!(
        contents.units.len(),
        4,
        "the file before has what was saved before"
    );
}

#[test]
fn the_demo_is_saved_like_any_site_and_never_kept() {
    let folder = folder();
    let (store, contents) = Store::throw_away().expect("memory is enough");
    assert!(contents.units.is_empty());
    save(&store, &batch(&heard_units(24))).expect("it is saved");
    let path = folder.path().join("demo.rollcall");
    let error = save_as(&store, &path, true).expect_err("nothing simulated is kept");
    assert!(matches!(error, StoreError::ThrowAway), "{error}");
    close(store);
    assert!(names(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn names_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt;

    let folder = folder();
    let strange = folder
        .path()
        .join(std::ffi::OsStr::from_bytes(b"h\xff%3F?a=b#'\"ll"));
    fs::create_dir(&strange).expect("Unix takes any bytes");
    let path = strange.join(std::ffi::OsStr::from_bytes(b"\xfe?mode=memory.rollcall"));
    let (store, _) = Store::create(&path).expect("a new site is made");
    save(&store, &batch(&heard_units(3))).expect("it is saved");
    close(store);
    assert_eq!(names(&strange).len(), 1);
    let (_store, contents) = open(&path);
    assert_eq!(contents.units.len(), 3);
}

/// Mounts something for the lab tests, which run as root in a mount namespace of their own or on a throw-away
/// machine.
#[cfg(target_os = "linux")]
struct Mount(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl Mount {
    fn tmpfs(size: &str) -> Self {
        let folder = folder();
        mount(&["-t", "tmpfs", "-o", size, "tmpfs"], folder.path());
        Self(folder)
    }

    fn make_read_only(&self) {
        mount(&["-o", "remount,ro"], self.0.path());
    }
}

#[cfg(target_os = "linux")]
fn mount(args: &[&str], folder: &Path) {
    let status = Command::new("mount").args(args).arg(folder).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "the lab runs as root"
    );
}

#[cfg(target_os = "linux")]
impl Drop for Mount {
    fn drop(&mut self) {
        Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .status()
            .ok(); // The folder is a temporary one.
    }
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "lab: needs root, to mount a small disk"]
fn lab_a_full_disk_is_said_and_survived() {
    let disk = Mount::tmpfs("size=2m");
    let path = disk.0.path().join("hall.rollcall");
    let (store, _) = Store::create(&path).expect("a new site is made");
    save(&store, &batch(&heard_units(50))).expect("there is room");
    let error = save(&store, &batch(&heard_units(20_000))).expect_err("there is no room");
    assert!(matches!(error, StoreError::DiskFull(_)), "{error}");
    let error = save_as(&store, &disk.0.path().join("x.rollcall"), false);
    if let Err(error) = error {
        assert!(matches!(error, StoreError::DiskFull(_)), "{error}");
    }
    let elsewhere = folder();
    let other = elsewhere.path().join("hall.rollcall");
    save_as(&store, &other, false).expect("another disk has room");
    save(&store, &batch(&heard_units(20_000))).expect("another disk has room");
    close(store);
    let (_store, contents) = open(&other);
    assert_eq!(contents.units.len(), 20_000);

    let filler = disk.0.path().join("filler");
    let mut file = File::create(&filler).expect("an empty file fits");
    while file.write_all(&[7; 4096]).is_ok() {}
    let (_store, contents, _) = Store::open(&path).expect("it opens on a full disk");
    assert_eq!(contents.units.len(), 50);
    let error = rollcall::engine::files::write_atomically(
        &disk.0.path().join("inventory.csv"),
        false,
        |writer| writer.write_all(&vec![7; 1 << 20]),
    )
    .expect_err("there is no room");
    assert!(
        matches!(error, rollcall::engine::files::FileError::DiskFull { .. }),
        "{error}"
    );
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "lab: needs root, to mount a disk read-only"]
fn lab_a_read_only_disk_is_read_and_said_to_be() {
    let disk = Mount::tmpfs("size=8m");
    let path = closed_site(disk.0.path(), &heard_units(50));
    let crashed = {
        let (store, _) = open(&path);
        save(&store, &batch(&heard_units(60))).expect("there is room");
        let crash_folder = disk.0.path().join("crashed");
        fs::create_dir(&crash_folder).expect("folders can be made here");
        let image = crash_image(&path, &crash_folder);
        close(store);
        image
    };
    disk.make_read_only();
    for path in [path, crashed] {
        let (store, contents, open_site) = Store::open(&path).expect("it can be read");
        assert_eq!(contents.units.len(), 60);
        let OpenSite::ReadOnly(why) = open_site else {
            panic!("nothing can be written there");
        };
        assert!(
            why.contains("written") || why.contains("write-protected"),
            "{why}"
        );
        let elsewhere = folder();
        save_as(&store, &elsewhere.path().join("x.rollcall"), false).expect("there it can");
        close(store);
    }
    let error = Store::create(&disk.0.path().join("new.rollcall")).expect_err("read-only");
    assert!(matches!(error, StoreError::NotWritable(_)), "{error}");
}

#[test]
#[ignore = "measures: build optimized and run alone"]
fn measures_saving_and_loading() {
    let now = {
        #[expect(clippy::disallowed_methods, reason = "a measurement needs a clock")]
        || std::time::Instant::now()
    };
    let folder = folder();
    let path = folder.path().join("hall.rollcall");
    let (store, _) = Store::create(&path).expect("a new site is made");
    let units: Vec<Appliance> = (1..=100_000).map(|id| heard_unit(id, 6)).collect();
    let mut report: Vec<u8> = Vec::new();
    let mut time = |what: &str, start: std::time::Instant| {
        writeln!(report, "{what}: {} ms", start.elapsed().as_millis()).expect("memory is enough");
    };
    let all = batch(&units);
    let start = now();
    save(&store, &all).expect("it is saved");
    time("save 100,000 new units", start);
    for round in 0..5 {
        let mut changed = units[..1_000].to_vec();
        for unit in &mut changed {
            let mut newest = unit.evidence.back().expect("it was heard").clone();
            newest.seq += 100 + round;
            unit.evidence.push_back(newest);
        }
        let mut changed = batch(&changed);
        changed.next_id = 100_001;
        let start = now();
        save(&store, &changed).expect("it is saved");
        time("save 1,000 changed units", start);
    }
    let start = now();
    close(store);
    time("close", start);
    let bytes = fs::metadata(&path).expect("it is there").len();
    let start = now();
    let (store, contents) = open(&path);
    time("open 100,000 units", start);
    assert_eq!(contents.units.len(), 100_000);
    let start = now();
    let (reader, ..) = Store::open(&path).expect("it can be read");
    time("open the same in a second window", start);
    close(reader);
    let start = now();
    save_as(&store, &folder.path().join("other.rollcall"), false).expect("it is saved");
    time("save as", start);
    close(store);
    writeln!(report, "{} KiB", bytes / 1024).expect("memory is enough");
    std::io::stdout()
        .write_all(&report)
        .expect("somebody reads it");
}
