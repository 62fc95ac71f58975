//! The meaning: what a message says, as plain values, and the way back to bytes.
//!
//! Framing is in `frame.rs`, field numbers and lengths in `field.rs`. A field that cannot be read
//! leaves its value empty and the rest of the message still counts.

use std::net::Ipv4Addr;

use super::field::{Field, Meaning, number};
use super::frame::Header;
use super::{Frame, IpStatus, Kind, Rejection, Remark, Remarks, encode_raw, host_name};

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Somebody searches.
    DiscoverRequest,
    /// A unit says what it is.
    DiscoverReply(DiscoverReply),
    /// Somebody asks a unit whether it could take an IP.
    TestIpRequest(IpRequest),
    /// Somebody tells a unit to take an IP.
    SetIpRequest(IpRequest),
    /// A unit answers a test.
    TestIpReply(IpReply),
    /// A unit answers an assignment.
    SetIpReply(IpReply),
    /// A message type that the page does not have.
    Other(u8),
}

impl Message {
    /// Reads the meaning of a checked frame.
    pub fn from_frame(frame: &Frame<'_>) -> Self {
        let mut reading = Reading::new(frame.kind());
        frame.fields().for_each(|field| reading.take(field));
        reading.into_message()
    }

    /// The message type.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::DiscoverRequest => Kind::DiscoverRequest,
            Self::DiscoverReply(_) => Kind::DiscoverReply,
            Self::TestIpRequest(_) => Kind::TestIpRequest,
            Self::SetIpRequest(_) => Kind::SetIpRequest,
            Self::TestIpReply(_) => Kind::TestIpReply,
            Self::SetIpReply(_) => Kind::SetIpReply,
            Self::Other(code) => Kind::Other(*code),
        }
    }
}

/// A message with its view and everything that is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The view, for the raw fields.
    pub frame: Frame<'a>,
    /// The meaning.
    pub message: Message,
    /// The remarks on framing and fields, each once.
    pub remarks: Remarks,
}

/// Decodes a datagram into view and meaning in one walk over its fields.
pub fn decode(bytes: &[u8]) -> Result<Decoded<'_>, Rejection> {
    let header = Header::read(bytes)?;
    let mut reading = Reading::new(header.kind());
    let frame = header.walk(|field| reading.take(field))?;
    Ok(Decoded {
        frame,
        remarks: frame.remarks().union(reading.remarks),
        message: reading.into_message(),
    })
}

/// An IPv4 fact as a message has it: not said, said to be none, or said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Claimed {
    /// The field is not there, or is not 4 bytes long.
    #[default]
    Absent,
    /// The field is there and says 0.0.0.0.
    None,
    /// The field is there and says this.
    Ip(Ipv4Addr),
}

impl Claimed {
    /// The IP, if there is one.
    pub const fn ip(self) -> Option<Ipv4Addr> {
        match self {
            Self::Ip(ip) => Some(ip),
            Self::Absent | Self::None => None,
        }
    }

    /// Whether the message says anything about it, be it "none".
    pub const fn is_stated(self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// The 4 bytes of the field, if the field is to be there.
    const fn octets(self) -> Option<[u8; 4]> {
        match self {
            Self::Absent => None,
            Self::None => Some([0; 4]),
            Self::Ip(ip) => Some(ip.octets()),
        }
    }

    fn read(value: Option<&[u8]>) -> Self {
        match exactly::<4>(value) {
            None => Self::Absent,
            Some([0, 0, 0, 0]) => Self::None,
            Some(octets) => Self::Ip(Ipv4Addr::from(octets)),
        }
    }
}

impl From<Ipv4Addr> for Claimed {
    /// 0.0.0.0 is *none*.
    fn from(ip: Ipv4Addr) -> Self {
        if ip.is_unspecified() {
            Self::None
        } else {
            Self::Ip(ip)
        }
    }
}

/// What a unit says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiscoverReply {
    /// A number whose table is not public: a hint, never the model itself.
    pub model_number: Option<u16>,
    /// The unit's MAC.
    pub mac: Option<[u8; 6]>,
    /// The unit's IP.
    pub ip: Claimed,
    /// Its subnet mask.
    pub mask: Claimed,
    /// Its default gateway.
    pub gateway: Claimed,
    /// Its host name: cut at the first NUL, trimmed, never empty.
    pub host_name: Option<String>,
    /// What it supports: bit 0x04 is read as IPv6, the other bits are unknown.
    pub modes: Option<u8>,
}

impl DiscoverReply {
    /// The reply as bytes, fields in the order of their numbers. A host name is cut where its field
    /// would be longer than a length can say.
    pub fn emit(&self, sequence: u16) -> Vec<u8> {
        let model = self.model_number.map(u16::to_be_bytes);
        let [ip, mask, gateway] = [self.ip, self.mask, self.gateway].map(Claimed::octets);
        emit(
            Kind::DiscoverReply,
            sequence,
            [
                (number::REPLY_MODEL, bytes_of(model.as_ref())),
                (number::REPLY_MAC, bytes_of(self.mac.as_ref())),
                (number::REPLY_IP, bytes_of(ip.as_ref())),
                (number::REPLY_MASK, bytes_of(mask.as_ref())),
                (number::REPLY_GATEWAY, bytes_of(gateway.as_ref())),
                (
                    number::REPLY_HOST_NAME,
                    self.host_name.as_deref().map(host_name::write),
                ),
                (
                    number::REPLY_MODES,
                    self.modes.as_ref().map(std::slice::from_ref),
                ),
            ],
        )
    }
}

/// A test-IP or set-IP request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IpRequest {
    /// The unit that is meant; all others ignore the request.
    pub mac: Option<[u8; 6]>,
    /// The IP to take.
    pub ip: Claimed,
    /// The subnet mask to take.
    pub mask: Claimed,
    /// Field 3 with 1 byte, as the mode variant has it. Decoded, never sent by the program.
    pub prefix_len: Option<u8>,
    /// The default gateway to take.
    pub gateway: Claimed,
    /// Seen in a variant only, meaning unknown. Decoded, never sent by the program.
    pub mode: Option<u8>,
}

impl IpRequest {
    /// The request as bytes. `kind` says whether it tests or sets. The mask goes before the prefix
    /// length when both are given, since they share a field.
    pub fn emit(&self, kind: Kind, sequence: u16) -> Vec<u8> {
        debug_assert!(
            matches!(kind, Kind::TestIpRequest | Kind::SetIpRequest),
            "a {kind} has no IP to take"
        );
        let [ip, mask, gateway] = [self.ip, self.mask, self.gateway].map(Claimed::octets);
        let prefix_len = self.prefix_len.as_ref().map(std::slice::from_ref);
        emit(
            kind,
            sequence,
            [
                (number::ASSIGN_MAC, bytes_of(self.mac.as_ref())),
                (number::ASSIGN_IP, bytes_of(ip.as_ref())),
                (number::ASSIGN_MASK, bytes_of(mask.as_ref()).or(prefix_len)),
                (number::ASSIGN_GATEWAY, bytes_of(gateway.as_ref())),
                (
                    number::ASSIGN_MODE,
                    self.mode.as_ref().map(std::slice::from_ref),
                ),
            ],
        )
    }
}

/// A unit's answer to a test-IP or set-IP request. Assumed; never proof that anything changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IpReply {
    /// The unit that answers.
    pub mac: Option<[u8; 6]>,
    /// What it says. Nothing readable means that it answered, not that it accepted.
    pub status: Option<IpStatus>,
}

impl IpReply {
    /// The reply as bytes. `kind` says whether a test or an assignment is answered.
    pub fn emit(&self, kind: Kind, sequence: u16) -> Vec<u8> {
        debug_assert!(
            matches!(kind, Kind::TestIpReply | Kind::SetIpReply),
            "a {kind} has no status"
        );
        let status = self.status.map(|status| [status.code()]);
        emit(
            kind,
            sequence,
            [
                (number::ANSWER_MAC, bytes_of(self.mac.as_ref())),
                (number::ANSWER_STATUS, bytes_of(status.as_ref())),
            ],
        )
    }
}

/// The request that a search sends.
pub fn discover_request(sequence: u16) -> [u8; 19] {
    let mut bytes = *b"\x01AIDP\x00\x00\x01\x00\x00\x00\x06\x01\x00\x02\x01\x08\xff\x0d";
    bytes[super::field::layout::SEQUENCE].copy_from_slice(&sequence.to_be_bytes());
    bytes
}

/// The first field of each known number, gathered while the fields are walked. Borrows only, so
/// that a message which turns out to be refused has cost no allocation.
#[derive(Debug)]
struct Reading<'a> {
    kind: Kind,
    first: [Option<&'a [u8]>; number::LIMIT],
    /// One bit per field type that has come.
    seen: [u64; 4],
    remarks: Remarks,
}

impl<'a> Reading<'a> {
    #[inline]
    const fn new(kind: Kind) -> Self {
        Self {
            kind,
            first: [None; number::LIMIT],
            seen: [0; 4],
            remarks: Remarks::NONE,
        }
    }

    #[inline]
    fn take(&mut self, field: Field<'a>) {
        let word = &mut self.seen[usize::from(field.kind >> 6)];
        let bit = 1 << (field.kind & 0x3F);
        if *word & bit != 0 {
            self.remarks.insert(Remark::RepeatedField);
        } else if let Some(first) = self.first.get_mut(usize::from(field.kind)) {
            *first = Some(field.value);
        }
        *word |= bit;
        if Meaning::of(self.kind, field.kind)
            .is_some_and(|meaning| !meaning.accepts(field.value.len()))
        {
            self.remarks.insert(Remark::BadLength);
        }
    }

    fn into_message(self) -> Message {
        match self.kind {
            Kind::DiscoverRequest => Message::DiscoverRequest,
            Kind::DiscoverReply => Message::DiscoverReply(self.discover_reply()),
            Kind::TestIpRequest => Message::TestIpRequest(self.ip_request()),
            Kind::SetIpRequest => Message::SetIpRequest(self.ip_request()),
            Kind::TestIpReply => Message::TestIpReply(self.ip_reply()),
            Kind::SetIpReply => Message::SetIpReply(self.ip_reply()),
            Kind::Other(code) => Message::Other(code),
        }
    }

    #[inline]
    fn first(&self, number: u8) -> Option<&'a [u8]> {
        self.first[usize::from(number)]
    }

    fn discover_reply(&self) -> DiscoverReply {
        DiscoverReply {
            model_number: exactly(self.first(number::REPLY_MODEL)).map(u16::from_be_bytes),
            mac: exactly(self.first(number::REPLY_MAC)),
            ip: Claimed::read(self.first(number::REPLY_IP)),
            mask: Claimed::read(self.first(number::REPLY_MASK)),
            gateway: Claimed::read(self.first(number::REPLY_GATEWAY)),
            host_name: self
                .first(number::REPLY_HOST_NAME)
                .and_then(host_name::read),
            modes: exactly(self.first(number::REPLY_MODES)).map(|[modes]| modes),
        }
    }

    fn ip_request(&self) -> IpRequest {
        IpRequest {
            mac: exactly(self.first(number::ASSIGN_MAC)),
            ip: Claimed::read(self.first(number::ASSIGN_IP)),
            mask: Claimed::read(self.first(number::ASSIGN_MASK)),
            prefix_len: exactly(self.first(number::ASSIGN_MASK)).map(|[prefix_len]| prefix_len),
            gateway: Claimed::read(self.first(number::ASSIGN_GATEWAY)),
            mode: exactly(self.first(number::ASSIGN_MODE)).map(|[mode]| mode),
        }
    }

    fn ip_reply(&self) -> IpReply {
        IpReply {
            mac: exactly(self.first(number::ANSWER_MAC)),
            status: exactly(self.first(number::ANSWER_STATUS)).map(|[code]| IpStatus::from(code)),
        }
    }
}

/// A value of exactly this length, else nothing.
#[inline]
fn exactly<const N: usize>(value: Option<&[u8]>) -> Option<[u8; N]> {
    value?.try_into().ok()
}

fn bytes_of<const N: usize>(value: Option<&[u8; N]>) -> Option<&[u8]> {
    value.map(<[u8; N]>::as_slice)
}

/// Writes the fields that have a value.
fn emit<const N: usize>(kind: Kind, sequence: u16, fields: [(u8, Option<&[u8]>); N]) -> Vec<u8> {
    let fields: Vec<(u8, &[u8])> = fields
        .into_iter()
        .filter_map(|(number, value)| Some((number, value?)))
        .collect();
    encode_raw(sequence, kind.code(), &fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [0x00, 0xE0, 0x86, 0x12, 0x34, 0x56];

    const REPLY: &[u8] = b"\x01AIDP\x00\x07\x81\x00\x00\x00\x38\
        \x01\x00\x02\x00\x10\x02\x00\x06\x00\xe0\x86\x12\x34\x56\
        \x03\x00\x04\x0a\x14\x04\x11\x04\x00\x04\xff\xff\xff\x00\
        \x05\x00\x04\x0a\x14\x04\x01\x06\x00\x0dfra2-r07-kvm1\
        \x07\x00\x01\x05\xff\x0d";

    fn reply() -> DiscoverReply {
        DiscoverReply {
            model_number: Some(16),
            mac: Some(MAC),
            ip: Claimed::Ip(Ipv4Addr::new(10, 20, 4, 17)),
            mask: Claimed::Ip(Ipv4Addr::new(255, 255, 255, 0)),
            gateway: Claimed::Ip(Ipv4Addr::new(10, 20, 4, 1)),
            host_name: Some("fra2-r07-kvm1".to_owned()),
            modes: Some(5),
        }
    }

    /// Decodes a message of these fields, which must be well framed.
    fn meaning(kind: Kind, fields: &[(u8, &[u8])]) -> (Message, Vec<Remark>) {
        let bytes = encode_raw(1, kind.code(), fields);
        let decoded = decode(&bytes).expect("well framed");
        assert_eq!(Message::from_frame(&decoded.frame), decoded.message);
        (decoded.message, decoded.remarks.iter().collect())
    }

    #[test]
    fn parses_and_emits_a_discover_reply() {
        let decoded = decode(REPLY).expect("well-formed");
        assert_eq!(decoded.message, Message::DiscoverReply(reply()));
        assert!(decoded.remarks.is_empty(), "nothing is wrong with it");
        assert_eq!(reply().emit(7), REPLY);
    }

    #[test]
    fn the_discover_request_is_that_of_the_page() {
        let page = *b"\x01AIDP\x00\x01\x01\x00\x00\x00\x06\x01\x00\x02\x01\x08\xff\x0d";
        assert_eq!(discover_request(1), page);
        for sequence in [0, 0x1234, u16::MAX] {
            let bytes = discover_request(sequence);
            let decoded = decode(&bytes).expect("well-formed");
            assert_eq!(decoded.frame.sequence(), sequence);
            assert_eq!(decoded.message, Message::DiscoverRequest);
            assert!(
                decoded.remarks.is_empty(),
                "the program sends what it calls well-formed"
            );
        }
    }

    #[test]
    fn the_ipv4_form_of_a_test_is_44_bytes_and_comes_back() {
        let request = IpRequest {
            mac: Some(MAC),
            ip: Claimed::Ip(Ipv4Addr::new(10, 20, 4, 18)),
            mask: Claimed::Ip(Ipv4Addr::new(255, 255, 255, 0)),
            gateway: Claimed::None,
            ..IpRequest::default()
        };
        let test = request.emit(Kind::TestIpRequest, 2);
        assert_eq!(test.len(), 44);
        assert_eq!(
            test,
            b"\x01AIDP\x00\x02\x02\x00\x00\x00\x1f\x01\x00\x06\x00\xe0\x86\x12\x34\x56\
              \x02\x00\x04\x0a\x14\x04\x12\x03\x00\x04\xff\xff\xff\x00\x04\x00\x04\0\0\0\0\xff\x0d"
        );
        let decoded = decode(&test).expect("well-formed");
        assert_eq!(decoded.message, Message::TestIpRequest(request.clone()));
        let set = request.emit(Kind::SetIpRequest, 3);
        let decoded = decode(&set).expect("well-formed");
        assert_eq!(decoded.message, Message::SetIpRequest(request));
    }

    #[test]
    fn the_mode_variant_has_a_prefix_length_and_no_remark() {
        let fields: [(u8, &[u8]); 5] = [
            (1, &MAC),
            (2, &[10, 0, 0, 9]),
            (3, &[24]),
            (4, &[10, 0, 0, 1]),
            (5, &[4]),
        ];
        let (message, remarks) = meaning(Kind::SetIpRequest, &fields);
        let request = IpRequest {
            mac: Some(MAC),
            ip: Claimed::Ip(Ipv4Addr::new(10, 0, 0, 9)),
            mask: Claimed::Absent,
            prefix_len: Some(24),
            gateway: Claimed::Ip(Ipv4Addr::new(10, 0, 0, 1)),
            mode: Some(4),
        };
        assert_eq!(remarks, []);
        assert_eq!(
            request.emit(Kind::SetIpRequest, 1),
            encode_raw(1, 0x03, &fields)
        );
        assert_eq!(message, Message::SetIpRequest(request));
    }

    #[test]
    fn replies_to_a_test_and_an_assignment_come_back_with_any_status() {
        for code in 0..=u8::MAX {
            let status = IpStatus::from(code);
            assert_eq!(status.code(), code);
            let reply = IpReply {
                mac: Some(MAC),
                status: Some(status),
            };
            let bytes = reply.emit(Kind::SetIpReply, 3);
            let decoded = decode(&bytes).expect("well-formed");
            assert_eq!(decoded.message, Message::SetIpReply(reply));
        }
        let (message, remarks) = meaning(Kind::TestIpReply, &[(1, &MAC)]);
        let silent = IpReply {
            mac: Some(MAC),
            status: None,
        };
        assert_eq!(
            message,
            Message::TestIpReply(silent),
            "no status is not a yes"
        );
        assert_eq!(remarks, []);
    }

    #[test]
    fn absent_none_and_stated_are_three_things() {
        for (fields, claimed) in [
            (&[][..], Claimed::Absent),
            (&[(3, &[0; 4][..])], Claimed::None),
            (&[(3, &[0; 16][..])], Claimed::Absent),
            (
                &[(3, &[10, 0, 0, 9][..])],
                Claimed::Ip(Ipv4Addr::new(10, 0, 0, 9)),
            ),
        ] {
            let (message, remarks) = meaning(Kind::DiscoverReply, fields);
            let expected = DiscoverReply {
                ip: claimed,
                ..DiscoverReply::default()
            };
            assert_eq!(
                message,
                Message::DiscoverReply(expected),
                "fields {fields:?}"
            );
            assert_eq!(remarks, [], "16 bytes are kept without a remark");
        }
        assert!(Claimed::None.is_stated() && !Claimed::Absent.is_stated());
        assert_eq!(Claimed::from(Ipv4Addr::UNSPECIFIED), Claimed::None);
    }

    #[test]
    fn a_field_of_impossible_length_costs_only_itself() {
        for number in [1, 2, 3, 4, 5, 7] {
            for len in [0, 3, 5, 7, 17] {
                let value = vec![1; len];
                let fields: [(u8, &[u8]); 2] = [(number, &value), (6, b"con-01")];
                let (message, remarks) = meaning(Kind::DiscoverReply, &fields);
                let expected = DiscoverReply {
                    host_name: Some("con-01".to_owned()),
                    ..DiscoverReply::default()
                };
                assert_eq!(
                    message,
                    Message::DiscoverReply(expected),
                    "field {number}, {len} bytes"
                );
                assert_eq!(remarks, [Remark::BadLength], "field {number}, {len} bytes");
            }
        }
    }

    #[test]
    fn the_first_of_a_repeated_field_counts_even_when_it_cannot_be_read() {
        let fields: [(u8, &[u8]); 2] = [(3, &[1, 2, 3]), (3, &[10, 0, 0, 9])];
        let (message, remarks) = meaning(Kind::DiscoverReply, &fields);
        assert_eq!(message, Message::DiscoverReply(DiscoverReply::default()));
        assert_eq!(remarks, [Remark::BadLength, Remark::RepeatedField]);
        for kind in [0x40, 0x80, 0xC0, 0xFE] {
            let (_, remarks) = meaning(Kind::Other(0x7E), &[(kind, &[]), (kind, &[])]);
            assert_eq!(
                remarks,
                [Remark::RepeatedField],
                "unknown type 0x{kind:02x}"
            );
        }
        let (_, remarks) = meaning(Kind::Other(0x7E), &[(1, &[]), (0x41, &[]), (0x81, &[])]);
        assert_eq!(
            remarks,
            [],
            "types that differ only in their high bits are not the same"
        );
    }

    #[test]
    fn a_host_name_too_long_for_a_field_is_cut_between_characters() {
        let reply = DiscoverReply {
            host_name: Some("ö".repeat(40_000)),
            ..DiscoverReply::default()
        };
        let bytes = reply.emit(1);
        let decoded = decode(&bytes).expect("well framed");
        let expected = DiscoverReply {
            host_name: Some("ö".repeat(32_767)),
            ..DiscoverReply::default()
        };
        assert!(
            decoded.message == Message::DiscoverReply(expected),
            "the cut left half a character, so the name was read as Latin-1"
        );
    }
}
