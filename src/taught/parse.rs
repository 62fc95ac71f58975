//! Decoders out of a file. What is wrong with one is said with its place, and the others stay.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::check::Part;
use super::decode::Decoder;
use super::draft::{ByteOrder, Draft, Extent, Field, MatchRule, Place, Tlv};
use super::fact::{Fact, ReadAs};
use super::{MAX_DECODERS_PER_FILE, MAX_FILE_BYTES};

/// Something in a file that is not used, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// Why: a clause.
    pub why: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            why,
        } = self;
        write!(f, "{file}:{line}:{column}: {why}")
    }
}

/// Reads the decoders of a file. A bad one is skipped and said; a file that is no TOML is refused as a whole.
pub fn parse(text: &str, file_name: &str) -> (Vec<Decoder>, Vec<Refused>) {
    let mut file = File {
        name: file_name,
        text,
        decoders: Vec::new(),
        refused: Vec::new(),
    };
    if text.len() > MAX_FILE_BYTES {
        file.refuse(0, format!("it is longer than {} KiB", MAX_FILE_BYTES >> 10));
    } else {
        match DeTable::parse(text) {
            Ok(table) => file.take(table.into_inner()),
            Err(error) => file.refuse_error(&error, 0),
        }
    }
    (file.decoders, file.refused)
}

struct File<'a> {
    name: &'a str,
    text: &'a str,
    decoders: Vec<Decoder>,
    refused: Vec<Refused>,
}

impl<'a> File<'a> {
    fn take(&mut self, table: DeTable<'a>) {
        let mut num_keys_refused = 0;
        for (key, value) in table {
            if key.get_ref() != "decoder" {
                // One line is enough for a file that is something else.
                if num_keys_refused == 0 {
                    let why = format!(
                        "unknown key {:?}: decoders begin with [[decoder]]",
                        short(key.get_ref())
                    );
                    self.refuse(key.span().start, why);
                }
                num_keys_refused += 1;
                continue;
            }
            let start = key.span().start;
            match value.into_inner() {
                DeValue::Array(list) => {
                    for (idx, value) in list.into_iter().enumerate() {
                        if idx == MAX_DECODERS_PER_FILE {
                            let why = format!(
                                "a file may hold {MAX_DECODERS_PER_FILE} decoders; this one and those behind it are not used"
                            );
                            self.refuse(value.span().start, why);
                            break;
                        }
                        self.take_decoder(value);
                    }
                }
                _ => self.refuse(
                    start,
                    "a decoder begins with [[decoder]], in two brackets".to_owned(),
                ),
            }
        }
        self.refused
            .sort_by_key(|refused| (refused.line, refused.column));
    }

    fn take_decoder(&mut self, value: Spanned<DeValue<'a>>) {
        let whole = value.span();
        if let Some(span) = no_table(&value) {
            let why = "a table of keys is expected here".to_owned();
            return self.refuse(span.start, why);
        }
        let table = match DecoderTable::deserialize(ValueDeserializer::from(value)) {
            Ok(table) => table,
            Err(error) => return self.refuse_error(&error, whole.start),
        };
        let name_span = table.name.span();
        let spans = Spans::of(&table, whole);
        let draft = match table.draft() {
            Ok(draft) => draft,
            Err((span, why)) => return self.refuse(span.start, why),
        };
        let (line, column) = place(self.text, name_span.start);
        let taken = self
            .decoders
            .iter()
            .find(|earlier| earlier.name() == draft.name)
            .map(Decoder::place);
        if let Some((earlier, _)) = taken {
            let why = format!(
                "the name {:?} is taken by the decoder in line {earlier}",
                draft.name
            );
            return self.refuse(name_span.start, why);
        }
        match Decoder::at(draft, line, column) {
            Ok(decoder) => self.decoders.push(decoder),
            Err(problems) => {
                for problem in problems {
                    let start = spans.of_part(problem.part).start;
                    self.refuse(start, problem.why);
                }
            }
        }
    }

    fn refuse(&mut self, at: usize, why: String) {
        let (line, column) = place(self.text, at);
        self.refused.push(Refused {
            file: self.name.to_owned(),
            line,
            column,
            why,
        });
    }

    fn refuse_error(&mut self, error: &toml::de::Error, otherwise: usize) {
        let at = error.span().map_or(otherwise, |span| span.start);
        // The words name types of this program, and may quote a whole line of the file.
        let words = error
            .message()
            .replace("expected u16", "expected a whole number from 0 to 65535")
            .replace("expected u8", "expected a whole number from 0 to 255");
        self.refuse(at, short(&words));
    }
}

/// Where a list or a plain value stands in place of a table. Serde would take a list for the keys in their order.
fn no_table(value: &Spanned<DeValue<'_>>) -> Option<Range<usize>> {
    let Some(table) = value.get_ref().as_table() else {
        return Some(value.span());
    };
    let is_table = |value: &Spanned<DeValue<'_>>| value.get_ref().is_table();
    table.iter().find_map(|(key, value)| {
        let inner = value.get_ref().as_array();
        match key.get_ref().as_ref() {
            "tlv" => (!is_table(value)).then(|| value.span()),
            "match" | "field" => inner?
                .iter()
                .find(|inner| !is_table(inner))
                .map(Spanned::span),
            _ => None,
        }
    })
}

/// A text of the file, short enough to be said.
fn short(text: &str) -> String {
    crate::model::sighting::cut_text(text)
}

/// Line and column, both from 1, of a byte of the text.
fn place(text: &str, at: usize) -> (u32, u32) {
    let before = &text[..text.floor_char_boundary(at)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count();
    let column = before[line_start..]
        .chars()
        .filter(|c| *c != '\u{feff}')
        .count();
    // A file has far fewer lines.
    (line as u32 + 1, column as u32 + 1)
}

/// Where the parts of a decoder stand.
struct Spans {
    whole: Range<usize>,
    name: Range<usize>,
    note: Option<Range<usize>>,
    ports: Option<Range<usize>>,
    min_length: Option<Range<usize>>,
    max_length: Option<Range<usize>>,
    rules: Vec<Range<usize>>,
    tlv: Option<Range<usize>>,
    fields: Vec<Range<usize>>,
}

impl Spans {
    fn of(table: &DecoderTable, whole: Range<usize>) -> Self {
        Self {
            whole,
            name: table.name.span(),
            note: table.note.as_ref().map(Spanned::span),
            ports: table.ports.as_ref().map(Spanned::span),
            min_length: table.min_length.as_ref().map(Spanned::span),
            max_length: table.max_length.as_ref().map(Spanned::span),
            rules: table.rules.iter().map(Spanned::span).collect(),
            tlv: table.tlv.as_ref().map(Spanned::span),
            fields: table.fields.iter().map(Spanned::span).collect(),
        }
    }

    fn of_part(&self, part: Part) -> &Range<usize> {
        let span = match part {
            Part::Whole => None,
            Part::Name => Some(&self.name),
            Part::Note => self.note.as_ref(),
            Part::Ports => self.ports.as_ref(),
            Part::MinLength => self.min_length.as_ref(),
            Part::MaxLength => self.max_length.as_ref(),
            Part::Rule(idx) => self.rules.get(idx),
            Part::Tlv => self.tlv.as_ref(),
            Part::Field(idx) => self.fields.get(idx),
        };
        span.unwrap_or(&self.whole)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecoderTable {
    name: Spanned<String>,
    note: Option<Spanned<String>>,
    ports: Option<Spanned<Vec<u16>>>,
    #[serde(default)]
    byte_order: ByteOrder,
    min_length: Option<Spanned<u16>>,
    max_length: Option<Spanned<u16>>,
    #[serde(default, rename = "match")]
    rules: Vec<Spanned<RuleTable>>,
    tlv: Option<Spanned<TlvTable>>,
    #[serde(default, rename = "field")]
    fields: Vec<Spanned<FieldTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    offset: u16,
    bytes: Spanned<String>,
    mask: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TlvTable {
    begin: u16,
    type_bytes: u8,
    length_bytes: u8,
    #[serde(default)]
    length_counts_header: bool,
    end_type: Option<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldTable {
    fact: Fact,
    offset: Option<u16>,
    length: Option<u16>,
    until: Option<Until>,
    r#type: Option<u16>,
    r#as: Option<ReadAs>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Until {
    Nul,
    End,
}

/// What cannot be told in a [`Draft`], and where it is.
type Untold = (Range<usize>, String);

impl DecoderTable {
    fn draft(self) -> Result<Draft, Untold> {
        let ports = match self.ports {
            Some(ports) if ports.get_ref().is_empty() => {
                return Err((
                    ports.span(),
                    "there is none; leave it out for those that are listened to".to_owned(),
                ));
            }
            Some(ports) => ports.into_inner(),
            None => Vec::new(),
        };
        Ok(Draft {
            name: self.name.into_inner(),
            note: self.note.map(Spanned::into_inner).unwrap_or_default(),
            ports,
            byte_order: self.byte_order,
            min_length: self.min_length.map(Spanned::into_inner),
            max_length: self.max_length.map(Spanned::into_inner),
            rules: self
                .rules
                .into_iter()
                .map(|rule| rule.into_inner().rule())
                .collect::<Result<_, _>>()?,
            tlv: self.tlv.map(|tlv| tlv.into_inner().tlv()),
            fields: self
                .fields
                .into_iter()
                .map(field)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl RuleTable {
    fn rule(self) -> Result<MatchRule, Untold> {
        Ok(MatchRule {
            offset: self.offset,
            bytes: hex(&self.bytes)?,
            mask: self.mask.as_ref().map(hex).transpose()?,
        })
    }
}

impl TlvTable {
    fn tlv(self) -> Tlv {
        let Self {
            begin,
            type_bytes,
            length_bytes,
            length_counts_header,
            end_type,
        } = self;
        Tlv {
            begin,
            type_bytes,
            length_bytes,
            length_counts_header,
            end_type,
        }
    }
}

fn field(table: Spanned<FieldTable>) -> Result<Field, Untold> {
    let span = table.span();
    let table = table.into_inner();
    let place = match (table.offset, table.length, table.until, table.r#type) {
        (None, None, None, Some(kind)) => Place::Record { kind },
        (Some(offset), Some(len), None, None) => Place::Offset {
            offset,
            extent: Extent::Length(len),
        },
        (Some(offset), None, Some(until), None) => Place::Offset {
            offset,
            extent: match until {
                Until::Nul => Extent::UntilNul,
                Until::End => Extent::ToEnd,
            },
        },
        // Of a MAC or an IP in bytes the length is known.
        (Some(offset), None, None, None)
            if matches!(table.r#as, None | Some(ReadAs::Bytes))
                && table.fact.num_bytes().is_some() =>
        {
            Place::Offset {
                offset,
                extent: Extent::Length(table.fact.num_bytes().unwrap_or_default() as u16),
            }
        }
        (Some(_), None, None, None) => {
            return Err((
                span,
                "a field at an offset needs a length or until".to_owned(),
            ));
        }
        (Some(_), Some(_), Some(_), None) => {
            return Err((span, "a field has a length or until, not both".to_owned()));
        }
        (None, _, _, None) => {
            return Err((span, "a field needs an offset or a type".to_owned()));
        }
        (_, _, _, Some(_)) => {
            return Err((
                span,
                "a field with a type has no offset, length or until".to_owned(),
            ));
        }
    };
    Ok(Field {
        fact: table.fact,
        place,
        reading: table.r#as.unwrap_or(table.fact.readings()[0]),
    })
}

/// Bytes written in hex, with or without spaces, colons and hyphens between them.
fn hex(text: &Spanned<String>) -> Result<Vec<u8>, Untold> {
    let mut digits = Vec::new();
    for c in text.get_ref().chars() {
        match c.to_digit(16) {
            Some(digit) => digits.push(digit as u8),
            None if c == ' ' || c == ':' || c == '-' => {}
            None => return Err((text.span(), format!("{c:?} is no hex digit"))),
        }
    }
    if digits.len() % 2 == 1 {
        let why = format!("{} hex digits make no whole bytes", digits.len());
        return Err((text.span(), why));
    }
    Ok(digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect())
}
