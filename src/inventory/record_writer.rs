//! Cells into the bytes of a CSV file.

use std::io::{self, Write};

use super::Delimiter;
use super::guard::{guard, needs_guard};

/// What spreadsheets need to see that a file is UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How much is written at once.
const WRITE_BYTES: usize = 64 * 1024;

/// Writes cells, quoted where RFC 4180 wants it and defused where that is wanted. The writer of the csv crate
/// spends more on handing over single cells than on writing them.
pub(super) struct RecordWriter<'o> {
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
    pub(super) fn new(
        out: &'o mut dyn Write,
        delimiter: Delimiter,
        for_spreadsheets: bool,
    ) -> Self {
        let delimiter = match delimiter {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
        };
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
    pub(super) fn plain_cell(&mut self, cell: &[u8]) {
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

    pub(super) fn cell(&mut self, cell: &[u8]) {
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

    pub(super) fn end_record(&mut self, defused: &str) -> io::Result<()> {
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

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        self.out.flush()
    }
}
