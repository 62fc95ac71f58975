//! What a query shows, in tables, and that the cache never shows anything else than a look at every unit would.

use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

use proptest::prelude::*;

use super::parse::{lower_chars, parse};
use super::{Counter, Counts, Direction, Query, RowCache, Rows};
use crate::model::appliance::{Appliance, FileFacts, Heard, Presence, Typed};
use crate::model::column::Column;
use crate::model::identity::{ApplianceId, Mac};
use crate::model::network::{Asks, Network};
use crate::model::sighting::Source;
use crate::model::snapshot::{CHUNK_UNITS, Slot, Snapshot, Units};
use crate::model::status::{FLAP_WINDOW_MILLIS, InterfaceContext, StatusContext};
use crate::model::time::Timestamp;

/// When the sites of these tests were opened.
const OPENED: Timestamp = Timestamp::from_millis(1_795_000_000_000);

fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(OPENED.as_millis() + secs * 1_000)
}

/// A unit that is only in a file.
fn filed(id: u64, facts: FileFacts) -> Appliance {
    Appliance {
        id: ApplianceId(id),
        revision: id,
        heard: None,
        imported: Some(Arc::new(facts)),
        typed: Typed::default(),
        evidence: VecDeque::new(),
    }
}

/// A unit that was heard on `eth0`.
fn heard(id: u64, name: &str, mac: [u8; 6], ip: Option<[u8; 4]>, first: Timestamp) -> Appliance {
    let mut heard = Heard::new(first, Source::Reply);
    heard.name.learn(name.to_owned(), Source::Reply, first);
    heard.mac.learn(Mac::new(mac), Source::Reply, first);
    heard.ip.learn(ip.map(Ipv4Addr::from), Source::Reply, first);
    heard.presence.push(Presence {
        interface: Arc::from("eth0"),
        last: first,
        answered_search: true,
        heard_at_ask: 0,
    });
    Appliance {
        id: ApplianceId(id),
        revision: id,
        heard: Some(heard),
        imported: None,
        typed: Typed::default(),
        evidence: VecDeque::new(),
    }
}

fn context() -> StatusContext {
    let eth0 = InterfaceContext {
        networks: vec![Network {
            ip: Ipv4Addr::new(10, 0, 0, 1),
            prefix_len: 16,
        }],
        asks: Asks::default(),
    };
    StatusContext {
        opened: OPENED,
        interfaces: Arc::new(HashMap::from([(Arc::from("eth0"), eth0)])),
        shared_ips: Arc::new(HashMap::from([(Ipv4Addr::new(10, 0, 0, 7), 2)])),
        now: at(60),
    }
}

fn snapshot(units: Vec<Appliance>) -> Snapshot {
    Snapshot {
        units: Units::from_vec(units.into_iter().map(Arc::new).collect()),
        context: context(),
        ..Snapshot::default()
    }
}

/// Eight units, each odd in its own way.
fn site() -> Snapshot {
    let mut flapped = heard(
        5,
        "CON1",
        [0, 0xe0, 0x86, 0, 0, 5],
        Some([10, 0, 0, 200]),
        at(-9),
    );
    if let Some(heard) = &mut flapped.heard {
        heard.flapped = Some(at(50));
    }
    let mut noted = heard(
        6,
        "Ärger",
        [0, 0xe0, 0x86, 0xab, 0xcd, 6],
        Some([10, 0, 0, 21]),
        at(-8),
    );
    noted.typed.note = Some("Rack 7, \"left\" side".to_owned());
    snapshot(vec![
        heard(
            1,
            "con10",
            [0, 0xe0, 0x86, 0, 0, 1],
            Some([10, 0, 0, 3]),
            at(1),
        ),
        heard(
            2,
            "con2",
            [0, 0xe0, 0x86, 0, 0, 2],
            Some([10, 0, 0, 20]),
            at(-5),
        ),
        heard(3, "con02", [0, 0xe0, 0x86, 0x12, 0x34, 0x56], None, at(2)),
        heard(
            4,
            "kvm",
            [0, 2, 0x99, 0, 0, 4],
            Some([192, 168, 160, 10]),
            at(-7),
        ),
        flapped,
        noted,
        heard(7, "", [0, 0xe0, 0x86, 0, 0, 7], Some([10, 0, 0, 7]), at(-6)),
        filed(
            8,
            FileFacts {
                name: "paper".to_owned(),
                serial: "0520011634".to_owned(),
                model: "ACS 8048".to_owned(),
                prefix: Some(24),
                ..FileFacts::default()
            },
        ),
    ])
}

fn ids(rows: &Rows) -> Vec<u64> {
    rows.order.iter().map(|(_, id)| id.0).collect()
}

fn ask(snapshot: &Snapshot, query: &Query) -> Rows {
    RowCache::default().rows(snapshot, query)
}

#[test]
fn a_filter_shows_the_units_it_describes() {
    let site = site();
    let nul = "\u{1f}";
    for (text, expected) in [
        ("", vec![1, 2, 3, 4, 5, 6, 7, 8]),
        // The word of the seventh one's status is found, too.
        ("con", vec![1, 2, 3, 5, 7]),
        ("CON 10.0.", vec![1, 2, 5, 7]),
        ("con !con1", vec![2, 3, 7]),
        ("name:con1", vec![1, 5]),
        ("!name:con", vec![4, 6, 7, 8]),
        ("name:", vec![1, 2, 3, 4, 5, 6, 8]),
        ("!name:", vec![7]),
        ("serial:", vec![8]),
        ("serial:0520", vec![8]),
        ("!serial:", vec![1, 2, 3, 4, 5, 6, 7]),
        ("äRG", vec![6]),
        ("note:\"rack 7\"", vec![6]),
        ("\"rack 7, ", vec![6]),
        ("rack left", vec![6]),
        ("\"acs 8048\"", vec![8]),
        ("address:10.0.0.2", vec![2, 5, 6]),
        ("ip:", vec![1, 2, 4, 5, 6, 7]),
        ("status:new", vec![1]),
        ("status:conflict", vec![5, 7]),
        ("\"no address\"", vec![3]),
        ("status:\"wrong network\"", vec![4]),
        ("\"only in\"", vec![8]),
        ("!status:heard", vec![1, 3, 4, 5, 7, 8]),
        ("status:", vec![1, 2, 3, 4, 5, 6, 7, 8]),
        ("prefix:24", vec![8]),
        ("00:e0:86:12", vec![3]),
        ("00E0.8612.3456", vec![3]),
        ("00-e0-86-12-34-56", vec![3]),
        ("0-E0-86-12", vec![3]),
        ("00e086123456", vec![3]),
        ("61234", vec![3]),
        ("mac:86abcd", vec![6]),
        ("mac:86-ab", vec![6]),
        ("!mac:00e086", vec![4, 8]),
        ("name:e086", vec![]),
        ("color:red", vec![]),
        ("eth0", vec![1, 2, 3, 4, 5, 6, 7]),
        ("heard_by:reply eth0 kvm", vec![4]),
        ("2026-11", vec![1, 2, 3, 4, 5, 6, 7]),
        (nul, vec![]),
        ("!", vec![1, 2, 3, 4, 5, 6, 7, 8]),
    ] {
        let query = Query {
            text: text.to_owned(),
            ..Query::default()
        };
        assert_eq!(ids(&ask(&site, &query)), expected, "filter {text:?}");
    }
}

#[test]
fn counters_count_every_unit_and_filter_beside_the_text() {
    let site = site();
    for (counter, count, expected) in [
        (Counter::All, 8, vec![1, 2, 3, 5]),
        (Counter::New, 2, vec![1, 3]),
        (Counter::NoAddress, 1, vec![3]),
        (Counter::Conflict, 2, vec![5]),
        (Counter::WrongNetwork, 1, vec![]),
        (Counter::Silent, 0, vec![]),
        (Counter::OnlyInFile, 1, vec![]),
    ] {
        let query = Query {
            text: "name:con".to_owned(),
            counter,
            sort: None,
        };
        let rows = ask(&site, &query);
        assert_eq!(
            rows.counts[counter as usize], count,
            "{counter:?} counts units that the text does not show, too"
        );
        assert_eq!(ids(&rows), expected, "{counter:?} and a text");
    }
}

#[test]
fn a_sort_goes_by_value_and_leaves_the_unknown_last() {
    use Direction::{Ascending, Descending};
    let site = site();
    for (column, direction, expected) in [
        (Column::Name, Ascending, vec![5, 2, 3, 1, 4, 8, 6, 7]),
        (Column::Name, Descending, vec![6, 8, 4, 1, 2, 3, 5, 7]),
        (Column::Ip, Ascending, vec![1, 7, 2, 6, 5, 4, 3, 8]),
        (Column::Ip, Descending, vec![4, 5, 6, 2, 7, 1, 3, 8]),
        (Column::Mac, Ascending, vec![4, 1, 2, 5, 7, 3, 6, 8]),
        (Column::Status, Ascending, vec![5, 7, 3, 4, 1, 2, 6, 8]),
        (Column::Status, Descending, vec![8, 2, 6, 1, 4, 3, 5, 7]),
        (Column::FirstHeard, Ascending, vec![5, 6, 4, 7, 2, 1, 3, 8]),
        (Column::Prefix, Descending, vec![8, 1, 2, 3, 4, 5, 6, 7]),
        (Column::HeardOn, Descending, vec![1, 2, 3, 4, 5, 6, 7, 8]),
    ] {
        let query = Query {
            sort: Some((column, direction)),
            ..Query::default()
        };
        assert_eq!(
            ids(&ask(&site, &query)),
            expected,
            "sorted by {column:?}, {direction:?}"
        );
    }
}

#[test]
fn texts_sort_as_people_count() {
    let expected = [
        "A",
        "a\0",
        "a\0\0",
        "a\0b",
        "a b",
        "a long name that goes on and on 9",
        "a long name that goes on and on 10",
        "a-1",
        "a0",
        "a01",
        "a2",
        "A2-1",
        "a2-03",
        "a2-20",
        "a10",
        "a18446744073709551616",
        "a18446744073709551617",
        "a:",
        "ab",
        "ä",
    ];
    for (direction, is_up) in [(Direction::Ascending, true), (Direction::Descending, false)] {
        // The ids are against the order, so that they do not make it by chance.
        let num_names = expected.len() as u64;
        let units = expected.iter().zip(0..).map(|(name, nth)| {
            let id = if is_up { num_names - nth } else { nth + 1 };
            let facts = FileFacts {
                name: (*name).to_owned(),
                ..FileFacts::default()
            };
            filed(id, facts)
        });
        let query = Query {
            sort: Some((Column::Name, direction)),
            ..Query::default()
        };
        let rows = ask(&snapshot(units.collect()), &query);
        let mut slots: Vec<Slot> = rows.order.iter().map(|(slot, _)| *slot).collect();
        if !is_up {
            slots.reverse();
        }
        let sorted: Vec<&str> = slots.iter().map(|slot| expected[*slot as usize]).collect();
        assert_eq!(sorted, expected, "{direction:?}");
    }
}

#[test]
fn another_site_with_the_same_numbers_is_looked_at_anew() {
    let mut cache = RowCache::default();
    let mut site = snapshot(vec![heard(1, "first", [0; 6], None, at(0))]);
    let query = Query {
        text: "name:second".to_owned(),
        ..Query::default()
    };
    assert!(cache.rows(&site, &query).order.is_empty());
    site.units = Units::from_vec(vec![Arc::new(heard(1, "second", [0; 6], None, at(0)))]);
    site.site.path = Some("other.rollcall".into());
    assert_eq!(cache.rows(&site, &query).order.len(), 1);
}

#[test]
fn a_hostile_unit_costs_no_more_than_its_cells() {
    let long = "İ\u{1f}=\"!:".repeat(2_000);
    let facts = FileFacts {
        name: long.clone(),
        note: long.clone(),
        heard_on: long.clone(),
        serial: "9".repeat(70_000),
        ..FileFacts::default()
    };
    let site = snapshot(vec![filed(1, facts)]);
    for text in ["serial:9", "note:i", "=", "!x", "\u{1f}"] {
        for column in Column::ALL {
            let query = Query {
                text: text.to_owned(),
                sort: Some((column, Direction::Descending)),
                ..Query::default()
            };
            assert_eq!(ask(&site, &query).order.len(), 1, "{text:?} by {column:?}");
        }
    }
}

/// The answer without any cache: every cell of every unit is looked at.
fn naive_rows(snapshot: &Snapshot, query: &Query) -> Rows {
    let context = &snapshot.context;
    let is_counted = |counter: Counter, unit: &Appliance| match counter {
        Counter::All => true,
        Counter::New => context.is_new(unit),
        Counter::NoAddress => context.has_no_address(unit),
        Counter::Conflict => context.is_conflict(unit),
        Counter::WrongNetwork => context.is_on_wrong_network(unit),
        Counter::Silent => context.is_silent(unit),
        Counter::OnlyInFile => unit.is_unheard(),
    };
    let terms = parse(&query.text);
    let lower = |column: Column, unit: &Appliance| -> String {
        lower_chars(&column.text(unit, context)).collect()
    };
    let meets = |unit: &Appliance| {
        terms.iter().all(|term| {
            let columns = match term.column {
                Some(column) => vec![column],
                None => Column::ALL.to_vec(),
            };
            let is_found = columns.into_iter().any(|column| {
                let cell = lower(column, unit);
                if term.text.is_empty() {
                    return !cell.is_empty();
                }
                let is_mac = column == Column::Mac;
                cell.contains(&term.text)
                    || (is_mac && term.mac.as_ref().is_some_and(|mac| cell.contains(mac)))
                    || (is_mac && term.is_bare_hex && cell.replace(':', "").contains(&term.text))
            });
            is_found != term.negated
        })
    };
    let mut counts = Counts::default();
    let mut found: Vec<(Slot, &Appliance)> = Vec::new();
    for (slot, unit) in snapshot.units.iter() {
        for (count, counter) in counts.iter_mut().zip(Counter::ALL) {
            *count += u32::from(is_counted(counter, unit));
        }
        if is_counted(query.counter, unit) && meets(unit) {
            found.push((slot, unit));
        }
    }
    found.sort_by(|(_, left), (_, right)| {
        let by_value = query.sort.map(|(column, direction)| {
            let texts = [lower(column, left), lower(column, right)];
            match (texts[0].is_empty(), texts[1].is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => {
                    let order = naive_order(column, [left, right], &texts, context);
                    match direction {
                        Direction::Ascending => order,
                        Direction::Descending => order.reverse(),
                    }
                }
            }
        });
        by_value
            .unwrap_or(Ordering::Equal)
            .then(left.id.cmp(&right.id))
    });
    Rows {
        units_revision: snapshot.units_revision,
        order: found
            .into_iter()
            .map(|(slot, unit)| (slot, unit.id))
            .collect(),
        counts,
    }
}

fn naive_order(
    column: Column,
    [left, right]: [&Appliance; 2],
    texts: &[String; 2],
    context: &StatusContext,
) -> Ordering {
    match column {
        Column::Status => context.status(left).cmp(&context.status(right)),
        Column::Ip => left.ip_value().cmp(&right.ip_value()),
        Column::Gateway => {
            let gateway = |unit: &Appliance| unit.gateway().and_then(|best| best.value);
            gateway(left).cmp(&gateway(right))
        }
        Column::Prefix => {
            let prefix = |unit: &Appliance| unit.prefix().map(|best| best.value);
            prefix(left).cmp(&prefix(right))
        }
        Column::Mac => {
            let mac = |unit: &Appliance| unit.mac().map(|best| best.value);
            mac(left).cmp(&mac(right))
        }
        Column::FirstHeard => left.first_heard().cmp(&right.first_heard()),
        Column::LastHeard => left.last_heard().cmp(&right.last_heard()),
        _ => tokens(&texts[0]).cmp(&tokens(&texts[1])),
    }
}

/// A text as people count: characters, and numbers that stand where `0` does.
fn tokens(text: &str) -> Vec<(char, u128)> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let Some(digit) = c.to_digit(10) else {
            tokens.push((c, 0));
            continue;
        };
        let mut number = u128::from(digit);
        while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
            number = number * 10 + u128::from(digit);
            chars.next();
        }
        tokens.push(('0', number));
    }
    tokens
}

/// Something that happens to a site between two queries.
#[derive(Clone, Debug)]
enum Event {
    Put { slot: usize, unit: Unit },
    Forget { slot: usize },
    Share { last: u8 },
    Ask { closed: u64 },
    Pass { secs: i64 },
}

#[derive(Clone, Debug)]
struct Unit {
    name: String,
    note: String,
    mac: u8,
    ip: Option<[u8; 4]>,
    first_secs: i64,
    is_heard: bool,
    flapped_secs: Option<i64>,
}

fn any_unit() -> impl Strategy<Value = Unit> {
    let name = prop_oneof![
        "[cC]on[0-9]{0,3}",
        "[a-c0-1 \u{0}]{0,6}",
        "[äÄßİσΣ\u{1f}:!\"0-9]{0,4}",
        "shared-prefix-of-many-units-[0-9]{1,4}",
    ];
    let ip = prop_oneof![
        (0..4_u8).prop_map(|last| [10, 0, 0, last]),
        (0..4_u8).prop_map(|last| [192, 168, 160, last]),
    ];
    let flapped_secs = prop::option::weighted(0.2, -400..400_i64);
    (
        name,
        "[a-b0-1]{0,3}",
        any::<u8>(),
        prop::option::of(ip),
        -20..20_i64,
        prop::bool::weighted(0.8),
        flapped_secs,
    )
        .prop_map(
            |(name, note, mac, ip, first_secs, is_heard, flapped_secs)| Unit {
                name,
                note,
                mac,
                ip,
                first_secs,
                is_heard,
                flapped_secs,
            },
        )
}

fn any_event() -> impl Strategy<Value = Event> {
    // The places of three chunks, those around a border more often.
    let slot = || {
        prop_oneof![
            0..8_usize,
            CHUNK_UNITS - 2..CHUNK_UNITS + 2,
            0..3 * CHUNK_UNITS
        ]
    };
    prop_oneof![
        8 => (slot(), any_unit()).prop_map(|(slot, unit)| Event::Put { slot, unit }),
        2 => slot().prop_map(|slot| Event::Forget { slot }),
        1 => (0..4_u8).prop_map(|last| Event::Share { last }),
        1 => (0..6_u64).prop_map(|closed| Event::Ask { closed }),
        2 => (0..200_i64).prop_map(|secs| Event::Pass { secs }),
    ]
}

fn any_query() -> impl Strategy<Value = Query> {
    let term = prop_oneof![
        "!?[a-co0-1]{1,2}",
        "!?(name|note|status|mac|ip|serial):[a-co0-1.]{0,2}",
        "!?\"?[äÄßİσΣ\u{1f} ]{1,2}\"?",
        "!?(mac:)?00(e0|-e0-|e0.)86",
        "!?\"?(new|heard|only in|conf|wrong net)\"?",
        "\\PC{0,6}",
    ];
    let sort = prop::option::of((
        prop::sample::select(&Column::ALL[..]),
        prop::bool::ANY.prop_map(|up| {
            if up {
                Direction::Ascending
            } else {
                Direction::Descending
            }
        }),
    ));
    (
        prop::collection::vec(term, 0..3),
        prop::sample::select(&Counter::ALL[..]),
        sort,
    )
        .prop_map(|(terms, counter, sort)| Query {
            text: terms.join(" "),
            // Most queries of people are over all units.
            counter: if terms.len() == 1 {
                counter
            } else {
                Counter::All
            },
            sort,
        })
}

/// The least of a registry: what happens to the units of a snapshot.
struct Site {
    snapshot: Snapshot,
    num_changes: u64,
}

impl Site {
    fn put(&mut self, slot: usize, unit: Option<Appliance>) {
        let units = &mut self.snapshot.units;
        while units.chunks.len() <= slot / CHUNK_UNITS {
            units.chunks.push(Arc::default());
        }
        let chunk = Arc::make_mut(&mut units.chunks[slot / CHUNK_UNITS]);
        let idx = slot % CHUNK_UNITS;
        if chunk.len() <= idx {
            chunk.resize(idx + 1, None);
        }
        chunk[idx] = unit.map(Arc::new);
        units.len = units.iter().count();
    }

    fn happen(&mut self, event: Event) {
        self.num_changes += 1;
        let context = &mut self.snapshot.context;
        match event {
            Event::Put { slot, unit } => {
                // A unit that is there already changes; otherwise an id that was never used.
                let known = self.snapshot.units.at(slot as Slot).map(|unit| unit.id.0);
                let id = known.unwrap_or(10_000 - self.num_changes);
                let mut appliance = if unit.is_heard {
                    let mac = [0, 0xe0, 0x86, 0, 0, unit.mac];
                    heard(id, &unit.name, mac, unit.ip, at(unit.first_secs))
                } else {
                    filed(
                        id,
                        FileFacts {
                            name: unit.name,
                            ..FileFacts::default()
                        },
                    )
                };
                if let Some(heard) = &mut appliance.heard {
                    heard.flapped = unit.flapped_secs.map(at);
                }
                appliance.typed.note = Some(unit.note);
                appliance.revision = self.num_changes;
                self.put(slot, Some(appliance));
            }
            Event::Forget { slot } => self.put(slot, None),
            Event::Share { last } => {
                let shared = Arc::make_mut(&mut context.shared_ips);
                let ip = Ipv4Addr::new(10, 0, 0, last);
                if shared.remove(&ip).is_none() {
                    shared.insert(ip, 2);
                }
            }
            Event::Ask { closed } => {
                let interfaces = Arc::make_mut(&mut context.interfaces);
                if let Some(interface) = interfaces.get_mut("eth0") {
                    interface.asks.live = closed > 0;
                    interface.asks.closed = closed;
                }
            }
            Event::Pass { secs } => context.now = context.now.plus_millis(secs as u64 * 1_000),
        }
        self.snapshot.units_revision += 1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_cache_answers_as_a_look_at_every_unit_would(
        steps in prop::collection::vec(
            (prop::collection::vec(any_event(), 0..8), any_query()),
            1..12,
        ),
    ) {
        let mut site = Site { snapshot: snapshot(Vec::new()), num_changes: 0 };
        let mut cache = RowCache::default();
        // What the window still shows while the engine goes on.
        let mut shown = Vec::new();
        for (events, query) in steps {
            for event in events {
                site.happen(event);
            }
            shown.push(site.snapshot.clone());
            if shown.len() > 2 {
                shown.remove(0);
            }
            prop_assert_eq!(
                cache.rows(&site.snapshot, &query),
                naive_rows(&site.snapshot, &query),
                "the answer to {:?}", query
            );
        }
    }

    #[test]
    fn no_filter_text_is_too_odd(text in "\\PC{0,60}", raw in prop::collection::vec(any::<char>(), 0..40)) {
        let site = site();
        let raw: String = raw.into_iter().collect();
        for text in [text, raw] {
            let query = Query { text, ..Query::default() };
            prop_assert_eq!(ask(&site, &query), naive_rows(&site, &query));
        }
    }
}

#[test]
fn a_flap_stops_being_a_conflict_when_time_passes() {
    let mut site = site();
    let mut cache = RowCache::default();
    let query = Query {
        text: "con1".to_owned(),
        counter: Counter::Conflict,
        sort: None,
    };
    assert_eq!(ids(&cache.rows(&site, &query)), [5]);
    site.context.now = site.context.now.plus_millis(FLAP_WINDOW_MILLIS);
    assert_eq!(ids(&cache.rows(&site, &query)), Vec::<u64>::new());
}
