//! What can be read out of bytes that are not AIDP: the sender's own MAC and IP, and printable
//! text. These are hints, never facts: the same bytes may be there by chance.

use std::net::Ipv4Addr;

/// The most hints given for one datagram.
pub const MAX_HINTS: usize = 64;

/// The most characters of one printable run that are kept.
pub const MAX_TEXT_CHARS: usize = 256;

/// The most places given for the MAC, and for the IP: bytes that repeat either must not crowd the
/// text out.
const MAX_PLACES: usize = 8;

/// Shorter runs of printable bytes are chance more often than text.
const MIN_TEXT_BYTES: usize = 4;

/// Something that was found, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Where it begins in the datagram.
    pub offset: usize,
    /// How many bytes it takes there, also when the text kept of it is shorter.
    pub len: usize,
    /// What it looks like.
    pub what: Guess,
}

/// What bytes look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guess {
    /// The MAC that the datagram came from.
    SenderMac,
    /// The IP that the datagram came from.
    SenderIp,
    /// Printable ASCII, cut at [`MAX_TEXT_CHARS`].
    Text(String),
}

/// Looks for the sender and for text in a datagram; hints come in the order of their offsets.
///
/// A MAC of all zeros or all ones, 0.0.0.0 and 255.255.255.255 say nothing about a sender and are
/// not looked for. Runs of nothing but spaces are no text.
pub fn guess(bytes: &[u8], sender_mac: Option<[u8; 6]>, sender_ip: Option<Ipv4Addr>) -> Vec<Hint> {
    let mac = sender_mac.filter(|mac| ![[0; 6], [0xFF; 6]].contains(mac));
    let ip = sender_ip.filter(|ip| !ip.is_unspecified() && !ip.is_broadcast());
    let mut hints = Vec::new();
    if let Some(mac) = mac {
        hints.extend(places(bytes, mac, &Guess::SenderMac));
    }
    if let Some(ip) = ip {
        hints.extend(places(bytes, ip.octets(), &Guess::SenderIp));
    }
    let num_left = MAX_HINTS - hints.len();
    hints.extend(texts(bytes).take(num_left));
    // Stable, so that the MAC stays before an IP or text at the same place.
    hints.sort_by_key(|hint| hint.offset);
    hints
}

fn places<const N: usize>(
    bytes: &[u8],
    wanted: [u8; N],
    what: &Guess,
) -> impl Iterator<Item = Hint> {
    bytes
        .windows(N)
        .enumerate()
        .filter(move |(_, window)| *window == wanted)
        .take(MAX_PLACES)
        .map(|(offset, _)| Hint {
            offset,
            len: N,
            what: what.clone(),
        })
}

fn texts(bytes: &[u8]) -> impl Iterator<Item = Hint> {
    let is_printable = |byte: &u8| matches!(byte, b' '..=b'~');
    let mut pos = 0;
    bytes
        .chunk_by(move |a, b| is_printable(a) == is_printable(b))
        .map(move |run| {
            let offset = pos;
            pos += run.len();
            (offset, run)
        })
        .filter(move |(_, run)| {
            run.len() >= MIN_TEXT_BYTES
                && run.first().is_some_and(is_printable)
                && run.iter().any(|byte| *byte != b' ')
        })
        .map(|(offset, run)| Hint {
            offset,
            len: run.len(),
            what: Guess::Text(
                run.iter()
                    .copied()
                    .map(char::from)
                    .take(MAX_TEXT_CHARS)
                    .collect(),
            ),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [0x00, 0xE0, 0x86, 0x12, 0x34, 0x56];
    const IP: Ipv4Addr = Ipv4Addr::new(10, 20, 4, 17);

    fn text(offset: usize, text: &str) -> Hint {
        Hint {
            offset,
            len: text.len(),
            what: Guess::Text(text.to_owned()),
        }
    }

    #[test]
    fn finds_the_sender_and_the_text_with_their_offsets() {
        let mut bytes = b"\x7f\x00con-01\x00abc\x00".to_vec();
        bytes.extend(IP.octets());
        bytes.extend(MAC);
        bytes.extend(b"ACS8");
        assert_eq!(
            guess(&bytes, Some(MAC), Some(IP)),
            [
                text(2, "con-01"),
                Hint {
                    offset: 13,
                    len: 4,
                    what: Guess::SenderIp
                },
                Hint {
                    offset: 17,
                    len: 6,
                    what: Guess::SenderMac
                },
                // The last two bytes of the MAC are printable as well: a hint, not a fact.
                text(21, "4VACS8"),
            ]
        );
        assert_eq!(
            guess(&bytes, None, None),
            [text(2, "con-01"), text(21, "4VACS8")]
        );
    }

    #[test]
    fn senders_that_say_nothing_are_not_looked_for() {
        for ip in [Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST] {
            assert_eq!(guess(&[0; 64], Some([0; 6]), Some(ip)), []);
            assert_eq!(guess(&[0xFF; 64], Some([0xFF; 6]), Some(ip)), []);
        }
    }

    #[test]
    fn three_characters_and_blanks_are_no_text() {
        assert_eq!(guess(b"abc\x00      \x00\x1b[0\x80", None, None), []);
        assert_eq!(guess(b"", Some(MAC), Some(IP)), []);
        assert_eq!(guess(b"~abc", None, None), [text(0, "~abc")]);
    }

    #[test]
    fn a_long_run_is_cut_and_keeps_its_length() {
        let bytes = vec![b'x'; 65_507];
        let hints = guess(&bytes, None, None);
        assert_eq!(hints.len(), 1);
        assert_eq!((hints[0].offset, hints[0].len), (0, 65_507));
        assert_eq!(hints[0].what, Guess::Text("x".repeat(MAX_TEXT_CHARS)));
    }

    #[test]
    fn repeated_senders_do_not_crowd_out_the_text() {
        let mut bytes = MAC.repeat(1_000);
        bytes.extend(IP.octets().repeat(1_000));
        for _ in 0..1_000 {
            bytes.extend(b"text\0");
        }
        let hints = guess(&bytes, Some(MAC), Some(IP));
        assert_eq!(hints.len(), MAX_HINTS);
        assert!(
            hints.is_sorted_by_key(|hint| hint.offset),
            "hints come by offset"
        );
        let num_texts = hints
            .iter()
            .filter(|hint| matches!(hint.what, Guess::Text(_)))
            .count();
        assert_eq!(num_texts, MAX_HINTS - 2 * MAX_PLACES);
    }
}
