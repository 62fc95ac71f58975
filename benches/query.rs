//! Filtering and sorting the grid. The bars: 10,000 rows in 5 ms, 100,000 rows in 60 ms, all columns searched.
//! The baseline is the least that any answer costs: one look through the same texts and one plain sort of numbers.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rollcall::model::column::Column;
use rollcall::model::query::{Counter, Direction, Query, RowCache};
use rollcall::model::snapshot::Snapshot;

#[path = "../tests/support/mod.rs"]
mod support;

fn query(text: &str, sort: Option<Column>) -> Query {
    Query {
        text: text.to_owned(),
        counter: Counter::All,
        sort: sort.map(|column| (column, Direction::Ascending)),
    }
}

/// Every text of a row in one, and its address as a number.
fn plain_rows(snapshot: &Snapshot) -> Vec<(String, u32)> {
    let rows = snapshot.units.iter().map(|(_, unit)| {
        let mut text = String::new();
        for column in Column::ALL {
            column.write_text(unit, &snapshot.context, &mut text);
            text.push('\u{1f}');
        }
        let ip = unit.ip_value().map_or(u32::MAX, Ipv4Addr::to_bits);
        (text.to_lowercase(), ip)
    });
    rows.collect()
}

fn bench_rows(c: &mut Criterion) {
    for num_units in [10_000, 100_000] {
        let snapshot = support::snapshot_of(num_units);
        let mut group = c.benchmark_group(format!("query/{num_units}"));
        group
            .sample_size(20)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(2));

        let rows = plain_rows(&snapshot);
        group.bench_function("baseline: scan and plain sort", |b| {
            b.iter(|| {
                let found = rows.iter().filter(|(text, _)| text.contains("rack"));
                let mut ips: Vec<u32> = found.map(|(_, ip)| *ip).collect();
                ips.sort_unstable_by_key(|ip| *ip);
                ips
            });
        });

        let mut cache = RowCache::default();
        for (name, query) in [
            // In nine of ten rows, so that the sort has its work, too.
            ("word, by ip", query("rack", Some(Column::Ip))),
            ("column, by name", query("name:con", Some(Column::Name))),
            ("no filter, by name", query("", Some(Column::Name))),
            ("three words, unsorted", query("rack7 eth0 !silent", None)),
            ("a word that is nowhere", query("zzz", None)),
        ] {
            group.bench_function(name, |b| {
                b.iter(|| cache.rows(&snapshot, black_box(&query)));
            });
        }

        // What a closed ask does: every status is derived again.
        let mut asked = snapshot.clone();
        let mut interfaces = (*asked.context.interfaces).clone();
        if let Some(interface) = interfaces.get_mut("eth0") {
            interface.asks.closed += 1;
        }
        asked.context.interfaces = interfaces.into();
        let by_ip = query("rack", Some(Column::Ip));
        let mut snapshots = [&snapshot, &asked].into_iter().cycle();
        group.bench_function("word, by ip, every status anew", |b| {
            b.iter(|| {
                snapshots
                    .next()
                    .map(|snapshot| cache.rows(snapshot, &by_ip))
            });
        });

        group.bench_function("cold, word, by ip", |b| {
            b.iter_batched(
                RowCache::default,
                |mut cache| {
                    let rows = cache.rows(&snapshot, &by_ip);
                    (cache, rows)
                },
                BatchSize::PerIteration,
            );
        });
        group.finish();
    }
}

criterion_group!(benches, bench_rows);
criterion_main!(benches);
