//! `decode`: says what datagrams mean.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use rollcall::model::sighting::Claims;
use rollcall::wire::{self, Guess, Message, Rejection, Remark};
use serde::Serialize;

use crate::json::{Facts, hex_of};
use crate::output::{Failure, JsonLines, Outcome, say};

/// The longest line that is read: a datagram of 64 KiB with a separator after every digit.
const MAX_LINE_BYTES: u64 = 4 * 65_536;

/// What `decode` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli decode --hex 0141494450000101000000060100020108ff0d\n\nExit code 1: one of the datagrams is not AIDP or is refused."
)]
pub(crate) struct Args {
    /// Datagrams in hex, one each. Spaces, colons and hyphens between the digits do not matter
    #[arg(
        long,
        value_name = "HEX",
        num_args = 1..,
        required_unless_present = "hex_file",
        conflicts_with = "hex_file"
    )]
    hex: Vec<String>,
    /// A file with one datagram a line; "-" is standard input. Blank lines and those that begin with # are skipped
    #[arg(long, value_name = "FILE")]
    hex_file: Option<PathBuf>,
}

/// What is said about one datagram. Every key is always there.
#[derive(Debug, Serialize)]
struct Meaning {
    result: &'static str,
    kind: Option<&'static str>,
    r#type: Option<u8>,
    sequence: Option<u16>,
    fields: Option<Vec<RawField>>,
    remarks: Option<Vec<&'static str>>,
    reason: Option<&'static str>,
    facts: Option<Facts>,
}

/// A field as it came.
#[derive(Debug, Serialize)]
struct RawField {
    r#type: u8,
    hex: String,
}

/// Runs the subcommand.
pub(crate) fn decode(args: &Args) -> Result<Outcome, Failure> {
    let mut run = Run {
        out: JsonLines::new(),
        num_refused: 0,
        num_not_hex: 0,
    };
    for (idx, hex) in args.hex.iter().enumerate() {
        run.take(idx as u64 + 1, hex.as_bytes())?;
    }
    if let Some(path) = &args.hex_file {
        run.take_file(path)?;
    }
    run.out.flush()?;
    if run.num_not_hex > 0 {
        Err(Failure::NotHex(run.num_not_hex))
    } else if run.num_refused > 0 {
        Ok(Outcome::Findings)
    } else {
        Ok(Outcome::Done)
    }
}

#[derive(Debug)]
struct Run {
    out: JsonLines,
    num_refused: u64,
    num_not_hex: u64,
}

impl Run {
    fn take_file(&mut self, path: &Path) -> Result<(), Failure> {
        let read = |source| Failure::Read {
            path: path.to_owned(),
            source,
        };
        let mut lines: Box<dyn BufRead> = if path == Path::new("-") {
            Box::new(io::stdin().lock())
        } else {
            Box::new(BufReader::new(File::open(path).map_err(read)?))
        };
        let mut line = Vec::new();
        let mut number = 0;
        loop {
            line.clear();
            number += 1;
            let len_bytes = lines
                .by_ref()
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut line)
                .map_err(read)?;
            if len_bytes == 0 {
                return Ok(());
            }
            if len_bytes as u64 == MAX_LINE_BYTES && !line.ends_with(b"\n") {
                lines.skip_until(b'\n').map_err(read)?;
                self.refuse(number, "the line is longer than any datagram");
                continue;
            }
            let text = line.trim_ascii();
            if !text.is_empty() && !text.starts_with(b"#") {
                self.take(number, text)?;
            }
        }
    }

    /// Takes one datagram; `number` is its line or its place among the arguments.
    fn take(&mut self, number: u64, text: &[u8]) -> Result<(), Failure> {
        let datagram = match bytes_of(text) {
            Ok(datagram) => datagram,
            Err(why) => {
                self.refuse(number, &why);
                return Ok(());
            }
        };
        self.out.write(&meaning(&datagram))?;
        if let Err(rejection) = wire::decode(&datagram) {
            self.num_refused += 1;
            say(format_args!("datagram {number}: {rejection}"));
            for hint in wire::guess(&datagram, None, None) {
                // Without a sender there is nothing but text to be found.
                if let Guess::Text(text) = hint.what {
                    say(format_args!(
                        "datagram {number}: a hint only: text {text:?} at offset {}",
                        hint.offset
                    ));
                }
            }
        }
        Ok(())
    }

    fn refuse(&mut self, number: u64, why: &str) {
        self.num_not_hex += 1;
        say(format_args!("datagram {number}: {why}"));
    }
}

/// Reads hex digits, with or without separators between them and `0x` in front.
fn bytes_of(text: &[u8]) -> Result<Vec<u8>, String> {
    let text = text
        .strip_prefix(b"0x")
        .or_else(|| text.strip_prefix(b"0X"))
        .unwrap_or(text);
    let mut digits = Vec::with_capacity(text.len());
    for byte in text {
        match char::from(*byte).to_digit(16) {
            Some(digit) => digits.push(digit as u8),
            None if byte.is_ascii_whitespace() || b":-".contains(byte) => {}
            None => {
                let found = char::from(*byte);
                return Err(format!("{found:?} is no hex digit"));
            }
        }
    }
    if digits.len() % 2 == 1 {
        return Err(format!("{} hex digits make no whole bytes", digits.len()));
    }
    Ok(digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect())
}

fn meaning(datagram: &[u8]) -> Meaning {
    match wire::decode(datagram) {
        Ok(decoded) => Meaning {
            result: "message",
            kind: Some(decoded.frame.kind().label()),
            r#type: Some(decoded.frame.message_type()),
            sequence: Some(decoded.frame.sequence()),
            fields: Some(
                decoded
                    .frame
                    .fields()
                    .map(|field| RawField {
                        r#type: field.kind,
                        hex: hex_of(field.value),
                    })
                    .collect(),
            ),
            remarks: Some(decoded.remarks.iter().map(Remark::as_str).collect()),
            reason: None,
            facts: match &decoded.message {
                Message::DiscoverReply(reply) => Some(Facts::new(&Claims::from_reply(reply))),
                _ => None,
            },
        },
        Err(rejection) => Meaning {
            result: match rejection {
                Rejection::NotAidp { .. } => "not-aidp",
                _ => "rejected",
            },
            kind: None,
            r#type: None,
            sequence: None,
            fields: None,
            remarks: None,
            reason: Some(rejection.reason()),
            facts: None,
        },
    }
}
