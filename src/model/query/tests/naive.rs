//! The cache never shows anything else than a look at every cell of every unit would, whatever happens to a site
//! between two queries.

use std::cmp::Ordering;
use std::net::Ipv4Addr;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::parse::{lower_chars, parse};
use super::{ask, at, filed, heard, site, snapshot};
use crate::model::appliance::{Appliance, FileFacts};
use crate::model::column::Column;
use crate::model::query::{Counter, Counts, Direction, Query, RowCache, Rows};
use crate::model::snapshot::{CHUNK_UNITS, Slot, Snapshot};
use crate::model::status::StatusContext;

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
