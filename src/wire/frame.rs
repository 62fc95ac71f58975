//! The view: a datagram whose framing was checked, and a frame written from its parts.
//!
//! What the fields mean is in `message.rs`. After [`Frame::new_checked`] no accessor panics.

use std::fmt;

use super::field::{Field, Fields, Step, layout, step};
use super::{MAX_STREAM_PAYLOAD_BYTES, Rejection, Remark, Remarks};

/// A message in the bytes it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    sequence: u16,
    message_type: u8,
    /// What the header counts as payload, terminator included.
    payload: &'a [u8],
    remarks: Remarks,
}

impl<'a> Frame<'a> {
    /// Checks the framing of a whole datagram: every field lies within the payload, the payload
    /// within the datagram.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Rejection> {
        Header::read(bytes)?.walk(|_| {})
    }

    /// Chosen by the requester, echoed in the reply. Means nothing in an announcement.
    pub const fn sequence(&self) -> u16 {
        self.sequence
    }

    /// The message type as it is in the header.
    pub const fn message_type(&self) -> u8 {
        self.message_type
    }

    /// The message type by name.
    pub const fn kind(&self) -> Kind {
        Kind::from_code(self.message_type)
    }

    /// The bytes of fields and terminator, as the header counts them.
    pub const fn payload_len(&self) -> usize {
        self.payload.len()
    }

    /// The length of the whole message by its header: one more than there is in the datagram when
    /// the end byte is missing.
    pub const fn total_len(&self) -> usize {
        layout::OVERHEAD_LEN + self.payload.len()
    }

    /// The fields in their order, unknown and repeated ones included.
    pub const fn fields(&self) -> Fields<'a> {
        Fields::new(self.payload)
    }

    /// The remarks on the framing. Those on fields are added by [`decode`](super::decode).
    pub const fn remarks(&self) -> Remarks {
        self.remarks
    }
}

/// The message type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Asks every unit that hears it to reply.
    DiscoverRequest,
    /// A unit says what it is; also sent unasked, as an announcement.
    DiscoverReply,
    /// Asks one unit whether it could take an IP.
    TestIpRequest,
    /// The answer to a test-IP request. The code is assumed.
    TestIpReply,
    /// Tells one unit to take an IP.
    SetIpRequest,
    /// The answer to a set-IP request. Assumed.
    SetIpReply,
    /// Any other type, kept as it came.
    Other(u8),
}

impl Kind {
    /// The kind of a message type. [`From<u8>`] is the same; this one is usable in constants.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0x01 => Self::DiscoverRequest,
            0x81 => Self::DiscoverReply,
            0x02 => Self::TestIpRequest,
            0x82 => Self::TestIpReply,
            0x03 => Self::SetIpRequest,
            0x83 => Self::SetIpReply,
            other => Self::Other(other),
        }
    }

    /// The message type as it is in the header.
    pub const fn code(self) -> u8 {
        match self {
            Self::DiscoverRequest => 0x01,
            Self::DiscoverReply => 0x81,
            Self::TestIpRequest => 0x02,
            Self::TestIpReply => 0x82,
            Self::SetIpRequest => 0x03,
            Self::SetIpReply => 0x83,
            Self::Other(code) => code,
        }
    }

    /// Whether it is one of the three known requests.
    pub const fn is_request(self) -> bool {
        matches!(
            self,
            Self::DiscoverRequest | Self::TestIpRequest | Self::SetIpRequest
        )
    }

    /// Whether it is one of the three known replies.
    pub const fn is_reply(self) -> bool {
        matches!(
            self,
            Self::DiscoverReply | Self::TestIpReply | Self::SetIpReply
        )
    }

    /// The word for JSON.
    pub const fn label(self) -> &'static str {
        match self {
            Self::DiscoverRequest => "discover-request",
            Self::DiscoverReply => "discover-reply",
            Self::TestIpRequest => "test-ip-request",
            Self::TestIpReply => "test-ip-reply",
            Self::SetIpRequest => "set-ip-request",
            Self::SetIpReply => "set-ip-reply",
            Self::Other(_) => "other",
        }
    }
}

impl From<u8> for Kind {
    fn from(code: u8) -> Self {
        Self::from_code(code)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiscoverRequest => "discover request",
            Self::DiscoverReply => "discover reply",
            Self::TestIpRequest => "test-IP request",
            Self::TestIpReply => "test-IP reply",
            Self::SetIpRequest => "set-IP request",
            Self::SetIpReply => "set-IP reply",
            Self::Other(code) => return write!(f, "message of unknown type 0x{code:02x}"),
        })
    }
}

/// A header that fits its datagram; the fields are not walked yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'a> {
    sequence: u16,
    message_type: u8,
    payload: &'a [u8],
    /// Everything after the payload.
    tail: &'a [u8],
}

impl<'a> Header<'a> {
    #[inline]
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Rejection> {
        let Some((header, rest)) = bytes.split_first_chunk::<{ layout::HEADER_LEN }>() else {
            return Err(not_aidp(bytes));
        };
        let [b0, b1, b2, b3, b4, s0, s1, message_type, p0, p1, p2, p3] = *header;
        if [b0, b1, b2, b3, b4] != layout::PREFIX || rest.is_empty() {
            return Err(not_aidp(bytes));
        }
        let claimed = u32::from_be_bytes([p0, p1, p2, p3]);
        let Some((payload, tail)) = rest.split_at_checked(claimed as usize) else {
            return Err(Rejection::PayloadOverrun {
                claimed,
                available: rest.len(),
                offset: layout::PAYLOAD_LEN.start,
            });
        };
        Ok(Self {
            sequence: u16::from_be_bytes([s0, s1]),
            message_type,
            payload,
            tail,
        })
    }

    pub(super) const fn kind(&self) -> Kind {
        Kind::from_code(self.message_type)
    }

    /// Walks the fields once, showing each to `visit`. Fields before one that overruns have been
    /// shown by the time the message is refused.
    #[inline]
    pub(super) fn walk(self, mut visit: impl FnMut(Field<'a>)) -> Result<Frame<'a>, Rejection> {
        let mut remarks = Remarks::NONE;
        let mut pos = 0;
        loop {
            match step(self.payload, pos) {
                Step::Field(field) => {
                    visit(field);
                    pos += layout::FIELD_HEADER_LEN + field.value.len();
                }
                Step::Terminator => {
                    if pos + 1 < self.payload.len() {
                        remarks.insert(Remark::TrailingBytes);
                    }
                    break;
                }
                Step::Exhausted => {
                    remarks.insert(Remark::Unterminated);
                    break;
                }
                Step::Overrun {
                    field,
                    claimed,
                    available,
                } => {
                    return Err(Rejection::FieldOverrun {
                        field,
                        offset: layout::HEADER_LEN + pos,
                        claimed,
                        available,
                    });
                }
            }
        }
        match self.tail {
            [layout::END_OF_MESSAGE] => {}
            [layout::END_OF_MESSAGE, ..] => remarks.insert(Remark::TrailingBytes),
            _ => remarks.insert(Remark::MissingEndByte),
        }
        Ok(Frame {
            sequence: self.sequence,
            message_type: self.message_type,
            payload: self.payload,
            remarks,
        })
    }
}

/// Writes a well-formed message from its parts.
///
/// What was decoded without a remark on its framing comes out byte for byte. A value is cut at
/// 65,535 bytes, which is what its length can say; a field of type `0xFF` cannot exist and is left
/// out.
pub fn encode_raw(sequence: u16, message_type: u8, fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut buf = vec![0; encoded_len(fields)];
    encode_into(&mut buf, sequence, message_type, fields);
    buf
}

/// What can be read of anything that begins as AIDP, also of a message that is refused.
#[derive(Debug, Clone)]
pub struct Readable<'a> {
    /// The message type by name.
    pub kind: Kind,
    /// The fields, as far as they are whole.
    pub fields: Fields<'a>,
    /// Where the payload ends: by the header, or with the datagram when that is earlier.
    pub payload_end: usize,
}

/// Reads what can be read of anything that begins as AIDP; nothing of what does not.
pub fn readable(bytes: &[u8]) -> Option<Readable<'_>> {
    let (header, rest) = bytes.split_first_chunk::<{ layout::HEADER_LEN }>()?;
    let [b0, b1, b2, b3, b4, _, _, message_type, p0, p1, p2, p3] = *header;
    if [b0, b1, b2, b3, b4] != layout::PREFIX {
        return None;
    }
    let claimed = u32::from_be_bytes([p0, p1, p2, p3]) as usize;
    let payload = &rest[..claimed.min(rest.len())];
    Some(Readable {
        kind: Kind::from_code(message_type),
        fields: Fields::new(payload),
        payload_end: layout::HEADER_LEN + payload.len(),
    })
}

/// How much of a stream the next message needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamLen {
    /// Nothing speaks against AIDP yet, but the 12 bytes of the header are not all there.
    HeaderIncomplete,
    /// The bytes of the whole message, header and end byte included.
    Whole(usize),
}

/// Reads from the first bytes of a stream how long the message is.
///
/// A stream that cannot be AIDP is refused at the first byte that says so, and a payload above
/// [`MAX_STREAM_PAYLOAD_BYTES`] before any of it is read.
pub fn stream_len(header: &[u8]) -> Result<StreamLen, Rejection> {
    if header
        .iter()
        .zip(layout::PREFIX)
        .any(|(found, wanted)| *found != wanted)
    {
        return Err(not_aidp(header));
    }
    let Some(claimed) = header
        .get(layout::PAYLOAD_LEN)
        .and_then(<[u8]>::first_chunk)
        .map(|bytes| u32::from_be_bytes(*bytes))
    else {
        return Ok(StreamLen::HeaderIncomplete);
    };
    if claimed > MAX_STREAM_PAYLOAD_BYTES {
        return Err(Rejection::PayloadOverrun {
            claimed,
            available: MAX_STREAM_PAYLOAD_BYTES as usize,
            offset: layout::PAYLOAD_LEN.start,
        });
    }
    Ok(StreamLen::Whole(layout::OVERHEAD_LEN + claimed as usize))
}

/// Says why bytes are not AIDP. Out of the fast path on purpose.
#[cold]
fn not_aidp(bytes: &[u8]) -> Rejection {
    let offset = bytes
        .iter()
        .zip(layout::PREFIX)
        .position(|(found, wanted)| *found != wanted)
        .unwrap_or(bytes.len());
    Rejection::NotAidp {
        asmp: bytes.starts_with(&layout::ASMP_PREFIX),
        offset,
        len_bytes: bytes.len(),
    }
}

/// The fields that can be written, each with the part of its value that its length can say.
fn writable<'a>(fields: &'a [(u8, &'a [u8])]) -> impl Iterator<Item = (u8, u16, &'a [u8])> {
    fields
        .iter()
        .filter(|(kind, _)| *kind != layout::END_OF_FIELDS)
        .map(|(kind, value)| {
            let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
            (*kind, len, &value[..usize::from(len)])
        })
}

fn encoded_len(fields: &[(u8, &[u8])]) -> usize {
    let fields_len: usize = writable(fields)
        .map(|(_, _, value)| layout::FIELD_HEADER_LEN + value.len())
        .sum();
    layout::OVERHEAD_LEN + fields_len + 1
}

/// Writes every byte of `buf`, which must be [`encoded_len`] bytes long.
fn encode_into(buf: &mut [u8], sequence: u16, message_type: u8, fields: &[(u8, &[u8])]) {
    let payload_len = (buf.len() - layout::OVERHEAD_LEN) as u32;
    buf[..layout::PREFIX.len()].copy_from_slice(&layout::PREFIX);
    buf[layout::SEQUENCE].copy_from_slice(&sequence.to_be_bytes());
    buf[layout::MESSAGE_TYPE].fill(message_type);
    buf[layout::PAYLOAD_LEN].copy_from_slice(&payload_len.to_be_bytes());
    let mut pos = layout::HEADER_LEN;
    for (kind, len, value) in writable(fields) {
        let [high, low] = len.to_be_bytes();
        let value_pos = pos + layout::FIELD_HEADER_LEN;
        buf[pos..value_pos].copy_from_slice(&[kind, high, low]);
        pos = value_pos + value.len();
        buf[value_pos..pos].copy_from_slice(value);
    }
    buf[pos..].copy_from_slice(&[layout::END_OF_FIELDS, layout::END_OF_MESSAGE]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: [u8; 19] = *b"\x01AIDP\x00\x01\x01\x00\x00\x00\x06\x01\x00\x02\x01\x08\xff\x0d";

    #[test]
    fn deconstructs_the_bytes_of_the_page() {
        let frame = Frame::new_checked(&REQUEST).expect("the page's own example");
        assert_eq!(frame.sequence(), 1);
        assert_eq!(frame.message_type(), 1);
        assert_eq!(frame.kind(), Kind::DiscoverRequest);
        assert_eq!(frame.payload_len(), 6);
        assert_eq!(frame.total_len(), 19);
        assert_eq!(frame.remarks(), Remarks::NONE);
        let fields: Vec<_> = frame.fields().collect();
        assert_eq!(
            fields,
            [Field {
                kind: 1,
                value: &[1, 8],
                offset: 12
            }]
        );
    }

    #[test]
    fn constructs_into_junk() {
        let fields: [(u8, &[u8]); 1] = [(1, &[1, 8])];
        let mut buf = [0xA5; 19];
        assert_eq!(encoded_len(&fields), buf.len());
        encode_into(&mut buf, 1, 1, &fields);
        assert_eq!(
            buf, REQUEST,
            "every byte is written, whatever was there before"
        );
    }

    #[test]
    fn what_cannot_be_written_is_cut_or_left_out() {
        let long = vec![7; 70_000];
        let bytes = encode_raw(1, 0x81, &[(0xFF, &[1]), (6, &long)]);
        let frame = Frame::new_checked(&bytes).expect("written well-formed");
        assert_eq!(frame.remarks(), Remarks::NONE);
        let lens: Vec<_> = frame.fields().map(|f| (f.kind, f.value.len())).collect();
        assert_eq!(lens, [(6, 65_535)]);
    }

    #[test]
    fn impossible_payload_lengths_are_refused_with_their_figures() {
        let mut bytes = REQUEST;
        for claimed in [8, 9, 0x4000_0000, u32::MAX] {
            bytes[layout::PAYLOAD_LEN].copy_from_slice(&claimed.to_be_bytes());
            assert_eq!(
                Frame::new_checked(&bytes),
                Err(Rejection::PayloadOverrun {
                    claimed,
                    available: 7,
                    offset: 8
                })
            );
        }
        bytes[layout::PAYLOAD_LEN].fill(0);
        let frame = Frame::new_checked(&bytes).expect("an empty payload is a message");
        assert_eq!(
            frame.remarks().iter().collect::<Vec<_>>(),
            [Remark::Unterminated, Remark::MissingEndByte]
        );
    }

    #[test]
    fn foreign_bytes_name_the_first_that_differs_and_asmp_is_recognized() {
        for (bytes, asmp, offset) in [
            (&b""[..], false, 0),
            (b"\x01AIDP\x00\x01\x01\x00\x00\x00\x06", false, 12),
            (b"\x02AIDP\x00\x01\x01\x00\x00\x00\x01\xff\x0d", false, 0),
            (b"\x01AIDQ\x00\x01\x01\x00\x00\x00\x01\xff\x0d", false, 4),
            (b"\x01ASMP\x00\x01\x01\x00\x00\x00\x01\xff\x0d", true, 2),
            (b"\x01ASMP", true, 2),
        ] {
            let rejection = Frame::new_checked(bytes).expect_err("not AIDP");
            let len_bytes = bytes.len();
            assert_eq!(
                rejection,
                Rejection::NotAidp {
                    asmp,
                    offset,
                    len_bytes
                }
            );
            assert_eq!(rejection.hint(), asmp.then_some("asmp"));
        }
    }

    #[test]
    fn a_stream_says_its_length_as_soon_as_the_header_is_there() {
        for len in 0..12 {
            assert_eq!(stream_len(&REQUEST[..len]), Ok(StreamLen::HeaderIncomplete));
        }
        assert_eq!(stream_len(&REQUEST[..12]), Ok(StreamLen::Whole(19)));
        assert_eq!(stream_len(&REQUEST), Ok(StreamLen::Whole(19)));
    }

    #[test]
    fn a_stream_is_refused_at_the_first_byte_that_is_not_aidp() {
        let refusal = stream_len(b"GET / HTTP/1.1").expect_err("another protocol");
        assert_eq!(refusal.reason(), "not-aidp");
        assert_eq!(refusal.offset(), 0);
        assert_eq!(stream_len(b"\x01AS").map_err(|r| r.offset()), Err(2));
        assert_eq!(
            stream_len(b"\x01ASMP").map_err(|r| r.hint()),
            Err(Some("asmp"))
        );
    }

    #[test]
    fn a_stream_with_too_large_a_payload_is_refused_before_it_is_read() {
        let mut header = REQUEST;
        header[layout::PAYLOAD_LEN].copy_from_slice(&MAX_STREAM_PAYLOAD_BYTES.to_be_bytes());
        assert_eq!(stream_len(&header), Ok(StreamLen::Whole(0x4_000D)));
        let claimed = MAX_STREAM_PAYLOAD_BYTES + 1;
        header[layout::PAYLOAD_LEN].copy_from_slice(&claimed.to_be_bytes());
        assert_eq!(
            stream_len(&header),
            Err(Rejection::PayloadOverrun {
                claimed,
                available: 0x4_0000,
                offset: 8
            })
        );
    }

    #[test]
    fn every_message_type_keeps_its_number() {
        for code in 0..=u8::MAX {
            let kind = Kind::from(code);
            assert_eq!(kind.code(), code);
            assert!(
                !(kind.is_request() && kind.is_reply()),
                "{kind} cannot be both"
            );
            assert_eq!(kind.label() == "other", matches!(kind, Kind::Other(_)));
        }
        assert_eq!(Kind::SetIpReply.to_string(), "set-IP reply");
        assert_eq!(
            Kind::Other(0x7E).to_string(),
            "message of unknown type 0x7e"
        );
    }

    #[test]
    fn what_is_whole_can_be_read_of_a_message_that_is_cut() {
        let whole = encode_raw(1, 0x81, &[(2, &[1; 6]), (3, &[10, 0, 0, 5])]);
        for len in 0..=whole.len() {
            let read = readable(&whole[..len]);
            assert_eq!(read.is_some(), len >= 12, "{len} bytes");
            let Some(read) = read else { continue };
            assert_eq!(read.payload_end, len.min(whole.len() - 1));
            let expected = usize::from(len >= 21) + usize::from(len >= 28);
            assert_eq!(read.fields.count(), expected, "{len} bytes");
        }
        assert!(readable(b"\x01ASMP\0\0\0\0\0\0\0\0\0").is_none());
    }
}
