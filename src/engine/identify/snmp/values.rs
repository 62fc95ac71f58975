//! What a unit answers with: object ids and values, taken out of a datagram and bounded, and how they read as text.

use std::fmt::{self, Write as _};
use std::net::Ipv4Addr;

use crate::model::identity::Mac;

/// RFC 2578 §3.5 allows no more.
const MAX_ARCS: usize = 128;

/// What is kept of one text: more than any clue keeps, so that a cut is seen as one.
const TEXT_KEPT_BYTES: usize = 2048;

/// How much of a text a line of the raw answer shows.
const LINE_CHARS: usize = 160;

/// An object id. Ordered as a unit's table is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Oid(Vec<u32>);

impl Oid {
    /// The id of these arcs, the first two of which are 1.3 everywhere in SNMP.
    pub(super) fn new(arcs: &[u32]) -> Self {
        Self(arcs.to_vec())
    }

    /// 1.3.6.1.4.1, and then these.
    pub(super) fn enterprise(arcs: &[u32]) -> Self {
        Self([&[1, 3, 6, 1, 4, 1], arcs].concat())
    }

    /// This one and then these.
    pub(super) fn below(&self, arcs: &[u32]) -> Self {
        Self([&self.0, arcs].concat())
    }

    /// What follows after `root`, when this one lies below it.
    pub(super) fn after<'oid>(&'oid self, root: &Self) -> Option<&'oid [u32]> {
        self.0
            .strip_prefix(root.0.as_slice())
            .filter(|rest| !rest.is_empty())
    }

    /// Whether this one is `root` or lies below it.
    pub(super) fn is_in(&self, root: &Self) -> bool {
        self.0.starts_with(&root.0)
    }

    /// Reads the content of an OBJECT IDENTIFIER.
    pub(super) fn decode(content: &[u8]) -> Option<Self> {
        let mut arcs: Vec<u32> = Vec::new();
        let mut arc: u32 = 0;
        let mut is_complete = true;
        for byte in content {
            arc = arc.checked_mul(128)? | u32::from(byte & 0x7f);
            is_complete = byte & 0x80 == 0;
            if is_complete {
                if arcs.is_empty() {
                    let first = (arc / 40).min(2);
                    arcs.push(first);
                    arc -= 40 * first;
                }
                arcs.push(arc);
                arc = 0;
            }
            if arcs.len() > MAX_ARCS {
                return None;
            }
        }
        (is_complete && !arcs.is_empty()).then_some(Self(arcs))
    }

    /// Writes the content of an OBJECT IDENTIFIER.
    pub(super) fn encode(&self) -> Vec<u8> {
        let [first, second, rest @ ..] = self.0.as_slice() else {
            return Vec::new();
        };
        let mut content = Vec::with_capacity(rest.len() + 8);
        for arc in std::iter::once(first * 40 + second).chain(rest.iter().copied()) {
            let num_septets = (32 - arc.leading_zeros()).div_ceil(7).max(1);
            for septet in (0..num_septets).rev() {
                let more = if septet == 0 { 0 } else { 0x80 };
                content.push(((arc >> (7 * septet)) & 0x7f) as u8 | more);
            }
        }
        content
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, arc) in self.0.iter().enumerate() {
            let dot = if position == 0 { "" } else { "." };
            write!(f, "{dot}{arc}")?;
        }
        Ok(())
    }
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// INTEGER.
    Integer(i64),
    /// Counter32, Gauge32 or Unsigned32, Counter64.
    Number(u64),
    /// `TimeTicks`, hundredths of a second.
    Ticks(u32),
    /// OCTET STRING, cut.
    Bytes(Vec<u8>),
    /// OBJECT IDENTIFIER.
    Id(Oid),
    /// `IpAddress`.
    Ip(Ipv4Addr),
    /// There is no such object, or nothing after it.
    Missing,
    /// A type that identity needs nothing of.
    Other,
}

impl Value {
    /// Takes a value out of a datagram.
    pub(super) fn take(value: &snmp2::Value<'_>) -> Self {
        match value {
            snmp2::Value::Integer(number) => Self::Integer(*number),
            snmp2::Value::Counter32(number) | snmp2::Value::Unsigned32(number) => {
                Self::Number(u64::from(*number))
            }
            snmp2::Value::Counter64(number) => Self::Number(*number),
            snmp2::Value::Timeticks(ticks) => Self::Ticks(*ticks),
            snmp2::Value::OctetString(bytes) => {
                Self::Bytes(bytes[..bytes.len().min(TEXT_KEPT_BYTES)].to_vec())
            }
            snmp2::Value::ObjectIdentifier(oid) => {
                Oid::decode(oid.as_bytes()).map_or(Self::Other, Self::Id)
            }
            snmp2::Value::IpAddress(octets) => Self::Ip(Ipv4Addr::from(*octets)),
            snmp2::Value::Null
            | snmp2::Value::NoSuchObject
            | snmp2::Value::NoSuchInstance
            | snmp2::Value::EndOfMibView => Self::Missing,
            _ => Self::Other,
        }
    }

    /// Whether there is something.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self, Self::Missing)
    }

    /// As a clue has it: the text itself, numbers in digits. `None` where there is nothing to read.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Integer(number) => Some(number.to_string()),
            Self::Number(number) => Some(number.to_string()),
            Self::Ticks(ticks) => Some(ticks.to_string()),
            Self::Bytes(bytes) => {
                // Fixed fields of firmware written in C come with their padding.
                let text = String::from_utf8_lossy(bytes);
                let text = text.trim_matches(['\0', ' ', '\t', '\r', '\n']);
                (!text.is_empty()).then(|| text.to_owned())
            }
            Self::Id(oid) => Some(oid.to_string()),
            Self::Ip(ip) => Some(ip.to_string()),
            Self::Missing | Self::Other => None,
        }
    }

    /// A whole number.
    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Number(number) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A MAC that may tell units apart.
    pub(super) fn mac(&self) -> Option<Mac> {
        let Self::Bytes(bytes) = self else {
            return None;
        };
        let octets = <[u8; 6]>::try_from(bytes.as_slice()).ok()?;
        Some(Mac::new(octets)).filter(|mac| mac.is_key())
    }
}

/// One line of the raw answer: `type: value`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "integer: {number}"),
            Self::Number(number) => write!(f, "number: {number}"),
            Self::Ticks(ticks) => write!(f, "ticks: {ticks}"),
            Self::Bytes(bytes) => {
                let Some(text) = readable(bytes) else {
                    f.write_str("bytes:")?;
                    let mut shown = bytes.iter().take(LINE_CHARS / 3);
                    return shown.try_for_each(|byte| write!(f, " {byte:02x}"));
                };
                f.write_str("string: ")?;
                for letter in text.chars().take(LINE_CHARS) {
                    // A line end inside a value must not look like the next line.
                    if letter.is_control() {
                        write!(f, "{}", letter.escape_default())?;
                    } else {
                        f.write_char(letter)?;
                    }
                }
                Ok(())
            }
            Self::Id(oid) => write!(f, "id: {oid}"),
            Self::Ip(ip) => write!(f, "ip: {ip}"),
            Self::Missing => f.write_str("missing"),
            Self::Other => f.write_str("other"),
        }
    }
}

/// The text that bytes are, also where it was cut inside a letter.
fn readable(bytes: &[u8]) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if bytes.len() == TEXT_KEPT_BYTES && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_ids_are_read_as_they_were_written() {
        for arcs in [
            &[1, 3, 6, 1, 4, 1, 10418, 26, 1, 1][..],
            &[1, 3][..],
            &[1, 3, 0, 127, 128, u32::MAX][..],
        ] {
            let oid = Oid::new(arcs);
            assert_eq!(Oid::decode(&oid.encode()), Some(oid));
        }
        assert_eq!(
            Oid::enterprise(&[10418, 26]).to_string(),
            "1.3.6.1.4.1.10418.26"
        );
    }

    #[test]
    fn object_ids_that_are_none_are_refused() {
        assert_eq!(Oid::decode(&[]), None, "nothing");
        assert_eq!(Oid::decode(&[0x2b, 0x86]), None, "it ends inside an arc");
        assert_eq!(Oid::decode(&[0x2b, 0xff, 0xff, 0xff, 0xff, 0x7f]), None);
        assert_eq!(Oid::decode(&[1; 200]), None, "too many arcs");
    }

    #[test]
    fn what_lies_below_is_told_from_what_stands_beside() {
        let table = Oid::enterprise(&[10418, 26, 2, 3]);
        assert_eq!(table.below(&[2, 1]).after(&table), Some([2, 1].as_slice()));
        assert_eq!(table.after(&table), None);
        assert_eq!(Oid::enterprise(&[10418, 26, 2, 33]).after(&table), None);
        assert!(table.is_in(&table));
    }

    #[test]
    fn a_line_end_in_a_value_makes_no_line() {
        let value = Value::Bytes(b"ACS\n1.3 = string: forged".to_vec());
        assert_eq!(value.to_string(), r"string: ACS\n1.3 = string: forged");
        let value = Value::Bytes(vec![0, 0xe0, 0x86, 0xff, 1, 2]);
        assert_eq!(value.to_string(), "bytes: 00 e0 86 ff 01 02");
    }

    #[test]
    fn only_six_octets_that_mean_something_are_a_mac() {
        let mac = |octets: &[u8]| Value::Bytes(octets.to_vec()).mac();
        assert!(mac(&[0, 0xe0, 0x86, 1, 2, 3]).is_some());
        assert_eq!(mac(&[0; 6]), None);
        assert_eq!(mac(&[]), None);
        assert_eq!(mac(&[0, 0xe0, 0x86, 1, 2, 3, 4, 5]), None);
    }
}
