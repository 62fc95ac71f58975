//! The identification of an SSH server and the fingerprint of its host key (RFC 4253).
//!
//! No SSH library is used: the key comes in the clear, before any cipher, so nothing here encrypts, signs or verifies
//! anything, and libraries refuse the exchanges and keys that old units speak. No user name is ever sent. That the key
//! is really the unit's is not verified, which would need the rest of the exchange: a fingerprint here is what the unit
//! shows, to be compared by a person.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use self::exchange::Exchange;
use self::packet::{Fields, packet_of, packet_within};
use super::Ask;
use super::ports::connection::{Connection, Place, ended, not_asked};
use crate::engine::clock;
use crate::model::probing::{Answer, ClueKind, Outcome, Probe};

mod exchange;
mod packet;

/// A line of the greeting, with its end (RFC 4253, section 4.2).
const LINE_BYTES: usize = 255;

/// Lines before the identification (RFC 4253, section 4.2); it does not say how many.
const LINES_BEFORE: usize = 32;

/// Packets before the one that is waited for: a unit may ignore and debug, not for ever.
const PACKETS_BEFORE: usize = 16;

/// How long nothing may come before the key is given up: a small processor takes seconds for a key exchange.
const KEY_SILENCE: Duration = Duration::from_secs(3);

/// How much is told of a line in place of the identification.
const TOLD_CHARS: usize = 100;

const DISCONNECT: u8 = 1;
const IGNORE: u8 = 2;
const UNIMPLEMENTED: u8 = 3;
const DEBUG: u8 = 4;
const KEXINIT: u8 = 20;
/// The reply to a key exchange has the same number in all the methods that are offered.
const KEX_REPLY: u8 = 31;
/// "By application" (RFC 4253, section 11.1).
const REASON_BY_APPLICATION: u32 = 11;

/// Asks for the identification and the host key.
pub async fn ask(ask: &Ask) -> Answer {
    let Some(place) = Place::take(ask).await else {
        return not_asked(Probe::Ssh);
    };
    let mut answer = Answer::new(Probe::Ssh, Outcome::Silent, clock::now());
    let outcome = timeout(ask.limit, talk(ask, &place, &mut answer)).await;
    ended(answer, &place, outcome.ok())
}

async fn talk(ask: &Ask, place: &Place, answer: &mut Answer) -> Outcome {
    let connection = match place.connect(ask, ask.ports.ssh).await {
        Ok(connection) => connection,
        Err(outcome) => return outcome,
    };
    let mut reader = Reader {
        connection,
        came: Vec::new(),
        wait: ask.silence,
    };
    let outcome = match identification(&mut reader).await {
        Ok(banner) => {
            answer.add(ClueKind::SshBanner, &banner);
            reader.wait = KEY_SILENCE;
            if is_version_2(&banner) {
                // Without a key there still is the banner.
                if let Ok(key) = host_key(&mut reader).await {
                    answer.add(ClueKind::SshHostKey, &key);
                }
            }
            Outcome::Answered
        }
        Err(outcome) => outcome,
    };
    reader.connection.close().await;
    outcome
}

/// 1.99 is a server of version 2 that also takes clients of version 1 (RFC 4253, section 5.1).
fn is_version_2(banner: &str) -> bool {
    banner.starts_with("SSH-2.") || banner.starts_with("SSH-1.99-")
}

/// What came and is not yet used. Never more than one packet and one read.
struct Reader {
    connection: Connection,
    came: Vec<u8>,
    wait: Duration,
}

impl Reader {
    async fn more(&mut self) -> Result<(), Outcome> {
        let mut buffer = [0; 4096];
        match self.connection.more(&mut buffer, self.wait).await? {
            0 => Err(garbled("it closed the connection")),
            num_bytes => {
                self.came.extend_from_slice(&buffer[..num_bytes]);
                Ok(())
            }
        }
    }

    /// A line without its end.
    async fn line(&mut self) -> Result<String, Outcome> {
        loop {
            let within = &self.came[..self.came.len().min(LINE_BYTES)];
            if let Some(end) = within.iter().position(|byte| *byte == b'\n') {
                let line = String::from_utf8_lossy(&self.came[..end])
                    .trim_end_matches('\r')
                    .to_owned();
                self.came.drain(..=end);
                return Ok(line);
            }
            if within.len() == LINE_BYTES {
                return Err(garbled("a line of its greeting is longer than 255 bytes"));
            }
            self.more().await?;
        }
    }

    /// The payload of the next packet.
    async fn packet(&mut self) -> Result<Vec<u8>, Outcome> {
        loop {
            match packet_within(&self.came) {
                Ok(Some((payload, len))) => {
                    let payload = payload.to_vec();
                    self.came.drain(..len);
                    return Ok(payload);
                }
                Ok(None) => self.more().await?,
                Err(why) => return Err(garbled(why)),
            }
        }
    }

    /// The payload of the next packet of this number, without the number.
    async fn message(&mut self, number: u8) -> Result<Vec<u8>, Outcome> {
        for _ in 0..PACKETS_BEFORE {
            let mut payload = self.packet().await?;
            match payload.first() {
                Some(first) if *first == number => {
                    payload.remove(0);
                    return Ok(payload);
                }
                Some(&(IGNORE | DEBUG | UNIMPLEMENTED)) => {}
                Some(&DISCONNECT) => return Err(garbled("it ended the exchange")),
                _ => return Err(garbled("it sent another message than was due")),
            }
        }
        Err(garbled("it sent too many messages that say nothing"))
    }
}

fn garbled(why: &str) -> Outcome {
    Outcome::Garbled(why.to_owned())
}

async fn identification(reader: &mut Reader) -> Result<String, Outcome> {
    let mut said = String::new();
    for _ in 0..=LINES_BEFORE {
        let line = match reader.line().await {
            Ok(line) => line,
            // An old server may end the line with the connection.
            Err(Outcome::Garbled(_)) if reader.came.starts_with(b"SSH-") => {
                let rest = &reader.came[..reader.came.len().min(LINE_BYTES)];
                String::from_utf8_lossy(rest).into_owned()
            }
            // Something came, and no end of a line within the time.
            Err(Outcome::Silent) if !reader.came.is_empty() => {
                return Err(garbled("the first line did not end in time"));
            }
            // It closed; a line that is too long is told as that.
            Err(Outcome::Garbled(_)) if reader.came.len() < LINE_BYTES => {
                let rest = String::from_utf8_lossy(&reader.came);
                let last = [rest.trim(), said.trim()]
                    .into_iter()
                    .find(|line| !line.is_empty());
                return Err(match last {
                    Some(last) => {
                        let told: String = last.chars().take(TOLD_CHARS).collect();
                        garbled(&format!("it said {told:?} and closed"))
                    }
                    None => garbled("it closed the connection without a word"),
                });
            }
            Err(outcome) => return Err(outcome),
        };
        if line.starts_with("SSH-") {
            return Ok(line);
        }
        if !line.trim().is_empty() {
            said = line;
        }
    }
    Err(garbled("no SSH identification is among its first lines"))
}

async fn host_key(reader: &mut Reader) -> Result<String, Outcome> {
    let hello = concat!("SSH-2.0-Rollcall_", env!("CARGO_PKG_VERSION"), "\r\n");
    let mut first = hello.as_bytes().to_vec();
    first.extend(packet_of(&exchange::our_kexinit()));
    reader.connection.say(&first).await?;
    let theirs = reader.message(KEXINIT).await?;
    let Some(exchange) = Exchange::agreed(&theirs) else {
        return Err(garbled("it speaks none of the key exchanges"));
    };
    reader.connection.say(&packet_of(&exchange.init())).await?;
    let reply = reader.message(KEX_REPLY).await?;
    let key = Fields(&reply)
        .string()
        .and_then(fingerprint)
        .ok_or_else(|| garbled("its host key is broken"));
    // A word of farewell, for the unit's log; whether it is taken is all the same.
    reader.connection.say(&packet_of(&farewell())).await.ok();
    key
}

/// `ssh-ed25519 SHA256:…`, as OpenSSH writes it. `None` for what is no key.
fn fingerprint(key: &[u8]) -> Option<String> {
    let kind = std::str::from_utf8(Fields(key).string()?).ok()?;
    let is_name =
        !kind.is_empty() && kind.len() <= 64 && kind.bytes().all(|b| b.is_ascii_graphic());
    is_name.then(|| {
        let digest = STANDARD_NO_PAD.encode(Sha256::digest(key));
        format!("{kind} SHA256:{digest}")
    })
}

fn farewell() -> Vec<u8> {
    let mut message = vec![DISCONNECT];
    message.extend(REASON_BY_APPLICATION.to_be_bytes());
    packet::push_string(&mut message, b"looked at the host key");
    packet::push_string(&mut message, b"");
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_written_as_openssh_does() {
        // Compared with `ssh-keygen -lf` of the key AAAAC3NzaC1lZDI1NTE5AAAAI and 32 bytes of 1.
        let mut key = Vec::new();
        packet::push_string(&mut key, b"ssh-ed25519");
        packet::push_string(&mut key, &[1; 32]);
        assert_eq!(
            fingerprint(&key).as_deref(),
            Some("ssh-ed25519 SHA256:RXm/ruZ0eTzRXKwi1AQEDynB0VgHQ2ac9KPSFdf/YnA")
        );
    }

    #[test]
    fn what_is_no_key_has_no_fingerprint() {
        let mut nameless = Vec::new();
        packet::push_string(&mut nameless, b"");
        let mut odd = Vec::new();
        packet::push_string(&mut odd, b"ssh\x1b[2J");
        for key in [&b""[..], &[0, 0, 0, 200, 1], &nameless, &odd] {
            assert_eq!(fingerprint(key), None, "{key:?}");
        }
    }

    #[test]
    fn versions_are_told_apart() {
        assert!(is_version_2("SSH-2.0-OpenSSH_9.2"));
        assert!(is_version_2("SSH-1.99-Cisco-1.25"));
        assert!(!is_version_2("SSH-1.5-1.2.27"));
    }
}
