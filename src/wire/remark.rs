//! What is said about bytes that are not quite right: remarks on an accepted message, and the
//! reason why a datagram was refused. No decoding here.

use std::fmt;

/// Something that an accepted message does not do as the protocol page has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remark {
    /// The fields end with the payload, without the `0xFF`.
    Unterminated,
    /// The byte after the payload is not `0x0D`, or there is none.
    MissingEndByte,
    /// Bytes between the `0xFF` and the end of the payload, or after the `0x0D`.
    TrailingBytes,
    /// A known field has a length that the page does not name; it is kept as raw bytes.
    BadLength,
    /// A field type comes twice; the first counts.
    RepeatedField,
}

impl Remark {
    /// Every remark, in the order in which they are reported.
    pub const ALL: [Self; 5] = [
        Self::Unterminated,
        Self::MissingEndByte,
        Self::TrailingBytes,
        Self::BadLength,
        Self::RepeatedField,
    ];

    /// The words for people and for JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unterminated => "unterminated",
            Self::MissingEndByte => "missing end byte",
            Self::TrailingBytes => "trailing bytes",
            Self::BadLength => "bad length",
            Self::RepeatedField => "repeated field",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The remarks on one message, each at most once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Remarks(u8);

impl Remarks {
    /// No remark at all.
    pub const NONE: Self = Self(0);

    /// Adds a remark; adding it again changes nothing.
    pub const fn insert(&mut self, remark: Remark) {
        self.0 |= remark.bit();
    }

    /// Whether this remark was made.
    pub const fn contains(self, remark: Remark) -> bool {
        self.0 & remark.bit() != 0
    }

    /// Whether the message is exactly as the page has it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The remarks of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The remarks in the order of [`Remark::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Remark> {
        Remark::ALL
            .into_iter()
            .filter(move |remark| self.contains(*remark))
    }
}

impl FromIterator<Remark> for Remarks {
    fn from_iter<I: IntoIterator<Item = Remark>>(remarks: I) -> Self {
        let mut set = Self::NONE;
        for remark in remarks {
            set.insert(remark);
        }
        set
    }
}

impl fmt::Display for Remarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, remark) in self.iter().enumerate() {
            if idx > 0 {
                f.write_str(", ")?;
            }
            f.write_str(remark.as_str())?;
        }
        Ok(())
    }
}

/// Why a datagram is not an AIDP message. The caller keeps the bytes either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejection {
    /// Too short, the wrong first byte, or another tag. Show it as an undecoded datagram.
    #[error("not AIDP: {}", not_aidp_words(*asmp, *offset, *len_bytes))]
    NotAidp {
        /// The first five bytes are those of the sibling protocol ASMP.
        asmp: bool,
        /// The first byte that differs, or the length when what is there ends too early.
        offset: usize,
        /// How many bytes there are.
        len_bytes: usize,
    },
    /// The payload length says more than there is.
    #[error(
        "payload length {claimed} at offset {offset} is more than the {available} bytes available"
    )]
    PayloadOverrun {
        /// The payload length in the header.
        claimed: u32,
        /// The bytes that follow the header; for a stream, the most that is read.
        available: usize,
        /// Where the payload length is.
        offset: usize,
    },
    /// A field runs past the payload.
    #[error("field {field} at offset {offset} {}", field_overrun_words(*claimed, *available))]
    FieldOverrun {
        /// The type of the field.
        field: u8,
        /// Where the field's header begins.
        offset: usize,
        /// The length in the field's header; nothing when the header itself is cut short.
        claimed: Option<u16>,
        /// The bytes of the payload that follow the field's header, or the part of it there is.
        available: usize,
    },
}

impl Rejection {
    /// The word for JSON and for counting.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotAidp { .. } => "not-aidp",
            Self::PayloadOverrun { .. } => "payload-overrun",
            Self::FieldOverrun { .. } => "field-overrun",
        }
    }

    /// Where in the datagram the trouble is.
    pub const fn offset(&self) -> usize {
        match *self {
            Self::NotAidp { offset, .. }
            | Self::PayloadOverrun { offset, .. }
            | Self::FieldOverrun { offset, .. } => offset,
        }
    }

    /// The type of the field that overruns.
    pub const fn field(&self) -> Option<u8> {
        match *self {
            Self::FieldOverrun { field, .. } => Some(field),
            Self::NotAidp { .. } | Self::PayloadOverrun { .. } => None,
        }
    }

    /// Which other protocol the bytes are, where that is known.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAidp { asmp: true, .. } => Some("asmp"),
            _ => None,
        }
    }
}

fn not_aidp_words(asmp: bool, offset: usize, len_bytes: usize) -> String {
    if asmp {
        "the sibling protocol ASMP".to_owned()
    } else if offset >= len_bytes {
        format!("only {len_bytes} bytes")
    } else {
        format!("another protocol from offset {offset} of {len_bytes} bytes")
    }
}

fn field_overrun_words(claimed: Option<u16>, available: usize) -> String {
    match claimed {
        Some(claimed) => format!("claims {claimed} bytes where {available} are left"),
        None => "has its header cut short".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_counts_once_and_comes_in_a_fixed_order() {
        let mut remarks = Remarks::NONE;
        assert!(remarks.is_empty(), "a new set holds nothing");
        for remark in [
            Remark::RepeatedField,
            Remark::MissingEndByte,
            Remark::RepeatedField,
        ] {
            remarks.insert(remark);
        }
        assert_eq!(
            remarks.iter().collect::<Vec<_>>(),
            [Remark::MissingEndByte, Remark::RepeatedField]
        );
        assert_eq!(remarks.to_string(), "missing end byte, repeated field");
        assert_eq!(
            Remark::ALL.into_iter().collect::<Remarks>().iter().count(),
            5
        );
    }

    #[test]
    fn rejections_say_what_where_and_how_much() {
        for (rejection, words) in [
            (
                Rejection::NotAidp {
                    asmp: true,
                    offset: 2,
                    len_bytes: 13,
                },
                "not AIDP: the sibling protocol ASMP",
            ),
            (
                Rejection::NotAidp {
                    asmp: false,
                    offset: 12,
                    len_bytes: 12,
                },
                "not AIDP: only 12 bytes",
            ),
            (
                Rejection::NotAidp {
                    asmp: false,
                    offset: 0,
                    len_bytes: 40,
                },
                "not AIDP: another protocol from offset 0 of 40 bytes",
            ),
            (
                Rejection::PayloadOverrun {
                    claimed: 38,
                    available: 37,
                    offset: 8,
                },
                "payload length 38 at offset 8 is more than the 37 bytes available",
            ),
            (
                Rejection::FieldOverrun {
                    field: 2,
                    offset: 17,
                    claimed: Some(64),
                    available: 7,
                },
                "field 2 at offset 17 claims 64 bytes where 7 are left",
            ),
            (
                Rejection::FieldOverrun {
                    field: 2,
                    offset: 17,
                    claimed: None,
                    available: 1,
                },
                "field 2 at offset 17 has its header cut short",
            ),
        ] {
            assert_eq!(rejection.to_string(), words);
        }
    }
}
