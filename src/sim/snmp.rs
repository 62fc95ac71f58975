//! The SNMP agent of a simulated unit: v1 and v2c, reads only, for one community. A datagram in, a datagram out; its
//! socket is in `snmp/agents.rs`, what a unit says in `snmp/objects.rs`.
//!
//! Written by hand and without the crate that the probe reads with, so that each of the two is a check of the other.

mod agents;
mod ber;
mod objects;

use std::collections::BTreeMap;
use std::ops::Bound;

pub use self::agents::MAX_AGENTS;
pub(super) use self::agents::{Agents, Pulse};
use self::ber::{Reader, element, tag};
use self::objects::objects_of;
use super::unit::SimUnit;

/// Who asks with this community is let in.
const COMMUNITY: &[u8] = b"public";

/// An answer fits one frame of Ethernet: 1,500 bytes without the headers of IP and UDP.
const MAX_ANSWER_BYTES: usize = 1_472;

/// What an answer has beside its values, at most: version, community, id and errors with their tags.
const FRAME_BYTES: usize = 48;

/// RFC 1157 §4.1.1: why nothing is answered.
const TOO_BIG: i32 = 1;
const NO_SUCH_NAME: i32 = 2;

/// An object id.
type Oid = Vec<u32>;

/// What an object holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// INTEGER.
    Integer(i32),
    /// OCTET STRING.
    Bytes(Vec<u8>),
    /// OBJECT IDENTIFIER.
    Id(Oid),
}

impl Value {
    fn count(number: u32) -> Self {
        Self::Integer(i32::try_from(number).unwrap_or(i32::MAX))
    }

    fn text(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Integer(number) => ber::integer(*number),
            Self::Bytes(bytes) => element(tag::TEXT, bytes),
            Self::Id(arcs) => ber::oid(arcs),
        }
    }
}

/// The agent of one unit.
#[derive(Clone, Debug)]
pub struct Agent {
    objects: BTreeMap<Oid, Value>,
}

/// Which version a question is of. v1 has no word for a missing object but an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2c,
}

/// A question.
#[derive(Debug)]
struct Question {
    version: Version,
    kind: u8,
    id: i32,
    /// Of getbulk: how many names are answered once, and how often the others.
    non_repeaters: usize,
    repetitions: usize,
    names: Vec<Oid>,
}

/// Values on their way into an answer, as long as they fit.
#[derive(Debug, Default)]
struct Pairs(Vec<u8>);

/// There is no room for a value.
#[derive(Debug)]
struct NoRoom;

impl Agent {
    /// The agent of a unit. `None` for units on which SNMP is switched off.
    pub fn of(unit: &SimUnit) -> Option<Self> {
        Some(Self {
            objects: objects_of(unit)?,
        })
    }

    /// What it answers to a datagram. Silence for whatever is no question of SNMP v1 or v2c, and for other communities.
    pub fn answer(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        let question = Question::read(datagram)?;
        let (status, index, pairs) = match self.pairs_for(&question) {
            Ok(pairs) => (0, 0, pairs),
            Err((TOO_BIG, _)) => (TOO_BIG, 0, Pairs::default()),
            Err((status, index)) => (status, index, question.names_only()),
        };
        Some(question.frame(status, index, &pairs))
    }

    /// The values, or the error and the number of the name that it is about.
    fn pairs_for(&self, question: &Question) -> Result<Pairs, (i32, i32)> {
        let is_v1 = question.version == Version::V1;
        if question.kind == tag::GET_BULK {
            return Ok(self.bulk(question));
        }
        let mut pairs = Pairs::default();
        for (number, name) in (1..).zip(&question.names) {
            let found = if question.kind == tag::GET {
                self.objects.get_key_value(name)
            } else {
                self.next(name)
            };
            let pushed = match found {
                Some((name, value)) => pairs.push(name, &value.encode()),
                None if is_v1 => return Err((NO_SUCH_NAME, number)),
                None if question.kind == tag::GET => {
                    pairs.push(name, &element(tag::NO_SUCH_OBJECT, &[]))
                }
                None => pairs.push(name, &element(tag::END_OF_MIB_VIEW, &[])),
            };
            pushed.map_err(|NoRoom| (TOO_BIG, 0))?;
        }
        Ok(pairs)
    }

    /// RFC 3416 §4.2.3: what does not fit is left out, and whoever asks goes on from there.
    fn bulk(&self, question: &Question) -> Pairs {
        let mut pairs = Pairs::default();
        let mut push_next = |name: &Oid| -> Result<Option<Oid>, NoRoom> {
            let Some((next, value)) = self.next(name) else {
                pairs.push(name, &element(tag::END_OF_MIB_VIEW, &[]))?;
                return Ok(None);
            };
            pairs.push(next, &value.encode())?;
            Ok(Some(next.clone()))
        };
        let (once, repeated) = question
            .names
            .split_at(question.non_repeaters.min(question.names.len()));
        let mut fill = || -> Result<(), NoRoom> {
            for name in once {
                push_next(name)?;
            }
            let mut names = repeated.to_vec();
            for _ in 0..question.repetitions {
                let mut is_at_end = true;
                for name in &mut names {
                    if let Some(next) = push_next(name)? {
                        *name = next;
                        is_at_end = false;
                    }
                }
                if is_at_end {
                    break;
                }
            }
            Ok(())
        };
        // Full is as good as done.
        fill().unwrap_or(());
        pairs
    }

    fn next(&self, name: &Oid) -> Option<(&Oid, &Value)> {
        self.objects
            .range::<Oid, _>((Bound::Excluded(name), Bound::Unbounded))
            .next()
    }
}

impl Question {
    fn read(datagram: &[u8]) -> Option<Self> {
        let mut message = Reader::new(Reader::new(datagram).content(tag::SEQUENCE)?);
        let version = match message.integer()? {
            0 => Version::V1,
            1 => Version::V2c,
            _ => return None,
        };
        if message.content(tag::TEXT)? != COMMUNITY {
            return None;
        }
        let (kind, pdu) = message.element()?;
        let is_known = matches!(
            (kind, version),
            (tag::GET | tag::GET_NEXT, _) | (tag::GET_BULK, Version::V2c)
        );
        if !is_known {
            return None;
        }
        let mut pdu = Reader::new(pdu);
        let id = pdu.integer()?;
        // A negative number of rows is none (RFC 3416 §4.2.3).
        let mut count = || usize::try_from(pdu.integer()?.max(0)).ok();
        let (non_repeaters, repetitions) = (count()?, count()?);
        let mut list = Reader::new(pdu.content(tag::SEQUENCE)?);
        let mut names = Vec::new();
        while !list.is_at_end() {
            let mut pair = Reader::new(list.content(tag::SEQUENCE)?);
            names.push(pair.oid()?);
        }
        Some(Self {
            version,
            kind,
            id,
            non_repeaters,
            repetitions,
            names,
        })
    }

    /// The names without values, as an error has them.
    fn names_only(&self) -> Pairs {
        let mut pairs = Pairs::default();
        let null = element(tag::NULL, &[]);
        for name in &self.names {
            if pairs.push(name, &null).is_err() {
                break;
            }
        }
        pairs
    }

    fn frame(&self, status: i32, index: i32, pairs: &Pairs) -> Vec<u8> {
        let version = match self.version {
            Version::V1 => 0,
            Version::V2c => 1,
        };
        let pdu = [
            ber::integer(self.id),
            ber::integer(status),
            ber::integer(index),
            element(tag::SEQUENCE, &pairs.0),
        ];
        let message = [
            ber::integer(version),
            element(tag::TEXT, COMMUNITY),
            element(tag::RESPONSE, &pdu.concat()),
        ];
        element(tag::SEQUENCE, &message.concat())
    }
}

impl Pairs {
    fn push(&mut self, name: &[u32], value: &[u8]) -> Result<(), NoRoom> {
        let pair = element(tag::SEQUENCE, &[&ber::oid(name), value].concat());
        if self.0.len() + pair.len() > MAX_ANSWER_BYTES - FRAME_BYTES {
            return Err(NoRoom);
        }
        self.0.extend(pair);
        Ok(())
    }
}
