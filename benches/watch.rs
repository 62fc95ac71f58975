//! What looking at a datagram for findings costs, beside decoding it: a known unit of an ordinary hall answers.

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rollcall::model::finding::ManagementNetwork;
use rollcall::model::network::Network;
use rollcall::model::sighting::{Channel, Claims, RawDatagram, Source};
use rollcall::model::time::Timestamp;
use rollcall::watch::{Heard, Limits, Said, WatchedInterface, Watcher};
use rollcall::wire::{Claimed, DiscoverReply, decode};

const NUM_UNITS: u32 = 600;

fn reply(unit: u32) -> DiscoverReply {
    let [_, _, high, low] = unit.to_be_bytes();
    DiscoverReply {
        model_number: Some(16),
        mac: Some([0x00, 0xE0, 0x86, 0x12, high, low]),
        ip: Claimed::Ip(Ipv4Addr::new(10, 20, high + 1, low)),
        mask: Claimed::Ip(Ipv4Addr::new(255, 255, 0, 0)),
        gateway: Claimed::Ip(Ipv4Addr::new(10, 20, 0, 1)),
        host_name: Some(format!("fra2-r07-kvm{unit}")),
        modes: Some(5),
    }
}

fn see_beside_decode(criterion: &mut Criterion) {
    let interface: Arc<str> = Arc::from("eth0");
    let units: Vec<_> = (0..NUM_UNITS)
        .map(|unit| {
            let reply = reply(unit);
            let bytes = reply.emit(7);
            let ip = reply.ip.ip().expect("it claims one");
            let from = SocketAddr::from((ip, 3502));
            (from, Claims::from_reply(&reply), RawDatagram::keep(&bytes))
        })
        .collect();
    let mut watcher = Watcher::new(Limits::default());
    watcher.set_interfaces(vec![WatchedInterface {
        name: Arc::clone(&interface),
        shown_name: "eth0".to_owned(),
        networks: vec![Network {
            ip: Ipv4Addr::new(10, 20, 0, 5),
            prefix_len: 16,
        }],
    }]);
    let management = [ManagementNetwork {
        cidr: "10.20.0.0/16".to_owned(),
        vlan: String::new(),
    }];
    watcher.set_management(&management, Timestamp::from_millis(0));

    let mut group = criterion.benchmark_group("watch");
    group.throughput(Throughput::Elements(1));
    let (mut idx, mut now) = (0, Timestamp::from_millis(0));
    group.bench_function("see_known_unit", |bencher| {
        bencher.iter(|| {
            let (from, claims, raw) = &units[idx % units.len()];
            idx += 1;
            now = now.plus_millis(1);
            // One unit a millisecond: a hall that answers without a break.
            watcher.see(black_box(&Heard {
                interface: &interface,
                channel: Channel::Udp3502,
                from: *from,
                when: now,
                raw,
                said: Said::Claims {
                    source: Source::Reply,
                    claims,
                },
            }));
        });
    });
    watcher.tick(now.plus_millis(5_000));
    assert_eq!(watcher.findings().len(), 0, "an ordinary hall");
    let bytes = reply(1).emit(7);
    group.bench_function("decode_discover_reply", |bencher| {
        bencher.iter(|| decode(black_box(&bytes)));
    });
    group.finish();
}

criterion_group!(benches, see_beside_decode);
criterion_main!(benches);
