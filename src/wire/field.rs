//! Fields: a type, a length, a value; and what each type is in each message.
//!
//! Every offset and field number of the protocol is here and nowhere else. What a value means as
//! a whole message is in `message.rs`.

use super::Kind;

/// Where the parts of a message are, from its first byte.
pub(super) mod layout {
    use std::ops::Range;

    /// Start of header, always [`SOH`].
    pub(crate) const START: Range<usize> = 0..1;
    /// The protocol tag.
    pub(crate) const TAG: Range<usize> = 1..5;
    /// Chosen by the requester, echoed in the reply.
    pub(crate) const SEQUENCE: Range<usize> = 5..7;
    /// The message type.
    pub(crate) const MESSAGE_TYPE: Range<usize> = 7..8;
    /// Bytes of fields and terminator, without the end byte.
    pub(crate) const PAYLOAD_LEN: Range<usize> = 8..12;
    /// The header's length, which is where the fields begin.
    pub(crate) const HEADER_LEN: usize = 12;
    /// A header and an end byte: what a message is without its payload.
    pub(crate) const OVERHEAD_LEN: usize = 13;
    /// A field's type and length.
    pub(crate) const FIELD_HEADER_LEN: usize = 3;

    /// The first byte of every message.
    pub(crate) const SOH: u8 = 0x01;
    /// The first five bytes of every message.
    pub(crate) const PREFIX: [u8; 5] = *b"\x01AIDP";
    /// The first five bytes of the sibling protocol, which is only recognized.
    pub(crate) const ASMP_PREFIX: [u8; 5] = *b"\x01ASMP";
    /// Stands where a field type is expected when there are no more fields.
    pub(crate) const END_OF_FIELDS: u8 = 0xFF;
    /// The last byte of every message.
    pub(crate) const END_OF_MESSAGE: u8 = 0x0D;
}

/// The field numbers, by message.
pub(super) mod number {
    /// Its meaning is unknown; the one known client always sends `01 08`.
    pub(crate) const REQUEST_CONSTANT: u8 = 1;

    pub(crate) const REPLY_MODEL: u8 = 1;
    pub(crate) const REPLY_MAC: u8 = 2;
    pub(crate) const REPLY_IP: u8 = 3;
    pub(crate) const REPLY_MASK: u8 = 4;
    pub(crate) const REPLY_GATEWAY: u8 = 5;
    pub(crate) const REPLY_HOST_NAME: u8 = 6;
    pub(crate) const REPLY_MODES: u8 = 7;

    pub(crate) const ASSIGN_MAC: u8 = 1;
    pub(crate) const ASSIGN_IP: u8 = 2;
    pub(crate) const ASSIGN_MASK: u8 = 3;
    pub(crate) const ASSIGN_GATEWAY: u8 = 4;
    pub(crate) const ASSIGN_MODE: u8 = 5;

    pub(crate) const ANSWER_MAC: u8 = 1;
    pub(crate) const ANSWER_STATUS: u8 = 2;

    /// The known numbers are all below this.
    pub(crate) const LIMIT: usize = 8;
}

/// One field as it lies in the datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The field type. What it means depends on the message.
    pub kind: u8,
    /// The value's bytes, which may be none.
    pub value: &'a [u8],
    /// Where the field's header begins in the datagram.
    pub offset: usize,
}

/// The fields of a frame, in their order.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    payload: &'a [u8],
    pos: usize,
}

impl<'a> Fields<'a> {
    pub(super) const fn new(payload: &'a [u8]) -> Self {
        Self { payload, pos: 0 }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let Step::Field(field) = step(self.payload, self.pos) else {
            return None;
        };
        self.pos += layout::FIELD_HEADER_LEN + field.value.len();
        Some(field)
    }
}

impl std::iter::FusedIterator for Fields<'_> {}

/// What is found in a payload where a field is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// A whole field.
    Field(Field<'a>),
    /// The `0xFF`, whatever follows it.
    Terminator,
    /// The payload is used up.
    Exhausted,
    /// A field that does not fit.
    Overrun {
        field: u8,
        claimed: Option<u16>,
        available: usize,
    },
}

/// Looks at what begins at `pos` in the payload.
#[inline]
pub(super) fn step(payload: &[u8], pos: usize) -> Step<'_> {
    match payload.get(pos..).unwrap_or_default() {
        [] => Step::Exhausted,
        [layout::END_OF_FIELDS, ..] => Step::Terminator,
        [kind, high, low, rest @ ..] => {
            let claimed = u16::from_be_bytes([*high, *low]);
            match rest.get(..usize::from(claimed)) {
                Some(value) => Step::Field(Field {
                    kind: *kind,
                    value,
                    offset: layout::HEADER_LEN + pos,
                }),
                None => Step::Overrun {
                    field: *kind,
                    claimed: Some(claimed),
                    available: rest.len(),
                },
            }
        }
        [kind, rest @ ..] => Step::Overrun {
            field: *kind,
            claimed: None,
            available: rest.len(),
        },
    }
}

/// What a known field is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The field of a discover request, whose meaning is unknown.
    RequestConstant,
    /// The model number of a discover reply.
    Model,
    /// A unit's MAC.
    Mac,
    /// A unit's IP, the one it has or the one to take.
    Ip,
    /// A subnet mask.
    Mask,
    /// The mask of a test-IP or set-IP request, which a variant sends as one byte of prefix.
    MaskOrPrefix,
    /// A default gateway.
    Gateway,
    /// A host name.
    HostName,
    /// What a unit supports.
    Modes,
    /// The mode of a test-IP or set-IP request.
    Mode,
    /// What a unit answers to a new IP.
    Status,
}

impl Meaning {
    /// The meaning of a field type in a message, if the page has one.
    #[inline]
    pub const fn of(kind: Kind, field: u8) -> Option<Self> {
        let meaning = match kind {
            Kind::DiscoverRequest => match field {
                number::REQUEST_CONSTANT => Self::RequestConstant,
                _ => return None,
            },
            Kind::DiscoverReply => match field {
                number::REPLY_MODEL => Self::Model,
                number::REPLY_MAC => Self::Mac,
                number::REPLY_IP => Self::Ip,
                number::REPLY_MASK => Self::Mask,
                number::REPLY_GATEWAY => Self::Gateway,
                number::REPLY_HOST_NAME => Self::HostName,
                number::REPLY_MODES => Self::Modes,
                _ => return None,
            },
            Kind::TestIpRequest | Kind::SetIpRequest => match field {
                number::ASSIGN_MAC => Self::Mac,
                number::ASSIGN_IP => Self::Ip,
                number::ASSIGN_MASK => Self::MaskOrPrefix,
                number::ASSIGN_GATEWAY => Self::Gateway,
                number::ASSIGN_MODE => Self::Mode,
                _ => return None,
            },
            Kind::TestIpReply | Kind::SetIpReply => match field {
                number::ANSWER_MAC => Self::Mac,
                number::ANSWER_STATUS => Self::Status,
                _ => return None,
            },
            Kind::Other(_) => return None,
        };
        Some(meaning)
    }

    /// Whether a value of this length gets no remark. 16 bytes for an IP are kept silently: they
    /// are an IPv6 form that the page does not describe.
    #[inline]
    pub(super) const fn accepts(self, len: usize) -> bool {
        match self {
            Self::RequestConstant | Self::Model => len == 2,
            Self::Mac => len == 6,
            Self::Ip | Self::Mask | Self::Gateway => len == 4 || len == 16,
            Self::MaskOrPrefix => len == 1 || len == 4 || len == 16,
            Self::HostName => true,
            Self::Modes | Self::Mode | Self::Status => len == 1,
        }
    }

    /// The words for a person.
    pub const fn words(self) -> &'static str {
        match self {
            Self::RequestConstant => "constant of unknown meaning",
            Self::Model => "model number",
            Self::Mac => "MAC",
            Self::Ip => "IPv4 address",
            Self::Mask => "subnet mask",
            Self::MaskOrPrefix => "subnet mask or prefix length",
            Self::Gateway => "default gateway",
            Self::HostName => "host name",
            Self::Modes => "supported modes",
            Self::Mode => "mode",
            Self::Status => "status",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_in_order_with_their_offsets_and_stop_at_the_terminator() {
        let payload = [2, 0, 1, 0xAA, 0x50, 0, 0, 0xFF, 9, 9, 9];
        assert_eq!(
            Fields::new(&payload).collect::<Vec<_>>(),
            [
                Field {
                    kind: 2,
                    value: &[0xAA],
                    offset: 12
                },
                Field {
                    kind: 0x50,
                    value: &[],
                    offset: 16
                },
            ]
        );
    }

    #[test]
    fn impossible_lengths_are_an_overrun_with_what_is_left() {
        for (payload, claimed, available) in [
            (&[3][..], None, 0),
            (&[3, 0], None, 1),
            (&[3, 0, 4, 1, 2, 3], Some(4), 3),
            (&[3, 0xFF, 0xFF], Some(0xFFFF), 0),
        ] {
            assert_eq!(
                step(payload, 0),
                Step::Overrun {
                    field: 3,
                    claimed,
                    available
                },
                "payload {payload:02x?}"
            );
        }
        assert_eq!(step(&[], 0), Step::Exhausted);
        assert_eq!(
            step(&[1, 2], 9),
            Step::Exhausted,
            "a position past the end is the end"
        );
    }

    #[test]
    fn each_known_field_accepts_its_lengths_and_no_other() {
        let reply = Kind::DiscoverReply;
        let request = Kind::SetIpRequest;
        for (kind, field, accepted) in [
            (Kind::DiscoverRequest, 1, &[2][..]),
            (reply, 1, &[2]),
            (reply, 2, &[6]),
            (reply, 3, &[4, 16]),
            (reply, 4, &[4, 16]),
            (reply, 5, &[4, 16]),
            (reply, 7, &[1]),
            (request, 1, &[6]),
            (request, 2, &[4, 16]),
            (request, 3, &[1, 4, 16]),
            (request, 4, &[4, 16]),
            (request, 5, &[1]),
            (Kind::TestIpReply, 1, &[6]),
            (Kind::TestIpReply, 2, &[1]),
        ] {
            let meaning = Meaning::of(kind, field).expect("the page names this field");
            let lens: Vec<usize> = (0..40).filter(|len| meaning.accepts(*len)).collect();
            assert_eq!(lens, accepted, "{kind} field {field}");
        }
        assert_eq!(
            Meaning::of(Kind::Other(0x7E), 1),
            None,
            "unknown messages name no field"
        );
        assert_eq!(Meaning::of(reply, 8), None);
    }
}
