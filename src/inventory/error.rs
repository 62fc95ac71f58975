//! Why an inventory file could not be written or read at all. What costs only one row is in the report instead.

use std::io;

use super::{MAX_COLUMNS, MAX_FILE_BYTES, MAX_RECORD_BYTES};

/// Why an inventory was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The bytes could not be handed on.
    #[error("the inventory could not be written")]
    Io(#[from] io::Error),
    /// A person canceled.
    #[error("writing was canceled")]
    Canceled,
}

/// Why nothing at all was taken from a file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes could not be had.
    #[error("the file could not be read")]
    Io(#[source] io::Error),
    /// A person canceled.
    #[error("reading was canceled")]
    Canceled,
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is something else altogether.
    #[error("this is {what}, not an inventory file")]
    Foreign {
        /// What it is, with its article and, where there is something to do, what.
        what: &'static str,
    },
    /// It is larger than any inventory.
    #[error("the file is larger than {} MiB, which no inventory is", MAX_FILE_BYTES >> 20)]
    TooLarge,
    /// The first line has no column that tells units apart.
    #[error(
        "the file needs a column named serial or mac in its first line; line {line} has {found}"
    )]
    NoKeyColumn {
        /// The line of the header.
        line: u64,
        /// The headers that are there, quoted and cut.
        found: String,
    },
    /// The header has more cells than are kept.
    #[error("the header in line {line} has more than {MAX_COLUMNS} columns")]
    TooManyColumns {
        /// The line of the header.
        line: u64,
    },
    /// The header goes on and on.
    #[error(
        "the header in line {line} is longer than {} KiB; a quotation mark may not be closed",
        MAX_RECORD_BYTES >> 10
    )]
    HeaderTooLong {
        /// The line of the header.
        line: u64,
    },
    /// It is not well-formed JSON, and nothing was read before the fault.
    #[error("line {line}, column {column} is not JSON as it should be")]
    Json {
        /// The line of the fault.
        line: u64,
        /// The column of the fault.
        column: u64,
        /// What is wrong there.
        #[source]
        source: serde_json::Error,
    },
    /// JSON, but not an inventory.
    #[error("this JSON is not an inventory of Rollcall: {why}")]
    NotAnInventory {
        /// What is missing or different.
        why: String,
    },
    /// Written by a later Rollcall.
    #[error(
        "this inventory was written by a newer Rollcall (format version {version}); this one reads version {} and older",
        super::json_write::VERSION
    )]
    Newer {
        /// The version that the file states.
        version: u64,
    },
}
