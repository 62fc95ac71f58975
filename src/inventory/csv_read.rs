//! CSV to rows: the header says which column is which, every bad row costs only itself.

use std::io::{Cursor, Read};

use super::guard::{says_yes, unguard};
use super::header::{Header, Target};
use super::records::{Next, Records};
use super::report::{Fault, shown};
use super::row::{Row, Taker, WHOLE_ROW};
use super::sniff::{Dialect, TextEncoding, Utf16Reader, read_head};
use super::{MAX_COLUMNS, MAX_RECORD_BYTES, ReadError, ReadInventory, source_error};
use crate::model::sighting::cut_text;

/// How many headers a message repeats.
const HEADERS_NAMED: usize = 12;

/// Reads a CSV file, of which `head` was read already.
pub(super) fn read_csv(
    head: &[u8],
    rest: &mut dyn Read,
    taker: Taker<'_>,
) -> Result<ReadInventory, ReadError> {
    let (encoding, mark_bytes) = TextEncoding::sniff(head);
    let bytes = Cursor::new(&head[mark_bytes..]).chain(rest);
    match encoding {
        TextEncoding::Bytes | TextEncoding::Utf8Bom => read_text(bytes, encoding, taker),
        TextEncoding::Utf16(utf_16) => read_text(Utf16Reader::new(bytes, utf_16), encoding, taker),
    }
}

fn read_text(
    mut input: impl Read,
    encoding: TextEncoding,
    mut taker: Taker<'_>,
) -> Result<ReadInventory, ReadError> {
    let head = read_head(&mut input).map_err(source_error)?;
    let dialect = Dialect::sniff(&head);
    let text = Cursor::new(&head[dialect.skip_bytes..]).chain(input);
    let first_line = if dialect.is_named { 2 } else { 1 };
    let mut records = Records::new(text, dialect.delimiter, dialect.line_end, first_line);

    let (header, remarks) = read_header(&mut records, &head)?;
    let header_line = records.first_line();
    for fault in remarks {
        taker.remark(header_line, fault);
    }
    loop {
        match records.next().map_err(source_error)? {
            Next::Record => read_row(&records, &header, &mut taker)?,
            Next::TooLong => {
                let line = records.first_line();
                if taker.begin(line)? {
                    let why = format!(
                        "Is longer than {} KiB or has far too many cells; a quotation mark may not be closed",
                        MAX_RECORD_BYTES >> 10
                    );
                    taker.refuse(line, Fault::new(WHOLE_ROW, "", why));
                }
            }
            Next::Unclosed => {
                let line = records.first_line();
                if taker.begin(line)? {
                    let why = "A quotation mark that begins here is not closed, so everything after it is one cell";
                    taker.refuse(line, Fault::new(WHOLE_ROW, "", why));
                }
            }
            Next::End => break,
        }
    }

    let mut reading = vec![
        encoding_words(encoding, records.encodings()),
        if dialect.is_named {
            format!(
                "Separated by {}, as the first line says",
                dialect.delimiter_word()
            )
        } else {
            format!("Separated by {}", dialect.delimiter_word())
        },
    ];
    reading.extend(header_words(&header));
    Ok(taker.finish(header.extra_columns, reading)?)
}

/// Reads the first record.
fn read_header(
    records: &mut Records<impl Read>,
    head: &[u8],
) -> Result<(Header, Vec<Fault>), ReadError> {
    let next = records.next().map_err(source_error)?;
    let line = records.first_line();
    match next {
        Next::End => return Err(ReadError::Empty),
        Next::TooLong | Next::Unclosed if is_binary(head) => return Err(BINARY),
        Next::TooLong | Next::Unclosed => return Err(ReadError::HeaderTooLong { line }),
        Next::Record => {}
    }
    if records.num_cells() > MAX_COLUMNS {
        return Err(ReadError::TooManyColumns { line });
    }
    let mut header = Header::read(records.cells());
    if header.has(Target::Defused) {
        header = Header::read(records.cells().map(unguard));
    }
    if !header.has_key() {
        if is_binary(head) {
            return Err(BINARY);
        }
        let found: Vec<String> = records
            .cells()
            .take(HEADERS_NAMED)
            .map(|cell| format!("\"{}\"", shown(cell)))
            .collect();
        let more = if records.num_cells() > HEADERS_NAMED {
            " and others"
        } else {
            ""
        };
        let found = found.join(", ") + more;
        return Err(ReadError::NoKeyColumn { line, found });
    }
    let mut remarks = Vec::new();
    for name in &mut header.extra_columns {
        let cut = cut_text(name);
        if cut != *name {
            let why = "This header is longer than 256 characters and was cut";
            remarks.push(Fault::new("header", name, why));
            *name = cut;
        }
    }
    Ok((header, remarks))
}

const BINARY: ReadError = ReadError::Foreign {
    what: "a binary file",
};

/// Whether text would not look like this. Only asked when there is no header either, since a name may hold a NUL.
fn is_binary(head: &[u8]) -> bool {
    head.contains(&0)
}

fn read_row(
    records: &Records<impl Read>,
    header: &Header,
    taker: &mut Taker<'_>,
) -> Result<(), ReadError> {
    // A spreadsheet writes empty rows for cells that were touched once.
    if records.cells().all(str::is_empty) {
        return Ok(());
    }
    let line = records.first_line();
    if !taker.begin(line)? {
        return Ok(());
    }
    let is_defused = header.has(Target::Defused)
        && records
            .cells()
            .zip(&header.targets)
            .any(|(cell, target)| *target == Target::Defused && says_yes(cell));
    let mut row = Row::default();
    let mut cells = records.cells();
    for (target, cell) in header.targets.iter().zip(&mut cells) {
        let cell = if is_defused { unguard(cell) } else { cell };
        match target {
            Target::Known(column) => row.set(*column, cell),
            Target::OtherIps => row.set_other_ips(cell),
            Target::Defused => {}
            Target::Extra(extra_idx) => row.set_extra(*extra_idx, cell),
        }
    }
    if let Some(surplus) = cells.find(|cell| !cell.is_empty()) {
        let why = format!(
            "Has {} cells where the header has {}; a cell with the delimiter in it needs quotation marks",
            records.num_cells(),
            header.targets.len()
        );
        row.refuse(Fault::new(WHOLE_ROW, surplus, why));
    }
    taker.take(line, row);
    Ok(())
}

fn encoding_words(encoding: TextEncoding, (num_legacy, num_utf8): (u64, u64)) -> String {
    match (encoding, num_legacy) {
        (TextEncoding::Utf16(utf_16), _) => format!("Read as {}", utf_16.name()),
        (TextEncoding::Utf8Bom, 0) => "Read as UTF-8 with a byte order mark".to_owned(),
        (TextEncoding::Bytes, 0) => "Read as UTF-8".to_owned(),
        (TextEncoding::Bytes, _) if num_utf8 == 0 => "Read as Windows-1252".to_owned(),
        (_, num) => format!("Read as UTF-8, and {num} lines that are not as Windows-1252"),
    }
}

fn header_words(header: &Header) -> Vec<String> {
    let mut words: Vec<String> = header
        .renamed
        .iter()
        .map(|(theirs, ours)| format!("\"{}\" was taken for {ours}", shown(theirs)))
        .collect();
    let extra: Vec<String> = header
        .extra_columns
        .iter()
        .filter(|name| !name.is_empty())
        .take(HEADERS_NAMED)
        .map(|name| format!("\"{}\"", shown(name)))
        .collect();
    if !extra.is_empty() {
        let more = if header.extra_columns.len() > HEADERS_NAMED {
            " and others"
        } else {
            ""
        };
        words.push(format!(
            "Kept without being understood: {}{more}",
            extra.join(", ")
        ));
    }
    if header.has(Target::Defused) {
        words.push("Cells that were defused for spreadsheets were restored".to_owned());
    }
    words
}
