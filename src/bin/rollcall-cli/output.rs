//! What the subcommands share: results as JSON lines, words on standard error, and how a call ended.

use std::error::Error;
use std::fmt;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::PathBuf;

use rollcall::engine::StartError;
use rollcall::engine::files::FileError;
use rollcall::engine::handle::SendError;
use rollcall::engine::identify::credentials::V3UserError;
use rollcall::engine::ranges::RangeError;
use rollcall::inventory::WriteError;
use rollcall::model::finding::MANAGEMENT_KEPT;
use rollcall::model::shown::{escape_in_json, show_text};
use rollcall::sim::SimError;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;
use thiserror::Error;

/// How a call ended that could do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to remark.
    Done,
    /// There is something to look at; what, the rules under "Command line" say.
    Findings,
}

/// Why a call could not do what it was asked.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// Standard output does not take the results.
    #[error("could not write the results")]
    Write(#[from] io::Error),
    /// A file cannot be read.
    #[error("could not read {path:?}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Some of the input was not hex. Which, was said on the way.
    #[error("{0} of the datagrams given could not be read as hex")]
    NotHex(u64),
    /// The fleet does not start.
    #[error(transparent)]
    Fleet(#[from] SimError),
    /// The threads that the network needs do not start.
    #[error("could not start the runtime")]
    Runtime(#[source] io::Error),
    /// There is no such interface on this machine.
    #[error("no interface is named {name:?}; there are {known}")]
    NoInterface {
        /// The name that was given.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The engine does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The engine does not take a command.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The engine ended by itself.
    #[error("the engine has ended")]
    EngineEnded,
    /// The site cannot be worked in.
    #[error("the site cannot be used ({0})")]
    Site(String),
    /// What was changed is not in the site file.
    #[error("not everything was saved ({0})")]
    NotSaved(String),
    /// The file is there already, and nobody said to replace it.
    #[error("{0:?} is there already; --overwrite replaces it")]
    Exists(PathBuf),
    /// The inventory was not written.
    #[error(transparent)]
    Inventory(#[from] WriteError),
    /// The inventory was not written to a file.
    #[error("the inventory was not written")]
    NotExported(#[source] FileError),
    /// The ranges cannot be swept.
    #[error(transparent)]
    Ranges(#[from] RangeError),
    /// The ranges are too many addresses, or so many that a person should say yes.
    #[error("{num_ips} addresses are {why}")]
    TooManyIps {
        /// How many addresses.
        num_ips: u64,
        /// What that is.
        why: &'static str,
    },
    /// The sweep did not begin, or could not go on; why, was said on the way or is said here.
    #[error("the sweep could not be done{}", because(why.as_deref()))]
    Sweep {
        /// Why not.
        why: Option<String>,
    },
    /// The exposure check did not begin, or could not go on; why, was said on the way.
    #[error("the exposure check could not be done")]
    Expose,
    /// The exposure check ended before everything was asked, and nothing had answered until then.
    #[error(
        "the exposure check was not finished: {num_asked} of {num_questions} questions asked, nothing answered so far"
    )]
    ExposeNotDone {
        /// Questions that were asked.
        num_asked: u64,
        /// Questions that there were to ask.
        num_questions: u64,
    },
    /// More management networks than a site may have.
    #[error("a site has at most {MANAGEMENT_KEPT} management networks; these would be {0}")]
    ManagementFull(usize),
    /// Stopped by the person before a capture was read and replayed to its end.
    #[error("stopped before the capture was read; nothing was written")]
    ReplayStopped,
    /// A capture file cannot be read or written.
    #[error("{0}")]
    Capture(String),
    /// The passphrase of an SNMP v3 user is not given.
    #[error("--v3-user needs its passphrase in the environment variable {0}")]
    NoPassphrase(&'static str),
    /// The SNMP v3 user cannot be used.
    #[error("the SNMP v3 user cannot be used")]
    V3User(#[source] V3UserError),
    /// Probes failed because of an error in this program. Where, was said on the way.
    #[error(
        "{} could not be asked because of an error inside Rollcall",
        counted(*.0, "address", "addresses")
    )]
    Probe(u64),
    /// An import took nothing.
    #[error("nothing of {path:?} was taken ({why})")]
    NotImported {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

impl Failure {
    /// Whether it only means that nobody reads the results any more.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Write(error) | Self::Inventory(WriteError::Io(error)) => {
                error.kind() == io::ErrorKind::BrokenPipe
            }
            _ => false,
        }
    }

    /// For an interface name that is none on this machine.
    pub(crate) fn no_interface(name: &str) -> Self {
        let interfaces = netdev::get_interfaces();
        let known: Vec<&str> = interfaces
            .iter()
            .map(|interface| interface.name.as_str())
            .collect();
        Self::NoInterface {
            name: name.to_owned(),
            known: known.join(", "),
        }
    }
}

fn because(why: Option<&str>) -> String {
    why.map_or_else(String::new, |why| format!(" ({why})"))
}

/// Standard output, one JSON object a line.
#[derive(Debug)]
pub(crate) struct JsonLines {
    out: BufWriter<StdoutLock<'static>>,
}

impl JsonLines {
    pub(crate) fn new() -> Self {
        Self {
            out: BufWriter::new(io::stdout().lock()),
        }
    }

    /// Writes one object.
    pub(crate) fn write(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        let mut serializer = Serializer::with_formatter(&mut self.out, Escaping);
        object.serialize(&mut serializer).map_err(io::Error::from)?;
        self.out.write_all(b"\n")?;
        Ok(())
    }

    /// Writes lines of text for a person: what others said may be in it, and must not act.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        for line in text.lines() {
            writeln!(self.out, "{}", show_text(line))?;
        }
        Ok(())
    }

    /// Hands on what was written. To be called before waiting for anything, and at the end.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }
}

/// JSON in which nothing can act on a terminal: also characters that are not seen, or that turn the line around, are
/// written by their numbers. Nothing is lost: a reader of JSON gets the same text.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        writer.write_all(escape_in_json(fragment).as_bytes())
    }
}

/// Says something to the person, beside the results, in one line: a unit's words may be in it, and must not act.
pub(crate) fn say(words: fmt::Arguments<'_>) {
    let words = words.to_string();
    // There is nobody left to tell when standard error is closed.
    writeln!(io::stderr().lock(), "{}", show_text(&words)).ok();
}

/// A count with its noun: "1 datagram", "2 datagrams".
pub(crate) fn counted(num: u64, one: &str, many: &str) -> String {
    format!("{num} {}", if num == 1 { one } else { many })
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_written_by_its_number_and_nothing_is_lost() {
        let hostile =
            "a\u{1b}[2J\u{7f}\u{85}\u{9b}\u{2028}\u{202e}b\u{200b}\u{feff}\u{e0041}grün\"\\";
        let mut out = Vec::new();
        hostile
            .serialize(&mut Serializer::with_formatter(&mut out, Escaping))
            .expect("a text can always be written");
        let line = String::from_utf8(out).expect("JSON is UTF-8");
        assert_eq!(
            line,
            "\"a\\u001b[2J\\u007f\\u0085\\u009b\\u2028\\u202eb\\u200b\\ufeff\\udb40\\udc41grün\\\"\\\\\""
        );
        let back: String = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!(back, hostile);
    }
}
