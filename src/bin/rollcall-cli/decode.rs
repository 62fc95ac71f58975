//! `decode`: says what datagrams mean.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, StdoutLock, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use rollcall::engine::decoder_files::read_decoders;
use rollcall::model::shown::show_text;
use rollcall::model::sighting::Claims;
use rollcall::taught::{Decoders, Taught};
use rollcall::wire::{self, Guess, Message, PORT_INSTALL, Rejection, Remark};
use serde::Serialize;

use crate::json::{Facts, hex_of};
use crate::output::{Failure, JsonLines, Outcome, say};

/// The longest line that is read: a datagram of 64 KiB with a separator after every digit.
const MAX_LINE_BYTES: u64 = 4 * 65_536;

/// What `decode` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  rollcall-cli decode --hex 0141494450000101000000060100020108ff0d\n\nExit code 1: one of the datagrams is not AIDP and no decoder given reads it, or it is refused; or a decoder is not used."
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
    /// A file with decoders, for datagrams that are not AIDP; may be given several times
    #[arg(long, value_name = "FILE")]
    decoder: Vec<PathBuf>,
    /// The UDP port that the datagrams came in on, as far as the decoders care
    #[arg(long, value_name = "N", default_value_t = PORT_INSTALL, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// JSON, one object a datagram, or text for a person
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = FormatWord::Json)]
    format: FormatWord,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatWord {
    Json,
    Text,
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
    taught: Option<TaughtBy>,
}

/// What a taught decoder read.
#[derive(Debug, Serialize)]
struct TaughtBy {
    /// The source of the facts.
    decoder: String,
    fields: Vec<TaughtField>,
    missed: Vec<MissedField>,
}

/// A field that a taught decoder read, and which bytes it is.
#[derive(Debug, Serialize)]
struct TaughtField {
    fact: &'static str,
    text: String,
    offset: usize,
    len_bytes: usize,
}

/// A field that a taught decoder did not find.
#[derive(Debug, Serialize)]
struct MissedField {
    fact: &'static str,
    why: String,
}

impl TaughtBy {
    fn new(taught: &Taught) -> Self {
        let decoder = taught.claims.taught.as_deref();
        Self {
            decoder: decoder.map(|by| by.decoder.clone()).unwrap_or_default(),
            fields: taught
                .fields
                .iter()
                .map(|field| TaughtField {
                    fact: field.fact.word(),
                    text: field.text.clone(),
                    offset: field.range.start,
                    len_bytes: field.range.len(),
                })
                .collect(),
            missed: taught
                .missed
                .iter()
                .map(|missed| MissedField {
                    fact: missed.fact.word(),
                    why: missed.why.to_string(),
                })
                .collect(),
        }
    }
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
        out: match args.format {
            FormatWord::Json => Out::Json(JsonLines::new()),
            FormatWord::Text => Out::Text(BufWriter::new(io::stdout().lock())),
        },
        decoders: Decoders::default(),
        port: args.port,
        num_findings: 0,
        num_not_hex: 0,
    };
    for path in &args.decoder {
        run.take_decoders(path)?;
    }
    for (idx, hex) in args.hex.iter().enumerate() {
        run.take(idx as u64 + 1, hex.as_bytes())?;
    }
    if let Some(path) = &args.hex_file {
        run.take_file(path)?;
    }
    run.out.flush()?;
    if run.num_not_hex > 0 {
        Err(Failure::NotHex(run.num_not_hex))
    } else if run.num_findings > 0 {
        Ok(Outcome::Findings)
    } else {
        Ok(Outcome::Done)
    }
}

#[derive(Debug)]
struct Run {
    out: Out,
    decoders: Decoders,
    port: u16,
    num_findings: u64,
    num_not_hex: u64,
}

/// Where the results go.
#[derive(Debug)]
enum Out {
    Json(JsonLines),
    Text(BufWriter<StdoutLock<'static>>),
}

impl Out {
    fn write(&mut self, number: u64, meaning: &Meaning) -> Result<(), Failure> {
        match self {
            Self::Json(lines) => lines.write(meaning),
            Self::Text(out) => Ok(print(out, number, meaning)?),
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Json(lines) => lines.flush(),
            Self::Text(out) => Ok(out.flush()?),
        }
    }
}

impl Run {
    /// Takes the decoders of a file. What is wrong with them is said, and the others are used.
    fn take_decoders(&mut self, path: &Path) -> Result<(), Failure> {
        let name = path.display().to_string();
        let (decoders, refused) = read_decoders(path, &name).map_err(|source| Failure::Read {
            path: path.to_owned(),
            source,
        })?;
        for refused in refused {
            self.num_findings += 1;
            say(format_args!("{refused}"));
        }
        for decoder in decoders {
            let (line, column) = decoder.place();
            let decoder_name = decoder.name().to_owned();
            if let Err(why) = self.decoders.push(decoder) {
                self.num_findings += 1;
                say(format_args!(
                    "{name}:{line}:{column}: {decoder_name:?}: {why}"
                ));
            }
        }
        Ok(())
    }

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
        let rejection = wire::decode(&datagram).err();
        // What is AIDP, or its sister protocol, never reaches a taught decoder: the engine keeps it from them as well.
        let taught = match rejection {
            Some(Rejection::NotAidp { asmp: false, .. }) => {
                self.decoders.first_match(self.port, &datagram)
            }
            _ => None,
        };
        if let Some(taught) = taught {
            return self.out.write(number, &taught_meaning(&taught));
        }
        self.out.write(number, &meaning(&datagram))?;
        if let Some(rejection) = rejection {
            self.num_findings += 1;
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
            taught: None,
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
            taught: None,
        },
    }
}

fn taught_meaning(taught: &Taught) -> Meaning {
    Meaning {
        result: "taught",
        kind: None,
        r#type: None,
        sequence: None,
        fields: None,
        remarks: None,
        reason: None,
        facts: Some(Facts::new(&taught.claims)),
        taught: Some(TaughtBy::new(taught)),
    }
}

/// One datagram as text. Texts of the datagram may be in it, and must not act on a terminal.
fn print(out: &mut impl Write, number: u64, meaning: &Meaning) -> io::Result<()> {
    write!(out, "datagram {number}: {}", meaning.result)?;
    if let Some(kind) = meaning.kind {
        write!(out, ", {kind}")?;
    }
    if let Some(sequence) = meaning.sequence {
        write!(out, ", sequence {sequence}")?;
    }
    if let Some(reason) = meaning.reason.filter(|reason| *reason != meaning.result) {
        write!(out, ", {reason}")?;
    }
    if let Some(taught) = &meaning.taught {
        write!(out, " by {}", show_text(&taught.decoder))?;
    }
    writeln!(out)?;
    for field in meaning.fields.iter().flatten() {
        writeln!(out, "  field {:<4} {}", field.r#type, field.hex)?;
    }
    for remark in meaning.remarks.iter().flatten() {
        writeln!(out, "  remark     {remark}")?;
    }
    if let Some(taught) = &meaning.taught {
        for field in &taught.fields {
            let TaughtField {
                fact,
                text,
                offset,
                len_bytes,
            } = field;
            let last = offset + len_bytes - 1;
            let text = show_text(text);
            writeln!(out, "  {fact:<10} {text} (bytes {offset} to {last})")?;
        }
        for missed in &taught.missed {
            let why = show_text(&missed.why);
            writeln!(out, "  {:<10} missed: {why}", missed.fact)?;
        }
    } else if let Some(facts) = &meaning.facts {
        for (fact, text) in facts.words() {
            writeln!(out, "  {fact:<10} {}", show_text(&text))?;
        }
    }
    Ok(())
}
