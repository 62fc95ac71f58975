//! Captures that lie: every refusal names the packet or block and the byte, costs nothing, and comes after what was sound.
//! And what few captures have: old packets, packets without a time, odd clocks, streams with holes.

use std::net::{Ipv4Addr, SocketAddr};

use rollcall::capture::{CaptureReader, Datagram, MAX_BLOCK_BYTES, Skipped, Transport};
use rollcall::model::traffic::Direction;

const REQUEST: [u8; 19] = [
    0x01, 0x41, 0x49, 0x44, 0x50, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x06, 0x01, 0x00, 0x02, 0x01,
    0x08, 0xff, 0x0d,
];

/// A block of a pcapng file, little endian.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let len = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes()[..], &len, &body, &len].concat()
}

fn section() -> Vec<u8> {
    let mut body = 0x1A2B_3C4D_u32.to_le_bytes().to_vec();
    body.extend([1, 0, 0, 0]);
    body.extend([0xFF; 8]);
    block(0x0A0D_0D0A, &body)
}

fn interface(link_type: u16, options: &[u8]) -> Vec<u8> {
    let head = [&link_type.to_le_bytes()[..], &[0; 6]].concat();
    block(1, &[&head, options].concat())
}

fn enhanced(interface_id: u32, units: u64, packet: &[u8], options: &[u8]) -> Vec<u8> {
    let len = packet.len() as u32;
    let mut body = Vec::new();
    for number in [interface_id, (units >> 32) as u32, units as u32, len, len] {
        body.extend(number.to_le_bytes());
    }
    body.extend(packet);
    body.resize(body.len().next_multiple_of(4), 0);
    block(6, &[&body, options].concat())
}

/// IPv4 without a checksum, from 10.20.4.17 to 10.20.4.2.
fn ip(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((payload.len() as u16 + 20).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, protocol, 0, 0, 10, 20, 4, 17, 10, 20, 4, 2]);
    packet.extend(payload);
    packet
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let ports = [&3502_u16.to_be_bytes()[..], &49_152_u16.to_be_bytes()].concat();
    let len = (payload.len() as u16 + 8).to_be_bytes();
    ip(17, &[&ports, &len[..], &[0, 0], payload].concat())
}

const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;
const RST: u8 = 4;

fn tcp(sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = 3502_u16.to_be_bytes().to_vec();
    segment.extend(49_152_u16.to_be_bytes());
    segment.extend(sequence.to_be_bytes());
    segment.extend([0, 0, 0, 0, 0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]);
    segment.extend(payload);
    ip(6, &segment)
}

struct Drained {
    datagrams: Vec<Datagram>,
    error: String,
    skipped: Skipped,
    packets: u64,
}

fn drain(bytes: &[u8]) -> Drained {
    let mut drained = Drained {
        datagrams: Vec::new(),
        error: String::new(),
        skipped: Skipped::default(),
        packets: 0,
    };
    match CaptureReader::new(bytes) {
        Ok(mut reader) => {
            loop {
                match reader.next() {
                    Ok(Some(datagram)) => drained.datagrams.push(datagram),
                    Ok(None) => break,
                    Err(error) => drained.error = error.to_string(),
                }
            }
            drained.skipped = reader.skipped();
            drained.packets = reader.packets_read();
        }
        Err(error) => drained.error = error.to_string(),
    }
    drained
}

/// A sound packet, then what `after` says; one datagram, then this error.
#[track_caller]
fn check_refused(after: &[u8], error: &str) {
    let sound = [
        section(),
        interface(101, &[]),
        enhanced(0, 0, &udp(&REQUEST), &[]),
    ]
    .concat();
    let drained = drain(&[&sound, after].concat());
    assert_eq!(drained.datagrams.len(), 1, "what came before is given");
    assert_eq!(
        drained.error,
        error.replace("HERE", &sound.len().to_string())
    );
}

#[test]
fn every_refusal_says_what_and_where() {
    let lies = |kind: u32, len: u32| [kind.to_le_bytes(), len.to_le_bytes(), [0; 4]].concat();
    check_refused(
        &lies(6, u32::MAX),
        "packet 2 at byte HERE: block of 4294967295 bytes is longer than 16777216",
    );
    check_refused(
        &lies(77, MAX_BLOCK_BYTES + 4),
        "block 4 at byte HERE: block of 16777220 bytes is longer than 16777216",
    );
    check_refused(
        &lies(6, 0),
        "packet 2 at byte HERE: block of 0 bytes is shorter than 12",
    );
    check_refused(
        &lies(6, 12),
        "packet 2 at byte HERE: block of 12 bytes that ends as one of 0",
    );
    check_refused(
        &lies(5, 13),
        "block 4 at byte HERE: block of 13 bytes, which is not a multiple of 4",
    );
    check_refused(
        &lies(5, MAX_BLOCK_BYTES),
        "block 4 at byte HERE: the file ends after 12 of 16777216 bytes",
    );
    check_refused(
        &[6, 0, 0],
        "block 4 at byte HERE: the file ends after 3 of 12 bytes",
    );
    check_refused(
        &block(6, &[0; 16]),
        "packet 2 at byte HERE: block of 28 bytes is shorter than 32",
    );
    check_refused(
        &enhanced(7, 0, &udp(&REQUEST), &[]),
        "packet 2 at byte HERE: interface 7 of 1",
    );
    check_refused(
        &enhanced(0, 0, &udp(&REQUEST), &[1, 0, 100, 0, b'x', 0, 0, 0]),
        "packet 2 at byte HERE: option 1 of 100 bytes runs past its block by 96",
    );
    check_refused(
        &interface(1, &[9, 0, 0xFF, 0xFF]),
        "block 4 at byte HERE: option 9 of 65535 bytes runs past its block by 65536",
    );
    let mut overrun = enhanced(0, 0, &udp(&REQUEST), &[]);
    overrun[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
    check_refused(
        &overrun,
        "packet 2 at byte HERE: packet of 4294967295 bytes in a block with room for 48",
    );
    let mut other_order = section();
    other_order[8] = 0;
    check_refused(
        &other_order,
        "block 4 at byte HERE: the byte order mark is 1a2b3c00",
    );
    let mut other_version = section();
    other_version[12] = 9;
    check_refused(
        &other_version,
        "block 4 at byte HERE: version 9.0 of the format is unknown",
    );
    check_refused(
        &interface(1, &[]).repeat(4_096),
        &format!(
            "block 4099 at byte {}: more than 4096 interfaces",
            section().len()
                + interface(1, &[]).len() * 4_096
                + enhanced(0, 0, &udp(&REQUEST), &[]).len()
        ),
    );
}

#[test]
fn what_is_no_capture_is_refused_at_once() {
    let refused = [
        (&b""[..], "not a capture file, it is empty"),
        (b"PK", "not a capture file, it begins with the bytes 50 4b"),
        (
            b"name,serial\n",
            "not a capture file, it begins with the bytes 6e 61 6d 65",
        ),
        (
            &[0x1F, 0x8B, 8, 0],
            "not a capture file, it is compressed with gzip",
        ),
        (
            &[0xD4, 0xC3, 0xB2, 0xA1, 2, 0],
            "block 1 at byte 0: the file ends after 6 of 24 bytes",
        ),
    ];
    for (bytes, error) in refused {
        assert_eq!(drain(bytes).error, error);
    }
    let mut long = [
        0xA1B2_C3D4_u32,
        0x0004_0002,
        0,
        0,
        0,
        101,
        0,
        0,
        300_000,
        300_000,
    ]
    .map(u32::to_le_bytes)
    .concat();
    long.extend([0; 100]);
    assert_eq!(
        drain(&long).error,
        "packet 1 at byte 24: packet of 300000 bytes is longer than 262144"
    );
}

/// Of one datagram in the file.
fn millis_of(file: &[u8]) -> i64 {
    let drained = drain(file);
    assert_eq!((drained.datagrams.len(), drained.error.as_str()), (1, ""));
    drained.datagrams[0].when.as_millis()
}

#[test]
fn clocks_of_interfaces_are_followed() {
    let at = |options: &[u8], units| {
        let packet = enhanced(0, units, &udp(&REQUEST), &[]);
        millis_of(&[section(), interface(101, options), packet].concat())
    };
    assert_eq!(at(&[], 1_795_349_561_250_000), 1_795_349_561_250);
    assert_eq!(
        at(&[9, 0, 1, 0, 3, 0, 0, 0], 1_795_349_561_250),
        1_795_349_561_250
    );
    assert_eq!(at(&[9, 0, 1, 0, 0x8A, 0, 0, 0], 2_560), 2_500);
    assert_eq!(at(&[9, 0, 1, 0, 0x7F, 0, 0, 0], u64::MAX), 0);
    let hour = [&[14, 0, 8, 0][..], &3_600_i64.to_le_bytes()].concat();
    assert_eq!(at(&hour, 1_000), 3_600_001);
    let earliest = [&[14, 0, 8, 0][..], &i64::MIN.to_le_bytes()].concat();
    assert_eq!(at(&earliest, 1_000), i64::MIN);
}

#[test]
fn packets_of_every_kind_are_read_and_counted_as_tshark_counts() {
    let packet = udp(&REQUEST);
    let len = (packet.len() as u32).to_le_bytes();
    // Interface 0, 3 dropped, a time, both lengths; and direction as in enhanced packets.
    let mut old = [
        &[0, 0, 3, 0, 0, 0, 0, 0, 0x40, 0x42, 0x0F, 0][..],
        &len,
        &len,
    ]
    .concat();
    old.extend(&packet);
    old.resize(old.len().next_multiple_of(4), 0);
    old.extend([2, 0, 4, 0, 2, 0, 0, 0]);
    let simple = [&len[..], &packet].concat();
    let file = [
        section(),
        interface(101, &[]),
        block(5, &[0; 16]),
        block(9, b"__REALTIME_TIMESTAMP=1\n"),
        block(0xBAD, &[0; 8]),
        block(2, &old),
        block(3, &simple),
        block(0x1234_5678, &[0xFF; 40]),
        enhanced(0, 9_000_000, &packet, &[]),
    ]
    .concat();
    let drained = drain(&file);
    assert_eq!(drained.error, "");
    let found: Vec<(u64, i64, Option<Direction>)> = drained
        .datagrams
        .iter()
        .map(|datagram| {
            (
                datagram.packet,
                datagram.when.as_millis(),
                datagram.direction,
            )
        })
        .collect();
    // A simple packet has no time: it has that of the one before.
    assert_eq!(
        found,
        [
            (3, 1_000, Some(Direction::Sent)),
            (4, 1_000, None),
            (5, 9_000, None)
        ]
    );
    assert_eq!((drained.packets, drained.skipped.without_time), (5, 1));
}

#[test]
fn other_link_types_are_counted_and_named() {
    let file = [
        section(),
        interface(127, &[]),
        enhanced(0, 0, &[0; 60], &[]),
        enhanced(0, 0, &[0; 60], &[]),
    ]
    .concat();
    assert_eq!(
        drain(&file).skipped.sentences(),
        ["2 packets of a link type that is not read (127)"]
    );
}

#[test]
fn other_ports_are_read_when_asked_for() {
    let mut packet = udp(&REQUEST);
    packet[20..22].copy_from_slice(&161_u16.to_be_bytes());
    let file = [section(), interface(101, &[]), enhanced(0, 0, &packet, &[])].concat();
    assert!(drain(&file).datagrams.is_empty());
    let mut reader = CaptureReader::new(&file[..])
        .expect("a capture")
        .watching([161]);
    let datagram = reader.next().expect("well-formed").expect("SNMP");
    assert_eq!(
        datagram.from,
        SocketAddr::from((Ipv4Addr::new(10, 20, 4, 17), 161))
    );
}

/// The messages in a stream: their bytes, the packet that completed each, and how long each was.
fn stream(segments: &[Vec<u8>]) -> (Vec<(Vec<u8>, u64, u32)>, Skipped) {
    let mut file = [section(), interface(101, &[])].concat();
    for segment in segments {
        file.extend(enhanced(0, 0, segment, &[]));
    }
    let drained = drain(&file);
    assert_eq!(drained.error, "");
    let messages = drained
        .datagrams
        .into_iter()
        .map(|datagram| {
            assert_eq!(datagram.transport, Transport::Tcp);
            (
                datagram.raw.bytes.to_vec(),
                datagram.packet,
                datagram.raw.full_len,
            )
        })
        .collect();
    (messages, drained.skipped)
}

#[test]
fn streams_are_put_into_order_and_nothing_comes_twice() {
    let two = [REQUEST, REQUEST].concat();
    // The sequence numbers run over their end on the way.
    let start = u32::MAX - 20;
    let at = |from: usize, to: usize| tcp(start.wrapping_add(1 + from as u32), ACK, &two[from..to]);
    let segments = [
        tcp(start, SYN, &[]),
        at(0, 10),
        at(25, 38),
        at(0, 10),
        at(20, 25),
        tcp(start, SYN, &[]),
        at(5, 20),
        at(10, 38),
        tcp(start.wrapping_add(39), FIN | ACK, &[]),
    ];
    let (messages, skipped) = stream(&segments);
    // 20 to 38 were held; packet 7 filled the gap before them.
    assert_eq!(
        messages,
        [(REQUEST.to_vec(), 7, 19), (REQUEST.to_vec(), 7, 19)]
    );
    assert!(skipped.is_empty(), "{:?}", skipped.sentences());
}

#[test]
fn a_message_without_its_end_comes_when_the_stream_ends() {
    let half = REQUEST[..10].to_vec();
    for last in [
        Some(tcp(11, FIN | ACK, &[])),
        Some(tcp(11, RST, &[])),
        Some(tcp(5_000_000, SYN, &[])),
        None,
    ] {
        let mut segments = vec![tcp(0, SYN, &[]), tcp(1, ACK, &half)];
        segments.extend(last);
        assert_eq!(stream(&segments).0, [(half.clone(), 2, 10)]);
    }
}

#[test]
fn a_hole_in_a_stream_is_counted_and_given_up() {
    let segments = [
        tcp(1, ACK, &REQUEST),
        tcp(20, ACK, &REQUEST[..12]),
        // 7 bytes are missing.
        tcp(39, ACK, &REQUEST),
    ];
    let (messages, skipped) = stream(&segments);
    assert_eq!(
        messages,
        [
            (REQUEST.to_vec(), 1, 19),
            (REQUEST[..12].to_vec(), 2, 19),
            (REQUEST.to_vec(), 3, 19)
        ]
    );
    assert_eq!(
        skipped.sentences(),
        ["1 place where bytes of a TCP stream are missing"]
    );
}

#[test]
fn a_stream_of_something_else_is_shown_once() {
    let hello = b"\x16\x03\x01 a TLS hello".to_vec();
    let mut segments = vec![tcp(0, SYN, &[]), tcp(1, ACK, &hello)];
    let mut sequence = 1 + hello.len() as u32;
    for _ in 0..1_000 {
        segments.push(tcp(sequence, ACK, &[7; 1_000]));
        sequence += 1_000;
    }
    let (messages, skipped) = stream(&segments);
    assert_eq!(messages, [(hello.clone(), 2, hello.len() as u32)]);
    assert_eq!(
        skipped.sentences(),
        ["1 TCP stream with bytes that are not AIDP, of which only the beginning is shown"]
    );
}

#[test]
fn more_streams_than_are_followed_are_put_aside_with_what_they_had() {
    let half = &REQUEST[..10];
    let segments: Vec<Vec<u8>> = (0..1_100_u16)
        .map(|nth| {
            let mut segment = tcp(1, ACK, half);
            segment[22..24].copy_from_slice(&(40_000 + nth).to_be_bytes());
            segment
        })
        .collect();
    let (messages, skipped) = stream(&segments);
    assert_eq!((messages.len(), skipped.streams_put_aside), (1_100, 76));
    let packets: Vec<u64> = messages.iter().map(|message| message.1).collect();
    assert!(
        packets.is_sorted(),
        "the quietest first, then in the order of the file"
    );
}
