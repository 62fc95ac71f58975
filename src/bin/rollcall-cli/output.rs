//! What the subcommands share: results as JSON lines, words on standard error, and how a call ended.

use std::error::Error;
use std::fmt;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::PathBuf;

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
}

impl Failure {
    /// Whether it only means that nobody reads the results any more.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Write(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
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
