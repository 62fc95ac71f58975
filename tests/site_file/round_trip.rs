//! Hostile units go into a site file and come back as they were.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use rollcall::engine::store::{SaveBatch, Store};
use rollcall::model::appliance::{Appliance, FileFacts, Heard, Presence, Typed};
use rollcall::model::fact::Fact;
use rollcall::model::identity::{ApplianceId, Mac};
use rollcall::model::probing::{Answer, Clue, ClueKind, Outcome, Probe, Probed, Target};
use rollcall::model::registry::RAW_KEPT;
use rollcall::model::sighting::{Channel, Evidence, RawDatagram, Source};
use rollcall::model::time::Timestamp;
use rollcall::wire::Remark;

use crate::support::{as_reopened, batch, close, folder, heard_unit, open, save};

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
        let mut answers: BTreeMap<u64, Rows> = BTreeMap::new();
        for (changed, removed) in steps {
            let mut units: BTreeMap<u64, Appliance> = BTreeMap::new();
            for (id, mut unit) in changed {
                unit.id = ApplianceId(id);
                units.insert(id, unit);
            }
            for id in &removed {
                expected.remove(id);
                answers.remove(id);
            }
            for (id, unit) in &units {
                let kept = answers.entry(*id).or_default();
                kept.take(unit.probed.as_deref());
                let probed = kept.probed().map(Arc::new);
                expected.insert(*id, Appliance { probed, ..unit.clone() });
            }
            let batch = SaveBatch {
                has_v3: None,
                changed: units.into_values().map(Arc::new).collect(),
                removed: removed.into_iter().map(ApplianceId).collect(),
                extra_columns: Some(extra_columns()),
                next_id: 77,
                watching: rollcall::engine::store::WatchBatch::default(),
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

/// What the file holds of a unit's answers: the last one of each probe, with the address that gave it.
#[derive(Default)]
struct Rows {
    by_probe: BTreeMap<Probe, (Ipv4Addr, Answer)>,
    targets: Vec<Target>,
}

impl Rows {
    fn take(&mut self, probed: Option<&Probed>) {
        let Some(probed) = probed else { return };
        for answer in &probed.answers {
            let row = (probed.ip, answer.clone());
            self.by_probe.insert(answer.probe, row);
        }
        // SNMP is always there.
        self.targets.clone_from(&probed.targets);
    }

    fn probed(&self) -> Option<Probed> {
        let rows = self.by_probe.values();
        let (ip, newest) = rows.max_by_key(|(_, answer)| answer.when)?;
        Some(Probed {
            ip: *ip,
            when: newest.when,
            answers: self
                .by_probe
                .values()
                .map(|(_, answer)| answer.clone())
                .collect(),
            targets: self.targets.clone(),
        })
    }
}

#[test]
fn rows_that_were_not_read_outlive_a_save_of_their_unit() {
    let folder = folder();
    let when = Timestamp::from_millis(1_000);
    let answer = |probe, when| {
        let mut answer = Answer::new(probe, Outcome::Answered, when);
        answer.raw = RawDatagram::keep(&[7; 50]);
        answer
    };
    let mut unit = heard_unit(1, 2);
    unit.probed = Some(Arc::new(Probed {
        ip: Ipv4Addr::LOCALHOST,
        when,
        answers: [Probe::Snmp, Probe::Tls, Probe::Http, Probe::Ssh]
            .map(|probe| answer(probe, when))
            .to_vec(),
        targets: Vec::new(),
    }));
    let path = crate::support::closed_site(folder.path(), std::slice::from_ref(&unit));
    let rows = || -> Vec<(String, i64, String, Option<usize>)> {
        let conn = rusqlite::Connection::open(&path).expect("it opens");
        let mut statement = conn
            .prepare("SELECT probe, when_millis, answer, raw FROM probe ORDER BY probe")
            .expect("SQLite works");
        let rows = statement.query_map([], |row| {
            let raw: Option<Vec<u8>> = row.get(3)?;
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                raw.map(|raw| raw.len()),
            ))
        });
        let rows = rows.expect("SQLite works");
        rows.map(|row| row.expect("a row")).collect()
    };
    let conn = rusqlite::Connection::open(&path).expect("it opens");
    conn.execute_batch(
        "UPDATE probe SET probe = 'telepathy' WHERE probe = 'http';
        UPDATE probe SET answer = 'no json' WHERE probe IN ('ssh', 'tls');",
    )
    .expect("SQLite works");
    drop(conn);
    let before = rows();
    assert_eq!(before.len(), 4);

    let (store, contents) = open(&path);
    assert_eq!(
        contents.remarks,
        ["3 items in the site file could not be read and were left out"]
    );
    let mut unit = contents.units[0].clone();
    let probed = unit.probed.as_deref().expect("one could be read");
    assert_eq!(probed.answers.len(), 1);
    // Beyond its limit the memory keeps no bytes, and TLS was asked again.
    let mut probed = probed.without_raw();
    probed
        .answers
        .push(answer(Probe::Tls, Timestamp::from_millis(2_000)));
    unit.probed = Some(Arc::new(probed));
    save(&store, &batch(std::slice::from_ref(&unit))).expect("it is saved");
    unit.probed = None;
    save(&store, &batch(std::slice::from_ref(&unit))).expect("it is saved");
    close(store);
    let after = rows();
    let by_word = |rows: &[(String, i64, String, Option<usize>)], word: &str| {
        let row = rows.iter().find(|row| row.0 == word);
        row.cloned().expect("the row")
    };
    for word in ["snmp", "ssh", "telepathy"] {
        assert_eq!(by_word(&after, word), by_word(&before, word));
    }
    assert_eq!(by_word(&after, "tls").1, 2_000);
    assert_eq!(after.len(), 4);

    let (store, _) = open(&path);
    let removed = SaveBatch {
        removed: vec![ApplianceId(1)],
        next_id: 2,
        ..SaveBatch::default()
    };
    save(&store, &removed).expect("it is saved");
    close(store);
    assert!(rows().is_empty(), "the unit is gone");
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
            taught: None,
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

fn any_answer(probe: Probe) -> impl Strategy<Value = Answer> {
    let outcome = prop_oneof![
        Just(Outcome::Answered),
        Just(Outcome::Silent),
        Just(Outcome::Closed),
        any_text().prop_map(Outcome::Garbled),
        any_text().prop_map(Outcome::Failed),
    ];
    let kinds: Vec<ClueKind> = ClueKind::ALL
        .iter()
        .copied()
        .filter(|kind| kind.probe() == probe)
        .collect();
    let clue =
        (prop::sample::select(kinds), any_text()).prop_map(|(kind, text)| Clue { kind, text });
    let raw = (vec(any::<u8>(), 0..80), any::<u16>());
    (outcome, any_when(), any::<u32>(), vec(clue, 0..4), raw).prop_map(
        move |(outcome, when, took_millis, clues, (raw, cut))| Answer {
            probe,
            when,
            took_millis,
            outcome,
            clues,
            raw: RawDatagram {
                full_len: raw.len() as u32 + u32::from(cut),
                bytes: raw.into(),
            },
        },
    )
}

fn any_probed() -> impl Strategy<Value = Probed> {
    let target = (any::<u32>(), vec(any_text(), 4), any::<Option<bool>>()).prop_map(
        |(port, texts, is_connected)| {
            let mut texts = texts.into_iter();
            let mut text = || texts.next().unwrap_or_default();
            Target {
                port,
                tty: text(),
                name: text(),
                status: text(),
                speed: text(),
                is_connected,
            }
        },
    );
    let answers = (
        any_answer(Probe::Snmp),
        option::of(any_answer(Probe::Tls)),
        option::of(any_answer(Probe::Ports)),
    );
    (any_ip(), answers, vec(target, 0..4)).prop_map(|(ip, (snmp, tls, ports), targets)| {
        let answers: Vec<Answer> = [Some(snmp), tls, ports].into_iter().flatten().collect();
        Probed {
            ip,
            when: answers
                .iter()
                .map(|answer| answer.when)
                .max()
                .expect("SNMP is always there"),
            answers,
            targets,
        }
    })
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
        option::of(any_probed()),
    )
        .prop_map(|(heard, imported, by_hand, name, note, evidence, probed)| {
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
                probed: probed.map(Arc::new),
                identified: None,
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
