//! Units to CSV: UTF-8 with a byte order mark, CRLF, the columns of the rules, one record a unit.

use std::io::{self, Write};
use std::ops::ControlFlow;

use super::cells::{Scratch, extra_cells, has_other_ips, is_plain, unit_cell, write_other_ips};
use super::guard::{DEFUSED_HEADER, DEFUSED_YES, guard, needs_guard};
use super::header::{OTHER_IPS_HEADER, is_defused, is_other_ips};
use super::{Delimiter, PROGRESS_ROWS, WriteError, WriteStyle};
use crate::model::appliance::Appliance;
use crate::model::column::Column;
use crate::model::status::StatusContext;

/// What spreadsheets need to see that a file is UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How much is written at once.
const WRITE_BYTES: usize = 64 * 1024;

/// Writes units as CSV.
pub(super) fn write_csv<'a>(
    out: &mut dyn Write,
    rows: impl Iterator<Item = &'a Appliance> + Clone,
    context: &StatusContext,
    extra_columns: &[String],
    style: WriteStyle,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<u64, WriteError> {
    out.write_all(BYTE_ORDER_MARK)?;
    // An unknown column of that name must not be read back as ours, so ours goes before it.
    let with_other_ips =
        extra_columns.iter().any(|name| is_other_ips(name)) || rows.clone().any(has_other_ips);
    // A column that says "yes" here would take the guard off cells that never had one.
    let extra_columns: Vec<(usize, &str)> = extra_columns
        .iter()
        .enumerate()
        .filter(|(_, name)| !is_defused(name))
        .map(|(idx, name)| (idx, name.as_str()))
        .collect();
    let num_extra = extra_columns.last().map_or(0, |(idx, _)| idx + 1);

    let delimiter = match style.delimiter {
        Delimiter::Comma => b',',
        Delimiter::Semicolon => b';',
    };
    let mut writer = RecordWriter::new(out, delimiter, style.for_spreadsheets);
    for column in Column::ALL {
        writer.cell(column.key().as_bytes());
    }
    if with_other_ips {
        writer.cell(OTHER_IPS_HEADER.as_bytes());
    }
    for (_, name) in &extra_columns {
        writer.cell(name.as_bytes());
    }
    writer.end_record(DEFUSED_HEADER)?;

    let mut num_rows = 0;
    let mut scratch = Scratch::default();
    let mut extra: Vec<&str> = vec![""; num_extra];
    for unit in rows {
        for column in Column::ALL {
            let cell = unit_cell(column, unit, context, &mut scratch);
            if is_plain(column) {
                writer.plain_cell(cell);
            } else {
                writer.cell(cell);
            }
        }
        if with_other_ips {
            scratch.clear();
            write_other_ips(unit, &mut scratch);
            writer.cell(scratch.as_bytes());
        }
        if num_extra > 0 {
            extra_cells(unit, &mut extra);
            for (idx, _) in &extra_columns {
                writer.cell(extra[*idx].as_bytes());
            }
        }
        writer.end_record(DEFUSED_YES)?;
        num_rows += 1;
        if num_rows % PROGRESS_ROWS == 0 && progress(num_rows).is_break() {
            return Err(WriteError::Canceled);
        }
    }
    writer.flush()?;
    match progress(num_rows) {
        ControlFlow::Continue(()) => Ok(num_rows),
        ControlFlow::Break(()) => Err(WriteError::Canceled),
    }
}

/// Writes cells, quoted where RFC 4180 wants it and defused where that is wanted. The writer of the csv crate
/// spends more on handing over single cells than on writing them.
struct RecordWriter<'o> {
    out: &'o mut dyn Write,
    buffer: Vec<u8>,
    delimiter: u8,
    /// The bytes that make a cell need quotation marks.
    is_special: [bool; 256],
    for_spreadsheets: bool,
    guarded: Vec<u8>,
    is_in_record: bool,
}

impl<'o> RecordWriter<'o> {
    fn new(out: &'o mut dyn Write, delimiter: u8, for_spreadsheets: bool) -> Self {
        let mut is_special = [false; 256];
        for byte in [delimiter, b'"', b'\r', b'\n'] {
            is_special[usize::from(byte)] = true;
        }
        Self {
            out,
            buffer: Vec::with_capacity(2 * WRITE_BYTES),
            delimiter,
            is_special,
            for_spreadsheets,
            guarded: Vec::new(),
            is_in_record: false,
        }
    }

    /// Writes a cell that needs no quotation marks whatever it says.
    fn plain_cell(&mut self, cell: &[u8]) {
        if self.is_in_record {
            self.buffer.push(self.delimiter);
        }
        self.is_in_record = true;
        // A time before the year 0 begins with a minus sign.
        if self.for_spreadsheets && needs_guard(cell) {
            self.buffer.push(b'\'');
        }
        self.buffer.extend_from_slice(cell);
    }

    fn cell(&mut self, cell: &[u8]) {
        if cell.is_empty() {
            self.plain_cell(cell);
            return;
        }
        if self.is_in_record {
            self.buffer.push(self.delimiter);
        }
        self.is_in_record = true;
        let cell = if self.for_spreadsheets {
            guard(cell, &mut self.guarded)
        } else {
            cell
        };
        if !cell.iter().any(|byte| self.is_special[usize::from(*byte)]) {
            self.buffer.extend_from_slice(cell);
            return;
        }
        self.buffer.push(b'"');
        for (idx, piece) in cell.split(|byte| *byte == b'"').enumerate() {
            if idx > 0 {
                self.buffer.extend_from_slice(b"\"\"");
            }
            self.buffer.extend_from_slice(piece);
        }
        self.buffer.push(b'"');
    }

    fn end_record(&mut self, defused: &str) -> io::Result<()> {
        if self.for_spreadsheets {
            self.cell(defused.as_bytes());
        }
        self.buffer.extend_from_slice(b"\r\n");
        self.is_in_record = false;
        if self.buffer.len() >= WRITE_BYTES {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        self.out.flush()
    }
}
