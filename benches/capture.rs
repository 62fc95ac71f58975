//! Reading a capture that is mostly other traffic, beside walking over its blocks alone; and writing records.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rollcall::capture::{
    CaptureInterface, CaptureReader, CaptureWriter, Record, Transport, WriterNote,
};
use rollcall::model::time::Timestamp;
use rollcall::model::traffic::Direction;
use rollcall::wire::encode_raw;

const NUM_PACKETS: u32 = 50_000;

/// One packet in this many is on the watched ports.
const ONE_IN: u32 = 50;

/// UDP in IPv4 in Ethernet, of the sizes that a network sees.
fn frame(nth: u32) -> Vec<u8> {
    let is_ours = nth.is_multiple_of(ONE_IN);
    let payload = if is_ours {
        encode_raw(nth as u16, 0x81, &[(6, b"fra2-r07-kvm1")])
    } else {
        vec![0x5A; [40, 64, 300, 1_400][nth as usize % 4]]
    };
    let port: u16 = if is_ours { 3502 } else { 443 };
    let mut frame = vec![
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xE0, 0x86, 1, 2, 3, 8, 0,
    ];
    frame.extend([0x45, 0]);
    frame.extend((payload.len() as u16 + 28).to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, 17, 0, 0, 10, 20, 4, 17, 10, 20, 4, 2]);
    frame.extend(port.to_be_bytes());
    frame.extend(50_000_u16.to_be_bytes());
    frame.extend((payload.len() as u16 + 8).to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

/// A pcap file in microseconds.
fn capture() -> Vec<u8> {
    let mut file = Vec::new();
    for number in [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        file.extend(number.to_le_bytes());
    }
    for nth in 0..NUM_PACKETS {
        let frame = frame(nth);
        let len = frame.len() as u32;
        for number in [1_795_349_561 + nth / 1_000, nth % 1_000, len, len] {
            file.extend(number.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

fn datagrams_of(file: &[u8]) -> u32 {
    let mut reader = CaptureReader::new(file).expect("the bench's own capture");
    let mut num_datagrams = 0;
    while reader.next().expect("a sound capture").is_some() {
        num_datagrams += 1;
    }
    num_datagrams
}

/// The least that goes from packet to packet and touches each.
fn packets_of(file: &[u8]) -> u32 {
    let mut rest = &file[24..];
    let mut num_packets = 0;
    while let Some((header, after)) = rest.split_first_chunk::<16>() {
        let len = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        black_box(after[len - 1]);
        rest = &after[len..];
        num_packets += 1;
    }
    num_packets
}

fn records() -> Vec<Record> {
    let payload: Arc<[u8]> = Arc::from(encode_raw(7, 0x81, &[(6, b"fra2-r07-kvm1")]));
    (0..1_000)
        .map(|nth| Record {
            when: Timestamp::from_millis(1_795_349_561_000 + nth),
            interface_idx: 0,
            direction: Direction::Heard,
            transport: Transport::Udp,
            from: ([10, 20, 4, 17], 3502).into(),
            to: ([10, 20, 4, 2], 3502).into(),
            payload: Arc::clone(&payload),
            comment: "announcement of fra2-r07-kvm1".to_owned(),
        })
        .collect()
}

fn written(records: &[Record]) -> Vec<u8> {
    let interfaces = [CaptureInterface::default()];
    let mut writer = CaptureWriter::new(Vec::new(), &interfaces, &WriterNote::default())
        .expect("memory takes everything");
    for record in records {
        writer.write(record).expect("memory takes everything");
    }
    writer.finish().expect("memory takes everything")
}

fn captures(criterion: &mut Criterion) {
    let file = capture();
    assert_eq!(datagrams_of(&file), NUM_PACKETS / ONE_IN);
    assert_eq!(packets_of(&file), NUM_PACKETS);
    let records = records();
    let segment = written(&records);
    assert_eq!(datagrams_of(&segment), 1_000);

    let mut group = criterion.benchmark_group("capture");
    group.throughput(Throughput::Elements(u64::from(NUM_PACKETS)));
    group.bench_function("read_mixed", |bencher| {
        bencher.iter(|| datagrams_of(black_box(&file)));
    });
    group.bench_function("walk_mixed", |bencher| {
        bencher.iter(|| packets_of(black_box(&file)));
    });
    group.throughput(Throughput::Elements(records.len() as u64));
    group.bench_function("write_records", |bencher| {
        bencher.iter(|| written(black_box(&records)));
    });
    group.bench_function("read_own_segment", |bencher| {
        bencher.iter(|| datagrams_of(black_box(&segment)));
    });
    group.finish();
}

criterion_group!(benches, captures);
criterion_main!(benches);
