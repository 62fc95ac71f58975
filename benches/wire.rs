//! Decoding a discover reply into its meaning, beside a hand-rolled scan of the same bytes.

use std::hint::black_box;
use std::net::Ipv4Addr;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rollcall::wire::{Claimed, DiscoverReply, Message, decode};

fn reply() -> DiscoverReply {
    DiscoverReply {
        model_number: Some(16),
        mac: Some([0x00, 0xE0, 0x86, 0x12, 0x34, 0x56]),
        ip: Claimed::Ip(Ipv4Addr::new(10, 20, 4, 17)),
        mask: Claimed::Ip(Ipv4Addr::new(255, 255, 255, 0)),
        gateway: Claimed::Ip(Ipv4Addr::new(10, 20, 4, 1)),
        host_name: Some("fra2-r07-kvm1".to_owned()),
        modes: Some(5),
    }
}

/// What the baseline finds: the same facts, without remarks, reasons or care for hostile bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Scanned {
    model_number: u16,
    mac: [u8; 6],
    ip: [u8; 4],
    mask: [u8; 4],
    gateway: [u8; 4],
    host_name: String,
    modes: u8,
}

/// The least that reads these facts out of these bytes. The host name becomes a string here too,
/// since both sides hand over values that outlive the datagram.
fn hand_rolled_scan(bytes: &[u8]) -> Option<Scanned> {
    if !bytes.starts_with(b"\x01AIDP") || bytes.get(7) != Some(&0x81) {
        return None;
    }
    let mut scanned = Scanned::default();
    let mut rest = bytes.get(12..)?;
    while let [kind, high, low, after @ ..] = rest {
        let (value, next) =
            after.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
        match kind {
            1 => scanned.model_number = u16::from_be_bytes(value.try_into().ok()?),
            2 => scanned.mac = value.try_into().ok()?,
            3 => scanned.ip = value.try_into().ok()?,
            4 => scanned.mask = value.try_into().ok()?,
            5 => scanned.gateway = value.try_into().ok()?,
            6 => scanned.host_name.push_str(std::str::from_utf8(value).ok()?),
            7 => scanned.modes = *value.first()?,
            _ => {}
        }
        rest = next;
    }
    Some(scanned)
}

fn decode_beside_scan(criterion: &mut Criterion) {
    let reply = reply();
    let bytes = reply.emit(7);
    let decoded = decode(&bytes).expect("the bench's own reply is well-formed");
    assert_eq!(decoded.message, Message::DiscoverReply(reply));
    let scanned = hand_rolled_scan(&bytes).expect("the baseline reads the same reply");
    assert_eq!(scanned.host_name, "fra2-r07-kvm1");
    assert_eq!(scanned.modes, 5);

    let mut group = criterion.benchmark_group("wire");
    group.throughput(Throughput::Elements(1));
    group.bench_function("decode_discover_reply", |bencher| {
        bencher.iter(|| decode(black_box(&bytes)));
    });
    group.bench_function("hand_rolled_scan", |bencher| {
        bencher.iter(|| hand_rolled_scan(black_box(&bytes)));
    });
    group.finish();
}

criterion_group!(benches, decode_beside_scan);
criterion_main!(benches);
