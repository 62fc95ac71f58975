//! A draft that begins with one datagram, and grows by marking its bytes.

use std::net::Ipv4Addr;
use std::ops::Range;

use super::decode::Taught;
use super::draft::{Draft, Extent, Field, MatchRule, Place};
use super::fact::{Fact, ReadAs};
use super::{MAX_DATAGRAM_BYTES, MAX_FIELDS, MAX_RULES};
use crate::model::identity::Mac;
use crate::wire::{Guess, guess};

/// As many bytes at the start are taken for what all such datagrams begin with, when they are no text.
const MAGIC_BYTES: usize = 4;

/// Text at the start is taken for a tag up to this length; a longer one is more likely a name.
const MAX_TAG_BYTES: usize = 8;

/// Shorter text at the start is chance more often than a tag.
const MIN_TAG_BYTES: usize = 3;

impl Draft {
    /// Begins a draft with one datagram: its first bytes as the match, half to twice its length, and as fields the MAC
    /// and the IP of its sender where they stand in it. All of it is a proposal. The name is left to the person.
    pub fn from_datagram(
        port: u16,
        datagram: &[u8],
        sender_mac: Option<Mac>,
        sender_ip: Option<Ipv4Addr>,
    ) -> Self {
        let mut draft = Self {
            ports: vec![port],
            ..Self::default()
        };
        let magic = &datagram[..magic_len(datagram)];
        if !magic.is_empty() {
            draft.rules.push(MatchRule {
                offset: 0,
                bytes: magic.to_vec(),
                mask: None,
            });
        }
        for hint in guess(datagram, sender_mac.map(Mac::octets), sender_ip) {
            let fact = match hint.what {
                Guess::SenderMac => Fact::Mac,
                Guess::SenderIp => Fact::Ip,
                Guess::Text(_) => continue,
            };
            // The first place counts: further ones are more likely the sender of something else.
            if draft.field(fact).is_none() {
                draft.mark(hint.offset..hint.offset + hint.len, fact, ReadAs::Bytes);
            }
        }
        let least = datagram.len().div_ceil(2).max(draft.end()).max(1);
        let most = (2 * datagram.len()).max(least);
        draft.min_length = Some(as_length(least));
        draft.max_length = Some(as_length(most));
        draft
    }

    /// Says that these bytes are a fact, in place of what was said of that fact before. They are no constant then: what
    /// was to match there is left out. Bytes past every datagram, or none, mark nothing.
    pub fn mark(&mut self, range: Range<usize>, fact: Fact, reading: ReadAs) {
        let (Ok(offset), Ok(len)) = (u16::try_from(range.start), u16::try_from(range.len())) else {
            return;
        };
        if len > 0 {
            self.unmatch(&range);
            let extent = Extent::Length(len);
            self.put(fact, Place::Offset { offset, extent }, reading);
        }
    }

    /// Says that what begins here is a fact, up to a NUL or to the end.
    pub fn mark_from(&mut self, offset: u16, extent: Extent, fact: Fact, reading: ReadAs) {
        self.put(fact, Place::Offset { offset, extent }, reading);
    }

    /// Says that the records of this type are a fact.
    pub fn mark_record(&mut self, kind: u16, fact: Fact, reading: ReadAs) {
        self.put(fact, Place::Record { kind }, reading);
    }

    /// Takes back what was said of a fact.
    pub fn unmark(&mut self, fact: Fact) {
        self.fields.retain(|field| field.fact != fact);
    }

    /// The first field that is this fact.
    pub fn field(&self, fact: Fact) -> Option<&Field> {
        self.fields.iter().find(|field| field.fact == fact)
    }

    /// What it would make of datagrams, each with the port that it came in on: nothing of those that it does not match.
    /// Works with problems too, as far as it goes, so that a person sees what is still to be done.
    pub fn try_on(&self, datagrams: &[(u16, &[u8])]) -> Vec<Option<Taught>> {
        datagrams
            .iter()
            .map(|(port, datagram)| self.matches(*port, datagram).then(|| self.read(datagram)))
            .collect()
    }

    fn put(&mut self, fact: Fact, place: Place, reading: ReadAs) {
        let field = Field {
            fact,
            place,
            reading,
        };
        let idx = self.fields.iter().position(|field| field.fact == fact);
        self.unmark(fact);
        match idx {
            Some(idx) => self.fields.insert(idx.min(self.fields.len()), field),
            None if self.fields.len() < MAX_FIELDS => self.fields.push(field),
            None => {}
        }
    }

    /// Where the last byte ends that is matched or read at a fixed place.
    fn end(&self) -> usize {
        let fields = self.fields.iter().map(|field| match field.place {
            Place::Offset {
                offset,
                extent: Extent::Length(len),
            } => usize::from(offset) + usize::from(len),
            Place::Offset { .. } | Place::Record { .. } => 0,
        });
        let rules = self.rules.iter().map(MatchRule::end);
        fields.chain(rules).max().unwrap_or(0)
    }

    /// Takes a range out of what is to match. What is left on both sides stays.
    fn unmatch(&mut self, range: &Range<usize>) {
        let mut rules = Vec::with_capacity(self.rules.len());
        for rule in self.rules.drain(..) {
            let start = usize::from(rule.offset);
            if range.start >= rule.end() || range.end <= start {
                rules.push(rule);
                continue;
            }
            let before = 0..range.start.saturating_sub(start);
            let after = (range.end - start).min(rule.bytes.len())..rule.bytes.len();
            rules.extend([before, after].into_iter().filter_map(|part| {
                let bytes = rule.bytes[part.clone()].to_vec();
                let mask = rule.mask.as_ref().and_then(|mask| mask.get(part.clone()));
                (!bytes.is_empty()).then(|| MatchRule {
                    offset: as_length(start + part.start),
                    bytes,
                    mask: mask.map(<[u8]>::to_vec),
                })
            }));
        }
        rules.truncate(MAX_RULES);
        self.rules = rules;
    }
}

/// A length that a datagram can have.
fn as_length(len: usize) -> u16 {
    u16::try_from(len)
        .unwrap_or(MAX_DATAGRAM_BYTES)
        .min(MAX_DATAGRAM_BYTES)
}

/// How many bytes at the start look as if all such datagrams had them: a short tag in text, else the first few.
fn magic_len(datagram: &[u8]) -> usize {
    let tag = datagram
        .iter()
        .position(|byte| !byte.is_ascii_graphic())
        .unwrap_or(datagram.len());
    if (MIN_TAG_BYTES..=MAX_TAG_BYTES).contains(&tag) {
        tag
    } else {
        datagram.len().min(MAGIC_BYTES)
    }
}
