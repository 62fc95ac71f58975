//! What a server answers to a hello, in the clear: records (RFC 5246, section 6.2) put together to messages
//! (section 7.4), as far as the certificate and the group for Diffie-Hellman. Bytes only, and not many of them.

use crate::engine::identify::tls::certificate::num_bits;
use crate::engine::identify::tls::suites;

/// How much of the handshake is read.
const HANDSHAKE_BYTES: usize = 64 * 1024;

/// How much is read in all: records may be as small as a byte.
const WIRE_BYTES: usize = 512 * 1024;

/// The longest record, with room for what a cipher adds.
const RECORD_BYTES: usize = 16 * 1024 + 2048;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const CERTIFICATE_REQUEST: u8 = 13;
const CERTIFICATE_STATUS: u8 = 22;

/// What the handshake showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The version that the server chose.
    pub(super) version: u16,
    /// The cipher suite that it chose.
    pub(super) suite: u16,
    /// Its own certificate.
    pub(super) certificate: Option<Vec<u8>>,
    /// How long its prime for Diffie-Hellman is.
    pub(super) dh_bits: Option<usize>,
}

impl Seen {
    /// Whether current programs speak this: then it was something else that the library refused.
    pub(super) fn is_modern(&self) -> bool {
        self.version >= 0x0303 && suites::is_modern(self.suite)
    }
}

/// Whether to go on reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// There is more to come.
    More,
    /// What there is to see was seen, or it was refused.
    Done,
    /// It is not TLS: what it is, one lower-case clause.
    Other(String),
}

/// What came from the server so far.
#[derive(Debug, Default)]
pub(super) struct ServerSide {
    /// Bytes that are not yet a whole record.
    wire: Vec<u8>,
    num_wire_bytes: usize,
    /// Bytes that are not yet a whole message.
    messages: Vec<u8>,
    num_message_bytes: usize,
    hello: Option<(u16, u16)>,
    certificate: Option<Vec<u8>>,
    dh_bits: Option<usize>,
}

impl ServerSide {
    /// What was seen so far; `None` before the server's hello.
    pub(super) fn seen(self) -> Option<Seen> {
        let (version, suite) = self.hello?;
        Some(Seen {
            version,
            suite,
            certificate: self.certificate,
            dh_bits: self.dh_bits,
        })
    }

    /// Takes what came.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Next {
        let is_first = self.num_wire_bytes == self.wire.len();
        self.num_wire_bytes += bytes.len();
        self.wire.extend_from_slice(bytes);
        if is_first && let Some(other) = other_than_tls(&self.wire) {
            return Next::Other(other);
        }
        let mut at = 0;
        let next = loop {
            let Some(&[kind, _, _, high, low]) = self.wire[at..].first_chunk::<5>() else {
                break Next::More;
            };
            let len = usize::from(u16::from_be_bytes([high, low]));
            if len > RECORD_BYTES {
                break Next::Done;
            }
            let Some(record) = self.wire[at + 5..].get(..len) else {
                break Next::More;
            };
            match kind {
                HANDSHAKE => {
                    self.num_message_bytes += len;
                    self.messages.extend_from_slice(record);
                }
                // A warning may be followed by the hello, as when a name is not known.
                ALERT if record.first() == Some(&1) && record.get(1) != Some(&0) => {}
                _ => break Next::Done,
            }
            at += 5 + len;
            if self.is_over() || self.num_message_bytes > HANDSHAKE_BYTES {
                break Next::Done;
            }
        };
        self.wire.drain(..at);
        if next == Next::More && self.num_wire_bytes > WIRE_BYTES {
            return Next::Done;
        }
        next
    }

    /// Reads whole messages, and tells whether the last of interest was among them.
    fn is_over(&mut self) -> bool {
        let mut at = 0;
        let mut is_over = false;
        while let Some(&[kind, a, b, c]) = self.messages[at..].first_chunk::<4>() {
            let len = u32::from_be_bytes([0, a, b, c]) as usize;
            let Some(body) = self.messages[at + 4..].get(..len) else {
                is_over |= len > HANDSHAKE_BYTES;
                break;
            };
            match kind {
                SERVER_HELLO if self.hello.is_none() => self.hello = hello(body),
                CERTIFICATE if self.certificate.is_none() => {
                    self.certificate = first_certificate(body).map(<[u8]>::to_vec);
                }
                SERVER_KEY_EXCHANGE => {
                    let has_group = self.hello.is_some_and(|(_, suite)| suites::is_dh(suite));
                    self.dh_bits = dh_prime(body).filter(|_| has_group).map(num_bits);
                }
                // A request for a hello, and what may stand between.
                0 | CERTIFICATE_REQUEST | CERTIFICATE_STATUS => {}
                // The end of the server's hello, or what is not of it.
                _ => is_over = true,
            }
            at += 4 + len;
            // Nothing is read past a hello that cannot be read.
            is_over |= kind != 0 && self.hello.is_none();
            if is_over {
                break;
            }
        }
        self.messages.drain(..at);
        is_over
    }
}

/// The version and the suite (RFC 5246, section 7.4.1.3).
fn hello(body: &[u8]) -> Option<(u16, u16)> {
    let (version, rest) = body.split_first_chunk::<2>()?;
    let (session_len, rest) = rest.get(32..)?.split_first()?;
    let suite = rest.get(usize::from(*session_len)..)?.first_chunk::<2>()?;
    Some((u16::from_be_bytes(*version), u16::from_be_bytes(*suite)))
}

/// The server's own certificate is the first (RFC 5246, section 7.4.2).
fn first_certificate(body: &[u8]) -> Option<&[u8]> {
    let (len, rest) = body.get(3..)?.split_first_chunk::<3>()?;
    let len = u32::from_be_bytes([0, len[0], len[1], len[2]]) as usize;
    rest.get(..len)
}

/// The prime is the first of the parameters (RFC 5246, section 7.4.3).
fn dh_prime(body: &[u8]) -> Option<&[u8]> {
    let (len, rest) = body.split_first_chunk::<2>()?;
    rest.get(..usize::from(u16::from_be_bytes(*len)))
}

/// What else it speaks, by its first bytes; `None` when they may be TLS, or are too few.
fn other_than_tls(first: &[u8]) -> Option<String> {
    let text = match first.first_chunk::<4>()? {
        [20..=23, 3, ..] => return None,
        [b'H', b'T', b'T', b'P'] | [b'<', ..] => "it speaks plain HTTP there",
        [b'S', b'S', b'H', b'-'] => "it speaks SSH there",
        // An error or a hello of SSL 2.0 after a length with the highest bit set.
        [0x80..=0xff, _, 0 | 4, _] => "it speaks SSL 2.0 only",
        _ => "what it speaks there is not TLS",
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::identify::tls::certificate;
    use crate::model::probing::{Answer, ClueKind, Outcome, Probe};
    use crate::model::time::Timestamp;

    /// What OpenSSL's `s_server` sent with `-tls1` and a certificate of 512 bits.
    const RECORDED: &[u8] = include_bytes!("../../../../../tests/data/tls/tls10-rsa512.bin");

    fn taken(bytes: &[u8], piece_bytes: usize) -> (Next, ServerSide) {
        let mut server = ServerSide::default();
        for piece in bytes.chunks(piece_bytes) {
            let next = server.take(piece);
            if next != Next::More {
                return (next, server);
            }
        }
        (Next::More, server)
    }

    #[test]
    fn a_recorded_flight_is_read_in_pieces_of_any_size() {
        for piece_bytes in 1..RECORDED.len() {
            let (next, server) = taken(RECORDED, piece_bytes);
            assert_eq!(next, Next::Done, "in pieces of {piece_bytes}");
            let seen = server.seen().expect("a hello");
            assert_eq!((seen.version, seen.suite), (0x0301, 0x002f));
            assert!(!seen.is_modern());
            let mut answer = Answer::new(Probe::Tls, Outcome::Answered, Timestamp::from_millis(0));
            certificate::tell(&seen.certificate.expect("a certificate"), &mut answer);
            assert_eq!(answer.clue(ClueKind::CertKey), Some("RSA 512"));
        }
    }

    #[test]
    fn every_truncation_and_bit_flip_is_read_or_refused() {
        for cut in 0..RECORDED.len() {
            let (next, _) = taken(&RECORDED[..cut], 100);
            assert_eq!(next, Next::More, "cut at {cut}");
        }
        for bit in 0..RECORDED.len() * 8 {
            let mut flipped = RECORDED.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Some(der) = taken(&flipped, 4096)
                .1
                .seen()
                .and_then(|seen| seen.certificate)
            {
                let mut answer =
                    Answer::new(Probe::Tls, Outcome::Answered, Timestamp::from_millis(0));
                certificate::tell(&der, &mut answer);
                assert!(answer.clue(ClueKind::CertFingerprint).is_some());
            }
        }
    }
}
