//! What a query shows, in tables; `naive` compares with a look at every unit.

mod naive;

use std::collections::{HashMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{Counter, Direction, Query, RowCache, Rows};
use crate::model::appliance::{Appliance, FileFacts, Heard, Presence, Typed};
use crate::model::column::Column;
use crate::model::identity::{ApplianceId, Mac};
use crate::model::network::{Asks, Network};
use crate::model::sighting::Source;
use crate::model::snapshot::{Slot, Snapshot, Units};
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
        probed: None,
        identified: None,
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
        probed: None,
        identified: None,
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
