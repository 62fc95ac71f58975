//! What bytes that are not AIDP look like. Hints, never facts: a few bytes prove no protocol.

use std::net::IpAddr;

use crate::wire::{Guess, guess};

/// How many characters of one text are shown, and how many texts.
const TEXT_CHARS: usize = 60;
const TEXTS_SHOWN: usize = 4;

/// What the bytes of a datagram look like, in words that complete "looks like …". `from_port` only decides between
/// protocols of the same form.
pub fn looks_like(bytes: &[u8], from_port: u16) -> &'static str {
    if bytes.is_empty() {
        return "nothing: it has no bytes";
    }
    by_text(bytes)
        .or_else(|| by_form(bytes, from_port))
        .unwrap_or_else(|| by_mixture(bytes))
}

/// What can be read in the bytes: text, and the sender's own address.
pub(super) fn readings(bytes: &[u8], from: IpAddr) -> Vec<String> {
    let from_v4 = match from {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    };
    let mut lines = Vec::new();
    for hint in guess(bytes, None, from_v4) {
        let line = match hint.what {
            Guess::Text(text) => {
                let shown: String = text.trim().chars().take(TEXT_CHARS).collect();
                let more = if text.trim().chars().nth(TEXT_CHARS).is_some() {
                    "…"
                } else {
                    ""
                };
                format!("Text at offset {}: {shown:?}{more}", hint.offset)
            }
            Guess::SenderIp => format!("The sender's address at offset {}", hint.offset),
            Guess::SenderMac => continue,
        };
        lines.push(line);
        if lines.len() == TEXTS_SHOWN {
            break;
        }
    }
    lines
}

fn by_text(bytes: &[u8]) -> Option<&'static str> {
    const STARTS: [(&[u8], &str); 17] = [
        (b"M-SEARCH ", "SSDP, a search for UPnP"),
        (b"NOTIFY * ", "SSDP, a UPnP announcement"),
        (b"HTTP/1.", "an answer of HTTP or SSDP"),
        (b"GET ", "HTTP"),
        (b"POST ", "HTTP"),
        (b"HEAD ", "HTTP"),
        (b"PUT ", "HTTP"),
        (b"CONNECT ", "HTTP"),
        (b"PRI * HTTP/2", "HTTP"),
        (b"OPTIONS sip:", "SIP"),
        (b"INVITE sip:", "SIP"),
        (b"REGISTER sip:", "SIP"),
        (b"SIP/2.0 ", "SIP"),
        (b"OPTIONS ", "HTTP"),
        (b"SSH-", "SSH"),
        (b"<?xml", "XML, as WS-Discovery sends it"),
        (b"{\"", "JSON"),
    ];
    let named = STARTS.iter().find(|(start, _)| bytes.starts_with(start));
    if let Some((_, name)) = named {
        return Some(name);
    }
    // "<134>": the priority of a syslog message.
    let rest = bytes.strip_prefix(b"<")?;
    let num_digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    ((1..=3).contains(&num_digits) && rest.get(num_digits) == Some(&b'>')).then_some("syslog")
}

fn by_form(bytes: &[u8], from_port: u16) -> Option<&'static str> {
    let looks = match bytes {
        [0x16, 0x03, 0..=4, _, _, 1 | 2, ..] => "TLS",
        [0x16 | 0x17, 0xfe, 0xfd | 0xff, ..] => "DTLS",
        [0x06, 0x00, 0xff, 0x06 | 0x07, ..] => "RMCP, as IPMI uses it",
        [0x30, rest @ ..] if is_snmp(rest) => "SNMP",
        _ if is_dhcp(bytes) => "DHCP",
        _ if is_ntp(bytes) => "NTP",
        _ if is_dns(bytes) => match (from_port, bytes) {
            (137, _) => "NetBIOS name service",
            (5355, _) => "LLMNR",
            (5353, _) | (_, [0, 0, 0x84 | 0, 0, ..]) => "mDNS",
            _ => "DNS",
        },
        _ => return None,
    };
    Some(looks)
}

/// After the tag of a sequence: its length, then a version of 0, 1 or 3.
fn is_snmp(rest: &[u8]) -> bool {
    let ([0..=0x7f, after_len @ ..] | [0x81, _, after_len @ ..] | [0x82, _, _, after_len @ ..]) =
        rest
    else {
        return false;
    };
    matches!(after_len, [2, 1, 0 | 1, 4, ..] | [2, 1, 3, 0x30, ..])
}

fn is_dhcp(bytes: &[u8]) -> bool {
    matches!(bytes, [1 | 2, 1, 6, ..]) && bytes.get(236..240) == Some(&[0x63, 0x82, 0x53, 0x63])
}

fn is_ntp(bytes: &[u8]) -> bool {
    let [first, stratum, ..] = bytes else {
        return false;
    };
    let (version, mode) = (first >> 3 & 7, first & 7);
    matches!(bytes.len(), 48 | 68) && (1..=4).contains(&version) && mode > 0 && *stratum <= 16
}

/// A header with a few records, and a first name whose labels are whole.
fn is_dns(bytes: &[u8]) -> bool {
    let Some((header, mut rest)) = bytes.split_at_checked(12) else {
        return false;
    };
    let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let opcode = header[2] >> 3 & 0xf;
    let num_records: u32 = [4, 6, 8, 10].map(|at| u32::from(number(at))).iter().sum();
    if opcode > 6 || !(1..=64).contains(&num_records) || number(4) > 16 {
        return false;
    }
    for _ in 0..64 {
        match rest {
            [0, after @ ..] => return after.len() >= 4,
            [len @ 1..=63, after @ ..] => match after.split_at_checked(usize::from(*len)) {
                Some((_, after)) => rest = after,
                None => return false,
            },
            _ => return false,
        }
    }
    false
}

fn by_mixture(bytes: &[u8]) -> &'static str {
    let mut seen = [false; 256];
    let mut num_printable = 0;
    for byte in bytes {
        seen[usize::from(*byte)] = true;
        num_printable += usize::from(matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'));
    }
    let num_distinct = seen.iter().filter(|seen| **seen).count();
    if num_printable * 10 >= bytes.len() * 9 {
        return "text";
    }
    if num_distinct == 1 {
        return "one byte over and over";
    }
    // How many different bytes as many random ones have: each of the 256 is missing with (255/256)^n.
    let missing = (255.0_f64 / 256.0).powf(bytes.len() as f64);
    let expected = 256.0 * (1.0 - missing);
    if bytes.len() >= 32 && num_distinct as f64 >= 0.85 * expected {
        "random or encrypted bytes"
    } else {
        "no protocol that is known here"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], from_port: u16, expected: &str) {
        assert_eq!(looks_like(bytes, from_port), expected, "{bytes:02x?}");
    }

    #[test]
    fn well_known_protocols_are_named() {
        check(b"M-SEARCH * HTTP/1.1\r\n", 1900, "SSDP, a search for UPnP");
        check(b"NOTIFY * HTTP/1.1\r\n", 1900, "SSDP, a UPnP announcement");
        check(b"GET / HTTP/1.0\r\n\r\n", 5, "HTTP");
        check(b"<134>Oct 11 22:14:15 x", 514, "syslog");
        check(&[0x16, 3, 1, 0, 200, 1, 0, 0], 5, "TLS");
        let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01";
        check(query, 40_000, "DNS");
        check(query, 5353, "mDNS");
        check(query, 137, "NetBIOS name service");
        check(b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19", 161, "SNMP");
        check(b"\x30\x81\x9c\x02\x01\x03\x30", 161, "SNMP");
        let mut ntp = [0; 48];
        ntp[0] = 0x23;
        check(&ntp, 123, "NTP");
        let mut dhcp = vec![0; 300];
        dhcp[..3].copy_from_slice(&[1, 1, 6]);
        dhcp[236..240].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
        check(&dhcp, 68, "DHCP");
        check(&[6, 0, 0xff, 7, 6, 0x10], 623, "RMCP, as IPMI uses it");
    }

    #[test]
    fn the_rest_is_told_by_its_mixture() {
        check(b"", 1, "nothing: it has no bytes");
        check(b"hello there, who are you", 1, "text");
        check(&[0; 40], 1, "one byte over and over");
        check(&[1, 2, 3], 1, "no protocol that is known here");
        // A shuffle of all bytes: as different as random ones are.
        let shuffled: Vec<u8> = (0..200_u32).map(|n| (n * 167 + 13) as u8).collect();
        check(&shuffled, 1, "random or encrypted bytes");
    }

    #[test]
    fn a_few_texts_are_read() {
        let lines = readings(b"\x01USN: uuid\x00\x0a\x00\x00\x09", [10, 0, 0, 9].into());
        assert_eq!(
            lines,
            [
                "Text at offset 1: \"USN: uuid\"",
                "The sender's address at offset 11"
            ]
        );
        assert!(readings(&b"abcd\0".repeat(400), [10, 0, 0, 9].into()).len() <= TEXTS_SHOWN);
    }
}
