//! Writing and reading 100,000 units as CSV, each beside the csv crate alone on the same cells.

use std::collections::VecDeque;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rollcall::inventory::{
    Delimiter, FileMeta, Format, WriteStyle, read_inventory, write_inventory,
};
use rollcall::model::appliance::{Appliance, FileFacts, Heard, Presence, Typed};
use rollcall::model::fact::Fact;
use rollcall::model::identity::{ApplianceId, Mac};
use rollcall::model::sighting::Source;
use rollcall::model::status::StatusContext;
use rollcall::model::time::Timestamp;

const NUM_UNITS: u32 = 100_000;

/// Units as a site has them: every second one heard, with what a file said of it before.
fn units() -> Vec<Appliance> {
    (0..NUM_UNITS).map(unit).collect()
}

fn unit(number: u32) -> Appliance {
    let when = Timestamp::from_millis(1_795_349_561_000 + i64::from(number) * 977);
    let known_ip = |ip: u32| Fact::Known {
        value: Some(Ipv4Addr::from_bits(ip)),
        source: Source::Reply,
        when,
    };
    let [_, b, c, d] = number.to_be_bytes();
    let mac = Mac::new([0, 0xe0, 0x86, b, c, d]);
    let ip = 0x0a14_0000 + number;
    let facts = FileFacts {
        name: format!("acs-{number:06}"),
        model: "ACS8048SAC-400".to_owned(),
        class: "console server".to_owned(),
        ip: Some(Ipv4Addr::from_bits(ip)),
        prefix: Some(16),
        gateway: Some(Ipv4Addr::new(10, 20, 0, 1)),
        mac: Some(mac),
        serial: format!("{:010}", 520_000_000 + u64::from(number)),
        part_number: "520-1055-501".to_owned(),
        firmware: "2.30.1.4417".to_owned(),
        heard_on: "eth0".to_owned(),
        heard_by: "reply".to_owned(),
        first_heard: Some(when),
        last_heard: Some(when.plus_millis(60_000)),
        note: if number.is_multiple_of(10) {
            "cabled, \"checked\"".to_owned()
        } else {
            String::new()
        },
        ..FileFacts::default()
    };
    let heard = number.is_multiple_of(2).then(|| Heard {
        name: Fact::Known {
            value: facts.name.clone(),
            source: Source::Reply,
            when,
        },
        mac: Fact::Known {
            value: mac,
            source: Source::Reply,
            when,
        },
        ip: known_ip(ip),
        mask: known_ip(0xffff_0000),
        gateway: known_ip(0x0a14_0001),
        model_number: Some(7),
        modes: Some(0),
        taught: None,
        earlier_ips: Vec::new(),
        flapped: None,
        presence: vec![Presence {
            interface: Arc::from("eth0"),
            last: when,
            answered_search: true,
            heard_at_ask: 1,
        }],
        first: when,
        last: when.plus_millis(60_000),
        last_source: Source::Reply,
        provisional: false,
    });
    Appliance {
        id: ApplianceId(u64::from(number)),
        revision: 1,
        heard,
        probed: None,
        identified: None,
        imported: Some(Arc::new(facts)),
        typed: Typed::default(),
        evidence: VecDeque::new(),
    }
}

fn write(units: &[Appliance], for_spreadsheets: bool, out: &mut Vec<u8>) {
    out.clear();
    let style = WriteStyle {
        format: Format::Csv,
        delimiter: Delimiter::Comma,
        for_spreadsheets,
    };
    write_inventory(
        out,
        units.iter(),
        &StatusContext::default(),
        &[],
        style,
        &FileMeta::default(),
        &mut |_| ControlFlow::Continue(()),
    )
    .expect("memory does not fail");
}

fn inventory(criterion: &mut Criterion) {
    let units = units();
    let mut file = Vec::new();
    write(&units, false, &mut file);
    let cells: Vec<csv::ByteRecord> = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(&file[3..])
        .into_byte_records()
        .map(|record| record.expect("it was just written"))
        .collect();
    let mut out = Vec::with_capacity(file.len() * 2);

    let mut export = criterion.benchmark_group("export 100,000 units");
    export.sample_size(20);
    export.throughput(Throughput::Bytes(file.len() as u64));
    export.bench_function("csv crate alone", |bencher| {
        bencher.iter(|| {
            out.clear();
            let mut csv = csv::WriterBuilder::new()
                .terminator(csv::Terminator::CRLF)
                .buffer_capacity(64 * 1024)
                .from_writer(&mut out);
            for record in &cells {
                csv.write_byte_record(record).expect("memory does not fail");
            }
            csv.flush().expect("memory does not fail");
        });
    });
    export.bench_function("exact", |bencher| {
        bencher.iter(|| write(&units, false, &mut out));
    });
    export.bench_function("for spreadsheets", |bencher| {
        bencher.iter(|| write(&units, true, &mut out));
    });
    export.finish();

    let mut import = criterion.benchmark_group("import 100,000 units");
    import.sample_size(20);
    import.throughput(Throughput::Bytes(file.len() as u64));
    import.bench_function("csv crate alone", |bencher| {
        bencher.iter(|| {
            let mut csv = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(&file[3..]);
            let mut record = csv::StringRecord::new();
            let mut num_cells = 0;
            while csv.read_record(&mut record).expect("it is well-formed") {
                num_cells += record.len();
            }
            black_box(num_cells)
        });
    });
    import.bench_function("rows for an import", |bencher| {
        bencher.iter_with_large_drop(|| {
            let len_bytes = Some(file.len() as u64);
            let read = read_inventory(&mut &file[..], len_bytes, None, &mut |_| {
                ControlFlow::Continue(())
            });
            let read = read.expect("it was just written");
            assert_eq!(read.rows.len(), NUM_UNITS as usize);
            read
        });
    });
    // What the csv crate does when its caller keeps what it read: as records, and as rows of owned texts.
    import.bench_function("csv crate alone, records kept", |bencher| {
        bencher.iter_with_large_drop(|| {
            let csv = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(&file[3..]);
            csv.into_records()
                .map(|record| record.expect("it is well-formed"))
                .collect::<Vec<csv::StringRecord>>()
        });
    });
    import.bench_function("csv crate alone, owned cells kept", |bencher| {
        bencher.iter_with_large_drop(|| {
            let csv = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(&file[3..]);
            csv.into_deserialize()
                .map(|row| row.expect("it is well-formed"))
                .collect::<Vec<[String; 18]>>()
        });
    });
    import.finish();
}

criterion_group!(benches, inventory);
criterion_main!(benches);
