//! Hostile bytes: whatever comes is decoded or refused, never panics, and view, meaning and dump
//! agree with each other.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use rollcall::wire::{
    Claimed, DiscoverReply, Frame, Guess, IpReply, IpRequest, IpStatus, Kind, MAX_HINTS, MAX_SPANS,
    MAX_STREAM_PAYLOAD_BYTES, MAX_TEXT_CHARS, Message, Rejection, RowWidth, StreamLen, annotate,
    decode, encode_raw, guess, hex_rows, stream_len,
};
use serde_json::Value;

const MAC: [u8; 6] = [0x00, 0xE0, 0x86, 0x12, 0x34, 0x56];
const IP: Ipv4Addr = Ipv4Addr::new(10, 20, 4, 17);

fn vectors() -> Vec<Vec<u8>> {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("data/vectors.json")).expect("a JSON list");
    vectors
        .iter()
        .map(|vector| {
            let hex = vector["hex"].as_str().expect("every vector has its bytes");
            (0..hex.len())
                .step_by(2)
                .map(|pos| u8::from_str_radix(&hex[pos..pos + 2], 16).expect("hex digits"))
                .collect()
        })
        .collect()
}

/// Everything that must hold for any bytes at all.
#[track_caller]
fn check(bytes: &[u8]) {
    let decoded = decode(bytes);
    let view = Frame::new_checked(bytes);
    assert_eq!(
        decoded
            .as_ref()
            .map(|decoded| decoded.frame)
            .map_err(|r| *r),
        view,
        "view and meaning refuse the same bytes for the same reason"
    );
    match &decoded {
        Ok(decoded) => {
            assert_eq!(Message::from_frame(&decoded.frame), decoded.message);
            assert_eq!(decoded.message.kind(), decoded.frame.kind());
            assert_eq!(
                decoded.frame.remarks().union(decoded.remarks),
                decoded.remarks,
                "what is said of the framing is said of the message"
            );
            check_frame(bytes, &decoded.frame);
            check_meaning(bytes, &decoded.message);
        }
        Err(rejection) => check_rejection(bytes, *rejection),
    }
    check_around(bytes);
}

fn check_frame(bytes: &[u8], frame: &Frame<'_>) {
    assert_eq!(frame.total_len(), frame.payload_len() + 13);
    assert!(
        frame.total_len() <= bytes.len() + 1,
        "only the end byte may be missing"
    );
    let mut pos = 12;
    for field in frame.fields() {
        assert_eq!(field.offset, pos, "fields lie one behind the other");
        let header = &bytes[pos..pos + 3];
        assert_eq!(header[0], field.kind);
        assert_eq!(
            usize::from(u16::from_be_bytes([header[1], header[2]])),
            field.value.len()
        );
        assert_eq!(&bytes[pos + 3..pos + 3 + field.value.len()], field.value);
        pos += 3 + field.value.len();
    }
    assert!(
        pos <= 12 + frame.payload_len(),
        "no field leaves the payload"
    );

    let fields: Vec<(u8, &[u8])> = frame.fields().map(|f| (f.kind, f.value)).collect();
    let encoded = encode_raw(frame.sequence(), frame.message_type(), &fields);
    if frame.remarks().is_empty() {
        assert_eq!(
            encoded, bytes,
            "a well-formed message encodes back byte for byte"
        );
    }
    let again = Frame::new_checked(&encoded).expect("what is written is well-formed");
    assert!(
        again.remarks().is_empty(),
        "what is written needs no remark"
    );
    assert!(
        again
            .fields()
            .map(|f| (f.kind, f.value))
            .eq(fields.iter().copied()),
        "the fields survive"
    );
}

fn check_meaning(bytes: &[u8], message: &Message) {
    let emitted = match message {
        Message::DiscoverReply(reply) => {
            if let Some(name) = &reply.host_name {
                assert!(!name.is_empty(), "an empty host name is none");
                assert_eq!(name.trim(), name);
                assert!(!name.contains('\0'), "the name ends before a NUL");
                // The memory contract: one allocation, at most twice the bytes it came from.
                assert!(
                    name.capacity() <= 2 * bytes.len(),
                    "room for {}",
                    name.capacity()
                );
            }
            reply.emit(9)
        }
        Message::TestIpRequest(request) | Message::SetIpRequest(request) => {
            request.emit(message.kind(), 9)
        }
        Message::TestIpReply(reply) | Message::SetIpReply(reply) => reply.emit(message.kind(), 9),
        Message::DiscoverRequest | Message::Other(_) => return,
    };
    let again = decode(&emitted).expect("what is written is well-formed");
    assert_eq!(again.frame.sequence(), 9);
    assert!(again.remarks.is_empty(), "what is written needs no remark");
    // A Latin-1 name may double, and then be longer than a field can hold: it is cut.
    let is_cut = matches!(message, Message::DiscoverReply(reply)
        if reply.host_name.as_ref().is_some_and(|name| name.len() > usize::from(u16::MAX)));
    assert!(is_cut || &again.message == message, "the meaning survives");
}

fn check_rejection(bytes: &[u8], rejection: Rejection) {
    assert!(
        rejection.offset() <= bytes.len(),
        "the offset is within the datagram"
    );
    assert_eq!(rejection.hint().is_some(), bytes.starts_with(b"\x01ASMP"));
    match rejection {
        Rejection::NotAidp { len_bytes, .. } => {
            assert_eq!(len_bytes, bytes.len());
            assert!(bytes.len() < 13 || !bytes.starts_with(b"\x01AIDP"));
        }
        Rejection::PayloadOverrun {
            claimed,
            available,
            offset,
        } => {
            assert_eq!((offset, available), (8, bytes.len() - 12));
            assert!(claimed as usize > available, "an overrun is one");
        }
        Rejection::FieldOverrun {
            field,
            offset,
            claimed,
            available,
        } => {
            assert_eq!(bytes[offset], field, "the offset is that of the field");
            match claimed {
                Some(claimed) => assert!(usize::from(claimed) > available),
                None => assert!(available < 2, "a whole header has a length"),
            }
        }
    }
}

/// Streams, names, dump and guesses, which work on any bytes.
fn check_around(bytes: &[u8]) {
    match stream_len(bytes) {
        Ok(StreamLen::HeaderIncomplete) => assert!(bytes.len() < 12),
        Ok(StreamLen::Whole(len_bytes)) => {
            assert!((13..=MAX_STREAM_PAYLOAD_BYTES as usize + 13).contains(&len_bytes));
            if let Ok(frame) = Frame::new_checked(bytes) {
                assert_eq!(len_bytes, frame.total_len());
            }
        }
        Err(_) => assert!(
            Frame::new_checked(bytes)
                .is_ok_and(|frame| frame.payload_len() > MAX_STREAM_PAYLOAD_BYTES as usize)
                || Frame::new_checked(bytes).is_err(),
            "a stream refuses what a datagram refuses, and what is too large"
        ),
    }

    let spans = annotate(bytes);
    assert!(spans.len() <= MAX_SPANS);
    let mut pos = 0;
    for span in &spans {
        assert_eq!(span.range.start, pos, "names leave no gap");
        assert!(span.range.end > pos, "no name is for nothing");
        assert!(!span.label.is_empty() && span.label.len() < 512);
        pos = span.range.end;
    }
    assert_eq!(pos, bytes.len(), "every byte has a name");

    for width in [RowWidth::Eight, RowWidth::Sixteen] {
        let dumped: usize = hex_rows(bytes, width).map(|row| row.bytes.len()).sum();
        assert_eq!(dumped, bytes.len());
    }

    let hints = guess(bytes, Some(MAC), Some(IP));
    assert!(hints.len() <= MAX_HINTS);
    for hint in hints {
        let found = &bytes[hint.offset..hint.offset + hint.len];
        match hint.what {
            Guess::SenderMac => assert_eq!(found, MAC),
            Guess::SenderIp => assert_eq!(found, IP.octets()),
            Guess::Text(text) => {
                assert!(found.len() >= 4 && found.starts_with(text.as_bytes()));
                assert!(text.len() == found.len() || text.len() == MAX_TEXT_CHARS);
            }
        }
    }
}

#[test]
fn every_vector_and_every_truncation_of_it_is_decoded_or_refused() {
    for bytes in vectors() {
        for len in 0..=bytes.len() {
            check(&bytes[..len]);
        }
    }
}

#[test]
fn every_single_bit_flip_of_every_vector_is_decoded_or_refused() {
    for mut bytes in vectors() {
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            check(&bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn every_byte_of_every_vector_may_be_any_other() {
    for mut bytes in vectors() {
        for pos in 0..bytes.len() {
            let kept = bytes[pos];
            for byte in [0x00, 0x01, 0x0D, 0x7F, 0x80, 0xFE, 0xFF] {
                bytes[pos] = byte;
                check(&bytes);
            }
            bytes[pos] = kept;
        }
    }
}

#[test]
fn the_largest_datagram_decodes_within_the_memory_contract() {
    // Latin-1 of nothing but high bytes doubles on its way to a string: the worst there is.
    let name = vec![0xF6; 65_507 - 12 - 3 - 2];
    let bytes = encode_raw(1, 0x81, &[(6, &name)]);
    assert_eq!(bytes.len(), 65_507);
    check(&bytes);
    check(&encode_raw(1, 0x81, &vec![(6, &[b'a'][..]); 16_000]));
    check(&encode_raw(1, 0x81, &vec![(0x42, &[][..]); 21_000]));
    check(&vec![0; 65_507]);
    check(&vec![b'A'; 65_507]);
}

fn claimed() -> impl Strategy<Value = Claimed> {
    prop_oneof![
        Just(Claimed::Absent),
        any::<u32>().prop_map(|bits| Claimed::from(Ipv4Addr::from(bits))),
        Just(Claimed::None),
    ]
}

fn field() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let kind = prop_oneof![4 => 0_u8..9, 1 => any::<u8>()];
    let value = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..20),
        proptest::collection::vec(any::<u8>(), 4),
        proptest::collection::vec(any::<u8>(), 6),
    ];
    (kind, value)
}

proptest! {
    #[test]
    fn random_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes);
    }

    #[test]
    fn random_bytes_behind_a_header_are_decoded_or_refused(
        message_type in prop_oneof![Just(0x81_u8), Just(0x82), 1_u8..4, any::<u8>()],
        body in proptest::collection::vec(any::<u8>(), 1..200),
        short_by in 0_usize..4,
    ) {
        let payload_len = body.len().saturating_sub(short_by) as u32;
        let mut bytes = b"\x01AIDP\x00\x07".to_vec();
        bytes.push(message_type);
        bytes.extend(payload_len.to_be_bytes());
        bytes.extend(body);
        check(&bytes);
    }

    #[test]
    fn random_fields_survive_the_way_to_bytes_and_back(
        sequence in any::<u16>(),
        message_type in prop_oneof![Just(0x81_u8), Just(0x82), 1_u8..4, any::<u8>()],
        fields in proptest::collection::vec(field(), 0..12),
    ) {
        let fields: Vec<(u8, &[u8])> = fields
            .iter()
            .filter(|(kind, _)| *kind != 0xFF)
            .map(|(kind, value)| (*kind, value.as_slice()))
            .collect();
        let bytes = encode_raw(sequence, message_type, &fields);
        check(&bytes);
        let frame = Frame::new_checked(&bytes).expect("what is written is well-formed");
        prop_assert_eq!(frame.sequence(), sequence);
        prop_assert_eq!(frame.kind(), Kind::from(message_type));
        prop_assert!(frame.fields().map(|f| (f.kind, f.value)).eq(fields.iter().copied()));
    }

    #[test]
    fn any_meaning_survives_the_way_to_bytes_and_back(
        model_number in any::<Option<u16>>(),
        mac in any::<Option<[u8; 6]>>(),
        ip in claimed(),
        mask in claimed(),
        gateway in claimed(),
        host_name in proptest::option::of("[!-~äöü]{1,40}"),
        bits in any::<Option<u8>>(),
    ) {
        let reply = DiscoverReply { model_number, mac, ip, mask, gateway, host_name, modes: bits };
        let prefix_len = bits.filter(|_| !mask.is_stated());
        let request = IpRequest { mac, ip, mask, prefix_len, gateway, mode: bits };
        let answer = IpReply { mac, status: bits.map(IpStatus::from) };
        for (bytes, message) in [
            (reply.emit(1), Message::DiscoverReply(reply)),
            (request.emit(Kind::TestIpRequest, 1), Message::TestIpRequest(request)),
            (answer.emit(Kind::SetIpReply, 1), Message::SetIpReply(answer)),
        ] {
            let decoded = decode(&bytes).expect("what is written is well-formed");
            prop_assert!(decoded.remarks.is_empty());
            prop_assert_eq!(decoded.message, message);
        }
    }
}
