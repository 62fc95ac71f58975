//! What units show that speak only TLS 1.0, 1.1 or SSL 3.0, or that use parameters so weak that libraries refuse them.
//!
//! Up to TLS 1.2 the certificate comes in the clear: one message is sent, what is answered is read, and the connection
//! is closed before there is anything to encrypt. No cryptography is done here.

use self::server_side::{Next, Seen, ServerSide};
use super::certificate;
use super::suites::{self, OLD_SUITES, SUITES};
use crate::engine::identify::Ask;
use crate::engine::identify::ports::connection::Place;
use crate::model::probing::{Answer, ClueKind, Outcome};
use crate::model::sighting::RawDatagram;

mod server_side;

/// A way to say hello. Old units refuse what they do not know, each in its own manner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hello {
    /// Offers TLS 1.2, and so everything below, with every suite.
    UpTo12,
    /// Offers TLS 1.0 without extensions, as programs of its time did.
    Only10,
    /// Offers SSL 3.0.
    Only30,
}

/// As it stands in a hello.
const TLS_1_2: u16 = 0x0303;

/// A closing alert (RFC 5246, section 7.2.1), in a record of TLS 1.0.
const CLOSE_NOTIFY: [u8; 7] = [21, 3, 1, 0, 2, 1, 0];

/// Says hello as old programs did, where the library's handshake failed with `why`.
pub(super) async fn look(ask: &Ask, place: &Place, answer: &mut Answer, why: &str) -> Outcome {
    for hello in [Hello::UpTo12, Hello::Only10, Hello::Only30] {
        match say(ask, place, hello).await {
            Ok(seen) => {
                tell(&seen, answer);
                return Outcome::Answered;
            }
            Err(Some(other)) => return Outcome::Garbled(other),
            Err(None) => {}
        }
    }
    Outcome::Garbled(format!("the handshake failed ({why})"))
}

/// What was seen, or what else than TLS it speaks; `Err(None)` when it refused.
async fn say(ask: &Ask, place: &Place, hello: Hello) -> Result<Seen, Option<String>> {
    place.heard.clear();
    let mut connection = place
        .connect(ask, ask.ports.https)
        .await
        .map_err(|_closed| None)?;
    let mut server = ServerSide::default();
    let mut next = Next::More;
    if connection.say(&hello.record()).await.is_ok() {
        let mut buffer = [0; 4096];
        while next == Next::More {
            match connection.more(&mut buffer, ask.silence).await {
                Ok(num_bytes @ 1..) => next = server.take(&buffer[..num_bytes]),
                // Nothing more comes.
                Ok(0) | Err(_) => break,
            }
        }
        // Its whole meaning is to be polite.
        connection.say(&CLOSE_NOTIFY).await.ok();
    }
    connection.close().await;
    match (server.seen(), next) {
        (Some(seen), _) => Ok(seen),
        (None, Next::Other(other)) => Err(Some(other)),
        (None, _) => Err(None),
    }
}

fn tell(seen: &Seen, answer: &mut Answer) {
    let version = suites::version_name(seen.version);
    answer.add(ClueKind::TlsVersion, &version);
    if !seen.is_modern() {
        let group = match seen.dh_bits {
            Some(bits) => format!(", {bits}-bit DH"),
            None => String::new(),
        };
        let text = format!("{version}, {}{group}", suites::name(seen.suite));
        let kind = if seen.version < TLS_1_2 {
            ClueKind::LegacyTls
        } else {
            ClueKind::WeakTls
        };
        answer.add(kind, &text);
    }
    if let Some(der) = &seen.certificate {
        certificate::tell(der, answer);
        answer.raw = RawDatagram::keep(der);
    }
}

impl Hello {
    const fn version(self) -> u16 {
        match self {
            Self::UpTo12 => TLS_1_2,
            Self::Only10 => 0x0301,
            Self::Only30 => 0x0300,
        }
    }

    /// The hello as it is sent (RFC 5246, section 7.4.1.2), in one record.
    fn record(self) -> Vec<u8> {
        let mut body = self.version().to_be_bytes().to_vec();
        // Random in a handshake that is finished; here nothing depends on it.
        body.extend(*b"rollcall looks at the certificat");
        // No session.
        body.push(0);
        let mut offered: Vec<u8> = Vec::new();
        if self == Self::UpTo12 {
            offered.extend(SUITES.iter().flat_map(|(suite, _)| suite.to_be_bytes()));
        }
        offered.extend(OLD_SUITES.iter().flat_map(|(suite, _)| suite.to_be_bytes()));
        if self != Self::Only30 {
            // Renegotiation is safe with us: there is none (RFC 5746, section 3.3). Some servers insist.
            offered.extend([0x00, 0xff]);
        }
        body.extend((offered.len() as u16).to_be_bytes());
        body.extend(offered);
        // No compression.
        body.extend([1, 0]);
        if self == Self::UpTo12 {
            body.extend((EXTENSIONS.len() as u16).to_be_bytes());
            body.extend(EXTENSIONS);
        }
        let record_version = if self == Self::Only30 {
            0x0300
        } else {
            0x0301_u16
        };
        let mut record = vec![22];
        record.extend(record_version.to_be_bytes());
        record.extend((body.len() as u16 + 4).to_be_bytes());
        record.extend([1, 0]);
        record.extend((body.len() as u16).to_be_bytes());
        record.extend(body);
        record
    }
}

/// Groups (RFC 8422: P-256, P-384, P-521, X25519), the uncompressed form of points, and every way to sign
/// (RFC 5246, section 7.4.1.4.1: with RSA, ECDSA and DSA; RFC 8446: PSS). Short digests first: a key of 512 bits cannot
/// sign a long one.
const EXTENSIONS: [u8; 70] = [
    0, 10, 0, 10, 0, 8, 0, 23, 0, 24, 0, 25, 0, 29, //
    0, 11, 0, 2, 1, 0, //
    0, 13, 0, 46, 0, 44, //
    4, 1, 4, 3, 4, 2, 2, 1, 2, 3, 2, 2, 5, 1, 5, 3, 5, 2, 6, 1, 6, 3, 6, 2, 3, 1, 3, 3, 3, 2, 1,
    1, //
    8, 4, 8, 5, 8, 6, 8, 9, 8, 10, 8, 11,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lengths_inside_a_hello_are_right() {
        for hello in [Hello::UpTo12, Hello::Only10, Hello::Only30] {
            let record = hello.record();
            let record_len = usize::from(u16::from_be_bytes([record[3], record[4]]));
            assert_eq!(record.len(), 5 + record_len, "{hello:?}");
            let body_len = usize::from(u16::from_be_bytes([record[7], record[8]]));
            assert_eq!(record.len(), 9 + body_len, "{hello:?}");
            let suites_at = 9 + 2 + 32 + 1;
            let suites_len = usize::from(u16::from_be_bytes([
                record[suites_at],
                record[suites_at + 1],
            ]));
            let rest = &record[suites_at + 2 + suites_len..];
            assert_eq!(rest[..2], [1, 0], "{hello:?}");
            let mut extensions = match hello {
                Hello::UpTo12 => &rest[4..],
                Hello::Only10 | Hello::Only30 => &rest[2..],
            };
            while let [_, _, high, low, after @ ..] = extensions {
                extensions = &after[usize::from(u16::from_be_bytes([*high, *low]))..];
            }
            assert!(
                extensions.is_empty(),
                "{hello:?} ends with its last extension"
            );
        }
    }
}
