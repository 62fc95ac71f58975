//! What a file is, from its first bytes: another kind of file, its encoding, its delimiter.

use std::io::{self, Read};

use encoding_rs::{Decoder, Encoding, UTF_16BE, UTF_16LE};

use super::header::Header;
use super::records::{Next, READ_BYTES, Records};

/// How much of a file is looked at.
pub(super) const HEAD_BYTES: usize = 64 * 1024;

/// How much of it tells UTF-16 without a byte order mark.
const NUL_PATTERN_BYTES: usize = 1024;

/// First bytes of other kinds of file, and what to say.
const FOREIGN: [(&[u8], &str); 16] = [
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (
        b"PK\x03\x04",
        "a ZIP archive or a workbook (XLSX, ODS; save the sheet as CSV first)",
    ),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Office document (XLS; save the sheet as CSV first)",
    ),
    (b"%PDF-", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (
        b"SQLite format 3\0",
        "an SQLite database (a site file is opened, not imported)",
    ),
    (b"\x7fELF", "a program"),
    (b"{\\rtf", "a rich text document"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML document"),
];

/// What a file with these first bytes is, when it is no text at all.
pub(super) fn foreign(head: &[u8]) -> Option<&'static str> {
    FOREIGN
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, what)| *what)
}

/// How the text of a file is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum TextEncoding {
    /// UTF-8 or Windows-1252, told apart record by record.
    Bytes,
    /// UTF-8 with a byte order mark.
    Utf8Bom,
    /// UTF-16, with or without a byte order mark.
    Utf16(&'static Encoding),
}

impl TextEncoding {
    /// Reads the byte order mark, or the pattern of NULs that UTF-16 makes of Latin text. Gives the length of the
    /// mark too.
    pub(super) fn sniff(head: &[u8]) -> (Self, usize) {
        if head.starts_with(b"\xef\xbb\xbf") {
            return (Self::Utf8Bom, 3);
        }
        if head.starts_with(b"\xff\xfe") {
            return (Self::Utf16(UTF_16LE), 2);
        }
        if head.starts_with(b"\xfe\xff") {
            return (Self::Utf16(UTF_16BE), 2);
        }
        let pairs = head[..head.len().min(NUL_PATTERN_BYTES)].as_chunks::<2>().0;
        let nuls = |at: usize| pairs.iter().filter(|pair| pair[at] == 0).count();
        let (first, second) = (nuls(0), nuls(1));
        // A name may hold a NUL; every other byte of a header is only NUL in UTF-16.
        if pairs.len() >= 2 && second * 10 > pairs.len() * 9 && first * 10 < pairs.len() {
            (Self::Utf16(UTF_16LE), 0)
        } else if pairs.len() >= 2 && first * 10 > pairs.len() * 9 && second * 10 < pairs.len() {
            (Self::Utf16(UTF_16BE), 0)
        } else {
            (Self::Bytes, 0)
        }
    }
}

/// Reads up to [`HEAD_BYTES`].
pub(super) fn read_head(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// UTF-16 as UTF-8, as it is read. What is not UTF-16 becomes U+FFFD.
pub(super) struct Utf16Reader<R> {
    input: R,
    decoder: Decoder,
    raw: Box<[u8]>,
    text: Vec<u8>,
    at: usize,
    is_at_end: bool,
}

impl<R: Read> Utf16Reader<R> {
    pub(super) fn new(input: R, encoding: &'static Encoding) -> Self {
        Self {
            input,
            decoder: encoding.new_decoder_without_bom_handling(),
            raw: vec![0; READ_BYTES].into_boxed_slice(),
            text: Vec::new(),
            at: 0,
            is_at_end: false,
        }
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() && !self.is_at_end {
            let num_raw = self.input.read(&mut self.raw)?;
            self.is_at_end = num_raw == 0;
            let max_bytes = self.decoder.max_utf8_buffer_length(num_raw).unwrap_or(0);
            self.text.resize(max_bytes, 0);
            let (_, _, num_text, _) =
                self.decoder
                    .decode_to_utf8(&self.raw[..num_raw], &mut self.text, self.is_at_end);
            self.text.truncate(num_text);
            self.at = 0;
        }
        let num = out.len().min(self.text.len() - self.at);
        out[..num].copy_from_slice(&self.text[self.at..self.at + num]);
        self.at += num;
        Ok(num)
    }
}

/// What the first lines of a CSV file tell of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// What separates cells.
    pub(super) delimiter: u8,
    /// What ends a line: `\n`, or `\r` in a file that knows no other.
    pub(super) line_end: u8,
    /// How many bytes the line that names the delimiter takes.
    pub(super) skip_bytes: usize,
    /// Whether such a line was there.
    pub(super) is_named: bool,
}

impl Dialect {
    /// Finds the delimiter: the one that the first line names (`sep=;`, as one spreadsheet writes it), or the one
    /// that makes the best header of the first record.
    pub(super) fn sniff(head: &[u8]) -> Self {
        let line_end = if head.contains(&b'\r') && !head.contains(&b'\n') {
            b'\r'
        } else {
            b'\n'
        };
        if let Some((delimiter, skip_bytes)) = named_delimiter(head) {
            return Self {
                delimiter,
                line_end,
                skip_bytes,
                is_named: true,
            };
        }
        let mut best = (b',', (false, 0, 0));
        for delimiter in *b",;\t|" {
            let score = header_score(head, delimiter);
            if score > best.1 {
                best = (delimiter, score);
            }
        }
        Self {
            delimiter: best.0,
            line_end,
            skip_bytes: 0,
            is_named: false,
        }
    }

    /// What the report calls the delimiter.
    pub(super) fn delimiter_word(self) -> String {
        match self.delimiter {
            b',' => "commas".to_owned(),
            b';' => "semicolons".to_owned(),
            b'\t' => "tabs".to_owned(),
            b'|' => "vertical bars".to_owned(),
            other => format!("{:?}", char::from(other)),
        }
    }
}

fn named_delimiter(head: &[u8]) -> Option<(u8, usize)> {
    let line_len = head
        .iter()
        .take(16)
        .position(|byte| matches!(byte, b'\r' | b'\n'))?;
    let line = head[..line_len].trim_ascii_start();
    let line = match line {
        [b'"', inner @ .., b'"'] => inner,
        bare => bare,
    };
    let (word, delimiter) = line.split_at_checked(4)?;
    let &[delimiter] = delimiter else { return None };
    let is_usable = delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric() && delimiter != b'"';
    if !word.eq_ignore_ascii_case(b"sep=") || !is_usable {
        return None;
    }
    let is_crlf = head[line_len..].starts_with(b"\r\n");
    Some((delimiter, line_len + 1 + usize::from(is_crlf)))
}

/// How good a header the first record is with a delimiter: has a key, columns of ours, columns in all.
fn header_score(head: &[u8], delimiter: u8) -> (bool, usize, usize) {
    let mut records = Records::new(head, delimiter, b'\n', 1);
    match records.next() {
        // A header that the looked-at bytes cut off in a cell is as good a clue.
        Ok(Next::Record | Next::Unclosed) => {
            let header = Header::read(records.cells());
            (header.has_key(), header.num_known(), header.targets.len())
        }
        _ => (false, 0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_that_makes_a_header() {
        for (text, delimiter) in [
            ("serial,name\n", b','),
            ("serial;name\r\n", b';'),
            ("serial\tname, short\n", b'\t'),
            ("\"a,b\"|serial|c\n", b'|'),
            ("serial\n", b','),
            ("sep=;\r\nserial,name;mac", b';'),
            ("\"sep=\t\"\nserial", b'\t'),
            ("nothing;of;use", b';'),
        ] {
            assert_eq!(
                Dialect::sniff(text.as_bytes()).delimiter,
                delimiter,
                "in {text:?}"
            );
        }
        let named = Dialect::sniff(b"sep=;\r\nserial");
        assert_eq!((named.skip_bytes, named.is_named), (7, true));
    }

    #[test]
    fn utf_16_is_known_with_and_without_its_mark() {
        let le: Vec<u8> = "serial,mac\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let be: Vec<u8> = "serial,mac\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        for (bytes, expected) in [(&le, UTF_16LE), (&be, UTF_16BE)] {
            let (TextEncoding::Utf16(found), 0) = TextEncoding::sniff(bytes) else {
                panic!("this is {}", expected.name());
            };
            assert_eq!(found, expected);
            let mut text = String::new();
            let read = Utf16Reader::new(&bytes[..], found).read_to_string(&mut text);
            assert_eq!((read.ok(), &*text), (Some(11), "serial,mac\n"));
        }
        let (encoding, _) = TextEncoding::sniff(b"serial,mac\n\0\0\0a,b\0");
        assert!(
            matches!(encoding, TextEncoding::Bytes),
            "a NUL is no UTF-16"
        );
    }
}
