//! Datagrams read by a decoder: what was found, where, and what was not.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::check::Problem;
use super::draft::{ByteOrder, Draft, Extent, Field, Place, Tlv};
use super::fact::Fact;
use super::value::{Value, unsigned};
use super::{MAX_FIELDS, MAX_RECORDS};
use crate::model::sighting::{Claims, TaughtClaims};

/// A decoder without problems. Two are equal when they say the same, wherever they stand in a file.
#[derive(Clone, Debug)]
pub struct Decoder {
    draft: Draft,
    line: u32,
    column: u32,
}

impl PartialEq for Decoder {
    fn eq(&self, other: &Self) -> bool {
        self.draft == other.draft
    }
}

impl Eq for Decoder {}

/// What a decoder read in a datagram that it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taught {
    /// What the unit claims; `claims.taught` names the decoder.
    pub claims: Claims,
    /// What was read, in the order of the decoder's fields, each fact once.
    pub fields: Vec<FieldFound>,
    /// What was not there or could not be read, of facts that no other field brought.
    pub missed: Vec<Missed>,
}

/// A field that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFound {
    /// What it means.
    pub fact: Fact,
    /// Its bytes in the datagram, never empty and never past the end.
    pub range: Range<usize>,
    /// What it says, cut as every text in the model.
    pub text: String,
}

/// A field that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// What it would have meant.
    pub fact: Fact,
    /// Why not.
    pub why: Miss,
}

/// Why a field was not read. Shows as a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// The datagram ends before the field does.
    TooShort {
        /// Where the field would end.
        end: usize,
        /// How long the datagram is.
        len_bytes: usize,
    },
    /// There is no record of its type.
    NoRecord(u16),
    /// A record before it, or its own, runs past the end.
    BrokenRecord {
        /// Its type.
        kind: u16,
        /// Where the broken record begins.
        offset: usize,
    },
    /// There are more records than are looked at, and it is not among those.
    ManyRecords(u16),
    /// The record's value does not have as many bytes as it takes.
    Length {
        /// How many there are.
        found: usize,
        /// How many it takes, in words.
        wanted: &'static str,
    },
    /// The text is no MAC.
    NoMac(String),
    /// The text is no IP.
    NoIp(String),
    /// One half of a byte is no digit.
    NoDigits(u8),
    /// There is nothing in it.
    Empty,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { end, len_bytes } => {
                write!(f, "it ends at byte {end}, the datagram at byte {len_bytes}")
            }
            Self::NoRecord(kind) => write!(f, "there is no record of type {kind}"),
            Self::BrokenRecord { kind, offset } => write!(
                f,
                "no record of type {kind} before byte {offset}, where a record does not fit into the datagram"
            ),
            Self::ManyRecords(kind) => {
                write!(f, "no record of type {kind} among the first {MAX_RECORDS}")
            }
            Self::Length { found, wanted } => write!(f, "it takes {wanted}, not {found}"),
            Self::NoMac(text) => write!(f, "{text:?} is no MAC"),
            Self::NoIp(text) => write!(f, "{text:?} is no IP"),
            Self::NoDigits(byte) => write!(f, "{byte:#04x} is not two decimal digits"),
            Self::Empty => f.write_str("there is nothing in it"),
        }
    }
}

impl Decoder {
    /// The decoder of a draft, unless something is wrong with it.
    pub fn new(draft: Draft) -> Result<Self, Vec<Problem>> {
        Self::at(draft, 0, 0)
    }

    /// One that stands in a file.
    pub(super) fn at(draft: Draft, line: u32, column: u32) -> Result<Self, Vec<Problem>> {
        let problems = draft.problems();
        if problems.is_empty() {
            Ok(Self {
                draft,
                line,
                column,
            })
        } else {
            Err(problems)
        }
    }

    /// Its name: the source of what it reads.
    pub fn name(&self) -> &str {
        &self.draft.name
    }

    /// What it is made of, to be read or to be changed into another one.
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// Line and column of its name in the file, from 1; zeros when it was not read from one.
    pub fn place(&self) -> (u32, u32) {
        (self.line, self.column)
    }

    /// Whether a datagram is one of those that it describes. `port` is the watched port: the one that the datagram came
    /// to, or, when it came to a socket that asks, the one that it came from.
    pub fn matches(&self, port: u16, datagram: &[u8]) -> bool {
        self.draft.matches(port, datagram)
    }

    /// What the first eight bytes of a datagram must be, as a mask and a value: a quick look before
    /// [`Decoder::matches`], which has the last word.
    pub(super) fn head(&self) -> (u64, u64) {
        let mut mask = [0; 8];
        let mut value = [0; 8];
        for rule in &self.draft.rules {
            let masks = rule.mask.iter().flatten().copied();
            let masks = masks.chain(std::iter::repeat(0xFF));
            for (idx, (byte, bits)) in rule.bytes.iter().zip(masks).enumerate() {
                let at = usize::from(rule.offset) + idx;
                if at < mask.len() {
                    // Rules that contradict each other match nothing, whatever is said here.
                    mask[at] |= bits;
                    value[at] = value[at] & !bits | byte & bits;
                }
            }
        }
        (u64::from_ne_bytes(mask), u64::from_ne_bytes(value))
    }

    /// Reads a datagram that it matches. The caller keeps AIDP back: nothing here looks whether it is.
    pub fn decode(&self, port: u16, datagram: &[u8]) -> Option<Taught> {
        self.matches(port, datagram)
            .then(|| self.draft.read(datagram))
    }

    /// What the unit claims, without what a person would want to see of it: for every datagram that is heard. Nothing
    /// where not one field can be read: a datagram that only begins as it should tells of nobody.
    pub fn claims(&self, port: u16, datagram: &[u8]) -> Option<Claims> {
        if !self.matches(port, datagram) {
            return None;
        }
        let mut has_any = false;
        let claims = self
            .draft
            .read_each(datagram, |_, read| has_any |= read.is_ok());
        has_any.then_some(claims)
    }

    /// As a file that [`super::parse`] reads back.
    pub fn to_toml(&self) -> String {
        self.draft.to_toml()
    }
}

impl Draft {
    pub(super) fn matches(&self, port: u16, datagram: &[u8]) -> bool {
        let len = datagram.len();
        self.rules.iter().all(|rule| rule.holds(datagram))
            && self.min_length.is_none_or(|min| len >= usize::from(min))
            && self.max_length.is_none_or(|max| len <= usize::from(max))
            && self.ports().contains(&port)
    }

    /// Reads the fields. Also of a draft with problems: what cannot be read is missed.
    pub(super) fn read(&self, datagram: &[u8]) -> Taught {
        let mut fields: Vec<FieldFound> = Vec::with_capacity(Fact::ALL.len());
        let mut missed: Vec<Missed> = Vec::new();
        let claims = self.read_each(datagram, |fact, read| match read {
            Ok((range, value)) => {
                let text = value.text();
                fields.push(FieldFound { fact, range, text });
            }
            Err(why) => missed.push(Missed { fact, why }),
        });
        missed.retain(|missed| fields.iter().all(|found| found.fact != missed.fact));
        Taught {
            claims,
            fields,
            missed,
        }
    }

    /// Reads the fields and hands out each, with its bytes or why it is missed, unless its fact was read before.
    #[inline]
    fn read_each(
        &self,
        datagram: &[u8],
        mut each: impl FnMut(Fact, Result<(Range<usize>, &Value), Miss>),
    ) -> Claims {
        let fields = &self.fields[..self.fields.len().min(MAX_FIELDS)];
        let records = Records::walk(self, fields, datagram);
        let mut claims = Claims::default();
        let mut beside = TaughtClaims {
            decoder: self.name.clone(),
            ..TaughtClaims::default()
        };
        let mut has_fact = [false; Fact::ALL.len()];
        for (idx, field) in fields.iter().copied().enumerate() {
            let fact = field.fact;
            if has_fact[fact as usize] {
                continue;
            }
            let value = records.place(idx, field, datagram).and_then(|range| {
                let value = Value::read(field, self.byte_order, &datagram[range.clone()])?;
                Ok((range, value))
            });
            match value {
                Ok((range, value)) => {
                    has_fact[fact as usize] = true;
                    each(fact, Ok((range, &value)));
                    value.claim(fact, &mut claims, &mut beside);
                }
                Err(why) => each(fact, Err(why)),
            }
        }
        claims.taught = Some(Arc::new(beside));
        claims
    }
}

/// Where the values of the records are that the fields ask for.
struct Records {
    /// For each field, begin and end of its value. No value begins at 0, where at least the type stands.
    ranges: [(u32, u32); MAX_FIELDS],
    /// How the walk over the records ended.
    end: WalkEnd,
}

#[derive(Clone, Copy)]
enum WalkEnd {
    /// Every field was found, or the records were over.
    Done,
    /// The record at this offset does not fit.
    Broken(usize),
    /// There were too many.
    Many,
}

impl Records {
    fn walk(draft: &Draft, fields: &[Field], datagram: &[u8]) -> Self {
        let mut records = Self {
            ranges: [(0, 0); MAX_FIELDS],
            end: WalkEnd::Done,
        };
        // The types that are asked for, by field; the others are of no type.
        let mut wanted = [u32::MAX; MAX_FIELDS];
        let mut num_wanted = 0;
        for (field, wanted) in fields.iter().zip(&mut wanted) {
            if let Place::Record { kind } = field.place {
                *wanted = u32::from(kind);
                num_wanted += 1;
            }
        }
        let Some(tlv) = draft.tlv.as_ref().filter(|_| num_wanted > 0) else {
            return records;
        };
        let mut pos = usize::from(tlv.begin);
        for _ in 0..MAX_RECORDS {
            if pos >= datagram.len() {
                return records;
            }
            let Some((kind, value)) = record(tlv, draft.byte_order, datagram, pos) else {
                records.end = WalkEnd::Broken(pos);
                return records;
            };
            let Some(value) = value else {
                return records;
            };
            pos = value.end;
            for (wanted, range) in wanted[..fields.len()].iter_mut().zip(&mut records.ranges) {
                if *wanted == u32::from(kind) {
                    // The first record of a type counts. A datagram is far shorter than four gigabytes.
                    *wanted = u32::MAX;
                    *range = (value.start as u32, value.end as u32);
                    num_wanted -= 1;
                }
            }
            if num_wanted == 0 {
                return records;
            }
        }
        records.end = WalkEnd::Many;
        records
    }

    /// The bytes of a field. The range is within the datagram and not empty.
    fn place(&self, idx: usize, field: Field, datagram: &[u8]) -> Result<Range<usize>, Miss> {
        let len_bytes = datagram.len();
        let range = match field.place {
            Place::Record { kind } => match (self.ranges[idx], self.end) {
                ((0, _), WalkEnd::Done) => return Err(Miss::NoRecord(kind)),
                ((0, _), WalkEnd::Broken(offset)) => {
                    return Err(Miss::BrokenRecord { kind, offset });
                }
                ((0, _), WalkEnd::Many) => return Err(Miss::ManyRecords(kind)),
                ((start, end), _) => start as usize..end as usize,
            },
            Place::Offset { offset, extent } => {
                let start = usize::from(offset);
                let end = match extent {
                    Extent::Length(len) => start + usize::from(len),
                    Extent::ToEnd | Extent::UntilNul => len_bytes.max(start + 1),
                };
                let Some(bytes) = datagram.get(start..end) else {
                    return Err(Miss::TooShort { end, len_bytes });
                };
                let nul = match extent {
                    Extent::UntilNul => bytes.iter().position(|byte| *byte == 0),
                    Extent::Length(_) | Extent::ToEnd => None,
                };
                start..nul.map_or(end, |nul| start + nul)
            }
        };
        if range.is_empty() {
            return Err(Miss::Empty);
        }
        Ok(range)
    }
}

/// The type of the record at `pos` and where its value is; no value when the type ends the records. `None` when the
/// record does not fit into the datagram.
fn record(
    tlv: &Tlv,
    byte_order: ByteOrder,
    datagram: &[u8],
    pos: usize,
) -> Option<(u16, Option<Range<usize>>)> {
    // A draft with problems may say anything here.
    let type_end = pos + usize::from(tlv.type_bytes.clamp(1, 2));
    let kind = unsigned(byte_order, datagram.get(pos..type_end)?) as u16;
    if tlv.end_type == Some(kind) {
        return Some((kind, None));
    }
    let start = type_end + usize::from(tlv.length_bytes.clamp(1, 4));
    let len = unsigned(byte_order, datagram.get(type_end..start)?);
    let len = usize::try_from(len).ok()?;
    let len = if tlv.length_counts_header {
        len.checked_sub(start - pos)?
    } else {
        len
    };
    let end = start.checked_add(len)?;
    (end <= datagram.len()).then_some((kind, Some(start..end)))
}
