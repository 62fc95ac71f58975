//! Inventory files: bytes to values and back. No sockets, no file system, no clock.
//!
//! Writing: [`write_inventory`] takes units and hands bytes to a writer. Reading: [`read_inventory`] takes a file
//! of any origin with a serial or MAC column, and gives the rows that can be taken with a report of the others.
//! Everything read is hostile: file, record, cell, report and memory are bounded.

mod cells;
mod csv_read;
mod csv_write;
mod error;
mod file_name;
mod guard;
mod header;
mod instant;
mod json_read;
mod json_write;
mod record_writer;
mod records;
mod report;
mod row;
mod sniff;
mod targets;
mod value;

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;

pub use error::{ReadError, WriteError};
pub use file_name::default_file_name;
pub use report::MAX_REPORTED;
pub use targets::{TARGET_HEADERS, write_targets};

use crate::model::appliance::Appliance;
use crate::model::edit::{ImportRow, RefusedRow};
use crate::model::status::StatusContext;
use crate::model::time::Timestamp;

/// How many rows of one file are taken.
pub const MAX_ROWS: u64 = 200_000;

/// How large a file may be.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// How much memory the rows of one file may take, about.
pub const MAX_KEPT_BYTES: usize = 512 << 20;

/// How many columns a file may have.
pub const MAX_COLUMNS: usize = 512;

/// How long a cell may be: about what a spreadsheet can hold.
pub const MAX_CELL_BYTES: usize = 32 << 10;

/// How long a record may be before it is only read to find its end.
pub const MAX_RECORD_BYTES: usize = 4 << 20;

/// How often progress is told.
const PROGRESS_ROWS: u64 = 1024;

/// The formats that Rollcall writes and reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma or semicolon separated values, for spreadsheets and other teams' tools.
    Csv,
    /// JSON with a format name and version; exact.
    Json,
}

impl Format {
    /// Every format, in the order of the export window.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Json];

    /// The ending of its files, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// What the export window calls it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Json => "JSON",
        }
    }

    /// The format that a file's ending names.
    pub fn from_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_lowercase();
        Self::ALL
            .into_iter()
            .find(|format| format.extension() == extension)
    }
}

/// What separates the cells of a CSV file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`
    #[default]
    Comma,
    /// `;`, which spreadsheets of many European locales expect.
    Semicolon,
}

/// How an inventory file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteStyle {
    /// The format.
    pub format: Format,
    /// The delimiter of CSV.
    pub delimiter: Delimiter,
    /// CSV only: cells that a spreadsheet would run as a formula are defused (rules, "Files").
    pub for_spreadsheets: bool,
}

/// What a file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileMeta {
    /// The site's name.
    pub site: String,
    /// When it is written.
    pub written: Timestamp,
    /// The program with its version.
    pub program: String,
}

/// What came of reading a file: feeds an import, and the report of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadInventory {
    /// The rows that can be taken.
    pub rows: Vec<ImportRow>,
    /// The headers of the columns that Rollcall does not know, as the rows' `extra` counts them.
    pub extra_columns: Vec<String>,
    /// What is wrong with the rows that cannot be taken: one line for each bad cell.
    pub refused: Vec<RefusedRow>,
    /// What is to be said about rows that are taken.
    pub remarks: Vec<RefusedRow>,
    /// How the file was read, a sentence each.
    pub reading: Vec<String>,
    /// How many rows the file has, empty ones left out.
    pub num_rows: u64,
}

/// Writes units as an inventory file and says how many. The rows are gone through twice, since a column for other
/// addresses is only written when a unit has some. `progress` is told the rows done, and may end it.
pub fn write_inventory<'a>(
    out: &mut dyn Write,
    rows: impl Iterator<Item = &'a Appliance> + Clone,
    context: &StatusContext,
    extra_columns: &[String],
    style: WriteStyle,
    meta: &FileMeta,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<u64, WriteError> {
    match style.format {
        Format::Csv => csv_write::write_csv(out, rows, context, extra_columns, style, progress),
        Format::Json => json_write::write_json(out, rows, context, extra_columns, meta, progress),
    }
}

/// Reads an inventory file as it streams. Without a format, what the file begins with decides. `progress` is told
/// the rows done, and may end it.
pub fn read_inventory(
    input: &mut dyn Read,
    len_bytes: Option<u64>,
    format: Option<Format>,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<ReadInventory, ReadError> {
    if len_bytes.is_some_and(|len| len > MAX_FILE_BYTES) {
        return Err(ReadError::TooLarge);
    }
    let mut input = Bounded {
        input,
        left_bytes: MAX_FILE_BYTES,
    };
    let head = sniff::read_head(&mut input).map_err(source_error)?;
    if head.is_empty() {
        return Err(ReadError::Empty);
    }
    if let Some(what) = sniff::foreign(&head) {
        return Err(ReadError::Foreign { what });
    }
    let format = format.unwrap_or_else(|| {
        if json_read::looks_like_json(&head) {
            Format::Json
        } else {
            Format::Csv
        }
    });
    let taker = row::Taker::new(progress);
    match format {
        Format::Csv => csv_read::read_csv(&head, &mut input, taker),
        Format::Json => json_read::read_json(&head, &mut input, taker),
    }
}

/// Ends with an error where a file is longer than [`MAX_FILE_BYTES`], whatever its length was said to be.
struct Bounded<'r> {
    input: &'r mut dyn Read,
    left_bytes: u64,
}

/// What [`Bounded`] fails with.
#[derive(Debug, thiserror::Error)]
#[error("the file is too large")]
struct TooLarge;

impl Read for Bounded<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let num_bytes = self.input.read(out)?;
        self.left_bytes = self
            .left_bytes
            .checked_sub(num_bytes as u64)
            .ok_or_else(|| io::Error::other(TooLarge))?;
        Ok(num_bytes)
    }
}

/// Tells a file that is too large from one that cannot be read.
fn source_error(error: io::Error) -> ReadError {
    if error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooLarge>)
    {
        ReadError::TooLarge
    } else {
        ReadError::Io(error)
    }
}

impl From<row::Canceled> for ReadError {
    fn from(_: row::Canceled) -> Self {
        Self::Canceled
    }
}

/// Whether a character changes how its neighbors are shown without being seen itself: marks of writing direction
/// and characters without width.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_longer_than_it_said_is_refused() {
        let mut endless = io::repeat(b'x');
        let mut input = Bounded {
            input: &mut endless,
            left_bytes: 100_000,
        };
        let error = io::copy(&mut input, &mut io::sink()).expect_err("it has no end");
        assert!(matches!(source_error(error), ReadError::TooLarge));
    }
}
