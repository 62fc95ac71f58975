//! What is wrong with a draft, in words, and which part of it that is.

use std::fmt;

use super::draft::{Draft, Extent, Field, MatchRule, Place, Tlv};
use super::fact::ReadAs;
use super::{
    MAX_DATAGRAM_BYTES, MAX_FIELDS, MAX_NAME_CHARS, MAX_NOTE_CHARS, MAX_PORTS, MAX_RULE_BYTES,
    MAX_RULES,
};
use crate::model::shown::is_hidden;

/// Something that keeps a draft from being a decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which part it is about.
    pub part: Part,
    /// What is wrong with it: a clause.
    pub why: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Part::Whole => {}
            Part::Name => f.write_str("name: ")?,
            Part::Note => f.write_str("note: ")?,
            Part::Ports => f.write_str("ports: ")?,
            Part::MinLength => f.write_str("least length: ")?,
            Part::MaxLength => f.write_str("greatest length: ")?,
            Part::Rule(idx) => write!(f, "match {}: ", idx + 1)?,
            Part::Tlv => f.write_str("records: ")?,
            Part::Field(idx) => write!(f, "field {}: ", idx + 1)?,
        }
        f.write_str(&self.why)
    }
}

/// A part of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// The name.
    Name,
    /// The note.
    Note,
    /// The ports.
    Ports,
    /// The least length.
    MinLength,
    /// The greatest length.
    MaxLength,
    /// One match rule, by its index.
    Rule(usize),
    /// The layout of the records.
    Tlv,
    /// One field, by its index.
    Field(usize),
}

impl Draft {
    /// What keeps it from being a decoder, each in words. Nothing when it is one.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |part, why: Option<String>| {
            problems.extend(why.map(|why| Problem { part, why }));
        };
        add(Part::Name, name_problem(&self.name));
        add(Part::Note, note_problem(&self.note));
        add(Part::Ports, ports_problem(&self.ports));
        let min = self.min_length.unwrap_or(0);
        add(
            Part::MinLength,
            (min > MAX_DATAGRAM_BYTES)
                .then(|| format!("no datagram is longer than {MAX_DATAGRAM_BYTES} bytes")),
        );
        if let Some(max) = self.max_length {
            let match_end = self.rules.iter().map(MatchRule::end).max().unwrap_or(0);
            add(
                Part::MaxLength,
                if max < min {
                    Some(format!("{max} is less than the least length {min}"))
                } else if usize::from(max) < match_end {
                    Some(format!(
                        "{max} bytes end before the match at byte {match_end} does"
                    ))
                } else {
                    None
                },
            );
        }
        if self.rules.len() > MAX_RULES {
            let why = format!(
                "it has {} match rules; {MAX_RULES} are allowed",
                self.rules.len()
            );
            add(Part::Whole, Some(why));
        }
        if self.rules.is_empty() && self.min_length.is_none() && self.max_length.is_none() {
            let why = "nothing tells its datagrams from others: it needs a match or a length";
            add(Part::Whole, Some(why.to_owned()));
        }
        for (idx, rule) in self.rules.iter().enumerate().take(MAX_RULES) {
            add(Part::Rule(idx), rule_problem(rule));
        }
        add(Part::Tlv, self.tlv.as_ref().and_then(tlv_problem));
        if self.fields.is_empty() {
            add(Part::Whole, Some("it has no field".to_owned()));
        }
        if self.fields.len() > MAX_FIELDS {
            let why = format!(
                "it has {} fields; {MAX_FIELDS} are allowed",
                self.fields.len()
            );
            add(Part::Whole, Some(why));
        }
        for (idx, field) in self.fields.iter().enumerate().take(MAX_FIELDS) {
            add(Part::Field(idx), field_problem(*field, self.tlv.as_ref()));
        }
        problems
    }
}

fn name_problem(name: &str) -> Option<String> {
    if name.is_empty() {
        Some("it has no name".to_owned())
    } else if name.chars().nth(MAX_NAME_CHARS).is_some() {
        Some(format!("it is longer than {MAX_NAME_CHARS} characters"))
    } else if name.chars().any(is_hidden) {
        Some("it has characters that are not seen".to_owned())
    } else if name.trim() != name {
        Some("it has spaces around it".to_owned())
    } else {
        None
    }
}

fn note_problem(note: &str) -> Option<String> {
    if note.chars().nth(MAX_NOTE_CHARS).is_some() {
        Some(format!("it is longer than {MAX_NOTE_CHARS} characters"))
    } else if note.chars().any(|c| is_hidden(c) && c != '\n') {
        Some("it has characters that are not seen".to_owned())
    } else {
        None
    }
}

fn ports_problem(ports: &[u16]) -> Option<String> {
    if ports.len() > MAX_PORTS {
        Some(format!(
            "there are {}; {MAX_PORTS} are allowed",
            ports.len()
        ))
    } else if ports.contains(&0) {
        Some("0 is no port".to_owned())
    } else {
        None
    }
}

fn rule_problem(rule: &MatchRule) -> Option<String> {
    let num_bytes = rule.bytes.len();
    let Some(mask) = &rule.mask else {
        return match num_bytes {
            0 => Some("it has no bytes".to_owned()),
            _ if num_bytes > MAX_RULE_BYTES => Some(format!(
                "it has {num_bytes} bytes; {MAX_RULE_BYTES} are allowed"
            )),
            _ => past_end(rule.end()),
        };
    };
    if mask.len() != num_bytes {
        Some(format!(
            "the mask has {} bytes, and {num_bytes} are compared",
            mask.len()
        ))
    } else if mask.iter().all(|byte| *byte == 0) {
        Some("the mask leaves nothing to compare".to_owned())
    } else if num_bytes > MAX_RULE_BYTES {
        Some(format!(
            "it has {num_bytes} bytes; {MAX_RULE_BYTES} are allowed"
        ))
    } else {
        past_end(rule.end())
    }
}

fn past_end(end: usize) -> Option<String> {
    (end > usize::from(MAX_DATAGRAM_BYTES)).then(|| {
        format!("it ends at byte {end}, and no datagram is longer than {MAX_DATAGRAM_BYTES} bytes")
    })
}

fn tlv_problem(tlv: &Tlv) -> Option<String> {
    if !matches!(tlv.type_bytes, 1 | 2) {
        Some(format!(
            "a type of {} bytes is not known, only 1 or 2",
            tlv.type_bytes
        ))
    } else if !matches!(tlv.length_bytes, 1 | 2 | 4) {
        Some(format!(
            "a length of {} bytes is not known, only 1, 2 or 4",
            tlv.length_bytes
        ))
    } else {
        tlv.end_type.and_then(|kind| type_problem(kind, tlv))
    }
}

fn type_problem(kind: u16, tlv: &Tlv) -> Option<String> {
    (tlv.type_bytes == 1 && kind > 0xFF).then(|| format!("the type {kind} does not fit in 1 byte"))
}

fn field_problem(field: Field, tlv: Option<&Tlv>) -> Option<String> {
    let Field {
        fact,
        place,
        reading,
    } = field;
    if !fact.readings().contains(&reading) {
        let words: Vec<&str> = fact
            .readings()
            .iter()
            .map(|reading| reading.word())
            .collect();
        return Some(format!(
            "{} cannot be read as {}, only as {}",
            fact.word(),
            reading.word(),
            words.join(", ")
        ));
    }
    match place {
        Place::Record { kind } => match tlv {
            None => Some(format!(
                "it is in a record of type {kind}, and nothing says where records are"
            )),
            Some(tlv) if tlv.end_type == Some(kind) => {
                Some(format!("the type {kind} ends the records"))
            }
            Some(tlv) => type_problem(kind, tlv),
        },
        Place::Offset { offset, extent } => match extent {
            Extent::Length(0) => Some("it has no bytes".to_owned()),
            Extent::Length(len) => length_problem(field, usize::from(len))
                .or_else(|| past_end(usize::from(offset) + usize::from(len))),
            Extent::UntilNul if reading != ReadAs::Text => {
                Some("only a text ends at a NUL".to_owned())
            }
            Extent::UntilNul | Extent::ToEnd => past_end(usize::from(offset) + 1),
        },
    }
}

fn length_problem(field: Field, len: usize) -> Option<String> {
    match (field.reading, field.fact.num_bytes()) {
        (ReadAs::Bytes, Some(num_bytes)) if num_bytes != len => Some(format!(
            "{} takes {num_bytes} bytes, not {len}",
            field.fact.word()
        )),
        (ReadAs::Decimal, _) if len > 8 => Some(format!("a number takes 1 to 8 bytes, not {len}")),
        _ => None,
    }
}
