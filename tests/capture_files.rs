//! Captures made by other programs (`data/capture/README.md`): what is in them, that tshark reads the same, and that every
//! truncation and every damaged byte is read or refused, in bounded time.

use std::fmt::Write;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rollcall::capture::{CaptureError, CaptureReader, Datagram, Skipped, Transport};

#[path = "support/tshark.rs"]
mod tshark;

const FILES: [&str; 16] = [
    "big_endian.pcap",
    "commented.pcapng",
    "cooked_v1.pcap",
    "cooked_v2.pcap",
    "directed.pcapng",
    "ethernet.pcap",
    "ethernet.pcapng",
    "interfaces.pcapng",
    "loopback.pcap",
    "modified.pcap",
    "nanosecond.pcap",
    "qinq.pcap",
    "raw_ip.pcap",
    "sections.pcapng",
    "snap.pcap",
    "vlan.pcapng",
];

fn path_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/capture")
        .join(name)
}

fn bytes_of(name: &str) -> Vec<u8> {
    std::fs::read(path_of(name)).expect("the fixture is there")
}

/// Counts how often it is read from, so that a reader that does not get on is noticed.
struct Counted<'a> {
    bytes: &'a [u8],
    num_reads: usize,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.num_reads += 1;
        assert!(self.num_reads < 64, "a small file is read in a few steps");
        self.bytes.read(into)
    }
}

struct Drained {
    datagrams: Vec<Datagram>,
    error: Option<CaptureError>,
    skipped: Skipped,
    packets: u64,
    bytes_read: u64,
}

/// Reads a whole capture. Fails when it gives more than its bytes can hold.
fn drain(bytes: &[u8]) -> Drained {
    let mut drained = Drained {
        datagrams: Vec::new(),
        error: None,
        skipped: Skipped::default(),
        packets: 0,
        bytes_read: 0,
    };
    let source = Counted {
        bytes,
        num_reads: 0,
    };
    let mut reader = match CaptureReader::new(source) {
        Ok(reader) => reader,
        Err(error) => {
            drained.error = Some(error);
            return drained;
        }
    };
    loop {
        match reader.next() {
            Ok(Some(datagram)) => drained.datagrams.push(datagram),
            Ok(None) => break,
            Err(error) => drained.error = Some(error),
        }
        assert!(
            drained.datagrams.len() <= bytes.len() / 12,
            "no message is shorter than its header"
        );
    }
    drained.skipped = reader.skipped();
    drained.packets = reader.packets_read();
    drained.bytes_read = reader.bytes_read();
    assert!(drained.packets <= bytes.len() as u64 / 12);
    assert!(drained.bytes_read <= bytes.len() as u64);
    drained
}

fn line_of(datagram: &Datagram) -> String {
    let Datagram {
        packet,
        when,
        interface,
        direction,
        transport,
        from,
        to,
        raw,
        comment,
        ..
    } = datagram;
    let mac = datagram
        .sender_mac
        .map_or("no MAC".to_owned(), |mac| mac.to_string());
    let mut line = format!(
        "{packet} | {} | {interface} | {:?} | {direction:?} | {transport:?} | {from} | {to} | {mac} | {} of {}",
        when.as_millis(),
        datagram.vlan,
        raw.bytes.len(),
        raw.full_len,
    );
    if !comment.is_empty() {
        let _ = write!(line, " | {comment}");
    }
    line
}

#[test]
fn every_capture_gives_what_is_in_it() {
    let mut found = String::new();
    for name in FILES {
        let drained = drain(&bytes_of(name));
        assert!(drained.error.is_none(), "{name}: {:?}", drained.error);
        assert_eq!(drained.bytes_read, bytes_of(name).len() as u64, "{name}");
        let _ = writeln!(found, "{name}: {} packets", drained.packets);
        for sentence in drained.skipped.sentences() {
            let _ = writeln!(found, "  left out: {sentence}");
        }
        for datagram in &drained.datagrams {
            let _ = writeln!(found, "  {}", line_of(datagram));
        }
    }
    let expected = std::fs::read_to_string(path_of("expected.txt")).unwrap_or_default();
    for (expected, found) in expected.lines().zip(found.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(
        found.lines().count(),
        expected.lines().count(),
        "in all:\n{found}"
    );
}

#[test]
fn everything_is_every_port() {
    let all = |mut reader: CaptureReader<&[u8]>| {
        let mut datagrams = Vec::new();
        while let Some(datagram) = reader.next().expect("a good file") {
            datagrams.push(datagram);
        }
        datagrams
    };
    let mut num_others = 0;
    for name in FILES {
        let mut bytes = bytes_of(name);
        // Every port 3502 becomes one that nobody asks for.
        for at in 0..bytes.len() - 1 {
            if bytes[at..at + 2] == 3502_u16.to_be_bytes() {
                bytes[at..at + 2].copy_from_slice(&4711_u16.to_be_bytes());
            }
        }
        let open = || CaptureReader::new(&bytes[..]).expect("a capture");
        let everything = all(open().watching_everything());
        assert_eq!(everything, all(open().watching(0..=u16::MAX)), "{name}");
        // Ports that are named beside change nothing.
        let more = open().watching_everything().watching([161]);
        assert_eq!(everything, all(more), "{name}");
        num_others += everything.len() - all(open()).len();
    }
    assert!(num_others > 0, "some of it is on other ports");
}

#[test]
fn what_came_in_parts_is_whole_and_decodes() {
    for name in ["ethernet.pcapng", "cooked_v2.pcap", "big_endian.pcap"] {
        let datagrams = drain(&bytes_of(name)).datagrams;
        let names: Vec<_> = datagrams
            .iter()
            .filter_map(|datagram| rollcall::wire::decode(&datagram.raw.bytes).ok())
            .filter_map(|decoded| match decoded.message {
                rollcall::wire::Message::DiscoverReply(reply) => reply.host_name,
                _ => None,
            })
            .collect();
        assert_eq!(
            names.iter().filter(|name| name.len() == 1_600).count(),
            2,
            "{name}"
        );
        assert!(
            names.contains(&"second".to_owned()),
            "{name}: the second message over TCP"
        );
        assert!(names.len() > 5, "{name}: {names:?}");
    }
}

/// What tshark makes of the UDP datagrams on the watched ports, a line each. `None` where it is not installed.
fn tshark(path: &Path) -> Option<Vec<String>> {
    let fields = [
        "frame.number",
        "frame.time_epoch",
        "eth.src",
        "sll.src.eth",
        "vlan.id",
        "ip.src",
        "ipv6.src",
        "udp.srcport",
        "ip.dst",
        "ipv6.dst",
        "udp.dstport",
        "udp.length",
        "frame.comment",
        "udp.payload",
    ];
    let shown = "(udp.port==3502 or udp.port==3211) and not icmp";
    tshark::tshark(path, &["-E", "occurrence=f", "-Y", shown], &fields)
}

/// The same line from a datagram.
fn as_tshark(line: &str, datagram: &Datagram) -> String {
    let theirs: Vec<&str> = line.split('|').collect();
    let (v4, v6) = ("", "");
    let ends = [datagram.from, datagram.to].map(|end| {
        let ip = end.ip().to_string();
        if end.is_ipv4() {
            [ip, v6.to_owned()]
        } else {
            [v4.to_owned(), ip]
        }
    });
    let mac = datagram
        .sender_mac
        .map(|mac| mac.to_string())
        .unwrap_or_default();
    let is_cooked = !theirs[3].is_empty();
    let payload = &datagram.raw.bytes;
    let hex = payload.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    [
        datagram.packet.to_string(),
        // The file may be more exact than a millisecond.
        if theirs[1]
            .replace('.', "")
            .starts_with(&datagram.when.as_millis().to_string())
        {
            theirs[1].to_owned()
        } else {
            datagram.when.as_millis().to_string()
        },
        if is_cooked {
            String::new()
        } else {
            mac.clone()
        },
        if is_cooked { mac } else { String::new() },
        // The last tag is that of the datagram; the first is in `vlan`.
        datagram
            .vlan
            .map(|_| {
                datagram
                    .interface
                    .rsplit('.')
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .unwrap_or_default(),
        ends[0][0].clone(),
        ends[0][1].clone(),
        datagram.from.port().to_string(),
        ends[1][0].clone(),
        ends[1][1].clone(),
        datagram.to.port().to_string(),
        (datagram.raw.full_len + 8).to_string(),
        datagram.comment.clone(),
        hex,
    ]
    .join("|")
}

#[test]
fn tshark_reads_the_same() {
    for name in FILES {
        let Some(mut theirs) = tshark(&path_of(name)) else {
            eprintln_skipped();
            return;
        };
        let mut datagrams = drain(&bytes_of(name)).datagrams;
        if name == "interfaces.pcapng" {
            // The same fragments on three interfaces at once: tshark mixes them up.
            theirs.retain(|line| line.len() < 400);
            datagrams.retain(|datagram| datagram.raw.full_len < 150);
        }
        let ours: Vec<String> = datagrams
            .iter()
            .filter(|datagram| datagram.transport == Transport::Udp)
            .zip(&theirs)
            .map(|(datagram, line)| as_tshark(line, datagram))
            .collect();
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{name}");
        }
        assert_eq!(
            ours.len(),
            theirs.len(),
            "{name}: the same number of datagrams"
        );
    }
}

#[expect(clippy::print_stderr, reason = "says why a test did nothing")]
fn eprintln_skipped() {
    eprintln!("skipped: tshark is not installed");
}

#[test]
fn every_truncation_gives_what_came_before() {
    for name in FILES {
        let bytes = bytes_of(name);
        let whole: Vec<Datagram> = udp_of(&bytes);
        for len in 0..bytes.len() {
            let found = udp_of(&bytes[..len]);
            assert!(
                whole.starts_with(&found),
                "{name} cut at {len}: what came before is as in the whole file"
            );
        }
        let but_one = drain(&bytes[..bytes.len() - 1]);
        let error = but_one
            .error
            .expect("a file that ends in a packet is damaged");
        assert!(
            error.to_string().contains("the file ends after"),
            "{name}: {error}"
        );
    }
}

fn udp_of(bytes: &[u8]) -> Vec<Datagram> {
    let mut datagrams = drain(bytes).datagrams;
    // What is unfinished of a stream is given at the end, wherever that is.
    datagrams.retain(|datagram| datagram.transport == Transport::Udp);
    datagrams
}

#[test]
fn every_damaged_byte_is_read_or_refused() {
    for name in ["commented.pcapng"] {
        let mut bytes = bytes_of(name);
        for at in 0..bytes.len() {
            let right = bytes[at];
            for wrong in 0..=u8::MAX {
                bytes[at] = wrong;
                let drained = drain(&bytes);
                if let Some(error) = drained.error {
                    assert!(!error.to_string().is_empty());
                }
            }
            bytes[at] = right;
        }
    }
}
