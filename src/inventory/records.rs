//! Records of a CSV file with exact line numbers and bounded memory, over the parser of the csv crate.

use std::io::{self, Read};

use csv_core::ReadRecordResult;
use encoding_rs::WINDOWS_1252;

use super::{MAX_COLUMNS, MAX_RECORD_BYTES};

/// How much is read at once.
pub(super) const READ_BYTES: usize = 64 * 1024;

/// What comes next in a file.
#[derive(Debug)]
pub(super) enum Next {
    /// A record, as [`Records::cell`] gives it.
    Record,
    /// A record longer than is kept.
    TooLong,
    /// A record whose quotation mark is not closed before the end of the file.
    Unclosed,
    /// Nothing more.
    End,
}

/// Reads records.
pub(super) struct Records<R> {
    input: R,
    core: csv_core::Reader,
    buffer: Box<[u8]>,
    at: usize,
    filled: usize,
    is_at_end: bool,
    /// What counts as the end of a line: `\n`, or `\r` in files that know no other.
    line_end: u8,
    line: u64,
    start_line: u64,
    /// The cells of the record, one after the other, and where each ends.
    cells: Vec<u8>,
    ends: Vec<usize>,
    num_cells: usize,
    /// The record in UTF-8, when it was written in Windows-1252.
    decoded: String,
    decoded_ends: Vec<usize>,
    is_decoded: bool,
    /// How many records were not UTF-8, and how many were and could not have been plain ASCII.
    num_legacy: u64,
    num_utf8: u64,
}

impl<R: Read> Records<R> {
    /// Begins at `line` of the file.
    pub(super) fn new(input: R, delimiter: u8, line_end: u8, line: u64) -> Self {
        Self {
            input,
            core: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            at: 0,
            filled: 0,
            is_at_end: false,
            line_end,
            line,
            start_line: line,
            cells: vec![0; 4096],
            ends: vec![0; 64],
            num_cells: 0,
            decoded: String::new(),
            decoded_ends: Vec::new(),
            is_decoded: false,
            num_legacy: 0,
            num_utf8: 0,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.at < self.filled || self.is_at_end {
            return Ok(());
        }
        self.at = 0;
        self.filled = loop {
            match self.input.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.is_at_end = self.filled == 0;
        Ok(())
    }

    /// Skips the line ends before a record, so that the record's line is known.
    fn skip_line_ends(&mut self) -> io::Result<()> {
        loop {
            self.fill()?;
            let rest = &self.buffer[self.at..self.filled];
            let num_ends = rest
                .iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count();
            self.line += count(&rest[..num_ends], self.line_end);
            self.at += num_ends;
            if self.is_at_end || self.at < self.filled {
                return Ok(());
            }
        }
    }

    /// Reads the next record.
    pub(super) fn next(&mut self) -> io::Result<Next> {
        self.skip_line_ends()?;
        self.start_line = self.line;
        self.is_decoded = false;
        self.num_cells = 0;
        let (mut cell_bytes, mut num_ends) = (0, 0);
        let mut is_too_long = false;
        let mut num_quotes = 0;
        loop {
            self.fill()?;
            let input = &self.buffer[self.at..self.filled];
            let (result, num_read, num_written, num_ended) = self.core.read_record(
                input,
                &mut self.cells[cell_bytes..],
                &mut self.ends[num_ends..],
            );
            let read = &input[..num_read];
            if num_read == num_written + num_ended {
                // Nothing was quoted, so the only line end is the last byte. Counting costs as much as parsing.
                self.line += u64::from(read.last() == Some(&self.line_end));
            } else {
                self.line += count(read, self.line_end);
                num_quotes += count(read, b'"');
            }
            self.at += num_read;
            cell_bytes += num_written;
            num_ends += num_ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.cells.len() < MAX_RECORD_BYTES => {
                    self.cells.resize(self.cells.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() <= MAX_COLUMNS => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                // The rest of the record is read over what came before, to find its end.
                ReadRecordResult::OutputFull => {
                    is_too_long = true;
                    cell_bytes = 0;
                }
                ReadRecordResult::OutputEndsFull => {
                    is_too_long = true;
                    num_ends = 0;
                }
                ReadRecordResult::Record => {
                    if is_too_long {
                        return Ok(Next::TooLong);
                    }
                    self.num_cells = num_ends;
                    self.decode();
                    let is_unclosed = self.is_at_end && num_quotes % 2 == 1;
                    return Ok(if is_unclosed {
                        Next::Unclosed
                    } else {
                        Next::Record
                    });
                }
                ReadRecordResult::End => return Ok(Next::End),
            }
        }
    }

    /// Turns a record that is not UTF-8 into it. Text that is UTF-8 by accident is so rare that this can be said
    /// record by record, and a file that is a mixture comes out right.
    fn decode(&mut self) {
        let len = self.ends[..self.num_cells].last().copied().unwrap_or(0);
        if self.cells[..len].is_ascii() {
            return;
        }
        let mut start = 0;
        let is_utf8 = self.ends[..self.num_cells].iter().all(|end| {
            let cell = &self.cells[start..*end];
            start = *end;
            std::str::from_utf8(cell).is_ok()
        });
        if is_utf8 {
            self.num_utf8 += 1;
            return;
        }
        self.num_legacy += 1;
        self.is_decoded = true;
        self.decoded.clear();
        self.decoded_ends.clear();
        let mut start = 0;
        for end in &self.ends[..self.num_cells] {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(&self.cells[start..*end]);
            self.decoded.push_str(&text);
            self.decoded_ends.push(self.decoded.len());
            start = *end;
        }
    }

    /// The line on which the record begins.
    pub(super) const fn first_line(&self) -> u64 {
        self.start_line
    }

    /// The cells of the record.
    pub(super) fn cells(&self) -> impl Iterator<Item = &str> {
        let (bytes, ends) = if self.is_decoded {
            (self.decoded.as_bytes(), &self.decoded_ends[..])
        } else {
            (&self.cells[..], &self.ends[..self.num_cells])
        };
        let len = ends.last().copied().unwrap_or(0);
        // `decode` left it UTF-8, cell by cell, so the whole is too.
        let text = std::str::from_utf8(&bytes[..len]).unwrap_or_default();
        let mut start = 0;
        ends.iter().map(move |end| {
            let cell = text.get(start..*end).unwrap_or_default();
            start = *end;
            cell
        })
    }

    /// How many cells the record has.
    pub(super) const fn num_cells(&self) -> usize {
        self.num_cells
    }

    /// How many records were in Windows-1252, and how many in UTF-8 beyond ASCII.
    pub(super) const fn encodings(&self) -> (u64, u64) {
        (self.num_legacy, self.num_utf8)
    }
}

#[expect(
    clippy::naive_bytecount,
    reason = "the compiler makes vector code of it, which is enough"
)]
pub(super) fn count(bytes: &[u8], wanted: u8) -> u64 {
    bytes.iter().filter(|byte| **byte == wanted).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8], line_end: u8, expected: &[(u64, &[&str])]) {
        let mut records = Records::new(text, b',', line_end, 1);
        let mut found = Vec::new();
        while let Next::Record = records.next().expect("memory does not fail") {
            let cells: Vec<String> = records.cells().map(str::to_owned).collect();
            found.push((records.first_line(), cells));
        }
        let expected: Vec<(u64, Vec<String>)> = expected
            .iter()
            .map(|(line, cells)| (*line, cells.iter().map(|cell| (*cell).to_owned()).collect()))
            .collect();
        assert_eq!(found, expected, "in {:?}", String::from_utf8_lossy(text));
    }

    #[test]
    fn every_record_knows_its_line() {
        check(
            b"a,b\r\nc,d\r\n\r\n\r\n\"e\r\nf\",g\r\nh,i",
            b'\n',
            &[
                (1, &["a", "b"]),
                (2, &["c", "d"]),
                (5, &["e\r\nf", "g"]),
                (7, &["h", "i"]),
            ],
        );
        check(
            b"\na,b\nc,d\n\n\"e\nf\",g\nh,i\n",
            b'\n',
            &[
                (2, &["a", "b"]),
                (3, &["c", "d"]),
                (5, &["e\nf", "g"]),
                (7, &["h", "i"]),
            ],
        );
        check(
            b"a,b\rc,d\r\r\"e\rf\",g\rh,i",
            b'\r',
            &[
                (1, &["a", "b"]),
                (2, &["c", "d"]),
                (4, &["e\rf", "g"]),
                (6, &["h", "i"]),
            ],
        );
    }

    #[test]
    fn encodings_are_told_apart_record_by_record() {
        // The last record would be UTF-8 if its cells were not two.
        check(
            b"K\xf6ln,\x80\nK\xc3\xb6ln,x\n\xc3,\xb6\n",
            b'\n',
            &[(1, &["Köln", "€"]), (2, &["Köln", "x"]), (3, &["Ã", "¶"])],
        );
    }

    #[test]
    fn a_record_without_end_takes_no_memory() {
        let text = [
            &b"a,b\n\""[..],
            &vec![b'x'; 3 * MAX_RECORD_BYTES],
            b"\",c\nd,e\n",
        ]
        .concat();
        let mut records = Records::new(&text[..], b',', b'\n', 1);
        assert!(matches!(records.next(), Ok(Next::Record)));
        assert!(matches!(records.next(), Ok(Next::TooLong)));
        assert!(records.cells.len() <= MAX_RECORD_BYTES);
        assert!(matches!(records.next(), Ok(Next::Record)));
        assert_eq!(
            (records.first_line(), records.cells().next()),
            (3, Some("d"))
        );
        let commas = vec![b','; 100_000];
        let mut many = Records::new(&commas[..], b',', b'\n', 1);
        assert!(matches!(many.next(), Ok(Next::TooLong)));
        let mut open = Records::new(&b"a,\"b\nc,d\n"[..], b',', b'\n', 1);
        assert!(matches!(open.next(), Ok(Next::Unclosed)));
        assert!(matches!(open.next(), Ok(Next::End)));
    }
}
