//! What a decoder is made of, as values: from a file, or put together in the window.

use serde::Deserialize;

use super::DEFAULT_PORTS;
use super::fact::{Fact, ReadAs};

/// The description of a decoder. It may be unfinished: [`Draft::problems`] says what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The source of the facts.
    pub name: String,
    /// For people.
    pub note: String,
    /// UDP ports. Empty means those that are listened to.
    pub ports: Vec<u16>,
    /// Of numbers, types and lengths.
    pub byte_order: ByteOrder,
    /// The least bytes of a datagram.
    pub min_length: Option<u16>,
    /// The most bytes of a datagram.
    pub max_length: Option<u16>,
    /// What the bytes must be. All of them must hold.
    pub rules: Vec<MatchRule>,
    /// Where type-length-value records are, when there are any.
    pub tlv: Option<Tlv>,
    /// What is read. Of several fields with one fact, the first that can be read counts.
    pub fields: Vec<Field>,
}

impl Draft {
    /// The ports that datagrams are taken from.
    pub fn ports(&self) -> &[u16] {
        if self.ports.is_empty() {
            &DEFAULT_PORTS
        } else {
            &self.ports
        }
    }
}

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ByteOrder {
    /// The most significant byte first, as networks do.
    #[default]
    Big,
    /// The least significant byte first.
    Little,
}

impl ByteOrder {
    /// The word in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Big => "big",
            Self::Little => "little",
        }
    }
}

/// Bytes that must be at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatchRule {
    /// Where they begin.
    pub offset: u16,
    /// What they are.
    pub bytes: Vec<u8>,
    /// Which bits are compared, as long as `bytes`; all of them when there is none.
    pub mask: Option<Vec<u8>>,
}

impl MatchRule {
    /// Where the compared bytes end.
    pub fn end(&self) -> usize {
        usize::from(self.offset) + self.bytes.len()
    }

    /// Whether a datagram has these bytes there.
    pub fn holds(&self, datagram: &[u8]) -> bool {
        let Some(found) = datagram.get(usize::from(self.offset)..self.end()) else {
            return false;
        };
        match &self.mask {
            None => found == self.bytes,
            Some(mask) => found
                .iter()
                .zip(&self.bytes)
                .zip(mask)
                .all(|((found, wanted), mask)| (found ^ wanted) & mask == 0),
        }
    }
}

/// How type-length-value records are laid out, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv {
    /// Where the first record begins.
    pub begin: u16,
    /// How many bytes the type takes: 1 or 2.
    pub type_bytes: u8,
    /// How many bytes the length takes, behind the type: 1, 2 or 4.
    pub length_bytes: u8,
    /// Whether the length counts the bytes of type and length as well.
    pub length_counts_header: bool,
    /// The type that ends the records; it needs no length.
    pub end_type: Option<u16>,
}

impl Default for Tlv {
    fn default() -> Self {
        Self {
            begin: 0,
            type_bytes: 1,
            length_bytes: 1,
            length_counts_header: false,
            end_type: None,
        }
    }
}

/// One field: where it is, how it is read, and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it means.
    pub fact: Fact,
    /// Where it is.
    pub place: Place,
    /// How it is read.
    pub reading: ReadAs,
}

/// Where a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Always at the same offset.
    Offset {
        /// Its first byte.
        offset: u16,
        /// How far it goes.
        extent: Extent,
    },
    /// The value of the first record of a type.
    Record {
        /// The type.
        kind: u16,
    },
}

/// How far a field at an offset goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// So many bytes.
    Length(u16),
    /// Up to a NUL, or to the end of the datagram when there is none.
    UntilNul,
    /// To the end of the datagram.
    ToEnd,
}
