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
use rollcall::sim::SimError;
use serde::Serialize;
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
    /// The passphrase of an SNMP v3 user is not given.
    #[error("--v3-user needs its passphrase in the environment variable {0}")]
    NoPassphrase(&'static str),
    /// The SNMP v3 user cannot be used.
    #[error("the SNMP v3 user cannot be used")]
    V3User(#[source] V3UserError),
    /// A probe failed because of an error in this program.
    #[error("a probe failed because of an error inside Rollcall ({0})")]
    Probe(String),
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
        serde_json::to_writer(&mut self.out, object).map_err(io::Error::from)?;
        self.out.write_all(b"\n")?;
        Ok(())
    }

    /// Hands on what was written. To be called before waiting for anything, and at the end.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }
}

/// Says something to the person, beside the results.
pub(crate) fn say(words: fmt::Arguments<'_>) {
    // There is nobody left to tell when standard error is closed.
    writeln!(io::stderr().lock(), "{words}").ok();
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
