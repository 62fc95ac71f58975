//! What was seen of each message type: how often, how long, which fields with which values; and what could not be decoded.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use super::reading::{Read, Reading};
use super::{StudiedDatagram, Study};
use crate::model::time::Timestamp;
use crate::model::traffic::Direction;
use crate::wire::{Decoded, Hint, Kind, Meaning, Rejection, Remark, guess};

/// How many message types are told apart.
pub(super) const MESSAGES_KEPT: usize = 64;

/// How many fields of one message type are told apart.
pub(super) const FIELDS_KEPT: usize = 64;

/// How many values of one field are counted.
pub(super) const VALUES_COUNTED: usize = 64;

/// How many values of one field are listed.
pub(super) const VALUES_KEPT: usize = 8;

/// How many lengths of one field are listed.
pub(super) const LENGTHS_KEPT: usize = 16;

/// How many datagrams that cannot be decoded are listed.
pub(super) const UNDECODED_KEPT: usize = 50;

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Each message type in each direction, at most 64.
    pub messages: Vec<MessageSeen>,
    /// Message types that are not in `messages`.
    pub num_messages_left_out: usize,
    /// The first datagrams that cannot be decoded, at most 50.
    pub undecoded: Vec<UndecodedSeen>,
    /// How many cannot be decoded.
    pub num_undecoded: usize,
}

/// What was seen of one message type in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSeen {
    /// The message type.
    pub kind: Kind,
    /// Which way it went.
    pub direction: Direction,
    /// How often.
    pub num: usize,
    /// How many of them nobody asked for.
    pub num_unasked: usize,
    /// When the first one was.
    pub first: Timestamp,
    /// When the last one was.
    pub last: Timestamp,
    /// The shortest, in bytes.
    pub min_len: usize,
    /// The longest, in bytes.
    pub max_len: usize,
    /// What is odd about them, with how many have it.
    pub remarks: Vec<(Remark, usize)>,
    /// Their fields by number, at most 64.
    pub fields: Vec<FieldSeen>,
    /// One of them, as an index into the study: the first of those with the most fields.
    pub example: usize,
}

/// What was seen of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldSeen {
    /// Its number.
    pub number: u8,
    /// What it is about; nothing for a field that nobody knows.
    pub meaning: Option<&'static str>,
    /// How many messages have it.
    pub num: usize,
    /// Its lengths in bytes, at most 16.
    pub lengths: Vec<usize>,
    /// Its values with how often each came, the most frequent first, at most 8.
    pub values: Vec<(Vec<u8>, usize)>,
    /// How many values there are; counted up to 64.
    pub num_values: usize,
}

impl FieldSeen {
    /// Whether it is not always the same.
    pub const fn varies(&self) -> bool {
        self.num_values > 1
    }
}

/// A datagram that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndecodedSeen {
    /// Which one, as an index into the study.
    pub idx: usize,
    /// Why.
    pub rejection: Rejection,
    /// What can be read out of it.
    pub guesses: Vec<Hint>,
}

impl Study {
    /// What was seen of each message type, and what could not be decoded.
    pub fn summary(&self) -> Summary {
        let reading = Reading::new(self);
        let mut summary = Summary::default();
        let mut groups: BTreeMap<(Kind, Direction), Group<'_>> = BTreeMap::new();
        for read in &reading.datagrams {
            match &read.decoded {
                Ok(decoded) => groups
                    .entry((decoded.frame.kind(), read.datagram.direction))
                    .or_insert_with(|| Group::new(read))
                    .take(read, decoded),
                Err(rejection) => {
                    summary.num_undecoded += 1;
                    if summary.undecoded.len() < UNDECODED_KEPT {
                        summary.undecoded.push(undecoded(self, read, *rejection));
                    }
                }
            }
        }
        summary.num_messages_left_out = groups.len().saturating_sub(MESSAGES_KEPT);
        summary.messages = groups
            .into_iter()
            .take(MESSAGES_KEPT)
            .map(|((kind, direction), group)| group.into_seen(kind, direction))
            .collect();
        summary
    }
}

fn undecoded(study: &Study, read: &Read<'_>, rejection: Rejection) -> UndecodedSeen {
    let sender_mac = study.unit.mac.filter(|_| read.is_heard());
    UndecodedSeen {
        idx: read.idx,
        rejection,
        guesses: guess(
            &read.datagram.bytes,
            sender_mac.map(crate::model::identity::Mac::octets),
            sender_ip(read.datagram),
        ),
    }
}

fn sender_ip(datagram: &StudiedDatagram) -> Option<Ipv4Addr> {
    match datagram.from.ip() {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(ip) => ip.to_ipv4_mapped(),
    }
}

/// What was gathered of one message type. Values are borrowed from the datagrams.
struct Group<'a> {
    first: Timestamp,
    last: Timestamp,
    num: usize,
    num_unasked: usize,
    min_len: usize,
    max_len: usize,
    remarks: BTreeMap<Remark, usize>,
    fields: BTreeMap<u8, FieldGroup<'a>>,
    example: usize,
    /// Fields of the example.
    num_example_fields: usize,
}

#[derive(Default)]
struct FieldGroup<'a> {
    num: usize,
    lengths: BTreeSet<usize>,
    values: BTreeMap<&'a [u8], usize>,
}

impl<'a> Group<'a> {
    fn new(read: &Read<'_>) -> Self {
        Self {
            first: read.datagram.when,
            last: read.datagram.when,
            num: 0,
            num_unasked: 0,
            min_len: usize::MAX,
            max_len: 0,
            remarks: BTreeMap::new(),
            fields: BTreeMap::new(),
            example: read.idx,
            num_example_fields: 0,
        }
    }

    fn take(&mut self, read: &Read<'a>, decoded: &Decoded<'a>) {
        let len = read.datagram.bytes.len();
        self.num += 1;
        self.num_unasked += usize::from(read.datagram.is_unasked);
        self.first = self.first.min(read.datagram.when);
        self.last = self.last.max(read.datagram.when);
        self.min_len = self.min_len.min(len);
        self.max_len = self.max_len.max(len);
        for remark in decoded.remarks.iter() {
            *self.remarks.entry(remark).or_default() += 1;
        }
        let mut seen = BTreeSet::new();
        for field in decoded.frame.fields() {
            if !self.fields.contains_key(&field.kind) && self.fields.len() >= FIELDS_KEPT {
                continue;
            }
            let group = self.fields.entry(field.kind).or_default();
            group.num += usize::from(seen.insert(field.kind));
            group.take(field.value);
        }
        if seen.len() > self.num_example_fields {
            self.num_example_fields = seen.len();
            self.example = read.idx;
        }
    }

    fn into_seen(self, kind: Kind, direction: Direction) -> MessageSeen {
        let fields = self.fields.into_iter();
        MessageSeen {
            kind,
            direction,
            num: self.num,
            num_unasked: self.num_unasked,
            first: self.first,
            last: self.last,
            min_len: self.min_len,
            max_len: self.max_len,
            remarks: self.remarks.into_iter().collect(),
            fields: fields
                .map(|(number, group)| group.into_seen(kind, number))
                .collect(),
            example: self.example,
        }
    }
}

impl<'a> FieldGroup<'a> {
    fn take(&mut self, value: &'a [u8]) {
        if self.lengths.len() < LENGTHS_KEPT {
            self.lengths.insert(value.len());
        }
        if let Some(num) = self.values.get_mut(value) {
            *num += 1;
        } else if self.values.len() < VALUES_COUNTED {
            self.values.insert(value, 1);
        }
    }

    fn into_seen(self, kind: Kind, number: u8) -> FieldSeen {
        let num_values = self.values.len();
        let mut values: Vec<(Vec<u8>, usize)> = self
            .values
            .into_iter()
            .map(|(value, num)| (value.to_vec(), num))
            .collect();
        // Stable: of the equally frequent ones the smallest comes first.
        values.sort_by_key(|(_, num)| std::cmp::Reverse(*num));
        values.truncate(VALUES_KEPT);
        FieldSeen {
            number,
            meaning: Meaning::of(kind, number).map(Meaning::words),
            num: self.num,
            lengths: self.lengths.into_iter().collect(),
            values,
            num_values,
        }
    }
}
