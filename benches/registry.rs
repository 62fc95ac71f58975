//! How fast the registry takes in sightings of 10,000 units. The bar: 500,000 a second of units that are known.
//! The baseline is the least that any answer costs: finding the unit's entry by its MAC, counting there, and keeping
//! the datagram. Sightings are made outside the measured time, each with a datagram of its own as a listener has it.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock and prints"
)]

use std::collections::HashMap;
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rollcall::model::network::{Asks, Network};
use rollcall::model::registry::{Change, Limits, Registry};
use rollcall::model::sighting::{Channel, Claims, RawDatagram, Sighting, Source};
use rollcall::model::status::InterfaceContext;
use rollcall::model::time::Timestamp;
use rollcall::wire::{Claimed, DiscoverReply, Remarks};

/// Units of the bar.
const NUM_UNITS: u32 = 10_000;

/// A prime, so that units follow each other in no order that a cache could guess.
const STRIDE: u32 = 7_919;

/// Sightings between two snapshots, in the variant with a snapshot that is held.
const APPLIES_A_SNAPSHOT: usize = 1_000;

/// Sightings heard of every unit beforehand: more than a unit keeps, so that each new one drops an old one.
const HEARD_BEFORE: usize = 40;

const OPENED: Timestamp = Timestamp::from_millis(1_795_349_561_000);

/// What the units send, as a listener hands it on.
struct Hall {
    interface: Arc<str>,
    replies: Vec<(DiscoverReply, Vec<u8>)>,
    next: u32,
    now: Timestamp,
}

impl Hall {
    fn new() -> Self {
        let replies = (0..NUM_UNITS).map(|unit| {
            let reply = reply(unit);
            let bytes = reply.emit(1);
            (reply, bytes)
        });
        Self {
            interface: Arc::from("eth0"),
            replies: replies.collect(),
            next: 0,
            now: OPENED,
        }
    }

    fn sighting(&mut self) -> Sighting {
        self.next = (self.next + STRIDE) % NUM_UNITS;
        // As if 10,000 units answered every 15 s.
        self.now = self
            .now
            .plus_millis(u64::from(!self.next.is_multiple_of(3)) * 2);
        let (reply, bytes) = &self.replies[self.next as usize];
        let [_, a, b, c] = self.next.to_be_bytes();
        Sighting {
            source: Source::Reply,
            channel: Channel::Udp3502,
            interface: Arc::clone(&self.interface),
            from: SocketAddr::from(([10, a, b, c], 3502)),
            when: self.now,
            claims: Claims::from_reply(reply),
            raw: RawDatagram::keep(bytes),
            remarks: Remarks::NONE,
        }
    }

    fn sightings(&mut self, count: usize) -> Vec<Sighting> {
        (0..count).map(|_| self.sighting()).collect()
    }
}

fn reply(unit: u32) -> DiscoverReply {
    let [_, a, b, c] = unit.to_be_bytes();
    DiscoverReply {
        model_number: Some(14),
        mac: Some([0x00, 0xe0, 0x86, a, b, c]),
        ip: Claimed::Ip([10, a, b, c].into()),
        mask: Claimed::Ip([255, 0, 0, 0].into()),
        gateway: Claimed::Ip([10, 255, 0, 1].into()),
        host_name: Some(format!("acs-{unit:05}")),
        modes: Some(4),
    }
}

/// An empty registry as the engine has it, with two interfaces.
fn registry(limits: Limits) -> Registry {
    let mut registry = Registry::new(limits, OPENED);
    let interfaces = ["eth0", "enp3s0"].into_iter().enumerate();
    let interfaces = interfaces.map(|(idx, name)| {
        let context = InterfaceContext {
            networks: vec![Network {
                ip: Ipv4Addr::new(10, 255, 255, 1 + idx as u8),
                prefix_len: 8,
            }],
            asks: Asks {
                sent: 100,
                closed: 100,
                floor: 0,
                live: true,
            },
        };
        (Arc::from(name), context)
    });
    registry.set_interfaces(interfaces.collect());
    registry
}

/// A registry that has known every unit for a long time.
fn full_registry(hall: &mut Hall) -> Registry {
    let mut registry = registry(Limits::default());
    for _ in 0..HEARD_BEFORE * NUM_UNITS as usize {
        registry.apply(hall.sighting());
    }
    assert_eq!(registry.len(), NUM_UNITS as usize);
    registry
}

/// What every answer must do: find the unit by its MAC, count, and keep the datagram.
#[derive(Default)]
struct Baseline(HashMap<[u8; 6], u64>);

impl Baseline {
    fn apply(&mut self, sighting: &Sighting) -> Arc<[u8]> {
        if let Some(mac) = sighting.claims.mac {
            *self.0.entry(mac.octets()).or_insert(0) += 1;
        }
        Arc::clone(&sighting.raw.bytes)
    }
}

/// The time that `take` needs for `count` sightings, which are made in portions beside.
fn measured(hall: &mut Hall, count: u64, mut take: impl FnMut(Vec<Sighting>)) -> Duration {
    let mut left = usize::try_from(count).unwrap_or(usize::MAX);
    let mut taken = Duration::ZERO;
    while left > 0 {
        let portion = hall.sightings(left.min(APPLIES_A_SNAPSHOT));
        left -= portion.len();
        let begin = Instant::now();
        take(portion);
        taken += begin.elapsed();
    }
    taken
}

fn take_known(registry: &mut Registry, sightings: Vec<Sighting>) {
    for sighting in sightings {
        let change = registry.apply(sighting);
        debug_assert!(matches!(change, Change::Known(_)), "it is {change:?}");
    }
}

fn known_units(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("registry/10000");
    group
        .throughput(Throughput::Elements(1))
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    let mut hall = Hall::new();

    let mut baseline = Baseline::default();
    group.bench_function("baseline: count by MAC, keep the datagram", |bencher| {
        bencher.iter_custom(|count| {
            measured(&mut hall, count, |sightings| {
                for sighting in sightings {
                    black_box(baseline.apply(&sighting));
                }
            })
        });
    });

    let mut registry = full_registry(&mut hall);
    group.bench_function("known unit", |bencher| {
        bencher.iter_custom(|count| {
            measured(&mut hall, count, |sightings| {
                take_known(&mut registry, sightings);
            })
        });
    });

    // As publishing does: what a snapshot shows is copied before it changes.
    let mut shown = registry.units();
    group.bench_function("known unit, a snapshot held every 1,000", |bencher| {
        bencher.iter_custom(|count| {
            measured(&mut hall, count, |sightings| {
                take_known(&mut registry, sightings);
                shown = registry.units();
            })
        });
    });
    drop(shown);

    // One unit without a MAC, and every sighting has to be compared with where it was heard, too.
    let mut nameless = hall.sighting();
    nameless.claims = Claims::default();
    nameless.from = SocketAddr::from(([10, 200, 0, 1], 3502));
    registry.apply(nameless);
    group.bench_function("known unit, beside one without a MAC", |bencher| {
        bencher.iter_custom(|count| {
            measured(&mut hall, count, |sightings| {
                take_known(&mut registry, sightings);
            })
        });
    });
    group.finish();
}

fn new_units(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("registry/new");
    group
        .throughput(Throughput::Elements(u64::from(NUM_UNITS)))
        .sample_size(20);
    let mut hall = Hall::new();
    // Every unit has an address of its own, and none of them is taken for a flood.
    let limits = Limits {
        senders: NUM_UNITS as usize,
        ..Limits::default()
    };
    group.bench_function("10,000 new units", |bencher| {
        bencher.iter_custom(|count| {
            let mut taken = Duration::ZERO;
            for _ in 0..count {
                let sightings = hall.sightings(NUM_UNITS as usize);
                let mut registry = registry(limits);
                let begin = Instant::now();
                for sighting in sightings {
                    black_box(registry.apply(sighting));
                }
                taken += begin.elapsed();
                assert_eq!(registry.len(), NUM_UNITS as usize, "all are taken");
            }
            taken
        });
    });
    group.finish();
}

/// The rate, and the baseline's, in turns, so that what else the machine does hits both.
fn rates(_: &mut Criterion) {
    const NUM_ROUNDS: usize = 9;
    const COUNT: u64 = 200_000;
    let mut hall = Hall::new();
    let mut registry = full_registry(&mut hall);
    let mut baseline = Baseline::default();
    let mut shown = registry.units();
    let mut rounds: Vec<[f64; 3]> = Vec::new();
    for _ in 0..NUM_ROUNDS {
        let bare = measured(&mut hall, COUNT, |sightings| {
            for sighting in sightings {
                black_box(baseline.apply(&sighting));
            }
        });
        shown = rollcall::model::snapshot::Units::default();
        let known = measured(&mut hall, COUNT, |sightings| {
            take_known(&mut registry, sightings);
        });
        let held = measured(&mut hall, COUNT, |sightings| {
            take_known(&mut registry, sightings);
            shown = registry.units();
        });
        rounds.push([bare, known, held].map(|taken| COUNT as f64 / taken.as_secs_f64()));
    }
    let median = |which: usize| {
        let mut rates: Vec<f64> = rounds.iter().map(|round| round[which]).collect();
        rates.sort_unstable_by(f64::total_cmp);
        rates[NUM_ROUNDS / 2]
    };
    println!(
        "registry: {:.0} sightings of known units a second, {:.0} with a snapshot held every 1,000 (bar: 500,000); \
         the baseline does {:.0}",
        median(1),
        median(2),
        median(0)
    );
    drop(shown);
}

criterion_group!(benches, known_units, new_units, rates);
criterion_main!(benches);
