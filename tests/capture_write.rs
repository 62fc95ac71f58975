//! What Rollcall writes: read back it is the same, and tshark sees the same in it.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use proptest::prelude::*;
use rollcall::capture::{
    CaptureError, CaptureInterface, CaptureReader, CaptureWriter, Datagram, Record, Transport,
    WriterNote,
};
use rollcall::model::identity::Mac;
use rollcall::model::network::Network;
use rollcall::model::sighting::RawDatagram;
use rollcall::model::time::Timestamp;
use rollcall::model::traffic::Direction;

#[path = "support/tshark.rs"]
mod tshark;

fn interfaces() -> Vec<CaptureInterface> {
    vec![
        CaptureInterface {
            name: "eth0".to_owned(),
            description: "10.20.4.2/24".to_owned(),
            mac: Some(Mac::new([2, 0, 0, 0, 0, 1])),
            networks: vec![Network {
                ip: [10, 20, 4, 2].into(),
                prefix_len: 24,
            }],
        },
        CaptureInterface {
            name: "Ethernet 2".to_owned(),
            ..CaptureInterface::default()
        },
        CaptureInterface::default(),
    ]
}

fn write(records: &[Record]) -> Vec<u8> {
    let mut writer = CaptureWriter::new(Vec::new(), &interfaces(), &WriterNote::default())
        .expect("memory takes everything");
    for record in records {
        writer.write(record).expect("memory takes everything");
    }
    let num_bytes = writer.bytes_written();
    let bytes = writer.finish().expect("memory takes everything");
    assert_eq!(bytes.len() as u64, num_bytes);
    bytes
}

fn read(bytes: &[u8]) -> Vec<Datagram> {
    let mut reader = CaptureReader::new(bytes).expect("what is written is a capture");
    let mut datagrams = Vec::new();
    while let Some(datagram) = reader.next().expect("what is written is well-formed") {
        datagrams.push(datagram);
    }
    assert_eq!(reader.interfaces(), interfaces());
    assert_eq!(reader.bytes_read(), bytes.len() as u64);
    datagrams
}

/// How both addresses of a record come back.
fn on_the_wire(record: &Record) -> (SocketAddr, SocketAddr) {
    let end = |end: SocketAddr, other: SocketAddr| {
        let ip = match end.ip().to_canonical() {
            // Has the family of the other end.
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) if other.ip().to_canonical().is_ipv4() => {
                IpAddr::V4(Ipv4Addr::UNSPECIFIED)
            }
            ip => ip,
        };
        SocketAddr::new(ip, end.port())
    };
    (end(record.from, record.to), end(record.to, record.from))
}

fn as_datagram((record, packet): (&Record, u64)) -> Datagram {
    let names = ["eth0", "Ethernet 2", "interface 2"];
    let (from, to) = on_the_wire(record);
    Datagram {
        packet,
        when: record.when,
        interface: Arc::from(names[record.interface_idx as usize]),
        vlan: None,
        direction: Some(record.direction),
        transport: record.transport,
        from,
        to,
        sender_mac: None,
        raw: RawDatagram::keep(&record.payload),
        comment: record.comment.clone(),
    }
}

fn ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<Ipv4Addr>().prop_map(IpAddr::V4),
        any::<Ipv6Addr>().prop_map(IpAddr::V6),
        any::<Ipv4Addr>().prop_map(|ip| IpAddr::V6(ip.to_ipv6_mapped())),
        Just(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        Just(IpAddr::V4(Ipv4Addr::BROADCAST)),
    ]
}

fn end(port: impl Strategy<Value = u16>) -> impl Strategy<Value = SocketAddr> {
    (ip(), port).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

fn record() -> impl Strategy<Value = Record> {
    let transport = prop_oneof![Just(Transport::Udp), Just(Transport::Tcp)];
    let direction = prop_oneof![Just(Direction::Heard), Just(Direction::Sent)];
    let watched = prop_oneof![Just(3502_u16), Just(3211)];
    (
        (0..4_000_000_000_000_i64, 0..3_u32, direction, transport),
        (end(any::<u16>()), end(watched), any::<bool>()),
        prop::collection::vec(any::<u8>(), 0..3_000),
        "\\PC{0,60}",
    )
        .prop_map(
            |(
                (millis, interface_idx, direction, transport),
                (one, other, turned),
                payload,
                comment,
            )| {
                let (from, to) = if turned { (other, one) } else { (one, other) };
                Record {
                    when: Timestamp::from_millis(millis),
                    interface_idx,
                    direction,
                    transport,
                    from,
                    to,
                    payload: Arc::from(payload),
                    comment,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(records in prop::collection::vec(record(), 0..12)) {
        let datagrams = read(&write(&records));
        let wanted: Vec<Datagram> = records.iter().zip(1..).map(as_datagram).collect();
        prop_assert_eq!(datagrams, wanted);
    }
}

fn reply(transport: Transport, from: &str, to: &str, comment: &str) -> Record {
    Record {
        when: Timestamp::from_millis(1_795_349_561_250),
        interface_idx: 0,
        direction: Direction::Heard,
        transport,
        from: from.parse().expect("an address"),
        to: to.parse().expect("an address"),
        payload: Arc::from(rollcall::wire::encode_raw(
            7,
            0x81,
            &[(6, b"fra2-r07-kvm1")],
        )),
        comment: comment.to_owned(),
    }
}

fn records() -> Vec<Record> {
    let (udp, tcp) = (Transport::Udp, Transport::Tcp);
    let mut records = vec![
        reply(
            udp,
            "10.20.4.17:3502",
            "10.20.4.2:3502",
            "announcement of fra2-r07-kvm1",
        ),
        reply(
            udp,
            "10.20.4.2:49152",
            "255.255.255.255:3502",
            "discover request · Rollcall's",
        ),
        reply(udp, "[fd00:20::17]:3502", "[fd00:20::1]:49152", ""),
        reply(
            udp,
            "[::ffff:10.20.4.17]:3502",
            "[::]:3502",
            "dual-stack socket",
        ),
        reply(tcp, "10.20.4.17:3502", "10.20.4.2:49153", "reply"),
        reply(tcp, "10.20.4.2:49153", "10.20.4.17:3502", "request"),
        reply(tcp, "10.20.4.17:3502", "10.20.4.2:49153", "second"),
        reply(tcp, "[fd00:20::17]:3211", "[fd00:20::1]:49152", "not AIDP"),
        reply(tcp, "[fd00:20::17]:3211", "[fd00:20::1]:49152", "nor this"),
        reply(udp, "10.20.4.17:3502", "10.20.4.2:3502", "empty"),
    ];
    records[1].direction = Direction::Sent;
    records[5].direction = Direction::Sent;
    records[2].interface_idx = 1;
    for (record_idx, payload) in [(7, &b"\x01ASMP"[..]), (8, b"noise"), (9, b"")] {
        records[record_idx].payload = Arc::from(payload);
    }
    records
}

/// A line a packet. `None` where tshark is not installed.
fn tshark(bytes: &[u8], more: &[&str], fields: &[&str]) -> Option<Vec<String>> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::io::Write::write_all(&mut file.as_file(), bytes).expect("room for a small file");
    tshark::tshark(file.path(), more, fields)
}

#[expect(clippy::print_stderr, reason = "says why a test did nothing")]
fn skipped() {
    eprintln!("skipped: tshark is not installed");
}

#[test]
fn tshark_sees_what_was_written() {
    let records = records();
    let fields = [
        "frame.time_epoch",
        "frame.interface_name",
        "frame.interface_description",
        "frame.packet_flags_direction",
        "ip.src",
        "ipv6.src",
        "udp.srcport",
        "tcp.srcport",
        "ip.dst",
        "ipv6.dst",
        "udp.dstport",
        "tcp.dstport",
        "udp.payload",
        "tcp.payload",
        "frame.comment",
    ];
    let Some(lines) = tshark(&write(&records), &[], &fields) else {
        return skipped();
    };
    let wanted: Vec<String> = records
        .iter()
        .map(|record| {
            let (from, to) = on_the_wire(record);
            let ip = |end: SocketAddr| {
                let ip = end.ip().to_string();
                if end.is_ipv4() {
                    format!("{ip}|")
                } else {
                    format!("|{ip}")
                }
            };
            let two = |text: String| match record.transport {
                Transport::Udp => format!("{text}|"),
                Transport::Tcp => format!("|{text}"),
            };
            let networks = ["eth0|10.20.4.2/24", "Ethernet 2|"];
            let direction = match record.direction {
                Direction::Heard => "0x00000001",
                Direction::Sent => "0x00000002",
            };
            let hex = record.payload.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            [
                "1795349561.250000000".to_owned(),
                networks[record.interface_idx as usize].to_owned(),
                direction.to_owned(),
                ip(from),
                two(from.port().to_string()),
                ip(to),
                two(to.port().to_string()),
                two(hex),
                record.comment.clone(),
            ]
            .join("|")
        })
        .collect();
    assert_eq!(lines, wanted);
}

#[test]
fn tshark_finds_nothing_wrong() {
    let strict = [
        "-o",
        "ip.check_checksum:TRUE",
        "-o",
        "udp.check_checksum:TRUE",
        "-o",
        "tcp.check_checksum:TRUE",
    ];
    let bytes = write(&records());
    let fields = ["frame.number", "_ws.expert.message", "tcp.analysis.flags"];
    let Some(lines) = tshark(&bytes, &strict, &fields) else {
        return skipped();
    };
    for ((line, record), packet) in lines.iter().zip(records()).zip(1..) {
        // A comment is a remark too.
        assert_eq!(*line, format!("{packet}|{}|", record.comment));
    }
    let sums = [
        "ip.checksum.status",
        "udp.checksum.status",
        "tcp.checksum.status",
    ];
    let lines = tshark(&bytes, &strict, &sums).expect("it was there before");
    for line in lines {
        let bad = line
            .split('|')
            .find(|status| !status.is_empty() && *status != "1");
        assert_eq!(bad, None, "every checksum is right: {line}");
    }
}

#[test]
fn a_payload_that_was_cut_says_how_long_it_was() {
    let mut writer = CaptureWriter::new(Vec::new(), &interfaces(), &WriterNote::default())
        .expect("memory takes everything");
    let mut record = reply(Transport::Udp, "10.20.4.17:3502", "10.20.4.2:3502", "");
    record.payload = Arc::from(vec![7; 2_048]);
    writer.write_cut(&record, 9_000).expect("memory takes it");
    // More than a packet can hold.
    record.transport = Transport::Tcp;
    record.payload = Arc::from(vec![7; 100_000]);
    writer.write(&record).expect("memory takes it");
    record.from = "[fd00::1]:3502".parse().expect("an address");
    writer.write(&record).expect("memory takes it");
    let bytes = writer.finish().expect("memory takes it");
    let lens: Vec<(usize, u32)> = read(&bytes)
        .iter()
        .map(|datagram| (datagram.raw.bytes.len(), datagram.raw.full_len))
        .collect();
    assert_eq!(lens, [(2_048, 9_000), (2_048, 100_000), (2_048, 100_000)]);
    if let Some(lines) = tshark(&bytes, &[], &["udp.length", "frame.len", "frame.cap_len"]) {
        assert_eq!(lines, ["9008|9028|2076", "|100040|65535", "|100060|65575"]);
    }
}

#[test]
fn interfaces_may_come_later_but_not_be_missing() {
    let mut writer = CaptureWriter::new(Vec::new(), &[], &WriterNote::default())
        .expect("memory takes everything");
    let record = reply(Transport::Udp, "10.20.4.17:3502", "10.20.4.2:3502", "");
    let refused = writer.write(&record);
    assert!(matches!(
        refused,
        Err(CaptureError::NoSuchInterface { idx: 0, known: 0 })
    ));
    for (interface, idx) in interfaces().iter().zip(0..) {
        assert_eq!(
            writer.add_interface(interface).expect("memory takes it"),
            idx
        );
    }
    writer.write(&record).expect("memory takes it");
    let bytes = writer.finish().expect("memory takes it");
    assert_eq!(read(&bytes), [as_datagram((&record, 1))]);
}

#[test]
fn small_files_put_one_after_the_other_are_one_capture() {
    let mut records = records();
    for record in &mut records {
        record.interface_idx = 0;
    }
    let mut bytes = write(&records);
    bytes.extend(write(&records));
    let mut reader = CaptureReader::new(&bytes[..]).expect("a capture");
    let mut packets = Vec::new();
    while let Some(datagram) = reader.next().expect("well-formed") {
        assert_eq!(&*datagram.interface, "eth0");
        packets.push(datagram.packet);
    }
    assert_eq!(packets, (1..=2 * records.len() as u64).collect::<Vec<_>>());
}

#[test]
fn the_head_says_what_the_file_is() {
    let text = String::from_utf8_lossy(&write(&[])).into_owned();
    assert!(text.contains(concat!("Rollcall ", env!("CARGO_PKG_VERSION"))));
    assert!(text.contains("link-layer addresses are not known"));
    assert!(text.contains("shown as this computer's address on that network"));
}
