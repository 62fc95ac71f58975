//! A taught decoder on a discover reply, beside the built-in one on the same bytes; and as the last of many.

use std::fmt::Write as _;
use std::hint::black_box;
use std::net::Ipv4Addr;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rollcall::taught::{Decoders, MAX_DECODERS, parse};
use rollcall::wire::{Claimed, DiscoverReply, PORT_INSTALL, decode};

/// AIDP's own discover reply, as a person would teach it: every field that a reply has.
const AIDP: &str = r#"
[[decoder]]
name = "discover reply"
match = [{ offset = 0, bytes = "0141494450" }, { offset = 7, bytes = "81" }]
min_length = 12
tlv = { begin = 12, type_bytes = 1, length_bytes = 2, end_type = 0xff }
field = [
    { fact = "model", type = 1, as = "decimal" },
    { fact = "mac", type = 2 },
    { fact = "ip", type = 3 },
    { fact = "mask", type = 4 },
    { fact = "gateway", type = 5 },
    { fact = "name", type = 6 },
    { fact = "firmware", type = 7, as = "decimal" },
]
"#;

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

fn decoders(text: &str) -> Decoders {
    let (list, refused) = parse(text, "bench");
    assert!(refused.is_empty(), "{refused:?}");
    let mut decoders = Decoders::default();
    for decoder in list {
        decoders.push(decoder).expect("the names differ");
    }
    decoders
}

/// As many decoders as there may be, of which the last one matches.
fn last_of_many() -> Decoders {
    let mut many = Decoders::default();
    for chunk in 0..MAX_DECODERS / 64 {
        let mut text = String::new();
        for idx in 0..64 - usize::from(chunk == 3) {
            write!(
                text,
                "[[decoder]]\nname = \"{chunk}-{idx}\"\nmatch = [{{ offset = 0, bytes = \"0141494450\" }}, {{ offset = 5, bytes = \"ff{idx:02x}\" }}]\nfield = [{{ fact = \"mac\", offset = 8 }}]\n"
            )
            .expect("writing to a string does not fail");
        }
        for decoder in decoders(&text).iter() {
            many.push(decoder.clone()).expect("the names differ");
        }
    }
    for decoder in decoders(AIDP).iter() {
        many.push(decoder.clone()).expect("there is room for one");
    }
    assert_eq!(many.len(), MAX_DECODERS);
    many
}

fn taught_beside_built_in(criterion: &mut Criterion) {
    let bytes = reply().emit(7);
    let built_in = decode(&bytes).expect("the bench's own reply is well-formed");
    let one = decoders(AIDP);
    let many = last_of_many();
    for set in [&one, &many] {
        let taught = set
            .first_match(PORT_INSTALL, &bytes)
            .expect("it matches its own description");
        assert_eq!(taught.fields.len(), 7, "the same facts are read");
        assert_eq!(taught.claims.host_name, reply().host_name);
        assert_eq!(set.first_claims(PORT_INSTALL, &bytes), Some(taught.claims));
        assert!(built_in.remarks.iter().next().is_none());
    }
    let stranger = b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n";
    assert_eq!(many.first_match(PORT_INSTALL, stranger), None);

    let mut group = criterion.benchmark_group("taught");
    group.throughput(Throughput::Elements(1));
    group.bench_function("built_in", |bencher| {
        bencher.iter(|| decode(black_box(&bytes)));
    });
    group.bench_function("one_decoder", |bencher| {
        bencher.iter(|| one.first_claims(PORT_INSTALL, black_box(&bytes)));
    });
    group.bench_function("one_decoder_with_texts_and_places", |bencher| {
        bencher.iter(|| one.first_match(PORT_INSTALL, black_box(&bytes)));
    });
    group.bench_function("last_of_256_with_texts_and_places", |bencher| {
        bencher.iter(|| many.first_match(PORT_INSTALL, black_box(&bytes)));
    });
    group.bench_function("last_of_256", |bencher| {
        bencher.iter(|| many.first_claims(PORT_INSTALL, black_box(&bytes)));
    });
    group.bench_function("none_of_256", |bencher| {
        bencher.iter(|| many.first_claims(PORT_INSTALL, black_box(stranger)));
    });
    group.finish();
}

criterion_group!(benches, taught_beside_built_in);
criterion_main!(benches);
