//! BER as agents of SNMP write it, by hand: good answers, and hostile ones that no library would send.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

/// A question of v1 or v2c, as an agent reads it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// 0 is v1, 1 is v2c.
    pub(crate) version: i64,
    /// The community.
    pub(crate) community: Vec<u8>,
    /// 0xa0 get, 0xa1 getnext, 0xa5 getbulk.
    pub(crate) kind: u8,
    /// The id.
    pub(crate) id: i64,
    /// How many rows getbulk wants.
    pub(crate) repetitions: i64,
    /// The objects.
    pub(crate) oids: Vec<Vec<u32>>,
}

pub(crate) const GET: u8 = 0xa0;
pub(crate) const GET_NEXT: u8 = 0xa1;
pub(crate) const GET_BULK: u8 = 0xa5;

/// v1's error for a missing object.
pub(crate) const NO_SUCH_NAME: i64 = 2;

/// Reads a question of v1 or v2c; `None` for v3 and for anything else.
pub(crate) fn read(datagram: &[u8]) -> Option<Asked> {
    let (_, message, _) = split(datagram)?;
    let (version, rest) = read_integer(message)?;
    if version > 1 {
        return None;
    }
    let (_, community, rest) = split(rest)?;
    let (kind, pdu, _) = split(rest)?;
    let (id, rest) = read_integer(pdu)?;
    let (_, rest) = read_integer(rest)?;
    let (repetitions, rest) = read_integer(rest)?;
    let (_, mut names, _) = split(rest)?;
    let mut oids = Vec::new();
    while !names.is_empty() {
        let (_, pair, rest) = split(names)?;
        let (_, oid, _) = split(pair)?;
        oids.push(read_oid(oid));
        names = rest;
    }
    Some(Asked {
        version,
        community: community.to_vec(),
        kind,
        id,
        repetitions,
        oids,
    })
}

impl Asked {
    /// The answer with these values, each already encoded.
    pub(crate) fn reply(&self, values: &[(Vec<u32>, Vec<u8>)]) -> Vec<u8> {
        self.answer(self.id, 0, values)
    }

    /// The answer that it could not, with the question's own names in it.
    pub(crate) fn refuse(&self, status: i64) -> Vec<u8> {
        let names: Vec<(Vec<u32>, Vec<u8>)> =
            self.oids.iter().map(|oid| (oid.clone(), null())).collect();
        self.answer(self.id, status, &names)
    }

    /// An answer with another id.
    pub(crate) fn answer(&self, id: i64, status: i64, values: &[(Vec<u32>, Vec<u8>)]) -> Vec<u8> {
        let pairs: Vec<u8> = values
            .iter()
            .flat_map(|(name, value)| tlv(0x30, &[oid(name), value.clone()].concat()))
            .collect();
        let pdu = [
            integer(id),
            integer(status),
            integer(i64::from(status != 0)),
            tlv(0x30, &pairs),
        ];
        let message = [
            integer(self.version),
            tlv(0x04, &self.community),
            tlv(0xa2, &pdu.concat()),
        ];
        tlv(0x30, &message.concat())
    }
}

/// The message id of a question of v3.
pub(crate) fn v3_id(datagram: &[u8]) -> Option<i64> {
    let (_, message, _) = split(datagram)?;
    let (version, rest) = read_integer(message)?;
    let (_, header, _) = split(rest)?;
    let (id, _) = read_integer(header)?;
    (version == 3).then_some(id)
}

/// The engine id in a message of v3.
pub(crate) fn v3_engine_id(datagram: &[u8]) -> Option<Vec<u8>> {
    let (_, message, _) = split(datagram)?;
    let (_, rest) = read_integer(message)?;
    let (_, _, rest) = split(rest)?;
    let (_, security, _) = split(rest)?;
    let (_, parameters, _) = split(security)?;
    let (_, engine_id, _) = split(parameters)?;
    Some(engine_id.to_vec())
}

/// A report of v3 that nobody has signed: the counter below 1.3.6.1.6.3.15.1.1 says which.
pub(crate) fn v3_report(id: i64, engine_id: &[u8], boots: i64, counter: u32) -> Vec<u8> {
    let header = [integer(id), integer(65_507), tlv(0x04, &[0]), integer(3)];
    let security = [
        tlv(0x04, engine_id),
        integer(boots),
        integer(1_000),
        tlv(0x04, &[]),
        tlv(0x04, &[]),
        tlv(0x04, &[]),
    ];
    let name = [1, 3, 6, 1, 6, 3, 15, 1, 1, counter, 0];
    let pair = tlv(0x30, &[oid(&name), tlv(0x41, &[1])].concat());
    let pdu = [integer(id), integer(0), integer(0), tlv(0x30, &pair)];
    let scoped = [
        tlv(0x04, engine_id),
        tlv(0x04, &[]),
        tlv(0xa8, &pdu.concat()),
    ];
    let message = [
        integer(3),
        tlv(0x30, &header.concat()),
        tlv(0x04, &tlv(0x30, &security.concat())),
        tlv(0x30, &scoped.concat()),
    ];
    tlv(0x30, &message.concat())
}

/// A walk in snmpsim's format, and an agent's answers out of it.
#[derive(Clone, Debug)]
pub(crate) struct Recording(BTreeMap<Vec<u32>, Vec<u8>>);

impl Recording {
    /// Reads `tests/data/snmp/NAME.snmprec`.
    pub(crate) fn load(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/snmp")
            .join(name)
            .with_extension("snmprec");
        let text = fs::read_to_string(&path).expect("the recording is there");
        let objects = text.lines().map(|line| {
            let mut parts = line.splitn(3, '|');
            let mut part = || parts.next().expect("three parts in a line");
            let (name, tag, value) = (part(), part(), part());
            (arcs(name), encode(tag, value))
        });
        Self(objects.collect())
    }

    /// Takes an object out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(&arcs(name)).expect("the object was there");
        self
    }

    /// Puts an object in.
    pub(crate) fn with(mut self, name: &str, value: Vec<u8>) -> Self {
        self.0.insert(arcs(name), value);
        self
    }

    /// What a good agent answers.
    pub(crate) fn answer(&self, asked: &Asked) -> Vec<u8> {
        let is_v1 = asked.version == 0;
        let mut values = Vec::new();
        match asked.kind {
            GET => {
                for name in &asked.oids {
                    match self.0.get(name) {
                        Some(value) => values.push((name.clone(), value.clone())),
                        None if is_v1 => return asked.refuse(NO_SUCH_NAME),
                        None => values.push((name.clone(), no_such_object())),
                    }
                }
            }
            GET_NEXT | GET_BULK => {
                let mut names = asked.oids.clone();
                let rows = if asked.kind == GET_BULK {
                    asked.repetitions
                } else {
                    1
                };
                for _ in 0..rows {
                    for name in &mut names {
                        match self.next(name) {
                            Some((next, value)) => {
                                name.clone_from(next);
                                values.push((next.clone(), value.clone()));
                            }
                            None if is_v1 => return asked.refuse(NO_SUCH_NAME),
                            None => values.push((name.clone(), end_of_view())),
                        }
                    }
                }
            }
            _ => return asked.refuse(5),
        }
        asked.reply(&values)
    }

    fn next(&self, name: &[u32]) -> Option<(&Vec<u32>, &Vec<u8>)> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.0.range::<[u32], _>((Excluded(name), Unbounded)).next()
    }
}

fn encode(tag: &str, value: &str) -> Vec<u8> {
    let number = || value.parse::<i64>().expect("a number");
    match tag {
        "2" => integer(number()),
        "4" => text(value),
        "4x" => {
            let digits: Vec<char> = value.chars().collect();
            let octets: Vec<u8> = digits
                .chunks(2)
                .map(|pair| {
                    u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hex digits")
                })
                .collect();
            tlv(0x04, &octets)
        }
        "6" => oid(&arcs(value)),
        "64" => {
            let ip: Ipv4Addr = value.parse().expect("an address");
            tlv(0x40, &ip.octets())
        }
        "67" => tlv(0x43, &integer(number())[2..]),
        other => panic!("the type {other:?} is not known here"),
    }
}

/// The arcs of `1.3.6…`.
pub(crate) fn arcs(name: &str) -> Vec<u32> {
    name.split('.')
        .map(|arc| arc.parse().expect("a number between dots"))
        .collect()
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    tlv(0x04, text.as_bytes())
}

pub(crate) fn null() -> Vec<u8> {
    tlv(0x05, &[])
}

pub(crate) fn no_such_object() -> Vec<u8> {
    tlv(0x80, &[])
}

pub(crate) fn end_of_view() -> Vec<u8> {
    tlv(0x82, &[])
}

pub(crate) fn integer(number: i64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let skipped = bytes
        .windows(2)
        .take_while(|pair| pair[0] == 0 && pair[1] < 0x80)
        .count();
    tlv(0x02, &bytes[skipped..])
}

pub(crate) fn oid(arcs: &[u32]) -> Vec<u8> {
    let mut content = vec![(arcs[0] * 40 + arcs[1]) as u8];
    for arc in &arcs[2..] {
        let mut septets = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            septets.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        content.extend(septets.iter().rev());
    }
    tlv(0x06, &content)
}

pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let head = match len {
        0..128 => vec![tag, len as u8],
        128..256 => vec![tag, 0x81, len as u8],
        _ => vec![tag, 0x83, (len >> 16) as u8, (len >> 8) as u8, len as u8],
    };
    [head, content.to_vec()].concat()
}

fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (long, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let len = long
            .iter()
            .fold(0, |len, byte| len << 8 | usize::from(*byte));
        (len, rest)
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

fn read_integer(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (_, content, rest) = split(bytes)?;
    let number = content
        .iter()
        .fold(0, |number, byte| number << 8 | i64::from(*byte));
    Some((number, rest))
}

fn read_oid(content: &[u8]) -> Vec<u32> {
    let mut arcs = vec![1, 3];
    let mut arc = 0;
    for byte in content.iter().skip(1) {
        arc = arc << 7 | u32::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            arcs.push(arc);
            arc = 0;
        }
    }
    arcs
}
