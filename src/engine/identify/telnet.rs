//! The first words on the Telnet port, without the negotiation (RFC 854, RFC 855). Every option is refused politely, so
//! that the prompt comes; nothing is ever typed.

use std::time::Duration;

use tokio::time::timeout;

use super::Ask;
use super::ports::connection::{Connection, Place, ended, not_asked};
use crate::engine::clock;
use crate::model::probing::{Answer, ClueKind, Outcome, Probe};

/// Once words have come, so long without a new byte ends them.
const PAUSE: Duration = Duration::from_millis(700);

/// How much of the words is kept.
const TEXT_KEPT_BYTES: usize = 2048;

/// How much is read at all: negotiation is no text.
const READ_BYTES: usize = 16 * 1024;

/// How many options are listed and refused. There are fewer than 64 that anybody speaks.
const OPTIONS_KEPT: usize = 64;

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SUB_BEGIN: u8 = 250;
const SUB_END: u8 = 240;

/// Listens to the first words.
pub async fn ask(ask: &Ask) -> Answer {
    let Some(place) = Place::take(ask).await else {
        return not_asked(Probe::Telnet);
    };
    let mut answer = Answer::new(Probe::Telnet, Outcome::Silent, clock::now());
    let mut words = Words::default();
    // Ended by the limit, what came so far counts.
    let outcome = timeout(ask.limit, listen(ask, &place, &mut words)).await;
    words.tell(&mut answer);
    let outcome = if answer.clues.is_empty() {
        outcome.ok()
    } else {
        Some(Outcome::Answered)
    };
    ended(answer, &place, outcome)
}

async fn listen(ask: &Ask, place: &Place, words: &mut Words) -> Outcome {
    let mut connection = match place.connect(ask, ask.ports.telnet).await {
        Ok(connection) => connection,
        Err(outcome) => return outcome,
    };
    let outcome = listen_to(ask, &mut connection, words).await;
    connection.close().await;
    outcome
}

async fn listen_to(ask: &Ask, connection: &mut Connection, words: &mut Words) -> Outcome {
    let mut buffer = [0; 1024];
    let mut num_read = 0;
    loop {
        // After the negotiation alone, the words are still to come: some units look up our name before.
        let wait = if words.text.is_empty() {
            ask.silence
        } else {
            PAUSE
        };
        match connection.more(&mut buffer, wait).await {
            Ok(0) if num_read == 0 => {
                return Outcome::Garbled("it closed the connection without a word".to_owned());
            }
            Ok(0) => break,
            Ok(num_bytes) => {
                num_read += num_bytes;
                let refusals = words.take(&buffer[..num_bytes]);
                if !refusals.is_empty() && connection.say(&refusals).await.is_err() {
                    break;
                }
            }
            Err(outcome) if num_read == 0 => return outcome,
            Err(_end) => break,
        }
        if num_read >= READ_BYTES || words.text.len() >= TEXT_KEPT_BYTES {
            break;
        }
    }
    Outcome::Garbled("nothing that it said is text".to_owned())
}

/// What came, taken apart byte by byte.
#[derive(Debug, Default)]
struct Words {
    state: State,
    text: Vec<u8>,
    options: Vec<(u8, u8)>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Text,
    /// After a carriage return, whose NUL is no text (RFC 854).
    Return,
    /// After IAC.
    Command,
    /// After IAC and WILL, WONT, DO or DONT.
    Option(u8),
    /// In a subnegotiation.
    Sub,
    /// After IAC in a subnegotiation.
    SubCommand,
}

impl Words {
    /// Takes what came and gives what is to be answered.
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut refusals = Vec::new();
        for &byte in bytes {
            self.state = match (self.state, byte) {
                (State::Text | State::Return, IAC) => State::Command,
                (State::Return, 0) | (State::SubCommand, SUB_END) => State::Text,
                (State::Text | State::Return, b'\r') => {
                    self.push(byte);
                    State::Return
                }
                // IAC twice is one byte of text.
                (State::Text | State::Return, _) | (State::Command, IAC) => {
                    self.push(byte);
                    State::Text
                }
                (State::Command, WILL..=DONT) => State::Option(byte),
                (State::Command, SUB_BEGIN) => State::Sub,
                (State::Command, _) => State::Text,
                (State::Option(verb), option) => {
                    self.negotiate(verb, option, &mut refusals);
                    State::Text
                }
                (State::Sub, IAC) => State::SubCommand,
                (State::Sub | State::SubCommand, _) => State::Sub,
            };
        }
        refusals
    }

    fn push(&mut self, byte: u8) {
        if self.text.len() < TEXT_KEPT_BYTES {
            self.text.push(byte);
        }
    }

    /// Each option is listed and refused once: answering again and again would be a loop.
    fn negotiate(&mut self, verb: u8, option: u8, refusals: &mut Vec<u8>) {
        if self.options.len() >= OPTIONS_KEPT || self.options.contains(&(verb, option)) {
            return;
        }
        self.options.push((verb, option));
        match verb {
            DO => refusals.extend([IAC, WONT, option]),
            WILL => refusals.extend([IAC, DONT, option]),
            // That it does not want something needs no answer.
            _ => {}
        }
    }

    fn tell(&self, answer: &mut Answer) {
        let text = match std::str::from_utf8(&self.text) {
            Ok(text) => text.to_owned(),
            // Latin-1: every byte is the character of its number.
            Err(_) => self.text.iter().copied().map(char::from).collect(),
        };
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        answer.add(ClueKind::TelnetBanner, text.trim_matches(['\0', '\n', ' ']));
        let options: Vec<_> = self
            .options
            .iter()
            .map(|(verb, option)| format!("{} {}", verb_name(*verb), option_name(*option)))
            .collect();
        answer.add(ClueKind::TelnetOptions, &options.join(", "));
    }
}

const fn verb_name(verb: u8) -> &'static str {
    match verb {
        DO => "DO",
        DONT => "DONT",
        WILL => "WILL",
        _ => "WONT",
    }
}

/// The names of the registered options (IANA, "Telnet Options"); others by their number.
fn option_name(option: u8) -> String {
    let name = match option {
        0 => "BINARY",
        1 => "ECHO",
        3 => "SGA",
        5 => "STATUS",
        6 => "TIMING-MARK",
        17 => "EXTEND-ASCII",
        18 => "LOGOUT",
        24 => "TERMINAL-TYPE",
        25 => "END-OF-RECORD",
        31 => "NAWS",
        32 => "TERMINAL-SPEED",
        33 => "LFLOW",
        34 => "LINEMODE",
        35 => "X-DISPLAY-LOCATION",
        36 => "OLD-ENVIRON",
        37 => "AUTHENTICATION",
        38 => "ENCRYPT",
        39 => "NEW-ENVIRON",
        42 => "CHARSET",
        44 => "COM-PORT",
        46 => "START-TLS",
        other => return other.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    fn check(came: &[u8], expected_clues: &[(ClueKind, &str)], expected_said: &[u8]) {
        // Cut at every place, the meaning is the same.
        for cut in 0..=came.len() {
            let mut words = Words::default();
            let (left, right) = came.split_at(cut);
            let said = [words.take(left), words.take(right)].concat();
            let mut answer = Answer::new(Probe::Telnet, Outcome::Silent, Timestamp::from_millis(0));
            words.tell(&mut answer);
            let clues: Vec<_> = answer
                .clues
                .iter()
                .map(|clue| (clue.kind, clue.text.as_str()))
                .collect();
            assert_eq!(clues, expected_clues, "{came:?} cut at {cut}");
            assert_eq!(said, expected_said, "{came:?} cut at {cut}");
        }
    }

    #[test]
    fn the_negotiation_is_refused_once_and_listed() {
        check(
            b"\xff\xfd\x18\xff\xfb\x01\xff\xfb\x03\xff\xfd\x18\r\nACS 5048\r\nlogin: ",
            &[
                (ClueKind::TelnetBanner, "ACS 5048\nlogin:"),
                (
                    ClueKind::TelnetOptions,
                    "DO TERMINAL-TYPE, WILL ECHO, WILL SGA",
                ),
            ],
            b"\xff\xfc\x18\xff\xfe\x01\xff\xfe\x03",
        );
    }

    #[test]
    fn subnegotiations_doubled_bytes_and_returns_are_no_text() {
        check(
            b"\xff\xfa\x18\x01 hidden \xff\xff\xff\xf0\xff\xf1a\xff\xffb\r\0c",
            &[(ClueKind::TelnetBanner, "aÿb\nc")],
            b"",
        );
    }

    #[test]
    fn text_is_utf_8_where_it_can_be() {
        check(
            "Zürich".as_bytes(),
            &[(ClueKind::TelnetBanner, "Zürich")],
            b"",
        );
        check(
            b"Z\xfcrich \xff\xfd\xc8",
            &[
                (ClueKind::TelnetBanner, "Zürich"),
                (ClueKind::TelnetOptions, "DO 200"),
            ],
            b"\xff\xfc\xc8",
        );
    }

    #[test]
    fn a_flood_of_options_and_text_is_bounded() {
        let mut words = Words::default();
        for option in 0..=255 {
            words.take(&[IAC, DO, option, IAC, WILL, option]);
        }
        words.take(&[b'x'; 10_000]);
        assert_eq!(words.options.len(), OPTIONS_KEPT);
        assert_eq!(words.text.len(), TEXT_KEPT_BYTES);
    }
}
