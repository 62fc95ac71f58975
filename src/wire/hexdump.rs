//! Bytes for a person: rows of hex beside printable text, and the name of every byte.
//!
//! Naming works on anything that was received. It follows the layout as far as the bytes do and
//! says where they stop, so it shares the walk of `frame.rs` but none of its refusals.

use std::fmt;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::ops::Range;

use super::field::{Field, Meaning, Step, layout, step};
use super::{IpStatus, Kind, host_name};

/// The most spans given for one datagram; the rest is named as a whole.
pub const MAX_SPANS: usize = 1_024;

/// A value longer than this is not written out in its label.
const MAX_LABEL_CHARS: usize = 64;

/// How many bytes a row shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowWidth {
    /// For a narrow panel.
    Eight,
    /// The usual width.
    Sixteen,
}

impl RowWidth {
    /// The bytes in a full row.
    pub const fn num_bytes(self) -> usize {
        match self {
            Self::Eight => 8,
            Self::Sixteen => 16,
        }
    }
}

/// One row of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HexRow<'a> {
    /// Where the row begins in the datagram.
    pub offset: usize,
    /// Its bytes: as many as the width, fewer in the last row.
    pub bytes: &'a [u8],
    width: RowWidth,
}

impl HexRow<'_> {
    /// The bytes as two hex digits each, with one space between.
    pub fn hex(&self) -> String {
        let mut hex = String::with_capacity(self.bytes.len() * 3);
        for (idx, byte) in self.bytes.iter().enumerate() {
            let space = if idx == 0 { "" } else { " " };
            // Writing to a string cannot fail.
            write!(hex, "{space}{byte:02x}").ok();
        }
        hex
    }

    /// The bytes as characters, a dot for each that is not printable ASCII.
    pub fn ascii(&self) -> String {
        let character = |byte: &u8| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        };
        self.bytes.iter().map(character).collect()
    }
}

impl fmt::Display for HexRow<'_> {
    /// Offset, hex and characters in columns that line up, the last row included.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex_chars = self.width.num_bytes() * 3 - 1;
        write!(
            f,
            "{:04x}  {:hex_chars$}  {}",
            self.offset,
            self.hex(),
            self.ascii()
        )
    }
}

/// The rows of a dump, made as they are asked for.
pub fn hex_rows(bytes: &[u8], width: RowWidth) -> impl ExactSizeIterator<Item = HexRow<'_>> {
    let num_bytes = width.num_bytes();
    bytes
        .chunks(num_bytes)
        .enumerate()
        .map(move |(idx, bytes)| HexRow {
            offset: idx * num_bytes,
            bytes,
            width,
        })
}

/// What a range of bytes is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The bytes, as offsets into the datagram; never empty.
    pub range: Range<usize>,
    /// What they are, in words, with their value where it can be read.
    pub label: String,
}

/// Names every byte of a datagram, in order and without gaps, whether or not it decodes.
pub fn annotate(bytes: &[u8]) -> Vec<Span> {
    let mut naming = Naming {
        bytes,
        spans: Vec::new(),
    };
    naming.run();
    naming.spans
}

struct Naming<'a> {
    bytes: &'a [u8],
    spans: Vec<Span>,
}

impl<'a> Naming<'a> {
    /// Where the next span begins.
    fn pos(&self) -> usize {
        self.spans.last().map_or(0, |span| span.range.end)
    }

    /// Names the next `len` bytes, or as many as there are.
    fn name(&mut self, len: usize, label: impl Into<String>) {
        let start = self.pos();
        let end = self.bytes.len().min(start.saturating_add(len));
        if start < end {
            self.spans.push(Span {
                range: start..end,
                label: label.into(),
            });
        }
    }

    /// Names everything that is left.
    fn name_rest(&mut self, label: impl Into<String>) {
        self.name(self.bytes.len(), label);
    }

    fn run(&mut self) {
        if self.bytes.starts_with(&layout::ASMP_PREFIX) {
            self.name(layout::START.len(), "start of header");
            self.name(layout::TAG.len(), "protocol tag \"ASMP\"");
            self.name_rest("ASMP message, not AIDP");
            return;
        }
        if self.bytes.get(layout::TAG) != Some(&layout::PREFIX[layout::TAG]) {
            self.name_rest("not AIDP");
            return;
        }
        if self.bytes.starts_with(&[layout::SOH]) {
            self.name(layout::START.len(), "start of header");
        } else {
            self.name(layout::START.len(), "start of header, should be 0x01");
        }
        self.name(layout::TAG.len(), "protocol tag \"AIDP\"");
        self.sequence();
        let kind = self.message_type();
        if let Some(payload) = self.payload() {
            self.fields(kind, payload);
            self.end();
        }
    }

    fn sequence(&mut self) {
        let label = match self.bytes.get(layout::SEQUENCE) {
            Some([high, low]) => format!("sequence {}", u16::from_be_bytes([*high, *low])),
            _ => "sequence, cut short".to_owned(),
        };
        self.name(layout::SEQUENCE.len(), label);
    }

    fn message_type(&mut self) -> Kind {
        let code = self.bytes.get(layout::MESSAGE_TYPE.start).copied();
        let kind = Kind::from(code.unwrap_or_default());
        self.name(layout::MESSAGE_TYPE.len(), format!("message type: {kind}"));
        kind
    }

    /// Names the payload length and gives the payload, as much of it as there is.
    fn payload(&mut self) -> Option<&'a [u8]> {
        let bytes = self.bytes;
        let Some(&[b0, b1, b2, b3]) = bytes.get(layout::PAYLOAD_LEN) else {
            self.name_rest("payload length, cut short");
            return None;
        };
        let claimed = u32::from_be_bytes([b0, b1, b2, b3]);
        let rest = &bytes[layout::HEADER_LEN..];
        let payload = rest.get(..claimed as usize);
        let label = match payload {
            Some(_) => format!("payload length {claimed}"),
            None => format!("payload length {claimed}, but {} bytes follow", rest.len()),
        };
        self.name(layout::PAYLOAD_LEN.len(), label);
        Some(payload.unwrap_or(rest))
    }

    fn fields(&mut self, kind: Kind, payload: &'a [u8]) {
        let payload_end = layout::HEADER_LEN + payload.len();
        loop {
            let pos = self.pos() - layout::HEADER_LEN;
            // Three spans for a field, and what may follow the last one.
            if self.spans.len() + 8 > MAX_SPANS {
                self.name(
                    payload.len() - pos,
                    "more of the payload, not named one by one",
                );
                return;
            }
            match step(payload, pos) {
                Step::Field(field) => self.field(kind, field),
                Step::Terminator => {
                    self.name(1, "end of fields");
                    self.name(payload_end - self.pos(), "trailing bytes in the payload");
                    return;
                }
                Step::Exhausted => return,
                Step::Overrun { field, claimed, .. } => {
                    self.name(1, field_type_label(kind, field));
                    let label = claimed.map_or_else(
                        || "field length, cut short".to_owned(),
                        |claimed| format!("field length {claimed}, runs past the payload"),
                    );
                    let len = (payload_end - self.pos()).min(2);
                    self.name(len, label);
                    self.name(payload_end - self.pos(), "field value, cut short");
                    return;
                }
            }
        }
    }

    fn field(&mut self, kind: Kind, field: Field<'_>) {
        self.name(1, field_type_label(kind, field.kind));
        self.name(2, format!("field length {}", field.value.len()));
        self.name(field.value.len(), value_label(kind, field));
    }

    fn end(&mut self) {
        match self.bytes.get(self.pos()) {
            Some(&layout::END_OF_MESSAGE) => self.name(1, "end of message"),
            Some(_) => self.name(1, "end of message, should be 0x0d"),
            None => {}
        }
        self.name_rest("trailing bytes");
    }
}

fn field_type_label(kind: Kind, field: u8) -> String {
    match Meaning::of(kind, field) {
        Some(meaning) => format!("field {field}: {}", meaning.words()),
        None => format!("field {field}: unknown"),
    }
}

/// Says what a value is, with the value itself where its length is one that can be read.
fn value_label(kind: Kind, field: Field<'_>) -> String {
    let Some(meaning) = Meaning::of(kind, field.kind) else {
        return format!("value of unknown field {}", field.kind);
    };
    let words = meaning.words();
    match (meaning, field.value) {
        (Meaning::HostName, value) => match host_name::read(value) {
            Some(name) => format!("{words} {:?}", shortened(&name)),
            None => format!("{words}, empty"),
        },
        (Meaning::Model, [high, low]) => {
            format!("{words} {}", u16::from_be_bytes([*high, *low]))
        }
        (Meaning::Mac, mac) if meaning.accepts(mac.len()) => {
            let parts: Vec<String> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{words} {}", parts.join(":"))
        }
        (Meaning::Ip | Meaning::Gateway, [0, 0, 0, 0]) => format!("{words}: none"),
        (Meaning::Ip | Meaning::Gateway | Meaning::Mask, [a, b, c, d]) => {
            format!("{words} {}", Ipv4Addr::new(*a, *b, *c, *d))
        }
        (Meaning::MaskOrPrefix, [a, b, c, d]) => {
            format!("subnet mask {}", Ipv4Addr::new(*a, *b, *c, *d))
        }
        (Meaning::MaskOrPrefix, [prefix_len]) => format!("prefix length {prefix_len}"),
        (Meaning::Modes | Meaning::Mode, [bits]) => format!("{words} 0x{bits:02x}"),
        (Meaning::Status, [code]) => {
            format!("{words}: {} (assumed)", IpStatus::from(*code))
        }
        (_, value) if meaning.accepts(value.len()) => words.to_owned(),
        (_, value) => format!("{words}, bad length {}", value.len()),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_LABEL_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{discover_request, encode_raw};

    fn labels(bytes: &[u8]) -> Vec<(usize, usize, String)> {
        let mut pos = 0;
        let spans = annotate(bytes);
        for span in &spans {
            assert_eq!(span.range.start, pos, "spans leave no gap: {spans:?}");
            assert!(!span.range.is_empty(), "no span is empty: {spans:?}");
            pos = span.range.end;
        }
        assert_eq!(pos, bytes.len(), "every byte has a name: {spans:?}");
        spans
            .into_iter()
            .map(|span| (span.range.start, span.range.len(), span.label))
            .collect()
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: &[(usize, usize, &str)]) {
        let found = labels(bytes);
        let found: Vec<_> = found.iter().map(|(o, l, s)| (*o, *l, s.as_str())).collect();
        assert_eq!(found, expected);
    }

    const HEADER: [(usize, usize, &str); 2] =
        [(0, 1, "start of header"), (1, 4, "protocol tag \"AIDP\"")];

    #[test]
    fn rows_line_up_and_the_last_one_may_be_short() {
        let request = discover_request(1);
        let rows: Vec<_> = hex_rows(&request, RowWidth::Sixteen)
            .map(|row| row.to_string())
            .collect();
        assert_eq!(
            rows,
            [
                "0000  01 41 49 44 50 00 01 01 00 00 00 06 01 00 02 01  .AIDP...........",
                "0010  08 ff 0d                                         ...",
            ]
        );
        let rows: Vec<_> = hex_rows(&request, RowWidth::Eight).collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[1].offset, 8);
        assert_eq!(
            (rows[2].hex(), rows[2].ascii()),
            ("08 ff 0d".to_owned(), "...".to_owned())
        );
        assert_eq!(hex_rows(&[], RowWidth::Eight).len(), 0);
    }

    #[test]
    fn every_byte_of_a_request_has_its_name() {
        let mut expected = HEADER.to_vec();
        expected.extend([
            (5, 2, "sequence 1"),
            (7, 1, "message type: discover request"),
            (8, 4, "payload length 6"),
            (12, 1, "field 1: constant of unknown meaning"),
            (13, 2, "field length 2"),
            (15, 2, "constant of unknown meaning"),
            (17, 1, "end of fields"),
            (18, 1, "end of message"),
        ]);
        check(&discover_request(1), &expected);
    }

    #[test]
    fn values_are_read_by_their_meaning() {
        let long_name = "x".repeat(100);
        for (kind, field, value, label) in [
            (Kind::DiscoverReply, 1, &[0, 16][..], "model number 16"),
            (
                Kind::DiscoverReply,
                2,
                &[0, 0xE0, 0x86, 1, 2, 3],
                "MAC 00:e0:86:01:02:03",
            ),
            (
                Kind::DiscoverReply,
                3,
                &[10, 0, 0, 9],
                "IPv4 address 10.0.0.9",
            ),
            (Kind::DiscoverReply, 3, &[0; 4], "IPv4 address: none"),
            (Kind::DiscoverReply, 3, &[0; 16], "IPv4 address"),
            (
                Kind::DiscoverReply,
                3,
                &[1; 5],
                "IPv4 address, bad length 5",
            ),
            (
                Kind::DiscoverReply,
                4,
                &[255, 0, 0, 0],
                "subnet mask 255.0.0.0",
            ),
            (Kind::DiscoverReply, 6, b"a\"b\0\0", "host name \"a\\\"b\""),
            (Kind::DiscoverReply, 6, b"\0", "host name, empty"),
            (Kind::DiscoverReply, 7, &[5], "supported modes 0x05"),
            (Kind::DiscoverReply, 0x42, &[1], "value of unknown field 66"),
            (Kind::SetIpRequest, 3, &[24], "prefix length 24"),
            (
                Kind::SetIpRequest,
                3,
                &[255, 0, 0, 0],
                "subnet mask 255.0.0.0",
            ),
            (
                Kind::SetIpReply,
                2,
                &[1],
                "status: address in use (assumed)",
            ),
            (
                Kind::SetIpReply,
                2,
                &[99],
                "status: unknown status 99 (assumed)",
            ),
        ] {
            let found = labels(&encode_raw(1, kind.code(), &[(field, value)]));
            assert_eq!(found[7].2, label);
        }
        let found = labels(&encode_raw(1, 0x81, &[(6, long_name.as_bytes())]));
        assert_eq!(
            found[7].2,
            format!("host name \"{}…\"", "x".repeat(MAX_LABEL_CHARS))
        );
    }

    #[test]
    fn refused_and_foreign_bytes_are_named_as_far_as_they_go() {
        check(b"", &[]);
        check(b"M-SEARCH", &[(0, 8, "not AIDP")]);
        check(
            b"\x01ASMP\x00\x09",
            &[
                (0, 1, "start of header"),
                (1, 4, "protocol tag \"ASMP\""),
                (5, 2, "ASMP message, not AIDP"),
            ],
        );
        let mut cut = HEADER.to_vec();
        cut.extend([
            (5, 2, "sequence 1"),
            (7, 1, "message type: discover reply"),
            (8, 2, "payload length, cut short"),
        ]);
        check(b"\x01AIDP\x00\x01\x81\x00\x00", &cut);
        cut.truncate(4);
        cut.extend([
            (8, 4, "payload length 64, but 7 bytes follow"),
            (12, 1, "field 2: MAC"),
            (13, 2, "field length 6, runs past the payload"),
            (15, 4, "field value, cut short"),
        ]);
        check(
            b"\x01AIDP\x00\x01\x81\x00\x00\x00\x40\x02\x00\x06\x00\xe0\x86\x12",
            &cut,
        );
        cut.truncate(4);
        cut.extend([
            (8, 4, "payload length 2"),
            (12, 1, "field 2: MAC"),
            (13, 1, "field length, cut short"),
            (14, 1, "end of message"),
        ]);
        check(b"\x01AIDP\x00\x01\x81\x00\x00\x00\x02\x02\x00\x0d", &cut);
        cut.truncate(4);
        cut.extend([
            (8, 4, "payload length 3"),
            (12, 1, "end of fields"),
            (13, 2, "trailing bytes in the payload"),
            (15, 1, "end of message, should be 0x0d"),
            (16, 2, "trailing bytes"),
        ]);
        check(
            b"\x01AIDP\x00\x01\x81\x00\x00\x00\x03\xff\x00\x00\x0azz",
            &cut,
        );
    }

    #[test]
    fn a_datagram_full_of_fields_is_named_within_the_limit() {
        let fields: Vec<(u8, &[u8])> = vec![(0x42, &[]); 20_000];
        let spans = labels(&encode_raw(1, 0x81, &fields));
        assert!(spans.len() <= MAX_SPANS, "{} spans", spans.len());
        assert_eq!(
            spans.last().map(|span| span.2.as_str()),
            Some("end of message")
        );
    }
}
